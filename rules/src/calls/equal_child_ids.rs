use std::collections::BTreeMap;

use lint_core::diagnostic::{Diagnostic, FileId, Severity, Span};
use lint_core::rule::RuleMetadata;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::model::{CallSite, Model, Usage};
use crate::rule::{Context, Rule};
use crate::sites::{ChildCall, Written, hides_keywords, keyword_value, line_of, text};

/// ## What it does
/// Finds child runbooks that get the same id: the same slug twice in one step, a child in a loop,
/// `run_child_workflows` with more than one input, and `collect_documents` with one `source` twice.
///
/// ## Why is this bad?
/// The id of a child is made of the id of the parent, the step and the slug, and for documents of the
/// source. Two that run at the same time clash: Temporal starts the first and fails the second. If one runs
/// after the other, both appear as one child in the UI. LocalRuntime does not compare ids.
///
/// ## Example
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class MonthEndWorkflow(NtroWorkflow):
///     @runbook.step(name="reconcile", title="Reconcile", icon="Scale")
///     async def _step_reconcile(self, accounts: list[str]) -> list[str]:
///         return await self.run_child_workflows(  # RB422
///             slug="bank-reconciliation", inputs=accounts
///         )
///
///     @runbook.step(name="ingest", title="Ingest", icon="Inbox")
///     async def _step_ingest(self) -> None:
///         for source in ("lease", "invoice"):
///             await self.run_child_workflow(  # RB422
///                 slug="document-ingest", input={"source": source}
///             )
///
///     @runbook.run
///     async def run(self, accounts: list[str]) -> list[str]:
///         await self._step_ingest()
///         return await self._step_reconcile(accounts)
/// ```
///
/// ## Use instead
/// Give each child a `step_id` of its own:
/// ```python
/// import asyncio
///
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class MonthEndWorkflow(NtroWorkflow):
///     @runbook.step(name="reconcile", title="Reconcile", icon="Scale")
///     async def _step_reconcile(self, accounts: list[str]) -> list[str]:
///         return await asyncio.gather(
///             *(
///                 self.run_child_workflow(
///                     slug="document-ingest", input=account, step_id=f"reconcile-{account}"
///                 )
///                 for account in accounts
///             )
///         )
///
///     @runbook.run
///     async def run(self, accounts: list[str]) -> list[str]:
///         return await self._step_reconcile(accounts)
/// ```
///
/// ## Limits
/// It is an error where the children certainly run at the same time, and a warning elsewhere. Steps that
/// are called twice, and children that are started by a helper for several steps, are not compared.
#[derive(RuleMetadata)]
#[rule(
    code = "RB422",
    severity = "error",
    category = "calls",
    since = "0.1.0",
    summary = "several children get the same id"
)]
pub(crate) struct EqualChildIds;

impl Rule for EqualChildIds {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let model = &cx.model;
        let mut first: BTreeMap<_, &CallSite<'_>> = BTreeMap::new();
        for child in ChildCall::all(model) {
            let Some(step) = step_id(model, child.site) else {
                continue;
            };
            match child.method {
                "run_child_workflow" => {
                    if child.site.in_loop || child.site.in_comprehension {
                        in_loop(model, &child).report(report);
                        continue;
                    }
                    let key = (
                        child.site.file,
                        child.site.function,
                        child.slug.clone(),
                        step,
                    );
                    match first.get(&key) {
                        // Of two branches perhaps only one is taken.
                        Some(other) if other.in_branch && child.site.in_branch => {}
                        Some(other) => second(cx, other, &child).report(report),
                        None => {
                            first.insert(key, child.site);
                        }
                    }
                }
                "run_child_workflows" => {
                    if let Some(finding) = many(model, &child) {
                        finding.report(report);
                    }
                }
                _ => {}
            }
        }
        for site in &model.calls {
            if site.base_method() == Some("collect_documents") {
                equal_sources(cx, site, report);
            }
        }
    }
}

/// The step in the id: `""` for the current one. `None` where it is not known.
fn step_id(model: &Model<'_>, site: &CallSite<'_>) -> Option<String> {
    match keyword_value(site.call, "step_id") {
        _ if hides_keywords(site.call) => None,
        None => Some(String::new()),
        Some(value) if value.is_none_literal_expr() => Some(String::new()),
        Some(value) => text(model, site, value),
    }
}

fn finding(
    model: &Model<'_>,
    site: &CallSite<'_>,
    span: Span,
    severity: Severity,
    message: String,
) -> Finding {
    let note = if severity == Severity::Error {
        "Temporal fails the second child, since the first one of this id is still running."
    } else {
        "At the same time only one of them can run, and one after the other they look like one in the UI."
    };
    let finding = Finding::new(&EqualChildIds::METADATA, site.file, span, message)
        .severity(severity)
        .note(note);
    match site.runbook {
        Some(runbook) => finding.in_runbook(&model.runbooks[runbook]),
        None => finding,
    }
}

const OWN_STEP: &str = "give each child a `step_id` of its own";

fn in_loop(model: &Model<'_>, child: &ChildCall<'_, '_>) -> Finding {
    let message = format!(
        "each child `{}` of this loop gets the same id, made of the task, the step and the slug",
        child.slug
    );
    let span = span_of(&*child.site.call.func);
    finding(model, child.site, span, Severity::Warning, message).help(OWN_STEP)
}

fn second(cx: &Context<'_>, first: &CallSite<'_>, child: &ChildCall<'_, '_>) -> Finding {
    let site = child.site;
    let line = line_of(cx, site.file, first.file, span_of(first.call));
    let message = format!(
        "the child `{}` gets the same id as the one on {line}",
        child.slug
    );
    let severity = if is_gathered(first) && is_gathered(site) {
        Severity::Error
    } else {
        Severity::Warning
    };
    let span = span_of(&*site.call.func);
    finding(&cx.model, site, span, severity, message).help(OWN_STEP)
}

fn is_gathered(site: &CallSite<'_>) -> bool {
    !site.awaited
        && matches!(&site.usage, Usage::Argument(Some(callee)) if callee.external() == Some("asyncio.gather"))
}

fn many(model: &Model<'_>, child: &ChildCall<'_, '_>) -> Option<Finding> {
    let site = child.site;
    let inputs = keyword_value(site.call, "inputs")?;
    let elements = Written::at(site, inputs).elements(model);
    let (severity, all) = match elements {
        Some((_, elements)) if elements.len() < 2 => return None,
        Some(_) => (Severity::Error, "all children"),
        None => (Severity::Warning, "with more than one input, all children"),
    };
    let message = format!(
        "{all} `{}` get the same id, made of the task, the step and the slug",
        child.slug
    );
    let help = "gather `self.run_child_workflow(…)` with a `step_id` for each";
    Some(finding(model, site, span_of(&*site.call.func), severity, message).help(help))
}

fn equal_sources(cx: &Context<'_>, site: &CallSite<'_>, report: &mut Vec<Diagnostic>) {
    let model = &cx.model;
    let Some(expected) = keyword_value(site.call, "expected") else {
        return;
    };
    let Some((at, elements)) = Written::at(site, expected).elements(model) else {
        return;
    };
    let mut seen: BTreeMap<String, (FileId, Span)> = BTreeMap::new();
    for element in elements {
        let source = at
            .with(element)
            .dict(model)
            .and_then(|slot| slot.get("source"));
        let Some(source) = source else {
            continue;
        };
        let Some(name) = source.text(model) else {
            continue;
        };
        let span = span_of(source.value);
        if let Some((file, earlier)) = seen.get(&name) {
            let line = line_of(cx, source.file, *file, *earlier);
            let message = format!(
                "the document `{}` gets the same child id as the one on {line}",
                name.replace('`', "'")
            );
            finding(model, site, span, Severity::Error, message)
                .help("give each document a `source` of its own")
                .report(report);
        } else {
            seen.insert(name, (source.file, span));
        }
    }
}
