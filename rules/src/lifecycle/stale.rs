//! Follows values of attributes through one function: which stores write back what was read before
//! an `await`, and which throw away what was read before one.
//!
//! Time is counted in awaits that may let other code run. A value remembers when which attributes
//! were read for it; a store of an attribute is stale if all that the value has of that very
//! attribute is older than the last such await, and no lock was held since. Where the attribute is
//! emptied, that goes for what was last read of it as a whole, where its first element is taken out, for
//! the last read of that, and where it is set because it was missing, for the question that said so.

use std::collections::{BTreeMap, BTreeSet};

use lint_core::diagnostic::FileId;
use lint_core::facts::FunctionRef;
use lint_core::index::FunctionNode;
use lint_core::syntax::ast::{self, Expr, Stmt};
use lint_core::syntax::span_of;

use super::ends::falls_through;
use super::locks::{acquired, is_always_locked, is_guarded_by_flag, is_lock};
use super::mentioned::{asked_in, attributes_in};
use super::paths::{attribute_of, element, key_of, path_of};
use super::waited::{missing, present};
use crate::program::{Node, Program, Running, nodes_of_expr, own_nodes};

/// A store of what was read too early.
pub(super) struct StaleStore<'p> {
    /// The attribute or element, as it is written.
    pub(super) path: String,
    pub(super) target: &'p Expr,
    /// The attribute of the path.
    pub(super) attribute: &'p ast::ExprAttribute,
    pub(super) read: &'p Expr,
    pub(super) awaited: &'p Expr,
    pub(super) how: How,
    /// Whether who comes first has said so before the await, and others have asked for that.
    pub(super) is_claimed: bool,
    /// The names of attributes that conditions have looked at since the await.
    pub(super) looked_at: BTreeSet<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// It is made of what was read.
    WritesBack,
    Empties,
    /// It takes out an element that was looked at where it stands.
    Takes,
    /// It was missing when it was asked for.
    Fills,
}

pub(super) fn stale_stores<'p>(
    program: Program<'_, 'p>,
    running: Running<'_>,
    functions: &BTreeSet<FunctionRef>,
    function: FunctionRef,
) -> Vec<StaleStore<'p>> {
    let body = match program.function(function).map(|it| it.node) {
        Some(FunctionNode::Def(def)) if def.is_async => &def.body[..],
        _ => return Vec::new(),
    };
    let mut flow = Flow::new(program, functions, function, 0);
    flow.run(body);
    let found = flow.found.into_values();
    let found: Vec<_> = found
        .filter(|it| !is_guarded_by_flag(body, span_of(it.awaited)))
        .collect();
    if found.is_empty() || is_always_locked(program, running, function, &mut BTreeSet::new()) {
        return Vec::new();
    }
    found
}

/// When an attribute was read for a value.
#[derive(Clone, Copy)]
struct Read<'p> {
    /// The number of the last await before it.
    time: usize,
    expr: &'p Expr,
}

/// The reads that a value is made of, by path. Of several reads of one path the last counts: with
/// it the value knows the state of that time.
type Reads<'p> = BTreeMap<String, Read<'p>>;

#[derive(Clone, Default)]
struct State<'p> {
    variables: BTreeMap<&'p str, Reads<'p>>,
    /// The last reads of paths as a whole, but for conditions and numbers of elements.
    taken: BTreeMap<String, Read<'p>>,
    /// Paths that a condition looked at, and when.
    checked: BTreeMap<String, usize>,
    /// Paths that were missing when a condition asked for them.
    missing: Reads<'p>,
    /// The number of the last await on the way here.
    time: usize,
    /// Since when a lock is held.
    locked: Option<usize>,
    /// From when to when the last lock was held.
    released: Option<(usize, usize)>,
    is_dead: bool,
}

struct Flow<'f, 'p> {
    program: Program<'f, 'p>,
    /// All functions of the workflow.
    functions: &'f BTreeSet<FunctionRef>,
    function: FunctionRef,
    /// How many calls away it is from where the stores are looked for.
    depth: usize,
    state: State<'p>,
    /// The awaits so far, by their numbers, which start at one.
    awaits: Vec<&'p Expr>,
    found: BTreeMap<u32, StaleStore<'p>>,
    /// What the function returns is made of what was read for that before its last await.
    returned: Reads<'p>,
}

/// Helpers are followed this far.
const MAX_DEPTH: usize = 2;

impl<'f, 'p> Flow<'f, 'p> {
    fn new(
        program: Program<'f, 'p>,
        functions: &'f BTreeSet<FunctionRef>,
        function: FunctionRef,
        depth: usize,
    ) -> Self {
        Self {
            program,
            functions,
            function,
            depth,
            state: State::default(),
            awaits: Vec::new(),
            found: BTreeMap::new(),
            returned: Reads::new(),
        }
    }

    fn file(&self) -> FileId {
        self.function.file
    }

    fn run(&mut self, body: &'p [Stmt]) {
        for statement in body {
            if self.state.is_dead {
                return;
            }
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &'p Stmt) {
        match statement {
            Stmt::Expr(it) => {
                self.value(&it.value);
                if acquired(&it.value).is_some() {
                    self.state.locked = Some(self.state.time);
                }
            }
            Stmt::Assign(it) => {
                let value = self.value(&it.value);
                for target in &it.targets {
                    if is_empty(&it.value) {
                        self.empty(target);
                    }
                    self.store(target, &value);
                    self.fill(target, &it.value, &value);
                }
            }
            Stmt::AnnAssign(it) => {
                if let Some(value) = &it.value {
                    let value = self.value(value);
                    self.store(&it.target, &value);
                }
            }
            Stmt::AugAssign(it) => {
                // What is there is read first, then the operand is evaluated.
                let mut value = self.value(&it.target);
                merge(&mut value, self.value(&it.value));
                self.store(&it.target, &value);
            }
            Stmt::If(it) => self.if_statement(it),
            Stmt::While(it) => {
                self.condition(&it.test);
                self.rounds(&it.body, &it.orelse, |_| {});
            }
            Stmt::For(it) => {
                // What is added to a list meanwhile has its turn as well.
                let value = match &*it.iter {
                    list if path_of(list).is_some() => self.glance(list),
                    other => self.value(other),
                };
                if it.is_async {
                    self.wait(&it.iter);
                }
                self.rounds(&it.body, &it.orelse, |this| this.store(&it.target, &value));
            }
            Stmt::With(it) => self.with_statement(it),
            Stmt::Try(it) => self.try_statement(it),
            Stmt::Match(it) => self.match_statement(it),
            Stmt::Return(it) => {
                if let Some(value) = &it.value {
                    let mut reads = self.value(value);
                    reads.retain(|_, read| self.state.is_old(*read));
                    merge(&mut self.returned, reads);
                }
                self.state.is_dead = true;
            }
            Stmt::Raise(_) | Stmt::Continue(_) | Stmt::Break(_) => self.state.is_dead = true,
            Stmt::Assert(it) => self.condition(&it.test),
            _ => {}
        }
    }

    fn if_statement(&mut self, it: &'p ast::StmtIf) {
        self.condition(&it.test);
        let mut arms: Vec<&'p [Stmt]> = vec![&it.body];
        let mut has_else = false;
        for clause in &it.elif_else_clauses {
            match &clause.test {
                Some(test) => self.condition(test),
                None => has_else = true,
            }
            arms.push(&clause.body);
        }
        let missing = self.asked(missing(&it.test), &it.test);
        let missing = missing.filter(|(path, _)| !self.state.missing.contains_key(path));
        self.state.missing.extend(missing.clone());
        self.arms(&arms, !has_else);
        if let Some((path, _)) = missing {
            self.state.missing.remove(&path);
        }
        let is_alone = it.elif_else_clauses.is_empty();
        if is_alone && !falls_through(self.program, self.function, &it.body) {
            let missing = self.asked(present(&it.test), &it.test);
            self.state.missing.extend(missing);
        }
    }

    /// What a condition asks for, as it is known then.
    fn asked(
        &self,
        attribute: Option<&'p ast::ExprAttribute>,
        test: &'p Expr,
    ) -> Option<(String, Read<'p>)> {
        let attribute = attribute?;
        let path = format!("{}.{}", path_of(&attribute.value)?, attribute.attr);
        let time = self.state.time;
        Some((path, Read { time, expr: test }))
    }

    fn match_statement(&mut self, it: &'p ast::StmtMatch) {
        self.condition(&it.subject);
        let guards = it.cases.iter().filter_map(|it| it.guard.as_deref());
        guards.for_each(|it| self.condition(it));
        let arms: Vec<&'p [Stmt]> = it.cases.iter().map(|case| &case.body[..]).collect();
        self.arms(&arms, true);
    }

    /// Runs branches from the same state and joins what they leave.
    fn arms(&mut self, arms: &[&'p [Stmt]], may_skip: bool) {
        let before = self.state.clone();
        let mut after = may_skip.then(|| before.clone());
        for arm in arms {
            self.state = before.clone();
            self.run(arm);
            let end = self.state.clone();
            after = Some(match after {
                Some(other) => other.joined(end),
                None => end,
            });
        }
        self.state = after.unwrap_or(before);
    }

    /// A loop: two rounds show what one leaves for the next.
    fn rounds(&mut self, body: &'p [Stmt], orelse: &'p [Stmt], start: impl Fn(&mut Self)) {
        for _ in 0..2 {
            let before = self.state.clone();
            // The element that an earlier round has looked at may be gone.
            self.state.taken.retain(|path, _| !path.ends_with(']'));
            start(self);
            self.run(body);
            let end = std::mem::take(&mut self.state);
            self.state = before.joined(end);
        }
        self.run(orelse);
    }

    fn with_statement(&mut self, it: &'p ast::StmtWith) {
        let outer = self.state.locked;
        for item in &it.items {
            let value = self.value(&item.context_expr);
            if it.is_async {
                self.wait(&item.context_expr);
                if self.is_lock(&item.context_expr) && self.state.locked.is_none() {
                    self.state.locked = Some(self.state.time);
                }
            }
            if let Some(target) = &item.optional_vars {
                self.store(target, &value);
            }
        }
        self.run(&it.body);
        if outer.is_none() {
            let until = self.state.time;
            self.state.released = self.state.locked.map(|since| (since, until));
        }
        self.state.locked = outer;
    }

    fn try_statement(&mut self, it: &'p ast::StmtTry) {
        let before = self.state.clone();
        self.run(&it.body);
        self.run(&it.orelse);
        let mut after = self.state.clone();
        for ast::ExceptHandler::ExceptHandler(handler) in &it.handlers {
            self.state = before.clone();
            self.run(&handler.body);
            after = after.joined(self.state.clone());
        }
        let is_dead = after.is_dead;
        self.state = State {
            is_dead: false,
            ..after
        };
        self.run(&it.finalbody);
        self.state.is_dead |= is_dead;
    }

    /// Other code may run here.
    fn wait(&mut self, awaited: &'p Expr) {
        self.awaits.push(awaited);
        self.state.time = self.awaits.len();
    }

    /// Evaluates a condition; what it looks at is known to be so from then on.
    fn condition(&mut self, test: &'p Expr) {
        let reads = self.glance(test);
        let now = self.state.time;
        let direct = reads.into_iter().map(|(path, read)| (path, read.time));
        let asked = asked_in(self.program, self.functions, self.function, test);
        let asked = asked
            .difference(&attributes_in(test))
            .map(|it| (format!("self.{it}"), now))
            .collect::<Vec<_>>();
        for (path, at) in direct.chain(asked) {
            let time = self.state.checked.entry(path).or_default();
            *time = (*time).max(at);
        }
    }

    fn is_lock(&self, entered: &Expr) -> bool {
        is_lock(self.program, self.file(), entered)
    }

    /// Evaluates an expression: what it is made of.
    fn value(&mut self, expr: &'p Expr) -> Reads<'p> {
        let mut reads = Reads::new();
        self.evaluate(expr, &mut reads);
        reads
    }

    /// The same for what only looks, and takes nothing along.
    fn glance(&mut self, expr: &'p Expr) -> Reads<'p> {
        let taken = self.state.taken.clone();
        let reads = self.value(expr);
        self.state.taken = taken;
        reads
    }

    fn evaluate(&mut self, expr: &'p Expr, reads: &mut Reads<'p>) {
        match expr {
            Expr::Name(name) => {
                if let Some(known) = self.state.variables.get(name.id.as_str()) {
                    merge(reads, known.clone());
                }
            }
            Expr::Attribute(_) | Expr::Subscript(_) if path_of(expr).is_some() => {
                self.read(expr, path_of(expr), reads);
                // It is a part of what a variable holds.
                if let Some(known) = variable_of(expr).and_then(|it| self.state.variables.get(it)) {
                    merge(reads, known.clone());
                }
                // An element may be named by a variable.
                if let Expr::Subscript(it) = expr {
                    self.evaluate(&it.slice, &mut Reads::new());
                }
            }
            Expr::Await(it) => {
                self.evaluate(&it.value, reads);
                if self.program.suspends(self.file(), &it.value) {
                    merge(reads, self.given_by(&it.value));
                    self.wait(expr);
                }
            }
            Expr::Call(it) => self.call(expr, it, reads),
            Expr::Named(it) => {
                let value = self.value(&it.value);
                self.store(&it.target, &value);
                merge(reads, value);
            }
            Expr::Lambda(_) => {}
            _ => {
                for child in children(expr) {
                    self.evaluate(child, reads);
                }
            }
        }
    }

    /// What a method of the workflow in the same file gives, made of what it has read before its last await.
    fn given_by(&self, awaited: &Expr) -> Reads<'p> {
        let call = awaited.as_call_expr();
        let call = call.filter(|it| {
            let method = it.func.as_attribute_expr();
            method.is_some_and(|it| path_of(&it.value).as_deref() == Some("self"))
        });
        let mut callees = call
            .into_iter()
            .flat_map(|it| self.program.functions(self.file(), it));
        let (Some(only), None) = (callees.next(), callees.next()) else {
            return Reads::new();
        };
        let body = self.program.def(only).map_or(&[][..], |it| &it.body[..]);
        if self.depth == MAX_DEPTH || only.file != self.file() || !self.program.is_async(only) {
            return Reads::new();
        }
        let mut flow = Flow::new(self.program, self.functions, only, self.depth + 1);
        flow.run(body);
        let time = self.state.time;
        let returned = flow.returned.into_iter();
        let own = returned.filter(|(path, _)| path.starts_with("self."));
        own.map(|(path, read)| (path, Read { time, ..read }))
            .collect()
    }

    fn call(&mut self, expr: &'p Expr, it: &'p ast::ExprCall, reads: &mut Reads<'p>) {
        if let (Expr::Name(name), [counted]) = (&*it.func, &it.arguments.args[..])
            && matches!(name.id.as_str(), "bool" | "len")
        {
            merge(reads, self.glance(counted));
            return;
        }
        match &*it.func {
            Expr::Attribute(method) if method.attr.as_str() == "clear" => self.empty(&method.value),
            Expr::Attribute(method) if matches!(method.attr.as_str(), "pop" | "popleft") => {
                self.take(method, it);
                merge(reads, self.glance(&method.value));
            }
            // A method of what an attribute holds. `get` reads one element.
            Expr::Attribute(method) => match element(it, method) {
                Some(path) => self.read(expr, Some(path), reads),
                None => self.evaluate(&method.value, reads),
            },
            other => self.evaluate(other, reads),
        }
        for argument in &it.arguments.args {
            self.evaluate(argument, reads);
        }
        for keyword in &it.arguments.keywords {
            self.evaluate(&keyword.value, reads);
        }
    }

    fn read(&mut self, expr: &'p Expr, path: Option<String>, reads: &mut Reads<'p>) {
        if let Some(path) = path {
            let time = self.state.time;
            let read = Read { time, expr };
            self.state.taken.insert(path.clone(), read);
            reads.insert(path, read);
        }
    }

    fn store(&mut self, target: &'p Expr, value: &Reads<'p>) {
        match target {
            Expr::Name(name) => {
                self.state.variables.insert(name.id.as_str(), value.clone());
            }
            Expr::Tuple(ast::ExprTuple { elts, .. }) | Expr::List(ast::ExprList { elts, .. }) => {
                for element in elts {
                    self.store(element, value);
                }
            }
            Expr::Starred(it) => self.store(&it.value, value),
            _ => self.store_path(target, value),
        }
    }

    fn store_path(&mut self, target: &'p Expr, value: &Reads<'p>) {
        let (Some(path), Some(attribute)) = (path_of(target), attribute_of(target)) else {
            return;
        };
        // What was read of it before is not what is there now.
        self.state.taken.remove(&path);
        if let Some(&read) = value.get(&path) {
            self.check(path, read, target, attribute, How::WritesBack);
        }
    }

    /// An attribute is set that may have been missing. Whoever sets what is written out loses nothing, and
    /// neither does who looks at it again.
    fn fill(&mut self, target: &'p Expr, value: &Expr, reads: &Reads<'p>) {
        let now = self.state.time;
        if let (Some(path), Expr::Attribute(attribute)) = (path_of(target), target)
            && let Some(read) = self.state.missing.remove(&path)
            && !value.is_literal_expr()
            && !is_empty(value)
            && reads.get(&path).is_none_or(|it| it.time != now)
        {
            self.check(path, read, target, attribute, How::Fills);
        }
    }

    /// Whatever the attribute holds is thrown away.
    fn empty(&mut self, target: &'p Expr) {
        if let (Some(path), Expr::Attribute(attribute)) = (path_of(target), target)
            && let Some(read) = self.state.taken.remove(&path)
        {
            self.check(path, read, target, attribute, How::Empties);
        }
    }

    /// The first element is taken out, of which somebody has looked at what it is.
    fn take(&mut self, method: &'p ast::ExprAttribute, call: &'p ast::ExprCall) {
        const FIRST: &str = "0";
        let key = call.arguments.args.first().map(key_of);
        // What takes a second argument is a dictionary, whose keys stay what they are.
        let is_of_list = call.arguments.args.len() < 2;
        let is_first = key.map_or(method.attr.as_str() == "popleft", |it| {
            is_of_list && it.is_some_and(|it| it == FIRST)
        });
        let Expr::Attribute(attribute) = &*method.value else {
            return;
        };
        let path = path_of(&method.value).unwrap_or_default();
        let first = format!("{path}[{FIRST}]");
        let now = self.state.time;
        let is_known = self.state.checked.get(&first).is_some_and(|&it| it >= now);
        if is_first
            && !is_known
            && let Some(read) = self.state.taken.remove(&first)
        {
            self.check(path, read, &method.value, attribute, How::Takes);
        }
    }

    /// Notes a store if what it takes into account is older than the last await.
    fn check(
        &mut self,
        path: String,
        read: Read<'p>,
        target: &'p Expr,
        attribute: &'p ast::ExprAttribute,
        how: How,
    ) {
        let now = self.state.time;
        let mut checked = self.state.checked.clone();
        checked.retain(|_, time| *time >= now);
        if self.state.is_old(read) && !checked.contains_key(&path) {
            let names = checked.keys().flat_map(|it| it.split(['.', '[', ']']));
            let stale = StaleStore {
                path,
                target,
                attribute,
                read: read.expr,
                awaited: self.awaits[now - 1],
                how,
                is_claimed: is_claimed(self.program, self.function, self.awaits[now - 1]),
                looked_at: names.map(str::to_owned).collect(),
            };
            self.found.entry(span_of(target).start).or_insert(stale);
        }
    }
}

impl State<'_> {
    /// Whether other code may have run since a read, and no lock has held that off.
    fn is_old(&self, read: Read<'_>) -> bool {
        let is_held = self.locked.is_some_and(|since| since <= read.time);
        let was_held = |(since, until): (usize, usize)| since <= read.time && until == self.time;
        read.time < self.time && !is_held && !self.released.is_some_and(was_held)
    }

    /// What holds after one of two ways.
    fn joined(self, other: Self) -> Self {
        if self.is_dead {
            return other;
        }
        if other.is_dead {
            return self;
        }
        let mut joined = self;
        for (name, reads) in other.variables {
            merge(joined.variables.entry(name).or_default(), reads);
        }
        merge(&mut joined.taken, other.taken);
        joined
            .missing
            .retain(|path, _| other.missing.contains_key(path));
        let checked = other.checked;
        joined.checked.retain(|path, time| {
            checked.get(path).is_some_and(|other| {
                *time = (*time).min(*other);
                true
            })
        });
        joined.time = joined.time.max(other.time);
        joined.locked = joined.locked.and(other.locked);
        joined.released = joined.released.filter(|it| other.released == Some(*it));
        joined
    }
}

fn merge<'p>(into: &mut Reads<'p>, from: Reads<'p>) {
    for (path, read) in from {
        match into.get(&path) {
            Some(known) if known.time >= read.time => {}
            _ => {
                into.insert(path, read);
            }
        }
    }
}

/// The expressions directly in an expression, in the order of evaluation.
fn children(expr: &Expr) -> Vec<&Expr> {
    struct Direct<'p>(Vec<&'p Expr>);
    impl<'p> ast::visitor::Visitor<'p> for Direct<'p> {
        fn visit_expr(&mut self, expression: &'p Expr) {
            self.0.push(expression);
        }
    }
    let mut direct = Direct(Vec::new());
    ast::visitor::walk_expr(&mut direct, expr);
    direct.0
}

/// The variable of which an attribute or element is a part.
fn variable_of(mut expr: &Expr) -> Option<&str> {
    loop {
        expr = match expr {
            Expr::Attribute(it) => &it.value,
            Expr::Subscript(it) => &it.value,
            Expr::Name(it) => return Some(it.id.as_str()),
            _ => return None,
        }
    }
}

/// `[]`, `{}`, `list()` and the like. `None` says that something is over, which may well be true.
pub(super) fn is_empty(expr: &Expr) -> bool {
    match expr {
        Expr::List(it) => it.elts.is_empty(),
        Expr::Dict(it) => it.items.is_empty(),
        Expr::Call(it) => {
            let makes = matches!(&*it.func, Expr::Name(name)
                if matches!(name.id.as_str(), "deque" | "dict" | "list" | "set"));
            makes && it.arguments.is_empty()
        }
        _ => false,
    }
}

/// Whether a function has asked about an attribute and set it before it awaits something, with no `await` from
/// the question to the store but on the way that does not get there: whoever comes later sees that.
fn is_claimed(program: Program<'_, '_>, function: FunctionRef, awaited: &Expr) -> bool {
    let nodes: Vec<Node<'_>> = own_nodes(program.function(function)).collect();
    let asks = |it: &Expr, path: &str| {
        let mut asked = nodes_of_expr(it).into_iter();
        asked.any(|it| matches!(it, Node::Expr(it) if path_of(it).as_deref() == Some(path)))
    };
    let waits_within = |start: u32, end: u32| {
        nodes.iter().any(|node| match node {
            Node::Expr(it @ Expr::Await(_)) => {
                let span = span_of(*it);
                start < span.start && span.end <= end
            }
            _ => false,
        })
    };
    nodes.iter().any(|node| {
        let Node::Stmt(store @ Stmt::Assign(it)) = node else {
            return false;
        };
        let [target @ Expr::Attribute(_)] = &it.targets[..] else {
            return false;
        };
        let (store, path) = (span_of(*store), path_of(target).unwrap_or_default());
        let is_asked = |node: &Node<'_>| match node {
            Node::Stmt(statement @ Stmt::If(it)) if asks(&it.test, &path) => {
                let whole = span_of(*statement);
                let free = match whole.contains(store) {
                    true => span_of(&*it.test).end,
                    false => whole.end,
                };
                free <= store.start && !waits_within(free, store.end)
            }
            _ => false,
        };
        store.end <= span_of(awaited).start && nodes.iter().any(is_asked)
    })
}
