use std::collections::BTreeSet;

use lint_core::diagnostic::Diagnostic;
use lint_core::rule::RuleMetadata;
use lint_core::suggest::closest;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::model::Model;
use crate::rule::{Context, Rule};
use crate::sites::{ChildCall, bundle_slugs, text};

/// ## What it does
/// Finds a child runbook whose slug is none of the project's bundles, and that is not registered with
/// `register_workflow` either.
///
/// ## Why is this bad?
/// The slug is looked up when the runbook gets there. If no such runbook is deployed, the run ends with "No
/// workflow registered for slug".
///
/// ## Example
/// ```python path=runbooks/month-end/templates/workflow.py
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class MonthEndWorkflow(NtroWorkflow):
///     @runbook.step(name="reconcile", title="Reconcile", icon="Scale")
///     async def _step_reconcile(self, period: str) -> str:
///         return await self.run_child_workflow(
///             slug="bank-reconcilation",  # RB420
///             input={"period": period},
///         )
///
///     @runbook.run
///     async def run(self, period: str) -> str:
///         return await self._step_reconcile(period)
/// ```
/// ```python path=runbooks/bank-reconciliation/templates/workflow.py
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class BankReconciliationWorkflow(NtroWorkflow):
///     @runbook.step(name="match", title="Match lines", icon="Sparkles")
///     async def _step_match(self, context: dict[str, str]) -> str:
///         return context["period"]
///
///     @runbook.run
///     async def run(self, context: dict[str, str]) -> str:
///         return await self._step_match(context)
/// ```
///
/// ## Use instead
/// ```python path=runbooks/month-end/templates/workflow.py
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class MonthEndWorkflow(NtroWorkflow):
///     @runbook.step(name="reconcile", title="Reconcile", icon="Scale")
///     async def _step_reconcile(self, period: str) -> str:
///         return await self.run_child_workflow(
///             slug="bank-reconciliation", input={"period": period}
///         )
///
///     @runbook.run
///     async def run(self, period: str) -> str:
///         return await self._step_reconcile(period)
/// ```
/// ```python path=runbooks/bank-reconciliation/templates/workflow.py
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class BankReconciliationWorkflow(NtroWorkflow):
///     @runbook.step(name="match", title="Match lines", icon="Sparkles")
///     async def _step_match(self, context: dict[str, str]) -> str:
///         return context["period"]
///
///     @runbook.run
///     async def run(self, context: dict[str, str]) -> str:
///         return await self._step_match(context)
/// ```
/// ```markdown path=runbooks/month-end/runbook.md
/// ---
/// id: rb-month-end
/// slug: month-end
/// name: Month end
/// version: 0.1.0
/// state: DRAFT
/// author: Fund operations
/// steps:
///   - id: reconcile
///     label: Reconcile
/// ---
///
/// ## When to use
///
/// At the end of each month.
/// ```
/// ```python path=runbooks/month-end/templates/__init__.py
/// ```
/// ```python path=runbooks/month-end/templates/activities.py
/// ```
/// ```markdown path=runbooks/bank-reconciliation/runbook.md
/// ---
/// id: rb-bank-reconciliation
/// slug: bank-reconciliation
/// name: Bank reconciliation
/// version: 0.1.0
/// state: DRAFT
/// author: Fund operations
/// steps:
///   - id: match
///     label: Match lines
/// ---
///
/// ## When to use
///
/// At the end of each month.
/// ```
/// ```python path=runbooks/bank-reconciliation/templates/__init__.py
/// ```
/// ```python path=runbooks/bank-reconciliation/templates/activities.py
/// ```
///
/// ## Limits
/// A project with a single bundle is not judged: its children live elsewhere.
/// `document-ingest` and `expense-processor` are public templates of the platform and taken to be
/// deployed. Other runbooks that live in another repository are reported; suppress the finding there.
#[derive(RuleMetadata)]
#[rule(
    code = "RB420",
    severity = "warning",
    category = "calls",
    since = "0.1.0",
    summary = "a child runbook is neither in the project nor registered"
)]
pub(crate) struct UnknownChildRunbook;

/// Runbooks that the platform offers to everybody.
const PUBLIC: [&str; 2] = ["document-ingest", "expense-processor"];

impl Rule for UnknownChildRunbook {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let model = &cx.model;
        // Whoever keeps one bundle in a repository has its children elsewhere.
        if model.bundles.len() < 2 {
            return;
        }
        let Some(registered) = registered(model) else {
            return;
        };
        let mut known: BTreeSet<String> = registered;
        known.extend(PUBLIC.map(str::to_owned));
        for bundle in 0..model.bundles.len() {
            known.extend(bundle_slugs(model, bundle));
        }
        for child in ChildCall::all(model) {
            if known.contains(&child.slug) {
                continue;
            }
            let help = match closest(&child.slug, known.iter().map(String::as_str)) {
                Some(slug) => format!("did you mean `{slug}`?"),
                None => "use the slug of a bundle: the name of its directory".to_owned(),
            };
            let message = format!(
                "no bundle of this project is called `{}`, and none is registered under this slug",
                child.slug.replace('`', "'")
            );
            let span = span_of(child.written);
            let finding = Finding::new(&Self::METADATA, child.site.file, span, message).help(help);
            match child.site.runbook {
                Some(runbook) => finding.in_runbook(&model.runbooks[runbook]),
                None => finding,
            }
            .report(report);
        }
    }
}

/// The slugs given to `register_workflow`, or `None` if one is not written out.
fn registered(model: &Model<'_>) -> Option<BTreeSet<String>> {
    let is_registration = |name: &str| {
        matches!(
            name,
            "ntro.workflow.register_workflow" | "ntro.workflow.registry.register_workflow"
        )
    };
    let mut slugs = BTreeSet::new();
    for site in &model.calls {
        if site.external().is_some_and(is_registration) {
            let slug = site.call.arguments.find_argument_value("slug", 0)?;
            slugs.insert(text(model, site, slug)?);
        }
    }
    Some(slugs)
}
