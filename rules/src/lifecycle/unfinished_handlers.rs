use std::collections::BTreeSet;

use lint_core::diagnostic::{Diagnostic, Span};
use lint_core::facts::{EntryReach, FunctionRef};
use lint_core::knowledge::Role;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::{Expr, Stmt};
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use super::ends::{can_end, stops_at};
use super::handler_continues_as_new::CONTINUE_AS_NEW;
use crate::finding::Finding;
use crate::handlers::Handler;
use crate::program::{Culprit, Node, Program, Running, own_nodes};
use crate::rule::{Context, Rule};
use crate::sites::number;
use crate::writes;

/// ## What it does
/// Finds workflows with `async` signal or update handlers whose `run` returns or continues as new without
/// waiting for `workflow.all_handlers_finished`. Handlers that code of the workflow registers count as well.
///
/// ## Why is this bad?
/// A handler that waits for an activity is cut off when the run ends. What it would have done is lost, and
/// the caller of the update gets an error although the activity may have run.
///
/// ## Example
/// ```python
/// import asyncio
/// from datetime import timedelta
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class KeepRegister:
///     def __init__(self) -> None:
///         self.holders: list[str] = []
///
///     @workflow.run
///     async def run(self, holders: list[str]) -> None:
///         self.holders.extend(holders)
///         await asyncio.sleep(3600)
///         workflow.continue_as_new(self.holders)  # RB604
///
///     @workflow.update
///     async def add(self, holder: str) -> None:
///         checked = await workflow.execute_activity(
///             "check_holder", holder, start_to_close_timeout=timedelta(minutes=5)
///         )
///         self.holders.append(checked)
/// ```
///
/// ## Use instead
/// Let them finish first:
/// ```python
/// import asyncio
/// from datetime import timedelta
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class KeepRegister:
///     def __init__(self) -> None:
///         self.holders: list[str] = []
///
///     @workflow.run
///     async def run(self, holders: list[str]) -> None:
///         self.holders.extend(holders)
///         await asyncio.sleep(3600)
///         await workflow.wait_condition(workflow.all_handlers_finished)
///         workflow.continue_as_new(self.holders)
///
///     @workflow.update
///     async def add(self, holder: str) -> None:
///         checked = await workflow.execute_activity(
///             "check_holder", holder, start_to_close_timeout=timedelta(minutes=5)
///         )
///         self.holders.append(checked)
/// ```
/// Or say that a handler may be cut off:
/// ```python
/// import asyncio
/// from datetime import timedelta
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class KeepRegister:
///     @workflow.run
///     async def run(self, holders: list[str]) -> None:
///         await asyncio.sleep(3600)
///
///     @workflow.signal(unfinished_policy=workflow.HandlerUnfinishedPolicy.ABANDON)
///     async def remind(self, holder: str) -> None:
///         await workflow.execute_activity(
///             "remind_holder", holder, start_to_close_timeout=timedelta(minutes=5)
///         )
/// ```
///
/// ## Limits
/// One such wait anywhere in what `run` does counts. So does a wait for an attribute that every handler
/// changes before its first and after its last `await`. A handler that waits for nothing but what `run` sets ends
/// with `run`.
///
/// ## References
/// - <https://docs.temporal.io/develop/python/message-passing#wait-for-message-handlers>
#[derive(RuleMetadata)]
#[rule(
    code = "RB604",
    severity = "warning",
    category = "lifecycle",
    since = "0.1.0",
    summary = "`run` can end while handlers are at work"
)]
pub(crate) struct UnfinishedHandlers;

impl Rule for UnfinishedHandlers {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let program = Program::new(cx.facts);
        let mut seen = BTreeSet::new();
        for running in Running::all(cx.facts) {
            let mut handlers = Handler::all(program, running);
            handlers.retain(|it| {
                may_be_cut_off(program, it.function)
                    && !waits_for_run(program, running, it.function)
            });
            let Some(handler) = handlers.first() else {
                continue;
            };
            for (entry, run) in running.entries_of(|role| role == Role::Run) {
                if waits_for_handlers(program, run, &handlers) {
                    continue;
                }
                for (function, span, how) in endings(program, run) {
                    let culprit = Culprit::new(function, span, "the run ends here");
                    if !seen.insert(culprit.place()) {
                        continue;
                    }
                    let message = format!(
                        "`{}` of `{}` {how} without waiting for handlers, so `{}` may be cut off in the middle",
                        entry.name,
                        running.short_name(),
                        handler.name
                    );
                    Finding::reached(&Self::METADATA, program, running, run.function, culprit, message)
                        .help("write `await workflow.wait_condition(workflow.all_handlers_finished)` before it")
                        .report(report);
                }
            }
        }
    }
}

/// Whether a handler waits for something, and its author has not said that it may be abandoned.
fn may_be_cut_off(program: Program<'_, '_>, handler: FunctionRef) -> bool {
    let has_policy = program.def(handler).is_some_and(|def| {
        def.decorator_list.iter().any(|it| match &it.expression {
            // What else there is to choose is what happens anyway.
            Expr::Call(call) => call
                .arguments
                .find_keyword("unfinished_policy")
                .is_some_and(|it| !matches!(&it.value, Expr::Attribute(policy) if policy.attr.as_str() == "WARN_AND_ABANDON")),
            _ => false,
        })
    });
    !has_policy && program.may_be_interrupted(handler)
}

/// Whether all that a handler waits for is what `run` or itself sets, or a turn of the loop: then it
/// ends when `run` does.
fn waits_for_run(program: Program<'_, '_>, running: Running<'_>, handler: FunctionRef) -> bool {
    let set: BTreeSet<&str> = running
        .runs_of(|role| matches!(role, Role::Run | Role::Step))
        .into_iter()
        .chain([handler])
        .flat_map(|it| writes::in_function(program, it))
        .map(|it| it.attribute.name)
        .collect();
    own_nodes(program.function(handler)).all(|node| match node {
        Node::Expr(Expr::Await(it)) => {
            !program.suspends(handler.file, &it.value)
                || ends_with_run(program, handler, &it.value, &set)
        }
        Node::Stmt(Stmt::For(it)) => !it.is_async,
        Node::Stmt(Stmt::With(it)) => !it.is_async,
        _ => true,
    })
}

fn ends_with_run(
    program: Program<'_, '_>,
    handler: FunctionRef,
    awaited: &Expr,
    set: &BTreeSet<&str>,
) -> bool {
    let Expr::Call(call) = awaited else {
        // A future that somebody sets.
        return awaited.is_attribute_expr();
    };
    let is = |names: &[&str]| program.calls(handler.file, call, names);
    let argument = call.arguments.args.first();
    if is(&["asyncio.sleep"]) {
        return argument.is_some_and(|it| number(it) == Some(0.0));
    }
    if is(&["asyncio.Event.wait"]) {
        return true;
    }
    let reads = match argument {
        Some(Expr::Lambda(lambda)) => crate::program::nodes_of_expr(&lambda.body),
        _ => return false,
    };
    let mut read = reads.iter().filter_map(|node| match node {
        Node::Expr(Expr::Attribute(it)) => Some(it.attr.as_str()),
        _ => None,
    });
    is(&["temporalio.workflow.wait_condition"]) && read.all(|it| set.contains(it))
}

fn waits_for_handlers(program: Program<'_, '_>, run: &EntryReach, handlers: &[Handler]) -> bool {
    const FINISHED: &[&str] = &["temporalio.workflow.all_handlers_finished"];
    let asks = |function: FunctionRef| program.calls_of(function, FINISHED).next().is_some();
    run.runs.iter().any(|&it| asks(it))
        || tracked(program, handlers)
            .iter()
            .any(|name| waits_for(program, run, name))
}

/// The attributes that every handler changes before its first and after its last `await`.
fn tracked<'p>(program: Program<'_, 'p>, handlers: &[Handler]) -> BTreeSet<&'p str> {
    let of_one = |function: FunctionRef| -> BTreeSet<&'p str> {
        let awaits = own_nodes(program.function(function)).filter_map(|node| match node {
            Node::Expr(it @ Expr::Await(_)) => Some(span_of(it)),
            _ => None,
        });
        let awaits: Vec<Span> = awaits.collect();
        let first = awaits.iter().map(|it| it.start).min().unwrap_or(0);
        let last = awaits.iter().map(|it| it.end).max().unwrap_or(0);
        let writes = writes::in_function(program, function);
        let named = |is_there: &dyn Fn(u32) -> bool| -> BTreeSet<&'p str> {
            let there = writes.iter().filter(|it| is_there(span_of(it.node).start));
            there.map(|it| it.attribute.name).collect()
        };
        let before = named(&|at| at < first);
        let after = named(&|at| at >= last);
        before.intersection(&after).copied().collect()
    };
    let mut handlers = handlers.iter().map(|it| of_one(it.function));
    let first = handlers.next().unwrap_or_default();
    handlers.fold(first, |all, one| all.intersection(&one).copied().collect())
}

/// Whether a condition that `run` waits for looks at the attribute.
fn waits_for(program: Program<'_, '_>, run: &EntryReach, name: &str) -> bool {
    const WAIT: &[&str] = &["temporalio.workflow.wait_condition"];
    let waits = run
        .runs
        .iter()
        .flat_map(|&it| program.calls_of(it, WAIT))
        .filter_map(|call| call.arguments.args.first());
    let looks = |expr: &Expr| {
        let body = match expr {
            Expr::Lambda(it) => &it.body,
            other => other,
        };
        crate::program::nodes_of_expr(body)
            .iter()
            .any(|node| matches!(node, Node::Expr(Expr::Attribute(it)) if it.attr.as_str() == name))
    };
    waits.into_iter().any(looks)
}

/// Where a run continues as new, or else where it returns.
fn endings(program: Program<'_, '_>, run: &EntryReach) -> Vec<(FunctionRef, Span, &'static str)> {
    let mut found = Vec::new();
    for &function in &run.runs {
        let end = stops_at(program, function);
        let calls = program.calls_of(function, CONTINUE_AS_NEW);
        let calls = calls.filter(|call| span_of(*call).start < end);
        found.extend(calls.map(|call| (function, span_of(call), "continues as new")));
    }
    let ends = found.is_empty() && can_end(program, run.function);
    if let Some(def) = program.def(run.function).filter(|_| ends) {
        let last = def.body.last().filter(|it| matches!(it, Stmt::Return(_)));
        let span = last.map_or(span_of(&def.name), span_of);
        found.push((run.function, span, "returns"));
    }
    found
}
