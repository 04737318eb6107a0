use lint_core::diagnostic::Diagnostic;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds what the SDK has but runbooks are not to use: `self.run_step(…)`,
/// `runbook.execute_child_workflow(…)` and `runbook.start_child_workflow(…)`, and the report models of
/// `ntro.accounting.models`.
///
/// ## Why is this bad?
/// `run_step` runs its function, but the phase gets no entry in the breadcrumb. The facade's calls for
/// child workflows are internal: a child started with them is not tracked, so the UI does not show it and
/// nobody can answer its gates. The models have moved to `ntro.capabilities.gl.reports`, and their old
/// names are going to be removed.
///
/// The deprecated `ui_step` has a rule of its own, [RB322](RB322.md).
///
/// ## Example
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class ValueAssetsWorkflow(NtroWorkflow):
///     async def _value(self, context: dict) -> dict:
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         context = await runbook.execute_child_workflow("document-ingest", context)  # RB213
///         return await self.run_step("value", self._value, context)  # RB213
/// ```
///
/// ## Use instead
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class ValueAssetsWorkflow(NtroWorkflow):
///     @runbook.step(name="value", title="Value assets", icon="Calculator")
///     async def _step_value(self, context: dict) -> dict:
///         await self.run_child_workflow(slug="document-ingest", input=context)
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_value(context)
/// ```
#[derive(RuleMetadata)]
#[rule(
    code = "RB213",
    severity = "warning",
    category = "contract",
    since = "0.1.0",
    summary = "a part of the SDK is used that is internal or going away"
)]
pub(crate) struct DiscouragedApi;

/// What `ntro.accounting.models` no longer defines itself, and its new name.
const MOVED: &[(&str, &str)] = &[("TBLine", "TBLine"), ("TrialBalance", "TrialBalanceReport")];

impl Rule for DiscouragedApi {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for site in &cx.model.calls {
            let span = span_of(&*site.call.func);
            let callee = code(cx.model.slice(site.file, span));
            let finding = |message: String| Finding::new(&Self::METADATA, site.file, span, message);
            if site.base_method() == Some("run_step") {
                finding(format!("{callee} adds no entry to the breadcrumb"))
                    .help("decorate a method with `@runbook.step(…)` and call it")
                    .report(report);
            }
            let callee_name = site.external().unwrap_or_default();
            if let "ntro.workflow.runbook.execute_child_workflow"
            | "ntro.workflow.runbook.start_child_workflow" = callee_name
            {
                finding(format!(
                    "{callee} is internal and starts a child that the UI does not show"
                ))
                .help("call `self.run_child_workflow(slug=…, input=…)`")
                .report(report);
            }
        }
        for &file in &cx.model.files {
            for import in cx.model.imports(file) {
                for (module, name, alias) in import.parts() {
                    let moved = MOVED.iter().find(|(old, _)| name == Some(old));
                    let Some((old, new)) = moved.filter(|_| module == "ntro.accounting.models")
                    else {
                        continue;
                    };
                    let message = format!("{} is deprecated", code(&format!("{module}.{old}")));
                    Finding::new(&Self::METADATA, file, span_of(&alias.name), message)
                        .help(format!(
                            "write `from ntro.capabilities.gl.reports import {new}`"
                        ))
                        .report(report);
                }
            }
        }
    }
}
