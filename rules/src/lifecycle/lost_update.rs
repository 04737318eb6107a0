use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use lint_core::diagnostic::{Diagnostic, Place};
use lint_core::facts::FunctionRef;
use lint_core::knowledge::Role;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::{Expr, Stmt};
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use super::arrivals::{Arrivals, Before, set_by, waited_by};
use super::kept::{handlers_and_validators, validators_of};
use super::paths::may_be_one;
use super::stale::{How, StaleStore, stale_stores};
use crate::finding::Finding;
use crate::handlers::{Handler, at_once};
use crate::program::{Node, Program, Running, nodes_of_expr, own_nodes};
use crate::rule::{Context, Rule};
use crate::writes::{self, Attribute, Resize, Write};

/// ## What it does
/// Finds state of a workflow that is read before an `await` and written back after it, made of what was
/// read, where a handler can change it in between; and state that is emptied after an `await` although it was
/// read before it, set after it because it was missing before it, or a list of which the first is looked at before an
/// `await` and taken out after it. Tasks that a loop makes of one coroutine are like handlers.
///
/// ## Why is this bad?
/// While a handler waits, other handlers run, and the same handler runs again for the next signal. Both
/// have read the old value; the one that writes last throws away what the other has written. Nothing
/// fails: a message, an item or an amount is missing.
///
/// ## Example
/// ```python
/// from datetime import timedelta
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class CollectOrders:
///     def __init__(self) -> None:
///         self.orders: list[str] = []
///         self.total = 0.0
///
///     @workflow.run
///     async def run(self, day: str) -> list[str]:
///         await workflow.wait_condition(lambda: len(self.orders) > 1)
///         await workflow.wait_condition(workflow.all_handlers_finished)
///         return self.orders
///
///     @workflow.signal
///     async def order(self, name: str) -> None:
///         orders = [*self.orders, name]
///         price = await workflow.execute_activity(
///             "price_order", name, start_to_close_timeout=timedelta(minutes=1)
///         )
///         self.orders = orders  # RB601
///         self.total += price
/// ```
/// What comes while a batch is sent is thrown away with it:
/// ```python
/// from datetime import timedelta
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class SendOrders:
///     def __init__(self) -> None:
///         self.orders: list[str] = []
///
///     @workflow.run
///     async def run(self, day: str) -> None:
///         await workflow.wait_condition(lambda: len(self.orders) > 1)
///         await workflow.execute_activity(
///             "send_orders", list(self.orders), start_to_close_timeout=timedelta(minutes=1)
///         )
///         self.orders.clear()  # RB601
///
///     @workflow.signal
///     def order(self, name: str) -> None:
///         self.orders.append(name)
/// ```
/// Two that come at the same time both load, and the second one sets back what the first has done:
/// ```python
/// from datetime import timedelta
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class CountOrders:
///     def __init__(self) -> None:
///         self.counts: dict[str, int] | None = None
///
///     @workflow.run
///     async def run(self, day: str) -> None:
///         await workflow.wait_condition(workflow.all_handlers_finished)
///
///     @workflow.update
///     async def order(self, name: str) -> None:
///         if self.counts is None:
///             counts = await workflow.execute_activity(
///                 "load_counts", start_to_close_timeout=timedelta(minutes=1)
///             )
///             self.counts = counts  # RB601
///         self.counts[name] = self.counts.get(name, 0) + 1
/// ```
///
/// ## Use instead
/// Read the state after the last `await`, so that nothing can come between:
/// ```python
/// from datetime import timedelta
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class CollectOrders:
///     def __init__(self) -> None:
///         self.orders: list[str] = []
///         self.total = 0.0
///
///     @workflow.run
///     async def run(self, day: str) -> list[str]:
///         await workflow.wait_condition(lambda: len(self.orders) > 1)
///         await workflow.wait_condition(workflow.all_handlers_finished)
///         return self.orders
///
///     @workflow.signal
///     async def order(self, name: str) -> None:
///         price = await workflow.execute_activity(
///             "price_order", name, start_to_close_timeout=timedelta(minutes=1)
///         )
///         self.orders = [*self.orders, name]
///         self.total += price
/// ```
/// Take what is there and leave nothing, before the `await`:
/// ```python
/// from datetime import timedelta
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class SendOrders:
///     def __init__(self) -> None:
///         self.orders: list[str] = []
///
///     @workflow.run
///     async def run(self, day: str) -> None:
///         await workflow.wait_condition(lambda: len(self.orders) > 1)
///         orders, self.orders = self.orders, []
///         await workflow.execute_activity(
///             "send_orders", orders, start_to_close_timeout=timedelta(minutes=1)
///         )
///
///     @workflow.signal
///     def order(self, name: str) -> None:
///         self.orders.append(name)
/// ```
/// Or let only one handler at a time through:
/// ```python
/// import asyncio
/// from datetime import timedelta
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class CollectOrders:
///     def __init__(self) -> None:
///         self.orders: list[str] = []
///         self.turn = asyncio.Lock()
///
///     @workflow.run
///     async def run(self, day: str) -> list[str]:
///         await workflow.wait_condition(lambda: len(self.orders) > 1)
///         await workflow.wait_condition(workflow.all_handlers_finished)
///         return self.orders
///
///     @workflow.signal
///     async def order(self, name: str) -> None:
///         async with self.turn:
///             orders = [*self.orders, name]
///             await workflow.execute_activity(
///                 "book_order", args=[name, orders], start_to_close_timeout=timedelta(minutes=1)
///             )
///             self.orders = orders
/// ```
///
/// ## Limits
/// Only data counts: that a condition was true before the `await` and is not after it, is not seen, but for an
/// attribute that is set because it was missing, and into which a handler writes as well.
/// Whatever `async with` enters that is no timeout and no task group is taken for a lock, and so is a flag that
/// a function raises and lowers, or a set into which it puts a key that it takes out again. Who sets what was missing
/// may have said so before the `await`, in an attribute that the others ask about. A handler is left alone that asks
/// first about what the waiting code sets or has waited for, and one that changes something else as well at which that
/// code looks again behind the `await`.
///
/// ## References
/// - <https://docs.temporal.io/develop/python/message-passing#message-handler-concurrency>
#[derive(RuleMetadata)]
#[rule(
    code = "RB601",
    severity = "warning",
    category = "lifecycle",
    since = "0.1.0",
    summary = "state read before an `await` is written back after it, over what another handler wrote"
)]
pub(crate) struct LostUpdate;

impl Rule for LostUpdate {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let program = Program::new(cx.facts);
        let mut found = BTreeMap::new();
        for running in Running::all(cx.facts) {
            for (place, finding) in in_workflow(program, running) {
                found.entry(place).or_insert(finding);
            }
        }
        for finding in found.into_values() {
            finding.report(report);
        }
    }
}

fn in_workflow(program: Program<'_, '_>, running: Running<'_>) -> Vec<(Place, Finding)> {
    let (handlers, validators) = handlers_and_validators(program, running);
    let functions = running.runs_of(|_| true);
    let once = |role| matches!(role, Role::Run | Role::Step | Role::Hook);
    let others = running.runs_of(once);
    let in_handlers: BTreeSet<FunctionRef> =
        handlers.iter().flat_map(|it| &it.runs).copied().collect();
    let stale = in_handlers.union(&others).flat_map(|&it| {
        let stale = stale_stores(program, running, &functions, it).into_iter();
        stale.map(move |stale| (it, stale))
    });
    let mut stale = stale.peekable();
    if stale.peek().is_none() {
        return Vec::new();
    }
    let meanwhile = Meanwhile {
        program,
        running,
        messages: by_messages(program, &functions, &handlers, &validators),
        by_others: by_others(program, &others),
        at_once: at_once(program, &others),
        handlers,
        in_handlers: &in_handlers,
        others: &others,
    };
    let state = writes::state_classes(program, running);
    let mut found = Vec::new();
    for (function, stale) in stale {
        let owners = program.owners(function.file, stale.attribute).iter();
        let attributes = owners.map(|&owner| {
            let name = stale.attribute.attr.as_str();
            Attribute { owner, name }
        });
        let mut of_state = attributes.filter(|it| state.contains(&it.owner));
        let changed = of_state.find(|it| meanwhile.changes(function, &stale, it.within(running)));
        if let Some(attribute) = changed {
            let owner = attribute.within(running).owner;
            let class = program.index(owner.file).map(|it| it.class(owner.ix));
            let class = class.map_or("", |it| &it.qualname);
            let subject = format!("{class}.{}", attribute.name);
            let place = Place {
                file: function.file,
                span: span_of(stale.target),
            };
            let found_here = finding(program, running, function, &stale);
            found.push((place, found_here.about(attribute.owner.file, subject)));
        }
    }
    found
}

/// A write of state that may come while another function waits.
struct Arrival<'p> {
    function: FunctionRef,
    write: Write<'p>,
    /// What comes before it, if a message brings it.
    before: Option<Before<'p>>,
    /// The attributes that the same code writes.
    with: Rc<BTreeSet<&'p str>>,
}

fn by_messages<'p>(
    program: Program<'_, 'p>,
    functions: &BTreeSet<FunctionRef>,
    handlers: &[Handler],
    validators: &[Handler],
) -> Vec<Arrival<'p>> {
    let arrivals = Arrivals { program, functions };
    let of = |handler: &Handler| {
        let own = arrivals.of(handler, &validators_of(program, handler, validators));
        let with = own.iter().map(|(_, write, _)| write.attribute.name);
        let with = Rc::new(with.collect::<BTreeSet<_>>());
        own.into_iter()
            .map(move |(function, write, before)| Arrival {
                function,
                write,
                before,
                with: Rc::clone(&with),
            })
    };
    handlers.iter().flat_map(of).collect()
}

fn by_others<'p>(program: Program<'_, 'p>, others: &BTreeSet<FunctionRef>) -> Vec<Arrival<'p>> {
    let of = |&function: &FunctionRef| {
        let own = writes::in_function(program, function);
        let with = own.iter().map(|it| it.attribute.name);
        let with = Rc::new(with.collect::<BTreeSet<_>>());
        own.into_iter().map(move |write| Arrival {
            function,
            write,
            before: None,
            with: Rc::clone(&with),
        })
    };
    others.iter().flat_map(of).collect()
}

/// What the code of one workflow writes while a function of it waits.
struct Meanwhile<'a, 'f, 'p> {
    program: Program<'f, 'p>,
    running: Running<'f>,
    messages: Vec<Arrival<'p>>,
    by_others: Vec<Arrival<'p>>,
    at_once: BTreeSet<FunctionRef>,
    handlers: Vec<Handler>,
    in_handlers: &'a BTreeSet<FunctionRef>,
    others: &'a BTreeSet<FunctionRef>,
}

impl<'p> Meanwhile<'_, '_, 'p> {
    /// Whether something comes in between that makes a store of an attribute stale.
    fn changes(
        &self,
        function: FunctionRef,
        stale: &StaleStore<'p>,
        attribute: Attribute<'p>,
    ) -> bool {
        let Self {
            program, running, ..
        } = *self;
        let is_handlers = self.in_handlers.contains(&function);
        let comes_in_between = is_handlers && !stale.is_claimed;
        // Tasks that one loop makes seldom have an element in common.
        let is_itself =
            is_handlers || self.at_once.contains(&function) && !stale.target.is_subscript_expr();
        let is_seen =
            |with: &BTreeSet<&str>| stale.looked_at.iter().any(|it| with.contains(it.as_str()));
        if is_itself && matches!(stale.how, How::WritesBack | How::Takes) {
            let own = writes::in_function(program, function).into_iter();
            if !is_seen(&own.map(|it| it.attribute.name).collect()) {
                return true;
            }
        }
        let replaces = match stale.how {
            How::WritesBack => stale.target.is_attribute_expr(),
            How::Empties | How::Takes => false,
            How::Fills => comes_in_between,
        };
        let settled = self.settled(function);
        let is_another = |it: &Arrival<'p>| match stale.how {
            How::WritesBack => true,
            How::Takes => {
                it.write.binds || matches!(it.write.how, Some(Resize::Takes | Resize::Clears))
            }
            How::Empties => !std::ptr::eq(it.write.node, stale.attribute),
            How::Fills if it.write.binds => it.function != function,
            // Nobody writes into what is missing, but who has come first and filled it.
            How::Fills => comes_in_between || !stale.read.is_compare_expr() && it.before.is_some(),
        };
        let is_it = |it: &Arrival<'p>| {
            let (one, other) = (
                (function.file, stale.attribute),
                (it.function.file, it.write.node),
            );
            it.write.attribute.within(running) == attribute
                && is_another(it)
                && may_be_one(program, running, one, other)
        };
        let goes_into = |it: &Arrival<'p>| {
            let mut through = writes::through(program, it.function, it.write);
            it.before.is_some() && through.any(|it| it.within(running) == attribute)
        };
        let others = self.by_others.iter().filter(|_| is_handlers);
        self.messages.iter().chain(others).any(|it| {
            let before = it.before.as_ref();
            (is_it(it) || replaces && goes_into(it))
                && !is_seen(&it.with)
                && !before.is_some_and(|it| it.is_up_to(&settled, attribute.name))
        })
    }

    /// The attributes with which a function that waits, or what runs it, can hold messages off.
    fn settled(&self, function: FunctionRef) -> BTreeSet<&'p str> {
        let with_it = self
            .handlers
            .iter()
            .filter(|it| it.runs.contains(&function));
        let mut functions: BTreeSet<FunctionRef> =
            with_it.flat_map(|it| &it.runs).copied().collect();
        if self.others.contains(&function) {
            functions.extend(self.others);
        }
        let set = set_by(self.program, &functions);
        &set | &waited_by(self.program, &functions)
    }
}

fn finding(
    program: Program<'_, '_>,
    running: Running<'_>,
    function: FunctionRef,
    stale: &StaleStore<'_>,
) -> Finding {
    let source = program.facts.project.text(function.file);
    let line = |expr: &Expr| source.map_or(0, |it| it.line(span_of(expr).start));
    let (path, workflow) = (&stale.path, running.short_name());
    let (read, awaited) = (line(stale.read), line(stale.awaited));
    let (message, help) = match stale.how {
        How::WritesBack => (
            format!(
                "`{path}` is written back from what was read on line {read}, before the `await` on line {awaited}; what \
                 another handler of `{workflow}` writes in between is lost"
            ),
            match is_needed(program, function, stale) {
                true => {
                    "make `self.lock = asyncio.Lock()` in `__init__`, and put this, and whatever else writes it, into \
                     `async with self.lock:`"
                }
                false => {
                    "read it after the last `await`, or hold an `asyncio.Lock` of the workflow from the read to the write"
                }
            },
        ),
        How::Fills => (
            format!(
                "`{path}` was missing on line {read} and is set after the `await` on line {awaited}; what a handler of \
                 `{workflow}` puts there in between is lost"
            ),
            "hold an `asyncio.Lock` of the workflow from the question to the store, or ask again after the `await`",
        ),
        How::Empties => (
            format!(
                "`{path}` is emptied after the `await` on line {awaited} and was read on line {read}, before it; what a \
                 handler of `{workflow}` adds in between is lost"
            ),
            "empty it together with the read, before the `await`",
        ),
        How::Takes => (
            format!(
                "the first of `{path}` is taken out after the `await` on line {awaited} and was looked at on line {read}, \
                 before it; if a handler of `{workflow}` takes something out in between, another one is lost, or none is there"
            ),
            "take it out where it is read, before the `await`",
        ),
    };
    Finding::new(
        &LostUpdate::METADATA,
        function.file,
        span_of(stale.target),
        message,
    )
    .help(help)
    .in_workflow(running.workflow)
}

/// Whether what is awaited needs what was read, there or in a variable that holds it.
fn is_needed(program: Program<'_, '_>, function: FunctionRef, stale: &StaleStore<'_>) -> bool {
    let (read, awaited) = (span_of(stale.read), span_of(stale.awaited));
    let named = nodes_of_expr(stale.awaited);
    let is_named = |variable: &Expr| {
        let Expr::Name(variable) = variable else {
            return false;
        };
        let is_it =
            |it: &Node<'_>| matches!(it, Node::Expr(Expr::Name(it)) if it.id == variable.id);
        named.iter().any(is_it)
    };
    awaited.contains(read)
        || own_nodes(program.function(function)).any(|node| match node {
            Node::Stmt(Stmt::Assign(it)) => {
                let value = span_of(&*it.value);
                value.contains(read) && it.targets.iter().any(is_named)
            }
            _ => false,
        })
}
