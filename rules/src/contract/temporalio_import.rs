use lint_core::diagnostic::{Applicability, Diagnostic, FileId, Span};
use lint_core::names::Resolved;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::{Expr, Stmt};
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::model::ImportSite;
use crate::rule::{Context, Rule};
use crate::sdk;

/// ## What it does
/// Finds imports of `temporalio` in the code of a bundle.
///
/// ## Why is this bad?
/// A runbook is written against `ntro.workflow`, so that the same code runs under Temporal and under
/// LocalRuntime. What it takes from `temporalio` itself works only where a Temporal worker runs, and
/// in the sandboxes of agents the package may not even be installed.
///
/// ## Example
/// ```python path=templates/workflow.py
/// from ntro.workflow import NtroWorkflow
/// from temporalio import workflow  # RB208
///
///
/// @workflow.defn
/// class StrikeNavWorkflow(NtroWorkflow):
///     @workflow.run
///     async def run(self, context: dict) -> dict:
///         return {"at": workflow.now().isoformat()}
/// ```
///
/// ## Use instead
/// ```python path=templates/workflow.py
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class StrikeNavWorkflow(NtroWorkflow):
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return {"at": runbook.now().isoformat()}
/// ```
/// Workflows that do not use `ntro` import what they like:
/// ```python
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class StrikeNav:
///     @workflow.run
///     async def run(self, context: dict) -> dict:
///         return {"at": workflow.now().isoformat()}
/// ```
///
/// ## Fix
/// Unsafe: imports of `temporalio`, and what is written with them, are written with the facade. Under
/// Temporal it does the same; LocalRuntime runs it, too.
#[derive(RuleMetadata)]
#[rule(
    code = "RB208",
    severity = "warning",
    category = "contract",
    since = "0.1.0",
    fix = "unsafe",
    summary = "the code of a bundle imports `temporalio`"
)]
pub(crate) struct TemporalioImport;

impl Rule for TemporalioImport {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for &file in &cx.model.files {
            if !cx.model.is_runbook_code(file) {
                continue;
            }
            for import in cx.model.imports(file) {
                let parts = import.parts();
                let first = parts
                    .iter()
                    .find(|(module, ..)| module.split('.').next() == Some("temporalio"));
                let Some((module, name, _)) = first else {
                    continue;
                };
                let imported = match name {
                    Some(name) => format!("{module}.{name}"),
                    None => (*module).to_owned(),
                };
                let span = span_of(import.statement);
                let message = "bundle code imports `temporalio` instead of `ntro.workflow`";
                let mut finding =
                    Finding::new(&Self::METADATA, file, span, message).help(help(&imported));
                if let Some(edits) = migration(cx, file, import) {
                    finding =
                        finding.replace_all("migrate to the facade", Applicability::Unsafe, edits);
                }
                finding.report(report);
            }
        }
    }
}

fn help(imported: &str) -> &'static str {
    if imported.starts_with("temporalio.activity") {
        "write `from ntro.workflow import activity`"
    } else if imported.starts_with("temporalio.exceptions") {
        "raise `ntro.workflow.WorkflowError`, and catch what `ntro.workflow.exceptions` defines"
    } else if imported.starts_with("temporalio.common") {
        "leave retries to Temporal's defaults; `WorkflowError(…, non_retryable=True)` stops them"
    } else if imported.starts_with("temporalio.client") || imported.starts_with("temporalio.worker")
    {
        "keep clients and workers out of the bundle"
    } else {
        "write `from ntro.workflow import runbook`"
    }
}

/// The edits that turn `from temporalio import workflow, activity` and all its uses into the facade,
/// if the facade has everything that is used.
fn migration(
    cx: &Context<'_>,
    file: FileId,
    import: ImportSite<'_>,
) -> Option<Vec<(Span, String)>> {
    let Stmt::ImportFrom(statement) = import.statement else {
        return None;
    };
    let is_plain = statement
        .module
        .as_ref()
        .is_some_and(|it| it.as_str() == "temporalio")
        && statement.level == 0
        && statement.names.iter().all(|it| it.asname.is_none());
    if !is_plain {
        return None;
    }
    let mut imported: Vec<&str> = Vec::new();
    for alias in &statement.names {
        imported.push(match alias.name.as_str() {
            "workflow" => "runbook",
            "activity" => "activity",
            _ => return None,
        });
    }
    imported.sort_unstable();
    let replacement = format!("from ntro.workflow import {}", imported.join(", "));
    let mut edits = vec![(span_of(statement), replacement)];
    let mut is_complete = true;
    cx.model.expressions(file, &mut |scope, expr| {
        if let Expr::Attribute(attribute) = expr
            && let Expr::Name(name) = &*attribute.value
        {
            let module = cx.model.resolve(file, scope, &attribute.value);
            let (members, facade) = match module.as_ref().and_then(Resolved::external) {
                Some("temporalio.workflow") => (sdk::RUNBOOK, "runbook"),
                Some("temporalio.activity") => (sdk::ACTIVITY, "activity"),
                _ => return,
            };
            is_complete &= members.contains(&attribute.attr.as_str());
            if name.id.as_str() != facade {
                edits.push((span_of(name), facade.to_owned()));
            }
        }
    });
    is_complete.then_some(edits)
}
