use lint_core::diagnostic::Diagnostic;
use lint_core::rule::RuleMetadata;
use rules_macros::RuleMetadata;

use crate::fixes;
use crate::hazard;
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds calls that leave the machine: HTTP clients, sockets, mail, message brokers, cloud SDKs, and
/// clients of language models.
///
/// ## Why is this bad?
/// The answer is not in the history, so each replay asks again. It gets a newer exchange rate, or
/// another sentence from the model, or no answer at all because the service is down, and goes on from
/// there. What the call does happens once more with each replay: a payment notice is sent twice, a
/// model is billed twice. A call that blocks also holds up all other workflows of the worker.
///
/// ## Example
/// ```python
/// import httpx
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class ConvertNav:
///     @workflow.run
///     async def run(self, nav: float) -> float:
///         answer = httpx.get("https://rates.example.com/gbp-usd")  # RB106
///         return nav * answer.json()["rate"]
/// ```
/// A client that the runbook keeps:
/// ```python
/// import requests
///
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class NotifyInvestors(NtroWorkflow):
///     def __init__(self) -> None:
///         super().__init__()
///         self._session = requests.Session()  # RB106
///
///     @runbook.run
///     async def run(self, notices: list[dict]) -> None:
///         for notice in notices:
///             self._session.post("https://portal.example.com/notices", json=notice)
/// ```
///
/// ## Use instead
/// ```python path=workflow.py
/// from datetime import timedelta
///
/// from temporalio import workflow
///
/// with workflow.unsafe.imports_passed_through():
///     from activities import exchange_rate
///
///
/// @workflow.defn
/// class ConvertNav:
///     @workflow.run
///     async def run(self, nav: float) -> float:
///         rate = await workflow.execute_activity(
///             exchange_rate, "gbp-usd", start_to_close_timeout=timedelta(seconds=30)
///         )
///         return nav * rate
/// ```
/// ```python path=activities.py
/// import httpx
///
/// from temporalio import activity
///
///
/// @activity.defn
/// async def exchange_rate(pair: str) -> float:
///     async with httpx.AsyncClient() as client:
///         answer = await client.get(f"https://rates.example.com/{pair}")
///         return answer.json()["rate"]
/// ```
/// In a runbook:
/// ```python path=templates/workflow.py
/// from datetime import timedelta
///
/// from ntro.workflow import NtroWorkflow, runbook
///
/// from .activities import send_notice
///
///
/// @runbook.defn
/// class NotifyInvestors(NtroWorkflow):
///     @runbook.run
///     async def run(self, notices: list[dict]) -> None:
///         for notice in notices:
///             await runbook.execute_activity(
///                 send_notice, notice, start_to_close_timeout=timedelta(seconds=30)
///             )
/// ```
/// ```python path=templates/activities.py
/// import requests
///
/// from ntro.workflow import activity
///
///
/// @activity.defn(name="notify_investors.send_notice")
/// async def send_notice(notice: dict) -> None:
///     requests.post("https://portal.example.com/notices", json=notice, timeout=10)
/// ```
///
/// ## Fix
/// Unsafe: the expression moves into an activity, or the helper around it runs in one. Open executions do
/// not have that activity in their history, errors arrive as `ActivityError`, and the timeout of five
/// minutes is a guess. There is none where an `except` clause tells one error from another.
///
/// ## Limits
/// Clients that the catalogue does not know are not found; name them under
/// `[tool.runbook-lint.catalogue]`.
#[derive(RuleMetadata)]
#[rule(
    code = "RB106",
    severity = "error",
    category = "determinism",
    since = "0.1.0",
    fix = "unsafe",
    summary = "workflow code talks to the network"
)]
pub(crate) struct NetworkIo;

impl Rule for NetworkIo {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn classes(&self) -> &'static [&'static str] {
        &["net", "llm", "cloud"]
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        hazard::report_fixable_apis(self, cx, fixes::in_activity, report);
    }
}
