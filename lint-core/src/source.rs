//! Source text: decoding (PEP 263), line breaks, and positions that people read.

use std::borrow::Cow;
use std::sync::OnceLock;

use crate::diagnostic::{FileId, Span};

/// A file that has been read and decoded. Spans are byte offsets into [`SourceFile::text`].
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// The path relative to the project root, with `/`; the identity of the file.
    pub key: String,
    /// Decoded text without a byte order mark.
    pub text: String,
    /// Whether the file began with a UTF-8 byte order mark.
    pub bom: bool,
    /// Where the first bytes that are not UTF-8 were, in a file that is read all the same.
    pub undecodable: Option<u32>,
    encoding: Encoding,
    /// Byte offset at which each line starts.
    line_starts: Vec<u32>,
    /// How many characters begin before each block of [`BLOCK`] bytes, once somebody asks.
    characters: OnceLock<Vec<u32>>,
}

/// How the bytes of a file stand for its text.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Encoding {
    Utf8,
    /// Python's: the first 256 code points. That of the web means windows-1252.
    Latin1,
    Other(&'static encoding_rs::Encoding),
}

/// A 1-based line and a 1-based column in Unicode characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub line: u32,
    pub column: u32,
}

impl SourceFile {
    pub fn new(key: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        let line_starts = line_starts(&text);
        Self {
            key: key.into(),
            text,
            bom: false,
            undecodable: None,
            encoding: Encoding::Utf8,
            line_starts,
            characters: OnceLock::new(),
        }
    }

    pub fn decode(key: impl Into<String>, bytes: &[u8]) -> Result<Self, DecodeError> {
        if u32::try_from(bytes.len()).is_err() || bytes.len() > MAX_FILE_BYTES {
            return Err(too_large());
        }
        let bom = bytes.starts_with(BOM);
        let (text, encoding) = decode(bytes.strip_prefix(BOM).unwrap_or(bytes), bom)?;
        Ok(Self {
            bom,
            encoding,
            ..Self::new(key, text)
        })
    }

    /// A file that is not Python: UTF-8, whatever it says. Bytes that are not are replaced.
    pub fn plain(key: impl Into<String>, bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.len() > MAX_FILE_BYTES {
            return Err(too_large());
        }
        let bom = bytes.starts_with(BOM);
        let bytes = bytes.strip_prefix(BOM).unwrap_or(bytes);
        let undecodable = std::str::from_utf8(bytes)
            .err()
            .map(|error| error.valid_up_to() as u32);
        let mut file = Self::new(key, String::from_utf8_lossy(bytes));
        file.bom = bom;
        file.undecodable = undecodable;
        Ok(file)
    }

    /// The bytes of the file if this were its text; `None` if its encoding has no bytes for it.
    pub fn encode(&self, text: &str) -> Option<Vec<u8>> {
        let bytes = match self.encoding {
            Encoding::Utf8 => text.as_bytes().to_vec(),
            Encoding::Latin1 => {
                let bytes = text.chars().map(|it| u8::try_from(u32::from(it)).ok());
                bytes.collect::<Option<Vec<u8>>>()?
            }
            Encoding::Other(encoding) => {
                let (bytes, used, has_replaced) = encoding.encode(text);
                (used == encoding && !has_replaced).then(|| bytes.into_owned())?
            }
        };
        let bom = if self.bom { BOM } else { &[] };
        Some([bom, &bytes].concat())
    }

    /// The position of a byte offset; an offset past the end is the end of the text.
    pub fn position(&self, offset: u32) -> Position {
        let offset = (offset as usize).min(self.text.len());
        let line = self
            .line_starts
            .partition_point(|&start| start as usize <= offset)
            - 1;
        let start = self.line_starts[line] as usize;
        let bytes = self.text.as_bytes();
        let column = match offset - start {
            0..BLOCK => characters(&bytes[start..offset]),
            _ => self.characters_before(offset) - self.characters_before(start),
        };
        Position {
            line: line as u32 + 1,
            column: column + 1,
        }
    }

    /// Lines may be as long as a file, and be asked about as often.
    fn characters_before(&self, offset: usize) -> u32 {
        let bytes = self.text.as_bytes();
        let blocks = self.characters.get_or_init(|| {
            let counts = bytes.chunks(BLOCK).scan(0, |before, block| {
                let now = *before;
                *before += characters(block);
                Some(now)
            });
            counts.collect()
        });
        let block = (offset / BLOCK).min(blocks.len().saturating_sub(1));
        let before = blocks.get(block).copied().unwrap_or(0);
        before + characters(&bytes[block * BLOCK..offset])
    }

    /// The 1-based line of a byte offset.
    pub fn line(&self, offset: u32) -> u32 {
        self.line_starts.partition_point(|&start| start <= offset) as u32
    }

    pub fn line_count(&self) -> u32 {
        self.line_starts.len() as u32
    }

    /// The span of a 1-based line without its line break.
    pub fn line_span(&self, line: u32) -> Span {
        let index = (line.max(1) as usize - 1).min(self.line_starts.len() - 1);
        let start = self.line_starts[index];
        let end = self
            .line_starts
            .get(index + 1)
            .copied()
            .unwrap_or(self.text.len() as u32);
        let body = self.text[start as usize..end as usize].trim_end_matches(['\r', '\n']);
        Span::new(start, start + body.len() as u32)
    }

    /// The lines that a span touches, with the break after the last one.
    pub fn whole_lines(&self, span: Span) -> Span {
        let last = self.line(span.end);
        let end = self.line_starts.get(last as usize).copied();
        let end = end.unwrap_or(self.text.len() as u32);
        Span::new(self.line_span(self.line(span.start)).start, end)
    }

    pub fn slice(&self, span: Span) -> &str {
        self.text
            .get(span.start as usize..span.end as usize)
            .unwrap_or("")
    }
}

/// All files that were read, in the order of their keys.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    files: Vec<SourceFile>,
}

impl Sources {
    pub fn new(files: Vec<SourceFile>) -> Self {
        Self { files }
    }

    pub fn get(&self, id: FileId) -> &SourceFile {
        &self.files[id.0 as usize]
    }
}

/// Small enough to count in, large enough to keep few numbers.
const BLOCK: usize = 1024;

/// Continuation bytes of UTF-8 are not characters of their own.
fn characters(bytes: &[u8]) -> u32 {
    bytes.iter().filter(|&&byte| byte & 0xC0 != 0x80).count() as u32
}

const BOM: &[u8] = b"\xEF\xBB\xBF";
/// Larger files are not source code that people wrote; offsets must fit into 32 bits.
pub const MAX_FILE_BYTES: usize = 64 << 20;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct DecodeError {
    pub message: String,
    /// 1-based line, as far as it can be told.
    pub line: u32,
}

fn too_large() -> DecodeError {
    DecodeError {
        message: format!("the file is larger than {} MiB", MAX_FILE_BYTES >> 20),
        line: 1,
    }
}

fn decode(bytes: &[u8], bom: bool) -> Result<(String, Encoding), DecodeError> {
    let cookie = encoding_cookie(bytes);
    let label = cookie.as_deref().map(normalize_label);
    match label.as_deref() {
        None | Some("utf-8" | "utf8" | "u8" | "utf-8-sig" | "ascii" | "us-ascii") => {
            Ok((utf8(bytes)?, Encoding::Utf8))
        }
        Some(other) if bom => Err(DecodeError {
            message: format!("the file starts with a UTF-8 byte order mark but declares `{other}`"),
            line: 1,
        }),
        Some("latin-1" | "latin1" | "iso-8859-1" | "iso8859-1" | "l1") => {
            let text = bytes.iter().map(|&byte| char::from(byte)).collect();
            Ok((text, Encoding::Latin1))
        }
        Some(other) => {
            let encoding =
                encoding_rs::Encoding::for_label(other.as_bytes()).ok_or_else(|| DecodeError {
                    message: format!("unknown encoding `{other}`"),
                    line: 1,
                })?;
            match encoding.decode_without_bom_handling_and_without_replacement(bytes) {
                Some(text) => Ok((Cow::into_owned(text), Encoding::Other(encoding))),
                None => Err(DecodeError {
                    message: format!("the file is not valid `{other}`, which it declares"),
                    line: 1,
                }),
            }
        }
    }
}

fn utf8(bytes: &[u8]) -> Result<String, DecodeError> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => {
            let before = &bytes[..error.valid_up_to()];
            let line = before.iter().filter(|&&byte| byte == b'\n').count() as u32 + 1;
            Err(DecodeError {
                message: format!(
                    "the file is not valid UTF-8 (byte 0x{:02x} on line {line}) and declares no other encoding",
                    bytes[error.valid_up_to()]
                ),
                line,
            })
        }
    }
}

/// The encoding that a comment on one of the first two lines declares (PEP 263).
fn encoding_cookie(bytes: &[u8]) -> Option<String> {
    for line in bytes.split(|&byte| byte == b'\n').take(2) {
        let line = line.trim_ascii_start();
        if !line.starts_with(b"#") {
            // Only a blank line may come before the declaration.
            if line.trim_ascii().is_empty() {
                continue;
            }
            return None;
        }
        let text = String::from_utf8_lossy(line);
        if let Some(at) = text.find("coding") {
            let rest = &text[at + "coding".len()..];
            if let Some(rest) = rest.strip_prefix([':', '=']) {
                let name: String = rest
                    .trim_start_matches([' ', '\t'])
                    .chars()
                    .take_while(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c))
                    .collect();
                if !name.is_empty() {
                    return Some(name);
                }
            }
        }
    }
    None
}

fn normalize_label(label: &str) -> String {
    let label = label.to_ascii_lowercase().replace('_', "-");
    match label.as_str() {
        "cp1252" => "windows-1252".to_owned(),
        "cp1251" => "windows-1251".to_owned(),
        "cp932" | "sjis" => "shift-jis".to_owned(),
        _ if label.starts_with("utf-8-") => "utf-8".to_owned(),
        _ => label,
    }
}

/// Python ends a line at `\n`, `\r\n` and a lone `\r`.
fn line_starts(text: &str) -> Vec<u32> {
    let bytes = text.as_bytes();
    let mut starts = vec![0];
    for (index, &byte) in bytes.iter().enumerate() {
        let ends_line = byte == b'\n' || (byte == b'\r' && bytes.get(index + 1) != Some(&b'\n'));
        if ends_line {
            starts.push(index as u32 + 1);
        }
    }
    starts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> Result<String, String> {
        SourceFile::decode("f.py", bytes)
            .map(|f| f.text)
            .map_err(|e| e.message)
    }

    #[test]
    fn positions_count_characters_and_all_line_breaks() {
        let file = SourceFile::new("f.py", "é = 1\r\nx\ry = '😀' + z\n");
        let z = file.text.find('z').expect("z") as u32;
        assert_eq!(
            file.position(z),
            Position {
                line: 3,
                column: 11
            }
        );
        assert_eq!(file.position(0), Position { line: 1, column: 1 });
        assert_eq!(file.position(9_999), Position { line: 4, column: 1 });
        assert_eq!(file.slice(file.line_span(1)), "é = 1");
        assert_eq!(file.slice(file.line_span(2)), "x");
    }

    #[test]
    fn columns_of_a_long_line_are_counted_once() {
        let file = SourceFile::new("f.py", format!("x\n{}", "é.".repeat(2_000_000)));
        for character in (0..4_000_000_u32).step_by(7) {
            let offset = 2 + character / 2 * 3 + character % 2 * 2;
            let position = file.position(offset);
            assert_eq!((position.line, position.column), (2, character + 1));
        }
    }

    #[test]
    fn files_that_are_not_python_are_utf8() {
        let file = SourceFile::plain("a.sql", b"-- coding: latin-1\n-- \xe9\n").expect("small");
        assert_eq!(file.undecodable, Some(22));
        assert_eq!(file.text, "-- coding: latin-1\n-- \u{fffd}\n");
        let file = SourceFile::plain("a.sql", "\u{feff}é".as_bytes()).expect("small");
        assert_eq!(
            (file.text.as_str(), file.bom, file.undecodable),
            ("é", true, None)
        );
    }

    #[test]
    fn a_text_goes_back_into_its_encoding() {
        for bytes in [
            &b"x = '\xc3\xa9'\n"[..],
            b"\xEF\xBB\xBFx = 1\n",
            b"# coding: latin-1\nx = '\x80\xe9'\n",
            b"# coding: cp1252\nx = '\x80'\n",
            b"# coding: shift_jis\nx = '\x83\x65'\n",
        ] {
            let file = SourceFile::decode("f.py", bytes).expect("valid");
            assert_eq!(file.encode(&file.text).as_deref(), Some(bytes));
        }
        let file = SourceFile::decode("f.py", b"# coding: latin-1\n").expect("valid");
        assert_eq!(file.encode("'\u{20ac}'"), None);
    }

    #[test]
    fn encodings_are_pythons() {
        assert_eq!(text(b"\xEF\xBB\xBFx = 1").as_deref(), Ok("x = 1"));
        assert_eq!(
            text(b"# -*- coding: latin-1 -*-\nx = '\x80'").as_deref(),
            Ok("# -*- coding: latin-1 -*-\nx = '\u{80}'")
        );
        assert_eq!(
            text(b"#!/bin/sh\n# vim: set fileencoding=cp1252 :\n'\x80'").map(|t| t.contains('€')),
            Ok(true)
        );
        assert_eq!(
            text(b"# coding: nonsense\n"),
            Err("unknown encoding `nonsense`".to_owned())
        );
        assert!(text(b"x = 1\ny = '\xff'\n").is_err_and(|m| m.contains("line 2")));
        assert!(
            text(b"x = 1\n# coding: koi8-r is only looked for in comments before code\n").is_ok()
        );
        assert!(
            text(b"\xEF\xBB\xBF# coding: latin-1\n").is_err_and(|m| m.contains("byte order mark"))
        );
    }
}
