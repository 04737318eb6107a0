//! What goes through its arguments, and gives what it finds there.

use crate::diagnostic::Span;
use crate::interp::args::Args;
use crate::interp::{ContainerKind, How, Key, Machine, Obj, SourceId, Value};

use super::Call;

// An iterator that a module makes goes on from where the run before it stopped; see `next`.

pub(super) fn count(machine: &mut Machine, call: &Call) -> Option<Value> {
    let elements = machine.instance_of_builtin("int");
    Some(machine.list_of(&elements, call.span))
}

pub(super) fn cycle(machine: &mut Machine, call: &Call) -> Option<Value> {
    let Some(first) = call.first() else {
        return count(machine, call);
    };
    let elements = machine.iterate(first, call.span, How::Iterate);
    Some(machine.list_of(&elements, call.span))
}

pub(super) fn map(machine: &mut Machine, call: &Call) -> Option<Value> {
    let Some(calls) = called_back(machine, call) else {
        return Some(Value::unknown());
    };
    Some(
        machine
            .list_of(&calls.results, call.span)
            .with_source(calls.order),
    )
}

/// `reduce(function, elements, initial)`
pub(super) fn reduce(machine: &mut Machine, call: &Call) -> Option<Value> {
    let (function, elements) = (call.first()?, call.second()?);
    let result = folded(machine, function, elements, call.args.at(2), call);
    Some(result.tainted_by(&call.taint))
}

/// `accumulate(elements, function, initial=…)`: all that the same comes by.
pub(super) fn accumulate(machine: &mut Machine, call: &Call) -> Option<Value> {
    let elements = call.first()?;
    let add = machine.external("operator.add");
    let add = Value::of(add);
    let function = call.second().unwrap_or(&add);
    let order = machine.note_order(elements, call.span);
    let result = folded(machine, function, elements, None, call);
    let list = machine.list_of(&result, call.span);
    Some(list.with_source(order).tainted_by(&call.taint))
}

/// What a function of two makes of all elements, one after the other.
fn folded(
    machine: &mut Machine,
    function: &Value,
    elements: &Value,
    initial: Option<&Value>,
    call: &Call,
) -> Value {
    let is_same =
        |obj: &Obj| matches!(obj, Obj::External(name) if is_commutative(machine.str(*name)));
    let order = if function.objs().iter().all(is_same) {
        None
    } else {
        machine.note_order(elements, call.span)
    };
    let element = machine.iterate(elements, call.span, How::Iterate);
    let mut result = initial.cloned().unwrap_or_else(|| element.clone());
    // What the first call gives is what the second gets.
    for _ in 0..2 {
        let args = Args::of(&[result.clone(), element.clone()]);
        let next = machine.call_value(function, &args, call.span, How::Callback);
        result.join(&next);
    }
    result.with_source(order).opened()
}

/// Functions that make the same of elements in whatever order they come.
fn is_commutative(function: &str) -> bool {
    matches!(
        function,
        "max"
            | "min"
            | "math.gcd"
            | "math.lcm"
            | "operator.mul"
            | "operator.or_"
            | "operator.and_"
            | "operator.xor"
            | "set.union"
            | "set.intersection"
            | "frozenset.union"
            | "frozenset.intersection"
    )
}

pub(super) fn filter(machine: &mut Machine, call: &Call) -> Option<Value> {
    let Some(calls) = called_back(machine, call) else {
        return Some(Value::unknown());
    };
    Some(
        machine
            .list_of(&calls.elements, call.span)
            .with_source(calls.order),
    )
}

/// A function that was called with the elements of other arguments.
struct CalledBack {
    /// Those of the first.
    elements: Value,
    results: Value,
    order: Option<SourceId>,
}

fn called_back(machine: &mut Machine, call: &Call) -> Option<CalledBack> {
    let (callback, rest) = call.args.positional.split_first()?;
    let callback = &callback.value;
    let mut elements = Vec::new();
    let mut order = None;
    for argument in rest {
        order = machine.note_order(&argument.value, argument.span).or(order);
        elements.push(machine.iterate(&argument.value, argument.span, How::Iterate));
    }
    let is_called = |obj: &Obj| obj.is_callable() || matches!(obj, Obj::Instance(..));
    let results = if callback.objs().iter().any(is_called) {
        machine.call_value(callback, &Args::of(&elements), call.span, How::Callback)
    } else if let Some(swapped) = call.second() {
        // PyCG's own cases pass the function second; Python would refuse that.
        let element = machine.iterate(callback, call.span, How::Iterate);
        machine.call_value(swapped, &Args::of(&[element]), call.span, How::Callback)
    } else {
        Value::bottom()
    };
    Some(CalledBack {
        elements: elements.into_iter().next().unwrap_or_default(),
        results,
        order,
    })
}

pub(super) fn iter(machine: &mut Machine, call: &Call) -> Option<Value> {
    if call.args.positional.len() != 2 {
        return in_turn(machine, call);
    }
    // `iter(read, b"")` calls until it gets the sentinel.
    let callee = call.first()?;
    let element = machine.call_value(callee, &Args::default(), call.span, How::Iterate);
    Some(machine.list_of(&element, call.span).tainted_by(&call.taint))
}

/// What gives the elements of its arguments, one after the other.
pub(super) fn in_turn(machine: &mut Machine, call: &Call) -> Option<Value> {
    let (parts, order) = parts(machine, call);
    let size = machine.size_of_arguments(call.args);
    let elements = joined(&parts);
    let list = machine.list_of(&elements, call.span);
    Some(list.with_source(order).tainted_by(&size))
}

pub(super) fn reversed(machine: &mut Machine, call: &Call) -> Option<Value> {
    let first = call.first()?;
    let own = machine.call_special(first, "__reversed__", call.span, How::Iterate);
    if own.is_bottom() {
        in_turn(machine, call)
    } else {
        Some(own)
    }
}

pub(super) fn enumerate(machine: &mut Machine, call: &Call) -> Option<Value> {
    let (parts, order) = parts(machine, call);
    let count = machine.instance_of_builtin("int");
    tuples(machine, &[count, joined(&parts)], order, call)
}

pub(super) fn zip(machine: &mut Machine, call: &Call) -> Option<Value> {
    let (parts, order) = parts(machine, call);
    let size = machine.size_of_arguments(call.args);
    let list = match exact_rows(machine, call) {
        Some(rows) => machine.list_of_rows(&rows, call.span),
        None => machine.list_of_tuples(&parts, call.span),
    };
    Some(
        Value::of(Obj::Container(list))
            .with_source(order)
            .tainted_by(&size),
    )
}

/// Each element of the first argument beside each of the others.
pub(super) fn product(machine: &mut Machine, call: &Call) -> Option<Value> {
    let (parts, order) = parts(machine, call);
    tuples(machine, &parts, order, call)
}

/// Several elements of the first argument together, as a tuple of two or as many as is said.
pub(super) fn combined(machine: &mut Machine, call: &Call) -> Option<Value> {
    let (parts, order) = parts(machine, call);
    let width = match call.second().map(Value::objs) {
        Some([Obj::Int(width @ 1..=8)]) => *width as usize,
        _ => 2,
    };
    tuples(machine, &vec![joined(&parts); width], order, call)
}

/// `groupby(elements, key)`
pub(super) fn groups(machine: &mut Machine, call: &Call) -> Option<Value> {
    let first = call.args.positional.first()?;
    let order = machine.note_order(&first.value, first.span);
    let elements = machine.iterate(&first.value, call.span, How::Iterate);
    let by_name = machine.sym("key");
    let key = match call.second().or_else(|| call.args.keyword(by_name)) {
        Some(function) => {
            let args = Args::of(std::slice::from_ref(&elements));
            machine.call_value(function, &args, call.span, How::Callback)
        }
        None => elements.clone(),
    };
    let group = machine.container(
        ContainerKind::List,
        Span::new(call.span.start, call.span.start),
    );
    machine.put(group, Key::Any, &elements);
    tuples(
        machine,
        &[key, Value::of(Obj::Container(group))],
        order,
        call,
    )
}

/// A list of tuples that are alike, in an order that comes from the arguments.
fn tuples(
    machine: &mut Machine,
    parts: &[Value],
    order: Option<SourceId>,
    call: &Call,
) -> Option<Value> {
    let size = machine.size_of_arguments(call.args);
    let list = machine.list_of_tuples(parts, call.span);
    Some(
        Value::of(Obj::Container(list))
            .with_source(order)
            .tainted_by(&size),
    )
}

/// What stands side by side in arguments whose elements are known, if they are few.
fn exact_rows(machine: &mut Machine, call: &Call) -> Option<Vec<Vec<Value>>> {
    const MAX_ROWS: usize = 16;
    let given = call.args.positional.iter();
    let columns: Option<Vec<Vec<Value>>> = given
        .map(|it| machine.exact_elements(&it.value).filter(|_| !it.starred))
        .collect();
    let columns = columns?;
    let count = columns.iter().map(Vec::len).min()?;
    let row = |ix: usize| columns.iter().map(|column| column[ix].clone()).collect();
    (count <= MAX_ROWS && call.args.keywords.is_empty()).then(|| (0..count).map(row).collect())
}

/// The elements of each argument, and what their order comes from.
fn parts(machine: &mut Machine, call: &Call) -> (Vec<Value>, Option<SourceId>) {
    let mut parts = Vec::new();
    let mut order = None;
    for argument in &call.args.positional {
        order = machine.note_order(&argument.value, argument.span).or(order);
        parts.push(machine.iterate(&argument.value, argument.span, How::Iterate));
    }
    (parts, order)
}

fn joined(parts: &[Value]) -> Value {
    let mut elements = Value::bottom();
    for part in parts {
        elements.join(part);
    }
    elements
}

pub(super) fn next(machine: &mut Machine, call: &Call) -> Option<Value> {
    let Some(first) = call.first() else {
        return Some(Value::unknown());
    };
    let source = machine.note_order(first, call.span);
    let mut element = Value::bottom().with_source(source);
    for obj in first.objs().to_vec() {
        let object = Value::of(obj).in_part(first.part());
        machine.record_container_change(&object.clone().at_place(first.place()), call.span);
        let next = match obj {
            Obj::Instance(..) => machine.next_of(&object, call.span, How::Iterate),
            _ => machine.iterate(&object, call.span, How::Iterate),
        };
        element.join(&next);
    }
    if let Some(default) = call.second() {
        element.join(default);
    }
    Some(element.opened())
}

pub(super) fn any_or_all(machine: &mut Machine, call: &Call) -> Option<Value> {
    let bool = machine.instance_of_builtin("bool");
    Some(bool.tainted_by(&machine.settled(&call.taint, call.span)))
}

pub(super) fn sum(machine: &mut Machine, call: &Call) -> Option<Value> {
    let first = call.first().cloned().unwrap_or_default();
    let elements = machine.iterate(&first, call.span, How::Iterate);
    let is_float =
        |obj: &Obj| matches!(obj, Obj::ExternalInstance(ty) if machine.str(*ty) == "float");
    if elements.objs().iter().any(is_float) {
        // Adding floats in another order rounds in another way.
        let source = machine.note_order(&first, call.span);
        let float = machine.instance_of_builtin("float").with_source(source);
        return Some(float.tainted_by(&call.taint));
    }
    let taint = machine.settled(&call.taint, call.span);
    Some(machine.instance_of_builtin("int").tainted_by(&taint))
}

/// One of the elements, whichever it is.
pub(super) fn choice(machine: &mut Machine, call: &Call) -> Option<Value> {
    let from = call.first()?;
    let source = machine.note_order(from, call.span);
    let element = machine.iterate(from, call.span, How::Iterate);
    Some(element.with_source(source))
}
