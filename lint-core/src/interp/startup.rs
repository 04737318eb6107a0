//! What the start of a worker puts into modules and into objects that were made at import.
//!
//! It is code that no workflow calls, and that is rarely seen as a whole: a `main()` that calls
//! `install(flags)` of a module, or `container.configure(settings)`. So what counts is that a function
//! changes a global, or a method an attribute, and that nothing which was seen calls it. What is written
//! out in such a function, under no condition, is the same on every worker.

use std::rc::Rc;

use crate::diagnostic::FileId;
use crate::index::{Function, FunctionNode, MODULE_BODY};
use crate::syntax::ast::visitor::{Visitor, walk_expr, walk_stmt};
use crate::syntax::ast::{Expr, Stmt, StmtFunctionDef};

use super::{CellKey, ClassId, FuncId, Machine, Mode, Obj, SourceId, Sym, Value};

/// What a function changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Filled {
    /// What a global is bound to, which those who imported it before do not see.
    Binding(FileId, Sym),
    /// The elements of what a global stands for, under whatever name it is read.
    Elements(FileId, Sym),
    /// The attributes as well, of an object about which nothing else is known.
    Contents(FileId, Sym),
    /// An attribute of instances, or its elements.
    Attribute(ClassId, Sym),
    /// An attribute of the class itself, or its elements.
    ClassAttribute(ClassId, Sym),
}

impl Filled {
    fn name(self) -> Sym {
        match self {
            Self::Binding(_, name)
            | Self::Elements(_, name)
            | Self::Contents(_, name)
            | Self::Attribute(_, name)
            | Self::ClassAttribute(_, name) => name,
        }
    }

    fn file(self) -> FileId {
        match self {
            Self::Binding(file, _) | Self::Elements(file, _) | Self::Contents(file, _) => file,
            Self::Attribute(class, _) | Self::ClassAttribute(class, _) => class.file,
        }
    }
}

/// Methods by which contents come into a container, and do not leave it.
const FILLING: &[&str] = &["add", "append", "extend", "setdefault", "update"];

impl<'p> Machine<'p> {
    /// The value of a global as the start of the worker may have left it. What is put into an instance
    /// of a class of the project is asked for where its attributes are read.
    pub(super) fn global_as_started(&mut self, value: Value, file: FileId, name: Sym) -> Value {
        let (made_in, first) = self.first_name(file, name);
        let value = self.as_started(value, Filled::Binding(file, name));
        let (mut has_elements, mut has_attributes) = (false, false);
        for &obj in value.objs() {
            match obj {
                Obj::Container(_) => has_elements = true,
                Obj::Instance(class, _) => has_elements |= self.is_collection(class),
                Obj::Module(_) => {}
                _ => has_attributes |= !obj.is_callable() && !obj.is_constant(),
            }
        }
        match (has_elements, has_attributes) {
            (_, true) => self.as_started(value, Filled::Contents(made_in, first)),
            (true, false) => self.as_started(value, Filled::Elements(made_in, first)),
            (false, false) => value,
        }
    }

    /// The value of a class attribute as the start of the worker may have left it.
    pub(super) fn member_as_started(&mut self, value: Value, class: ClassId, name: Sym) -> Value {
        if value.objs().iter().all(|obj| obj.is_callable()) {
            return value;
        }
        self.as_started(value, Filled::ClassAttribute(class, name))
    }

    /// What a shared instance has under a name, as the start of the worker may have left it.
    pub(super) fn attribute_as_started(
        &mut self,
        value: Value,
        class: ClassId,
        name: Sym,
    ) -> Value {
        let mut result = value;
        for entry in self.mro(class).iter() {
            if let Obj::Class(owner) = *entry {
                result = self.as_started(result, Filled::Attribute(owner, name));
            }
        }
        result
    }

    /// A value as the start of the worker may have left it. It leaves each worker its client.
    fn as_started(&mut self, value: Value, filled: Filled) -> Value {
        let sources = self.filled_at_start(filled);
        match sources.is_empty() {
            true => value,
            false if self.is_handle(&value) => value.opened(),
            false => sources
                .into_iter()
                .fold(value.opened(), |value, it| value.with_source(Some(it))),
        }
    }

    /// The functions that fill it, as far as no code calls them that was seen until now, as sources.
    /// One of them may be for tests alone, so all count.
    fn filled_at_start(&mut self, filled: Filled) -> Vec<SourceId> {
        if self.at_import() || self.mode == Mode::Full {
            return Vec::new();
        }
        let setters = match self.setters.get(&filled) {
            Some(setters) => setters.clone(),
            None => {
                let setters: Rc<[FuncId]> = self.setters_of(filled).into();
                self.setters.insert(filled, setters.clone());
                setters
            }
        };
        let mut sources = Vec::new();
        for &setter in setters.iter().filter(|&&it| !self.has_context(it)) {
            let Some(span) = self.function(setter).map(|it| it.node.name_span()) else {
                continue;
            };
            sources.push(super::Source {
                ctx_file: setter.file,
                span,
                name: filled.name(),
                class: crate::knowledge::STARTUP,
                at_import: true,
                sandbox: crate::knowledge::Sandbox::Allows,
                remarks: crate::knowledge::Remarks::NONE,
                field: None,
            });
        }
        sources.into_iter().map(|it| self.source_id(it)).collect()
    }

    fn setters_of(&self, filled: Filled) -> Vec<FuncId> {
        let (file, name) = (filled.file(), self.str(filled.name()));
        let Some(index) = self.project.module(file).map(|it| it.index()) else {
            return Vec::new();
        };
        let all = |sets: &dyn Fn(&Function<'_>) -> bool| {
            let functions = (0..).zip(&index.functions);
            let setters = functions.filter(|(_, it)| sets(it));
            setters.map(|(ix, _)| FuncId { file, ix }).collect()
        };
        match filled {
            Filled::Binding(..) if index.setter(name).is_none() => Vec::new(),
            Filled::Binding(..) => all(&|it| it.globals.contains(name) && binds(it, name)),
            Filled::Elements(..) | Filled::Contents(..) => {
                let with_attributes = matches!(filled, Filled::Contents(..));
                all(&|it| fills_global(it, name, with_attributes))
            }
            Filled::Attribute(class, _) | Filled::ClassAttribute(class, _) => {
                let decorators: &[&str] = match filled {
                    Filled::ClassAttribute(..) => &["classmethod"],
                    _ => &[],
                };
                let is_meant = |global: &str| self.stands_for(file, global, filled);
                all(&|it| {
                    it.class == Some(class.ix) && sets_own(it, name, decorators)
                        || sets_of_global(it, name, is_meant)
                })
            }
        }
    }

    /// Whether a global is the class whose attribute is meant, or an instance of it.
    fn stands_for(&self, file: FileId, global: &str, filled: Filled) -> bool {
        let mut names = self.globals_of.get(&file).into_iter().flatten();
        let Some(&name) = names.find(|name| self.str(**name) == global) else {
            return false;
        };
        let cell = self.cell_ids.get(&CellKey::Global(file, name));
        let objs = cell.map_or(&[][..], |&id| self.cells[id as usize].value.objs());
        objs.iter().any(|obj| match (*obj, filled) {
            (Obj::Class(it), Filled::ClassAttribute(class, _)) => it == class,
            (Obj::Instance(it, _), Filled::Attribute(class, _)) => it == class,
            _ => false,
        })
    }
}

/// Whether a function binds a name to something that is not written out there.
fn binds(function: &Function<'_>, name: &str) -> bool {
    let FunctionNode::Def(def) = function.node else {
        return false;
    };
    let mut bindings = Bindings { name, all: 0 };
    bindings.visit_body(&def.body);
    let always = def.body.iter().filter(|it| match it {
        Stmt::Assign(it) => {
            is_written_out(&it.value) && it.targets.iter().all(|it| is_name(it, name))
        }
        _ => false,
    });
    bindings.all == 0 || bindings.all > always.count()
}

/// Counts how often a name is bound.
struct Bindings<'n> {
    name: &'n str,
    all: usize,
}

impl<'a> Visitor<'a> for Bindings<'_> {
    fn visit_expr(&mut self, expression: &'a Expr) {
        if let Expr::Name(it) = expression
            && it.id.as_str() == self.name
            && it.ctx.is_store()
        {
            self.all += 1;
        }
        walk_expr(self, expression);
    }
}

/// Whether an expression is a literal, or a collection of such.
fn is_written_out(expression: &Expr) -> bool {
    match expression {
        Expr::UnaryOp(it) => is_written_out(&it.operand),
        Expr::Tuple(it) => it.elts.iter().all(is_written_out),
        Expr::List(it) => it.elts.iter().all(is_written_out),
        Expr::Set(it) => it.elts.iter().all(is_written_out),
        Expr::Dict(it) => it.items.iter().all(|item| {
            item.key.as_ref().is_some_and(is_written_out) && is_written_out(&item.value)
        }),
        other => other.is_literal_expr(),
    }
}

/// Whether a function of a module puts something into what a global name stands for. A decorator
/// does so when modules are imported, and is left out.
fn fills_global(function: &Function<'_>, name: &str, with_attributes: bool) -> bool {
    let FunctionNode::Def(def) = function.node else {
        return false;
    };
    let is_top_level = function.parent == MODULE_BODY;
    let is_meant = |object: &Expr, attribute: Option<&str>| {
        (with_attributes || attribute.is_none()) && is_name(object, name)
    };
    is_top_level
        && !function.locals.contains(name)
        && !gives_function(def)
        && Stores::of(def, When::Ever, is_meant)
}

/// Whether a function of a module sets an attribute of what a global stands for, or fills it.
fn sets_of_global(function: &Function<'_>, name: &str, is_meant: impl Fn(&str) -> bool) -> bool {
    let FunctionNode::Def(def) = function.node else {
        return false;
    };
    let is_object = |it: &Expr| match it {
        Expr::Name(it) => !function.locals.contains(&it.id) && is_meant(&it.id),
        _ => false,
    };
    !gives_function(def) && Stores::of(def, When::Ever, stores_into(is_object, name))
}

/// Whether a method that is not the constructor sets an attribute of its object or class, or fills
/// it, in any case: what it does in some cases may be what the first use does.
fn sets_own(function: &Function<'_>, name: &str, decorators: &[&str]) -> bool {
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
    let is_own = stores_into(|it| is_name(it, receiver), name);
    !is_making
        && !gives_function(def)
        && written.eq(decorators.iter().copied())
        && Stores::of(def, When::Always, is_own)
}

fn is_name(expression: &Expr, name: &str) -> bool {
    matches!(expression, Expr::Name(it) if it.id.as_str() == name)
}

/// Tells stores into this attribute of an object, and into its elements.
fn stores_into(
    is_object: impl Fn(&Expr) -> bool,
    name: &str,
) -> impl Fn(&Expr, Option<&str>) -> bool {
    move |changed, attribute| match (changed, attribute) {
        (_, Some(attribute)) => attribute == name && is_object(changed),
        (Expr::Attribute(it), None) => it.attr.as_str() == name && is_object(&it.value),
        _ => false,
    }
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

/// Which stores of a function count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    Ever,
    /// Those that depend on no condition.
    Always,
}

/// Looks for stores of something that is not written out there into an object: into an attribute, whose
/// name is given, or among its elements.
struct Stores<F> {
    when: When,
    is_meant: F,
    is_conditional: bool,
    found: bool,
}

impl<F: Fn(&Expr, Option<&str>) -> bool> Stores<F> {
    fn of(def: &StmtFunctionDef, when: When, is_meant: F) -> bool {
        let mut stores = Self {
            when,
            is_meant,
            is_conditional: false,
            found: false,
        };
        stores.visit_body(&def.body);
        stores.found
    }

    fn note_target(&mut self, target: &Expr, value: Option<&Expr>) {
        let is_fixed = !self.is_conditional && value.is_some_and(is_written_out);
        self.found |= match target {
            Expr::Subscript(it) => {
                !(is_fixed && is_written_out(&it.slice)) && (self.is_meant)(&it.value, None)
            }
            Expr::Attribute(it) => !is_fixed && (self.is_meant)(&it.value, Some(it.attr.as_str())),
            _ => false,
        };
    }
}

impl<'a, F: Fn(&Expr, Option<&str>) -> bool> Visitor<'a> for Stores<F> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::Assign(it) => {
                let targets = it.targets.iter();
                targets.for_each(|target| self.note_target(target, Some(&it.value)));
            }
            Stmt::AnnAssign(it) => self.note_target(&it.target, it.value.as_deref()),
            Stmt::AugAssign(it) => self.note_target(&it.target, None),
            // What functions inside do, they may do later.
            Stmt::FunctionDef(_) | Stmt::ClassDef(_) => return,
            Stmt::If(_) | Stmt::Match(_) | Stmt::Try(_) if self.when == When::Always => return,
            _ => {}
        }
        let branches = matches!(
            statement,
            Stmt::If(_) | Stmt::Match(_) | Stmt::Try(_) | Stmt::For(_) | Stmt::While(_)
        );
        let outer = self.is_conditional;
        self.is_conditional |= branches;
        walk_stmt(self, statement);
        self.is_conditional = outer;
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        if let Expr::Call(call) = expression
            && let Expr::Attribute(method) = &*call.func
        {
            let mut given = call.arguments.iter_source_order();
            let is_fixed = !self.is_conditional && given.all(|it| is_written_out(it.value()));
            self.found |= !is_fixed
                && FILLING.contains(&method.attr.as_str())
                && (self.is_meant)(&method.value, None);
        }
        walk_expr(self, expression);
    }
}
