//! Which modules keep nothing from one use to the next, so that workflows which share them share
//! nothing else.

use std::collections::BTreeSet;

use crate::index::Module;
use crate::syntax::ast::visitor::{Visitor, walk_expr, walk_stmt};
use crate::syntax::ast::{self, Expr, Stmt};

/// Whether a module has something that code could change: anything but names that are bound to
/// constants and to plain functions.
pub(crate) fn keeps_something(module: &Module) -> bool {
    let body = &module.tree().body;
    let stores = Stores::of(body);
    !Inert::of(body).holds(body)
        || stores.binds_globals
        || !stores.defined.is_disjoint(&stores.roots)
}

/// Whether a module assigns to attributes of what it imports, as in `settings.RATE = rate`.
pub(crate) fn stores_into_imports(module: &Module) -> bool {
    let stores = Stores::of(&module.tree().body);
    !stores.imported.is_disjoint(&stores.roots)
}

struct Inert<'a> {
    /// Names that the file binds to the module `logging`. A logger is no state of the program.
    logging: BTreeSet<&'a str>,
    /// Whether functions may be there. Classes with methods have instances, and those have state.
    has_functions: bool,
}

impl<'a> Inert<'a> {
    fn of(body: &'a [Stmt]) -> Self {
        let imports = body.iter().filter_map(Stmt::as_import_stmt);
        let aliases = imports.flat_map(|it| &it.names);
        let logging = aliases.filter(|it| it.name.as_str() == "logging");
        let names = logging.map(|it| it.asname.as_ref().unwrap_or(&it.name).as_str());
        Self {
            logging: names.collect(),
            has_functions: true,
        }
    }

    fn holds(&self, body: &[Stmt]) -> bool {
        body.iter().all(|statement| self.holds_of(statement))
    }

    fn holds_of(&self, statement: &Stmt) -> bool {
        match statement {
            Stmt::Import(_) | Stmt::ImportFrom(_) | Stmt::Pass(_) | Stmt::TypeAlias(_) => true,
            Stmt::Expr(it) => it.value.is_literal_expr(),
            Stmt::Assign(it) => {
                it.targets.iter().all(Expr::is_name_expr)
                    && (self.is_fixed(&it.value) || is_export_list(&it.targets, &it.value))
            }
            Stmt::AnnAssign(it) => it.value.as_deref().is_none_or(|it| self.is_fixed(it)),
            Stmt::If(it) => {
                let others = it.elif_else_clauses.iter();
                self.holds(&it.body) && others.map(|it| &it.body).all(|body| self.holds(body))
            }
            Stmt::FunctionDef(it) => self.has_functions && self.is_plain(it),
            Stmt::ClassDef(it) => {
                let inside = Self {
                    logging: self.logging.clone(),
                    has_functions: false,
                };
                inside.holds(&it.body)
            }
            _ => false,
        }
    }

    /// A decorator may keep what it is given, a default value is shared by all calls.
    fn is_plain(&self, function: &ast::StmtFunctionDef) -> bool {
        let mut parameters = function.parameters.iter_non_variadic_params();
        function.decorator_list.is_empty()
            && parameters.all(|it| it.default().is_none_or(|it| self.is_fixed(it)))
    }

    fn is_fixed(&self, value: &Expr) -> bool {
        match value {
            Expr::Name(_) | Expr::Attribute(_) | Expr::Subscript(_) => true,
            Expr::Tuple(it) => it.elts.iter().all(|it| self.is_fixed(it)),
            Expr::BinOp(it) => self.is_fixed(&it.left) && self.is_fixed(&it.right),
            Expr::UnaryOp(it) => self.is_fixed(&it.operand),
            // An empty list is there to be filled.
            Expr::List(it) => {
                !it.elts.is_empty() && it.elts.iter().all(Expr::is_string_literal_expr)
            }
            Expr::Call(it) => match &*it.func {
                Expr::Attribute(func) if func.attr.as_str() == "getLogger" => {
                    matches!(&*func.value, Expr::Name(it) if self.logging.contains(it.id.as_str()))
                }
                _ => false,
            },
            other => other.is_literal_expr(),
        }
    }
}

/// `__all__ = […]`.
fn is_export_list(targets: &[Expr], value: &Expr) -> bool {
    let is_all = |it: &Expr| matches!(it, Expr::Name(name) if name.id.as_str() == "__all__");
    targets.iter().all(is_all) && value.is_list_expr()
}

/// What the code of a module assigns to besides variables.
#[derive(Default)]
struct Stores<'a> {
    imported: BTreeSet<&'a str>,
    /// The names of its functions and classes.
    defined: BTreeSet<&'a str>,
    /// The names `a` in assignments to `a.b.c`.
    roots: BTreeSet<&'a str>,
    binds_globals: bool,
}

impl<'a> Stores<'a> {
    fn of(body: &'a [Stmt]) -> Self {
        let mut stores = Self::default();
        stores.visit_body(body);
        stores
    }
}

impl<'a> Visitor<'a> for Stores<'a> {
    fn visit_alias(&mut self, alias: &'a ast::Alias) {
        let name = alias.asname.as_ref().unwrap_or(&alias.name).as_str();
        self.imported.insert(name.split('.').next().unwrap_or(name));
    }

    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::Global(_) => self.binds_globals = true,
            Stmt::FunctionDef(it) => drop(self.defined.insert(it.name.as_str())),
            Stmt::ClassDef(it) => drop(self.defined.insert(it.name.as_str())),
            _ => {}
        }
        walk_stmt(self, statement);
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        if let Expr::Attribute(it) = expression
            && !it.ctx.is_load()
        {
            let mut root = &*it.value;
            while let Expr::Attribute(it) = root {
                root = &it.value;
            }
            if let Expr::Name(name) = root {
                self.roots.insert(name.id.as_str());
            }
        }
        walk_expr(self, expression);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keeps(text: &str) -> bool {
        keeps_something(&Module::new(text))
    }

    #[test]
    fn constants_and_plain_functions_keep_nothing() {
        for text in [
            "",
            "\"\"\"What it is.\"\"\"\nimport time\nRATE = 3\nNAMES = (\"a\", \"b\")\n__all__ = []\n",
            "import logging\nlogger = logging.getLogger(__name__)\n",
            "import logging as log\nlogger = log.getLogger(__name__)\n",
            "def label(name, width=3):\n    found = [name]\n    found.append(width)\n    return found\n",
            "async def fetch(client):\n    client.count = 1\n    return client\n",
            "class Kind:\n    name: str\n    width: int = 3\n",
        ] {
            assert!(!keeps(text), "{text}");
        }
    }

    #[test]
    fn what_can_change_is_kept() {
        for text in [
            "SEEN = []\n",
            "SEEN = {}\n",
            "def getLogger(name):\n    return []\nlogger = logging.getLogger(__name__)\n",
            "import logging\nlogger = logging.Logger(\"a\")\n",
            "def label(name, seen=[]):\n    seen.append(name)\n",
            "@remembered\ndef label(name):\n    return name\n",
            "LAST = None\ndef label(name):\n    global LAST\n    LAST = name\n",
            "def label(name):\n    label.last = name\n",
            "class Kind:\n    def name(self):\n        return self.text\n",
            "label = lambda name: name\n",
            "register(1)\n",
        ] {
            assert!(keeps(text), "{text}");
        }
    }

    #[test]
    fn a_store_into_what_is_imported_is_seen_wherever_it_is() {
        let stores = |text| stores_into_imports(&Module::new(text));
        assert!(stores("import settings\nsettings.RATE = 3\n"));
        assert!(stores(
            "from app import helper as it\ndef f():\n    it.rate.low += 3\n"
        ));
        assert!(stores(
            "def f():\n    import app.settings\n    del app.settings.RATE\n"
        ));
        assert!(!stores("import settings\nprint(settings.RATE)\n"));
        assert!(!stores(
            "import settings\nclass A:\n    def f(self):\n        self.rate = settings.RATE\n"
        ));
    }
}
