use lint_core::diagnostic::Diagnostic;
use lint_core::rule::RuleMetadata;
use rules_macros::RuleMetadata;

use crate::fixes;
use crate::hazard;
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds reads of a clock in workflow code: `datetime.now()`, `date.today()`, `time.time()`,
/// `time.monotonic()`, `time.strftime(…)` without a time to format, and the like in libraries.
///
/// ## Why is this bad?
/// Temporal keeps no copy of a workflow's variables. To get them back it runs the workflow code again
/// from the start and checks each command against the recorded history: a replay. The clock then
/// shows the time of the replay. A cut-off that was met on Monday is missed on Tuesday, so the replay
/// takes the other branch and fails; where the time only ends up in data, the replay passes and
/// the restored state differs from what was recorded.
///
/// A time zone does not help: `datetime.now(timezone.utc)` is the same clock.
///
/// ## Example
/// A branch that the clock decides:
/// ```python
/// from datetime import datetime, timezone
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class StrikeNav:
///     @workflow.run
///     async def run(self, cut_off: datetime) -> str:
///         if datetime.now(timezone.utc) > cut_off:  # RB101
///             return "late"
///         return "on time"
/// ```
/// A clock inside a helper of the bundle. The finding is at the call that leads there:
/// ```python path=templates/workflow.py
/// from ntro.workflow import NtroWorkflow, runbook
///
/// from .periods import period_label
///
///
/// @runbook.defn
/// class NavMonthly(NtroWorkflow):
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return {"period": period_label()}  # RB101
/// ```
/// ```python path=templates/periods.py
/// import time
///
///
/// def period_label() -> str:
///     return time.strftime("%Y-%m")
/// ```
///
/// ## Use instead
/// `workflow.now()` gives the time at which Temporal recorded the current step, on every replay the
/// same:
/// ```python
/// from datetime import datetime
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class StrikeNav:
///     @workflow.run
///     async def run(self, cut_off: datetime) -> str:
///         if workflow.now() > cut_off:
///             return "late"
///         return "on time"
/// ```
/// In a runbook the same clock is `runbook.now()`. A helper gets the time from its caller:
/// ```python path=templates/workflow.py
/// from ntro.workflow import NtroWorkflow, runbook
///
/// from .periods import period_label
///
///
/// @runbook.defn
/// class NavMonthly(NtroWorkflow):
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return {"period": period_label(runbook.now())}
/// ```
/// ```python path=templates/periods.py
/// from datetime import datetime
///
///
/// def period_label(at: datetime) -> str:
///     return at.strftime("%Y-%m")
/// ```
///
/// ## Fix
/// Safe where the value keeps its type and its time zone: aware times, `utcnow()`, `time.time()` and
/// `time.time_ns()` become those of the workflow. Unsafe where it does not: naive local times become
/// UTC, and `time.monotonic()` counts from 1970 then. A helper gets a parameter for the time, which the
/// workflow fills, and a field with a clock as its default is given the time; both are unsafe, since the
/// time is that of the call. The time stands still where a workflow awaits nothing: it is unsafe in a
/// `for` loop that ends on the clock, and there is no fix in a `while` loop, which would never end.
///
/// ## Sandbox
/// Temporal's sandbox stops the best-known clocks, but not `time.strftime()`, `time.gmtime()`,
/// `time.ctime()` or `email.utils.formatdate()`, and no clock at all behind an import that is passed
/// through.
///
/// ## References
/// - <https://docs.temporal.io/workflow-definition#deterministic-constraints>
#[derive(RuleMetadata)]
#[rule(
    code = "RB101",
    severity = "error",
    category = "determinism",
    since = "0.1.0",
    fix = "safe",
    summary = "workflow code reads the wall clock"
)]
pub(crate) struct WallClock;

impl Rule for WallClock {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn classes(&self) -> &'static [&'static str] {
        &["clock"]
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        hazard::report_fixable_apis(self, cx, fixes::clock, report);
    }
}
