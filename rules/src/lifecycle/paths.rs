//! Attributes and elements as they are written, so that two places can be told to mean the same.

use lint_core::diagnostic::FileId;
use lint_core::facts::Callee;
use lint_core::syntax::ast::{self, Expr};

use crate::program::{Node, Program, Running, own_nodes};
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

/// Whether attributes of one class may be of one object. The way from the workflow tells, and where only the object
/// itself says `self`, whether the workflow makes more than one.
pub(super) fn may_be_one(
    program: Program<'_, '_>,
    running: Running<'_>,
    one: (FileId, &ast::ExprAttribute),
    other: (FileId, &ast::ExprAttribute),
) -> bool {
    let way = |(file, attribute)| way(program, running, file, attribute);
    match (way(one), way(other)) {
        (Some(one), Some(other)) => one == other,
        _ => {
            let owners = program.owners(one.0, one.1);
            let makes = |node: Node<'_>, file| match node {
                Node::Expr(Expr::Call(call)) => program
                    .callees(file, call)
                    .iter()
                    .any(|it| matches!(it, Callee::Class(class) if owners.contains(class))),
                _ => false,
            };
            let functions = running.runs_of(|_| true).into_iter();
            let made = functions.map(|it| {
                let nodes = own_nodes(program.function(it));
                nodes.filter(|node| makes(*node, it.file)).count()
            });
            made.sum::<usize>() < 2
        }
    }
}

/// The way from the workflow to an attribute, if each step of it is one.
fn way(
    program: Program<'_, '_>,
    running: Running<'_>,
    file: FileId,
    attribute: &ast::ExprAttribute,
) -> Option<String> {
    let mut first = attribute;
    let mut way = attribute.attr.to_string();
    while let Expr::Attribute(it) = &*first.value {
        first = it;
        way = format!("{}.{way}", it.attr);
    }
    let is_self = matches!(&*first.value, Expr::Name(it) if it.id.as_str() == "self");
    let mut owners = program.owners(file, first).iter();
    let is_own = is_self && owners.any(|it| running.reach.bases.contains(it));
    is_own.then_some(way)
}
