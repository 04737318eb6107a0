use lint_core::diagnostic::{Applicability, Diagnostic, Span};
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
/// Finds imports of names that `ntro.workflow` does not have, and of modules that are gone, such as
/// `ntro.workflow.runbook` and `ntro.workflow.history`.
///
/// ## Why is this bad?
/// The import fails, and with it the whole bundle.
///
/// ## Example
/// ```python
/// from ntro.workflow import NtroWorkflow, step  # RB211
/// from ntro.workflow.history import load_previous_task  # RB211
/// ```
///
/// ## Use instead
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
/// from ntro.workflow import task
/// ```
/// An import whose failure is handled is left alone:
/// ```python
/// try:
///     from ntro.workflow.history import load_previous_task
/// except ImportError:
///     from ntro.workflow.task import previous as load_previous_task
/// ```
///
/// ## Fix
/// Unsafe: the module or member with the most similar name may not be the one that was meant.
#[derive(RuleMetadata)]
#[rule(
    code = "RB211",
    severity = "error",
    category = "contract",
    since = "0.1.0",
    fix = "unsafe",
    summary = "an import from `ntro` names something that does not exist"
)]
pub(crate) struct UnknownImport;

/// Modules that are gone or never were, and what to use.
const MODULES: &[(&str, &str)] = &[
    ("ntro.capabilities.extraction", "use `ntro.capabilities.ai`"),
    ("ntro.capabilities.pdf", "use `ntro.capabilities.files`"),
    (
        "ntro.workflow.base",
        "write `from ntro.workflow import NtroWorkflow`",
    ),
    (
        "ntro.workflow.history",
        "write `from ntro.workflow import task` and call `task.previous()`",
    ),
    (
        "ntro.workflow.runbook",
        "write `from ntro.workflow import NtroWorkflow`",
    ),
];

impl Rule for UnknownImport {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for &file in &cx.model.files {
            for import in cx.model.imports(file) {
                if import.is_guarded {
                    continue;
                }
                let mut reported_module = None;
                for (module, name, alias) in import.parts() {
                    let dotted = match name {
                        Some(name) => format!("{module}.{name}"),
                        None => module.to_owned(),
                    };
                    // A module that is gone is reported once for all that is taken from it.
                    if let Some(help) = gone(module).or_else(|| {
                        let from_capabilities = module == "ntro.capabilities";
                        from_capabilities.then(|| gone(&dotted)).flatten()
                    }) {
                        let gone = if gone(module).is_some() {
                            module
                        } else {
                            &dotted
                        };
                        if reported_module.replace(gone.to_owned()).as_deref() == Some(gone) {
                            continue;
                        }
                        let message = format!("module {} does not exist", code(gone));
                        let span = span_of(import.statement);
                        Finding::new(&Self::METADATA, file, span, message)
                            .help(help)
                            .note(format!("Checked against {}.", sdk::VERSION))
                            .report(report);
                    } else if let ("ntro.workflow", Some(name)) = (module, name) {
                        let span = span_of(&alias.name);
                        check_name(file, span, name, report);
                    } else if let Some(submodule) = module.strip_prefix("ntro.workflow.") {
                        let first = submodule.split('.').next().unwrap_or(submodule);
                        if !sdk::WORKFLOW_MODULES.contains(&first) {
                            let message = format!("module {} does not exist", code(module));
                            let span = span_of(import.statement);
                            Finding::new(&Self::METADATA, file, span, message)
                                .help("import from `ntro.workflow`")
                                .note(format!("Checked against {}.", sdk::VERSION))
                                .report(report);
                            break;
                        }
                    }
                }
            }
            cx.model.expressions(file, &mut |scope, expr| {
                if let Expr::Attribute(attribute) = expr {
                    let owner = cx.model.resolve(file, scope, &attribute.value);
                    if owner.as_ref().and_then(Resolved::external) == Some("ntro.workflow") {
                        let span = span_of(&attribute.attr);
                        check_name(file, span, attribute.attr.as_str(), report);
                    }
                }
            });
        }
    }
}

fn gone(module: &str) -> Option<&'static str> {
    let is_it = |known: &str| {
        module == known
            || module
                .strip_prefix(known)
                .is_some_and(|rest| rest.starts_with('.'))
    };
    MODULES
        .iter()
        .find(|(known, _)| is_it(known))
        .map(|it| it.1)
}

/// Checks a name that is taken from `ntro.workflow`.
fn check_name(
    file: lint_core::diagnostic::FileId,
    span: Span,
    name: &str,
    report: &mut Vec<Diagnostic>,
) {
    let is_known = sdk::WORKFLOW.contains(&name) || sdk::WORKFLOW_MODULES.contains(&name);
    if is_known || name == "*" || name.starts_with("__") {
        return;
    }
    let message = format!("`ntro.workflow` has no {}", code(name));
    let finding = Finding::new(&UnknownImport::METADATA, file, span, message)
        .culprit(format!("ntro.workflow.{name}"))
        .note(format!("Checked against {}.", sdk::VERSION));
    let known = sdk::WORKFLOW.iter().chain(sdk::WORKFLOW_MODULES).copied();
    let known = known.filter(|it| !it.starts_with('_'));
    let help = match name {
        "workflow" => Some("import `runbook`, which takes the place of `temporalio.workflow`"),
        "step" => Some("import `runbook` and write `@runbook.step(…)`"),
        "defn" | "run" | "signal" | "query" | "execute_activity" | "wait_condition" | "now"
        | "info" | "logger" => Some("import `runbook` and use its member of that name"),
        "ActivityError" | "ApplicationError" => {
            Some("import `WorkflowError`, or take it from `ntro.workflow.exceptions`")
        }
        "history" => Some("import `task`"),
        _ => None,
    };
    match (help, closest(name, known)) {
        (Some(help), _) => finding.help(help),
        (None, Some(closest)) => finding
            .help(format!("did you mean {}?", code(closest)))
            .replace(
                format!("replace it with `{closest}`"),
                Applicability::Unsafe,
                span,
                closest,
            ),
        (None, None) => finding,
    }
    .report(report);
}
