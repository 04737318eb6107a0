use lint_core::diagnostic::Diagnostic;
use lint_core::index::MODULE_BODY;
use lint_core::rule::RuleMetadata;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds runbook classes that are defined inside a function.
///
/// ## Why is this bad?
/// Temporal refuses them at import, "Local classes unsupported", and the platform looks for the class
/// at the top level of `templates/workflow.py`. LocalRuntime runs them.
///
/// ## Example
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// def make(title: str) -> type:
///     @runbook.defn
///     class SettleTradesWorkflow(NtroWorkflow):  # RB217
///         @runbook.step(name="settle", title="Settle trades", icon="Handshake")
///         async def _step_settle(self, context: dict) -> dict:
///             return {**context, "title": title}
///
///         @runbook.run
///         async def run(self, context: dict) -> dict:
///             return await self._step_settle(context)
///
///     return SettleTradesWorkflow
/// ```
///
/// ## Use instead
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class SettleTradesWorkflow(NtroWorkflow):
///     @runbook.step(name="settle", title="Settle trades", icon="Handshake")
///     async def _step_settle(self, context: dict) -> dict:
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_settle(context)
/// ```
#[derive(RuleMetadata)]
#[rule(
    code = "RB217",
    severity = "error",
    category = "contract",
    since = "0.1.0",
    summary = "a runbook class is defined inside a function"
)]
pub(crate) struct LocalClass;

impl Rule for LocalClass {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for runbook in &cx.model.runbooks {
            let Some(index) = cx.model.index(runbook.file) else {
                continue;
            };
            let parent = index.class(runbook.class).parent;
            if parent == MODULE_BODY || runbook.defn().is_none() {
                continue;
            }
            let function = code(&index.function(parent).qualname);
            let name = code(runbook.name);
            let message = format!("runbook {name} is defined inside function {function}");
            Finding::new(&Self::METADATA, runbook.file, runbook.name_span(), message)
                .in_runbook(runbook)
                .help("define it at the top level of the module")
                .report(report);
        }
    }
}
