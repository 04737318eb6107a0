use std::collections::BTreeMap;

use lint_core::diagnostic::{Diagnostic, Span};
use lint_core::names::Resolved;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::Expr;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::model::{Activity, CallSite, Model};
use crate::rule::{Context, Rule};
use crate::sites::{Written, keyword_value, line_of, shown};

/// ## What it does
/// Finds activities of one bundle that are registered under the same name, and in plain Temporal code two of one name
/// that are given to one `Worker`.
///
/// ## Why is this bad?
/// The names of activities are global to a worker. It does not start with two of one name, and a call by
/// name would reach either. The test harness keeps the first and drops the other without a warning.
///
/// ## Example
/// ```python path=templates/workflow.py
/// from datetime import timedelta
///
/// from ntro.workflow import NtroWorkflow, runbook
///
/// from .activities import accrue_interest, accrue_tax
///
///
/// @runbook.defn
/// class AccrualsWorkflow(NtroWorkflow):
///     @runbook.step(name="accrue", title="Accrue", icon="Percent")
///     async def _step_accrue(self, fund: str) -> float:
///         interest = await runbook.execute_activity(
///             accrue_interest, fund, start_to_close_timeout=timedelta(minutes=1)
///         )
///         tax = await runbook.execute_activity(
///             accrue_tax, fund, start_to_close_timeout=timedelta(minutes=1)
///         )
///         return interest - tax
///
///     @runbook.run
///     async def run(self, fund: str) -> float:
///         return await self._step_accrue(fund)
/// ```
/// ```python path=templates/activities.py
/// from ntro.workflow import activity
///
///
/// @activity.defn(name="accruals.accrue")
/// async def accrue_interest(fund: str) -> float:
///     return 12.5
///
///
/// @activity.defn(name="accruals.accrue")  # RB408
/// async def accrue_tax(fund: str) -> float:
///     return 2.5
/// ```
///
/// ## Use instead
/// Give each its own name, with the slug of the bundle before it:
/// ```python path=templates/workflow.py
/// from datetime import timedelta
///
/// from ntro.workflow import NtroWorkflow, runbook
///
/// from .activities import accrue_interest, accrue_tax
///
///
/// @runbook.defn
/// class AccrualsWorkflow(NtroWorkflow):
///     @runbook.step(name="accrue", title="Accrue", icon="Percent")
///     async def _step_accrue(self, fund: str) -> float:
///         interest = await runbook.execute_activity(
///             accrue_interest, fund, start_to_close_timeout=timedelta(minutes=1)
///         )
///         tax = await runbook.execute_activity(
///             accrue_tax, fund, start_to_close_timeout=timedelta(minutes=1)
///         )
///         return interest - tax
///
///     @runbook.run
///     async def run(self, fund: str) -> float:
///         return await self._step_accrue(fund)
/// ```
/// ```python path=templates/activities.py
/// from ntro.workflow import activity
///
///
/// @activity.defn(name="accruals.accrue_interest")
/// async def accrue_interest(fund: str) -> float:
///     return 12.5
///
///
/// @activity.defn(name="accruals.accrue_tax")
/// async def accrue_tax(fund: str) -> float:
///     return 2.5
/// ```
///
/// ## Limits
/// Names that different bundles share are the business of `shared-activity-name`. Of a `Worker`, activities count that
/// are written out in its list.
#[derive(RuleMetadata)]
#[rule(
    code = "RB408",
    severity = "error",
    category = "calls",
    since = "0.1.0",
    summary = "two activities of a bundle or a worker are registered under one name"
)]
pub(crate) struct DuplicateActivityName;

impl Rule for DuplicateActivityName {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let mut first: BTreeMap<(Option<usize>, &str), &Activity<'_>> = BTreeMap::new();
        for activity in &cx.model.activities {
            let Some(name) = activity.registered.as_deref() else {
                continue;
            };
            if !activity.is_exported {
                continue;
            }
            if let Some(other) = first.get(&(activity.bundle, name)) {
                second(cx, name, other, activity).report(report);
                continue;
            }
            first.insert((activity.bundle, name), activity);
            if let Some(sdk) = shadowed(cx, activity, name) {
                let message = format!(
                    "the activity `{}` has the name `{}` of `{sdk}`, which the bundle registers too",
                    activity.name,
                    name.replace('`', "'")
                );
                finding(activity, message).report(report);
            }
        }
        for site in cx.model.temporal_calls() {
            if site.external() == Some("temporalio.worker.Worker") {
                in_worker(&cx.model, site, report);
            }
        }
    }
}

/// The activities that a worker is given, by the names under which it registers them.
fn in_worker(model: &Model<'_>, site: &CallSite<'_>, report: &mut Vec<Diagnostic>) {
    let Some(given) = keyword_value(site.call, "activities") else {
        return;
    };
    let Some((at, elements)) = Written::at(site, given).elements(model) else {
        return;
    };
    let mut first: BTreeMap<String, &Expr> = BTreeMap::new();
    for element in elements {
        let Some(name) = registered(model, at, element) else {
            continue;
        };
        let Some(other) = first.get(&name) else {
            first.insert(name, element);
            continue;
        };
        let one = shown(model, at.file, element);
        let message = match shown(model, at.file, other) {
            other if other == one => format!("the worker is given the activity {one} twice"),
            other => format!(
                "the activities {one} and {other} of this worker are both registered as {}",
                code(&name)
            ),
        };
        Finding::new(
            &DuplicateActivityName::METADATA,
            at.file,
            span_of(element),
            message,
        )
        .help("give each activity a name of its own: `@activity.defn(name=\"…\")`")
        .note("The worker does not start with two activities of one name.")
        .report(report);
    }
}

fn registered(model: &Model<'_>, at: Written<'_>, activity: &Expr) -> Option<String> {
    let names = model.names_in(at.file);
    match names.resolve(at.file, at.function, activity)? {
        Resolved::Function { file, ix } => {
            model.activity_name(file, model.index(file)?.function(ix))
        }
        _ => None,
    }
}

fn second(cx: &Context<'_>, name: &str, first: &Activity<'_>, activity: &Activity<'_>) -> Finding {
    let line = line_of(cx, activity.file, first.file, span_of(&first.node.name));
    let name = name.replace('`', "'");
    let message = format!(
        "the activities `{}` and `{}` ({line}) are both registered as `{name}`",
        activity.name, first.name
    );
    finding(activity, message).note("The worker does not start with two activities of one name.")
}

fn finding(activity: &Activity<'_>, message: String) -> Finding {
    Finding::new(
        &DuplicateActivityName::METADATA,
        activity.file,
        span(activity),
        message,
    )
    .help("give each activity a name of its own: `@activity.defn(name=\"<slug>.<function>\")`")
}

/// Where the name is written.
fn span(activity: &Activity<'_>) -> Span {
    let given = activity
        .mark
        .call
        .and_then(|call| call.arguments.find_keyword("name"));
    given.map_or(span_of(&activity.node.name), |keyword| {
        span_of(&keyword.value)
    })
}

/// The activity of the SDK with this name that the bundle re-exports.
fn shadowed(cx: &Context<'_>, activity: &Activity<'_>, name: &str) -> Option<&'static str> {
    let sdk = match name {
        "run_quality_check" => "ntro.capabilities.checks.run_quality_check",
        "load_previous_task" => "ntro.workflow.task.load_previous_task_activity",
        "find_committed_document" => "ntro.workflow.task.find_committed_document_activity",
        _ => return None,
    };
    let target = Resolved::External(sdk.to_owned());
    cx.model
        .is_exported(activity.bundle, &target)
        .then_some(sdk)
}
