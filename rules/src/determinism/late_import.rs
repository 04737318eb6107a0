use std::collections::BTreeSet;

use lint_core::diagnostic::{Diagnostic, Place, Severity};
use lint_core::facts::HazardKind;
use lint_core::rule::RuleMetadata;
use rules_macros::RuleMetadata;

use crate::hazard::{Case, code};
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds `import` statements in functions that workflows call, if they name a package outside the
/// project and the standard library that is not loaded together with the workflow.
///
/// ## Why is this bad?
/// Temporal's sandbox has a copy of each module for each run. An import while the workflow runs loads
/// the package again for every run that comes there: it takes the time of a workflow task, classes of
/// two runs differ, and extensions in C may refuse to be loaded twice. The sandbox warns that the
/// module "was imported after initial workflow load".
///
/// ## Example
/// ```python
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class PriceFund:
///     @workflow.run
///     async def run(self, navs: list[float]) -> float:
///         import numpy  # RB126
///
///         return float(numpy.mean(navs))
/// ```
///
/// ## Use instead
/// ```python
/// from temporalio import workflow
///
/// with workflow.unsafe.imports_passed_through():
///     import numpy
///
///
/// @workflow.defn
/// class PriceFund:
///     @workflow.run
///     async def run(self, navs: list[float]) -> float:
///         return float(numpy.mean(navs))
/// ```
///
/// ## Sandbox
/// It only warns, with its default policy for imports. It always passes through the standard library,
/// `temporalio`, `pydantic`, `nexusrpc`, `grpc` and what these need.
#[derive(RuleMetadata)]
#[rule(
    code = "RB126",
    severity = "warning",
    category = "determinism",
    since = "0.1.0",
    summary = "a package is first imported while a workflow runs"
)]
pub(crate) struct LateImport;

/// What the sandbox passes through whatever a worker says, beside the standard library.
const ALWAYS_PASSED: &[&str] = &[
    "annotated_types",
    "google.protobuf",
    "grpc",
    "importlib_metadata",
    "nexusrpc",
    "pkg_resources",
    "pydantic",
    "pydantic_core",
    "typing_extensions",
];

impl Rule for LateImport {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let to_move = calls_to_move(cx);
        for case in Case::all(cx.facts) {
            let HazardKind::LateImport { loaded } = case.hazard.kind else {
                continue;
            };
            if case.workflow().is_sandboxed && !is_always_passed(&case.hazard.culprit) {
                let moves = !case.hazard.trace.is_empty() && to_move.contains(&case.hazard.place);
                report.push(diagnose(&case, loaded || moves));
            }
        }
    }
}

/// Calls that lead to errors. They have to become activities or go, and the imports behind them
/// with them.
fn calls_to_move(cx: &Context<'_>) -> BTreeSet<Place> {
    Case::all(cx.facts)
        .filter(|case| matches!(case.hazard.kind, HazardKind::Api { .. }))
        .filter(|case| case.severity(Severity::Error) == Severity::Error)
        .map(|case| case.hazard.place)
        .collect()
}

fn is_always_passed(module: &str) -> bool {
    ALWAYS_PASSED.iter().any(|passed| {
        module
            .strip_prefix(passed)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

/// A finding about the import; no more than information where it `matters_less`.
fn diagnose(case: &Case<'_, '_>, matters_less: bool) -> Diagnostic {
    let module = code(&case.hazard.culprit);
    let workflow = case.workflow_name();
    let imports = if case.hazard.trace.is_empty() {
        format!("{workflow} imports {module} while it runs")
    } else {
        let expression = code(&case.hazard.expression);
        format!("{expression} in {workflow} imports {module} while it runs")
    };
    let message =
        format!("{imports}, which the sandbox loads again for each run unless it is loaded");
    let help = "import it at the top of the workflow's module, in `with workflow.unsafe.imports_passed_through():`";
    let mut diagnostic = case.diagnose(&LateImport::METADATA, &message, help);
    // Another module passes it through, and may or may not be loaded first; or the call leads to
    // something worse.
    if matters_less {
        diagnostic.severity = diagnostic.severity.min(Severity::Info);
    }
    diagnostic
}
