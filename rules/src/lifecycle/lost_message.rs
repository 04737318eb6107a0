use std::collections::BTreeSet;

use lint_core::diagnostic::{Diagnostic, Severity, Span};
use lint_core::facts::FunctionRef;
use lint_core::knowledge::Role;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::{self, CmpOp, Expr, Stmt};
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use super::kept::{Lost, Messages, emptied};
use super::waited::missing;
use crate::finding::Finding;
use crate::program::{Culprit, Node, Program, Running, nodes_of, nodes_of_expr, own_nodes};
use crate::rule::{Context, Rule};
use crate::writes;

/// ## What it does
/// Finds what signal and update handlers keep for `run`, and `run` throws away unread: it sets the attribute to
/// something empty, to its input or to the result of a step before anything has looked at it, or back right before it
/// waits for it, or continues as new without what is still in a queue or a flag. Also signals that a handler drops
/// because `run` has not yet replaced a placeholder.
///
/// ## Why is this bad?
/// A message that comes with the start of a workflow, or before its first task is done, is handled before `run`
/// begins: first `__init__`, then the handlers, then `run`. And a message that comes while an activity runs has
/// been handled when the activity is done; the next run does not get it again. The sender was told that it was
/// delivered, and nothing fails.
///
/// ## Example
/// ```python
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class ApproveNav:
///     def __init__(self) -> None:
///         self.approved_by: list[str] = []
///
///     @workflow.signal
///     def approve(self, by: str) -> None:
///         self.approved_by.append(by)
///
///     @workflow.run
///     async def run(self, fund: str) -> list[str]:
///         self.approved_by = []  # RB609
///         await workflow.wait_condition(lambda: len(self.approved_by) > 1)
///         return self.approved_by
/// ```
/// What came during the activity is not in the next run:
/// ```python
/// from datetime import timedelta
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class BookOrders:
///     def __init__(self) -> None:
///         self.orders: list[str] = []
///
///     @workflow.signal
///     def order(self, name: str) -> None:
///         self.orders.append(name)
///
///     @workflow.run
///     async def run(self, booked: int) -> None:
///         while True:
///             await workflow.wait_condition(lambda: len(self.orders) > 0)
///             await workflow.execute_activity(
///                 "book", self.orders.pop(0), start_to_close_timeout=timedelta(minutes=1)
///             )
///             booked += 1
///             if workflow.info().is_continue_as_new_suggested():
///                 workflow.continue_as_new(booked)  # RB609
/// ```
///
/// ## Use instead
/// Set attributes in `__init__`, from the input with `@workflow.init` if need be:
/// ```python
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class ApproveNav:
///     def __init__(self) -> None:
///         self.approved_by: list[str] = []
///
///     @workflow.signal
///     def approve(self, by: str) -> None:
///         self.approved_by.append(by)
///
///     @workflow.run
///     async def run(self, fund: str) -> list[str]:
///         await workflow.wait_condition(lambda: len(self.approved_by) > 1)
///         return self.approved_by
/// ```
/// Hand on what is left, or go on until nothing is:
/// ```python
/// from datetime import timedelta
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class BookOrders:
///     def __init__(self) -> None:
///         self.orders: list[str] = []
///
///     @workflow.signal
///     def order(self, name: str) -> None:
///         self.orders.append(name)
///
///     @workflow.run
///     async def run(self, booked: int) -> None:
///         while True:
///             await workflow.wait_condition(lambda: len(self.orders) > 0)
///             await workflow.execute_activity(
///                 "book", self.orders.pop(0), start_to_close_timeout=timedelta(minutes=1)
///             )
///             booked += 1
///             if not self.orders and workflow.info().is_continue_as_new_suggested():
///                 workflow.continue_as_new(booked)
/// ```
///
/// ## Limits
/// What `run` sets at its start counts if no condition decides on it, a plain value only if `run` then waits for another
/// one, a result only if handlers put something into what was there, and behind an `await` what is set to a plain
/// value right before a wait for it, if nobody has looked at it, or at what the handler writes beside it, since other
/// code ran. A queue is an attribute that a signal handler adds to and code of `run` takes from, a flag one that
/// begins with nothing; what is asked about it after the last `await`, or read for the input of the next run, is
/// taken for care. A handler that first asks about what `run` sets keeps nothing that could be lost. A placeholder is `info`, since the first message may be meant to come later.
///
/// ## References
/// - <https://docs.temporal.io/develop/python/message-passing#initialize-workflow-state>
#[derive(RuleMetadata)]
#[rule(
    code = "RB609",
    severity = "warning",
    category = "lifecycle",
    since = "0.1.0",
    summary = "what a handler has kept for `run` is thrown away unread",
    preview = true
)]
pub(crate) struct LostMessage;

impl Rule for LostMessage {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let program = Program::new(cx.facts);
        let mut seen = BTreeSet::new();
        for running in Running::all(cx.facts) {
            let messages = Messages::new(program, running);
            for (_, run) in running.entries_of(|role| role == Role::Run) {
                let mut lost = messages.set_back(run.function);
                for &function in &run.runs {
                    lost.extend(messages.left_behind(function));
                    lost.extend(messages.put_to_sleep(function));
                }
                lost.extend(messages.dropped(run.function));
                for it in lost {
                    let culprit = Culprit::new(it.function, it.span, "this is lost here");
                    if seen.insert(culprit.place()) {
                        let rule = &Self::METADATA;
                        let entry = run.function;
                        Finding::reached(rule, program, running, entry, culprit, it.message)
                            .severity(it.severity)
                            .help(it.help)
                            .report(report);
                    }
                }
            }
        }
    }
}

impl<'p> Messages<'_, 'p> {
    /// Signals that are dropped as long as an attribute has the placeholder of `__init__`, which only `run` replaces.
    fn dropped(&self, run: FunctionRef) -> Vec<Lost> {
        let placeholders = self.placeholders(run);
        let mut found = Vec::new();
        let signals = self.early.iter().filter(|it| it.role == Role::Signal);
        for handler in signals {
            let def = self.program.def(handler.function);
            let body = def.map_or(&[][..], |it| &it.body[..]);
            // Behind an `await`, `run` has begun.
            let at_once = body.iter().take_while(|it| !awaits(it));
            for it in at_once.filter_map(|it| it.as_if_stmt()) {
                let only_returns = matches!(it.body.last(), Some(Stmt::Return(it)) if it.value.is_none())
                    && it.body.iter().rev().skip(1).all(Stmt::is_expr_stmt)
                    && it.elif_else_clauses.is_empty();
                let asked = unlike(&it.test).filter(|it| placeholders.contains(it.attr.as_str()));
                if let Some(asked) = asked.filter(|_| only_returns) {
                    found.push(Lost {
                        function: handler.function,
                        span: span_of(&*it.test),
                        message: format!(
                            "`{}` drops what comes before `run` of `{}` sets `self.{}`, such as a signal that comes with the start",
                            handler.name,
                            self.running.short_name(),
                            asked.attr
                        ),
                        help: "set it in `__init__`, from the input with `@workflow.init`",
                        severity: Severity::Info,
                    });
                }
            }
        }
        found
    }

    /// The attributes that `__init__` sets to something empty, and nobody but `run` to something of its input.
    fn placeholders(&self, run: FunctionRef) -> BTreeSet<&'p str> {
        let Some(def) = self.program.def(run) else {
            return BTreeSet::new();
        };
        let is_input = |it: &Expr| {
            nodes_of_expr(it).iter().any(|node| match node {
                Node::Expr(Expr::Name(it)) => {
                    let mut parameters = def.parameters.iter_non_variadic_params().skip(1);
                    parameters.any(|parameter| parameter.name().as_str() == it.id.as_str())
                }
                _ => false,
            })
        };
        let (mut begun, mut set, mut others) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for &function in &self.functions {
            let is_init = self.makers.contains(&function);
            let emptied = emptied(self.program, function);
            let given = own_nodes(self.program.function(function)).filter_map(|node| match node {
                Node::Stmt(Stmt::Assign(it)) if is_input(&it.value) => Some(&it.targets),
                _ => None,
            });
            let given: BTreeSet<Span> = given.flatten().map(span_of).collect();
            let writes = writes::in_function(self.program, function).into_iter();
            for write in writes.filter(|it| self.is_own(it)) {
                let span = span_of(write.node);
                let names = match () {
                    () if is_init && emptied.contains(&span) => &mut begun,
                    () if function == run && given.contains(&span) => &mut set,
                    () => &mut others,
                };
                names.insert(write.attribute.name);
            }
        }
        set.retain(|it| begun.contains(it) && !others.contains(it));
        set
    }
}

fn awaits(statement: &Stmt) -> bool {
    let mut nodes = nodes_of(std::slice::from_ref(statement)).into_iter();
    nodes.any(|node| match node {
        Node::Expr(it) => it.is_await_expr(),
        Node::Stmt(Stmt::With(it)) => it.is_async,
        Node::Stmt(_) => false,
    })
}

/// The attribute for which a test is true as long as it is missing, or unlike something else.
fn unlike(test: &Expr) -> Option<&ast::ExprAttribute> {
    let other = test
        .as_compare_expr()
        .filter(|it| it.ops[..] == [CmpOp::NotEq]);
    missing(test).or_else(|| {
        let other = other?;
        let left = other.left.as_attribute_expr();
        left.or_else(|| other.comparators[0].as_attribute_expr())
    })
}
