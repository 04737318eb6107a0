use std::collections::{BTreeMap, BTreeSet};

use lint_core::diagnostic::{Diagnostic, Impact, Place, Severity};
use lint_core::facts::{Hazard, HazardKind, WorkflowKind};
use lint_core::index::FunctionNode;
use lint_core::knowledge::{BUNDLED, FETCHED, INSTALLED, ORDER, STARTUP};
use lint_core::names::Resolved;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::Expr;
use lint_core::syntax::ast::visitor::{Visitor, walk_expr};
use lint_core::syntax::{last_name, span_of};
use rules_macros::RuleMetadata;

use crate::catalogue;
use crate::hazard::{Case, code};
use crate::rule::{Context, Rule};
use crate::test_files::is_test;

/// ## What it does
/// Finds module-level values, class attributes and argument defaults that were computed from a clock,
/// randomness, the environment or I/O when their module was imported, and that workflow code reads.
///
/// ## Why is this bad?
/// Such a value is fixed once for each worker process. Each worker, and each restart, has another one,
/// and the history has none: a replay on another worker goes on with another start date or another
/// run id. A value from the environment at least only changes with a deployment; it is a warning, and so is
/// a flag that an `except ImportError` sets, if commands depend on it, and the order of a set that import
/// makes a list or text of. A file beside the code, found by way of `__file__`, changes as the code does;
/// it is information.
///
/// ## Example
/// ```python
/// from datetime import datetime, timezone
///
/// from temporalio import workflow
///
/// STARTED_AT = datetime.now(timezone.utc)
///
///
/// @workflow.defn
/// class StrikeNav:
///     @workflow.run
///     async def run(self, fund: str) -> str:
///         return f"{fund} at {STARTED_AT.isoformat()}"  # RB118
/// ```
/// In a module of the bundle; the finding is where the value is read:
/// ```python path=templates/workflow.py
/// from ntro.workflow import NtroWorkflow, runbook
///
/// from .settings import BATCH_ID
///
///
/// @runbook.defn
/// class PostJournals(NtroWorkflow):
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return {"batch": BATCH_ID}  # RB118
/// ```
/// ```python path=templates/settings.py
/// from uuid import uuid4
///
/// BATCH_ID = str(uuid4())
/// ```
///
/// ## Use instead
/// Compute it in the run, from what is replayed:
/// ```python
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class StrikeNav:
///     @workflow.run
///     async def run(self, fund: str) -> str:
///         return f"{fund} at {workflow.now().isoformat()}"
/// ```
/// Or take it as input:
/// ```python
/// from pydantic import BaseModel
///
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// class PostContext(BaseModel):
///     batch_id: str
///
///
/// @runbook.defn
/// class PostJournals(NtroWorkflow):
///     @runbook.run
///     async def run(self, ctx: PostContext) -> dict:
///         return {"batch": ctx.batch_id}
/// ```
///
/// ## Limits
/// A setting of the worker that at most becomes a task queue, a timeout, a retry policy, a summary or the length
/// of a timer is `info`: a replay does not compare these, and the workflow cannot read them.
///
/// What the start of a worker sets counts if anything names the function that does it, except for literals that
/// it sets under no condition. Many values that one function reads behind a call are one finding.
///
/// ## Sandbox
/// Temporal's sandbox stops `datetime.now()` and `random.random()` while it loads a workflow, but not
/// `uuid4()`, `time.time()`, `open()` or `os.environ`.
#[derive(RuleMetadata)]
#[rule(
    code = "RB118",
    severity = "error",
    category = "determinism",
    since = "0.1.0",
    summary = "workflow code reads a value that was computed at import"
)]
pub(crate) struct ImportTimeValue;

impl Rule for ImportTimeValue {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        // What is read here may be made of many settings, and a function that is called here may read
        // many: the gravest of them will do, with the names of the others.
        let mut read: BTreeMap<(Place, Option<&str>), Read> = BTreeMap::new();
        for case in Case::all(cx.facts) {
            let HazardKind::ImportTime { class } = case.hazard.kind else {
                continue;
            };
            let matters = match class {
                STARTUP => sets_what_matters(&case) && is_used(cx, &case),
                // A flag is asked, and what it chooses is mostly done as well without the package.
                INSTALLED => case.hazard.impact == Impact::Replay,
                ORDER => matches!(case.hazard.impact, Impact::Replay | Impact::Drift),
                _ => case.is_configuration(),
            };
            if matters {
                let found = diagnose(&case, class);
                let kept = read
                    .entry((case.hazard.place, reader(case.hazard)))
                    .or_insert_with(|| Read::new(found.clone()));
                kept.add(found, case.hazard.read.as_deref());
            } else if class != "platform" && gives_value(class) || matches!(class, "proc" | FETCHED)
            {
                report.push(diagnose(&case, class));
            }
        }
        report.extend(read.into_values().map(Read::told));
    }
}

/// What is read at one place, or behind it by one function.
struct Read<'f> {
    gravest: Diagnostic,
    names: BTreeSet<&'f str>,
}

impl<'f> Read<'f> {
    fn new(gravest: Diagnostic) -> Self {
        let names = BTreeSet::new();
        Self { gravest, names }
    }

    fn add(&mut self, found: Diagnostic, name: Option<&'f str>) {
        self.names.extend(name);
        if self.gravest.impact < found.impact {
            self.gravest = found;
        }
    }

    fn told(mut self) -> Diagnostic {
        let said = |name: &str| self.gravest.message.starts_with(&code(name));
        let others = self.names.iter().filter(|it| !said(it)).map(|it| code(it));
        let others: Vec<String> = others.collect();
        if !others.is_empty() {
            let others = others.join(", ");
            let note = format!("Read beside it, and set at import as well: {others}.");
            self.gravest.notes.push(note);
        }
        self.gravest
    }
}

/// The function that reads the value; the last step of the trace is what the value is computed by.
fn reader(hazard: &Hazard) -> Option<&str> {
    let steps = hazard.trace.iter().rev();
    steps.map(|step| &*step.function).nth(1)
}

/// A global that the start of the worker sets is mostly a client or a logger. It counts where
/// commands or data depend on it.
fn sets_what_matters(case: &Case<'_, '_>) -> bool {
    !case.hazard.is_setting && matches!(case.hazard.impact, Impact::Replay | Impact::Drift)
}

/// Whether anything but tests names the function that sets it. One that nobody names may be left over.
fn is_used(cx: &Context<'_>, case: &Case<'_, '_>) -> bool {
    let project = cx.facts.project;
    let setter = case.hazard.trace.last().map(|it| it.place);
    let Some((setter, source)) = setter.and_then(|it| Some((it, project.text(it.file)?))) else {
        return true;
    };
    if !is_test(project, setter.file) && is_called_by_others(cx, setter) {
        return true;
    }
    let name = source.slice(setter.span);
    let mut files = cx.files_with(name);
    files.retain(|&it| !is_test(project, it));
    let names = cx.names_in(&files);
    files.iter().any(|&file| {
        let Some(module) = project.module(file) else {
            return false;
        };
        let mut uses = Uses::default();
        uses.visit_body(&module.tree().body);
        let is_meant = |it: &&Expr| {
            let function = module.index().function_containing(span_of(*it).start);
            match names.resolve(file, function, it) {
                Some(Resolved::Function { file, ix }) => {
                    let meant = project.module(file).map(|it| it.index().function(ix));
                    file == setter.file
                        && meant.is_some_and(|it| it.node.name_span() == setter.span)
                }
                _ => last_name(it) == name,
            }
        };
        uses.read.iter().any(is_meant)
    })
}

/// The names and attributes that code reads.
#[derive(Default)]
struct Uses<'p> {
    read: Vec<&'p Expr>,
}

impl<'p> Visitor<'p> for Uses<'p> {
    fn visit_expr(&mut self, expression: &'p Expr) {
        if matches!(expression, Expr::Name(_) | Expr::Attribute(_)) {
            self.read.push(expression);
        }
        walk_expr(self, expression);
    }
}

/// Whether a function of this name may be called by code that is not seen: a decorator hands it on, or Python calls it.
fn is_called_by_others(cx: &Context<'_>, name: Place) -> bool {
    const PLAIN: [&str; 3] = ["classmethod", "property", "staticmethod"];
    let module = cx.facts.project.module(name.file);
    let mut functions = module.into_iter().flat_map(|it| &it.index().functions);
    let def = functions.find_map(|it| match it.node {
        FunctionNode::Def(def) if span_of(&def.name) == name.span => Some(def),
        _ => None,
    });
    def.is_some_and(|def| {
        let mut decorators = def.decorator_list.iter();
        def.name.starts_with("__")
            || decorators.any(|it| !PLAIN.contains(&last_name(&it.expression)))
    })
}

fn gives_value(class: &str) -> bool {
    catalogue::class(class).is_some_and(|class| class.gives_value)
}

/// What to write instead, which depends on where the code runs that reads the value, and on what the
/// workflow API has in the place of what it is computed by.
fn help(case: &Case<'_, '_>, class: &str) -> &'static str {
    match case.workflow().kind {
        WorkflowKind::Interceptor => {
            return "decide it in the activity, or let an interceptor of the client put it into a \
                    header, which the history keeps";
        }
        WorkflowKind::Converter => {
            return "leave it out: what a converter makes of data has to be the same on every worker";
        }
        WorkflowKind::Class | WorkflowKind::Function => {}
    }
    match class {
        "clock" | "localtz" => case.for_facade(
            "ask for it during the run, `workflow.now()`, or pass it in with the workflow's input",
            "ask for it during the run, `runbook.now()`, or make it a field of the Context input",
        ),
        "random" | "uuid" => case.for_facade(
            "make it during the run, with `workflow.random()` or `workflow.uuid4()`, or pass it in \
             with the workflow's input",
            "make it in an activity during the run, or make it a field of the Context input",
        ),
        "env" => case.for_facade(
            "pass it in with the workflow's input, or read it in the activity that uses it",
            "make it a field of the Context input, or read it in the activity that uses it",
        ),
        ORDER => "give it an order where it is made, with `sorted()`",
        INSTALLED => {
            "import it without a fallback, so that no worker runs without it, or ask in an activity \
             during the run"
        }
        _ => case.for_facade(
            "pass it in with the workflow's input, or get it in an activity during the run",
            "make it a field of the Context input, or get it in an activity during the run",
        ),
    }
}

fn diagnose(case: &Case<'_, '_>, class: &str) -> Diagnostic {
    let origin = if class == STARTUP {
        let setter = code(&format!("{}()", case.hazard.written));
        match &case.hazard.read {
            Some(_) => format!("is set by {setter} outside of workflows"),
            None => {
                let name = code(&case.hazard.culprit);
                format!("reads {name}, which {setter} sets outside of workflows")
            }
        }
    } else if class == INSTALLED {
        format!("says whether {} is installed", code(&case.hazard.culprit))
    } else if class == ORDER {
        "has the order of a set since import".to_owned()
    } else {
        format!("is set from {} at import", case.culprit())
    };
    let consequence = match class {
        BUNDLED => "which reads a file beside the code, so a deployment may change it",
        ORDER => "so each worker may have another one",
        _ => "so each worker may have another value",
    };
    let (expression, workflow) = (code(&case.hazard.expression), case.workflow_name());
    let message = match &case.hazard.read {
        Some(read) => format!(
            "{}, reached through {expression} in {workflow}, {origin}, {consequence}",
            code(read)
        ),
        None => format!("{expression} in {workflow} {origin}, {consequence}"),
    };
    let mut diagnostic = case.diagnose(&ImportTimeValue::METADATA, &message, help(case, class));
    if class == ORDER {
        diagnostic.severity = diagnostic.severity.min(Severity::Warning);
    }
    // These only change with a deployment.
    if case.is_configuration() {
        let most = match case.impact() {
            _ if class == BUNDLED => Severity::Info,
            Impact::Replay | Impact::Drift => Severity::Warning,
            Impact::Unknown | Impact::None => Severity::Info,
        };
        diagnostic.severity = diagnostic.severity.min(most);
    }
    diagnostic
}
