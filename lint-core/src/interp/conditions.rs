//! Conditions: what is known of them before they run, and what they say of variables.

use smallvec::SmallVec;

use crate::knowledge::Role;
use crate::syntax::ast::{self, CmpOp, Expr};
use crate::syntax::span_of;

use super::{ClassId, ContainerKind, Machine, Mode, Mro, Obj, Sym, Value};

/// What is known of a condition before it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Truth {
    Always,
    Never,
    Unknown,
}

impl<'p> Machine<'p> {
    pub(super) fn truth(&mut self, test: &'p Expr, value: &Value) -> Truth {
        match test {
            Expr::Name(name) if name.id.as_str() == "TYPE_CHECKING" => return Truth::Never,
            Expr::Attribute(it) if it.attr.as_str() == "TYPE_CHECKING" => return Truth::Never,
            Expr::UnaryOp(it) if it.op == ast::UnaryOp::Not => {
                // The operand was evaluated already; its value decides through the `not`.
            }
            _ => {}
        }
        // The full graph keeps every branch: constants there are somebody's example values.
        if self.mode == Mode::Full || value.objs().is_empty() {
            return Truth::Unknown;
        }
        if value.is_truthy() {
            return Truth::Always;
        }
        if value.is_open() {
            return Truth::Unknown;
        }
        let mut all = None;
        for &obj in value.objs() {
            let Some(one) = self.is_true(obj) else {
                return Truth::Unknown;
            };
            if *all.get_or_insert(one) != one {
                return Truth::Unknown;
            }
        }
        match all {
            Some(true) => Truth::Always,
            Some(false) => Truth::Never,
            None => Truth::Unknown,
        }
    }

    /// Whether an object is true in a condition, if it is the same each time.
    fn is_true(&mut self, obj: Obj) -> Option<bool> {
        match obj {
            Obj::None => Some(false),
            Obj::Bool(value) => Some(value),
            Obj::Int(value) => Some(value != 0),
            Obj::Str(text) => Some(!self.str(text).is_empty()),
            Obj::Func(_) | Obj::Class(_) | Obj::Module(_) | Obj::Bound(_) => Some(true),
            Obj::ExternalInstance(ty) if is_always_true(self.names.name(ty)) => Some(true),
            Obj::External(name) if self.is_nonempty_text(name) => Some(true),
            Obj::External(name) if self.is_function(name) => Some(true),
            Obj::Instance(class, _) if !self.answers_for_truth(class) => Some(true),
            _ => None,
        }
    }

    /// Whether instances of a class may say themselves whether they are true.
    fn answers_for_truth(&mut self, class: ClassId) -> bool {
        let mro = self.mro(class);
        let is_plain = |entry: &Obj| match entry {
            Obj::Class(_) => true,
            Obj::External(base) => is_plain_base(self.str(*base)),
            _ => false,
        };
        let has_only_plain_bases = mro.iter().all(is_plain);
        let names = ["__bool__", "__len__", "__new__"];
        !has_only_plain_bases
            || self.owners(class).into_iter().any(|owner| {
                let is_made_otherwise = !self.is_plainly_defined(owner);
                is_made_otherwise && !self.is_data_class(owner)
                    || names.iter().any(|it| self.defines(owner, it))
            })
    }

    fn is_function(&self, name: Sym) -> bool {
        self.knowledge.is_called(self.str(name))
    }

    /// Whether an attribute outside the project is known to hold text.
    fn is_nonempty_text(&self, name: Sym) -> bool {
        let mut returns = self.knowledge.returns(self.str(name)).iter();
        returns.any(|it| it.when == crate::knowledge::When::Always && it.ty == NONEMPTY_TEXT)
    }

    /// What a comparison says whatever the values are, if that is known.
    pub(super) fn decided_comparison(
        &mut self,
        left: &Value,
        op: CmpOp,
        right: &Value,
    ) -> Option<bool> {
        if let Some(decided) = self.compare_constants(left, op, right) {
            return Some(decided);
        }
        let ([right], false, false) = (right.objs(), left.is_open(), right.is_open()) else {
            return None;
        };
        let is_equal = match op {
            CmpOp::Eq | CmpOp::Is => true,
            CmpOp::NotEq | CmpOp::IsNot => false,
            _ => return None,
        };
        let mut same = None;
        for &obj in left.objs() {
            let one = self.same_member(obj, *right)?;
            if *same.get_or_insert(one) != one {
                return None;
            }
        }
        same.map(|same| same == is_equal)
    }

    /// The result of comparing two values that are fully known.
    fn compare_constants(&self, left: &Value, op: CmpOp, right: &Value) -> Option<bool> {
        let is_equal = match op {
            CmpOp::Eq | CmpOp::Is => true,
            CmpOp::NotEq | CmpOp::IsNot => false,
            _ => return None,
        };
        let [right_obj] = *right.objs() else {
            return None;
        };
        if left.is_something() && !right.is_open() && right_obj == Obj::None {
            return Some(!is_equal);
        }
        if left.is_open() || right.is_open() {
            return None;
        }
        let mut same = None;
        for &obj in left.objs() {
            let one = match right_obj {
                Obj::None if self.is_something(obj) => false,
                _ if obj.is_constant() && right_obj.is_constant() => match op {
                    CmpOp::Eq | CmpOp::NotEq => as_number(obj) == as_number(right_obj),
                    _ => obj == right_obj,
                },
                _ => return None,
            };
            if *same.get_or_insert(one) != one {
                return None;
            }
        }
        same.map(|same| same == is_equal)
    }

    /// Whether an object is certainly not `None`.
    fn is_something(&self, obj: Obj) -> bool {
        match obj {
            Obj::Func(_)
            | Obj::Bound(_)
            | Obj::Class(_)
            | Obj::Instance(..)
            | Obj::Container(_)
            | Obj::Module(_)
            | Obj::ExternalInstance(_)
            | Obj::Keeper(_) => true,
            Obj::External(name) => self.is_function(name),
            _ => false,
        }
    }

    /// Restricts variables to what a condition says of them.
    pub(super) fn narrow(&mut self, test: &'p Expr, holds: bool) {
        match test {
            Expr::UnaryOp(it) if it.op == ast::UnaryOp::Not => self.narrow(&it.operand, !holds),
            Expr::BoolOp(it) if (it.op == ast::BoolOp::And) == holds => {
                for operand in &it.values {
                    self.narrow(operand, holds);
                }
            }
            Expr::Name(name) => {
                let sym = self.sym(name.id.as_str());
                if let Some(value) = self.frame.state.vars.get(&sym).cloned() {
                    let narrowed = if holds {
                        self.when_true(&value)
                    } else {
                        self.without(&value, true)
                    };
                    if !narrowed.objs().is_empty() {
                        self.frame.state.vars.insert(sym, narrowed);
                    }
                }
            }
            Expr::Compare(it) if it.ops.len() == 1 && is_length_of_one(it, holds) => {
                let counted = self.frame.calls.get(&span_of(&*it.left));
                let Some(counted) = counted.and_then(|call| call.tested.as_ref()) else {
                    return;
                };
                let sets = counted.objs().iter().filter_map(|obj| match obj {
                    Obj::Container(id) => Some(*id),
                    _ => None,
                });
                self.frame.state.single.extend(sets);
            }
            Expr::Compare(it) if it.ops.len() == 1 => {
                let is_none = match it.ops[0] {
                    CmpOp::Is | CmpOp::Eq => holds,
                    CmpOp::IsNot | CmpOp::NotEq => !holds,
                    _ => return,
                };
                if let (Expr::Name(name), Expr::NoneLiteral(_)) = (&*it.left, &it.comparators[0]) {
                    let sym = self.sym(name.id.as_str());
                    if let Some(value) = self.frame.state.vars.get_mut(&sym) {
                        let narrowed = value.filter(|obj| obj == Obj::None || !is_none);
                        let narrowed = narrowed.filter(|obj| obj != Obj::None || is_none);
                        if !narrowed.objs().is_empty() {
                            *value = match is_none {
                                true => narrowed,
                                false => narrowed.something(),
                            };
                        }
                    }
                }
            }
            Expr::Call(call) => {
                if let [Expr::Name(subject), _] = &*call.arguments.args
                    && let Some(called) = self.frame.calls.get(&span_of(call))
                    && let Some(classes) = called.tested.clone()
                {
                    self.narrow_to(subject, &classes, holds);
                }
            }
            _ => {}
        }
    }

    /// Whether the string that a value is made into has at least one character.
    pub(super) fn has_text(&self, value: &Value) -> bool {
        let always_shows = |obj: &Obj| match obj {
            Obj::None | Obj::Bool(_) | Obj::Int(_) => true,
            Obj::ExternalInstance(ty) => is_scalar(self.str(*ty)),
            _ => false,
        };
        let objs = value.objs();
        !objs.is_empty()
            && (value.is_truthy() && self.is_text(value)
                || !value.is_open() && objs.iter().all(always_shows))
    }

    pub(super) fn is_text(&self, value: &Value) -> bool {
        let is_text = |obj: &Obj| match obj {
            Obj::Str(_) => true,
            Obj::ExternalInstance(ty) => plain_type(self.str(*ty)) == "str",
            _ => false,
        };
        !value.objs().is_empty() && value.objs().iter().all(is_text)
    }

    /// Whether a value decides a condition by being there or not: it is `None` or always true.
    pub(super) fn asks_for_presence(&self, value: &Value) -> bool {
        let is_there = |obj: &Obj| match obj {
            Obj::None => true,
            Obj::ExternalInstance(ty) => is_always_true(self.str(*ty)),
            _ => false,
        };
        value.objs().iter().all(is_there)
    }

    /// Whether what a value is cannot change, so that a test of its truth holds from then on.
    fn is_immutable(&mut self, value: &Value) -> bool {
        let objs = value.objs().iter();
        let mut is_immutable = |obj: &Obj| match obj {
            Obj::ExternalInstance(ty) => {
                let ty = plain_type(self.str(*ty));
                matches!(ty, "str" | "bytes") || is_scalar(ty)
            }
            Obj::Instance(..) => self.is_true(*obj).is_some(),
            Obj::Func(_) | Obj::Class(_) | Obj::Bound(_) => true,
            _ => obj.is_constant(),
        };
        !value.objs().is_empty() && objs.copied().all(|obj| is_immutable(&obj))
    }

    /// What is left of a value where it is known to be true in a condition.
    pub(super) fn when_true(&mut self, value: &Value) -> Value {
        let kept = self.without(value, false);
        if self.is_immutable(&kept) {
            kept.truthy()
        } else {
            kept.something()
        }
    }

    /// The value without the objects that are certainly true, or false, in a condition.
    fn without(&mut self, value: &Value, truth: bool) -> Value {
        let objs: SmallVec<[Obj; 4]> = value
            .objs()
            .iter()
            .copied()
            .filter(|&obj| self.is_true(obj) == Some(truth))
            .collect();
        value.filter(|obj| !objs.contains(&obj))
    }

    // ---- instances ----

    /// `isinstance(value, classes)`, decided where it is the same for all that the value may be.
    /// A declared type may be a subclass, so of an open value only what it is counts.
    pub(super) fn instance_test(&mut self, value: &Value, classes: &Value) -> Value {
        let mut answer = None;
        for &obj in value.objs() {
            let one = self.is_instance(obj, classes);
            if one.is_none() || *answer.get_or_insert(one) != one {
                answer = None;
                break;
            }
        }
        match answer.flatten() {
            Some(is_one) if is_one || !value.is_open() => Value::of(Obj::Bool(is_one)),
            _ => self.instance_of_builtin("bool"),
        }
    }

    /// Restricts a variable to instances of the classes, or to what is none.
    pub(super) fn narrow_to(&mut self, subject: &ast::ExprName, classes: &Value, holds: bool) {
        let sym = self.sym(subject.id.as_str());
        let Some(value) = self.frame.state.vars.get(&sym).cloned() else {
            return;
        };
        let mut kept = Vec::new();
        for &obj in value.objs() {
            if (self.is_instance(obj, classes) == Some(true)) == holds {
                kept.push(obj);
            }
        }
        let fitting = value.filter(|obj| kept.contains(&obj));
        let narrowed = if holds && kept.is_empty() {
            self.instances_of(classes).tainted_by(&value)
        } else {
            fitting
        };
        let is_clear = !holds || !narrowed.is_vague();
        if is_clear && !narrowed.objs().is_empty() {
            self.frame.state.vars.insert(sym, narrowed);
        }
    }

    fn is_instance(&mut self, obj: Obj, classes: &Value) -> Option<bool> {
        let [wanted] = classes.objs() else {
            return None;
        };
        match *wanted {
            Obj::Class(wanted) => self.is_instance_of_class(obj, wanted),
            Obj::External(wanted) => self.is_instance_of_external(obj, wanted),
            Obj::Container(_) => {
                let alternatives = self.exact_elements(classes)?;
                let mut result = Some(false);
                for alternative in alternatives {
                    if matches!(alternative.objs(), [Obj::Container(_)]) {
                        return None;
                    }
                    match self.is_instance(obj, &alternative) {
                        Some(true) => return Some(true),
                        Some(false) => {}
                        None => result = None,
                    }
                }
                result
            }
            _ => None,
        }
    }

    fn is_instance_of_class(&mut self, obj: Obj, wanted: ClassId) -> Option<bool> {
        let wanted_mro = self.mro(wanted);
        let is_structural = self.is_structural(&wanted_mro) || self.metaclass(wanted).is_some();
        if let Obj::Instance(class, _) = obj {
            let mro = self.mro(class);
            if mro.contains(&Obj::Class(wanted)) {
                return Some(true);
            }
            let is_known = |entry: &Obj| matches!(entry, Obj::Class(_) | Obj::External(_));
            return (mro.iter().all(is_known) && !is_structural).then_some(false);
        }
        match obj {
            _ if is_structural => None,
            _ if obj.is_constant() => Some(false),
            Obj::Func(_) | Obj::Bound(_) | Obj::Module(_) => Some(false),
            // A subclass of `str` or of `dict` is an instance of that, too.
            Obj::ExternalInstance(_) | Obj::Container(_) => {
                let is_own = |entry: &Obj| match entry {
                    Obj::Class(_) => true,
                    Obj::External(base) => is_plain_base(self.str(*base)),
                    _ => false,
                };
                wanted_mro.iter().all(is_own).then_some(false)
            }
            _ => None,
        }
    }

    fn is_instance_of_external(&mut self, obj: Obj, wanted: Sym) -> Option<bool> {
        if let Obj::Instance(class, _) = obj {
            let mro = self.mro(class);
            let wanted = self.str(wanted);
            let mut is_plain = is_builtin_type(wanted);
            for entry in mro.iter() {
                match entry {
                    Obj::Class(_) => {}
                    Obj::External(base) if self.is_subtype(self.str(*base), wanted) => {
                        return Some(true);
                    }
                    Obj::External(base) => is_plain &= is_plain_base(self.str(*base)),
                    _ => return None,
                }
            }
            return is_plain.then_some(false);
        }
        let wanted = self.str(wanted);
        let ty = match obj {
            Obj::None => "NoneType",
            Obj::Bool(_) => "bool",
            Obj::Int(_) => "int",
            Obj::Str(_) => "str",
            Obj::ExternalInstance(ty) => plain_type(self.str(ty)),
            Obj::Func(_) | Obj::Bound(_) | Obj::Module(_) => "function",
            // An annotation such as `Sequence` does not tell the kinds apart.
            Obj::Container(id) => {
                let container = self.containers.get(id);
                let ty = match container.kind {
                    ContainerKind::Dict => "dict",
                    ContainerKind::Tuple => "tuple",
                    ContainerKind::List | ContainerKind::Set | ContainerKind::FrozenSet => "",
                };
                if container.ctx.is_some() && ty == wanted {
                    return Some(true);
                }
                let is_other = !matches!(wanted, "list" | "dict" | "tuple" | "set" | "frozenset");
                return (is_other && is_builtin_type(wanted)).then_some(false);
            }
            _ => return None,
        };
        if self.is_subtype(ty, wanted) {
            return Some(true);
        }
        let is_told = |ty: &str| is_builtin_type(ty) || matches!(ty, "NoneType" | "function");
        (is_told(ty) && is_builtin_type(wanted)).then_some(false)
    }

    fn is_subtype(&self, ty: &str, wanted: &str) -> bool {
        if ty == wanted || (ty, wanted) == ("bool", "int") {
            return true;
        }
        let mut pending: Vec<&str> = self.knowledge.bases(ty).collect();
        let mut seen = 0;
        while seen < pending.len() && seen < 32 {
            if pending[seen] == wanted {
                return true;
            }
            pending.extend(self.knowledge.bases(pending[seen]));
            seen += 1;
        }
        false
    }

    /// Whether instances of a class need not be derived from it: it may be a protocol or answer
    /// through its metaclass.
    fn is_structural(&self, mro: &Mro) -> bool {
        mro.iter().any(|entry| match entry {
            Obj::Class(_) => false,
            Obj::External(base) => {
                matches!(
                    self.str(*base),
                    "typing.Protocol" | "typing_extensions.Protocol"
                )
            }
            _ => true,
        })
    }

    /// Whether a value is the answer whether history is being replayed. What merely depends on the
    /// answer is not: code that comes after a check of it need not be a check itself.
    pub(super) fn asks_replay(&self, value: &Value) -> bool {
        let is_answer = |obj: &Obj| match obj {
            Obj::ExternalInstance(ty) => self.str(*ty) == crate::knowledge::REPLAY_FLAG,
            _ => false,
        };
        value.objs().iter().any(is_answer)
    }

    /// A truth value that says what another value says, or its opposite.
    pub(super) fn answer_from(&mut self, value: &Value) -> Value {
        self.instance_of_builtin(if self.asks_replay(value) {
            crate::knowledge::REPLAY_FLAG
        } else {
            "bool"
        })
    }

    /// The role of the SDK function that an expression called when it was evaluated last.
    pub(super) fn marker_of_call(&self, expression: &'p Expr) -> Option<Role> {
        let Expr::Call(call) = expression else {
            return None;
        };
        self.frame.calls.get(&span_of(call))?.role
    }
}

/// `True` equals one, and `False` nothing.
fn as_number(obj: Obj) -> Obj {
    match obj {
        Obj::Bool(value) => Obj::Int(value.into()),
        other => other,
    }
}

/// A type of the catalogue: `str` with at least one character.
pub(super) const NONEMPTY_TEXT: &str = "str#nonempty";

/// Types of single values, which are never empty as text.
fn is_scalar(ty: &str) -> bool {
    matches!(
        plain_type(ty),
        "int"
            | "float"
            | "bool"
            | "complex"
            | "decimal.Decimal"
            | "fractions.Fraction"
            | "datetime.time"
            | "datetime.timedelta"
    ) || is_always_true(ty)
}

/// Whether a comparison that ends like this says that there is no more than one: `len(x) == 1`.
fn is_length_of_one(it: &ast::ExprCompare, holds: bool) -> bool {
    let is_length = match &*it.left {
        Expr::Call(call) => {
            matches!(&*call.func, Expr::Name(name) if name.id.as_str() == "len")
                && matches!(&*call.arguments.args, [Expr::Name(_) | Expr::Attribute(_)])
        }
        _ => false,
    };
    let bound = match &it.comparators[0] {
        Expr::NumberLiteral(number) => match &number.value {
            ast::Number::Int(int) => int.as_i64(),
            _ => None,
        },
        _ => None,
    };
    is_length
        && match (it.ops[0], holds) {
            (CmpOp::Eq | CmpOp::LtE, true) | (CmpOp::NotEq | CmpOp::Gt, false) => bound == Some(1),
            (CmpOp::Lt, true) | (CmpOp::GtE, false) => bound == Some(2),
            _ => false,
        }
}

/// Types whose instances are always true: they define neither `__bool__` nor `__len__`.
fn is_always_true(ty: &str) -> bool {
    let ty = ty.split('#').next().unwrap_or(ty);
    matches!(
        ty,
        "uuid.UUID"
            | "datetime.datetime"
            | "datetime.date"
            | "pathlib.Path"
            | "random.Random"
            | "asyncio.AbstractEventLoop"
    )
}

/// Bases from outside that make no class an instance of a builtin type.
fn is_plain_base(base: &str) -> bool {
    matches!(
        base,
        "object" | "abc.ABC" | "typing.Generic" | "enum.Enum" | "pydantic.BaseModel"
    )
}

/// Builtin types none of which is derived from another, but for `bool`.
fn is_builtin_type(ty: &str) -> bool {
    matches!(
        ty,
        "str"
            | "bytes"
            | "int"
            | "float"
            | "bool"
            | "complex"
            | "list"
            | "dict"
            | "tuple"
            | "set"
            | "frozenset"
    )
}

/// A type without the refinement after `#`.
pub(super) fn plain_type(ty: &str) -> &str {
    ty.split('#').next().unwrap_or(ty)
}
