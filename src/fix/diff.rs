//! What fixes would change, as a patch.

use std::io::{self, Write};
use std::path::Path;

use anstyle::{AnsiColor, Style};
use lint_core::source::SourceFile;
use similar::TextDiff;

use super::Change;
use crate::output::{escape, leading};

const REMOVED: Style = AnsiColor::Red.on_default();
const ADDED: Style = AnsiColor::Green.on_default();

/// Writes a unified diff. `path` is relative to the working directory.
pub(crate) fn write_diff(path: &str, change: &Change, out: &mut dyn Write) -> io::Result<()> {
    let before = decoded(path, change.before.as_deref().unwrap_or_default());
    let after = decoded(path, &change.after);
    let shown = leading(path);
    let old = match change.before {
        Some(_) => shown.as_str(),
        None => "/dev/null",
    };
    writeln!(out, "--- {old}")?;
    writeln!(out, "+++ {shown}")?;
    let diff = TextDiff::from_lines(&before, &after);
    for hunk in diff.unified_diff().iter_hunks() {
        writeln!(out, "{}", hunk.header())?;
        for it in hunk.iter_changes() {
            let style = match it.tag() {
                similar::ChangeTag::Equal => Style::new(),
                similar::ChangeTag::Delete => REMOVED,
                similar::ChangeTag::Insert => ADDED,
            };
            let line = escape(it.value().trim_end_matches(['\r', '\n']));
            writeln!(out, "{style}{}{line}{style:#}", it.tag())?;
            if it.missing_newline() {
                writeln!(out, "\\ No newline at end of file")?;
            }
        }
    }
    Ok(())
}

fn decoded(path: &str, bytes: &[u8]) -> String {
    let source = if Path::new(path).extension().is_some_and(|it| it == "py") {
        SourceFile::decode(path, bytes)
    } else {
        SourceFile::plain(path, bytes)
    };
    source.map_or_else(
        |_| String::from_utf8_lossy(bytes).into_owned(),
        |source| source.text,
    )
}
