use lint_core::diagnostic::{Diagnostic, Place, Severity};
use lint_core::rule::RuleMetadata;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::rule::{Context, Rule};
use crate::runbook_md::view::{self, View};

/// ## What it does
/// Finds bundles with the same slug, and workflow classes of the same name in different bundles.
///
/// ## Why is this bad?
/// The platform knows runbooks by their slug, and Temporal knows workflows by the name of the class.
/// On a worker with both bundles one of them hides the other. Each bundle alone works.
///
/// ## Example
/// ```markdown path=runbooks/gift-aid/runbook.md
/// ---
/// slug: gift-aid  # RB523
/// name: Gift aid
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// ---
/// ```
/// ```markdown path=runbooks/gift-aid-2/runbook.md
/// ---
/// slug: gift-aid  # RB523
/// name: Gift aid, second edition
/// version: 0.2.0
/// state: DRAFT
/// author: Example Fund Admin
/// ---
/// ```
///
/// ## Use instead
/// ```markdown path=runbooks/gift-aid/runbook.md
/// ---
/// slug: gift-aid
/// name: Gift aid
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// ---
/// ```
/// ```markdown path=runbooks/gift-aid-overseas/runbook.md
/// ---
/// slug: gift-aid-overseas
/// name: Gift aid, overseas
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// ---
/// ```
///
/// ## Limits
/// Bundles that lie in different directories, such as an archive, may never meet on a worker; there it
/// is a warning.
#[derive(RuleMetadata)]
#[rule(
    code = "RB523",
    severity = "error",
    category = "bundle",
    since = "0.1.0",
    summary = "two bundles share a slug or the name of a workflow class"
)]
pub(crate) struct DuplicateRunbook;

/// A name that must be unique, and where it is written.
struct Claim<'c, 'p> {
    view: View<'c, 'p>,
    name: &'c str,
    place: Place,
}

impl Rule for DuplicateRunbook {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let slugs: Vec<Claim<'_, '_>> = view::with_md(cx)
            .filter(|(view, _)| !view.slug().is_empty())
            .map(|(view, md)| Claim {
                view,
                name: view.slug(),
                place: md.head(),
            })
            .collect();
        check(&slugs, "slug", |_, _| true, report);
        let classes: Vec<Claim<'_, '_>> = view::bundles(cx)
            .flat_map(|view| {
                view.runbooks()
                    .filter(|it| View::is_decorated(it))
                    .map(move |it| Claim {
                        view,
                        name: it.name,
                        place: Place {
                            file: it.file,
                            span: span_of(&it.node.name),
                        },
                    })
            })
            .collect();
        // Of one slug follows one class.
        check(
            &classes,
            "workflow class",
            |a, b| a.view.slug() != b.view.slug(),
            report,
        );
    }
}

fn check(
    claims: &[Claim<'_, '_>],
    what: &str,
    counts: impl Fn(&Claim<'_, '_>, &Claim<'_, '_>) -> bool,
    report: &mut Vec<Diagnostic>,
) {
    for claim in claims {
        let others = claims.iter().filter(|other| {
            other.view.ix != claim.view.ix && other.name == claim.name && counts(claim, other)
        });
        // The nearest one decides how bad it is.
        let Some(other) = others.min_by_key(|other| other.view.parent() != claim.view.parent())
        else {
            continue;
        };
        let directory = code(&other.view.bundle.directory);
        let message = format!(
            "the {what} {} is also that of the bundle in {directory}",
            code(claim.name)
        );
        let finding = Finding::new(
            &DuplicateRunbook::METADATA,
            claim.place.file,
            claim.place.span,
            message,
        )
        .help("rename one of the two");
        let finding = if other.view.parent() == claim.view.parent() {
            finding
        } else {
            finding.severity(Severity::Warning)
        };
        finding.report(report);
    }
}
