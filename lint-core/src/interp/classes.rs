//! Definitions of functions and classes, method resolution order, and construction.

use std::rc::Rc;

use crate::diagnostic::Span;
use crate::index::FunctionNode;
use crate::knowledge::Role;
use crate::names::is_bare_base;
use crate::syntax::ast::{self, Expr, Stmt};
use crate::syntax::span_of;

use super::args::Args;
use super::{
    CellKey, ClassId, Code, FuncId, FuncRef, How, Machine, Obj, Origin, Seen, SinkKind, SourceId,
    Sym, Value,
};
use crate::facts::Elements;

/// The decorator that makes a method the default of a field.
pub(super) const FIELD_DEFAULT: &str = "attrs.field.default";

/// The decorator that registers an implementation with a generic function.
pub(super) const REGISTER: &str = "functools.singledispatch.register";

/// Tells instances of a data class that were given no field at import, and so have all of its defaults,
/// from those of which nothing is known.
const NO_FIELDS: Obj = Obj::None;

impl<'p> Machine<'p> {
    // ---- definitions ----

    pub(super) fn define_function(&mut self, it: &'p ast::StmtFunctionDef) {
        let Some(ix) = self.frame.module.index().function_at(span_of(it)) else {
            return;
        };
        let func = FuncId {
            file: self.frame.file,
            ix,
        };
        let reference = FuncRef {
            func,
            closure: self.frame.ctx,
        };
        self.store_defaults(reference, &it.parameters);
        let mut value = Value::of(Obj::Func(reference));
        for decorator in it.decorator_list.iter().rev() {
            value = self.decorated(&decorator.expression, &value);
        }
        let name = self.sym(it.name.as_str());
        self.assign_name(name, &value, span_of(&it.name));
    }

    fn decorated(&mut self, expression: &'p Expr, value: &Value) -> Value {
        let outer = std::mem::replace(&mut self.frame.decorating, true);
        let decorator = self.evaluate(expression);
        self.frame.decorating = outer;
        let is_call = |edge: &super::Edge| edge.span == span_of(expression);
        if decorator.is_bottom() && self.frame.out.edges.iter().any(is_call) {
            // The project makes the decorator, and this code runs again when it has.
            return Value::bottom();
        }
        let result = self.decorate(&decorator, value, span_of(expression));
        let Some(name) = self.declared_decorator(expression, &decorator) else {
            return result;
        };
        // What it returns plays the part, or what it was given if that is nowhere to be seen.
        let result = if result.objs().iter().any(|obj| obj.is_callable()) {
            result
        } else {
            result.joined(value)
        };
        self.mark(name, &result);
        result
    }

    /// Applies a decorator. One from outside is taken to return what it decorates.
    fn decorate(&mut self, decorator: &Value, value: &Value, span: Span) -> Value {
        let mut result = Value::bottom();
        for obj in decorator.objs().to_vec() {
            match obj {
                Obj::External(name) | Obj::Made(name) => {
                    self.mark(name, value);
                    let text = self.str(name).to_owned();
                    let args = Args::of(std::slice::from_ref(value));
                    let decorated = match self.keep(name, &args, span) {
                        Some(kept) => kept,
                        None => self.decorate_external(&text, value),
                    };
                    result.join(&decorated);
                }
                Obj::Unknown | Obj::None | Obj::ExternalInstance(_) => {
                    result.join(value);
                }
                _ => {
                    let args = Args::of(std::slice::from_ref(value));
                    let outer = std::mem::replace(&mut self.frame.decorating, true);
                    let decorated = self.apply(obj, &args, span, How::Call);
                    self.frame.decorating = outer;
                    // What it returns may be known only in a later run; when it never is, the
                    // decorator most likely hands back what it was given.
                    let is_unclear = decorated.is_vague() && !decorated.is_bottom();
                    result.join(&if is_unclear {
                        decorated.joined(value)
                    } else {
                        decorated
                    });
                }
            }
        }
        if result.is_bottom() && decorator.is_bottom() {
            value.clone()
        } else {
            result
        }
    }

    fn decorate_external(&mut self, decorator: &str, value: &Value) -> Value {
        let wrap: fn(FuncRef) -> Obj = match decorator {
            "staticmethod" | "abc.abstractstaticmethod" => Obj::StaticMethod,
            "classmethod" | "abc.abstractclassmethod" => Obj::ClassMethod,
            "property"
            | "functools.cached_property"
            | "abc.abstractproperty"
            | "pydantic.computed_field"
            | "sqlalchemy.ext.hybrid.hybrid_property"
            | "django.utils.functional.cached_property" => {
                let mut result = value.filter(|_| false);
                for &obj in value.objs() {
                    result.add(match obj {
                        // `@computed_field` above `@property`.
                        Obj::Property(_) => obj,
                        _ => Obj::Property(self.properties.id(super::Property {
                            getter: obj,
                            setter: None,
                        })),
                    });
                }
                return result;
            }
            _ => return value.clone(),
        };
        let mut result = value.filter(|_| false);
        for &obj in value.objs() {
            result.add(match obj {
                Obj::Func(function) => wrap(function),
                other => other,
            });
        }
        result
    }

    /// Whether a function has implementations for types that are registered with it.
    pub(super) fn dispatches(&self, func: FuncId) -> bool {
        let mut marks = self.function_marks(func);
        marks.any(|mark| {
            matches!(
                self.str(mark.name),
                "functools.singledispatch" | "functools.singledispatchmethod"
            )
        })
    }

    /// `generic.register(…)`: who calls the generic function calls the implementation as well, so it
    /// is another value of the same name. Without an implementation, a decorator for one.
    pub(super) fn register_implementation(&mut self, generic: FuncRef, args: &Args) -> Value {
        let mut given = args.positional.iter().map(|it| it.value.clone());
        let implementation = given.next_back().filter(|value| {
            let is_function = |obj: &Obj| matches!(obj, Obj::Func(_) | Obj::StaticMethod(_));
            value.objs().iter().any(is_function)
        });
        let Some(implementation) = implementation else {
            let register = self.external(REGISTER);
            return Value::of(self.bound(register, Obj::Func(generic)));
        };
        if let Some(function) = self.function(generic.func)
            && let FunctionNode::Def(def) = function.node
        {
            let name = self.sym(def.name.as_str());
            let file = generic.func.file;
            let cell = match function.class {
                Some(ix) => CellKey::ClassAttr(ClassId { file, ix }, name),
                None => CellKey::Global(file, name),
            };
            self.write(cell, &implementation);
        }
        implementation
    }

    /// `@field.default` above a method of the class.
    pub(super) fn set_factory(&mut self, field: u32, args: &Args) -> Value {
        let given = args.positional.first();
        let method = given.map_or_else(Value::unknown, |it| it.value.clone());
        self.write(CellKey::FieldFactory(field), &method);
        method
    }

    pub(super) fn define_class(&mut self, it: &'p ast::StmtClassDef) {
        let Some(ix) = self.frame.module.index().class_at(span_of(it)) else {
            return;
        };
        let class = ClassId {
            file: self.frame.file,
            ix,
        };
        let mut bases = Value::bottom();
        let mut args = Args::default();
        if let Some(arguments) = &it.arguments {
            for base in &arguments.args {
                let base = self.evaluate(base);
                let kept = base.objs().iter().filter_map(|&obj| match obj {
                    Obj::Class(_) | Obj::External(_) | Obj::Made(_) | Obj::Unknown => Some(obj),
                    // A call that makes a class, such as `declarative_base()`, is known by what
                    // the class is like.
                    Obj::ExternalInstance(ty) => Some(Obj::External(ty)),
                    _ => None,
                });
                bases.join(&kept.collect());
            }
            for keyword in &arguments.keywords {
                let value = self.evaluate(&keyword.value);
                if keyword
                    .arg
                    .as_ref()
                    .is_some_and(|arg| arg.as_str() == "metaclass")
                {
                    let metaclass = self.sym("metaclass");
                    self.write(CellKey::ClassAttr(class, metaclass), &value);
                } else {
                    let name = keyword.arg.as_ref().map(|name| self.sym(name.as_str()));
                    args.keywords.push((name, value));
                }
            }
        }
        let key = CellKey::ClassBases(class);
        if self.write(key, &bases) {
            self.forget_orders(class);
        }
        self.frame.classes.push((class, Default::default()));
        self.execute(&it.body);
        self.frame.classes.pop();
        let mut value = Value::of(Obj::Class(class));
        for decorator in it.decorator_list.iter().rev() {
            value = self.decorated(&decorator.expression, &value);
        }
        self.call_init_subclass(class, &args, span_of(it));
        let name = self.sym(it.name.as_str());
        self.assign_name(name, &value, span_of(&it.name));
    }

    fn call_init_subclass(&mut self, class: ClassId, args: &Args, span: Span) {
        let hook = self.sym("__init_subclass__");
        if !self.is_defined_by_classes(hook) {
            return;
        }
        let mro = self.mro(class);
        for entry in mro.iter().skip(1).copied() {
            let Obj::Class(owner) = entry else { continue };
            let value = self.read(CellKey::ClassAttr(owner, hook));
            for &obj in value.objs() {
                if let Obj::Func(function) | Obj::ClassMethod(function) = obj {
                    let bound = self.bound(Obj::Func(function), Obj::Class(class));
                    self.apply(bound, args, span, How::Call);
                    return;
                }
            }
        }
    }

    // ---- lookup ----

    /// Whether any class of the project has an attribute of this name; most special methods are
    /// looked for in vain.
    pub(super) fn is_defined_by_classes(&mut self, name: Sym) -> bool {
        !self.read(CellKey::DefinedByClasses(name)).is_bottom()
    }

    /// The function that a class of the project defines or inherits under this name.
    pub(crate) fn find_method(&mut self, class: ClassId, name: &str) -> Option<Obj> {
        let sym = self.sym(name);
        if !self.is_defined_by_classes(sym) {
            return None;
        }
        let mro = self.mro(class);
        for entry in mro.iter().copied() {
            if let Obj::Class(owner) = entry {
                let value = self.member_of(owner, sym);
                let function = value.objs().iter().find_map(|obj| match obj {
                    Obj::Func(_) => Some(*obj),
                    Obj::StaticMethod(it) | Obj::ClassMethod(it) => Some(Obj::Func(*it)),
                    _ => None,
                });
                if function.is_some() {
                    return function;
                }
            }
        }
        None
    }

    /// The metaclass of a class, if the project defines it.
    pub(crate) fn metaclass(&mut self, class: ClassId) -> Option<ClassId> {
        let metaclass = self.sym("metaclass");
        if !self.is_defined_by_classes(metaclass) {
            return None;
        }
        let mro = self.mro(class);
        for entry in mro.iter().copied() {
            if let Obj::Class(owner) = entry {
                let value = self.read(CellKey::ClassAttr(owner, metaclass));
                if let Some(Obj::Class(meta)) = value.objs().first() {
                    return Some(*meta);
                }
            }
        }
        None
    }

    pub(super) fn has_external_base(&mut self, class: ClassId, is: impl Fn(&str) -> bool) -> bool {
        let mro = self.mro(class);
        mro.iter()
            .any(|entry| matches!(entry, Obj::External(name) if is(self.str(*name))))
    }

    pub(super) fn is_enum(&mut self, class: ClassId) -> bool {
        self.has_external_base(class, |name| {
            matches!(
                name,
                "enum.Enum" | "enum.IntEnum" | "enum.StrEnum" | "enum.Flag" | "enum.IntFlag"
            )
        })
    }

    pub(super) fn is_typed_dict(&mut self, class: ClassId) -> bool {
        self.has_external_base(class, |base| base.ends_with(".TypedDict"))
    }

    pub(super) fn instance_hash(&mut self, class: ClassId) -> Option<Elements> {
        if self.has_external_base(class, |name| {
            matches!(name, "enum.IntEnum" | "enum.IntFlag" | "int")
        }) {
            return None;
        }
        if self.is_enum(class) {
            return Some(Elements::Salted);
        }
        if self.find_method(class, "__hash__").is_some() || self.is_data_class(class) {
            return Some(Elements::Unknown);
        }
        Some(Elements::Address)
    }

    // ---- construction ----

    pub(super) fn construct(&mut self, class: ClassId, args: &Args, span: Span) -> Value {
        self.note_seen(span, Seen::Makes(class));
        if self.is_typed_dict(class) {
            let dict = self.sym("dict");
            return self.call_builtin(dict, args, span).unwrap_or_default();
        }
        if let Some(meta) = self.metaclass(class)
            && let Some(call) = self.find_method(meta, "__call__")
        {
            let bound = self.bound(call, Obj::Class(class));
            let given = self.apply(bound, args, span, How::Construct);
            let mut own = given.filter(|obj| matches!(obj, Obj::Instance(..)));
            for &obj in given.objs() {
                if let Obj::Instance(of, _) = obj
                    && !self.mro(of).contains(&Obj::Class(class))
                {
                    own = own.filter(|it| it != obj);
                }
            }
            if !own.objs().is_empty() {
                return own;
            }
        }
        self.make(class, args, span)
    }

    /// The instance that `type` makes of a class.
    pub(super) fn make(&mut self, class: ClassId, args: &Args, span: Span) -> Value {
        let mro = self.mro(class);
        let variant = self.variant(class, args);
        let mut receiver = Obj::Instance(class, variant);
        if let Some(new) = self.find_method(class, "__new__") {
            let bound = self.bound(new, Obj::Class(class));
            let made = self.apply(bound, args, span, How::Construct);
            if self.are_of_others(&made, class) {
                return made;
            }
            // A singleton gives the instance that the process keeps.
            let kept = |obj: &&Obj| matches!(obj, Obj::Instance(of, variant) if *of == class && self.is_made_at_import(*variant));
            receiver = made.objs().iter().find(kept).copied().unwrap_or(receiver);
        }
        let instance = Value::of(receiver);
        if self.is_enum(class)
            && let Some(missing) = self.find_method(class, "_missing_")
        {
            let bound = self.bound(missing, Obj::Class(class));
            self.apply(bound, args, span, How::Construct);
        }
        let taint = self.args_taint(args);
        // What a base outside the project reads to fill the fields.
        let mut filled = Value::bottom();
        if let Some(init) = self.find_method(class, "__init__") {
            let bound = self.bound(init, receiver);
            self.apply(bound, args, span, How::Construct);
        } else {
            for entry in mro.iter().copied() {
                if let Obj::External(base) = entry {
                    filled = filled.with_source(self.construct_base(base, args, span));
                }
            }
        }
        if self.is_data_class(class) {
            self.construct_data_class(class, variant, args, &filled, span);
        }
        if self.keeps_in_fields(class) {
            // Each field carries its own.
            return instance;
        }
        instance.tainted_by(&taint).tainted_by(&filled)
    }

    /// Whether `__new__` gives instances of other classes, for which no `__init__` runs.
    fn are_of_others(&mut self, made: &Value, class: ClassId) -> bool {
        let objs = made.objs().to_vec();
        !objs.is_empty()
            && objs.into_iter().all(|obj| match obj {
                Obj::Instance(of, _) => !self.mro(of).contains(&Obj::Class(class)),
                _ => false,
            })
    }

    /// Whether what a constructor gets is nowhere but in attributes that the machine sees.
    fn keeps_in_fields(&mut self, class: ClassId) -> bool {
        if self.is_data_class(class) {
            return true;
        }
        let has_init = self.find_method(class, "__init__").is_some();
        let mro = self.mro(class);
        has_init
            && mro.iter().all(|entry| match entry {
                Obj::Class(_) => true,
                Obj::External(name) => is_bare_base(self.str(*name)),
                _ => false,
            })
    }

    /// Instances are told apart where it matters most: when a constructor is given callables or
    /// what it decides by, and when they are made at import, for all runs.
    fn variant(&mut self, class: ClassId, args: &Args) -> u32 {
        let values = args.positional.iter().map(|argument| &argument.value);
        let values = values.chain(args.keywords.iter().map(|(_, value)| value));
        let mut given: Vec<Obj> = values
            .flat_map(|value| value.objs().iter().copied())
            .filter(|obj| obj.is_callable())
            .collect();
        let at_import = self.at_import();
        if !at_import && given.is_empty() {
            given = self.default_functions(class, args);
        }
        if !at_import {
            given.extend(self.switches_given(class, args));
        }
        if at_import && !self.args_taint(args).taint().is_empty() {
            given.push(Obj::Unknown);
        }
        if given.is_empty() && !at_import {
            return 0;
        }
        let plain = if at_import {
            let set = self.fields_set_by(class, args);
            self.variant_with_fields(class, &set)
        } else {
            0
        };
        if given.is_empty() {
            return plain;
        }
        if plain > 0 {
            given.extend(self.variants.get(plain - 1).given.clone());
        }
        self.bounded_variant(class, at_import, given, plain)
    }

    /// The instances that were given these objects, or the plain ones if a class has too many.
    fn bounded_variant(
        &mut self,
        class: ClassId,
        at_import: bool,
        given: Vec<Obj>,
        plain: u32,
    ) -> u32 {
        const MAX_VARIANTS_OF_CLASS: u32 = 40;
        let before = self.variants.len();
        let id = self.variant_of(class, at_import, given);
        if self.variants.len() > before {
            *self.variants_of.entry(class).or_default() += 1;
        }
        let variants = self.variants_of.get(&class).copied().unwrap_or_default();
        if variants > MAX_VARIANTS_OF_CLASS {
            plain
        } else {
            id
        }
    }

    /// The instances among which copies of others stand, of which some fields have other values. A
    /// run does not share its copies with others, as it does those that are made at import, and what
    /// is given now is not in the original.
    pub(super) fn variant_of_copy(&mut self, class: ClassId, variant: u32, set: &Args) -> u32 {
        let callables = |value: &Value| -> Vec<Obj> {
            let objs = value.objs().iter().copied();
            objs.filter(|obj| obj.is_callable()).collect()
        };
        let given = set.keywords.iter().flat_map(|(_, value)| callables(value));
        let mut given: Vec<Obj> = given.collect();
        let is_left = self.is_made_at_import(variant) && !self.at_import();
        if given.is_empty() && !is_left {
            return variant;
        }
        if !self.is_data_class(class) {
            return if is_left { 0 } else { variant };
        }
        let mut kept = Vec::new();
        for field in self.field_names(class) {
            if set.keyword(field).is_none() {
                let value = self.attribute_of_copy(class, variant, field);
                given.extend(callables(&value));
                kept.push((field, value));
            }
        }
        let copy = match given[..] {
            [] => 0,
            _ => self.bounded_variant(class, self.at_import(), given, 0),
        };
        for (field, value) in kept {
            self.write_instance_attribute(class, copy, field, &value);
        }
        copy
    }

    /// The functions that a constructor takes where a call gives it none.
    fn default_functions(&mut self, class: ClassId, args: &Args) -> Vec<Obj> {
        let Some(Obj::Func(init)) = self.find_method(class, "__init__") else {
            return Vec::new();
        };
        let parameters = self.function(init.func).and_then(|it| it.node.parameters());
        let Some(parameters) =
            parameters.filter(|_| !args.keywords.iter().any(|it| it.0.is_none()))
        else {
            return Vec::new();
        };
        let mut functions = Vec::new();
        for (ix, parameter) in parameters.iter_non_variadic_params().enumerate() {
            let name = self.sym(parameter.parameter.name.as_str());
            let is_given = ix <= args.positional.len()
                || args.keywords.iter().any(|(given, _)| *given == Some(name));
            if !is_given && parameter.default.is_some() {
                let default = self.read(CellKey::Default(init, ix as u16));
                functions.extend(default.objs().iter().filter(|obj| obj.is_callable()));
            }
        }
        functions
    }

    /// The instances of a class that are made at import, by the fields that they are given: the
    /// others have what the class says.
    fn variant_with_fields(&mut self, class: ClassId, set: &[Sym]) -> u32 {
        let mut given: Vec<Obj> = set.iter().map(|&field| Obj::Str(field)).collect();
        if given.is_empty() && self.is_data_class(class) {
            given.push(NO_FIELDS);
        }
        self.variant_of(class, true, given)
    }

    /// The same for a class or a base of it, whatever else an instance was given.
    pub(super) fn fields_variant(&mut self, class: ClassId, variant: u32) -> u32 {
        let given = self.variants.get(variant - 1).given.iter().copied();
        let fields = given.filter(|obj| matches!(obj, Obj::Str(_) | &NO_FIELDS));
        let fields = fields.collect();
        self.variant_of(class, true, fields)
    }

    /// The fields that a constructor call of a data class sets, in order.
    fn fields_set_by(&mut self, class: ClassId, args: &Args) -> Vec<Sym> {
        if !self.is_data_class(class) {
            return Vec::new();
        }
        let fields = self.field_names(class);
        let positional = args.positional.len().min(fields.len());
        let mut set = fields[..positional].to_vec();
        for (name, value) in &args.keywords {
            match name {
                Some(name) => set.push(*name),
                None => {
                    let entries = self.entries(value).into_iter();
                    set.extend(entries.filter_map(|(key, _)| match key {
                        super::Key::Str(name) => Some(name),
                        _ => None,
                    }));
                }
            }
        }
        set.sort();
        set.dedup();
        set
    }

    /// A member of an enumeration, which is told apart from the others.
    pub(super) fn enum_member(&mut self, class: ClassId, name: Sym) -> Value {
        let member = self.variant_of(class, false, vec![Obj::Str(name)]);
        Value::of(Obj::Instance(class, member))
    }

    /// Whether members of enumerations are the same, as far as that is known.
    pub(super) fn same_member(&mut self, left: Obj, right: Obj) -> Option<bool> {
        let mut members = Vec::new();
        for obj in [left, right] {
            let Obj::Instance(class, variant) = obj else {
                return None;
            };
            if variant == 0 || !self.is_enum(class) {
                return None;
            }
            let [Obj::Str(name)] = self.variants.get(variant - 1).given[..] else {
                return None;
            };
            members.push((class, name));
        }
        if members[0] == members[1] {
            return Some(true);
        }
        // A second name for the same value is another name of the same member.
        let values = [0, 1].map(|ix| self.member_of(members[ix].0, members[ix].1));
        let may_be_same =
            values.iter().all(Value::is_one_constant) && values[0].objs() == values[1].objs();
        (!may_be_same).then_some(false)
    }

    /// The instances of a class that the process keeps.
    pub(crate) fn shared_variant(&mut self, class: ClassId) -> u32 {
        self.variant_of(class, true, Vec::new())
    }

    fn variant_of(&mut self, class: ClassId, at_import: bool, given: Vec<Obj>) -> u32 {
        let variant = super::Variant {
            class,
            at_import,
            given,
        };
        self.variants.id(variant) + 1
    }

    /// The constructor that a class inherits from outside the project.
    fn construct_base(&mut self, base: Sym, args: &Args, span: Span) -> Option<SourceId> {
        let name = self.str(base);
        if is_bare_base(name) || name.starts_with("enum.") {
            return None;
        }
        if !super::builtins::is_builtin(name) {
            let init = self.sym(&format!("{name}.__init__"));
            self.frame.out.externals.insert(init);
        }
        self.call_hazard(base, Some(args), span)
    }

    pub(super) fn is_data_class(&mut self, class: ClassId) -> bool {
        let mro = self.mro(class);
        mro.iter().any(|entry| match entry {
            Obj::Class(owner) => self
                .class_marks(*owner)
                .iter()
                .any(|mark| mark.role == Some(Role::DataClass)),
            Obj::External(name) => self.is_data_class_name(*name),
            _ => false,
        })
    }

    /// Whether instances are tuples of their fields.
    pub(super) fn is_named_tuple(&mut self, class: ClassId) -> bool {
        self.has_external_base(class, |base| base.ends_with(".NamedTuple"))
    }

    fn is_data_class_name(&self, name: Sym) -> bool {
        let mut pending = vec![self.str(name)];
        let mut seen = 0;
        while seen < pending.len() && seen < 32 {
            if self.knowledge.role(pending[seen]) == Some(Role::DataClass) {
                return true;
            }
            let more: Vec<&'static str> = self.knowledge.bases(pending[seen]).collect();
            pending.extend(more);
            seen += 1;
        }
        false
    }

    fn construct_data_class(
        &mut self,
        class: ClassId,
        variant: u32,
        args: &Args,
        filled: &Value,
        span: Span,
    ) {
        let mro = self.mro(class);
        let fields = self.field_names(class);
        let set = self.fields_set_by(class, args);
        let mut how = How::Construct;
        let mut filled = filled.clone();
        for (ix, argument) in args.positional.iter().enumerate() {
            if let Some(&field) = fields.get(ix) {
                self.write_instance_attribute(class, variant, field, &argument.value);
            }
        }
        for (name, value) in &args.keywords {
            match name {
                Some(name) => {
                    self.write_instance_attribute(class, variant, *name, value);
                }
                None => {
                    self.record_sink(value, SinkKind::State, span);
                    let entries = self.entries(value);
                    let is_known = |(key, _): &(super::Key, Value)| *key != super::Key::Any;
                    if entries.is_empty() || !entries.iter().all(is_known) {
                        how = How::MayFill;
                        filled.add_taint(value.taint());
                    }
                    for (key, element) in entries {
                        if let super::Key::Str(name) = key {
                            self.write_instance_attribute(class, variant, name, &element);
                        }
                    }
                }
            }
        }
        if !filled.taint().is_empty() {
            for &field in &fields {
                if !set.contains(&field) {
                    let filled = self.filled_field(&filled, field);
                    let declared = self.declared_field(class, field).tainted_by(&filled);
                    self.write_instance_attribute(class, variant, field, &declared);
                }
            }
        }
        self.note_unset_fields(class, variant, &set, how);
        let set: Rc<[Sym]> = set.into();
        for entry in mro.iter().copied() {
            let Obj::Class(owner) = entry else { continue };
            if self.has_factories(owner) {
                let ctx = self.context(
                    Code::Fields {
                        class: owner,
                        set: set.clone(),
                    },
                    self.at_import(),
                    Vec::new(),
                );
                self.record_edge(span, ctx, how);
            }
        }
        self.run_hooks(class, variant, span);
    }

    /// What runs when an instance of a data class has got its fields.
    fn run_hooks(&mut self, class: ClassId, variant: u32, span: Span) {
        for hook in ["__post_init__", "model_post_init", "__attrs_post_init__"] {
            if let Some(method) = self.find_method(class, hook) {
                let bound = self.bound(method, Obj::Instance(class, variant));
                self.apply(bound, &Args::unknown(1), span, How::Factory);
            }
        }
        self.call_validators(class, variant, span);
    }

    /// The converter makes instances of the types that a workflow says it is given, in the workflow.
    pub(super) fn run_decoding(&mut self, value: &Value, span: Span) {
        let parts = self.leaves(value, |this, id| {
            Some(this.all_elements(&Value::of(Obj::Container(id))))
        });
        for obj in parts {
            if let Obj::Instance(class, 0) = obj
                && self.is_data_class(class)
            {
                self.run_hooks(class, 0, span);
            }
        }
    }

    /// Whether something is written into a variable of the class that no instance has a copy of.
    pub(super) fn is_in_class_variable(&self, class: ClassId, span: Span) -> bool {
        let is_it = |statement: &Stmt| match statement {
            Stmt::AnnAssign(it) if is_class_variable(&it.annotation) => span_of(it).contains(span),
            _ => false,
        };
        self.class_node(class)
            .is_some_and(|node| node.body.iter().any(is_it))
    }

    fn call_validators(&mut self, class: ClassId, variant: u32, span: Span) {
        let mro = self.mro(class);
        for entry in mro.iter().copied() {
            let Obj::Class(owner) = entry else { continue };
            let Some(module) = self.project.module(owner.file) else {
                continue;
            };
            let index = module.index();
            for (ix, function) in index.functions.iter().enumerate() {
                if function.class != Some(owner.ix) {
                    continue;
                }
                let func = FuncId {
                    file: owner.file,
                    ix: ix as u32,
                };
                let is_validator = self
                    .function_marks(func)
                    .any(|mark| mark.role == Some(Role::FieldValidator));
                if is_validator {
                    let closure = self.module_ctx(owner.file);
                    let bound = self.bound(
                        Obj::Func(FuncRef { func, closure }),
                        Obj::Instance(class, variant),
                    );
                    self.apply(bound, &Args::unknown(1), span, How::Factory);
                }
            }
        }
    }

    /// Remembers which fields a constructor call may leave as the class has them.
    fn note_unset_fields(&mut self, class: ClassId, variant: u32, set: &[Sym], how: How) {
        for field in self.field_names(class) {
            if how == How::MayFill || !set.contains(&field) {
                self.write(CellKey::Unset(class, variant, field), &Value::of(Obj::None));
            }
        }
    }

    /// Whether every instance at hand has an attribute of its own instead of the one of the class:
    /// each constructor call is given it, or `__init__` stores it in any case.
    pub(super) fn is_always_set(&mut self, class: ClassId, variant: u32, name: Sym) -> bool {
        if self.is_data_class(class) {
            let given = self.read(CellKey::VariantAttr(class, variant, name));
            return !given.is_bottom()
                && self.field_names(class).contains(&name)
                && self.read(CellKey::Unset(class, variant, name)).is_bottom();
        }
        let Some(Obj::Func(init)) = self.find_method(class, "__init__") else {
            return false;
        };
        let Some(FunctionNode::Def(def)) = self.function(init.func).map(|it| it.node) else {
            return false;
        };
        let receiver = def.parameters.iter_non_variadic_params().next();
        let receiver = receiver.map(|it| it.parameter.name.as_str());
        let attribute = self.str(name);
        let sets = |target: &Expr| match target {
            Expr::Attribute(it) => {
                it.attr.as_str() == attribute
                    && matches!(&*it.value, Expr::Name(of) if Some(of.id.as_str()) == receiver)
            }
            _ => false,
        };
        def.body.iter().any(|statement| match statement {
            Stmt::Assign(it) => it.targets.iter().any(sets),
            Stmt::AnnAssign(it) => it.value.is_some() && sets(&it.target),
            _ => false,
        })
    }

    /// Names of the fields in the order in which a constructor takes them.
    pub(super) fn field_names(&mut self, class: ClassId) -> Vec<Sym> {
        let mro = self.mro(class);
        let mut fields = Vec::new();
        let entries: Vec<Obj> = mro.iter().copied().collect();
        for entry in entries.into_iter().rev() {
            let Obj::Class(owner) = entry else { continue };
            let Some(node) = self.class_node(owner) else {
                continue;
            };
            for field in node.body.iter().filter_map(Field::of) {
                let sym = self.sym(field.name.id.as_str());
                if !fields.contains(&sym) {
                    fields.push(sym);
                }
            }
        }
        fields
    }

    /// What fills one field of an object that is made at import. Each is read for itself, and means
    /// something else.
    fn filled_field(&mut self, filled: &Value, field: Sym) -> Value {
        if !self.at_import() {
            return filled.clone();
        }
        let of_field = |this: &mut Self, origin: &Origin| match *origin {
            Origin::Source(source) => {
                let of_all = *this.source(source);
                Origin::Source(this.source_id(super::Source {
                    field: Some(field),
                    ..of_all
                }))
            }
            cell @ Origin::Cell(..) => cell,
        };
        let origins: Vec<Origin> = filled.taint().to_vec();
        let mut value = Value::bottom();
        for origin in &origins {
            value.add_taint(&[of_field(self, origin)]);
        }
        value
    }

    fn declared_field(&mut self, class: ClassId, field: Sym) -> Value {
        let name = self.str(field).to_owned();
        let declared = self.annotated_field(class, &name);
        if declared.is_bottom() {
            Value::unknown()
        } else {
            declared.opened()
        }
    }

    fn has_factories(&mut self, class: ClassId) -> bool {
        let Some(node) = self.class_node(class) else {
            return false;
        };
        let module = self.project.module(class.file);
        let is_class = |name: &str| {
            module.is_some_and(|it| {
                let mut classes = it.index().classes.iter();
                classes.any(|class| class.node.name.as_str() == name)
            })
        };
        let mut fields = node.body.iter().filter_map(Field::of);
        fields.any(|it| {
            let annotation = it.annotation;
            it.value.is_some() || annotation.is_some_and(|it| may_be_annotated(it, is_class))
        })
    }

    /// Runs the default factories of the fields that a constructor call leaves unset.
    pub(super) fn run_fields(&mut self, class: ClassId, set: &[Sym]) {
        let Some(node) = self.class_node(class) else {
            return;
        };
        for it in node.body.iter().filter_map(Field::of) {
            let field = self.sym(it.name.id.as_str());
            if set.contains(&field) {
                continue;
            }
            let mut declared = self.read(CellKey::ClassAttr(class, field));
            let mut value = it.value;
            if let (None, Some(annotation)) = (value, it.annotation)
                && may_be_annotated(annotation, |_| false)
            {
                // `Annotated[float, Field(default_factory=time.time)]`
                declared = self.evaluate(annotation);
                value = annotated_field(annotation);
            }
            let value = value.unwrap_or(it.target);
            for &obj in declared.objs() {
                let Obj::Field(id) = obj else { continue };
                let factory = self.read(CellKey::FieldFactory(id));
                if factory.is_bottom() {
                    continue;
                }
                let span = factory_span(value);
                let made = self.call_value(&factory, &Args::default(), span, How::Factory);
                self.record_sink(&made, SinkKind::State, span);
                // What an import makes is no part of what runs make.
                let variant = if self.at_import() {
                    self.variant_with_fields(class, set)
                } else {
                    0
                };
                self.write_instance_attribute(class, variant, field, &made);
            }
        }
    }

    /// Instances of the classes that a value stands for (`except E as e`, `isinstance`).
    pub(super) fn instances_of(&mut self, classes: &Value) -> Value {
        let mut result = Value::bottom();
        let alternatives = self.leaves(classes, |this, id| {
            Some(this.all_elements(&Value::of(Obj::Container(id))))
        });
        for obj in alternatives {
            match obj {
                Obj::Class(class) => {
                    result.add(Obj::Instance(class, 0));
                }
                Obj::External(name) => {
                    let name = self.str(name).to_owned();
                    result.join(&self.typed(&name, Span::default()));
                }
                _ => {
                    result.add(Obj::Unknown);
                }
            }
        }
        result.opened()
    }
}

/// A field of a data class: `name: type = value`, or `name = attr.ib(…)`.
struct Field<'p> {
    target: &'p Expr,
    name: &'p ast::ExprName,
    annotation: Option<&'p Expr>,
    value: Option<&'p Expr>,
}

impl<'p> Field<'p> {
    fn of(statement: &'p Stmt) -> Option<Self> {
        let (target, annotation, value) = match statement {
            Stmt::AnnAssign(it) if is_class_variable(&it.annotation) => return None,
            Stmt::AnnAssign(it) => (&*it.target, Some(&*it.annotation), it.value.as_deref()),
            Stmt::Assign(it) => match (&*it.targets, &*it.value) {
                ([target], value @ Expr::Call(call)) if is_attrib(&call.func) => {
                    (target, None, Some(value))
                }
                _ => return None,
            },
            _ => return None,
        };
        match target {
            Expr::Name(name) => Some(Self {
                target,
                name,
                annotation,
                value,
            }),
            _ => None,
        }
    }
}

/// Whether an annotation says that something is no field, but one for all instances: `ClassVar[…]`.
fn is_class_variable(annotation: &Expr) -> bool {
    match annotation {
        Expr::Subscript(it) => is_class_variable(&it.value),
        Expr::Name(name) => name.id.as_str() == "ClassVar",
        Expr::Attribute(name) => name.attr.as_str() == "ClassVar",
        _ => false,
    }
}

/// The functions of attrs that make a field without an annotation.
fn is_attrib(callee: &Expr) -> bool {
    let name = match callee {
        Expr::Name(it) => it.id.as_str(),
        Expr::Attribute(it) => it.attr.as_str(),
        _ => return false,
    };
    matches!(name, "ib" | "attrib" | "field")
}

/// Whether an annotation may name a field: `Annotated[…]`, or a name that stands for that and is no
/// class of the module.
fn may_be_annotated(annotation: &Expr, is_class: impl Fn(&str) -> bool) -> bool {
    let is_annotated = |name: &str| name == "Annotated";
    match annotation {
        Expr::Subscript(it) => match &*it.value {
            Expr::Name(name) => is_annotated(name.id.as_str()),
            Expr::Attribute(name) => is_annotated(name.attr.as_str()),
            _ => false,
        },
        Expr::Name(it) => {
            let name = it.id.as_str();
            name.starts_with(char::is_uppercase) && !is_class(name)
        }
        _ => false,
    }
}

/// The call in `Annotated[…, Field(…)]` that has a default factory.
fn annotated_field(annotation: &Expr) -> Option<&Expr> {
    let Expr::Subscript(it) = annotation else {
        return None;
    };
    let Expr::Tuple(arguments) = &*it.slice else {
        return None;
    };
    let mut metadata = arguments.elts.iter().skip(1);
    metadata.find(|it| factory_span(it) != span_of(*it))
}

/// The `default_factory=…` argument, or the whole default.
fn factory_span(value: &Expr) -> Span {
    if let Expr::Call(call) = value {
        for keyword in &call.arguments.keywords {
            let is_factory = keyword
                .arg
                .as_ref()
                .is_some_and(|arg| matches!(arg.as_str(), "default_factory" | "factory"));
            if is_factory {
                return span_of(&keyword.value);
            }
        }
    }
    span_of(value)
}
