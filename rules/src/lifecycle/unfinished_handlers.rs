use std::collections::BTreeSet;

use lint_core::diagnostic::{Diagnostic, Span};
use lint_core::facts::{EntryReach, FunctionRef};
use lint_core::knowledge::Role;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::{self, BoolOp, Expr, Stmt, UnaryOp};
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use super::ends::{can_end, last_return, stops_at};
use super::handler_continues_as_new::CONTINUE_AS_NEW;
use crate::finding::Finding;
use crate::handlers::Handler;
use crate::program::{
    Culprit, Node, Program, Running, is_handler, nodes_of, nodes_of_expr, own_nodes,
};
use crate::rule::{Context, Rule};
use crate::sites::number;
use crate::{sdk, writes};

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
/// changes before its first and after its last `await`. A handler that waits for nothing but what `run` sets, or
/// what has to hold before `run` ends, ends with `run`; not so if a loop of `run` can be left before it is set.
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
                for it in endings(program, run) {
                    let culprit = Culprit::new(it.function, it.span, "the run ends here");
                    if !seen.insert(culprit.place()) {
                        continue;
                    }
                    let message = format!(
                        "`{}` of `{}` {} without waiting for handlers, so `{}` may be cut off in the middle",
                        entry.name,
                        running.short_name(),
                        it.how,
                        handler.name
                    );
                    let (rule, entry) = (&Self::METADATA, run.function);
                    let finding =
                        Finding::reached(rule, program, running, entry, culprit, message).help(
                            format!(
                                "write `await workflow.wait_condition(workflow.all_handlers_finished)` {}",
                                it.cure
                            ),
                        );
                    match busy_flag(program, run, handler) {
                        Some(flag) => finding.note(format!(
                            "The wait until `{flag}` is false is not enough: where two handlers are at work, the first \
                             that is done sets it back for both."
                        )),
                        None => finding,
                    }
                    .report(report);
                }
            }
        }
    }
}

/// The attribute that `run` waits to be false and that a handler changes, so as to say that it is at work.
fn busy_flag<'p>(program: Program<'_, 'p>, run: &EntryReach, handler: &Handler) -> Option<&'p str> {
    let runs = handler.runs.iter();
    let changed = runs.flat_map(|&it| writes::in_function(program, it));
    let changed: BTreeSet<&str> = changed.map(|it| it.attribute.name).collect();
    let waits = run.runs.iter();
    let mut waits = waits.flat_map(|&it| program.calls_of(it, sdk::WAIT_CONDITION));
    waits.find_map(|call| {
        let predicate = call.arguments.args.first()?.as_lambda_expr()?;
        let not = predicate.body.as_unary_op_expr()?;
        let name = not.operand.as_attribute_expr()?.attr.as_str();
        (not.op == UnaryOp::Not && changed.contains(name)).then_some(name)
    })
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

/// Whether all that a handler waits for is what `run` or itself sets, what has to hold before `run`
/// ends, or a turn of the loop: then it ends when `run` does.
fn waits_for_run(program: Program<'_, '_>, running: Running<'_>, handler: FunctionRef) -> bool {
    let mut set = BTreeSet::new();
    let mut all_skipped = BTreeSet::new();
    for function in running.runs_of(|role| matches!(role, Role::Run | Role::Step)) {
        let skipped = skipped_on_the_way_out(program, running, function);
        let writes = writes::in_function(program, function).into_iter();
        let names = writes.map(|it| it.attribute.name);
        set.extend(names.filter(|it| !skipped.contains(it)));
        all_skipped.extend(skipped);
    }
    let own = writes::in_function(program, handler).into_iter();
    let own = own.map(|it| it.attribute.name);
    set.extend(own.filter(|it| !all_skipped.contains(it)));
    set.extend(implied_by_end(program, running));
    let cleared: BTreeSet<&str> = running
        .runs_of(|role| matches!(role, Role::Run | Role::Step))
        .into_iter()
        .flat_map(|it| cleared(program, it))
        .collect();
    own_nodes(program.function(handler)).all(|node| match node {
        Node::Expr(Expr::Await(it)) => {
            !program.suspends(handler.file, &it.value)
                || ends_with_run(program, handler, &it.value, &set)
                    && !asked_for(program, handler, &it.value)
                        .iter()
                        .any(|it| cleared.contains(it))
        }
        Node::Stmt(Stmt::For(it)) => !it.is_async,
        Node::Stmt(Stmt::With(it)) => !it.is_async,
        _ => true,
    })
}

/// The attributes that a function sets only in a loop, behind a way out of it that a handler opens:
/// `if self.is_closed: break`.
fn skipped_on_the_way_out<'p>(
    program: Program<'_, 'p>,
    running: Running<'_>,
    function: FunctionRef,
) -> BTreeSet<&'p str> {
    let by_handlers = running.runs_of(is_handler);
    let by_handlers = by_handlers
        .into_iter()
        .flat_map(|it| writes::in_function(program, it));
    let by_handlers: BTreeSet<&str> = by_handlers.map(|it| it.attribute.name).collect();
    let is_opened = |test: &Expr| {
        nodes_of_expr(test).iter().any(|node| {
            matches!(node, Node::Expr(Expr::Attribute(it)) if by_handlers.contains(it.attr.as_str()))
        })
    };
    let mut skipped: Vec<Span> = Vec::new();
    for node in own_nodes(program.function(function)) {
        let body = match node {
            Node::Stmt(Stmt::While(it)) => &it.body[..],
            Node::Stmt(Stmt::For(it)) => &it.body[..],
            _ => continue,
        };
        let leaves = |it: &Stmt| match it {
            Stmt::If(it) => {
                let last = it.body.last();
                matches!(last, Some(Stmt::Break(_) | Stmt::Return(_))) && is_opened(&it.test)
            }
            _ => false,
        };
        let after = body.iter().skip_while(|it| !leaves(it)).skip(1);
        skipped.extend(after.map(span_of));
    }
    let mut names = BTreeSet::new();
    let mut elsewhere = BTreeSet::new();
    for write in writes::in_function(program, function) {
        let at = span_of(write.node).start;
        let is_skipped = skipped.iter().any(|it| it.start <= at && at < it.end);
        let all = if is_skipped {
            &mut names
        } else {
            &mut elsewhere
        };
        all.insert(write.attribute.name);
    }
    names.retain(|it| !elsewhere.contains(it));
    names
}

/// The attributes that are true whenever `run` ends: those that the wait at its end asks for, and those
/// that a handler has waited for before it set one of them.
fn implied_by_end<'p>(program: Program<'_, 'p>, running: Running<'_>) -> BTreeSet<&'p str> {
    let mut implied = BTreeSet::new();
    for (_, run) in running.entries_of(|role| role == Role::Run) {
        implied.extend(asked_at_end(program, run.function, 0));
    }
    let handlers = running.entries_of(is_handler);
    let handlers: Vec<FunctionRef> = handlers.map(|(_, reach)| reach.function).collect();
    let sets = |it: FunctionRef, name: &str| {
        let mut writes = writes::in_function(program, it).into_iter();
        writes.any(|it| it.attribute.name == name)
    };
    for name in implied.clone() {
        let mut setters = handlers.iter().filter(|it| sets(**it, name));
        if let (Some(&only), None) = (setters.next(), setters.next()) {
            implied.extend(waited_for_before(program, only, name));
        }
    }
    implied.retain(|name| is_never_unset(program, running, name));
    implied
}

/// The attributes that are true whenever a function ends: those that its last wait asks for, or that of
/// the helper which it awaits last.
fn asked_at_end<'p>(program: Program<'_, 'p>, function: FunctionRef, depth: usize) -> Vec<&'p str> {
    let body = program.def(function).map_or(&[][..], |it| &it.body[..]);
    let has = |it: &Stmt, wanted: fn(&Node<'_>) -> bool| {
        nodes_of(std::slice::from_ref(it)).iter().any(wanted)
    };
    let waits = |it: &Stmt| has(it, |node| matches!(node, Node::Expr(Expr::Await(_))));
    let returns = |it: &Stmt| has(it, |node| matches!(node, Node::Stmt(Stmt::Return(_))));
    let Some(last) = body.iter().rposition(waits) else {
        return Vec::new();
    };
    let value = match &body[last] {
        Stmt::Expr(it) => Some(&*it.value),
        Stmt::Return(it) => it.value.as_deref(),
        _ => None,
    };
    let Some(awaited) = value.and_then(|it| it.as_await_expr()) else {
        return Vec::new();
    };
    if body[..last].iter().any(returns) {
        return Vec::new();
    }
    let asked = asked_for(program, function, &awaited.value);
    let Some(call) = awaited.value.as_call_expr().filter(|_| asked.is_empty()) else {
        return asked;
    };
    let mut callees = program.functions(function.file, call);
    match (callees.next(), callees.next()) {
        (Some(only), None) if depth < MAX_DEPTH => asked_at_end(program, only, depth + 1),
        _ => asked,
    }
}

const MAX_DEPTH: usize = 3;

/// The attributes that a function sets only to `False` or `None`, so that nobody who waits for them to
/// be true goes on.
fn cleared<'p>(program: Program<'_, 'p>, function: FunctionRef) -> BTreeSet<&'p str> {
    let mut cleared = BTreeSet::new();
    for node in own_nodes(program.function(function)) {
        if let Node::Stmt(Stmt::Assign(it)) = node
            && let [Expr::Attribute(target)] = &it.targets[..]
            && matches!(
                &*it.value,
                Expr::NoneLiteral(_)
                    | Expr::BooleanLiteral(ast::ExprBooleanLiteral { value: false, .. })
            )
        {
            cleared.insert(span_of(target));
        }
    }
    let writes = writes::in_function(program, function);
    let is_cleared = |it: &writes::Write<'p>| cleared.contains(&span_of(it.node));
    let names = writes
        .iter()
        .filter(|it| is_cleared(it))
        .map(|it| it.attribute.name);
    let is_only_cleared = |name: &&str| {
        writes
            .iter()
            .all(|it| it.attribute.name != *name || is_cleared(it))
    };
    names.filter(is_only_cleared).collect()
}

/// The attributes that a wait for a condition needs to be true: `lambda: self.first and self.second`.
fn asked_for<'p>(
    program: Program<'_, 'p>,
    function: FunctionRef,
    awaited: &'p Expr,
) -> Vec<&'p str> {
    let Expr::Call(call) = awaited else {
        return Vec::new();
    };
    let has_limit = call.arguments.len() != 1;
    let Some(Expr::Lambda(lambda)) = call.arguments.args.first() else {
        return Vec::new();
    };
    if has_limit || !program.calls(function.file, call, sdk::WAIT_CONDITION) {
        return Vec::new();
    }
    let operands = match &*lambda.body {
        Expr::BoolOp(it) if it.op == BoolOp::And => &it.values[..],
        other => std::slice::from_ref(other),
    };
    let attributes = operands.iter().filter_map(Expr::as_attribute_expr);
    attributes.map(|it| it.attr.as_str()).collect()
}

/// What a function waits for before it sets an attribute.
fn waited_for_before<'p>(
    program: Program<'_, 'p>,
    function: FunctionRef,
    name: &str,
) -> Vec<&'p str> {
    let writes = writes::in_function(program, function).into_iter();
    let set = writes.filter(|it| it.attribute.name == name);
    let first = set.map(|it| span_of(it.node).start).min().unwrap_or(0);
    let body = program.def(function).map_or(&[][..], |it| &it.body[..]);
    let before = body.iter().take_while(|it| span_of(*it).end <= first);
    before
        .filter_map(|it| it.as_expr_stmt()?.value.as_await_expr())
        .flat_map(|it| asked_for(program, function, &it.value))
        .collect()
}

/// Whether an attribute is only ever set to `True` but for the first time.
fn is_never_unset(program: Program<'_, '_>, running: Running<'_>, name: &str) -> bool {
    let functions = running.runs_of(|role| role != Role::Init);
    functions.into_iter().all(|function| {
        let sets =
            |target: &Expr| matches!(target, Expr::Attribute(it) if it.attr.as_str() == name);
        own_nodes(program.function(function)).all(|node| match node {
            Node::Stmt(Stmt::Assign(it)) if it.targets.iter().any(sets) => {
                matches!(&*it.value, Expr::BooleanLiteral(it) if it.value)
            }
            Node::Stmt(Stmt::AugAssign(it)) => !sets(&it.target),
            _ => true,
        })
    })
}

fn ends_with_run(
    program: Program<'_, '_>,
    handler: FunctionRef,
    awaited: &Expr,
    set: &BTreeSet<&str>,
) -> bool {
    let call = match awaited {
        Expr::Call(call) => call,
        Expr::Name(name) => return is_settled(program, handler, name),
        // A future that somebody sets.
        other => return other.is_attribute_expr(),
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
        Some(Expr::Lambda(lambda)) => nodes_of_expr(&lambda.body),
        _ => return false,
    };
    let mut read = reads.iter().filter_map(|node| match node {
        Node::Expr(Expr::Attribute(it)) => Some(it.attr.as_str()),
        _ => None,
    });
    is(sdk::WAIT_CONDITION) && read.all(|it| set.contains(it))
}

/// Whether the function itself has given a local future its result before it awaits it.
fn is_settled(program: Program<'_, '_>, function: FunctionRef, awaited: &ast::ExprName) -> bool {
    let body = program.def(function).map_or(&[][..], |it| &it.body[..]);
    body.iter().any(|it| {
        let call = it.as_expr_stmt().and_then(|it| it.value.as_call_expr());
        let method = call.and_then(|it| it.func.as_attribute_expr());
        let settles = method.is_some_and(|method| {
            method.attr.as_str() == "set_result"
                && matches!(&*method.value, Expr::Name(it) if it.id == awaited.id)
        });
        settles && span_of(it).end <= span_of(awaited).start
    })
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
    let waits = run
        .runs
        .iter()
        .flat_map(|&it| program.calls_of(it, sdk::WAIT_CONDITION))
        .filter_map(|call| call.arguments.args.first());
    let looks = |expr: &Expr| {
        let body = match expr {
            Expr::Lambda(it) => &it.body,
            other => other,
        };
        nodes_of_expr(body)
            .iter()
            .any(|node| matches!(node, Node::Expr(Expr::Attribute(it)) if it.attr.as_str() == name))
    };
    waits.into_iter().any(looks)
}

/// Where a run continues as new, or else where it returns.
fn endings(program: Program<'_, '_>, run: &EntryReach) -> Vec<Ending> {
    let mut found = Vec::new();
    for &function in &run.runs {
        let end = stops_at(program, function);
        let calls = program.calls_of(function, CONTINUE_AS_NEW);
        let calls = calls.filter(|call| span_of(*call).start < end);
        found.extend(calls.map(|call| Ending {
            function,
            span: span_of(call),
            how: "continues as new",
            cure: "before it",
        }));
    }
    let ends = found.is_empty() && can_end(program, run.function);
    if let Some(def) = program.def(run.function).filter(|_| ends) {
        let returned = last_return(program, run.function);
        found.push(Ending {
            function: run.function,
            span: returned.unwrap_or(span_of(&def.name)),
            how: "returns",
            cure: match returned {
                Some(_) => "before it",
                None => "at its end",
            },
        });
    }
    found
}

/// A way in which a run ends.
struct Ending {
    function: FunctionRef,
    span: Span,
    how: &'static str,
    /// Where to wait for the handlers.
    cure: &'static str,
}
