//! Imports that a fix needs.

use std::ops::Range;

use lint_core::diagnostic::{Edit, FileId, Place, Span};
use lint_core::source::SourceFile;
use lint_core::syntax::ast::{self, Stmt};
use lint_core::syntax::span_of;

use crate::program::{Node, nodes_of};

/// How long a line may be.
const WIDTH: usize = 88;

/// A name to import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted<'w> {
    pub(crate) module: &'w str,
    /// `None` for `import module`.
    pub(crate) name: Option<&'w str>,
}

impl<'w> Wanted<'w> {
    pub(crate) const fn from(module: &'w str, name: &'w str) -> Self {
        Self {
            module,
            name: Some(name),
        }
    }

    /// What it binds.
    pub(crate) fn bound(self) -> &'w str {
        match self.name {
            Some(name) => name,
            None => self.module.split('.').next().unwrap_or_default(),
        }
    }

    /// Whether this is its canonical name.
    pub(crate) fn is_called(self, dotted: &str) -> bool {
        match self.name {
            Some(name) => {
                dotted
                    .strip_suffix(name)
                    .and_then(|it| it.strip_suffix('.'))
                    == Some(self.module)
            }
            None => dotted == self.bound(),
        }
    }

    fn statement(self) -> String {
        match self.name {
            Some(name) => format!("from {} import {name}", self.module),
            None => format!("import {}", self.module),
        }
    }

    fn is_stdlib(self) -> bool {
        is_stdlib(self.module)
    }
}

/// The edit that imports the name in a file that does not bind it: beside what comes from the same
/// module, or in a line of its own.
pub(crate) fn import(
    file: FileId,
    source: &SourceFile,
    tree: &ast::ModModule,
    wanted: Wanted<'_>,
) -> Edit {
    let same_module = plain_imports(tree).find(|it| comes_from(it, wanted.module));
    let (at, replacement) = match (same_module, wanted.name) {
        (Some(import), Some(name)) => {
            let at = place_for(import, name);
            match grown(file, source, import, at..at, &[name]) {
                Some(edit) => return edit,
                None => merge(source, import, at, name),
            }
        }
        _ => new_line(source, tree, wanted),
    };
    insertion(file, at, replacement)
}

/// The edit that imports names from a module beside this one.
pub(crate) fn import_sibling(
    file: FileId,
    source: &SourceFile,
    tree: &ast::ModModule,
    module: &str,
    names: &[&str],
) -> Edit {
    let is_it = |it: &&ast::StmtImportFrom| {
        let is_named = it.module.as_ref().is_some_and(|it| it.as_str() == module);
        it.level == 1 && is_named && it.names.iter().all(|it| it.name.as_str() != "*")
    };
    match plain_imports(tree).find(is_it) {
        Some(import) => beside(file, source, import, names),
        None => {
            let mut names = names.to_vec();
            names.sort_by_key(|it| rank(it));
            let statement = format!("from .{module} import {}\n", names.join(", "));
            match sibling_below(source, tree, module) {
                Some(next) => insertion(file, span_of(next).start, statement),
                None => after_imports(file, source, tree, &statement),
            }
        }
    }
}

/// The import of a module beside this one before which that of another one goes, if they are in order.
fn sibling_below<'p>(
    source: &SourceFile,
    tree: &'p ast::ModModule,
    module: &str,
) -> Option<&'p ast::StmtImportFrom> {
    let name = |it: &ast::StmtImportFrom| it.module.as_ref().map(ToString::to_string);
    let siblings = plain_imports(tree).filter(|it| it.level == 1 && it.module.is_some());
    let siblings: Vec<&ast::StmtImportFrom> = siblings.collect();
    let next = siblings
        .iter()
        .find(|it| name(it).as_deref() > Some(module))?;
    let start = span_of(*next).start;
    let starts_line = source.line_span(source.line(start)).start == start;
    (siblings.is_sorted_by_key(|it| name(it)) && starts_line).then_some(*next)
}

/// The edit that imports names together with others from the same module.
pub(crate) fn beside(
    file: FileId,
    source: &SourceFile,
    import: &ast::StmtImportFrom,
    names: &[&str],
) -> Edit {
    let end = import.names.len();
    if let Some(edit) = in_order(file, source, import, end..end, names) {
        return edit;
    }
    if let Some(edit) = grown(file, source, import, end..end, names) {
        return edit;
    }
    let last = import.names.last().map_or(span_of(import), span_of);
    let line = source.line_span(source.line(last.start));
    let before = source.slice(Span::new(line.start, last.start));
    let gap = match before.trim().is_empty() {
        true => format!("\n{before}"),
        false => " ".to_owned(),
    };
    let names = names.iter().map(|name| format!(",{gap}{name}"));
    insertion(file, last.end, names.collect())
}

/// The edit that adds an import of code of the project below all others at the top.
pub(crate) fn after_imports(
    file: FileId,
    source: &SourceFile,
    tree: &ast::ModModule,
    statement: &str,
) -> Edit {
    let is_relative = |it: &Stmt| matches!(it, Stmt::ImportFrom(it) if it.level > 0);
    let last = last_import(tree);
    let at = last.map_or_else(
        || start_of_code(source, tree),
        |it| end_of_line(source, span_of(it).end),
    );
    let gap = match last.is_none_or(is_relative) {
        true => "",
        false => "\n",
    };
    insertion(
        file,
        at,
        format!("{}{gap}{statement}", break_before(source, at)),
    )
}

/// The edit that adds an import which Temporal's sandbox passes through.
pub(crate) fn passed_through(
    file: FileId,
    source: &SourceFile,
    tree: &ast::ModModule,
    api: &str,
    statement: &str,
) -> Edit {
    let is_import = |it: &Stmt| matches!(it, Stmt::Import(_) | Stmt::ImportFrom(_));
    let blocks = tree.body.iter().filter_map(Stmt::as_with_stmt);
    let mut blocks = blocks.filter(|it| it.body.iter().all(is_import));
    if let Some(last) = blocks.next().and_then(|it| it.body.last()) {
        return below(file, source, last, &format!("{statement}\n"));
    }
    let block = format!("with {api}.unsafe.imports_passed_through():\n    {statement}\n");
    // Some import what they need in a block, below which it is there.
    let binds = |it: &&Stmt| match it {
        Stmt::If(_) | Stmt::Try(_) | Stmt::With(_) => nodes_of(std::slice::from_ref(*it))
            .iter()
            .any(|node| match node {
                Node::Stmt(Stmt::ImportFrom(it)) => it
                    .names
                    .iter()
                    .any(|it| it.asname.as_ref().unwrap_or(&it.name).as_str() == api),
                _ => false,
            }),
        _ => false,
    };
    match tree.body.iter().rfind(binds) {
        Some(last) => below(file, source, last, &format!("\n{block}")),
        None => after_imports(file, source, tree, &block),
    }
}

/// The edit that adds an import in the line below another one.
pub(crate) fn below(file: FileId, source: &SourceFile, import: &Stmt, statement: &str) -> Edit {
    let start = span_of(import).start;
    let line = source.line_span(source.line(start));
    let before = source.slice(Span::new(line.start, start));
    let indent = &before[..before.len() - before.trim_start().len()];
    let at = end_of_line(source, span_of(import).end);
    let gap = break_before(source, at);
    insertion(file, at, format!("{gap}{indent}{statement}"))
}

fn last_import(tree: &ast::ModModule) -> Option<&Stmt> {
    let head = tree
        .body
        .iter()
        .take_while(|it| matches!(it, Stmt::Expr(_) | Stmt::Import(_) | Stmt::ImportFrom(_)));
    head.last()
}

fn insertion(file: FileId, at: u32, replacement: String) -> Edit {
    Edit {
        place: Place {
            file,
            span: Span::new(at, at),
        },
        replacement,
    }
}

/// Whether a name is imported only for type checkers, below `if TYPE_CHECKING:`. The code that runs
/// does not have it.
pub(crate) fn is_for_types_alone(tree: &ast::ModModule, name: &str) -> bool {
    let is_guard = |test: &ast::Expr| match test {
        ast::Expr::Name(it) => it.id.as_str() == "TYPE_CHECKING",
        ast::Expr::Attribute(it) => it.attr.as_str() == "TYPE_CHECKING",
        _ => false,
    };
    let binds = |statement: &&Stmt| {
        let names = match statement {
            Stmt::Import(it) => &it.names,
            Stmt::ImportFrom(it) => &it.names,
            _ => return false,
        };
        let bound = |it: &ast::Alias| it.asname.as_ref().unwrap_or(&it.name).as_str() == name;
        names.iter().any(bound)
    };
    let guarded = tree.body.iter().filter_map(Stmt::as_if_stmt);
    let mut guarded = guarded.filter(|it| is_guard(&it.test));
    guarded.any(|it| it.body.iter().any(|it| binds(&it)))
}

/// How a member of a package is written where `import package.member` makes it known.
pub(crate) fn as_module(tree: &ast::ModModule, wanted: Wanted<'_>) -> Option<String> {
    let dotted = format!("{}.{}", wanted.module, wanted.name?);
    let imports = |it: &Stmt| match it {
        Stmt::Import(it) => it
            .names
            .iter()
            .any(|it| it.asname.is_none() && it.name.as_str() == dotted),
        _ => false,
    };
    let mut statements = import_statements(tree).into_iter();
    statements
        .any(|(_, it)| imports(it))
        .then_some(dotted.clone())
}

/// The imports at the top of a new file.
pub(crate) fn header(needed: &[Wanted<'_>]) -> String {
    let mut sorted = needed.to_vec();
    sorted.sort_by_key(|it| (!it.is_stdlib(), it.name.is_some(), it.module, it.name));
    sorted.dedup();
    let mut text = String::new();
    let mut before: Option<Wanted<'_>> = None;
    for wanted in sorted {
        if before.is_some_and(|it| it.is_stdlib() && !wanted.is_stdlib()) {
            text.push('\n');
        }
        text.push_str(&format!("{}\n", wanted.statement()));
        before = Some(wanted);
    }
    text
}

fn comes_from(import: &ast::StmtImportFrom, module: &str) -> bool {
    let is_star = import.names.iter().any(|it| it.name.as_str() == "*");
    let is_it = import
        .module
        .as_ref()
        .is_some_and(|it| it.as_str() == module);
    import.level == 0 && is_it && !is_star
}

/// The `from` imports that stand at the left margin.
fn plain_imports(tree: &ast::ModModule) -> impl Iterator<Item = &ast::StmtImportFrom> {
    tree.body.iter().filter_map(|it| match it {
        Stmt::ImportFrom(import) => Some(import),
        _ => None,
    })
}

/// The edit that imports names in place of another one.
pub(crate) fn exchanged(
    file: FileId,
    source: &SourceFile,
    import: &ast::StmtImportFrom,
    at: usize,
    names: &[&str],
) -> Edit {
    in_order(file, source, import, at..at + 1, names)
        .or_else(|| grown(file, source, import, at..at + 1, names))
        .unwrap_or_else(|| Edit {
            place: Place {
                file,
                span: span_of(&import.names[at]),
            },
            replacement: names.join(", "),
        })
}

/// The import with more names in their order, if it has one. The names take the place of those in the
/// range.
fn in_order(
    file: FileId,
    source: &SourceFile,
    import: &ast::StmtImportFrom,
    range: Range<usize>,
    names: &[&str],
) -> Option<Edit> {
    let is_sorted = import.names.is_sorted_by_key(|it| rank(it.name.as_str()));
    let whole = span_of(import);
    let text = source.slice(whole);
    let line = source.line_span(source.line(whole.start));
    let indent = source.slice(Span::new(line.start, whole.start));
    if !is_sorted || text.contains(['#', '\\']) || !indent.trim().is_empty() {
        return None;
    }
    let known = import.names.iter().map(|it| source.slice(span_of(it)));
    let mut all: Vec<&str> = known.collect();
    all.splice(range, names.iter().copied());
    all.sort_by_key(|it| rank(it.split(' ').next().unwrap_or_default()));
    let first = span_of(import.names.first()?).start;
    let last = span_of(import.names.last()?).end;
    let head = source.slice(Span::new(whole.start, first));
    let short = all.join(", ");
    let width = indent.len() + head.len() + short.len() + usize::from(head.contains('('));
    if !text.contains(['\n', '\r']) && width <= WIDTH {
        return Some(Edit {
            place: Place {
                file,
                span: Span::new(first, last),
            },
            replacement: short,
        });
    }
    let lines = all.iter().map(|it| format!("{indent}    {it},\n"));
    let opening = head.find('(').unwrap_or(head.len()) as u32;
    Some(Edit {
        place: Place {
            file,
            span: Span::new(whole.start + opening, whole.end),
        },
        replacement: format!("(\n{}{indent})", lines.collect::<String>()),
    })
}

/// The import with more names in lines of their own, where it would be too long in one line. The
/// names take the place of those in the range.
fn grown(
    file: FileId,
    source: &SourceFile,
    import: &ast::StmtImportFrom,
    range: Range<usize>,
    names: &[&str],
) -> Option<Edit> {
    let whole = span_of(import);
    let (first, last) = (
        span_of(import.names.first()?),
        span_of(import.names.last()?),
    );
    let text = source.slice(whole);
    let longer = names.iter().map(|it| it.len() + 2).sum::<usize>();
    let line = source.line_span(source.line(whole.start));
    let indent = source.slice(Span::new(line.start, whole.start));
    let is_line = !text.contains(['\n', '\r', '#', '\\']) && indent.trim().is_empty();
    if !is_line || indent.len() + text.len() + longer <= WIDTH {
        return None;
    }
    let known = import.names.iter().map(|it| source.slice(span_of(it)));
    let mut all: Vec<&str> = known.collect();
    all.splice(range, names.iter().copied());
    let lines = all.iter().map(|it| format!("\n{indent}    {it},"));
    let lines: String = lines.collect();
    let replacement = match text.contains('(') {
        true => format!("{lines}\n{indent}"),
        false => format!("({lines}\n{indent})"),
    };
    let span = Span::new(first.start, last.end);
    Some(Edit {
        place: Place { file, span },
        replacement,
    })
}

/// The order in which sorters of imports put names: constants, classes, others.
fn rank(name: &str) -> (u8, String) {
    let has_lower = name.chars().any(char::is_lowercase);
    let kind = match name.chars().next() {
        Some(first) if first.is_uppercase() && has_lower => 1,
        Some(first) if first.is_uppercase() => 0,
        _ => 2,
    };
    (kind, name.to_lowercase())
}

/// The index of the name before which another one goes.
fn place_for(import: &ast::StmtImportFrom, name: &str) -> usize {
    let mut names = import.names.iter();
    let next = names.position(|it| rank(it.name.as_str()) > rank(name));
    next.unwrap_or(import.names.len())
}

/// What to insert, and where, for one more name before the one at the index.
fn merge(
    source: &SourceFile,
    import: &ast::StmtImportFrom,
    at: usize,
    name: &str,
) -> (u32, String) {
    let own_line = |at: u32| {
        let line = source.line_span(source.line(at));
        let before = source.slice(Span::new(line.start, at));
        before.trim().is_empty().then(|| before.to_owned())
    };
    match (import.names.get(at), import.names.last()) {
        (Some(next), _) => {
            let at = span_of(next).start;
            match own_line(at) {
                Some(indent) => (at, format!("{name},\n{indent}")),
                None => (at, format!("{name}, ")),
            }
        }
        (None, Some(last)) => {
            let span = span_of(last);
            match own_line(span.start) {
                Some(indent) => (span.end, format!(",\n{indent}{name}")),
                None => (span.end, format!(", {name}")),
            }
        }
        (None, None) => (span_of(import).end, format!(" {name}")),
    }
}

/// A line of its own among the imports at the start of the file: those of the standard library
/// first, then the others.
fn new_line(source: &SourceFile, tree: &ast::ModModule, wanted: Wanted<'_>) -> (u32, String) {
    let statement = wanted.statement();
    let is_future =
        |it: &&Stmt| matches!(it, Stmt::ImportFrom(import) if comes_from(import, "__future__"));
    let is_docstring =
        |it: &&Stmt| matches!(it, Stmt::Expr(it) if it.value.is_string_literal_expr());
    let body = &tree.body;
    let head = body
        .iter()
        .take_while(|it| is_docstring(it) || is_future(it));
    let head: Vec<&Stmt> = head.collect();
    let imports: Vec<&Stmt> = body[head.len()..]
        .iter()
        .take_while(|it| matches!(it, Stmt::Import(_) | Stmt::ImportFrom(_)))
        .collect();
    let starts_line = |it: &&&Stmt| {
        let span = span_of(**it);
        span.start == source.line_span(source.line(span.start)).start
    };
    let alike: Vec<&Stmt> = imports
        .iter()
        .filter(starts_line)
        .copied()
        .filter(|it| is_local_or_third_party(it) != wanted.is_stdlib())
        .collect();
    let after = |it: &Stmt| end_of_line(source, span_of(it).end);
    let order = |it: &Stmt| sort_key(it);
    let own = (wanted.name.is_some(), wanted.module.to_owned());
    if let Some(next) = alike.iter().find(|it| order(it) > own) {
        return (span_of(*next).start, format!("{statement}\n"));
    }
    if let Some(last) = alike.last() {
        return (
            after(last),
            format!("{}{statement}\n", break_before(source, after(last))),
        );
    }
    if !wanted.is_stdlib()
        && let Some(last) = imports.last()
    {
        let at = after(last);
        return (at, format!("{}\n{statement}\n", break_before(source, at)));
    }
    if let Some(first) = imports.iter().find(starts_line) {
        return (span_of(*first).start, format!("{statement}\n\n"));
    }
    match head.last() {
        Some(last) => {
            let at = after(last);
            (at, format!("{}\n{statement}\n", break_before(source, at)))
        }
        None => (start_of_code(source, tree), format!("{statement}\n")),
    }
}

/// Comments at the top of a file, as its licence and its encoding, stay there.
fn start_of_code(source: &SourceFile, tree: &ast::ModModule) -> u32 {
    let first = tree.body.first().map_or(0, |it| span_of(it).start);
    source.line_span(source.line(first)).start
}

fn sort_key(statement: &Stmt) -> (bool, String) {
    match statement {
        Stmt::Import(it) => (
            false,
            it.names
                .first()
                .map_or_else(String::new, |it| it.name.to_string()),
        ),
        Stmt::ImportFrom(it) => (
            true,
            it.module
                .as_ref()
                .map_or_else(String::new, ToString::to_string),
        ),
        _ => (true, String::new()),
    }
}

/// Whether a sorter of imports would put it below those of the standard library.
fn is_local_or_third_party(statement: &Stmt) -> bool {
    if let Stmt::ImportFrom(it) = statement
        && it.level > 0
    {
        return true;
    }
    !is_stdlib(&sort_key(statement).1)
}

fn is_stdlib(module: &str) -> bool {
    let top = module.split('.').next().unwrap_or_default();
    crate::catalogue::TABLES.stdlib.binary_search(&top).is_ok()
}

/// The start of the line below.
fn end_of_line(source: &SourceFile, at: u32) -> u32 {
    source.whole_lines(Span::new(at, at)).end
}

/// The last line of a file may lack its break.
fn break_before(source: &SourceFile, at: u32) -> &'static str {
    let before = &source.text[..at as usize];
    if before.is_empty() || before.ends_with(['\r', '\n']) {
        ""
    } else {
        "\n"
    }
}

/// The imports at module level, also those in a `with` block, each with its block.
pub(crate) fn import_statements(tree: &ast::ModModule) -> Vec<(&[Stmt], &Stmt)> {
    let mut found = Vec::new();
    for statement in &tree.body {
        match statement {
            Stmt::Import(_) | Stmt::ImportFrom(_) => found.push((&tree.body[..], statement)),
            Stmt::With(with) => {
                let imports = with
                    .body
                    .iter()
                    .filter(|it| matches!(it, Stmt::Import(_) | Stmt::ImportFrom(_)));
                found.extend(imports.map(|it| (&with.body[..], it)));
            }
            _ => {}
        }
    }
    found
}

/// The imports of a `try` at module level, with which the file does without what is not installed.
pub(crate) fn tried_imports(tree: &ast::ModModule) -> impl Iterator<Item = &Stmt> {
    let tried = tree.body.iter().filter_map(|it| it.as_try_stmt());
    let statements = tried.flat_map(|it| &it.body);
    statements.filter(|it| matches!(it, Stmt::Import(_) | Stmt::ImportFrom(_)))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FILE, after};
    use super::*;

    #[test]
    fn more_names_keep_the_order_that_there_is() {
        for (before, expected) in [
            (
                "from .a import alpha, delta\n",
                "from .a import Beta, alpha, cee, delta\n",
            ),
            (
                "from .a import delta, alpha\n",
                "from .a import delta, alpha, cee, Beta\n",
            ),
            (
                "from .a import (\n    alpha,  # first\n    delta,\n)\n",
                "from .a import (\n    alpha,  # first\n    delta,\n    cee,\n    Beta,\n)\n",
            ),
            (
                "from .b import alpha\nfrom .c import delta\n",
                "from .a import Beta, cee\nfrom .b import alpha\nfrom .c import delta\n",
            ),
            (
                "from .c import delta\nfrom .b import alpha\n",
                "from .c import delta\nfrom .b import alpha\nfrom .a import Beta, cee\n",
            ),
            (
                "from .a import (alpha,\n    delta as d)\n",
                "from .a import (\n    Beta,\n    alpha,\n    cee,\n    delta as d,\n)\n",
            ),
        ] {
            let text = after(before, |project, source| {
                let tree = project.module(FILE).expect("a module").tree();
                vec![import_sibling(FILE, source, tree, "a", &["cee", "Beta"])]
            });
            assert_eq!(text, expected);
        }
    }

    #[test]
    fn an_import_is_merged_or_gets_its_own_line() {
        const RUNBOOK: Wanted<'_> = Wanted::from("ntro.workflow", "runbook");
        const ASYNCIO: Wanted<'_> = Wanted {
            module: "asyncio",
            name: None,
        };
        for (wanted, before, expected) in [
            (
                RUNBOOK,
                "from ntro.workflow import NtroWorkflow\n",
                "from ntro.workflow import NtroWorkflow, runbook\n",
            ),
            (
                RUNBOOK,
                "from ntro.workflow import (\n    NtroWorkflow,\n    activity,\n)\n",
                "from ntro.workflow import (\n    NtroWorkflow,\n    activity,\n    runbook,\n)\n",
            ),
            (
                RUNBOOK,
                "import time\n\nfrom x import y\nx = 1\n",
                "import time\n\nfrom ntro.workflow import runbook\nfrom x import y\nx = 1\n",
            ),
            (
                RUNBOOK,
                "\"\"\"Doc.\"\"\"\nx = 1\n",
                "\"\"\"Doc.\"\"\"\n\nfrom ntro.workflow import runbook\nx = 1\n",
            ),
            (
                RUNBOOK,
                "import time",
                "import time\n\nfrom ntro.workflow import runbook\n",
            ),
            (
                ASYNCIO,
                "from __future__ import annotations\n\nimport time\n",
                "from __future__ import annotations\n\nimport asyncio\nimport time\n",
            ),
            (
                ASYNCIO,
                "from temporalio import workflow\n",
                "import asyncio\n\nfrom temporalio import workflow\n",
            ),
            (
                Wanted::from("a.module", "another_name"),
                "from a.module import some_name, some_other_name, yet_another_name, the_last_name\n",
                "from a.module import (\n    another_name,\n    some_name,\n    some_other_name,\n    \
                 yet_another_name,\n    the_last_name,\n)\n",
            ),
            (
                ASYNCIO,
                "# coding: utf-8\nx = 1\n",
                "# coding: utf-8\nimport asyncio\nx = 1\n",
            ),
        ] {
            let text = after(before, |project, source| {
                let tree = project.module(FILE).expect("a module").tree();
                vec![import(FILE, source, tree, wanted)]
            });
            assert_eq!(text, expected);
        }
    }
}
