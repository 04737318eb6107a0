use lint_core::diagnostic::Diagnostic;
use lint_core::rule::RuleMetadata;
use rules_macros::RuleMetadata;

use crate::fixes;
use crate::hazard;
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds access to files and directories: `open()`, the methods of `Path` that leave the program,
/// `os`, `shutil`, `tempfile`, `glob`, and libraries that read or write spreadsheets, documents and
/// data frames.
///
/// ## Why is this bad?
/// The replay may run on a worker that does not have the file, or has a later version of it. What was
/// read is not in the history, so the same code goes on with other figures. What was written is written
/// once more with every replay.
///
/// ## Example
/// ```python
/// import json
/// from pathlib import Path
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class LoadTrialBalance:
///     @workflow.run
///     async def run(self, path: str) -> float:
///         rows = json.loads(Path(path).read_text())  # RB105
///         return sum(row["debit"] - row["credit"] for row in rows)
/// ```
/// In a helper beside a runbook:
/// ```python path=templates/workflow.py
/// from ntro.workflow import NtroWorkflow, runbook
///
/// from .chart import account_names
///
///
/// @runbook.defn
/// class MapAccounts(NtroWorkflow):
///     @runbook.run
///     async def run(self, codes: list[str]) -> list[str]:
///         names = account_names()  # RB105
///         return [names[code] for code in codes]
/// ```
/// ```python path=templates/chart.py
/// def account_names() -> dict[str, str]:
///     with open("chart-of-accounts.csv") as file:
///         return dict(line.strip().split(",") for line in file)
/// ```
///
/// ## Use instead
/// ```python path=workflow.py
/// from datetime import timedelta
///
/// from temporalio import workflow
///
/// from activities import trial_balance_difference
///
///
/// @workflow.defn
/// class LoadTrialBalance:
///     @workflow.run
///     async def run(self, path: str) -> float:
///         return await workflow.execute_activity(
///             trial_balance_difference, path, start_to_close_timeout=timedelta(minutes=1)
///         )
/// ```
/// ```python path=activities.py
/// import json
/// from pathlib import Path
///
/// from temporalio import activity
///
///
/// @activity.defn
/// async def trial_balance_difference(path: str) -> float:
///     rows = json.loads(Path(path).read_text())
///     return sum(row["debit"] - row["credit"] for row in rows)
/// ```
/// In a runbook it is the same with the facade; the activity takes one argument:
/// ```python path=templates/workflow.py
/// from datetime import timedelta
///
/// from ntro.workflow import NtroWorkflow, runbook
///
/// from .activities import account_names
///
///
/// @runbook.defn
/// class MapAccounts(NtroWorkflow):
///     @runbook.run
///     async def run(self, codes: list[str]) -> list[str]:
///         names = await runbook.execute_activity(
///             account_names, "chart-of-accounts.csv", start_to_close_timeout=timedelta(minutes=1)
///         )
///         return [names[code] for code in codes]
/// ```
/// ```python path=templates/activities.py
/// from ntro.workflow import activity
///
///
/// @activity.defn(name="map_accounts.account_names")
/// async def account_names(path: str) -> dict[str, str]:
///     with open(path) as file:
///         return dict(line.strip().split(",") for line in file)
/// ```
///
/// ## Fix
/// Unsafe: the expression moves into an activity, or the helper around it runs in one. Open executions do
/// not have that activity in their history, errors arrive as `ActivityError`, and the timeout of five
/// minutes is a guess. There is none where an `except` clause tells one error from another.
///
/// ## Limits
/// Paths that are only computed (`PurePath`, `Path("nav") / period`) are no access and no finding.
///
/// ## Sandbox
/// Temporal's sandbox stops `open()` and most methods of `Path`, but not `io.open()`,
/// `zipfile.ZipFile(path)` or `Path(x).parent.exists()`.
#[derive(RuleMetadata)]
#[rule(
    code = "RB105",
    severity = "error",
    category = "determinism",
    since = "0.1.0",
    fix = "unsafe",
    summary = "workflow code uses the file system"
)]
pub(crate) struct FileIo;

impl Rule for FileIo {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn classes(&self) -> &'static [&'static str] {
        &["file"]
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        hazard::report_fixable_apis(self, cx, fixes::in_activity, report);
    }
}
