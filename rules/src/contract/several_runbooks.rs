use lint_core::diagnostic::Diagnostic;
use lint_core::rule::RuleMetadata;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::model::Runbook;
use crate::rule::{Context, Rule};
use crate::runbook_md::cli::class_name;

/// ## What it does
/// Finds more than one `@runbook.defn` class in the `templates/workflow.py` of a bundle.
///
/// ## Why is this bad?
/// A bundle is one runbook: the platform looks up the one class that is named after the slug. The
/// others are not started by anything, and cannot be a child runbook either, because they have no slug.
///
/// ## Example
/// ```python path=close-month/templates/workflow.py
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class ReopenMonthWorkflow(NtroWorkflow):  # RB218
///     @runbook.step(name="reopen", title="Reopen month", icon="Unlock")
///     async def _step_reopen(self, context: dict) -> dict:
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_reopen(context)
///
///
/// @runbook.defn
/// class CloseMonthWorkflow(NtroWorkflow):
///     @runbook.step(name="close", title="Close month", icon="Lock")
///     async def _step_close(self, context: dict) -> dict:
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_close(context)
/// ```
///
/// ## Use instead
/// ```python path=templates/workflow.py
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class CloseMonthWorkflow(NtroWorkflow):
///     @runbook.step(name="close", title="Close month", icon="Lock")
///     async def _step_close(self, context: dict) -> dict:
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_close(context)
/// ```
#[derive(RuleMetadata)]
#[rule(
    code = "RB218",
    severity = "warning",
    category = "contract",
    since = "0.1.0",
    summary = "a bundle has more than one runbook class"
)]
pub(crate) struct SeveralRunbooks;

impl Rule for SeveralRunbooks {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for bundle in &cx.model.bundles {
            let found: Vec<&Runbook<'_>> = cx
                .model
                .runbooks
                .iter()
                .filter(|it| Some(it.file) == bundle.workflow && it.defn().is_some())
                .collect();
            let expected = class_name(&bundle.slug);
            let meant = found
                .iter()
                .position(|it| it.name == expected)
                .unwrap_or_default();
            for (i, runbook) in found.iter().enumerate() {
                if i == meant {
                    continue;
                }
                let message = format!(
                    "{} is a second runbook in the bundle of {}",
                    code(runbook.name),
                    code(found[meant].name)
                );
                Finding::new(&Self::METADATA, runbook.file, runbook.name_span(), message)
                    .in_runbook(runbook)
                    .help("give it a bundle of its own")
                    .report(report);
            }
        }
    }
}
