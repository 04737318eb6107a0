//! One line for each cause: `path:line:column: severity[code] message [workflow] (culprit)`.

use std::io::{self, Write};

use lint_core::diagnostic::Severity;

use super::escape;
use super::text::{BOLD, Hyperlink, color, leading, line, write_end};
use crate::report::Report;

pub(super) fn render(
    report: &Report<'_>,
    width: Option<usize>,
    out: &mut dyn Write,
) -> io::Result<()> {
    for error in &report.errors {
        let path = report.places.shown(&error.path);
        let color = color(Severity::Error);
        writeln!(
            out,
            "{BOLD}{}:{}:{}{BOLD:#}: {color}error[{}]{color:#} {}",
            leading(&path),
            error.line,
            error.column,
            error.kind.as_str(),
            escape(&error.message),
        )?;
    }
    for shown in report.shown() {
        let finding = shown.finding;
        let (start, _) = report.places.range(finding.place);
        let path = report.places.path(finding.place.file);
        let color = color(finding.severity);
        let link = Hyperlink::to_rule(finding, width);
        writeln!(
            out,
            "{BOLD}{}:{}:{}{BOLD:#}: {color}{}{}[{}]{}{color:#} {}",
            leading(&path),
            start.line,
            start.column,
            link.start(),
            finding.severity,
            finding.code,
            link.end(),
            line(shown, &report.places),
        )?;
    }
    write_end(report, None, out)
}
