use lint_core::diagnostic::{Applicability, Diagnostic};
use lint_core::rule::RuleMetadata;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::rule::{Context, Rule};
use crate::runbook_md::view;

/// ## What it does
/// Finds values that are not of the form that all published runbooks use: an `id` that is not `rb-`
/// and the slug, a `classification` or `state` that is not in upper case with underscores, a
/// `visibility` that is not in lower case.
///
/// ## Why is this bad?
/// Nothing breaks. Lists and filters in the UI show one more spelling of the same thing.
///
/// ## Example
/// ```markdown path=runbooks/treasury-sweep/runbook.md
/// ---
/// id: treasury-sweep  # RB509
/// slug: treasury-sweep
/// name: Treasury sweep
/// classification: Treasury Ops  # RB509
/// version: 0.1.0
/// visibility: Public  # RB509
/// state: Draft  # RB509
/// author: Example Fund Admin
/// ---
/// ```
///
/// ## Use instead
/// ```markdown path=runbooks/treasury-sweep/runbook.md
/// ---
/// id: rb-treasury-sweep
/// slug: treasury-sweep
/// name: Treasury sweep
/// classification: TREASURY_OPS
/// version: 0.1.0
/// visibility: public
/// state: DRAFT
/// author: Example Fund Admin
/// ---
/// ```
///
/// ## Fix
/// Unsafe: the field is written as usual. Whether somebody reads the old spelling is not known.
///
/// ## Limits
/// Which states, visibilities and classifications exist is not published, so unknown ones are not
/// reported.
#[derive(RuleMetadata)]
#[rule(
    code = "RB509",
    severity = "info",
    category = "bundle",
    since = "0.1.0",
    fix = "unsafe",
    summary = "a field of the frontmatter is not written as usual"
)]
pub(crate) struct UnconventionalMetadata;

impl Rule for UnconventionalMetadata {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for (view, md) in view::with_md(cx) {
            let mut check = |field: &str, usual: &dyn Fn(&str) -> String| {
                let Some(text) = md.string(field) else { return };
                let usual = usual(text.trim());
                if usual != text.trim()
                    && let Some(entry) = md.get(field)
                {
                    let message = format!("the {field} is usually written {}", code(&usual));
                    Finding::new(&Self::METADATA, md.file, entry.value.span, message)
                        .help(format!("write {}", code(&format!("{field}: {usual}"))))
                        .replace(
                            format!("write `{field}: {usual}`"),
                            Applicability::Unsafe,
                            entry.value.span,
                            usual,
                        )
                        .report(report);
                }
            };
            if let Some(slug) = md.string("slug") {
                // Where slug and directory differ, that is what is wrong.
                let of_directory = format!("rb-{}", view.bundle.slug);
                let usual = |id: &str| {
                    if id == of_directory {
                        of_directory.clone()
                    } else {
                        format!("rb-{}", slug.trim())
                    }
                };
                check("id", &usual);
            }
            check("classification", &upper_snake);
            check("state", &upper_snake);
            check("visibility", &str::to_lowercase);
        }
    }
}

fn upper_snake(text: &str) -> String {
    let words = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|it| !it.is_empty());
    words.map(str::to_uppercase).collect::<Vec<_>>().join("_")
}
