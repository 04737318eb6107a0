//! Parts of a project that share no code with one another, each interpreted on its own.
//!
//! Two files belong to one part if there is code that both import, directly or through others.
//! What workflows of different parts do cannot meet, so a part comes out the same whichever others
//! there are, in whatever order, and whether it is interpreted now or was before its last change.
//! Files that hold nothing that could carry a value from one workflow to
//! another, such as an empty `__init__.py` or a module of constants and plain functions, join
//! nothing.
//!
//! [`Memo`] keeps what was seen of a part with the files that were read for it. While none of them
//! changes, it is what interpreting the part again would give. How the project is divided is kept
//! as well, for as long as a change leaves alone what that depends on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;

use crate::causes::Calls;
use crate::facts::{Part, Seen};
use crate::inert;
use crate::knowledge::Knowledge;
use crate::markers::{self, Candidates, Use};
use crate::passthrough::{self, WorkerLists};
use crate::place::FileId;
use crate::project::Project;
use crate::search::Sought;
use crate::workflows;

/// What was seen of parts in an earlier state of the project.
#[derive(Default)]
pub(crate) struct Memo(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    division: Option<Arc<Division>>,
    parts: BTreeMap<Candidates, Entry>,
}

#[derive(Clone)]
struct Entry {
    by_worker: Arc<WorkerLists>,
    part: Part,
}

impl Memo {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Files of these names may have changed. Keeps the division if it is that of the new state.
    pub(crate) fn retain<'k>(
        &self,
        old: &Project<'_>,
        new: &Project<'_>,
        knowledge: &Knowledge,
        mut changed: impl Iterator<Item = &'k String>,
    ) {
        let mut kept = self.kept();
        let Some(division) = kept.division.take().filter(|_| new.numbers_like(old)) else {
            return;
        };
        let (old, new) = (old.aside(), new.aside());
        let is_same = |key: &String| {
            let file = new.file(key);
            file.is_none_or(|file| division.is_unmoved(&old, &new, knowledge, file))
        };
        if changed.all(is_same) {
            kept.division = Some(division);
        }
    }

    fn part(
        &self,
        project: &Project<'_>,
        part: &Candidates,
        by_worker: &WorkerLists,
    ) -> Option<Entry> {
        let kept = self.kept();
        let entry = kept.parts.get(part);
        let entry = entry.filter(|it| *it.by_worker == *by_worker && project.holds(&it.part.reads));
        entry.cloned()
    }
}

/// Everything that is seen of the project, part by part, in order; how, is up to the caller.
pub(crate) fn see(
    project: &Project<'_>,
    knowledge: &Knowledge,
    memo: &Memo,
    see_part: impl Fn(&Project<'_>, &Candidates, &WorkerLists) -> (Seen, Calls) + Sync,
) -> Vec<Part> {
    let division = memo.kept().division.clone();
    let division = match division {
        Some(division) => division.used_again(project),
        None => Arc::new(Division::of(project, knowledge)),
    };
    let by_worker = &division.by_worker;
    let look = |part: &Candidates| {
        let view = project.view();
        let (seen, calls) = see_part(&view, part, by_worker);
        let part = Part {
            seen: Arc::new(seen),
            reads: view.reads(),
            calls: Arc::new(calls),
        };
        let by_worker = by_worker.clone();
        Entry { by_worker, part }
    };
    let kept = division.parts.iter();
    let kept = kept.map(|part| (part, memo.part(project, part, by_worker)));
    let kept: Vec<(&Candidates, Option<Entry>)> = kept.collect();
    let missing = kept.iter().filter(|(_, entry)| entry.is_none());
    let missing: Vec<&Candidates> = missing.map(|(part, _)| *part).collect();
    // To wake other threads for one part costs more than it gives.
    let new: Vec<Entry> = match &missing[..] {
        [one] => vec![look(one)],
        several => several
            .par_iter()
            .with_max_len(1)
            .map(|it| look(it))
            .collect(),
    };
    let mut new = new.into_iter();
    let entries: Vec<Entry> = kept
        .into_iter()
        .filter_map(|(_, entry)| entry.or_else(|| new.next()))
        .collect();
    for entry in &entries {
        project.read_again(&entry.part.reads);
    }
    let parts = entries.iter().map(|it| it.part.clone()).collect();
    // What was cut off is true of nothing, and of parts that there are no more nobody asks.
    if !project.is_interrupted() {
        *memo.kept() = Kept {
            parts: division.parts.iter().cloned().zip(entries).collect(),
            division: Some(division),
        };
    }
    parts
}

/// How the project falls into parts.
struct Division {
    parts: Vec<Candidates>,
    by_worker: Arc<WorkerLists>,
    /// The names of all markers.
    words: BTreeSet<String>,
    /// What files were searched for.
    sought: Vec<Sought>,
    /// The files that were read to find all this out.
    used: Vec<FileId>,
}

/// What of a file that was read has a say in how the project is divided.
#[derive(PartialEq, Eq)]
struct Shape {
    is_module: bool,
    may_define: bool,
    uses: Vec<Use>,
    imports: Vec<FileId>,
    all_imports: Vec<FileId>,
    carries: bool,
    stores: bool,
    passed_through: WorkerLists,
    /// Where the configuration names functions.
    functions: Vec<String>,
}

impl Shape {
    fn of(
        project: &Project<'_>,
        knowledge: &Knowledge,
        words: &BTreeSet<String>,
        file: FileId,
    ) -> Self {
        // What is no marker now is none in any round either.
        let mut uses = markers::uses(project, file, knowledge);
        uses.retain(|it| it.may_be_marker(words));
        let module = project.module(file);
        let names = module.filter(|_| !knowledge.roots().is_empty());
        let functions = names.map(|it| it.index().functions.iter());
        let functions = functions.into_iter().flatten();
        Self {
            is_module: module.is_some(),
            may_define: markers::may_define(project, file, words),
            uses,
            imports: project.imports(file, knowledge).to_vec(),
            all_imports: project.all_imports(file, knowledge).to_vec(),
            carries: can_carry(project, file),
            stores: stores_into_imports(project, file),
            passed_through: passthrough::listed(project, file),
            functions: functions.map(|it| it.qualname.clone()).collect(),
        }
    }
}

impl Division {
    fn of(project: &Project<'_>, knowledge: &Knowledge) -> Self {
        let (whole, sought) = markers::candidates(project, knowledge);
        let by_worker = Arc::new(passthrough::worker_lists(project));
        let parts = parts(project, knowledge, &whole);
        Self {
            parts,
            by_worker,
            words: whole.words,
            sought,
            used: project.used(),
        }
    }

    /// Whether the project is divided the same way after a change of this file.
    fn is_unmoved(
        &self,
        old: &Project<'_>,
        new: &Project<'_>,
        knowledge: &Knowledge,
        file: FileId,
    ) -> bool {
        let mut sought = self.sought.iter();
        sought.all(|it| it.answers_alike(old, new, file))
            && passthrough::answers_alike(old, new, file)
            && (self.used.binary_search(&file).is_err()
                || Shape::of(old, knowledge, &self.words, file)
                    == Shape::of(new, knowledge, &self.words, file))
    }

    /// What was read for it counts as read by this run.
    fn used_again(self: Arc<Self>, project: &Project<'_>) -> Arc<Self> {
        for &file in &self.used {
            project.text(file);
        }
        self
    }
}

/// The parts of the project, in order.
fn parts(project: &Project<'_>, knowledge: &Knowledge, whole: &Candidates) -> Vec<Candidates> {
    let declared = |root: &String| {
        let func = workflows::function_named(project, root)?;
        Some((root.clone(), func.file))
    };
    let roots: Vec<(String, FileId)> = whole.roots.iter().filter_map(declared).collect();
    let mut starts = whole.files.clone();
    starts.extend(roots.iter().map(|(_, file)| *file));
    let reached: Vec<FileId> = project.prefetch(&starts, knowledge).into_iter().collect();
    let mut joined = Joined::new(project, knowledge, &reached);
    let mut parts: BTreeMap<usize, Candidates> = BTreeMap::new();
    let empty = || Candidates {
        words: whole.words.clone(),
        ..Candidates::default()
    };
    for &file in &whole.files {
        let key = joined.representative(file);
        parts.entry(key).or_insert_with(empty).files.push(file);
    }
    for (root, file) in roots {
        let key = joined.representative(file);
        parts.entry(key).or_insert_with(empty).roots.push(root);
    }
    let mut parts: Vec<Candidates> = parts.into_values().collect();
    parts.sort();
    parts
}

/// Files that were joined, by their positions among all that are reached.
struct Joined<'r> {
    reached: &'r [FileId],
    /// For each file, another one of the same part, or itself.
    next: Vec<usize>,
}

impl<'r> Joined<'r> {
    fn new(project: &Project<'_>, knowledge: &Knowledge, reached: &'r [FileId]) -> Self {
        let mut joined = Self {
            reached,
            next: (0..reached.len()).collect(),
        };
        let carries = joined.carriers(project, knowledge);
        for (at, &file) in reached.iter().enumerate() {
            for import in project.all_imports(file, knowledge) {
                // What is imported later is not reached yet.
                if let Ok(import) = reached.binary_search(import)
                    && carries[at]
                    && carries[import]
                {
                    joined.join(at, import);
                }
            }
        }
        joined
    }

    /// Which files can carry something from one importer to another, by what they define or by
    /// what they import.
    fn carriers(&self, project: &Project<'_>, knowledge: &Knowledge) -> Vec<bool> {
        let mut importers: Vec<Vec<usize>> = vec![Vec::new(); self.reached.len()];
        let mut carries = vec![false; self.reached.len()];
        let mut pending = Vec::new();
        for (at, &file) in self.reached.iter().enumerate() {
            for &import in project.imports(file, knowledge) {
                importers[self.position(import)].push(at);
            }
            if can_carry(project, file) {
                pending.push(at);
            }
            if stores_into_imports(project, file) {
                // Whatever it is given that way, it carries.
                let imports = project.all_imports(file, knowledge).iter();
                pending.extend(imports.filter_map(|it| self.reached.binary_search(it).ok()));
            }
        }
        while let Some(at) = pending.pop() {
            if !std::mem::replace(&mut carries[at], true) {
                pending.extend(&importers[at]);
            }
        }
        carries
    }

    fn position(&self, file: FileId) -> usize {
        self.reached
            .binary_search(&file)
            .expect("what a reached file imports is reached")
    }

    fn representative(&mut self, file: FileId) -> usize {
        let at = self.position(file);
        self.root(at)
    }

    fn root(&mut self, mut at: usize) -> usize {
        while self.next[at] != at {
            self.next[at] = self.next[self.next[at]];
            at = self.next[at];
        }
        at
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.next[a.max(b)] = a.min(b);
    }
}

/// Whether what a file defines can carry something from one importer to another.
fn can_carry(project: &Project<'_>, file: FileId) -> bool {
    project.module(file).is_some_and(inert::keeps_something)
}

fn stores_into_imports(project: &Project<'_>, file: FileId) -> bool {
    let module = project.module(file);
    module.is_some_and(inert::stores_into_imports)
}
