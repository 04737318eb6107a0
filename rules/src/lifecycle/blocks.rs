//! Where something stands among the statements of a function, and whether a loop goes on behind it.

use lint_core::diagnostic::Span;
use lint_core::facts::FunctionRef;
use lint_core::syntax::ast::{ExceptHandler, Stmt};
use lint_core::syntax::span_of;

use super::ends::falls_through;
use crate::program::{Node, Program, bodies, nodes_of};

/// The statement of a block in which something stands, and the block in that.
pub(super) fn around(body: &[Stmt], at: Span) -> Option<(&Stmt, Option<&[Stmt]>)> {
    let statement = body.iter().find(|it| is_around(it, at))?;
    let inner = bodies(statement).into_iter();
    let mut inner = inner.filter(|it| it.iter().any(|it| is_around(it, at)));
    Some((statement, inner.next()))
}

fn is_around(statement: &Stmt, at: Span) -> bool {
    span_of(statement).contains(at)
}

/// Whether a loop with this body may come to its next round after what is awaited in it.
pub(super) fn goes_on(
    program: Program<'_, '_>,
    function: FunctionRef,
    body: &[Stmt],
    awaited: Span,
) -> bool {
    Round { program, function }.after(body, awaited) != Way::Leaves
}

/// One round of a loop of a function.
struct Round<'f, 'p> {
    program: Program<'f, 'p>,
    function: FunctionRef,
}

/// Where control goes from a place of a block. Of several ways the last of these counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    Leaves,
    /// To what follows the block.
    Passes,
    /// To the next round.
    Continues,
}

impl Round<'_, '_> {
    fn after(&self, block: &[Stmt], at: Span) -> Way {
        let Some(ix) = block.iter().position(|it| is_around(it, at)) else {
            return Way::Passes;
        };
        match self.after_within(&block[ix], at) {
            Way::Passes => self.through(&block[ix + 1..]),
            way => way,
        }
    }

    fn after_within(&self, statement: &Stmt, at: Span) -> Way {
        let whole = std::slice::from_ref(statement);
        let inner = around(whole, at).and_then(|(_, inner)| inner);
        match (statement, inner) {
            // What leaves an inner loop stays in this one.
            (Stmt::For(_) | Stmt::While(_), Some(_)) | (_, None) => self.through(whole),
            (Stmt::Try(it), Some(inner)) => {
                let mut ways = vec![self.after(inner, at)];
                if it.body.iter().any(|it| is_around(it, at)) {
                    if ways[0] == Way::Passes {
                        ways[0] = self.through(&it.orelse);
                    }
                    // What is awaited may raise.
                    let handlers = it.handlers.iter();
                    ways.extend(
                        handlers.map(|ExceptHandler::ExceptHandler(it)| self.through(&it.body)),
                    );
                }
                let way = ways.into_iter().max().unwrap_or(Way::Leaves);
                match self.through(&it.finalbody) {
                    Way::Passes => way,
                    last => last,
                }
            }
            (_, Some(inner)) => self.after(inner, at),
        }
    }

    fn through(&self, block: &[Stmt]) -> Way {
        let passes =
            |it: &&Stmt| falls_through(self.program, self.function, std::slice::from_ref(*it));
        let Some(last) = block.iter().find(|it| !passes(it)) else {
            return Way::Passes;
        };
        let nodes = nodes_of(std::slice::from_ref(last));
        let continues = |it: &Node<'_>| matches!(it, Node::Stmt(Stmt::Continue(_)));
        match nodes.iter().any(continues) {
            true => Way::Continues,
            false => Way::Leaves,
        }
    }
}

/// The `break` and `return` statements that leave a loop with this body.
pub(super) fn exits(body: &[Stmt]) -> Vec<&Stmt> {
    let mut found = Vec::new();
    for statement in body {
        let inner = bodies(statement).into_iter().flat_map(exits);
        let is_loop = statement.is_for_stmt() || statement.is_while_stmt();
        match statement {
            Stmt::Break(_) | Stmt::Return(_) => found.push(statement),
            _ if is_loop => found.extend(inner.filter(|it| it.is_return_stmt())),
            _ => found.extend(inner),
        }
    }
    found
}
