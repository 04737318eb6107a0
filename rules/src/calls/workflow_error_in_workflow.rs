use lint_core::diagnostic::Diagnostic;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::visitor::{Visitor, walk_stmt};
use lint_core::syntax::ast::{Expr, Stmt, StmtRaise};
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds `raise WorkflowError(…)` in the methods of a runbook.
///
/// ## Why restrict this?
/// `WorkflowError` is made for activities: they raise it to fail the workflow. In a runbook it does the same
/// under Temporal, but what failed is then said in the workflow code, where most projects would rather
/// return a result.
///
/// ## Example
/// ```python
/// from ntro.workflow import NtroWorkflow, WorkflowError, runbook
///
///
/// @runbook.defn
/// class PostJournalsWorkflow(NtroWorkflow):
///     @runbook.step(name="check", title="Check journals", icon="ListChecks")
///     async def _step_check(self, journals: list[str]) -> None:
///         if not journals:
///             raise WorkflowError("no journals", type="VALIDATION")  # RB426
///
///     @runbook.run
///     async def run(self, journals: list[str]) -> None:
///         await self._step_check(journals)
/// ```
///
/// ## Use instead
/// ```python
/// from datetime import timedelta
///
/// from ntro.workflow import NtroWorkflow, runbook
///
/// from .activities import check_journals
///
///
/// @runbook.defn
/// class PostJournalsWorkflow(NtroWorkflow):
///     @runbook.step(name="check", title="Check journals", icon="ListChecks")
///     async def _step_check(self, journals: list[str]) -> None:
///         await runbook.execute_activity(
///             check_journals, journals, start_to_close_timeout=timedelta(minutes=1)
///         )
///
///     @runbook.run
///     async def run(self, journals: list[str]) -> None:
///         await self._step_check(journals)
/// ```
/// ```python path=activities.py
/// from ntro.workflow import WorkflowError, activity
///
///
/// @activity.defn(name="post_journals.check_journals")
/// async def check_journals(journals: list[str]) -> None:
///     if not journals:
///         raise WorkflowError("no journals", type="VALIDATION", non_retryable=True)
/// ```
///
/// ## Limits
/// Any other exception in workflow code only fails the attempt, which Temporal then repeats: do not replace
/// `WorkflowError` by, say, `ValueError`.
#[derive(RuleMetadata)]
#[rule(
    code = "RB426",
    severity = "info",
    category = "calls",
    since = "0.1.0",
    summary = "workflow code raises the error that is made for activities",
    default = false
)]
pub(crate) struct WorkflowErrorInWorkflow;

impl Rule for WorkflowErrorInWorkflow {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let model = &cx.model;
        for runbook in &model.runbooks {
            let Some(index) = model.index(runbook.file) else {
                continue;
            };
            let mut raises = Raises(Vec::new());
            raises.visit_body(&runbook.node.body);
            for raise in raises.0 {
                let Some(raised) = raise.exc.as_deref() else {
                    continue;
                };
                let class = match raised {
                    Expr::Call(call) => &*call.func,
                    other => other,
                };
                let span = span_of(raise);
                let function = index.function_containing(span.start);
                let resolved = model.names.resolve(runbook.file, function, class);
                let is_workflow_error = resolved.is_some_and(|resolved| {
                    matches!(
                        resolved.external(),
                        Some(
                            "ntro.workflow.WorkflowError"
                                | "ntro.workflow.exceptions.WorkflowError"
                        )
                    )
                });
                if is_workflow_error {
                    Finding::new(
                        &Self::METADATA,
                        runbook.file,
                        span,
                        "workflow code raises `WorkflowError`, which is made for activities",
                    )
                    .help("raise it in an activity, or return a result that says what failed")
                    .in_runbook(runbook)
                    .report(report);
                }
            }
        }
    }
}

struct Raises<'a>(Vec<&'a StmtRaise>);

impl<'a> Visitor<'a> for Raises<'a> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        if let Stmt::Raise(raise) = statement {
            self.0.push(raise);
        }
        walk_stmt(self, statement);
    }
}
