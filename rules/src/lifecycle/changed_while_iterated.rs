use std::collections::BTreeSet;

use lint_core::diagnostic::{Diagnostic, Span};
use lint_core::facts::{ClassRef, FunctionRef};
use lint_core::knowledge::Role;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::{self, CmpOp, Expr, Stmt};
use lint_core::syntax::{last_name, span_of};
use rules_macros::RuleMetadata;

use super::arrivals::Arrivals;
use super::blocks::goes_on;
use super::kept::{assigned, handlers_and_validators, validators_of};
use super::locks::{is_always_locked, is_guarded_by_flag, is_locked};
use crate::finding::Finding;
use crate::program::{
    Culprit, Node, Program, Running, is_handler, nodes_of, nodes_of_expr, own_nodes,
};
use crate::rule::{Context, Rule};
use crate::writes::{self, Attribute, Resize, resized};

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
/// What is added to a list has its turn as well, so that is left alone. A handler that sets an element of a dictionary
/// counts only if nobody but handlers puts elements there, and one that asks first about what `run` sets not at all.
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
            for (_, reach) in running.entries_of(|role| role == Role::Run || is_handler(role)) {
                for &function in &reach.runs {
                    for it in loops(program, function) {
                        let culprit = Culprit::new(function, it.at, "the loop is here");
                        if let Some(message) = state.told(function, &it, &changes)
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

/// What a handler does to what an attribute holds, at a time that `run` has no hand in.
struct Change<'p> {
    attribute: Attribute<'p>,
    how: Resize,
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
        let once = running.runs_of(|role| matches!(role, Role::Run | Role::Step | Role::Hook));
        let set = once.iter().flat_map(|&it| writes::in_function(program, it));
        let arrivals = Arrivals {
            program,
            functions: &running.runs_of(|_| true),
            by_run: &set
                .filter(|it| it.binds)
                .map(|it| it.attribute.name)
                .collect(),
        };
        let (handlers, validators) = handlers_and_validators(program, running);
        let mut changes = Vec::new();
        for handler in handlers {
            let own = validators_of(program, &handler, &validators);
            for (function, write, before) in arrivals.of(&handler, &own) {
                let attribute = write.attribute.within(running);
                let mut own = own_nodes(program.function(function)).filter_map(resized);
                let how = own.find(|(it, _)| std::ptr::eq(*it, write.node));
                let is_free = before.is_none_or(|it| !it.is_up_to_run(attribute.name));
                let Some((_, how)) = how.filter(|_| is_free) else {
                    continue;
                };
                if how != Resize::Sets || self.may_be_new(function, write.node, attribute, &once) {
                    changes.push(Change {
                        attribute,
                        how,
                        handler: handler.name.clone(),
                    });
                }
            }
        }
        changes
    }

    /// Whether the element that a handler sets may not have been there: nobody else puts any there, and the handler
    /// has not found it before.
    fn may_be_new(
        self,
        function: FunctionRef,
        set: &ast::ExprAttribute,
        attribute: Attribute<'_>,
        others: &BTreeSet<FunctionRef>,
    ) -> bool {
        let program = self.program;
        let mut by_others = others.iter().flat_map(|&it| {
            let writes = writes::in_function(program, it).into_iter();
            writes.map(move |write| (it, write))
        });
        let is_filled = by_others.any(|(it, write)| {
            let mut own = own_nodes(program.function(it)).filter_map(resized);
            let how = own.find(|(it, _)| std::ptr::eq(*it, write.node));
            let puts = how.is_none_or(|(_, it)| it != Resize::Takes);
            puts && write.attribute.within(self.running) == attribute
        });
        let makers = self.running.runs_of(|role| role == Role::Init);
        let made = makers
            .iter()
            .flat_map(|&it| own_nodes(program.function(it)));
        let mut made = made.filter_map(|node| match node {
            Node::Stmt(it) => assigned(it),
            Node::Expr(_) => None,
        });
        let is_made_full = made.any(|(_, name, value)| name == attribute.name && is_full(value));
        let asks = |test: &Expr, op: CmpOp| {
            nodes_of_expr(test).iter().any(|node| match node {
                Node::Expr(Expr::Compare(it)) => {
                    let mut right = it
                        .comparators
                        .iter()
                        .filter_map(|it| it.as_attribute_expr());
                    it.ops.contains(&op) && right.any(|it| it.attr.id == set.attr.id)
                }
                _ => false,
            })
        };
        let at = span_of(set);
        let nodes: Vec<Node<'_>> = own_nodes(program.function(function)).collect();
        let is_asked = nodes.iter().any(|node| match node {
            Node::Expr(it @ Expr::Compare(_)) => asks(it, CmpOp::In) || asks(it, CmpOp::NotIn),
            _ => false,
        });
        let is_missing = nodes.iter().any(|node| match node {
            Node::Stmt(Stmt::If(it)) => {
                let is_within = it.body.iter().any(|it| span_of(it).contains(at));
                is_within && asks(&it.test, CmpOp::NotIn)
            }
            _ => false,
        });
        !is_filled && !is_made_full && (!is_asked || is_missing)
    }

    /// What happens to a loop of a function when a handler changes what it goes through, if one can.
    fn told(self, function: FunctionRef, it: &Loop<'p>, changes: &[Change<'p>]) -> Option<String> {
        let Self { program, running } = self;
        let name = it.over.attr.as_str();
        let owners = program.owners(function.file, it.over);
        let is_it = |change: &&Change<'_>| {
            owners
                .iter()
                .any(|&owner| Attribute { owner, name }.within(running) == change.attribute)
        };
        let mut changes = changes.iter().filter(is_it).peekable();
        changes.peek()?;
        let kind = match it.is_mapping {
            true => Kind::Fixed,
            false => self.kind(owners, name)?,
        };
        let change = match kind {
            Kind::Fixed => changes.next()?,
            Kind::List => changes.find(|it| it.how == Resize::Takes)?,
        };
        let body = program.def(function).map_or(&[][..], |it| &it.body[..]);
        let is_alone = is_locked(program, function, it.at)
            || is_guarded_by_flag(body, it.awaited)
            || is_always_locked(program, running, function, &mut BTreeSet::new());
        if is_alone {
            return None;
        }
        let what = match (kind, change.how) {
            (Kind::Fixed, Resize::Takes) => {
                "takes something out meanwhile, the next round raises `RuntimeError`"
            }
            (Kind::Fixed, _) => "adds to it meanwhile, the next round raises `RuntimeError`",
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

/// Whether a dictionary is made with elements.
fn is_full(value: &Expr) -> bool {
    match value {
        Expr::Dict(it) => !it.items.is_empty(),
        Expr::DictComp(_) => true,
        Expr::Call(it) => last_name(&it.func) == "dict" && !it.arguments.is_empty(),
        _ => false,
    }
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
                (&*it.iter, awaits.rev().find(|at| goes_on(&it.body, *at))?)
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
