//! Loops that wait for a clock: where the time stands still, they never end.

use lint_core::diagnostic::Span;
use lint_core::syntax::ast::{Expr, Stmt};
use lint_core::syntax::span_of;

use super::site::Site;
use crate::program::{Node, nodes_of, nodes_of_expr};

/// How the time passes in a loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Time {
    /// Not at all: the function was given one.
    Given,
    /// Whenever the workflow waits.
    OfWorkflow,
}

/// What a loop that ends when a clock has moved does where it stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Loop {
    None,
    /// It goes through all that it is given.
    Longer,
    Endless,
}

/// What becomes of the loops around a reading of a clock.
pub(super) fn around(site: &Site<'_, '_>, time: Time) -> Loop {
    let of_one = site.blocks.iter().map(|&block| match block {
        _ if time == Time::OfWorkflow && waits(block) => Loop::None,
        Stmt::While(it) if is_decided(site, &it.body, std::slice::from_ref(&*it.test)) => {
            Loop::Endless
        }
        Stmt::For(it) if is_decided(site, &it.body, &[]) => Loop::Longer,
        _ => Loop::None,
    });
    of_one.max().unwrap_or(Loop::None)
}

fn waits(block: &Stmt) -> bool {
    nodes_of(std::slice::from_ref(block))
        .iter()
        .any(|node| match node {
            Node::Expr(it) => it.is_await_expr(),
            Node::Stmt(Stmt::For(it)) => it.is_async,
            Node::Stmt(Stmt::With(it)) => it.is_async,
            Node::Stmt(_) => false,
        })
}

/// Whether the reading, or a variable that its statement sets, is in a condition on which the loop
/// ends.
fn is_decided(site: &Site<'_, '_>, body: &[Stmt], test: &[Expr]) -> bool {
    let nodes = nodes_of(body);
    let exits = nodes.iter().filter_map(|node| match node {
        Node::Stmt(statement @ Stmt::If(it)) if leaves(statement) => Some(it),
        _ => None,
    });
    let exits = exits.flat_map(|it| {
        let others = it.elif_else_clauses.iter();
        std::iter::once(&*it.test).chain(others.filter_map(|it| it.test.as_ref()))
    });
    let own = span_of(site.expr);
    let set = set_by(site);
    let is_in = |span: Span| span.contains(own);
    let mentions = |condition: &Expr| {
        nodes_of_expr(condition)
            .iter()
            .any(|node| matches!(node, Node::Expr(Expr::Name(it)) if set.contains(&it.id.as_str())))
    };
    exits
        .chain(test)
        .any(|it| is_in(span_of(it)) || mentions(it))
}

fn leaves(statement: &Stmt) -> bool {
    nodes_of(std::slice::from_ref(statement)).iter().any(|it| {
        matches!(
            it,
            Node::Stmt(Stmt::Break(_) | Stmt::Return(_) | Stmt::Raise(_))
        )
    })
}

/// The variables that the statement of the reading sets.
fn set_by<'p>(site: &Site<'_, 'p>) -> Vec<&'p str> {
    let targets = match site.statement {
        Stmt::Assign(it) => &it.targets[..],
        Stmt::AnnAssign(it) => std::slice::from_ref(&*it.target),
        Stmt::AugAssign(it) => std::slice::from_ref(&*it.target),
        _ => return Vec::new(),
    };
    let names = targets.iter().flat_map(nodes_of_expr);
    names
        .filter_map(|node| match node {
            Node::Expr(Expr::Name(it)) => Some(it.id.as_str()),
            _ => None,
        })
        .collect()
}
