//! Executing statements.

use crate::syntax::ast::{self, Expr, Stmt};
use crate::syntax::span_of;

use super::args::Args;
use super::conditions::Truth;
use super::{Except, How, Kinds, Machine, Obj, Sink, SinkKind, State, Value};

impl<'p> Machine<'p> {
    pub(super) fn execute(&mut self, body: &'p [Stmt]) {
        let (vouched, replaying) = (self.frame.vouched, self.frame.replaying);
        self.nesting += 1;
        for statement in body {
            if self.frame.state.dead || self.is_out_of_steps() {
                break;
            }
            // `if is_replaying(): return` leaves the rest to the first execution only, and so does
            // `assert not is_replaying()`.
            let asked = self.frame.asked_replay.len();
            let leaves = match statement {
                Stmt::If(it) => self.if_statement(it) && ends_flow(&it.body),
                Stmt::Assert(it) => self.assert(it),
                _ => {
                    self.statement(statement);
                    false
                }
            };
            self.frame.asked_replay.truncate(asked);
            if leaves {
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
            Stmt::AugAssign(it) => self.augmented_assignment(it),
            Stmt::Return(it) => self.return_statement(it),
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
            Stmt::Raise(it) => self.raise(it),
            Stmt::Assert(it) => {
                self.assert(it);
            }
            Stmt::Delete(it) => it.targets.iter().for_each(|target| self.delete(target)),
            Stmt::Break(_) => self.leave_loop(),
            Stmt::Continue(_) => self.skip_rest_of_round(),
            Stmt::Global(_)
            | Stmt::Nonlocal(_)
            | Stmt::Pass(_)
            | Stmt::TypeAlias(_)
            | Stmt::IpyEscapeCommand(_) => {}
        }
    }

    fn return_statement(&mut self, it: &'p ast::StmtReturn) {
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

    fn raise(&mut self, it: &'p ast::StmtRaise) {
        if let Some(exception) = &it.exc {
            let value = self.evaluate(exception);
            let span = span_of(&**exception);
            self.record_sink(&value, SinkKind::Result, span_of(it));
            self.note_exception(&value, span);
            for &obj in value.objs() {
                if let Obj::Class(_) = obj {
                    self.apply(obj, &Args::default(), span, How::Construct);
                }
            }
        }
        if let Some(cause) = &it.cause {
            self.evaluate(cause);
        }
        self.leave_by_exception();
        self.frame.state.dead = true;
    }

    /// Says whether it asks if history is being replayed.
    fn assert(&mut self, it: &'p ast::StmtAssert) -> bool {
        let outer = self.open_control();
        self.condition(&it.test);
        let asks = self.frame.asks_replay;
        self.leave_by_exception();
        if let Some(message) = &it.msg {
            self.evaluate(message);
        }
        self.close_control(outer);
        self.narrow(&it.test, true);
        asks
    }

    fn delete(&mut self, target: &'p Expr) {
        let span = span_of(target);
        match target {
            Expr::Subscript(it) => {
                let object = self.evaluate(&it.value);
                self.evaluate(&it.slice);
                self.call_special(&object, "__delitem__", span, How::Operator);
                self.record_mutation(&object, span, &it.value);
                self.scatter_all(&object);
            }
            Expr::Attribute(it) => {
                let object = self.evaluate(&it.value);
                self.delete_attribute(&object, it.attr.as_str(), span);
            }
            _ => {}
        }
    }

    /// The value of a call statement is thrown away. What it was given went to the code that was
    /// called, which is analysed on its own when it is known.
    fn record_discarded(&mut self, value: &Value, expression: &'p Expr) {
        let call = match expression {
            Expr::Await(it) => &*it.value,
            other => other,
        };
        let own = span_of(call);
        if value.taint().is_empty() {
            return;
        }
        let out = &self.frame.out;
        let takes = |sink: &Sink| sink.span == own && sink.kind != SinkKind::External;
        let is_known = out.edges.iter().any(|edge| edge.span == own) || out.sinks.iter().any(takes);
        if !is_known {
            self.record_sink_except(value, SinkKind::External, own, Except::Own);
        }
    }

    /// Evaluates a condition, which decides over what follows, and says how it ends.
    pub(super) fn condition(&mut self, test: &'p Expr) -> Truth {
        self.decision(test, SinkKind::Branch)
    }

    pub(super) fn decision(&mut self, test: &'p Expr, kind: SinkKind) -> Truth {
        let value = self.evaluate(test);
        self.call_truth(&value, span_of(test));
        let truth = self.truth(test, &value);
        self.frame.asks_replay = self.asks_replay(&value);
        if self.frame.asks_replay {
            let asked = self.taint_of_kinds(&value, Kinds::REPLAY);
            self.frame.asked_replay.extend(asked);
        }
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
}

fn ends_flow(body: &[Stmt]) -> bool {
    matches!(
        body.last(),
        Some(Stmt::Return(_) | Stmt::Raise(_) | Stmt::Continue(_) | Stmt::Break(_))
    )
}
