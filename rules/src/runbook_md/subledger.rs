//! Subledger types that bundles register.

use lint_core::diagnostic::{FileId, Span};
use lint_core::names::Base;
use lint_core::syntax::ast::{self, Expr};
use lint_core::syntax::span_of;

use super::view::{self, View};
use crate::rule::Context;

/// Types that the platform itself registers.
pub(crate) const PLATFORM_TYPES: [&str; 2] = ["expenses", "journal_proposals"];

/// A class decorated with `@register_type(…)`.
pub(crate) struct Registration<'c, 'p> {
    pub(crate) view: View<'c, 'p>,
    pub(crate) file: FileId,
    pub(crate) class: &'p ast::StmtClassDef,
    pub(crate) decorator: Span,
    pub(crate) name: Option<String>,
    /// Where the name is written, or the decorator.
    pub(crate) name_span: Span,
    pub(crate) owner: Owner,
    pub(crate) derives: Derives,
}

pub(crate) enum Owner {
    Missing,
    Named(String, Span),
    /// It is not a constant.
    Unknown,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Derives {
    Yes,
    No,
    Perhaps,
}

/// The registrations in all bundles, by bundle and place.
pub(crate) fn registrations<'c, 'p>(cx: &'c Context<'p>) -> Vec<Registration<'c, 'p>> {
    let mut found = Vec::new();
    for view in view::bundles(cx) {
        for (file, path) in view.deployed() {
            if !path.ends_with(".py") {
                continue;
            }
            let Some(index) = cx.model.index(file) else {
                continue;
            };
            for (ix, class) in index.classes.iter().enumerate() {
                for decorator in &class.node.decorator_list {
                    let Expr::Call(call) = &decorator.expression else {
                        continue;
                    };
                    let callee = cx.model.names.resolve(file, class.parent, &call.func);
                    let name = callee.as_ref().and_then(|it| it.external());
                    if !matches!(
                        name,
                        Some(
                            "ntro.subledger.register_type"
                                | "ntro.subledger.registry.register_type"
                        )
                    ) {
                        continue;
                    }
                    let bases = cx.model.names.bases(file, ix as u32);
                    found.push(registration(
                        view,
                        file,
                        class.node,
                        class.parent,
                        call,
                        &bases,
                    ));
                }
            }
        }
    }
    found
}

fn registration<'c, 'p>(
    view: View<'c, 'p>,
    file: FileId,
    class: &'p ast::StmtClassDef,
    function: u32,
    call: &'p ast::ExprCall,
    bases: &[Base],
) -> Registration<'c, 'p> {
    let names = &view.cx.model.names;
    let name = call.arguments.find_argument_value("name", 0);
    let unpacks = call.arguments.keywords.iter().any(|it| it.arg.is_none());
    let owner = match call.arguments.find_keyword("owner_runbook") {
        None if unpacks => Owner::Unknown,
        None => Owner::Missing,
        Some(keyword) if keyword.value.is_none_literal_expr() => Owner::Missing,
        Some(keyword) => match names.const_str(file, function, &keyword.value) {
            Some(owner) => Owner::Named(owner, span_of(&keyword.value)),
            None => Owner::Unknown,
        },
    };
    let is_row = |base: &Base| match base {
        Base::External(name) => {
            matches!(
                name.as_str(),
                "ntro.subledger.Row" | "ntro.subledger.row.Row"
            ) || name.starts_with("ntro.subledger.types.")
        }
        _ => false,
    };
    let is_known = |base: &Base| match base {
        Base::Class { .. } => true,
        Base::External(name) => !name.contains('.') || name.starts_with("pydantic."),
        Base::Unknown => false,
    };
    let derives = if bases.iter().any(is_row) {
        Derives::Yes
    } else if bases.iter().all(is_known) {
        Derives::No
    } else {
        Derives::Perhaps
    };
    Registration {
        view,
        file,
        class,
        decorator: span_of(call),
        name: name.and_then(|it| names.const_str(file, function, it)),
        name_span: name.map_or(span_of(call), span_of),
        owner,
        derives,
    }
}
