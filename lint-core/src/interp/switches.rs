//! Attributes that tell the instances of a class apart for good: a constructor sets them, no other
//! code does, and the class decides by them what it does. Data classes are left out, whose
//! constructors may convert what they get.
//!
//! An object that is given a clock, or told to be a dry run, acts otherwise than one that is not.
//! Instances are told apart by what their constructors got for such parameters, and what one has
//! in such an attribute decides conditions. An instance whose constructor nobody saw is one of any
//! kind, and nothing is decided for it, nor for instances of a class of which one was given to code
//! that nobody sees, or has attributes whose names are computed.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use rustc_hash::FxHashMap;

use crate::diagnostic::FileId;
use crate::index::{FunctionNode, Module};
use crate::names::is_bare_base;
use crate::syntax::ast::visitor::{Visitor, walk_expr, walk_stmt};
use crate::syntax::ast::{self, Expr, Stmt};
use crate::syntax::span_of;

use super::args::Args;
use super::{CellKey, ClassId, Machine, Obj, Sym, Value};

const CONSTRUCTOR: &str = "__init__";

/// Methods that have a hand in the attributes of instances beside the constructor.
const MAKES: &[&str] = &["__new__", "__setattr__", "__getattribute__", "__setstate__"];

/// Builtins that look at what they are given, and change nothing.
const LOOKS: &[&str] = &[
    "bool",
    "callable",
    "format",
    "getattr",
    "hasattr",
    "hash",
    "id",
    "isinstance",
    "len",
    "print",
    "repr",
    "str",
    "type",
];

/// What the text of a module says of the attributes of its classes and of other objects.
#[derive(Debug, Default)]
pub(super) struct Attributes<'p> {
    classes: FxHashMap<u32, OfClass<'p>>,
    /// Set in objects other than those whose methods set them.
    set_from_outside: BTreeSet<&'p str>,
    /// Whether names of attributes may be computed.
    computes_names: bool,
}

#[derive(Debug, Default)]
struct OfClass<'p> {
    /// Attributes of the receiver that are part of conditions.
    tested: BTreeSet<&'p str>,
    /// Attributes that other methods than the constructor set.
    set_later: BTreeSet<&'p str>,
    /// Names that are part of conditions in the constructor.
    tested_names: BTreeSet<&'p str>,
    /// What the constructor sets from a name.
    set_from: BTreeMap<&'p str, BTreeSet<&'p str>>,
}

impl OfClass<'_> {
    /// Whether a condition depends on a parameter of the constructor.
    fn decides(&self, parameter: &str, tested: &BTreeSet<&str>) -> bool {
        let mut set = self.set_from.get(parameter).into_iter().flatten();
        self.tested_names.contains(parameter) || set.any(|it| tested.contains(it))
    }
}

/// A parameter of a constructor on which a condition depends.
struct Switch {
    /// Among positional arguments.
    place: Option<usize>,
    name: Sym,
    default: Value,
}

impl<'p> Machine<'p> {
    /// What a constructor call gives for the parameters on which conditions depend, each after its
    /// name.
    pub(super) fn switches_given(&mut self, class: ClassId, args: &Args) -> Vec<Obj> {
        let is_unpacked = args.positional.iter().any(|it| it.starred)
            || args.keywords.iter().any(|(name, _)| name.is_none());
        if is_unpacked {
            return Vec::new();
        }
        let mut given = Vec::new();
        for switch in self.switches(class) {
            let by_position = switch.place.and_then(|it| args.at(it));
            let value = by_position.or_else(|| args.keyword(switch.name));
            if let Some(obj) = self.told_by(value.unwrap_or(&switch.default)) {
                given.extend([Obj::Str(switch.name), obj]);
            }
        }
        given
    }

    /// What an argument says for good, as far as conditions can ask for it; nothing if it is not
    /// computed yet.
    fn told_by(&self, value: &Value) -> Option<Obj> {
        match value.objs() {
            [] if !value.is_open() => None,
            [obj @ (Obj::None | Obj::Bool(_) | Obj::Instance(..))] if !value.is_open() => {
                Some(*obj)
            }
            // Texts and numbers would make too many kinds of instances.
            [_] if value.is_truthy() => Some(Obj::Bool(true)),
            _ => Some(Obj::Unknown),
        }
    }

    /// The parameters of a constructor on which conditions depend.
    fn switches(&mut self, class: ClassId) -> Vec<Switch> {
        let tested = self.tested_attributes(class);
        let Some(Obj::Func(init)) = self.find_method(class, CONSTRUCTOR) else {
            return Vec::new();
        };
        let (Some(function), Some(attributes)) =
            (self.function(init.func), self.attributes_in(init.func.file))
        else {
            return Vec::new();
        };
        let of_class = function.class.and_then(|ix| attributes.classes.get(&ix));
        let (Some(of_class), Some(parameters)) = (of_class, function.node.parameters()) else {
            return Vec::new();
        };
        // Only these can be given by position.
        let places = parameters.posonlyargs.len() + parameters.args.len();
        let mut switches = Vec::new();
        let parameters = parameters.iter_non_variadic_params().enumerate().skip(1);
        for (ix, parameter) in parameters {
            let name = parameter.parameter.name.as_str();
            let default = parameter.default.as_deref();
            if default.is_some_and(Expr::is_literal_expr) && of_class.decides(name, &tested) {
                switches.push(Switch {
                    place: (ix < places).then_some(ix - 1),
                    name: self.sym(name),
                    default: self.read(CellKey::Default(init, ix as u16)),
                });
            }
        }
        switches
    }

    fn tested_attributes(&mut self, class: ClassId) -> BTreeSet<&'p str> {
        let mut tested = BTreeSet::new();
        for owner in self.owners(class) {
            if let Some(attributes) = self.attributes_in(owner.file)
                && let Some(it) = attributes.classes.get(&owner.ix)
            {
                tested.extend(it.tested.iter().copied());
            }
        }
        tested
    }

    /// Whether an attribute of such instances is what their constructors made it.
    pub(super) fn is_settled(&mut self, class: ClassId, variant: u32, name: Sym) -> bool {
        if variant == 0 || self.is_made_at_import(variant) || !self.is_plainly_made(class) {
            return false;
        }
        let text = self.str(name).to_owned();
        self.owners(class).into_iter().all(|owner| {
            let member = self.member_of(owner, name);
            member.objs().iter().all(|obj| obj.is_constant())
                && self.attributes_in(owner.file).is_some_and(|it| {
                    let of_class = it.classes.get(&owner.ix);
                    !it.computes_names
                        && !it.set_from_outside.contains(text.as_str())
                        && of_class.is_none_or(|it| !it.set_later.contains(text.as_str()))
                })
        })
    }

    /// Whether nothing but the constructor of a class has a hand in its instances.
    fn is_plainly_made(&mut self, class: ClassId) -> bool {
        let is_plain = |this: &Self, entry: &Obj| match entry {
            Obj::Class(_) => true,
            Obj::External(base) => is_bare_base(this.str(*base)),
            _ => false,
        };
        let mro = self.mro(class);
        mro.iter().all(|entry| is_plain(self, entry))
            && self.owners(class).into_iter().all(|owner| {
                self.is_plainly_defined(owner)
                    && MAKES.iter().all(|it| !self.defines(owner, it))
                    && self.has_plain_constructor(owner)
                    && self.read(CellKey::Unsettled(owner)).is_bottom()
            })
    }

    /// Whether a class has neither a metaclass nor a decorator, which may give it members.
    pub(super) fn is_plainly_defined(&self, class: ClassId) -> bool {
        self.class_node(class).is_some_and(|it| {
            let arguments = it.arguments.as_ref();
            it.decorator_list.is_empty() && arguments.is_none_or(|it| it.keywords.is_empty())
        })
    }

    fn has_plain_constructor(&mut self, class: ClassId) -> bool {
        let name = self.sym(CONSTRUCTOR);
        let is_plain = |this: &Self, obj: &Obj| match obj {
            Obj::Func(it) => match this.function(it.func).map(|it| it.node) {
                Some(FunctionNode::Def(def)) => def.decorator_list.is_empty(),
                _ => false,
            },
            _ => false,
        };
        let defined = self.member_of(class, name);
        defined.objs().iter().all(|obj| is_plain(self, obj))
    }

    /// Whether the body of a class, or other code, gives it a member of this name.
    pub(super) fn defines(&mut self, class: ClassId, name: &str) -> bool {
        let name = self.sym(name);
        self.is_defined_by_classes(name) && !self.member_of(class, name).is_bottom()
    }

    /// Nothing is settled any more for the classes of these objects: other code has them, which may
    /// set what it likes.
    pub(super) fn unsettle(&mut self, value: &Value) {
        for &obj in value.objs() {
            if let Obj::Instance(class, 1..) = obj {
                for owner in self.owners(class) {
                    self.write(CellKey::Unsettled(owner), &Value::of(Obj::None));
                }
            }
        }
    }

    /// The same for what a call outside the project is given.
    pub(super) fn unsettle_given(&mut self, callee: Sym, args: &Args) {
        let name = self.str(callee);
        let package = name.split('.').next().unwrap_or(name);
        let looks_only = LOOKS.contains(&name)
            || self.knowledge.is_log(name)
            || self.knowledge.is_sdk_package(package);
        if looks_only {
            return;
        }
        for value in args.values() {
            self.unsettle(value);
        }
    }

    /// The classes of the project among a class and its bases.
    pub(super) fn owners(&mut self, class: ClassId) -> Vec<ClassId> {
        let mro = self.mro(class);
        let owner = |entry: &Obj| match entry {
            Obj::Class(owner) => Some(*owner),
            _ => None,
        };
        mro.iter().filter_map(owner).collect()
    }

    fn attributes_in(&mut self, file: FileId) -> Option<Rc<Attributes<'p>>> {
        if let Some(known) = self.attributes_in.get(&file) {
            return Some(known.clone());
        }
        let attributes = Rc::new(Attributes::of(self.project.module(file)?));
        self.attributes_in.insert(file, attributes.clone());
        Some(attributes)
    }
}

impl<'p> Attributes<'p> {
    fn of(module: &'p Module) -> Self {
        let mut reader = Reader {
            module,
            found: Self::default(),
            method: None,
            in_condition: false,
        };
        reader.visit_body(&module.tree().body);
        reader.found
    }
}

/// The method that is read, also in the functions that it defines.
#[derive(Clone, Copy)]
struct Method<'p> {
    class: u32,
    receiver: &'p str,
    is_constructor: bool,
}

struct Reader<'p> {
    module: &'p Module,
    found: Attributes<'p>,
    method: Option<Method<'p>>,
    in_condition: bool,
}

impl<'p> Reader<'p> {
    fn of_class(&mut self) -> Option<&mut OfClass<'p>> {
        let method = self.method?;
        Some(self.found.classes.entry(method.class).or_default())
    }

    /// The method that a function is, or the one around it.
    fn method_at(&self, def: &'p ast::StmtFunctionDef) -> Option<Method<'p>> {
        let index = self.module.index();
        let function = index.function(index.function_at(span_of(def))?);
        let receiver = def.parameters.iter_non_variadic_params().next();
        match (function.class, receiver) {
            (Some(class), Some(receiver)) => Some(Method {
                class,
                receiver: receiver.parameter.name.as_str(),
                is_constructor: def.name.as_str() == CONSTRUCTOR,
            }),
            _ => self.method,
        }
    }

    fn visit_condition(&mut self, condition: &'p Expr) {
        let outer = std::mem::replace(&mut self.in_condition, true);
        self.visit_expr(condition);
        self.in_condition = outer;
    }

    /// `of.attribute`, if it is one of the receiver.
    fn own(&self, it: &'p ast::ExprAttribute) -> Option<&'p str> {
        let Expr::Name(of) = &*it.value else {
            return None;
        };
        (self.method?.receiver == of.id.as_str()).then_some(it.attr.as_str())
    }

    fn note_attribute(&mut self, it: &'p ast::ExprAttribute) {
        let name = it.attr.as_str();
        self.found.computes_names |= matches!(name, "__dict__" | "__setattr__");
        let own = self.own(it);
        let is_constructor = self.method.is_some_and(|it| it.is_constructor);
        let (in_condition, is_read) = (self.in_condition, it.ctx.is_load());
        match (own, self.of_class()) {
            (Some(_), Some(of_class)) if is_read => {
                if in_condition {
                    of_class.tested.insert(name);
                }
            }
            (Some(_), Some(_)) if is_constructor && it.ctx.is_store() => {}
            (Some(_), Some(of_class)) => drop(of_class.set_later.insert(name)),
            _ if is_read => {}
            _ => drop(self.found.set_from_outside.insert(name)),
        }
    }

    /// `self.attribute = value` in a constructor.
    fn note_set(&mut self, targets: &'p [Expr], value: &'p Expr) {
        let Some(Method {
            is_constructor: true,
            ..
        }) = self.method
        else {
            return;
        };
        let mut names = Names::default();
        names.visit_expr(value);
        for target in targets.iter().filter_map(Expr::as_attribute_expr) {
            let attribute = self.own(target);
            if let (Some(attribute), Some(of_class)) = (attribute, self.of_class()) {
                for &name in &names.0 {
                    of_class.set_from.entry(name).or_default().insert(attribute);
                }
            }
        }
    }
}

impl<'p> Visitor<'p> for Reader<'p> {
    fn visit_stmt(&mut self, statement: &'p Stmt) {
        let outer = (self.method, self.in_condition);
        self.in_condition = false;
        match statement {
            Stmt::FunctionDef(def) => self.method = self.method_at(def),
            Stmt::ClassDef(_) => self.method = None,
            Stmt::Assign(it) => self.note_set(&it.targets, &it.value),
            Stmt::AnnAssign(it) => {
                if let Some(value) = &it.value {
                    self.note_set(std::slice::from_ref(&it.target), value);
                }
            }
            Stmt::If(it) => {
                self.visit_condition(&it.test);
                let clauses = it.elif_else_clauses.iter();
                for test in clauses.filter_map(|it| it.test.as_ref()) {
                    self.visit_condition(test);
                }
            }
            Stmt::While(it) => self.visit_condition(&it.test),
            Stmt::Match(it) => self.visit_condition(&it.subject),
            _ => {}
        }
        walk_stmt(self, statement);
        (self.method, self.in_condition) = outer;
    }

    fn visit_expr(&mut self, expression: &'p Expr) {
        match expression {
            Expr::Attribute(it) => self.note_attribute(it),
            Expr::Name(it) => {
                let name = it.id.as_str();
                self.found.computes_names |= matches!(name, "setattr" | "delattr" | "vars");
                if self.in_condition
                    && self.method.is_some_and(|it| it.is_constructor)
                    && let Some(of_class) = self.of_class()
                {
                    of_class.tested_names.insert(name);
                }
            }
            Expr::If(it) => {
                self.visit_condition(&it.test);
                self.visit_expr(&it.body);
                return self.visit_expr(&it.orelse);
            }
            Expr::BoolOp(it) => return it.values.iter().for_each(|it| self.visit_condition(it)),
            Expr::UnaryOp(it) if it.op == ast::UnaryOp::Not => {
                return self.visit_condition(&it.operand);
            }
            _ => {}
        }
        walk_expr(self, expression);
    }
}

/// The names in an expression.
#[derive(Default)]
struct Names<'p>(BTreeSet<&'p str>);

impl<'p> Visitor<'p> for Names<'p> {
    fn visit_expr(&mut self, expression: &'p Expr) {
        if let Expr::Name(it) = expression {
            self.0.insert(it.id.as_str());
        }
        walk_expr(self, expression);
    }
}
