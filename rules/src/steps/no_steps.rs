use lint_core::diagnostic::Diagnostic;
use lint_core::names::Base;
use lint_core::rule::RuleMetadata;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::model::Runbook;
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds runbooks that have no step at all, in a bundle that has a `runbook.md`.
///
/// ## Why is this bad?
/// The UI hides the breadcrumb. The people who wait for the task see neither how far it is nor what it
/// is waiting for.
///
/// ## Example
/// ```python path=templates/workflow.py
/// from datetime import timedelta
///
/// from ntro.workflow import NtroWorkflow, runbook
///
/// from .activities import strike
///
///
/// @runbook.defn
/// class StrikeNavWorkflow(NtroWorkflow):  # RB320
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await runbook.execute_activity(
///             strike, context, start_to_close_timeout=timedelta(minutes=5)
///         )
/// ```
/// ```python path=templates/activities.py
/// from ntro.workflow import activity
///
///
/// @activity.defn(name="strike_nav.strike")
/// async def strike(context: dict) -> dict:
///     return context
/// ```
/// ```markdown path=runbook.md
/// ---
/// slug: strike-nav
/// name: Strike NAV
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// ---
/// ```
///
/// ## Use instead
/// ```python path=templates/workflow.py
/// from datetime import timedelta
///
/// from ntro.workflow import NtroWorkflow, runbook
///
/// from .activities import strike
///
///
/// @runbook.defn
/// class StrikeNavWorkflow(NtroWorkflow):
///     @runbook.step(name="strike", title="Strike NAV", icon="Calculator")
///     async def _step_strike(self, context: dict) -> dict:
///         return await runbook.execute_activity(
///             strike, context, start_to_close_timeout=timedelta(minutes=5)
///         )
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_strike(context)
/// ```
/// ```python path=templates/activities.py
/// from ntro.workflow import activity
///
///
/// @activity.defn(name="strike_nav.strike")
/// async def strike(context: dict) -> dict:
///     return context
/// ```
#[derive(RuleMetadata)]
#[rule(
    code = "RB320",
    severity = "warning",
    category = "steps",
    since = "0.1.0",
    summary = "a runbook has no steps"
)]
pub(crate) struct NoSteps;

impl Rule for NoSteps {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for runbook in &cx.model.runbooks {
            let bundle = runbook.bundle.map(|bundle| &cx.model.bundles[bundle]);
            let is_described = bundle.is_some_and(|bundle| bundle.manifest.is_some());
            if !is_described || runbook.defn().is_none() || has_steps(cx, runbook) {
                continue;
            }
            let message = format!(
                "runbook {} has no steps, so the UI shows no progress",
                code(runbook.name)
            );
            Finding::new(&Self::METADATA, runbook.file, runbook.name_span(), message)
                .in_runbook(runbook)
                .help("make each phase a method with `@runbook.step(name=…, title=…)`")
                .report(report);
        }
    }
}

/// Whether the class, or one that it derives from, has a step. Inherited ones do not show either,
/// but that is another finding.
fn has_steps(cx: &Context<'_>, runbook: &Runbook<'_>) -> bool {
    runbook.bases.iter().any(|base| match base {
        Base::Class { file, ix } => {
            let mut classes = cx.model.classes();
            classes.any(|it| it.file == *file && it.class == *ix && !it.steps.is_empty())
        }
        Base::External(_) => false,
        Base::Unknown => true,
    })
}
