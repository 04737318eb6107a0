//! What can be recorded in a history.

use std::collections::BTreeSet;

use lint_core::diagnostic::FileId;
use lint_core::facts::{ClassRef, Facade};
use lint_core::index::MODULE_BODY;
use lint_core::names::{Base, Resolved};
use lint_core::syntax::ast::{self, Expr, Stmt};

use super::imports;
use super::input::Record;
use super::site::Site;
use crate::program::{Node, nodes_of};
use crate::rule::Context;

/// Types of values that can be recorded.
const RECORDED: &[&str] = &[
    "bool",
    "bytes",
    "datetime.datetime",
    "dict",
    "float",
    "int",
    "list",
    "str",
    "typing.Any",
    "typing.Dict",
    "typing.List",
    "typing.Literal",
    "typing.Optional",
    "typing.Union",
    "uuid.UUID",
];

/// Whether values of a type, which is written in this file, can be recorded. In a runbook it is named
/// in another file as well, so that it must need no import.
pub(super) fn is_recorded(cx: &Context<'_>, file: FileId, facade: Facade, kind: &Expr) -> bool {
    is_recorded_within(cx, (file, facade), kind, &mut BTreeSet::new())
}

/// The same for the type of a field of these classes.
fn is_recorded_within(
    cx: &Context<'_>,
    at: (FileId, Facade),
    kind: &Expr,
    classes: &mut BTreeSet<ClassRef>,
) -> bool {
    let (file, facade) = at;
    let mut is_recorded = |it: &Expr| is_recorded_within(cx, at, it, classes);
    let external = |it: &Expr| match cx.names().resolve(file, MODULE_BODY, it) {
        Some(Resolved::External(name)) => Some(name),
        _ => None,
    };
    match kind {
        Expr::NoneLiteral(_) => true,
        Expr::BinOp(it) => {
            it.op == ast::Operator::BitOr && is_recorded(&it.left) && is_recorded(&it.right)
        }
        Expr::Subscript(it) => {
            let parts = match &*it.slice {
                Expr::Tuple(parts) => &parts.elts[..],
                only => std::slice::from_ref(only),
            };
            let is_fine = |it: &Expr| it.is_string_literal_expr() || is_recorded(it);
            let is_dict = matches!(external(&it.value).as_deref(), Some("dict" | "typing.Dict"));
            let has_keys = || {
                let key = parts.first().and_then(external);
                matches!(
                    key.as_deref(),
                    Some("bool" | "float" | "int" | "str" | "typing.Any")
                )
            };
            (!is_dict || has_keys()) && parts.iter().chain([&*it.value]).all(is_fine)
        }
        // An activity's types are looked up when its module is imported.
        Expr::Name(name) if is_for_types_alone(cx, file, name.id.as_str()) => false,
        Expr::Name(_) | Expr::Attribute(_) => match cx.names().resolve(file, MODULE_BODY, kind) {
            Some(Resolved::External(name)) => {
                let is_near = facade == Facade::Temporal || !name.contains('.');
                is_near && RECORDED.contains(&name.as_str())
            }
            Some(Resolved::Class { file, ix }) if facade == Facade::Temporal => {
                keeps_all(cx, ClassRef { file, ix }, classes)
            }
            _ => false,
        },
        _ => false,
    }
}

/// Whether an instance is the same after it was recorded: all its fields are, and nothing is done to
/// them when it is made.
fn keeps_all(cx: &Context<'_>, class: ClassRef, classes: &mut BTreeSet<ClassRef>) -> bool {
    if !classes.insert(class) {
        return true;
    }
    let (project, names) = (cx.facts.project, cx.names());
    if Record::of(cx, names, class).is_none() {
        return false;
    }
    let bases = names.bases(class.file, class.ix);
    let own = bases.iter().filter_map(|it| match it {
        Base::Class { file, ix } => Some((*file, project.module(*file)?.index().class(*ix).node)),
        Base::External(_) | Base::Unknown => None,
    });
    let own: Vec<(FileId, &ast::StmtClassDef)> = own.collect();
    own.into_iter().all(|(file, node)| {
        node.body.iter().all(|it| match it {
            Stmt::AnnAssign(it) => {
                let name = names.resolve(file, MODULE_BODY, head(&it.annotation));
                let is_of_class =
                    name.as_ref().and_then(Resolved::external) == Some("typing.ClassVar");
                is_of_class
                    || is_recorded_within(cx, (file, Facade::Temporal), &it.annotation, classes)
            }
            Stmt::FunctionDef(it) if it.name.as_str() == "__post_init__" => {
                !nodes_of(&it.body).iter().any(|node| match node {
                    Node::Expr(Expr::Attribute(it)) => !it.ctx.is_load(),
                    _ => false,
                })
            }
            _ => true,
        })
    })
}

fn head(kind: &Expr) -> &Expr {
    match kind {
        Expr::Subscript(it) => &it.value,
        _ => kind,
    }
}

fn is_for_types_alone(cx: &Context<'_>, file: FileId, name: &str) -> bool {
    let module = cx.facts.project.module(file);
    module.is_some_and(|it| imports::is_for_types_alone(it.tree(), name))
}

/// The type of an expression, as far as its text tells.
pub(super) fn literal(site: &Site<'_, '_>, expr: &Expr) -> Option<&'static str> {
    match expr {
        Expr::StringLiteral(_) | Expr::FString(_) => Some("str"),
        Expr::BytesLiteral(_) => Some("bytes"),
        Expr::BooleanLiteral(_) | Expr::Compare(_) => Some("bool"),
        Expr::NumberLiteral(it) => match it.value {
            ast::Number::Int(_) => Some("int"),
            ast::Number::Float(_) => Some("float"),
            ast::Number::Complex { .. } => None,
        },
        Expr::UnaryOp(it) if it.op == ast::UnaryOp::Not => Some("bool"),
        Expr::Call(call) => match site.external(&call.func).as_deref()? {
            "str" | "json.dumps" => Some("str"),
            "int" | "len" => Some("int"),
            "float" => Some("float"),
            "bool" | "any" | "all" => Some("bool"),
            _ => None,
        },
        _ => None,
    }
}

/// Whether an expression gives something that is made of texts and numbers, in all likelihood: what
/// a method gives, but no instance and nothing that a library made.
pub(super) fn is_data(site: &Site<'_, '_>, body: &[Stmt], expr: &Expr, depth: usize) -> bool {
    let is_data = |it: &Expr| is_data(site, body, it, depth + 1);
    match expr {
        Expr::Call(call) => match site.external(&call.func).as_deref() {
            Some("dict" | "list" | "sorted" | "sum" | "json.load" | "json.loads") => true,
            Some(_) => false,
            None => call.func.is_attribute_expr() && site.resolve(&call.func).is_none(),
        },
        Expr::Await(it) => is_data(&it.value),
        Expr::BoolOp(it) => it.values.iter().all(is_data),
        Expr::If(it) => is_data(&it.body) && is_data(&it.orelse),
        Expr::Dict(it) => it.items.iter().all(|it| is_data(&it.value)),
        Expr::List(it) => it.elts.iter().all(is_data),
        Expr::ListComp(it) => is_data(&it.elt),
        Expr::NoneLiteral(_) | Expr::Subscript(_) => true,
        // A path is divided by a text.
        Expr::BinOp(it) => it.op != ast::Operator::Div && is_data(&it.left) && is_data(&it.right),
        Expr::Name(name) if depth < 4 => {
            let mut values = assigned(body, name.id.as_str()).peekable();
            values.peek().is_some() && values.all(is_data)
        }
        _ => literal(site, expr).is_some(),
    }
}

/// Whether what is taken from a value exists in data that was recorded.
pub(super) fn is_of_data(attribute: &str) -> bool {
    const OF_DATA: &[&str] = &[
        "copy",
        "count",
        "endswith",
        "format",
        "get",
        "index",
        "items",
        "join",
        "keys",
        "lower",
        "replace",
        "rstrip",
        "split",
        "splitlines",
        "startswith",
        "strip",
        "title",
        "upper",
        "values",
    ];
    OF_DATA.contains(&attribute)
}

/// What is assigned to a variable by its name.
pub(super) fn assigned<'p>(body: &'p [Stmt], name: &str) -> impl Iterator<Item = &'p Expr> {
    let values = nodes_of(body)
        .into_iter()
        .filter_map(move |node| match node {
            Node::Stmt(Stmt::Assign(it)) => match &it.targets[..] {
                [Expr::Name(target)] => Some((target.id.as_str(), &*it.value)),
                _ => None,
            },
            Node::Stmt(Stmt::AnnAssign(it)) => {
                Some((it.target.as_name_expr()?.id.as_str(), it.value.as_deref()?))
            }
            _ => None,
        });
    let of_name: Vec<&Expr> = values
        .filter(|(target, _)| *target == name)
        .map(|(_, value)| value)
        .collect();
    of_name.into_iter()
}
