//! Changes of what containers hold: of the state of a workflow, or of what runs share.

use crate::diagnostic::Span;
use crate::syntax::ast::Expr;
use crate::written::name_bound_to;

use super::{CellKey, ClassId, EventKind, How, Key, Machine, Obj, Seen, Sym, Value};

/// The name under which instances of collections that the project derives keep their elements.
const CONTENTS: &str = "contents";

impl<'p> Machine<'p> {
    pub(super) fn store_element(
        &mut self,
        object: &Value,
        key: &Value,
        value: &Value,
        span: Span,
        written: &'p Expr,
    ) {
        let kind = self.kept_in(object);
        let value = &self.stored(value, kind, span);
        let value = &value
            .clone()
            .tainted_by(&self.record_container_change(object, span));
        for obj in object.objs().to_vec() {
            match obj {
                Obj::Container(id) if self.is_slice(key) => {
                    let elements = self.iterate(value, span, How::Iterate);
                    self.scatter(id);
                    self.put(id, Key::Any, &elements);
                }
                Obj::Container(id) => {
                    self.put_under(id, key, value);
                    self.store_in_holder(id, span);
                }
                Obj::Instance(class, _) => {
                    self.call_method_if_project(
                        &Value::of(obj),
                        "__setitem__",
                        &[key.clone(), value.clone()],
                        span,
                        How::Operator,
                    );
                    if self.find_method(class, "__setitem__").is_none() {
                        self.fill_collection(&Value::of(obj), value, span);
                    }
                }
                Obj::ExternalInstance(ty) => {
                    let member = self.member(ty, "__setitem__");
                    let source = member.and_then(|member| self.call_hazard(member, None, span));
                    if let (None, Some(place)) = (source, object.place()) {
                        self.change_shared(place, value, span);
                    }
                }
                _ => {}
            }
        }
        if let Some(part) = object.part() {
            self.record_part_change(part, span);
        }
        self.record_state_change(span, written);
    }

    /// Whether a class of the project is derived from a collection.
    pub(super) fn is_collection(&mut self, class: ClassId) -> bool {
        self.has_external_base(class, |base| {
            matches!(
                base,
                "dict"
                    | "list"
                    | "collections.OrderedDict"
                    | "collections.defaultdict"
                    | "collections.Counter"
                    | "collections.UserDict"
                    | "collections.UserList"
                    | "collections.deque"
            )
        })
    }

    /// Changes what instances of such classes hold.
    pub(super) fn fill_collection(&mut self, object: &Value, value: &Value, span: Span) {
        for obj in object.objs().to_vec() {
            if let Obj::Instance(class, _) = obj
                && self.is_collection(class)
            {
                self.store_attribute(&Value::of(obj), CONTENTS, value, span);
            }
        }
    }

    /// What `self[key] = value` stored in such an instance.
    pub(super) fn contents_of(&mut self, obj: Obj, span: Span) -> Value {
        let Obj::Instance(class, variant) = obj else {
            return Value::bottom();
        };
        if !self.is_collection(class) {
            return Value::bottom();
        }
        let name = self.sym(CONTENTS);
        let contents = self.instance_attribute(class, variant, name, CONTENTS, span);
        if contents.is_vague() && contents.place().is_none() && contents.taint().is_empty() {
            Value::bottom()
        } else {
            contents
        }
    }

    /// Changing something that a module or class body made is shared between runs; changing what
    /// hangs on the instance is a change of its state.
    pub(super) fn record_mutation(&mut self, object: &Value, span: Span, written: &'p Expr) {
        self.record_container_change(object, span);
        self.record_state_change(span, written);
    }

    fn record_state_change(&mut self, span: Span, written: &'p Expr) {
        if self.at_import() {
            return;
        }
        if let Expr::Attribute(it) = written
            && matches!(&*it.value, Expr::Name(name) if name.id.as_str() == "self")
        {
            let name = self.sym(it.attr.as_str());
            let owner = self.evaluate(&it.value);
            self.note_owner(&owner, span);
            if self.is_fresh(&it.value) {
                self.note_seen(span, Seen::OfFresh);
            }
            self.note_replay_flag(span, name, true, None);
            self.record_event(span, EventKind::StateWrite(name), None);
        }
    }

    /// Records that contents change, if they are shared whichever of its objects the value is.
    /// Returns what stands for the values that runs leave there.
    pub(super) fn record_container_change(&mut self, object: &Value, span: Span) -> Value {
        self.record_contents(object, false, span)
    }

    /// The same, or only where something was missing.
    pub(super) fn record_contents(&mut self, object: &Value, memo: bool, span: Span) -> Value {
        if self.at_import() {
            return Value::bottom();
        }
        let containers = object.objs().iter().filter_map(|obj| match obj {
            Obj::Container(id) | Obj::ContainerMethod(id, _) => Some(*id),
            _ => None,
        });
        let containers: Vec<u32> = containers.collect();
        let Some(&first) = containers.first() else {
            return Value::bottom();
        };
        if let Some(part) = object.part() {
            self.record_part_change(part, span);
        }
        let place = match object.place() {
            Some(place) => place,
            None if containers.iter().all(|&id| self.is_shared(id)) => {
                let container = *self.containers.get(first);
                let name = self.container_name(first);
                self.shared_place(container.file, container.span, name)
            }
            None => {
                self.note_contents(&containers, span);
                return Value::bottom();
            }
        };
        let memo = memo || self.is_guarded_by(place);
        let left = self.change_place(place, &Value::bottom(), memo, span);
        if !left.is_bottom() {
            for id in containers {
                self.write(CellKey::Size(id), &left);
            }
        }
        left
    }

    /// Remembers that contents change which another context made, as state of the workflow is.
    fn note_contents(&mut self, containers: &[u32], span: Span) {
        for &container in containers {
            let maker = self.containers.get(container).ctx;
            if maker.is_some() && maker != Some(self.frame.ctx) {
                let name = self.container_name(container);
                self.record_event(span, EventKind::ContentWrite { container, name }, None);
            }
        }
    }

    /// Whether a container is made at import, and not copied for each instance as the defaults of
    /// data classes are.
    pub(super) fn is_shared(&mut self, id: u32) -> bool {
        let container = *self.containers.get(id);
        container.shared
            && !container.class.is_some_and(|class| {
                self.is_data_class(class) && !self.is_in_class_variable(class, container.span)
            })
    }

    /// The name that a container is bound to where it is made, for messages.
    pub(super) fn container_name(&mut self, id: u32) -> Sym {
        let container = *self.containers.get(id);
        let bound = self
            .project
            .module(container.file)
            .and_then(|module| name_bound_to(module.tree(), container.span));
        self.sym(bound.as_deref().unwrap_or("shared state"))
    }
}
