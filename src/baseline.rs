//! Findings that are known, so that only new ones are reported.
//!
//! A baseline counts findings by their [`Key`], which has no line numbers. Where there are more
//! findings of a key than it counts, at least one is new, and nothing tells for sure which. Then
//! all of them are reported, with a note that says how many were known: to hide the wrong one would
//! lead people to the wrong line. Only a baseline that was just made from another state of the
//! project knows the lines of its findings, and takes those out that still stand there unchanged.

mod file;
mod key;

pub(crate) use file::{Malformed, ensure_writable, read, write};
pub(crate) use key::Key;

use std::collections::{BTreeMap, BTreeSet};

use lint_core::diagnostic::{Diagnostic, Place};
use lint_core::project::Project;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Baseline(BTreeMap<Key, Entry>);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Entry {
    count: u32,
    /// The lines of the findings, each as often as it occurs. Empty when it comes from a file.
    lines: Vec<String>,
}

/// An entry that stands for more findings than there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stale {
    pub(crate) key: Key,
    pub(crate) expected: u32,
    pub(crate) found: u32,
}

/// Which entries a run can say something about.
pub(crate) struct Scope<'s> {
    /// The codes of the rules that ran.
    pub(crate) rules: &'s BTreeSet<&'static str>,
    pub(crate) is_requested: &'s dyn Fn(&str) -> bool,
    /// Whether everything was read and analysed. Whatever was not may hide any finding, in any
    /// file, so nothing can be called fixed then.
    pub(crate) is_complete: bool,
}

impl Scope<'_> {
    /// A rule that no longer exists will never run, so its entries are everybody's concern.
    fn covers(&self, key: &Key) -> bool {
        let is_known = |code| rules::metadata().any(|rule| rule.code == code);
        let ran = self.rules.contains(key.rule.as_str()) || !is_known(key.rule.as_str());
        ran && (self.is_requested)(&key.file)
    }
}

impl Baseline {
    pub(crate) fn of(findings: &[Diagnostic], project: &Project<'_>) -> Self {
        let mut baseline = Self::default();
        for finding in findings {
            let key = Key::of(finding, project);
            let entry = baseline.0.entry(key).or_default();
            entry.count += 1;
            entry.lines.push(lines(finding, project));
        }
        baseline
    }

    /// The same findings after files were moved.
    pub(crate) fn moved(self, renames: &BTreeMap<String, String>) -> Self {
        let mut moved = Self::default();
        for (mut key, entry) in self.0 {
            if let Some(to) = renames.get(&key.file) {
                key.file.clone_from(to);
            }
            let merged = moved.0.entry(key).or_default();
            merged.count += entry.count;
            merged.lines.extend(entry.lines);
        }
        moved
    }

    /// The number of findings.
    pub(crate) fn len(&self) -> usize {
        self.0.values().map(|entry| entry.count as usize).sum()
    }

    fn count(&self, key: &Key) -> u32 {
        self.0.get(key).map_or(0, |entry| entry.count)
    }

    /// How many findings there are beyond those of another baseline.
    pub(crate) fn beyond(&self, other: &Self) -> usize {
        let more = |(key, entry): (&Key, &Entry)| entry.count.saturating_sub(other.count(key));
        self.0.iter().map(|it| more(it) as usize).sum()
    }

    /// Parts findings into new and known ones. `holder` is what has the known ones, as the start
    /// of a sentence.
    pub(crate) fn part(
        &self,
        findings: Vec<Diagnostic>,
        project: &Project<'_>,
        holder: &str,
    ) -> (Vec<Diagnostic>, Vec<Diagnostic>) {
        let present = Self::of(&findings, project);
        let keys: Vec<Key> = findings.iter().map(|it| Key::of(it, project)).collect();
        let mut standing: BTreeMap<(Key, String), u32> = BTreeMap::new();
        for (key, entry) in &self.0 {
            for lines in &entry.lines {
                let line = (key.clone(), lines.clone());
                *standing.entry(line).or_default() += 1;
            }
        }
        let mut stands = |key: &Key, lines: String| match standing.get_mut(&(key.clone(), lines)) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            _ => false,
        };
        let (mut new, mut known) = (Vec::new(), Vec::new());
        for (mut finding, key) in findings.into_iter().zip(&keys) {
            let (counted, found) = (self.count(key), present.count(key));
            if found <= counted || stands(key, lines(&finding, project)) {
                known.push(finding);
                continue;
            }
            if counted > 0 {
                finding.notes.push(format!(
                    "{holder} has {counted} of the {found} findings of this kind here, so {} new.",
                    match found - counted {
                        1 => "one is".to_owned(),
                        n => format!("{n} are"),
                    }
                ));
            }
            new.push(finding);
        }
        (new, known)
    }

    /// Entries that stand for more than there is, as far as the run can tell.
    pub(crate) fn stale(&self, present: &Self, scope: &Scope<'_>) -> Vec<Stale> {
        if !scope.is_complete {
            return Vec::new();
        }
        let entries = self.0.iter().filter(|(key, _)| scope.covers(key));
        let stale = entries.map(|(key, entry)| Stale {
            key: key.clone(),
            expected: entry.count,
            found: present.count(key),
        });
        stale.filter(|it| it.found < it.expected).collect()
    }

    /// Without what is stale.
    pub(crate) fn pruned(mut self, stale: &[Stale]) -> Self {
        for Stale { key, found, .. } in stale {
            if let Some(entry) = self.0.get_mut(key) {
                entry.count = *found;
            }
        }
        self.0.retain(|_, entry| entry.count > 0);
        self
    }

    /// Takes over what is present, as far as it was asked about; `asked` are findings that were,
    /// although their file was not. The other entries stay as they are.
    pub(crate) fn rewritten(
        self,
        present: &Self,
        asked: &BTreeSet<Key>,
        scope: &Scope<'_>,
    ) -> Self {
        let is_asked = |key: &Key| asked.contains(key) || scope.covers(key);
        let mut entries = self.0;
        if scope.is_complete {
            entries.retain(|key, _| !is_asked(key));
        }
        for (key, entry) in &present.0 {
            if is_asked(key) {
                let written = entries.entry(key.clone()).or_default();
                written.count = written.count.max(entry.count);
            }
        }
        Self(entries)
    }
}

/// The lines that a finding points at, without what surrounds them.
fn lines(finding: &Diagnostic, project: &Project<'_>) -> String {
    let line = |place: Place| {
        let source = project.source(place.file)?;
        let number = source.line(place.span.start);
        Some(source.slice(source.line_span(number)).trim())
    };
    let lines = [finding.place, finding.culprit_place()].map(|place| line(place).unwrap_or(""));
    lines.join("\n")
}
