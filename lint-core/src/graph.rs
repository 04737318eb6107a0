//! Call graphs: what workflows reach, and the full graph of a project.

use std::collections::{BTreeMap, BTreeSet};

use crate::analysis::{Wish, interpret};
use crate::diagnostic::{FileId, Place};
use crate::index::MODULE_BODY;
use crate::interp::{Code, CtxId, EventKind, FuncId, Imported, Machine, Mode};
use crate::knowledge::{CommandKind, Knowledge};
use crate::markers;
use crate::project::Project;

/// Caller to callees by qualified name, both sorted; every function is a key.
pub type FullGraph = BTreeMap<String, BTreeSet<String>>;

/// The full graph of a project.
#[derive(Debug, Default)]
pub struct Full {
    pub graph: FullGraph,
    /// Whether the analysis stopped at a bound, so that edges may be missing.
    pub cut_short: bool,
}

/// What the workflows of a project reach.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkflowGraph {
    /// By name; a name stands for one node.
    pub nodes: BTreeMap<String, Node>,
    pub edges: BTreeSet<(String, String)>,
    /// See [`crate::facts::Seen::cut_short`].
    pub cut_short: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    pub kind: NodeKind,
    pub place: Option<Place>,
}

/// Ordered from the least to the most telling: a node seen in two parts keeps the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NodeKind {
    Function,
    Entry,
    Activity,
    ChildWorkflow,
    /// A known API that breaks replay.
    Culprit,
    Workflow,
}

impl NodeKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Function => "function",
            Self::Entry => "entry",
            Self::Activity => "activity",
            Self::ChildWorkflow => "child-workflow",
            Self::Culprit => "culprit",
            Self::Workflow => "workflow",
        }
    }
}

/// The graph that workflows reach. Needs [`crate::syntax::STACK_SIZE`] of stack.
pub fn of_workflows(project: &Project<'_>, knowledge: &Knowledge) -> WorkflowGraph {
    let mut graph = WorkflowGraph::default();
    let (part, _) = markers::candidates(project, knowledge);
    let Some(reached) = interpret(project, knowledge, &part, Wish::default()) else {
        return graph;
    };
    graph.cut_short = reached.cut_short;
    let (machine, found) = (reached.machine, reached.found);
    let mut pending: Vec<CtxId> = Vec::new();
    for it in &found {
        let workflow = &it.workflow;
        graph.node(&workflow.name, NodeKind::Workflow, Some(workflow.place));
        for (entry, &ctx) in workflow.entries.iter().zip(&it.contexts) {
            let name = machine.ctx_name(ctx);
            graph.node(&name, NodeKind::Entry, Some(entry.place));
            graph.edges.insert((workflow.name.clone(), name));
            pending.push(ctx);
        }
    }
    let mut seen: BTreeSet<CtxId> = pending.iter().copied().collect();
    while let Some(ctx) = pending.pop() {
        let caller = machine.ctx_name(ctx);
        let outcome = &machine.ctx(ctx).outcome;
        for edge in outcome.edges.iter().filter(|edge| !edge.vouched) {
            let callee = machine.ctx_name(edge.callee);
            graph.node(
                &callee,
                NodeKind::Function,
                definition(&machine, edge.callee),
            );
            graph.edges.insert((caller.clone(), callee));
            if seen.insert(edge.callee) {
                pending.push(edge.callee);
            }
        }
        for event in &outcome.events {
            let Some(name) = culprit(&machine, event.kind) else {
                continue;
            };
            graph.node(&name, NodeKind::Culprit, None);
            graph.edges.insert((caller.clone(), name));
        }
        for scheduled in &outcome.scheduled {
            let name = machine.str(scheduled.name).to_owned();
            let kind = match scheduled.kind {
                CommandKind::ChildWorkflow => NodeKind::ChildWorkflow,
                CommandKind::Activity => NodeKind::Activity,
                // What is waited for is code of the workflow, and an edge of its own.
                _ => continue,
            };
            graph.node(&name, kind, None);
            graph.edges.insert((caller.clone(), name));
        }
    }
    graph
}

/// What an event does that breaks replay, by name.
fn culprit(machine: &Machine<'_>, event: EventKind) -> Option<String> {
    match event {
        EventKind::Api { name, .. } | EventKind::ImportTime { name, .. } => {
            Some(machine.str(name).to_owned())
        }
        EventKind::DirectActivity(func) => Some(machine.function_name(func)),
        EventKind::Unordered { .. } => Some("order of a set".to_owned()),
        EventKind::SharedState { name, memo: false } => {
            Some(format!("shared state {}", machine.str(name)))
        }
        EventKind::ReplayFlag { callee: None, .. } => Some("the replay flag".to_owned()),
        EventKind::Import {
            what: Imported::Package(name),
            passed: false,
        } => Some(format!("import of {}", machine.str(name))),
        EventKind::SharedState { .. }
        | EventKind::ReplayFlag { .. }
        | EventKind::StateWrite(_)
        | EventKind::ContentWrite { .. }
        | EventKind::Command { .. }
        | EventKind::Import { .. } => None,
    }
}

impl WorkflowGraph {
    fn node(&mut self, name: &str, kind: NodeKind, place: Option<Place>) {
        let node = self
            .nodes
            .entry(name.to_owned())
            .or_insert(Node { kind, place });
        node.kind = node.kind.max(kind);
        node.place = node.place.or(place);
    }

    /// What the workflows of certain files reach.
    pub fn of_files(mut self, is_wanted: impl Fn(FileId) -> bool) -> Self {
        let starts = self.nodes.iter().filter(|(_, node)| {
            node.kind == NodeKind::Workflow && node.place.is_some_and(|it| is_wanted(it.file))
        });
        let mut open: Vec<String> = starts.map(|(name, _)| name.clone()).collect();
        let mut reached: BTreeSet<String> = open.iter().cloned().collect();
        while let Some(from) = open.pop() {
            let later = self.edges.range((from.clone(), String::new())..);
            let calls = later.take_while(|(caller, _)| *caller == from);
            let callees = calls.map(|(_, callee)| callee.clone());
            open.extend(callees.filter(|callee| reached.insert(callee.clone())));
        }
        self.nodes.retain(|name, _| reached.contains(name));
        self.edges.retain(|(caller, _)| reached.contains(caller));
        self
    }
}

fn definition(machine: &Machine<'_>, ctx: CtxId) -> Option<Place> {
    let Code::Function(it) = &machine.ctx(ctx).code else {
        return None;
    };
    let function = machine.function(it.func)?;
    Some(Place {
        file: it.func.file,
        span: function.node.name_span(),
    })
}

/// The graph of all functions and module bodies in the given files, the form that public
/// call-graph benchmarks use: builtins as `<builtin>.name`, methods of literals as
/// `<**PyDict**>.items`, code outside the project by its qualified name. Needs [`crate::syntax::STACK_SIZE`] of stack.
pub fn full(project: &Project<'_>, knowledge: &Knowledge, files: &[FileId]) -> Full {
    let mut graph = FullGraph::new();
    let Some(any) = files.iter().find_map(|&file| project.module(file)) else {
        return Full::default();
    };
    let mut machine = Machine::new(project, knowledge, Mode::Full, any);
    for &file in files {
        machine.module_ctx(file);
    }
    machine.run();
    // Functions that nothing calls are analysed for their own sake, after those that are called,
    // since the former may call the latter.
    for &file in files {
        let Some(module) = project.module(file) else {
            continue;
        };
        for ix in 0..module.index().functions.len() as u32 {
            let func = FuncId { file, ix };
            if ix != MODULE_BODY && !machine.has_context(func) {
                machine.standalone_ctx(func);
                machine.run();
            }
        }
    }
    for ctx in machine.ctxs() {
        if matches!(machine.ctx(ctx).code, Code::Fields { .. }) {
            continue;
        }
        let callees = callees(&machine, ctx);
        for callee in &callees {
            graph.entry(callee.clone()).or_default();
        }
        graph
            .entry(machine.ctx_name(ctx))
            .or_default()
            .extend(callees);
    }
    Full {
        graph,
        cut_short: machine.is_cut_short(),
    }
}

fn callees(machine: &Machine<'_>, ctx: CtxId) -> BTreeSet<String> {
    let outcome = &machine.ctx(ctx).outcome;
    let mut callees = BTreeSet::new();
    for edge in &outcome.edges {
        if matches!(machine.ctx(edge.callee).code, Code::Fields { .. }) {
            // The fields of a data class have no name of their own: the caller runs factories.
            callees.extend(self::callees(machine, edge.callee));
        } else {
            callees.insert(machine.ctx_name(edge.callee));
        }
    }
    for &name in &outcome.externals {
        let name = machine.str(name);
        callees.insert(match name.strip_prefix("str.") {
            Some(method) => format!("<**PyStr**>.{method}"),
            None if !name.contains('.') => format!("<builtin>.{name}"),
            None => name.to_owned(),
        });
    }
    callees
}
