//! Symbolic links: files that have a name besides their own, or come from outside the project.

use std::path::{Path, PathBuf};

use crate::config::relative_key;

/// The directories that a project is in, without symbolic links.
pub(super) struct Origin {
    root: PathBuf,
    repository: PathBuf,
}

/// A file that is reached through a symbolic link.
#[derive(Debug, Clone)]
pub(super) struct Linked {
    pub(super) path: PathBuf,
    /// The key of the link, which is the file or a directory above it.
    pub(super) link: String,
    /// The key of the file that the link leads to.
    pub(super) target: String,
    pub(super) is_in_repository: bool,
}

impl Origin {
    /// In isolation there is nothing around the root.
    pub(super) fn new(root: &Path, isolated: bool) -> Self {
        let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
        let repository = root.ancestors().find(|it| it.join(".git").exists());
        Self {
            repository: repository.filter(|_| !isolated).unwrap_or(&root).to_owned(),
            root,
        }
    }

    /// Where a path below the root leads to, if there is a link in it that leads anywhere.
    pub(super) fn follow(&self, path: &Path, root: &Path) -> Option<Linked> {
        let link = outermost_link(path, root)?;
        let target = path.canonicalize().ok()?;
        Some(Linked {
            path: path.to_owned(),
            link: relative_key(link, root),
            target: relative_key(&target, &self.root),
            is_in_repository: target.starts_with(&self.repository),
        })
    }

    /// Whether the walk goes into a directory that is a link. Outside the repository there may be
    /// anything, and links within what was linked could multiply without end.
    pub(super) fn admits(&self, link: &Path, root: &Path) -> bool {
        let is_only_one = outermost_link(link, root) == Some(link);
        let target = link.canonicalize();
        is_only_one && target.is_ok_and(|it| it.starts_with(&self.repository))
    }
}

fn outermost_link<'p>(path: &'p Path, root: &Path) -> Option<&'p Path> {
    path.ancestors()
        .take_while(|it| *it != root)
        .filter(|it| it.is_symlink())
        .last()
}
