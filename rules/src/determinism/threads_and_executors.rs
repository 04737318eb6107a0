use lint_core::diagnostic::Diagnostic;
use lint_core::rule::RuleMetadata;
use rules_macros::RuleMetadata;

use crate::hazard;
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds threads, thread and process pools, `multiprocessing`, and the locks and queues that
/// go with them.
///
/// ## Why is this bad?
/// The operating system decides which thread runs first, and decides anew in a replay. Results come in
/// another order, and the commands that follow from them too. Code in another thread is moreover
/// outside the workflow: it cannot schedule activities, and `workflow.now()` fails there.
///
/// ## Example
/// ```python
/// from concurrent.futures import ThreadPoolExecutor
///
/// from temporalio import workflow
///
///
/// def management_fee(nav: float) -> float:
///     return nav * 0.015 / 12
///
///
/// @workflow.defn
/// class AccrueFees:
///     @workflow.run
///     async def run(self, navs: list[float]) -> list[float]:
///         return list(ThreadPoolExecutor().map(management_fee, navs))  # RB110
/// ```
/// In a runbook:
/// ```python
/// import threading
///
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class PriceFunds(NtroWorkflow):
///     def __init__(self) -> None:
///         super().__init__()
///         self._priced: list[str] = []
///
///     def price(self, fund: str) -> None:
///         self._priced.append(fund)
///
///     @runbook.run
///     async def run(self, fund: str) -> None:
///         threading.Thread(target=self.price, args=(fund,)).start()  # RB110
/// ```
///
/// ## Use instead
/// Plain computation needs no thread:
/// ```python
/// from temporalio import workflow
///
///
/// def management_fee(nav: float) -> float:
///     return nav * 0.015 / 12
///
///
/// @workflow.defn
/// class AccrueFees:
///     @workflow.run
///     async def run(self, navs: list[float]) -> list[float]:
///         return [management_fee(nav) for nav in navs]
/// ```
/// To do several activities at once, gather them; the results have the order of the arguments:
/// ```python path=templates/workflow.py
/// import asyncio
/// from datetime import timedelta
///
/// from ntro.workflow import NtroWorkflow, runbook
///
/// from .activities import price_fund
///
///
/// @runbook.defn
/// class PriceFunds(NtroWorkflow):
///     async def _price(self, fund: str) -> float:
///         return await runbook.execute_activity(
///             price_fund, fund, start_to_close_timeout=timedelta(minutes=5)
///         )
///
///     @runbook.run
///     async def run(self, funds: list[str]) -> list[float]:
///         return await asyncio.gather(*[self._price(fund) for fund in funds])
/// ```
/// ```python path=templates/activities.py
/// from ntro.workflow import activity
///
///
/// @activity.defn(name="price_funds.price_fund")
/// async def price_fund(fund: str) -> float:
///     return float(len(fund))
/// ```
#[derive(RuleMetadata)]
#[rule(
    code = "RB110",
    severity = "error",
    category = "determinism",
    since = "0.1.0",
    summary = "workflow code uses threads, processes or locks between them"
)]
pub(crate) struct ThreadsAndExecutors;

impl Rule for ThreadsAndExecutors {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn classes(&self) -> &'static [&'static str] {
        &["thread"]
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        hazard::report_apis(self, cx.facts, report);
    }
}
