//! Text that stays text in GitHub's Markdown and in the HTML inside it.

use crate::output::escape;

/// Punctuation is written as character references, which never count as markup: they open nothing,
/// end no cell of a table, and make no link of an address or a name.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in escape(text).chars() {
        if c == '@' {
            // GitHub looks for addresses in the text that it has read; a tag ends them.
            out.push_str("<wbr>&#64;");
        } else if c.is_ascii_punctuation() && !"-,;'()/".contains(c) {
            out.push_str(&format!("&#{};", u32::from(c)));
        } else if c == '\t' {
            out.push(' ');
        } else {
            out.push(c);
        }
    }
    out
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
        assert_eq!(
            plain("<b>&amp; [x](http://y) @me #1 \\| *a*\n"),
            "&#60;b&#62;&#38;amp; &#91;x&#93;(http&#58;//y) <wbr>&#64;me &#35;1 &#92;&#124; &#42;a&#42;&#92;n"
        );
    }
}
