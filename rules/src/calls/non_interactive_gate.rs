use lint_core::diagnostic::Diagnostic;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::model::Model;
use crate::rule::{Context, Rule};
use crate::sites::{Dict, Entry, Gate, Written};

/// ## What it does
/// Finds gates that wait for a person and show a component which only shows: `LOADING`, `SUMMARY` or
/// `REPORT_PREVIEW` as the `display_hint` of `wait_for_action` or `await_signal_with_action`.
///
/// ## Why is this bad?
/// These components take no answer. The runbook waits for a decision that the UI does not let anybody
/// make.
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
///             display_hint={"component": "SUMMARY"},  # RB419
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
///             display_hint={"component": "APPROVAL_FORM"},
///         )
///         return decision["type"]
///
///     @runbook.run
///     async def run(self, totals: dict[str, float]) -> str:
///         return await self._step_review(totals)
/// ```
///
/// ## Limits
/// `REPORT_PREVIEW` is not reported if the `config` has `actions`, `approve_label` or `reject_label`: the SDK
/// documents it with these buttons.
#[derive(RuleMetadata)]
#[rule(
    code = "RB419",
    severity = "warning",
    category = "calls",
    since = "0.1.0",
    summary = "a gate waits for an answer with a component that takes none"
)]
pub(crate) struct NonInteractiveGate;

impl Rule for NonInteractiveGate {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let model = &cx.model;
        for gate in Gate::all(model) {
            let Some(hint) = gate.hint(model) else {
                continue;
            };
            let Some(component) = hint.get("component") else {
                continue;
            };
            let Some(name) = name(model, component) else {
                continue;
            };
            let takes_answers = match name.as_str() {
                "LOADING" | "SUMMARY" => false,
                // The SDK documents it with buttons below.
                "REPORT_PREVIEW" => may_have_buttons(model, hint),
                _ => true,
            };
            if takes_answers {
                continue;
            }
            let message =
                format!("the gate waits for an answer, but its component `{name}` takes none");
            let instead = if gate.waits_for_signal {
                "use a component that takes an answer: `FILE_UPLOAD` or `DATA_TABLE`"
            } else {
                "use a component that takes an answer: `APPROVAL_FORM` or `DATA_TABLE`"
            };
            let finding = Finding::new(
                &Self::METADATA,
                component.file,
                span_of(component.value),
                message,
            )
            .help(instead);
            match gate.site.runbook {
                Some(runbook) => finding.in_runbook(&model.runbooks[runbook]),
                None => finding,
            }
            .report(report);
        }
    }
}

fn name(model: &Model<'_>, component: Written<'_>) -> Option<String> {
    component.text(model).or_else(|| {
        let resolved = model
            .names
            .resolve(component.file, component.function, component.value)?;
        let name = resolved
            .external()?
            .strip_prefix("ntro.workflow.UIComponent.")?;
        Some(name.strip_suffix(".value").unwrap_or(name).to_owned())
    })
}

fn may_have_buttons(model: &Model<'_>, hint: Dict<'_>) -> bool {
    let config = match hint.entry("config") {
        Entry::Missing => return false,
        Entry::Unknown => return true,
        Entry::Given(config) => config.dict(model),
    };
    let Some(config) = config else {
        return true;
    };
    let is_given = |key: &str| match config.entry(key) {
        Entry::Missing => false,
        Entry::Unknown => true,
        // An empty list is no button.
        Entry::Given(it) => it.elements(model).is_none_or(|(_, all)| !all.is_empty()),
    };
    ["actions", "approve_label", "reject_label"]
        .into_iter()
        .any(is_given)
}
