//! The objects of the JSON format, one a line, with their type: what could not be read, then the
//! findings and their causes, and at last the summary, by which a reader knows that nothing is missing.

use std::io::{self, Write};

use serde::Serialize;

use super::escape_json;
use super::json::{self, Cause, Count, Error, Finding, SCHEMA, Summary, TOOL, Tool};
use crate::report::Report;

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
enum Line<'r> {
    Error(Error<'r>),
    Finding(Finding<'r>),
    Cause(Cause<'r>),
    Summary(End<'r>),
}

#[derive(Serialize)]
struct End<'r> {
    schema: &'static str,
    tool: Tool,
    summary: Summary,
    warnings: &'r [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    statistics: Option<Vec<Count>>,
}

pub(super) fn render(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let places = &report.places;
    let mut write = |line: Line<'_>| {
        let object = serde_json::to_string(&line)?;
        writeln!(out, "{}", escape_json(&object))
    };
    for error in &report.errors {
        write(Line::Error(json::error(error, places)))?;
    }
    for finding in json::findings(report) {
        write(Line::Finding(finding))?;
    }
    for cause in &report.causes {
        write(Line::Cause(json::cause(cause, report)))?;
    }
    write(Line::Summary(End {
        schema: SCHEMA,
        tool: TOOL,
        summary: json::summary(report),
        warnings: &report.warnings,
        statistics: json::statistics(report),
    }))
}
