use lint_core::diagnostic::Diagnostic;
use lint_core::index::MODULE_BODY;
use lint_core::names::Bound;
use lint_core::rule::RuleMetadata;
use lint_core::suggest::closest;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::rule::{Context, Rule};
use crate::runbook_md::view::{self, View};

/// ## What it does
/// Finds steps in `runbook.md` whose `activity` is neither the function nor the registered name of an
/// activity of the bundle.
///
/// ## Why is this bad?
/// The list is what people and agents go by when they look for the code of a step. Usually the
/// activity was renamed and the list was not.
///
/// ## Example
/// ```markdown path=runbooks/fx-hedge/runbook.md
/// ---
/// slug: fx-hedge
/// name: FX hedge
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// steps:
///   - id: prepare
///     label: Prepare
///     activity: fx_hedge.fetch_rates  # RB514
/// ---
/// ```
/// ```python path=runbooks/fx-hedge/templates/activities.py
/// from ntro.workflow import activity
///
///
/// @activity.defn(name="fx_hedge.load_rates")
/// async def load_rates(currency: str) -> dict[str, float]:
///     return {currency: 1.0}
/// ```
///
/// ## Use instead
/// Both names are fine, `fx_hedge.load_rates` and `load_rates`:
/// ```markdown path=runbooks/fx-hedge/runbook.md
/// ---
/// slug: fx-hedge
/// name: FX hedge
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// steps:
///   - id: prepare
///     label: Prepare
///     activity: load_rates
/// ---
/// ```
/// ```python path=runbooks/fx-hedge/templates/__init__.py
/// ```
/// ```python path=runbooks/fx-hedge/templates/activities.py
/// from ntro.workflow import activity
///
///
/// @activity.defn(name="fx_hedge.load_rates")
/// async def load_rates(currency: str) -> dict[str, float]:
///     return {currency: 1.0}
/// ```
/// ```python path=runbooks/fx-hedge/templates/workflow.py
/// from datetime import timedelta
///
/// from ntro.workflow import NtroWorkflow, runbook
///
/// from .activities import load_rates
///
///
/// @runbook.defn
/// class FxHedgeWorkflow(NtroWorkflow):
///     @runbook.step(name="prepare", title="Prepare", icon="Download")
///     async def _step_prepare(self, currency: str) -> dict[str, float]:
///         return await runbook.execute_activity(
///             load_rates, currency, start_to_close_timeout=timedelta(minutes=2)
///         )
///
///     @runbook.run
///     async def run(self, currency: str) -> dict[str, float]:
///         return await self._step_prepare(currency)
/// ```
///
/// ## Limits
/// Nothing is said when the name of an activity of the bundle is computed, or when `activities.py` may
/// have more names than can be seen.
#[derive(RuleMetadata)]
#[rule(
    code = "RB514",
    severity = "warning",
    category = "bundle",
    since = "0.1.0",
    summary = "a step in `runbook.md` names an activity that does not exist"
)]
pub(crate) struct UnknownStepActivity;

impl Rule for UnknownStepActivity {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for (view, md) in view::with_md(cx) {
            let Some(known) = known(&view) else { continue };
            for step in md.list("steps").iter().filter_map(|it| it.mapping()) {
                let Some(value) = step.get("activity").map(|it| &it.value) else {
                    continue;
                };
                let Some(name) = value.string().map(str::trim).filter(|it| !it.is_empty()) else {
                    continue;
                };
                if known.iter().any(|it| it == name) {
                    continue;
                }
                let message = format!("the bundle has no activity {}", code(name));
                let finding = Finding::new(&Self::METADATA, md.file, value.span, message);
                let finding = match closest(name, known.iter().map(String::as_str)) {
                    Some(meant) => finding.help(format!("did you mean {}?", code(meant))),
                    None => {
                        finding.help("write the name of an activity in `templates/activities.py`")
                    }
                };
                finding.report(report);
            }
        }
    }
}

/// All names that stand for an activity of the bundle; `None` if some are not known.
fn known(view: &View<'_, '_>) -> Option<Vec<String>> {
    let file = view.bundle.activities?;
    let names = &view.cx.model.names;
    if names.is_bound(file, MODULE_BODY, "\0") != Bound::No {
        return None;
    }
    let mut known: Vec<String> = Vec::new();
    for activity in view.activities() {
        known.push(activity.registered.clone()?);
        known.push(activity.name.to_owned());
    }
    known.extend(names.members(file).iter().map(|it| (*it).to_owned()));
    Some(known)
}
