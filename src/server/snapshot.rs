//! What one analysis found out, kept until the next one: it borrows nothing, so requests are
//! answered from it while the files change.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use lint_core::diagnostic::{Diagnostic, FileId};
use lint_core::facts::Workflow;
use lint_core::project::{FileError, Project};
use lint_core::source::SourceFile;
use rules::outline::Outline;

use crate::baseline;
use crate::check::{Examined, examine_with};
use crate::config::{Settings, absolute};
use crate::discover::Files;
use crate::report::stopped_at_a_bound;

#[derive(Debug, Default)]
pub(super) struct Snapshot {
    /// Sorted, as the project has them.
    keys: Vec<String>,
    /// The files that something below points into.
    sources: BTreeMap<FileId, SourceFile>,
    /// Sorted.
    pub(super) findings: Vec<Diagnostic>,
    pub(super) errors: Vec<FileError>,
    pub(super) workflows: Vec<Workflow>,
    pub(super) outline: Outline,
    /// Why there may be more than this, one sentence each.
    pub(super) warnings: Vec<String>,
}

/// What is to be analysed.
#[derive(Clone, Copy)]
pub(super) struct Task<'t> {
    pub(super) files: &'t Files,
    pub(super) settings: &'t Settings,
    pub(super) root: &'t Path,
    /// Whether an edit is waiting that outdates the analysis.
    pub(super) is_interrupted: &'t (dyn Fn() -> bool + Sync),
}

impl Snapshot {
    /// Analyses the files, unless it is interrupted. Must run on a thread with
    /// [`lint_core::syntax::STACK_SIZE`] of stack.
    pub(super) fn take(task: &Task<'_>) -> Option<Self> {
        let Task {
            files,
            settings,
            root,
            is_interrupted,
        } = *task;
        let project = files.project(settings).interruptible(is_interrupted);
        let (examined, (outline, workflows)) = examine_with(&project, settings, &[], |cx| {
            (Outline::new(cx), cx.facts.workflows.clone())
        });
        if is_interrupted() {
            return None;
        }
        let mut snapshot = Self {
            keys: project
                .files()
                .map(|it| project.key(it).to_owned())
                .collect(),
            workflows,
            outline,
            ..Self::default()
        };
        snapshot.take_findings(examined, &project, settings, root);
        snapshot.take_sources(&project);
        Some(snapshot)
    }

    fn take_findings(
        &mut self,
        examined: Examined,
        project: &Project<'_>,
        settings: &Settings,
        root: &Path,
    ) {
        self.warnings
            .extend(stopped_at_a_bound(&examined.cut_short));
        self.errors = examined.errors;
        self.findings = examined.findings;
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

    fn take_sources(&mut self, project: &Project<'_>) {
        let mut files: BTreeSet<FileId> = self.outline.files().collect();
        files.extend(self.workflows.iter().map(|it| it.place.file));
        for finding in &self.findings {
            let steps = finding.trace.iter().map(|it| it.place.file);
            let edits = finding.fixes.iter().flat_map(|it| &it.edits);
            files.insert(finding.place.file);
            files.extend(steps.chain(edits.map(|it| it.place.file)));
        }
        files.extend(self.errors.iter().map(|it| it.file));
        let sources = files
            .into_iter()
            .filter_map(|file| Some((file, project.source(file)?.clone())));
        self.sources = sources.collect();
    }

    pub(super) fn key(&self, file: FileId) -> &str {
        &self.keys[file.0 as usize]
    }

    pub(super) fn file(&self, key: &str) -> Option<FileId> {
        let found = self.keys.binary_search_by(|it| it.as_str().cmp(key));
        found.ok().map(|index| FileId(index as u32))
    }

    pub(super) fn path(&self, file: FileId, root: &Path) -> PathBuf {
        absolute(Path::new(self.key(file)), root)
    }

    /// The text of a file that something points into.
    pub(super) fn source(&self, file: FileId) -> Option<&SourceFile> {
        self.sources.get(&file)
    }
}
