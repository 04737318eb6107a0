//! A function that has to wait becomes `async`, and what calls it awaits it and becomes `async` in its
//! turn.
//!
//! Only where all calls are plain to see: a function that other code may call, hand over or replace
//! stays as it is.

use std::collections::BTreeSet;
use std::rc::Rc;

use lint_core::diagnostic::{Edit, FileId, Place, Span};
use lint_core::facts::{Callee, ClassRef, Facade, FunctionRef};
use lint_core::index::{FunctionIx, FunctionNode, MODULE_BODY, Module};
use lint_core::names::{Base, Bound, Names, Resolved};
use lint_core::project::Project;
use lint_core::syntax::ast::visitor::{Visitor, walk_expr, walk_stmt};
use lint_core::syntax::ast::{self, Expr, Stmt};
use lint_core::syntax::span_of;

use super::site::{Site, is_shadowed};
use crate::rule::Context;

/// How many functions may become `async` together.
const MOST: usize = 8;

/// Bases outside the project that call no methods of a class of the project.
const QUIET_BASES: &[&str] = &[
    "abc.ABC",
    "ntro.workflow.NtroWorkflow",
    "object",
    "pydantic.BaseModel",
    "typing.Generic",
    "typing.Protocol",
];

/// Functions that become `async` together.
struct Asynchronous {
    edits: Vec<Edit>,
    /// Their names, the one first that the others wait for.
    names: Vec<String>,
}

/// What it takes to wait at a site.
pub(super) struct Waiting {
    pub(super) edits: Vec<Edit>,
    /// What else is different afterwards.
    pub(super) caution: String,
}

pub(super) fn waiting(cx: &Context<'_>, site: &Site<'_, '_>) -> Option<Waiting> {
    if site.is_in_comprehension() {
        return None;
    }
    if site.is_async() {
        return Some(Waiting {
            edits: Vec::new(),
            caution: String::new(),
        });
    }
    let Asynchronous { edits, names } = asynchronous(cx, site.function_ref())?;
    let names: Vec<String> = names.iter().map(|it| format!("`{it}`")).collect();
    let caution = format!(", and make {} `async`", names.join(", "));
    Some(Waiting { edits, caution })
}

/// What it takes to make a function `async`.
fn asynchronous(cx: &Context<'_>, function: FunctionRef) -> Option<Asynchronous> {
    let mut together = Asynchronous {
        edits: Vec::new(),
        names: Vec::new(),
    };
    let mut known = BTreeSet::from([function]);
    let mut pending = vec![function];
    while let Some(next) = pending.pop() {
        let plain = Plain::of(cx, next)?;
        together.edits.push(plain.marked()?);
        together.names.push(plain.def.name.to_string());
        for site in plain.calls()? {
            together.edits.extend(awaited(&site)?);
            let caller = site.function_ref();
            if !site.is_async() && known.insert(caller) {
                pending.push(caller);
            }
        }
        if known.len() > MOST {
            return None;
        }
    }
    Some(together)
}

/// The edits that await a call in `async` code.
pub(crate) fn awaited_call<'p>(
    names: &Names<'p>,
    project: &'p Project<'p>,
    call: Place,
) -> Option<Vec<Edit>> {
    let site = Site::among(names, project, call, Facade::Other)?;
    site.is_async().then(|| awaited(&site)).flatten()
}

/// The edits that await a call.
fn awaited(site: &Site<'_, '_>) -> Option<Vec<Edit>> {
    let parent = site.around.last().copied();
    if site.is_in_comprehension() || matches!(parent, Some(Expr::Await(_))) {
        return None;
    }
    let span = span_of(site.expr);
    let at = |at: u32, text: &str| site.edit(Span::new(at, at), text);
    Some(match site.binds_tighter(parent) {
        true => vec![at(span.start, "(await "), at(span.end, ")")],
        false => vec![at(span.start, "await ")],
    })
}

/// A function, and all that mentions its name.
struct Plain<'c, 'p> {
    cx: &'c Context<'p>,
    this: FunctionRef,
    def: &'p ast::StmtFunctionDef,
    class: Option<ClassRef>,
    files: Vec<FileId>,
    names: Rc<Names<'p>>,
}

/// What a mention of the name is.
enum Mention {
    Call,
    /// It is the name of something else.
    Other,
    /// It may be the function, and it is not called there.
    Unknown,
}

impl<'c, 'p> Plain<'c, 'p> {
    fn of(cx: &'c Context<'p>, this: FunctionRef) -> Option<Self> {
        let project = cx.facts.project;
        let module = project
            .module(this.file)
            .filter(|_| !project.is_installed(this.file))?;
        let function = module.index().function(this.ix);
        let FunctionNode::Def(def) = function.node else {
            return None;
        };
        let is_special = def.name.starts_with("__") || function.is_generator;
        if def.is_async || is_special || function.parent != MODULE_BODY {
            return None;
        }
        let files = cx.files_with(def.name.as_str());
        let names = cx.names_in(&files);
        let keeps_it = |it: &ast::Decorator| {
            let name = names.resolve(this.file, MODULE_BODY, &it.expression);
            let name = name.as_ref().and_then(Resolved::external);
            matches!(name, Some("staticmethod" | "classmethod"))
        };
        if !def.decorator_list.iter().all(keeps_it) {
            return None;
        }
        let class = function.class.map(|ix| ClassRef {
            file: this.file,
            ix,
        });
        let plain = Self {
            cx,
            this,
            def,
            class,
            files,
            names,
        };
        plain.is_alone().then_some(plain)
    }

    /// Whether no other method takes its place, and it takes that of no other one.
    fn is_alone(&self) -> bool {
        let Some(class) = self.class else {
            return true;
        };
        let has_it = |file, ix| self.names.binds_in_class(file, ix, self.def.name.as_str());
        let is_quiet = |base: &Base| match base {
            Base::Class { file, ix } => {
                (*file, *ix) == (class.file, class.ix) || !has_it(*file, *ix)
            }
            Base::External(name) => QUIET_BASES.contains(&name.as_str()),
            Base::Unknown => false,
        };
        let mut bases = self.names.bases(class.file, class.ix).into_iter();
        bases.all(|it| is_quiet(&it))
            && self.files.iter().all(|&file| {
                let module = self.cx.facts.project.module(file);
                let count = module.map_or(0, |it| it.index().classes.len());
                let mut others = (0..count as u32).filter(|&ix| has_it(file, ix));
                others
                    .all(|ix| (file, ix) == (class.file, class.ix) || !self.may_be(file, ix, class))
            })
    }

    /// Whether a class is derived from another one, as far as that is known.
    fn may_be(&self, file: FileId, ix: u32, class: ClassRef) -> bool {
        let mut bases = self.names.bases(file, ix).into_iter();
        bases.any(|base| match base {
            Base::Class { file, ix } => (file, ix) == (class.file, class.ix),
            Base::External(_) => false,
            Base::Unknown => true,
        })
    }

    /// The edit that makes it `async`.
    fn marked(&self) -> Option<Edit> {
        let source = self.cx.facts.project.source(self.this.file)?;
        let decorators = self.def.decorator_list.iter();
        let from = decorators.map(|it| span_of(it).end).max();
        let before = Span::new(
            from.unwrap_or(span_of(self.def).start),
            span_of(&self.def.name).start,
        );
        let at = before.start + source.slice(before).rfind("def")? as u32;
        Some(Edit {
            place: Place {
                file: self.this.file,
                span: Span::new(at, at),
            },
            replacement: "async ".to_owned(),
        })
    }

    /// All calls, if there is no other use of it.
    fn calls(&self) -> Option<Vec<Site<'_, 'p>>> {
        let project = self.cx.facts.project;
        let mut calls = Vec::new();
        for &file in &self.files {
            let module = project.module(file)?;
            let mut mentions = Mentions::of(self.def.name.as_str());
            mentions.visit_body(&module.tree().body);
            if mentions.is_hidden {
                return None;
            }
            for (name, call) in mentions.found {
                match self.mention(file, module, name, call) {
                    Mention::Other => {}
                    Mention::Unknown => return None,
                    Mention::Call => {
                        let place = Place {
                            file,
                            span: span_of(call?),
                        };
                        let site = Site::among(&self.names, project, place, Facade::Other)?;
                        calls.push(site);
                    }
                }
            }
        }
        (!calls.is_empty()).then_some(calls)
    }

    fn mention(
        &self,
        file: FileId,
        module: &Module,
        name: &Expr,
        call: Option<&ast::ExprCall>,
    ) -> Mention {
        let known = match call {
            Some(_) => Mention::Call,
            None => Mention::Unknown,
        };
        let place = call.map(|call| Place {
            file,
            span: span_of(call),
        });
        let callees = place.and_then(|it| self.cx.facts.observed.calls.get(&it));
        let is_it = |it: &Callee| *it == Callee::Function(self.this);
        if let Some(callees) = callees {
            return match (callees.iter().all(is_it), callees.iter().any(is_it)) {
                (true, _) => known,
                (false, true) => Mention::Unknown,
                (false, false) => Mention::Other,
            };
        }
        let function = module.index().function_containing(span_of(name).start);
        match self.names.resolve(file, function, name) {
            Some(Resolved::Function { file, ix }) if FunctionRef { file, ix } == self.this => known,
            Some(_) => Mention::Other,
            None => self.unresolved(file, module, function, name, known),
        }
    }

    fn unresolved(
        &self,
        file: FileId,
        module: &Module,
        function: FunctionIx,
        name: &Expr,
        known: Mention,
    ) -> Mention {
        match (name, self.class) {
            (Expr::Name(_), Some(_)) => Mention::Other,
            (Expr::Name(it), None) => {
                let is_free = self.names.is_bound(file, MODULE_BODY, &it.id) == Bound::No;
                match is_free || is_shadowed(module, function, &it.id) {
                    true => Mention::Other,
                    false => Mention::Unknown,
                }
            }
            // An attribute of what is no module.
            (_, None) => Mention::Other,
            (Expr::Attribute(it), Some(class)) => {
                let receiver = it.value.as_name_expr();
                let own = receiver.and_then(|it| self.names.self_class(file, function, &it.id));
                match own {
                    Some(ix) if self.may_be(file, ix, class) => known,
                    Some(_) => Mention::Other,
                    None => Mention::Unknown,
                }
            }
            (_, Some(_)) => Mention::Unknown,
        }
    }
}

/// Where a name is written in a file, and how it is called there.
struct Mentions<'p, 'n> {
    name: &'n str,
    found: Vec<(&'p Expr, Option<&'p ast::ExprCall>)>,
    /// Whether it is also in a text, or imported under another name.
    is_hidden: bool,
}

impl<'n> Mentions<'_, 'n> {
    fn of(name: &'n str) -> Self {
        Self {
            name,
            found: Vec::new(),
            is_hidden: false,
        }
    }

    fn is_it(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Name(it) => it.id.as_str() == self.name,
            Expr::Attribute(it) => it.attr.as_str() == self.name,
            _ => false,
        }
    }
}

impl<'p> Visitor<'p> for Mentions<'p, '_> {
    fn visit_stmt(&mut self, statement: &'p Stmt) {
        if let Stmt::ImportFrom(it) = statement {
            let is_renamed = |it: &ast::Alias| it.name.as_str() == self.name && it.asname.is_some();
            self.is_hidden |= it.names.iter().any(is_renamed);
        }
        walk_stmt(self, statement);
    }

    fn visit_expr(&mut self, expression: &'p Expr) {
        match expression {
            Expr::Call(call) if self.is_it(&call.func) => {
                self.found.push((&call.func, Some(call)));
                if let Expr::Attribute(it) = &*call.func {
                    self.visit_expr(&it.value);
                }
                self.visit_arguments(&call.arguments);
                return;
            }
            Expr::StringLiteral(it) => self.is_hidden |= it.value.to_str() == self.name,
            _ if self.is_it(expression) => self.found.push((expression, None)),
            _ => {}
        }
        walk_expr(self, expression);
    }
}
