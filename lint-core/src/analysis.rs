//! The whole pipeline of the engine: discover workflows, interpret what they reach, collect facts.

use std::collections::BTreeMap;

use crate::causes::Calls;
use crate::components::{self, Memo};
use crate::facts::{Facts, Seen};
pub use crate::interp::Order;
use crate::interp::{CtxId, Kind, Machine, Mode, STEPS_OF_GROUP};
use crate::knowledge::Knowledge;
use crate::markers::Candidates;
use crate::passthrough::WorkerLists;
use crate::project::{Change, Interrupt, Project};
use crate::workflows::Found;
use crate::{commands, observed, reach, workflows};

/// Analyses the project. Must run on a thread with [`crate::syntax::STACK_SIZE`] of stack.
pub fn analyse<'p>(project: &'p Project<'p>, knowledge: &'p Knowledge) -> Facts<'p> {
    analyse_within(project, knowledge, STEPS_OF_GROUP)
}

/// The same, with what each workflow does in order.
pub fn analyse_with_structures<'p>(
    project: &'p Project<'p>,
    knowledge: &'p Knowledge,
) -> Facts<'p> {
    let wish = Wish {
        structures: true,
        ..Wish::default()
    };
    see(project, knowledge, wish, &Memo::default())
}

/// The same with this much work for each workflow.
pub(crate) fn analyse_within<'p>(
    project: &'p Project<'p>,
    knowledge: &'p Knowledge,
    steps: u64,
) -> Facts<'p> {
    let wish = Wish {
        steps,
        ..Wish::default()
    };
    see(project, knowledge, wish, &Memo::default())
}

/// The same with work in another order.
pub fn analyse_in_order<'p>(
    project: &'p Project<'p>,
    knowledge: &'p Knowledge,
    order: Order,
) -> Facts<'p> {
    let wish = Wish {
        order,
        ..Wish::default()
    };
    see(project, knowledge, wish, &Memo::default())
}

/// What an analysis is to tell, and how much it may cost.
#[derive(Clone, Copy)]
pub(crate) struct Wish {
    /// How much work there is for each workflow.
    steps: u64,
    order: Order,
    /// Whether anybody asks what workflows do in order.
    structures: bool,
}

impl Default for Wish {
    fn default() -> Self {
        Self {
            steps: STEPS_OF_GROUP,
            order: Order::default(),
            structures: false,
        }
    }
}

/// An analysis that stays alive and takes changes. Its facts are always those that [`analyse`]
/// gives for the same files; what does not depend on a change is not worked out again.
pub struct Analysis<'l> {
    project: Project<'l>,
    knowledge: Knowledge,
    memo: Memo,
    wish: Wish,
}

impl<'l> Analysis<'l> {
    pub fn new(project: Project<'l>, knowledge: Knowledge) -> Self {
        Self {
            project,
            knowledge,
            memo: Memo::default(),
            wish: Wish::default(),
        }
    }

    /// Also tells what each workflow does in order.
    pub fn with_structures(mut self) -> Self {
        self.wish.structures = true;
        self
    }

    /// Takes changes of files, by their keys. Facts in memory of the caller are those of before.
    pub fn update(&mut self, changes: impl IntoIterator<Item = (String, Change)>) {
        let changes: BTreeMap<String, Change> = changes.into_iter().collect();
        let project = self.project.changed(&changes);
        self.memo
            .retain(&self.project, &project, &self.knowledge, changes.keys());
        self.project = project;
    }

    /// From now on, an analysis ends early when it is told to. What it found then is of no use.
    pub fn interrupt(&mut self, interrupt: Interrupt) {
        self.project.interrupt(interrupt);
    }

    /// The project as it is now. What is read from it besides facts counts as read until the next
    /// update.
    pub fn project(&self) -> &Project<'l> {
        &self.project
    }

    pub fn knowledge(&self) -> &Knowledge {
        &self.knowledge
    }

    /// Must run on a thread with [`crate::syntax::STACK_SIZE`] of stack.
    pub fn facts(&self) -> Facts<'_> {
        see(&self.project, &self.knowledge, self.wish, &self.memo)
    }
}

fn see<'p>(
    project: &'p Project<'p>,
    knowledge: &'p Knowledge,
    wish: Wish,
    memo: &Memo,
) -> Facts<'p> {
    let parts = components::see(project, knowledge, memo, |view, part, by_worker| {
        see_part(view, knowledge, part, by_worker, wish)
    });
    Facts::new(project, knowledge, parts)
}

/// What is seen of a part of the project, which nothing outside it has a say in, and who calls
/// whom; the gateways are those of all parts together.
fn see_part(
    project: &Project<'_>,
    knowledge: &Knowledge,
    part: &Candidates,
    by_worker: &WorkerLists,
    wish: Wish,
) -> (Seen, Calls) {
    let Some(reached) = interpret(project, knowledge, part, wish) else {
        return Default::default();
    };
    let (mut machine, found) = (reached.machine, reached.found);
    let (hazards, idle_boundaries, calls) = reach::hazards(&mut machine, &found, by_worker);
    let (reach, observed) = observed::collect(&mut machine, &found);
    let structures = match wish.structures {
        true => commands::build::structures(&mut machine, &found, &reached.cut_short),
        false => vec![None; found.len()],
    };
    let seen = Seen {
        activities: workflows::activities(&machine),
        workflows: found.into_iter().map(|it| it.workflow).collect(),
        hazards,
        idle_boundaries,
        cut_short: reached.cut_short,
        unmatched: reached.unmatched,
        reach,
        structures,
        observed,
        ..Seen::default()
    };
    (seen, calls)
}

/// Runs code that defines workflows; returns the names of what was not finished.
fn settle(machine: &mut Machine<'_>, groups: &[Vec<CtxId>], steps: u64) -> Vec<String> {
    machine.settle(groups, steps, Kind::Definitions);
    let roots = groups.iter().filter(|roots| machine.is_unfinished(roots));
    let roots: Vec<CtxId> = roots.flatten().copied().collect();
    roots.into_iter().map(|it| machine.ctx_name(it)).collect()
}

/// The machine after everything that workflows reach has been interpreted.
pub(crate) struct Reached<'p> {
    pub(crate) machine: Machine<'p>,
    pub(crate) found: Vec<Found>,
    /// See [`Seen::cut_short`].
    pub(crate) cut_short: Vec<String>,
    /// Names of the configuration that stand for nothing.
    pub(crate) unmatched: Vec<String>,
}

pub(crate) fn interpret<'p>(
    project: &'p Project<'p>,
    knowledge: &'p Knowledge,
    candidates: &Candidates,
    wish: Wish,
) -> Option<Reached<'p>> {
    let steps = wish.steps;
    let files = candidates.files.iter().copied();
    let roots = candidates.roots.iter();
    let declared = roots.filter_map(|root| Some(workflows::function_named(project, root)?.file));
    let any = files
        .chain(declared)
        .find_map(|file| project.module(file))?;
    let machine = Machine::new(project, knowledge, Mode::Workflows, any);
    let mut machine = machine.in_order(wish.order);
    let modules = candidates
        .files
        .iter()
        .map(|&file| vec![machine.module_ctx(file)]);
    let modules: Vec<Vec<CtxId>> = modules.collect();
    let mut cut_short = settle(&mut machine, &modules, steps);
    if machine.resolve_declared() {
        machine.run_modules_again();
        cut_short = settle(&mut machine, &modules, steps);
    }
    let mut functions = workflows::enclosing_functions(&mut machine, candidates);
    functions.extend(workflows::registering_functions(&mut machine, candidates));
    cut_short.extend(settle(&mut machine, &functions, steps));
    let factories = workflows::factories(&mut machine, candidates);
    cut_short.extend(settle(&mut machine, &factories, steps));
    let found = workflows::find(&mut machine, candidates, &factories.concat());
    let entries = found.iter().map(|it| {
        let module = machine.module_ctx(it.workflow.place.file);
        it.contexts.iter().copied().chain([module]).collect()
    });
    let entries: Vec<Vec<CtxId>> = entries.collect();
    machine.settle(&entries, steps, Kind::Entries);
    machine.settle_events();
    for (it, roots) in found.iter().zip(&entries) {
        if machine.is_unfinished(roots) {
            cut_short.push(it.workflow.name.clone());
        }
    }
    let unmatched = workflows::unmatched(&mut machine, candidates);
    Some(Reached {
        machine,
        found,
        cut_short,
        unmatched,
    })
}
