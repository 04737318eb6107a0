//! What makes lists, tuples, mappings and sets, and heaps.

use crate::interp::containers::keys_of;
use crate::interp::{CellKey, ContainerKind, How, Key, Machine, Obj, Value};

use super::Call;

pub(super) fn list(machine: &mut Machine, call: &Call) -> Option<Value> {
    Some(sequence(machine, ContainerKind::List, call))
}

pub(super) fn tuple(machine: &mut Machine, call: &Call) -> Option<Value> {
    Some(sequence(machine, ContainerKind::Tuple, call))
}

fn sequence(machine: &mut Machine, kind: ContainerKind, call: &Call) -> Value {
    let id = machine.container(kind, call.span);
    let size = machine.size_of_arguments(call.args);
    let mut result = Value::of(Obj::Container(id)).tainted_by(&size);
    if let Some(first) = call.first() {
        machine.element(first, Key::Any, call.span);
        let source = machine.note_order(first, call.span);
        result = result.with_source(source);
        if let Some(elements) = machine.exact_elements(first) {
            for (ix, element) in elements.iter().enumerate() {
                machine.put(id, Key::Int(ix as i64), element);
            }
        } else {
            let is_single = machine.is_single(first);
            put_elements(machine, id, first, is_single, call);
        }
    }
    machine.put_keywords(id, call.args);
    result
}

pub(super) fn set(machine: &mut Machine, call: &Call) -> Option<Value> {
    Some(set_of(machine, ContainerKind::Set, call))
}

pub(super) fn frozen_set(machine: &mut Machine, call: &Call) -> Option<Value> {
    Some(set_of(machine, ContainerKind::FrozenSet, call))
}

fn set_of(machine: &mut Machine, kind: ContainerKind, call: &Call) -> Value {
    let id = machine.container(kind, call.span);
    if let Some(first) = call.first() {
        machine.element(first, Key::Any, call.span);
        let is_single = match machine.exact_elements(first) {
            Some(elements) => elements.len() == 1,
            None => machine.is_single(first),
        };
        put_elements(machine, id, first, is_single, call);
    }
    machine.put_keywords(id, call.args);
    Value::of(Obj::Container(id))
}

/// Fills a container with what iterating over a value gives.
fn put_elements(machine: &mut Machine, id: u32, from: &Value, is_single: bool, call: &Call) {
    let elements = machine.iterate(from, call.span, How::Iterate);
    let key = if is_single { Key::Int(0) } else { Key::Any };
    machine.put(id, key, &elements);
}

/// `dict`, `ChainMap` and their like: what is given first is found first.
pub(super) fn dict(machine: &mut Machine, call: &Call) -> Option<Value> {
    let id = machine.container(ContainerKind::Dict, call.span);
    for given in call.args.positional.iter().rev() {
        machine.element(&given.value, Key::Any, call.span);
        machine.fill_mapping(id, &given.value, call.span);
    }
    machine.put_keywords(id, call.args);
    // What is given by name stands under its name, and says nothing of the others.
    let mut unnamed = call.args.clone();
    unnamed.keywords.retain(|(name, _)| name.is_none());
    let taint = machine.args_taint(&unnamed);
    Some(Value::of(Obj::Container(id)).tainted_by(&taint))
}

pub(super) fn defaultdict(machine: &mut Machine, call: &Call) -> Option<Value> {
    let id = machine.container(ContainerKind::Dict, call.span);
    if let Some(factory) = call.first() {
        machine.write(CellKey::ContainerFactory(id), factory);
    }
    if let Some(entries) = call.second() {
        machine.fill_mapping(id, entries, call.span);
    }
    Some(Value::of(Obj::Container(id)))
}

/// `types.SimpleNamespace(…)`: a mapping whose keys are attributes.
pub(super) fn record(machine: &mut Machine, call: &Call) -> Option<Value> {
    let id = machine.container(ContainerKind::Dict, call.span);
    machine.put_keywords(id, call.args);
    machine.records.insert(id);
    Some(Value::of(Obj::Container(id)))
}

pub(super) fn counter(machine: &mut Machine, call: &Call) -> Option<Value> {
    let id = machine.container(ContainerKind::Dict, call.span);
    if let Some(first) = call.first() {
        machine.iterate(first, call.span, How::Iterate);
        let order = machine.set_order(first);
        machine.write(CellKey::SetOrder(id), &order);
    }
    let count = machine.instance_of_builtin("int");
    machine.put(id, Key::Any, &count);
    Some(Value::of(Obj::Container(id)))
}

pub(super) fn from_keys(machine: &mut Machine, call: &Call) -> Option<Value> {
    let id = machine.container(ContainerKind::Dict, call.span);
    let first = call.first().cloned().unwrap_or_default();
    let keys = machine.iterate(&first, call.span, How::Iterate);
    let none = Value::of(Obj::None);
    let value = call.second().unwrap_or(&none);
    for key in keys_of(&keys) {
        machine.put(id, key, value);
    }
    let order = machine.set_order(&first);
    machine.write(CellKey::SetOrder(id), &order);
    Some(Value::of(Obj::Container(id)))
}

/// `heapq.heappush(heap, item)` and its like.
pub(super) fn push(machine: &mut Machine, call: &Call) -> Option<Value> {
    let (heap, item) = (call.first()?, call.second()?);
    machine.record_container_change(heap, call.span);
    machine.scatter_all(heap);
    for obj in heap.objs().to_vec() {
        if let Obj::Container(id) = obj {
            machine.put(id, Key::Any, item);
        }
    }
    Some(machine.all_elements(heap).opened())
}

pub(super) fn pop(machine: &mut Machine, call: &Call) -> Option<Value> {
    let heap = call.first()?;
    machine.record_container_change(heap, call.span);
    machine.scatter_all(heap);
    Some(machine.all_elements(heap).opened())
}

/// A view of its argument.
pub(super) fn view(_: &mut Machine, call: &Call) -> Option<Value> {
    call.first().cloned()
}
