//! The causes below the path of the file that shows them, one line each.

use std::collections::BTreeMap;
use std::io::{self, Write};

use lint_core::diagnostic::Severity;

use super::escape;
use super::text::{BOLD, color, leading, line, write_end};
use crate::report::Report;

struct Row {
    position: String,
    severity: Severity,
    code: &'static str,
    message: String,
}

pub(super) fn render(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    for (path, rows) in groups(report) {
        writeln!(out, "{BOLD}{}{BOLD:#}", leading(&path))?;
        let widest = |width: fn(&Row) -> usize| rows.iter().map(width).max().unwrap_or(0);
        let position = widest(|it| it.position.len());
        let label = widest(|it| it.label().len());
        for row in &rows {
            let color = color(row.severity);
            writeln!(
                out,
                "  {:<position$}  {color}{:<label$}{color:#}  {}",
                row.position,
                row.label(),
                row.message
            )?;
        }
        writeln!(out)?;
    }
    write_end(report, None, out)
}

fn groups(report: &Report<'_>) -> BTreeMap<String, Vec<Row>> {
    let mut groups: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for error in &report.errors {
        let path = report.places.shown(&error.path);
        groups.entry(path).or_default().push(Row {
            position: format!("{}:{}", error.line, error.column),
            severity: Severity::Error,
            code: error.kind.as_str(),
            message: escape(&error.message).into_owned(),
        });
    }
    for shown in report.shown() {
        let finding = shown.finding;
        let (start, _) = report.places.range(finding.place);
        let path = report.places.path(finding.place.file);
        groups.entry(path).or_default().push(Row {
            position: format!("{}:{}", start.line, start.column),
            severity: finding.severity,
            code: finding.code,
            message: line(shown, &report.places),
        });
    }
    groups
}

impl Row {
    fn label(&self) -> String {
        format!("{}[{}]", self.severity, self.code)
    }
}
