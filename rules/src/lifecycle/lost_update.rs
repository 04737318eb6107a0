use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};

use lint_core::diagnostic::{Diagnostic, Place};
use lint_core::facts::{ClassRef, FunctionRef};
use lint_core::knowledge::Role;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::Expr;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use super::arrivals::Arrivals;
use super::kept::{handlers_and_validators, validators_of};
use super::stale::{How, StaleStore, stale_stores};
use crate::finding::Finding;
use crate::handlers::{Handler, at_once};
use crate::program::{Program, Running, own_nodes};
use crate::rule::{Context, Rule};
use crate::writes::{self, Attribute, Resize, Write, resized};

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
/// may have said so before the `await`, in an attribute that the others ask about.
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
    let runs = handlers.iter().flat_map(|it| &it.runs);
    let in_handlers: BTreeSet<FunctionRef> = runs.copied().collect();
    let state = writes::state_classes(program, running);
    let once = |role| matches!(role, Role::Run | Role::Step | Role::Hook);
    let others = running.runs_of(once);
    let at_once = at_once(program, &others);
    let writes_in = |functions: &BTreeSet<FunctionRef>| -> Vec<Write<'_>> {
        let all = functions.iter();
        all.flat_map(|&it| writes::in_function(program, it))
            .collect()
    };
    let (by_handlers, by_others) = (writes_in(&in_handlers), writes_in(&others));
    let untimely = LazyCell::new(|| {
        let set = by_others.iter().filter(|it| it.binds);
        let arrivals = Arrivals {
            program,
            functions: &running.runs_of(|_| true),
            by_run: &set.map(|it| it.attribute.name).collect(),
        };
        untimely(&arrivals, &handlers, &validators)
    });
    let taken: Vec<_> = in_handlers
        .iter()
        .flat_map(|&it| own_nodes(program.function(it)).filter_map(resized))
        .filter(|(_, how)| *how == Resize::Takes)
        .collect();
    let into: BTreeSet<Attribute<'_>> = in_handlers
        .iter()
        .flat_map(|&it| writes::through(program, it))
        .map(|it| it.within(running))
        .collect();
    let mut found = Vec::new();
    for &function in in_handlers.union(&others) {
        let is_handlers = in_handlers.contains(&function);
        let own = writes::in_function(program, function);
        let is_changed = |stale: &StaleStore<'_>, attribute: Attribute<'_>| {
            let meanwhile = by_handlers.iter();
            let meanwhile = meanwhile.chain(by_others.iter().filter(|_| is_handlers));
            let comes_in_between = is_handlers && !stale.is_claimed;
            let is_untimely = |it: &Write<'_>| {
                untimely
                    .iter()
                    .any(|other| std::ptr::eq(other.node, it.node))
            };
            let is_another = |it: &Write<'_>| match stale.how {
                How::WritesBack => true,
                How::Takes => {
                    let takes = taken.iter().any(|(node, _)| std::ptr::eq(*node, it.node));
                    (takes || it.binds) && is_untimely(it)
                }
                How::Empties => !std::ptr::eq(it.node, stale.attribute),
                How::Fills if it.binds => !own.iter().any(|own| std::ptr::eq(own.node, it.node)),
                // Nobody writes into what is missing, but who has come first and filled it.
                How::Fills => comes_in_between || !stale.read.is_compare_expr() && is_untimely(it),
            };
            // Tasks that one loop makes seldom have an element in common.
            let by_itself = matches!(stale.how, How::WritesBack | How::Takes)
                && (is_handlers
                    || at_once.contains(&function) && !stale.target.is_subscript_expr());
            let replaces = match stale.how {
                How::WritesBack => stale.target.is_attribute_expr(),
                How::Empties | How::Takes => false,
                How::Fills => comes_in_between,
            };
            by_itself
                || replaces && into.contains(&attribute)
                || meanwhile
                    .into_iter()
                    .any(|it| it.attribute.within(running) == attribute && is_another(it))
        };
        for stale in stale_stores(program, running, function) {
            let owners = program.owners(function.file, stale.attribute);
            let is_shared = |owner: &ClassRef| {
                let (owner, name) = (*owner, stale.attribute.attr.as_str());
                state.contains(&owner)
                    && is_changed(&stale, Attribute { owner, name }.within(running))
            };
            if let Some(owner) = owners.iter().find(|it| is_shared(it)) {
                let attribute = Attribute {
                    owner: *owner,
                    name: stale.attribute.attr.as_str(),
                };
                let owner = attribute.within(running).owner;
                let class = program.index(owner.file).map(|it| it.class(owner.ix));
                let class = class.map_or("", |it| &it.qualname);
                let subject = format!("{class}.{}", attribute.name);
                let place = Place {
                    file: function.file,
                    span: span_of(stale.target),
                };
                let found_here = finding(program, running, function, &stale);
                found.push((place, found_here.about(owner.file, subject)));
            }
        }
    }
    found
}

/// The writes of handlers that have not waited for the attribute before, nor asked about another that `run` sets.
fn untimely<'p>(
    arrivals: &Arrivals<'_, '_, 'p>,
    handlers: &[Handler],
    validators: &[Handler],
) -> Vec<Write<'p>> {
    let writes = handlers
        .iter()
        .flat_map(|it| arrivals.of(it, &validators_of(arrivals.program, it, validators)));
    let untimely = writes.filter(|(_, write, before)| {
        let name = write.attribute.name;
        before.as_ref().is_none_or(|it| !it.is_up_to_run(name))
    });
    untimely.map(|(_, write, _)| write).collect()
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
            match span_of(stale.awaited).contains(span_of(stale.read)) {
                // What is awaited needs it.
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
