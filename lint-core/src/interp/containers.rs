//! What containers hold: lists, tuples, mappings and sets, by the expressions that make them.

use std::collections::BTreeSet;

use crate::diagnostic::Span;

use super::args::Args;
use super::{CellKey, ClassId, Container, ContainerKind, How, Key, Machine, Obj, Origin, Value};

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
        let key = self.known_key(id, key);
        let container = *self.containers.get(id);
        let value = &self.note_size(id, value);
        if container.ctx == Some(self.frame.ctx) && !container.repeated && key != Key::Any {
            self.frame.state.heap.insert((id, key), value.clone());
        }
        self.put_in_cells(id, key, value);
    }

    /// Stores an element under a key that may be this one: what stands there may stay.
    pub(super) fn put_perhaps(&mut self, id: u32, key: Key, value: &Value) {
        let key = self.known_key(id, key);
        let value = &self.note_size(id, value);
        let first = (id, Key::Int(i64::MIN));
        for ((_, at), element) in self.frame.state.heap.range_mut(first..=(id, Key::Any)) {
            if key == Key::Any || *at == key {
                element.join(value);
            }
        }
        self.put_in_cells(id, key, value);
    }

    /// The elements of a list move: each may stand at any place afterwards.
    pub(super) fn scatter(&mut self, id: u32) {
        if self.containers.get(id).kind == ContainerKind::List {
            let elements = self.all_elements(&Value::of(Obj::Container(id)));
            let heap = &mut self.frame.state.heap;
            heap.retain(|(container, _), _| *container != id);
            self.put(id, Key::Any, &elements);
        }
    }

    /// The same for the lists in a value.
    pub(super) fn scatter_all(&mut self, lists: &Value) {
        for obj in lists.objs().to_vec() {
            if let Obj::Container(id) = obj {
                self.scatter(id);
            }
        }
    }

    /// The key under which an element is kept.
    fn known_key(&mut self, id: u32, key: Key) -> Key {
        self.frame.state.single.remove(&id);
        let keys = &mut self.container_keys[id as usize];
        if keys.contains(&key) {
            return key;
        }
        // Readers of all elements learn of the new key.
        let key = if keys.len() < MAX_KEYS { key } else { Key::Any };
        if !keys.contains(&key) {
            keys.push(key);
        }
        key
    }

    fn put_in_cells(&mut self, id: u32, key: Key, value: &Value) {
        if self.containers.get(id).ctx != Some(self.frame.ctx) {
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

    /// A list of these elements.
    pub(super) fn list_from(&mut self, elements: &[Value], span: Span) -> Value {
        let list = self.container(ContainerKind::List, span);
        for (ix, element) in elements.iter().enumerate() {
            self.put(list, Key::Int(ix as i64), element);
        }
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

    /// A list of tuples that are told apart.
    pub(super) fn list_of_rows(&mut self, rows: &[Vec<Value>], span: Span) -> u32 {
        let list = self.container(ContainerKind::List, span);
        for (ix, row) in rows.iter().enumerate() {
            // Each is a tuple of its own, by a place within the call.
            let tuple = self.container_of(Container {
                kind: ContainerKind::Tuple,
                span: Span::new(span.start, span.start + ix as u32),
                ..*self.containers.get(list)
            });
            for (column, value) in row.iter().enumerate() {
                self.put(tuple, Key::Int(column as i64), value);
            }
            self.put(list, Key::Int(ix as i64), &Value::of(Obj::Container(tuple)));
        }
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
        let mut result = Value::bottom().contained_in(object);
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
        result.opened_like(object).in_part(object.part())
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
        let mut result = Value::bottom().contained_in(object);
        for obj in object.objs().to_vec() {
            match obj {
                Obj::Container(id) if self.has_own_stores(id) => {
                    for key in self.keys(id) {
                        let value = match self.frame.state.heap.get(&(id, key)) {
                            Some(value) => value.clone(),
                            None => self.read_element(id, key),
                        };
                        result.join(&value);
                    }
                }
                Obj::Container(id) => {
                    // What stands under known keys is kept together as well.
                    result.join(&self.read_element(id, Key::Str(self.known.self_return)));
                    result.join(&self.read_element(id, Key::Any));
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
                    let elements = self.all_elements(&Value::of(obj));
                    let elements = elements.tainted_by(&size).tainted_by(&keys);
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
                if pending.len() < MAX_CONTAINERS
                    && matches!(inner, Obj::Container(_) | Obj::Instance(..))
                    && !pending.contains(&inner)
                {
                    pending.push(inner);
                }
            }
        }
        self.united(taint)
    }

    /// Whether the running code knows better than the cells what it stored in a container.
    fn has_own_stores(&self, id: u32) -> bool {
        let mut own = self.frame.state.heap.range((id, Key::Int(i64::MIN))..);
        !self.container_shared_writes[id as usize]
            && own.next().is_some_and(|((it, _), _)| *it == id)
    }

    /// The sets that a value holds, however deep.
    pub(super) fn sets_within(&mut self, value: &Value) -> Vec<u32> {
        let parts = self.parts_within(value);
        parts.into_iter().filter_map(|it| self.as_set(it)).collect()
    }

    /// The same without those of which the order is gone once the value has been a payload.
    pub(super) fn listed_sets_within(&mut self, value: &Value) -> Vec<u32> {
        let parts = self.parts_within(value);
        let sets = parts.iter().filter_map(|&it| self.as_set(it));
        let mut sets: Vec<u32> = sets.collect();
        for obj in parts {
            if let Obj::Instance(class, variant) = obj
                && !sets.is_empty()
            {
                let declared = self.declared_sets(class, variant);
                sets.retain(|it| !declared.contains(it));
            }
        }
        sets
    }

    fn as_set(&self, obj: Obj) -> Option<u32> {
        match obj {
            Obj::Container(id) if self.containers.get(id).kind.is_set() => Some(id),
            _ => None,
        }
    }

    /// What a value is, and the containers and instances in it, however deep.
    fn parts_within(&mut self, value: &Value) -> Vec<Obj> {
        const MAX_PARTS: usize = 24;
        let mut parts: Vec<Obj> = value.objs().to_vec();
        let mut seen = 0;
        while seen < parts.len() && seen < MAX_PARTS {
            let inner = match parts[seen] {
                obj @ Obj::Container(_) => self.all_elements(&Value::of(obj)),
                Obj::Instance(class, variant) => self.attributes_within(class, variant),
                _ => Value::bottom(),
            };
            seen += 1;
            for &inner in inner.objs() {
                if parts.len() < MAX_PARTS
                    && matches!(inner, Obj::Container(_) | Obj::Instance(..))
                    && !parts.contains(&inner)
                {
                    parts.push(inner);
                }
            }
        }
        parts
    }

    /// The sets in fields that are declared as sets: a converter makes sets of them again.
    fn declared_sets(&mut self, class: ClassId, variant: u32) -> Vec<u32> {
        let mut found = Vec::new();
        for entry in self.mro(class).iter().copied() {
            let Obj::Class(owner) = entry else { continue };
            let variant = self.variant_for(owner, class, variant);
            for name in self.declared_names(owner) {
                let declared = self.declared_attribute(owner, name);
                if self.only_sets(&declared).is_empty() {
                    continue;
                }
                let name = self.sym(name);
                let held = self.read_instance_attribute(owner, variant, name);
                found.extend(self.only_sets(&held));
            }
        }
        found
    }

    /// The sets that a value may be, if it may be no other container.
    fn only_sets(&self, value: &Value) -> Vec<u32> {
        let containers = value.objs().iter().copied();
        let containers = containers.filter(|it| matches!(it, Obj::Container(_)));
        let sets: Option<Vec<u32>> = containers.map(|it| self.as_set(it)).collect();
        sets.unwrap_or_default()
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

    /// Fills a mapping from another one, or from pairs of keys and values.
    pub(super) fn fill_mapping(&mut self, into: u32, from: &Value, span: Span) {
        for obj in from.objs().to_vec() {
            let object = Value::of(obj);
            match obj {
                Obj::Container(id) if self.containers.get(id).kind == ContainerKind::Dict => {
                    self.copy_entries(into, &object);
                }
                Obj::Container(_) | Obj::Generator(_) => self.put_pairs(into, &object, span),
                _ => {}
            }
        }
    }

    fn put_pairs(&mut self, into: u32, pairs: &Value, span: Span) {
        if let Some(exact) = self.exact_elements(pairs) {
            for pair in exact {
                let key = self.element(&pair, Key::Int(0), span);
                let value = self.element(&pair, Key::Int(1), span);
                self.put_under(into, &key, &value);
            }
        } else {
            let pair = self.iterate(pairs, span, How::Iterate);
            let key = self.element(&pair, Key::Int(0), span);
            let value = self.element(&pair, Key::Int(1), span);
            self.note_key(into, &key);
            for key in keys_of(&key) {
                self.put_perhaps(into, key, &value);
            }
        }
        if let [Obj::Container(id)] = *pairs.objs() {
            self.keep_set_order(into, id);
        }
    }

    /// Stores an element under a key, of which it may be known only that it is one of several.
    pub(super) fn put_under(&mut self, id: u32, key: &Value, value: &Value) {
        self.note_key(id, key);
        match keys_of(key)[..] {
            [key] if key != Key::Any => self.put(id, key, value),
            ref keys => {
                for &key in keys {
                    self.put_perhaps(id, key, value);
                }
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
                    self.containers.get(*id).kind.is_set()
                        && (self.frame.state.single.contains(id) || self.keys(*id) == [Key::Int(0)])
                }
                _ => false,
            })
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
