//! What a payload is certain to be, and whether it becomes what a parameter is annotated with.
//!
//! The answers are those of the converters of the SDK, the default one and the one for pydantic, as
//! `tests/runtime` has them: a data class and a dictionary are the same to them, and so are a list
//! and a tuple.

use std::fmt;

use lint_core::diagnostic::FileId;
use lint_core::index::{FunctionIx, FunctionNode};
use lint_core::names::{Base, Resolved};
use lint_core::syntax::ast::{self, Expr, Number, Operator};

use crate::model::Model;
use crate::sdk;
use crate::sites::{Written, hides_keywords, keyword};

/// The shape of a value as JSON has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    Text,
    Integer,
    Float,
    Bool,
    List,
    Mapping,
    /// An instance of a data class or model, by its name.
    Object(String),
}

impl Shape {
    /// What an expression gives, where the text leaves no doubt.
    pub(super) fn of_value(model: &Model<'_>, at: Written<'_>) -> Option<Self> {
        Some(match at.value {
            Expr::StringLiteral(_) | Expr::FString(_) => Self::Text,
            Expr::BooleanLiteral(_) => Self::Bool,
            Expr::NumberLiteral(it) => match it.value {
                Number::Int(_) => Self::Integer,
                Number::Float(_) => Self::Float,
                Number::Complex { .. } => return None,
            },
            Expr::List(_) | Expr::ListComp(_) | Expr::Tuple(_) => Self::List,
            Expr::Dict(_) | Expr::DictComp(_) => Self::Mapping,
            Expr::BinOp(it) => {
                let side = |value| Self::of_value(model, at.with(value));
                match (side(&it.left)?, side(&it.right)?) {
                    (Self::Integer, Self::Integer) if it.op != Operator::Div => Self::Integer,
                    (Self::Integer | Self::Float, Self::Integer | Self::Float) => Self::Float,
                    _ => return None,
                }
            }
            // Nothing but a duration has seconds in total.
            Expr::Call(call) if matches!(&*call.func, Expr::Attribute(it) if it.attr.as_str() == "total_seconds") => {
                Self::Float
            }
            Expr::Call(call) => {
                let names = model.names_in(at.file);
                match names.resolve(at.file, at.function, &call.func)? {
                    Resolved::External(name) => Self::of_builtin(&name)?,
                    Resolved::Class { file, ix } => Self::of_class(model, file, ix)?,
                    _ => return None,
                }
            }
            Expr::Await(it) => return Self::of_result(model, at, it.value.as_call_expr()?),
            Expr::Name(name) => return Self::of_name(model, at, name.id.as_str()),
            Expr::Attribute(_) => {
                let followed = at.followed(model);
                let is_constant = !followed.value.is_attribute_expr();
                return is_constant
                    .then(|| Self::of_value(model, followed))
                    .flatten();
            }
            _ => return None,
        })
    }

    /// What an activity, or a coroutine of the project, is annotated to return.
    fn of_result(model: &Model<'_>, at: Written<'_>, call: &ast::ExprCall) -> Option<Self> {
        let names = model.names_in(at.file);
        let (called, decorators) = match names.resolve(at.file, at.function, &call.func)? {
            Resolved::External(name) if sdk::EXECUTE_ACTIVITY.contains(&name.as_str()) => {
                let is_typed = hides_keywords(call) || keyword(call, "result_type").is_some();
                let target = call.arguments.args.first().filter(|_| !is_typed)?;
                (names.resolve(at.file, at.function, target)?, 1)
            }
            called => (called, 0),
        };
        let Resolved::Function { file, ix } = called else {
            return None;
        };
        let function = model.index(file)?.function(ix);
        let FunctionNode::Def(def) = function.node else {
            return None;
        };
        let is_plain = def.decorator_list.len() == decorators;
        let returns = def.returns.as_deref().filter(|_| is_plain)?;
        Self::of_annotation(model, file, function.parent, returns)
    }

    fn of_name(model: &Model<'_>, at: Written<'_>, name: &str) -> Option<Self> {
        let index = model.index(at.file)?;
        let function = index.function(at.function);
        let parameters = function.node.parameters().into_iter();
        let mut parameters = parameters.flat_map(ast::Parameters::iter_non_variadic_params);
        if let Some(parameter) = parameters.find(|it| it.name().as_str() == name) {
            let is_set_again = model
                .names_in(at.file)
                .is_set_again(at.file, at.function, name);
            let annotation = parameter.annotation()?;
            let is_certain = parameter.default().is_none() && !is_set_again;
            return Self::of_annotation(model, at.file, function.parent, annotation)
                .filter(|_| is_certain);
        }
        let names = model.names_in(at.file);
        if let Some((function, value)) = names.local_value(at.file, at.function, name) {
            let at = Written {
                function,
                ..at.with(value)
            };
            return (!value.is_name_expr())
                .then(|| Self::of_value(model, at))
                .flatten();
        }
        let followed = at.followed(model);
        let is_constant = !followed.value.is_name_expr();
        is_constant
            .then(|| Self::of_value(model, followed))
            .flatten()
    }

    /// What a plain annotation asks for.
    pub(super) fn of_annotation(
        model: &Model<'_>,
        file: FileId,
        function: FunctionIx,
        annotation: &Expr,
    ) -> Option<Self> {
        let of = match annotation {
            Expr::Subscript(it) => &*it.value,
            other => other,
        };
        match model.names_in(file).resolve(file, function, of)? {
            Resolved::External(name) => Self::of_builtin(&name),
            Resolved::Class { file, ix } => Self::of_class(model, file, ix),
            _ => None,
        }
    }

    fn of_builtin(name: &str) -> Option<Self> {
        Some(match name {
            "str" => Self::Text,
            "int" => Self::Integer,
            "float" => Self::Float,
            "bool" => Self::Bool,
            "list" | "typing.List" => Self::List,
            "dict" | "typing.Dict" => Self::Mapping,
            _ => return None,
        })
    }

    /// A data class, or a model of pydantic that is nothing else.
    fn of_class(model: &Model<'_>, file: FileId, ix: u32) -> Option<Self> {
        let names = model.names_in(file);
        let class = model.index(file)?.class(ix);
        let bases = names.bases(file, ix);
        let is_known = |base: &Base| match base {
            Base::Class { .. } => true,
            Base::External(name) => matches!(name.as_str(), "pydantic.BaseModel" | "object"),
            Base::Unknown => false,
        };
        let is_model = bases
            .iter()
            .any(|it| matches!(it, Base::External(name) if name == "pydantic.BaseModel"));
        let is_data_class = class.node.decorator_list.iter().any(|it| {
            let decorator = match &it.expression {
                Expr::Call(call) => &*call.func,
                other => other,
            };
            let resolved = names.resolve(file, class.parent, decorator);
            resolved.is_some_and(|it| it.external() == Some("dataclasses.dataclass"))
        });
        let is_plain = bases.iter().all(is_known) && (is_model || is_data_class);
        is_plain.then(|| Self::Object(class.node.name.to_string()))
    }

    /// Whether no converter of the SDK makes the other of this, but for characters of text.
    pub(super) fn is_never(&self, wanted: &Self) -> bool {
        use Shape::{Bool, Float, Integer, List, Mapping, Object, Text};
        match self {
            Text => *wanted != Text,
            // To pydantic, 1 is true.
            Integer | Float | Bool => !matches!(wanted, Integer | Float | Bool),
            List => *wanted != List,
            // The keys of a dictionary are taken for a list.
            Mapping | Object(_) => matches!(wanted, Text | Integer | Float | Bool),
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "`str`",
            Self::Integer => "`int`",
            Self::Float => "`float`",
            Self::Bool => "`bool`",
            Self::List => "`list`",
            Self::Mapping => "`dict`",
            Self::Object(name) => return write!(f, "`{name}`"),
        })
    }
}
