use lint_core::diagnostic::{Applicability, Diagnostic};
use lint_core::rule::RuleMetadata;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::icon_use::icons;
use crate::icons::{LUCIDE_VERSION, Lookup, lookup, respell, suggest};
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds names of icons that Lucide does not have, in steps and in the `actions` of display hints. Names
/// are written as the components are called, in Pascal case: `ClipboardCheck`.
///
/// ## Why is this bad?
/// The UI shows a default icon in its place, without a warning.
///
/// `runbook-lint icons WORD` lists the icons for a word.
///
/// ## Example
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class CollectRentWorkflow(NtroWorkflow):
///     @runbook.step(name="collect", title="Collect rent", icon="Money")  # RB307
///     async def _step_collect(self, context: dict) -> dict:
///         return await self.wait_for_action(
///             payload=context,
///             display_hint={
///                 "component": "DATA_TABLE",
///                 "config": {
///                     "actions": [
///                         {"kind": "approve", "label": "Post", "icon": "arrow-right"},  # RB307
///                     ],
///                 },
///             },
///         )
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_collect(context)
/// ```
///
/// ## Use instead
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class CollectRentWorkflow(NtroWorkflow):
///     @runbook.step(name="collect", title="Collect rent", icon="Banknote")
///     async def _step_collect(self, context: dict) -> dict:
///         return await self.wait_for_action(
///             payload=context,
///             display_hint={
///                 "component": "DATA_TABLE",
///                 "config": {
///                     "actions": [
///                         {"kind": "approve", "label": "Post", "icon": "ArrowRight"},
///                     ],
///                 },
///             },
///         )
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_collect(context)
/// ```
///
/// ## Fix
/// An icon in another case or style is written as the UI knows it: safe. A similar one is proposed:
/// unsafe, since another one may have been meant.
///
/// ## References
/// - <https://lucide.dev/icons>
#[derive(RuleMetadata)]
#[rule(
    code = "RB307",
    severity = "warning",
    category = "steps",
    since = "0.1.0",
    fix = "safe",
    summary = "an icon is not one of Lucide's"
)]
pub(crate) struct UnknownIcon;

/// How many icons are suggested.
const SUGGESTIONS: usize = 3;

impl Rule for UnknownIcon {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for icon in icons(&cx.model) {
            if lookup(&icon.name) != Lookup::Unknown {
                continue;
            }
            let name = code(&icon.name);
            let content = icon.content(&cx.model);
            if let Some(right) = respell(&icon.name) {
                let message = format!("icon {name} is not spelled as Lucide's components are");
                let mut finding = Finding::new(&Self::METADATA, icon.file, icon.span(), message)
                    .help(format!("write {}", code(right)));
                if let Some(content) = content {
                    finding = finding.replace(
                        format!("replace it with `{right}`"),
                        Applicability::Safe,
                        content,
                        right,
                    );
                }
                finding.report(report);
                continue;
            }
            let suggested = suggest(&icon.name, SUGGESTIONS);
            let message = format!("icon {name} is not one of Lucide's");
            let finding = Finding::new(&Self::METADATA, icon.file, icon.span(), message)
                .note(format!("Checked against Lucide {LUCIDE_VERSION}."));
            match (&suggested[..], content) {
                ([], _) => finding.help("search with `runbook-lint icons WORD`"),
                ([only], Some(content)) => finding.help(meant(&suggested)).replace(
                    format!("replace it with `{only}`"),
                    Applicability::Unsafe,
                    content,
                    *only,
                ),
                _ => finding.help(meant(&suggested)),
            }
            .report(report);
        }
    }
}

fn meant(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| code(name)).collect();
    match &quoted[..] {
        [rest @ .., last] if !rest.is_empty() => {
            format!("did you mean {} or {last}?", rest.join(", "))
        }
        _ => format!("did you mean {}?", quoted.concat()),
    }
}
