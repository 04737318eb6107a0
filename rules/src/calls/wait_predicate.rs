use lint_core::diagnostic::{Applicability, Diagnostic, Severity};
use lint_core::facts::FunctionRef;
use lint_core::index::FunctionNode;
use lint_core::knowledge::Role;
use lint_core::names::Resolved;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::{self, Expr};
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use super::unanswered::{holds_values, is_never_none, taken_before, waits_in_vain};
use crate::finding::Finding;
use crate::model::{CallSite, Method, Model};
use crate::program::Program;
use crate::rule::{Context, Rule};
use crate::sites::{keyword_value, number, shown};

/// ## What it does
/// Finds `wait_condition`, `wait_for_signal_predicate` and `await_signal_with_action` with a predicate
/// that cannot work: an `async` function, the result of a call in place of the function, a
/// plain value, a function that needs arguments, a condition on an attribute that nothing changes or on a
/// variable that was settled before, or one that is always true.
///
/// ## Why is this bad?
/// An `async` predicate returns a coroutine, which counts as true: the gate opens at once, whatever was
/// submitted. A value cannot be called and ends the run with a `TypeError`. An attribute that no handler
/// sets keeps the gate shut for ever; in plain Temporal code, where a wait without end may be meant, that
/// is worth no more than info.
///
/// ## Example
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class CollectNoticesWorkflow(NtroWorkflow):
///     def __init__(self) -> None:
///         super().__init__()
///         self._notices: list[str] = []
///         self._closed = False
///
///     @runbook.signal
///     def notice_received(self, notice: str) -> None:
///         self._notices.append(notice)
///
///     async def _has_notice(self) -> bool:
///         return bool(self._notices)
///
///     @runbook.step(name="collect", title="Collect notices", icon="Inbox")
///     async def _step_collect(self) -> int:
///         await runbook.wait_condition(self._has_notice)  # RB411
///         await runbook.wait_condition(len(self._notices) > 1)  # RB411
///         await runbook.wait_condition(lambda: self._closed)  # RB411
///         return len(self._notices)
///
///     @runbook.run
///     async def run(self, fund: str) -> int:
///         return await self._step_collect()
/// ```
///
/// ## Use instead
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class CollectNoticesWorkflow(NtroWorkflow):
///     def __init__(self) -> None:
///         super().__init__()
///         self._notices: list[str] = []
///         self._closed = False
///
///     @runbook.signal
///     def notice_received(self, notice: str) -> None:
///         self._notices.append(notice)
///
///     @runbook.signal
///     def close(self, reason: str) -> None:
///         self._closed = True
///
///     def _has_notice(self) -> bool:
///         return bool(self._notices)
///
///     @runbook.step(name="collect", title="Collect notices", icon="Inbox")
///     async def _step_collect(self) -> int:
///         await runbook.wait_condition(self._has_notice)
///         await runbook.wait_condition(lambda: len(self._notices) > 1)
///         await runbook.wait_condition(lambda: self._closed)
///         return len(self._notices)
///
///     @runbook.run
///     async def run(self, fund: str) -> int:
///         return await self._step_collect()
/// ```
///
/// ## Fix
/// Unsafe: `lambda:` is written before a condition that was passed as a value.
#[derive(RuleMetadata)]
#[rule(
    code = "RB411",
    severity = "error",
    category = "calls",
    since = "0.1.0",
    fix = "unsafe",
    summary = "a wait has a predicate that is always true, never true, or cannot be called"
)]
pub(crate) struct WaitPredicate;

impl Rule for WaitPredicate {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let model = &cx.model;
        let program = Program::new(cx.facts);
        for site in model.all_calls() {
            let Some(predicate) = predicate(site) else {
                continue;
            };
            let function = FunctionRef {
                file: site.file,
                ix: site.function,
            };
            let is_value = || holds_values(program, function, predicate);
            let problem = problem(model, site, predicate)
                .or_else(|| is_value().then_some(Problem::NotCallable));
            if let Some(problem) = problem {
                problem_finding(model, site, predicate, problem).report(report);
            } else if let Some(why) = never_changes(model, program, function, predicate) {
                in_vain_finding(model, site, predicate, &why).report(report);
            }
        }
    }
}

fn predicate<'p>(site: &CallSite<'p>) -> Option<&'p Expr> {
    let by_position = || {
        site.call
            .arguments
            .args
            .first()
            .filter(|it| !it.is_starred_expr())
    };
    match site.base_method() {
        Some("await_signal_with_action") => keyword_value(site.call, "predicate"),
        Some("wait_for_signal_predicate") => {
            by_position().or_else(|| keyword_value(site.call, "predicate"))
        }
        Some(_) => None,
        None => (site.workflow_api() == Some("wait_condition"))
            .then(by_position)
            .flatten(),
    }
}

enum Problem {
    /// It calls or is an `async` function.
    Async,
    /// It is a lambda that gives a function instead of calling it.
    NotCalled,
    NeedsArguments,
    NotCallable,
    AlwaysTrue,
}

fn problem(model: &Model<'_>, site: &CallSite<'_>, predicate: &Expr) -> Option<Problem> {
    match predicate {
        Expr::Lambda(lambda) => {
            if needs_arguments(lambda.parameters.as_deref(), 0) {
                return Some(Problem::NeedsArguments);
            }
            lambda_body(model, site, lambda)
        }
        Expr::Name(_) | Expr::Attribute(_) => {
            let resolved =
                model
                    .names_in(site.file)
                    .resolve(site.file, site.function, predicate)?;
            if is_property(model, &resolved) && is_on_self(model, site, predicate) {
                return Some(Problem::NotCallable);
            }
            let def = plain_def(model, &resolved)?;
            let is_bound = is_method(model, &resolved) && is_on_self(model, site, predicate);
            if def.is_async {
                Some(Problem::Async)
            } else if needs_arguments(Some(&def.parameters), usize::from(is_bound)) {
                Some(Problem::NeedsArguments)
            } else {
                None
            }
        }
        Expr::Call(call) => {
            let resolved =
                model
                    .names_in(site.file)
                    .resolve(site.file, site.function, &call.func)?;
            let gives_value = match &resolved {
                Resolved::External(name) => {
                    matches!(
                        name.as_str(),
                        "bool"
                            | "len"
                            | "any"
                            | "all"
                            | "isinstance"
                            | "hasattr"
                            | "callable"
                            | "temporalio.workflow.all_handlers_finished"
                    )
                }
                _ => {
                    plain_def(model, &resolved).is_some_and(|def| def.is_async || returns_bool(def))
                }
            };
            gives_value.then_some(Problem::NotCallable)
        }
        _ => is_value(predicate).then_some(Problem::NotCallable),
    }
}

/// A lambda is called; what matters is what it gives.
fn lambda_body(
    model: &Model<'_>,
    site: &CallSite<'_>,
    lambda: &ast::ExprLambda,
) -> Option<Problem> {
    let index = model.index(site.file)?;
    let function = index.function_at(span_of(lambda))?;
    let resolve = |expr: &Expr| model.names_in(site.file).resolve(site.file, function, expr);
    match &*lambda.body {
        Expr::Call(call) => {
            let def = plain_def(model, &resolve(&call.func)?)?;
            def.is_async.then_some(Problem::Async)
        }
        body @ (Expr::Name(_) | Expr::Attribute(_)) => {
            let resolved = resolve(body)?;
            let is_function = resolved.external()
                == Some("temporalio.workflow.all_handlers_finished")
                || plain_def(model, &resolved).is_some();
            is_function.then_some(Problem::NotCalled)
        }
        body if is_always_true(body) => Some(Problem::AlwaysTrue),
        _ => None,
    }
}

/// Whether an expression is true whatever comes. `lambda: True` is meant to be.
fn is_always_true(expr: &Expr) -> bool {
    let is_zero = |expr: &Expr| number(expr) == Some(0.0);
    match expr {
        Expr::StringLiteral(it) => !it.value.is_empty(),
        Expr::NumberLiteral(_) => !is_zero(expr),
        Expr::Generator(_) => true,
        Expr::Tuple(it) => !it.elts.is_empty(),
        Expr::BoolOp(it) => {
            let is_true = |it: &Expr| match it {
                Expr::BooleanLiteral(it) => it.value,
                other => is_always_true(other),
            };
            match it.op {
                ast::BoolOp::Or => it.values.iter().any(is_true),
                ast::BoolOp::And => it.values.iter().all(is_true),
            }
        }
        // `len(self.items) >= 0`
        Expr::Compare(it) => {
            let counts = matches!(&*it.left, Expr::Call(call)
                if matches!(&*call.func, Expr::Name(name) if name.id.as_str() == "len"));
            counts && matches!(it.ops[..], [ast::CmpOp::GtE]) && it.comparators.iter().all(is_zero)
        }
        _ => false,
    }
}

/// The definition of a function that is what its text says: without decorators, or with those of a
/// signal or a query, which give the method back as it is.
fn plain_def<'p>(model: &Model<'p>, function: &Resolved) -> Option<&'p ast::StmtFunctionDef> {
    let def = model.def(function)?;
    let is_handler = |method: &Method<'_>| {
        let mut marks = method.marks.iter();
        std::ptr::eq(method.node, def)
            && method.marks.len() == def.decorator_list.len()
            && marks.all(|mark| matches!(mark.role, Role::Signal | Role::Query))
    };
    let mut methods = model.classes().flat_map(|class| &class.methods);
    (def.decorator_list.is_empty() || methods.any(is_handler)).then_some(def)
}

/// Whether it is a property that gives a truth value.
fn is_property(model: &Model<'_>, function: &Resolved) -> bool {
    model.def(function).is_some_and(|def| {
        let decorators = def.decorator_list.iter().map(|it| &it.expression);
        let is_property =
            |it: &Expr| matches!(it, Expr::Name(name) if name.id.as_str() == "property");
        def.decorator_list.len() == 1
            && decorators.into_iter().all(is_property)
            && returns_bool(def)
    })
}

fn is_method(model: &Model<'_>, function: &Resolved) -> bool {
    match function {
        Resolved::Function { file, ix } => model.index(*file).is_some_and(|index| {
            let function = index.function(*ix);
            function.class.is_some() && matches!(function.node, FunctionNode::Def(_))
        }),
        _ => false,
    }
}

fn is_on_self(model: &Model<'_>, site: &CallSite<'_>, expr: &Expr) -> bool {
    let Expr::Attribute(attribute) = expr else {
        return false;
    };
    let Expr::Name(name) = &*attribute.value else {
        return false;
    };
    model
        .names_in(site.file)
        .self_class(site.file, site.function, name.id.as_str())
        .is_some()
}

fn needs_arguments(parameters: Option<&ast::Parameters>, bound: usize) -> bool {
    parameters.is_some_and(|parameters| {
        let positional = parameters.posonlyargs.iter().chain(&parameters.args);
        let required = positional.filter(|it| it.default.is_none()).count();
        let keyword = parameters.kwonlyargs.iter().any(|it| it.default.is_none());
        required > bound || keyword
    })
}

fn returns_bool(def: &ast::StmtFunctionDef) -> bool {
    matches!(def.returns.as_deref(), Some(Expr::Name(name)) if name.id.as_str() == "bool")
}

/// Whether the expression is certain to give something that cannot be called.
fn is_value(expr: &Expr) -> bool {
    match expr {
        Expr::Compare(_)
        | Expr::UnaryOp(_)
        | Expr::BooleanLiteral(_)
        | Expr::NumberLiteral(_)
        | Expr::StringLiteral(_)
        | Expr::NoneLiteral(_)
        | Expr::FString(_)
        | Expr::List(_)
        | Expr::Dict(_)
        | Expr::Set(_)
        | Expr::Tuple(_) => true,
        Expr::BoolOp(operation) => operation.values.iter().all(is_value),
        _ => false,
    }
}

fn problem_finding(
    model: &Model<'_>,
    site: &CallSite<'_>,
    predicate: &Expr,
    problem: Problem,
) -> Finding {
    let text = shown(model, site.file, predicate);
    let (message, help) = match problem {
        Problem::Async => (
            format!(
                "the predicate {text} gives a coroutine, which counts as true: the wait is over at once"
            ),
            "use a function without `async`",
        ),
        Problem::NotCalled => (
            format!(
                "the predicate {text} gives a function, which counts as true: the wait is over at once"
            ),
            "call the function in the lambda, or pass it without a lambda",
        ),
        Problem::NeedsArguments => (
            format!("the predicate {text} needs arguments, but it is called without any"),
            "use a function without parameters",
        ),
        Problem::AlwaysTrue => (
            format!("the predicate {text} is always true: the wait is over at once"),
            "compare what is waited for",
        ),
        Problem::NotCallable => (
            format!("the predicate {text} is a value and cannot be called"),
            "write `lambda:` before it",
        ),
    };
    let span = span_of(predicate);
    let mut finding = Finding::new(&WaitPredicate::METADATA, site.file, span, message).help(help);
    if matches!(problem, Problem::NotCallable) && is_condition(predicate) {
        let written = model.slice(site.file, span);
        finding = finding.replace(
            "write `lambda:` before it",
            Applicability::Unsafe,
            span,
            format!("lambda: {written}"),
        );
    }
    match site.runbook {
        Some(runbook) => finding.in_runbook(&model.runbooks[runbook]),
        None => finding,
    }
}

/// Why a predicate gives the same whenever it is asked, as a sentence without the predicate.
fn never_changes(
    model: &Model<'_>,
    program: Program<'_, '_>,
    function: FunctionRef,
    predicate: &Expr,
) -> Option<String> {
    let text = shown(model, function.file, predicate);
    if let Some(name) = waits_in_vain(program, function, predicate) {
        return Some(format!(
            "nothing that runs changes `{name}`, so {text} stays false and the wait never ends"
        ));
    }
    if let Some(name) = is_never_none(program, function, predicate) {
        return Some(format!(
            "`{name}` is never `None`, so {text} is true from the start and nothing is waited for"
        ));
    }
    let name = taken_before(program, model.names_in(function.file), function, predicate)?;
    Some(format!(
        "`{name}` was decided before the wait, so {text} ends it at once or never"
    ))
}

fn in_vain_finding(model: &Model<'_>, site: &CallSite<'_>, predicate: &Expr, why: &str) -> Finding {
    // A gate is there to be answered. Other workflows wait so to stay alive, as many do on purpose.
    let severity = match site.runbook {
        Some(_) => Severity::Warning,
        None => Severity::Info,
    };
    let finding = Finding::new(&WaitPredicate::METADATA, site.file, span_of(predicate), why)
        .severity(severity)
        .help("look at an attribute that a signal or update handler sets");
    match site.runbook {
        Some(runbook) => finding.in_runbook(&model.runbooks[runbook]),
        None => finding,
    }
}

/// Whether it can only be meant as the condition to wait for.
fn is_condition(expr: &Expr) -> bool {
    match expr {
        Expr::Compare(_) | Expr::BoolOp(_) => true,
        Expr::UnaryOp(operation) => operation.op == ast::UnaryOp::Not,
        _ => false,
    }
}
