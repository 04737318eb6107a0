//! Rules as code scanning shows them.

use lint_core::diagnostic::Severity;
use lint_core::rule::{Category, RuleMetadata};
use serde_json::json;
use serde_sarif::sarif::{
    MultiformatMessageString, PropertyBag, ReportingConfiguration, ReportingDescriptor,
};

use super::limits;
use crate::output::rule_page;

pub(super) fn of(rule: &RuleMetadata) -> ReportingDescriptor {
    let (level, problem) = match rule.severity {
        Severity::Error => ("error", "error"),
        Severity::Warning => ("warning", "warning"),
        Severity::Info => ("note", "recommendation"),
    };
    let properties = PropertyBag::builder()
        .tags([rule.category.as_str(), "correctness", "temporal"].map(str::to_owned))
        .additional_properties(
            [
                ("problem.severity", problem),
                ("precision", precision(rule)),
            ]
            .map(|(name, value)| (name.to_owned(), json!(value)))
            .into_iter()
            .collect::<std::collections::BTreeMap<_, _>>(),
        )
        .build();
    let help = MultiformatMessageString::builder()
        .text(prose(rule.docs))
        .markdown(rule.docs)
        .build();
    ReportingDescriptor::builder()
        .id(rule.code)
        .name(rule.name)
        .short_description(&rule.summary.to_owned())
        .full_description(&full_description(rule))
        .help(help)
        .help_uri(rule_page(rule.code, rule.name))
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
    limits::cut(&text)
}

/// The documentation up to the examples, without markup.
fn prose(docs: &str) -> String {
    let lines = docs.lines().take_while(|line| *line != "## Example");
    let lines: Vec<&str> = lines.map(|line| line.trim_start_matches("## ")).collect();
    lines.join("\n").trim().to_owned()
}

/// How many of the findings are true, as far as the kind of rule can tell. What comments say is
/// certain. Rules that are not errors, or do not run by default, are so because they report what
/// often, and not always, goes wrong.
fn precision(rule: &RuleMetadata) -> &'static str {
    match (rule.category, rule.severity) {
        (Category::Lint, _) => "very-high",
        (_, Severity::Error) if rule.default && !rule.preview => "high",
        _ => "medium",
    }
}
