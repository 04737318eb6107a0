use lint_core::diagnostic::{Applicability, Diagnostic};
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::Expr;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::rule::{Context, Rule};
use crate::sites::{Written, keyword_value};

/// ## What it does
/// Finds `runbook.wait_condition` and `self.await_signal_with_action` with a `timedelta` as `timeout`.
///
/// ## Why is this bad?
/// LocalRuntime adds the timeout to a number of seconds. With a `timedelta` it raises a `TypeError` as soon as
/// it has to wait. Temporal takes both, so a number of seconds works everywhere.
///
/// ## Example
/// ```python
/// from datetime import timedelta
///
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class AwaitStatementWorkflow(NtroWorkflow):
///     def __init__(self) -> None:
///         super().__init__()
///         self._statement = ""
///
///     @runbook.signal
///     def statement_received(self, statement: str) -> None:
///         self._statement = statement
///
///     @runbook.step(name="receive", title="Receive statement", icon="Inbox")
///     async def _step_receive(self) -> str:
///         await runbook.wait_condition(
///             lambda: bool(self._statement),
///             timeout=timedelta(days=2),  # RB412
///         )
///         return self._statement
///
///     @runbook.run
///     async def run(self, account: str) -> str:
///         return await self._step_receive()
/// ```
///
/// ## Use instead
/// ```python
/// from datetime import timedelta
///
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class AwaitStatementWorkflow(NtroWorkflow):
///     def __init__(self) -> None:
///         super().__init__()
///         self._statement = ""
///
///     @runbook.signal
///     def statement_received(self, statement: str) -> None:
///         self._statement = statement
///
///     @runbook.step(name="receive", title="Receive statement", icon="Inbox")
///     async def _step_receive(self) -> str:
///         await runbook.wait_condition(
///             lambda: bool(self._statement),
///             timeout=timedelta(days=2).total_seconds(),
///         )
///         return self._statement
///
///     @runbook.run
///     async def run(self, account: str) -> str:
///         return await self._step_receive()
/// ```
///
/// ## Fix
/// Safe: the duration is passed as the number of seconds that the method takes.
///
/// ## Limits
/// The signature of `await_signal_with_action` declares a `timedelta`, and Temporal is happy with it. Who never
/// runs a runbook without Temporal can turn this rule off.
#[derive(RuleMetadata)]
#[rule(
    code = "RB412",
    severity = "warning",
    category = "calls",
    since = "0.1.0",
    fix = "safe",
    summary = "a wait has a `timedelta` as timeout, which LocalRuntime cannot handle"
)]
pub(crate) struct TimedeltaWaitTimeout;

impl Rule for TimedeltaWaitTimeout {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let model = &cx.model;
        for site in &model.calls {
            let is_gate = site.base_method() == Some("await_signal_with_action");
            if !is_gate && site.external() != Some("ntro.workflow.runbook.wait_condition") {
                continue;
            }
            let Some(value) = keyword_value(site.call, "timeout") else {
                continue;
            };
            if !Written::at(site, value).is_timedelta(model) {
                continue;
            }
            let span = span_of(value);
            let message = "a `timedelta` as `timeout` works under Temporal only: LocalRuntime counts in seconds and \
                           raises a `TypeError`";
            let mut finding = Finding::new(&Self::METADATA, site.file, span, message).help(
                "give the number of seconds, which works in both: `timedelta(…).total_seconds()`",
            );
            if !is_gate && matches!(value, Expr::Call(_)) {
                let written = model.slice(site.file, span);
                finding = finding.replace(
                    "give the number of seconds",
                    Applicability::Safe,
                    span,
                    format!("{written}.total_seconds()"),
                );
            }
            match site.runbook {
                Some(runbook) => finding.in_runbook(&model.runbooks[runbook]),
                None => finding,
            }
            .report(report);
        }
    }
}
