//! Which contexts run when, and how much work that may be.
//!
//! Work is done in *turns*. A turn belongs to some roots: only contexts that these reach run in it,
//! and only until its budget is spent; what is left stays pending for other turns. First all roots
//! have a turn together, which is enough nearly always. When it is not, each group of roots, such
//! as the entry points of one workflow, has a turn of its own, so that heavy code that one reaches
//! costs the others nothing.

use std::collections::{BTreeSet, VecDeque};

use crate::diagnostic::FileId;
use crate::index::{FunctionNode, MODULE_BODY};

use super::{CellKey, Code, CtxId, Frame, FuncId, FuncRef, Machine, Mode, Obj, Sym, Value};

/// A context that still changes after this many runs in one turn keeps its last outcome.
const MAX_RUNS_OF_CONTEXT: u32 = 40;
/// How much work (expressions evaluated, objects read) is done for one group of roots. A count and
/// not a time, so that the result is the same on every machine.
pub(crate) const STEPS_OF_GROUP: u64 = 10_000_000;
/// The same for all of them together; more groups do not get more than this.
const STEPS_TOGETHER: u64 = 150_000_000;
/// The same for the full graph, which starts from every function and so has no natural end in a
/// very large package.
const STEPS_OF_FULL_GRAPH: u64 = 40_000_000;
/// What a root keeps for its own statements, as a part of the budget, whatever these call.
const KEPT_BY_ROOTS: u64 = 8;
/// How deep statements and expressions may be nested, over all contexts that are being run, for
/// another one to run on the spot.
const MAX_NESTING: u32 = 5_000;

/// The work in progress.
#[derive(Debug, Default)]
pub(super) struct Turn {
    number: u32,
    /// Pending contexts that the roots reach.
    queue: VecDeque<CtxId>,
    /// How many steps may have been done, of all turns, when it ends.
    limit: u64,
    /// How many of them are kept for those who share.
    kept: u64,
    kind: Kind,
    order: Order,
    /// Contexts that call something of which a value has dropped a part, in any turn.
    dropping: BTreeSet<CtxId>,
}

impl Turn {
    /// The pending context that runs next.
    fn next(&mut self) -> Option<CtxId> {
        let at = match &mut self.order {
            Order::Oldest => 0,
            Order::Newest => self.queue.len().saturating_sub(1),
            Order::Shuffled(seed) => {
                *seed = seed
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                (*seed >> 33) as usize % self.queue.len().max(1)
            }
        };
        self.queue.remove(at)
    }
}

/// Which of the pending contexts runs next. What is found does not depend on it, as long as no
/// bound is met; a test sees to that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    #[default]
    Oldest,
    Newest,
    /// One that a seed decides.
    Shuffled(u64),
}

/// What the roots of a turn are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Kind {
    /// Code that defines workflows.
    #[default]
    Definitions,
    /// Entry points. What importing a module calls is finished then, or was given up.
    Entries,
}

/// Where a context stands.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// The last turn whose roots reached it.
    turn: u32,
    /// How often it ran in that turn.
    runs: u32,
    /// Whether something it read has changed since its last run, or that was not finished.
    pending: bool,
    queued: bool,
    /// Whether any run was finished, so that there is an outcome to keep.
    complete: bool,
    /// Whether what it calls or imports gets only a part of the budget: it is a root, or did not
    /// come to its end before.
    shares: bool,
    /// The modules that it imports.
    imports: BTreeSet<CtxId>,
}

impl<'p> Machine<'p> {
    pub(crate) fn in_order(mut self, order: Order) -> Self {
        self.turn.order = order;
        self
    }

    /// Runs what the roots reach until nothing changes or the budgets are spent.
    pub(crate) fn settle(&mut self, groups: &[Vec<CtxId>], steps_of_group: u64, kind: Kind) {
        self.take_turns(groups, steps_of_group, kind);
        // What is asked and written between the turns belongs to no budget.
        self.turn.limit = u64::MAX;
    }

    fn take_turns(&mut self, groups: &[Vec<CtxId>], steps_of_group: u64, kind: Kind) {
        const ROUNDS: u32 = 3;
        self.turn.kind = kind;
        let together = steps_of_group.saturating_mul(groups.len() as u64);
        self.turn(&groups.concat(), together.min(STEPS_TOGETHER));
        if !self.is_out_of_steps() {
            return;
        }
        let mut spent = vec![0; groups.len()];
        for _ in 0..ROUNDS {
            for (group, spent) in groups.iter().zip(&mut spent) {
                let before = self.steps;
                self.turn(group, steps_of_group.saturating_sub(*spent));
                *spent += self.steps - before;
            }
        }
    }

    /// Runs everything that is pending, for the full graph.
    pub(crate) fn run(&mut self) {
        self.turn.limit = STEPS_OF_FULL_GRAPH;
        self.run_queue();
    }

    /// Whether the analysis of what these reach was given up before its end, or could not hold all
    /// that they call.
    pub(crate) fn is_unfinished(&mut self, roots: &[CtxId]) -> bool {
        self.begin_turn(roots);
        let mut dropping = self.turn.dropping.iter();
        !self.turn.queue.is_empty()
            || dropping.any(|&it| self.is_in_turn(it)) && self.lacks_calls(roots)
    }

    /// Whether calls of the roots, or of modules whose globals they use, lack what a value dropped.
    /// What other modules call while they are imported is not missed.
    fn lacks_calls(&self, roots: &[CtxId]) -> bool {
        let is_root = |it: &CtxId| !is_module(&self.ctx(*it).code);
        let called = self.called_by(roots.iter().copied().filter(is_root));
        let files: BTreeSet<FileId> = called.iter().map(|&it| self.ctx_file(it)).collect();
        let used = self.project.files().filter(|&file| {
            files.contains(&file) || self.globals_read_by(&called, file).next().is_some()
        });
        let mut origins = BTreeSet::new();
        for file in used {
            origins.insert(file);
            for name in self.globals_read_by(&called, file) {
                // From where it was imported, which may be a module that imports it as well.
                let mut from = self.imported_from.get(&(file, name));
                while let Some(&origin) = from
                    && origins.insert(origin.0)
                {
                    from = self.imported_from.get(&origin);
                }
            }
        }
        let modules = origins
            .iter()
            .filter_map(|file| self.module_ctxs.get(file).copied());
        let imported = self.called_by(modules);
        let mut dropping = self.turn.dropping.iter();
        dropping.any(|it| called.contains(it) || imported.contains(it))
    }

    /// These contexts and all that they call, without what they import.
    fn called_by(&self, roots: impl Iterator<Item = CtxId>) -> BTreeSet<CtxId> {
        let mut called: BTreeSet<CtxId> = roots.collect();
        let mut pending: Vec<CtxId> = called.iter().copied().collect();
        while let Some(id) = pending.pop() {
            let callees = self.ctx(id).outcome.edges.iter().map(|edge| edge.callee);
            pending.extend(callees.filter(|&callee| called.insert(callee)));
        }
        called
    }

    /// The globals of a module that any of these contexts read.
    fn globals_read_by(
        &self,
        contexts: &BTreeSet<CtxId>,
        file: FileId,
    ) -> impl Iterator<Item = Sym> {
        let names = self.globals_of.get(&file).into_iter().flatten().copied();
        names.filter(move |&name| {
            let id = self.cell_ids[&CellKey::Global(file, name)];
            let mut readers = self.cells[id as usize].readers.0.iter();
            readers.any(|it| contexts.contains(it))
        })
    }

    /// Whether the analysis stopped at a bound before it had seen everything.
    pub(crate) fn is_cut_short(&self) -> bool {
        self.is_out_of_steps()
            || !self.turn.dropping.is_empty()
            || self.ctxs.iter().any(|ctx| ctx.progress.pending)
    }

    fn turn(&mut self, roots: &[CtxId], budget: u64) {
        self.begin_turn(roots);
        self.turn.limit = self.steps.saturating_add(budget);
        self.turn.kept = budget / KEPT_BY_ROOTS;
        for &root in roots {
            self.ctxs[root.0 as usize].progress.shares = true;
            self.run_if_new(root);
        }
        self.turn.queue.make_contiguous().sort_unstable();
        self.run_queue();
    }

    fn begin_turn(&mut self, roots: &[CtxId]) {
        self.turn.number += 1;
        for id in std::mem::take(&mut self.turn.queue) {
            self.ctxs[id.0 as usize].progress.queued = false;
        }
        roots.iter().for_each(|&root| self.reached(root));
    }

    fn run_queue(&mut self) {
        while !self.is_out_of_steps()
            && !self.project.is_interrupted()
            && let Some(id) = self.turn.next()
        {
            self.ctxs[id.0 as usize].progress.queued = false;
            if self.ctxs[id.0 as usize].progress.pending {
                self.run_ctx(id);
            }
        }
        // What is asked for between turns is asked for by none of the contexts that ran.
        self.frame = Frame::idle(self.frame.module);
    }

    /// Whether the turn is over. From then on nothing is evaluated, recorded or written.
    pub(super) fn is_out_of_steps(&self) -> bool {
        self.steps > self.turn.limit
    }

    pub(super) fn enqueue(&mut self, id: CtxId) {
        let in_turn = self.is_in_turn(id);
        let progress = &mut self.ctxs[id.0 as usize].progress;
        progress.pending = true;
        if in_turn && !progress.queued && progress.runs < MAX_RUNS_OF_CONTEXT {
            progress.queued = true;
            self.turn.queue.push_back(id);
        }
    }

    fn is_in_turn(&self, id: CtxId) -> bool {
        self.mode == Mode::Full || self.ctxs[id.0 as usize].progress.turn == self.turn.number
    }

    /// The roots of the turn reach this context, and with it what it calls and imports.
    pub(super) fn reached(&mut self, id: CtxId) {
        if self.is_in_turn(id) {
            return;
        }
        let mut reached = vec![id];
        while let Some(id) = reached.pop() {
            if self.is_in_turn(id) {
                continue;
            }
            let ctx = &mut self.ctxs[id.0 as usize];
            ctx.progress.turn = self.turn.number;
            ctx.progress.runs = 0;
            reached.extend(&ctx.progress.imports);
            let follows = self.turn.kind == Kind::Definitions || !is_module(&ctx.code);
            let callees = ctx.outcome.edges.iter().map(|edge| edge.callee);
            let callees: Vec<CtxId> = callees.collect();
            if ctx.progress.pending {
                self.enqueue(id);
            }
            // What a module calls while it is imported belongs to its import.
            let counts = |it: &CtxId| follows || self.ctxs[it.0 as usize].at_import;
            reached.extend(callees.into_iter().filter(counts));
        }
    }

    /// Executes an import: like Python, runs the module to its end before going on.
    pub(super) fn import_module(&mut self, file: FileId) {
        let id = self.module_ctx(file);
        let importer = self.frame.ctx;
        self.ctxs[importer.0 as usize].progress.imports.insert(id);
        self.reached(id);
        self.run_if_new(id);
    }

    /// Runs a context that never ran on the spot, so that what it gives is known where it is
    /// called: nobody has to run again for that.
    pub(super) fn run_if_new(&mut self, id: CtxId) {
        let progress = &self.ctxs[id.0 as usize].progress;
        let is_new = progress.runs == 0 && !progress.complete;
        let stops = self.is_out_of_steps() || self.project.is_interrupted();
        if is_new && self.nesting < MAX_NESTING && !stops {
            let limit = self.turn.limit;
            if self.ctxs[self.frame.ctx.0 as usize].progress.shares {
                self.turn.limit = self.limit_of_share();
            }
            let idle = Frame::idle(self.frame.module);
            let outer = std::mem::replace(&mut self.frame, idle);
            self.run_ctx(id);
            self.frame = outer;
            self.turn.limit = limit;
        }
    }

    /// Where one of several calls or imports has to stop: at half of what is left for them. So one
    /// that is heavy takes nothing from the statements behind it; what was not finished goes on
    /// when these are.
    fn limit_of_share(&self) -> u64 {
        let left = self.turn.limit - self.steps;
        self.steps + left.saturating_sub(self.turn.kept) / 2
    }

    fn run_ctx(&mut self, id: CtxId) {
        let ctx = &mut self.ctxs[id.0 as usize];
        ctx.progress.runs += 1;
        ctx.progress.pending = false;
        let (code, at_import) = (ctx.code.clone(), ctx.at_import);
        let file = self.ctx_file(id);
        let Some(module) = self.project.module(file) else {
            return;
        };
        let function_ix = match &code {
            Code::Function(it) => it.func.ix,
            Code::Fields { .. } => MODULE_BODY,
        };
        self.frame = Frame {
            ctx: id,
            file,
            function: module.index().function(function_ix),
            at_import,
            ..Frame::idle(module)
        };
        match &code {
            Code::Fields { class, set } => self.run_fields(*class, set),
            Code::Function(it) => self.run_function(*it),
        }
        self.publish(id);
        self.spread_taint();
        let mut outcome = std::mem::take(&mut self.frame.out);
        outcome.edges.sort_unstable();
        outcome.edges.dedup();
        for callees in outcome.decisions.values_mut() {
            callees.sort_unstable();
            callees.dedup();
        }
        let is_out = self.is_out_of_steps();
        let ctx = &mut self.ctxs[id.0 as usize];
        if !is_out || !ctx.progress.complete {
            if outcome.drops {
                self.turn.dropping.insert(id);
            } else {
                self.turn.dropping.remove(&id);
            }
            ctx.outcome = outcome;
        }
        ctx.progress.complete |= !is_out;
        if is_out {
            ctx.progress.shares = true;
            self.resume_later(id);
        }
    }

    /// Makes a context that was cut short the next one; its callers go on before it.
    fn resume_later(&mut self, id: CtxId) {
        let progress = &mut self.ctxs[id.0 as usize].progress;
        progress.pending = true;
        if !progress.queued && progress.runs < MAX_RUNS_OF_CONTEXT {
            progress.queued = true;
            self.turn.queue.push_front(id);
        }
    }

    fn run_function(&mut self, reference: FuncRef) {
        self.interpreted.insert(reference.func);
        self.inherit_control();
        self.bind_parameters(reference);
        match self.frame.function.node {
            FunctionNode::Module(tree) => self.execute(&tree.body),
            FunctionNode::Def(def) => {
                self.execute(&def.body);
                if !self.frame.state.dead {
                    let none = self.under_control(&Value::of(Obj::None));
                    self.frame.returned.join(&none);
                } else if !self.frame.has_returned {
                    // It always raises: an abstract method, as far as callers care.
                    self.frame.returned.join(&Value::unknown());
                }
            }
            FunctionNode::Lambda(lambda) => {
                let value = self.evaluate(&lambda.body);
                self.frame.returned.join(&value);
            }
        }
    }

    /// Gives the callers what the run returned, yielded and raised.
    fn publish(&mut self, id: CtxId) {
        let always_raises = self.frame.state.dead && !self.frame.has_returned;
        self.publish_exceptions(always_raises);
        let mut returned = std::mem::take(&mut self.frame.returned);
        if returned.is_one_constant() {
            // Whatever decided over it, the callers get the same.
            returned = returned.without_taint();
        }
        self.write(CellKey::Return(id), &returned);
        let yielded = std::mem::take(&mut self.frame.yielded);
        self.write(CellKey::Yield(id), &yielded);
    }
}

fn is_module(code: &Code) -> bool {
    matches!(
        code,
        Code::Function(FuncRef {
            func: FuncId {
                ix: MODULE_BODY,
                ..
            },
            ..
        })
    )
}
