use super::*;
use crate::diagnostic::{Severity, TraceStep};
use crate::rule::Category;

const fn rule(code: &'static str, name: &'static str) -> RuleMetadata {
    RuleMetadata {
        code,
        name,
        summary: "",
        severity: Severity::Warning,
        category: Category::Lint,
        default: true,
        preview: false,
        fix: None,
        since: "0.1.0",
        docs: "",
        examples: &[],
        file: "",
        line: 0,
    }
}

static UNUSED: RuleMetadata = rule("RB001", "unused-suppression");
static UNKNOWN: RuleMetadata = rule("RB002", "unknown-suppression");
static CLOCK: RuleMetadata = rule("RB101", "wall-clock");
static RANDOM: RuleMetadata = rule("RB102", "randomness");

/// Puts a finding of RB101 on every line that says `now()`, applies the comments, and tells the
/// lines and codes that are left.
fn left(files: &[(&str, &str)], enabled: &[&'static str]) -> Vec<String> {
    let loader: BTreeMap<String, String> = files
        .iter()
        .map(|&(path, text)| (path.to_owned(), text.to_owned()))
        .collect();
    let project = Project::new(&loader, loader.keys().cloned(), vec![], vec![]);
    let mut findings = Vec::new();
    for file in project.files() {
        let source = project.text(file).expect("in memory");
        for (at, _) in source.text.match_indices("now()") {
            let span = Span::new(at as u32, at as u32 + 5);
            findings.push(diagnostic(
                &CLOCK,
                Place { file, span },
                String::new(),
                None,
            ));
        }
    }
    // The finding in `a.py` has its culprit in `b.py`.
    if let [first, .., last] = &mut findings[..] {
        first.trace.push(TraceStep {
            place: last.place,
            function: String::new(),
            message: String::new(),
        });
    }
    let registry = Registry {
        known: &[&UNUSED, &UNKNOWN, &CLOCK, &RANDOM],
        enabled: &enabled.iter().copied().collect(),
        unused: &UNUSED,
        unknown: &UNKNOWN,
    };
    let outcome = apply(&project, registry, findings);
    let describe = |it: &Diagnostic| {
        let line = project
            .source(it.place.file)
            .expect("read")
            .line(it.place.span.start);
        format!("{}:{line} {}", project.key(it.place.file), it.code)
    };
    outcome.kept.iter().map(describe).collect()
}

const ALL: [&str; 4] = ["RB001", "RB002", "RB101", "RB102"];

#[test]
fn comments_quiet_their_line() {
    for text in [
        "now()  # noqa\n",
        "now()  # noqa: RB101\n",
        "now()  # runbook-lint: ignore[wall-clock] reason\n",
        "# runbook-lint: ignore[RB101] reason\n\n# more\nnow()\n",
        "x = 1\n# runbook-lint: ignore-file[RB101] reason\nnow()\n",
        "x = [\n  now(),  # noqa: RB101\n]\n",
    ] {
        assert_eq!(left(&[("a.py", text)], &ALL), [""; 0], "{text}");
    }
    assert_eq!(
        left(&[("a.py", "now()\nx = 1  # noqa\n")], &ALL),
        ["a.py:1 RB101"]
    );
}

#[test]
fn a_comment_at_the_culprit_quiets_the_caller() {
    let files = [("a.py", "now()\n"), ("b.py", "now()  # noqa: RB101\n")];
    assert_eq!(left(&files, &ALL), [""; 0]);
}

#[test]
fn unused_and_unknown_ones_are_findings() {
    let text = "x = 1  # noqa: RB101, E501\ny = 2  # noqa: RB999\nz = 3  # runbook-lint: ignore[wal-clock]\n";
    assert_eq!(
        left(&[("a.py", text)], &ALL),
        ["a.py:1 RB001", "a.py:2 RB002", "a.py:3 RB002"]
    );
    let partly = "now()  # noqa: RB101, RB102\n";
    assert_eq!(left(&[("a.py", partly)], &ALL), ["a.py:1 RB001"]);
    assert_eq!(left(&[("a.py", partly)], &["RB001", "RB101"]), [""; 0]);
    assert_eq!(left(&[("a.py", text)], &["RB101"]), [""; 0]);
}

#[test]
fn findings_about_comments_can_be_quieted_too() {
    let text = "x = 1  # noqa: RB101  # runbook-lint: ignore[RB001] kept for the backport\n";
    assert_eq!(left(&[("a.py", text)], &ALL), [""; 0]);
}

#[test]
fn text_in_strings_is_no_comment() {
    let text = "x = '''\n# runbook-lint: ignore-file[RB101] text\n'''\nnow()\n";
    assert_eq!(left(&[("a.py", text)], &ALL), ["a.py:4 RB101"]);
}
