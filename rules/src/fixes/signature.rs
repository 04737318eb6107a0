//! One more parameter of a function, and one more argument of a call.

use lint_core::diagnostic::Span;
use lint_core::source::SourceFile;
use lint_core::syntax::ast::{self, Expr};
use lint_core::syntax::span_of;

/// What to write, and in place of what.
pub(super) type Insertion = (Span, String);

/// A parameter that is given by name and may be left out, `now: datetime | None = None`. There is
/// no room for it where all other keywords are taken.
pub(super) fn with_parameter(
    source: &SourceFile,
    def: &ast::StmtFunctionDef,
    parameter: &str,
) -> Option<Insertion> {
    let parameters = &def.parameters;
    let by_name_only = parameters.vararg.is_some() || !parameters.kwonlyargs.is_empty();
    // A slash may be the last.
    let ends_in_slash =
        !by_name_only && parameters.args.is_empty() && !parameters.posonlyargs.is_empty();
    if parameters.kwarg.is_some() || ends_in_slash {
        return None;
    }
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
    let here = |at: u32| Span::new(at, at);
    let Some(last) = last else {
        return (here(within.start + 1), added.join(", "));
    };
    // The item itself may be in parentheses.
    let rest = source.slice(Span::new(last.end, within.end.saturating_sub(1)));
    let closing = rest.find(|c: char| c != ')' && !c.is_whitespace());
    let closed = rest[..closing.unwrap_or(rest.len())].rfind(')');
    let at = last.end + closed.map_or(0, |at| at as u32 + 1);
    let line = source.line_span(source.line(last.start));
    let before = source.slice(Span::new(line.start, last.start));
    if !before.trim().is_empty() {
        return (here(at), added.iter().map(|it| format!(", {it}")).collect());
    }
    // In a line of its own, a comment may follow, before or behind a comma.
    let end = source.line_span(source.line(at)).end;
    let after = source.slice(Span::new(at, end)).trim_end();
    let lines = added.iter().map(|it| format!("\n{before}{it}"));
    let lines: Vec<String> = lines.collect();
    match after.trim_start().chars().next() {
        Some(',') if end < within.end => (here(at + after.len() as u32), lines.join(",") + ","),
        Some('#') => {
            let span = Span::new(at, at + after.len() as u32);
            (span, format!(",{after}{}", lines.join(",")))
        }
        _ => (here(at), format!(",{}", lines.join(","))),
    }
}
