use lint_core::diagnostic::Diagnostic;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::icons::suggest;
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds steps that have no icon.
///
/// ## Why restrict this?
/// The icon is optional. A breadcrumb in which some steps have one and others do not looks unfinished,
/// so a team may want one everywhere.
///
/// ## Example
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class ArchiveFilesWorkflow(NtroWorkflow):
///     @runbook.step(name="archive", title="Archive files")  # RB309
///     async def _step_archive(self, context: dict) -> dict:
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_archive(context)
/// ```
///
/// ## Use instead
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class ArchiveFilesWorkflow(NtroWorkflow):
///     @runbook.step(name="archive", title="Archive files", icon="Archive")
///     async def _step_archive(self, context: dict) -> dict:
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_archive(context)
/// ```
#[derive(RuleMetadata)]
#[rule(
    code = "RB309",
    severity = "info",
    category = "steps",
    since = "0.1.0",
    default = false,
    summary = "a step has no icon"
)]
pub(crate) struct MissingIcon;

impl Rule for MissingIcon {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for class in cx.model.classes() {
            for step in &class.steps {
                let Some(call) = step
                    .mark
                    .call
                    .filter(|_| !step.unpacks && step.unknown.is_empty())
                else {
                    continue;
                };
                let is_missing = match &step.icon {
                    None => step.positional.is_empty(),
                    Some(icon) => icon.is_none() || icon.text.as_deref() == Some(""),
                };
                if !is_missing {
                    continue;
                }
                let message = format!("step {} has no icon", code(step.label()));
                let mut finding = Finding::new(&Self::METADATA, class.file, span_of(call), message)
                    .in_runbook(class);
                let title = step.title.as_ref().and_then(|it| it.text.as_deref());
                let words = title.unwrap_or(step.label());
                if let Some(icon) = suggest(words, 1).first() {
                    let argument = format!("icon=\"{icon}\"");
                    finding = finding.help(format!("add one, perhaps {}", code(&argument)));
                }
                finding.report(report);
            }
        }
    }
}
