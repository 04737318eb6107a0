//! What becomes of the values of sources in one workflow: how grave it is, and where it shows.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{FileId, Impact, Place};
use crate::earlier::Earlier;
use crate::interp::{
    ClassId, CtxId, Distance, Except, Machine, Origin, Sink, SinkKind, Source, SourceId, Sources,
    Springs,
};

/// A use of a value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Use {
    pub(crate) kind: SinkKind,
    pub(crate) place: Place,
    pub(crate) ctx: CtxId,
}

impl Use {
    pub(crate) fn of(sink: &Sink, file: FileId, ctx: CtxId) -> Self {
        let span = sink.span;
        Self {
            kind: sink.kind,
            place: Place { file, span },
            ctx,
        }
    }

    /// What breaks the replay is equally grave, however it does; the first place tells most, since
    /// what comes later may only follow from it.
    fn grow(&mut self, new: Self) {
        if new.rank() > self.rank() {
            *self = new;
        }
    }

    fn rank(&self) -> impl Ord + use<> {
        let gravity = self.kind.min(SinkKind::Order);
        (gravity, Reverse(self.place), self.kind)
    }
}

/// Where the impact of a source shows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown {
    pub(crate) at: Use,
    /// Whether the value of this very source comes there.
    pub(crate) is_sure: bool,
}

/// The gravest uses, and by which origins they are known.
#[derive(Debug, Default)]
pub(crate) struct Uses {
    noted: BTreeMap<(Origin, Except, Option<Place>, usize), Use>,
    of_sources: BTreeMap<SourceId, Use>,
    /// The origins that are this cell.
    of_cells: BTreeMap<u32, Vec<(Origin, Except, Use)>>,
    shown: RefCell<BTreeMap<SourceId, Shown>>,
    earlier: Earlier,
}

impl Uses {
    pub(crate) fn new(earlier: Earlier) -> Self {
        Self {
            earlier,
            ..Self::default()
        }
    }

    pub(crate) fn note(&mut self, origin: Origin, except: Except, new: Use) {
        let at = (except == Except::Own).then_some(new.place);
        let key = (origin, except, at, self.earlier.period(new.ctx, new.place));
        let noted = self.noted.entry(key).or_insert(new);
        noted.grow(new);
    }

    /// The gravest use of an origin is one of all its sources.
    pub(crate) fn settle(&mut self, machine: &Machine<'_>) {
        for (&(origin, except, ..), &new) in &self.noted {
            if let Origin::Cell(cell, _) = origin {
                let uses = self.of_cells.entry(cell).or_default();
                uses.push((origin, except, new));
            }
        }
        let mut gravest_first: Vec<_> = self.noted.iter().collect();
        gravest_first.sort_by_key(|(_, it)| Reverse(it.rank()));
        let mut settled = Sources::default();
        for (&(origin, except, ..), new) in gravest_first {
            for source in machine.sources_of_but(origin, &settled) {
                if !self.is_excepted(machine, source, except, new) {
                    settled.insert(source);
                    self.of_sources.insert(source, *new);
                }
            }
        }
    }

    /// How grave the gravest use of a source is.
    pub(crate) fn kind(&self, source: SourceId) -> Option<SinkKind> {
        self.of_sources.get(&source).map(|it| it.kind)
    }

    /// The nearest of the uses of a source that are as grave as its gravest.
    pub(crate) fn shown(
        &self,
        source: SourceId,
        machine: &Machine<'_>,
        springs: &Springs,
        own: &BTreeSet<ClassId>,
    ) -> Option<Shown> {
        let gravest = *self.of_sources.get(&source)?;
        if let Some(&shown) = self.shown.borrow().get(&source) {
            return Some(shown);
        }
        let found = self.nearest(source, impact_of(gravest.kind), machine, springs, own);
        let shown = found.map_or(
            Shown {
                at: gravest,
                is_sure: false,
            },
            |(distance, at)| Shown {
                at,
                is_sure: distance.is_sure(),
            },
        );
        self.shown.borrow_mut().insert(source, shown);
        Some(shown)
    }

    fn nearest(
        &self,
        source: SourceId,
        impact: Impact,
        machine: &Machine<'_>,
        springs: &Springs,
        own: &BTreeSet<ClassId>,
    ) -> Option<(Distance, Use)> {
        let is_meant = |origin: Origin, except: Except, it: &Use| {
            impact_of(it.kind) == impact
                && machine.means(origin, source)
                && !self.is_excepted(machine, source, except, it)
        };
        let direct = Origin::Source(source);
        let direct = self
            .noted
            .range((direct, Except::Nothing, None, 0)..)
            .take_while(|((origin, ..), _)| *origin == direct)
            .filter(|((origin, except, ..), it)| is_meant(*origin, *except, it))
            .map(|(_, it)| *it)
            .min_by_key(closeness);
        if let Some(direct) = direct {
            return Some((Distance::default(), direct));
        }
        let mut nearest: Option<(Distance, Use)> = None;
        machine.follow_source(source, springs, own, |cell, distance| {
            if nearest.is_some_and(|(found, _)| found < distance) {
                return false;
            }
            let uses = self.of_cells.get(&cell).into_iter().flatten();
            let meant = uses.filter(|(origin, except, it)| is_meant(*origin, *except, it));
            let here = meant.map(|(.., it)| *it);
            let all = here.chain(nearest.map(|(_, it)| it));
            nearest = all.min_by_key(closeness).map(|it| (distance, it));
            true
        });
        nearest
    }

    fn is_excepted(
        &self,
        machine: &Machine<'_>,
        source: SourceId,
        except: Except,
        it: &Use,
    ) -> bool {
        let is_own = match except {
            Except::Nothing => false,
            Except::Source(own) => source == own,
            Except::Own => is_origin(machine.source(source), it.place),
        };
        is_own || self.earlier.precedes(it.ctx, it.place, source)
    }
}

/// That something is kept says less than what it is kept for.
fn closeness(it: &Use) -> impl Ord + use<> {
    (it.kind == SinkKind::State, it.place)
}

pub(crate) fn is_origin(source: &Source, here: Place) -> bool {
    (source.ctx_file, source.span) == (here.file, here.span)
}

pub(crate) fn impact_of(kind: SinkKind) -> Impact {
    match kind {
        SinkKind::Settled | SinkKind::Compared | SinkKind::Log => Impact::None,
        SinkKind::External => Impact::Unknown,
        SinkKind::Timer
        | SinkKind::Setting
        | SinkKind::Limit
        | SinkKind::State
        | SinkKind::Payload
        | SinkKind::Result => Impact::Drift,
        SinkKind::Order
        | SinkKind::Exception
        | SinkKind::Branch
        | SinkKind::Loop
        | SinkKind::Identity => Impact::Replay,
    }
}
