//! Workflows as they were.

use std::collections::BTreeMap;

use lint_core::commands::Structure;
use lint_core::facts::Workflow;
use lint_core::place::Place;

/// The workflows of another state of the project.
#[derive(Debug, Clone, Default)]
pub struct Reference {
    /// Where they stand: the name of a revision or of a file.
    pub origin: String,
    /// Whether all executions stay with the version of the worker that started them.
    pub is_pinned: bool,
    pub workflows: Vec<Recorded>,
}

/// One workflow as it was.
#[derive(Debug, Clone)]
pub struct Recorded {
    pub structure: Structure,
    /// The version of its bundle; executions stay with the one that started them.
    pub version: Option<String>,
    /// `package.module.Class`, if that is known.
    pub name: Option<String>,
    /// The file of the class, if that is known.
    pub path: Option<String>,
    /// The class and its API, if they are of this project.
    pub(crate) workflow: Option<Workflow>,
    /// Where its nodes stand: a path and a line.
    pub(super) lines: BTreeMap<Place, (String, u32)>,
}

impl Recorded {
    /// `flow.py:12`, for a place of this state.
    pub fn location(&self, place: Place) -> Option<String> {
        let (path, line) = self.lines.get(&place)?;
        Some(format!("{path}:{line}"))
    }
}
