//! Calling functions of the project: contexts, arguments, and what comes back.

use crate::diagnostic::Span;
use crate::index::{FunctionNode, MODULE_BODY};
use crate::knowledge::{Role, SAFE, Sandbox};
use crate::syntax::ast;
use crate::syntax::span_of;

use super::args::Args;
use super::{
    CellKey, Code, ContainerKind, CtxId, EventKind, FuncId, FuncRef, How, Key, Machine, Mode, Obj,
    Seen, Sym, Value,
};

impl<'p> Machine<'p> {
    pub(super) fn call_function(
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
        // What decorates may ask which part it was given: there are few such calls.
        let by_constants = self.frame.decorating || self.ctx(self.frame.ctx).decorates;
        for (ix, value) in parameters.iter().enumerate() {
            // `fn(self)` in a wrapper is a call of a method as well.
            let is_receiver = ix == 0 && (receiver.is_some() || definition.class.is_some());
            let default = CellKey::Default(function, ix as u16);
            let mut objs = match value {
                Some(value) => telling_objs(value, is_receiver),
                None => telling_objs(&self.read(default), false),
            };
            if let (Some([given]), true) = (value.as_ref().map(Value::objs), by_constants)
                && (given.is_constant() || matches!(given, Obj::Instance(..)))
                && !objs.contains(given)
            {
                objs.push(*given);
            }
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
    pub(super) fn is_defined_at_import(&self, function: FuncRef) -> bool {
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
        let is_decoded = self
            .function_marks(function.func)
            .any(|mark| matches!(mark.role, Some(Role::Run | Role::Signal | Role::Update)));
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
            if let (true, Some(annotation), false) = (
                is_decoded && only_default,
                &parameter.annotation,
                is_receiver,
            ) {
                self.run_decoding(&value.clone(), span_of(&**annotation));
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
