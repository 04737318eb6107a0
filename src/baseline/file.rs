//! A baseline as a file.
//!
//! ```json
//! {
//!   "about": "…",
//!   "version": 1,
//!   "files": {
//!     "orders/workflow.py": [
//!       {"rule": "RB101", "function": "Order.run", "culprit": "time.time", "count": 1}
//!     ]
//!   }
//! }
//! ```
//!
//! Each entry is one line, so that merges take it or leave it, and a file is named once, so that
//! whoever renames it changes one line.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::ser::{Formatter, Serializer};

use super::{Baseline, Entry, Key};
use crate::config::plainly;
use crate::file;
use crate::output::escape_json;

const ABOUT: &str = "Known findings of runbook-lint, which are not reported. `--write-baseline` makes this file, `--prune-baseline` removes what is fixed.";
const VERSION: u32 = 1;
/// No project has so many findings; what is larger has been named by mistake.
const MAX_BYTES: u64 = 64 << 20;

/// A baseline that cannot be understood. Lines and columns are 1-based.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}:{line}:{column}: {message}", path.display())]
pub(crate) struct Malformed {
    pub(crate) path: PathBuf,
    pub(crate) line: u32,
    /// In characters.
    pub(crate) column: u32,
    /// In bytes.
    pub(crate) utf8_column: u32,
    pub(crate) message: String,
}

/// What can be said of every version.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(rename = "about")]
    _about: Option<String>,
    #[serde(rename = "version")]
    _version: u32,
    files: Files,
}

struct Files(BTreeMap<String, Findings>);

#[derive(Deserialize)]
#[serde(try_from = "Vec<Finding>")]
struct Findings(Vec<Finding>);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Finding {
    rule: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    function: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    culprit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    count: NonZeroU32,
}

/// The path is relative to the working directory.
pub(crate) fn read(path: &Path) -> Result<Baseline> {
    let bytes = file::read(path, MAX_BYTES)
        .with_context(|| format!("cannot read the baseline `{}`", path.display()))?;
    Ok(parse(&bytes, path)?)
}

fn parse(bytes: &[u8], path: &Path) -> Result<Baseline, Malformed> {
    let fail = |error: serde_json::Error| malformed(bytes, path, &error);
    let Versioned { version } = serde_json::from_slice(bytes).map_err(fail)?;
    if version != VERSION {
        let needle = b"\"version\"";
        let at = bytes.windows(needle.len()).position(|it| it == needle);
        let (line, column, utf8_column) = position(bytes, at.unwrap_or(0));
        return Err(Malformed {
            path: path.to_owned(),
            line,
            column,
            utf8_column,
            message: format!(
                "this baseline has version {version}, this runbook-lint reads version {VERSION}; write it anew with `--write-baseline`"
            ),
        });
    }
    let document: Document = serde_json::from_slice(bytes).map_err(fail)?;
    let mut entries = BTreeMap::new();
    for (file, Findings(findings)) in document.files.0 {
        for finding in findings {
            let count = finding.count.get();
            let lines = Vec::new();
            entries.insert(finding.key(&file), Entry { count, lines });
        }
    }
    Ok(Baseline(entries))
}

fn malformed(bytes: &[u8], path: &Path, error: &serde_json::Error) -> Malformed {
    let lines = || bytes.split_inclusive(|&byte| byte == b'\n');
    let message = error.to_string();
    // The reader says where it stopped, with a column in bytes, and the end of the last line for
    // what is missing.
    let message = match message.rfind(" at line ") {
        Some(at) => &message[..at],
        None => &message,
    };
    let message = plainly(message, "object");
    let conflict = lines().position(|line| line.starts_with(b"<<<<<<<"));
    let (line, column, utf8_column, message) = match conflict {
        Some(line) => (
            line as u32 + 1,
            1,
            1,
            "this is the start of a merge conflict",
        ),
        None => {
            let before = error.line().saturating_sub(1);
            let start: usize = lines().take(before).map(<[u8]>::len).sum();
            let offset = start + error.column().saturating_sub(1);
            let (line, column, utf8_column) = position(bytes, offset);
            (line, column, utf8_column, message.as_str())
        }
    };
    Malformed {
        path: path.to_owned(),
        line,
        column,
        utf8_column,
        message: format!("this is no valid baseline: {message}"),
    }
}

/// 1-based line and column, the column in characters and in bytes.
fn position(bytes: &[u8], offset: usize) -> (u32, u32, u32) {
    let before = &bytes[..offset.min(bytes.len())];
    let line_start = before.iter().rposition(|&byte| byte == b'\n');
    let line_start = line_start.map_or(0, |at| at + 1);
    let line = before.iter().filter(|&&byte| byte == b'\n').count();
    let column = String::from_utf8_lossy(&before[line_start..])
        .chars()
        .count();
    let utf8_column = before.len() - line_start;
    (line as u32 + 1, column as u32 + 1, utf8_column as u32 + 1)
}

impl Finding {
    fn key(&self, file: &str) -> Key {
        Key {
            file: file.to_owned(),
            rule: self.rule.clone(),
            function: self.function.clone(),
            culprit: self.culprit.clone(),
            source: self.source.clone(),
        }
    }
}

impl TryFrom<Vec<Finding>> for Findings {
    type Error = String;

    fn try_from(findings: Vec<Finding>) -> Result<Self, String> {
        let mut keys: Vec<Key> = findings.iter().map(|it| it.key("")).collect();
        keys.sort();
        match keys.windows(2).find(|pair| pair[0] == pair[1]) {
            None => Ok(Self(findings)),
            Some(pair) => Err(format!(
                "two entries of this file are the same but for their counts, both of {}",
                pair[0].rule
            )),
        }
    }
}

/// Unlike the usual map, this one refuses to lose a file that is named twice.
impl<'de> Deserialize<'de> for Files {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FilesVisitor;

        impl<'de> Visitor<'de> for FilesVisitor {
            type Value = Files;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object from files to their findings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Files, A::Error> {
                let mut files = BTreeMap::new();
                while let Some((file, findings)) = map.next_entry::<String, Findings>()? {
                    if files.contains_key(&file) {
                        return Err(de::Error::custom(format_args!("`{file}` is here twice")));
                    }
                    files.insert(file, findings);
                }
                Ok(Files(files))
            }
        }

        deserializer.deserialize_map(FilesVisitor)
    }
}

/// Replaces the file as a whole or not at all.
pub(crate) fn write(baseline: &Baseline, path: &Path) -> Result<()> {
    let context = || format!("cannot write the baseline `{}`", path.display());
    file::write(path, render(baseline).with_context(context)?.as_bytes()).with_context(context)
}

/// Refuses a place where a baseline cannot be kept.
pub(crate) fn ensure_writable(path: &Path) -> Result<()> {
    ensure!(
        !file::is_special(path),
        "cannot write the baseline `{}`: this is no file",
        path.display()
    );
    Ok(())
}

fn render(baseline: &Baseline) -> Result<String> {
    let mut files: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (key, entry) in &baseline.0 {
        let Some(count) = NonZeroU32::new(entry.count) else {
            continue;
        };
        let finding = Finding {
            rule: key.rule.clone(),
            function: key.function.clone(),
            culprit: key.culprit.clone(),
            source: key.source.clone(),
            count,
        };
        files
            .entry(&key.file)
            .or_default()
            .push(one_line(&finding)?);
    }
    let mut rendered = Vec::new();
    for (file, findings) in files {
        let findings = findings.join(",\n      ");
        let name = serde_json::to_string(file)?;
        rendered.push(format!("\n    {name}: [\n      {findings}\n    ]"));
    }
    let files = match rendered.join(",") {
        files if files.is_empty() => files,
        files => format!("{files}\n  "),
    };
    let about = serde_json::to_string(ABOUT)?;
    Ok(escape_json(&format!(
        "{{\n  \"about\": {about},\n  \"version\": {VERSION},\n  \"files\": {{{files}}}\n}}\n"
    )))
}

/// JSON with a space after commas and colons, and without line breaks.
fn one_line(finding: &Finding) -> serde_json::Result<String> {
    struct Spaced;

    impl Formatter for Spaced {
        fn begin_object_key<W: ?Sized + Write>(
            &mut self,
            out: &mut W,
            first: bool,
        ) -> io::Result<()> {
            out.write_all(if first { b"" } else { b", " })
        }

        fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
            out.write_all(b": ")
        }
    }

    let mut bytes = Vec::new();
    finding.serialize(&mut Serializer::with_formatter(&mut bytes, Spaced))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
