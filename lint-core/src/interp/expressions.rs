//! Evaluating expressions.

use crate::diagnostic::Span;
use crate::syntax::ast::{self, Expr, Number};
use crate::syntax::span_of;

use super::conditions::Truth;
use super::containers::single_key;
use super::{CellKey, ContainerKind, FuncId, FuncRef, How, Key, Machine, Obj, SinkKind, Value};

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
                let read = self.attribute(&object, it.attr.as_str(), span_of(it));
                self.as_stored(it, &object, read)
            }
            Expr::Call(it) => self.call(it),
            Expr::Await(it) => self.wait_for(it),
            Expr::StringLiteral(it) => self.text(it.value.to_str()),
            Expr::NumberLiteral(it) => self.number(&it.value),
            Expr::BooleanLiteral(it) => Value::of(Obj::Bool(it.value)),
            Expr::NoneLiteral(_) => Value::of(Obj::None),
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
            Expr::UnaryOp(it) => self.unary(it),
            Expr::Lambda(it) => self.lambda(it),
            Expr::If(it) => self.conditional(it),
            Expr::Dict(it) => self.dict(it),
            Expr::Set(it) => self.fill(ContainerKind::Set, &it.elts, span_of(it)),
            Expr::List(it) => self.fill(ContainerKind::List, &it.elts, span_of(it)),
            Expr::Tuple(it) => self.fill(ContainerKind::Tuple, &it.elts, span_of(it)),
            Expr::ListComp(_) | Expr::SetComp(_) | Expr::DictComp(_) | Expr::Generator(_) => {
                self.comprehension(expression)
            }
            Expr::Yield(it) => self.give(it),
            Expr::YieldFrom(it) => self.give_all(it),
            Expr::Compare(it) => self.compare(it),
            Expr::Subscript(it) => self.subscript(it),
            Expr::Slice(it) => self.slice(it),
            Expr::Starred(it) => self.evaluate(&it.value),
            Expr::EllipsisLiteral(_) | Expr::IpyEscapeCommand(_) => Value::unknown(),
        }
    }

    /// `await value`
    fn wait_for(&mut self, it: &'p ast::ExprAwait) -> Value {
        let edges = self.frame.out.edges.len();
        let value = self.evaluate(&it.value);
        self.other_code_runs();
        let awaited = self.call_special(&value, "__await__", span_of(it), How::Operator);
        if self.frame.out.edges.len() == edges && !self.does_io(span_of(&*it.value)) {
            // What is awaited is not a call of the project, which would speak for itself.
            self.note_command();
        }
        let mut result = self.awaited(&value, &it.value);
        for obj in awaited.objs().to_vec() {
            result.join(&match obj {
                Obj::Generator(ctx) => {
                    self.run_generator(ctx, span_of(it), How::Operator);
                    self.read(CellKey::Return(ctx)).without_taint()
                }
                _ => Value::of(obj),
            });
        }
        result
    }

    /// `yield value`
    fn give(&mut self, it: &'p ast::ExprYield) -> Value {
        if let Some(value) = &it.value {
            let value = self.evaluate(value);
            let value = self.under_control(&value);
            self.frame.yielded.join(&value);
        }
        self.other_code_runs();
        let sent = self.read(CellKey::Sent(self.frame.ctx));
        sent.joined(&Value::unknown())
    }

    /// `yield from values`
    fn give_all(&mut self, it: &'p ast::ExprYieldFrom) -> Value {
        let inner = self.evaluate(&it.value);
        let order = self.note_order(&inner, span_of(&*it.value));
        let elements = self.iterate(&inner, span_of(it), How::Iterate);
        let elements = self.under_control(&elements).with_source(order);
        self.frame.yielded.join(&elements);
        self.other_code_runs();
        let mut result = Value::bottom();
        for &obj in inner.objs() {
            if let Obj::Generator(ctx) = obj {
                result.join(&self.read(CellKey::Return(ctx)));
            }
        }
        result.opened()
    }

    fn number(&mut self, number: &Number) -> Value {
        match number {
            Number::Int(int) => match int.as_i64() {
                Some(int) => Value::of(Obj::Int(int)),
                None => self.instance_of_builtin("int"),
            },
            _ => self.instance_of_builtin("float"),
        }
    }

    pub(super) fn instance_of_builtin(&mut self, name: &str) -> Value {
        let sym = self.sym(name);
        Value::of(Obj::ExternalInstance(sym))
    }

    fn conditional(&mut self, it: &'p ast::ExprIf) -> Value {
        let test = self.evaluate(&it.test);
        self.call_truth(&test, span_of(&*it.test));
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

    fn fill(&mut self, kind: ContainerKind, elements: &'p [Expr], span: Span) -> Value {
        let id = self.container(kind, span);
        let unordered = kind == ContainerKind::Set;
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
}
