use lint_core::diagnostic::Diagnostic;
use lint_core::rule::RuleMetadata;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::model::{Model, StepCall, Usage};
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds steps that run in another order than they are declared in.
///
/// ## Why is this bad?
/// The breadcrumb lists the steps in the order of the class body. When the run method calls them in
/// another one, the progress jumps back and forth. Nothing compares the two at run time.
///
/// ## Example
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class ValueFundWorkflow(NtroWorkflow):
///     @runbook.step(name="publish", title="Publish", icon="Send")
///     async def _step_publish(self, context: dict) -> dict:
///         return context
///
///     @runbook.step(name="value", title="Value fund", icon="Calculator")
///     async def _step_value(self, context: dict) -> dict:
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         context = await self._step_value(context)
///         return await self._step_publish(context)  # RB311
/// ```
///
/// ## Use instead
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class ValueFundWorkflow(NtroWorkflow):
///     @runbook.step(name="value", title="Value fund", icon="Calculator")
///     async def _step_value(self, context: dict) -> dict:
///         return context
///
///     @runbook.step(name="publish", title="Publish", icon="Send")
///     async def _step_publish(self, context: dict) -> dict:
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         context = await self._step_value(context)
///         return await self._step_publish(context)
/// ```
///
/// ## Limits
/// Only the first call of a step counts, and only if it is made in every run: calls in branches and in
/// exception handlers are passed over.
#[derive(RuleMetadata)]
#[rule(
    code = "RB311",
    severity = "warning",
    category = "steps",
    since = "0.1.0",
    summary = "steps run in another order than they are declared in"
)]
pub(crate) struct StepOrder;

impl Rule for StepOrder {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for runbook in &cx.model.runbooks {
            let mut seen = vec![false; runbook.steps.len()];
            let mut latest: Option<usize> = None;
            for call in &runbook.order {
                if std::mem::replace(&mut seen[call.step], true) || !is_certain(&cx.model, call) {
                    continue;
                }
                match latest {
                    Some(before) if before > call.step => {
                        let step = code(runbook.steps[call.step].label());
                        let before = code(runbook.steps[before].label());
                        let place = cx.model.calls[call.call].place();
                        let message =
                            format!("step {step} runs after {before}, but is declared before it");
                        Finding::new(&Self::METADATA, place.file, place.span, message)
                            .in_runbook(runbook)
                            .help("declare the methods in the order in which they run")
                            .note("The breadcrumb shows the steps in the order of the class body.")
                            .report(report);
                    }
                    _ => latest = Some(call.step),
                }
            }
        }
    }
}

/// Whether every run makes the call, at a point that the text tells.
fn is_certain(model: &Model<'_>, call: &StepCall) -> bool {
    let sites = call.through.iter().chain([&call.call]);
    let mut sites = sites.map(|&ix| &model.calls[ix]);
    sites.all(|site| {
        let is_concurrent =
            !site.awaited && matches!(site.usage, Usage::Argument(_) | Usage::Kept(_));
        !site.in_branch && !is_concurrent
    })
}
