use lint_core::diagnostic::Diagnostic;
use lint_core::facts::HazardKind;
use lint_core::rule::RuleMetadata;
use rules_macros::RuleMetadata;

use crate::fixes;
use crate::hazard::Case;
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds calls of `@activity.defn` functions in workflow code, `await post_journal(entry)`.
///
/// ## Why is this bad?
/// The call runs the body of the activity inside the workflow. Nothing is recorded, so the journal is
/// posted again with each replay, without a timeout and without retries. It looks right in tests,
/// where nothing is replayed.
///
/// ## Example
/// ```python path=templates/workflow.py
/// from ntro.workflow import NtroWorkflow, runbook
///
/// from .activities import post_journal
///
///
/// @runbook.defn
/// class AccrueFees(NtroWorkflow):
///     @runbook.run
///     async def run(self, amount: float) -> str:
///         return await post_journal(amount)  # RB113
/// ```
/// ```python path=templates/activities.py
/// from ntro.workflow import activity
///
///
/// @activity.defn(name="accrue_fees.post_journal")
/// async def post_journal(amount: float) -> str:
///     return f"posted {amount:.2f}"
/// ```
///
/// ## Use instead
/// Hand the function over without calling it:
/// ```python path=templates/workflow.py
/// from datetime import timedelta
///
/// from ntro.workflow import NtroWorkflow, runbook
///
/// from .activities import post_journal
///
///
/// @runbook.defn
/// class AccrueFees(NtroWorkflow):
///     @runbook.run
///     async def run(self, amount: float) -> str:
///         return await runbook.execute_activity(
///             post_journal, amount, start_to_close_timeout=timedelta(minutes=1)
///         )
/// ```
/// ```python path=templates/activities.py
/// from ntro.workflow import activity
///
///
/// @activity.defn(name="accrue_fees.post_journal")
/// async def post_journal(amount: float) -> str:
///     return f"posted {amount:.2f}"
/// ```
/// If the computation is deterministic and wanted in both places, give it a function of its own:
/// ```python path=workflow.py
/// from temporalio import workflow
///
/// from fees import monthly_fee
///
///
/// @workflow.defn
/// class QuoteFees:
///     @workflow.run
///     async def run(self, nav: float) -> float:
///         return monthly_fee(nav)
/// ```
/// ```python path=fees.py
/// from temporalio import activity
///
///
/// def monthly_fee(nav: float) -> float:
///     return nav * 0.015 / 12
///
///
/// @activity.defn
/// async def accrue_monthly_fee(nav: float) -> float:
///     return monthly_fee(nav)
/// ```
///
/// ## Fix
/// Unsafe: the activity is scheduled with a timeout of five minutes, which is a guess. Open executions do
/// not have it in their history, and errors arrive as `ActivityError`. If a helper calls it, the helper
/// runs in an activity of its own.
#[derive(RuleMetadata)]
#[rule(
    code = "RB113",
    severity = "error",
    category = "determinism",
    since = "0.1.0",
    fix = "unsafe",
    summary = "workflow code calls an activity instead of scheduling it"
)]
pub(crate) struct DirectActivityCall;

impl Rule for DirectActivityCall {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for case in Case::all(cx.facts) {
            if case.hazard.kind == HazardKind::DirectActivity {
                let message = case.sentence(
                    "runs the activity inside the workflow: nothing is recorded, and every replay runs it again",
                );
                let help = case.for_facade(
                    "schedule it with `workflow.execute_activity()`",
                    "schedule it with `runbook.execute_activity()`",
                );
                let fix = fixes::scheduled(cx, &case).or_else(|| fixes::offloaded(cx, &case));
                report.push(Diagnostic {
                    fixes: fix.into_iter().collect(),
                    ..case.diagnose(&Self::METADATA, &message, help)
                });
            }
        }
    }
}
