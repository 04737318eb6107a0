//! SARIF 2.1.0 as GitHub's code scanning reads it.
//!
//! Suppressed findings are left out unless asked for, because GitHub shows them as open alerts, and
//! there is no `security-severity`: a replay that differs is a bug, not a vulnerability.
//!
//! `primaryLocationLineHash` is left to GitHub's upload action, which adds it.

mod descriptor;
mod limits;
mod location;
mod result;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{self, Write};

use lint_core::causes::hash;
use lint_core::source::Position;
use serde_json::json;
use serde_sarif::sarif::{
    ArtifactLocation, Invocation, Location, Message, Notification, PhysicalLocation, Region,
    Result as SarifResult, Run, RunAutomationDetails, Sarif, Suppression, Tool, ToolComponent,
};

use super::escape_json;
use super::fingerprint::Fingerprints;
use crate::report::{ErrorKind, Places, Report, ReportedError, Shown, UsedBaseline, plural};
use limits::{Budget, MAX_RESULTS};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
const FINGERPRINT: &str = "runbookLint/v1";
const CAUSE_FINGERPRINT: &str = "runbookLintCause/v1";

/// Not laid out for people, so that more results fit into what GitHub takes.
pub(super) fn render(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let sarif = Sarif::builder()
        .schema(SCHEMA)
        .version(json!("2.1.0"))
        .runs(vec![run(report)?])
        .build();
    let document = serde_json::to_string(&sarif)?;
    writeln!(out, "{}", escape_json(&document))
}

fn run(report: &Report<'_>) -> io::Result<Run> {
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
    let (results, left_out) = results(report)?;
    // What stands before the last `/` is the category of the analysis.
    let automation = RunAutomationDetails::builder().id(format!("{}/", report.category));
    Ok(Run::builder()
        .tool(Tool::builder().driver(driver).build())
        .automation_details(automation.build())
        .column_kind(json!("unicodeCodePoints"))
        .original_uri_base_ids(BTreeMap::from([(location::ROOT.to_owned(), root)]))
        .invocations(vec![invocation(report, left_out)])
        .results(results)
        .build())
}

/// The results that GitHub takes, in the order of the report, and how many are left out. The most
/// severe ones stay.
fn results(report: &Report<'_>) -> io::Result<(Vec<SarifResult>, usize)> {
    let suppressed = report.suppressed.iter().map(|finding| Shown {
        finding,
        cause: None,
    });
    let shown = report.shown();
    let first_suppressed = shown.len();
    let all: Vec<Shown<'_>> = shown.into_iter().chain(suppressed).collect();
    let mut fingerprints = Fingerprints::default();
    let fingerprints: Vec<(&str, String)> = all
        .iter()
        .map(|&it| fingerprint(it, &mut fingerprints, &report.places))
        .collect();
    let mut ranked: Vec<usize> = (0..all.len()).collect();
    ranked.sort_by_key(|&ix| (ix >= first_suppressed, Reverse(all[ix].finding.severity)));
    let mut kept = BTreeMap::new();
    let mut budget = Budget::default();
    for index in ranked.into_iter().take(MAX_RESULTS) {
        let mut result = result::of(all[index], report);
        let (name, value) = fingerprints[index].clone();
        result.partial_fingerprints = Some(BTreeMap::from([(name.to_owned(), value)]));
        if index >= first_suppressed {
            let comment = Suppression::builder().kind(json!("inSource")).build();
            result.suppressions = Some(vec![comment]);
        }
        if !budget.admits(&result)? {
            break;
        }
        kept.insert(index, result);
    }
    let left_out = all.len() - kept.len();
    Ok((kept.into_values().collect(), left_out))
}

/// A cause is the same whatever workflow it is seen from.
fn fingerprint(
    shown: Shown<'_>,
    of_findings: &mut Fingerprints,
    places: &Places<'_>,
) -> (&'static str, String) {
    match shown.cause {
        Some(cause) => {
            let root = places.in_repository(&places.root);
            (CAUSE_FINGERPRINT, hash(&[&root, &cause.id]))
        }
        None => (FINGERPRINT, of_findings.of(shown.finding, places)),
    }
}

/// A file that cannot be parsed is no failure of the tool; a broken configuration is.
fn invocation(report: &Report<'_>, left_out: usize) -> Invocation {
    let failed = report
        .errors
        .iter()
        .any(|error| error.kind == ErrorKind::Config);
    let mut notifications: Vec<Notification> = report
        .errors
        .iter()
        .map(|error| notification(error, &report.places))
        .collect();
    notifications.extend(report.warnings.iter().map(|it| warning(it)));
    if left_out > 0 {
        let text = format!(
            "{left_out} results are left out, the least severe ones, because GitHub code scanning shows {MAX_RESULTS} of one analysis and takes no larger file. Other formats have all of them."
        );
        notifications.push(warning(&text));
    }
    let used = report.baseline.as_ref().filter(|it| !it.stale.is_empty());
    notifications.extend(used.map(stale_notification));
    Invocation::builder()
        .execution_successful(!failed)
        .tool_execution_notifications(notifications)
        .build()
}

fn warning(text: &str) -> Notification {
    Notification::builder()
        .level(json!("warning"))
        .message(Message::from(&limits::text(text)))
        .build()
}

/// Code scanning would show a result as an alert, and what was fixed is none.
fn stale_notification(used: &UsedBaseline) -> Notification {
    let missing = used.stale.iter().map(|it| it.expected - it.found);
    let message = format!(
        "The baseline holds {} more than there are; `--prune-baseline` removes them.",
        plural(missing.sum::<u32>() as usize, "finding")
    );
    Notification::builder()
        .level(json!("note"))
        .message(Message::from(&message))
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
    let physical = PhysicalLocation::builder()
        .artifact_location(location::artifact(&error.path, places))
        .region(region)
        .build();
    Notification::builder()
        .level(json!("error"))
        .message(Message::from(&limits::text(&error.message)))
        .locations(vec![
            Location::builder().physical_location(physical).build(),
        ])
        .build()
}
