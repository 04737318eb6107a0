//! What the README shows is what the program prints.
//!
//! `UPDATE_README=1 cargo test --test readme` rewrites the generated parts.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The output of the program with these arguments, up to the first blank line, without the comments
/// that are for tests.
const FIRST: &str = "<!-- first finding: ";

#[test]
fn the_readme_shows_what_the_program_prints() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let written = fs::read_to_string(&path).expect("there is a README");
    let generated = regenerate(&written);
    if std::env::var_os("UPDATE_README").is_some() {
        fs::write(&path, &generated).expect("the README can be written");
        return;
    }
    for (number, (written, generated)) in (1..).zip(written.lines().zip(generated.lines())) {
        assert_eq!(
            written, generated,
            "line {number} of README.md is stale; run `UPDATE_README=1 cargo test --test readme`"
        );
    }
    assert_eq!(written.lines().count(), generated.lines().count());
}

/// The picture at the top is drawn by a script, from what the program prints.
#[test]
fn the_picture_shows_what_the_program_prints() {
    let is_checked = std::env::var_os("UPDATE_README").is_none();
    let status = Command::new("python3")
        .arg("scripts/terminal-picture")
        .args(is_checked.then_some("--check"))
        .arg(env!("CARGO_BIN_EXE_runbook-lint"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status();
    assert!(
        status.expect("Python can be started").success(),
        "docs/terminal.svg is stale; run `UPDATE_README=1 cargo test --test readme`"
    );
}

/// The text with everything below a marker made anew.
fn regenerate(text: &str) -> String {
    let mut out = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let _ = writeln!(out, "{line}");
        let arguments = line.strip_prefix(FIRST);
        let Some(arguments) = arguments.and_then(|it| it.strip_suffix(" -->")) else {
            continue;
        };
        let output = run(arguments);
        let shown = output.split("\n\n").next().unwrap_or_default();
        assert_eq!(lines.next(), Some("```text"), "a block follows `{line}`");
        lines
            .find(|line| *line == "```")
            .expect("the block has an end");
        let shown: Vec<&str> = shown.lines().map(without_mark).collect();
        let _ = write!(out, "```text\n{}\n```\n", shown.join("\n").trim_end());
    }
    out
}

fn without_mark(line: &str) -> &str {
    let marks = ["  # expect:", "  # culprit:"];
    let start = marks.iter().find_map(|mark| line.find(mark));
    &line[..start.unwrap_or(line.len())]
}

fn run(arguments: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_runbook-lint"))
        .args(arguments.split_whitespace())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("the linter can be started");
    assert_ne!(
        output.status.code(),
        Some(2),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("the output is text")
}

/// Somebody who meets the linter reads one page; everything else is in the book.
#[test]
fn the_readme_is_short() {
    let readme = include_str!("../README.md");
    assert!(readme.lines().count() <= 150, "{}", readme.lines().count());
}
