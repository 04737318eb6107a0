//! The same canned findings in every format.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anstream::StripStream;
use lint_core::diagnostic::{Diagnostic, FileId, Impact, Place, Severity, Span, TraceStep};
use lint_core::project::Project;
use lint_core::rule::{Category, RuleMetadata};

use super::escape::is_hostile;
use super::*;
use crate::report::{Count, ErrorKind, Places, ReportedError, Summary};

const WORKFLOW: &str = "\
class Order:
    async def run(self):
        a = '😀', stamp()
        return sorted(
            ids(),
        )
";
const HELPER: &str = "def stamp():\r\n    '\x1b[31m\u{202e}'; return time.time()\r\n";

static RULE: RuleMetadata = RuleMetadata {
    code: "RB101",
    name: "wall-clock",
    summary: "workflow code reads the wall clock",
    severity: Severity::Error,
    category: Category::Determinism,
    default: true,
    since: "0.1.0",
    docs: "## Why\nA replay reads another time.\n\n## Example\n```python\ntime.time()\n```\n",
    examples: &[],
    file: "rules/src/wall_clock.rs",
    line: 1,
};

/// Renders a finding with a trace into another file, one over several lines, and an unreadable file.
fn rendered(format: Format) -> String {
    let loader = BTreeMap::from([
        ("src/häuser/wf 1.py".to_owned(), WORKFLOW.to_owned()),
        ("src/helper.py".to_owned(), HELPER.to_owned()),
    ]);
    let project = Project::new(&loader, loader.keys().cloned(), vec![], vec![]);
    let find = |key: &str, text: &str, length: usize| {
        let file = project.file(key).expect("canned");
        let source = project.text(file).expect("canned");
        let at = source.text.find(text).expect("canned");
        place(file, at, at + length)
    };
    let traced = Diagnostic {
        place: find("src/häuser/wf 1.py", "stamp()", 7),
        trace: vec![TraceStep {
            place: find("src/helper.py", "time.time()", 11),
            function: "helper.stamp".to_owned(),
            message: "`stamp` calls `time.time()`".to_owned(),
        }],
        culprit: Some("time.time".to_owned()),
        impact: Impact::Replay,
        ..finding("`stamp()` reads the clock of the worker")
    };
    let multi_line = Diagnostic {
        place: find("src/häuser/wf 1.py", "sorted", 36),
        severity: Severity::Info,
        help: None,
        notes: vec!["A note with \x1b[2J control characters and [brackets].".to_owned()],
        ..finding("the order of `ids()` varies\u{202e}")
    };
    let report = Report {
        places: Places {
            project: &project,
            root: PathBuf::from("/repo"),
            cwd: PathBuf::from("/repo/src"),
            repository: PathBuf::from("/repo"),
        },
        rules: vec![&RULE],
        findings: vec![traced, multi_line],
        errors: vec![ReportedError {
            path: Path::new("/repo/src/evil\x1b[8m\n.py").to_owned(),
            kind: ErrorKind::Syntax,
            message: "expected `:`".to_owned(),
            line: 7,
            column: 3,
        }],
        summary: Summary {
            files: 3,
            parsed: 3,
            workflows: 1,
            activities: 2,
            suppressed: 4,
        },
        statistics: Some(vec![Count {
            code: RULE.code,
            name: RULE.name,
            findings: 2,
        }]),
    };
    let mut bytes = Vec::new();
    render(format, &report, &mut StripStream::new(&mut bytes)).expect("memory");
    String::from_utf8(bytes).expect("text")
}

fn finding(message: &str) -> Diagnostic {
    Diagnostic {
        code: RULE.code,
        name: RULE.name,
        severity: RULE.severity,
        message: message.to_owned(),
        help: Some("use `workflow.time()`".to_owned()),
        notes: Vec::new(),
        place: place(FileId(0), 0, 0),
        workflow: Some("wf.Order".to_owned()),
        entry: Some("run".to_owned()),
        culprit: None,
        impact: Impact::Unknown,
        trace: Vec::new(),
        fixes: Vec::new(),
    }
}

fn place(file: FileId, start: usize, end: usize) -> Place {
    Place {
        file,
        span: Span::new(start as u32, end as u32),
    }
}

#[test]
fn full() {
    insta::assert_snapshot!(rendered(Format::Full));
}

#[test]
fn concise() {
    insta::assert_snapshot!(rendered(Format::Concise));
}

#[test]
fn json() {
    insta::assert_snapshot!(rendered(Format::Json));
}

#[test]
fn sarif() {
    insta::assert_snapshot!(rendered(Format::Sarif));
}

#[test]
fn no_format_lets_hostile_characters_through() {
    for format in [Format::Full, Format::Concise, Format::Json, Format::Sarif] {
        let text = rendered(format);
        let found = text.chars().find(|&c| is_hostile(c) && c != '\n');
        assert_eq!(found, None, "{format:?}");
    }
}
