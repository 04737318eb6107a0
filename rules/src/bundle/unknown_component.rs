use lint_core::diagnostic::{Applicability, Diagnostic};
use lint_core::rule::RuleMetadata;
use lint_core::suggest::closest;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::rule::{Context, Rule};
use crate::runbook_md::view;

/// ## What it does
/// Finds steps in `runbook.md` whose `component` is none of the components of the UI, or whose
/// `responsibility` is a misspelled `client` or `accountant`.
///
/// ## Why is this bad?
/// The component decides what the UI shows while the step is active. With an unknown one there is
/// nothing to show.
///
/// ## Example
/// ```markdown path=runbooks/invoice-intake/runbook.md
/// ---
/// slug: invoice-intake
/// name: Invoice intake
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// steps:
///   - id: prepare
///     label: Prepare
///     component: FileUpload  # RB513
///     responsibility: accountent  # RB513
/// ---
/// ```
///
/// ## Use instead
/// ```markdown path=runbooks/invoice-intake/runbook.md
/// ---
/// slug: invoice-intake
/// name: Invoice intake
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// steps:
///   - id: prepare
///     label: Prepare
///     component: FILE_UPLOAD
///     responsibility: accountant
/// ---
/// ```
///
/// ## Fix
/// Unsafe: the component with the most similar name may not be the one that was meant.
///
/// ## Limits
/// The registry of the UI is not published. Known are `APPROVAL`, `APPROVAL_FORM`, `DATA_TABLE`,
/// `FILE_UPLOAD`, `LOADING`, `MULTI_FILE_UPLOAD`, `REPORT_PREVIEW` and `SUMMARY`.
#[derive(RuleMetadata)]
#[rule(
    code = "RB513",
    severity = "warning",
    category = "bundle",
    since = "0.1.0",
    fix = "unsafe",
    summary = "a step in `runbook.md` has an unknown component"
)]
pub(crate) struct UnknownComponent;

const COMPONENTS: [&str; 8] = [
    "APPROVAL",
    "APPROVAL_FORM",
    "DATA_TABLE",
    "FILE_UPLOAD",
    "LOADING",
    "MULTI_FILE_UPLOAD",
    "REPORT_PREVIEW",
    "SUMMARY",
];
const RESPONSIBILITIES: [&str; 2] = ["accountant", "client"];

impl Rule for UnknownComponent {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for (_, md) in view::with_md(cx) {
            for step in md.list("steps").iter().filter_map(|it| it.mapping()) {
                let mut check = |field: &str, known: &[&str], is_closed: bool| {
                    let Some(value) = step.get(field).map(|it| &it.value) else {
                        return;
                    };
                    let Some(text) = value.string().map(str::trim).filter(|it| !it.is_empty())
                    else {
                        return;
                    };
                    if known.contains(&text) {
                        return;
                    }
                    let meant = meant(text, known);
                    if meant.is_none() && !is_closed {
                        return;
                    }
                    let message = format!("the {field} {} is not known", code(text));
                    let finding = Finding::new(&Self::METADATA, md.file, value.span, message);
                    let finding = match meant {
                        Some(meant) => finding.help(format!("write `{meant}`")).replace(
                            format!("Write `{meant}`"),
                            Applicability::Unsafe,
                            value.span,
                            meant,
                        ),
                        None => finding.help(format!("write one of {}", list(known))),
                    };
                    finding.report(report);
                };
                check("component", &COMPONENTS, true);
                check("responsibility", &RESPONSIBILITIES, false);
            }
        }
    }
}

fn list(known: &[&str]) -> String {
    let known: Vec<String> = known.iter().map(|it| code(it)).collect();
    known.join(", ")
}

fn meant<'k>(text: &str, known: &[&'k str]) -> Option<&'k str> {
    let plain = |text: &str| text.to_lowercase().replace(['-', '_', ' '], "");
    let same = known.iter().copied().find(|it| plain(it) == plain(text));
    same.or_else(|| closest(text, known.iter().copied()))
}
