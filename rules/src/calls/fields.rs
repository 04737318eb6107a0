//! What data classes and models of the project have: as payloads they become nothing else.

use std::collections::BTreeSet;

use lint_core::diagnostic::FileId;
use lint_core::index::{Class, ClassIx};
use lint_core::names::{Base, Resolved};
use lint_core::syntax::ast::{self, Expr, Stmt};

use crate::model::Model;
use crate::program::{Node, own_nodes};

/// A data class, or a model of pydantic, of which all members stand in the project.
pub(super) struct Fields<'p> {
    pub(super) name: &'p str,
    members: BTreeSet<&'p str>,
    /// The fields without a default, as far as nothing else may fill them.
    required: Vec<&'p str>,
    is_model: bool,
    /// Whether making an object does nothing but fill its fields.
    is_plain: bool,
}

impl<'p> Fields<'p> {
    /// `None` if it may have members that are not seen.
    pub(super) fn of(model: &Model<'p>, file: FileId, ix: ClassIx) -> Option<Self> {
        let bases = model.names_in(file).bases(file, ix);
        let is_model = bases
            .iter()
            .any(|it| matches!(it, Base::External(name) if name == MODEL));
        let mut fields = Self {
            name: model.index(file)?.class(ix).node.name.as_str(),
            members: BTreeSet::new(),
            required: Vec::new(),
            is_model,
            is_plain: true,
        };
        if !is_model && !is_data_class(model, file, model.index(file)?.class(ix)) {
            return None;
        }
        for base in bases.iter().rev() {
            match base {
                Base::Class { file, ix } => fields.add(model, *file, *ix)?,
                Base::External(name) if HARMLESS.contains(&name.as_str()) => {}
                Base::External(_) | Base::Unknown => return None,
            }
        }
        Some(fields)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        let of_model = name.starts_with("model_") || OF_MODELS.contains(&name);
        self.members.contains(name) || name.starts_with("__") || self.is_model && of_model
    }

    pub(super) fn members(&self) -> impl Iterator<Item = &'p str> {
        self.members.iter().copied()
    }

    /// The fields that have to be given, if nothing else may be made of what is given.
    pub(super) fn required(&self) -> &[&'p str] {
        match self.is_plain {
            true => &self.required,
            false => &[],
        }
    }

    fn add(&mut self, model: &Model<'p>, file: FileId, ix: ClassIx) -> Option<()> {
        let index = model.index(file)?;
        let class = index.class(ix);
        let has_fields = is_data_class(model, file, class);
        let decorators = class.node.decorator_list.len();
        let arguments = class.node.arguments.as_deref();
        let is_known = decorators == usize::from(has_fields)
            && arguments.is_none_or(|it| it.keywords.is_empty());
        self.is_plain &= !takes_init_over(class);
        for statement in &class.node.body {
            self.add_statement(statement, has_fields || self.is_model)?;
        }
        for function in index.functions.iter().filter(|it| it.class == Some(ix)) {
            for node in own_nodes(Some(function)) {
                match node {
                    Node::Expr(Expr::Attribute(it)) if it.ctx.is_store() => {
                        self.members.insert(it.attr.as_str());
                    }
                    Node::Expr(Expr::Attribute(it)) if it.attr.as_str() == "__dict__" => {
                        return None;
                    }
                    Node::Expr(Expr::Name(it)) if matches!(it.id.as_str(), "setattr" | "vars") => {
                        return None;
                    }
                    _ => {}
                }
            }
        }
        is_known.then_some(())
    }

    fn add_statement(&mut self, statement: &'p Stmt, has_fields: bool) -> Option<()> {
        match statement {
            Stmt::AnnAssign(it) => {
                let name = it.target.as_name_expr()?.id.as_str();
                self.members.insert(name);
                self.required.retain(|it| *it != name);
                let is_required = it.value.is_none() && has_fields && !self.may_be_left_out(it);
                self.required.extend(is_required.then_some(name));
                // An alias is what the field is called in the payload.
                self.is_plain &=
                    !(self.is_model && it.value.as_deref().is_some_and(Expr::is_call_expr));
            }
            Stmt::Assign(it) => {
                for target in &it.targets {
                    let name = target.as_name_expr()?.id.as_str();
                    self.members.insert(name);
                    if self.is_model && name == "model_config" {
                        return None;
                    }
                }
            }
            Stmt::FunctionDef(it) => {
                let name = it.name.as_str();
                let is_open = matches!(name, "__getattr__" | "__getattribute__" | "__getitem__");
                let is_init = matches!(name, "__init__" | "__new__");
                let validates = self.is_model && !it.decorator_list.is_empty();
                self.is_plain &= !is_init && !validates;
                self.members.insert(name);
                return (!is_open).then_some(());
            }
            Stmt::ClassDef(it) => {
                self.members.insert(it.name.as_str());
                return (it.name.as_str() != "Config").then_some(());
            }
            Stmt::Pass(_) | Stmt::Expr(_) => {}
            _ => return None,
        }
        Some(())
    }

    /// Whether a field without a default is none, or pydantic may give it one.
    fn may_be_left_out(&self, it: &ast::StmtAnnAssign) -> bool {
        let is_special = |it: &Expr| {
            let of = match it {
                Expr::Subscript(it) => &*it.value,
                other => other,
            };
            let name = match of {
                Expr::Attribute(it) => it.attr.as_str(),
                Expr::Name(it) => it.id.as_str(),
                _ => "",
            };
            matches!(name, "ClassVar" | "InitVar" | "KW_ONLY")
        };
        let is_simple = matches!(&*it.annotation, Expr::Name(_) | Expr::Attribute(_));
        is_special(&it.annotation) || self.is_model && !is_simple
    }
}

const MODEL: &str = "pydantic.BaseModel";

/// The bases outside the project that add no members, or those that are known.
const HARMLESS: &[&str] = &[MODEL, "abc.ABC", "object", "typing.Generic"];

/// What objects have because they are models, beside what begins with `model_`.
const OF_MODELS: &[&str] = &[
    "construct",
    "copy",
    "dict",
    "from_orm",
    "json",
    "parse_file",
    "parse_obj",
    "parse_raw",
    "schema",
    "schema_json",
    "update_forward_refs",
    "validate",
];

pub(super) fn is_data_class(model: &Model<'_>, file: FileId, class: &Class<'_>) -> bool {
    class.node.decorator_list.iter().any(|it| {
        let decorator = match &it.expression {
            Expr::Call(call) => &*call.func,
            other => other,
        };
        let resolved = model.names_in(file).resolve(file, class.parent, decorator);
        resolved.is_some_and(|it| it.external() == Some("dataclasses.dataclass"))
    })
}

/// The name of a class of which the converters make a dictionary, and that of a dictionary if they are asked for it.
pub(super) fn is_data<'p>(model: &Model<'p>, file: FileId, ix: ClassIx) -> Option<&'p str> {
    let is_data = |base: &Base| match base {
        Base::Class { file, ix } => model
            .index(*file)
            .is_some_and(|it| is_data_class(model, *file, it.class(*ix))),
        Base::External(name) => name == MODEL,
        Base::Unknown => false,
    };
    let bases = model.names_in(file).bases(file, ix);
    let name = model.index(file)?.class(ix).node.name.as_str();
    bases.iter().any(is_data).then_some(name)
}

/// `@dataclass(init=False)`
fn takes_init_over(class: &Class<'_>) -> bool {
    class
        .node
        .decorator_list
        .iter()
        .any(|it| match &it.expression {
            Expr::Call(call) => call.arguments.find_keyword("init").is_some(),
            _ => false,
        })
}

/// The class of the project that an annotation names, also beside `None`.
pub(super) fn annotated(
    model: &Model<'_>,
    file: FileId,
    function: lint_core::index::FunctionIx,
    annotation: &Expr,
) -> Option<Annotated> {
    let names = model.names_in(file);
    let again = |it: &Expr| annotated(model, file, function, it);
    match annotation {
        Expr::BinOp(it) if it.right.is_none_literal_expr() => again(&it.left),
        Expr::Subscript(it) => match names.resolve(file, function, &it.value)?.external()? {
            "typing.Optional" => again(&it.slice),
            "list" | "typing.List" => match again(&it.slice)? {
                Annotated::One(file, ix) => Some(Annotated::List(file, ix)),
                Annotated::List(..) => None,
            },
            _ => None,
        },
        _ => match names.resolve(file, function, annotation)? {
            Resolved::Class { file, ix } => Some(Annotated::One(file, ix)),
            _ => None,
        },
    }
}

#[derive(Clone, Copy)]
pub(super) enum Annotated {
    One(FileId, ClassIx),
    List(FileId, ClassIx),
}
