//! Operators and comparisons.

use crate::diagnostic::Span;
use crate::syntax::ast::{self, CmpOp, Expr, Operator};
use crate::syntax::span_of;

use super::conditions::Truth;
use super::order::{SEQUENCES, is_empty_literal};
use super::{ContainerKind, How, Key, Machine, Obj, SinkKind, Sym, Value};

impl<'p> Machine<'p> {
    pub(super) fn bool_op(&mut self, it: &'p ast::ExprBoolOp) -> Value {
        let mut result = Value::bottom();
        let outer = self.open_control();
        let before = self.frame.state.clone();
        let last = it.values.len() - 1;
        let (mut place, mut guards) = (None, 0);
        for (ix, operand) in it.values.iter().enumerate() {
            let value = self.evaluate(operand);
            place = place.or(value.place());
            if ix == last {
                result.join(&value);
                break;
            }
            let truth = self.truth(operand, &value);
            if truth == Truth::Unknown {
                let deciding = self.deciding(&value);
                self.decide(&deciding, SinkKind::Branch, span_of(operand));
            }
            let stops = match it.op {
                ast::BoolOp::And => truth == Truth::Never,
                ast::BoolOp::Or => truth == Truth::Always,
            };
            let passes = match it.op {
                ast::BoolOp::And => truth == Truth::Always,
                ast::BoolOp::Or => truth == Truth::Never,
            };
            if !passes {
                // `x or y` gives x only when it is true.
                result.join(&self.kept_operand(&value, it.op));
            }
            if stops {
                break;
            }
            self.narrow(operand, it.op == ast::BoolOp::And);
            let guard = u32::from(self.asks_replay(&value));
            self.guard(guard);
            guards += guard;
        }
        self.unguard(guards);
        self.close_control(outer);
        // Narrowing holds for the right operands only; the `if` around it narrows again.
        let vars: Vec<(Sym, Value)> = before
            .vars
            .iter()
            .map(|(name, value)| (*name, value.clone()))
            .collect();
        for (name, value) in vars {
            self.frame.state.vars.insert(name, value);
        }
        result.at_place(place)
    }

    /// What `x or y` gives of `x`: it does only where it is true; and the reverse.
    fn kept_operand(&mut self, value: &Value, op: ast::BoolOp) -> Value {
        let is_answer =
            |obj: &Obj| matches!(obj, Obj::ExternalInstance(ty) if self.str(*ty) == "bool");
        if !value.objs().is_empty() && value.objs().iter().all(is_answer) && !value.is_open() {
            let answer = Value::of(Obj::Bool(op == ast::BoolOp::Or));
            return answer.tainted_by(value).at_place(value.place());
        }
        match op {
            ast::BoolOp::Or => self.when_true(value),
            ast::BoolOp::And => value.clone(),
        }
    }

    pub(super) fn binary(
        &mut self,
        left: &Value,
        op: Operator,
        right: &Value,
        span: Span,
        in_place: bool,
    ) -> Value {
        let mut result = Value::bottom();
        if op == Operator::Mod && self.is_text(left) {
            let order = self.order_in_text(std::slice::from_ref(right), span);
            let text = self.instance_of_builtin("str").with_source(order);
            let values = self.deep_taint(right, span);
            return text.tainted_by(left).tainted_by(&values);
        }
        let names = operator_methods(op);
        if in_place {
            result.join(&self.call_method_if_project(
                left,
                names.2,
                std::slice::from_ref(right),
                span,
                How::Operator,
            ));
        }
        if result.is_bottom() {
            result.join(&self.call_method_if_project(
                left,
                names.0,
                std::slice::from_ref(right),
                span,
                How::Operator,
            ));
            result.join(&self.call_method_if_project(
                right,
                names.1,
                std::slice::from_ref(left),
                span,
                How::Operator,
            ));
        }
        for (operand, method) in [(left, names.0), (right, names.1)] {
            for &obj in operand.objs() {
                match obj {
                    Obj::ExternalInstance(ty) => {
                        if let Some(member) = self.member(ty, method) {
                            let returned = self.returned_type(member, None, span);
                            result.join(&returned);
                        }
                    }
                    Obj::Container(id) => {
                        // `a + b`, `a | b`: the result holds the elements of both.
                        let kind = if self.views.contains(&id) {
                            ContainerKind::Set
                        } else {
                            self.containers.get(id).kind
                        };
                        let joined = self.container(kind, span);
                        if kind == ContainerKind::Dict {
                            for source in [left, right] {
                                self.copy_entries(joined, source);
                            }
                        } else {
                            let elements =
                                self.all_elements(left).joined(&self.all_elements(right));
                            self.put(joined, Key::Any, &elements);
                        }
                        result.add(Obj::Container(joined));
                    }
                    Obj::Str(_) => {
                        let string = self.instance_of_builtin("str");
                        result.join(&string);
                    }
                    _ => {}
                }
            }
        }
        if op == Operator::BitOr && result.is_bottom() && is_type(left) && is_type(right) {
            // `A | B` is what `isinstance` takes for `(A, B)`.
            let union = self.container(ContainerKind::Tuple, span);
            self.put(union, Key::Int(0), left);
            self.put(union, Key::Int(1), right);
            return Value::of(Obj::Container(union));
        }
        if let ([Obj::Int(a)], [Obj::Int(b)]) = (left.objs(), right.objs()) {
            let computed = match op {
                Operator::Add => a.checked_add(*b),
                Operator::Sub => a.checked_sub(*b),
                Operator::Mult => a.checked_mul(*b),
                _ => None,
            };
            if let Some(int) = computed
                && !in_place
            {
                return Value::of(Obj::Int(int)).tainted_by(left).tainted_by(right);
            }
        }
        if let ([Obj::Str(a)], Operator::Add, [Obj::Str(b)]) = (left.objs(), op, right.objs())
            && !in_place
        {
            let text = format!("{}{}", self.str(*a), self.str(*b));
            if text.len() < 200 {
                let sym = self.sym(&text);
                let sum = Value::of(Obj::Str(sym)).tainted_by(left).tainted_by(right);
                return if text.is_empty() { sum } else { sum.truthy() };
            }
        }
        let has_text = op == Operator::Add
            && (self.is_text(left) && self.is_text(right))
            && (left.is_truthy() || right.is_truthy());
        if let (Some(left), Some(right)) = (self.number_type(left), self.number_type(right))
            && op != Operator::Pow
        {
            let is_int = (left, right) == ("int", "int") && op != Operator::Div;
            result = self.instance_of_builtin(if is_int { "int" } else { "float" });
        }
        if op == Operator::Add && has_text {
            match (left.objs(), right.objs()) {
                ([Obj::Str(before)], [Obj::ExternalInstance(_)]) => {
                    let before = self.str(*before).to_owned();
                    result = self.text_like(&before, "");
                }
                ([Obj::ExternalInstance(_)], [Obj::Str(after)]) => {
                    let after = self.str(*after).to_owned();
                    result = self.text_like("", &after);
                }
                _ => {}
            }
        }
        if result.is_bottom() {
            result = Value::unknown();
        }
        if has_text {
            result = result.truthy();
        }
        result.tainted_by(left).tainted_by(right)
    }

    /// `int` or `float`, for a value that is surely one of them.
    fn number_type(&self, value: &Value) -> Option<&'static str> {
        let mut found = None;
        for obj in value.objs() {
            let one = match obj {
                Obj::Int(_) | Obj::Bool(_) => "int",
                Obj::ExternalInstance(ty) => match self.str(*ty) {
                    "int" | "bool" => "int",
                    "float" => "float",
                    _ => return None,
                },
                _ => return None,
            };
            if found != Some("float") {
                found = Some(one);
            }
        }
        found
    }

    pub(super) fn compare(&mut self, it: &'p ast::ExprCompare) -> Value {
        let mut left = self.evaluate(&it.left);
        let compares_contents = it
            .ops
            .iter()
            .all(|op| matches!(op, CmpOp::Eq | CmpOp::NotEq));
        let first = left.clone();
        let mut taint = left.clone();
        if compares_contents && it.comparators.iter().any(is_empty_literal) {
            taint = self.deciding(&left);
        } else if compares_contents {
            taint = taint.tainted_by(&self.whole_taint(&left, span_of(&*it.left)));
        }
        let mut decided = None;
        for (op, comparator) in it.ops.iter().zip(&it.comparators) {
            let mut right = self.evaluate(comparator);
            let (receiver, argument, method) = match op {
                CmpOp::Eq => (&left, &right, "__eq__"),
                CmpOp::NotEq => (&left, &right, "__ne__"),
                CmpOp::Lt => (&left, &right, "__lt__"),
                CmpOp::LtE => (&left, &right, "__le__"),
                CmpOp::Gt => (&left, &right, "__gt__"),
                CmpOp::GtE => (&left, &right, "__ge__"),
                CmpOp::In | CmpOp::NotIn => (&right, &left, "__contains__"),
                CmpOp::Is | CmpOp::IsNot => (&left, &right, ""),
            };
            if matches!(op, CmpOp::In | CmpOp::NotIn)
                && right
                    .objs()
                    .iter()
                    .any(|obj| matches!(obj, Obj::Generator(_)))
            {
                self.iterate(&right, span_of(it), How::Iterate);
            }
            let mut answer = Value::bottom();
            if !method.is_empty() {
                answer = self.call_method_if_project(
                    receiver,
                    method,
                    std::slice::from_ref(argument),
                    span_of(it),
                    How::Operator,
                );
            }
            decided = if it.ops.len() == 1 {
                self.decided_comparison(&left, *op, &right)
            } else {
                None
            };
            if let [single] = *right.objs()
                && matches!(op, CmpOp::In | CmpOp::NotIn)
                && matches!(single, Obj::Instance(..))
            {
                let contents = self.contents_of(single, span_of(comparator));
                right = right.tainted_by(&contents).at_place(contents.place());
            }
            taint.add_taint(answer.taint());
            // Whether it is in there does not depend on the order.
            let is_contained = matches!(op, CmpOp::In | CmpOp::NotIn);
            if is_contained && self.are_containers(&right, SEQUENCES) {
                right = self.settled(&right, span_of(it));
            }
            taint.add_taint(right.taint());
            if compares_contents {
                taint = taint.tainted_by(&self.whole_taint(&right, span_of(comparator)));
            }
            left = right;
        }
        // Comparing identities and hashes of one process tells nothing of their values.
        if it
            .ops
            .iter()
            .all(|op| matches!(op, CmpOp::Eq | CmpOp::NotEq | CmpOp::In | CmpOp::NotIn))
        {
            taint = self.without_identity(&taint, span_of(it));
        }
        if matches!(&*it.comparators, [Expr::NoneLiteral(_)]) {
            taint = self.without_never_none(&taint);
        }
        // Sets are compared as such, whatever order they were made in.
        let sets = [&first, &left].map(|it| self.are_containers(it, &[ContainerKind::Set]));
        if sets == [true, true] {
            taint = self.settled(&taint, span_of(it));
        }
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
}

fn operator_methods(op: Operator) -> (&'static str, &'static str, &'static str) {
    match op {
        Operator::Add => ("__add__", "__radd__", "__iadd__"),
        Operator::Sub => ("__sub__", "__rsub__", "__isub__"),
        Operator::Mult => ("__mul__", "__rmul__", "__imul__"),
        Operator::MatMult => ("__matmul__", "__rmatmul__", "__imatmul__"),
        Operator::Div => ("__truediv__", "__rtruediv__", "__itruediv__"),
        Operator::Mod => ("__mod__", "__rmod__", "__imod__"),
        Operator::Pow => ("__pow__", "__rpow__", "__ipow__"),
        Operator::LShift => ("__lshift__", "__rlshift__", "__ilshift__"),
        Operator::RShift => ("__rshift__", "__rrshift__", "__irshift__"),
        Operator::BitOr => ("__or__", "__ror__", "__ior__"),
        Operator::BitXor => ("__xor__", "__rxor__", "__ixor__"),
        Operator::BitAnd => ("__and__", "__rand__", "__iand__"),
        Operator::FloorDiv => ("__floordiv__", "__rfloordiv__", "__ifloordiv__"),
    }
}

fn is_type(value: &Value) -> bool {
    matches!(value.objs(), [Obj::Class(_) | Obj::External(_)])
}
