use lint_core::diagnostic::Diagnostic;
use lint_core::rule::RuleMetadata;
use rules_macros::RuleMetadata;

use crate::hazard;
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds `id()`, and `hash()` of what Python salts or addresses: strings, bytes, dates, and objects
/// that do not define a hash of their own.
///
/// ## Why is this bad?
/// Both are only good within one process. Python salts the hashes of strings anew at each start, and
/// an address is wherever memory was free. A queue or a shard that is chosen by `hash(fund_code)` is
/// another one in the worker that replays.
///
/// ## Example
/// ```python
/// from datetime import timedelta
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class StrikeNav:
///     @workflow.run
///     async def run(self, fund_code: str) -> float:
///         shard = hash(fund_code) % 4  # RB117
///         return await workflow.execute_activity(
///             "strike_nav",
///             fund_code,
///             task_queue=f"nav-{shard}",
///             start_to_close_timeout=timedelta(minutes=5),
///         )
/// ```
/// In a runbook:
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class TagPayloads(NtroWorkflow):
///     @runbook.run
///     async def run(self, payload: dict) -> int:
///         return id(payload)  # RB117
/// ```
///
/// ## Use instead
/// A digest depends on nothing but its input:
/// ```python
/// import zlib
/// from datetime import timedelta
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class StrikeNav:
///     @workflow.run
///     async def run(self, fund_code: str) -> float:
///         shard = zlib.crc32(fund_code.encode()) % 4
///         return await workflow.execute_activity(
///             "strike_nav",
///             fund_code,
///             task_queue=f"nav-{shard}",
///             start_to_close_timeout=timedelta(minutes=5),
///         )
/// ```
/// In a runbook:
/// ```python
/// import hashlib
/// import json
///
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class TagPayloads(NtroWorkflow):
///     @runbook.run
///     async def run(self, payload: dict) -> str:
///         return hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()
/// ```
///
/// ## Sandbox
/// Temporal's sandbox lets both through.
///
/// ## References
/// - <https://docs.python.org/3/using/cmdline.html#envvar-PYTHONHASHSEED>
#[derive(RuleMetadata)]
#[rule(
    code = "RB117",
    severity = "warning",
    category = "determinism",
    since = "0.1.0",
    summary = "workflow code uses a memory address or a salted hash"
)]
pub(crate) struct ProcessIdentity;

impl Rule for ProcessIdentity {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn classes(&self) -> &'static [&'static str] {
        &["process-identity"]
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        hazard::report_apis(self, cx.facts, report);
    }
}
