use lint_core::diagnostic::Diagnostic;
use lint_core::rule::RuleMetadata;
use rules_macros::RuleMetadata;

use crate::fixes;
use crate::hazard;
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds draws from generators that the operating system seeds: the functions of `random`,
/// `random.Random()` without a seed, `secrets`, `os.urandom()`, `numpy.random`, and libraries that make
/// keys, salts and tokens.
///
/// ## Why is this bad?
/// A replay draws again and gets other numbers. If they decide how many journals are reviewed, or by
/// which activities, the replay issues other commands than history has, and fails. If they only decide
/// which ones, it passes, and takes the results of some journals for those of others. A token or a key
/// that is made in workflow code is moreover readable in the event history of the workflow.
///
/// ## Example
/// A sample for review, in plain Temporal code:
/// ```python
/// import random
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class ReviewJournals:
///     @workflow.run
///     async def run(self, journals: list[str]) -> list[str]:
///         return random.sample(journals, 5)  # RB102
/// ```
/// The same in a runbook. The finding is where a generator is made without a seed, not where it is
/// used:
/// ```python
/// from random import Random
///
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class ReviewJournals(NtroWorkflow):
///     @runbook.run
///     async def run(self, journals: list[str]) -> str:
///         picker = Random()  # RB102
///         return picker.choice(journals)
/// ```
///
/// ## Use instead
/// `workflow.random()` is a generator whose seed is part of the history:
/// ```python
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class ReviewJournals:
///     @workflow.run
///     async def run(self, journals: list[str]) -> list[str]:
///         return workflow.random().sample(journals, 5)
/// ```
/// The runbook facade has no generator. Draw in an activity, whose result is recorded:
/// ```python path=templates/workflow.py
/// from datetime import timedelta
///
/// from ntro.workflow import NtroWorkflow, runbook
///
/// from .activities import pick_sample
///
///
/// @runbook.defn
/// class ReviewJournals(NtroWorkflow):
///     @runbook.run
///     async def run(self, journals: list[str]) -> list[str]:
///         return await runbook.execute_activity(
///             pick_sample, journals, start_to_close_timeout=timedelta(minutes=1)
///         )
/// ```
/// ```python path=templates/activities.py
/// import random
///
/// from ntro.workflow import activity
///
///
/// @activity.defn(name="review_journals.pick_sample")
/// async def pick_sample(journals: list[str]) -> list[str]:
///     return random.sample(journals, 5)
/// ```
/// A generator with a seed that the workflow is given draws the same numbers again:
/// ```python
/// from random import Random
///
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class ReviewJournals(NtroWorkflow):
///     @runbook.run
///     async def run(self, journals: list[str]) -> str:
///         return Random(runbook.info().workflow_id).choice(journals)
/// ```
///
/// ## Fix
/// In a workflow of Temporal `workflow.random()` takes the place of the module: safe, since it has the
/// same methods and gives the same types; unsafe where the function sets the seed of the module, which has
/// no part in it. Elsewhere the expression moves into an activity, or the helper around it runs in one:
/// unsafe, since open executions do not have that activity in their history. Secrets stay where they are,
/// since what an activity returns stays in the history.
///
/// ## Limits
/// Whether a seed is itself stable is judged where the seed comes from: `Random(time.time())` is a
/// finding of RB101.
///
/// ## Sandbox
/// Temporal's sandbox lets `random.Random()` and `random.SystemRandom()` through.
#[derive(RuleMetadata)]
#[rule(
    code = "RB102",
    severity = "error",
    category = "determinism",
    since = "0.1.0",
    fix = "safe",
    summary = "workflow code draws random numbers or secrets"
)]
pub(crate) struct Randomness;

impl Rule for Randomness {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn classes(&self) -> &'static [&'static str] {
        &["random", "entropy"]
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        hazard::report_fixable_apis(
            self,
            cx,
            |cx, case| fixes::randomness(cx, case).or_else(|| fixes::in_activity(cx, case)),
            report,
        );
    }
}
