use lint_core::diagnostic::{Applicability, Diagnostic, Severity};
use lint_core::names::Resolved;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::visitor::{Visitor, walk_stmt};
use lint_core::syntax::ast::{Expr, Stmt};
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::model::{Runbook, Step};
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds steps that are not `async`.
///
/// ## Why is this bad?
/// The decorator awaits what the method gives. A plain `def` is accepted at import, also by Temporal, and
/// fails when the step runs: "object dict can't be used in 'await' expression".
///
/// A step that returns something to be awaited, such as `runbook.execute_activity(…)`, works by
/// accident: a warning.
///
/// ## Example
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class SummariseFundWorkflow(NtroWorkflow):
///     @runbook.step(name="summarise", title="Summarise", icon="FileText")
///     def _step_summarise(self, context: dict) -> dict:  # RB305
///         return {"summary": context["fund"]}
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_summarise(context)
/// ```
///
/// ## Use instead
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class SummariseFundWorkflow(NtroWorkflow):
///     @runbook.step(name="summarise", title="Summarise", icon="FileText")
///     async def _step_summarise(self, context: dict) -> dict:
///         return {"summary": context["fund"]}
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_summarise(context)
/// ```
///
/// ## Fix
/// Safe: the step becomes `async`. It fails when it runs otherwise.
#[derive(RuleMetadata)]
#[rule(
    code = "RB305",
    severity = "error",
    category = "steps",
    since = "0.1.0",
    fix = "safe",
    summary = "a step is not `async`"
)]
pub(crate) struct SyncStep;

impl Rule for SyncStep {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for class in cx.model.classes() {
            for step in &class.steps {
                if step.node.is_async {
                    continue;
                }
                let method = code(step.node.name.as_str());
                let finding = |message: String| {
                    let span = span_of(&step.node.name);
                    Finding::new(&Self::METADATA, class.file, span, message).in_runbook(class)
                };
                if returns_awaitable(cx, class, step) {
                    finding(format!("step {method} is not `async`"))
                        .severity(Severity::Warning)
                        .help("make it `async` and await what it returns")
                        .report(report);
                } else {
                    finding(format!(
                        "step {method} is not `async` and fails when it runs"
                    ))
                    .help(format!("write `async def {}(…)`", step.node.name))
                    .make_async(cx, step.node, Applicability::Safe)
                    .report(report);
                }
            }
        }
    }
}

/// Whether each value that the method returns may be something to be awaited.
fn returns_awaitable(cx: &Context<'_>, class: &Runbook<'_>, step: &Step<'_>) -> bool {
    let mut returned = Returned(Vec::new());
    returned.visit_body(&step.node.body);
    let may_be_awaited = |value: &Expr| match value {
        Expr::Call(call) => match cx.model.names.resolve(class.file, step.ix, &call.func) {
            Some(function @ Resolved::Function { .. }) => {
                cx.model.def(&function).is_some_and(|def| def.is_async)
            }
            Some(Resolved::External(name)) => {
                let top = name.split('.').next().unwrap_or(&name);
                let is_plain = !name.contains('.') || cx.facts.knowledge.is_stdlib(top);
                !is_plain || top == "asyncio"
            }
            Some(_) => false,
            None => true,
        },
        Expr::Name(_) | Expr::Attribute(_) | Expr::Subscript(_) => false,
        other => {
            !other.is_literal_expr()
                && !matches!(other, Expr::Dict(_) | Expr::List(_) | Expr::Tuple(_))
        }
    };
    !returned.0.is_empty() && returned.0.iter().all(|value| may_be_awaited(value))
}

/// The values returned by a function, without those nested in it.
struct Returned<'p>(Vec<&'p Expr>);

impl<'p> Visitor<'p> for Returned<'p> {
    fn visit_stmt(&mut self, statement: &'p Stmt) {
        match statement {
            Stmt::Return(it) => self.0.extend(it.value.as_deref()),
            Stmt::FunctionDef(_) | Stmt::ClassDef(_) => {}
            _ => walk_stmt(self, statement),
        }
    }

    fn visit_expr(&mut self, _expression: &'p Expr) {}
}
