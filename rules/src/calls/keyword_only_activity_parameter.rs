use lint_core::diagnostic::Diagnostic;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::model::Sdk;
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds activities with parameters after `*`.
///
/// ## Why is this bad?
/// Temporal passes arguments by position only and raises "Activity cannot have keyword-only arguments"
/// when the module is imported, so the worker does not load the bundle. LocalRuntime only marks the
/// function.
///
/// ## Example
/// ```python path=activities.py
/// from ntro.workflow import activity
///
///
/// @activity.defn(name="notices.send_notice")
/// async def send_notice(fund: str, *, dry_run: bool = False) -> None: ...  # RB409
/// ```
///
/// ## Use instead
/// ```python path=activities.py
/// from ntro.workflow import activity
/// from pydantic import BaseModel
///
///
/// class SendNoticeInput(BaseModel):
///     fund: str
///     dry_run: bool = False
///
///
/// @activity.defn(name="notices.send_notice")
/// async def send_notice(inp: SendNoticeInput) -> None: ...
/// ```
#[derive(RuleMetadata)]
#[rule(
    code = "RB409",
    severity = "error",
    category = "calls",
    since = "0.1.0",
    summary = "an activity has keyword-only parameters, which Temporal refuses"
)]
pub(crate) struct KeywordOnlyActivityParameter;

impl Rule for KeywordOnlyActivityParameter {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for activity in &cx.model.activities {
            if activity.mark.sdk != Sdk::Ntro && activity.bundle.is_none() {
                continue;
            }
            for parameter in &activity.node.parameters.kwonlyargs {
                let message = format!(
                    "the activity `{}` cannot have the keyword-only parameter `{}`: Temporal passes arguments by \
                     position and refuses it at import",
                    activity.name,
                    parameter.name()
                );
                let span = span_of(parameter.name());
                Finding::new(&Self::METADATA, activity.file, span, message)
                    .help("take one model that has it as a field")
                    .note("LocalRuntime does not look at the parameters.")
                    .report(report);
            }
        }
    }
}
