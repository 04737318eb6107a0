use lint_core::diagnostic::{Diagnostic, Span};
use lint_core::names::Resolved;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::Expr;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use super::unregistered_activity::may_have_more;
use crate::finding::Finding;
use crate::model::{CallSite, Model};
use crate::rule::{Context, Rule};
use crate::sites::{ActivityCall, keyword};

/// ## What it does
/// Finds helpers of the SDK that schedule one of its own activities, while the bundle's
/// `templates/activities.py` does not import that activity:
///
/// | in the runbook | needs |
/// |---|---|
/// | `checks_spec=` of a gate | `ntro.capabilities.checks.run_quality_check` |
/// | `self.load_previous_task(…)`, `task.previous(…)` | `ntro.workflow.task.load_previous_task_activity` |
/// | `self.find_committed_document(…)`, `task.find_committed_document(…)` | `ntro.workflow.task.find_committed_document_activity` |
///
/// ## Why is this bad?
/// The worker registers what it finds in `templates/activities.py`. Without the import no worker knows the
/// activity: a quality check stays at "running", and a look-up of an earlier task never comes back.
///
/// ## Example
/// ```python path=templates/workflow.py
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class RollForwardWorkflow(NtroWorkflow):
///     @runbook.step(name="review", title="Review", icon="Eye")
///     async def _step_review(self, entity_id: str) -> str:
///         earlier = await self.load_previous_task(  # RB407
///             workflow_slug="roll-forward", entity_id=entity_id
///         )
///         decision = await self.wait_for_action(
///             payload={"opening": earlier.output if earlier else {}},
///             checks_spec=[  # RB407
///                 {"id": "opening", "title": "Opening", "prompt": "Is it complete?"}
///             ],
///         )
///         return decision["type"]
///
///     @runbook.run
///     async def run(self, entity_id: str) -> str:
///         return await self._step_review(entity_id)
/// ```
/// ```python path=templates/activities.py
/// """No activities of its own."""
/// ```
///
/// ## Use instead
/// ```python path=templates/workflow.py
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class RollForwardWorkflow(NtroWorkflow):
///     @runbook.step(name="review", title="Review", icon="Eye")
///     async def _step_review(self, entity_id: str) -> str:
///         earlier = await self.load_previous_task(
///             workflow_slug="roll-forward", entity_id=entity_id
///         )
///         decision = await self.wait_for_action(
///             payload={"opening": earlier.output if earlier else {}},
///             checks_spec=[
///                 {"id": "opening", "title": "Opening", "prompt": "Is it complete?"}
///             ],
///         )
///         return decision["type"]
///
///     @runbook.run
///     async def run(self, entity_id: str) -> str:
///         return await self._step_review(entity_id)
/// ```
/// ```python path=templates/activities.py
/// from ntro.capabilities.checks import run_quality_check
/// from ntro.workflow.task import load_previous_task_activity
///
/// __all__ = ["load_previous_task_activity", "run_quality_check"]
/// ```
///
/// ## Limits
/// Another bundle on the same worker may have registered the activity. That holds until the other one is
/// removed, so it is reported all the same.
///
/// ## References
/// - <https://docs.ntropii.com/sdk/capabilities/quality-checks>
/// - <https://docs.ntropii.com/sdk/workflows/task>
#[derive(RuleMetadata)]
#[rule(
    code = "RB407",
    severity = "error",
    category = "calls",
    since = "0.1.0",
    summary = "a helper needs an activity of the SDK that `activities.py` does not import"
)]
pub(crate) struct UnregisteredSdkActivity;

impl Rule for UnregisteredSdkActivity {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let model = &cx.model;
        for site in &model.calls {
            if let Some((span, what, activity)) = needed(site) {
                check(cx, site, span, what, activity, report);
            }
        }
        for call in ActivityCall::all(model) {
            if let Some(Resolved::External(name)) = call.resolved(model)
                && let Some(activity) = ACTIVITIES.iter().find(|it| **it == name)
            {
                let what = "this schedules";
                check(cx, call.site, span_of(call.target), what, activity, report);
            }
        }
    }
}

const QUALITY_CHECK: &str = "ntro.capabilities.checks.run_quality_check";
const PREVIOUS: &str = "ntro.workflow.task.load_previous_task_activity";
const DOCUMENT: &str = "ntro.workflow.task.find_committed_document_activity";
const ACTIVITIES: [&str; 3] = [QUALITY_CHECK, PREVIOUS, DOCUMENT];

/// The activity of the SDK that the call schedules, and what in it does so.
fn needed(site: &CallSite<'_>) -> Option<(Span, &'static str, &'static str)> {
    let callee = span_of(&*site.call.func);
    match site.base_method() {
        Some("wait_for_action" | "await_signal_with_action") => {
            let checks = keyword(site.call, "checks_spec")?;
            let is_empty = match &checks.value {
                Expr::List(list) => list.elts.is_empty(),
                Expr::Tuple(tuple) => tuple.elts.is_empty(),
                value => value.is_none_literal_expr(),
            };
            (!is_empty).then_some((span_of(checks), "`checks_spec` schedules", QUALITY_CHECK))
        }
        Some("load_previous_task") => Some((callee, "`load_previous_task()` schedules", PREVIOUS)),
        Some("find_committed_document") => {
            Some((callee, "`find_committed_document()` schedules", DOCUMENT))
        }
        _ => match site.external()? {
            "ntro.workflow.task.previous" => Some((callee, "`previous()` schedules", PREVIOUS)),
            "ntro.workflow.task.find_committed_document"
            | "ntro.workflow.find_committed_document" => {
                Some((callee, "`find_committed_document()` schedules", DOCUMENT))
            }
            _ => None,
        },
    }
}

fn check(
    cx: &Context<'_>,
    site: &CallSite<'_>,
    span: Span,
    what: &str,
    activity: &str,
    report: &mut Vec<Diagnostic>,
) {
    let model: &Model<'_> = &cx.model;
    let Some(bundle) = model.bundle_of(site.file) else {
        return;
    };
    let Some(activities) = model.bundles[bundle].activities else {
        return;
    };
    let (module, name) = activity.rsplit_once('.').unwrap_or(("", activity));
    let target = Resolved::External(activity.to_owned());
    if model.is_exported(Some(bundle), &target) || may_have_more(model, activities, name) {
        return;
    }
    let file = cx.facts.project.key(activities);
    let message = format!(
        "{what} the activity `{name}`, which workers do not find in `{file}` and so do not register"
    );
    let finding = Finding::new(&UnregisteredSdkActivity::METADATA, site.file, span, message).help(
        format!("write `from {module} import {name}` in `{file}`, and list it in `__all__`"),
    );
    match site.runbook {
        Some(runbook) => finding.in_runbook(&model.runbooks[runbook]),
        None => finding,
    }
    .report(report);
}
