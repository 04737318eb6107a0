use lint_core::diagnostic::{Applicability, Diagnostic, Severity};
use lint_core::rule::RuleMetadata;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::rule::{Context, Rule};
use crate::runbook_md::scalar::Kind;
use crate::runbook_md::{cli, view};

/// ## What it does
/// Finds slugs that cannot work, because the name of the workflow class that follows from them is no
/// Python name, and slugs that are not in kebab case.
///
/// ## Why is this bad?
/// The platform makes the class name of the slug: `nav-monthly` runs `NavMonthlyWorkflow`. From
/// `4hc-close` follows `4hcCloseWorkflow`, a class that nobody can write, so the runbook can never be
/// loaded. A slug with capital letters or underscores works, but its class name surprises:
/// `kyc_AML` asks for `Kyc_amlWorkflow`.
///
/// ## Example
/// ```markdown path=runbooks/4hc-close/runbook.md
/// ---
/// slug: 4hc-close  # RB505
/// name: Monthly close
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// ---
/// ```
///
/// ## Use instead
/// ```markdown path=runbooks/close-4hc/runbook.md
/// ---
/// slug: close-4hc
/// name: Monthly close
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// ---
/// ```
///
/// ## Fix
/// Unsafe: the slug is written in kebab case, if there is a class for it then and the directory has that
/// name. What is deployed under the old slug stays.
#[derive(RuleMetadata)]
#[rule(
    code = "RB505",
    severity = "error",
    category = "bundle",
    since = "0.1.0",
    fix = "unsafe",
    summary = "a slug that no workflow class can be named after, or not in kebab case"
)]
pub(crate) struct InvalidSlug;

impl Rule for InvalidSlug {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for (view, md) in view::with_md(cx) {
            let Some(value) = md.get("slug").map(|it| &it.value) else {
                continue;
            };
            if value.is_null() || value.scalar().is_some_and(|it| it.text.trim().is_empty()) {
                continue;
            }
            let error =
                |message: String| Finding::new(&Self::METADATA, md.file, value.span, message);
            let Some(scalar) = value.scalar() else {
                error(format!("the slug is {}, not a name", value.describe())).report(report);
                continue;
            };
            let slug = scalar.text.trim();
            let class = cli::class_name(slug);
            let finding = if !is_identifier(&class) {
                error(format!(
                    "no class can have the name {} that follows from the slug",
                    code(&class)
                ))
                .help("begin with a letter, and write letters, digits and hyphens only")
            } else if scalar.kind != Kind::Text {
                error(format!(
                    "the slug {} is {} for YAML",
                    code(slug),
                    scalar.kind.describe()
                ))
                .help("choose a name that is a text without quotes")
            } else if !is_kebab(slug) {
                let finding = error(format!("the slug {} is not in kebab case", code(slug)))
                    .severity(Severity::Warning)
                    .note(format!(
                        "The platform looks for the class {}.",
                        code(&class)
                    ))
                    .help("write lower-case words with hyphens between them");
                let usual = kebab(slug);
                let is_of_directory = [&usual, ""].contains(&view.bundle.slug.as_str());
                match is_of_directory && is_kebab(&usual) && view.has_class_for(&usual) {
                    true => {
                        let title =
                            format!("write `slug: {usual}`: deployments of the old slug stay");
                        finding.replace(title, Applicability::Unsafe, value.span, usual)
                    }
                    false => finding,
                }
            } else {
                continue;
            };
            finding.report(report);
        }
    }
}

pub(super) fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && chars.all(|c| c.is_alphanumeric() || c == '_')
}

/// `Nav_Pack` as `nav-pack`.
fn kebab(slug: &str) -> String {
    let words = slug.split(['_', '-', ' ']).filter(|it| !it.is_empty());
    let words: Vec<String> = words.map(str::to_lowercase).collect();
    words.join("-")
}

/// `^[a-z][a-z0-9]*(-[a-z0-9]+)*$`
fn is_kebab(slug: &str) -> bool {
    slug.starts_with(|c: char| c.is_ascii_lowercase())
        && slug.split('-').all(|word| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        })
}
