//! What makes text, and asks about it.

use crate::interp::{How, Machine, Obj, Value};

use super::Call;

/// `str` and `repr`.
pub(super) fn written(machine: &mut Machine, call: &Call) -> Option<Value> {
    let Some(first) = call.first() else {
        return Some(machine.instance_of_builtin("str"));
    };
    let has_text = machine.has_text(first);
    machine.call_strings_within(first, call.span);
    let source = machine.note_order(first, call.span);
    let string = machine.instance_of_builtin("str").with_source(source);
    Some(if has_text { string.truthy() } else { string })
}

pub(super) fn format(machine: &mut Machine, call: &Call) -> Option<Value> {
    if let Some(first) = call.first() {
        machine.call_strings_within(first, call.span);
    }
    Some(machine.instance_of_builtin("str"))
}

/// `"{}".format(…)`
pub(super) fn filled_in(machine: &mut Machine, call: &Call) -> Option<Value> {
    let values = call.args.positional.iter().map(|it| it.value.clone());
    let values = values.chain(call.args.keywords.iter().map(|(_, value)| value.clone()));
    let values: Vec<Value> = values.collect();
    for value in &values {
        machine.call_strings_within(value, call.span);
    }
    let source = machine.order_in_text(&values, call.span);
    Some(machine.instance_of_builtin("str").with_source(source))
}

pub(super) fn join(machine: &mut Machine, call: &Call) -> Option<Value> {
    let mut source = None;
    if let Some(first) = call.first() {
        machine.iterate(first, call.span, How::Iterate);
        source = machine.note_order(first, call.span);
    }
    Some(machine.instance_of_builtin("str").with_source(source))
}

/// Text that stands in the code begins or ends with other such text, or does not.
pub(super) fn has_affix(machine: &mut Machine, call: &Call) -> Option<Value> {
    let [whole, affix] = &call.args.positional[..] else {
        return None;
    };
    let ([Obj::Str(whole)], [Obj::Str(affix)]) = (whole.value.objs(), affix.value.objs()) else {
        return None;
    };
    let (whole, affix) = (machine.str(*whole), machine.str(*affix));
    Some(Value::of(Obj::Bool(match call.name {
        "str.startswith" => whole.starts_with(affix),
        _ => whole.ends_with(affix),
    })))
}

/// `pickle.dumps` and `marshal.dumps`.
pub(super) fn dumped(machine: &mut Machine, call: &Call) -> Option<Value> {
    let first = call.first().cloned().unwrap_or_default();
    let source = machine.note_order(&first, call.span);
    Some(machine.instance_of_builtin("bytes").with_source(source))
}
