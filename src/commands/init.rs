//! `runbook-lint init`

use std::fs;
use std::io::{self, BufRead, IsTerminal};
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::Status;
use crate::cli::InitArgs;
use crate::file;
use crate::terminal::tell;

/// A file that belongs to a set-up.
struct Part {
    path: &'static str,
    /// Completes "Write …?".
    what: &'static str,
    text: &'static str,
    /// Whether another file already does what this one is for.
    is_there: fn(&Path) -> bool,
}

const PARTS: [Part; 3] = [
    Part {
        path: "runbook-lint.toml",
        what: "a configuration",
        text: "\
# Every setting with its default: runbook-lint config

# Folders where absolute imports start, such as \"src\".
src = []
# Files that are not read.
extend-exclude = []
# Rules by code, name or prefix.
ignore = []
",
        is_there: is_configured,
    },
    Part {
        path: ".pre-commit-config.yaml",
        what: "a hook for pre-commit",
        text: concat!(
            "\
repos:
  - repo: ",
            env!("CARGO_PKG_REPOSITORY"),
            "
    rev: v",
            env!("CARGO_PKG_VERSION"),
            "
    hooks:
      - id: runbook-lint
"
        ),
        is_there: |_| false,
    },
    Part {
        path: ".github/workflows/runbook-lint.yml",
        what: "a workflow for GitHub Actions",
        text: concat!(
            "\
name: runbook-lint
on:
  pull_request:
  push:
    branches: [main]
permissions:
  contents: read
jobs:
  runbook-lint:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v5
      - uses: ntropii-com/runbook-lint@v",
            env!("CARGO_PKG_VERSION"),
            "
"
        ),
        is_there: |_| false,
    },
];

pub(crate) fn run(args: &InitArgs) -> Result<Status> {
    let root = &args.directory;
    ensure!(root.is_dir(), "`{}` is no directory", root.display());
    let can_ask = io::stdin().is_terminal();
    ensure!(
        args.yes || can_ask,
        "there is nobody to ask; `--yes` writes the files without asking"
    );
    for part in PARTS {
        set_up(&part, root, args.yes)?;
    }
    tell("next: `runbook-lint check`");
    Ok(Status::Clean)
}

/// What exists is never changed: it is said what to add.
fn set_up(part: &Part, root: &Path, yes: bool) -> Result<()> {
    let path = root.join(part.path);
    if (part.is_there)(root) {
        tell(&format!("{} is there already", part.what));
        return Ok(());
    }
    if path.symlink_metadata().is_ok() {
        tell(&format!(
            "`{}` exists and is left alone; it needs this:",
            part.path
        ));
        part.text
            .lines()
            .for_each(|line| tell(&format!("    {line}")));
        return Ok(());
    }
    if !yes && !agrees(&format!("Write {} to `{}`? [Y/n] ", part.what, part.path))? {
        return Ok(());
    }
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)
            .with_context(|| format!("cannot make `{}`", directory.display()))?;
    }
    file::write(&path, part.text.as_bytes())
        .with_context(|| format!("cannot write `{}`", path.display()))?;
    tell(&format!("wrote `{}`", part.path));
    Ok(())
}

fn agrees(question: &str) -> Result<bool> {
    tell(question);
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    let is_end = read.context("cannot read the answer")? == 0;
    let answer = answer.trim().to_ascii_lowercase();
    Ok(!is_end && matches!(answer.as_str(), "" | "y" | "yes"))
}

fn is_configured(root: &Path) -> bool {
    let pyproject = fs::read_to_string(root.join("pyproject.toml"));
    let hidden = root.join(".runbook-lint.toml").exists();
    hidden || pyproject.is_ok_and(|text| text.contains("[tool.runbook-lint"))
}
