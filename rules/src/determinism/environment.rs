use lint_core::diagnostic::Diagnostic;
use lint_core::rule::RuleMetadata;
use rules_macros::RuleMetadata;

use crate::fixes;
use crate::hazard::{self, Case};
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds reads of what belongs to the worker and not to the workflow: environment variables, command
/// line, working and home directory, host and user name, process id, platform, settings objects,
/// secret stores and feature flags.
///
/// ## Why is this bad?
/// A workflow outlives the worker that started it. Its replay runs on another host, after another
/// deployment, with other settings. If a tolerance was raised in between, breaks that were escalated
/// are now accepted: the replay issues other commands than history has.
///
/// ## Example
/// A switch that is read in the middle of a run:
/// ```python
/// import os
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class ReconcileBank:
///     @workflow.run
///     async def run(self, difference: float) -> str:
///         tolerance = float(os.environ["RECON_TOLERANCE"])  # RB104
///         return "matched" if abs(difference) <= tolerance else "break"
/// ```
/// In a runbook, in a property:
/// ```python
/// import os
///
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class ReconcileBank(NtroWorkflow):
///     @property
///     def tolerance(self) -> float:
///         return float(os.getenv("RECON_TOLERANCE", "0.01"))  # RB104
///
///     @runbook.run
///     async def run(self, difference: float) -> str:
///         return "matched" if abs(difference) <= self.tolerance else "break"
/// ```
///
/// ## Use instead
/// Make it part of the input, which is recorded when the workflow starts:
/// ```python
/// from dataclasses import dataclass
///
/// from temporalio import workflow
///
///
/// @dataclass
/// class ReconcileInput:
///     difference: float
///     tolerance: float
///
///
/// @workflow.defn
/// class ReconcileBank:
///     @workflow.run
///     async def run(self, inp: ReconcileInput) -> str:
///         return "matched" if abs(inp.difference) <= inp.tolerance else "break"
/// ```
/// In a runbook it is a field of the Context:
/// ```python
/// from pydantic import BaseModel
///
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// class ReconcileContext(BaseModel):
///     difference: float
///     tolerance: float = 0.01
///
///
/// @runbook.defn
/// class ReconcileBank(NtroWorkflow):
///     @runbook.run
///     async def run(self, ctx: ReconcileContext) -> str:
///         return "matched" if abs(ctx.difference) <= ctx.tolerance else "break"
/// ```
///
/// ## Fix
/// Unsafe: the expression moves into an activity, or the helper around it runs in one, which open
/// executions do not have in their history; or it becomes a field of the input, which whoever starts the
/// workflow has to fill. What is called like a secret stays where it is, since both end up in the
/// history.
///
/// ## Limits
/// A variable that is read once, when the module is imported, is the subject of RB118.
#[derive(RuleMetadata)]
#[rule(
    code = "RB104",
    severity = "error",
    category = "determinism",
    since = "0.1.0",
    fix = "unsafe",
    summary = "workflow code reads the environment, settings or the host"
)]
pub(crate) struct Environment;

impl Rule for Environment {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn classes(&self) -> &'static [&'static str] {
        &["env", "flags", "platform"]
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let fixes = |cx: &Context<'_>, case: &Case<'_, '_>| {
            let moved = fixes::in_activity(cx, case);
            moved.into_iter().chain(fixes::in_input(cx, case))
        };
        hazard::report_fixable_apis(self, cx, fixes, report);
    }
}
