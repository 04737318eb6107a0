//! JUnit's XML: a suite for each file, in which every finding is a failed test case. A test case
//! that passes says that the check has run, since CI systems take an empty report for a mistake.

use std::collections::BTreeMap;
use std::io::{self, Write};

use quick_junit::{NonSuccessKind, Report as Document, TestCase, TestCaseStatus, TestSuite};

use super::escape;
use super::text::{explanation, sentence};
use crate::report::Report;

pub(super) fn render(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut check = TestCase::new("check", TestCaseStatus::success());
    check.set_classname("runbook-lint");
    let warnings = report.warnings.iter();
    let said = warnings.map(|it| format!("warning: {}\n", escape(it)));
    check.set_system_out(said.chain([report.summary_line()]).collect::<String>());
    let mut suite = TestSuite::new("runbook-lint");
    suite.add_test_case(check);
    let mut document = Document::new("runbook-lint");
    document.add_test_suite(suite);
    for (path, cases) in cases_by_path(report) {
        let mut suite = TestSuite::new(path);
        suite.add_test_cases(cases);
        document.add_test_suite(suite);
    }
    document.serialize(out).map_err(io::Error::other)
}

fn cases_by_path(report: &Report<'_>) -> BTreeMap<String, Vec<TestCase>> {
    let places = &report.places;
    let mut cases: BTreeMap<String, Vec<TestCase>> = BTreeMap::new();
    for error in &report.errors {
        let path = escape(&places.shown(&error.path)).into_owned();
        let message = escape(&error.message).into_owned();
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_message(message.clone());
        status.set_type("error");
        let (line, column) = (error.line, error.column);
        status.set_description(format!("{path}:{line}:{column}: {message}"));
        let case = case(error.kind.as_str(), &path, (line, column), status);
        cases.entry(path).or_default().push(case);
    }
    for finding in &report.findings {
        let (start, _) = places.range(finding.place);
        let path = escape(&places.path(finding.place.file)).into_owned();
        let message = sentence(finding);
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status.set_message(message.clone());
        status.set_type(finding.severity.as_str());
        let mut lines = vec![format!("{path}:{}:{}: {message}", start.line, start.column)];
        lines.extend(explanation(finding, places, |it| places.shown(it)));
        status.set_description(lines.join("\n"));
        let name = format!("{} {}", finding.code, finding.name);
        let case = case(&name, &path, (start.line, start.column), status);
        cases.entry(path).or_default().push(case);
    }
    cases
}

fn case(name: &str, path: &str, at: (u32, u32), status: TestCaseStatus) -> TestCase {
    let (line, column) = at;
    let mut case = TestCase::new(format!("{name} at {line}:{column}"), status);
    case.set_classname(path);
    case
}
