//! The two streams. Everything that reaches a terminal is written here, through one buffer each.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use anstream::{AutoStream, ColorChoice, StripStream};
use anyhow::{Context, Result};

use crate::cli::Color;
use crate::output::escape;

/// Lets `write` write to the file as a whole or not at all, or else to the standard output. Escape sequences for colours
/// are stripped when they are not wanted.
pub(crate) fn write_output(
    file: Option<&Path>,
    color: Color,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<()> {
    let stdout = io::stdout();
    let is_colored = match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => file.is_none() && AutoStream::choice(&stdout) != ColorChoice::Never,
    };
    match file {
        Some(path) => write_file(path, |out| write_to(out, is_colored, write))
            .with_context(|| format!("cannot write `{}`", path.display())),
        None => write_to(Box::new(BufWriter::new(stdout.lock())), is_colored, write)
            .context("cannot write to the standard output"),
    }
}

/// Nobody sees half a file: it is written beside its place and moved there. Devices and pipes cannot
/// be replaced and are written to.
fn write_file(path: &Path, write: impl FnOnce(Box<dyn Write>) -> io::Result<()>) -> io::Result<()> {
    let existing = fs::metadata(path).ok();
    if existing.as_ref().is_some_and(|it| !it.is_file()) {
        return write(Box::new(BufWriter::new(File::create(path)?)));
    }
    // A symbolic link stays one.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let directory = path.parent().filter(|it| !it.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    fs::metadata(directory)?;
    let mut builder = tempfile::Builder::new();
    let permissions = existing.map_or_else(for_new_files, |it| Some(it.permissions()));
    if let Some(permissions) = permissions {
        builder.permissions(permissions);
    }
    // The name of the temporary file, which the error tells, concerns nobody.
    let file = builder
        .tempfile_in(directory)
        .map_err(|error| error.kind())?;
    write(Box::new(BufWriter::new(file.reopen()?)))?;
    file.persist(path)?;
    Ok(())
}

/// What the process lets its files be, and not private as temporary files are.
#[cfg(unix)]
fn for_new_files() -> Option<fs::Permissions> {
    use std::os::unix::fs::PermissionsExt;

    Some(fs::Permissions::from_mode(0o666))
}

#[cfg(not(unix))]
fn for_new_files() -> Option<fs::Permissions> {
    None
}

fn write_to(
    mut out: Box<dyn Write>,
    is_colored: bool,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    if is_colored {
        write(&mut out)?;
    } else {
        write(&mut StripStream::new(&mut out))?;
    }
    out.flush()
}

/// How many columns there are for a report, if it goes to a terminal.
pub(crate) fn columns(file: Option<&Path>) -> Option<usize> {
    if file.is_some() {
        return None;
    }
    let (width, _) = terminal_size::terminal_size_of(io::stdout())?;
    Some(usize::from(width.0))
}

/// Says something beside the report. Nothing can be done when even that fails.
pub(crate) fn tell(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", escape(line));
}

pub(crate) fn warn(line: &str) {
    tell(&format!("warning: {line}"));
}

/// The error and everything that led to it.
pub(crate) fn report_failure(error: &anyhow::Error) {
    tell("runbook-lint failed");
    for cause in error.chain() {
        tell(&format!("  Cause: {cause}"));
    }
}
