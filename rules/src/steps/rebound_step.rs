use lint_core::diagnostic::Diagnostic;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::Expr;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::model::class_assignments;
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds class bodies that give a step method a second name, or give its name to something else.
///
/// ## Why is this bad?
/// The breadcrumb has one entry for each attribute that is a step: with two names the step shows twice.
/// And a method that is defined again under the same name is gone, with its entry.
///
/// ## Example
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class CheckLimitsWorkflow(NtroWorkflow):
///     @runbook.step(name="check", title="Check limits", icon="Gauge")
///     async def _step_check(self, context: dict) -> dict:
///         return context
///
///     _step_recheck = _step_check  # RB317
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         context = await self._step_check(context)
///         return await self._step_recheck(context)
/// ```
/// The first of two methods of one name is lost:
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class CheckLimitsWorkflow(NtroWorkflow):
///     @runbook.step(name="check", title="Check limits", icon="Gauge")
///     async def _step_check(self, context: dict) -> dict:  # RB317
///         return context
///
///     @runbook.step(name="report", title="Report breaches", icon="Flag")
///     async def _step_check(self, context: dict) -> dict:
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_check(context)
/// ```
///
/// ## Use instead
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class CheckLimitsWorkflow(NtroWorkflow):
///     @runbook.step(name="check", title="Check limits", icon="Gauge")
///     async def _step_check(self, context: dict) -> dict:
///         return context
///
///     @runbook.step(name="report", title="Report breaches", icon="Flag")
///     async def _step_report(self, context: dict) -> dict:
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         context = await self._step_check(context)
///         return await self._step_report(context)
/// ```
#[derive(RuleMetadata)]
#[rule(
    code = "RB317",
    severity = "warning",
    category = "steps",
    since = "0.1.0",
    summary = "a step method has two names, or its name is used again"
)]
pub(crate) struct ReboundStep;

impl Rule for ReboundStep {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for class in cx.model.classes() {
            let is_step = |name: &str| {
                class
                    .steps
                    .iter()
                    .any(|step| step.node.name.as_str() == name)
            };
            let finding = |span, message: String| {
                Finding::new(&Self::METADATA, class.file, span, message).in_runbook(class)
            };
            for (target, value) in class_assignments(class.node) {
                match value {
                    Expr::Name(name) if is_step(name.id.as_str()) && target != name.id.as_str() => {
                        let method = code(name.id.as_str());
                        finding(
                            span_of(value),
                            format!(
                                "{} is a second name of step method {method}, so the step shows twice",
                                code(target)
                            ),
                        )
                        .help("call the method under its own name")
                        .report(report);
                    }
                    _ if is_step(target) => {
                        finding(
                            span_of(value),
                            format!("step method {} is replaced in the class body", code(target)),
                        )
                        .help("use another name")
                        .report(report);
                    }
                    _ => {}
                }
            }
            for step in &class.steps {
                let name = step.node.name.as_str();
                let later = &class.methods[step.method + 1..];
                if later.iter().any(|method| method.name == name) {
                    finding(
                        span_of(&step.node.name),
                        format!(
                            "step {} is lost: a later method is called {} as well",
                            code(step.label()),
                            code(name)
                        ),
                    )
                    .help("rename one of the methods")
                    .report(report);
                }
            }
        }
    }
}
