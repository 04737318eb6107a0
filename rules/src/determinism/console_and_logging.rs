use lint_core::diagnostic::{Diagnostic, Place, Severity, Subject};
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::Expr;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::fixes;
use crate::hazard;
use crate::program::{Node, own_nodes};
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds `print()`, the functions and loggers of `logging`, and other console output in the body of a
/// workflow class, and what changes there which messages the worker logs, and where. What helpers do is left
/// to them.
///
/// ## Why is this bad?
/// No history is harmed, but each replay writes its lines again: a journal that was posted once is
/// reported as posted three times. Temporal's logger stays silent in a replay and adds the ids of the
/// workflow and the run.
///
/// ## Example
/// ```python
/// import logging
///
/// from temporalio import workflow
///
/// log = logging.getLogger(__name__)
///
///
/// @workflow.defn
/// class PostJournal:
///     @workflow.run
///     async def run(self, journal: str) -> str:
///         log.info("posting %s", journal)  # RB115
///         return journal
/// ```
/// In a runbook:
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class PostJournal(NtroWorkflow):
///     @runbook.run
///     async def run(self, journal: str) -> str:
///         print("posting", journal)  # RB115
///         return journal
/// ```
///
/// ## Use instead
/// ```python
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class PostJournal:
///     @workflow.run
///     async def run(self, journal: str) -> str:
///         workflow.logger.info("posting %s", journal)
///         return journal
/// ```
/// In a runbook:
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class PostJournal(NtroWorkflow):
///     @runbook.run
///     async def run(self, journal: str) -> str:
///         runbook.logger.info("posting %s", journal)
///         return journal
/// ```
/// Output that is guarded against replays is fine as well:
/// ```python
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class PostJournal:
///     @workflow.run
///     async def run(self, journal: str) -> str:
///         if not workflow.unsafe.is_replaying():
///             print("posting", journal)
///         return journal
/// ```
///
/// ## Fix
/// Unsafe: what is printed or logged goes to the logger of the workflow, which says nothing while history
/// is replayed.
#[derive(RuleMetadata)]
#[rule(
    code = "RB115",
    severity = "info",
    category = "determinism",
    since = "0.1.0",
    fix = "unsafe",
    summary = "workflow code prints or logs again on every replay"
)]
pub(crate) struct ConsoleAndLogging;

impl Rule for ConsoleAndLogging {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn classes(&self) -> &'static [&'static str] {
        &["log", "log-lock"]
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for (case, class) in hazard::apis(self, cx.facts) {
            // Helpers may log as they like, unless it can stop the worker; what the workflow class
            // itself writes is its author's to choose.
            let locks = class.id == "log-lock";
            if locks || case.hazard.trace.is_empty() {
                let mut found = case.diagnose_api(self, &class);
                if case.hazard.trace.is_empty() {
                    found.fixes.extend(fixes::logger(cx, &case));
                }
                if case.hazard.remarks.advice != SETS_LOGGING {
                    found.subject = logger(cx, case.hazard.place);
                }
                if locks && !case.hazard.read_only {
                    found.severity = Severity::Warning;
                }
                report.push(found);
            }
        }
    }
}

/// The advice about what configures loggers, which another logger does not settle.
const SETS_LOGGING: &str = "sets-logging";

/// The logger of the module whose method is called: all of its calls are settled where it is made.
fn logger(cx: &Context<'_>, place: Place) -> Option<Subject> {
    let index = cx.facts.project.module(place.file)?.index();
    let function = index.function(index.function_containing(place.span.start));
    let call = own_nodes(Some(function)).find_map(|node| match node {
        Node::Expr(Expr::Call(call)) if span_of(call) == place.span => Some(call),
        _ => None,
    });
    let logger = call?.func.as_attribute_expr()?.value.as_name_expr()?;
    let name = logger.id.as_str();
    (!function.locals.contains(name)).then(|| Subject {
        file: Some(place.file),
        name: name.to_owned(),
    })
}
