//! The two streams. Everything that reaches a terminal is written here, through one buffer each.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use anstream::{AutoStream, ColorChoice, StripStream};
use anyhow::{Context, Result};

use crate::cli::Color;
use crate::output::escape;

/// Lets `write` write to the file, or else to the standard output. Escape sequences for colours
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
        Some(path) => {
            let created = File::create(path);
            let out = created.with_context(|| format!("cannot write `{}`", path.display()))?;
            write_to(Box::new(BufWriter::new(out)), is_colored, write)
                .with_context(|| format!("cannot write `{}`", path.display()))
        }
        None => write_to(Box::new(BufWriter::new(stdout.lock())), is_colored, write)
            .context("cannot write to the standard output"),
    }
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
