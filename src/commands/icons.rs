//! `runbook-lint icons`

use anyhow::Result;
use rules::icons::{LUCIDE_VERSION, Lookup, lookup, respell, search, suggest};

use crate::Status;
use crate::cli::{Color, IconsArgs};
use crate::target::write_output;
use crate::terminal::warn;

/// How many near names are offered when nothing matches.
const SUGGESTIONS: usize = 8;

pub(crate) fn run(args: &IconsArgs, color: Color) -> Result<Status> {
    let query = args.search.join(" ");
    let mut lines: Vec<String> = Vec::new();
    if let Some(name) = exact(&query) {
        lines.push(name);
    }
    for icon in search(&query) {
        let line = format!("{}  ({})", icon.name, icon.tags);
        if !lines
            .iter()
            .any(|it| it.split("  ").next() == Some(icon.name))
        {
            lines.push(line);
        }
    }
    if lines.is_empty() {
        lines.extend(suggest(&query, SUGGESTIONS).into_iter().map(str::to_owned));
        warn(&format!(
            "no icon of Lucide {LUCIDE_VERSION} matches; {}",
            if lines.is_empty() {
                "none is near"
            } else {
                "these are near"
            }
        ));
    }
    write_output(None, color, |out| {
        for line in &lines {
            writeln!(out, "{line}")?;
        }
        Ok(())
    })?;
    Ok(if lines.is_empty() {
        Status::Findings
    } else {
        Status::Clean
    })
}

/// The search as the name of an icon, in its right spelling.
fn exact(query: &str) -> Option<String> {
    let name = match lookup(query) {
        Lookup::Unknown => respell(query)?,
        _ => query,
    };
    Some(match lookup(name) {
        Lookup::Alias(current) => format!("{name}  (called {current} today)"),
        _ => name.to_owned(),
    })
}
