//! Where the repository of a directory is. Git is not asked: it would also take a directory that
//! merely looks like a repository for one, with whatever is configured there.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Longer files are no pointer to a repository.
const MAX_POINTER: u64 = 64 << 10;

/// A working tree and the directory that git keeps its objects in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Repository {
    /// Absolute.
    pub(super) top: PathBuf,
    pub(super) git_directory: PathBuf,
}

impl Repository {
    /// The repository that a directory is in.
    pub(super) fn around(directory: &Path) -> Result<Self> {
        let directory = directory
            .canonicalize()
            .with_context(|| format!("cannot find `{}`", directory.display()))?;
        for top in directory.ancestors() {
            if let Some(found) = Self::at(top)? {
                return Ok(found);
            }
        }
        bail!("not a git repository, and in none: there is no `.git`")
    }

    /// The repository whose working tree begins in this very directory: a `.git` that is one, or a
    /// file that says where it is, as in submodules and further working trees.
    pub(super) fn at(top: &Path) -> Result<Option<Self>> {
        let dot_git = top.join(".git");
        let Ok(metadata) = dot_git.metadata() else {
            return Ok(None);
        };
        let git_directory = if metadata.is_dir() {
            dot_git
        } else {
            let said = crate::file::read_regular(&dot_git, MAX_POINTER)
                .with_context(|| format!("cannot read `{}`", dot_git.display()))?;
            let said = String::from_utf8_lossy(&said).into_owned();
            let Some(place) = said.trim_end().strip_prefix("gitdir:") else {
                bail!("`{}` says of no repository", dot_git.display());
            };
            top.join(place.trim_start())
        };
        if !git_directory.join("HEAD").exists() {
            // Also on a link to a branch that is yet to be born.
            let head = git_directory.join("HEAD").symlink_metadata();
            if head.is_err() {
                bail!("not a git repository: `{}`", git_directory.display());
            }
        }
        Ok(Some(Self {
            top: top.to_owned(),
            git_directory,
        }))
    }
}
