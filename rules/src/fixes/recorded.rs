//! What can be recorded in a history, and what code makes of it.

use lint_core::diagnostic::FileId;
use lint_core::facts::{ClassRef, Facade, FunctionRef};
use lint_core::index::MODULE_BODY;
use lint_core::names::Resolved;
use lint_core::syntax::ast::{self, Expr, Stmt};

use super::imports;
use super::input::Record;
use super::site::Site;
use crate::program::{Node, Program, nodes_of, own_nodes};
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
    let is_recorded = |it: &Expr| is_recorded(cx, file, facade, it);
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
            is_recorded(&it.value) && parts.iter().all(is_fine)
        }
        // An activity's types are looked up when its module is imported.
        Expr::Name(name) if is_for_types_alone(cx, file, name.id.as_str()) => false,
        Expr::Name(_) | Expr::Attribute(_) => match cx.names().resolve(file, MODULE_BODY, kind) {
            Some(Resolved::External(name)) => {
                let is_near = facade == Facade::Temporal || !name.contains('.');
                is_near && RECORDED.contains(&name.as_str())
            }
            Some(Resolved::Class { file, ix }) if facade == Facade::Temporal => {
                Record::of(cx, cx.names(), ClassRef { file, ix }).is_some()
            }
            _ => false,
        },
        _ => false,
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
fn assigned<'p>(body: &'p [Stmt], name: &str) -> impl Iterator<Item = &'p Expr> {
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

/// Whether a function leaves something behind in the process, which it would leave behind in that of
/// the activity: a module's variable or container, or a context variable.
pub(super) fn leaves_state(cx: &Context<'_>, it: FunctionRef) -> bool {
    let program = Program::new(cx.facts);
    program.runs_from(it).into_iter().any(|it| {
        let Some(function) = program.function(it) else {
            return false;
        };
        own_nodes(Some(function)).any(|node| match node {
            Node::Stmt(Stmt::Global(_)) => true,
            Node::Expr(Expr::Subscript(subscript)) if !subscript.ctx.is_load() => {
                is_of_module(cx, it, &subscript.value)
            }
            Node::Expr(Expr::Attribute(attribute)) if !attribute.ctx.is_load() => {
                is_of_module(cx, it, &attribute.value)
            }
            Node::Expr(Expr::Call(call)) => match &*call.func {
                Expr::Attribute(method) => {
                    let name = method.attr.as_str();
                    (CHANGE.contains(&name) || name == "set")
                        && is_container_of_module(cx, it, &method.value)
                }
                _ => false,
            },
            _ => false,
        })
    })
}

/// Whether an expression is a variable of a module, or a part of one.
fn is_of_module(cx: &Context<'_>, it: FunctionRef, expr: &Expr) -> bool {
    match expr {
        Expr::Subscript(inner) => is_of_module(cx, it, &inner.value),
        _ => matches!(
            cx.names().resolve(it.file, it.ix, expr),
            Some(Resolved::Variable { .. })
        ),
    }
}

/// Whether it is one that a module fills with a container, or a context variable.
fn is_container_of_module(cx: &Context<'_>, it: FunctionRef, expr: &Expr) -> bool {
    const CONTAINERS: &[&str] = &[
        "collections.Counter",
        "collections.OrderedDict",
        "collections.defaultdict",
        "collections.deque",
        "contextvars.ContextVar",
        "dict",
        "list",
        "set",
    ];
    let Some(Resolved::Variable { file, name }) = cx.names().resolve(it.file, it.ix, expr) else {
        return false;
    };
    match cx.names().value(file, &name) {
        Some(Expr::Call(call)) => {
            let callee = cx.names().resolve(file, MODULE_BODY, &call.func);
            let callee = callee.as_ref().and_then(Resolved::external);
            callee.is_some_and(|it| CONTAINERS.contains(&it))
        }
        Some(value) => matches!(
            value,
            Expr::Dict(_) | Expr::List(_) | Expr::Set(_) | Expr::DictComp(_) | Expr::ListComp(_)
        ),
        None => false,
    }
}

/// Methods that change a container.
const CHANGE: &[&str] = &[
    "add",
    "append",
    "clear",
    "discard",
    "extend",
    "insert",
    "pop",
    "popitem",
    "remove",
    "reverse",
    "setdefault",
    "sort",
    "update",
];

/// Whether code changes what a variable stands for.
pub(super) fn changes(body: &[Stmt], name: &str) -> bool {
    fn root(expr: &Expr) -> Option<&str> {
        match expr {
            Expr::Name(it) => Some(it.id.as_str()),
            Expr::Attribute(it) => root(&it.value),
            Expr::Subscript(it) => root(&it.value),
            _ => None,
        }
    }
    nodes_of(body).iter().any(|node| match node {
        Node::Expr(expr @ Expr::Attribute(it)) if !it.ctx.is_load() => root(expr) == Some(name),
        Node::Expr(expr @ Expr::Subscript(it)) if !it.ctx.is_load() => root(expr) == Some(name),
        Node::Expr(Expr::Call(call)) => match &*call.func {
            Expr::Attribute(it) => {
                let is_given = |it: &Expr| root(it) == Some(name);
                let shuffles = it.attr.as_str() == "shuffle";
                CHANGE.contains(&it.attr.as_str()) && is_given(&it.value)
                    || shuffles && call.arguments.args.first().is_some_and(is_given)
            }
            _ => false,
        },
        _ => false,
    })
}
