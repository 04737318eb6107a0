use std::collections::BTreeSet;

use lint_core::diagnostic::{Diagnostic, FileId};
use lint_core::index::{ClassIx, FunctionNode};
use lint_core::knowledge::Role;
use lint_core::names::Base;
use lint_core::rule::RuleMetadata;
use lint_core::suggest::closest;
use lint_core::syntax::ast::Expr;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::model::{Model, Runbook};
use crate::rule::{Context, Rule};
use crate::sites::{Dict, Entry, Gate};

/// ## What it does
/// Finds a `signal_name` in the `action` of `await_signal_with_action` that is not a signal of the runbook.
///
/// ## Why is this bad?
/// The upload is delivered as a signal of this name. Nobody handles it, so the file is lost and the gate
/// stays closed. A test that calls the handler itself does not notice.
///
/// ## Example
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class CollectLeaseWorkflow(NtroWorkflow):
///     def __init__(self) -> None:
///         super().__init__()
///         self._lease = ""
///
///     @runbook.signal
///     def document_submitted(self, payload: dict[str, str]) -> None:
///         self._lease = payload["document_ref"]
///
///     @runbook.step(name="collect", title="Collect lease", icon="Inbox")
///     async def _step_collect(self) -> str:
///         await self.await_signal_with_action(
///             predicate=lambda: bool(self._lease),
///             action={
///                 "kind": "submit_file",
///                 "args": {
///                     "source": "lease",
///                     "signal_task_id": runbook.info().workflow_id,
///                     "signal_name": "lease_submitted",  # RB415
///                 },
///             },
///         )
///         return self._lease
///
///     @runbook.run
///     async def run(self, unit: str) -> str:
///         return await self._step_collect()
/// ```
///
/// ## Use instead
/// Name the handler, or the name that it declares:
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class CollectLeaseWorkflow(NtroWorkflow):
///     def __init__(self) -> None:
///         super().__init__()
///         self._lease = ""
///
///     @runbook.signal(name="lease_submitted")
///     def document_submitted(self, payload: dict[str, str]) -> None:
///         self._lease = payload["document_ref"]
///
///     @runbook.step(name="collect", title="Collect lease", icon="Inbox")
///     async def _step_collect(self) -> str:
///         await self.await_signal_with_action(
///             predicate=lambda: bool(self._lease),
///             action={
///                 "kind": "submit_file",
///                 "args": {
///                     "source": "lease",
///                     "signal_task_id": runbook.info().workflow_id,
///                     "signal_name": "lease_submitted",
///                 },
///             },
///         )
///         return self._lease
///
///     @runbook.run
///     async def run(self, unit: str) -> str:
///         return await self._step_collect()
/// ```
///
/// ## Limits
/// Where `signal_task_id` names another task, the signal is one of that task, and nothing is said.
#[derive(RuleMetadata)]
#[rule(
    code = "RB415",
    severity = "error",
    category = "calls",
    since = "0.1.0",
    summary = "a gate waits for a signal that the runbook does not declare"
)]
pub(crate) struct UndeclaredGateSignal;

impl Rule for UndeclaredGateSignal {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let model = &cx.model;
        for gate in Gate::all(model) {
            let Some(runbook) = gate.site.runbook.map(|runbook| &model.runbooks[runbook]) else {
                continue;
            };
            let arguments = gate.action(model).and_then(|action| action.get("args"));
            let Some(arguments) = arguments.and_then(|it| it.dict(model)) else {
                continue;
            };
            let Some(written) = arguments.get("signal_name") else {
                continue;
            };
            let Some(name) = written.text(model) else {
                continue;
            };
            let Some(signals) = signals(model, runbook) else {
                continue;
            };
            if signals.contains(name.as_str()) || !is_for_this_task(model, arguments) {
                continue;
            }
            let help = match closest(&name, signals.iter().copied()) {
                Some(signal) => format!("did you mean `{signal}`?"),
                None => "name a handler with `@runbook.signal`, or add one".to_owned(),
            };
            let message = format!(
                "`{}` is not a signal of `{}`, so the answer is lost and the gate stays closed",
                name.replace('`', "'"),
                runbook.name
            );
            Finding::new(
                &Self::METADATA,
                written.file,
                span_of(written.value),
                message,
            )
            .help(help)
            .in_runbook(runbook)
            .report(report);
        }
    }
}

/// The names of all signals, if all are known.
fn signals<'m>(model: &'m Model<'_>, runbook: &'m Runbook<'_>) -> Option<BTreeSet<&'m str>> {
    let mut signals = BTreeSet::new();
    for base in &runbook.bases {
        match base {
            Base::Class { file, ix } => {
                let mut known = model.runbooks.iter().chain(&model.mixins);
                let class = known.find(|it| it.file == *file && it.class == *ix);
                let Some(class) = class else {
                    signals.extend(signals_of_mixin(model, *file, *ix)?);
                    continue;
                };
                for handler in class.handlers.iter().filter(|it| it.role == Role::Signal) {
                    let is_dynamic = class.methods[handler.method].marks.iter().any(|mark| {
                        mark.call
                            .is_some_and(|call| call.arguments.find_keyword("dynamic").is_some())
                    });
                    signals.insert(handler.name.as_deref().filter(|_| !is_dynamic)?);
                }
            }
            Base::External(name) if name.starts_with("ntro.") => {
                signals.insert("user_action");
            }
            Base::External(_) | Base::Unknown => return None,
        }
    }
    Some(signals)
}

/// The signals of a class that is neither a runbook nor has steps, such as a mixin.
fn signals_of_mixin<'p>(model: &Model<'p>, file: FileId, class: ClassIx) -> Option<Vec<&'p str>> {
    let mut signals = Vec::new();
    let own = model.index(file)?.functions.iter();
    for function in own.filter(|it| it.class == Some(class)) {
        let FunctionNode::Def(def) = function.node else {
            continue;
        };
        for decorator in &def.decorator_list {
            let (marker, call) = match &decorator.expression {
                Expr::Call(call) => (&*call.func, Some(call)),
                other => (other, None),
            };
            let marker = model.names.resolve_in_class(file, class, marker)?;
            let is_signal = matches!(
                marker.external(),
                Some("ntro.workflow.runbook.signal" | "temporalio.workflow.signal")
            );
            match call {
                _ if !is_signal => {}
                // It may set the name, or take all signals.
                Some(call) if !call.arguments.is_empty() => return None,
                _ => signals.push(def.name.as_str()),
            }
        }
    }
    Some(signals)
}

/// Whether the action asks to send the signal to the task that waits.
fn is_for_this_task(model: &Model<'_>, arguments: Dict<'_>) -> bool {
    match arguments.entry("signal_task_id") {
        Entry::Missing => true,
        Entry::Unknown => false,
        Entry::Given(task) => {
            let Expr::Attribute(attribute) = task.value else {
                return false;
            };
            let Expr::Call(call) = &*attribute.value else {
                return false;
            };
            let callee = model.names.resolve(task.file, task.function, &call.func);
            let is_info = callee.is_some_and(|callee| {
                matches!(
                    callee.external(),
                    Some("ntro.workflow.runbook.info" | "temporalio.workflow.info")
                )
            });
            is_info && attribute.attr.as_str() == "workflow_id"
        }
    }
}
