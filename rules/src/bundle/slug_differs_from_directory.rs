use lint_core::diagnostic::{Applicability, Diagnostic};
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
/// ## Fix
/// Unsafe: the slug becomes the name of the directory, if the class is named after that. What is deployed
/// under the old slug stays.
///
/// ## Limits
/// The name of the directory is not known when the bundle is the root of the project.
#[derive(RuleMetadata)]
#[rule(
    code = "RB504",
    severity = "error",
    category = "bundle",
    since = "0.1.0",
    fix = "unsafe",
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
            let mut finding = Finding::new(&Self::METADATA, place.file, place.span, message)
                .help("give both the same name");
            // The class shows which of the two is meant.
            if view.has_class_for(directory)
                && let Some(slug) = md.get("slug").filter(|_| place.file == md.file)
            {
                let title = format!("write `slug: {directory}`: deployments of the old slug stay");
                let span = slug.value.span;
                finding = finding.replace(title, Applicability::Unsafe, span, directory);
            }
            finding.report(report);
        }
    }
}
