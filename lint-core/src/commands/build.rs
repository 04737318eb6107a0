//! From what was interpreted to the structure of commands: the code of each entry point is followed
//! in the order in which it runs, into the functions that its calls run.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use rustc_hash::FxHashMap;

use crate::facts::WorkflowKind;
use crate::index::FunctionNode;
use crate::interp::{Code, CtxId, Event, EventKind, Machine};
use crate::knowledge::{self, Role};
use crate::names::Names;
use crate::place::{FileId, Place, Span};
use crate::syntax::ast::{self, Expr};
use crate::syntax::span_of;
use crate::workflows::Found;

use super::builder::{Builder, Given, Scope, children};
use super::structure::{CUT_SHORT, Node, Part, Structure};
use super::{naming, normal};

/// A workflow is cut off where calls in calls are nested deeper.
const MAX_NESTING: usize = 48;

/// The structures of workflows, in their order; `None` for what is no workflow.
pub(crate) fn structures(
    machine: &mut Machine<'_>,
    found: &[Found],
    cut_short: &[String],
) -> Vec<Option<Structure>> {
    let issuing = issuing(machine);
    let files: Vec<FileId> = found.iter().map(|it| it.workflow.place.file).collect();
    let names = Names::new(machine.project, machine.knowledge, &files);
    let mut builder = Builder {
        machine,
        names,
        issuing,
        runs: FxHashMap::default(),
        modules: BTreeMap::new(),
        classes: BTreeMap::new(),
        digests: BTreeMap::new(),
        asking: Vec::new(),
        asked: BTreeSet::new(),
        assumed: BTreeMap::new(),
        stack: Vec::new(),
        gates: BTreeMap::new(),
        issued: BTreeMap::new(),
        is_cut: false,
        nodes: 0,
        steps: 0,
        describing: 0,
    };
    // What stopped in a module may be a part of any workflow.
    let is_workflow = |name: &&String| found.iter().any(|it| it.workflow.name == **name);
    let is_any_cut = !cut_short.iter().all(|name| is_workflow(&name));
    let structures = found.iter().map(|it| {
        builder.is_cut = is_any_cut || cut_short.contains(&it.workflow.name);
        builder.structure(it)
    });
    structures.collect()
}

/// Which contexts issue commands, wait or write state, themselves or in what they call.
fn issuing(machine: &Machine<'_>) -> BTreeSet<CtxId> {
    let mut callers: FxHashMap<CtxId, Vec<CtxId>> = FxHashMap::default();
    let mut pending = Vec::new();
    for ctx in machine.ctxs() {
        let outcome = &machine.ctx(ctx).outcome;
        let writes = |it: &Event| matches!(it.kind, EventKind::StateWrite(_));
        if outcome.issues || outcome.events.iter().any(writes) {
            pending.push(ctx);
        }
        for edge in &outcome.edges {
            callers.entry(edge.callee).or_default().push(ctx);
        }
    }
    let mut issuing = BTreeSet::new();
    while let Some(ctx) = pending.pop() {
        if issuing.insert(ctx) {
            pending.extend(callers.get(&ctx).into_iter().flatten());
        }
    }
    issuing
}

impl<'p> Builder<'_, 'p> {
    fn structure(&mut self, found: &Found) -> Option<Structure> {
        let workflow = &found.workflow;
        if !workflow.is_workflow() {
            return None;
        }
        self.gates.clear();
        let first = self.build(found);
        // Answers about patches that are kept in attributes are known only now.
        match self.gates.is_empty() {
            true => Some(first),
            false => Some(self.build(found)),
        }
    }

    fn build(&mut self, found: &Found) -> Structure {
        let workflow = &found.workflow;
        self.nodes = 0;
        self.steps = 0;
        self.issued.clear();
        // Texts that were cut for one workflow are no good for the next.
        self.modules.clear();
        self.classes.clear();
        self.digests.clear();
        let mut parts = Vec::new();
        let mut before = Vec::new();
        for (entry, &ctx) in workflow.entries.iter().zip(&found.contexts) {
            let nodes = match entry.role {
                Role::Run | Role::Signal | Role::Update | Role::Hook => self.entry(ctx),
                Role::Init => {
                    before = self.entry(ctx);
                    continue;
                }
                _ => continue,
            };
            let name = match entry.role {
                Role::Run => String::new(),
                _ => self.handler_name(ctx, &entry.name),
            };
            parts.push(Part {
                role: entry.role,
                name,
                place: entry.place,
                nodes,
            });
        }
        if let Some(run) = parts.iter_mut().find(|part| part.role == Role::Run) {
            before.append(&mut run.nodes);
            run.nodes = normal::normal(before);
        }
        normal::drop_idle_notes(&mut parts);
        parts.sort_by(|a, b| (a.role, &a.name).cmp(&(b.role, &b.name)));
        let class = found.class.filter(|_| workflow.kind == WorkflowKind::Class);
        Structure {
            workflow_type: match class {
                Some(class) => self.workflow_type(class),
                None => workflow
                    .name
                    .rsplit('.')
                    .next()
                    .unwrap_or_default()
                    .to_owned(),
            },
            is_pinned: class.is_some_and(|class| self.is_pinned(class)),
            parts,
        }
    }

    fn handler_name(&mut self, ctx: CtxId, method: &str) -> String {
        match &self.machine.ctx(ctx).code {
            Code::Function(it) => self.handler(it.func, method),
            Code::Fields { .. } => method.to_owned(),
        }
    }

    /// What an entry point does; its parameters are what the history holds.
    fn entry(&mut self, ctx: CtxId) -> Vec<Node> {
        self.asked.clear();
        let Some(mut scope) = self.scope(ctx) else {
            return Vec::new();
        };
        let place = self.at(&scope, scope.function.node.name_span());
        self.give_inputs(&mut scope);
        let mut nodes = self.body(Rc::new(scope));
        if let [Node::Scope(body)] = &mut nodes[..] {
            nodes = std::mem::take(body);
        }
        nodes = normal::normal(nodes);
        if self.is_full() || self.is_cut {
            let what = format!("{CUT_SHORT} ~{}", self.digest_of_all(&[ctx]));
            nodes = vec![Node::Opaque(what, place)];
        }
        nodes
    }

    fn give_inputs(&mut self, scope: &mut Scope<'p>) {
        let Some(parameters) = scope.function.node.parameters() else {
            return;
        };
        let around = self.around(scope);
        let is_method = scope.function.class.is_some();
        let count = parameters.iter().count();
        let inputs = count.saturating_sub(usize::from(is_method));
        for (ix, parameter) in parameters.iter().enumerate() {
            let mut text = match (is_method, ix, inputs) {
                (true, 0, _) => "self".to_owned(),
                (_, _, 1) => "input".to_owned(),
                (true, _, _) => format!("input{ix}"),
                (false, _, _) => format!("input{}", ix + 1),
            };
            if let (Some(default), Some(around)) = (parameter.default(), &around) {
                let default = self.describe(around, default);
                text = format!("{text} (by default {default})");
            }
            let name = parameter.name().as_str();
            scope.given.insert(name, Given::of_text(text));
        }
    }

    /// A function as this call runs it.
    pub(super) fn enter(
        &mut self,
        caller: &Rc<Scope<'p>>,
        callee: CtxId,
        call: &'p ast::ExprCall,
    ) -> Option<Rc<Scope<'p>>> {
        let mut scope = self.scope(callee)?;
        let Some(parameters) = scope.function.node.parameters() else {
            return Some(Rc::new(scope));
        };
        let mut names = parameters.posonlyargs.iter().chain(&parameters.args);
        let is_static = naming::is_decorated(scope.function, "staticmethod");
        if scope.function.class.is_some() && !is_static {
            let receiver = names.next().map(|it| it.parameter.name.as_str());
            if let Some(receiver) = receiver {
                let text = match &*call.func {
                    Expr::Attribute(it) => self.describe_object(caller, &it.value),
                    other => self.describe_object(caller, other),
                };
                scope.given.insert(receiver, Given::of_text(text));
            }
        }
        let arguments = call.arguments.args.iter();
        let plain = arguments.take_while(|it| !it.is_starred_expr());
        for (parameter, argument) in names.zip(plain) {
            let given = self.given(caller, argument);
            scope.given.insert(parameter.parameter.name.as_str(), given);
        }
        for keyword in &call.arguments.keywords {
            let Some(name) = &keyword.arg else { continue };
            let given = self.given(caller, &keyword.value);
            scope.given.insert(name.as_str(), given);
        }
        let around = self.around(&scope);
        for parameter in parameters.iter_non_variadic_params() {
            let name = parameter.parameter.name.as_str();
            if !scope.given.contains_key(name)
                && let (Some(default), Some(around)) = (parameter.default(), &around)
            {
                let given = self.given(around, default);
                scope.given.insert(name, given);
            }
        }
        Some(Rc::new(scope))
    }

    fn given(&mut self, caller: &Rc<Scope<'p>>, argument: &'p Expr) -> Given<'p> {
        Given {
            text: self.describe(caller, argument),
            constant: self.constant_string(caller, argument),
            argument: Some((caller.clone(), argument)),
        }
    }

    /// The same, if it has a result that it is called by.
    pub(super) fn command_called(
        &mut self,
        scope: &Rc<Scope<'p>>,
        call: &'p ast::ExprCall,
    ) -> Option<String> {
        let api = self.api(scope, call)?;
        let is_named = !matches!(api.event, Some("patch" | "patch-deprecated"));
        is_named.then(|| naming::command(self, scope, call, api).label())
    }

    /// Everything that a function does.
    pub(super) fn body(&mut self, scope: Rc<Scope<'p>>) -> Vec<Node> {
        let place = self.at(&scope, scope.function.node.name_span());
        if self.stack.iter().any(|it| it.ctx == scope.ctx) {
            return vec![Node::Opaque("a call of itself".to_owned(), place)];
        }
        if self.stack.len() >= MAX_NESTING {
            return vec![Node::Opaque("calls nested too deep".to_owned(), place)];
        }
        self.stack.push(scope.clone());
        let mut nodes = Vec::new();
        match scope.function.node {
            FunctionNode::Def(def) => nodes = self.block(&scope, &def.body),
            FunctionNode::Lambda(lambda) => self.expr(&scope, &lambda.body, &mut nodes),
            FunctionNode::Module(_) => {}
        }
        self.stack.pop();
        normal::scoped(nodes)
    }

    /// What an expression waits for: the commands behind it, as far as they are known.
    pub(super) fn awaited_commands(
        &mut self,
        scope: &Rc<Scope<'p>>,
        expr: &'p Expr,
        seen: &mut BTreeSet<Span>,
        on: &mut BTreeSet<String>,
    ) {
        self.each_awaited(scope, expr, seen, &mut |_, label, _| {
            on.insert(label);
        });
    }

    /// The same, each with where it is issued.
    pub(super) fn each_awaited(
        &mut self,
        scope: &Rc<Scope<'p>>,
        expr: &'p Expr,
        seen: &mut BTreeSet<Span>,
        each: &mut dyn FnMut(&Self, String, Place),
    ) {
        if self.is_tired() || !seen.insert(span_of(expr)) {
            return;
        }
        match expr {
            Expr::Name(name) => {
                let known = scope.definitions.clone();
                let name = name.id.as_str();
                for definition in known.get(name).into_iter().flatten() {
                    if let Some(value) = definition.what.source() {
                        self.each_awaited(scope, value, seen, each);
                    }
                }
                // What is written elsewhere may have the same span.
                let elsewhere = &mut BTreeSet::new();
                match (scope.given.get(name), &scope.outer) {
                    (Some(given), _) => {
                        if let Some((caller, argument)) = given.argument.clone() {
                            self.each_awaited(&caller, argument, elsewhere, each);
                        }
                    }
                    (None, Some(outer)) if known.get(name).is_none() => {
                        self.each_awaited(&outer.clone(), expr, elsewhere, each);
                    }
                    _ => {}
                }
            }
            Expr::Call(call) => {
                let is_limit = |it: &knowledge::Command| {
                    it.event == Some("timer") && it.timers.iter().all(|it| it.position != Some(0))
                };
                let is_limit = self.api(scope, call).is_some_and(is_limit);
                if let Some(command) = self.command_called(scope, call).filter(|_| !is_limit) {
                    each(self, command, self.at(scope, span_of(call)));
                    return;
                }
                for callee in self.callees(scope, span_of(call)) {
                    if self.is_issuing(callee) {
                        let name = self.machine.ctx_name(callee);
                        let name = name.rsplit('.').next().unwrap_or_default().to_owned();
                        each(self, name, self.at(scope, span_of(call)));
                    }
                }
                children(expr)
                    .into_iter()
                    .for_each(|it| self.each_awaited(scope, it, seen, each));
            }
            other => children(other)
                .into_iter()
                .for_each(|it| self.each_awaited(scope, it, seen, each)),
        }
    }
}
