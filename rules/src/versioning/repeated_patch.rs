use std::collections::{BTreeMap, BTreeSet};

use lint_core::diagnostic::{Diagnostic, Span};
use lint_core::facts::{EntryReach, FunctionRef};
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::{BoolOp, ExceptHandler, Expr, Stmt, StmtIf, UnaryOp};
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use super::patches::{Around, Asked, around, asked, ways_to};
use crate::finding::Finding;
use crate::lifecycle::falls_through;
use crate::program::{Node, Program, Running, nodes_of, nodes_of_expr};
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds `workflow.patched()` that asks for one id in a loop, and an id that one place asks for with
/// `patched()` and another with `deprecate_patch()`.
///
/// ## Why is this bad?
/// The answer is given once for a run and remembered. A run that was started before the patch gets `False`
/// in the round that is replayed, and so in all rounds to come: a loop that runs for months never takes up
/// the new code. An id that is deprecated says that no run needs the old code any more, which `patched()`
/// still chooses elsewhere.
///
/// ## Example
/// ```python
/// from datetime import timedelta
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class PollFeed:
///     @workflow.run
///     async def run(self, feed: str) -> None:
///         for _ in range(1000):
///             step = "read_page" if workflow.patched("read-in-pages") else "read_all"  # RB701
///             await workflow.execute_activity(
///                 step, feed, start_to_close_timeout=timedelta(minutes=5)
///             )
///             await workflow.sleep(3600)
/// ```
///
/// ## Use instead
/// Ask once, before the loop, and let the loop continue as new, so that the next run asks anew. Do so before the
/// patch is deployed: the history of a run that has asked in the loop has the answer there, and does not replay
/// with the question in another place.
/// ```python
/// from datetime import timedelta
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class PollFeed:
///     @workflow.run
///     async def run(self, feed: str) -> None:
///         step = "read_page" if workflow.patched("read-in-pages") else "read_all"
///         for _ in range(24):
///             await workflow.execute_activity(
///                 step, feed, start_to_close_timeout=timedelta(minutes=5)
///             )
///             await workflow.sleep(3600)
///         workflow.continue_as_new(feed)
/// ```
/// An id for each round is another question each time:
/// ```python
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class PollFeed:
///     @workflow.run
///     async def run(self, pages: int) -> None:
///         for page in range(pages):
///             await workflow.sleep(60 if workflow.patched(f"short-{page}") else 3600)
/// ```
///
/// ## Limits
/// Only loops that sleep or wait for a condition are meant, in runs that do not continue as new: others
/// seldom outlive a deployment by much. Where the loop is left with a `return`, or `False` leads to a `return` or
/// `raise` that leaves it, the patch is asked for once. Whether one id stands for two changes, no text tells.
///
/// ## References
/// - <https://docs.temporal.io/develop/python/versioning#patching>
#[derive(RuleMetadata)]
#[rule(
    code = "RB701",
    severity = "warning",
    category = "versioning",
    since = "0.1.0",
    summary = "one patch is asked for in a loop, or is both asked for and deprecated"
)]
pub(crate) struct RepeatedPatch;

impl Rule for RepeatedPatch {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let program = Program::new(cx.facts);
        let mut seen = BTreeSet::new();
        for running in Running::all(cx.facts) {
            for (_, reach) in running.entries() {
                let asked = asked(program, reach);
                let deprecated = deprecated(&asked);
                for it in &asked {
                    let (message, help) = match it.text().filter(|_| !it.deprecates) {
                        Some(id) if deprecated.contains(id) => (
                            format!(
                                "`{id}` is asked for here and deprecated elsewhere in `{}`",
                                running.short_name()
                            ),
                            "give each change an id of its own",
                        ),
                        _ if is_repeated(program, reach, it) => (
                            format!(
                                "the patch is asked for in every round of a loop of `{}`, but answered only once for a run",
                                running.short_name()
                            ),
                            ONCE,
                        ),
                        _ => continue,
                    };
                    if seen.insert(it.culprit().place()) {
                        let entry = reach.function;
                        Finding::reached(
                            &Self::METADATA,
                            program,
                            running,
                            entry,
                            it.culprit(),
                            message,
                        )
                        .help(help)
                        .report(report);
                    }
                }
            }
        }
    }
}

const ONCE: &str = "if it is not deployed yet, ask once, outside the loop; where runs have asked already, leave it until \
                    these are closed, since they do not replay with a question in another place";

fn deprecated<'p>(asked: &[Asked<'p>]) -> BTreeSet<&'p str> {
    let ids: BTreeMap<&str, bool> = asked
        .iter()
        .filter(|it| it.deprecates)
        .filter_map(|it| Some((it.text()?, true)))
        .collect();
    ids.into_keys().collect()
}

/// Whether the same question is asked in the rounds of a loop that may live for long.
fn is_repeated(program: Program<'_, '_>, reach: &EntryReach, it: &Asked<'_>) -> bool {
    let Some(id) = it.id() else {
        return false;
    };
    // Each run asks anew.
    let continues = |it: &FunctionRef| program.calls_of(*it, AGAIN).next().is_some();
    if reach.runs.iter().any(continues) {
        return false;
    }
    let own = program.function(it.function);
    let is_argument = nodes_of_expr(id).iter().any(|node| match node {
        Node::Expr(Expr::Name(name)) => own.is_some_and(|it| it.locals.contains(name.id.as_str())),
        _ => false,
    });
    ways_to(program, reach, it)
        .into_iter()
        .any(|(function, span)| {
            let is_same = |body: &Stmt| match function == it.function {
                true => !varies_within(id, body),
                // What a helper gets as its id may be another one each time.
                false => !is_argument && !varies_within(id, body),
            };
            around(program, function, span).into_iter().any(|outer| {
                matches!(outer, Around::Loop(body) if lives_long(program, function, body)
                && is_same(body)
                && !is_on_the_way_out(program, function, body, span))
            })
        })
}

/// Whether whoever comes to a place in a loop leaves the loop for good: what stands there is returned,
/// or `return`, `break` or `raise` follows, at least for those to whom it answers `False`.
fn is_on_the_way_out(
    program: Program<'_, '_>,
    function: FunctionRef,
    looping: &Stmt,
    at: Span,
) -> bool {
    let body = match looping {
        Stmt::While(it) => &it.body,
        Stmt::For(it) => &it.body,
        _ => return false,
    };
    let leaving = Leaving {
        program,
        function,
        breaks: true,
    };
    leaving.behind(body, at)
}

#[derive(Clone, Copy)]
struct Leaving<'f, 'p> {
    program: Program<'f, 'p>,
    function: FunctionRef,
    /// Whether `break` leaves the loop, and not only one inside it.
    breaks: bool,
}

impl Leaving<'_, '_> {
    /// Whether whoever comes to a place in these statements leaves the loop behind it.
    fn behind(self, body: &[Stmt], at: Span) -> bool {
        let is_there = |it: &Stmt| {
            let span = span_of(it);
            span.contains(at)
        };
        let Some(ix) = body.iter().position(is_there) else {
            return false;
        };
        self.is_left(&body[ix..])
            || self.is_left_when_refused(&body[ix..], at)
            || self.within(&body[ix], at)
    }

    /// Whether these statements end by leaving the loop.
    fn is_left(self, body: &[Stmt]) -> bool {
        let is_left = match body.last() {
            Some(Stmt::Return(_) | Stmt::Raise(_)) => true,
            Some(Stmt::Break(_)) => self.breaks,
            _ => false,
        };
        is_left && !continues(body)
    }

    /// Whether the first of these statements asks, or keeps the answer for the next one that asks, and
    /// those who get `False` leave the loop.
    fn is_left_when_refused(self, body: &[Stmt], at: Span) -> bool {
        let is_there = |it: &Expr| {
            let span = span_of(it);
            span.contains(at)
        };
        match body {
            [Stmt::If(it), rest @ ..] if is_there(&it.test) => {
                self.refuses(it, rest, refused(&it.test, &is_there))
            }
            [Stmt::Assign(kept), Stmt::If(it), rest @ ..] if is_there(&kept.value) => {
                let [Expr::Name(name)] = &kept.targets[..] else {
                    return false;
                };
                let is_kept = |it: &Expr| matches!(it, Expr::Name(it) if it.id == name.id);
                refused(&kept.value, &is_there) == Some(false)
                    && self.refuses(it, rest, refused(&it.test, &is_kept))
            }
            _ => false,
        }
    }

    /// Whether the way that a condition takes with this value leaves the loop.
    fn refuses(self, it: &StmtIf, rest: &[Stmt], value: Option<bool>) -> bool {
        match (value, &it.elif_else_clauses[..]) {
            (Some(true), _) => self.is_left(&it.body),
            (Some(false), []) => self.is_left(rest),
            (Some(false), [last]) if last.test.is_none() => self.is_left(&last.body),
            _ => false,
        }
    }

    fn within(self, statement: &Stmt, at: Span) -> bool {
        let inner = Self {
            breaks: false,
            ..self
        };
        match statement {
            Stmt::Return(_) => true,
            Stmt::If(it) => {
                let mut others = it.elif_else_clauses.iter();
                self.behind(&it.body, at) || others.any(|it| self.behind(&it.body, at))
            }
            Stmt::Match(it) => it.cases.iter().any(|it| self.behind(&it.body, at)),
            Stmt::With(it) => self.behind(&it.body, at),
            Stmt::Try(it) => {
                let handlers = || {
                    let handlers = it.handlers.iter();
                    handlers.map(|ExceptHandler::ExceptHandler(it)| &it.body[..])
                };
                // What fails may be tried again.
                let goes_on = |body: &[Stmt]| {
                    continues(body) || falls_through(self.program, self.function, body)
                };
                !handlers().any(goes_on) && self.behind(&it.body, at)
                    || self.behind(&it.orelse, at)
                    || handlers().any(|it| self.behind(it, at))
            }
            Stmt::For(it) => inner.behind(&it.body, at),
            Stmt::While(it) => inner.behind(&it.body, at),
            _ => false,
        }
    }
}

/// The value of a condition whenever what it asks for last answers `False`.
fn refused(test: &Expr, is_asked: &dyn Fn(&Expr) -> bool) -> Option<bool> {
    match test {
        _ if test.is_name_expr() || test.is_call_expr() => is_asked(test).then_some(false),
        Expr::UnaryOp(it) if it.op == UnaryOp::Not => refused(&it.operand, is_asked).map(|it| !it),
        Expr::BoolOp(it) => {
            let (last, others) = it.values.split_last()?;
            // One operand is enough to make an `and` false and an `or` true.
            let settles = it.op == BoolOp::Or;
            let is_settled = |it: &Expr| refused(it, is_asked) == Some(settles);
            let is_last = || refused(last, is_asked);
            match others.iter().any(is_settled) {
                true => Some(settles),
                false => is_last(),
            }
        }
        _ => None,
    }
}

fn continues(body: &[Stmt]) -> bool {
    let is_continue = |node: &Node<'_>| matches!(node, Node::Stmt(Stmt::Continue(_)));
    nodes_of(body).iter().any(is_continue)
}

/// Whether a loop lets time pass in each round, or waits for messages.
fn lives_long(program: Program<'_, '_>, function: FunctionRef, body: &Stmt) -> bool {
    let calls: Vec<_> = nodes_of(std::slice::from_ref(body))
        .into_iter()
        .filter_map(|node| match node {
            Node::Expr(Expr::Call(call)) => Some(call),
            _ => None,
        })
        .collect();
    let any = |names: &[&str]| {
        calls.iter().any(|call| {
            let by_helper = |it: FunctionRef| {
                crate::program::own_nodes(program.function(it)).any(|node| match node {
                    Node::Expr(Expr::Call(call)) => program.calls(it.file, call, names),
                    _ => false,
                })
            };
            program.calls(function.file, call, names)
                || program.functions(function.file, call).any(by_helper)
        })
    };
    any(WAITS)
}

const WAITS: &[&str] = &[
    "asyncio.sleep",
    "temporalio.workflow.sleep",
    "temporalio.workflow.wait_condition",
];
const AGAIN: &[&str] = &["temporalio.workflow.continue_as_new"];

/// Whether the id is made of a name that the loop binds.
fn varies_within(id: &Expr, body: &Stmt) -> bool {
    let names: BTreeSet<&str> = nodes_of_expr(id)
        .iter()
        .filter_map(|node| match node {
            Node::Expr(Expr::Name(name)) => Some(name.id.as_str()),
            _ => None,
        })
        .collect();
    nodes_of(std::slice::from_ref(body))
        .iter()
        .any(|node| match node {
            Node::Expr(Expr::Name(name)) => !name.ctx.is_load() && names.contains(name.id.as_str()),
            _ => false,
        })
        || nodes_of_expr(id)
            .iter()
            .any(|node| matches!(node, Node::Expr(Expr::Attribute(_) | Expr::Call(_))))
}
