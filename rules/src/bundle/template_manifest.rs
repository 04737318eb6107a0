use lint_core::diagnostic::{Diagnostic, Severity};
use lint_core::project::split;
use lint_core::rule::RuleMetadata;
use lint_core::suggest::closest;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::rule::{Context, Rule};
use crate::runbook_md::view::{self, DEPLOYED};

/// ## What it does
/// Compares the list `templates` of `runbook.md` with the files of the bundle: entries without a file
/// are a warning, files without an entry an information.
///
/// ## Why is this bad?
/// The list tells agents which files they are to write. An entry without a file is a file that was
/// renamed or never written. A file that is not listed is taken for somebody else's and left alone.
///
/// ## Example
/// ```markdown path=runbooks/fund-launch/runbook.md
/// ---
/// slug: fund-launch
/// name: Fund launch
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// templates:
///   - { path: templates/workflow.py, description: FundLaunchWorkflow }
///   - path: templates/activity.py  # RB518
/// ---
/// ```
/// ```python path=runbooks/fund-launch/templates/activities.py
/// ```
/// ```python path=runbooks/fund-launch/templates/workflow.py
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class FundLaunchWorkflow(NtroWorkflow):
///     @runbook.step(name="register", title="Register", icon="Stamp")
///     async def _step_register(self, fund: str) -> str:
///         return fund
///
///     @runbook.run
///     async def run(self, fund: str) -> str:
///         return await self._step_register(fund)
/// ```
/// The file is called `activities.py`. Here it is not listed:
/// ```markdown path=runbooks/fund-launch/runbook.md
/// ---
/// slug: fund-launch
/// name: Fund launch
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// templates:  # RB518
///   - { path: templates/workflow.py, description: FundLaunchWorkflow }
/// ---
/// ```
///
/// ## Use instead
/// ```markdown path=runbooks/fund-launch/runbook.md
/// ---
/// slug: fund-launch
/// name: Fund launch
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// templates:
///   - { path: templates/workflow.py, description: FundLaunchWorkflow }
///   - { path: templates/activities.py, description: no side effects yet }
/// ---
/// ```
/// ```python path=runbooks/fund-launch/templates/__init__.py
/// ```
/// ```python path=runbooks/fund-launch/templates/activities.py
/// ```
/// ```python path=runbooks/fund-launch/templates/workflow.py
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class FundLaunchWorkflow(NtroWorkflow):
///     @runbook.step(name="register", title="Register", icon="Stamp")
///     async def _step_register(self, fund: str) -> str:
///         return fund
///
///     @runbook.run
///     async def run(self, fund: str) -> str:
///         return await self._step_register(fund)
/// ```
///
/// ## Limits
/// `__init__.py` and `requirements.txt` need no entry. Entries for files outside of `templates/`,
/// `subledgers/` and `migrations/` are not looked at, unless they are Python files.
#[derive(RuleMetadata)]
#[rule(
    code = "RB518",
    severity = "warning",
    category = "bundle",
    since = "0.1.0",
    summary = "the list of templates is not that of the files"
)]
pub(crate) struct TemplateManifest;

impl Rule for TemplateManifest {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for (view, md) in view::with_md(cx) {
            let entries = md.list("templates").iter().filter_map(|it| it.mapping());
            let paths: Vec<_> = entries
                .filter_map(|it| {
                    let value = &it.get("path")?.value;
                    Some((value.string()?.trim(), value.span))
                })
                .filter(|(path, _)| !path.is_empty())
                .collect();
            let is_listed = |path: &str| {
                paths.iter().any(|(listed, _)| {
                    let listed = plain(listed);
                    let below = format!("templates/{listed}");
                    listed == path
                        || below == path
                        || path
                            .strip_prefix(listed)
                            .is_some_and(|rest| rest.starts_with('/'))
                })
            };
            let is_no_template = |path: &str| {
                let name = path.rsplit('/').next().unwrap_or(path);
                matches!(name, "__init__.py" | "requirements.txt")
                    || name.starts_with('.')
                    || path.contains("__pycache__")
            };
            // Those that no entry seems to mean.
            let files = view.below("templates").map(|(_, path)| path);
            let mut unlisted: Vec<&str> = files
                .filter(|path| !is_listed(path) && !is_no_template(path))
                .collect();
            for &(path, span) in &paths {
                let plain = plain(path);
                let folder = plain.split('/').next().unwrap_or_default();
                let is_judged = DEPLOYED.contains(&folder) || plain.ends_with(".py");
                // A directory stands for everything in it.
                let has_below = || {
                    let start = format!("{plain}/");
                    view.deployed().any(|(_, path)| path.starts_with(&start))
                };
                if !is_judged || view.file(plain).is_some() || has_below() {
                    continue;
                }
                let message = format!("the bundle has no file {}", code(path));
                let finding = Finding::new(&Self::METADATA, md.file, span, message);
                let below = format!("templates/{plain}");
                let finding = if view.file(&below).is_some() {
                    finding.help(format!("write {}", code(&below)))
                } else if let Some(meant) = similar(plain, &unlisted) {
                    unlisted.retain(|it| *it != meant);
                    finding.help(format!("did you mean {}?", code(meant)))
                } else {
                    finding.help("correct the path, or take the entry out")
                };
                finding.report(report);
            }
            // Only who keeps a list has forgotten something in it.
            let Some(list) = md.get("templates").filter(|_| !paths.is_empty()) else {
                continue;
            };
            for path in unlisted {
                Finding::new(
                    &Self::METADATA,
                    md.file,
                    list.key.span,
                    format!("{} is not listed in `templates`", code(path)),
                )
                .severity(Severity::Info)
                .help("add an entry, unless agents are to leave the file alone")
                .report(report);
            }
        }
    }
}

fn plain(path: &str) -> &str {
    path.trim_start_matches("./").trim_end_matches('/')
}

/// The file whose name the last segment of the path was most likely meant to be.
fn similar<'f>(path: &str, files: &[&'f str]) -> Option<&'f str> {
    let (directory, name) = split(path);
    let siblings = files.iter().copied().filter(|it| split(it).0 == directory);
    let meant = closest(name, siblings.clone().map(|it| split(it).1))?;
    siblings.into_iter().find(|it| split(it).1 == meant)
}
