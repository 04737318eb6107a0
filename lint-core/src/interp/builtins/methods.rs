//! Methods of lists, tuples, mappings and sets.

use crate::diagnostic::Span;
use crate::interp::args::Args;
use crate::interp::containers::{keys_of, single_key};
use crate::interp::{ContainerKind, How, Key, Machine, Obj, Sym, Value};

/// A call of one of them.
struct Call<'a> {
    id: u32,
    kind: ContainerKind,
    /// The container itself.
    object: Value,
    name: &'static str,
    args: &'a Args,
    span: Span,
}

type Gives = for<'p> fn(&mut Machine<'p>, &Call) -> Value;

/// Whether a method changes the container.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Effect {
    Reads,
    Changes,
}

use Effect::{Changes, Reads};

/// In the order of their names. Those of queues and futures are known from outside as well, which
/// says what they change.
#[rustfmt::skip]
const METHODS: &[(&str, Effect, Gives)] = &[
    ("__getitem__", Reads, look_up),
    ("add", Changes, add),
    ("append", Changes, add),
    ("appendleft", Changes, insert),
    ("clear", Changes, move_elements),
    ("copy", Reads, copy),
    ("difference", Reads, combined),
    ("difference_update", Changes, nothing),
    ("discard", Changes, nothing),
    ("extend", Changes, extend),
    ("extendleft", Changes, extend_in_front),
    ("fromkeys", Reads, from_keys),
    ("get", Reads, look_up),
    ("get_nowait", Reads, take),
    ("insert", Changes, insert),
    ("intersection", Reads, combined),
    ("intersection_update", Changes, nothing),
    ("items", Reads, items),
    ("keys", Reads, keys),
    ("most_common", Reads, most_common),
    ("move_to_end", Changes, nothing),
    ("pop", Changes, pop),
    ("popitem", Changes, pop_item),
    ("popleft", Changes, pop_first),
    ("put", Reads, add),
    ("put_nowait", Reads, add),
    ("remove", Changes, move_elements),
    ("result", Reads, take),
    ("reverse", Changes, move_elements),
    ("rotate", Changes, move_elements),
    ("set_result", Reads, add),
    ("setdefault", Changes, look_up),
    ("sort", Changes, sort),
    ("subtract", Changes, nothing),
    ("symmetric_difference", Reads, combined),
    ("symmetric_difference_update", Changes, nothing),
    ("union", Reads, combined),
    ("update", Changes, extend),
    ("values", Reads, values),
];

fn find(name: &str) -> Option<&'static (&'static str, Effect, Gives)> {
    let row = METHODS.binary_search_by_key(&name, |row| row.0).ok()?;
    Some(&METHODS[row])
}

/// Whether a method of a builtin container changes it.
pub(crate) fn mutates(method: &str) -> bool {
    find(method).is_some_and(|(_, effect, _)| *effect == Changes)
}

/// Whether a method gives elements of the container, or something that shows them.
pub(crate) fn shows(method: &str) -> bool {
    matches!(method, "get" | "setdefault" | "values" | "items")
}

impl Machine<'_> {
    pub(in crate::interp) fn call_container_method(
        &mut self,
        id: u32,
        method: Sym,
        args: &Args,
        span: Span,
    ) -> Value {
        let Some(&(name, effect, gives)) = find(self.str(method)) else {
            return self.unknown_from(args);
        };
        if let Some(value) = self.namespace_method(id, name, span) {
            return value;
        }
        let call = Call {
            id,
            kind: self.containers.get(id).kind,
            object: Value::of(Obj::Container(id)),
            name,
            args,
            span,
        };
        if effect == Changes {
            self.note_change(&call);
        }
        gives(self, &call)
    }

    /// What is handed to a method that changes a container decides over its state.
    fn note_change(&mut self, call: &Call) {
        self.note_size(call.id, &Value::bottom());
        let control = self.lasting_control();
        let mut taint = self.args_taint(call.args).tainted_by(&control);
        // A set of identities, as for finding cycles, is a use that shows nothing.
        if call.kind.is_set() || matches!(call.name, "remove" | "pop") {
            taint = self.without_identity(&taint, call.span);
        }
        if let Some(kind) = self.kept_in(&call.object) {
            self.record_sink(&taint, kind, call.span);
        }
    }
}

fn nothing(_: &mut Machine, _: &Call) -> Value {
    Value::of(Obj::None)
}

/// What takes elements away or puts them in another order.
fn move_elements(machine: &mut Machine, call: &Call) -> Value {
    machine.scatter(call.id);
    Value::of(Obj::None)
}

/// `append`, `add` and `put`.
fn add(machine: &mut Machine, call: &Call) -> Value {
    if let Some(element) = call.args.at(0) {
        machine.put(call.id, Key::Any, element);
    }
    Value::of(Obj::None)
}

/// `insert` and `appendleft`.
fn insert(machine: &mut Machine, call: &Call) -> Value {
    if let Some(element) = call.args.positional.last() {
        machine.put(call.id, Key::Any, &element.value);
    }
    move_elements(machine, call)
}

/// `extend` and `update`.
fn extend(machine: &mut Machine, call: &Call) -> Value {
    put_all(machine, call.id, call);
    machine.store_in_holder(call.id, call.span);
    Value::of(Obj::None)
}

fn extend_in_front(machine: &mut Machine, call: &Call) -> Value {
    put_all(machine, call.id, call);
    move_elements(machine, call)
}

/// `union` and its like.
fn combined(machine: &mut Machine, call: &Call) -> Value {
    let result = machine.container(call.kind, call.span);
    let elements = machine.all_elements(&call.object);
    machine.put(result, Key::Any, &elements);
    put_all(machine, result, call);
    Value::of(Obj::Container(result))
}

fn put_all(machine: &mut Machine, into: u32, call: &Call) {
    for argument in &call.args.positional {
        if call.kind == ContainerKind::Dict {
            machine.fill_mapping(into, &argument.value, call.span);
            continue;
        }
        let source = match call.name {
            "extend" => machine.note_order(&argument.value, call.span),
            _ => None,
        };
        let elements = machine.iterate(&argument.value, call.span, How::Iterate);
        machine.put(into, Key::Any, &elements.with_source(source));
    }
    machine.put_keywords(into, call.args);
}

/// `get`, `setdefault`, and `pop` of a mapping.
fn look_up(machine: &mut Machine, call: &Call) -> Value {
    match call.kind {
        ContainerKind::Dict => {}
        ContainerKind::List if call.name == "get" => return take(machine, call),
        _ => return machine.unknown_from(call.args),
    }
    let key = call.args.at(0).cloned().unwrap_or_default();
    let mut result = Value::bottom();
    for key in keys_of(&key) {
        result.join(&machine.element(&call.object, key, call.span));
    }
    if let Some(default) = call.args.at(1) {
        result.join(default);
        if call.name == "setdefault" {
            machine.put(call.id, single_key(&key), default);
            machine.fill_in_order(&call.object, &key);
        }
    } else if call.name == "get" {
        result.join(&Value::of(Obj::None).opened());
    }
    let taint = machine.key_taint(&call.object, &key);
    result.tainted_by(&taint).opened()
}

fn pop(machine: &mut Machine, call: &Call) -> Value {
    match call.kind {
        ContainerKind::Dict => look_up(machine, call),
        ContainerKind::Set | ContainerKind::FrozenSet => {
            let source = machine.note_order(&call.object, call.span);
            machine.all_elements(&call.object).with_source(source)
        }
        ContainerKind::List | ContainerKind::Tuple => pop_element(machine, call),
    }
}

/// The last element leaves the others where they are, but another one is the last now.
fn pop_element(machine: &mut Machine, call: &Call) -> Value {
    let elements = machine.all_elements(&call.object);
    match call.args.at(0).map(Value::objs) {
        None | Some([Obj::Int(-1)]) => machine.put(call.id, Key::Any, &elements),
        Some(_) => machine.scatter(call.id),
    }
    elements.opened()
}

/// What comes out of a queue or a future.
fn take(machine: &mut Machine, call: &Call) -> Value {
    machine.all_elements(&call.object).opened()
}

fn pop_first(machine: &mut Machine, call: &Call) -> Value {
    let elements = machine.all_elements(&call.object);
    machine.scatter(call.id);
    elements.opened()
}

fn pop_item(machine: &mut Machine, call: &Call) -> Value {
    let source = machine.note_order(&call.object, call.span);
    let key = machine.iterate(&call.object, call.span, How::Iterate);
    let value = machine.all_elements(&call.object);
    let pair = machine.container(ContainerKind::Tuple, call.span);
    machine.put(pair, Key::Int(0), &key.with_source(source));
    machine.put(pair, Key::Int(1), &value.opened().with_source(source));
    Value::of(Obj::Container(pair)).with_source(source)
}

fn values(machine: &mut Machine, call: &Call) -> Value {
    let list = machine.container(ContainerKind::List, call.span);
    let elements = machine.element(&call.object, Key::Any, call.span);
    machine.put(list, Key::Any, &elements);
    machine.keep_set_order(list, call.id);
    Value::of(Obj::Container(list))
}

fn keys(machine: &mut Machine, call: &Call) -> Value {
    let list = machine.container(ContainerKind::List, call.span);
    let keys = machine.iterate(&call.object, call.span, How::Iterate);
    machine.put(list, Key::Any, &keys);
    machine.views.insert(list);
    machine.keep_set_order(list, call.id);
    Value::of(Obj::Container(list))
}

fn items(machine: &mut Machine, call: &Call) -> Value {
    let keys = machine.iterate(&call.object, call.span, How::Iterate);
    let values = machine.element(&call.object, Key::Any, call.span);
    let list = machine.list_of_tuples(&[keys, values], call.span);
    machine.views.insert(list);
    machine.keep_set_order(list, call.id);
    Value::of(Obj::Container(list))
}

fn most_common(machine: &mut Machine, call: &Call) -> Value {
    let source = machine.note_order(&call.object, call.span);
    let elements = machine.all_elements(&call.object);
    Value::unknown().tainted_by(&elements).with_source(source)
}

fn copy(machine: &mut Machine, call: &Call) -> Value {
    let copy = machine.container(call.kind, call.span);
    machine.keep_shape(copy, call.id);
    machine.copy_entries(copy, &call.object);
    Value::of(Obj::Container(copy))
}

fn from_keys(machine: &mut Machine, call: &Call) -> Value {
    let name = machine.sym("dict.fromkeys");
    let made = machine.call_builtin(name, call.args, call.span);
    made.unwrap_or_default()
}

fn sort(machine: &mut Machine, call: &Call) -> Value {
    let elements = machine.all_elements(&call.object);
    let keys = machine.compare_elements(&elements, call.args, call.span);
    machine.scatter(call.id);
    machine.taint_elements(&call.object, &keys);
    Value::of(Obj::None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_for_the_binary_search() {
        assert!(METHODS.is_sorted_by_key(|row| row.0));
    }
}
