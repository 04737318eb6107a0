//! Workers run the activities that they are given in a list.

use lint_core::diagnostic::{Edit, FileId, Place, Span};
use lint_core::facts::Facts;
use lint_core::index::Module;
use lint_core::names::{Names, Resolved};
use lint_core::syntax::ast::visitor::{Visitor, walk_expr};
use lint_core::syntax::ast::{self, Expr};
use lint_core::syntax::span_of;

use super::home::{Home, imported_from, sibling};
use super::imports;
use super::signature::inserted;
use crate::rule::Context;

/// The edits that add an activity to the lists of the workers that run the workflow.
pub(super) fn register(cx: &Context<'_>, home: &Home, workflow: Place, name: &str) -> Vec<Edit> {
    let project = cx.facts.project;
    let (files, names) = cx.workers();
    let mut edits = Vec::new();
    for &file in files {
        let Some(module) = project.module(file) else {
            continue;
        };
        let mut calls = Calls(Vec::new());
        calls.visit_body(&module.tree().body);
        for call in calls.0 {
            let runs_it =
                Worker::of(names, file, module, call).filter(|it| it.runs(cx.facts, workflow));
            let list = runs_it.and_then(|it| it.list());
            edits.extend(
                list.and_then(|list| added(cx, names, list, home, name))
                    .unwrap_or_default(),
            );
        }
    }
    edits.sort();
    edits.dedup();
    edits
}

struct Calls<'p>(Vec<&'p ast::ExprCall>);

impl<'p> Visitor<'p> for Calls<'p> {
    fn visit_expr(&mut self, expression: &'p Expr) {
        if let Expr::Call(call) = expression
            && call.arguments.find_keyword("activities").is_some()
        {
            self.0.push(call);
        }
        walk_expr(self, expression);
    }
}

struct Worker<'n, 'p> {
    names: &'n Names<'p>,
    file: FileId,
    module: &'p Module,
    call: &'p ast::ExprCall,
}

/// The list that a worker is given, and where it is written.
struct List<'p> {
    file: FileId,
    module: &'p Module,
    list: &'p ast::ExprList,
}

impl<'n, 'p> Worker<'n, 'p> {
    fn of(
        names: &'n Names<'p>,
        file: FileId,
        module: &'p Module,
        call: &'p ast::ExprCall,
    ) -> Option<Self> {
        let worker = Self {
            names,
            file,
            module,
            call,
        };
        let class = worker.resolve(&call.func)?;
        (class.external() == Some("temporalio.worker.Worker")).then_some(worker)
    }

    fn resolve(&self, expr: &Expr) -> Option<Resolved> {
        let function = self.module.index().function_containing(span_of(expr).start);
        self.names.resolve(self.file, function, expr)
    }

    fn runs(&self, facts: &Facts<'_>, workflow: Place) -> bool {
        let Some(Expr::List(list)) = self.given("workflows") else {
            return false;
        };
        let is_it = |it: &Expr| match self.resolve(it) {
            Some(Resolved::Class { file, ix }) => {
                let index = facts.project.module(file).map(Module::index);
                let name = index.map(|index| span_of(&index.class(ix).node.name));
                file == workflow.file && name == Some(workflow.span)
            }
            _ => false,
        };
        list.elts.iter().any(is_it)
    }

    fn given(&self, name: &str) -> Option<&'p Expr> {
        Some(&self.call.arguments.find_keyword(name)?.value)
    }

    fn list(&self) -> Option<List<'p>> {
        match self.given("activities")? {
            Expr::List(list) => Some(List {
                file: self.file,
                module: self.module,
                list,
            }),
            _ => None,
        }
    }
}

/// One more element of a list, named as the others are.
fn added(
    cx: &Context<'_>,
    names: &Names<'_>,
    it: List<'_>,
    home: &Home,
    name: &str,
) -> Option<Vec<Edit>> {
    let project = cx.facts.project;
    let source = project.source(it.file)?;
    let element = |text: &str| {
        let last = it.list.elts.last().map(span_of);
        let (at, replacement) = inserted(source, span_of(it.list), last, &[text]);
        edit(it.file, at, replacement)
    };
    if home.file == Some(it.file) {
        return Some(vec![element(name)]);
    }
    let function = |expr: &Expr| it.module.index().function_containing(span_of(expr).start);
    let is_of_home = |expr: &&Expr| match names.resolve(it.file, function(expr), expr) {
        Some(Resolved::Function { file, .. }) => home.file == Some(file),
        _ => false,
    };
    if let Some(Expr::Attribute(like)) = it.list.elts.iter().find(is_of_home) {
        let module = source.slice(span_of(&*like.value));
        return Some(vec![element(&format!("{module}.{name}"))]);
    }
    let import = match home.file.and_then(|file| imported_from(cx, it.file, file)) {
        Some(statement) => imports::beside(it.file, source, statement, &[name]),
        None => {
            let (module, like) = sibling(cx, it.file, &home.key)?;
            let statement = format!("from {module} import {name}\n");
            match like {
                Some(like) => imports::below(it.file, source, like, &statement),
                None => imports::after_imports(it.file, source, it.module.tree(), &statement),
            }
        }
    };
    Some(vec![import, element(name)])
}

fn edit(file: FileId, at: u32, replacement: String) -> Edit {
    Edit {
        place: Place {
            file,
            span: Span::new(at, at),
        },
        replacement,
    }
}
