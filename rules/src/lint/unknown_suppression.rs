use rules_macros::RuleMetadata;

/// ## What it does
/// Finds suppression comments with a code that no rule has.
///
/// ## Why is this bad?
/// The comment does nothing, and its author thinks it does. Usually a digit is wrong.
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
///         return fund.upper()  # noqa: RB1010  # RB002
/// ```
///
/// ## Use instead
/// `runbook-lint rule --all` lists the codes.
/// ```python
/// from datetime import datetime
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class StrikeNav:
///     @workflow.run
///     async def run(self, fund: str) -> str:
///         return datetime.now().isoformat()  # noqa: RB101
/// ```
///
/// ## Fix
/// Safe: the comment loses the names of rules that do not exist, or goes. The code stays as it is.
#[derive(RuleMetadata)]
#[rule(
    code = "RB002",
    severity = "warning",
    category = "lint",
    since = "0.1.0",
    fix = "safe",
    summary = "a suppression of a rule that does not exist"
)]
pub(crate) struct UnknownSuppression;
