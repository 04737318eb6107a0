use std::collections::BTreeSet;

use lint_core::diagnostic::{Diagnostic, Place, Severity};
use lint_core::facts::{HazardKind, Unless};
use lint_core::rule::RuleMetadata;
use rules_macros::RuleMetadata;

use crate::hazard::{Case, code};
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds `import` statements in functions that workflows call, if they load a package outside the
/// project and the standard library that is not loaded together with the workflow. They name it
/// themselves, or a module of the project that imports it and that nobody imported before.
///
/// ## Why is this bad?
/// Temporal's sandbox has a copy of each module for each run. An import while the workflow runs loads
/// the package again for every run that comes there: it takes the time of a workflow task, classes of
/// two runs differ, and extensions in C may refuse to be loaded twice. The sandbox warns that the
/// module "was imported after initial workflow load".
///
/// By then it also restricts what the package does while it is imported. Of twenty common packages
/// fifteen could not be loaded like this, among them `aiohttp`, `httpx`, `numpy`, `openai`,
/// `requests` and `sqlalchemy`: `RestrictedWorkflowAccessError` fails each try of the workflow task,
/// also where the worker itself has the package.
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
/// It warns, with its default policy for imports, and restricts what the package reads and calls
/// while it is imported, also in `sandbox_unrestricted()`. It is `info` where something outside the project
/// is loaded with the workflow that may import the package itself. Nothing is said where a worker that is none of the tests has an
/// `UnsandboxedWorkflowRunner`. The sandbox always passes through the standard library, `temporalio`,
/// `pydantic`, `nexusrpc`, `grpc` and what these need.
#[derive(RuleMetadata)]
#[rule(
    code = "RB126",
    severity = "warning",
    category = "determinism",
    since = "0.1.0",
    summary = "a package is first imported while a workflow runs"
)]
pub(crate) struct LateImport;

impl Rule for LateImport {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        if cx.everywhere.has_unsandboxed_worker {
            return;
        }
        let to_move = calls_to_move(cx);
        for case in Case::all(cx.facts) {
            let hazard = case.hazard;
            let HazardKind::LateImport { unless } = hazard.kind else {
                continue;
            };
            if case.workflow().is_sandboxed {
                let moves = !hazard.trace.is_empty() && to_move.contains(&hazard.place);
                let mut diagnostic = diagnose(&case, unless);
                if unless != Unless::Nothing || moves {
                    diagnostic.severity = diagnostic.severity.min(Severity::Info);
                }
                report.push(diagnostic);
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

/// A finding about the import of something that is missing in the sandbox, unless it came there before.
fn diagnose(case: &Case<'_, '_>, unless: Unless) -> Diagnostic {
    let module = code(&case.hazard.culprit);
    let workflow = case.workflow_name();
    let imports = if case.hazard.trace.is_empty() {
        format!("{workflow} imports {module} while it runs")
    } else {
        let expression = code(&case.hazard.expression);
        format!("{expression} in {workflow} imports {module} while it runs")
    };
    let unless = match unless {
        Unless::Nothing => "",
        Unless::Passed => ", unless the import that is passed through comes first",
        Unless::Others => ", unless a package that is loaded with the workflow has imported it",
    };
    let message =
        format!("{imports}, and the sandbox loads it again for each run, or refuses to{unless}");
    let help = "import it at the top of the workflow's module, in `with workflow.unsafe.imports_passed_through():`";
    case.diagnose(&LateImport::METADATA, &message, help)
}
