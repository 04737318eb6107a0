//! What a workflow shows to people: its steps, signals, gates and activities, for pages about it.

use lint_core::diagnostic::{Place, Span};
use lint_core::facts::{Facts, Workflow};
use lint_core::knowledge::Role;
use lint_core::syntax::ast;
use lint_core::syntax::span_of;

use crate::model::CallSite;
use crate::outline::{self, StepOutline};
use crate::rule::Context;
use crate::sites::Gate;

/// What is told about one workflow, each list in the order of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overview {
    /// `package.module.Class`.
    pub workflow: String,
    pub place: Place,
    /// The breadcrumb.
    pub steps: Vec<StepOutline>,
    /// Signals, queries and updates.
    pub handlers: Vec<OverviewItem>,
    pub gates: Vec<OverviewItem>,
    /// What it schedules: activities and child workflows.
    pub schedules: Vec<OverviewItem>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OverviewItem {
    pub name: String,
    /// `signal`, `gate`, `activity`, …
    pub kind: &'static str,
    pub place: Place,
}

/// One overview for each workflow, in their order.
pub fn overviews(facts: &Facts<'_>) -> Vec<Overview> {
    let cx = Context::new(facts);
    let workflows = facts.workflows.iter();
    workflows.map(|workflow| overview(&cx, workflow)).collect()
}

fn overview(cx: &Context<'_>, workflow: &Workflow) -> Overview {
    let mut runbooks = cx.model.runbooks.iter();
    let runbook = runbooks.find(|it| it.full_name == workflow.name);
    let body = class_span(cx, workflow);
    let is_inside = |site: &&CallSite<'_>| {
        let span = span_of(site.call);
        site.file == workflow.place.file && body.contains(span)
    };
    let mut schedules: Vec<OverviewItem> = Vec::new();
    let calls = cx.model.all_calls();
    for item in calls
        .filter(is_inside)
        .filter_map(|site| scheduled(cx, site))
    {
        if schedules
            .iter()
            .all(|it| (it.kind, &it.name) != (item.kind, &item.name))
        {
            schedules.push(item);
        }
    }
    Overview {
        workflow: workflow.name.clone(),
        place: workflow.place,
        steps: runbook.map(outline::steps).unwrap_or_default(),
        handlers: handlers(workflow),
        gates: gates(cx, &is_inside),
        schedules,
    }
}

/// The `class` statement of the workflow, or its name where it is a function.
fn class_span(cx: &Context<'_>, workflow: &Workflow) -> Span {
    let index = cx.model.index(workflow.place.file);
    let mut classes = index.iter().flat_map(|index| &index.classes);
    let class = classes.find(|class| span_of(&class.node.name) == workflow.place.span);
    class.map_or(workflow.place.span, |class| span_of(class.node))
}

fn handlers(workflow: &Workflow) -> Vec<OverviewItem> {
    let entries = workflow.entries.iter().filter_map(|entry| {
        let kind = match entry.role {
            Role::Signal => "signal",
            Role::Query => "query",
            Role::Update => "update",
            _ => return None,
        };
        let name = entry.name.clone();
        let place = entry.place;
        Some(OverviewItem { name, kind, place })
    });
    entries.collect()
}

fn gates(cx: &Context<'_>, is_inside: &dyn Fn(&&CallSite<'_>) -> bool) -> Vec<OverviewItem> {
    let gates = Gate::all(&cx.model).filter(|gate| is_inside(&gate.site));
    let item = |gate: Gate<'_, '_>| {
        let kind = gate
            .action(&cx.model)
            .and_then(|it| it.get("kind")?.text(&cx.model));
        let name = kind.unwrap_or_else(|| "wait_for_action".to_owned());
        let place = gate.site.place();
        OverviewItem {
            name,
            kind: "gate",
            place,
        }
    };
    gates.map(item).collect()
}

fn scheduled(cx: &Context<'_>, site: &CallSite<'_>) -> Option<OverviewItem> {
    let api = site.workflow_api()?;
    let kind = if api.ends_with("child_workflow") {
        "child workflow"
    } else if api.contains("_activity") && !api.contains("info") {
        "activity"
    } else {
        return None;
    };
    let target = site.call.arguments.args.first()?;
    let name = match target {
        ast::Expr::StringLiteral(text) => text.value.to_str(),
        other => cx.model.slice(site.file, span_of(other)),
    };
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    let place = site.place();
    Some(OverviewItem { name, kind, place })
}
