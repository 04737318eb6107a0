use std::collections::BTreeSet;

use lint_core::diagnostic::{Diagnostic, Span};
use lint_core::facts::FunctionRef;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::{Expr, Stmt};
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use super::arrivals::{Arrivals, Before, set_by};
use super::kept::{Messages, assigned, handlers_and_validators, validators_of};
use super::mentioned::{asked_in, events_of};
use super::taken::{Slot, Taker, once};
use crate::calls::Value;
use crate::finding::Finding;
use crate::handlers::Handler;
use crate::program::{Culprit, Node, Program, Running, nodes_of_expr, own_nodes};
use crate::rule::{Context, Rule};
use crate::writes::Write;

/// ## What it does
/// Finds handlers of signals and updates that put a message into one attribute, over what is there, although `run` takes
/// the messages from it one by one: it waits for one, sets back what tells that it is there, works on it and only then
/// waits for the next one.
///
/// ## Why is this bad?
/// The attribute has room for one message. Of those that come while `run` awaits an activity or a timer, all but the
/// last are lost, and of several that come together as well, since their handlers run before `run` goes on. The senders
/// were told that they were delivered, and nothing fails. It was measured on a server: of three signals that came during
/// an activity, and of two that were there when the worker started, `run` has seen the last.
///
/// ## Example
/// ```python
/// from datetime import timedelta
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class AnswerInvestors:
///     def __init__(self) -> None:
///         self.question: str | None = None
///
///     @workflow.signal
///     def ask(self, question: str) -> None:
///         self.question = question  # RB611
///
///     @workflow.run
///     async def run(self) -> None:
///         while True:
///             await workflow.wait_condition(lambda: self.question is not None)
///             question, self.question = self.question, None
///             await workflow.execute_activity(
///                 "answer", question, start_to_close_timeout=timedelta(minutes=5)
///             )
/// ```
///
/// ## Use instead
/// A list has room for all of them:
/// ```python
/// from datetime import timedelta
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class AnswerInvestors:
///     def __init__(self) -> None:
///         self.questions: list[str] = []
///
///     @workflow.signal
///     def ask(self, question: str) -> None:
///         self.questions.append(question)
///
///     @workflow.run
///     async def run(self) -> None:
///         while True:
///             await workflow.wait_condition(lambda: len(self.questions) > 0)
///             await workflow.execute_activity(
///                 "answer", self.questions.pop(0), start_to_close_timeout=timedelta(minutes=5)
///             )
/// ```
///
/// ## Limits
/// What `run` never sets back is the latest of something, such as a price or a status, and so is what it only compares:
/// the message or a part of it has to go to a function or into what is awaited. A loop counts if the wait is the first
/// that it does in each round, since behind a step that asks for an answer the last answer may be meant to count; two
/// waits one after the other, with work in between, are `info` for the same reason. A handler that first asks about the
/// attribute, waits for it, or asks about what `run` sets is left alone, and so is one that adds to a container as well.
///
/// ## References
/// - <https://docs.temporal.io/develop/python/message-passing#message-handler-concurrency>
#[derive(RuleMetadata)]
#[rule(
    code = "RB611",
    severity = "warning",
    category = "lifecycle",
    since = "0.1.0",
    summary = "a message replaces the one before it, which `run` has not taken yet",
    preview = true
)]
pub(crate) struct OverwrittenMessage;

impl Rule for OverwrittenMessage {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let program = Program::new(cx.facts);
        let mut seen = BTreeSet::new();
        for running in Running::all(cx.facts) {
            let slots = slots(program, running);
            if slots.is_empty() {
                continue;
            }
            let messages = Messages::new(program, running);
            for slot in slots {
                let culprit = Culprit::new(slot.at.0, slot.at.1, "the message is put here");
                let severity = Taker::new(&messages, &slot).loses();
                if let Some(severity) = severity.filter(|_| seen.insert(culprit.place())) {
                    let message = format!(
                        "`{}` replaces what is in `self.{}` whether or not `run` of `{}` has taken it, so of several messages that come \
                         while that works on one, all but the last are lost",
                        slot.handler,
                        slot.name,
                        running.short_name()
                    );
                    Finding::reached(
                        &Self::METADATA,
                        program,
                        running,
                        slot.entry,
                        culprit,
                        message,
                    )
                    .severity(severity)
                    .help("append it to a list, from which `run` takes the first one")
                    .report(report);
                }
            }
        }
    }
}

/// The slots of a workflow, but for those whose handler looks first whether they are free, or whether `run` wants
/// something, and those whose message is kept elsewhere as well.
fn slots<'p>(program: Program<'_, 'p>, running: Running<'_>) -> Vec<Slot<'p>> {
    let functions = running.runs_of(|_| true);
    let by_run = set_by(program, &once(running));
    let arrivals = Arrivals {
        program,
        functions: &functions,
    };
    let (handlers, validators) = handlers_and_validators(program, running);
    let mut found = Vec::new();
    for handler in &handlers {
        let own = arrivals.of(handler, &validators_of(program, handler, &validators));
        let adds = |write: &Write<'_>| write.how.is_some_and(|it| !it.takes());
        if own.iter().any(|(_, write, _)| adds(write)) {
            continue;
        }
        for (function, write, before) in own {
            let name = write.attribute.name;
            let is_own = running.reach.bases.contains(&write.attribute.owner);
            let is_asked = |it: &Before<'_>| it.asks_about(name) || it.is_up_to(&by_run, name);
            let at = span_of(write.node);
            if is_own
                && before.is_some_and(|it| !is_asked(&it))
                && brings(program, &functions, function, at)
            {
                let mut tells = raised(program, handler);
                tells.insert(name);
                found.push(Slot {
                    name,
                    handler: handler.name.clone(),
                    entry: handler.function,
                    at: (function, at),
                    tells,
                });
            }
        }
    }
    found
}

/// The flags and events that a handler raises.
fn raised<'p>(program: Program<'_, 'p>, handler: &Handler) -> BTreeSet<&'p str> {
    let mut raised = BTreeSet::new();
    for &function in &handler.runs {
        raised.extend(events_of(program, function));
        let set = statements(program, function).filter_map(assigned);
        let set = set.filter(|(_, _, value)| Value::of(value) == Some(Value::Bool(true)));
        raised.extend(set.map(|(_, name, _)| name));
    }
    raised
}

/// Whether a function sets the attribute that stands at a place to something of its variables, and nothing of what is
/// there.
fn brings(
    program: Program<'_, '_>,
    functions: &BTreeSet<FunctionRef>,
    function: FunctionRef,
    at: Span,
) -> bool {
    let mut set = statements(program, function).filter_map(assigned);
    let set = set.find(|(target, _, _)| span_of(*target) == at);
    set.is_some_and(|(_, name, value)| {
        let is_variable = |node: &Node<'_>| matches!(node, Node::Expr(Expr::Name(it)) if it.id.as_str() != "self");
        nodes_of_expr(value).iter().any(is_variable)
            && !asked_in(program, functions, function, value).contains(name)
    })
}

fn statements<'p>(
    program: Program<'_, 'p>,
    function: FunctionRef,
) -> impl Iterator<Item = &'p Stmt> {
    own_nodes(program.function(function)).filter_map(|node| match node {
        Node::Stmt(it) => Some(it),
        Node::Expr(_) => None,
    })
}
