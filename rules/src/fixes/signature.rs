//! One more parameter of a function, and one more argument of a call.

use lint_core::diagnostic::Span;
use lint_core::source::SourceFile;
use lint_core::syntax::ast::{self, Expr};
use lint_core::syntax::span_of;

/// What to insert, and where.
pub(super) type Insertion = (u32, String);

/// A parameter that is given by name and may be left out, `now: datetime | None = None`. There is
/// no room for it where all other keywords are taken.
pub(super) fn with_parameter(
    source: &SourceFile,
    def: &ast::StmtFunctionDef,
    parameter: &str,
) -> Option<Insertion> {
    let parameters = &def.parameters;
    if parameters.kwarg.is_some() {
        return None;
    }
    let by_name_only = parameters.vararg.is_some() || !parameters.kwonlyargs.is_empty();
    let added: &[&str] = if by_name_only {
        &[parameter]
    } else {
        &["*", parameter]
    };
    let last = parameters.iter().last().map(|it| span_of(&it));
    Some(inserted(source, span_of(&**parameters), last, added))
}

/// An argument that is given by name, `now=now`.
pub(super) fn with_argument(
    source: &SourceFile,
    call: &ast::ExprCall,
    argument: &str,
) -> Option<Insertion> {
    let arguments = &call.arguments;
    if let [Expr::Generator(only)] = &arguments.args[..]
        && !only.parenthesized
    {
        return None;
    }
    let positions = arguments.args.iter().map(span_of);
    let keywords = arguments.keywords.iter().map(span_of);
    let last = positions.chain(keywords).max_by_key(|it| it.end);
    Some(inserted(source, span_of(arguments), last, &[argument]))
}

/// Behind the last item in parentheses: in the same line, or in lines of their own as that one.
pub(super) fn inserted(
    source: &SourceFile,
    within: Span,
    last: Option<Span>,
    added: &[&str],
) -> Insertion {
    let Some(last) = last else {
        return (within.start + 1, added.join(", "));
    };
    // The item itself may be in parentheses.
    let rest = source.slice(Span::new(last.end, within.end.saturating_sub(1)));
    let closing = rest.find(|c: char| c != ')' && !c.is_whitespace());
    let closed = rest[..closing.unwrap_or(rest.len())].rfind(')');
    let at = last.end + closed.map_or(0, |at| at as u32 + 1);
    let line = source.line_span(source.line(last.start));
    let before = source.slice(Span::new(line.start, last.start));
    if !before.trim().is_empty() {
        return (at, added.iter().map(|it| format!(", {it}")).collect());
    }
    // In a line of its own, a comment may follow the comma.
    let end = source.line_span(source.line(at)).end;
    let after = source.slice(Span::new(at, end)).trim_end();
    if after.trim_start().starts_with(',') && end < within.end {
        let lines = added.iter().map(|it| format!("\n{before}{it},"));
        return (at + after.len() as u32, lines.collect());
    }
    let lines = added.iter().map(|it| format!(",\n{before}{it}"));
    (at, lines.collect())
}
