//! Where a fix is made: the expression of a culprit with everything around it.

use std::collections::BTreeMap;

use lint_core::diagnostic::{Edit, FileId, Place, Span};
use lint_core::facts::{Facade, Hazard};
use lint_core::index::{FunctionIx, FunctionNode, MODULE_BODY, Module};
use lint_core::names::{Bound, Names, Resolved};
use lint_core::source::SourceFile;
use lint_core::syntax::ast::visitor::{Visitor, walk_expr, walk_stmt};
use lint_core::syntax::ast::{self, Expr, Stmt};
use lint_core::syntax::span_of;

use super::imports::{self, Wanted};
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
}

impl<'c, 'p> Site<'c, 'p> {
    /// The culprit of a hazard, if it stands in the code of the workflow itself. What a handler
    /// does that is not replayed, its author may mean.
    pub(crate) fn of(cx: &'c Context<'p>, hazard: &Hazard, facade: Facade) -> Option<Self> {
        if !hazard.trace.is_empty() || hazard.read_only {
            return None;
        }
        Self::at(cx, hazard.place, facade)
    }

    /// The expression at a place, if it is evaluated when the function around it runs.
    pub(crate) fn at(cx: &'c Context<'p>, place: Place, facade: Facade) -> Option<Self> {
        let project = cx.facts.project;
        let (file, span) = (place.file, place.span);
        let module = project
            .module(file)
            .filter(|_| !project.is_installed(file))?;
        let mut finder = Finder {
            span,
            around: Vec::new(),
            statement: None,
            found: None,
        };
        finder.visit_body(&module.tree().body);
        let (expr, around, statement) = finder.found?;
        let function = module.index().function_containing(span.start);
        let site = Self {
            names: cx.names(),
            file,
            source: project.source(file)?,
            module,
            function,
            facade,
            expr,
            around,
            statement,
        };
        let body = match module.index().function(function).node {
            FunctionNode::Module(_) => return None,
            FunctionNode::Def(def) => Span::new(
                span_of(def.body.first()?).start,
                span_of(def.body.last()?).end,
            ),
            FunctionNode::Lambda(lambda) => span_of(&*lambda.body),
        };
        (body.start <= span.start && span.end <= body.end).then_some(site)
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

    /// Whether `await` may stand here.
    pub(crate) fn can_await(&self) -> bool {
        let is_comprehension = |expr: &&&Expr| {
            matches!(
                expr,
                Expr::Generator(_) | Expr::ListComp(_) | Expr::SetComp(_) | Expr::DictComp(_)
            )
        };
        let function = self.module.index().function(self.function);
        function.node.is_async() && !self.around.iter().any(|it| is_comprehension(&it))
    }

    /// An awaited expression in place of this one.
    pub(crate) fn awaited(&self, call: &str, parent: Option<&Expr>) -> String {
        let binds_tighter = match parent {
            Some(Expr::Attribute(_) | Expr::Subscript(_) | Expr::Await(_)) => true,
            Some(Expr::Call(it)) => {
                let func = span_of(&*it.func);
                let own = span_of(self.expr);
                func.start <= own.start && own.end <= func.end
            }
            Some(Expr::BinOp(it)) => it.op == ast::Operator::Pow,
            _ => false,
        };
        if binds_tighter {
            format!("(await {call})")
        } else {
            format!("await {call}")
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
    let is_it = |name: &&str| {
        let member = names.member(file, name);
        member.as_ref().and_then(Resolved::external) == Some(&dotted)
            && !is_shadowed(module, function, name)
    };
    if let Some(name) = names.members(file).into_iter().find(is_it) {
        let name = name.to_owned();
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
fn is_shadowed(module: &Module, function: FunctionIx, name: &str) -> bool {
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

/// The edits of one fix: insertions at one place become one.
pub(crate) fn joined(edits: Vec<Edit>) -> Vec<Edit> {
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
    found: Option<(&'p Expr, Vec<&'p Expr>, &'p Stmt)>,
}

impl Finder<'_> {
    fn covers(&self, span: Span) -> bool {
        span.start <= self.span.start && self.span.end <= span.end
    }
}

impl<'p> Visitor<'p> for Finder<'p> {
    fn visit_stmt(&mut self, statement: &'p Stmt) {
        if self.found.is_none() && self.covers(span_of(statement)) {
            self.statement = Some(statement);
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
