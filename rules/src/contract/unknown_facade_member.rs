use lint_core::diagnostic::{Applicability, Diagnostic};
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
/// Finds attributes of `runbook` and `activity` that these facades do not have.
///
/// ## Why is this bad?
/// It raises an `AttributeError` when the line runs, in both runtimes. The facade is smaller than the
/// `temporalio` modules it replaces: it has no `sleep`, no `random`, no `uuid4`, no `patched`, no
/// `continue_as_new`, and `activity` has no `heartbeat`.
///
/// ## Example
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class NumberInvoicesWorkflow(NtroWorkflow):
///     @runbook.step(name="number", title="Number invoices", icon="Hash")
///     async def _step_number(self, context: dict) -> dict:
///         return {**context, "batch": str(runbook.uuid4())}  # RB210
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_number(context)
/// ```
///
/// ## Use instead
/// An activity makes the id:
/// ```python path=templates/workflow.py
/// from datetime import timedelta
///
/// from ntro.workflow import NtroWorkflow, runbook
///
/// from .activities import new_batch
///
///
/// @runbook.defn
/// class NumberInvoicesWorkflow(NtroWorkflow):
///     @runbook.step(name="number", title="Number invoices", icon="Hash")
///     async def _step_number(self, context: dict) -> dict:
///         return await runbook.execute_activity(
///             new_batch, context, start_to_close_timeout=timedelta(minutes=1)
///         )
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_number(context)
/// ```
/// ```python path=templates/activities.py
/// from uuid import uuid4
///
/// from ntro.workflow import activity
///
///
/// @activity.defn(name="number_invoices.new_batch")
/// async def new_batch(context: dict) -> dict:
///     return {**context, "batch": str(uuid4())}
/// ```
///
/// ## Fix
/// Unsafe: the member of the facade with the most similar name may not be the one that was meant.
#[derive(RuleMetadata)]
#[rule(
    code = "RB210",
    severity = "error",
    category = "contract",
    since = "0.1.0",
    fix = "unsafe",
    summary = "an attribute of `runbook` or `activity` does not exist"
)]
pub(crate) struct UnknownFacadeMember;

impl Rule for UnknownFacadeMember {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for &file in &cx.model.files {
            cx.model.expressions(file, &mut |scope, expr| {
                let Expr::Attribute(attribute) = expr else {
                    return;
                };
                let owner = cx.model.resolve(file, scope, &attribute.value);
                let (facade, members) = match owner.as_ref().and_then(Resolved::external) {
                    Some("ntro.workflow.runbook") => ("runbook", sdk::RUNBOOK),
                    Some("ntro.workflow.activity") => ("activity", sdk::ACTIVITY),
                    _ => return,
                };
                let attr = attribute.attr.as_str();
                if members.contains(&attr) || attr.starts_with("__") {
                    return;
                }
                let written = code(cx.model.slice(file, span_of(attribute)));
                let message =
                    format!("{written} does not exist: `{facade}` has no member `{attr}`");
                let mut finding = Finding::new(&Self::METADATA, file, span_of(attribute), message)
                    .culprit(format!("ntro.workflow.{facade}.{attr}"))
                    .note(format!("Checked against {}.", sdk::VERSION));
                finding = match (
                    known_help(facade, attr),
                    closest(attr, members.iter().copied()),
                ) {
                    (Some(help), _) => finding.help(help),
                    (None, Some(member)) => finding
                        .help(format!("did you mean `{facade}.{member}`?"))
                        .replace(
                            format!("replace it with `{member}`"),
                            Applicability::Unsafe,
                            span_of(&attribute.attr),
                            member,
                        ),
                    (None, None) => finding.help(format!("`{facade}` has {}", list(members))),
                };
                finding.report(report);
            });
        }
    }
}

/// What to use in place of a member that temporalio's module has.
fn known_help(facade: &str, attr: &str) -> Option<&'static str> {
    Some(match (facade, attr) {
        ("runbook", "random" | "uuid4" | "new_random") => {
            "make the value in an activity and pass it back"
        }
        ("runbook", "sleep") => "use `asyncio.sleep()`, which is a timer in Temporal",
        ("runbook", "time" | "time_ns") => "use `runbook.now().timestamp()`",
        ("runbook", "wait" | "as_completed") => "use `asyncio.gather()`",
        ("runbook", "start_activity" | "execute_local_activity" | "start_local_activity") => {
            "use `runbook.execute_activity()`; `asyncio.create_task()` lets it run on the side"
        }
        ("runbook", "patched" | "deprecate_patch") => {
            "deploy a new version of the bundle; the facade has no patching"
        }
        ("runbook", "continue_as_new") => "start a child runbook for each part of the work",
        ("runbook", "update") => "use a signal and a query",
        ("runbook", "init") => "take the input in the run method",
        ("runbook", "unsafe") => "import normally; the facade needs no `imports_passed_through()`",
        ("activity", "heartbeat" | "is_cancelled" | "wait_for_cancelled") => {
            "leave it out; the facade has no heartbeats"
        }
        ("activity", "execute_activity") => "schedule it from the runbook",
        _ => return None,
    })
}

fn list(members: &[&str]) -> String {
    let quoted: Vec<String> = members.iter().map(|it| code(it)).collect();
    quoted.join(", ")
}
