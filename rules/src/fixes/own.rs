//! Whether code of a workflow class is run by workflows alone: other code may call a static method,
//! or derive a class of its own from a base.

use std::collections::BTreeSet;

use lint_core::diagnostic::{FileId, Place};
use lint_core::facts::{ClassRef, Facts, FunctionRef, WorkflowKind};
use lint_core::index::{FunctionNode, MODULE_BODY};
use lint_core::names::{Base, Names, Resolved};
use lint_core::syntax::ast::visitor::{Visitor, walk_expr};
use lint_core::syntax::ast::{self, Expr};
use lint_core::syntax::span_of;

use crate::program::Program;
use crate::rule::Context;

/// Many findings are in one function, so both answers are kept.
pub(super) fn is_run_by_workflows_alone(cx: &Context<'_>, it: FunctionRef) -> bool {
    let answer = || runs_only_in_workflows(cx, it) || belongs_to_workflows_alone(cx, it);
    cx.by_workflows_alone.get(it, answer)
}

/// See [`Program::runs_only_in_workflows`].
pub(super) fn runs_only_in_workflows(cx: &Context<'_>, it: FunctionRef) -> bool {
    let answer = || Program::new(cx.facts).runs_only_in_workflows(it);
    cx.only_in_workflows.get(it, answer)
}

fn belongs_to_workflows_alone(cx: &Context<'_>, it: FunctionRef) -> bool {
    let Some(index) = cx.facts.project.module(it.file).map(|it| it.index()) else {
        return false;
    };
    // What is defined in a method belongs to it.
    let mut method = it.ix;
    while method != MODULE_BODY && index.function(method).class.is_none() {
        method = index.function(method).parent;
    }
    let Some(class) = index.function(method).class else {
        return true;
    };
    let class = ClassRef {
        file: it.file,
        ix: class,
    };
    let FunctionNode::Def(def) = index.function(method).node else {
        return false;
    };
    let name = Place {
        file: it.file,
        span: span_of(&def.name),
    };
    let workflows = cx.facts.workflows.iter();
    let mut entries = workflows
        .filter(|it| it.kind != WorkflowKind::Converter)
        .flat_map(|it| &it.entries);
    let is_own = classes(cx.facts).any(|it| it == class);
    entries.any(|it| it.place == name)
        || needs_instance(def) && (is_own || is_base_of_workflows_alone(cx, class))
}

fn needs_instance(def: &ast::StmtFunctionDef) -> bool {
    let is_of_class = |it: &ast::Decorator| {
        let name = it.expression.as_name_expr();
        name.is_some_and(|it| matches!(it.id.as_str(), "staticmethod" | "classmethod"))
    };
    !def.decorator_list.iter().any(is_of_class)
}

/// The classes that run in workflows and nowhere else.
fn classes(facts: &Facts<'_>) -> impl Iterator<Item = ClassRef> {
    let each = facts.workflows.iter().zip(&facts.reach);
    each.filter(|(workflow, _)| workflow.kind != WorkflowKind::Converter)
        .filter_map(|(_, reach)| reach.class)
}

/// Whether nothing is derived from a base, or made of it, but workflows.
fn is_base_of_workflows_alone(cx: &Context<'_>, base: ClassRef) -> bool {
    let project = cx.facts.project;
    let Some(module) = project.module(base.file) else {
        return false;
    };
    let name = module.index().class(base.ix).node.name.as_str();
    let files = cx.files_with(name);
    let names = cx.names_in(&files);
    let bases = cx.facts.reach.iter().flat_map(|it| &it.bases);
    let known: BTreeSet<ClassRef> = classes(cx.facts).chain(bases.copied()).collect();
    files.iter().all(|&file| {
        let Some(module) = project.module(file) else {
            return false;
        };
        let mut calls = Calls(Vec::new());
        calls.visit_body(&module.tree().body);
        let makes_it = |call: &&ast::ExprCall| {
            let function = module.index().function_containing(span_of(*call).start);
            names.resolve(file, function, &call.func)
                == Some(Resolved::Class {
                    file: base.file,
                    ix: base.ix,
                })
        };
        derived(cx, &names, file, base).all(|it| known.contains(&it))
            && !calls.0.iter().any(makes_it)
    })
}

/// Whether a class of the project has this one as a base.
pub(super) fn is_derived_from(cx: &Context<'_>, base: ClassRef) -> bool {
    let Some(module) = cx.facts.project.module(base.file) else {
        return false;
    };
    let files = cx.files_with(module.index().class(base.ix).node.name.as_str());
    let names = cx.names_in(&files);
    let mut files = files.iter();
    files.any(|&file| derived(cx, &names, file, base).next().is_some())
}

/// The classes of a file that have the given one as a base.
fn derived(
    cx: &Context<'_>,
    names: &Names<'_>,
    file: FileId,
    base: ClassRef,
) -> impl Iterator<Item = ClassRef> {
    let module = cx.facts.project.module(file);
    let count = module.map_or(0, |it| it.index().classes.len() as u32);
    let is_base = Base::Class {
        file: base.file,
        ix: base.ix,
    };
    (0..count)
        .map(move |ix| ClassRef { file, ix })
        .filter(move |it| *it != base && names.bases(file, it.ix).contains(&is_base))
}

struct Calls<'a>(Vec<&'a ast::ExprCall>);

impl<'a> Visitor<'a> for Calls<'a> {
    fn visit_expr(&mut self, expr: &'a Expr) {
        if let Expr::Call(call) = expr {
            self.0.push(call);
        }
        walk_expr(self, expr);
    }
}
