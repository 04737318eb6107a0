use std::collections::BTreeSet;

use lint_core::diagnostic::{Diagnostic, Place, Severity, Span};
use lint_core::facts::{Facade, FunctionRef};
use lint_core::index::FunctionIx;
use lint_core::knowledge::Role;
use lint_core::names::Resolved;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::visitor::{Visitor, walk_expr, walk_stmt};
use lint_core::syntax::ast::{self, Expr, Stmt};
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::model::{Model, Runbook};
use crate::program::{Culprit, Node, Program, Running, nodes_of, own_nodes};
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds broad handlers around an `await` in a runbook that do not raise again: a bare `except`,
/// `except BaseException`, and, where an activity or a child is awaited, `except Exception`.
///
/// ## Why is this bad?
/// Somebody who cancels a task expects it to stop. Temporal delivers the cancellation as an exception at the
/// `await`, from an activity or a child wrapped in an ordinary error. If it is caught and dropped, the
/// runbook goes on as if nothing had happened.
///
/// ## Example
/// ```python
/// from datetime import timedelta
///
/// from ntro.workflow import NtroWorkflow, runbook
///
/// from .activities import notify_desk
///
///
/// @runbook.defn
/// class CloseBooksWorkflow(NtroWorkflow):
///     @runbook.step(name="notify", title="Notify", icon="Bell")
///     async def _step_notify(self, period: str) -> None:
///         try:
///             await runbook.execute_activity(
///                 notify_desk, period, start_to_close_timeout=timedelta(minutes=1)
///             )
///         except Exception:  # RB427
///             runbook.logger.warning("nobody was notified")
///
///     @runbook.run
///     async def run(self, period: str) -> None:
///         await self._step_notify(period)
/// ```
/// ```python path=activities.py
/// from ntro.workflow import activity
///
///
/// @activity.defn(name="close_books.notify_desk")
/// async def notify_desk(period: str) -> None: ...
/// ```
///
/// In a plain Temporal workflow, a loop that goes on after everything can never be cancelled:
/// ```python
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class WatchPrices:
///     @workflow.run
///     async def run(self, fund: str) -> None:
///         while True:
///             try:
///                 await workflow.sleep(60)
///             except BaseException:  # RB427
///                 workflow.logger.warning("woken up")
/// ```
///
/// ## Use instead
/// Let the activity report its failure as a result:
/// ```python
/// from datetime import timedelta
///
/// from ntro.workflow import NtroWorkflow, runbook
///
/// from .activities import notify_desk
///
///
/// @runbook.defn
/// class CloseBooksWorkflow(NtroWorkflow):
///     @runbook.step(name="notify", title="Notify", icon="Bell")
///     async def _step_notify(self, period: str) -> None:
///         sent = await runbook.execute_activity(
///             notify_desk, period, start_to_close_timeout=timedelta(minutes=1)
///         )
///         if not sent:
///             runbook.logger.warning("nobody was notified")
///
///     @runbook.run
///     async def run(self, period: str) -> None:
///         await self._step_notify(period)
/// ```
/// ```python path=activities.py
/// from ntro.workflow import activity
///
///
/// @activity.defn(name="close_books.notify_desk")
/// async def notify_desk(period: str) -> bool:
///     return True
/// ```
///
/// In a plain Temporal workflow, catch what is meant:
/// ```python
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class WatchPrices:
///     @workflow.run
///     async def run(self, fund: str) -> None:
///         while True:
///             try:
///                 await workflow.sleep(60)
///             except ValueError:
///                 workflow.logger.warning("woken up")
/// ```
///
/// ## Limits
/// A handler that looks at the exception (`is_cancelled_exception(error)`, `isinstance`, `error.cause`) is
/// taken to treat cancellation, and one that raises anything at all to stop.
#[derive(RuleMetadata)]
#[rule(
    code = "RB427",
    severity = "info",
    category = "calls",
    since = "0.1.0",
    summary = "a broad handler also catches that the task is cancelled"
)]
pub(crate) struct SwallowedCancellation;

impl Rule for SwallowedCancellation {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let model = &cx.model;
        for runbook in &model.runbooks {
            let mut tries = Tries(Vec::new());
            tries.visit_body(&runbook.node.body);
            for it in tries.0 {
                check(model, runbook, it, report);
            }
        }
        if cx.is_part {
            in_loops(Program::new(cx.facts), report);
        }
    }
}

/// In plain Temporal code: handlers for everything in a loop that goes on after them. From then on
/// the workflow cannot be cancelled.
fn in_loops(program: Program<'_, '_>, report: &mut Vec<Diagnostic>) {
    let mut seen = BTreeSet::new();
    let temporal = Running::all(program.facts).filter(|it| it.workflow.facade == Facade::Temporal);
    for running in temporal {
        for function in running.runs_of(|role| !matches!(role, Role::Query | Role::Validator)) {
            for node in own_nodes(program.function(function)) {
                let body = match node {
                    Node::Stmt(Stmt::While(it)) => &it.body,
                    Node::Stmt(Stmt::For(it)) => &it.body,
                    _ => continue,
                };
                for node in nodes_of(body) {
                    let Node::Stmt(Stmt::Try(it)) = node else {
                        continue;
                    };
                    if let Some(handler) = goes_on(program, function, it)
                        && seen.insert((function.file, span_of(handler).start))
                    {
                        in_loop(program, running, function, handler).report(report);
                    }
                }
            }
        }
    }
}

/// The handler of a `try` around a wait that takes cancellation and lets the loop go on.
fn goes_on<'p>(
    program: Program<'_, '_>,
    function: FunctionRef,
    it: &'p ast::StmtTry,
) -> Option<&'p ast::ExceptHandlerExceptHandler> {
    // Awaiting a task that was cancelled on purpose is another matter, and so is finishing one that
    // is shielded.
    let is_meant = |awaited: &Expr| match awaited {
        Expr::Call(call) => program.calls(function.file, call, &["asyncio.shield"]),
        _ => true,
    };
    let waits = |node: &Node<'_>| match node {
        Node::Expr(Expr::Await(awaited)) => {
            !is_meant(&awaited.value) && program.suspends(function.file, &awaited.value)
        }
        _ => false,
    };
    if !nodes_of(&it.body).iter().any(waits) {
        return None;
    }
    let takes = |handler: &ast::ExceptHandlerExceptHandler| {
        handler.type_.as_deref().is_none_or(|class| {
            let place = Place {
                file: function.file,
                span: span_of(class),
            };
            let known = program.facts.observed.exceptions.get(&place);
            let names = known.into_iter().flat_map(|it| &it.classes);
            names.filter_map(|it| it.first()).any(|name| {
                matches!(
                    name.as_str(),
                    "BaseException"
                        | "asyncio.CancelledError"
                        | "asyncio.exceptions.CancelledError"
                )
            })
        })
    };
    let leaves = |handler: &ast::ExceptHandlerExceptHandler| {
        let nodes = nodes_of(&handler.body);
        nodes.iter().any(|node| {
            matches!(
                node,
                Node::Stmt(Stmt::Raise(_) | Stmt::Return(_) | Stmt::Break(_))
            )
        })
    };
    let mut handlers = it
        .handlers
        .iter()
        .map(|ast::ExceptHandler::ExceptHandler(it)| it);
    let first = handlers.find(|it| takes(it))?;
    (!leaves(first) && !looks_at(first)).then_some(first)
}

fn in_loop(
    program: Program<'_, '_>,
    running: Running<'_>,
    function: FunctionRef,
    handler: &ast::ExceptHandlerExceptHandler,
) -> Finding {
    let span = match &handler.type_ {
        Some(class) => span_of(&**class),
        None => Span::new(
            span_of(handler).start,
            span_of(handler).start + "except".len() as u32,
        ),
    };
    let name = running.short_name();
    let message = format!(
        "the loop goes on after `except` has caught that `{name}` is cancelled, so it cannot be cancelled"
    );
    let entry = running
        .entries()
        .find(|(_, reach)| reach.runs.contains(&function))
        .map_or(function, |(_, reach)| reach.function);
    let culprit = Culprit::new(function, span, "cancellation is caught here");
    let rule = &SwallowedCancellation::METADATA;
    Finding::reached(rule, program, running, entry, culprit, message)
        .severity(Severity::Warning)
        .help("raise it again, or catch `Exception` instead")
}

fn check(
    model: &Model<'_>,
    runbook: &Runbook<'_>,
    it: &ast::StmtTry,
    report: &mut Vec<Diagnostic>,
) {
    let Some(index) = model.index(runbook.file) else {
        return;
    };
    let function = index.function_containing(span_of(it).start);
    let body = spans(&it.body);
    let mut awaits = Awaits(false);
    awaits.visit_body(&it.body);
    if !awaits.0 {
        return;
    }
    for (number, handler) in it.handlers.iter().enumerate() {
        let ast::ExceptHandler::ExceptHandler(handler) = handler;
        let Some(breadth) = breadth(model, runbook, function, handler.type_.as_deref()) else {
            continue;
        };
        // An earlier handler may treat cancellation.
        let earlier = it.handlers[..number].iter().any(|earlier| {
            let ast::ExceptHandler::ExceptHandler(earlier) = earlier;
            raises(&earlier.body)
        });
        if earlier || raises(&handler.body) || looks_at(handler) {
            return;
        }
        if breadth == Breadth::Exception && !awaits_remote(model, runbook, function, &body) {
            return;
        }
        let span = match &handler.type_ {
            Some(class) => span_of(&**class),
            None => Span::new(
                span_of(handler).start,
                span_of(handler).start + "except".len() as u32,
            ),
        };
        let written = match &handler.type_ {
            Some(class) => format!("except {}", model.slice(runbook.file, span_of(&**class))),
            None => "except".to_owned(),
        };
        let message = format!(
            "`{}` around an `await` also catches that the task is cancelled, and the runbook goes on",
            written.replace('`', "'")
        );
        Finding::new(
            &SwallowedCancellation::METADATA,
            runbook.file,
            span,
            message,
        )
        .help("raise again, catch a narrower exception, or let the activity return what failed")
        .in_runbook(runbook)
        .report(report);
        return;
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Breadth {
    /// `Exception`, which an activity wraps a cancellation in.
    Exception,
    /// Everything.
    All,
}

fn breadth(
    model: &Model<'_>,
    runbook: &Runbook<'_>,
    function: FunctionIx,
    class: Option<&Expr>,
) -> Option<Breadth> {
    let Some(class) = class else {
        return Some(Breadth::All);
    };
    if let Expr::Tuple(tuple) = class {
        let found = tuple.elts.iter();
        let found = found.filter_map(|it| breadth(model, runbook, function, Some(it)));
        return found.max_by_key(|it| *it == Breadth::All);
    }
    match model.names.resolve(runbook.file, function, class)? {
        Resolved::External(name) => match name.as_str() {
            "Exception" => Some(Breadth::Exception),
            "BaseException" => Some(Breadth::All),
            _ => None,
        },
        _ => None,
    }
}

fn spans(body: &[Stmt]) -> Option<Span> {
    let (first, last) = (body.first()?, body.last()?);
    Some(Span::new(span_of(first).start, span_of(last).end))
}

/// Whether an activity or a child is awaited in this part of the function, directly or in a step or
/// helper of the runbook.
fn awaits_remote(
    model: &Model<'_>,
    runbook: &Runbook<'_>,
    function: FunctionIx,
    body: &Option<Span>,
) -> bool {
    let Some(body) = body else {
        return false;
    };
    let mut calls = model.calls_in(runbook.file, function).iter();
    calls.any(|site| {
        let span = span_of(site.call);
        let is_inside = body.start <= span.start && span.end <= body.end;
        let is_remote = matches!(
            site.base_method(),
            Some("run_step" | "run_child_workflow" | "run_child_workflows" | "collect_documents")
        ) || matches!(
            site.workflow_api(),
            Some("execute_activity" | "execute_local_activity" | "execute_child_workflow")
        );
        let is_own = || match &site.callee {
            Some(Resolved::Function { file, ix }) if *file == runbook.file => model
                .calls_in(*file, *ix)
                .iter()
                .any(|inner| inner.workflow_api() == Some("execute_activity")),
            _ => false,
        };
        is_inside && (is_remote || is_own())
    })
}

fn raises(body: &[Stmt]) -> bool {
    struct Raises(bool);
    impl<'a> Visitor<'a> for Raises {
        fn visit_stmt(&mut self, statement: &'a Stmt) {
            match statement {
                Stmt::Raise(_) => self.0 = true,
                Stmt::FunctionDef(_) | Stmt::ClassDef(_) => {}
                _ => walk_stmt(self, statement),
            }
        }
    }
    let mut raises = Raises(false);
    raises.visit_body(body);
    raises.0
}

/// Whether the handler tells exceptions apart: it hands the exception to a function other than a log, or
/// looks at an attribute.
fn looks_at(handler: &ast::ExceptHandlerExceptHandler) -> bool {
    struct Looks<'n> {
        name: &'n str,
        found: bool,
    }
    impl<'a> Visitor<'a> for Looks<'_> {
        fn visit_expr(&mut self, expression: &'a Expr) {
            let is_error =
                |expr: &Expr| matches!(expr, Expr::Name(name) if name.id.as_str() == self.name);
            match expression {
                Expr::Attribute(it) if is_error(&it.value) => self.found = true,
                Expr::Call(call) if call.arguments.args.iter().any(is_error) => {
                    let name = match &*call.func {
                        Expr::Name(name) => name.id.as_str(),
                        Expr::Attribute(attribute) => attribute.attr.as_str(),
                        _ => "",
                    };
                    // Turning it into text or logging it tells nothing apart.
                    let only_shows = matches!(
                        name,
                        "str"
                            | "repr"
                            | "format"
                            | "debug"
                            | "info"
                            | "warning"
                            | "error"
                            | "exception"
                            | "append"
                    );
                    self.found |= !only_shows;
                }
                _ => {}
            }
            walk_expr(self, expression);
        }
    }
    let Some(name) = &handler.name else {
        return false;
    };
    let mut looks = Looks {
        name: name.as_str(),
        found: false,
    };
    looks.visit_body(&handler.body);
    looks.found
}

struct Awaits(bool);

impl<'a> Visitor<'a> for Awaits {
    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Await(_) => self.0 = true,
            Expr::Lambda(_) => {}
            _ => walk_expr(self, expression),
        }
    }

    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::FunctionDef(_) | Stmt::ClassDef(_) => {}
            _ => walk_stmt(self, statement),
        }
    }
}

struct Tries<'a>(Vec<&'a ast::StmtTry>);

impl<'a> Visitor<'a> for Tries<'a> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        if let Stmt::Try(it) = statement {
            self.0.push(it);
        }
        walk_stmt(self, statement);
    }
}
