//! What becomes of errors that a rule foretells.

use lint_core::diagnostic::Span;
use lint_core::facts::FunctionRef;
use lint_core::syntax::ast::{self, ExceptHandler, Expr, Stmt};
use lint_core::syntax::span_of;

use crate::program::{Node, Program, nodes_of, own_nodes};

/// What becomes of an error that is raised at a place, where the function itself catches it.
pub(super) fn caught(
    program: Program<'_, '_>,
    function: FunctionRef,
    at: Span,
    error: &str,
) -> Option<String> {
    let line = caught_at(program, function, at)?;
    Some(format!(
        "what is tried here always ends with the `{error}` that line {line} catches"
    ))
}

/// The line of the `except` clause that takes whatever is raised at a place, if there is one in the function.
fn caught_at(program: Program<'_, '_>, function: FunctionRef, at: Span) -> Option<u32> {
    let takes_all = |it: &&ast::ExceptHandlerExceptHandler| match it.type_.as_deref() {
        Some(Expr::Name(name)) => matches!(name.id.as_str(), "Exception" | "BaseException"),
        Some(_) => false,
        None => true,
    };
    let raises_again = |it: &&ast::ExceptHandlerExceptHandler| {
        let nodes = nodes_of(&it.body).into_iter();
        nodes
            .into_iter()
            .any(|node| matches!(node, Node::Stmt(Stmt::Raise(it)) if it.exc.is_none()))
    };
    let contains = |body: &[Stmt]| {
        let spans = body.iter().map(span_of);
        spans.into_iter().any(|it| it.contains(at))
    };
    let text = program.facts.project.text(function.file)?;
    let tries = own_nodes(program.function(function)).filter_map(|node| match node {
        Node::Stmt(Stmt::Try(it)) if contains(&it.body) => Some(it),
        _ => None,
    });
    let handlers = tries.flat_map(|it| &it.handlers).map(|it| {
        let ExceptHandler::ExceptHandler(it) = it;
        it
    });
    let taking = handlers.filter(takes_all).filter(|it| !raises_again(it));
    // Those of the innermost `try` come last.
    taking.last().map(|it| text.line(span_of(it).start))
}
