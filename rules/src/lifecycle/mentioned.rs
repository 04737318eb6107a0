//! The attributes that code looks up.

use std::collections::BTreeSet;

use lint_core::facts::FunctionRef;
use lint_core::syntax::ast::visitor::{Visitor, walk_expr};
use lint_core::syntax::ast::{self, Expr};

use crate::program::{Node, Program, nodes_of_expr, own_nodes};

/// The attributes that a function looks up, also in the functions that it defines.
pub(super) fn attributes_of(def: &ast::StmtFunctionDef) -> BTreeSet<&str> {
    let mut attributes = Attributes::default();
    attributes.visit_body(&def.body);
    attributes.0
}

/// The same for an expression.
pub(super) fn attributes_in(expr: &Expr) -> BTreeSet<&str> {
    let mut attributes = Attributes::default();
    attributes.visit_expr(expr);
    attributes.0
}

pub(super) fn looks_up(expr: &Expr, name: &str) -> bool {
    attributes_in(expr).contains(name)
}

/// The attributes that an expression asks about, itself or in what it calls. A property has the name of its function,
/// which is one of these functions.
pub(super) fn asked_in<'p>(
    program: Program<'_, 'p>,
    functions: &BTreeSet<FunctionRef>,
    function: FunctionRef,
    expr: &'p Expr,
) -> BTreeSet<&'p str> {
    let mut attributes = attributes_in(expr);
    let properties = functions.iter().copied();
    let properties = properties.filter(|it| attributes.contains(program.short_name(*it)));
    let called = called_in(program, function, expr).into_iter();
    let defs = called.chain(properties).filter_map(|it| program.def(it));
    let looked_up: Vec<&str> = defs.flat_map(attributes_of).collect();
    attributes.extend(looked_up);
    attributes
}

/// The functions that an expression runs.
pub(super) fn called_in(
    program: Program<'_, '_>,
    function: FunctionRef,
    expr: &Expr,
) -> BTreeSet<FunctionRef> {
    let calls = nodes_of_expr(expr).into_iter();
    let called = calls.flat_map(|node| {
        let call = match node {
            Node::Expr(Expr::Call(call)) => Some(call),
            _ => None,
        };
        call.into_iter().flat_map(move |call| {
            let callees = program.functions(function.file, call);
            callees.chain(program.callbacks(function.file, call))
        })
    });
    called.flat_map(|it| program.runs_from(it)).collect()
}

/// The events that a function sets.
pub(super) fn events_of<'p>(
    program: Program<'_, 'p>,
    function: FunctionRef,
) -> impl Iterator<Item = &'p str> {
    own_nodes(program.function(function)).filter_map(|node| match node {
        Node::Expr(Expr::Call(call)) => {
            let method = call.func.as_attribute_expr()?;
            let event = method.value.as_attribute_expr()?;
            let is_own = matches!(&*event.value, Expr::Name(it) if it.id.as_str() == "self");
            (method.attr.as_str() == "set" && is_own).then_some(event.attr.as_str())
        }
        _ => None,
    })
}

#[derive(Default)]
struct Attributes<'a>(BTreeSet<&'a str>);

impl<'a> Visitor<'a> for Attributes<'a> {
    fn visit_expr(&mut self, expression: &'a Expr) {
        if let Expr::Attribute(it) = expression {
            self.0.insert(it.attr.as_str());
        }
        walk_expr(self, expression);
    }
}
