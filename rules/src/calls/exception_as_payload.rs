use lint_core::diagnostic::Diagnostic;
use lint_core::facts::FunctionRef;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::{self, ExceptHandler, Expr, Stmt};
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use super::sent::{answers, payloads};
use crate::finding::Finding;
use crate::program::{Culprit, Node, Program, Running, nodes_of, own_nodes};
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds exceptions that workflow code caught and passes on to an activity, a child, a signal or the next
/// run, or returns as its result, as they are or in a list or dictionary.
///
/// ## Why is this bad?
/// No converter of the SDK makes JSON of an exception. The `TypeError` is no failure of the workflow: the
/// workflow task is tried again for ever, in the very place that was written for the failure.
///
/// ## Example
/// ```python
/// from datetime import timedelta
///
/// from temporalio import workflow
/// from temporalio.common import RetryPolicy
/// from temporalio.exceptions import ActivityError
///
/// ONCE = RetryPolicy(maximum_attempts=1)
///
///
/// @workflow.defn
/// class PriceFund:
///     @workflow.run
///     async def run(self, fund: str) -> None:
///         try:
///             await workflow.execute_activity(
///                 "price", fund, start_to_close_timeout=timedelta(minutes=1), retry_policy=ONCE
///             )
///         except ActivityError as error:
///             await workflow.execute_activity(
///                 "report",
///                 args=[fund, error],  # RB433
///                 start_to_close_timeout=timedelta(minutes=1),
///             )
/// ```
///
/// ## Use instead
/// ```python
/// from datetime import timedelta
///
/// from temporalio import workflow
/// from temporalio.common import RetryPolicy
/// from temporalio.exceptions import ActivityError
///
/// ONCE = RetryPolicy(maximum_attempts=1)
///
///
/// @workflow.defn
/// class PriceFund:
///     @workflow.run
///     async def run(self, fund: str) -> None:
///         try:
///             await workflow.execute_activity(
///                 "price", fund, start_to_close_timeout=timedelta(minutes=1), retry_policy=ONCE
///             )
///         except ActivityError as error:
///             await workflow.execute_activity(
///                 "report",
///                 args=[fund, str(error.cause)],
///                 start_to_close_timeout=timedelta(minutes=1),
///             )
/// ```
///
/// ## Limits
/// Only the variable of an `except` clause is looked for, in that clause, and only where no converter of the project
/// makes payloads.
#[derive(RuleMetadata)]
#[rule(
    code = "RB433",
    severity = "error",
    category = "calls",
    since = "0.1.0",
    summary = "an exception is passed where the SDK needs something that becomes JSON"
)]
pub(crate) struct ExceptionAsPayload;

impl Rule for ExceptionAsPayload {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        if cx.everywhere.converters.write {
            return;
        }
        let program = Program::new(cx.facts);
        for (running, entry, function) in Running::functions(cx.facts) {
            let answers = answers(running, function);
            for node in own_nodes(program.function(function)) {
                let Node::Stmt(Stmt::Try(it)) = node else {
                    continue;
                };
                for passed in passed(program, function, it, answers) {
                    let about = "the exception is passed here";
                    let culprit = Culprit::new(function, span_of(passed), about);
                    let message = "no converter makes JSON of an exception, so the `TypeError` fails each try of the workflow task";
                    Finding::reached(&Self::METADATA, program, running, entry, culprit, message)
                        .help("pass its text, as `str(error)`, and annotate what takes it as `str`")
                        .report(report);
                }
            }
        }
    }
}

/// The uses of caught exceptions as payloads.
fn passed<'p>(
    program: Program<'_, 'p>,
    function: FunctionRef,
    it: &'p ast::StmtTry,
    answers: bool,
) -> Vec<&'p Expr> {
    let mut found = Vec::new();
    for ExceptHandler::ExceptHandler(handler) in &it.handlers {
        let Some(name) = &handler.name else {
            continue;
        };
        let nodes = nodes_of(&handler.body);
        let is_set = |node: &Node<'_>| match node {
            Node::Expr(Expr::Name(it)) => it.id == name.id && it.ctx.is_store(),
            _ => false,
        };
        if nodes.iter().any(is_set) {
            continue;
        }
        for node in nodes {
            match node {
                Node::Expr(Expr::Call(call)) => {
                    for payload in payloads(program, function, call) {
                        find(payload, &name.id, &mut found);
                    }
                }
                Node::Stmt(Stmt::Return(it)) if answers => {
                    if let Some(value) = &it.value {
                        find(value, &name.id, &mut found);
                    }
                }
                _ => {}
            }
        }
    }
    found
}

/// Where the variable stands in an expression so that its value is what is sent.
fn find<'p>(payload: &'p Expr, name: &str, found: &mut Vec<&'p Expr>) {
    match payload {
        Expr::Name(it) if it.id.as_str() == name => found.push(payload),
        Expr::List(it) => it.elts.iter().for_each(|it| find(it, name, found)),
        Expr::Tuple(it) => it.elts.iter().for_each(|it| find(it, name, found)),
        Expr::Dict(it) => it.items.iter().for_each(|it| find(&it.value, name, found)),
        _ => {}
    }
}
