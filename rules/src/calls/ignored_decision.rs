use std::collections::BTreeSet;

use lint_core::diagnostic::Diagnostic;
use lint_core::names::Resolved;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::Expr;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::model::{CallSite, Model, Usage};
use crate::rule::{Context, Rule};
use crate::sites::{Gate, shown_call};
use crate::variables::reads_name;

/// ## What it does
/// Finds calls of `wait_for_action` whose answer nobody looks at: a bare statement, a variable that is not
/// read, or a step that returns the answer to a caller who drops it.
///
/// ## Why is this bad?
/// The answer says whether the reviewer approved, rejected or corrected. The runbook goes on either way, so
/// a rejection counts as an approval.
///
/// ## Example
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class PostJournalsWorkflow(NtroWorkflow):
///     @runbook.step(name="review", title="Review journals", icon="Eye")
///     async def _step_review(self, journals: list[str]) -> None:
///         await self.wait_for_action(payload={"journals": journals})  # RB424
///
///     @runbook.run
///     async def run(self, journals: list[str]) -> list[str]:
///         await self._step_review(journals)
///         return journals
/// ```
///
/// ## Use instead
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class PostJournalsWorkflow(NtroWorkflow):
///     @runbook.step(name="review", title="Review journals", icon="Eye")
///     async def _step_review(self, journals: list[str]) -> bool:
///         decision = await self.wait_for_action(payload={"journals": journals})
///         return decision.get("type") == "approved"
///
///     @runbook.run
///     async def run(self, journals: list[str]) -> list[str]:
///         if not await self._step_review(journals):
///             return []
///         return journals
/// ```
/// Where there is nothing but one button to press, there is nothing to look at:
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class PostJournalsWorkflow(NtroWorkflow):
///     @runbook.step(name="acknowledge", title="Acknowledge", icon="Check")
///     async def _step_acknowledge(self, journals: list[str]) -> None:
///         await self.wait_for_action(
///             payload={"journals": journals},
///             display_hint={
///                 "component": "DATA_TABLE",
///                 "config": {"actions": [{"kind": "approve", "label": "Continue"}]},
///             },
///         )
///
///     @runbook.run
///     async def run(self, journals: list[str]) -> list[str]:
///         await self._step_acknowledge(journals)
///         return journals
/// ```
#[derive(RuleMetadata)]
#[rule(
    code = "RB424",
    severity = "warning",
    category = "calls",
    since = "0.1.0",
    summary = "a reviewer's decision is never read"
)]
pub(crate) struct IgnoredDecision;

impl Rule for IgnoredDecision {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let model = &cx.model;
        // Functions that give the decision to their caller.
        let mut passing = BTreeSet::new();
        for gate in Gate::all(model).filter(|gate| !gate.waits_for_signal) {
            if !gate.site.awaited || may_only_be_approved(model, &gate) {
                continue;
            }
            match fate(model, gate.site) {
                Fate::Dropped => report_drop(model, gate.site, None, report),
                Fate::PassedOn => {
                    passing.insert((gate.site.file, gate.site.function));
                }
                Fate::Used => {}
            }
        }
        let mut todo: Vec<_> = passing.iter().copied().collect();
        while let Some((file, function)) = todo.pop() {
            let callee = Resolved::Function { file, ix: function };
            let name = model
                .def(&callee)
                .map(|def| def.name.to_string())
                .unwrap_or_default();
            let callers = model
                .calls
                .iter()
                .filter(|site| site.callee.as_ref() == Some(&callee) && site.awaited);
            for site in callers {
                match fate(model, site) {
                    Fate::Dropped => report_drop(model, site, Some(&name), report),
                    Fate::PassedOn => {
                        if passing.insert((site.file, site.function)) {
                            todo.push((site.file, site.function));
                        }
                    }
                    Fate::Used => {}
                }
            }
        }
    }
}

enum Fate {
    Dropped,
    PassedOn,
    Used,
}

fn fate(model: &Model<'_>, site: &CallSite<'_>) -> Fate {
    match &site.usage {
        Usage::Discarded => Fate::Dropped,
        Usage::Assigned(Expr::Name(target)) if !site.collected => {
            if reads_name(model, site.file, site.function, target.id.as_str()) {
                Fate::Used
            } else {
                Fate::Dropped
            }
        }
        Usage::Returned if !site.collected => Fate::PassedOn,
        _ => Fate::Used,
    }
}

fn report_drop(
    model: &Model<'_>,
    site: &CallSite<'_>,
    through: Option<&str>,
    report: &mut Vec<Diagnostic>,
) {
    let call = shown_call(model, site.file, site.call);
    let message = match through {
        None => {
            format!("the answer of {call} is never read, so a rejection counts as an approval")
        }
        Some(_) => format!(
            "the reviewer's answer that {call} returns is never read, so a rejection counts as an approval"
        ),
    };
    let finding = Finding::new(
        &IgnoredDecision::METADATA,
        site.file,
        span_of(site.call),
        message,
    )
    .help("check `decision.get(\"type\")`, which is `\"approved\"` or `\"rejected\"`");
    match site.runbook {
        Some(runbook) => finding.in_runbook(&model.runbooks[runbook]),
        None => finding,
    }
    .report(report);
}

/// Whether the gate offers buttons, and none of them rejects.
fn may_only_be_approved(model: &Model<'_>, gate: &Gate<'_, '_>) -> bool {
    let actions = gate
        .hint(model)
        .and_then(|hint| hint.get("config"))
        .and_then(|config| config.dict(model))
        .and_then(|config| config.get("actions"));
    let Some((at, actions)) = actions.and_then(|actions| actions.elements(model)) else {
        return false;
    };
    let approves = |action| {
        // A subledger calls the button by `id`.
        let button = at.with(action).dict(model);
        let is_approve = |key| {
            let value = button.and_then(|button| button.get(key));
            value.and_then(|value| value.text(model)).as_deref() == Some("approve")
        };
        is_approve("kind") || is_approve("id")
    };
    !actions.is_empty() && actions.iter().all(approves)
}
