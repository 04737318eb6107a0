//! What a project found before a change: the same analysis, under the same settings, of the files
//! as a revision has them.
//!
//! Lines that a change touches say little about what it breaks: a helper that begins to read a
//! clock breaks workflows that nobody touched. So both states are analysed as a whole, and the
//! findings of the old one are taken for a baseline of the new one. The old files come from git
//! objects; nothing is checked out, and nothing is written.

mod git;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::baseline::Baseline;
use crate::check::examine;
use crate::config::{Settings, relative_key};
use crate::discover::Files;
use crate::report::plural;
use crate::terminal::warn;
use git::{Git, Kind};

/// The difference between a revision and the files on disk. Paths are keys of the project.
pub(crate) struct DiffBase {
    /// As it was asked for.
    pub(crate) revision: String,
    /// Files that the revision has, or may have.
    tracked: BTreeSet<String>,
    /// Of these, those that came later.
    added: BTreeSet<String>,
    /// Files that the revision has otherwise, or under another name, or that are gone.
    before: Vec<Before>,
    /// From old to new names.
    renames: BTreeMap<String, String>,
}

struct Before {
    key: String,
    repository: PathBuf,
    object: String,
}

impl DiffBase {
    /// Compares the files on disk with the commit where the current branch left the revision.
    pub(crate) fn find(revision: &str, root: &Path) -> Result<Self> {
        let name = revision.strip_suffix("...").unwrap_or(revision);
        let context = || format!("cannot tell what has changed since `{revision}`");
        let git = Git::new(root);
        let (top, prefix) = git.location().with_context(context)?;
        let commit = fork_point(&git, name).with_context(context)?;
        let mut found = Self {
            revision: name.to_owned(),
            tracked: BTreeSet::new(),
            added: BTreeSet::new(),
            before: Vec::new(),
            renames: BTreeMap::new(),
        };
        let key =
            |path: &str| relative_key(&Path::new("/").join(path), &Path::new("/").join(&prefix));
        found
            .compare(&top, "", &commit, &key)
            .with_context(context)?;
        Ok(found)
    }

    /// `above` is the path of the repository within the one at the top.
    fn compare(
        &mut self,
        repository: &Path,
        above: &str,
        commit: &str,
        key: &dyn Fn(&str) -> String,
    ) -> Result<()> {
        let git = Git::new(repository);
        let mut old_submodules = BTreeMap::new();
        for change in git.changes(commit)? {
            let old_path = format!("{above}{}", change.old_path);
            let new_path = format!("{above}{}", change.new_path);
            let new = key(&new_path);
            match change.old_kind {
                Kind::File => {
                    let old = key(&old_path);
                    if old != new {
                        self.renames.insert(old.clone(), new.clone());
                        self.added.insert(new);
                    }
                    self.before.push(Before {
                        key: old,
                        repository: repository.to_owned(),
                        object: change.old_object,
                    });
                }
                Kind::Submodule => {
                    old_submodules.insert(change.old_path, Some(change.old_object));
                }
                Kind::Other => {
                    self.added.insert(new);
                    old_submodules.insert(change.new_path, None);
                }
            }
        }
        for (path, kind, object) in git.tracked()? {
            let whole = format!("{above}{path}");
            if kind != Kind::Submodule {
                self.tracked.insert(key(&whole));
                continue;
            }
            let directory = repository.join(&path);
            let old = old_submodules.remove(&path).unwrap_or(Some(object));
            // Without `.git` it was not fetched, so none of its files are there either.
            let (Some(old), true) = (old, directory.join(".git").exists()) else {
                continue;
            };
            if !Git::new(&directory).has_commit(&old)? {
                bail!("the submodule `{whole}` lacks the commit {old}; fetch its history");
            }
            self.compare(&directory, &format!("{whole}/"), &old, key)?;
        }
        Ok(())
    }

    /// All findings of the project before the change, under the present names of its files.
    pub(crate) fn findings(&self, files: &Files, settings: &Settings) -> Result<Baseline> {
        let there = |key: &str| self.tracked.contains(key) && !self.added.contains(key);
        let files = files.rewound(there, self.sources(files)?, settings);
        let project = files.project(settings);
        let examined = examine(&project, settings, &[]);
        if examined.cut_short || !examined.errors.is_empty() {
            warn(&format!(
                "not everything in `{}` could be analysed ({} not read in full); findings that are older than the change may be reported",
                self.revision,
                plural(examined.errors.len(), "file"),
            ));
        }
        Ok(Baseline::of(&examined.findings, &project).moved(&self.renames))
    }

    fn sources(&self, files: &Files) -> Result<BTreeMap<String, Vec<u8>>> {
        let mut by_repository: BTreeMap<&Path, Vec<&Before>> = BTreeMap::new();
        for before in self.before.iter().filter(|it| files.may_concern(&it.key)) {
            by_repository
                .entry(&before.repository)
                .or_default()
                .push(before);
        }
        let mut sources = BTreeMap::new();
        for (repository, wanted) in by_repository {
            let objects = wanted.iter().map(|it| it.object.as_str());
            let contents = Git::new(repository)
                .contents(objects)
                .with_context(|| format!("cannot read the files of `{}`", self.revision))?;
            let keys = wanted.iter().map(|it| it.key.clone());
            sources.extend(keys.zip(contents));
        }
        Ok(sources)
    }
}

/// The commit that the revision and the current branch have in common, as for a pull request: what
/// others have done to the revision since is no part of the change.
fn fork_point(git: &Git, revision: &str) -> Result<String> {
    const DEEPEN: &str = "the clone is shallow: fetch the history (`fetch-depth: 0` for actions/checkout, or `git fetch --unshallow`)";
    let Some(commit) = git.commit(revision)? else {
        if git.is_shallow()? {
            bail!("there is no revision `{revision}` here; {DEEPEN}");
        }
        bail!("there is no revision `{revision}` here");
    };
    match git.merge_base(&commit)? {
        Some(base) => Ok(base),
        None if git.is_shallow()? => {
            bail!("its history does not reach the current branch; {DEEPEN}")
        }
        None => bail!("it has no history in common with the current branch"),
    }
}
