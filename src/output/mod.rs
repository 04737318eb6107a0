//! One file per output format. Each renders the same [`Report`] and decides nothing.

mod concise;
pub(crate) mod escape;
mod fingerprint;
mod fix;
mod full;
mod github;
mod gitlab;
mod grouped;
mod html;
mod json;
mod json_lines;
mod junit;
mod markdown;
mod rdjson;
mod sarif;
mod text;

use std::io::{self, Write};

use serde::Serialize;

use crate::cli::Format;
use crate::report::Report;

pub(crate) use escape::{escape, escape_json, escape_line};
pub(crate) use html::render_graph;
pub(crate) use text::leading;

/// Where the documentation is published.
const BOOK: &str = "https://ntropii-com.github.io/runbook-lint/";

/// Writes the report. Text formats are coloured; who cannot show colours strips them.
/// In a terminal, sentences are wrapped to its width.
pub(crate) fn render(
    format: Format,
    report: &Report<'_>,
    width: Option<usize>,
    out: &mut dyn Write,
) -> io::Result<()> {
    match format {
        Format::Full => full::render(report, width, out),
        Format::Concise => concise::render(report, width, out),
        Format::Grouped => grouped::render(report, out),
        Format::Json => json::render(report, out),
        Format::JsonLines => json_lines::render(report, out),
        Format::Github => github::render(report, out),
        Format::Gitlab => gitlab::render(report, out),
        Format::Junit => junit::render(report, out),
        Format::Rdjson => rdjson::render(report, out),
        Format::Sarif => sarif::render(report, out),
        Format::Html => html::render(report, out),
        Format::Markdown => markdown::render(report, out),
    }
}

/// The page of the book about a rule.
pub(crate) fn rule_page(code: &str, name: &str) -> String {
    format!("{BOOK}rules/{}-{name}.html", code.to_ascii_lowercase())
}

/// JSON for people to read as well.
fn write_json(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    let document = serde_json::to_string_pretty(value)?;
    writeln!(out, "{}", escape_json(&document))
}

#[cfg(test)]
mod tests;
