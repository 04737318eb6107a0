//! How taint flows between cells.
//!
//! A value that is read from a cell does not carry the hazards that the cell is tainted with, but
//! refers to the cell. So growth of taint wakes nobody: it spreads from cell to cell along what
//! was stored, and what a run recorded stands for whatever its origins are in the end.
//!
//! Some decisions depend on taint nevertheless. Whether there is any at all splits contexts, so
//! the first taint of a cell wakes its readers; whoever asks for more is woken when the answer
//! may be another one.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use rustc_hash::FxHashMap;

use crate::diagnostic::Span;
use crate::knowledge::{IDENTITY, ORDER, REPLAY_FLAG, SHARED, TASK_ORDER};

pub(crate) use super::kinds::Kinds;
use super::value::Table;

use super::{
    CellKey, CtxId, Event, EventKind, Machine, Obj, Origin, SinkKind, Source, SourceId, Value,
};

/// All sources, and what is known of how they flow.
#[derive(Debug, Default)]
pub(super) struct Flows {
    sources: Table<Source>,
    /// Of which kind each source is.
    kinds: Vec<Kinds>,
    classes: Table<&'static str>,
    /// The sources of the kinds that were asked for, and how many there were then.
    of_kinds: FxHashMap<Kinds, (usize, Sources)>,
    /// Sets of origins that stand together as one; see `Machine::united`.
    unions: Table<Box<[Origin]>>,
    union_of_cell: FxHashMap<u32, u32>,
    /// Which cell stands for origins, as they were asked for.
    united: FxHashMap<Box<[Origin]>, u32>,
    /// Cells with taint that has not been passed on.
    pending: VecDeque<u32>,
}

impl Flows {
    fn kinds_of(&self, SourceId(source): SourceId) -> Kinds {
        self.kinds[source as usize]
    }

    fn kind_of_class(&mut self, class: &'static str) -> Kinds {
        Kinds::of_class(self.classes.id(class))
    }

    fn source(&mut self, source: Source) -> SourceId {
        let id = self.sources.id(source);
        if self.kinds.len() < self.sources.len() {
            let own = match source.class {
                ORDER | TASK_ORDER => Kinds::ORDER,
                IDENTITY => Kinds::IDENTITY,
                SHARED => Kinds::PLACE,
                REPLAY_FLAG => Kinds::REPLAY,
                _ if source.at_import => Kinds::OTHER_IMPORT,
                class => self.kind_of_class(class),
            };
            self.kinds.push(if source.at_import {
                own.and(Kinds::IMPORT)
            } else {
                own.and(Kinds::IMPORT.not())
            });
        }
        SourceId(id)
    }

    /// Adds those sources that are of certain kinds; gives the kinds of the new ones.
    fn pour(&mut self, words: impl Iterator<Item = Word>, into: &mut Taint, kinds: Kinds) -> Kinds {
        let of = (kinds != Kinds::ALL).then(|| self.of_kinds.entry(kinds).or_default());
        let of = of.map(|(count, sources)| {
            for at in *count..self.kinds.len() {
                if !self.kinds[at].and(kinds).is_none() {
                    sources.insert(SourceId(at as u32));
                }
            }
            *count = self.kinds.len();
            &*sources
        });
        let mut grown = Kinds::default();
        for Word { at, bits } in words {
            let bits = of.map_or(bits, |of| bits & of.bits(at));
            for source in into
                .add(Word { at, bits })
                .into_iter()
                .flat_map(Word::sources)
            {
                grown = grown.union(self.kinds[source.0 as usize]);
            }
        }
        grown
    }
}

/// A set of sources, as bits: the words that have any, in order. Most sets are few of many sources.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sources(Vec<Word>);

impl Sources {
    pub(crate) fn insert(&mut self, source: SourceId) -> bool {
        self.add(Word::of(source)).is_some()
    }

    /// Adds those of a word; gives the ones that are new.
    fn add(&mut self, word: Word) -> Option<Word> {
        let bits = match self.find(word.at) {
            Ok(ix) => {
                let mine = &mut self.0[ix].bits;
                let new = word.bits & !*mine;
                *mine |= new;
                new
            }
            Err(ix) => {
                if word.bits != 0 {
                    self.0.insert(ix, word);
                }
                word.bits
            }
        };
        (bits != 0).then_some(Word { bits, ..word })
    }

    fn find(&self, at: u32) -> Result<usize, usize> {
        match self.0.last() {
            Some(last) if last.at < at => Err(self.0.len()),
            _ => self.0.binary_search_by_key(&at, |it| it.at),
        }
    }

    /// The bits of one word.
    fn bits(&self, at: u32) -> u64 {
        self.find(at).map_or(0, |ix| self.0[ix].bits)
    }

    fn contains(&self, source: SourceId) -> bool {
        let word = Word::of(source);
        self.bits(word.at) & word.bits != 0
    }

    /// In order, without those of another set.
    fn but<'s>(&'s self, without: &'s Self) -> impl Iterator<Item = SourceId> + 's {
        self.0.iter().flat_map(|&Word { at, bits }| {
            let bits = bits & !without.bits(at);
            Word { at, bits }.sources()
        })
    }
}

/// The sources of one word of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Word {
    at: u32,
    bits: u64,
}

impl Word {
    fn of(SourceId(source): SourceId) -> Self {
        Self {
            at: source / 64,
            bits: 1 << (source % 64),
        }
    }

    fn sources(self) -> impl Iterator<Item = SourceId> {
        let bits = (0..64).filter(move |bit| self.bits & (1 << bit) != 0);
        bits.map(move |bit| SourceId(self.at * 64 + bit))
    }
}

/// What a cell is tainted with.
#[derive(Debug, Default)]
pub(super) struct Taint {
    sources: Sources,
    /// Those that have not been passed on.
    fresh: Sources,
    kinds: Kinds,
    /// The cells that are tainted with whatever this one is, as far as it is of these kinds.
    into: Vec<(u32, Kinds)>,
    /// Contexts that run again when there are more sources of these kinds.
    asked: BTreeMap<CtxId, Kinds>,
    is_pending: bool,
}

impl Taint {
    /// Adds sources; gives those that are new.
    fn add(&mut self, word: Word) -> Option<Word> {
        let new = self.sources.add(word)?;
        self.fresh.add(new);
        Some(new)
    }
}

impl<'p> Machine<'p> {
    pub(crate) fn source(&self, id: SourceId) -> &Source {
        self.flows.sources.get(id.0)
    }

    pub(super) fn source_id(&mut self, source: Source) -> SourceId {
        self.flows.source(source)
    }

    /// The kind of the hazards of a class that do not arise at import.
    pub(super) fn kind_of_class(&mut self, class: &'static str) -> Kinds {
        self.flows.kind_of_class(class)
    }

    /// From now on the cell is tainted with these as well.
    pub(super) fn taint_cell(&mut self, cell: u32, origins: &[Origin]) {
        for &origin in origins {
            match origin {
                Origin::Source(source) => {
                    let taint = &mut self.cells[cell as usize].taint;
                    let word = std::iter::once(Word::of(source));
                    let grown = self.flows.pour(word, taint, Kinds::ALL);
                    self.has_grown(cell, grown);
                }
                Origin::Cell(from, kinds) => {
                    let ends = [from as usize, cell as usize];
                    // What is tainted with itself gains nothing.
                    if let Ok([from, into]) = self.cells.get_disjoint_mut(ends) {
                        from.taint.into.push((cell, kinds));
                        let words = from.taint.sources.0.iter().copied();
                        let grown = self.flows.pour(words, &mut into.taint, kinds);
                        self.has_grown(cell, grown);
                    }
                }
            }
        }
    }

    /// Passes on what cells were tainted with, until nothing changes. Each source goes over each
    /// edge once.
    pub(super) fn spread_taint(&mut self) {
        while let Some(from) = self.flows.pending.pop_front() {
            let taint = &mut self.cells[from as usize].taint;
            taint.is_pending = false;
            let fresh = std::mem::take(&mut taint.fresh);
            let into = std::mem::take(&mut taint.into);
            for &(cell, kinds) in &into {
                let taint = &mut self.cells[cell as usize].taint;
                let words = fresh.0.iter().copied();
                let grown = self.flows.pour(words, taint, kinds);
                self.has_grown(cell, grown);
            }
            self.cells[from as usize].taint.into = into;
        }
    }

    /// Notes that a cell has sources of these kinds that have to be passed on.
    fn has_grown(&mut self, cell: u32, kinds: Kinds) {
        if kinds.is_none() {
            return;
        }
        let taint = &mut self.cells[cell as usize].taint;
        taint.kinds = taint.kinds.union(kinds);
        if !std::mem::replace(&mut taint.is_pending, true) {
            self.flows.pending.push_back(cell);
        }
        let mut woken = Vec::new();
        taint.asked.retain(|&ctx, asked| {
            let stays = asked.and(kinds).is_none();
            if !stays {
                woken.push(ctx);
            }
            stays
        });
        woken.into_iter().for_each(|ctx| self.enqueue(ctx));
    }

    fn ask(&mut self, cell: u32, kinds: Kinds) {
        let asked = &mut self.cells[cell as usize].taint.asked;
        let asked = asked.entry(self.frame.ctx).or_default();
        *asked = asked.union(kinds);
    }

    /// The part of a value's taint that is of certain kinds. The running context runs again when
    /// there is one where there was none.
    pub(super) fn taint_of_kinds(&mut self, value: &Value, kinds: Kinds) -> Vec<Origin> {
        let mut part = Vec::new();
        for &origin in value.taint() {
            match origin {
                Origin::Source(source) => {
                    if !self.flows.kinds_of(source).and(kinds).is_none() {
                        part.push(origin);
                    }
                }
                Origin::Cell(cell, of) => {
                    let wanted = of.and(kinds);
                    if !self.cells[cell as usize].taint.kinds.and(wanted).is_none() {
                        part.push(Origin::Cell(cell, wanted));
                    } else if !wanted.is_none() {
                        self.ask(cell, wanted);
                    }
                }
            }
        }
        part
    }

    pub(super) fn with_kinds(&mut self, value: &Value, kinds: Kinds) -> Value {
        let taint = self.taint_of_kinds(value, kinds);
        value.clone().with_taint(taint)
    }

    /// The value with taint that is one origin, however many it had: a cell that stands for them.
    pub(super) fn united(&mut self, value: Value) -> Value {
        const FEW: usize = 2;
        if value.taint().len() <= FEW {
            return value;
        }
        let known = self.flows.united.get(value.taint()).copied();
        let cell = known.unwrap_or_else(|| self.union_of(value.taint()));
        value.with_taint([Origin::Cell(cell, Kinds::ALL)])
    }

    /// The cell that stands for several origins.
    fn union_of(&mut self, origins: &[Origin]) -> u32 {
        let mut parts = Value::bottom();
        for &origin in origins {
            let union = match origin {
                Origin::Cell(cell, kinds) => {
                    self.flows.union_of_cell.get(&cell).map(|it| (*it, kinds))
                }
                Origin::Source(_) => None,
            };
            match union {
                // Sets of the same origins are the same, however they came about.
                Some((union, kinds)) => {
                    for &part in self.flows.unions.get(union) {
                        parts.add_taint(&[match part {
                            Origin::Cell(cell, of) => Origin::Cell(cell, of.and(kinds)),
                            source @ Origin::Source(_) => source,
                        }]);
                    }
                }
                None => {
                    parts.add_taint(&[origin]);
                }
            }
        }
        let union = self.flows.unions.id(parts.taint().into());
        let cell = self.cell(CellKey::Union(union));
        self.flows.union_of_cell.insert(cell, union);
        if !self.is_out_of_steps() {
            self.write(CellKey::Union(union), &parts);
            self.flows.united.insert(origins.into(), cell);
        }
        cell
    }

    /// The sources that a value is tainted with by now, in order. The running context runs again
    /// when there are more.
    pub(super) fn sources_now(&mut self, taint: &[Origin]) -> BTreeSet<SourceId> {
        self.spread_taint();
        for &origin in taint {
            if let Origin::Cell(cell, kinds) = origin {
                self.ask(cell, kinds);
            }
        }
        taint.iter().flat_map(|&it| self.sources_of(it)).collect()
    }

    /// Whether a value is tainted with a source. The running context runs again when the answer
    /// may be another one.
    pub(super) fn comes_from(&mut self, origins: &[Origin], source: SourceId) -> bool {
        if origins.contains(&Origin::Source(source)) {
            return true;
        }
        self.spread_taint();
        let kind = self.flows.kinds_of(source);
        origins.iter().any(|&origin| match origin {
            Origin::Cell(cell, kinds) if !kinds.and(kind).is_none() => {
                let found = self.cells[cell as usize].taint.sources.contains(source);
                if !found {
                    self.ask(cell, kind);
                }
                found
            }
            _ => false,
        })
    }

    /// Turns into events what was recorded about values before it was known what these are tainted
    /// with in the end.
    pub(crate) fn settle_events(&mut self) {
        for ctx in self.ctxs() {
            let outcome = &mut self.ctxs[ctx.0 as usize].outcome;
            let imported = std::mem::take(&mut outcome.imported);
            let resources = std::mem::take(&mut outcome.resources);
            let mut events = Vec::new();
            for (span, name, origin) in imported {
                let sources = self.sources_of(origin).into_iter();
                let varying = sources.filter(|&source| self.source(source).at_import);
                events.extend(varying.map(|source| Event {
                    span,
                    kind: EventKind::ImportTime { source, name },
                    source: Some(source),
                }));
            }
            for (span, kind, origins) in resources {
                let sources = origins.iter().flat_map(|&it| self.sources_of(it));
                let source = sources.min();
                events.push(Event { span, kind, source });
            }
            self.ctxs[ctx.0 as usize].outcome.events.extend(events);
        }
    }

    /// The cells that are tainted with a source because this one is.
    pub(super) fn flows_of(&self, cell: u32, source: SourceId) -> impl Iterator<Item = u32> + '_ {
        let kind = self.flows.kinds_of(source);
        let into = self.cells[cell as usize].taint.into.iter();
        into.filter(move |(_, kinds)| !kinds.and(kind).is_none())
            .map(|&(into, _)| into)
    }

    /// Whether an origin stands for a source, which it may.
    pub(crate) fn means(&self, origin: Origin, source: SourceId) -> bool {
        match origin {
            Origin::Source(it) => it == source,
            Origin::Cell(_, kinds) => !kinds.and(self.flows.kinds_of(source)).is_none(),
        }
    }

    /// The sources that an origin stands for.
    pub(crate) fn sources_of(&self, origin: Origin) -> Vec<SourceId> {
        self.sources_of_but(origin, &Sources::default())
    }

    /// The same without some.
    pub(crate) fn sources_of_but(&self, origin: Origin, without: &Sources) -> Vec<SourceId> {
        match origin {
            Origin::Source(source) => {
                let one = Some(source).filter(|it| !without.contains(*it));
                one.into_iter().collect()
            }
            Origin::Cell(cell, kinds) => {
                let sources = self.cells[cell as usize].taint.sources.but(without);
                let is_meant = |&it: &SourceId| !self.flows.kinds_of(it).and(kinds).is_none();
                sources.filter(is_meant).collect()
            }
        }
    }

    /// What decides a condition: of a container only whether it is empty, which no order changes.
    pub(super) fn deciding(&mut self, value: &Value) -> Value {
        let is_container = value
            .objs()
            .iter()
            .all(|obj| matches!(obj, Obj::Container(_)));
        if self.asks_replay(value) {
            self.without_replay_flag(value)
        } else if is_container {
            self.without_order(value)
                .tainted_by(&self.size_taint(value))
        } else if self.asks_for_presence(value) {
            self.without_never_none(value)
        } else {
            value.clone()
        }
    }

    /// What a guard decides besides the replay flag, which speaks for itself.
    pub(super) fn without_replay_flag(&mut self, value: &Value) -> Value {
        self.with_kinds(value, Kinds::REPLAY.not())
    }

    /// The value without what it owes to sources that are never `None`, where that is asked.
    pub(super) fn without_never_none(&mut self, value: &Value) -> Value {
        let mut kinds = Kinds::default();
        for &class in self.knowledge.never_none() {
            kinds = kinds.union(self.kind_of_class(class));
        }
        self.with_kinds(value, kinds.not())
    }

    /// The value without what it owes to `id()` and `hash()`, whose use ends here.
    pub(super) fn without_identity(&mut self, value: &Value, span: Span) -> Value {
        let identities = self.taint_of_kinds(value, Kinds::IDENTITY);
        let compared = Value::bottom().with_taint(identities);
        self.record_sink(&compared, SinkKind::Compared, span);
        self.with_kinds(value, Kinds::IDENTITY.not())
    }
}
