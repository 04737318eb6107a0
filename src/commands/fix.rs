//! What `check --fix` and `migrate` do with fixes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Result;
use lint_core::diagnostic::{Applicability, Severity};

use crate::Status;
use crate::cli::{CheckArgs, Color};
use crate::config::{Settings, relative_key};
use crate::discover::Files;
use crate::fix::{self, Order, Outcome};
use crate::known::Known;
use crate::report::plural;
use crate::target::write_output;
use crate::terminal::{tell, warn};

/// What is to become of the fixes.
pub(super) struct Wish<'w> {
    pub(super) least: Applicability,
    /// Findings below it are left alone.
    pub(super) minimum: Severity,
    /// Whether a patch is shown and nothing written.
    pub(super) diff: bool,
    /// Whether nothing else is asked for.
    pub(super) only: bool,
    /// Where the patch goes.
    pub(super) output_file: Option<&'w Path>,
    pub(super) color: Color,
}

impl<'w> Wish<'w> {
    pub(super) fn of(args: &'w CheckArgs, color: Color) -> Self {
        Self {
            least: args.fix.least(),
            minimum: args.output.minimum(),
            diff: args.fix.diff,
            only: args.fix.fix_only,
            output_file: args.output.output_file.as_deref(),
            color,
        }
    }
}

/// What remains to be done after fixing.
pub(super) struct Fixed {
    /// Set if nothing else is asked for.
    pub(super) status: Option<Status>,
    /// What did not work, one sentence each.
    pub(super) warnings: Vec<String>,
}

/// Fixes what is found in the files, and tells it.
pub(super) fn apply(
    files: &mut Files,
    known: &Known,
    settings: &Settings,
    wish: &Wish<'_>,
) -> Result<Fixed> {
    let hidden = known.hidden(files, settings)?;
    let order = Order {
        least: wish.least,
        settings,
        hidden: &hidden,
        minimum: wish.minimum,
    };
    let outcome = fix::fix(files, &order);
    let mut warnings = not_fixed(&outcome);
    if wish.diff {
        warnings.iter().for_each(|it| warn(it));
        show_diff(&outcome, files, wish)?;
        let status = match outcome.changes.is_empty() {
            true => Status::Clean,
            false => Status::Findings,
        };
        return Ok(Fixed {
            status: Some(status),
            warnings: Vec::new(),
        });
    }
    let failed = fix::write(&outcome.changes, |key| files.path(key));
    for (key, reason) in &failed {
        warnings.push(not_changed(key, reason));
        let before = outcome.changes.get(key).and_then(|it| it.before.clone());
        files.unstage(key, before);
    }
    tell_applied(&outcome, &failed);
    let is_whole = failed.is_empty();
    let status = wish.only.then_some(match is_whole {
        true => Status::Clean,
        false => Status::Failure,
    });
    if status.is_some() {
        warnings.iter().for_each(|it| warn(it));
    }
    Ok(Fixed { status, warnings })
}

fn not_changed(key: &str, reason: &str) -> String {
    format!("`{key}` was not changed: {reason}")
}

/// Puts a comment at each finding, and tells it.
pub(super) fn add_ignores(
    files: &mut Files,
    known: &Known,
    settings: &Settings,
    args: &CheckArgs,
    reason: &str,
) -> Result<Status> {
    let hidden = known.hidden(files, settings)?;
    let order = Order {
        least: Applicability::Safe,
        settings,
        hidden: &hidden,
        minimum: args.output.minimum(),
    };
    let ignored = fix::ignore(files, &order, reason);
    let failed = fix::write(&ignored.changes, |key| files.path(key));
    for (key, reason) in &failed {
        warn(&not_changed(key, reason));
    }
    for (key, count) in &ignored.left {
        let findings = plural(*count, "finding");
        warn(&format!(
            "{findings} in `{key}` could not be ignored by a comment"
        ));
    }
    let written = ignored
        .counts
        .iter()
        .filter(|(key, _)| !failed.contains_key(*key));
    let counts: Vec<usize> = written.map(|(_, count)| *count).collect();
    tell(&format!(
        "ignored {} in {}",
        plural(counts.iter().sum(), "finding"),
        plural(counts.len(), "file")
    ));
    Ok(match failed.is_empty() && ignored.left.is_empty() {
        true => Status::Clean,
        false => Status::Failure,
    })
}

fn not_fixed(outcome: &Outcome) -> Vec<String> {
    let put_back = outcome.put_back.iter().map(|it| {
        let (code, title, key) = (it.code, &it.title, &it.key);
        let reason = &it.reason;
        format!("the fix of {code} in `{key}` (\"{title}\") was put back: {reason}")
    });
    let mut sentences: Vec<String> = put_back.collect();
    if outcome.is_unfinished {
        sentences.push("there is more to fix after the last pass; run it again".to_owned());
    }
    sentences
}

fn tell_applied(outcome: &Outcome, failed: &BTreeMap<String, String>) {
    let mut counts: BTreeMap<(&str, &str, &str), usize> = BTreeMap::new();
    let applied = outcome.applied.iter();
    let applied: Vec<_> = applied.filter(|it| !failed.contains_key(&it.key)).collect();
    for it in &applied {
        *counts.entry((&it.key, it.code, it.name)).or_default() += 1;
    }
    let total = counts.values().sum();
    let files = outcome.changes.len() - failed.len();
    tell(&format!(
        "fixed {} in {}",
        plural(total, "finding"),
        plural(files, "file")
    ));
    let changed = outcome.changes.keys().map(String::as_str);
    let changed = changed.filter(|key| !failed.contains_key(*key));
    let fixed: BTreeSet<&str> = counts.keys().map(|(key, ..)| *key).collect();
    for ((key, code, name), count) in &counts {
        tell(&format!("  {key}: {code} {name} ({count})"));
    }
    for key in changed.filter(|key| !fixed.contains(key)) {
        tell(&format!("  {key}: changed by these fixes"));
    }
    let to_do: BTreeSet<&str> = applied
        .iter()
        .filter_map(|it| it.to_do.as_deref())
        .collect();
    for it in to_do {
        tell(&format!("left to do: {it}"));
    }
}

fn show_diff(outcome: &Outcome, files: &Files, wish: &Wish<'_>) -> Result<()> {
    let cwd = std::env::current_dir()?;
    write_output(wish.output_file, wish.color, |out| {
        for (key, change) in &outcome.changes {
            let path = relative_key(&files.path(key), &cwd);
            fix::write_diff(&path, change, out)?;
        }
        Ok(())
    })
}
