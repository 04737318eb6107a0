use lint_core::diagnostic::Diagnostic;
use lint_core::rule::RuleMetadata;
use rules_macros::RuleMetadata;

use crate::fixes;
use crate::hazard;
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds waits that block the thread: `time.sleep()`, the retry helpers that call it, sleeps of
/// other event loops, questions to somebody at the worker's terminal (`input()`, `breakpoint()`), and
/// loops that only burn time (`while not self._received: pass`).
///
/// ## Why is this bad?
/// All workflows of a worker share its event loop, and a blocking wait stops it. After two seconds
/// Temporal takes it for a deadlock and fails the workflow task. The wait is not recorded either: a
/// replay does not know that it is over and waits once more.
///
/// ## Example
/// ```python
/// import time
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class AwaitSettlement:
///     @workflow.run
///     async def run(self, seconds: float) -> None:
///         time.sleep(seconds)  # RB109
/// ```
/// In a runbook:
/// ```python
/// from time import sleep
///
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class AwaitStatement(NtroWorkflow):
///     def __init__(self) -> None:
///         super().__init__()
///         self._received = False
///
///     @runbook.signal
///     async def statement_received(self, payload: dict) -> None:
///         self._received = True
///
///     @runbook.run
///     async def run(self, context: dict) -> None:
///         while not self._received:
///             sleep(60)  # RB109
/// ```
///
/// ## Use instead
/// In workflow code `asyncio.sleep()` is a timer of Temporal: it is recorded, survives restarts, and
/// takes no time in a replay.
/// ```python
/// import asyncio
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class AwaitSettlement:
///     @workflow.run
///     async def run(self, seconds: float) -> None:
///         await asyncio.sleep(seconds)
/// ```
/// Better than looking again and again is to wait for the condition:
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class AwaitStatement(NtroWorkflow):
///     def __init__(self) -> None:
///         super().__init__()
///         self._received = False
///
///     @runbook.signal
///     async def statement_received(self, payload: dict) -> None:
///         self._received = True
///
///     @runbook.run
///     async def run(self, context: dict) -> None:
///         await runbook.wait_condition(lambda: self._received)
/// ```
///
/// ## Fix
/// Unsafe: `time.sleep()` becomes `asyncio.sleep()`, a timer that open executions do not have in their
/// history. Functions around it that are not `async` become so, if all their calls are known and can be
/// awaited.
///
/// ## Limits
/// A loop that calls something while it waits (`while queue.empty(): pass`) is not found.
#[derive(RuleMetadata)]
#[rule(
    code = "RB109",
    severity = "error",
    category = "determinism",
    since = "0.1.0",
    fix = "unsafe",
    summary = "workflow code blocks the worker while it waits"
)]
pub(crate) struct BlockingSleep;

impl Rule for BlockingSleep {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn classes(&self) -> &'static [&'static str] {
        &["sleep"]
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        hazard::report_fixable_apis(self, cx, fixes::sleep, report);
    }
}
