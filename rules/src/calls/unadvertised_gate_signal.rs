use lint_core::diagnostic::Diagnostic;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::rule::{Context, Rule};
use crate::sites::{Entry, Gate};

/// ## What it does
/// Finds a gate that asks for a file but does not say how to hand it in: an `action` with
/// `"kind": "submit_file"` and without `signal_name` or `signal_task_id` in its `args`.
///
/// ## Why is this bad?
/// The UI, agents and the test harness look there for the signal to send and for the task to send it to.
/// Without a name the harness waits until its time is up, and an upload reaches nobody.
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
///             action={"kind": "submit_file", "args": {"source": "lease"}},  # RB416
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
    code = "RB416",
    severity = "warning",
    category = "calls",
    since = "0.1.0",
    summary = "a gate asks for a file but does not say which signal delivers it"
)]
pub(crate) struct UnadvertisedGateSignal;

impl Rule for UnadvertisedGateSignal {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let model = &cx.model;
        for gate in Gate::all(model) {
            let Some(action) = gate.action(model) else {
                continue;
            };
            let kind = action.get("kind").and_then(|kind| kind.text(model));
            if kind.as_deref() != Some("submit_file") {
                continue;
            }
            let (dict, missing) = match action.entry("args") {
                Entry::Unknown => continue,
                Entry::Missing => (action, vec!["signal_name", "signal_task_id"]),
                Entry::Given(arguments) => {
                    let Some(arguments) = arguments.dict(model) else {
                        continue;
                    };
                    let is_missing = |key: &&str| matches!(arguments.entry(key), Entry::Missing);
                    let keys = ["signal_name", "signal_task_id"];
                    (arguments, keys.into_iter().filter(is_missing).collect())
                }
            };
            if missing.is_empty() {
                continue;
            }
            let names: Vec<_> = missing.iter().map(|name| format!("`{name}`")).collect();
            let names = names.join(" and ");
            let message = format!("the gate asks for a file, but its `args` do not give {names}");
            let finding = Finding::new(&Self::METADATA, dict.at.file, span_of(dict.node), message).help(
                "add `\"signal_name\"` with a signal of the runbook, and `\"signal_task_id\": runbook.info().workflow_id`",
            );
            match gate.site.runbook {
                Some(runbook) => finding.in_runbook(&model.runbooks[runbook]),
                None => finding,
            }
            .report(report);
        }
    }
}
