use lint_core::diagnostic::{Applicability, Diagnostic, FileId, Severity};
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::{Expr, Stmt};
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use super::plain_out_of_place;
use crate::finding::Finding;
use crate::hazard::code;
use crate::model::{CallSite, Model, Side};
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds `runbook.now()`, `runbook.info()`, `runbook.execute_activity()`, `runbook.wait_condition()` and
/// `runbook.logger` in activities and at module level, and `activity.info()` in workflow code. In plain Temporal
/// code the same goes for what `temporalio.workflow` and `temporalio.activity` offer, in activities, in what only
/// they call, and in workflows.
///
/// ## Why is this bad?
/// The facade asks the runtime for the workflow or the activity that is running. Under Temporal there is
/// none of that kind in the wrong place, and the call raises "Not in workflow event loop" or "Not in
/// activity context". LocalRuntime answers with placeholders such as `<no-active-workflow>`, so tests
/// pass.
///
/// `activity.logger` in workflow code does work, but it repeats its lines on each replay: a warning.
///
/// ## Example
/// ```python path=templates/activities.py
/// from ntro.workflow import activity, runbook
///
///
/// @activity.defn(name="send_notices.send")
/// async def send(notice: dict) -> dict:
///     runbook.logger.info("sending")  # RB219
///     return {**notice, "sent_at": stamp()}
///
///
/// def stamp() -> str:
///     return runbook.now().isoformat()  # RB219
/// ```
/// In plain Temporal code:
/// ```python
/// from temporalio import activity, workflow
///
///
/// @activity.defn
/// async def publish(notice: str) -> None:
///     workflow.logger.info("publishing %s", notice)  # RB219
/// ```
///
/// ## Use instead
/// An activity has the real clock and its own logger:
/// ```python path=templates/activities.py
/// from datetime import datetime, timezone
///
/// from ntro.workflow import activity
///
///
/// @activity.defn(name="send_notices.send")
/// async def send(notice: dict) -> dict:
///     activity.logger.info("sending")
///     return {**notice, "sent_at": stamp()}
///
///
/// def stamp() -> str:
///     return datetime.now(timezone.utc).isoformat()
/// ```
/// Taking the logger at module level asks for nothing yet:
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
/// log = runbook.logger
///
///
/// @runbook.defn
/// class SendNoticesWorkflow(NtroWorkflow):
///     @runbook.step(name="send", title="Send notices", icon="Send")
///     async def _step_send(self, context: dict) -> dict:
///         log.info("sending")
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_send(context)
/// ```
///
/// ## Fix
/// Safe: the logger of the workflow becomes that of the activity, where the former fails.
///
/// ## Limits
/// A function that no runbook and no activity of the project calls is left alone, and so is what
/// stands below `if __name__ == "__main__":`. In plain Temporal code, so is a function that workflows run as well,
/// one that asks `in_workflow()` or `in_activity()`, and what is tried and goes on if it fails.
#[derive(RuleMetadata)]
#[rule(
    code = "RB219",
    severity = "error",
    category = "contract",
    since = "0.1.0",
    fix = "safe",
    summary = "what works in workflows only is used in an activity, or the other way round"
)]
pub(crate) struct FacadeOutOfPlace;

/// What a call asks the runtime for.
enum Asks {
    Workflow,
    Activity,
    /// The logger of activities, which also works elsewhere.
    ActivityLogger,
}

impl Rule for FacadeOutOfPlace {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for site in &cx.model.calls {
            let Some(asks) = site.external().and_then(asks) else {
                continue;
            };
            let side = cx.model.side(site.file, site.function);
            if side == Side::Import && is_in_script(&cx.model, site) {
                continue;
            }
            match (asks, side) {
                (Asks::Workflow, Side::Activity | Side::Both | Side::Import) => {
                    report_workflow_call(cx, site, side, report);
                }
                (Asks::Activity, Side::Workflow | Side::Both | Side::Import) => {
                    let place = place(cx, site, side, "workflow code");
                    let message = format!(
                        "{} {place} fails under Temporal: no activity is running there",
                        written(cx, site)
                    );
                    finding(site, message)
                        .help("use `runbook.info()`, or move it into the activity")
                        .report(report);
                }
                (Asks::ActivityLogger, Side::Workflow) => {
                    let place = place(cx, site, side, "workflow code");
                    let message = format!(
                        "{} {place} repeats its lines on each replay",
                        written(cx, site)
                    );
                    finding(site, message)
                        .severity(Severity::Warning)
                        .help("use `runbook.logger`")
                        .report(report);
                }
                _ => {}
            }
        }
        if cx.is_part {
            plain_out_of_place::check(cx, report);
        }
    }
}

fn asks(callee: &str) -> Option<Asks> {
    if let Some(member) = callee
        .strip_prefix("ntro.workflow.runbook.")
        .or_else(|| callee.strip_prefix("temporalio.workflow."))
    {
        let asks = matches!(
            member,
            "now"
                | "time"
                | "info"
                | "execute_activity"
                | "execute_child_workflow"
                | "start_child_workflow"
                | "wait_condition"
        ) || member.starts_with("logger.");
        return asks.then_some(Asks::Workflow);
    }
    let member = callee
        .strip_prefix("ntro.workflow.activity.")
        .or_else(|| callee.strip_prefix("temporalio.activity."))?;
    match member {
        "info" | "heartbeat" => Some(Asks::Activity),
        _ if member.starts_with("logger.") => Some(Asks::ActivityLogger),
        _ => None,
    }
}

fn report_workflow_call(
    cx: &Context<'_>,
    site: &CallSite<'_>,
    side: Side,
    report: &mut Vec<Diagnostic>,
) {
    let callee = site.external().unwrap_or_default();
    let is_logger = callee.contains(".logger.");
    let help = match callee.rsplit('.').next() {
        _ if is_logger => "use `activity.logger`, or a logger of the module",
        _ if side == Side::Import => "move it into a method of the runbook",
        Some("now" | "time") => "read the real clock in an activity, or pass the time in its input",
        Some("info") => "use `activity.info()`, or pass the value in the input of the activity",
        Some("execute_activity") => "call the function itself, or schedule it from the runbook",
        _ => "move it into a method of the runbook",
    };
    let place = place(cx, site, side, "an activity");
    let message = format!(
        "{} {place} fails under Temporal: no workflow is running there",
        written(cx, site)
    );
    let mut finding = finding(site, message)
        .help(help)
        .note("LocalRuntime does not notice.");
    let facade = cx.model.name_for(site.file, "ntro.workflow.activity");
    if let (true, Side::Activity, Some(facade)) = (is_logger, side, facade)
        && let Expr::Attribute(method) = &*site.call.func
        && let Expr::Attribute(logger) = &*method.value
    {
        finding = finding.replace(
            format!("use `{facade}.logger`"),
            Applicability::Safe,
            span_of(&*logger.value),
            facade,
        );
    }
    finding.report(report);
}

fn finding(site: &CallSite<'_>, message: String) -> Finding {
    let finding = Finding::new(
        &FacadeOutOfPlace::METADATA,
        site.file,
        site.place().span,
        message,
    );
    match site.external() {
        Some(callee) => finding.culprit(callee),
        None => finding,
    }
}

fn written(cx: &Context<'_>, site: &CallSite<'_>) -> String {
    let callee = cx.model.slice(site.file, span_of(&*site.call.func));
    code(&format!("{callee}()"))
}

fn place(cx: &Context<'_>, site: &CallSite<'_>, side: Side, of: &str) -> String {
    let index = cx.model.index(site.file);
    let function = index.map_or("", |index| index.function(site.function).qualname.as_str());
    match side {
        Side::Import => "at module level".to_owned(),
        Side::Both => format!(
            "in {}, which workflows and activities call,",
            code(function)
        ),
        _ => format!("in {of}, function {},", code(function)),
    }
}

/// Whether the code is below `if __name__ == "__main__":`.
fn is_in_script(model: &Model<'_>, site: &CallSite<'_>) -> bool {
    script_spans(model, site.file)
        .iter()
        .any(|&(start, end)| (start..end).contains(&site.place().span.start))
}

fn script_spans(model: &Model<'_>, file: FileId) -> Vec<(u32, u32)> {
    let Some(module) = model.module(file) else {
        return Vec::new();
    };
    let guards = module
        .tree()
        .body
        .iter()
        .filter(|statement| match statement {
            Stmt::If(it) => match &*it.test {
                Expr::Compare(compare) => {
                    matches!(&*compare.left, Expr::Name(name) if name.id.as_str() == "__name__")
                }
                _ => false,
            },
            _ => false,
        });
    guards
        .map(|statement| (span_of(statement).start, span_of(statement).end))
        .collect()
}
