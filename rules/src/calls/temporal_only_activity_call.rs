use lint_core::diagnostic::{Applicability, Diagnostic, Span};
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::{self, Expr};
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::model::Model;
use crate::rule::{Context, Rule};
use crate::sites::{ActivityCall, keyword, text};

/// ## What it does
/// Finds `runbook.execute_activity` with `args=[…]` or with the name of an activity in place of the function.
///
/// ## Why is this bad?
/// Both work under Temporal only. LocalRuntime drops `args` and calls the function without arguments, and
/// it cannot call a string: the runbook cannot be run locally or in a test without Temporal.
///
/// ## Example
/// ```python
/// from datetime import timedelta
///
/// from ntro.workflow import NtroWorkflow, runbook
///
/// from .activities import settle_trade
///
///
/// @runbook.defn
/// class SettleTradesWorkflow(NtroWorkflow):
///     @runbook.step(name="settle", title="Settle trades", icon="Handshake")
///     async def _step_settle(self, trade: str) -> None:
///         await runbook.execute_activity(
///             settle_trade,
///             args=[trade, "EUR"],  # RB403
///             start_to_close_timeout=timedelta(minutes=1),
///         )
///         await runbook.execute_activity(
///             "settle_trades.confirm_trade",  # RB403
///             trade,
///             start_to_close_timeout=timedelta(minutes=1),
///         )
///
///     @runbook.run
///     async def run(self, trade: str) -> None:
///         await self._step_settle(trade)
/// ```
/// ```python path=activities.py
/// from ntro.workflow import activity
///
///
/// @activity.defn(name="settle_trades.settle_trade")
/// async def settle_trade(trade: str, currency: str) -> None: ...
///
///
/// @activity.defn(name="settle_trades.confirm_trade")
/// async def confirm_trade(trade: str) -> None: ...
/// ```
///
/// ## Use instead
/// Pass the function, and one model with everything it needs:
/// ```python
/// from datetime import timedelta
///
/// from ntro.workflow import NtroWorkflow, runbook
///
/// from .activities import confirm_trade, settle_trade
/// from .models import SettleInput
///
///
/// @runbook.defn
/// class SettleTradesWorkflow(NtroWorkflow):
///     @runbook.step(name="settle", title="Settle trades", icon="Handshake")
///     async def _step_settle(self, trade: str) -> None:
///         await runbook.execute_activity(
///             settle_trade,
///             SettleInput(trade=trade, currency="EUR"),
///             start_to_close_timeout=timedelta(minutes=1),
///         )
///         await runbook.execute_activity(
///             confirm_trade, trade, start_to_close_timeout=timedelta(minutes=1)
///         )
///
///     @runbook.run
///     async def run(self, trade: str) -> None:
///         await self._step_settle(trade)
/// ```
/// ```python path=activities.py
/// from ntro.workflow import activity
///
/// from .models import SettleInput
///
///
/// @activity.defn(name="settle_trades.settle_trade")
/// async def settle_trade(inp: SettleInput) -> None: ...
///
///
/// @activity.defn(name="settle_trades.confirm_trade")
/// async def confirm_trade(trade: str) -> None: ...
/// ```
/// ```python path=models.py
/// from pydantic import BaseModel
///
///
/// class SettleInput(BaseModel):
///     trade: str
///     currency: str
/// ```
///
/// ## Fix
/// Safe: the only argument is passed after the function. Under Temporal this is the same.
///
/// ## Limits
/// Plain Temporal workflows are left alone: they have no other runtime.
#[derive(RuleMetadata)]
#[rule(
    code = "RB403",
    severity = "warning",
    category = "calls",
    since = "0.1.0",
    fix = "safe",
    summary = "an activity is called in a way that only Temporal supports"
)]
pub(crate) struct TemporalOnlyActivityCall;

impl Rule for TemporalOnlyActivityCall {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let model = &cx.model;
        for call in ActivityCall::all(model).filter(ActivityCall::uses_facade) {
            let site = call.site;
            let finding = |span, message: String, help: &str| {
                let finding = Finding::new(&Self::METADATA, site.file, span, message).help(help);
                match site.runbook {
                    Some(runbook) => finding.in_runbook(&model.runbooks[runbook]),
                    None => finding,
                }
            };
            for name in ["args", "arg"] {
                if let Some(keyword) = keyword(site.call, name) {
                    let mut finding = finding(
                        span_of(keyword),
                        format!(
                            "`{name}=` works under Temporal only: LocalRuntime drops it and calls the activity \
                             without arguments"
                        ),
                        "pass one model after the function",
                    );
                    if let Some(edits) = by_position(model, &call, keyword) {
                        let title = "pass it after the function";
                        finding = finding.replace_all(title, Applicability::Safe, edits);
                    }
                    finding.report(report);
                }
            }
            if !call.is_run_step
                && let Some(name) = text(model, site, call.target)
            {
                finding(
                    span_of(call.target),
                    format!(
                        "calling the activity `{}` by its name works under Temporal only: LocalRuntime needs the \
                         function",
                        name.replace('`', "'")
                    ),
                    "import the function and pass it",
                )
                .report(report);
            }
        }
    }
}

/// The edits that pass the one argument that the keyword gives by its position.
fn by_position(
    model: &Model<'_>,
    call: &ActivityCall<'_, '_>,
    keyword: &ast::Keyword,
) -> Option<Vec<(Span, String)>> {
    let is_list = keyword.arg.as_ref().is_some_and(|it| it.as_str() == "args");
    let value = match &keyword.value {
        Expr::List(list) if is_list => match &list.elts[..] {
            [one] if !one.is_starred_expr() => one,
            _ => return None,
        },
        _ if is_list => return None,
        value => value,
    };
    let arguments = &call.site.call.arguments;
    let first = arguments.keywords.first()?;
    // An argument by position comes before all keywords.
    if !call.payloads.is_empty() || span_of(first) != span_of(keyword) {
        return None;
    }
    let value = model.slice(call.site.file, span_of(value)).to_owned();
    Some(vec![(span_of(keyword), value)])
}
