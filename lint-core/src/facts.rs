//! What the analysis found out, as rules see it.

use std::collections::{BTreeMap, BTreeSet, btree_map};
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use crate::causes::{Calls, Gateways};
use crate::commands::structure::Structure;
use crate::diagnostic::{FileId, Impact, Place, Subject, TraceStep};
use crate::index::{ClassIx, FunctionIx};
use crate::knowledge::{CommandKind, Knowledge, Remarks, Role, Sandbox};
use crate::project::{Project, Reads};

/// Everything a rule may look at.
pub struct Facts<'p> {
    pub project: &'p Project<'p>,
    pub knowledge: &'p Knowledge,
    /// What shares no code, in order.
    pub parts: Vec<Part>,
    /// Python files that the interpretation came to know of, in order.
    pub files: Vec<FileId>,
    /// Of all parts together, once somebody asks.
    seen: OnceLock<Arc<Seen>>,
}

/// A part of the project with what was seen of it.
#[derive(Clone)]
pub struct Part {
    pub seen: Arc<Seen>,
    /// The files that were read for it.
    pub reads: Reads,
    pub(crate) calls: Arc<Calls>,
}

impl<'p> Facts<'p> {
    pub(crate) fn new(
        project: &'p Project<'p>,
        knowledge: &'p Knowledge,
        parts: Vec<Part>,
    ) -> Self {
        Self {
            project,
            knowledge,
            parts,
            files: project.parsed().collect(),
            seen: OnceLock::new(),
        }
    }

    /// Of one part, in a view of the project that notes what is read.
    pub fn of_part(project: &'p Project<'p>, knowledge: &'p Knowledge, part: &Part) -> Self {
        let files = part.reads.files();
        Self {
            project,
            knowledge,
            parts: vec![part.clone()],
            files: files.filter(|&file| project.is_parsed(file)).collect(),
            seen: OnceLock::from(part.seen.clone()),
        }
    }

    /// As if this had been seen in the files.
    pub fn of(
        project: &'p Project<'p>,
        knowledge: &'p Knowledge,
        seen: Arc<Seen>,
        files: Vec<FileId>,
    ) -> Self {
        Self {
            project,
            knowledge,
            parts: Vec::new(),
            files,
            seen: OnceLock::from(seen),
        }
    }

    /// Everything that runs in workflows of all parts; some may be in several.
    pub fn workflows_of_parts(&self) -> impl Iterator<Item = &Workflow> {
        self.parts.iter().flat_map(|part| &part.seen.workflows)
    }
}

impl Deref for Facts<'_> {
    type Target = Seen;

    fn deref(&self) -> &Seen {
        self.seen.get_or_init(|| Arc::new(merged(&self.parts)))
    }
}

/// What the interpretation of a project, or of a part of it, has shown. All lists are sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Everything that runs in workflows on its own account, workflows first of all.
    pub workflows: Vec<Workflow>,
    /// What each workflow runs, in the order of [`Seen::workflows`].
    pub reach: Vec<Reach>,
    /// The commands that each workflow can issue, in the same order; `None` for what is none, and
    /// for all if nobody asked.
    pub structures: Vec<Option<Structure>>,
    pub observed: Observed,
    /// Names that the configuration gives a part to and that nothing in the project has.
    pub unmatched: Vec<String>,
    /// Activities that were seen, by place.
    pub activities: Vec<Activity>,
    pub hazards: Vec<Hazard>,
    pub idle_boundaries: Vec<IdleBoundary>,
    /// What all paths to a function go through.
    pub gateways: Gateways,
    /// Workflows, and modules and functions that define some, whose analysis stopped at a bound, by
    /// name: hazards may be missing there, and only there.
    pub cut_short: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workflow {
    /// `package.module.Class`.
    pub name: String,
    /// The name in the `class` statement.
    pub place: Place,
    pub kind: WorkflowKind,
    /// Whether a decorator says that it is a workflow, and not a base class alone.
    pub is_defined: bool,
    /// Whether a decorator of an SDK is on the class, and its run method only on a base.
    pub inherits_run: bool,
    /// Whether the sandbox of the SDK runs it, which its decorator can switch off.
    pub is_sandboxed: bool,
    pub facade: Facade,
    pub entries: Vec<Entry>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WorkflowKind {
    Class,
    Function,
    /// A class that the worker puts around workflows.
    Interceptor,
    /// A class that turns the data of workflows into payloads and back.
    Converter,
}

impl WorkflowKind {
    /// What to call it before its name.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Class | Self::Function => "workflow",
            Self::Interceptor => "workflow interceptor",
            Self::Converter => "converter",
        }
    }
}

impl Workflow {
    /// Whether it is a workflow and not what runs in one.
    pub fn is_workflow(&self) -> bool {
        matches!(self.kind, WorkflowKind::Class | WorkflowKind::Function)
    }

    /// Whether its run method was found, so that what it does was looked at.
    pub fn is_entered(&self) -> bool {
        self.is_workflow() && self.entries.iter().any(|entry| entry.role == Role::Run)
    }
}

/// Which API the workflow is written against; it decides what to recommend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Facade {
    Temporal,
    Runbook,
    /// An engine that copies Temporal's API; nothing is rewritten to it.
    Other,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub name: String,
    pub role: Role,
    pub place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    pub name: String,
    pub place: Place,
}

/// Something that code reached from a workflow does, with the path that leads there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hazard {
    pub kind: HazardKind,
    /// The expression inside the workflow class from which the path leaves it.
    pub place: Place,
    /// The text of that expression in one short line; a call without its arguments, `stamp()`.
    pub expression: String,
    /// Empty when the culprit is at `place`; otherwise its last step is the culprit.
    pub trace: Vec<TraceStep>,
    /// Index into [`Seen::workflows`].
    pub workflow: usize,
    /// The entry point that the path starts from.
    pub entry: String,
    /// Fully resolved name of the culprit.
    pub culprit: String,
    /// The variable that runs share, or that the start of a worker sets.
    pub variable: Option<Subject>,
    /// The culprit as its author wrote it, in the same form: `datetime.now()`, `os.environ`.
    pub written: String,
    /// What a function that is called here reads, in the same form, if the culprit computed it when
    /// a module was imported.
    pub read: Option<String>,
    pub impact: Impact,
    /// Where the value controls the commands, or data. Its message is a noun phrase for what it
    /// controls there: ``the branch``, ``the name or id of a command``.
    pub impact_at: Option<TraceStep>,
    /// Whether the value surely comes there. It may be another one where it comes through attributes
    /// or containers that hold several.
    pub is_impact_sure: bool,
    /// Whether the gravest that it does is to say how long a timer is, or how a command is carried out:
    /// a replay does not compare that, and no code of the workflow can read it.
    pub is_setting: bool,
    /// Whether that timer is not started at all where the value leaves it no length.
    pub may_skip_timer: bool,
    /// Whether only query handlers and update validators reach it, which are not replayed.
    pub read_only: bool,
    pub sandbox: Sandbox,
    /// Whether the culprit is in a module whose import bypasses the sandbox.
    pub passed_through: bool,
    /// The first that is called on what it makes, in the same form, if that is what matters.
    pub first_call: Option<String>,
    /// Whether it only happens if a mapping that is not known lacks a field.
    pub may_fill: bool,
    /// What to know about this one API.
    pub remarks: Remarks,
}

impl Hazard {
    /// Where the culprit stands.
    pub fn culprit_place(&self) -> Place {
        self.trace.last().map_or(self.place, |step| step.place)
    }

    fn key(&self) -> HazardKey {
        let culprit = self.culprit_place();
        HazardKey::new(self.place, culprit, self.kind, &self.culprit, self.may_fill)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HazardKind {
    /// A known API of this class is called or read.
    Api { class: &'static str },
    /// An `@activity.defn` function is called instead of scheduled.
    DirectActivity,
    /// A set is iterated where the order matters.
    Unordered { elements: Elements },
    /// Module or class level state that all runs of a worker share is changed.
    SharedState,
    /// A module-level value of this class, computed at import, is read.
    ImportTime { class: &'static str },
    /// State of the workflow is changed.
    StateWrite,
    /// A command is issued, or state changed, only if history is (or is not) being replayed.
    ReplayFlag { state: bool },
    /// A module is loaded while a workflow runs.
    LateImport { unless: Unless },
    /// A command is issued.
    Command { kind: CommandKind },
}

/// What may have brought a module into the sandbox before a run imports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unless {
    Nothing,
    /// An import of the same module that passes it through.
    Passed,
    /// A package outside the project that is loaded with the workflow, and that may import the module.
    Others,
}

/// Why the order of a set's elements varies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Elements {
    /// Their hash is salted per process (`str`, `bytes`, `datetime`, enum members, …).
    Salted,
    /// Their hash is an address.
    Address,
    /// Their type is not known.
    Unknown,
}

/// A function asserted `# runbook-lint: pure` beyond which nothing would have been found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdleBoundary {
    pub function: String,
    pub place: Place,
}

/// A function, lambda or module body of the project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FunctionRef {
    pub file: FileId,
    pub ix: FunctionIx,
}

/// A class of the project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClassRef {
    pub file: FileId,
    pub ix: ClassIx,
}

/// The code that one workflow runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// The workflow class; `None` for a function that the configuration declares to be one.
    pub class: Option<ClassRef>,
    /// The class and its bases in the project, in the order of look-up.
    pub bases: Vec<ClassRef>,
    /// The bases outside the project, from which members may come; `?` for one that is not known.
    pub foreign_bases: Vec<String>,
    /// For each entry point, in the order of [`Workflow::entries`].
    pub entries: Vec<EntryReach>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryReach {
    pub function: FunctionRef,
    /// The functions that run because of it, itself included.
    pub runs: BTreeSet<FunctionRef>,
}

/// What the interpreter saw expressions to be, by their places, for rules that read the code of
/// functions themselves. All contexts of a function are joined; dead code is not in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Observed {
    /// What the calls run.
    pub calls: BTreeMap<Place, Vec<Callee>>,
    /// The classes to whose instances attributes belong.
    pub owners: BTreeMap<Place, Vec<ClassRef>>,
    /// What is raised, and what `except` clauses catch, by the place of the expression.
    pub exceptions: BTreeMap<Place, Exceptions>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Callee {
    Function(FunctionRef),
    /// A function that is handed over with the call, and run for it.
    Callback(FunctionRef),
    /// The class is instantiated.
    Class(ClassRef),
    /// Something outside the project, by its dotted name.
    External(String),
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exceptions {
    /// For each class its dotted name and those of its bases, in the order of look-up.
    pub classes: Vec<Vec<String>>,
    /// Whether it may be of another class too.
    pub is_open: bool,
}

impl Observed {
    /// Adds what was seen elsewhere.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (place, callees) in &other.calls {
            join(self.calls.entry(*place).or_default(), callees);
        }
        for (place, owners) in &other.owners {
            join(self.owners.entry(*place).or_default(), owners);
        }
        for (place, exceptions) in &other.exceptions {
            let known = self.exceptions.entry(*place).or_default();
            join(&mut known.classes, &exceptions.classes);
            known.is_open |= exceptions.is_open;
        }
    }
}

/// Joins two sorted lists.
fn join<T: Ord + Clone>(into: &mut Vec<T>, from: &[T]) {
    into.extend_from_slice(from);
    into.sort();
    into.dedup();
}

/// What was seen of all parts, as if there were one.
fn merged(parts: &[Part]) -> Seen {
    let mut merged = Seen::default();
    let mut hazards: Vec<(Hazard, (String, Place))> = Vec::new();
    type Shown = (Workflow, (Reach, Option<Structure>));
    let mut workflows: BTreeMap<(String, Place), Shown> = BTreeMap::new();
    let mut unmatched: Option<Vec<String>> = None;
    let mut calls = Calls::default();
    for part in parts {
        calls.merge(&part.calls);
        let part = &part.seen;
        let shown = part.reach.iter().zip(&part.structures);
        for (it, (reach, structure)) in part.workflows.iter().zip(shown) {
            let key = (it.name.clone(), it.place);
            let all = || (it.clone(), (reach.clone(), structure.clone()));
            workflows.entry(key).or_insert_with(all);
        }
        merged.observed.merge(&part.observed);
        // What one part has a name for is not unmatched.
        unmatched = Some(match unmatched {
            None => part.unmatched.clone(),
            Some(mut all) => {
                all.retain(|name| part.unmatched.contains(name));
                all
            }
        });
        merged.activities.extend_from_slice(&part.activities);
        merged
            .idle_boundaries
            .extend_from_slice(&part.idle_boundaries);
        merged.cut_short.extend_from_slice(&part.cut_short);
        for hazard in &part.hazards {
            let it = &part.workflows[hazard.workflow];
            hazards.push((hazard.clone(), (it.name.clone(), it.place)));
        }
    }
    let numbers: BTreeMap<&(String, Place), usize> = workflows
        .keys()
        .enumerate()
        .map(|(ix, key)| (key, ix))
        .collect();
    for (hazard, key) in &mut hazards {
        hazard.workflow = numbers[&*key];
    }
    hazards.sort_by_key(|(hazard, _)| hazard.workflow);
    let mut gravest = Gravest::default();
    for (hazard, _) in hazards {
        let (impact, read_only) = (hazard.impact, hazard.read_only);
        gravest.offer(hazard.key(), impact, read_only, || hazard);
    }
    merged.hazards = gravest.sorted();
    (merged.workflows, (merged.reach, merged.structures)) = workflows.into_values().unzip();
    merged.unmatched = unmatched.unwrap_or_default();
    merged.cut_short.sort();
    merged.cut_short.dedup();
    merged.gateways = calls.gateways();
    merged.activities.sort_by_key(|it| it.place);
    merged.activities.dedup();
    merged.idle_boundaries.sort_by_key(|it| it.place);
    merged.idle_boundaries.dedup();
    merged
}

/// What tells hazards apart: of those that differ in nothing else, one is told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct HazardKey {
    place: Place,
    culprit: Option<Place>,
    kind: HazardKind,
    name: String,
}

impl HazardKey {
    pub(crate) fn new(
        place: Place,
        culprit: Place,
        kind: HazardKind,
        name: &str,
        may_fill: bool,
    ) -> Self {
        // One call may change the same shared thing at many places.
        let (culprit, name) = match kind {
            HazardKind::SharedState => (None, name),
            _ if may_fill => (None, ""),
            _ => (Some(culprit), ""),
        };
        let any = HazardKind::Api { class: "" };
        Self {
            place,
            culprit,
            kind: if may_fill { any } else { kind },
            name: name.to_owned(),
        }
    }
}

/// One hazard for each primary place and culprit. The same code may be in several workflows: the
/// gravest reading wins, the first otherwise.
#[derive(Debug, Default)]
pub(crate) struct Gravest(BTreeMap<HazardKey, Hazard>);

impl Gravest {
    /// Takes a hazard, which is made only if no other one says more. Code of a workflow is behind
    /// many calls in it on many paths, so most are not.
    pub(crate) fn offer(
        &mut self,
        key: HazardKey,
        impact: Impact,
        read_only: bool,
        make: impl FnOnce() -> Hazard,
    ) {
        match self.0.entry(key) {
            btree_map::Entry::Vacant(slot) => {
                slot.insert(make());
            }
            btree_map::Entry::Occupied(mut slot) => {
                let known = slot.get();
                if known.read_only && !read_only || known.impact < impact {
                    slot.insert(make());
                }
            }
        }
    }

    pub(crate) fn sorted(self) -> Vec<Hazard> {
        self.0.into_values().collect()
    }
}
