//! Where the code of bundles names icons: in steps, and in the actions of display hints.

use lint_core::diagnostic::{FileId, Span};
use lint_core::names::Resolved;
use lint_core::syntax::ast::{self, Expr};
use lint_core::syntax::span_of;

use crate::finding::plain_content;
use crate::model::{Model, Scope};

/// An icon that is named by a string.
pub(crate) struct IconUse<'p> {
    pub(crate) file: FileId,
    pub(crate) value: &'p Expr,
    pub(crate) name: String,
}

impl IconUse<'_> {
    pub(crate) fn span(&self) -> Span {
        span_of(self.value)
    }

    /// The text to replace if the name is to be changed.
    pub(crate) fn content(&self, model: &Model<'_>) -> Option<Span> {
        plain_content(self.value, model.slice(self.file, self.span()))
    }
}

/// All icons that are named in a known way, by place.
pub(crate) fn icons<'p>(model: &Model<'p>) -> Vec<IconUse<'p>> {
    let mut found = Vec::new();
    for class in model.classes() {
        for step in &class.steps {
            if let Some(icon) = &step.icon
                && let Some(name) = &icon.text
                && !name.is_empty()
            {
                found.push(IconUse {
                    file: class.file,
                    value: icon.value,
                    name: name.clone(),
                });
            }
        }
    }
    for &file in &model.files {
        if !model.is_runbook_code(file) {
            continue;
        }
        model.expressions(file, &mut |scope, expr| {
            for actions in action_lists(model, file, scope, expr) {
                in_actions(model, file, scope, actions, &mut found);
            }
        });
    }
    found.sort_by_key(|it| (it.file, it.span()));
    found.dedup_by_key(|it| (it.file, it.span()));
    found
}

/// The lists of actions that an expression hands to the UI: `"actions": […]` in a dictionary, and
/// `actions=[…]` of `collect_documents`.
fn action_lists<'p>(
    model: &Model<'p>,
    file: FileId,
    scope: Scope,
    expr: &'p Expr,
) -> Vec<&'p Expr> {
    match expr {
        Expr::Dict(dict) => value_of(dict, "actions").into_iter().collect(),
        Expr::Call(call) => {
            let callee = model.resolve(file, scope, &call.func);
            let is_collect = callee.as_ref().and_then(Resolved::external)
                == Some("ntro.workflow.NtroWorkflow.collect_documents");
            let actions = call.arguments.find_keyword("actions");
            actions
                .filter(|_| is_collect)
                .map(|keyword| &keyword.value)
                .into_iter()
                .collect()
        }
        _ => Vec::new(),
    }
}

fn in_actions<'p>(
    model: &Model<'p>,
    file: FileId,
    scope: Scope,
    actions: &'p Expr,
    found: &mut Vec<IconUse<'p>>,
) {
    let Expr::List(list) = actions else {
        return;
    };
    for action in &list.elts {
        let Expr::Dict(action) = action else {
            continue;
        };
        // Other lists called `actions` have no buttons in them.
        let is_button = ["kind", "label", "id"]
            .iter()
            .any(|key| value_of(action, key).is_some());
        let Some(value) = value_of(action, "icon").filter(|_| is_button) else {
            continue;
        };
        let name = match scope.class {
            Some(class) => model.names.const_str_in_class(file, class, value),
            None => model.names.const_str(file, scope.function, value),
        };
        if let Some(name) = name.filter(|name| !name.is_empty()) {
            found.push(IconUse { file, value, name });
        }
    }
}

fn value_of<'p>(dict: &'p ast::ExprDict, key: &str) -> Option<&'p Expr> {
    dict.items
        .iter()
        .find(|item| matches!(&item.key, Some(Expr::StringLiteral(it)) if it.value.to_str() == key))
        .map(|item| &item.value)
}
