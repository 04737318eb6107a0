//! Applies one mistake at a time to correct runbooks, and compares what the linter then finds.
//!
//! The mistakes are in `mutations.toml`; a new one is one more entry there. The runbooks are two of
//! the fixtures and, in `runbooks/`, one that uses what those two do not. They lie side by side in one
//! project, which runs with every rule selected.
//!
//! `MUTATIONS="a step" cargo test --test mutations` applies those whose name contains the text.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use lint_core::rule::Category;
use rayon::prelude::*;
use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;

/// The directories whose bundles make up the project.
const BUNDLES: [&str; 3] = [
    "fixtures/contract/clean/runbooks",
    "fixtures/bundles/investor-notices/runbooks",
    "tests/mutations/runbooks",
];

/// The table of mistakes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    mutation: Vec<Mutation>,
}

/// One mistake: `find` becomes `replace`, or the file or directory moves.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mutation {
    name: String,
    /// Below the directory of the bundles, as all paths here.
    file: String,
    find: Option<String>,
    #[serde(default)]
    replace: String,
    move_to: Option<String>,
    expect: Vec<Expected>,
}

/// One finding that the mistake must lead to.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    code: String,
    /// The file of the mistake unless given.
    file: Option<String>,
    /// A text on the line of the finding. Without it, that is the first line which the mistake
    /// changes, and the first line of any other file.
    at: Option<String>,
}

/// A code, a file and a line.
type Finding = (String, String, usize);

#[test]
fn the_originals_are_correct() {
    let project = project();
    assert_eq!(lint(&project), Ok(Vec::new()));
}

#[test]
fn every_mutant_gives_exactly_the_expected_findings() {
    let wanted = std::env::var("MUTATIONS").unwrap_or_default();
    let mut table = table();
    table.retain(|it| it.name.contains(&wanted));
    assert!(!table.is_empty(), "no mutation has `{wanted}` in its name");
    let problems: Vec<String> = table
        .par_iter()
        .filter_map(|it| Some(format!("{}: {}", it.name, it.check().err()?)))
        .collect();
    assert!(
        problems.is_empty(),
        "{} of {} mutations:\n{}",
        problems.len(),
        table.len(),
        problems.join("\n")
    );
}

#[test]
fn every_rule_of_the_contract_has_a_mutation() {
    let table = table();
    let expected: BTreeSet<&str> = table
        .iter()
        .flat_map(|it| &it.expect)
        .map(|it| it.code.as_str())
        .collect();
    let missing: Vec<&str> = rules::metadata()
        .filter(|rule| (Category::Contract..=Category::Bundle).contains(&rule.category))
        .map(|rule| rule.code)
        .filter(|code| !expected.contains(code))
        .collect();
    assert!(missing.is_empty(), "no mutation expects {missing:?}");
}

#[test]
fn every_mutation_has_a_name_of_its_own() {
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    for mutation in table() {
        *count.entry(mutation.name).or_default() += 1;
    }
    count.retain(|_, count| *count > 1);
    assert!(count.is_empty(), "used more than once: {count:?}");
}

impl Mutation {
    fn check(&self) -> Result<(), String> {
        let project = project();
        let changed = self.apply(&project)?;
        let mut expected = self
            .expect
            .iter()
            .map(|it| it.place(&project, &self.file, changed))
            .collect::<Result<Vec<Finding>, String>>()?;
        expected.sort();
        let found = lint(&project)?;
        if found == expected {
            Ok(())
        } else {
            Err(format!("expected {expected:?}, found {found:?}"))
        }
    }

    /// Makes the mistake and gives the first line that it changes.
    fn apply(&self, project: &TempDir) -> Result<usize, String> {
        let path = project.path().join(&self.file);
        if let Some(target) = &self.move_to {
            fs::rename(path, project.path().join(target)).map_err(|error| error.to_string())?;
            return Ok(1);
        }
        let find = self.find.as_deref().ok_or("neither `find` nor `move_to`")?;
        let text = read(&path)?;
        unique(&text, find)?;
        let mutant = text.replacen(find, &self.replace, 1);
        let changed = 1 + text
            .lines()
            .zip(mutant.lines())
            .take_while(|(old, new)| old == new)
            .count();
        fs::write(&path, mutant).map_err(|error| error.to_string())?;
        Ok(changed)
    }
}

impl Expected {
    fn place(&self, project: &TempDir, mutated: &str, changed: usize) -> Result<Finding, String> {
        let file = self.file.as_deref().unwrap_or(mutated);
        let line = match &self.at {
            Some(at) => {
                let text = read(&project.path().join(file))?;
                line_of(&text, unique(&text, at)?)
            }
            None if file == mutated => changed,
            None => 1,
        };
        Ok((self.code.clone(), file.to_owned(), line))
    }
}

fn table() -> Vec<Mutation> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mutations/mutations.toml");
    let text = fs::read_to_string(path).expect("the table of mutations can be read");
    let table: Table = toml::from_str(&text).expect("the table of mutations is in order");
    table.mutation
}

/// A copy of the correct bundles.
fn project() -> TempDir {
    let project = tempfile::tempdir().expect("a temporary directory");
    for bundles in BUNDLES {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join(bundles);
        copy(&from, project.path());
    }
    project
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("the directory can be listed") {
        let path = entry.expect("the entry can be read").path();
        let target = to.join(path.file_name().expect("an entry has a name"));
        if path.is_dir() {
            fs::create_dir(&target).expect("each bundle exists once");
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).expect("the file can be copied");
        }
    }
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Where a text stands that must stand there once.
fn unique(text: &str, find: &str) -> Result<usize, String> {
    let mut places = text.match_indices(find).map(|(start, _)| start);
    match (places.next(), places.next()) {
        (Some(start), None) => Ok(start),
        (first, _) => Err(format!(
            "{find:?} occurs {}",
            first.map_or("nowhere", |_| "more than once")
        )),
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text[..offset].matches('\n').count()
}

/// What the linter finds in the project with all rules, sorted.
fn lint(project: &TempDir) -> Result<Vec<Finding>, String> {
    let output = Command::new(env!("CARGO_BIN_EXE_runbook-lint"))
        .args(["check", "--isolated", "--select", "ALL", "--exit-zero"])
        .args(["--output-format", "json"])
        .current_dir(project.path())
        .output()
        .expect("the linter can be started");
    let report: Value = serde_json::from_slice(&output.stdout)
        .map_err(|_| String::from_utf8_lossy(&output.stderr).into_owned())?;
    let errors = report["errors"].as_array().ok_or("no list of errors")?;
    if !errors.is_empty() {
        return Err(format!("cannot be read: {errors:?}"));
    }
    let findings = report["findings"].as_array().ok_or("no list of findings")?;
    let mut findings: Vec<Finding> = findings.iter().map(finding).collect();
    findings.sort();
    Ok(findings)
}

fn finding(value: &Value) -> Finding {
    let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let line = value["start"]["line"].as_u64().unwrap_or_default();
    (text("code"), text("path"), line as usize)
}
