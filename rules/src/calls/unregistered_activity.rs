use lint_core::diagnostic::{Diagnostic, FileId};
use lint_core::index::MODULE_BODY;
use lint_core::names::Bound;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::model::Model;
use crate::rule::{Context, Rule};
use crate::sites::{ActivityCall, shown};

/// ## What it does
/// Finds activities of a bundle that the runbook calls but that are not to be found in
/// `templates/activities.py`, neither written nor imported there.
///
/// ## Why is this bad?
/// The worker registers what it finds as an attribute of `templates/activities.py`, and nothing else.
/// LocalRuntime calls the function it is given, and the test harness also looks into `workflow.py`, so only
/// production notices: no worker knows the activity, and it is retried until its schedule runs out, which
/// by default is never.
///
/// ## Example
/// ```python path=templates/workflow.py
/// from datetime import timedelta
///
/// from ntro.workflow import NtroWorkflow, runbook
///
/// from .activities import draft_report
/// from .delivery import send_report
///
///
/// @runbook.defn
/// class ReportWorkflow(NtroWorkflow):
///     @runbook.step(name="report", title="Report", icon="FileText")
///     async def _step_report(self, fund: str) -> None:
///         report = await runbook.execute_activity(
///             draft_report, fund, start_to_close_timeout=timedelta(minutes=5)
///         )
///         await runbook.execute_activity(
///             send_report,  # RB406
///             report,
///             start_to_close_timeout=timedelta(minutes=1),
///         )
///
///     @runbook.run
///     async def run(self, fund: str) -> None:
///         await self._step_report(fund)
/// ```
/// ```python path=templates/activities.py
/// from ntro.workflow import activity
///
///
/// @activity.defn(name="report.draft_report")
/// async def draft_report(fund: str) -> str:
///     return f"Report of {fund}"
/// ```
/// ```python path=templates/delivery.py
/// from ntro.workflow import activity
///
///
/// @activity.defn(name="report.send_report")
/// async def send_report(report: str) -> None: ...
/// ```
///
/// ## Use instead
/// Import it in `activities.py` as well:
/// ```python path=templates/workflow.py
/// from datetime import timedelta
///
/// from ntro.workflow import NtroWorkflow, runbook
///
/// from .activities import draft_report, send_report
///
///
/// @runbook.defn
/// class ReportWorkflow(NtroWorkflow):
///     @runbook.step(name="report", title="Report", icon="FileText")
///     async def _step_report(self, fund: str) -> None:
///         report = await runbook.execute_activity(
///             draft_report, fund, start_to_close_timeout=timedelta(minutes=5)
///         )
///         await runbook.execute_activity(
///             send_report, report, start_to_close_timeout=timedelta(minutes=1)
///         )
///
///     @runbook.run
///     async def run(self, fund: str) -> None:
///         await self._step_report(fund)
/// ```
/// ```python path=templates/activities.py
/// from ntro.workflow import activity
///
/// from .delivery import send_report
///
/// __all__ = ["draft_report", "send_report"]
///
///
/// @activity.defn(name="report.draft_report")
/// async def draft_report(fund: str) -> str:
///     return f"Report of {fund}"
/// ```
/// ```python path=templates/delivery.py
/// from ntro.workflow import activity
///
///
/// @activity.defn(name="report.send_report")
/// async def send_report(report: str) -> None: ...
/// ```
///
/// ## Limits
/// Nothing is said about a bundle whose `activities.py` cannot be read or imports `*` from a module that is
/// not in the project. Activities that are methods are not judged.
#[derive(RuleMetadata)]
#[rule(
    code = "RB406",
    severity = "error",
    category = "calls",
    since = "0.1.0",
    summary = "an activity is called that workers do not find in `activities.py`"
)]
pub(crate) struct UnregisteredActivity;

impl Rule for UnregisteredActivity {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let model = &cx.model;
        for call in ActivityCall::all(model) {
            let site = call.site;
            let Some(bundle) = model.bundle_of(site.file) else {
                continue;
            };
            let Some(activities) = model.bundles[bundle].activities else {
                continue;
            };
            let Some(target) = call.resolved(model) else {
                continue;
            };
            let Some(activity) = model.activity(&target) else {
                continue;
            };
            let is_method = model
                .index(activity.file)
                .is_none_or(|index| index.function(activity.ix).class.is_some());
            if is_method
                || model.is_exported(Some(bundle), &target)
                || may_have_more(model, activities, activity.name)
            {
                continue;
            }
            let name = shown(model, site.file, call.target);
            let file = cx.facts.project.key(activities);
            let home = cx.facts.project.key(activity.file);
            let message = format!(
                "the activity {name} is not registered: workers look for activities in `{file}` only"
            );
            let finding = Finding::new(&Self::METADATA, site.file, span_of(call.target), message)
                .help(if activity.file == site.file {
                    // An import the other way round would be circular.
                    format!("move `{}` to `{file}`", activity.name)
                } else {
                    format!("import `{}` in `{file}`", activity.name)
                })
                .note(format!("It is written in `{home}`."));
            match site.runbook {
                Some(runbook) => finding.in_runbook(&model.runbooks[runbook]),
                None => finding,
            }
            .report(report);
        }
    }
}

/// Whether the module may have attributes that its text does not tell, or cannot be read.
pub(super) fn may_have_more(model: &Model<'_>, file: FileId, name: &str) -> bool {
    let is_broken = model
        .module(file)
        .is_none_or(|module| !module.errors.is_empty());
    let is_dynamic = || {
        let mut calls = model.calls_in(file, MODULE_BODY).iter();
        calls.any(|site| {
            matches!(
                site.external(),
                Some("globals" | "setattr" | "vars" | "exec")
            )
        })
    };
    is_broken || model.names.is_bound(file, MODULE_BODY, name) == Bound::Perhaps || is_dynamic()
}
