use lint_core::diagnostic::Diagnostic;
use lint_core::rule::RuleMetadata;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::rule::{Context, Rule};
use crate::runbook_md::view;

/// ## What it does
/// Finds a `runbook.md` whose `slug` is not the name of the directory of the bundle.
///
/// ## Why is this bad?
/// Tests load a bundle by its directory, the deployment by its slug. The two look for workflow
/// classes of different names, and parents that call the runbook by its slug find it in only one of
/// the two worlds.
///
/// ## Example
/// ```markdown path=runbooks/investor-onboarding/runbook.md
/// ---
/// slug: investor-onboard  # RB504
/// name: Investor onboarding
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// ---
/// ```
///
/// ## Use instead
/// ```markdown path=runbooks/investor-onboarding/runbook.md
/// ---
/// slug: investor-onboarding
/// name: Investor onboarding
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// ---
/// ```
///
/// ## Limits
/// The name of the directory is not known when the bundle is the root of the project.
#[derive(RuleMetadata)]
#[rule(
    code = "RB504",
    severity = "error",
    category = "bundle",
    since = "0.1.0",
    summary = "the slug of a bundle is not the name of its directory"
)]
pub(crate) struct SlugDiffersFromDirectory;

impl Rule for SlugDiffersFromDirectory {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for (view, md) in view::with_md(cx) {
            let Some(slug) = md.string("slug") else {
                continue;
            };
            let directory = view.bundle.slug.as_str();
            if directory.is_empty() || slug.trim() == directory {
                continue;
            }
            let place = md.head();
            let message = format!(
                "the slug is {}, the directory is {}",
                code(slug.trim()),
                code(directory)
            );
            Finding::new(&Self::METADATA, place.file, place.span, message)
                .help("give both the same name")
                .report(report);
        }
    }
}
