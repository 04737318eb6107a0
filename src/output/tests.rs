//! The same canned findings in every format.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anstream::StripStream;
use clap::ValueEnum;
use lint_core::causes::{Gateways, causes};
use lint_core::diagnostic::{
    Applicability, Diagnostic, Edit, FileId, Fix, Impact, NewFile, Place, Severity, Span, TraceStep,
};
use lint_core::project::Project;
use lint_core::rule::{Category, RuleMetadata};
use rules::outline::StepOutline;
use rules::{Overview, OverviewItem};

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
    preview: false,
    fix: None,
    since: "0.1.0",
    docs: "## Why\nA replay reads another time.\n\n## Example\n```python\ntime.time()\n```\n",
    examples: &[],
    file: "rules/src/wall_clock.rs",
    line: 1,
};

/// Renders a finding with a trace into another file, one over several lines, and an unreadable file.
fn rendered(format: Format) -> String {
    rendered_after(format, |_| {})
}

fn rendered_after(format: Format, change: impl FnOnce(&mut Report<'_>)) -> String {
    rendered_in(format, None, change)
}

fn rendered_in(
    format: Format,
    width: Option<usize>,
    change: impl FnOnce(&mut Report<'_>),
) -> String {
    let loader = BTreeMap::from([
        ("src/häuser/wf 1.py".to_owned(), WORKFLOW.to_owned()),
        ("src/helper.py".to_owned(), HELPER.to_owned()),
    ]);
    let project = Project::new(&loader, loader.keys().cloned(), vec![], vec![]);
    let file = |key: &str| project.file(key).expect("canned");
    let (flow, helper) = (file("src/häuser/wf 1.py"), file("src/helper.py"));
    let find = |file: FileId, text: &str, length: usize| {
        let source = project.text(file).expect("canned");
        let at = source.text.find(text).expect("canned");
        place(file, at, at + length)
    };
    let in_flow = |text: &str, length: usize| find(flow, text, length);
    let in_helper = |text: &str, length: usize| find(helper, text, length);
    let suppressed = Diagnostic {
        place: in_flow("stamp()", 7),
        severity: Severity::Warning,
        ..finding("a suppressed finding")
    };
    let mut report = Report {
        places: Places {
            project: &project,
            root: PathBuf::from("/repo"),
            cwd: PathBuf::from("/repo/src"),
            repository: PathBuf::from("/repo"),
            workspace: PathBuf::from("/"),
        },
        rules: vec![&RULE],
        findings: vec![
            traced(&in_flow, &in_helper),
            multi_line(&in_flow, &in_helper),
        ],
        causes: Vec::new(),
        all_places: false,
        offers_fixes: true,
        overviews: vec![overview(&in_flow)],
        suppressed: vec![suppressed],
        errors: vec![ReportedError {
            file: None,
            path: Path::new("/repo/src/evil\x1b[8m\n.py").to_owned(),
            kind: ErrorKind::Syntax,
            message: "expected `:`".to_owned(),
            line: 7,
            column: 3,
            utf8_column: 4,
        }],
        warnings: vec!["`new\u{1b}[8m.txt` is no file that is checked".to_owned()],
        summary: Summary {
            files: 3,
            parsed: 3,
            installed: 0,
            workflows: 1,
            activities: 2,
            suppressed: 4,
            ..Summary::default()
        },
        category: "nightly".to_owned(),
        statistics: Some(vec![Count {
            code: RULE.code,
            name: RULE.name,
            findings: 2,
            causes: 2,
        }]),
        baseline: None,
    };
    change(&mut report);
    report.causes = causes(&report.findings, &Gateways::default(), &project);
    let mut bytes = Vec::new();
    render(format, &report, width, &mut StripStream::new(&mut bytes)).expect("memory");
    String::from_utf8(bytes).expect("text")
}

/// With a trace into another file.
fn traced(
    in_flow: &dyn Fn(&str, usize) -> Place,
    in_helper: &dyn Fn(&str, usize) -> Place,
) -> Diagnostic {
    Diagnostic {
        place: in_flow("stamp()", 7),
        trace: vec![TraceStep {
            place: in_helper("time.time()", 11),
            function: "helper.stamp".to_owned(),
            message: "`stamp` calls `time.time()`".to_owned(),
        }],
        culprit: Some("time.time".to_owned()),
        impact: Impact::Replay,
        ..finding("`stamp()` reads the clock of the worker")
    }
}

/// Over several lines, with fixes of all kinds.
fn multi_line(
    in_flow: &dyn Fn(&str, usize) -> Place,
    in_helper: &dyn Fn(&str, usize) -> Place,
) -> Diagnostic {
    Diagnostic {
        place: in_flow("sorted", 36),
        severity: Severity::Info,
        help: None,
        fixes: vec![
            Fix::new(
                "sort them\u{202e}",
                Applicability::Safe,
                vec![edit(in_flow("ids()", 5), "sorted(ids())")],
            ),
            Fix {
                new_files: vec![NewFile {
                    key: "src/häuser/neu.py".to_owned(),
                    text: "now = 1\n".to_owned(),
                }],
                ..Fix::new(
                    "leave it, and rename the helper",
                    Applicability::Unsafe,
                    vec![
                        edit(in_flow("        return", 45), ""),
                        edit(in_helper("stamp", 5), "now"),
                        edit(in_flow("stamp", 5), "now"),
                    ],
                )
            },
            Fix::new(
                "think",
                Applicability::DisplayOnly,
                vec![edit(in_flow("ids()", 5), "…")],
            ),
        ],
        notes: vec!["A note with \x1b[2J control characters and [brackets].".to_owned()],
        ..finding("the order of `ids()` varies\u{202e}")
    }
}

fn overview(in_flow: &dyn Fn(&str, usize) -> Place) -> Overview {
    Overview {
        workflow: "wf.Order".to_owned(),
        place: in_flow("Order", 5),
        steps: vec![StepOutline {
            id: Some("close".to_owned()),
            title: Some("<b onclick=\"x\">Strike & close</b>\u{202e}".to_owned()),
            icon: Some("Landmark".to_owned()),
            method: "run".to_owned(),
            place: in_flow("run", 3),
            decorator: in_flow("run", 3),
            method_place: in_flow("run", 3),
        }],
        handlers: Vec::new(),
        gates: vec![OverviewItem {
            name: "</script><script>alert(1)</script>".to_owned(),
            kind: "gate",
            place: in_flow("run", 3),
        }],
        schedules: Vec::new(),
    }
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
        subject: None,
        impact: Impact::Unknown,
        trace: Vec::new(),
        fixes: Vec::new(),
    }
}

fn edit(place: Place, replacement: &str) -> Edit {
    Edit {
        place,
        replacement: replacement.to_owned(),
    }
}

fn place(file: FileId, start: usize, end: usize) -> Place {
    Place {
        file,
        span: Span::new(start as u32, end as u32),
    }
}

#[test]
fn every_format() {
    for &format in Format::value_variants() {
        let mut text = rendered(format);
        if format == Format::Sarif {
            let log: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            text = serde_json::to_string_pretty(&log).expect("JSON");
        }
        if format == Format::Html {
            text = without_assets(&text);
        }
        insta::assert_snapshot!(format!("{format:?}").to_lowercase(), text);
    }
}

/// The page without its style and its script, one element a line.
fn without_assets(page: &str) -> String {
    let cut = |text: &str, open: &str, close: &str| {
        let (before, rest) = text.split_once(open).expect("there is one");
        let (_, after) = rest.split_once(close).expect("it ends");
        assert!(!after.contains(open), "{open} of somebody else");
        format!("{before}{open}…{close}{after}")
    };
    let page = cut(page, "<style>", "</style>");
    cut(&page, "<script>", "</script>").replace("><", ">\n<")
}

#[test]
fn full_in_a_narrow_terminal() {
    insta::assert_snapshot!(rendered_in(Format::Full, Some(40), |_| {}));
}

#[test]
fn no_format_lets_hostile_characters_through() {
    for format in Format::value_variants() {
        let text = rendered(*format);
        let found = text.chars().find(|&c| is_hostile(c) && c != '\n');
        assert_eq!(found, None, "{format:?}");
    }
}

#[test]
fn a_dense_project_stays_within_the_limits_of_code_scanning() {
    let text = rendered_after(Format::Sarif, |report| {
        let [error, info] = &report.findings[..] else {
            panic!("two findings");
        };
        let (error, info) = (error.clone(), info.clone());
        report.findings = vec![info; 6_000];
        report.all_places = true;
        report.findings.push(error);
    });
    let log: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let run = &log["runs"][0];
    let results = run["results"].as_array().expect("a list");
    assert_eq!(results.len(), 5_000);
    // The most severe one is kept, in its place.
    assert_eq!(results[0]["level"], "note");
    assert_eq!(results[4_999]["level"], "error");
    let told = run["invocations"][0]["toolExecutionNotifications"][2]["message"]["text"].as_str();
    assert!(told.is_some_and(|it| it.starts_with("1002 results are left out, ")));
}

#[test]
fn a_long_path_stays_within_the_limits_of_code_scanning() {
    let text = rendered_after(Format::Sarif, |report| {
        let finding = &mut report.findings[0];
        finding.message = "x".repeat(10_000);
        let step = finding.trace[0].clone();
        finding.trace = (0..2_000)
            .map(|number| TraceStep {
                message: format!("[step] {number}"),
                ..step.clone()
            })
            .collect();
    });
    let log: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let result = &log["runs"][0]["results"][0];
    let flow = &result["codeFlows"][0]["threadFlows"][0]["locations"];
    let related = &result["relatedLocations"];
    let message = result["message"]["text"].as_str().expect("text");
    assert_eq!(flow.as_array().map(Vec::len), Some(1_000));
    assert_eq!(flow[999]["location"]["message"]["text"], r"\[step\] 1999");
    assert_eq!(related.as_array().map(Vec::len), Some(100));
    assert_eq!(related[99]["id"], 2_000);
    let links = message.lines().filter(|it| it.contains("](")).count();
    assert_eq!(links, 100);
    assert!(
        message.contains("\n99. [\\[step\\] 98](99)\n…\n2000. ["),
        "{message}"
    );
    assert!(message.lines().all(|line| line.chars().count() < 1_100));
}

#[test]
fn a_summary_is_small_enough_for_github() {
    let text = rendered_after(Format::Markdown, |report| {
        let [error, info] = &report.findings[..] else {
            panic!("two findings");
        };
        let (error, info) = (error.clone(), info.clone());
        report.findings = vec![info; 20_000];
        report.all_places = true;
        report.findings.push(error);
        report.errors = vec![report.errors[0].clone(); 10_000];
    });
    assert!((900_000..1 << 20).contains(&text.len()), "{}", text.len());
    for what in ["files", "findings", "explanations"] {
        assert!(
            text.contains(&format!(" more {what} are left out, ")),
            "{what}"
        );
    }
    // The most severe finding is first, in both lists.
    assert!(text.contains("|---|---|---|---|\n| error | RB101 |"));
    assert!(text.contains("### Why\n\n<details><summary>RB101 at <code>src/häuser/wf 1.py:3"));
}

#[test]
fn annotations_are_counted_as_github_does() {
    let text = rendered_after(Format::Github, |report| {
        let [error, info] = &report.findings[..] else {
            panic!("two findings");
        };
        let (error, info) = (error.clone(), info.clone());
        report.findings = [vec![info; 12], vec![error; 11]].concat();
        report.all_places = true;
    });
    let commands = |name: &str| text.lines().filter(|it| it.starts_with(name)).count();
    assert_eq!((commands("::error "), commands("::notice ")), (10, 10));
    assert_eq!(
        text.lines().last(),
        Some(
            "::notice title=runbook-lint::GitHub shows 10 of 12 errors and 9 of 12 notices; reports in other formats have all of them"
        )
    );
}
