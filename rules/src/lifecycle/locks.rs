//! What keeps other code of a workflow away while a function awaits: locks, and flags of its own.

use std::collections::BTreeSet;

use lint_core::diagnostic::{FileId, Span};
use lint_core::facts::{Callee, FunctionRef};
use lint_core::syntax::ast::{Expr, Stmt};
use lint_core::syntax::span_of;

use super::paths::path_of;
use crate::program::{Node, Program, Running, nodes_of, own_nodes};

/// Whether `async with` holds others off: everything may, but what only limits the time or waits for
/// tasks.
pub(super) fn is_lock(program: Program<'_, '_>, file: FileId, entered: &Expr) -> bool {
    const NO_LOCKS: &[&str] = &["asyncio.timeout", "asyncio.timeout_at", "asyncio.TaskGroup"];
    match entered {
        Expr::Call(call) => !program.calls(file, call, NO_LOCKS),
        _ => true,
    }
}

/// Whether a function keeps others out with a flag of its own while it awaits something: it has set it to true and
/// sets it to false elsewhere, or puts a key into a set and takes it out.
pub(super) fn is_guarded_by_flag(body: &[Stmt], awaited: Span) -> bool {
    let flags: Vec<_> = nodes_of(body)
        .into_iter()
        .filter_map(|node| match node {
            Node::Stmt(it) => flag_of(it).map(|flag| (span_of(it), flag)),
            Node::Expr(_) => None,
        })
        .collect();
    flags.iter().any(|(raised, (flag, is_raised))| {
        let lowers = |(_, (other, is_raised)): &&(Span, _)| !is_raised && other == flag;
        let mut lowered = flags.iter().filter(lowers);
        *is_raised
            && raised.end <= awaited.start
            && lowered.any(|(at, _)| at.start < raised.start || awaited.end <= at.start)
    })
}

/// The flag that a statement raises or lowers: an attribute, or a set that is one with its key.
fn flag_of(statement: &Stmt) -> Option<((String, Option<String>), bool)> {
    match statement {
        Stmt::Assign(it) => {
            let ([target @ Expr::Attribute(_)], Expr::BooleanLiteral(value)) =
                (&it.targets[..], &*it.value)
            else {
                return None;
            };
            Some(((path_of(target)?, None), value.value))
        }
        Stmt::Expr(it) => {
            let call = it.value.as_call_expr()?;
            let method = call.func.as_attribute_expr()?;
            let raises = match method.attr.as_str() {
                "add" => true,
                "discard" | "remove" => false,
                _ => return None,
            };
            let [key] = &call.arguments.args[..] else {
                return None;
            };
            method.value.is_attribute_expr().then_some(())?;
            Some(((path_of(&method.value)?, Some(path_of(key)?)), raises))
        }
        _ => None,
    }
}

/// Whether a function runs under a lock, or behind a flag, wherever it is called.
pub(super) fn is_always_locked(
    program: Program<'_, '_>,
    running: Running<'_>,
    function: FunctionRef,
    seen: &mut BTreeSet<FunctionRef>,
) -> bool {
    let is_entry = running
        .reach
        .entries
        .iter()
        .any(|it| it.function == function);
    if is_entry || !seen.insert(function) {
        return false;
    }
    let mut called = false;
    for caller in running.runs_of(|_| true) {
        for node in own_nodes(program.function(caller)) {
            let Node::Expr(Expr::Call(call)) = node else {
                continue;
            };
            let runs = program.callees(caller.file, call);
            if !runs.contains(&Callee::Function(function)) {
                continue;
            }
            called = true;
            let body = program.def(caller).map_or(&[][..], |it| &it.body[..]);
            if !is_locked(program, caller, span_of(call))
                && !is_guarded_by_flag(body, span_of(call))
                && !is_always_locked(program, running, caller, seen)
            {
                return false;
            }
        }
    }
    called
}

/// Whether a place of a function is under a lock.
pub(super) fn is_locked(program: Program<'_, '_>, function: FunctionRef, at: Span) -> bool {
    let mut withs = own_nodes(program.function(function)).filter_map(|node| match node {
        Node::Stmt(Stmt::With(it)) if it.is_async => Some(it),
        _ => None,
    });
    withs.any(|it| {
        let mut entered = it.items.iter().map(|item| &item.context_expr);
        span_of(it).contains(at) && entered.any(|it| is_lock(program, function.file, it))
    }) || is_locked_by_hand(program, function, at)
}

/// Whether a function has acquired a lock before a place, and not released it up to there.
fn is_locked_by_hand(program: Program<'_, '_>, function: FunctionRef, at: Span) -> bool {
    let before = || {
        own_nodes(program.function(function)).filter_map(move |node| match node {
            Node::Expr(it) if span_of(it).end <= at.start => Some(it),
            _ => None,
        })
    };
    let mut acquired = before().filter_map(|it| Some((it, path_of(acquired(it)?)?)));
    acquired.any(|(acquires, lock)| {
        let mut later = before().filter(|it| span_of(*it).start > span_of(acquires).start);
        !later.any(|it| called_on(it, "release").and_then(path_of).as_ref() == Some(&lock))
    })
}

/// The lock in `await lock.acquire()`.
pub(super) fn acquired(expr: &Expr) -> Option<&Expr> {
    called_on(&expr.as_await_expr()?.value, "acquire")
}

/// The object of which this method is called.
fn called_on<'p>(expr: &'p Expr, method: &str) -> Option<&'p Expr> {
    let called = expr.as_call_expr()?.func.as_attribute_expr()?;
    (called.attr.as_str() == method).then_some(&*called.value)
}
