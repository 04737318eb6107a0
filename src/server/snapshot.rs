//! What one analysis found out, kept until the next one: it borrows nothing, so requests are
//! answered from it while the files change.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lint_core::analysis::Analysis;
use lint_core::diagnostic::{Diagnostic, FileId, Place};
use lint_core::facts::{Facts, Workflow};
use lint_core::project::{FileError, Interrupt, Project};
use lint_core::source::SourceFile;
use rules::outline::Outline;

use crate::baseline;
use crate::check::find;
use crate::config::{Settings, absolute};
use crate::report::stopped_at_a_bound;

#[derive(Default)]
pub(super) struct Snapshot {
    /// The files in the state that everything below points into.
    project: Option<Project<'static>>,
    /// Sorted.
    pub(super) findings: Vec<Diagnostic>,
    pub(super) errors: Vec<FileError>,
    /// Sorted by name.
    pub(super) workflows: Vec<Workflow>,
    pub(super) outline: Outline,
    /// Why there may be more than this, one sentence each.
    pub(super) warnings: Vec<String>,
    /// For each culprit that is in another file than the finding, the findings.
    culprits: BTreeMap<(Place, &'static str), Vec<usize>>,
}

/// What is to be analysed.
#[derive(Clone, Copy)]
pub(super) struct Task<'t> {
    pub(super) analysis: &'t Analysis<'static>,
    pub(super) memo: &'t rules::Memo,
    pub(super) settings: &'t Settings,
    pub(super) root: &'t Path,
    /// Whether an edit is waiting that outdates the analysis.
    pub(super) is_interrupted: &'t Interrupt,
}

impl Snapshot {
    /// Analyses what has changed, unless it is interrupted. Must run on a thread with
    /// [`lint_core::syntax::STACK_SIZE`] of stack.
    pub(super) fn take(task: &Task<'_>) -> Option<Self> {
        let facts = task.analysis.facts();
        if (task.is_interrupted)() {
            return None;
        }
        let (found, outline) = find(&facts, task.settings, task.memo, Outline::new);
        let project = task.analysis.project();
        let mut snapshot = Self {
            errors: project.errors(),
            workflows: workflows(&facts),
            outline,
            warnings: cut_short(&facts),
            findings: found.kept,
            ..Self::default()
        };
        snapshot.leave_known(project, task.settings, task.root);
        snapshot.find_culprits();
        snapshot.project = Some(project.view());
        Some(snapshot)
    }

    /// Leaves what the baseline has out.
    fn leave_known(&mut self, project: &Project<'_>, settings: &Settings, root: &Path) {
        let Some(path) = &settings.baseline else {
            return;
        };
        match baseline::read(&root.join(path)) {
            Ok(baseline) => {
                let findings = std::mem::take(&mut self.findings);
                self.findings = baseline.part(findings, project, "The baseline").0;
            }
            Err(error) => self.warnings.push(format!("{error:#}")),
        }
    }

    fn find_culprits(&mut self) {
        for (number, finding) in self.findings.iter().enumerate() {
            let place = finding.culprit_place();
            if place.file != finding.place.file {
                let same = self.culprits.entry((place, finding.code)).or_default();
                same.push(number);
            }
        }
    }

    /// The findings in a file, in their order.
    pub(super) fn findings_in(&self, file: FileId) -> &[Diagnostic] {
        let start = self.findings.partition_point(|it| it.place.file < file);
        let end = self.findings.partition_point(|it| it.place.file <= file);
        &self.findings[start..end]
    }

    /// Culprits in another file than their findings, by the culprit; in one file, or in all. Equal
    /// ones of several workflows are one.
    pub(super) fn culprits(
        &self,
        file: Option<FileId>,
    ) -> impl Iterator<Item = (Place, Vec<&Diagnostic>)> {
        let first = |file| {
            let span = Default::default();
            (Place { file, span }, "")
        };
        let range = match file {
            Some(file) => self.culprits.range(first(file)..first(FileId(file.0 + 1))),
            None => self.culprits.range(first(FileId(0))..),
        };
        range.map(|((place, _), numbers)| {
            let findings = numbers.iter().map(|&it| &self.findings[it]);
            (*place, findings.collect())
        })
    }

    pub(super) fn key(&self, file: FileId) -> &str {
        self.project.as_ref().map_or("", |it| it.key(file))
    }

    pub(super) fn file(&self, key: &str) -> Option<FileId> {
        self.project.as_ref()?.file(key)
    }

    pub(super) fn path(&self, file: FileId, root: &Path) -> PathBuf {
        absolute(Path::new(self.key(file)), root)
    }

    /// The text of a file that something points into.
    pub(super) fn source(&self, file: FileId) -> Option<&SourceFile> {
        self.project.as_ref()?.source(file)
    }
}

fn workflows(facts: &Facts<'_>) -> Vec<Workflow> {
    let mut workflows: Vec<Workflow> = facts.workflows_of_parts().cloned().collect();
    workflows.sort_by(|a, b| (&a.name, a.place).cmp(&(&b.name, b.place)));
    workflows.dedup();
    workflows
}

fn cut_short(facts: &Facts<'_>) -> Vec<String> {
    let parts = facts.parts.iter().flat_map(|it| &it.seen.cut_short);
    let mut names: Vec<String> = parts.cloned().collect();
    names.sort();
    names.dedup();
    stopped_at_a_bound(&names).into_iter().collect()
}
