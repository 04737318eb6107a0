use lint_core::diagnostic::{Applicability, Diagnostic, Span};
use lint_core::index::MODULE_BODY;
use lint_core::knowledge::Role;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::model::Derives;
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds classes that inherit from `NtroWorkflow` and have steps or a run method, but no
/// `@runbook.defn`.
///
/// ## Why is this bad?
/// The decorator is what registers the class. LocalRuntime does not need it, so the runbook passes
/// its tests; a Temporal worker does not know the class and no task of it ever starts.
///
/// ## Example
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// class AccrueFeesWorkflow(NtroWorkflow):  # RB202
///     @runbook.step(name="accrue", title="Accrue fees", icon="Percent")
///     async def _step_accrue(self, context: dict) -> dict:
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_accrue(context)
/// ```
///
/// ## Use instead
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class AccrueFeesWorkflow(NtroWorkflow):
///     @runbook.step(name="accrue", title="Accrue fees", icon="Percent")
///     async def _step_accrue(self, context: dict) -> dict:
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_accrue(context)
/// ```
///
/// ## Fix
/// Safe: the decorator is added, without which the class is not registered.
///
/// ## Limits
/// A class that another class of the project inherits from is taken for a mere base class, and one
/// with a decorator that is not known is left alone.
#[derive(RuleMetadata)]
#[rule(
    code = "RB202",
    severity = "error",
    category = "contract",
    since = "0.1.0",
    fix = "safe",
    summary = "a runbook class lacks `@runbook.defn`"
)]
pub(crate) struct MissingDefn;

impl Rule for MissingDefn {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for runbook in &cx.model.runbooks {
            let has_run = runbook
                .methods
                .iter()
                .any(|it| it.mark(Role::Run).is_some());
            let is_concrete = has_run || !runbook.steps.is_empty();
            // A decorator that is not known may register the class.
            let is_decorated = !runbook.node.decorator_list.is_empty();
            if runbook.derives != Derives::Yes || runbook.is_base || !is_concrete || is_decorated {
                continue;
            }
            let name = code(runbook.name);
            let message =
                format!("runbook {name} lacks `@runbook.defn`, so no worker registers it");
            let span = runbook.name_span();
            let mut finding = Finding::new(&Self::METADATA, runbook.file, span, message)
                .in_runbook(runbook)
                .help("decorate the class with `@runbook.defn`");
            let facade = cx.model.name_for(runbook.file, "ntro.workflow.runbook");
            let class = cx
                .model
                .index(runbook.file)
                .map(|it| it.class(runbook.class));
            let is_top_level =
                class.is_some_and(|it| it.parent == MODULE_BODY && it.outer.is_none());
            if let (Some(facade), true) = (facade, is_top_level) {
                let start = span_of(runbook.node).start;
                finding = finding.replace(
                    format!("add `@{facade}.defn`"),
                    Applicability::Safe,
                    Span::new(start, start),
                    format!("@{facade}.defn\n"),
                );
            }
            finding.report(report);
        }
    }
}
