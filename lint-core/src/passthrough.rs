//! Modules that a worker passes through the sandbox, by the names in its code.

use std::collections::BTreeSet;

use crate::place::FileId;
use crate::project::{Project, Question, mentions};
use crate::screen::Word;
use crate::syntax::ast::visitor::{Visitor, walk_expr};
use crate::syntax::ast::{self, Expr};

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

/// Those in one file.
pub(crate) fn listed(project: &Project<'_>, file: FileId) -> WorkerLists {
    let mut finder = Finder::default();
    if let Some(module) = project.module(file) {
        finder.visit_body(&module.tree().body);
    }
    finder.names
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

#[derive(Default)]
struct Finder {
    names: BTreeSet<String>,
}

impl Finder {
    fn add(&mut self, value: &Expr) {
        match value {
            Expr::StringLiteral(literal) => {
                self.names.insert(literal.value.to_str().to_owned());
            }
            Expr::Set(it) => it.elts.iter().for_each(|element| self.add(element)),
            Expr::List(it) => it.elts.iter().for_each(|element| self.add(element)),
            Expr::Tuple(it) => it.elts.iter().for_each(|element| self.add(element)),
            Expr::Starred(it) => self.add(&it.value),
            _ => {}
        }
    }
}

impl<'a> Visitor<'a> for Finder {
    fn visit_expr(&mut self, expression: &'a Expr) {
        if let Expr::Attribute(ast::ExprAttribute { attr, .. }) = expression
            && attr.as_str() == EVERYTHING
        {
            self.names.insert("*".to_owned());
        }
        if let Expr::Call(call) = expression
            && matches!(&*call.func, Expr::Attribute(ast::ExprAttribute { attr, .. }) if attr.as_str() == METHOD)
        {
            call.arguments
                .args
                .iter()
                .for_each(|argument| self.add(argument));
        }
        if let Expr::Call(call) = expression
            && let Some(keyword) = call.arguments.find_keyword(ARGUMENT)
        {
            self.add(&keyword.value);
        }
        walk_expr(self, expression);
    }
}
