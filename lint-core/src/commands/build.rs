//! From what was interpreted to the structure of commands: the code of each entry point is followed
//! in the order in which it runs, into the functions that its calls run.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use rustc_hash::FxHashMap;

use crate::facts::WorkflowKind;
use crate::index::{Function, FunctionIx, FunctionNode, MODULE_BODY};
use crate::interp::{ClassId, Code, CtxId, Event, EventKind, How, Machine, Seen};
use crate::knowledge::{self, Role};
use crate::names::Names;
use crate::place::{FileId, Place, Span};
use crate::syntax::ast::visitor::{Visitor, walk_expr};
use crate::syntax::ast::{self, Expr};
use crate::syntax::span_of;
use crate::workflows::Found;

use super::definitions::Definitions;
use super::describe::MAX_DEPTH;
use super::{CUT_SHORT, Exit, Node, Part, Structure, Wait, naming, normal};

/// A workflow is cut off here; real ones stay far below.
const MAX_NODES: usize = 4_000;
/// The same for calls in calls.
const MAX_NESTING: usize = 48;
/// The same for the texts of conditions and names.
const MAX_STEPS: usize = 200_000;

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

pub(super) struct Builder<'m, 'p> {
    pub(super) machine: &'m mut Machine<'p>,
    pub(super) names: Names<'p>,
    issuing: BTreeSet<CtxId>,
    runs: FxHashMap<CtxId, Rc<Run<'p>>>,
    /// The bodies of modules and classes, where names are looked up.
    pub(super) modules: BTreeMap<FileId, Rc<Scope<'p>>>,
    pub(super) classes: BTreeMap<ClassId, Rc<Scope<'p>>>,
    /// Digests of what contexts run.
    pub(super) digests: BTreeMap<Vec<CtxId>, String>,
    /// The functions whose outcome is being described, each for another.
    pub(super) asking: Vec<CtxId>,
    /// The contexts whose code is being followed, innermost last.
    stack: Vec<Rc<Scope<'p>>>,
    /// The patches that were asked for so far.
    pub(super) asked: BTreeSet<String>,
    /// What they are taken to have answered, while texts are written that depend on that.
    pub(super) assumed: BTreeMap<String, bool>,
    /// Attributes that keep the answer about a patch, by their texts, and its id.
    pub(super) gates: BTreeMap<String, String>,
    /// Where commands are issued, by their labels.
    pub(super) issued: BTreeMap<String, Vec<Place>>,
    /// Whether the interpretation itself was cut short.
    is_cut: bool,
    nodes: usize,
    steps: usize,
    /// How many texts are being written, each for another.
    pub(super) describing: usize,
}

/// What a run of a context showed, by place.
#[derive(Default)]
pub(super) struct Run<'p> {
    calls: FxHashMap<Span, Vec<CtxId>>,
    enters: FxHashMap<Span, Vec<CtxId>>,
    pub(super) seen: FxHashMap<Span, Vec<Seen>>,
    definitions: Rc<Definitions<'p>>,
}

/// A function in the course of one call.
pub(super) struct Scope<'p> {
    pub(super) ctx: CtxId,
    pub(super) file: FileId,
    pub(super) ix: FunctionIx,
    pub(super) function: &'p Function<'p>,
    /// What the parameters are.
    pub(super) given: BTreeMap<&'p str, Given<'p>>,
    pub(super) definitions: Rc<Definitions<'p>>,
    pub(super) run: Rc<Run<'p>>,
    /// The function around it, where its call was.
    pub(super) outer: Option<Rc<Scope<'p>>>,
    /// What its locals are, as far as that was asked.
    pub(super) texts: RefCell<Texts<'p>>,
}

/// By name, and by the loop in which it is asked for if that makes a difference.
type Texts<'p> = BTreeMap<(&'p str, Option<Span>), String>;

#[derive(Clone)]
pub(super) struct Given<'p> {
    pub(super) text: String,
    /// The string, if it is one that is written out.
    pub(super) constant: Option<String>,
    /// The argument, and where it is written.
    argument: Option<(Rc<Scope<'p>>, &'p Expr)>,
}

impl Given<'_> {
    pub(super) fn of_text(text: String) -> Self {
        Self {
            text,
            constant: None,
            argument: None,
        }
    }
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

    pub(super) fn run(&mut self, ctx: CtxId) -> Rc<Run<'p>> {
        if let Some(run) = self.runs.get(&ctx) {
            return run.clone();
        }
        let mut run = Run::default();
        let outcome = &self.machine.ctx(ctx).outcome;
        for edge in &outcome.edges {
            let calls = match edge.how {
                How::Answer | How::MayFill | How::Factory => continue,
                How::Enter => run.enters.entry(edge.span).or_default(),
                _ => run.calls.entry(edge.span).or_default(),
            };
            if !calls.contains(&edge.callee) {
                calls.push(edge.callee);
            }
        }
        for &(span, seen) in &outcome.seen {
            run.seen.entry(span).or_default().push(seen);
        }
        if let Code::Function(it) = &self.machine.ctx(ctx).code
            && let Some(function) = self.machine.function(it.func)
        {
            run.definitions = Rc::new(Definitions::of(function.node));
        }
        let run = Rc::new(run);
        self.runs.insert(ctx, run.clone());
        run
    }

    pub(super) fn scope(&mut self, ctx: CtxId) -> Option<Scope<'p>> {
        let Code::Function(it) = &self.machine.ctx(ctx).code else {
            return None;
        };
        let (func, closure) = (it.func, it.closure);
        let function = self.machine.function(func)?;
        let run = self.run(ctx);
        let outer = self.stack.iter().rev().find(|it| it.ctx == closure);
        let outer = outer.filter(|_| function.parent != MODULE_BODY).cloned();
        Some(Scope {
            ctx,
            file: func.file,
            ix: func.ix,
            function,
            given: BTreeMap::new(),
            definitions: run.definitions.clone(),
            run,
            outer,
            texts: RefCell::default(),
        })
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

    /// Where the defaults of a function are evaluated.
    fn around(&mut self, scope: &Scope<'p>) -> Option<Rc<Scope<'p>>> {
        match &scope.outer {
            Some(outer) => Some(outer.clone()),
            None => self.module_scope(scope.file),
        }
    }

    fn given(&mut self, caller: &Rc<Scope<'p>>, argument: &'p Expr) -> Given<'p> {
        Given {
            text: self.describe(caller, argument),
            constant: self.constant_string(caller, argument),
            argument: Some((caller.clone(), argument)),
        }
    }

    /// A string that is written out here or where the parameter was given.
    pub(super) fn constant_string(&self, scope: &Scope<'p>, expr: &Expr) -> Option<String> {
        match expr {
            Expr::StringLiteral(it) => Some(it.value.to_str().to_owned()),
            Expr::Name(name) => scope.given.get(name.id.as_str())?.constant.clone(),
            _ => None,
        }
    }

    pub(super) fn text(&self, scope: &Scope<'p>, span: Span) -> String {
        let source = self.machine.project.source(scope.file);
        source.map_or_else(String::new, |it| it.slice(span).to_owned())
    }

    /// The functions of the project that a call runs.
    pub(super) fn callees(&self, scope: &Scope<'p>, span: Span) -> Vec<CtxId> {
        scope.run.calls.get(&span).cloned().unwrap_or_default()
    }

    pub(super) fn entered(&self, scope: &Scope<'p>, span: Span) -> Vec<CtxId> {
        scope.run.enters.get(&span).cloned().unwrap_or_default()
    }

    pub(super) fn is_issuing(&self, ctx: CtxId) -> bool {
        self.issuing.contains(&ctx)
    }

    /// What a call is of outside the project.
    pub(super) fn external_called(
        &self,
        scope: &Scope<'p>,
        call: &ast::ExprCall,
    ) -> Option<String> {
        let seen = scope.run.seen.get(&span_of(call))?;
        seen.iter().find_map(|seen| match seen {
            Seen::Calls(name) => Some(self.machine.str(*name).to_owned()),
            _ => None,
        })
    }

    /// The command that a call issues.
    pub(super) fn api(
        &self,
        scope: &Scope<'p>,
        call: &ast::ExprCall,
    ) -> Option<&'static knowledge::Command> {
        let seen = scope.run.seen.get(&span_of(call))?;
        seen.iter().find_map(|seen| match seen {
            Seen::Calls(name) => {
                let command = self.machine.knowledge.command(self.machine.str(*name))?;
                command.event.map(|_| command)
            }
            _ => None,
        })
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

    pub(super) fn at(&self, scope: &Scope<'p>, span: Span) -> Place {
        Place {
            file: scope.file,
            span,
        }
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

    /// Adds a node, unless there are too many already.
    pub(super) fn push(&mut self, out: &mut Vec<Node>, node: Node) {
        self.nodes += 1;
        if !self.is_full() {
            out.push(node);
        }
    }

    pub(super) fn count(&mut self, nodes: usize) {
        self.nodes += nodes;
    }

    pub(super) fn is_full(&self) -> bool {
        self.nodes > MAX_NODES
    }

    /// Whether there is time to look into one more function for a text.
    pub(super) fn may_enter(&mut self) -> bool {
        !self.is_tired() && self.describing < MAX_DEPTH
    }

    pub(super) fn is_tired(&mut self) -> bool {
        self.steps += 1;
        self.steps > MAX_STEPS
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

pub(super) fn wait_for(on: BTreeSet<String>) -> Wait {
    Wait { on, until: None }
}

/// The expressions directly inside one.
pub(super) fn children(expr: &Expr) -> Vec<&Expr> {
    struct Direct<'a>(Vec<&'a Expr>);
    impl<'a> Visitor<'a> for Direct<'a> {
        fn visit_expr(&mut self, expr: &'a Expr) {
            self.0.push(expr);
        }
        fn visit_annotation(&mut self, _: &'a Expr) {}
    }
    let mut direct = Direct(Vec::new());
    walk_expr(&mut direct, expr);
    direct.0
}

/// Stops what was awaited from being shown as a task beside.
pub(super) fn unwrapped(nodes: &mut Vec<Node>, from: usize) -> bool {
    if nodes.len() == from + 1
        && let Some(Node::Task(..)) = nodes.last()
        && let Some(Node::Task(body, _)) = nodes.pop()
    {
        nodes.extend(body);
        return true;
    }
    false
}

pub(super) fn exit(kind: Exit, place: Place) -> Node {
    Node::Exit(kind, place)
}
