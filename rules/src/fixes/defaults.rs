//! Fields whose default is a clock or a random number get their value where the workflow makes the
//! instance. Everybody else keeps the default.

use lint_core::diagnostic::{Applicability, Fix, Place, Span};
use lint_core::facts::{Callee, Facade};
use lint_core::index::{FunctionNode, MODULE_BODY, Module};
use lint_core::names::Bound;
use lint_core::syntax::ast::{self, Expr, Stmt};
use lint_core::syntax::span_of;

use super::reading::{Time, reading};
use super::signature::with_argument;
use super::site::{Bind, Site, joined};
use crate::hazard::Case;
use crate::program::{Node, nodes_of, nodes_of_expr};
use crate::rule::Context;
use crate::sites;

/// For a clock, or a random UUID, that fills a field.
pub(crate) fn filled(cx: &Context<'_>, case: &Case<'_, '_>) -> Option<Fix> {
    let hazard = case.hazard;
    let first = hazard.trace.first()?.place;
    if hazard.read_only || hazard.may_fill || hazard.trace.len() > 2 {
        return None;
    }
    let site = Site::at(cx, hazard.place, case.api())?;
    let call = site.expr.as_call_expr()?;
    let is_class = |it: &Callee| matches!(it, Callee::Class(_));
    // What is unpacked may fill the field.
    let hides = sites::hides_keywords(call) || sites::hides_positions(call);
    if hides
        || !cx
            .facts
            .observed
            .calls
            .get(&hazard.place)?
            .iter()
            .all(is_class)
    {
        return None;
    }
    let (field, factory) = field(cx.facts.project.module(first.file)?, first)?;
    let api = site.api()?;
    let value = match hazard.trace.get(1) {
        None if span_of(factory) == first.span => {
            let callee = cx.names().resolve(first.file, MODULE_BODY, factory)?;
            given(callee.external()?, None, &site, &api)?
        }
        None => return None,
        Some(inner) => computed(cx, inner.place, &site, &api)?,
    };
    let argument = format!("{field}={}", value.code);
    let (span, text) = with_argument(site.source, call, &argument)?;
    let edits = api.edit.into_iter().chain([site.edit(span, text)]);
    let title = format!("set `{field}` with `{}`{}", value.code, value.caution);
    Some(Fix::new(
        title,
        Applicability::Unsafe,
        joined(edits.collect()),
    ))
}

/// What to write in the workflow.
struct Value {
    code: String,
    caution: &'static str,
}

fn given(
    callee: &str,
    called: Option<(&Site<'_, '_>, &ast::ExprCall)>,
    site: &Site<'_, '_>,
    api: &Bind,
) -> Option<Value> {
    if callee == "uuid.uuid4" {
        let code = format!("{}.uuid4()", api.name);
        return (site.facade == Facade::Temporal).then_some(Value { code, caution: "" });
    }
    let reading = reading(callee, called, &Time::of(site.facade, &api.name))?;
    Some(Value {
        code: reading.code,
        caution: reading.caution,
    })
}

/// What a lambda, or a function that does nothing else, makes of what the culprit gives.
fn computed(cx: &Context<'_>, place: Place, site: &Site<'_, '_>, api: &Bind) -> Option<Value> {
    let inner = Site::at(cx, place, site.facade)?;
    let body = match inner.module.index().function(inner.function).node {
        FunctionNode::Lambda(lambda) => &*lambda.body,
        FunctionNode::Def(def) => {
            let is_docstring =
                |it: &&Stmt| matches!(it, Stmt::Expr(it) if it.value.is_string_literal_expr());
            let mut rest = def.body.iter().skip_while(is_docstring);
            match (rest.next(), rest.next()) {
                (Some(Stmt::Return(it)), None) => it.value.as_deref()?,
                _ => return None,
            }
        }
        FunctionNode::Module(_) => return None,
    };
    let (call, callee) = inner.call()?;
    let value = given(&callee, Some((&inner, call)), site, api)?;
    let (whole, own) = (span_of(body), span_of(inner.expr));
    // Other names may mean something else where the workflow is.
    let is_known = |node: &Node<'_>| match node {
        Node::Expr(Expr::Name(it)) => {
            let is_bound =
                |at: &Site<'_, '_>| at.names.is_bound(at.file, at.function, it.id.as_str());
            let is_text = it.id.as_str() == "str" && is_bound(&inner) == Bound::No;
            own.contains(span_of(it)) || is_text && is_bound(site) == Bound::No
        }
        _ => true,
    };
    // So may those of a time zone.
    let is_zone = value.code.contains(".astimezone(") || value.code.contains(".strftime(");
    if is_zone || !nodes_of_expr(body).iter().all(is_known) {
        return None;
    }
    let before = inner.source.slice(Span::new(whole.start, own.start));
    let after = inner.source.slice(Span::new(own.end, whole.end));
    let code = format!("{before}{}{after}", value.code);
    (!code.contains('\n')).then_some(Value { code, ..value })
}

/// Whether the fields of a Pydantic model are given under other names, and ignored under their own.
fn has_aliases(class: &ast::StmtClassDef) -> bool {
    nodes_of(&class.body).iter().any(|node| match node {
        Node::Expr(Expr::Call(it)) => it.arguments.find_keyword("alias_generator").is_some(),
        _ => false,
    })
}

/// The field of a class that is filled there, and what makes its default.
fn field(module: &Module, place: Place) -> Option<(&str, &Expr)> {
    let covers = |span: Span| span.contains(place.span);
    let classes = module.index().classes.iter();
    let classes = classes.filter(|it| !has_aliases(it.node));
    let fields = classes.flat_map(|it| &it.node.body);
    let (target, call) = fields.filter(|it| covers(span_of(*it))).find_map(|it| {
        let Stmt::AnnAssign(it) = it else { return None };
        Some((
            it.target.as_name_expr()?,
            it.value.as_ref()?.as_call_expr()?,
        ))
    })?;
    let is_plain = |it: &ast::Keyword| {
        let name = it.arg.as_ref().map(|it| it.as_str());
        !matches!(name, None | Some("alias" | "validation_alias" | "init"))
    };
    if !call.arguments.keywords.iter().all(is_plain) {
        return None;
    }
    let factory = call.arguments.find_keyword("default_factory")?;
    Some((target.id.as_str(), &factory.value))
}
