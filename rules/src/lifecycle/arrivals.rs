//! When what a message says comes into the attributes of a workflow: as soon as the message is there,
//! behind an `await`, or when `run` lets it.

use std::collections::{BTreeMap, BTreeSet};

use lint_core::facts::FunctionRef;
use lint_core::syntax::ast::{self, BoolOp, Expr, Stmt};
use lint_core::syntax::span_of;

use super::mentioned::{asked_in, attributes_in, attributes_of, called_in, events_of};
use crate::handlers::Handler;
use crate::program::{Node, Program, bodies, nodes_of_expr, own_nodes};
use crate::sdk;
use crate::writes::{self, Write};

/// What a handler has done before it comes to a place.
#[derive(Clone, Default, PartialEq)]
pub(super) struct Before<'p> {
    pub(super) has_waited: bool,
    /// The attributes on which conditions and events depend that it has waited for.
    waited_for: BTreeSet<&'p str>,
    /// The attributes that it has asked about.
    asked: BTreeSet<&'p str>,
}

impl<'p> Before<'p> {
    /// Whether it has waited for an attribute, or asked about another one, of those that are settled.
    pub(super) fn is_up_to(&self, settled: &BTreeSet<&str>, attribute: &str) -> bool {
        let others = || self.asked.intersection(settled);
        self.waited_for.contains(attribute) || others().any(|it| *it != attribute)
    }

    /// Whether it has asked about the attribute itself.
    pub(super) fn asks_about(&self, attribute: &str) -> bool {
        self.asked.contains(attribute)
    }

    fn add(&mut self, other: &Self) {
        self.has_waited |= other.has_waited;
        self.waited_for.extend(&other.waited_for);
        self.asked.extend(&other.asked);
    }

    /// What has been done on both of two ways.
    fn joined(&self, other: &Self) -> Self {
        Self {
            has_waited: self.has_waited && other.has_waited,
            waited_for: &self.waited_for & &other.waited_for,
            asked: &self.asked & &other.asked,
        }
    }
}

/// What a handler does on its way, function by function.
pub(super) struct Arrivals<'a, 'f, 'p> {
    pub(super) program: Program<'f, 'p>,
    /// All functions of the workflow.
    pub(super) functions: &'a BTreeSet<FunctionRef>,
}

impl<'p> Arrivals<'_, '_, 'p> {
    /// The writes of a handler, and what comes before each; `None` where the way to it is not known. What a
    /// validator refuses, the sender is told.
    pub(super) fn of(
        &self,
        handler: &Handler,
        validators: &[&Handler],
    ) -> Vec<(FunctionRef, Write<'p>, Option<Before<'p>>)> {
        let validated = validators.iter().flat_map(|it| &it.runs);
        let start = Before {
            asked: validated.flat_map(|&it| self.looked_up(it)).collect(),
            ..Before::default()
        };
        let ways = self.ways(handler.function, start);
        let mut found = Vec::new();
        for &function in &handler.runs {
            let way = ways.get(&function);
            let steps = way.map(|_| self.steps(function));
            let mut end = 0;
            for node in own_nodes(self.program.function(function)) {
                // A target is set when its statement is done.
                if let Node::Stmt(it) = node {
                    end = if bodies(it).is_empty() {
                        span_of(it).end
                    } else {
                        0
                    };
                }
                for write in writes::by_node(self.program, function, node) {
                    let at = end.max(span_of(write.node).end) + 1;
                    let before = way
                        .zip(steps.as_ref())
                        .map(|(way, steps)| at_place(way, steps, at));
                    found.push((function, write, before));
                }
            }
        }
        found
    }

    /// The functions that a handler calls, with what it has always done before it enters them.
    fn ways(&self, handler: FunctionRef, start: Before<'p>) -> BTreeMap<FunctionRef, Before<'p>> {
        let mut ways = BTreeMap::from([(handler, start)]);
        let mut pending = vec![handler];
        while let Some(function) = pending.pop() {
            let way = ways[&function].clone();
            let steps = self.steps(function);
            for (call, callee) in self.program.own_calls(function) {
                let here = at_place(&way, &steps, span_of(call).end);
                let known = ways.get(&callee);
                let new = known.map_or_else(|| here.clone(), |it| it.joined(&here));
                if known != Some(&new) {
                    ways.insert(callee, new);
                    pending.push(callee);
                }
            }
        }
        ways
    }

    /// What a function waits for and asks, and where it has done so.
    fn steps(&self, function: FunctionRef) -> Vec<(u32, Before<'p>)> {
        let waited = |it: &'p Expr| {
            let waited_for = self.waited_for(function, it);
            let before = Before {
                has_waited: true,
                asked: waited_for.clone(),
                waited_for,
            };
            (span_of(it).end, before)
        };
        let tested = |it: &'p Expr| {
            let before = Before {
                asked: self.asked(function, it),
                ..Before::default()
            };
            (span_of(it).end, before)
        };
        let steps = own_nodes(self.program.function(function)).flat_map(|node| match node {
            Node::Expr(Expr::Await(it)) if self.program.suspends(function.file, &it.value) => {
                vec![waited(&it.value)]
            }
            Node::Stmt(Stmt::With(it)) if it.is_async => {
                it.items.iter().map(|it| waited(&it.context_expr)).collect()
            }
            Node::Stmt(Stmt::If(it)) => {
                let others = it
                    .elif_else_clauses
                    .iter()
                    .filter_map(|it| it.test.as_ref());
                std::iter::once(&*it.test)
                    .chain(others)
                    .map(tested)
                    .collect()
            }
            Node::Stmt(
                Stmt::While(ast::StmtWhile { test, .. })
                | Stmt::Assert(ast::StmtAssert { test, .. })
                | Stmt::Match(ast::StmtMatch { subject: test, .. }),
            )
            | Node::Expr(Expr::If(ast::ExprIf { test, .. })) => vec![tested(test)],
            Node::Expr(it @ Expr::Call(call)) => {
                let asked = self.checked(function, call);
                let before = Before {
                    asked,
                    ..Before::default()
                };
                vec![(span_of(it).end, before)]
            }
            _ => Vec::new(),
        });
        steps.collect()
    }

    /// What the conditions and events are made of for which an awaited expression waits, or what it calls.
    fn waited_for(&self, function: FunctionRef, awaited: &'p Expr) -> BTreeSet<&'p str> {
        const EVENT: &[&str] = &["asyncio.Event.wait"];
        let program = self.program;
        let calls = nodes_of_expr(awaited).into_iter();
        let mut calls: Vec<_> = calls.map(|it| (function, it)).collect();
        for it in called_in(program, function, awaited) {
            calls.extend(own_nodes(program.function(it)).map(|node| (it, node)));
        }
        let mut asked = BTreeSet::new();
        for (function, node) in calls {
            let Node::Expr(expr @ Expr::Call(call)) = node else {
                continue;
            };
            if program.calls(function.file, call, sdk::WAIT_CONDITION) {
                asked.extend(self.asked(function, expr));
            } else if program.calls(function.file, call, EVENT) {
                let event = call.func.as_attribute_expr();
                let event = event.and_then(|it| it.value.as_attribute_expr());
                asked.extend(event.map(|it| it.attr.as_str()));
            }
        }
        asked
    }

    fn looked_up(&self, function: FunctionRef) -> BTreeSet<&'p str> {
        let def = self.program.def(function);
        def.map(attributes_of).unwrap_or_default()
    }

    fn asked(&self, function: FunctionRef, expr: &'p Expr) -> BTreeSet<&'p str> {
        asked_in(self.program, self.functions, function, expr)
    }

    /// What helpers ask about that a call runs and that may refuse to go on.
    fn checked(&self, function: FunctionRef, call: &ast::ExprCall) -> BTreeSet<&'p str> {
        let called = self.program.functions(function.file, call);
        let called = called.flat_map(|it| self.program.runs_from(it));
        let raises = |it: &FunctionRef| {
            own_nodes(self.program.function(*it))
                .any(|node| matches!(node, Node::Stmt(Stmt::Raise(_))))
        };
        called
            .filter(raises)
            .flat_map(|it| self.looked_up(it))
            .collect()
    }
}

/// The attributes that functions set, events included.
pub(super) fn set_by<'p>(
    program: Program<'_, 'p>,
    functions: &BTreeSet<FunctionRef>,
) -> BTreeSet<&'p str> {
    let mut set = BTreeSet::new();
    for &function in functions {
        let writes = writes::in_function(program, function).into_iter();
        let bound = writes.filter(|it| it.binds);
        set.extend(bound.map(|it| it.attribute.name));
        set.extend(events_of(program, function));
    }
    set
}

/// The attributes for which functions wait, so that they are as they are wanted from then on.
pub(super) fn waited_by<'p>(
    program: Program<'_, 'p>,
    functions: &BTreeSet<FunctionRef>,
) -> BTreeSet<&'p str> {
    let mut waited = BTreeSet::new();
    for &function in functions {
        for call in program.calls_of(function, sdk::WAIT_CONDITION) {
            let predicate = call.arguments.args.first();
            let condition = predicate.and_then(|it| it.as_lambda_expr());
            let certain = condition.map_or(Vec::new(), |it| conjuncts(&it.body));
            waited.extend(certain.into_iter().flat_map(attributes_in));
        }
    }
    waited
}

/// The parts of a condition that all have to be true, but for those that leave a choice.
fn conjuncts(test: &Expr) -> Vec<&Expr> {
    match test {
        Expr::BoolOp(it) if it.op == BoolOp::And => it.values.iter().flat_map(conjuncts).collect(),
        Expr::BoolOp(_) => Vec::new(),
        other => vec![other],
    }
}

/// What has been done before a place of a function, on the way to it and in it.
fn at_place<'p>(way: &Before<'p>, steps: &[(u32, Before<'p>)], at: u32) -> Before<'p> {
    let mut before = way.clone();
    for (_, step) in steps.iter().filter(|(end, _)| *end < at) {
        before.add(step);
    }
    before
}
