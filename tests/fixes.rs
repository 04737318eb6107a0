//! Applies the fixes of every fixture, first the safe ones and then all: what was fixed is no
//! longer found, nothing new is, every file parses, and a second run changes nothing.
//!
//! `FIXTURES=temporal/ cargo test --test fixes` runs the cases whose path contains the text.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lint_core::fix::Applicability;
use lint_core::syntax;
use serde_json::Value;

#[test]
fn fixes_of_the_fixtures_make_them_better_and_end() {
    let wanted = std::env::var("FIXTURES").unwrap_or_default();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut problems = Vec::new();
    let mut fixed = 0;
    for case in cases(&root) {
        let name = case
            .strip_prefix(&root)
            .expect("below")
            .display()
            .to_string();
        if name.contains(&wanted) {
            let copy = tempfile::TempDir::new().expect("a directory");
            copy_all(&case, copy.path());
            fs::create_dir_all(copy.path().join(".git")).expect("created");
            fixed += check(&name, copy.path(), &mut problems);
        }
    }
    problems.extend(undeclared());
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(
        fixed > 40 || !wanted.is_empty(),
        "only {fixed} findings were fixed"
    );
}

/// Fixes that are trusted more than their rule says.
fn undeclared() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut problems = Vec::new();
    for case in cases(&root) {
        let report: Value =
            serde_json::from_str(&run(&case, &["--output-format", "json"]).0).expect("JSON");
        for finding in report["findings"].as_array().expect("findings") {
            let rule = rules::metadata().find(|rule| finding["code"] == rule.code);
            let declared = rule.and_then(|rule| rule.fix);
            for fix in finding["fixes"].as_array().expect("fixes") {
                let is_declared = declared.is_some_and(|most| {
                    most == Applicability::Safe || fix["applicability"] != "safe"
                });
                if !is_declared {
                    problems.push(format!("{} declares no such fix: {fix}", finding["code"]));
                }
            }
        }
    }
    problems
}

/// Returns how many findings were fixed.
fn check(name: &str, project: &Path, problems: &mut Vec<String>) -> usize {
    let before = findings(project);
    let mut last = before.clone();
    for extra in [&["--fix-only"][..], &["--fix-only", "--unsafe-fixes"]] {
        let said = run(project, extra).1;
        // On other ways to the same culprit there may be no fix.
        let is_harmful = |line: &str| line.contains("put back") && !line.ends_with("finding stays");
        if said.lines().any(is_harmful) || said.contains("more to fix") {
            problems.push(format!("{name}: {said}"));
        }
        let now = findings(project);
        for (kind, count) in &now {
            if last.get(kind).is_none_or(|before| before < count) {
                problems.push(format!("{name}: new: {kind:?}"));
            }
        }
        let again = run(
            project,
            &[
                "--diff",
                extra
                    .last()
                    .filter(|it| **it != "--fix-only")
                    .unwrap_or(&"--diff"),
            ],
        )
        .0;
        if !again.is_empty() {
            problems.push(format!("{name}: a second run changes\n{again}"));
        }
        last = now;
    }
    for file in files(project)
        .iter()
        .filter(|it| it.extension().is_some_and(|it| it == "py"))
    {
        let errors = fs::read_to_string(file).map(|text| syntax::parse(&text).errors.len());
        if errors.is_ok_and(|errors| errors > 0)
            && !before.keys().any(|(code, ..)| code == "syntax")
        {
            problems.push(format!("{name}: {} does not parse", file.display()));
        }
    }
    before.values().sum::<usize>() - last.values().sum::<usize>()
}

/// How many findings there are of each code, file and culprit.
fn findings(project: &Path) -> BTreeMap<(String, String, String), usize> {
    let (report, _) = run(project, &["--output-format", "json"]);
    let report: Value = serde_json::from_str(&report).expect("JSON");
    let mut found = BTreeMap::new();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for it in report["findings"].as_array().expect("findings") {
        let kind = (text(&it["code"]), text(&it["path"]), text(&it["culprit"]));
        *found.entry(kind).or_default() += 1;
    }
    for it in report["errors"].as_array().expect("errors") {
        *found
            .entry((text(&it["kind"]), text(&it["path"]), String::new()))
            .or_default() += 1;
    }
    found
}

fn run(project: &Path, extra: &[&str]) -> (String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_runbook-lint"));
    command
        .current_dir(project)
        .args(["check", "."])
        .args(extra);
    if !project.join("runbook-lint.toml").exists() {
        command.arg("--isolated");
    }
    let output = command.output().expect("the program runs");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (text(output.stdout), text(output.stderr))
}

fn cases(root: &Path) -> Vec<PathBuf> {
    entries(root)
        .iter()
        .filter(|it| it.is_dir())
        .flat_map(|area| entries(area))
        .filter(|it| it.is_dir())
        .collect()
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in entries(directory) {
        if entry.is_dir() {
            found.extend(files(&entry));
        } else {
            found.push(entry);
        }
    }
    found
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("a directory");
    let mut entries: Vec<PathBuf> = entries.map(|it| it.expect("an entry").path()).collect();
    entries.sort();
    entries
}

fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("created");
    for entry in entries(from) {
        let target = to.join(entry.file_name().expect("a name"));
        if entry.is_dir() {
            copy_all(&entry, &target);
        } else {
            fs::copy(&entry, &target).expect("copied");
        }
    }
}
