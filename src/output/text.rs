//! What the formats for people have in common.

use std::io::{self, Write};
use std::path::Path;

use anstyle::{AnsiColor, Style};
use lint_core::diagnostic::{Diagnostic, Severity};

use super::escape;
use crate::report::{Places, Report};
use crate::wrap::fill;

pub(super) const BOLD: Style = Style::new().bold();

/// Colours that can be read on dark and on light backgrounds, which yellow and cyan cannot.
pub(super) fn color(severity: Severity) -> Style {
    let color = match severity {
        Severity::Error => AnsiColor::Red,
        Severity::Warning => AnsiColor::Magenta,
        Severity::Info => AnsiColor::BrightBlue,
    };
    color.on_default().bold()
}

/// A path at the beginning of a line. The log of a CI system would take one that begins with `::`
/// for a command.
pub(crate) fn leading(path: &str) -> String {
    let prefix = if path.trim_start().starts_with(':') {
        "./"
    } else {
        ""
    };
    format!("{prefix}{}", escape(path))
}

/// The message and the workflow that it is about.
pub(super) fn sentence(finding: &Diagnostic) -> String {
    match &finding.workflow {
        Some(workflow) => format!("{} [{}]", escape(&finding.message), escape(workflow)),
        None => escape(&finding.message).into_owned(),
    }
}

/// What is to be known beyond the message, in lines: the path to the culprit, help and notes.
pub(super) fn explanation(
    finding: &Diagnostic,
    places: &Places<'_>,
    shown: impl Fn(&Path) -> String,
) -> Vec<String> {
    let steps = finding.trace.iter().zip(1..).map(|(step, number)| {
        let (start, _) = places.range(step.place);
        let path = shown(&places.absolute(step.place.file));
        let (path, message) = (escape(&path), escape(&step.message));
        format!(
            "{number}. {path}:{}:{}: {message}",
            start.line, start.column
        )
    });
    let help = finding
        .help
        .iter()
        .map(|it| format!("help: {}", escape(it)));
    let notes = finding
        .notes
        .iter()
        .map(|it| format!("note: {}", escape(it)));
    steps.chain(help).chain(notes).collect()
}

/// What a report for a terminal ends with.
pub(super) fn write_end(
    report: &Report<'_>,
    width: Option<usize>,
    out: &mut dyn Write,
) -> io::Result<()> {
    if let Some(statistics) = &report.statistics {
        for count in statistics {
            writeln!(out, "{:>6}  {} {}", count.findings, count.code, count.name)?;
        }
    }
    writeln!(out, "{}", fill(&report.summary_line(), width, "  "))
}
