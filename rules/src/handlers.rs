//! What starts code of a workflow beside `run`: messages, and tasks that the code makes itself.

use std::collections::BTreeSet;

use lint_core::diagnostic::Span;
use lint_core::facts::FunctionRef;
use lint_core::knowledge::Role;
use lint_core::syntax::ast::{Expr, Stmt};
use lint_core::syntax::span_of;

use crate::program::{Node, Program, Running, is_handler, own_nodes};

/// What a message starts, a validator included: a method of the class, or what its code registers
/// when it runs.
pub(crate) struct Handler {
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) function: FunctionRef,
    /// The functions that run because of it.
    pub(crate) runs: BTreeSet<FunctionRef>,
    /// The function that registers it: until then its messages wait.
    pub(crate) registered_by: Option<FunctionRef>,
}

impl Handler {
    pub(crate) fn all(program: Program<'_, '_>, running: Running<'_>) -> Vec<Self> {
        let of_class = |role| is_handler(role) || role == Role::Validator;
        let own = running.entries_of(of_class).map(|(entry, reach)| Self {
            name: entry.name.clone(),
            role: entry.role,
            function: reach.function,
            runs: reach.runs.clone(),
            registered_by: None,
        });
        let mut handlers: Vec<Self> = own.collect();
        for (role, names) in REGISTER {
            for function in running.runs_of(|_| true) {
                for call in program.calls_of(function, names) {
                    let registered = program.callbacks(function.file, call);
                    handlers.extend(registered.map(|it| Self {
                        name: program.short_name(it).to_owned(),
                        role: *role,
                        function: it,
                        runs: program.runs_from(it),
                        registered_by: Some(function),
                    }));
                }
            }
        }
        handlers
    }
}

/// Whether code of the workflow registers handlers of signals when it runs.
pub(crate) fn registers_signals(program: Program<'_, '_>, running: Running<'_>) -> bool {
    let signals = REGISTER.iter().filter(|(role, _)| *role == Role::Signal);
    let names = signals.flat_map(|(_, names)| *names);
    let names: Vec<&str> = names.copied().collect();
    let runs = running.runs_of(|_| true);
    runs.iter().any(|&it| {
        own_nodes(program.function(it)).any(|node| match node {
            Node::Expr(Expr::Call(call)) => program.calls(it.file, call, &names),
            _ => false,
        })
    })
}

/// What registers handlers when it is called.
const REGISTER: &[(Role, &[&str])] = &[
    (
        Role::Signal,
        &[
            "temporalio.workflow.set_dynamic_signal_handler",
            "temporalio.workflow.set_signal_handler",
        ],
    ),
    (
        Role::Update,
        &[
            "temporalio.workflow.set_dynamic_update_handler",
            "temporalio.workflow.set_update_handler",
        ],
    ),
];

/// The functions that run several times at once: a loop makes tasks of them.
pub(crate) fn at_once(
    program: Program<'_, '_>,
    functions: &BTreeSet<FunctionRef>,
) -> BTreeSet<FunctionRef> {
    let started = functions
        .iter()
        .flat_map(|&it| started_in_loops(program, it));
    started.flat_map(|it| program.runs_from(it)).collect()
}

/// The coroutines that a function makes in a loop without waiting for each of them there, if it
/// then runs them side by side.
fn started_in_loops(program: Program<'_, '_>, function: FunctionRef) -> Vec<FunctionRef> {
    if program.calls_of(function, TOGETHER).next().is_none() {
        return Vec::new();
    }
    let mut awaited: Vec<Span> = Vec::new();
    let mut loops: Vec<Span> = Vec::new();
    for node in own_nodes(program.function(function)) {
        match node {
            Node::Expr(Expr::Await(it)) => awaited.push(span_of(&*it.value)),
            Node::Expr(it @ (Expr::ListComp(_) | Expr::SetComp(_) | Expr::Generator(_))) => {
                loops.push(span_of(it));
            }
            Node::Stmt(Stmt::For(it)) => loops.extend(it.body.iter().map(span_of)),
            Node::Stmt(Stmt::While(it)) => loops.extend(it.body.iter().map(span_of)),
            _ => {}
        }
    }
    let in_loop = |at: Span| loops.iter().any(|it| it.contains(at));
    let in_loops = program.own_calls(function).filter(|(call, callee)| {
        let at = span_of(*call);
        program.is_async(*callee) && in_loop(at) && !awaited.contains(&at)
    });
    let maps = program.calls_of(function, &["map"]);
    let mapped = maps.flat_map(|call| program.callbacks(function.file, call));
    in_loops.map(|(_, callee)| callee).chain(mapped).collect()
}

const TOGETHER: &[&str] = &[
    "asyncio.TaskGroup.create_task",
    "asyncio.as_completed",
    "asyncio.create_task",
    "asyncio.ensure_future",
    "asyncio.gather",
    "asyncio.wait",
    "temporalio.workflow.as_completed",
    "temporalio.workflow.wait",
];
