//! Output that is safe on a hostile repository: names and source cannot steer a terminal, forge a
//! line of ours, or reorder text.

use std::borrow::Cow;

/// How the log of GitHub Actions lets a command begin, wherever in a line it stands.
const COMMAND: &str = "##[";

/// Shows every character that controls a terminal, a log or the direction of text as an escape
/// sequence. Tabs are harmless.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(COMMAND) {
        return escape_controls(text);
    }
    Cow::Owned(escape_chars(text).collect())
}

/// The same, one character after the other.
pub(super) fn escape_chars(text: &str) -> impl Iterator<Item = Cow<'static, str>> {
    let mut before = [' '; 2];
    text.chars().map(move |c| {
        let shown = if before == ['#', '#'] && c == '[' {
            "\\u{5b}".into()
        } else {
            Cow::Owned(escape_controls(c.encode_utf8(&mut [0; 4])).into_owned())
        };
        before = [before[1], c];
        shown
    })
}

/// For what begins a line. A log of GitHub Actions takes a line that begins with `::` for a command.
pub(crate) fn escape_line(line: &str) -> Cow<'_, str> {
    let escaped = escape(line);
    match escaped.find(|c: char| !c.is_whitespace()) {
        Some(at) if escaped[at..].starts_with("::") => {
            Cow::Owned(format!("{}\\u{{3a}}{}", &escaped[..at], &escaped[at + 1..]))
        }
        _ => escaped,
    }
}

/// For what no log reads as it stands.
pub(super) fn escape_controls(text: &str) -> Cow<'_, str> {
    // Nearly every text is plain, and bytes are faster to look at than characters.
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\t'));
    if is_plain || !text.contains(is_hostile) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_hostile(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Escapes the same characters in a JSON document without changing what it says. The writer of
/// JSON has escaped those below space already, and those above stand in strings only.
pub(crate) fn escape_json(document: &str) -> String {
    let mut out = String::with_capacity(document.len());
    for c in document.replace(COMMAND, r"##\u005b").chars() {
        if is_hostile(c) && c > ' ' {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    out
}

pub(super) fn is_hostile(c: char) -> bool {
    (c.is_control() && c != '\t')
        || matches!(c,
            // Marks, embeddings, overrides and isolates of bidirectional text.
            '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            // Line and paragraph separators, byte order mark, invisible tags.
            | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}'
            // No characters at all, and not allowed in XML.
            | '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_characters_are_shown() {
        assert_eq!(escape("é 😀\tplain"), "é 😀\tplain");
        assert_eq!(escape("\x1b[31m\r\n\u{9b}"), "\\u{1b}[31m\\r\\n\\u{9b}");
        assert_eq!(escape("a\u{202e}b"), "a\\u{202e}b");
    }

    #[test]
    fn nothing_is_a_command_for_a_log() {
        assert_eq!(escape("# [x] #[y]"), "# [x] #[y]");
        assert_eq!(
            escape("é ###[error]\x1b ##[x]"),
            "é ###\\u{5b}error]\\u{1b} ##\\u{5b}x]"
        );
        assert_eq!(escape_line("\t ::error::x"), "\t \\u{3a}:error::x");
        assert_eq!(escape_line("a ::b"), "a ::b");
        assert_eq!(escape_line(""), "");
        let text = "##[error]";
        let document = escape_json(&serde_json::to_string(text).expect("json"));
        assert_eq!(document, "\"##\\u005berror]\"");
        let back: String = serde_json::from_str(&document).expect("json");
        assert_eq!(back, text);
    }

    #[test]
    fn json_keeps_its_meaning() {
        let text = "a\u{202e}\u{7f}\u{e0041}\x1bé";
        let document = escape_json(&serde_json::to_string(text).expect("json"));
        assert_eq!(document, "\"a\\u202e\\u007f\\udb40\\udc41\\u001bé\"");
        let back: String = serde_json::from_str(&document).expect("json");
        assert_eq!(back, text);
    }
}
