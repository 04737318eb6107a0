//! What makes functions of functions, of names and of keys.

use crate::interp::args::Args;
use crate::interp::{ContainerKind, How, Key, Machine, Obj, Value};

use super::Call;

/// What the functions are that `operator.attrgetter` and its like make: a partial of one of these,
/// with what they were made of in front of the object.
const CALL_METHOD: &str = "operator.methodcaller.__call__";
const GET_ATTRIBUTES: &str = "operator.attrgetter.__call__";
const GET_ITEMS: &str = "operator.itemgetter.__call__";

/// `methodcaller(name, …)`, `attrgetter(name, …)` and `itemgetter(key, …)`.
pub(super) fn getter(machine: &mut Machine, call: &Call) -> Option<Value> {
    let gets = match call.name {
        "operator.methodcaller" => CALL_METHOD,
        "operator.attrgetter" => GET_ATTRIBUTES,
        _ => GET_ITEMS,
    };
    let gets = Value::of(machine.external(gets));
    Some(machine.partial(&gets, call.args.clone(), call.span))
}

pub(super) fn call_method(machine: &mut Machine, call: &Call) -> Option<Value> {
    let (object, given) = call.args.positional.split_last()?;
    let (name, rest) = given.split_first()?;
    let args = Args {
        positional: rest.to_vec(),
        ..call.args.clone()
    };
    let mut result = Value::bottom();
    for name in machine.names_meant(&object.value, &name.value) {
        let method = machine.attribute(&object.value, &name, call.span);
        result.join(&machine.call_value(&method, &args, call.span, How::Callback));
    }
    Some(result)
}

pub(super) fn get_attributes(machine: &mut Machine, call: &Call) -> Option<Value> {
    let (object, names) = call.args.positional.split_last()?;
    let mut found = Vec::new();
    for name in names {
        let mut value = Value::bottom();
        for name in machine.names_meant(&object.value, &name.value) {
            let mut part = object.value.clone();
            for name in name.split('.') {
                part = machine.attribute(&part, name, call.span);
            }
            value.join(&part);
        }
        found.push(value);
    }
    Some(one_or_tuple(machine, found, call))
}

pub(super) fn get_items(machine: &mut Machine, call: &Call) -> Option<Value> {
    let (object, keys) = call.args.positional.split_last()?;
    let mut found = Vec::new();
    for key in keys {
        found.push(machine.element_at(&object.value, &key.value, call.span));
    }
    Some(one_or_tuple(machine, found, call))
}

fn one_or_tuple(machine: &mut Machine, mut found: Vec<Value>, call: &Call) -> Value {
    if found.len() == 1 {
        return found.remove(0);
    }
    let tuple = machine.container(ContainerKind::Tuple, call.span);
    for (ix, value) in found.iter().enumerate() {
        machine.put(tuple, Key::Int(ix as i64), value);
    }
    Value::of(Obj::Container(tuple))
}

/// `types.MethodType(function, object)`, and `function.__get__(object)`.
pub(super) fn method(machine: &mut Machine, call: &Call) -> Option<Value> {
    let (functions, objects) = (call.first()?, call.second()?);
    let mut methods = Value::bottom();
    for &function in functions.objs() {
        for &object in objects.objs() {
            methods.add(match object {
                Obj::None => function,
                _ => machine.bound(function, object),
            });
        }
    }
    Some(methods)
}

/// `cmp_to_key(compare)` makes what a sort calls with each element, and compares two of them.
pub(super) fn by_comparison(machine: &mut Machine, call: &Call) -> Option<Value> {
    let compare = call.first()?;
    let Some(element) = call.second() else {
        let compares = Value::of(machine.external(call.name));
        return Some(machine.partial(&compares, call.args.clone(), call.span));
    };
    let pair = Args::of(&[element.clone(), element.clone()]);
    Some(machine.call_value(compare, &pair, call.span, How::Callback))
}

/// `Context.run(function, …)`
pub(super) fn run_in_context(machine: &mut Machine, call: &Call) -> Option<Value> {
    let (callee, rest) = call.args.positional.split_first()?;
    let args = Args {
        positional: rest.to_vec(),
        ..call.args.clone()
    };
    Some(machine.call_value(&callee.value, &args, call.span, How::Callback))
}

/// `json.dumps(value, cls=Encoder)` asks the encoder for what it does not know.
pub(super) fn encode(machine: &mut Machine, call: &Call) -> Option<Value> {
    let cls = machine.sym("cls");
    let class = call.args.keyword(cls)?;
    let encoders = machine.instances_of(class);
    let unknown = [Value::unknown()];
    machine.call_method_if_project(&encoders, "default", &unknown, call.span, How::Callback);
    None
}

/// `ExitStack.enter_context(manager)`
pub(super) fn enter(machine: &mut Machine, call: &Call) -> Option<Value> {
    let is_async = call.name.ends_with("enter_async_context");
    Some(machine.enter(call.first()?, is_async, call.span))
}

/// `closing(object)` and its like, which give the object to a `with` statement.
pub(super) fn around(machine: &mut Machine, call: &Call) -> Option<Value> {
    let around = machine.external(call.name);
    let mut managers = Value::bottom();
    for &obj in call.first()?.objs() {
        managers.add(machine.bound(around, obj));
    }
    Some(managers)
}
