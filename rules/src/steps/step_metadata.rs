use lint_core::diagnostic::{Applicability, Diagnostic, FileId};
use lint_core::rule::RuleMetadata;
use lint_core::suggest::closest;
use lint_core::syntax::ast::Expr;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::model::Step;
use crate::rule::{Context, Rule};

/// ## What it does
/// Checks how `@runbook.step` is called: with `name=…` and `title=…`, perhaps `icon=…` and `config=…`,
/// and with nothing else, in particular nothing by position.
///
/// ## Why is this bad?
/// Any other call raises a `TypeError` when the module is imported, so the bundle does not load.
///
/// ## Example
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class IssueSharesWorkflow(NtroWorkflow):
///     @runbook.step("subscribe", "Subscribe", icon="Inbox")  # RB301
///     async def _step_subscribe(self, context: dict) -> dict:
///         return context
///
///     @runbook.step(name="allot", icon="Share")  # RB301
///     async def _step_allot(self, context: dict) -> dict:
///         return context
///
///     @runbook.step(name="register", title="Register", icn="Stamp")  # RB301
///     async def _step_register(self, context: dict) -> dict:
///         return context
///
///     @runbook.step  # RB301
///     async def _step_confirm(self, context: dict) -> dict:
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         context = await self._step_subscribe(context)
///         context = await self._step_allot(context)
///         context = await self._step_register(context)
///         return await self._step_confirm(context)
/// ```
///
/// ## Use instead
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class IssueSharesWorkflow(NtroWorkflow):
///     @runbook.step(name="subscribe", title="Subscribe", icon="Inbox")
///     async def _step_subscribe(self, context: dict) -> dict:
///         return context
///
///     @runbook.step(
///         name="allot",
///         title="Allot shares",
///         icon="Share",
///         config={"audience": "registrar"},
///     )
///     async def _step_allot(self, context: dict) -> dict:
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         context = await self._step_subscribe(context)
///         return await self._step_allot(context)
/// ```
///
/// ## Fix
/// Metadata is passed by keyword: safe, since it is refused otherwise. A misspelt name is replaced:
/// unsafe, since another one may have been meant.
///
/// ## Limits
/// Arguments that come from `**mapping` are taken to be right.
#[derive(RuleMetadata)]
#[rule(
    code = "RB301",
    severity = "error",
    category = "steps",
    since = "0.1.0",
    fix = "safe",
    summary = "a step is declared with arguments that it does not take, or without those it needs"
)]
pub(crate) struct StepMetadata;

impl Rule for StepMetadata {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for class in cx.model.classes() {
            for step in &class.steps {
                check(cx, class.file, step, report);
            }
        }
        for (file, step) in cx.model.stray_steps(cx.facts) {
            check(cx, file, &step, report);
        }
    }
}

fn check(cx: &Context<'_>, file: FileId, step: &Step<'_>, report: &mut Vec<Diagnostic>) {
    let finding =
        |span, message: String| Finding::new(&StepMetadata::METADATA, file, span, message);
    let callee = cx.model.slice(file, span_of(step.mark.callee()));
    let decorator = code(&format!("@{callee}"));
    let Some(call) = step.mark.call else {
        let span = span_of(&step.mark.node.expression);
        finding(
            span,
            format!("{decorator} is not called with a `name` and a `title`"),
        )
        .help(format!(
            "write {}",
            code(&format!("@{callee}(name=…, title=…)"))
        ))
        .report(report);
        return;
    };
    if !step.positional.is_empty() {
        positional(cx, file, step, &decorator, report);
    }
    for keyword in &step.unknown {
        let name = keyword.arg.as_ref().map_or("", |arg| arg.as_str());
        let message = format!("{decorator} has no argument {}", code(name));
        let given = |name: &str| call.arguments.find_keyword(name).is_some();
        let free = ["name", "title", "icon", "config"]
            .into_iter()
            .filter(|it| !given(it));
        let meant = match name {
            "id" | "step_id" | "key" if !given("name") => Some("name"),
            "label" | "display_name" if !given("title") => Some("title"),
            _ => closest(name, free),
        };
        let finding = finding(span_of(*keyword), message);
        match (meant, &keyword.arg) {
            (Some(meant), Some(arg)) => finding
                .help(format!("did you mean {}?", code(meant)))
                .replace(
                    format!("replace it with `{meant}`"),
                    Applicability::Unsafe,
                    span_of(arg),
                    meant,
                ),
            _ => finding.help("it takes `name`, `title`, `icon` and `config`"),
        }
        .report(report);
    }
    if step.unpacks || !step.positional.is_empty() {
        return;
    }
    let missing: Vec<&str> = [("name", &step.name), ("title", &step.title)]
        .into_iter()
        .filter(|(_, argument)| argument.is_none())
        .map(|(name, _)| name)
        .collect();
    if !missing.is_empty() {
        let missing = missing
            .iter()
            .map(|name| code(name))
            .collect::<Vec<_>>()
            .join(" and ");
        let method = code(step.node.name.as_str());
        let message = format!("the step of method {method} has no {missing}");
        finding(span_of(call), message)
            .help(format!("add {missing} as a keyword"))
            .report(report);
    }
}

fn positional(
    cx: &Context<'_>,
    file: FileId,
    step: &Step<'_>,
    decorator: &str,
    report: &mut Vec<Diagnostic>,
) {
    let span = span_of(step.positional[0]);
    let message = format!("{decorator} takes its arguments by keyword only");
    let finding = Finding::new(&StepMetadata::METADATA, file, span, message);
    let keywords = ["name", "title", "icon", "config"];
    let given = [&step.name, &step.title, &step.icon, &step.config];
    let is_plain = step.positional.len() <= keywords.len()
        && !step.unpacks
        && given[..step.positional.len()].iter().all(|it| it.is_none());
    let written: Vec<String> = keywords
        .iter()
        .zip(&step.positional)
        .map(|(name, value): (_, &&Expr)| {
            format!("{name}={}", cx.model.slice(file, span_of(*value)))
        })
        .collect();
    if !is_plain {
        finding
            .help("write `name=…`, `title=…`, `icon=…` and `config=…`")
            .report(report);
        return;
    }
    let edits = step
        .positional
        .iter()
        .zip(&written)
        .map(|(value, written)| (span_of(*value), written.clone()))
        .collect();
    finding
        .help(format!("write {}", code(&written.join(", "))))
        .replace_all("pass them by keyword", Applicability::Safe, edits)
        .report(report);
}
