//! Follows values of attributes through one function: which stores write back what was read before
//! an `await`, and which throw away what was read before one.
//!
//! Time is counted in awaits that may let other code run. A value remembers when which attributes
//! were read for it; a store of an attribute is stale if all that the value has of that very
//! attribute is older than the last such await, and no lock was held since. Where the attribute is
//! emptied, that goes for what was last read of it as a whole, and where it is set because it was
//! missing, for the question that said so.

use std::collections::{BTreeMap, BTreeSet};

use lint_core::diagnostic::FileId;
use lint_core::facts::{Callee, FunctionRef};
use lint_core::index::FunctionNode;
use lint_core::syntax::ast::{self, Expr, Stmt};
use lint_core::syntax::span_of;

use super::ends::falls_through;
use super::waited::{missing, present};
use crate::program::{Node, Program, Running, nodes_of, nodes_of_expr, own_nodes};

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
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// It is made of what was read.
    WritesBack,
    Empties,
    /// It was missing when it was asked for.
    Fills,
}

pub(super) fn stale_stores<'p>(
    program: Program<'_, 'p>,
    running: Running<'_>,
    function: FunctionRef,
) -> Vec<StaleStore<'p>> {
    let body = match program.function(function).map(|it| it.node) {
        Some(FunctionNode::Def(def)) if def.is_async => &def.body[..],
        _ => return Vec::new(),
    };
    let mut flow = Flow {
        program,
        function,
        state: State::default(),
        awaits: Vec::new(),
        found: BTreeMap::new(),
    };
    flow.run(body);
    let is_alone = || {
        is_guarded_by_flag(body)
            || is_always_locked(program, running, function, &mut BTreeSet::new())
    };
    if flow.found.is_empty() || is_alone() {
        return Vec::new();
    }
    flow.found.into_values().collect()
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
    is_dead: bool,
}

struct Flow<'f, 'p> {
    program: Program<'f, 'p>,
    function: FunctionRef,
    state: State<'p>,
    /// The awaits so far, by their numbers, which start at one.
    awaits: Vec<&'p Expr>,
    found: BTreeMap<u32, StaleStore<'p>>,
}

impl<'p> Flow<'_, 'p> {
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
                let is_acquired = is_acquire(&it.value);
                self.value(&it.value);
                if is_acquired {
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
                    self.value(value);
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
        self.value(&it.subject);
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
        for (path, read) in reads {
            let time = self.state.checked.entry(path).or_default();
            *time = (*time).max(read.time);
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
                // An element may be named by a variable.
                if let Expr::Subscript(it) = expr {
                    self.evaluate(&it.slice, &mut Reads::new());
                }
            }
            Expr::Await(it) => {
                self.evaluate(&it.value, reads);
                if self.program.suspends(self.file(), &it.value) {
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

    fn call(&mut self, expr: &'p Expr, it: &'p ast::ExprCall, reads: &mut Reads<'p>) {
        if let (Expr::Name(name), [counted]) = (&*it.func, &it.arguments.args[..])
            && matches!(name.id.as_str(), "bool" | "len")
        {
            merge(reads, self.glance(counted));
            return;
        }
        match &*it.func {
            Expr::Attribute(method) if method.attr.as_str() == "clear" => self.empty(&method.value),
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
        let is_held = self.state.locked.is_some_and(|since| since <= read.time);
        let is_checked = self
            .state
            .checked
            .get(&path)
            .is_some_and(|&time| time >= now);
        if read.time < now && !is_held && !is_checked {
            let stale = StaleStore {
                path,
                target,
                attribute,
                read: read.expr,
                awaited: self.awaits[now - 1],
                how,
                is_claimed: is_claimed(self.program, self.function, self.awaits[now - 1]),
            };
            self.found.entry(span_of(target).start).or_insert(stale);
        }
    }
}

impl State<'_> {
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

/// The text of an attribute of a name, or of an element of one, without white space: `self.a.b`,
/// `self.rows[key]`.
fn path_of(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Name(name) => Some(name.id.to_string()),
        Expr::Attribute(it) => Some(format!("{}.{}", path_of(&it.value)?, it.attr)),
        Expr::Subscript(it) => Some(format!("{}[{}]", path_of(&it.value)?, key_of(&it.slice)?)),
        _ => None,
    }
}

fn key_of(expr: &Expr) -> Option<String> {
    match expr {
        Expr::StringLiteral(it) => Some(format!("{:?}", it.value.to_str())),
        Expr::NumberLiteral(it) => Some(format!("{:?}", it.value)),
        _ => path_of(expr),
    }
}

/// The element that `mapping.get(key)` reads.
fn element(call: &ast::ExprCall, method: &ast::ExprAttribute) -> Option<String> {
    if method.attr.as_str() != "get" || !matches!(&*method.value, Expr::Attribute(_)) {
        return None;
    }
    let key = key_of(call.arguments.args.first()?)?;
    Some(format!("{}[{key}]", path_of(&method.value)?))
}

/// The attribute of a path: `self.rows` of `self.rows[key]`.
fn attribute_of(expr: &Expr) -> Option<&ast::ExprAttribute> {
    match expr {
        Expr::Attribute(it) => Some(it),
        Expr::Subscript(it) => attribute_of(&it.value),
        _ => None,
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

fn is_acquire(expr: &Expr) -> bool {
    matches!(expr, Expr::Await(it) if matches!(&*it.value, Expr::Call(call)
        if matches!(&*call.func, Expr::Attribute(method) if method.attr.as_str() == "acquire")))
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

/// Whether `async with` holds others off: everything may, but what only limits the time or waits for
/// tasks.
fn is_lock(program: Program<'_, '_>, file: FileId, entered: &Expr) -> bool {
    const NO_LOCKS: &[&str] = &["asyncio.timeout", "asyncio.timeout_at", "asyncio.TaskGroup"];
    match entered {
        Expr::Call(call) => !program.calls(file, call, NO_LOCKS),
        _ => true,
    }
}

/// Whether a function keeps others out with a flag of its own: it sets it to true and later to false,
/// or puts a key into a set and later takes it out.
fn is_guarded_by_flag(body: &[Stmt]) -> bool {
    let mut raised = BTreeSet::new();
    let mut lowered = BTreeSet::new();
    for node in nodes_of(body) {
        let Node::Stmt(statement) = node else {
            continue;
        };
        match flag_of(statement) {
            Some((flag, true)) => raised.insert(flag),
            Some((flag, false)) => lowered.insert(flag),
            None => false,
        };
    }
    raised.intersection(&lowered).next().is_some()
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

/// The flag that a statement raises or lowers: an attribute, or a set that is one with its key.
fn flag_of(statement: &Stmt) -> Option<((String, Option<String>), bool)> {
    match statement {
        Stmt::Assign(it) => {
            let ([target @ Expr::Attribute(_)], Expr::BooleanLiteral(value)) =
                (&it.targets[..], &*it.value)
            else {
                return None;
            };
            Some(((path_of(target)?, None), value.value))
        }
        Stmt::Expr(it) => {
            let call = it.value.as_call_expr()?;
            let method = call.func.as_attribute_expr()?;
            let raises = match method.attr.as_str() {
                "add" => true,
                "discard" | "remove" => false,
                _ => return None,
            };
            let [key] = &call.arguments.args[..] else {
                return None;
            };
            method.value.is_attribute_expr().then_some(())?;
            Some(((path_of(&method.value)?, Some(path_of(key)?)), raises))
        }
        _ => None,
    }
}

/// Whether a function runs under a lock wherever it is called.
fn is_always_locked(
    program: Program<'_, '_>,
    running: Running<'_>,
    function: FunctionRef,
    seen: &mut BTreeSet<FunctionRef>,
) -> bool {
    let is_entry = running
        .reach
        .entries
        .iter()
        .any(|it| it.function == function);
    if is_entry || !seen.insert(function) {
        return false;
    }
    let mut called = false;
    for caller in running.runs_of(|_| true) {
        let locked = spans_under_lock(program, caller);
        for node in own_nodes(program.function(caller)) {
            let Node::Expr(Expr::Call(call)) = node else {
                continue;
            };
            let runs = program.callees(caller.file, call);
            if !runs.contains(&Callee::Function(function)) {
                continue;
            }
            called = true;
            let at = span_of(call).start;
            let is_locked = locked.iter().any(|&(start, end)| start <= at && at < end);
            if !is_locked && !is_always_locked(program, running, caller, seen) {
                return false;
            }
        }
    }
    called
}

fn spans_under_lock(program: Program<'_, '_>, function: FunctionRef) -> Vec<(u32, u32)> {
    let withs = own_nodes(program.function(function)).filter_map(|node| match node {
        Node::Stmt(Stmt::With(it)) if it.is_async => Some(it),
        _ => None,
    });
    let locking = withs.filter(|it| {
        let entered = it.items.iter().map(|item| &item.context_expr);
        entered
            .into_iter()
            .any(|it| is_lock(program, function.file, it))
    });
    locking
        .map(|it| (span_of(it).start, span_of(it).end))
        .collect()
}
