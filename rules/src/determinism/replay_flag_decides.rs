use lint_core::diagnostic::Diagnostic;
use lint_core::facts::HazardKind;
use lint_core::knowledge::REPLAY_FLAG;
use lint_core::rule::RuleMetadata;
use rules_macros::RuleMetadata;

use crate::hazard::Case;
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds commands, and changes of the workflow's attributes, that happen only if
/// `workflow.unsafe.is_replaying()` is true or false, and values chosen by it that reach a command, the
/// result or state. Keeping the flag itself in an attribute, to guard output with it, is fine.
///
/// ## Why is this bad?
/// The flag is false when code runs for the first time and true when it runs again. What it decides
/// over therefore happens once and is missing in the replay, or the other way round. Temporal finds
/// other commands than the history holds and fails the workflow task; attributes have other values
/// after a worker was restarted. The flag is there for output, such as logs and metrics.
///
/// ## Example
/// ```python
/// from datetime import timedelta
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class StrikeNav:
///     def __init__(self) -> None:
///         self.announced = False
///
///     @workflow.run
///     async def run(self, fund: str) -> None:
///         if not workflow.unsafe.is_replaying():
///             self.announced = True  # RB125
///             await workflow.execute_activity(  # RB125
///                 "announce", fund, start_to_close_timeout=timedelta(minutes=1)
///             )
/// ```
///
/// ## Use instead
/// Issue the command in every execution: a replay takes its result from the history and runs nothing
/// twice. Guard output only.
/// ```python
/// from datetime import timedelta
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class StrikeNav:
///     def __init__(self) -> None:
///         self.announced = False
///
///     @workflow.run
///     async def run(self, fund: str) -> None:
///         self.announced = True
///         if not workflow.unsafe.is_replaying():
///             print("announcing", fund)
///         await workflow.execute_activity(
///             "announce", fund, start_to_close_timeout=timedelta(minutes=1)
///         )
/// ```
#[derive(RuleMetadata)]
#[rule(
    code = "RB125",
    severity = "error",
    category = "determinism",
    since = "0.1.0",
    summary = "the replay flag decides over a command or over state"
)]
pub(crate) struct ReplayFlagDecides;

impl Rule for ReplayFlagDecides {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for case in Case::all(cx.facts) {
            let does = match case.hazard.kind {
                HazardKind::ReplayFlag { state: true } => {
                    "is changed or not as `is_replaying()` says"
                }
                HazardKind::ReplayFlag { state: false } => "runs or not as `is_replaying()` says",
                HazardKind::Api { class } if class == REPLAY_FLAG => {
                    "decides over more than logs and metrics, and a replay gets another answer"
                }
                _ => continue,
            };
            let message = case.sentence(does);
            let help = "do it in every execution; guard only logs and metrics with the flag";
            report.push(case.diagnose(&Self::METADATA, &message, help));
        }
    }
}
