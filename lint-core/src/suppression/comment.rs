//! The grammar of suppression comments.

use crate::diagnostic::Span;
use crate::suggest::closest;

/// What all comments of ours begin with.
pub(super) const MARKER: &str = "runbook-lint:";

/// What opens a comment in the files of a bundle: Python and YAML, Markdown, SQL, Jinja.
pub(super) const OPENERS: [&str; 4] = ["#", "<!--", "--", "{#"];

/// A comment, or the part of one, that is a suppression.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Comment {
    pub(super) span: Span,
    pub(super) line: u32,
    pub(super) own_line: bool,
    pub(super) kind: Kind,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `# noqa`
    NoqaAll,
    /// `# noqa: RB101, E501`
    Noqa(Vec<String>),
    /// `# runbook-lint: ignore[…]` and `ignore-file[…]`
    Ignore(Written),
    /// Something else after `runbook-lint:`.
    Malformed { message: String, help: String },
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) rules: Vec<String>,
    pub(super) whole_file: bool,
}

/// Reads a Python comment, which may hold several: `# noqa: E501  # runbook-lint: ignore[RB101]`.
pub(super) fn in_python(text: &str, offset: u32, line: u32, own_line: bool) -> Vec<Comment> {
    let starts: Vec<usize> = text.match_indices('#').map(|(at, _)| at).collect();
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    let parts = starts.iter().zip(ends);
    parts
        .filter_map(|(&start, end)| {
            let part = text[start..end].trim_end();
            let body = part.trim_start_matches('#').trim_start();
            let kind = match body.strip_prefix(MARKER) {
                Some(directive) => directive_kind(directive)?,
                None => noqa(body)?,
            };
            Some(Comment {
                span: Span::new(offset + start as u32, offset + (start + part.len()) as u32),
                line,
                own_line: own_line && start == 0,
                kind,
            })
        })
        .collect()
}

/// Reads one line of a file that is not Python, where only an opened comment counts: prose that
/// mentions the linter is no suppression.
pub(super) fn in_text(text: &str, offset: u32, line: u32) -> Option<Comment> {
    let comment = |start: usize, kind| {
        let end = text.trim_end().len();
        Comment {
            span: Span::new(offset + start as u32, offset + end as u32),
            line,
            own_line: text[..start].trim().is_empty(),
            kind,
        }
    };
    if let Some(at) = text.find(MARKER) {
        let before = text[..at].trim_end();
        let opener = OPENERS.iter().find(|opener| before.ends_with(*opener))?;
        let start = before.len() - opener.len();
        return Some(comment(start, directive_kind(&text[at + MARKER.len()..])?));
    }
    let start = text.find('#')?;
    let kind = noqa(text[start + 1..].trim_start())?;
    Some(comment(start, kind))
}

/// Where the names of rules stand in a suppression.
pub(super) fn list(comment: &str) -> Option<std::ops::Range<usize>> {
    if let Some(at) = comment.find(MARKER) {
        let start = at + comment[at..].find('[')? + 1;
        return Some(start..start + comment[start..].find(']')?);
    }
    let start = comment.find(':')? + 1;
    let words = comment[start..].split_inclusive([',', ' ']);
    let is_listed = |word: &&str| {
        let word = word.trim_end_matches([',', ' ']);
        word.is_empty() || is_code(word)
    };
    let listed: usize = words.take_while(is_listed).map(str::len).sum();
    let text = &comment[start..start + listed];
    let gap = text.len() - text.trim_start().len();
    Some(start + gap..start + text.trim_end_matches([',', ' ']).len())
}

/// What stands after `runbook-lint:`. `None` for directives that are no suppressions.
fn directive_kind(text: &str) -> Option<Kind> {
    let text = text.trim_start();
    let end = text
        .find(|c: char| !c.is_ascii_alphabetic() && c != '-')
        .unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let whole_file = match name {
        "pure" => return None,
        "ignore" => false,
        "ignore-file" => true,
        _ => {
            let meant = closest(name, ["ignore", "ignore-file", "pure"]).unwrap_or("ignore[…]");
            return Some(Kind::Malformed {
                message: format!("this comment says `{name}`, which runbook-lint does not know"),
                help: format!("write `{MARKER} {meant}`"),
            });
        }
    };
    let listed = rest
        .trim_start()
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'));
    let rules: Vec<String> = listed
        .map_or("", |(rules, _reason)| rules)
        .split(',')
        .map(|rule| rule.trim().to_owned())
        .filter(|rule| !rule.is_empty())
        .collect();
    if rules.is_empty() {
        return Some(Kind::Malformed {
            message: "this comment suppresses no rule, because it names none".to_owned(),
            help: format!("write `{MARKER} {name}[RB101] reason`"),
        });
    }
    Some(Kind::Ignore(Written { rules, whole_file }))
}

/// `noqa`, with or without codes, as flake8 and ruff read it.
fn noqa(text: &str) -> Option<Kind> {
    let word = text
        .get(..4)
        .filter(|word| word.eq_ignore_ascii_case("noqa"))?;
    let rest = &text[word.len()..];
    if rest.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '-') {
        return None;
    }
    let Some(list) = rest.trim_start().strip_prefix(':') else {
        return Some(Kind::NoqaAll);
    };
    // The list ends at the first word that is no code: `# noqa: RB101 because …`.
    let codes: Vec<String> = list
        .split(|c: char| c == ',' || c.is_whitespace())
        .filter(|word| !word.is_empty())
        .take_while(|word| is_code(word))
        .map(str::to_owned)
        .collect();
    (!codes.is_empty()).then_some(Kind::Noqa(codes))
}

/// Letters, then digits.
fn is_code(word: &str) -> bool {
    let digits = word.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    digits.len() < word.len()
        && !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn python(text: &str) -> Vec<Kind> {
        in_python(text, 0, 1, false)
            .into_iter()
            .map(|it| it.kind)
            .collect()
    }

    fn ignore(rules: &[&str], whole_file: bool) -> Kind {
        Kind::Ignore(Written {
            rules: rules.iter().map(|&rule| rule.to_owned()).collect(),
            whole_file,
        })
    }

    fn codes(codes: &[&str]) -> Kind {
        Kind::Noqa(codes.iter().map(|&code| code.to_owned()).collect())
    }

    #[test]
    fn noqa_is_read_as_other_linters_read_it() {
        assert_eq!(python("# noqa"), [Kind::NoqaAll]);
        assert_eq!(python("#NOQA because"), [Kind::NoqaAll]);
        assert_eq!(
            python("# noqa: RB101,E501 RB102 why"),
            [codes(&["RB101", "E501", "RB102"])]
        );
        assert_eq!(python("# noqa : rb101"), [codes(&["rb101"])]);
        assert_eq!(python("# type: ignore # noqa:RB101"), [codes(&["RB101"])]);
        assert_eq!(python("# noqa: because"), []);
        assert_eq!(python("# noqadata"), []);
        assert_eq!(python("# a noqa in prose"), []);
        assert_eq!(python("# né"), []);
    }

    #[test]
    fn directives_name_their_rules() {
        assert_eq!(
            python("# runbook-lint: ignore[RB101, wall-clock] see #12"),
            [ignore(&["RB101", "wall-clock"], false)]
        );
        assert_eq!(
            python("# noqa: E501  # runbook-lint: ignore-file[RB1]"),
            [codes(&["E501"]), ignore(&["RB1"], true)]
        );
        assert_eq!(python("# runbook-lint: pure"), []);
    }

    #[test]
    fn what_cannot_be_understood_is_said() {
        for text in [
            "# runbook-lint: ignore",
            "# runbook-lint: ignore[] reason",
            "# runbook-lint: ignore[RB101",
            "# runbook-lint: ignroe[RB101]",
            "# runbook-lint:",
        ] {
            let kinds = python(text);
            assert!(
                matches!(kinds[..], [Kind::Malformed { .. }]),
                "{text}: {kinds:?}"
            );
        }
    }

    #[test]
    fn in_other_files_only_opened_comments_count() {
        let kind = |text: &str| in_text(text, 0, 1).map(|it| (it.own_line, it.kind));
        assert_eq!(
            kind("  <!-- runbook-lint: ignore[RB501] reason -->"),
            Some((true, ignore(&["RB501"], false)))
        );
        assert_eq!(
            kind("key: value  # runbook-lint: ignore[RB501]"),
            Some((false, ignore(&["RB501"], false)))
        );
        assert_eq!(
            kind("key: value  # noqa: RB501"),
            Some((false, codes(&["RB501"])))
        );
        assert_eq!(kind("Write runbook-lint: ignore[RB501] to quiet it."), None);
        assert_eq!(kind("# Heading"), None);
    }
}
