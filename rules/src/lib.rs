//! The rules of runbook-lint, and what they know about Python's APIs.

pub mod catalogue;
mod determinism;
mod hazard;
pub mod icons;
mod lint;

use lint_core::rule::{Rule, RuleMetadata};

pub use lint::{UNKNOWN_SUPPRESSION, UNUSED_SUPPRESSION};

use determinism as d;

/// The rules that look at facts, sorted by code.
static RULES: [&dyn Rule; 25] = [
    &lint::IdlePureAssertion,
    &d::WallClock,
    &d::Randomness,
    &d::RandomUuid,
    &d::Environment,
    &d::FileIo,
    &d::NetworkIo,
    &d::DatabaseIo,
    &d::Subprocess,
    &d::BlockingSleep,
    &d::ThreadsAndExecutors,
    &d::NondeterministicAsyncio,
    &d::UnorderedIteration,
    &d::DirectActivityCall,
    &d::PlatformIo,
    &d::ConsoleAndLogging,
    &d::SharedMutableState,
    &d::ProcessIdentity,
    &d::ImportTimeValue,
    &d::LocalTimezone,
    &d::ReadOnlyHandler,
    &d::SandboxCompatibility,
    &d::GarbageCollection,
    &d::DynamicCode,
    &d::Locale,
];

/// The rules that look at facts, sorted by code.
pub fn all() -> &'static [&'static dyn Rule] {
    &RULES
}

/// All rules sorted by code, also those about suppressions, which look at the findings of others.
pub fn metadata() -> impl Iterator<Item = &'static RuleMetadata> {
    [&UNUSED_SUPPRESSION, &UNKNOWN_SUPPRESSION]
        .into_iter()
        .chain(RULES.iter().map(|rule| rule.metadata()))
}

/// The class of APIs that users mean by the name of a rule, or `safe`, in their own catalogue.
pub fn class_named(name: &str) -> Option<&'static str> {
    if name == lint_core::knowledge::SAFE {
        return Some(lint_core::knowledge::SAFE);
    }
    let rule = RULES.iter().find(|rule| rule.metadata().name == name)?;
    rule.classes().first().copied()
}
