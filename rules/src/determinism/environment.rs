use std::collections::{BTreeMap, BTreeSet};

use lint_core::diagnostic::{Diagnostic, Place, Span, Subject};
use lint_core::facts::FunctionRef;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::Expr;
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
/// secret stores and feature flags.
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
        let start = report.len();
        for (case, class) in hazard::apis(self, cx.facts) {
            // What an interpreter is, is one question for the whole project.
            let subject = (class.id == "platform").then(|| Subject {
                file: None,
                name: case.hazard.culprit.clone(),
            });
            report.push(Diagnostic {
                fixes: fixes(cx, &case).collect(),
                subject,
                ..case.diagnose_api(self, class)
            });
        }
        let mut secrets = BTreeMap::new();
        for diagnostic in &mut report[start..] {
            let at = diagnostic.culprit_place();
            let Some(function) = function_at(cx, at) else {
                continue;
            };
            let reads = secrets
                .entry(function)
                .or_insert_with(|| reads_of_secrets(Program::new(cx.facts), function));
            if reads.contains(&at.span) {
                diagnostic.help = Some(SECRET.to_owned());
            }
        }
    }
}

const SECRET: &str = "read it in the activity that needs it; the workflow's input and the results of activities stay readable \
                      in the history";

fn function_at(cx: &Context<'_>, at: Place) -> Option<FunctionRef> {
    let index = cx.facts.project.module(at.file)?.index();
    Some(FunctionRef {
        file: at.file,
        ix: index.function_containing(at.span.start),
    })
}

/// What a function reads a variable of, or calls to read one, whose name says that it holds a secret.
fn reads_of_secrets(program: Program<'_, '_>, function: FunctionRef) -> BTreeSet<Span> {
    let mut reads = BTreeSet::new();
    for node in own_nodes(program.function(function)) {
        let Node::Expr(expr) = node else { continue };
        let read = match expr {
            Expr::Subscript(it) => [Some(span_of(&*it.value)), None],
            Expr::Call(it) => {
                let method = it.func.as_attribute_expr();
                [Some(span_of(expr)), method.map(|it| span_of(&*it.value))]
            }
            _ => continue,
        };
        if names_secret(expr) {
            reads.extend(read.into_iter().flatten());
        }
    }
    reads
}
