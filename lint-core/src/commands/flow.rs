//! What statements do, in the order in which they do it.

use std::rc::Rc;

use crate::place::Place;
use crate::syntax::ast::{self, Expr, Stmt};
use crate::syntax::span_of;

use super::builder::{Builder, Scope, exit, wait_for};
use super::definitions::enumerated;
use super::normal::{around, commands_in, size};
use super::structure::{Choice, Condition, Exit, Loop, Node, Try};

pub(super) type Nodes = Vec<Node>;

impl<'p> Builder<'_, 'p> {
    pub(super) fn block(&mut self, scope: &Rc<Scope<'p>>, body: &'p [Stmt]) -> Nodes {
        let mut out = Nodes::new();
        for statement in body {
            if self.is_full() {
                break;
            }
            self.statement(scope, statement, &mut out);
        }
        out
    }

    fn statement(&mut self, scope: &Rc<Scope<'p>>, statement: &'p Stmt, out: &mut Nodes) {
        let place = self.at(scope, span_of(statement));
        match statement {
            Stmt::FunctionDef(_) | Stmt::ClassDef(_) => {}
            Stmt::Return(it) => {
                if let Some(value) = &it.value {
                    self.expr(scope, value, out);
                }
                self.push(out, exit(Exit::Return, place));
            }
            Stmt::Raise(it) => {
                for value in it.exc.iter().chain(&it.cause) {
                    self.expr(scope, value, out);
                }
                self.push(out, exit(Exit::Raise, place));
            }
            Stmt::Break(_) => self.push(out, exit(Exit::Break, place)),
            Stmt::Continue(_) => self.push(out, exit(Exit::Continue, place)),
            Stmt::If(it) => self.if_statement(scope, it, out),
            Stmt::While(it) => self.while_statement(scope, it, out),
            Stmt::For(it) => self.for_statement(scope, it, out),
            Stmt::With(it) => self.with_statement(scope, it, out),
            Stmt::Try(it) => self.try_statement(scope, it, out),
            Stmt::Match(it) => self.match_statement(scope, it, out),
            Stmt::Expr(it) => self.expr(scope, &it.value, out),
            Stmt::Assign(it) => {
                self.expr(scope, &it.value, out);
                for target in &it.targets {
                    self.note_write(scope, target, "=", &it.value, out);
                }
            }
            Stmt::AugAssign(it) => {
                self.expr(scope, &it.value, out);
                let how = format!("{}=", it.op);
                self.note_write(scope, &it.target, &how, &it.value, out);
            }
            Stmt::Delete(it) => {
                for target in &it.targets {
                    self.note_write(scope, target, "deleted", target, out);
                }
            }
            Stmt::AnnAssign(it) => {
                if let Some(value) = &it.value {
                    self.expr(scope, value, out);
                    self.note_write(scope, &it.target, "=", value, out);
                }
            }
            _ => {}
        }
    }

    fn if_statement(&mut self, scope: &Rc<Scope<'p>>, it: &'p ast::StmtIf, out: &mut Nodes) {
        let mut otherwise = Nodes::new();
        for clause in it.elif_else_clauses.iter().rev() {
            let body = self.block(scope, &clause.body);
            match &clause.test {
                None => otherwise = body,
                Some(test) => {
                    let mut nested = Nodes::new();
                    self.branch(scope, test, body, otherwise, &mut nested);
                    otherwise = nested;
                }
            }
        }
        let then = self.block(scope, &it.body);
        self.branch(scope, &it.test, then, otherwise, out);
    }

    /// Goes one way or the other.
    pub(super) fn branch(
        &mut self,
        scope: &Rc<Scope<'p>>,
        test: &'p Expr,
        then: Nodes,
        otherwise: Nodes,
        out: &mut Nodes,
    ) {
        match test {
            Expr::UnaryOp(it) if it.op == ast::UnaryOp::Not => {
                return self.branch(scope, &it.operand, otherwise, then, out);
            }
            Expr::Named(it) => return self.branch(scope, &it.value, then, otherwise, out),
            Expr::BoolOp(it) if it.values.iter().any(|it| self.patch(scope, it).is_some()) => {
                let (first, rest) = it.values.split_at(1);
                let is_and = it.op == ast::BoolOp::And;
                let (mut then, mut otherwise) = (then, otherwise);
                self.count((size(&then) + size(&otherwise)) * rest.len());
                for operand in rest.iter().rev() {
                    let mut nested = Nodes::new();
                    let (taken, passed) = (then.clone(), otherwise.clone());
                    self.branch(scope, operand, then, otherwise, &mut nested);
                    (then, otherwise) = if is_and {
                        (nested, passed)
                    } else {
                        (taken, nested)
                    };
                }
                return self.branch(scope, &first[0], then, otherwise, out);
            }
            _ => {}
        }
        let condition = match self.patch(scope, test) {
            Some(id) => Condition::Patched(id),
            None => {
                self.expr(scope, test, out);
                match self.describe(scope, test).as_str() {
                    "True" => return out.extend(then),
                    "False" | "None" => return out.extend(otherwise),
                    text => Condition::Test(text.to_owned()),
                }
            }
        };
        self.choose(scope, condition, then, otherwise, test, out);
    }

    pub(super) fn choose(
        &mut self,
        scope: &Rc<Scope<'p>>,
        condition: Condition,
        then: Nodes,
        otherwise: Nodes,
        at: &'p Expr,
        out: &mut Nodes,
    ) {
        let place = self.at(scope, span_of(at));
        let is_idle = then.is_empty() && otherwise.is_empty();
        let choice = Choice {
            condition,
            then,
            otherwise,
            place,
        };
        if let Condition::Patched(id) = &choice.condition {
            self.asked.insert(id.clone());
        } else if is_idle {
            return;
        }
        self.push(out, Node::Choice(choice));
    }

    fn while_statement(&mut self, scope: &Rc<Scope<'p>>, it: &'p ast::StmtWhile, out: &mut Nodes) {
        let mut body = Nodes::new();
        self.expr(scope, &it.test, &mut body);
        let tests_first = !body.is_empty();
        let text = self.describe(scope, &it.test);
        let place = self.at(scope, span_of(&*it.test));
        if tests_first {
            // The test itself issues commands, so it is a part of the body that may leave.
            let leave = vec![exit(Exit::Break, place)];
            self.choose(
                scope,
                Condition::Test(text),
                Nodes::new(),
                leave,
                &it.test,
                &mut body,
            );
        }
        let header = match &*it.test {
            _ if tests_first => "while True".to_owned(),
            Expr::NumberLiteral(_) => "while True".to_owned(),
            test => format!("while {}", self.describe(scope, test)),
        };
        body.extend(self.block(scope, &it.body));
        let otherwise = self.block(scope, &it.orelse);
        self.repeat(header, body, otherwise, place, out);
    }

    fn for_statement(&mut self, scope: &Rc<Scope<'p>>, it: &'p ast::StmtFor, out: &mut Nodes) {
        self.expr(scope, &it.iter, out);
        let over = enumerated(&it.iter).unwrap_or(&it.iter);
        let place = self.at(scope, span_of(&*it.iter));
        let body = self.block(scope, &it.body);
        let otherwise = self.block(scope, &it.orelse);
        let nodes = self.for_each_answer(scope, [over], place, &mut |builder| {
            let header = format!("for each {}", builder.describe(scope, over));
            let mut nodes = Nodes::new();
            builder.repeat(header, body.clone(), otherwise.clone(), place, &mut nodes);
            nodes
        });
        out.extend(nodes);
    }

    pub(super) fn repeat(
        &mut self,
        header: String,
        body: Nodes,
        otherwise: Nodes,
        place: Place,
        out: &mut Nodes,
    ) {
        if body
            .iter()
            .any(|it| !matches!(it, Node::Exit(Exit::Continue, _)))
            || !otherwise.is_empty()
        {
            let node = Node::Loop(Loop {
                header,
                body,
                otherwise,
                place,
            });
            self.push(out, node);
        }
    }

    fn with_statement(&mut self, scope: &Rc<Scope<'p>>, it: &'p ast::StmtWith, out: &mut Nodes) {
        let from = out.len();
        let mut managers: Vec<Nodes> = Vec::new();
        let mut leaving = Nodes::new();
        let mut leaving_locks = Nodes::new();
        let mut is_group = false;
        for item in &it.items {
            let span = span_of(&item.context_expr);
            self.expr(scope, &item.context_expr, out);
            if let Expr::Call(call) = &item.context_expr {
                let name = self.external_called(scope, call);
                is_group |= name.as_deref() == Some("asyncio.TaskGroup");
            }
            let entered = self.entered(scope, span);
            if it.is_async && entered.is_empty() && !item.context_expr.is_call_expr() {
                let place = self.at(scope, span);
                let lock = self.describe_object(scope, &item.context_expr);
                self.push(out, Node::Note(format!("acquire {lock}"), place));
                leaving_locks.push(Node::Note(format!("release {lock}"), place));
            }
            let call = item.context_expr.as_call_expr();
            for callee in entered {
                let name = self.machine.ctx_name(callee);
                if self.is_generator(callee) {
                    managers.push(self.inlined(scope, callee, call));
                    continue;
                }
                let nodes = self.inlined(scope, callee, None);
                match name.ends_with("exit__") {
                    true => leaving.extend(nodes),
                    false => out.extend(nodes),
                }
            }
        }
        let body = self.block(scope, &it.body);
        let body = managers.into_iter().rev().fold(body, around);
        let place = self.at(scope, span_of(it));
        if leaving.is_empty() {
            out.extend(body);
        } else {
            let node = Node::Try(Try {
                body,
                handlers: Vec::new(),
                otherwise: Nodes::new(),
                finally: leaving,
                place,
            });
            self.push(out, node);
        }
        out.extend(leaving_locks);
        if is_group {
            let on = commands_in(&out[from..]);
            self.push(out, Node::Wait(wait_for(on), place));
        }
    }

    fn try_statement(&mut self, scope: &Rc<Scope<'p>>, it: &'p ast::StmtTry, out: &mut Nodes) {
        let body = self.block(scope, &it.body);
        let mut handlers = Vec::new();
        for ast::ExceptHandler::ExceptHandler(handler) in &it.handlers {
            let caught = handler.type_.as_deref();
            let caught = caught.map_or_else(String::new, |it| self.describe(scope, it));
            handlers.push((caught, self.block(scope, &handler.body)));
        }
        let otherwise = self.block(scope, &it.orelse);
        let finally = self.block(scope, &it.finalbody);
        let place = self.at(scope, span_of(it));
        if body.is_empty() {
            // Nothing in it waits, so nothing of the history makes it fail.
            out.extend(otherwise);
            out.extend(finally);
            return;
        }
        let node = Node::Try(Try {
            body,
            handlers,
            otherwise,
            finally,
            place,
        });
        self.push(out, node);
    }

    fn match_statement(&mut self, scope: &Rc<Scope<'p>>, it: &'p ast::StmtMatch, out: &mut Nodes) {
        self.expr(scope, &it.subject, out);
        let subject = self.describe(scope, &it.subject);
        // What no case is for may be impossible.
        let place = self.at(scope, span_of(&*it.subject));
        let mut otherwise = match it.cases.iter().any(takes_all) {
            true => Nodes::new(),
            false => vec![Node::Opaque(NO_CASE.to_owned(), place)],
        };
        for case in it.cases.iter().rev() {
            let body = self.block(scope, &case.body);
            if takes_all(case) {
                otherwise = body;
                continue;
            }
            let pattern = self.describe_pattern(scope, &case.pattern);
            let mut text = format!("{subject} == {pattern}");
            if let Some(guard) = &case.guard {
                text = format!("{text} and {}", self.describe(scope, guard));
            }
            let mut nested = Nodes::new();
            let condition = Condition::Test(text);
            self.choose(scope, condition, body, otherwise, &it.subject, &mut nested);
            otherwise = nested;
        }
        if !has_no_case(&otherwise) {
            out.extend(otherwise);
        }
    }
}

const NO_CASE: &str = "no case applies";

fn takes_all(case: &ast::MatchCase) -> bool {
    let is_any = matches!(&case.pattern, ast::Pattern::MatchAs(it) if it.pattern.is_none());
    is_any && case.guard.is_none()
}

/// Whether nothing is left of a `match` but that no case applies.
fn has_no_case(nodes: &[Node]) -> bool {
    nodes.iter().all(|node| match node {
        Node::Opaque(why, _) => why == NO_CASE,
        Node::Choice(it) => it.then.is_empty() && has_no_case(&it.otherwise),
        _ => false,
    })
}
