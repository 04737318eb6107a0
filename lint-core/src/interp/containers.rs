//! What containers hold: lists, tuples, mappings and sets, by the expressions that make them.

use std::collections::BTreeSet;

use crate::diagnostic::Span;
use crate::syntax::ast::Expr;
use crate::written::name_bound_to;

use super::args::Args;
use super::{
    CellKey, ClassId, Container, ContainerKind, EventKind, How, Key, Machine, Obj, Origin, Seen,
    Sym, Value,
};

/// The name under which instances of collections that the project derives keep their elements.
const CONTENTS: &str = "contents";

/// A container keeps at most this many keys apart.
const MAX_KEYS: usize = 96;

impl<'p> Machine<'p> {
    /// The container that an expression of the running context makes.
    pub(super) fn container(&mut self, kind: ContainerKind, span: Span) -> u32 {
        let class = self.frame.classes.last().map(|(class, _)| *class);
        let repeated = !self.frame.breaks.is_empty();
        self.container_of(Container {
            kind,
            file: self.frame.file,
            span,
            ctx: Some(self.frame.ctx),
            shared: self.at_import(),
            class,
            repeated,
        })
    }

    pub(super) fn container_of(&mut self, container: Container) -> u32 {
        let id = self.containers.id(container);
        if self.container_keys.len() < self.containers.len() {
            self.container_keys.push(Vec::new());
            self.container_shared_writes.push(false);
        }
        id
    }

    /// Stores an element.
    pub(super) fn put(&mut self, id: u32, key: Key, value: &Value) {
        self.frame.state.single.remove(&id);
        let keys = &mut self.container_keys[id as usize];
        let key = if keys.contains(&key) {
            key
        } else {
            // Readers of all elements learn of the new key.
            let key = if keys.len() < MAX_KEYS { key } else { Key::Any };
            if !keys.contains(&key) {
                keys.push(key);
            }
            key
        };
        let container = *self.containers.get(id);
        let value = &self.note_size(id, value);
        if container.ctx == Some(self.frame.ctx) && !container.repeated && key != Key::Any {
            self.frame.state.heap.insert((id, key), value.clone());
        } else if container.ctx != Some(self.frame.ctx) {
            self.container_shared_writes[id as usize] = true;
        }
        self.write(CellKey::Element(id, key), value);
        if key != Key::Any {
            // A cell of its own tells readers of the whole container.
            self.write(
                CellKey::Element(id, Key::Str(self.known.self_return)),
                value,
            );
        }
    }

    /// `name=value` and `**mapping` as entries.
    pub(super) fn put_keywords(&mut self, id: u32, args: &Args) {
        for (key, value) in &args.keywords {
            match key {
                Some(key) => self.put(id, Key::Str(*key), value),
                None => self.copy_entries(id, value),
            }
        }
    }

    /// A list of an unknown number of elements.
    pub(super) fn list_of(&mut self, elements: &Value, span: Span) -> Value {
        let list = self.container(ContainerKind::List, span);
        self.put(list, Key::Any, elements);
        Value::of(Obj::Container(list))
    }

    /// A list of an unknown number of tuples that are alike.
    pub(super) fn list_of_tuples(&mut self, parts: &[Value], span: Span) -> u32 {
        let list = self.container(ContainerKind::List, span);
        let tuple = self.container_of(Container {
            kind: ContainerKind::Tuple,
            ..*self.containers.get(list)
        });
        for (ix, part) in parts.iter().enumerate() {
            self.put(tuple, Key::Int(ix as i64), part);
        }
        self.put(list, Key::Any, &Value::of(Obj::Container(tuple)));
        list
    }

    /// The keys of a container; the running context runs again when there are more.
    pub(super) fn keys(&mut self, id: u32) -> Vec<Key> {
        self.read_element(id, Key::Str(self.known.self_return));
        self.read_element(id, Key::Any);
        self.container_keys[id as usize].clone()
    }

    /// Notes that a container changes only if control comes here, and says so of what is stored.
    pub(super) fn note_size(&mut self, id: u32, value: &Value) -> Value {
        let is_own = self.containers.get(id).ctx == Some(self.frame.ctx);
        let control = if is_own {
            self.control_taint()
        } else {
            self.lasting_control()
        };
        if control.is_bottom() {
            return value.clone();
        }
        self.write(CellKey::Size(id), &control);
        value.clone().tainted_by(&control)
    }

    /// One element of a container, by key.
    pub(super) fn element(&mut self, object: &Value, key: Key, span: Span) -> Value {
        let mut result = Value::bottom().taken_from(object);
        for obj in object.objs().to_vec() {
            let Obj::Container(id) = obj else { continue };
            if key == Key::Any {
                let elements = self.all_elements(&Value::of(obj));
                result.join(&self.read_contents(id, elements, span));
                continue;
            }
            let key = self.positive_key(id, key);
            let container = *self.containers.get(id);
            let is_own =
                container.ctx == Some(self.frame.ctx) && !self.container_shared_writes[id as usize];
            if is_own && let Some(value) = self.frame.state.heap.get(&(id, key)) {
                result.join(value);
                continue;
            }
            let exact = self.read_element(id, key);
            let found = exact.joined(&self.read_element(id, Key::Any));
            // Contents can change through code that is not seen.
            result.join(&self.read_contents(id, found, span).opened());
        }
        if object
            .objs()
            .iter()
            .any(|obj| !matches!(obj, Obj::Container(_)))
        {
            result.join(&Value::unknown());
        }
        result
    }

    /// Reading what a container holds, which may have been made at import.
    pub(super) fn read_contents(&mut self, id: u32, contents: Value, span: Span) -> Value {
        if contents.taint().is_empty() || span == Span::default() || !self.is_shared(id) {
            return contents;
        }
        let name = self.container_name(id);
        self.read_shared(contents, name, span)
    }

    /// `-1` counts from the end where the length is known.
    fn positive_key(&self, id: u32, key: Key) -> Key {
        match key {
            Key::Int(int) if int < 0 => {
                let keys = &self.container_keys[id as usize];
                let exact = !keys.contains(&Key::Any);
                if exact {
                    Key::Int(keys.len() as i64 + int)
                } else {
                    Key::Any
                }
            }
            other => other,
        }
    }

    /// What is left of a value when containers are replaced by their parts, as far as `parts` gives
    /// any. Containers may hold themselves and one another, so each is replaced once.
    pub(super) fn leaves(
        &mut self,
        value: &Value,
        parts: impl Fn(&mut Self, u32) -> Option<Value>,
    ) -> Vec<Obj> {
        let mut pending: Vec<Obj> = value.objs().to_vec();
        let mut seen = BTreeSet::new();
        let mut leaves = Vec::new();
        let mut at = 0;
        while let Some(&obj) = pending.get(at) {
            at += 1;
            match obj {
                Obj::Container(id) if seen.contains(&id) => {}
                Obj::Container(id) => match parts(self, id) {
                    Some(parts) => {
                        seen.insert(id);
                        pending.extend(parts.objs());
                    }
                    None => leaves.push(obj),
                },
                _ => leaves.push(obj),
            }
        }
        leaves
    }

    /// The join of all elements (of a dict: of its values).
    pub(super) fn all_elements(&mut self, object: &Value) -> Value {
        let mut result = Value::bottom().taken_from(object);
        for obj in object.objs().to_vec() {
            match obj {
                Obj::Container(id) => {
                    for key in self.keys(id) {
                        let own = self.frame.state.heap.get(&(id, key)).cloned();
                        let value = match own {
                            Some(value) if !self.container_shared_writes[id as usize] => value,
                            _ => self.read_element(id, key),
                        };
                        result.join(&value);
                    }
                }
                Obj::Unknown | Obj::Made(_) => {
                    result.join(&Value::unknown());
                }
                _ => {}
            }
        }
        result
    }

    /// What a value and the contents of its containers are tainted by, as a value without objects.
    pub(super) fn deep_taint(&mut self, value: &Value, span: Span) -> Value {
        self.taint_within(value, false, span)
    }

    /// The same, and what the attributes of instances are tainted by: for what is handed over as a
    /// whole, such as the payload of a command.
    pub(super) fn whole_taint(&mut self, value: &Value, span: Span) -> Value {
        self.taint_within(value, true, span)
    }

    fn taint_within(&mut self, value: &Value, with_attributes: bool, span: Span) -> Value {
        const MAX_CONTAINERS: usize = 24;
        let mut taint = Value::bottom().tainted_by(value);
        let mut pending: Vec<Obj> = value.objs().to_vec();
        let mut seen = 0;
        while seen < pending.len() && seen < MAX_CONTAINERS {
            let obj = pending[seen];
            seen += 1;
            let parts = match obj {
                Obj::Container(id) => {
                    let size = self.size_taint(&Value::of(obj));
                    let keys = self.read(CellKey::KeyTaint(id));
                    let elements = self.parts(id).tainted_by(&size).tainted_by(&keys);
                    self.read_contents(id, elements, span)
                }
                Obj::Instance(class, variant) if with_attributes => {
                    let within = self.attributes_within(class, variant);
                    if self.is_made_at_import(variant) && span != Span::default() {
                        let name = self.class_node(class).map_or("", |node| node.name.as_str());
                        let name = self.sym(name);
                        self.read_shared(within, name, span)
                    } else {
                        within
                    }
                }
                _ => continue,
            };
            taint.add_taint(parts.taint());
            for &inner in parts.objs() {
                if matches!(inner, Obj::Container(_) | Obj::Instance(..))
                    && !pending.contains(&inner)
                {
                    pending.push(inner);
                }
            }
        }
        self.united(taint)
    }

    /// The join of all elements, as far as it matters which containers and instances are among them
    /// and what they are tainted by.
    fn parts(&mut self, id: u32) -> Value {
        let first = (id, Key::Int(i64::MIN));
        let mut own = self.frame.state.heap.range(first..);
        if own
            .next()
            .is_none_or(|((container, _), _)| *container != id)
        {
            let all = self.read_element(id, Key::Str(self.known.self_return));
            if !all.has_dropped() {
                return all.joined(&self.read_element(id, Key::Any));
            }
        }
        self.all_elements(&Value::of(Obj::Container(id)))
    }

    /// The sets that a value holds, however deep.
    pub(super) fn sets_within(&mut self, value: &Value) -> Vec<u32> {
        const MAX_PARTS: usize = 24;
        let mut pending: Vec<Obj> = value.objs().to_vec();
        let mut sets = Vec::new();
        let mut seen = 0;
        while seen < pending.len() && seen < MAX_PARTS {
            let obj = pending[seen];
            seen += 1;
            let parts = match obj {
                Obj::Container(id) => {
                    if self.containers.get(id).kind == ContainerKind::Set {
                        sets.push(id);
                    }
                    self.all_elements(&Value::of(obj))
                }
                Obj::Instance(class, variant) => self.attributes_within(class, variant),
                _ => continue,
            };
            for &inner in parts.objs() {
                if matches!(inner, Obj::Container(_) | Obj::Instance(..))
                    && !pending.contains(&inner)
                {
                    pending.push(inner);
                }
            }
        }
        sets
    }

    /// What is stored under a key that varies is found again under the same key, whatever it is.
    pub(super) fn note_key(&mut self, id: u32, key: &Value) {
        if !key.taint().is_empty() {
            let taint = Value::bottom().tainted_by(key);
            self.write(CellKey::KeyTaint(id), &taint);
        }
    }

    /// What a look-up owes to its key.
    pub(super) fn key_taint(&mut self, object: &Value, key: &Value) -> Value {
        let mut stored = Value::bottom();
        for &obj in object.objs() {
            if let Obj::Container(id) = obj {
                stored.join(&self.read(CellKey::KeyTaint(id)));
            }
        }
        let taint = Value::bottom().tainted_by(key);
        if stored.taint().is_empty() || key.taint().is_empty() {
            return taint;
        }
        let stored = self.sources_now(stored.taint());
        let sources = self.sources_now(key.taint());
        taint.with_taint(sources.difference(&stored).copied().map(Origin::Source))
    }

    /// Key and value of every entry of the mappings in a value.
    pub(super) fn entries(&mut self, object: &Value) -> Vec<(Key, Value)> {
        let mut entries = Vec::new();
        for obj in object.objs().to_vec() {
            if let Obj::Container(id) = obj {
                for key in self.keys(id) {
                    // What stands under keys that are not known, and not all elements.
                    let value = match key {
                        Key::Any => self.read_element(id, key),
                        key => self.element(&Value::of(obj), key, Span::default()),
                    };
                    entries.push((key, value));
                }
            }
        }
        entries
    }

    /// The elements of a sequence whose length is known.
    pub(super) fn exact_elements(&mut self, value: &Value) -> Option<Vec<Value>> {
        let [Obj::Container(id)] = value.objs() else {
            return None;
        };
        let kind = self.containers.get(*id).kind;
        if !matches!(kind, ContainerKind::List | ContainerKind::Tuple) {
            return None;
        }
        let keys = self.keys(*id);
        let count = keys.len();
        if (0..count as i64).any(|ix| !keys.contains(&Key::Int(ix))) {
            return None;
        }
        Some(
            (0..count as i64)
                .map(|ix| self.element(value, Key::Int(ix), Span::default()))
                .collect(),
        )
    }

    pub(super) fn copy_entries(&mut self, into: u32, from: &Value) {
        for (key, value) in self.entries(from) {
            self.put(into, key, &value);
        }
        for obj in from.objs().to_vec() {
            if let Obj::Container(id) = obj {
                self.keep_set_order(into, id);
            }
        }
    }

    /// The entries of one container stand in the order of those of another.
    pub(super) fn keep_set_order(&mut self, into: u32, from: u32) {
        let order = self.read(CellKey::SetOrder(from));
        if !order.is_bottom() {
            self.write(CellKey::SetOrder(into), &order);
        }
    }

    /// Whether a value is a set with no more than one element.
    pub(super) fn is_single(&mut self, value: &Value) -> bool {
        let objs = value.objs().to_vec();
        !objs.is_empty()
            && objs.iter().all(|obj| match obj {
                Obj::Container(id) => {
                    self.containers.get(*id).kind == ContainerKind::Set
                        && (self.frame.state.single.contains(id) || self.keys(*id) == [Key::Int(0)])
                }
                _ => false,
            })
    }

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
                Obj::Container(id) => {
                    self.note_key(id, key);
                    let keys = keys_of(key);
                    if keys.len() == 1 {
                        self.put(id, single_key(key), value);
                    } else {
                        for key in keys {
                            self.put(id, key, value);
                        }
                    }
                }
                Obj::Instance(class, _) => {
                    self.call_method_if_project(
                        &Value::of(obj),
                        "__setitem__",
                        &[key.clone(), value.clone()],
                        span,
                        How::Operator,
                    );
                    if self.find_method(class, "__setitem__").is_none() && self.is_collection(class)
                    {
                        self.store_attribute(&Value::of(obj), CONTENTS, value, span);
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
        self.record_state_change(span, written);
    }

    /// Whether a class of the project is derived from a collection.
    fn is_collection(&mut self, class: ClassId) -> bool {
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
    fn is_shared(&mut self, id: u32) -> bool {
        let container = *self.containers.get(id);
        container.shared
            && !container
                .class
                .is_some_and(|class| self.is_data_class(class))
    }

    /// The name that a container is bound to where it is made, for messages.
    fn container_name(&mut self, id: u32) -> Sym {
        let container = *self.containers.get(id);
        let bound = self
            .project
            .module(container.file)
            .and_then(|module| name_bound_to(module.tree(), container.span));
        self.sym(bound.as_deref().unwrap_or("shared state"))
    }
}

/// The places in a container that a key value may mean.
pub(super) fn keys_of(key: &Value) -> Vec<Key> {
    let mut keys: Vec<Key> = key.objs().iter().map(|&obj| obj_key(obj)).collect();
    if keys.is_empty() || keys.contains(&Key::Any) {
        keys = vec![Key::Any];
    }
    keys
}

pub(super) fn single_key(key: &Value) -> Key {
    match key.objs() {
        [obj] => obj_key(*obj),
        _ => Key::Any,
    }
}

fn obj_key(obj: Obj) -> Key {
    match obj {
        Obj::Int(int) => Key::Int(int),
        Obj::Str(sym) => Key::Str(sym),
        _ => Key::Any,
    }
}
