//! GitLab's Code Quality report. Paths are relative to the repository.

use std::io::{self, Write};

use lint_core::causes::hash;
use lint_core::diagnostic::{Diagnostic, Severity};
use serde::Serialize;

use super::fingerprint::Fingerprints;
use super::text::sentence;
use super::{escape, write_json};
use crate::report::{Places, Report, ReportedError};

#[derive(Serialize)]
struct Issue {
    description: String,
    check_name: &'static str,
    /// Must be unique; GitLab compares those of two branches.
    fingerprint: String,
    severity: &'static str,
    location: Location,
}

#[derive(Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: u32,
    end: u32,
}

pub(super) fn render(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let places = &report.places;
    let mut fingerprints = Fingerprints::default();
    let errors = report.errors.iter().map(|it| of_error(it, places));
    let findings = report
        .findings
        .iter()
        .map(|it| of_finding(it, places, &mut fingerprints));
    let issues: Vec<Issue> = errors.chain(findings).collect();
    write_json(&issues, out)
}

fn of_finding(finding: &Diagnostic, places: &Places<'_>, fingerprints: &mut Fingerprints) -> Issue {
    let (start, end) = places.range(finding.place);
    Issue {
        description: sentence(finding),
        check_name: finding.code,
        fingerprint: fingerprints.of(finding, places),
        severity: match finding.severity {
            Severity::Error => "critical",
            Severity::Warning => "major",
            Severity::Info => "info",
        },
        location: Location {
            path: places.in_repository(&places.absolute(finding.place.file)),
            lines: Lines {
                begin: start.line,
                end: end.line,
            },
        },
    }
}

/// One file has at most one error.
fn of_error(error: &ReportedError, places: &Places<'_>) -> Issue {
    let path = places.in_repository(&error.path);
    let line = error.line.max(1);
    Issue {
        description: escape(&error.message).into_owned(),
        check_name: error.kind.as_str(),
        fingerprint: hash(&[error.kind.as_str(), &path]),
        severity: "blocker",
        location: Location {
            path,
            lines: Lines {
                begin: line,
                end: line,
            },
        },
    }
}
