use std::collections::BTreeMap;

use lint_core::diagnostic::{Applicability, Diagnostic, Span};
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::{self, CmpOp, Expr, Stmt, UnaryOp};
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use super::members::Owners;
use crate::finding::Finding;
use crate::program::{Culprit, Node, Program, Running, own_nodes};
use crate::rule::{Context, Rule};
use crate::sdk;

/// ## What it does
/// Finds functions of the SDK that answer something when they are called, and that a condition or a comparison
/// uses without `()`: `workflow.info().is_continue_as_new_suggested`, `workflow.unsafe.is_replaying`,
/// `workflow.all_handlers_finished`.
///
/// ## Why is this bad?
/// A function is always true. A run that asks so whether it should continue as new does it each time, for ever;
/// what only happens `if not workflow.unsafe.is_replaying` never happens. Comparing a function with a
/// number raises a `TypeError`, and the workflow task is tried again until the code is changed.
///
/// ## Example
/// ```python
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class WatchFund:
///     @workflow.run
///     async def run(self, fund: str) -> None:
///         while True:
///             await workflow.sleep(60)
///             if workflow.info().is_continue_as_new_suggested:  # RB434
///                 workflow.continue_as_new(fund)
/// ```
///
/// ## Use instead
/// ```python
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class WatchFund:
///     @workflow.run
///     async def run(self, fund: str) -> None:
///         while True:
///             await workflow.sleep(60)
///             if workflow.info().is_continue_as_new_suggested():
///                 workflow.continue_as_new(fund)
/// ```
///
/// ## Fix
/// Unsafe: the function is called, so the condition is false where it was true before.
#[derive(RuleMetadata)]
#[rule(
    code = "RB434",
    severity = "error",
    category = "calls",
    since = "0.1.0",
    fix = "unsafe",
    summary = "a condition asks a function of the SDK that is not called"
)]
pub(crate) struct UncalledFunction;

impl Rule for UncalledFunction {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let program = Program::new(cx.facts);
        for (running, entry, function) in Running::functions(cx.facts) {
            let nodes: Vec<Node<'_>> = own_nodes(program.function(function)).collect();
            let names = cx.model.names_in(function.file);
            let owners = Owners::of(names, function, &nodes);
            let waits =
                |call: &ast::ExprCall| program.calls(function.file, call, sdk::WAIT_CONDITION);
            let asked = nodes
                .iter()
                .flat_map(|it| asked(it, waits, |it| owners.is_of_info(it)));
            let asked = asked.filter(|(it, _)| owners.is_answering(it));
            let asked: BTreeMap<Span, (&Expr, How)> = asked.map(|it| (span_of(it.0), it)).collect();
            for (it, how) in asked.into_values() {
                let span = span_of(it);
                let text = cx.model.slice(function.file, span);
                let culprit = Culprit::new(function, span, "the function itself is asked here");
                let message = format!("`{text}` is not called here: {}", how.outcome());
                let end = Span::new(span.end, span.end);
                Finding::reached(&Self::METADATA, program, running, entry, culprit, message)
                    .help(format!("write `{text}()`"))
                    .replace("call it", Applicability::Unsafe, end, "()".to_owned())
                    .report(report);
            }
        }
    }
}

/// What becomes of an operand.
#[derive(Clone, Copy)]
enum How {
    /// Its truth counts.
    Tested,
    /// It is compared with another one.
    Equal,
    /// It is put in order.
    Ordered,
}

impl How {
    fn outcome(self) -> &'static str {
        match self {
            Self::Tested => "a function is always true, whatever its answer would be",
            Self::Equal => "a function never equals what it would answer",
            Self::Ordered => {
                "the `TypeError` of this comparison fails each try of the workflow task"
            }
        }
    }
}

/// The operands of a node whose values say how the code goes on.
fn asked<'p>(
    node: &Node<'p>,
    waits: impl Fn(&ast::ExprCall) -> bool,
    of_info: impl Fn(&Expr) -> bool,
) -> Vec<(&'p Expr, How)> {
    match node {
        Node::Stmt(Stmt::If(it)) => {
            let others = it.elif_else_clauses.iter();
            let others = others.filter_map(|it| it.test.as_ref());
            std::iter::once(&*it.test)
                .chain(others)
                .flat_map(tested)
                .collect()
        }
        Node::Stmt(Stmt::While(it)) => tested(&it.test),
        Node::Stmt(Stmt::Assert(it)) => tested(&it.test),
        Node::Expr(Expr::If(it)) => tested(&it.test),
        Node::Expr(Expr::UnaryOp(it)) if it.op == UnaryOp::Not => tested(&it.operand),
        // The last one is the value of the whole, which may be meant to be a function.
        Node::Expr(Expr::BoolOp(it)) => {
            let before = it.values.iter().rev().skip(1);
            before.flat_map(tested).collect()
        }
        // The predicate of a wait; one that gives nothing but a function of a module is another rule's.
        Node::Expr(Expr::Call(call)) if waits(call) => match call.arguments.args.first() {
            Some(Expr::Lambda(it)) if it.body.is_bool_op_expr() || of_info(&it.body) => {
                tested(&it.body)
            }
            _ => Vec::new(),
        },
        Node::Expr(Expr::Compare(it)) => {
            let how = match it.ops[..] {
                [CmpOp::Lt | CmpOp::LtE | CmpOp::Gt | CmpOp::GtE] => How::Ordered,
                [CmpOp::Eq | CmpOp::NotEq] => How::Equal,
                _ => return Vec::new(),
            };
            let operands = std::iter::once(&*it.left).chain(&it.comparators);
            operands.map(|it| (it, how)).collect()
        }
        _ => Vec::new(),
    }
}

/// What a condition tests: itself, or the operands of its `and` and `or`.
fn tested(condition: &Expr) -> Vec<(&Expr, How)> {
    match condition {
        Expr::BoolOp(it) => it.values.iter().flat_map(tested).collect(),
        other => vec![(other, How::Tested)],
    }
}
