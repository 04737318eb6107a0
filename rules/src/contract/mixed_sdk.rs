use lint_core::diagnostic::{Applicability, Diagnostic, Severity};
use lint_core::knowledge::Role;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::model::{Mark, Runbook, Sdk};
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds classes that mix the decorators of `temporalio.workflow` with those of `runbook`.
///
/// ## Why is this bad?
/// Outside a Temporal worker the facade's decorators leave no mark that `temporalio` knows.
/// `@workflow.defn` then looks for `@workflow.run`, does not find it and fails: the bundle can be
/// imported only where `TEMPORAL_HOST` is set, so it cannot be tested locally. This is an error. The
/// other mixtures work, but are halves of a migration: a warning.
///
/// ## Example
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
/// from temporalio import workflow
///
///
/// @workflow.defn  # RB214
/// class RollForwardWorkflow(NtroWorkflow):
///     @runbook.step(name="roll", title="Roll forward", icon="FastForward")
///     async def _step_roll(self, context: dict) -> dict:
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_roll(context)
/// ```
///
/// ## Use instead
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class RollForwardWorkflow(NtroWorkflow):
///     @runbook.step(name="roll", title="Roll forward", icon="FastForward")
///     async def _step_roll(self, context: dict) -> dict:
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_roll(context)
/// ```
///
/// ## Fix
/// Safe: the decorator of the other SDK is replaced by that of the facade, which does the same.
#[derive(RuleMetadata)]
#[rule(
    code = "RB214",
    severity = "error",
    category = "contract",
    since = "0.1.0",
    fix = "safe",
    summary = "a class mixes decorators of `temporalio` and of the facade"
)]
pub(crate) struct MixedSdk;

impl Rule for MixedSdk {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for runbook in &cx.model.runbooks {
            let Some(defn) = runbook.defn() else {
                continue;
            };
            // Steps come from ntro in either case.
            let roles = [Role::Run, Role::Signal, Role::Query, Role::Update];
            let methods = runbook.methods.iter().flat_map(|method| &method.marks);
            let others: Vec<&Mark<'_>> = methods
                .filter(|mark| roles.contains(&mark.role) && mark.sdk != Sdk::Unbound)
                .collect();
            match defn.sdk {
                Sdk::Temporal => {
                    let run = others
                        .iter()
                        .find(|mark| mark.role == Role::Run && mark.sdk == Sdk::Ntro);
                    if run.is_some() {
                        let message = format!(
                            "{} does not find `@runbook.run` where `TEMPORAL_HOST` is not set",
                            written(cx, runbook, defn)
                        );
                        finding(cx, runbook, defn, message)
                            .note("The class can then not even be imported.")
                            .report(report);
                    } else if let Some(other) = others.iter().find(|mark| mark.sdk == Sdk::Ntro) {
                        report_half(cx, runbook, defn, other, report);
                    }
                }
                Sdk::Ntro => {
                    for mark in others {
                        if mark.sdk == Sdk::Temporal {
                            report_half(cx, runbook, mark, defn, report);
                        }
                    }
                }
                Sdk::Unbound => {}
            }
        }
    }
}

fn report_half(
    cx: &Context<'_>,
    runbook: &Runbook<'_>,
    temporal: &Mark<'_>,
    other: &Mark<'_>,
    report: &mut Vec<Diagnostic>,
) {
    let message = format!(
        "runbook {} mixes {} with {}",
        code(runbook.name),
        written(cx, runbook, temporal),
        written(cx, runbook, other)
    );
    finding(cx, runbook, temporal, message)
        .severity(Severity::Warning)
        .report(report);
}

/// A finding at a decorator of temporalio, with the decorator of the facade in its place.
fn finding(cx: &Context<'_>, runbook: &Runbook<'_>, mark: &Mark<'_>, message: String) -> Finding {
    let span = span_of(&mark.node.expression);
    let member = mark.member();
    let facade = cx.model.name_for(runbook.file, "ntro.workflow.runbook");
    let better = format!("{}.{member}", facade.unwrap_or("runbook"));
    let finding = Finding::new(&MixedSdk::METADATA, runbook.file, span, message)
        .in_runbook(runbook)
        .help(format!("write {}", code(&format!("@{better}"))));
    match facade {
        Some(_)
            if matches!(
                mark.role,
                Role::WorkflowClass | Role::Run | Role::Signal | Role::Query
            ) =>
        {
            finding.replace(
                format!("replace it with `@{better}`"),
                Applicability::Safe,
                span_of(mark.callee()),
                better,
            )
        }
        _ => finding,
    }
}

fn written(cx: &Context<'_>, runbook: &Runbook<'_>, mark: &Mark<'_>) -> String {
    let callee = cx.model.slice(runbook.file, span_of(mark.callee()));
    code(&format!("@{callee}"))
}
