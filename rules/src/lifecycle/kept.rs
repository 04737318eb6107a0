//! What the handlers of a workflow keep for `run`.

use std::collections::{BTreeMap, BTreeSet};

use lint_core::diagnostic::{Severity, Span};
use lint_core::facts::FunctionRef;
use lint_core::knowledge::Role;
use lint_core::syntax::ast::{Expr, Stmt};
use lint_core::syntax::span_of;

use super::arrivals::{Arrivals, set_by};
use super::beginning::Beginning;
use super::members::finds;
use super::mentioned::attributes_of;
use super::stale::is_empty;
use super::stores::is_false;
use crate::handlers::Handler;
use crate::program::{Node, Program, Running, is_handler, own_nodes};
use crate::writes::{self, Resize, Write};

/// A place where some of it is lost.
pub(super) struct Lost {
    pub(super) function: FunctionRef,
    pub(super) span: Span,
    pub(super) message: String,
    pub(super) help: &'static str,
    pub(super) severity: Severity,
}

/// The messages of one workflow.
pub(super) struct Messages<'f, 'p> {
    pub(super) program: Program<'f, 'p>,
    pub(super) running: Running<'f>,
    /// The handlers that may run before `run`.
    pub(super) early: Vec<Handler>,
    /// All functions of the workflow.
    pub(super) functions: BTreeSet<FunctionRef>,
    /// Those that make it.
    pub(super) makers: BTreeSet<FunctionRef>,
    /// The attributes of the workflow that early handlers write to at once, with the name of one.
    pub(super) kept: BTreeMap<&'p str, String>,
    /// Of these, those that they write to whatever is in them.
    pub(super) kept_unasked: BTreeMap<&'p str, String>,
    /// Those that they write to behind an `await`.
    pub(super) kept_later: BTreeMap<&'p str, String>,
    /// Those whose containers they put something into, whatever is in them.
    pub(super) filled: BTreeMap<&'p str, String>,
    /// Those that they set to something empty.
    pub(super) lowered: BTreeMap<&'p str, String>,
    /// Those that are there before `run`, or that handlers set.
    pub(super) begun: BTreeSet<&'p str>,
    /// Those to which signals add, with the name of one.
    pub(super) queues: BTreeMap<&'p str, String>,
}

impl<'f, 'p> Messages<'f, 'p> {
    pub(super) fn new(program: Program<'f, 'p>, running: Running<'f>) -> Self {
        let mut messages = Self {
            program,
            running,
            early: Vec::new(),
            functions: running.runs_of(|_| true),
            makers: running.runs_of(|role| role == Role::Init),
            kept: BTreeMap::new(),
            kept_unasked: BTreeMap::new(),
            kept_later: BTreeMap::new(),
            filled: BTreeMap::new(),
            lowered: BTreeMap::new(),
            begun: BTreeSet::new(),
            queues: BTreeMap::new(),
        };
        let (handlers, validators) = handlers_and_validators(program, running);
        let once = running.runs_of(|role| matches!(role, Role::Run | Role::Step | Role::Hook));
        let by_run = set_by(program, &once);
        let beginning = Beginning::before_messages(program, running);
        for handler in handlers {
            let own = validators_of(program, &handler, &validators);
            messages.add(&handler, &own, &by_run, &beginning);
            if messages.is_early(&handler) {
                messages.early.push(handler);
            }
        }
        let made = messages.set_in(&messages.makers);
        messages.begun.extend(made);
        let there = messages.there_without_run();
        messages.filled.retain(|name, _| there.contains(name));
        messages
    }

    /// The attributes that are more than `None` without `run`, so that something can be put into them.
    fn there_without_run(&self) -> BTreeSet<&'p str> {
        let handlers = self.early.iter().flat_map(|it| &it.runs);
        let functions: BTreeSet<&FunctionRef> = self.makers.iter().chain(handlers).collect();
        let nodes = functions
            .into_iter()
            .flat_map(|&it| own_nodes(self.program.function(it)));
        let set = nodes.filter_map(|node| match node {
            Node::Stmt(it) => assigned(it),
            Node::Expr(_) => None,
        });
        set.filter(|(_, _, value)| !value.is_none_literal_expr())
            .map(|(_, name, _)| name)
            .collect()
    }

    /// Before `run` registers a handler, its messages wait.
    fn is_early(&self, handler: &Handler) -> bool {
        let registers = handler.registered_by.as_ref();
        registers.is_none_or(|it| self.makers.contains(it))
    }

    pub(super) fn is_own(&self, write: &Write<'_>) -> bool {
        self.running.reach.bases.contains(&write.attribute.owner)
    }

    /// The attributes of the workflow that functions set.
    fn set_in(&self, functions: &BTreeSet<FunctionRef>) -> BTreeSet<&'p str> {
        let writes = functions
            .iter()
            .flat_map(|&it| writes::in_function(self.program, it));
        let set = writes.filter(|it| it.binds && self.is_own(it));
        set.map(|it| it.attribute.name).collect()
    }

    fn add(
        &mut self,
        handler: &Handler,
        validators: &[&Handler],
        by_run: &BTreeSet<&'p str>,
        beginning: &Beginning<'_, 'p>,
    ) {
        let program = self.program;
        let refuses = |it: &&Handler| beginning.stops_in(it.function);
        let is_refused = validators.iter().any(refuses);
        let runs = validators.iter().flat_map(|it| &it.runs);
        let runs: BTreeSet<FunctionRef> = runs.chain(&handler.runs).copied().collect();
        let is_early = self.is_early(handler);
        let arrivals = Arrivals {
            program,
            functions: &self.functions,
        };
        let places = |of: fn(Program<'_, '_>, FunctionRef) -> BTreeSet<Span>| -> BTreeSet<_> {
            let functions = handler.runs.iter();
            let places =
                functions.flat_map(|&it| of(program, it).into_iter().map(move |at| (it, at)));
            places.collect()
        };
        let (emptied, added) = (places(emptied), places(added_to));
        for (function, write, before) in arrivals.of(handler, validators) {
            let at = (function, span_of(write.node));
            if !self.is_own(&write) {
                continue;
            }
            let name = write.attribute.name;
            let note = |names: &mut BTreeMap<&'p str, String>| {
                names.entry(name).or_insert_with(|| handler.name.clone());
            };
            let is_up_to_run = before.as_ref().is_some_and(|it| it.is_up_to(by_run, name));
            let mut closed = beginning.closed(function).into_iter();
            let is_closed = is_refused || closed.any(|it| it.contains(at.1));
            let before = before.filter(|_| is_early && !is_up_to_run && !is_closed);
            if emptied.contains(&at) {
                before.iter().for_each(|_| note(&mut self.lowered));
                continue;
            }
            self.begun.extend(write.binds.then_some(name));
            if handler.role == Role::Signal && added.contains(&at) && !is_up_to_run {
                note(&mut self.queues);
            }
            let is_there =
                || write.how == Some(Resize::Sets) && finds(program, &runs, function, write.node);
            let Some(before) = before.filter(|_| !is_there()) else {
                continue;
            };
            let has_asked = before.asks_about(name);
            if !has_asked && write.how.is_some_and(|it| !it.takes()) {
                note(&mut self.filled);
            }
            match before.has_waited {
                true => note(&mut self.kept_later),
                false => note(&mut self.kept),
            }
            if !before.has_waited && !has_asked {
                note(&mut self.kept_unasked);
            }
        }
    }

    pub(super) fn mentions(&self, function: FunctionRef, name: &str) -> bool {
        let def = self.program.def(function);
        def.is_some_and(|it| attributes_of(it).contains(name))
    }
}

/// What messages of a workflow run, and what looks at these messages first.
pub(super) fn handlers_and_validators(
    program: Program<'_, '_>,
    running: Running<'_>,
) -> (Vec<Handler>, Vec<Handler>) {
    let all = Handler::all(program, running).into_iter();
    all.partition(|it| is_handler(it.role))
}

/// The validators of a handler.
pub(super) fn validators_of<'h>(
    program: Program<'_, '_>,
    handler: &Handler,
    validators: &'h [Handler],
) -> Vec<&'h Handler> {
    let own = validators.iter();
    own.filter(|it| is_validator(program, it, handler))
        .collect()
}

/// Whether `@update.validator` stands above one, or both have one name.
pub(super) fn is_validator(
    program: Program<'_, '_>,
    validator: &Handler,
    update: &Handler,
) -> bool {
    let def = program.def(validator.function);
    let decorators = def.map_or(&[][..], |it| &it.decorator_list);
    let mut decorated = decorators
        .iter()
        .filter_map(|it| it.expression.as_attribute_expr());
    validator.name == update.name
        || decorated.any(|it| is_name(&it.value, program.short_name(update.function)))
}

/// The attribute of the workflow that a statement sets, and to what.
pub(super) fn assigned(statement: &Stmt) -> Option<(&Expr, &str, &Expr)> {
    let (target, value) = match statement {
        Stmt::Assign(it) => match &it.targets[..] {
            [target] => (target, &*it.value),
            _ => return None,
        },
        Stmt::AnnAssign(it) => (&*it.target, it.value.as_deref()?),
        _ => return None,
    };
    let attribute = target.as_attribute_expr()?;
    let is_own = is_name(&attribute.value, "self");
    is_own.then_some((target, attribute.attr.as_str(), value))
}

/// The attribute that a statement sets to something empty.
pub(super) fn set_to_empty(statement: &Stmt) -> Option<(&Expr, &str)> {
    let (target, name, value) = assigned(statement)?;
    (is_false(value) || is_empty(value)).then_some((target, name))
}

/// Where a function sets attributes to something empty.
pub(super) fn emptied(program: Program<'_, '_>, function: FunctionRef) -> BTreeSet<Span> {
    let statements = own_nodes(program.function(function)).filter_map(|node| match node {
        Node::Stmt(it) => set_to_empty(it),
        Node::Expr(_) => None,
    });
    statements.map(|(target, _)| span_of(target)).collect()
}

/// Where a function adds to lists and queues.
pub(super) fn added_to(program: Program<'_, '_>, function: FunctionRef) -> BTreeSet<Span> {
    const ADD: &[&str] = &["append", "appendleft", "extend", "insert", "put_nowait"];
    let calls = own_nodes(program.function(function)).filter_map(|node| match node {
        Node::Expr(Expr::Call(call)) => call.func.as_attribute_expr(),
        _ => None,
    });
    let adding = calls.filter(|it| ADD.contains(&it.attr.as_str()));
    adding.map(|it| span_of(&*it.value)).collect()
}

pub(super) fn is_attribute(expr: &Expr, name: &str) -> bool {
    matches!(expr, Expr::Attribute(it) if it.attr.as_str() == name && is_name(&it.value, "self"))
}

pub(super) fn is_name(expr: &Expr, name: &str) -> bool {
    matches!(expr, Expr::Name(it) if it.id.as_str() == name)
}
