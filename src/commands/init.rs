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
    text: fn(&Path) -> String,
    /// Whether another file already does what this one is for.
    is_there: fn(&Path) -> bool,
}

const PARTS: [Part; 3] = [
    Part {
        path: "runbook-lint.toml",
        what: "a configuration",
        text: configuration,
        is_there: is_configured,
    },
    Part {
        path: ".pre-commit-config.yaml",
        what: "a hook for pre-commit",
        text: hook,
        is_there: |_| false,
    },
    Part {
        path: ".github/workflows/runbook-lint.yml",
        what: "a workflow for GitHub Actions",
        text: action,
        is_there: |_| false,
    },
];

/// As the documentation calls it.
const BASELINE: &str = "runbook-lint-baseline.json";

fn configuration(root: &Path) -> String {
    let mut text = "\
# `runbook-lint config` shows every setting with its default.

# Folders where absolute imports start, such as \"src\".
src = []
# Files that are not read.
extend-exclude = []
# Rules by code, name or prefix.
ignore = []
"
    .to_owned();
    if root.join(BASELINE).is_file() {
        text.push_str(&format!(
            "# What was there when the linter came.\nbaseline = \"{BASELINE}\"\n"
        ));
    }
    text
}

fn hook(_: &Path) -> String {
    concat!(
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
    )
    .to_owned()
}

fn action(root: &Path) -> String {
    format!(
        "\
name: runbook-lint
on:
  pull_request:
  push:
    branches: [{branch}]
permissions:
  contents: read
jobs:
  runbook-lint:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v7
      - uses: ntropii-com/runbook-lint@v{version}
",
        branch = main_branch(root).as_deref().unwrap_or("main"),
        version = env!("CARGO_PKG_VERSION"),
    )
}

/// The branch that the remote repository calls its main one, if that is known here.
fn main_branch(root: &Path) -> Option<String> {
    let head = fs::read_to_string(root.join(".git/refs/remotes/origin/HEAD")).ok()?;
    let branch = head.trim().strip_prefix("ref: refs/remotes/origin/")?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    branch.chars().all(is_plain).then(|| branch.to_owned())
}

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
    let text = (part.text)(root);
    if path.symlink_metadata().is_ok() {
        let is_done = fs::read_to_string(&path).is_ok_and(|it| it.contains(text.trim()));
        if is_done {
            tell(&format!("`{}` has all of it already", part.path));
            return Ok(());
        }
        tell(&format!(
            "`{}` exists and is left alone; it needs this:",
            part.path
        ));
        text.lines().for_each(|line| tell(&format!("    {line}")));
        return Ok(());
    }
    if !yes && !agrees(&format!("Write {} to `{}`? [Y/n] ", part.what, part.path))? {
        return Ok(());
    }
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)
            .with_context(|| format!("cannot make `{}`", directory.display()))?;
    }
    file::write(&path, text.as_bytes())
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
