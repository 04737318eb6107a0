//! SARIF 2.1.0 as GitHub's code scanning reads it.
//!
//! Suppressed findings are left out, because GitHub shows them as open alerts, and there is no
//! `security-severity`: a replay that differs is a bug, not a vulnerability.

mod descriptor;
mod fingerprint;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use lint_core::diagnostic::{Diagnostic, Place, Severity};
use lint_core::source::Position;
use serde_json::json;
use serde_sarif::sarif::{
    ArtifactLocation, CodeFlow, Invocation, Location, LogicalLocation, Message, Notification,
    PhysicalLocation, PropertyBag, Region, Result as SarifResult, ResultLevel, Run,
    RunAutomationDetails, Sarif, ThreadFlow, ThreadFlowLocation, Tool, ToolComponent,
};

use super::escape_json;
use crate::report::{ErrorKind, Places, Report, ReportedError};
use fingerprint::Fingerprints;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
const SOURCE_ROOT: &str = "%SRCROOT%";

pub(super) fn render(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let sarif = Sarif::builder()
        .schema(SCHEMA)
        .version(json!("2.1.0"))
        .runs(vec![run(report)])
        .build();
    let document = serde_json::to_string_pretty(&sarif)?;
    out.write_all(escape_json(&document).as_bytes())?;
    writeln!(out)
}

fn run(report: &Report<'_>) -> Run {
    let driver = ToolComponent::builder()
        .name(env!("CARGO_PKG_NAME"))
        .version(env!("CARGO_PKG_VERSION"))
        .semantic_version(env!("CARGO_PKG_VERSION"))
        .information_uri(env!("CARGO_PKG_REPOSITORY"))
        .rules(
            report
                .rules
                .iter()
                .map(|rule| descriptor::of(rule))
                .collect::<Vec<_>>(),
        )
        .build();
    // No `uri`: the log is the same on every machine, and readers know where the sources are.
    let root = ArtifactLocation::builder()
        .description(Message::from("The root of the repository."))
        .build();
    let mut fingerprints = Fingerprints::default();
    let results: Vec<SarifResult> = report
        .findings
        .iter()
        .map(|finding| result(finding, report, &mut fingerprints))
        .collect();
    Run::builder()
        .tool(Tool::builder().driver(driver).build())
        // What stands before the last `/` is the category of the analysis.
        .automation_details(RunAutomationDetails::builder().id("runbook-lint/").build())
        .column_kind(json!("unicodeCodePoints"))
        .original_uri_base_ids(BTreeMap::from([(SOURCE_ROOT.to_owned(), root)]))
        .invocations(vec![invocation(report)])
        .results(results)
        .build()
}

/// A file that cannot be parsed is no failure of the tool; a broken configuration is.
fn invocation(report: &Report<'_>) -> Invocation {
    let failed = report
        .errors
        .iter()
        .any(|error| error.kind == ErrorKind::Config);
    let notifications: Vec<Notification> = report
        .errors
        .iter()
        .map(|error| notification(error, &report.places))
        .collect();
    Invocation::builder()
        .execution_successful(!failed)
        .tool_execution_notifications(notifications)
        .build()
}

fn notification(error: &ReportedError, places: &Places<'_>) -> Notification {
    let position = Position {
        line: error.line.max(1),
        column: error.column.max(1),
    };
    let region = Region::builder()
        .start_line(position.line)
        .start_column(position.column)
        .build();
    let location = Location::builder()
        .physical_location(
            PhysicalLocation::builder()
                .artifact_location(artifact(&error.path, places))
                .region(region)
                .build(),
        )
        .build();
    Notification::builder()
        .level(json!("error"))
        .message(Message::from(&error.message))
        .locations(vec![location])
        .build()
}

fn result(
    finding: &Diagnostic,
    report: &Report<'_>,
    fingerprints: &mut Fingerprints,
) -> SarifResult {
    let places = &report.places;
    let related: Vec<Location> = finding
        .trace
        .iter()
        .zip(1_i64..)
        .map(|(step, id)| {
            let mut location = location(step.place, Some(&step.function), &step.message, places);
            location.id = Some(id);
            location
        })
        .collect();
    let mut result = SarifResult::builder()
        .rule_id(finding.code)
        .level(level(finding.severity))
        .message(Message::from(&message(finding)))
        .locations(vec![primary_location(finding, places)])
        .partial_fingerprints(fingerprints.of(finding, places))
        .properties(properties(finding))
        .build();
    let index = report
        .rules
        .iter()
        .position(|rule| rule.code == finding.code);
    result.rule_index = index.map(|index| index as i64);
    if !finding.trace.is_empty() {
        result.related_locations = Some(related);
        result.code_flows = Some(vec![code_flow(finding, places)]);
    }
    result
}

/// The first sentence is the title of the alert. Only links in the text make the related locations
/// visible.
fn message(finding: &Diagnostic) -> String {
    let mut text = finding.message.clone();
    for (number, step) in finding.trace.iter().enumerate() {
        let id = number + 1;
        let label = step.message.replace(['[', ']'], "");
        text.push_str(&format!("\n{id}. [{label}]({id})"));
    }
    if let Some(help) = &finding.help {
        text.push_str(&format!("\nHelp: {help}"));
    }
    for note in &finding.notes {
        text.push_str(&format!("\nNote: {note}"));
    }
    text
}

fn code_flow(finding: &Diagnostic, places: &Places<'_>) -> CodeFlow {
    let start = location(
        finding.place,
        finding.workflow.as_deref(),
        "the path starts here",
        places,
    );
    let steps = finding
        .trace
        .iter()
        .map(|step| location(step.place, Some(&step.function), &step.message, places));
    let locations: Vec<ThreadFlowLocation> = std::iter::once(start)
        .chain(steps)
        .zip(0_i64..)
        .map(|(location, depth)| {
            ThreadFlowLocation::builder()
                .location(location)
                .nesting_level(depth)
                .importance(json!("essential"))
                .build()
        })
        .collect();
    let flow = ThreadFlow::builder().locations(locations).build();
    CodeFlow::builder().thread_flows(vec![flow]).build()
}

fn primary_location(finding: &Diagnostic, places: &Places<'_>) -> Location {
    let mut location = location(finding.place, finding.workflow.as_deref(), "", places);
    location.message = None;
    location
}

fn location(place: Place, inside: Option<&str>, message: &str, places: &Places<'_>) -> Location {
    let (start, end) = places.range(place);
    let region = Region::builder()
        .start_line(start.line)
        .start_column(start.column)
        .end_line(end.line)
        .end_column(end.column)
        .build();
    let physical = PhysicalLocation::builder()
        .artifact_location(artifact(&places.absolute(place.file), places))
        .region(region)
        .build();
    let mut location = Location::builder()
        .physical_location(physical)
        .message(Message::from(message))
        .build();
    location.logical_locations = inside.map(|name| {
        vec![
            LogicalLocation::builder()
                .fully_qualified_name(name)
                .build(),
        ]
    });
    location
}

fn artifact(path: &Path, places: &Places<'_>) -> ArtifactLocation {
    ArtifactLocation::builder()
        .uri(percent_encode(&places.in_repository(path)))
        .uri_base_id(SOURCE_ROOT)
        .build()
}

/// A relative reference: everything but unreserved characters and `/` is encoded, a `:` too, which
/// could otherwise be read as the end of a scheme.
fn percent_encode(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

fn level(severity: Severity) -> ResultLevel {
    match severity {
        Severity::Error => ResultLevel::Error,
        Severity::Warning => ResultLevel::Warning,
        Severity::Info => ResultLevel::Note,
    }
}

fn properties(finding: &Diagnostic) -> PropertyBag {
    let named = [
        ("workflow", finding.workflow.as_deref()),
        ("entry", finding.entry.as_deref()),
        ("culprit", finding.culprit.as_deref()),
        ("impact", Some(finding.impact.as_str())),
    ];
    let properties: BTreeMap<String, serde_json::Value> = named
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), json!(value?))))
        .collect();
    PropertyBag::builder()
        .additional_properties(properties)
        .build()
}
