//! Attributes: reading, storing, and the members of classes inside and outside the project.

use std::collections::BTreeSet;

use crate::diagnostic::{FileId, Span};
use crate::index::{FunctionNode, MODULE_BODY};
use crate::knowledge::{Api, Role};
use crate::names::is_bare_base;
use crate::project::Import;
use crate::syntax::span_of;

use super::args::Args;
use super::builtins::MAKES;
use super::classes::{FIELD_DEFAULT, REGISTER};
use super::{
    CellKey, ClassId, EventKind, FuncRef, How, Key, Kinds, Machine, Obj, SinkKind, Sym, Value,
};

impl<'p> Machine<'p> {
    pub(super) fn attribute(&mut self, object: &Value, name: &str, span: Span) -> Value {
        let sym = self.sym(name);
        self.note_owner(object, span);
        if matches!(name, "__dict__" | "__setattr__" | "__setstate__") {
            self.unsettle(object);
        }
        let mut result = Value::bottom().taken_from(object);
        let outer = self.frame.may_be_own;
        self.frame.may_be_own = self.may_be_made_in_run(object, sym);
        for obj in object.objs().to_vec() {
            let value = self.attribute_of(obj, sym, name, span);
            let is_foreign = |obj: &Obj| matches!(obj, Obj::External(_));
            if matches!(obj, Obj::Instance(..)) && value.objs().iter().any(is_foreign) {
                // A method of a base outside the project may show the whole object.
                let own =
                    matches!(obj, Obj::Instance(_, variant) if self.is_made_at_import(variant));
                let span = if own { span } else { Span::default() };
                result.add_taint(self.whole_taint(&Value::of(obj), span).taint());
            }
            result.join(&value);
        }
        self.frame.may_be_own = outer;
        let is_container = |obj: &Obj| matches!(obj, Obj::Container(_));
        let advances = |obj: &Obj| matches!(obj, Obj::External(name) if self.advances(*name));
        if object.objs().iter().all(is_container) || result.objs().iter().any(advances) {
            result = result.at_place(object.place());
        }
        let part = self.part_behind(object, sym);
        result.opened_like(object).tainted_by(object).in_part(part)
    }

    /// Whether one of several instances is of the run, which stored such an attribute itself.
    fn may_be_made_in_run(&mut self, object: &Value, name: Sym) -> bool {
        let objs = object.objs().to_vec();
        objs.len() > 1
            && objs.into_iter().any(|obj| match obj {
                Obj::Instance(class, variant) if !self.is_made_at_import(variant) => {
                    !self.read(CellKey::InstanceAttr(class, name)).is_bottom()
                }
                _ => false,
            })
    }

    fn attribute_of(&mut self, obj: Obj, sym: Sym, name: &str, span: Span) -> Value {
        match obj {
            Obj::Module(file) => self.module_attribute(file, sym, name, span),
            Obj::Namespace(directory) => {
                let import = Import::Namespace(self.str(directory).to_owned());
                match self.project.submodule(&import, name) {
                    Import::External => Value::unknown(),
                    found => self.imported(&found, name, span),
                }
            }
            Obj::Class(class) => self.class_attribute(class, sym, name, span),
            Obj::Instance(class, variant) if sym == self.known.dict => {
                self.own_namespace(class, variant, span)
            }
            Obj::Instance(class, variant) => {
                self.instance_attribute(class, variant, sym, name, span)
            }
            Obj::Super(of, class, variant) => {
                self.super_attribute(of, class, variant, sym, name, span)
            }
            Obj::External(base) => self.external_attribute(base, name, span),
            Obj::ExternalInstance(ty) => match self.member(ty, name) {
                Some(member) => self.load_external(Obj::External(member), span, true),
                None => Value::unknown(),
            },
            Obj::Keeper(id) => self.keeper_attribute(id, name, span),
            Obj::Container(id) if self.records.contains(&id) => {
                self.element(&Value::of(obj), Key::Str(sym), span)
            }
            Obj::Container(id) => Value::of(Obj::ContainerMethod(id, sym)),
            Obj::Str(_) => {
                let member = Obj::External(self.sym(&format!("str.{name}")));
                Value::of(match name {
                    "startswith" | "endswith" => self.bound(member, obj),
                    _ => member,
                })
            }
            Obj::Func(_) | Obj::Bound(_) | Obj::Partial(_) if name == "__call__" => Value::of(obj),
            Obj::Bound(id) => {
                let (callee, receiver) = *self.bounds.get(id);
                match (callee, receiver) {
                    (Obj::External(base), Obj::Keeper(keeper)) => {
                        let member = self.external(&format!("{}.{name}", self.str(base)));
                        self.keeper_member(keeper, member, span)
                    }
                    _ => self.function_attribute(callee, sym, name),
                }
            }
            Obj::Func(_) if name == "__get__" => {
                let binds = self.external("types.MethodType");
                Value::of(self.bound(binds, obj))
            }
            Obj::Func(_) | Obj::StaticMethod(_) | Obj::ClassMethod(_) => {
                self.function_attribute(obj, sym, name)
            }
            Obj::Property(id) => {
                // `@x.setter` makes a property with both halves; see `Machine::apply`.
                let property = self.properties.get(id).getter;
                match name {
                    "setter" | "deleter" | "getter" => Value::of(self.bound(obj, property)),
                    _ => Value::unknown(),
                }
            }
            Obj::Generator(_) if matches!(name, "send" | "asend") => {
                let send = self.external("generator.send");
                Value::of(self.bound(send, obj))
            }
            Obj::Generator(ctx) => {
                // `throw`, `__next__`: the body runs on.
                self.run_generator(ctx, span, How::Iterate);
                Value::unknown()
            }
            Obj::Field(_) if name == "default" => {
                let default = self.external(FIELD_DEFAULT);
                Value::of(self.bound(default, obj))
            }
            Obj::Partial(id) if name == "func" => self.read(CellKey::PartialCallee(id)),
            _ => Value::unknown(),
        }
    }

    /// The names that the second argument of `getattr` may be: constants, and the members of the
    /// object that fit text such as `f"_on_{kind}"`.
    pub(super) fn names_meant(&mut self, object: &Value, name: &Value) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for &obj in name.objs() {
            match obj {
                Obj::Str(name) => names.push(self.str(name).to_owned()),
                Obj::ExternalInstance(ty) => {
                    let ty = self.str(ty).to_owned();
                    let Some((before, after)) =
                        ty.strip_prefix("str#").and_then(|it| it.split_once('*'))
                    else {
                        continue;
                    };
                    let fits = |name: &&str| {
                        name.len() >= before.len() + after.len()
                            && name.starts_with(before)
                            && name.ends_with(after)
                    };
                    let members = self.member_functions(object);
                    names.extend(members.into_iter().filter(fits).map(str::to_owned));
                }
                _ => {}
            }
        }
        names
    }

    /// The names of the functions that modules and classes of the project define, in order.
    fn member_functions(&mut self, object: &Value) -> Vec<&'p str> {
        let mut owners: Vec<(FileId, Option<u32>)> = Vec::new();
        for &obj in object.objs() {
            match obj {
                Obj::Module(file) => owners.push((file, None)),
                Obj::Instance(class, _) | Obj::Class(class) => {
                    for entry in self.mro(class).iter() {
                        if let Obj::Class(owner) = entry {
                            owners.push((owner.file, Some(owner.ix)));
                        }
                    }
                }
                _ => {}
            }
        }
        let mut names: Vec<&'p str> = Vec::new();
        for (file, class) in owners {
            let Some(module) = self.project.module(file) else {
                continue;
            };
            for function in &module.index().functions {
                let is_member =
                    function.class == class && (class.is_some() || function.parent == MODULE_BODY);
                if let (true, FunctionNode::Def(def)) = (is_member, function.node)
                    && !names.contains(&def.name.as_str())
                {
                    names.push(def.name.as_str());
                }
            }
        }
        names
    }

    fn function_attribute(&mut self, callee: Obj, sym: Sym, name: &str) -> Value {
        match callee {
            Obj::Func(it) | Obj::StaticMethod(it) | Obj::ClassMethod(it) => {
                let stored = self.read(CellKey::FunctionAttr(it.func, sym));
                // `validator` of an update handler: a decorator made by the SDK.
                if stored.is_bottom() && name == "validator" {
                    let made = self.sym("temporalio.workflow.update.validator");
                    return Value::of(self.bound(Obj::External(made), Obj::Func(it)));
                }
                if stored.is_bottom() && name == "register" && self.dispatches(it.func) {
                    let register = self.external(REGISTER);
                    return Value::of(self.bound(register, Obj::Func(it)));
                }
                if stored.is_bottom() && name == "__name__" {
                    // A decorator may have given it the name of what it wraps.
                    let name = self.function_name(it.func);
                    let name = self.sym(name.rsplit('.').next().unwrap_or_default());
                    return Value::of(Obj::Str(name)).opened();
                }
                if stored.is_bottom() {
                    Value::unknown()
                } else {
                    stored.opened().at_place(self.function_place(it, sym))
                }
            }
            _ => Value::unknown(),
        }
    }

    /// The place of an attribute of a function that a module defines, which runs share.
    fn function_place(&mut self, function: FuncRef, name: Sym) -> Option<super::SourceId> {
        if !self.is_defined_at_import(function) {
            return None;
        }
        let span = self.function(function.func)?.node.name_span();
        Some(self.shared_place(function.func.file, span, name))
    }

    /// What is stored in a command that an interceptor is handed goes where the command goes.
    fn record_input_change(&mut self, ty: Sym, name: &str, value: &Value, span: Span) {
        let field = format!("{}.{name}", self.str(ty));
        let kind = match self.knowledge.role(&field) {
            Some(Role::Compared) => SinkKind::Identity,
            _ if self.knowledge.role(self.str(ty)) == Some(Role::CommandInput) => SinkKind::Payload,
            _ => return,
        };
        let whole = self.whole_taint(value, span);
        self.record_sink(&whole, kind, span);
    }

    fn module_attribute(&mut self, file: FileId, sym: Sym, name: &str, span: Span) -> Value {
        self.module_ctx(file);
        let value = self.read(CellKey::Global(file, sym));
        if !value.is_bottom() {
            return self.read_global(file, sym, value, span);
        }
        let defined = self
            .project
            .module(file)
            .is_some_and(|module| module.index().function(MODULE_BODY).locals.contains(name));
        if defined {
            // Its module has not run as far as that yet; this context runs again when it has.
            return Value::bottom();
        }
        let submodule = self.project.submodule(&Import::File(file), name);
        if submodule != Import::External {
            return self.imported(&submodule, name, span);
        }
        let getattr = self.sym("__getattr__");
        let hook = self.read(CellKey::Global(file, getattr));
        if hook.is_bottom() {
            return Value::unknown();
        }
        self.call_value(&hook, &Args::unknown(1), span, How::Call)
            .opened()
    }

    /// What the body of a class defines under a name, and what is stored there later. Code that
    /// decorates the class sees what was there before: it wraps a method and puts the wrapper in
    /// its place.
    pub(super) fn member_of(&mut self, class: ClassId, name: Sym) -> Value {
        let defined = self.read(CellKey::ClassAttr(class, name));
        if self.ctx(self.frame.ctx).decorates.is_some() {
            return defined;
        }
        let stored = self.read(CellKey::DecoratedAttr(class, name));
        defined.joined(&stored)
    }

    /// `Class.name`.
    fn class_attribute(&mut self, class: ClassId, sym: Sym, name: &str, span: Span) -> Value {
        if sym == self.known.dict {
            return self.namespace(class, span);
        }
        if sym == self.known.class {
            return Value::unknown();
        }
        for entry in self.mro(class).iter().copied() {
            match entry {
                Obj::Class(owner) => {
                    let value = self.member_of(owner, sym);
                    if !value.is_bottom() {
                        let place = self.attribute_place(owner, sym);
                        let value = self.as_shared(value, place);
                        let value = self.member_as_started(value, owner, sym);
                        let value = self.read_shared(value, sym, span);
                        if self.is_enum(class) && !value.objs().iter().any(|obj| obj.is_callable())
                        {
                            return self.enum_member(class, sym).tainted_by(&value);
                        }
                        return self.unwrap_from_class(&value, Obj::Class(class));
                    }
                }
                Obj::External(base) => {
                    if let Some(method) = self.tuple_method(base, name, Obj::Class(class)) {
                        return method;
                    }
                    if is_decoder(name) && self.is_data_class(class) {
                        return Value::of(self.bound(Obj::Class(class), Obj::Unknown));
                    }
                    if let Some(found) = self.inherited_member(base, name, span) {
                        return found;
                    }
                }
                _ => {}
            }
        }
        match self.metaclass(class) {
            Some(meta) => self.instance_attribute(meta, 0, sym, name, span),
            None => Value::unknown(),
        }
    }

    /// What a class attribute is when it is read from the class itself.
    fn unwrap_from_class(&mut self, value: &Value, class: Obj) -> Value {
        let mut result = value.filter(|_| false);
        for &obj in value.objs() {
            result.add(match obj {
                Obj::StaticMethod(it) => Obj::Func(it),
                Obj::ClassMethod(it) => self.bound(Obj::Func(it), class),
                other => other,
            });
        }
        result
    }

    /// `instance.name`.
    pub(super) fn instance_attribute(
        &mut self,
        class: ClassId,
        variant: u32,
        sym: Sym,
        name: &str,
        span: Span,
    ) -> Value {
        if sym == self.known.class {
            return Value::of(Obj::Class(class));
        }
        let mro = self.mro(class);
        let instance = Obj::Instance(class, variant);
        let mut result = Value::bottom();
        for entry in mro.iter().copied() {
            if let Obj::Class(owner) = entry {
                let variant = self.variant_for(owner, class, variant);
                result.join(&self.read_instance_attribute(owner, variant, sym));
            }
        }
        if self.is_made_at_import(variant) && !result.is_bottom() {
            let place = self.attribute_place(class, sym);
            result = self.as_shared(result, place);
            result = self.attribute_as_started(result, class, sym);
            if !self.frame.may_be_own {
                result = self.read_shared(result, sym, span);
            }
        }
        // Other code can set most attributes at any time.
        let is_settled = self.is_settled(class, variant, sym);
        let mut result = if result.is_bottom() || is_settled {
            result
        } else {
            result.opened()
        };
        for entry in mro.iter().copied() {
            match entry {
                Obj::Class(owner) => {
                    let value = self.member_of(owner, sym);
                    if value.is_bottom() {
                        continue;
                    }
                    if !result.is_bottom() && self.is_always_set(class, variant, sym) {
                        return result;
                    }
                    if is_settled && result.is_bottom() && value.is_one_constant() {
                        return value;
                    }
                    let value = self.member_as_started(value, owner, sym);
                    let value = if self.is_made_at_import(variant)
                        && !value.objs().iter().all(|obj| obj.is_callable())
                    {
                        self.attribute_as_started(value, class, sym)
                    } else {
                        value
                    };
                    let value = self.read_shared(value, sym, span);
                    let value = self.at_class_attribute(value, owner, sym);
                    let bound = self.bind_to_instance(&value, class, variant, span);
                    let bound = if self.is_made_at_import(variant) {
                        bound
                    } else {
                        self.own_default(bound, class)
                    };
                    let declared = if bound.place().is_none() && self.says_little(&bound) {
                        self.declared_attribute(owner, name)
                    } else {
                        Value::bottom()
                    };
                    let place = result.place();
                    let found = result.joined(&bound).joined(&declared);
                    return if place.is_some() {
                        found.at_place(place)
                    } else {
                        found
                    };
                }
                Obj::External(base) if result.is_bottom() => {
                    if let Some(method) = self.tuple_method(base, name, instance) {
                        return method;
                    }
                    if let Some(found) = self.inherited_member(base, name, span) {
                        // What a class annotates is a field, also if anything may be inherited.
                        let declared = self.annotated_field(class, name);
                        return if declared.is_bottom() || self.is_known_member(&found) {
                            found
                        } else {
                            declared.opened()
                        };
                    }
                }
                _ => {}
            }
        }
        // The annotation of a field says what a constructor or a decoder put there.
        if !is_settled && (result.is_vague() || self.says_little(&result)) {
            let declared = self.annotated_field(class, name);
            if !declared.is_bottom() {
                return result.joined(&declared).opened();
            }
        }
        let declared = self.sets_declared(&result, |this| this.annotated_field(class, name));
        result.join(&declared);
        if result.is_bottom() {
            result = self.call_getattr(class, variant, span);
        }
        if result.is_bottom() {
            Value::unknown()
        } else {
            result
        }
    }

    /// What a class, or the first base that annotates a field, says of it.
    pub(super) fn annotated_field(&mut self, class: ClassId, name: &str) -> Value {
        for entry in self.mro(class).iter().copied() {
            if let Obj::Class(owner) = entry {
                let declared = self.declared_attribute(owner, name);
                if !declared.is_bottom() {
                    return declared;
                }
            }
        }
        Value::bottom()
    }

    /// Whether the catalogue knows what was found in a class outside the project.
    fn is_known_member(&self, found: &Value) -> bool {
        let is_known = |obj: &Obj| match obj {
            Obj::External(name) => self.is_known(self.str(*name)),
            _ => true,
        };
        found.objs().iter().all(is_known)
    }

    /// Whether a field has nothing but a default that is there to be replaced or filled.
    fn says_little(&mut self, value: &Value) -> bool {
        value.objs().to_vec().into_iter().all(|obj| match obj {
            Obj::None => true,
            Obj::Container(id) => self.keys(id).is_empty(),
            _ => false,
        })
    }

    /// A default of a model is copied for each instance.
    fn own_default(&mut self, value: Value, class: ClassId) -> Value {
        let is_instance = |obj: &Obj| matches!(obj, Obj::Instance(..));
        if !value.objs().iter().any(is_instance) {
            return value;
        }
        let mro = self.mro(class);
        let is_model = |entry: &Obj| matches!(entry, Obj::External(name) if self.str(*name) == "pydantic.BaseModel");
        if !mro.iter().any(is_model) {
            return value;
        }
        let mut copy = value.filter(|obj| !matches!(obj, Obj::Instance(..)));
        for &obj in value.objs() {
            if let Obj::Instance(class, variant) = obj {
                let own = self.variant_of_copy(class, variant, &Args::default());
                copy.add(Obj::Instance(class, own));
            }
        }
        copy
    }

    /// What the body of a class made for all its instances stands at its attribute, also where an
    /// instance is asked for it.
    fn at_class_attribute(&mut self, value: Value, owner: ClassId, name: Sym) -> Value {
        let objs = value.objs().iter();
        let is_for_all = !self.at_import()
            && !value.objs().is_empty()
            && objs
                .copied()
                .all(|obj| matches!(obj, Obj::Container(id) if self.is_shared(id)));
        if is_for_all {
            let place = self.attribute_place(owner, name);
            value.at_place(Some(place))
        } else {
            value
        }
    }

    /// An attribute of a class, or of its instances that are shared.
    pub(super) fn attribute_place(&mut self, class: ClassId, name: Sym) -> super::SourceId {
        let span = self
            .class_node(class)
            .map_or(Span::default(), |node| span_of(&node.name));
        self.shared_place(class.file, span, name)
    }

    fn call_getattr(&mut self, class: ClassId, variant: u32, span: Span) -> Value {
        for hook in ["__getattr__", "__getattribute__"] {
            if let Some(function) = self.find_method(class, hook) {
                let args = Args::of(&[Value::unknown()]);
                let bound = self.bound(function, Obj::Instance(class, variant));
                return self.apply(bound, &args, span, How::Property).opened();
            }
        }
        Value::bottom()
    }

    /// Binds functions, runs properties and descriptors.
    fn bind_to_instance(
        &mut self,
        value: &Value,
        class: ClassId,
        variant: u32,
        span: Span,
    ) -> Value {
        let mut result = value.filter(|_| false);
        for &obj in value.objs() {
            match obj {
                Obj::Func(_) => {
                    result.add(self.bound(obj, Obj::Instance(class, variant)));
                }
                Obj::Keeper(id) if self.keepers.get(id).decorates => {
                    result.add(self.bound(obj, Obj::Instance(class, variant)));
                }
                Obj::StaticMethod(it) => {
                    result.add(Obj::Func(it));
                }
                Obj::ClassMethod(it) => {
                    result.add(self.bound(Obj::Func(it), Obj::Class(class)));
                }
                Obj::Property(id) => {
                    let getter = self.properties.get(id).getter;
                    let bound = self.bound(getter, Obj::Instance(class, variant));
                    let value = self.apply(bound, &Args::default(), span, How::Property);
                    result.join(&value.opened());
                }
                Obj::Instance(descriptor, _) => match self.find_method(descriptor, "__get__") {
                    Some(getter) => {
                        let bound = self.bound(getter, obj);
                        let args = Args::of(&[
                            Value::of(Obj::Instance(class, variant)),
                            Value::of(Obj::Class(class)),
                        ]);
                        let value = self.apply(bound, &args, span, How::Property);
                        result.join(&value.opened());
                    }
                    None => {
                        result.add(obj);
                    }
                },
                Obj::Field(id) => {
                    let default = self.read(CellKey::FieldDefault(id));
                    result.join(&default.opened());
                }
                other => {
                    result.add(other);
                }
            }
        }
        result.opened()
    }

    fn super_attribute(
        &mut self,
        of: ClassId,
        instance: ClassId,
        variant: u32,
        sym: Sym,
        name: &str,
        span: Span,
    ) -> Value {
        let mro = self.mro(instance);
        let after = mro
            .iter()
            .position(|entry| *entry == Obj::Class(of))
            .map_or(0, |at| at + 1);
        if name == "__call__" && !mro.contains(&Obj::Class(of)) {
            // What a metaclass leaves to `type`.
            let makes = self.external(MAKES);
            return Value::of(self.bound(makes, Obj::Class(instance)));
        }
        for entry in mro.iter().skip(after).copied() {
            match entry {
                Obj::Class(owner) => {
                    let value = self.member_of(owner, sym);
                    if !value.is_bottom() {
                        return self.bind_to_instance(&value, instance, variant, span);
                    }
                }
                Obj::External(base) => {
                    if let Some(found) = self.inherited_member(base, name, span) {
                        return found;
                    }
                }
                _ => {}
            }
        }
        if name == "__new__" {
            return Value::of(self.external("object.__new__"));
        }
        Value::unknown()
    }

    // ---- members outside the project ----

    fn external_attribute(&mut self, base: Sym, name: &str, span: Span) -> Value {
        // An attribute such as `path.parent` stands for an instance when looked into.
        let returns = self.knowledge.returns(self.str(base)).iter();
        let ty = returns
            .filter(|it| it.when == crate::knowledge::When::Always)
            .map(|it| it.ty)
            .next();
        let full = format!("{}.{name}", self.str(base));
        if let Some(ty) = ty
            && self.knowledge.apis(&full).is_empty()
        {
            let typed = self.typed(ty, span);
            return self.attribute(&typed, name, span);
        }
        // A class method or constant may be inherited from a known base.
        let member = self.member(base, name).unwrap_or(base);
        let member = if member == base {
            self.external(&full)
        } else {
            Obj::External(member)
        };
        self.load_external(member, span, true)
    }

    /// The resolved name of a member of an outside class, found on the class or its known bases.
    pub(super) fn member(&mut self, ty: Sym, name: &str) -> Option<Sym> {
        let key = (ty, self.sym(name));
        if let Some(&known) = self.members.get(&key) {
            return known;
        }
        let member = self.find_member(ty, name);
        self.members.insert(key, member);
        member
    }

    fn find_member(&mut self, ty: Sym, name: &str) -> Option<Sym> {
        let mut fallback = None;
        let ty = self.str(ty);
        // What text looks like changes nothing about its methods.
        let ty = if ty.starts_with("str#") { "str" } else { ty };
        let mut pending = vec![ty.to_owned()];
        let mut seen = 0;
        while seen < pending.len() && seen < 32 {
            let class = pending[seen].clone();
            seen += 1;
            let full = format!("{class}.{name}");
            let canonical = self.knowledge.canonical(&full).into_owned();
            if self.is_known(&canonical) {
                return Some(self.sym(&canonical));
            }
            if !class.contains('#') && fallback.is_none() {
                fallback = Some(canonical);
            }
            pending.extend(self.knowledge.bases(&class).map(str::to_owned));
        }
        if name.starts_with("__") {
            return None;
        }
        fallback.map(|name| self.sym(&name))
    }

    /// What the catalogue says of something outside the project.
    pub(super) fn apis(&mut self, name: Sym) -> &'static [Api] {
        if let Some(&known) = self.apis.get(&name) {
            return known;
        }
        let apis = self.knowledge.apis(self.str(name));
        self.apis.insert(name, apis);
        apis
    }

    fn is_known(&self, name: &str) -> bool {
        let knowledge = self.knowledge;
        // A wildcard counts too: `requests.Session.*`.
        !knowledge.apis(name).is_empty()
            || !knowledge.returns(name).is_empty()
            || knowledge.command(name).is_some()
            || knowledge.role(name).is_some()
            || knowledge.higher_order(name).is_some()
            || !knowledge.keepers(name).is_empty()
            || knowledge.user_class(name).is_some()
    }

    /// A method that named tuples have from Python.
    fn tuple_method(&mut self, base: Sym, name: &str, receiver: Obj) -> Option<Value> {
        let is_one = matches!(name, "_asdict" | "_make" | "_replace");
        (is_one && self.str(base).ends_with(".NamedTuple")).then(|| {
            let method = self.external(&format!("typing.NamedTuple.{name}"));
            Value::of(self.bound(method, receiver))
        })
    }

    /// A member that a class of the project inherits from outside.
    fn inherited_member(&mut self, base: Sym, name: &str, span: Span) -> Option<Value> {
        if is_bare_base(self.str(base)) {
            return None;
        }
        if name.starts_with("__") && name.ends_with("__") {
            return None;
        }
        let member = self.member(base, name)?;
        if self.str(base) == "type" && !self.is_known(self.str(member)) {
            return None;
        }
        Some(
            self.load_external(Obj::External(member), span, true)
                .opened(),
        )
    }

    /// The variant under which a base keeps what it stored for an instance of a class.
    pub(super) fn variant_for(&mut self, base: ClassId, class: ClassId, variant: u32) -> u32 {
        if base == class {
            variant
        } else if self.is_made_at_import(variant) {
            self.fields_variant(base, variant)
        } else {
            0
        }
    }

    /// What code stored in an attribute of such an instance.
    pub(super) fn read_instance_attribute(
        &mut self,
        class: ClassId,
        variant: u32,
        name: Sym,
    ) -> Value {
        if variant == 0 {
            let made = self.read(CellKey::InstanceAttr(class, name));
            return if made.is_bottom() {
                self.read(CellKey::ImportAttr(class, name))
            } else {
                made
            };
        }
        if self.is_made_at_import(variant) {
            let mut own = self.read(CellKey::VariantAttr(class, variant, name));
            // Default factories know no more of an instance than which fields it was given, and
            // runs not even that.
            let mut others = [
                self.fields_variant(class, variant),
                self.shared_variant(class),
            ];
            others.sort_unstable();
            for (ix, &other) in others.iter().enumerate() {
                if other != variant && !others[..ix].contains(&other) {
                    own.join(&self.read(CellKey::VariantAttr(class, other, name)));
                }
            }
            return if own.is_bottom() {
                self.read(CellKey::InstanceAttr(class, name))
            } else {
                own
            };
        }
        // Code that does not know which instance it has may have stored into this one.
        let own = self.read(CellKey::VariantAttr(class, variant, name));
        let any = self.read(CellKey::VariantAttr(class, 0, name));
        own.joined(&any)
    }

    /// What a copy of an instance has from it; what varies with an import is read there.
    pub(super) fn attribute_of_copy(&mut self, class: ClassId, variant: u32, name: Sym) -> Value {
        let mut result = Value::bottom();
        for entry in self.mro(class).iter().copied() {
            if let Obj::Class(owner) = entry {
                let variant = self.variant_for(owner, class, variant);
                result.join(&self.read_instance_attribute(owner, variant, name));
            }
        }
        if self.is_made_at_import(variant) {
            self.with_kinds(&result, Kinds::IMPORT.not())
        } else {
            result
        }
    }

    pub(super) fn write_instance_attribute(
        &mut self,
        class: ClassId,
        variant: u32,
        name: Sym,
        value: &Value,
    ) {
        let is_part = |obj| matches!(obj, Obj::Container(_) | Obj::Instance(..));
        let all = self.known.dict;
        self.write(CellKey::VariantAttr(class, variant, name), value);
        let parts = value.filter(is_part);
        if !parts.is_bottom() {
            self.write(CellKey::VariantAttr(class, variant, all), &parts);
        }
        if self.is_made_at_import(variant) && self.at_import() {
            let plain = self.with_kinds(value, Kinds::IMPORT.not());
            self.write(CellKey::ImportAttr(class, name), &plain);
        } else {
            self.write(CellKey::InstanceAttr(class, name), value);
            if !parts.is_bottom() {
                self.write(CellKey::InstanceAttr(class, all), &parts);
            }
        }
    }

    /// The classes whose instances are kept in attributes of instances of these classes, through
    /// any number of others.
    pub(crate) fn kept_by(&mut self, classes: &BTreeSet<ClassId>) -> BTreeSet<ClassId> {
        let mut kept = classes.clone();
        let mut pending: Vec<ClassId> = classes.iter().copied().collect();
        let mut containers = BTreeSet::new();
        while let Some(class) = pending.pop() {
            let mut objs = self.attributes_within(class, 0).objs().to_vec();
            while let Some(obj) = objs.pop() {
                match obj {
                    Obj::Instance(class, _) if kept.insert(class) => pending.push(class),
                    Obj::Container(id) if containers.insert(id) => {
                        objs.extend(self.all_elements(&Value::of(obj)).objs());
                    }
                    _ => {}
                }
            }
        }
        kept
    }

    /// The join of all attributes of such an instance, as far as they hold or are tainted by
    /// anything.
    pub(super) fn attributes_within(&mut self, class: ClassId, variant: u32) -> Value {
        let mut result = Value::bottom();
        for entry in self.mro(class).iter().copied() {
            if let Obj::Class(owner) = entry {
                let variant = self.variant_for(owner, class, variant);
                let all = self.known.dict;
                result.join(&self.read_instance_attribute(owner, variant, all));
            }
        }
        result
    }

    // ---- stores ----

    /// `del object.name` changes state as a store does; what the attribute was is kept.
    pub(super) fn delete_attribute(&mut self, object: &Value, name: &str, span: Span) {
        let sym = self.sym(name);
        self.forget_attribute(sym);
        self.unsettle(object);
        let named = Value::of(Obj::Str(sym));
        let named = std::slice::from_ref(&named);
        self.call_method_if_project(object, "__delattr__", named, span, How::Property);
        self.note_owner(object, span);
        let is_own =
            |obj: &Obj| matches!(obj, Obj::Instance(_, it) if !self.is_made_at_import(*it));
        if object.objs().iter().any(is_own) {
            self.record_event(span, EventKind::StateWrite(sym), None);
        }
    }

    /// Returns the value with what decides over it.
    pub(super) fn store_attribute(
        &mut self,
        object: &Value,
        name: &str,
        value: &Value,
        span: Span,
    ) -> Value {
        let sym = self.sym(name);
        self.forget_attribute(sym);
        let shared = self.lasting_shared(value);
        let kind = self.kept_in(object);
        let value = &self.stored(value, kind, span);
        self.note_owner(object, span);
        let is_shared = object.objs().iter().all(|obj| match obj {
            Obj::Instance(_, variant) => self.is_made_at_import(*variant),
            other => matches!(other, Obj::None),
        });
        for obj in object.objs().to_vec() {
            match obj {
                Obj::Instance(class, variant) => {
                    if self.call_setter(class, variant, sym, value, span) {
                        continue;
                    }
                    if is_shared && !self.at_import() {
                        let place = self.attribute_place(class, sym);
                        let stored = self.change_shared(place, value, span);
                        self.write_instance_attribute(class, variant, sym, &stored);
                    } else {
                        self.write_instance_attribute(class, variant, sym, value);
                        if self.is_own_class(class) {
                            self.note_replay_flag(span, sym, true, None);
                        }
                        self.record_event(span, EventKind::StateWrite(sym), None);
                    }
                }
                Obj::Class(class) => {
                    let place = self.attribute_place(class, sym);
                    let stored = self.change_shared(place, &shared, span);
                    let decorates = self.ctx(self.frame.ctx).decorates.is_some();
                    self.write(
                        if decorates {
                            CellKey::DecoratedAttr(class, sym)
                        } else {
                            CellKey::ClassAttr(class, sym)
                        },
                        &stored,
                    );
                }
                Obj::Module(file) => {
                    let place = self.shared_place(file, Span::default(), sym);
                    let stored = self.change_shared(place, &shared, span);
                    self.write(CellKey::Global(file, sym), &stored.opened());
                }
                Obj::Func(function) => {
                    let stored = match self.function_place(function, sym) {
                        Some(place) => self.change_shared(place, value, span),
                        None => value.clone(),
                    };
                    self.write(CellKey::FunctionAttr(function.func, sym), &stored);
                }
                Obj::ExternalInstance(ty) => {
                    self.record_input_change(ty, name, value, span);
                }
                Obj::Keeper(id) => self.store_in_keeper(id, name, value),
                Obj::Container(id) if self.records.contains(&id) => {
                    let left = self.record_container_change(&Value::of(obj), span);
                    self.put(id, Key::Str(sym), &value.clone().tainted_by(&left));
                }
                _ => {}
            }
        }
        value.clone()
    }

    /// Whether the running code stands in the body of a class or of a base of it.
    fn is_own_class(&mut self, class: ClassId) -> bool {
        let own = self.lexical_class().map(Obj::Class);
        own.is_some_and(|own| self.mro(class).contains(&own))
    }

    /// Records a change of state that runs may share, and returns the value as other runs find it.
    /// What only fills in what was missing is the same in each of them.
    pub(super) fn change_shared(
        &mut self,
        place: super::SourceId,
        value: &Value,
        span: Span,
    ) -> Value {
        let memo = self.is_guarded_by(place);
        self.change_place(place, value, memo, span)
    }

    /// The same, or as a memo.
    pub(super) fn change_place(
        &mut self,
        place: super::SourceId,
        value: &Value,
        memo: bool,
        span: Span,
    ) -> Value {
        if self.at_import() {
            return value.clone();
        }
        let name = self.source(place).name;
        let kind = EventKind::SharedState { name, memo };
        self.record_event(span, kind, Some(place));
        if memo {
            value.clone()
        } else {
            value.clone().with_source(Some(place))
        }
    }

    /// Runs a property setter, a descriptor or `__setattr__`; says whether one took the value.
    fn call_setter(
        &mut self,
        class: ClassId,
        variant: u32,
        sym: Sym,
        value: &Value,
        span: Span,
    ) -> bool {
        let mro = self.mro(class);
        for entry in mro.iter().copied() {
            let Obj::Class(owner) = entry else { continue };
            let current = self.member_of(owner, sym);
            for &obj in current.objs() {
                match obj {
                    Obj::Property(id) => {
                        if let Some(setter) = self.properties.get(id).setter {
                            let bound = self.bound(setter, Obj::Instance(class, variant));
                            self.apply(
                                bound,
                                &Args::of(std::slice::from_ref(value)),
                                span,
                                How::Property,
                            );
                            return true;
                        }
                    }
                    Obj::Instance(descriptor, _) => {
                        if let Some(setter) = self.find_method(descriptor, "__set__") {
                            let bound = self.bound(setter, obj);
                            let args = Args::of(&[
                                Value::of(Obj::Instance(class, variant)),
                                value.clone(),
                            ]);
                            self.apply(bound, &args, span, How::Property);
                            return true;
                        }
                    }
                    _ => {}
                }
            }
        }
        if let Some(setter) = self.find_method(class, "__setattr__") {
            let bound = self.bound(setter, Obj::Instance(class, variant));
            self.apply(
                bound,
                &Args::of(&[Value::unknown(), value.clone()]),
                span,
                How::Property,
            );
        }
        false
    }
}

/// Class methods of data models that construct an instance from data that is not looked into.
fn is_decoder(name: &str) -> bool {
    matches!(
        name,
        "model_validate"
            | "model_validate_json"
            | "model_validate_strings"
            | "parse_obj"
            | "parse_raw"
            | "from_orm"
    )
}
