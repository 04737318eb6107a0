use lint_core::diagnostic::{Diagnostic, FileId};
use lint_core::index::MODULE_BODY;
use lint_core::names::{Bound, Names};
use lint_core::project::{Import, join, split};
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::{self, Stmt};
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::rule::{Context, Rule};
use crate::runbook_md::view::{self, View};

/// ## What it does
/// Finds imports between the modules of a bundle that fail when the platform loads it: absolute ones
/// of a sibling (`from activities import …`, `from templates.models import …`), and relative ones of a
/// module or a name that does not exist.
///
/// ## Why is this bad?
/// The platform loads `templates/` as a package under a name of its own, and its directory is not on
/// the path. Only relative imports find the siblings. The absolute form works in an editor and in
/// tests that are run from the directory of the bundle.
///
/// ## Example
/// ```markdown path=runbooks/proxy-vote/runbook.md
/// ---
/// slug: proxy-vote
/// name: Proxy vote
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// ---
/// ```
/// ```python path=runbooks/proxy-vote/templates/activities.py
/// from ntro.workflow import activity
///
///
/// @activity.defn(name="proxy_vote.send_ballot")
/// async def send_ballot(meeting: str) -> str:
///     return meeting
/// ```
/// ```python path=runbooks/proxy-vote/templates/workflow.py
/// from datetime import timedelta
///
/// from ntro.workflow import NtroWorkflow, runbook
///
/// from activities import send_ballot  # RB526
/// from .models import ProxyVoteContext  # RB526
///
///
/// @runbook.defn
/// class ProxyVoteWorkflow(NtroWorkflow):
///     @runbook.step(name="vote", title="Vote", icon="Vote")
///     async def _step_vote(self, ctx: ProxyVoteContext) -> str:
///         return await runbook.execute_activity(
///             send_ballot, ctx.meeting, start_to_close_timeout=timedelta(minutes=1)
///         )
///
///     @runbook.run
///     async def run(self, ctx: ProxyVoteContext) -> str:
///         return await self._step_vote(ctx)
/// ```
///
/// ## Use instead
/// ```markdown path=runbooks/proxy-vote/runbook.md
/// ---
/// slug: proxy-vote
/// name: Proxy vote
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// ---
/// ```
/// ```python path=runbooks/proxy-vote/templates/activities.py
/// from ntro.workflow import activity
///
///
/// @activity.defn(name="proxy_vote.send_ballot")
/// async def send_ballot(meeting: str) -> str:
///     return meeting
/// ```
/// ```python path=runbooks/proxy-vote/templates/models.py
/// from pydantic import BaseModel
///
///
/// class ProxyVoteContext(BaseModel):
///     meeting: str
/// ```
/// ```python path=runbooks/proxy-vote/templates/workflow.py
/// from datetime import timedelta
///
/// from ntro.workflow import NtroWorkflow, runbook
///
/// from .activities import send_ballot
/// from .models import ProxyVoteContext
///
///
/// @runbook.defn
/// class ProxyVoteWorkflow(NtroWorkflow):
///     @runbook.step(name="vote", title="Vote", icon="Vote")
///     async def _step_vote(self, ctx: ProxyVoteContext) -> str:
///         return await runbook.execute_activity(
///             send_ballot, ctx.meeting, start_to_close_timeout=timedelta(minutes=1)
///         )
///
///     @runbook.run
///     async def run(self, ctx: ProxyVoteContext) -> str:
///         return await self._step_vote(ctx)
/// ```
///
/// ## Limits
/// Imports within `try`, and those for type checkers only, are left out. Whether `from ..subledgers
/// import …` works depends on the worker and is not judged.
#[derive(RuleMetadata)]
#[rule(
    code = "RB526",
    severity = "error",
    category = "bundle",
    since = "0.1.0",
    summary = "an import within a bundle that fails when the platform loads it"
)]
pub(crate) struct BrokenBundleImport;

impl Rule for BrokenBundleImport {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for view in view::bundles(cx) {
            for (file, path) in view.below("templates") {
                if let Some(module) = cx
                    .model
                    .module(file)
                    .filter(|it| path.ends_with(".py") && it.errors.is_empty())
                {
                    let mut checker = Checker {
                        cx,
                        view,
                        file,
                        report,
                    };
                    checker.body(&module.tree().body);
                }
            }
        }
    }
}

struct Checker<'r, 'c, 'p> {
    cx: &'c Context<'p>,
    view: View<'c, 'p>,
    file: FileId,
    report: &'r mut Vec<Diagnostic>,
}

impl Checker<'_, '_, '_> {
    /// Also what is only imported within functions.
    fn body(&mut self, body: &[Stmt]) {
        for statement in body {
            match statement {
                Stmt::Import(import) => {
                    for alias in &import.names {
                        self.absolute(alias.name.as_str(), span_of(alias), None);
                    }
                }
                Stmt::ImportFrom(import) => match (import.level, &import.module) {
                    (0, Some(module)) => {
                        self.absolute(module.as_str(), span_of(module), Some(import))
                    }
                    _ => self.relative(import),
                },
                Stmt::FunctionDef(it) => self.body(&it.body),
                Stmt::ClassDef(it) => self.body(&it.body),
                Stmt::With(it) => self.body(&it.body),
                Stmt::For(it) => self.body(&it.body),
                Stmt::While(it) => self.body(&it.body),
                Stmt::If(it) => {
                    let source = self.cx.model.slice(self.file, span_of(&*it.test));
                    // A condition on the version or on a type checker decides what exists.
                    if !source.contains("TYPE_CHECKING") && !source.contains("version") {
                        self.body(&it.body);
                        for clause in &it.elif_else_clauses {
                            self.body(&clause.body);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn absolute(
        &mut self,
        module: &str,
        span: lint_core::diagnostic::Span,
        import: Option<&ast::StmtImportFrom>,
    ) {
        let top = module.split('.').next().unwrap_or(module);
        let rest = module.split_once('.').map_or("", |(_, rest)| rest);
        let sibling = |name: &str| {
            !name.is_empty()
                && (self.view.file(&format!("templates/{name}.py")).is_some()
                    || self
                        .view
                        .file(&format!("templates/{name}/__init__.py"))
                        .is_some())
        };
        let below = match top {
            "templates" if rest.is_empty() || sibling(rest.split('.').next().unwrap_or(rest)) => {
                rest
            }
            _ if !self.cx.facts.knowledge.is_stdlib(top)
                && !self.cx.facts.knowledge.is_sdk_package(top)
                && sibling(top)
                && self.is_next_to(top) =>
            {
                module
            }
            _ => return,
        };
        let message = format!(
            "{} is not found when the platform loads the bundle",
            code(module)
        );
        let finding = Finding::new(&BrokenBundleImport::METADATA, self.file, span, message);
        let dots = ".".repeat(1 + self.depth());
        let finding = match import {
            Some(_) => finding.help(format!(
                "write {}",
                code(&format!("from {dots}{below} import …"))
            )),
            None => finding.help(format!(
                "write {}",
                code(&format!("from {dots} import {below}"))
            )),
        };
        finding.report(self.report);
    }

    /// How many directories below `templates/` the file lies.
    fn depth(&self) -> usize {
        self.view
            .path(self.file)
            .matches('/')
            .count()
            .saturating_sub(1)
    }

    /// Whether the name cannot be that of an installed package: a top-level package of the project
    /// with this name, outside of bundles, is what the author may mean.
    fn is_next_to(&self, top: &str) -> bool {
        let project = self.cx.model.project;
        let key = self.view.key_of("templates");
        let is_here = |path: String| path.starts_with(&format!("{key}/"));
        match project.import_absolute(self.file, top, self.cx.facts.knowledge) {
            Import::File(file) => is_here(project.key(file).to_owned()),
            Import::Namespace(directory) => is_here(format!("{directory}/")),
            // A package hides its modules from absolute imports.
            Import::External => true,
        }
    }

    fn relative(&mut self, import: &ast::StmtImportFrom) {
        let project = self.cx.model.project;
        let level = import.level as usize;
        if level > self.depth() + 1 {
            return;
        }
        let module = import.module.as_ref().map_or("", |it| it.as_str());
        let base = project.import_from(self.file, module, import.level, self.cx.facts.knowledge);
        let written = format!("{}{module}", ".".repeat(level));
        match base {
            Import::External => {
                let span = import.module.as_ref().map_or(span_of(import), span_of);
                let path = self.path_of(level, module);
                let message = format!("there is no module {} in the bundle", code(&written));
                Finding::new(&BrokenBundleImport::METADATA, self.file, span, message)
                    .help(format!("add {}", code(&path)))
                    .report(self.report);
            }
            Import::File(target) => {
                let Some(found) = self.cx.model.module(target) else {
                    return;
                };
                let names = &self.cx.model.names;
                let is_dynamic =
                    !found.errors.is_empty() || names.member(target, "__getattr__").is_some();
                for alias in &import.names {
                    let name = alias.name.as_str();
                    let is_there = name == "*"
                        || is_dynamic
                        || is_module_attribute(name)
                        || may_have(names, target, name)
                        || project.submodule(&base, name) != Import::External;
                    if !is_there {
                        let message = format!("{} has no {}", code(&written), code(name));
                        Finding::new(
                            &BrokenBundleImport::METADATA,
                            self.file,
                            span_of(&alias.name),
                            message,
                        )
                        .help(format!("define it in {}", code(self.view.path(target))))
                        .report(self.report);
                    }
                }
            }
            Import::Namespace(_) => {}
        }
    }

    /// The path of the module that is missing, relative to the bundle.
    fn path_of(&self, level: usize, module: &str) -> String {
        let mut directory = split(self.view.path(self.file)).0;
        for _ in 1..level {
            directory = split(directory).0;
        }
        format!("{}.py", join(directory, &module.replace('.', "/")))
    }
}

fn is_module_attribute(name: &str) -> bool {
    name.starts_with("__") && name.ends_with("__")
}

/// Whether the module may have the attribute.
fn may_have(names: &Names<'_>, file: FileId, name: &str) -> bool {
    names.members(file).binary_search(&name).is_ok()
        || names.member(file, name).is_some()
        || names.is_bound(file, MODULE_BODY, name) == Bound::Perhaps
}
