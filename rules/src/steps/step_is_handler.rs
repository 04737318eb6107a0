use lint_core::diagnostic::Diagnostic;
use lint_core::knowledge::Role;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds methods that are a step and the run method, a signal handler or a query handler at the same
/// time.
///
/// ## Why is this bad?
/// A step is a phase of the run. A signal that is a step makes itself the current step whenever it
/// arrives; the run method as a step stays active until the very end, above all others; and the
/// decorator makes a query `async`, so that it gives a coroutine in place of an answer.
///
/// ## Example
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class AwaitStatementWorkflow(NtroWorkflow):
///     @runbook.signal
///     @runbook.step(name="statement", title="Statement arrived", icon="Inbox")  # RB318
///     async def statement_arrived(self, payload: dict) -> None:
///         self._statement = payload
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         await runbook.wait_condition(lambda: hasattr(self, "_statement"))
///         return context
/// ```
///
/// ## Use instead
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class AwaitStatementWorkflow(NtroWorkflow):
///     @runbook.signal
///     async def statement_arrived(self, payload: dict) -> None:
///         self._statement = payload
///
///     @runbook.step(name="statement", title="Await statement", icon="Inbox")
///     async def _step_statement(self, context: dict) -> dict:
///         await runbook.wait_condition(lambda: hasattr(self, "_statement"))
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_statement(context)
/// ```
#[derive(RuleMetadata)]
#[rule(
    code = "RB318",
    severity = "warning",
    category = "steps",
    since = "0.1.0",
    summary = "a step is a run method or a handler as well"
)]
pub(crate) struct StepIsHandler;

impl Rule for StepIsHandler {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for class in cx.model.classes() {
            for step in &class.steps {
                let marks = &class.methods[step.method].marks;
                let kind = marks.iter().find_map(|mark| match mark.role {
                    Role::Run => Some("the run method"),
                    Role::Signal => Some("a signal handler"),
                    Role::Query => Some("a query handler"),
                    Role::Update => Some("an update handler"),
                    Role::Activity => Some("an activity"),
                    _ => None,
                });
                if let Some(kind) = kind {
                    let message = format!("step {} is {kind} as well", code(step.label()));
                    let span = span_of(&step.mark.node.expression);
                    Finding::new(&Self::METADATA, class.file, span, message)
                        .in_runbook(class)
                        .help("make the step a plain method of its own")
                        .report(report);
                }
            }
        }
    }
}
