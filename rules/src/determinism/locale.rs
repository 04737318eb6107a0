use lint_core::diagnostic::Diagnostic;
use lint_core::rule::RuleMetadata;
use rules_macros::RuleMetadata;

use crate::hazard;
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds formatting and sorting that follow the locale of the host: the functions of `locale` and
/// `gettext`, names of months and days from `calendar`.
///
/// ## Why is this bad?
/// Workers in other images have other locales. The same total is `1,234.50` on one of them and
/// `1234,50` on the next, and month names change their language, so what a replay writes into a report
/// or compares with an input is not what the first run wrote.
///
/// ## Example
/// ```python
/// import locale
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class FormatNav:
///     @workflow.run
///     async def run(self, nav: float) -> str:
///         return locale.currency(nav, grouping=True)  # RB124
/// ```
/// In a runbook:
/// ```python
/// import locale
///
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class SortInvestors(NtroWorkflow):
///     @runbook.run
///     async def run(self, names: list[str]) -> list[str]:
///         return sorted(names, key=locale.strxfrm)  # RB124
/// ```
///
/// ## Use instead
/// ```python
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class FormatNav:
///     @workflow.run
///     async def run(self, nav: float) -> str:
///         return f"£{nav:,.2f}"
/// ```
/// In a runbook:
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class SortInvestors(NtroWorkflow):
///     @runbook.run
///     async def run(self, names: list[str]) -> list[str]:
///         return sorted(names, key=str.casefold)
/// ```
#[derive(RuleMetadata)]
#[rule(
    code = "RB124",
    severity = "info",
    category = "determinism",
    since = "0.1.0",
    summary = "workflow code depends on the worker's locale"
)]
pub(crate) struct Locale;

impl Rule for Locale {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn classes(&self) -> &'static [&'static str] {
        &["locale"]
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        hazard::report_apis(self, cx.facts, report);
    }
}
