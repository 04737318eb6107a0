//! One line for each finding: `path:line:column: severity[code] message [workflow]`.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use lint_core::diagnostic::Severity;

use super::escape;
use crate::report::Report;

const BOLD: Style = Style::new().bold();

pub(super) fn render(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    for error in &report.errors {
        let path = report.places.shown(&error.path);
        let color = color(Severity::Error);
        writeln!(
            out,
            "{BOLD}{}:{}:{}{BOLD:#}: {color}error[{}]{color:#} {}",
            escape(&path),
            error.line,
            error.column,
            error.kind.as_str(),
            escape(&error.message),
        )?;
    }
    for finding in &report.findings {
        let (start, _) = report.places.range(finding.place);
        let path = report.places.path(finding.place.file);
        let color = color(finding.severity);
        write!(
            out,
            "{BOLD}{}:{}:{}{BOLD:#}: {color}{}[{}]{color:#} {}",
            escape(&path),
            start.line,
            start.column,
            finding.severity,
            finding.code,
            escape(&finding.message),
        )?;
        if let Some(workflow) = &finding.workflow {
            write!(out, " [{}]", escape(workflow))?;
        }
        writeln!(out)?;
    }
    super::render_end(report, out)
}

fn color(severity: Severity) -> Style {
    let color = match severity {
        Severity::Error => AnsiColor::Red,
        Severity::Warning => AnsiColor::Yellow,
        Severity::Info => AnsiColor::Cyan,
    };
    color.on_default().bold()
}
