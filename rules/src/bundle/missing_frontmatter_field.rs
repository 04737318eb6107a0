use lint_core::diagnostic::{Diagnostic, Span};
use lint_core::rule::RuleMetadata;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::rule::{Context, Rule};
use crate::runbook_md::key::misspelled;
use crate::runbook_md::yaml::Value;
use crate::runbook_md::{cli, view};

/// ## What it does
/// Finds frontmatter without `slug`, `name`, `version`, `state` or `author`, or with a blank one.
///
/// ## Why is this bad?
/// The platform rejects the bundle when it is deployed. The command line is less strict and makes it
/// worse: it takes the name of the directory for a missing slug and `0.1.0` for a missing version, or
/// whatever line of the body happens to begin with `version:`.
///
/// ## Example
/// ```markdown path=runbooks/capital-call/runbook.md
/// ---
/// slug: capital-call
/// name: Capital call
/// version: 0.1.0
/// state: ""  # RB503
/// auther: Example Fund Admin  # RB503
/// ---
/// ```
/// Where nothing looks like the missing field, the finding is at the first line of the frontmatter.
///
/// ## Use instead
/// ```markdown path=runbooks/capital-call/runbook.md
/// ---
/// slug: capital-call
/// name: Capital call
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// ---
/// ```
#[derive(RuleMetadata)]
#[rule(
    code = "RB503",
    severity = "error",
    category = "bundle",
    since = "0.1.0",
    summary = "a required field is missing from the frontmatter"
)]
pub(crate) struct MissingFrontmatterField;

/// What the platform requires, with a value to write.
pub(super) const REQUIRED: [(&str, &str); 5] = [
    ("slug", "the name of the directory"),
    ("name", "a name for people"),
    ("version", "`version: 0.1.0`"),
    ("state", "`state: DRAFT`"),
    ("author", "who is responsible for it"),
];

impl Rule for MissingFrontmatterField {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for (_, md) in view::with_md(cx) {
            let Ok(frontmatter) = &md.frontmatter else {
                continue;
            };
            for (field, example) in REQUIRED {
                let finding = |span: Span, message: String| {
                    Finding::new(&Self::METADATA, md.file, span, message)
                };
                let finding = match frontmatter.root.get(field) {
                    None => {
                        let keys = frontmatter.root.entries.iter().map(|it| &it.key);
                        let typo = keys.clone().find(|key| {
                            let known = key.string().and_then(|key| misspelled(key, &[field]));
                            known.is_some()
                        });
                        match typo {
                            Some(key) => {
                                let written = code(key.string().unwrap_or_default());
                                let message = format!(
                                    "the field `{field}` is missing, and {written} looks like it"
                                );
                                finding(key.span, message).help(format!("write `{field}`"))
                            }
                            None => {
                                let message = format!("the frontmatter lacks the field `{field}`");
                                finding(frontmatter.fence, message).help(format!("add {example}"))
                            }
                        }
                    }
                    Some(entry) => {
                        let is_blank = match &entry.value.value {
                            Value::Scalar(_) if entry.value.is_null() => true,
                            Value::Scalar(scalar) => scalar.text.trim().is_empty(),
                            _ => false,
                        };
                        if !is_blank {
                            continue;
                        }
                        let message = format!("the field `{field}` is blank");
                        finding(entry.key.span, message).help(format!("write {example}"))
                    }
                };
                let deployed =
                    matches!(field, "slug" | "version").then(|| cli::read(&md.source.text, field));
                let finding = match deployed.flatten() {
                    Some(found) => {
                        let line = md.source.line(found.span.start);
                        finding.note(format!(
                            "`ntro workflow create` takes {} on line {line} for it.",
                            code(found.text)
                        ))
                    }
                    None => finding,
                };
                finding.report(report);
            }
        }
    }
}
