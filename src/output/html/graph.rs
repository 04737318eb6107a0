//! A call graph as an SVG in columns, from the workflow to what it calls.

use std::collections::{BTreeMap, BTreeSet};

use lint_core::diagnostic::Diagnostic;
use lint_core::graph::{NodeKind, WorkflowGraph};
use rules::Overview;

use super::markup::text;
use crate::report::{Report, Shown};

/// More nodes cannot be followed on one picture.
const MOST: usize = 60;
const WIDTH: usize = 210;
const HEIGHT: usize = 30;
const GAP_X: usize = 60;
const GAP_Y: usize = 14;
const MARGIN: usize = 16;
/// Characters of a label that fit into a node.
const LABEL: usize = 26;

#[derive(Default)]
pub(super) struct Drawing {
    /// In the order in which they were first reached.
    nodes: Vec<Node>,
    by_name: BTreeMap<String, usize>,
    edges: BTreeSet<(usize, usize)>,
    left_out: usize,
}

struct Node {
    name: String,
    kind: NodeKind,
    link: Option<String>,
}

impl Drawing {
    /// From the entry points to the culprits, along the paths that are shown.
    pub(super) fn of_causes(overview: &Overview, shown: &[Shown<'_>], report: &Report<'_>) -> Self {
        let mut drawing = Self::default();
        for (number, it) in shown.iter().enumerate() {
            let all: Vec<&Diagnostic> = match it.cause {
                Some(cause) => cause
                    .findings
                    .iter()
                    .map(|&ix| &report.findings[ix])
                    .collect(),
                None => vec![it.finding],
            };
            let own = all
                .into_iter()
                .filter(|it| it.workflow.as_deref() == Some(&overview.workflow));
            let Some(finding) = own.min_by_key(|it| it.trace.len()) else {
                continue;
            };
            drawing.add_path(number, finding);
        }
        drawing
    }

    fn add_path(&mut self, number: usize, finding: &Diagnostic) {
        let Some(entry) = &finding.entry else {
            return;
        };
        if self.nodes.len() + finding.trace.len() + 2 > MOST {
            self.left_out += 1;
            return;
        }
        let mut at = self.node(entry, NodeKind::Entry, None);
        for (step, it) in finding.trace.iter().enumerate() {
            let link = format!("#c{number}s{}", step + 1);
            let next = self.node(&it.function, NodeKind::Function, Some(link));
            if next != at {
                self.edges.insert((at, next));
            }
            at = next;
        }
        let culprit = finding.culprit.as_deref().unwrap_or(finding.name);
        let name = format!("{} {culprit}", finding.code);
        let link = Some(format!("#c{number}"));
        let culprit = self.node(&name, NodeKind::Culprit, link);
        self.edges.insert((at, culprit));
    }

    /// What a workflow reaches, the nearest first.
    pub(super) fn of_graph(overview: &Overview, graph: &WorkflowGraph) -> Self {
        let mut drawing = Self::default();
        let mut callees: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (from, to) in &graph.edges {
            callees.entry(from).or_default().push(to);
        }
        let kind = |name: &str| {
            graph
                .nodes
                .get(name)
                .map_or(NodeKind::Function, |it| it.kind)
        };
        drawing.node(&overview.workflow, NodeKind::Workflow, None);
        let mut next = 0;
        while let Some(name) = drawing.nodes.get(next).map(|it| it.name.clone()) {
            for &callee in callees.get(name.as_str()).into_iter().flatten() {
                if drawing.by_name.contains_key(callee) || drawing.nodes.len() < MOST {
                    let to = drawing.node(callee, kind(callee), None);
                    drawing.edges.insert((next, to));
                } else {
                    drawing.left_out += 1;
                }
            }
            next += 1;
        }
        drawing
    }

    fn node(&mut self, name: &str, kind: NodeKind, link: Option<String>) -> usize {
        if let Some(&known) = self.by_name.get(name) {
            return known;
        }
        let number = self.nodes.len();
        self.by_name.insert(name.to_owned(), number);
        let name = name.to_owned();
        self.nodes.push(Node { name, kind, link });
        number
    }

    /// The column of each node: one more than the nearest node that calls it.
    fn columns(&self) -> Vec<usize> {
        let mut columns = vec![usize::MAX; self.nodes.len()];
        let called: BTreeSet<usize> = self.edges.iter().map(|(_, to)| *to).collect();
        let mut current: Vec<usize> = (0..self.nodes.len())
            .filter(|it| !called.contains(it))
            .collect();
        if current.is_empty() {
            current.extend((!self.nodes.is_empty()).then_some(0));
        }
        let mut column = 0;
        while !current.is_empty() {
            let mut next = Vec::new();
            for node in current {
                if columns[node] == usize::MAX {
                    columns[node] = column;
                    next.extend(
                        self.edges
                            .iter()
                            .filter(|(from, _)| *from == node)
                            .map(|it| it.1),
                    );
                }
            }
            (current, column) = (next, column + 1);
        }
        columns
            .iter()
            .map(|&it| if it == usize::MAX { 0 } else { it })
            .collect()
    }

    /// Empty if there is nothing to draw.
    pub(super) fn svg(&self) -> String {
        if self.edges.is_empty() {
            return String::new();
        }
        let columns = self.columns();
        let mut filled: Vec<usize> = Vec::new();
        let mut places = Vec::new();
        for &column in &columns {
            filled.resize(filled.len().max(column + 1), 0);
            let x = MARGIN + column * (WIDTH + GAP_X);
            places.push((x, MARGIN + filled[column] * (HEIGHT + GAP_Y)));
            filled[column] += 1;
        }
        let rows = filled.iter().max().copied().unwrap_or_default();
        let width = 2 * MARGIN + filled.len() * (WIDTH + GAP_X) - GAP_X;
        let height = 2 * MARGIN + rows * (HEIGHT + GAP_Y) - GAP_Y;
        let edges: String = self
            .edges
            .iter()
            .map(|&(from, to)| curve(places[from], places[to]))
            .collect();
        let nodes: String = self
            .nodes
            .iter()
            .zip(&places)
            .map(|(node, &at)| node.svg(at))
            .collect();
        let left_out = match self.left_out {
            0 => String::new(),
            n => format!("<p class=\"where\">{n} more are left out of the picture.</p>"),
        };
        format!(
            "<svg width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" role=\"group\" aria-label=\"Calls from left to right\">{edges}{nodes}</svg>{left_out}"
        )
    }
}

fn curve(from: (usize, usize), to: (usize, usize)) -> String {
    let (x1, y1) = (from.0 + WIDTH, from.1 + HEIGHT / 2);
    let (x2, y2) = (to.0, to.1 + HEIGHT / 2);
    let bend = GAP_X / 2;
    format!(
        "<path d=\"M{x1} {y1}C{} {y1} {} {y2} {x2} {y2}\"/>",
        x1 + bend,
        x2.saturating_sub(bend)
    )
}

impl Node {
    fn svg(&self, (x, y): (usize, usize)) -> String {
        let label = shortened(&self.name);
        let (tx, ty) = (x + 10, y + HEIGHT / 2 + 4);
        let node = format!(
            "<g class=\"{}\"><title>{}</title><rect x=\"{x}\" y=\"{y}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"7\"/><text x=\"{tx}\" y=\"{ty}\">{}</text></g>",
            self.kind.as_str(),
            text(&self.name),
            text(&label)
        );
        match &self.link {
            Some(link) => format!("<a href=\"{link}\">{node}</a>"),
            None => node,
        }
    }
}

/// The end of a dotted name tells most: a method with its class.
fn shortened(name: &str) -> String {
    let (code, rest) = match name.split_once(' ') {
        Some((code, rest)) => (format!("{code} "), rest),
        None => (String::new(), name),
    };
    let second_last = rest.rmatch_indices('.').nth(1);
    let rest = second_last.map_or(rest, |(at, _)| &rest[at + 1..]);
    if code.chars().count() + rest.chars().count() <= LABEL {
        return format!("{code}{rest}");
    }
    let room = LABEL.saturating_sub(code.chars().count() + 1);
    let skip = rest.chars().count().saturating_sub(room);
    format!("{code}…{}", rest.chars().skip(skip).collect::<String>())
}
