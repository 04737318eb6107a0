//! The book in `docs/` says what the program says.
//!
//! Pages of rules are made of the rules, settings of the schema, and every command in a `console`
//! block is run and its output compared. `UPDATE_BOOK=1 cargo test --test book` rewrites all that.
#![cfg(unix)]

mod console;
mod pages;
mod rule_pages;
mod settings;

use std::collections::{BTreeMap, BTreeSet};

use pages::Pages;
use serde_json::Value;

#[test]
fn generated_parts_are_fresh() {
    let pages = Pages::read();
    let mut fresh: BTreeMap<String, String> = pages
        .written()
        .map(|(path, text)| {
            let text = console::regenerate(path, text);
            let text = settings::regenerate(path, &text);
            (path.to_owned(), text)
        })
        .collect();
    let summary = fresh.get_mut("SUMMARY.md").expect("there is a summary");
    *summary = rule_pages::in_summary(summary);
    fresh.extend(rule_pages::all());
    for (path, text) in &mut fresh {
        if path != "SUMMARY.md" {
            *text = rule_pages::link_codes(path, text);
        }
    }
    pages.compare_or_write(&fresh);
}

/// mdBook leaves out what the summary does not name, and says nothing.
#[test]
fn every_page_is_in_the_summary() {
    let pages = Pages::read();
    let summary = pages.text("SUMMARY.md");
    for (path, _) in pages.written().filter(|(path, _)| *path != "SUMMARY.md") {
        let link = format!("]({path})");
        assert!(summary.contains(&link), "SUMMARY.md does not name {path}");
    }
}

/// Commands in sentences and in blocks of `sh` are not run, since they are about the reader's own
/// project; their arguments are read.
#[test]
fn commands_in_sentences_exist() {
    let pages = Pages::read();
    let commands: Vec<(&str, String)> = pages
        .written()
        .flat_map(|(path, text)| {
            let spans = pages::code_spans(text).map(str::to_owned);
            let blocks = pages::blocks(text, "sh").into_iter();
            let lines =
                blocks.flat_map(|block| block.lines().map(str::to_owned).collect::<Vec<_>>());
            let commands = spans.chain(lines);
            let commands = commands.filter(|command| command.starts_with("runbook-lint "));
            commands.map(move |command| (path, command))
        })
        .collect();
    assert!(commands.len() > 10, "commands are found: {commands:?}");
    for (path, command) in commands {
        let shown = console::run(&format!("{command} --help"), console::Sandbox::new().path());
        assert!(shown.contains("Usage:"), "{path}: `{command}` {shown}");
    }
}

#[test]
fn options_in_sentences_exist() {
    let pages = Pages::read();
    let mut known = String::new();
    for command in [
        "",
        "check",
        "graph",
        "icons",
        "lock",
        "rule",
        "config",
        "completions",
        "man",
    ] {
        let sandbox = console::Sandbox::new();
        known += &console::run(&format!("runbook-lint {command} --help"), sandbox.path());
    }
    for (path, text) in pages.written() {
        let is_option = |span: &&str| span.starts_with("--") && !span.starts_with("---");
        for span in pages::code_spans(text).filter(is_option) {
            let name = span.split(['=', ' ']).next().unwrap_or(span);
            let is_known = known
                .split_whitespace()
                .any(|word| word.trim_end_matches(',') == name);
            assert!(is_known, "{path}: there is no option `{name}`");
        }
    }
}

#[test]
fn configuration_in_the_book_is_accepted() {
    let pages = Pages::read();
    let blocks: Vec<(&str, String)> = pages
        .written()
        .flat_map(|(path, text)| {
            let blocks = pages::blocks(text, "toml");
            blocks.into_iter().map(move |block| (path, block))
        })
        .collect();
    assert!(blocks.len() > 3, "configuration is found");
    for (path, block) in blocks {
        let sandbox = console::Sandbox::new();
        let name = if block.contains("[tool.") {
            "pyproject.toml"
        } else {
            "runbook-lint.toml"
        };
        let directory = sandbox.path().join("configured");
        std::fs::create_dir(&directory).expect("the sandbox is writable");
        std::fs::write(directory.join(name), &block).expect("the sandbox is writable");
        let shown = console::run("runbook-lint config && echo accepted", &directory);
        assert!(shown.ends_with("accepted\n"), "{path}: {block}\n{shown}");
    }
}

#[test]
fn fields_of_json_are_described() {
    /// The first finding of the baseline is gone, so that something is stale.
    const REPORT: &str = "runbook-lint check --write-baseline old.json > /dev/null 2>&1
        workflow=runbooks/nav-close/templates/workflow.py
        sed 's/is_past_cut_off(ctx.cut_off)/True/' $workflow > changed && mv changed $workflow
        runbook-lint check --baseline old.json --output-format json --statistics 2> /dev/null";
    let sandbox = console::Sandbox::new();
    let bundle = sandbox.enter("fixtures/bundles/nav-close");
    let first: Value = serde_json::from_str(&console::run(
        "runbook-lint check --output-format json 2> /dev/null",
        &bundle,
    ))
    .expect("the report is JSON");
    let second: Value =
        serde_json::from_str(&console::run(REPORT, &bundle)).expect("the report is JSON");
    let pages = Pages::read();
    let described: BTreeSet<&str> = pages::code_spans(pages.text("output-formats.md")).collect();
    let mut fields = BTreeSet::new();
    collect_fields(&first, &mut fields);
    collect_fields(&second, &mut fields);
    for known in ["trace", "expected"] {
        assert!(fields.contains(known), "fields are found: {fields:?}");
    }
    for field in fields {
        assert!(described.contains(field), "`{field}` is not described");
    }
}

#[test]
fn formats_are_described() {
    const UNKNOWN: &str = "runbook-lint check --output-format no-such-format";
    let sandbox = console::Sandbox::new();
    let message = console::run(UNKNOWN, sandbox.path());
    let (_, values) = message
        .split_once("[possible values: ")
        .expect("the message names all formats");
    let values = values.split(']').next().expect("the list has an end");
    let pages = Pages::read();
    let page = pages.text("output-formats.md");
    for format in values.split(", ") {
        let heading = format!("## {format}");
        let described = page.lines().any(|line| line == heading);
        assert!(described, "output-formats.md has no `{heading}`");
    }
}

fn collect_fields<'v>(value: &'v Value, fields: &mut BTreeSet<&'v str>) {
    match value {
        Value::Object(members) => {
            fields.extend(members.keys().map(String::as_str));
            members.values().for_each(|it| collect_fields(it, fields));
        }
        Value::Array(elements) => elements.iter().for_each(|it| collect_fields(it, fields)),
        _ => {}
    }
}
