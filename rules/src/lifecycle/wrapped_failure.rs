use lint_core::diagnostic::{Diagnostic, Severity};
use lint_core::facts::FunctionRef;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::{self, ExceptHandler, Expr, Stmt};
use lint_core::syntax::{last_name, span_of};
use rules_macros::RuleMetadata;

use super::arriving::{CANCELLED_TASK, Caught, Raises, UNWRAPPED, external, listed};
use super::asked::{Asked, asked_in, asked_of_parameters};
use crate::finding::Finding;
use crate::model::Model;
use crate::program::{Culprit, Node, Program, Running, own_nodes};
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds `except` clauses around an activity or a child workflow that name what the activity raises, where
/// nothing else in the `try` could raise it. The activity may be in a function that is called there. Also clauses for
/// a cancellation that name another class than the one it arrives as.
///
/// Finds questions about such a failure to which the answer is always no as well: whether it, or its `cause`, is an
/// instance of the class that was raised, and whether its text has the text of that.
///
/// ## Why is this bad?
/// Whatever an activity raises arrives in the workflow as an `ActivityError`, and what a child raises as a
/// `ChildWorkflowError`; the error itself is their `cause`, always as an `ApplicationError` or another failure
/// of the SDK, never as the class that was raised. The clause catches nothing, so the failure that it was
/// written for leaves the workflow, or goes to a broader clause.
///
/// The failure of a local activity is not wrapped: it arrives as an `ApplicationError`, and as an `ActivityError` only
/// if it is late or cancelled. The text of an `ActivityError` is `Activity task failed`, whatever was raised.
///
/// A cancellation arrives in the same way where an activity or a child is awaited. A wait or a sleep raises
/// `asyncio.CancelledError` instead, and `temporalio.exceptions.CancelledError` is only ever a `cause`.
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
/// A cancellation does not arrive as what it is called either:
/// ```python
/// from datetime import timedelta
///
/// from temporalio import workflow
/// from temporalio.exceptions import CancelledError
///
///
/// @workflow.defn
/// class BookFund:
///     @workflow.run
///     async def run(self, fund: str) -> None:
///         try:
///             await workflow.execute_activity(
///                 "book", fund, start_to_close_timeout=timedelta(minutes=1)
///             )
///         except CancelledError:  # RB608
///             workflow.logger.info("cancelled")
///             raise
/// ```
///
/// Nor is the cause what was raised:
/// ```python
/// from datetime import timedelta
///
/// from temporalio import workflow
/// from temporalio.exceptions import ActivityError
///
///
/// class NoPrice(Exception):
///     pass
///
///
/// @workflow.defn
/// class ShowFund:
///     @workflow.run
///     async def run(self, fund: str) -> str:
///         try:
///             return await workflow.execute_activity(
///                 "price", fund, start_to_close_timeout=timedelta(minutes=1)
///             )
///         except ActivityError as error:
///             if isinstance(error.cause, NoPrice):  # RB608
///                 return "no price"
///             raise
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
/// The same goes for a cancellation:
/// ```python
/// from datetime import timedelta
///
/// from temporalio import workflow
/// from temporalio.exceptions import ActivityError, CancelledError
///
///
/// @workflow.defn
/// class BookFund:
///     @workflow.run
///     async def run(self, fund: str) -> None:
///         try:
///             await workflow.execute_activity(
///                 "book", fund, start_to_close_timeout=timedelta(minutes=1)
///             )
///         except ActivityError as error:
///             if isinstance(error.cause, CancelledError):
///                 workflow.logger.info("cancelled")
///             raise
/// ```
///
/// ## Limits
/// An activity that is cancelled before it was scheduled, as a task that somebody cancels at once, does raise
/// `asyncio.CancelledError`, so a clause for that is `info`. One that only raises it again is left alone.
/// Nothing is said where another clause names what arrives, or where the `try` may raise what the clause names
/// itself. For classes of the project, `ApplicationError` and exceptions of clients, that is a `raise` of them in the
/// code that it runs, or a call of something that is not known; for exceptions of Python, any call but of the SDK,
/// of loggers, and a few more. What runs without a call in the text, such as properties, operators and validators,
/// may run in every `try`.
///
/// A question is found where it is about the variable of an `except` clause, a parameter that is annotated as
/// `ActivityError` or `ChildWorkflowError`, or a variable that is set once to the cause or the text of one. Behind
/// `except Exception`, nothing else in the `try` may raise anything, unless `isinstance` says what it is. Nothing is
/// said where code asks for what does arrive as well, nor if a converter of the project has a `from_failure`, which
/// may make any exception. A clause for such a failure that returns or keeps its text, and looks at nothing else, is
/// information.
#[derive(RuleMetadata)]
#[rule(
    code = "RB608",
    severity = "warning",
    category = "lifecycle",
    since = "0.1.0",
    summary = "code looks for what an activity raises, and not for what arrives"
)]
pub(crate) struct WrappedFailure;

impl Rule for WrappedFailure {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let program = Program::new(cx.facts);
        // A converter of the project may make the very exceptions of the failures.
        let converts = !cx.files_with("from_failure").is_empty();
        for (running, entry, function) in Running::functions(cx.facts) {
            let mut tell = |asked: Asked<'_>| {
                let culprit = Culprit::new(function, span_of(asked.at), "this is never so");
                Finding::reached(
                    &Self::METADATA,
                    program,
                    running,
                    entry,
                    culprit,
                    asked.message,
                )
                .severity(asked.severity)
                .help(asked.help)
                .report(report);
            };
            if !converts {
                asked_of_parameters(&cx.model, program, function)
                    .into_iter()
                    .for_each(&mut tell);
            }
            for node in own_nodes(program.function(function)) {
                let Node::Stmt(Stmt::Try(it)) = node else {
                    continue;
                };
                if let Some(in_vain) = in_vain(&cx.model, program, function, it) {
                    tell(in_vain.told());
                }
                if !converts {
                    asked_in(&cx.model, program, function, it)
                        .into_iter()
                        .for_each(&mut tell);
                }
            }
        }
    }
}

/// A clause that catches nothing.
struct InVain<'p> {
    types: &'p Expr,
    caught: Caught,
    /// What arrives in its stead.
    arrives: Vec<&'static str>,
}

impl<'p> InVain<'p> {
    fn told(&self) -> Asked<'p> {
        let arrives = self.arrives.join(" or ");
        let message = match self.caught {
            Caught::Cancelled | Caught::Cancellation => format!(
                "a cancellation arrives as {arrives} in there, so this clause does not catch it"
            ),
            _ => format!(
                "what is raised in there arrives as {arrives}, so this clause catches nothing"
            ),
        };
        let help = match arrives.as_str() {
            CANCELLED_TASK => format!("catch {arrives}"),
            UNWRAPPED => format!("catch {arrives}, and look at its `type`"),
            _ => format!("catch {arrives}, and look at its `cause`"),
        };
        Asked {
            at: self.types,
            message,
            help,
            severity: match self.caught {
                // It does arrive where something is cancelled before it was scheduled.
                Caught::Cancellation => Severity::Info,
                _ => Severity::Warning,
            },
        }
    }
}

fn in_vain<'p>(
    model: &Model<'_>,
    program: Program<'_, 'p>,
    function: FunctionRef,
    it: &'p ast::StmtTry,
) -> Option<InVain<'p>> {
    let clauses: Vec<(Caught, &ast::ExceptHandlerExceptHandler)> = it
        .handlers
        .iter()
        .map(|ExceptHandler::ExceptHandler(it)| {
            let types = it.type_.as_deref();
            let caught = types.map_or(Caught::Everything, |it| Caught::by(model, function, it));
            (caught, it)
        })
        .collect();
    let has = |wanted| clauses.iter().any(|(caught, _)| *caught == wanted);
    if has(Caught::Maybe) {
        return None;
    }
    let mut first = clauses
        .iter()
        .take_while(|(it, _)| *it != Caught::Everything);
    first.find_map(|&(caught, clause)| {
        let types = clause.type_.as_deref()?;
        let is_said_twice = caught == Caught::Cancelled && has(Caught::Cancellation);
        let only_raises = matches!(&clause.body[..], [Stmt::Raise(it)] if it.exc.is_none());
        let is_seen_to =
            caught == Caught::Wrapped || has(Caught::Wrapped) && caught != Caught::Cancelled;
        if is_said_twice || is_seen_to || caught == Caught::Cancellation && only_raises {
            return None;
        }
        let raises = Raises::new(program, function, types);
        let mut arrives = caught.in_stead(&raises, &it.body)?;
        if arrives.contains(&UNWRAPPED) && names_application_error(model, function, types) {
            return None;
        }
        // Another clause takes what activities raise, and leaves what cancels a wait.
        arrives.retain(|it| !has(Caught::Wrapped) || *it == CANCELLED_TASK);
        (!arrives.is_empty()).then_some(InVain {
            types,
            caught,
            arrives,
        })
    })
}

fn names_application_error(model: &Model<'_>, function: FunctionRef, types: &Expr) -> bool {
    let mut listed = listed(types).iter();
    listed.any(|it| last_name(it) == "ApplicationError" && external(model, function, it).is_some())
}
