//! What `ntro workflow create` reads from a `runbook.md`: not YAML, but the first text that
//! `^slug:\s*(\S+)` and `^version:\s*(\S+)` match anywhere in the file.

use lint_core::diagnostic::Span;

/// The word that the CLI takes for a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Match<'t> {
    pub(crate) text: &'t str,
    pub(crate) span: Span,
}

/// The first match of `^field:\s*(\S+)`.
pub(crate) fn read<'t>(text: &'t str, field: &str) -> Option<Match<'t>> {
    let mut line_start = 0;
    for line in text.split_inclusive(['\n', '\r']) {
        let rest = line
            .strip_prefix(field)
            .and_then(|rest| rest.strip_prefix(':'));
        if rest.is_some() {
            // White space before the word includes line breaks.
            let after = line_start + field.len() + 1;
            let word = text[after..].trim_start();
            let start = text.len() - word.len();
            let end = word
                .find(char::is_whitespace)
                .map_or(text.len(), |at| start + at);
            if start < end {
                let span = Span::new(start as u32, end as u32);
                return Some(Match {
                    text: &text[start..end],
                    span,
                });
            }
        }
        line_start += line.len();
    }
    None
}

/// The class that the platform looks up for a slug: `nav-monthly` is `NavMonthlyWorkflow`.
pub(crate) fn class_name(slug: &str) -> String {
    let words = slug.split('-').map(|word| {
        let mut chars = word.chars();
        let head: String = chars
            .next()
            .map(|c| c.to_uppercase().collect())
            .unwrap_or_default();
        head + &chars.as_str().to_lowercase()
    });
    words.collect::<String>() + "Workflow"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_match_wins_wherever_it_stands() {
        let word = |text| read(text, "slug").map(|it| it.text);
        assert_eq!(word("---\nslug: nav # main\n---\n"), Some("nav"));
        assert_eq!(word("---\nslug: \"nav\"\n"), Some("\"nav\""));
        assert_eq!(word("---\r\nslug:\r\nname: Nav\r\n"), Some("name:"));
        assert_eq!(word("---\n  slug: a\n---\n```\nslug: b\n```\n"), Some("b"));
        assert_eq!(word("---\nslugs: a\nid: b\n"), None);
        assert_eq!(word("slug:"), None);
        assert_eq!(
            read("a\nslug:  b", "slug").map(|it| it.span),
            Some(Span::new(9, 10))
        );
    }

    #[test]
    fn class_names_are_those_of_the_platform() {
        for (slug, class) in [
            ("nav-monthly", "NavMonthlyWorkflow"),
            ("kyc-AML-check", "KycAmlCheckWorkflow"),
            ("my_runbook", "My_runbookWorkflow"),
            ("4hc-close", "4hcCloseWorkflow"),
            ("a--b", "ABWorkflow"),
        ] {
            assert_eq!(class_name(slug), class);
        }
    }
}
