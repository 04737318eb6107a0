//! A finding as a result.

use std::collections::BTreeMap;
use std::path::Path;

use lint_core::diagnostic::{Applicability, Diagnostic, FileId, Fix, Severity};
use serde_json::json;
use serde_sarif::sarif::{
    ArtifactChange, ArtifactContent, CodeFlow, Fix as SarifFix, Location, Message, PropertyBag,
    Region, Replacement, Result as SarifResult, ResultLevel, ThreadFlow, ThreadFlowLocation,
};

use super::limits::{self, MAX_RELATED, MAX_STEPS, ends};
use super::location;
use crate::report::{Places, Report};

pub(super) fn of(finding: &Diagnostic, report: &Report<'_>) -> SarifResult {
    let places = &report.places;
    let mut primary = location::of(finding.place, places);
    primary.logical_locations = finding.workflow.as_deref().map(location::inside);
    let mut result = SarifResult::builder()
        .rule_id(finding.code)
        .level(level(finding.severity))
        .message(Message::from(&message(finding)))
        .locations(vec![primary])
        .properties(properties(finding))
        .build();
    let index = report
        .rules
        .iter()
        .position(|rule| rule.code == finding.code);
    result.rule_index = index.map(|index| index as i64);
    if !finding.trace.is_empty() {
        result.related_locations = Some(related(finding, places));
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
fn message(finding: &Diagnostic) -> String {
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
    text
}

fn related(finding: &Diagnostic, places: &Places<'_>) -> Vec<Location> {
    ends(&finding.trace, MAX_RELATED)
        .map(|(index, step)| {
            let mut location = location::with_message(step.place, &step.message, places);
            location.id = Some(index as i64 + 1);
            location.logical_locations = Some(location::inside(&step.function));
            location
        })
        .collect()
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
        ("impact", Some(finding.impact.as_str())),
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
