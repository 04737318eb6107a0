//! The Reviewdog Diagnostic Format. Columns are 1-based and count bytes of UTF-8; ends are exclusive.

use std::io::{self, Write};

use lint_core::diagnostic::{Applicability, Diagnostic, Fix, Place, Severity};
use serde::Serialize;

use super::text::{explanation, sentence};
use super::{escape, rule_page, write_json};
use crate::report::{Places, Report, ReportedError};

#[derive(Serialize)]
struct Document {
    source: Source,
    diagnostics: Vec<Item>,
}

#[derive(Serialize)]
struct Source {
    name: &'static str,
    url: &'static str,
}

#[derive(Serialize)]
struct Item {
    message: String,
    location: Location,
    severity: &'static str,
    code: Code,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suggestions: Vec<Suggestion>,
}

#[derive(Serialize)]
struct Location {
    path: String,
    range: Range,
}

#[derive(Serialize)]
struct Range {
    start: Position,
    end: Position,
}

#[derive(Serialize, Clone, Copy)]
struct Position {
    line: u32,
    column: u32,
}

#[derive(Serialize)]
struct Code {
    value: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

#[derive(Serialize)]
struct Suggestion {
    range: Range,
    text: String,
}

pub(super) fn render(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let places = &report.places;
    let errors = report.errors.iter().map(|it| of_error(it, places));
    let findings = report.findings.iter().map(|it| of_finding(it, places));
    let document = Document {
        source: Source {
            name: env!("CARGO_PKG_NAME"),
            url: env!("CARGO_PKG_REPOSITORY"),
        },
        diagnostics: errors.chain(findings).collect(),
    };
    write_json(&document, out)
}

fn of_finding(finding: &Diagnostic, places: &Places<'_>) -> Item {
    let mut lines = vec![sentence(finding)];
    lines.extend(explanation(finding, places, |it| places.shown(it)));
    Item {
        message: lines.join("\n"),
        location: Location {
            path: places.path(finding.place.file),
            range: range(finding.place, places),
        },
        severity: match finding.severity {
            Severity::Error => "ERROR",
            Severity::Warning => "WARNING",
            Severity::Info => "INFO",
        },
        code: Code {
            value: finding.code,
            url: Some(rule_page(finding.code, finding.name)),
        },
        suggestions: finding
            .fixes
            .iter()
            .filter_map(|fix| suggestion(fix, finding, places))
            .collect(),
    }
}

/// Reviewdog offers each suggestion by itself and in the file of the diagnostic, so a fix that takes
/// several edits or a new file cannot be one.
fn suggestion(fix: &Fix, finding: &Diagnostic, places: &Places<'_>) -> Option<Suggestion> {
    let [edit] = &fix.edits[..] else {
        return None;
    };
    let can_apply = fix.applicability != Applicability::DisplayOnly && fix.new_files.is_empty();
    (can_apply && edit.place.file == finding.place.file).then(|| Suggestion {
        range: range(edit.place, places),
        text: edit.replacement.clone(),
    })
}

fn of_error(error: &ReportedError, places: &Places<'_>) -> Item {
    let start = Position {
        line: error.line.max(1),
        column: error.utf8_column.max(1),
    };
    Item {
        message: escape(&error.message).into_owned(),
        location: Location {
            path: places.shown(&error.path),
            range: Range { start, end: start },
        },
        severity: "ERROR",
        code: Code {
            value: error.kind.as_str(),
            url: None,
        },
        suggestions: Vec::new(),
    }
}

fn range(place: Place, places: &Places<'_>) -> Range {
    let source = places.source(place.file);
    let position = |offset: u32| {
        let line = source.line(offset);
        Position {
            line,
            column: offset - source.line_span(line).start + 1,
        }
    };
    Range {
        start: position(place.span.start),
        end: position(place.span.end),
    }
}
