use std::collections::BTreeSet;

use lint_core::diagnostic::{Diagnostic, Span};
use lint_core::facts::FunctionRef;
use lint_core::knowledge::Role;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::{self, ExceptHandler, Expr, Stmt};
use lint_core::syntax::{last_name, span_of};
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::handlers::Handler;
use crate::program::{Culprit, Node, Program, Running, nodes_of, nodes_of_expr, own_nodes};
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds `workflow.continue_as_new()` in a signal handler, an update handler or a validator, and in what
/// these call. Handlers that code of the workflow registers count as well. Also calls of which the exception is
/// kept from `run`: by an `except` clause for every exception that does not raise it again, or by
/// `asyncio.gather(…, return_exceptions=True)`.
///
/// ## Why is this bad?
/// Continuing as new is for `run` alone. From an update handler it fails the workflow task, which is tried
/// again for ever. From a signal handler it ends the run while `run` and other handlers are still at work,
/// wherever they are. `continue_as_new()` raises an exception, derived from `BaseException`: where that is caught,
/// or becomes one of the results of `gather`, the run just goes on.
///
/// ## Example
/// ```python
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class WatchFund:
///     def __init__(self) -> None:
///         self.events = 0
///
///     @workflow.run
///     async def run(self, fund: str) -> None:
///         await workflow.wait_condition(lambda: self.events > 10_000)
///
///     @workflow.update
///     async def restart(self, fund: str) -> None:
///         workflow.continue_as_new(fund)  # RB603
/// ```
/// An exception that `run` never sees:
/// ```python
/// import asyncio
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class WatchFunds:
///     @workflow.run
///     async def run(self, funds: list[str]) -> None:
///         await asyncio.gather(*[self.watch(fund, funds) for fund in funds], return_exceptions=True)
///
///     async def watch(self, fund: str, funds: list[str]) -> None:
///         await workflow.sleep(3600)
///         workflow.continue_as_new(funds)  # RB603
/// ```
///
/// ## Use instead
/// Let the handler say what is wanted, and `run` do it:
/// ```python
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class WatchFund:
///     def __init__(self) -> None:
///         self.restarts = False
///
///     @workflow.run
///     async def run(self, fund: str) -> None:
///         await workflow.wait_condition(lambda: self.restarts)
///         await workflow.wait_condition(workflow.all_handlers_finished)
///         workflow.continue_as_new(fund)
///
///     @workflow.update
///     async def restart(self, fund: str) -> None:
///         self.restarts = True
/// ```
///
/// ## References
/// - <https://docs.temporal.io/develop/python/continue-as-new>
#[derive(RuleMetadata)]
#[rule(
    code = "RB603",
    severity = "error",
    category = "lifecycle",
    since = "0.1.0",
    summary = "a handler continues as new instead of `run`, or what that raises is kept from `run`"
)]
pub(crate) struct HandlerContinuesAsNew;

pub(crate) const CONTINUE_AS_NEW: &[&str] = &["temporalio.workflow.continue_as_new"];

impl Rule for HandlerContinuesAsNew {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let program = Program::new(cx.facts);
        let mut seen = BTreeSet::new();
        for running in Running::all(cx.facts) {
            for handler in Handler::all(program, running) {
                let what = match handler.role {
                    Role::Signal => "the signal handler",
                    Role::Update => "the update handler",
                    _ => "the validator",
                };
                for (function, call) in calls_among(program, &handler.runs) {
                    let culprit = Culprit::new(function, span_of(call), "the run ends here");
                    if !seen.insert(culprit.place()) {
                        continue;
                    }
                    let message = format!(
                        "{what} `{}` of `{}` continues as new, which only `run` may do",
                        handler.name,
                        running.short_name()
                    );
                    let (rule, entry) = (&Self::METADATA, handler.function);
                    Finding::reached(rule, program, running, entry, culprit, message)
                        .help("set an attribute that `run` waits for, and continue as new there")
                        .report(report);
                }
            }
        }
        for (running, entry, function) in Running::functions(cx.facts) {
            let caught = caught(program, function).into_iter();
            for it in caught.chain(gathered(program, function)) {
                let culprit = Culprit::new(it.function, span_of(it.call), "this raises it");
                if !seen.insert(culprit.place()) {
                    continue;
                }
                let message = format!(
                    "`continue_as_new` in `{}` does not end the run, since {}",
                    program.short_name(it.function),
                    it.since
                );
                let rule = &Self::METADATA;
                Finding::reached(rule, program, running, entry, culprit, message)
                    .help(it.help)
                    .report(report);
            }
        }
    }
}

type Calls<'p> = Vec<(FunctionRef, &'p ast::ExprCall)>;

/// The calls that continue as new in some functions.
fn calls_among<'p>(program: Program<'_, 'p>, functions: &BTreeSet<FunctionRef>) -> Calls<'p> {
    let calls = functions.iter().flat_map(|&it| {
        let calls = program.calls_of(it, CONTINUE_AS_NEW);
        calls.map(move |call| (it, call))
    });
    calls.collect()
}

/// A call of which the exception does not get to `run`.
struct Kept<'p> {
    function: FunctionRef,
    call: &'p ast::ExprCall,
    since: &'static str,
    help: &'static str,
}

/// Where a function itself catches it and goes on.
fn caught<'p>(program: Program<'_, 'p>, function: FunctionRef) -> Vec<Kept<'p>> {
    let takes_all = |it: &Expr| match it {
        Expr::Name(it) => it.id.as_str() == "BaseException",
        _ => false,
    };
    let again: Vec<Span> = program
        .calls_of(function, CONTINUE_AS_NEW)
        .map(span_of)
        .collect();
    let goes_on = |it: &ExceptHandler| {
        let whole = span_of(it);
        let ExceptHandler::ExceptHandler(it) = it;
        let name = it.name.as_ref().map(|it| it.as_str());
        // What it has caught, it may raise somewhere else.
        let keeps = |node: &Node<'_>| match node {
            Node::Stmt(it) => it.is_raise_stmt(),
            Node::Expr(Expr::Name(it)) => Some(it.id.as_str()) == name,
            Node::Expr(_) => false,
        };
        it.type_.as_deref().is_none_or(takes_all)
            && !nodes_of(&it.body).iter().any(keeps)
            && !again.iter().any(|call| whole.contains(*call))
    };
    let names_it = |it: &ExceptHandler| {
        let ExceptHandler::ExceptHandler(it) = it;
        let nodes = it.type_.as_deref().map(nodes_of_expr).unwrap_or_default();
        nodes.iter().any(|node| match node {
            Node::Expr(it) => last_name(it) == "ContinueAsNewError",
            Node::Stmt(_) => false,
        })
    };
    let takes =
        |handlers: &[ExceptHandler]| handlers.iter().any(goes_on) && !handlers.iter().any(names_it);
    let tried: Vec<Span> = own_nodes(program.function(function))
        .filter_map(|node| match node {
            Node::Stmt(Stmt::Try(it)) if takes(&it.handlers) => Some(&it.body),
            _ => None,
        })
        .flatten()
        .map(span_of)
        .collect();
    let is_tried = |at: Span| tried.iter().any(|it| it.contains(at));
    let calls = program.calls_of(function, CONTINUE_AS_NEW);
    calls
        .filter(|call| is_tried(span_of(*call)))
        .map(|call| Kept {
            function,
            call,
            since: "the `except` clause around it takes what it raises",
            help: "call it behind the `try`, or catch `Exception`, which leaves it alone",
        })
        .collect()
}

/// Where coroutines raise it whose exceptions a function takes for results.
fn gathered<'p>(program: Program<'_, 'p>, function: FunctionRef) -> Vec<Kept<'p>> {
    let keeps = |call: &&ast::ExprCall| {
        let keyword = call.arguments.find_keyword("return_exceptions");
        keyword.is_some_and(|it| matches!(&it.value, Expr::BooleanLiteral(it) if it.value))
    };
    // Who looks at the results may raise what is among them.
    let unseen: Vec<Span> = own_nodes(program.function(function))
        .filter_map(|node| match node {
            Node::Stmt(Stmt::Expr(it)) => Some(span_of(it.value.as_await_expr()?.value.as_ref())),
            _ => None,
        })
        .collect();
    let gathers = program
        .calls_of(function, &["asyncio.gather"])
        .filter(keeps);
    let spans = gathers.map(span_of).filter(|it| unseen.contains(it));
    let spans: Vec<Span> = spans.collect();
    let is_gathered = |at: Span| spans.iter().any(|it| it.contains(at));
    let coroutines = program
        .own_calls(function)
        .filter(|(call, callee)| program.is_async(*callee) && is_gathered(span_of(*call)));
    let runs: BTreeSet<FunctionRef> = coroutines
        .flat_map(|(_, callee)| program.runs_from(callee))
        .collect();
    let calls = calls_among(program, &runs).into_iter();
    calls
        .map(|(function, call)| Kept {
            function,
            call,
            since: "`asyncio.gather` with `return_exceptions=True` makes a result of what it raises",
            help: "return what tells `run` to continue as new, and call it there",
        })
        .collect()
}
