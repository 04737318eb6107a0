//! Which exceptions leave which functions, and on which way.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use lint_core::diagnostic::{FileId, Place, Span};
use lint_core::facts::{Exceptions, FunctionRef};
use lint_core::index::FunctionNode;
use lint_core::syntax::ast::{self, Expr, Stmt};
use lint_core::syntax::span_of;

use crate::program::{Node, Program, nodes_of_expr, own_nodes};

/// A `raise` of one class that is not caught in its own function.
#[derive(Clone, Copy)]
pub(super) struct Raise<'f> {
    pub(super) function: FunctionRef,
    pub(super) span: Span,
    /// The names of the class and its bases.
    pub(super) class: &'f [String],
}

/// Bases of the exceptions of Python, as far as handlers name them.
const BUILTIN: &[(&str, &str)] = &[
    ("ArithmeticError", "Exception"),
    ("AttributeError", "Exception"),
    ("BufferError", "Exception"),
    ("EOFError", "Exception"),
    ("FileExistsError", "OSError"),
    ("FileNotFoundError", "OSError"),
    ("FloatingPointError", "ArithmeticError"),
    ("ImportError", "Exception"),
    ("IndexError", "LookupError"),
    ("ConnectionError", "OSError"),
    ("KeyError", "LookupError"),
    ("LookupError", "Exception"),
    ("MemoryError", "Exception"),
    ("ModuleNotFoundError", "ImportError"),
    ("NameError", "Exception"),
    ("NotADirectoryError", "OSError"),
    ("OSError", "Exception"),
    ("OverflowError", "ArithmeticError"),
    ("PermissionError", "OSError"),
    ("ReferenceError", "Exception"),
    ("RuntimeError", "Exception"),
    ("SyntaxError", "Exception"),
    ("TypeError", "Exception"),
    ("UnicodeError", "ValueError"),
    ("ValueError", "Exception"),
    ("ZeroDivisionError", "ArithmeticError"),
];

/// The names of a class, of its bases, and of theirs among the exceptions of Python; `None` if it
/// may derive from something else that is not known.
pub(super) fn ancestors(class: &[String]) -> Option<Vec<&str>> {
    let mut names: Vec<&str> = class.iter().map(String::as_str).collect();
    let last = *names.last()?;
    let mut at = last;
    while let Some((_, base)) = BUILTIN.iter().find(|(name, _)| *name == at) {
        names.push(base);
        at = base;
    }
    (at == "Exception").then_some(names)
}

/// The exceptions that are raised in a function and leave it.
pub(super) fn raised<'f>(program: Program<'f, '_>, function: FunctionRef) -> Vec<Raise<'f>> {
    let tries = tries(program, function);
    let mut found = Vec::new();
    for node in own_nodes(program.function(function)) {
        let Node::Stmt(Stmt::Raise(it)) = node else {
            continue;
        };
        let Some(exception) = &it.exc else { continue };
        let Some(known) = seen(program, function.file, exception).filter(|it| !it.is_open) else {
            continue;
        };
        let span = span_of(it);
        let leaves = |class: &&Vec<String>| {
            !is_any(exception, class) && !is_caught(program, function.file, &tries, span, class)
        };
        found.extend(known.classes.iter().filter(leaves).map(|class| Raise {
            function,
            span,
            class,
        }));
    }
    found
}

/// Whether an object is raised that is only known to be some exception, such as one that was caught.
fn is_any(raised: &Expr, class: &[String]) -> bool {
    let is_broad =
        matches!(class, [name, ..] if matches!(name.as_str(), "Exception" | "BaseException"));
    let is_object = match raised {
        Expr::Name(name) => class.first().is_none_or(|class| class != name.id.as_str()),
        other => !other.is_call_expr(),
    };
    is_broad && is_object
}

/// Whether the exception comes all the way to the entry point and leaves it.
pub(super) fn leaves(
    program: Program<'_, '_>,
    callers: &Callers,
    raise: Raise<'_>,
    entry: FunctionRef,
    settled: &BTreeSet<(FunctionRef, Span)>,
) -> bool {
    let mut seen = BTreeSet::from([raise.function]);
    let mut queue = VecDeque::from([raise.function]);
    while let Some(function) = queue.pop_front() {
        if function == entry {
            return true;
        }
        for &call in callers.0.get(&function).into_iter().flatten() {
            let is_new = !seen.contains(&call.0) && !settled.contains(&call);
            if is_new && passes(program, raise, call) {
                seen.insert(call.0);
                queue.push_back(call.0);
            }
        }
    }
    false
}

/// Whether a function lets through what a call in it raises.
pub(super) fn passes(
    program: Program<'_, '_>,
    raise: Raise<'_>,
    call: (FunctionRef, Span),
) -> bool {
    let (caller, span) = call;
    let tries = tries(program, caller);
    !is_caught(program, caller.file, &tries, span, raise.class)
}

/// For each function the calls through which its exceptions come to the caller: those of a coroutine
/// do so only where it is awaited.
pub(super) struct Callers(BTreeMap<FunctionRef, Vec<(FunctionRef, Span)>>);

impl Callers {
    /// Among functions that run because of one entry point: what a wrapper calls for another is no matter here.
    pub(super) fn new(program: Program<'_, '_>, functions: &BTreeSet<FunctionRef>) -> Self {
        let mut callers: BTreeMap<FunctionRef, Vec<(FunctionRef, Span)>> = BTreeMap::new();
        for &function in functions {
            let awaited = awaited_calls(program, function);
            for (call, callee) in program.own_calls(function) {
                let here = program.functions(function.file, call);
                let here = here.filter(|it| functions.contains(it));
                // Which of several functions a call runs is not known well enough to name one.
                if !functions.contains(&callee) || here.count() > 1 {
                    continue;
                }
                let span = span_of(call);
                if !program.is_async(callee) || awaited.contains(&span) {
                    callers.entry(callee).or_default().push((function, span));
                }
            }
        }
        Self(callers)
    }

    /// Whether the exception comes out of a call of a function.
    pub(super) fn carry(
        &self,
        program: Program<'_, '_>,
        raise: Raise<'_>,
        call: (FunctionRef, Span),
        callee: FunctionRef,
    ) -> bool {
        let calls = self.0.get(&callee);
        calls.is_some_and(|it| it.contains(&call)) && passes(program, raise, call)
    }
}

/// The calls whose exceptions come out where something is awaited: those that are awaited, directly
/// or as arguments of `asyncio.gather` and the like, and tasks that are awaited by their names.
fn awaited_calls(program: Program<'_, '_>, function: FunctionRef) -> BTreeSet<Span> {
    let mut awaited = BTreeSet::new();
    let mut names = BTreeSet::new();
    let nodes: Vec<Node<'_>> = own_nodes(program.function(function)).collect();
    let is = |call, names| program.calls(function.file, call, names);
    for node in &nodes {
        match node {
            Node::Expr(Expr::Await(it)) => match &*it.value {
                Expr::Call(call) => {
                    awaited.insert(span_of(call));
                    let keeps = call.arguments.find_keyword("return_exceptions").is_some();
                    if is(call, TOGETHER) && !keeps {
                        awaited.extend(call.arguments.args.iter().flat_map(calls_in));
                    }
                }
                Expr::Name(name) => {
                    names.insert(name.id.as_str());
                }
                _ => {}
            },
            Node::Expr(Expr::Call(call)) if is(call, OF_GROUPS) => {
                awaited.extend(call.arguments.args.iter().flat_map(calls_in));
            }
            _ => {}
        }
    }
    for node in nodes {
        if let Node::Stmt(Stmt::Assign(it)) = node
            && let ([Expr::Name(name)], Expr::Call(call)) = (&it.targets[..], &*it.value)
            && names.contains(name.id.as_str())
            && is(call, TASKS)
        {
            awaited.extend(call.arguments.args.iter().flat_map(calls_in));
        }
    }
    awaited
}

fn calls_in(expr: &Expr) -> impl Iterator<Item = Span> {
    let nodes = nodes_of_expr(expr).into_iter();
    nodes.filter_map(|node| match node {
        Node::Expr(Expr::Call(call)) => Some(span_of(call)),
        _ => None,
    })
}

const TOGETHER: &[&str] = &["asyncio.gather", "asyncio.shield", "asyncio.wait_for"];
const TASKS: &[&str] = &["asyncio.create_task", "asyncio.ensure_future"];
const OF_GROUPS: &[&str] = &["asyncio.TaskGroup.create_task"];

/// The statements of a function that may catch something.
fn tries<'p>(program: Program<'_, 'p>, function: FunctionRef) -> Vec<&'p Stmt> {
    let node = program.function(function).map(|it| it.node);
    if !matches!(node, Some(FunctionNode::Def(_))) {
        return Vec::new();
    }
    own_nodes(program.function(function))
        .filter_map(|node| match node {
            Node::Stmt(it @ (Stmt::Try(_) | Stmt::With(_))) => Some(it),
            _ => None,
        })
        .collect()
}

fn is_caught(
    program: Program<'_, '_>,
    file: FileId,
    tries: &[&Stmt],
    at: Span,
    class: &[String],
) -> bool {
    let contains = |body: &[Stmt]| {
        let inside = |it: &Stmt| {
            let span = span_of(it);
            span.contains(at)
        };
        body.iter().any(inside)
    };
    tries.iter().any(|statement| match statement {
        Stmt::Try(it) => {
            contains(&it.body)
                && it
                    .handlers
                    .iter()
                    .any(|handler| catches(program, file, handler, class))
        }
        Stmt::With(it) => {
            let suppresses = |item: &ast::WithItem| match &item.context_expr {
                Expr::Call(call) => program.calls(file, call, &["contextlib.suppress"]),
                _ => false,
            };
            contains(&it.body) && it.items.iter().any(suppresses)
        }
        _ => false,
    })
}

/// Whether a handler takes the exception for good.
fn catches(
    program: Program<'_, '_>,
    file: FileId,
    handler: &ast::ExceptHandler,
    class: &[String],
) -> bool {
    let ast::ExceptHandler::ExceptHandler(handler) = handler;
    let is_meant = match &handler.type_ {
        None => true,
        Some(types) => seen(program, file, types).is_none_or(|known| {
            let names = ancestors(class).unwrap_or_default();
            let is_base = |it: &Vec<String>| {
                it.first()
                    .is_some_and(|name| names.contains(&name.as_str()) || name == "BaseException")
            };
            known.is_open || known.classes.iter().any(is_base)
        }),
    };
    let passes_on = handler
        .body
        .iter()
        .any(|it| matches!(it, Stmt::Raise(raise) if raise.exc.is_none()));
    is_meant && !passes_on
}

/// What an expression was seen to be, where it is raised or caught.
pub(super) fn seen<'f>(
    program: Program<'f, '_>,
    file: FileId,
    expr: &Expr,
) -> Option<&'f Exceptions> {
    let place = Place {
        file,
        span: span_of(expr),
    };
    program.facts.observed.exceptions.get(&place)
}
