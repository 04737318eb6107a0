//! Which files there are.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use ignore::{DirEntry, WalkBuilder};
use lint_core::project::{Loader, is_below, join, split};

use crate::cli::InputArgs;
use crate::config::{Settings, absolute, relative_key};

/// Folders beside a `runbook.md` whose files belong to the bundle.
const BUNDLE_FOLDERS: [&str; 3] = ["templates", "subledgers", "migrations"];

/// The files of a project, by their keys.
#[derive(Debug, Default)]
pub(crate) struct Files {
    paths: BTreeMap<String, PathBuf>,
    /// Where installed packages that are followed begin.
    pub(crate) search_paths: Vec<String>,
    /// Sources that are not those on disk, by key.
    overlays: BTreeMap<String, Vec<u8>>,
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
    ) -> Result<Self> {
        let mut files = Self::default();
        files.walk(root, root, input, settings);
        for given in &input.paths {
            let path = absolute(given, cwd);
            let key = relative_key(&path, root);
            if path.is_dir() {
                // Someone who names an excluded directory wants it to be read.
                if !input.force_exclude && !files.has_any_below(&key) {
                    files.walk(&path, root, input, settings);
                }
            } else if path.is_file() || path.is_symlink() {
                // The walk has found every file that is not excluded.
                if !input.force_exclude && files.is_relevant(&key) {
                    files.paths.insert(key.clone(), path);
                }
            } else {
                bail!("`{}` does not exist", given.display());
            }
            files.requested.insert(key);
        }
        if settings.follow_installed {
            files.add_installed(root, input);
        }
        Ok(files)
    }

    /// Uses this source for the file, and asks about it.
    pub(crate) fn overlay(&mut self, path: &Path, root: &Path, source: Vec<u8>) {
        let key = relative_key(path, root);
        self.paths.insert(key.clone(), path.to_owned());
        self.requested.insert(key.clone());
        self.overlays.insert(key, source);
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
            search_paths: self.search_paths.clone(),
            ..Self::default()
        };
        for (key, path) in &self.paths {
            if there(key) || is_installed(key) {
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
                files.paths.insert(key, PathBuf::new());
            }
        }
        files.overlays = sources;
        files
    }

    /// Whether the file is part of the project, or could have been before it was deleted.
    pub(crate) fn may_concern(&self, key: &str) -> bool {
        let in_bundle_folder = || key.split('/').any(|name| BUNDLE_FOLDERS.contains(&name));
        self.paths.contains_key(key) || is_python_or_runbook(key) || in_bundle_folder()
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.paths.keys().map(String::as_str)
    }

    /// Whether findings in this file are asked for.
    pub(crate) fn is_requested(&self, key: &str) -> bool {
        let parents = key.match_indices('/').map(|(at, _)| &key[..at]);
        parents
            .chain(["", key])
            .any(|path| self.requested.contains(path))
    }

    fn has_any_below(&self, directory: &str) -> bool {
        let start = format!("{directory}/");
        directory.is_empty()
            || self
                .paths
                .range(start.clone()..)
                .next()
                .is_some_and(|(key, _)| key.starts_with(&start))
    }

    fn walk(&mut self, start: &Path, root: &Path, input: &InputArgs, settings: &Settings) {
        let entries = WalkBuilder::new(start)
            // A personal ignore file must not change what a project's check finds.
            .git_global(false)
            .parents(!input.isolated)
            .filter_entry(filter(root, settings))
            .build();
        let mut others = Vec::new();
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    self.unlisted.extend(unlisted(&error, start));
                    continue;
                }
            };
            if !entry.file_type().is_some_and(|kind| kind.is_file()) {
                continue;
            }
            let key = relative_key(entry.path(), root);
            if is_python_or_runbook(&key) {
                self.paths.insert(key, entry.into_path());
            } else {
                others.push((key, entry.into_path()));
            }
        }
        for (key, path) in others {
            if self.belongs_to_bundle(&key) {
                self.paths.insert(key, path);
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
            if BUNDLE_FOLDERS.contains(&name) && self.paths.contains_key(&bundle) {
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
                if is_module && entry.file_type().is_some_and(|kind| kind.is_file()) {
                    let key = relative_key(entry.path(), root);
                    self.paths.insert(key, entry.into_path());
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
            None => std::fs::read(self.paths.get(key).ok_or(io::ErrorKind::NotFound)?),
        }
    }
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

/// What the walk could not list. A mistake in a `.gitignore` is none of our business.
fn unlisted(error: &ignore::Error, start: &Path) -> Option<(PathBuf, String)> {
    match error {
        ignore::Error::WithPath { path, err } => {
            unlisted(err, path).map(|(_, message)| (path.clone(), message))
        }
        ignore::Error::WithDepth { err, .. } => unlisted(err, start),
        ignore::Error::Io(error) => Some((start.to_owned(), error.to_string())),
        _ => None,
    }
}

/// Which entries the walk looks at. The place where it starts is not asked.
fn filter(root: &Path, settings: &Settings) -> impl Fn(&DirEntry) -> bool + Send + Sync + 'static {
    let root = root.to_owned();
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
        if entry.file_type().is_some_and(|kind| kind.is_dir()) {
            let is_package = || path.join("__init__.py").is_file();
            let is_environment = path.join("pyvenv.cfg").is_file();
            return !is_environment && (!default_exclude.matches_exactly(&key) || is_package());
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
