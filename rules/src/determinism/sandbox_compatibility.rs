use lint_core::diagnostic::Diagnostic;
use lint_core::rule::RuleMetadata;
use rules_macros::RuleMetadata;

use crate::hazard;
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds deterministic calls that Temporal's sandbox rejects because they live in a module that it
/// restricts as a whole: `os.path.join()` before Python 3.14, an uncontended `threading.Lock()`,
/// `gettext`.
///
/// ## Why restrict this?
/// A replay would not differ, so this is not a determinism rule and off by default. But on a worker with
/// the sandbox on, the first call fails the workflow task, and the workflow stands still until somebody
/// looks.
///
/// ## Example
/// ```python
/// import os
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class ExportNav:
///     @workflow.run
///     async def run(self, fund: str) -> str:
///         return os.path.join("exports", fund)  # RB121
/// ```
///
/// ## Use instead
/// ```python
/// from pathlib import PurePosixPath
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class ExportNav:
///     @workflow.run
///     async def run(self, fund: str) -> str:
///         return str(PurePosixPath("exports") / fund)
/// ```
#[derive(RuleMetadata)]
#[rule(
    code = "RB121",
    severity = "warning",
    category = "determinism",
    since = "0.1.0",
    summary = "workflow code is deterministic but fails in Temporal's sandbox",
    default = false
)]
pub(crate) struct SandboxCompatibility;

impl Rule for SandboxCompatibility {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn classes(&self) -> &'static [&'static str] {
        &["sandboxonly"]
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        // The sandbox does not restrict modules that are passed through.
        let watched = hazard::apis(self, cx.facts).filter(|(case, _)| !case.shares_modules());
        report.extend(watched.map(|(case, class)| case.diagnose_api(self, &class)));
    }
}
