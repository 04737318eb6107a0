//! What a wait has settled: behind `wait_condition(lambda: self.state is not None)` the attribute is
//! set, and stays so if nothing takes it away again.

use std::collections::BTreeSet;

use lint_core::diagnostic::Span;
use lint_core::facts::FunctionRef;
use lint_core::syntax::ast::{self, CmpOp, Expr, Stmt, UnaryOp};
use lint_core::syntax::span_of;

use crate::program::{Node, Program, bodies, own_nodes};

const WAIT: &[&str] = &["temporalio.workflow.wait_condition"];

/// An attribute with the function that reads it.
type Read<'p> = (FunctionRef, &'p ast::ExprAttribute);

/// Helpers are followed back this far.
const MAX_DEPTH: usize = 3;

/// Whether a test asks if an attribute is missing, and whoever comes to a place of a function has waited
/// until it is there: before it, or before each call of the function among these functions.
pub(super) fn is_waited_for(
    program: Program<'_, '_>,
    test: (FunctionRef, &Expr),
    at: (FunctionRef, Span),
    functions: &BTreeSet<FunctionRef>,
) -> bool {
    let Some(missing) = missing(test.1) else {
        return false;
    };
    let waits = Waits {
        program,
        functions,
        missing: (test.0, missing),
    };
    waits.are_before(at, MAX_DEPTH) && !is_taken_away(program, waits.missing)
}

#[derive(Clone, Copy)]
struct Waits<'f, 'p, 'a> {
    program: Program<'f, 'p>,
    functions: &'a BTreeSet<FunctionRef>,
    missing: Read<'a>,
}

impl Waits<'_, '_, '_> {
    fn are_before(self, at: (FunctionRef, Span), depth: usize) -> bool {
        let Some(def) = self.program.def(at.0) else {
            return false;
        };
        let waits = waits_before(self.program, &def.body, at);
        let is_it = |it: &&ast::ExprAttribute| is_same(self.program, self.missing, (at.0, it));
        // What is decorated may be called by the SDK.
        waits.iter().any(is_it)
            || def.decorator_list.is_empty() && depth > 0 && self.are_before_calls(at.0, depth - 1)
    }

    fn are_before_calls(self, function: FunctionRef, depth: usize) -> bool {
        let mut calls = self.functions.iter().flat_map(|&caller| {
            let calls = self.program.own_calls(caller);
            let calls = calls.filter(move |(_, callee)| *callee == function);
            calls.map(move |(call, _)| (caller, span_of(call)))
        });
        let first = calls.next();
        first.is_some_and(|it| self.are_before(it, depth))
            && calls.all(|it| self.are_before(it, depth))
    }
}

/// The attribute of `self.state is None` and `not self.state`.
fn missing(test: &Expr) -> Option<&ast::ExprAttribute> {
    match test {
        Expr::UnaryOp(it) if it.op == UnaryOp::Not => it.operand.as_attribute_expr(),
        Expr::Compare(it) => compared_with_none(it, CmpOp::Is),
        _ => None,
    }
}

/// The attribute of `self.state is not None` and `self.state`.
fn present(test: &Expr) -> Option<&ast::ExprAttribute> {
    match test {
        Expr::Attribute(it) => Some(it),
        Expr::Compare(it) => compared_with_none(it, CmpOp::IsNot),
        _ => None,
    }
}

fn compared_with_none(it: &ast::ExprCompare, op: CmpOp) -> Option<&ast::ExprAttribute> {
    let is_none = matches!(it.comparators[..], [Expr::NoneLiteral(_)]) && it.ops[..] == [op];
    it.left.as_attribute_expr().filter(|_| is_none)
}

/// The attributes for which waits stand before a place, in the blocks around it.
fn waits_before<'p>(
    program: Program<'_, 'p>,
    body: &'p [Stmt],
    at: (FunctionRef, Span),
) -> Vec<&'p ast::ExprAttribute> {
    let is_around = |it: &Stmt| {
        let span = span_of(it);
        span.start <= at.1.start && at.1.end <= span.end
    };
    let Some(ix) = body.iter().position(is_around) else {
        return Vec::new();
    };
    let before = body[..ix].iter();
    let mut found: Vec<_> = before
        .filter_map(|it| waited_for(program, at.0, it))
        .collect();
    let inner = bodies(&body[ix]).into_iter();
    found.extend(inner.flat_map(|it| waits_before(program, it, at)));
    found
}

fn waited_for<'p>(
    program: Program<'_, 'p>,
    function: FunctionRef,
    statement: &'p Stmt,
) -> Option<&'p ast::ExprAttribute> {
    let Stmt::Expr(it) = statement else {
        return None;
    };
    let call = it.value.as_await_expr()?.value.as_call_expr()?;
    let predicate = call.arguments.args.first()?.as_lambda_expr()?;
    let is_wait = program.calls(function.file, call, WAIT);
    present(&predicate.body).filter(|_| is_wait)
}

/// Whether both are the same attribute of one class.
fn is_same(program: Program<'_, '_>, one: Read<'_>, other: Read<'_>) -> bool {
    let owners = program.owners(other.0.file, other.1);
    one.1.attr.as_str() == other.1.attr.as_str()
        && program
            .owners(one.0.file, one.1)
            .iter()
            .any(|it| owners.contains(it))
}

/// Whether anything beside an initialiser sets the attribute to what is false or deletes it, in a file of its class.
fn is_taken_away(program: Program<'_, '_>, read: Read<'_>) -> bool {
    let is_it =
        |it: &Expr| matches!(it, Expr::Attribute(it) if it.attr.as_str() == read.1.attr.as_str());
    let takes = |node: Node<'_>| match node {
        Node::Stmt(Stmt::Assign(it)) => is_false(&it.value) && it.targets.iter().any(is_it),
        Node::Stmt(Stmt::AnnAssign(it)) => {
            is_it(&it.target) && it.value.as_deref().is_some_and(is_false)
        }
        Node::Stmt(Stmt::Delete(it)) => it.targets.iter().any(is_it),
        _ => false,
    };
    program.owners(read.0.file, read.1).iter().any(|class| {
        let functions = program
            .index(class.file)
            .into_iter()
            .flat_map(|it| &it.functions);
        let mut others = functions.filter(|it| !it.qualname.ends_with(".__init__"));
        others.any(|it| own_nodes(Some(it)).any(takes))
    })
}

/// Whether a value that is written out is nothing, or false.
fn is_false(value: &Expr) -> bool {
    match value {
        Expr::NoneLiteral(_) => true,
        Expr::BooleanLiteral(it) => !it.value,
        Expr::StringLiteral(it) => it.value.is_empty(),
        Expr::List(it) => it.elts.is_empty(),
        Expr::Dict(it) => it.items.is_empty(),
        _ => false,
    }
}
