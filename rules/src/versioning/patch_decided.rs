use std::collections::BTreeSet;

use lint_core::diagnostic::{Diagnostic, Span};
use lint_core::facts::{EntryReach, FunctionRef};
use lint_core::knowledge::Role;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::Expr;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use super::patches::{Around, Asked, around, asked, ways_to};
use crate::finding::Finding;
use crate::program::{Node, Program, Running, nodes_of_expr};
use crate::rule::{Context, Rule};
use crate::writes::{self, Attribute};

/// ## What it does
/// Finds `workflow.patched()` and `workflow.deprecate_patch()` that are only reached in a handler, or only
/// if the state of the workflow or the time says so.
///
/// ## Why is this bad?
/// A patch marks a place in the history, and each replay has to come by that place again. What a signal or
/// the state decides is easily changed by the next edit, and then a history with the marker does not meet
/// the call any more: the replay fails. A handler is also asked whenever a message comes, so whether a run
/// gets the new code depends on whether its message came before or after the deployment, and the answer is
/// remembered for `run` as well.
///
/// ## Example
/// ```python
/// from datetime import timedelta
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class HandleClaim:
///     def __init__(self) -> None:
///         self.urgent = False
///
///     @workflow.run
///     async def run(self, claim: str) -> None:
///         if self.urgent and workflow.patched("call-first"):  # RB702
///             await workflow.execute_activity(
///                 "call", claim, start_to_close_timeout=timedelta(minutes=5)
///             )
///
///     @workflow.signal
///     def hurry(self) -> None:
///         self.urgent = True
/// ```
///
/// ## Use instead
/// Ask first and unconditionally, and let the answer decide:
/// ```python
/// from datetime import timedelta
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class HandleClaim:
///     def __init__(self) -> None:
///         self.urgent = False
///
///     @workflow.run
///     async def run(self, claim: str) -> None:
///         calls_first = workflow.patched("call-first")
///         if self.urgent and calls_first:
///             await workflow.execute_activity(
///                 "call", claim, start_to_close_timeout=timedelta(minutes=5)
///             )
///
///     @workflow.signal
///     def hurry(self) -> None:
///         self.urgent = True
/// ```
///
/// ## Limits
/// Only conditions on attributes that a handler changes, or on the time, are looked at. Nothing is said where
/// another way to the patch has no such condition.
///
/// ## References
/// - <https://docs.temporal.io/develop/python/versioning#patching>
#[derive(RuleMetadata)]
#[rule(
    code = "RB702",
    severity = "warning",
    category = "versioning",
    since = "0.1.0",
    summary = "whether a patch is asked for depends on state, on a handler or on the time",
    preview = true
)]
pub(crate) struct PatchDecided;

impl Rule for PatchDecided {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let program = Program::new(cx.facts);
        let mut seen = BTreeSet::new();
        for running in Running::all(cx.facts) {
            let changed = changed_by_handlers(program, running);
            for (entry, reach) in running.entries() {
                let in_handler = matches!(entry.role, Role::Signal | Role::Update);
                for it in asked(program, reach) {
                    let why = match decided_by(program, running, reach, &it, &changed) {
                        _ if in_handler => format!("in the handler `{}`", entry.name),
                        Some(condition) => condition,
                        None => continue,
                    };
                    if !seen.insert(it.culprit().place()) {
                        continue;
                    }
                    let what = match it.deprecates {
                        true => "deprecated",
                        false => "asked for",
                    };
                    let message = format!(
                        "a patch of `{}` is {what} only {why}, so a history may have the marker where a replay does not \
                         come by",
                        running.short_name()
                    );
                    let entry = reach.function;
                    Finding::reached(
                        &Self::METADATA,
                        program,
                        running,
                        entry,
                        it.culprit(),
                        message,
                    )
                    .help("ask at the beginning of `run`, keep the answer, and let that decide")
                    .report(report);
                }
            }
        }
    }
}

/// The names of attributes that handlers change.
fn changed_by_handlers<'p>(
    program: Program<'_, 'p>,
    running: Running<'_>,
) -> BTreeSet<Attribute<'p>> {
    let functions = running.runs_of(crate::program::is_handler);
    let writes = functions
        .into_iter()
        .flat_map(|it| writes::in_function(program, it));
    writes.map(|it| it.attribute.within(running)).collect()
}

/// The condition on which it depends, for a message; `None` if one of the ways there has none.
fn decided_by(
    program: Program<'_, '_>,
    running: Running<'_>,
    reach: &EntryReach,
    it: &Asked<'_>,
    changed: &BTreeSet<Attribute<'_>>,
) -> Option<String> {
    let decides = |at: (FunctionRef, Span)| condition(program, running, at, changed);
    let mut pending = vec![(it.function, span_of(it.call))];
    let mut seen = BTreeSet::from([it.function]);
    while let Some(at) = pending.pop() {
        if decides(at).is_some() {
            continue;
        }
        if at.0 == reach.function {
            return None;
        }
        for &caller in &reach.runs {
            let calls = program.own_calls(caller);
            let there = calls.filter(|(_, callee)| *callee == at.0);
            let there: Vec<Span> = there.map(|(call, _)| span_of(call)).collect();
            let is_new = caller == reach.function || seen.insert(caller);
            pending.extend(there.into_iter().filter(|_| is_new).map(|it| (caller, it)));
        }
    }
    ways_to(program, reach, it).into_iter().find_map(decides)
}

/// The condition around a place that handlers or the time decide.
fn condition(
    program: Program<'_, '_>,
    running: Running<'_>,
    (function, at): (FunctionRef, Span),
    changed: &BTreeSet<Attribute<'_>>,
) -> Option<String> {
    const TIME: &[&str] = &["temporalio.workflow.now", "temporalio.workflow.time"];
    let file = function.file;
    for outer in around(program, function, at) {
        let Around::Condition(test) = outer else {
            continue;
        };
        for node in nodes_of_expr(test) {
            match node {
                Node::Expr(Expr::Attribute(attribute)) => {
                    let name = attribute.attr.as_str();
                    let is_changed = program
                        .owners(file, attribute)
                        .iter()
                        .any(|&owner| changed.contains(&Attribute { owner, name }.within(running)));
                    if is_changed {
                        return Some(format!("if `{name}` says so, which a handler changes"));
                    }
                }
                Node::Expr(Expr::Call(call)) if program.calls(file, call, TIME) => {
                    return Some("at certain times".to_owned());
                }
                _ => {}
            }
        }
    }
    None
}
