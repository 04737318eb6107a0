//! What the start of a worker puts into modules and into objects that were made at import.
//!
//! It is code that no workflow calls, and that is rarely seen as a whole: a `main()` that calls
//! `install(flags)` of a module, or `container.configure(settings)`. So what counts is that a function
//! changes a global, or a method an attribute, and that nothing which was seen calls it.

use crate::diagnostic::FileId;
use crate::index::{Function, FunctionNode, MODULE_BODY};
use crate::syntax::ast::visitor::{Visitor, walk_expr, walk_stmt};
use crate::syntax::ast::{Expr, Stmt, StmtFunctionDef};

use super::{ClassId, FuncId, Machine, Mode, SourceId, Sym, Value};

/// What a function changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Filled {
    Global(FileId, Sym),
    Attribute(ClassId, Sym),
    /// An attribute of the class itself, which a class method sets.
    ClassAttribute(ClassId, Sym),
}

/// Methods by which contents come into a container, and do not leave it.
const FILLING: &[&str] = &["add", "append", "extend", "setdefault", "update"];

impl<'p> Machine<'p> {
    /// A value as the start of the worker may have left it. It leaves each worker its client.
    pub(super) fn as_started(&mut self, value: Value, filled: Filled) -> Value {
        match self.filled_at_start(filled) {
            Some(_) if self.is_handle(&value) => value.opened(),
            Some(source) => value.opened().with_source(Some(source)),
            None => value,
        }
    }

    /// The function that fills it, as far as no code calls that was seen until now, as a source.
    fn filled_at_start(&mut self, filled: Filled) -> Option<SourceId> {
        if self.at_import() || self.mode == Mode::Full {
            return None;
        }
        let setter = match self.setters.get(&filled) {
            Some(&setter) => setter,
            None => {
                let setter = self.setter_of(filled);
                self.setters.insert(filled, setter);
                setter
            }
        };
        let setter = setter.filter(|&setter| !self.has_context(setter))?;
        let span = self.function(setter)?.node.name_span();
        let (Filled::Global(_, name)
        | Filled::Attribute(_, name)
        | Filled::ClassAttribute(_, name)) = filled;
        Some(self.source_id(super::Source {
            ctx_file: setter.file,
            span,
            name,
            class: crate::knowledge::STARTUP,
            at_import: true,
            sandbox: crate::knowledge::Sandbox::Allows,
            remarks: crate::knowledge::Remarks::NONE,
            field: None,
        }))
    }

    fn setter_of(&self, filled: Filled) -> Option<FuncId> {
        let (file, name) = match filled {
            Filled::Global(file, name) => (file, name),
            Filled::Attribute(class, name) | Filled::ClassAttribute(class, name) => {
                (class.file, name)
            }
        };
        let name = self.str(name);
        let index = self.project.module(file)?.index();
        if let (Filled::Global(..), Some(ix)) = (filled, index.setter(name)) {
            return Some(FuncId { file, ix });
        }
        let ix = index.functions.iter().position(|function| match filled {
            Filled::Global(..) => fills_global(function, name),
            Filled::Attribute(class, _) => {
                function.class == Some(class.ix) && sets_attribute(function, name, &[])
            }
            Filled::ClassAttribute(class, _) => {
                function.class == Some(class.ix) && sets_attribute(function, name, &["classmethod"])
            }
        })?;
        let ix = ix as u32;
        Some(FuncId { file, ix })
    }
}

/// Whether a function of a module puts something into what a global name stands for. A decorator
/// does so when modules are imported, and is left out.
fn fills_global(function: &Function<'_>, name: &str) -> bool {
    let FunctionNode::Def(def) = function.node else {
        return false;
    };
    let is_top_level = function.parent == MODULE_BODY;
    is_top_level
        && !function.locals.contains(name)
        && !gives_function(def)
        && Stores::of(
            def,
            |target| matches!(target, Expr::Name(it) if it.id.as_str() == name),
        )
}

/// Whether a method with these decorators that is not the constructor sets an attribute of its object,
/// or of its class. It may do so below a `with` that opens a file.
fn sets_attribute(function: &Function<'_>, name: &str, decorators: &[&str]) -> bool {
    let FunctionNode::Def(def) = function.node else {
        return false;
    };
    let Some(receiver) = def.parameters.iter_non_variadic_params().next() else {
        return false;
    };
    let receiver = receiver.parameter.name.as_str();
    let is_making = def.name.as_str().starts_with("__");
    let written = def.decorator_list.iter().map(|it| match &it.expression {
        Expr::Name(name) => name.id.as_str(),
        _ => "",
    });
    !is_making && written.eq(decorators.iter().copied()) && assigns(&def.body, receiver, name)
}

/// Whether statements assign to an attribute of a variable, whatever they depend on.
fn assigns(body: &[Stmt], receiver: &str, name: &str) -> bool {
    body.iter().any(|statement| {
        let targets = match statement {
            Stmt::Assign(it) => &it.targets[..],
            Stmt::AnnAssign(it) => std::slice::from_ref(&*it.target),
            Stmt::With(it) => return assigns(&it.body, receiver, name),
            _ => &[],
        };
        targets.iter().any(|target| match target {
            Expr::Attribute(it) => {
                it.attr.as_str() == name
                    && matches!(&*it.value, Expr::Name(of) if of.id.as_str() == receiver)
            }
            _ => false,
        })
    })
}

/// Whether a function gives back a function that it defines or is given, as decorators do.
fn gives_function(def: &StmtFunctionDef) -> bool {
    let parameters = def.parameters.iter();
    let mut names: Vec<&str> = parameters.map(|it| it.name().as_str()).collect();
    names.extend(def.body.iter().filter_map(|it| match it {
        Stmt::FunctionDef(inner) => Some(inner.name.as_str()),
        _ => None,
    }));
    def.body.iter().any(|statement| match statement {
        Stmt::Return(it) => {
            matches!(it.value.as_deref(), Some(Expr::Name(name)) if names.contains(&name.id.as_str()))
        }
        _ => false,
    })
}

/// Looks for stores into the elements or attributes of something.
struct Stores<F> {
    is_meant: F,
    found: bool,
}

impl<F: Fn(&Expr) -> bool> Stores<F> {
    fn of(def: &StmtFunctionDef, is_meant: F) -> bool {
        let mut stores = Self {
            is_meant,
            found: false,
        };
        stores.visit_body(&def.body);
        stores.found
    }

    fn note_target(&mut self, target: &Expr) {
        let object = match target {
            Expr::Subscript(it) => &it.value,
            Expr::Attribute(it) => &it.value,
            _ => return,
        };
        self.found |= (self.is_meant)(object);
    }
}

impl<'a, F: Fn(&Expr) -> bool> Visitor<'a> for Stores<F> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::Assign(it) => it.targets.iter().for_each(|it| self.note_target(it)),
            Stmt::AugAssign(it) => self.note_target(&it.target),
            // What functions inside do, they may do later.
            Stmt::FunctionDef(_) | Stmt::ClassDef(_) => return,
            _ => {}
        }
        walk_stmt(self, statement);
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        if let Expr::Call(call) = expression
            && let Expr::Attribute(method) = &*call.func
        {
            self.found |= FILLING.contains(&method.attr.as_str()) && (self.is_meant)(&method.value);
        }
        walk_expr(self, expression);
    }
}
