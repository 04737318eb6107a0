//! The one kind of message the linter makes. It knows no output format.

use std::fmt;

pub use crate::fix::{Applicability, Edit, Fix, NewFile};
pub use crate::place::{FileId, Place, Span};

/// Ordered from least to most severe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    Info,
    Warning,
    Error,
}

impl Severity {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the varying value does to a replay. Temporal compares the kinds, ids, names and order of
/// commands, never payloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Impact {
    /// It provably reaches nothing but a log, or is discarded.
    None,
    Unknown,
    /// It reaches payloads or state: silent corruption.
    Drift,
    /// It reaches the command stream: replay fails.
    Replay,
}

impl Impact {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Unknown => "unknown",
            Self::Drift => "drift",
            Self::Replay => "replay",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub code: &'static str,
    pub name: &'static str,
    pub severity: Severity,
    /// One sentence that stands alone: lower-case start, no final period, code in backticks.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
    /// Further facts, one sentence each.
    pub notes: Vec<String>,
    pub place: Place,
    /// `package.module.Class` of the workflow concerned.
    pub workflow: Option<String>,
    /// The entry point of that workflow from which the path starts.
    pub entry: Option<String>,
    /// The fully resolved name of the culprit.
    pub culprit: Option<String>,
    /// What findings elsewhere may be about as well, so that one change settles them.
    pub subject: Option<Subject>,
    pub impact: Impact,
    /// Empty when the culprit is the primary place; otherwise its last step is the culprit.
    pub trace: Vec<TraceStep>,
    pub fixes: Vec<Fix>,
}

impl Diagnostic {
    /// The place of the culprit: the last step of the trace, or the primary place.
    pub fn culprit_place(&self) -> Place {
        self.trace.last().map_or(self.place, |step| step.place)
    }

    /// The impact, where there is one: only what runs from an entry point matters to a replay.
    pub fn impact_on_replay(&self) -> Option<Impact> {
        self.entry.is_some().then_some(self.impact)
    }
}

/// A variable, an attribute or a thing outside the project, by the file that it belongs to and its
/// name there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    pub file: Option<FileId>,
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceStep {
    pub place: Place,
    /// The qualified name of the function the place is in.
    pub function: String,
    pub message: String,
}
