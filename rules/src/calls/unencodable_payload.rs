use std::collections::BTreeSet;

use lint_core::diagnostic::{Diagnostic, Severity};
use lint_core::facts::{Entry, FunctionRef};
use lint_core::knowledge::Role;
use lint_core::names::Resolved;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::{self, Expr, Stmt};
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use super::sent::{is_answered, payloads};
use super::unencodable::{Asks, NoJson, Way};
use crate::finding::Finding;
use crate::hazard::code;
use crate::program::{Culprit, Node, Program, Running, is_handler, own_nodes};
use crate::rule::{Context, Rule};
use crate::sites::{Written, keyword};
use crate::test_files::is_test;

/// ## What it does
/// Finds values that the converters of the SDK cannot send: a `Decimal`, a `date`, a `timedelta`, a `Path`, a
/// member of a plain `Enum`, an instance of a class that is no data class, a function, a dictionary with tuples
/// as keys, and data classes, models, lists and dictionaries with such a thing in them. It looks at arguments of
/// activities, children, signals and the next run, at results, and at the annotations of `run`, handlers and activities.
///
/// ## Why is this bad?
/// The default converter makes JSON of a `datetime`, a `UUID`, a set, a `StrEnum`, an `IntEnum`, a data class and
/// what has a method `dict`. Of all else, `json` raises a `TypeError`. In workflow code that is no failure: the
/// workflow task is tried again for ever. An activity is tried again as well, by default without end. The way
/// back is the same: the SDK makes nothing of JSON for which an annotation asks for such a type.
///
/// ## Example
/// ```python
/// from datetime import timedelta
/// from decimal import Decimal
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class PriceFund:
///     @workflow.run
///     async def run(self, fund: str) -> None:
///         await workflow.execute_activity(
///             "book",
///             args=[fund, Decimal("0.01")],  # RB436
///             start_to_close_timeout=timedelta(minutes=1),
///         )
/// ```
///
/// ## Use instead
/// ```python
/// from datetime import timedelta
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class PriceFund:
///     @workflow.run
///     async def run(self, fund: str) -> None:
///         await workflow.execute_activity(
///             "book",
///             args=[fund, "0.01"],
///             start_to_close_timeout=timedelta(minutes=1),
///         )
/// ```
///
/// Or give client and worker a converter that knows more types, such as
/// `temporalio.contrib.pydantic.pydantic_data_converter`.
///
/// ## Limits
/// Only types that stand in the text are known, and an annotation with `None` beside says nothing. Where anything in
/// the project chooses a converter or uses plugins, and in runbooks, only that is reported of which the converter for
/// pydantic makes no JSON either: functions, classes, and instances of classes that are no data classes. Nothing is
/// reported where a converter of the project, or of another package, makes payloads.
#[derive(RuleMetadata)]
#[rule(
    code = "RB436",
    severity = "error",
    category = "calls",
    since = "0.1.0",
    summary = "a payload is nothing that the SDK makes JSON of"
)]
pub(crate) struct UnencodablePayload;

impl Rule for UnencodablePayload {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let converters = cx.everywhere.converters;
        if converters.write || converters.other {
            return;
        }
        let mut check = Check {
            cx,
            program: Program::new(cx.facts),
            is_default: !converters.chosen && cx.model.runbooks.is_empty(),
            told: BTreeSet::new(),
            report,
        };
        let is_read = !converters.read && !converters.type_;
        if is_read {
            check.parameters();
        }
        check.values();
        check.results();
        check.activities(is_read);
    }
}

struct Check<'c, 'p> {
    cx: &'c Context<'p>,
    program: Program<'c, 'p>,
    /// Whether all goes through the default converter, as far as the project says.
    is_default: bool,
    /// The types of which something was said.
    told: BTreeSet<String>,
    report: &'c mut Vec<Diagnostic>,
}

impl<'c, 'p> Check<'c, 'p> {
    /// What the entry points of workflows are annotated to take.
    fn parameters(&mut self) {
        for (running, entry, function) in self.entries() {
            let outcome = unread(entry);
            if let Some((at, no_json)) = self.parameter(function) {
                let message = format!("{}, so {outcome}", unreadable(&no_json));
                self.annotation(running, function, at, no_json, message);
            }
        }
    }

    /// What they are annotated to return, unless the value was found.
    fn results(&mut self) {
        for (running, entry, function) in self.entries() {
            let found = self.result(function, Way::Write).zip(unanswered(entry));
            let Some(((at, no_json), outcome)) = found else {
                continue;
            };
            if !self.told.contains(&no_json.what) {
                let message = format!("{}, so {outcome}", unwritable(&no_json));
                self.annotation(running, function, at, no_json, message);
            }
        }
    }

    /// The entry points of workflows, each once.
    fn entries(&self) -> Vec<(Running<'c>, &'c Entry, FunctionRef)> {
        let mut seen = BTreeSet::new();
        let all = Running::all(self.cx.facts).flat_map(|running| {
            let entries = running.entries_of(|role| is_handler(role) || is_answered(role));
            entries.map(move |(entry, reach)| (running, entry, reach.function))
        });
        all.filter(|(_, _, function)| seen.insert(*function))
            .collect()
    }

    fn annotation(
        &mut self,
        running: Running<'_>,
        function: FunctionRef,
        at: &Expr,
        no_json: NoJson,
        message: String,
    ) {
        let metadata = &UnencodablePayload::METADATA;
        Finding::new(metadata, function.file, span_of(at), message)
            .in_workflow(running.workflow)
            .help(no_json.help)
            .report(self.report);
        self.told.insert(no_json.what);
    }

    /// What workflow code sends and returns.
    fn values(&mut self) {
        let mut told = BTreeSet::new();
        for (running, entry, function) in Running::functions(self.cx.facts) {
            let mut sent = Vec::new();
            let outcome = answer(running, function);
            for node in own_nodes(self.program.function(function)) {
                match node {
                    Node::Expr(Expr::Call(call)) => {
                        let payloads = payloads(self.program, function, call).into_iter();
                        sent.extend(payloads.map(|it| (it, TASK)));
                    }
                    Node::Stmt(Stmt::Return(it)) => {
                        sent.extend(it.value.as_deref().zip(outcome.as_deref()));
                    }
                    _ => {}
                }
            }
            for (value, outcome) in sent {
                for (part, no_json) in self.parts(function, value) {
                    let about = format!("{} is sent here", no_json.what);
                    let culprit = Culprit::new(function, span_of(part), about);
                    let message = format!("{}, so {outcome}", unwritable(&no_json));
                    let metadata = &UnencodablePayload::METADATA;
                    Finding::reached(metadata, self.program, running, entry, culprit, message)
                        .help(no_json.help)
                        .report(self.report);
                    told.insert(no_json.what);
                }
            }
        }
        self.told.append(&mut told);
    }

    /// The parts of a value that cannot be sent, but for parameters that cannot be there.
    fn parts(&self, function: FunctionRef, value: &'p Expr) -> Vec<(&'p Expr, NoJson)> {
        let at = Written {
            file: function.file,
            function: function.ix,
            value,
        };
        let mut parts = Vec::new();
        Asks::new(&self.cx.model).parts(at, &mut parts);
        let parameters = self.program.function(function);
        let parameters = parameters.and_then(|it| it.node.parameters());
        let is_parameter = |part: &Expr| {
            let name = part.as_name_expr().map(|it| it.id.as_str());
            name.zip(parameters)
                .is_some_and(|(name, all)| all.includes(name))
        };
        let is_new =
            |part: &Expr, it: &NoJson| !(is_parameter(part) && self.told.contains(&it.what));
        parts.retain(|(part, it)| self.is_reported(it) && is_new(part, it));
        parts
    }

    /// What activities are annotated to take and to return, of which nothing was said yet.
    fn activities(&mut self, is_read: bool) {
        let activities = self.cx.model.temporal_activities();
        let activities = activities.filter_map(|it| match *it {
            Resolved::Function { file, ix } => Some(FunctionRef { file, ix }),
            _ => None,
        });
        for activity in activities {
            if is_test(self.cx.facts.project, activity.file) {
                continue;
            }
            let name = code(self.program.short_name(activity));
            let outcome = format!("each try of the activity {name} fails");
            let taken = self.parameter(activity).filter(|_| is_read);
            let taken =
                taken.map(|(at, it)| (at, format!("{}, so {outcome}", unreadable(&it)), it));
            let given = self.result(activity, Way::Write);
            let given =
                given.map(|(at, it)| (at, format!("{}, so {outcome}", unwritable(&it)), it));
            let got = || {
                let (at, it) = self.result(activity, Way::Read).filter(|_| is_read)?;
                let message = format!(
                    "{}, so who awaits the result of the activity {name} gets a `TypeError`",
                    unreadable(&it)
                );
                Some((at, message, it))
            };
            for (at, message, no_json) in taken.into_iter().chain(given.or_else(got)) {
                if !self.told.contains(&no_json.what) {
                    let metadata = &UnencodablePayload::METADATA;
                    Finding::new(metadata, activity.file, span_of(at), message)
                        .severity(Severity::Warning)
                        .help(no_json.help)
                        .report(self.report);
                }
            }
        }
    }

    /// The first parameter that has to be given, and that no payload becomes.
    fn parameter(&self, function: FunctionRef) -> Option<(&'p Expr, NoJson)> {
        let def = self.signature(function)?;
        let is_method = self.program.function(function)?.class.is_some();
        let parameters = def.parameters.iter_non_variadic_params();
        let mut given = parameters
            .skip(usize::from(is_method))
            .filter(|it| it.default().is_none());
        given.find_map(|it| self.annotated(function, it.annotation()?, Way::Read))
    }

    fn result(&self, function: FunctionRef, way: Way) -> Option<(&'p Expr, NoJson)> {
        let returns = self.signature(function)?.returns.as_deref()?;
        self.annotated(function, returns, way)
    }

    /// A function at whose annotations the SDK looks, which are written for those who call it.
    fn signature(&self, function: FunctionRef) -> Option<&'p ast::StmtFunctionDef> {
        let def = self.program.def(function)?;
        let [decorator] = &def.decorator_list[..] else {
            return None;
        };
        let call = decorator.expression.as_call_expr();
        let is_dynamic = call.is_some_and(|it| keyword(it, "dynamic").is_some());
        (!is_dynamic).then_some(def)
    }

    fn annotated(
        &self,
        function: FunctionRef,
        annotation: &'p Expr,
        way: Way,
    ) -> Option<(&'p Expr, NoJson)> {
        let scope = self.program.function(function)?.parent;
        let found = Asks::new(&self.cx.model).type_(function.file, scope, annotation, way)?;
        self.is_reported(&found).then_some((annotation, found))
    }

    fn is_reported(&self, it: &NoJson) -> bool {
        self.is_default || it.is_never
    }
}

fn unwritable(it: &NoJson) -> String {
    match it.is_never {
        true => format!("no converter makes JSON of {}", it.what),
        false => format!("the default converter makes no JSON of {}", it.what),
    }
}

fn unreadable(it: &NoJson) -> String {
    match it.is_never {
        true => format!("no JSON becomes {}", it.what),
        false => format!("by the default converter, no JSON becomes {}", it.what),
    }
}

const TASK: &str = "each try of the workflow task fails";

/// What becomes of what a function returns, if that is sent to a client.
fn answer(running: Running<'_>, function: FunctionRef) -> Option<String> {
    let mut entries = running.entries();
    let (entry, _) = entries.find(|(_, reach)| reach.function == function)?;
    unanswered(entry)
}

fn unanswered(entry: &Entry) -> Option<String> {
    match entry.role {
        Role::Run | Role::Update => Some(TASK.to_owned()),
        Role::Query => Some(format!("each query {} fails", code(&entry.name))),
        _ => None,
    }
}

/// What becomes of an entry point whose arguments cannot be read.
fn unread(entry: &Entry) -> String {
    let name = code(&entry.name);
    match entry.role {
        Role::Run => TASK.to_owned(),
        Role::Signal => format!("each signal {name} is dropped"),
        Role::Update => format!("each update {name} fails"),
        _ => format!("each query {name} fails"),
    }
}
