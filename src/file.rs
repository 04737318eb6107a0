//! Files that a run writes and reads as a whole.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::terminal::warn;

/// Symbolic links that are followed from one to the next.
const MAX_LINKS: usize = 40;

/// Writes the file as a whole or not at all: it is written beside its place and moved there. Its
/// permissions stay, and a symbolic link keeps its target. Devices and pipes cannot be replaced,
/// and neither can files in a directory that takes no new ones; these are written in place.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let path = target(path);
    // A file that must not be written must not be replaced either.
    let existing = match OpenOptions::new().write(true).open(&path) {
        Ok(file) => Some(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let metadata = existing.as_ref().map(File::metadata).transpose()?;
    if let (Some(file), false) = (
        &existing,
        metadata.as_ref().is_none_or(fs::Metadata::is_file),
    ) {
        return put(file, bytes);
    }
    match (Staged::new(&path, metadata.as_ref(), bytes), &existing) {
        (Ok(staged), _) => staged.commit(),
        (Err(Unstaged::NoRoom(_)), Some(file)) => {
            file.set_len(0)?;
            put(file, bytes)
        }
        (Err(Unstaged::NoRoom(error) | Unstaged::Unwritten(error)), _) => Err(error),
    }
}

/// The new content of a file, written in full and waiting beside its place.
pub(crate) struct Staged {
    temporary: tempfile::NamedTempFile,
    path: PathBuf,
}

enum Unstaged {
    /// The directory takes no new files.
    NoRoom(io::Error),
    Unwritten(io::Error),
}

impl Staged {
    /// Stages the content of a regular file, or of one that does not exist yet.
    pub(crate) fn at(path: &Path, bytes: &[u8]) -> io::Result<Self> {
        let path = target(path);
        let metadata = match OpenOptions::new().write(true).open(&path) {
            Ok(file) => Some(file.metadata()?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let staged = Self::new(&path, metadata.as_ref(), bytes);
        staged.map_err(|(Unstaged::NoRoom(error) | Unstaged::Unwritten(error))| error)
    }

    /// The errors of the temporary file tell its name, which concerns nobody.
    fn new(path: &Path, metadata: Option<&fs::Metadata>, bytes: &[u8]) -> Result<Self, Unstaged> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".runbook-lint-");
        #[cfg(unix)]
        // As for every new file, the user's mask takes bits away.
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut temporary = builder
            .tempfile_in(directory(path))
            .map_err(|error| Unstaged::NoRoom(error.kind().into()))?;
        let mut fill = || {
            if let Some(metadata) = metadata {
                let file = temporary.as_file();
                file.set_permissions(metadata.permissions())?;
            }
            temporary.write_all(bytes).map_err(|error| error.kind())?;
            temporary.as_file().sync_all()
        };
        fill().map_err(Unstaged::Unwritten)?;
        let path = path.to_owned();
        Ok(Self { temporary, path })
    }

    /// Puts the content into its place, at once.
    pub(crate) fn commit(self) -> io::Result<()> {
        let persisted = self.temporary.persist(self.path);
        persisted.map(drop).map_err(|error| error.error)
    }
}

fn put(mut file: &File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
    file.flush()
}

/// Reads a file, a pipe or a device, but no more than `limit` bytes.
pub(crate) fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    read_into(Vec::new(), path, limit)
}

fn read_into(mut bytes: Vec<u8>, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(too_large(limit));
    }
    Ok(bytes)
}

/// Reads a file of the project. What never ends or waits for others, such as a pipe or a device,
/// is refused, also behind a link, and so is a file that is too large, before any of it is read.
pub(crate) fn read_regular(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        let message = "it is no regular file";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    if metadata.len() > limit {
        return Err(too_large(limit));
    }
    // One byte more, so that the end is seen without asking for more room.
    let room = Vec::with_capacity(metadata.len() as usize + 1);
    read_into(room, path, limit)
}

fn too_large(limit: u64) -> io::Error {
    let message = format!("it has more than {} MiB", limit >> 20);
    io::Error::new(io::ErrorKind::FileTooLarge, message)
}

/// Whether something is there that is no file, such as a device, a pipe or a directory.
pub(crate) fn is_special(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|it| !it.is_file())
}

/// What is the same for all spellings of one file, whether it exists or not. What is written to
/// devices and pipes replaces nothing, so they have none.
pub(crate) fn identity(path: &Path) -> Option<PathBuf> {
    if is_special(path) {
        return None;
    }
    let path = target(path);
    let directory = fs::canonicalize(directory(&path)).ok()?;
    Some(directory.join(path.file_name()?))
}

/// Whether a file is there that people write, so that to name it for a report is a mistake.
pub(crate) fn is_source(path: &Path) -> bool {
    let path = target(path);
    let is_python = path.extension().is_some_and(|it| it == "py" || it == "pyi");
    let names = ["pyproject.toml", "runbook-lint.toml", "runbook.md"];
    let is_named = path
        .file_name()
        .is_some_and(|it| names.map(OsStr::new).contains(&it));
    (is_python || is_named) && path.is_file()
}

/// Where symbolic links lead to. The last one may lead to a file that is yet to be made.
fn target(path: &Path) -> PathBuf {
    // Also resolves links that the system makes up, such as `/dev/stdout`, whose text is no path.
    if path.exists() {
        return match fs::canonicalize(path) {
            Ok(found) => found,
            Err(_) => path.to_owned(),
        };
    }
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        let Ok(next) = fs::read_link(&path) else {
            break;
        };
        path = directory(&path).join(next);
    }
    path
}

fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Reports of former runs, at the places where this run is to write its own. What it does not get
/// to replace is removed when this is dropped, even by a panic: a report must not pass for one of
/// a run that failed.
pub(crate) struct Outdated(Vec<PathBuf>);

impl Outdated {
    pub(crate) fn at<'p>(paths: impl Iterator<Item = &'p Path>) -> Self {
        Self(paths.map(Path::to_owned).collect())
    }

    /// Leaves everything as it is, since it is no report.
    pub(crate) fn spare(&mut self) {
        self.0.clear();
    }

    pub(crate) fn replaced(&mut self, path: &Path) {
        self.0.retain(|it| it != path);
    }
}

impl Drop for Outdated {
    fn drop(&mut self) {
        for path in &self.0 {
            let place = target(path);
            if !place.is_file() {
                continue;
            }
            // Where nothing can be removed, an empty file is no report either.
            let removed = fs::remove_file(&place).or_else(|_| File::create(&place).map(drop));
            if let Err(error) = removed {
                warn(&format!(
                    "`{}` is of a former run and could not be removed: {error}",
                    path.display()
                ));
            }
        }
    }
}
