use lint_core::diagnostic::{Diagnostic, Span};
use lint_core::rule::RuleMetadata;
use lint_core::source::SourceFile;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::rule::{Context, Rule};
use crate::runbook_md::view;

/// ## What it does
/// Checks `templates/requirements.txt`: every package pinned to one version, `ntro` with its extra
/// `workflow`, no tools for development, no packages that were renamed.
///
/// ## Why is this bad?
/// The platform installs what is written there into an environment for this bundle alone, whenever it
/// has to. Without a pin, the same version of a runbook runs with other packages next month. `ntro`
/// without the extra lacks what a workflow needs. `ntro-core` and `ntro-providers` are names of the
/// past.
///
/// ## Example
/// ```markdown path=runbooks/audit-pack/runbook.md
/// ---
/// slug: audit-pack
/// name: Audit pack
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// ---
/// ```
/// ```yaml path=runbooks/audit-pack/templates/requirements.txt
/// ntro>=0.1  # RB522
/// ntro-providers==0.1.0  # RB522
/// pypdf  # RB522
/// pytest==8.3.3  # RB522
/// ```
///
/// ## Use instead
/// ```markdown path=runbooks/audit-pack/runbook.md
/// ---
/// slug: audit-pack
/// name: Audit pack
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// ---
/// ```
/// ```yaml path=runbooks/audit-pack/templates/requirements.txt
/// ntro[workflow]==0.1.2
/// pypdf==5.1.0
/// ```
/// ```python path=runbooks/audit-pack/templates/__init__.py
/// ```
/// ```python path=runbooks/audit-pack/templates/activities.py
/// ```
/// ```python path=runbooks/audit-pack/templates/workflow.py
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class AuditPackWorkflow(NtroWorkflow):
///     @runbook.step(name="assemble", title="Assemble", icon="Package")
///     async def _step_assemble(self, year: int) -> int:
///         return year
///
///     @runbook.run
///     async def run(self, year: int) -> int:
///         return await self._step_assemble(year)
/// ```
///
/// ## Limits
/// Options such as `-r` and `--index-url` are skipped, and what they include is not read. A bundle
/// without the file gets the platform's own packages, which is fine.
#[derive(RuleMetadata)]
#[rule(
    code = "RB522",
    severity = "warning",
    category = "bundle",
    since = "0.1.0",
    summary = "a requirement that is not pinned, not needed or out of date"
)]
pub(crate) struct LooseRequirements;

/// Tools that no worker needs. A name stands for those that begin with it and a hyphen, too.
const DEVELOPMENT: [&str; 20] = [
    "autopep8",
    "bandit",
    "black",
    "coverage",
    "flake8",
    "hypothesis",
    "ipdb",
    "ipython",
    "isort",
    "mypy",
    "nox",
    "pdbpp",
    "pre-commit",
    "pylint",
    "pyright",
    "pytest",
    "ruff",
    "runbook-lint",
    "tox",
    "ty",
];

impl Rule for LooseRequirements {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for view in view::bundles(cx) {
            let Some(file) = view.file("templates/requirements.txt") else {
                continue;
            };
            let Some(source) = cx.model.project.text(file) else {
                continue;
            };
            for requirement in requirements(source) {
                let Some((problem, help)) = judge(&requirement) else {
                    continue;
                };
                let message = format!("the requirement {} {problem}", code(requirement.text));
                Finding::new(&Self::METADATA, file, requirement.span, message)
                    .help(help)
                    .report(report);
            }
        }
    }
}

struct Requirement<'s> {
    /// Without comment, marker and hashes.
    text: &'s str,
    span: Span,
    /// In the normal form of PyPI.
    name: String,
    extras: Vec<String>,
    /// What follows name and extras.
    version: &'s str,
}

fn requirements(source: &SourceFile) -> Vec<Requirement<'_>> {
    let mut found = Vec::new();
    let mut is_continued = false;
    for number in 1..=source.line_count() {
        let line = source.line_span(number);
        let text = source.slice(line);
        let starts_here = !is_continued;
        is_continued = text.trim_end().ends_with('\\');
        if starts_here && let Some(requirement) = requirement(text, line.start) {
            found.push(requirement);
        }
    }
    found
}

fn requirement(line: &str, start: u32) -> Option<Requirement<'_>> {
    let end = [
        Some(line.len()),
        line.find(" #"),
        line.find("\t#"),
        line.find(" --"),
        line.find(';'),
        line.find('\\'),
    ]
    .into_iter()
    .flatten()
    .min()?;
    let indent = line.len() - line.trim_start().len();
    let text = line.get(indent..end)?.trim_end();
    if !text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return None;
    }
    let name_end = text
        .find(|c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c))
        .unwrap_or(text.len());
    let (name, rest) = text.split_at(name_end);
    // A path or a URL.
    if rest.starts_with([':', '/']) {
        return None;
    }
    let rest = rest.trim_start();
    let (extras, version) = match rest.strip_prefix('[').and_then(|it| it.split_once(']')) {
        Some((extras, version)) => (extras.split(',').map(normal).collect(), version),
        None => (Vec::new(), rest),
    };
    let from = start + indent as u32;
    Some(Requirement {
        text,
        span: Span::new(from, from + text.len() as u32),
        name: normal(name),
        extras,
        version: version.trim_start(),
    })
}

/// PyPI takes `Foo_Bar` and `foo-bar` for one name.
fn normal(name: &str) -> String {
    name.trim().to_lowercase().replace(['_', '.'], "-")
}

fn judge(requirement: &Requirement<'_>) -> Option<(String, String)> {
    let name = requirement.name.as_str();
    if matches!(name, "ntro-core" | "ntro-providers") || name.starts_with("ntro-provider-") {
        return Some((
            "is out of date".to_owned(),
            "write `ntro[workflow]==` and a version".to_owned(),
        ));
    }
    let is_tool = |tool: &str| {
        name == tool
            || name
                .strip_prefix(tool)
                .is_some_and(|rest| rest.starts_with('-'))
    };
    if DEVELOPMENT.iter().any(|tool| is_tool(tool)) {
        return Some((
            "is for development only".to_owned(),
            "keep it in a file of its own that is not deployed".to_owned(),
        ));
    }
    let version = requirement.version;
    let exact = version
        .strip_prefix("===")
        .or_else(|| version.strip_prefix("=="));
    let is_pinned = version.starts_with('@') || exact.is_some_and(|it| !it.contains(['*', ',']));
    let lacks_extra = name == "ntro" && !requirement.extras.iter().any(|it| it == "workflow");
    let has_testing = name == "ntro" && requirement.extras.iter().any(|it| it == "testing");
    let mut problems = Vec::new();
    if lacks_extra {
        problems.push("lacks the extra `workflow`");
    }
    if has_testing {
        problems.push("has the extra `testing`, which is for development only");
    }
    if !is_pinned {
        problems.push("is not pinned to one version");
    }
    if problems.is_empty() {
        return None;
    }
    let help = if name == "ntro" {
        "write `ntro[workflow]==` and a version"
    } else {
        "write `==` and the version"
    };
    Some((problems.join(" and "), help.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements_are_judged_line_by_line() {
        for (line, problem) in [
            ("ntro[workflow]==0.1.2", None),
            (
                "ntro[gl, Workflow] == 0.1.2 ; python_version >= \"3.11\"",
                None,
            ),
            ("httpx===0.27.0 \\", None),
            ("tool @ https://example.com/tool.whl", None),
            ("https://example.com/tool.whl", None),
            ("./wheels/tool.whl", None),
            ("-r other.txt", None),
            ("--hash=sha256:00", None),
            ("# pytest", None),
            ("typer==0.12.0", None),
            ("httpx", Some("is not pinned to one version")),
            ("httpx==0.27.*", Some("is not pinned to one version")),
            ("httpx~=0.27", Some("is not pinned to one version")),
            ("ntro==0.1.2", Some("lacks the extra `workflow`")),
            (
                "ntro",
                Some("lacks the extra `workflow` and is not pinned to one version"),
            ),
            ("ntro_provider_local>=0.1  # old", Some("is out of date")),
            ("pytest-asyncio==0.24", Some("is for development only")),
        ] {
            let found = requirement(line, 0)
                .and_then(|it| judge(&it))
                .map(|(problem, _)| problem);
            assert_eq!(found.as_deref(), problem, "{line}");
        }
    }
}
