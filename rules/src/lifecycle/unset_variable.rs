//! Local variables that only a `try` sets, whose `except` goes on when the activity fails that gives
//! the value.

use lint_core::diagnostic::Span;
use lint_core::facts::FunctionRef;
use lint_core::syntax::ast::{self, ExceptHandler, Expr, Stmt};
use lint_core::syntax::span_of;

use super::ends::falls_through;
use super::exceptions::{Raise, passes, seen};
use crate::model::Model;
use crate::program::{Node, Program, bodies, nodes_of, nodes_of_expr};

/// A use of a variable that is not set if something fails.
pub(super) struct Unset<'p> {
    pub(super) name: &'p str,
    /// Where it is used.
    pub(super) at: Span,
    /// What catches the failure.
    pub(super) handler: Span,
}

pub(super) fn unset_variables<'p>(
    model: &Model<'_>,
    program: Program<'_, 'p>,
    function: FunctionRef,
) -> Vec<Unset<'p>> {
    let mut blocks = Vec::new();
    if let Some(def) = program.def(function) {
        blocks.push(&def.body[..]);
        for node in nodes_of(&def.body) {
            if let Node::Stmt(it) = node {
                blocks.extend(bodies(it));
            }
        }
    }
    let mut found = Vec::new();
    for block in blocks {
        for (ix, statement) in block.iter().enumerate() {
            if let Stmt::Try(it) = statement {
                let rest = &block[ix + 1..];
                found.extend(after(model, program, function, it, rest));
            }
        }
    }
    found
}

fn after<'p>(
    model: &Model<'_>,
    program: Program<'_, 'p>,
    function: FunctionRef,
    tried: &'p ast::StmtTry,
    rest: &'p [Stmt],
) -> Vec<Unset<'p>> {
    let FunctionRef { file, ix } = function;
    // The first clause that takes the failure has it, and what a clause takes may be unknown.
    let mut handlers = tried.handlers.iter().map(|it| {
        let ExceptHandler::ExceptHandler(it) = it;
        (it, takes_failures(program, function, it.type_.as_deref()))
    });
    let Some((handler, Some(true))) = handlers.find(|(_, takes)| *takes != Some(false)) else {
        return Vec::new();
    };
    let goes_on = |body| falls_through(program, function, body);
    if !goes_on(&handler.body) || !goes_on(&tried.finalbody) {
        return Vec::new();
    }
    let names = model.names_in(file);
    let given = tried
        .body
        .iter()
        .filter_map(|it| given(program, function, it));
    let only = given.filter(|it| !names.is_set_again(file, ix, it));
    only.filter_map(|name| {
        let at = used(rest, name)?;
        let class = ["UnboundLocalError", "NameError", "Exception"].map(str::to_owned);
        let raise = Raise {
            function,
            span: at,
            class: &class,
        };
        passes(program, raise, (function, at)).then(|| Unset {
            name,
            at,
            handler: span_of(handler),
        })
    })
    .collect()
}

/// Whether an `except` clause takes the failure of an activity; `None` if that is not known.
fn takes_failures(
    program: Program<'_, '_>,
    function: FunctionRef,
    caught: Option<&Expr>,
) -> Option<bool> {
    const ALL: &[&str] = &[
        "BaseException",
        "Exception",
        "temporalio.exceptions.ActivityError",
        "temporalio.exceptions.FailureError",
        "temporalio.exceptions.TemporalError",
    ];
    let Some(types) = caught else {
        return Some(true);
    };
    let known = seen(program, function.file, types)?;
    let mut names = known.classes.iter().filter_map(|class| class.first());
    let takes = names.any(|name| ALL.contains(&name.as_str()));
    (takes || !known.is_open).then_some(takes)
}

/// The variable of `token = await workflow.execute_activity(…)`.
fn given<'p>(
    program: Program<'_, 'p>,
    function: FunctionRef,
    statement: &'p Stmt,
) -> Option<&'p str> {
    let (target, value) = match statement {
        Stmt::Assign(it) => (
            it.targets.first().filter(|_| it.targets.len() == 1)?,
            &*it.value,
        ),
        Stmt::AnnAssign(it) => (&*it.target, it.value.as_deref()?),
        _ => return None,
    };
    let call = value.as_await_expr()?.value.as_call_expr()?;
    let is_activity = program.externals(function.file, call).any(|it| {
        let member = it.strip_prefix("temporalio.workflow.");
        let member = member.or_else(|| it.strip_prefix("ntro.workflow.runbook."));
        member.is_some_and(|it| {
            it.starts_with("execute_activity") || it.starts_with("execute_local_activity")
        })
    });
    target
        .as_name_expr()
        .filter(|_| is_activity)
        .map(|it| it.id.as_str())
}

/// Where these statements use the variable, if they surely come there before they set it.
fn used(rest: &[Stmt], name: &str) -> Option<Span> {
    for statement in rest {
        let always = always(statement)?;
        let nodes = always.into_iter().flat_map(nodes_of_expr);
        let loads = nodes.filter_map(|node| match node {
            Node::Expr(Expr::Name(it)) if it.id.as_str() == name => {
                it.ctx.is_load().then(|| span_of(it))
            }
            _ => None,
        });
        if let Some(first) = loads.min_by_key(|it| it.start) {
            return Some(first);
        }
        if leaves_or_sets(statement, name) {
            return None;
        }
    }
    None
}

/// What a statement evaluates in any case; `None` if that is not told.
fn always(statement: &Stmt) -> Option<Vec<&Expr>> {
    let found: Vec<&Expr> = match statement {
        Stmt::Expr(it) => vec![&it.value],
        Stmt::Assign(it) => vec![&it.value],
        Stmt::AugAssign(it) => vec![&it.value],
        Stmt::AnnAssign(it) => it.value.as_deref().into_iter().collect(),
        Stmt::Return(it) => it.value.as_deref().into_iter().collect(),
        Stmt::If(it) => vec![&it.test],
        Stmt::For(it) => vec![&it.iter],
        Stmt::While(it) => vec![&it.test],
        Stmt::Pass(_) => Vec::new(),
        _ => return None,
    };
    let is_conditional = |node: Node<'_>| {
        let Node::Expr(it) = node else { return false };
        let is_comprehension =
            it.is_list_comp_expr() || it.is_set_comp_expr() || it.is_dict_comp_expr();
        let is_later = it.is_lambda_expr() || it.is_generator_expr();
        it.is_if_expr() || it.is_bool_op_expr() || is_comprehension || is_later
    };
    let is_open = found
        .iter()
        .flat_map(|it| nodes_of_expr(it))
        .any(is_conditional);
    (!is_open).then_some(found)
}

/// Whether control may leave in the statement, or the variable be set there.
fn leaves_or_sets(statement: &Stmt, name: &str) -> bool {
    nodes_of(std::slice::from_ref(statement))
        .iter()
        .any(|node| match node {
            Node::Stmt(Stmt::Return(_) | Stmt::Raise(_) | Stmt::Break(_) | Stmt::Continue(_)) => {
                true
            }
            Node::Expr(Expr::Name(it)) => !it.ctx.is_load() && it.id.as_str() == name,
            _ => false,
        })
}
