//! Imports that nothing needs any more after other edits.

use std::collections::BTreeSet;

use lint_core::diagnostic::{Edit, FileId, Place, Span};
use lint_core::index::Module;
use lint_core::project::{Project, split};
use lint_core::source::SourceFile;
use lint_core::syntax::ast::visitor::{Visitor, walk_expr};
use lint_core::syntax::ast::{self, Alias, Expr, Stmt};
use lint_core::syntax::span_of;

use super::imports::import_statements;

/// An edit that takes out imports.
#[derive(Debug)]
pub struct DeadImport {
    pub edit: Edit,
    /// What they bind.
    pub names: Vec<String>,
}

/// The imports that were only used in what these edits replace, and those of some names that nothing
/// uses.
pub fn dead_imports(
    project: &Project<'_>,
    file: FileId,
    edits: &[&Edit],
    left: &BTreeSet<String>,
) -> Vec<DeadImport> {
    let (Some(module), Some(source)) = (project.module(file), project.source(file)) else {
        return Vec::new();
    };
    // A package offers what it imports.
    if split(project.key(file)).1 == "__init__.py" {
        return Vec::new();
    }
    let uses = Uses::of(module);
    let mut lines: Vec<(Span, Vec<String>)> = Vec::new();
    let mut found = Vec::new();
    for (suite, statement) in import_statements(module.tree()) {
        let names = match statement {
            Stmt::Import(it) => &it.names,
            Stmt::ImportFrom(it) => &it.names,
            _ => continue,
        };
        let is_dead = |i: &usize| uses.are_replaced(&names[*i], edits, left);
        let dead: BTreeSet<usize> = (0..names.len()).filter(is_dead).collect();
        let bound: Vec<String> = dead.iter().map(|&i| bound(&names[i]).to_owned()).collect();
        if dead.len() < names.len() {
            let spans = parts(names, &dead).into_iter();
            let spans = spans.filter(|it| keeps_comments(source, *it));
            found.extend(spans.map(|it| (it, bound.clone())));
            continue;
        }
        let whole = whole_lines(source, span_of(statement)).filter(|_| suite.len() > 1);
        let whole = whole.filter(|it| keeps_comments(source, *it));
        match (whole, lines.last_mut()) {
            (Some(whole), Some((last, names))) if last.end == whole.start => {
                last.end = whole.end;
                names.extend(bound);
            }
            (Some(whole), _) => lines.push((whole, bound)),
            (None, _) => {}
        }
    }
    // What is inserted there keeps its distance.
    let is_met = |span: &Span| {
        let mut places = edits.iter().map(|it| it.place.span);
        places.any(|it| it.end == span.start || it.start == span.end)
    };
    found.extend(lines.into_iter().map(|(span, names)| match is_met(&span) {
        true => (span, names),
        false => (with_gap(source, span), names),
    }));
    let dead = |(span, names)| DeadImport {
        edit: Edit {
            place: Place { file, span },
            replacement: String::new(),
        },
        names,
    };
    found.into_iter().map(dead).collect()
}

/// Whether taking out a text takes no comment along, or leaves one behind another name.
fn keeps_comments(source: &SourceFile, span: Span) -> bool {
    let end = source
        .line_span(source.line(span.end.saturating_sub(1)))
        .end;
    !source
        .slice(Span::new(span.start, end.max(span.end)))
        .contains('#')
}

/// Lines to take out, with the empty ones below that would be too many then: at the start of the
/// file or of a block, and below other empty ones.
fn with_gap(source: &SourceFile, lines: Span) -> Span {
    let before = &source.text[..lines.start as usize];
    let opens_block = before.trim_end().ends_with(':');
    let is_below_gap = before.is_empty()
        || opens_block
        || ["\n\n", "\r\n\r\n", "\r\r"]
            .iter()
            .any(|it| before.ends_with(it));
    let after = &source.text[lines.end as usize..];
    let gap = after.len() - after.trim_start_matches(['\n', '\r']).len();
    match is_below_gap {
        true => Span::new(lines.start, lines.end + gap as u32),
        false => lines,
    }
}

fn bound(alias: &Alias) -> &str {
    match &alias.asname {
        Some(name) => name.as_str(),
        None => alias.name.as_str().split('.').next().unwrap_or_default(),
    }
}

/// The lines of a statement that shares them with nothing.
fn whole_lines(source: &SourceFile, span: Span) -> Option<Span> {
    let lines = source.whole_lines(span);
    let before = source.slice(Span::new(lines.start, span.start));
    let after = source.slice(Span::new(span.end, lines.end));
    (before.trim().is_empty() && after.trim().is_empty()).then_some(lines)
}

/// The names to leave out, each run of them with one comma.
fn parts(names: &[Alias], dead: &BTreeSet<usize>) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut i = 0;
    while i < names.len() {
        if !dead.contains(&i) {
            i += 1;
            continue;
        }
        let first = i;
        while i < names.len() && dead.contains(&i) {
            i += 1;
        }
        spans.push(match names.get(i) {
            Some(next) => Span::new(span_of(&names[first]).start, span_of(next).start),
            None => Span::new(span_of(&names[first - 1]).end, span_of(&names[i - 1]).end),
        });
    }
    spans
}

fn has_word(text: &str, word: &str) -> bool {
    let goes_on = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + word.len()..]);
        // After a dot, it is a member of something else.
        let is_own = !before.ends_with(goes_on) && !before.ends_with('.');
        is_own && !after.starts_with(goes_on)
    })
}

/// Everything in a file that may need an import.
#[derive(Default)]
struct Uses<'p> {
    names: Vec<(&'p str, Span)>,
    /// Strings may be annotations, or list what the module offers.
    texts: Vec<&'p str>,
    /// Names that imports bind, anywhere.
    bound: Vec<&'p str>,
}

impl<'p> Uses<'p> {
    fn of(module: &'p Module) -> Self {
        let mut uses = Self::default();
        uses.visit_body(&module.tree().body);
        uses
    }

    /// Whether all that needs an import is replaced by what does not.
    fn are_replaced(&self, alias: &Alias, edits: &[&Edit], left: &BTreeSet<String>) -> bool {
        let name = bound(alias);
        let is_removed = |span: &Span| {
            let mut spans = edits.iter().map(|it| it.place.span);
            spans.any(|it| it.start <= span.start && span.end <= it.end)
        };
        let of_name = self.names.iter().filter(|(it, _)| *it == name);
        let spans: Vec<Span> = of_name.map(|(_, span)| *span).collect();
        let is_single = self.bound.iter().filter(|it| **it == name).count() == 1;
        is_single
            && (!spans.is_empty() || left.contains(name))
            && spans.iter().all(is_removed)
            && !self.texts.iter().any(|text| has_word(text, name))
            && !edits.iter().any(|it| has_word(&it.replacement, name))
    }
}

impl<'p> Visitor<'p> for Uses<'p> {
    fn visit_stmt(&mut self, statement: &'p Stmt) {
        match statement {
            Stmt::Import(it) => self.bound.extend(it.names.iter().map(bound)),
            Stmt::ImportFrom(it) => self.bound.extend(it.names.iter().map(bound)),
            // A text that stands alone is for people.
            Stmt::Expr(it) if it.value.is_string_literal_expr() => return,
            _ => {}
        }
        ast::visitor::walk_stmt(self, statement);
    }

    fn visit_expr(&mut self, expression: &'p Expr) {
        match expression {
            Expr::Name(name) => self.names.push((name.id.as_str(), span_of(name))),
            Expr::StringLiteral(literal) => self.texts.push(literal.value.to_str()),
            _ => {}
        }
        walk_expr(self, expression);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FILE, after};
    use super::*;

    #[test]
    fn an_import_that_nothing_needs_any_more_goes() {
        for (before, expected) in [
            ("import time\nx = time.time()\n", "x = 0\n"),
            (
                "import time\nx = time.time()\ny = time\n",
                "import time\nx = 0\ny = time\n",
            ),
            (
                "from time import sleep, time\nx = time.time()\nsleep()\n",
                "from time import sleep\nx = 0\nsleep()\n",
            ),
            (
                "from time import time, sleep\nx = time.time()\nsleep()\n",
                "from time import sleep\nx = 0\nsleep()\n",
            ),
            (
                "import time  # a clock\nx = time.time()\n",
                "import time  # a clock\nx = 0\n",
            ),
            (
                "import time\nx = time.time()\n__all__ = ['time']\n",
                "import time\nx = 0\n__all__ = ['time']\n",
            ),
            (
                "import a\nimport time\n\nimport b\nx = time.time()\na, b\n",
                "import a\n\nimport b\nx = 0\na, b\n",
            ),
            (
                "import a\n\nimport time\n\nimport b\nx = time.time()\na, b\n",
                "import a\n\nimport b\nx = 0\na, b\n",
            ),
            (
                "import time\n\nimport b\nx = time.time()\nb\n",
                "import b\nx = 0\nb\n",
            ),
            (
                "from time import (\n    sleep,\n    time,  # a clock\n)\nx = time.time()\nsleep()\n",
                "from time import (\n    sleep,\n    time,  # a clock\n)\nx = 0\nsleep()\n",
            ),
            (
                "with a():\n    import time\nx = time.time()\n",
                "with a():\n    import time\nx = 0\n",
            ),
        ] {
            let text = after(before, |project, source| {
                let start = source.text.find("time.time()").expect("a call") as u32;
                let edit = Edit {
                    place: Place {
                        file: FILE,
                        span: Span::new(start, start + 11),
                    },
                    replacement: "0".to_owned(),
                };
                let dead = dead_imports(project, FILE, &[&edit], &BTreeSet::new());
                let dead = dead.into_iter().map(|it| it.edit);
                dead.chain([edit]).collect()
            });
            assert_eq!(text, expected);
        }
    }
}
