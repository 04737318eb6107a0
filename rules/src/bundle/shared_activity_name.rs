use lint_core::diagnostic::Diagnostic;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::model::Activity;
use crate::rule::{Context, Rule};
use crate::runbook_md::view::{self, View};

/// ## What it does
/// Finds activities of different bundles that are registered under the same name.
///
/// ## Why is this bad?
/// The names of activities are global to a worker, and a tenant's worker runs all bundles of the
/// tenant. One of the two functions runs for both, or the worker refuses to start. Tests load one
/// bundle at a time and do not notice.
///
/// ## Example
/// ```markdown path=runbooks/fee-invoice/runbook.md
/// ---
/// slug: fee-invoice
/// name: Fee invoice
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// ---
/// ```
/// ```python path=runbooks/fee-invoice/templates/activities.py
/// from ntro.workflow import activity
///
///
/// @activity.defn
/// async def render_pdf(number: str) -> str:  # RB524
///     return f"invoices/{number}.pdf"
/// ```
/// ```markdown path=runbooks/fee-statement/runbook.md
/// ---
/// slug: fee-statement
/// name: Fee statement
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// ---
/// ```
/// ```python path=runbooks/fee-statement/templates/activities.py
/// from ntro.workflow import activity
///
///
/// @activity.defn
/// async def render_pdf(period: str) -> str:  # RB524
///     return f"statements/{period}.pdf"
/// ```
///
/// ## Use instead
/// Begin the name with that of the runbook:
/// ```markdown path=runbooks/fee-invoice/runbook.md
/// ---
/// slug: fee-invoice
/// name: Fee invoice
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// ---
/// ```
/// ```python path=runbooks/fee-invoice/templates/activities.py
/// from ntro.workflow import activity
///
///
/// @activity.defn(name="fee_invoice.render_pdf")
/// async def render_pdf(number: str) -> str:
///     return f"invoices/{number}.pdf"
/// ```
/// ```markdown path=runbooks/fee-statement/runbook.md
/// ---
/// slug: fee-statement
/// name: Fee statement
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// ---
/// ```
/// ```python path=runbooks/fee-statement/templates/activities.py
/// from ntro.workflow import activity
///
///
/// @activity.defn(name="fee_statement.render_pdf")
/// async def render_pdf(period: str) -> str:
///     return f"statements/{period}.pdf"
/// ```
#[derive(RuleMetadata)]
#[rule(
    code = "RB524",
    severity = "warning",
    category = "bundle",
    since = "0.1.0",
    summary = "activities of two bundles have the same name"
)]
pub(crate) struct SharedActivityName;

impl Rule for SharedActivityName {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let all: Vec<(View<'_, '_>, &Activity<'_>)> = view::bundles(cx)
            .flat_map(|view| view.activities().map(move |it| (view, it)))
            .collect();
        for (view, activity) in &all {
            let Some(name) = activity.registered.as_deref() else {
                continue;
            };
            // Bundles with one slug are two copies of one thing, which is reported as such.
            let other = all.iter().find(|(other, it)| {
                it.registered.as_deref() == Some(name)
                    && other.ix != view.ix
                    && other.slug() != view.slug()
            });
            let Some((other, _)) = other else { continue };
            let given = activity
                .mark
                .call
                .and_then(|call| call.arguments.find_keyword("name"));
            let span = given.map_or(span_of(&activity.node.name), |it| span_of(&it.value));
            let message = format!(
                "the bundle {} also has an activity {}",
                code(other.slug()),
                code(name)
            );
            let own = format!("{}.{}", view.slug().replace('-', "_"), activity.name);
            Finding::new(&Self::METADATA, activity.file, span, message)
                .help(format!(
                    "write {}",
                    code(&format!("@activity.defn(name=\"{own}\")"))
                ))
                .report(report);
        }
    }
}
