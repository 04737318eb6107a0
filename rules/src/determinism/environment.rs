use std::collections::{BTreeMap, BTreeSet};

use lint_core::diagnostic::{Diagnostic, Place, Span, Subject};
use lint_core::facts::FunctionRef;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::{Expr, Stmt};
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::fixes;
use crate::hazard::{self, Case};
use crate::program::{Node, Program, own_nodes};
use crate::rule::{Context, Rule};
use crate::secrets::names_secret;

/// ## What it does
/// Finds reads of what belongs to the worker and not to the workflow: environment variables, command
/// line, working and home directory, host and user name, process id, platform, settings objects,
/// secret stores and feature flags. Changes of the environment count, too: all that the worker runs
/// sees them.
///
/// ## Why is this bad?
/// A workflow outlives the worker that started it. Its replay runs on another host, after another
/// deployment, with other settings. If a tolerance was raised in between, breaks that were escalated
/// are now accepted: the replay issues other commands than history has.
///
/// ## Example
/// A switch that is read in the middle of a run:
/// ```python
/// import os
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class ReconcileBank:
///     @workflow.run
///     async def run(self, difference: float) -> str:
///         tolerance = float(os.environ["RECON_TOLERANCE"])  # RB104
///         return "matched" if abs(difference) <= tolerance else "break"
/// ```
/// In a runbook, in a property:
/// ```python
/// import os
///
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class ReconcileBank(NtroWorkflow):
///     @property
///     def tolerance(self) -> float:
///         return float(os.getenv("RECON_TOLERANCE", "0.01"))  # RB104
///
///     @runbook.run
///     async def run(self, difference: float) -> str:
///         return "matched" if abs(difference) <= self.tolerance else "break"
/// ```
///
/// ## Use instead
/// Make it part of the input, which is recorded when the workflow starts:
/// ```python
/// from dataclasses import dataclass
///
/// from temporalio import workflow
///
///
/// @dataclass
/// class ReconcileInput:
///     difference: float
///     tolerance: float
///
///
/// @workflow.defn
/// class ReconcileBank:
///     @workflow.run
///     async def run(self, inp: ReconcileInput) -> str:
///         return "matched" if abs(inp.difference) <= inp.tolerance else "break"
/// ```
/// In a runbook it is a field of the Context:
/// ```python
/// from pydantic import BaseModel
///
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// class ReconcileContext(BaseModel):
///     difference: float
///     tolerance: float = 0.01
///
///
/// @runbook.defn
/// class ReconcileBank(NtroWorkflow):
///     @runbook.run
///     async def run(self, ctx: ReconcileContext) -> str:
///         return "matched" if abs(ctx.difference) <= ctx.tolerance else "break"
/// ```
///
/// ## Fix
/// Unsafe: the expression moves into an activity, or the helper around it runs in one, which open
/// executions do not have in their history; or it becomes a field of the input, which whoever starts the
/// workflow has to fill. What is called like a secret stays where it is, since both end up in the
/// history.
///
/// ## Limits
/// A variable that is read once, when the module is imported, is the subject of RB118.
#[derive(RuleMetadata)]
#[rule(
    code = "RB104",
    severity = "error",
    category = "determinism",
    since = "0.1.0",
    fix = "unsafe",
    summary = "workflow code reads the environment, settings or the host"
)]
pub(crate) struct Environment;

impl Rule for Environment {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn classes(&self) -> &'static [&'static str] {
        &["env", "flags", "platform"]
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let fixes = |cx: &Context<'_>, case: &Case<'_, '_>| {
            let moved = fixes::in_activity(cx, case);
            moved.into_iter().chain(fixes::in_input(cx, case))
        };
        let program = Program::new(cx.facts);
        let mut uses = BTreeMap::new();
        for (case, _) in hazard::apis(self, cx.facts) {
            let at = case.hazard.culprit_place();
            let of_function = function_at(cx, at).map(|function| {
                let uses = uses.entry(function);
                &*uses.or_insert_with(|| Uses::of(program, function))
            });
            let is_changed = of_function.is_some_and(|it| it.changes.contains(&at.span));
            let mut hazard = case.hazard.clone();
            if is_changed && ENVIRONMENT.contains(&hazard.culprit.as_str()) {
                hazard.remarks.advice = "sets-environment";
            }
            let case = case.of(&hazard);
            let Some(class) = case.class() else { continue };
            let mut found = case.diagnose_api(self, &class);
            found.fixes = fixes(cx, &case).collect();
            // What an interpreter is, is one question for the whole project.
            found.subject = (class.id == "platform").then(|| Subject {
                file: None,
                name: hazard.culprit.clone(),
            });
            if of_function.is_some_and(|it| it.secrets.contains(&at.span)) {
                found.help = Some(SECRET.to_owned());
            }
            report.push(found);
        }
    }
}

const ENVIRONMENT: [&str; 2] = ["os.environ", "os.environb"];

const SECRET: &str = "read it in the activity that needs it; the workflow's input and the results of activities stay readable \
                      in the history";

fn function_at(cx: &Context<'_>, at: Place) -> Option<FunctionRef> {
    let index = cx.facts.project.module(at.file)?.index();
    Some(FunctionRef {
        file: at.file,
        ix: index.function_containing(at.span.start),
    })
}

/// What of the environment is used in a function for more than to read a setting, by the text that
/// names it.
#[derive(Default)]
struct Uses {
    /// It holds a secret, as the name says.
    secrets: BTreeSet<Span>,
    changes: BTreeSet<Span>,
}

impl Uses {
    fn of(program: Program<'_, '_>, function: FunctionRef) -> Self {
        let mut uses = Self::default();
        for node in own_nodes(program.function(function)) {
            match node {
                Node::Expr(expr) => uses.add(expr),
                Node::Stmt(Stmt::AugAssign(it)) => {
                    uses.changes.insert(span_of(&*it.target));
                }
                _ => {}
            }
        }
        uses
    }

    fn add(&mut self, expr: &Expr) {
        let (whole, of, changes) = match expr {
            Expr::Subscript(it) => (None, Some(&it.value), !it.ctx.is_load()),
            Expr::Call(it) => {
                let method = it.func.as_attribute_expr();
                let changes = method.is_some_and(|it| CHANGES.contains(&it.attr.as_str()));
                (Some(span_of(expr)), method.map(|it| &it.value), changes)
            }
            _ => return,
        };
        let of = of.map(|it| span_of(&**it));
        if changes {
            self.changes.extend(of);
        } else if names_secret(expr) {
            self.secrets.extend(whole.into_iter().chain(of));
        }
    }
}

/// The methods that change a mapping.
const CHANGES: &[&str] = &["clear", "pop", "popitem", "setdefault", "update"];
