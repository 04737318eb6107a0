//! What identifies a finding over time: no line numbers, so that edits elsewhere do not change it.

use std::collections::BTreeMap;

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
        let hash = hash(named.into_iter().chain(steps));
        let occurrence = self.0.entry(hash.clone()).or_default();
        *occurrence += 1;
        format!("{hash}:{occurrence}")
    }
}

/// FNV-1a with a separator after each part: stable over versions of Rust, unlike its own hasher.
pub(super) fn hash<'p>(parts: impl Iterator<Item = &'p str>) -> String {
    let bytes = parts.flat_map(|part| part.bytes().chain([0]));
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    format!("{hash:016x}")
}
