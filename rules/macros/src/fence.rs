//! Fenced code blocks and their info strings.

use proc_macro2::Span;
use syn::Error;

use crate::line::Line;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Python,
    Markdown,
    Toml,
    Yaml,
    /// Shown to the reader only, never a file of an example.
    Text,
}

#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) language: Language,
    pub(crate) path: Option<String>,
    pub(crate) lines: Vec<Line>,
    /// Of the opening fence.
    pub(crate) span: Span,
}

impl Block {
    pub(crate) fn new(fence: &Fence, lines: Vec<Line>) -> syn::Result<Self> {
        let mut info = fence.info.split_whitespace();
        let language = language(info.next().unwrap_or_default())
            .map_err(|message| Error::new(fence.span, message))?;
        let path = info
            .next()
            .map(|option| path(option, language))
            .transpose()
            .map_err(|message| Error::new(fence.span, message))?;
        if info.next().is_some() {
            return Err(Error::new(fence.span, UNKNOWN_OPTION));
        }
        Ok(Self {
            language,
            path,
            lines,
            span: fence.span,
        })
    }
}

/// The opening line of a block.
pub(crate) struct Fence {
    width: usize,
    info: String,
    pub(crate) span: Span,
}

impl Fence {
    /// Markdown has other forms of fences. They are refused rather than taken for prose.
    pub(crate) fn open(line: &Line) -> syn::Result<Option<Self>> {
        let info = line.text.trim_start_matches('`');
        let width = line.text.len() - info.len();
        if width >= 3 {
            return Ok(Some(Self {
                width,
                info: info.to_owned(),
                span: line.span,
            }));
        }
        let text = line.text.trim_start();
        if text.starts_with("```") || text.starts_with("~~~") {
            return Err(Error::new(
                line.span,
                "unsupported code fence: write backticks at the start of the line",
            ));
        }
        Ok(None)
    }

    /// Whether Markdown ends the block here: backticks only, at least as many as opened it,
    /// indented by less than a tab stop.
    pub(crate) fn is_closed_by(&self, line: &Line) -> bool {
        let text = line.text.trim_end();
        let ticks = text.trim_start_matches(' ');
        text.len() - ticks.len() < 4
            && ticks.len() >= self.width
            && ticks.bytes().all(|b| b == b'`')
    }

    pub(crate) fn unclosed(&self) -> Error {
        let ticks = "`".repeat(self.width);
        Error::new(
            self.span,
            format!("unclosed code fence: write a line with {ticks} after the block"),
        )
    }
}

const UNKNOWN_OPTION: &str =
    "unknown option of a code block: write nothing but `path=…` after the language";

fn language(word: &str) -> Result<Language, &'static str> {
    match word {
        "python" => Ok(Language::Python),
        "markdown" => Ok(Language::Markdown),
        "toml" => Ok(Language::Toml),
        "yaml" => Ok(Language::Yaml),
        "text" => Ok(Language::Text),
        _ => Err(
            "unknown language of a code block: write `python`, `markdown`, `toml`, `yaml` or `text`",
        ),
    }
}

fn path(option: &str, language: Language) -> Result<String, &'static str> {
    let path = option.strip_prefix("path=").ok_or(UNKNOWN_OPTION)?;
    if language == Language::Text {
        return Err("a `text` block is no file: remove `path=`");
    }
    if !is_plain_relative(path) {
        return Err("malformed path: write a relative path with `/` and without `.` or `..`");
    }
    Ok(path.to_owned())
}

/// Examples are written to a temporary directory on every platform and must stay in it.
fn is_plain_relative(path: &str) -> bool {
    !path.contains(['\\', ':']) && !path.split('/').any(|part| matches!(part, "" | "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::messages;

    fn line(text: &str) -> Line {
        Line {
            text: text.to_owned(),
            span: Span::call_site(),
        }
    }

    fn block(fence: &str) -> syn::Result<Block> {
        let fence = Fence::open(&line(fence)).unwrap().unwrap();
        Block::new(&fence, Vec::new())
    }

    #[test]
    fn info_strings() {
        for (info, language, path) in [
            ("```python", Language::Python, None),
            ("````markdown path=a.md", Language::Markdown, Some("a.md")),
            ("``` toml  path=a/b.toml", Language::Toml, Some("a/b.toml")),
            ("```yaml path=a.yaml ", Language::Yaml, Some("a.yaml")),
            ("```text", Language::Text, None),
        ] {
            let block = block(info).unwrap();
            assert_eq!((block.language, block.path.as_deref()), (language, path));
        }
    }

    #[test]
    fn unknown_languages() {
        for fence in ["```", "```rust", "```Python", "```path=a.py"] {
            assert_eq!(
                messages(block(fence)),
                [
                    "unknown language of a code block: write `python`, `markdown`, `toml`, `yaml` \
                     or `text`"
                ]
            );
        }
    }

    #[test]
    fn unknown_options() {
        for fence in ["```python title=a", "```python path=a.py b"] {
            assert_eq!(
                messages(block(fence)),
                ["unknown option of a code block: write nothing but `path=…` after the language"]
            );
        }
    }

    #[test]
    fn text_is_no_file() {
        assert_eq!(
            messages(block("```text path=a.txt")),
            ["a `text` block is no file: remove `path=`"]
        );
    }

    #[test]
    fn malformed_paths() {
        for path in [
            "",
            "/a.py",
            "C:/a.py",
            "../a.py",
            "a/../b.py",
            "./a.py",
            r"a\b.py",
        ] {
            assert_eq!(
                messages(block(&format!("```python path={path}"))),
                ["malformed path: write a relative path with `/` and without `.` or `..`"]
            );
        }
    }

    #[test]
    fn other_forms_of_fences() {
        for fence in ["~~~python", "  ```python"] {
            assert_eq!(
                messages(Fence::open(&line(fence))),
                ["unsupported code fence: write backticks at the start of the line"]
            );
        }
        assert!(Fence::open(&line("`a` is code")).unwrap().is_none());
    }

    #[test]
    fn closing_lines() {
        let fence = Fence::open(&line("````text")).unwrap().unwrap();
        for closing in ["````", "`````", "   ````  "] {
            assert!(fence.is_closed_by(&line(closing)), "{closing}");
        }
        for content in ["```", "    ````", "````text", ""] {
            assert!(!fence.is_closed_by(&line(content)), "{content}");
        }
    }
}
