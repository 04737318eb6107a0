use lint_core::diagnostic::{Applicability, Diagnostic, Span};
use lint_core::rule::RuleMetadata;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::model::Derives;
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds runbook classes that do not inherit from `NtroWorkflow`.
///
/// ## Why is this bad?
/// The base class holds the state that steps keep and answers the queries that the UI sends. Without
/// it the first step fails with an `AttributeError`, in production as in tests, and the task shows no
/// breadcrumb at all.
///
/// ## Example
/// ```python
/// from ntro.workflow import runbook
///
///
/// @runbook.defn
/// class StrikeNavWorkflow:  # RB201
///     @runbook.step(name="strike", title="Strike NAV", icon="Calculator")
///     async def _step_strike(self, context: dict) -> dict:
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_strike(context)
/// ```
///
/// ## Use instead
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class StrikeNavWorkflow(NtroWorkflow):
///     @runbook.step(name="strike", title="Strike NAV", icon="Calculator")
///     async def _step_strike(self, context: dict) -> dict:
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_strike(context)
/// ```
/// A base class of your own may stand in between:
/// ```python path=templates/workflow.py
/// from ntro.workflow import runbook
///
/// from .base import FundWorkflow
///
///
/// @runbook.defn
/// class StrikeNavWorkflow(FundWorkflow):
///     @runbook.step(name="strike", title="Strike NAV", icon="Calculator")
///     async def _step_strike(self, context: dict) -> dict:
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_strike(context)
/// ```
/// ```python path=templates/base.py
/// from ntro.workflow import NtroWorkflow
///
///
/// class FundWorkflow(NtroWorkflow):
///     """What all runbooks of our funds have in common."""
/// ```
///
/// ## Fix
/// Safe: the class is derived from `NtroWorkflow`, which it needs to run at all.
///
/// ## Limits
/// A class with a base that is not part of the project is taken to be right.
#[derive(RuleMetadata)]
#[rule(
    code = "RB201",
    severity = "error",
    category = "contract",
    since = "0.1.0",
    fix = "safe",
    summary = "a runbook class does not inherit from `NtroWorkflow`"
)]
pub(crate) struct MissingBaseClass;

impl Rule for MissingBaseClass {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for runbook in &cx.model.runbooks {
            if runbook.derives != Derives::No || runbook.defn().is_none() {
                continue;
            }
            let span = runbook.name_span();
            let name = code(runbook.name);
            let message = format!("runbook {name} does not inherit from `NtroWorkflow`");
            let mut finding = Finding::new(&Self::METADATA, runbook.file, span, message)
                .in_runbook(runbook)
                .help(format!("write `class {}(NtroWorkflow):`", runbook.name));
            let base = cx
                .model
                .name_for(runbook.file, "ntro.workflow.NtroWorkflow");
            if let (Some(base), None) = (base, &runbook.node.arguments) {
                let after = Span::new(span.end, span.end);
                let title = format!("inherit from `{base}`");
                let inserted = format!("({base})");
                finding = finding.replace(title, Applicability::Safe, after, inserted);
            }
            finding.report(report);
        }
    }
}
