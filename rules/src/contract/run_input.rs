use lint_core::diagnostic::Diagnostic;
use lint_core::knowledge::Role;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::rule::{Context, Rule};

/// ## What it does
/// Checks that the run method of a runbook takes one parameter, the context, and that it says of which
/// type.
///
/// ## Why is this bad?
/// Temporal decodes the input by that annotation; without one the method gets a plain `dict`, where a
/// local test passes a model. `ntro workflow test` builds a sample input from it and gives up
/// without: "Cannot infer input". A task is started with one payload, so a second parameter without a
/// default is a `TypeError` as soon as the run begins.
///
/// ## Example
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class ChargeInterestWorkflow(NtroWorkflow):
///     @runbook.step(name="charge", title="Charge interest", icon="Percent")
///     async def _step_charge(self, context: dict) -> dict:
///         return context
///
///     @runbook.run
///     async def run(self, context) -> dict:  # RB216
///         return await self._step_charge(context)
/// ```
///
/// ## Use instead
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
/// from pydantic import BaseModel
///
///
/// class ChargeInterestContext(BaseModel):
///     period: str
///
///
/// @runbook.defn
/// class ChargeInterestWorkflow(NtroWorkflow):
///     @runbook.step(name="charge", title="Charge interest", icon="Percent")
///     async def _step_charge(self, context: ChargeInterestContext) -> dict:
///         return {"period": context.period}
///
///     @runbook.run
///     async def run(self, context: ChargeInterestContext) -> dict:
///         return await self._step_charge(context)
/// ```
#[derive(RuleMetadata)]
#[rule(
    code = "RB216",
    severity = "warning",
    category = "contract",
    since = "0.1.0",
    summary = "the run method does not take one annotated input"
)]
pub(crate) struct RunInput;

impl Rule for RunInput {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for runbook in &cx.model.runbooks {
            let Some(run) = runbook
                .methods
                .iter()
                .find(|it| it.mark(Role::Run).is_some())
            else {
                continue;
            };
            let finding = |span, message: String| {
                Finding::new(&Self::METADATA, runbook.file, span, message).in_runbook(runbook)
            };
            let name = code(run.name);
            let parameters = &run.node.parameters;
            let positional: Vec<_> = parameters
                .posonlyargs
                .iter()
                .chain(&parameters.args)
                .skip(1)
                .collect();
            if positional.is_empty()
                && parameters.vararg.is_none()
                && parameters.kwonlyargs.is_empty()
            {
                finding(run.name_span(), format!("run method {name} takes no input"))
                    .help("add a parameter for the context, with its type")
                    .report(report);
            }
            if let Some(first) = positional.first()
                && first.parameter.annotation.is_none()
            {
                let parameter = code(first.name().as_str());
                finding(
                    span_of(*first),
                    format!("parameter {parameter} of run method {name} has no annotation"),
                )
                .help("annotate it with the model of the context")
                .report(report);
            }
            if let Some(second) = positional.get(1)
                && second.default.is_none()
            {
                let parameter = code(second.name().as_str());
                finding(
                    span_of(*second),
                    format!("run method {name} requires {parameter}, but is given one input only"),
                )
                .help("put everything into the model of the context")
                .report(report);
            }
        }
    }
}
