//! What code anywhere in the project says about all workflows.

use lint_core::facts::Facts;
use lint_core::project::{Question, mentions};
use lint_core::syntax::ast::visitor::{Visitor, walk_expr};
use lint_core::syntax::ast::{self, Expr};

const FAILURES: &str = "workflow_failure_exception_types";

/// What is true of all parts of a project.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Everywhere {
    /// Whether a worker or a replayer says which exceptions are failures.
    pub(crate) workers_declare_failures: bool,
    /// Whether `activity.defn(function)` makes activities of functions that are not decorated.
    pub(crate) marks_activities: bool,
}

impl Everywhere {
    pub(crate) fn new(facts: &Facts<'_>) -> Self {
        if facts.workflows.is_empty() {
            return Self::default();
        }
        let project = facts.project;
        // No workflow needs the files that start workers.
        let files = project.candidates(&Question {
            name: format!("{FAILURES}, or a call of `defn`"),
            test: &|bytes| mentions(bytes, FAILURES) || calls_defn(bytes),
        });
        let mut finder = Finder::default();
        for module in files.into_iter().filter_map(|file| project.module(file)) {
            finder.visit_body(&module.tree().body);
        }
        finder.0
    }
}

/// Whether something that is no keyword may be the first argument of `defn(…)`.
fn calls_defn(bytes: &[u8]) -> bool {
    memchr::memmem::find_iter(bytes, "defn(").any(|at| {
        let given = &bytes[at + "defn(".len()..];
        let is_name =
            |it: &&u8| it.is_ascii_alphanumeric() || matches!(it, b'_' | b'.' | b' ' | b'\n');
        let name = given.iter().take_while(is_name).count();
        name > 0 && given.get(name) != Some(&b'=')
    })
}

#[derive(Default)]
struct Finder(Everywhere);

impl<'a> Visitor<'a> for Finder {
    fn visit_expr(&mut self, expression: &'a Expr) {
        if let Expr::Call(call) = expression
            && let Expr::Attribute(defn) = &*call.func
            && defn.attr.as_str() == "defn"
            && let Some(given) = call.arguments.args.first()
        {
            let of = match &*defn.value {
                Expr::Name(it) => it.id.as_str(),
                Expr::Attribute(it) => it.attr.as_str(),
                _ => "",
            };
            self.0.marks_activities |= of == "activity" && !given.is_string_literal_expr();
        }
        if let Expr::Call(ast::ExprCall { arguments, .. }) = expression
            && let Some(given) = arguments.find_keyword(FAILURES)
        {
            let is_none = matches!(&given.value, Expr::List(list) if list.elts.is_empty());
            self.0.workers_declare_failures |= !is_none;
        }
        walk_expr(self, expression);
    }
}
