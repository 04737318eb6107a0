use std::collections::BTreeSet;

use lint_core::commands::{self, Divergence, Node, Part, Side, Structure, Verdict};
use lint_core::diagnostic::{Applicability, Diagnostic, Impact, Place, Severity, Span, TraceStep};
use lint_core::facts::{Facade, Workflow};
use lint_core::knowledge::Role;
use lint_core::project::Project;
use lint_core::rule::RuleMetadata;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::reference::{Recorded, Reference};
use crate::rule::{Edit, EditRule};

use super::sketch;

/// ## What it does
/// Compares the commands of a workflow with those it had before, and finds edits that break the replay of
/// executions that are open. Before is what `runbook-lint.lock` records, or the revision of `--diff-base`.
/// Without either of them it finds nothing.
///
/// ## Why is this bad?
/// A worker that takes up an open execution replays its history with the new code. Where that issues other
/// commands than the history has, the workflow task fails with `TMPRL1100`, and the execution is stuck until
/// the old code is back. An edit is fine if each execution that began before it finds its commands in order:
/// changed arguments and timeouts are, and so is what comes behind a patch.
///
/// ## Example
/// The lock file records that the order is charged and then shipped:
/// ```yaml path=runbook-lint.lock
/// version 1
///
/// workflow "HandleOrder"
///   run
///     activity "charge"
///     wait
///     activity "ship"
///     wait
/// ```
/// ```python
/// from datetime import timedelta
///
/// from temporalio import workflow
///
/// MINUTE = timedelta(minutes=1)
///
///
/// @workflow.defn
/// class HandleOrder:
///     @workflow.run
///     async def run(self, order: str) -> None:
///         await workflow.execute_activity("charge", order, start_to_close_timeout=MINUTE)
///         await workflow.execute_activity("pack", order, start_to_close_timeout=MINUTE)  # RB703
///         await workflow.execute_activity("ship", order, start_to_close_timeout=MINUTE)
/// ```
///
/// ## Use instead
/// Executions that are open go the old way, new ones the new way:
/// ```yaml path=runbook-lint.lock
/// version 1
///
/// workflow "HandleOrder"
///   run
///     activity "charge"
///     wait
///     activity "ship"
///     wait
/// ```
/// ```python
/// from datetime import timedelta
///
/// from temporalio import workflow
///
/// MINUTE = timedelta(minutes=1)
///
///
/// @workflow.defn
/// class HandleOrder:
///     @workflow.run
///     async def run(self, order: str) -> None:
///         await workflow.execute_activity("charge", order, start_to_close_timeout=MINUTE)
///         if workflow.patched("pack-first"):
///             await workflow.execute_activity("pack", order, start_to_close_timeout=MINUTE)
///         await workflow.execute_activity("ship", order, start_to_close_timeout=MINUTE)
/// ```
///
/// ## Fix
/// Only shown: where a statement came in, the gate around it, with a name that is proposed. What ran before
/// belongs below the `else:`.
///
/// ## Limits
/// It is an error where some execution certainly fails, and a warning where that depends on what the code
/// does not say, such as a condition that is new. Executions that are closed are never replayed, so what comes
/// after the last wait is free. Workflows whose executions stay with their version are not compared: those
/// with `versioning_behavior=VersioningBehavior.PINNED` or `pinned-versions = true` in the configuration, and
/// runbooks with a new `version`.
///
/// ## References
/// - <https://docs.temporal.io/develop/python/versioning>
/// - <https://docs.temporal.io/develop/safe-deployments>
#[derive(RuleMetadata)]
#[rule(
    code = "RB703",
    severity = "error",
    category = "versioning",
    fix = "display-only",
    since = "0.1.0",
    summary = "an edit that breaks the replay of open executions"
)]
pub(crate) struct IncompatibleEdit;

impl EditRule for IncompatibleEdit {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn compare(&self, edit: &Edit<'_>, report: &mut Vec<Diagnostic>) {
        let known = edit.now.iter();
        let known = known.filter_map(|it| Some((it.workflow.as_ref()?, it)));
        let known: Vec<Now<'_>> = known.collect();
        for (reference, all) in in_force(edit.before) {
            if reference.is_pinned {
                continue;
            }
            for (recorded, now) in paired(&all, &known) {
                let before = Before {
                    project: edit.project,
                    now: &known,
                    reference,
                    recorded,
                };
                match now {
                    _ if recorded.structure.is_pinned => {}
                    Some((workflow, now)) => before.compare(workflow, now, report),
                    None => before.removed(report),
                }
            }
        }
    }
}

type Now<'c> = (&'c Workflow, &'c Recorded);

/// What is to be compared: of two records of a workflow, the one of the first reference.
fn in_force(references: &[Reference]) -> Vec<(&Reference, Vec<&Recorded>)> {
    let mut known: BTreeSet<&str> = BTreeSet::new();
    let mut all = Vec::new();
    for reference in references {
        let recorded = reference.workflows.iter();
        let new: Vec<&Recorded> = recorded
            .filter(|it| !known.contains(it.structure.workflow_type.as_str()))
            .collect();
        known.extend(new.iter().map(|it| it.structure.workflow_type.as_str()));
        all.push((reference, new));
    }
    all
}

/// Each recorded workflow with what it is now, if anything. Several workers of a project may use
/// one type for different classes: those with the same name belong together, and of the rest
/// those that are alone with their type on both sides. The others cannot be told.
fn paired<'c>(recorded: &[&'c Recorded], now: &[Now<'c>]) -> Vec<(&'c Recorded, Option<Now<'c>>)> {
    let is_same = |old: &Recorded, new: &Now<'_>| {
        let is_there = old.path.is_none() || old.path == new.1.path;
        old.structure.workflow_type == new.1.structure.workflow_type
            && old.name.as_ref() == Some(&new.0.name)
            && is_there
    };
    let mut pairs = Vec::new();
    for old in recorded {
        let workflow_type = &old.structure.workflow_type;
        if let Some(new) = now.iter().find(|new| is_same(old, new)) {
            pairs.push((*old, Some(*new)));
            continue;
        }
        let is_of_type = |it: &&Now<'_>| it.1.structure.workflow_type == *workflow_type;
        let is_free =
            |it: &&Now<'_>| is_of_type(it) && !recorded.iter().any(|old| is_same(old, it));
        let mut left = recorded.iter().filter(|it| {
            it.structure.workflow_type == *workflow_type && !now.iter().any(|new| is_same(it, new))
        });
        let free: Vec<&Now<'_>> = now.iter().filter(is_free).collect();
        match free[..] {
            [new] if left.by_ref().count() == 1 => pairs.push((*old, Some(*new))),
            [] if !now.iter().any(|it| is_of_type(&it)) => pairs.push((*old, None)),
            _ => {}
        }
    }
    pairs
}

/// A workflow as it was.
struct Before<'c, 'p> {
    project: &'c Project<'p>,
    now: &'c [Now<'c>],
    reference: &'c Reference,
    recorded: &'c Recorded,
}

impl<'c> Before<'c, '_> {
    fn compare(&self, workflow: &'c Workflow, now: &Recorded, report: &mut Vec<Diagnostic>) {
        let is_new_version = match (&self.recorded.version, &now.version) {
            (Some(old), Some(new)) => old != new,
            _ => false,
        };
        if is_new_version {
            return;
        }
        let now = &now.structure;
        let before = &self.recorded.structure;
        let read = &before.read_attributes() & &now.read_attributes();
        for old in &before.parts {
            let is_handler = old.role != Role::Run;
            let Some(new) = now.part(old.role, &old.name) else {
                self.handler_removed(workflow, now, old, report);
                continue;
            };
            match commands::compare(old, new, is_handler, &read) {
                Verdict::Equal | Verdict::Compatible => {}
                Verdict::Incompatible(it) => {
                    let finding = self.diverges(workflow, new, &it, true);
                    finding.report(report);
                }
                Verdict::Unproven(it) => {
                    let finding = self.diverges(workflow, new, &it, false);
                    finding.report(report);
                }
            }
        }
        for new in &now.parts {
            if self.recorded.structure.part(new.role, &new.name).is_none() {
                self.handler_added(workflow, new, report);
            }
        }
    }

    /// A signal that nobody handled is kept, and a replay hands it to the new handler.
    fn handler_added(&self, workflow: &Workflow, new: &Part, report: &mut Vec<Diagnostic>) {
        // What is left of a handler issues commands or changes what some condition reads.
        if new.role != Role::Signal || new.nodes.is_empty() {
            return;
        }
        let message = format!(
            "the signal handler `{}` of `{}` is new, so executions of {} that have got such a signal run it in a replay",
            new.name, self.recorded.structure.workflow_type, self.reference.origin
        );
        Finding::new(
            &IncompatibleEdit::METADATA,
            new.place.file,
            new.place.span,
            message,
        )
        .severity(Severity::Warning)
        .help("send the signal only to executions that began after the deployment")
        .in_workflow(workflow)
        .culprit(new.name.as_str())
        .report(report);
    }

    fn diverges(
        &self,
        workflow: &Workflow,
        part: &Part,
        at: &Divergence,
        is_certain: bool,
    ) -> Finding {
        let name = &self.recorded.structure.workflow_type;
        let place = at.new.place.unwrap_or(part.place);
        let severity = if is_certain {
            Severity::Error
        } else {
            Severity::Warning
        };
        let impact = if is_certain {
            Impact::Replay
        } else {
            Impact::Unknown
        };
        let message = self.message(at, is_certain);
        let finding = Finding::new(&IncompatibleEdit::METADATA, place.file, place.span, message)
            .severity(severity)
            .help(self.help(workflow, at))
            .in_workflow(workflow)
            .entry(entry(workflow, part), impact)
            .culprit(format!("{name} {}", part.name).trim_end())
            .trace(self.trace(workflow, part, at));
        let is_gated = workflow.facade == Facade::Runbook || is_about_patch(at);
        let gate = at.new.place.filter(|_| !is_gated);
        let id = proposed_id(name, at);
        match gate.and_then(|place| sketch::gate(self.project, place, &id)) {
            Some((span, gated)) => finding.replace(
                format!("put it behind the patch `{id}`"),
                Applicability::DisplayOnly,
                span,
                gated,
            ),
            None => finding,
        }
    }

    fn message(&self, at: &Divergence, is_certain: bool) -> String {
        let name = &self.recorded.structure.workflow_type;
        let origin = &self.reference.origin;
        let (old, new) = (&at.old.what, &at.new.what);
        match (is_certain, &at.decision) {
            (true, _) => format!(
                "`{name}` goes on with {new} where executions of {origin} went on with {old}, so their replay fails"
            ),
            (false, Some(decision)) => format!(
                "`{name}` may go on with {new} where executions of {origin} went on with {old}: that depends on `{}`",
                self.shown(decision)
            ),
            (false, None) => format!(
                "whether `{name}` goes on with {new} as executions of {origin} went on with {old} cannot be known"
            ),
        }
    }

    /// From the old command to the new one.
    fn trace(&self, workflow: &Workflow, part: &Part, at: &Divergence) -> Vec<TraceStep> {
        let Some(before) = at.old.place.and_then(|place| self.recorded.location(place)) else {
            return Vec::new();
        };
        let function = format!("{}.{}", workflow.name, entry(workflow, part));
        let (old, new) = (&at.old.what, &at.new.what);
        vec![
            TraceStep {
                place: part.place,
                function: function.clone(),
                message: format!("before, {old} came next ({before})"),
            },
            TraceStep {
                place: at.new.place.unwrap_or(part.place),
                function,
                message: format!("now {new} comes next"),
            },
        ]
    }

    /// A condition as its author wrote it, in one short line.
    fn shown(&self, decision: &Side) -> String {
        const MAX: usize = 60;
        let project = self.project;
        let written = decision.place.and_then(|place| {
            let text = project.source(place.file)?.slice(place.span);
            Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
        });
        let text = written.unwrap_or_else(|| decision.what.clone());
        match text.char_indices().nth(MAX) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        }
    }

    fn help(&self, workflow: &Workflow, at: &Divergence) -> String {
        if workflow.facade == Facade::Runbook {
            return "give `runbook.md` a new `version`, so that executions that are open stay with the old one".to_owned();
        }
        if is_about_patch(at) {
            return "replace `patched` by `deprecate_patch` first, and remove that when no execution with the marker is open".to_owned();
        }
        let id = proposed_id(&self.recorded.structure.workflow_type, at);
        format!(
            "write the new code below `if workflow.patched(\"{id}\"):` and keep the old code below `else:`"
        )
    }

    fn handler_removed(
        &self,
        workflow: &Workflow,
        now: &Structure,
        old: &Part,
        report: &mut Vec<Diagnostic>,
    ) {
        let name = &now.workflow_type;
        let (what, consequence) = match old.role {
            Role::Run => return,
            Role::Update => ("update", "an execution that has got one fails in a replay"),
            _ if !issues(&old.nodes) => ("signal", "open executions get it without effect"),
            _ => ("signal", "an execution that has got one fails in a replay"),
        };
        let loses_commands = issues(&old.nodes) || old.role == Role::Update;
        let message = format!(
            "the {what} handler `{}` of `{name}` in {} is gone, so {consequence}",
            old.name, self.reference.origin
        );
        let place = workflow.place;
        let severity = match loses_commands {
            true => Severity::Error,
            false => Severity::Warning,
        };
        Finding::new(&IncompatibleEdit::METADATA, place.file, place.span, message)
            .severity(severity)
            .help("keep the handler until no execution is open that may have got the message")
            .in_workflow(workflow)
            .culprit(format!("{name} {}", old.name))
            .report(report);
    }

    fn removed(&self, report: &mut Vec<Diagnostic>) {
        let name = &self.recorded.structure.workflow_type;
        let project = self.project;
        let path = self.recorded.path.as_deref();
        let known = path.and_then(|path| project.file(path));
        let workflows = self.now.iter().map(|(it, _)| it.place.file);
        let Some(file) = known
            .into_iter()
            .chain(workflows)
            .chain(project.files())
            .next()
        else {
            return;
        };
        let message = format!(
            "the workflow `{name}` of {} is gone, so no worker takes up its open executions",
            self.reference.origin
        );
        let place = Place {
            file,
            span: Span::default(),
        };
        Finding::new(&IncompatibleEdit::METADATA, place.file, place.span, message)
            .help("keep the class, or its type by `@workflow.defn(name=…)`, until no execution is open")
            .culprit(name.as_str())
            .report(report);
    }
}

fn is_about_patch(at: &Divergence) -> bool {
    at.old.what.starts_with("the marker of patch")
}

fn issues(nodes: &[Node]) -> bool {
    nodes.iter().any(|node| match node {
        Node::Command(..) => true,
        other => other.blocks().into_iter().any(issues),
    })
}

/// The method behind an entry point.
fn entry(workflow: &Workflow, part: &Part) -> String {
    let found = workflow.entries.iter().find(|it| it.place == part.place);
    found.map_or_else(|| part.name.clone(), |it| it.name.clone())
}

/// An id that says what is new: `handle-order-pack`.
fn proposed_id(workflow: &str, at: &Divergence) -> String {
    let mut id = kebab(workflow);
    let name = at.new.what.split('`').nth(1);
    if let Some(name) = name.or_else(|| at.old.what.split('`').nth(1)) {
        id.push('-');
        id.push_str(&kebab(name));
    }
    id.truncate(60);
    id.trim_matches('-').to_owned()
}

fn kebab(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars().filter(char::is_ascii) {
        let is_break = c.is_ascii_uppercase() || !c.is_ascii_alphanumeric();
        if is_break && !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
        if c.is_ascii_alphanumeric() {
            out.push(c.to_ascii_lowercase());
        }
    }
    out
}
