//! What the handlers of a workflow keep for `run`.

use std::collections::{BTreeMap, BTreeSet};

use lint_core::diagnostic::{Severity, Span};
use lint_core::facts::FunctionRef;
use lint_core::index::{Function, FunctionIx};
use lint_core::knowledge::Role;
use lint_core::syntax::ast::visitor::{Visitor, walk_expr};
use lint_core::syntax::ast::{self, Expr, Stmt};
use lint_core::syntax::span_of;

use super::stale::is_empty;
use super::stores::is_false;
use crate::handlers::Handler;
use crate::program::{Node, Program, Running, is_handler, own_nodes};
use crate::writes;

/// A place where some of it is lost.
pub(super) struct Lost {
    pub(super) function: FunctionRef,
    pub(super) span: Span,
    pub(super) message: String,
    pub(super) help: &'static str,
    pub(super) severity: Severity,
}

/// The messages of one workflow.
pub(super) struct Messages<'f, 'p> {
    pub(super) program: Program<'f, 'p>,
    pub(super) running: Running<'f>,
    pub(super) handlers: Vec<Handler>,
    /// The attributes of the workflow that handlers write to, with the name of one.
    pub(super) kept: BTreeMap<&'p str, String>,
    /// Those that are there before `run`, or that handlers set.
    pub(super) begun: BTreeSet<&'p str>,
    /// Those to which signals add.
    pub(super) queues: BTreeSet<&'p str>,
}

impl<'f, 'p> Messages<'f, 'p> {
    pub(super) fn new(program: Program<'f, 'p>, running: Running<'f>) -> Self {
        let mut handlers = Handler::all(program, running);
        handlers.retain(|it| is_handler(it.role));
        let (mut kept, mut queues, mut begun) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
        for handler in &handlers {
            for &function in &handler.runs {
                let emptied = emptied(program, function);
                let added = added_to(program, function);
                for write in writes::in_function(program, function) {
                    let is_own = running.reach.bases.contains(&write.attribute.owner);
                    let (name, span) = (write.attribute.name, span_of(write.node));
                    if is_own && !emptied.contains(&span) {
                        kept.entry(name).or_insert_with(|| handler.name.clone());
                        begun.extend(write.binds.then_some(name));
                        if handler.role == Role::Signal && added.contains(&span) {
                            queues.insert(name);
                        }
                    }
                }
            }
        }
        let mut messages = Self {
            program,
            running,
            handlers,
            kept,
            begun,
            queues,
        };
        for (function, _) in messages.functions_beside() {
            if program.short_name(function) == "__init__" {
                let runs = program.runs_from(function).into_iter();
                let writes = runs.flat_map(|it| writes::in_function(program, it));
                let set = writes.filter(|it| it.binds).map(|it| it.attribute.name);
                messages.begun.extend(set);
            }
        }
        messages
    }

    /// The functions in the files of the workflow class and its bases.
    pub(super) fn functions_beside(&self) -> Vec<(FunctionRef, &'p Function<'p>)> {
        let files: BTreeSet<_> = self.running.reach.bases.iter().map(|it| it.file).collect();
        let mut found = Vec::new();
        for file in files {
            let functions = self.program.index(file).map_or(&[][..], |it| &it.functions);
            for (ix, function) in functions.iter().enumerate() {
                let ix = ix as FunctionIx;
                found.push((FunctionRef { file, ix }, function));
            }
        }
        found
    }

    pub(super) fn mentions(&self, function: FunctionRef, name: &str) -> bool {
        let def = self.program.def(function);
        def.is_some_and(|it| attributes_of(it).contains(name))
    }
}

/// The attributes that a function looks up, also in the functions that it defines.
pub(super) fn attributes_of(def: &ast::StmtFunctionDef) -> BTreeSet<&str> {
    let mut attributes = Attributes::default();
    attributes.visit_body(&def.body);
    attributes.0
}

/// Whether an expression, or a function that it defines, looks up an attribute of this name.
pub(super) fn looks_up(expr: &Expr, name: &str) -> bool {
    let mut attributes = Attributes::default();
    attributes.visit_expr(expr);
    attributes.0.contains(name)
}

#[derive(Default)]
struct Attributes<'a>(BTreeSet<&'a str>);

impl<'a> Visitor<'a> for Attributes<'a> {
    fn visit_expr(&mut self, expression: &'a Expr) {
        if let Expr::Attribute(it) = expression {
            self.0.insert(it.attr.as_str());
        }
        walk_expr(self, expression);
    }
}

/// The attribute that a statement sets to something empty.
pub(super) fn set_to_empty(statement: &Stmt) -> Option<(&Expr, &str)> {
    let (target, value) = match statement {
        Stmt::Assign(it) => match &it.targets[..] {
            [target] => (target, &*it.value),
            _ => return None,
        },
        Stmt::AnnAssign(it) => (&*it.target, it.value.as_deref()?),
        _ => return None,
    };
    let attribute = target.as_attribute_expr()?;
    let is_it = is_name(&attribute.value, "self") && (is_false(value) || is_empty(value));
    is_it.then_some((target, attribute.attr.as_str()))
}

/// Where a function sets attributes to something empty.
pub(super) fn emptied(program: Program<'_, '_>, function: FunctionRef) -> BTreeSet<Span> {
    let statements = own_nodes(program.function(function)).filter_map(|node| match node {
        Node::Stmt(it) => set_to_empty(it),
        Node::Expr(_) => None,
    });
    statements.map(|(target, _)| span_of(target)).collect()
}

/// Where a function adds to lists and queues.
pub(super) fn added_to(program: Program<'_, '_>, function: FunctionRef) -> BTreeSet<Span> {
    const ADD: &[&str] = &["append", "appendleft", "extend", "insert", "put_nowait"];
    let calls = own_nodes(program.function(function)).filter_map(|node| match node {
        Node::Expr(Expr::Call(call)) => call.func.as_attribute_expr(),
        _ => None,
    });
    let adding = calls.filter(|it| ADD.contains(&it.attr.as_str()));
    adding.map(|it| span_of(&*it.value)).collect()
}

pub(super) fn is_attribute(expr: &Expr, name: &str) -> bool {
    matches!(expr, Expr::Attribute(it) if it.attr.as_str() == name && is_name(&it.value, "self"))
}

pub(super) fn is_name(expr: &Expr, name: &str) -> bool {
    matches!(expr, Expr::Name(it) if it.id.as_str() == name)
}
