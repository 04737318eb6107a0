//! Calls: what runs, with which arguments, and what comes back.

use crate::diagnostic::Span;
use crate::knowledge::Role;
use crate::syntax::ast::{self, Expr};
use crate::syntax::span_of;

use super::args::{Args, Argument};
use super::classes::{FIELD_DEFAULT, REGISTER};
use super::{CellKey, Dropped, How, Machine, Obj, SinkKind, Value};

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
        if let Expr::Attribute(method) = &*it.func
            && callee.objs().iter().any(|obj| self.changes_receiver(*obj))
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
        self.note_inherited_change(&callee, &it.func, &args, span);
        let value = self.call_value(&callee, &args, span, How::Call);
        if let Expr::Attribute(method) = &*it.func {
            self.renew_receiver(method, &callee, &args, &value, span);
        }
        let given: Vec<Value> = args.positional.into_iter().map(|it| it.value).collect();
        self.note_setattr(&callee, it, &given);
        if is_cancellation(&it.func) && self.frame.out.edges.len() == edges {
            self.note_command();
        }
        value
    }

    /// A method may leave its object another one than it was: a parser that reads a file has what
    /// stands there, and a list that its function sorts owes nothing to the order of a set any more.
    fn renew_receiver(
        &mut self,
        method: &'p ast::ExprAttribute,
        callee: &Value,
        args: &Args,
        given: &Value,
        span: Span,
    ) {
        let fills = |obj: &Obj| match obj {
            Obj::External(name) => self.knowledge.role(self.str(*name)) == Some(Role::Fills),
            _ => false,
        };
        if !given.taint().is_empty() && callee.objs().iter().any(fills) {
            let object = self.evaluate(&method.value).tainted_by(given);
            self.assign(&method.value, &object, None);
        }
        if method.attr.as_str() == "sort"
            && let Expr::Name(name) = &*method.value
        {
            let name = self.sym(name.id.as_str());
            self.sort_variable(name, args, span);
        }
    }

    /// Whether it is a method of something outside the project that changes it.
    fn changes_receiver(&self, callee: Obj) -> bool {
        matches!(callee, Obj::External(name) if self.knowledge.role(self.str(name)) == Some(Role::Changes))
    }

    /// A method that a collection of the project inherits from `list` or `dict` changes what the
    /// instance holds.
    fn note_inherited_change(&mut self, callee: &Value, func: &'p Expr, args: &Args, span: Span) {
        let Expr::Attribute(method) = func else {
            return;
        };
        let inherits = |obj: &Obj| matches!(obj, Obj::External(_));
        let changes = super::builtins::mutates(method.attr.as_str());
        if !changes || self.at_import() || !callee.objs().iter().any(inherits) {
            return;
        }
        let object = self.evaluate(&method.value);
        let taint = self.args_taint(args);
        self.fill_collection(&object, &taint, span);
        if self.is_fresh(&method.value) {
            self.note_seen(span, super::Seen::OfFresh);
        }
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

    pub(super) fn arguments(&mut self, arguments: &'p ast::Arguments) -> Args {
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
    pub(super) fn payload_taint(&mut self, args: &Args, span: Span) -> Value {
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
        self.frame.out.drops |= self.lacks_code(callee) && !self.frame.state.dead;
        self.note_methods(callee, span);
        let mut result = Value::bottom();
        let chosen = self.is_chosen(callee).then(|| self.open_control());
        if chosen.is_some() {
            self.decide(callee, SinkKind::Branch, span);
        }
        let called = Value::bottom()
            .tainted_by(callee)
            .at_place(callee.place())
            .in_part(callee.part());
        let outer = std::mem::replace(&mut self.frame.callee, called);
        for obj in callee.objs().to_vec() {
            let value = self.apply(obj, args, span, how);
            result.join(&value);
        }
        let mut result = result.opened_like(callee);
        self.frame.callee = outer;
        if let Some(outer) = chosen {
            self.close_control(outer);
        }
        let is_method = |obj: &Obj| matches!(obj, Obj::ContainerMethod(..));
        if callee.objs().iter().any(is_method) {
            result = result.contained_in(callee);
        }
        // What `get` and `setdefault` give stands in the container.
        let gives = |obj: &Obj| matches!(obj, Obj::ContainerMethod(_, name) if matches!(self.str(*name), "get" | "setdefault"));
        if callee.objs().iter().all(gives) && callee.place().is_some() {
            result = self.found_in(result, callee);
        }
        let shows = |obj: &Obj| matches!(obj, Obj::ContainerMethod(_, name) if super::builtins::shows(self.str(*name)));
        if callee.part().is_some() && callee.objs().iter().all(shows) {
            result = result.in_part(callee.part());
        }
        if self.is_of_history(callee) {
            return result;
        }
        result.tainted_by(callee)
    }

    /// Whether a call runs something that a value has dropped. Elements of containers, of which some
    /// are not known, are taken to be like the others: methods of text are nothing that is missed.
    fn lacks_code(&self, callee: &Value) -> bool {
        const DATA: [&str; 9] = [
            "bool", "bytes", "dict", "float", "int", "list", "set", "str", "tuple",
        ];
        let has_code = |obj: &Obj| match obj {
            Obj::External(name) => {
                let class = self.str(*name).split(['.', '#']).next();
                class.is_none_or(|class| !DATA.contains(&class))
            }
            Obj::Instance(..) => true,
            other => other.is_callable(),
        };
        match callee.dropped() {
            Dropped::Nothing | Dropped::Containers => false,
            Dropped::Contents => callee.objs().iter().any(has_code),
            Dropped::Objects => true,
        }
    }

    /// Whether what a callee comes from decides which of several functions it is.
    fn is_chosen(&self, callee: &Value) -> bool {
        let receiver = |obj: &Obj| match obj {
            Obj::Func(_) => Some(None),
            Obj::Bound(id) => match *self.bounds.get(*id) {
                (Obj::Func(_), receiver) => Some(Some(receiver)),
                _ => None,
            },
            _ => None,
        };
        let function = |obj: &Obj| match obj {
            Obj::Bound(id) => self.bounds.get(*id).0,
            other => *other,
        };
        let first = callee.objs().first().map(function);
        // The same method of several objects is one function.
        let differ = callee.objs().iter().any(|it| Some(function(it)) != first);
        let receivers: Option<Vec<_>> = callee.objs().iter().map(receiver).collect();
        receivers.is_some_and(|it| {
            let same = it.iter().all(|of| *of == it[0]);
            it.len() > 1 && !callee.taint().is_empty() && (same || differ)
        })
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
                self.call_bound(callee, receiver, args, span, how)
            }
            Obj::Class(class) => self.construct(class, args, span),
            Obj::Instance(class, _) => match self.find_method(class, "__call__") {
                Some(method) => {
                    let bound = self.bound(method, obj);
                    self.apply(bound, args, span, how)
                }
                None => self.unknown_from(args),
            },
            Obj::External(name) => self.call_external(name, args, span),
            Obj::ExternalInstance(ty) => match self.member(ty, "__call__") {
                Some(member) => self.call_external(member, args, span),
                None => self.unknown_from(args),
            },
            // The result of `decorator(…)` from outside, applied to a definition.
            Obj::Made(name) => match args.at(0) {
                Some(first) if first.objs().iter().any(|obj| self.is_definition(*obj)) => {
                    self.mark(name, first);
                    first.clone()
                }
                _ => self.unknown_from(args),
            },
            Obj::Keeper(id) => self.call_keeper(id, args, span, how),
            Obj::Partial(id) => self.call_partial(id, args, span, how),
            Obj::ContainerMethod(id, method) => {
                self.note_container_method(id, method);
                self.call_container_method(id, method, args, span)
            }
            _ => {
                self.note_foreign_call(&Value::bottom(), span);
                self.unknown_from(args)
            }
        }
    }

    fn call_bound(
        &mut self,
        callee: Obj,
        receiver: Obj,
        args: &Args,
        span: Span,
        how: How,
    ) -> Value {
        match (callee, receiver) {
            (Obj::Func(it), _) => self.call_function(it, Some(receiver), args, span, how),
            (Obj::External(name), Obj::Keeper(_)) => {
                let args = Args {
                    receiver: Some(receiver),
                    ..args.clone()
                };
                self.call_external(name, &args, span)
            }
            (Obj::External(name), _) if self.str(name) == REGISTER => match receiver {
                Obj::Func(generic) => self.register_implementation(generic, args),
                _ => Value::unknown(),
            },
            (Obj::External(name), _) if self.str(name) == FIELD_DEFAULT => match receiver {
                Obj::Field(field) => self.set_factory(field, args),
                _ => Value::unknown(),
            },
            (Obj::Property(property), _) => self.complete_property(property, args),
            // A decoder such as `Model.model_validate`.
            (Obj::Class(class), _) => {
                let fields = Args {
                    keywords: vec![(None, self.unknown_from(args))],
                    ..Args::default()
                };
                self.construct(class, &fields, span)
            }
            _ => {
                let mut all = Args::of(&[Value::of(receiver)]);
                all.positional.extend(args.positional.iter().cloned());
                all.keywords.clone_from(&args.keywords);
                self.apply(callee, &all, span, how)
            }
        }
    }

    /// What a call gives of which nothing is known.
    pub(super) fn unknown_from(&mut self, args: &Args) -> Value {
        args.values().for_each(|it| self.unsettle(it));
        Value::unknown().tainted_by(&self.args_taint(args))
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
        if calls.running {
            return Value::bottom();
        }
        if calls.count >= MAX_CALLS {
            self.frame.out.drops |= !self.frame.state.dead;
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
}

/// Whether a task or a handle may be cancelled here, and with it the activity or the timer that it
/// waits for. Tasks are values like those that they give, so only the name of the method tells.
fn is_cancellation(callee: &Expr) -> bool {
    matches!(callee, Expr::Attribute(method) if method.attr.as_str() == "cancel")
}
