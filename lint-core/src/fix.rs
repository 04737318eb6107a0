//! A change of the text that removes the cause of a finding.
//!
//! Rules make fixes, since a rule knows what its finding needs. They are data: whoever holds the
//! files applies them.

use crate::place::Place;

/// All edits belong together: they are applied at once or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// What is done, in the imperative: "replace it by `runbook.now()`".
    pub title: String,
    pub applicability: Applicability,
    /// They do not overlap, and may be in several files.
    pub edits: Vec<Edit>,
    /// Files that do not exist yet.
    pub new_files: Vec<NewFile>,
    /// Fixes of one group change what the others were made for, so only one of them is applied
    /// before the project is checked again. The group is the place that they have in common.
    pub group: Option<Place>,
    /// What is left for a person to do once it is applied, in the imperative.
    pub to_do: Option<String>,
}

impl Fix {
    pub fn new(title: impl Into<String>, applicability: Applicability, edits: Vec<Edit>) -> Self {
        Self {
            title: title.into(),
            applicability,
            edits,
            new_files: Vec::new(),
            group: None,
            to_do: None,
        }
    }
}

/// Ordered from least to most trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Applicability {
    /// A sketch that somebody has to complete.
    DisplayOnly,
    /// The code may mean something else afterwards; the title says how.
    Unsafe,
    /// The code means the same and is safe to replay.
    Safe,
}

impl Applicability {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DisplayOnly => "display-only",
            Self::Unsafe => "unsafe",
            Self::Safe => "safe",
        }
    }
}

/// An insertion where the place is empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edit {
    pub place: Place,
    pub replacement: String,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NewFile {
    /// The path relative to the project root, with `/`.
    pub key: String,
    pub text: String,
}
