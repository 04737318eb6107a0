use lint_core::diagnostic::Diagnostic;
use lint_core::facts::{HazardKind, WorkflowKind};
use lint_core::rule::RuleMetadata;
use rules_macros::RuleMetadata;

use crate::hazard::Case;
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds changes of module-level variables, of class attributes, and of objects that modules made, in
/// workflow code: `global`, `CACHE[key] = …`, `SEEN.append(…)`, `type(self).count += 1`,
/// `REGISTRY.put(key)`, `async with LOCK`. What only fills in what was missing, the same in every run,
/// is no finding unless commands depend on whether it was missing.
///
/// ## Why is this bad?
/// All runs on a worker share these values, but the history of one run knows nothing of the others. A
/// replay starts from whatever they are by then. The counter that gave the first journal of the month
/// number 1 gives it number 2,117 in a replay on the same worker, and 1 again on a new one.
///
/// ## Example
/// ```python
/// from temporalio import workflow
///
/// SEEN: list[str] = []
///
///
/// @workflow.defn
/// class PostJournal:
///     @workflow.run
///     async def run(self, journal: str) -> int:
///         SEEN.append(journal)  # RB116
///         return len(SEEN)
/// ```
/// A class attribute of a runbook is shared too:
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class CollectStatements(NtroWorkflow):
///     statements: list[dict] = []
///
///     @runbook.signal
///     async def statement_received(self, payload: dict) -> None:
///         self.statements.append(payload)  # RB116
///
///     @runbook.run
///     async def run(self, expected: int) -> list[dict]:
///         await runbook.wait_condition(lambda: len(self.statements) >= expected)
///         return self.statements
/// ```
///
/// ## Use instead
/// Keep state on the instance; there is one for each run:
/// ```python
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class PostJournal:
///     def __init__(self) -> None:
///         self.seen: list[str] = []
///
///     @workflow.run
///     async def run(self, journal: str) -> int:
///         self.seen.append(journal)
///         return len(self.seen)
/// ```
/// In a runbook:
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class CollectStatements(NtroWorkflow):
///     def __init__(self) -> None:
///         super().__init__()
///         self.statements: list[dict] = []
///
///     @runbook.signal
///     async def statement_received(self, payload: dict) -> None:
///         self.statements.append(payload)
///
///     @runbook.run
///     async def run(self, expected: int) -> list[dict]:
///         await runbook.wait_condition(lambda: len(self.statements) >= expected)
///         return self.statements
/// ```
///
/// ## Limits
/// A cache of a function whose result only depends on its arguments does no harm; assert it with
/// `# runbook-lint: pure`.
///
/// ## Sandbox
/// Temporal's sandbox gives each run its own copy of the modules that it watches. Modules that are
/// passed through, and all modules of a worker without sandbox, are shared. The message says which
/// of the two the module is. Interceptors run outside of the sandbox, so what their modules hold is
/// shared with all that the worker runs.
#[derive(RuleMetadata)]
#[rule(
    code = "RB116",
    severity = "warning",
    category = "determinism",
    since = "0.1.0",
    summary = "workflow code changes state that all runs on a worker share"
)]
pub(crate) struct SharedMutableState;

impl Rule for SharedMutableState {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for case in Case::all(cx.facts) {
            if case.hazard.kind == HazardKind::SharedState {
                let is_interceptor = case.workflow().kind == WorkflowKind::Interceptor;
                let message = case.sentence(if is_interceptor {
                    "changes state that all runs and activities of a worker share, so a replay may \
                     find it changed"
                } else if case.shares_modules() {
                    "changes state that all runs on a worker share, so a replay may find it changed"
                } else {
                    "changes state of a module, which runs share unless the sandbox loads it anew \
                     for each of them"
                });
                let help = if is_interceptor {
                    "keep it in an attribute that `__init__` sets on `self`; what an activity finds \
                     comes to the workflow by its result alone"
                } else {
                    "keep it in an attribute that `__init__` sets on `self`"
                };
                report.push(case.diagnose(&Self::METADATA, &message, help));
            }
        }
    }
}
