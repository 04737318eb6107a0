//! Evaluating expressions.

use crate::diagnostic::{FileId, Span};
use crate::facts::Elements;
use crate::index::MODULE_BODY;
use crate::knowledge::{Access, Role};
use crate::syntax::ast::{self, CmpOp, Expr, Number, Operator};
use crate::syntax::span_of;

use super::builtins::is_builtin;
use super::calls::Args;
use super::conditions::{Truth, compare_constants};
use super::order::{SEQUENCES, is_empty_literal};
use super::{
    CellKey, Code, ContainerKind, CtxId, EventKind, FuncId, FuncRef, How, Key, Kinds, Machine,
    Mode, Obj, SinkKind, SourceId, Sym, Value,
};

impl<'p> Machine<'p> {
    pub(super) fn evaluate(&mut self, expression: &'p Expr) -> Value {
        if self.is_out_of_steps() {
            return Value::bottom();
        }
        self.steps += 1;
        self.nesting += 1;
        let value = self.evaluate_one(expression);
        self.nesting -= 1;
        value
    }

    fn evaluate_one(&mut self, expression: &'p Expr) -> Value {
        match expression {
            Expr::Name(name) => {
                let value = self.name(name.id.as_str(), span_of(name));
                self.read_by_name(value, span_of(name))
            }
            Expr::Attribute(it) => {
                let object = self.evaluate(&it.value);
                self.attribute(&object, it.attr.as_str(), span_of(it))
            }
            Expr::Call(it) => self.call(it),
            Expr::Await(it) => {
                let edges = self.frame.out.edges.len();
                let value = self.evaluate(&it.value);
                let awaited = self.call_special(&value, "__await__", span_of(it), How::Operator);
                if self.frame.out.edges.len() == edges {
                    // What is awaited is not a call of the project, which would speak for itself.
                    self.note_command();
                }
                self.awaited(&value).joined(&awaited.without_taint())
            }
            Expr::StringLiteral(it) => {
                let text = it.value.to_str();
                let value = Value::of(Obj::Str(self.sym(text)));
                if text.is_empty() {
                    value
                } else {
                    value.truthy()
                }
            }
            Expr::NumberLiteral(it) => match &it.value {
                Number::Int(int) => match int.as_i64() {
                    Some(int) => Value::of(Obj::Int(int)),
                    None => self.instance_of_builtin("int"),
                },
                _ => self.instance_of_builtin("float"),
            },
            Expr::BooleanLiteral(it) => Value::of(Obj::Bool(it.value)),
            Expr::NoneLiteral(_) => Value::of(Obj::None),
            Expr::EllipsisLiteral(_) => Value::unknown(),
            Expr::BytesLiteral(_) => self.instance_of_builtin("bytes"),
            Expr::FString(it) => self.interpolated(it.value.elements()),
            Expr::TString(it) => self.interpolated(it.value.elements()),
            Expr::BoolOp(it) => self.bool_op(it),
            Expr::Named(it) => {
                let value = self.evaluate(&it.value);
                self.assign(&it.target, &value, Some(&it.value));
                value
            }
            Expr::BinOp(it) => {
                let left = self.evaluate(&it.left);
                let right = self.evaluate(&it.right);
                self.binary(&left, it.op, &right, span_of(it), false)
            }
            Expr::UnaryOp(it) => {
                let operand = self.evaluate(&it.operand);
                match it.op {
                    ast::UnaryOp::Not => {
                        self.call_special(&operand, "__bool__", span_of(it), How::Operator);
                        let value = match self.truth(&it.operand, &operand) {
                            Truth::Always => Value::of(Obj::Bool(false)),
                            Truth::Never => Value::of(Obj::Bool(true)),
                            Truth::Unknown => self.answer_from(&operand),
                        };
                        value.tainted_by(&operand).at_place(operand.place())
                    }
                    ast::UnaryOp::USub => {
                        if let [Obj::Int(int)] = operand.objs() {
                            return Value::of(Obj::Int(int.wrapping_neg())).tainted_by(&operand);
                        }
                        let special =
                            self.call_special(&operand, "__neg__", span_of(it), How::Operator);
                        operand.joined(&special)
                    }
                    _ => {
                        let method = if it.op == ast::UnaryOp::Invert {
                            "__invert__"
                        } else {
                            "__pos__"
                        };
                        let special =
                            self.call_special(&operand, method, span_of(it), How::Operator);
                        operand.joined(&special)
                    }
                }
            }
            Expr::Lambda(it) => self.lambda(it),
            Expr::If(it) => self.conditional(it),
            Expr::Dict(it) => self.dict(it),
            Expr::Set(it) => {
                let id = self.container(ContainerKind::Set, span_of(it));
                self.fill(id, &it.elts, true)
            }
            Expr::List(it) => {
                let id = self.container(ContainerKind::List, span_of(it));
                self.fill(id, &it.elts, false)
            }
            Expr::Tuple(it) => {
                let id = self.container(ContainerKind::Tuple, span_of(it));
                self.fill(id, &it.elts, false)
            }
            Expr::ListComp(it) => self.comprehension(
                ContainerKind::List,
                span_of(it),
                &it.generators,
                None,
                &it.elt,
            ),
            Expr::SetComp(it) => self.comprehension(
                ContainerKind::Set,
                span_of(it),
                &it.generators,
                None,
                &it.elt,
            ),
            Expr::Generator(it) => self.comprehension(
                ContainerKind::List,
                span_of(it),
                &it.generators,
                None,
                &it.elt,
            ),
            Expr::DictComp(it) => self.comprehension(
                ContainerKind::Dict,
                span_of(it),
                &it.generators,
                it.key.as_deref(),
                &it.value,
            ),
            Expr::Yield(it) => {
                if let Some(value) = &it.value {
                    let value = self.evaluate(value);
                    let value = self.under_control(&value);
                    self.frame.yielded.join(&value);
                }
                Value::unknown()
            }
            Expr::YieldFrom(it) => {
                let inner = self.evaluate(&it.value);
                let elements = self.iterate(&inner, span_of(it), How::Iterate);
                let elements = self.under_control(&elements);
                self.frame.yielded.join(&elements);
                let mut result = Value::bottom();
                for obj in inner.objs().to_vec() {
                    if let Obj::Generator(ctx) = obj {
                        result.join(&self.read(CellKey::Return(ctx)));
                    }
                }
                result.opened()
            }
            Expr::Compare(it) => self.compare(it),
            Expr::Subscript(it) => {
                let object = self.evaluate(&it.value);
                if let Expr::Slice(slice) = &*it.slice
                    && let Some(part) = self.exact_slice(&object, slice, span_of(it))
                {
                    return part.tainted_by(&object);
                }
                let key = self.evaluate(&it.slice);
                self.subscript(&object, &key, span_of(it))
            }
            Expr::Slice(it) => {
                let mut taint = Value::bottom();
                for part in [&it.lower, &it.upper, &it.step].into_iter().flatten() {
                    let value = self.evaluate(part);
                    taint.add_taint(value.taint());
                }
                Value::unknown().tainted_by(&taint)
            }
            Expr::Starred(it) => self.evaluate(&it.value),
            Expr::IpyEscapeCommand(_) => Value::unknown(),
        }
    }

    pub(super) fn instance_of_builtin(&mut self, name: &str) -> Value {
        let sym = self.sym(name);
        Value::of(Obj::ExternalInstance(sym))
    }

    // ---- names ----

    fn name(&mut self, name: &str, span: Span) -> Value {
        let sym = self.sym(name);
        if let Some((_, scope)) = self.frame.classes.last()
            && let Some(value) = scope.get(&sym)
        {
            return value.clone();
        }
        let function = self.frame.function;
        let is_module =
            matches!(self.ctx(self.frame.ctx).code, Code::Fields { .. }) || self.in_module_body();
        if !is_module && !function.globals.contains(name) {
            if function.nonlocals.contains(name) {
                return self.captured(sym, span).unwrap_or_else(Value::unknown);
            }
            if let Some(value) = self.frame.state.vars.get(&sym) {
                let value = value.clone();
                if function.rebound.contains(name) {
                    let cell = self.read(CellKey::Local(self.frame.ctx, sym));
                    return value.joined(&cell);
                }
                return value;
            }
            if function.locals.contains(name) {
                return Value::bottom();
            }
            if let Some(value) = self.captured(sym, span) {
                return value;
            }
        } else if let Some(value) = self.frame.state.vars.get(&sym) {
            return value.clone();
        }
        self.global(sym, name, span)
    }

    /// The context whose local of this name the running function sees, if any.
    pub(super) fn enclosing_owner(&self, name: Sym) -> Option<CtxId> {
        let mut ctx = self.frame.ctx;
        loop {
            let Code::Function(it) = &self.ctx(ctx).code else {
                return None;
            };
            if it.func.ix == MODULE_BODY {
                return None;
            }
            let outer = it.closure;
            let Code::Function(outer_ref) = &self.ctx(outer).code else {
                return None;
            };
            if outer_ref.func.ix == MODULE_BODY || outer == ctx {
                return None;
            }
            let function = self.function(outer_ref.func)?;
            let text = self.str(name);
            if function.locals.contains(text) && !function.nonlocals.contains(text) {
                return Some(outer);
            }
            ctx = outer;
        }
    }

    fn captured(&mut self, name: Sym, span: Span) -> Option<Value> {
        let owner = self.enclosing_owner(name)?;
        let value = self.read(CellKey::Local(owner, name));
        Some(match self.captured_place(owner, name) {
            Some(_) if value.objs().iter().any(|obj| obj.is_callable()) => {
                self.read_shared(value, name, span)
            }
            Some(place) => {
                let value = self.as_shared(value, place);
                self.read_shared(value, name, span)
            }
            None => value,
        })
    }

    /// The place of a local that runs share, since the function around was called at import.
    pub(super) fn captured_place(&mut self, owner: CtxId, name: Sym) -> Option<SourceId> {
        if !self.ctx(owner).at_import || self.at_import() {
            return None;
        }
        let Code::Function(it) = &self.ctx(owner).code else {
            return None;
        };
        let func = it.func;
        let span = self.function(func)?.node.name_span();
        Some(self.shared_place(func.file, span, name))
    }

    fn global(&mut self, sym: Sym, name: &str, span: Span) -> Value {
        if self.names.name(sym) == "__name__" {
            return self.module_dunder_name();
        }
        let file = self.frame.file;
        let defined = self
            .frame
            .module
            .index()
            .function(MODULE_BODY)
            .locals
            .contains(name);
        let value = self.read(CellKey::Global(file, sym));
        if defined || !value.is_bottom() {
            return self.read_global(file, sym, value, span);
        }
        if is_builtin(name) {
            let external = self.external(name);
            return self.load_external(external, span, true);
        }
        Value::unknown()
    }

    /// Reading a module-level value. A function that sets it may be what the start of the worker
    /// calls; if workflows call it themselves, its store speaks for itself.
    pub(super) fn read_global(
        &mut self,
        file: FileId,
        name: Sym,
        value: Value,
        span: Span,
    ) -> Value {
        let place = self.shared_place(file, Span::default(), name);
        let value = self.as_shared(value, place);
        let Some(setter) = self.setter_of(file, name) else {
            return self.read_shared(value, name, span);
        };
        let Some(function) = self.function(setter) else {
            return value;
        };
        let source = super::Source {
            ctx_file: file,
            span: function.node.name_span(),
            name,
            class: crate::knowledge::STARTUP,
            at_import: true,
            sandbox: crate::knowledge::Sandbox::Allows,
            note: "",
        };
        let source = self.source_id(source);
        self.read_shared(value.opened().with_source(Some(source)), name, span)
    }

    /// The place of state that runs may share, which stands for the values that runs leave there.
    pub(super) fn shared_place(&mut self, file: FileId, span: Span, name: Sym) -> SourceId {
        self.source_id(super::Source {
            ctx_file: file,
            span,
            name,
            class: crate::knowledge::SHARED,
            at_import: false,
            sandbox: crate::knowledge::Sandbox::Allows,
            note: "",
        })
    }

    /// A value as it is found in shared state: an instance that a run left there is one of the
    /// process from then on.
    pub(super) fn as_shared(&mut self, value: Value, place: SourceId) -> Value {
        if self.at_import() || self.mode == Mode::Full {
            return value;
        }
        let mut result = value.clone();
        let is_run_made = |this: &Self, obj: &Obj| matches!(obj, Obj::Instance(_, variant) if !this.is_made_at_import(*variant));
        if value.objs().iter().any(|obj| is_run_made(self, obj)) {
            result = value.filter(|_| false);
            for &obj in value.objs() {
                result.add(match obj {
                    Obj::Instance(class, variant)
                        if !self.is_made_at_import(variant) && !self.is_enum(class) =>
                    {
                        Obj::Instance(class, self.shared_variant(class))
                    }
                    other => other,
                });
            }
        }
        result.at_place(Some(place))
    }

    /// A function that sets a global, as far as no code calls it that was seen until now.
    fn setter_of(&mut self, file: FileId, name: Sym) -> Option<FuncId> {
        if self.at_import() || self.mode == Mode::Full {
            return None;
        }
        let setter = match self.setters.get(&(file, name)) {
            Some(&setter) => setter,
            None => {
                let text = self.str(name);
                let mut functions = self.project.module(file)?.index().functions.iter();
                let ix = functions.position(|it| it.globals.contains(text));
                let setter = ix.map(|ix| FuncId {
                    file,
                    ix: ix as u32,
                });
                self.setters.insert((file, name), setter);
                setter
            }
        };
        setter.filter(|&setter| !self.has_context(setter))
    }

    /// Reading a module-level value whose origin varies from one worker to the next.
    pub(super) fn read_shared(&mut self, value: Value, name: Sym, span: Span) -> Value {
        if self.at_import() || self.frame.vouched > 0 || self.is_handle(&value) {
            return value;
        }
        if !self.frame.state.dead {
            let varying = value.taint().iter();
            let varying = varying.map(|&origin| (span, name, origin));
            self.frame.out.imported.extend(varying);
        }
        value
    }

    /// Whether a value is something to act with, such as a client or a logger: using it is what
    /// matters, and not what it was made of.
    fn is_handle(&self, value: &Value) -> bool {
        let acts = |obj: &Obj| match obj {
            Obj::ExternalInstance(ty) => {
                let ty = self.str(*ty);
                self.knowledge.is_log(&format!("{ty}.info"))
                    || self.knowledge.has_members(ty)
                        && !ty.starts_with("datetime.")
                        && ty != "random.Random"
            }
            Obj::Keeper(_) => true,
            _ => false,
        };
        value.objs().iter().any(acts)
    }

    /// Loads a name from outside the project; reading it may itself be a hazard. An `import` binds
    /// the name without using it.
    pub(super) fn load_external(&mut self, obj: Obj, span: Span, used: bool) -> Value {
        let Obj::External(sym) = obj else {
            return Value::of(obj);
        };
        if !used {
            return Value::of(obj);
        }
        let source = self.read_hazard(sym, span);
        Value::of(obj).with_source(source)
    }

    /// The hazard of merely reading a name, such as `os.environ`.
    pub(super) fn read_hazard(&mut self, sym: Sym, span: Span) -> Option<SourceId> {
        let name = self.names.name(sym);
        if self.knowledge.user_class(name).is_some() {
            return None;
        }
        let api = self
            .knowledge
            .apis(name)
            .iter()
            .find(|api| api.access == Access::Read)?;
        if api.class == crate::knowledge::SAFE {
            return None;
        }
        self.hazard(sym, api.class, api.sandbox, api.note, span)
    }

    /// `from os import environ` makes a plain name of what is a hazard to read. A variable that
    /// holds the value carries its taint instead, and was reported where it was filled.
    fn read_by_name(&mut self, value: Value, span: Span) -> Value {
        let [Obj::External(name)] = value.objs() else {
            return value;
        };
        if !value.taint().is_empty() || !self.str(*name).contains('.') {
            return value;
        }
        let source = self.read_hazard(*name, span);
        value.with_source(source)
    }

    // ---- operators ----

    fn interpolated(
        &mut self,
        elements: impl Iterator<Item = &'p ast::InterpolatedStringElement>,
    ) -> Value {
        let mut taint = Value::bottom();
        let mut has_text = false;
        let (mut before, mut after, mut is_open) = (String::new(), String::new(), false);
        for element in elements {
            if let ast::InterpolatedStringElement::Literal(it) = element {
                has_text |= !it.value.is_empty();
                after.push_str(&it.value);
                if !is_open {
                    before.push_str(&it.value);
                }
            }
            if let ast::InterpolatedStringElement::Interpolation(it) = element {
                let value = self.evaluate(&it.expression);
                self.call_special(&value, "__format__", span_of(it), How::Operator);
                self.call_string(&value, span_of(it));
                let source = self.note_order(&value, span_of(&*it.expression));
                taint = taint.with_source(source);
                taint.add_taint(self.whole_taint(&value, span_of(it)).taint());
                has_text |= it.format_spec.is_none() && self.has_text(&value);
                is_open = true;
                after.clear();
                if let Some(spec) = &it.format_spec {
                    let spec = self.interpolated(spec.elements.iter());
                    taint.add_taint(spec.taint());
                }
            }
        }
        let text = self.text_like(&before, &after).tainted_by(&taint);
        if has_text { text.truthy() } else { text }
    }

    /// Text of which the beginning and the end are known. Parts of names are kept, for `getattr`.
    fn text_like(&mut self, before: &str, after: &str) -> Value {
        let is_name = |c: char| c.is_alphanumeric() || c == '_';
        let is_part = before.len() + after.len() > 0
            && before.len() + after.len() < 60
            && before.chars().chain(after.chars()).all(is_name);
        if is_part {
            self.instance_of_builtin(&format!("str#{before}*{after}"))
        } else {
            self.instance_of_builtin("str")
        }
    }

    /// `str(x)` and f-strings run `__str__`, or `__repr__` in its absence.
    pub(super) fn call_string(&mut self, value: &Value, span: Span) {
        let string = self.call_special(value, "__str__", span, How::Operator);
        if string.is_bottom() {
            self.call_special(value, "__repr__", span, How::Operator);
        }
    }

    fn bool_op(&mut self, it: &'p ast::ExprBoolOp) -> Value {
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
                let kept = match it.op {
                    ast::BoolOp::Or => self.when_true(&value),
                    ast::BoolOp::And => value.clone(),
                };
                result.join(&kept);
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
                        let elements = self.all_elements(left).joined(&self.all_elements(right));
                        self.put(joined, Key::Any, &elements);
                        if kind == ContainerKind::Dict {
                            for source in [left, right] {
                                self.copy_entries(joined, source);
                            }
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

    fn compare(&mut self, it: &'p ast::ExprCompare) -> Value {
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
                compare_constants(&left, *op, &right)
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

    pub(super) fn are_containers(&self, value: &Value, kinds: &[ContainerKind]) -> bool {
        value.objs().iter().all(|obj| match obj {
            Obj::Container(id) => kinds.contains(&self.containers.get(*id).kind),
            _ => false,
        })
    }

    /// The value without what it owes to the order of sets, which is used in a way that shows none.
    pub(super) fn settled(&mut self, value: &Value, span: Span) -> Value {
        let order = self.only_order(value);
        self.record_sink(&order, SinkKind::Settled, span);
        self.without_order(value)
    }

    /// The value without what it owes to the order of sets.
    pub(super) fn without_order(&mut self, value: &Value) -> Value {
        self.with_kinds(value, Kinds::ORDER.not())
    }

    /// What the value owes to the order of sets, as a value without objects.
    pub(super) fn only_order(&mut self, value: &Value) -> Value {
        let order = self.taint_of_kinds(value, Kinds::ORDER);
        Value::bottom().with_taint(order)
    }

    /// What decides a condition: of a container only whether it is empty, which no order changes.
    pub(super) fn deciding(&mut self, value: &Value) -> Value {
        let is_container = value
            .objs()
            .iter()
            .all(|obj| matches!(obj, Obj::Container(_)));
        if self.asks_replay(value) {
            self.without_replay_flag(value)
        } else if is_container {
            self.without_order(value)
                .tainted_by(&self.size_taint(value))
        } else if self.asks_for_presence(value) {
            self.without_never_none(value)
        } else {
            value.clone()
        }
    }

    /// The code that follows runs or not as the replay flag says.
    pub(super) fn guard(&mut self, guard: u32) {
        self.frame.vouched += guard;
        self.frame.replaying += guard;
    }

    pub(super) fn unguard(&mut self, guard: u32) {
        self.frame.vouched -= guard;
        self.frame.replaying -= guard;
    }

    /// What a guard decides besides the replay flag, which speaks for itself.
    pub(super) fn without_replay_flag(&mut self, value: &Value) -> Value {
        self.with_kinds(value, Kinds::REPLAY.not())
    }

    /// The value without what it owes to sources that are never `None`, where that is asked.
    fn without_never_none(&mut self, value: &Value) -> Value {
        let mut kinds = Kinds::default();
        for &class in self.knowledge.never_none() {
            kinds = kinds.union(self.kind_of_class(class));
        }
        self.with_kinds(value, kinds.not())
    }

    /// The value without what it owes to `id()` and `hash()`, whose use ends here.
    pub(super) fn without_identity(&mut self, value: &Value, span: Span) -> Value {
        let identities = self.taint_of_kinds(value, Kinds::IDENTITY);
        let compared = Value::bottom().with_taint(identities);
        self.record_sink(&compared, SinkKind::Compared, span);
        self.with_kinds(value, Kinds::IDENTITY.not())
    }

    fn conditional(&mut self, it: &'p ast::ExprIf) -> Value {
        let test = self.evaluate(&it.test);
        let truth = self.truth(&it.test, &test);
        let outer = self.open_control();
        if truth == Truth::Unknown {
            let deciding = self.deciding(&test);
            self.decide(&deciding, SinkKind::Branch, span_of(&*it.test));
        }
        let guard = u32::from(self.asks_replay(&test));
        self.guard(guard);
        let before = self.frame.state.clone();
        let mut result = Value::bottom();
        if truth != Truth::Never {
            self.narrow(&it.test, true);
            result.join(&self.evaluate(&it.body));
        }
        let after_body = std::mem::replace(&mut self.frame.state, before);
        if truth != Truth::Always {
            self.narrow(&it.test, false);
            result.join(&self.evaluate(&it.orelse));
        }
        self.frame.state.join(&after_body);
        self.unguard(guard);
        self.close_control(outer);
        // Choosing between values is a branch only where the result matters, so it taints it.
        result.tainted_by(&test)
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

    // ---- functions ----

    fn lambda(&mut self, it: &'p ast::ExprLambda) -> Value {
        let Some(ix) = self.frame.module.index().function_at(span_of(it)) else {
            return Value::unknown();
        };
        let func = FuncId {
            file: self.frame.file,
            ix,
        };
        let reference = FuncRef {
            func,
            closure: self.frame.ctx,
        };
        if let Some(parameters) = &it.parameters {
            self.store_defaults(reference, parameters);
        }
        Value::of(Obj::Func(reference))
    }

    pub(super) fn store_defaults(&mut self, function: FuncRef, parameters: &'p ast::Parameters) {
        let positional = parameters.posonlyargs.len() + parameters.args.len();
        let has_vararg = usize::from(parameters.vararg.is_some());
        for (ix, parameter) in parameters.iter_non_variadic_params().enumerate() {
            if let Some(default) = parameter.default() {
                let value = self.evaluate(default);
                let slot = if ix < positional { ix } else { ix + has_vararg };
                self.write(CellKey::Default(function, slot as u16), &value);
            }
        }
    }

    // ---- containers ----

    fn fill(&mut self, id: u32, elements: &'p [Expr], unordered: bool) -> Value {
        let mut order = None;
        // Long literals are tables of data; their elements need no places of their own.
        let limit = if unordered { 1 } else { 64 };
        let exact = elements.len() <= limit && !elements.iter().any(Expr::is_starred_expr);
        for (ix, element) in elements.iter().enumerate() {
            let value = self.evaluate(element);
            let (key, value) = match element {
                Expr::Starred(_) => {
                    if !unordered {
                        order = self.note_order(&value, span_of(element)).or(order);
                    }
                    (
                        Key::Any,
                        self.iterate(&value, span_of(element), How::Iterate),
                    )
                }
                _ if exact => (Key::Int(ix as i64), value),
                _ => (Key::Any, value),
            };
            self.put(id, key, &value);
        }
        Value::of(Obj::Container(id)).with_source(order)
    }

    fn dict(&mut self, it: &'p ast::ExprDict) -> Value {
        let id = self.container(ContainerKind::Dict, span_of(it));
        for item in &it.items {
            let value = self.evaluate(&item.value);
            match &item.key {
                None => self.copy_entries(id, &value),
                Some(key) => {
                    let key = self.evaluate(key);
                    self.note_key(id, &key);
                    let key = if it.items.len() > 256 {
                        Key::Any
                    } else {
                        single_key(&key)
                    };
                    self.put(id, key, &value);
                }
            }
        }
        Value::of(Obj::Container(id))
    }

    fn comprehension(
        &mut self,
        kind: ContainerKind,
        span: Span,
        generators: &'p [ast::Comprehension],
        key: Option<&'p Expr>,
        element: &'p Expr,
    ) -> Value {
        // Targets live in the comprehension only; the names around it come back afterwards.
        let before = self.frame.state.vars.clone();
        let commands = self.frame.commands;
        let ignores_order = std::mem::take(&mut self.frame.ignores_order);
        let is_ordered = kind == ContainerKind::List && !ignores_order;
        let mut order: Option<SourceId> = None;
        let mut set_order = Value::bottom();
        let mut control = Value::bottom();
        let outer = self.open_control();
        for generator in generators {
            let iterable = self.evaluate(&generator.iter);
            let iter_span = span_of(&generator.iter);
            if is_ordered {
                let noted = self.unordered_source(&iterable);
                if noted.is_some() {
                    order = self.pending_order(&iterable, iter_span, span).or(order);
                }
            }
            if kind != ContainerKind::Set {
                set_order.join(&self.set_order(&iterable));
            }
            let items = self.iterate(&iterable, iter_span, How::Iterate);
            control.add_taint(iterable.taint());
            control.add_taint(self.size_taint(&iterable).taint());
            control = control.with_source(order);
            self.decide(&control, SinkKind::Loop, iter_span);
            self.bind_comprehension_target(&generator.target, &items);
            for condition in &generator.ifs {
                let value = self.evaluate(condition);
                self.call_special(&value, "__bool__", span_of(condition), How::Operator);
                control.add_taint(value.taint());
                let deciding = self.deciding(&value);
                self.decide(&deciding, SinkKind::Branch, span_of(condition));
                self.narrow(condition, true);
            }
        }
        let key_value = key.map(|key| self.evaluate(key));
        let value = self.evaluate(element);
        let id = self.container(kind, span);
        if !is_ordered && !set_order.is_bottom() {
            // The order shows only when somebody goes through the result, or in commands here.
            self.write(CellKey::SetOrder(id), &set_order);
            if self.frame.commands > commands {
                let source = self.note_order(&Value::of(Obj::Container(id)), span);
                self.record_sink(&Value::bottom().with_source(source), SinkKind::Order, span);
                control = control.with_source(source);
            }
        }
        self.close_control(outer);
        self.frame.state.vars = before;
        let slot = key_value.as_ref().map_or(Key::Any, |_| Key::Any);
        self.put(id, slot, &value);
        if let Some(key) = &key_value {
            self.note_key(id, key);
        }
        Value::of(Obj::Container(id)).tainted_by(&control)
    }

    fn bind_comprehension_target(&mut self, target: &'p Expr, value: &Value) {
        match target {
            Expr::Name(name) => {
                let sym = self.sym(name.id.as_str());
                match self.frame.classes.last_mut() {
                    Some((_, scope)) => {
                        scope.insert(sym, value.clone());
                    }
                    None => {
                        self.frame.state.vars.insert(sym, value.clone());
                        if self.frame.function.captured.contains(name.id.as_str())
                            || !self.in_module_body()
                        {
                            self.write(CellKey::Local(self.frame.ctx, sym), value);
                        }
                    }
                }
            }
            Expr::Tuple(tuple) => {
                for (ix, part) in tuple.elts.iter().enumerate() {
                    let element = self.element(value, Key::Int(ix as i64), span_of(target));
                    self.bind_comprehension_target(part, &element.tainted_by(value));
                }
            }
            Expr::Starred(it) => self.bind_comprehension_target(&it.value, value),
            _ => self.assign(target, value, None),
        }
    }

    /// Notes that the order of a set becomes visible here and returns it as a source.
    pub(super) fn note_order(&mut self, value: &Value, span: Span) -> Option<SourceId> {
        self.pending_order(value, span, span)
    }

    /// The same where the order may not become visible: it counts only if commands follow it.
    pub(super) fn note_possible_order(&mut self, value: &Value, span: Span) -> Option<SourceId> {
        self.order_source(value, span, span, true)
    }

    fn pending_order(&mut self, value: &Value, span: Span, written: Span) -> Option<SourceId> {
        self.order_source(value, span, written, false)
    }

    fn order_source(
        &mut self,
        value: &Value,
        span: Span,
        written: Span,
        possible: bool,
    ) -> Option<SourceId> {
        if self.frame.vouched > 0 {
            return None;
        }
        let elements = self.unordered_source(value)?;
        let name = self.sym("set iteration order");
        let source = super::Source {
            ctx_file: self.frame.file,
            span,
            name,
            class: crate::knowledge::ORDER,
            at_import: self.at_import(),
            sandbox: crate::knowledge::Sandbox::Allows,
            note: "",
        };
        let source = self.source_id(source);
        self.record_event(
            span,
            EventKind::Unordered {
                elements,
                written,
                possible,
            },
            Some(source),
        );
        Some(source)
    }

    /// Why the order of the value's elements varies, if it is a set whose order does.
    pub(super) fn unordered_source(&mut self, value: &Value) -> Option<Elements> {
        let elements = self.set_order(value);
        if elements.is_bottom() {
            None
        } else {
            self.hash_of(&elements)
        }
    }

    /// The elements whose hashes decide the order of a value's entries: those of a set with more
    /// than one, and of the sets that the entries of a list or mapping were taken from.
    pub(super) fn set_order(&mut self, value: &Value) -> Value {
        let mut elements = Value::bottom();
        for obj in value.objs().to_vec() {
            let Obj::Container(id) = obj else { continue };
            let object = Value::of(obj);
            if self.containers.get(id).kind != ContainerKind::Set {
                elements.join(&self.read(CellKey::SetOrder(id)));
            } else if !self.is_single(&object) {
                let own = self.all_elements(&object);
                // Nothing is known of the elements.
                elements.join(&if own.objs().is_empty() {
                    Value::unknown()
                } else {
                    own
                });
            }
        }
        elements.without_taint()
    }

    pub(super) fn hash_of(&mut self, elements: &Value) -> Option<Elements> {
        if self.may_be_task(elements) {
            return Some(Elements::Address);
        }
        let mut result = None;
        let hashed = self.leaves(elements, |this, id| {
            let is_tuple = this.containers.get(id).kind == ContainerKind::Tuple;
            is_tuple.then(|| {
                let inner = this.all_elements(&Value::of(Obj::Container(id)));
                if inner.objs().is_empty() {
                    Value::unknown()
                } else {
                    inner
                }
            })
        });
        for &obj in &hashed {
            let one = match obj {
                Obj::Str(_) => Some(Elements::Salted),
                Obj::None | Obj::Bool(_) | Obj::Int(_) => None,
                Obj::ExternalInstance(ty) => external_hash(self.names.name(ty)),
                Obj::Func(_)
                | Obj::Class(_)
                | Obj::Bound(_)
                | Obj::External(_)
                | Obj::Module(_) => Some(Elements::Address),
                Obj::Instance(class, _) => self.instance_hash(class),
                _ => Some(Elements::Unknown),
            };
            result = match (result, one) {
                (Some(Elements::Salted), _) | (_, Some(Elements::Salted)) => Some(Elements::Salted),
                (Some(Elements::Address), _) | (_, Some(Elements::Address)) => {
                    Some(Elements::Address)
                }
                (Some(it), _) | (None, Some(it)) => Some(it),
                (None, None) => None,
            };
        }
        if hashed.is_empty() {
            Some(Elements::Unknown)
        } else {
            result
        }
    }

    // ---- subscripts ----

    /// `sequence[1:3]` of a sequence whose elements are known, by literal bounds.
    fn exact_slice(
        &mut self,
        object: &Value,
        slice: &'p ast::ExprSlice,
        span: Span,
    ) -> Option<Value> {
        let elements = self.exact_elements(object)?;
        let len = elements.len() as i64;
        let mut bound = |part: &'p Option<Box<Expr>>, default: i64| match part {
            None => Some(default),
            Some(part) => match self.evaluate(part).objs() {
                [Obj::Int(int)] => Some(if *int < 0 {
                    (len + int).max(0)
                } else {
                    (*int).min(len)
                }),
                _ => None,
            },
        };
        let (lower, upper) = (bound(&slice.lower, 0)?, bound(&slice.upper, len)?);
        if slice.step.is_some() {
            return None;
        }
        let id = self.container(ContainerKind::List, span);
        for (ix, element) in elements
            .iter()
            .take(upper as usize)
            .skip(lower as usize)
            .enumerate()
        {
            self.put(id, Key::Int(ix as i64), element);
        }
        Some(Value::of(Obj::Container(id)))
    }

    pub(super) fn subscript(&mut self, object: &Value, key: &Value, span: Span) -> Value {
        let mut result = Value::bottom();
        for &obj in object.objs() {
            match obj {
                Obj::Container(_) => {
                    let keys = keys_of(key);
                    for key in keys {
                        let element = self.element(&Value::of(obj), key, span);
                        result.join(&element);
                    }
                    if let Obj::Container(id) = obj {
                        let factory = self.read(CellKey::ContainerFactory(id));
                        let made = self.call_value(&factory, &Args::default(), span, How::Callback);
                        if !made.is_bottom() {
                            self.put(id, Key::Any, &made);
                        }
                        result.join(&made);
                    }
                    if key.objs().iter().all(|obj| matches!(obj, Obj::Unknown)) && is_slice(key) {
                        result.add(obj);
                    }
                }
                Obj::Instance(class, variant) if self.is_named_tuple(class) => {
                    let fields = self.field_names(class);
                    for key in keys_of(key) {
                        let field = match key {
                            Key::Int(ix) => fields.get(ix as usize).copied(),
                            _ => None,
                        };
                        let Some(field) = field else {
                            result.join(&Value::unknown());
                            continue;
                        };
                        let name = self.str(field).to_owned();
                        result.join(&self.instance_attribute(class, variant, field, &name, span));
                    }
                }
                Obj::Instance(class, _) => {
                    // `dict.__getitem__` asks for what is missing.
                    let method = if self.find_method(class, "__getitem__").is_some() {
                        "__getitem__"
                    } else {
                        "__missing__"
                    };
                    let item = self.call_method_if_project(
                        &Value::of(obj),
                        method,
                        std::slice::from_ref(key),
                        span,
                        How::Operator,
                    );
                    result.join(&item);
                    if item.is_bottom() {
                        result.join(&self.contents_of(obj, span));
                    }
                }
                // `Generic[T]` and `list[int]` are still the class.
                Obj::Class(_) => {
                    result.add(obj);
                }
                Obj::External(sym) => {
                    result.add(Obj::External(sym));
                    if matches!(
                        self.str(sym),
                        "typing.Annotated" | "typing_extensions.Annotated"
                    ) {
                        let metadata = self.all_elements(key);
                        result.join(&metadata.filter(|obj| matches!(obj, Obj::Field(_))));
                    }
                }
                Obj::ExternalInstance(ty) => {
                    if let Some(member) = self.member(ty, "__getitem__") {
                        let typed = self.returned_type(member, None, span);
                        result.join(&typed);
                        let source = self.call_hazard(member, None, span);
                        result = result.with_source(source);
                    } else {
                        result.join(&Value::unknown());
                    }
                }
                Obj::Str(_) => {
                    let string = self.instance_of_builtin("str");
                    result.join(&string);
                }
                _ => {
                    result.join(&Value::unknown());
                }
            }
        }
        // What a mapping holds for a key does not depend on the order of its entries.
        if self.are_containers(object, &[ContainerKind::Dict]) {
            result = result.tainted_by(&self.settled(object, span));
        } else {
            result = result.tainted_by(object);
        }
        let key = self.key_taint(object, key);
        result.tainted_by(&key).at_place(object.place())
    }
}

/// The places in a container that a key value may mean.
pub(super) fn keys_of(key: &Value) -> Vec<Key> {
    let mut keys: Vec<Key> = key.objs().iter().map(|&obj| obj_key(obj)).collect();
    if keys.is_empty() || keys.contains(&Key::Any) {
        keys = vec![Key::Any];
    }
    keys
}

pub(super) fn single_key(key: &Value) -> Key {
    match key.objs() {
        [obj] => obj_key(*obj),
        _ => Key::Any,
    }
}

fn obj_key(obj: Obj) -> Key {
    match obj {
        Obj::Int(int) => Key::Int(int),
        Obj::Str(sym) => Key::Str(sym),
        _ => Key::Any,
    }
}

fn is_type(value: &Value) -> bool {
    matches!(value.objs(), [Obj::Class(_) | Obj::External(_)])
}

fn is_slice(key: &Value) -> bool {
    matches!(key.objs(), [Obj::Unknown])
}

fn external_hash(ty: &str) -> Option<Elements> {
    match ty.split('#').next().unwrap_or(ty) {
        "int" | "bool" | "float" | "complex" | "decimal.Decimal" | "fractions.Fraction"
        | "uuid.UUID" | "datetime.timedelta" | "range" => None,
        "str"
        | "bytes"
        | "datetime.datetime"
        | "datetime.date"
        | "datetime.time"
        | "pathlib.Path"
        | "pathlib.PurePath"
        | "pathlib.PosixPath"
        | "pathlib.PurePosixPath" => Some(Elements::Salted),
        "asyncio.Task" | "asyncio.Future" | "object" => Some(Elements::Address),
        _ => Some(Elements::Unknown),
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
