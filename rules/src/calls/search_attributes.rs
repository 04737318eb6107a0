//! Search attributes whose values are no lists, which the SDK refuses.

use lint_core::diagnostic::Span;
use lint_core::syntax::ast::Expr;
use lint_core::syntax::span_of;

use super::payloads::Shape;
use crate::model::{CallSite, Model};
use crate::program::{Node, own_nodes};
use crate::sites::{Written, keyword_value};

/// The first value that is certain to be no list: where it is, of which attribute, and what it is.
pub(super) fn no_list(model: &Model<'_>, site: &CallSite<'_>) -> Option<(Span, String, Shape)> {
    let value = match site.external()?.strip_prefix("temporalio.workflow.")? {
        "upsert_search_attributes" => site.call.arguments.find_argument_value("attributes", 0),
        "continue_as_new" | "execute_child_workflow" | "start_child_workflow" => {
            keyword_value(site.call, "search_attributes")
        }
        _ => None,
    }?;
    let at = Written::at(site, value).followed(model);
    let names = model.names_in(at.file);
    let at = match at.value {
        Expr::Name(it) => {
            let name = it.id.as_str();
            let (_, value) = names.local_value(at.file, at.function, name)?;
            // Whoever names it elsewhere may change it before the call.
            let function = model.project.module(at.file)?.index().function(at.function);
            let names_it = |node: &Node<'_>| matches!(node, Node::Expr(Expr::Name(it)) if it.ctx.is_load() && it.id.as_str() == name);
            let uses = own_nodes(Some(function)).filter(names_it).count();
            at.with((uses == 1).then_some(value)?)
        }
        _ => at,
    };
    let dict = at.dict(model)?;
    dict.node.items.iter().find_map(|item| {
        let name = at.with(item.key.as_ref()?).text(model)?;
        let is = Shape::of_value(model, at.with(&item.value))?;
        // A tuple has the shape of a list.
        let is_list = is == Shape::List && !item.value.is_tuple_expr();
        let is_outside = dict.at.file != site.file;
        let at = if is_outside { value } else { &item.value };
        (!is_list).then(|| (span_of(at), name, is))
    })
}
