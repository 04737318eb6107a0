use lint_core::diagnostic::Diagnostic;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::Expr;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds names, titles and icons of steps that are not written as a string.
///
/// ## Why is this bad?
/// The metadata of a step is read from the class, long before a task runs: it cannot depend on the
/// task. A name that is computed is also one that no reader, no search and no linter can compare with
/// `runbook.md`.
///
/// ## Example
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// def label(text: str) -> str:
///     return text.title()
///
///
/// @runbook.defn
/// class RebalanceWorkflow(NtroWorkflow):
///     @runbook.step(name="rebalance", title=label("rebalance"), icon="Scale")  # RB306
///     async def _step_rebalance(self, context: dict) -> dict:
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_rebalance(context)
/// ```
///
/// ## Use instead
/// A literal, or a constant of the bundle:
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
/// REBALANCE = "rebalance"
///
///
/// @runbook.defn
/// class RebalanceWorkflow(NtroWorkflow):
///     @runbook.step(name=REBALANCE, title="Rebalance", icon="Scale")
///     async def _step_rebalance(self, context: dict) -> dict:
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_rebalance(context)
/// ```
#[derive(RuleMetadata)]
#[rule(
    code = "RB306",
    severity = "warning",
    category = "steps",
    since = "0.1.0",
    summary = "the metadata of a step is not written as a string"
)]
pub(crate) struct DynamicStepMetadata;

impl Rule for DynamicStepMetadata {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for class in cx.model.classes() {
            for step in &class.steps {
                let arguments = [
                    ("name", &step.name),
                    ("title", &step.title),
                    ("icon", &step.icon),
                ];
                for (key, argument) in arguments {
                    let Some(argument) = argument.as_ref().filter(|it| it.text.is_none()) else {
                        continue;
                    };
                    if key == "icon" && argument.is_none() {
                        continue;
                    }
                    let method = code(step.node.name.as_str());
                    let is_value = matches!(
                        argument.value,
                        Expr::NumberLiteral(_)
                            | Expr::BooleanLiteral(_)
                            | Expr::NoneLiteral(_)
                            | Expr::BytesLiteral(_)
                            | Expr::List(_)
                            | Expr::Dict(_)
                            | Expr::Tuple(_)
                            | Expr::Set(_)
                    );
                    let message = if is_value {
                        format!("the {key} of step {method} is not a string")
                    } else {
                        format!("the {key} of step {method} is computed, so it cannot be checked")
                    };
                    let span = span_of(argument.value);
                    Finding::new(&Self::METADATA, class.file, span, message)
                        .in_runbook(class)
                        .help("write it as a string literal")
                        .report(report);
                }
            }
        }
    }
}
