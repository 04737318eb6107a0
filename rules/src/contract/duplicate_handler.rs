use std::collections::BTreeMap;

use lint_core::diagnostic::Diagnostic;
use lint_core::facts::{Facade, FunctionRef};
use lint_core::knowledge::Role;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::{Expr, Stmt};
use lint_core::syntax::{last_name, span_of};
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::model::{Derives, Runbook};
use crate::program::{Program, Running};
use crate::rule::{Context, Rule};
use crate::sdk;
use crate::sites::{hides_keywords, keyword_value};

/// ## What it does
/// Finds two signal handlers of one runbook or Temporal workflow, or two of its query or update handlers, that have
/// the same name, also if one of the two is a handler of `NtroWorkflow` or of another base class.
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
/// A validator that is written as a second handler:
/// ```python
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class ApproveTrade:
///     def __init__(self) -> None:
///         self.by = ""
///
///     @workflow.run
///     async def run(self) -> None:
///         await workflow.wait_condition(lambda: self.by != "")
///         await workflow.wait_condition(workflow.all_handlers_finished)
///
///     @workflow.update
///     def approve(self, by: str) -> None:
///         self.by = by
///
///     @workflow.update(name="approve")
///     def check(self, by: str) -> None:  # RB207
///         assert by
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
/// A name that is not a literal or a constant is not compared. Of plain Temporal workflows, methods that replace
/// one another because they have one name are left to other tools.
#[derive(RuleMetadata)]
#[rule(
    code = "RB207",
    severity = "error",
    category = "contract",
    since = "0.1.0",
    summary = "two handlers of a workflow have the same name"
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
        if cx.is_part {
            in_plain_code(cx, report);
        }
    }
}

/// Handlers of plain Temporal workflows, whichever class of the workflow they stand in.
fn in_plain_code(cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
    let program = Program::new(cx.facts);
    let temporal = |it: &Running<'_>| it.workflow.facade == Facade::Temporal;
    for running in Running::all(cx.facts).filter(temporal) {
        let mut known: BTreeMap<(Role, String), FunctionRef> = BTreeMap::new();
        for (entry, reach) in running.entries() {
            let function = reach.function;
            if !stands(program, function) {
                continue;
            }
            let Some(name) = registered(cx, program, entry.role, function) else {
                continue;
            };
            let first = *known.entry((entry.role, name.clone())).or_insert(function);
            if first == function {
                continue;
            }
            let message = format!(
                "{} {} of `{}` has two handlers, so the class cannot be defined",
                kind(entry.role),
                code(&name),
                running.short_name()
            );
            let first = program.short_name(first);
            let help = match entry.role {
                Role::Update => format!(
                    "write `@{first}.validator` if it says what the update may be given, or give it a name of its own"
                ),
                _ => "give each handler a name of its own".to_owned(),
            };
            Finding::new(
                &DuplicateHandler::METADATA,
                entry.place.file,
                entry.place.span,
                message,
            )
            .in_workflow(running.workflow)
            .help(help)
            .note(format!("The other handler is {}.", code(first)))
            .report(report);
        }
    }
}

/// Whether a method is one of its class whatever happens: no condition defines it, and nothing takes
/// its name later.
fn stands(program: Program<'_, '_>, function: FunctionRef) -> bool {
    let Some(def) = program.def(function) else {
        return false;
    };
    let class = program.function(function).and_then(|it| it.class);
    let index = program.index(function.file);
    let Some((index, class)) = index.zip(class) else {
        return false;
    };
    let body = &index.class(class).node.body;
    let here = span_of(def);
    let binds = |it: &&Stmt| match it {
        Stmt::FunctionDef(it) => it.name == def.name,
        Stmt::Assign(it) => it
            .targets
            .iter()
            .any(|it| last_name(it) == def.name.as_str()),
        Stmt::Delete(it) => it
            .targets
            .iter()
            .any(|it| last_name(it) == def.name.as_str()),
        _ => false,
    };
    let last = body.iter().rfind(binds);
    last.is_some_and(|it| span_of(it) == here)
}

/// The name for which a method is registered as a handler, if that is certain.
fn registered(
    cx: &Context<'_>,
    program: Program<'_, '_>,
    role: Role,
    function: FunctionRef,
) -> Option<String> {
    let decorator_name = match role {
        Role::Signal => "temporalio.workflow.signal",
        Role::Query => "temporalio.workflow.query",
        Role::Update => "temporalio.workflow.update",
        _ => return None,
    };
    let def = program.def(function)?;
    let parent = program.function(function)?.parent;
    let names = cx.model.names_in(function.file);
    let is_it = |callee: &Expr| {
        let resolved = names.resolve(function.file, parent, callee);
        resolved.is_some_and(|it| it.external() == Some(decorator_name))
    };
    def.decorator_list
        .iter()
        .find_map(|it| match &it.expression {
            Expr::Call(call) if is_it(&call.func) => match keyword_value(call, "name") {
                Some(name) => names.const_str(function.file, parent, name),
                None => {
                    let is_dynamic =
                        keyword_value(call, "dynamic").is_some() || hides_keywords(call);
                    (!is_dynamic).then(|| def.name.to_string())
                }
            },
            callee => is_it(callee).then(|| def.name.to_string()),
        })
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
