//! Visits all expressions of a file together with the scope that each is evaluated in.

use lint_core::diagnostic::FileId;
use lint_core::index::{ClassIx, FunctionIx, Index, MODULE_BODY};
use lint_core::names::Resolved;
use lint_core::syntax::ast::visitor::{Visitor, walk_expr, walk_stmt};
use lint_core::syntax::ast::{self, Expr, Stmt};
use lint_core::syntax::span_of;

use super::Contract;
use super::classes::canonical;

/// Where an expression is evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    pub function: FunctionIx,
    /// Set directly in the body of a class, also for the decorators of its methods.
    pub class: Option<ClassIx>,
}

impl<'p> Contract<'p> {
    /// Calls `visit` with each expression of the file that is evaluated, outer ones first.
    /// Annotations are left out.
    pub fn expressions(&self, file: FileId, visit: &mut dyn FnMut(Scope, &'p Expr)) {
        let Some(module) = self.module(file) else {
            return;
        };
        let mut walker = Walker {
            index: module.index(),
            scope: Scope {
                function: MODULE_BODY,
                class: None,
            },
            visit,
        };
        walker.visit_body(&module.tree().body);
    }

    /// All import statements of the file, also those in functions.
    pub fn imports(&self, file: FileId) -> Vec<ImportSite<'p>> {
        let mut finder = ImportFinder {
            is_guarded: false,
            found: Vec::new(),
        };
        if let Some(module) = self.module(file) {
            finder.visit_body(&module.tree().body);
        }
        finder.found
    }

    /// What an expression refers to.
    pub fn resolve(&self, file: FileId, scope: Scope, expr: &Expr) -> Option<Resolved> {
        let resolved = match scope.class {
            Some(class) => self.names.resolve_in_class(file, class, expr),
            None => self.names.resolve(file, scope.function, expr),
        };
        match resolved? {
            Resolved::External(name) => Some(Resolved::External(canonical(&name))),
            other => Some(other),
        }
    }
}

/// An import statement.
#[derive(Debug, Clone, Copy)]
pub struct ImportSite<'p> {
    pub statement: &'p Stmt,
    /// Whether a handler catches its failure, or only a type checker sees it.
    pub is_guarded: bool,
}

impl<'p> ImportSite<'p> {
    /// The module and the imported name of each part, with its node. Relative imports have none.
    pub fn parts(&self) -> Vec<(&'p str, Option<&'p str>, &'p ast::Alias)> {
        match self.statement {
            Stmt::Import(import) => {
                let each = import.names.iter();
                each.map(|alias| (alias.name.as_str(), None, alias))
                    .collect()
            }
            Stmt::ImportFrom(import) if import.level == 0 => {
                let module = import.module.as_ref().map_or("", |module| module.as_str());
                let each = import.names.iter();
                each.map(|alias| (module, Some(alias.name.as_str()), alias))
                    .collect()
            }
            _ => Vec::new(),
        }
    }
}

struct ImportFinder<'p> {
    is_guarded: bool,
    found: Vec<ImportSite<'p>>,
}

impl<'p> ImportFinder<'p> {
    fn guarded(&mut self, body: &'p [Stmt]) {
        let outer = std::mem::replace(&mut self.is_guarded, true);
        self.visit_body(body);
        self.is_guarded = outer;
    }
}

impl<'p> Visitor<'p> for ImportFinder<'p> {
    fn visit_stmt(&mut self, statement: &'p Stmt) {
        match statement {
            Stmt::Import(_) | Stmt::ImportFrom(_) => self.found.push(ImportSite {
                statement,
                is_guarded: self.is_guarded,
            }),
            Stmt::Try(it) => {
                self.guarded(&it.body);
                for ast::ExceptHandler::ExceptHandler(handler) in &it.handlers {
                    self.guarded(&handler.body);
                }
                self.visit_body(&it.orelse);
                self.visit_body(&it.finalbody);
            }
            Stmt::If(it) if is_type_checking(&it.test) => {
                self.guarded(&it.body);
                for clause in &it.elif_else_clauses {
                    self.visit_elif_else_clause(clause);
                }
            }
            _ => walk_stmt(self, statement),
        }
    }

    fn visit_expr(&mut self, _expression: &'p Expr) {}
}

fn is_type_checking(test: &Expr) -> bool {
    match test {
        Expr::Name(name) => name.id.as_str() == "TYPE_CHECKING",
        Expr::Attribute(attribute) => attribute.attr.as_str() == "TYPE_CHECKING",
        _ => false,
    }
}

struct Walker<'w, 'p> {
    index: &'p Index<'p>,
    scope: Scope,
    visit: &'w mut dyn FnMut(Scope, &'p Expr),
}

impl<'p> Walker<'_, 'p> {
    fn enter(&mut self, scope: Scope, visit: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.scope, scope);
        visit(self);
        self.scope = outer;
    }

    fn visit_defaults(&mut self, parameters: &'p ast::Parameters) {
        for parameter in parameters.iter_non_variadic_params() {
            if let Some(default) = parameter.default() {
                self.visit_expr(default);
            }
        }
    }
}

impl<'p> Visitor<'p> for Walker<'_, 'p> {
    fn visit_stmt(&mut self, statement: &'p Stmt) {
        match statement {
            Stmt::FunctionDef(def) => {
                for decorator in &def.decorator_list {
                    self.visit_expr(&decorator.expression);
                }
                self.visit_defaults(&def.parameters);
                if let Some(function) = self.index.function_at(span_of(def)) {
                    let scope = Scope {
                        function,
                        class: None,
                    };
                    self.enter(scope, |this| this.visit_body(&def.body));
                }
            }
            Stmt::ClassDef(def) => {
                for decorator in &def.decorator_list {
                    self.visit_expr(&decorator.expression);
                }
                if let Some(arguments) = &def.arguments {
                    self.visit_arguments(arguments);
                }
                let scope = Scope {
                    class: self.index.class_at(span_of(def)),
                    ..self.scope
                };
                self.enter(scope, |this| this.visit_body(&def.body));
            }
            _ => walk_stmt(self, statement),
        }
    }

    fn visit_expr(&mut self, expression: &'p Expr) {
        (self.visit)(self.scope, expression);
        match expression {
            Expr::Lambda(lambda) => {
                if let Some(parameters) = &lambda.parameters {
                    self.visit_defaults(parameters);
                }
                if let Some(function) = self.index.function_at(span_of(lambda)) {
                    let scope = Scope {
                        function,
                        class: None,
                    };
                    self.enter(scope, |this| this.visit_expr(&lambda.body));
                }
            }
            _ => walk_expr(self, expression),
        }
    }

    fn visit_annotation(&mut self, _annotation: &'p Expr) {}
}
