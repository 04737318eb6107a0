//! Which rules run.

use std::collections::BTreeSet;

use lint_core::rule::RuleMetadata;
use lint_core::suggest::closest;

use super::Layer;
use super::error::ConfigError;
use super::options::{Located, Options};

/// One element of `select` or `ignore`. Ordered from the least specific to the most.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Selector {
    All,
    /// Ordered by length first.
    Prefix(usize, String),
    Rule(&'static str),
}

impl Selector {
    pub(super) fn parse(text: &str, known: &[&'static RuleMetadata]) -> Result<Self, String> {
        if text == "ALL" {
            return Ok(Self::All);
        }
        if let Some(code) = rule_code(text, known) {
            return Ok(Self::Rule(code));
        }
        if !text.is_empty() && known.iter().any(|rule| rule.code.starts_with(text)) {
            return Ok(Self::Prefix(text.len(), text.to_owned()));
        }
        Err(unknown_rule(text, known))
    }

    fn matches(&self, rule: &RuleMetadata) -> bool {
        match self {
            Self::All => true,
            Self::Prefix(_, prefix) => rule.code.starts_with(prefix),
            Self::Rule(code) => rule.code == *code,
        }
    }

    /// Whether it makes the rule run: one in preview is not meant by what stands for many rules.
    fn adds(&self, rule: &RuleMetadata, preview: bool) -> bool {
        let is_meant = preview || !rule.preview || matches!(self, Self::Rule(_));
        is_meant && self.matches(rule)
    }
}

/// The code of the rule with this code or name.
pub(super) fn rule_code(text: &str, known: &[&'static RuleMetadata]) -> Option<&'static str> {
    let rule = known
        .iter()
        .find(|rule| rule.code == text || rule.name == text)?;
    Some(rule.code)
}

pub(crate) fn unknown_rule(text: &str, known: &[&'static RuleMetadata]) -> String {
    let names = known.iter().flat_map(|rule| [rule.code, rule.name]);
    match closest(text, names) {
        Some(name) => format!("unknown rule `{text}`; did you mean `{name}`?"),
        None => format!("unknown rule `{text}`; `runbook-lint rule` lists all rules"),
    }
}

/// Whether the rule runs where nothing is selected.
pub(super) fn runs_by_default(rule: &RuleMetadata, preview: bool) -> bool {
    rule.default && (preview || !rule.preview)
}

/// The codes of the rules that run. A layer that selects starts afresh; one that only extends or
/// ignores changes what the layers before it made. Within a layer the more specific selector wins.
pub(super) fn enabled(
    layers: &[Layer],
    known: &[&'static RuleMetadata],
    preview: bool,
) -> Result<BTreeSet<&'static str>, ConfigError> {
    let defaults = known.iter().filter(|rule| runs_by_default(rule, preview));
    let mut enabled: BTreeSet<&'static str> = defaults.map(|rule| rule.code).collect();
    for layer in layers {
        let Options {
            select,
            extend_select,
            ignore,
            ..
        } = &layer.options;
        if select.is_some() {
            enabled.clear();
        }
        let mut steps: Vec<(Selector, bool)> = Vec::new();
        for (list, adds) in [(select, true), (extend_select, true), (ignore, false)] {
            for selector in selectors(list.as_ref(), layer, known)? {
                steps.push((selector, adds));
            }
        }
        // At the same specificity ignoring comes last: it is the stronger wish.
        steps.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
        for (selector, adds) in steps {
            for rule in known {
                if adds && selector.adds(rule, preview) {
                    enabled.insert(rule.code);
                } else if !adds && selector.matches(rule) {
                    enabled.remove(rule.code);
                }
            }
        }
    }
    Ok(enabled)
}

/// The codes that a list of selectors stands for.
pub(super) fn codes(
    list: &Located<Vec<String>>,
    layer: &Layer,
    known: &[&'static RuleMetadata],
) -> Result<BTreeSet<&'static str>, ConfigError> {
    let selectors = selectors(Some(list), layer, known)?;
    let matches = |rule: &RuleMetadata| selectors.iter().any(|selector| selector.matches(rule));
    Ok(known
        .iter()
        .filter(|rule| matches(rule))
        .map(|rule| rule.code)
        .collect())
}

fn selectors(
    list: Option<&Located<Vec<String>>>,
    layer: &Layer,
    known: &[&'static RuleMetadata],
) -> Result<Vec<Selector>, ConfigError> {
    let Some(list) = list else {
        return Ok(Vec::new());
    };
    let parse = |text: &String| {
        Selector::parse(text, known).map_err(|message| layer.source.error(list.offset(), message))
    };
    list.value().iter().map(parse).collect()
}

#[cfg(test)]
mod tests {
    use lint_core::diagnostic::Severity;
    use lint_core::rule::Category;

    use super::super::error::Source;
    use super::*;

    const fn rule(code: &'static str, name: &'static str, default: bool) -> RuleMetadata {
        RuleMetadata {
            code,
            name,
            summary: "",
            severity: Severity::Error,
            category: Category::Determinism,
            default,
            preview: false,
            fix: None,
            since: "0.1.0",
            docs: "",
            examples: &[],
            file: "",
            line: 0,
        }
    }

    static RULES: [RuleMetadata; 5] = [
        rule("RB001", "unused-suppression", true),
        rule("RB101", "wall-clock", true),
        rule("RB102", "randomness", true),
        rule("RB121", "sandbox-compatibility", false),
        RuleMetadata {
            preview: true,
            ..rule("RB601", "lost-update", true)
        },
    ];

    fn run(layers: &[&str]) -> Result<String, String> {
        run_with(false, layers)
    }

    fn run_with(preview: bool, layers: &[&str]) -> Result<String, String> {
        let known: Vec<&'static RuleMetadata> = RULES.iter().collect();
        let layers: Vec<Layer> = layers
            .iter()
            .map(|text| Layer {
                options: toml::from_str(text).expect("valid"),
                source: Source::CommandLine,
            })
            .collect();
        let enabled = enabled(&layers, &known, preview).map_err(|error| error.message)?;
        Ok(enabled.into_iter().collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn layers_build_on_each_other() {
        assert_eq!(run(&[]).as_deref(), Ok("RB001 RB101 RB102"));
        assert_eq!(
            run(&["select = ['ALL']"]).as_deref(),
            Ok("RB001 RB101 RB102 RB121")
        );
        assert_eq!(
            run(&["extend-select = ['RB121']"]).as_deref(),
            Ok("RB001 RB101 RB102 RB121")
        );
        assert_eq!(
            run(&["ignore = ['RB0']", "ignore = ['randomness']"]).as_deref(),
            Ok("RB101")
        );
        assert_eq!(
            run(&["ignore = ['RB101']", "select = ['RB1']"]).as_deref(),
            Ok("RB101 RB102 RB121")
        );
    }

    #[test]
    fn the_more_specific_selector_wins() {
        assert_eq!(
            run(&["select = ['RB101']\nignore = ['RB1']"]).as_deref(),
            Ok("RB101")
        );
        assert_eq!(
            run(&["select = ['RB1']\nignore = ['wall-clock']"]).as_deref(),
            Ok("RB102 RB121")
        );
        assert_eq!(
            run(&["select = ['RB101']\nignore = ['RB101']"]).as_deref(),
            Ok("")
        );
    }

    #[test]
    fn a_rule_in_preview_runs_if_asked_for() {
        assert_eq!(
            run(&["select = ['ALL', 'RB6']"]).as_deref(),
            Ok("RB001 RB101 RB102 RB121")
        );
        assert_eq!(run(&["select = ['RB601']"]).as_deref(), Ok("RB601"));
        assert_eq!(run(&["select = ['lost-update']"]).as_deref(), Ok("RB601"));
        assert_eq!(
            run_with(true, &[]).as_deref(),
            Ok("RB001 RB101 RB102 RB601")
        );
        assert_eq!(
            run_with(true, &["select = ['RB6']"]).as_deref(),
            Ok("RB601")
        );
        assert_eq!(
            run_with(true, &["ignore = ['RB6']"]).as_deref(),
            Ok("RB001 RB101 RB102")
        );
    }

    #[test]
    fn unknown_rules_are_errors() {
        assert_eq!(
            run(&["select = ['wal-clock']"]),
            Err("unknown rule `wal-clock`; did you mean `wall-clock`?".to_owned())
        );
    }
}
