//! What compares elements with one another: a sort, and the least and the greatest.

use crate::diagnostic::Span;
use crate::interp::args::Args;
use crate::interp::{How, Machine, Obj, Value};

use super::Call;

pub(super) fn sorted(machine: &mut Machine, call: &Call) -> Option<Value> {
    let mut elements = Value::bottom();
    for argument in &call.args.positional {
        elements.join(&machine.iterate(&argument.value, argument.span, How::Iterate));
    }
    let mut size = machine.size_of_arguments(call.args);
    let keys = machine.compare_elements(&elements, call.args, call.span);
    elements = elements.tainted_by(&keys);
    let mut order = None;
    // Ties keep the order of the set. What a key of the project's own maps to is taken to tell the
    // elements apart; `len` and the like do not.
    if machine.has_coarse_key(call.args) {
        order = call
            .first()
            .and_then(|first| machine.note_order(first, call.span));
    } else {
        size = machine.settled(&size, call.span);
        elements = machine.settled(&elements, call.span);
    }
    let list = machine.list_of(&elements, call.span);
    Some(list.with_source(order).tainted_by(&size))
}

/// `min` and `max`.
pub(super) fn extreme(machine: &mut Machine, call: &Call) -> Option<Value> {
    let mut elements = Value::bottom();
    if let [single] = &call.args.positional[..] {
        elements = machine.iterate(&single.value, call.span, How::Iterate);
    } else {
        for argument in &call.args.positional {
            elements.join(&argument.value);
        }
    }
    let keys = machine.compare_elements(&elements, call.args, call.span);
    elements = elements.tainted_by(&keys);
    if elements.objs().is_empty() {
        elements = Value::unknown();
    }
    // The first of several that tie is taken; see `sorted`.
    if machine.has_coarse_key(call.args)
        && let [single] = &call.args.positional[..]
    {
        let order = machine.note_order(&single.value, call.span);
        return Some(elements.with_source(order).tainted_by(&call.taint));
    }
    let elements = elements.tainted_by(&call.taint);
    Some(machine.settled(&elements, call.span))
}

impl Machine<'_> {
    /// Runs what a sort asks of its elements: the comparison of their class, and `key`, whose
    /// results are returned.
    pub(super) fn compare_elements(&mut self, elements: &Value, args: &Args, span: Span) -> Value {
        let element = std::slice::from_ref(elements);
        self.call_method_if_project(elements, "__lt__", element, span, How::Operator);
        match self.sort_key(args) {
            Some(key) if !key.is_bottom() && key.objs() != [Obj::None] => {
                self.call_value(key, &Args::of(element), span, How::Callback)
            }
            _ => Value::bottom(),
        }
    }

    /// Whether the key of a sort maps different elements to equal ones as a matter of course.
    fn has_coarse_key(&mut self, args: &Args) -> bool {
        let Some(key) = self.sort_key(args) else {
            return false;
        };
        key.objs().iter().any(|obj| match obj {
            Obj::External(name) => matches!(
                self.str(*name),
                "len" | "abs" | "int" | "bool" | "type" | "str.lower" | "str.casefold"
            ),
            _ => false,
        })
    }

    fn sort_key<'a>(&mut self, args: &'a Args) -> Option<&'a Value> {
        let key = self.sym("key");
        args.keyword(key)
    }
}
