//! `runbook.md`: its YAML frontmatter with the place of every key and value.

pub(crate) mod cli;
pub(crate) mod context;
pub(crate) mod key;
pub(crate) mod pattern;
pub(crate) mod scalar;
pub(crate) mod subledger;
pub(crate) mod view;
pub(crate) mod yaml;

use lint_core::diagnostic::{FileId, Place, Span};
use lint_core::source::SourceFile;

use crate::model::Model;

use yaml::{Duplicate, Entry, Mapping, Node};

/// A `runbook.md` that was read.
#[derive(Debug)]
pub(crate) struct RunbookMd<'p> {
    pub(crate) file: FileId,
    pub(crate) source: &'p SourceFile,
    pub(crate) frontmatter: Result<Frontmatter, Fault>,
}

#[derive(Debug)]
pub(crate) struct Frontmatter {
    pub(crate) root: Mapping,
    pub(crate) duplicates: Vec<Duplicate>,
    /// The line that opens it.
    pub(crate) fence: Span,
}

/// Why there is no frontmatter, as the platform sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The first line that is not blank is no `---`.
    Missing {
        first_line: Span,
    },
    /// The mark at the start of the file hides the `---` after it.
    ByteOrderMark {
        fence: Span,
    },
    Unclosed {
        fence: Span,
    },
    Yaml {
        message: String,
        span: Span,
    },
    NotMapping {
        found: &'static str,
        span: Span,
    },
    /// The platform may well read it, but here it cannot be.
    Doubtful,
}

impl<'p> RunbookMd<'p> {
    /// All of a project, by index into the model's bundles.
    pub(crate) fn all(model: &Model<'p>) -> Vec<Option<Self>> {
        let bundles = model.bundles.iter();
        bundles
            .map(|bundle| {
                let file = bundle.manifest?;
                Some(Self::new(file, model.project.text(file)?))
            })
            .collect()
    }

    pub(crate) fn new(file: FileId, source: &'p SourceFile) -> Self {
        Self {
            file,
            source,
            frontmatter: read(source),
        }
    }

    pub(crate) fn root(&self) -> Option<&Mapping> {
        self.frontmatter.as_ref().ok().map(|it| &it.root)
    }

    /// The entry of a field at the top.
    pub(crate) fn get(&self, field: &str) -> Option<&Entry> {
        self.root()?.get(field)
    }

    /// The value of a field at the top, if it is a string with something in it.
    pub(crate) fn string(&self, field: &str) -> Option<&str> {
        self.get(field)?
            .value
            .string()
            .filter(|it| !it.trim().is_empty())
    }

    /// The entries of a list at the top, if it is one.
    pub(crate) fn list(&self, field: &str) -> &[Node] {
        self.get(field)
            .and_then(|it| it.value.sequence())
            .unwrap_or_default()
    }

    pub(crate) fn place(&self, span: Span) -> Place {
        Place {
            file: self.file,
            span,
        }
    }

    /// Where to point when the bundle as a whole is meant: its slug, or the first line.
    pub(crate) fn head(&self) -> Place {
        let slug = self
            .get("slug")
            .map(|it| &it.value)
            .filter(|it| !it.is_null());
        let span = match (slug, &self.frontmatter) {
            (Some(slug), _) => slug.span,
            (None, Ok(frontmatter)) => frontmatter.fence,
            (None, Err(_)) => match cli::read(&self.source.text, "slug") {
                Some(found) => found.span,
                None => self.source.line_span(1),
            },
        };
        self.place(span)
    }
}

/// Follows the platform's own reader line by line.
fn read(source: &SourceFile) -> Result<Frontmatter, Fault> {
    let lines = || (1..=source.line_count()).map(|line| source.line_span(line));
    let is_fence = |span: &Span| source.slice(*span).trim() == "---";
    let mut lines = lines().skip_while(|span| source.slice(*span).trim().is_empty());
    let fence = match lines.next() {
        Some(line) if is_fence(&line) => line,
        Some(line) => return Err(Fault::Missing { first_line: line }),
        None => {
            return Err(Fault::Missing {
                first_line: Span::default(),
            });
        }
    };
    if source.bom {
        return Err(Fault::ByteOrderMark { fence });
    }
    let start = next_line(source, fence);
    let Some(end) = lines.find(is_fence) else {
        return Err(Fault::Unclosed { fence });
    };
    let block = source.slice(Span::new(start, end.start));
    let document = yaml::parse(block, start).map_err(|error| match error.is_doubtful {
        true => Fault::Doubtful,
        false => Fault::Yaml {
            message: error.message,
            span: error.span,
        },
    })?;
    match document.root {
        // The platform takes nothing for no frontmatter at all.
        None => Err(Fault::NotMapping {
            found: "empty",
            span: fence,
        }),
        Some(root) => {
            let found = root.describe();
            let span = root.span;
            match root.value {
                yaml::Value::Mapping(root) => Ok(Frontmatter {
                    root,
                    duplicates: document.duplicates,
                    fence,
                }),
                _ => Err(Fault::NotMapping {
                    found,
                    span: first_line(source, span),
                }),
            }
        }
    }
}

fn next_line(source: &SourceFile, line: Span) -> u32 {
    let rest = &source.text[line.end as usize..];
    let end = if rest.starts_with("\r\n") {
        2
    } else {
        rest.len().min(1)
    };
    line.end + end as u32
}

fn first_line(source: &SourceFile, span: Span) -> Span {
    let line = source.line_span(source.line(span.start));
    Span::new(span.start, span.end.min(line.end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> Option<Fault> {
        read(&SourceFile::new("runbook.md", text)).err()
    }

    #[test]
    fn frontmatter_is_found_as_the_platform_finds_it() {
        for text in [
            "---\na: 1\n---\n",
            "\n \n--- \r\na: 1\r\n  ---\r\nbody\r\n",
            "---\na: 1\n---",
        ] {
            assert_eq!(fault(text), None, "{text:?}");
        }
        assert!(
            matches!(fault("# Fees\n---\na: 1\n---\n"), Some(Fault::Missing { first_line }) if first_line == Span::new(0, 6))
        );
        assert!(matches!(fault("\n"), Some(Fault::Missing { .. })));
        assert!(matches!(fault("---\na: 1\n"), Some(Fault::Unclosed { .. })));
        assert!(
            matches!(fault("---\na: b: c\n---\n"), Some(Fault::Yaml { span, .. }) if span == Span::new(8, 9))
        );
        assert!(matches!(
            fault("---\n- a\n---\n"),
            Some(Fault::NotMapping {
                found: "a list",
                ..
            })
        ));
        assert!(matches!(
            fault("---\n# a\n---\n"),
            Some(Fault::NotMapping { found: "empty", .. })
        ));
        let marked =
            SourceFile::decode("runbook.md", b"\xEF\xBB\xBF---\na: 1\n---\n").expect("UTF-8");
        assert!(matches!(read(&marked), Err(Fault::ByteOrderMark { .. })));
    }

    #[test]
    fn spans_are_those_of_the_file() {
        let source = SourceFile::new("runbook.md", "\r\n---\r\nslug: 'é-x' # c\r\n---\r\nbody");
        let md = RunbookMd::new(FileId(0), &source);
        assert_eq!(source.slice(md.head().span), "'é-x'");
    }
}
