//! The code blocks that are examples: which files they are and on which lines the rule fires.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use syn::Error;

use crate::attribute::is_code;
use crate::docs::{Documentation, Element, Heading, Section};
use crate::errors::Errors;
use crate::fence::{Block, Language};
use crate::line::Line;

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Example {
    group: u32,
    kind: Kind,
    path: String,
    code: String,
    expected: Vec<u32>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Kind {
    #[default]
    Bad,
    Good,
}

/// The blocks up to the next prose: a small project.
struct Group<'a> {
    kind: Kind,
    blocks: Vec<&'a Block>,
}

/// The examples of the rule with this code.
pub(crate) fn examples(documentation: &Documentation, code: &str) -> syn::Result<Vec<Example>> {
    let mut errors = Errors::default();
    let groups = documentation
        .sections
        .iter()
        .flat_map(|section| errors.take(groups(section)))
        .collect::<Vec<_>>();
    let mut examples = Vec::new();
    for (number, group) in (0..).zip(&groups) {
        examples.extend(errors.take(group.examples(number, code)));
    }
    errors.finish(examples)
}

fn groups(section: &Section) -> syn::Result<Vec<Group<'_>>> {
    let kind = match section.heading {
        Heading::Example => Kind::Bad,
        Heading::UseInstead => Kind::Good,
        _ => return Ok(Vec::new()),
    };
    let groups: Vec<_> = section
        .body
        .split(|element| matches!(element, Element::Prose))
        .map(|run| run.iter().filter_map(file).collect())
        .filter(|blocks: &Vec<_>| !blocks.is_empty())
        .map(|blocks| Group { kind, blocks })
        .collect();
    if groups.is_empty() {
        return Err(section.error("shows no file: write a code block"));
    }
    Ok(groups)
}

fn file(element: &Element) -> Option<&Block> {
    match element {
        Element::Block(block) if block.language != Language::Text => Some(block),
        _ => None,
    }
}

impl Group<'_> {
    fn examples(&self, number: u32, code: &str) -> syn::Result<Vec<Example>> {
        let mut errors = Errors::default();
        errors.take(self.check_marks(code));
        let mut examples: Vec<Example> = Vec::new();
        for block in &self.blocks {
            let path = match path(block) {
                Ok(path) => path,
                Err(error) => {
                    errors.push(error);
                    continue;
                }
            };
            if examples.iter().any(|earlier| earlier.path == path) {
                errors.push(Error::new(
                    block.span,
                    format!(
                        "second `{path}` of one example: write another `path=`, or a sentence \
                         between two examples"
                    ),
                ));
            }
            examples.push(Example {
                group: number,
                kind: self.kind,
                path,
                code: source(block),
                expected: marked(block, code).map(|(number, _)| number).collect(),
            });
        }
        errors.finish(examples)
    }

    fn check_marks(&self, code: &str) -> syn::Result<()> {
        let mut marked = self.blocks.iter().flat_map(|block| marked(block, code));
        match (self.kind, marked.next()) {
            (Kind::Bad, None) => Err(Error::new(
                self.blocks[0].span,
                format!("unmarked example: write `# {code}` at the end of each reported line"),
            )),
            (Kind::Good, Some((_, line))) => Err(line.error(format!(
                "marked line below `## Use instead`: write code without {code}"
            ))),
            _ => Ok(()),
        }
    }
}

fn path(block: &Block) -> syn::Result<String> {
    match (&block.path, block.language) {
        (Some(path), _) => Ok(path.clone()),
        (None, Language::Python) => Ok("workflow.py".to_owned()),
        (None, _) => Err(Error::new(
            block.span,
            "file without a name: write `path=…` after the language",
        )),
    }
}

fn source(block: &Block) -> String {
    block
        .lines
        .iter()
        .map(|line| format!("{}\n", line.text))
        .collect()
}

/// The lines of the block that end in a comment with the code, and their 1-based numbers.
fn marked<'a>(block: &'a Block, code: &'a str) -> impl Iterator<Item = (u32, &'a Line)> {
    (1..)
        .zip(&block.lines)
        .filter(move |(_, line)| codes(&line.text, block.language).contains(&code))
}

/// The codes in the comment at the end of the line, if it has nothing but codes.
fn codes(line: &str, language: Language) -> Vec<&str> {
    let comment = trailing_comment(line, language).unwrap_or_default();
    let words = comment.split([',', ' ']).filter(|word| !word.is_empty());
    if words.clone().all(is_code) {
        words.collect()
    } else {
        Vec::new()
    }
}

/// Markdown has comments of its own kind, and `#` in its front matter and in its code.
fn trailing_comment(line: &str, language: Language) -> Option<&str> {
    let line = line.trim_end();
    let html = line
        .strip_suffix("-->")
        .filter(|_| language == Language::Markdown);
    match html {
        Some(line) => line.rsplit_once("<!--"),
        None => line.rsplit_once('#'),
    }
    .map(|(_, comment)| comment)
}

impl ToTokens for Example {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self {
            group,
            kind,
            path,
            code,
            expected,
        } = self;
        let kind = format_ident!("{kind:?}");
        tokens.extend(quote! {
            ::lint_core::rule::Example {
                group: #group,
                kind: ::lint_core::rule::ExampleKind::#kind,
                path: #path,
                code: #code,
                expected: &[#(#expected),*],
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;
    use crate::testing::{doc_attributes, messages};

    const GOOD: &str = "```python\nok()\n```";
    const BAD: &str = "```python\nnow()  # RB101\n```";

    fn parse(bad: &str, good: &str) -> syn::Result<Vec<Example>> {
        let text = format!(
            "## What it does\nA.\n## Why is this bad?\nB.\n\
             ## Example\n{bad}\n## Use instead\n{good}\n## Options\n```toml\na = 1\n```"
        );
        let documentation =
            Documentation::parse(&doc_attributes(&text), &parse_quote!(WallClock)).unwrap();
        examples(&documentation, "RB101")
    }

    #[test]
    fn least_examples() {
        let file = |group, kind, code: &str, expected| Example {
            group,
            kind,
            path: "workflow.py".into(),
            code: code.into(),
            expected,
        };
        assert_eq!(
            parse(BAD, GOOD).unwrap(),
            [
                file(0, Kind::Bad, "now()  # RB101\n", vec![1]),
                file(1, Kind::Good, "ok()\n", vec![]),
            ]
        );
    }

    #[test]
    fn prose_separates_groups() {
        let bad = format!(
            "Text.\n{BAD}\n\n```text\noutput\n```\n```yaml path=a.yaml\na: 1\n```\nOr:\n{BAD}"
        );
        let files: Vec<_> = parse(&bad, GOOD)
            .unwrap()
            .into_iter()
            .map(|example| (example.group, example.path))
            .collect();
        let file = |group, path: &str| (group, path.to_owned());
        assert_eq!(
            files,
            [
                file(0, "workflow.py"),
                file(0, "a.yaml"),
                file(1, "workflow.py"),
                file(2, "workflow.py"),
            ]
        );
    }

    #[test]
    fn one_marked_file_is_enough() {
        let bad = format!("{BAD}\n```python path=helpers.py\nnow()\n```");
        let examples = parse(&bad, GOOD).unwrap();
        assert_eq!(examples[0].expected, [1]);
        assert!(examples[1].expected.is_empty());
    }

    #[test]
    fn code_keeps_its_indentation_and_blank_lines() {
        let bad = "```python\nif a:\n\n    now()  # RB101\n```";
        let example = &parse(bad, GOOD).unwrap()[0];
        assert_eq!(example.code, "if a:\n\n    now()  # RB101\n");
        assert_eq!(example.expected, [3]);
    }

    #[test]
    fn marks() {
        for line in [
            "now()  # RB101",
            "now()  #RB101 ",
            "now()  # RB102, RB101",
            "now()  # RB102 RB101",
            "now()  # noqa # RB101",
        ] {
            assert!(codes(line, Language::Python).contains(&"RB101"), "{line}");
        }
        for line in [
            "now()",
            "now()  #",
            "now()  # RB1011",
            "now()  # not RB101",
            "now()  # RB101: why",
            "now()  # RB101 # why",
            "now()  <!-- RB101 -->",
        ] {
            assert!(!codes(line, Language::Python).contains(&"RB101"), "{line}");
        }
    }

    #[test]
    fn marks_in_markdown() {
        for line in [
            "Text <!-- RB101 -->",
            "<!--RB102, RB101-->",
            "key: 1  # RB101",
        ] {
            assert!(codes(line, Language::Markdown).contains(&"RB101"), "{line}");
        }
    }

    #[test]
    fn sections_without_files() {
        assert_eq!(
            messages(parse("Text.", "```text\nok()\n```")),
            [
                "`## Example` shows no file: write a code block",
                "`## Use instead` shows no file: write a code block",
            ]
        );
    }

    #[test]
    fn unmarked_group() {
        assert_eq!(
            messages(parse(&format!("{BAD}\nOr:\n{GOOD}"), GOOD)),
            ["unmarked example: write `# RB101` at the end of each reported line"]
        );
    }

    #[test]
    fn marked_alternative() {
        assert_eq!(
            messages(parse(BAD, BAD)),
            ["marked line below `## Use instead`: write code without RB101"]
        );
    }

    #[test]
    fn files_without_a_name() {
        for language in ["markdown", "toml", "yaml"] {
            assert_eq!(
                messages(parse(BAD, &format!("```{language}\n```"))),
                ["file without a name: write `path=…` after the language"]
            );
        }
    }

    #[test]
    fn duplicate_paths() {
        assert_eq!(
            messages(parse(BAD, &format!("{GOOD}\n{GOOD}"))),
            [
                "second `workflow.py` of one example: write another `path=`, or a sentence \
                 between two examples"
            ]
        );
    }
}
