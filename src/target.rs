//! Where reports go: to a file as a whole, or to the standard output.

use std::io::{self, Write};
use std::path::Path;

use anstream::{AutoStream, ColorChoice, StripStream};
use anyhow::{Context, Result};

use crate::cli::Color;
use crate::file;

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
    let mut bytes = Vec::new();
    if is_colored {
        write(&mut bytes)?;
    } else {
        write(&mut StripStream::new(&mut bytes))?;
    }
    match file {
        Some(path) => {
            file::write(path, &bytes).with_context(|| format!("cannot write `{}`", path.display()))
        }
        None => stdout
            .lock()
            .write_all(&bytes)
            .and_then(|()| stdout.lock().flush())
            .context("cannot write to the standard output"),
    }
}

/// How many columns there are for a report, if it goes to a terminal.
pub(crate) fn columns(file: Option<&Path>) -> Option<usize> {
    if file.is_some() {
        return None;
    }
    let (width, _) = terminal_size::terminal_size_of(io::stdout())?;
    Some(usize::from(width.0))
}
