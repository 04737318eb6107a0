//! The workflow API in activities of plain Temporal code, and the API of activities in workflows.

use std::collections::{BTreeMap, BTreeSet};

use lint_core::diagnostic::{Diagnostic, Severity, Span};
use lint_core::facts::{Facade, FunctionRef};
use lint_core::index::FunctionNode;
use lint_core::names::Resolved;
use lint_core::syntax::ast::{self, ExceptHandler, Expr, Stmt};
use lint_core::syntax::{last_name, span_of};

use super::FacadeOutOfPlace;
use crate::finding::Finding;
use crate::hazard::code;
use crate::model::{CallSite, Model};
use crate::program::{Culprit, Node, Program, Running, nodes_of, nodes_of_expr, own_nodes};
use crate::rule::Context;
use crate::sdk;

pub(super) fn check(cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
    let program = Program::new(cx.facts);
    in_activities(&cx.model, program, report);
    in_workflows(program, report);
}

/// What asks for the workflow that is running, in activities and in helpers that no workflow runs.
fn in_activities(model: &Model<'_>, program: Program<'_, '_>, report: &mut Vec<Diagnostic>) {
    let mut calls: BTreeMap<FunctionRef, Vec<&CallSite<'_>>> = BTreeMap::new();
    for site in model.temporal_calls() {
        let (file, ix) = (site.file, site.function);
        calls
            .entry(FunctionRef { file, ix })
            .or_default()
            .push(site);
    }
    let in_workflows: BTreeSet<FunctionRef> = Running::all(program.facts)
        .flat_map(|it| it.runs_of(|_| true))
        .collect();
    let activities = calls.keys().filter(|it| is_activity(model, program, **it));
    let mut pending: Vec<(FunctionRef, FunctionRef)> = activities.map(|&it| (it, it)).collect();
    let mut seen: BTreeSet<FunctionRef> = pending.iter().map(|(it, _)| *it).collect();
    pending.reverse();
    while let Some((function, activity)) = pending.pop() {
        if asks_where_it_is(program, function) {
            continue;
        }
        let caught = caught(program, function);
        let is_caught = |at: Span| caught.iter().any(|it| it.contains(at));
        let sites = calls.get(&function).into_iter().flatten();
        let decided = decided_from(program, function, function == activity);
        let sites = sites.filter(|it| span_of(it.call).start < decided);
        let mut told = BTreeSet::new();
        for site in sites.filter(|it| !is_caught(span_of(it.call))) {
            if let Some(api) = site.external().and_then(of_workflows) {
                if told.insert(api) {
                    of_activity(model, program, site, api, (function, activity)).report(report);
                }
            } else if let Some(&Resolved::Function { file, ix }) = site.callee.as_ref() {
                let callee = FunctionRef { file, ix };
                if !in_workflows.contains(&callee) && seen.insert(callee) {
                    pending.push((callee, activity));
                }
            }
        }
    }
}

fn of_activity(
    model: &Model<'_>,
    program: Program<'_, '_>,
    site: &CallSite<'_>,
    api: &str,
    (function, activity): (FunctionRef, FunctionRef),
) -> Finding {
    let written = model.slice(site.file, span_of(&*site.call.func));
    let place = match function == activity {
        true => format!("in the activity `{}`", program.short_name(activity)),
        false => format!(
            "in `{}`, which the activity `{}` runs,",
            program.short_name(function),
            program.short_name(activity)
        ),
    };
    let message = format!(
        "{} {place} fails each attempt: no workflow is running there",
        code(&format!("{written}()"))
    );
    let help = match api {
        "logger" => "use `activity.logger`, or a logger of the module",
        "now" | "time" | "time_ns" => "read the real clock: `datetime.now(timezone.utc)`",
        "info" => "use `activity.info()`, which also tells of the workflow",
        "uuid4" | "uuid7" | "random" | "new_random" => "use `uuid` and `random` themselves",
        "sleep" => "use `asyncio.sleep`, or `time.sleep` in an activity that is no coroutine",
        it if it.ends_with("activity") || it.ends_with("activity_method") => {
            "call the function itself, or schedule it from the workflow"
        }
        _ => "do it in the workflow, or give the activity what it needs",
    };
    Finding::new(
        &FacadeOutOfPlace::METADATA,
        site.file,
        span_of(site.call),
        message,
    )
    .help(help)
}

/// The member of `temporalio.workflow` that a call asks and that answers in workflows only.
fn of_workflows(callee: &str) -> Option<&str> {
    if sdk::is_workflow_logger(callee) {
        return Some("logger");
    }
    let member = callee.strip_prefix("temporalio.workflow.")?;
    sdk::ONLY_IN_WORKFLOWS.contains(&member).then_some(member)
}

/// What asks for the activity that is running, in what workflows run.
fn in_workflows(program: Program<'_, '_>, report: &mut Vec<Diagnostic>) {
    for (running, entry, function) in Running::functions(program.facts) {
        let is_plain = running.workflow.facade == Facade::Temporal;
        let is_own = !program.facts.project.is_installed(function.file);
        if !is_plain || !is_own {
            continue;
        }
        let asking: Vec<(Span, &str)> = asking_for_activity(program, function);
        if asking.is_empty() || asks_where_it_is(program, function) {
            continue;
        }
        let caught = caught(program, function);
        let is_caught = |at: Span| caught.iter().any(|it| it.contains(at));
        let mut told = BTreeSet::new();
        for (at, api) in asking.into_iter().filter(|(at, _)| !is_caught(*at)) {
            let is_logger = api.starts_with("logger.");
            if !told.insert(if is_logger { "logger" } else { api }) {
                continue;
            }
            let (what, severity, help) = match is_logger {
                true => (
                    "repeats its lines on each replay",
                    Severity::Warning,
                    "use `workflow.logger`",
                ),
                false => (
                    "raises a `RuntimeError`: no activity is running there",
                    Severity::Error,
                    "use `workflow.info()`, or move it into the activity",
                ),
            };
            let message = format!(
                "`activity.{api}()` in the workflow `{}` {what}",
                running.short_name()
            );
            let culprit = Culprit::new(function, at, "an activity is asked for here");
            let rule = &FacadeOutOfPlace::METADATA;
            Finding::reached(rule, program, running, entry, culprit, message)
                .severity(severity)
                .help(help)
                .report(report);
        }
    }
}

/// The calls in a function that ask for the activity, each with the member of `temporalio.activity`.
fn asking_for_activity<'f>(
    program: Program<'f, '_>,
    function: FunctionRef,
) -> Vec<(Span, &'f str)> {
    let is_it = |it: &&str| it.starts_with("logger.") || sdk::ONLY_IN_ACTIVITIES.contains(it);
    let nodes = own_nodes(program.function(function));
    let calls = nodes.filter_map(|node| match node {
        Node::Expr(Expr::Call(call)) => Some(call),
        _ => None,
    });
    let module = program.facts.project.module(function.file);
    let body = module.map_or(&[][..], |it| &it.tree().body);
    let assigned = body.iter().filter_map(Stmt::as_assign_stmt);
    let assigned = assigned.flat_map(|it| &it.targets);
    // A name that is imported and then assigned is what is assigned.
    let rebound: BTreeSet<&str> = assigned.map(last_name).collect();
    let is_rebound = |call: &&ast::ExprCall| match &*call.func {
        Expr::Attribute(it) => it.value.is_name_expr() && rebound.contains(last_name(&it.value)),
        it => rebound.contains(last_name(it)),
    };
    let calls = calls.filter(|it| !is_rebound(it));
    let asking = calls.filter_map(|call| {
        let members = program.externals(function.file, call);
        let mut members = members.filter_map(|it| it.strip_prefix("temporalio.activity."));
        Some((span_of(call), members.find(is_it)?))
    });
    asking.collect()
}

fn is_activity(model: &Model<'_>, program: Program<'_, '_>, it: FunctionRef) -> bool {
    let Some(function) = program.function(it) else {
        return false;
    };
    let FunctionNode::Def(def) = function.node else {
        return false;
    };
    def.decorator_list.iter().any(|decorator| {
        let callee = match &decorator.expression {
            Expr::Call(call) => &*call.func,
            other => other,
        };
        let names = model.names_in(it.file);
        let resolved = names.resolve(it.file, function.parent, callee);
        resolved.is_some_and(|it| it.external() == Some("temporalio.activity.defn"))
    })
}

/// Whether a function asks whether it runs in a workflow or in an activity.
fn asks_where_it_is(program: Program<'_, '_>, function: FunctionRef) -> bool {
    own_nodes(program.function(function)).any(|node| match node {
        Node::Expr(Expr::Attribute(it)) => {
            matches!(it.attr.as_str(), "in_workflow" | "in_activity")
        }
        Node::Expr(Expr::Name(it)) => matches!(it.id.as_str(), "in_workflow" | "in_activity"),
        _ => false,
    })
}

/// Where the first condition begins, or clause of what failed, that may tell a workflow from an
/// activity. An activity itself is none of a workflow, so there only what is computed may tell it.
fn decided_from(program: Program<'_, '_>, function: FunctionRef, is_activity: bool) -> u32 {
    let nodes: Vec<Node<'_>> = own_nodes(program.function(function)).collect();
    let stores = nodes.iter().filter_map(|node| match node {
        Node::Expr(Expr::Name(it)) if it.ctx.is_store() => Some(it.id.as_str()),
        _ => None,
    });
    let stored: BTreeSet<&str> = stores.collect();
    let tells = |test: &Expr| {
        !is_activity
            || nodes_of_expr(test).iter().any(|node| match node {
                Node::Expr(Expr::Call(_) | Expr::Attribute(_)) => true,
                Node::Expr(Expr::Name(it)) => stored.contains(it.id.as_str()),
                _ => false,
            })
    };
    let conditions = nodes.iter().filter_map(|node| match node {
        Node::Stmt(whole @ Stmt::If(it)) => tells(&it.test).then(|| span_of(*whole).start),
        Node::Stmt(whole @ Stmt::Match(it)) => tells(&it.subject).then(|| span_of(*whole).start),
        Node::Expr(whole @ Expr::If(it)) => tells(&it.test).then(|| span_of(*whole).start),
        Node::Expr(whole @ Expr::BoolOp(it)) => {
            it.values.iter().any(tells).then(|| span_of(*whole).start)
        }
        Node::Stmt(Stmt::Try(it)) => it.handlers.first().map(|it| span_of(it).start),
        _ => None,
    });
    conditions.min().unwrap_or(u32::MAX)
}

/// What a function tries and goes on with if it fails.
fn caught(program: Program<'_, '_>, function: FunctionRef) -> Vec<Span> {
    const CATCH: &[&str] = &[
        "BaseException",
        "Exception",
        "RuntimeError",
        "TemporalError",
    ];
    let goes_on = |it: &ExceptHandler| {
        let ExceptHandler::ExceptHandler(it) = it;
        let named = it.type_.as_deref().map(nodes_of_expr);
        let catches = named.is_none_or(|nodes| {
            nodes.iter().any(|node| match node {
                Node::Expr(Expr::Name(it)) => CATCH.contains(&it.id.as_str()),
                Node::Expr(Expr::Attribute(it)) => CATCH.contains(&it.attr.as_str()),
                _ => false,
            })
        });
        let raises = |node: &Node<'_>| matches!(node, Node::Stmt(Stmt::Raise(_)));
        catches && !nodes_of(&it.body).iter().any(raises)
    };
    let tries = own_nodes(program.function(function)).filter_map(|node| match node {
        Node::Stmt(Stmt::Try(it)) if it.handlers.iter().any(goes_on) => Some(&it.body),
        _ => None,
    });
    tries.flatten().map(span_of).collect()
}
