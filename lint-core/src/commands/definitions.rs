//! What gives the locals of a function their values, and what it returns, by the text alone.

use std::collections::BTreeMap;

use crate::index::FunctionNode;
use crate::place::Span;
use crate::syntax::ast::visitor::{Visitor, walk_expr, walk_stmt};
use crate::syntax::ast::{self, Expr, Stmt};
use crate::syntax::span_of;

/// One way in which a local gets its value, or has it changed.
#[derive(Clone)]
pub(super) struct Definition<'p> {
    pub(super) what: What<'p>,
    /// What decides whether it comes to that, outermost first.
    pub(super) when: Vec<When<'p>>,
    /// Where it is so for certain, if nothing else is defined there: the body of a loop.
    within: Option<Span>,
    /// Whether nobody outside sees it: the variable of a comprehension.
    is_inner: bool,
    place: Span,
}

#[derive(Clone, Copy)]
pub(super) enum What<'p> {
    Value(&'p Expr),
    /// An element of what is gone through.
    Item(&'p Expr),
    /// A part of what is taken apart.
    Part(&'p Expr, usize),
    Entered(&'p Expr),
    Added(&'p Expr),
    /// An element of it is set.
    Stored(&'p Expr, &'p Expr),
    /// A method of it is called, or a function is given it, for what that does to it.
    Called(&'p Expr),
    Caught,
    /// The rest of what is taken apart.
    Rest,
}

/// What has to be so for a statement to run.
#[derive(Clone, Copy)]
pub(super) enum When<'p> {
    Holds(&'p Expr),
    Fails(&'p Expr),
    Each(&'p Expr),
    Case(&'p Expr, &'p ast::MatchCase),
    Caught(Option<&'p Expr>),
}

/// How a function ends.
#[derive(Clone)]
pub(super) struct Outcome<'p> {
    /// What it returns or raises.
    pub(super) value: Option<&'p Expr>,
    pub(super) is_return: bool,
    pub(super) when: Vec<When<'p>>,
}

impl<'p> What<'p> {
    /// What the value comes from.
    pub(super) fn source(self) -> Option<&'p Expr> {
        match self {
            Self::Value(it) | Self::Item(it) | Self::Part(it, _) | Self::Entered(it) => Some(it),
            _ => None,
        }
    }

    /// Whether it changes a value that is there already.
    pub(super) fn is_change(self) -> bool {
        matches!(self, Self::Added(_) | Self::Stored(..) | Self::Called(_))
    }
}

/// All of a function, a module or a class body.
#[derive(Default)]
pub(super) struct Definitions<'p> {
    locals: BTreeMap<&'p str, Vec<Definition<'p>>>,
    pub(super) outcomes: Vec<Outcome<'p>>,
}

impl<'p> Definitions<'p> {
    pub(super) fn of(node: FunctionNode<'p>) -> Self {
        match node {
            FunctionNode::Def(def) => Self::of_body(&def.body),
            FunctionNode::Lambda(lambda) => {
                let mut collector = Collector::default();
                collector.visit_expr(&lambda.body);
                collector.found
            }
            FunctionNode::Module(module) => Self::of_body(&module.body),
        }
    }

    pub(super) fn of_body(body: &'p [Stmt]) -> Self {
        let mut collector = Collector::default();
        collector.visit_body(body);
        collector.found
    }

    pub(super) fn get(&self, name: &str) -> Option<&[Definition<'p>]> {
        self.locals.get(name).map(Vec::as_slice)
    }

    /// Those of a local that count at a place, and the loop that makes the difference.
    pub(super) fn at(&self, name: &str, at: Span) -> (Vec<&Definition<'p>>, Option<Span>) {
        let known = self.get(name).unwrap_or_default();
        let around = known.iter().filter_map(|it| it.within);
        let innermost = around
            .filter(|it| it.contains(at))
            .min_by_key(|it| it.end - it.start);
        let counts = |it: &&Definition<'p>| match innermost {
            Some(around) => it.within == Some(around) || around.contains(it.place),
            None => !it.is_inner,
        };
        (known.iter().filter(counts).collect(), innermost)
    }

    /// The name of a local, as long as the code lives.
    pub(super) fn key(&self, name: &str) -> Option<&'p str> {
        self.locals.get_key_value(name).map(|(name, _)| *name)
    }

    /// The value of a local that gets only one.
    pub(super) fn only_value(&self, name: &str) -> Option<&'p Expr> {
        match self.get(name)? {
            [one] => match one.what {
                What::Value(value) => Some(value),
                _ => None,
            },
            _ => None,
        }
    }
}

/// What `enumerate` counts.
pub(super) fn enumerated(iter: &Expr) -> Option<&Expr> {
    match iter {
        Expr::Call(call) => match (&*call.func, &call.arguments.args[..]) {
            (Expr::Name(name), [first, ..]) if name.id.as_str() == "enumerate" => Some(first),
            _ => None,
        },
        _ => None,
    }
}

/// The local that an element belongs to: `groups` of `groups[key][0]`.
fn owner(target: &Expr) -> Option<&str> {
    match target {
        Expr::Subscript(it) => root(&it.value),
        _ => None,
    }
}

fn root(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Name(name) => Some(name.id.as_str()),
        other => owner(other),
    }
}

#[derive(Default)]
struct Collector<'p> {
    found: Definitions<'p>,
    /// What has to be so for the statement that is looked at.
    when: Vec<When<'p>>,
    /// The statement that is looked at.
    place: Span,
    within: Option<Span>,
    is_inner: bool,
}

impl<'p> Collector<'p> {
    fn add(&mut self, name: &'p str, what: What<'p>) {
        let definition = Definition {
            what,
            when: self.when.clone(),
            within: self.within,
            is_inner: self.is_inner,
            place: self.place,
        };
        let known = self.found.locals.entry(name).or_default();
        known.push(definition);
    }

    /// The variables of a loop or a comprehension, which are its own in there.
    fn bind_within(&mut self, within: Span, bind: impl FnOnce(&mut Self)) {
        let outer = self.within.replace(within);
        bind(self);
        self.within = outer;
    }

    fn bind(&mut self, target: &'p Expr, what: What<'p>) {
        match target {
            Expr::Name(name) => self.add(name.id.as_str(), what),
            Expr::Tuple(ast::ExprTuple { elts, .. }) | Expr::List(ast::ExprList { elts, .. }) => {
                for (ix, target) in elts.iter().enumerate() {
                    let part = match what {
                        What::Value(Expr::Tuple(it)) if it.elts.len() == elts.len() => {
                            What::Value(&it.elts[ix])
                        }
                        What::Value(it) | What::Item(it) => What::Part(it, ix),
                        other => other,
                    };
                    self.bind(target, part);
                }
            }
            Expr::Starred(it) => self.bind(&it.value, What::Rest),
            other => {
                if let (Some(owner), Some(value)) = (owner(other), what.source()) {
                    self.add(owner, What::Stored(other, value));
                }
            }
        }
    }

    fn within(&mut self, when: impl IntoIterator<Item = When<'p>>, body: &'p [Stmt]) {
        let depth = self.when.len();
        self.when.extend(when);
        self.visit_body(body);
        self.when.truncate(depth);
    }

    fn if_statement(&mut self, it: &'p ast::StmtIf) {
        self.visit_expr(&it.test);
        self.within([When::Holds(&it.test)], &it.body);
        let depth = self.when.len();
        self.when.push(When::Fails(&it.test));
        for clause in &it.elif_else_clauses {
            match &clause.test {
                None => self.visit_body(&clause.body),
                Some(test) => {
                    self.visit_expr(test);
                    self.within([When::Holds(test)], &clause.body);
                    self.when.push(When::Fails(test));
                }
            }
        }
        self.when.truncate(depth);
    }

    fn for_statement(&mut self, it: &'p ast::StmtFor) {
        self.visit_expr(&it.iter);
        let (first, last) = (it.body.first(), it.body.last());
        if let (Some(first), Some(last)) = (first, last) {
            let body = Span {
                start: span_of(first).start,
                end: span_of(last).end,
            };
            self.bind_within(body, |this| this.bind_item(&it.target, &it.iter));
        }
        let mut when = vec![When::Each(&it.iter)];
        when.extend(rounds_end(&it.body));
        self.within(when, &it.body);
        self.visit_body(&it.orelse);
    }

    fn bind_item(&mut self, target: &'p Expr, iter: &'p Expr) {
        match (target, enumerated(iter)) {
            (Expr::Tuple(pair), Some(iter)) if pair.elts.len() == 2 => {
                self.bind(&pair.elts[0], What::Rest);
                self.bind(&pair.elts[1], What::Item(iter));
            }
            _ => self.bind(target, What::Item(iter)),
        }
    }

    fn try_statement(&mut self, it: &'p ast::StmtTry) {
        self.visit_body(&it.body);
        for ast::ExceptHandler::ExceptHandler(handler) in &it.handlers {
            if let Some(name) = &handler.name {
                self.add(name.as_str(), What::Caught);
            }
            self.within([When::Caught(handler.type_.as_deref())], &handler.body);
        }
        self.visit_body(&it.orelse);
        self.visit_body(&it.finalbody);
    }

    fn end(&mut self, value: Option<&'p Expr>, is_return: bool) {
        let when = self.when.clone();
        self.found.outcomes.push(Outcome {
            value,
            is_return,
            when,
        });
    }
}

impl<'p> Visitor<'p> for Collector<'p> {
    fn visit_stmt(&mut self, statement: &'p Stmt) {
        self.place = span_of(statement);
        match statement {
            Stmt::FunctionDef(_) | Stmt::ClassDef(_) => return,
            Stmt::If(it) => return self.if_statement(it),
            Stmt::For(it) => return self.for_statement(it),
            Stmt::Try(it) => return self.try_statement(it),
            Stmt::While(it) => {
                self.visit_expr(&it.test);
                let mut when = vec![When::Holds(&it.test)];
                when.extend(rounds_end(&it.body));
                self.within(when, &it.body);
                return self.visit_body(&it.orelse);
            }
            Stmt::Match(it) => {
                self.visit_expr(&it.subject);
                for case in &it.cases {
                    self.within([When::Case(&it.subject, case)], &case.body);
                }
                return;
            }
            Stmt::Return(it) => self.end(it.value.as_deref(), true),
            Stmt::Raise(it) => self.end(it.exc.as_deref(), false),
            Stmt::Assign(it) => {
                for target in &it.targets {
                    self.bind(target, What::Value(&it.value));
                }
            }
            Stmt::AnnAssign(it) => {
                if let Some(value) = &it.value {
                    self.bind(&it.target, What::Value(value));
                }
            }
            Stmt::AugAssign(it) => match owner(&it.target) {
                Some(owner) => self.add(owner, What::Stored(&it.target, &it.value)),
                None => self.bind_added(it),
            },
            Stmt::Delete(it) => {
                for target in &it.targets {
                    if let Some(owner) = owner(target) {
                        self.add(owner, What::Stored(target, target));
                    }
                }
            }
            Stmt::With(it) => {
                for item in &it.items {
                    if let Some(target) = &item.optional_vars {
                        self.bind(target, What::Entered(&item.context_expr));
                    }
                }
            }
            Stmt::Expr(it) => self.called(&it.value),
            _ => {}
        }
        walk_stmt(self, statement);
    }

    fn visit_expr(&mut self, expression: &'p Expr) {
        match expression {
            Expr::Lambda(_) => return,
            Expr::Named(it) => self.bind(&it.target, What::Value(&it.value)),
            Expr::ListComp(it) => self.comprehension(expression, &it.generators),
            Expr::SetComp(it) => self.comprehension(expression, &it.generators),
            Expr::Generator(it) => self.comprehension(expression, &it.generators),
            Expr::DictComp(it) => self.comprehension(expression, &it.generators),
            _ => {}
        }
        walk_expr(self, expression);
    }
}

impl<'p> Collector<'p> {
    fn comprehension(&mut self, whole: &Expr, generators: &'p [ast::Comprehension]) {
        let outer = std::mem::replace(&mut self.is_inner, true);
        for it in generators {
            self.bind_within(span_of(whole), |this| this.bind_item(&it.target, &it.iter));
        }
        self.is_inner = outer;
    }

    fn bind_added(&mut self, it: &'p ast::StmtAugAssign) {
        if let Expr::Name(name) = &*it.target {
            self.add(name.id.as_str(), What::Added(&it.value));
        }
    }

    /// A method that is called for what it does.
    fn called(&mut self, value: &'p Expr) {
        let value = match value {
            Expr::Await(it) => &*it.value,
            other => other,
        };
        let Expr::Call(call) = value else { return };
        match &*call.func {
            Expr::Attribute(method) => {
                if let Some(owner) = root(&method.value) {
                    self.add(owner, What::Called(value));
                }
            }
            // A function that fills what it is given.
            _ => {
                for owner in call.arguments.args.iter().filter_map(root) {
                    self.add(owner, What::Called(value));
                }
            }
        }
    }
}

/// The conditions under which a round of a loop ends early, which decides over what follows in it.
fn rounds_end(body: &[Stmt]) -> Vec<When<'_>> {
    let mut found = Vec::new();
    for statement in body {
        let Stmt::If(it) = statement else { continue };
        let clauses = it.elif_else_clauses.iter();
        let tests = clauses.clone().filter_map(|clause| clause.test.as_ref());
        let bodies = std::iter::once(&it.body).chain(clauses.map(|clause| &clause.body));
        if bodies.flatten().any(ends_round) {
            found.push(When::Fails(&it.test));
            found.extend(tests.map(When::Fails));
        }
    }
    found
}

fn ends_round(statement: &Stmt) -> bool {
    match statement {
        Stmt::Break(_) | Stmt::Continue(_) => true,
        Stmt::If(it) => {
            let clauses = it.elif_else_clauses.iter().map(|clause| &clause.body);
            let bodies = std::iter::once(&it.body).chain(clauses);
            bodies.flatten().any(ends_round)
        }
        Stmt::With(it) => it.body.iter().any(ends_round),
        Stmt::Try(it) => it.body.iter().any(ends_round),
        _ => false,
    }
}
