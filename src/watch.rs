//! `check --watch`: a new check whenever something changes that may matter to it.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, Result};
use notify::{Event, RecursiveMode, Watcher};

use crate::Status;
use crate::terminal::tell;

/// Editors write a file in several steps, and a checkout changes many.
const QUIET: Duration = Duration::from_millis(200);

/// Each check is a process of its own with the same arguments, so it starts afresh like any other.
pub(crate) fn run(root: &Path) -> Result<Status> {
    let program = std::env::current_exe().context("cannot tell where this program is")?;
    let arguments = std::env::args_os().skip(1).filter(|it| it != "--watch");
    let arguments: Vec<OsString> = arguments.collect();
    let (sender, receiver) = mpsc::channel();
    let note = move |event: notify::Result<Event>| {
        if event.is_ok_and(|it| matters(&it)) {
            // Nobody receives after the last check.
            let _ = sender.send(());
        }
    };
    let mut watcher = notify::recommended_watcher(note).context("cannot watch files")?;
    watcher
        .watch(root, RecursiveMode::Recursive)
        .with_context(|| format!("cannot watch `{}`", root.display()))?;
    loop {
        let mut check = Command::new(&program);
        check.args(&arguments).status().context("cannot check")?;
        tell("watching for changes; Ctrl-C ends it");
        if receiver.recv().is_err() {
            return Ok(Status::Clean);
        }
        while receiver.recv_timeout(QUIET).is_ok() {}
    }
}

/// Reports are not among these files, so that writing one is no change.
fn matters(event: &Event) -> bool {
    let is_read = |path: &Path| {
        let named = path.file_name().is_some_and(|it| it == "runbook.md");
        let extension = path.extension().and_then(OsStr::to_str);
        named || matches!(extension, Some("py" | "toml" | "sql"))
    };
    !event.kind.is_access() && event.paths.iter().any(|path| is_read(path))
}
