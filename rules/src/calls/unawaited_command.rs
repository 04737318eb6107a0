use lint_core::diagnostic::{Applicability, Diagnostic, Place, Severity, Span};
use lint_core::facts::{Callee, FunctionRef};
use lint_core::index::FunctionNode;
use lint_core::names::Resolved;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::{Decorator, Expr, Stmt, StmtFunctionDef};
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use super::one_by_one::{Before, waits_for};
use crate::awaitables::{Awaitables, Lost};
use crate::finding::Finding;
use crate::fixes;
use crate::model::{CallSite, Model};
use crate::program::{Node, Program, own_nodes};
use crate::rule::{Context, Rule};
use crate::sites::shown_call;

/// ## What it does
/// Finds activities, child workflows, timers, gates, signals to other workflows and `async` helpers that are
/// called without `await`: as a statement of their own, in a list that nobody awaits, in a variable that nobody
/// reads, or where their result is used at once, as in `runbook.execute_activity(…).amount`. Also, as information,
/// activities and child workflows that are called first and then awaited one after the other.
///
/// ## Why is this bad?
/// The call only makes a coroutine. Nothing is scheduled until somebody awaits it, so the payment is
/// never made and the gate never opens, and Python merely warns when it throws the coroutine away.
/// Coroutines that are awaited one after the other do not run side by side, although they were made at once.
///
/// ## Example
/// ```python
/// from datetime import timedelta
///
/// from ntro.workflow import NtroWorkflow, runbook
///
/// from .activities import pay_invoice
///
///
/// @runbook.defn
/// class PayInvoicesWorkflow(NtroWorkflow):
///     @runbook.step(name="pay", title="Pay invoices", icon="Banknote")
///     async def _step_pay(self, invoices: list[str]) -> None:
///         self.wait_for_action(reason="Release payments")  # RB404
///         [
///             runbook.execute_activity(  # RB404
///                 pay_invoice, invoice, start_to_close_timeout=timedelta(minutes=1)
///             )
///             for invoice in invoices
///         ]
///
///     @runbook.run
///     async def run(self, invoices: list[str]) -> None:
///         await self._step_pay(invoices)
/// ```
/// ```python path=activities.py
/// from ntro.workflow import activity
///
///
/// @activity.defn(name="pay_invoices.pay_invoice")
/// async def pay_invoice(invoice: str) -> None: ...
/// ```
/// In a plain Temporal workflow:
/// ```python
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class SettleTrade:
///     @workflow.run
///     async def run(self, trade: str) -> None:
///         workflow.sleep(3600)  # RB404
///         settled = workflow.execute_child_workflow("ConfirmTrade", trade)  # RB404
///         self._notify(trade)  # RB404
///         pending = []
///         pending.append(self._notify(trade))  # RB404
///
///     async def _notify(self, trade: str) -> None:
///         desk = workflow.get_external_workflow_handle("desk")
///         desk.signal("settled", trade)  # RB404
/// ```
///
/// ## Use instead
/// Await each call, or all of them together:
/// ```python
/// import asyncio
/// from datetime import timedelta
///
/// from ntro.workflow import NtroWorkflow, runbook
///
/// from .activities import pay_invoice
///
///
/// @runbook.defn
/// class PayInvoicesWorkflow(NtroWorkflow):
///     @runbook.step(name="pay", title="Pay invoices", icon="Banknote")
///     async def _step_pay(self, invoices: list[str]) -> None:
///         decision = await self.wait_for_action(reason="Release payments")
///         if decision.get("type") != "approved":
///             return
///         payments = [
///             runbook.execute_activity(
///                 pay_invoice, invoice, start_to_close_timeout=timedelta(minutes=1)
///             )
///             for invoice in invoices
///         ]
///         await asyncio.gather(*payments)
///
///     @runbook.run
///     async def run(self, invoices: list[str]) -> None:
///         await self._step_pay(invoices)
/// ```
/// ```python path=activities.py
/// from ntro.workflow import activity
///
///
/// @activity.defn(name="pay_invoices.pay_invoice")
/// async def pay_invoice(invoice: str) -> None: ...
/// ```
/// `workflow.start_activity` schedules at once and gives a handle, so it may stand alone:
/// ```python
/// from datetime import timedelta
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class SettleTrade:
///     @workflow.run
///     async def run(self, trade: str) -> None:
///         workflow.start_activity(
///             "notify_desk", trade, start_to_close_timeout=timedelta(minutes=1)
///         )
///         await workflow.sleep(3600)
/// ```
///
/// ## Fix
/// Unsafe: the call is awaited, and with it a command is issued that open executions do not have in their
/// history. There is none where the calls are collected first, as for `asyncio.gather()`.
///
/// ## Limits
/// Steps and activities that are called without `await` are the business of other rules. A coroutine that
/// a helper returns, that is put into an attribute or passed on is taken to be awaited there. In plain
/// Temporal code, `async` functions of the project and `asyncio.sleep` are looked at where a workflow runs
/// them.
#[derive(RuleMetadata)]
#[rule(
    code = "RB404",
    severity = "error",
    category = "calls",
    since = "0.1.0",
    fix = "unsafe",
    summary = "an activity, a child, a timer or a gate is never awaited"
)]
pub(crate) struct UnawaitedCommand;

impl Rule for UnawaitedCommand {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let model = &cx.model;
        let program = Program::new(cx.facts);
        let pending: Vec<_> = model
            .all_calls()
            .filter(|site| !site.awaited)
            .filter_map(|site| Some((site, coroutine(model, program, site)?)))
            .collect();
        if pending.is_empty() {
            return;
        }
        let awaitables = Awaitables::new(model, cx.facts);
        for &(site, coroutine) in &pending {
            if let Some(lost) = awaitables.lost(site) {
                finding(cx, site, coroutine, lost).report(report);
            }
        }
        let kept = pending.iter().filter(|(site, coroutine)| {
            let is_executed = site.external().is_some_and(|it| it.contains(".execute_"));
            is_executed && matches!(coroutine, Coroutine::Activity | Coroutine::Child)
        });
        let kept: Vec<&CallSite<'_>> = kept.map(|(site, _)| *site).collect();
        for site in &kept {
            if let Some(before) = waits_for(program, &kept, site) {
                in_turn(cx, site, &before).report(report);
            }
        }
    }
}

/// A call that starts later than it looks.
fn in_turn(cx: &Context<'_>, site: &CallSite<'_>, before: &Before<'_>) -> Finding {
    let callee = shown_call(&cx.model, site.file, site.call);
    let (before, gather) = match before {
        Before::Other(name) => (format!("`{name}` is done"), "all of them"),
        Before::Elements => ("the ones before it are done".to_owned(), "the list"),
    };
    let message =
        format!("what {callee} starts here begins only when it is awaited, after {before}");
    Finding::new(
        &UnawaitedCommand::METADATA,
        site.file,
        span_of(site.call),
        message,
    )
    .severity(Severity::Info)
    .help(format!(
        "await {gather} with `asyncio.gather`, so that they run side by side"
    ))
}

/// What a call makes that does nothing until it is awaited.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Coroutine {
    Activity,
    Child,
    Timer,
    Wait,
    Lookup,
    Signal,
    Operation,
    Method,
}

fn coroutine(
    model: &Model<'_>,
    program: Program<'_, '_>,
    site: &CallSite<'_>,
) -> Option<Coroutine> {
    if let Some(name) = site.external() {
        let callbacks: Vec<_> = program.callbacks(site.file, site.call).collect();
        let makes_coroutines =
            !callbacks.is_empty() && callbacks.iter().all(|&it| is_coroutine(model, program, it));
        // Code that no workflow runs has other ways to wait.
        let is_run = || site.runbook.is_some() || !program.callees(site.file, site.call).is_empty();
        return match name {
            "map" => makes_coroutines.then_some(Coroutine::Method),
            _ if name.starts_with("asyncio.") && !is_run() => None,
            _ => of_external(name),
        };
    }
    if is_own_coroutine(model, site) {
        return Some(Coroutine::Method);
    }
    // What the call is seen to run.
    let of_callee = |callee: &Callee| match callee {
        Callee::Function(it) => is_coroutine(model, program, *it).then_some(Coroutine::Method),
        Callee::External(name) => of_external(name),
        Callee::Class(_) | Callee::Callback(_) => None,
    };
    let callees = program.callees(site.file, site.call);
    let mut kinds: Vec<_> = callees.iter().map(of_callee).collect();
    // What a handle is awaited for may be something else as well.
    if kinds.contains(&Some(Coroutine::Signal)) {
        return Some(Coroutine::Signal);
    }
    kinds.dedup();
    let first = kinds.first().copied().flatten()?;
    kinds.iter().all(Option::is_some).then_some(first)
}

/// What a call of something outside the project gives.
fn of_external(name: &str) -> Option<Coroutine> {
    if let Some(method) = name.strip_prefix("ntro.workflow.NtroWorkflow.") {
        return Some(match method {
            "wait_for_action" | "await_signal_with_action" | "wait_for_signal_predicate" => {
                Coroutine::Wait
            }
            "run_child_workflow" | "run_child_workflows" | "collect_documents" => Coroutine::Child,
            "run_step" => Coroutine::Activity,
            "load_previous_task" | "find_committed_document" => Coroutine::Lookup,
            _ => return None,
        });
    }
    let of_sdk = name
        .strip_prefix("temporalio.workflow.")
        .or_else(|| name.strip_prefix("ntro.workflow.runbook."));
    if let Some(member) = of_sdk {
        return Some(match member {
            "execute_activity"
            | "execute_activity_class"
            | "execute_activity_method"
            | "execute_local_activity"
            | "execute_local_activity_class"
            | "execute_local_activity_method" => Coroutine::Activity,
            "execute_child_workflow" | "start_child_workflow" => Coroutine::Child,
            "NexusClient.execute_operation" | "NexusClient.start_operation" => Coroutine::Operation,
            "ChildWorkflowHandle.signal"
            | "ExternalWorkflowHandle.cancel"
            | "ExternalWorkflowHandle.signal" => Coroutine::Signal,
            "sleep" => Coroutine::Timer,
            "wait" | "wait_condition" => Coroutine::Wait,
            _ => return None,
        });
    }
    Some(match name {
        "asyncio.sleep" => Coroutine::Timer,
        "asyncio.wait"
        | "asyncio.wait_for"
        | "asyncio.Barrier.wait"
        | "asyncio.BoundedSemaphore.acquire"
        | "asyncio.Condition.wait"
        | "asyncio.Event.wait"
        | "asyncio.Lock.acquire"
        | "asyncio.Queue.get"
        | "asyncio.Queue.join"
        | "asyncio.Queue.put"
        | "asyncio.Semaphore.acquire" => Coroutine::Wait,
        "ntro.workflow.task.previous"
        | "ntro.workflow.task.find_committed_document"
        | "ntro.workflow.find_committed_document" => Coroutine::Lookup,
        _ => return None,
    })
}

/// Whether a call of the function gives a coroutine: it is `async`, or returns nothing else.
fn is_coroutine(model: &Model<'_>, program: Program<'_, '_>, it: FunctionRef) -> bool {
    let callee = Resolved::Function {
        file: it.file,
        ix: it.ix,
    };
    is_plain_coroutine(model, &callee) || returns_coroutine(model, program, it)
}

fn returns_coroutine(model: &Model<'_>, program: Program<'_, '_>, it: FunctionRef) -> bool {
    let is_plain = |def: &StmtFunctionDef| {
        !def.is_async
            && def.decorator_list.is_empty()
            && matches!(def.body.last(), Some(Stmt::Return(_)))
    };
    if !program.def(it).is_some_and(is_plain) {
        return false;
    }
    let of_callee = |callee: &Callee| match callee {
        &Callee::Function(FunctionRef { file, ix }) => {
            is_plain_coroutine(model, &Resolved::Function { file, ix })
        }
        Callee::External(name) => of_external(name).is_some(),
        Callee::Class(_) | Callee::Callback(_) => false,
    };
    let is_returned_coroutine = |value: Option<&Expr>| match value {
        Some(Expr::Call(call)) => {
            let callees = program.callees(it.file, call);
            !callees.is_empty() && callees.iter().all(of_callee)
        }
        _ => false,
    };
    own_nodes(program.function(it)).all(|node| match node {
        Node::Stmt(Stmt::Return(it)) => is_returned_coroutine(it.value.as_deref()),
        Node::Expr(Expr::Yield(_) | Expr::YieldFrom(_)) => false,
        _ => true,
    })
}

/// Whether a runbook calls an `async` function of the project that is neither a step nor an activity,
/// which are the business of other rules.
fn is_own_coroutine(model: &Model<'_>, site: &CallSite<'_>) -> bool {
    site.runbook.is_some()
        && site
            .callee
            .as_ref()
            .is_some_and(|callee| is_plain_coroutine(model, callee))
}

fn is_plain_coroutine(model: &Model<'_>, callee: &Resolved) -> bool {
    let Resolved::Function { file, ix } = callee else {
        return false;
    };
    let Some(index) = model.index(*file) else {
        return false;
    };
    let function = index.function(*ix);
    match function.node {
        FunctionNode::Def(def) => {
            let only_binds = |it: &Decorator| {
                matches!(&it.expression, Expr::Name(name)
                    if matches!(name.id.as_str(), "classmethod" | "staticmethod"))
            };
            let is_plain = def.decorator_list.iter().all(only_binds);
            def.is_async && is_plain && !function.is_generator
        }
        FunctionNode::Module(_) | FunctionNode::Lambda(_) => false,
    }
}

fn finding(cx: &Context<'_>, site: &CallSite<'_>, coroutine: Coroutine, lost: Lost) -> Finding {
    let model = &cx.model;
    let call = shown_call(model, site.file, site.call);
    let how = match (lost, site.collected) {
        (Lost::Discarded, false) => "is not awaited".to_owned(),
        (Lost::Discarded, true) => "is put into a list that nobody awaits".to_owned(),
        (Lost::Unread, _) => "is put into a variable that nobody awaits".to_owned(),
        (Lost::Used, _) => "is used without being awaited".to_owned(),
        (Lost::Returned, _) => "is returned without being awaited".to_owned(),
    };
    let consequence = match coroutine {
        Coroutine::Activity => "the activity is never scheduled",
        Coroutine::Child => "the child workflow is never started",
        Coroutine::Timer => "nothing waits for the time to pass",
        Coroutine::Wait => "nothing waits for the answer",
        Coroutine::Lookup => "nothing is looked up",
        Coroutine::Signal => "nothing is sent",
        Coroutine::Operation => "the operation is never started",
        Coroutine::Method => "its body never runs",
    };
    let finding = Finding::new(
        &UnawaitedCommand::METADATA,
        site.file,
        span_of(site.call),
        format!("{call} {how}, so {consequence}"),
    );
    let finding = match site.collected {
        true => finding.help("await all of them with `await asyncio.gather(*…)`"),
        false => {
            let finding = finding.help("write `await` before the call");
            match awaited(cx, site) {
                Some(edits) => finding.replace_all(AWAITED, Applicability::Unsafe, edits),
                None => finding,
            }
        }
    };
    match site.runbook {
        Some(runbook) => finding.in_runbook(&model.runbooks[runbook]),
        None => finding,
    }
}

const AWAITED: &str = "await it: open executions do not have it in their history";

fn awaited(cx: &Context<'_>, site: &CallSite<'_>) -> Option<Vec<(Span, String)>> {
    let place = Place {
        file: site.file,
        span: span_of(site.call),
    };
    let names = cx.model.names_in(site.file);
    let edits = fixes::awaited_call(names, cx.facts.project, place)?;
    let edits = edits.into_iter().map(|it| (it.place.span, it.replacement));
    Some(edits.collect())
}
