//! A finding as a result.

use std::collections::BTreeMap;
use std::path::Path;

use lint_core::causes::{Bond, Culprit};
use lint_core::diagnostic::{Applicability, Diagnostic, FileId, Fix, Impact, Place, Severity};
use serde_json::json;
use serde_sarif::sarif::{
    ArtifactChange, ArtifactContent, CodeFlow, Fix as SarifFix, Location, Message, PropertyBag,
    Region, Replacement, Result as SarifResult, ResultLevel, ThreadFlow, ThreadFlowLocation,
};

use super::super::text;
use super::limits::{self, MAX_RELATED, MAX_STEPS, ends};
use super::location;
use crate::report::{Places, Report, Shown};

pub(super) fn of(shown: Shown<'_>, report: &Report<'_>) -> SarifResult {
    let (finding, places) = (shown.finding, &report.places);
    let others = others(shown, report);
    let mut primary = location::of(finding.place, places);
    primary.logical_locations = finding.workflow.as_deref().map(location::inside);
    let mut result = SarifResult::builder()
        .rule_id(finding.code)
        .level(level(finding.severity))
        .message(Message::from(&message(shown, report, &others)))
        .locations(vec![primary])
        .properties(properties(finding))
        .build();
    let index = report
        .rules
        .iter()
        .position(|rule| rule.code == finding.code);
    result.rule_index = index.map(|index| index as i64);
    let related = related(finding, &others, places);
    result.related_locations = (!related.is_empty()).then_some(related);
    if !finding.trace.is_empty() {
        result.code_flows = Some(vec![code_flow(finding, places)]);
    }
    let fixes: Vec<SarifFix> = finding
        .fixes
        .iter()
        .filter(|fix| fix.applicability != Applicability::DisplayOnly)
        .map(|it| fix(it, places))
        .collect();
    result.fixes = (!fixes.is_empty()).then_some(fixes);
    result
}

/// The first sentence is the title of the alert. Only links in the text make the related locations
/// visible.
fn message(shown: Shown<'_>, report: &Report<'_>, others: &[Other]) -> String {
    let finding = shown.finding;
    let mut text = limits::text(&finding.message);
    let mut last = 0;
    for (index, step) in ends(&finding.trace, MAX_RELATED) {
        let number = index + 1;
        if number > last + 1 {
            text.push_str("\n…");
        }
        let label = limits::text(&step.message);
        text.push_str(&format!("\n{number}. [{label}]({number})"));
        last = number;
    }
    if let Some(help) = &finding.help {
        text.push_str(&format!("\nHelp: {}", limits::text(help)));
    }
    for note in &finding.notes {
        text.push_str(&format!("\nNote: {}", limits::text(note)));
    }
    let head = text::others(shown, report, |it| report.places.in_repository(it));
    let head = head.first().filter(|_| !others.is_empty());
    if let Some(head) = head {
        text.push_str(&format!("\n{}", limits::text(head)));
    }
    for other in others {
        text.push_str(&format!("\n[{}]({})", limits::text(&other.label), other.id));
    }
    text
}

/// Another place or culprit of the same cause.
struct Other {
    id: i64,
    place: Place,
    label: String,
}

/// As many as can be shown beside the path.
fn others(shown: Shown<'_>, report: &Report<'_>) -> Vec<Other> {
    let Some(cause) = shown.cause.filter(|it| it.findings.len() > 1) else {
        return Vec::new();
    };
    let labelled: Vec<(Place, String)> = if cause.bond == Bond::Culprit {
        let rest = cause.findings.iter();
        let rest = rest.filter(|&&ix| ix != cause.representative);
        let found = rest.map(|&ix| &report.findings[ix]);
        let label = |it: &Diagnostic| match &it.workflow {
            Some(workflow) => format!("also in {workflow}"),
            None => "also here".to_owned(),
        };
        found.map(|it| (it.place, label(it))).collect()
    } else {
        let name = |it: &Culprit| it.culprit.clone().unwrap_or_else(|| it.name.to_owned());
        let culprits = cause.culprits.iter();
        culprits
            .map(|it| (it.place, format!("{} {}", it.code, name(it))))
            .collect()
    };
    let room = MAX_RELATED - shown.finding.trace.len().min(MAX_RELATED);
    let ids = shown.finding.trace.len() as i64 + 1..;
    let numbered = ids.zip(labelled).take(room);
    numbered
        .map(|(id, (place, label))| Other { id, place, label })
        .collect()
}

fn related(finding: &Diagnostic, others: &[Other], places: &Places<'_>) -> Vec<Location> {
    let steps = ends(&finding.trace, MAX_RELATED).map(|(index, step)| {
        let mut location = location::with_message(step.place, &step.message, places);
        location.id = Some(index as i64 + 1);
        location.logical_locations = Some(location::inside(&step.function));
        location
    });
    let others = others.iter().map(|it| {
        let mut location = location::with_message(it.place, &it.label, places);
        location.id = Some(it.id);
        location
    });
    steps.chain(others).collect()
}

fn code_flow(finding: &Diagnostic, places: &Places<'_>) -> CodeFlow {
    let start = location::with_message(finding.place, "the path starts here", places);
    let steps = ends(&finding.trace, MAX_STEPS - 1)
        .map(|(_, step)| location::with_message(step.place, &step.message, places));
    let locations: Vec<ThreadFlowLocation> = std::iter::once(start)
        .chain(steps)
        .zip(0_i64..)
        .map(|(location, depth)| {
            ThreadFlowLocation::builder()
                .location(location)
                .nesting_level(depth)
                .build()
        })
        .collect();
    let flow = ThreadFlow::builder().locations(locations).build();
    CodeFlow::builder().thread_flows(vec![flow]).build()
}

fn fix(fix: &Fix, places: &Places<'_>) -> SarifFix {
    let mut by_file: BTreeMap<FileId, Vec<Replacement>> = BTreeMap::new();
    for edit in &fix.edits {
        let mut replacement = Replacement::builder()
            .deleted_region(location::region(edit.place, places))
            .build();
        if !edit.replacement.is_empty() {
            let text = edit.replacement.clone();
            replacement.inserted_content = Some(ArtifactContent::builder().text(text).build());
        }
        by_file
            .entry(edit.place.file)
            .or_default()
            .push(replacement);
    }
    let change = |path: &Path, replacements: Vec<Replacement>| {
        ArtifactChange::builder()
            .artifact_location(location::artifact(path, places))
            .replacements(replacements)
            .build()
    };
    let changes = by_file
        .into_iter()
        .map(|(file, replacements)| change(&places.absolute(file), replacements));
    let created = fix
        .new_files
        .iter()
        .map(|it| change(&places.root.join(&it.key), vec![whole(&it.text)]));
    let trust = [("applicability", Some(fix.applicability.as_str()))];
    SarifFix::builder()
        .description(Message::from(&limits::text(&fix.title)))
        .artifact_changes(changes.chain(created).collect::<Vec<_>>())
        .properties(bag(&trust))
        .build()
}

/// What is inserted into a file that does not exist yet.
fn whole(text: &str) -> Replacement {
    let start = Region::builder().char_offset(0).char_length(0).build();
    Replacement::builder()
        .deleted_region(start)
        .inserted_content(ArtifactContent::builder().text(text).build())
        .build()
}

fn level(severity: Severity) -> ResultLevel {
    match severity {
        Severity::Error => ResultLevel::Error,
        Severity::Warning => ResultLevel::Warning,
        Severity::Info => ResultLevel::Note,
    }
}

fn properties(finding: &Diagnostic) -> PropertyBag {
    bag(&[
        ("workflow", finding.workflow.as_deref()),
        ("entry", finding.entry.as_deref()),
        ("culprit", finding.culprit.as_deref()),
        ("impact", finding.impact_on_replay().map(Impact::as_str)),
    ])
}

fn bag(named: &[(&str, Option<&str>)]) -> PropertyBag {
    let properties: BTreeMap<String, serde_json::Value> = named
        .iter()
        .filter_map(|(name, value)| Some(((*name).to_owned(), json!(limits::cut((*value)?)))))
        .collect();
    PropertyBag::builder()
        .additional_properties(properties)
        .build()
}
