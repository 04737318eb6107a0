//! What a wait has settled: behind `wait_condition(lambda: self.state is not None)` the attribute is
//! set, and stays so if nothing takes it away again. So it is behind a wait for a flag that is set
//! together with it, and where it was set to something: by an activity that always gives one, or
//! from a parameter.

use std::collections::BTreeSet;

use lint_core::diagnostic::Span;
use lint_core::facts::FunctionRef;
use lint_core::index::FunctionNode;
use lint_core::names::Resolved;
use lint_core::syntax::ast::{self, CmpOp, Expr, Stmt, UnaryOp};
use lint_core::syntax::span_of;

use super::stores::{Lack, Read, Stores, excludes, stored};
use crate::model::Model;
use crate::program::{Node, Program, bodies, own_nodes};
use crate::sdk;

/// Helpers are followed back this far.
const MAX_DEPTH: usize = 3;

/// Whether a test asks if an attribute is missing, or a variable that it was read into, and whoever comes
/// to a place of a function has waited until it is there: before it, or before each call of the function
/// among these functions.
pub(super) fn is_waited_for(
    model: &Model<'_>,
    program: Program<'_, '_>,
    test: (FunctionRef, &Expr),
    at: (FunctionRef, Span),
    functions: &BTreeSet<FunctionRef>,
) -> bool {
    let Some((asked, lacks)) = lacking(test.1) else {
        return false;
    };
    let missing = match asked {
        Expr::Attribute(it) => Some(it),
        Expr::Name(it) => read_into(program, test.0, it),
        _ => None,
    };
    let Some(missing) = missing else {
        return false;
    };
    // What a variable holds has been decided where it was read.
    let at = match asked.is_name_expr() && at.0 == test.0 {
        true => (at.0, span_of(missing)),
        false => at,
    };
    let waits = Waits {
        model,
        program,
        functions,
        missing: (test.0, missing),
        lacks,
        stores: Stores::of(program, (test.0, missing)),
    };
    waits.are_before(at, MAX_DEPTH) && !lacks.iter().any(|&it| waits.stores.take_away(it))
}

struct Waits<'f, 'p, 'a> {
    model: &'a Model<'a>,
    program: Program<'f, 'p>,
    functions: &'a BTreeSet<FunctionRef>,
    missing: Read<'a>,
    /// What the test asks for.
    lacks: &'static [Lack],
    stores: Stores<'p>,
}

impl Waits<'_, '_, '_> {
    fn are_before(&self, at: (FunctionRef, Span), depth: usize) -> bool {
        let Some(def) = self.program.def(at.0) else {
            return false;
        };
        let waits = waits_before(self.model, self.program, &def.body, at);
        // What is decorated may be called by the SDK.
        waits.iter().any(|it| self.are_answered(at.0, it))
            || def.decorator_list.is_empty() && depth > 0 && self.are_before_calls(at.0, depth - 1)
    }

    /// Whether nothing that the test asks for is left after the wait.
    fn are_answered(&self, function: FunctionRef, wait: &Wait<'_>) -> bool {
        let waited = (function, wait.attribute);
        if is_same(self.program, self.missing, waited) {
            let is_left = |it: &&Lack| !wait.excludes.contains(it);
            let mut left = self.lacks.iter().filter(is_left);
            return left.all(|&it| !self.stores.may_leave(it));
        }
        let flag = Stores::of(self.program, waited);
        wait.excludes.contains(&Lack::False)
            && self
                .lacks
                .iter()
                .all(|&it| self.stores.come_with(&flag, it))
    }

    fn are_before_calls(&self, function: FunctionRef, depth: usize) -> bool {
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
pub(super) fn missing(test: &Expr) -> Option<&ast::ExprAttribute> {
    lacking(test).and_then(|(asked, _)| asked.as_attribute_expr())
}

/// The attribute of `self.state is not None` and `self.state`.
pub(super) fn present(test: &Expr) -> Option<&ast::ExprAttribute> {
    Wait::of(test).map(|it| it.attribute)
}

/// What a condition asks for that is missing, and what it is then.
fn lacking(test: &Expr) -> Option<(&Expr, &'static [Lack])> {
    match test {
        Expr::UnaryOp(it) if it.op == UnaryOp::Not => Some((&it.operand, ALL)),
        Expr::Compare(it) => Some((compared_with_none(it, CmpOp::Is)?, &[Lack::Nothing])),
        _ => None,
    }
}

/// The attribute that a function reads into a variable, if it stores nothing else there.
fn read_into<'p>(
    program: Program<'_, 'p>,
    function: FunctionRef,
    variable: &ast::ExprName,
) -> Option<&'p ast::ExprAttribute> {
    let function = program.function(function)?;
    let mut parameters = function.node.parameters()?.iter();
    if parameters.any(|it| it.name().id == variable.id) {
        return None;
    }
    let is_it =
        |it: &Expr| matches!(it, Expr::Name(it) if it.ctx.is_store() && it.id == variable.id);
    let stores = own_nodes(Some(function));
    let stores = stores.filter(|it| matches!(it, Node::Expr(it) if is_it(it)));
    let mut read = own_nodes(Some(function)).filter_map(|node| match node {
        Node::Stmt(statement) => stored(statement, &is_it)??.as_attribute_expr(),
        Node::Expr(_) => None,
    });
    read.next().filter(|_| stores.count() == 1)
}

const ALL: &[Lack] = &[Lack::Nothing, Lack::False];

/// A wait until an attribute is there.
struct Wait<'p> {
    attribute: &'p ast::ExprAttribute,
    /// What it is not from then on.
    excludes: &'static [Lack],
}

impl<'p> Wait<'p> {
    /// The wait for `self.state is not None` and `self.state`.
    fn of(test: &'p Expr) -> Option<Self> {
        let (attribute, excludes): (_, &'static [Lack]) = match test {
            Expr::Attribute(it) => (it, ALL),
            Expr::Compare(it) => {
                let asked = compared_with_none(it, CmpOp::IsNot)?;
                (asked.as_attribute_expr()?, &[Lack::Nothing])
            }
            _ => return None,
        };
        Some(Self {
            attribute,
            excludes,
        })
    }
}

fn compared_with_none(it: &ast::ExprCompare, op: CmpOp) -> Option<&Expr> {
    let is_none = matches!(it.comparators[..], [Expr::NoneLiteral(_)]) && it.ops[..] == [op];
    is_none.then_some(&*it.left)
}

/// The waits that stand before a place, in the blocks around it.
fn waits_before<'p>(
    model: &Model<'_>,
    program: Program<'_, 'p>,
    body: &'p [Stmt],
    at: (FunctionRef, Span),
) -> Vec<Wait<'p>> {
    let is_around = |it: &Stmt| {
        let span = span_of(it);
        span.contains(at.1)
    };
    let Some(ix) = body.iter().position(is_around) else {
        return Vec::new();
    };
    let before = body[..ix].iter();
    let mut found: Vec<_> = before
        .filter_map(|it| waited_for(program, at.0, it).or_else(|| given(model, program, at.0, it)))
        .collect();
    let inner = bodies(&body[ix]).into_iter();
    found.extend(inner.flat_map(|it| waits_before(model, program, it, at)));
    found
}

fn waited_for<'p>(
    program: Program<'_, 'p>,
    function: FunctionRef,
    statement: &'p Stmt,
) -> Option<Wait<'p>> {
    let Stmt::Expr(it) = statement else {
        return None;
    };
    let call = it.value.as_await_expr()?.value.as_call_expr()?;
    let predicate = call.arguments.args.first()?.as_lambda_expr()?;
    let is_wait = program.calls(function.file, call, sdk::WAIT_CONDITION);
    Wait::of(&predicate.body).filter(|_| is_wait)
}

/// The attribute that a statement sets, if what it is set to is not `None`.
fn given<'p>(
    model: &Model<'_>,
    program: Program<'_, 'p>,
    function: FunctionRef,
    statement: &'p Stmt,
) -> Option<Wait<'p>> {
    let assigned = statement.as_assign_stmt()?;
    let [Expr::Attribute(attribute)] = &assigned.targets[..] else {
        return None;
    };
    let running = program.function(function)?;
    let excludes: &'static [Lack] = if is_activity_result(model, function, &assigned.value) {
        ALL
    } else if !excludes(running, &assigned.value, Lack::Nothing) {
        return None;
    } else if excludes(running, &assigned.value, Lack::False) {
        ALL
    } else {
        &[Lack::Nothing]
    };
    Some(Wait {
        attribute,
        excludes,
    })
}

/// Whether a value is the result of an activity that is declared to be an object of a class of the project, all of
/// which are true.
fn is_activity_result(model: &Model<'_>, function: FunctionRef, value: &Expr) -> bool {
    returned_by_activity(model, function, value).is_some_and(|class| {
        let mut methods = class.body.iter().filter_map(|it| it.as_function_def_stmt());
        class.bases().is_empty()
            && !methods.any(|it| matches!(it.name.as_str(), "__bool__" | "__len__"))
    })
}

/// The class that an activity is declared to give.
fn returned_by_activity<'m>(
    model: &Model<'m>,
    function: FunctionRef,
    value: &Expr,
) -> Option<&'m ast::StmtClassDef> {
    const EXECUTE: &[&str] = &["temporalio.workflow.execute_activity"];
    let call = value.as_await_expr()?.value.as_call_expr()?;
    let names = model.names_in(function.file);
    let resolve = |it: &Expr| names.resolve(function.file, function.ix, it);
    let is_activity = resolve(&call.func)?
        .external()
        .is_some_and(|it| EXECUTE.contains(&it));
    let Resolved::Function { file, ix } = resolve(call.arguments.args.first()?)? else {
        return None;
    };
    let activity = model.index(file)?.function(ix);
    let FunctionNode::Def(def) = activity.node else {
        return None;
    };
    let returns = def.returns.as_deref().filter(|_| is_activity)?;
    let returned = model
        .names_in(file)
        .resolve(file, activity.parent, returns)?;
    let Resolved::Class { file, ix } = returned else {
        return None;
    };
    Some(model.index(file)?.class(ix).node)
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
