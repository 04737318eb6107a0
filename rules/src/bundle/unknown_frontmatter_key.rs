use lint_core::diagnostic::{Applicability, Diagnostic};
use lint_core::rule::RuleMetadata;
use rules_macros::RuleMetadata;

use super::missing_frontmatter_field::REQUIRED;
use crate::finding::Finding;
use crate::hazard::code;
use crate::rule::{Context, Rule};
use crate::runbook_md::key::misspelled;
use crate::runbook_md::view;
use crate::runbook_md::yaml::Mapping;

/// ## What it does
/// Finds keys of the frontmatter that look like a misspelled one: `classfication`, `configSchema`,
/// `timeout-minutes`.
///
/// ## Why is this bad?
/// Unknown keys are ignored without a warning, so the setting has no effect.
///
/// ## Example
/// ```markdown path=runbooks/price-check/runbook.md
/// ---
/// slug: price-check
/// name: Price check
/// classfication: VALUATION  # RB510
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// ---
/// ```
///
/// ## Use instead
/// ```markdown path=runbooks/price-check/runbook.md
/// ---
/// slug: price-check
/// name: Price check
/// classification: VALUATION
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// ---
/// ```
/// Keys of your own are fine:
/// ```markdown path=runbooks/price-check/runbook.md
/// ---
/// slug: price-check
/// name: Price check
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// cost_centre: 4711
/// ---
/// ```
///
/// ## Fix
/// Unsafe: the key with the most similar name may not be the one that was meant.
#[derive(RuleMetadata)]
#[rule(
    code = "RB510",
    severity = "warning",
    category = "bundle",
    since = "0.1.0",
    fix = "unsafe",
    summary = "a key of the frontmatter looks misspelled"
)]
pub(crate) struct UnknownFrontmatterKey;

const TOP: &[&str] = &[
    "id",
    "slug",
    "name",
    "description",
    "classification",
    "tags",
    "jurisdictions",
    "version",
    "visibility",
    "state",
    "author",
    "steps",
    "templates",
    "config_schema",
];
const STEP: &[&str] = &[
    "id",
    "label",
    "activity",
    "component",
    "responsibility",
    "timeout_minutes",
    "config",
    "description",
    "expectedDurationDays",
];
const TEMPLATE: &[&str] = &["path", "description", "language"];
const CONFIG_SCHEMA: &[&str] = &["global", "steps"];
const CONFIG_FIELD: &[&str] = &["type", "description", "pattern", "enum", "default"];

impl Rule for UnknownFrontmatterKey {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for (_, md) in view::with_md(cx) {
            let Some(root) = md.root() else { continue };
            let mut check = |mapping: &Mapping, known: &[&str], skipped: &[(&str, &str)]| {
                for entry in &mapping.entries {
                    let Some(key) = entry.key.string() else {
                        continue;
                    };
                    let Some(meant) = misspelled(key, known) else {
                        continue;
                    };
                    if mapping.get(meant).is_some() || skipped.iter().any(|(it, _)| *it == meant) {
                        continue;
                    }
                    Finding::new(
                        &Self::METADATA,
                        md.file,
                        entry.key.span,
                        format!("the key {} is not known", code(key)),
                    )
                    .help(format!("write `{meant}`"))
                    .replace(
                        format!("Write `{meant}`"),
                        Applicability::Unsafe,
                        entry.key.span,
                        meant,
                    )
                    .report(report);
                }
            };
            // The required ones are reported as missing.
            check(root, TOP, &REQUIRED);
            for (list, known) in [("steps", STEP), ("templates", TEMPLATE)] {
                for mapping in md.list(list).iter().filter_map(|it| it.mapping()) {
                    check(mapping, known, &[]);
                }
            }
            if let Some(schema) = md.get("config_schema").and_then(|it| it.value.mapping()) {
                check(schema, CONFIG_SCHEMA, &[]);
                for (_, _, field) in super::invalid_config_schema::fields(schema) {
                    if let Some(field) = field.value.mapping() {
                        check(field, CONFIG_FIELD, &[]);
                    }
                }
            }
        }
    }
}
