use lint_core::diagnostic::Diagnostic;
use lint_core::rule::RuleMetadata;
use rules_macros::RuleMetadata;

use crate::hazard;
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds `eval()`, `exec()`, `pickle.loads()`, foreign functions, stack inspection and similar ways
/// around the source text.
///
/// ## Why restrict this?
/// What such code does cannot be seen in the source, so this tool cannot say anything about it, and it
/// may change with a deployment or a data file. A formula that is evaluated may read a clock.
///
/// ## Example
/// ```python
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class ComputeFee:
///     @workflow.run
///     async def run(self, formula: str) -> float:
///         return eval(formula)  # RB123
/// ```
///
/// ## Use instead
/// Write down what there is to choose from:
/// ```python
/// from temporalio import workflow
///
///
/// def flat(nav: float) -> float:
///     return 1_000.0
///
///
/// def annual(nav: float) -> float:
///     return nav * 0.015
///
///
/// FORMULAS = {"flat": flat, "annual": annual}
///
///
/// @workflow.defn
/// class ComputeFee:
///     @workflow.run
///     async def run(self, formula: str) -> float:
///         return FORMULAS[formula](1_000_000.0)
/// ```
#[derive(RuleMetadata)]
#[rule(
    code = "RB123",
    severity = "warning",
    category = "determinism",
    since = "0.1.0",
    summary = "workflow code runs code that cannot be checked",
    default = false
)]
pub(crate) struct DynamicCode;

impl Rule for DynamicCode {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn classes(&self) -> &'static [&'static str] {
        &["dynamic"]
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        hazard::report_apis(self, cx.facts, report);
    }
}
