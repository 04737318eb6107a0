//! From edits to a changed text.

use lint_core::diagnostic::{Edit, Span};
use lint_core::source::SourceFile;

/// The text after the edits, which are sorted and do not overlap. Their lines end as those of the
/// file do.
pub(crate) fn edited<'e>(source: &SourceFile, edits: impl IntoIterator<Item = &'e Edit>) -> String {
    let line_break = line_break(&source.text);
    let mut text = String::with_capacity(source.text.len());
    let mut done = 0;
    for edit in edits {
        let Span { start, end } = edit.place.span;
        text.push_str(source.slice(Span::new(done, start)));
        text.push_str(&edit.replacement.replace('\n', line_break));
        done = end;
    }
    text.push_str(source.slice(Span::new(done, source.text.len() as u32)));
    text
}

fn line_break(text: &str) -> &'static str {
    match text.find(['\r', '\n']) {
        Some(at) if text[at..].starts_with("\r\n") => "\r\n",
        Some(at) if text[at..].starts_with('\r') => "\r",
        _ => "\n",
    }
}

#[cfg(test)]
mod tests {
    use lint_core::diagnostic::{FileId, Place};

    use super::*;

    #[test]
    fn lines_end_as_before() {
        for (before, after) in [
            ("a = 1\nb = 2\n", "import c\nd\nb = 2\n"),
            ("a = 1\r\nb = 2\r\n", "import c\r\nd\r\nb = 2\r\n"),
            ("a = 1\rb = 2\r", "import c\rd\rb = 2\r"),
        ] {
            let source = SourceFile::new("f.py", before);
            let edit = |start, end, replacement: &str| Edit {
                place: Place {
                    file: FileId(0),
                    span: Span::new(start, end),
                },
                replacement: replacement.to_owned(),
            };
            let edits = [edit(0, 0, "import c\n"), edit(0, 5, "d")];
            assert_eq!(edited(&source, &edits), after);
        }
    }
}
