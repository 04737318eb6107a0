use std::collections::BTreeSet;

use lint_core::diagnostic::Diagnostic;
use lint_core::knowledge::Role;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::handlers::Handler;
use crate::program::{Culprit, Program, Running};
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds `workflow.continue_as_new()` in a signal handler, an update handler or a validator, and in what
/// these call. Handlers that code of the workflow registers count as well.
///
/// ## Why is this bad?
/// Continuing as new is for `run` alone. From an update handler it fails the workflow task, which is tried
/// again for ever. From a signal handler it ends the run while `run` and other handlers are still at work,
/// wherever they are.
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
    summary = "a handler continues as new instead of `run`"
)]
pub(crate) struct HandlerContinuesAsNew;

pub(super) const CONTINUE_AS_NEW: &[&str] = &["temporalio.workflow.continue_as_new"];

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
                let calls = handler.runs.iter().flat_map(|&it| {
                    program
                        .calls_of(it, CONTINUE_AS_NEW)
                        .map(move |call| (it, call))
                });
                for (function, call) in calls {
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
    }
}
