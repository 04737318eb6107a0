//! Which fixes are applied in one pass: in the order of the findings, and none that would meet
//! another one.

use std::collections::{BTreeMap, BTreeSet};

use lint_core::diagnostic::{
    Applicability, Diagnostic, Edit, FileId, Fix, NewFile, Place, Severity,
};
use lint_core::project::Project;

/// What is the same about a fix before and after other places of its file have changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Identity {
    code: &'static str,
    title: String,
    /// For each edit its file, the line where it stands, and what it writes.
    edits: Vec<(String, String, String)>,
}

impl Identity {
    pub(super) fn of(code: &'static str, fix: &Fix, project: &Project<'_>) -> Self {
        let edit = |edit: &Edit| {
            let place = edit.place;
            let line = project.source(place.file).map(|source| {
                let line = source.line_span(source.line(place.span.start));
                source.slice(line).trim().to_owned()
            });
            let file = project.key(place.file).to_owned();
            (file, line.unwrap_or_default(), edit.replacement.clone())
        };
        Self {
            code,
            title: fix.title.clone(),
            edits: fix.edits.iter().map(edit).collect(),
        }
    }
}

/// What stays the same about a finding while the code around it changes: its rule, its file and its
/// culprit.
pub(super) type Kind = (&'static str, String, Option<String>);

pub(super) fn kind(finding: &Diagnostic, project: &Project<'_>) -> Kind {
    let key = project.key(finding.place.file).to_owned();
    (finding.code, key, finding.culprit.clone())
}

/// What keeps fixes from being chosen.
#[derive(Debug, Default)]
pub(super) struct Reservations {
    /// Fixes that were put back.
    pub(super) blocked: BTreeSet<Identity>,
    /// Fixes that wait, for one pass, to see whether others went wrong without them.
    pub(super) deferred: BTreeSet<Identity>,
}

/// Fixes that can be applied together.
#[derive(Debug, Default)]
pub(super) struct Chosen {
    pub(super) edits: BTreeMap<FileId, BTreeSet<Edit>>,
    pub(super) new_files: BTreeMap<String, String>,
    groups: BTreeMap<Place, Fix>,
    pub(super) fixes: Vec<ChosenFix>,
}

#[derive(Debug)]
pub(super) struct ChosenFix {
    pub(super) identity: Identity,
    /// Of the finding.
    pub(super) kind: Kind,
    pub(super) severity: Severity,
    pub(super) code: &'static str,
    pub(super) name: &'static str,
    pub(super) title: String,
    pub(super) to_do: Option<String>,
    /// The file of the finding.
    pub(super) key: String,
    /// All files that it changes or makes.
    pub(super) keys: BTreeSet<String>,
}

/// The fix of a finding that would be applied: the first that may be.
fn fix_of(finding: &Diagnostic, least: Applicability) -> Option<&Fix> {
    finding.fixes.iter().find(|fix| fix.applicability >= least)
}

pub(super) fn choose(
    findings: &[Diagnostic],
    project: &Project<'_>,
    least: Applicability,
    reservations: &Reservations,
) -> Chosen {
    let mut chosen = Chosen::default();
    for finding in findings {
        let Some(fix) = fix_of(finding, least) else {
            continue;
        };
        let identity = Identity::of(finding.code, fix, project);
        let waits = |reserved: &BTreeSet<Identity>| reserved.contains(&identity);
        if waits(&reservations.blocked)
            || waits(&reservations.deferred)
            || !is_applicable(fix, project)
        {
            continue;
        }
        let edited = fix.edits.iter().map(|it| project.key(it.place.file));
        let made = fix.new_files.iter().map(|it| it.key.as_str());
        let keys: BTreeSet<String> = edited.chain(made).map(str::to_owned).collect();
        if chosen.is_free_for(fix) {
            chosen.add(fix);
            chosen.fixes.push(ChosenFix {
                identity,
                kind: kind(finding, project),
                severity: finding.severity,
                code: finding.code,
                name: finding.name,
                title: fix.title.clone(),
                to_do: fix.to_do.clone(),
                key: project.key(finding.place.file).to_owned(),
                keys,
            });
        }
    }
    chosen
}

/// Whether all files of the fix can be changed, and its new ones are not there.
fn is_applicable(fix: &Fix, project: &Project<'_>) -> bool {
    let is_whole = |edit: &Edit| {
        let source = project.source(edit.place.file);
        source.is_some_and(|source| {
            source.undecodable.is_none() && source.encode(&edit.replacement).is_some()
        }) && !project.is_installed(edit.place.file)
    };
    fix.edits.iter().all(is_whole)
        && fix
            .new_files
            .iter()
            .all(|it| project.file(&it.key).is_none())
}

impl Chosen {
    fn is_free_for(&self, fix: &Fix) -> bool {
        let in_group = fix.group.and_then(|group| self.groups.get(&group));
        fix.edits.iter().all(|edit| self.is_free_for_edit(edit))
            && fix.new_files.iter().all(|new| self.is_free_for_file(new))
            && in_group.is_none_or(|other| other.edits == fix.edits)
    }

    /// An edit may be made by several fixes, but edits that touch depend on each other.
    fn is_free_for_edit(&self, edit: &Edit) -> bool {
        let Some(edits) = self.edits.get(&edit.place.file) else {
            return true;
        };
        let span = edit.place.span;
        let touches =
            |other: &Edit| other.place.span.start <= span.end && span.start <= other.place.span.end;
        edits.contains(edit) || !edits.iter().any(touches)
    }

    fn is_free_for_file(&self, new: &NewFile) -> bool {
        let chosen = self.new_files.get(&new.key);
        chosen.is_none_or(|text| *text == new.text)
    }

    fn add(&mut self, fix: &Fix) {
        for edit in &fix.edits {
            let edits = self.edits.entry(edit.place.file).or_default();
            edits.insert(edit.clone());
        }
        let new = fix.new_files.iter().cloned();
        self.new_files.extend(new.map(|it| (it.key, it.text)));
        if let Some(group) = fix.group {
            self.groups.insert(group, fix.clone());
        }
    }

    /// Adds what is worth doing only together with the others, unless one of them is in its way.
    /// It takes text out, so that it may begin where another edit ends.
    pub(super) fn tidy(&mut self, edit: Edit) -> bool {
        let edits = self.edits.entry(edit.place.file).or_default();
        let span = edit.place.span;
        let overlaps =
            |other: &Edit| other.place.span.start < span.end && span.start < other.place.span.end;
        let is_free = !edits.iter().any(overlaps);
        if is_free {
            edits.insert(edit);
        }
        is_free
    }
}
