use lint_core::diagnostic::Diagnostic;
use lint_core::rule::RuleMetadata;
use rules_macros::RuleMetadata;

use crate::fixes;
use crate::hazard;
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds programs that are started (`subprocess`, `os.system()`, `os.spawn*()`), and control of the
/// worker's own process: signals, `os.fork()`, `os._exit()`, resource limits.
///
/// ## Why is this bad?
/// The program runs again with every replay, on whichever worker replays, and answers according to what
/// is installed there. Temporal's event loop supports no subprocesses, and a blocking call holds up all
/// workflows of the worker until Temporal reports a deadlock.
///
/// ## Example
/// ```python
/// import subprocess
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class ReadStatement:
///     @workflow.run
///     async def run(self, path: str) -> str:
///         done = subprocess.run(["pdftotext", path, "-"], capture_output=True)  # RB108
///         return done.stdout.decode()
/// ```
/// In a runbook:
/// ```python
/// import os
///
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class ArchivePeriod(NtroWorkflow):
///     @runbook.run
///     async def run(self, period: str) -> bool:
///         return os.system(f"archive-period {period}") == 0  # RB108
/// ```
///
/// ## Use instead
/// ```python path=workflow.py
/// from datetime import timedelta
///
/// from temporalio import workflow
///
/// from activities import statement_text
///
///
/// @workflow.defn
/// class ReadStatement:
///     @workflow.run
///     async def run(self, path: str) -> str:
///         return await workflow.execute_activity(
///             statement_text, path, start_to_close_timeout=timedelta(minutes=5)
///         )
/// ```
/// ```python path=activities.py
/// import subprocess
///
/// from temporalio import activity
///
///
/// @activity.defn
/// def statement_text(path: str) -> str:
///     done = subprocess.run(["pdftotext", path, "-"], capture_output=True, check=True)
///     return done.stdout.decode()
/// ```
/// In a runbook:
/// ```python path=templates/workflow.py
/// from datetime import timedelta
///
/// from ntro.workflow import NtroWorkflow, runbook
///
/// from .activities import archive_period
///
///
/// @runbook.defn
/// class ArchivePeriod(NtroWorkflow):
///     @runbook.run
///     async def run(self, period: str) -> bool:
///         return await runbook.execute_activity(
///             archive_period, period, start_to_close_timeout=timedelta(minutes=5)
///         )
/// ```
/// ```python path=templates/activities.py
/// import os
///
/// from ntro.workflow import activity
///
///
/// @activity.defn(name="archive_period.archive_period")
/// async def archive_period(period: str) -> bool:
///     return os.system(f"archive-period {period}") == 0
/// ```
///
/// ## Fix
/// Unsafe: the expression moves into an activity, or the helper around it runs in one. Open executions do
/// not have that activity in their history, errors arrive as `ActivityError`, and the timeout of five
/// minutes is a guess. There is none for what ends, signals or configures a process, which an activity
/// must not do either, and none where an `except` clause tells one error from another.
#[derive(RuleMetadata)]
#[rule(
    code = "RB108",
    severity = "error",
    category = "determinism",
    since = "0.1.0",
    fix = "unsafe",
    summary = "workflow code starts or controls a process"
)]
pub(crate) struct Subprocess;

impl Rule for Subprocess {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn classes(&self) -> &'static [&'static str] {
        &["proc"]
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        hazard::report_fixable_apis(self, cx, fixes::in_activity, report);
    }
}
