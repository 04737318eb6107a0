//! How the values of a source get from cell to cell, and which ways are sure.
//!
//! Attributes are joined over the instances of a class, elements over the keys of a container. What
//! comes through one such cell is nearly always what was put there; what comes through several is
//! often something else that was put into one of them.

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
pub(crate) struct Springs(FxHashMap<SourceId, Vec<u32>>);

impl Machine<'_> {
    pub(crate) fn springs(&self) -> Springs {
        let mut springs = Springs::default();
        for (cell, it) in self.cells.iter().enumerate() {
            for &origin in it.value.taint() {
                if let Origin::Source(source) = origin {
                    springs.0.entry(source).or_default().push(cell as u32);
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
        let mut nearest = Nearest::default();
        for &cell in springs.0.get(&source).into_iter().flatten() {
            nearest.add(self.beyond(Distance::default(), cell, own), cell);
        }
        let mut cells = 0;
        while let Some((distance, cell)) = nearest.next() {
            cells += 1;
            if cells > MAX_CELLS || !visit(cell, distance) {
                return;
            }
            for next in self.flows_of(cell, source) {
                nearest.add(self.beyond(distance, next, own), next);
            }
        }
    }

    fn beyond(&self, from: Distance, cell: u32, own: &BTreeSet<ClassId>) -> Distance {
        Distance {
            joins: from.joins + u32::from(joins_values(self.cell_keys[cell as usize], own)),
            cells: from.cells + 1,
        }
    }
}

/// Cells to visit, the nearest first and each once.
#[derive(Default)]
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
    match key {
        CellKey::InstanceAttr(class, _)
        | CellKey::ImportAttr(class, _)
        | CellKey::VariantAttr(class, ..) => !own.contains(&class),
        CellKey::Element(_, key) => key == Key::Any,
        CellKey::KeyTaint(_)
        | CellKey::Control(_)
        | CellKey::Thrown(_)
        | CellKey::FunctionAttr(..)
        | CellKey::Kept(..) => true,
        _ => false,
    }
}
