//! Runs the examples of the rules' documentation.

use std::collections::BTreeSet;

use crate::support::{Found, lint};
use lint_core::rule::{Example, ExampleKind, RuleMetadata};

/// The examples of the rule, each a small project.
fn projects(rule: &RuleMetadata) -> impl Iterator<Item = &'static [Example]> {
    rule.examples.chunk_by(|a, b| a.group == b.group)
}

fn files(project: &[Example]) -> impl Iterator<Item = (String, String)> {
    project
        .iter()
        .map(|file| (file.path.to_owned(), file.code.to_owned()))
}

fn describe(found: &[Found]) -> String {
    found
        .iter()
        .map(|f| {
            let d = &f.diagnostic;
            format!("    {}:{} {} {}\n", f.path, f.line, d.code, d.message)
        })
        .collect()
}

/// Panics with all problems at once.
fn check(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn bad_examples_are_found_on_the_marked_lines() {
    let mut problems = Vec::new();
    for rule in rules::metadata() {
        for project in projects(rule).filter(|p| p[0].kind == ExampleKind::Bad) {
            let mut found = lint(files(project), |metadata| {
                metadata.default || metadata.code == rule.code
            });
            found.retain(|found| found.diagnostic.code == rule.code);
            let lines: BTreeSet<(&str, u32)> =
                found.iter().map(|f| (f.path.as_str(), f.line)).collect();
            let expected: BTreeSet<(&str, u32)> = project
                .iter()
                .flat_map(|file| file.expected.iter().map(|&line| (file.path, line)))
                .collect();
            if lines != expected {
                problems.push(format!(
                    "{}, example {}: expected {expected:?}, found\n{}",
                    rule.code,
                    project[0].group,
                    describe(&found)
                ));
            }
        }
    }
    check(&problems);
}

#[test]
fn good_examples_are_silent() {
    let mut problems = Vec::new();
    for rule in rules::metadata() {
        for project in projects(rule).filter(|p| p[0].kind == ExampleKind::Good) {
            let found = lint(files(project), |metadata| {
                metadata.default || metadata.code == rule.code
            });
            if !found.is_empty() {
                problems.push(format!(
                    "{}, example {}: found\n{}",
                    rule.code,
                    project[0].group,
                    describe(&found)
                ));
            }
        }
    }
    check(&problems);
}

#[test]
fn messages_follow_the_convention() {
    let mut problems = Vec::new();
    for rule in rules::metadata() {
        for project in projects(rule) {
            for found in lint(files(project), |_| true) {
                let d = &found.diagnostic;
                if !is_message(&d.message) {
                    problems.push(format!("{}: message {:?}", d.code, d.message));
                }
                if !d.help.as_deref().is_none_or(is_message) {
                    problems.push(format!("{}: help {:?}", d.code, d.help));
                }
                for note in d.notes.iter().filter(|note| !is_sentence(note)) {
                    problems.push(format!("{}: note {note:?}", d.code));
                }
            }
        }
    }
    check(&problems);
}

/// One line that starts in lower case or with code, and does not end as a sentence does.
fn is_message(text: &str) -> bool {
    let starts_low = text.starts_with(|c: char| c.is_lowercase() || c == '`');
    starts_low && !text.ends_with('.') && is_plain_line(text)
}

/// One line that starts in upper case, or with code, and ends with a period.
fn is_sentence(text: &str) -> bool {
    let starts_high = text.starts_with(|c: char| c.is_uppercase() || c == '`');
    starts_high && text.ends_with('.') && is_plain_line(text)
}

fn is_plain_line(text: &str) -> bool {
    !text.contains(['\n', '\r']) && text.matches('`').count().is_multiple_of(2)
}
