//! From the annotated struct to its `METADATA`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{Data, DataStruct, DeriveInput, Error, Fields};

use crate::attribute::RuleAttribute;
use crate::docs::Documentation;
use crate::errors::Errors;
use crate::examples::{Example, examples};

pub(crate) fn expand(input: &DeriveInput) -> syn::Result<TokenStream> {
    let mut errors = Errors::default();
    errors.take(check_is_unit_struct(input));
    let attribute = errors.take(RuleAttribute::parse(input));
    let documentation = errors.take(Documentation::parse(&input.attrs, &input.ident));
    // What follows depends on both, and would only repeat their errors.
    errors.finish(())?;

    let mut errors = Errors::default();
    errors.take(documentation.check_reason(attribute.default));
    errors.take(documentation.check_fix(&input.ident, attribute.fix.is_some()));
    let examples = errors.take(examples(&documentation, &attribute.code));
    errors.finish(metadata(input, &attribute, &documentation, &examples))
}

/// A rule has no state: its findings depend on nothing but the facts it is given.
fn check_is_unit_struct(input: &DeriveInput) -> syn::Result<()> {
    let is_unit_struct = matches!(
        input.data,
        Data::Struct(DataStruct {
            fields: Fields::Unit,
            ..
        })
    );
    if is_unit_struct && input.generics.params.is_empty() {
        return Ok(());
    }
    let ident = &input.ident;
    Err(Error::new_spanned(
        ident,
        format!("not a unit struct: write `struct {ident};`"),
    ))
}

fn metadata(
    input: &DeriveInput,
    attribute: &RuleAttribute,
    documentation: &Documentation,
    examples: &[Example],
) -> TokenStream {
    let ident = &input.ident;
    let RuleAttribute {
        code,
        name,
        summary,
        severity,
        category,
        default,
        preview,
        fix,
        since,
    } = attribute;
    let severity = format_ident!("{severity}");
    let category = format_ident!("{category}");
    let fix = match fix {
        Some(fix) => {
            let fix = format_ident!("{fix}");
            quote!(::core::option::Option::Some(::lint_core::fix::Applicability::#fix))
        }
        None => quote!(::core::option::Option::None),
    };
    let docs = &documentation.text;
    // With the span of the struct, `line!()` is its line and not that of the derive.
    let line = quote_spanned! { ident.span() => ::core::line!() };
    quote! {
        #[automatically_derived]
        impl #ident {
            /// What is known about this rule without running it.
            pub const METADATA: ::lint_core::rule::RuleMetadata = ::lint_core::rule::RuleMetadata {
                code: #code,
                name: #name,
                summary: #summary,
                severity: ::lint_core::diagnostic::Severity::#severity,
                category: ::lint_core::rule::Category::#category,
                default: #default,
                preview: #preview,
                fix: #fix,
                since: #since,
                docs: #docs,
                examples: &[#(#examples),*],
                file: ::core::file!(),
                line: #line,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;
    use crate::testing::{DOCS, doc_attributes, messages};

    fn attribute() -> TokenStream {
        quote! {
            #[rule(
                code = "RB101",
                severity = "error",
                category = "determinism",
                since = "0.1.0",
                summary = "the clock is read",
            )]
        }
    }

    #[test]
    fn generated_code() {
        let (docs, attribute) = (doc_attributes(DOCS), attribute());
        let expanded = expand(&parse_quote! { #(#docs)* #attribute struct WallClock; });
        let expected = quote! {
            #[automatically_derived]
            impl WallClock {
                /// What is known about this rule without running it.
                pub const METADATA: ::lint_core::rule::RuleMetadata = ::lint_core::rule::RuleMetadata {
                    code: "RB101",
                    name: "wall-clock",
                    summary: "the clock is read",
                    severity: ::lint_core::diagnostic::Severity::Error,
                    category: ::lint_core::rule::Category::Determinism,
                    default: true,
                    preview: false,
                    fix: ::core::option::Option::None,
                    since: "0.1.0",
                    docs: #DOCS,
                    examples: &[
                        ::lint_core::rule::Example {
                            group: 0u32,
                            kind: ::lint_core::rule::ExampleKind::Bad,
                            path: "workflow.py",
                            code: "now()  # RB101\n",
                            expected: &[1u32],
                        },
                        ::lint_core::rule::Example {
                            group: 1u32,
                            kind: ::lint_core::rule::ExampleKind::Good,
                            path: "workflow.py",
                            code: "workflow.now()\n",
                            expected: &[],
                        }
                    ],
                    file: ::core::file!(),
                    line: ::core::line!(),
                };
            }
        };
        assert_eq!(expanded.unwrap().to_string(), expected.to_string());
    }

    #[test]
    fn fixes_are_explained() {
        let refusals = |docs: &str, more: TokenStream| {
            let docs = doc_attributes(docs);
            let attribute = quote! {
                #[rule(
                    code = "RB101",
                    severity = "error",
                    category = "determinism",
                    since = "0.1.0",
                    summary = "the clock is read",
                    #more
                )]
            };
            messages(expand(
                &parse_quote! { #(#docs)* #attribute struct WallClock; },
            ))
        };
        assert_eq!(
            refusals(DOCS, quote!(fix = "safe")),
            ["missing section: write `## Fix`, with how far it can be trusted and why"]
        );
        let explained = format!("{DOCS}\n\n## Fix\nSafe.");
        assert_eq!(
            refusals(&explained, quote!()),
            ["`## Fix` is for rules with `fix = …`"]
        );
    }

    #[test]
    fn only_unit_structs() {
        let (docs, attribute) = (doc_attributes(DOCS), attribute());
        let items: [TokenStream; 5] = [
            quote! { struct WallClock {} },
            quote! { struct WallClock(u32); },
            quote! { struct WallClock<const N: usize>; },
            quote! { enum WallClock {} },
            quote! { union WallClock { a: u32 } },
        ];
        for item in items {
            assert_eq!(
                messages(expand(&parse_quote! { #(#docs)* #attribute #item })),
                ["not a unit struct: write `struct WallClock;`"]
            );
        }
    }

    #[test]
    fn errors_are_combined() {
        let refused = messages(expand(&parse_quote! { struct WallClock(u32); }));
        assert_eq!(
            refused,
            [
                "not a unit struct: write `struct WallClock;`",
                r#"missing attribute: write `#[rule(code = "RB101", …)]`"#,
                "missing documentation: write a `///` comment from `## What it does` on",
            ]
        );
    }

    #[test]
    fn errors_that_need_both_inputs_are_combined() {
        let docs = DOCS
            .replace("## Why is this bad?", "## Why restrict this?")
            .replace("# RB101", "# RB102");
        let (docs, attribute) = (doc_attributes(&docs), attribute());
        let refused = messages(expand(
            &parse_quote! { #(#docs)* #attribute struct WallClock; },
        ));
        assert_eq!(
            refused,
            [
                "`## Why restrict this?` is for rules with `default = false`: \
                 write `## Why is this bad?`",
                "unmarked example: write `# RB101` at the end of each reported line",
            ]
        );
    }
}
