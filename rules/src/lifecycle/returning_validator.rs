use std::collections::BTreeSet;

use lint_core::diagnostic::{Diagnostic, Severity};
use lint_core::knowledge::Role;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::{Expr, Stmt, StmtFunctionDef, UnaryOp};
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::handlers::Handler;
use crate::hazard::code;
use crate::program::{Node, Program, Running, own_nodes};
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds validators of updates that say no by what they return, such as `return False` or a text, and such
/// that are `async`.
///
/// ## Why is this bad?
/// A validator refuses an update by raising an exception, and in no other way. Temporal's Python SDK throws its
/// result away: an update whose validator returned `False` was accepted and carried out, when measured on
/// version 1.35. An `async` validator it refuses when the module is imported: "Update validator must not be an
/// async function".
///
/// ## Example
/// ```python
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class HoldCash:
///     def __init__(self) -> None:
///         self.cash = 0
///
///     @workflow.run
///     async def run(self, fund: str) -> None:
///         await workflow.wait_condition(lambda: self.cash > 10_000)
///
///     @workflow.update
///     def pay_in(self, amount: int) -> int:
///         self.cash += amount
///         return self.cash
///
///     @pay_in.validator
///     def check_amount(self, amount: int) -> bool:
///         return amount > 0  # RB613
/// ```
///
/// ## Use instead
/// ```python
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class HoldCash:
///     def __init__(self) -> None:
///         self.cash = 0
///
///     @workflow.run
///     async def run(self, fund: str) -> None:
///         await workflow.wait_condition(lambda: self.cash > 10_000)
///
///     @workflow.update
///     def pay_in(self, amount: int) -> int:
///         self.cash += amount
///         return self.cash
///
///     @pay_in.validator
///     def check_amount(self, amount: int) -> None:
///         if amount <= 0:
///             raise ValueError("an amount is above zero")
/// ```
///
/// ## References
/// - <https://docs.temporal.io/develop/python/message-passing#validate-updates>
#[derive(RuleMetadata)]
#[rule(
    code = "RB613",
    severity = "warning",
    category = "lifecycle",
    since = "0.1.0",
    summary = "a validator of an update refuses by its result, which nobody reads, or is `async`"
)]
pub(crate) struct ReturningValidator;

impl Rule for ReturningValidator {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let program = Program::new(cx.facts);
        let mut seen = BTreeSet::new();
        for running in Running::all(cx.facts) {
            let handlers = Handler::all(program, running).into_iter();
            for validator in handlers.filter(|it| it.role == Role::Validator) {
                let function = validator.function;
                let Some(def) = program.def(function) else {
                    continue;
                };
                if !seen.insert(function) {
                    continue;
                }
                let name = code(&validator.name);
                if def.is_async {
                    let message =
                        format!("validator {name} is `async`, which Temporal refuses at import");
                    Finding::new(&Self::METADATA, function.file, span_of(&def.name), message)
                        .in_workflow(running.workflow)
                        .severity(Severity::Error)
                        .help(format!("write `def {}(…)`", def.name))
                        .report(report);
                }
                for value in own_nodes(program.function(function)).filter_map(returned) {
                    if !says_no(def, value) {
                        continue;
                    }
                    let message = format!(
                        "validator {name} refuses nothing by what it returns: only an exception refuses an update"
                    );
                    Finding::new(&Self::METADATA, function.file, span_of(value), message)
                        .in_workflow(running.workflow)
                        .help("raise an exception where the update is to be refused")
                        .report(report);
                }
            }
        }
    }
}

fn returned<'p>(node: Node<'p>) -> Option<&'p Expr> {
    match node {
        Node::Stmt(Stmt::Return(it)) => it.value.as_deref(),
        _ => None,
    }
}

/// Whether a result can mean that the update is refused. `return True` at the end of a validator that raises
/// harms nobody, and what a call returns is unknown unless the validator itself promises a `bool`.
fn says_no(def: &StmtFunctionDef, value: &Expr) -> bool {
    let promises_bool = matches!(def.returns.as_deref(), Some(Expr::Name(it)) if it.id == "bool");
    match value {
        Expr::BooleanLiteral(it) => !it.value,
        Expr::Compare(_) | Expr::StringLiteral(_) | Expr::FString(_) => true,
        Expr::UnaryOp(it) => it.op == UnaryOp::Not,
        Expr::BoolOp(it) => promises_bool || it.values.iter().any(|it| says_no(def, it)),
        Expr::Tuple(it) => it.elts.first().is_some_and(|it| says_no(def, it)),
        Expr::NoneLiteral(_) => false,
        _ => promises_bool,
    }
}
