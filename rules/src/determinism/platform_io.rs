use lint_core::diagnostic::Diagnostic;
use lint_core::rule::RuleMetadata;
use rules_macros::RuleMetadata;

use crate::hazard;
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds calls of the `ntro` functions that read settings, files, documents or the data plane, or that
/// call services: `ntro.capabilities.*`, `ntro.data`, `ntro.ingest`, `ntro.subledger` handles,
/// `ntro.workspace.Client`, `ntro.workflow.agents.invoke()`.
///
/// ## Why is this bad?
/// These are made for activities. From workflow code they run again with each replay: the model reads
/// the document anew and finds another amount, the setting has changed since, the row is inserted
/// twice. Locally nothing is replayed, so tests pass.
///
/// ## Example
/// ```python
/// from ntro.capabilities import config
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class ReconcileBank(NtroWorkflow):
///     @runbook.run
///     async def run(self, context: dict) -> str:
///         settings = config.get()  # RB114
///         return str(settings)
/// ```
///
/// ## Use instead
/// Thread settings through the Context, and do I/O in an activity:
/// ```python path=templates/workflow.py
/// from datetime import timedelta
///
/// from pydantic import BaseModel
///
/// from ntro.workflow import NtroWorkflow, runbook
///
/// from .activities import save_summary
///
///
/// class ReconcileContext(BaseModel):
///     period: str
///     tenant_slug: str
///
///
/// @runbook.defn
/// class ReconcileBank(NtroWorkflow):
///     @runbook.run
///     async def run(self, ctx: ReconcileContext) -> str:
///         return await runbook.execute_activity(
///             save_summary, ctx.period, start_to_close_timeout=timedelta(minutes=1)
///         )
/// ```
/// ```python path=templates/activities.py
/// from ntro.capabilities import storage
/// from ntro.workflow import activity
///
///
/// @activity.defn(name="reconcile_bank.save_summary")
/// async def save_summary(period: str) -> str:
///     path = f"summaries/{period}.txt"
///     await storage.write(path=path, content=period.encode())
///     return path
/// ```
///
/// ## Limits
/// Types, `QualityCheckSpec`, `ntro.types`, `ntro.accounting` and other parts without I/O are fine in
/// workflow code.
///
/// ## Sandbox
/// `ntro` has to be passed through Temporal's sandbox to be imported at all, so the sandbox sees
/// nothing of what happens inside it.
#[derive(RuleMetadata)]
#[rule(
    code = "RB114",
    severity = "error",
    category = "determinism",
    since = "0.1.0",
    summary = "workflow code calls a part of the ntro SDK that does I/O"
)]
pub(crate) struct PlatformIo;

impl Rule for PlatformIo {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn classes(&self) -> &'static [&'static str] {
        &["ntro"]
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        hazard::report_apis(self, cx.facts, report);
    }
}
