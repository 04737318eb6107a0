use lint_core::diagnostic::Diagnostic;
use lint_core::names::Base;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::model::{Model, Runbook, Step};
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds steps of one runbook that have the same name.
///
/// ## Why is this bad?
/// The name is the id of the step. With two of one id the breadcrumb shows two entries that become
/// active and complete together, one snapshot overwrites the other, and child runbooks started in both
/// get the same id. No runtime complains.
///
/// ## Example
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class ReviewLedgerWorkflow(NtroWorkflow):
///     @runbook.step(name="review", title="First review", icon="Eye")
///     async def _step_first_review(self, context: dict) -> dict:
///         return context
///
///     @runbook.step(name="review", title="Second review", icon="Glasses")  # RB302
///     async def _step_second_review(self, context: dict) -> dict:
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         context = await self._step_first_review(context)
///         return await self._step_second_review(context)
/// ```
///
/// ## Use instead
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class ReviewLedgerWorkflow(NtroWorkflow):
///     @runbook.step(name="first_review", title="First review", icon="Eye")
///     async def _step_first_review(self, context: dict) -> dict:
///         return context
///
///     @runbook.step(name="second_review", title="Second review", icon="Glasses")
///     async def _step_second_review(self, context: dict) -> dict:
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         context = await self._step_first_review(context)
///         return await self._step_second_review(context)
/// ```
#[derive(RuleMetadata)]
#[rule(
    code = "RB302",
    severity = "error",
    category = "steps",
    since = "0.1.0",
    summary = "two steps of a runbook have the same name"
)]
pub(crate) struct DuplicateStepName;

impl Rule for DuplicateStepName {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for class in cx.model.classes() {
            for (i, step) in class.steps.iter().enumerate() {
                let (Some(id), Some(name)) = (step.id(), &step.name) else {
                    continue;
                };
                let same = |other: &&Step<'_>| other.id() == Some(id);
                let earlier = class.steps[..i].iter().find(same);
                let inherited = || inherited_steps(&cx.model, class).into_iter().find(same);
                let Some(earlier) = earlier.or_else(inherited) else {
                    continue;
                };
                let message = format!("two steps of {} are named {}", code(class.name), code(id));
                let other = code(earlier.node.name.as_str());
                Finding::new(&Self::METADATA, class.file, span_of(name.value), message)
                    .in_runbook(class)
                    .help("give each step a name of its own")
                    .note(format!("The other one is {other}."))
                    .report(report);
            }
        }
    }
}

/// The steps of the classes that a class derives from, unless it overrides their methods.
fn inherited_steps<'m, 'p>(model: &'m Model<'p>, class: &Runbook<'p>) -> Vec<&'m Step<'p>> {
    let mut inherited = Vec::new();
    for base in class.bases.iter().skip(1) {
        let Base::Class { file, ix } = base else {
            continue;
        };
        let base = model
            .classes()
            .find(|it| it.file == *file && it.class == *ix);
        let steps = base.map_or(&[][..], |base| &base.steps).iter();
        inherited.extend(steps.filter(|step| class.method(step.node.name.as_str()).is_none()));
    }
    inherited
}
