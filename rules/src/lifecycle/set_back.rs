//! Attributes that `run` sets to something empty, or to its input, before anything has read them.

use std::collections::BTreeSet;

use lint_core::diagnostic::Severity;
use lint_core::facts::{Callee, FunctionRef};
use lint_core::knowledge::Role;
use lint_core::syntax::ast::{self, Expr, Stmt};
use lint_core::syntax::span_of;

use super::kept::{Lost, Messages, assigned, is_attribute, is_name, set_to_empty};
use super::mentioned::{attributes_in, attributes_of, looks_up};
use crate::calls::{Value, evaluate};
use crate::program::{Node, nodes_of, nodes_of_expr, own_nodes};
use crate::sdk;
use crate::writes;

/// Helpers are followed this far.
const MAX_DEPTH: usize = 3;

impl<'p> Messages<'_, 'p> {
    /// What `run` sets to something empty, or to its input, before anything has read it.
    pub(super) fn set_back(&self, run: FunctionRef) -> Vec<Lost> {
        let body = self.program.def(run).map_or(&[][..], |it| &it.body[..]);
        let mut walk = Walk {
            messages: self,
            function: run,
            inputs: self.parameters(run).into_iter().collect(),
            depth: 0,
            results: BTreeSet::new(),
            used: BTreeSet::new(),
            has_waited: false,
            has_asked: false,
            found: Vec::new(),
        };
        walk.body(body);
        walk.found
    }

    /// The parameters of a function, but for the object itself.
    fn parameters(&self, function: FunctionRef) -> Vec<&'p str> {
        let def = self.program.def(function);
        let parameters = def
            .into_iter()
            .flat_map(|it| it.parameters.iter_non_variadic_params());
        parameters.skip(1).map(|it| it.name().as_str()).collect()
    }

    /// Whether `run` waits for an attribute, alone of what its handlers write, to be something else.
    fn waits_with(&self, name: &'p str, value: &Value) -> bool {
        let written = self.written_with(name);
        let by_run = self.running.runs_of(|role| role == Role::Run);
        by_run.into_iter().any(|function| {
            let mut waits = self.program.calls_of(function, sdk::WAIT_CONDITION);
            waits.any(|call| {
                let predicate = call.arguments.args.first();
                let condition = predicate.and_then(|it| it.as_lambda_expr());
                condition.is_some_and(|it| {
                    let asked = attributes_in(&it.body);
                    let is_false = evaluate(&it.body, name, value).is_some_and(|it| !it.is_true());
                    is_false && asked.intersection(&written).eq([&name])
                })
            })
        })
    }

    /// Whether a node waits for more than time and conditions.
    pub(super) fn asks(&self, function: FunctionRef, node: Node<'_>) -> bool {
        const SLEEP: &[&str] = &["asyncio.sleep", "temporalio.workflow.sleep"];
        let Node::Expr(Expr::Await(it)) = node else {
            return false;
        };
        let callees = it.value.as_call_expr();
        let callees = callees.map(|it| self.program.callees(function.file, it));
        let only_waits = |it: &Callee| match it {
            Callee::External(name) => {
                SLEEP.contains(&name.as_str()) || sdk::WAIT_CONDITION.contains(&name.as_str())
            }
            // What it awaits is asked itself.
            it => matches!(it, Callee::Function(_)),
        };
        !callees.is_some_and(|it| !it.is_empty() && it.iter().all(only_waits))
    }

    /// Whether a function does that.
    pub(super) fn asks_within(&self, function: FunctionRef) -> bool {
        own_nodes(self.program.function(function)).any(|node| self.asks(function, node))
    }
}

/// Goes through the statements of `run` that are not repeated and that no condition decides on.
struct Walk<'a, 'f, 'p> {
    messages: &'a Messages<'f, 'p>,
    /// The function that it is in: `run`, or what that calls.
    function: FunctionRef,
    /// The parameters of that which hold input of `run`.
    inputs: BTreeSet<&'p str>,
    /// The variables that hold what it has awaited.
    results: BTreeSet<&'p str>,
    depth: usize,
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
                    self.enter(statement);
                    self.look(statement, &body[ix + 1..]);
                    self.note(nodes_of(std::slice::from_ref(statement)));
                    self.keep_result(statement);
                }
            }
        }
    }

    fn keep_result(&mut self, statement: &'p Stmt) {
        if let Stmt::Assign(it) = statement
            && let [Expr::Name(name)] = &it.targets[..]
        {
            match self.is_awaited(&it.value) {
                true => self.results.insert(name.id.as_str()),
                false => self.results.remove(name.id.as_str()),
            };
        }
    }

    /// Whether a value is what something that takes time gives.
    fn is_awaited(&self, value: &'p Expr) -> bool {
        nodes_of_expr(value)
            .into_iter()
            .any(|node| self.messages.asks(self.function, node))
    }

    /// Goes through what a statement runs to its end.
    fn enter(&mut self, statement: &'p Stmt) {
        let entered = statement
            .as_expr_stmt()
            .and_then(|it| self.entered(&it.value));
        if let Some((call, callee, body)) = entered {
            let parameters = self.messages.parameters(callee);
            let given = parameters.iter().zip(&call.arguments.args);
            let given = given.filter(|(_, it)| self.holds_input(it));
            let mut inputs: BTreeSet<&str> = given.map(|(it, _)| *it).collect();
            let named = call.arguments.keywords.iter();
            let named = named.filter(|it| self.holds_input(&it.value));
            inputs.extend(named.filter_map(|it| Some(it.arg.as_ref()?.as_str())));
            let function = std::mem::replace(&mut self.function, callee);
            let inputs = std::mem::replace(&mut self.inputs, inputs);
            let results = std::mem::take(&mut self.results);
            self.depth += 1;
            self.body(body);
            self.depth -= 1;
            (self.function, self.inputs, self.results) = (function, inputs, results);
        }
    }

    /// The one function that a statement runs, and nothing else.
    fn entered(&self, value: &'p Expr) -> Option<(&'p ast::ExprCall, FunctionRef, &'p [Stmt])> {
        let program = self.messages.program;
        let is_awaited = value.is_await_expr();
        let value = value.as_await_expr().map_or(value, |it| &*it.value);
        let call = value.as_call_expr()?;
        let [Callee::Function(callee)] = program.callees(self.function.file, call) else {
            return None;
        };
        let is_run = program.is_async(*callee) == is_awaited && self.depth < MAX_DEPTH;
        let def = program.def(*callee).filter(|_| is_run);
        def.map(|it| (call, *callee, &it.body[..]))
    }

    fn look(&mut self, statement: &'p Stmt, rest: &'p [Stmt]) {
        let Some((place, name)) = set_to_empty(statement).or_else(|| cleared(statement)) else {
            self.look_at_written(statement);
            self.look_at_result(statement, rest);
            return self.look_at_given(statement);
        };
        let messages = self.messages;
        let later = || messages.kept_later.get(name).filter(|_| self.has_waited);
        let Some(handler) = messages.kept.get(name).or_else(later) else {
            return;
        };
        if self.has_waited && !(self.has_asked && self.is_waited_for(name, rest)) {
            return;
        }
        let help = match self.has_waited {
            true => "set it before the step that asks for it",
            false => "set it in `__init__`, which runs before all handlers",
        };
        let message = format!(
            "`run` of `{}` sets `self.{name}` back before anything has read it, so what `{handler}` has put there before is lost",
            messages.running.short_name()
        );
        self.find(place, name, message, help);
    }

    /// An attribute that is set to what `run` was given, at its start.
    fn look_at_given(&mut self, statement: &'p Stmt) {
        let messages = self.messages;
        let Some((place, name, value)) = assigned(statement).filter(|_| !self.has_waited) else {
            return;
        };
        let Some(handler) = messages.kept.get(name) else {
            return;
        };
        if !self.holds_input(value) || self.merges(name, value) || !messages.is_used_by_run(name) {
            return;
        }
        let message = format!(
            "`run` of `{}` sets `self.{name}` to its input before anything has read it, so what `{handler}` has put there before is lost",
            messages.running.short_name()
        );
        let help = "set it in `__init__`, which gets the input with `@workflow.init`";
        self.find(place, name, message, help);
    }

    /// Whether a value takes along what the attribute has held.
    fn merges(&self, name: &str, value: &'p Expr) -> bool {
        let nodes = nodes_of_expr(value);
        nodes.iter().any(|node| match node {
            Node::Expr(Expr::Call(call)) => {
                let called = self.messages.program.functions(self.function.file, call);
                let mut called = called.flat_map(|it| self.messages.program.runs_from(it));
                called.any(|it| self.messages.mentions(it, name))
            }
            Node::Expr(it) => is_attribute(it, name),
            Node::Stmt(_) => false,
        })
    }

    /// An attribute that is set to the result of a step, over what handlers have put into it.
    fn look_at_result(&mut self, statement: &'p Stmt, rest: &'p [Stmt]) {
        let messages = self.messages;
        let Some((place, name, value)) = assigned(statement) else {
            return;
        };
        let nodes = nodes_of_expr(value);
        let is_result = self.is_awaited(value)
            || nodes.iter().any(|node| match node {
                Node::Expr(Expr::Name(it)) => self.results.contains(it.id.as_str()),
                _ => false,
            });
        let Some(handler) = messages.filled.get(name).filter(|_| is_result) else {
            return;
        };
        let is_added = rest.iter().any(|it| self.adds_back(name, it));
        if !self.merges(name, value) && !is_added && messages.is_used_by_run(name) {
            let message = format!(
                "`run` of `{}` sets `self.{name}` to the result of a step before anything has read it, so what `{handler}` has put \
                 there meanwhile is lost",
                messages.running.short_name()
            );
            let help = "add the result to what is there, or load it before handlers are let in";
            self.find(place, name, message, help);
        }
    }

    /// Whether a statement adds to an attribute what handlers keep in another one as well.
    fn adds_back(&self, name: &'p str, statement: &'p Stmt) -> bool {
        let mut written = self.messages.written_with(name);
        written.remove(name);
        let (program, function) = (self.messages.program, self.function);
        let nodes = nodes_of(std::slice::from_ref(statement));
        let writes = nodes
            .iter()
            .flat_map(|it| writes::by_node(program, function, *it));
        let mut writes = writes.map(|it| it.attribute.name);
        writes.any(|it| it == name)
            && nodes.iter().any(|node| match node {
                Node::Expr(Expr::Attribute(it)) => written.contains(it.attr.as_str()),
                _ => false,
            })
    }

    /// An attribute that is set to a plain value at the start, with which `run` waits on for what has come already.
    fn look_at_written(&mut self, statement: &'p Stmt) {
        let messages = self.messages;
        let Some((place, name, value)) = assigned(statement).filter(|_| !self.has_waited) else {
            return;
        };
        let value = Value::of(value).filter(|value| messages.waits_with(name, value));
        let handler = messages.kept_unasked.get(name);
        let Some(handler) = handler.filter(|_| value.is_some()) else {
            return;
        };
        let message = format!(
            "`run` of `{}` sets `self.{name}` before anything has read it and then waits for another value, so what `{handler}` has \
             put there before is lost",
            messages.running.short_name()
        );
        self.find(
            place,
            name,
            message,
            "set it in `__init__`, which runs before all handlers",
        );
    }

    fn is_input(&self, expr: &Expr) -> bool {
        let name = expr.as_name_expr();
        name.is_some_and(|it| self.inputs.contains(it.id.as_str()))
    }

    /// Whether a value is made of input, and of nothing that is awaited.
    fn holds_input(&self, value: &Expr) -> bool {
        let nodes = nodes_of_expr(value);
        let is = |what: &dyn Fn(&Expr) -> bool| {
            nodes.iter().any(|node| match node {
                Node::Expr(it) => what(it),
                Node::Stmt(_) => false,
            })
        };
        is(&|it| self.is_input(it)) && !is(&|it| it.is_await_expr())
    }

    fn find(&mut self, place: &'p Expr, name: &'p str, message: String, help: &'static str) {
        if !self.used.contains(name) && self.messages.begun.contains(name) {
            self.found.push(Lost {
                function: self.function,
                span: span_of(place),
                message,
                help,
                severity: Severity::Warning,
            });
        }
    }

    /// Whether the next that happens is a wait for it.
    fn is_waited_for(&self, name: &str, rest: &[Stmt]) -> bool {
        let (program, file) = (self.messages.program, self.function.file);
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
                Node::Expr(Expr::Attribute(it)) if !self.is_input(&it.value) => {
                    self.used.insert(it.attr.as_str());
                }
                Node::Expr(Expr::Lambda(it)) => pending.extend(nodes_of_expr(&it.body)),
                Node::Expr(Expr::Await(it)) => {
                    self.has_waited |= program.suspends(self.function.file, &it.value);
                    self.has_asked |= self.messages.asks(self.function, node);
                }
                Node::Stmt(Stmt::With(it)) => self.has_waited |= it.is_async,
                Node::Expr(Expr::Call(call)) => {
                    let called = program.functions(self.function.file, call);
                    let called = called.chain(program.callbacks(self.function.file, call));
                    for it in called.flat_map(|it| program.runs_from(it)) {
                        if entered.insert(it) {
                            let def = program.def(it);
                            self.used.extend(def.into_iter().flat_map(attributes_of));
                            self.has_asked |= self.messages.asks_within(it);
                        }
                    }
                }
                _ => {}
            }
        }
    }
}

/// The list of the workflow that a statement clears.
fn cleared(statement: &Stmt) -> Option<(&Expr, &str)> {
    let call = statement.as_expr_stmt()?.value.as_call_expr()?;
    let method = call.func.as_attribute_expr()?;
    let target = method.value.as_attribute_expr()?;
    let is_it = method.attr.as_str() == "clear" && is_name(&target.value, "self");
    is_it.then_some((&*method.value, target.attr.as_str()))
}
