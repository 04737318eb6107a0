//! What is said beside reports, on the standard error. Everything is escaped.

use std::io::{self, Write};

use crate::output::escape::escape_line;

/// Says something beside the report. Nothing can be done when even that fails.
pub(crate) fn tell(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", escape_line(line));
}

pub(crate) fn warn(line: &str) {
    tell(&format!("warning: {line}"));
}

/// The error and everything that led to it, in one line as the arguments' own errors are.
pub(crate) fn report_failure(error: &anyhow::Error) {
    tell(&format!("error: {error:#}"));
}
