//! Version 1 of the JSON format. It is a contract: fields may be added, never changed.

use std::io::{self, Write};

use lint_core::causes::Bond;
use lint_core::diagnostic::{Diagnostic, Edit, Impact, Place};
use lint_core::source::Position as SourcePosition;
use serde::Serialize;

use super::write_json;
use crate::baseline::Stale;
use crate::config::absolute;
use crate::report::{Places, Report, ReportedError, UsedBaseline};

pub(super) const SCHEMA: &str = "runbook-lint/1";
pub(super) const TOOL: Tool = Tool {
    name: env!("CARGO_PKG_NAME"),
    version: env!("CARGO_PKG_VERSION"),
};

#[derive(Serialize)]
struct Document<'r> {
    schema: &'static str,
    tool: Tool,
    summary: Summary,
    findings: Vec<Finding<'r>>,
    causes: Vec<Cause<'r>>,
    errors: Vec<Error<'r>>,
    warnings: &'r [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    statistics: Option<Vec<Count>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline: Option<Baseline<'r>>,
}

#[derive(Serialize)]
pub(super) struct Tool {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
pub(super) struct Summary {
    files: usize,
    parsed: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    installed: Option<usize>,
    workflows: usize,
    activities: usize,
    findings: usize,
    causes: usize,
    suppressed: usize,
    errors: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    baselined: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    preexisting: Option<usize>,
}

#[derive(Serialize)]
pub(super) struct Finding<'r> {
    code: &'static str,
    name: &'static str,
    severity: &'static str,
    message: &'r str,
    help: Option<&'r str>,
    notes: &'r [String],
    #[serde(flatten)]
    place: Location,
    workflow: Option<&'r str>,
    entry: Option<&'r str>,
    culprit: Option<&'r str>,
    /// `null` where no replay runs it, as for rules about the contract.
    impact: Option<&'static str>,
    trace: Vec<Step<'r>>,
    fixes: Vec<Fix<'r>>,
    /// The id of its cause.
    cause: &'r str,
}

/// What one person would change in one place.
#[derive(Serialize)]
pub(super) struct Cause<'r> {
    id: &'r str,
    findings: usize,
    workflows: usize,
    /// The index of the finding to read, in `findings`.
    representative: usize,
    /// What its culprits have in common.
    joined_by: &'static str,
    subject: Option<Subject<'r>>,
    through: Option<Through<'r>>,
    culprits: Vec<Culprit<'r>>,
}

#[derive(Serialize)]
struct Subject<'r> {
    path: Option<String>,
    name: &'r str,
}

#[derive(Serialize)]
struct Through<'r> {
    #[serde(flatten)]
    place: Location,
    function: &'r str,
}

#[derive(Serialize)]
struct Culprit<'r> {
    code: &'static str,
    name: &'static str,
    #[serde(flatten)]
    place: Location,
    culprit: Option<&'r str>,
    findings: usize,
}

#[derive(Serialize)]
struct Location {
    path: String,
    start: Position,
    end: Position,
}

/// 1-based; columns in Unicode characters.
#[derive(Serialize)]
struct Position {
    line: u32,
    column: u32,
}

#[derive(Serialize)]
struct Step<'r> {
    #[serde(flatten)]
    place: Location,
    function: &'r str,
    message: &'r str,
}

#[derive(Serialize)]
struct Fix<'r> {
    title: &'r str,
    applicability: &'static str,
    edits: Vec<Replacement<'r>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    new_files: Vec<Created<'r>>,
}

/// A file that the fix makes.
#[derive(Serialize)]
struct Created<'r> {
    path: String,
    text: &'r str,
}

#[derive(Serialize)]
struct Replacement<'r> {
    #[serde(flatten)]
    place: Location,
    replacement: &'r str,
}

#[derive(Serialize)]
pub(super) struct Error<'r> {
    path: String,
    kind: &'static str,
    message: &'r str,
    line: u32,
    column: u32,
}

#[derive(Serialize)]
struct Baseline<'r> {
    path: String,
    stale: Vec<StaleEntry<'r>>,
}

/// An entry that stands for more findings than there are.
#[derive(Serialize)]
struct StaleEntry<'r> {
    path: String,
    code: &'r str,
    function: Option<&'r str>,
    culprit: Option<&'r str>,
    source: Option<&'r str>,
    expected: u32,
    found: u32,
}

#[derive(Serialize)]
pub(super) struct Count {
    code: &'static str,
    name: &'static str,
    findings: usize,
    causes: usize,
}

pub(super) fn render(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let places = &report.places;
    let document = Document {
        schema: SCHEMA,
        tool: TOOL,
        summary: summary(report),
        findings: findings(report).collect(),
        causes: report.causes.iter().map(|it| cause(it, report)).collect(),
        errors: report.errors.iter().map(|it| error(it, places)).collect(),
        warnings: &report.warnings,
        statistics: statistics(report),
        baseline: report.baseline.as_ref().map(|it| baseline(it, places)),
    };
    write_json(&document, out)
}

pub(super) fn summary(report: &Report<'_>) -> Summary {
    Summary {
        files: report.summary.files,
        parsed: report.summary.parsed,
        installed: Some(report.summary.installed).filter(|&count| count > 0),
        workflows: report.summary.workflows,
        activities: report.summary.activities,
        findings: report.findings.len(),
        causes: report.causes.len(),
        suppressed: report.summary.suppressed,
        errors: report.errors.len(),
        baselined: report.summary.baselined,
        preexisting: report.summary.preexisting,
    }
}

fn baseline<'r>(used: &'r UsedBaseline, places: &Places<'_>) -> Baseline<'r> {
    let stale = used.stale.iter().map(|it| stale_entry(it, places));
    Baseline {
        path: places.shown(&absolute(&used.path, &places.cwd)),
        stale: stale.collect(),
    }
}

fn stale_entry<'r>(stale: &'r Stale, places: &Places<'_>) -> StaleEntry<'r> {
    let key = &stale.key;
    StaleEntry {
        path: places.shown(&places.root.join(&key.file)),
        code: &key.rule,
        function: key.function.as_deref(),
        culprit: key.culprit.as_deref(),
        source: key.source.as_deref(),
        expected: stale.expected,
        found: stale.found,
    }
}

pub(super) fn statistics(report: &Report<'_>) -> Option<Vec<Count>> {
    let count = |it: &crate::report::Count| Count {
        code: it.code,
        name: it.name,
        findings: it.findings,
        causes: it.causes,
    };
    let counts = report.statistics.as_ref()?;
    Some(counts.iter().map(count).collect())
}

pub(super) fn error<'r>(error: &'r ReportedError, places: &Places<'_>) -> Error<'r> {
    Error {
        path: places.shown(&error.path),
        kind: error.kind.as_str(),
        message: &error.message,
        line: error.line,
        column: error.column,
    }
}

/// All findings, each with the id of its cause.
pub(super) fn findings<'r>(report: &'r Report<'_>) -> impl Iterator<Item = Finding<'r>> {
    let mut ids = vec![""; report.findings.len()];
    for cause in &report.causes {
        for &ix in &cause.findings {
            ids[ix] = &cause.id;
        }
    }
    let with_ids = report.findings.iter().zip(ids);
    with_ids.map(|(it, id)| finding(it, id, &report.places))
}

pub(super) fn cause<'r>(cause: &'r lint_core::causes::Cause, report: &Report<'_>) -> Cause<'r> {
    let places = &report.places;
    let culprits = cause.culprits.iter().map(|it| Culprit {
        code: it.code,
        name: it.name,
        place: location(it.place, places),
        culprit: it.culprit.as_deref(),
        findings: it.findings,
    });
    Cause {
        id: &cause.id,
        findings: cause.findings.len(),
        workflows: cause.workflows(&report.findings).len(),
        representative: cause.representative,
        joined_by: match &cause.bond {
            Bond::Culprit => "culprit",
            Bond::Subject(_) => "subject",
            Bond::Line => "line",
            Bond::Through(_) => "through",
            Bond::Fixes => "fixes",
        },
        subject: match &cause.bond {
            Bond::Subject(it) => Some(Subject {
                path: it.file.map(|file| places.shown(&places.absolute(file))),
                name: &it.name,
            }),
            _ => None,
        },
        through: match &cause.bond {
            Bond::Through(it) => Some(Through {
                place: location(it.place, places),
                function: &it.function,
            }),
            _ => None,
        },
        culprits: culprits.collect(),
    }
}

fn finding<'r>(finding: &'r Diagnostic, cause: &'r str, places: &Places<'_>) -> Finding<'r> {
    Finding {
        code: finding.code,
        name: finding.name,
        severity: finding.severity.as_str(),
        message: &finding.message,
        help: finding.help.as_deref(),
        notes: &finding.notes,
        place: location(finding.place, places),
        workflow: finding.workflow.as_deref(),
        entry: finding.entry.as_deref(),
        culprit: finding.culprit.as_deref(),
        impact: finding.impact_on_replay().map(Impact::as_str),
        trace: finding
            .trace
            .iter()
            .map(|step| Step {
                place: location(step.place, places),
                function: &step.function,
                message: &step.message,
            })
            .collect(),
        fixes: finding.fixes.iter().map(|it| fix(it, places)).collect(),
        cause,
    }
}

fn fix<'r>(fix: &'r lint_core::fix::Fix, places: &Places<'_>) -> Fix<'r> {
    let new_files = fix.new_files.iter().map(|it| Created {
        path: places.shown(&places.root.join(&it.key)),
        text: &it.text,
    });
    Fix {
        title: &fix.title,
        applicability: fix.applicability.as_str(),
        edits: fix.edits.iter().map(|it| replacement(it, places)).collect(),
        new_files: new_files.collect(),
    }
}

fn replacement<'r>(edit: &'r Edit, places: &Places<'_>) -> Replacement<'r> {
    Replacement {
        place: location(edit.place, places),
        replacement: &edit.replacement,
    }
}

fn location(place: Place, places: &Places<'_>) -> Location {
    let (start, end) = places.range(place);
    Location {
        path: places.path(place.file),
        start: position(start),
        end: position(end),
    }
}

fn position(position: SourcePosition) -> Position {
    Position {
        line: position.line,
        column: position.column,
    }
}
