use lint_core::diagnostic::Diagnostic;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::model::Sdk;
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds activities with several parameters, and activities that do not say what they return.
///
/// ## Why restrict this?
/// `runbook.execute_activity` hands over one argument, so a second parameter needs `args=[…]`, which
/// LocalRuntime drops. One model also stays compatible when a field is added. The test harness makes
/// up results from the return annotation: without one, the mocked activity returns `None`.
///
/// ## Example
/// ```python path=activities.py
/// from ntro.workflow import activity
///
///
/// @activity.defn(name="valuation.load_prices")
/// async def load_prices(fund: str, day: str) -> dict[str, float]:  # RB410
///     return {f"{fund}/{day}": 1.0}
///
///
/// @activity.defn(name="valuation.load_rates")
/// async def load_rates(day: str):  # RB410
///     return {day: 0.86}
/// ```
///
/// ## Use instead
/// ```python path=activities.py
/// from ntro.workflow import activity
/// from pydantic import BaseModel
///
///
/// class PriceQuery(BaseModel):
///     fund: str
///     day: str
///
///
/// @activity.defn(name="valuation.load_prices")
/// async def load_prices(query: PriceQuery) -> dict[str, float]:
///     return {f"{query.fund}/{query.day}": 1.0}
///
///
/// @activity.defn(name="valuation.load_rates")
/// async def load_rates(day: str) -> dict[str, float]:
///     return {day: 0.86}
/// ```
#[derive(RuleMetadata)]
#[rule(
    code = "RB410",
    severity = "info",
    category = "calls",
    since = "0.1.0",
    summary = "an activity takes several arguments or does not say what it returns",
    default = false
)]
pub(crate) struct ActivitySignature;

impl Rule for ActivitySignature {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for activity in &cx.model.activities {
            if activity.mark.sdk != Sdk::Ntro && activity.bundle.is_none() {
                continue;
            }
            let span = span_of(&activity.node.name);
            let mut push = |message: String, help: &str| {
                Finding::new(&Self::METADATA, activity.file, span, message)
                    .help(help)
                    .report(report);
            };
            let parameters = &activity.node.parameters;
            let is_method = cx
                .model
                .index(activity.file)
                .is_some_and(|index| index.function(activity.ix).class.is_some());
            let taken =
                parameters.posonlyargs.len() + parameters.args.len() - usize::from(is_method);
            if taken > 1 {
                push(
                    format!("the activity `{}` takes {taken} arguments", activity.name),
                    "take one model with a field for each argument",
                );
            }
            if activity.node.returns.is_none() {
                push(
                    format!(
                        "the activity `{}` does not say what it returns",
                        activity.name
                    ),
                    "annotate the return type, so that the test harness can make up a result",
                );
            }
        }
    }
}
