use lint_core::diagnostic::{Diagnostic, Place};
use lint_core::facts::{FunctionRef, HazardKind, WorkflowKind};
use lint_core::index::FunctionNode;
use lint_core::knowledge::{CommandKind, Role};
use lint_core::rule::RuleMetadata;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::hazard::{Case, code};
use crate::program::Program;
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds assignments to the workflow's attributes, changes of what they hold, also under another name
/// or in a helper, commands (activities, timers, child workflows, signals), draws from
/// `workflow.random()` and `workflow.uuid4()`, and registrations of handlers, in query handlers and in
/// validators of updates.
///
/// ## Why is this bad?
/// Queries and rejected updates leave no trace in the history. What they change is missing after a
/// replay: a counter of views is back at zero, and if a branch depends on it, the replay fails.
/// Commands are refused by Temporal at run time.
///
/// ## Example
/// ```python
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class ApproveNav:
///     def __init__(self) -> None:
///         self.views = 0
///
///     @workflow.query
///     def status(self) -> str:
///         self.views += 1  # RB120
///         return "open"
///
///     @workflow.run
///     async def run(self, fund: str) -> None:
///         await workflow.wait_condition(lambda: self.views > 3)
/// ```
/// A list that a query of a runbook empties:
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class CollectStatements(NtroWorkflow):
///     def __init__(self) -> None:
///         super().__init__()
///         self.received: list[str] = []
///
///     @runbook.signal
///     async def statement_received(self, payload: str) -> None:
///         self.received.append(payload)
///
///     @runbook.query
///     def take_statements(self) -> list[str]:
///         taken = list(self.received)
///         self.received.clear()  # RB120
///         return taken
///
///     @runbook.run
///     async def run(self, expected: int) -> None:
///         await runbook.wait_condition(lambda: len(self.received) >= expected)
/// ```
///
/// ## Use instead
/// Queries look, signals and updates change:
/// ```python
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class ApproveNav:
///     def __init__(self) -> None:
///         self.approvals = 0
///
///     @workflow.query
///     def status(self) -> str:
///         return "approved" if self.approvals else "open"
///
///     @workflow.signal
///     def approve(self) -> None:
///         self.approvals += 1
///
///     @workflow.run
///     async def run(self, fund: str) -> None:
///         await workflow.wait_condition(lambda: self.approvals > 0)
/// ```
/// In a runbook:
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class CollectStatements(NtroWorkflow):
///     def __init__(self) -> None:
///         super().__init__()
///         self.received: list[str] = []
///
///     @runbook.signal
///     async def statement_received(self, payload: str) -> None:
///         self.received.append(payload)
///
///     @runbook.query
///     def statements(self) -> list[str]:
///         return list(self.received)
///
///     @runbook.run
///     async def run(self, expected: int) -> None:
///         await runbook.wait_condition(lambda: len(self.received) >= expected)
/// ```
///
/// ## Limits
/// Functions that ask `workflow.unsafe.is_read_only()` are taken to do only what they may.
///
/// ## References
/// - <https://docs.temporal.io/develop/python/message-passing#query-handlers>
#[derive(RuleMetadata)]
#[rule(
    code = "RB120",
    severity = "error",
    category = "determinism",
    since = "0.1.0",
    summary = "a query handler or an update validator changes state or issues a command"
)]
pub(crate) struct ReadOnlyHandler;

const IS_READ_ONLY: &str = "temporalio.workflow.unsafe.is_read_only";

impl Rule for ReadOnlyHandler {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let program = Program::new(cx.facts);
        for case in Case::all(cx.facts).filter(|case| case.hazard.read_only) {
            let steps = case.hazard.trace.iter().map(|it| it.place);
            if steps.chain([case.hazard.place]).any(|it| asks(program, it)) {
                continue;
            }
            let is_interceptor = case.workflow().kind == WorkflowKind::Interceptor;
            let does = match case.hazard.kind {
                HazardKind::StateWrite if is_interceptor => "changes the interceptor",
                HazardKind::StateWrite => "changes the workflow",
                HazardKind::Command { kind } => issues(kind),
                _ => continue,
            };
            let handler = format!("{} {}", role(&case), code(&case.hazard.entry));
            let message = case.sentence(&format!("{does}, which {handler} must not do"));
            let help = if is_interceptor {
                "do it in `execute_workflow` or `handle_signal`, and only read it here"
            } else {
                case.for_facade(
                    "do it in a signal or update handler, or in the `@workflow.run` method",
                    "do it in a signal handler, or in the `@runbook.run` method",
                )
            };
            report.push(case.diagnose(&Self::METADATA, &message, help));
        }
    }
}

/// Whether the code around asks whether it may only read.
fn asks(program: Program<'_, '_>, place: Place) -> bool {
    let file = place.file;
    let module = program.facts.project.module(file);
    let functions = module.into_iter().flat_map(|it| &it.index().functions);
    (0..).zip(functions).any(|(ix, function)| {
        let is_around =
            matches!(function.node, FunctionNode::Def(def) if span_of(def).contains(place.span));
        let calls = || program.calls_of(FunctionRef { file, ix }, &[IS_READ_ONLY]);
        is_around && calls().next().is_some()
    })
}

fn issues(command: CommandKind) -> &'static str {
    match command {
        CommandKind::Activity => "schedules an activity",
        CommandKind::ChildWorkflow => "starts a child workflow",
        CommandKind::Timer => "starts a timer",
        CommandKind::Signal => "sends a signal",
        CommandKind::Condition => "waits for a condition",
        CommandKind::ContinueAsNew => "continues as new",
        CommandKind::Other => "issues a command",
        CommandKind::Draw => "draws from the random numbers of the run",
        CommandKind::Registration => "registers what is called later",
    }
}

fn role(case: &Case<'_, '_>) -> &'static str {
    let entries = &case.workflow().entries;
    match entries.iter().find(|entry| entry.name == case.hazard.entry) {
        Some(entry) if entry.role == Role::Validator => "update validator",
        Some(_) => "query handler",
        None => "read-only handler",
    }
}
