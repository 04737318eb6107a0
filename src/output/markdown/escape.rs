//! Text that stays text in GitHub's Markdown and in the HTML inside it.

use crate::output::escape;

/// Punctuation that may count as markup is written as character references, which never do: they open
/// nothing, end no cell of a table, and make no link of an address or a name.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let text = escape(text);
    let mut before = None;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c == '@' {
            // GitHub looks for addresses in the text that it has read; a tag ends them.
            out.push_str("<wbr>&#64;");
        } else if may_be_markup(before, c, rest.clone().next()) {
            out.push_str(&format!("&#{};", u32::from(c)));
        } else if c == '\t' {
            out.push(' ');
        } else {
            out.push(c);
        }
        before = Some(c);
    }
    out
}

fn may_be_markup(before: Option<char>, c: char, after: Option<char>) -> bool {
    match c {
        '-' | ',' | ';' | '\'' | '(' | ')' | '/' => false,
        // Within a word it emphasizes nothing.
        '_' => ![before, after]
            .iter()
            .all(|it| it.is_some_and(char::is_alphanumeric)),
        // Addresses begin with `www.` or with a scheme.
        '.' => before.is_some_and(|it| it.eq_ignore_ascii_case(&'w')),
        ':' => after.is_some_and(|it| it == '/' || it.is_alphabetic()),
        _ => c.is_ascii_punctuation(),
    }
}

pub(super) fn code(text: &str) -> String {
    format!("<code>{}</code>", plain(text))
}

/// What our messages have in backticks is code. With one that is not closed, nothing is.
pub(super) fn inline(message: &str) -> String {
    let parts: Vec<&str> = message.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return plain(message);
    }
    let marked = parts.iter().enumerate().map(|(index, part)| {
        if index % 2 == 1 {
            code(part)
        } else {
            plain(part)
        }
    });
    marked.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_keep_their_code_and_nothing_else() {
        assert_eq!(inline("`a|b` reads it"), "<code>a&#124;b</code> reads it");
        assert_eq!(inline("one ` alone"), "one &#96; alone");
        assert_eq!(code("a/b_c.py:3:1"), "<code>a/b_c.py:3:1</code>");
        assert_eq!(
            plain("www.a.b __c_d_ e:f"),
            "www&#46;a.b &#95;&#95;c_d&#95; e&#58;f"
        );
        assert_eq!(
            plain("<b>&amp; [x](http://y) @me #1 \\| *a*\n"),
            "&#60;b&#62;&#38;amp; &#91;x&#93;(http&#58;//y) <wbr>&#64;me &#35;1 &#92;&#124; &#42;a&#42;&#92;n"
        );
    }
}
