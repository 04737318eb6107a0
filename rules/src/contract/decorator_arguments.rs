use lint_core::diagnostic::{Applicability, Diagnostic, FileId};
use lint_core::knowledge::Role;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::{span, span_of};
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::model::{Mark, Sdk};
use crate::rule::{Context, Rule};

/// ## What it does
/// Checks how the decorators of the facade are called: `@runbook.defn` and `@runbook.run` stand
/// without parentheses, `@runbook.query` without empty ones, and the name of a signal, a query or an
/// activity is passed as `name=…`.
///
/// ## Why is this bad?
/// `@runbook.defn()` and `@runbook.run()` raise a `TypeError` at import. `@runbook.query()` and a
/// name by position, `@runbook.signal("approved")`, are accepted by LocalRuntime and raise only under
/// Temporal, so the bundle passes its tests and does not load on a worker.
///
/// The name of a workflow type cannot be chosen: it is the name of the class.
///
/// ## Example
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn(name="close-books")  # RB204
/// class CloseBooksWorkflow(NtroWorkflow):
///     @runbook.query()  # RB204
///     def balance(self) -> float:
///         return 0.0
///
///     @runbook.signal("books_closed")  # RB204
///     async def on_books_closed(self, payload: dict) -> None:
///         self._closed = payload
///
///     @runbook.step(name="close", title="Close books", icon="BookOpen")
///     async def _step_close(self, context: dict) -> dict:
///         return context
///
///     @runbook.run()  # RB204
///     async def run(self, context: dict) -> dict:
///         return await self._step_close(context)
/// ```
///
/// ## Use instead
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class CloseBooksWorkflow(NtroWorkflow):
///     @runbook.query
///     def balance(self) -> float:
///         return 0.0
///
///     @runbook.signal(name="books_closed")
///     async def on_books_closed(self, payload: dict) -> None:
///         self._closed = payload
///
///     @runbook.step(name="close", title="Close books", icon="BookOpen")
///     async def _step_close(self, context: dict) -> dict:
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_close(context)
/// ```
///
/// ## Fix
/// Safe: what the decorator does not take goes, or is passed by the name that it takes it by.
#[derive(RuleMetadata)]
#[rule(
    code = "RB204",
    severity = "error",
    category = "contract",
    since = "0.1.0",
    fix = "safe",
    summary = "a decorator of the facade is called in a form that it does not take"
)]
pub(crate) struct DecoratorArguments;

impl Rule for DecoratorArguments {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for class in cx.model.classes() {
            let methods = class.methods.iter().flat_map(|method| &method.marks);
            for mark in class.marks.iter().chain(methods) {
                check(cx, class.file, mark, report);
            }
        }
        for activity in &cx.model.activities {
            check(cx, activity.file, &activity.mark, report);
        }
    }
}

fn check(cx: &Context<'_>, file: FileId, mark: &Mark<'_>, report: &mut Vec<Diagnostic>) {
    let Some(call) = mark.call.filter(|_| mark.sdk == Sdk::Ntro) else {
        return;
    };
    let arguments = span(call.arguments.range);
    let callee = cx.model.slice(file, span_of(&*call.func));
    let decorator = code(&format!("@{callee}"));
    let is_bare = call.arguments.is_empty();
    let finding =
        |message: String| Finding::new(&DecoratorArguments::METADATA, file, span_of(call), message);
    match mark.role {
        Role::WorkflowClass | Role::Run => {
            let finding = finding(format!("{decorator} takes no arguments and no parentheses"))
                .help(format!("write {decorator}"))
                .replace(
                    "remove the parentheses",
                    Applicability::Safe,
                    arguments,
                    String::new(),
                );
            let named = call.arguments.find_keyword("name").is_some();
            if named && mark.role == Role::WorkflowClass {
                finding.note("The workflow type is the name of the class; it cannot be set.")
            } else {
                finding
            }
            .report(report);
        }
        Role::Query if is_bare => {
            finding(format!(
                "{decorator} with empty parentheses raises under Temporal"
            ))
            .help(format!("write {decorator}, or pass `name=…`"))
            .note("LocalRuntime accepts it, so tests pass.")
            .replace(
                "remove the parentheses",
                Applicability::Safe,
                arguments,
                String::new(),
            )
            .report(report);
        }
        Role::Signal | Role::Query | Role::Activity => {
            let Some(first) = call
                .arguments
                .args
                .first()
                .filter(|it| !it.is_starred_expr())
            else {
                return;
            };
            let mut finding = finding(format!(
                "{decorator} takes its name as a keyword and raises under Temporal otherwise"
            ))
            .help(format!(
                "write {}",
                code(&format!(
                    "@{callee}(name={})",
                    cx.model.slice(file, span_of(first))
                ))
            ))
            .note("LocalRuntime accepts it, so tests pass.");
            if first.is_string_literal_expr() && call.arguments.len() == 1 {
                let text = cx.model.slice(file, span_of(first));
                finding = finding.replace(
                    "pass it as `name`",
                    Applicability::Safe,
                    span_of(first),
                    format!("name={text}"),
                );
            }
            finding.report(report);
        }
        _ => {}
    }
}
