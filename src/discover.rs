//! Which files there are.

mod links;
mod memory;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};

use ignore::{DirEntry, WalkBuilder, WalkState};
use lint_core::project::{Change, Handle, Loader, Project, is_below, join, split};
use lint_core::source::MAX_FILE_BYTES;

use crate::cli::InputArgs;
use crate::config::{Settings, absolute, relative_key};
use crate::file::read_regular;
use links::{Linked, Origin};
use memory::Memory;

/// Folders beside a `runbook.md` whose files belong to the bundle.
const BUNDLE_FOLDERS: [&str; 3] = ["templates", "subledgers", "migrations"];

/// The files of a project, by their keys.
#[derive(Debug, Default, Clone)]
pub(crate) struct Files {
    root: PathBuf,
    /// With their places, where that is not the key below the root.
    paths: BTreeMap<String, Option<PathBuf>>,
    /// Files that are reached through symbolic links.
    linked: BTreeMap<String, Linked>,
    /// Of these, those that have another name here already, and that name.
    aliases: BTreeMap<String, String>,
    /// Where installed packages that are followed begin.
    search_paths: Vec<String>,
    /// Sources that are not those on disk, by key.
    overlays: BTreeMap<String, Vec<u8>>,
    /// What was read from disk, where it is kept for the next analysis.
    memory: Option<Arc<Memory>>,
    /// What the command line asks about: files, and directories with everything below them.
    requested: BTreeSet<String>,
    /// Directories that could not be listed, and why: whatever is in them is not known.
    pub(crate) unlisted: Vec<(PathBuf, String)>,
}

impl Files {
    /// Walks the whole project, so that what is known does not depend on the given paths.
    pub(crate) fn discover(
        root: &Path,
        cwd: &Path,
        input: &InputArgs,
        settings: &Settings,
    ) -> Self {
        let mut files = Self {
            root: root.to_owned(),
            ..Self::default()
        };
        let origin = Origin::new(root, input.isolated);
        // The directory of an unsaved file may be missing.
        if root.is_dir() {
            files.walk(root, root, input, settings);
        }
        for given in &input.paths {
            let path = absolute(given, cwd);
            let key = relative_key(&path, root);
            if path.is_dir() {
                // Someone who names an excluded directory wants it to be read.
                if !input.force_exclude && !files.has_any_below(&key) {
                    files.walk(&path, root, input, settings);
                }
            } else if !input.force_exclude && files.is_relevant(&key) {
                // The walk has found every file that is not excluded.
                match origin.follow(&path, root) {
                    Some(linked) => drop(files.linked.insert(key.clone(), linked)),
                    None => files.add(key.clone(), path),
                }
            }
            files.requested.insert(key);
        }
        files.name_linked();
        let is_asked = |(alias, _): &(&String, &String)| files.is_requested(alias);
        let asked: Vec<String> = files
            .aliases
            .iter()
            .filter(is_asked)
            .map(|(_, key)| key.clone())
            .collect();
        files.requested.extend(asked);
        if settings.follow_installed {
            files.add_installed(root, input);
        }
        files
    }

    /// Uses this source for the file, and asks about it. Returns whether the file would be checked
    /// at all.
    pub(crate) fn overlay(
        &mut self,
        path: &Path,
        root: &Path,
        source: Vec<u8>,
        input: &InputArgs,
        settings: &Settings,
    ) -> bool {
        let key = self.name_of(&relative_key(path, root)).to_owned();
        let is_package = |directory: &str| self.paths.contains_key(&join(directory, "__init__.py"));
        let is_left_out = || {
            input.force_exclude
                && !self.paths.contains_key(&key)
                && (path.exists() || is_excluded(&key, settings, &is_package))
        };
        if !self.is_relevant(&key) || is_left_out() {
            return false;
        }
        self.add(key.clone(), path.to_owned());
        self.requested.insert(key.clone());
        self.overlays.insert(key, source);
        true
    }

    /// Reads each file once, until it is said to have changed.
    pub(crate) fn remembering(mut self) -> Self {
        self.memory = Some(Arc::default());
        self
    }

    /// The file has changed on disk.
    pub(crate) fn forget(&self, path: &Path, root: &Path) {
        if let Some(memory) = &self.memory {
            memory.forget(self.name_of(&relative_key(path, root)));
        }
    }

    /// Uses what is on disk for the file again. Returns whether it was something else.
    pub(crate) fn uncover(&mut self, path: &Path, root: &Path) -> bool {
        let key = self.name_of(&relative_key(path, root)).to_owned();
        if !path.exists() {
            self.paths.remove(&key);
        }
        self.requested.remove(&key);
        self.overlays.remove(&key).is_some()
    }

    /// Whether the source of the file is not the one on disk.
    pub(crate) fn is_covered(&self, key: &str) -> bool {
        self.overlays.contains_key(key)
    }

    /// The name under which a file is known that may have several.
    pub(crate) fn name_of<'k>(&'k self, key: &'k str) -> &'k str {
        self.aliases.get(key).map_or(key, String::as_str)
    }

    /// Whether the file is one of the project's.
    pub(crate) fn knows(&self, path: &Path, root: &Path) -> bool {
        let key = relative_key(path, root);
        self.paths.contains_key(self.name_of(&key))
    }

    /// Gives the file this content in memory, also if it does not exist yet. Returns the content it
    /// had.
    pub(crate) fn stage(&mut self, key: &str, bytes: Vec<u8>) -> Option<Vec<u8>> {
        let before = self.read(key).ok();
        if !self.paths.contains_key(key) {
            self.paths.insert(key.to_owned(), None);
        }
        self.overlays.insert(key.to_owned(), bytes);
        before
    }

    /// Gives a staged file its former content back; without one, it does not exist again.
    pub(crate) fn unstage(&mut self, key: &str, before: Option<Vec<u8>>) {
        match before {
            Some(bytes) => drop(self.overlays.insert(key.to_owned(), bytes)),
            None => {
                self.overlays.remove(key);
                self.paths.remove(key);
            }
        }
    }

    /// Where a file is, or is to be made.
    pub(crate) fn path(&self, key: &str) -> PathBuf {
        match self.paths.get(key) {
            Some(Some(path)) => path.clone(),
            _ => self.root.join(key),
        }
    }

    fn add(&mut self, key: String, path: PathBuf) {
        let is_below = path.as_os_str() == self.root.join(&key).as_os_str();
        self.paths.insert(key, (!is_below).then_some(path));
    }

    pub(crate) fn project(&self, settings: &Settings) -> Project<'_> {
        self.read_by(self, settings)
    }

    /// The same for somebody who tells by changes what is not on disk.
    pub(crate) fn kept_project(&self, settings: &Settings) -> Project<'static> {
        self.read_by(Arc::new(self.clone()), settings)
    }

    fn read_by<'l>(&self, loader: impl Into<Handle<'l>>, settings: &Settings) -> Project<'l> {
        let aliases = self.aliases.iter();
        Project::new(
            loader,
            self.paths.keys().cloned(),
            settings.src.clone(),
            self.search_paths.clone(),
        )
        .with_aliases(aliases.map(|(alias, key)| (alias.as_str(), key.as_str())))
        .expecting(&rules::sought())
    }

    /// Asks about this file alone.
    pub(crate) fn ask_only(&mut self, key: &str) {
        self.requested = BTreeSet::from([key.to_owned()]);
    }

    /// Whether the command line names this very file.
    pub(crate) fn is_named(&self, key: &str) -> bool {
        self.requested.contains(key)
    }

    /// Gives each file that is reached through links one name: its own if it has one here, or else
    /// that of the first link.
    fn name_linked(&mut self) {
        let mut first: BTreeMap<&str, &str> = BTreeMap::new();
        for (key, linked) in &self.linked {
            let target = linked.target.as_str();
            if self.paths.contains_key(target) {
                self.aliases.insert(key.clone(), target.to_owned());
                continue;
            }
            let name = *first.entry(target).or_insert(key);
            if name == key {
                // Links are no targets, so this decides over no other link.
                self.paths.insert(key.clone(), Some(linked.path.clone()));
            } else {
                self.aliases.insert(key.clone(), name.to_owned());
            }
        }
    }

    /// The project in another state: with those of its files that were `there` already, and with
    /// these files as they were, as far as they would be read at all.
    pub(crate) fn rewound(
        &self,
        there: impl Fn(&str) -> bool,
        sources: BTreeMap<String, Vec<u8>>,
        settings: &Settings,
    ) -> Self {
        let is_installed = |key: &str| self.search_paths.iter().any(|path| is_below(key, path));
        let mut files = Self {
            root: self.root.clone(),
            search_paths: self.search_paths.clone(),
            ..Self::default()
        };
        for (key, path) in &self.paths {
            if !self.linked.contains_key(key) && (there(key) || is_installed(key)) {
                files.paths.insert(key.clone(), path.clone());
            }
        }
        let is_package = |directory: &str| {
            let init = join(directory, "__init__.py");
            files.paths.contains_key(&init) || sources.contains_key(&init)
        };
        let is_read =
            |key: &str| self.paths.contains_key(key) || !is_excluded(key, settings, &is_package);
        let read: Vec<String> = sources.keys().filter(|key| is_read(key)).cloned().collect();
        let (code, others): (Vec<_>, Vec<_>) =
            read.into_iter().partition(|key| is_python_or_runbook(key));
        for key in code.into_iter().chain(others) {
            if files.is_relevant(&key) {
                files.paths.insert(key, None);
            }
        }
        files.overlays = sources;
        for (key, linked) in &self.linked {
            let old = files.overlays.get(&linked.target).cloned();
            let was_there = old.is_some() || there(&linked.target) || !linked.is_in_repository;
            if there(&linked.link) && was_there {
                files.overlays.extend(old.map(|old| (key.clone(), old)));
                files.linked.insert(key.clone(), linked.clone());
            }
        }
        files.name_linked();
        files
    }

    /// What turns the project into another state of it; `None` if that is not a matter of texts and
    /// names alone.
    pub(crate) fn changes_to(&self, other: &Self) -> Option<BTreeMap<String, Change>> {
        if self.aliases != other.aliases || self.search_paths != other.search_paths {
            return None;
        }
        let gone = self
            .paths
            .keys()
            .filter(|key| !other.paths.contains_key(*key));
        let mut changes: BTreeMap<String, Change> =
            gone.map(|key| (key.clone(), Change::Gone)).collect();
        for (key, path) in &other.paths {
            if let Some(source) = other.overlays.get(key) {
                changes.insert(key.clone(), Change::Text(source.clone()));
            } else if self.paths.get(key) != Some(path) || self.overlays.contains_key(key) {
                return None;
            }
        }
        Some(changes)
    }

    /// Whether findings in this file are asked for.
    pub(crate) fn is_requested(&self, key: &str) -> bool {
        let parents = key.match_indices('/').map(|(at, _)| &key[..at]);
        parents
            .chain(["", key])
            .any(|path| self.requested.contains(path))
    }

    fn has_any_below(&self, directory: &str) -> bool {
        fn holds<T>(files: &BTreeMap<String, T>, start: &str) -> bool {
            let next = files.range(start.to_owned()..).next();
            next.is_some_and(|(key, _)| key.starts_with(start))
        }
        let start = format!("{directory}/");
        directory.is_empty() || holds(&self.paths, &start) || holds(&self.linked, &start)
    }

    fn walk(&mut self, start: &Path, root: &Path, input: &InputArgs, settings: &Settings) {
        let mut entries = Vec::new();
        for entry in entries_below(start, root, input, settings) {
            match entry {
                Ok(entry) => entries.push(entry),
                Err(error) => self.unlisted.extend(unlisted(&error, start)),
            }
        }
        self.unlisted.sort();
        let origin = Origin::new(root, input.isolated);
        // The directories behind links.
        let is_link = |it: &&DirEntry| it.path_is_symlink() && is_directory(it);
        let links = entries.iter().filter(is_link).map(DirEntry::path);
        let start = origin.follow(start, root).map(|it| it.path);
        let links: BTreeSet<PathBuf> = links.map(Path::to_owned).chain(start).collect();
        let is_behind = |path: &Path| path.ancestors().any(|it| links.contains(it));
        let mut others = Vec::new();
        for entry in entries {
            if !entry.file_type().is_some_and(|kind| kind.is_file()) {
                continue;
            }
            let key = relative_key(entry.path(), root);
            let is_linked = entry.path_is_symlink() || !links.is_empty() && is_behind(entry.path());
            let linked = is_linked
                .then(|| origin.follow(entry.path(), root))
                .flatten();
            let is_outside = linked.as_ref().is_some_and(|it| !it.is_in_repository);
            if input.isolated && is_outside {
                continue;
            }
            if !is_python_or_runbook(&key) {
                others.push((key, entry.into_path()));
            } else if let Some(linked) = linked {
                self.linked.insert(key, linked);
            } else {
                self.add(key, entry.into_path());
            }
        }
        for (key, path) in others {
            if self.belongs_to_bundle(&key) {
                self.add(key, path);
            }
        }
    }

    fn is_relevant(&self, key: &str) -> bool {
        is_python_or_runbook(key) || self.belongs_to_bundle(key)
    }

    fn belongs_to_bundle(&self, key: &str) -> bool {
        let mut directory = split(key).0;
        while !directory.is_empty() {
            let (parent, name) = split(directory);
            let bundle = join(parent, "runbook.md");
            let is_bundle = self.paths.contains_key(&bundle) || self.linked.contains_key(&bundle);
            if BUNDLE_FOLDERS.contains(&name) && is_bundle {
                return true;
            }
            directory = parent;
        }
        false
    }

    fn add_installed(&mut self, root: &Path, input: &InputArgs) {
        let active = std::env::var_os("VIRTUAL_ENV").filter(|_| !input.isolated);
        let environments = [root.join(".venv"), root.join("venv")]
            .into_iter()
            .chain(active.map(PathBuf::from));
        for site_packages in environments.flat_map(|path| site_packages(&path)) {
            let walk = WalkBuilder::new(&site_packages)
                .standard_filters(false)
                .build();
            for entry in walk.flatten() {
                let is_module = entry.path().extension().is_some_and(|it| it == "py");
                // Some installers put links into a cache there.
                if is_module && entry.path().is_file() {
                    let key = relative_key(entry.path(), root);
                    self.add(key, entry.into_path());
                }
            }
            self.search_paths.push(relative_key(&site_packages, root));
        }
    }
}

impl Loader for Files {
    fn read(&self, key: &str) -> io::Result<Vec<u8>> {
        match self.overlays.get(key) {
            Some(source) => Ok(source.clone()),
            None => {
                let path = self.path(key);
                match &self.memory {
                    // A file may have come to be since the directories were walked.
                    Some(memory) => memory.read(key, &path),
                    None if !self.paths.contains_key(key) => Err(io::ErrorKind::NotFound.into()),
                    None => read_regular(&path, MAX_FILE_BYTES as u64),
                }
            }
        }
    }
}

/// Whether a file of this name can be part of a project.
pub(crate) fn may_be_read(key: &str) -> bool {
    is_python_or_runbook(key) || key.split('/').any(|name| BUNDLE_FOLDERS.contains(&name))
}

fn is_python_or_runbook(key: &str) -> bool {
    key.ends_with(".py") || split(key).1 == "runbook.md"
}

/// Whether the walk would have passed over a file that is no longer there. What `.gitignore` says
/// does not count: somebody had added the file.
fn is_excluded(key: &str, settings: &Settings, is_package: &dyn Fn(&str) -> bool) -> bool {
    let directories = key.match_indices('/').map(|(at, _)| &key[..at]);
    let is_hidden = |path: &str| split(path).1.starts_with('.');
    let is_excluded_directory = |path: &str| {
        is_hidden(path)
            || settings.exclude.matches_exactly(path)
            || (settings.default_exclude.matches_exactly(path) && !is_package(path))
    };
    key.starts_with("../")
        || is_hidden(key)
        || settings.exclude.matches_exactly(key)
        || settings.default_exclude.matches_exactly(key)
        || directories.into_iter().any(is_excluded_directory)
}

/// What the walk could not list. A link that leads nowhere holds nothing, and a mistake in a `.gitignore` is none of our business.
fn unlisted(error: &ignore::Error, start: &Path) -> Option<(PathBuf, String)> {
    match error {
        ignore::Error::WithPath { path, .. } if path.is_symlink() && !path.exists() => None,
        ignore::Error::WithPath { path, err } => {
            unlisted(err, path).map(|(_, message)| (path.clone(), message))
        }
        ignore::Error::WithDepth { err, .. } => unlisted(err, start),
        ignore::Error::Io(error) => Some((start.to_owned(), error.to_string())),
        _ => None,
    }
}

/// The files below a directory that the walk looks at, and links to directories, in any order.
fn entries_below(
    start: &Path,
    root: &Path,
    input: &InputArgs,
    settings: &Settings,
) -> Vec<Result<DirEntry, ignore::Error>> {
    let walk = WalkBuilder::new(start)
        // A personal ignore file must not change what a project's check finds.
        .git_global(false)
        .parents(!input.isolated)
        .follow_links(true)
        .filter_entry(filter(root, input, settings))
        .build_parallel();
    let (sender, receiver) = mpsc::channel();
    walk.run(|| {
        let sender = sender.clone();
        Box::new(move |entry| {
            if entry.as_ref().is_ok_and(is_plain_directory) {
                return WalkState::Continue;
            }
            match sender.send(entry) {
                Ok(()) => WalkState::Continue,
                Err(_) => WalkState::Quit,
            }
        })
    });
    drop(sender);
    receiver.into_iter().collect()
}

fn is_directory(entry: &DirEntry) -> bool {
    entry.file_type().is_some_and(|kind| kind.is_dir())
}

fn is_plain_directory(entry: &DirEntry) -> bool {
    is_directory(entry) && !entry.path_is_symlink()
}

/// Which entries the walk looks at. The place where it starts is not asked.
fn filter(
    root: &Path,
    input: &InputArgs,
    settings: &Settings,
) -> impl Fn(&DirEntry) -> bool + Send + Sync + 'static {
    let root = root.to_owned();
    let origin = Origin::new(&root, input.isolated);
    let default_exclude = settings.default_exclude.clone();
    let exclude = settings.exclude.clone();
    move |entry| {
        if entry.depth() == 0 {
            return true;
        }
        let key = relative_key(entry.path(), &root);
        if exclude.matches_exactly(&key) {
            return false;
        }
        let path = entry.path();
        if is_directory(entry) {
            let is_package = || path.join("__init__.py").is_file();
            let is_environment = path.join("pyvenv.cfg").is_file();
            let is_admitted = !entry.path_is_symlink() || origin.admits(path, &root);
            return is_admitted
                && !is_environment
                && (!default_exclude.matches_exactly(&key) || is_package());
        }
        !default_exclude.matches_exactly(&key)
    }
}

/// `lib/python3.x/site-packages`, or `Lib/site-packages` on Windows, in order.
fn site_packages(environment: &Path) -> Vec<PathBuf> {
    let versions = std::fs::read_dir(environment.join("lib"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("site-packages"));
    let mut found: Vec<PathBuf> = versions
        .chain([environment.join("Lib").join("site-packages")])
        .filter(|path| path.is_dir())
        .collect();
    found.sort();
    found.dedup();
    found
}
