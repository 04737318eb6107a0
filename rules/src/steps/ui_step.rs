use lint_core::diagnostic::{Applicability, Diagnostic, FileId};
use lint_core::rule::RuleMetadata;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::model::Step;
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds steps that are declared with the deprecated `@ui_step`.
///
/// ## Why is this bad?
/// It is the former name of `@runbook.step`. It does the same, and the SDK warns on each call.
///
/// ## Example
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook, ui_step
///
///
/// @runbook.defn
/// class DrawDownLoanWorkflow(NtroWorkflow):
///     @ui_step(name="draw_down", title="Draw down", icon="Landmark")  # RB322
///     async def _step_draw_down(self, context: dict) -> dict:
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_draw_down(context)
/// ```
///
/// ## Use instead
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class DrawDownLoanWorkflow(NtroWorkflow):
///     @runbook.step(name="draw_down", title="Draw down", icon="Landmark")
///     async def _step_draw_down(self, context: dict) -> dict:
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_draw_down(context)
/// ```
///
/// ## Fix
/// Safe: the decorator is replaced by the one that took its place and does the same.
#[derive(RuleMetadata)]
#[rule(
    code = "RB322",
    severity = "info",
    category = "steps",
    since = "0.1.0",
    fix = "safe",
    summary = "a step is declared with the deprecated `@ui_step`"
)]
pub(crate) struct UiStep;

impl Rule for UiStep {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for class in cx.model.classes() {
            for step in class.steps.iter().filter(|step| step.is_ui_step) {
                finding(cx, class.file, step)
                    .in_runbook(class)
                    .report(report);
            }
        }
        for (file, step) in cx.model.stray_steps(cx.facts) {
            if step.is_ui_step {
                finding(cx, file, &step).report(report);
            }
        }
    }
}

fn finding(cx: &Context<'_>, file: FileId, step: &Step<'_>) -> Finding {
    let callee = span_of(step.mark.callee());
    let written = code(&format!("@{}", cx.model.slice(file, callee)));
    let message = format!("{written} is deprecated");
    let facade = cx.model.name_for(file, "ntro.workflow.runbook");
    let better = format!("{}.step", facade.unwrap_or("runbook"));
    let finding = Finding::new(&UiStep::METADATA, file, callee, message)
        .help(format!("write {}", code(&format!("@{better}(…)"))));
    match facade {
        Some(_) => finding.replace(
            format!("replace it with `@{better}`"),
            Applicability::Safe,
            callee,
            better,
        ),
        None => finding,
    }
}
