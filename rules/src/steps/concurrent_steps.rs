use std::collections::BTreeMap;

use lint_core::diagnostic::{Diagnostic, FileId};
use lint_core::index::FunctionIx;
use lint_core::names::Resolved;
use lint_core::rule::RuleMetadata;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::model::{CallSite, Model, Step, Usage};
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds steps that are run at the same time, with `asyncio.gather()` or as tasks.
///
/// ## Why is this bad?
/// There is one current step. While several run, the breadcrumb shows only the one that started last as
/// active and the others as pending, and gates and child runbooks are filed under the wrong step.
///
/// ## Example
/// ```python
/// import asyncio
///
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class GatherEvidenceWorkflow(NtroWorkflow):
///     @runbook.step(name="banks", title="Ask banks", icon="Landmark")
///     async def _step_banks(self, context: dict) -> dict:
///         return context
///
///     @runbook.step(name="agents", title="Ask agents", icon="Users")
///     async def _step_agents(self, context: dict) -> dict:
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> list[dict]:
///         return await asyncio.gather(
///             self._step_banks(context),  # RB314
///             self._step_agents(context),
///         )
/// ```
///
/// ## Use instead
/// One step around what is done at the same time:
/// ```python
/// import asyncio
///
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class GatherEvidenceWorkflow(NtroWorkflow):
///     @runbook.step(name="ask", title="Ask banks and agents", icon="Users")
///     async def _step_ask(self, context: dict) -> list[dict]:
///         return await asyncio.gather(self._ask_banks(context), self._ask_agents(context))
///
///     async def _ask_banks(self, context: dict) -> dict:
///         return context
///
///     async def _ask_agents(self, context: dict) -> dict:
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> list[dict]:
///         return await self._step_ask(context)
/// ```
#[derive(RuleMetadata)]
#[rule(
    code = "RB314",
    severity = "warning",
    category = "steps",
    since = "0.1.0",
    summary = "steps run at the same time"
)]
pub(crate) struct ConcurrentSteps;

impl Rule for ConcurrentSteps {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let mut groups: BTreeMap<(FileId, FunctionIx), Vec<(&CallSite<'_>, &Step<'_>)>> =
            BTreeMap::new();
        for site in &cx.model.calls {
            if !site.awaited
                && is_started_concurrently(site)
                && let Some(step) = called_step(&cx.model, site)
            {
                let group = groups.entry((site.file, site.function)).or_default();
                group.push((site, step));
            }
        }
        for group in groups.values() {
            let (site, first) = group[0];
            let repeated = group
                .iter()
                .any(|(site, _)| site.in_loop || site.in_comprehension);
            if group.len() < 2 && !repeated {
                continue;
            }
            let other = group.iter().find(|(_, step)| step.ix != first.ix);
            let message = match other {
                Some((_, other)) => format!(
                    "steps {} and {} run at the same time",
                    code(first.label()),
                    code(other.label())
                ),
                None => format!("step {} runs several times at once", code(first.label())),
            };
            let place = site.place();
            let mut finding = Finding::new(&Self::METADATA, place.file, place.span, message)
                .help("make it one step that runs plain methods at the same time");
            if let Some(runbook) = site.runbook {
                finding = finding.in_runbook(&cx.model.runbooks[runbook]);
            }
            finding.report(report);
        }
    }
}

fn is_started_concurrently(site: &CallSite<'_>) -> bool {
    let Usage::Argument(Some(Resolved::External(taker))) = &site.usage else {
        return false;
    };
    matches!(
        taker.as_str(),
        "asyncio.gather"
            | "asyncio.create_task"
            | "asyncio.ensure_future"
            | "asyncio.wait"
            | "asyncio.as_completed"
    )
}

fn called_step<'m, 'p>(model: &'m Model<'p>, site: &CallSite<'_>) -> Option<&'m Step<'p>> {
    let Some(Resolved::Function { file, ix }) = site.callee else {
        return None;
    };
    let classes = model.classes().filter(|class| class.file == file);
    let mut steps = classes.flat_map(|class| &class.steps);
    steps.find(|step| step.ix == ix)
}
