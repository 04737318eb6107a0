use lint_core::diagnostic::Diagnostic;
use lint_core::names::Resolved;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::Expr;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::model::{CallSite, Model};
use crate::rule::{Context, Rule};
use crate::sites::{ActivityCall, shown};

/// ## What it does
/// Finds `runbook.execute_activity`, and its like in `temporalio.workflow`, with something that is not an activity: a function without
/// `@activity.defn`, a lambda, a method of the runbook, or an activity that is called directly,
/// `execute_activity(fetch_prices(day), …)`.
///
/// ## Why is this bad?
/// LocalRuntime awaits whatever function it is given. Temporal refuses one without the decorator with a
/// `TypeError`. What an activity gives when it is called directly, a coroutine or a result, is no
/// activity in either runtime.
///
/// ## Example
/// ```python
/// from datetime import timedelta
///
/// from ntro.workflow import NtroWorkflow, runbook
///
/// from .activities import fetch_prices, store_prices
///
///
/// @runbook.defn
/// class LoadPricesWorkflow(NtroWorkflow):
///     @runbook.step(name="load", title="Load prices", icon="Download")
///     async def _step_load(self, day: str) -> None:
///         prices = await runbook.execute_activity(
///             fetch_prices(day),  # RB405
///             start_to_close_timeout=timedelta(minutes=2),
///         )
///         await runbook.execute_activity(
///             store_prices,  # RB405
///             prices,
///             start_to_close_timeout=timedelta(minutes=2),
///         )
///
///     @runbook.run
///     async def run(self, day: str) -> None:
///         await self._step_load(day)
/// ```
/// ```python path=activities.py
/// from ntro.workflow import activity
///
///
/// @activity.defn(name="load_prices.fetch_prices")
/// async def fetch_prices(day: str) -> dict[str, float]:
///     return {"GILT-2030": 98.4}
///
///
/// async def store_prices(prices: dict[str, float]) -> None: ...
/// ```
/// Plain Temporal workflows are refused as well:
/// ```python
/// from datetime import timedelta
///
/// from temporalio import workflow
///
///
/// def round_price(price: float) -> float:
///     return round(price, 2)
///
///
/// @workflow.defn
/// class LoadPrices:
///     @workflow.run
///     async def run(self, price: float) -> float:
///         return await workflow.execute_activity(
///             round_price,  # RB405
///             price,
///             start_to_close_timeout=timedelta(minutes=2),
///         )
/// ```
///
/// ## Use instead
/// Decorate each activity, and hand the function and its argument over separately:
/// ```python
/// from datetime import timedelta
///
/// from ntro.workflow import NtroWorkflow, runbook
///
/// from .activities import fetch_prices, store_prices
///
///
/// @runbook.defn
/// class LoadPricesWorkflow(NtroWorkflow):
///     @runbook.step(name="load", title="Load prices", icon="Download")
///     async def _step_load(self, day: str) -> None:
///         prices = await runbook.execute_activity(
///             fetch_prices, day, start_to_close_timeout=timedelta(minutes=2)
///         )
///         await runbook.execute_activity(
///             store_prices, prices, start_to_close_timeout=timedelta(minutes=2)
///         )
///
///     @runbook.run
///     async def run(self, day: str) -> None:
///         await self._step_load(day)
/// ```
/// ```python path=activities.py
/// from ntro.workflow import activity
///
///
/// @activity.defn(name="load_prices.fetch_prices")
/// async def fetch_prices(day: str) -> dict[str, float]:
///     return {"GILT-2030": 98.4}
///
///
/// @activity.defn(name="load_prices.store_prices")
/// async def store_prices(prices: dict[str, float]) -> None: ...
/// ```
///
/// ## Limits
/// A function with any other decorator is not judged, since that decorator may make it an activity. Nor is
/// what another call returns. Where a project calls `activity.defn(function)`, nothing is said about plain
/// Temporal workflows.
#[derive(RuleMetadata)]
#[rule(
    code = "RB405",
    severity = "error",
    category = "calls",
    since = "0.1.0",
    summary = "something that is not an activity is scheduled as one"
)]
pub(crate) struct NotAnActivity;

impl Rule for NotAnActivity {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let model = &cx.model;
        // `run_step` calls what is no activity.
        for call in ActivityCall::all(model).filter(|call| !call.is_run_step) {
            let Some((message, help)) = judge(model, call.site, call.target) else {
                continue;
            };
            let site = call.site;
            let span = span_of(call.target);
            let finding = Finding::new(&Self::METADATA, site.file, span, message).help(help);
            match site.runbook {
                Some(runbook) => finding.in_runbook(&model.runbooks[runbook]),
                None => finding,
            }
            .report(report);
        }
        if !cx.everywhere.marks_activities {
            in_plain_code(model, report);
        }
    }
}

/// What plain Temporal code schedules.
fn in_plain_code(model: &Model<'_>, report: &mut Vec<Diagnostic>) {
    for site in model.temporal_calls() {
        let schedules = |it: &str| it.contains("activity") && !it.contains("dynamic");
        if !site.workflow_api().is_some_and(schedules) {
            continue;
        }
        let given = site.call.arguments.find_argument_value("activity", 0);
        let Some(target) = given.filter(|it| !it.is_starred_expr()) else {
            continue;
        };
        if let Some((message, help)) = judge(model, site, target) {
            let span = span_of(target);
            Finding::new(&NotAnActivity::METADATA, site.file, span, message)
                .help(help)
                .report(report);
        }
    }
}

fn judge(model: &Model<'_>, site: &CallSite<'_>, target: &Expr) -> Option<(String, &'static str)> {
    let target = match target {
        Expr::Await(it) => &*it.value,
        other => other,
    };
    let names = model.names_in(site.file);
    let is_facade = site.external().is_some_and(|it| it.starts_with("ntro."));
    let name = shown(model, site.file, target);
    match target {
        Expr::Lambda(_) => Some((
            "a lambda is not an activity: Temporal refuses it".to_owned(),
            "write a function with `@activity.defn`",
        )),
        Expr::Call(inner) => {
            let callee = names.resolve(site.file, site.function, &inner.func)?;
            let is_async = model
                .def(&callee)
                .is_some_and(|def| def.is_async && def.decorator_list.is_empty());
            if model.activity(&callee).is_none() && !is_async {
                return None;
            }
            Some((
                format!("{name} is called right here, and what it returns is not an activity"),
                "hand over the function, and its argument after it",
            ))
        }
        _ => {
            let resolved = names.resolve(site.file, site.function, target)?;
            let def = model.def(&resolved)?;
            if model.activity(&resolved).is_some() || !def.decorator_list.is_empty() {
                return None;
            }
            let is_method = is_method(model, &resolved);
            let what = if is_method { "method" } else { "function" };
            Some((
                match is_facade {
                    true => format!(
                        "the {what} {name} is not an activity: Temporal refuses it, and only LocalRuntime calls it"
                    ),
                    false => format!(
                        "the {what} {name} is not an activity, and scheduling it fails with a `TypeError`"
                    ),
                },
                match (is_method, is_facade) {
                    (true, true) => {
                        "await the method itself, or move its side effects into an activity"
                    }
                    (false, true) => {
                        "decorate it with `@activity.defn`, in `templates/activities.py`"
                    }
                    (_, false) => "decorate it with `@activity.defn`",
                },
            ))
        }
    }
}

fn is_method(model: &Model<'_>, function: &Resolved) -> bool {
    match function {
        Resolved::Function { file, ix } => model
            .index(*file)
            .is_some_and(|index| index.function(*ix).class.is_some()),
        _ => false,
    }
}
