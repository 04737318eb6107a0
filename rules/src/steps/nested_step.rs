use std::collections::BTreeSet;

use lint_core::diagnostic::{Diagnostic, FileId};
use lint_core::index::FunctionIx;
use lint_core::names::Resolved;
use lint_core::rule::RuleMetadata;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::model::{Model, Step};
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds steps that call another step, or themselves, directly or through helpers.
///
/// ## Why is this bad?
/// There is one current step. When the inner one is done, the outer one does not become current
/// again: what it shows then is filed under the inner step, its own snapshot is lost, and child
/// runbooks get the wrong ids.
///
/// ## Example
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class PostJournalsWorkflow(NtroWorkflow):
///     @runbook.step(name="prepare", title="Prepare journals", icon="FileText")
///     async def _step_prepare(self, context: dict) -> dict:
///         return await self._step_post(context)  # RB313
///
///     @runbook.step(name="post", title="Post journals", icon="BookOpen")
///     async def _step_post(self, context: dict) -> dict:
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_prepare(context)
/// ```
///
/// ## Use instead
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class PostJournalsWorkflow(NtroWorkflow):
///     @runbook.step(name="prepare", title="Prepare journals", icon="FileText")
///     async def _step_prepare(self, context: dict) -> dict:
///         return self._numbered(context)
///
///     @runbook.step(name="post", title="Post journals", icon="BookOpen")
///     async def _step_post(self, context: dict) -> dict:
///         return context
///
///     def _numbered(self, context: dict) -> dict:
///         return {**context, "numbered": True}
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         context = await self._step_prepare(context)
///         return await self._step_post(context)
/// ```
#[derive(RuleMetadata)]
#[rule(
    code = "RB313",
    severity = "warning",
    category = "steps",
    since = "0.1.0",
    summary = "a step calls another step"
)]
pub(crate) struct NestedStep;

impl Rule for NestedStep {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for class in cx.model.classes() {
            for step in &class.steps {
                for site in cx.model.calls_in(class.file, step.ix) {
                    let Some(Resolved::Function { file, ix }) = site.callee else {
                        continue;
                    };
                    let mut seen = BTreeSet::new();
                    let Some(inner) = step_behind(&cx.model, (file, ix), &mut seen) else {
                        continue;
                    };
                    let outer = code(step.label());
                    let message = if inner.ix == step.ix {
                        format!("step {outer} calls itself")
                    } else {
                        format!("step {outer} calls step {}", code(inner.label()))
                    };
                    let place = site.place();
                    Finding::new(&Self::METADATA, place.file, place.span, message)
                        .in_runbook(class)
                        .help("call the steps one after another from the run method, and move what they share to a plain method")
                        .report(report);
                }
            }
        }
    }
}

/// The step that the function is, or that it calls sooner or later.
fn step_behind<'m, 'p>(
    model: &'m Model<'p>,
    at: (FileId, FunctionIx),
    seen: &mut BTreeSet<(FileId, FunctionIx)>,
) -> Option<&'m Step<'p>> {
    if !seen.insert(at) {
        return None;
    }
    let steps = model
        .classes()
        .filter(|class| class.file == at.0)
        .flat_map(|class| &class.steps);
    let mut steps = steps.filter(|step| step.ix == at.1);
    if let Some(step) = steps.next() {
        return Some(step);
    }
    model
        .calls_in(at.0, at.1)
        .iter()
        .find_map(|site| match site.callee {
            Some(Resolved::Function { file, ix }) => step_behind(model, (file, ix), seen),
            _ => None,
        })
}
