use std::collections::{BTreeMap, BTreeSet};

use lint_core::diagnostic::Diagnostic;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::rule::{Context, Rule};
use crate::sites::{ChildCall, bundle_slugs};

/// ## What it does
/// Finds runbooks that start themselves as a child, directly or through other bundles of the project.
///
/// ## Why is this bad?
/// Each run starts the next one, and each waits for its child: no run ever ends unless a condition breaks
/// the circle.
///
/// ## Example
/// ```python path=runbooks/roll-forward/templates/workflow.py
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class RollForwardWorkflow(NtroWorkflow):
///     @runbook.step(name="prepare", title="Prepare", icon="Calendar")
///     async def _step_prepare(self, period: str) -> str:
///         return await self.run_child_workflow(
///             slug="open-period",  # RB421
///             input=period,
///         )
///
///     @runbook.run
///     async def run(self, period: str) -> str:
///         return await self._step_prepare(period)
/// ```
/// ```python path=runbooks/open-period/templates/workflow.py
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class OpenPeriodWorkflow(NtroWorkflow):
///     @runbook.step(name="open", title="Open period", icon="CalendarPlus")
///     async def _step_open(self, period: str) -> str:
///         return await self.run_child_workflow(
///             slug="roll-forward",  # RB421
///             input=period,
///         )
///
///     @runbook.run
///     async def run(self, period: str) -> str:
///         return await self._step_open(period)
/// ```
///
/// ## Use instead
/// Let the child return, and continue in the parent:
/// ```python path=runbooks/roll-forward/templates/workflow.py
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class RollForwardWorkflow(NtroWorkflow):
///     @runbook.step(name="prepare", title="Prepare", icon="Calendar")
///     async def _step_prepare(self, period: str) -> str:
///         return await self.run_child_workflow(slug="open-period", input=period)
///
///     @runbook.run
///     async def run(self, period: str) -> str:
///         return await self._step_prepare(period)
/// ```
/// ```python path=runbooks/open-period/templates/workflow.py
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class OpenPeriodWorkflow(NtroWorkflow):
///     @runbook.step(name="open", title="Open period", icon="CalendarPlus")
///     async def _step_open(self, period: str) -> str:
///         return period
///
///     @runbook.run
///     async def run(self, period: str) -> str:
///         return await self._step_open(period)
/// ```
/// ```markdown path=runbooks/roll-forward/runbook.md
/// ---
/// id: rb-roll-forward
/// slug: roll-forward
/// name: Roll forward
/// version: 0.1.0
/// state: DRAFT
/// author: Fund operations
/// steps:
///   - id: prepare
///     label: Prepare
/// ---
///
/// ## When to use
///
/// At the end of each month.
/// ```
/// ```python path=runbooks/roll-forward/templates/__init__.py
/// ```
/// ```python path=runbooks/roll-forward/templates/activities.py
/// ```
/// ```markdown path=runbooks/open-period/runbook.md
/// ---
/// id: rb-open-period
/// slug: open-period
/// name: Open period
/// version: 0.1.0
/// state: DRAFT
/// author: Fund operations
/// steps:
///   - id: open
///     label: Open period
/// ---
///
/// ## When to use
///
/// At the end of each month.
/// ```
/// ```python path=runbooks/open-period/templates/__init__.py
/// ```
/// ```python path=runbooks/open-period/templates/activities.py
/// ```
///
/// ## Limits
/// Whether a condition ends the recursion is not judged.
#[derive(RuleMetadata)]
#[rule(
    code = "RB421",
    severity = "warning",
    category = "calls",
    since = "0.1.0",
    summary = "a runbook starts itself as a child, directly or through others"
)]
pub(crate) struct ChildRunbookCycle;

impl Rule for ChildRunbookCycle {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let model = &cx.model;
        let mut by_slug: BTreeMap<String, usize> = BTreeMap::new();
        for bundle in 0..model.bundles.len() {
            for slug in bundle_slugs(model, bundle) {
                by_slug.entry(slug).or_insert(bundle);
            }
        }
        // The bundle of each call, and the bundle that it starts.
        let edges: Vec<_> = ChildCall::all(model)
            .filter_map(|child| {
                let from = model.bundle_of(child.site.file)?;
                let to = *by_slug.get(&child.slug)?;
                Some((child, from, to))
            })
            .collect();
        for (child, from, to) in &edges {
            let Some(way) = way_back(&edges, *to, *from) else {
                continue;
            };
            let slug = child.slug.replace('`', "'");
            let message = if way.is_empty() {
                format!("the runbook starts itself, `{slug}`, as a child")
            } else {
                let names: Vec<_> = way
                    .iter()
                    .map(|&bundle| format!("`{}`", model.bundles[bundle].slug))
                    .collect();
                format!(
                    "the child `{slug}` leads back to this runbook: it starts {}",
                    names.join(", which starts ")
                )
            };
            let span = span_of(child.written);
            let finding = Finding::new(&Self::METADATA, child.site.file, span, message)
                .help("let the child return, and continue in the parent");
            match child.site.runbook {
                Some(runbook) => finding.in_runbook(&model.runbooks[runbook]),
                None => finding,
            }
            .report(report);
        }
    }
}

/// The bundles on the shortest way from one bundle to another, the last one included.
fn way_back(
    edges: &[(ChildCall<'_, '_>, usize, usize)],
    start: usize,
    goal: usize,
) -> Option<Vec<usize>> {
    let mut ways = vec![(start, Vec::new())];
    let mut seen = BTreeSet::from([start]);
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for (at, way) in ways {
            if at == goal {
                return Some(way);
            }
            for (_, from, to) in edges {
                if *from == at && seen.insert(*to) {
                    let mut way: Vec<usize> = way.clone();
                    way.push(*to);
                    longer.push((*to, way));
                }
            }
        }
        ways = longer;
    }
    None
}
