//! Where a fix is made: the expression of a culprit with everything around it.

use std::collections::{BTreeMap, BTreeSet};

use lint_core::diagnostic::{Edit, FileId, Place, Span};
use lint_core::facts::{Facade, FunctionRef, Hazard};
use lint_core::index::{FunctionIx, FunctionNode, MODULE_BODY, Module};
use lint_core::names::{Bound, Names, Resolved};
use lint_core::project::Project;
use lint_core::source::SourceFile;
use lint_core::syntax::ast::visitor::{Visitor, walk_expr, walk_stmt};
use lint_core::syntax::ast::{self, Expr, Stmt};
use lint_core::syntax::{span_of, statement_around};

use super::imports::{self, Wanted};
use super::own::{is_run_by_workflows_alone, runs_only_in_workflows};
use crate::rule::Context;

/// The expression of a culprit.
pub(crate) struct Site<'c, 'p> {
    pub(crate) names: &'c Names<'p>,
    pub(crate) file: FileId,
    pub(crate) source: &'p SourceFile,
    pub(crate) module: &'p Module,
    pub(crate) function: FunctionIx,
    pub(crate) facade: Facade,
    pub(crate) expr: &'p Expr,
    /// The expressions around it, innermost last.
    pub(crate) around: Vec<&'p Expr>,
    /// The statement that it is part of.
    pub(crate) statement: &'p Stmt,
    /// The statements of its function that have it in them, innermost last.
    pub(crate) blocks: Vec<&'p Stmt>,
}

/// What becomes of an error that an expression raises, the harmless first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Errors {
    /// It leaves the function.
    Leave,
    /// All errors are caught, whatever they are.
    Caught,
    /// Some are told from others.
    Told,
}

impl<'c, 'p> Site<'c, 'p> {
    /// The culprit of a hazard, if it stands in the code of the workflow itself, or in a function
    /// that can only run in workflows. What a handler does that is not replayed, its author may
    /// mean.
    pub(crate) fn of(cx: &'c Context<'p>, hazard: &Hazard, facade: Facade) -> Option<Self> {
        if hazard.read_only || hazard.may_fill {
            return None;
        }
        let Some(last) = hazard.trace.last() else {
            let site = Self::at(cx, hazard.place, facade)?;
            return is_run_by_workflows_alone(cx, site.function_ref()).then_some(site);
        };
        let site = Self::at(cx, last.place, facade)?;
        runs_only_in_workflows(cx, site.function_ref()).then_some(site)
    }

    /// The expression at a place, if it is evaluated when the function around it runs.
    pub(crate) fn at(cx: &'c Context<'p>, place: Place, facade: Facade) -> Option<Self> {
        Self::among(cx.names(), cx.facts.project, place, facade)
    }

    /// The same, with what names mean in some files.
    pub(crate) fn among(
        names: &'c Names<'p>,
        project: &'p Project<'p>,
        place: Place,
        facade: Facade,
    ) -> Option<Self> {
        let (file, span) = (place.file, place.span);
        let module = project
            .module(file)
            .filter(|_| !project.is_installed(file))?;
        let mut finder = Finder {
            span,
            around: Vec::new(),
            statement: None,
            blocks: Vec::new(),
            found: None,
        };
        finder.visit_body(&module.tree().body);
        let (expr, around, statement) = finder.found?;
        let blocks = finder.blocks;
        let function = module.index().function_containing(span.start);
        let site = Self {
            names,
            file,
            source: project.source(file)?,
            module,
            function,
            facade,
            expr,
            around,
            statement,
            blocks,
        };
        let body = match module.index().function(function).node {
            FunctionNode::Module(_) => return None,
            FunctionNode::Def(def) => Span::new(
                span_of(def.body.first()?).start,
                span_of(def.body.last()?).end,
            ),
            FunctionNode::Lambda(lambda) => span_of(&*lambda.body),
        };
        (body.contains(span)).then_some(site)
    }

    pub(crate) fn text(&self, node: &Expr) -> &'p str {
        self.source.slice(span_of(node))
    }

    pub(crate) fn resolve(&self, expr: &Expr) -> Option<Resolved> {
        self.names.resolve(self.file, self.function, expr)
    }

    /// The dotted name of what an expression refers to outside the project.
    pub(crate) fn external(&self, expr: &Expr) -> Option<String> {
        match self.resolve(expr)? {
            Resolved::External(name) => Some(name),
            _ => None,
        }
    }

    /// The call that is the culprit, with the dotted name of what it calls.
    pub(crate) fn call(&self) -> Option<(&'p ast::ExprCall, String)> {
        let Expr::Call(call) = self.expr else {
            return None;
        };
        Some((call, self.external(&call.func)?))
    }

    /// The method of the workflow API under the facade that the workflow is written with.
    pub(crate) fn api(&self) -> Option<Bind> {
        self.bind(match self.facade {
            Facade::Temporal => Wanted::from("temporalio", "workflow"),
            Facade::Runbook => Wanted::from("ntro.workflow", "runbook"),
            Facade::Other => return None,
        })
    }

    /// How to write something from outside the project here: a name that stands for it, or what an
    /// import would bind. `None` where that name means something else.
    pub(crate) fn bind(&self, wanted: Wanted<'_>) -> Option<Bind> {
        bind(
            self.names,
            self.module,
            self.source,
            (self.file, self.function),
            wanted,
        )
    }

    pub(crate) fn is_shadowed(&self, name: &str) -> bool {
        is_shadowed(self.module, self.function, name)
    }

    pub(crate) fn function_ref(&self) -> FunctionRef {
        FunctionRef {
            file: self.file,
            ix: self.function,
        }
    }

    /// Whether the function around it is `async`.
    pub(crate) fn is_async(&self) -> bool {
        let function = self.module.index().function(self.function);
        function.node.is_async()
    }

    /// What becomes of an error, here and in the code that calls the function.
    pub(crate) fn errors(&self, cx: &Context<'p>) -> Errors {
        let mut worst = self.errors_here();
        let mut seen = BTreeSet::from([self.function_ref()]);
        let mut pending = vec![self.function_ref()];
        while let Some(function) = pending.pop() {
            let callers = cx.callers(function).iter();
            for caller in callers.filter_map(|it| Site::at(cx, *it, self.facade)) {
                worst = worst.max(caller.errors_here());
                if seen.insert(caller.function_ref()) {
                    pending.push(caller.function_ref());
                }
            }
        }
        worst
    }

    fn errors_here(&self) -> Errors {
        let caught = self.blocks.iter().flat_map(|block| match block {
            Stmt::Try(it) if it.body.iter().any(|it| self.is_in(it)) => {
                let handlers = it.handlers.iter().map(|it| {
                    let ast::ExceptHandler::ExceptHandler(handler) = it;
                    handler.type_.as_deref()
                });
                handlers.collect()
            }
            Stmt::With(it) if it.body.iter().any(|it| self.is_in(it)) => self.suppressed(it),
            _ => Vec::new(),
        });
        let is_all = |it: &Expr| {
            let name = self.external(it);
            matches!(name.as_deref(), Some("Exception" | "BaseException"))
        };
        let of_one = caught.map(|it| match it.is_none_or(is_all) {
            true => Errors::Caught,
            false => Errors::Told,
        });
        of_one.max().unwrap_or(Errors::Leave)
    }

    fn is_in(&self, statement: &Stmt) -> bool {
        let (outer, own) = (span_of(statement), span_of(self.expr));
        outer.contains(own)
    }

    /// What `with suppress(…):` catches.
    fn suppressed(&self, with: &'p ast::StmtWith) -> Vec<Option<&'p Expr>> {
        let calls = with
            .items
            .iter()
            .filter_map(|it| it.context_expr.as_call_expr());
        let calls =
            calls.filter(|it| self.external(&it.func).as_deref() == Some("contextlib.suppress"));
        calls
            .flat_map(|it| it.arguments.args.iter().map(Some))
            .collect()
    }

    pub(crate) fn is_in_comprehension(&self) -> bool {
        self.around.iter().any(|expr| {
            matches!(
                expr,
                Expr::Generator(_) | Expr::ListComp(_) | Expr::SetComp(_) | Expr::DictComp(_)
            )
        })
    }

    /// Whether `await` may stand here.
    pub(crate) fn can_await(&self) -> bool {
        self.is_async() && !self.is_in_comprehension()
    }

    /// An awaited expression in place of this one.
    pub(crate) fn awaited(&self, call: &str, parent: Option<&Expr>) -> String {
        if self.binds_tighter(parent) {
            format!("(await {call})")
        } else {
            format!("await {call}")
        }
    }

    /// Whether what is around the expression binds its operand tighter than `await`.
    pub(crate) fn binds_tighter(&self, parent: Option<&Expr>) -> bool {
        match parent {
            Some(Expr::Attribute(_) | Expr::Subscript(_) | Expr::Await(_)) => true,
            Some(Expr::Call(it)) => {
                let func = span_of(&*it.func);
                let own = span_of(self.expr);
                func.contains(own)
            }
            Some(Expr::BinOp(it)) => it.op == ast::Operator::Pow,
            _ => false,
        }
    }

    /// A call in one line, or in several where it would be too long. `from` is where it stands, and
    /// `before` what else comes before it there.
    pub(crate) fn laid_out(
        &self,
        from: u32,
        before: usize,
        callee: &str,
        arguments: &[String],
    ) -> String {
        const WIDTH: usize = 88;
        let line = self.source.line_span(self.source.line(from));
        let text = self.source.slice(Span::new(line.start, from));
        let short = format!("{callee}({})", arguments.join(", "));
        let width = text.chars().count() + before + short.chars().count();
        let in_string = self.around.iter().any(|it| it.is_f_string_expr());
        if width <= WIDTH || in_string {
            return short;
        }
        let indent = &text[..text.len() - text.trim_start().len()];
        let inner = arguments.join(", ");
        if indent.len() + 4 + inner.chars().count() <= WIDTH {
            return format!("{callee}(\n{indent}    {inner}\n{indent})");
        }
        let lines = arguments.iter().map(|it| format!("{indent}    {it},\n"));
        format!("{callee}(\n{}{indent})", lines.collect::<String>())
    }

    pub(crate) fn edit(&self, span: Span, replacement: impl Into<String>) -> Edit {
        Edit {
            place: Place {
                file: self.file,
                span,
            },
            replacement: replacement.into(),
        }
    }
}

/// A name for something from outside the project in a function, and the import that it needs.
pub(crate) fn bind(
    names: &Names<'_>,
    module: &Module,
    source: &SourceFile,
    (file, function): (FileId, FunctionIx),
    wanted: Wanted<'_>,
) -> Option<Bind> {
    let dotted = match wanted.name {
        Some(name) => format!("{}.{name}", wanted.module),
        None => wanted.module.to_owned(),
    };
    let mut known = names.names_of(file, &Resolved::External(dotted));
    let is_usable = |name: &&str| {
        let is_there = !imports::is_for_types_alone(module.tree(), name);
        is_there && !is_shadowed(module, function, name)
    };
    if let Some(name) = known.find(is_usable) {
        let name = name.to_owned();
        return Some(Bind { name, edit: None });
    }
    if let Some(name) = imports::as_module(module.tree(), wanted)
        && !is_shadowed(module, function, wanted.module)
    {
        return Some(Bind { name, edit: None });
    }
    let name = wanted.bound();
    let is_free = names.is_bound(file, MODULE_BODY, name) == Bound::No
        && !is_shadowed(module, function, name);
    is_free.then(|| Bind {
        name: name.to_owned(),
        edit: Some(imports::import(file, source, module.tree(), wanted)),
    })
}

/// Whether a function around the place has the name for itself.
pub(super) fn is_shadowed(module: &Module, function: FunctionIx, name: &str) -> bool {
    let index = module.index();
    let mut at = function;
    while at != MODULE_BODY {
        if index.function(at).locals.contains(name) {
            return true;
        }
        at = index.function(at).parent;
    }
    false
}

/// A name that stands for something, and the import that it needs.
pub(crate) struct Bind {
    pub(crate) name: String,
    pub(crate) edit: Option<Edit>,
}

/// The edits of one fix: insertions at one place become one, and the same import is made once.
pub(crate) fn joined(mut edits: Vec<Edit>) -> Vec<Edit> {
    let mut seen = BTreeSet::new();
    edits.retain(|it| seen.insert(it.clone()));
    let mut by_place: BTreeMap<Place, String> = BTreeMap::new();
    for edit in edits {
        by_place
            .entry(edit.place)
            .or_default()
            .push_str(&edit.replacement);
    }
    by_place
        .into_iter()
        .map(|(place, replacement)| Edit { place, replacement })
        .collect()
}

struct Finder<'p> {
    span: Span,
    around: Vec<&'p Expr>,
    statement: Option<&'p Stmt>,
    blocks: Vec<&'p Stmt>,
    found: Option<(&'p Expr, Vec<&'p Expr>, &'p Stmt)>,
}

impl Finder<'_> {
    fn covers(&self, span: Span) -> bool {
        span.contains(self.span)
    }
}

impl<'p> Visitor<'p> for Finder<'p> {
    fn visit_body(&mut self, body: &'p [Stmt]) {
        if let Some(statement) = statement_around(body, self.span) {
            self.visit_stmt(statement);
        }
    }

    fn visit_stmt(&mut self, statement: &'p Stmt) {
        if self.found.is_none() && self.covers(span_of(statement)) {
            self.statement = Some(statement);
            match statement {
                Stmt::FunctionDef(_) => self.blocks.clear(),
                _ => self.blocks.push(statement),
            }
            walk_stmt(self, statement);
        }
    }

    fn visit_expr(&mut self, expression: &'p Expr) {
        let span = span_of(expression);
        if self.found.is_some() || !self.covers(span) {
            return;
        }
        if span == self.span
            && let Some(statement) = self.statement
        {
            self.found = Some((expression, self.around.clone(), statement));
            return;
        }
        self.around.push(expression);
        walk_expr(self, expression);
        self.around.pop();
    }
}
