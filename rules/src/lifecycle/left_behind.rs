//! Queues and flags that a run leaves behind when it continues as new.

use std::collections::BTreeSet;

use lint_core::diagnostic::{Severity, Span};
use lint_core::facts::FunctionRef;
use lint_core::syntax::ast::{self, Expr, Stmt};
use lint_core::syntax::span_of;

use super::blocks::{around, goes_on};
use super::ends::falls_through;
use super::handler_continues_as_new::CONTINUE_AS_NEW;
use super::kept::{Lost, Messages, added_to, is_attribute, is_name};
use super::mentioned::looks_up;
use super::stale::is_empty;
use crate::program::{Node, nodes_of, nodes_of_expr, own_nodes};

/// What a function does from the last wait on the way to a place up to there.
struct Gap {
    awaited: Span,
    /// What comes after the wait.
    after: Vec<Span>,
}

/// A place where a function continues as new.
struct Restart<'p> {
    at: Span,
    /// The call that does so, and the one that leads there, if that is another one.
    calls: Vec<(FunctionRef, &'p ast::ExprCall)>,
    helper: Option<FunctionRef>,
}

impl<'p> Messages<'_, 'p> {
    /// The queues and flags that are lost where a function continues as new: something was awaited before, and since then
    /// nobody has looked whether something is there.
    pub(super) fn left_behind(&self, function: FunctionRef) -> Vec<Lost> {
        let program = self.program;
        let Some(def) = program.def(function) else {
            return Vec::new();
        };
        let flags = self.flags();
        let mut found = Vec::new();
        for restart in self.restarts(function) {
            let at = restart.at;
            let Some(gap) = self.gap(function, &def.body, at) else {
                continue;
            };
            let repeated = own_nodes(program.function(function)).find_map(|node| match node {
                Node::Stmt(it @ Stmt::While(_)) => span_of(it).contains(at).then_some(it),
                _ => None,
            });
            let repeated = repeated.map_or(&def.body[..], std::slice::from_ref);
            let is_lost = |name: &'p str| {
                !self.is_asked(function, name, &gap)
                    && !restart.helper.is_some_and(|it| self.mentions(it, name))
                    && !restart
                        .calls
                        .iter()
                        .any(|(of, it)| self.is_carried(*of, name, it))
            };
            let mut lost: Vec<(&str, &str)> = Vec::new();
            for (&name, handler) in &self.queues {
                let is_taken = self.takes_from(function, repeated, name);
                if is_taken && self.begins_empty(name) && is_lost(name) {
                    lost.push((name, handler));
                }
            }
            for (&name, &handler) in &flags {
                // What comes with it may tell the next run as much.
                if self.written_with(name).into_iter().all(is_lost) {
                    lost.push((name, handler));
                }
            }
            if !lost.is_empty() {
                found.push(self.lost_at(&restart, &lost));
            }
        }
        found
    }

    /// The last wait is before the place, or in the round of a loop before the one that comes to it.
    fn gap(&self, function: FunctionRef, body: &'p [Stmt], at: Span) -> Option<Gap> {
        let awaits = self.awaits(function);
        let before = awaits.iter().filter(|it| it.end <= at.start);
        let before = before.filter(|it| self.comes_to(function, body, **it, at));
        let before = before.max_by_key(|it| it.start).map(|&awaited| Gap {
            awaited,
            after: vec![Span::new(awaited.end, at.end)],
        });
        let loops = own_nodes(self.program.function(function)).filter_map(|node| match node {
            Node::Stmt(it @ Stmt::While(ast::StmtWhile { body, .. }))
            | Node::Stmt(it @ Stmt::For(ast::StmtFor { body, .. })) => Some((span_of(it), body)),
            _ => None,
        });
        let Some((around, body)) = loops.filter(|(it, _)| it.contains(at)).last() else {
            return before;
        };
        if before
            .as_ref()
            .is_some_and(|it| around.contains(it.awaited))
        {
            return before;
        }
        let later = awaits.into_iter().filter(|it| {
            at.end <= it.start && around.contains(*it) && goes_on(self.program, function, body, *it)
        });
        let later = later.max_by_key(|it| it.start).map(|awaited| Gap {
            awaited,
            after: vec![
                Span::new(awaited.end, around.end),
                Span::new(around.start, at.end),
            ],
        });
        later.or(before)
    }

    fn lost_at(&self, restart: &Restart<'_>, lost: &[(&str, &str)]) -> Lost {
        let names: Vec<String> = lost.iter().map(|it| format!("`self.{}`", it.0)).collect();
        let mut handlers: Vec<String> = lost.iter().map(|it| format!("`{}`", it.1)).collect();
        handlers.dedup();
        let have = if handlers.len() == 1 { "has" } else { "have" };
        let (function, call) = restart.calls[0];
        Lost {
            function,
            span: span_of(call),
            message: format!(
                "`{}` continues as new without {}, so what {} {have} put there since the last wait is lost",
                self.running.short_name(),
                names.join(" and "),
                handlers.join(" and ")
            ),
            help: "hand it to the next run, or continue only when nothing is there",
            severity: Severity::Warning,
        }
    }

    /// Where a function continues as new, itself or in a helper that does not wait before.
    fn restarts(&self, function: FunctionRef) -> Vec<Restart<'p>> {
        let program = self.program;
        let own = program.calls_of(function, CONTINUE_AS_NEW);
        let own = own.map(|call| Restart {
            at: span_of(call),
            calls: vec![(function, call)],
            helper: None,
        });
        let called = program.own_calls(function);
        let called = called.filter(|(_, it)| *it != function && !program.may_be_interrupted(*it));
        let by_helpers = called.flat_map(|(call, helper)| {
            let restarts = program.calls_of(helper, CONTINUE_AS_NEW);
            restarts.map(move |it| Restart {
                at: span_of(call),
                calls: vec![(helper, it), (function, call)],
                helper: Some(helper),
            })
        });
        own.chain(by_helpers).collect()
    }

    /// Where a function lets handlers run.
    fn awaits(&self, function: FunctionRef) -> Vec<Span> {
        let awaits = own_nodes(self.program.function(function)).filter_map(|node| match node {
            Node::Expr(expr @ Expr::Await(it)) => {
                let suspends = self.program.suspends(function.file, &it.value);
                // With no handler at work, this goes on at once.
                let is_for_handlers = || looks_up(expr, "all_handlers_finished");
                (suspends && !is_for_handlers()).then(|| span_of(expr))
            }
            _ => None,
        });
        awaits.collect()
    }

    /// Whether these statements take out what an attribute of the workflow holds, or what they call does.
    fn takes_from(&self, function: FunctionRef, body: &[Stmt], name: &str) -> bool {
        let nodes = nodes_of(body);
        let takes = |node: &Node<'_>| takes_from(*node, name);
        nodes.iter().any(takes)
            || nodes.iter().any(|node| match node {
                Node::Expr(Expr::Call(call)) => self
                    .program
                    .functions(function.file, call)
                    .flat_map(|it| self.program.runs_from(it))
                    .any(|it| own_nodes(self.program.function(it)).any(|it| takes(&it))),
                _ => false,
            })
    }

    /// Whether control goes from what is awaited to a later call on a straight way.
    pub(super) fn comes_to(
        &self,
        function: FunctionRef,
        body: &[Stmt],
        awaited: Span,
        call: Span,
    ) -> bool {
        let Some((statement, mut inner)) = around(body, awaited) else {
            return false;
        };
        if span_of(statement).contains(call) {
            return inner.is_none_or(|it| self.comes_to(function, it, awaited, call));
        }
        while let Some(block) = inner {
            if !falls_through(self.program, function, block) {
                return false;
            }
            inner = around(block, awaited).and_then(|(_, inner)| inner);
        }
        body.iter().any(|it| span_of(it).contains(call))
    }

    /// Whether nothing but an empty container is ever put there as a whole.
    fn begins_empty(&self, name: &str) -> bool {
        self.functions.iter().all(|&it| {
            own_nodes(self.program.function(it)).all(|node| {
                let (targets, value) = match node {
                    Node::Stmt(Stmt::Assign(it)) => (&it.targets[..], &*it.value),
                    Node::Stmt(Stmt::AnnAssign(it)) => match &it.value {
                        Some(value) => (std::slice::from_ref(&*it.target), &**value),
                        None => return true,
                    },
                    _ => return true,
                };
                let is_made = value
                    .as_call_expr()
                    .is_some_and(|it| it.arguments.is_empty());
                is_made || is_empty(value) || !targets.iter().any(|it| is_attribute(it, name))
            })
        })
    }

    /// Whether the queue is mentioned after the wait, or in the test of a loop around the wait that ends before the
    /// place.
    fn is_asked(&self, function: FunctionRef, name: &'p str, gap: &Gap) -> bool {
        let Gap { awaited, after } = gap;
        let is_after = |it: Span| after.iter().any(|span| span.contains(it));
        // The arguments are there before the wait, but a condition is asked at its end.
        let mut nodes = own_nodes(self.program.function(function));
        let is_waited_for = nodes.any(|node| match node {
            Node::Expr(expr @ Expr::Await(it)) => {
                span_of(expr) == *awaited && self.waited_for(function, &it.value).contains(name)
            }
            _ => false,
        });
        let added = added_to(self.program, function);
        let written = BTreeSet::from([name]);
        is_waited_for
            || own_nodes(self.program.function(function)).any(|node| match node {
                Node::Expr(Expr::Attribute(it)) if it.attr.as_str() == name => {
                    is_after(span_of(it)) && !added.contains(&span_of(it))
                }
                Node::Expr(it @ Expr::Lambda(_)) => is_after(span_of(it)) && looks_up(it, name),
                Node::Stmt(it @ (Stmt::While(_) | Stmt::For(_))) => {
                    let span = span_of(it);
                    let is_left = !is_after(span) && !span.contains(after[after.len() - 1]);
                    span.contains(*awaited)
                        && is_left
                        && self.ends_with_look(function, it, &written, 0)
                }
                Node::Expr(Expr::Call(it)) => {
                    let callees = self.program.functions(function.file, it);
                    let mut callees = callees.filter(|it| {
                        let mut runs = self.program.runs_from(*it).into_iter();
                        runs.any(|it| self.mentions(it, name))
                    });
                    let at = span_of(it);
                    match awaited.contains(at) {
                        true => callees.any(|it| self.looks_last(it, &written)),
                        false => is_after(at) && callees.next().is_some(),
                    }
                }
                _ => false,
            })
    }

    /// Whether the input of the next run may hold it: it is named there, or by what the input is made of.
    fn is_carried(&self, function: FunctionRef, name: &str, call: &ast::ExprCall) -> bool {
        let mut carriers = BTreeSet::from([name]);
        let others = self.functions.iter().filter(|it| **it != function);
        let others = others.filter(|it| self.mentions(**it, name));
        carriers.extend(others.map(|it| self.program.short_name(*it)));
        let keywords = call.arguments.keywords.iter().map(|it| &it.value);
        let input = call.arguments.args.iter().chain(keywords);
        let mut pending: Vec<Node<'_>> = input.flat_map(nodes_of_expr).collect();
        let calls = pending.iter().filter_map(|it| match it {
            Node::Expr(Expr::Call(it)) => Some(it),
            _ => None,
        });
        if calls.chain([call]).any(is_handed_itself) {
            return true;
        }
        let mut named: BTreeSet<&str> = BTreeSet::new();
        while let Some(node) = pending.pop() {
            let new = match node {
                Node::Expr(Expr::Attribute(it)) => it.attr.as_str(),
                Node::Expr(Expr::Name(it)) => it.id.as_str(),
                _ => continue,
            };
            if carriers.contains(new) {
                return true;
            }
            if new != "self" && named.insert(new) {
                for node in own_nodes(self.program.function(function)) {
                    if let Node::Stmt(it) = node
                        && changes(it, new)
                    {
                        pending.extend(nodes_of(std::slice::from_ref(it)));
                    }
                }
            }
        }
        false
    }
}

/// Whether a call is given the workflow.
fn is_handed_itself(call: &ast::ExprCall) -> bool {
    call.arguments.args.iter().any(|it| is_name(it, "self"))
}

/// Whether a node takes out what an attribute of the workflow holds.
fn takes_from(node: Node<'_>, name: &str) -> bool {
    const TAKE: &[&str] = &["clear", "get", "get_nowait", "pop", "popitem", "popleft"];
    match node {
        Node::Expr(Expr::Call(call)) => call.func.as_attribute_expr().is_some_and(|method| {
            TAKE.contains(&method.attr.as_str()) && is_attribute(&method.value, name)
        }),
        Node::Stmt(Stmt::Assign(it)) => match &it.targets[..] {
            [Expr::Tuple(targets)] => targets.elts.iter().any(|it| is_attribute(it, name)),
            _ => false,
        },
        _ => false,
    }
}

/// Whether a statement sets a variable or something in it, or calls a method of it or something with it.
fn changes(statement: &Stmt, name: &str) -> bool {
    let is_root = |mut it: &Expr| {
        loop {
            it = match it {
                Expr::Attribute(it) => &*it.value,
                Expr::Subscript(it) => &*it.value,
                Expr::Call(it) => &*it.func,
                other => return is_name(other, name),
            }
        }
    };
    match statement {
        Stmt::Assign(it) => it.targets.iter().any(|it| match it {
            Expr::Tuple(it) => it.elts.iter().any(is_root),
            other => is_root(other),
        }),
        Stmt::AnnAssign(it) => is_root(&it.target),
        Stmt::AugAssign(it) => is_root(&it.target),
        Stmt::For(it) => is_root(&it.target),
        Stmt::Expr(it) => {
            let given = it.value.as_call_expr();
            let given = given.map_or(&[][..], |it| &it.arguments.args[..]);
            is_root(&it.value) || given.iter().any(|it| is_name(it, name))
        }
        _ => false,
    }
}
