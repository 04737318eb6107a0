//! Operators and comparisons.

use crate::diagnostic::Span;
use crate::syntax::ast::{self, Expr, Operator};
use crate::syntax::span_of;

use super::conditions::Truth;
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
            self.call_truth(&value, span_of(operand));
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

    pub(super) fn unary(&mut self, it: &'p ast::ExprUnaryOp) -> Value {
        let operand = self.evaluate(&it.operand);
        let span = span_of(it);
        let method = match it.op {
            ast::UnaryOp::Not => return self.negated(&it.operand, &operand, span),
            ast::UnaryOp::USub => "__neg__",
            ast::UnaryOp::UAdd => "__pos__",
            ast::UnaryOp::Invert => "__invert__",
        };
        if let (ast::UnaryOp::USub, [Obj::Int(int)]) = (it.op, operand.objs()) {
            return Value::of(Obj::Int(int.wrapping_neg())).tainted_by(&operand);
        }
        let special = self.call_special(&operand, method, span, How::Operator);
        operand.joined(&special)
    }

    /// Runs what is asked whether a value is true: `__bool__`, or `__len__` in its absence.
    pub(super) fn call_truth(&mut self, value: &Value, span: Span) {
        for obj in value.objs().to_vec() {
            let Obj::Instance(class, _) = obj else {
                continue;
            };
            let method = match self.find_method(class, "__bool__") {
                Some(_) => "__bool__",
                None => "__len__",
            };
            self.call_special(&Value::of(obj), method, span, How::Operator);
        }
    }

    /// `not operand`
    fn negated(&mut self, written: &'p Expr, operand: &Value, span: Span) -> Value {
        self.call_truth(operand, span);
        let value = match self.truth(written, operand) {
            Truth::Always => Value::of(Obj::Bool(false)),
            Truth::Never => Value::of(Obj::Bool(true)),
            Truth::Unknown => self.answer_from(operand),
        };
        value.tainted_by(operand).at_place(operand.place())
    }

    pub(super) fn binary(
        &mut self,
        left: &Value,
        op: Operator,
        right: &Value,
        span: Span,
        in_place: bool,
    ) -> Value {
        if op == Operator::Mod && self.is_text(left) {
            self.call_strings_within(right, span);
            let order = self.order_in_text(std::slice::from_ref(right), span);
            let text = self.instance_of_builtin("str").with_source(order);
            let values = self.deep_taint(right, span);
            return text.tainted_by(left).tainted_by(&values);
        }
        let names = operator_methods(op);
        let mut result = self.call_operator(left, names, right, span, in_place);
        for (operand, method) in [(left, names.0), (right, names.1)] {
            for &obj in operand.objs() {
                result.join(&self.operand_gives(obj, method, span));
            }
        }
        for kind in self.kinds_of_containers(left, right) {
            result.join(&self.united_containers(kind, left, right, span));
        }
        if op == Operator::BitOr && result.is_bottom() && is_type(left) && is_type(right) {
            // `A | B` is what `isinstance` takes for `(A, B)`.
            let union = self.container(ContainerKind::Tuple, span);
            self.put(union, Key::Int(0), left);
            self.put(union, Key::Int(1), right);
            return Value::of(Obj::Container(union));
        }
        if !in_place && let Some(constant) = self.computed(left, op, right) {
            return constant.tainted_by(left).tainted_by(right);
        }
        let has_text = op == Operator::Add
            && (self.is_text(left) && self.is_text(right))
            && (left.is_truthy() || right.is_truthy());
        if let Some(number) = self.number_from(left, op, right) {
            result = number;
        } else if has_text && let Some(text) = self.text_from(left, right) {
            result = text;
        }
        if result.is_bottom() {
            result = Value::unknown();
        }
        if has_text {
            result = result.truthy();
        }
        result.tainted_by(left).tainted_by(right)
    }

    /// What the methods of the project give that an operator calls.
    fn call_operator(
        &mut self,
        left: &Value,
        (method, reflected, in_place_method): OperatorMethods,
        right: &Value,
        span: Span,
        in_place: bool,
    ) -> Value {
        let mut call = |object: &Value, method: &str, operand: &Value| {
            let operand = std::slice::from_ref(operand);
            self.call_method_if_project(object, method, operand, span, How::Operator)
        };
        if in_place {
            let result = call(left, in_place_method, right);
            if !result.is_bottom() {
                return result;
            }
        }
        let result = call(left, method, right);
        result.joined(&call(right, reflected, left))
    }

    /// What an operator gives because of one object of one of its operands, which is no container.
    fn operand_gives(&mut self, obj: Obj, method: &str, span: Span) -> Value {
        match obj {
            Obj::ExternalInstance(ty) => match self.member(ty, method) {
                Some(member) => self.returned_type(member, None, span),
                None => Value::bottom(),
            },
            // An attribute such as `path.parent` stands for an instance.
            Obj::External(name) if method == "__truediv__" => {
                let typed = self.returned_type(name, None, span);
                let objs = typed.objs().to_vec();
                let is_typed = |obj: &Obj| matches!(obj, Obj::ExternalInstance(_));
                objs.into_iter()
                    .filter(is_typed)
                    .fold(Value::bottom(), |gives, obj| {
                        gives.joined(&self.operand_gives(obj, method, span))
                    })
            }
            Obj::Str(_) => self.instance_of_builtin("str"),
            _ => Value::bottom(),
        }
    }

    /// Which kinds of containers an operator may give, each once: however many the operands may be,
    /// there is one result of each. The left operand decides between a set and a frozen one.
    fn kinds_of_containers(&self, left: &Value, right: &Value) -> Vec<ContainerKind> {
        let mut kinds: Vec<ContainerKind> = Vec::new();
        for &obj in left.objs().iter().chain(right.objs()) {
            let Obj::Container(id) = obj else { continue };
            let kind = if self.views.contains(&id) {
                ContainerKind::Set
            } else {
                self.containers.get(id).kind
            };
            let is_decided = kind.is_set() && !left.objs().contains(&obj) && !kinds.is_empty();
            if !is_decided && !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        kinds
    }

    /// `a + b`, `a | b`: the result holds the elements of both.
    fn united_containers(
        &mut self,
        kind: ContainerKind,
        left: &Value,
        right: &Value,
        span: Span,
    ) -> Value {
        let joined = self.container(kind, span);
        if kind == ContainerKind::Dict {
            self.fill_mapping(joined, left, span);
            self.fill_mapping(joined, right, span);
        } else {
            let elements = self.all_elements(left).joined(&self.all_elements(right));
            self.put(joined, Key::Any, &elements);
        }
        Value::of(Obj::Container(joined))
    }

    /// The result for operands that stand in the code.
    fn computed(&mut self, left: &Value, op: Operator, right: &Value) -> Option<Value> {
        const MAX_TEXT: usize = 200;
        match (left.objs(), right.objs()) {
            ([Obj::Int(a)], [Obj::Int(b)]) => {
                let int = match op {
                    Operator::Add => a.checked_add(*b),
                    Operator::Sub => a.checked_sub(*b),
                    Operator::Mult => a.checked_mul(*b),
                    _ => None,
                };
                Some(Value::of(Obj::Int(int?)))
            }
            ([Obj::Str(a)], [Obj::Str(b)]) if op == Operator::Add => {
                let text = format!("{}{}", self.str(*a), self.str(*b));
                (text.len() < MAX_TEXT).then(|| self.text(&text))
            }
            _ => None,
        }
    }

    fn number_from(&mut self, left: &Value, op: Operator, right: &Value) -> Option<Value> {
        let (left, right) = (self.number_type(left)?, self.number_type(right)?);
        let is_int = (left, right) == ("int", "int") && op != Operator::Div;
        let ty = if is_int { "int" } else { "float" };
        (op != Operator::Pow).then(|| self.instance_of_builtin(ty))
    }

    /// Text that begins or ends with what stands in the code.
    fn text_from(&mut self, left: &Value, right: &Value) -> Option<Value> {
        let (before, after) = match (left.objs(), right.objs()) {
            ([Obj::Str(before)], [Obj::ExternalInstance(_)]) => (self.str(*before), ""),
            ([Obj::ExternalInstance(_)], [Obj::Str(after)]) => ("", self.str(*after)),
            _ => return None,
        };
        let (before, after) = (before.to_owned(), after.to_owned());
        Some(self.text_like(&before, &after))
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
}

/// The method of the left operand, that of the right one, and the one that changes the left one.
type OperatorMethods = (&'static str, &'static str, &'static str);

fn operator_methods(op: Operator) -> OperatorMethods {
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
