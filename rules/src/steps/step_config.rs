use lint_core::diagnostic::Diagnostic;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::Expr;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds a `config=` of a step that is not a dictionary.
///
/// ## Why is this bad?
/// The argument is declared as a dictionary of further metadata. Nothing checks it, and code that reads
/// it fails later.
///
/// ## Example
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class LodgeFilingWorkflow(NtroWorkflow):
///     @runbook.step(
///         name="lodge",
///         title="Lodge filing",
///         icon="Stamp",
///         config=["audience", "regulator"],  # RB319
///     )
///     async def _step_lodge(self, context: dict) -> dict:
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_lodge(context)
/// ```
///
/// ## Use instead
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class LodgeFilingWorkflow(NtroWorkflow):
///     @runbook.step(
///         name="lodge",
///         title="Lodge filing",
///         icon="Stamp",
///         config={"audience": "regulator"},
///     )
///     async def _step_lodge(self, context: dict) -> dict:
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_lodge(context)
/// ```
///
/// ## Limits
/// Only what is plainly something else is reported: a string, a number, a list, a tuple or a set. A
/// variable or a call may well give a dictionary.
#[derive(RuleMetadata)]
#[rule(
    code = "RB319",
    severity = "warning",
    category = "steps",
    since = "0.1.0",
    summary = "the `config` of a step is not a dictionary"
)]
pub(crate) struct StepConfig;

impl Rule for StepConfig {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for class in cx.model.classes() {
            for step in &class.steps {
                let Some(config) = &step.config else {
                    continue;
                };
                let kind = match config.value {
                    Expr::StringLiteral(_) | Expr::FString(_) => "a string",
                    Expr::BytesLiteral(_) => "a byte string",
                    Expr::NumberLiteral(_) => "a number",
                    Expr::BooleanLiteral(_) => "a truth value",
                    Expr::List(_) | Expr::ListComp(_) => "a list",
                    Expr::Tuple(_) => "a tuple",
                    Expr::Set(_) | Expr::SetComp(_) => "a set",
                    Expr::Lambda(_) => "a function",
                    _ => continue,
                };
                let message = format!(
                    "the `config` of step {} is {kind}, not a dictionary",
                    code(step.label())
                );
                let span = span_of(config.value);
                Finding::new(&Self::METADATA, class.file, span, message)
                    .in_runbook(class)
                    .help("write a dictionary, or leave it out")
                    .report(report);
            }
        }
    }
}
