//! Whether code that sets an element of a dictionary knows that it is there.

use std::collections::BTreeSet;

use lint_core::facts::FunctionRef;
use lint_core::syntax::ast::{self, CmpOp, Expr, Stmt, UnaryOp};
use lint_core::syntax::span_of;

use crate::program::{Node, Program, nodes_of_expr, own_nodes};

/// Whether one of the functions that a message runs looks for an element of an attribute and goes on only if it is
/// there, and the one that sets it does not do so because it is missing.
pub(super) fn finds(
    program: Program<'_, '_>,
    runs: &BTreeSet<FunctionRef>,
    function: FunctionRef,
    set: &ast::ExprAttribute,
) -> bool {
    let nodes = |it: FunctionRef| own_nodes(program.function(it));
    let looks = |node: Node<'_>| match node {
        Node::Expr(it) => is_look(it, set),
        Node::Stmt(_) => false,
    };
    let is_missing = |node: Node<'_>| match node {
        Node::Stmt(Stmt::If(it)) => {
            let mut body = it.body.iter();
            body.any(|it| span_of(it).contains(span_of(set))) && asks_whether_missing(&it.test, set)
        }
        _ => false,
    };
    runs.iter().any(|&it| nodes(it).any(looks)) && !nodes(function).any(is_missing)
}

/// `key in self.rows`, `self.rows[key]`, `self.rows.get(key)`
fn is_look(expr: &Expr, set: &ast::ExprAttribute) -> bool {
    let is_it = |it: &Expr| {
        it.as_attribute_expr()
            .is_some_and(|it| it.attr.id == set.attr.id)
    };
    match expr {
        Expr::Compare(it) => {
            let asks = it.ops.contains(&CmpOp::In) || it.ops.contains(&CmpOp::NotIn);
            asks && it.comparators.iter().any(is_it)
        }
        Expr::Subscript(it) => it.ctx.is_load() && is_it(&it.value),
        Expr::Call(call) => {
            let method = call.func.as_attribute_expr();
            let is_get = method.is_some_and(|it| it.attr.as_str() == "get" && is_it(&it.value));
            is_get && call.arguments.len() == 1
        }
        _ => false,
    }
}

/// `key not in self.rows`, `not self.rows.get(key)`, `self.rows.get(key) is None`
fn asks_whether_missing(test: &Expr, set: &ast::ExprAttribute) -> bool {
    nodes_of_expr(test).into_iter().any(|node| match node {
        Node::Expr(it @ Expr::Compare(compared)) => {
            is_look(it, set) && compared.ops.contains(&CmpOp::NotIn)
                || compared.ops.contains(&CmpOp::Is) && is_look(&compared.left, set)
        }
        Node::Expr(Expr::UnaryOp(it)) => it.op == UnaryOp::Not && is_look(&it.operand, set),
        _ => false,
    })
}
