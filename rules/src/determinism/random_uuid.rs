use lint_core::diagnostic::Diagnostic;
use lint_core::rule::RuleMetadata;
use rules_macros::RuleMetadata;

use crate::fixes;
use crate::hazard;
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds ids made from randomness, from the clock or from the host: `uuid.uuid4()`, `uuid.uuid1()`,
/// `uuid.uuid7()`, and the libraries for ULIDs, nanoids, object ids and the like.
///
/// ## Why is this bad?
/// Each replay makes another id. As the id of a child workflow it makes the replay fail, because
/// Temporal compares the ids of commands. As the number of a journal it does worse: the replay passes,
/// and the journal that was posted has a number that the workflow no longer knows.
///
/// ## Example
/// ```python
/// import uuid
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class PostJournals:
///     @workflow.run
///     async def run(self, funds: list[str]) -> None:
///         for fund in funds:
///             await workflow.execute_child_workflow(
///                 "PostJournal",
///                 fund,
///                 id=f"journal-{uuid.uuid4()}",  # RB103
///             )
/// ```
/// An id that a model makes when it is constructed without one:
/// ```python path=templates/workflow.py
/// from ntro.workflow import NtroWorkflow, runbook
///
/// from .models import Journal
///
///
/// @runbook.defn
/// class AccrueFees(NtroWorkflow):
///     @runbook.run
///     async def run(self, fee: float) -> Journal:
///         return Journal(amount=fee)  # RB103
/// ```
/// ```python path=templates/models.py
/// from uuid import uuid4
///
/// from pydantic import BaseModel, Field
///
///
/// class Journal(BaseModel):
///     id: str = Field(default_factory=lambda: str(uuid4()))
///     amount: float
/// ```
///
/// ## Use instead
/// `workflow.uuid4()` draws from the generator that Temporal replays:
/// ```python
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class PostJournals:
///     @workflow.run
///     async def run(self, funds: list[str]) -> None:
///         for fund in funds:
///             await workflow.execute_child_workflow(
///                 "PostJournal",
///                 fund,
///                 id=f"journal-{workflow.uuid4()}",
///             )
/// ```
/// In a runbook, derive the id from what is stable, and give it to the model:
/// ```python path=templates/workflow.py
/// from uuid import NAMESPACE_URL, uuid5
///
/// from ntro.workflow import NtroWorkflow, runbook
///
/// from .models import Journal
///
///
/// @runbook.defn
/// class AccrueFees(NtroWorkflow):
///     @runbook.run
///     async def run(self, fee: float) -> Journal:
///         journal_id = uuid5(NAMESPACE_URL, f"{runbook.info().workflow_id}:fee")
///         return Journal(id=str(journal_id), amount=fee)
/// ```
/// ```python path=templates/models.py
/// from uuid import uuid4
///
/// from pydantic import BaseModel, Field
///
///
/// class Journal(BaseModel):
///     id: str = Field(default_factory=lambda: str(uuid4()))
///     amount: float
/// ```
///
/// ## Fix
/// In a workflow of Temporal `workflow.uuid4()` takes the place of `uuid.uuid4()`: safe, since it gives a
/// UUID of the same version. It also takes the place of `uuid1()` and `uuid6()`: unsafe, since the version
/// is another one; `workflow.uuid7()` takes that of `uuid.uuid7()`: unsafe, since older SDKs lack it. A field with a random default is given one: unsafe. Elsewhere the expression
/// moves into an activity, or the helper around it runs in one: unsafe, since open executions do not have
/// that activity in their history.
///
/// ## Sandbox
/// Temporal's sandbox stops `uuid4()` in code that it watches. Models are usually imported with
/// pass-through, and then it does not see their factories.
#[derive(RuleMetadata)]
#[rule(
    code = "RB103",
    severity = "error",
    category = "determinism",
    since = "0.1.0",
    fix = "safe",
    summary = "workflow code makes a unique id"
)]
pub(crate) struct RandomUuid;

impl Rule for RandomUuid {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn classes(&self) -> &'static [&'static str] {
        &["uuid"]
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        hazard::report_fixable_apis(
            self,
            cx,
            |cx, case| {
                fixes::uuid(cx, case)
                    .or_else(|| fixes::filled(cx, case))
                    .or_else(|| fixes::in_activity(cx, case))
            },
            report,
        );
    }
}
