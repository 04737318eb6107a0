//! The attributes that code looks up.

use std::collections::BTreeSet;

use lint_core::syntax::ast::visitor::{Visitor, walk_expr};
use lint_core::syntax::ast::{self, Expr};

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
