use lint_core::diagnostic::Diagnostic;
use lint_core::names::Base;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::model::Runbook;
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds steps in a base class or a mixin of runbooks.
///
/// ## Why is this bad?
/// The breadcrumb is made from the body of the runbook class itself. An inherited step runs, but has no
/// entry, and neither does what is shown while it waits.
///
/// ## Example
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// class FundWorkflow(NtroWorkflow):
///     @runbook.step(name="collect", title="Collect files", icon="Inbox")
///     async def _step_collect(self, context: dict) -> dict:  # RB315
///         return context
///
///
/// @runbook.defn
/// class AuditFundWorkflow(FundWorkflow):
///     @runbook.step(name="audit", title="Audit fund", icon="Search")
///     async def _step_audit(self, context: dict) -> dict:
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         context = await self._step_collect(context)
///         return await self._step_audit(context)
/// ```
///
/// ## Use instead
/// The shared code stays in the base class, the step is in the runbook:
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// class FundWorkflow(NtroWorkflow):
///     async def _collect(self, context: dict) -> dict:
///         return context
///
///
/// @runbook.defn
/// class AuditFundWorkflow(FundWorkflow):
///     @runbook.step(name="collect", title="Collect files", icon="Inbox")
///     async def _step_collect(self, context: dict) -> dict:
///         return await self._collect(context)
///
///     @runbook.step(name="audit", title="Audit fund", icon="Search")
///     async def _step_audit(self, context: dict) -> dict:
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         context = await self._step_collect(context)
///         return await self._step_audit(context)
/// ```
#[derive(RuleMetadata)]
#[rule(
    code = "RB315",
    severity = "warning",
    category = "steps",
    since = "0.1.0",
    summary = "a step is inherited, so the breadcrumb does not show it"
)]
pub(crate) struct InheritedStep;

impl Rule for InheritedStep {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for class in cx.model.classes() {
            let Some(heir) = heir(cx, class) else {
                continue;
            };
            for step in &class.steps {
                let name = step.node.name.as_str();
                // An override in the runbook is what runs, and what shows.
                if heir.method(name).is_some() {
                    continue;
                }
                let message = format!(
                    "step {} is inherited by {}, so the breadcrumb does not show it",
                    code(step.label()),
                    code(heir.name)
                );
                Finding::new(
                    &Self::METADATA,
                    class.file,
                    span_of(&step.node.name),
                    message,
                )
                .in_runbook(heir)
                .help(
                    "declare the step in the runbook class; it can call a plain method of this one",
                )
                .report(report);
            }
        }
    }
}

/// The first runbook that derives from the class.
fn heir<'m, 'p>(cx: &'m Context<'p>, class: &Runbook<'p>) -> Option<&'m Runbook<'p>> {
    let this = Base::Class {
        file: class.file,
        ix: class.class,
    };
    let mut runbooks = cx.model.runbooks.iter();
    runbooks.find(|it| it.bases.iter().skip(1).any(|base| *base == this))
}
