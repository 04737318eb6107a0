use std::collections::BTreeMap;

use lint_core::diagnostic::{Applicability, Diagnostic, FileId, Span};
use lint_core::names::Bound;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::Expr;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::model::Scope;
use crate::rule::{Context, Rule};
use crate::sdk;

/// ## What it does
/// Finds uses of `workflow`, `runbook`, `activity`, `ui_step`, `NtroWorkflow` and the like where
/// nothing imports that name.
///
/// ## Why is this bad?
/// It raises a `NameError`. Mostly it is left over from a migration from `temporalio` to the facade, in
/// a branch that no test runs.
///
/// ## Example
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class RenewPolicyWorkflow(NtroWorkflow):
///     @runbook.step(name="renew", title="Renew policy", icon="FileText")
///     async def _step_renew(self, context: dict) -> dict:
///         if context.get("overdue"):
///             workflow.logger.warning("overdue")  # RB209
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_renew(context)
/// ```
///
/// ## Use instead
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class RenewPolicyWorkflow(NtroWorkflow):
///     @runbook.step(name="renew", title="Renew policy", icon="FileText")
///     async def _step_renew(self, context: dict) -> dict:
///         if context.get("overdue"):
///             runbook.logger.warning("overdue")
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_renew(context)
/// ```
/// A parameter or a variable of that name is nothing special:
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// def describe(workflow: dict) -> str:
///     return workflow.get("title", "")
///
///
/// @runbook.defn
/// class RenewPolicyWorkflow(NtroWorkflow):
///     @runbook.step(name="renew", title="Renew policy", icon="FileText")
///     async def _step_renew(self, context: dict) -> dict:
///         return {"title": describe(context)}
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_renew(context)
/// ```
///
/// ## Fix
/// Safe: the name that nothing binds is replaced by the one under which the file has the facade.
///
/// ## Limits
/// The first use in a file is reported. A star import from outside the project may bind anything, so
/// nothing is reported below one.
#[derive(RuleMetadata)]
#[rule(
    code = "RB209",
    severity = "error",
    category = "contract",
    since = "0.1.0",
    fix = "safe",
    summary = "a name of the workflow SDK is used without being imported"
)]
pub(crate) struct UnboundFacade;

/// The names of the SDKs, and what to import instead.
const NAMES: &[(&str, &str)] = &[
    (
        "ActivityError",
        "from ntro.workflow.exceptions import ActivityError",
    ),
    (
        "ApplicationError",
        "from ntro.workflow import WorkflowError",
    ),
    ("NtroWorkflow", "from ntro.workflow import NtroWorkflow"),
    ("WorkflowError", "from ntro.workflow import WorkflowError"),
    ("activity", "from ntro.workflow import activity"),
    ("runbook", "from ntro.workflow import runbook"),
    ("ui_step", "from ntro.workflow import runbook"),
    ("workflow", "from ntro.workflow import runbook"),
];

impl Rule for UnboundFacade {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for &file in &cx.model.files {
            if cx.model.is_runbook_code(file) {
                check(cx, file, report);
            }
        }
    }
}

/// A use of an unbound name, with the attribute that is taken from it.
struct Use<'p> {
    span: Span,
    attribute: Option<&'p str>,
}

fn check(cx: &Context<'_>, file: FileId, report: &mut Vec<Diagnostic>) {
    let mut uses: BTreeMap<&'static str, Vec<Use<'_>>> = BTreeMap::new();
    cx.model.expressions(file, &mut |scope, expr| {
        let (name, attribute) = match expr {
            Expr::Attribute(attribute) => match &*attribute.value {
                Expr::Name(name) => (name, Some(attribute.attr.as_str())),
                _ => return,
            },
            Expr::Name(name) => (name, None),
            _ => return,
        };
        let known = NAMES.iter().find(|(it, _)| *it == name.id.as_str());
        let Some((known, _)) = known.filter(|_| name.ctx.is_load()) else {
            return;
        };
        let span = span_of(name);
        let uses = uses.entry(known).or_default();
        // The name itself is visited again below its attribute.
        let is_seen = uses.last().is_some_and(|it| it.span == span);
        if !is_seen && is_unbound(cx, file, scope, known) {
            uses.push(Use { span, attribute });
        }
    });
    for (name, uses) in uses {
        let Some(first) = uses.first() else {
            continue;
        };
        let import = NAMES
            .iter()
            .find(|(it, _)| *it == name)
            .map_or("", |it| it.1);
        let message = format!("{} is used but not imported", code(name));
        let mut finding = Finding::new(&UnboundFacade::METADATA, file, first.span, message);
        let facade = cx.model.name_for(file, "ntro.workflow.runbook");
        let on_facade = uses.iter().all(|it| {
            it.attribute
                .is_some_and(|attribute| sdk::RUNBOOK.contains(&attribute))
        });
        finding = match facade.filter(|_| name == "workflow" && on_facade) {
            Some(facade) => finding
                .help(format!("use {} in its place", code(facade)))
                .replace_all(
                    format!("replace it with `{facade}`"),
                    Applicability::Safe,
                    uses.iter().map(|it| (it.span, facade.to_owned())).collect(),
                ),
            None => finding.help(format!("write {}", code(import))),
        };
        match uses.len() - 1 {
            0 => {}
            1 => finding = finding.note("It is used in one more place of this file."),
            more => {
                finding = finding.note(format!("It is used in {more} more places of this file."))
            }
        }
        finding.report(report);
    }
}

fn is_unbound(cx: &Context<'_>, file: FileId, scope: Scope, name: &str) -> bool {
    let names = &cx.model.names;
    let in_class = scope
        .class
        .is_some_and(|class| names.binds_in_class(file, class, name));
    !in_class && names.is_bound(file, scope.function, name) == Bound::No
}
