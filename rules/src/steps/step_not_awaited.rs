use lint_core::diagnostic::{Applicability, Diagnostic, Span};
use lint_core::names::Resolved;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::awaitables::Awaitables;
use crate::finding::Finding;
use crate::hazard::code;
use crate::model::{CallSite, Model, Usage};
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds calls of steps without `await`, whose coroutine goes nowhere.
///
/// ## Why is this bad?
/// The step never runs. Python prints "coroutine was never awaited" at some later time, and the
/// runbook completes as if all were done.
///
/// ## Example
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class DistributeReportWorkflow(NtroWorkflow):
///     @runbook.step(name="write", title="Write report", icon="FileText")
///     async def _step_write(self, context: dict) -> dict:
///         return context
///
///     @runbook.step(name="send", title="Send report", icon="Send")
///     async def _step_send(self, report: dict) -> None:
///         self._report = report
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         report = await self._step_write(context)
///         self._step_send(report)  # RB312
///         return report
/// ```
///
/// ## Use instead
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class DistributeReportWorkflow(NtroWorkflow):
///     @runbook.step(name="write", title="Write report", icon="FileText")
///     async def _step_write(self, context: dict) -> dict:
///         return context
///
///     @runbook.step(name="send", title="Send report", icon="Send")
///     async def _step_send(self, report: dict) -> None:
///         self._report = report
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         writing = self._step_write(context)
///         report = await writing
///         await self._step_send(report)
///         return report
/// ```
///
/// ## Fix
/// Safe: the step is awaited. Its body never runs otherwise.
#[derive(RuleMetadata)]
#[rule(
    code = "RB312",
    severity = "error",
    category = "steps",
    since = "0.1.0",
    fix = "safe",
    summary = "a step is called but not awaited"
)]
pub(crate) struct StepNotAwaited;

impl Rule for StepNotAwaited {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let model = &cx.model;
        let calls = model.calls.iter();
        let pending: Vec<_> = calls
            .filter(|site| !site.awaited && calls_step(model, site))
            .collect();
        if pending.is_empty() {
            return;
        }
        let awaitables = Awaitables::new(model, cx.facts);
        for site in pending {
            if awaitables.lost(site).is_none() && !is_returned(model, site) {
                continue;
            }
            let callee = cx.model.slice(site.file, span_of(&*site.call.func));
            let message = format!(
                "{} is not awaited, so the step does not run",
                code(&format!("{callee}()"))
            );
            let mut finding = Finding::new(&Self::METADATA, site.file, site.place().span, message)
                .help(format!("write {}", code(&format!("await {callee}(…)"))));
            if let Some(runbook) = site.runbook {
                finding = finding.in_runbook(&cx.model.runbooks[runbook]);
            }
            if is_in_async(&cx.model, site) {
                let start = site.place().span.start;
                finding = finding.replace(
                    "await it",
                    Applicability::Safe,
                    Span::new(start, start),
                    "await ",
                );
            }
            finding.report(report);
        }
    }
}

fn calls_step(model: &Model<'_>, site: &CallSite<'_>) -> bool {
    let Some(Resolved::Function { file, ix }) = site.callee else {
        return false;
    };
    model
        .classes()
        .any(|class| class.file == file && class.steps.iter().any(|step| step.ix == ix))
}

fn is_in_async(model: &Model<'_>, site: &CallSite<'_>) -> bool {
    model
        .index(site.file)
        .is_some_and(|index| index.function(site.function).node.is_async())
}

/// Whether an `async` function returns it, which has to be awaited there already.
fn is_returned(model: &Model<'_>, site: &CallSite<'_>) -> bool {
    site.usage == Usage::Returned && is_in_async(model, site) && !site.collected
}
