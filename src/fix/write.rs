//! Writing the changed files: each as a whole, and those of one fix together.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use super::{Change, Outcome};
use crate::discover::Files;
use crate::file::Staged;

/// Writes all changes. Returns the files that are as they were, and why.
///
/// First all contents are written beside their files, then they are moved there, so that a full
/// disk or a file that must not be written is noticed while nothing has changed.
pub(crate) fn write(outcome: &Outcome, files: &Files) -> BTreeMap<String, String> {
    let mut failed: BTreeMap<String, String> = BTreeMap::new();
    let mut staged: BTreeMap<&str, Staged> = BTreeMap::new();
    for (key, change) in &outcome.changes {
        match stage(&files.path(key), change) {
            Ok(it) => drop(staged.insert(key, it)),
            Err(error) => drop(failed.insert(key.clone(), error.to_string())),
        }
    }
    let mut lost: BTreeSet<String> = failed.keys().cloned().collect();
    while let Some((key, _)) = outcome
        .changes
        .iter()
        .find(|(key, change)| !lost.contains(*key) && !change.together.is_disjoint(&lost))
    {
        lost.insert(key.clone());
        staged.remove(key.as_str());
        let reason = "it changes together with a file that could not be written";
        failed.insert(key.clone(), reason.to_owned());
    }
    for (key, staged) in staged {
        if let Err(error) = staged.commit() {
            failed.insert(key.to_owned(), error.to_string());
        }
    }
    failed
}

fn stage(path: &Path, change: &Change) -> io::Result<Staged> {
    let now = match std::fs::read(path) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    if now != change.before {
        return Err(io::Error::other("it has changed since it was read"));
    }
    Staged::at(path, &change.after)
}
