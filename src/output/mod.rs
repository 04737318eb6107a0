//! One file per output format. Each renders the same [`Report`] and decides nothing.

mod concise;
mod escape;
mod full;
mod json;
mod sarif;

use std::io::{self, Write};

use crate::cli::Format;
use crate::report::Report;

pub(crate) use escape::{escape, escape_json};

/// Writes the report. Text formats are coloured; who cannot show colours strips them.
pub(crate) fn render(format: Format, report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Full => full::render(report, out),
        Format::Concise => concise::render(report, out),
        Format::Json => json::render(report, out),
        Format::Sarif => sarif::render(report, out),
    }
}

/// What text formats end with.
fn render_end(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    if let Some(statistics) = &report.statistics {
        for count in statistics {
            writeln!(out, "{:>6}  {} {}", count.findings, count.code, count.name)?;
        }
    }
    writeln!(out, "{}", report.summary_line())
}

#[cfg(test)]
mod tests;
