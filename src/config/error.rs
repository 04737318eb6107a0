//! What is wrong with a configuration, and where.

use std::ops::Range;
use std::path::Path;

use lint_core::suggest::closest;

/// A mistake in a configuration file or in a setting on the command line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{origin}: {message}")]
pub(crate) struct ConfigError {
    pub(crate) origin: Origin,
    pub(crate) message: String,
}

/// Where a value was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    Default,
    CommandLine,
    File {
        path: String,
        /// 1-based.
        line: u32,
        /// 1-based, in characters.
        column: u32,
        /// 1-based, in bytes.
        utf8_column: u32,
    },
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::CommandLine => f.write_str("command line"),
            Self::File { path, line, .. } => write!(f, "{path}:{line}"),
        }
    }
}

/// A text that options were read from.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    CommandLine,
    File { path: String, text: String },
}

impl Source {
    pub(crate) fn origin(&self, offset: usize) -> Origin {
        match self {
            Self::CommandLine => Origin::CommandLine,
            Self::File { path, text } => {
                let before = text.get(..offset).unwrap_or(text);
                let line_start = before.rfind('\n').map_or(0, |at| at + 1);
                let before_on_line = &before[line_start..];
                Origin::File {
                    path: path.clone(),
                    line: before.matches('\n').count() as u32 + 1,
                    column: before_on_line.chars().count() as u32 + 1,
                    utf8_column: before_on_line.len() as u32 + 1,
                }
            }
        }
    }

    /// What paths in the text are relative to, itself relative to the working directory.
    pub(crate) fn directory(&self) -> &Path {
        match self {
            Self::CommandLine => Path::new(""),
            Self::File { path, .. } => Path::new(path).parent().unwrap_or(Path::new("")),
        }
    }

    pub(crate) fn error(&self, offset: usize, message: impl Into<String>) -> ConfigError {
        ConfigError {
            origin: self.origin(offset),
            message: message.into(),
        }
    }

    /// Turns the TOML reader's message into one that says what to do.
    pub(crate) fn toml_error(&self, error: &toml::de::Error) -> ConfigError {
        let at = error.span().unwrap_or(Range { start: 0, end: 0 }).start;
        self.error(at, explain(error.message()))
    }
}

/// What readers say in the words of Rust, in those of the file, which calls a map `table` or so.
pub(crate) fn plainly(message: &str, map: &str) -> String {
    if message.starts_with("EOF while parsing") {
        return "the file ends too early".to_owned();
    }
    let map_type = format!("invalid type: {map}");
    let map = format!("expected {map}");
    let words = [
        ("invalid type: sequence", "invalid type: list"),
        ("invalid type: map", &map_type),
        ("expected a sequence", "expected a list"),
        ("expected a map", &map),
        ("expected struct Versioned with 1 element", &map),
        ("expected struct Versioned", &map),
        ("expected struct Finding with 5 elements", &map),
        ("expected struct Finding", &map),
        ("expected a nonzero u32", "expected a number above 0"),
        ("expected u32", "expected a whole number"),
    ];
    words.iter().fold(message.to_owned(), |text, (from, to)| {
        text.replace(from, to)
    })
}

/// Serde names the unknown word and then all known ones, each in backticks.
fn explain(message: &str) -> String {
    let unknown_field = message.starts_with("unknown field");
    if !unknown_field && !message.starts_with("unknown variant") {
        return plainly(&message.trim_end().replace('\n', ": "), "table");
    }
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let Some((word, known)) = quoted.split_first() else {
        return message.to_owned();
    };
    let what = if unknown_field { "setting" } else { "value" };
    match closest(word, known.iter().copied()) {
        Some(meant) => format!("unknown {what} `{word}`; did you mean `{meant}`?"),
        None => format!(
            "unknown {what} `{word}`; expected one of `{}`",
            known.join("`, `")
        ),
    }
}
