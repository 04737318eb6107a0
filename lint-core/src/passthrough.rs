//! Modules that a worker passes through the sandbox, by the names in its code.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use crate::place::FileId;
use crate::project::{Project, Question, mentions};
use crate::screen::Word;
use crate::syntax::ast::visitor::{Visitor, walk_expr, walk_stmt};
use crate::syntax::ast::{Expr, Stmt};

const METHOD: &str = "with_passthrough_modules";
/// Passes every module; stands for itself as `*` among the names.
const EVERYTHING: &str = "with_passthrough_all_modules";
const ARGUMENT: &str = "passthrough_modules";

/// Names of modules, each of which covers what is below it.
pub(crate) type WorkerLists = BTreeSet<String>;

/// Every module name given to `with_passthrough_modules(…)` or `passthrough_modules={…}`.
pub(crate) fn worker_lists(project: &Project<'_>) -> WorkerLists {
    let files = project.candidates(&question()).into_iter();
    files.flat_map(|file| listed(project, file)).collect()
}

/// Those in one file, also in what it binds to names.
pub(crate) fn listed(project: &Project<'_>, file: FileId) -> WorkerLists {
    let mut finder = Finder::default();
    if let Some(module) = project.module(file) {
        finder.visit_body(&module.tree().body);
    }
    finder.names()
}

/// Whether the changed file may name such modules if it did before.
pub(crate) fn answers_alike(old: &Project<'_>, new: &Project<'_>, file: FileId) -> bool {
    let question = question();
    new.ask(std::slice::from_ref(&question));
    old.answer(file, &question.name) == new.answer(file, &question.name)
}

/// Which files may name such modules.
pub(crate) fn question() -> Question<'static> {
    Question {
        name: ARGUMENT.to_owned(),
        words: [ARGUMENT, EVERYTHING].map(Word::text).into(),
        test: &|bytes| mentions(bytes, ARGUMENT) || mentions(bytes, EVERYTHING),
    }
}

/// Looks for the names, and for what is bound to variables: which of several values a variable has is
/// not asked.
#[derive(Default)]
struct Finder<'a> {
    lists: Vec<&'a Expr>,
    bound: FxHashMap<&'a str, Vec<&'a Expr>>,
    passes_everything: bool,
}

impl<'a> Finder<'a> {
    fn bind(&mut self, target: &'a Expr, value: &'a Expr) {
        if let Some(name) = variable(target) {
            self.bound.entry(name).or_default().push(value);
        }
    }

    /// The texts in what is given, through variables and whatever joins several lists.
    fn names(mut self) -> WorkerLists {
        let everything = self.passes_everything.then(|| "*".to_owned());
        let mut names: WorkerLists = everything.into_iter().collect();
        while let Some(value) = self.lists.pop() {
            match value {
                Expr::StringLiteral(it) => {
                    names.insert(it.value.to_str().to_owned());
                }
                Expr::Set(it) => self.lists.extend(&it.elts),
                Expr::List(it) => self.lists.extend(&it.elts),
                Expr::Tuple(it) => self.lists.extend(&it.elts),
                Expr::Starred(it) => self.lists.push(&it.value),
                Expr::BinOp(it) => self.lists.extend([&*it.left, &*it.right]),
                Expr::If(it) => self.lists.extend([&*it.body, &*it.orelse]),
                Expr::Call(it) => {
                    self.lists.extend(&it.arguments.args);
                    self.lists
                        .extend(it.func.as_attribute_expr().map(|it| &*it.value));
                }
                // Each variable is looked up once.
                other => {
                    let bound = variable(other).and_then(|name| self.bound.remove(name));
                    self.lists.extend(bound.into_iter().flatten());
                }
            }
        }
        names
    }
}

/// The name of a variable, or of an attribute.
fn variable(expression: &Expr) -> Option<&str> {
    match expression {
        Expr::Name(it) => Some(it.id.as_str()),
        Expr::Attribute(it) => Some(it.attr.as_str()),
        _ => None,
    }
}

impl<'a> Visitor<'a> for Finder<'a> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::Assign(it) => {
                for target in &it.targets {
                    self.bind(target, &it.value);
                }
            }
            Stmt::AnnAssign(it) => {
                if let Some(value) = &it.value {
                    self.bind(&it.target, value);
                }
            }
            Stmt::AugAssign(it) => self.bind(&it.target, &it.value),
            Stmt::For(it) => self.bind(&it.target, &it.iter),
            _ => {}
        }
        walk_stmt(self, statement);
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Attribute(it) => self.passes_everything |= it.attr.as_str() == EVERYTHING,
            Expr::Call(call) => {
                if variable(&call.func) == Some(METHOD) {
                    self.lists.extend(&call.arguments.args);
                }
                if let Some(keyword) = call.arguments.find_keyword(ARGUMENT) {
                    self.lists.push(&keyword.value);
                }
            }
            _ => {}
        }
        walk_expr(self, expression);
    }
}
