use lint_core::diagnostic::{Applicability, Diagnostic};
use lint_core::rule::RuleMetadata;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::icon_use::icons;
use crate::icons::{Lookup, lookup};
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds icons that Lucide has given another name, in steps and in the `actions` of display hints.
///
/// ## Why is this bad?
/// It is not: the former name still works, and many bundles use `CheckCircle2`, which is `CircleCheck`
/// today. But it is not found any more on Lucide's own site, and may be dropped one day.
///
/// ## Example
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class SignAccountsWorkflow(NtroWorkflow):
///     @runbook.step(name="sign", title="Sign accounts", icon="CheckCircle2")  # RB308
///     async def _step_sign(self, context: dict) -> dict:
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_sign(context)
/// ```
///
/// ## Use instead
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class SignAccountsWorkflow(NtroWorkflow):
///     @runbook.step(name="sign", title="Sign accounts", icon="CircleCheck")
///     async def _step_sign(self, context: dict) -> dict:
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_sign(context)
/// ```
///
/// ## Fix
/// Unsafe: the new name of the icon may not be known to an older UI.
///
/// ## Limits
/// Which version of Lucide the UI ships is not public. What is recommended is therefore not the newest
/// name, but one that has been in use for some time; both are accepted.
#[derive(RuleMetadata)]
#[rule(
    code = "RB308",
    severity = "info",
    category = "steps",
    since = "0.1.0",
    fix = "unsafe",
    summary = "an icon is given by an old name"
)]
pub(crate) struct RenamedIcon;

impl Rule for RenamedIcon {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for icon in icons(&cx.model) {
            let Lookup::Alias(current) = lookup(&icon.name) else {
                continue;
            };
            let message = format!("icon {} is now called {}", code(&icon.name), code(current));
            let mut finding = Finding::new(&Self::METADATA, icon.file, icon.span(), message)
                .help(format!("write {}", code(current)));
            if let Some(content) = icon.content(&cx.model) {
                finding = finding.replace(
                    format!("replace it with `{current}`"),
                    Applicability::Unsafe,
                    content,
                    current,
                );
            }
            finding.report(report);
        }
    }
}
