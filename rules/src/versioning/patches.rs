//! The calls of `patched()` and `deprecate_patch()`.

use std::collections::BTreeSet;

use lint_core::diagnostic::Span;
use lint_core::facts::{EntryReach, FunctionRef};
use lint_core::index::FunctionNode;
use lint_core::syntax::ast::{self, Expr, Stmt};
use lint_core::syntax::span_of;

use crate::program::{Culprit, Node, Program, own_nodes};

const PATCHED: &[&str] = &["temporalio.workflow.patched"];
const DEPRECATED: &[&str] = &["temporalio.workflow.deprecate_patch"];

/// One place that asks for a patch.
#[derive(Clone, Copy)]
pub(super) struct Asked<'p> {
    pub(super) function: FunctionRef,
    pub(super) call: &'p ast::ExprCall,
    pub(super) deprecates: bool,
}

impl<'p> Asked<'p> {
    pub(super) fn culprit(&self) -> Culprit {
        Culprit::new(
            self.function,
            span_of(self.call),
            "the patch is asked for here",
        )
    }

    pub(super) fn id(&self) -> Option<&'p Expr> {
        let by_name = self.call.arguments.find_keyword("id").map(|it| &it.value);
        self.call.arguments.args.first().or(by_name)
    }

    /// The id if it is written out.
    pub(super) fn text(&self) -> Option<&'p str> {
        match self.id()? {
            Expr::StringLiteral(it) => Some(it.value.to_str()),
            _ => None,
        }
    }
}

/// The places that an entry point reaches.
pub(super) fn asked<'p>(program: Program<'_, 'p>, reach: &EntryReach) -> Vec<Asked<'p>> {
    let mut found = Vec::new();
    for &function in &reach.runs {
        for node in own_nodes(program.function(function)) {
            let Node::Expr(Expr::Call(call)) = node else {
                continue;
            };
            let deprecates = program.calls(function.file, call, DEPRECATED);
            if deprecates || program.calls(function.file, call, PATCHED) {
                found.push(Asked {
                    function,
                    call,
                    deprecates,
                });
            }
        }
    }
    found
}

/// The place that asks, and the calls of helpers on the ways there.
pub(super) fn ways_to(
    program: Program<'_, '_>,
    reach: &EntryReach,
    asked: &Asked<'_>,
) -> Vec<(FunctionRef, Span)> {
    let mut ways = vec![(asked.function, span_of(asked.call))];
    let mut seen = BTreeSet::from([asked.function]);
    let mut next = 0;
    while let Some(&(function, _)) = ways.get(next) {
        next += 1;
        for &caller in &reach.runs {
            let calls = program.own_calls(caller);
            let there: Vec<Span> = calls
                .filter(|(_, callee)| *callee == function)
                .map(|(call, _)| span_of(call))
                .collect();
            if !there.is_empty() && seen.insert(caller) {
                ways.extend(there.into_iter().map(|span| (caller, span)));
            }
        }
    }
    ways
}

/// The statements and conditions around a place in a function, outermost first.
pub(super) fn around<'p>(
    program: Program<'_, 'p>,
    function: FunctionRef,
    at: Span,
) -> Vec<Around<'p>> {
    let body = match program.function(function).map(|it| it.node) {
        Some(FunctionNode::Def(def)) => &def.body[..],
        _ => return Vec::new(),
    };
    let mut found = Vec::new();
    walk(body, at, &mut found);
    found
}

/// Something that decides whether, or how often, a place is reached.
#[derive(Clone, Copy)]
pub(super) enum Around<'p> {
    Loop(&'p Stmt),
    Condition(&'p Expr),
}

fn walk<'p>(body: &'p [Stmt], at: Span, found: &mut Vec<Around<'p>>) {
    for (ix, statement) in body.iter().enumerate() {
        if !span_of(statement).contains(at) {
            continue;
        }
        // What leaves early before it decides over it too.
        for before in &body[..ix] {
            if let Stmt::If(it) = before
                && leaves(&it.body)
            {
                found.push(Around::Condition(&it.test));
            }
        }
        enter(statement, at, found);
    }
}

fn leaves(body: &[Stmt]) -> bool {
    matches!(
        body.last(),
        Some(Stmt::Return(_) | Stmt::Continue(_) | Stmt::Break(_))
    )
}

fn enter<'p>(statement: &'p Stmt, at: Span, found: &mut Vec<Around<'p>>) {
    match statement {
        Stmt::If(it) => {
            if span_of(&*it.test).contains(at) {
                operands(&it.test, at, found);
                return;
            }
            found.push(Around::Condition(&it.test));
            walk(&it.body, at, found);
            for clause in &it.elif_else_clauses {
                if let Some(test) = &clause.test {
                    if span_of(test).contains(at) {
                        operands(test, at, found);
                    } else if span_of(clause).contains(at) {
                        found.push(Around::Condition(test));
                    }
                }
                walk(&clause.body, at, found);
            }
        }
        Stmt::While(it) => {
            found.push(Around::Loop(statement));
            if span_of(&*it.test).contains(at) {
                operands(&it.test, at, found);
            } else {
                walk(&it.body, at, found);
            }
        }
        Stmt::For(it) if !span_of(&*it.iter).contains(at) => {
            found.push(Around::Loop(statement));
            walk(&it.body, at, found);
        }
        Stmt::With(it) => walk(&it.body, at, found),
        Stmt::Try(it) => {
            walk(&it.body, at, found);
            for ast::ExceptHandler::ExceptHandler(handler) in &it.handlers {
                walk(&handler.body, at, found);
            }
            walk(&it.orelse, at, found);
            walk(&it.finalbody, at, found);
        }
        Stmt::Match(it) => {
            if !span_of(&*it.subject).contains(at) {
                found.push(Around::Condition(&it.subject));
            }
            for case in &it.cases {
                walk(&case.body, at, found);
            }
        }
        Stmt::Expr(it) => operands(&it.value, at, found),
        Stmt::Assign(it) => operands(&it.value, at, found),
        Stmt::Return(it) => {
            if let Some(value) = &it.value {
                operands(value, at, found);
            }
        }
        _ => {}
    }
}

/// The operands before the place in `and`, `or` and a conditional expression.
fn operands<'p>(expr: &'p Expr, at: Span, found: &mut Vec<Around<'p>>) {
    match expr {
        Expr::BoolOp(it) => {
            for operand in &it.values {
                if span_of(operand).contains(at) {
                    operands(operand, at, found);
                    return;
                }
                found.push(Around::Condition(operand));
            }
        }
        Expr::If(it) if span_of(&*it.test).contains(at) => operands(&it.test, at, found),
        Expr::If(it) => found.push(Around::Condition(&it.test)),
        Expr::UnaryOp(it) => operands(&it.operand, at, found),
        _ => {}
    }
}
