//! Attributes that `run` sets to something empty before anything has read them.

use std::collections::BTreeSet;

use lint_core::diagnostic::Severity;
use lint_core::facts::{Callee, FunctionRef};
use lint_core::syntax::ast::{Expr, Stmt};
use lint_core::syntax::span_of;

use super::kept::{Lost, Messages, attributes_of, looks_up, set_to_empty};
use crate::program::{Node, nodes_of, nodes_of_expr, own_nodes};
use crate::sdk;

impl Messages<'_, '_> {
    /// What `run` sets to something empty before anything has read it.
    pub(super) fn set_back(&self, run: FunctionRef) -> Vec<Lost> {
        let body = self.program.def(run).map_or(&[][..], |it| &it.body[..]);
        let mut walk = Walk {
            messages: self,
            run,
            used: BTreeSet::new(),
            has_waited: false,
            has_asked: false,
            found: Vec::new(),
        };
        walk.body(body);
        walk.found
    }
}

/// Goes through the statements of `run` that are not repeated and that no condition decides on.
struct Walk<'a, 'f, 'p> {
    messages: &'a Messages<'f, 'p>,
    run: FunctionRef,
    /// The attributes that were read or set so far.
    used: BTreeSet<&'p str>,
    has_waited: bool,
    /// Whether it has done more than to let time pass: somebody may answer.
    has_asked: bool,
    found: Vec<Lost>,
}

impl<'p> Walk<'_, '_, 'p> {
    fn body(&mut self, body: &'p [Stmt]) {
        for (ix, statement) in body.iter().enumerate() {
            match statement {
                Stmt::With(it) => {
                    for item in &it.items {
                        self.note(nodes_of_expr(&item.context_expr));
                    }
                    self.body(&it.body);
                }
                Stmt::Try(it) => {
                    self.body(&it.body);
                    self.note(nodes_of(std::slice::from_ref(statement)));
                }
                _ => {
                    self.look(statement, &body[ix + 1..]);
                    self.note(nodes_of(std::slice::from_ref(statement)));
                }
            }
        }
    }

    fn look(&mut self, statement: &'p Stmt, rest: &[Stmt]) {
        let Some((target, name)) = set_to_empty(statement) else {
            return;
        };
        let messages = self.messages;
        let later = || messages.kept_later.get(name).filter(|_| self.has_waited);
        let Some(handler) = messages.kept.get(name).or_else(later) else {
            return;
        };
        if self.used.contains(name) || !messages.begun.contains(name) {
            return;
        }
        if self.has_waited && !(self.has_asked && self.is_waited_for(name, rest)) {
            return;
        }
        let help = match self.has_waited {
            true => "set it before the step that asks for it",
            false => "set it in `__init__`, which runs before all handlers",
        };
        self.found.push(Lost {
            function: self.run,
            span: span_of(target),
            message: format!(
                "`run` of `{}` sets `self.{name}` back before anything has read it, so what `{handler}` has put there before is lost",
                messages.running.short_name()
            ),
            help,
            severity: Severity::Warning,
        });
    }

    /// Whether the next that happens is a wait for it.
    fn is_waited_for(&self, name: &str, rest: &[Stmt]) -> bool {
        let (program, file) = (self.messages.program, self.run.file);
        let next = rest.iter().find(|it| {
            nodes_of(std::slice::from_ref(*it))
                .iter()
                .any(|node| matches!(node, Node::Expr(Expr::Await(_))))
        });
        let nodes = next.map(|it| nodes_of(std::slice::from_ref(it)));
        nodes.into_iter().flatten().any(|node| match node {
            Node::Expr(it @ Expr::Call(call)) if program.calls(file, call, sdk::WAIT_CONDITION) => {
                looks_up(it, name)
            }
            _ => false,
        })
    }

    /// What some code uses, before or after it has waited.
    fn note(&mut self, nodes: Vec<Node<'p>>) {
        let program = self.messages.program;
        let mut pending = nodes;
        let mut entered = BTreeSet::new();
        while let Some(node) = pending.pop() {
            match node {
                Node::Expr(Expr::Attribute(it)) => {
                    self.used.insert(it.attr.as_str());
                }
                Node::Expr(Expr::Lambda(it)) => pending.extend(nodes_of_expr(&it.body)),
                Node::Expr(Expr::Await(it)) => {
                    self.has_waited |= program.suspends(self.run.file, &it.value);
                    self.has_asked |= self.asks(self.run, node);
                }
                Node::Stmt(Stmt::With(it)) => self.has_waited |= it.is_async,
                Node::Expr(Expr::Call(call)) => {
                    let called = program.functions(self.run.file, call);
                    let called = called.chain(program.callbacks(self.run.file, call));
                    for it in called.flat_map(|it| program.runs_from(it)) {
                        if entered.insert(it) {
                            let def = program.def(it);
                            self.used.extend(def.into_iter().flat_map(attributes_of));
                            let mut own = own_nodes(program.function(it));
                            self.has_asked |= own.any(|node| self.asks(it, node));
                        }
                    }
                }
                _ => {}
            }
        }
    }
    /// Whether a node waits for more than time and conditions.
    fn asks(&self, function: FunctionRef, node: Node<'_>) -> bool {
        const SLEEP: &[&str] = &["asyncio.sleep", "temporalio.workflow.sleep"];
        let Node::Expr(Expr::Await(it)) = node else {
            return false;
        };
        let callees = it.value.as_call_expr();
        let callees = callees.map(|it| self.messages.program.callees(function.file, it));
        let only_waits = |it: &Callee| match it {
            Callee::External(name) => {
                SLEEP.contains(&name.as_str()) || sdk::WAIT_CONDITION.contains(&name.as_str())
            }
            // What it awaits is asked itself.
            it => matches!(it, Callee::Function(_)),
        };
        !callees.is_some_and(|it| !it.is_empty() && it.iter().all(only_waits))
    }
}
