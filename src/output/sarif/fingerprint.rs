//! What identifies a finding over time: no line numbers, so that edits elsewhere do not change it.

use std::collections::BTreeMap;

use lint_core::diagnostic::Diagnostic;

use crate::report::Places;

const KEY: &str = "runbookLint/v1";

/// Counts equal findings, so that each gets a fingerprint of its own.
#[derive(Default)]
pub(super) struct Fingerprints(BTreeMap<u64, u32>);

impl Fingerprints {
    pub(super) fn of(
        &mut self,
        finding: &Diagnostic,
        places: &Places<'_>,
    ) -> BTreeMap<String, String> {
        let source = places.source(finding.place.file);
        let path = places.in_repository(&places.absolute(finding.place.file));
        let steps = finding.trace.iter().map(|step| step.function.as_str());
        let named = [
            finding.code,
            &path,
            finding.workflow.as_deref().unwrap_or_default(),
            finding.entry.as_deref().unwrap_or_default(),
            finding.culprit.as_deref().unwrap_or_default(),
            source.slice(finding.place.span),
        ];
        let hash = fnv1a(named.into_iter().chain(steps));
        let occurrence = self.0.entry(hash).or_default();
        *occurrence += 1;
        BTreeMap::from([(KEY.to_owned(), format!("{hash:016x}:{occurrence}"))])
    }
}

/// FNV-1a with a separator after each part: stable over versions of Rust, unlike its own hasher.
fn fnv1a<'p>(parts: impl Iterator<Item = &'p str>) -> u64 {
    let bytes = parts.flat_map(|part| part.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
}
