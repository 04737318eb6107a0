use lint_core::diagnostic::Diagnostic;
use lint_core::rule::RuleMetadata;
use lint_core::suggest::closest;
use rules_macros::RuleMetadata;

use super::invalid_config_schema::fields;
use crate::finding::Finding;
use crate::hazard::code;
use crate::rule::{Context, Rule};
use crate::runbook_md::{context, view};

/// ## What it does
/// Finds settings in `config_schema.global` that are no field of the model which annotates the input
/// of `run`.
///
/// ## Why is this bad?
/// What people enter for the setting reaches the workflow as part of its input, and Pydantic drops
/// keys that the model does not have. The form asks for a value that nobody reads.
///
/// ## Example
/// ```markdown path=runbooks/rebate-run/runbook.md
/// ---
/// slug: rebate-run
/// name: Rebate run
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// config_schema:
///   global:
///     minimum_amount:  # RB516
///       type: number
///       default: 5
/// ---
/// ```
/// ```python path=runbooks/rebate-run/templates/models.py
/// from pydantic import BaseModel
///
///
/// class RebateRunContext(BaseModel):
///     tenant_slug: str
///     min_amount: float = 5
/// ```
/// ```python path=runbooks/rebate-run/templates/workflow.py
/// from ntro.workflow import NtroWorkflow, runbook
///
/// from .models import RebateRunContext
///
///
/// @runbook.defn
/// class RebateRunWorkflow(NtroWorkflow):
///     @runbook.step(name="select", title="Select", icon="ListFilter")
///     async def _step_select(self, ctx: RebateRunContext) -> float:
///         return ctx.min_amount
///
///     @runbook.run
///     async def run(self, ctx: RebateRunContext) -> float:
///         return await self._step_select(ctx)
/// ```
///
/// ## Use instead
/// ```markdown path=runbooks/rebate-run/runbook.md
/// ---
/// slug: rebate-run
/// name: Rebate run
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// config_schema:
///   global:
///     min_amount:
///       type: number
///       default: 5
/// ---
/// ```
/// ```python path=runbooks/rebate-run/templates/__init__.py
/// ```
/// ```python path=runbooks/rebate-run/templates/activities.py
/// ```
/// ```python path=runbooks/rebate-run/templates/models.py
/// from pydantic import BaseModel
///
///
/// class RebateRunContext(BaseModel):
///     tenant_slug: str
///     min_amount: float = 5
/// ```
/// ```python path=runbooks/rebate-run/templates/workflow.py
/// from ntro.workflow import NtroWorkflow, runbook
///
/// from .models import RebateRunContext
///
///
/// @runbook.defn
/// class RebateRunWorkflow(NtroWorkflow):
///     @runbook.step(name="select", title="Select", icon="ListFilter")
///     async def _step_select(self, ctx: RebateRunContext) -> float:
///         return ctx.min_amount
///
///     @runbook.run
///     async def run(self, ctx: RebateRunContext) -> float:
///         return await self._step_select(ctx)
/// ```
///
/// ## Limits
/// Nothing is said about models with bases that are not known, and with `extra="allow"`.
#[derive(RuleMetadata)]
#[rule(
    code = "RB516",
    severity = "info",
    category = "bundle",
    since = "0.1.0",
    summary = "a setting is not a field of the runbook's input"
)]
pub(crate) struct ConfigKeyNotInContext;

impl Rule for ConfigKeyNotInContext {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for (view, md) in view::with_md(cx) {
            let Some(schema) = md.get("config_schema").and_then(|it| it.value.mapping()) else {
                continue;
            };
            let Some(runbook) = view.runbook() else {
                continue;
            };
            let Some(input) = context::input(&cx.model, runbook) else {
                continue;
            };
            for (step, _, field) in fields(schema) {
                let Some(key) = field.key.string().filter(|_| step.is_none()) else {
                    continue;
                };
                if input.has(key) {
                    continue;
                }
                let message = format!(
                    "the setting {} is not a field of {}",
                    code(key),
                    code(input.name)
                );
                let names = input.fields.iter().map(|it| it.names[0].as_str());
                let finding = Finding::new(&Self::METADATA, md.file, field.key.span, message)
                    .in_runbook(runbook);
                let finding = match closest(key, names) {
                    Some(meant) => finding.help(format!("did you mean {}?", code(meant))),
                    None => finding.help("add the field to the model, or take the setting out"),
                };
                finding.report(report);
            }
        }
    }
}
