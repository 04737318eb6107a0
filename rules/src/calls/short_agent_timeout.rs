use lint_core::diagnostic::Diagnostic;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::model::{Activity, Model};
use crate::rule::{Context, Rule};
use crate::sites::{ActivityCall, Written, hides_keywords, keyword_value, number, shown};

/// ## What it does
/// Finds activities that call `agents.invoke` and that the runbook schedules with a shorter
/// `start_to_close_timeout` than the agent may take: `max_poll_seconds`, half an hour unless given.
///
/// ## Why is this bad?
/// The activity waits for the agent. When its time is up, Temporal starts it again and with it a second
/// session of the agent, while the first one keeps working.
///
/// ## Example
/// ```python
/// from datetime import timedelta
///
/// from ntro.workflow import NtroWorkflow, runbook
///
/// from .activities import ask_agent
///
///
/// @runbook.defn
/// class DraftCommentaryWorkflow(NtroWorkflow):
///     @runbook.step(name="draft", title="Draft commentary", icon="Bot")
///     async def _step_draft(self, fund: str) -> str:
///         return await runbook.execute_activity(
///             ask_agent,
///             fund,
///             start_to_close_timeout=timedelta(minutes=5),  # RB425
///         )
///
///     @runbook.run
///     async def run(self, fund: str) -> str:
///         return await self._step_draft(fund)
/// ```
/// ```python path=activities.py
/// from ntro.workflow import activity, agents
///
///
/// @activity.defn(name="draft_commentary.ask_agent")
/// async def ask_agent(fund: str) -> str:
///     result = await agents.invoke(
///         "6a0f9a4e-2f0b-4d57-8f1c-0d2b7a6f3c11", input={"fund": fund}
///     )
///     return result.status
/// ```
///
/// ## Use instead
/// ```python
/// from datetime import timedelta
///
/// from ntro.workflow import NtroWorkflow, runbook
///
/// from .activities import ask_agent
///
///
/// @runbook.defn
/// class DraftCommentaryWorkflow(NtroWorkflow):
///     @runbook.step(name="draft", title="Draft commentary", icon="Bot")
///     async def _step_draft(self, fund: str) -> str:
///         return await runbook.execute_activity(
///             ask_agent, fund, start_to_close_timeout=timedelta(minutes=35)
///         )
///
///     @runbook.run
///     async def run(self, fund: str) -> str:
///         return await self._step_draft(fund)
/// ```
/// ```python path=activities.py
/// from ntro.workflow import activity, agents
///
///
/// @activity.defn(name="draft_commentary.ask_agent")
/// async def ask_agent(fund: str) -> str:
///     result = await agents.invoke(
///         "6a0f9a4e-2f0b-4d57-8f1c-0d2b7a6f3c11", input={"fund": fund}
///     )
///     return result.status
/// ```
///
/// ## Limits
/// Only timeouts and limits that are written out are compared, and only calls in the body of the activity
/// itself.
///
/// ## References
/// - <https://docs.ntropii.com/sdk/agents>
#[derive(RuleMetadata)]
#[rule(
    code = "RB425",
    severity = "warning",
    category = "calls",
    since = "0.1.0",
    summary = "an activity gets less time than the agent that it invokes may take"
)]
pub(crate) struct ShortAgentTimeout;

/// How long `agents.invoke` waits unless it is told otherwise.
const AGENT_SECONDS: f64 = 1_800.0;
/// The timeout that `run_step` sets unless it is told otherwise.
const RUN_STEP_SECONDS: f64 = 300.0;

impl Rule for ShortAgentTimeout {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let model = &cx.model;
        for call in ActivityCall::all(model) {
            let Some(needed) = call.activity(model).and_then(|it| agent_seconds(model, it)) else {
                continue;
            };
            let site = call.site;
            let timeout = keyword_value(site.call, "start_to_close_timeout");
            let (given, span) = match timeout {
                Some(value) => (Written::at(site, value).seconds(model), span_of(value)),
                None if call.is_run_step && !hides_keywords(site.call) => {
                    (Some(RUN_STEP_SECONDS), span_of(call.target))
                }
                None => continue,
            };
            // A timeout of zero is none, which is the business of another rule.
            let Some(given) = given.filter(|&given| given < needed && given > 0.0) else {
                continue;
            };
            let message = format!(
                "the activity {} gets {}, but the agent that it invokes may take {}",
                shown(model, site.file, call.target),
                duration(given),
                duration(needed)
            );
            let finding = Finding::new(&Self::METADATA, site.file, span, message).help(format!(
                "set `start_to_close_timeout` to more than {}, or a shorter `max_poll_seconds`",
                duration(needed)
            ));
            match site.runbook {
                Some(runbook) => finding.in_runbook(&model.runbooks[runbook]),
                None => finding,
            }
            .report(report);
        }
    }
}

/// The longest that an agent invoked by the activity may take.
fn agent_seconds(model: &Model<'_>, activity: &Activity<'_>) -> Option<f64> {
    let mut longest: Option<f64> = None;
    for site in model.calls_in(activity.file, activity.ix) {
        if site.external() != Some("ntro.workflow.agents.invoke") || hides_keywords(site.call) {
            continue;
        }
        let seconds = match keyword_value(site.call, "max_poll_seconds") {
            Some(value) => match number(Written::at(site, value).followed(model).value) {
                Some(seconds) => seconds,
                None => continue,
            },
            None => AGENT_SECONDS,
        };
        longest = Some(longest.map_or(seconds, |longest| longest.max(seconds)));
    }
    longest
}

fn duration(seconds: f64) -> String {
    let minutes = seconds / 60.0;
    if minutes >= 1.0 && minutes.fract() == 0.0 {
        let s = if minutes == 1.0 { "" } else { "s" };
        format!("{minutes} minute{s}")
    } else {
        format!("{seconds} seconds")
    }
}
