//! Executing statements.

use std::collections::BTreeSet;

use crate::diagnostic::Span;
use crate::index::MODULE_BODY;
use crate::knowledge::Role;
use crate::project::Import;
use crate::syntax::ast::{self, CmpOp, Expr, Stmt};
use crate::syntax::span_of;

use super::conditions::Truth;
use super::{
    CellKey, ContainerKind, EventKind, Except, How, Key, Machine, Mode, Obj, Seen, SinkKind, State,
    Sym, Value,
};

impl<'p> Machine<'p> {
    pub(super) fn execute(&mut self, body: &'p [Stmt]) {
        let (vouched, replaying) = (self.frame.vouched, self.frame.replaying);
        self.nesting += 1;
        for statement in body {
            if self.frame.state.dead || self.is_out_of_steps() {
                break;
            }
            let Stmt::If(it) = statement else {
                self.statement(statement);
                continue;
            };
            // `if is_replaying(): return` leaves the rest to the first execution only.
            if self.if_statement(it) && ends_flow(&it.body) {
                self.frame.vouched += 1;
                self.frame.replaying += 1;
            }
        }
        self.nesting -= 1;
        self.frame.vouched = vouched;
        self.frame.replaying = replaying;
    }

    fn statement(&mut self, statement: &'p Stmt) {
        match statement {
            Stmt::Expr(it) => {
                let value = self.evaluate(&it.value);
                if let Expr::Call(_) | Expr::Await(_) = &*it.value {
                    self.record_discarded(&value, &it.value);
                }
            }
            Stmt::Assign(it) => {
                let value = self.evaluate(&it.value);
                for target in &it.targets {
                    self.assign(target, &value, Some(&it.value));
                }
            }
            Stmt::AnnAssign(it) => self.annotated_assignment(it),
            Stmt::AugAssign(it) => {
                let old = self.evaluate(&it.target);
                let operand = self.evaluate(&it.value);
                let value = self.binary(&old, it.op, &operand, span_of(it), true);
                if it.target.is_name_expr() {
                    self.extend_in_place(&old, &operand, span_of(it));
                }
                self.assign(&it.target, &value, None);
            }
            Stmt::Return(it) => {
                self.frame.has_returned = true;
                if let Some(expression) = &it.value {
                    let value = self.evaluate(expression);
                    let value = self.under_control(&value);
                    self.frame.returned.join(&value);
                    let span = span_of(&**expression);
                    self.note_sets_in_result(&value, span);
                    for &origin in self.whole_taint(&value, span).taint() {
                        self.frame.out.returned.insert((origin, span));
                    }
                } else {
                    let none = self.under_control(&Value::of(Obj::None));
                    self.frame.returned.join(&none);
                }
                self.leave_function();
                self.frame.state.dead = true;
            }
            Stmt::If(it) => {
                self.if_statement(it);
            }
            Stmt::While(it) => self.while_loop(it),
            Stmt::For(it) => self.for_loop(it),
            Stmt::Try(it) => self.try_statement(it),
            Stmt::With(it) => self.with_statement(it),
            Stmt::Match(it) => self.match_statement(it),
            Stmt::FunctionDef(it) => self.define_function(it),
            Stmt::ClassDef(it) => self.define_class(it),
            Stmt::Import(it) => self.import(it),
            Stmt::ImportFrom(it) => self.import_from(it),
            Stmt::Raise(it) => {
                if let Some(exception) = &it.exc {
                    let value = self.evaluate(exception);
                    self.record_sink(&value, SinkKind::Result, span_of(it));
                    self.note_exception(&value, span_of(&**exception));
                    for obj in value.objs().to_vec() {
                        if let Obj::Class(_) = obj {
                            self.apply(
                                obj,
                                &super::calls::Args::default(),
                                span_of(&**exception),
                                How::Construct,
                            );
                        }
                    }
                }
                if let Some(cause) = &it.cause {
                    self.evaluate(cause);
                }
                self.leave_by_exception();
                self.frame.state.dead = true;
            }
            Stmt::Assert(it) => {
                let outer = self.open_control();
                self.condition(&it.test);
                self.leave_by_exception();
                if let Some(message) = &it.msg {
                    self.evaluate(message);
                }
                self.close_control(outer);
                self.narrow(&it.test, true);
            }
            Stmt::Delete(it) => {
                for target in &it.targets {
                    match target {
                        Expr::Subscript(subscript) => {
                            let object = self.evaluate(&subscript.value);
                            self.evaluate(&subscript.slice);
                            self.call_special(
                                &object,
                                "__delitem__",
                                span_of(target),
                                How::Operator,
                            );
                            self.record_mutation(&object, span_of(target), &subscript.value);
                        }
                        Expr::Attribute(attribute) => {
                            let object = self.evaluate(&attribute.value);
                            self.delete_attribute(
                                &object,
                                attribute.attr.as_str(),
                                span_of(target),
                            );
                        }
                        _ => {}
                    }
                }
            }
            Stmt::Break(_) => {
                self.leave_round();
                let state = self.frame.state.clone();
                if let Some(slot) = self.frame.breaks.last_mut() {
                    join_slot(slot, state);
                }
                self.frame.state.dead = true;
            }
            Stmt::Continue(_) => {
                self.leave_round();
                let state = self.frame.state.clone();
                if let Some(slot) = self.frame.continues.last_mut() {
                    join_slot(slot, state);
                }
                self.frame.state.dead = true;
            }
            Stmt::Global(_)
            | Stmt::Nonlocal(_)
            | Stmt::Pass(_)
            | Stmt::TypeAlias(_)
            | Stmt::IpyEscapeCommand(_) => {}
        }
    }

    /// `rows += more` changes the list that `rows` stands for.
    fn extend_in_place(&mut self, object: &Value, operand: &Value, span: Span) {
        let changes = |this: &Self, id: u32| this.containers.get(id).kind != ContainerKind::Tuple;
        let kept: Vec<Obj> = object
            .objs()
            .iter()
            .copied()
            .filter(|obj| matches!(obj, Obj::Container(id) if changes(self, *id)))
            .collect();
        if kept.is_empty() {
            return;
        }
        let elements = self.all_elements(operand);
        for &obj in &kept {
            if let Obj::Container(id) = obj {
                self.put(id, Key::Any, &elements);
            }
        }
        self.record_container_change(&kept.into_iter().collect(), span);
    }

    /// The value of a call statement is thrown away. What it was given went to the code that was
    /// called, which is analysed on its own when it is known.
    fn record_discarded(&mut self, value: &Value, expression: &'p Expr) {
        let call = match expression {
            Expr::Await(it) => &*it.value,
            other => other,
        };
        let own = span_of(call);
        let is_known = self.frame.out.edges.iter().any(|edge| edge.span == own)
            || self
                .frame
                .out
                .sinks
                .iter()
                .any(|sink| sink.span == own && sink.kind != SinkKind::External);
        if !is_known {
            self.record_sink_except(value, SinkKind::External, own, Except::Own);
        }
    }

    fn annotated_assignment(&mut self, it: &'p ast::StmtAnnAssign) {
        let declared = self.annotation(&it.annotation);
        let value = match &it.value {
            Some(expression) => {
                let value = self.evaluate(expression);
                // The annotation says more than a value that is not known.
                if value.is_vague() || is_empty_container_or_none(expression) {
                    let typed = value.clone().joined(&declared);
                    if is_empty_container_or_none(expression) {
                        typed.opened()
                    } else {
                        typed
                    }
                } else {
                    value
                }
            }
            None if self.frame.classes.is_empty() => return,
            None => Value::bottom(),
        };
        if it.value.is_some() {
            self.assign(&it.target, &value, it.value.as_deref());
        }
    }

    // ---- assignment ----

    pub(super) fn assign(&mut self, target: &'p Expr, value: &Value, from: Option<&'p Expr>) {
        match target {
            Expr::Name(name) => {
                let sym = self.sym(name.id.as_str());
                let function = self.frame.function;
                let value = if function.globals.contains(name.id.as_str()) {
                    self.lasting_shared(value)
                } else if function.nonlocals.contains(name.id.as_str()) {
                    self.lasting(value)
                } else {
                    self.under_control(value)
                };
                self.note_fresh(sym, &value, from);
                self.assign_name(sym, &value, span_of(target));
            }
            Expr::Attribute(attribute) => {
                let object = self.evaluate(&attribute.value);
                if self.is_fresh(&attribute.value) {
                    self.note_seen(span_of(target), Seen::OfFresh);
                }
                self.store_attribute(&object, attribute.attr.as_str(), value, span_of(target));
            }
            Expr::Subscript(subscript) => {
                let object = self.evaluate(&subscript.value);
                let key = self.evaluate(&subscript.slice);
                self.store_element(&object, &key, value, span_of(target), &subscript.value);
            }
            Expr::Tuple(tuple) => self.unpack(&tuple.elts, value, from),
            Expr::List(list) => self.unpack(&list.elts, value, from),
            Expr::Starred(starred) => self.assign(&starred.value, value, None),
            _ => {}
        }
    }

    fn unpack(&mut self, targets: &'p [Expr], value: &Value, from: Option<&'p Expr>) {
        // `a, b = b, a` assigns element by element.
        let starred = targets.iter().position(Expr::is_starred_expr);
        if let (Some(Expr::Tuple(tuple)), None) = (from, starred)
            && tuple.elts.len() == targets.len()
            && !tuple.elts.iter().any(Expr::is_starred_expr)
        {
            let elements: Vec<Value> = (0..targets.len())
                .map(|ix| self.element(value, Key::Int(ix as i64), Span::default()))
                .collect();
            for (target, element) in targets.iter().zip(&elements) {
                self.assign(target, element, None);
            }
            return;
        }
        let span = from.map_or(Span::default(), span_of);
        if let ([Obj::Instance(class, variant)], None) = (value.objs(), starred)
            && self.is_named_tuple(*class)
        {
            let (class, variant) = (*class, *variant);
            for (target, field) in targets.iter().zip(self.field_names(class)) {
                let name = self.str(field).to_owned();
                let part = self.instance_attribute(class, variant, field, &name, span);
                self.assign(target, &part.tainted_by(value), None);
            }
            return;
        }
        let is_sequence = value.objs().iter().all(|obj| {
            matches!(obj, Obj::Container(id) if matches!(self.containers.get(*id).kind, ContainerKind::List | ContainerKind::Tuple))
        });
        if !is_sequence {
            let element = self.iterate(value, span, How::Iterate).tainted_by(value);
            // `(only,) = names` goes well for a set of one element alone.
            let shows = targets.len() > 1 || starred.is_some();
            let order = if shows {
                self.note_order(value, span)
            } else {
                None
            };
            let element = element.with_source(order);
            for target in targets {
                self.assign(target, &element, None);
            }
            return;
        }
        for (ix, target) in targets.iter().enumerate() {
            let element = match starred {
                Some(star) if ix == star => {
                    let rest = self.all_elements(value);
                    let list = self.container(ContainerKind::List, span_of(target));
                    self.put(list, Key::Any, &rest);
                    Value::of(Obj::Container(list))
                }
                Some(star) if ix > star => self.all_elements(value),
                _ => self.element(value, Key::Int(ix as i64), span),
            };
            self.assign(target, &element.tainted_by(value), None);
        }
    }

    pub(super) fn assign_name(&mut self, name: Sym, value: &Value, span: Span) {
        if let Some((class, scope)) = self.frame.classes.last_mut() {
            let class = *class;
            scope.insert(name, value.clone());
            self.write(CellKey::ClassAttr(class, name), value);
            return;
        }
        let text = self.str(name);
        let function = self.frame.function;
        if self.in_module_body() {
            self.frame.state.vars.insert(name, value.clone());
            self.write(CellKey::Global(self.frame.file, name), value);
        } else if function.globals.contains(text) {
            let place = self.shared_place(self.frame.file, Span::default(), name);
            let stored = self.change_shared(place, value, span).opened();
            self.write(CellKey::Global(self.frame.file, name), &stored);
            self.record_sink(value, SinkKind::State, span);
        } else if function.nonlocals.contains(text) {
            if let Some(owner) = self.enclosing_owner(name) {
                let stored = match self.captured_place(owner, name) {
                    Some(place) => self.change_shared(place, value, span),
                    None => value.clone(),
                };
                self.write(CellKey::Local(owner, name), &stored.opened());
            }
        } else {
            if function.captured.contains(text) {
                self.write(CellKey::Local(self.frame.ctx, name), value);
            }
            self.frame.state.vars.insert(name, value.clone());
        }
    }

    // ---- control flow ----

    /// Evaluates a condition, which decides over what follows, and says how it ends.
    pub(super) fn condition(&mut self, test: &'p Expr) -> Truth {
        self.decision(test, SinkKind::Branch)
    }

    fn decision(&mut self, test: &'p Expr, kind: SinkKind) -> Truth {
        let value = self.evaluate(test);
        self.call_special(&value, "__bool__", span_of(test), How::Operator);
        let truth = self.truth(test, &value);
        self.frame.asks_replay = self.asks_replay(&value);
        if truth == Truth::Unknown {
            let deciding = self.deciding(&value);
            self.decide(&deciding, kind, span_of(test));
        }
        truth
    }

    /// Says whether its first condition asks if history is being replayed.
    fn if_statement(&mut self, it: &'p ast::StmtIf) -> bool {
        let mut clauses: Vec<(Option<&'p Expr>, &'p [Stmt])> = vec![(Some(&it.test), &it.body)];
        clauses.extend(
            it.elif_else_clauses
                .iter()
                .map(|clause| (clause.test.as_ref(), &*clause.body)),
        );
        let mut after = State {
            dead: true,
            ..State::default()
        };
        let (mut vouched, mut asks) = (0, None);
        let outer = self.open_control();
        for (test, body) in clauses {
            let Some(test) = test else {
                self.execute(body);
                after.join(&self.frame.state);
                self.frame.state.dead = true;
                break;
            };
            let truth = self.condition(test);
            let guard = u32::from(self.frame.asks_replay);
            asks.get_or_insert(guard);
            let before = self.frame.state.clone();
            if truth != Truth::Never {
                vouched += guard;
                self.guard(guard);
                self.narrow(test, true);
                self.execute(body);
                after.join(&self.frame.state);
            }
            self.frame.state = before;
            if truth == Truth::Always {
                self.frame.state.dead = true;
            }
            self.narrow(test, false);
        }
        self.unguard(vouched);
        self.close_control(outer);
        after.join(&self.frame.state);
        self.frame.state = after;
        asks == Some(1)
    }

    fn while_loop(&mut self, it: &'p ast::StmtWhile) {
        if it.body.iter().all(does_nothing) && it.orelse.is_empty() && !acts(&it.test) {
            let busy_wait = self.sym("while");
            let head = Span::new(span_of(it).start, span_of(&*it.test).end);
            self.call_hazard(busy_wait, None, head);
        }
        self.frame.breaks.push(None);
        let mut truth = Truth::Unknown;
        let outer = self.open_control();
        for _ in 0..self.rounds() {
            let (before, control) = (self.frame.state.clone(), self.control());
            truth = self.decision(&it.test, SinkKind::Loop);
            if truth == Truth::Never {
                break;
            }
            self.narrow(&it.test, true);
            let guard = u32::from(self.frame.asks_replay);
            self.guard(guard);
            let goes_on = self.loop_body(&it.body, before);
            self.unguard(guard);
            if !goes_on && !self.control_differs(&control) {
                break;
            }
        }
        self.close_loop(outer);
        if truth == Truth::Always {
            self.frame.state.dead = true;
        }
        self.end_loop(&it.orelse);
    }

    fn for_loop(&mut self, it: &'p ast::StmtFor) {
        let iterable = self.evaluate(&it.iter);
        let span = span_of(&*it.iter);
        if let Some(rounds) = self.namespace_rounds(&iterable, span) {
            return self.for_each_member(it, &rounds);
        }
        let mut element = self.iterate(&iterable, span, How::Iterate);
        let outer = self.open_control();
        if is_order_sensitive(&it.body) {
            let source = self.note_order(&iterable, span);
            element = element.with_source(source);
        } else {
            // It shows if the body issues commands, itself or in what it calls.
            let source = self.note_possible_order(&iterable, span);
            let order = Value::bottom().with_source(source);
            self.decide(&order, SinkKind::Order, span);
        }
        self.frame.breaks.push(None);
        self.decide_rounds(&iterable, &element, span);
        if it.is_async {
            self.note_command();
        }
        for _ in 0..self.rounds() {
            let (before, control) = (self.frame.state.clone(), self.control());
            self.assign(&it.target, &element, None);
            if !self.loop_body(&it.body, before) && !self.control_differs(&control) {
                break;
            }
        }
        self.close_loop(outer);
        self.end_loop(&it.orelse);
    }

    /// How often the body of the innermost loop is executed at most. Deep inside other loops it is
    /// once: these come round again with the state that it left, and the rounds would multiply.
    fn rounds(&self) -> u32 {
        const MAX_MULTIPLYING: usize = 3;
        if self.frame.breaks.len() > MAX_MULTIPLYING {
            1
        } else {
            3
        }
    }

    /// Executes a loop body once and joins its end with the state before it; says whether that
    /// changed anything, so that another round is due.
    fn loop_body(&mut self, body: &'p [Stmt], before: State) -> bool {
        self.loop_round(body);
        let end = std::mem::replace(&mut self.frame.state, before.clone());
        self.frame.state.join(&end);
        self.frame.state.vars != before.vars || self.frame.state.heap != before.heap
    }

    /// Executes a loop body once, up to where the next round starts.
    pub(super) fn loop_round(&mut self, body: &'p [Stmt]) {
        self.frame.continues.push(None);
        self.execute(body);
        if let Some(Some(state)) = self.frame.continues.pop() {
            self.frame.state.join(&state);
        }
    }

    pub(super) fn end_loop(&mut self, orelse: &'p [Stmt]) {
        self.execute(orelse);
        if let Some(Some(state)) = self.frame.breaks.pop() {
            self.frame.state.join(&state);
        }
    }

    fn try_statement(&mut self, it: &'p ast::StmtTry) {
        if self.asks_where_it_runs(it) {
            self.frame.has_returned = true;
            self.frame.returned.join(&Value::of(Obj::Bool(true)));
            self.leave_function();
            self.frame.state.dead = true;
            return;
        }
        let before = self.frame.state.clone();
        let catches = !it.handlers.is_empty();
        let (outer, thrown) = self.open_try(catches);
        self.execute(&it.body);
        self.end_try_body(thrown, catches, it.handlers.iter().any(catches_everything));
        let mut raised = before;
        // An exception can leave the body after any of its statements.
        let end = State {
            dead: false,
            ..self.frame.state.clone()
        };
        raised.join(&end);
        self.execute(&it.orelse);
        let mut after = std::mem::take(&mut self.frame.state);
        let handlers = if self.cannot_raise(&it.body) {
            &[][..]
        } else {
            &it.handlers[..]
        };
        for ast::ExceptHandler::ExceptHandler(handler) in handlers {
            self.frame.state = State {
                dead: false,
                ..raised.clone()
            };
            let exception = match &handler.type_ {
                Some(type_) => {
                    let class = self.evaluate(type_);
                    if self.is_failed_import(&class) && self.imports_what_is_there(&it.body) {
                        continue;
                    }
                    self.note_exception(&class, span_of(&**type_));
                    self.instances_of(&class)
                }
                None => Value::unknown(),
            };
            if let Some(name) = &handler.name {
                let sym = self.sym(name.as_str());
                self.assign_name(sym, &exception, span_of(name));
            }
            let outer = self.open_control();
            if let Some(place) = self.place_missed(&it.body, &exception) {
                let asked = Value::bottom().at_place(Some(place));
                self.decide(&asked, SinkKind::Branch, span_of(&it.body[0]));
            }
            self.execute(&handler.body);
            self.close_control(outer);
            after.join(&self.frame.state);
        }
        self.close_control(outer);
        let dead = after.dead;
        // `finally` also runs on the way out.
        self.frame.state = if dead {
            State {
                dead: false,
                ..raised
            }
        } else {
            after
        };
        self.execute(&it.finalbody);
        self.frame.state.dead |= dead;
    }

    /// The shared mapping of which a handler says that it lacks a key: `try: return MEMO[key]`.
    fn place_missed(&mut self, body: &'p [Stmt], exception: &Value) -> Option<super::SourceId> {
        let is_missing_key = |obj: &Obj| match obj {
            Obj::ExternalInstance(ty) => matches!(self.str(*ty), "KeyError" | "LookupError"),
            _ => false,
        };
        if !exception.objs().iter().any(is_missing_key) {
            return None;
        }
        let asked = match body {
            [Stmt::Return(it)] => it.value.as_deref()?,
            [Stmt::Assign(it)] => &it.value,
            [Stmt::Expr(it)] => &it.value,
            _ => return None,
        };
        let Expr::Subscript(asked) = asked else {
            return None;
        };
        self.evaluate(&asked.value).place()
    }

    /// Whether exceptions of a class only say that an import has failed.
    fn is_failed_import(&self, class: &Value) -> bool {
        let is_one = |obj: &Obj| match obj {
            Obj::External(name) => {
                matches!(self.str(*name), "ImportError" | "ModuleNotFoundError")
            }
            _ => false,
        };
        !class.objs().is_empty() && class.objs().iter().all(is_one)
    }

    /// Whether a body imports something, and nothing but the SDKs: what runs workflows has them.
    fn imports_what_is_there(&self, body: &[Stmt]) -> bool {
        let is_import = |it: &Stmt| matches!(it, Stmt::Import(_) | Stmt::ImportFrom(_));
        let mut imports = body.iter().filter(|it| is_import(it)).peekable();
        imports.peek().is_some() && imports.all(|it| self.is_import_of_sdk(it))
    }

    fn is_import_of_sdk(&self, statement: &Stmt) -> bool {
        let is_sdk = |module: &str| {
            let package = module.split('.').next().unwrap_or(module);
            self.knowledge.is_sdk_package(package)
        };
        match statement {
            Stmt::Import(it) => it.names.iter().all(|alias| is_sdk(alias.name.as_str())),
            Stmt::ImportFrom(it) => {
                it.level == 0
                    && it
                        .module
                        .as_ref()
                        .is_some_and(|module| is_sdk(module.as_str()))
            }
            _ => false,
        }
    }

    /// Whether a body only asks for what is there in workflow code, and raises elsewhere: the
    /// running loop, the workflow. Then its handlers are for code that runs elsewhere.
    fn cannot_raise(&self, body: &'p [Stmt]) -> bool {
        let mut asks = false;
        let is_certain = body.iter().all(|statement| {
            let value = match statement {
                Stmt::Return(it) => it.value.as_deref(),
                Stmt::Assign(it) => Some(&*it.value),
                Stmt::Expr(it) => Some(&*it.value),
                Stmt::Pass(_) => None,
                statement => return self.is_import_of_sdk(statement),
            };
            let is_present = value.is_some_and(|value| self.is_present(value));
            asks |= is_present;
            is_present || value.is_none_or(|value| value.is_name_expr() || value.is_literal_expr())
        });
        asks && is_certain && !self.at_import()
    }

    /// `try: return bool(workflow.info())`, `except RuntimeError: return False`: in a workflow that
    /// is true.
    fn asks_where_it_runs(&mut self, it: &'p ast::StmtTry) -> bool {
        let is_no = |handler: &ast::ExceptHandler| {
            let ast::ExceptHandler::ExceptHandler(handler) = handler;
            let [Stmt::Return(returned)] = &handler.body[..] else {
                return false;
            };
            let value = returned
                .value
                .as_deref()
                .and_then(Expr::as_boolean_literal_expr);
            value.is_some_and(|it| !it.value)
        };
        let Some((Stmt::Return(last), before)) = it.body.split_last() else {
            return false;
        };
        let asked = match last.value.as_deref() {
            Some(asked @ (Expr::Call(_) | Expr::Compare(_))) => asked,
            _ => return false,
        };
        let may_ask = !it.handlers.is_empty() && it.handlers.iter().all(is_no);
        if !may_ask || !before.iter().all(|it| self.is_import_of_sdk(it)) {
            return false;
        }
        self.execute(before);
        self.evaluate(asked);
        self.is_there(asked) && !self.at_import()
    }

    /// Whether a question has the answer yes wherever a workflow runs.
    fn is_there(&self, asked: &'p Expr) -> bool {
        let gives = |it: &'p Expr| self.marker_of_call(it) == Some(Role::Present);
        match asked {
            Expr::Call(call) if self.only_asks(&call.func) => match &*call.arguments.args {
                [inner, ..] => gives(inner) || self.is_there(inner),
                [] => false,
            },
            Expr::Compare(it) => {
                let is_not_none = matches!(*it.ops, [CmpOp::IsNot])
                    && matches!(*it.comparators, [Expr::NoneLiteral(_)]);
                is_not_none && gives(&it.left)
            }
            _ => self.marker_of_call(asked) == Some(Role::InWorkflow),
        }
    }

    /// Whether an expression is an answer that workflow code always gets, or an attribute of one.
    fn is_present(&self, value: &'p Expr) -> bool {
        match value {
            Expr::Attribute(it) => self.is_present(&it.value),
            Expr::Await(it) => self.is_present(&it.value),
            Expr::Compare(it) => {
                self.is_present(&it.left) && it.comparators.iter().all(Expr::is_literal_expr)
            }
            Expr::Call(call) if self.only_asks(&call.func) => match &*call.arguments.args {
                [asked, rest @ ..] => {
                    self.is_present(asked) && rest.iter().all(Expr::is_literal_expr)
                }
                [] => false,
            },
            _ => matches!(
                self.marker_of_call(value),
                Some(Role::InWorkflow | Role::Present | Role::IsReplaying)
            ),
        }
    }

    /// `bool` and `hasattr` raise nothing of their own.
    fn only_asks(&self, callee: &Expr) -> bool {
        let Expr::Name(name) = callee else {
            return false;
        };
        let is_builtin = !self
            .frame
            .module
            .index()
            .function(MODULE_BODY)
            .locals
            .contains(name.id.as_str());
        is_builtin && matches!(name.id.as_str(), "bool" | "hasattr")
    }

    fn with_statement(&mut self, it: &'p ast::StmtWith) {
        let (mut vouched, mut passthrough) = (0, 0);
        let mut suppresses = false;
        for item in &it.items {
            let manager = self.evaluate(&item.context_expr);
            match self.marker_of_call(&item.context_expr) {
                Some(Role::SandboxUnrestricted) => vouched += 1,
                Some(Role::PassThrough) => passthrough += 1,
                _ => {}
            }
            let span = span_of(&item.context_expr);
            let (enter, exit) = if it.is_async {
                ("__aenter__", "__aexit__")
            } else {
                ("__enter__", "__exit__")
            };
            if it.is_async {
                self.note_command();
            }
            let entered = self.call_special(&manager, enter, span, How::Enter);
            self.call_special(&manager, exit, span, How::Enter);
            let mut entered = entered;
            for obj in manager.objs().to_vec() {
                match obj {
                    // A generator decorated as context manager gives what it yields.
                    Obj::Generator(ctx) => {
                        entered.join(&self.run_generator(ctx, span, How::Enter));
                    }
                    Obj::ExternalInstance(_) | Obj::Keeper(_) | Obj::Made(_) | Obj::Unknown => {
                        entered.add(obj);
                    }
                    _ => {}
                }
            }
            suppresses |= self.is_suppressing(&manager);
            entered.add_taint(manager.taint());
            if let Some(target) = &item.optional_vars {
                self.assign(target, &entered, None);
            }
        }
        self.frame.vouched += vouched;
        self.frame.passthrough += passthrough;
        let before = suppresses.then(|| self.frame.state.clone());
        self.execute(&it.body);
        if let Some(mut before) = before {
            // What the body raises ends here, after any of its statements.
            before.join(&State {
                dead: false,
                ..self.frame.state.clone()
            });
            self.frame.state = before;
        }
        self.frame.vouched -= vouched;
        self.frame.passthrough -= passthrough;
    }

    fn is_suppressing(&self, manager: &Value) -> bool {
        manager.objs().iter().any(|obj| match obj {
            Obj::Made(name) | Obj::ExternalInstance(name) => {
                self.str(*name) == "contextlib.suppress"
            }
            _ => false,
        })
    }

    fn match_statement(&mut self, it: &'p ast::StmtMatch) {
        let subject = self.evaluate(&it.subject);
        let outer = self.open_control();
        let deciding = self.without_replay_flag(&subject);
        self.decide(&deciding, SinkKind::Branch, span_of(&*it.subject));
        let guard = u32::from(self.asks_replay(&subject));
        self.guard(guard);
        let mut before = self.frame.state.clone();
        let mut after = State {
            dead: true,
            ..State::default()
        };
        for case in &it.cases {
            self.frame.state = before.clone();
            let tested = self.classes_of_pattern(&case.pattern);
            if let (Expr::Name(name), Some((classes, is_all))) = (&*it.subject, &tested) {
                let value = self.evaluate(&it.subject);
                let test = self.instance_test(&value, classes);
                if test.objs() == [Obj::Bool(false)] && self.mode == Mode::Workflows {
                    continue;
                }
                if *is_all && case.guard.is_none() {
                    self.narrow_to(name, classes, false);
                    before = std::mem::replace(&mut self.frame.state, before);
                }
                self.narrow_to(name, classes, true);
            }
            self.bind_pattern(&case.pattern, &subject);
            if let Some(guard) = &case.guard {
                self.condition(guard);
            }
            self.execute(&case.body);
            after.join(&self.frame.state);
            if case.pattern.is_irrefutable() && case.guard.is_none() {
                // Nothing falls through an irrefutable pattern.
                before.dead = true;
            }
        }
        self.unguard(guard);
        self.close_control(outer);
        after.join(&before);
        self.frame.state = after;
    }

    /// The classes that a pattern tests its subject for, and whether it tests nothing more.
    fn classes_of_pattern(&mut self, pattern: &'p ast::Pattern) -> Option<(Value, bool)> {
        match pattern {
            ast::Pattern::MatchClass(it) => {
                let is_all = it.arguments.patterns.is_empty() && it.arguments.keywords.is_empty();
                Some((self.evaluate(&it.cls), is_all))
            }
            ast::Pattern::MatchAs(it) => self.classes_of_pattern(it.pattern.as_deref()?),
            _ => None,
        }
    }

    fn bind_pattern(&mut self, pattern: &'p ast::Pattern, subject: &Value) {
        let bind = |this: &mut Self, name: &'p Option<ast::Identifier>, value: &Value| {
            if let Some(name) = name {
                let sym = this.sym(name.as_str());
                this.assign_name(sym, value, span_of(name));
            }
        };
        match pattern {
            ast::Pattern::MatchAs(it) => {
                if let Some(inner) = &it.pattern {
                    self.bind_pattern(inner, subject);
                }
                let value = match it.pattern.as_deref() {
                    Some(ast::Pattern::MatchClass(class)) => {
                        let class = self.evaluate(&class.cls);
                        self.instances_of(&class).tainted_by(subject)
                    }
                    _ => subject.clone(),
                };
                bind(self, &it.name, &value);
            }
            ast::Pattern::MatchStar(it) => {
                let rest = self.all_elements(subject);
                bind(self, &it.name, &rest);
            }
            ast::Pattern::MatchMapping(it) => {
                for (key, pattern) in it.keys.iter().zip(&it.patterns) {
                    let key = self.evaluate(key);
                    let element = self.subscript(subject, &key, span_of(it));
                    self.bind_pattern(pattern, &element);
                }
                bind(self, &it.rest, subject);
            }
            ast::Pattern::MatchSequence(it) => {
                for (ix, pattern) in it.patterns.iter().enumerate() {
                    let element = self.element(subject, Key::Int(ix as i64), span_of(it));
                    self.bind_pattern(pattern, &element);
                }
            }
            ast::Pattern::MatchClass(it) => {
                let class = self.evaluate(&it.cls);
                let instance = self.instances_of(&class).tainted_by(subject);
                for pattern in &it.arguments.patterns {
                    self.bind_pattern(pattern, &Value::unknown().tainted_by(subject));
                }
                for keyword in &it.arguments.keywords {
                    let value = self.attribute(&instance, keyword.attr.as_str(), span_of(keyword));
                    self.bind_pattern(&keyword.pattern, &value);
                }
            }
            ast::Pattern::MatchOr(it) => {
                for pattern in &it.patterns {
                    self.bind_pattern(pattern, subject);
                }
            }
            ast::Pattern::MatchValue(it) => {
                self.evaluate(&it.value);
            }
            ast::Pattern::MatchSingleton(_) => {}
        }
    }

    // ---- imports ----

    fn import(&mut self, it: &'p ast::StmtImport) {
        for alias in &it.names {
            let dotted = alias.name.as_str();
            // `import a.b.c` runs a, a.b and a.b.c, and binds `a` unless renamed.
            let ends: Vec<usize> = dotted
                .match_indices('.')
                .map(|(at, _)| at)
                .chain([dotted.len()])
                .collect();
            let mut first = None;
            let mut last = Value::unknown();
            for end in ends {
                let import =
                    self.project
                        .import_absolute(self.frame.file, &dotted[..end], self.knowledge);
                last = self.imported(&import, &dotted[..end], span_of(alias));
                first.get_or_insert_with(|| last.clone());
                if import == Import::External {
                    self.note_import(&import, dotted, span_of(alias));
                    // Nothing below it is part of the project either.
                    last = Value::of(self.external(dotted));
                    break;
                }
            }
            match &alias.asname {
                Some(name) => {
                    let sym = self.sym(name.as_str());
                    self.assign_name(sym, &last, span_of(name));
                }
                None => {
                    let top = dotted.split('.').next().unwrap_or(dotted);
                    let sym = self.sym(top);
                    let value = first.unwrap_or(last);
                    self.assign_name(sym, &value, span_of(alias));
                }
            }
        }
    }

    fn import_from(&mut self, it: &'p ast::StmtImportFrom) {
        let module = it.module.as_ref().map_or("", |module| module.as_str());
        if module == "__future__" {
            return;
        }
        let base = self
            .project
            .import_from(self.frame.file, module, it.level, self.knowledge);
        let object = self.imported(&base, module, span_of(it));
        if it.level == 0 {
            self.note_import(&base, module, span_of(it));
        }
        for alias in &it.names {
            let name = alias.name.as_str();
            if name == "*" {
                match &base {
                    Import::File(file) => self.import_star(*file, span_of(it)),
                    Import::External => self.import_known(module, span_of(it)),
                    Import::Namespace(_) => {}
                }
                continue;
            }
            let mut value = match &base {
                Import::External => {
                    let full = if module.is_empty() {
                        name.to_owned()
                    } else {
                        format!("{module}.{name}")
                    };
                    let known = self.external(&full);
                    self.load_external(known, span_of(alias), false)
                }
                _ => self.attribute(&object, name, span_of(alias)),
            };
            // A submodule counts when the package itself defines no such name.
            if value.objs().iter().all(|obj| matches!(obj, Obj::Unknown)) {
                let submodule = self.project.submodule(&base, name);
                if submodule != Import::External {
                    value = self.imported(&submodule, name, span_of(alias));
                }
            }
            let bound = alias.asname.as_ref().unwrap_or(&alias.name);
            let sym = self.sym(bound.as_str());
            self.assign_name(sym, &value, span_of(bound));
        }
    }

    /// Remembers which modules outside the project are loaded with the workflow, and which of them
    /// only while it runs.
    fn note_import(&mut self, import: &Import, module: &str, span: Span) {
        let package = module.split('.').next().unwrap_or(module);
        if *import != Import::External
            || self.knowledge.is_stdlib(package)
            || self.knowledge.is_sdk_package(package)
            || self.knowledge.is_engine(package)
        {
            return;
        }
        let name = self.sym(module);
        let passed = self.frame.passthrough > 0;
        if self.at_import() {
            *self.loaded.entry(name).or_insert(passed) &= passed;
        } else if !passed {
            self.record_event(span, EventKind::LateImport(name), None);
        }
    }

    /// Makes sure that an imported module runs, and returns it.
    pub(super) fn imported(&mut self, import: &Import, dotted: &str, _span: Span) -> Value {
        match import {
            Import::File(file) => {
                self.import_module(*file);
                if self.frame.passthrough > 0 && !self.passed_through.contains(file) {
                    self.passed_through.push(*file);
                }
                Value::of(Obj::Module(*file))
            }
            Import::Namespace(directory) => {
                let sym = self.sym(directory);
                Value::of(Obj::Namespace(sym))
            }
            Import::External => Value::of(self.external(dotted)),
        }
    }

    /// `from time import *`: the names that the catalogue knows.
    fn import_known(&mut self, module: &str, span: Span) {
        let replaced = self.defined_after(span);
        for name in self.knowledge.names_in(module) {
            if replaced.contains(name) {
                continue;
            }
            let value = Value::of(self.external(&format!("{module}.{name}")));
            let name = self.sym(name);
            self.assign_name(name, &value, Span::default());
        }
    }

    fn import_star(&mut self, file: crate::diagnostic::FileId, span: Span) {
        let Some(module) = self.project.module(file) else {
            return;
        };
        let all = self.read(CellKey::Global(file, self.known.all));
        let exported: Vec<Sym> = self
            .all_elements(&all)
            .objs()
            .iter()
            .filter_map(|obj| {
                if let Obj::Str(sym) = obj {
                    Some(*sym)
                } else {
                    None
                }
            })
            .collect();
        let names: Vec<Sym> = if exported.is_empty() {
            let locals = module.index().function(MODULE_BODY).locals.iter();
            let public: Vec<&str> = locals.filter(|name| !name.starts_with('_')).collect();
            let mut names: Vec<Sym> = public.into_iter().map(|name| self.sym(name)).collect();
            names.extend(self.star_names(file));
            names
        } else {
            exported
        };
        let replaced = self.defined_after(span);
        for name in names {
            let text = self.str(name).to_owned();
            if replaced.contains(text.as_str()) {
                continue;
            }
            let value = self.attribute(&Value::of(Obj::Module(file)), &text, Span::default());
            if !value.is_bottom() {
                self.assign_name(name, &value, Span::default());
            }
        }
    }

    /// The names that the running module body defines after a place in any case, and that replace
    /// what a star import there gives.
    fn defined_after(&self, span: Span) -> BTreeSet<&'p str> {
        let mut names = BTreeSet::new();
        if !self.in_module_body() {
            return names;
        }
        let body = &self.frame.module.tree().body;
        for statement in body.iter().filter(|it| span_of(*it).start > span.start) {
            match statement {
                Stmt::FunctionDef(it) => {
                    names.insert(it.name.as_str());
                }
                Stmt::ClassDef(it) => {
                    names.insert(it.name.as_str());
                }
                Stmt::ImportFrom(it) => {
                    let bound = it.names.iter();
                    names.extend(bound.map(|it| it.asname.as_ref().unwrap_or(&it.name).as_str()));
                }
                Stmt::Assign(it) => {
                    names.extend(it.targets.iter().filter_map(|target| match target {
                        Expr::Name(name) => Some(name.id.as_str()),
                        _ => None,
                    }));
                }
                _ => {}
            }
        }
        names
    }

    /// Names that a module itself got through a star import, as far as its run has come.
    fn star_names(&mut self, file: crate::diagnostic::FileId) -> Vec<Sym> {
        let mut names = self.globals_of.get(&file).cloned().unwrap_or_default();
        names.retain(|name| !self.str(*name).starts_with('_'));
        names
    }

    /// In workflow code `__name__` is never `"__main__"`; the full graph looks at both.
    pub(super) fn module_dunder_name(&mut self) -> Value {
        if self.mode == Mode::Full {
            return Value::unknown();
        }
        let name = self.project.module_name(self.frame.file);
        let sym = self.sym(&name);
        Value::of(Obj::Str(sym))
    }
}

fn does_nothing(statement: &Stmt) -> bool {
    match statement {
        Stmt::Pass(_) | Stmt::Continue(_) => true,
        Stmt::Expr(it) => it.value.is_ellipsis_literal_expr(),
        _ => false,
    }
}

/// Whether evaluating a condition may change how it ends the next time.
fn acts(test: &Expr) -> bool {
    match test {
        Expr::Name(_) | Expr::BooleanLiteral(_) | Expr::NumberLiteral(_) | Expr::NoneLiteral(_) => {
            false
        }
        Expr::Attribute(it) => acts(&it.value),
        Expr::UnaryOp(it) => acts(&it.operand),
        Expr::BoolOp(it) => it.values.iter().any(acts),
        Expr::Compare(it) => acts(&it.left) || it.comparators.iter().any(acts),
        _ => true,
    }
}

fn join_slot(slot: &mut Option<State>, state: State) {
    match slot {
        Some(joined) => joined.join(&state),
        None => *slot = Some(state),
    }
}

fn ends_flow(body: &[Stmt]) -> bool {
    matches!(
        body.last(),
        Some(Stmt::Return(_) | Stmt::Raise(_) | Stmt::Continue(_) | Stmt::Break(_))
    )
}

fn is_empty_container_or_none(expression: &Expr) -> bool {
    match expression {
        Expr::NoneLiteral(_) | Expr::EllipsisLiteral(_) => true,
        Expr::List(it) => it.elts.is_empty(),
        Expr::Dict(it) => it.items.is_empty(),
        Expr::Tuple(it) => it.elts.is_empty(),
        Expr::Call(it) => {
            it.arguments.is_empty()
                && matches!(&*it.func, Expr::Name(name) if matches!(name.id.as_str(), "list" | "dict" | "set"))
        }
        _ => false,
    }
}

/// Whether a handler stands for exceptions of all kinds.
fn catches_everything(handler: &ast::ExceptHandler) -> bool {
    let ast::ExceptHandler::ExceptHandler(handler) = handler;
    let is_broad = |class: &Expr| matches!(class, Expr::Name(name) if matches!(name.id.as_str(), "Exception" | "BaseException"));
    match handler.type_.as_deref() {
        None => true,
        Some(Expr::Tuple(classes)) => classes.elts.iter().any(is_broad),
        Some(class) => is_broad(class),
    }
}

/// Whether the order in which a body sees its elements shows afterwards: it awaits, leaves the
/// loop early, builds a sequence or text. Counting, filling sets and mappings, logging and calls
/// for their effect on one element each do not show it.
fn is_order_sensitive(body: &[Stmt]) -> bool {
    has_await(body) || body.iter().any(shows_order)
}

fn shows_order(statement: &Stmt) -> bool {
    match statement {
        Stmt::Return(_) | Stmt::Break(_) => true,
        Stmt::Expr(it) => match &*it.value {
            Expr::Call(call) => matches!(
                &*call.func,
                Expr::Attribute(attribute) if matches!(
                    attribute.attr.as_str(),
                    "append" | "appendleft" | "insert" | "extend" | "write" | "put" | "put_nowait" | "send" | "cancel"
                )
            ),
            Expr::Yield(_) | Expr::YieldFrom(_) => true,
            _ => false,
        },
        Stmt::AugAssign(it) => it.op == ast::Operator::Add && !it.value.is_number_literal_expr(),
        Stmt::If(it) => {
            it.body.iter().any(shows_order)
                || it
                    .elif_else_clauses
                    .iter()
                    .any(|clause| clause.body.iter().any(shows_order))
        }
        Stmt::For(it) => it.body.iter().any(shows_order),
        Stmt::With(it) => it.body.iter().any(shows_order),
        Stmt::Try(it) => it.body.iter().any(shows_order),
        _ => false,
    }
}

/// Whether a body awaits anything, not counting nested functions.
fn has_await(body: &[Stmt]) -> bool {
    use crate::syntax::ast::visitor::{Visitor, walk_expr, walk_stmt};
    struct Finder(bool);
    impl<'a> Visitor<'a> for Finder {
        fn visit_stmt(&mut self, statement: &'a Stmt) {
            if !matches!(statement, Stmt::FunctionDef(_) | Stmt::ClassDef(_)) {
                walk_stmt(self, statement);
            }
        }
        fn visit_expr(&mut self, expression: &'a Expr) {
            match expression {
                Expr::Await(_) => self.0 = true,
                Expr::Lambda(_) => {}
                _ => walk_expr(self, expression),
            }
        }
    }
    let mut finder = Finder(false);
    finder.visit_body(body);
    finder.0
}
