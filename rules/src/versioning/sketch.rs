//! The gate that an edit lacks, as a sketch: what stands in the other branch, only its author knows.

use lint_core::diagnostic::{Place, Span};
use lint_core::project::Project;
use lint_core::syntax::ast::Stmt;
use lint_core::syntax::ast::visitor::{Visitor, walk_stmt};
use lint_core::syntax::span_of;

/// The statement around a command, and the same behind the gate.
pub(super) fn gate(project: &Project<'_>, command: Place, id: &str) -> Option<(Span, String)> {
    let module = project.module(command.file)?;
    let mut innermost = Innermost {
        wanted: command.span,
        found: None,
    };
    innermost.visit_body(&module.tree().body);
    let span = span_of(innermost.found.filter(|it| is_simple(it))?);
    let source = project.source(command.file)?;
    let text = source.slice(span);
    // Lines of a string would be indented with the rest.
    let is_layout = !text.contains("\"\"\"") && !text.contains("'''") && !text.contains("\\\n");
    let before = source.slice(Span::new(0, span.start));
    let indent = &before[before.rfind('\n').map_or(0, |at| at + 1)..];
    let is_alone = indent.chars().all(|c| c == ' ' || c == '\t');
    if !is_layout || !is_alone {
        return None;
    }
    let inner = text.replace('\n', "\n    ");
    let gated = format!(
        "if workflow.patched(\"{id}\"):\n{indent}    {inner}\n{indent}else:\n{indent}    pass  # what ran here before, if anything did"
    );
    Some((span, gated))
}

struct Innermost<'a> {
    wanted: Span,
    found: Option<&'a Stmt>,
}

impl<'a> Visitor<'a> for Innermost<'a> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        let span = span_of(statement);
        if span.contains(self.wanted) {
            self.found = Some(statement);
            walk_stmt(self, statement);
        }
    }
}

fn is_simple(statement: &Stmt) -> bool {
    matches!(
        statement,
        Stmt::Expr(_) | Stmt::Assign(_) | Stmt::AnnAssign(_)
    )
}
