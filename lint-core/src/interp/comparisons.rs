//! Comparisons: what runs for them, and what their answers tell.

use crate::diagnostic::Span;
use crate::syntax::ast::{self, CmpOp, Expr};
use crate::syntax::span_of;

use super::order::{SEQUENCES, SETS, is_empty_literal};
use super::{ContainerKind, How, Machine, Obj, Value};

impl<'p> Machine<'p> {
    pub(super) fn compare(&mut self, it: &'p ast::ExprCompare) -> Value {
        let span = span_of(it);
        let first = self.evaluate(&it.left);
        let asks_contents = it.ops.iter().all(|op| asks_equality(*op));
        let mut taint = if !asks_contents {
            first.clone()
        } else if it.comparators.iter().any(is_empty_literal) {
            self.deciding(&first)
        } else {
            let whole = self.whole_taint(&first, span_of(&*it.left));
            first.clone().tainted_by(&whole)
        };
        let mut left = first.clone();
        let mut decided = None;
        for (&op, comparator) in it.ops.iter().zip(&it.comparators) {
            let right = self.evaluate(comparator);
            taint.add_taint(self.call_comparison(&left, op, &right, span).taint());
            if it.ops.len() == 1 {
                decided = self.decided_comparison(&left, op, &right);
                if asks_membership(op) && self.is_excluded(&left, &right, span_of(comparator)) {
                    decided = Some(op == CmpOp::NotIn);
                }
            }
            left = if asks_membership(op) {
                self.searched(right, span_of(comparator), span)
            } else {
                right
            };
            taint.add_taint(left.taint());
            if asks_contents {
                taint = taint.tainted_by(&self.whole_taint(&left, span_of(comparator)));
            }
        }
        let taint = self.told_by_comparison(it, taint, &first, &left);
        let value = match decided {
            Some(result) => Value::of(Obj::Bool(result)),
            None if matches!(&*it.comparators, [Expr::BooleanLiteral(_)]) => {
                self.answer_from(&first)
            }
            None => self.instance_of_builtin("bool"),
        };
        let place = match (&*it.ops, &*it.comparators) {
            ([CmpOp::In | CmpOp::NotIn], _) => left.place(),
            ([_], [Expr::NoneLiteral(_)]) => first.place(),
            _ => None,
        };
        value.tainted_by(&taint).at_place(place)
    }

    /// What the method of the project gives that a comparison calls.
    fn call_comparison(&mut self, left: &Value, op: CmpOp, right: &Value, span: Span) -> Value {
        let is_generator = |obj: &Obj| matches!(obj, Obj::Generator(_));
        if asks_membership(op) && right.objs().iter().any(is_generator) {
            self.iterate(right, span, How::Iterate);
        }
        let (receiver, argument, method) = match op {
            CmpOp::Eq => (left, right, "__eq__"),
            CmpOp::NotEq => (left, right, "__ne__"),
            CmpOp::Lt => (left, right, "__lt__"),
            CmpOp::LtE => (left, right, "__le__"),
            CmpOp::Gt => (left, right, "__gt__"),
            CmpOp::GtE => (left, right, "__ge__"),
            CmpOp::In | CmpOp::NotIn => (right, left, "__contains__"),
            CmpOp::Is | CmpOp::IsNot => return Value::bottom(),
        };
        let argument = std::slice::from_ref(argument);
        let mut result =
            self.call_method_if_project(receiver, method, argument, span, How::Operator);
        for ordering in self.other_orderings(receiver, method) {
            let other =
                self.call_method_if_project(receiver, ordering, argument, span, How::Operator);
            result.join(&other);
        }
        result
    }

    /// The comparisons of which `functools.total_ordering` makes the one that is asked for.
    fn other_orderings(&mut self, receiver: &Value, method: &str) -> Vec<&'static str> {
        const ORDERINGS: &[&str] = &["__lt__", "__le__", "__gt__", "__ge__"];
        let [Obj::Instance(class, _)] = *receiver.objs() else {
            return Vec::new();
        };
        if !ORDERINGS.contains(&method) || self.find_method(class, method).is_some() {
            return Vec::new();
        }
        let is_total = self.mro(class).iter().any(|entry| match entry {
            Obj::Class(owner) => self
                .class_marks(*owner)
                .iter()
                .any(|mark| self.str(mark.name) == "functools.total_ordering"),
            _ => false,
        });
        let mut others = ORDERINGS.to_vec();
        others.retain(|it| is_total && self.find_method(class, it).is_some());
        if is_total {
            others.push("__eq__");
        }
        others
    }

    /// Whether constants are none of those that a container of the process, or one that is written
    /// out, ever holds. What takes elements away changes nothing about that.
    fn is_excluded(&mut self, left: &Value, container: &Value, written: Span) -> bool {
        let are_constants = |value: &Value| {
            !value.objs().is_empty() && value.objs().iter().all(|obj| obj.is_constant())
        };
        if left.is_open() || container.is_open() || !are_constants(left) {
            return false;
        }
        let objs = container.objs().iter();
        objs.len() > 0
            && objs.copied().all(|obj| {
                let Obj::Container(id) = obj else {
                    return false;
                };
                let made = *self.containers.get(id);
                let lasts = made.shared || made.span == written;
                if !lasts || made.kind == ContainerKind::Dict {
                    return false;
                }
                let elements = self.all_elements(&Value::of(obj));
                let differs = |obj: &Obj| !left.objs().contains(obj);
                are_constants(&elements)
                    && !elements.is_open()
                    && elements.objs().iter().all(differs)
            })
    }

    /// What `in` looks through.
    fn searched(&mut self, mut container: Value, written: Span, span: Span) -> Value {
        if let [single @ Obj::Instance(..)] = *container.objs() {
            let contents = self.contents_of(single, written);
            container = container.tainted_by(&contents).at_place(contents.place());
        }
        for obj in container.objs().to_vec() {
            if let Obj::Container(id) = obj {
                let size = self.size_taint(&Value::of(obj));
                container = container.tainted_by(&self.read_contents(id, size, written));
            }
        }
        // Whether it is in there does not depend on the order.
        if self.are_containers(&container, SEQUENCES) {
            container = self.settled(&container, span);
        }
        container
    }

    /// What the answer of a comparison tells of what the operands are tainted by.
    fn told_by_comparison(
        &mut self,
        it: &ast::ExprCompare,
        mut taint: Value,
        first: &Value,
        last: &Value,
    ) -> Value {
        // Comparing identities and hashes of one process tells nothing of their values.
        if it
            .ops
            .iter()
            .all(|&op| asks_equality(op) || asks_membership(op))
        {
            taint = self.without_identity(&taint, span_of(it));
        }
        if matches!(&*it.comparators, [Expr::NoneLiteral(_)]) {
            taint = self.without_never_none(&taint);
        }
        // Sets are compared as such, whatever order they were made in.
        let sets = [first, last].map(|it| self.are_containers(it, SETS));
        if sets == [true, true] {
            taint = self.settled(&taint, span_of(it));
        }
        taint
    }
}

fn asks_equality(op: CmpOp) -> bool {
    matches!(op, CmpOp::Eq | CmpOp::NotEq)
}

fn asks_membership(op: CmpOp) -> bool {
    matches!(op, CmpOp::In | CmpOp::NotIn)
}
