//! Imports that nothing needs any more after other edits.

use std::collections::BTreeSet;

use lint_core::diagnostic::{Edit, FileId, Place, Span};
use lint_core::index::{FunctionIx, FunctionNode, MODULE_BODY, Module};
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
    let statements = import_statements(module.tree()).into_iter();
    for (suite, statement) in statements.chain(import_statements_of_functions(module)) {
        let names = import_names(statement);
        // An edit of the import itself writes its names, too.
        let elsewhere = edits.iter().copied();
        let elsewhere = elsewhere.filter(|it| !span_of(statement).contains(it.place.span));
        let elsewhere: Vec<&Edit> = elsewhere.collect();
        let is_dead = |i: &usize| uses.are_replaced(&names[*i], &elsewhere, left);
        let dead: BTreeSet<usize> = (0..names.len()).filter(is_dead).collect();
        let is_needed = |it: &Stmt| {
            let names = import_names(it);
            names.is_empty()
                || !names
                    .iter()
                    .all(|it| uses.are_replaced(it, &elsewhere, left))
        };
        let bound: Vec<String> = dead.iter().map(|&i| bound(&names[i]).to_owned()).collect();
        if dead.len() < names.len() {
            let spans = parts(names, &dead).into_iter();
            let spans = spans.filter(|it| keeps_comments(source, *it));
            found.extend(spans.map(|it| (it, bound.clone())));
            continue;
        }
        let whole = whole_lines(source, span_of(statement)).filter(|_| suite.iter().any(is_needed));
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
    let lines = lines.into_iter();
    found.extend(lines.map(|(span, names)| (cut(source, span, edits), names)));
    let dead = |(span, names)| DeadImport {
        edit: Edit {
            place: Place { file, span },
            replacement: String::new(),
        },
        names,
    };
    found.into_iter().map(dead).collect()
}

fn import_names(statement: &Stmt) -> &[Alias] {
    match statement {
        Stmt::Import(it) => &it.names,
        Stmt::ImportFrom(it) => &it.names,
        _ => &[],
    }
}

/// What to take out with lines of imports, so that the distances around them stay.
fn cut(source: &SourceFile, lines: Span, edits: &[&Edit]) -> Span {
    let mut met = edits
        .iter()
        .filter(|it| it.place.span.end == lines.start || it.place.span.start == lines.end);
    match met.next() {
        Some(met) => without_second_gap(source, lines, met),
        None => with_gap(source, lines),
    }
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

/// Lines to take out where something is inserted: that keeps its distance, from what is above the
/// lines now.
fn without_second_gap(source: &SourceFile, lines: Span, inserted: &Edit) -> Span {
    let before = &source.text[..lines.start as usize];
    let gap = ["\r\n", "\n", "\r"]
        .into_iter()
        .find(|it| before.ends_with(&it.repeat(2)));
    match gap {
        Some(gap) if inserted.replacement.starts_with('\n') => {
            Span::new(lines.start - gap.len() as u32, lines.end)
        }
        _ => lines,
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
struct Uses<'p> {
    module: &'p Module,
    names: Vec<(Name<'p>, Span)>,
    /// Strings may be annotations, or list what the module offers.
    texts: Vec<&'p str>,
    /// Names that imports bind, anywhere.
    bound: Vec<Name<'p>>,
}

/// A name, and the function that has it for itself, or the module.
type Name<'p> = (&'p str, FunctionIx);

impl<'p> Uses<'p> {
    fn of(module: &'p Module) -> Self {
        let mut uses = Self {
            module,
            names: Vec::new(),
            texts: Vec::new(),
            bound: Vec::new(),
        };
        uses.visit_body(&module.tree().body);
        uses
    }

    /// What a name at a place means.
    fn name(&self, name: &'p str, at: Span) -> Name<'p> {
        let index = self.module.index();
        let mut function = index.function_containing(at.start);
        while function != MODULE_BODY {
            let it = index.function(function);
            // What decorates a function, and its defaults, belong to the code around it.
            let is_in_body = match it.node {
                FunctionNode::Def(def) => def
                    .body
                    .first()
                    .is_some_and(|first| span_of(first).start <= at.start),
                FunctionNode::Lambda(lambda) => span_of(&*lambda.body).start <= at.start,
                FunctionNode::Module(_) => true,
            };
            if is_in_body && it.globals.contains(name) {
                break;
            }
            if is_in_body && it.locals.contains(name) && !it.nonlocals.contains(name) {
                return (name, function);
            }
            function = it.parent;
        }
        (name, MODULE_BODY)
    }

    /// Whether all that needs an import is replaced by what does not.
    fn are_replaced(&self, alias: &'p Alias, edits: &[&Edit], left: &BTreeSet<String>) -> bool {
        let name = bound(alias);
        let own = self.name(name, span_of(alias));
        let is_removed = |span: &Span| edits.iter().any(|it| it.place.span.contains(*span));
        let of_name = self.names.iter().filter(|(it, _)| *it == own);
        let spans: Vec<Span> = of_name.map(|(_, span)| *span).collect();
        let is_single = self.bound.iter().filter(|it| **it == own).count() == 1;
        is_single
            && (!spans.is_empty() || left.contains(name))
            && spans.iter().all(is_removed)
            && !self.texts.iter().any(|text| has_word(text, name))
            && !edits.iter().any(|it| has_word(&it.replacement, name))
    }

    fn bind(&mut self, names: &'p [Alias]) {
        let names = names.iter().map(|it| self.name(bound(it), span_of(it)));
        let names: Vec<Name<'p>> = names.collect();
        self.bound.extend(names);
    }
}

impl<'p> Visitor<'p> for Uses<'p> {
    fn visit_stmt(&mut self, statement: &'p Stmt) {
        match statement {
            Stmt::Import(_) | Stmt::ImportFrom(_) => self.bind(import_names(statement)),
            // A text that stands alone is for people.
            Stmt::Expr(it) if it.value.is_string_literal_expr() => return,
            _ => {}
        }
        ast::visitor::walk_stmt(self, statement);
    }

    fn visit_expr(&mut self, expression: &'p Expr) {
        match expression {
            Expr::Name(it) => {
                let name = self.name(it.id.as_str(), span_of(it));
                self.names.push((name, span_of(it)));
            }
            Expr::StringLiteral(literal) => self.texts.push(literal.value.to_str()),
            _ => {}
        }
        walk_expr(self, expression);
    }
}

/// The imports that stand directly in functions, each with the body around it.
fn import_statements_of_functions(module: &Module) -> impl Iterator<Item = (&[Stmt], &Stmt)> {
    let functions = module.index().functions.iter();
    let bodies = functions.filter_map(|it| match it.node {
        FunctionNode::Def(def) => Some(&def.body[..]),
        FunctionNode::Lambda(_) | FunctionNode::Module(_) => None,
    });
    bodies.flat_map(|body| {
        let imports = body
            .iter()
            .filter(|it| matches!(it, Stmt::Import(_) | Stmt::ImportFrom(_)));
        imports.map(move |it| (body, it))
    })
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
                "def f():\n    import time\n\n    return time.time()\n",
                "def f():\n    return 0\n",
            ),
            (
                "def f():\n    import time\n    x = time.time()\n    return lambda: time\n",
                "def f():\n    import time\n    x = 0\n    return lambda: time\n",
            ),
            (
                "def f():\n    import time\n    x = time.time()\n\n\ndef g(time):\n    return time\n",
                "def f():\n    x = 0\n\n\ndef g(time):\n    return time\n",
            ),
            (
                "import time\nx = time.time()\n\n\ndef g(at=time):\n    time = at\n    return time\n",
                "import time\nx = 0\n\n\ndef g(at=time):\n    time = at\n    return time\n",
            ),
            (
                "import time\nx = time.time()\n\n\ndef g():\n    global time\n    time = 1\n",
                "import time\nx = 0\n\n\ndef g():\n    global time\n    time = 1\n",
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
