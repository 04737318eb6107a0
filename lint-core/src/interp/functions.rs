//! Calling functions of the project: contexts, arguments, and what comes back.

use crate::diagnostic::Span;
use crate::index::{FunctionNode, MODULE_BODY};
use crate::knowledge::{Remarks, SAFE, Sandbox};

use super::args::Args;
use super::{
    CellKey, Code, CtxId, EventKind, FuncId, FuncRef, How, Machine, Mode, Obj, Seen, Value,
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
        if self.mode == Mode::Workflows
            && let Some(value) = self.call_elsewhere(function, args, span)
        {
            return value;
        }
        if how == How::Call && self.fails_to_bind(definition.node, receiver, args) {
            self.leave_by_exception();
            return Value::unknown();
        }
        match how {
            How::Call | How::Construct => self.note_seen(span, Seen::Runs(function.func)),
            How::Callback => self.note_seen(span, Seen::CallsBack(function.func)),
            _ => {}
        }
        let arguments = self.distribute(definition.node, receiver, args);
        // `fn(self)` in a wrapper is a call of a method as well.
        let is_method = receiver.is_some() || definition.class.is_some();
        let signature = self.signature(function, is_method, &arguments);
        let at_import = self.at_import() && self.mode == Mode::Workflows;
        let ctx = self.context(Code::Function(function), at_import, signature);
        self.pass_arguments(function, ctx, arguments, span);
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
        let declared = self.sets_declared(&result, |this| this.declared_return(function.func));
        result.joined(&declared)
    }

    /// What a function gives whose body the workflow does not run: an activity, or what the
    /// user's configuration says something of.
    fn call_elsewhere(&mut self, function: FuncRef, args: &Args, span: Span) -> Option<Value> {
        if self.is_activity(function) {
            self.record_event(span, EventKind::DirectActivity(function.func), None);
            return Some(self.declared_return(function.func).opened());
        }
        if !self.knowledge.has_user_names() {
            return None;
        }
        let name = self.function_name(function.func);
        if self.knowledge.is_executor(&name) {
            let name = self.sym(&name);
            return Some(self.execute_elsewhere(name, args, span));
        }
        self.call_declared(function.func, args, span)
    }

    /// What keeps the contexts of a function apart.
    fn signature(
        &mut self,
        function: FuncRef,
        is_method: bool,
        arguments: &[Option<Value>],
    ) -> Vec<(u16, Vec<Obj>)> {
        let mut signature = Vec::new();
        // What decorates may ask which part it was given: there are few such calls.
        let by_constants = self.is_near_decorator();
        for (ix, value) in arguments.iter().enumerate() {
            let default = CellKey::Default(function, ix as u16);
            let mut objs = match value {
                Some(value) => telling_objs(value, ix == 0 && is_method),
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
        signature
    }

    /// Gives the parameters of a context their arguments or defaults.
    fn pass_arguments(
        &mut self,
        function: FuncRef,
        ctx: CtxId,
        arguments: Vec<Option<Value>>,
        span: Span,
    ) {
        for (ix, value) in arguments.into_iter().enumerate() {
            let slot = ix as u16;
            let value = value.unwrap_or_else(|| self.default_of(function, ix, span));
            self.write(CellKey::Param(ctx, slot), &value);
        }
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
        let source = self.hazard(sym, class, Sandbox::Unknown, Remarks::NONE, span);
        Some(result.with_source(source))
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
