use lint_core::diagnostic::Diagnostic;
use lint_core::rule::RuleMetadata;
use rules_macros::RuleMetadata;

use crate::hazard;
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds uses of the garbage collector, of weak references and finalizers, and of memory statistics.
///
/// ## Why is this bad?
/// When an object is freed depends on everything else that the process has done, and a replay runs in
/// another process or beside other workflows. A weak cache still has the price list in the first run
/// and has lost it in the replay, which then schedules the activity that loads it.
///
/// ## Example
/// ```python
/// import gc
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class PriceFunds:
///     @workflow.run
///     async def run(self, fund: str) -> int:
///         return gc.collect()  # RB122
/// ```
/// In a runbook:
/// ```python
/// import sys
///
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class PriceFunds(NtroWorkflow):
///     @runbook.run
///     async def run(self, prices: dict) -> bool:
///         return sys.getrefcount(prices) > 2  # RB122
/// ```
///
/// ## Use instead
/// Hold what is needed, and let go of it explicitly:
/// ```python
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class PriceFunds:
///     def __init__(self) -> None:
///         self.prices: dict[str, float] = {}
///
///     @workflow.run
///     async def run(self, fund: str) -> int:
///         self.prices.clear()
///         return len(self.prices)
/// ```
#[derive(RuleMetadata)]
#[rule(
    code = "RB122",
    severity = "warning",
    category = "determinism",
    since = "0.1.0",
    summary = "workflow code depends on when memory is freed"
)]
pub(crate) struct GarbageCollection;

impl Rule for GarbageCollection {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn classes(&self) -> &'static [&'static str] {
        &["gc"]
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        hazard::report_apis(self, cx.facts, report);
    }
}
