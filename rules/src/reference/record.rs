//! Recording the workflows of a project, as they are.

use std::collections::BTreeMap;

use lint_core::commands::{Node, Part, Structure};
use lint_core::facts::{Facts, Workflow};
use lint_core::place::Place;
use lint_core::project::Project;

use super::recorded::Recorded;
use crate::rule::Context;
use crate::runbook_md::view;

/// The workflows of a project, as they are to be recorded: in the order of their types.
pub fn record(facts: &Facts<'_>) -> Vec<Recorded> {
    let cx = &Context::new(facts);
    let all = cx.facts.workflows.iter().zip(&cx.facts.structures);
    let entered = all.filter(|(workflow, _)| workflow.is_entered());
    let mut recorded: Vec<Recorded> = entered
        .filter_map(|(workflow, structure)| Some(one(cx, workflow, structure.as_ref()?)))
        .collect();
    recorded.sort_by(|a, b| {
        let key = |it: &Recorded| (it.structure.workflow_type.clone(), it.name.clone());
        key(a).cmp(&key(b))
    });
    recorded
}

fn one(cx: &Context<'_>, workflow: &Workflow, structure: &Structure) -> Recorded {
    let project = cx.facts.project;
    let mut lines = BTreeMap::new();
    for part in &structure.parts {
        note(project, part.place, &mut lines);
        note_all(project, part, &mut lines);
    }
    Recorded {
        structure: structure.clone(),
        version: version(cx, workflow),
        name: Some(workflow.name.clone()),
        path: Some(project.key(workflow.place.file).to_owned()),
        workflow: Some(workflow.clone()),
        lines,
    }
}

fn note(project: &Project<'_>, place: Place, lines: &mut BTreeMap<Place, (String, u32)>) {
    if let Some(source) = project.source(place.file) {
        let path = project.key(place.file).to_owned();
        lines.insert(place, (path, source.line(place.span.start)));
    }
}

fn note_all(project: &Project<'_>, part: &Part, lines: &mut BTreeMap<Place, (String, u32)>) {
    let mut pending: Vec<&Node> = part.nodes.iter().collect();
    while let Some(node) = pending.pop() {
        if let Some(place) = node.place() {
            note(project, place, lines);
        }
        pending.extend(node.blocks().into_iter().flatten());
    }
}

/// The version in the `runbook.md` of the bundle that a workflow belongs to.
fn version(cx: &Context<'_>, workflow: &Workflow) -> Option<String> {
    let bundle = cx.model.bundle_of(workflow.place.file)?;
    let (_, md) = view::with_md(cx).find(|(view, _)| view.ix == bundle)?;
    let text = md.get("version")?.value.scalar()?.text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}
