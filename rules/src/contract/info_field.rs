use lint_core::diagnostic::Diagnostic;
use lint_core::names::Resolved;
use lint_core::rule::RuleMetadata;
use lint_core::suggest::closest;
use lint_core::syntax::ast::Expr;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::rule::{Context, Rule};
use crate::sdk;

/// ## What it does
/// Finds fields of `runbook.info()` and `activity.info()` that only one of the runtimes has.
///
/// ## Why is this bad?
/// Under Temporal `runbook.info()` has everything that Temporal knows. LocalRuntime gives
/// `workflow_id`, `run_id`, `attempt` and `task_queue`, and for an activity `workflow_id`,
/// `activity_id` and `attempt`. Any other field raises an `AttributeError` there: in tests, on a
/// laptop and in the sandboxes of agents.
///
/// ## Example
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class FileReturnsWorkflow(NtroWorkflow):
///     @runbook.step(name="file", title="File returns", icon="FileText")
///     async def _step_file(self, context: dict) -> dict:
///         return {**context, "namespace": runbook.info().namespace}  # RB212
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_file(context)
/// ```
///
/// ## Use instead
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class FileReturnsWorkflow(NtroWorkflow):
///     @runbook.step(name="file", title="File returns", icon="FileText")
///     async def _step_file(self, context: dict) -> dict:
///         return {**context, "task": runbook.info().workflow_id}
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_file(context)
/// ```
///
/// ## Limits
/// Only `runbook.info().field` is checked, not a variable that holds the result.
#[derive(RuleMetadata)]
#[rule(
    code = "RB212",
    severity = "warning",
    category = "contract",
    since = "0.1.0",
    summary = "a field of `info()` exists in one runtime only"
)]
pub(crate) struct InfoField;

impl Rule for InfoField {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for &file in &cx.model.files {
            cx.model.expressions(file, &mut |scope, expr| {
                let Expr::Attribute(attribute) = expr else {
                    return;
                };
                let Expr::Call(call) = &*attribute.value else {
                    return;
                };
                let callee = cx.model.resolve(file, scope, &call.func);
                let (facade, fields) = match callee.as_ref().and_then(Resolved::external) {
                    Some("ntro.workflow.runbook.info") => ("runbook", sdk::WORKFLOW_INFO),
                    Some("ntro.workflow.activity.info") => ("activity", sdk::ACTIVITY_INFO),
                    _ => return,
                };
                let field = attribute.attr.as_str();
                if fields.contains(&field) || field.starts_with("__") {
                    return;
                }
                let message = format!(
                    "{} does not exist under LocalRuntime",
                    code(&format!("{facade}.info().{field}"))
                );
                let finding = Finding::new(&Self::METADATA, file, span_of(attribute), message);
                match closest(field, fields.iter().copied()) {
                    Some(near) => finding.help(format!("did you mean {}?", code(near))),
                    None => finding.help("pass the value in the input"),
                }
                .report(report);
            });
        }
    }
}
