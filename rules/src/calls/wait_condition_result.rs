use std::collections::BTreeSet;

use lint_core::diagnostic::{Diagnostic, Span};
use lint_core::facts::FunctionRef;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::{self, BoolOp, ExceptHandler, Expr, Stmt, UnaryOp};
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use super::late_branches::{is_limited, late_branches};
use crate::finding::Finding;
use crate::model::Model;
use crate::program::{Culprit, Node, Program, Running, nodes_of, nodes_of_expr, own_nodes};
use crate::rule::{Context, Rule};
use crate::sdk;

/// ## What it does
/// Finds code that takes the result of `await workflow.wait_condition(…)`, or of `runbook`, for an answer, and code that
/// catches `temporalio.exceptions.TimeoutError` around it. Also branches behind a wait with a limit that are for
/// the case that its condition did not come true, as long as nothing can change in between.
///
/// ## Why is this bad?
/// `wait_condition` returns nothing, and raises `asyncio.TimeoutError` when its time is up. `if not await
/// workflow.wait_condition(…)` is therefore always so, also when the condition came true in time. And the
/// exception of the same name in `temporalio.exceptions` is another class, which tells why an activity
/// or a child failed: the handler never runs, and the time that is up ends the workflow.
///
/// ## Example
/// ```python
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class ApproveNav:
///     def __init__(self) -> None:
///         self.is_approved = False
///
///     @workflow.signal
///     def approve(self, by: str) -> None:
///         self.is_approved = True
///
///     @workflow.run
///     async def run(self, limit: float) -> str:
///         if await workflow.wait_condition(  # RB431
///             lambda: self.is_approved, timeout=limit
///         ):
///             return "approved"
///         return "too late"
/// ```
/// The exception of that name is another one:
/// ```python
/// from temporalio import workflow
/// from temporalio.exceptions import TimeoutError
///
///
/// @workflow.defn
/// class ApproveNav:
///     def __init__(self) -> None:
///         self.is_approved = False
///
///     @workflow.run
///     async def run(self, limit: float) -> str:
///         try:
///             await workflow.wait_condition(lambda: self.is_approved, timeout=limit)
///         except TimeoutError:  # RB431
///             return "too late"
///         return "approved"
/// ```
///
/// ## Use instead
/// ```python
/// import asyncio
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class ApproveNav:
///     def __init__(self) -> None:
///         self.is_approved = False
///
///     @workflow.signal
///     def approve(self, by: str) -> None:
///         self.is_approved = True
///
///     @workflow.run
///     async def run(self, limit: float) -> str:
///         try:
///             await workflow.wait_condition(lambda: self.is_approved, timeout=limit)
///         except asyncio.TimeoutError:
///             return "too late"
///         return "approved"
/// ```
///
/// ## Limits
/// A result is followed into a variable that is set to nothing else in its function but `False` and
/// its like, and no further. In `came or self.is_approved` it does no harm, since what was waited for is asked
/// as well.
#[derive(RuleMetadata)]
#[rule(
    code = "RB431",
    severity = "error",
    category = "calls",
    since = "0.1.0",
    summary = "the outcome of `wait_condition` is looked for where it is not"
)]
pub(crate) struct WaitConditionResult;

impl Rule for WaitConditionResult {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let program = Program::new(cx.facts);
        for (running, entry, function) in Running::functions(cx.facts) {
            let model = &cx.model;
            let asked = asked(program, function).into_iter();
            let asked = asked.map(|it| (span_of(it), span_of(it), &ANSWER));
            let wrong = wrong_classes(model, program, function).into_iter();
            let wrong = wrong.map(|it| (span_of(it), span_of(it), &CLASS));
            let late = late_branches(model, program, function).into_iter();
            let late = late.map(|(wait, it)| (span_of(wait), it, &BRANCH));
            for (wait, span, said) in asked.chain(wrong).chain(late) {
                let culprit = Culprit::new(function, span, said.about);
                let (rule, message) = (&Self::METADATA, said.message);
                let help = match is_caught(model, program, function, wait) {
                    true => said.help_if_caught,
                    false => said.help,
                };
                Finding::reached(rule, program, running, entry, culprit, message)
                    .help(help)
                    .report(report);
            }
        }
    }
}

struct Said {
    message: &'static str,
    about: &'static str,
    help: &'static str,
    /// What to do where the exception of the wait is caught.
    help_if_caught: &'static str,
}

const ANSWER: Said = Said {
    message: "`wait_condition` returns nothing, so this is never true, also when the condition came true in time",
    about: "the result is used here",
    help: "look at the condition itself behind the wait, and catch `asyncio.TimeoutError` around it",
    help_if_caught: "look at the condition itself behind the wait",
};
const CLASS: Said = Said {
    message: "`wait_condition` raises `asyncio.TimeoutError`, which this does not catch, so the workflow fails when the time is up",
    about: "this is caught here",
    help: "catch `asyncio.TimeoutError`",
    help_if_caught: "catch `asyncio.TimeoutError`",
};

const BRANCH: Said = Said {
    message: "`wait_condition` raises `asyncio.TimeoutError` when the time is up, so this branch for what did not come in time never runs",
    about: "this never runs",
    help: "catch `asyncio.TimeoutError` around the wait",
    help_if_caught: "move it to where the `asyncio.TimeoutError` of the wait is caught",
};

/// The waits whose results decide something, or are kept in a variable that is read.
fn asked<'p>(program: Program<'_, 'p>, function: FunctionRef) -> Vec<&'p Expr> {
    let nodes: Vec<Node<'p>> = own_nodes(program.function(function)).collect();
    let is_wait = |it: &Expr| is_wait(program, function, it);
    let harmless = harmless(&nodes, is_wait);
    let mut found: Vec<&'p Expr> = Vec::new();
    for node in &nodes {
        let tests: Vec<&'p Expr> = match node {
            Node::Stmt(Stmt::If(it)) => {
                let others = it.elif_else_clauses.iter();
                let others = others.filter_map(|it| it.test.as_ref());
                std::iter::once(&*it.test).chain(others).collect()
            }
            Node::Stmt(Stmt::While(it)) => vec![&it.test],
            Node::Stmt(Stmt::Assert(it)) => vec![&it.test],
            Node::Expr(Expr::If(it)) => vec![&it.test],
            Node::Expr(Expr::UnaryOp(it)) if it.op == UnaryOp::Not => vec![&it.operand],
            Node::Expr(Expr::BoolOp(it)) => it.values.iter().collect(),
            Node::Expr(Expr::Compare(it)) => vec![&it.left],
            Node::Stmt(Stmt::Assign(it)) if is_asked(&nodes, &harmless, &it.targets, is_wait) => {
                vec![&it.value]
            }
            _ => Vec::new(),
        };
        let values = tests.into_iter().map(|it| match it {
            Expr::Named(it) => &*it.value,
            other => other,
        });
        found.extend(values.filter(|it| is_wait(it) && !harmless.contains(&span_of(*it))));
    }
    found
}

/// The places where a result may be false without harm: what was waited for is asked beside it, and settles it.
fn harmless(nodes: &[Node<'_>], is_wait: impl Fn(&Expr) -> bool) -> BTreeSet<Span> {
    let waits = nodes.iter().filter_map(|node| match node {
        Node::Expr(it) if is_wait(it) => it.as_await_expr()?.value.as_call_expr(),
        _ => None,
    });
    let predicates: Vec<&Expr> = waits.filter_map(|it| it.arguments.args.first()).collect();
    let asks = |it: &Expr| {
        let read = attributes(it);
        predicates.iter().any(|it| match it {
            Expr::Lambda(it) if !calls_something(&it.body) => {
                attributes(&it.body).iter().any(|it| read.contains(it))
            }
            _ => !read.is_empty(),
        })
    };
    let mut found = BTreeSet::new();
    for node in nodes {
        let Node::Expr(Expr::BoolOp(it)) = node else {
            continue;
        };
        let alternatives = alternatives(it);
        if alternatives.iter().any(|it| !is_wait(it) && asks(it)) {
            found.extend(alternatives.into_iter().map(span_of));
        }
    }
    found
}

/// What settles a condition if it is true: the operands of an `or`, and those that an `and` negates.
fn alternatives(condition: &ast::ExprBoolOp) -> Vec<&Expr> {
    let operands = condition.values.iter();
    match condition.op {
        BoolOp::Or => operands.collect(),
        BoolOp::And => {
            let negations = operands.filter_map(Expr::as_unary_op_expr);
            let negations = negations.filter(|it| it.op == UnaryOp::Not);
            negations.map(|it| &*it.operand).collect()
        }
    }
}

/// Whether what an expression asks may stand elsewhere.
fn calls_something(expr: &Expr) -> bool {
    let mut nodes = nodes_of_expr(expr).into_iter();
    nodes.any(|it| matches!(it, Node::Expr(Expr::Call(_))))
}

/// The names of the attributes that an expression reads.
fn attributes(expr: &Expr) -> Vec<&str> {
    let nodes = nodes_of_expr(expr).into_iter();
    let names = nodes.filter_map(|node| match node {
        Node::Expr(Expr::Attribute(it)) => Some(it.attr.as_str()),
        _ => None,
    });
    names.collect()
}

/// Whether what is assigned to is a local that is read where that harms, and that no assignment makes true.
fn is_asked(
    nodes: &[Node<'_>],
    unharmed: &BTreeSet<Span>,
    targets: &[Expr],
    is_wait: impl Fn(&Expr) -> bool,
) -> bool {
    let [Expr::Name(target)] = targets else {
        return false;
    };
    let (mut reads, mut writes, mut harmless) = (0, 0, 0);
    for node in nodes {
        match node {
            Node::Expr(it) if unharmed.contains(&span_of(*it)) => {}
            Node::Expr(Expr::Name(it)) if it.id == target.id => match it.ctx.is_load() {
                true => reads += 1,
                false => writes += 1,
            },
            Node::Stmt(Stmt::Assign(it)) if is_false(&it.value) || is_wait(&it.value) => {
                let same = |it: &&Expr| matches!(it, Expr::Name(it) if it.id == target.id);
                harmless += it.targets.iter().filter(same).count();
            }
            _ => {}
        }
    }
    reads > 0 && writes == harmless
}

fn is_false(value: &Expr) -> bool {
    match value {
        Expr::BooleanLiteral(it) => !it.value,
        Expr::NoneLiteral(_) => true,
        _ => false,
    }
}

fn is_wait(program: Program<'_, '_>, function: FunctionRef, expr: &Expr) -> bool {
    match expr {
        Expr::Await(it) => match &*it.value {
            Expr::Call(call) => program.calls(function.file, call, sdk::WAIT_CONDITION),
            _ => false,
        },
        _ => false,
    }
}

/// Whether a `try` or a `suppress` around a place catches what a wait raises.
fn is_caught(model: &Model<'_>, program: Program<'_, '_>, function: FunctionRef, at: Span) -> bool {
    let contains = |body: &[Stmt]| body.iter().any(|it| span_of(it).contains(at));
    let suppresses = |it: &ast::WithItem| {
        let call = it.context_expr.as_call_expr();
        let call = call.filter(|it| program.calls(function.file, it, &["contextlib.suppress"]));
        call.is_some_and(|it| {
            it.arguments
                .args
                .iter()
                .any(|it| catches(model, function, it))
        })
    };
    own_nodes(program.function(function)).any(|node| match node {
        Node::Stmt(Stmt::Try(it)) => {
            contains(&it.body)
                && it.handlers.iter().any(|ExceptHandler::ExceptHandler(it)| {
                    let types = it.type_.as_deref();
                    types.is_none_or(|it| catches(model, function, it))
                })
        }
        Node::Stmt(Stmt::With(it)) => contains(&it.body) && it.items.iter().any(suppresses),
        _ => false,
    })
}

/// The other `TimeoutError` in handlers around a wait with a timeout, if no handler catches the right one.
fn wrong_classes<'p>(
    model: &Model<'_>,
    program: Program<'_, 'p>,
    function: FunctionRef,
) -> Vec<&'p Expr> {
    let mut found = Vec::new();
    for node in own_nodes(program.function(function)) {
        let Node::Stmt(Stmt::Try(it)) = node else {
            continue;
        };
        let waits = nodes_of(&it.body).iter().any(|node| match node {
            Node::Expr(Expr::Call(call)) => is_limited(program, function, call),
            _ => false,
        });
        let mut types = it.handlers.iter().map(|it| {
            let ExceptHandler::ExceptHandler(it) = it;
            it.type_.as_deref()
        });
        if waits
            && types
                .clone()
                .all(|it| it.is_some_and(|it| !catches(model, function, it)))
        {
            found.extend(types.find_map(|it| it.filter(|it| is_other(model, function, it))));
        }
    }
    found
}

/// The classes that an `except` clause names, by their full names; `None` for what is not known.
fn classes(model: &Model<'_>, function: FunctionRef, types: &Expr) -> Vec<Option<String>> {
    let FunctionRef { file, ix } = function;
    let listed = match types {
        Expr::Tuple(it) => it.elts.iter().collect(),
        other => vec![other],
    };
    let names = model.names_in(file);
    listed
        .into_iter()
        .map(|it| match names.resolve(file, ix, it) {
            Some(resolved) => resolved.external().map(str::to_owned),
            None => it.as_name_expr().map(|it| it.id.to_string()),
        })
        .collect()
}

fn catches(model: &Model<'_>, function: FunctionRef, types: &Expr) -> bool {
    const RIGHT: &[&str] = &[
        "asyncio.TimeoutError",
        "asyncio.exceptions.TimeoutError",
        "TimeoutError",
        "OSError",
        "Exception",
        "BaseException",
    ];
    classes(model, function, types).iter().any(|it| {
        it.as_deref()
            .is_none_or(|it| RIGHT.contains(&it.strip_prefix("builtins.").unwrap_or(it)))
    })
}

fn is_other(model: &Model<'_>, function: FunctionRef, types: &Expr) -> bool {
    const OTHER: &str = "temporalio.exceptions.TimeoutError";
    let classes = classes(model, function, types);
    classes.iter().flatten().any(|it| it == OTHER)
}
