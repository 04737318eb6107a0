use lint_core::diagnostic::Diagnostic;
use lint_core::names::Resolved;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::{self, Expr};
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::model::{CallSite, Model};
use crate::rule::{Context, Rule};
use crate::sites::{ActivityCall, Written, hides_keywords, hides_positions, keyword_value, shown};

/// ## What it does
/// Finds activities that do not get as many arguments as they take: more than one after the function, none
/// where one is needed, one where several are needed, or one where none is taken.
///
/// ## Why is this bad?
/// `runbook.execute_activity(fn, arg)` hands over one argument. A second one is a `TypeError` in the
/// workflow code, and `None` counts as no argument. Where the number is allowed but wrong, the
/// activity fails on the worker with a `TypeError`, and Temporal retries it without end.
///
/// ## Example
/// ```python
/// from datetime import timedelta
///
/// from ntro.workflow import NtroWorkflow, runbook
///
/// from .activities import accrue_fee, load_rates
///
///
/// @runbook.defn
/// class AccrueFeesWorkflow(NtroWorkflow):
///     @runbook.step(name="accrue", title="Accrue fees", icon="Percent")
///     async def _step_accrue(self, fund: str) -> float:
///         rates = await runbook.execute_activity(
///             load_rates,
///             fund,  # RB402
///             start_to_close_timeout=timedelta(minutes=1),
///         )
///         return await runbook.execute_activity(
///             accrue_fee,
///             fund,
///             rates,  # RB402
///             start_to_close_timeout=timedelta(minutes=1),
///         )
///
///     @runbook.run
///     async def run(self, fund: str) -> float:
///         return await self._step_accrue(fund)
/// ```
/// ```python path=activities.py
/// from ntro.workflow import activity
///
///
/// @activity.defn(name="accrue_fees.load_rates")
/// async def load_rates() -> list[float]:
///     return [0.01, 0.015]
///
///
/// @activity.defn(name="accrue_fees.accrue_fee")
/// async def accrue_fee(fund: str, rates: list[float]) -> float:
///     return sum(rates)
/// ```
/// In a plain Temporal workflow:
/// ```python
/// from datetime import timedelta
///
/// from temporalio import activity, workflow
///
///
/// @activity.defn
/// async def book_fee(fund: str, rate: float) -> float:
///     return rate
///
///
/// @workflow.defn
/// class BookFee:
///     @workflow.run
///     async def run(self, fund: str) -> float:
///         await workflow.execute_activity(
///             book_fee, args=[fund], start_to_close_timeout=timedelta(minutes=1)  # RB402
///         )
///         return await workflow.execute_activity(
///             book_fee, fund, 0.01, start_to_close_timeout=timedelta(minutes=1)  # RB402
///         )
/// ```
///
/// ## Use instead
/// Give an activity one model that holds everything it needs:
/// ```python
/// from datetime import timedelta
///
/// from ntro.workflow import NtroWorkflow, runbook
///
/// from .activities import accrue_fee, load_rates
/// from .models import AccrueInput
///
///
/// @runbook.defn
/// class AccrueFeesWorkflow(NtroWorkflow):
///     @runbook.step(name="accrue", title="Accrue fees", icon="Percent")
///     async def _step_accrue(self, fund: str) -> float:
///         rates = await runbook.execute_activity(
///             load_rates, start_to_close_timeout=timedelta(minutes=1)
///         )
///         return await runbook.execute_activity(
///             accrue_fee,
///             AccrueInput(fund=fund, rates=rates),
///             start_to_close_timeout=timedelta(minutes=1),
///         )
///
///     @runbook.run
///     async def run(self, fund: str) -> float:
///         return await self._step_accrue(fund)
/// ```
/// ```python path=activities.py
/// from ntro.workflow import activity
///
/// from .models import AccrueInput
///
///
/// @activity.defn(name="accrue_fees.load_rates")
/// async def load_rates() -> list[float]:
///     return [0.01, 0.015]
///
///
/// @activity.defn(name="accrue_fees.accrue_fee")
/// async def accrue_fee(inp: AccrueInput) -> float:
///     return sum(inp.rates)
/// ```
/// ```python path=models.py
/// from pydantic import BaseModel
///
///
/// class AccrueInput(BaseModel):
///     fund: str
///     rates: list[float]
/// ```
///
/// In a plain Temporal workflow, several arguments go into `args`:
/// ```python
/// from datetime import timedelta
///
/// from temporalio import activity, workflow
///
///
/// @activity.defn
/// async def book_fee(fund: str, rate: float) -> float:
///     return rate
///
///
/// @workflow.defn
/// class BookFee:
///     @workflow.run
///     async def run(self, fund: str) -> float:
///         return await workflow.execute_activity(
///             book_fee, args=[fund, 0.01], start_to_close_timeout=timedelta(minutes=1)
///         )
/// ```
///
/// ## Limits
/// Arguments hidden in `*args` are not counted. A variable that is `None` at run time is not seen.
#[derive(RuleMetadata)]
#[rule(
    code = "RB402",
    severity = "error",
    category = "calls",
    since = "0.1.0",
    summary = "an activity gets more or fewer arguments than it takes"
)]
pub(crate) struct ActivityArity;

impl Rule for ActivityArity {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let model = &cx.model;
        for call in ActivityCall::all(model) {
            // `run_step` passes on whatever a function that is no activity takes.
            let schedules = !call.is_run_step || call.activity(model).is_some();
            if schedules && !hides_positions(call.site.call) {
                check(model, &call, report);
            }
        }
        for site in model.temporal_calls() {
            check_temporal(model, site, report);
        }
    }
}

/// A call in plain Temporal code, which takes one argument by position, or any number as `args`.
fn check_temporal(model: &Model<'_>, site: &CallSite<'_>, report: &mut Vec<Diagnostic>) {
    let is_child = site.workflow_api().is_some_and(|function| {
        matches!(function, "execute_child_workflow" | "start_child_workflow")
    });
    let schedules = is_child
        || site.workflow_api().is_some_and(|function| {
            let rest = function
                .strip_prefix("execute_")
                .or_else(|| function.strip_prefix("start_"));
            let rest = rest.map(|rest| rest.strip_prefix("local_").unwrap_or(rest));
            matches!(rest, Some("activity" | "activity_method"))
        });
    let arguments = &site.call.arguments;
    let Some((target, payloads)) = arguments.args.split_first().filter(|_| schedules) else {
        return;
    };
    if hides_positions(site.call) || hides_keywords(site.call) {
        return;
    }
    let name = shown(model, site.file, target);
    let callee = shown(model, site.file, &site.call.func);
    let args = keyword_value(site.call, "args");
    let at = |expr: &Expr, message: String| {
        Finding::new(&ActivityArity::METADATA, site.file, span_of(expr), message)
    };
    if let [_, second, ..] = payloads {
        let message = format!(
            "{callee} takes one argument for {name} by position, not {}",
            payloads.len()
        );
        at(second, message)
            .help("pass them as `args=[…]`, or put them into one data class")
            .report(report);
        return;
    }
    let arg = payloads.first().or(keyword_value(site.call, "arg"));
    if let (Some(arg), Some(_)) = (arg, args) {
        let message = format!("{callee} takes either one argument or `args` for {name}, not both");
        at(arg, message)
            .help("pass all of them in `args`")
            .report(report);
        return;
    }
    if is_child {
        return;
    }
    let given = match args {
        Some(args) => {
            let elements = match args {
                Expr::List(it) => &it.elts,
                Expr::Tuple(it) => &it.elts,
                _ => return,
            };
            if elements.iter().any(Expr::is_starred_expr) {
                return;
            }
            elements.len()
        }
        None => usize::from(arg.is_some()),
    };
    let Some(takes) = temporal_arity(model, site, target).filter(|it| !it.accepts(given)) else {
        return;
    };
    let message = format!(
        "the activity {name} takes {takes} but is given {}",
        count(given)
    );
    at(args.or(arg).unwrap_or(target), message)
        .help("pass what the activity takes")
        .note("The call fails on the worker, and Temporal repeats it without end.")
        .report(report);
}

/// How many arguments the activity takes, if it is a function of the project with no decorator but
/// that of an activity.
fn temporal_arity(model: &Model<'_>, site: &CallSite<'_>, target: &Expr) -> Option<Arity> {
    let resolved = model
        .temporal_names()
        .resolve(site.file, site.function, target)?;
    let def = model.def(&resolved)?;
    let Resolved::Function { file, ix } = resolved else {
        return None;
    };
    let is_method = model.index(file)?.function(ix).class.is_some();
    let mut takes = Arity::of(&def.parameters);
    if is_method {
        takes.least = takes.least.checked_sub(1)?;
        takes.most = takes.most.map(|most| most.saturating_sub(1));
    }
    (def.decorator_list.len() == 1).then_some(takes)
}

fn check(model: &Model<'_>, call: &ActivityCall<'_, '_>, report: &mut Vec<Diagnostic>) {
    let site = call.site;
    let name = shown(model, site.file, call.target);
    let at = |expr: &Expr, message: String| {
        let rule = &ActivityArity::METADATA;
        let finding = Finding::new(rule, site.file, span_of(expr), message);
        match site.runbook {
            Some(runbook) => finding.in_runbook(&model.runbooks[runbook]),
            None => finding,
        }
    };
    let one_model = "put everything that the activity needs into one model";
    if let [_, second, ..] = call.payloads {
        let given = call.payloads.len();
        let callee = shown(model, site.file, &site.call.func);
        let message = format!("{callee} hands one argument to the activity {name}, not {given}");
        at(second, message).help(one_model).report(report);
        return;
    }
    let Some(activity) = call.activity(model) else {
        return;
    };
    let is_method = model
        .index(activity.file)
        .is_none_or(|index| index.function(activity.ix).class.is_some());
    if is_method {
        return;
    }
    let takes = Arity::of(&activity.node.parameters);
    let (given, place) = match (keyword_value(site.call, "args"), call.payloads) {
        (Some(args), _) => match Written::at(site, args).elements(model) {
            Some((_, elements)) => (elements.len(), args),
            None => return,
        },
        (None, _) if hides_keywords(site.call) || keyword_value(site.call, "arg").is_some() => {
            return;
        }
        (None, [payload]) if payload.is_none_literal_expr() && call.uses_facade() => (0, payload),
        (None, [payload]) => (1, payload),
        (None, _) => (0, call.target),
    };
    if takes.accepts(given) {
        return;
    }
    let none = if matches!(call.payloads, [it] if it.is_none_literal_expr()) {
        ", and `None` counts as none"
    } else {
        ""
    };
    let message = format!(
        "the activity {name} takes {takes} but is given {}{none}",
        count(given)
    );
    let help = if takes.least > 1 {
        one_model
    } else if given > takes.most.unwrap_or(given) {
        "remove what it does not take, or add a parameter to the activity"
    } else {
        "pass the argument after the function"
    };
    at(place, message)
        .help(help)
        .note("The call fails on the worker, and Temporal retries it forever.")
        .report(report);
}

/// How many arguments a function takes by position.
struct Arity {
    least: usize,
    /// `None` where there is no limit.
    most: Option<usize>,
}

impl Arity {
    fn of(parameters: &ast::Parameters) -> Self {
        let positional = || parameters.posonlyargs.iter().chain(&parameters.args);
        Self {
            least: positional().filter(|it| it.default.is_none()).count(),
            most: parameters.vararg.is_none().then(|| positional().count()),
        }
    }

    fn accepts(&self, given: usize) -> bool {
        given >= self.least && self.most.is_none_or(|most| given <= most)
    }
}

impl std::fmt::Display for Arity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.most {
            Some(most) if most == self.least => f.write_str(&count(most)),
            Some(most) => write!(f, "{} to {}", self.least, count(most)),
            None => write!(f, "at least {}", count(self.least)),
        }
    }
}

fn count(number: usize) -> String {
    match number {
        0 => "no argument".to_owned(),
        1 => "one argument".to_owned(),
        _ => format!("{number} arguments"),
    }
}
