//! Where reports go: to a file as a whole, or to the standard output.

use std::io::{self, BufWriter, IntoInnerError, Write};
use std::path::Path;

use anstream::{AutoStream, ColorChoice};
use anyhow::{Context, Result};

use crate::cli::Color;
use crate::file;

/// The first finding is on the screen before the last one is rendered.
const CHUNK: usize = 4096;

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
    let choice = if is_colored {
        ColorChoice::AlwaysAnsi
    } else {
        ColorChoice::Never
    };
    match file {
        Some(path) => {
            let mut out = BufWriter::new(AutoStream::new(Vec::new(), choice));
            write(&mut out)?;
            let bytes = out
                .into_inner()
                .map_err(IntoInnerError::into_error)?
                .into_inner();
            file::write(path, &bytes).with_context(|| format!("cannot write `{}`", path.display()))
        }
        None => {
            let mut out = BufWriter::with_capacity(CHUNK, AutoStream::new(stdout.lock(), choice));
            write(&mut out)
                .and_then(|()| out.flush())
                .context("cannot write to the standard output")
        }
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
