//! `#[derive(RuleMetadata)]`: turns the doc comment and the `#[rule(...)]` attribute of a unit
//! struct into `pub const METADATA: lint_core::rule::RuleMetadata`. A rule whose documentation is
//! incomplete does not compile.
//!
//! # The attribute
//!
//! | key        | value                                                                        |
//! |------------|------------------------------------------------------------------------------|
//! | `code`     | `RB` and three digits                                                        |
//! | `severity` | `error`, `warning` or `info`                                                 |
//! | `category` | `lint`, `determinism`, `contract`, `steps`, `calls`, `bundle`, `lifecycle`, `versioning` |
//! | `since`    | the version of runbook-lint that introduced the rule, `x.y.z`                |
//! | `summary`  | one line that starts in lower case and ends without a period                 |
//! | `name`     | optional, kebab case; the struct's name in kebab case unless given           |
//! | `default`  | optional, `true` unless given; `false` for a rule that only runs if selected |
//! | `preview`  | optional, `false` unless given; `true` for a rule that still has to prove itself |
//! | `fix`      | optional, `safe` or `unsafe`: the most trusted fix that it offers                  |
//!
//! # The documentation
//!
//! The sections are, in this order, `## What it does`, `## Why is this bad?` (a rule with
//! `default = false` may write `## Why restrict this?`), `## Example`, `## Use instead`, for a rule with
//! `fix` `## Fix`, which says how far its fixes can be trusted and why, and where there is something to
//! say `## Limits`, `## Options`, `## Sandbox` and `## References`.
//!
//! The code blocks of `## Example` and `## Use instead` are files, and the blocks up to the next
//! paragraph are one small project. The info string of a fence is
//! `python|markdown|toml|yaml|text [path=relative/path]`: `path` is `workflow.py` unless given for
//! Python and required for the other languages; a `text` block is no file. Each project of
//! `## Example` has at least one line that ends in a comment with the rule's code, `# RB101`,
//! `# RB101, RB102` or, in Markdown, `<!-- RB101 -->`; those of `## Use instead` have none.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod attribute;
mod docs;
mod errors;
mod examples;
mod expand;
mod fence;
mod line;
#[cfg(test)]
mod testing;

/// Generates the associated constant `METADATA`; see the [crate's documentation](crate).
#[proc_macro_derive(RuleMetadata, attributes(rule))]
pub fn rule_metadata(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = syn::parse_macro_input!(input as syn::DeriveInput);
    expand::expand(&input)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}
