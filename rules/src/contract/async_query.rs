use std::collections::BTreeSet;

use lint_core::diagnostic::{Applicability, Diagnostic, Span};
use lint_core::facts::Facade;
use lint_core::knowledge::Role;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::{Expr, Stmt, StmtFunctionDef};
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::program::{Node, Program, Running, nodes_of};
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds query handlers that are `async`, and such that return nothing, in runbooks and in other Temporal
/// workflows.
///
/// ## Why is this bad?
/// A query only reads, at once; there is nothing it could wait for. Temporal deprecates asynchronous
/// query handlers and warns when the class is imported. One without a result answers `None` to whoever asks.
///
/// A query that changes the state of the workflow is found by [RB120](RB120.md).
///
/// ## Example
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class PriceBondsWorkflow(NtroWorkflow):
///     def __init__(self) -> None:
///         super().__init__()
///         self._priced = 0
///
///     @runbook.query
///     async def priced(self) -> int:  # RB215
///         return self._priced
///
///     @runbook.query
///     def is_priced(self) -> bool:  # RB215
///         self._priced > 0
///
///     @runbook.step(name="price", title="Price bonds", icon="Calculator")
///     async def _step_price(self, context: dict) -> dict:
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_price(context)
/// ```
///
/// ## Use instead
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class PriceBondsWorkflow(NtroWorkflow):
///     def __init__(self) -> None:
///         super().__init__()
///         self._priced = 0
///
///     @runbook.query
///     def priced(self) -> int:
///         return self._priced
///
///     @runbook.query
///     def is_priced(self) -> bool:
///         return self._priced > 0
///
///     @runbook.step(name="price", title="Price bonds", icon="Calculator")
///     async def _step_price(self, context: dict) -> dict:
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_price(context)
/// ```
///
/// ## Fix
/// Safe: `async` goes from a query that awaits nothing. Temporal refuses it otherwise.
#[derive(RuleMetadata)]
#[rule(
    code = "RB215",
    severity = "warning",
    category = "contract",
    since = "0.1.0",
    fix = "safe",
    summary = "a query handler is `async`, or returns nothing"
)]
pub(crate) struct AsyncQuery;

impl Rule for AsyncQuery {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for runbook in &cx.model.runbooks {
            for method in &runbook.methods {
                if method.mark(Role::Query).is_none() {
                    continue;
                }
                if gives_nothing(method.node) {
                    let message = format!("query handler {} returns nothing", code(method.name));
                    Finding::new(&Self::METADATA, runbook.file, method.name_span(), message)
                        .in_runbook(runbook)
                        .help("return what is asked for")
                        .report(report);
                }
                if !method.node.is_async {
                    continue;
                }
                let message = format!("query handler {} is `async`", code(method.name));
                let mut finding =
                    Finding::new(&Self::METADATA, runbook.file, method.name_span(), message)
                        .in_runbook(runbook)
                        .help(format!("write `def {}(…)`", method.name));
                let body = cx.model.slice(runbook.file, span_of(method.node));
                let waits = body.matches("await").count() + body.matches("async").count() > 1;
                let def = cx.model.def_keyword(runbook.file, method.node);
                if let (false, Some(def)) = (waits, def) {
                    let start = span_of(method.node).start;
                    let before = cx.model.slice(runbook.file, Span::new(start, def.start));
                    if let Some(at) = before.rfind("async") {
                        finding = finding.replace(
                            "remove `async`",
                            Applicability::Safe,
                            Span::new(start + at as u32, def.start),
                            String::new(),
                        );
                    }
                }
                finding.report(report);
            }
        }
        if !cx.is_part {
            return;
        }
        let program = Program::new(cx.facts);
        let temporal = |it: &Running<'_>| it.workflow.facade == Facade::Temporal;
        let mut seen = BTreeSet::new();
        for running in Running::all(cx.facts).filter(temporal) {
            for (query, reach) in running.entries_of(|role| role == Role::Query) {
                let says_nothing = program.def(reach.function).is_some_and(gives_nothing);
                let (problem, help) = match program.is_async(reach.function) {
                    true => ("is `async`", format!("write `def {}(…)`", query.name)),
                    false if says_nothing => {
                        ("returns nothing", "return what is asked for".to_owned())
                    }
                    false => continue,
                };
                if seen.insert(query.place) {
                    let message = format!("query handler `{}` {problem}", query.name);
                    Finding::new(&Self::METADATA, query.place.file, query.place.span, message)
                        .in_workflow(running.workflow)
                        .help(help)
                        .report(report);
                }
            }
        }
    }
}

/// Whether a function does something and never returns a value.
fn gives_nothing(def: &StmtFunctionDef) -> bool {
    let is_left_open = |it: &Stmt| match it {
        Stmt::Pass(_) | Stmt::Raise(_) => true,
        Stmt::Expr(it) => it.value.is_ellipsis_literal_expr() || it.value.is_string_literal_expr(),
        _ => false,
    };
    let nodes = nodes_of(&def.body);
    !def.body.iter().all(is_left_open)
        && !nodes.iter().any(|node| match node {
            Node::Stmt(Stmt::Return(it)) => it.value.is_some(),
            Node::Expr(it) => matches!(it, Expr::Yield(_) | Expr::YieldFrom(_)),
            Node::Stmt(_) => false,
        })
}
