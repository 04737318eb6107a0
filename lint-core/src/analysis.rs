//! The whole pipeline of the engine: discover workflows, interpret what they reach, collect facts.

use crate::causes::Gateways;
use crate::facts::Facts;
use crate::interp::{Machine, Mode};
use crate::knowledge::Knowledge;
use crate::project::Project;
use crate::workflows::Found;
use crate::{reach, workflows};

/// Analyses the project. Must run on a thread with [`crate::syntax::STACK_SIZE`] of stack.
pub fn analyse<'p>(project: &'p Project<'p>, knowledge: &'p Knowledge) -> Facts<'p> {
    let mut facts = Facts {
        project,
        knowledge,
        workflows: Vec::new(),
        activities: Vec::new(),
        hazards: Vec::new(),
        idle_boundaries: Vec::new(),
        gateways: Gateways::default(),
        cut_short: false,
    };
    let Some(Reached { mut machine, found }) = interpret(project, knowledge) else {
        return facts;
    };
    let (hazards, idle_boundaries, gateways) = reach::hazards(&mut machine, &found);
    facts.activities = workflows::activities(&machine);
    facts.workflows = found.into_iter().map(|it| it.workflow).collect();
    facts.hazards = hazards;
    facts.idle_boundaries = idle_boundaries;
    facts.gateways = gateways;
    facts.cut_short = machine.is_cut_short();
    facts
}

/// The machine after everything that workflows reach has been interpreted.
pub(crate) struct Reached<'p> {
    pub(crate) machine: Machine<'p>,
    pub(crate) found: Vec<Found>,
}

pub(crate) fn interpret<'p>(
    project: &'p Project<'p>,
    knowledge: &'p Knowledge,
) -> Option<Reached<'p>> {
    let candidates = project.candidates(workflows::may_matter(knowledge));
    project.prefetch(&candidates, knowledge);
    let any = candidates.iter().find_map(|&file| project.module(file))?;
    let mut machine = Machine::new(project, knowledge, Mode::Workflows, any);
    for &file in &candidates {
        machine.module_ctx(file);
    }
    machine.run();
    workflows::enter_enclosing_functions(&mut machine, &candidates);
    machine.run();
    let found = workflows::find(&mut machine, &candidates);
    machine.run();
    Some(Reached { machine, found })
}
