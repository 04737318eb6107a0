//! How `run` takes messages out of the one attribute that has room for one, and what it does until it comes back.

use std::collections::BTreeSet;

use lint_core::diagnostic::{Severity, Span};
use lint_core::facts::FunctionRef;
use lint_core::knowledge::Role;
use lint_core::syntax::ast::{self, Expr, Stmt};
use lint_core::syntax::span_of;

use super::blocks::goes_on;
use super::kept::{Messages, is_attribute};
use super::mentioned::called_in;
use super::stale::is_empty;
use super::stores::{is_false, stored};
use crate::program::{Node, Running, nodes_of, nodes_of_expr, own_nodes};

/// Helpers are followed this far.
const MAX_DEPTH: usize = 3;

/// An attribute in which a handler puts what a message brings, whatever is there.
pub(super) struct Slot<'p> {
    pub(super) name: &'p str,
    pub(super) handler: String,
    /// The handler, and where it or what it calls does so.
    pub(super) entry: FunctionRef,
    pub(super) at: (FunctionRef, Span),
    /// The attribute, and the flags and events that the handler raises beside it.
    pub(super) tells: BTreeSet<&'p str>,
}

/// The functions that run because the workflow does, and not because of a message.
pub(super) fn once(running: Running<'_>) -> BTreeSet<FunctionRef> {
    running.runs_of(|role| matches!(role, Role::Run | Role::Step | Role::Hook))
}

/// What `run` does that matters to a slot.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    /// It waits until something is there.
    Waits,
    Reads,
    /// It sets back what tells that something is there.
    Frees,
    /// It lets other messages come.
    Works,
}

/// The steps of some code, in their order.
type Steps = Vec<(Span, Step)>;

/// `run` of a workflow, as it deals with one slot.
pub(super) struct Taker<'a, 'f, 'p> {
    messages: &'a Messages<'f, 'p>,
    slot: &'a Slot<'p>,
    functions: BTreeSet<FunctionRef>,
    /// Those of them that look at what tells of a message, or call one that does.
    looking: BTreeSet<FunctionRef>,
}

impl<'a, 'f, 'p> Taker<'a, 'f, 'p> {
    pub(super) fn new(messages: &'a Messages<'f, 'p>, slot: &'a Slot<'p>) -> Self {
        let functions = once(messages.running);
        let tells = |it| slot.tells.iter().any(|name| messages.mentions(it, name));
        let looks = |it: &FunctionRef| messages.program.runs_from(*it).into_iter().any(tells);
        let looking = functions.iter().copied().filter(looks).collect();
        Self {
            messages,
            slot,
            functions,
            looking,
        }
    }

    /// Whether several messages may come before `run` looks again, each of which it would hand on. That it wants all of
    /// them is certain if they drive a loop.
    pub(super) fn loses(&self) -> Option<Severity> {
        let mut looking = self.looking.iter();
        match self.is_handed_on() {
            true if looking.clone().any(|it| self.is_driven(*it)) => Some(Severity::Warning),
            true if looking.any(|it| self.waits_again(*it)) => Some(Severity::Info),
            _ => None,
        }
    }

    /// Whether messages drive a loop of a function: it waits for one and then works on it. Behind a step that asks for an
    /// answer, the last one may be meant to count.
    fn is_driven(&self, function: FunctionRef) -> bool {
        let program = self.messages.program;
        let mut loops = own_nodes(program.function(function)).filter_map(|node| match node {
            Node::Stmt(
                Stmt::While(ast::StmtWhile { body, .. }) | Stmt::For(ast::StmtFor { body, .. }),
            ) => Some(&body[..]),
            _ => None,
        });
        loops.any(|body| {
            let steps = self.steps(function, nodes_of(body), 0);
            let twice: Steps = steps.iter().chain(&steps).copied().collect();
            let first = steps.iter().find(|it| it.1 != Step::Frees);
            let first = first.filter(|it| it.1 == Step::Waits);
            first.is_some_and(|it| goes_on(program, function, body, it.0))
                && late_waits(&twice).next().is_some()
        })
    }

    /// Whether a function waits for one message, works on it and then waits for another one.
    fn waits_again(&self, function: FunctionRef) -> bool {
        let program = self.messages.program;
        let body = program.def(function).map_or(&[][..], |it| &it.body[..]);
        let steps = self.steps(function, nodes_of(body), 0);
        late_waits(&steps).any(|(one, other)| {
            let (one, rest) = (steps[one].0, &steps[other..]);
            one.end <= rest[0].0.start
                && self.messages.comes_to(function, body, one, rest[0].0)
                && rest.iter().any(|it| it.1 == Step::Reads)
        })
    }

    /// What some code of a function does, and what it calls.
    fn steps(&self, function: FunctionRef, nodes: Vec<Node<'p>>, depth: usize) -> Steps {
        let program = self.messages.program;
        let mut steps = Vec::new();
        for node in nodes {
            match node {
                Node::Stmt(it) if self.frees(it) => steps.push((span_of(it), Step::Frees)),
                Node::Expr(Expr::Attribute(it)) if self.is_read(it) => {
                    steps.push((span_of(it), Step::Reads));
                }
                Node::Expr(expr @ Expr::Await(it)) => {
                    let step = self.awaits(function, &it.value, depth);
                    steps.extend(step.map(|it| (span_of(expr), it)));
                }
                Node::Expr(Expr::Call(call)) => {
                    let callees = program.functions(function.file, call);
                    let inner = callees.flat_map(|it| self.within(it, depth));
                    steps.extend(inner.map(|(_, it)| (span_of(call), it)));
                }
                _ => {}
            }
        }
        steps.sort_by_key(|(at, _)| at.end);
        steps
    }

    fn within(&self, function: FunctionRef, depth: usize) -> Steps {
        if depth == MAX_DEPTH || !self.looking.contains(&function) {
            return Vec::new();
        }
        let nodes = own_nodes(self.messages.program.function(function));
        self.steps(function, nodes.collect(), depth + 1)
    }

    /// What it is to await something, but for what functions of the workflow do that it calls.
    fn awaits(&self, function: FunctionRef, awaited: &'p Expr, depth: usize) -> Option<Step> {
        let program = self.messages.program;
        let asked = self.messages.waited_for(function, awaited);
        if !asked.is_disjoint(&self.slot.tells) {
            return Some(Step::Waits);
        }
        let waits = |it| {
            let steps = self.within(it, depth).into_iter();
            steps.map(|it| it.1).any(|it| it == Step::Waits)
        };
        let mut called = called_in(program, function, awaited).into_iter();
        (program.suspends(function.file, awaited) && !called.any(waits)).then_some(Step::Works)
    }

    fn is_read(&self, attribute: &ast::ExprAttribute) -> bool {
        attribute.ctx.is_load() && attribute.attr.as_str() == self.slot.name
    }

    /// Whether a statement sets back what tells that something is there.
    fn frees(&self, statement: &Stmt) -> bool {
        let tells = |it: &Expr| self.slot.tells.iter().any(|name| is_attribute(it, name));
        let cleared = || {
            let method = statement.as_expr_stmt()?.value.as_call_expr()?;
            let method = method.func.as_attribute_expr()?;
            Some(method.attr.as_str() == "clear" && tells(&method.value))
        };
        match stored(statement, &tells) {
            Some(value) => value.is_none_or(|it| is_false(it) || is_empty(it)),
            None => cleared() == Some(true),
        }
    }

    /// Whether the message itself goes to a function of the project or to what is awaited.
    fn is_handed_on(&self) -> bool {
        let program = self.messages.program;
        let (mut givers, mut holders) = (BTreeSet::new(), BTreeSet::new());
        // A helper may take it for another one that takes it for `run`.
        for _ in 0..MAX_DEPTH {
            for &function in &self.functions {
                for node in own_nodes(program.function(function)) {
                    let holds = |it: &Expr| self.holds(function, it, &givers, &holders);
                    match node {
                        Node::Stmt(Stmt::Return(it)) if it.value.as_deref().is_some_and(holds) => {
                            givers.insert(function);
                        }
                        Node::Stmt(Stmt::Assign(it)) => {
                            let held = it.targets.iter().flat_map(|target| held(target, &it.value));
                            let names = held.filter(|(_, value)| holds(value));
                            let names: Vec<_> = names.map(|(name, _)| (function, name)).collect();
                            holders.extend(names);
                        }
                        _ => {}
                    }
                }
            }
        }
        self.functions.iter().any(|&function| {
            own_nodes(program.function(function)).any(|node| {
                let given = match node {
                    Node::Expr(Expr::Await(it)) => it.value.as_call_expr(),
                    Node::Expr(Expr::Call(it)) => {
                        program.functions(function.file, it).next().map(|_| it)
                    }
                    _ => None,
                };
                let arguments = given.iter().flat_map(|it| it.arguments.iter_source_order());
                let mut nodes = arguments.flat_map(|it| nodes_of_expr(it.value()));
                nodes.any(|node| match node {
                    Node::Expr(it) => self.holds(function, it, &givers, &holders),
                    Node::Stmt(_) => false,
                })
            })
        })
    }

    /// Whether a value is the message, or a part of it.
    fn holds(
        &self,
        function: FunctionRef,
        value: &Expr,
        givers: &BTreeSet<FunctionRef>,
        holders: &BTreeSet<(FunctionRef, &str)>,
    ) -> bool {
        let program = self.messages.program;
        let holds = |it: &Expr| self.holds(function, it, givers, holders);
        match value {
            Expr::Attribute(it) => self.is_read(it) || holds(&it.value),
            Expr::Subscript(it) => holds(&it.value),
            Expr::Name(it) => holders.contains(&(function, it.id.as_str())),
            Expr::BoolOp(it) => it.values.iter().any(holds),
            Expr::Tuple(it) => it.elts.iter().any(holds),
            Expr::Await(it) => holds(&it.value),
            Expr::Call(it) => {
                let mut callees = program.functions(function.file, it);
                callees.any(|it| givers.contains(&it))
                    || it
                        .func
                        .as_attribute_expr()
                        .is_some_and(|it| holds(&it.value))
            }
            _ => false,
        }
    }
}

/// The variables of a target, and what each of them is given.
fn held<'p>(target: &'p Expr, value: &'p Expr) -> Vec<(&'p str, &'p Expr)> {
    match (target, value) {
        (Expr::Name(it), value) => vec![(it.id.as_str(), value)],
        (Expr::Tuple(targets), Expr::Tuple(values)) => {
            let each = targets.elts.iter().zip(&values.elts);
            each.flat_map(|(target, value)| held(target, value))
                .collect()
        }
        (Expr::Tuple(targets), value) => {
            let each = targets.elts.iter();
            each.flat_map(|target| held(target, value)).collect()
        }
        _ => Vec::new(),
    }
}

/// The waits that follow each other while messages may come for which there is room for one: what was there has been
/// read and the place for it is free.
fn late_waits(steps: &Steps) -> impl Iterator<Item = (usize, usize)> {
    let waits: Vec<usize> = (0..steps.len())
        .filter(|ix| steps[*ix].1 == Step::Waits)
        .collect();
    let pairs: Vec<(usize, usize)> = waits.windows(2).map(|it| (it[0], it[1])).collect();
    pairs.into_iter().filter(|&(one, other)| {
        let between = &steps[one + 1..other];
        let last = |step| between.iter().rposition(|it| it.1 == step);
        let first_read = between.iter().position(|it| it.1 == Step::Reads);
        match (first_read, last(Step::Frees), last(Step::Works)) {
            (Some(read), Some(freed), Some(works)) => read < works && freed < works,
            _ => false,
        }
    })
}
