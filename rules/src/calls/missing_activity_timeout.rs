use lint_core::diagnostic::{Applicability, Diagnostic, Severity, Span};
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::Expr;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use super::payloads::Shape;
use crate::finding::Finding;
use crate::fixes;
use crate::model::{CallSite, Model};
use crate::program::Program;
use crate::rule::{Context, Rule};
use crate::sites::{Dict, Entry, Written, keyword_value, line_of, number, shown};

/// ## What it does
/// Finds `execute_activity` without `start_to_close_timeout` and without `schedule_to_close_timeout`, in
/// runbooks and in plain Temporal workflows, where `start_activity`, local activities and the variants for
/// classes and methods need one as well; timeouts, also of child workflows and of `continue_as_new`, and intervals
/// of a `RetryPolicy`, that are a number instead of a `timedelta`; a `timedelta` where `asyncio` takes seconds;
/// limits of an attempt such as `timedelta(30)`, which is 30 days, as information; and arguments that `RetryPolicy`
/// does not have.
///
/// ## Why is this bad?
/// Temporal refuses to schedule the activity: "Activity must have start_to_close_timeout or
/// schedule_to_close_timeout". LocalRuntime ignores all options, so scripts and tests run through, and
/// the runbook fails in production, at this step, for the first time.
///
/// ## Example
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
/// from .activities import price_positions
///
///
/// @runbook.defn
/// class StrikeNavWorkflow(NtroWorkflow):
///     @runbook.step(name="price", title="Price positions", icon="Calculator")
///     async def _step_price(self, fund: str) -> float:
///         return await runbook.execute_activity(price_positions, fund)  # RB401
///
///     @runbook.run
///     async def run(self, fund: str) -> float:
///         return await self._step_price(fund)
/// ```
/// ```python path=activities.py
/// from ntro.workflow import activity
///
///
/// @activity.defn(name="strike_nav.price_positions")
/// async def price_positions(fund: str) -> float:
///     return 1_000_000.0
/// ```
/// How long an activity may stay without a heartbeat says nothing about how long it may take:
/// ```python
/// from datetime import timedelta
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class StrikeNav:
///     @workflow.run
///     async def run(self, fund: str) -> None:
///         await workflow.execute_activity(  # RB401
///             "price_positions", fund, heartbeat_timeout=timedelta(seconds=10)
///         )
///         await workflow.execute_activity(
///             "price_positions", fund, start_to_close_timeout=60  # RB401
///         )
/// ```
/// Neither does how long to wait before the next attempt, which is a duration too:
/// ```python
/// from datetime import timedelta
///
/// from temporalio import workflow
/// from temporalio.common import RetryPolicy
///
///
/// @workflow.defn
/// class StrikeNav:
///     @workflow.run
///     async def run(self, fund: str) -> None:
///         await workflow.execute_activity(
///             "price_positions",
///             fund,
///             start_to_close_timeout=timedelta(minutes=1),
///             retry_policy=RetryPolicy(initial_interval=5),  # RB401
///         )
/// ```
/// A retry policy that is a dictionary fails in the same way, since the SDK takes nothing but its own class.
/// `asyncio` on the other hand takes seconds, and raises a `TypeError` for a `timedelta`:
/// ```python
/// import asyncio
/// from datetime import timedelta
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class StrikeNav:
///     @workflow.run
///     async def run(self, fund: str) -> None:
///         await asyncio.sleep(timedelta(hours=1))  # RB401
/// ```
///
/// ## Use instead
/// Say how long one attempt may take:
/// ```python
/// from datetime import timedelta
///
/// from ntro.workflow import NtroWorkflow, runbook
///
/// from .activities import price_positions
///
///
/// @runbook.defn
/// class StrikeNavWorkflow(NtroWorkflow):
///     @runbook.step(name="price", title="Price positions", icon="Calculator")
///     async def _step_price(self, fund: str) -> float:
///         return await runbook.execute_activity(
///             price_positions, fund, start_to_close_timeout=timedelta(minutes=5)
///         )
///
///     @runbook.run
///     async def run(self, fund: str) -> float:
///         return await self._step_price(fund)
/// ```
/// ```python path=activities.py
/// from ntro.workflow import activity
///
///
/// @activity.defn(name="strike_nav.price_positions")
/// async def price_positions(fund: str) -> float:
///     return 1_000_000.0
/// ```
/// Options that are kept in one place are taken on trust:
/// ```python
/// from datetime import timedelta
///
/// from temporalio import workflow
///
/// PRICING = {"start_to_close_timeout": timedelta(minutes=5)}
///
///
/// @workflow.defn
/// class StrikeNav:
///     @workflow.run
///     async def run(self, fund: str) -> None:
///         await workflow.execute_activity("price_positions", fund, **PRICING)
/// ```
///
/// ## Fix
/// Unsafe: the activity gets a timeout of five minutes for each attempt, which may be too long or too
/// short. Nothing is scheduled without one, so no open execution depends on it.
///
/// ## Limits
/// A timeout that is `None`, zero or a number at run time is not seen unless it is written so. Nothing is
/// said about calls with `**options` that are not a dictionary written out. `self.run_step(…)` has a timeout of five minutes of its own.
///
/// ## References
/// - <https://docs.temporal.io/develop/python/failure-detection#activity-timeouts>
#[derive(RuleMetadata)]
#[rule(
    code = "RB401",
    severity = "error",
    category = "calls",
    since = "0.1.0",
    fix = "unsafe",
    summary = "an activity is scheduled without a timeout, which Temporal refuses"
)]
pub(crate) struct MissingActivityTimeout;

impl Rule for MissingActivityTimeout {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let model = &cx.model;
        for site in model.all_calls() {
            if site.external() == Some("temporalio.common.RetryPolicy") {
                in_retry_policy(cx, site, report);
            }
            if let Some(finding) = policy_as_dictionary(model, site) {
                finding.report(report);
            }
            if let Some(finding) = timedelta_for_seconds(cx, site) {
                finding.report(report);
            }
            let api = site.workflow_api().unwrap_or_default();
            for (name, value) in plain_numbers(model, site, timeouts_of(api)) {
                let it = Plain::of(model, site, value);
                let consequence = match api {
                    "continue_as_new" => "so the task of the workflow fails with a `TypeError`",
                    _ => "so the call raises a `TypeError` when it is made",
                };
                let message = format!("`{name}` needs a `timedelta`, {}, {consequence}", it.what);
                it.finding(cx, site, message).report(report);
            }
            if !needs_timeout(api) {
                continue;
            }
            for finding in timeouts_of(api)
                .iter()
                .filter_map(|it| of_days(model, site, it))
            {
                finding.report(report);
            }
            if !has_timeout(model, site) {
                let mut finding = finding(model, site);
                if let Some(edits) = five_minutes(cx, site) {
                    let title =
                        "allow each attempt five minutes, which may be too long or too short";
                    finding = finding.replace_all(title, Applicability::Unsafe, edits);
                }
                finding.report(report);
            }
        }
    }
}

/// A limit of one attempt that is a number of days, of which nobody says that they are days: `timedelta(30)`. All
/// attempts together may take as long.
fn of_days(model: &Model<'_>, site: &CallSite<'_>, name: &str) -> Option<Finding> {
    const FEW: f64 = 2.0;
    let value = keyword_value(site.call, name).filter(|_| name != "schedule_to_close_timeout")?;
    let at = Written::at(site, value).followed(model);
    let call = at.value.as_call_expr().filter(|_| at.is_timedelta(model))?;
    let [days @ Expr::NumberLiteral(_)] = &*call.arguments.args else {
        return None;
    };
    let days = number(days).filter(|it| *it >= FEW && call.arguments.keywords.is_empty())?;
    let message =
        format!("`{name}` is {days} days, since the first argument of `timedelta` is days");
    let metadata = &MissingActivityTimeout::METADATA;
    let finding = Finding::new(metadata, site.file, span_of(value), message);
    Some(finding.severity(Severity::Info).help(format!(
        "write `timedelta(seconds={days})`, or `timedelta(days={days})` if that is meant"
    )))
}

/// A dictionary in the place of a retry policy. The SDK takes an empty one for none.
fn policy_as_dictionary<'p>(model: &Model<'p>, site: &CallSite<'p>) -> Option<Finding> {
    let starts = |it: &str| needs_timeout(it) || it.ends_with("_child_workflow");
    let name = "retry_policy";
    let value =
        keyword_value(site.call, name).filter(|_| site.workflow_api().is_some_and(starts))?;
    let at = Written::at(site, value).followed(model);
    let names = model.names_in(at.file);
    let written = match at.value {
        Expr::Name(it) => names.local_value(at.file, at.function, it.id.as_str())?.1,
        other => other,
    };
    let is_filled = match written {
        Expr::Dict(it) => it.items.iter().any(|it| it.key.is_some()),
        Expr::Call(it) => {
            let callee = names.resolve(at.file, at.function, &it.func)?;
            let has_keys = it.arguments.keywords.iter().any(|it| it.arg.is_some());
            has_keys && callee.external() == Some("dict")
        }
        _ => false,
    };
    let message = format!(
        "`{name}` needs a `RetryPolicy`, not a dictionary, so the call raises an `AttributeError` when it is made"
    );
    let metadata = &MissingActivityTimeout::METADATA;
    is_filled.then(|| {
        Finding::new(metadata, site.file, span_of(value), message)
            .help("write `RetryPolicy(…)` with the same arguments, from `temporalio.common`")
    })
}

/// The arguments of a retry policy that the SDK cannot use.
fn in_retry_policy(cx: &Context<'_>, site: &CallSite<'_>, report: &mut Vec<Diagnostic>) {
    let model = &cx.model;
    const INTERVALS: &[&str] = &["initial_interval", "maximum_interval"];
    const OTHERS: &[&str] = &[
        "backoff_coefficient",
        "maximum_attempts",
        "non_retryable_error_types",
    ];
    let metadata = &MissingActivityTimeout::METADATA;
    for (name, value) in plain_numbers(model, site, INTERVALS) {
        let it = Plain::of(model, site, value);
        let message = format!(
            "`{name}` of a retry policy needs a `timedelta`, {}, so whatever is started with the policy fails when it is \
             scheduled",
            it.what
        );
        it.finding(cx, site, message).report(report);
    }
    for keyword in &site.call.arguments.keywords {
        let Some(name) = keyword.arg.as_ref().map(|it| it.as_str()) else {
            continue;
        };
        if !INTERVALS.contains(&name) && !OTHERS.contains(&name) {
            let message = format!(
                "`RetryPolicy` has no `{name}`, so making the policy fails with a `TypeError`"
            );
            Finding::new(metadata, site.file, span_of(keyword), message)
                .help("its arguments are `initial_interval`, `backoff_coefficient`, `maximum_interval`, `maximum_attempts` and `non_retryable_error_types`")
                .report(report);
        }
    }
}

/// A duration in the place of the seconds that a function of Python takes, in code that a workflow runs.
fn timedelta_for_seconds(cx: &Context<'_>, site: &CallSite<'_>) -> Option<Finding> {
    let model = &cx.model;
    let name = site.external()?;
    let (position, keyword) = match name {
        "asyncio.sleep" | "asyncio.timeout" => (0, "delay"),
        "asyncio.wait_for" => (1, "timeout"),
        _ => return None,
    };
    let value = site.call.arguments.find_argument_value(keyword, position)?;
    let is_run = !Program::new(cx.facts)
        .callees(site.file, site.call)
        .is_empty();
    if !is_run || !Written::at(site, value).is_timedelta(model) {
        return None;
    }
    let callee = shown(model, site.file, &site.call.func);
    let value_shown = shown(model, site.file, value);
    let message = format!(
        "{callee} takes seconds, and {value_shown} is a `timedelta`, so the call raises a `TypeError`"
    );
    let metadata = &MissingActivityTimeout::METADATA;
    let finding = Finding::new(metadata, site.file, span_of(value), message);
    Some(finding.help(match name {
        "asyncio.sleep" => "call `workflow.sleep(…)`, which takes a `timedelta`",
        _ => "give it the seconds, `timedelta(…).total_seconds()`",
    }))
}

/// The timeouts that a function of the `workflow` module takes.
fn timeouts_of(function: &str) -> &'static [&'static str] {
    match function {
        "execute_child_workflow" | "start_child_workflow" => {
            &["execution_timeout", "run_timeout", "task_timeout"]
        }
        "continue_as_new" => &["run_timeout", "task_timeout"],
        _ if needs_timeout(function) => &[
            "heartbeat_timeout",
            "schedule_to_close_timeout",
            "schedule_to_start_timeout",
            "start_to_close_timeout",
        ],
        _ => &[],
    }
}

/// The durations of these names that are given as a number, or as text. Zero is none at all.
fn plain_numbers<'p>(
    model: &Model<'p>,
    site: &CallSite<'p>,
    names: &'static [&'static str],
) -> Vec<(&'static str, &'p Expr)> {
    let is_number = |value: &'p Expr| {
        let written = Written::at(site, value);
        match Shape::of_value(model, written) {
            Some(Shape::Integer | Shape::Float) => {
                number(written.followed(model).value) != Some(0.0)
            }
            shape => shape == Some(Shape::Text) || number(value).is_some_and(|it| it != 0.0),
        }
    };
    let given = names.iter();
    let given = given.filter_map(|&name| Some((name, keyword_value(site.call, name)?)));
    given.filter(|(_, value)| is_number(value)).collect()
}

/// A duration that is none.
struct Plain<'p> {
    value: &'p Expr,
    /// What it is, as part of a sentence.
    what: String,
    /// Where it is written, if a name stands for it.
    elsewhere: Option<Written<'p>>,
}

impl<'p> Plain<'p> {
    fn of(model: &Model<'p>, site: &CallSite<'p>, value: &'p Expr) -> Self {
        let at = Written::at(site, value).followed(model);
        let is = shown(model, at.file, at.value);
        let is_named = !std::ptr::eq(at.value, value);
        let what = match is_named {
            true => format!("and {} is {is}", shown(model, site.file, value)),
            false => format!("not {is}"),
        };
        Self {
            value,
            what,
            elsewhere: is_named.then_some(at),
        }
    }

    fn finding(&self, cx: &Context<'_>, site: &CallSite<'_>, message: String) -> Finding {
        let metadata = &MissingActivityTimeout::METADATA;
        let finding = Finding::new(metadata, site.file, span_of(self.value), message);
        let Some(at) = self.elsewhere else {
            return finding.help("write `timedelta(seconds=…)`");
        };
        let line = line_of(cx, site.file, at.file, span_of(at.value));
        let name = shown(&cx.model, site.file, self.value);
        finding
            .help(format!(
                "write `timedelta(seconds=…)` where it is set, {line}"
            ))
            .about(at.file, name)
    }
}

/// Whether the function of the `workflow` module schedules an activity.
fn needs_timeout(function: &str) -> bool {
    let rest = function
        .strip_prefix("execute_")
        .or_else(|| function.strip_prefix("start_"));
    let rest = rest.map(|rest| rest.strip_prefix("local_").unwrap_or(rest));
    matches!(
        rest,
        Some("activity" | "activity_class" | "activity_method")
    )
}

fn has_timeout(model: &Model<'_>, site: &CallSite<'_>) -> bool {
    let is_set = |name| {
        let Some(value) = keyword_value(site.call, name) else {
            return false;
        };
        // Zero and `None` are as good as nothing to Temporal.
        let is_nothing = value.is_none_literal_expr()
            || number(value) == Some(0.0)
            || Written::at(site, value).seconds(model) == Some(0.0);
        !is_nothing
    };
    may_be_hidden(model, site)
        || is_set("start_to_close_timeout")
        || is_set("schedule_to_close_timeout")
}

/// Whether `**options` may hold a timeout: they are not written out, or do.
fn may_be_hidden(model: &Model<'_>, site: &CallSite<'_>) -> bool {
    let mut hidden = site
        .call
        .arguments
        .keywords
        .iter()
        .filter(|it| it.arg.is_none());
    hidden.any(|it| {
        let options = Written::at(site, &it.value).dict(model);
        let lacks = |options: Dict<'_>, key| matches!(options.entry(key), Entry::Missing);
        !options.is_some_and(|it| {
            lacks(it, "start_to_close_timeout") && lacks(it, "schedule_to_close_timeout")
        })
    })
}

fn finding(model: &Model<'_>, site: &CallSite<'_>) -> Finding {
    let callee = shown(model, site.file, &site.call.func);
    let of = match site.call.arguments.args.first() {
        Some(target) => format!(" of {}", shown(model, site.file, target)),
        None => String::new(),
    };
    let message = format!(
        "{callee}{of} sets neither `start_to_close_timeout` nor `schedule_to_close_timeout`, so Temporal \
         refuses to schedule it"
    );
    let mut finding = Finding::new(
        &MissingActivityTimeout::METADATA,
        site.file,
        span_of(&*site.call.func),
        message,
    )
    .help("set `start_to_close_timeout` to the longest that one attempt may take");
    if let Some(runbook) = site.runbook {
        finding = finding.in_runbook(&model.runbooks[runbook]);
    }
    if site
        .external()
        .is_some_and(|name| name.starts_with("ntro."))
    {
        finding = finding.note("LocalRuntime ignores timeouts, so local runs and tests pass.");
    }
    finding
}

/// The edits that add a timeout to a call in the code of a bundle.
fn five_minutes(cx: &Context<'_>, site: &CallSite<'_>) -> Option<Vec<(Span, String)>> {
    let arguments = &site.call.arguments;
    let last = arguments.args.last().map(span_of);
    let last = last.max(arguments.keywords.last().map(span_of))?;
    let is_set = keyword_value(site.call, "start_to_close_timeout").is_some();
    if is_set || cx.model.files.binary_search(&site.file).is_err() {
        return None;
    }
    let timedelta = fixes::name(cx, site.file, site.function, "datetime", "timedelta")?;
    let argument = format!(", start_to_close_timeout={}(minutes=5)", timedelta.name);
    let mut edits = vec![(Span::new(last.end, last.end), argument)];
    edits.extend(timedelta.edit.map(|it| (it.place.span, it.replacement)));
    Some(edits)
}
