use lint_core::diagnostic::{Diagnostic, Impact};
use lint_core::facts::{Facade, Workflow, WorkflowKind};
use lint_core::rule::RuleMetadata;
use rules_macros::RuleMetadata;

use crate::contract::may_be_given;
use crate::hazard::code;
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds workflow classes without a method that is known to be marked by `@workflow.run`.
///
/// ## Why is this bad?
/// Temporal refuses such a class when it is imported: "Missing @workflow.run method", or, if a base
/// has one, "@workflow.run method run must be defined on AccrueFees". If it is imported all the same,
/// the method is marked by code that the analysis does not see, such as a decorator of an installed
/// package. Then nothing that it runs is checked, and the silence about it means nothing.
///
/// ## Example
/// ```python
/// from acme_platform import traced
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class AccrueFees:  # RB004
///     @traced.entry
///     async def start(self, nav: float) -> float:
///         return nav * 0.015 / 12
/// ```
///
/// ## Use instead
/// Say under `entry-points.decorators` in the configuration that `acme_platform.traced.entry` stands
/// for `run`, or use the decorator of the SDK:
/// ```python
/// from acme_platform import traced
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class AccrueFees:
///     @traced.entry
///     @workflow.run
///     async def start(self, nav: float) -> float:
///         return nav * 0.015 / 12
/// ```
#[derive(RuleMetadata)]
#[rule(
    code = "RB004",
    severity = "warning",
    category = "lint",
    since = "0.1.0",
    summary = "a workflow class has no run method that is recognised, so it is not checked"
)]
pub(crate) struct WorkflowNotEntered;

impl Rule for WorkflowNotEntered {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        // A syntax error is an error of its own.
        let is_whole = |file| {
            let module = cx.facts.project.module(file);
            module.is_some_and(|module| module.errors.is_empty())
        };
        let classes = cx.facts.workflows.iter().filter(|it| {
            it.kind == WorkflowKind::Class
                && it.is_defined
                && (it.inherits_run || !it.is_entered())
                && !is_said_elsewhere(cx, it)
                && is_whole(it.place.file)
        });
        for workflow in classes {
            let name = code(workflow.name.rsplit('.').next().unwrap_or(&workflow.name));
            let (message, help) = if workflow.inherits_run {
                (
                    format!(
                        "workflow {name} only inherits its `@workflow.run` method, so Temporal refuses to import it"
                    ),
                    "define the method in the class itself; it may call `super().run()`",
                )
            } else {
                (
                    format!(
                        "workflow {name} has no method that is known to be its `@workflow.run`, so what it runs is not checked"
                    ),
                    "mark the method with `@workflow.run`, or name its decorator under `entry-points.decorators` in the configuration",
                )
            };
            report.push(Diagnostic {
                code: Self::METADATA.code,
                name: Self::METADATA.name,
                severity: Self::METADATA.severity,
                message,
                help: Some(help.to_owned()),
                notes: Vec::new(),
                place: workflow.place,
                workflow: Some(workflow.name.clone()),
                entry: None,
                culprit: None,
                subject: None,
                impact: Impact::Unknown,
                trace: Vec::new(),
                fixes: Vec::new(),
            });
        }
    }
}

/// A runbook that surely has no run method of its own is an error of its own.
fn is_said_elsewhere(cx: &Context<'_>, workflow: &Workflow) -> bool {
    match workflow.facade {
        Facade::Temporal => false,
        Facade::Other => true,
        Facade::Runbook => {
            let mut runbooks = cx.model.runbooks.iter();
            let found = runbooks
                .find(|it| (it.file, it.name_span()) == (workflow.place.file, workflow.place.span));
            !found.is_some_and(may_be_given)
        }
    }
}
