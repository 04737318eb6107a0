use lint_core::diagnostic::{Diagnostic, Severity, Span};
use lint_core::facts::FunctionRef;
use lint_core::rule::RuleMetadata;
use lint_core::suggest::closest;
use lint_core::syntax::ast::{self, ExceptHandler, Expr, Stmt};
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::model::Model;
use crate::program::{Culprit, Node, Program, Running, nodes_of_expr, own_nodes};
use crate::rule::{Context, Rule};
use crate::sdk;

/// ## What it does
/// Finds names that workflow code takes from `temporalio.workflow` although they belong to `asyncio`,
/// `datetime`, `temporalio.common` or `temporalio.exceptions`, and names with a slip of the pen.
///
/// ## Why is this bad?
/// The line raises an `AttributeError` when it runs. That is no failure: the workflow task is tried again
/// for ever, until the code is changed. What stands in an `except` clause is looked up only when something
/// was raised, so tests that see no error pass.
///
/// ## Example
/// ```python
/// from datetime import timedelta
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class PriceFund:
///     @workflow.run
///     async def run(self, fund: str) -> list[float]:
///         return await workflow.gather(  # RB429
///             workflow.execute_activity("bid", fund, start_to_close_timeout=timedelta(minutes=1)),
///             workflow.execute_activity("ask", fund, start_to_close_timeout=timedelta(minutes=1)),
///         )
/// ```
///
/// ## Use instead
/// ```python
/// import asyncio
/// from datetime import timedelta
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class PriceFund:
///     @workflow.run
///     async def run(self, fund: str) -> list[float]:
///         return await asyncio.gather(
///             workflow.execute_activity("bid", fund, start_to_close_timeout=timedelta(minutes=1)),
///             workflow.execute_activity("ask", fund, start_to_close_timeout=timedelta(minutes=1)),
///         )
/// ```
///
/// ## Limits
/// The names of `datetime` are a warning, since earlier versions of the SDK had them by accident.
/// Any other name may be one of a later version of the SDK, so nothing is said about it. Nor is anything said in
/// functions that ask with `hasattr`, or where an `AttributeError` is caught.
#[derive(RuleMetadata)]
#[rule(
    code = "RB429",
    severity = "error",
    category = "calls",
    since = "0.1.0",
    summary = "workflow code uses a name that `temporalio.workflow` does not have"
)]
pub(crate) struct UnknownWorkflowMember;

impl Rule for UnknownWorkflowMember {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let program = Program::new(cx.facts);
        for (running, entry, function) in Running::functions(cx.facts) {
            for (attribute, instead) in unknown(&cx.model, program, function) {
                let about = format!("`{}` is looked up here", attribute.attr);
                let culprit = Culprit::new(function, span_of(attribute), about);
                let message = format!(
                    "`temporalio.workflow` has no `{}`, so the `AttributeError` fails each try of the workflow task",
                    attribute.attr
                );
                let is_old = instead.starts_with("datetime.");
                let (severity, note) = match is_old {
                    true => (
                        Severity::Warning,
                        " Earlier versions had the name by accident.",
                    ),
                    false => (Severity::Error, ""),
                };
                Finding::reached(&Self::METADATA, program, running, entry, culprit, message)
                    .severity(severity)
                    .help(format!("write `{instead}`"))
                    .note(format!("Checked against {}.{note}", sdk::TEMPORAL_VERSION))
                    .culprit(format!("temporalio.workflow.{}", attribute.attr))
                    .report(report);
            }
        }
    }
}

/// The attributes of the module that it does not have, each with what was probably meant.
fn unknown<'p>(
    model: &Model<'_>,
    program: Program<'_, 'p>,
    function: FunctionRef,
) -> Vec<(&'p ast::ExprAttribute, String)> {
    let FunctionRef { file, ix } = function;
    let nodes: Vec<Node<'p>> = own_nodes(program.function(function)).collect();
    let is_module = |it: &Expr| {
        let resolved = model.names_in(file).resolve(file, ix, it);
        resolved.is_some_and(|it| it.external() == Some("temporalio.workflow"))
    };
    let members = nodes.iter().filter_map(|node| match node {
        Node::Expr(Expr::Attribute(it)) if it.ctx.is_load() => Some(it),
        _ => None,
    });
    // What was meant is asked last, since that compares the name with many others.
    let mut unknown: Vec<_> = members
        .filter(|it| !sdk::TEMPORAL_WORKFLOW.contains(&it.attr.as_str()) && is_module(&it.value))
        .filter_map(|it| Some((it, meant(it.attr.as_str())?)))
        .collect();
    if unknown.is_empty() {
        return Vec::new();
    }
    if program.calls_of(function, &["hasattr"]).next().is_some() {
        return Vec::new();
    }
    let careful: Vec<Span> = nodes.iter().flat_map(without_evaluation).collect();
    unknown.retain(|(it, _)| {
        let at = span_of(*it);
        !careful
            .iter()
            .any(|it| it.start <= at.start && at.end <= it.end)
    });
    unknown.sort_by_key(|(it, _)| span_of(*it).start);
    unknown
}

/// What was meant by a name that the module does not have, if that can be told.
fn meant(name: &str) -> Option<String> {
    if name.starts_with('_') {
        return None;
    }
    let home = sdk::NAMES_OF_OTHERS
        .iter()
        .find(|(_, names)| names.contains(&name));
    home.map(|(module, _)| format!("{module}.{name}"))
        .or_else(|| {
            let member = closest(name, sdk::TEMPORAL_WORKFLOW.iter().copied())?;
            Some(format!("workflow.{member}"))
        })
}

/// The parts of a node where a missing name does no harm: annotations of variables, and what is tried
/// with an eye on an `AttributeError`.
fn without_evaluation(node: &Node<'_>) -> Vec<Span> {
    let names_it = |it: &ExceptHandler| {
        let ExceptHandler::ExceptHandler(it) = it;
        let nodes = it.type_.as_deref().map(nodes_of_expr);
        nodes.into_iter().flatten().any(
            |node| matches!(node, Node::Expr(Expr::Name(it)) if it.id.as_str() == "AttributeError"),
        )
    };
    match node {
        Node::Stmt(Stmt::AnnAssign(it)) => vec![span_of(&*it.annotation)],
        Node::Stmt(Stmt::Try(it)) if it.handlers.iter().any(names_it) => {
            it.body.iter().map(span_of).collect()
        }
        _ => Vec::new(),
    }
}
