use lint_core::diagnostic::{Applicability, Diagnostic, Severity};
use lint_core::rule::RuleMetadata;
use lint_core::suggest::closest;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::{Finding, plain_content};
use crate::model::Model;
use crate::rule::{Context, Rule};
use crate::sites::{Gate, Written};

/// ## What it does
/// Finds a `component` in a `display_hint` that the SDK does not know. It knows `APPROVAL_FORM`,
/// `DATA_TABLE`, `FILE_UPLOAD`, `LOADING`, `MULTI_FILE_UPLOAD`, `REPORT_PREVIEW` and `SUMMARY`.
///
/// ## Why is this bad?
/// Any text is accepted at run time, and the UI looks it up in its registry. A misspelled component is not
/// found there, so nobody sees what there is to decide.
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
///             display_hint={"component": "DataTable"},  # RB418
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
///             display_hint={"component": "DATA_TABLE"},
///         )
///         return decision["type"]
///
///     @runbook.run
///     async def run(self, totals: dict[str, float]) -> str:
///         return await self._step_review(totals)
/// ```
///
/// ## Fix
/// Unsafe: the component with the most similar name may not be the one that was meant.
///
/// ## Limits
/// A tenant's UI may know components of its own.
#[derive(RuleMetadata)]
#[rule(
    code = "RB418",
    severity = "warning",
    category = "calls",
    since = "0.1.0",
    fix = "unsafe",
    summary = "a `display_hint` names a component that the SDK does not know"
)]
pub(crate) struct UnknownHintComponent;

pub const COMPONENTS: [&str; 7] = [
    "APPROVAL_FORM",
    "DATA_TABLE",
    "FILE_UPLOAD",
    "LOADING",
    "MULTI_FILE_UPLOAD",
    "REPORT_PREVIEW",
    "SUMMARY",
];

impl Rule for UnknownHintComponent {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let model = &cx.model;
        for gate in Gate::all(model) {
            let component = gate.hint(model).and_then(|hint| hint.get("component"));
            let Some(component) = component else {
                continue;
            };
            let finding =
                unknown_text(model, component).or_else(|| unknown_member(model, component));
            let Some(finding) = finding else {
                continue;
            };
            match gate.site.runbook {
                Some(runbook) => finding.in_runbook(&model.runbooks[runbook]),
                None => finding,
            }
            .report(report);
        }
    }
}

fn unknown_text(model: &Model<'_>, component: Written<'_>) -> Option<Finding> {
    let text = component.text(model)?;
    if COMPONENTS.contains(&text.as_str()) {
        return None;
    }
    let same = COMPONENTS
        .into_iter()
        .find(|known| letters(known) == letters(&text));
    let suggestion = same
        .or_else(|| {
            COMPONENTS
                .into_iter()
                .find(|known| !text.is_empty() && known.starts_with(text.as_str()))
        })
        .or_else(|| closest(&text, COMPONENTS));
    let message = format!(
        "`{}` is not a component that the SDK knows",
        text.replace('`', "'")
    );
    let span = span_of(component.value);
    let rule = &UnknownHintComponent::METADATA;
    let finding = Finding::new(rule, component.file, span, message);
    let finding = match suggestion {
        Some(known) => finding.help(format!("did you mean `{known}`?")),
        None => finding.help(format!("it knows {}", list())),
    };
    let content = plain_content(component.value, model.slice(component.file, span));
    Some(match (same, content) {
        (Some(known), Some(content)) => {
            let title = format!("write `{known}`");
            finding.replace(title, Applicability::Unsafe, content, known)
        }
        _ => finding,
    })
}

/// `UIComponent.X` for an `X` that the enumeration does not have.
fn unknown_member(model: &Model<'_>, component: Written<'_>) -> Option<Finding> {
    let resolved = model
        .names
        .resolve(component.file, component.function, component.value)?;
    let name = resolved
        .external()?
        .strip_prefix("ntro.workflow.UIComponent.")?;
    let name = name.strip_suffix(".value").unwrap_or(name);
    let is_member = |name: &str| COMPONENTS.contains(&name) && name != "MULTI_FILE_UPLOAD";
    if is_member(name) || name.contains('.') {
        return None;
    }
    let message = format!("`UIComponent` has no member `{name}`");
    let rule = &UnknownHintComponent::METADATA;
    let finding = Finding::new(rule, component.file, span_of(component.value), message);
    let finding = if COMPONENTS.contains(&name) {
        finding.help(format!(
            "write the text `\"{name}\"`, which the enumeration lacks"
        ))
    } else {
        match closest(name, COMPONENTS) {
            Some(known) => finding.help(format!("did you mean `{known}`?")),
            None => finding.help(format!("it has {}", list())),
        }
    };
    Some(finding.severity(Severity::Error))
}

fn letters(name: &str) -> String {
    let kept = name.chars().filter(char::is_ascii_alphanumeric);
    kept.map(|c| c.to_ascii_lowercase()).collect()
}

fn list() -> String {
    COMPONENTS.map(|name| format!("`{name}`")).join(", ")
}
