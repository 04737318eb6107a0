//! Executing statements.

use crate::syntax::ast::{self, Expr, Stmt};
use crate::syntax::span_of;

use super::conditions::Truth;
use super::{Except, How, Machine, Obj, SinkKind, State, Value};

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
                                &super::args::Args::default(),
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

    /// Evaluates a condition, which decides over what follows, and says how it ends.
    pub(super) fn condition(&mut self, test: &'p Expr) -> Truth {
        self.decision(test, SinkKind::Branch)
    }

    pub(super) fn decision(&mut self, test: &'p Expr, kind: SinkKind) -> Truth {
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
