use lint_core::diagnostic::Diagnostic;
use lint_core::rule::RuleMetadata;
use rules_macros::RuleMetadata;

use crate::fixes;
use crate::hazard;
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds connections, queries and transactions of database drivers, object mappers, caches, search
/// engines and vector stores.
///
/// ## Why is this bad?
/// Rows change between a run and its replay, and the rows that were read are not in the history. The
/// ledger that balanced when the workflow posted to it has more entries now: the replay sees another
/// balance and takes another path. An insert is done again with each replay.
///
/// ## Example
/// ```python
/// import sqlite3
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class CloseLedger:
///     @workflow.run
///     async def run(self, period: str) -> float:
///         ledger = sqlite3.connect("ledger.db")  # RB107
///         query = "select sum(amount) from entries where period = ?"
///         return ledger.execute(query, (period,)).fetchone()[0]
/// ```
/// In a module of its own beside a runbook:
/// ```python path=templates/workflow.py
/// from ntro.workflow import NtroWorkflow, runbook
///
/// from .ledger import open_balance
///
///
/// @runbook.defn
/// class CloseLedger(NtroWorkflow):
///     @runbook.run
///     async def run(self, period: str) -> float:
///         return await open_balance(period)  # RB107
/// ```
/// ```python path=templates/ledger.py
/// import asyncpg
///
///
/// async def open_balance(period: str) -> float:
///     connection = await asyncpg.connect("postgresql://ledger")
///     return await connection.fetchval("select balance from periods where name = $1", period)
/// ```
///
/// ## Use instead
/// ```python path=workflow.py
/// from datetime import timedelta
///
/// from temporalio import workflow
///
/// from activities import balance
///
///
/// @workflow.defn
/// class CloseLedger:
///     @workflow.run
///     async def run(self, period: str) -> float:
///         return await workflow.execute_activity(
///             balance, period, start_to_close_timeout=timedelta(minutes=1)
///         )
/// ```
/// ```python path=activities.py
/// import sqlite3
///
/// from temporalio import activity
///
///
/// @activity.defn
/// def balance(period: str) -> float:
///     ledger = sqlite3.connect("ledger.db")
///     query = "select sum(amount) from entries where period = ?"
///     return ledger.execute(query, (period,)).fetchone()[0]
/// ```
/// In a runbook:
/// ```python path=templates/workflow.py
/// from datetime import timedelta
///
/// from ntro.workflow import NtroWorkflow, runbook
///
/// from .activities import open_balance
///
///
/// @runbook.defn
/// class CloseLedger(NtroWorkflow):
///     @runbook.run
///     async def run(self, period: str) -> float:
///         return await runbook.execute_activity(
///             open_balance, period, start_to_close_timeout=timedelta(minutes=1)
///         )
/// ```
/// ```python path=templates/activities.py
/// import asyncpg
///
/// from ntro.workflow import activity
///
///
/// @activity.defn(name="close_ledger.open_balance")
/// async def open_balance(period: str) -> float:
///     connection = await asyncpg.connect("postgresql://ledger")
///     return await connection.fetchval("select balance from periods where name = $1", period)
/// ```
///
/// ## Fix
/// Unsafe: the helper that talks to the database runs in an activity. Open executions do not have that
/// activity in their history, errors arrive as `ActivityError`, and the timeout of five minutes is a
/// guess. There is none where an `except` clause tells one error from another.
///
/// ## Sandbox
/// Temporal's sandbox does not stop `sqlite3` at all, and no driver behind an import that is passed
/// through.
#[derive(RuleMetadata)]
#[rule(
    code = "RB107",
    severity = "error",
    category = "determinism",
    since = "0.1.0",
    fix = "unsafe",
    summary = "workflow code uses a database or a cache"
)]
pub(crate) struct DatabaseIo;

impl Rule for DatabaseIo {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn classes(&self) -> &'static [&'static str] {
        &["db"]
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        hazard::report_fixable_apis(self, cx, fixes::in_activity, report);
    }
}
