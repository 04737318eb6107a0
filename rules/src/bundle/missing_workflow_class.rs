use lint_core::diagnostic::Diagnostic;
use lint_core::index::MODULE_BODY;
use lint_core::names::{Bound, Resolved};
use lint_core::rule::RuleMetadata;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use super::invalid_slug::is_identifier;
use crate::finding::Finding;
use crate::hazard::code;
use crate::rule::{Context, Rule};
use crate::runbook_md::{cli, view};

/// ## What it does
/// Finds bundles whose `templates/workflow.py` has no class with the name that follows from the slug,
/// or whose class of that name is not a workflow.
///
/// ## Why is this bad?
/// The platform finds the class by its name alone: each word of the slug with a capital letter, and
/// `Workflow` after them. Capital letters inside of a word count, `NAVMonthlyWorkflow` is not found for
/// `nav-monthly`. A test that imports the class by hand does not notice.
///
/// ## Example
/// ```markdown path=runbooks/nav-pack/runbook.md
/// ---
/// slug: nav-pack
/// name: NAV pack
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// ---
/// ```
/// ```python path=runbooks/nav-pack/templates/workflow.py
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class NAVPackWorkflow(NtroWorkflow):  # RB508
///     @runbook.step(name="collect", title="Collect", icon="Inbox")
///     async def _step_collect(self, period: str) -> str:
///         return period
///
///     @runbook.run
///     async def run(self, period: str) -> str:
///         return await self._step_collect(period)
/// ```
///
/// ## Use instead
/// ```markdown path=runbooks/nav-pack/runbook.md
/// ---
/// slug: nav-pack
/// name: NAV pack
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// ---
/// ```
/// ```python path=runbooks/nav-pack/templates/__init__.py
/// ```
/// ```python path=runbooks/nav-pack/templates/activities.py
/// ```
/// ```python path=runbooks/nav-pack/templates/workflow.py
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class NavPackWorkflow(NtroWorkflow):
///     @runbook.step(name="collect", title="Collect", icon="Inbox")
///     async def _step_collect(self, period: str) -> str:
///         return period
///
///     @runbook.run
///     async def run(self, period: str) -> str:
///         return await self._step_collect(period)
/// ```
///
/// ## Limits
/// Nothing is said where a star import may bring the class.
#[derive(RuleMetadata)]
#[rule(
    code = "RB508",
    severity = "error",
    category = "bundle",
    since = "0.1.0",
    summary = "no workflow class is named after the slug"
)]
pub(crate) struct MissingWorkflowClass;

impl Rule for MissingWorkflowClass {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for (view, md) in view::with_md(cx) {
            let Some(workflow) = view.bundle.workflow else {
                continue;
            };
            let slug = view.slug();
            let expected = cli::class_name(slug);
            if slug.is_empty() || !is_identifier(&expected) {
                continue;
            }
            let names = &cx.model.names;
            let finding = match names.is_bound(workflow, MODULE_BODY, &expected) {
                Bound::Perhaps => continue,
                Bound::Yes => {
                    let Some(Resolved::Class { file, ix }) = names.member(workflow, &expected)
                    else {
                        continue;
                    };
                    // Whether a runbook class is decorated is a question for the rules about classes.
                    let is_runbook = cx
                        .model
                        .runbooks
                        .iter()
                        .any(|it| (it.file, it.class) == (file, ix));
                    let Some(class) = cx.model.index(file).map(|index| index.class(ix).node) else {
                        continue;
                    };
                    let is_other = !class.decorator_list.is_empty()
                        || class.arguments.as_ref().is_some_and(|it| !it.is_empty());
                    if is_runbook || is_other {
                        continue;
                    }
                    let message = format!(
                        "{}, which the platform runs for this slug, is not a workflow",
                        code(&expected)
                    );
                    Finding::new(&Self::METADATA, file, span_of(&class.name), message)
                        .help("derive it from `NtroWorkflow` and decorate it with `@runbook.defn`")
                }
                Bound::No => {
                    // The slug is what is wrong when the class is there for the directory.
                    let of_directory = cli::class_name(&view.bundle.slug);
                    if !view.bundle.slug.is_empty()
                        && names.is_bound(workflow, MODULE_BODY, &of_directory) == Bound::Yes
                    {
                        continue;
                    }
                    let help = format!("call the class {}", code(&expected));
                    match view.runbook().or_else(|| view.runbooks().next()) {
                        Some(runbook) => {
                            let message = format!(
                                "the slug {} asks for a class {}, not {}",
                                code(slug),
                                code(&expected),
                                code(runbook.name)
                            );
                            Finding::new(
                                &Self::METADATA,
                                runbook.file,
                                span_of(&runbook.node.name),
                                message,
                            )
                            .in_runbook(runbook)
                            .help(help)
                        }
                        None => {
                            let place = md.head();
                            let message = format!(
                                "`templates/workflow.py` has no class {} for this slug",
                                code(&expected)
                            );
                            Finding::new(&Self::METADATA, place.file, place.span, message)
                                .help(help)
                        }
                    }
                }
            };
            finding.report(report);
        }
    }
}
