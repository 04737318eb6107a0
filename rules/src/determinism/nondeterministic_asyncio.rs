use lint_core::diagnostic::Diagnostic;
use lint_core::rule::RuleMetadata;
use rules_macros::RuleMetadata;

use crate::fixes;
use crate::hazard;
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds the parts of `asyncio` that do not fit into workflow code: `asyncio.wait()` and
/// `asyncio.as_completed()`, which hand tasks back in the order of a set, and everything that needs a
/// real event loop, such as `asyncio.to_thread()`, `run_in_executor()`, streams and subprocesses.
///
/// ## Why is this bad?
/// `asyncio.wait()` gives two *sets* of tasks. The order of a set of tasks follows their addresses in
/// memory, so a replay goes through them in another order and issues its commands in that order. Where
/// only their number counts, or whether a task is in them, nothing breaks, and the finding is a warning. The
/// rest fails at once: Temporal's event loop has no sockets, no threads and no subprocesses.
///
/// Most of `asyncio` is fine, since the order of events comes from the history: `gather()`,
/// `TaskGroup`, `create_task()`, `sleep()`, `timeout()`, `wait_for()`, `Event`, `Queue`, `Lock`.
///
/// ## Example
/// ```python
/// import asyncio
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class CollectApprovals:
///     async def approval(self, approver: str) -> str:
///         await asyncio.sleep(1)
///         return approver
///
///     @workflow.run
///     async def run(self, approvers: list[str]) -> str:
///         tasks = [asyncio.create_task(self.approval(name)) for name in approvers]
///         for first in asyncio.as_completed(tasks):  # RB111
///             return await first
///         return "nobody"
/// ```
/// In a runbook:
/// ```python
/// import asyncio
///
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// def total(amounts: list[float]) -> float:
///     return sum(amounts)
///
///
/// @runbook.defn
/// class SumJournals(NtroWorkflow):
///     @runbook.run
///     async def run(self, amounts: list[float]) -> float:
///         return await asyncio.to_thread(total, amounts)  # RB111
/// ```
///
/// ## Use instead
/// Temporal's own versions keep the order of the tasks:
/// ```python
/// import asyncio
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class CollectApprovals:
///     async def approval(self, approver: str) -> str:
///         await asyncio.sleep(1)
///         return approver
///
///     @workflow.run
///     async def run(self, approvers: list[str]) -> str:
///         tasks = [asyncio.create_task(self.approval(name)) for name in approvers]
///         for first in workflow.as_completed(tasks):
///             return await first
///         return "nobody"
/// ```
/// Where no thread is needed, call the function; where it takes long, make it an activity:
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// def total(amounts: list[float]) -> float:
///     return sum(amounts)
///
///
/// @runbook.defn
/// class SumJournals(NtroWorkflow):
///     @runbook.run
///     async def run(self, amounts: list[float]) -> float:
///         return total(amounts)
/// ```
///
/// ## Fix
/// `asyncio.as_completed()` in a `for` loop becomes that of `workflow`: safe, since it gives the same
/// things in an order that is recorded. `asyncio.wait()` becomes `workflow.wait()`: unsafe, since that
/// gives lists instead of sets.
///
/// ## Sandbox
/// Temporal's sandbox only warns of `asyncio.wait()` and `asyncio.as_completed()`, and only under these
/// names: `asyncio.tasks.wait()` passes in silence.
#[derive(RuleMetadata)]
#[rule(
    code = "RB111",
    severity = "error",
    category = "determinism",
    since = "0.1.0",
    fix = "safe",
    summary = "workflow code uses asyncio in a way that Temporal's loop does not replay"
)]
pub(crate) struct NondeterministicAsyncio;

impl Rule for NondeterministicAsyncio {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn classes(&self) -> &'static [&'static str] {
        &["task-order", "asyncio", "no-sync", "unsupported"]
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        hazard::report_fixable_apis(self, cx, fixes::asyncio, report);
    }
}
