//! Attributes and elements as they are written, so that two places can be told to mean the same.

use lint_core::syntax::ast::{self, Expr};

use crate::sites::number;

/// The text of an attribute of a name, or of an element of one, without white space: `self.a.b`,
/// `self.rows[key]`.
pub(super) fn path_of(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Name(name) => Some(name.id.to_string()),
        Expr::Attribute(it) => Some(format!("{}.{}", path_of(&it.value)?, it.attr)),
        Expr::Subscript(it) => Some(format!("{}[{}]", path_of(&it.value)?, key_of(&it.slice)?)),
        _ => None,
    }
}

pub(super) fn key_of(expr: &Expr) -> Option<String> {
    match expr {
        Expr::StringLiteral(it) => Some(format!("{:?}", it.value.to_str())),
        Expr::NumberLiteral(_) => number(expr).map(|it| it.to_string()),
        _ => path_of(expr),
    }
}

/// The element that `mapping.get(key)` reads.
pub(super) fn element(call: &ast::ExprCall, method: &ast::ExprAttribute) -> Option<String> {
    if method.attr.as_str() != "get" || !matches!(&*method.value, Expr::Attribute(_)) {
        return None;
    }
    let key = key_of(call.arguments.args.first()?)?;
    Some(format!("{}[{key}]", path_of(&method.value)?))
}

/// The attribute of a path: `self.rows` of `self.rows[key]`.
pub(super) fn attribute_of(expr: &Expr) -> Option<&ast::ExprAttribute> {
    match expr {
        Expr::Attribute(it) => Some(it),
        Expr::Subscript(it) => attribute_of(&it.value),
        _ => None,
    }
}
