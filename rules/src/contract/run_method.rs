use lint_core::diagnostic::{Applicability, Diagnostic, Severity, Span};
use lint_core::knowledge::Role;
use lint_core::names::Resolved;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::model::{Method, Runbook, class_assignments};
use crate::rule::{Context, Rule};

/// ## What it does
/// Checks that a runbook has exactly one `@runbook.run` method, in its own class body, `async`, and
/// without keyword-only parameters.
///
/// ## Why is this bad?
/// Temporal refuses the class when it is imported: "Missing @workflow.run method", "Multiple
/// @workflow.run methods found", "Workflow run method must be an async function". The bundle then does
/// not load on any worker. LocalRuntime checks none of this and simply calls `run`, so tests pass.
///
/// The input of a run is passed by position, so a keyword-only parameter never receives it.
///
/// ## Example
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class PayDividendsWorkflow(NtroWorkflow):
///     @runbook.step(name="pay", title="Pay dividends", icon="Banknote")
///     async def _step_pay(self, context: dict) -> dict:
///         return context
///
///     @runbook.run
///     def run(self, context: dict) -> object:  # RB203
///         return self._step_pay(context)
/// ```
/// The run method of a base class does not count, although Python would find it:
/// ```python path=templates/workflow.py
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// class FundWorkflow(NtroWorkflow):
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return context
///
///
/// @runbook.defn
/// class PayDividendsWorkflow(FundWorkflow):  # RB203
///     @runbook.signal
///     async def approved(self, payload: dict) -> None:
///         self._approval = payload
/// ```
///
/// ## Use instead
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// class FundWorkflow(NtroWorkflow):
///     async def _pay(self, context: dict) -> dict:
///         return context
///
///
/// @runbook.defn
/// class PayDividendsWorkflow(FundWorkflow):
///     @runbook.step(name="pay", title="Pay dividends", icon="Banknote")
///     async def _step_pay(self, context: dict) -> dict:
///         return await self._pay(context)
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_pay(context)
/// ```
///
/// ## Fix
/// The decorator is added to a method `run` that lacks it: safe, since nothing runs without it. `async`
/// is added to a run method: unsafe, since callers have to await it then.
#[derive(RuleMetadata)]
#[rule(
    code = "RB203",
    severity = "error",
    category = "contract",
    since = "0.1.0",
    fix = "safe",
    summary = "a runbook does not have exactly one async `@runbook.run` method of its own"
)]
pub(crate) struct RunMethod;

impl Rule for RunMethod {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for runbook in &cx.model.runbooks {
            let own: Vec<&Method<'_>> = runbook
                .methods
                .iter()
                .filter(|method| method.mark(Role::Run).is_some())
                .collect();
            match own[..] {
                [] => missing(cx, runbook, report),
                [first, ..] => {
                    for other in &own[1..] {
                        let message = format!(
                            "{} has a second run method, {}",
                            code(runbook.name),
                            code(other.name)
                        );
                        Finding::new(&Self::METADATA, runbook.file, other.name_span(), message)
                            .in_runbook(runbook)
                            .help("keep `@runbook.run` on one method; the others can be plain helpers")
                            .note(format!("The first one is {}.", code(first.name)))
                            .report(report);
                    }
                    for method in own {
                        shape(cx, runbook, method, report);
                    }
                }
            }
        }
    }
}

/// Whether a decorator that is not known, or an assignment, may provide the run method.
pub(crate) fn may_be_given(runbook: &Runbook<'_>) -> bool {
    let run = runbook.method("run");
    run.is_some_and(|it| !it.node.decorator_list.is_empty())
        || class_assignments(runbook.node).any(|(name, _)| name == "run")
}

fn missing(cx: &Context<'_>, runbook: &Runbook<'_>, report: &mut Vec<Diagnostic>) {
    let run = runbook.method("run");
    if runbook.defn().is_none() || may_be_given(runbook) {
        return;
    }
    let name = code(runbook.name);
    if let Some(run) = run {
        let message = format!("method `run` of runbook {name} lacks `@runbook.run`");
        let mut finding =
            Finding::new(&RunMethod::METADATA, runbook.file, run.name_span(), message)
                .in_runbook(runbook)
                .help("decorate it with `@runbook.run`");
        if let Some(facade) = cx.model.name_for(runbook.file, "ntro.workflow.runbook") {
            let start = span_of(run.node).start;
            let indent = cx.model.indent(runbook.file, start);
            finding = finding.replace(
                format!("add `@{facade}.run`"),
                Applicability::Safe,
                Span::new(start, start),
                format!("@{facade}.run\n{indent}"),
            );
        }
        return finding.report(report);
    }
    let message = match inherited(cx, runbook) {
        Some(owner) => format!(
            "runbook {name} inherits its run method from {}, but Temporal wants it in the class itself",
            code(&owner)
        ),
        None => format!("runbook {name} has no `@runbook.run` method"),
    };
    Finding::new(
        &RunMethod::METADATA,
        runbook.file,
        runbook.name_span(),
        message,
    )
    .in_runbook(runbook)
    .help("write `@runbook.run` above an `async def run(self, context: …)` in the class")
    .report(report);
}

/// The class of the project that a method called `run` comes from.
fn inherited(cx: &Context<'_>, runbook: &Runbook<'_>) -> Option<String> {
    let found = cx
        .model
        .names
        .class_member(runbook.file, runbook.class, "run")?;
    let Resolved::Function { file, ix } = found else {
        return None;
    };
    let index = cx.model.index(file)?;
    let class = index.function(ix).class?;
    Some(index.class(class).qualname.clone())
}

fn shape(
    cx: &Context<'_>,
    runbook: &Runbook<'_>,
    method: &Method<'_>,
    report: &mut Vec<Diagnostic>,
) {
    let name = code(method.name);
    let span = method.name_span();
    if !method.node.is_async {
        let message = format!("run method {name} is not `async`");
        Finding::new(&RunMethod::METADATA, runbook.file, span, message)
            .in_runbook(runbook)
            .help(format!("write `async def {}(…)`", method.name))
            .make_async(cx, method.node, Applicability::Unsafe)
            .report(report);
    }
    for parameter in &method.node.parameters.kwonlyargs {
        let is_required = parameter.default.is_none();
        let severity = if is_required {
            Severity::Error
        } else {
            Severity::Warning
        };
        let message = format!(
            "keyword-only parameter {} of run method {name} never receives the input",
            code(parameter.name().as_str())
        );
        Finding::new(
            &RunMethod::METADATA,
            runbook.file,
            span_of(parameter),
            message,
        )
        .in_runbook(runbook)
        .help("make it a parameter by position")
        .severity(severity)
        .report(report);
    }
}
