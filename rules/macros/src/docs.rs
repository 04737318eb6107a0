//! The doc comment and its sections.

use std::fmt::Display;

use proc_macro2::Ident;
use syn::{Attribute, Error, Expr, ExprLit, Lit, LitStr, Meta};

use crate::errors::Errors;
use crate::fence::{Block, Fence};
use crate::line::Line;

#[derive(Debug, Default)]
pub(crate) struct Documentation {
    /// The whole comment, in Markdown.
    pub(crate) text: String,
    pub(crate) sections: Vec<Section>,
}

#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) heading: Heading,
    title: Line,
    pub(crate) body: Vec<Element>,
}

/// Something between two headings. Blank lines are nothing.
#[derive(Debug, Default)]
pub(crate) enum Element {
    /// A line of prose. Only its being there matters.
    #[default]
    Prose,
    Block(Block),
}

/// Ordered as in the documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Heading {
    WhatItDoes,
    Why,
    Example,
    UseInstead,
    Fix,
    Limits,
    Options,
    Sandbox,
    References,
}

const WHAT_IT_DOES: &str = "## What it does";
const WHY_BAD: &str = "## Why is this bad?";
const WHY_RESTRICT: &str = "## Why restrict this?";

const REQUIRED: [(&str, Heading); 4] = [
    (WHAT_IT_DOES, Heading::WhatItDoes),
    (WHY_BAD, Heading::Why),
    ("## Example", Heading::Example),
    ("## Use instead", Heading::UseInstead),
];

const FIX: &str = "## Fix";

const OPTIONAL: [(&str, Heading); 6] = [
    (WHY_RESTRICT, Heading::Why),
    (FIX, Heading::Fix),
    ("## Limits", Heading::Limits),
    ("## Options", Heading::Options),
    ("## Sandbox", Heading::Sandbox),
    ("## References", Heading::References),
];

impl Documentation {
    /// `owner` is where a missing piece is reported.
    pub(crate) fn parse(attributes: &[Attribute], owner: &Ident) -> syn::Result<Self> {
        let lines = lines(attributes)?;
        let Some(first) = lines.iter().find(|line| !line.is_blank()) else {
            return Err(Error::new_spanned(
                owner,
                format!("missing documentation: write a `///` comment from `{WHAT_IT_DOES}` on"),
            ));
        };
        if !first.is_heading() {
            return Err(first.error(format!("text before `{WHAT_IT_DOES}`: write it below")));
        }
        let text: Vec<_> = lines.iter().map(|line| line.text.as_str()).collect();
        let text = text.join("\n").trim().to_owned();
        let sections = sections(lines)?;
        check_sections(&sections, owner)?;
        Ok(Self { text, sections })
    }

    /// A rule that runs unasked needs a reason that holds for everybody.
    pub(crate) fn check_reason(&self, default: bool) -> syn::Result<()> {
        let mut sections = self.sections.iter();
        match sections.find(|section| section.title() == WHY_RESTRICT) {
            Some(section) if default => Err(section.error(format!(
                "is for rules with `default = false`: write `{WHY_BAD}`"
            ))),
            _ => Ok(()),
        }
    }
}

impl Documentation {
    /// What a fix may change has to be said, and nothing may be promised.
    pub(crate) fn check_fix(&self, owner: &Ident, is_fixable: bool) -> syn::Result<()> {
        let mut sections = self.sections.iter();
        let section = sections.find(|section| section.heading == Heading::Fix);
        match (section, is_fixable) {
            (None, true) => Err(Error::new_spanned(
                owner,
                format!("missing section: write `{FIX}`, with how far it can be trusted and why"),
            )),
            (Some(section), false) => Err(section.error("is for rules with `fix = …`")),
            _ => Ok(()),
        }
    }
}

impl Section {
    fn new(title: Line) -> syn::Result<Self> {
        let known = || REQUIRED.iter().chain(&OPTIONAL);
        match known().find(|(known, _)| *known == title.text.trim_end()) {
            Some((_, heading)) => Ok(Self {
                heading: *heading,
                title,
                body: Vec::new(),
            }),
            None => {
                let known: Vec<_> = known().map(|(title, _)| format!("`{title}`")).collect();
                let known = known.join(", ");
                Err(title.error(format!("unknown heading: write one of {known}")))
            }
        }
    }

    pub(crate) fn error(&self, message: impl Display) -> Error {
        self.title.error(format!("`{}` {message}", self.title()))
    }

    fn title(&self) -> &str {
        self.title.text.trim_end()
    }
}

/// The lines of the doc comment, without the space after `///`.
fn lines(attributes: &[Attribute]) -> syn::Result<Vec<Line>> {
    let mut lines = Vec::new();
    for attribute in attributes.iter().filter(|a| a.path().is_ident("doc")) {
        // Others, such as `#[doc(hidden)]`, are no text.
        if let Meta::NameValue(doc) = &attribute.meta {
            let comment = literal(&doc.value)?;
            lines.extend(comment.value().split('\n').map(|line| Line {
                text: line.strip_prefix(' ').unwrap_or(line).to_owned(),
                span: comment.span(),
            }));
        }
    }
    Ok(lines)
}

fn literal(value: &Expr) -> syn::Result<&LitStr> {
    match value {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) => Ok(text),
        _ => Err(Error::new_spanned(
            value,
            "documentation that the derive cannot read: write a `///` comment",
        )),
    }
}

fn sections(lines: Vec<Line>) -> syn::Result<Vec<Section>> {
    let mut errors = Errors::default();
    let mut sections: Vec<Section> = Vec::new();
    let mut lines = lines.into_iter();
    while let Some(line) = lines.next() {
        if line.is_blank() {
            continue;
        }
        if line.is_heading() {
            match Section::new(line) {
                Ok(section) => sections.push(section),
                Err(error) => errors.push(error),
            }
            continue;
        }
        let element = errors.take(element(&line, &mut lines));
        // Only below an unknown first heading is there no section.
        if let Some(section) = sections.last_mut() {
            section.body.push(element);
        }
    }
    errors.finish(sections)
}

fn element(line: &Line, rest: &mut impl Iterator<Item = Line>) -> syn::Result<Element> {
    let Some(fence) = Fence::open(line)? else {
        return Ok(Element::Prose);
    };
    let mut content = Vec::new();
    for line in rest {
        if fence.is_closed_by(&line) {
            return Block::new(&fence, content).map(Element::Block);
        }
        content.push(line);
    }
    Err(fence.unclosed())
}

fn check_sections(sections: &[Section], owner: &Ident) -> syn::Result<()> {
    let mut errors = Errors::default();
    for (index, section) in sections.iter().enumerate() {
        errors.take(check_order(section, &sections[..index]));
        if section.body.is_empty() {
            errors.push(section.error("is empty: write something below it"));
        }
    }
    for (title, heading) in REQUIRED {
        if sections.iter().all(|section| section.heading != heading) {
            let message = format!("missing section: write `{title}`");
            errors.push(Error::new_spanned(owner, message));
        }
    }
    errors.finish(())
}

fn check_order(section: &Section, before: &[Section]) -> syn::Result<()> {
    if before.iter().any(|s| s.heading == section.heading) {
        return Err(section.error("is the second of its kind: write one"));
    }
    match before.last() {
        Some(last) if section.heading < last.heading => {
            let last = last.title();
            Err(section.error(format!("is out of order: write it before `{last}`")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;
    use crate::testing::{DOCS, doc_attributes, messages};

    fn parse(text: &str) -> syn::Result<Documentation> {
        Documentation::parse(&doc_attributes(text), &parse_quote!(WallClock))
    }

    /// The refusals of good documentation after one replacement.
    fn refusals_with(old: &str, new: &str) -> Vec<String> {
        assert!(DOCS.contains(old));
        messages(parse(&DOCS.replace(old, new)))
    }

    #[test]
    fn required_sections() {
        let documentation = parse(DOCS).unwrap();
        assert_eq!(documentation.text, DOCS);
        let headings: Vec<_> = documentation.sections.iter().map(|s| s.heading).collect();
        assert_eq!(headings, REQUIRED.map(|(_, heading)| heading));
    }

    #[test]
    fn optional_sections() {
        let text = "\n## Limits\nL\n## Options\nO\n## Sandbox\nS\n## References\nR\n";
        let documentation = parse(&format!("{DOCS}{text}")).unwrap();
        assert_eq!(documentation.sections.len(), 8);
        assert!(documentation.text.ends_with("\nR"));
    }

    #[test]
    fn comment_lines() {
        let item: syn::ItemStruct = parse_quote! {
            ///one
            ///  two
            #[doc(hidden)]
            #[doc = " three\n  four"]
            struct WallClock;
        };
        let lines = lines(&item.attrs).unwrap();
        let texts: Vec<_> = lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["one", " two", "three", " four"]);
    }

    #[test]
    fn headings_in_fences_are_code() {
        let documentation = parse(&DOCS.replace(
            "Finds it.",
            "````markdown\n```python\n# Setup\n```\n## Example\n````",
        ));
        assert_eq!(documentation.unwrap().sections.len(), 4);
    }

    #[test]
    fn unreadable_documentation() {
        let documentation = Documentation::parse(
            &[parse_quote!(#[doc = include_str!("rule.md")])],
            &parse_quote!(WallClock),
        );
        assert_eq!(
            messages(documentation),
            ["documentation that the derive cannot read: write a `///` comment"]
        );
    }

    #[test]
    fn missing_documentation() {
        assert_eq!(
            messages(parse("\n")),
            ["missing documentation: write a `///` comment from `## What it does` on"]
        );
    }

    #[test]
    fn text_before_the_first_section() {
        assert_eq!(
            refusals_with("## What it does\n", ""),
            ["text before `## What it does`: write it below"]
        );
    }

    #[test]
    fn unknown_headings() {
        let unknown = "unknown heading: write one of `## What it does`, `## Why is this bad?`, \
                       `## Example`, `## Use instead`, `## Why restrict this?`, `## Fix`, \
                       `## Limits`, `## Options`, `## Sandbox`, `## References`";
        for heading in [
            "# Example",
            "### Example",
            "## example",
            "##",
            " ## Example",
        ] {
            assert_eq!(refusals_with("## Example", heading), [unknown]);
        }
        assert_eq!(refusals_with("## What it does", "## What"), [unknown]);
    }

    #[test]
    fn missing_sections() {
        assert_eq!(
            messages(parse("## Example\nText.")),
            [
                "missing section: write `## What it does`",
                "missing section: write `## Why is this bad?`",
                "missing section: write `## Use instead`",
            ]
        );
    }

    #[test]
    fn sections_out_of_order() {
        assert_eq!(
            refusals_with("## Example", "## Limits\nText.\n\n## Example"),
            ["`## Example` is out of order: write it before `## Limits`"]
        );
    }

    #[test]
    fn second_section_of_a_kind() {
        assert_eq!(
            refusals_with("It is.", "It is.\n\n## Why restrict this?\nText."),
            ["`## Why restrict this?` is the second of its kind: write one"]
        );
    }

    #[test]
    fn empty_sections() {
        assert_eq!(
            refusals_with("It is.", ""),
            ["`## Why is this bad?` is empty: write something below it"]
        );
    }

    #[test]
    fn unclosed_fences() {
        assert_eq!(
            refusals_with("Finds it.", "````text"),
            ["unclosed code fence: write a line with ```` after the block"]
        );
    }

    #[test]
    fn all_bad_blocks_are_reported() {
        assert_eq!(refusals_with("```python", "```rust").len(), 2);
    }

    #[test]
    fn reason_of_a_restriction() {
        let documentation = parse(&DOCS.replace(WHY_BAD, WHY_RESTRICT)).unwrap();
        assert!(documentation.check_reason(false).is_ok());
        assert_eq!(
            messages(documentation.check_reason(true)),
            [
                "`## Why restrict this?` is for rules with `default = false`: \
                 write `## Why is this bad?`"
            ]
        );
    }

    #[test]
    fn ordinary_reason() {
        let documentation = parse(DOCS).unwrap();
        assert!(documentation.check_reason(true).is_ok());
        assert!(documentation.check_reason(false).is_ok());
    }
}
