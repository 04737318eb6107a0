//! The whole pipeline of the engine: discover workflows, interpret what they reach, collect facts.

use crate::causes::Gateways;
use crate::facts::Facts;
use crate::interp::{CtxId, Kind, Machine, Mode, STEPS_OF_GROUP};
use crate::knowledge::Knowledge;
use crate::project::Project;
use crate::workflows::Found;
use crate::{markers, reach, workflows};

/// Analyses the project. Must run on a thread with [`crate::syntax::STACK_SIZE`] of stack.
pub fn analyse<'p>(project: &'p Project<'p>, knowledge: &'p Knowledge) -> Facts<'p> {
    analyse_within(project, knowledge, STEPS_OF_GROUP)
}

/// The same with this much work for each workflow.
pub(crate) fn analyse_within<'p>(
    project: &'p Project<'p>,
    knowledge: &'p Knowledge,
    steps: u64,
) -> Facts<'p> {
    let mut facts = Facts {
        project,
        knowledge,
        workflows: Vec::new(),
        unmatched: Vec::new(),
        activities: Vec::new(),
        hazards: Vec::new(),
        idle_boundaries: Vec::new(),
        gateways: Gateways::default(),
        cut_short: Vec::new(),
    };
    let Some(reached) = interpret(project, knowledge, steps) else {
        return facts;
    };
    facts.cut_short = reached.cut_short;
    facts.unmatched = reached.unmatched;
    let (mut machine, found) = (reached.machine, reached.found);
    let (hazards, idle_boundaries, gateways) = reach::hazards(&mut machine, &found);
    facts.activities = workflows::activities(&machine);
    facts.workflows = found.into_iter().map(|it| it.workflow).collect();
    facts.hazards = hazards;
    facts.idle_boundaries = idle_boundaries;
    facts.gateways = gateways;
    facts
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
    /// See [`Facts::cut_short`].
    pub(crate) cut_short: Vec<String>,
    /// Names of the configuration that stand for nothing.
    pub(crate) unmatched: Vec<String>,
}

pub(crate) fn interpret<'p>(
    project: &'p Project<'p>,
    knowledge: &'p Knowledge,
    steps: u64,
) -> Option<Reached<'p>> {
    let candidates = markers::candidates(project, knowledge);
    let any = candidates
        .files
        .iter()
        .find_map(|&file| project.module(file))?;
    let mut machine = Machine::new(project, knowledge, Mode::Workflows, any);
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
    let functions = workflows::enclosing_functions(&mut machine, &candidates);
    cut_short.extend(settle(&mut machine, &functions, steps));
    let factories = workflows::factories(&mut machine, &candidates);
    cut_short.extend(settle(&mut machine, &factories, steps));
    let found = workflows::find(&mut machine, &candidates, &factories.concat());
    let entries = found.iter().map(|it| {
        let module = machine.module_ctx(it.workflow.place.file);
        it.contexts.iter().copied().chain([module]).collect()
    });
    let entries: Vec<Vec<CtxId>> = entries.collect();
    machine.settle(&entries, steps, Kind::Entries);
    for (it, roots) in found.iter().zip(&entries) {
        if machine.is_unfinished(roots) {
            cut_short.push(it.workflow.name.clone());
        }
    }
    let unmatched = workflows::unmatched(&mut machine, &candidates);
    Some(Reached {
        machine,
        found,
        cut_short,
        unmatched,
    })
}
