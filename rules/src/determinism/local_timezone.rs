use lint_core::diagnostic::Diagnostic;
use lint_core::rule::RuleMetadata;
use rules_macros::RuleMetadata;

use crate::hazard;
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds conversions that silently use the zone of the host: `datetime.fromtimestamp(x)` without a
/// zone, `.timestamp()` and `.astimezone()` of a time without one, `time.mktime()`,
/// `time.localtime(x)`, `date.fromtimestamp(x)`.
///
/// ## Why is this bad?
/// The instant is the same, what becomes of it is not. On a worker in London a trade at 23:30 UTC in
/// July belongs to the next day, on a container that runs in UTC it does not. A replay on another host
/// values another day.
///
/// ## Example
/// ```python
/// from datetime import datetime
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class BookTrade:
///     @workflow.run
///     async def run(self, executed: float) -> str:
///         return datetime.fromtimestamp(executed).date().isoformat()  # RB119
/// ```
/// In a runbook:
/// ```python
/// import time
///
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class BookTrade(NtroWorkflow):
///     @runbook.run
///     async def run(self, executed: float) -> int:
///         return time.localtime(executed).tm_mday  # RB119
/// ```
///
/// ## Use instead
/// Name the zone:
/// ```python
/// from datetime import datetime, timezone
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class BookTrade:
///     @workflow.run
///     async def run(self, executed: float) -> str:
///         return datetime.fromtimestamp(executed, timezone.utc).date().isoformat()
/// ```
/// In a runbook:
/// ```python
/// import time
///
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class BookTrade(NtroWorkflow):
///     @runbook.run
///     async def run(self, executed: float) -> int:
///         return time.gmtime(executed).tm_mday
/// ```
///
/// ## Sandbox
/// Temporal's sandbox lets all of them through but `time.localtime()`.
#[derive(RuleMetadata)]
#[rule(
    code = "RB119",
    severity = "warning",
    category = "determinism",
    since = "0.1.0",
    summary = "workflow code depends on the worker's time zone"
)]
pub(crate) struct LocalTimezone;

impl Rule for LocalTimezone {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn classes(&self) -> &'static [&'static str] {
        &["localtz"]
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        hazard::report_apis(self, cx.facts, report);
    }
}
