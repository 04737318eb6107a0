//! Containers, iteration, and the builtins whose results matter.

use std::collections::BTreeSet;

use crate::diagnostic::Span;
use crate::syntax::ast::Expr;
use crate::written::name_bound_to;

use super::calls::Args;
use super::expressions::{keys_of, single_key};
use super::{
    CellKey, ClassId, Container, ContainerKind, EventKind, How, Key, Machine, Obj, Origin, Seen,
    SinkKind, Sym, Value,
};

/// The name under which instances of collections that the project derives keep their elements.
const CONTENTS: &str = "contents";

/// What runs already, in the order in which it was made.
const TASK: &str = "asyncio.Task";

/// A container keeps at most this many keys apart.
const MAX_KEYS: usize = 96;

impl<'p> Machine<'p> {
    // ---- containers ----

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
        } else if keys.len() < MAX_KEYS {
            keys.push(key);
            // Readers of all elements learn of the new key.
            key
        } else {
            Key::Any
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

    /// The keys of a container; the running context runs again when there are more.
    fn keys(&mut self, id: u32) -> Vec<Key> {
        self.read_element(id, Key::Str(self.known.self_return));
        self.read_element(id, Key::Any);
        self.container_keys[id as usize].clone()
    }

    /// Notes that a container changes only if control comes here, and says so of what is stored.
    fn note_size(&mut self, id: u32, value: &Value) -> Value {
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
        let mut result = Value::bottom();
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
    fn read_contents(&mut self, id: u32, contents: Value, span: Span) -> Value {
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
        let mut result = Value::bottom();
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
                    let elements = self.parts(id).tainted_by(&size);
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
            if !all.is_full() {
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
                    let value = self.element(&Value::of(obj), key, Span::default());
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
    fn keep_set_order(&mut self, into: u32, from: u32) {
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
        let value = &self.lasting(value);
        self.record_sink(value, SinkKind::State, span);
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
                    if let Some(member) = self.member(ty, "__setitem__") {
                        self.call_hazard(member, None, span);
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

    // ---- iteration ----

    /// What iterating over a value gives, running iterators on the way.
    pub(super) fn iterate(&mut self, value: &Value, span: Span, how: How) -> Value {
        self.nested(|this| this.iterate_one_level(value, span, how))
    }

    fn iterate_one_level(&mut self, value: &Value, span: Span, how: How) -> Value {
        let mut result = Value::bottom();
        for obj in value.objs().to_vec() {
            match obj {
                Obj::Container(id) => {
                    if self.containers.get(id).kind == ContainerKind::Dict {
                        for key in self.keys(id) {
                            result.add(match key {
                                Key::Str(sym) => Obj::Str(sym),
                                Key::Int(int) => Obj::Int(int),
                                Key::Any => Obj::Unknown,
                            });
                        }
                        let varying = self.read(CellKey::KeyTaint(id));
                        result.add_taint(varying.taint());
                    } else {
                        let elements = self.all_elements(&Value::of(obj));
                        result.join(&self.read_contents(id, elements, span));
                    }
                }
                Obj::Generator(ctx) => {
                    result.join(&self.run_generator(ctx, span, how));
                }
                Obj::Instance(class, _) => {
                    let object = Value::of(obj);
                    let mut iterators = Value::bottom();
                    for method in ["__iter__", "__aiter__"] {
                        iterators.join(&self.call_special(&object, method, span, how));
                    }
                    let mut found = Value::bottom();
                    for iterator in iterators.objs().to_vec() {
                        match iterator {
                            Obj::Instance(..) => {
                                for method in ["__next__", "__anext__"] {
                                    found.join(&self.call_special(
                                        &Value::of(iterator),
                                        method,
                                        span,
                                        how,
                                    ));
                                }
                            }
                            Obj::Generator(_) | Obj::Container(_) => {
                                found.join(&self.iterate(&Value::of(iterator), span, how));
                            }
                            _ => {
                                found.join(&Value::unknown());
                            }
                        }
                    }
                    if iterators.is_bottom() {
                        let item = self.call_method_if_project(
                            &object,
                            "__getitem__",
                            &[Value::unknown()],
                            span,
                            how,
                        );
                        found.join(&item);
                    }
                    if found.is_bottom() && self.is_enum(class) {
                        found.add(Obj::Instance(class, 0));
                    }
                    result.join(&found);
                }
                Obj::Class(class) if self.is_enum(class) => {
                    result.add(Obj::Instance(class, 0));
                }
                Obj::Str(_) => {
                    let string = self.instance_of_builtin("str");
                    result.join(&string);
                }
                Obj::ExternalInstance(ty) => match self.member(ty, "__iter__") {
                    Some(member) => {
                        self.call_hazard(member, None, span);
                        result.join(&self.returned_type(member, None, span));
                    }
                    None => {
                        result.join(&Value::unknown());
                    }
                },
                Obj::None | Obj::Bool(_) | Obj::Int(_) => {}
                _ => {
                    result.join(&Value::unknown());
                }
            }
        }
        result.tainted_by(value)
    }

    // ---- methods of containers ----

    pub(super) fn call_container_method(
        &mut self,
        id: u32,
        method: Sym,
        args: &Args,
        span: Span,
    ) -> Value {
        let container = *self.containers.get(id);
        let object = Value::of(Obj::Container(id));
        let first = args
            .positional
            .first()
            .map(|argument| argument.value.clone());
        let second = args
            .positional
            .get(1)
            .map(|argument| argument.value.clone());
        let name = self.str(method).to_owned();
        if let Some(value) = self.namespace_method(id, &name, span) {
            return value;
        }
        let mutates = mutates(&name);
        if mutates {
            // A set of identities, as for finding cycles, is a use that shows nothing.
            let is_membership =
                container.kind == ContainerKind::Set || matches!(name.as_str(), "remove" | "pop");
            self.note_size(id, &Value::bottom());
            let taint = self.args_taint(args).tainted_by(&self.lasting_control());
            let taint = if is_membership {
                self.without_identity(&taint, span)
            } else {
                taint
            };
            self.record_sink(&taint, SinkKind::State, span);
        }
        match name.as_str() {
            "append" | "appendleft" | "add" => {
                if let Some(value) = first {
                    self.put(id, Key::Any, &value);
                }
                Value::of(Obj::None)
            }
            "insert" => {
                if let Some(value) = second {
                    self.put(id, Key::Any, &value);
                }
                Value::of(Obj::None)
            }
            "extend"
            | "update"
            | "union"
            | "difference"
            | "intersection"
            | "symmetric_difference" => {
                let into = if matches!(name.as_str(), "extend" | "update") {
                    id
                } else {
                    let result = self.container(container.kind, span);
                    let elements = self.all_elements(&object);
                    self.put(result, Key::Any, &elements);
                    result
                };
                for argument in &args.positional {
                    let value = argument.value.clone();
                    if container.kind == ContainerKind::Dict {
                        self.copy_entries(into, &value);
                    } else {
                        let source = if name == "extend" {
                            self.note_order(&value, span)
                        } else {
                            None
                        };
                        let elements = self.iterate(&value, span, How::Iterate).with_source(source);
                        self.put(into, Key::Any, &elements);
                    }
                }
                for (key, value) in &args.keywords {
                    match key {
                        Some(key) => self.put(into, Key::Str(*key), value),
                        None => self.copy_entries(into, value),
                    }
                }
                if into == id {
                    Value::of(Obj::None)
                } else {
                    Value::of(Obj::Container(into))
                }
            }
            "get" | "pop" | "setdefault" | "__getitem__"
                if container.kind == ContainerKind::Dict =>
            {
                let key = first.unwrap_or_default();
                let mut result = Value::bottom();
                for key in keys_of(&key) {
                    result.join(&self.element(&object, key, span));
                }
                if let Some(default) = &second {
                    result.join(default);
                    if name == "setdefault" {
                        self.put(id, single_key(&key), default);
                    }
                } else if name == "get" {
                    result.join(&Value::of(Obj::None).opened());
                }
                let taint = self.key_taint(&object, &key);
                result.tainted_by(&taint).opened()
            }
            "pop" if container.kind == ContainerKind::Set => {
                let source = self.note_order(&object, span);
                self.all_elements(&object).with_source(source)
            }
            "pop" | "popleft" => self.all_elements(&object).opened(),
            "values" => {
                let list = self.container(ContainerKind::List, span);
                let elements = self.element(&object, Key::Any, span);
                self.put(list, Key::Any, &elements);
                self.keep_set_order(list, id);
                Value::of(Obj::Container(list))
            }
            "keys" => {
                let list = self.container(ContainerKind::List, span);
                let keys = self.iterate(&object, span, How::Iterate);
                self.put(list, Key::Any, &keys);
                self.views.insert(list);
                self.keep_set_order(list, id);
                Value::of(Obj::Container(list))
            }
            "most_common" => {
                let source = self.note_order(&object, span);
                Value::unknown()
                    .tainted_by(&self.all_elements(&object))
                    .with_source(source)
            }
            "items" => {
                let list = self.container(ContainerKind::List, span);
                let pair = self.container_of(Container {
                    kind: ContainerKind::Tuple,
                    ..*self.containers.get(list)
                });
                let keys = self.iterate(&object, span, How::Iterate);
                let values = self.element(&object, Key::Any, span);
                self.put(pair, Key::Int(0), &keys);
                self.put(pair, Key::Int(1), &values);
                self.put(list, Key::Any, &Value::of(Obj::Container(pair)));
                self.views.insert(list);
                self.keep_set_order(list, id);
                Value::of(Obj::Container(list))
            }
            "copy" => {
                let copy = self.container(container.kind, span);
                self.copy_entries(copy, &object);
                Value::of(Obj::Container(copy))
            }
            "fromkeys" => {
                let from_keys = self.sym("dict.fromkeys");
                self.call_builtin(from_keys, args, span).unwrap_or_default()
            }
            "sort" => {
                let elements = self.all_elements(&object);
                self.compare_elements(&elements, span);
                let key = self.run_key(args, &object, span);
                self.taint_elements(&object, &key);
                Value::of(Obj::None)
            }
            "remove" | "discard" | "clear" | "reverse" => Value::of(Obj::None),
            _ => Value::unknown().tainted_by(&self.args_taint(args)),
        }
    }

    fn run_key(&mut self, args: &Args, elements_of: &Value, span: Span) -> Value {
        let key = self.sym("key");
        let callback = args
            .keywords
            .iter()
            .find(|(name, _)| *name == Some(key))
            .map(|(_, value)| value.clone());
        match callback {
            Some(callback) if !callback.is_bottom() && callback.objs() != [Obj::None] => {
                let element = self.all_elements(elements_of);
                self.call_value(&callback, &Args::of(&[element]), span, How::Callback)
            }
            _ => Value::bottom(),
        }
    }

    // ---- builtin functions ----

    pub(super) fn call_builtin(&mut self, name: Sym, args: &Args, span: Span) -> Option<Value> {
        let text = self.str(name).to_owned();
        if let Some(value) = self.call_context_variable(&text, args, span) {
            return Some(value);
        }
        let first = args
            .positional
            .first()
            .map(|argument| argument.value.clone());
        let second = args
            .positional
            .get(1)
            .map(|argument| argument.value.clone());
        if let Some(value) = self.call_namespace(&text, args, span) {
            return Some(value);
        }
        let taint = self.args_taint(args);
        let kind = match text.as_str() {
            "list" | "collections.deque" => Some(ContainerKind::List),
            "tuple" => Some(ContainerKind::Tuple),
            "set" | "frozenset" => Some(ContainerKind::Set),
            "dict" | "collections.OrderedDict" => Some(ContainerKind::Dict),
            _ => None,
        };
        if let Some(kind) = kind {
            let id = self.container(kind, span);
            let taint = match kind {
                ContainerKind::List | ContainerKind::Tuple => self.size_of_arguments(args),
                ContainerKind::Dict | ContainerKind::Set => taint,
            };
            let mut result = Value::of(Obj::Container(id)).tainted_by(&taint);
            if let Some(first) = &first {
                self.element(first, Key::Any, span);
                match kind {
                    ContainerKind::Dict => self.copy_entries(id, first),
                    _ => {
                        if kind != ContainerKind::Set {
                            let source = self.note_order(first, span);
                            result = result.with_source(source);
                        }
                        match self.exact_elements(first) {
                            Some(elements) if kind != ContainerKind::Set => {
                                for (ix, element) in elements.iter().enumerate() {
                                    self.put(id, Key::Int(ix as i64), element);
                                }
                            }
                            exact => {
                                let is_single = match exact {
                                    Some(elements) => elements.len() == 1,
                                    None => self.is_single(first),
                                };
                                let elements = self.iterate(first, span, How::Iterate);
                                let key = if is_single { Key::Int(0) } else { Key::Any };
                                self.put(id, key, &elements);
                            }
                        }
                    }
                }
            }
            for (key, value) in &args.keywords {
                match key {
                    Some(key) => self.put(id, Key::Str(*key), value),
                    None => self.copy_entries(id, value),
                }
            }
            return Some(result);
        }
        let value = match text.as_str() {
            "collections.defaultdict" => {
                let id = self.container(ContainerKind::Dict, span);
                if let Some(factory) = &first {
                    self.write(CellKey::ContainerFactory(id), factory);
                }
                if let Some(entries) = &second {
                    self.copy_entries(id, entries);
                }
                Value::of(Obj::Container(id))
            }
            "types.SimpleNamespace" | "argparse.Namespace" => {
                let id = self.container(ContainerKind::Dict, span);
                for (key, value) in &args.keywords {
                    match key {
                        Some(key) => self.put(id, Key::Str(*key), value),
                        None => self.copy_entries(id, value),
                    }
                }
                self.records.insert(id);
                return Some(Value::of(Obj::Container(id)));
            }
            "collections.Counter" => {
                let id = self.container(ContainerKind::Dict, span);
                if let Some(first) = &first {
                    self.iterate(first, span, How::Iterate);
                    let order = self.set_order(first);
                    self.write(CellKey::SetOrder(id), &order);
                }
                let count = self.instance_of_builtin("int");
                self.put(id, Key::Any, &count);
                Value::of(Obj::Container(id))
            }
            "dict.fromkeys" => {
                let id = self.container(ContainerKind::Dict, span);
                let first = first.unwrap_or_default();
                let keys = self.iterate(&first, span, How::Iterate);
                let value = second.unwrap_or_else(|| Value::of(Obj::None));
                for key in keys_of(&keys) {
                    self.put(id, key, &value);
                }
                let order = self.set_order(&first);
                self.write(CellKey::SetOrder(id), &order);
                Value::of(Obj::Container(id))
            }
            // An iterator that a module makes goes on from where the run before it stopped; see
            // `next`.
            "itertools.count" | "itertools.cycle" => {
                let list = self.container(ContainerKind::List, span);
                let elements = match (&first, text.as_str()) {
                    (Some(first), "itertools.cycle") => self.iterate(first, span, How::Iterate),
                    _ => self.instance_of_builtin("int"),
                };
                self.put(list, Key::Any, &elements);
                Value::of(Obj::Container(list))
            }
            "heapq.heappush"
            | "heapq.heappushpop"
            | "heapq.heapreplace"
            | "bisect.insort"
            | "bisect.insort_left"
            | "bisect.insort_right" => {
                let (heap, item) = (first?, second?);
                self.record_container_change(&heap, span);
                for obj in heap.objs().to_vec() {
                    if let Obj::Container(id) = obj {
                        self.put(id, Key::Any, &item);
                    }
                }
                self.all_elements(&heap).opened()
            }
            "heapq.heappop" => {
                let heap = first?;
                self.record_container_change(&heap, span);
                self.all_elements(&heap).opened()
            }
            "str.format" => {
                let values = args.positional.iter().map(|it| it.value.clone());
                let values = values.chain(args.keywords.iter().map(|(_, value)| value.clone()));
                let source = self.order_in_text(&values.collect::<Vec<_>>(), span);
                self.instance_of_builtin("str").with_source(source)
            }
            "pickle.dumps" | "marshal.dumps" => {
                let first = first.unwrap_or_default();
                let source = self.note_order(&first, span);
                self.instance_of_builtin("bytes").with_source(source)
            }
            "map" | "filter" => {
                let (callback, rest) = match args.positional.split_first() {
                    // PyCG's own cases pass the function second; Python would refuse that.
                    Some((callback, rest)) => (callback.value.clone(), rest),
                    None => return Some(Value::unknown()),
                };
                let mut elements = Vec::new();
                let mut source = None;
                for argument in rest {
                    source = self.note_order(&argument.value, argument.span).or(source);
                    elements.push(self.iterate(&argument.value, argument.span, How::Iterate));
                }
                let mut results = Value::bottom();
                if callback
                    .objs()
                    .iter()
                    .any(|obj| obj.is_callable() || matches!(obj, Obj::Instance(..)))
                {
                    results = self.call_value(&callback, &Args::of(&elements), span, How::Callback);
                } else if let Some(swapped) = &second {
                    let element = self.iterate(&callback, span, How::Iterate);
                    results = self.call_value(swapped, &Args::of(&[element]), span, How::Callback);
                }
                if text == "filter" {
                    results = elements.first().cloned().unwrap_or_default();
                }
                let list = self.container(ContainerKind::List, span);
                self.put(list, Key::Any, &results);
                Value::of(Obj::Container(list)).with_source(source)
            }
            // `iter(read, b"")` calls until it gets the sentinel.
            "iter" if args.positional.len() == 2 => {
                let callee = first.clone().unwrap_or_default();
                let element = self.call_value(&callee, &Args::default(), span, How::Iterate);
                let list = self.container(ContainerKind::List, span);
                self.put(list, Key::Any, &element);
                Value::of(Obj::Container(list))
            }
            "sorted"
            | "reversed"
            | "enumerate"
            | "zip"
            | "iter"
            | "itertools.chain"
            | "itertools.islice"
            | "itertools.zip_longest" => {
                let is_sorted = text == "sorted";
                let mut elements = Value::bottom();
                let mut parts = Vec::new();
                let mut source = None;
                for argument in &args.positional {
                    if !is_sorted {
                        source = self.note_order(&argument.value, argument.span).or(source);
                    }
                    let part = self.iterate(&argument.value, argument.span, How::Iterate);
                    elements.join(&part);
                    parts.push(part);
                }
                let mut taint = self.size_of_arguments(args);
                if is_sorted {
                    self.compare_elements(&elements, span);
                    let keys = self.run_key_on(args, &elements, span);
                    elements = elements.tainted_by(&keys);
                    // Ties keep the order of the set. What a key of the project's own maps to is
                    // taken to tell the elements apart; `len` and the like do not.
                    if !self.has_coarse_key(args) {
                        taint = self.settled(&taint, span);
                        elements = self.settled(&elements, span);
                    } else if let Some(first) = &first {
                        source = self.note_order(first, span);
                    }
                }
                let list = self.container(ContainerKind::List, span);
                match text.as_str() {
                    "enumerate" | "zip" | "itertools.zip_longest" => {
                        let pair = self.container_of(Container {
                            kind: ContainerKind::Tuple,
                            ..*self.containers.get(list)
                        });
                        if text == "enumerate" {
                            let count = self.instance_of_builtin("int");
                            self.put(pair, Key::Int(0), &count);
                            self.put(pair, Key::Int(1), &elements);
                        } else {
                            for (ix, part) in parts.iter().enumerate() {
                                self.put(pair, Key::Int(ix as i64), part);
                            }
                        }
                        self.put(list, Key::Any, &Value::of(Obj::Container(pair)));
                    }
                    _ => self.put(list, Key::Any, &elements),
                }
                let list = Value::of(Obj::Container(list)).with_source(source);
                return Some(list.tainted_by(&taint));
            }
            "min" | "max" => {
                let mut elements = Value::bottom();
                if let [single] = &args.positional[..] {
                    elements = self.iterate(&single.value, span, How::Iterate);
                } else {
                    for argument in &args.positional {
                        elements.join(&argument.value);
                    }
                }
                self.compare_elements(&elements, span);
                let keys = self.run_key_on(args, &elements, span);
                elements = elements.tainted_by(&keys);
                if elements.objs().is_empty() {
                    elements = Value::unknown();
                }
                // The first of several that tie is taken; see `sorted`.
                if self.has_coarse_key(args) && args.positional.len() == 1 {
                    let source = first.and_then(|first| self.note_order(&first, span));
                    elements.with_source(source)
                } else {
                    let elements = elements.tainted_by(&taint);
                    return Some(self.settled(&elements, span));
                }
            }
            "next" | "anext" => {
                let Some(first) = &first else {
                    return Some(Value::unknown());
                };
                let source = self.note_order(first, span);
                let mut element = Value::bottom().with_source(source);
                for obj in first.objs().to_vec() {
                    let object = Value::of(obj);
                    self.record_container_change(&object.clone().at_place(first.place()), span);
                    element.join(&match obj {
                        Obj::Instance(..) => {
                            let sync = self.call_special(&object, "__next__", span, How::Iterate);
                            sync.joined(&self.call_special(
                                &object,
                                "__anext__",
                                span,
                                How::Iterate,
                            ))
                        }
                        _ => self.iterate(&object, span, How::Iterate),
                    });
                }
                if let Some(default) = &second {
                    element.join(default);
                }
                element.opened()
            }
            "getattr" => {
                if let Some(left) = self.left_on_member("getattr", args) {
                    return Some(left);
                }
                let (Some(object), Some(name)) = (&first, &second) else {
                    return Some(Value::unknown());
                };
                let mut result = Value::bottom();
                for name in self.names_meant(object, name) {
                    result.join(&self.attribute(object, &name, span));
                }
                if let Some(default) = args.positional.get(2) {
                    result.join(&default.value);
                }
                if result.is_bottom() {
                    Value::unknown()
                } else {
                    result.opened()
                }
            }
            "setattr" => {
                if let (Some(object), Some(name), Some(value)) =
                    (&first, &second, args.positional.get(2))
                {
                    let value = value.value.clone();
                    for &obj in name.objs() {
                        if let Obj::Str(name) = obj {
                            let name = self.str(name).to_owned();
                            self.store_attribute(object, &name, &value, span);
                        }
                    }
                }
                Value::of(Obj::None)
            }
            "functools.partial" | "functools.partialmethod" => {
                let Some(first) = &first else {
                    return Some(Value::unknown());
                };
                let rest = Args {
                    positional: args.positional[1..].to_vec(),
                    ..args.clone()
                };
                self.partial(first, rest, span)
            }
            "type" if args.positional.len() == 3 => return Some(self.made_class(args, span)),
            "type" if args.positional.len() == 1 => {
                let classes: Value = first
                    .iter()
                    .flat_map(|value| value.objs().to_vec())
                    .map(|obj| match obj {
                        Obj::Instance(class, _) => Obj::Class(class),
                        Obj::ExternalInstance(name) => Obj::External(name),
                        _ => Obj::Unknown,
                    })
                    .collect();
                classes
            }
            "str" | "repr" | "format" => {
                let mut source = None;
                let has_text =
                    text != "format" && first.as_ref().is_some_and(|first| self.has_text(first));
                if let Some(first) = &first {
                    self.call_string(first, span);
                    if text != "format" {
                        source = self.note_order(first, span);
                    }
                }
                let string = self.instance_of_builtin("str").with_source(source);
                if has_text { string.truthy() } else { string }
            }
            "str.join" => {
                let mut source = None;
                if let Some(first) = &first {
                    self.iterate(first, span, How::Iterate);
                    source = self.note_order(first, span);
                }
                self.instance_of_builtin("str").with_source(source)
            }
            "len" | "bool" | "abs" => {
                let method = match text.as_str() {
                    "len" => "__len__",
                    "bool" => "__bool__",
                    _ => "__abs__",
                };
                if let Some(first) = &first {
                    self.call_special(first, method, span, How::Operator);
                }
                let ty = match text.as_str() {
                    "bool" => self.answer_from(&first.unwrap_or_default()),
                    _ => self.instance_of_builtin("int"),
                };
                // How many there are depends neither on their order nor on what they are.
                let taint = self.size_of_arguments(args);
                return Some(ty.tainted_by(&self.settled(&taint, span)));
            }
            "id" => {
                // It says where an object is and nothing of what is in it.
                return Some(self.instance_of_builtin("int"));
            }
            "hash" => {
                let first = first.unwrap_or_default();
                self.call_special(&first, "__hash__", span, How::Operator);
                self.instance_of_builtin("int")
            }
            "isinstance" => match (&first, &second) {
                (Some(value), Some(classes)) => self.instance_test(value, classes),
                _ => self.instance_of_builtin("bool"),
            },
            "any" | "all" => {
                let bool = self.instance_of_builtin("bool");
                return Some(bool.tainted_by(&self.settled(&taint, span)));
            }
            "hasattr" if self.frame.members > 0 => match self.left_on_member("hasattr", args) {
                Some(answer) => answer,
                None => self.instance_of_builtin("bool"),
            },
            "str.startswith" | "str.endswith" if args.positional.len() == 2 => {
                let texts = (first.as_ref()?.objs(), second.as_ref()?.objs());
                let ([Obj::Str(whole)], [Obj::Str(part)]) = texts else {
                    return None;
                };
                let (whole, part) = (self.str(*whole), self.str(*part));
                let answer = match text.as_str() {
                    "str.startswith" => whole.starts_with(part),
                    _ => whole.ends_with(part),
                };
                Value::of(Obj::Bool(answer))
            }
            "issubclass" | "callable" | "hasattr" => self.instance_of_builtin("bool"),
            "sum" => {
                let first = first.unwrap_or_default();
                let elements = self.iterate(&first, span, How::Iterate);
                let is_float = |obj: &Obj| matches!(obj, Obj::ExternalInstance(ty) if self.str(*ty) == "float");
                if elements.objs().iter().any(is_float) {
                    // Adding floats in another order rounds in another way.
                    let source = self.note_order(&first, span);
                    self.instance_of_builtin("float").with_source(source)
                } else {
                    let taint = self.settled(&taint, span);
                    return Some(self.instance_of_builtin("int").tainted_by(&taint));
                }
            }
            "int" | "round" | "ord" => {
                if let Some(first) = &first {
                    self.iterate_if_instance(first, span);
                }
                self.instance_of_builtin("int")
            }
            "float" => self.instance_of_builtin("float"),
            "asyncio.gather"
            | "asyncio.create_task"
            | "asyncio.ensure_future"
            | "asyncio.wait_for"
            | "asyncio.shield" => {
                let mut result = Value::bottom();
                for argument in &args.positional {
                    result.join(&argument.value);
                }
                if matches!(
                    text.as_str(),
                    "asyncio.create_task" | "asyncio.ensure_future"
                ) {
                    self.note_command();
                    let task = self.instance_of_builtin(TASK);
                    result.join(&task);
                }
                if text == "asyncio.gather" {
                    let list = self.container(ContainerKind::List, span);
                    for (ix, argument) in args.positional.iter().enumerate() {
                        if argument.starred {
                            // The awaited results come in the order of the arguments.
                            let source = self.note_order(&argument.value, argument.span);
                            let elements =
                                self.iterate(&argument.value, argument.span, How::Iterate);
                            if !self.may_be_task(&elements) {
                                let order = self.only_order(&argument.value).with_source(source);
                                self.record_sink(&order, SinkKind::Order, argument.span);
                            }
                            self.put(list, Key::Any, &elements.with_source(source));
                        } else {
                            self.put(list, Key::Int(ix as i64), &argument.value);
                        }
                    }
                    result = Value::of(Obj::Container(list));
                } else if text == "asyncio.wait_for" {
                    return None;
                }
                result
            }
            "dataclasses.replace" | "copy.replace" | "attr.evolve" | "attrs.evolve" => {
                return self.replaced(&first?, args, span);
            }
            "dataclasses.asdict" => {
                let [Obj::Instance(class, variant)] = *first?.objs() else {
                    return None;
                };
                return Some(self.as_dict(class, variant, span));
            }
            "functools.wraps" => {
                let update = self.sym("functools.update_wrapper");
                return Some(self.partial(&Value::of(Obj::External(update)), args.clone(), span));
            }
            "functools.update_wrapper" => {
                let wrapper = first.clone().unwrap_or_default();
                self.copy_marks(&wrapper, &second.clone().unwrap_or_default());
                return Some(wrapper);
            }
            _ => return None,
        };
        Some(value.tainted_by(&taint))
    }

    pub(super) fn may_be_task(&self, value: &Value) -> bool {
        let is_task = |obj: &Obj| match obj {
            Obj::ExternalInstance(ty) => {
                matches!(self.str(*ty), TASK | "asyncio.Future")
            }
            _ => false,
        };
        value.objs().iter().any(is_task)
    }

    /// What awaiting a value gives: of a task, what its coroutine returned.
    pub(super) fn awaited(&self, value: &Value) -> Value {
        if value.objs().len() < 2 {
            return value.clone();
        }
        value.filter(|obj| match obj {
            Obj::ExternalInstance(ty) => self.str(ty) != TASK,
            _ => true,
        })
    }

    pub(super) fn partial(&mut self, callee: &Value, args: Args, span: Span) -> Value {
        let id = self.partials.id((self.frame.file, span, self.frame.ctx));
        self.partial_args.insert(id, args);
        self.write(CellKey::PartialCallee(id), callee);
        Value::of(Obj::Partial(id))
    }

    /// A copy of instances in which some fields have other values.
    pub(super) fn replaced(&mut self, object: &Value, args: &Args, span: Span) -> Option<Value> {
        let mut instances = Vec::new();
        for &obj in object.objs() {
            match obj {
                Obj::Instance(class, variant) if !self.is_made_at_import(variant) => {
                    instances.push((class, variant));
                }
                _ => return None,
            }
        }
        if instances.is_empty() {
            return None;
        }
        for &(class, variant) in &instances {
            for (name, value) in &args.keywords {
                if let Some(name) = name {
                    self.write_instance_attribute(class, variant, *name, value);
                }
            }
        }
        self.note_seen(span, Seen::OfFresh);
        Some(object.clone())
    }

    /// The fields of a data class as a mapping.
    fn as_dict(&mut self, class: super::ClassId, variant: u32, span: Span) -> Value {
        let id = self.container(ContainerKind::Dict, span);
        for field in self.field_names(class) {
            let name = self.str(field).to_owned();
            let value = self.instance_attribute(class, variant, field, &name, span);
            let copy = self.copied(&value, span);
            self.put(id, Key::Str(field), &copy);
        }
        Value::of(Obj::Container(id))
    }

    /// A value with copies of its containers, of which there is one for each that is copied.
    fn copied(&mut self, value: &Value, span: Span) -> Value {
        let mut copy = value.filter(|obj| !matches!(obj, Obj::Container(_)));
        for &obj in value.objs() {
            let Obj::Container(original) = obj else {
                continue;
            };
            let id = self.container_of(Container {
                span: Span::new(span.start, span.start + original),
                file: self.frame.file,
                ctx: Some(self.frame.ctx),
                shared: false,
                class: None,
                ..*self.containers.get(original)
            });
            let object = Value::of(obj);
            if self.containers.get(id).kind == ContainerKind::Dict {
                self.copy_entries(id, &object);
            } else {
                let elements = self.all_elements(&object);
                self.put(id, Key::Any, &elements);
            }
            copy.add(Obj::Container(id));
        }
        copy
    }

    /// Sorting runs the comparison of the elements' class.
    fn compare_elements(&mut self, elements: &Value, span: Span) {
        self.call_method_if_project(
            elements,
            "__lt__",
            std::slice::from_ref(elements),
            span,
            How::Operator,
        );
    }

    /// Whether the key of a sort maps different elements to equal ones as a matter of course.
    fn has_coarse_key(&mut self, args: &Args) -> bool {
        let key = self.sym("key");
        let callback = args
            .keywords
            .iter()
            .find(|(name, _)| *name == Some(key))
            .map(|(_, value)| value);
        callback.is_some_and(|value| {
            value.objs().iter().any(|obj| match obj {
                Obj::External(name) => {
                    matches!(
                        self.str(*name),
                        "len" | "abs" | "int" | "bool" | "type" | "str.lower" | "str.casefold"
                    )
                }
                _ => false,
            })
        })
    }

    fn iterate_if_instance(&mut self, value: &Value, span: Span) {
        if value
            .objs()
            .iter()
            .any(|obj| matches!(obj, Obj::Instance(..)))
        {
            self.iterate(value, span, How::Iterate);
        }
    }

    fn run_key_on(&mut self, args: &Args, elements: &Value, span: Span) -> Value {
        let key = self.sym("key");
        let callback = args
            .keywords
            .iter()
            .find(|(name, _)| *name == Some(key))
            .map(|(_, value)| value.clone());
        match callback {
            Some(callback) if callback.objs() != [Obj::None] && !callback.is_bottom() => self
                .call_value(
                    &callback,
                    &Args::of(std::slice::from_ref(elements)),
                    span,
                    How::Callback,
                ),
            _ => Value::bottom(),
        }
    }
}

/// Whether a method of a builtin container changes it.
pub(crate) fn mutates(method: &str) -> bool {
    matches!(
        method,
        "append"
            | "appendleft"
            | "add"
            | "insert"
            | "extend"
            | "update"
            | "setdefault"
            | "pop"
            | "popleft"
            | "popitem"
            | "remove"
            | "discard"
            | "clear"
            | "sort"
            | "reverse"
    )
}

/// Names that every module sees without importing them.
pub(super) fn is_builtin(name: &str) -> bool {
    BUILTINS.binary_search(&name).is_ok()
}

#[rustfmt::skip]
const BUILTINS: &[&str] = &[
    "ArithmeticError", "AssertionError", "AttributeError", "BaseException", "BaseExceptionGroup",
    "BlockingIOError", "BrokenPipeError", "BufferError", "BytesWarning", "ChildProcessError",
    "ConnectionAbortedError", "ConnectionError", "ConnectionRefusedError", "ConnectionResetError",
    "DeprecationWarning", "EOFError", "EncodingWarning", "EnvironmentError", "Exception",
    "ExceptionGroup", "FileExistsError", "FileNotFoundError", "FloatingPointError", "FutureWarning",
    "GeneratorExit", "IOError", "ImportError", "ImportWarning", "IndentationError", "IndexError",
    "InterruptedError", "IsADirectoryError", "KeyError", "KeyboardInterrupt", "LookupError",
    "MemoryError", "ModuleNotFoundError", "NameError", "NotADirectoryError", "NotImplemented",
    "NotImplementedError", "OSError", "OverflowError", "PendingDeprecationWarning",
    "PermissionError", "ProcessLookupError", "RecursionError", "ReferenceError", "ResourceWarning",
    "RuntimeError", "RuntimeWarning", "StopAsyncIteration", "StopIteration", "SyntaxError",
    "SyntaxWarning", "SystemError", "SystemExit", "TabError", "TimeoutError", "TypeError",
    "UnboundLocalError", "UnicodeDecodeError", "UnicodeEncodeError", "UnicodeError",
    "UnicodeTranslateError", "UnicodeWarning", "UserWarning", "ValueError", "Warning",
    "ZeroDivisionError", "__doc__", "__file__", "__import__", "__name__", "abs", "aiter", "all",
    "anext", "any", "ascii", "bin", "bool", "breakpoint", "bytearray", "bytes", "callable", "chr",
    "classmethod", "compile", "complex", "copyright", "credits", "delattr", "dict", "dir", "divmod",
    "enumerate", "eval", "exec", "exit", "filter", "float", "format", "frozenset", "getattr",
    "globals", "hasattr", "hash", "help", "hex", "id", "input", "int", "isinstance", "issubclass",
    "iter", "len", "license", "list", "locals", "map", "max", "memoryview", "min", "next", "object",
    "oct", "open", "ord", "pow", "print", "property", "quit", "range", "repr", "reversed", "round",
    "set", "setattr", "slice", "sorted", "staticmethod", "str", "sum", "super", "tuple", "type",
    "vars", "zip",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builtins_are_sorted_for_the_binary_search() {
        assert!(BUILTINS.is_sorted());
    }
}
