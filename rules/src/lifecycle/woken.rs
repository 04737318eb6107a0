//! What tells `run` that a message is there, and is set back right before `run` waits for it although handlers
//! have run since `run` has last looked.

use std::collections::BTreeSet;

use lint_core::diagnostic::Severity;
use lint_core::facts::FunctionRef;
use lint_core::syntax::ast::{Expr, Stmt};
use lint_core::syntax::span_of;

use super::blocks::exits;
use super::ends::is_true;
use super::kept::{Lost, Messages, is_attribute, is_name};
use super::mentioned::{asked_in, attributes_in, attributes_of, events_of};
use super::stale::stale_stores;
use crate::calls::Value;
use crate::program::{Node, bodies, nodes_of, nodes_of_expr, own_nodes};
use crate::sdk;
use crate::writes;

/// Helpers are followed this far.
const MAX_DEPTH: usize = 3;

/// What happens in some code, seen from an attribute.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// It is looked at, or something else that its handlers write.
    Looks,
    /// Handlers run.
    Asks,
}

/// What the code does next that lasts.
enum Next {
    Waits,
    /// Something else, or it goes where nobody follows.
    Other,
    Continues,
    Nothing,
}

/// Statements, the one among them that is of interest, and the statement that they are a part of.
struct Level<'p> {
    block: &'p [Stmt],
    ix: usize,
    around: Option<&'p Stmt>,
}

impl<'p> Messages<'_, 'p> {
    /// The places of a function that throw away that a message has come, before they wait for one.
    pub(super) fn put_to_sleep(&self, function: FunctionRef) -> Vec<Lost> {
        let body = self
            .program
            .def(function)
            .map_or(&[][..], |it| &it.body[..]);
        let mut found = Vec::new();
        self.follow(function, body, None, &mut Vec::new(), &mut found);
        // Of a queue that was read before it is thrown away, RB601 tells more.
        let mut told = stale_stores(self.program, self.running, &self.functions, function);
        told.retain(|it| self.queues.contains_key(it.attribute.attr.as_str()));
        found.retain(|it| {
            !told
                .iter()
                .any(|told| it.span.contains(span_of(told.target)))
        });
        found
    }

    fn follow(
        &self,
        function: FunctionRef,
        block: &'p [Stmt],
        around: Option<&'p Stmt>,
        levels: &mut Vec<Level<'p>>,
        found: &mut Vec<Lost>,
    ) {
        for (ix, statement) in block.iter().enumerate() {
            levels.push(Level { block, ix, around });
            if let Some((place, name)) = set_back(statement)
                && let Some(handler) = self.teller(name, statement)
                && !self.is_set_so(name, statement)
                && self.sleeps(function, levels, name)
            {
                found.push(Lost {
                    function,
                    span: span_of(place),
                    message: format!(
                        "`{}` sets `self.{name}` back right before it waits for it, so it does not wake for what `{handler}` was \
                         sent since it last looked",
                        self.running.short_name()
                    ),
                    help: "set it back right after the wait, before the work, or before the step that asks for it",
                    severity: Severity::Warning,
                });
            }
            for inner in bodies(statement) {
                self.follow(function, inner, Some(statement), levels, found);
            }
            levels.pop();
        }
    }

    /// Whether handlers have run since somebody has looked at an attribute, or at what its handlers write with it,
    /// and the next that is done is a wait for it and nothing else that they write.
    fn sleeps(&self, function: FunctionRef, levels: &[Level<'p>], name: &'p str) -> bool {
        let written = self.written_with(name);
        let waits = |it: &'p Expr| {
            let asked = self.waited_for(function, it);
            asked.contains(name) && asked.intersection(&written).eq([&name])
        };
        self.was_busy(function, levels, &written) && self.will_wait(levels, &waits)
    }

    fn was_busy(
        &self,
        function: FunctionRef,
        levels: &[Level<'p>],
        written: &BTreeSet<&'p str>,
    ) -> bool {
        for level in levels.iter().rev() {
            let (before, after) = level.block.split_at(level.ix);
            for statement in before.iter().rev() {
                if let Some(it) = self.last_event(function, statement, written, 0) {
                    return it == Event::Asks;
                }
            }
            let looks = |it: &'p Expr| !attributes_in(it).is_disjoint(written);
            match level.around {
                Some(Stmt::While(it)) if looks(&it.test) => return false,
                Some(Stmt::While(_) | Stmt::For(_)) => {
                    let last = after[1..].iter().rev();
                    let mut last = last.filter_map(|it| self.last_event(function, it, written, 0));
                    if last.next() == Some(Event::Asks) {
                        return true;
                    }
                }
                Some(Stmt::If(it)) => {
                    let clauses = it.elif_else_clauses.iter();
                    let mut tests = clauses.filter_map(|it| it.test.as_ref());
                    if looks(&it.test) || tests.any(looks) {
                        return false;
                    }
                }
                Some(Stmt::Try(it)) if !std::ptr::eq(&*it.body, level.block) => return false,
                Some(Stmt::Match(_)) => return false,
                _ => {}
            }
        }
        false
    }

    /// What a statement does last.
    fn last_event(
        &self,
        function: FunctionRef,
        statement: &'p Stmt,
        written: &BTreeSet<&'p str>,
        depth: usize,
    ) -> Option<Event> {
        if self.ends_with_look(function, statement, written, depth) {
            return Some(Event::Looks);
        }
        let events = self.events(function, statement, written, depth);
        let last = events.into_iter().max_by_key(|(end, _)| *end);
        last.map(|(_, it)| it)
    }

    /// Whether a loop is over only after it has looked: it does so after its last round, as one does that goes through
    /// a queue itself, or before each way out.
    pub(super) fn ends_with_look(
        &self,
        function: FunctionRef,
        statement: &'p Stmt,
        written: &BTreeSet<&'p str>,
        depth: usize,
    ) -> bool {
        let asks = |it: &'p Expr| {
            let asked = asked_in(self.program, &self.functions, function, it);
            !asked.is_disjoint(written)
        };
        match statement {
            Stmt::While(it) if is_true(&it.test) => {
                let body = it.body.iter();
                let events = body.flat_map(|it| self.events(function, it, written, depth));
                let events: Vec<(u32, Event)> = events.collect();
                let looks_before = |exit: &Stmt| {
                    let at = span_of(exit).start;
                    let before = events.iter().filter(|(end, _)| *end <= at);
                    let before = before.max_by_key(|(end, _)| *end);
                    // A round begins where the last one has ended.
                    let last = before.or_else(|| events.iter().max_by_key(|(end, _)| *end));
                    last.is_some_and(|(_, it)| *it == Event::Looks)
                };
                // A `return` ends the function, which matters to its caller only.
                let exits = exits(&it.body).into_iter();
                let mut exits = exits
                    .filter(|it| depth > 0 || it.is_break_stmt())
                    .peekable();
                exits.peek().is_some() && exits.all(looks_before)
            }
            Stmt::While(it) => asks(&it.test),
            Stmt::For(it) => it.iter.is_attribute_expr() && asks(&it.iter),
            _ => false,
        }
    }

    /// What happens in a statement, and where.
    fn events(
        &self,
        function: FunctionRef,
        statement: &'p Stmt,
        written: &BTreeSet<&'p str>,
        depth: usize,
    ) -> Vec<(u32, Event)> {
        let mut events = Vec::new();
        for node in nodes_of(std::slice::from_ref(statement)) {
            let Node::Expr(expr) = node else { continue };
            let event = match expr {
                Expr::Attribute(it) if it.ctx.is_load() && written.contains(it.attr.as_str()) => {
                    Event::Looks
                }
                Expr::Await(it) => {
                    let asked = self.waited_for(function, &it.value);
                    match () {
                        () if !asked.is_disjoint(written) => Event::Looks,
                        () if self.asks(function, node) => Event::Asks,
                        () => continue,
                    }
                }
                Expr::Call(it) => {
                    let callees = self.program.functions(function.file, it);
                    let events = callees.filter_map(|it| self.event_of(it, written, depth));
                    match events.reduce(|one, other| one.min(other)) {
                        Some(it) => it,
                        None => continue,
                    }
                }
                _ => continue,
            };
            events.push((span_of(expr).end, event));
        }
        events
    }

    /// What a function does last. One that is not followed is taken to look if it looks anywhere.
    fn event_of(
        &self,
        function: FunctionRef,
        written: &BTreeSet<&'p str>,
        depth: usize,
    ) -> Option<Event> {
        let called = self.program.runs_from(function);
        let defs = called.iter().filter_map(|it| self.program.def(*it));
        let looks = defs.flat_map(attributes_of).any(|it| written.contains(it));
        let asks = called.iter().any(|it| self.asks_within(*it));
        match (looks, asks) {
            (true, true) if depth < MAX_DEPTH => {
                let body = self
                    .program
                    .def(function)
                    .map_or(&[][..], |it| &it.body[..]);
                let mut last = body.iter().rev();
                last.find_map(|it| self.last_event(function, it, written, depth + 1))
            }
            (true, _) => Some(Event::Looks),
            (false, true) => Some(Event::Asks),
            (false, false) => None,
        }
    }

    /// Whether a function looks at attributes after all that it waits for.
    pub(super) fn looks_last(&self, function: FunctionRef, attributes: &BTreeSet<&'p str>) -> bool {
        self.event_of(function, attributes, 0) == Some(Event::Looks)
    }

    /// The attributes that an awaited expression waits for.
    pub(super) fn waited_for(&self, function: FunctionRef, awaited: &'p Expr) -> BTreeSet<&'p str> {
        let program = self.program;
        let mut asked = BTreeSet::new();
        for node in nodes_of_expr(awaited) {
            let Node::Expr(expr @ Expr::Call(call)) = node else {
                continue;
            };
            if program.calls(function.file, call, sdk::WAIT_CONDITION) {
                asked.extend(attributes_in(expr));
                let callbacks = program.callbacks(function.file, call);
                let defs = callbacks.filter_map(|it| program.def(it));
                asked.extend(defs.flat_map(attributes_of));
            } else if program.calls(function.file, call, &["asyncio.Event.wait"]) {
                asked.extend(attributes_in(expr));
            }
        }
        asked
    }

    fn will_wait(&self, levels: &[Level<'p>], waits: &dyn Fn(&'p Expr) -> bool) -> bool {
        let mut is_back = false;
        for level in levels.iter().rev() {
            let (before, after) = level.block.split_at(level.ix);
            if !is_back {
                match next(&after[1..], waits) {
                    Next::Nothing => {}
                    Next::Continues => is_back = true,
                    it => return matches!(it, Next::Waits),
                }
            }
            if matches!(level.around, Some(Stmt::While(_) | Stmt::For(_))) {
                return matches!(next(before, waits), Next::Waits);
            }
        }
        false
    }

    /// The attributes that the handlers write that write one.
    pub(super) fn written_with(&self, name: &'p str) -> BTreeSet<&'p str> {
        let handlers = self.early.iter().map(|it| {
            let writes = it.runs.iter().flat_map(|&it| self.written_in(it));
            writes.collect::<BTreeSet<_>>()
        });
        let writing = handlers.filter(|it| it.contains(name));
        writing.flatten().collect()
    }

    fn written_in(&self, function: FunctionRef) -> Vec<&'p str> {
        let writes = writes::in_function(self.program, function).into_iter();
        let own = writes
            .filter(|it| self.is_own(it))
            .map(|it| it.attribute.name);
        own.chain(events_of(self.program, function)).collect()
    }

    /// Whether a handler sets an attribute to the same value as a statement of `run`, which then does no more than a
    /// message would.
    fn is_set_so(&self, name: &str, statement: &Stmt) -> bool {
        let Stmt::Assign(own) = statement else {
            return false;
        };
        let own = Value::of(&own.value);
        let functions = self.early.iter().flat_map(|it| &it.runs);
        let mut nodes = functions.flat_map(|&it| own_nodes(self.program.function(it)));
        nodes.any(|node| match node {
            Node::Stmt(Stmt::Assign(it)) => {
                it.targets.iter().any(|it| is_attribute(it, name)) && Value::of(&it.value) == own
            }
            _ => false,
        })
    }

    /// The handler that tells `run` something with an attribute that a statement sets back.
    fn teller(&self, name: &'p str, statement: &Stmt) -> Option<&str> {
        let queue = self.queues.get(name).map(String::as_str);
        if queue.is_some() {
            return queue;
        }
        if statement.is_assign_stmt() {
            let handler = self.kept.get(name).or_else(|| self.kept_later.get(name));
            let handler = handler.or_else(|| self.lowered.get(name));
            return handler.map(String::as_str);
        }
        let mut early = self.early.iter();
        let mut sets = |it: &FunctionRef| events_of(self.program, *it).any(|it| it == name);
        let handler = early.find(|it| it.runs.iter().any(&mut sets));
        handler.map(|it| it.name.as_str())
    }
}

/// The attribute that a statement sets to a plain value, or the event or queue in it that it clears.
fn set_back(statement: &Stmt) -> Option<(&Expr, &str)> {
    match statement {
        Stmt::Assign(it) => {
            let [target @ Expr::Attribute(attribute)] = &it.targets[..] else {
                return None;
            };
            let is_own = is_name(&attribute.value, "self") && Value::of(&it.value).is_some();
            is_own.then_some((target, attribute.attr.as_str()))
        }
        Stmt::Expr(it) => {
            let method = it.value.as_call_expr()?.func.as_attribute_expr()?;
            let event = method.value.as_attribute_expr()?;
            let is_it = method.attr.as_str() == "clear" && is_name(&event.value, "self");
            is_it.then_some((&*it.value, event.attr.as_str()))
        }
        _ => None,
    }
}

/// What some statements do next that lasts; of branches, what one of them does.
fn next<'p>(body: &'p [Stmt], waits: &dyn Fn(&'p Expr) -> bool) -> Next {
    for statement in body {
        let lasts = || {
            let nodes = nodes_of(std::slice::from_ref(statement)).into_iter();
            nodes.filter_map(|node| match node {
                Node::Expr(Expr::Await(it)) => Some(&*it.value),
                _ => None,
            })
        };
        let inner = || bodies(statement).into_iter().map(|it| next(it, waits));
        let does = match statement {
            Stmt::Return(_) | Stmt::Raise(_) | Stmt::Break(_) => Next::Other,
            Stmt::Continue(_) => Next::Continues,
            Stmt::Try(it) => next(&it.body, waits),
            Stmt::With(it) if !it.is_async => next(&it.body, waits),
            Stmt::If(_) | Stmt::While(_) | Stmt::For(_) | Stmt::Match(_) => {
                match inner().any(|it| matches!(it, Next::Waits)) {
                    true => Next::Waits,
                    false if lasts().next().is_some() => Next::Other,
                    false => Next::Nothing,
                }
            }
            _ if lasts().any(waits) => Next::Waits,
            _ if lasts().next().is_some() => Next::Other,
            _ => Next::Nothing,
        };
        if !matches!(does, Next::Nothing) {
            return does;
        }
    }
    Next::Nothing
}
