//! Whether a file that contains the name of a marker uses it the way definitions are marked.
//!
//! The names are common words: a type checker has many an attribute `defn`, and interpreting it for
//! that costs more than all workflows of a project.

use std::collections::BTreeSet;

use crate::index::Module;
use crate::syntax::ast::visitor::{self, Visitor};
use crate::syntax::ast::{Alias, Decorator, Expr, Stmt};
use crate::syntax::last_name;

/// Whether a module decorates with one of these markers, calls it, inherits or imports it, or takes
/// it from something that it imports. An attribute of some other value marks nothing, unless it is
/// applied.
pub(crate) fn may_mark(module: &Module, words: &BTreeSet<String>) -> bool {
    let body = &module.tree().body;
    let mut imports = Imports::default();
    imports.visit_body(body);
    let mut mentions = Mentions {
        words,
        found: !words.is_disjoint(&imports.0),
        imported: imports.0,
    };
    mentions.visit_body(body);
    mentions.found
}

/// What the imports of a file bind and what they name.
#[derive(Default)]
struct Imports(BTreeSet<String>);

impl<'a> Visitor<'a> for Imports {
    fn visit_alias(&mut self, alias: &'a Alias) {
        let package = alias.name.split('.').next().unwrap_or_default();
        self.0.insert(package.to_owned());
        self.0.insert(alias.name.to_string());
        self.0.extend(alias.asname.iter().map(|it| it.to_string()));
    }
}

struct Mentions<'w> {
    /// The names of markers, and of those that are common words also what they belong to.
    words: &'w BTreeSet<String>,
    imported: BTreeSet<String>,
    found: bool,
}

impl Mentions<'_> {
    fn is_marker(&self, expression: &Expr) -> bool {
        match expression {
            Expr::Name(it) => self.words.contains(it.id.as_str()),
            Expr::Attribute(it) => {
                let owner = last_name(&it.value);
                self.words.contains(it.attr.as_str())
                    || self.words.contains(&format!("{owner}.{}", it.attr))
            }
            Expr::Subscript(it) => self.is_marker(&it.value),
            _ => false,
        }
    }

    fn is_imported(&self, expression: &Expr) -> bool {
        match expression {
            Expr::Name(it) => self.imported.contains(it.id.as_str()),
            Expr::Attribute(it) => self.is_imported(&it.value),
            _ => false,
        }
    }
}

impl<'a> Visitor<'a> for Mentions<'_> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        if let Stmt::ClassDef(it) = statement {
            self.found |= it.bases().iter().any(|base| self.is_marker(base));
        }
        visitor::walk_stmt(self, statement);
    }

    fn visit_decorator(&mut self, decorator: &'a Decorator) {
        self.found |= self.is_marker(&decorator.expression);
        visitor::walk_decorator(self, decorator);
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        self.found |= match expression {
            Expr::Call(it) => self.is_marker(&it.func),
            it => self.is_marker(it) && self.is_imported(it),
        };
        visitor::walk_expr(self, expression);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(text: &str) -> bool {
        let words = ["defn", "workflow.run", "OurFlow"].map(str::to_owned);
        may_mark(&Module::new(text), &BTreeSet::from(words))
    }

    #[test]
    fn what_is_applied_inherited_or_imported_may_mark() {
        for text in [
            "from temporalio import workflow\n\n@workflow.defn\nclass A: ...\n",
            "@flow.defn(name=\"a\")\nclass A: ...\n",
            "def make(flow):\n    return flow.defn(A)\n",
            "class A:\n    @sdk.workflow.run\n    async def run(self): ...\n",
            "class A(base.OurFlow[int]): ...\n",
            "def late():\n    from .base import OurFlow as Base\n",
            "from .compat import flow\n\nmark = flow.defn\n",
            "from .compat import flow\n\nmarks = [flow.defn]\n",
        ] {
            assert!(marks(text), "{text}");
        }
    }

    #[test]
    fn an_attribute_of_another_value_marks_nothing() {
        for text in [
            "import ast\n\ndef name(info):\n    return info.defn.name\n",
            "def visit(self, node):\n    self.defn = node.defn\n    self.accept(node.defn)\n",
            "def start(command):\n    command.run()\n",
            "class A(Flow): ...\n",
        ] {
            assert!(!marks(text), "{text}");
        }
    }
}
