//! Assigning values to names, attributes and elements.

use crate::diagnostic::Span;
use crate::knowledge::{Access, Api};
use crate::syntax::ast::{self, Expr};
use crate::syntax::span_of;

use super::{CellKey, ContainerKind, How, Key, Machine, Obj, Seen, SinkKind, Sym, Value};

impl<'p> Machine<'p> {
    pub(super) fn augmented_assignment(&mut self, it: &'p ast::StmtAugAssign) {
        let old = self.evaluate(&it.target);
        let operand = self.evaluate(&it.value);
        let mut value = self.binary(&old, it.op, &operand, span_of(it), true);
        // What an element stands for is changed by storing it again.
        if !it.target.is_subscript_expr() {
            let changed = self.extend_in_place(&old, &operand, span_of(it));
            if it.target.is_attribute_expr() && !changed.is_bottom() {
                let others = value.filter(|obj| !self.is_changed_in_place(obj));
                value = others.joined(&changed);
            }
        }
        self.assign(&it.target, &value, None);
        if let Expr::Subscript(subscript) = &*it.target {
            let object = self.evaluate(&subscript.value);
            let key = self.evaluate(&subscript.slice);
            self.fill_in_order(&object, &key);
        }
    }

    fn is_changed_in_place(&self, obj: Obj) -> bool {
        matches!(obj, Obj::Container(id) if self.containers.get(id).kind.is_mutable())
    }

    /// `rows += more` changes the list that `rows` stands for. Returns what is changed.
    fn extend_in_place(&mut self, object: &Value, operand: &Value, span: Span) -> Value {
        let kept = object.filter(|obj| self.is_changed_in_place(obj));
        for &obj in kept.objs() {
            let Obj::Container(id) = obj else { continue };
            if self.containers.get(id).kind == ContainerKind::Dict {
                self.fill_mapping(id, operand, span);
            } else {
                let elements = self.all_elements(operand);
                self.put(id, Key::Any, &elements);
            }
        }
        self.record_container_change(&kept, span);
        kept.objs().iter().copied().collect()
    }

    pub(super) fn annotated_assignment(&mut self, it: &'p ast::StmtAnnAssign) {
        let outer = std::mem::replace(
            &mut self.frame.declares_state,
            it.target.is_attribute_expr(),
        );
        let declared = self.annotation(&it.annotation);
        self.frame.declares_state = outer;
        let value = match &it.value {
            Some(expression) => {
                let value = self.evaluate(expression);
                self.declare_elements(&value, &declared);
                // The annotation says more than a value that is not known.
                if is_empty_container(expression) {
                    self.hold_declared(&value, &declared);
                    value.opened()
                } else if value.is_vague() || is_placeholder(expression) {
                    let typed = value.clone().joined(&declared);
                    if is_placeholder(expression) {
                        typed.opened()
                    } else if declared.is_vague() {
                        typed
                    } else {
                        typed.filter(|obj| !matches!(obj, Obj::Unknown)).opened()
                    }
                } else {
                    value
                }
            }
            None if self.frame.classes.is_empty() => return,
            None => Value::bottom(),
        };
        if it.value.is_some() {
            self.assign(&it.target, &value, it.value.as_deref());
        }
    }

    /// What is put into an empty container later is what its annotation says.
    fn hold_declared(&mut self, empty: &Value, declared: &Value) {
        for (key, element) in self.entries(declared) {
            for &obj in empty.objs() {
                if let Obj::Container(id) = obj {
                    self.put_perhaps(id, key, &element);
                }
            }
        }
    }

    pub(super) fn assign(&mut self, target: &'p Expr, value: &Value, from: Option<&'p Expr>) {
        match target {
            Expr::Name(name) => {
                let sym = self.sym(name.id.as_str());
                let function = self.frame.function;
                let value = &self.as_alias(value, from);
                let value = if function.globals.contains(name.id.as_str()) {
                    self.lasting_shared(value)
                } else if function.nonlocals.contains(name.id.as_str()) {
                    self.lasting(value)
                } else {
                    let mut value = self.under_control(value);
                    value.add_taint(&self.frame.asked_replay);
                    value
                };
                self.note_fresh(sym, &value, from);
                self.assign_name(sym, &value, span_of(target));
            }
            Expr::Attribute(attribute) => {
                let object = self.evaluate(&attribute.value);
                if self.is_fresh(&attribute.value) {
                    self.note_seen(span_of(target), Seen::OfFresh);
                }
                let name = attribute.attr.as_str();
                let stored = self.store_attribute(&object, name, value, span_of(target));
                self.note_stored(&attribute.value, name, &object, stored);
            }
            Expr::Subscript(subscript) => {
                let object = self.evaluate(&subscript.value);
                let key = self.evaluate(&subscript.slice);
                self.store_element(&object, &key, value, span_of(target), &subscript.value);
                if from.is_some() {
                    self.fill_in_order(&object, &key);
                }
            }
            Expr::Tuple(tuple) => self.unpack(&tuple.elts, value, from),
            Expr::List(list) => self.unpack(&list.elts, value, from),
            Expr::Starred(starred) => self.assign(&starred.value, value, None),
            _ => {}
        }
    }

    /// `env = os.environ` in a module is another name for it: what counts is when that is read.
    fn as_alias(&self, value: &Value, from: Option<&Expr>) -> Value {
        let is_read = |api: &Api| api.access == Access::Read && api.class != "platform";
        let is_name = from.is_some_and(|it| it.is_name_expr() || it.is_attribute_expr());
        match value.objs() {
            [Obj::External(name)]
                if is_name
                    && self.at_import()
                    && self.knowledge.apis(self.str(*name)).iter().any(is_read) =>
            {
                value.clone().without_taint()
            }
            _ => value.clone(),
        }
    }

    fn unpack(&mut self, targets: &'p [Expr], value: &Value, from: Option<&'p Expr>) {
        // `a, b = b, a` assigns element by element.
        let starred = targets.iter().position(Expr::is_starred_expr);
        if let (Some(Expr::Tuple(tuple)), None) = (from, starred)
            && tuple.elts.len() == targets.len()
            && !tuple.elts.iter().any(Expr::is_starred_expr)
        {
            let elements: Vec<Value> = (0..targets.len())
                .map(|ix| self.element(value, Key::Int(ix as i64), Span::default()))
                .collect();
            for (target, element) in targets.iter().zip(&elements) {
                self.assign(target, element, None);
            }
            return;
        }
        let span = from.map_or(Span::default(), span_of);
        let read = from.or(targets.first()).map_or(span, span_of);
        if let ([Obj::Instance(class, variant)], None) = (value.objs(), starred)
            && self.is_named_tuple(*class)
        {
            let (class, variant) = (*class, *variant);
            for (target, field) in targets.iter().zip(self.field_names(class)) {
                let name = self.str(field).to_owned();
                let part = self.instance_attribute(class, variant, field, &name, span);
                self.assign(target, &part.tainted_by(value), None);
            }
            return;
        }
        let is_sequence = value.objs().iter().all(|obj| {
            matches!(obj, Obj::Container(id) if matches!(self.containers.get(*id).kind, ContainerKind::List | ContainerKind::Tuple))
        });
        if !is_sequence {
            let element = self.iterate(value, span, How::Iterate).tainted_by(value);
            // `(only,) = names` goes well for a set of one element alone.
            let shows = targets.len() > 1 || starred.is_some();
            let order = if shows {
                self.note_order(value, span)
            } else {
                None
            };
            let element = element.with_source(order);
            for target in targets {
                self.assign(target, &element, None);
            }
            return;
        }
        for (ix, target) in targets.iter().enumerate() {
            let element = match starred {
                Some(star) if ix == star => {
                    let rest = self.all_elements(value);
                    let list = self.container(ContainerKind::List, span_of(target));
                    self.put(list, Key::Any, &rest);
                    Value::of(Obj::Container(list))
                }
                Some(star) if ix > star => self.all_elements(value),
                _ => self.element(value, Key::Int(ix as i64), read),
            };
            self.assign(target, &element.tainted_by(value), None);
        }
    }

    pub(super) fn assign_name(&mut self, name: Sym, value: &Value, span: Span) {
        self.forget_variable(name);
        if let Some((class, scope)) = self.frame.classes.last_mut() {
            let class = *class;
            scope.insert(name, value.clone());
            self.write(CellKey::ClassAttr(class, name), value);
            return;
        }
        let text = self.str(name);
        let function = self.frame.function;
        if self.in_module_body() {
            self.frame.state.vars.insert(name, value.clone());
            self.write(CellKey::Global(self.frame.file, name), value);
        } else if function.globals.contains(text) {
            let place = self.shared_place(self.frame.file, Span::default(), name);
            let stored = self.change_shared(place, value, span).opened();
            self.write(CellKey::Global(self.frame.file, name), &stored);
            self.record_sink(value, SinkKind::State, span);
        } else if function.nonlocals.contains(text) {
            if let Some(owner) = self.enclosing_owner(name) {
                let stored = match self.captured_place(owner, name) {
                    Some(place) => self.change_shared(place, value, span),
                    None => value.clone(),
                };
                self.write(CellKey::Local(owner, name), &stored.opened());
            }
        } else {
            if function.captured.contains(text) {
                self.write(CellKey::Local(self.frame.ctx, name), value);
            }
            self.frame.state.vars.insert(name, value.clone());
        }
    }
}

fn is_placeholder(expression: &Expr) -> bool {
    matches!(expression, Expr::NoneLiteral(_) | Expr::EllipsisLiteral(_))
}

fn is_empty_container(expression: &Expr) -> bool {
    match expression {
        Expr::List(it) => it.elts.is_empty(),
        Expr::Dict(it) => it.items.is_empty(),
        Expr::Tuple(it) => it.elts.is_empty(),
        Expr::Call(it) => {
            let callee = match &*it.func {
                Expr::Name(it) => it.id.as_str(),
                Expr::Attribute(it) => it.attr.as_str(),
                _ => "",
            };
            match callee {
                "list" | "dict" | "set" | "tuple" | "frozenset" => it.arguments.is_empty(),
                "defaultdict" => it.arguments.len() <= 1,
                _ => false,
            }
        }
        _ => false,
    }
}
