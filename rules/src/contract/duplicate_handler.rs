use lint_core::diagnostic::Diagnostic;
use lint_core::knowledge::Role;
use lint_core::rule::RuleMetadata;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::model::{Derives, Runbook};
use crate::rule::{Context, Rule};
use crate::sdk;

/// ## What it does
/// Finds two signal handlers of one runbook, or two of its query handlers, that have the same name,
/// also if one of the two is a handler of `NtroWorkflow`.
///
/// ## Why is this bad?
/// Temporal refuses the class at import: "Multiple signal methods found". Under LocalRuntime nothing
/// is noticed. Where two methods themselves have one name, Python keeps the second, and the first is
/// lost in silence.
///
/// ## Example
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class ImportTradesWorkflow(NtroWorkflow):
///     @runbook.signal(name="file_received")
///     async def on_csv(self, payload: dict) -> None:
///         self._csv = payload
///
///     @runbook.signal(name="file_received")
///     async def on_pdf(self, payload: dict) -> None:  # RB207
///         self._pdf = payload
///
///     @runbook.signal(name="user_action")
///     async def on_approval(self, payload: dict) -> None:  # RB207
///         self._approval = payload
///
///     @runbook.step(name="import", title="Import trades", icon="Import")
///     async def _step_import(self, context: dict) -> dict:
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_import(context)
/// ```
///
/// ## Use instead
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class ImportTradesWorkflow(NtroWorkflow):
///     @runbook.signal(name="csv_received")
///     async def on_csv(self, payload: dict) -> None:
///         self._csv = payload
///
///     @runbook.signal(name="pdf_received")
///     async def on_pdf(self, payload: dict) -> None:
///         self._pdf = payload
///
///     @runbook.query(name="pdf_received")
///     def has_pdf(self) -> bool:
///         return True
///
///     @runbook.step(name="import", title="Import trades", icon="Import")
///     async def _step_import(self, context: dict) -> dict:
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_import(context)
/// ```
///
/// ## Limits
/// A name that is not a literal or a constant is not compared.
#[derive(RuleMetadata)]
#[rule(
    code = "RB207",
    severity = "error",
    category = "contract",
    since = "0.1.0",
    summary = "two signal or query handlers of a runbook have the same name"
)]
pub(crate) struct DuplicateHandler;

impl Rule for DuplicateHandler {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for runbook in &cx.model.runbooks {
            for (i, handler) in runbook.handlers.iter().enumerate() {
                let Some(name) = &handler.name else {
                    continue;
                };
                let kind = kind(handler.role);
                let method = &runbook.methods[handler.method];
                let earlier = runbook.handlers[..i]
                    .iter()
                    .find(|it| it.role == handler.role && it.name.as_ref() == Some(name));
                let finding = |message: String| {
                    Finding::new(&Self::METADATA, runbook.file, method.name_span(), message)
                        .in_runbook(runbook)
                };
                let name = code(name);
                if let Some(earlier) = earlier {
                    let first = &runbook.methods[earlier.method];
                    let finding = finding(format!(
                        "{kind} {name} of runbook {} has two handlers",
                        code(runbook.name)
                    ))
                    .help("give each handler a name of its own");
                    if first.name == method.name {
                        finding.note(
                            "The second method replaces the first one, which is never called.",
                        )
                    } else {
                        finding.note(format!("The other handler is {}.", code(first.name)))
                    }
                    .report(report);
                } else if takes_base_handler(runbook, handler.role, &handler.name, method.name) {
                    finding(format!(
                        "{kind} {name} of runbook {} is already handled by `NtroWorkflow`",
                        code(runbook.name)
                    ))
                    .help("give the handler another name")
                    .report(report);
                }
            }
        }
    }
}

/// Whether a method of another name takes the name of a handler of the base class. A method of the
/// same name overrides it, which is allowed.
fn takes_base_handler(
    runbook: &Runbook<'_>,
    role: Role,
    name: &Option<String>,
    method: &str,
) -> bool {
    let base = match role {
        Role::Query => sdk::BASE_QUERIES,
        Role::Signal => sdk::BASE_SIGNALS,
        _ => &[],
    };
    let name = name.as_deref().unwrap_or_default();
    runbook.derives == Derives::Yes && name != method && base.contains(&name)
}

fn kind(role: Role) -> &'static str {
    match role {
        Role::Signal => "signal",
        Role::Query => "query",
        _ => "update",
    }
}
