//! One file per command.

pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod config;
mod fix;
pub(crate) mod graph;
pub(crate) mod icons;
pub(crate) mod init;
pub(crate) mod lock;
pub(crate) mod man;
pub(crate) mod migrate;
pub(crate) mod rule;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use lint_core::syntax::STACK_SIZE;

use crate::cli::InputArgs;
use crate::config::{absolute, project_root};

/// The working directory and the root of the project around the given paths.
fn locate(input: &InputArgs, stdin_filename: Option<&Path>) -> Result<(PathBuf, PathBuf)> {
    let cwd = std::env::current_dir().context("cannot tell the working directory")?;
    for path in &input.paths {
        if path.exists() || path.is_symlink() {
            continue;
        }
        if is_standard(path) {
            bail!("to check the standard input, name its file with `--stdin-filename`");
        }
        bail!("`{}` does not exist", path.display());
    }
    let given = input
        .paths
        .iter()
        .map(PathBuf::as_path)
        .chain(stdin_filename);
    let paths: Vec<PathBuf> = given.map(|path| absolute(path, &cwd)).collect();
    let root = project_root(&paths, &cwd, input.isolated)?;
    Ok((cwd, root))
}

/// Whether a path stands for the standard input or output.
fn is_standard(path: &Path) -> bool {
    path == "-"
}

/// Starts the threads that read and parse files. This one is among them, so that a small project
/// waits for no other.
pub(crate) fn start_threads(count: Option<usize>) -> Result<()> {
    threads(count)
        .use_current_thread()
        .build_global()
        .context(NO_THREADS)
}

/// The same beside this thread, which has something else to do.
pub(crate) fn start_threads_beside() -> Result<()> {
    threads(None).build_global().context(NO_THREADS)
}

const NO_THREADS: &str = "cannot start the threads that read files";

fn threads(count: Option<usize>) -> rayon::ThreadPoolBuilder {
    rayon::ThreadPoolBuilder::new()
        .num_threads(count.unwrap_or(0))
        .stack_size(STACK_SIZE)
}
