//! Workflow commands: annotations in the log of GitHub Actions.

use std::io::{self, Write};
use std::path::Path;

use lint_core::diagnostic::Severity;
use lint_core::source::Position;

use super::escape::{escape, escape_controls};
use super::text::{explanation, others, sentence};
use crate::report::{Places, Report, ReportedError, Shown};

/// GitHub shows so many annotations of each kind for one step, and drops the others silently.
const LIMIT: usize = 10;
const SEVERITIES: [Severity; 3] = [Severity::Error, Severity::Warning, Severity::Info];

struct Annotation {
    severity: Severity,
    /// Properties by name, in order.
    properties: Vec<(&'static str, String)>,
    lines: Vec<String>,
}

pub(super) fn render(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let places = &report.places;
    let errors = report.errors.iter().map(|it| of_error(it, places));
    let findings = report.shown();
    let findings = findings.into_iter().map(|it| of_finding(it, report));
    let warnings = report.warnings.iter().map(|it| {
        let message = escape(it).into_owned();
        Annotation::without_place(Severity::Warning, message)
    });
    let annotations: Vec<Annotation> = warnings.chain(errors).chain(findings).collect();
    let of = |severity: Severity| annotations.iter().filter(move |it| it.severity == severity);
    let is_cut = SEVERITIES.iter().any(|&it| of(it).count() > LIMIT);
    let mut hidden = Vec::new();
    for severity in SEVERITIES {
        // What is said about the others is a notice itself.
        let limit = LIMIT - usize::from(is_cut && severity == Severity::Info);
        for annotation in of(severity).take(limit) {
            annotation.write(out)?;
        }
        let count = of(severity).count();
        if count > limit {
            hidden.push(format!("{limit} of {count} {}s", command(severity)));
        }
    }
    if !hidden.is_empty() {
        let more = format!(
            "GitHub shows {}; reports in other formats have all of them",
            hidden.join(" and ")
        );
        Annotation::without_place(Severity::Info, more).write(out)?;
    }
    Ok(())
}

fn of_finding(shown: Shown<'_>, report: &Report<'_>) -> Annotation {
    let (finding, places) = (shown.finding, &report.places);
    let (start, end) = places.range(finding.place);
    let path = places.in_workspace(&places.absolute(finding.place.file));
    let (line, column) = (start.line, start.column);
    let mut lines = vec![format!(
        "{}:{line}:{column}: {}",
        escape(&path),
        sentence(finding)
    )];
    let path_of = |it: &Path| places.in_workspace(it);
    lines.extend(explanation(finding, places, path_of));
    lines.extend(others(shown, report, path_of));
    Annotation {
        severity: finding.severity,
        properties: properties(
            path,
            start,
            end,
            format!("{} {}", finding.code, finding.name),
        ),
        lines,
    }
}

fn of_error(error: &ReportedError, places: &Places<'_>) -> Annotation {
    let path = places.in_workspace(&error.path);
    let start = Position {
        line: error.line.max(1),
        column: error.column.max(1),
    };
    let message = escape(&error.message);
    Annotation {
        severity: Severity::Error,
        lines: vec![format!(
            "{}:{}:{}: {message}",
            escape(&path),
            start.line,
            start.column
        )],
        properties: properties(path, start, start, format!("{} error", error.kind.as_str())),
    }
}

fn properties(
    path: String,
    start: Position,
    end: Position,
    title: String,
) -> Vec<(&'static str, String)> {
    let mut properties = vec![
        ("file", path),
        ("line", start.line.to_string()),
        ("endLine", end.line.to_string()),
    ];
    // GitHub drops annotations over several lines that have columns.
    if start.line == end.line {
        properties.push(("col", start.column.to_string()));
        properties.push(("endColumn", end.column.to_string()));
    }
    properties.push(("title", title));
    properties
}

fn command(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "notice",
    }
}

impl Annotation {
    fn without_place(severity: Severity, message: String) -> Self {
        Self {
            severity,
            properties: vec![("title", "runbook-lint".to_owned())],
            lines: vec![message],
        }
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let command = command(self.severity);
        let property = |(name, value): &(&str, String)| format!("{name}={}", property(value));
        let properties: Vec<String> = self.properties.iter().map(property).collect();
        let message = data(&self.lines.join("\n"));
        writeln!(out, "::{command} {}::{message}", properties.join(","))
    }
}

fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(&escape_controls(text))
        .replace(':', "%3A")
        .replace(',', "%2C")
}
