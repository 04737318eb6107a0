//! Abstract values: which objects an expression may stand for, and which hazards its value comes
//! from.

use std::cmp::Ordering;
use std::hash::Hash;

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::diagnostic::FileId;

use super::kinds::Kinds;

/// An interned string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Sym(u32);

impl Sym {
    /// In the order none stands before it.
    pub(crate) const FIRST: Self = Self(0);
}

/// A function, lambda or module body of the project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct FuncId {
    pub(crate) file: FileId,
    pub(crate) ix: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ClassId {
    pub(crate) file: FileId,
    pub(crate) ix: u32,
}

/// One analysis of one function for one kind of arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct CtxId(pub(crate) u32);

/// A hazard as the origin of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SourceId(pub(crate) u32);

/// What an attribute of a workflow holds; see `parts.rs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct PartId(pub(crate) u32);

/// What a value may come from: a hazard, or whatever hazards a cell is tainted with in the end, as
/// far as they are of certain kinds. A value that refers to a cell need not be computed again when
/// more of them come to light there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Origin {
    Source(SourceId),
    Cell(u32, Kinds),
}

/// A function object: the code and the activation whose locals it closes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct FuncRef {
    pub(crate) func: FuncId,
    pub(crate) closure: CtxId,
}

/// One thing a value may be. Composite kinds are numbers into the machine's tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Obj {
    None,
    Bool(bool),
    Int(i64),
    Str(Sym),
    Func(FuncRef),
    /// A callable together with its first argument; see `Machine::bounds`.
    Bound(u32),
    Class(ClassId),
    /// The number tells instances apart whose constructors got different callables; 0 is any.
    Instance(ClassId, u32),
    Module(FileId),
    /// A directory without `__init__.py`.
    Namespace(Sym),
    /// Something outside the project, by its resolved dotted name.
    External(Sym),
    /// An instance of a class outside the project.
    ExternalInstance(Sym),
    /// What calling something outside the project returned, when its type is not known.
    Made(Sym),
    Container(u32),
    /// An object outside the project that keeps callables; see `keepers.rs`.
    Keeper(u32),
    /// A method of a list, dict, set or tuple, bound to it.
    ContainerMethod(u32, Sym),
    /// `functools.partial`; see `Machine::partials`.
    Partial(u32),
    Generator(CtxId),
    /// `super()` as seen from a class, for an instance of another.
    Super(ClassId, ClassId, u32),
    /// See `Machine::properties`.
    Property(u32),
    StaticMethod(FuncRef),
    ClassMethod(FuncRef),
    /// `field(…)` of a data class; see `Machine::fields`.
    Field(u32),
    Unknown,
}

impl Obj {
    pub(crate) fn is_callable(self) -> bool {
        matches!(
            self,
            Self::Func(_)
                | Self::Bound(_)
                | Self::Class(_)
                | Self::External(_)
                | Self::Partial(_)
                | Self::StaticMethod(_)
                | Self::ClassMethod(_)
        )
    }

    pub(crate) fn is_constant(self) -> bool {
        matches!(
            self,
            Self::None | Self::Bool(_) | Self::Int(_) | Self::Str(_)
        )
    }

    fn bound(self) -> Bound {
        if self.is_constant() {
            Bound::Constants
        } else if self.is_callable() {
            Bound::Callables
        } else {
            Bound::Others
        }
    }

    /// What it says in a condition. The text of a string is known to the machine only.
    fn presence(self) -> Presence {
        match self {
            Self::Bool(true)
            | Self::Func(_)
            | Self::Class(_)
            | Self::Module(_)
            | Self::Bound(_) => Presence::True,
            Self::Int(value) if value != 0 => Presence::True,
            Self::Bool(_)
            | Self::Int(_)
            | Self::Str(_)
            | Self::Instance(..)
            | Self::ExternalInstance(_)
            | Self::Container(_) => Presence::Something,
            _ => Presence::Unknown,
        }
    }
}

impl Origin {
    /// The kinds that are meant of what a cell is tainted with.
    pub(super) fn kinds(self) -> Kinds {
        match self {
            Self::Source(_) => Kinds::default(),
            Self::Cell(_, kinds) => kinds,
        }
    }

    /// Both of two that are of the same.
    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Cell(cell, kinds), Self::Cell(_, more)) => Self::Cell(cell, kinds.union(more)),
            _ => self,
        }
    }

    /// What it is of, whichever kinds of it are meant.
    fn place(self) -> (bool, u32) {
        match self {
            Self::Source(source) => (false, source.0),
            Self::Cell(cell, _) => (true, cell),
        }
    }
}

/// A join of objects. The empty value is the one not computed yet (or never).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Value {
    objs: SmallVec<[Obj; 2]>,
    /// Sorted, with one entry for each cell.
    taint: SmallVec<[Origin; 2]>,
    /// Whether the value may also be something that the analysis does not see: it was read from
    /// state that other code can change. What an open value is never decides a branch.
    open: bool,
    /// What it says in a condition, whatever it is.
    presence: Presence,
    /// What had no place in it, or in what it was read from. What is then called may be something
    /// else, which the report says.
    dropped: Dropped,
    /// The state shared between runs that it was read from, as it stands there.
    place: Option<SourceId>,
    /// The state of a workflow of which it is a part, as it stands there.
    part: Option<PartId>,
}

/// What is known of a value in conditions, also where what it is is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
enum Presence {
    /// It may be `None`.
    #[default]
    Unknown,
    /// It is not `None`.
    Something,
    /// It is true.
    True,
}

/// Objects of which a value holds only so many. Further ones are dropped, and the value is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bound {
    Constants,
    Callables,
    Others,
}

impl Bound {
    fn most(self) -> usize {
        match self {
            // Nothing is decided by more.
            Self::Constants => 12,
            // Tables and registries hold many.
            Self::Callables => 256,
            Self::Others => 24,
        }
    }
}

/// What a value lacks because there was no place for it; what comes later includes what is before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Dropped {
    #[default]
    Nothing,
    /// Containers, which nobody can call.
    Containers,
    /// What is like objects that are there: elements of containers, attributes of instances of the
    /// same class.
    Contents,
    /// Objects that are like no other, each with code of its own.
    Objects,
}

/// From so many on, sets are merged as a whole instead of adding one after the other.
const FEW: usize = 4;

impl Value {
    pub(crate) fn bottom() -> Self {
        Self::default()
    }

    pub(crate) fn of(obj: Obj) -> Self {
        Self {
            objs: SmallVec::from_slice(&[obj]),
            taint: SmallVec::new(),
            open: false,
            presence: obj.presence(),
            dropped: Dropped::Nothing,
            place: None,
            part: None,
        }
    }

    pub(crate) fn unknown() -> Self {
        Self {
            open: true,
            ..Self::of(Obj::Unknown)
        }
    }

    pub(crate) fn objs(&self) -> &[Obj] {
        &self.objs
    }

    pub(crate) fn taint(&self) -> &[Origin] {
        &self.taint
    }

    pub(crate) fn is_open(&self) -> bool {
        self.open
    }

    pub(crate) fn is_truthy(&self) -> bool {
        self.presence == Presence::True
    }

    /// Whether it is not `None`, whatever it is.
    pub(crate) fn is_something(&self) -> bool {
        self.presence >= Presence::Something
    }

    pub(crate) fn place(&self) -> Option<SourceId> {
        self.place
    }

    pub(crate) fn at_place(mut self, place: Option<SourceId>) -> Self {
        self.place = place;
        self
    }

    pub(crate) fn part(&self) -> Option<PartId> {
        self.part
    }

    /// The value as what holds it makes it a part; it may be one already.
    pub(crate) fn in_part(mut self, part: Option<PartId>) -> Self {
        self.part = part.or(self.part);
        self
    }

    /// Whether it is at most `None`.
    fn is_absent(&self) -> bool {
        self.objs.iter().all(|obj| matches!(obj, Obj::None))
    }

    pub(crate) fn dropped(&self) -> Dropped {
        self.dropped
    }

    /// The value, if it was taken from the other one: what that dropped, this lacks.
    pub(crate) fn taken_from(mut self, other: &Self) -> Self {
        self.dropped = self.dropped.max(other.dropped);
        self
    }

    /// The same if it was taken out of the containers that the other one holds.
    pub(crate) fn contained_in(self, other: &Self) -> Self {
        let mut taken = self.taken_from(other);
        if taken.dropped == Dropped::Containers {
            taken.dropped = Dropped::Contents;
        }
        taken
    }

    pub(crate) fn is_bottom(&self) -> bool {
        self.objs.is_empty() && self.taint.is_empty()
    }

    /// Whether it is the same constant in any case.
    pub(crate) fn is_one_constant(&self) -> bool {
        matches!(self.objs[..], [obj] if obj.is_constant()) && !self.open
    }

    /// Whether nothing is known about it beyond where it may come from.
    pub(crate) fn is_vague(&self) -> bool {
        self.objs
            .iter()
            .all(|obj| matches!(obj, Obj::Unknown | Obj::Made(_)))
    }

    pub(crate) fn opened(mut self) -> Self {
        self.open = true;
        self.presence = Presence::Unknown;
        self
    }

    /// What an operation on the other value gives, of which no more may be known than that it is
    /// something.
    pub(crate) fn opened_like(self, other: &Self) -> Self {
        if other.open && other.objs.is_empty() {
            self.opened()
        } else {
            self
        }
    }

    /// The value where it is known to be true in a condition.
    pub(crate) fn truthy(mut self) -> Self {
        if !self.is_nothing() {
            self.presence = Presence::True;
        }
        self
    }

    /// The value where it is known not to be `None`.
    pub(crate) fn something(mut self) -> Self {
        if !self.is_nothing() {
            self.presence = self.presence.max(Presence::Something);
        }
        self
    }

    fn is_nothing(&self) -> bool {
        self.objs.is_empty() && !self.open
    }

    pub(crate) fn tainted_by(mut self, other: &Self) -> Self {
        self.add_taint(&other.taint);
        self
    }

    pub(crate) fn with_source(mut self, source: Option<SourceId>) -> Self {
        if let Some(source) = source {
            self.add_taint(&[Origin::Source(source)]);
        }
        self
    }

    /// The value, tainted with these alone, which come in order.
    pub(crate) fn with_taint(mut self, taint: impl IntoIterator<Item = Origin>) -> Self {
        self.taint.clear();
        self.taint.extend(taint);
        self
    }

    pub(crate) fn without_taint(mut self) -> Self {
        self.taint.clear();
        self
    }

    /// Those of some origins, which come in order, that it does not have.
    pub(crate) fn lacking(&self, taint: &[Origin]) -> Vec<Origin> {
        if self.taint[..] == *taint {
            return Vec::new();
        }
        let has = |&origin: &Origin| {
            let at = self
                .taint
                .binary_search_by_key(&origin.place(), |it| it.place());
            at.is_ok_and(|at| self.taint[at].or(origin) == self.taint[at])
        };
        taint.iter().copied().filter(|it| !has(it)).collect()
    }

    /// Adds origins, which come in order; says whether that changed anything.
    pub(crate) fn add_taint(&mut self, taint: &[Origin]) -> bool {
        if taint.is_empty() || self.taint[..] == *taint {
            return false;
        }
        if self.taint.is_empty() {
            self.taint.extend_from_slice(taint);
            return true;
        }
        if taint.len() >= FEW && self.taint.len() >= FEW {
            return self.merge_taint(taint);
        }
        let mut changed = false;
        for &origin in taint {
            changed |= self.add_origin(origin);
        }
        changed
    }

    /// The same for many, in linear time.
    fn merge_taint(&mut self, taint: &[Origin]) -> bool {
        let mut merged = SmallVec::with_capacity(self.taint.len() + taint.len());
        let (mut mine, mut theirs) = (&self.taint[..], taint);
        let mut changed = false;
        while let ([my, more @ ..], [their, others @ ..]) = (mine, theirs) {
            match my.place().cmp(&their.place()) {
                Ordering::Less => {
                    merged.push(*my);
                    mine = more;
                    continue;
                }
                Ordering::Greater => {
                    merged.push(*their);
                    changed = true;
                }
                Ordering::Equal => {
                    let both = my.or(*their);
                    changed |= both != *my;
                    merged.push(both);
                    mine = more;
                }
            }
            theirs = others;
        }
        changed |= !theirs.is_empty();
        if changed {
            merged.extend_from_slice(mine);
            merged.extend_from_slice(theirs);
            self.taint = merged;
        }
        changed
    }

    fn add_origin(&mut self, origin: Origin) -> bool {
        let at = self.taint.partition_point(|it| it.place() < origin.place());
        match self.taint.get_mut(at) {
            Some(there) if there.place() == origin.place() => {
                let both = there.or(origin);
                std::mem::replace(there, both) != both
            }
            _ => {
                self.taint.insert(at, origin);
                true
            }
        }
    }

    pub(crate) fn add(&mut self, obj: Obj) -> bool {
        let presence = match self.is_nothing() {
            true => obj.presence(),
            false => self.presence.min(obj.presence()),
        };
        let lowered = std::mem::replace(&mut self.presence, presence) != presence;
        self.insert(obj) || lowered
    }

    fn insert(&mut self, obj: Obj) -> bool {
        let Err(at) = self.objs.binary_search(&obj) else {
            return false;
        };
        let bound = obj.bound();
        let is_full = self.objs.len() >= bound.most()
            && self.objs.iter().filter(|it| it.bound() == bound).count() >= bound.most();
        if is_full {
            let is_alike = has_alike(&self.objs, obj);
            return self.drop_object(obj, is_alike);
        }
        self.objs.insert(at, obj);
        true
    }

    /// An object has no place in the value, which may hold another of its class; says whether that
    /// changed anything.
    fn drop_object(&mut self, obj: Obj, is_alike: bool) -> bool {
        let dropped = match obj {
            _ if obj.is_constant() => Dropped::Nothing,
            // That it is open says as much.
            Obj::Unknown | Obj::Made(_) => Dropped::Nothing,
            Obj::Container(_) | Obj::ContainerMethod(..) => Dropped::Containers,
            Obj::Instance(..) if is_alike => Dropped::Contents,
            _ => Dropped::Objects,
        };
        let drops = dropped > self.dropped;
        self.dropped = self.dropped.max(dropped);
        !std::mem::replace(&mut self.open, true) || drops
    }

    /// Adds objects, which come in order; says whether that changed anything.
    fn insert_all(&mut self, objs: &[Obj]) -> bool {
        let mut changed = false;
        if objs.len() < FEW {
            for &obj in objs {
                changed |= self.insert(obj);
            }
            return changed;
        }
        let mut counts = [0; 3];
        self.objs
            .iter()
            .for_each(|it| counts[it.bound() as usize] += 1);
        let held = std::mem::take(&mut self.objs);
        let mut mine = &held[..];
        let mut merged = SmallVec::with_capacity(mine.len() + objs.len());
        for &obj in objs {
            let before = mine.partition_point(|it| *it < obj);
            merged.extend_from_slice(&mine[..before]);
            mine = &mine[before..];
            if mine.first() == Some(&obj) {
                continue;
            }
            let count = &mut counts[obj.bound() as usize];
            if *count < obj.bound().most() {
                *count += 1;
                merged.push(obj);
                changed = true;
            } else {
                let is_alike = has_alike(mine, obj) || has_alike(&merged, obj);
                changed |= self.drop_object(obj, is_alike);
            }
        }
        merged.extend_from_slice(mine);
        self.objs = merged;
        changed
    }

    /// The value without taint: what a cell gives to a reader, who refers to the cell for that.
    pub(crate) fn as_read(&self) -> Self {
        Self {
            objs: self.objs.clone(),
            taint: SmallVec::new(),
            ..*self
        }
    }

    /// Adds everything of the other value; says whether that changed anything.
    pub(crate) fn join(&mut self, other: &Self) -> bool {
        self.join_objects(other) | self.add_taint(&other.taint)
    }

    /// The same without its taint.
    pub(crate) fn join_objects(&mut self, other: &Self) -> bool {
        let presence = match (self.is_nothing(), other.is_nothing()) {
            (true, _) => other.presence,
            (_, true) => self.presence,
            _ => self.presence.min(other.presence),
        };
        let mut changed = std::mem::replace(&mut self.presence, presence) != presence;
        let place = self.common(other, |value| value.place);
        changed |= std::mem::replace(&mut self.place, place) != place;
        let part = self.common(other, |value| value.part);
        changed |= std::mem::replace(&mut self.part, part) != part;
        if !self.includes(other) {
            changed |= self.insert_all(&other.objs);
        }
        changed |= other.open && !std::mem::replace(&mut self.open, true);
        changed |= other.dropped > self.dropped;
        self.dropped = self.dropped.max(other.dropped);
        changed
    }

    /// Where both stand, as far as they are anything.
    fn common<T: PartialEq>(&self, other: &Self, of: impl Fn(&Self) -> Option<T>) -> Option<T> {
        match (of(self), of(other)) {
            (ours, theirs) if self.is_absent() && other.is_absent() => ours.or(theirs),
            (ours, _) if other.is_absent() => ours,
            (_, theirs) if self.is_absent() => theirs,
            (ours, theirs) => ours.filter(|it| theirs.as_ref() == Some(it)),
        }
    }

    /// Whether all objects of the other value are among these; both are sorted.
    fn includes(&self, other: &Self) -> bool {
        let mut mine = self.objs.iter();
        other
            .objs
            .iter()
            .all(|obj| mine.by_ref().any(|it| it == obj))
    }

    pub(crate) fn join_of(values: &[Self]) -> Self {
        let mut result = Self::bottom();
        for value in values {
            result.join(value);
        }
        result
    }

    pub(crate) fn joined(mut self, other: &Self) -> Self {
        self.join(other);
        self
    }

    /// Keeps the objects that satisfy the test.
    pub(crate) fn filter(&self, keep: impl Fn(Obj) -> bool) -> Self {
        let objs: SmallVec<_> = self.objs.iter().copied().filter(|&obj| keep(obj)).collect();
        Self {
            presence: match objs.is_empty() {
                true => Presence::Unknown,
                false => self.presence,
            },
            objs,
            ..self.clone()
        }
    }
}

/// Whether one of these objects is an instance of the same class.
fn has_alike(objs: &[Obj], obj: Obj) -> bool {
    let Obj::Instance(class, _) = obj else {
        return false;
    };
    let mut objs = objs.iter();
    objs.any(|it| matches!(it, Obj::Instance(same, _) if *same == class))
}

impl FromIterator<Obj> for Value {
    fn from_iter<I: IntoIterator<Item = Obj>>(objs: I) -> Self {
        let mut value = Self::bottom();
        for obj in objs {
            value.add(obj);
        }
        value
    }
}

/// Numbers for strings.
#[derive(Debug, Default)]
pub(crate) struct Interner {
    by_name: FxHashMap<Box<str>, Sym>,
    names: Vec<Box<str>>,
}

impl Interner {
    pub(crate) fn intern(&mut self, name: &str) -> Sym {
        if let Some(&sym) = self.by_name.get(name) {
            return sym;
        }
        let sym = Sym(self.names.len() as u32);
        self.names.push(name.into());
        self.by_name.insert(name.into(), sym);
        sym
    }

    /// The number of a string that has one.
    pub(crate) fn known(&self, name: &str) -> Option<Sym> {
        self.by_name.get(name).copied()
    }

    pub(crate) fn name(&self, sym: Sym) -> &str {
        &self.names[sym.0 as usize]
    }
}

/// Numbers for equal things, in order of first use.
#[derive(Debug)]
pub(crate) struct Table<T> {
    by_item: FxHashMap<T, u32>,
    items: Vec<T>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            by_item: FxHashMap::default(),
            items: Vec::new(),
        }
    }
}

impl<T: Clone + Eq + Hash> Table<T> {
    pub(crate) fn id(&mut self, item: T) -> u32 {
        if let Some(&id) = self.by_item.get(&item) {
            return id;
        }
        let id = self.items.len() as u32;
        self.items.push(item.clone());
        self.by_item.insert(item, id);
        id
    }

    pub(crate) fn get(&self, id: u32) -> &T {
        &self.items[id as usize]
    }

    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }
}
