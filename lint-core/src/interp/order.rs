//! Uses of sets, and of what was taken from them, in which no order shows.

use crate::diagnostic::Span;
use crate::syntax::ast::Expr;

use super::calls::{Args, Argument};
use super::{ContainerKind, Machine, Obj, SourceId, Value};

/// Calls that give the same in whatever order they see their arguments' elements.
fn shows_none(callee: &str) -> bool {
    matches!(
        callee,
        "isinstance"
            | "issubclass"
            | "str.startswith"
            | "str.endswith"
            | "bytes.startswith"
            | "bytes.endswith"
            | "math.prod"
            | "math.fsum"
            | "heapq.nlargest"
            | "heapq.nsmallest"
            | "statistics.median"
            | "statistics.multimode"
    )
}

/// The same for methods of sets, of what they are given.
fn compares_as_set(method: &str) -> bool {
    matches!(
        method,
        "update"
            | "union"
            | "difference"
            | "difference_update"
            | "intersection"
            | "intersection_update"
            | "symmetric_difference"
            | "symmetric_difference_update"
            | "issubset"
            | "issuperset"
            | "isdisjoint"
    )
}

/// `value.startswith(…)`, which text has, and what behaves like text.
fn tests_affix(callee: &Expr) -> bool {
    matches!(callee, Expr::Attribute(it) if matches!(it.attr.as_str(), "startswith" | "endswith"))
}

/// `[]`, `()` or `{}`: what is compared with it is asked whether it is empty.
pub(super) fn is_empty_literal(expression: &Expr) -> bool {
    match expression {
        Expr::List(it) => it.elts.is_empty(),
        Expr::Tuple(it) => it.elts.is_empty(),
        Expr::Dict(it) => it.items.is_empty(),
        _ => false,
    }
}

/// What has an order, and a size that its contents do not change.
pub(super) const SEQUENCES: &[ContainerKind] = &[
    ContainerKind::Dict,
    ContainerKind::List,
    ContainerKind::Tuple,
];

impl<'p> Machine<'p> {
    /// What `"%s" % values` and `"{}".format(…)` owe to the order of sets that they write out.
    pub(super) fn order_in_text(&mut self, values: &[Value], span: Span) -> Option<SourceId> {
        let mut order = None;
        for value in values {
            let parts = self.exact_elements(value);
            for part in parts.iter().flatten() {
                order = self.note_order(part, span).or(order);
            }
            order = self.note_order(value, span).or(order);
        }
        order
    }

    /// What a call owes to its arguments that gives as many elements as they have: their elements
    /// vary for themselves.
    pub(super) fn size_of_arguments(&mut self, args: &Args) -> Value {
        let mut taint = Value::bottom();
        for argument in &args.positional {
            let value = &argument.value;
            let own = if !value.objs().is_empty() && self.are_containers(value, SEQUENCES) {
                self.size_taint(value).tainted_by(value)
            } else {
                self.deep_taint(value, argument.span)
            };
            taint.add_taint(own.taint());
        }
        taint
    }

    /// Says of the elements of lists that what moves them around owes something to a value.
    pub(super) fn taint_elements(&mut self, lists: &Value, by: &Value) {
        if by.taint().is_empty() {
            return;
        }
        for obj in lists.objs().to_vec() {
            if let Obj::Container(id) = obj {
                let elements = self.all_elements(&Value::of(obj)).tainted_by(by);
                for (key, _) in self.entries(&Value::of(obj)) {
                    self.put(id, key, &elements);
                }
            }
        }
    }

    /// The arguments of a call as they are where they owe nothing to the order of sets, if none
    /// shows in what the callee does with them.
    pub(super) fn settled_arguments(
        &mut self,
        callee: &Value,
        written: &'p Expr,
        args: &Args,
    ) -> Option<Args> {
        let called = |obj: &Obj| match obj {
            Obj::Bound(id) => self.bounds.get(*id).0,
            obj => *obj,
        };
        let shows_none = |obj: &Obj| match &called(obj) {
            Obj::External(name) => shows_none(self.str(*name)),
            Obj::ContainerMethod(id, method) => {
                self.containers.get(*id).kind == ContainerKind::Set
                    && compares_as_set(self.str(*method))
            }
            Obj::Unknown | Obj::Made(_) => tests_affix(written),
            _ => false,
        };
        let has_key = args.keywords.iter().any(|(name, _)| name.is_some());
        if has_key || callee.objs().is_empty() || !callee.objs().iter().all(shows_none) {
            return None;
        }
        let positional = args.positional.iter().map(|argument| Argument {
            value: self.settled(&argument.value, argument.span),
            ..argument.clone()
        });
        Some(Args {
            positional: positional.collect(),
            ..args.clone()
        })
    }
}
