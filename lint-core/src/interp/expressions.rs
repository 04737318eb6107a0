//! Evaluating expressions.

use crate::diagnostic::Span;
use crate::syntax::ast::{self, Expr, Number};
use crate::syntax::span_of;

use super::conditions::Truth;
use super::containers::single_key;
use super::{
    CellKey, ContainerKind, FuncId, FuncRef, How, Key, Machine, Obj, SinkKind, SourceId, Value,
};

impl<'p> Machine<'p> {
    pub(super) fn evaluate(&mut self, expression: &'p Expr) -> Value {
        if self.is_out_of_steps() {
            return Value::bottom();
        }
        self.steps += 1;
        self.nesting += 1;
        let value = self.evaluate_one(expression);
        self.nesting -= 1;
        value
    }

    fn evaluate_one(&mut self, expression: &'p Expr) -> Value {
        match expression {
            Expr::Name(name) => {
                let value = self.name(name.id.as_str(), span_of(name));
                self.read_by_name(value, span_of(name))
            }
            Expr::Attribute(it) => {
                let object = self.evaluate(&it.value);
                self.attribute(&object, it.attr.as_str(), span_of(it))
            }
            Expr::Call(it) => self.call(it),
            Expr::Await(it) => {
                let edges = self.frame.out.edges.len();
                let value = self.evaluate(&it.value);
                let awaited = self.call_special(&value, "__await__", span_of(it), How::Operator);
                if self.frame.out.edges.len() == edges {
                    // What is awaited is not a call of the project, which would speak for itself.
                    self.note_command();
                }
                self.awaited(&value).joined(&awaited.without_taint())
            }
            Expr::StringLiteral(it) => {
                let text = it.value.to_str();
                let value = Value::of(Obj::Str(self.sym(text)));
                if text.is_empty() {
                    value
                } else {
                    value.truthy()
                }
            }
            Expr::NumberLiteral(it) => match &it.value {
                Number::Int(int) => match int.as_i64() {
                    Some(int) => Value::of(Obj::Int(int)),
                    None => self.instance_of_builtin("int"),
                },
                _ => self.instance_of_builtin("float"),
            },
            Expr::BooleanLiteral(it) => Value::of(Obj::Bool(it.value)),
            Expr::NoneLiteral(_) => Value::of(Obj::None),
            Expr::EllipsisLiteral(_) => Value::unknown(),
            Expr::BytesLiteral(_) => self.instance_of_builtin("bytes"),
            Expr::FString(it) => self.interpolated(it.value.elements()),
            Expr::TString(it) => self.interpolated(it.value.elements()),
            Expr::BoolOp(it) => self.bool_op(it),
            Expr::Named(it) => {
                let value = self.evaluate(&it.value);
                self.assign(&it.target, &value, Some(&it.value));
                value
            }
            Expr::BinOp(it) => {
                let left = self.evaluate(&it.left);
                let right = self.evaluate(&it.right);
                self.binary(&left, it.op, &right, span_of(it), false)
            }
            Expr::UnaryOp(it) => {
                let operand = self.evaluate(&it.operand);
                match it.op {
                    ast::UnaryOp::Not => {
                        self.call_special(&operand, "__bool__", span_of(it), How::Operator);
                        let value = match self.truth(&it.operand, &operand) {
                            Truth::Always => Value::of(Obj::Bool(false)),
                            Truth::Never => Value::of(Obj::Bool(true)),
                            Truth::Unknown => self.answer_from(&operand),
                        };
                        value.tainted_by(&operand).at_place(operand.place())
                    }
                    ast::UnaryOp::USub => {
                        if let [Obj::Int(int)] = operand.objs() {
                            return Value::of(Obj::Int(int.wrapping_neg())).tainted_by(&operand);
                        }
                        let special =
                            self.call_special(&operand, "__neg__", span_of(it), How::Operator);
                        operand.joined(&special)
                    }
                    _ => {
                        let method = if it.op == ast::UnaryOp::Invert {
                            "__invert__"
                        } else {
                            "__pos__"
                        };
                        let special =
                            self.call_special(&operand, method, span_of(it), How::Operator);
                        operand.joined(&special)
                    }
                }
            }
            Expr::Lambda(it) => self.lambda(it),
            Expr::If(it) => self.conditional(it),
            Expr::Dict(it) => self.dict(it),
            Expr::Set(it) => {
                let id = self.container(ContainerKind::Set, span_of(it));
                self.fill(id, &it.elts, true)
            }
            Expr::List(it) => {
                let id = self.container(ContainerKind::List, span_of(it));
                self.fill(id, &it.elts, false)
            }
            Expr::Tuple(it) => {
                let id = self.container(ContainerKind::Tuple, span_of(it));
                self.fill(id, &it.elts, false)
            }
            Expr::ListComp(it) => self.comprehension(
                ContainerKind::List,
                span_of(it),
                &it.generators,
                None,
                &it.elt,
            ),
            Expr::SetComp(it) => self.comprehension(
                ContainerKind::Set,
                span_of(it),
                &it.generators,
                None,
                &it.elt,
            ),
            Expr::Generator(it) => self.comprehension(
                ContainerKind::List,
                span_of(it),
                &it.generators,
                None,
                &it.elt,
            ),
            Expr::DictComp(it) => self.comprehension(
                ContainerKind::Dict,
                span_of(it),
                &it.generators,
                it.key.as_deref(),
                &it.value,
            ),
            Expr::Yield(it) => {
                if let Some(value) = &it.value {
                    let value = self.evaluate(value);
                    let value = self.under_control(&value);
                    self.frame.yielded.join(&value);
                }
                Value::unknown()
            }
            Expr::YieldFrom(it) => {
                let inner = self.evaluate(&it.value);
                let elements = self.iterate(&inner, span_of(it), How::Iterate);
                let elements = self.under_control(&elements);
                self.frame.yielded.join(&elements);
                let mut result = Value::bottom();
                for obj in inner.objs().to_vec() {
                    if let Obj::Generator(ctx) = obj {
                        result.join(&self.read(CellKey::Return(ctx)));
                    }
                }
                result.opened()
            }
            Expr::Compare(it) => self.compare(it),
            Expr::Subscript(it) => {
                let object = self.evaluate(&it.value);
                if let Expr::Slice(slice) = &*it.slice
                    && let Some(part) = self.exact_slice(&object, slice, span_of(it))
                {
                    return part.tainted_by(&object);
                }
                let key = self.evaluate(&it.slice);
                self.subscript(&object, &key, span_of(it))
            }
            Expr::Slice(it) => {
                let mut taint = Value::bottom();
                for part in [&it.lower, &it.upper, &it.step].into_iter().flatten() {
                    let value = self.evaluate(part);
                    taint.add_taint(value.taint());
                }
                self.instance_of_builtin("slice").tainted_by(&taint)
            }
            Expr::Starred(it) => self.evaluate(&it.value),
            Expr::IpyEscapeCommand(_) => Value::unknown(),
        }
    }

    pub(super) fn instance_of_builtin(&mut self, name: &str) -> Value {
        let sym = self.sym(name);
        Value::of(Obj::ExternalInstance(sym))
    }

    fn conditional(&mut self, it: &'p ast::ExprIf) -> Value {
        let test = self.evaluate(&it.test);
        let truth = self.truth(&it.test, &test);
        let outer = self.open_control();
        if truth == Truth::Unknown {
            let deciding = self.deciding(&test);
            self.decide(&deciding, SinkKind::Branch, span_of(&*it.test));
        }
        let guard = u32::from(self.asks_replay(&test));
        self.guard(guard);
        let before = self.frame.state.clone();
        let mut result = Value::bottom();
        if truth != Truth::Never {
            self.narrow(&it.test, true);
            result.join(&self.evaluate(&it.body));
        }
        let after_body = std::mem::replace(&mut self.frame.state, before);
        if truth != Truth::Always {
            self.narrow(&it.test, false);
            result.join(&self.evaluate(&it.orelse));
        }
        self.frame.state.join(&after_body);
        self.unguard(guard);
        self.close_control(outer);
        // Choosing between values is a branch only where the result matters, so it taints it.
        result.tainted_by(&test)
    }

    fn lambda(&mut self, it: &'p ast::ExprLambda) -> Value {
        let Some(ix) = self.frame.module.index().function_at(span_of(it)) else {
            return Value::unknown();
        };
        let func = FuncId {
            file: self.frame.file,
            ix,
        };
        let reference = FuncRef {
            func,
            closure: self.frame.ctx,
        };
        if let Some(parameters) = &it.parameters {
            self.store_defaults(reference, parameters);
        }
        Value::of(Obj::Func(reference))
    }

    pub(super) fn store_defaults(&mut self, function: FuncRef, parameters: &'p ast::Parameters) {
        let positional = parameters.posonlyargs.len() + parameters.args.len();
        let has_vararg = usize::from(parameters.vararg.is_some());
        for (ix, parameter) in parameters.iter_non_variadic_params().enumerate() {
            if let Some(default) = parameter.default() {
                let value = self.evaluate(default);
                let slot = if ix < positional { ix } else { ix + has_vararg };
                self.write(CellKey::Default(function, slot as u16), &value);
            }
        }
    }

    fn fill(&mut self, id: u32, elements: &'p [Expr], unordered: bool) -> Value {
        let mut order = None;
        // Long literals are tables of data; their elements need no places of their own.
        let limit = if unordered { 1 } else { 64 };
        let exact = elements.len() <= limit && !elements.iter().any(Expr::is_starred_expr);
        for (ix, element) in elements.iter().enumerate() {
            let mut value = self.evaluate(element);
            if unordered {
                value = self.as_element(element, value);
            }
            let (key, value) = match element {
                Expr::Starred(_) => {
                    if !unordered {
                        order = self.note_order(&value, span_of(element)).or(order);
                    }
                    (
                        Key::Any,
                        self.iterate(&value, span_of(element), How::Iterate),
                    )
                }
                _ if exact => (Key::Int(ix as i64), value),
                _ => (Key::Any, value),
            };
            self.put(id, key, &value);
        }
        Value::of(Obj::Container(id)).with_source(order)
    }

    fn dict(&mut self, it: &'p ast::ExprDict) -> Value {
        let id = self.container(ContainerKind::Dict, span_of(it));
        for item in &it.items {
            let value = self.evaluate(&item.value);
            match &item.key {
                None => self.copy_entries(id, &value),
                Some(key) => {
                    let key = self.evaluate(key);
                    self.note_key(id, &key);
                    let key = if it.items.len() > 256 {
                        Key::Any
                    } else {
                        single_key(&key)
                    };
                    self.put(id, key, &value);
                }
            }
        }
        Value::of(Obj::Container(id))
    }

    fn comprehension(
        &mut self,
        kind: ContainerKind,
        span: Span,
        generators: &'p [ast::Comprehension],
        key: Option<&'p Expr>,
        element: &'p Expr,
    ) -> Value {
        // Targets live in the comprehension only; the names around it come back afterwards.
        let before = self.frame.state.vars.clone();
        let commands = self.frame.commands;
        let ignores_order = std::mem::take(&mut self.frame.ignores_order);
        let is_ordered = kind == ContainerKind::List && !ignores_order;
        let mut order: Option<SourceId> = None;
        let mut set_order = Value::bottom();
        let mut control = Value::bottom();
        let outer = self.open_control();
        for generator in generators {
            let iterable = self.evaluate(&generator.iter);
            let iter_span = span_of(&generator.iter);
            if is_ordered {
                let noted = self.unordered_source(&iterable);
                if noted.is_some() {
                    order = self.pending_order(&iterable, iter_span, span).or(order);
                }
            }
            if kind != ContainerKind::Set {
                set_order.join(&self.set_order(&iterable));
            }
            let items = self.iterate(&iterable, iter_span, How::Iterate);
            control.add_taint(iterable.taint());
            control.add_taint(self.size_taint(&iterable).taint());
            control = control.with_source(order);
            self.decide(&control, SinkKind::Loop, iter_span);
            self.bind_comprehension_target(&generator.target, &items);
            for condition in &generator.ifs {
                let value = self.evaluate(condition);
                self.call_special(&value, "__bool__", span_of(condition), How::Operator);
                control.add_taint(value.taint());
                let deciding = self.deciding(&value);
                self.decide(&deciding, SinkKind::Branch, span_of(condition));
                self.narrow(condition, true);
            }
        }
        let key_value = key.map(|key| self.evaluate(key));
        let mut value = self.evaluate(element);
        if kind == ContainerKind::Set {
            value = self.as_element(element, value);
        }
        let id = self.container(kind, span);
        if !is_ordered && !set_order.is_bottom() {
            // The order shows only when somebody goes through the result, or in commands here.
            self.write(CellKey::SetOrder(id), &set_order);
            if self.frame.commands > commands {
                let source = self.note_order(&Value::of(Obj::Container(id)), span);
                self.record_sink(&Value::bottom().with_source(source), SinkKind::Order, span);
                control = control.with_source(source);
            }
        }
        self.close_control(outer);
        self.frame.state.vars = before;
        let slot = key_value.as_ref().map_or(Key::Any, |_| Key::Any);
        self.put(id, slot, &value);
        if let Some(key) = &key_value {
            self.note_key(id, key);
        }
        Value::of(Obj::Container(id)).tainted_by(&control)
    }

    fn bind_comprehension_target(&mut self, target: &'p Expr, value: &Value) {
        match target {
            Expr::Name(name) => {
                let sym = self.sym(name.id.as_str());
                match self.frame.classes.last_mut() {
                    Some((_, scope)) => {
                        scope.insert(sym, value.clone());
                    }
                    None => {
                        self.frame.state.vars.insert(sym, value.clone());
                        if self.frame.function.captured.contains(name.id.as_str())
                            || !self.in_module_body()
                        {
                            self.write(CellKey::Local(self.frame.ctx, sym), value);
                        }
                    }
                }
            }
            Expr::Tuple(tuple) => {
                for (ix, part) in tuple.elts.iter().enumerate() {
                    let element = self.element(value, Key::Int(ix as i64), span_of(target));
                    self.bind_comprehension_target(part, &element.tainted_by(value));
                }
            }
            Expr::Starred(it) => self.bind_comprehension_target(&it.value, value),
            _ => self.assign(target, value, None),
        }
    }
}
