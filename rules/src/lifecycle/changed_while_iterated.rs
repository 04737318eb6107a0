use std::collections::BTreeSet;

use lint_core::diagnostic::{Diagnostic, Span};
use lint_core::facts::{ClassRef, FunctionRef};
use lint_core::knowledge::Role;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::{self, Expr, Stmt};
use lint_core::syntax::{last_name, span_of};
use rules_macros::RuleMetadata;

use super::arrivals::{Arrivals, Before, set_by, waited_by};
use super::blocks::goes_on;
use super::kept::{assigned, handlers_and_validators, validators_of};
use super::locks::{is_always_locked, is_guarded_by_flag, is_locked};
use super::members::finds;
use super::paths::may_be_one;
use super::stale::is_empty;
use crate::finding::Finding;
use crate::program::{
    Culprit, Node, Program, Running, is_handler, nodes_of, nodes_of_expr, own_nodes,
};
use crate::rule::{Context, Rule};
use crate::writes::{self, Attribute, Resize, Write};

/// ## What it does
/// Finds loops over a dictionary, set, deque or list of a workflow that await something in each round, where a
/// handler can put something in or take something out meanwhile.
///
/// ## Why is this bad?
/// While the loop awaits, handlers run. When a dictionary, a set or a deque has changed, the next round raises
/// `RuntimeError`, the workflow task fails, and so does each new try. When something is gone from a list, the
/// elements behind it move up, and the loop skips one.
///
/// ## Example
/// ```python
/// from datetime import timedelta
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class SendOrders:
///     def __init__(self) -> None:
///         self.orders: dict[str, int] = {}
///
///     @workflow.run
///     async def run(self, day: str) -> None:
///         await workflow.wait_condition(lambda: len(self.orders) > 1)
///         for name, amount in self.orders.items():  # RB610
///             await workflow.execute_activity(
///                 "send", args=[name, amount], start_to_close_timeout=timedelta(minutes=1)
///             )
///
///     @workflow.signal
///     def order(self, name: str) -> None:
///         self.orders[name] = 1
/// ```
///
/// ## Use instead
/// Iterate over a copy:
/// ```python
/// from datetime import timedelta
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class SendOrders:
///     def __init__(self) -> None:
///         self.orders: dict[str, int] = {}
///
///     @workflow.run
///     async def run(self, day: str) -> None:
///         await workflow.wait_condition(lambda: len(self.orders) > 1)
///         for name, amount in list(self.orders.items()):
///             await workflow.execute_activity(
///                 "send", args=[name, amount], start_to_close_timeout=timedelta(minutes=1)
///             )
///
///     @workflow.signal
///     def order(self, name: str) -> None:
///         self.orders[name] = 1
/// ```
///
/// ## Limits
/// What is added to a list has its turn as well, so that is left alone, and so is who empties a list or takes from its
/// end. A handler that sets an element of a dictionary counts only if nobody but handlers puts elements there and it
/// has not found it before, and one that asks first about what `run` sets or waits for not at all.
/// Loops under a lock, or between raising and lowering a flag, are taken to be alone. What a variable holds is not
/// looked at.
///
/// ## References
/// - <https://docs.temporal.io/develop/python/message-passing#message-handler-concurrency>
#[derive(RuleMetadata)]
#[rule(
    code = "RB610",
    severity = "warning",
    category = "lifecycle",
    since = "0.1.0",
    summary = "a loop awaits while a handler can change what it iterates over",
    preview = true
)]
pub(crate) struct ChangedWhileIterated;

impl Rule for ChangedWhileIterated {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let program = Program::new(cx.facts);
        let mut seen = BTreeSet::new();
        for running in Running::all(cx.facts) {
            let state = State { program, running };
            let changes = state.changes();
            let once = running.runs_of(|role| matches!(role, Role::Run | Role::Step | Role::Hook));
            for (_, reach) in running.entries_of(|role| role == Role::Run || is_handler(role)) {
                let with = &once | &reach.runs;
                for &function in &reach.runs {
                    for it in loops(program, function) {
                        let culprit = Culprit::new(function, it.at, "the loop is here");
                        if let Some(message) = state.told(function, &it, &changes, &with)
                            && seen.insert(culprit.place())
                        {
                            let help = "iterate over a copy, such as `list(…)` makes";
                            let entry = reach.function;
                            Finding::reached(
                                &Self::METADATA,
                                program,
                                running,
                                entry,
                                culprit,
                                message,
                            )
                            .help(help)
                            .report(report);
                        }
                    }
                }
            }
        }
    }
}

/// What a loop does when other code changes the container that it goes through.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A dictionary, a set or a deque: it raises.
    Fixed,
    /// It goes by the position.
    List,
}

/// A loop over what an attribute holds, which goes on after it has awaited something.
struct Loop<'p> {
    over: &'p ast::ExprAttribute,
    /// Whether it calls a method that only mappings have.
    is_mapping: bool,
    at: Span,
    awaited: Span,
}

/// What a handler does to what an attribute holds.
struct Change<'p> {
    function: FunctionRef,
    write: Write<'p>,
    /// What the handler has done before, if the way to it is known.
    before: Option<Before<'p>>,
    how: Resize,
    /// Whether it depends on how many elements there are.
    counts: bool,
    handler: String,
}

/// The state of one workflow.
#[derive(Clone, Copy)]
struct State<'f, 'p> {
    program: Program<'f, 'p>,
    running: Running<'f>,
}

impl<'p> State<'_, 'p> {
    fn changes(self) -> Vec<Change<'p>> {
        let Self { program, running } = self;
        let arrivals = Arrivals {
            program,
            functions: &running.runs_of(|_| true),
        };
        let (handlers, validators) = handlers_and_validators(program, running);
        let mut changes = Vec::new();
        for handler in handlers {
            let own = validators_of(program, &handler, &validators);
            let runs = own.iter().flat_map(|it| &it.runs).chain(&handler.runs);
            let runs: BTreeSet<FunctionRef> = runs.copied().collect();
            for (function, write, before) in arrivals.of(&handler, &own) {
                let Some(how) = write.how else {
                    continue;
                };
                let is_there = how == Resize::Sets
                    && (finds(program, &runs, function, write.node) || self.is_filled(write));
                if !is_there {
                    changes.push(Change {
                        function,
                        write,
                        before,
                        how,
                        counts: counts(program, &runs, write.node),
                        handler: handler.name.clone(),
                    });
                }
            }
        }
        changes
    }

    /// Whether others than handlers put elements where one writes.
    fn is_filled(self, write: Write<'_>) -> bool {
        let Self { program, running } = self;
        let attribute = write.attribute.within(running);
        let is_others = |role| matches!(role, Role::Run | Role::Step | Role::Hook | Role::Init);
        let by_others = running.runs_of(is_others).into_iter();
        let is_put = by_others
            .flat_map(|it| writes::in_function(program, it))
            .any(|it| {
                let puts = it.how.is_some_and(|it| !it.takes());
                puts && it.attribute.within(running) == attribute
            });
        let nodes = running.runs_of(is_others).into_iter();
        let nodes = nodes.flat_map(|it| own_nodes(program.function(it)));
        let mut set = nodes.filter_map(|node| match node {
            Node::Stmt(it) => assigned(it),
            Node::Expr(_) => None,
        });
        is_put || set.any(|(_, name, value)| name == attribute.name && !begins_empty(value))
    }

    /// What happens to a loop of a function when a handler changes what it goes through, if one can. These functions
    /// run with it.
    fn told(
        self,
        function: FunctionRef,
        it: &Loop<'p>,
        changes: &[Change<'p>],
        with: &BTreeSet<FunctionRef>,
    ) -> Option<String> {
        let Self { program, running } = self;
        let name = it.over.attr.as_str();
        let owners = program.owners(function.file, it.over);
        let is_it = |change: &&Change<'_>| {
            let mut owners = owners.iter();
            let attribute = change.write.attribute.within(running);
            let over = (function.file, it.over);
            let changed = (change.function.file, change.write.node);
            owners.any(|&owner| Attribute { owner, name }.within(running) == attribute)
                && may_be_one(program, running, over, changed)
        };
        let mut changes = changes.iter().filter(is_it).peekable();
        changes.peek()?;
        let kind = match it.is_mapping {
            true => Kind::Fixed,
            false => self.kind(owners, name)?,
        };
        let (set, waited) = (set_by(program, with), waited_by(program, with));
        let settled = &set | &waited;
        let change = changes.find(|change| {
            let before = change.before.as_ref();
            (kind == Kind::Fixed || change.how == Resize::Takes)
                && !before.is_some_and(|it| it.is_up_to(&settled, name))
                && !(change.counts && waited.contains(name))
        })?;
        let body = program.def(function).map_or(&[][..], |it| &it.body[..]);
        let is_alone = is_locked(program, function, it.at)
            || is_guarded_by_flag(body, it.awaited)
            || is_always_locked(program, running, function, &mut BTreeSet::new());
        if is_alone {
            return None;
        }
        let what = match (kind, change.how.takes()) {
            (Kind::Fixed, true) => {
                "takes something out meanwhile, the next round raises `RuntimeError`"
            }
            (Kind::Fixed, false) => "adds to it meanwhile, the next round raises `RuntimeError`",
            (Kind::List, _) => "takes something out meanwhile, the loop skips an element",
        };
        let source = program.facts.project.text(function.file);
        let line = source.map_or(0, |text| text.line(it.awaited.start));
        Some(format!(
            "`{}` of `{}` goes through `{name}` and awaits in between, on line {line}; if `{}` {what}",
            program.short_name(function),
            running.short_name(),
            change.handler
        ))
    }

    /// What the classes say that an attribute of their instances holds.
    fn kind(self, owners: &[ClassRef], name: &str) -> Option<Kind> {
        let bases = &self.running.reach.bases;
        let is_own = owners.iter().any(|it| bases.contains(it));
        let inherited = bases.iter().filter(|_| is_own);
        let mut kinds = Vec::new();
        for class in owners.iter().chain(inherited) {
            let Some(index) = self.program.index(class.file) else {
                continue;
            };
            let body = &index.class(class.ix).node.body;
            kinds.extend(body.iter().filter_map(|it| kind_in(it, name)));
            let methods = body.iter().filter_map(|it| it.as_function_def_stmt());
            for method in methods.filter(|it| it.name.as_str() == "__init__") {
                kinds.extend(nodes_of(&method.body).iter().filter_map(|node| match node {
                    Node::Stmt(it) => kind_in(it, name),
                    Node::Expr(_) => None,
                }));
            }
        }
        let first = *kinds.first()?;
        kinds.iter().all(|it| *it == first).then_some(first)
    }
}

/// What a statement of a class or of its `__init__` says that an attribute holds.
fn kind_in(statement: &Stmt, name: &str) -> Option<Kind> {
    let is_it = |target: &Expr| match target {
        Expr::Name(it) => it.id.as_str() == name,
        Expr::Attribute(it) => it.attr.as_str() == name,
        _ => false,
    };
    match statement {
        Stmt::AnnAssign(it) if is_it(&it.target) => {
            let annotation = match &*it.annotation {
                Expr::Subscript(it) => &*it.value,
                other => other,
            };
            kind_named(last_name(annotation)).or_else(|| kind_made(it.value.as_deref()?))
        }
        Stmt::Assign(it) if it.targets.iter().any(is_it) => kind_made(&it.value),
        _ => None,
    }
}

fn kind_made(value: &Expr) -> Option<Kind> {
    match value {
        Expr::Dict(_) | Expr::DictComp(_) | Expr::Set(_) | Expr::SetComp(_) => Some(Kind::Fixed),
        Expr::List(_) | Expr::ListComp(_) => Some(Kind::List),
        Expr::Call(it) => kind_named(last_name(&it.func)),
        _ => None,
    }
}

fn kind_named(class: &str) -> Option<Kind> {
    match class {
        "Counter" | "Deque" | "Dict" | "OrderedDict" | "Set" | "defaultdict" | "deque" | "dict"
        | "set" => Some(Kind::Fixed),
        "List" | "list" => Some(Kind::List),
        _ => None,
    }
}

/// Whether a container that is made has no elements.
fn begins_empty(value: &Expr) -> bool {
    let is_made = value
        .as_call_expr()
        .is_some_and(|it| match last_name(&it.func) {
            "defaultdict" => it.arguments.len() < 2,
            _ => it.arguments.is_empty(),
        });
    is_made || is_empty(value) || value.is_none_literal_expr()
}

/// Whether one of these functions asks how many elements an attribute has.
fn counts(
    program: Program<'_, '_>,
    functions: &BTreeSet<FunctionRef>,
    attribute: &ast::ExprAttribute,
) -> bool {
    let mut nodes = functions
        .iter()
        .flat_map(|&it| own_nodes(program.function(it)));
    nodes.any(|node| match node {
        Node::Expr(Expr::Call(it)) => {
            let counted = it
                .arguments
                .args
                .first()
                .and_then(|it| it.as_attribute_expr());
            last_name(&it.func) == "len"
                && counted.is_some_and(|it| it.attr.id == attribute.attr.id)
        }
        _ => false,
    })
}

fn loops<'p>(program: Program<'_, 'p>, function: FunctionRef) -> Vec<Loop<'p>> {
    let awaits = |nodes: Vec<Node<'p>>| {
        let spans = nodes.into_iter().filter_map(|node| match node {
            Node::Expr(expr @ Expr::Await(it)) => program
                .suspends(function.file, &it.value)
                .then(|| span_of(expr)),
            _ => None,
        });
        spans.collect::<Vec<Span>>()
    };
    let loops = own_nodes(program.function(function)).filter_map(|node| {
        let (iter, awaited) = match node {
            Node::Stmt(Stmt::For(it)) if !it.is_async => {
                let awaits = awaits(nodes_of(&it.body)).into_iter();
                (
                    &*it.iter,
                    awaits
                        .rev()
                        .find(|at| goes_on(program, function, &it.body, *at))?,
                )
            }
            Node::Expr(Expr::ListComp(it)) => {
                let [first] = &it.generators[..] else {
                    return None;
                };
                (&first.iter, awaits(nodes_of_expr(&it.elt)).pop()?)
            }
            _ => return None,
        };
        let (over, is_mapping) = iterated(iter).filter(|(over, _)| is_of_self(over))?;
        Some(Loop {
            over,
            is_mapping,
            at: span_of(iter),
            awaited,
        })
    });
    loops.collect()
}

/// Whether an attribute is reached from the object itself: what a variable holds may be another one by now.
fn is_of_self(attribute: &ast::ExprAttribute) -> bool {
    match &*attribute.value {
        Expr::Name(it) => it.id.as_str() == "self",
        Expr::Attribute(it) => is_of_self(it),
        _ => false,
    }
}

/// The attribute that is gone through itself, and whether it has to be a mapping.
fn iterated(iter: &Expr) -> Option<(&ast::ExprAttribute, bool)> {
    match iter {
        Expr::Attribute(it) => Some((it, false)),
        Expr::Call(call) => match (&*call.func, &call.arguments.args[..]) {
            (Expr::Name(it), [first, ..]) if it.id.as_str() == "enumerate" => iterated(first),
            (Expr::Attribute(method), []) => {
                let is_view = matches!(method.attr.as_str(), "items" | "keys" | "values");
                let object = method.value.as_attribute_expr().filter(|_| is_view);
                object.map(|it| (it, true))
            }
            _ => None,
        },
        _ => None,
    }
}
