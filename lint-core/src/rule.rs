//! What a rule is, seen from the engine and from the outputs: static metadata.

use crate::diagnostic::{Applicability, Severity};

/// Everything that is known about a rule without running it. Made by `#[derive(RuleMetadata)]`
/// (crate `rules-macros`) from the rule's doc comment and its `#[rule(...)]` attribute.
#[derive(Debug, Clone, Copy)]
pub struct RuleMetadata {
    /// Stable code, `RB101`.
    pub code: &'static str,
    /// Stable name in kebab case, the pattern found: `wall-clock`.
    pub name: &'static str,
    /// One line, no final period.
    pub summary: &'static str,
    pub severity: Severity,
    pub category: Category,
    /// Whether the rule runs without being selected.
    pub default: bool,
    /// Whether it still has to prove itself: it runs only with `--preview`, or where it is selected
    /// by its full code or name.
    pub preview: bool,
    /// The most trusted fix that its findings may come with.
    pub fix: Option<Applicability>,
    /// The version of runbook-lint that introduced it.
    pub since: &'static str,
    /// The whole documentation in Markdown, without a top-level heading.
    pub docs: &'static str,
    /// The code blocks of the documentation, in order.
    pub examples: &'static [Example],
    /// Where the rule is written, for links.
    pub file: &'static str,
    pub line: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Category {
    /// About the linter's own input: suppressions, configuration.
    Lint,
    Determinism,
    Contract,
    Steps,
    Calls,
    Bundle,
    /// Handlers, how a run ends, and failures.
    Lifecycle,
    /// Patches and versions of running workflows.
    Versioning,
}

impl Category {
    /// As reports name it; the rules of a category stand in the folder of this name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lint => "lint",
            Self::Determinism => "determinism",
            Self::Contract => "contract",
            Self::Steps => "steps",
            Self::Calls => "calls",
            Self::Bundle => "bundle",
            Self::Lifecycle => "lifecycle",
            Self::Versioning => "versioning",
        }
    }

    /// What its rules are about, as a heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Lint => "The linter's own input",
            Self::Determinism => "Determinism: what a replay would do differently",
            Self::Contract => "Classes and their decorators; most of it for ntropii runbooks",
            Self::Steps => "Steps of ntropii runbooks",
            Self::Calls => "Activities, timers and child workflows",
            Self::Bundle => "Bundles of ntropii runbooks",
            Self::Lifecycle => "Handlers, failures and how a run ends",
            Self::Versioning => "Patches, and edits of running workflows",
        }
    }
}

/// One file of one documented example. Blocks below the same heading up to the next prose belong
/// to one example: a small project.
#[derive(Debug, Clone, Copy)]
pub struct Example {
    /// 0-based number of the example this file belongs to.
    pub group: u32,
    pub kind: ExampleKind,
    /// Relative path of the file; `workflow.py` unless the fence says `path=…`.
    pub path: &'static str,
    pub code: &'static str,
    /// 1-based lines on which this rule must fire: those that end in a comment with its code.
    pub expected: &'static [u32],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExampleKind {
    /// Below `## Example`: fires exactly on the marked lines.
    Bad,
    /// Below `## Use instead`: silent.
    Good,
}
