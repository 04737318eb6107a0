use lint_core::diagnostic::{Diagnostic, Severity};
use lint_core::rule::RuleMetadata;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::rule::{Context, Rule};
use crate::runbook_md::scalar::Kind;
use crate::runbook_md::view;

/// ## What it does
/// Finds versions that are not of the form `x.y.z`, and versions that YAML takes for a number or a
/// date.
///
/// ## Why is this bad?
/// `1.10` is the number 1.1 for everything that reads the frontmatter as YAML, and `1.10` for the
/// command line, which reads it as text: the version that is deployed is not the one that is looked
/// for. Quotes are no way out, since they become part of the deployed version.
///
/// ## Example
/// ```markdown path=runbooks/vat-return/runbook.md
/// ---
/// slug: vat-return
/// name: VAT return
/// version: 1.10  # RB507
/// state: DRAFT
/// author: Example Fund Admin
/// ---
/// ```
///
/// ## Use instead
/// ```markdown path=runbooks/vat-return/runbook.md
/// ---
/// slug: vat-return
/// name: VAT return
/// version: 1.10.0
/// state: DRAFT
/// author: Example Fund Admin
/// ---
/// ```
#[derive(RuleMetadata)]
#[rule(
    code = "RB507",
    severity = "error",
    category = "bundle",
    since = "0.1.0",
    summary = "a version that is not of the form `x.y.z`"
)]
pub(crate) struct InvalidVersion;

impl Rule for InvalidVersion {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for (_, md) in view::with_md(cx) {
            let Some(value) = md.get("version").map(|it| &it.value) else {
                continue;
            };
            let error =
                |message: String| Finding::new(&Self::METADATA, md.file, value.span, message);
            let help = "write three numbers, `version: 0.1.0`";
            match value.scalar() {
                None => error(format!("the version is {}, not a text", value.describe()))
                    .help(help)
                    .report(report),
                Some(scalar) if scalar.kind == Kind::Null || scalar.text.trim().is_empty() => {}
                Some(scalar) if scalar.kind != Kind::Text => {
                    let message = format!(
                        "the version {} is {} for YAML",
                        code(&scalar.text),
                        scalar.kind.describe()
                    );
                    error(message).help(help).report(report);
                }
                Some(scalar) if !is_semantic(scalar.text.trim()) => {
                    error(format!(
                        "the version {} is not of the form `x.y.z`",
                        code(scalar.text.trim())
                    ))
                    .severity(Severity::Warning)
                    .help(help)
                    .report(report);
                }
                Some(_) => {}
            }
        }
    }
}

/// `1.2.3`, with `-rc.1` and `+build` allowed after it.
fn is_semantic(version: &str) -> bool {
    let end = version.find(['-', '+']).unwrap_or(version.len());
    let (core, rest) = version.split_at(end);
    let numbers: Vec<&str> = core.split('.').collect();
    let is_number = |it: &&str| !it.is_empty() && it.bytes().all(|b| b.is_ascii_digit());
    let is_extra = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+');
    numbers.len() == 3
        && numbers.iter().all(is_number)
        && rest.len() != 1
        && rest.chars().all(is_extra)
}
