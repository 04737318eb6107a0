//! Where something stands among the statements of a function, and whether a loop goes on behind it.

use lint_core::diagnostic::Span;
use lint_core::syntax::ast::Stmt;
use lint_core::syntax::span_of;

use crate::program::bodies;

/// The statement of a block in which something stands, and the block in that.
pub(super) fn around(body: &[Stmt], at: Span) -> Option<(&Stmt, Option<&[Stmt]>)> {
    let is_around = |it: &Stmt| span_of(it).contains(at);
    let statement = body.iter().find(|it| is_around(it))?;
    let inner = bodies(statement).into_iter();
    let mut inner = inner.filter(|it| it.iter().any(is_around));
    Some((statement, inner.next()))
}

/// Whether a loop with this body may come to its next round after what is awaited in it.
pub(super) fn goes_on(body: &[Stmt], awaited: Span) -> bool {
    ended(body, awaited).is_none_or(Stmt::is_continue_stmt)
}

/// The statement that ends the round after what is awaited in it, if one always does.
fn ended(body: &[Stmt], awaited: Span) -> Option<&Stmt> {
    let (statement, inner) = around(body, awaited)?;
    // What leaves an inner loop stays in this one.
    let is_loop = statement.is_for_stmt() || statement.is_while_stmt();
    let inner = inner.filter(|_| !is_loop);
    let mut from = body.iter().skip_while(|it| !std::ptr::eq(*it, statement));
    inner.and_then(|it| ended(it, awaited)).or_else(|| {
        from.find(|it| {
            it.is_return_stmt() || it.is_raise_stmt() || it.is_break_stmt() || it.is_continue_stmt()
        })
    })
}
