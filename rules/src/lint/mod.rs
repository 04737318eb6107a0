//! The rules about what authors tell the linter, one file for each.

mod idle_pure_assertion;
mod unknown_suppression;
mod unused_suppression;
mod workflow_not_entered;

use lint_core::rule::RuleMetadata;

pub(crate) use idle_pure_assertion::IdlePureAssertion;
pub(crate) use workflow_not_entered::WorkflowNotEntered;

/// RB001, which looks at the findings that were suppressed, not at facts.
pub const UNUSED_SUPPRESSION: RuleMetadata = unused_suppression::UnusedSuppression::METADATA;

/// RB002, which looks at the suppressions alone.
pub const UNKNOWN_SUPPRESSION: RuleMetadata = unknown_suppression::UnknownSuppression::METADATA;
