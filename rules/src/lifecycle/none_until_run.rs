//! Attributes that are `None` until `run` sets them, and that a handler takes apart without asking.
//!
//! A message may come before the first line of `run`, where `None` has no attributes and no elements.
//! Whoever asks anything of the workflow before, or waits, is taken to know that it is there.

use std::collections::{BTreeMap, BTreeSet};

use lint_core::facts::FunctionRef;
use lint_core::knowledge::Role;
use lint_core::syntax::ast::{self, Expr, Stmt};
use lint_core::syntax::span_of;

use crate::program::{Node, Program, Running, is_handler, nodes_of_expr, own_nodes};
use crate::writes;

/// The use of such an attribute in what a handler runs.
pub(super) struct EarlyUse<'p> {
    pub(super) function: FunctionRef,
    pub(super) at: &'p Expr,
    pub(super) name: &'p str,
}

/// The attributes of a workflow that are `None` when it is made and that only `run` sets to something.
pub(super) struct NoneUntilRun<'f, 'p> {
    program: Program<'f, 'p>,
    running: Running<'f>,
    names: BTreeSet<&'p str>,
}

impl<'f, 'p> NoneUntilRun<'f, 'p> {
    pub(super) fn of(program: Program<'f, 'p>, running: Running<'f>) -> Self {
        let mut found = Self {
            program,
            running,
            names: BTreeSet::new(),
        };
        let is_none = |it: &Option<&Expr>| it.is_some_and(Expr::is_none_literal_expr);
        let begins = running.runs_of(|role| role == Role::Init);
        let at_first = begins.iter().flat_map(|&it| found.stores(it));
        let at_first = at_first.filter(|(_, value)| is_none(value));
        let mut names = found.of_class();
        names.extend(at_first.map(|(name, _)| name));
        if names.is_empty() {
            return found;
        }
        let runs = running.runs_of(|role| matches!(role, Role::Run | Role::Step | Role::Hook));
        let beside = running.runs_of(|role| is_handler(role) || role == Role::Query);
        let is_run =
            |it: &FunctionRef| runs.contains(it) && !beside.contains(it) && !begins.contains(it);
        let (mut set, mut elsewhere) = (BTreeSet::new(), BTreeSet::new());
        for function in found.functions() {
            if writes::reflects(program, function) {
                return found;
            }
            let stores = found.stores(function).into_iter();
            let something = stores.filter(|(_, value)| !is_none(value));
            let into = if is_run(&function) {
                &mut set
            } else {
                &mut elsewhere
            };
            into.extend(something.map(|(name, _)| name));
        }
        names.retain(|it| set.contains(it) && !elsewhere.contains(it));
        found.names = names;
        found
    }

    /// The first use of each of them in a handler, before it waits.
    pub(super) fn used_by(&self, handler: FunctionRef) -> Vec<EarlyUse<'p>> {
        let mut found: BTreeMap<&str, EarlyUse<'p>> = BTreeMap::new();
        if self.names.is_empty() {
            return Vec::new();
        }
        let mut seen = BTreeSet::from([handler]);
        let mut pending = vec![handler];
        while let Some(function) = pending.pop() {
            let end = self.end(function);
            for it in self.uses(function) {
                if span_of(it.at).start < end {
                    found.entry(it.name).or_insert(it);
                }
            }
            let calls = self.program.own_calls(function);
            let early = calls.filter(|(call, _)| span_of(*call).start < end);
            pending.extend(early.map(|(_, it)| it).filter(|it| seen.insert(*it)));
        }
        found.into_values().collect()
    }

    /// The names that the bodies of the classes set to `None`.
    fn of_class(&self) -> BTreeSet<&'p str> {
        let classes = self.running.reach.bases.iter();
        let classes = classes.filter_map(|it| Some(self.program.index(it.file)?.class(it.ix).node));
        let statements = classes.flat_map(|it| &it.body);
        let names = statements.filter_map(|it| {
            let (target, value) = match it {
                Stmt::Assign(it) => (it.targets.first()?, &*it.value),
                Stmt::AnnAssign(it) => (&*it.target, it.value.as_deref()?),
                _ => return None,
            };
            let name = target.as_name_expr()?;
            value.is_none_literal_expr().then_some(name.id.as_str())
        });
        names.collect()
    }

    /// The functions that the workflow runs, and those beside its classes that may be run unseen.
    fn functions(&self) -> BTreeSet<FunctionRef> {
        let mut functions = self.running.runs_of(|_| true);
        for file in self.running.reach.bases.iter().map(|it| it.file) {
            let all = self.program.index(file).map_or(&[][..], |it| &it.functions);
            functions.extend((0..).zip(all).map(|(ix, _)| FunctionRef { file, ix }));
        }
        functions
    }

    /// The attributes of the workflow that a function binds; with the value, if that is all that is bound.
    fn stores(&self, function: FunctionRef) -> Vec<(&'p str, Option<&'p Expr>)> {
        let mut found = Vec::new();
        for node in own_nodes(self.program.function(function)) {
            let value = match node {
                Node::Stmt(Stmt::Assign(it)) => {
                    let is_plain = it.targets.iter().all(Expr::is_attribute_expr);
                    is_plain.then_some(&*it.value)
                }
                Node::Stmt(Stmt::AnnAssign(it)) => it.value.as_deref(),
                _ => None,
            };
            let targets = writes::targets(node).into_iter();
            let names = targets.filter_map(|it| it.as_attribute_expr());
            // Of an object that is not known, it may be the attribute.
            let own = names.filter(|it| {
                let owners = self.program.owners(function.file, it);
                owners.is_empty() || self.is_own(function, it)
            });
            found.extend(own.map(|it| (it.attr.as_str(), value)));
        }
        found
    }

    fn is_own(&self, function: FunctionRef, it: &ast::ExprAttribute) -> bool {
        let owners = self.program.owners(function.file, it);
        owners
            .iter()
            .any(|it| self.running.reach.bases.contains(it))
    }

    /// One of the attributes, as it is read.
    fn read(&self, function: FunctionRef, it: &'p Expr) -> Option<&'p str> {
        let it = it.as_attribute_expr()?;
        let name = it.attr.as_str();
        (self.names.contains(name) && self.is_own(function, it)).then_some(name)
    }

    /// Where a function needs more of an attribute than `None` has, directly or by a variable for it.
    fn uses(&self, function: FunctionRef) -> Vec<EarlyUse<'p>> {
        let nodes: Vec<Node<'p>> = own_nodes(self.program.function(function)).collect();
        let mut variables: BTreeMap<&str, Option<&'p str>> = BTreeMap::new();
        for node in &nodes {
            if let Node::Stmt(Stmt::Assign(it)) = node
                && let [Expr::Name(target)] = &it.targets[..]
            {
                let read = self.read(function, &it.value);
                let known = variables.entry(target.id.as_str());
                known.and_modify(|it| *it = None).or_insert(read);
            }
        }
        let mut found = Vec::new();
        for node in nodes {
            let object = match node {
                Node::Expr(Expr::Attribute(it)) => &*it.value,
                Node::Expr(Expr::Subscript(it)) => &*it.value,
                Node::Stmt(Stmt::For(it)) => &*it.iter,
                _ => continue,
            };
            let name = match object {
                Expr::Name(it) => variables.get(it.id.as_str()).copied().flatten(),
                it => self.read(function, it),
            };
            found.extend(name.map(|name| EarlyUse {
                function,
                at: object,
                name,
            }));
        }
        found
    }

    /// Where a function first waits, asks something of the workflow or of what it computed, or tries
    /// something; also in what it calls.
    fn end(&self, function: FunctionRef) -> u32 {
        let asked = own_nodes(self.program.function(function)).filter_map(|node| match node {
            Node::Expr(it @ Expr::Await(_)) => Some(span_of(it).end),
            Node::Stmt(it @ Stmt::Try(_)) => Some(span_of(it).start),
            Node::Expr(Expr::Call(call))
                if self
                    .program
                    .calls(function.file, call, &["contextlib.suppress"]) =>
            {
                Some(span_of(call).start)
            }
            Node::Expr(Expr::Call(call)) => {
                let mut called = self.program.functions(function.file, call);
                called.any(|it| self.asks(it)).then(|| span_of(call).end)
            }
            _ => None,
        });
        let questions = self.questions(function).into_iter();
        asked.chain(questions).min().unwrap_or(u32::MAX)
    }

    /// Whether a function asks something of the object or of what it computed, also in what it calls.
    pub(super) fn asks(&self, function: FunctionRef) -> bool {
        let runs = self.program.runs_from(function);
        runs.into_iter().any(|it| !self.questions(it).is_empty())
    }

    /// Where a function has conditions about the object, or about what it has computed.
    fn questions(&self, function: FunctionRef) -> Vec<u32> {
        let def = self.program.def(function);
        let nodes: Vec<Node<'p>> = own_nodes(self.program.function(function)).collect();
        let stored: BTreeSet<&str> = nodes
            .iter()
            .filter_map(|node| match node {
                Node::Expr(Expr::Name(it)) if it.ctx.is_store() => Some(it.id.as_str()),
                _ => None,
            })
            .collect();
        let object = def.and_then(|it| it.parameters.iter().next());
        let object = object.map(|it| it.name().as_str());
        let is_about_more = |test: &'p Expr| {
            nodes_of_expr(test).iter().any(|node| match node {
                Node::Expr(Expr::Name(it)) => {
                    let name = it.id.as_str();
                    Some(name) == object || stored.contains(name)
                }
                _ => false,
            })
        };
        let tests = nodes.iter().flat_map(|node| tests_of(*node));
        let asked = tests.filter(|(_, it)| is_about_more(it));
        asked.map(|(start, _)| start).collect()
    }
}

/// What a node asks, and where the code begins that may run after it: what a conditional expression
/// asks stands behind what it decides on.
fn tests_of(node: Node<'_>) -> Vec<(u32, &Expr)> {
    let tests: Vec<&Expr> = match node {
        Node::Stmt(Stmt::If(it)) => {
            let others = it
                .elif_else_clauses
                .iter()
                .filter_map(|it| it.test.as_ref());
            std::iter::once(&*it.test).chain(others).collect()
        }
        Node::Stmt(Stmt::While(it)) => vec![&it.test],
        Node::Stmt(Stmt::Assert(it)) => vec![&it.test],
        Node::Stmt(Stmt::Match(it)) => vec![&it.subject],
        Node::Expr(Expr::BoolOp(it)) => it.values.iter().collect(),
        Node::Expr(whole @ Expr::If(it)) => return vec![(span_of(whole).start, &it.test)],
        Node::Expr(whole @ Expr::ListComp(it)) => return filters(whole, &it.generators),
        Node::Expr(whole @ Expr::SetComp(it)) => return filters(whole, &it.generators),
        Node::Expr(whole @ Expr::DictComp(it)) => return filters(whole, &it.generators),
        Node::Expr(whole @ Expr::Generator(it)) => return filters(whole, &it.generators),
        _ => Vec::new(),
    };
    tests
        .into_iter()
        .map(|it| (span_of(it).start, it))
        .collect()
}

fn filters<'p>(whole: &Expr, generators: &'p [ast::Comprehension]) -> Vec<(u32, &'p Expr)> {
    let filters = generators.iter().flat_map(|it| &it.ifs);
    filters.map(|it| (span_of(whole).start, it)).collect()
}
