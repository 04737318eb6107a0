//! `runbook-lint graph`

mod structure;

use std::collections::{BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;

use anyhow::{Result, bail};
use lint_core::analysis::analyse;
use lint_core::diagnostic::FileId;
use lint_core::graph::{Full, FullGraph, NodeKind, WorkflowGraph, full, of_workflows};
use lint_core::knowledge::Knowledge;
use serde_json::json;

use super::{is_standard, locate, start_threads};
use crate::Status;
use crate::check::python_files;
use crate::cli::{Color, GraphArgs, GraphFormat, SelectionArgs};
use crate::config::Settings;
use crate::discover::Files;
use crate::output::{escape, escape_json, escape_line, render_graph};
use crate::report::{Places, listed};
use crate::target::write_output;
use crate::terminal::warn;

pub(crate) fn run(mut args: GraphArgs, color: Color) -> Result<Status> {
    args.output_file = args.output_file.filter(|it| !is_standard(it));
    if args.input.paths.is_empty() {
        args.input.paths.push(PathBuf::from("."));
    }
    let (cwd, root) = locate(&args.input, None)?;
    let settings = Settings::resolve(&root, &cwd, &args.input, &SelectionArgs::default())?;
    let files = Files::discover(&root, &cwd, &args.input, &settings);
    let project = files.project(&settings);
    let places = Places::new(&project, &root, &cwd);
    start_threads(None)?;
    let knowledge = Knowledge::new(&rules::catalogue::TABLES, settings.knowledge.clone());
    let text = if args.commands {
        structure::show(&places, &files, &knowledge, args.output_format)?
    } else if args.full {
        let requested: Vec<FileId> = python_files(&project)
            .filter(|&file| files.is_requested(project.key(file)))
            .collect();
        let Full { graph, cut_short } = full(&project, &knowledge, &requested);
        if cut_short {
            warn(
                "the project is too large to be analysed in full: the graph was cut short, and edges are missing",
            );
        }
        match args.output_format {
            GraphFormat::Json => to_json(&graph)?,
            GraphFormat::Html => bail!(
                "`--full` cannot be drawn as a page; leave it out, or use `--output-format dot`"
            ),
            format => draw(&Drawing::of_full(&graph), format),
        }
    } else {
        let graph = of_workflows(&project, &knowledge)
            .of_files(|file| files.is_requested(project.key(file)));
        if !graph.cut_short.is_empty() {
            let names = listed(&graph.cut_short);
            warn(&format!(
                "the analysis of {names} stopped at a bound, and edges are missing there"
            ));
        }
        match args.output_format {
            GraphFormat::Json => workflows_to_json(&graph, &places)?,
            GraphFormat::Html => page(&graph, &places, &files, &knowledge)?,
            format => draw(&Drawing::of_workflows(&graph), format),
        }
    };
    write_output(args.output_file.as_deref(), color, |out| {
        io::Write::write_all(out, text.as_bytes())
    })?;
    Ok(Status::Clean)
}

fn page(
    graph: &WorkflowGraph,
    places: &Places<'_>,
    files: &Files,
    knowledge: &Knowledge,
) -> Result<String> {
    let facts = analyse(places.project, knowledge);
    let mut overviews = rules::overviews(&facts);
    overviews.retain(|it| files.is_requested(places.project.key(it.place.file)));
    let warnings: Vec<String> = places
        .project
        .errors()
        .into_iter()
        .map(|error| {
            format!(
                "`{}` was not read in full: {}",
                places.path(error.file),
                error.message
            )
        })
        .collect();
    let mut page = Vec::new();
    render_graph(&overviews, graph, places, &warnings, &mut page)?;
    Ok(String::from_utf8(page)?)
}

fn to_json(graph: &FullGraph) -> Result<String> {
    Ok(escape_json(&serde_json::to_string_pretty(graph)?) + "\n")
}

fn workflows_to_json(graph: &WorkflowGraph, places: &Places<'_>) -> Result<String> {
    let nodes: Vec<_> = graph
        .nodes
        .iter()
        .map(|(name, node)| {
            let place = node.place.map(|place| {
                let (start, _) = places.range(place);
                json!({ "path": places.path(place.file), "line": start.line, "column": start.column })
            });
            json!({ "name": name, "kind": node.kind.as_str(), "place": place })
        })
        .collect();
    let edges: Vec<_> = graph
        .edges
        .iter()
        .map(|(from, to)| json!([from, to]))
        .collect();
    let document = json!({ "schema": "runbook-lint-graph/1", "nodes": nodes, "edges": edges });
    Ok(escape_json(&serde_json::to_string_pretty(&document)?) + "\n")
}

/// A graph ready to be drawn: numbered nodes, edges between numbers.
struct Drawing<'g> {
    nodes: Vec<(&'g str, NodeKind)>,
    edges: Vec<(usize, usize)>,
}

impl<'g> Drawing<'g> {
    fn of_workflows(graph: &'g WorkflowGraph) -> Self {
        let nodes: Vec<_> = graph
            .nodes
            .iter()
            .map(|(name, node)| (name.as_str(), node.kind))
            .collect();
        let edges = graph
            .edges
            .iter()
            .map(|(from, to)| (from.as_str(), to.as_str()));
        Self::new(nodes, edges)
    }

    fn of_full(graph: &'g FullGraph) -> Self {
        let nodes: Vec<_> = graph
            .keys()
            .map(|name| (name.as_str(), NodeKind::Function))
            .collect();
        let edges = graph
            .iter()
            .flat_map(|(from, callees)| callees.iter().map(move |to| (from.as_str(), to.as_str())));
        Self::new(nodes, edges)
    }

    fn new(
        nodes: Vec<(&'g str, NodeKind)>,
        edges: impl Iterator<Item = (&'g str, &'g str)>,
    ) -> Self {
        let number = |name: &str| {
            nodes
                .binary_search_by_key(&name, |(name, _)| *name)
                .unwrap_or(0)
        };
        let edges = edges.map(|(from, to)| (number(from), number(to))).collect();
        Self { nodes, edges }
    }
}

/// What Mermaid draws by default: so many edges, and so many characters of text.
const MERMAID_EDGES: usize = 500;
const MERMAID_TEXT: usize = 50_000;

impl<'g> Drawing<'g> {
    /// The part that Mermaid draws, the first workflows before others, and a warning about the rest.
    fn within_mermaids_limits(&self) -> Self {
        let mut kept: BTreeSet<usize> = BTreeSet::new();
        // The classes of nodes.
        let mut text = 200;
        let mut edges = 0;
        for ix in self.nearest_first() {
            let is_kept = |it: usize| it == ix || kept.contains(&it);
            let touches =
                |from: usize, to: usize| (from == ix || to == ix) && is_kept(from) && is_kept(to);
            edges += self
                .edges
                .iter()
                .filter(|(from, to)| touches(*from, *to))
                .count();
            // Numbers and brackets, and the references that stand for some characters.
            let label = escape(self.nodes[ix].0).replace(['<', '>', '"'], "#quot;");
            text += 40 + label.len();
            if text + 20 * edges > MERMAID_TEXT || edges > MERMAID_EDGES {
                break;
            }
            kept.insert(ix);
        }
        let kept: Vec<usize> = kept.into_iter().collect();
        let left_out = self.nodes.len() - kept.len();
        if left_out > 0 {
            warn(&format!(
                "the graph is larger than Mermaid draws, so {left_out} functions are left out; name paths to draw a part, or use `--output-format dot`"
            ));
        }
        let number = |ix: &usize| kept.binary_search(ix).ok();
        let edges = self.edges.iter();
        let edges = edges
            .filter_map(|(from, to)| Some((number(from)?, number(to)?)))
            .collect();
        let nodes = kept.iter().map(|&ix| self.nodes[ix]).collect();
        Self { nodes, edges }
    }
}

impl Drawing<'_> {
    /// What each workflow reaches, breadth first, workflow by workflow; then the rest. So a part of
    /// it shows some workflows whole, and not all of them without what they do.
    fn nearest_first(&self) -> Vec<usize> {
        let all = 0..self.nodes.len();
        let is_workflow = |ix: &usize| self.nodes[*ix].1 == NodeKind::Workflow;
        let mut seen = vec![false; self.nodes.len()];
        let mut order = Vec::new();
        for start in all.clone().filter(is_workflow).chain(all) {
            let mut queue = VecDeque::from([start]);
            while let Some(ix) = queue.pop_front() {
                if std::mem::replace(&mut seen[ix], true) {
                    continue;
                }
                order.push(ix);
                // Edges are sorted.
                let first = self.edges.partition_point(|(from, _)| *from < ix);
                let callees = self.edges[first..]
                    .iter()
                    .take_while(|(from, _)| *from == ix);
                queue.extend(callees.map(|(_, to)| *to));
            }
        }
        order
    }
}

fn draw(drawing: &Drawing<'_>, format: GraphFormat) -> String {
    match format {
        GraphFormat::Mermaid => mermaid(&drawing.within_mermaids_limits()),
        GraphFormat::Dot => dot(drawing),
        GraphFormat::Text | GraphFormat::Json | GraphFormat::Html => text(drawing),
    }
}

fn mermaid(drawing: &Drawing<'_>) -> String {
    let mut out = "flowchart LR\n".to_owned();
    for (ix, (name, kind)) in drawing.nodes.iter().enumerate() {
        let label = escape(name)
            .replace('"', "#quot;")
            .replace('<', "#lt;")
            .replace('>', "#gt;");
        let (open, close) = match kind {
            NodeKind::Workflow => ("[[\"", "\"]]"),
            NodeKind::Entry => ("([\"", "\"])"),
            NodeKind::Activity | NodeKind::ChildWorkflow => ("[/\"", "\"/]"),
            NodeKind::Culprit => ("{{\"", "\"}}"),
            NodeKind::Function => ("[\"", "\"]"),
        };
        let _ = writeln!(out, "  n{ix}{open}{label}{close}:::{}", kind.as_str());
    }
    for (from, to) in &drawing.edges {
        let _ = writeln!(out, "  n{from} --> n{to}");
    }
    out.push_str(
        "  classDef culprit fill:#fdd,stroke:#c00\n  classDef workflow stroke-width:3px\n",
    );
    out
}

fn dot(drawing: &Drawing<'_>) -> String {
    let mut out = "digraph workflows {\n  rankdir=LR;\n  node [shape=box];\n".to_owned();
    for (ix, (name, kind)) in drawing.nodes.iter().enumerate() {
        let label = escape(name).replace('\\', "\\\\").replace('"', "\\\"");
        let style = match kind {
            NodeKind::Workflow => ", penwidth=3",
            NodeKind::Entry => ", style=rounded",
            NodeKind::Activity | NodeKind::ChildWorkflow => ", shape=parallelogram",
            NodeKind::Culprit => ", color=red, shape=hexagon",
            NodeKind::Function => "",
        };
        let _ = writeln!(out, "  n{ix} [label=\"{label}\"{style}];");
    }
    for (from, to) in &drawing.edges {
        let _ = writeln!(out, "  n{from} -> n{to};");
    }
    out.push_str("}\n");
    out
}

/// One block for each caller, with its callees below it.
fn text(drawing: &Drawing<'_>) -> String {
    let mut out = String::new();
    for (ix, (name, kind)) in drawing.nodes.iter().enumerate() {
        let callees: Vec<usize> = drawing
            .edges
            .iter()
            .filter(|(from, _)| *from == ix)
            .map(|(_, to)| *to)
            .collect();
        if callees.is_empty() {
            continue;
        }
        let _ = writeln!(out, "{} ({})", escape_line(name), kind.as_str());
        for callee in callees {
            let (name, kind) = drawing.nodes[callee];
            let _ = writeln!(out, "  -> {} ({})", escape(name), kind.as_str());
        }
    }
    out
}
