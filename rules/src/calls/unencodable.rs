//! What the converters of the SDK make no JSON of, and what they make of no JSON.
//!
//! The answers are those of the default converter, as `tests/runtime` has them. That for pydantic writes
//! all that Python brings along.

use lint_core::diagnostic::FileId;
use lint_core::index::{Class, ClassIx, FunctionIx};
use lint_core::names::{Base, Resolved};
use lint_core::syntax::ast::{self, Expr, Operator, Stmt};
use lint_core::syntax::last_name;

use super::fields::is_data_class;
use crate::model::Model;
use crate::program::{Node, own_nodes};
use crate::sites::Written;

/// Something that is no JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NoJson {
    /// What it is, in the words of a message.
    pub(super) what: String,
    /// Whether the converter for pydantic makes no JSON of it either.
    pub(super) is_never: bool,
    /// What to send instead.
    pub(super) help: &'static str,
}

/// Whether a type is asked to become JSON, or JSON to become of that type.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Write,
    Read,
}

/// How far names, fields and elements are followed.
const MAX_HOPS: u32 = 8;

/// Asks of values and types, a number of steps deep.
#[derive(Clone, Copy)]
pub(super) struct Asks<'m, 'p> {
    model: &'m Model<'p>,
    hops: u32,
}

impl<'m, 'p> Asks<'m, 'p> {
    pub(super) fn new(model: &'m Model<'p>) -> Self {
        Self {
            model,
            hops: MAX_HOPS,
        }
    }

    fn deeper(self) -> Option<Self> {
        let hops = self.hops.checked_sub(1)?;
        Some(Self { hops, ..self })
    }

    /// The parts of a value of which no JSON becomes, where they are written.
    pub(super) fn parts(self, at: Written<'p>, found: &mut Vec<(&'p Expr, NoJson)>) {
        let mut again = |it: &'p Expr| self.parts(at.with(it), found);
        match at.value {
            Expr::List(it) => it.elts.iter().for_each(again),
            Expr::Tuple(it) => it.elts.iter().for_each(again),
            Expr::Set(it) => it.elts.iter().for_each(again),
            Expr::Dict(it) => {
                it.items.iter().for_each(|it| again(&it.value));
                let keys = it.items.iter().filter_map(|it| it.key.as_ref());
                found.extend(keys.filter_map(|it| Some((it, self.key(at.with(it))?))));
            }
            _ => found.extend(self.value(at).map(|it| (at.value, it))),
        }
    }

    /// A key that no converter turns into a text.
    fn key(self, at: Written<'p>) -> Option<NoJson> {
        match at.value {
            Expr::Tuple(_) => Some(key("a tuple")),
            _ => Some(key(&self.value(at)?.what)),
        }
    }

    /// The value of an expression, where the text leaves no doubt.
    fn value(self, at: Written<'p>) -> Option<NoJson> {
        let again = self.deeper()?;
        match at.value {
            Expr::Lambda(_) => Some(never("a function", CALL)),
            Expr::EllipsisLiteral(_) => Some(never("`...`", "pass what is meant")),
            Expr::Call(call) => again.call(at, call),
            Expr::Await(it) => match &*it.value {
                Expr::Call(call) => again.returned(at, call, true),
                _ => None,
            },
            Expr::BinOp(it) => again.operation(at, it),
            Expr::ListComp(it) => again.value(at.with(&it.elt)),
            Expr::SetComp(it) => again.value(at.with(&it.elt)),
            Expr::Generator(it) => again.value(at.with(&it.elt)),
            Expr::DictComp(it) => {
                let key = it.key.as_deref().and_then(|it| again.key(at.with(it)));
                key.or_else(|| again.value(at.with(&it.value)))
            }
            Expr::Name(it) => again.name(at, it.id.as_str()),
            Expr::Attribute(it) => again.attribute(at, it),
            Expr::List(_) | Expr::Tuple(_) | Expr::Set(_) | Expr::Dict(_) => {
                let mut found = Vec::new();
                again.parts(at, &mut found);
                found.into_iter().next().map(|(_, it)| it)
            }
            _ => None,
        }
    }

    fn call(self, at: Written<'p>, call: &'p ast::ExprCall) -> Option<NoJson> {
        match self.resolved(at.with(&call.func)) {
            Some(Resolved::External(name)) => made(&name),
            Some(Resolved::Class { file, ix }) => {
                let class = self.class(file, ix, Way::Write);
                class.or_else(|| self.given(at, file, ix, call))
            }
            Some(Resolved::Function { .. }) => self.returned(at, call, false),
            _ => {
                let method = call.func.as_attribute_expr()?;
                let is_of_datetime = self.is_datetime(at.with(&method.value));
                match method.attr.as_str() {
                    "date" if is_of_datetime => external("datetime.date"),
                    "time" | "timetz" if is_of_datetime => external("datetime.time"),
                    _ => None,
                }
            }
        }
    }

    /// What a data class is given, which is filled with it.
    fn given(
        self,
        at: Written<'p>,
        file: FileId,
        ix: ClassIx,
        call: &'p ast::ExprCall,
    ) -> Option<NoJson> {
        let class = self.model.index(file)?.class(ix);
        let is_filled = is_data_class(self.model, file, class) && !defines(class, "__init__");
        let by_name = call.arguments.keywords.iter().map(|it| &it.value);
        let mut all = call.arguments.args.iter().chain(by_name);
        let found = all.find_map(|it| self.value(at.with(it)));
        found.filter(|_| is_filled)
    }

    /// What a function of the project is annotated to return.
    fn returned(
        self,
        at: Written<'p>,
        call: &'p ast::ExprCall,
        is_awaited: bool,
    ) -> Option<NoJson> {
        let Resolved::Function { file, ix } = self.resolved(at.with(&call.func))? else {
            return None;
        };
        let function = self.model.index(file)?.function(ix);
        let lint_core::index::FunctionNode::Def(def) = function.node else {
            return None;
        };
        let is_plain = def.decorator_list.is_empty() && def.is_async == is_awaited;
        let returns = def.returns.as_deref().filter(|_| is_plain)?;
        self.type_(file, function.parent, returns, Way::Write)
    }

    fn operation(self, at: Written<'p>, it: &'p ast::ExprBinOp) -> Option<NoJson> {
        let (left, right) = (at.with(&it.left), at.with(&it.right));
        if it.op == Operator::Sub && self.is_datetime(left) && self.is_datetime(right) {
            return external("datetime.timedelta");
        }
        let side = |at| self.value(at).map(|it| it.what);
        let decimal = external("decimal.Decimal")?;
        let path = external("pathlib.Path")?;
        match it.op {
            Operator::Div if side(left).as_ref() == Some(&path.what) => Some(path),
            Operator::Add | Operator::Sub | Operator::Mult | Operator::Div => [left, right]
                .into_iter()
                .any(|it| side(it).as_ref() == Some(&decimal.what))
                .then_some(decimal),
            _ => None,
        }
    }

    fn name(self, at: Written<'p>, name: &str) -> Option<NoJson> {
        if let Some((function, annotation)) = self.parameter(at, name) {
            return self.type_(at.file, function, annotation, Way::Write);
        }
        let names = self.model.names_in(at.file);
        if let Some((function, value)) = names.local_value(at.file, at.function, name) {
            return self.value(Written {
                function,
                ..at.with(value)
            });
        }
        match self.resolved(at)? {
            Resolved::Function { .. } => Some(never("a function", CALL)),
            Resolved::Class { .. } => Some(never("a class", "pass an instance, or its name")),
            Resolved::Variable { .. } => {
                let followed = at.followed(self.model);
                let is_followed = !followed.value.is_name_expr();
                self.value(followed).filter(|_| is_followed)
            }
            _ => None,
        }
    }

    /// A member of an enum, a field of a parameter, or an attribute of `self`.
    fn attribute(self, at: Written<'p>, it: &'p ast::ExprAttribute) -> Option<NoJson> {
        let attribute = it.attr.as_str();
        if let Some(Resolved::Class { file, ix }) = self.resolved(at.with(&it.value)) {
            let is_member = assigns(self.model.index(file)?.class(ix), attribute);
            return self.enumeration(file, ix).filter(|_| is_member);
        }
        let of = it.value.as_name_expr()?.id.as_str();
        let names = self.model.names_in(at.file);
        if let Some(class) = names.self_class(at.file, at.function, of) {
            return self.kept(at, class, attribute);
        }
        let (function, annotation) = self.parameter(at, of)?;
        let Resolved::Class { file, ix } = names.resolve(at.file, function, annotation)? else {
            return None;
        };
        let class = self.model.index(file)?.class(ix);
        let field = fields(class).find(|it| name_of(it) == Some(attribute))?;
        self.type_(file, class.parent, &field.annotation, Way::Write)
    }

    /// What an attribute of an object is, if it is that wherever a method sets it.
    fn kept(self, at: Written<'p>, class: ClassIx, attribute: &str) -> Option<NoJson> {
        let index = self.model.index(at.file)?;
        let is_it = |it: &Expr| {
            it.as_attribute_expr()
                .is_some_and(|it| it.attr.as_str() == attribute && it.ctx.is_store())
        };
        let (mut stores, mut values) = (0, Vec::new());
        for (function, it) in index.functions.iter().enumerate() {
            for node in own_nodes(Some(it)) {
                let value = match node {
                    Node::Expr(target) => {
                        stores += usize::from(is_it(target));
                        continue;
                    }
                    Node::Stmt(Stmt::Assign(it)) if it.targets.iter().any(is_it) => &*it.value,
                    Node::Stmt(Stmt::AnnAssign(it)) if is_it(&it.target) => it.value.as_deref()?,
                    Node::Stmt(_) => continue,
                };
                let at = Written {
                    function: function as FunctionIx,
                    ..at.with(value)
                };
                values.push(self.value(at)?);
            }
        }
        let is_bare = !assigns(index.class(class), attribute);
        let is_all = stores == values.len() && is_bare;
        values.into_iter().next().filter(|_| is_all)
    }

    /// The annotation of a parameter that is nothing else, and where its names are looked up.
    fn parameter(self, at: Written<'p>, name: &str) -> Option<(FunctionIx, &'p Expr)> {
        let function = self.model.index(at.file)?.function(at.function);
        let parameters = function.node.parameters().into_iter();
        let mut parameters = parameters.flat_map(ast::Parameters::iter_non_variadic_params);
        let parameter = parameters.find(|it| it.name().as_str() == name)?;
        let names = self.model.names_in(at.file);
        let is_certain =
            parameter.default().is_none() && !names.is_set_again(at.file, at.function, name);
        let annotation = parameter.annotation().filter(|_| is_certain)?;
        Some((function.parent, annotation))
    }

    fn is_datetime(self, at: Written<'p>) -> bool {
        let Some(again) = self.deeper() else {
            return false;
        };
        let is_class =
            |it: Option<Resolved>| it.is_some_and(|it| it.external() == Some("datetime.datetime"));
        let names = self.model.names_in(at.file);
        match at.value {
            Expr::Call(call) => match self.resolved(at.with(&call.func)) {
                Some(Resolved::External(name)) => DATETIMES.contains(&name.as_str()),
                _ => false,
            },
            Expr::Name(it) => {
                let name = it.id.as_str();
                if let Some((function, annotation)) = self.parameter(at, name) {
                    return is_class(names.resolve(at.file, function, annotation));
                }
                let value = names.local_value(at.file, at.function, name);
                value.is_some_and(|(function, value)| {
                    again.is_datetime(Written {
                        function,
                        ..at.with(value)
                    })
                })
            }
            _ => false,
        }
    }

    fn resolved(self, at: Written<'p>) -> Option<Resolved> {
        let names = self.model.names_in(at.file);
        names.resolve(at.file, at.function, at.value)
    }

    /// A type that is annotated.
    pub(super) fn type_(
        self,
        file: FileId,
        function: FunctionIx,
        annotation: &'p Expr,
        way: Way,
    ) -> Option<NoJson> {
        let again = self.deeper()?;
        let names = self.model.names_in(file);
        let Expr::Subscript(it) = annotation else {
            return match names.resolve(file, function, annotation)? {
                Resolved::External(name) if way == Way::Read => read(&name),
                Resolved::External(name) => external(&name),
                Resolved::Class { file, ix } => again.class(file, ix, way),
                _ => None,
            };
        };
        let of = |it| again.type_(file, function, it, way);
        let of_tuple = || it.slice.as_tuple_expr().map(|it| &it.elts[..]);
        let head = names.resolve(file, function, &it.value)?;
        match head.external()? {
            callable if way == Way::Read && CALLABLES.contains(&callable) => read(callable),
            "list"
            | "set"
            | "frozenset"
            | "typing.List"
            | "typing.Set"
            | "typing.Sequence"
            | "collections.abc.Sequence" => of(&it.slice),
            "tuple" | "typing.Tuple" => match of_tuple() {
                Some(elements) => elements.iter().find_map(of),
                None => of(&it.slice),
            },
            "dict" | "typing.Dict" | "typing.Mapping" | "collections.abc.Mapping" => {
                let [name, value] = of_tuple()? else {
                    return None;
                };
                let is_tuple = |it: &Expr| {
                    let resolved = names.resolve(file, function, it);
                    resolved.is_some_and(|it| it.external() == Some("tuple"))
                };
                let of_tuples = match name {
                    Expr::Subscript(it) => is_tuple(&it.value),
                    other => is_tuple(other),
                };
                let tuples = of_tuples.then(|| key("a tuple"));
                let tuples = tuples.or_else(|| Some(key(&of(name)?.what)));
                tuples.or_else(|| of(value))
            }
            _ => None,
        }
    }

    /// An instance of a class of the project.
    fn class(self, file: FileId, ix: ClassIx, way: Way) -> Option<NoJson> {
        let again = self.deeper()?;
        let bases = self.model.names_in(file).bases(file, ix);
        if bases.is_empty() {
            // The names of this file are not known, so neither is what the class derives from.
            return None;
        }
        let is_base = |name: &str| {
            let is_it = |it: &Base| matches!(it, Base::External(it) if it == name);
            bases.iter().any(is_it)
        };
        if is_base("enum.Enum") {
            return self.enumeration(file, ix);
        }
        let is_model = is_base("pydantic.BaseModel");
        let is_known = |it: &Base| match it {
            Base::Class { .. } => true,
            Base::External(name) => OF_MODELS.contains(&name.as_str()),
            Base::Unknown => false,
        };
        let is_record = bases.iter().any(|it| match it {
            Base::Class { file, ix } => self
                .model
                .index(*file)
                .is_some_and(|it| is_data_class(self.model, *file, it.class(*ix))),
            _ => false,
        });
        match (is_model, is_record) {
            (true, false) if way == Way::Write && bases.iter().all(is_known) => {
                again.fields(file, ix, &bases, None)
            }
            (false, true) => again.fields(file, ix, &bases, Some(way)),
            (false, false) => self.plain(file, ix, &bases),
            _ => None,
        }
    }

    /// A data class with such a field, or a model, which pydantic reads itself.
    fn fields(
        self,
        file: FileId,
        ix: ClassIx,
        bases: &[Base],
        of_data_class: Option<Way>,
    ) -> Option<NoJson> {
        let is_model = of_data_class.is_none();
        let way = of_data_class.unwrap_or(Way::Write);
        let name = &self.model.index(file)?.class(ix).node.name;
        let mut found = None;
        for base in bases {
            let &Base::Class { file, ix } = base else {
                continue;
            };
            let class = self.model.index(file)?.class(ix);
            if is_model && is_serialized(class) || defines(class, "__post_init__") {
                return None;
            }
            let has_fields = is_model || is_data_class(self.model, file, class);
            let mut fields = fields(class).filter(|_| has_fields);
            found = found.or_else(|| {
                fields.find_map(|it| {
                    let of = self.type_(file, class.parent, &it.annotation, way)?;
                    let field = name_of(it)?;
                    let what = format!("`{name}`, whose `{field}` is {}", of.what);
                    Some(NoJson { what, ..of })
                })
            });
        }
        found
    }

    /// An enum whose members are nothing else.
    fn enumeration(self, file: FileId, ix: ClassIx) -> Option<NoJson> {
        let names = self.model.names_in(file);
        let is_plain = names.bases(file, ix).into_iter().all(|it| match it {
            Base::Class { file, ix } => self.model.index(file).is_some_and(|index| {
                let class = index.class(ix);
                let has_keywords = |it: &ast::Arguments| !it.keywords.is_empty();
                let is_kept = !class.node.arguments.as_deref().is_some_and(has_keywords);
                is_kept && !CONVERTED.iter().any(|it| defines(class, it))
            }),
            Base::External(name) => name == "enum.Enum",
            Base::Unknown => false,
        });
        let is_enum = names
            .bases(file, ix)
            .contains(&Base::External("enum.Enum".to_owned()));
        let class = self.model.index(file)?.class(ix);
        (is_plain && is_enum).then(|| NoJson {
            what: format!("a member of `{}`", class.node.name),
            is_never: false,
            help: "derive the enum from `StrEnum` or `IntEnum`, or pass its `value`",
        })
    }

    /// A class that is no more than its methods.
    fn plain(self, file: FileId, ix: ClassIx, bases: &[Base]) -> Option<NoJson> {
        let is_plain = bases.iter().all(|it| match it {
            Base::Class { file, ix } => self.model.index(*file).is_some_and(|index| {
                let class = index.class(*ix);
                let has_keywords = |it: &ast::Arguments| !it.keywords.is_empty();
                let is_kept = !class.node.arguments.as_deref().is_some_and(has_keywords);
                is_kept
                    && class.node.decorator_list.is_empty()
                    && !CONVERTED.iter().any(|it| defines(class, it))
            }),
            Base::External(name) => matches!(name.as_str(), "object" | "abc.ABC"),
            Base::Unknown => false,
        });
        let class = self.model.index(file)?.class(ix);
        is_plain.then(|| NoJson {
            what: format!("an instance of `{}`", class.node.name),
            is_never: true,
            help: "make it a `@dataclass`",
        })
    }
}

const CALL: &str = "pass what it gives, or its name";

/// What models derive from without another way to be written.
const OF_MODELS: &[&str] = &["abc.ABC", "object", "pydantic.BaseModel", "typing.Generic"];

/// Methods that converters call, or that stand for others.
const CONVERTED: &[&str] = &["__getattr__", "__iter__", "__new__", "dict", "parse_obj"];

const CALLABLES: &[&str] = &["collections.abc.Callable", "typing.Callable"];

/// What gives a `datetime`.
const DATETIMES: &[&str] = &[
    "datetime.datetime",
    "datetime.datetime.combine",
    "datetime.datetime.fromisoformat",
    "datetime.datetime.fromtimestamp",
    "datetime.datetime.now",
    "datetime.datetime.strptime",
    "datetime.datetime.utcnow",
    "ntro.workflow.runbook.now",
    "temporalio.workflow.now",
];

/// The types of Python of which the default converter makes no JSON, what gives them beside their constructors,
/// and what to send instead.
const TYPES: &[(&str, &[&str], &str)] = &[
    ("complex", &[], "pass both parts"),
    (
        "datetime.date",
        &["fromisoformat", "fromtimestamp", "today"],
        "pass its `isoformat()`, or a `datetime`",
    ),
    (
        "datetime.time",
        &["fromisoformat"],
        "pass its `isoformat()`",
    ),
    ("datetime.timedelta", &[], "pass its `total_seconds()`"),
    ("decimal.Decimal", &[], "pass its `str()`"),
    ("fractions.Fraction", &[], "pass its `str()`"),
    ("pathlib.Path", &["cwd", "home"], "pass its `str()`"),
    ("pathlib.PurePath", &[], "pass its `str()`"),
    ("pathlib.PurePosixPath", &[], "pass its `str()`"),
];

fn external(name: &str) -> Option<NoJson> {
    let (name, _, help) = TYPES.iter().find(|(it, ..)| *it == name)?;
    let short = name.rsplit('.').next().unwrap_or(name);
    Some(NoJson {
        what: format!("a `{short}`"),
        is_never: false,
        help,
    })
}

/// What calling something of Python gives.
fn made(callee: &str) -> Option<NoJson> {
    external(callee).or_else(|| {
        let (class, method) = callee.rsplit_once('.')?;
        let (name, ..) = TYPES
            .iter()
            .find(|(it, methods, _)| *it == class && methods.contains(&method))?;
        external(name)
    })
}

/// A type that no JSON becomes.
fn read(name: &str) -> Option<NoJson> {
    match name {
        "object" => Some(NoJson {
            what: "an `object`".to_owned(),
            is_never: false,
            help: "annotate it with `Any`",
        }),
        _ if CALLABLES.contains(&name) => Some(never("a function", CALL)),
        _ => external(name),
    }
}

fn never(what: &str, help: &'static str) -> NoJson {
    NoJson {
        what: what.to_owned(),
        is_never: true,
        help,
    }
}

fn key(what: &str) -> NoJson {
    NoJson {
        what: format!("a dictionary with {what} as a key"),
        is_never: false,
        help: "make texts of the keys",
    }
}

/// The fields of a class that are always filled with what their annotations say.
fn fields<'p>(class: &Class<'p>) -> impl Iterator<Item = &'p ast::StmtAnnAssign> {
    let fields = class
        .node
        .body
        .iter()
        .filter_map(|it| it.as_ann_assign_stmt());
    fields.filter(|it| !it.value.as_deref().is_some_and(Expr::is_none_literal_expr))
}

fn name_of(field: &ast::StmtAnnAssign) -> Option<&str> {
    Some(field.target.as_name_expr()?.id.as_str())
}

fn defines(class: &Class<'_>, method: &str) -> bool {
    let mut methods = class
        .node
        .body
        .iter()
        .filter_map(|it| it.as_function_def_stmt());
    methods.any(|it| it.name.as_str() == method)
}

/// Whether the body of a class binds a name to a value.
fn assigns(class: &Class<'_>, name: &str) -> bool {
    let is_it = |it: &Expr| matches!(it, Expr::Name(it) if it.id.as_str() == name);
    class.node.body.iter().any(|it| match it {
        Stmt::Assign(it) => it.targets.iter().any(is_it),
        Stmt::AnnAssign(it) => is_it(&it.target),
        _ => false,
    })
}

/// Whether a model says itself how it, or one of its fields, is written.
fn is_serialized(class: &Class<'_>) -> bool {
    let is_own = |it: &ast::StmtFunctionDef| {
        let mut decorators = it.decorator_list.iter();
        it.name.as_str() == "dict"
            || decorators.any(|it| {
                let decorator = match &it.expression {
                    Expr::Call(call) => &*call.func,
                    other => other,
                };
                last_name(decorator).ends_with("serializer")
            })
    };
    class.node.body.iter().any(|it| match it {
        Stmt::FunctionDef(it) => is_own(it),
        Stmt::ClassDef(it) => it.name.as_str() == "Config",
        _ => false,
    }) || assigns(class, "model_config")
}
