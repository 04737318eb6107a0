//! From workflow entry points to hazards: which paths lead there, and what the values do.

mod direct;
mod loaded;
mod told;

use std::cell::OnceCell;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque, hash_map};

use rustc_hash::{FxHashMap, FxHashSet};

use crate::causes::{Calls, FunctionKey};
use crate::diagnostic::{FileId, Impact, Place, Span, Subject, TraceStep};
use crate::earlier::Earlier;
use crate::facts::{Gravest, Hazard, HazardKey, HazardKind, IdleBoundary, WorkflowKind};
use crate::index::{FunctionNode, MODULE_BODY, Module};
use crate::interp::{
    ClassId, Code, CtxId, Edge, Event, EventKind, Except, FuncId, How, Machine, Obj, Origin,
    Outcome, Seen, Sink, SinkKind, Source, SourceId, Springs,
};
use crate::knowledge::{Role, STARTUP};
use crate::passthrough::WorkerLists;
use crate::syntax::Comment;
use crate::uses::{Shown, Use, Uses, impact_of, is_origin};
use crate::workflows::Found;
use crate::written::written;

use loaded::Loaded;
use told::Told;

/// All hazards that workflows reach, sorted, one for each primary place and culprit.
pub(crate) fn hazards(
    machine: &mut Machine<'_>,
    workflows: &[Found],
    by_worker: &WorkerLists,
) -> (Vec<Hazard>, Vec<IdleBoundary>, Calls) {
    let classes: Vec<_> = workflows.iter().map(|it| classes(machine, it)).collect();
    let machine = &*machine;
    let common = Common {
        springs: machine.springs(),
        by_worker,
        behind: Behind::new(machine),
        files: workflows.iter().map(|it| it.workflow.place.file).collect(),
    };
    let mut calls = Calls::default();
    let mut gravest = Gravest::default();
    let mut boundaries = BTreeSet::new();
    for (ix, (found, classes)) in workflows.iter().zip(classes).enumerate() {
        let walk = Walk::new(machine, found, ix, classes, &common);
        boundaries.extend(walk.boundaries.iter().copied());
        walk.note_calls(&mut calls);
        walk.hazards(&mut gravest);
    }
    let idle = boundaries
        .into_iter()
        .filter(|&ctx| finds_nothing(machine, ctx))
        .filter_map(|ctx| {
            let Code::Function(it) = &machine.ctx(ctx).code else {
                return None;
            };
            let function = machine.function(it.func)?;
            let place = Place {
                file: it.func.file,
                span: function.node.name_span(),
            };
            Some(IdleBoundary {
                function: machine.function_name(it.func),
                place,
            })
        });
    let mut idle: Vec<IdleBoundary> = idle.collect();
    idle.sort_by_key(|it| it.place);
    idle.dedup();
    (gravest.sorted(), idle, calls)
}

/// The class of a workflow with its bases, and the classes of objects that it keeps.
fn classes(machine: &mut Machine<'_>, found: &Found) -> (BTreeSet<ClassId>, BTreeSet<ClassId>) {
    let mro = found.class.map(|class| machine.mro(class));
    let entries = mro.iter().flat_map(|mro| mro.iter());
    let classes = entries.filter_map(|entry| match entry {
        Obj::Class(class) => Some(*class),
        _ => None,
    });
    let classes = classes.collect();
    let kept = machine.kept_by(&classes);
    (classes, kept)
}

/// What one workflow reaches.
struct Walk<'m, 'p> {
    machine: &'m Machine<'p>,
    found: &'m Found,
    workflow: usize,
    /// Classes whose bodies count as the workflow's own code.
    classes: BTreeSet<ClassId>,
    /// Classes of objects that the workflow keeps, itself included.
    kept: BTreeSet<ClassId>,
    /// For each context reached: the entry point that is nearest, and whether it is replayed.
    reached: BTreeMap<CtxId, (usize, bool)>,
    /// Handlers of queries that are registered at run time, and the entry point that does it.
    answers: BTreeMap<CtxId, usize>,
    /// The handler registered at run time from which a context is reached.
    handlers: BTreeMap<CtxId, CtxId>,
    /// Contexts that read-only handlers reach, whoever else does, and the entry point that is
    /// nearest.
    read_only: BTreeMap<CtxId, usize>,
    /// Sources that arise in what is reached.
    made: BTreeSet<SourceId>,
    /// Those of resources: something else is called on what the origin gives.
    resources: BTreeMap<SourceId, Place>,
    /// Contexts of functions asserted pure, not followed.
    boundaries: BTreeSet<CtxId>,
    uses: Uses,
    /// Few runs import anything, so it is made when one does.
    loaded: OnceCell<Loaded>,
    common: &'m Common<'m>,
}

/// What the walks of all workflows share.
struct Common<'m> {
    springs: Springs,
    /// Modules that workers pass through.
    by_worker: &'m WorkerLists,
    behind: Behind<'m>,
    /// The modules of all workflows.
    files: Vec<FileId>,
}

impl<'m, 'p> Walk<'m, 'p> {
    fn new(
        machine: &'m Machine<'p>,
        found: &'m Found,
        workflow: usize,
        (classes, kept): (BTreeSet<ClassId>, BTreeSet<ClassId>),
        common: &'m Common<'m>,
    ) -> Self {
        let mut walk = Self {
            machine,
            found,
            workflow,
            classes,
            kept,
            reached: BTreeMap::new(),
            answers: BTreeMap::new(),
            handlers: BTreeMap::new(),
            read_only: BTreeMap::new(),
            made: BTreeSet::new(),
            resources: BTreeMap::new(),
            boundaries: BTreeSet::new(),
            uses: Uses::new(Earlier::of(found, machine)),
            loaded: OnceCell::new(),
            common,
        };
        walk.reach(true);
        walk.reach(false);
        walk.read_only = walk.reach_read_only();
        (walk.made, walk.resources) = walk.sources_made();
        walk.collect_uses();
        walk
    }

    /// Breadth first from the entry points, so that the nearest one is named.
    fn reach(&mut self, replayed: bool) {
        let mut queue = VecDeque::new();
        for (ix, &ctx) in self.found.contexts.iter().enumerate() {
            let role = self.found.workflow.entries[ix].role;
            let is_replayed = !matches!(role, Role::Query | Role::Validator);
            if is_replayed == replayed && !self.reached.contains_key(&ctx) {
                self.reached.insert(ctx, (ix, replayed));
                queue.push_back(ctx);
            }
        }
        for (&ctx, &entry) in &self.answers {
            if !replayed && let Entry::Vacant(slot) = self.reached.entry(ctx) {
                slot.insert((entry, false));
                self.handlers.insert(ctx, ctx);
                queue.push_back(ctx);
            }
        }
        while let Some(ctx) = queue.pop_front() {
            let entry = self.reached[&ctx].0;
            if is_asserted_pure(self.machine, ctx) {
                self.boundaries.insert(ctx);
                continue;
            }
            let edges: Vec<Edge> = self.followed(ctx).collect();
            for edge in edges {
                if edge.how == How::Answer && replayed {
                    self.answers.entry(edge.callee).or_insert(entry);
                } else if let Entry::Vacant(slot) = self.reached.entry(edge.callee) {
                    slot.insert((entry, replayed));
                    if let Some(&handler) = self.handlers.get(&ctx) {
                        self.handlers.insert(edge.callee, handler);
                    }
                    queue.push_back(edge.callee);
                }
            }
        }
    }

    fn followed(&self, ctx: CtxId) -> impl Iterator<Item = Edge> + '_ {
        self.machine
            .ctx(ctx)
            .outcome
            .edges
            .iter()
            .copied()
            .filter(|edge| !edge.vouched)
    }

    fn collect_uses(&mut self) {
        let issuing = self.issuing();
        let is_converter = self.found.workflow.kind == WorkflowKind::Converter;
        let mut uses = std::mem::take(&mut self.uses);
        let mut note = |origin: Origin, except: Except, mut new: Use| {
            // A converter issues no commands: whatever it decides is what the data becomes.
            if is_converter {
                new.kind = new.kind.min(SinkKind::Payload);
            }
            uses.note(origin, except, new);
        };
        for &ctx in self.reached.keys() {
            let file = self.machine.ctx_file(ctx);
            let outcome = &self.machine.ctx(ctx).outcome;
            let shared = shared_state(outcome);
            let decisions = outcome.decisions.iter();
            let decisions =
                decisions.filter(|(_, callees)| callees.iter().any(|it| issuing.contains(it)));
            let sinks = outcome
                .sinks
                .iter()
                .filter(|sink| self.lasts(sink, outcome, &shared));
            for sink in sinks.chain(decisions.map(|(sink, _)| sink)) {
                // What shared state held before comes back to itself, which is no use of it.
                let own = shared.get(&sink.span).copied().flatten();
                let own = own.filter(|_| sink.kind == SinkKind::State);
                let except = match (sink.except, own) {
                    (Except::Nothing, Some(own)) => Except::Source(own),
                    (except, _) => except,
                };
                note(sink.origin, except, Use::of(sink, file, ctx));
            }
        }
        for (ix, &ctx) in self.found.contexts.iter().enumerate() {
            let entry = &self.found.workflow.entries[ix];
            let file = self.machine.ctx_file(ctx);
            // An exception that leaves the workflow is how it ends.
            for sink in &self.machine.ctx(ctx).outcome.thrown {
                note(sink.origin, sink.except, Use::of(sink, file, ctx));
            }
            if is_converter || matches!(entry.role, Role::Run | Role::Update) {
                let kind = if is_converter {
                    SinkKind::Payload
                } else {
                    SinkKind::Result
                };
                for &(origin, span) in &self.machine.ctx(ctx).outcome.returned {
                    note(
                        origin,
                        Except::Nothing,
                        Use {
                            kind,
                            place: Place { file, span },
                            ctx,
                        },
                    );
                }
            }
        }
        uses.settle(self.machine);
        self.uses = uses;
    }

    /// Whether what is stored in an attribute outlives the objects at hand: they are part of the
    /// workflow, or shared. What is read from others counts where it is read.
    fn lasts(&self, sink: &Sink, outcome: &Outcome, shared: &SharedState) -> bool {
        if sink.kind != SinkKind::State {
            return true;
        }
        let mut owners = outcome.owners_at(sink.span);
        let Some(first) = owners.next() else {
            return true;
        };
        self.kept.contains(&first)
            || owners.any(|owner| self.kept.contains(&owner))
            || shared.contains_key(&sink.span)
    }

    /// Whether commands are chosen by a value.
    fn chooses(&self, source: Option<SourceId>) -> bool {
        let kind = source.and_then(|it| self.uses.kind(it));
        kind.is_some_and(|it| it == SinkKind::Timer || it >= SinkKind::Limit)
    }

    /// Whether an attribute that is stored is one of the workflow, or of an object that it keeps.
    fn is_kept(&self, ctx: CtxId, span: Span) -> bool {
        let outcome = &self.machine.ctx(ctx).outcome;
        let mut owners = outcome.owners_at(span);
        let Some(first) = owners.next() else {
            return true;
        };
        let is_kept = |owner: ClassId| self.kept.contains(&owner);
        !outcome.seen.contains(&(span, Seen::OfFresh)) && (is_kept(first) || owners.any(is_kept))
    }

    /// The contexts that issue commands, themselves or through what they call.
    fn issuing(&self) -> BTreeSet<CtxId> {
        let mut callers: BTreeMap<CtxId, Vec<CtxId>> = BTreeMap::new();
        let mut pending = Vec::new();
        for &ctx in self.reached.keys() {
            if self.machine.ctx(ctx).outcome.issues {
                pending.push(ctx);
            }
            for edge in self.followed(ctx) {
                callers.entry(edge.callee).or_default().push(ctx);
            }
        }
        let mut issuing = BTreeSet::new();
        while let Some(ctx) = pending.pop() {
            if issuing.insert(ctx) {
                pending.extend(callers.get(&ctx).into_iter().flatten());
            }
        }
        issuing
    }

    /// Whom the code outside the workflow class calls, and what of it the workflow calls itself.
    fn note_calls(&self, calls: &mut Calls) {
        let outside = |ctx: CtxId| !self.is_inside(ctx);
        for &ctx in self
            .reached
            .keys()
            .filter(|it| !self.boundaries.contains(it))
        {
            for edge in self.followed(ctx).filter(|edge| outside(edge.callee)) {
                let callee = self.function_key(edge.callee);
                if outside(ctx) {
                    let caller = self.function_key(ctx);
                    calls.edges.entry(caller).or_default().insert(callee);
                } else {
                    calls.entered.insert(callee);
                }
            }
        }
    }

    /// All contexts of a function are one; fields count as code of the function around their class.
    fn function_key(&self, ctx: CtxId) -> FunctionKey {
        match &self.machine.ctx(ctx).code {
            Code::Function(it) => (it.func.file, it.func.ix),
            Code::Fields { class, .. } => {
                let module = self.machine.project.module(class.file);
                let ix = module.map_or(MODULE_BODY, |module| {
                    let index = module.index();
                    index.function_containing(index.class(class.ix).node.range.start().into())
                });
                (class.file, ix)
            }
        }
    }

    /// Whether the code of a context stands in the body of the workflow class or of a base.
    fn is_inside(&self, ctx: CtxId) -> bool {
        // A wrapper around a method runs in its place, and so does a handler in its own right.
        if self.found.contexts.contains(&ctx) || self.answers.contains_key(&ctx) {
            return true;
        }
        classes_around(self.machine, ctx).any(|class| self.classes.contains(&class))
    }

    fn hazards(&self, gravest: &mut Gravest) {
        let inside: Vec<bool> = (0..self.common.behind.edges.len())
            .map(|ix| self.is_inside(CtxId(ix as u32)))
            .collect();
        let mut tails: BTreeMap<CtxId, Tails> = BTreeMap::new();
        for (&ctx, &(entry, replayed)) in &self.reached {
            if !self.is_inside(ctx) || self.boundaries.contains(&ctx) {
                continue;
            }
            let query = self.read_only.get(&ctx).filter(|_| replayed).copied();
            let mut tell = |sighting: &Sighting<'_>| {
                self.hazard(sighting, entry, replayed, gravest);
                // What a query must not do is not made right by others who do it, too.
                if let Some(query) = query
                    && is_about_queries(&sighting.event.kind)
                {
                    self.hazard(sighting, query, false, gravest);
                }
            };
            let file = self.machine.ctx_file(ctx);
            for event in &self.machine.ctx(ctx).outcome.events {
                let span = event.span;
                tell(&Sighting {
                    place: Place { file, span },
                    way: None,
                    ctx,
                    event,
                    may_fill: false,
                });
            }
            for edge in self.followed(ctx) {
                if self.is_inside(edge.callee) || is_asserted_pure(self.machine, edge.callee) {
                    continue;
                }
                let span = edge.span;
                let tails = tails
                    .entry(edge.callee)
                    .or_insert_with(|| self.common.behind.tails(edge.callee, &inside));
                for tail in &tails.ends {
                    tell(&Sighting {
                        place: Place { file, span },
                        way: Some((edge, tails)),
                        ctx: tail.ctx,
                        event: tail.event,
                        may_fill: tail.may_fill || edge.how == How::MayFill,
                    });
                }
            }
        }
    }

    /// What there is to say of an event, if anything, and nothing else says it better.
    fn hazard(&self, sighting: &Sighting<'_>, entry: usize, replayed: bool, gravest: &mut Gravest) {
        let Some(told) = self.told(sighting.event, sighting.ctx, replayed) else {
            return;
        };
        if self.is_internal(told.kind, told.source) {
            return;
        }
        let impact = match told.kind {
            HazardKind::ReplayFlag { state: true } => Impact::Drift,
            HazardKind::ReplayFlag { state: false } => Impact::Replay,
            _ if self.is_only_logged(sighting) => Impact::None,
            _ => self.impact(told.source),
        };
        let definition = told.definition.as_ref().map(|it| it.place);
        let culprit = definition.unwrap_or_else(|| sighting.end(self.machine));
        let key = HazardKey::new(
            sighting.place,
            culprit,
            told.kind,
            &told.culprit,
            sighting.may_fill,
        );
        gravest.offer(key, impact, !replayed, || {
            self.made(sighting, told, impact, entry, replayed)
        });
    }

    fn made(
        &self,
        sighting: &Sighting<'_>,
        told: Told,
        impact: Impact,
        entry: usize,
        replayed: bool,
    ) -> Hazard {
        let machine = self.machine;
        let (kind, source) = (told.kind, told.source);
        let (place, last) = (sighting.place, sighting.ctx);
        let end = sighting.end(machine);
        let path = sighting.path();
        let mut written = told
            .written
            .unwrap_or_else(|| text_at(machine, end.file, end.span));
        let mut trace = Vec::new();
        for pair in path.windows(2) {
            trace.push(self.step(pair[0].callee, pair[1]));
        }
        if !path.is_empty() {
            let (function, verb) = (short_name(machine, last), told.verb);
            trace.push(TraceStep {
                place: end,
                function: machine.ctx_name(last),
                message: format!("`{function}` {verb} `{written}`"),
            });
        }
        let mut read = None;
        if let Some(definition) = told.definition {
            let place = definition.place;
            let computed = text_at(machine, place.file, place.span);
            read = Some(std::mem::replace(&mut written, computed)).filter(|_| !path.is_empty());
            trace.push(definition);
        }
        let impact_at = match kind {
            HazardKind::ReplayFlag { .. } => None,
            _ => self.impact_at(source, self.direct_use(sighting), impact),
        };
        let gravest = source.and_then(|it| self.uses.kind(it));
        Hazard {
            kind,
            place,
            expression: text_at(machine, place.file, place.span),
            trace,
            workflow: self.workflow,
            entry: self.entry_name(last, entry),
            culprit: told.culprit,
            variable: source.and_then(|source| self.variable(kind, source)),
            written,
            read,
            impact,
            is_impact_sure: impact_at.as_ref().is_none_or(|(_, is_sure)| *is_sure),
            impact_at: impact_at.map(|(step, _)| step),
            is_setting: matches!(
                gravest,
                Some(SinkKind::Timer | SinkKind::Setting | SinkKind::Limit)
            ),
            may_skip_timer: gravest == Some(SinkKind::Limit),
            read_only: !replayed,
            sandbox: told.sandbox,
            passed_through: self.is_passed_through(kind, source, &path),
            first_call: source
                .and_then(|it| self.resources.get(&it))
                .map(|at| text_at(machine, at.file, at.span)),
            may_fill: sighting.may_fill,
            remarks: told.remarks,
        }
    }

    fn variable(&self, kind: HazardKind, source: SourceId) -> Option<Subject> {
        let source = self.machine.source(source);
        let is_kept = match kind {
            HazardKind::SharedState => true,
            HazardKind::ImportTime { class } => class == STARTUP,
            _ => false,
        };
        is_kept.then(|| Subject {
            file: Some(source.ctx_file),
            name: self.machine.str(source.name).to_owned(),
        })
    }

    /// An order that nothing but a log shows, and an identity that is only compared, are fine.
    fn is_internal(&self, kind: HazardKind, source: Option<SourceId>) -> bool {
        let shown = source.and_then(|source| self.uses.kind(source));
        match kind {
            HazardKind::Unordered { .. } => shown.is_none_or(|kind| kind <= SinkKind::Log),
            HazardKind::Api { .. } => shown == Some(SinkKind::Compared),
            _ => false,
        }
    }

    /// The entry point from which a context runs, for messages.
    fn entry_name(&self, ctx: CtxId, entry: usize) -> String {
        match self.handlers.get(&ctx) {
            Some(&handler) => {
                let name = short_name(self.machine, handler);
                name.rsplit('.').next().unwrap_or_default().to_owned()
            }
            None => self.found.workflow.entries[entry].name.clone(),
        }
    }

    /// Whether the sandbox takes the module as it is: the one with the state that is shared, or
    /// any on the way.
    fn is_passed_through(&self, kind: HazardKind, source: Option<SourceId>, path: &[Edge]) -> bool {
        let machine = self.machine;
        let is_passed = |file: FileId| machine.is_passed_through(file, self.common.by_worker);
        match source.filter(|_| kind == HazardKind::SharedState) {
            Some(source) => is_passed(machine.source(source).ctx_file),
            None => path
                .iter()
                .any(|edge| is_passed(machine.ctx_file(edge.callee))),
        }
    }

    /// What the sandbox has loaded for the workflow. What runs in workflows has those of all of them.
    fn loaded(&self) -> &Loaded {
        let (machine, by_worker) = (self.machine, self.common.by_worker);
        self.loaded.get_or_init(|| {
            let workflow = &self.found.workflow;
            match workflow.is_workflow() {
                true => Loaded::with(&[workflow.place.file], machine, by_worker),
                false => Loaded::with(&self.common.files, machine, by_worker),
            }
        })
    }

    /// Whether what is called here belongs to a resource that the workflow made elsewhere, where it
    /// is reported.
    fn is_resource(&self, source: SourceId, here: Place) -> bool {
        self.made.contains(&source) && !is_origin(self.machine.source(source), here)
    }

    /// Whether commands are issued in a context or in what it calls.
    fn commands_behind(&self, start: CtxId) -> bool {
        let mut seen = BTreeSet::from([start]);
        let mut queue = VecDeque::from([start]);
        while let Some(ctx) = queue.pop_front() {
            let outcome = &self.machine.ctx(ctx).outcome;
            let is_command = |event: &Event| matches!(event.kind, EventKind::Command { .. });
            if outcome.events.iter().any(is_command) {
                return true;
            }
            for edge in self.followed(ctx) {
                if seen.insert(edge.callee) {
                    queue.push_back(edge.callee);
                }
            }
        }
        false
    }

    /// The sources that arise in what is reached, and of resources the first thing that is called on
    /// them, in the order of the text. What is only made of them comes last.
    fn sources_made(&self) -> (BTreeSet<SourceId>, BTreeMap<SourceId, Place>) {
        let (mut made, mut resources) = (BTreeSet::new(), BTreeMap::new());
        for &ctx in self.reached.keys() {
            let file = self.machine.ctx_file(ctx);
            for event in &self.machine.ctx(ctx).outcome.events {
                let span = event.span;
                let here = Place { file, span };
                let (EventKind::Api { name, .. }, Some(source)) = (event.kind, event.source) else {
                    continue;
                };
                if is_origin(self.machine.source(source), here) {
                    made.insert(source);
                } else {
                    let makes = is_class_name(self.machine.str(name));
                    let first = resources.entry(source).or_insert((makes, here));
                    *first = (makes, here).min(*first);
                }
            }
        }
        let places = resources
            .into_iter()
            .map(|(source, (_, here))| (source, here));
        (made, places.collect())
    }

    /// The contexts that entry points which are not replayed reach, whoever else does.
    fn reach_read_only(&self) -> BTreeMap<CtxId, usize> {
        let entries = self.found.workflow.entries.iter().enumerate();
        let is_read_only = |role| matches!(role, Role::Query | Role::Validator);
        let contexts = entries.zip(&self.found.contexts);
        let starts = contexts.filter(|((_, entry), _)| is_read_only(entry.role));
        let mut queue: VecDeque<(CtxId, usize)> = starts.map(|((ix, _), &ctx)| (ctx, ix)).collect();
        let mut seen = BTreeMap::new();
        while let Some((ctx, entry)) = queue.pop_front() {
            if seen.contains_key(&ctx) {
                continue;
            }
            seen.insert(ctx, entry);
            let runs = self
                .followed(ctx)
                .filter(|edge| self.runs_at_once(ctx, edge));
            queue.extend(runs.map(|edge| (edge.callee, entry)));
        }
        seen
    }

    /// Whether a handler that only answers runs what it calls: it registers others for later, and
    /// cannot await a coroutine if it is none itself.
    fn runs_at_once(&self, from: CtxId, edge: &Edge) -> bool {
        let mut entries = self.found.contexts.iter().zip(&self.found.workflow.entries);
        let is_registered = edge.how == How::Callback
            && entries.any(|(&ctx, entry)| {
                ctx == edge.callee && !matches!(entry.role, Role::Query | Role::Validator)
            });
        let is_async = |ctx| match &self.machine.ctx(ctx).code {
            Code::Function(it) => self
                .machine
                .function(it.func)
                .is_some_and(|it| matches!(it.node, FunctionNode::Def(def) if def.is_async)),
            Code::Fields { .. } => false,
        };
        !is_registered && (is_async(from) || !is_async(edge.callee))
    }

    /// Whether workflows reach the function that is taken for the start of the worker.
    fn is_set_in_a_run(&self, origin: &Source) -> bool {
        let Some(module) = self.machine.project.module(origin.ctx_file) else {
            return false;
        };
        let index = module.index();
        let ix = index.function_containing(origin.span.start);
        let setter = FuncId {
            file: origin.ctx_file,
            ix,
        };
        index.function(ix).node.name_span() == origin.span && self.machine.has_context(setter)
    }

    /// One call on the way: the expression in `from` that leads on.
    fn step(&self, from: CtxId, edge: Edge) -> TraceStep {
        let machine = self.machine;
        let verb = match edge.how {
            How::Call => "calls",
            How::Construct => "constructs",
            How::Property => "uses the property",
            How::Operator => "runs the operator method",
            How::Iterate => "iterates with",
            How::Enter => "enters",
            How::Callback | How::Answer => "hands over the callback",
            How::Factory => "fills a field with",
            How::MayFill => "may fill fields of",
        };
        TraceStep {
            place: Place {
                file: machine.ctx_file(from),
                span: edge.span,
            },
            function: machine.ctx_name(from),
            message: format!(
                "`{}` {verb} `{}`",
                short_name(machine, from),
                short_name(machine, edge.callee)
            ),
        }
    }

    fn impact(&self, source: Option<SourceId>) -> Impact {
        match source.map(|source| self.uses.kind(source)) {
            None => Impact::Unknown,
            Some(None) => Impact::None,
            Some(Some(kind)) => impact_of(kind),
        }
    }

    /// Where an impact of a source shows, and whether it surely does: in a direct use, if that is as grave.
    fn impact_at(
        &self,
        source: Option<SourceId>,
        direct: Option<Use>,
        impact: Impact,
    ) -> Option<(TraceStep, bool)> {
        let direct = direct.filter(|it| impact_of(it.kind) == impact);
        let shown = match direct {
            Some(at) => Shown { at, is_sure: true },
            None => self
                .uses
                .shown(source?, self.machine, &self.common.springs, &self.classes)?,
        };
        let found = shown.at;
        let what = match found.kind {
            SinkKind::Settled => "a use that shows no order",
            SinkKind::Compared => "the comparison within the process",
            SinkKind::Log => "the log message",
            SinkKind::External => "code that is not analysed",
            SinkKind::State => "state",
            SinkKind::Payload => "the payload",
            SinkKind::Result => "the result",
            SinkKind::Order => "the order of commands",
            SinkKind::Exception => "whether an exception is raised",
            SinkKind::Branch => "the branch",
            SinkKind::Loop => "the loop",
            SinkKind::Timer | SinkKind::Limit => "the length of the timer",
            SinkKind::Setting => "a timeout or an option of the command",
            SinkKind::Identity => "the name or id of a command",
        };
        let step = TraceStep {
            place: found.place,
            function: self.machine.ctx_name(found.ctx),
            message: what.to_owned(),
        };
        Some((step, shown.is_sure))
    }
}

/// Where a context changes state that is shared, and what that state is.
type SharedState = BTreeMap<Span, Option<SourceId>>;

fn shared_state(outcome: &Outcome) -> SharedState {
    let mut shared = SharedState::new();
    for event in &outcome.events {
        if matches!(event.kind, EventKind::SharedState { .. }) {
            shared.entry(event.span).or_insert(event.source);
        }
    }
    shared
}

/// All contexts, with what decides over the ways behind them.
struct Behind<'m> {
    /// The first edge to each callee.
    edges: Vec<Vec<Edge>>,
    /// The events of each context, with the number of the place and the kind.
    events: Vec<Vec<(u32, &'m Event)>>,
    is_pure: Vec<bool>,
}

impl<'m> Behind<'m> {
    fn new(machine: &'m Machine<'_>) -> Self {
        let mut numbers: FxHashMap<(FileId, Span, u8), u32> = FxHashMap::default();
        let mut behind = Self {
            edges: Vec::new(),
            events: Vec::new(),
            is_pure: Vec::new(),
        };
        for ctx in machine.ctxs() {
            let file = machine.ctx_file(ctx);
            let outcome = &machine.ctx(ctx).outcome;
            let events = outcome.events.iter().map(|event| {
                let next = numbers.len() as u32;
                let key = (file, event.span, kind_rank(&event.kind));
                (*numbers.entry(key).or_insert(next), event)
            });
            behind.events.push(events.collect());
            let mut callees = FxHashSet::default();
            let edges = outcome.edges.iter().copied();
            let first = edges.filter(|edge| !edge.vouched && callees.insert(edge.callee));
            behind.edges.push(first.collect());
            behind.is_pure.push(is_asserted_pure(machine, ctx));
        }
        behind
    }

    /// What a context outside a workflow leads to.
    fn tails(&self, start: CtxId, is_inside: &[bool]) -> Tails<'m> {
        let mut tails = Tails::default();
        let mut seen: FxHashSet<u32> = FxHashSet::default();
        let mut queue = VecDeque::from([(start, false)]);
        while let Some((ctx, may_fill)) = queue.pop_front() {
            let at = ctx.0 as usize;
            if self.is_pure[at] {
                continue;
            }
            for &(number, event) in &self.events[at] {
                if seen.insert(number) {
                    tails.ends.push(Tail {
                        ctx,
                        event,
                        may_fill,
                    });
                }
            }
            for &edge in &self.edges[at] {
                let callee = edge.callee;
                if callee == start || is_inside[callee.0 as usize] {
                    continue;
                }
                if let hash_map::Entry::Vacant(slot) = tails.before.entry(callee) {
                    slot.insert((ctx, edge));
                    queue.push_back((callee, may_fill || edge.how == How::MayFill));
                }
            }
        }
        tails
    }
}

/// The events that a context leads to, and the shortest path to each.
#[derive(Default)]
struct Tails<'m> {
    /// From where each context is reached first.
    before: FxHashMap<CtxId, (CtxId, Edge)>,
    ends: Vec<Tail<'m>>,
}

struct Tail<'m> {
    ctx: CtxId,
    event: &'m Event,
    /// Whether the path goes over fields that only may be filled.
    may_fill: bool,
}

/// An event, and the way to it from a place in the workflow.
struct Sighting<'w> {
    place: Place,
    /// The call that leaves the workflow, and what is behind it; `None` if the event is at the place.
    way: Option<(Edge, &'w Tails<'w>)>,
    /// Where the event happens.
    ctx: CtxId,
    event: &'w Event,
    may_fill: bool,
}

impl Sighting<'_> {
    fn end(&self, machine: &Machine<'_>) -> Place {
        Place {
            file: machine.ctx_file(self.ctx),
            span: self.event.span,
        }
    }

    fn path(&self) -> Vec<Edge> {
        let Some((first, tails)) = self.way else {
            return Vec::new();
        };
        let mut path = Vec::new();
        let mut at = self.ctx;
        while let Some((previous, edge)) = tails.before.get(&at) {
            path.push(*edge);
            at = *previous;
        }
        path.push(first);
        path.reverse();
        path
    }
}

/// What only query handlers and validators must not do.
fn is_about_queries(kind: &EventKind) -> bool {
    matches!(kind, EventKind::StateWrite(_) | EventKind::Command { .. })
}

fn kind_rank(kind: &EventKind) -> u8 {
    match kind {
        EventKind::Api { .. } => 0,
        EventKind::DirectActivity(_) => 1,
        EventKind::Unordered { .. } => 2,
        EventKind::SharedState { .. } => 3,
        EventKind::ImportTime { .. } => 4,
        EventKind::StateWrite(_) => 5,
        EventKind::Command { .. } => 6,
        EventKind::ContentWrite { .. } => 7,
        EventKind::ReplayFlag { .. } => 8,
        EventKind::Import { .. } => 9,
    }
}

/// The classes in whose bodies the code of a context stands.
fn classes_around<'m>(machine: &'m Machine<'_>, ctx: CtxId) -> impl Iterator<Item = ClassId> + 'm {
    let (fields, function) = match &machine.ctx(ctx).code {
        Code::Fields { class, .. } => (Some(*class), None),
        Code::Function(it) => (None, Some(it.func)),
    };
    let around = function.map(|func| lexical_classes(machine, func));
    fields.into_iter().chain(around.into_iter().flatten())
}

/// The classes around a function, innermost first, also through nested functions.
fn lexical_classes<'m>(
    machine: &'m Machine<'_>,
    func: FuncId,
) -> impl Iterator<Item = ClassId> + 'm {
    let index = machine.project.module(func.file).map(Module::index);
    let mut next = Some(func.ix);
    std::iter::from_fn(move || {
        let index = index?;
        let ix = next?;
        let function = index.function(ix);
        next = (function.parent != ix).then_some(function.parent);
        Some(function.class.map(|ix| ClassId {
            file: func.file,
            ix,
        }))
    })
    .flatten()
}

/// Whether `# runbook-lint: pure` stands on or directly above a `def`.
fn is_asserted_pure(machine: &Machine<'_>, ctx: CtxId) -> bool {
    let Code::Function(it) = &machine.ctx(ctx).code else {
        return false;
    };
    let file = it.func.file;
    let (Some(module), Some(source)) = (machine.project.module(file), machine.project.source(file))
    else {
        return false;
    };
    if module.comments.is_empty() || it.func.ix == crate::index::MODULE_BODY {
        return false;
    }
    let node = module.index().function(it.func.ix).node;
    let first = source.line(node.span().start);
    let name = source.line(node.name_span().start);
    let line = |it: &Comment| source.line(it.span.start);
    let before = module.comments.partition_point(|it| line(it) + 1 < first);
    let mut near = module.comments[before..].iter();
    near.by_ref().take_while(|it| line(it) <= name).any(|it| {
        let is_here = line(it) >= first || it.own_line;
        is_here && is_pure_comment(source.slice(it.span))
    })
}

fn is_pure_comment(text: &str) -> bool {
    let text = text.trim_start_matches('#').trim_start();
    text.strip_prefix("runbook-lint:")
        .is_some_and(|rest| rest.trim_start().starts_with("pure"))
}

/// Whether nothing is found in or behind a context.
fn finds_nothing(machine: &Machine<'_>, start: CtxId) -> bool {
    let mut seen = BTreeSet::from([start]);
    let mut queue = VecDeque::from([start]);
    while let Some(ctx) = queue.pop_front() {
        let outcome = &machine.ctx(ctx).outcome;
        let matters = |event: &Event| {
            !matches!(
                event.kind,
                EventKind::StateWrite(_)
                    | EventKind::ContentWrite { .. }
                    | EventKind::Command { .. }
            )
        };
        if outcome.events.iter().any(matters) {
            return false;
        }
        for edge in &outcome.edges {
            if seen.insert(edge.callee) {
                queue.push_back(edge.callee);
            }
        }
    }
    true
}

/// See [`written`].
fn text_at(machine: &Machine<'_>, file: FileId, span: Span) -> String {
    let project = machine.project;
    let tree = project.module(file).map(Module::tree);
    written(tree, project.source(file), span)
}

/// The last parts of a function's name: enough to recognise it in a message.
fn short_name(machine: &Machine<'_>, ctx: CtxId) -> String {
    match &machine.ctx(ctx).code {
        Code::Fields { class, .. } => match machine.class_node(*class) {
            Some(node) => format!("{}()", node.name),
            None => machine.ctx_name(ctx),
        },
        Code::Function(it) => match machine.function(it.func) {
            Some(function) if !function.qualname.is_empty() => function.qualname.clone(),
            _ => machine.ctx_name(ctx),
        },
    }
}

/// A refinement such as `datetime.datetime#naive` is our own notation.
fn plain_name(name: &str) -> String {
    match name.split_once('#') {
        Some((head, tail)) => format!("{head}{}", tail.find('.').map_or("", |at| &tail[at..])),
        None => name.to_owned(),
    }
}

/// Whether the last part of a name is written like that of a class.
fn is_class_name(name: &str) -> bool {
    let last = name.rsplit('.').next();
    last.is_some_and(|last| last.starts_with(char::is_uppercase))
}
