//! Members of enums of the project that workflow code asks for and that they do not have.

use lint_core::diagnostic::{FileId, Span};
use lint_core::facts::FunctionRef;
use lint_core::index::{ClassIx, FunctionIx, MODULE_BODY};
use lint_core::names::{Base, Resolved};
use lint_core::suggest::closest;
use lint_core::syntax::ast::{self, Expr, Stmt};
use lint_core::syntax::{last_name, span_of};

use crate::model::Model;
use crate::program::{Node, Program, nodes_of, own_nodes, tried};

/// A member that is not there.
pub(super) struct NoMember {
    pub(super) at: Span,
    pub(super) class: String,
    pub(super) name: String,
    pub(super) help: String,
}

pub(super) fn no_members(
    model: &Model<'_>,
    program: Program<'_, '_>,
    function: FunctionRef,
) -> Vec<NoMember> {
    let nodes: Vec<Node<'_>> = own_nodes(program.function(function)).collect();
    let mut found: Vec<NoMember> = nodes
        .iter()
        .filter_map(|node| match node {
            Node::Expr(Expr::Attribute(it)) if it.ctx.is_load() => no_member(model, function, it),
            _ => None,
        })
        .collect();
    if found.is_empty() {
        return found;
    }
    let careful: Vec<Span> = nodes
        .iter()
        .flat_map(|it| tried(it, "AttributeError"))
        .collect();
    let asks = nodes.iter().any(|node| match node {
        Node::Expr(Expr::Name(it)) => matches!(it.id.as_str(), "hasattr" | "setattr"),
        _ => false,
    });
    found.retain(|it| {
        let is_in = |span: &Span| span.contains(it.at);
        !asks && !careful.iter().any(is_in)
    });
    found
}

fn no_member(
    model: &Model<'_>,
    function: FunctionRef,
    attribute: &ast::ExprAttribute,
) -> Option<NoMember> {
    let name = attribute.attr.as_str();
    // Other names may be of the class of all enums, or of what its members are besides.
    if !name.starts_with(|it: char| it.is_ascii_uppercase()) {
        return None;
    }
    let FunctionRef { file, ix } = function;
    let owner = model.names_in(file).resolve(file, ix, &attribute.value)?;
    let Resolved::Class { file, ix } = owner else {
        return None;
    };
    let members = members(model, file, ix)?;
    if members.contains(&name) || is_added(model, (file, ix), name)? {
        return None;
    }
    let class = model.index(file)?.class(ix).node.name.to_string();
    let help = match closest(name, members.iter().copied()) {
        Some(meant) => format!("write `{class}.{meant}`, if that is meant"),
        None => format!("add `{name}` to `{class}`, or write a member that it has"),
    };
    Some(NoMember {
        at: span_of(attribute),
        class,
        name: name.to_owned(),
        help,
    })
}

/// Whether code beside the class gives it an attribute of this name, or may do so.
fn is_added(model: &Model<'_>, class: (FileId, ClassIx), name: &str) -> Option<bool> {
    let (file, _) = class;
    let names = model.names_in(file);
    let is_other = |function, it: &Expr| match names.resolve(file, function, it) {
        Some(Resolved::Class { file, ix }) => (file, ix) != class,
        Some(_) => true,
        None => matches!(it, Expr::Name(it) if it.id.as_str() == "self"),
    };
    let adds = |function, node: &Node<'_>| match node {
        Node::Expr(Expr::Attribute(it)) if it.ctx.is_store() => {
            it.attr.as_str() == name && !is_other(function, &it.value)
        }
        Node::Expr(Expr::Call(call)) if SETS.contains(&last_name(&call.func)) => {
            let [of, set, ..] = &call.arguments.args[..] else {
                return false;
            };
            let set = set.as_string_literal_expr();
            set.is_none_or(|it| it.value.to_str() == name) && !is_other(function, of)
        }
        _ => false,
    };
    let module = model.project.module(file)?;
    let mut beside = nodes_of(&module.tree().body).into_iter();
    let functions = &module.index().functions;
    let mut functions = functions.iter().enumerate();
    let is_added = beside.any(|node| adds(MODULE_BODY, &node))
        || functions.any(|(ix, it)| own_nodes(Some(it)).any(|node| adds(ix as FunctionIx, &node)));
    Some(is_added)
}

/// What takes an object, a name and a value; `setattr` or the method of a metaclass.
const SETS: &[&str] = &["__setattr__", "extend_enum", "setattr"];

/// What the class and its bases bind; `None` if it is no enum, or not all of it is written out.
fn members<'p>(model: &Model<'p>, file: FileId, class: ClassIx) -> Option<Vec<&'p str>> {
    let mut members = Vec::new();
    let mut is_enum = false;
    for base in model.names_in(file).bases(file, class) {
        match base {
            Base::Class { file, ix } => {
                let class = model.index(file)?.class(ix);
                let arguments = class.node.arguments.as_deref();
                let is_plain = arguments.is_none_or(|it| it.keywords.is_empty())
                    && class.node.decorator_list.iter().all(|it| {
                        let resolved =
                            model
                                .names_in(file)
                                .resolve(file, class.parent, &it.expression);
                        resolved.is_some_and(|it| it.external() == Some("enum.unique"))
                    });
                if !is_plain {
                    return None;
                }
                for statement in &class.node.body {
                    add(statement, &mut members)?;
                }
            }
            Base::External(name) => {
                is_enum |= ENUMS.contains(&name.as_str());
                if !ENUMS.contains(&name.as_str()) && !matches!(name.as_str(), "str" | "int") {
                    return None;
                }
            }
            Base::Unknown => return None,
        }
    }
    is_enum.then_some(members)
}

pub(crate) const ENUMS: &[&str] = &["enum.Enum", "enum.IntEnum", "enum.StrEnum"];

fn add<'p>(statement: &'p Stmt, members: &mut Vec<&'p str>) -> Option<()> {
    match statement {
        Stmt::Assign(it) => {
            for target in &it.targets {
                members.push(target.as_name_expr()?.id.as_str());
            }
        }
        Stmt::AnnAssign(it) => members.push(it.target.as_name_expr()?.id.as_str()),
        // It is called for each class that is derived, and may give it anything.
        Stmt::FunctionDef(it) if it.name.as_str() == "__init_subclass__" => return None,
        Stmt::FunctionDef(it) => members.push(it.name.as_str()),
        Stmt::ClassDef(it) => members.push(it.name.as_str()),
        Stmt::Expr(it) if it.value.is_string_literal_expr() => {}
        Stmt::Pass(_) => {}
        _ => return None,
    }
    Some(())
}
