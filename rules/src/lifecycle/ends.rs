//! How `run` ends.

use lint_core::syntax::ast::{self, Expr, Stmt};

use crate::program::{Node, nodes_of};

/// Whether control can leave the statements by a `return` or by their end, and not only by an
/// exception or never.
pub(super) fn can_end(body: &[Stmt]) -> bool {
    let returns = nodes_of(body)
        .iter()
        .any(|node| matches!(node, Node::Stmt(Stmt::Return(_))));
    returns || falls_through(body)
}

fn falls_through(body: &[Stmt]) -> bool {
    body.iter().all(passes)
}

/// Whether control can come to what follows the statement.
fn passes(statement: &Stmt) -> bool {
    match statement {
        Stmt::Return(_) | Stmt::Raise(_) | Stmt::Continue(_) | Stmt::Break(_) => false,
        Stmt::While(it) => !is_true(&it.test) || breaks(&it.body),
        Stmt::If(it) => {
            let has_else = it.elif_else_clauses.iter().any(|it| it.test.is_none());
            let clauses = it.elif_else_clauses.iter().map(|it| &it.body[..]);
            !has_else || falls_through(&it.body) || clauses.into_iter().any(falls_through)
        }
        Stmt::Try(it) => {
            let handlers = it.handlers.iter();
            let caught = handlers
                .map(|ast::ExceptHandler::ExceptHandler(it)| &it.body[..])
                .any(falls_through);
            falls_through(&it.finalbody)
                && (falls_through(&it.body) && falls_through(&it.orelse) || caught)
        }
        Stmt::With(it) => falls_through(&it.body),
        _ => true,
    }
}

fn is_true(test: &Expr) -> bool {
    match test {
        Expr::BooleanLiteral(it) => it.value,
        Expr::NumberLiteral(it) => {
            matches!(&it.value, ast::Number::Int(value) if value.as_u8() == Some(1))
        }
        _ => false,
    }
}

/// Whether a `break` leaves the loop of this body.
fn breaks(body: &[Stmt]) -> bool {
    body.iter().any(|statement| match statement {
        Stmt::Break(_) => true,
        Stmt::If(it) => breaks(&it.body) || it.elif_else_clauses.iter().any(|it| breaks(&it.body)),
        Stmt::Try(it) => {
            let handlers = it.handlers.iter();
            breaks(&it.body)
                || breaks(&it.orelse)
                || breaks(&it.finalbody)
                || handlers
                    .map(|ast::ExceptHandler::ExceptHandler(it)| &it.body[..])
                    .any(breaks)
        }
        Stmt::With(it) => breaks(&it.body),
        Stmt::Match(it) => it.cases.iter().any(|it| breaks(&it.body)),
        // The `else` of an inner loop still belongs to this one.
        Stmt::For(it) => breaks(&it.orelse),
        Stmt::While(it) => breaks(&it.orelse),
        _ => false,
    })
}
