//! The derive as a rule uses it.

use lint_core::diagnostic::Severity;
use lint_core::rule::{Category, ExampleKind, RuleMetadata};
use rules_macros::RuleMetadata;

/// ## What it does
/// Finds reads of the wall clock.
///
/// ## Why restrict this?
/// A replay reads another time.
///
/// ## Example
/// ```python
/// def run():
///     now()  # RB101
/// ```
/// ````markdown path=docs/notes.md
/// ```python
/// now()
/// ```
/// ````
///
/// ## Use instead
/// ```python
/// workflow.now()
/// ```
#[derive(RuleMetadata)]
#[rule(
    code = "RB101",
    severity = "info",
    category = "bundle",
    since = "0.1.0",
    summary = "the clock is read",
    default = false
)]
pub(crate) struct WallClock;

const LINE_OF_THE_STRUCT: u32 = line!() - 2;

impl WallClock {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }
}

#[test]
fn metadata() {
    let metadata = WallClock.metadata();
    assert_eq!(metadata.code, "RB101");
    assert_eq!(metadata.name, "wall-clock");
    assert_eq!(metadata.summary, "the clock is read");
    assert_eq!(metadata.severity, Severity::Info);
    assert_eq!(metadata.category, Category::Bundle);
    assert!(!metadata.default);
    assert!(!metadata.preview);
    assert_eq!(metadata.fix, None);
    assert_eq!(metadata.since, "0.1.0");
    assert!(metadata.docs.starts_with("## What it does\nFinds reads"));
    assert!(metadata.docs.ends_with("\nworkflow.now()\n```"));
    assert_eq!(metadata.file, file!());
    assert_eq!(metadata.line, LINE_OF_THE_STRUCT);
}

#[test]
fn examples() {
    let examples: Vec<_> = WallClock
        .metadata()
        .examples
        .iter()
        .map(|e| (e.group, e.kind, e.path, e.code, e.expected))
        .collect();
    let bad = "def run():\n    now()  # RB101\n";
    let notes = "```python\nnow()\n```\n";
    assert_eq!(
        examples,
        [
            (0, ExampleKind::Bad, "workflow.py", bad, &[2][..]),
            (0, ExampleKind::Bad, "docs/notes.md", notes, &[]),
            (1, ExampleKind::Good, "workflow.py", "workflow.now()\n", &[]),
        ]
    );
}
