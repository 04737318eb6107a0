//! Sentences broken into lines, where a terminal would break words.

use textwrap::{Options, WordSeparator, WordSplitter};

/// Longer lines are hard to read, however wide the terminal is.
const WIDEST: usize = 100;

/// The text in lines of at most this width; all but the first begin with the indent. Without a
/// width it is one line. What is longer than a line and has no spaces, such as a path, stays whole.
pub(crate) fn fill(text: &str, width: Option<usize>, indent: &str) -> String {
    let Some(width) = width else {
        return text.to_owned();
    };
    let options = Options::new(width.min(WIDEST))
        .subsequent_indent(indent)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .break_words(false);
    textwrap::fill(text, options)
}

#[cfg(test)]
mod tests {
    use super::fill;

    #[test]
    fn words_stay_whole() {
        let text = "use `runbook.now()` at runbooks/nav-close/templates/workflow.py";
        assert_eq!(
            fill(text, Some(20), "  "),
            "use `runbook.now()`\n  at\n  runbooks/nav-close/templates/workflow.py"
        );
        assert_eq!(fill(text, None, "  "), text);
    }
}
