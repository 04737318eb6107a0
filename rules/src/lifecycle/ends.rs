//! How `run` ends.

use lint_core::diagnostic::Span;
use lint_core::facts::FunctionRef;
use lint_core::syntax::ast::visitor::{Visitor, walk_expr};
use lint_core::syntax::ast::{self, Expr, Pattern, Stmt};
use lint_core::syntax::span_of;

use super::handler_continues_as_new::CONTINUE_AS_NEW;
use crate::calls::waits_in_vain;
use crate::program::{Node, Program, nodes_of, own_nodes};
use crate::sdk;

/// Helpers are followed this far.
const MAX_DEPTH: usize = 3;

/// Whether control can leave a function by a `return` or by its end, and not only by an exception or
/// never.
pub(super) fn can_end(program: Program<'_, '_>, function: FunctionRef) -> bool {
    Ends::new(program, function, 0).can_end()
}

/// The last `return` that a function comes by, if that is how it ends, and not by its last statement.
pub(super) fn last_return(program: Program<'_, '_>, function: FunctionRef) -> Option<Span> {
    let ends = Ends::new(program, function, 0);
    let def = program.def(function)?;
    let returns = ends.returns().into_iter().map(span_of);
    returns.last().filter(|_| !ends.falls_through(&def.body))
}

/// Where a wait begins behind which a function never comes.
pub(super) fn stops_at(program: Program<'_, '_>, function: FunctionRef) -> u32 {
    Ends::new(program, function, 0).stops_at()
}

/// Whether the same run can come to what follows these statements of a function.
pub(crate) fn falls_through(
    program: Program<'_, '_>,
    function: FunctionRef,
    body: &[Stmt],
) -> bool {
    let is_one_run = true;
    let ends = Ends::new(program, function, 0);
    Ends { is_one_run, ..ends }.falls_through(body)
}

#[derive(Clone, Copy)]
struct Ends<'f, 'p> {
    program: Program<'f, 'p>,
    function: FunctionRef,
    depth: usize,
    /// Whether continuing as new leads nowhere, and is not one more way to end.
    is_one_run: bool,
}

impl<'f, 'p> Ends<'f, 'p> {
    fn new(program: Program<'f, 'p>, function: FunctionRef, depth: usize) -> Self {
        Self {
            program,
            function,
            depth,
            is_one_run: false,
        }
    }

    fn can_end(self) -> bool {
        let def = self.program.def(self.function);
        def.is_some_and(|def| !self.returns().is_empty() || self.falls_through(&def.body))
    }

    /// The `return` statements that it comes by.
    fn returns(self) -> Vec<&'p Stmt> {
        let def = self.program.def(self.function);
        let body = def.map_or(&[][..], |def| &def.body[..]);
        let end = self.stops_at();
        let reached = body.iter().take_while(|it| span_of(*it).start < end);
        let nodes = nodes_of(&body[..reached.count()]).into_iter();
        let returns = nodes.filter_map(|node| match node {
            Node::Stmt(it @ Stmt::Return(_)) if !self.never_comes_by(it) => Some(it),
            _ => None,
        });
        returns.collect()
    }

    fn stops_at(self) -> u32 {
        let def = self.program.def(self.function);
        let body = def.map_or(&[][..], |def| &def.body[..]);
        let mut stops = body.iter().filter(|it| self.never_comes_by(it));
        stops.next().map_or(u32::MAX, |it| span_of(it).start)
    }

    /// Whether a simple statement waits for what never happens.
    fn never_comes_by(self, statement: &Stmt) -> bool {
        let value = match statement {
            Stmt::Expr(it) => &it.value,
            Stmt::Assign(it) => &it.value,
            Stmt::AnnAssign(ast::StmtAnnAssign {
                value: Some(it), ..
            })
            | Stmt::Return(ast::StmtReturn {
                value: Some(it), ..
            }) => it,
            _ => return false,
        };
        let mut waits = Waits(Vec::new());
        waits.visit_expr(value);
        waits.0.into_iter().any(|it| self.is_for_ever(it))
    }

    /// `asyncio.Future()`, `workflow.wait_condition(lambda: False)` or one on what nothing changes, a
    /// new event or future that nobody else has, a helper that does not end
    fn is_for_ever(self, awaited: &Expr) -> bool {
        const FUTURES: &[&str] = &["asyncio.Future", "asyncio.futures.Future"];
        let file = self.function.file;
        let call = match awaited {
            Expr::Call(call) => call,
            Expr::Name(name) => return self.is_only_awaited(name, FUTURES),
            _ => return false,
        };
        if self.program.calls(file, call, FUTURES) {
            return true;
        }
        if let Expr::Attribute(method) = &*call.func
            && method.attr.as_str() == "wait"
        {
            const EVENTS: &[&str] = &["asyncio.Event"];
            return match &*method.value {
                Expr::Call(made) => self.program.calls(file, made, EVENTS),
                Expr::Name(name) => self.is_only_awaited(name, EVENTS),
                _ => false,
            };
        }
        self.is_wait_in_vain(call) || self.is_endless(call)
    }

    /// Whether a local is made by one of these and then nothing happens to it but this wait.
    fn is_only_awaited(self, name: &ast::ExprName, makers: &[&str]) -> bool {
        let nodes: Vec<Node<'_>> = own_nodes(self.program.function(self.function)).collect();
        let is_made = |it: &Expr| match it {
            Expr::Call(call) => self.program.calls(self.function.file, call, makers),
            _ => false,
        };
        let is_it = |it: &Expr| matches!(it, Expr::Name(it) if it.id == name.id);
        let made = nodes.iter().filter(|node| match node {
            Node::Stmt(Stmt::Assign(it)) => {
                matches!(&it.targets[..], [target] if is_it(target)) && is_made(&it.value)
            }
            Node::Stmt(Stmt::AnnAssign(it)) => {
                is_it(&it.target) && it.value.as_deref().is_some_and(is_made)
            }
            _ => false,
        });
        let uses = nodes
            .iter()
            .filter(|node| matches!(node, Node::Expr(it) if is_it(it)));
        // What a function inside does with it is not looked at.
        let is_shared = nodes.iter().any(|node| {
            matches!(
                node,
                Node::Stmt(Stmt::FunctionDef(_)) | Node::Expr(Expr::Lambda(_))
            )
        });
        !is_shared && made.count() == 1 && uses.count() == 2
    }

    fn is_wait_in_vain(self, call: &ast::ExprCall) -> bool {
        let has_timeout = |it: &ast::Keyword| !it.value.is_none_literal_expr();
        let never = call.arguments.args.first().is_some_and(|it| match it {
            Expr::Lambda(lambda) => {
                matches!(&*lambda.body, Expr::BooleanLiteral(it) if !it.value)
                    || waits_in_vain(self.program, self.function, it).is_some()
            }
            _ => false,
        });
        never
            && call.arguments.args.len() == 1
            && !call.arguments.keywords.iter().any(has_timeout)
            && self
                .program
                .calls(self.function.file, call, sdk::WAIT_CONDITION)
    }

    /// Whether the only function that is called is a coroutine of the project that never ends.
    fn is_endless(self, call: &ast::ExprCall) -> bool {
        let mut callees = self.program.functions(self.function.file, call);
        let (Some(only), None) = (callees.next(), callees.next()) else {
            return false;
        };
        self.depth < MAX_DEPTH
            && only != self.function
            && self.program.is_async(only)
            && !Ends::new(self.program, only, self.depth + 1).can_end()
    }

    fn falls_through(self, body: &[Stmt]) -> bool {
        body.iter().all(|it| self.passes(it))
    }

    /// Whether control can come to what follows the statement.
    fn passes(self, statement: &Stmt) -> bool {
        match statement {
            Stmt::Return(_) | Stmt::Raise(_) | Stmt::Continue(_) | Stmt::Break(_) => false,
            Stmt::Expr(it) => {
                let is_left = self.is_one_run && self.continues_as_new(&it.value);
                !is_left && !self.never_comes_by(statement)
            }
            Stmt::Assign(_) | Stmt::AnnAssign(_) => !self.never_comes_by(statement),
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
            Stmt::Match(it) => {
                let takes_rest = |it: &ast::MatchCase| {
                    let is_name =
                        matches!(&it.pattern, Pattern::MatchAs(it) if it.pattern.is_none());
                    is_name && it.guard.is_none()
                };
                !it.cases.iter().any(takes_rest)
                    || it.cases.iter().any(|it| self.falls_through(&it.body))
            }
            _ => true,
        }
    }

    fn continues_as_new(self, expr: &Expr) -> bool {
        match expr {
            Expr::Call(call) => self
                .program
                .calls(self.function.file, call, CONTINUE_AS_NEW),
            _ => false,
        }
    }
}

/// What an expression awaits whatever comes of its parts.
struct Waits<'a>(Vec<&'a Expr>);

impl<'a> Visitor<'a> for Waits<'a> {
    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Await(it) => {
                self.0.push(&it.value);
                walk_expr(self, expression);
            }
            Expr::BoolOp(it) => self.visit_expr(&it.values[0]),
            Expr::If(it) => self.visit_expr(&it.test),
            Expr::Lambda(_)
            | Expr::ListComp(_)
            | Expr::SetComp(_)
            | Expr::DictComp(_)
            | Expr::Generator(_) => {}
            _ => walk_expr(self, expression),
        }
    }
}

pub(super) fn is_true(test: &Expr) -> bool {
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
