use lint_core::diagnostic::Diagnostic;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds titles that two steps of a runbook share, and titles of more than 40 characters.
///
/// ## Why is this bad?
/// The title is all that people see of a step. Two entries of one title cannot be told apart, and a long
/// one does not fit into a breadcrumb.
///
/// ## Example
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class ApproveBudgetWorkflow(NtroWorkflow):
///     @runbook.step(name="manager", title="Approve", icon="UserCheck")
///     async def _step_manager(self, context: dict) -> dict:
///         return context
///
///     @runbook.step(name="board", title="Approve", icon="Users")  # RB321
///     async def _step_board(self, context: dict) -> dict:
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         context = await self._step_manager(context)
///         return await self._step_board(context)
/// ```
///
/// ## Use instead
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class ApproveBudgetWorkflow(NtroWorkflow):
///     @runbook.step(name="manager", title="Manager approves", icon="UserCheck")
///     async def _step_manager(self, context: dict) -> dict:
///         return context
///
///     @runbook.step(name="board", title="Board approves", icon="Users")
///     async def _step_board(self, context: dict) -> dict:
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         context = await self._step_manager(context)
///         return await self._step_board(context)
/// ```
#[derive(RuleMetadata)]
#[rule(
    code = "RB321",
    severity = "info",
    category = "steps",
    since = "0.1.0",
    summary = "the title of a step is used twice or is very long"
)]
pub(crate) struct StepTitle;

/// The longest title of a public bundle has 20 characters.
const LONGEST: usize = 40;

impl Rule for StepTitle {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for class in cx.model.classes() {
            let mut seen: Vec<(String, &str)> = Vec::new();
            for step in &class.steps {
                let Some(title) = &step.title else {
                    continue;
                };
                let Some(text) = title
                    .text
                    .as_deref()
                    .map(str::trim)
                    .filter(|it| !it.is_empty())
                else {
                    continue;
                };
                let finding = |message: String| {
                    let span = span_of(title.value);
                    Finding::new(&Self::METADATA, class.file, span, message).in_runbook(class)
                };
                let length = text.chars().count();
                if length > LONGEST {
                    finding(format!(
                        "the title of step {} has {length} characters",
                        code(step.label())
                    ))
                    .help("three or four words are enough")
                    .report(report);
                }
                let key = text.to_lowercase();
                match seen.iter().find(|(other, _)| *other == key) {
                    Some((_, other)) => finding(format!(
                        "steps {} and {} have the same title",
                        code(other),
                        code(step.label())
                    ))
                    .help("say what is different about each")
                    .report(report),
                    None => seen.push((key, step.label())),
                }
            }
        }
    }
}
