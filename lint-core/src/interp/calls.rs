//! Calls: what runs, with which arguments, and what comes back.

use crate::diagnostic::Span;
use crate::index::{FunctionNode, MODULE_BODY};
use crate::knowledge::{Access, Api, Arg, Command, CommandKind, Role, SAFE, Sandbox, When};
use crate::syntax::ast::{self, Expr};
use crate::syntax::span_of;

use super::classes::{FIELD_DEFAULT, REGISTER};
use super::{
    CellKey, Code, ContainerKind, CtxId, EventKind, FuncId, FuncRef, How, Key, Kinds, Machine,
    Mode, Obj, Seen, SinkKind, SourceId, Sym, Value,
};

/// The arguments of a call.
#[derive(Debug, Clone, Default)]
pub(crate) struct Args {
    /// The object outside the project whose method is called, where that matters.
    pub(crate) receiver: Option<Obj>,
    pub(crate) positional: Vec<Argument>,
    /// `None` is `**mapping`.
    pub(crate) keywords: Vec<(Option<Sym>, Value)>,
}

#[derive(Debug, Clone)]
pub(crate) struct Argument {
    pub(crate) value: Value,
    /// `*iterable`.
    pub(crate) starred: bool,
    pub(crate) span: Span,
}

impl Args {
    pub(super) fn of(values: &[Value]) -> Self {
        let argument = |value: &Value| Argument {
            value: value.clone(),
            starred: false,
            span: Span::default(),
        };
        Self {
            receiver: None,
            positional: values.iter().map(argument).collect(),
            keywords: Vec::new(),
        }
    }

    pub(super) fn unknown(count: usize) -> Self {
        Self::of(&vec![Value::unknown(); count])
    }

    /// The positional argument at a place.
    pub(super) fn at(&self, ix: usize) -> Option<&Value> {
        self.positional.get(ix).map(|argument| &argument.value)
    }

    pub(super) fn keyword(&self, name: Sym) -> Option<&Value> {
        let mut keywords = self.keywords.iter();
        let (_, value) = keywords.find(|(keyword, _)| *keyword == Some(name))?;
        Some(value)
    }

    fn has_star(&self) -> bool {
        self.positional.iter().any(|argument| argument.starred)
    }

    fn has_double_star(&self) -> bool {
        self.keywords.iter().any(|(name, _)| name.is_none())
    }
}

/// What a call gives for one parameter of something known.
pub(super) enum Given<'a> {
    Value(&'a Value),
    /// The object whose method is called.
    Receiver(Obj),
    Absent,
    /// It may be hidden behind `*args` or `**kwargs`.
    Hidden,
}

impl<'p> Machine<'p> {
    pub(super) fn call(&mut self, it: &'p ast::ExprCall) -> Value {
        let callee = self.evaluate(&it.func);
        let span = span_of(it);
        if let Some(value) = self.call_syntax(&callee, it, span) {
            return value;
        }
        if let Expr::Attribute(method) = &*it.func
            && callee
                .objs()
                .iter()
                .any(|obj| matches!(obj, Obj::ContainerMethod(..)))
            && super::builtins::mutates(method.attr.as_str())
        {
            self.record_mutation(&Value::bottom(), span, &method.value);
        }
        let ignores_order = self.ignores_order(&callee);
        let outer = std::mem::replace(&mut self.frame.ignores_order, ignores_order);
        let args = self.arguments(&it.arguments);
        self.frame.ignores_order = outer;
        let settled = self.settled_arguments(&callee, &it.func, &args);
        let args = settled.unwrap_or(args);
        self.remember_call(&callee, &args, span);
        let edges = self.frame.out.edges.len();
        let value = self.call_value(&callee, &args, span, How::Call);
        if is_cancellation(&it.func) && self.frame.out.edges.len() == edges {
            self.note_command();
        }
        value
    }

    /// Keeps what the condition or the statement around a call asks about it, so that no part of
    /// it is evaluated again.
    fn remember_call(&mut self, callee: &Value, args: &Args, span: Span) {
        let externals = callee.objs().iter().filter_map(|obj| match obj {
            Obj::External(name) => Some(self.str(*name)),
            _ => None,
        });
        let mut role = None;
        let mut tested = None;
        for name in externals {
            role = role.or(self.knowledge.role(name));
            tested = match name {
                "isinstance" => Some(1),
                "len" => Some(0),
                _ => tested,
            };
        }
        let tested = tested.and_then(|ix: usize| args.positional.get(ix));
        let tested = tested.map(|argument| argument.value.clone());
        if role.is_some() || tested.is_some() {
            self.frame
                .calls
                .insert(span, super::Called { role, tested });
        } else {
            self.frame.calls.remove(&span);
        }
    }

    /// Whether the callee gives the same result in whatever order it sees its elements, so that a
    /// comprehension written as its argument need not be ordered.
    fn ignores_order(&self, callee: &Value) -> bool {
        let ignores = |obj: &Obj| match obj {
            Obj::External(name) => matches!(
                self.str(*name),
                "any"
                    | "all"
                    | "len"
                    | "sum"
                    | "min"
                    | "max"
                    | "set"
                    | "frozenset"
                    | "sorted"
                    | "math.fsum"
                    | "collections.Counter"
            ),
            Obj::ContainerMethod(id, _) => self.containers.get(*id).kind == ContainerKind::Set,
            _ => false,
        };
        !callee.objs().is_empty() && callee.objs().iter().all(ignores)
    }

    /// `model.model_copy(update={"field": value})`
    fn model_copy(&mut self, it: &'p ast::ExprCall) -> Option<Value> {
        let Expr::Attribute(method) = &*it.func else {
            return None;
        };
        let object = self.evaluate(&method.value);
        let args = self.arguments(&it.arguments);
        let update = self.sym("update");
        let mut set = Args::default();
        for (name, value) in &args.keywords {
            if *name != Some(update) {
                continue;
            }
            for (key, value) in self.entries(value) {
                match key {
                    Key::Str(field) => set.keywords.push((Some(field), value)),
                    _ => return None,
                }
            }
        }
        self.replaced(&object, &set, span_of(it))
    }

    fn arguments(&mut self, arguments: &'p ast::Arguments) -> Args {
        let mut args = Args::default();
        let ignores_order = std::mem::take(&mut self.frame.ignores_order);
        for argument in &arguments.args {
            self.frame.ignores_order = ignores_order
                && matches!(argument, ast::Expr::Generator(_) | ast::Expr::ListComp(_));
            let value = self.evaluate(argument);
            self.frame.ignores_order = false;
            args.positional.push(Argument {
                value,
                starred: argument.is_starred_expr(),
                span: span_of(argument),
            });
        }
        for keyword in &arguments.keywords {
            let value = self.evaluate(&keyword.value);
            let name = keyword.arg.as_ref().map(|name| self.sym(name.as_str()));
            args.keywords.push((name, value));
        }
        args
    }

    /// Calls whose meaning depends on how they are written.
    fn call_syntax(&mut self, callee: &Value, it: &'p ast::ExprCall, span: Span) -> Option<Value> {
        let [Obj::External(name)] = callee.objs() else {
            return None;
        };
        match self.str(*name) {
            "pydantic.BaseModel.model_copy" => self.model_copy(it),
            "super" => {
                self.note_external(*name);
                let instance = match it.arguments.args.get(1) {
                    Some(argument) => self.evaluate(argument),
                    None => self.receiver(),
                };
                let of = match it.arguments.args.first() {
                    Some(argument) => self.evaluate(argument).objs().first().copied(),
                    None => self.lexical_class().map(Obj::Class),
                };
                let Some(Obj::Class(of)) = of else {
                    return Some(Value::unknown());
                };
                let supers: Value = instance
                    .objs()
                    .iter()
                    .filter_map(|obj| match obj {
                        Obj::Instance(class, variant) => Some(Obj::Super(of, *class, *variant)),
                        Obj::Class(class) => Some(Obj::Super(of, *class, 0)),
                        _ => None,
                    })
                    .collect();
                Some(if supers.is_bottom() {
                    Value::of(Obj::Super(of, of, 0))
                } else {
                    supers
                })
            }
            "typing.cast" | "typing_extensions.cast" => {
                let [ty, value] = &*it.arguments.args else {
                    return None;
                };
                let value = self.evaluate(value);
                let typed = self.annotation(ty);
                Some(if value.is_vague() {
                    typed.tainted_by(&value).opened()
                } else {
                    value
                })
            }
            "dataclasses.field"
            | "pydantic.Field"
            | "pydantic.fields.Field"
            | "attr.ib"
            | "attrs.field"
            | "attr.field" => Some(self.field(it, span)),
            "attrs.Factory" | "attr.Factory" => {
                let args = self.arguments(&it.arguments);
                let id = self.fields.id((self.frame.file, span));
                self.set_factory(id, &args);
                Some(Value::of(Obj::Field(id)))
            }
            _ if self.knowledge.role(self.str(*name)) == Some(Role::Field) => {
                Some(self.field(it, span))
            }
            _ => None,
        }
    }

    fn field(&mut self, it: &'p ast::ExprCall, span: Span) -> Value {
        let args = self.arguments(&it.arguments);
        let id = self.fields.id((self.frame.file, span));
        let names = [self.sym("default_factory"), self.sym("factory")];
        let default = self.sym("default");
        let mut tainted = Value::bottom();
        for (name, value) in &args.keywords {
            match name {
                Some(name) if names.contains(name) => {
                    self.write(CellKey::FieldFactory(id), value);
                }
                Some(name) if *name == default => {
                    if let [Obj::Field(made)] = *value.objs() {
                        // `default=attrs.Factory(…)`
                        let factory = self.read(CellKey::FieldFactory(made));
                        self.write(CellKey::FieldFactory(id), &factory);
                        continue;
                    }
                    self.write(CellKey::FieldDefault(id), value);
                    tainted.add_taint(value.taint());
                }
                Some(_) => {}
                None => {
                    for factory in names {
                        let value = self.element(value, Key::Str(factory), span);
                        if value.objs().iter().any(|obj| obj.is_callable()) {
                            self.write(CellKey::FieldFactory(id), &value);
                        }
                    }
                }
            }
        }
        if let Some(argument) = args.positional.first() {
            self.write(CellKey::FieldDefault(id), &argument.value);
            tainted.add_taint(argument.value.taint());
        }
        Value::of(Obj::Field(id)).tainted_by(&tainted)
    }

    /// The first parameter of the method around the running code.
    fn receiver(&mut self) -> Value {
        let mut ctx = self.frame.ctx;
        loop {
            let Code::Function(it) = self.ctx(ctx).code.clone() else {
                return Value::unknown();
            };
            let Some(function) = self.function(it.func) else {
                return Value::unknown();
            };
            if function.class.is_some() {
                return self.read(CellKey::Param(ctx, 0));
            }
            if it.closure == ctx || function.parent == it.func.ix {
                return Value::unknown();
            }
            ctx = it.closure;
        }
    }

    pub(super) fn lexical_class(&self) -> Option<super::ClassId> {
        let index = self.frame.module.index();
        let mut function = self.frame.function;
        loop {
            if let Some(ix) = function.class {
                return Some(super::ClassId {
                    file: self.frame.file,
                    ix,
                });
            }
            let parent = index.function(function.parent);
            if std::ptr::eq(parent, function) {
                return None;
            }
            function = parent;
        }
    }

    /// Everything that the arguments are tainted by, contents included.
    pub(super) fn args_taint(&mut self, args: &Args) -> Value {
        let mut taint = Value::bottom();
        for argument in &args.positional {
            let deep = self.deep_taint(&argument.value, argument.span);
            taint.add_taint(deep.taint());
        }
        for (_, value) in &args.keywords {
            let deep = self.deep_taint(value, Span::default());
            taint.add_taint(deep.taint());
        }
        taint
    }

    /// The same for arguments that are handed over as a whole.
    fn payload_taint(&mut self, args: &Args, span: Span) -> Value {
        let mut taint = Value::bottom();
        let positional = args.positional.iter().map(|it| (&it.value, it.span));
        let keywords = args.keywords.iter().map(|(_, value)| (value, span));
        for (value, span) in positional.chain(keywords) {
            taint.add_taint(self.whole_taint(value, span).taint());
        }
        taint
    }

    pub(super) fn call_value(
        &mut self,
        callee: &Value,
        args: &Args,
        span: Span,
        how: How,
    ) -> Value {
        let changes = |this: &Self, obj: &Obj| matches!(obj, Obj::ContainerMethod(_, name) if super::builtins::mutates(this.str(*name)));
        if callee.objs().iter().any(|obj| changes(self, obj)) {
            let fills = |obj: &Obj| matches!(obj, Obj::ContainerMethod(_, name) if self.str(*name) == "setdefault");
            let memo = callee.objs().iter().all(fills);
            self.record_contents(callee, memo, span);
        }
        let mut result = Value::bottom();
        let outer = std::mem::replace(&mut self.frame.callee, Value::bottom().tainted_by(callee));
        for obj in callee.objs().to_vec() {
            let value = self.apply(obj, args, span, how);
            result.join(&value);
        }
        self.frame.callee = outer;
        // What `get` and `setdefault` give stands in the container.
        let gives = |obj: &Obj| matches!(obj, Obj::ContainerMethod(_, name) if matches!(self.str(*name), "get" | "setdefault"));
        if callee.objs().iter().all(gives) && callee.place().is_some() {
            result = result.at_place(callee.place());
        }
        if self.is_of_history(callee) {
            return result;
        }
        result.tainted_by(callee)
    }

    /// Whether what a call gives comes from the history, whatever the object was made of.
    fn is_of_history(&self, callee: &Value) -> bool {
        let is_command = |obj: &Obj| match obj {
            Obj::Bound(id) => match *self.bounds.get(*id) {
                (Obj::External(name), Obj::Keeper(_)) => {
                    self.knowledge.command(self.str(name)).is_some()
                }
                _ => false,
            },
            _ => false,
        };
        !callee.objs().is_empty() && callee.objs().iter().all(is_command)
    }

    /// Calls one object.
    pub(super) fn apply(&mut self, obj: Obj, args: &Args, span: Span, how: How) -> Value {
        self.nested(|this| this.apply_one(obj, args, span, how))
    }

    fn apply_one(&mut self, obj: Obj, args: &Args, span: Span, how: How) -> Value {
        match obj {
            Obj::Func(it) | Obj::StaticMethod(it) | Obj::ClassMethod(it) => {
                self.call_function(it, None, args, span, how)
            }
            Obj::Bound(id) => {
                let (callee, receiver) = *self.bounds.get(id);
                match callee {
                    Obj::Func(it) => self.call_function(it, Some(receiver), args, span, how),
                    Obj::External(name) if matches!(receiver, Obj::Keeper(_)) => {
                        let args = Args {
                            receiver: Some(receiver),
                            ..args.clone()
                        };
                        self.call_external(name, &args, span)
                    }
                    Obj::External(name) if self.str(name) == REGISTER => match receiver {
                        Obj::Func(generic) => self.register_implementation(generic, args),
                        _ => Value::unknown(),
                    },
                    Obj::External(name) if self.str(name) == FIELD_DEFAULT => match receiver {
                        Obj::Field(field) => self.set_factory(field, args),
                        _ => Value::unknown(),
                    },
                    Obj::Property(property) => self.complete_property(property, args),
                    // A decoder such as `Model.model_validate`.
                    Obj::Class(class) => {
                        let keywords =
                            vec![(None, Value::unknown().tainted_by(&self.args_taint(args)))];
                        self.construct(
                            class,
                            &Args {
                                keywords,
                                ..Args::default()
                            },
                            span,
                        )
                    }
                    _ => {
                        let mut all = Args::of(&[Value::of(receiver)]);
                        all.positional.extend(args.positional.iter().cloned());
                        all.keywords.clone_from(&args.keywords);
                        self.apply(callee, &all, span, how)
                    }
                }
            }
            Obj::Class(class) => self.construct(class, args, span),
            Obj::Instance(class, _) => match self.find_method(class, "__call__") {
                Some(method) => {
                    let bound = self.bound(method, obj);
                    self.apply(bound, args, span, how)
                }
                None => Value::unknown().tainted_by(&self.args_taint(args)),
            },
            Obj::External(name) => self.call_external(name, args, span),
            Obj::ExternalInstance(ty) => {
                let member = self.member(ty, "__call__");
                match member {
                    Some(member) => self.call_external(member, args, span),
                    None => Value::unknown().tainted_by(&self.args_taint(args)),
                }
            }
            // The result of `decorator(…)` from outside, applied to a definition.
            Obj::Made(name) => match args.positional.first() {
                Some(first)
                    if first
                        .value
                        .objs()
                        .iter()
                        .any(|obj| self.is_definition(*obj)) =>
                {
                    self.mark(name, &first.value);
                    first.value.clone()
                }
                _ => Value::unknown().tainted_by(&self.args_taint(args)),
            },
            Obj::Keeper(id) => self.call_keeper(id, args, span, how),
            Obj::Partial(id) => self.call_partial(id, args, span, how),
            Obj::ContainerMethod(id, method) => {
                self.note_container_method(id, method);
                self.call_container_method(id, method, args, span)
            }
            _ => {
                self.note_foreign_call(&Value::bottom(), span);
                Value::unknown().tainted_by(&self.args_taint(args))
            }
        }
    }

    fn complete_property(&mut self, id: u32, args: &Args) -> Value {
        let property = *self.properties.get(id);
        let setter = args
            .positional
            .first()
            .and_then(|first| first.value.objs().first().copied());
        Value::of(Obj::Property(self.properties.id(super::Property {
            setter: setter.or(property.setter),
            ..property
        })))
    }

    fn call_partial(&mut self, id: u32, args: &Args, span: Span, how: How) -> Value {
        // Partials may hold themselves and one another. One that is being called adds nothing, and
        // beyond a few ways to one the rest are not told apart.
        const MAX_CALLS: usize = 4;
        let calls = self.frame.partials.entry(id).or_default();
        if calls.running || calls.count >= MAX_CALLS {
            return Value::bottom();
        }
        calls.running = true;
        calls.count += 1;
        let callee = self.read(CellKey::PartialCallee(id));
        let mut all = self.partial_args.get(&id).cloned().unwrap_or_default();
        if let ([Obj::External(name)], [argument]) = (callee.objs(), &args.positional[..])
            && self.str(*name) == "functools.update_wrapper"
        {
            for wrapped in &all.positional {
                self.copy_marks(&argument.value, &wrapped.value);
            }
            return argument.value.clone();
        }
        all.positional.extend(args.positional.iter().cloned());
        all.keywords.extend(args.keywords.iter().cloned());
        let value = self.call_value(&callee, &all, span, how);
        self.frame.partials.entry(id).or_default().running = false;
        value
    }

    // ---- functions of the project ----

    fn call_function(
        &mut self,
        function: FuncRef,
        receiver: Option<Obj>,
        args: &Args,
        span: Span,
        how: How,
    ) -> Value {
        let Some(definition) = self.function(function.func) else {
            return Value::unknown();
        };
        if self.mode == Mode::Workflows {
            if self.is_activity(function) {
                self.record_event(span, EventKind::DirectActivity(function.func), None);
                return self.declared_return(function.func).opened();
            }
            let name = self.function_name(function.func);
            if self.knowledge.is_executor(&name) {
                return self.execute_elsewhere(&name, args, span);
            }
            if let Some(value) = self.call_declared(function.func, args, span) {
                return value;
            }
        }
        match how {
            How::Call | How::Construct => self.note_seen(span, Seen::Runs(function.func)),
            How::Callback => self.note_seen(span, Seen::CallsBack(function.func)),
            _ => {}
        }
        let parameters = self.distribute(definition.node, receiver, args);
        let mut signature = Vec::new();
        for (ix, value) in parameters.iter().enumerate() {
            // `fn(self)` in a wrapper is a call of a method as well.
            let is_receiver = ix == 0 && (receiver.is_some() || definition.class.is_some());
            let default = CellKey::Default(function, ix as u16);
            let objs = match value {
                Some(value) => telling_objs(value, is_receiver),
                None => telling_objs(&self.read(default), false),
            };
            if !objs.is_empty() {
                signature.push((ix as u16, objs));
            }
        }
        if !self.lasting_control().is_bottom() {
            // What it stores depends on what decides over the call.
            signature.push((u16::MAX, vec![Obj::Unknown]));
        }
        let at_import = self.at_import() && self.mode == Mode::Workflows;
        let ctx = self.context(Code::Function(function), at_import, signature);
        for (ix, value) in parameters.into_iter().enumerate() {
            let slot = ix as u16;
            match value {
                Some(value) => {
                    self.write(CellKey::Param(ctx, slot), &value);
                }
                None => {
                    let mut default = self.read(CellKey::Default(function, slot));
                    if !default.taint().is_empty() && self.is_defined_at_import(function) {
                        let name = self.parameter_name(definition.node, ix);
                        default = self.read_shared(default, name, span);
                    }
                    self.write(CellKey::Param(ctx, slot), &default);
                }
            }
        }
        if !definition.is_generator || self.mode == Mode::Full {
            self.run_callee(ctx, span, how);
        }
        if definition.is_generator {
            // Its body runs when it is iterated.
            return Value::of(Obj::Generator(ctx));
        }
        let result = self.read(CellKey::Return(ctx));
        let result = self.as_cached(function, result);
        if result.is_bottom() {
            // Not computed yet; the caller runs again when it is.
            return result;
        }
        if result.is_vague() {
            let declared = self.declared_return(function.func);
            return result.joined(&declared.opened());
        }
        result
    }

    /// What a function gives that keeps its results: its objects are those of the process.
    fn as_cached(&mut self, function: FuncRef, result: Value) -> Value {
        let mut is_object = |obj: &Obj| match obj {
            // What settings and other data hold speaks for itself.
            Obj::Instance(class, _) => !self.is_data_class(*class),
            Obj::Container(_) => true,
            _ => false,
        };
        if !result.objs().iter().any(&mut is_object) || !self.is_defined_at_import(function) {
            return result;
        }
        let is_cached = {
            let mut marks = self.function_marks(function.func);
            marks.any(|mark| is_cache(self.str(mark.name)))
        };
        if !is_cached {
            return result;
        }
        let Some(definition) = self.function(function.func) else {
            return result;
        };
        let node = definition.node;
        let FunctionNode::Def(def) = node else {
            return result;
        };
        // A method keeps what it gives for each receiver.
        if definition.class.is_some() {
            return result;
        }
        let name = self.sym(def.name.as_str());
        let place = self.shared_place(function.func.file, node.name_span(), name);
        self.as_shared(result, place)
    }

    /// What a call of a context means for the running one: it decides over it, and what it raises
    /// goes on here.
    fn run_callee(&mut self, ctx: CtxId, span: Span, how: How) {
        self.record_edge(span, ctx, how);
        self.pass_control(ctx);
        self.run_if_new(ctx);
        self.take_exceptions(ctx, span);
    }

    /// Runs the body of a generator; returns what it yields.
    pub(super) fn run_generator(&mut self, ctx: CtxId, span: Span, how: How) -> Value {
        self.run_callee(ctx, span, how);
        self.read(CellKey::Yield(ctx))
    }

    /// Whether the defaults of a function are evaluated by a module or class body.
    fn is_defined_at_import(&self, function: FuncRef) -> bool {
        matches!(&self.ctx(function.closure).code, Code::Function(it) if it.func.ix == MODULE_BODY)
    }

    fn parameter_name(&mut self, node: FunctionNode<'p>, ix: usize) -> Sym {
        let name = node.parameters().and_then(|parameters| {
            let positional = parameters.posonlyargs.len() + parameters.args.len();
            let ix = if ix < positional {
                ix
            } else {
                ix - usize::from(parameters.vararg.is_some())
            };
            parameters.iter_non_variadic_params().nth(ix)
        });
        self.sym(name.map_or("", |parameter| parameter.parameter.name.as_str()))
    }

    /// Something of the user's own that hands its arguments to an activity.
    fn execute_elsewhere(&mut self, name: &str, args: &Args, span: Span) -> Value {
        self.note_command();
        let name = self.sym(name);
        self.record_command(CommandKind::Other, name, span);
        let taint = self.payload_taint(args, span);
        self.record_sink(&taint, SinkKind::Payload, span);
        let mut result = Value::bottom();
        for argument in &args.positional {
            result.join(&self.result_of_target(&argument.value));
        }
        result.without_taint().opened()
    }

    /// A function of the project that the user's configuration classifies.
    fn call_declared(&mut self, func: FuncId, args: &Args, span: Span) -> Option<Value> {
        let name = self.function_name(func);
        let class = self.knowledge.user_class(&name)?;
        let result = self
            .declared_return(func)
            .opened()
            .tainted_by(&self.args_taint(args));
        if class == SAFE {
            return Some(result);
        }
        let sym = self.sym(&name);
        let source = self.hazard(sym, class, Sandbox::Unknown, "", span);
        Some(result.with_source(source))
    }

    /// Assigns arguments to parameters, in the order of the parameter cells: positional ones,
    /// `*args`, keyword-only ones, `**kwargs`. `None` is an argument that is not given.
    fn distribute(
        &mut self,
        node: FunctionNode<'p>,
        receiver: Option<Obj>,
        args: &Args,
    ) -> Vec<Option<Value>> {
        let Some(parameters) = node.parameters() else {
            return Vec::new();
        };
        let names: Vec<Sym> = parameters
            .posonlyargs
            .iter()
            .chain(&parameters.args)
            .map(|parameter| parameter.parameter.name.as_str())
            .collect::<Vec<_>>()
            .into_iter()
            .map(|name| self.sym(name))
            .collect();
        let kwonly: Vec<Sym> = parameters
            .kwonlyargs
            .iter()
            .map(|parameter| parameter.parameter.name.as_str())
            .collect::<Vec<_>>()
            .into_iter()
            .map(|name| self.sym(name))
            .collect();
        let mut positional: Vec<Option<Value>> = vec![None; names.len()];
        let mut rest: Vec<(Key, Value)> = Vec::new();
        let mut at = 0;
        let mut give =
            |value: Value, positional: &mut Vec<Option<Value>>, rest: &mut Vec<(Key, Value)>| {
                match positional.get_mut(at) {
                    Some(slot) => *slot = Some(value),
                    None => rest.push((Key::Int((at - positional.len()) as i64), value)),
                }
                at += 1;
            };
        if let Some(receiver) = receiver {
            give(Value::of(receiver), &mut positional, &mut rest);
        }
        let mut open_ended: Option<Value> = None;
        for argument in &args.positional {
            if !argument.starred {
                give(argument.value.clone(), &mut positional, &mut rest);
                continue;
            }
            match self.exact_elements(&argument.value) {
                Some(elements) => {
                    for element in elements {
                        give(
                            element.tainted_by(&argument.value),
                            &mut positional,
                            &mut rest,
                        );
                    }
                }
                None => {
                    let elements = self.iterate(&argument.value, argument.span, How::Iterate);
                    open_ended
                        .get_or_insert_with(Value::bottom)
                        .join(&elements.tainted_by(&argument.value));
                }
            }
        }
        if let Some(value) = open_ended {
            for slot in &mut positional {
                slot.get_or_insert_with(Value::bottom).join(&value);
            }
            rest.push((Key::Any, value));
        }
        let mut keyword_only: Vec<Option<Value>> = vec![None; kwonly.len()];
        let mut extra: Vec<(Key, Value)> = Vec::new();
        for (name, value) in &args.keywords {
            let Some(name) = name else {
                for (slot, name) in positional
                    .iter_mut()
                    .zip(&names)
                    .chain(keyword_only.iter_mut().zip(&kwonly))
                {
                    if slot.is_none() {
                        let element = self.element(value, Key::Str(*name), Span::default());
                        if !element.is_bottom() && !element.is_vague() {
                            *slot = Some(element.tainted_by(value));
                        }
                    }
                }
                for (key, element) in self.entries(value) {
                    let taken = matches!(key, Key::Str(name) if names.contains(&name) || kwonly.contains(&name));
                    if !taken {
                        extra.push((key, element.tainted_by(value)));
                    }
                }
                continue;
            };
            if let Some(ix) = names.iter().position(|it| it == name) {
                positional[ix].get_or_insert_with(Value::bottom).join(value);
            } else if let Some(ix) = kwonly.iter().position(|it| it == name) {
                keyword_only[ix] = Some(value.clone());
            } else {
                extra.push((Key::Str(*name), value.clone()));
            }
        }
        let mut result = positional;
        if let Some(vararg) = &parameters.vararg {
            let tuple = self.container(ContainerKind::Tuple, span_of(&vararg.name));
            for (key, value) in rest {
                self.put(tuple, key, &value);
            }
            result.push(Some(Value::of(Obj::Container(tuple))));
        }
        result.extend(keyword_only);
        if let Some(kwarg) = &parameters.kwarg {
            let dict = self.container(ContainerKind::Dict, span_of(&kwarg.name));
            for (key, value) in extra {
                self.put(dict, key, &value);
            }
            result.push(Some(Value::of(Obj::Container(dict))));
        }
        result
    }

    /// Gives the parameters of the running context their values.
    pub(super) fn bind_parameters(&mut self, function: FuncRef) {
        let Some(parameters) = self.frame.function.node.parameters() else {
            return;
        };
        let positional = parameters
            .posonlyargs
            .iter()
            .chain(&parameters.args)
            .map(|it| &it.parameter);
        let kwonly = parameters.kwonlyargs.iter().map(|it| &it.parameter);
        let all: Vec<(&'p ast::Parameter, bool)> = positional
            .map(|it| (it, false))
            .chain(parameters.vararg.as_deref().map(|it| (it, true)))
            .chain(kwonly.map(|it| (it, false)))
            .chain(parameters.kwarg.as_deref().map(|it| (it, true)))
            .collect();
        let is_method = self.frame.function.class.is_some();
        for (ix, (parameter, variadic)) in all.into_iter().enumerate() {
            let mut value = self.read(CellKey::Param(self.frame.ctx, ix as u16));
            let is_receiver = ix == 0 && is_method && !variadic;
            let only_default = value.is_bottom();
            if only_default {
                let default = self.read(CellKey::Default(function, ix as u16));
                value.join(&default.opened());
            }
            let lacks_type =
                value.is_vague() || value.objs().iter().all(|obj| matches!(obj, Obj::None));
            if !variadic
                && let Some(annotation) = &parameter.annotation
                && (only_default || value.is_vague() || lacks_type && value.is_open())
            {
                let declared = self.annotation(annotation);
                value = value.joined(&declared);
                // A type says what an argument is not: `str` is not `None`.
                if !only_default {
                    value = value.opened();
                }
            }
            if is_receiver && value.is_bottom() {
                value = self.unknown_receiver(function.func);
            }
            if value.is_bottom() {
                value = Value::unknown();
            }
            let name = self.sym(parameter.name.as_str());
            if self
                .frame
                .function
                .captured
                .contains(parameter.name.as_str())
            {
                self.write(CellKey::Local(self.frame.ctx, name), &value);
            }
            self.frame.state.vars.insert(name, value);
        }
    }

    /// The receiver of a method that is analysed without a call: an instance of its class.
    fn unknown_receiver(&mut self, func: FuncId) -> Value {
        let Some(class) = self.function(func).and_then(|function| function.class) else {
            return Value::unknown();
        };
        let class = super::ClassId {
            file: func.file,
            ix: class,
        };
        let is = |name: &str| {
            let mut marks = self.function_marks(func);
            marks.any(|mark| self.str(mark.name) == name)
        };
        if is("staticmethod") {
            return Value::unknown();
        }
        Value::of(if is("classmethod") {
            Obj::Class(class)
        } else {
            Obj::Instance(class, 0)
        })
    }

    // ---- special methods ----

    /// Calls a special method of instances of project classes; other objects are left alone.
    pub(super) fn call_special(
        &mut self,
        value: &Value,
        method: &str,
        span: Span,
        how: How,
    ) -> Value {
        self.call_method_if_project(value, method, &[], span, how)
    }

    pub(super) fn call_method_if_project(
        &mut self,
        value: &Value,
        method: &str,
        args: &[Value],
        span: Span,
        how: How,
    ) -> Value {
        let mut result = Value::bottom();
        for obj in value.objs().to_vec() {
            let (class, receiver) = match obj {
                Obj::Instance(class, _) => (class, obj),
                // `Class[item]`, `Class in …`: the metaclass answers.
                Obj::Class(class) => match self.metaclass(class) {
                    Some(meta) => (meta, obj),
                    None => continue,
                },
                _ => continue,
            };
            if let Some(function) = self.find_method(class, method) {
                let bound = self.bound(function, receiver);
                let value = self.apply(bound, &Args::of(args), span, how);
                result.join(&value);
            }
        }
        result
    }

    // ---- code outside the project ----

    pub(super) fn note_external(&mut self, name: Sym) {
        self.frame.out.externals.insert(name);
    }

    /// The full graph names methods of literals as the public benchmarks do.
    fn note_container_method(&mut self, id: u32, method: Sym) {
        if self.mode == Mode::Full {
            let ty = match self.containers.get(id).kind {
                ContainerKind::List => "PyList",
                ContainerKind::Tuple => "PyTuple",
                ContainerKind::Dict => "PyDict",
                ContainerKind::Set => "PySet",
            };
            let name = format!("<**{ty}**>.{}", self.str(method));
            let name = self.sym(&name);
            self.note_external(name);
        }
    }

    fn call_external(&mut self, name: Sym, args: &Args, span: Span) -> Value {
        self.note_external(name);
        self.note_seen(span, Seen::Calls(name));
        let text = self.str(name).to_owned();
        // What the result comes from because of the call itself.
        let cause = if self.is_harmless_hash(&text, args) || self.is_given_memory(args) {
            Value::bottom()
        } else if let Some(known) = self.resource_of(name, args, span) {
            known
        } else {
            let source = self.call_hazard(name, Some(args), span);
            Value::bottom().with_source(source)
        };
        if text.ends_with(".shuffle")
            && let Some(list) = args.positional.first()
        {
            self.taint_elements(&list.value, &cause);
        }
        if let Some(value) = self.call_builtin(name, args, span) {
            return value.tainted_by(&cause);
        }
        if let Some(value) = self.apply_marker(name, args) {
            return value;
        }
        if self.knowledge.is_executor(&text) {
            return self.execute_elsewhere(&text, args, span);
        }
        let role = self.knowledge.role(&text);
        match role {
            Some(Role::InWorkflow) => return Value::of(Obj::Bool(true)),
            Some(Role::InActivity) => return Value::of(Obj::Bool(false)),
            Some(Role::IsReplaying) => return self.replay_flag(name, span),
            Some(Role::Ordered) => self.note_ordered(args),
            Some(Role::Draw) => self.record_command(CommandKind::Draw, name, span),
            Some(Role::Registration) => self.record_command(CommandKind::Registration, name, span),
            _ => {}
        }
        if role == Some(Role::Log) {
            let taint = self.payload_taint(args, span);
            self.record_sink(&taint, SinkKind::Log, span);
            return Value::of(Obj::None);
        }
        if let Some(command) = self.knowledge.command(&text) {
            let returned = self.issue(command, name, args, span);
            return returned.tainted_by(&cause);
        }
        if let Some(kept) = self.keep(name, args, span) {
            // What it is made of at import is the same in all runs of a worker, and what it gives
            // comes from the history.
            let taint = self.payload_taint(args, span);
            let taint = self.with_kinds(&taint, Kinds::IMPORT.not());
            return kept.tainted_by(&taint).tainted_by(&cause);
        }
        if let Some(found) = self.look_up(name, args) {
            return found;
        }
        self.call_callbacks(&text, args, !cause.is_bottom(), span);
        // Outside code that is given a generator is taken to consume it.
        for argument in &args.positional {
            for obj in argument.value.objs() {
                if let Obj::Generator(ctx) = obj {
                    self.run_generator(*ctx, span, How::Iterate);
                }
            }
        }
        let returned = self.returned_type(name, Some(args), span);
        if !super::builtins::is_builtin(&text) {
            self.note_foreign_call(&cause, span);
        }
        returned
            .tainted_by(&self.payload_taint(args, span))
            .tainted_by(&cause)
    }

    /// Runs what outside code is given to call.
    fn call_callbacks(&mut self, name: &str, args: &Args, is_apart: bool, span: Span) {
        let Some(higher_order) = self.knowledge.higher_order(name) else {
            return;
        };
        if higher_order.elsewhere && self.mode == Mode::Workflows {
            return;
        }
        let runs = higher_order.runs.iter().map(|arg| (arg, How::Callback));
        let answers = higher_order.answers.iter().map(|arg| (arg, How::Answer));
        for (arg, how) in runs.chain(answers) {
            let callback = match self.given(args, *arg) {
                Given::Value(callback) => callback.clone(),
                Given::Receiver(obj) => Value::of(obj),
                Given::Absent | Given::Hidden => continue,
            };
            let keeps = |obj: &Obj| matches!(obj, Obj::Keeper(_) | Obj::Container(_));
            if callback.objs().iter().any(keeps) {
                self.run_kept(&callback, span);
            } else {
                let flow = self.frame.flow.clone();
                self.call_value(&callback, &Args::unknown(1), span, how);
                if is_apart || how == How::Answer {
                    // In a thread or process of its own, or in an activation of its own, its
                    // exceptions leave nothing here.
                    self.frame.flow = flow;
                }
            }
        }
    }

    /// The first argument is gone through in its order, and commands follow it.
    fn note_ordered(&mut self, args: &Args) {
        if let Some(first) = args.positional.first() {
            let source = self.note_order(&first.value, first.span);
            let order = Value::bottom().with_source(source);
            self.record_sink(&order, SinkKind::Order, first.span);
        }
    }

    /// A set in a payload is written in its order.
    fn note_sets_in_payload(&mut self, args: &Args, span: Span) {
        let positional = args.positional.iter().map(|it| (&it.value, it.span));
        let keywords = args.keywords.iter().map(|(_, value)| (value, span));
        for (value, span) in positional.chain(keywords) {
            for set in self.sets_within(value) {
                let source = self.note_order(&Value::of(Obj::Container(set)), span);
                let order = Value::bottom().with_source(source);
                self.record_sink(&order, SinkKind::Payload, span);
            }
        }
    }

    /// So is one in what a workflow or an update gives.
    pub(super) fn note_sets_in_result(&mut self, value: &Value, span: Span) {
        let Code::Function(it) = &self.ctx(self.frame.ctx).code else {
            return;
        };
        let is_result = |mark: super::Mark| matches!(mark.role, Some(Role::Run | Role::Update));
        if !self.function_marks(it.func).any(is_result) {
            return;
        }
        for set in self.sets_within(value) {
            let set = Value::of(Obj::Container(set));
            if self.all_elements(&set).objs().is_empty() {
                // A field of the result that nobody fills.
                continue;
            }
            let source = self.note_order(&set, span);
            let order = Value::bottom().with_source(source);
            self.record_sink(&order, SinkKind::Result, span);
        }
    }

    fn record_command(&mut self, kind: CommandKind, name: Sym, span: Span) {
        self.note_replay_flag(span, name, false, None);
        self.record_event(span, EventKind::Command { kind, name }, None);
    }

    /// The answer whether history is being replayed, which differs in a replay.
    fn replay_flag(&mut self, name: Sym, span: Span) -> Value {
        let source = super::Source {
            ctx_file: self.frame.file,
            span,
            name,
            class: crate::knowledge::REPLAY_FLAG,
            at_import: false,
            sandbox: Sandbox::Allows,
            note: "",
        };
        let source = self.source_id(source);
        let kind = EventKind::Api {
            name,
            class: crate::knowledge::REPLAY_FLAG,
            sandbox: Sandbox::Allows,
            note: "",
        };
        self.record_event(span, kind, Some(source));
        self.instance_of_builtin(crate::knowledge::REPLAY_FLAG)
            .with_source(Some(source))
    }

    /// What is called on a resource, or made of one, shares its cause: connecting, a session and
    /// its queries are one finding.
    fn resource_of(&mut self, name: Sym, args: &Args, span: Span) -> Option<Value> {
        let text = self.str(name);
        if self.knowledge.user_class(text).is_some() {
            return None;
        }
        let last = text.rsplit('.').next();
        let is_made = last.is_some_and(|last| last.starts_with(char::is_uppercase));
        let apis: &'static [Api] = self.knowledge.apis(text);
        let mut apis = apis.iter();
        let api =
            apis.find(|api| api.access == Access::Call && self.holds(api.when, Some(args)))?;
        let mut from = self.frame.callee.clone();
        if is_made {
            let keywords = args.keywords.iter().map(|(_, value)| value);
            let given = args.positional.iter().map(|it| &it.value);
            given.chain(keywords).for_each(|value| {
                from.add_taint(value.taint());
            });
        }
        let kind = self.kind_of_class(api.class);
        let known = self.taint_of_kinds(&from, kind);
        if known.is_empty() {
            return None;
        }
        if self.frame.vouched == 0 && !self.frame.state.dead {
            let kind = EventKind::Api {
                name,
                class: api.class,
                sandbox: api.sandbox,
                note: api.note,
            };
            self.frame.out.resources.insert((span, kind, known.clone()));
        }
        Some(Value::bottom().with_taint(known))
    }

    /// The hash of numbers, and of tuples of them, is the same in every process; that of text and of
    /// objects is not.
    fn is_harmless_hash(&mut self, name: &str, args: &Args) -> bool {
        name == "hash"
            && args.positional.first().is_some_and(|argument| {
                let value = argument.value.clone();
                !value.objs().is_empty() && self.hash_of(&value).is_none()
            })
    }

    /// The hazard of calling a known API, if its conditions hold.
    pub(super) fn call_hazard(
        &mut self,
        name: Sym,
        args: Option<&Args>,
        span: Span,
    ) -> Option<SourceId> {
        let text = self.str(name).to_owned();
        if let Some(class) = self.knowledge.user_class(&text) {
            if class == SAFE {
                return None;
            }
            return self.hazard(name, class, Sandbox::Unknown, "", span);
        }
        let apis: &'static [Api] = self.knowledge.apis(&text);
        let api = apis
            .iter()
            .filter(|api| api.access == Access::Call)
            .find(|api| self.holds(api.when, args))?;
        if api.class == SAFE {
            return None;
        }
        self.hazard(name, api.class, api.sandbox, api.note, span)
    }

    pub(super) fn holds(&mut self, when: When, args: Option<&Args>) -> bool {
        if when == When::Always {
            return true;
        }
        let Some(args) = args else { return false };
        match when {
            When::Always => true,
            When::Missing(arg) => match self.given(args, arg) {
                Given::Absent => true,
                Given::Value(value) => matches!(value.objs(), [Obj::None]) && !value.is_open(),
                Given::Hidden | Given::Receiver(_) => false,
            },
            When::Present(arg) => match self.given(args, arg) {
                Given::Value(value) => !matches!(value.objs(), [Obj::None]),
                _ => false,
            },
            When::Literal(arg, values) => {
                let literal = self.literal(args, arg);
                literal.is_some_and(|text| values.contains(&text))
            }
            When::Contains(arg, parts) => {
                let literal = self.literal(args, arg);
                literal.is_some_and(|text| parts.iter().any(|part| text.contains(part)))
            }
            When::True(arg) => match self.given(args, arg) {
                Given::Value(value) => matches!(value.objs(), [Obj::Bool(true)]),
                _ => false,
            },
            When::Entry(arg, key, constant) => match self.given(args, arg) {
                Given::Value(value) => {
                    let entry = self.entry_of(&value.clone(), key);
                    self.is_constant(&entry, constant)
                }
                _ => false,
            },
            When::Holds(arg, names) => match self.given(args, arg) {
                Given::Value(value) => {
                    let (types, _) = self.types_within(&value.clone());
                    types.into_iter().any(|ty| self.is_one_of(ty, names))
                }
                _ => false,
            },
            When::Unclear(arg) => match self.given(args, arg) {
                Given::Value(value) => !self.types_within(&value.clone()).1,
                Given::Hidden => true,
                Given::Absent | Given::Receiver(_) => false,
            },
            When::All(all) => all.iter().all(|when| self.holds(*when, Some(args))),
            When::Any(any) => any.iter().any(|when| self.holds(*when, Some(args))),
        }
    }

    /// The text of an argument that is a literal.
    fn literal(&self, args: &Args, arg: Arg) -> Option<&str> {
        match self.given(args, arg) {
            Given::Value(value) => match value.objs() {
                [Obj::Str(sym)] => Some(self.str(*sym)),
                _ => None,
            },
            _ => None,
        }
    }

    pub(super) fn given<'a>(&self, args: &'a Args, arg: Arg) -> Given<'a> {
        if arg.name == "self" {
            return args.receiver.map_or(Given::Absent, Given::Receiver);
        }
        let by_name = args
            .keywords
            .iter()
            .find(|(name, _)| name.is_some_and(|name| self.str(name) == arg.name));
        if let Some((_, value)) = by_name {
            return Given::Value(value);
        }
        if let Some(position) = arg.position {
            let before = args.positional.iter().take(usize::from(position) + 1);
            if before.clone().any(|argument| argument.starred) {
                return Given::Hidden;
            }
            if let Some(argument) = args.positional.get(usize::from(position)) {
                return Given::Value(&argument.value);
            }
        }
        if args.has_double_star() || arg.position.is_some() && args.has_star() {
            return Given::Hidden;
        }
        Given::Absent
    }

    /// A command of the workflow: what it is given decides over its impact.
    fn issue(&mut self, command: &'static Command, name: Sym, args: &Args, span: Span) -> Value {
        self.note_command();
        self.record_command(command.kind, name, span);
        let mut result = Value::unknown();
        let target = command.target.and_then(|arg| match self.given(args, arg) {
            Given::Value(value) => Some(value.clone()),
            _ => None,
        });
        if let Some(target) = &target {
            self.note_scheduled(command.kind, target, span);
            result = self.result_of_target(target);
        }
        if !self.knowledge.returns(self.str(name)).is_empty() {
            // A handle, and what awaiting it gives.
            let handle = self.returned_type(name, Some(args), span);
            match result.objs() {
                [Obj::Unknown] => result = handle,
                _ => _ = result.join(&handle),
            }
        }
        let special: Vec<(Value, SinkKind)> = command
            .identity
            .iter()
            .map(|arg| (*arg, SinkKind::Identity))
            .chain(command.timers.iter().map(|arg| (*arg, SinkKind::Timer)))
            .filter_map(|(arg, kind)| match self.given(args, arg) {
                Given::Value(value) => Some((value.clone(), kind)),
                _ => None,
            })
            .collect();
        for (value, kind) in &special {
            self.record_sink(value, *kind, span);
        }
        for arg in command.identity {
            let given = match self.given(args, *arg) {
                Given::Value(value) => value.clone(),
                Given::Hidden => Value::unknown(),
                Given::Absent | Given::Receiver(_) => continue,
            };
            self.note_given(arg.name, &given, span);
        }
        if !matches!(command.kind, CommandKind::Timer | CommandKind::Condition) {
            self.note_sets_in_payload(args, span);
        }
        let payload = match command.kind {
            CommandKind::Timer => SinkKind::Timer,
            _ => SinkKind::Payload,
        };
        let runs = self
            .knowledge
            .higher_order(self.str(name))
            .map(|it| it.runs);
        let runs = runs.unwrap_or_default();
        let taint = self.payload_taint(&self.without_run(args, runs), span);
        self.record_sink(&taint, payload, span);
        for &arg in runs {
            self.run_for_command(command.kind, args, arg, span);
        }
        // The result comes from history.
        result.without_taint().opened()
    }

    /// The arguments that are handed over, and not run.
    fn without_run(&self, args: &Args, runs: &[Arg]) -> Args {
        let is_run = |position: Option<usize>, name: Option<Sym>| {
            let name = name.map(|name| self.str(name));
            runs.iter().any(|arg| {
                name == Some(arg.name)
                    || position.is_some() && arg.position.map(usize::from) == position
            })
        };
        let mut args = args.clone();
        let mut position = 0..;
        args.positional.retain(|_| !is_run(position.next(), None));
        args.keywords
            .retain(|(name, _)| name.is_none() || !is_run(None, *name));
        args
    }

    /// What the workflow runs itself around a command: a condition, which decides, or the tools of
    /// an agent, whose results go into the next command.
    fn run_for_command(&mut self, kind: CommandKind, args: &Args, arg: Arg, span: Span) {
        let callback = match self.given(args, arg) {
            Given::Value(callback) => callback.clone(),
            Given::Receiver(obj) => Value::of(obj),
            Given::Absent | Given::Hidden => return,
        };
        if kind == CommandKind::Condition {
            let decision = self.call_value(&callback, &Args::default(), span, How::Callback);
            self.record_sink(&decision, SinkKind::Branch, span);
        } else {
            // What it is made of at import is the same in all runs of a worker.
            let made_of = self.whole_taint(&callback, span);
            let made_of = self.with_kinds(&made_of, Kinds::IMPORT.not());
            self.record_sink(&made_of, SinkKind::Payload, span);
            let returned = self.run_kept(&callback, span);
            let returned = self.whole_taint(&returned, span);
            self.record_sink(&returned, SinkKind::Payload, span);
        }
    }

    /// Remembers what a command schedules, for the graph.
    fn note_scheduled(&mut self, kind: CommandKind, target: &Value, span: Span) {
        for obj in target.objs().to_vec() {
            let name = match obj {
                Obj::Func(it) | Obj::StaticMethod(it) | Obj::ClassMethod(it) => {
                    self.function_name(it.func)
                }
                Obj::Bound(id) => match self.bounds.get(id).0 {
                    Obj::Func(it) => self.function_name(it.func),
                    _ => continue,
                },
                Obj::Class(class) => self.class_name(class),
                Obj::Str(name) | Obj::External(name) => self.str(name).to_owned(),
                _ => continue,
            };
            let name = self.sym(&name);
            self.frame
                .out
                .scheduled
                .insert(super::Scheduled { span, kind, name });
        }
    }

    /// What scheduling an activity or child workflow gives: its declared return type.
    fn result_of_target(&mut self, target: &Value) -> Value {
        let mut result = Value::bottom();
        for obj in target.objs().to_vec() {
            let function = match obj {
                Obj::Func(it) | Obj::StaticMethod(it) | Obj::ClassMethod(it) => Some(it),
                Obj::Bound(id) => match self.bounds.get(id).0 {
                    Obj::Func(it) => Some(it),
                    _ => None,
                },
                Obj::Class(class) => match self.find_method(class, "run") {
                    Some(Obj::Func(it)) => Some(it),
                    _ => None,
                },
                _ => None,
            };
            for annotated in function.map_or(Vec::new(), |it| self.annotated_as(it)) {
                result.join(&self.declared_return(annotated));
            }
        }
        if result.is_bottom() {
            Value::unknown()
        } else {
            result
        }
    }

    /// Whether an argument is a database in memory, and so what is made of it.
    fn is_given_memory(&self, args: &Args) -> bool {
        let in_memory = |obj: &Obj| match obj {
            Obj::ExternalInstance(ty) => self.str(*ty).ends_with(MEMORY),
            _ => false,
        };
        let positional = args.positional.iter().map(|it| &it.value);
        let mut given = positional.chain(args.keywords.iter().map(|(_, value)| value));
        given.any(|value| value.objs().iter().any(in_memory))
    }

    /// The type that a call of something outside the project gives.
    pub(super) fn returned_type(&mut self, name: Sym, args: Option<&Args>, span: Span) -> Value {
        let text = self.str(name).to_owned();
        let entries = self.knowledge.returns(&text).iter();
        let entry = entries.clone().find(|it| self.holds(it.when, args));
        let in_memory = args.is_some_and(|args| self.is_given_memory(args));
        if let Some(entry) = entry {
            let ty = entry.ty;
            return if in_memory && !ty.contains('#') {
                self.typed(&format!("{ty}{MEMORY}"), span)
            } else {
                self.typed(ty, span)
            };
        }
        let last = text.rsplit('.').next().unwrap_or(&text);
        // `module.Class(…)`: by convention, and so by far most often, an instance.
        let is_class = last.starts_with(|c: char| c.is_uppercase())
            && last.contains(|c: char| c.is_lowercase());
        if is_class || self.knowledge.has_members(&text) {
            return if in_memory {
                self.typed(&format!("{text}{MEMORY}"), span)
            } else {
                Value::of(Obj::ExternalInstance(name))
            };
        }
        Value::of(Obj::Made(name)).opened()
    }

    // ---- contexts for code that nothing calls ----

    /// A function analysed for its own sake.
    pub(crate) fn standalone_ctx(&mut self, func: FuncId) -> CtxId {
        let closure = self.closure_of(func);
        self.entry_ctx(FuncRef { func, closure }, None)
    }

    /// The context of the code around a function, made if need be.
    pub(crate) fn closure_of(&mut self, func: FuncId) -> CtxId {
        match self.function(func) {
            Some(function) if function.parent != crate::index::MODULE_BODY => {
                self.standalone_ctx(FuncId {
                    file: func.file,
                    ix: function.parent,
                })
            }
            _ => self.module_ctx(func.file),
        }
    }
}

/// How the types of databases end that are in memory; their methods are no I/O.
const MEMORY: &str = "#memory";

/// The objects of an argument that keep calls apart: callables and the receiver, since they decide
/// what runs, flags and `None`, since they decide which branch, and whether the value comes from a
/// hazard or from shared state at all, for which `Unknown` stands.
fn telling_objs(value: &Value, is_receiver: bool) -> Vec<Obj> {
    let tells = |obj: &Obj| {
        obj.is_callable()
            || matches!(obj, Obj::None | Obj::Bool(_))
            || is_receiver && !obj.is_constant()
    };
    let mut objs: Vec<Obj> = value.objs().iter().copied().filter(tells).collect();
    let is_shared = value.place().is_some()
        && value
            .objs()
            .iter()
            .any(|obj| matches!(obj, Obj::Container(_)));
    if (is_shared || !value.taint().is_empty()) && !objs.contains(&Obj::Unknown) {
        objs.push(Obj::Unknown);
    }
    objs
}

/// Decorators that keep what a function gives, for all callers in the process.
fn is_cache(name: &str) -> bool {
    matches!(name, "functools.cache" | "functools.lru_cache")
}

/// Whether a task or a handle may be cancelled here, and with it the activity or the timer that it
/// waits for. Tasks are values like those that they give, so only the name of the method tells.
fn is_cancellation(callee: &Expr) -> bool {
    matches!(callee, Expr::Attribute(method) if method.attr.as_str() == "cancel")
}
