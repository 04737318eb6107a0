//! Writing the changed files: each as a whole, and those of one fix together.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use super::Change;
use crate::file::Staged;

/// Writes all changes. Returns the files that are as they were, and why.
///
/// First all contents are written beside their files, then they are moved there, so that a full
/// disk or a file that must not be written is noticed while nothing has changed.
pub(crate) fn write(
    changes: &BTreeMap<String, Change>,
    path: impl Fn(&str) -> PathBuf,
) -> BTreeMap<String, String> {
    let mut failed: BTreeMap<String, String> = BTreeMap::new();
    let mut staged: BTreeMap<&str, Staged> = BTreeMap::new();
    for (key, change) in changes {
        match stage(&path(key), change) {
            Ok(it) => drop(staged.insert(key, it)),
            Err(error) => drop(failed.insert(key.clone(), error.to_string())),
        }
    }
    let mut lost: BTreeSet<String> = failed.keys().cloned().collect();
    while let Some((key, _)) = changes
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_changed_since_it_was_read_is_left_alone_with_what_belongs_to_it() {
        let directory = tempfile::TempDir::new().expect("a directory");
        let path = |key: &str| directory.path().join(key);
        let change = |before: Option<&str>, together: &[&str]| Change {
            before: before.map(|it| it.as_bytes().to_vec()),
            after: b"fixed".to_vec(),
            together: together.iter().map(|&it| it.to_owned()).collect(),
        };
        for key in ["alone.py", "edited.py", "with_edited.py", "appeared.py"] {
            fs::write(path(key), "old").expect("written");
        }
        fs::write(path("edited.py"), "by somebody").expect("written");
        let changes = BTreeMap::from([
            ("alone.py".to_owned(), change(Some("old"), &["alone.py"])),
            ("appeared.py".to_owned(), change(None, &["appeared.py"])),
            (
                "edited.py".to_owned(),
                change(Some("old"), &["edited.py", "with_edited.py"]),
            ),
            ("gone.py".to_owned(), change(Some("old"), &["gone.py"])),
            ("new.py".to_owned(), change(None, &["new.py"])),
            (
                "with_edited.py".to_owned(),
                change(Some("old"), &["edited.py", "with_edited.py"]),
            ),
        ]);
        let failed = write(&changes, path);
        let keys: Vec<&str> = failed.keys().map(String::as_str).collect();
        assert_eq!(
            keys,
            ["appeared.py", "edited.py", "gone.py", "with_edited.py"]
        );
        for (key, text) in [
            ("alone.py", "fixed"),
            ("appeared.py", "old"),
            ("edited.py", "by somebody"),
            ("new.py", "fixed"),
            ("with_edited.py", "old"),
        ] {
            assert_eq!(
                fs::read_to_string(path(key)).expect("a text"),
                text,
                "{key}"
            );
        }
        assert!(!path("gone.py").exists());
        let left = fs::read_dir(directory.path()).expect("a directory").count();
        assert_eq!(left, 5, "nothing is left beside the files");
    }
}
