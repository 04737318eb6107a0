//! Rules as code scanning shows them.

use lint_core::diagnostic::Severity;
use lint_core::rule::{Category, RuleMetadata};
use serde_json::json;
use serde_sarif::sarif::{
    MultiformatMessageString, PropertyBag, ReportingConfiguration, ReportingDescriptor,
};

/// GitHub's limit for descriptions, in characters.
const DESCRIPTION_LIMIT: usize = 1024;

pub(super) fn of(rule: &RuleMetadata) -> ReportingDescriptor {
    let (level, problem) = match rule.severity {
        Severity::Error => ("error", "error"),
        Severity::Warning => ("warning", "warning"),
        Severity::Info => ("note", "recommendation"),
    };
    let properties = PropertyBag::builder()
        .tags(vec![tag(rule.category).to_owned(), "temporal".to_owned()])
        .additional_properties(
            [("problem.severity", problem), ("precision", "high")]
                .map(|(name, value)| (name.to_owned(), json!(value)))
                .into_iter()
                .collect::<std::collections::BTreeMap<_, _>>(),
        )
        .build();
    let help = MultiformatMessageString::builder()
        .text(rule.docs)
        .markdown(rule.docs)
        .build();
    ReportingDescriptor::builder()
        .id(rule.code)
        .name(rule.name)
        .short_description(&rule.summary.to_owned())
        .full_description(&full_description(rule))
        .help(help)
        .default_configuration(
            ReportingConfiguration::builder()
                .level(json!(level))
                .build(),
        )
        .properties(properties)
        .build()
}

/// The first paragraph of prose in the documentation.
fn full_description(rule: &RuleMetadata) -> String {
    let paragraph = rule
        .docs
        .split("\n\n")
        .map(|block| {
            let prose = block.lines().filter(|line| !line.starts_with('#'));
            prose.collect::<Vec<_>>().join(" ").trim().to_owned()
        })
        .find(|prose| !prose.is_empty() && !prose.starts_with("```"));
    let text = paragraph.unwrap_or_else(|| rule.summary.to_owned());
    text.chars().take(DESCRIPTION_LIMIT).collect()
}

fn tag(category: Category) -> &'static str {
    match category {
        Category::Lint => "lint",
        Category::Determinism => "determinism",
        Category::Contract => "contract",
        Category::Steps => "steps",
        Category::Calls => "calls",
        Category::Bundle => "bundle",
    }
}
