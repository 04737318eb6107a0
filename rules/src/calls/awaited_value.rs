use lint_core::diagnostic::Diagnostic;
use lint_core::names::Resolved;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::Expr;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use super::caught::caught;
use crate::finding::Finding;
use crate::program::{Culprit, Node, Program, Running, own_nodes};
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds `await` before functions of the SDK that are no coroutines and give nothing to wait for:
/// `upsert_memo`, `upsert_search_attributes`, `get_external_workflow_handle`, `all_handlers_finished`,
/// `now`, `info` and the like; and before `result()` or `cancel()` of an activity, a child or a task.
///
/// ## Why is this bad?
/// The function has done its work, and then `await` raises a `TypeError`. That is no failure: the workflow
/// task is tried again for ever, until the code is changed. `result()` of a handle does not wait either: it
/// raises an `InvalidStateError` unless the activity or child is done. The handle itself can be awaited.
/// `cancel()` says at once whether it asked for it. Only that of an external workflow has to be awaited.
///
/// ## Example
/// ```python
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class PriceFund:
///     @workflow.run
///     async def run(self, fund: str) -> None:
///         await workflow.upsert_memo({"fund": fund})  # RB430
/// ```
///
/// ## Use instead
/// ```python
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class PriceFund:
///     @workflow.run
///     async def run(self, fund: str) -> None:
///         workflow.upsert_memo({"fund": fund})
/// ```
#[derive(RuleMetadata)]
#[rule(
    code = "RB430",
    severity = "error",
    category = "calls",
    since = "0.1.0",
    summary = "a function of the SDK is awaited that gives nothing to wait for"
)]
pub(crate) struct AwaitedValue;

impl Rule for AwaitedValue {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let program = Program::new(cx.facts);
        for (running, entry, function) in Running::functions(cx.facts) {
            let names = cx.model.names_in(function.file);
            for node in own_nodes(program.function(function)) {
                let Node::Expr(Expr::Await(awaited)) = node else {
                    continue;
                };
                let Expr::Call(call) = &*awaited.value else {
                    continue;
                };
                let callee = names.resolve(function.file, function.ix, &call.func);
                let callee = callee.as_ref().and_then(Resolved::external);
                let at_once = AT_ONCE.iter().find(|it| Some(**it) == callee);
                let of_task = || {
                    OF_TASKS
                        .iter()
                        .find(|it| program.calls(function.file, call, &[**it]))
                };
                let Some(name) = at_once.or_else(of_task) else {
                    continue;
                };
                let (error, of, help) = if name.ends_with(".result") {
                    (
                        "InvalidStateError",
                        "a handle that is not done",
                        "`await` the handle itself",
                    )
                } else {
                    ("TypeError", "`await`", "leave `await` out")
                };
                let short = name.rsplit('.').next().unwrap_or(name);
                let about = format!("`{short}` is awaited here");
                let culprit = Culprit::new(function, span_of(awaited), about);
                let outcome =
                    caught(program, function, span_of(awaited), error).unwrap_or_else(|| {
                        format!("the `{error}` of {of} fails each try of the workflow task")
                    });
                let message = format!("`{short}` gives nothing to wait for, so {outcome}");
                Finding::reached(&Self::METADATA, program, running, entry, culprit, message)
                    .help(help)
                    .culprit(*name)
                    .report(report);
            }
        }
    }
}

/// What a future answers at once, and so does a task, an activity and a child. Handles of clients and of external
/// workflows have methods of these names that wait.
const OF_TASKS: &[&str] = &[
    "asyncio.Future.cancel",
    "temporalio.workflow.ActivityHandle.result",
    "temporalio.workflow.ChildWorkflowHandle.result",
];

/// The functions that are done when they return. `continue_as_new` never returns.
const AT_ONCE: &[&str] = &[
    "ntro.workflow.runbook.info",
    "ntro.workflow.runbook.now",
    "temporalio.workflow.all_handlers_finished",
    "temporalio.workflow.create_nexus_client",
    "temporalio.workflow.current_update_info",
    "temporalio.workflow.deprecate_patch",
    "temporalio.workflow.get_current_details",
    "temporalio.workflow.get_external_workflow_handle",
    "temporalio.workflow.get_external_workflow_handle_for",
    "temporalio.workflow.get_last_completion_result",
    "temporalio.workflow.info",
    "temporalio.workflow.instance",
    "temporalio.workflow.memo",
    "temporalio.workflow.memo_value",
    "temporalio.workflow.new_random",
    "temporalio.workflow.now",
    "temporalio.workflow.patched",
    "temporalio.workflow.random",
    "temporalio.workflow.set_current_details",
    "temporalio.workflow.set_query_handler",
    "temporalio.workflow.set_signal_handler",
    "temporalio.workflow.set_update_handler",
    "temporalio.workflow.time",
    "temporalio.workflow.time_ns",
    "temporalio.workflow.upsert_memo",
    "temporalio.workflow.upsert_search_attributes",
    "temporalio.workflow.uuid4",
    "temporalio.workflow.uuid7",
];
