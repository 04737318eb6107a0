use lint_core::diagnostic::Diagnostic;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::rule::{Context, Rule};
use crate::sites::{Entry, Gate};

/// ## What it does
/// Finds a `display_hint` without `component`.
///
/// ## Why is this bad?
/// The gate validates its hint before it waits: the run ends with a `ValidationError` when it gets there.
///
/// ## Example
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class ReviewWorkflow(NtroWorkflow):
///     @runbook.step(name="review", title="Review", icon="Eye")
///     async def _step_review(self, totals: dict[str, float]) -> str:
///         decision = await self.wait_for_action(
///             payload=totals,
///             display_hint={"config": {"title": "Totals"}},  # RB417
///         )
///         return decision["type"]
///
///     @runbook.run
///     async def run(self, totals: dict[str, float]) -> str:
///         return await self._step_review(totals)
/// ```
///
/// ## Use instead
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class ReviewWorkflow(NtroWorkflow):
///     @runbook.step(name="review", title="Review", icon="Eye")
///     async def _step_review(self, totals: dict[str, float]) -> str:
///         decision = await self.wait_for_action(
///             payload=totals,
///             display_hint={"component": "DATA_TABLE", "config": {"title": "Totals"}},
///         )
///         return decision["type"]
///
///     @runbook.run
///     async def run(self, totals: dict[str, float]) -> str:
///         return await self._step_review(totals)
/// ```
#[derive(RuleMetadata)]
#[rule(
    code = "RB417",
    severity = "error",
    category = "calls",
    since = "0.1.0",
    summary = "a `display_hint` names no component"
)]
pub(crate) struct MissingHintComponent;

impl Rule for MissingHintComponent {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let model = &cx.model;
        for gate in Gate::all(model) {
            let Some(hint) = gate.hint(model) else {
                continue;
            };
            // `wait_for_action` takes an empty hint for none.
            let is_default = hint.node.items.is_empty() && !gate.waits_for_signal;
            let is_missing = match hint.entry("component") {
                Entry::Missing => !is_default,
                Entry::Given(component) => component.value.is_none_literal_expr(),
                Entry::Unknown => false,
            };
            if !is_missing {
                continue;
            }
            let message = "the `display_hint` of the gate has no `component`";
            let finding = Finding::new(&Self::METADATA, hint.at.file, span_of(hint.node), message)
                .help("add `\"component\"`, such as `\"DATA_TABLE\"` or `\"APPROVAL_FORM\"`")
                .note("The gate raises a `ValidationError` before it opens.");
            match gate.site.runbook {
                Some(runbook) => finding.in_runbook(&model.runbooks[runbook]),
                None => finding,
            }
            .report(report);
        }
    }
}
