//! As what the failures of activities and children arrive in the body of a `try`, and what else may.

use std::collections::BTreeSet;

use lint_core::facts::{Callee, Exceptions, FunctionRef};
use lint_core::names::Resolved;
use lint_core::syntax::ast::{self, Expr, Stmt};

use super::exceptions::{ancestors, seen};
use crate::model::Model;
use crate::program::{Node, Program, Running, nodes_of, own_nodes};
use crate::sdk;

/// Whether an `except` clause catches what the SDK makes of a failure; of several classes, the last in this
/// order counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Caught {
    /// The failure that is the cause of a cancelled activity, and arrives nowhere by itself.
    Cancelled,
    /// What cancels a task while it waits.
    Cancellation,
    /// It never does, and nothing but code of the project raises it in a workflow.
    Raised,
    /// It never does, but many functions of Python raise it.
    Never,
    /// The failure of an activity or a child, and no cancellation of the workflow itself.
    Wrapped,
    Everything,
    Maybe,
}

impl Caught {
    pub(super) fn by(model: &Model<'_>, function: FunctionRef, types: &Expr) -> Self {
        let each = listed(types)
            .iter()
            .map(|it| Self::by_class(model, function, it));
        each.max().unwrap_or(Self::Maybe)
    }

    pub(super) fn by_class(model: &Model<'_>, function: FunctionRef, class: &Expr) -> Self {
        let names = model.names_in(function.file);
        if let Some(Resolved::Class { .. }) = names.resolve(function.file, function.ix, class) {
            return Self::Raised;
        }
        let name = external(model, function, class);
        match name.as_deref() {
            Some(name) if NEVER.contains(&name) => Self::Never,
            Some(name) if RAISED.contains(&name) => Self::Raised,
            Some("asyncio.CancelledError" | "asyncio.exceptions.CancelledError") => {
                Self::Cancellation
            }
            Some("temporalio.exceptions.CancelledError") => Self::Cancelled,
            Some(
                "temporalio.exceptions.ActivityError" | "temporalio.exceptions.ChildWorkflowError",
            ) => Self::Wrapped,
            Some("Exception" | "BaseException") => Self::Everything,
            _ => Self::Maybe,
        }
    }

    /// As what failures arrive from a body in which nothing else raises what the clause names.
    pub(super) fn in_stead(
        self,
        raises: &Raises<'_, '_>,
        body: &[Stmt],
    ) -> Option<Vec<&'static str>> {
        let (program, function) = (raises.program, raises.function);
        let mut arrives = Vec::new();
        for node in nodes_of(body) {
            match node {
                Node::Stmt(Stmt::Raise(_) | Stmt::Assert(_) | Stmt::With(_)) => return None,
                Node::Expr(Expr::Subscript(_) | Expr::FString(_)) if self == Self::Never => {
                    return None;
                }
                // What is taken apart may have other parts.
                Node::Expr(
                    Expr::Tuple(ast::ExprTuple { ctx, .. }) | Expr::List(ast::ExprList { ctx, .. }),
                ) if self == Self::Never && ctx.is_store() => {
                    return None;
                }
                Node::Expr(Expr::Call(call)) => match as_what(program, function, call) {
                    Some(what) => arrives.push(what),
                    None if self == Self::Cancelled && is_wait(program, function, call) => {
                        arrives.push(CANCELLED_TASK);
                    }
                    None if is_harmless(program, function, call) => {}
                    None if self != Self::Never && !raises.may_call(function, call) => {
                        arrives.extend(raises.comes_out_of(function, call));
                    }
                    None => return None,
                },
                Node::Expr(Expr::Await(it)) if !it.value.is_call_expr() => return None,
                Node::Expr(Expr::Await(it)) if self == Self::Cancellation => {
                    let call = it.value.as_call_expr()?;
                    let is = |names| program.calls(function.file, call, names);
                    if !is(sdk::EXECUTE_ACTIVITY) && !is(sdk::EXECUTE_CHILD) {
                        return None;
                    }
                }
                Node::Stmt(Stmt::For(it)) if it.is_async => return None,
                _ => {}
            }
        }
        if matches!(self, Self::Cancelled | Self::Cancellation) {
            // A cancellation is wrapped all the same.
            let unwrapped = arrives.iter_mut().filter(|it| **it == UNWRAPPED);
            unwrapped.for_each(|it| *it = "`ActivityError`");
        }
        arrives.sort_unstable();
        arrives.dedup();
        let is_clear = !arrives.is_empty() && !raises.may_run(&run_without_call(program, function));
        is_clear.then_some(arrives)
    }
}

/// The classes that an `except` clause or `isinstance` names.
pub(super) fn listed(types: &Expr) -> &[Expr] {
    match types {
        Expr::Tuple(it) => &it.elts,
        other => std::slice::from_ref(other),
    }
}

/// The dotted name of a class outside the project; that of one of Python is its own.
pub(super) fn external(model: &Model<'_>, function: FunctionRef, class: &Expr) -> Option<String> {
    let names = model.names_in(function.file);
    match names.resolve(function.file, function.ix, class) {
        Some(resolved) => {
            let name = resolved.external()?;
            Some(name.strip_prefix("builtins.").unwrap_or(name).to_owned())
        }
        None => class.as_name_expr().map(|it| it.id.to_string()),
    }
}

pub(super) const CANCELLED_TASK: &str = "`asyncio.CancelledError`";

/// As what the failure of a local activity arrives, which nothing wraps; only its timeouts and cancellations come as
/// an `ActivityError`.
pub(super) const UNWRAPPED: &str = "`ApplicationError`";

/// What neither the SDK raises for a failure nor the conversion of a result.
const NEVER: &[&str] = &[
    "ConnectionError",
    "FileNotFoundError",
    "IOError",
    "KeyError",
    "LookupError",
    "NotImplementedError",
    "OSError",
    "PermissionError",
    "TimeoutError",
    "ValueError",
    "asyncio.TimeoutError",
    "asyncio.exceptions.TimeoutError",
    "aiohttp.ClientError",
    "httpx.HTTPError",
    "httpx.HTTPStatusError",
    "ntro.workflow.WorkflowError",
    "ntro.workflow.exceptions.ApplicationError",
    "ntro.workflow.exceptions.WorkflowError",
    "requests.HTTPError",
    "requests.RequestException",
    "requests.exceptions.HTTPError",
    "requests.exceptions.RequestException",
    "temporalio.exceptions.TimeoutError",
];

/// What only a `raise` of the project brings about in a workflow: the SDK makes it in clients, or not at all.
const RAISED: &[&str] = &[
    "temporalio.client.WorkflowContinuedAsNewError",
    "temporalio.client.WorkflowFailureError",
    "temporalio.client.WorkflowQueryFailedError",
    "temporalio.client.WorkflowQueryRejectedError",
    "temporalio.client.WorkflowUpdateFailedError",
    "temporalio.exceptions.ApplicationError",
    "temporalio.service.RPCError",
];

fn as_what(
    program: Program<'_, '_>,
    function: FunctionRef,
    call: &ast::ExprCall,
) -> Option<&'static str> {
    let calls = |names: &[&str]| program.calls(function.file, call, names);
    if calls(sdk::EXECUTE_LOCAL_ACTIVITY) {
        Some(UNWRAPPED)
    } else if calls(sdk::EXECUTE_ACTIVITY) || calls(&["ntro.workflow.runbook.execute_activity"]) {
        Some("`ActivityError`")
    } else if calls(sdk::EXECUTE_CHILD) || calls(&["ntro.workflow.runbook.execute_child_workflow"])
    {
        Some("`ChildWorkflowError`")
    } else {
        None
    }
}

/// Whether a call gives what a cancellation reaches as it is.
fn is_wait(program: Program<'_, '_>, function: FunctionRef, call: &ast::ExprCall) -> bool {
    const SLEEP: &[&str] = &["asyncio.sleep", "temporalio.workflow.sleep"];
    let is = |names| program.calls(function.file, call, names);
    is(sdk::WAIT_CONDITION) || is(SLEEP)
}

/// What makes durations and policies, asks the SDK or for text and size, or logs.
fn is_harmless(program: Program<'_, '_>, function: FunctionRef, call: &ast::ExprCall) -> bool {
    const MADE: &[&str] = &[
        "datetime.timedelta",
        "isinstance",
        "len",
        "str",
        "temporalio.common.RetryPolicy",
        "temporalio.workflow.info",
        "temporalio.workflow.now",
        "temporalio.workflow.sleep",
        "temporalio.workflow.time",
        "temporalio.workflow.uuid4",
    ];
    program
        .externals(function.file, call)
        .any(|it| MADE.contains(&it) || program.facts.knowledge.is_log(it))
}

/// What an `except` clause names, to be looked for in code that a `try` may run.
pub(super) struct Raises<'f, 'p> {
    program: Program<'f, 'p>,
    function: FunctionRef,
    named: Option<&'f Exceptions>,
}

impl<'f, 'p> Raises<'f, 'p> {
    pub(super) fn new(program: Program<'f, 'p>, function: FunctionRef, types: &Expr) -> Self {
        Self {
            program,
            function,
            named: seen(program, function.file, types).filter(|it| !it.is_open),
        }
    }

    /// For what no clause names: whatever code of the project raises may be it.
    pub(super) fn anything(program: Program<'f, 'p>, function: FunctionRef) -> Self {
        Self {
            program,
            function,
            named: None,
        }
    }

    /// Whether a call may raise it: all that it runs is code of Python, of the SDK's workflow API, of pydantic,
    /// or of functions of the project that do not.
    fn may_call(&self, function: FunctionRef, call: &'p ast::ExprCall) -> bool {
        let mut entered = BTreeSet::new();
        !self.follow(function, call, &mut entered) || self.may_run(&entered)
    }

    /// As what failures arrive out of a call of functions of the project that try nothing themselves.
    fn comes_out_of(&self, function: FunctionRef, call: &'p ast::ExprCall) -> Option<&'static str> {
        let (mut entered, mut arrives) = (BTreeSet::new(), None);
        let mut pending = vec![(function, call)];
        while let Some((function, call)) = pending.pop() {
            for it in self.program.functions(function.file, call) {
                if !entered.insert(it) {
                    continue;
                }
                for node in own_nodes(self.program.function(it)) {
                    match node {
                        Node::Stmt(Stmt::Try(_) | Stmt::With(_)) => return None,
                        Node::Expr(Expr::Call(call)) => {
                            let what = as_what(self.program, it, call);
                            if arrives.is_none() || what == Some(UNWRAPPED) {
                                arrives = what;
                            }
                            pending.push((it, call));
                        }
                        _ => {}
                    }
                }
            }
        }
        arrives
    }

    /// Whether one of these functions, or what they call, may raise it.
    fn may_run(&self, functions: &BTreeSet<FunctionRef>) -> bool {
        let mut entered = functions.clone();
        let mut pending: Vec<FunctionRef> = functions.iter().copied().collect();
        while let Some(it) = pending.pop() {
            for node in own_nodes(self.program.function(it)) {
                match node {
                    Node::Stmt(Stmt::Raise(raise)) if self.may_be(it, raise) => return true,
                    Node::Expr(Expr::Await(it)) if !it.value.is_call_expr() => return true,
                    Node::Expr(Expr::Call(call)) => {
                        let mut new = BTreeSet::new();
                        if !self.follow(it, call, &mut new) {
                            return true;
                        }
                        pending.extend(new.into_iter().filter(|it| entered.insert(*it)));
                    }
                    _ => {}
                }
            }
        }
        false
    }

    /// Adds the functions of the project that a call runs; `false` if it may run something that is not known.
    fn follow(
        &self,
        function: FunctionRef,
        call: &ast::ExprCall,
        runs: &mut BTreeSet<FunctionRef>,
    ) -> bool {
        if as_what(self.program, function, call).is_some() {
            return true;
        }
        let callees = self.program.callees(function.file, call);
        for callee in callees {
            match callee {
                Callee::Function(it) | Callee::Callback(it) => {
                    runs.insert(*it);
                }
                Callee::External(name) if !is_plain(name) => return false,
                Callee::External(_) | Callee::Class(_) => {}
            }
        }
        !callees.is_empty()
    }

    fn may_be(&self, function: FunctionRef, raise: &ast::StmtRaise) -> bool {
        let raised = raise.exc.as_deref();
        let raised = raised.and_then(|it| seen(self.program, function.file, it));
        let (Some(named), Some(raised)) = (self.named, raised.filter(|it| !it.is_open)) else {
            return true;
        };
        raised.classes.iter().any(|class| {
            let names = |names: Vec<&str>| {
                let mut first = named.classes.iter().filter_map(|it| it.first());
                first.any(|it| names.contains(&it.as_str()))
            };
            ancestors(class).is_none_or(names)
        })
    }
}

/// The functions that entry points run which run this one, and that no call in the text is of.
fn run_without_call(program: Program<'_, '_>, function: FunctionRef) -> BTreeSet<FunctionRef> {
    let mut functions = BTreeSet::new();
    for (_, reach) in Running::all(program.facts).flat_map(Running::entries) {
        if reach.runs.contains(&function) {
            functions.extend(reach.runs.iter().filter(|it| **it != reach.function));
        }
    }
    for callee in program.facts.observed.calls.values().flatten() {
        if let Callee::Function(it) | Callee::Callback(it) = callee {
            functions.remove(it);
        }
    }
    functions
}

/// Whether a function raises nothing of the project's unless it is given code that does.
fn is_plain(name: &str) -> bool {
    const PLAIN: &[&str] = &[
        "asyncio",
        "bool",
        "bytes",
        "collections",
        "copy",
        "dataclasses",
        "datetime",
        "decimal",
        "dict",
        "enum",
        "float",
        "int",
        "itertools",
        "json",
        "list",
        "logging",
        "math",
        "pydantic",
        "random",
        "re",
        "set",
        "str",
        "tuple",
        "typing",
        "uuid",
    ];
    match name.split_once('.') {
        None => true,
        Some(("temporalio", rest)) => rest.starts_with("workflow.") || rest.starts_with("common."),
        Some((module, _)) => PLAIN.contains(&module),
    }
}
