//! A source file as it is shown: hostile characters escaped, every line break a `\n`.

use std::ops::Range;

use lint_core::source::SourceFile;

use super::super::escape::{escape, escape_chars};

pub(super) struct View {
    name: String,
    text: String,
    lines: Vec<Line>,
}

/// Where a line begins in the original and in the shown text, and its original text.
struct Line {
    original_start: u32,
    start: usize,
    original: String,
}

impl View {
    pub(super) fn new(path: String, source: &SourceFile) -> Self {
        let mut text = String::with_capacity(source.text.len());
        let mut lines = Vec::new();
        for number in 1..=source.line_count() {
            let span = source.line_span(number);
            let original = source.slice(span);
            lines.push(Line {
                original_start: span.start,
                start: text.len(),
                original: original.to_owned(),
            });
            text.push_str(&escape(original));
            text.push('\n');
        }
        Self {
            name: escape(&path).into_owned(),
            text,
            lines,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The shown offset of an original one.
    pub(super) fn offset(&self, original: u32) -> usize {
        let after = self
            .lines
            .partition_point(|line| line.original_start <= original);
        let line = &self.lines[after.max(1) - 1];
        let within = (original - line.original_start.min(original)) as usize;
        let before = line.original.get(..within).unwrap_or(&line.original);
        line.start + escape(before).len()
    }

    pub(super) fn line_index(&self, offset: usize) -> usize {
        self.lines
            .partition_point(|line| line.start <= offset)
            .max(1)
            - 1
    }

    pub(super) fn line_range(&self, line: usize) -> Range<usize> {
        let start = self.lines.get(line).map_or(self.text.len(), |it| it.start);
        let end = self
            .lines
            .get(line + 1)
            .map_or(self.text.len(), |it| it.start);
        start..end
    }

    /// The 1-based column in the original line, in characters.
    pub(super) fn column(&self, line: usize, offset: usize) -> usize {
        let Some(line) = self.lines.get(line) else {
            return 1;
        };
        let mut shown = line.start;
        let mut column = 1;
        for c in escape_chars(&line.original) {
            if shown >= offset {
                break;
            }
            shown += c.len();
            column += 1;
        }
        column
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_and_columns_survive_escaping() {
        let source = SourceFile::new("f.py", "x = 1\r\n'\x1b##[' + now()\rlast");
        let view = View::new("f\n.py".to_owned(), &source);
        assert_eq!(view.name(), "f\\n.py");
        assert_eq!(view.text(), "x = 1\n'\\u{1b}##\\u{5b}' + now()\nlast\n");
        let now = source.text.find("now").expect("now") as u32;
        let shown = view.offset(now);
        assert!(view.text()[shown..].starts_with("now()"));
        assert_eq!(view.line_index(shown), 1);
        assert_eq!(view.column(1, shown), source.position(now).column as usize);
        assert_eq!(&view.text()[view.line_range(2)], "last\n");
    }
}
