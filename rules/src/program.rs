//! The code that workflows run, function by function, for rules that follow it themselves.
//!
//! What a call runs and what an attribute belongs to was found out by the interpreter
//! ([`lint_core::facts::Observed`]); what is awaited, locked or caught stands in the text.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use lint_core::diagnostic::{FileId, Place, Span, TraceStep};
use lint_core::facts::{
    Callee, ClassRef, Entry, EntryReach, Facts, FunctionRef, Reach, Workflow, WorkflowKind,
};
use lint_core::index::{Function, FunctionNode, Index, Module};
use lint_core::knowledge::Role;
use lint_core::syntax::ast::visitor::{Visitor, walk_expr, walk_stmt};
use lint_core::syntax::ast::{self, ExceptHandler, Expr, Stmt};
use lint_core::syntax::{last_name, span_of};

use crate::test_files::is_test;

/// One workflow with what each of its entry points runs.
#[derive(Clone, Copy)]
pub(crate) struct Running<'f> {
    pub(crate) workflow: &'f Workflow,
    pub(crate) reach: &'f Reach,
}

impl<'f> Running<'f> {
    /// All workflows but those that tests derive from another one to try something: what they inherit
    /// is seen there, and nobody deploys it like this.
    pub(crate) fn all(facts: &'f Facts<'_>) -> impl Iterator<Item = Self> {
        let each = facts.workflows.iter().zip(&facts.reach);
        let workflows = each.filter(|(workflow, _)| workflow.is_workflow());
        let all: Vec<Self> = workflows
            .map(|(workflow, reach)| Self { workflow, reach })
            .collect();
        let is_of_tests = |it: &Self| is_test(facts.project, it.workflow.place.file);
        let deployed: BTreeSet<FunctionRef> = all
            .iter()
            .filter(|it| !is_of_tests(it))
            .flat_map(|it| &it.reach.entries)
            .map(|it| it.function)
            .collect();
        all.into_iter().filter(move |it| {
            let mut entries = it.reach.entries.iter();
            !(is_of_tests(it) && entries.any(|entry| deployed.contains(&entry.function)))
        })
    }

    pub(crate) fn entries(self) -> impl Iterator<Item = (&'f Entry, &'f EntryReach)> {
        self.workflow.entries.iter().zip(&self.reach.entries)
    }

    pub(crate) fn entries_of(
        self,
        is_wanted: impl Fn(Role) -> bool,
    ) -> impl Iterator<Item = (&'f Entry, &'f EntryReach)> {
        self.entries()
            .filter(move |(entry, _)| is_wanted(entry.role))
    }

    /// The functions that run because of entry points of these roles.
    pub(crate) fn runs_of(self, is_wanted: impl Fn(Role) -> bool) -> BTreeSet<FunctionRef> {
        let entries = self.entries_of(is_wanted);
        entries
            .flat_map(|(_, reach)| reach.runs.iter().copied())
            .collect()
    }

    /// The interceptors that run in workflows.
    fn interceptors(facts: &'f Facts<'_>) -> impl Iterator<Item = Self> {
        let each = facts.workflows.iter().zip(&facts.reach);
        let interceptors = each.filter(|(it, _)| it.kind == WorkflowKind::Interceptor);
        interceptors.map(|(workflow, reach)| Self { workflow, reach })
    }

    /// Each function that workflows or their interceptors run, once, with the first one that does and
    /// the entry point from which it gets there.
    pub(crate) fn functions(facts: &'f Facts<'_>) -> Vec<(Self, FunctionRef, FunctionRef)> {
        let mut seen = BTreeSet::new();
        let mut functions = Vec::new();
        for running in Self::all(facts).chain(Self::interceptors(facts)) {
            for (_, reach) in running.entries() {
                let new = reach.runs.iter().filter(|it| seen.insert(**it));
                functions.extend(new.map(|&it| (running, reach.function, it)));
            }
        }
        functions
    }

    /// The name of the class as it is written.
    pub(crate) fn short_name(self) -> &'f str {
        let name = &self.workflow.name;
        name.rsplit('.').next().unwrap_or(name)
    }
}

pub(crate) fn is_handler(role: Role) -> bool {
    matches!(role, Role::Signal | Role::Update)
}

/// Answers about functions, each of them found out once.
#[derive(Default)]
pub(crate) struct Answers(RefCell<BTreeMap<FunctionRef, bool>>);

impl Answers {
    pub(crate) fn get(&self, it: FunctionRef, answer: impl FnOnce() -> bool) -> bool {
        let known = self.0.borrow().get(&it).copied();
        known.unwrap_or_else(|| {
            let answer = answer();
            self.0.borrow_mut().insert(it, answer);
            answer
        })
    }
}

/// Reads the code of functions.
#[derive(Clone, Copy)]
pub(crate) struct Program<'f, 'p> {
    pub(crate) facts: &'f Facts<'p>,
}

impl<'f, 'p> Program<'f, 'p> {
    pub(crate) fn new(facts: &'f Facts<'p>) -> Self {
        Self { facts }
    }

    pub(crate) fn index(self, file: FileId) -> Option<&'p Index<'p>> {
        self.facts.project.module(file).map(Module::index)
    }

    pub(crate) fn function(self, it: FunctionRef) -> Option<&'p Function<'p>> {
        Some(self.index(it.file)?.function(it.ix))
    }

    pub(crate) fn def(self, it: FunctionRef) -> Option<&'p ast::StmtFunctionDef> {
        match self.function(it)?.node {
            FunctionNode::Def(def) => Some(def),
            _ => None,
        }
    }

    /// Whether code of a function, or at the top of its module, is there to see an exception of this class.
    pub(crate) fn is_tried(self, it: FunctionRef, at: Span, exception: &str) -> bool {
        let module = self.facts.project.module(it.file);
        let top = module.into_iter().flat_map(|it| nodes_of(&it.tree().body));
        own_nodes(self.function(it))
            .chain(top)
            .flat_map(|node| tried(&node, exception))
            .any(|it| it.contains(at))
    }

    pub(crate) fn short_name(self, it: FunctionRef) -> &'p str {
        let qualname = self.function(it).map_or("", |it| it.qualname.as_str());
        qualname.rsplit('.').next().unwrap_or(qualname)
    }

    /// `module.Class.method`
    pub(crate) fn name(self, it: FunctionRef) -> String {
        let module = self.facts.project.module_name(it.file);
        let qualname = self.function(it).map_or("", |it| it.qualname.as_str());
        format!("{module}.{qualname}")
    }

    pub(crate) fn is_async(self, it: FunctionRef) -> bool {
        self.function(it).is_some_and(|it| it.node.is_async())
    }

    pub(crate) fn callees(self, file: FileId, call: &ast::ExprCall) -> &'f [Callee] {
        let place = Place {
            file,
            span: span_of(call),
        };
        self.facts
            .observed
            .calls
            .get(&place)
            .map_or(&[], Vec::as_slice)
    }

    /// The functions of the project that a call runs.
    pub(crate) fn functions(
        self,
        file: FileId,
        call: &ast::ExprCall,
    ) -> impl Iterator<Item = FunctionRef> + 'f {
        let callees = self.callees(file, call).iter();
        callees.filter_map(|callee| match callee {
            Callee::Function(it) => Some(*it),
            _ => None,
        })
    }

    /// The functions of the project that a call is given, and that are run for it.
    pub(crate) fn callbacks(
        self,
        file: FileId,
        call: &ast::ExprCall,
    ) -> impl Iterator<Item = FunctionRef> + 'f {
        let callees = self.callees(file, call).iter();
        callees.filter_map(|callee| match callee {
            Callee::Callback(it) => Some(*it),
            _ => None,
        })
    }

    /// The function, and those that it calls.
    pub(crate) fn runs_from(self, start: FunctionRef) -> BTreeSet<FunctionRef> {
        let mut runs = BTreeSet::from([start]);
        let mut pending = vec![start];
        while let Some(at) = pending.pop() {
            let called = self.own_calls(at).map(|(_, callee)| callee);
            pending.extend(called.filter(|it| runs.insert(*it)));
        }
        runs
    }

    /// Whether a call is of one of these names outside the project.
    pub(crate) fn calls(self, file: FileId, call: &ast::ExprCall, names: &[&str]) -> bool {
        let is_it = |callee: &Callee| matches!(callee, Callee::External(name) if names.contains(&name.as_str()));
        self.callees(file, call).iter().any(is_it)
    }

    /// The classes that an attribute belongs to.
    pub(crate) fn owners(self, file: FileId, attribute: &ast::ExprAttribute) -> &'f [ClassRef] {
        let place = Place {
            file,
            span: span_of(attribute),
        };
        self.facts
            .observed
            .owners
            .get(&place)
            .map_or(&[], Vec::as_slice)
    }

    /// Whether awaiting may let other code of the workflow run: anything may, but a coroutine of the
    /// project that awaits nothing of the kind itself.
    pub(crate) fn suspends(self, file: FileId, awaited: &Expr) -> bool {
        self.suspends_within(file, awaited, &mut BTreeSet::new())
    }

    fn suspends_within(
        self,
        file: FileId,
        awaited: &Expr,
        seen: &mut BTreeSet<FunctionRef>,
    ) -> bool {
        let Expr::Call(call) = awaited else {
            return true;
        };
        let callees = self.callees(file, call);
        let does = |callee: &Callee, seen: &mut BTreeSet<FunctionRef>| match callee {
            Callee::Function(it) => self.is_async(*it) && self.function_suspends(*it, seen),
            // A queue takes what it gets at once, unless it is bounded and full.
            Callee::External(name) => name != "asyncio.Queue.put",
            Callee::Class(_) => true,
            Callee::Callback(_) => false,
        };
        callees.is_empty() || callees.iter().any(|callee| does(callee, seen))
    }

    fn function_suspends(self, it: FunctionRef, seen: &mut BTreeSet<FunctionRef>) -> bool {
        seen.insert(it)
            && own_nodes(self.function(it)).any(|node| match node {
                Node::Expr(Expr::Await(awaited)) => {
                    self.suspends_within(it.file, &awaited.value, seen)
                }
                Node::Stmt(Stmt::For(it)) => it.is_async,
                Node::Stmt(Stmt::With(with)) => with.is_async && !self.is_never_held(it.file, with),
                _ => false,
            })
    }

    /// Whether `async with` enters an attribute under which no code of the file waits: if it is a
    /// lock, it is free whenever somebody comes.
    fn is_never_held(self, file: FileId, with: &ast::StmtWith) -> bool {
        let Some(index) = self.facts.project.module(file).map(Module::index) else {
            return false;
        };
        let name = |item: &ast::WithItem| match &item.context_expr {
            Expr::Attribute(it) => Some(it.attr.clone()),
            _ => None,
        };
        let waits = |body: &[Stmt]| {
            nodes_of(body).iter().any(|node| match node {
                Node::Expr(it) => it.is_await_expr(),
                Node::Stmt(Stmt::For(it)) => it.is_async,
                Node::Stmt(Stmt::With(it)) => it.is_async,
                Node::Stmt(_) => false,
            })
        };
        with.items.iter().all(|item| {
            name(item).is_some_and(|lock| {
                let all = index.functions.iter().flat_map(|it| own_nodes(Some(it)));
                let mut sections = all.filter_map(|node| match node {
                    Node::Stmt(Stmt::With(it)) if it.is_async => Some(it),
                    _ => None,
                });
                sections.all(|it| {
                    let enters = it.items.iter().any(|it| name(it).as_ref() == Some(&lock));
                    !enters || !waits(&it.body)
                })
            })
        })
    }

    /// Whether running the function may let other code of the workflow run before it is done.
    pub(crate) fn may_be_interrupted(self, it: FunctionRef) -> bool {
        self.is_async(it) && self.function_suspends(it, &mut BTreeSet::new())
    }

    /// Whether the function uses the workflow API and neither asks whether it may nor catches that
    /// it may not.
    pub(crate) fn runs_only_in_workflows(self, it: FunctionRef) -> bool {
        let (mut uses, mut asks) = (false, false);
        for node in own_nodes(self.function(it)) {
            match node {
                Node::Stmt(Stmt::Try(_)) => asks = true,
                Node::Expr(Expr::Call(call)) => {
                    for name in self.externals(it.file, call) {
                        uses |= is_of_workflows(name);
                        asks |= name.ends_with(".in_workflow");
                    }
                }
                _ => {}
            }
        }
        uses && !asks
    }

    /// Whether the function, or one that it calls, uses the workflow API.
    pub(crate) fn reaches_workflow_api(self, it: FunctionRef) -> bool {
        let mut seen = BTreeSet::from([it]);
        let mut pending = vec![it];
        while let Some(at) = pending.pop() {
            for node in own_nodes(self.function(at)) {
                let Node::Expr(Expr::Call(call)) = node else {
                    continue;
                };
                if self.externals(at.file, call).any(is_of_workflows) {
                    return true;
                }
                pending.extend(self.functions(at.file, call).filter(|it| seen.insert(*it)));
            }
        }
        false
    }

    /// The names of what a call runs that is not part of the project.
    pub(crate) fn externals(
        self,
        file: FileId,
        call: &ast::ExprCall,
    ) -> impl Iterator<Item = &'f str> {
        self.callees(file, call)
            .iter()
            .filter_map(|callee| match callee {
                Callee::External(name) => Some(name.as_str()),
                _ => None,
            })
    }

    /// The calls in a function that one of these external names is behind.
    pub(crate) fn calls_of(
        self,
        it: FunctionRef,
        names: &'f [&'f str],
    ) -> impl Iterator<Item = &'p ast::ExprCall> + 'f
    where
        'p: 'f,
    {
        own_nodes(self.function(it)).filter_map(move |node| match node {
            Node::Expr(Expr::Call(call)) if self.calls(it.file, call, names) => Some(call),
            _ => None,
        })
    }

    /// The shortest way from a function to another one over calls of a kind: the calls, as steps.
    fn path(
        self,
        from: FunctionRef,
        to: FunctionRef,
        is_followed: &dyn Fn(FunctionRef, &ast::ExprCall, FunctionRef) -> bool,
    ) -> Vec<TraceStep> {
        let mut before: BTreeMap<FunctionRef, (FunctionRef, &ast::ExprCall)> = BTreeMap::new();
        let mut queue = std::collections::VecDeque::from([from]);
        while let Some(at) = queue.pop_front() {
            if at == to {
                break;
            }
            for (call, callee) in self.own_calls(at) {
                let is_new = callee != from && !before.contains_key(&callee);
                if is_new && is_followed(at, call, callee) {
                    before.insert(callee, (at, call));
                    queue.push_back(callee);
                }
            }
        }
        let mut steps = Vec::new();
        let mut at = to;
        while let Some(&(caller, call)) = before.get(&at) {
            steps.push(self.step(caller, call, at));
            at = caller;
        }
        steps.reverse();
        steps
    }

    fn step(self, caller: FunctionRef, call: &ast::ExprCall, callee: FunctionRef) -> TraceStep {
        let short = |it: FunctionRef| self.function(it).map_or("", |it| it.qualname.as_str());
        TraceStep {
            place: Place {
                file: caller.file,
                span: span_of(call),
            },
            function: self.name(caller),
            message: format!("`{}` calls `{}`", short(caller), short(callee)),
        }
    }

    /// The calls in a function with the functions of the project that each runs.
    pub(crate) fn own_calls(
        self,
        it: FunctionRef,
    ) -> impl Iterator<Item = (&'p ast::ExprCall, FunctionRef)> {
        let calls = own_nodes(self.function(it)).filter_map(|node| match node {
            Node::Expr(Expr::Call(call)) => Some(call),
            _ => None,
        });
        calls.flat_map(move |call| {
            let functions: Vec<_> = self.functions(it.file, call).collect();
            functions.into_iter().map(move |callee| (call, callee))
        })
    }
}

/// Whether a name is of what works only in workflows. The logger of a runbook works everywhere, and
/// that of Temporal raises elsewhere, since it asks whether this is a replay.
fn is_of_workflows(name: &str) -> bool {
    let of = |api: &str, elsewhere: [&str; 2]| {
        let member = name.strip_prefix(api);
        member.is_some_and(|it| !elsewhere.iter().any(|free| it.starts_with(free)))
    };
    of("temporalio.workflow.", ["unsafe", "logger.base_logger"])
        || of("ntro.workflow.runbook.", ["unsafe", "logger"])
}

/// A part of the code of a function.
#[derive(Clone, Copy)]
pub(crate) enum Node<'p> {
    Stmt(&'p Stmt),
    Expr(&'p Expr),
}

/// The statements and expressions of a function in the order of the text, without those of the
/// functions and classes in it.
pub(crate) fn own_nodes<'p>(function: Option<&'p Function<'p>>) -> impl Iterator<Item = Node<'p>> {
    let mut collector = Collector(Vec::new());
    match function.map(|it| it.node) {
        Some(FunctionNode::Def(def)) => collector.visit_body(&def.body),
        Some(FunctionNode::Lambda(lambda)) => collector.visit_expr(&lambda.body),
        Some(FunctionNode::Module(_)) | None => {}
    }
    collector.0.into_iter()
}

/// The same for some statements.
pub(crate) fn nodes_of(body: &[Stmt]) -> Vec<Node<'_>> {
    let mut collector = Collector(Vec::new());
    collector.visit_body(body);
    collector.0
}

/// The same for one expression.
pub(crate) fn nodes_of_expr(expr: &Expr) -> Vec<Node<'_>> {
    let mut collector = Collector(Vec::new());
    collector.visit_expr(expr);
    collector.0
}

/// The blocks of statements that stand directly in a statement, but for those of functions and classes.
pub(crate) fn bodies(statement: &Stmt) -> Vec<&[Stmt]> {
    match statement {
        Stmt::If(it) => {
            let others = it.elif_else_clauses.iter().map(|it| &it.body[..]);
            std::iter::once(&it.body[..]).chain(others).collect()
        }
        Stmt::For(it) => vec![&it.body, &it.orelse],
        Stmt::While(it) => vec![&it.body, &it.orelse],
        Stmt::With(it) => vec![&it.body],
        Stmt::Match(it) => it.cases.iter().map(|it| &it.body[..]).collect(),
        Stmt::Try(it) => {
            let handlers = it.handlers.iter();
            let handlers = handlers.map(|ExceptHandler::ExceptHandler(it)| &it.body[..]);
            [&it.body[..], &it.orelse, &it.finalbody]
                .into_iter()
                .chain(handlers)
                .collect()
        }
        _ => Vec::new(),
    }
}

/// What a statement tries with an eye on an exception of this name.
pub(crate) fn tried(node: &Node<'_>, exception: &str) -> Vec<Span> {
    let names_it = |it: &Expr| {
        let mut nodes = nodes_of_expr(it).into_iter();
        nodes.any(|node| matches!(node, Node::Expr(Expr::Name(it)) if it.id.as_str() == exception))
    };
    let catches = |it: &ExceptHandler| {
        let ExceptHandler::ExceptHandler(it) = it;
        it.type_.as_deref().is_some_and(names_it)
    };
    let suppresses = |it: &ast::WithItem| {
        let call = it.context_expr.as_call_expr();
        let call = call.filter(|it| matches!(last_name(&it.func), "raises" | "suppress"));
        call.is_some_and(|it| it.arguments.args.iter().any(names_it))
    };
    let body = match node {
        Node::Stmt(Stmt::Try(it)) if it.handlers.iter().any(catches) => &it.body,
        Node::Stmt(Stmt::With(it)) if it.items.iter().any(suppresses) => &it.body,
        _ => return Vec::new(),
    };
    body.iter().map(span_of).collect()
}

struct Collector<'p>(Vec<Node<'p>>);

impl<'p> Visitor<'p> for Collector<'p> {
    fn visit_stmt(&mut self, statement: &'p Stmt) {
        self.0.push(Node::Stmt(statement));
        if !matches!(statement, Stmt::FunctionDef(_) | Stmt::ClassDef(_)) {
            walk_stmt(self, statement);
        }
    }

    fn visit_expr(&mut self, expression: &'p Expr) {
        self.0.push(Node::Expr(expression));
        if !matches!(expression, Expr::Lambda(_)) {
            walk_expr(self, expression);
        }
    }

    fn visit_annotation(&mut self, _annotation: &'p Expr) {}
}

/// A place in the code that an entry point runs.
pub(crate) struct Culprit {
    pub(crate) function: FunctionRef,
    pub(crate) span: Span,
    /// What happens there, as the last step of the way says it.
    pub(crate) about: String,
}

impl Culprit {
    pub(crate) fn new(function: FunctionRef, span: Span, about: impl Into<String>) -> Self {
        Self {
            function,
            span,
            about: about.into(),
        }
    }

    pub(crate) fn place(&self) -> Place {
        Place {
            file: self.function.file,
            span: self.span,
        }
    }
}

/// Where a finding is shown, and the way from there to the culprit.
pub(crate) struct Way {
    pub(crate) place: Place,
    /// Empty if the culprit is at `place`; otherwise its last step is the culprit.
    pub(crate) trace: Vec<TraceStep>,
}

impl<'f, 'p> Program<'f, 'p> {
    /// The way from an entry point to a culprit: it is shown where it leaves the workflow class.
    pub(crate) fn way(self, running: Running<'_>, entry: FunctionRef, culprit: Culprit) -> Way {
        self.way_over(running, entry, culprit, &|_, _, _| true)
    }

    /// The same over calls of a kind: each is given with its function and the one that it runs.
    pub(crate) fn way_over(
        self,
        running: Running<'_>,
        entry: FunctionRef,
        culprit: Culprit,
        is_followed: &dyn Fn(FunctionRef, &ast::ExprCall, FunctionRef) -> bool,
    ) -> Way {
        let at = culprit.place();
        let own = |it: &TraceStep| self.is_own(running, it.place);
        let path = self.path(entry, culprit.function, is_followed);
        let leaves = path.iter().rposition(own);
        let Some(leaves) = leaves.filter(|_| !self.is_own(running, at)) else {
            return Way {
                place: at,
                trace: Vec::new(),
            };
        };
        let mut trace = path[leaves + 1..].to_vec();
        trace.push(TraceStep {
            place: at,
            function: self.name(culprit.function),
            message: culprit.about,
        });
        Way {
            place: path[leaves].place,
            trace,
        }
    }

    /// Whether a place is in the body of the workflow class or of a base of it.
    pub(crate) fn is_own(self, running: Running<'_>, place: Place) -> bool {
        running.reach.bases.iter().any(|class| {
            let index = self.facts.project.module(class.file).map(Module::index);
            index.is_some_and(|index| {
                let span = span_of(index.class(class.ix).node);
                class.file == place.file && span.contains(place.span)
            })
        })
    }
}
