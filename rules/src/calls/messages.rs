//! Signals that are sent by a name to a workflow whose class is known, and which that does not handle.

use std::collections::BTreeSet;

use lint_core::diagnostic::Span;
use lint_core::facts::{ClassRef, FunctionRef};
use lint_core::knowledge::Role;
use lint_core::names::Resolved;
use lint_core::suggest::closest;
use lint_core::syntax::ast::{self, Expr};
use lint_core::syntax::span_of;

use crate::handlers::registers_signals;
use crate::model::Model;
use crate::program::{Node, Program, Running, own_nodes};
use crate::sites::keyword_value;

/// A signal that nobody handles.
pub(super) struct Unhandled {
    pub(super) at: Span,
    pub(super) name: String,
    /// The workflow that gets it.
    pub(super) workflow: String,
    /// A signal of that with a name like it.
    pub(super) meant: Option<String>,
}

pub(super) fn unhandled(
    model: &Model<'_>,
    program: Program<'_, '_>,
    function: FunctionRef,
) -> Vec<Unhandled> {
    let nodes = own_nodes(program.function(function));
    let sent = nodes.filter_map(|node| {
        let Node::Expr(Expr::Call(call)) = node else {
            return None;
        };
        let method = call.func.as_attribute_expr()?;
        let signal = call.arguments.args.first()?;
        if method.attr.as_str() != "signal" {
            return None;
        }
        let FunctionRef { file, ix } = function;
        let name = model.names_in(file).const_str(file, ix, signal)?;
        let class = class_of(model, function, &method.value)?;
        let running = Running::all(program.facts).find(|it| it.reach.class == Some(class))?;
        let handled = handled(model, program, running)?;
        (!handled.contains(&name)).then(|| Unhandled {
            at: span_of(signal),
            workflow: running.short_name().to_owned(),
            meant: closest(&name, handled.iter().map(String::as_str)).map(str::to_owned),
            name,
        })
    });
    sent.collect()
}

/// The class of the workflow that a handle stands for, if the handle is made of its `run`.
fn class_of(model: &Model<'_>, function: FunctionRef, handle: &Expr) -> Option<ClassRef> {
    let FunctionRef { file, ix } = function;
    let names = model.names_in(file);
    let value = match handle {
        Expr::Name(it) => names.local_value(file, ix, it.id.as_str())?.1,
        other => other,
    };
    let (call, makers) = match value {
        Expr::Call(call) => (call, "temporalio.workflow.get_external_workflow_handle_for"),
        Expr::Await(it) => (
            it.value.as_call_expr()?,
            "temporalio.workflow.start_child_workflow",
        ),
        _ => return None,
    };
    let callee = names.resolve(file, ix, &call.func)?;
    let target = call
        .arguments
        .args
        .first()
        .filter(|_| callee.external() == Some(makers))?;
    match names.resolve(file, ix, target)? {
        Resolved::Function { file, ix } => {
            let class = model.index(file)?.function(ix).class?;
            Some(ClassRef { file, ix: class })
        }
        _ => None,
    }
}

/// The names of the signals that a workflow handles; `None` if it may handle others.
fn handled(
    model: &Model<'_>,
    program: Program<'_, '_>,
    running: Running<'_>,
) -> Option<BTreeSet<String>> {
    let class = running.reach.class?;
    let is_base =
        |it: Running<'_>| it.reach.class != Some(class) && it.reach.bases.contains(&class);
    if !running.reach.foreign_bases.is_empty()
        || Running::all(program.facts).any(is_base)
        || registers_signals(program, running)
    {
        return None;
    }
    let signals = running.entries_of(|role| role == Role::Signal);
    signals
        .map(|(_, reach)| registered(model, program, reach.function))
        .collect()
}

/// The name under which a handler gets signals.
fn registered(
    model: &Model<'_>,
    program: Program<'_, '_>,
    function: FunctionRef,
) -> Option<String> {
    let def = program.def(function)?;
    let [decorator] = &def.decorator_list[..] else {
        return None;
    };
    let named = |call: &ast::ExprCall| {
        let is_open = keyword_value(call, "dynamic").is_some() || !call.arguments.args.is_empty();
        let FunctionRef { file, .. } = function;
        let parent = program.function(function)?.parent;
        match keyword_value(call, "name") {
            _ if is_open => None,
            Some(name) => model.names_in(file).const_str(file, parent, name),
            None => Some(def.name.to_string()),
        }
    };
    match &decorator.expression {
        Expr::Call(call) => named(call),
        _ => Some(def.name.to_string()),
    }
}
