use lint_core::diagnostic::Diagnostic;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds steps whose name or title is blank, and names that contain a colon.
///
/// ## Why is this bad?
/// A step without a name is dropped from the breadcrumb, one without a title shows as a blank entry.
/// The name becomes part of the ids of child runbooks, `task:step:child`, which the platform and many
/// runbooks split at the colons again: a colon in the name sends signals and documents astray. Nothing
/// of this is checked at run time.
///
/// ## Example
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class PayVendorsWorkflow(NtroWorkflow):
///     @runbook.step(name="", title="Collect invoices", icon="Inbox")  # RB303
///     async def _step_collect(self, context: dict) -> dict:
///         return context
///
///     @runbook.step(name="pay:vendors", title="Pay vendors", icon="Banknote")  # RB303
///     async def _step_pay(self, context: dict) -> dict:
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         context = await self._step_collect(context)
///         return await self._step_pay(context)
/// ```
///
/// ## Use instead
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class PayVendorsWorkflow(NtroWorkflow):
///     @runbook.step(name="collect", title="Collect: invoices", icon="Inbox")
///     async def _step_collect(self, context: dict) -> dict:
///         return context
///
///     @runbook.step(name="pay_vendors", title="Pay vendors", icon="Banknote")
///     async def _step_pay(self, context: dict) -> dict:
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         context = await self._step_collect(context)
///         return await self._step_pay(context)
/// ```
#[derive(RuleMetadata)]
#[rule(
    code = "RB303",
    severity = "error",
    category = "steps",
    since = "0.1.0",
    summary = "the name or title of a step is blank, or the name contains a colon"
)]
pub(crate) struct InvalidStepText;

impl Rule for InvalidStepText {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for class in cx.model.classes() {
            for step in &class.steps {
                let method = code(step.node.name.as_str());
                let arguments = [("name", &step.name), ("title", &step.title)];
                for (key, argument) in arguments {
                    let Some(argument) = argument else {
                        continue;
                    };
                    let finding = |message: String| {
                        let span = span_of(argument.value);
                        Finding::new(&Self::METADATA, class.file, span, message).in_runbook(class)
                    };
                    match argument.text.as_deref() {
                        Some(text) if text.trim().is_empty() => {
                            let effect = if key == "name" {
                                "so it is missing from the breadcrumb"
                            } else {
                                "so its entry in the breadcrumb is blank"
                            };
                            finding(format!("the {key} of step {method} is blank, {effect}"))
                                .help(format!("give it a {key}"))
                                .report(report);
                        }
                        Some(text) if key == "name" && text.contains(':') => {
                            finding(format!("step name {} contains a colon", code(text)))
                                .help("use an underscore")
                                .note("Ids of child runbooks are split at colons.")
                                .report(report);
                        }
                        _ => {}
                    }
                }
            }
        }
    }
}
