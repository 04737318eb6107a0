use lint_core::diagnostic::Diagnostic;
use lint_core::knowledge::Role;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::Expr;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::model::{Derives, Method, Runbook};
use crate::rule::{Context, Rule};
use crate::sdk;

/// ## What it does
/// Finds runbooks that take a name away from `NtroWorkflow`: they assign an attribute in which the
/// base class keeps its state, such as `self._pending_action`, or define a method that replaces one of
/// its queries, signals or helpers, such as `current_steps`, `user_action` or `wait_for_action`.
///
/// ## Why is this bad?
/// The UI reads that state through the queries, and approvals arrive through `user_action`. LocalRuntime
/// does not notice; Temporal refuses a class that overrides a query or a signal without its decorator,
/// and the bundle does not load.
///
/// ## Example
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class CallCapitalWorkflow(NtroWorkflow):
///     @runbook.step(name="notify", title="Notify investors", icon="Mail")
///     async def _step_notify(self, context: dict) -> dict:
///         self._pending_action = {"kind": "notify"}  # RB206
///         return context
///
///     async def user_action(self, action: dict) -> None:  # RB206
///         self._last = action
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_notify(context)
/// ```
///
/// ## Use instead
/// Names of your own, and `on_row_action` for what the user does to a row:
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class CallCapitalWorkflow(NtroWorkflow):
///     @runbook.step(name="notify", title="Notify investors", icon="Mail")
///     async def _step_notify(self, context: dict) -> dict:
///         self._next_action = {"kind": "notify"}
///         return context
///
///     def on_row_action(self, action: dict) -> None:
///         self._last = action
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_notify(context)
/// ```
/// Reading the state, or changing what is in it, is another matter. So is a handler with the right
/// decorator, or a helper that builds on the one it replaces:
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class CallCapitalWorkflow(NtroWorkflow):
///     @runbook.step(name="notify", title="Notify investors", icon="Mail")
///     async def _step_notify(self, context: dict) -> dict:
///         return await self.wait_for_action(payload=context)
///
///     async def wait_for_action(self, **options: object) -> dict:
///         return await super().wait_for_action(reason="Capital call", **options)
///
///     def on_row_action(self, action: dict) -> None:
///         self._pending_payload["rows"] = [action]
///
///     @runbook.query
///     def current_steps(self) -> list[dict]:
///         return [{"id": "notify"}]
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_notify(context)
/// ```
#[derive(RuleMetadata)]
#[rule(
    code = "RB206",
    severity = "error",
    category = "contract",
    since = "0.1.0",
    summary = "a runbook replaces a member of `NtroWorkflow`"
)]
pub(crate) struct ReservedMember;

impl Rule for ReservedMember {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for runbook in &cx.model.runbooks {
            if runbook.derives != Derives::Yes {
                continue;
            }
            assignments(cx, runbook, report);
            for method in &runbook.methods {
                overriding(cx, runbook, method, report);
            }
        }
    }
}

fn assignments(cx: &Context<'_>, runbook: &Runbook<'_>, report: &mut Vec<Diagnostic>) {
    cx.model.expressions(runbook.file, &mut |scope, expr| {
        let Expr::Attribute(attribute) = expr else {
            return;
        };
        let attr = attribute.attr.as_str();
        let is_reserved = sdk::RESERVED_ATTRIBUTES.contains(&attr) || sdk::is_base_member(attr);
        let is_rebound = attribute.ctx.is_store() || attribute.ctx.is_del();
        let Expr::Name(owner) = &*attribute.value else {
            return;
        };
        if !is_reserved || !is_rebound {
            return;
        }
        let owner = owner.id.as_str();
        let class = cx
            .model
            .names
            .self_class(runbook.file, scope.function, owner);
        if class != Some(runbook.class) {
            return;
        }
        let written = code(&format!("{owner}.{attr}"));
        Finding::new(
            &ReservedMember::METADATA,
            runbook.file,
            span_of(attribute),
            format!("{written} belongs to `NtroWorkflow`, which keeps the state for the UI in it"),
        )
        .in_runbook(runbook)
        .help("use an attribute of another name")
        .report(report);
    });
}

fn overriding(
    cx: &Context<'_>,
    runbook: &Runbook<'_>,
    method: &Method<'_>,
    report: &mut Vec<Diagnostic>,
) {
    let (kind, role) = if sdk::BASE_QUERIES.contains(&method.name) {
        ("query", Some(Role::Query))
    } else if sdk::BASE_SIGNALS.contains(&method.name) {
        ("signal", Some(Role::Signal))
    } else if sdk::BASE_METHODS.contains(&method.name) {
        ("helper", None)
    } else {
        return;
    };
    let is_marked = role.is_some_and(|role| method.mark(role).is_some());
    // A helper that calls the original extends it.
    let extends = role.is_none() && calls_super(cx, runbook, method);
    if is_marked || extends {
        return;
    }
    let name = code(method.name);
    let finding = Finding::new(
        &ReservedMember::METADATA,
        runbook.file,
        method.name_span(),
        format!("method {name} replaces the {kind} of that name in `NtroWorkflow`"),
    )
    .in_runbook(runbook);
    match role {
        Some(_) => finding
            .help(format!(
                "rename it, or decorate it with `@runbook.{kind}` if it is meant to replace the {kind}"
            ))
            .note("Temporal refuses the class at import; LocalRuntime takes the new method silently."),
        None => finding.help("rename it, or call the original through `super()`"),
    }
    .report(report);
}

fn calls_super(cx: &Context<'_>, runbook: &Runbook<'_>, method: &Method<'_>) -> bool {
    cx.model
        .calls_in(runbook.file, method.ix)
        .iter()
        .any(|site| {
            let Expr::Attribute(attribute) = &*site.call.func else {
                return false;
            };
            let is_super = matches!(&*attribute.value, Expr::Call(inner)
            if matches!(&*inner.func, Expr::Name(it) if it.id.as_str() == "super"));
            is_super && attribute.attr.as_str() == method.name
        })
}
