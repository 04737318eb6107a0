//! Output that is safe on a hostile repository: names and source cannot steer a terminal, forge a
//! line of ours, or reorder text.

use std::borrow::Cow;

/// Shows every character that controls a terminal or the direction of text as an escape sequence.
/// Tabs are harmless.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hostile) {
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
    for c in document.chars() {
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
    fn json_keeps_its_meaning() {
        let text = "a\u{202e}\u{7f}\u{e0041}\x1bé";
        let document = escape_json(&serde_json::to_string(text).expect("json"));
        assert_eq!(document, "\"a\\u202e\\u007f\\udb40\\udc41\\u001bé\"");
        let back: String = serde_json::from_str(&document).expect("json");
        assert_eq!(back, text);
    }
}
