//! What a workflow reads from the environment becomes a field of its input.

use lint_core::diagnostic::{Applicability, Edit, Fix, Place, Span};
use lint_core::facts::ClassRef;
use lint_core::index::{FunctionIx, MODULE_BODY};
use lint_core::knowledge::Role;
use lint_core::names::{Base, Bound, Names, Resolved};
use lint_core::syntax::ast::{self, Expr, Stmt};
use lint_core::syntax::span_of;

use super::own::is_derived_from;
use super::site::Site;
use crate::hazard::Case;
use crate::rule::Context;
use crate::secrets::is_secret_variable;

/// For a variable that is read where the input of the workflow is at hand.
pub(crate) fn in_input(cx: &Context<'_>, case: &Case<'_, '_>) -> Option<Fix> {
    if !case.may_move() {
        return None;
    }
    let site = Site::of(cx, case.hazard, case.api())?;
    let read = Read::of(&site)?;
    // The input of a workflow stays in the history.
    if is_secret_variable(&read.variable) {
        return None;
    }
    let class = input(cx, case)?;
    let parameter = parameters(&site, site.function).find(|it| it.1 == class)?.0;
    let field = field(&read.variable)?;
    let edit = declared(cx, &site, class, &field, &read)?;
    let code = format!("{parameter}.{field}");
    let edits = vec![edit, site.edit(span_of(read.expr), code.clone())];
    let title = format!("read `{code}`, a new field that whoever starts the workflow fills");
    Some(Fix::new(title, Applicability::Unsafe, edits))
}

/// A reading of a variable.
struct Read<'p> {
    expr: &'p Expr,
    variable: String,
    kind: &'static str,
    /// What it is if there is no such variable.
    default: Option<&'p str>,
}

impl<'p> Read<'p> {
    fn of(site: &Site<'_, 'p>) -> Option<Self> {
        let text = |expr: &'p Expr| Some(expr.as_string_literal_expr()?.value.to_str().to_owned());
        let of_call = |expr: &'p Expr, call: &'p ast::ExprCall| {
            let (variable, default) = match &call.arguments.args[..] {
                [variable] if call.arguments.keywords.is_empty() => (variable, None),
                [variable, default] if default.is_string_literal_expr() => {
                    (variable, Some(default))
                }
                _ => return None,
            };
            Some(Self {
                expr,
                variable: text(variable)?,
                kind: if default.is_some() {
                    "str"
                } else {
                    "str | None"
                },
                default: Some(default.map_or("None", |it| site.text(it))),
            })
        };
        let mut around = site.around.iter().rev();
        match (
            site.external(callee(site.expr)).as_deref()?,
            around.next(),
            around.next(),
        ) {
            ("os.getenv", ..) => of_call(site.expr, site.expr.as_call_expr()?),
            ("os.environ", Some(Expr::Subscript(it)), _) if it.ctx.is_load() => Some(Self {
                expr: site.around.last()?,
                variable: text(&it.slice)?,
                kind: "str",
                default: None,
            }),
            ("os.environ", Some(Expr::Attribute(it)), Some(Expr::Call(call)))
                if it.attr.as_str() == "get" && span_of(&*call.func) == span_of(it) =>
            {
                of_call(site.around[site.around.len() - 2], call)
            }
            _ => None,
        }
    }
}

/// A class that data converters know.
pub(super) enum Record {
    Dataclass,
    Model,
}

impl Record {
    pub(super) fn of(cx: &Context<'_>, names: &Names<'_>, class: ClassRef) -> Option<Self> {
        let node = cx
            .facts
            .project
            .module(class.file)?
            .index()
            .class(class.ix)
            .node;
        let is_dataclass = |it: &ast::Decorator| {
            let called = names.resolve(class.file, MODULE_BODY, callee(&it.expression));
            called.as_ref().and_then(Resolved::external) == Some("dataclasses.dataclass")
        };
        let model = Base::External("pydantic.BaseModel".to_owned());
        if names.bases(class.file, class.ix).contains(&model) {
            return Some(Self::Model);
        }
        let mut decorators = node.decorator_list.iter();
        decorators.any(is_dataclass).then_some(Self::Dataclass)
    }
}

fn callee(expr: &Expr) -> &Expr {
    match expr {
        Expr::Call(call) => &call.func,
        _ => expr,
    }
}

/// The class of the project that the run method takes.
fn input(cx: &Context<'_>, case: &Case<'_, '_>) -> Option<ClassRef> {
    let run = case
        .workflow()
        .entries
        .iter()
        .find(|it| it.role == Role::Run)?;
    let site = Site::of(cx, case.hazard, case.api())?;
    let functions = &site.module.index().functions;
    let ix = functions
        .iter()
        .position(|it| it.node.name_span() == run.place.span)?;
    (run.place.file == site.file)
        .then(|| parameters(&site, ix as FunctionIx).next().map(|it| it.1))
        .flatten()
}

/// The parameters of a function that are instances of classes of the project.
fn parameters<'p>(
    site: &Site<'_, 'p>,
    function: FunctionIx,
) -> impl Iterator<Item = (&'p str, ClassRef)> {
    let node = site.module.index().function(function).node;
    let all = node
        .parameters()
        .into_iter()
        .flat_map(|it| it.iter_non_variadic_params());
    all.filter_map(
        move |it| match site.names.resolve(site.file, function, it.annotation()?)? {
            Resolved::Class { file, ix } => Some((it.name().as_str(), ClassRef { file, ix })),
            _ => None,
        },
    )
}

fn field(variable: &str) -> Option<String> {
    let name = variable.to_lowercase();
    let is_identifier = name
        .chars()
        .all(|it| it.is_ascii_alphanumeric() || it == '_');
    let starts = name.starts_with(|it: char| it.is_ascii_alphabetic());
    (starts && is_identifier).then_some(name)
}

/// The edit that gives the class one more field.
fn declared(
    cx: &Context<'_>,
    site: &Site<'_, '_>,
    class: ClassRef,
    field: &str,
    read: &Read<'_>,
) -> Option<Edit> {
    let project = cx.facts.project;
    let module = project
        .module(class.file)
        .filter(|_| !project.is_installed(class.file))?;
    let source = project.source(class.file)?;
    let node = module.index().class(class.ix).node;
    let record = Record::of(cx, site.names, class);
    let bases = site.names.bases(class.file, class.ix);
    let fields: Vec<&ast::StmtAnnAssign> = node
        .body
        .iter()
        .filter_map(Stmt::as_ann_assign_stmt)
        .collect();
    let last = fields.last()?;
    let has_defaults = bases.len() > 1 || fields.iter().any(|it| it.value.is_some());
    let is_taken = bases.iter().any(|base| match base {
        Base::Class { file, ix } => site.names.binds_in_class(*file, *ix, field),
        _ => false,
    });
    let fits = match record.as_ref()? {
        Record::Model => true,
        Record::Dataclass => read.default.is_some() || !has_defaults,
    };
    let is_text = site.names.is_bound(class.file, 0, "str") == Bound::No;
    // A field before those of derived classes would move what they are given by position.
    let moves = matches!(record, Some(Record::Dataclass)) && is_derived_from(cx, class);
    if is_taken || !fits || !is_text || moves {
        return None;
    }
    let span = span_of(*last);
    // A text below a field describes it.
    let below = node.body.iter().find(|it| span_of(*it).start > span.start);
    let text = below.filter(|it| matches!(it, Stmt::Expr(it) if it.value.is_string_literal_expr()));
    let end = text.map_or(span.end, |it| span_of(it).end);
    let line = source.line_span(source.line(span.start));
    let indent = source.slice(Span::new(line.start, span.start));
    let end = source.line_span(source.line(end)).end;
    let default = read
        .default
        .map_or_else(String::new, |it| format!(" = {it}"));
    indent.trim().is_empty().then(|| Edit {
        place: Place {
            file: class.file,
            span: Span::new(end, end),
        },
        replacement: format!("\n{indent}{field}: {}{default}", read.kind),
    })
}
