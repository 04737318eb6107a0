use lint_core::diagnostic::Diagnostic;
use lint_core::facts::FunctionRef;
use lint_core::names::Resolved;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::{self, ExceptHandler, Expr, Stmt};
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::model::Model;
use crate::program::{Culprit, Node, Program, Running, nodes_of, own_nodes};
use crate::rule::{Context, Rule};
use crate::sdk;

/// ## What it does
/// Finds `except` clauses around an activity or a child workflow that name what the activity raises, where
/// nothing else in the `try` could raise it.
///
/// ## Why is this bad?
/// Whatever an activity raises arrives in the workflow as an `ActivityError`, and what a child raises as a
/// `ChildWorkflowError`; the error itself is their `cause`, always as an `ApplicationError` or another failure
/// of the SDK, never as the class that was raised. The clause catches nothing, so the failure that it was
/// written for leaves the workflow.
///
/// ## Example
/// ```python
/// from datetime import timedelta
///
/// from temporalio import workflow
/// from temporalio.common import RetryPolicy
/// from temporalio.exceptions import ApplicationError
///
///
/// @workflow.defn
/// class PriceFund:
///     @workflow.run
///     async def run(self, fund: str) -> str:
///         try:
///             return await workflow.execute_activity(
///                 "price",
///                 fund,
///                 start_to_close_timeout=timedelta(minutes=1),
///                 retry_policy=RetryPolicy(maximum_attempts=1),
///             )
///         except ApplicationError:  # RB608
///             return "no price"
/// ```
///
/// ## Use instead
/// ```python
/// from datetime import timedelta
///
/// from temporalio import workflow
/// from temporalio.common import RetryPolicy
/// from temporalio.exceptions import ActivityError, ApplicationError
///
///
/// @workflow.defn
/// class PriceFund:
///     @workflow.run
///     async def run(self, fund: str) -> str:
///         try:
///             return await workflow.execute_activity(
///                 "price",
///                 fund,
///                 start_to_close_timeout=timedelta(minutes=1),
///                 retry_policy=RetryPolicy(maximum_attempts=1),
///             )
///         except ActivityError as error:
///             if isinstance(error.cause, ApplicationError):
///                 return "no price"
///             raise
/// ```
/// The `type` of the `ApplicationError` is the name of the class that the activity raised.
///
/// ## Limits
/// Nothing is said where the `try` calls anything but the SDK and loggers, or where another clause catches
/// what arrives.
#[derive(RuleMetadata)]
#[rule(
    code = "RB608",
    severity = "warning",
    category = "lifecycle",
    since = "0.1.0",
    summary = "an `except` clause names what an activity raises, and not what arrives"
)]
pub(crate) struct WrappedFailure;

impl Rule for WrappedFailure {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let program = Program::new(cx.facts);
        for (running, entry, function) in Running::functions(cx.facts) {
            for node in own_nodes(program.function(function)) {
                let Node::Stmt(Stmt::Try(it)) = node else {
                    continue;
                };
                let Some((types, arrives)) = caught(&cx.model, program, function, it) else {
                    continue;
                };
                let message = format!(
                    "what is raised in there arrives as {arrives}, so this clause catches nothing"
                );
                let about = "this never arrives";
                let culprit = Culprit::new(function, span_of(types), about);
                Finding::reached(&Self::METADATA, program, running, entry, culprit, message)
                    .help(format!("catch {arrives}, and look at its `cause`"))
                    .report(report);
            }
        }
    }
}

/// The clause that catches nothing, with what arrives in its stead.
fn caught<'p>(
    model: &Model<'_>,
    program: Program<'_, 'p>,
    function: FunctionRef,
    it: &'p ast::StmtTry,
) -> Option<(&'p Expr, &'static str)> {
    let types = it.handlers.iter().map(|it| {
        let ExceptHandler::ExceptHandler(it) = it;
        it.type_.as_deref()
    });
    // Without a type, a clause catches all.
    let types: Vec<&Expr> = types.collect::<Option<_>>()?;
    let catches = |types: &Expr| Caught::by(model, function, types);
    if types.iter().any(|it| catches(it) == Caught::Maybe) {
        return None;
    }
    let arrives = arriving(program, function, &it.body)?;
    let never = types.into_iter().find(|it| catches(it) == Caught::Never)?;
    Some((never, arrives))
}

/// Whether an `except` clause catches what the SDK makes of a failure.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Caught {
    Never,
    Maybe,
    /// It is there for the cancellation of the run.
    Cancellation,
}

impl Caught {
    fn by(model: &Model<'_>, function: FunctionRef, types: &Expr) -> Self {
        let listed = match types {
            Expr::Tuple(it) => &it.elts[..],
            other => std::slice::from_ref(other),
        };
        let mut each = listed.iter().map(|it| Self::by_class(model, function, it));
        if each.clone().any(|it| it == Self::Maybe) {
            Self::Maybe
        } else if each.any(|it| it == Self::Never) {
            Self::Never
        } else {
            Self::Cancellation
        }
    }

    fn by_class(model: &Model<'_>, function: FunctionRef, class: &Expr) -> Self {
        let names = model.names_in(function.file);
        let name = match names.resolve(function.file, function.ix, class) {
            Some(Resolved::Class { .. }) => return Self::Never,
            Some(resolved) => resolved.external().map(str::to_owned),
            None => class.as_name_expr().map(|it| it.id.to_string()),
        };
        match name.as_deref() {
            Some(name) if NEVER.contains(&name.strip_prefix("builtins.").unwrap_or(name)) => {
                Self::Never
            }
            Some("asyncio.CancelledError" | "asyncio.exceptions.CancelledError") => {
                Self::Cancellation
            }
            _ => Self::Maybe,
        }
    }
}

/// What neither the SDK raises for a failure nor the conversion of a result.
const NEVER: &[&str] = &[
    "ArithmeticError",
    "ConnectionError",
    "FileNotFoundError",
    "IOError",
    "KeyError",
    "LookupError",
    "NotImplementedError",
    "OSError",
    "PermissionError",
    "TimeoutError",
    "ValueError",
    "asyncio.TimeoutError",
    "asyncio.exceptions.TimeoutError",
    "aiohttp.ClientError",
    "httpx.HTTPError",
    "httpx.HTTPStatusError",
    "ntro.workflow.WorkflowError",
    "ntro.workflow.exceptions.ApplicationError",
    "ntro.workflow.exceptions.WorkflowError",
    "requests.HTTPError",
    "requests.RequestException",
    "requests.exceptions.HTTPError",
    "requests.exceptions.RequestException",
    "temporalio.exceptions.ApplicationError",
    "temporalio.exceptions.TimeoutError",
];

/// As what failures arrive from a body that does nothing but schedule and log.
fn arriving(
    program: Program<'_, '_>,
    function: FunctionRef,
    body: &[Stmt],
) -> Option<&'static str> {
    let mut arrives = None;
    for node in nodes_of(body) {
        match node {
            Node::Stmt(Stmt::Raise(_) | Stmt::Assert(_) | Stmt::With(_)) => return None,
            Node::Expr(Expr::Subscript(_)) => return None,
            Node::Expr(Expr::Call(call)) => match as_what(program, function, call) {
                Some(what) => arrives = arrives.or(Some(what)),
                None if is_harmless(program, function, call) => {}
                None => return None,
            },
            Node::Expr(Expr::Await(it)) if !it.value.is_call_expr() => return None,
            _ => {}
        }
    }
    arrives
}

fn as_what(
    program: Program<'_, '_>,
    function: FunctionRef,
    call: &ast::ExprCall,
) -> Option<&'static str> {
    let calls = |names: &[&str]| program.calls(function.file, call, names);
    if calls(sdk::EXECUTE_ACTIVITY) || calls(&["ntro.workflow.runbook.execute_activity"]) {
        Some("`ActivityError`")
    } else if calls(sdk::EXECUTE_CHILD) || calls(&["ntro.workflow.runbook.execute_child_workflow"])
    {
        Some("`ChildWorkflowError`")
    } else {
        None
    }
}

/// What makes durations and policies, or logs.
fn is_harmless(program: Program<'_, '_>, function: FunctionRef, call: &ast::ExprCall) -> bool {
    const MADE: &[&str] = &["datetime.timedelta", "temporalio.common.RetryPolicy"];
    program
        .externals(function.file, call)
        .any(|it| MADE.contains(&it) || program.facts.knowledge.is_log(it))
}
