//! What identifies a finding over time: no line numbers, so that edits elsewhere do not change it.

use std::collections::BTreeMap;

use lint_core::causes::hash;
use lint_core::diagnostic::Diagnostic;

use crate::report::Places;

/// Counts equal findings, so that each gets a fingerprint of its own. When two of them change
/// places, the same fingerprints remain.
#[derive(Default)]
pub(super) struct Fingerprints(BTreeMap<String, u32>);

impl Fingerprints {
    pub(super) fn of(&mut self, finding: &Diagnostic, places: &Places<'_>) -> String {
        let source = places.source(finding.place.file);
        let path = places.in_repository(&places.absolute(finding.place.file));
        // How the expression is laid out does not matter.
        let words = source.slice(finding.place.span).split_whitespace();
        let expression: String = words.collect();
        let named = [
            finding.code,
            &path,
            finding.workflow.as_deref().unwrap_or_default(),
            finding.entry.as_deref().unwrap_or_default(),
            finding.culprit.as_deref().unwrap_or_default(),
            &expression,
        ];
        let steps = finding.trace.iter().map(|step| step.function.as_str());
        let parts: Vec<&str> = named.into_iter().chain(steps).collect();
        let hash = hash(&parts);
        let occurrence = self.0.entry(hash.clone()).or_default();
        *occurrence += 1;
        format!("{hash}:{occurrence}")
    }
}
