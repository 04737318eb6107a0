use lint_core::diagnostic::Diagnostic;
use lint_core::project::split;
use lint_core::rule::RuleMetadata;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::rule::{Context, Rule};
use crate::runbook_md::view::{self, View};

/// ## What it does
/// Finds bundles without one of the files that the platform needs: `runbook.md`, and in
/// `templates/` the files `__init__.py`, `workflow.py` and `activities.py`.
///
/// ## Why is this bad?
/// `ntro workflow create` refuses a bundle without `runbook.md` or `templates/`. The worker imports
/// `templates` as a package, and always imports `activities.py`, so that one must be there even when
/// it is empty. Nothing of it shows in a test that imports the workflow alone.
///
/// ## Example
/// `activities.py` and `__init__.py` are missing:
/// ```markdown path=runbooks/fee-accrual/runbook.md
/// ---
/// id: rb-fee-accrual
/// slug: fee-accrual  # RB501
/// name: Fee accrual
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// ---
/// ```
/// ```python path=runbooks/fee-accrual/templates/workflow.py
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class FeeAccrualWorkflow(NtroWorkflow):
///     @runbook.step(name="accrue", title="Accrue fees", icon="Percent")
///     async def _step_accrue(self, nav: float) -> float:
///         return nav * 0.015 / 12
///
///     @runbook.run
///     async def run(self, nav: float) -> float:
///         return await self._step_accrue(nav)
/// ```
///
/// ## Use instead
/// The modules may be empty:
/// ```markdown path=runbooks/fee-accrual/runbook.md
/// ---
/// id: rb-fee-accrual
/// slug: fee-accrual
/// name: Fee accrual
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// ---
/// ```
/// ```python path=runbooks/fee-accrual/templates/__init__.py
/// ```
/// ```python path=runbooks/fee-accrual/templates/activities.py
/// """This runbook has no side effects."""
/// ```
/// ```python path=runbooks/fee-accrual/templates/workflow.py
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class FeeAccrualWorkflow(NtroWorkflow):
///     @runbook.step(name="accrue", title="Accrue fees", icon="Percent")
///     async def _step_accrue(self, nav: float) -> float:
///         return nav * 0.015 / 12
///
///     @runbook.run
///     async def run(self, nav: float) -> float:
///         return await self._step_accrue(nav)
/// ```
///
/// ## Limits
/// A `templates/workflow.py` without a `runbook.md` is taken for a bundle only in a directory called
/// `runbooks`, or beside other bundles.
#[derive(RuleMetadata)]
#[rule(
    code = "RB501",
    severity = "error",
    category = "bundle",
    since = "0.1.0",
    summary = "a bundle lacks a file that the platform needs"
)]
pub(crate) struct MissingBundleFile;

impl Rule for MissingBundleFile {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let with_md: Vec<&str> = view::with_md(cx).map(|(view, _)| view.parent()).collect();
        for view in view::bundles(cx) {
            match view.md {
                Some(md) => {
                    if let Some(message) = missing_templates(&view) {
                        let place = md.head();
                        Finding::new(&Self::METADATA, place.file, place.span, message)
                            .help("add the files, they may be empty except for `workflow.py`")
                            .report(report);
                    }
                }
                None => {
                    let is_at_home =
                        split(view.parent()).1 == "runbooks" || with_md.contains(&view.parent());
                    if view.bundle.manifest.is_some() || view.bundle.slug.is_empty() || !is_at_home
                    {
                        continue;
                    }
                    if let Some(place) = view.class_place() {
                        let message =
                            format!("the bundle {} has no `runbook.md`", code(&view.bundle.slug));
                        Finding::new(&Self::METADATA, place.file, place.span, message)
                            .help("add a `runbook.md` with `slug`, `name`, `version`, `state` and `author`")
                            .report(report);
                    }
                }
            }
        }
    }
}

fn missing_templates(view: &View<'_, '_>) -> Option<String> {
    if view.below("templates").next().is_none() {
        return Some("the bundle has no `templates/` with the code of the runbook".to_owned());
    }
    let needed = ["__init__.py", "workflow.py", "activities.py"];
    let missing: Vec<String> = needed
        .into_iter()
        .filter(|name| view.file(&format!("templates/{name}")).is_none())
        .map(code)
        .collect();
    if missing.is_empty() {
        return None;
    }
    Some(format!("`templates/` lacks {}", missing.join(" and ")))
}
