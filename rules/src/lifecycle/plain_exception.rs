use std::collections::BTreeSet;

use lint_core::diagnostic::{Diagnostic, Place, Severity};
use lint_core::facts::{Entry, FunctionRef};
use lint_core::index::Module;
use lint_core::knowledge::Role;
use lint_core::names::Resolved;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::{self, CmpOp, Expr, Pattern, Stmt, UnaryOp};
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use super::exceptions::{Callers, Raise, ancestors, leaves, raised};
use crate::finding::Finding;
use crate::model::Model;
use crate::program::{Culprit, Node, Program, Running, nodes_of_expr, own_nodes};
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds exceptions that are raised in workflow code, leave the workflow, and are neither Temporal's
/// failures nor listed in `failure_exception_types`: a `ValueError`, or a class of the project.
///
/// ## Why is this bad?
/// Only a failure ends a workflow. Any other exception is taken for a bug in the code: it fails the
/// workflow task, and the server tries that task again and again until the code is changed. The workflow
/// neither fails nor goes on, and whoever waits for it waits for ever.
///
/// ## Example
/// ```python
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class PlaceOrder:
///     @workflow.run
///     async def run(self, amount: float) -> float:
///         if amount <= 0:
///             raise ValueError("nothing to order")  # RB606
///         return amount
/// ```
///
/// ## Use instead
/// Raise a failure:
/// ```python
/// from temporalio import workflow
/// from temporalio.exceptions import ApplicationError
///
///
/// @workflow.defn
/// class PlaceOrder:
///     @workflow.run
///     async def run(self, amount: float) -> float:
///         if amount <= 0:
///             raise ApplicationError("nothing to order", type="OrderInvalid")
///         return amount
/// ```
/// Or declare which exceptions are meant to end the workflow:
/// ```python
/// from temporalio import workflow
///
///
/// @workflow.defn(failure_exception_types=[ValueError])
/// class PlaceOrder:
///     @workflow.run
///     async def run(self, amount: float) -> float:
///         if amount <= 0:
///             raise ValueError("nothing to order")
///         return amount
/// ```
///
/// ## Limits
/// Outside the class, an exception of Python behind all cases of a `match`, for an attribute that is not set, or
/// for a parameter that the class gives a literal is taken to be a check of the caller; more than one call away,
/// every condition is.
/// An exception that comes through functions outside the class is `info`, since what the class passes often
/// rules it out; one that comes through more than two is mentioned once for each call that leads there. Calls
/// that may run one of several functions are not followed.
/// Only `raise` statements count, not what a look-up or a conversion may raise. `NotImplementedError` and
/// `AssertionError` say that the code is wrong, so they are left alone, and so are classes with a base that
/// is not known. Where a worker is given `workflow_failure_exception_types`, nothing is said.
///
/// ## References
/// - <https://docs.temporal.io/develop/python/failure-detection#workflow-failure>
#[derive(RuleMetadata)]
#[rule(
    code = "RB606",
    severity = "warning",
    category = "lifecycle",
    since = "0.1.0",
    summary = "an exception that is no failure leaves the workflow, whose task is then retried for ever"
)]
pub(crate) struct PlainException;

impl Rule for PlainException {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        if cx.everywhere.workers_declare_failures {
            return;
        }
        let program = Program::new(cx.facts);
        let mut seen = BTreeSet::new();
        let mut seen_far = BTreeSet::new();
        for running in Running::all(cx.facts) {
            let Some(declared) = declared_failures(&cx.model, program, running) else {
                continue;
            };
            let ends = |role| matches!(role, Role::Run | Role::Signal | Role::Update);
            let functions = running.runs_of(ends);
            let plain: Vec<Raise<'_>> = functions
                .iter()
                .flat_map(|&it| raised(program, it))
                .filter(|&it| is_plain(it, &declared) && !is_without_import(&cx.model, program, it))
                .collect();
            if plain.is_empty() {
                continue;
            }
            let callers = Callers::new(program, &functions);
            for (entry, reach) in running.entries_of(ends) {
                for &raise in plain.iter().filter(|it| reach.runs.contains(&it.function)) {
                    let place = Place {
                        file: raise.function.file,
                        span: raise.span,
                    };
                    if seen.contains(&place) || !leaves(program, &callers, raise, reach.function) {
                        continue;
                    }
                    seen.insert(place);
                    let finding = finding(program, running, entry, reach.function, raise);
                    let distance = finding.distance();
                    if distance > 0 && is_check(program, raise, &functions, distance) {
                        continue;
                    }
                    if distance == 0 {
                        finding.report(report);
                    } else if distance <= 2 || seen_far.insert(finding.place()) {
                        finding.severity(Severity::Info).report(report);
                    }
                }
            }
        }
    }
}

fn finding(
    program: Program<'_, '_>,
    running: Running<'_>,
    entry: &Entry,
    from: FunctionRef,
    raise: Raise<'_>,
) -> Finding {
    let name = &raise.class[0];
    let short = name.rsplit('.').next().unwrap_or(name);
    let instead = match entry.role {
        Role::Update => "rejecting the update",
        _ => "failing the workflow",
    };
    let message = format!(
        "`{short}` leaves `{}` of `{}` and is no failure: the workflow task is tried again for ever instead of {instead}",
        entry.name,
        running.short_name()
    );
    let about = format!("`{short}` is raised here");
    let culprit = Culprit::new(raise.function, raise.span, about);
    Finding::reached(&PlainException::METADATA, program, running, from, culprit, message)
        .help("raise `temporalio.exceptions.ApplicationError`, or list the class in `failure_exception_types`")
        .culprit(name.clone())
}

/// Whether the exception fails the task and not the workflow.
fn is_plain(raise: Raise<'_>, declared: &[String]) -> bool {
    const BUGS: &[&str] = &["NotImplementedError", "AssertionError", "TimeoutError"];
    ancestors(raise.class).is_some_and(|names| {
        names
            .iter()
            .all(|name| !BUGS.contains(name) && declared.iter().all(|failure| failure != name))
    })
}

/// Whether a function outside the class checks something with an exception of Python: that its
/// caller is right, that something is set, that no case of a `match` is left. Next to the class it
/// has to be decided by what the class writes there; farther away nobody knows what the check needs.
fn is_check(
    program: Program<'_, '_>,
    raise: Raise<'_>,
    callers: &BTreeSet<FunctionRef>,
    distance: usize,
) -> bool {
    let is_inside = |body: &[Stmt]| {
        body.iter()
            .map(span_of)
            .any(|outer| outer.start <= raise.span.start && raise.span.end <= outer.end)
    };
    let is_decided = |test: &Expr| match distance {
        1 => asks_for_none(test) || is_settled_by(program, raise.function, callers, test),
        _ => !nodes_of_expr(test)
            .iter()
            .any(|node| matches!(node, Node::Expr(Expr::Await(_)))),
    };
    let is_builtin = !raise.class[0].contains('.');
    is_builtin
        && own_nodes(program.function(raise.function)).any(|node| match node {
            Node::Stmt(Stmt::If(it)) => {
                let clauses = it.elif_else_clauses.iter();
                let mut others = clauses.filter(|it| is_inside(&it.body));
                is_inside(&it.body) && is_decided(&it.test)
                    || others.any(|it| it.test.as_ref().map_or(distance > 1, is_decided))
            }
            Node::Stmt(Stmt::Match(it)) => it.cases.iter().any(|case| {
                let is_rest = matches!(&case.pattern, Pattern::MatchAs(it) if it.pattern.is_none());
                is_rest && is_inside(&case.body)
            }),
            _ => false,
        })
}

/// `self.session is None`, `not self.session`
fn asks_for_none(test: &Expr) -> bool {
    match test {
        Expr::UnaryOp(it) => it.op == UnaryOp::Not && it.operand.is_attribute_expr(),
        Expr::Compare(it) => {
            let is_none = matches!(it.comparators[..], [Expr::NoneLiteral(_)]);
            it.left.is_attribute_expr() && is_none && matches!(it.ops[..], [CmpOp::Is])
        }
        _ => false,
    }
}

/// Whether a test looks only at parameters for which every call in the class writes a literal, or
/// nothing at all.
fn is_settled_by(
    program: Program<'_, '_>,
    function: FunctionRef,
    callers: &BTreeSet<FunctionRef>,
    test: &Expr,
) -> bool {
    let Some(def) = program.def(function) else {
        return false;
    };
    let skipped = usize::from(
        program
            .function(function)
            .is_some_and(|it| it.class.is_some()),
    );
    let positional = def
        .parameters
        .posonlyargs
        .iter()
        .chain(&def.parameters.args);
    let positional: Vec<&str> = positional
        .skip(skipped)
        .map(|it| it.name().as_str())
        .collect();
    let names = nodes_of_expr(test)
        .into_iter()
        .filter_map(|node| match node {
            Node::Expr(Expr::Name(name)) => Some(name.id.as_str()),
            _ => None,
        });
    let is_parameter = |it: &&str| {
        def.parameters
            .iter_non_variadic_params()
            .any(|known| known.name().as_str() == *it)
    };
    let asked: Vec<&str> = names.filter(is_parameter).collect();
    let is_literal = |call: &ast::ExprCall, name: &str| {
        let position = positional.iter().position(|it| *it == name);
        let given = position.and_then(|it| call.arguments.args.get(it));
        let by_name = call.arguments.find_keyword(name).map(|it| &it.value);
        let is_open = call.arguments.args.iter().any(Expr::is_starred_expr)
            || call.arguments.keywords.iter().any(|it| it.arg.is_none());
        !is_open && given.or(by_name).is_none_or(Expr::is_literal_expr)
    };
    let mut calls = callers
        .iter()
        .flat_map(|&it| program.own_calls(it))
        .filter(|(_, callee)| *callee == function)
        .map(|(call, _)| call)
        .peekable();
    let computes = nodes_of_expr(test).iter().any(|node| match node {
        Node::Expr(Expr::Call(call)) => !matches!(&*call.func, Expr::Name(name)
            if matches!(name.id.as_str(), "callable" | "isinstance" | "issubclass" | "len")),
        _ => false,
    });
    !computes
        && !asked.is_empty()
        && calls.peek().is_some()
        && calls.all(|call| asked.iter().all(|name| is_literal(call, name)))
}

/// Whether it is raised only where something could not be imported: `if workflow is None:`.
fn is_without_import(model: &Model<'_>, program: Program<'_, '_>, raise: Raise<'_>) -> bool {
    let FunctionRef { file, ix } = raise.function;
    let is_import = |expr: &Expr| {
        let resolved = model.names_in(file).resolve(file, ix, expr);
        expr.is_name_expr() && matches!(resolved, Some(Resolved::External(_)))
    };
    own_nodes(program.function(raise.function)).any(|node| {
        let Node::Stmt(Stmt::If(it)) = node else {
            return false;
        };
        let is_inside = it
            .body
            .iter()
            .map(span_of)
            .any(|outer| outer.start <= raise.span.start && raise.span.end <= outer.end);
        let is_missing = match &*it.test {
            Expr::Compare(test) => {
                matches!(test.ops[..], [CmpOp::Is])
                    && matches!(test.comparators[..], [Expr::NoneLiteral(_)])
                    && is_import(&test.left)
            }
            _ => false,
        };
        is_inside && is_missing
    })
}

/// The classes in `failure_exception_types` of the workflow; `None` if they are not known.
fn declared_failures(
    model: &Model<'_>,
    program: Program<'_, '_>,
    running: Running<'_>,
) -> Option<Vec<String>> {
    let mut names = Vec::new();
    for class in &running.reach.bases {
        let index = program
            .facts
            .project
            .module(class.file)
            .map(Module::index)?;
        for decorator in &index.class(class.ix).node.decorator_list {
            let Expr::Call(call) = &decorator.expression else {
                continue;
            };
            if call.arguments.keywords.iter().any(|it| it.arg.is_none()) {
                return None;
            }
            let Some(given) = call.arguments.find_keyword("failure_exception_types") else {
                continue;
            };
            let listed = match &given.value {
                Expr::List(it) => &it.elts,
                Expr::Tuple(it) => &it.elts,
                _ => return None,
            };
            let function = index.class(class.ix).parent;
            for element in listed {
                names.push(exception_name(model, class.file, function, element)?);
            }
        }
    }
    Some(names)
}

fn exception_name(
    model: &Model<'_>,
    file: lint_core::diagnostic::FileId,
    function: lint_core::index::FunctionIx,
    element: &Expr,
) -> Option<String> {
    let resolved = model
        .names
        .resolve(file, function, element)
        .or_else(|| model.temporal_names().resolve(file, function, element))?;
    match resolved {
        Resolved::External(name) => Some(name),
        Resolved::Class { file, ix } => {
            let index = model.index(file)?;
            let module = model.project.module_name(file);
            Some(format!("{module}.{}", index.class(ix).qualname))
        }
        _ => None,
    }
}
