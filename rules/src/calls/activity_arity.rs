use std::collections::{BTreeMap, BTreeSet};

use lint_core::diagnostic::{Diagnostic, FileId, Severity};
use lint_core::facts::FunctionRef;
use lint_core::index::{FunctionIx, FunctionNode};
use lint_core::knowledge::Role;
use lint_core::names::Resolved;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::{self, Expr, Stmt};
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use super::fields::{Annotated, Fields, annotated};
use super::payloads::Shape;
use crate::finding::Finding;
use crate::hazard::code;
use crate::model::{CallSite, Model};
use crate::program::{Node, Program, Running, nodes_of, own_nodes};
use crate::rule::{Context, Rule};
use crate::sdk;
use crate::sites::{
    ActivityCall, Entry, Written, hides_keywords, hides_positions, keyword_value, shown,
};

/// ## What it does
/// Finds activities that do not get as many arguments as they take: more than one after the function, none
/// where one is needed, one where several are needed, or one where none is taken. In plain Temporal code also
/// child workflows, signals and `continue_as_new`, and arguments of another type than the annotation says.
///
/// ## Why is this bad?
/// `runbook.execute_activity(fn, arg)` hands over one argument. A second one is a `TypeError` in the
/// workflow code, and `None` counts as no argument. Where the number is allowed but wrong, or an argument is
/// nothing that becomes what the annotation says, the activity fails on the worker with a `TypeError`, and
/// Temporal tries it again, by default without end.
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
///         await workflow.execute_activity(
///             book_fee, args=[fund, "1 %"], start_to_close_timeout=timedelta(minutes=1)  # RB402
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
/// Arguments hidden in `*args` are not counted. A variable that is `None` at run time is not seen. Types are
/// compared where the text leaves no doubt, and no converter of the project makes values of payloads: a literal, a
/// parameter with a plain annotation, an instance that is made there, the annotated result of an activity or
/// coroutine, against `str`, `int`, `float`, `bool`, `list`, `dict`, a data class or a model. What the
/// converters of the SDK turn into each other is let through: an `int` for a `float`, a dictionary for a data
/// class, if it is not written out without a field that has no default. Activities that are named by a string
/// are found in the code that the workflow imports, or else anywhere outside of tests if only one has the name.
/// Decorators of the project are followed if they only hand on what they are given. The SDK goes by annotations
/// only where as many arguments are given as there are parameters: where one with a default is left out, a data
/// class arrives as a dictionary, which is a warning unless the function asks for its type, and other types are
/// not compared.
#[derive(RuleMetadata)]
#[rule(
    code = "RB402",
    severity = "error",
    category = "calls",
    since = "0.1.0",
    summary = "an activity gets other arguments than it takes"
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
        let program = Program::new(cx.facts);
        for site in model.temporal_calls() {
            check_temporal(cx, program, site, report);
        }
        passed_on(model, program, report);
    }
}

/// A call in plain Temporal code, which takes one argument by position, or any number as `args`.
fn check_temporal(
    cx: &Context<'_>,
    program: Program<'_, '_>,
    site: &CallSite<'_>,
    report: &mut Vec<Diagnostic>,
) {
    let model = &cx.model;
    let Some(sends) = Sends::of(program, site) else {
        return;
    };
    let call = site.call;
    let (target, payloads) = match sends {
        Sends::Anew => (None, &call.arguments.args[..]),
        _ => match call.arguments.args.split_first() {
            Some((target, payloads)) => (Some(target), payloads),
            None => return,
        },
    };
    let callee = shown(model, site.file, &call.func);
    let name = target.map(|it| shown(model, site.file, it));
    let of_target = name
        .as_ref()
        .map_or(String::new(), |it| format!(" for {it}"));
    let at = |expr: &Expr, message: String| {
        Finding::new(&ActivityArity::METADATA, site.file, span_of(expr), message)
    };
    let mut certain = payloads.iter().filter(|it| !it.is_starred_expr());
    if let Some(second) = certain.nth(1) {
        let given = match hides_positions(call) {
            true => "several".to_owned(),
            false => payloads.len().to_string(),
        };
        let message = format!("{callee} takes one argument{of_target} by position, not {given}");
        let taker = target.filter(|it| sends.counts(it));
        let taker = taker.and_then(|it| Taker::of(model, site, it));
        at(second, message)
            .help(sends.several(payloads.len(), taker.as_ref()))
            .report(report);
        return;
    }
    if hides_positions(call) || hides_keywords(call) {
        return;
    }
    let args = keyword_value(call, "args");
    let arg = payloads.first().or(keyword_value(call, "arg"));
    let elements = args.and_then(|it| Written::at(site, it).elements(model));
    // A function that passes both on may leave one of them out.
    if let (Some(arg), Some((_, [_, ..]))) = (arg, elements) {
        let message = format!("{callee} takes either one argument or `args`{of_target}, not both");
        at(arg, message)
            .help("pass all of them in `args`")
            .report(report);
        return;
    }
    let taker = match target.filter(|it| sends.counts(it)) {
        Some(target) => Taker::of(model, site, target).zip(name),
        None => next_run(model, program, site).filter(|_| target.is_none()),
    };
    let Some((taker, name)) = taker else {
        return;
    };
    let given = match (args, elements) {
        (Some(_), Some((_, elements))) => elements,
        (Some(_), None) => return,
        (None, _) => arg.map_or(&[][..], std::slice::from_ref),
    };
    let what = sends.what();
    let takes = taker.arity();
    if takes.accepts(given.len()) {
        let converters = cx.everywhere.converters;
        if converters.read || converters.type_ {
            return;
        }
        let given = Given {
            model,
            site,
            args,
            payloads: given,
            taker: &taker,
            name: format!("{what} {name}"),
        };
        return given.check(report);
    }
    let message = format!(
        "the {what} {name} takes {takes} but is given {}",
        count(given.len())
    );
    let several = args.is_none() && arg.is_some_and(|it| taker.takes_elements(it));
    let help = match several {
        true => "pass them as `args=[…]`".to_owned(),
        false => format!("pass what the {what} takes"),
    };
    at(args.or(arg).or(target).unwrap_or(&call.func), message)
        .help(help)
        .note("The call fails on the worker, each time that it is tried.")
        .report(report);
}

/// The run method of the workflow that starts anew, if there is one only, and how messages call it.
fn next_run<'p>(
    model: &Model<'p>,
    program: Program<'_, 'p>,
    site: &CallSite<'_>,
) -> Option<(Taker<'p>, String)> {
    if keyword_value(site.call, "workflow").is_some() {
        return None;
    }
    let here = FunctionRef {
        file: site.file,
        ix: site.function,
    };
    let runs_it = |it: &Running<'_>| it.reach.entries.iter().any(|it| it.runs.contains(&here));
    let workflows = Running::all(program.facts).filter(runs_it);
    let runs: BTreeSet<FunctionRef> = workflows
        .flat_map(|it| it.entries_of(|role| role == Role::Run))
        .map(|(_, reach)| reach.function)
        .collect();
    let run = *runs.first().filter(|_| runs.len() == 1)?;
    let name = code(&program.function(run)?.qualname);
    Some((Taker::of_function(model, run.file, run.ix)?, name))
}

/// Arguments that are as many as what takes them allows.
struct Given<'m, 'p> {
    model: &'m Model<'p>,
    site: &'m CallSite<'p>,
    /// What holds them, if they are given in a list.
    args: Option<&'m Expr>,
    payloads: &'m [Expr],
    taker: &'m Taker<'p>,
    /// What takes them, as messages call it.
    name: String,
}

impl Given<'_, '_> {
    fn check(&self, report: &mut Vec<Diagnostic>) {
        if !self.taker.is_annotated_for(self.payloads.len()) {
            if let Some(untyped) = self.untyped() {
                untyped.report(report);
            }
            return;
        }
        for (payload, parameter) in self.parameters() {
            let wrong = self.mistyped(payload, parameter);
            if let Some(wrong) = wrong.or_else(|| self.incomplete(payload, parameter)) {
                wrong.report(report);
            }
        }
    }

    fn parameters(&self) -> impl Iterator<Item = (&Expr, &ast::ParameterWithDefault)> {
        let parameters = self.taker.parameters.iter().copied();
        self.payloads.iter().zip(parameters)
    }

    /// What is given, where it is written.
    fn written<'e>(&'e self, payload: &'e Expr) -> Written<'e> {
        match self.args {
            Some(args) => Written::at(self.site, args)
                .followed(self.model)
                .with(payload),
            None => Written::at(self.site, payload),
        }
    }

    fn finding(&self, at: &Expr, message: String) -> Finding {
        Finding::new(
            &ActivityArity::METADATA,
            self.site.file,
            span_of(at),
            message,
        )
    }

    /// What is given for a parameter with an annotation that it does not fit.
    fn mistyped(&self, payload: &Expr, parameter: &ast::ParameterWithDefault) -> Option<Finding> {
        let taker = self.taker;
        let (is, wanted) = taker.mistyped(self.model, self.written(payload), parameter)?;
        let message = format!(
            "the {} takes {wanted} as `{}` but is given {is}",
            self.name,
            parameter.name()
        );
        let several = self.args.is_none() && taker.takes_elements(payload);
        let (help, note) = match (&is, &wanted) {
            _ if several => (
                "pass them as `args=[…]`",
                "What is given after the function is one argument.",
            ),
            (Shape::Text, Shape::List) => (
                "pass a list with the text in it, or annotate the parameter with `str`",
                "The default converter makes a list of the characters, if that is what the list may hold; all \
                 others fail.",
            ),
            _ => ("pass what the annotation says", NEVER_CONVERTED),
        };
        let finding = self.finding(self.args.unwrap_or(payload), message);
        Some(finding.help(help).note(note))
    }

    /// A dictionary that is written out and has not all that the class needs which is made of it.
    fn incomplete(&self, payload: &Expr, parameter: &ast::ParameterWithDefault) -> Option<Finding> {
        let written = self.written(payload);
        let (class, lacks) = self.taker.lacks(self.model, written, parameter)?;
        let lacks = match &lacks[..] {
            [one] => format!("`{one}`"),
            [some @ .., last] => format!("`{}` and `{last}`", some.join("`, `")),
            [] => String::new(),
        };
        let message = format!(
            "the {} takes a `{class}`, for which this dictionary lacks {lacks}",
            self.name
        );
        let help = format!("pass a `{class}`, which names what is missing where it is made");
        let finding = self.finding(payload, message);
        Some(finding.help(help).note(NEVER_CONVERTED))
    }

    /// A data class that is given where the SDK does not go by the annotations: it arrives as a dictionary.
    fn untyped(&self) -> Option<Finding> {
        let (payload, parameter, wanted) = self.parameters().find_map(|(payload, parameter)| {
            let wanted = self.taker.wanted(self.model, parameter)?;
            let is_meant = matches!(wanted, Shape::Object(_)) && !payload.is_none_literal_expr();
            let is_ready = self.taker.asks_what_is(parameter.name());
            (is_meant && !is_ready).then(|| (payload, parameter.name(), wanted))
        })?;
        let message = format!(
            "the {} gets `{parameter}` as a dictionary and not as {wanted}, as it is called here",
            self.name
        );
        let finding = self.finding(self.args.unwrap_or(payload), message);
        Some(
            finding
                .severity(Severity::Warning)
                .help("pass an argument for each parameter in `args=[…]`, or put them into one data class")
                .note(
                    "The SDK goes by the annotations only if there are as many arguments as parameters, and none of \
                     these has to be named.",
                ),
        )
    }
}

/// What is the matter with an argument from which a converter never makes what the annotation says.
const NEVER_CONVERTED: &str =
    "No converter of the SDK makes one of the other, so the call fails each time.";

/// Calls of functions that pass their `*args` on to a call of the SDK, which takes one argument.
fn passed_on(model: &Model<'_>, program: Program<'_, '_>, report: &mut Vec<Diagnostic>) {
    let sites = model.temporal_calls().iter();
    let passing: BTreeMap<(FileId, FunctionIx), Passing<'_>> = sites
        .filter_map(|site| {
            Some((
                (site.file, site.function),
                Passing::of(model, program, site)?,
            ))
        })
        .collect();
    for site in model.temporal_calls() {
        let Some(&Resolved::Function { file, ix }) = site.callee.as_ref() else {
            continue;
        };
        let Some(passing) = passing.get(&(file, ix)) else {
            continue;
        };
        if hides_positions(site.call) {
            continue;
        }
        let own = passing.before - usize::from(passing.is_method && is_bound(model, site));
        let arguments = &site.call.arguments.args;
        if let [_, second, ..] = arguments.get(own..).unwrap_or_default() {
            let callee = shown(model, file, &passing.site.call.func);
            let given = arguments.len() - own;
            let message = format!(
                "{} passes {given} arguments on to {callee}, which takes one by position",
                shown(model, site.file, &site.call.func)
            );
            Finding::new(
                &ActivityArity::METADATA,
                site.file,
                span_of(second),
                message,
            )
            .help(SEVERAL)
            .report(report);
        }
    }
}

const SEVERAL: &str = "pass them as `args=[…]`, or put them into one data class";

/// Whether a method is called on an object, which it is given first, and not on its class.
fn is_bound(model: &Model<'_>, site: &CallSite<'_>) -> bool {
    let Expr::Attribute(method) = &*site.call.func else {
        return false;
    };
    let names = model.names_in(site.file);
    let receiver = names.resolve(site.file, site.function, &method.value);
    !matches!(receiver, Some(Resolved::Class { .. }))
}

/// A call of the SDK that gets all that its function is given beyond its parameters.
struct Passing<'s> {
    site: &'s CallSite<'s>,
    /// The number of parameters before `*args`, at least one in a method.
    before: usize,
    /// Whether the first parameter is the object.
    is_method: bool,
}

impl<'s> Passing<'s> {
    fn of(model: &Model<'_>, program: Program<'_, '_>, site: &'s CallSite<'s>) -> Option<Self> {
        let sends = Sends::of(program, site)?;
        let payloads = match sends {
            Sends::Anew => &site.call.arguments.args[..],
            _ => site.call.arguments.args.get(1..)?,
        };
        let [Expr::Starred(starred)] = payloads else {
            return None;
        };
        let function = model.index(site.file)?.function(site.function);
        let FunctionNode::Def(def) = function.node else {
            return None;
        };
        let all = def.parameters.vararg.as_ref()?;
        let is_all = |it: &Expr| matches!(it, Expr::Name(it) if it.id == all.name.id);
        // A function that looks at them elsewhere may know how many there are.
        let uses = own_nodes(Some(function)).filter(|node| match node {
            Node::Expr(it) => is_all(it),
            Node::Stmt(_) => false,
        });
        let before = positional(&def.parameters).count();
        let is_method = function.class.is_some() && def.decorator_list.is_empty();
        let is_plain = function.class.is_none() || is_method && before > 0;
        (is_plain && is_all(&starred.value) && uses.count() == 1).then_some(Self {
            site,
            before,
            is_method,
        })
    }
}

/// What a call of the SDK sends its arguments to.
#[derive(Clone, Copy)]
enum Sends {
    Activity,
    Child,
    Signal,
    /// The next run, without a target.
    Anew,
}

impl Sends {
    fn of(program: Program<'_, '_>, site: &CallSite<'_>) -> Option<Self> {
        if program.calls(site.file, site.call, sdk::SIGNALS) {
            return Some(Self::Signal);
        }
        Some(match site.workflow_api()? {
            "continue_as_new" => Self::Anew,
            "execute_child_workflow" | "start_child_workflow" => Self::Child,
            function => {
                let rest = function
                    .strip_prefix("execute_")
                    .or_else(|| function.strip_prefix("start_"))?;
                let rest = rest.strip_prefix("local_").unwrap_or(rest);
                matches!(rest, "activity" | "activity_method").then_some(Self::Activity)?
            }
        })
    }

    fn what(self) -> &'static str {
        match self {
            Self::Activity => "activity",
            Self::Child => "workflow",
            Self::Signal => "handler",
            Self::Anew => "workflow",
        }
    }

    /// Whether the function that a target names is what takes the arguments.
    fn counts(self, target: &Expr) -> bool {
        match self {
            Self::Activity => true,
            // A workflow by its name is no activity.
            Self::Child => !target.is_string_literal_expr(),
            Self::Signal | Self::Anew => false,
        }
    }

    /// What to do with several arguments.
    fn several(self, given: usize, taker: Option<&Taker<'_>>) -> String {
        let takes = taker.map(Taker::arity);
        match takes {
            Some(takes) if !takes.accepts(given) => {
                format!("the {} takes {takes}, so pass that", self.what())
            }
            _ => SEVERAL.to_owned(),
        }
    }
}

/// A function of the project with no decorator but the one that makes it an activity, a run method
/// or a handler.
struct Taker<'p> {
    file: FileId,
    /// The function around it.
    parent: FunctionIx,
    parameters: Vec<&'p ast::ParameterWithDefault>,
    body: &'p [Stmt],
    /// Whether it has `*args`.
    takes_more: bool,
    /// Whether it has parameters that no argument reaches by its position.
    has_named: bool,
}

impl<'p> Taker<'p> {
    fn of(model: &Model<'p>, site: &CallSite<'_>, target: &Expr) -> Option<Self> {
        match model.scheduled(site, target)? {
            Resolved::Function { file, ix } => Self::of_function(model, file, ix),
            _ => None,
        }
    }

    fn of_function(model: &Model<'p>, file: FileId, ix: FunctionIx) -> Option<Self> {
        let def = model.def(&Resolved::Function { file, ix })?;
        let index = model.index(file)?;
        let function = index.function(ix);
        let of_class = function.class.map(|it| index.class(it).node);
        let of_class = of_class.map_or(&[][..], |it| &it.decorator_list[..]);
        // Whatever comes is given to it as one list.
        let is_dynamic = def.decorator_list.iter().chain(of_class).any(
            |it| matches!(&it.expression, Expr::Call(call) if keyword_value(call, "dynamic").is_some()),
        );
        let mut parameters = positional(&def.parameters);
        if function.class.is_some() {
            parameters.next()?;
        }
        (model.keeps_parameters(file, function) && !is_dynamic).then(|| Self {
            file,
            parent: function.parent,
            parameters: parameters.collect(),
            body: &def.body,
            takes_more: def.parameters.vararg.is_some(),
            has_named: !def.parameters.kwonlyargs.is_empty() || def.parameters.kwarg.is_some(),
        })
    }

    /// Whether it asks itself of which type a parameter is.
    fn asks_what_is(&self, parameter: &str) -> bool {
        nodes_of(self.body).iter().any(|node| match node {
            Node::Expr(Expr::Call(call)) => {
                let is_it = |it: &Expr| matches!(it, Expr::Name(it) if it.id.as_str() == parameter);
                let asks = matches!(&*call.func, Expr::Name(it) if it.id.as_str() == "isinstance");
                asks && call.arguments.args.first().is_some_and(is_it)
            }
            _ => false,
        })
    }

    /// Whether the SDK goes by the annotations if it is given so many arguments.
    fn is_annotated_for(&self, given: usize) -> bool {
        !self.takes_more && !self.has_named && given == self.parameters.len()
    }

    fn arity(&self) -> Arity {
        let required = self.parameters.iter().filter(|it| it.default.is_none());
        Arity {
            least: required.count(),
            most: (!self.takes_more).then_some(self.parameters.len()),
        }
    }

    /// Whether a list or tuple is written that has an element for each of several parameters.
    fn takes_elements(&self, payload: &Expr) -> bool {
        let elements = match payload {
            Expr::List(it) => &it.elts,
            Expr::Tuple(it) => &it.elts,
            _ => return false,
        };
        elements.len() > 1 && self.arity().accepts(elements.len())
    }

    /// What the annotation of a parameter says.
    fn wanted(&self, model: &Model<'_>, parameter: &ast::ParameterWithDefault) -> Option<Shape> {
        Shape::of_annotation(model, self.file, self.parent, parameter.annotation()?)
    }

    /// The class of the parameter, and the fields without a default that a dictionary does not have.
    fn lacks<'m>(
        &self,
        model: &Model<'m>,
        payload: Written<'_>,
        parameter: &ast::ParameterWithDefault,
    ) -> Option<(String, Vec<&'m str>)> {
        let Expr::Dict(_) = payload.value else {
            return None;
        };
        let given = payload.dict(model)?;
        let annotation = parameter.annotation()?;
        let Annotated::One(file, ix) = annotated(model, self.file, self.parent, annotation)? else {
            return None;
        };
        let fields = Fields::of(model, file, ix)?;
        let lacks = fields.required().iter().copied();
        let lacks = lacks.filter(|it| matches!(given.entry(it), Entry::Missing));
        let lacks: Vec<&str> = lacks.collect();
        (!lacks.is_empty()).then(|| (fields.name.to_owned(), lacks))
    }

    /// What a payload is and what the parameter wants, if the one never becomes the other.
    fn mistyped(
        &self,
        model: &Model<'_>,
        payload: Written<'_>,
        parameter: &ast::ParameterWithDefault,
    ) -> Option<(Shape, Shape)> {
        let wanted = self.wanted(model, parameter)?;
        let is = Shape::of_value(model, payload)?;
        is.is_never(&wanted).then_some((is, wanted))
    }
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
        .note("The call fails on the worker, each time that it is tried.")
        .report(report);
}

fn positional(parameters: &ast::Parameters) -> impl Iterator<Item = &ast::ParameterWithDefault> {
    parameters.posonlyargs.iter().chain(&parameters.args)
}

/// How many arguments a function takes by position.
struct Arity {
    least: usize,
    /// `None` where there is no limit.
    most: Option<usize>,
}

impl Arity {
    fn of(parameters: &ast::Parameters) -> Self {
        Self {
            least: positional(parameters)
                .filter(|it| it.default.is_none())
                .count(),
            most: (parameters.vararg.is_none()).then(|| positional(parameters).count()),
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
