use std::collections::BTreeSet;

use lint_core::diagnostic::{Diagnostic, FileId, Place, Severity, Span};
use lint_core::facts::{Callee, Facade, FunctionRef};
use lint_core::index::FunctionIx;
use lint_core::knowledge::Role;
use lint_core::names::Resolved;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::visitor::{Visitor, walk_expr, walk_stmt};
use lint_core::syntax::ast::{self, Expr, Stmt, UnaryOp};
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::lifecycle::CONTINUE_AS_NEW;
use crate::model::{Model, Runbook};
use crate::program::{Culprit, Node, Program, Running, nodes_of, nodes_of_expr, own_nodes};
use crate::rule::{Context, Rule};
use crate::sdk;

/// ## What it does
/// Finds broad handlers around an `await` that do not raise again: a bare `except`, `except BaseException`
/// or `CancelledError`, and, where an activity or a child is awaited, `except Exception`. In runbooks all of
/// them, in other workflows those in a loop that goes on, also where a helper has them, and `contextlib.suppress`.
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
/// A cancelled activity or child raises an `ActivityError` or a `ChildWorkflowError`:
/// ```python
/// from datetime import timedelta
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class ReadPrices:
///     @workflow.run
///     async def run(self, fund: str) -> None:
///         while True:
///             try:
///                 await workflow.execute_activity(
///                     "read_prices", fund, start_to_close_timeout=timedelta(minutes=1)
///                 )
///             except Exception:  # RB427
///                 workflow.logger.warning("no prices")
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
/// Or let a cancellation through:
/// ```python
/// from datetime import timedelta
///
/// from temporalio import workflow
/// from temporalio.exceptions import ActivityError, is_cancelled_exception
///
///
/// @workflow.defn
/// class ReadPrices:
///     @workflow.run
///     async def run(self, fund: str) -> None:
///         while True:
///             try:
///                 await workflow.execute_activity(
///                     "read_prices", fund, start_to_close_timeout=timedelta(minutes=1)
///                 )
///             except ActivityError as error:
///                 if is_cancelled_exception(error):
///                     raise
///                 workflow.logger.warning("no prices")
/// ```
///
/// ## Limits
/// A handler that looks at the exception (`is_cancelled_exception(error)`, `isinstance`, `error.cause`) is
/// taken to treat cancellation, and one that raises anything at all to stop. In a loop of a plain Temporal
/// workflow, so is one for the failures of activities that assigns something, which may end the loop.
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
            in_loops(model, Program::new(cx.facts), report);
        }
    }
}

/// In plain Temporal code: what takes a cancellation in a loop that goes on after it. From then on
/// the workflow cannot be cancelled.
fn in_loops(model: &Model<'_>, program: Program<'_, '_>, report: &mut Vec<Diagnostic>) {
    let mut seen = BTreeSet::new();
    let temporal = Running::all(program.facts).filter(|it| it.workflow.facade == Facade::Temporal);
    for running in temporal {
        for function in running.runs_of(|role| !matches!(role, Role::Query | Role::Validator)) {
            let mut found = Swallowed {
                model,
                program,
                entered: BTreeSet::new(),
                catches: Vec::new(),
            };
            for node in own_nodes(program.function(function)) {
                match node {
                    Node::Stmt(Stmt::While(it)) => found.in_body(function, &it.body, false),
                    // What undoes the last steps first has to go on whatever happens.
                    Node::Stmt(Stmt::For(it)) if !goes_back(program, function, &it.iter) => {
                        found.in_body(function, &it.body, false);
                    }
                    _ => {}
                }
            }
            let def = program.def(function);
            if let Some(def) = def.filter(|it| starts_anew(program, function, &it.body)) {
                found.in_body(function, &def.body, false);
            }
            for catch in found.catches {
                if seen.insert((catch.function.file, catch.span.start)) {
                    in_loop(program, running, catch).report(report);
                }
            }
        }
    }
}

/// Whether a loop goes over what it is given from the last to the first.
fn goes_back(program: Program<'_, '_>, function: FunctionRef, iterated: &Expr) -> bool {
    match iterated {
        Expr::Call(call) => program.calls(function.file, call, &["reversed"]),
        Expr::Subscript(it) => match &*it.slice {
            Expr::Slice(it) => {
                matches!(it.step.as_deref(), Some(Expr::UnaryOp(it)) if it.op == UnaryOp::USub)
            }
            _ => false,
        },
        _ => false,
    }
}

/// Whether a function does nothing in the end but continue as new, so that it is repeated as a whole.
fn starts_anew(program: Program<'_, '_>, function: FunctionRef, body: &[Stmt]) -> bool {
    match body.last() {
        Some(Stmt::Expr(it)) => it
            .value
            .as_call_expr()
            .is_some_and(|call| program.calls(function.file, call, CONTINUE_AS_NEW)),
        _ => false,
    }
}

/// What takes a cancellation, and lets the loop around it go on.
struct Catch {
    function: FunctionRef,
    span: Span,
    severity: Severity,
    /// What to do about it.
    help: String,
}

/// Looks for what takes a cancellation in code that is repeated.
struct Swallowed<'m, 'p> {
    model: &'m Model<'p>,
    program: Program<'m, 'p>,
    /// Helpers whose results nobody looks at.
    entered: BTreeSet<FunctionRef>,
    catches: Vec<Catch>,
}

impl Swallowed<'_, '_> {
    fn in_body(&mut self, function: FunctionRef, body: &[Stmt], is_helper: bool) {
        let left = left_blocks(body, is_helper);
        let is_left = |it: &Stmt| {
            let at = span_of(it).start;
            left.iter().any(|block| block.start <= at && at < block.end)
        };
        for node in nodes_of(body) {
            match node {
                Node::Stmt(it) if is_left(it) => {}
                Node::Stmt(Stmt::Try(it)) => {
                    let handler = goes_on(self.program, function, it, is_helper);
                    self.catches.extend(handler.map(|(it, severity)| Catch {
                        function,
                        span: caught(it),
                        severity,
                        help: raise_again(it),
                    }));
                }
                Node::Stmt(Stmt::With(it)) if waits(self.program, function, &it.body) => {
                    for item in &it.items {
                        if self.suppresses(function, &item.context_expr) {
                            self.catches.push(Catch {
                                function,
                                span: span_of(&item.context_expr),
                                severity: Severity::Warning,
                                help: "let it through".to_owned(),
                            });
                        }
                    }
                }
                Node::Stmt(it) => {
                    if let Some(call) = self.repeated_call(function, body, it, is_helper) {
                        self.in_helpers(function, call);
                    }
                }
                _ => {}
            }
        }
    }

    /// The call that a statement awaits if its result does not decide whether the loop goes on: nobody
    /// looks at it, it is only logged or tested where nothing is left, or a helper hands it on.
    fn repeated_call<'s>(
        &self,
        function: FunctionRef,
        body: &[Stmt],
        statement: &'s Stmt,
        is_helper: bool,
    ) -> Option<&'s ast::ExprCall> {
        let (value, is_lost) = match statement {
            Stmt::Expr(it) => (&it.value, true),
            Stmt::Return(it) => (it.value.as_ref()?, is_helper),
            Stmt::Assign(it) => match &it.targets[..] {
                [Expr::Name(name)] => (&it.value, self.is_idle(function, body, name, is_helper)),
                [Expr::Attribute(it_is)] => (&it.value, self.is_never_asked(function, it_is)),
                _ => return None,
            },
            _ => return None,
        };
        let call = value.as_await_expr()?.value.as_call_expr()?;
        is_lost.then_some(call)
    }

    /// Whether a local is used for nothing but a log, the result of a helper, and conditions that leave
    /// nothing.
    fn is_idle(
        &self,
        function: FunctionRef,
        body: &[Stmt],
        name: &ast::ExprName,
        is_helper: bool,
    ) -> bool {
        let count = |nodes: Vec<Node<'_>>| {
            let is_read = |node: &&Node<'_>| matches!(node, Node::Expr(Expr::Name(it)) if it.id == name.id && it.ctx.is_load());
            nodes.iter().filter(is_read).count()
        };
        let nodes = nodes_of(body);
        let idle = nodes.iter().map(|node| match node {
            Node::Stmt(Stmt::If(it)) => {
                let decides = nodes_of(&it.body).into_iter().chain(
                    it.elif_else_clauses
                        .iter()
                        .flat_map(|it| nodes_of(&it.body)),
                );
                let mut decides = decides.filter(|node| match node {
                    Node::Stmt(Stmt::Return(_)) => !is_helper,
                    Node::Stmt(it) => {
                        matches!(it, Stmt::Raise(_) | Stmt::Break(_)) || is_assignment(node)
                    }
                    Node::Expr(_) => false,
                });
                match decides.next() {
                    Some(_) => 0,
                    None => count(nodes_of_expr(&it.test)),
                }
            }
            Node::Stmt(Stmt::Return(it)) if is_helper => {
                it.value.as_deref().map_or(0, |it| count(nodes_of_expr(it)))
            }
            Node::Expr(Expr::Call(call)) if self.logs(function, call) => {
                let values = call.arguments.args.iter();
                values.map(|it| count(nodes_of_expr(it))).sum()
            }
            _ => 0,
        });
        idle.sum::<usize>() >= count(own_nodes(self.program.function(function)).collect())
    }

    fn logs(&self, function: FunctionRef, call: &ast::ExprCall) -> bool {
        let callees = self.program.callees(function.file, call).iter();
        let mut names = callees.filter_map(|it| match it {
            Callee::External(name) => Some(name),
            _ => None,
        });
        names.any(|it| it.starts_with("temporalio.workflow.logger."))
    }

    /// Whether no condition of the function looks at the attribute.
    fn is_never_asked(&self, function: FunctionRef, attribute: &ast::ExprAttribute) -> bool {
        let looks = |test: &Expr| {
            nodes_of_expr(test).iter().any(
                |node| matches!(node, Node::Expr(Expr::Attribute(it)) if it.attr == attribute.attr),
            )
        };
        own_nodes(self.program.function(function)).all(|node| match node {
            Node::Stmt(Stmt::If(it)) => {
                let others = it.elif_else_clauses.iter();
                !looks(&it.test) && !others.filter_map(|it| it.test.as_ref()).any(looks)
            }
            Node::Stmt(Stmt::While(it)) => !looks(&it.test),
            Node::Stmt(Stmt::Match(it)) => !looks(&it.subject),
            Node::Expr(Expr::Lambda(it)) => !looks(&it.body),
            _ => true,
        })
    }

    /// What a helper does is repeated with the call; how it returns decides nothing.
    fn in_helpers(&mut self, function: FunctionRef, call: &ast::ExprCall) {
        for helper in self.program.functions(function.file, call) {
            if let (true, Some(def)) = (self.entered.insert(helper), self.program.def(helper)) {
                self.in_body(helper, &def.body, true);
            }
        }
    }

    /// `contextlib.suppress(asyncio.CancelledError)`
    fn suppresses(&self, function: FunctionRef, entered: &Expr) -> bool {
        let Expr::Call(call) = entered else {
            return false;
        };
        let is_cancellation = |class: &Expr| {
            let names = self.model.names_in(function.file);
            let class = names.resolve(function.file, function.ix, class);
            class.is_some_and(|it| it.external().is_some_and(is_cancellation))
        };
        self.program
            .calls(function.file, call, &["contextlib.suppress"])
            && call.arguments.args.iter().any(is_cancellation)
    }
}

/// The arms of conditions and handlers behind which the loop does not go on. The loop around a helper
/// does after a `return`.
fn left_blocks(body: &[Stmt], is_helper: bool) -> Vec<Span> {
    let mut blocks: Vec<&[Stmt]> = Vec::new();
    for node in nodes_of(body) {
        match node {
            Node::Stmt(Stmt::If(it)) => {
                blocks.push(&it.body);
                blocks.extend(it.elif_else_clauses.iter().map(|it| &it.body[..]));
            }
            Node::Stmt(Stmt::Try(it)) => {
                let handlers = it.handlers.iter();
                blocks.extend(handlers.map(|ast::ExceptHandler::ExceptHandler(it)| &it.body[..]));
            }
            _ => {}
        }
    }
    blocks.retain(|block| match block.last() {
        Some(Stmt::Raise(_)) => true,
        Some(Stmt::Return(_) | Stmt::Break(_)) => !is_helper,
        _ => false,
    });
    blocks.into_iter().filter_map(spans).collect()
}

/// Whether an exception class takes a cancellation of the run.
fn is_cancellation(class: &str) -> bool {
    matches!(
        class,
        "BaseException" | "asyncio.CancelledError" | "asyncio.exceptions.CancelledError"
    )
}

/// Whether an exception class takes what an activity or a child makes of a cancellation.
fn wraps_cancellation(class: &str) -> bool {
    let of_temporal = class.strip_prefix("temporalio.exceptions.");
    class == "Exception"
        || matches!(
            of_temporal,
            Some("ActivityError" | "ChildWorkflowError" | "FailureError" | "TemporalError")
        )
}

/// Whether a body awaits an activity or a child, directly or through helpers: a cancellation arrives
/// in its error.
fn awaits_a_command(program: Program<'_, '_>, function: FunctionRef, body: &[Stmt]) -> bool {
    nodes_of(body).iter().any(|node| match node {
        Node::Expr(Expr::Await(it)) => match &*it.value {
            Expr::Call(call) => is_command(program, function.file, call, &mut BTreeSet::new()),
            Expr::Name(name) => is_handle(program, function, name.id.as_str()),
            _ => false,
        },
        _ => false,
    })
}

/// Whether a variable stands for the handle of an activity or a child, alone or one after the other.
fn is_handle(program: Program<'_, '_>, function: FunctionRef, name: &str) -> bool {
    let is = |it: &Expr, name: &str| it.as_name_expr().is_some_and(|it| it.id.as_str() == name);
    let starts = |value: &Expr| {
        let value = value.as_await_expr().map_or(value, |it| &it.value);
        let call = value.as_call_expr();
        call.is_some_and(|call| {
            is_any_of(
                program,
                function.file,
                call,
                [sdk::START_ACTIVITY, sdk::START_CHILD],
            )
        })
    };
    let is_of_handles = |value: &Expr| match value {
        Expr::List(it) => it.elts.iter().any(starts),
        Expr::ListComp(it) => starts(&it.elt),
        Expr::DictComp(it) => starts(&it.value),
        _ => false,
    };
    let nodes: Vec<Node<'_>> = own_nodes(program.function(function)).collect();
    let is_filled = |collection: &str| {
        nodes.iter().any(|node| match node {
            Node::Expr(Expr::Call(call)) => match &*call.func {
                Expr::Attribute(it) => {
                    is(&it.value, collection) && call.arguments.args.iter().any(starts)
                }
                _ => false,
            },
            Node::Stmt(Stmt::Assign(it)) => it.targets.iter().any(|target| match target {
                Expr::Subscript(target) => is(&target.value, collection) && starts(&it.value),
                target => is(target, collection) && is_of_handles(&it.value),
            }),
            Node::Stmt(Stmt::AnnAssign(it)) => {
                is(&it.target, collection) && it.value.as_deref().is_some_and(is_of_handles)
            }
            _ => false,
        })
    };
    nodes.iter().any(|node| match node {
        Node::Stmt(Stmt::Assign(it)) => {
            it.targets.iter().any(|it| is(it, name)) && starts(&it.value)
        }
        Node::Stmt(Stmt::For(it)) => {
            let named = |expr: &Expr, is_it: &dyn Fn(&str) -> bool| {
                nodes_of_expr(expr)
                    .iter()
                    .any(|node| matches!(node, Node::Expr(Expr::Name(it)) if is_it(it.id.as_str())))
            };
            named(&it.target, &|it| it == name) && named(&it.iter, &is_filled)
        }
        _ => false,
    })
}

fn is_any_of(
    program: Program<'_, '_>,
    file: FileId,
    call: &ast::ExprCall,
    lists: [&[&str]; 2],
) -> bool {
    lists.iter().any(|names| program.calls(file, call, names))
}

fn is_command(
    program: Program<'_, '_>,
    file: FileId,
    call: &ast::ExprCall,
    seen: &mut BTreeSet<FunctionRef>,
) -> bool {
    is_any_of(
        program,
        file,
        call,
        [sdk::EXECUTE_ACTIVITY, sdk::EXECUTE_CHILD],
    ) || program.functions(file, call).any(|it| {
        seen.insert(it)
            && own_nodes(program.function(it)).any(|node| match node {
                Node::Expr(Expr::Call(call)) => is_command(program, it.file, call, seen),
                _ => false,
            })
    })
}

/// Whether a cancellation may arrive in a body: it waits for something other than a task that was
/// cancelled on purpose, or one that is shielded.
fn waits(program: Program<'_, '_>, function: FunctionRef, body: &[Stmt]) -> bool {
    let is_meant = |awaited: &Expr| match awaited {
        Expr::Call(call) => program.calls(function.file, call, &["asyncio.shield"]),
        Expr::Name(name) => !is_handle(program, function, name.id.as_str()),
        _ => true,
    };
    nodes_of(body).into_iter().any(|node| match node {
        Node::Expr(Expr::Await(it)) => {
            !is_meant(&it.value) && program.suspends(function.file, &it.value)
        }
        _ => false,
    })
}

/// The handler of a `try` around a wait that takes cancellation and lets the loop go on. The loop
/// around a helper goes on after a `return` as well.
fn goes_on<'p>(
    program: Program<'_, '_>,
    function: FunctionRef,
    it: &'p ast::StmtTry,
    is_helper: bool,
) -> Option<(&'p ast::ExceptHandlerExceptHandler, Severity)> {
    if !waits(program, function, &it.body) {
        return None;
    }
    let remote = awaits_a_command(program, function, &it.body);
    let takes = |handler: &ast::ExceptHandlerExceptHandler, is_meant: &dyn Fn(&str) -> bool| {
        handler.type_.as_deref().is_none_or(|class| {
            let place = Place {
                file: function.file,
                span: span_of(class),
            };
            let known = program.facts.observed.exceptions.get(&place);
            let names = known.into_iter().flat_map(|it| &it.classes);
            let mut names = names.filter_map(|it| it.first());
            names.any(|it| is_meant(it))
        })
    };
    let takes_it = |it: &str| is_cancellation(it) || remote && wraps_cancellation(it);
    let leaves = |handler: &ast::ExceptHandlerExceptHandler| {
        nodes_of(&handler.body).iter().any(|node| match node {
            Node::Stmt(Stmt::Raise(_)) => true,
            Node::Stmt(Stmt::Return(_) | Stmt::Break(_)) => !is_helper,
            _ => false,
        })
    };
    let handlers = it.handlers.iter();
    let mut handlers = handlers.map(|ast::ExceptHandler::ExceptHandler(it)| it);
    let first = handlers.find(|it| takes(it, &takes_it))?;
    let severity = match takes(first, &is_cancellation) {
        true => Severity::Warning,
        // What the handler keeps may well end the loop: that an activity failed is meant.
        false if nodes_of(&first.body).iter().any(is_assignment) => return None,
        false => Severity::Info,
    };
    (!leaves(first) && !looks_at(first)).then_some((first, severity))
}

fn is_assignment(node: &Node<'_>) -> bool {
    matches!(node, Node::Stmt(Stmt::Assign(_) | Stmt::AnnAssign(_)))
}

/// What an `except` clause names, or the keyword.
fn caught(handler: &ast::ExceptHandlerExceptHandler) -> Span {
    let start = span_of(handler).start;
    match &handler.type_ {
        Some(class) => span_of(&**class),
        None => Span::new(start, start + "except".len() as u32),
    }
}

/// How a handler lets a cancellation through.
fn raise_again(handler: &ast::ExceptHandlerExceptHandler) -> String {
    let name = handler.name.as_ref().map_or("error", |it| it.as_str());
    let named = match handler.name {
        Some(_) => "",
        None => "catch it `as error`, and ",
    };
    format!(
        "{named}begin the handler with `if is_cancelled_exception({name}): raise`, from `temporalio.exceptions`"
    )
}

fn in_loop(program: Program<'_, '_>, running: Running<'_>, catch: Catch) -> Finding {
    let function = catch.function;
    let name = running.short_name();
    let message = format!(
        "the cancellation of `{name}` is caught here and the work goes on, so a request that arrives meanwhile is lost"
    );
    let entry = running
        .entries()
        .find(|(_, reach)| reach.runs.contains(&function))
        .map_or(function, |(_, reach)| reach.function);
    let culprit = Culprit::new(function, catch.span, "cancellation is caught here");
    let rule = &SwallowedCancellation::METADATA;
    Finding::reached(rule, program, running, entry, culprit, message)
        .severity(catch.severity)
        .help(catch.help)
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
        // A task that is awaited by its name may have been cancelled on purpose.
        let is_meant = names_cancellation(model, runbook, function, handler.type_.as_deref());
        if is_meant && !awaits_a_call(&it.body) {
            continue;
        }
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
        let span = caught(handler);
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
            name if is_cancellation(name) => Some(Breadth::All),
            _ => None,
        },
        _ => None,
    }
}

fn names_cancellation(
    model: &Model<'_>,
    runbook: &Runbook<'_>,
    function: FunctionIx,
    class: Option<&Expr>,
) -> bool {
    let resolved = class.and_then(|it| model.names.resolve(runbook.file, function, it));
    let name = resolved.as_ref().and_then(Resolved::external);
    name.is_some_and(|it| it != "BaseException" && is_cancellation(it))
}

fn awaits_a_call(body: &[Stmt]) -> bool {
    nodes_of(body)
        .iter()
        .any(|node| matches!(node, Node::Expr(Expr::Await(it)) if it.value.is_call_expr()))
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
        let is_inside = body.contains(span);
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
