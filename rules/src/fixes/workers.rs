//! Workers run the activities that they are given in a list.

use lint_core::diagnostic::{Edit, FileId, Place, Span};
use lint_core::facts::{Facade, Facts, Workflow};
use lint_core::index::{MODULE_BODY, Module};
use lint_core::names::{Names, Resolved};
use lint_core::project::Project;
use lint_core::source::SourceFile;
use lint_core::syntax::ast::visitor::{Visitor, walk_expr};
use lint_core::syntax::ast::{self, Expr, Stmt};
use lint_core::syntax::span_of;

use super::home::{Home, imported_from, sibling};
use super::imports;
use super::signature::inserted;
use crate::program::{Node, own_nodes};
use crate::rule::Context;

/// An activity that a workflow is to schedule.
#[derive(Clone, Copy)]
pub(super) struct New<'n> {
    pub(super) name: &'n str,
    /// What stands before its name in the workflow's file, which imports it by now.
    pub(super) prefix: &'n str,
    /// Whether it was there before.
    pub(super) is_there: bool,
}

/// Adds an activity to the workers that run the workflow, and says whether all of them have it then.
pub(super) fn registered(
    cx: &Context<'_>,
    workflow: &Workflow,
    home: &Home,
    activity: New<'_>,
    edits: &mut Vec<Edit>,
) -> bool {
    // Workers of bundles register what is in the file.
    if workflow.facade != Facade::Temporal {
        return true;
    }
    let more = register(cx, home, workflow.place, activity, edits);
    let all: Option<Vec<Vec<Edit>>> = more.iter().cloned().collect();
    let is_registered = activity.is_there || all.is_some_and(|it| !it.is_empty());
    let mut more: Vec<Edit> = more.into_iter().flatten().flatten().collect();
    more.sort();
    more.dedup();
    edits.extend(more);
    is_registered
}

/// For each worker that runs the workflow, the edits that give it the activity.
fn register(
    cx: &Context<'_>,
    home: &Home,
    workflow: Place,
    new: New<'_>,
    edits: &[Edit],
) -> Vec<Option<Vec<Edit>>> {
    let project = cx.facts.project;
    let (files, names) = cx.workers();
    let mut more = Vec::new();
    for &file in files {
        let Some(module) = project.module(file) else {
            continue;
        };
        let mut calls = Calls(Vec::new());
        calls.visit_body(&module.tree().body);
        for call in calls.0 {
            let worker = Worker::of(names, file, module, call);
            let Some(worker) = worker.filter(|it| it.runs(cx.facts, workflow)) else {
                continue;
            };
            let list = worker
                .list(project)
                .filter(|it| !it.is_made_before(new, edits));
            more.push(list.and_then(|list| match list.file == workflow.file {
                true => Some(vec![
                    list.with(project, &format!("{}{}", new.prefix, new.name))?,
                ]),
                false => added(cx, names, list, home, new.name),
            }));
        }
    }
    more
}

/// What is left to do if no worker could be told.
pub(super) fn to_do(is_registered: bool, activity: &str) -> Option<String> {
    (!is_registered).then(|| format!("register the activity `{activity}` with the worker"))
}

/// The same at the end of a title.
pub(super) fn and_register(to_do: Option<&String>) -> &'static str {
    match to_do {
        None => "",
        Some(_) => ", and register it with the worker",
    }
}

struct Calls<'p>(Vec<&'p ast::ExprCall>);

impl<'p> Visitor<'p> for Calls<'p> {
    fn visit_expr(&mut self, expression: &'p Expr) {
        if let Expr::Call(call) = expression
            && call.arguments.find_keyword("workflows").is_some()
        {
            self.0.push(call);
        }
        walk_expr(self, expression);
    }
}

struct Worker<'n, 'p> {
    names: &'n Names<'p>,
    file: FileId,
    module: &'p Module,
    call: &'p ast::ExprCall,
}

/// The list that a worker is given, and where it is written.
struct List<'p> {
    file: FileId,
    module: &'p Module,
    list: &'p ast::ExprList,
}

impl<'n, 'p> Worker<'n, 'p> {
    fn of(
        names: &'n Names<'p>,
        file: FileId,
        module: &'p Module,
        call: &'p ast::ExprCall,
    ) -> Option<Self> {
        let worker = Self {
            names,
            file,
            module,
            call,
        };
        let class = worker.resolve(&call.func)?;
        (class.external() == Some("temporalio.worker.Worker")).then_some(worker)
    }

    fn resolve(&self, expr: &Expr) -> Option<Resolved> {
        let function = self.module.index().function_containing(span_of(expr).start);
        self.names.resolve(self.file, function, expr)
    }

    fn runs(&self, facts: &Facts<'_>, workflow: Place) -> bool {
        let given = self.given("workflows");
        let Some(Expr::List(list)) = given.map(|it| self.written(it).unwrap_or(it)) else {
            return false;
        };
        let is_it = |it: &Expr| match self.resolve(it) {
            Some(Resolved::Class { file, ix }) => {
                let index = facts.project.module(file).map(Module::index);
                let name = index.map(|index| span_of(&index.class(ix).node.name));
                file == workflow.file && name == Some(workflow.span)
            }
            _ => false,
        };
        list.elts.iter().any(is_it)
    }

    fn given(&self, name: &str) -> Option<&'p Expr> {
        Some(&self.call.arguments.find_keyword(name)?.value)
    }

    /// What the function around the call sets a variable of its own to, once.
    fn written(&self, given: &Expr) -> Option<&'p Expr> {
        let name = given.as_name_expr()?;
        let index = self.module.index();
        let function = index.function(index.function_containing(span_of(given).start));
        let mut stores = own_nodes(Some(function)).filter_map(|node| match node {
            Node::Stmt(Stmt::Assign(it)) => {
                let is_it = it.targets.iter().any(|it| is_name(it, &name.id));
                is_it.then_some(&*it.value)
            }
            Node::Stmt(Stmt::AnnAssign(it)) if is_name(&it.target, &name.id) => it.value.as_deref(),
            _ => None,
        });
        let value = stores.next()?;
        stores.next().is_none().then_some(value)
    }

    fn list(&self, project: &'p Project<'p>) -> Option<List<'p>> {
        let given = self.given("activities")?;
        let (file, module, value) = match self.resolve(given) {
            Some(Resolved::Variable { file, name }) => {
                let module = project.module(file)?;
                (file, module, self.names.value(file, &name)?)
            }
            _ => (self.file, self.module, self.written(given).unwrap_or(given)),
        };
        let list = value.as_list_expr()?;
        Some(List { file, module, list })
    }
}

impl List<'_> {
    /// Whether the list is made when the activity is not defined yet.
    fn is_made_before(&self, new: New<'_>, edits: &[Edit]) -> bool {
        let at = span_of(self.list).start;
        let definition = format!("def {}(", new.name);
        let defines =
            |it: &&Edit| it.place.file == self.file && it.replacement.contains(&definition);
        let is_at_import = self.module.index().function_containing(at) == MODULE_BODY;
        let made = edits.iter().find(defines);
        is_at_import && made.is_some_and(|it| at < it.place.span.start)
    }

    /// The edit that adds an element.
    fn with(&self, project: &Project<'_>, element: &str) -> Option<Edit> {
        let source = project.source(self.file)?;
        let in_one_line = || {
            let last = self.list.elts.last().map(span_of);
            let (span, replacement) = inserted(source, span_of(self.list), last, &[element]);
            edit(self.file, span, replacement)
        };
        Some(in_lines(source, self, element).unwrap_or_else(in_one_line))
    }
}

/// One more element of a list, named as the others are.
fn added(
    cx: &Context<'_>,
    names: &Names<'_>,
    it: List<'_>,
    home: &Home,
    name: &str,
) -> Option<Vec<Edit>> {
    let project = cx.facts.project;
    let source = project.source(it.file)?;
    if home.file == Some(it.file) {
        return Some(vec![it.with(project, name)?]);
    }
    let function = |expr: &Expr| it.module.index().function_containing(span_of(expr).start);
    let list_file = it.file;
    let is_of_home = |expr: &&Expr| match expr {
        Expr::Attribute(it) => {
            let module = names.resolve(list_file, function(expr), &it.value);
            home.file
                .is_some_and(|file| module == Some(Resolved::Module(file)))
        }
        _ => false,
    };
    if let Some(Expr::Attribute(like)) = it.list.elts.iter().find(is_of_home) {
        let module = source.slice(span_of(&*like.value));
        return Some(vec![it.with(project, &format!("{module}.{name}"))?]);
    }
    let import = match home.file.and_then(|file| imported_from(cx, it.file, file)) {
        Some(statement) => imports::beside(it.file, source, statement, &[name]),
        None => {
            let (module, like) = sibling(cx, it.file, &home.key)?;
            let statement = format!("from {module} import {name}\n");
            match like {
                Some(like) => imports::below(it.file, source, like, &statement),
                None => imports::after_imports(it.file, source, it.module.tree(), &statement),
            }
        }
    };
    Some(vec![import, it.with(project, name)?])
}

/// The list with one more element in lines of their own, where it would be too long in one line.
fn in_lines(source: &SourceFile, it: &List<'_>, element: &str) -> Option<Edit> {
    const WIDTH: usize = 88;
    let whole = span_of(it.list);
    let line = source.line_span(source.line(whole.start));
    let text = source.slice(line).trim_end();
    let is_line = whole.end <= line.end && !text.contains(['#', '\\']);
    if !is_line || text.len() + element.len() + 2 <= WIDTH {
        return None;
    }
    let indent = &text[..text.len() - text.trim_start().len()];
    let known = it.list.elts.iter().map(|it| source.slice(span_of(it)));
    let lines = known
        .chain([element])
        .map(|it| format!("{indent}    {it},\n"));
    let replacement = format!("[\n{}{indent}]", lines.collect::<String>());
    Some(edit(it.file, whole, replacement))
}

fn is_name(expr: &Expr, name: &str) -> bool {
    matches!(expr, Expr::Name(it) if it.id.as_str() == name)
}

fn edit(file: FileId, span: Span, replacement: String) -> Edit {
    Edit {
        place: Place { file, span },
        replacement,
    }
}
