use lint_core::diagnostic::Diagnostic;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds step names that are not in snake case.
///
/// ## Why is this bad?
/// The name is an id: it is written again in `runbook.md`, in its `config_schema`, in the keys of
/// snapshots and in the ids of child runbooks. All bundles of the platform use snake case there, so
/// another spelling is easily mistyped. What people read is the title.
///
/// ## Example
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class MarkToMarketWorkflow(NtroWorkflow):
///     @runbook.step(name="Fetch Prices", title="Fetch prices", icon="Download")  # RB304
///     async def _step_fetch(self, context: dict) -> dict:
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_fetch(context)
/// ```
///
/// ## Use instead
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class MarkToMarketWorkflow(NtroWorkflow):
///     @runbook.step(name="fetch_prices", title="Fetch prices", icon="Download")
///     async def _step_fetch(self, context: dict) -> dict:
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_fetch(context)
/// ```
#[derive(RuleMetadata)]
#[rule(
    code = "RB304",
    severity = "warning",
    category = "steps",
    since = "0.1.0",
    summary = "the name of a step is not in snake case"
)]
pub(crate) struct StepNameStyle;

impl Rule for StepNameStyle {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for class in cx.model.classes() {
            for step in &class.steps {
                let (Some(id), Some(name)) = (step.id(), &step.name) else {
                    continue;
                };
                // A colon is a matter of its own.
                if is_snake_case(id) || id.contains(':') {
                    continue;
                }
                let message = format!("step name {} is not in snake case", code(id));
                Finding::new(&Self::METADATA, class.file, span_of(name.value), message)
                    .in_runbook(class)
                    .help(format!("write {}", code(&format!("{:?}", snake_case(id)))))
                    .report(report);
            }
        }
    }
}

fn is_snake_case(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.ends_with('_')
        && !name.contains("__")
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    let mut was_lower = false;
    for letter in name.chars() {
        if letter.is_alphanumeric() {
            if letter.is_uppercase() && was_lower {
                snake.push('_');
            }
            snake.extend(letter.to_lowercase());
        } else if !snake.ends_with('_') && !snake.is_empty() {
            snake.push('_');
        }
        was_lower = letter.is_lowercase() || letter.is_ascii_digit();
    }
    snake.trim_end_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_snake_case() {
        for name in ["collect", "post_to_gl", "q1_close"] {
            assert!(is_snake_case(name), "{name}");
        }
        for (name, snake) in [
            ("Fetch Prices", "fetch_prices"),
            ("fetchPrices", "fetch_prices"),
            ("fetch-prices", "fetch_prices"),
            (" fetch ", "fetch"),
            ("_fetch_", "fetch"),
        ] {
            assert!(!is_snake_case(name), "{name}");
            assert_eq!(snake_case(name), snake);
        }
    }
}
