//! Kinds of hazards.

/// Kinds of hazards, as bits: those that the interpreter itself tells apart, once for what arises
/// when a module is imported and once for the rest, and the classes of other hazards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Kinds(u64);

impl Kinds {
    pub(super) const ALL: Self = Self(u64::MAX);
    pub(super) const ORDER: Self = Self(0b11);
    pub(super) const IDENTITY: Self = Self(0b11 << 2);
    pub(super) const PLACE: Self = Self(0b11 << 4);
    pub(super) const REPLAY: Self = Self(0b11 << 6);
    pub(super) const IMPORT: Self = Self(0b1_1010_1010);
    pub(super) const OTHER_IMPORT: Self = Self(1 << 8);
    /// The bit of the first class that has one of its own.
    const FIRST_CLASS: u32 = 9;

    /// That of the class with this number. Classes beyond the last bit share it.
    pub(super) fn of_class(number: u32) -> Self {
        Self(1 << (number + Self::FIRST_CLASS).min(63))
    }

    pub(super) fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(super) fn not(self) -> Self {
        Self(!self.0)
    }

    pub(super) fn is_none(self) -> bool {
        self.0 == 0
    }
}
