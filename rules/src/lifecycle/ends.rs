//! How `run` ends.

use lint_core::facts::FunctionRef;
use lint_core::syntax::ast::{self, Expr, Stmt};
use lint_core::syntax::span_of;

use crate::calls::waits_in_vain;
use crate::program::{Node, Program, nodes_of};

/// Whether control can leave a function by a `return` or by its end, and not only by an exception or
/// never.
pub(super) fn can_end(program: Program<'_, '_>, function: FunctionRef) -> bool {
    program.def(function).is_some_and(|def| {
        let end = stops_at(program, function);
        let reached = def.body.iter().take_while(|it| span_of(*it).start < end);
        let reached = &def.body[..reached.count()];
        let returns = nodes_of(reached)
            .iter()
            .any(|node| matches!(node, Node::Stmt(Stmt::Return(_))));
        returns || Ends { program, function }.falls_through(&def.body)
    })
}

/// Where a wait begins behind which a function never comes.
pub(super) fn stops_at(program: Program<'_, '_>, function: FunctionRef) -> u32 {
    let body = program.def(function).map_or(&[][..], |def| &def.body[..]);
    let mut stops = body
        .iter()
        .filter(|it| waits_for_ever(program, function, it));
    stops.next().map_or(u32::MAX, |it| span_of(it).start)
}

/// `await workflow.wait_condition(lambda: False)`, one on what nothing changes, or
/// `await asyncio.Future()`
fn waits_for_ever(program: Program<'_, '_>, function: FunctionRef, statement: &Stmt) -> bool {
    const WAIT: &[&str] = &["temporalio.workflow.wait_condition"];
    let Stmt::Expr(it) = statement else {
        return false;
    };
    let Expr::Await(it) = &*it.value else {
        return false;
    };
    let Expr::Call(call) = &*it.value else {
        return false;
    };
    if program.calls(
        function.file,
        call,
        &["asyncio.Future", "asyncio.futures.Future"],
    ) {
        return true;
    }
    let has_timeout = |it: &ast::Keyword| !it.value.is_none_literal_expr();
    let never = call.arguments.args.first().is_some_and(|it| match it {
        Expr::Lambda(lambda) => {
            matches!(&*lambda.body, Expr::BooleanLiteral(it) if !it.value)
                || waits_in_vain(program, function, it).is_some()
        }
        _ => false,
    });
    never
        && call.arguments.args.len() == 1
        && !call.arguments.keywords.iter().any(has_timeout)
        && program.calls(function.file, call, WAIT)
}

#[derive(Clone, Copy)]
struct Ends<'f, 'p> {
    program: Program<'f, 'p>,
    function: FunctionRef,
}

impl Ends<'_, '_> {
    fn falls_through(self, body: &[Stmt]) -> bool {
        body.iter().all(|it| self.passes(it))
    }

    /// Whether control can come to what follows the statement.
    fn passes(self, statement: &Stmt) -> bool {
        match statement {
            Stmt::Return(_) | Stmt::Raise(_) | Stmt::Continue(_) | Stmt::Break(_) => false,
            Stmt::Expr(_) => !waits_for_ever(self.program, self.function, statement),
            Stmt::While(it) => !is_true(&it.test) || breaks(&it.body),
            Stmt::If(it) => {
                let has_else = it.elif_else_clauses.iter().any(|it| it.test.is_none());
                let mut clauses = it.elif_else_clauses.iter().map(|it| &it.body[..]);
                !has_else
                    || self.falls_through(&it.body)
                    || clauses.any(|it| self.falls_through(it))
            }
            Stmt::Try(it) => {
                let caught = it
                    .handlers
                    .iter()
                    .map(|ast::ExceptHandler::ExceptHandler(it)| &it.body[..])
                    .any(|it| self.falls_through(it));
                self.falls_through(&it.finalbody)
                    && (self.falls_through(&it.body) && self.falls_through(&it.orelse) || caught)
            }
            Stmt::With(it) => self.falls_through(&it.body),
            _ => true,
        }
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
