//! Loops, which are executed until nothing changes.

use crate::diagnostic::Span;
use crate::syntax::ast::{self, Expr, Stmt};
use crate::syntax::span_of;

use super::conditions::Truth;
use super::{How, Machine, SinkKind, State, Value};

impl<'p> Machine<'p> {
    pub(super) fn while_loop(&mut self, it: &'p ast::StmtWhile) {
        if it.body.iter().all(does_nothing) && it.orelse.is_empty() && !acts(&it.test) {
            let busy_wait = self.sym("while");
            let head = Span::new(span_of(it).start, span_of(&*it.test).end);
            self.call_hazard(busy_wait, None, head);
        }
        self.frame.state.attributes.clear();
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

    pub(super) fn for_loop(&mut self, it: &'p ast::StmtFor) {
        let iterable = self.evaluate(&it.iter);
        let span = span_of(&*it.iter);
        if let Some(rounds) = self.namespace_rounds(&iterable, span) {
            return self.for_each_member(it, &rounds);
        }
        if let Some(rows) = self.rows_of(&it.iter, &iterable) {
            return self.for_each_of(it, &rows);
        }
        let mut element = self.iterate(&iterable, span, How::Iterate);
        let outer = self.open_control();
        let order = self.set_order(&iterable);
        let around = self.frame.fill_order.clone();
        self.frame.fill_order.join(&order);
        if self.only_awaits(it, &element) {
            // All are awaited, whichever is first.
        } else if is_order_sensitive(&it.body) {
            let source = self.note_order(&iterable, span);
            element = element.with_source(source);
        } else {
            // It shows if the body issues commands, itself or in what it calls.
            let source = self.note_possible_order(&iterable, span);
            let order = Value::bottom().with_source(source);
            self.decide(&order, SinkKind::Order, span);
        }
        self.frame.state.attributes.clear();
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
        self.frame.fill_order = around;
        self.close_loop(outer);
        self.end_loop(&it.orelse);
        self.keep_last(it, &iterable);
    }

    /// Whether a loop does nothing but await what runs already.
    fn only_awaits(&self, it: &ast::StmtFor, element: &Value) -> bool {
        let (Expr::Name(target), [Stmt::Expr(only)]) = (&*it.target, &it.body[..]) else {
            return false;
        };
        let is_awaited = match &*only.value {
            Expr::Await(awaited) => {
                matches!(&*awaited.value, Expr::Name(name) if name.id == target.id)
            }
            _ => false,
        };
        is_awaited
            && !element.objs().is_empty()
            && element.objs().iter().all(|obj| self.is_task(obj))
    }

    /// `last = element` leaves the element that came last, which is another one in another order.
    fn keep_last(&mut self, it: &'p ast::StmtFor, iterable: &Value) {
        let Expr::Name(target) = &*it.target else {
            return;
        };
        for statement in &it.body {
            let Stmt::Assign(assigned) = statement else {
                continue;
            };
            if let ([Expr::Name(last)], Expr::Name(value)) =
                (&assigned.targets[..], &*assigned.value)
                && value.id == target.id
            {
                let order = self.note_order(iterable, span_of(&*it.iter));
                let last = self.sym(last.id.as_str());
                if let Some(held) = self.frame.state.vars.get_mut(&last) {
                    *held = held.clone().with_source(order);
                }
            }
        }
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

    /// `break`
    pub(super) fn leave_loop(&mut self) {
        self.leave_round();
        let state = self.frame.state.clone();
        if let Some(slot) = self.frame.breaks.last_mut() {
            join_slot(slot, state);
        }
        self.frame.state.dead = true;
    }

    /// `continue`
    pub(super) fn skip_rest_of_round(&mut self) {
        self.leave_round();
        let state = self.frame.state.clone();
        if let Some(slot) = self.frame.continues.last_mut() {
            join_slot(slot, state);
        }
        self.frame.state.dead = true;
    }

    pub(super) fn end_loop(&mut self, orelse: &'p [Stmt]) {
        self.execute(orelse);
        if let Some(Some(state)) = self.frame.breaks.pop() {
            self.frame.state.join(&state);
        }
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
        Stmt::Assign(it) => extends(it),
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

/// `rows = (*rows, more)`, `rows = rows + [more]`
fn extends(it: &ast::StmtAssign) -> bool {
    let [Expr::Name(target)] = &it.targets[..] else {
        return false;
    };
    let is_target =
        |expression: &Expr| matches!(expression, Expr::Name(name) if name.id == target.id);
    let unpacks =
        |element: &Expr| matches!(element, Expr::Starred(starred) if is_target(&starred.value));
    match &*it.value {
        Expr::Tuple(made) => made.elts.iter().any(unpacks),
        Expr::List(made) => made.elts.iter().any(unpacks),
        Expr::BinOp(sum) => {
            is_target(&sum.left) && (sum.right.is_list_expr() || sum.right.is_tuple_expr())
        }
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
