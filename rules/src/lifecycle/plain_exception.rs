use std::collections::BTreeSet;

use lint_core::diagnostic::{Diagnostic, Place, Severity};
use lint_core::facts::{Entry, FunctionRef};
use lint_core::knowledge::Role;
use lint_core::names::Resolved;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::{self, CmpOp, Expr, Stmt};
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use super::exceptions::{Callers, Raise, ancestors, leaves, raised};
use super::guards::{is_check, is_never_reached, settled_calls};
use crate::finding::Finding;
use crate::model::Model;
use crate::program::{Culprit, Node, Program, Running, own_nodes};
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
/// What stands behind all members of an enum, behind all literals that calls give for a parameter, behind a
/// loop that is always left, behind `not handle.done()` after the handle was awaited, or behind `self.state is
/// None` after a wait until it is set, or until a flag is that is always set together with it, where nothing
/// sets it back, is never reached.
/// Outside the class, an exception for a parameter for which a call gives a literal or what it has compared
/// itself is taken to be a check of that caller, and one for a negative length never happens. So is an exception
/// of Python behind all cases of a `match` or all keys of a table, for an attribute that is not set, for a key that
/// an attribute lacks, or for any length; more than one call away, every condition is.
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
                .filter(|&it| {
                    is_plain(it, &declared)
                        && !is_without_import(&cx.model, program, it)
                        && !is_never_reached(&cx.model, program, it)
                })
                .collect();
            if plain.is_empty() {
                continue;
            }
            for (entry, reach) in running.entries_of(ends) {
                let callers = Callers::new(program, &reach.runs);
                for &raise in plain.iter().filter(|it| reach.runs.contains(&it.function)) {
                    let place = Place {
                        file: raise.function.file,
                        span: raise.span,
                    };
                    let is_own = program.is_own(running, place);
                    let settled = settled_calls(&cx.model, program, raise, &functions, is_own);
                    let from = reach.function;
                    if seen.contains(&place) || !leaves(program, &callers, raise, from, &settled) {
                        continue;
                    }
                    let is_followed = |caller, call: &ast::ExprCall, callee| {
                        let call = (caller, span_of(call));
                        !settled.contains(&call) && callers.carry(program, raise, call, callee)
                    };
                    let finding = finding(program, running, entry, from, raise, &is_followed);
                    let distance = finding.distance();
                    if distance > 0 && is_check(program, raise, distance) {
                        continue;
                    }
                    seen.insert(place);
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
    is_followed: &dyn Fn(FunctionRef, &ast::ExprCall, FunctionRef) -> bool,
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
    let way = program.way_over(running, from, culprit, is_followed);
    let rule = &PlainException::METADATA;
    Finding::new(rule, raise.function.file, raise.span, message)
        .in_workflow(running.workflow)
        .along(way)
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
            .any(|outer| outer.contains(raise.span));
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
        let index = program.index(class.file)?;
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
