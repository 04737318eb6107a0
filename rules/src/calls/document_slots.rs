use lint_core::diagnostic::Diagnostic;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::rule::{Context, Rule};
use crate::sites::{Entry, Written, keyword_value};

/// ## What it does
/// Finds `collect_documents` whose `expected` and `inputs` are lists of different length, and entries of
/// `expected` without a `source`.
///
/// ## Why is this bad?
/// Both end the run: a `ValueError` for the lengths and a `KeyError` for the missing source, after the
/// children before it have been started.
///
/// ## Example
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class CollectPackWorkflow(NtroWorkflow):
///     @runbook.step(name="collect", title="Collect documents", icon="Inbox")
///     async def _step_collect(self, period: str) -> list[dict[str, str]]:
///         return await self.collect_documents(
///             expected=[
///                 {"source": "bank-statement"},
///                 {"title": "Rent roll"},  # RB423
///             ],
///             inputs=[{"period": period}],  # RB423
///         )
///
///     @runbook.run
///     async def run(self, period: str) -> list[dict[str, str]]:
///         return await self._step_collect(period)
/// ```
///
/// ## Use instead
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class CollectPackWorkflow(NtroWorkflow):
///     @runbook.step(name="collect", title="Collect documents", icon="Inbox")
///     async def _step_collect(self, period: str) -> list[dict[str, str]]:
///         return await self.collect_documents(
///             expected=[
///                 {"source": "bank-statement"},
///                 {"source": "rent-roll", "title": "Rent roll"},
///             ],
///             inputs=[{"period": period}, {"period": period}],
///         )
///
///     @runbook.run
///     async def run(self, period: str) -> list[dict[str, str]]:
///         return await self._step_collect(period)
/// ```
#[derive(RuleMetadata)]
#[rule(
    code = "RB423",
    severity = "error",
    category = "calls",
    since = "0.1.0",
    summary = "`collect_documents` gets slots that do not fit"
)]
pub(crate) struct DocumentSlots;

impl Rule for DocumentSlots {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let model = &cx.model;
        for site in &model.calls {
            if site.base_method() != Some("collect_documents") {
                continue;
            }
            let elements = |name| {
                let value = keyword_value(site.call, name)?;
                let (at, elements) = Written::at(site, value).elements(model)?;
                Some((value, at, elements))
            };
            let mut push = |file, span, message: String, help: &str| {
                let finding = Finding::new(&Self::METADATA, file, span, message).help(help);
                match site.runbook {
                    Some(runbook) => finding.in_runbook(&model.runbooks[runbook]),
                    None => finding,
                }
                .report(report);
            };
            let Some((_, at, expected)) = elements("expected") else {
                continue;
            };
            for element in expected {
                let Some(slot) = at.with(element).dict(model) else {
                    continue;
                };
                if matches!(slot.entry("source"), Entry::Missing) {
                    push(
                        slot.at.file,
                        span_of(slot.node),
                        "this entry of `expected` has no `source`, which `collect_documents()` looks up".to_owned(),
                        "add `\"source\"` with a name of its own",
                    );
                }
            }
            if let Some((value, _, inputs)) = elements("inputs")
                && inputs.len() != expected.len()
                // Nothing is done for an empty list of documents.
                && !expected.is_empty()
            {
                push(
                    site.file,
                    span_of(value),
                    format!(
                        "`expected` and `inputs` must have the same length, but have {} and {}",
                        expected.len(),
                        inputs.len()
                    ),
                    "give each document the input of its child, in the same order",
                );
            }
        }
    }
}
