//! `runbook-lint.lock`: what the workflows did when they were deployed.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use rules::reference::{Recorded, Reference, parse, write};

use crate::config::Settings;
use crate::file;

pub(crate) const NAME: &str = "runbook-lint.lock";
/// No project has so many workflows; what is larger has been named by mistake.
const MAX_BYTES: u64 = 64 << 20;

pub(crate) fn path(root: &Path) -> PathBuf {
    root.join(NAME)
}

/// What the lock file records, if there is one.
pub(crate) fn read(root: &Path) -> Result<Option<Vec<Recorded>>> {
    let path = path(root);
    let bytes = match file::read(&path, MAX_BYTES) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read `{NAME}`")),
    };
    let Ok(text) = std::str::from_utf8(&bytes) else {
        bail!("`{NAME}` is not UTF-8");
    };
    match parse(text, NAME) {
        Ok(recorded) => Ok(Some(recorded)),
        Err(error) => bail!("{NAME}:{}: {}", error.line, error.message),
    }
}

/// The same, to hold the code against.
pub(crate) fn reference(root: &Path, settings: &Settings) -> Result<Option<Reference>> {
    let recorded = read(root)?;
    Ok(recorded.map(|workflows| Reference {
        origin: format!("`{NAME}`"),
        is_pinned: settings.pinned_versions,
        workflows,
    }))
}

/// Whether it changed anything.
pub(crate) fn replace(root: &Path, recorded: &[Recorded]) -> Result<bool> {
    let path = path(root);
    ensure!(
        !file::is_special(&path),
        "cannot write `{NAME}`: this is no file"
    );
    let text = write(recorded);
    if file::read(&path, MAX_BYTES).is_ok_and(|old| old == text.as_bytes()) {
        return Ok(false);
    }
    file::write(&path, text.as_bytes()).with_context(|| format!("cannot write `{NAME}`"))?;
    Ok(true)
}
