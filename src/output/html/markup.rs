//! Text that stays text in HTML, and source code with a marked place.

use lint_core::diagnostic::Place;

use crate::output::escape;
use crate::report::Places;

/// Lines that are shown before and after a place, and of it.
const CONTEXT: u32 = 2;
const LONGEST: u32 = 8;

/// For element content and for attributes in double quotes.
pub(super) fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in escape(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

/// What our messages have in backticks is code. With one that is not closed, nothing is.
pub(super) fn inline(message: &str) -> String {
    let parts: Vec<&str> = message.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return text(message);
    }
    let marked = parts
        .iter()
        .enumerate()
        .map(|(index, part)| match index % 2 {
            0 => text(part),
            _ => format!("<code>{}</code>", text(part)),
        });
    marked.collect()
}

/// `path:line:column`
pub(super) fn position(place: Place, places: &Places<'_>) -> String {
    let (start, _) = places.range(place);
    format!(
        "{}:{}:{}",
        places.path(place.file),
        start.line,
        start.column
    )
}

/// The lines around a place with the place marked.
pub(super) fn source(place: Place, places: &Places<'_>) -> String {
    let source = places.source(place.file);
    let first = source.line(place.span.start);
    let last = source.line(place.span.end).clamp(first, first + LONGEST);
    let from = first.saturating_sub(CONTEXT).max(1);
    let to = (last + CONTEXT).min(source.line_count());
    let mut lines = String::new();
    for number in from..=to {
        let line = source.line_span(number);
        let cut = |at: u32| at.clamp(line.start, line.end);
        let (start, end) = (cut(place.span.start), cut(place.span.end));
        let part = |from: u32, to: u32| {
            text(
                source
                    .slice(lint_core::diagnostic::Span::new(from, to))
                    .trim_end_matches(['\r', '\n']),
            )
        };
        let marked = match part(start, end) {
            none if none.is_empty() => none,
            some => format!("<mark>{some}</mark>"),
        };
        let (before, after) = (part(line.start, start), part(end, line.end));
        lines.push_str(&format!(
            "<span class=\"l\"><i>{number}</i>{before}{marked}{after}</span>"
        ));
    }
    let label = text(&format!("Source at {}", position(place, places)));
    format!(
        "<pre class=\"source\" tabindex=\"0\" role=\"group\" aria-label=\"{label}\">{lines}</pre>"
    )
}

/// A Lucide icon, which says nothing that the text beside it does not.
pub(super) fn icon(name: &str) -> String {
    let shape = rules::icons::shapes(name).unwrap_or("<circle cx=\"12\" cy=\"12\" r=\"4\"/>");
    format!("<svg class=\"icon\" viewBox=\"0 0 24 24\" aria-hidden=\"true\">{shape}</svg>")
}
