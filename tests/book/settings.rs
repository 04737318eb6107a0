//! The reference of settings, made of the schema that the program publishes.
//!
//! Below `<!-- setting: NAME -->` stand type, default and description, up to `<!-- end -->`.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;

use crate::console::{self, Sandbox};

const PAGE: &str = "configuration.md";
const END: &str = "<!-- end -->";

pub(crate) fn regenerate(path: &str, text: &str) -> String {
    if path != PAGE {
        return text.to_owned();
    }
    let schema = schema();
    let defaults = defaults();
    let mut settings = BTreeMap::new();
    flatten(&schema, &schema, "", &mut settings);
    let mut out = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let _ = writeln!(out, "{line}");
        let name = line
            .strip_prefix("<!-- setting: ")
            .and_then(|it| it.strip_suffix(" -->"));
        let Some(name) = name else {
            continue;
        };
        let setting = settings.remove(name);
        let setting = setting.unwrap_or_else(|| panic!("{PAGE}: there is no setting `{name}`"));
        lines
            .by_ref()
            .find(|line| *line == END)
            .expect("the setting has an end");
        let description = setting["description"].as_str().unwrap_or_default();
        let (kind, empty) = kind(setting, &schema);
        let default = defaults.get(name).map_or(empty, String::as_str);
        let _ = write!(out, "\n{}\n\n", description.replace('\n', " "));
        // The list of the rules that run by default is as long as a page, and is no reading matter.
        if name == "select" {
            let _ = writeln!(out, "*Type:* {kind}.\n{END}");
        } else {
            let _ = writeln!(out, "*Type:* {kind}. *Default:* `{default}`.\n{END}");
        }
    }
    let missing: Vec<&String> = settings.keys().collect();
    assert!(missing.is_empty(), "{PAGE} says nothing about {missing:?}");
    out
}

fn schema() -> Value {
    let sandbox = Sandbox::new();
    let text = console::run("runbook-lint config --schema", sandbox.path());
    serde_json::from_str(&text).expect("the schema is JSON")
}

/// The values of a project without configuration.
fn defaults() -> BTreeMap<String, String> {
    let sandbox = Sandbox::new();
    let text = console::run("runbook-lint config --isolated", sandbox.path());
    let lines = text
        .lines()
        .filter_map(|line| line.strip_suffix("  # default"));
    lines
        .filter_map(|line| line.split_once(" = "))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

/// Settings with dotted names. A table with keys of its own is no setting, but its keys are.
fn flatten<'s>(
    part: &'s Value,
    schema: &'s Value,
    prefix: &str,
    settings: &mut BTreeMap<String, &'s Value>,
) {
    let properties = part["properties"].as_object().expect("a table has keys");
    for (name, setting) in properties {
        let name = format!("{prefix}{name}");
        let meant = resolve(setting, schema);
        if meant["properties"].is_object() {
            flatten(meant, schema, &format!("{name}."), settings);
        } else {
            settings.insert(name, setting);
        }
    }
}

fn resolve<'s>(part: &'s Value, schema: &'s Value) -> &'s Value {
    match part["$ref"].as_str() {
        Some(reference) => {
            let pointer = reference.trim_start_matches('#');
            schema
                .pointer(pointer)
                .expect("a reference leads to a definition")
        }
        None => part,
    }
}

/// What may be written, in words, and how nothing of it is written.
fn kind(setting: &Value, schema: &Value) -> (String, &'static str) {
    let setting = resolve(setting, schema);
    if let Some(choices) = setting["enum"].as_array() {
        let choices: Vec<String> = choices
            .iter()
            .map(|it| format!("`{}`", it.as_str().unwrap_or_default()))
            .collect();
        return (format!("one of {}", choices.join(", ")), "");
    }
    let names: Vec<&str> = match &setting["type"] {
        Value::String(name) => vec![name],
        Value::Array(names) => names
            .iter()
            .filter_map(Value::as_str)
            .filter(|it| *it != "null")
            .collect(),
        other => panic!("a type is a name or some: {other}"),
    };
    match names[..] {
        ["string"] => ("string".to_owned(), "\"\""),
        ["boolean"] => ("boolean".to_owned(), "false"),
        ["array"] => (
            format!("list of {}s", kind(&setting["items"], schema).0),
            "[]",
        ),
        ["object"] => {
            let values = kind(&setting["additionalProperties"], schema).0;
            (
                format!("table; each value is a {values}").replace("a one", "one"),
                "{}",
            )
        }
        _ => panic!("the book does not know the type {names:?}"),
    }
}
