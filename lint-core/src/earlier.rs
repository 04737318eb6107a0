//! What a workflow does before a value arises: the value does not matter there.
//!
//! Attributes are joined over all that a run does, so a branch at the top of `run` seems to depend
//! on what is stored at its end. Within `run`, which runs once, the text says what came first; and the
//! constructor is over before anything else starts.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::Place;
use crate::index::FunctionNode;
use crate::interp::{Code, CtxId, Edge, How, Machine, SourceId};
use crate::knowledge::{Role, SHARED, STARTUP};
use crate::syntax::ast::Stmt;
use crate::syntax::ast::visitor::{Visitor, walk_stmt};
use crate::syntax::span_of;
use crate::workflows::Found;

#[derive(Debug, Default)]
pub(crate) struct Earlier {
    run: Option<CtxId>,
    /// The offset in `run` before which a source cannot have arisen.
    arises: BTreeMap<SourceId, u32>,
    /// The same of all sources, sorted.
    offsets: Vec<u32>,
    init: Option<CtxId>,
    after_init: BTreeSet<SourceId>,
}

impl Earlier {
    pub(crate) fn of(found: &Found, machine: &Machine<'_>) -> Self {
        let roles = found.workflow.entries.iter().map(|entry| entry.role);
        let entries: Vec<(Role, CtxId)> = roles.zip(found.contexts.iter().copied()).collect();
        let init = only(Role::Init, &entries);
        let later = but(Role::Init, &entries);
        let after_init = init.map(|init| arising_after(init, later, machine));
        let earlier = Self {
            init,
            after_init: after_init.unwrap_or_default(),
            ..Self::default()
        };
        let Some(run) = only(Role::Run, &entries) else {
            return earlier;
        };
        let others = but(Role::Run, &entries);
        let arises = arising(run, others, machine).unwrap_or_default();
        let offsets: BTreeSet<u32> = arises.values().copied().collect();
        Self {
            run: Some(run),
            arises,
            offsets: offsets.into_iter().collect(),
            ..earlier
        }
    }

    /// Whether what a context does at a place is over when the source arises.
    pub(crate) fn precedes(&self, ctx: CtxId, place: Place, source: SourceId) -> bool {
        let arises = self.arises.get(&source);
        self.run == Some(ctx) && arises.is_some_and(|&offset| place.span.end <= offset)
            || self.init == Some(ctx) && self.after_init.contains(&source)
    }

    /// What is done in the same period precedes the same sources.
    pub(crate) fn period(&self, ctx: CtxId, place: Place) -> usize {
        if self.run == Some(ctx) {
            let is_before = |&offset: &u32| offset < place.span.end;
            self.offsets.partition_point(is_before)
        } else {
            self.offsets.len() + usize::from(self.init == Some(ctx))
        }
    }
}

/// The entry point that has a role, if it is one.
fn only(role: Role, entries: &[(Role, CtxId)]) -> Option<CtxId> {
    let mut found = entries.iter().filter(|(it, _)| *it == role);
    let (_, ctx) = found.next()?;
    found.next().is_none().then_some(*ctx)
}

/// The entry points that have other roles.
fn but(role: Role, entries: &[(Role, CtxId)]) -> Vec<CtxId> {
    let others = entries.iter().filter(|(it, _)| *it != role);
    others.map(|(_, ctx)| *ctx).collect()
}

/// The sources that arise behind later entry points, and not behind the constructor.
fn arising_after(init: CtxId, later: Vec<CtxId>, machine: &Machine<'_>) -> BTreeSet<SourceId> {
    let arising_behind = |pending: Vec<CtxId>| -> BTreeSet<SourceId> {
        let mut reached = BTreeMap::new();
        reach(pending, 0, machine, &mut reached);
        let contexts = reached.keys().map(|&ctx| machine.ctx(ctx));
        let events = contexts.flat_map(|ctx| &ctx.outcome.events);
        let sources = events.filter_map(|event| event.source);
        sources.filter(|&it| arises_in_runs(it, machine)).collect()
    };
    &arising_behind(later) - &arising_behind(vec![init])
}

/// Whether a source was not there before the run.
fn arises_in_runs(source: SourceId, machine: &Machine<'_>) -> bool {
    let source = machine.source(source);
    !source.at_import && source.class != SHARED && source.class != STARTUP
}

/// The sources that arise only behind `run`, and from where in it, unless it is called itself.
fn arising(
    run: CtxId,
    others: Vec<CtxId>,
    machine: &Machine<'_>,
) -> Option<BTreeMap<SourceId, u32>> {
    let Code::Function(function) = machine.ctx(run).code else {
        return None;
    };
    let FunctionNode::Def(def) = machine.function(function.func)?.node else {
        return None;
    };
    let mut offsets = BTreeMap::new();
    reach(others, 0, machine, &mut offsets);
    let outcome = &machine.ctx(run).outcome;
    let calls = followed(run, machine).map(|edge| match edge.how {
        How::Answer => (0, edge.callee),
        _ => (start_of_step(&def.body, edge.span.start), edge.callee),
    });
    // The first ones first, so that what is behind them is looked at once.
    for (offset, callee) in calls.collect::<BTreeSet<_>>() {
        reach(vec![callee], offset, machine, &mut offsets);
    }
    if offsets.contains_key(&run) {
        return None;
    }
    let mut arises = BTreeMap::new();
    let mut note = |source: Option<SourceId>, offset: u32| {
        if let Some(source) = source.filter(|&it| arises_in_runs(it, machine)) {
            let known = arises.entry(source).or_insert(offset);
            *known = offset.min(*known);
        }
    };
    for event in &outcome.events {
        note(event.source, start_of_step(&def.body, event.span.start));
    }
    for (&ctx, &offset) in &offsets {
        for event in &machine.ctx(ctx).outcome.events {
            note(event.source, offset);
        }
    }
    Some(arises)
}

/// Lowers the offsets of the contexts behind these.
fn reach(
    mut pending: Vec<CtxId>,
    offset: u32,
    machine: &Machine<'_>,
    offsets: &mut BTreeMap<CtxId, u32>,
) {
    while let Some(ctx) = pending.pop() {
        if offsets.get(&ctx).is_some_and(|&known| known <= offset) {
            continue;
        }
        offsets.insert(ctx, offset);
        pending.extend(followed(ctx, machine).map(|edge| edge.callee));
    }
}

fn followed(ctx: CtxId, machine: &Machine<'_>) -> impl Iterator<Item = Edge> {
    let edges = machine.ctx(ctx).outcome.edges.iter().copied();
    edges.filter(|edge| !edge.vouched)
}

/// The start of the statement around an offset, or of the outermost loop: what stands in a loop
/// comes before the rest of it as well.
fn start_of_step(body: &[Stmt], offset: u32) -> u32 {
    struct Finder {
        offset: u32,
        start: u32,
        is_done: bool,
    }
    impl<'a> Visitor<'a> for Finder {
        fn visit_body(&mut self, body: &'a [Stmt]) {
            let at = body.partition_point(|it| span_of(it).end <= self.offset);
            if let Some(around) = body.get(at) {
                self.visit_stmt(around);
            }
        }

        fn visit_stmt(&mut self, statement: &'a Stmt) {
            let here = span_of(statement);
            if self.is_done || !(here.start..here.end).contains(&self.offset) {
                return;
            }
            self.start = here.start;
            match statement {
                Stmt::For(_) | Stmt::While(_) => self.is_done = true,
                _ => walk_stmt(self, statement),
            }
        }
    }
    let mut finder = Finder {
        offset,
        start: offset,
        is_done: false,
    };
    finder.visit_body(body);
    finder.start
}
