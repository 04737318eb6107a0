//! What stands at a place, for messages: an expression in one short line, or its name.

use crate::diagnostic::Span;
use crate::source::SourceFile;
use crate::syntax::ast::visitor::source_order::{SourceOrderVisitor, TraversalSignal};
use crate::syntax::ast::{self, AnyNodeRef, Expr, Stmt};
use crate::syntax::{span_of, statement_around};

/// In characters.
const LONGEST: usize = 60;

/// What stands at `span`; a call that ends it shows no arguments.
pub(crate) fn written(
    tree: Option<&ast::ModModule>,
    source: Option<&SourceFile>,
    span: Span,
) -> String {
    match tree.and_then(|tree| last_call(expression_at(tree, span)?)) {
        Some(call) => {
            let before = Span::new(span.start, span_of(&call.arguments).start);
            short(one_line(source, before) + "()")
        }
        None => short(one_line(source, span)),
    }
}

/// The same with all arguments: in `list(names)` they are what matters.
pub(crate) fn written_whole(source: Option<&SourceFile>, span: Span) -> String {
    short(one_line(source, span))
}

fn one_line(source: Option<&SourceFile>, span: Span) -> String {
    let text = source.map_or("", |it| it.slice(span));
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn short(line: String) -> String {
    match line.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

/// The outermost expression that is exactly there.
fn expression_at(tree: &ast::ModModule, span: Span) -> Option<&Expr> {
    struct Finder<'a> {
        span: Span,
        found: Option<&'a Expr>,
    }
    impl<'a> SourceOrderVisitor<'a> for Finder<'a> {
        fn enter_node(&mut self, node: AnyNodeRef<'a>) -> TraversalSignal {
            let here = span_of(&node);
            let contains = here.contains(self.span);
            if self.found.is_none() && contains {
                TraversalSignal::Traverse
            } else {
                TraversalSignal::Skip
            }
        }
        fn visit_body(&mut self, body: &'a [Stmt]) {
            if let Some(statement) = statement_around(body, self.span) {
                self.visit_stmt(statement);
            }
        }
        fn visit_expr(&mut self, expr: &'a Expr) {
            if self.found.is_none() && span_of(expr) == self.span {
                self.found = Some(expr);
            } else {
                ast::visitor::source_order::walk_expr(self, expr);
            }
        }
    }
    let mut finder = Finder { span, found: None };
    finder.visit_body(&tree.body);
    finder.found
}

/// The call that the text of an expression ends with.
fn last_call(expr: &Expr) -> Option<&ast::ExprCall> {
    match expr {
        Expr::Call(call) => Some(call),
        Expr::Await(it) => last_call(&it.value),
        Expr::UnaryOp(it) => last_call(&it.operand),
        Expr::BinOp(it) => last_call(&it.right),
        Expr::BoolOp(it) => last_call(it.values.last()?),
        Expr::Compare(it) => last_call(it.comparators.last()?),
        Expr::Named(it) => last_call(&it.value),
        Expr::If(it) => last_call(&it.orelse),
        _ => None,
    }
}

/// The name that the value at `span` is bound to by an assignment, a default or a keyword.
pub(crate) fn name_bound_to(tree: &ast::ModModule, span: Span) -> Option<String> {
    struct Finder {
        span: Span,
        found: Option<String>,
    }
    impl<'a> SourceOrderVisitor<'a> for Finder {
        fn enter_node(&mut self, node: AnyNodeRef<'a>) -> TraversalSignal {
            let here = span_of(&node);
            if self.found.is_some() || self.span.start < here.start || here.end < self.span.end {
                return TraversalSignal::Skip;
            }
            if let Some((value, name)) = binding(node)
                && span_of(value) == self.span
            {
                self.found = name;
            }
            TraversalSignal::Traverse
        }
        fn visit_body(&mut self, body: &'a [Stmt]) {
            if let Some(statement) = statement_around(body, self.span) {
                self.visit_stmt(statement);
            }
        }
    }
    let mut finder = Finder { span, found: None };
    finder.visit_body(&tree.body);
    finder.found
}

/// The value that a node binds, and the name that it gets, if it is one.
fn binding(node: AnyNodeRef<'_>) -> Option<(&Expr, Option<String>)> {
    match node {
        AnyNodeRef::StmtAssign(it) => Some((&it.value, it.targets.first().and_then(dotted))),
        AnyNodeRef::StmtAnnAssign(it) => Some((it.value.as_deref()?, dotted(&it.target))),
        AnyNodeRef::ExprNamed(it) => Some((&it.value, dotted(&it.target))),
        AnyNodeRef::ParameterWithDefault(it) => Some((
            it.default.as_deref()?,
            Some(it.parameter.name.id.to_string()),
        )),
        AnyNodeRef::Keyword(it) => {
            Some((&it.value, it.arg.as_ref().map(|name| name.id.to_string())))
        }
        _ => None,
    }
}

fn dotted(target: &Expr) -> Option<String> {
    match target {
        Expr::Name(name) => Some(name.id.to_string()),
        Expr::Attribute(it) => Some(format!("{}.{}", dotted(&it.value)?, it.attr.id)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::parse;

    /// What is written for the value of the only statement.
    fn shown(text: &str) -> String {
        let module = parse(text).module;
        let [ast::Stmt::Expr(statement)] = module.body.as_slice() else {
            panic!("{text} is no expression");
        };
        let source = SourceFile::new("a.py", text);
        written(Some(&module), Some(&source), span_of(&*statement.value))
    }

    #[test]
    fn a_call_shows_no_arguments() {
        assert_eq!(shown("load(path, mode='r')"), "load()");
        assert_eq!(shown("a(1).b(2)"), "a(1).b()");
        assert_eq!(shown("x + f(1)"), "x + f()");
        assert_eq!(shown("await load(1)"), "await load()");
        assert_eq!(shown("(lambda: 1)(2)"), "(lambda: 1)()");
    }

    #[test]
    fn brackets_in_texts_and_comments_are_no_calls() {
        assert_eq!(shown("load('(')"), "load()");
        assert_eq!(shown("load(')')"), "load()");
        assert_eq!(shown("['f(x)', ')']"), "['f(x)', ')']");
        assert_eq!(shown("load(  # (\n    1,\n)"), "load()");
    }

    #[test]
    fn it_is_one_line_of_sixty_characters() {
        assert_eq!(shown("[a,\n  b]"), "[a, b]");
        let long = format!("[{}]", "é".repeat(99));
        assert_eq!(shown(&long).chars().count(), 61);
    }

    /// The name of the only list in a text.
    fn bound(text: &str) -> Option<String> {
        let start = text.find("[...]").expect("a list") as u32;
        name_bound_to(&parse(text).module, Span::new(start, start + 5))
    }

    #[test]
    fn a_value_is_called_by_what_it_is_bound_to() {
        assert_eq!(bound("CACHE = [...]").as_deref(), Some("CACHE"));
        assert_eq!(bound("first = second = [...]").as_deref(), Some("first"));
        assert_eq!(bound("rows: list[a, b] = [...]").as_deref(), Some("rows"));
        assert_eq!(
            bound("self.state.rows = ([...])").as_deref(),
            Some("self.state.rows")
        );
        assert_eq!(
            bound("def f(a, items=[...]): ...").as_deref(),
            Some("items")
        );
        assert_eq!(bound("f(a, items=[...])").as_deref(), Some("items"));
        assert_eq!(bound("if rows := [...]: ...").as_deref(), Some("rows"));
        assert_eq!(
            bound("class A:\n    x = '='; rows = [...]").as_deref(),
            Some("rows")
        );
    }

    #[test]
    fn a_part_of_a_value_has_no_name() {
        assert_eq!(bound("TABLE = Table([...])"), None);
        assert_eq!(bound("a, b = [...]"), None);
        assert_eq!(bound("rows[0] = [...]"), None);
        assert_eq!(bound("[...]"), None);
    }

    #[test]
    fn what_is_no_expression_is_shown_as_it_is() {
        let source = SourceFile::new("a.py", "f(x)");
        assert_eq!(written(None, Some(&source), Span::new(0, 4)), "f(x)");
        assert_eq!(written(None, None, Span::new(0, 4)), "");
    }
}
