//! What Temporal's sandbox refuses while it loads the module of a Pydantic model.
//!
//! Pydantic asks a default factory for its signature when it makes the class, and so for what it wraps.
//! That is an access to a restricted function already, although nobody calls it. Lambdas and functions
//! around one are only asked for themselves.

use lint_core::facts::Hazard;
use lint_core::index::MODULE_BODY;
use lint_core::knowledge::Sandbox;
use lint_core::syntax::ast::{Expr, ExprCall, Stmt};
use lint_core::syntax::span_of;

use crate::program::{Node, nodes_of_expr};
use crate::rule::Context;

/// What to say about a clock or a generator in a sandboxed module that is a default factory itself.
pub(crate) fn note(cx: &Context<'_>, hazard: &Hazard) -> Option<String> {
    let is_stopped = hazard.sandbox == Sandbox::Stops && is_restricted_at_load(&hazard.culprit);
    (is_stopped && is_factory(cx, hazard)).then(|| {
        "Pydantic looks into a default factory when it makes the class, and Temporal's sandbox refuses \
         that for this one, so no worker loads the module unless it is passed through. A lambda or \
         function that calls it can be loaded."
            .to_owned()
    })
}

/// Whether the sandbox restricts a function while it loads modules, and not only in a run.
fn is_restricted_at_load(culprit: &str) -> bool {
    ["datetime.", "random."]
        .iter()
        .any(|module| culprit.starts_with(module))
}

/// Whether the culprit is written as the default factory of a field of a model.
fn is_factory(cx: &Context<'_>, hazard: &Hazard) -> bool {
    let place = hazard.culprit_place();
    let Some(module) = cx.facts.project.module(place.file) else {
        return false;
    };
    let makes_it = |call: &ExprCall| {
        let factory = call.arguments.find_keyword("default_factory");
        let field = || cx.names().resolve(place.file, MODULE_BODY, &call.func);
        factory.is_some_and(|it| span_of(&it.value) == place.span)
            && field().is_some_and(|it| it.external() == Some("pydantic.Field"))
    };
    let classes = module.index().classes.iter();
    let fields = classes
        .flat_map(|it| &it.node.body)
        .filter_map(|it| match it {
            Stmt::AnnAssign(it) => Some([Some(&*it.annotation), it.value.as_deref()]),
            _ => None,
        });
    let mut expressions = fields.flatten().flatten();
    expressions.any(|it| {
        let nodes = nodes_of_expr(it);
        let mut calls = nodes.iter();
        calls.any(|node| matches!(node, Node::Expr(Expr::Call(call)) if makes_it(call)))
    })
}
