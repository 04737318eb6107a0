//! Comprehensions and generator expressions.

use crate::diagnostic::Span;
use crate::syntax::ast::{self, Expr};
use crate::syntax::span_of;

use super::{CellKey, ContainerKind, How, Key, Machine, Obj, SinkKind, SourceId, Value};

/// What all comprehensions have in common.
struct Comprehension<'p> {
    kind: ContainerKind,
    span: Span,
    generators: &'p [ast::Comprehension],
    /// Of a mapping.
    key: Option<&'p Expr>,
    element: &'p Expr,
}

impl<'p> Comprehension<'p> {
    fn of(expression: &'p Expr) -> Option<Self> {
        let (kind, generators, key, element) = match expression {
            Expr::ListComp(it) => (ContainerKind::List, &it.generators, None, &it.elt),
            Expr::SetComp(it) => (ContainerKind::Set, &it.generators, None, &it.elt),
            Expr::Generator(it) => (ContainerKind::List, &it.generators, None, &it.elt),
            Expr::DictComp(it) => (
                ContainerKind::Dict,
                &it.generators,
                it.key.as_deref(),
                &it.value,
            ),
            _ => return None,
        };
        Some(Self {
            kind,
            span: span_of(expression),
            generators,
            key,
            element,
        })
    }
}

impl<'p> Machine<'p> {
    pub(super) fn comprehension(&mut self, expression: &'p Expr) -> Value {
        let Some(it) = Comprehension::of(expression) else {
            return Value::unknown();
        };
        let Comprehension { kind, span, .. } = it;
        // Targets live in the comprehension only; the names around it come back afterwards.
        let before = self.frame.state.vars.clone();
        let commands = self.frame.commands;
        let ignores_order = std::mem::take(&mut self.frame.ignores_order);
        let is_ordered = kind == ContainerKind::List && !ignores_order;
        let mut order: Option<SourceId> = None;
        let mut set_order = Value::bottom();
        let mut control = Value::bottom();
        let outer = self.open_control();
        for generator in it.generators {
            let iterable = self.evaluate(&generator.iter);
            let iter_span = span_of(&generator.iter);
            if is_ordered {
                let noted = self.unordered_source(&iterable);
                if noted.is_some() {
                    order = self.note_order(&iterable, iter_span).or(order);
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
                control.add_taint(self.pass(condition).taint());
            }
        }
        let key = it.key.map(|key| self.evaluate(key));
        let mut value = self.evaluate(it.element);
        if kind == ContainerKind::Set {
            value = self.as_element(it.element, value);
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
        self.put(id, Key::Any, &value);
        if let Some(key) = &key {
            self.note_key(id, key);
        }
        Value::of(Obj::Container(id)).tainted_by(&control)
    }

    /// What is let through by a condition satisfies it.
    fn pass(&mut self, condition: &'p Expr) -> Value {
        let value = self.evaluate(condition);
        self.call_truth(&value, span_of(condition));
        let deciding = self.deciding(&value);
        self.decide(&deciding, SinkKind::Branch, span_of(condition));
        self.narrow(condition, true);
        value
    }

    fn bind_comprehension_target(&mut self, target: &'p Expr, value: &Value) {
        match target {
            Expr::Name(name) => {
                let sym = self.sym(name.id.as_str());
                self.forget_variable(sym);
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
