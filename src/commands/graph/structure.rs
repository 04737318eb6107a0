//! `runbook-lint graph --commands`: what workflows do, in order.

use std::fmt::Write as _;

use anyhow::{Result, bail};
use lint_core::analysis::analyse_with_structures;
use lint_core::commands::{Choice, Condition, Loop, Node, Part, Try, Value};
use lint_core::knowledge::Knowledge;
use rules::reference::{Recorded, record, write_workflow};
use serde_json::{Value as Json, json};

use crate::cli::GraphFormat;
use crate::discover::Files;
use crate::output::{escape, escape_json, escape_line};
use crate::report::{Places, stopped_at_a_bound};
use crate::terminal::warn;

pub(super) fn show(
    places: &Places<'_>,
    files: &Files,
    knowledge: &Knowledge,
    format: GraphFormat,
) -> Result<String> {
    let facts = analyse_with_structures(places.project, knowledge);
    stopped_at_a_bound(&facts.cut_short)
        .iter()
        .for_each(|it| warn(it));
    let mut recorded = record(&facts);
    recorded.retain(|it| it.path.as_deref().is_none_or(|key| files.is_requested(key)));
    match format {
        GraphFormat::Text => Ok(text(&recorded)),
        GraphFormat::Mermaid => Ok(Flowchart::of(&recorded)),
        GraphFormat::Json => {
            let workflows: Vec<Json> = recorded.iter().map(|it| workflow(it, places)).collect();
            let document = json!({ "schema": "runbook-lint-commands/1", "workflows": workflows });
            Ok(escape_json(&serde_json::to_string_pretty(&document)?) + "\n")
        }
        GraphFormat::Dot | GraphFormat::Html => {
            bail!("`--commands` is shown as `text`, `mermaid` or `json`")
        }
    }
}

fn text(recorded: &[Recorded]) -> String {
    let blocks: Vec<String> = recorded.iter().map(|it| write_workflow(it, true)).collect();
    let text = blocks.join("\n");
    text.lines()
        .map(|line| format!("{}\n", escape_line(line)))
        .collect()
}

fn workflow(it: &Recorded, places: &Places<'_>) -> Json {
    let structure = &it.structure;
    let parts: Vec<Json> = structure
        .parts
        .iter()
        .map(|part| {
            let name = (!part.name.is_empty()).then_some(&part.name);
            json!({ "role": role(part), "name": name, "commands": block(&part.nodes, places) })
        })
        .collect();
    json!({
        "type": structure.workflow_type,
        "name": it.name,
        "version": it.version,
        "pinned": structure.is_pinned,
        "parts": parts,
    })
}

fn role(part: &Part) -> String {
    format!("{:?}", part.role).to_lowercase()
}

fn block(nodes: &[Node], places: &Places<'_>) -> Json {
    Json::Array(nodes.iter().map(|it| node(it, places)).collect())
}

fn node(node: &Node, places: &Places<'_>) -> Json {
    let mut shown = match node {
        Node::Command(command, _) => {
            let properties: serde_json::Map<String, Json> = command
                .properties
                .iter()
                .map(|(name, value)| (name.clone(), property(value)))
                .collect();
            json!({ "node": "command", "kind": command.kind, "properties": properties })
        }
        Node::Wait(wait, _) => json!({ "node": "wait", "on": wait.on, "until": wait.until }),
        Node::Patch(it, _) => json!({ "node": it.as_str(), "id": it.id }),
        Node::Exit(exit, _) => json!({ "node": exit.as_str() }),
        Node::Note(what, _) => json!({ "node": "note", "what": what }),
        Node::Opaque(why, _) => json!({ "node": "unknown", "why": why }),
        Node::Task(body, _) => json!({ "node": "task", "body": block(body, places) }),
        Node::Scope(body) => json!({ "node": "call", "body": block(body, places) }),
        Node::Choice(it) => json!({
            "node": "choice",
            "condition": condition(it),
            "then": block(&it.then, places),
            "else": block(&it.otherwise, places),
        }),
        Node::Loop(it) => json!({
            "node": "loop",
            "header": it.header,
            "body": block(&it.body, places),
            "else": block(&it.otherwise, places),
        }),
        Node::Try(it) => attempt(it, places),
    };
    if let (Some(place), Some(shown)) = (node.place(), shown.as_object_mut()) {
        let (start, _) = places.range(place);
        shown.insert("path".to_owned(), json!(places.path(place.file)));
        shown.insert("line".to_owned(), json!(start.line));
    }
    shown
}

fn attempt(it: &Try, places: &Places<'_>) -> Json {
    let handlers = it
        .handlers
        .iter()
        .map(|(caught, body)| json!({ "except": caught, "body": block(body, places) }));
    json!({
        "node": "try",
        "body": block(&it.body, places),
        "handlers": handlers.collect::<Vec<Json>>(),
        "else": block(&it.otherwise, places),
        "finally": block(&it.finally, places),
    })
}

fn property(value: &Value) -> Json {
    match value {
        Value::Fixed(text) => json!({ "fixed": text }),
        Value::Computed(text) => json!({ "computed": text }),
        Value::Unknown => Json::Null,
    }
}

fn condition(it: &Choice) -> Json {
    match &it.condition {
        Condition::Test(text) => json!({ "test": text }),
        Condition::Patched(id) => json!({ "patched": id }),
    }
}

/// A chart in the making: what was drawn, and the ends from which it goes on.
struct Flowchart {
    out: String,
    nodes: usize,
}

/// Where an arrow starts, and what is written on it.
type End = (usize, &'static str);

impl Flowchart {
    fn of(recorded: &[Recorded]) -> String {
        let mut chart = Self {
            out: "flowchart TD\n".to_owned(),
            nodes: 0,
        };
        for it in recorded {
            for part in &it.structure.parts {
                let name = format!(
                    "{} {} {}",
                    it.structure.workflow_type,
                    role(part),
                    part.name
                );
                let start = chart.add(name.trim_end(), ("([\"", "\"])"), &[]);
                chart.block(&part.nodes, vec![(start, "")]);
            }
        }
        chart.out
    }

    fn add(&mut self, label: &str, (open, close): (&str, &str), from: &[End]) -> usize {
        let ix = self.nodes;
        self.nodes += 1;
        let label = escape(label)
            .replace('"', "#quot;")
            .replace('<', "#lt;")
            .replace('>', "#gt;");
        let _ = writeln!(self.out, "  n{ix}{open}{label}{close}");
        for (end, label) in from {
            let _ = match label.is_empty() {
                true => writeln!(self.out, "  n{end} --> n{ix}"),
                false => writeln!(self.out, "  n{end} -- {label} --> n{ix}"),
            };
        }
        ix
    }

    fn block(&mut self, nodes: &[Node], from: Vec<End>) -> Vec<End> {
        nodes.iter().fold(from, |from, node| self.node(node, from))
    }

    fn node(&mut self, node: &Node, from: Vec<End>) -> Vec<End> {
        match node {
            Node::Command(command, _) => {
                vec![(self.add(&command.to_string(), ("[/\"", "\"/]"), &from), "")]
            }
            Node::Wait(wait, _) => match &wait.until {
                Some(until) => {
                    let label = format!("until {until}");
                    vec![(self.add(&label, ("[[\"", "\"]]"), &from), "")]
                }
                None => from,
            },
            Node::Patch(it, _) => {
                let label = format!("{} {}", it.as_str(), it.id);
                vec![(self.add(&label, ("[\"", "\"]"), &from), "")]
            }
            Node::Note(..) => from,
            Node::Opaque(why, _) => vec![(self.add(why, ("[\"", "\"]"), &from), "")],
            Node::Exit(exit, _) => {
                self.add(exit.as_str(), ("([\"", "\"])"), &from);
                Vec::new()
            }
            Node::Task(body, _) => {
                let mut beside = from.clone();
                beside.iter_mut().for_each(|(_, label)| *label = "beside");
                self.block(body, beside);
                from
            }
            Node::Scope(body) => self.block(body, from),
            Node::Choice(it) => self.choice(it, &from),
            Node::Loop(it) => self.repeat(it, &from),
            Node::Try(it) => self.attempt(it, from),
        }
    }

    fn choice(&mut self, it: &Choice, from: &[End]) -> Vec<End> {
        let label = match &it.condition {
            Condition::Test(text) => text.clone(),
            Condition::Patched(id) => format!("patched {id}"),
        };
        let at = self.add(&label, ("{{\"", "\"}}"), from);
        let mut ends = self.block(&it.then, vec![(at, "yes")]);
        ends.extend(self.block(&it.otherwise, vec![(at, "no")]));
        ends
    }

    fn repeat(&mut self, it: &Loop, from: &[End]) -> Vec<End> {
        let at = self.add(&it.header, ("{{\"", "\"}}"), from);
        for (end, _) in self.block(&it.body, vec![(at, "again")]) {
            let _ = writeln!(self.out, "  n{end} --> n{at}");
        }
        self.block(&it.otherwise, vec![(at, "done")])
    }

    fn attempt(&mut self, it: &Try, from: Vec<End>) -> Vec<End> {
        let failing: Vec<End> = from.iter().map(|(end, _)| (*end, "on failure")).collect();
        let mut ends = self.block(&it.body, from);
        ends = self.block(&it.otherwise, ends);
        for (caught, body) in &it.handlers {
            let label = format!("except {caught}");
            let at = self.add(label.trim_end(), ("{{\"", "\"}}"), &failing);
            ends.extend(self.block(body, vec![(at, "")]));
        }
        self.block(&it.finally, ends)
    }
}
