//! What a project found before a change: the same analysis, under the same settings, of the files
//! as a revision has them.
//!
//! Lines that a change touches say little about what it breaks: a helper that begins to read a
//! clock breaks workflows that nobody touched. So both states are analysed as a whole, and the
//! findings of the old one are taken for a baseline of the new one. The old files come from git
//! objects; nothing is checked out, and nothing is written.

mod git;
mod repository;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use lint_core::source::MAX_FILE_BYTES;
use rules::reference::{Reference, record};

use crate::baseline::Baseline;
use crate::check::Alive;
use crate::config::{Settings, relative_key};
use crate::discover::{Files, may_be_read};
use crate::report::plural;
use crate::terminal::warn;
use git::{Entry, Git, Kind};
use repository::Repository;

/// The difference between a revision and the files on disk. Paths are keys of the project.
pub(crate) struct DiffBase {
    /// As it was asked for.
    pub(crate) revision: String,
    /// Files and links that are on disk as the revision has them.
    unchanged: BTreeSet<String>,
    /// Files that the revision has otherwise, or under another name, or that are gone.
    before: Vec<Before>,
    /// From old to new names.
    renames: BTreeMap<String, String>,
}

/// What was known of the project before the change.
pub(crate) struct Then {
    /// All findings, under the present names of the files.
    pub(crate) findings: Baseline,
    /// What its workflows did.
    pub(crate) reference: Reference,
}

struct Before {
    key: String,
    repository: Repository,
    object: String,
}

impl DiffBase {
    /// Compares the files on disk with the commit where the current branch left the revision.
    pub(crate) fn find(revision: &str, root: &Path) -> Result<Self> {
        let name = revision.strip_suffix("...").unwrap_or(revision);
        let context = || format!("cannot tell what has changed since `{revision}`");
        let repository = Repository::around(root).with_context(context)?;
        let commit = fork_point(&Git::new(&repository), name).with_context(context)?;
        let root = root.canonicalize().with_context(context)?;
        let mut found = Self {
            revision: name.to_owned(),
            unchanged: BTreeSet::new(),
            before: Vec::new(),
            renames: BTreeMap::new(),
        };
        found
            .compare(&repository, &commit, &root)
            .with_context(context)?;
        Ok(found)
    }

    fn compare(&mut self, repository: &Repository, commit: &str, root: &Path) -> Result<()> {
        let git = Git::new(repository);
        let key = |path: &Path| relative_key(&repository.top.join(path), root);
        for (old, new) in git.renames(commit)? {
            self.renames.insert(key(&old), key(&new));
        }
        let mut entries = git.entries(commit)?;
        entries.retain(|it| it.kind != Kind::File || may_be_read(&key(&it.path)));
        let (there, gone): (Vec<_>, Vec<_>) = entries
            .into_iter()
            .partition(|it| it.is_of_same_kind(&repository.top));
        let (submodules, gone): (Vec<_>, Vec<_>) =
            gone.into_iter().partition(|it| it.kind == Kind::Submodule);
        let (links, files): (Vec<_>, Vec<_>) =
            there.into_iter().partition(|it| it.kind == Kind::Link);
        let is_unchanged = unchanged(&git, &repository.top, &files, &links)?;
        let present = files.into_iter().chain(links).zip(is_unchanged);
        for (entry, is_unchanged) in present.chain(gone.into_iter().map(|it| (it, false))) {
            if is_unchanged {
                self.unchanged.insert(key(&entry.path));
            } else if entry.kind == Kind::File {
                self.before.push(Before {
                    key: key(&entry.path),
                    repository: repository.clone(),
                    object: entry.object,
                });
            }
        }
        for Entry { object, path, .. } in submodules {
            // Without `.git` it was not fetched, so none of its files are there either.
            let Some(submodule) = Repository::at(&repository.top.join(&path))? else {
                continue;
            };
            if !Git::new(&submodule).has_commit(&object)? {
                let path = key(&path);
                bail!("the submodule `{path}` lacks the commit {object}; fetch its history");
            }
            self.compare(&submodule, &object, root)?;
        }
        Ok(())
    }

    /// What was known of the project before the change. A check of the present files that is alive is
    /// taken back to then.
    pub(crate) fn known_then(
        &self,
        files: &Files,
        settings: &Settings,
        alive: Option<&mut Alive<'_>>,
    ) -> Result<Then> {
        let there = |key: &str| self.unchanged.contains(key);
        let before = files.rewound(there, self.sources()?, settings);
        let (examined, workflows, project) = match alive.zip(files.changes_to(&before)) {
            Some((alive, changes)) => {
                alive.analysis.update(changes);
                let mut workflows = Vec::new();
                let examined = alive.examine_with(settings, &[], |cx| {
                    workflows = record(cx.facts);
                    Vec::new()
                });
                (examined, workflows, alive.analysis.project().view())
            }
            None => {
                let project = before.project(settings);
                let alive = Alive::new(project, settings).with_structures();
                let mut workflows = Vec::new();
                let examined = alive.examine_with(settings, &[], |cx| {
                    workflows = record(cx.facts);
                    Vec::new()
                });
                (examined, workflows, alive.analysis.project().view())
            }
        };
        if !examined.cut_short.is_empty() || !examined.errors.is_empty() {
            warn(&format!(
                "not everything in `{}` could be analysed ({} not read in full); findings that are older than the change may be reported",
                self.revision,
                plural(examined.errors.len(), "file"),
            ));
        }
        Ok(Then {
            findings: Baseline::of(&examined.findings, &project).moved(&self.renames),
            reference: Reference {
                origin: format!("`{}`", short(&self.revision)),
                is_pinned: settings.pinned_versions,
                workflows,
            },
        })
    }

    fn sources(&self) -> Result<BTreeMap<String, Vec<u8>>> {
        let mut by_repository: BTreeMap<&Repository, Vec<&Before>> = BTreeMap::new();
        for before in &self.before {
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

/// A revision as people say it: of a full hash, its beginning.
fn short(revision: &str) -> String {
    let digits = revision.find(|c: char| !c.is_ascii_hexdigit());
    match digits.unwrap_or(revision.len()) {
        digits @ 40 => format!("{}{}", &revision[..10], &revision[digits..]),
        _ => revision.to_owned(),
    }
}

impl Entry {
    /// Whether something like it is on disk. What is on the way to a file must be no link: git
    /// would not follow it either.
    fn is_of_same_kind(&self, top: &Path) -> bool {
        let place = top.join(&self.path);
        let mut above = place.ancestors().skip(1).take_while(|it| *it != top);
        let is_linked = above.any(Path::is_symlink);
        !is_linked
            && place
                .symlink_metadata()
                .is_ok_and(|metadata| match self.kind {
                    Kind::File => metadata.is_file() && metadata.len() <= MAX_FILE_BYTES as u64,
                    Kind::Link => metadata.is_symlink(),
                    Kind::Submodule => false,
                })
    }
}

/// For each of the files, then each of the links, whether it is on disk as the commit has it.
fn unchanged(git: &Git<'_>, top: &Path, files: &[Entry], links: &[Entry]) -> Result<Vec<bool>> {
    let places: Vec<PathBuf> = files.iter().map(|it| top.join(&it.path)).collect();
    let objects = git.objects_on_disk(places.iter().map(PathBuf::as_path))?;
    let of_files = files.iter().zip(objects).map(|(it, now)| it.object == now);
    let targets = git.contents(links.iter().map(|it| it.object.as_str()))?;
    let of_links = links.iter().zip(targets).map(|(it, old)| {
        let now = top.join(&it.path).read_link();
        now.is_ok_and(|now| now.as_os_str().as_encoded_bytes() == old)
    });
    Ok(of_files.chain(of_links).collect())
}

/// The commit that the revision and the current branch have in common, as for a pull request: what
/// others have done to the revision since is no part of the change.
fn fork_point(git: &Git<'_>, revision: &str) -> Result<String> {
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
