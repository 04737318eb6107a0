//! Positions in a text as editors count them: lines from 0, and columns in the units that client and
//! server have agreed on.

use lint_core::diagnostic::Span;
use lint_core::source::SourceFile;
use lsp_types::{Position, PositionEncodingKind, Range};

/// What a column counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Utf8,
    Utf16,
    Utf32,
}

impl Encoding {
    /// The one that costs least among those the client offers. UTF-16 is what everybody speaks.
    pub(super) fn negotiate(offered: &[PositionEncodingKind]) -> Self {
        let preferred = [
            (PositionEncodingKind::UTF8, Self::Utf8),
            (PositionEncodingKind::UTF32, Self::Utf32),
        ];
        let found = preferred.into_iter().find(|(it, _)| offered.contains(it));
        found.map_or(Self::Utf16, |(_, encoding)| encoding)
    }

    pub(super) fn kind(self) -> PositionEncodingKind {
        match self {
            Self::Utf8 => PositionEncodingKind::UTF8,
            Self::Utf16 => PositionEncodingKind::UTF16,
            Self::Utf32 => PositionEncodingKind::UTF32,
        }
    }

    /// How many columns a text takes that has no line break.
    fn width(self, text: &str) -> usize {
        match self {
            Self::Utf8 => text.len(),
            Self::Utf16 => text.chars().map(char::len_utf16).sum(),
            Self::Utf32 => text.chars().count(),
        }
    }

    /// The byte offset of a column in a line. One that is inside a character is its start, and one
    /// past the end is the end.
    fn offset_in(self, line: &str, column: u32) -> usize {
        let mut left = column as usize;
        for (at, c) in line.char_indices() {
            let width = match self {
                Self::Utf8 => c.len_utf8(),
                Self::Utf16 => c.len_utf16(),
                Self::Utf32 => 1,
            };
            if left < width {
                return at;
            }
            left -= width;
        }
        line.len()
    }

    pub(super) fn position(self, source: &SourceFile, offset: u32) -> Position {
        let mut offset = (offset as usize).min(source.text.len());
        while !source.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = source.line(offset as u32);
        let start = source.line_span(line).start as usize;
        let column = self.width(source.text.get(start..offset).unwrap_or_default());
        Position {
            line: line - 1,
            character: column as u32,
        }
    }

    pub(super) fn range(self, source: &SourceFile, span: Span) -> Range {
        Range {
            start: self.position(source, span.start),
            end: self.position(source, span.end),
        }
    }

    /// A position past the end is the end, as the protocol has it.
    pub(super) fn offset(self, source: &SourceFile, position: Position) -> u32 {
        let Some(line) = position.line.checked_add(1) else {
            return source.text.len() as u32;
        };
        if line > source.line_count() {
            return source.text.len() as u32;
        }
        let span = source.line_span(line);
        span.start + self.offset_in(source.slice(span), position.character) as u32
    }

    /// The span of a range; the end of one that is the wrong way round is its start.
    pub(super) fn span(self, source: &SourceFile, range: Range) -> Span {
        let start = self.offset(source, range.start);
        Span::new(start, self.offset(source, range.end).max(start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_units_of_the_encoding() {
        let source = SourceFile::new("a.py", "x = 1\r\né = '😀' + z\r");
        let z = source.text.find('z').expect("z") as u32;
        for (encoding, column) in [
            (Encoding::Utf8, 14),
            (Encoding::Utf16, 11),
            (Encoding::Utf32, 10),
        ] {
            let position = Position {
                line: 1,
                character: column,
            };
            assert_eq!(encoding.position(&source, z), position, "{encoding:?}");
            assert_eq!(encoding.offset(&source, position), z, "{encoding:?}");
        }
    }

    #[test]
    fn positions_that_do_not_exist_are_the_nearest_that_do() {
        let source = SourceFile::new("a.py", "'😀'\nx");
        let at = |line, character| Encoding::Utf16.offset(&source, Position { line, character });
        assert_eq!(at(0, 2), 1, "inside a surrogate pair");
        assert_eq!(at(0, 99), 6);
        assert_eq!(at(99, 0), source.text.len() as u32);
        assert_eq!(at(u32::MAX, u32::MAX), source.text.len() as u32);
    }

    #[test]
    fn the_cheapest_encoding_is_chosen() {
        use PositionEncodingKind as Kind;
        assert_eq!(Encoding::negotiate(&[]), Encoding::Utf16);
        assert_eq!(
            Encoding::negotiate(&[Kind::UTF16, Kind::UTF8]),
            Encoding::Utf8
        );
        assert_eq!(
            Encoding::negotiate(&[Kind::UTF16, Kind::UTF32]),
            Encoding::Utf32
        );
    }
}
