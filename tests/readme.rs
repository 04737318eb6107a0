//! What the README shows is what the program prints.
//!
//! `UPDATE_README=1 cargo test --test readme` rewrites the generated parts.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use lint_core::rule::{Category, RuleMetadata};

/// The output of the program with these arguments, up to the first blank line.
const FIRST: &str = "<!-- first finding: ";
/// Its output from the last blank line on.
const LAST: &str = "<!-- end of output: ";
/// The table of rules, up to the end marker.
const RULES: &str = "<!-- rules -->";
const END: &str = "<!-- end -->";

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

/// The text with everything below a marker made anew.
fn regenerate(text: &str) -> String {
    let mut out = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let _ = writeln!(out, "{line}");
        if line == RULES {
            out += &rules();
            lines
                .find(|line| *line == END)
                .expect("the table has an end");
            let _ = writeln!(out, "{END}");
            continue;
        }
        let arguments = |marker| line.strip_prefix(marker)?.strip_suffix(" -->");
        let shown = match (arguments(FIRST), arguments(LAST)) {
            (Some(arguments), _) => paragraphs(arguments).swap_remove(0),
            (None, Some(arguments)) => paragraphs(arguments).pop().unwrap_or_default(),
            (None, None) => continue,
        };
        assert_eq!(lines.next(), Some("```text"), "a block follows `{line}`");
        lines
            .find(|line| *line == "```")
            .expect("the block has an end");
        let _ = write!(out, "```text\n{}\n```\n", shown.trim_end());
    }
    out
}

fn paragraphs(arguments: &str) -> Vec<String> {
    run(arguments).split("\n\n").map(str::to_owned).collect()
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

fn rules() -> String {
    let mut out = "| code | name | severity | finds |\n|---|---|---|---|\n".to_owned();
    let mut others: BTreeMap<Category, Vec<&RuleMetadata>> = BTreeMap::new();
    for rule in rules::metadata() {
        if rule.category > Category::Determinism {
            others.entry(rule.category).or_default().push(rule);
            continue;
        }
        let severity = if rule.default {
            rule.severity.as_str()
        } else {
            "opt-in"
        };
        let _ = writeln!(
            out,
            "| {} | {} | {severity} | {} |",
            rule.code, rule.name, rule.summary
        );
    }
    for (category, rules) in others {
        let (Some(first), Some(last)) = (rules.first(), rules.last()) else {
            continue;
        };
        let about = match category {
            Category::Contract => "the classes and decorators of the ntro SDK",
            Category::Steps => "`@runbook.step` and what the breadcrumb shows",
            Category::Calls => "how activities, gates and child runbooks are called",
            Category::Bundle => "`runbook.md` and the files of a bundle",
            Category::Lint | Category::Determinism => unreachable!("in the table already"),
        };
        let count = rules.len();
        let _ = writeln!(
            out,
            "| {} to {} | | | {count} rules about {about} |",
            first.code, last.code
        );
    }
    out
}
