use lint_core::diagnostic::{Diagnostic, FileId};
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::Expr;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::model::Step;
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds `@runbook.step` on something that is not a method: a function outside a class, a static method or
/// a class method.
///
/// ## Why is this bad?
/// The decorator keeps its books on the first argument, which it takes for the runbook. Here that is
/// something else, so the step fails with an `AttributeError` when it is called.
///
/// ## Example
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.step(name="convert", title="Convert currency", icon="Coins")
/// async def convert(context: dict) -> dict:  # RB316
///     return context
///
///
/// @runbook.defn
/// class ConvertCashWorkflow(NtroWorkflow):
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await convert(context)
/// ```
///
/// ## Use instead
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// async def convert(context: dict) -> dict:
///     return context
///
///
/// @runbook.defn
/// class ConvertCashWorkflow(NtroWorkflow):
///     @runbook.step(name="convert", title="Convert currency", icon="Coins")
///     async def _step_convert(self, context: dict) -> dict:
///         return await convert(context)
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_convert(context)
/// ```
#[derive(RuleMetadata)]
#[rule(
    code = "RB316",
    severity = "error",
    category = "steps",
    since = "0.1.0",
    summary = "a step is not a method of its class"
)]
pub(crate) struct StepNotAMethod;

impl Rule for StepNotAMethod {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for class in cx.model.classes() {
            for step in &class.steps {
                let kind = step.node.decorator_list.iter().find_map(|decorator| {
                    match &decorator.expression {
                        Expr::Name(name) if name.id.as_str() == "staticmethod" => {
                            Some("a static method")
                        }
                        Expr::Name(name) if name.id.as_str() == "classmethod" => {
                            Some("a class method")
                        }
                        _ => None,
                    }
                });
                if let Some(kind) = kind {
                    finding(class.file, step, kind)
                        .in_runbook(class)
                        .report(report);
                } else if step.node.parameters.posonlyargs.is_empty()
                    && step.node.parameters.args.is_empty()
                    && step.node.parameters.vararg.is_none()
                {
                    finding(class.file, step, "a method without `self`")
                        .in_runbook(class)
                        .report(report);
                }
            }
        }
        for (file, step) in cx.model.stray_steps(cx.facts) {
            finding(file, &step, "a function outside a class").report(report);
        }
    }
}

fn finding(file: FileId, step: &Step<'_>, kind: &str) -> Finding {
    let message = format!(
        "step {} is {kind}, so it fails when it is called",
        code(step.label())
    );
    Finding::new(
        &StepNotAMethod::METADATA,
        file,
        span_of(&step.node.name),
        message,
    )
    .help("make it a method of the runbook class, with `self`")
}
