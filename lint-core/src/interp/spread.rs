//! How the values of a source get from cell to cell, and which ways are sure.
//!
//! Attributes are joined over the instances of a class, elements over the keys of a container. What
//! comes through one such cell is nearly always what was put there; what comes through several is
//! often something else that was put into one of them.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, BinaryHeap};

use rustc_hash::FxHashMap;

use super::{CellKey, ClassId, Key, Machine, Origin, SourceId};

/// A use that is farther from its source than this many cells is none of which anything is said for
/// sure.
const MAX_CELLS: usize = 1_000;

/// How far a value has come: through how many cells that join several values, and through how many
/// cells altogether.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Distance {
    joins: u32,
    cells: u32,
}

impl Distance {
    /// Whether it is surely the value that comes here.
    pub(crate) fn is_sure(self) -> bool {
        const MAX_JOINS: u32 = 1;
        self.joins <= MAX_JOINS
    }
}

/// The cells that are tainted with a source by itself, and not through other cells.
#[derive(Debug, Default)]
pub(crate) struct Springs {
    cells: FxHashMap<SourceId, Vec<u32>>,
    /// Where the values of each source were followed to, if no attribute is one of a run alone.
    trails: RefCell<FxHashMap<SourceId, Trail>>,
}

/// The cells that a source taints, as far as anybody wanted to know.
#[derive(Debug, Default)]
struct Trail {
    visited: Vec<(Distance, u32)>,
    nearest: Nearest,
    /// Whose attributes are among the cells that were come by.
    classes: BTreeSet<ClassId>,
}

impl Machine<'_> {
    pub(crate) fn springs(&self) -> Springs {
        let mut springs = Springs::default();
        for (cell, it) in self.cells.iter().enumerate() {
            for &origin in it.value.taint() {
                if let Origin::Source(source) = origin {
                    springs.cells.entry(source).or_default().push(cell as u32);
                }
            }
        }
        springs
    }

    /// Visits the cells that a source taints, the nearest first, until `visit` has seen enough.
    /// Attributes of the `own` classes have one instance in a run.
    pub(crate) fn follow_source(
        &self,
        source: SourceId,
        springs: &Springs,
        own: &BTreeSet<ClassId>,
        mut visit: impl FnMut(u32, Distance) -> bool,
    ) {
        let nobody = BTreeSet::new();
        let mut trails = springs.trails.borrow_mut();
        let shared = trails.entry(source);
        let shared = shared.or_insert_with(|| self.trail_from(source, springs, &nobody));
        // All workflows go the same way until one comes by an attribute of its own.
        let mut alone = None;
        for at in 0..MAX_CELLS {
            if alone.is_none() {
                self.extend(shared, at, source, &nobody);
                if !shared.classes.is_disjoint(own) {
                    alone = Some(self.trail_from(source, springs, own));
                }
            }
            let trail = match &mut alone {
                Some(alone) => {
                    self.extend(alone, at, source, own);
                    alone
                }
                None => &mut *shared,
            };
            match trail.visited.get(at) {
                Some(&(distance, cell)) if visit(cell, distance) => {}
                _ => return,
            }
        }
    }

    fn trail_from(&self, source: SourceId, springs: &Springs, own: &BTreeSet<ClassId>) -> Trail {
        let mut trail = Trail::default();
        for &cell in springs.cells.get(&source).into_iter().flatten() {
            self.come_by(&mut trail, Distance::default(), cell, own);
        }
        trail
    }

    /// Follows a trail up to a place in it.
    fn extend(&self, trail: &mut Trail, to: usize, source: SourceId, own: &BTreeSet<ClassId>) {
        while trail.visited.len() <= to
            && let Some((distance, cell)) = trail.nearest.next()
        {
            trail.visited.push((distance, cell));
            for next in self.flows_of(cell, source) {
                self.come_by(trail, distance, next, own);
            }
        }
    }

    fn come_by(&self, trail: &mut Trail, from: Distance, cell: u32, own: &BTreeSet<ClassId>) {
        let key = self.cell_keys[cell as usize];
        if let Some(class) = class_of_attribute(key) {
            trail.classes.insert(class);
        }
        let distance = Distance {
            joins: from.joins + u32::from(joins_values(key, own)),
            cells: from.cells + 1,
        };
        trail.nearest.add(distance, cell);
    }
}

/// Cells to visit, the nearest first and each once.
#[derive(Debug, Default)]
struct Nearest {
    pending: BinaryHeap<Reverse<(Distance, u32)>>,
    distances: FxHashMap<u32, Distance>,
}

impl Nearest {
    fn add(&mut self, distance: Distance, cell: u32) {
        let known = self.distances.entry(cell);
        let is_nearer = match &known {
            Entry::Occupied(known) => distance < *known.get(),
            Entry::Vacant(_) => true,
        };
        if is_nearer {
            known.insert_entry(distance);
            self.pending.push(Reverse((distance, cell)));
        }
    }

    fn next(&mut self) -> Option<(Distance, u32)> {
        loop {
            let Reverse((distance, cell)) = self.pending.pop()?;
            // A cell may have been added again, nearer.
            if self.distances[&cell] == distance {
                return Some((distance, cell));
            }
        }
    }
}

/// Whether a cell holds what was stored in places that a run tells apart.
fn joins_values(key: CellKey, own: &BTreeSet<ClassId>) -> bool {
    if let Some(class) = class_of_attribute(key) {
        return !own.contains(&class);
    }
    match key {
        CellKey::Element(_, key) => key == Key::Any,
        CellKey::KeyTaint(_)
        | CellKey::Control(_)
        | CellKey::Thrown(_)
        | CellKey::FunctionAttr(..)
        | CellKey::Kept(..) => true,
        _ => false,
    }
}

fn class_of_attribute(key: CellKey) -> Option<ClassId> {
    match key {
        CellKey::InstanceAttr(class, _)
        | CellKey::ImportAttr(class, _)
        | CellKey::VariantAttr(class, ..) => Some(class),
        _ => None,
    }
}
