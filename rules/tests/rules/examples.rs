//! Runs the examples of the rules' documentation.

use std::collections::BTreeSet;

use crate::support::{Found, lint};
use lint_core::rule::{Example, ExampleKind, RuleMetadata};

/// The examples of the rule, each a small project.
fn projects(rule: &RuleMetadata) -> impl Iterator<Item = &'static [Example]> {
    rule.examples.chunk_by(|a, b| a.group == b.group)
}

/// The files of an example. What a bundle needs besides those that are shown is filled in, so that
/// an example about one file need not show four.
fn files(rule: &RuleMetadata, project: &[Example]) -> impl Iterator<Item = (String, String)> {
    let shown = project
        .iter()
        .map(|file| (file.path.to_owned(), file.code.to_owned()));
    let directories = project
        .iter()
        .filter_map(|file| file.path.strip_suffix("/runbook.md"))
        .filter(|_| rule.name != "missing-bundle-file");
    let filler = directories.flat_map(|directory| {
        [
            ("__init__.py", String::new()),
            ("activities.py", String::new()),
            ("workflow.py", filler_workflow(directory)),
        ]
        .map(|(name, code)| (format!("{directory}/templates/{name}"), code))
    });
    let filler: Vec<_> = filler
        .filter(|(path, _)| project.iter().all(|file| file.path != path))
        .collect();
    shown.chain(filler)
}

/// A runbook with one step, `prepare`, under the name that follows from the directory.
fn filler_workflow(directory: &str) -> String {
    let slug = directory.rsplit('/').next().unwrap_or(directory);
    let words = slug.split('-').map(|word| {
        let (head, tail) = word.split_at(word.len().min(1));
        head.to_uppercase() + tail
    });
    let class: String = words.collect();
    format!(
        r#"from ntro.workflow import NtroWorkflow, runbook


@runbook.defn
class {class}Workflow(NtroWorkflow):
    @runbook.step(name="prepare", title="Prepare", icon="Inbox")
    async def _step_prepare(self, period: str) -> str:
        return period

    @runbook.run
    async def run(self, period: str) -> str:
        return await self._step_prepare(period)
"#
    )
}

/// Whether the rule runs where nothing is selected.
fn is_on(rule: &RuleMetadata) -> bool {
    rule.default && !rule.preview
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
            let mut found = lint(files(rule, project), |metadata| {
                is_on(metadata) || metadata.code == rule.code
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
            let found = lint(files(rule, project), |metadata| {
                is_on(metadata) || metadata.code == rule.code
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
            for found in lint(files(rule, project), |_| true) {
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
