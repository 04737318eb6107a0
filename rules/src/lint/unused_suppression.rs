use rules_macros::RuleMetadata;

/// ## What it does
/// Finds `# noqa: RB…` and `# runbook-lint: ignore[RB…]` comments that name a rule which finds
/// nothing there.
///
/// ## Why is this bad?
/// A suppression is a promise that somebody has looked. When the code has changed and the finding is
/// gone, the comment stays behind and will hide the next one, a real one, without a warning.
///
/// ## Example
/// ```python
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class StrikeNav:
///     @workflow.run
///     async def run(self, fund: str) -> str:
///         return workflow.now().isoformat()  # noqa: RB101  # RB001
/// ```
///
/// ## Use instead
/// ```python
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class StrikeNav:
///     @workflow.run
///     async def run(self, fund: str) -> str:
///         return workflow.now().isoformat()
/// ```
///
/// ## Fix
/// Safe: the comment loses the codes that quiet nothing, or goes. The code stays as it is.
///
/// ## Limits
/// A bare `# noqa` and codes of other tools are none of this rule's business, nor are codes of rules
/// that were not run.
#[derive(RuleMetadata)]
#[rule(
    code = "RB001",
    severity = "warning",
    category = "lint",
    since = "0.1.0",
    fix = "safe",
    summary = "a suppression that suppresses nothing"
)]
pub(crate) struct UnusedSuppression;
