//! What a name means, judged by the text alone: imports, definitions and simple aliases.
//!
//! Nothing is evaluated, so an answer is either certain or none. A name that a parameter, a loop or
//! a second assignment binds resolves to nothing: it shadows whatever else has that name.

use std::cell::OnceCell;
use std::ops::ControlFlow;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::diagnostic::FileId;
use crate::index::{ClassIx, FunctionIx, Index, MODULE_BODY, Module};
use crate::knowledge::Knowledge;
use crate::project::{Import, Project};
use crate::syntax::ast::visitor::{Visitor, walk_expr, walk_pattern, walk_stmt};
use crate::syntax::ast::{self, Expr, Stmt};
use crate::syntax::span_of;

/// How many imports and aliases are followed one after another.
const MAX_HOPS: u32 = 16;

/// What an expression refers to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resolved {
    /// Something outside the project by its dotted, canonical name: `ntro.workflow.runbook.step`,
    /// `open`.
    External(String),
    Function {
        file: FileId,
        ix: FunctionIx,
    },
    Class {
        file: FileId,
        ix: ClassIx,
    },
    /// A module-level name that one assignment binds to a value.
    Variable {
        file: FileId,
        name: String,
    },
    Module(FileId),
    /// A directory without `__init__.py`.
    Package(String),
}

/// Bases from outside the project that add nothing to an instance.
pub(crate) fn is_bare_base(name: &str) -> bool {
    matches!(
        name,
        "object" | "typing.Generic" | "typing.Protocol" | "abc.ABC"
    )
}

impl Resolved {
    /// The dotted name of something outside the project.
    pub fn external(&self) -> Option<&str> {
        match self {
            Self::External(name) => Some(name),
            _ => None,
        }
    }
}

/// One entry of a method resolution order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    Class {
        file: FileId,
        ix: ClassIx,
    },
    External(String),
    /// A base that is not known, such as the value of a call.
    Unknown,
}

/// Whether anything binds a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    Yes,
    No,
    /// A star import from outside the project may bind it.
    Perhaps,
}

/// What an import with a star leads to.
enum Star<'a, 'p> {
    File(FileId, &'a Table<'p>),
    /// Not part of the project; its name, if it is absolute.
    Outside(Option<&'p str>),
}

/// Resolves the names of some files, and of everything that they import.
pub struct Names<'p> {
    project: &'p Project<'p>,
    knowledge: &'p Knowledge,
    tables: FxHashMap<FileId, Table<'p>>,
}

struct Table<'p> {
    index: &'p Index<'p>,
    functions: Vec<Scope<'p>>,
    classes: Vec<Scope<'p>>,
    /// For each class the attributes that its methods assign on the instance.
    attributes: Vec<FxHashSet<&'p str>>,
    /// What the module binds at its top level, sorted.
    members: Vec<&'p str>,
    /// For what the members stand for, which of them do. Found out when somebody asks.
    by_meaning: OnceCell<FxHashMap<Resolved, Vec<usize>>>,
}

#[derive(Default)]
struct Scope<'p> {
    bindings: FxHashMap<&'p str, Vec<Binding<'p>>>,
    /// `from module import *`, with the number of dots.
    stars: Vec<(&'p str, u32)>,
    /// The bindings that are imports, in the order of the text.
    imports: Vec<What<'p>>,
}

#[derive(Clone, Copy)]
struct Binding<'p> {
    what: What<'p>,
    /// It stands where another binding failed, or where only a type checker looks.
    is_fallback: bool,
}

#[derive(Clone, Copy)]
enum What<'p> {
    /// `import a.b`, which binds `a`, or `import a.b as c`.
    Import(&'p str),
    ImportFrom {
        module: &'p str,
        level: u32,
        name: &'p str,
    },
    Function(FunctionIx),
    Class(ClassIx),
    Value(&'p Expr),
    Opaque,
}

/// Where a name is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Function(FunctionIx),
    /// Directly in the body of a class.
    Class(ClassIx),
}

impl<'p> Names<'p> {
    /// Reads the files and those that they import. About other files it has no answers.
    pub fn new(project: &'p Project<'p>, knowledge: &'p Knowledge, files: &[FileId]) -> Self {
        project.prefetch(files, knowledge);
        let mut names = Self {
            project,
            knowledge,
            tables: FxHashMap::default(),
        };
        let mut queue = files.to_vec();
        while let Some(file) = queue.pop() {
            if names.tables.contains_key(&file) {
                continue;
            }
            if let Some(module) = project.module(file) {
                let table = Binder::run(module);
                names.push_imported(file, &table, &mut queue);
                names.tables.insert(file, table);
            }
        }
        names
    }

    /// Whether it has answers about a file.
    pub fn knows(&self, file: FileId) -> bool {
        self.tables.contains_key(&file)
    }

    /// The files that the bindings of a file may lead to.
    fn push_imported(&self, file: FileId, table: &Table<'p>, queue: &mut Vec<FileId>) {
        let mut push = |import: &Import| {
            if let Import::File(found) = import {
                queue.push(*found);
            }
        };
        for scope in table.functions.iter().chain(&table.classes) {
            for &(module, level) in &scope.stars {
                push(
                    &self
                        .project
                        .import_from(file, module, level, self.knowledge),
                );
            }
            for binding in &scope.imports {
                match binding {
                    What::Import(dotted) => {
                        push(&self.project.import_absolute(file, dotted, self.knowledge));
                    }
                    What::ImportFrom {
                        module,
                        level,
                        name,
                    } => {
                        let base = self
                            .project
                            .import_from(file, module, *level, self.knowledge);
                        push(&self.project.submodule(&base, name));
                        push(&base);
                    }
                    _ => {}
                }
            }
        }
    }

    /// What an expression in this function refers to.
    pub fn resolve(&self, file: FileId, function: FunctionIx, expr: &Expr) -> Option<Resolved> {
        self.expression(file, Place::Function(function), expr, 0)
    }

    /// What an expression directly in the body of a class refers to, such as a decorator of a
    /// method.
    pub fn resolve_in_class(&self, file: FileId, class: ClassIx, expr: &Expr) -> Option<Resolved> {
        self.expression(file, Place::Class(class), expr, 0)
    }

    /// What a module-level name of the file refers to for those who import it.
    pub fn member(&self, file: FileId, name: &str) -> Option<Resolved> {
        self.module_member(file, name, 0)
    }

    /// All names that the module binds at its top level, sorted. Star imports are not followed.
    pub fn members(&self, file: FileId) -> &[&'p str] {
        self.table(file).map_or(&[], |it| &it.members)
    }

    /// Those of them that stand for this, sorted.
    pub fn names_of(&self, file: FileId, meaning: &Resolved) -> impl Iterator<Item = &'p str> + '_ {
        let table = self.table(file);
        let found = table.and_then(|table| {
            let by_meaning = table.by_meaning.get_or_init(|| {
                let mut by_meaning: FxHashMap<Resolved, Vec<usize>> = FxHashMap::default();
                for (at, name) in table.members.iter().enumerate() {
                    if let Some(meaning) = self.member(file, name) {
                        by_meaning.entry(meaning).or_default().push(at);
                    }
                }
                by_meaning
            });
            Some(by_meaning.get(meaning)?.iter().map(|&at| table.members[at]))
        });
        found.into_iter().flatten()
    }

    /// Whether the name is bound in the function, around it, in its module or by the interpreter.
    pub fn is_bound(&self, file: FileId, function: FunctionIx, name: &str) -> Bound {
        let Some(table) = self.table(file) else {
            return Bound::Perhaps;
        };
        if self.scope_of(table, function, name).is_some() {
            return Bound::Yes;
        }
        let mut is_outside = false;
        let found = self.through_stars(file, |star| match star {
            Star::File(_, table) if self.scope_of(table, MODULE_BODY, name).is_some() => {
                ControlFlow::Break(Bound::Yes)
            }
            Star::File(..) => ControlFlow::Continue(()),
            Star::Outside(_) => {
                is_outside = true;
                ControlFlow::Continue(())
            }
        });
        let otherwise = if is_outside {
            Bound::Perhaps
        } else {
            Bound::No
        };
        found.unwrap_or(otherwise)
    }

    /// The attribute of a class, looked up along its bases: a method, a nested class, or what a
    /// base outside the project may provide.
    pub fn class_member(&self, file: FileId, class: ClassIx, name: &str) -> Option<Resolved> {
        self.class_attribute(file, class, name, 0)
    }

    /// The class and its bases, in an order in which members are looked up; the class is first.
    pub fn bases(&self, file: FileId, class: ClassIx) -> Vec<Base> {
        let mut order = Vec::new();
        self.push_bases(file, class, &mut order, 0);
        order
    }

    /// The value that one assignment gives to a module-level name.
    pub fn value(&self, file: FileId, name: &str) -> Option<&'p Expr> {
        let binding = only(self.table(file)?.functions[0].bindings.get(name)?)?;
        match binding.what {
            What::Value(value) => Some(value),
            _ => None,
        }
    }

    /// Whether anything but one definition, or a parameter, binds the name in the function.
    pub fn is_set_again(&self, file: FileId, function: FunctionIx, name: &str) -> bool {
        self.table(file).is_none_or(|table| {
            let bindings = table.functions[function as usize].bindings.get(name);
            bindings.is_none_or(|it| it.len() > 1)
        })
    }

    /// The value that one assignment gives to a name of this function, or of one around it, and
    /// the function in which it stands.
    pub fn local_value(
        &self,
        file: FileId,
        function: FunctionIx,
        name: &str,
    ) -> Option<(FunctionIx, &'p Expr)> {
        let table = self.table(file)?;
        let owner = self.scope_of(table, function, name)?;
        match only(table.functions[owner as usize].bindings.get(name)?)?.what {
            What::Value(value) => Some((owner, value)),
            _ => None,
        }
    }

    /// The values that assignments give to a name of this function, if nothing else binds it there.
    pub fn local_values(
        &self,
        file: FileId,
        function: FunctionIx,
        name: &str,
    ) -> Option<Vec<&'p Expr>> {
        let scope = &self.table(file)?.functions[function as usize];
        let values = scope.bindings.get(name)?.iter().map(|it| match it.what {
            What::Value(value) => Some(value),
            _ => None,
        });
        values.collect()
    }

    /// The text of an expression that is a string literal, several of them, or a name that one
    /// assignment binds to such.
    pub fn const_str(&self, file: FileId, function: FunctionIx, expr: &Expr) -> Option<String> {
        self.constant(file, Place::Function(function), expr, 0)
    }

    /// The same directly in the body of a class.
    pub fn const_str_in_class(&self, file: FileId, class: ClassIx, expr: &Expr) -> Option<String> {
        self.constant(file, Place::Class(class), expr, 0)
    }

    /// The class whose instance the name is in this function: `self`, also in its lambdas.
    pub fn self_class(&self, file: FileId, function: FunctionIx, name: &str) -> Option<ClassIx> {
        let table = self.table(file)?;
        let owner = self.scope_of(table, function, name)?;
        let method = table.index.function(owner);
        let class = method.class?;
        let first = method
            .node
            .parameters()?
            .iter_non_variadic_params()
            .next()?
            .name()
            .as_str();
        let is_only_binding = table.functions[owner as usize]
            .bindings
            .get(name)
            .is_some_and(|bindings| bindings.len() == 1);
        let is_static = matches!(method.node, crate::index::FunctionNode::Def(def)
            if def.decorator_list.iter().any(|it| matches!(&it.expression, Expr::Name(name) if name.id.as_str() == "staticmethod")));
        (first == name && is_only_binding && !is_static).then_some(class)
    }

    /// Whether the body of the class binds the name.
    pub fn binds_in_class(&self, file: FileId, class: ClassIx, name: &str) -> bool {
        self.table(file)
            .is_some_and(|table| table.classes[class as usize].bindings.contains_key(name))
    }

    /// Whether a method of the class assigns the attribute on the instance.
    pub fn assigns_attribute(&self, file: FileId, class: ClassIx, name: &str) -> bool {
        self.table(file)
            .is_some_and(|table| table.attributes[class as usize].contains(name))
    }

    fn table(&self, file: FileId) -> Option<&Table<'p>> {
        self.tables.get(&file)
    }

    /// The function, or the module body, whose scope binds the name for this function.
    fn scope_of(&self, table: &Table<'p>, function: FunctionIx, name: &str) -> Option<FunctionIx> {
        let mut at = function;
        loop {
            let scope = &table.functions[at as usize];
            if at == MODULE_BODY {
                return scope.bindings.contains_key(name).then_some(MODULE_BODY);
            }
            if table.index.function(at).globals.contains(name) {
                at = MODULE_BODY;
            } else if scope.bindings.contains_key(name) {
                return Some(at);
            } else {
                at = table.index.function(at).parent;
            }
        }
    }

    fn expression(&self, file: FileId, place: Place, expr: &Expr, hops: u32) -> Option<Resolved> {
        if hops > MAX_HOPS {
            return None;
        }
        match expr {
            Expr::Name(name) => self.name(file, place, name.id.as_str(), hops),
            Expr::Attribute(attribute) => {
                let attr = attribute.attr.as_str();
                if let (Expr::Name(name), Place::Function(function)) = (&*attribute.value, place)
                    && let Some(class) = self.self_class(file, function, name.id.as_str())
                {
                    return self.class_attribute(file, class, attr, hops + 1);
                }
                let owner = self.expression(file, place, &attribute.value, hops + 1)?;
                self.attribute(owner, attr, hops + 1)
            }
            _ => None,
        }
    }

    fn attribute(&self, owner: Resolved, attr: &str, hops: u32) -> Option<Resolved> {
        match owner {
            Resolved::External(name) => Some(self.external(&format!("{name}.{attr}"))),
            Resolved::Module(file) => self.module_member(file, attr, hops).or_else(|| {
                let package = Import::File(file);
                imported(self.project.submodule(&package, attr))
            }),
            Resolved::Package(directory) => {
                imported(self.project.submodule(&Import::Namespace(directory), attr))
            }
            Resolved::Class { file, ix } => self.class_attribute(file, ix, attr, hops),
            Resolved::Function { .. } | Resolved::Variable { .. } => None,
        }
    }

    fn external(&self, name: &str) -> Resolved {
        Resolved::External(self.knowledge.canonical(name).into_owned())
    }

    fn name(&self, file: FileId, place: Place, name: &str, hops: u32) -> Option<Resolved> {
        let table = self.table(file)?;
        let function = match place {
            Place::Function(function) => function,
            Place::Class(class) => {
                if let Some(bindings) = table.classes[class as usize].bindings.get(name) {
                    return self.bindings(file, place, name, bindings, hops);
                }
                table.index.class(class).parent
            }
        };
        if let Some(owner) = self.scope_of(table, function, name) {
            let bindings = &table.functions[owner as usize].bindings[name];
            return self.bindings(file, Place::Function(owner), name, bindings, hops);
        }
        if !table.functions[0].stars.is_empty() {
            return self.starred(file, name, hops);
        }
        Some(self.external(name))
    }

    fn starred(&self, file: FileId, name: &str, hops: u32) -> Option<Resolved> {
        if hops > MAX_HOPS || name.starts_with('_') {
            return None;
        }
        let found = self.through_stars(file, |star| match star {
            Star::File(file, table) => match table.functions[0].bindings.get(name) {
                Some(bindings) => {
                    let place = Place::Function(MODULE_BODY);
                    ControlFlow::Break(self.bindings(file, place, name, bindings, hops + 1))
                }
                None => ControlFlow::Continue(()),
            },
            Star::Outside(Some(module)) if self.knowledge.is_sdk_package(top(module)) => {
                ControlFlow::Break(Some(self.external(&format!("{module}.{name}"))))
            }
            Star::Outside(_) => ControlFlow::Continue(()),
        });
        found.flatten()
    }

    /// Visits what the module imports with a star, and what that imports so, in the order in which
    /// a name is looked up. Modules may import one another in this way, so each is visited once.
    fn through_stars<T>(
        &self,
        file: FileId,
        mut visit: impl FnMut(Star<'_, 'p>) -> ControlFlow<T>,
    ) -> Option<T> {
        let mut seen = FxHashSet::from_iter([file]);
        let mut pending: Vec<_> = self.stars(file).collect();
        while let Some((from, module, level)) = pending.pop() {
            let import = self
                .project
                .import_from(from, module, level, self.knowledge);
            let star = match import {
                Import::File(found) if !seen.insert(found) => continue,
                Import::File(found) => match self.table(found) {
                    Some(table) => Star::File(found, table),
                    None => continue,
                },
                Import::Namespace(_) | Import::External => {
                    Star::Outside((level == 0).then_some(module))
                }
            };
            if let Star::File(found, _) = star {
                pending.extend(self.stars(found));
            }
            if let ControlFlow::Break(answer) = visit(star) {
                return Some(answer);
            }
        }
        None
    }

    /// The imports with a star of a module, the last one first.
    fn stars(&self, file: FileId) -> impl Iterator<Item = (FileId, &'p str, u32)> + '_ {
        let stars = self
            .table(file)
            .into_iter()
            .flat_map(|it| &it.functions[0].stars);
        stars
            .rev()
            .map(move |&(module, level)| (file, module, level))
    }

    fn module_member(&self, file: FileId, name: &str, hops: u32) -> Option<Resolved> {
        if hops > MAX_HOPS {
            return None;
        }
        let table = self.table(file)?;
        match table.functions[0].bindings.get(name) {
            Some(bindings) => {
                self.bindings(file, Place::Function(MODULE_BODY), name, bindings, hops + 1)
            }
            None => self.starred(file, name, hops + 1),
        }
    }

    fn bindings(
        &self,
        file: FileId,
        place: Place,
        name: &str,
        bindings: &[Binding<'p>],
        hops: u32,
    ) -> Option<Resolved> {
        if hops > MAX_HOPS {
            return None;
        }
        let counted: Vec<&Binding<'p>> = counted(bindings);
        // Of several definitions of one name the last one stays: overloads, property setters.
        let all_functions = counted
            .iter()
            .all(|binding| matches!(binding.what, What::Function(_)));
        if all_functions && let Some(last) = counted.last() {
            return self.binding(file, place, name, last, hops + 1);
        }
        let mut found = counted
            .iter()
            .map(|binding| self.binding(file, place, name, binding, hops + 1));
        let first = found.next()??;
        found
            .all(|other| other.as_ref() == Some(&first))
            .then_some(first)
    }

    fn binding(
        &self,
        file: FileId,
        place: Place,
        name: &str,
        binding: &Binding<'p>,
        hops: u32,
    ) -> Option<Resolved> {
        match binding.what {
            What::Import(dotted) => {
                let import = self.project.import_absolute(file, dotted, self.knowledge);
                imported(import).or_else(|| Some(self.external(dotted)))
            }
            What::ImportFrom {
                module,
                level,
                name,
            } => {
                let base = self
                    .project
                    .import_from(file, module, level, self.knowledge);
                match base {
                    Import::External if level == 0 => {
                        Some(self.external(&format!("{module}.{name}")))
                    }
                    Import::External => None,
                    Import::Namespace(_) => imported(self.project.submodule(&base, name)),
                    // A package may import its own submodule under the same name.
                    Import::File(found) => {
                        let member = (found != file)
                            .then(|| self.module_member(found, name, hops))
                            .flatten();
                        member.or_else(|| imported(self.project.submodule(&base, name)))
                    }
                }
            }
            What::Function(ix) => Some(Resolved::Function { file, ix }),
            What::Class(ix) => Some(Resolved::Class { file, ix }),
            What::Value(value) => {
                let alias = self.expression(file, place, value, hops + 1);
                let is_module_level = place == Place::Function(MODULE_BODY);
                match alias {
                    Some(alias) => Some(alias),
                    None if is_module_level => Some(Resolved::Variable {
                        file,
                        name: name.to_owned(),
                    }),
                    None => None,
                }
            }
            What::Opaque => None,
        }
    }

    fn class_attribute(
        &self,
        file: FileId,
        class: ClassIx,
        name: &str,
        hops: u32,
    ) -> Option<Resolved> {
        if hops > MAX_HOPS {
            return None;
        }
        for base in self.bases(file, class) {
            match base {
                Base::Class { file, ix } => {
                    let table = self.table(file)?;
                    if table.attributes[ix as usize].contains(name) {
                        return None;
                    }
                    if let Some(bindings) = table.classes[ix as usize].bindings.get(name) {
                        return self.bindings(file, Place::Class(ix), name, bindings, hops + 1);
                    }
                }
                Base::External(base) => return Some(self.external(&format!("{base}.{name}"))),
                Base::Unknown => {}
            }
        }
        None
    }

    fn push_bases(&self, file: FileId, class: ClassIx, order: &mut Vec<Base>, hops: u32) {
        let this = Base::Class { file, ix: class };
        let Some(table) = self.table(file) else {
            return;
        };
        if hops > MAX_HOPS || order.contains(&this) {
            return;
        }
        order.push(this);
        let class = table.index.class(class);
        // In a class body, names of an enclosing class body are visible to its bases.
        let place = class
            .outer
            .map_or(Place::Function(class.parent), Place::Class);
        let Some(arguments) = &class.node.arguments else {
            return;
        };
        for base in &arguments.args {
            // `Generic[T]` and `Base[T]` inherit from what is subscripted.
            let base = match base {
                Expr::Subscript(subscript) => &*subscript.value,
                other => other,
            };
            match self.expression(file, place, base, hops + 1) {
                Some(Resolved::Class { file, ix }) => self.push_bases(file, ix, order, hops + 1),
                Some(Resolved::External(name)) => {
                    let is_bare = is_bare_base(&name);
                    let base = Base::External(name);
                    if !is_bare && !order.contains(&base) {
                        order.push(base);
                    }
                }
                _ => order.push(Base::Unknown),
            }
        }
    }

    fn constant(&self, file: FileId, place: Place, expr: &Expr, hops: u32) -> Option<String> {
        if hops > MAX_HOPS {
            return None;
        }
        match expr {
            Expr::StringLiteral(literal) => Some(literal.value.to_str().to_owned()),
            Expr::BinOp(operation) if operation.op == ast::Operator::Add => {
                let left = self.constant(file, place, &operation.left, hops + 1)?;
                let right = self.constant(file, place, &operation.right, hops + 1)?;
                Some(left + &right)
            }
            Expr::Name(name) => {
                let table = self.table(file)?;
                let name = name.id.as_str();
                let (place, bindings) = match place {
                    Place::Class(class)
                        if table.classes[class as usize].bindings.contains_key(name) =>
                    {
                        (place, &table.classes[class as usize].bindings[name])
                    }
                    _ => {
                        let function = match place {
                            Place::Function(function) => function,
                            Place::Class(class) => table.index.class(class).parent,
                        };
                        let owner = self.scope_of(table, function, name)?;
                        let bindings = &table.functions[owner as usize].bindings[name];
                        (Place::Function(owner), bindings)
                    }
                };
                match only(bindings)?.what {
                    What::Value(value) => self.constant(file, place, value, hops + 1),
                    What::ImportFrom { .. } => {
                        match self.bindings(file, place, name, bindings, hops + 1)? {
                            Resolved::Variable { file, name } => {
                                let value = self.value(file, &name)?;
                                let place = Place::Function(MODULE_BODY);
                                self.constant(file, place, value, hops + 1)
                            }
                            _ => None,
                        }
                    }
                    _ => None,
                }
            }
            Expr::Attribute(attribute) => {
                if self.is_value_of_member(file, place, attribute, hops) {
                    return self.constant(file, place, &attribute.value, hops + 1);
                }
                let owner = self.expression(file, place, &attribute.value, hops + 1)?;
                let name = attribute.attr.as_str();
                match owner {
                    Resolved::Module(file) => {
                        let value = self.value(file, name)?;
                        self.constant(file, Place::Function(MODULE_BODY), value, hops + 1)
                    }
                    Resolved::Class { file, ix } => {
                        let bindings = self.table(file)?.classes[ix as usize].bindings.get(name)?;
                        match only(bindings)?.what {
                            What::Value(value) => {
                                self.constant(file, Place::Class(ix), value, hops + 1)
                            }
                            _ => None,
                        }
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// `Colour.RED.value`
    fn is_value_of_member(
        &self,
        file: FileId,
        place: Place,
        attribute: &ast::ExprAttribute,
        hops: u32,
    ) -> bool {
        let (Expr::Attribute(member), "value") = (&*attribute.value, attribute.attr.as_str())
        else {
            return false;
        };
        let of_enum = |base: &Base| matches!(base, Base::External(it) if it.starts_with("enum."));
        match self.expression(file, place, &member.value, hops + 1) {
            Some(Resolved::Class { file, ix }) => self.bases(file, ix).iter().any(of_enum),
            _ => false,
        }
    }
}

fn top(dotted: &str) -> &str {
    dotted.split('.').next().unwrap_or(dotted)
}

fn imported(import: Import) -> Option<Resolved> {
    match import {
        Import::File(file) => Some(Resolved::Module(file)),
        Import::Namespace(directory) => Some(Resolved::Package(directory)),
        Import::External => None,
    }
}

/// The bindings without the fallbacks, unless there is nothing else.
fn counted<'b, 'p>(bindings: &'b [Binding<'p>]) -> Vec<&'b Binding<'p>> {
    let first_choice: Vec<_> = bindings.iter().filter(|it| !it.is_fallback).collect();
    if first_choice.is_empty() {
        bindings.iter().collect()
    } else {
        first_choice
    }
}

fn only<'b, 'p>(bindings: &'b [Binding<'p>]) -> Option<&'b Binding<'p>> {
    match counted(bindings)[..] {
        [binding] => Some(binding),
        _ => None,
    }
}

/// Collects what each scope of a file binds.
struct Binder<'p> {
    table: Table<'p>,
    place: Place,
    /// The function that the current code runs in, also inside a class body.
    function: FunctionIx,
    is_fallback: bool,
}

impl<'p> Binder<'p> {
    fn run(module: &'p Module) -> Table<'p> {
        let index = module.index();
        let mut binder = Self {
            table: Table {
                index,
                functions: index.functions.iter().map(|_| Scope::default()).collect(),
                classes: index.classes.iter().map(|_| Scope::default()).collect(),
                attributes: index.classes.iter().map(|_| FxHashSet::default()).collect(),
                members: Vec::new(),
                by_meaning: OnceCell::new(),
            },
            place: Place::Function(MODULE_BODY),
            function: MODULE_BODY,
            is_fallback: false,
        };
        binder.visit_body(&module.tree().body);
        let mut table = binder.table;
        table.members = table.functions[0].bindings.keys().copied().collect();
        table.members.sort_unstable();
        table
    }

    fn scope(&mut self) -> &mut Scope<'p> {
        match self.place {
            Place::Function(ix) => &mut self.table.functions[ix as usize],
            Place::Class(ix) => &mut self.table.classes[ix as usize],
        }
    }

    fn bind(&mut self, name: &'p str, what: What<'p>) {
        let binding = Binding {
            what,
            is_fallback: self.is_fallback,
        };
        if matches!(what, What::Import(_) | What::ImportFrom { .. }) {
            self.scope().imports.push(what);
        }
        let is_global = match self.place {
            Place::Function(ix) => self.table.index.function(ix).globals.contains(name),
            Place::Class(_) => false,
        };
        if is_global && self.function != MODULE_BODY {
            let opaque = Binding {
                what: What::Opaque,
                is_fallback: false,
            };
            let module = &mut self.table.functions[0];
            module.bindings.entry(name).or_default().push(opaque);
        } else {
            self.scope().bindings.entry(name).or_default().push(binding);
        }
    }

    fn bind_parameters(&mut self, parameters: &'p ast::Parameters) {
        for parameter in parameters {
            self.bind(parameter.name().as_str(), What::Opaque);
        }
    }

    fn enter(&mut self, place: Place, visit: impl FnOnce(&mut Self)) {
        let outer = (self.place, self.function, self.is_fallback);
        self.place = place;
        if let Place::Function(ix) = place {
            self.function = ix;
        }
        self.is_fallback = false;
        visit(self);
        (self.place, self.function, self.is_fallback) = outer;
    }

    fn as_fallback(&mut self, visit: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.is_fallback, true);
        visit(self);
        self.is_fallback = outer;
    }

    fn assign(&mut self, target: &'p Expr, value: &'p Expr) {
        match target {
            Expr::Name(name) => self.bind(name.id.as_str(), What::Value(value)),
            _ => self.visit_expr(target),
        }
    }

    fn visit_signature(&mut self, parameters: &'p ast::Parameters) {
        for parameter in parameters.iter_non_variadic_params() {
            if let Some(default) = parameter.default() {
                self.visit_expr(default);
            }
        }
    }

    fn visit_function(&mut self, def: &'p ast::StmtFunctionDef) {
        for decorator in &def.decorator_list {
            self.visit_expr(&decorator.expression);
        }
        self.visit_signature(&def.parameters);
        if let Some(ix) = self.table.index.function_at(span_of(def)) {
            self.bind(def.name.as_str(), What::Function(ix));
            self.enter(Place::Function(ix), |this| {
                this.bind_parameters(&def.parameters);
                this.visit_body(&def.body);
            });
        }
    }

    fn visit_class(&mut self, def: &'p ast::StmtClassDef) {
        for decorator in &def.decorator_list {
            self.visit_expr(&decorator.expression);
        }
        if let Some(arguments) = &def.arguments {
            self.visit_arguments(arguments);
        }
        if let Some(ix) = self.table.index.class_at(span_of(def)) {
            self.bind(def.name.as_str(), What::Class(ix));
            self.enter(Place::Class(ix), |this| this.visit_body(&def.body));
        }
    }

    fn visit_import(&mut self, import: &'p ast::StmtImport) {
        for alias in &import.names {
            let dotted = alias.name.as_str();
            match &alias.asname {
                Some(name) => self.bind(name.as_str(), What::Import(dotted)),
                None => {
                    self.bind(top(dotted), What::Import(top(dotted)));
                    self.scope().imports.push(What::Import(dotted));
                }
            }
        }
    }

    fn visit_import_from(&mut self, import: &'p ast::StmtImportFrom) {
        let level = import.level;
        let module = import.module.as_ref().map_or("", |module| module.as_str());
        for alias in &import.names {
            let name = alias.name.as_str();
            if name == "*" {
                self.scope().stars.push((module, level));
                continue;
            }
            let bound = alias.asname.as_ref().map_or(name, |asname| asname.as_str());
            let what = What::ImportFrom {
                module,
                level,
                name,
            };
            self.bind(bound, what);
        }
    }

    /// The class of a method whose first parameter has this name, also from within its lambdas.
    fn class_of_self(&self, name: &str) -> Option<ClassIx> {
        let mut at = self.function;
        while at != MODULE_BODY {
            let function = self.table.index.function(at);
            let first = function
                .node
                .parameters()
                .and_then(|it| it.iter_non_variadic_params().next());
            let is_first = first.is_some_and(|first| first.name().as_str() == name);
            if let (true, Some(class)) = (is_first, function.class) {
                return Some(class);
            }
            at = function.parent;
        }
        None
    }
}

impl<'p> Visitor<'p> for Binder<'p> {
    fn visit_stmt(&mut self, statement: &'p Stmt) {
        match statement {
            Stmt::FunctionDef(def) => self.visit_function(def),
            Stmt::ClassDef(def) => self.visit_class(def),
            Stmt::Import(import) => self.visit_import(import),
            Stmt::ImportFrom(import) => self.visit_import_from(import),
            Stmt::Assign(assign) => {
                self.visit_expr(&assign.value);
                for target in &assign.targets {
                    self.assign(target, &assign.value);
                }
            }
            Stmt::AnnAssign(assign) => match &assign.value {
                Some(value) => {
                    self.visit_expr(value);
                    self.assign(&assign.target, value);
                }
                // A bare annotation binds nothing, but it does make the name local.
                None if matches!(self.place, Place::Function(MODULE_BODY)) => {}
                None => self.visit_expr(&assign.target),
            },
            Stmt::If(it) if is_type_checking(&it.test) => {
                self.as_fallback(|this| this.visit_body(&it.body));
                for clause in &it.elif_else_clauses {
                    self.visit_elif_else_clause(clause);
                }
            }
            Stmt::Try(it) => {
                self.visit_body(&it.body);
                for ast::ExceptHandler::ExceptHandler(handler) in &it.handlers {
                    if let Some(name) = &handler.name {
                        self.bind(name.as_str(), What::Opaque);
                    }
                    self.as_fallback(|this| this.visit_body(&handler.body));
                }
                self.visit_body(&it.orelse);
                self.visit_body(&it.finalbody);
            }
            _ => walk_stmt(self, statement),
        }
    }

    fn visit_expr(&mut self, expression: &'p Expr) {
        match expression {
            Expr::Name(name) if name.ctx.is_store() => self.bind(name.id.as_str(), What::Opaque),
            Expr::Attribute(attribute) if attribute.ctx.is_store() => {
                if let Expr::Name(name) = &*attribute.value
                    && let Some(class) = self.class_of_self(name.id.as_str())
                {
                    self.table.attributes[class as usize].insert(attribute.attr.as_str());
                }
                walk_expr(self, expression);
            }
            Expr::Lambda(lambda) => {
                if let Some(parameters) = &lambda.parameters {
                    self.visit_signature(parameters);
                }
                if let Some(ix) = self.table.index.function_at(span_of(lambda)) {
                    self.enter(Place::Function(ix), |this| {
                        if let Some(parameters) = &lambda.parameters {
                            this.bind_parameters(parameters);
                        }
                        this.visit_expr(&lambda.body);
                    });
                }
            }
            _ => walk_expr(self, expression),
        }
    }

    fn visit_annotation(&mut self, _annotation: &'p Expr) {}

    fn visit_pattern(&mut self, pattern: &'p ast::Pattern) {
        let name = match pattern {
            ast::Pattern::MatchAs(it) => it.name.as_ref(),
            ast::Pattern::MatchStar(it) => it.name.as_ref(),
            ast::Pattern::MatchMapping(it) => it.rest.as_ref(),
            _ => None,
        };
        if let Some(name) = name {
            self.bind(name.as_str(), What::Opaque);
        }
        walk_pattern(self, pattern);
    }
}

fn is_type_checking(test: &Expr) -> bool {
    match test {
        Expr::Name(name) => name.id.as_str() == "TYPE_CHECKING",
        Expr::Attribute(attribute) => attribute.attr.as_str() == "TYPE_CHECKING",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::knowledge::{Tables, UserEntries};

    static TABLES: Tables = Tables {
        never_none: &[],
        sdk_packages: &["sdk"],
        engines: &[],
        always_passed: &[],
        stdlib: &["time"],
        apis: &[],
        returns: &[],
        bases: &[],
        aliases: &[],
        higher_order: &[],
        keepers: &[],
        listeners: &[],
        commands: &[],
        markers: &[],
    };

    /// What the expression in the last line of `main.py` refers to, in short.
    fn resolved(main: &str, others: &[(&str, &str)]) -> String {
        let mut files: BTreeMap<String, String> = others
            .iter()
            .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
            .collect();
        files.insert("main.py".to_owned(), main.to_owned());
        let keys: Vec<String> = files.keys().cloned().collect();
        let project = Project::new(&files, keys, vec![String::new()], Vec::new());
        let knowledge = Knowledge::new(&TABLES, UserEntries::default());
        let file = project.file("main.py").expect("main.py exists");
        let names = Names::new(&project, &knowledge, &[file]);
        let module = project.module(file).expect("main.py can be read");
        let mut last = None;
        let mut finder = Finder(&mut last);
        finder.visit_body(&module.tree().body);
        let last = last.expect("an expression statement");
        let function = module.index().function_containing(span_of(last).start);
        match names.resolve(file, function, last) {
            None => match names.const_str(file, function, last) {
                Some(text) => format!("{text:?}"),
                None => "nothing".to_owned(),
            },
            Some(Resolved::External(name)) => name,
            Some(Resolved::Function { file, ix }) => {
                let module = project.module(file).expect("a module");
                let name = &module.index().function(ix).qualname;
                format!("def {name} in {}", project.key(file))
            }
            Some(Resolved::Class { file, ix }) => {
                let module = project.module(file).expect("a module");
                let name = &module.index().class(ix).qualname;
                format!("class {name} in {}", project.key(file))
            }
            Some(Resolved::Variable { file, name }) => {
                let text = names.const_str(file, function, last);
                format!("{name} in {} = {text:?}", project.key(file))
            }
            Some(Resolved::Module(file)) => format!("module {}", project.key(file)),
            Some(Resolved::Package(directory)) => format!("package {directory}"),
        }
    }

    /// Finds the last expression statement, also in functions.
    struct Finder<'f, 'a>(&'f mut Option<&'a Expr>);

    impl<'a> Visitor<'a> for Finder<'_, 'a> {
        fn visit_stmt(&mut self, statement: &'a Stmt) {
            if let Stmt::Expr(it) = statement {
                *self.0 = Some(&it.value);
            }
            walk_stmt(self, statement);
        }
    }

    #[test]
    fn imports_are_followed() {
        for (main, expected) in [
            ("from sdk.workflow import step as s\ns", "sdk.workflow.step"),
            (
                "import sdk.workflow\nsdk.workflow.step.x",
                "sdk.workflow.step.x",
            ),
            ("import sdk.workflow as w\nw.step", "sdk.workflow.step"),
            (
                "def f():\n    from sdk import workflow\n    workflow.now",
                "sdk.workflow.now",
            ),
            ("from pkg import step\nstep", "sdk.workflow.step"),
            (
                "from pkg import helper\nhelper",
                "def helper in pkg/helpers.py",
            ),
            (
                "from pkg import helpers\nhelpers.helper",
                "def helper in pkg/helpers.py",
            ),
            (
                "import pkg.helpers\npkg.helpers.Tool.use",
                "def Tool.use in pkg/helpers.py",
            ),
            (
                "from pkg.helpers import *\nTool",
                "class Tool in pkg/helpers.py",
            ),
            ("from pkg.helpers import *\nprint", "nothing"),
            (
                "from pkg.helpers import NAME\nNAME",
                "NAME in pkg/helpers.py = Some(\"collect\")",
            ),
            ("from pkg.loop import x\nx", "nothing"),
            ("from sdk import *\nstep", "sdk.step"),
            ("print", "print"),
        ] {
            let others = [
                (
                    "pkg/__init__.py",
                    "from sdk.workflow import step\nfrom .helpers import helper\n",
                ),
                (
                    "pkg/helpers.py",
                    "NAME = 'col' + 'lect'\ndef helper(): ...\nclass Tool:\n    def use(self): ...\n",
                ),
                ("pkg/loop.py", "from .pool import x\n"),
                ("pkg/pool.py", "from .loop import x\n"),
            ];
            assert_eq!(resolved(main, &others), expected, "{main}");
        }
    }

    #[test]
    fn shadowed_names_are_nothing() {
        for (main, expected) in [
            ("from sdk import w\ndef f(w):\n    w.now", "nothing"),
            (
                "from sdk import w\ndef f():\n    for w in []:\n        w.now",
                "nothing",
            ),
            (
                "from sdk import w\ndef f():\n    [w for w in []]\n    w.now",
                "nothing",
            ),
            (
                "from sdk import w\ndef f():\n    w = g()\n    w.now",
                "nothing",
            ),
            ("from sdk import w\nw = w2 = 1\nw.now", "nothing"),
            (
                "from sdk import w\ndef g():\n    global w\n    w = 1\nw.now",
                "nothing",
            ),
            (
                "from sdk import w\ndef f():\n    v = w\n    v.now",
                "sdk.w.now",
            ),
            (
                "from sdk import w\ndef f(x=lambda w: w):\n    w.now",
                "sdk.w.now",
            ),
            (
                "try:\n    from sdk import w\nexcept ImportError:\n    w = None\nw",
                "sdk.w",
            ),
            (
                "if TYPE_CHECKING:\n    from sdk import w\nelse:\n    w = 'x'\nw",
                "w in main.py = Some(\"x\")",
            ),
            ("def f(): ...\nf = g(f)\nf", "nothing"),
            ("def f(): ...\ndef f(): ...\nf", "def f in main.py"),
        ] {
            assert_eq!(resolved(main, &[]), expected, "{main}");
        }
    }

    #[test]
    fn members_of_self_are_those_of_the_class() {
        let class = |bases: &str, body: &str, expression: &str| {
            let text = format!(
                "from sdk import Base\nclass Own:\n    def shared(self): ...\n\
                 class C({bases}):\n    def helper(self): ...\n    def f(self, other):\n        {body}\n        {expression}\n"
            );
            resolved(&text, &[])
        };
        assert_eq!(
            class("Base", "pass", "self.helper"),
            "def C.helper in main.py"
        );
        assert_eq!(class("Base", "pass", "self.wait"), "sdk.Base.wait");
        assert_eq!(
            class("Own, Base", "pass", "self.shared"),
            "def Own.shared in main.py"
        );
        assert_eq!(class("Own", "pass", "self.wait"), "nothing");
        assert_eq!(class("Base", "self.wait = 1", "self.wait"), "nothing");
        assert_eq!(class("Base", "self = other", "self.wait"), "nothing");
        assert_eq!(class("Base", "pass", "other.wait"), "nothing");
        assert_eq!(class("make()", "pass", "self.wait"), "nothing");
        assert_eq!(class("Base[int]", "pass", "self.wait"), "sdk.Base.wait");
    }

    #[test]
    fn constants_are_texts_that_one_assignment_binds() {
        for (main, expected) in [
            ("'a' 'b'", "\"ab\""),
            ("def f():\n    x = 'a'\n    x + 'b'", "\"ab\""),
            ("def f(x):\n    x + 'b'", "nothing"),
            ("class K:\n    NAME = 'k'\ndef f():\n    K.NAME", "\"k\""),
            ("f'{1}'", "nothing"),
        ] {
            assert_eq!(resolved(main, &[]), expected, "{main}");
        }
    }
}
