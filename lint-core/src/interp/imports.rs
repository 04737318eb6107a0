//! Imports: the modules that they run, and the names that they bind.

use std::collections::BTreeSet;

use crate::diagnostic::{FileId, Span};
use crate::index::MODULE_BODY;
use crate::project::Import;
use crate::syntax::ast::{self, Expr, Stmt};
use crate::syntax::span_of;

use super::{CellKey, EventKind, Imported, Machine, Mode, Obj, Sym, Value};

impl<'p> Machine<'p> {
    pub(super) fn import(&mut self, it: &'p ast::StmtImport) {
        for alias in &it.names {
            let dotted = alias.name.as_str();
            // `import a.b.c` runs a, a.b and a.b.c, and binds `a` unless renamed.
            let ends: Vec<usize> = dotted
                .match_indices('.')
                .map(|(at, _)| at)
                .chain([dotted.len()])
                .collect();
            let mut first = None;
            let mut last = Value::unknown();
            for end in ends {
                let import =
                    self.project
                        .import_absolute(self.frame.file, &dotted[..end], self.knowledge);
                last = self.imported(&import, &dotted[..end], span_of(alias));
                first.get_or_insert_with(|| last.clone());
                self.note_import(&import, dotted, span_of(alias));
                if import == Import::External {
                    // Nothing below it is part of the project either.
                    last = Value::of(self.external(dotted));
                    break;
                }
            }
            match &alias.asname {
                Some(name) => {
                    let sym = self.sym(name.as_str());
                    self.assign_name(sym, &last, span_of(name));
                }
                None => {
                    let top = dotted.split('.').next().unwrap_or(dotted);
                    let sym = self.sym(top);
                    let value = first.unwrap_or(last);
                    self.assign_name(sym, &value, span_of(alias));
                }
            }
        }
    }

    pub(super) fn import_from(&mut self, it: &'p ast::StmtImportFrom) {
        let module = it.module.as_ref().map_or("", |module| module.as_str());
        if module == "__future__" {
            return;
        }
        let base = self
            .project
            .import_from(self.frame.file, module, it.level, self.knowledge);
        let object = self.imported(&base, module, span_of(it));
        if it.level == 0 || base != Import::External {
            self.note_import(&base, module, span_of(it));
        }
        for alias in &it.names {
            let name = alias.name.as_str();
            if name == "*" {
                match &base {
                    Import::File(file) => self.import_star(*file, span_of(it)),
                    Import::External => self.import_known(module, span_of(it)),
                    Import::Namespace(_) => {}
                }
                continue;
            }
            let mut value = match &base {
                Import::External => {
                    let full = if module.is_empty() {
                        name.to_owned()
                    } else {
                        format!("{module}.{name}")
                    };
                    let known = self.external(&full);
                    self.load_external(known, span_of(alias), false)
                }
                _ => self.attribute(&object, name, span_of(alias)),
            };
            // A submodule counts when the package itself defines no such name.
            if value.objs().iter().all(|obj| matches!(obj, Obj::Unknown)) {
                let submodule = self.project.submodule(&base, name);
                if submodule != Import::External {
                    value = self.imported(&submodule, name, span_of(alias));
                }
            }
            self.note_submodules(&base, &value, span_of(it));
            let bound = alias.asname.as_ref().unwrap_or(&alias.name);
            let sym = self.sym(bound.as_str());
            if let Import::File(file) = &base {
                let name = self.sym(name);
                self.note_origin(sym, *file, name);
            }
            self.assign_name(sym, &value, span_of(bound));
        }
    }

    /// Remembers which name of another module a global is imported from.
    fn note_origin(&mut self, bound: Sym, file: FileId, name: Sym) {
        if self.in_module_body() {
            let origin = self.first_name(file, name);
            self.imported_from.insert((self.frame.file, bound), origin);
        }
    }

    /// The name under which a module of the project made what it or another one imports.
    pub(super) fn first_name(&self, file: FileId, name: Sym) -> (FileId, Sym) {
        let known = self.imported_from.get(&(file, name));
        known.copied().unwrap_or((file, name))
    }

    /// Remembers that a module is imported here, if the sandbox may have a copy of it.
    fn note_import(&mut self, import: &Import, module: &str, span: Span) {
        let what = match import {
            Import::File(file) => Imported::Module(*file),
            Import::Namespace(_) => return,
            Import::External => {
                let package = module.split('.').next().unwrap_or(module);
                if self.knowledge.is_always_passed(module)
                    || self.knowledge.is_engine(package)
                    || self.is_package_of_project(package)
                {
                    return;
                }
                Imported::Package(self.sym(module))
            }
        };
        self.record_import(what, self.frame.passthrough > 0, span);
    }

    /// The same for what `from package import module` gives. The import system loads such a module
    /// itself, so it stays inside the sandbox if the package does, and only what it imports is passed
    /// through.
    fn note_submodules(&mut self, base: &Import, value: &Value, span: Span) {
        let passed = self.frame.passthrough > 0 && !self.at_import();
        for obj in value.objs() {
            if let Obj::Module(file) = obj
                && *base != Import::File(*file)
            {
                self.record_import(Imported::Member(*file), passed, span);
            }
        }
    }

    /// The sandbox loads a module whoever vouches for it: `sandbox_unrestricted()` changes nothing of that.
    fn record_import(&mut self, what: Imported, passed: bool, span: Span) {
        let kind = EventKind::Import { what, passed };
        let vouched = std::mem::take(&mut self.frame.vouched);
        self.record_event(span, kind, None);
        self.frame.vouched = vouched;
    }

    /// Whether the project has the package, so that a module that it lacks is nowhere.
    pub(super) fn is_package_of_project(&self, package: &str) -> bool {
        let import = self
            .project
            .import_absolute(self.frame.file, package, self.knowledge);
        matches!(import, Import::File(_))
    }

    /// Makes sure that an imported module runs, and returns it.
    pub(super) fn imported(&mut self, import: &Import, dotted: &str, _span: Span) -> Value {
        match import {
            Import::File(file) => {
                self.import_module(*file);
                if self.frame.passthrough > 0 && !self.passed_through.contains(file) {
                    self.passed_through.push(*file);
                }
                Value::of(Obj::Module(*file))
            }
            Import::Namespace(directory) => {
                let sym = self.sym(directory);
                Value::of(Obj::Namespace(sym))
            }
            Import::External => Value::of(self.external(dotted)),
        }
    }

    /// `from time import *`: the names that the catalogue knows.
    fn import_known(&mut self, module: &str, span: Span) {
        let replaced = self.defined_after(span);
        for name in self.knowledge.names_in(module) {
            if replaced.contains(name) {
                continue;
            }
            let value = Value::of(self.external(&format!("{module}.{name}")));
            let name = self.sym(name);
            self.assign_name(name, &value, Span::default());
        }
    }

    fn import_star(&mut self, file: crate::diagnostic::FileId, span: Span) {
        let Some(module) = self.project.module(file) else {
            return;
        };
        let all = self.read(CellKey::Global(file, self.known.all));
        let exported: Vec<Sym> = self
            .all_elements(&all)
            .objs()
            .iter()
            .filter_map(|obj| {
                if let Obj::Str(sym) = obj {
                    Some(*sym)
                } else {
                    None
                }
            })
            .collect();
        let names: Vec<Sym> = if exported.is_empty() {
            let locals = module.index().function(MODULE_BODY).locals.iter();
            let public: Vec<&str> = locals.filter(|name| !name.starts_with('_')).collect();
            let mut names: Vec<Sym> = public.into_iter().map(|name| self.sym(name)).collect();
            names.extend(self.star_names(file));
            names
        } else {
            exported
        };
        let replaced = self.defined_after(span);
        for name in names {
            let text = self.str(name).to_owned();
            if replaced.contains(text.as_str()) {
                continue;
            }
            let value = self.attribute(&Value::of(Obj::Module(file)), &text, Span::default());
            if !value.is_bottom() {
                self.note_origin(name, file, name);
                self.assign_name(name, &value, Span::default());
            }
        }
    }

    /// The names that the running module body defines after a place in any case, and that replace
    /// what a star import there gives.
    fn defined_after(&self, span: Span) -> BTreeSet<&'p str> {
        let mut names = BTreeSet::new();
        if !self.in_module_body() {
            return names;
        }
        let body = &self.frame.module.tree().body;
        for statement in body.iter().filter(|it| span_of(*it).start > span.start) {
            match statement {
                Stmt::FunctionDef(it) => {
                    names.insert(it.name.as_str());
                }
                Stmt::ClassDef(it) => {
                    names.insert(it.name.as_str());
                }
                Stmt::ImportFrom(it) if it.names.iter().any(|it| it.name.as_str() == "*") => {
                    names.extend(self.names_of_star(it));
                }
                Stmt::ImportFrom(it) => {
                    let bound = it.names.iter();
                    names.extend(bound.map(|it| it.asname.as_ref().unwrap_or(&it.name).as_str()));
                }
                Stmt::Assign(it) => {
                    names.extend(it.targets.iter().filter_map(|target| match target {
                        Expr::Name(name) => Some(name.id.as_str()),
                        _ => None,
                    }));
                }
                _ => {}
            }
        }
        names
    }

    /// The functions and classes that a star import gives, which a module of the project defines at
    /// its top level.
    fn names_of_star(&self, it: &ast::StmtImportFrom) -> Vec<&'p str> {
        let module = it.module.as_ref().map_or("", |module| module.as_str());
        let base = self
            .project
            .import_from(self.frame.file, module, it.level, self.knowledge);
        let Import::File(file) = base else {
            return Vec::new();
        };
        let Some(module) = self.project.module(file) else {
            return Vec::new();
        };
        let is_all = |it: &Stmt| match it {
            Stmt::Assign(it) => {
                matches!(&it.targets[..], [Expr::Name(name)] if name.id.as_str() == "__all__")
            }
            _ => false,
        };
        if module.tree().body.iter().any(is_all) {
            return Vec::new();
        }
        let names = module.tree().body.iter().filter_map(|it| match it {
            Stmt::FunctionDef(it) => Some(it.name.as_str()),
            Stmt::ClassDef(it) => Some(it.name.as_str()),
            _ => None,
        });
        names.filter(|name| !name.starts_with('_')).collect()
    }

    /// Names that a module itself got through a star import, as far as its run has come.
    fn star_names(&mut self, file: crate::diagnostic::FileId) -> Vec<Sym> {
        let mut names = self.globals_of.get(&file).cloned().unwrap_or_default();
        names.retain(|name| !self.str(*name).starts_with('_'));
        names
    }

    /// In workflow code `__name__` is never `"__main__"`; the full graph looks at both.
    pub(super) fn module_dunder_name(&mut self) -> Value {
        if self.mode == Mode::Full {
            return Value::unknown();
        }
        let name = self.project.module_name(self.frame.file);
        let sym = self.sym(&name);
        Value::of(Obj::Str(sym))
    }
}
