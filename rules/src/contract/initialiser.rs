use std::collections::BTreeSet;

use lint_core::diagnostic::{Applicability, Diagnostic, Severity, Span};
use lint_core::facts::{Callee, ClassRef, Facade};
use lint_core::knowledge::Role;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::{self, Expr, Stmt};
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::model::{Derives, Method, Model, Runbook};
use crate::program::{Node, Program, Running, own_nodes};
use crate::rule::{Context, Rule};
use crate::sdk;

/// ## What it does
/// Checks the `__init__` of a runbook: it calls `super().__init__()`, does so before it uses what the
/// base class provides, and takes no argument that must be given. The last goes for every Temporal workflow
/// that has `@workflow.defn` above it and no `@workflow.init`; there, a parameter with a default is a warning if it is
/// called like one of `run` that nobody reads: the input is lost.
///
/// ## Why is this bad?
/// `NtroWorkflow.__init__` creates the state of steps, gates and child runbooks. Without it the first
/// step fails with an `AttributeError`, and so do the queries that the UI sends. The runtime creates
/// the object itself and passes no arguments; the input goes to the run method, and in plain Temporal code to
/// an `__init__` with `@workflow.init`. Otherwise the first task fails with a `TypeError` and is tried again
/// without end.
///
/// ## Example
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class ReconcileCashWorkflow(NtroWorkflow):
///     def __init__(self) -> None:  # RB205
///         self._statement: dict | None = None
///
///     @runbook.step(name="reconcile", title="Reconcile cash", icon="Scale")
///     async def _step_reconcile(self, context: dict) -> dict:
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_reconcile(context)
/// ```
/// A parameter that nobody passes:
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class ReconcileCashWorkflow(NtroWorkflow):
///     def __init__(self, tolerance: float) -> None:  # RB205
///         super().__init__()
///         self._tolerance = tolerance
///
///     @runbook.step(name="reconcile", title="Reconcile cash", icon="Scale")
///     async def _step_reconcile(self, context: dict) -> dict:
///         return {"tolerance": self._tolerance}
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_reconcile(context)
/// ```
/// In a plain Temporal workflow:
/// ```python
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class ReconcileCash:
///     def __init__(self, account: str) -> None:  # RB205
///         self._account = account
///
///     @workflow.run
///     async def run(self, account: str) -> str:
///         return self._account
/// ```
///
/// ## Use instead
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class ReconcileCashWorkflow(NtroWorkflow):
///     def __init__(self) -> None:
///         super().__init__()
///         self._statement: dict | None = None
///
///     @runbook.step(name="reconcile", title="Reconcile cash", icon="Scale")
///     async def _step_reconcile(self, context: dict) -> dict:
///         return {"tolerance": context["tolerance"]}
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_reconcile(context)
/// ```
/// In a plain Temporal workflow, with the same parameters as the run method:
/// ```python
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class ReconcileCash:
///     @workflow.init
///     def __init__(self, account: str) -> None:
///         self._account = account
///
///     @workflow.run
///     async def run(self, account: str) -> str:
///         return self._account
/// ```
///
/// ## Fix
/// Safe: `super().__init__()` becomes the first statement. Without it the first step fails.
#[derive(RuleMetadata)]
#[rule(
    code = "RB205",
    severity = "error",
    category = "contract",
    since = "0.1.0",
    fix = "safe",
    summary = "`__init__` does not set up the base class, or needs arguments"
)]
pub(crate) struct Initialiser;

impl Rule for Initialiser {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for runbook in &cx.model.runbooks {
            if runbook.derives != Derives::Yes {
                continue;
            }
            // temporalio's own `@workflow.init` is passed the input of the run.
            let init = runbook.method("__init__");
            if let Some(init) = init.filter(|it| it.mark(Role::Init).is_none()) {
                check(cx, runbook, init, report);
            }
        }
        if cx.is_part {
            in_plain_code(&cx.model, Program::new(cx.facts), report);
        }
    }
}

/// Without `@workflow.init`, Temporal makes the object without arguments.
fn in_plain_code(model: &Model<'_>, program: Program<'_, '_>, report: &mut Vec<Diagnostic>) {
    let mut seen = BTreeSet::new();
    let temporal = |it: &Running<'_>| it.workflow.facade == Facade::Temporal;
    for running in Running::all(program.facts).filter(temporal) {
        let Some((entry, init)) = running.entries_of(|role| role == Role::Init).next() else {
            continue;
        };
        let Some(def) = program.def(init.function) else {
            continue;
        };
        let parameters = || def.parameters.iter_non_variadic_params().skip(1);
        let required = parameters().find(|it| it.default().is_none());
        let idle = || parameters().find(|it| is_unread_input(program, running, it.name().as_str()));
        // What a framework that decorates the class gives it, the framework knows.
        let is_plain = def.decorator_list.is_empty()
            && running
                .reach
                .class
                .is_some_and(|it| is_defined_here(model, it));
        if !is_plain {
            continue;
        }
        let class = program.function(init.function).and_then(|it| it.class);
        let is_own = running
            .reach
            .class
            .is_some_and(|it| it.file == init.function.file && Some(it.ix) == class);
        // What a base class demands is the business of the workflow.
        let place = if is_own {
            entry.place
        } else {
            running.workflow.place
        };
        let name = running.short_name();
        let finding = |message| {
            Finding::new(&Initialiser::METADATA, place.file, place.span, message)
                .in_workflow(running.workflow)
        };
        if let Some(required) = required {
            let message = format!(
                "`__init__` of `{name}` requires {}, but is called without arguments",
                code(required.name().as_str())
            );
            let finding = finding(message).help(instead(program, running, def)).note(
                "The first task fails with a `TypeError`, and Temporal tries it again without end.",
            );
            if seen.insert(place) {
                finding.report(report);
            }
        } else if let Some(idle) =
            idle().filter(|_| is_own && is_made_by_temporal(program, running))
        {
            let message = format!(
                "`__init__` of `{name}` is called without arguments, so {} never is the input of that name, which `run` does not read either",
                code(idle.name().as_str())
            );
            let finding = finding(message)
                .severity(Severity::Warning)
                .help("write `@workflow.init` above the `__init__`, with all parameters of `run`");
            if seen.insert(place) {
                finding.report(report);
            }
        }
    }
}

/// Whether `run` has a parameter of this name and does not look at it.
fn is_unread_input(program: Program<'_, '_>, running: Running<'_>, name: &str) -> bool {
    let mut runs = running.entries_of(|role| role == Role::Run);
    runs.any(|(_, reach)| {
        let def = program.def(reach.function);
        let mut parameters = def.into_iter().flat_map(|it| it.parameters.iter());
        let mut nodes = own_nodes(program.function(reach.function));
        parameters.any(|it| it.name().as_str() == name)
            && !nodes
                .any(|node| matches!(node, Node::Expr(Expr::Name(it)) if it.id.as_str() == name))
    })
}

/// Whether nothing in the project makes an object of the class or derives from it, and could give arguments.
fn is_made_by_temporal(program: Program<'_, '_>, running: Running<'_>) -> bool {
    let class = running.reach.class;
    let makes = |callee: &Callee| matches!(callee, Callee::Class(it) if Some(*it) == class);
    let mut calls = program.facts.observed.calls.values().flatten();
    let mut others = Running::all(program.facts).filter(|it| it.reach.class != class);
    !calls.any(makes)
        && !others.any(|it| class.is_some_and(|class| it.reach.bases.contains(&class)))
}

/// What to write instead of parameters that nobody fills: the input of the run can be had, anything else
/// is none of the workflow's business.
fn instead(program: Program<'_, '_>, running: Running<'_>, init: &ast::StmtFunctionDef) -> String {
    let names = |it: &ast::StmtFunctionDef| -> Vec<String> {
        let parameters = it.parameters.iter_non_variadic_params().skip(1);
        parameters.map(|it| it.name().to_string()).collect()
    };
    let run = running.entries_of(|role| role == Role::Run).next();
    let run = run.and_then(|(_, reach)| program.def(reach.function));
    let input = run.map_or_else(Vec::new, names);
    let other = names(init).into_iter().find(|it| !input.contains(it));
    match other.filter(|_| run.is_some()) {
        Some(other) => format!(
            "take {} out: what `run` needs comes with its input, and what activities need belongs in their class",
            code(&other)
        ),
        None => {
            "write `@workflow.init` above the `__init__`, with all parameters of `run`".to_owned()
        }
    }
}

/// Whether `@workflow.defn` stands above the class, and not a decorator that calls it.
fn is_defined_here(model: &Model<'_>, class: ClassRef) -> bool {
    let Some(class_def) = model
        .module(class.file)
        .map(|it| it.index().class(class.ix))
    else {
        return false;
    };
    class_def.node.decorator_list.iter().any(|it| {
        let decorator = match &it.expression {
            Expr::Call(call) => &*call.func,
            other => other,
        };
        let names = model.names_in(class.file);
        let resolved = names.resolve(class.file, class_def.parent, decorator);
        resolved.is_some_and(|it| it.external() == Some("temporalio.workflow.defn"))
    })
}

fn check(cx: &Context<'_>, runbook: &Runbook<'_>, init: &Method<'_>, report: &mut Vec<Diagnostic>) {
    let finding = |span, message: String| {
        Finding::new(&Initialiser::METADATA, runbook.file, span, message).in_runbook(runbook)
    };
    let name = code(runbook.name);
    let required = init
        .node
        .parameters
        .iter_non_variadic_params()
        .skip(1)
        .find(|parameter| parameter.default().is_none());
    if let Some(parameter) = required {
        let parameter = code(parameter.name().as_str());
        finding(
            init.name_span(),
            format!(
                "`__init__` of runbook {name} requires {parameter}, but is called without arguments"
            ),
        )
        .help("take it from the input of the run method")
        .report(report);
    }
    let Some(call) = super_call(cx, runbook, init) else {
        let mut finding = finding(
            init.name_span(),
            format!("`__init__` of runbook {name} does not call `super().__init__()`"),
        )
        .help("call `super().__init__()` first")
        .note("The first step fails with an `AttributeError`, and so do the queries of the UI.");
        if let Some((at, line)) = first_line(cx, runbook, init) {
            let title = "call `super().__init__()` first";
            finding = finding.replace(title, Applicability::Safe, at, line);
        }
        finding.report(report);
        return;
    };
    let start = span_of(call).start;
    cx.model.expressions(runbook.file, &mut |scope, expr| {
        let Expr::Attribute(attribute) = expr else {
            return;
        };
        let attr = attribute.attr.as_str();
        let is_provided = sdk::RESERVED_ATTRIBUTES.contains(&attr) || sdk::is_base_member(attr);
        let is_own = |name: &str| {
            cx.model
                .names
                .self_class(runbook.file, init.ix, name)
                .is_some()
        };
        let on_self = matches!(&*attribute.value, Expr::Name(it) if is_own(it.id.as_str()));
        let is_early = span_of(attribute).start < start && !attribute.ctx.is_store();
        if scope.function == init.ix && is_provided && on_self && is_early {
            finding(
                span_of(attribute),
                format!(
                    "{} is used before `super().__init__()` sets it up",
                    code(&format!("self.{attr}"))
                ),
            )
            .help("call `super().__init__()` first")
            .report(report);
        }
    });
}

/// The call of a base class's `__init__`.
fn super_call<'p>(
    cx: &Context<'p>,
    runbook: &Runbook<'_>,
    init: &Method<'_>,
) -> Option<&'p ast::ExprCall> {
    let calls = cx.model.calls_in(runbook.file, init.ix).iter();
    let mut calls = calls.map(|site| site.call);
    calls.find(|call| match &*call.func {
        Expr::Attribute(attribute) if attribute.attr.as_str() == "__init__" => {
            match &*attribute.value {
                Expr::Call(inner) => {
                    matches!(&*inner.func, Expr::Name(it) if it.id.as_str() == "super")
                }
                // `NtroWorkflow.__init__(self)`.
                base => cx
                    .model
                    .names
                    .resolve(runbook.file, init.ix, base)
                    .is_some(),
            }
        }
        _ => false,
    })
}

/// Where a first statement is inserted, below the docstring, and the statement.
fn first_line(
    cx: &Context<'_>,
    runbook: &Runbook<'_>,
    init: &Method<'_>,
) -> Option<(Span, String)> {
    let is_docstring =
        |it: &&Stmt| matches!(it, Stmt::Expr(it) if it.value.is_string_literal_expr());
    let first = init.node.body.iter().find(|it| !is_docstring(it))?;
    let at = span_of(first).start;
    let indent = cx.model.indent(runbook.file, at);
    let line = format!("super().__init__()\n{indent}");
    (!indent.is_empty()).then(|| (Span::new(at, at), line))
}
