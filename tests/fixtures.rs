//! Runs the linter on every project in `fixtures/<area>/<case>/` and compares what it finds with
//! the markers in the files; CONTRIBUTING.md explains them.
//!
//! `FIXTURES=language/guard cargo test --test fixtures` runs the cases whose path contains the text.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use lint_core::rule::Category;
use serde_json::Value;

/// One line of one file at which something is, or should be, reported.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Mark {
    path: String,
    line: u64,
    kind: Kind,
    code: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// The primary place of a finding.
    Expect,
    /// The culprit of a finding whose primary place is on another line.
    Culprit,
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Expect => "expect",
            Kind::Culprit => "culprit",
        };
        write!(f, "{}:{}: {kind}: {}", self.path, self.line, self.code)
    }
}

/// What the markers of a case say.
#[derive(Debug, Default)]
struct Expectation {
    marks: BTreeSet<Mark>,
    /// Impacts that are asked for, by the mark of the primary place.
    impacts: BTreeSet<(Mark, String)>,
    /// Whether the case says anything at all.
    is_stated: bool,
}

#[test]
fn every_fixture_gives_exactly_what_its_markers_say() {
    let wanted = std::env::var("FIXTURES").unwrap_or_default();
    let root = fixtures();
    let mut problems = Vec::new();
    let mut count = 0;
    for case in areas(&root).iter().flat_map(|area| directories(area)) {
        let name = relative(&case, &root);
        if name.contains(&wanted) {
            count += 1;
            problems.extend(check(&case).into_iter().map(|it| format!("{name}: {it}")));
        }
    }
    assert!(count > 0, "no fixture has `{wanted}` in its path");
    assert!(
        problems.is_empty(),
        "{} problems in {count} fixtures:\n{}",
        problems.len(),
        problems.join("\n")
    );
}

#[test]
fn the_shortest_path_is_told() {
    let report = lint(&fixtures().join("language/reach-shortest-path"));
    for finding in findings(&report) {
        assert_eq!(
            finding["trace"].as_array().map(Vec::len),
            Some(2),
            "{finding:#}"
        );
    }
}

#[test]
fn a_finding_behind_a_passed_through_import_says_so() {
    for case in [
        "language/passthrough-imports",
        "language/passthrough-worker",
    ] {
        let report = lint(&fixtures().join(case));
        assert!(!findings(&report).is_empty());
        for finding in findings(&report) {
            let is_said = finding["notes"].to_string().contains("passed through");
            assert_eq!(is_said, finding["entry"] == "run", "{case}: {finding:#}");
        }
    }
}

#[test]
fn a_file_beside_the_code_is_information() {
    let report = lint(&fixtures().join("language/files-beside-code"));
    assert!(!findings(&report).is_empty());
    for finding in findings(&report) {
        let is_beside = finding["workflow"] == "flow.Beside";
        let expected = if is_beside { "info" } else { "warning" };
        assert_eq!(finding["severity"], expected, "{finding:#}");
    }
}

#[test]
fn every_rule_about_workflow_code_has_a_fixture() {
    let expected: BTreeSet<String> = areas(&fixtures())
        .iter()
        .flat_map(|area| directories(area))
        .flat_map(|case| expectation(&case).marks)
        .map(|mark| mark.code)
        .collect();
    let rules = rules::metadata()
        .filter(|rule| !(Category::Contract..=Category::Bundle).contains(&rule.category));
    let missing: Vec<&str> = rules
        .map(|rule| rule.code)
        .filter(|code| !expected.contains(*code))
        .collect();
    assert!(missing.is_empty(), "no fixture expects {missing:?}");
}

fn check(case: &Path) -> Vec<String> {
    let expected = expectation(case);
    if !expected.is_stated {
        return vec!["has neither a marker nor a file named `clean`".to_owned()];
    }
    let report = lint(case);
    let mut problems: Vec<String> = errors(&report)
        .iter()
        .map(|error| format!("cannot be read: {error}"))
        .collect();
    let found: BTreeSet<Mark> = findings(&report).iter().flat_map(marks).collect();
    let missing = expected.marks.difference(&found);
    problems.extend(missing.map(|mark| format!("missing {mark}")));
    let unexpected = found.difference(&expected.marks);
    problems.extend(unexpected.map(|mark| format!("unexpected {mark}")));
    for (mark, impact) in &expected.impacts {
        let same_place = |finding: &&Value| marks(finding).contains(mark);
        let impacts: BTreeSet<&str> = findings(&report)
            .iter()
            .filter(same_place)
            .filter_map(|it| it["impact"].as_str())
            .collect();
        if !impacts.is_empty() && !impacts.contains(impact.as_str()) {
            problems.push(format!(
                "{mark} should have impact {impact}, not {impacts:?}"
            ));
        }
    }
    problems
}

/// The places that a finding names.
fn marks(finding: &Value) -> Vec<Mark> {
    let mark = |kind, place: &Value| Mark {
        path: place["path"].as_str().unwrap_or_default().to_owned(),
        line: place["start"]["line"].as_u64().unwrap_or_default(),
        kind,
        code: finding["code"].as_str().unwrap_or_default().to_owned(),
    };
    let primary = mark(Kind::Expect, finding);
    let culprit = finding["trace"]
        .as_array()
        .and_then(|trace| trace.last())
        .map(|step| mark(Kind::Culprit, step));
    let elsewhere =
        culprit.filter(|culprit| (&culprit.path, culprit.line) != (&primary.path, primary.line));
    std::iter::once(primary).chain(elsewhere).collect()
}

/// Runs the linter in the directory of the case. A case with a configuration of its own uses that.
fn lint(case: &Path) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_runbook-lint"));
    command.args([
        "check",
        "--output-format",
        "json",
        "--exit-zero",
        "--preview",
    ]);
    if !case.join("runbook-lint.toml").exists() {
        command.arg("--isolated");
    }
    let output = command
        .current_dir(case)
        .output()
        .expect("the linter can be started");
    let report = serde_json::from_slice(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    report.unwrap_or_else(|error| panic!("{}: no JSON: {error}\n{stderr}", case.display()))
}

fn findings(report: &Value) -> &[Value] {
    report["findings"].as_array().map_or(&[], Vec::as_slice)
}

fn errors(report: &Value) -> &[Value] {
    report["errors"].as_array().map_or(&[], Vec::as_slice)
}

fn expectation(case: &Path) -> Expectation {
    let mut expectation = Expectation::default();
    for file in files(case) {
        let path = relative(&file, case);
        expectation.is_stated |= path == "clean";
        let Ok(text) = std::fs::read_to_string(&file) else {
            continue;
        };
        for (number, line) in (1..).zip(text.lines()) {
            expectation.add(line, "expect: ", Kind::Expect, &path, number);
            expectation.add(line, "culprit: ", Kind::Culprit, &path, number);
        }
    }
    expectation
}

impl Expectation {
    /// Reads `# expect: RB101, RB103[drift]`, also as a comment of Markdown.
    fn add(&mut self, line: &str, keyword: &str, kind: Kind, path: &str, number: u64) {
        let Some(at) = ["# ", "<!-- "]
            .iter()
            .find_map(|start| line.find(&format!("{start}{keyword}")))
        else {
            return;
        };
        self.is_stated = true;
        let list = line[at..].split_once(keyword).map_or("", |(_, list)| list);
        let list = list
            .split(['#', '<'])
            .next()
            .unwrap_or_default()
            .trim_end_matches("-->");
        for item in list
            .split(',')
            .map(str::trim)
            .filter(|item| *item != "nothing")
        {
            let (code, impact) = match item.split_once('[') {
                Some((code, rest)) => (code, Some(rest.trim_end_matches(']'))),
                None => (item, None),
            };
            let mark = Mark {
                path: path.to_owned(),
                line: number,
                kind,
                code: code.to_owned(),
            };
            self.marks.insert(mark.clone());
            self.impacts
                .extend(impact.map(|impact| (mark, impact.to_owned())));
        }
    }
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

fn areas(root: &Path) -> Vec<PathBuf> {
    directories(root)
}

/// The directories in a directory, by name.
fn directories(directory: &Path) -> Vec<PathBuf> {
    entries(directory)
        .into_iter()
        .filter(|path| path.is_dir())
        .collect()
}

/// All files below a directory, by path.
fn files(directory: &Path) -> Vec<PathBuf> {
    let below = |path: PathBuf| {
        if path.is_dir() {
            files(&path)
        } else {
            vec![path]
        }
    };
    entries(directory).into_iter().flat_map(below).collect()
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).expect("the directory can be listed");
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("the entry can be read").path())
        .collect();
    paths.sort();
    paths
}

fn relative(path: &Path, root: &Path) -> String {
    let path = path.strip_prefix(root).expect("the path is below the root");
    path.to_string_lossy().replace('\\', "/")
}
