//! Where a handler does not come before `run` has begun, since a condition on the way asks for what `run` sets.

use std::collections::{BTreeMap, BTreeSet};

use lint_core::diagnostic::Span;
use lint_core::facts::FunctionRef;
use lint_core::knowledge::Role;
use lint_core::syntax::ast::{BoolOp, Expr, Stmt};
use lint_core::syntax::span_of;

use super::ends::falls_through;
use super::mentioned::{attributes_in, attributes_of, events_of};
use crate::calls::{Value, evaluate};
use crate::program::{Node, Program, Running, bodies, nodes_of_expr, own_nodes};
use crate::writes;

/// What a workflow can be asked to find out whether `run` has begun.
pub(super) struct Beginning<'f, 'p> {
    pub(super) program: Program<'f, 'p>,
    /// The attributes that are there from the start and that `run` changes, with what they are until then, if that
    /// is written out and nobody else changes it.
    flags: BTreeMap<&'p str, Option<Value>>,
    /// Whether a condition is taken to stop a handler if it cannot be told what it says.
    is_cautious: bool,
}

/// What a condition says before `run` has begun: nothing if it does not ask for that, and `Unknown` if it cannot
/// be told what it says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Says {
    Nothing,
    Unknown,
    Is(bool),
}

impl<'f, 'p> Beginning<'f, 'p> {
    pub(super) fn new(program: Program<'f, 'p>, running: Running<'f>) -> Self {
        let is_handlers = |role| !is_run(role) && role != Role::Init;
        Self::unless_changed_by(program, running, is_handlers)
    }

    /// The same as long as no handler has changed what `run` changes, by conditions of which it can be told what they say.
    pub(super) fn before_messages(program: Program<'f, 'p>, running: Running<'f>) -> Self {
        Self {
            is_cautious: false,
            ..Self::unless_changed_by(program, running, |_| false)
        }
    }

    fn unless_changed_by(
        program: Program<'f, 'p>,
        running: Running<'f>,
        is_other: impl Fn(Role) -> bool,
    ) -> Self {
        let written = |functions: BTreeSet<FunctionRef>| -> BTreeSet<&'p str> {
            let functions = functions.into_iter();
            let writes = functions.flat_map(|it| writes::in_function(program, it));
            writes.map(|it| it.attribute.name).collect()
        };
        let by_run = written(running.runs_of(is_run));
        let by_others = written(running.runs_of(is_other));
        let mut flags = BTreeMap::new();
        for (name, value) in made(program, running) {
            let changes = |it: &FunctionRef| events_of(program, *it).any(|it| it == name);
            if by_run.contains(name) || running.runs_of(is_run).iter().any(changes) {
                let known = Value::of(value).filter(|_| !by_others.contains(name));
                let entry = flags.entry(name);
                entry.and_modify(|it| *it = None).or_insert(known);
            }
        }
        Self {
            program,
            flags,
            is_cautious: true,
        }
    }

    /// The parts of a function that are not run before.
    pub(super) fn closed(&self, function: FunctionRef) -> Vec<Span> {
        let mut closed = Vec::new();
        if let Some(def) = self.program.def(function) {
            self.close_in(function, &def.body, &mut closed);
        }
        for node in own_nodes(self.program.function(function)) {
            match node {
                Node::Expr(Expr::BoolOp(it)) => {
                    let span = span_of(it);
                    for operand in &it.values {
                        if self.stops(function, operand, it.op == BoolOp::And) {
                            closed.push(Span::new(span_of(operand).end, span.end));
                        }
                    }
                }
                Node::Expr(Expr::If(it)) => {
                    let wanted = [(&it.body, true), (&it.orelse, false)].into_iter();
                    let stopped = wanted.filter(|(_, is)| self.stops(function, &it.test, *is));
                    closed.extend(stopped.map(|(it, _)| span_of(&**it)));
                }
                _ => {}
            }
        }
        closed
    }

    /// Whether a function does not come to its end before.
    pub(super) fn stops_in(&self, function: FunctionRef) -> bool {
        let body = self
            .program
            .def(function)
            .map_or(&[][..], |it| &it.body[..]);
        body.iter()
            .any(|it| self.close_branches(function, it, &mut Vec::new()))
    }

    fn close_in(&self, function: FunctionRef, body: &'p [Stmt], closed: &mut Vec<Span>) {
        let end = body.last().map_or(0, |it| span_of(it).end);
        for statement in body {
            if self.close_branches(function, statement, closed) {
                closed.push(Span::new(span_of(statement).end, end));
            }
            for inner in bodies(statement) {
                self.close_in(function, inner, closed);
            }
        }
    }

    /// Adds the branches of a statement that are not run before; says whether what follows it is not either.
    fn close_branches(&self, function: FunctionRef, it: &'p Stmt, closed: &mut Vec<Span>) -> bool {
        let leaves = |body: &[Stmt]| !falls_through(self.program, function, body);
        match it {
            Stmt::If(it) => {
                let first = (Some(&*it.test), &it.body[..]);
                let others = it.elif_else_clauses.iter();
                let others = others.map(|it| (it.test.as_ref(), &it.body[..]));
                let (mut is_through, mut is_unknown, mut is_after) = (false, false, false);
                for (test, body) in std::iter::once(first).chain(others) {
                    let says = test.map_or(Says::Nothing, |it| self.says(function, it));
                    closed.extend(test.filter(|_| is_through).map(span_of));
                    if is_through || matches!(says, Says::Unknown | Says::Is(false)) {
                        closed.extend(body.iter().map(span_of));
                    }
                    is_unknown |= says == Says::Unknown;
                    let is_taken = says == Says::Is(true) && !is_through;
                    is_after |= (is_unknown || is_taken) && leaves(body);
                    is_through |= is_unknown || is_taken;
                }
                is_after
            }
            Stmt::While(it) if self.stops(function, &it.test, true) => {
                closed.extend(it.body.iter().map(span_of));
                false
            }
            Stmt::Assert(it) => self.stops(function, &it.test, true),
            _ => false,
        }
    }

    /// Whether a condition is not what it has to be before `run` has begun, as far as anybody can tell.
    fn stops(&self, function: FunctionRef, test: &'p Expr, wanted: bool) -> bool {
        match self.says(function, test) {
            Says::Nothing => false,
            Says::Unknown => true,
            Says::Is(it) => it != wanted,
        }
    }

    fn says(&self, function: FunctionRef, test: &'p Expr) -> Says {
        let mut asked = attributes_in(test);
        for node in nodes_of_expr(test) {
            if let Node::Expr(Expr::Call(call)) = node {
                let called = self.program.functions(function.file, call);
                let defs = called.filter_map(|it| self.program.def(it));
                asked.extend(defs.flat_map(attributes_of));
            }
        }
        let mut flags = self.flags.iter().filter(|(name, _)| asked.contains(*name));
        let says = match (flags.next(), flags.next()) {
            (None, _) => Says::Nothing,
            (Some((name, Some(value))), None) => {
                evaluate(test, name, value).map_or(Says::Unknown, |it| Says::Is(it.is_true()))
            }
            _ => Says::Unknown,
        };
        match says {
            Says::Unknown if !self.is_cautious => Says::Nothing,
            it => it,
        }
    }
}

fn is_run(role: Role) -> bool {
    matches!(role, Role::Run | Role::Step | Role::Hook)
}

/// What the bodies of the classes of a workflow and their `__init__` set, by name.
pub(super) fn made<'p>(program: Program<'_, 'p>, running: Running<'_>) -> Vec<(&'p str, &'p Expr)> {
    let mut found = Vec::new();
    for class in &running.reach.bases {
        let index = program.index(class.file);
        let body = index.map_or(&[][..], |it| &it.class(class.ix).node.body[..]);
        let fields = body.iter().filter_map(assigned);
        found.extend(fields.filter_map(|(target, value)| {
            let name = target.as_name_expr()?;
            Some((name.id.as_str(), value))
        }));
    }
    for function in running.runs_of(|role| role == Role::Init) {
        let statements = own_nodes(program.function(function)).filter_map(|node| match node {
            Node::Stmt(it) => assigned(it),
            Node::Expr(_) => None,
        });
        found.extend(statements.filter_map(|(target, value)| {
            let attribute = target.as_attribute_expr()?;
            Some((attribute.attr.as_str(), value))
        }));
    }
    found
}

fn assigned(statement: &Stmt) -> Option<(&Expr, &Expr)> {
    match statement {
        Stmt::Assign(it) => Some((it.targets.first()?, &*it.value)),
        Stmt::AnnAssign(it) => Some((&*it.target, it.value.as_deref()?)),
        _ => None,
    }
}
