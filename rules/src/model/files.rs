//! Finds the bundles, and the files that the model is about.

use std::collections::BTreeSet;

use lint_core::diagnostic::FileId;
use lint_core::facts::{Facade, Facts};
use lint_core::project::{Project, join, split};

use super::types::Bundle;
use crate::test_files::is_test;

pub(super) fn bundles(project: &Project<'_>) -> Vec<Bundle> {
    let mut directories = BTreeSet::new();
    for file in project.files().filter(|&file| !project.is_installed(file)) {
        let key = project.key(file);
        let (directory, name) = split(key);
        if name == "runbook.md" && is_manifest(project, file, directory) {
            directories.insert(directory.to_owned());
        }
        let (parent, folder) = split(directory);
        if name == "workflow.py" && folder == "templates" && mentions_ntro(project, file) {
            directories.insert(parent.to_owned());
        }
    }
    let mut bundles: Vec<Bundle> = directories
        .iter()
        .map(|directory| {
            let at = |path: &str| project.file(&join(directory, path));
            Bundle {
                slug: split(directory).1.to_owned(),
                manifest: at("runbook.md"),
                workflow: at("templates/workflow.py"),
                activities: at("templates/activities.py"),
                models: at("templates/models.py"),
                directory: directory.clone(),
                files: Vec::new(),
            }
        })
        .collect();
    if bundles.is_empty() {
        return bundles;
    }
    for file in project.files().filter(|&file| !project.is_installed(file)) {
        let mut directory = split(project.key(file)).0;
        loop {
            let found = bundles.binary_search_by(|it| it.directory.as_str().cmp(directory));
            if let Ok(i) = found {
                bundles[i].files.push(file);
                break;
            }
            if directory.is_empty() {
                break;
            }
            directory = split(directory).0;
        }
    }
    bundles
}

/// Whether a `runbook.md` is one of a bundle; operators give that name to other documents, too.
fn is_manifest(project: &Project<'_>, file: FileId, directory: &str) -> bool {
    let templates = format!("{}/", join(directory, "templates"));
    let has_templates = project
        .files()
        .any(|other| project.key(other).starts_with(&templates));
    has_templates
        || project
            .text(file)
            .is_some_and(|source| source.text.trim_start().starts_with("---"))
}

/// Whether the file has `ntro` in it as a word of its own, as in `from ntro.workflow import …`.
fn mentions_ntro(project: &Project<'_>, file: FileId) -> bool {
    let goes_on = |c: char| c.is_alphanumeric() || c == '_';
    project.mentions(file, "ntro", |text| {
        text.match_indices("ntro").any(|(at, word)| {
            let (before, after) = (&text[..at], &text[at + word.len()..]);
            !before.ends_with(goes_on) && !after.starts_with(goes_on)
        })
    })
}

pub(super) fn files(facts: &Facts<'_>, bundles: &[Bundle]) -> Vec<FileId> {
    let project = facts.project;
    // A runbook may derive from `ntro` by way of another file only.
    let workflows = facts.workflows_of_parts();
    let mut files: BTreeSet<FileId> = workflows
        .filter(|workflow| workflow.facade == Facade::Runbook)
        .map(|workflow| workflow.place.file)
        .filter(|&file| !project.is_installed(file) && !is_test(project, file))
        .collect();
    for bundle in bundles {
        for &file in &bundle.files {
            let key = project.key(file);
            let path = key.strip_prefix(&bundle.directory).unwrap_or(key);
            let folder = path.trim_start_matches('/').split('/').next();
            // The root is a bundle in tests and in a lone checkout; only its own folders count.
            let is_code = match folder {
                Some("templates" | "subledgers" | "migrations") => true,
                Some("tests") => false,
                _ => !bundle.directory.is_empty(),
            };
            if key.ends_with(".py") && is_code {
                files.insert(file);
            }
        }
    }
    let known = facts.files.iter().copied();
    let mentioning = known
        .filter(|&file| !project.is_installed(file) && mentions_ntro(project, file))
        .filter(|&file| !is_test(project, file));
    files.extend(mentioning);
    files.into_iter().collect()
}
