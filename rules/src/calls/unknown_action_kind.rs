use lint_core::diagnostic::{Diagnostic, Span};
use lint_core::rule::RuleMetadata;
use lint_core::suggest::closest;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::rule::{Context, Rule};
use crate::sites::{Entry, Gate};

/// ## What it does
/// Finds the `action` of `await_signal_with_action` without a `kind`, or with one that does not exist. The
/// kinds are `submit_file`, `submit_files`, `interactive_review` and `drill_down`.
///
/// ## Why is this bad?
/// The helper validates the action before it waits: the run ends with a `ValidationError` when it gets to
/// this gate.
///
/// ## Example
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class CollectLeaseWorkflow(NtroWorkflow):
///     def __init__(self) -> None:
///         super().__init__()
///         self._lease = ""
///
///     @runbook.signal
///     def document_submitted(self, payload: dict[str, str]) -> None:
///         self._lease = payload["document_ref"]
///
///     @runbook.step(name="collect", title="Collect lease", icon="Inbox")
///     async def _step_collect(self) -> str:
///         await self.await_signal_with_action(
///             predicate=lambda: bool(self._lease),
///             action={
///                 "kind": "upload_file",  # RB414
///                 "args": {
///                     "source": "lease",
///                     "signal_task_id": runbook.info().workflow_id,
///                     "signal_name": "document_submitted",
///                 },
///             },
///         )
///         return self._lease
///
///     @runbook.run
///     async def run(self, unit: str) -> str:
///         return await self._step_collect()
/// ```
///
/// ## Use instead
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class CollectLeaseWorkflow(NtroWorkflow):
///     def __init__(self) -> None:
///         super().__init__()
///         self._lease = ""
///
///     @runbook.signal
///     def document_submitted(self, payload: dict[str, str]) -> None:
///         self._lease = payload["document_ref"]
///
///     @runbook.step(name="collect", title="Collect lease", icon="Inbox")
///     async def _step_collect(self) -> str:
///         await self.await_signal_with_action(
///             predicate=lambda: bool(self._lease),
///             action={
///                 "kind": "submit_file",
///                 "args": {
///                     "source": "lease",
///                     "signal_task_id": runbook.info().workflow_id,
///                     "signal_name": "document_submitted",
///                 },
///             },
///         )
///         return self._lease
///
///     @runbook.run
///     async def run(self, unit: str) -> str:
///         return await self._step_collect()
/// ```
#[derive(RuleMetadata)]
#[rule(
    code = "RB414",
    severity = "error",
    category = "calls",
    since = "0.1.0",
    summary = "a gate advertises an action of no known kind"
)]
pub(crate) struct UnknownActionKind;

const KINDS: [&str; 4] = [
    "submit_file",
    "submit_files",
    "interactive_review",
    "drill_down",
];

impl Rule for UnknownActionKind {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let model = &cx.model;
        for gate in Gate::all(model) {
            let Some(action) = gate.action(model) else {
                continue;
            };
            let (file, span, message, help): (_, Span, _, _) = match action.entry("kind") {
                Entry::Unknown => continue,
                Entry::Missing => (
                    action.at.file,
                    span_of(action.node),
                    "the action of the gate has no `kind`".to_owned(),
                    "add `\"kind\"`: `submit_file`, `submit_files`, `interactive_review` or `drill_down`".to_owned(),
                ),
                Entry::Given(kind) => {
                    let text = kind.text(model);
                    let is_known = text.as_deref().is_none_or(|text| KINDS.contains(&text));
                    if is_known && !kind.value.is_none_literal_expr() {
                        continue;
                    }
                    let text = text.unwrap_or_else(|| "None".to_owned());
                    let help = match closest(&text, KINDS) {
                        Some(kind) => format!("did you mean `{kind}`?"),
                        None => {
                            "write `submit_file`, `submit_files`, `interactive_review` or `drill_down`".to_owned()
                        }
                    };
                    (
                        kind.file,
                        span_of(kind.value),
                        format!("`{}` is not a kind of action", text.replace('`', "'")),
                        help,
                    )
                }
            };
            let finding = Finding::new(&Self::METADATA, file, span, message)
                .help(help)
                .note("The gate raises a `ValidationError` before it opens.");
            match gate.site.runbook {
                Some(runbook) => finding.in_runbook(&model.runbooks[runbook]),
                None => finding,
            }
            .report(report);
        }
    }
}
