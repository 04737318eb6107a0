//! The rules of runbook-lint, and what they know about Python's APIs.

mod awaitables;
mod bundle;
mod calls;
pub mod catalogue;
mod contract;
mod determinism;
mod everywhere;
mod finding;
mod fixes;
mod handlers;
mod hazard;
mod hydrated;
mod icon_use;
pub mod icons;
mod lifecycle;
mod lint;
mod loading;
pub mod model;
pub mod outline;
mod overview;
mod program;
pub mod reference;
mod rule;
mod run;
mod runbook_md;
mod sdk;
mod secrets;
mod sites;
mod steps;
mod test_files;
mod variables;
mod versioning;
mod writes;

use lint_core::diagnostic::Diagnostic;
use lint_core::project::Project;
use lint_core::rule::RuleMetadata;
use lint_core::screen::Word;

pub use calls::COMPONENTS as HINT_COMPONENTS;
pub use fixes::{DeadImport, dead_imports};
pub use lint::{UNKNOWN_SUPPRESSION, UNUSED_SUPPRESSION};
pub use overview::{Overview, OverviewItem, overviews};
pub use rule::{Context, Rule, Scope};
pub use run::{Memo, check};

use determinism as d;
use reference::{Recorded, Reference};
use rule::{Edit, EditRule};

/// The rules that look at facts, sorted by code.
static RULES: &[&dyn Rule] = &[
    &lint::IdlePureAssertion,
    &lint::WorkflowNotEntered,
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
    &d::ReplayFlagDecides,
    &d::LateImport,
    &contract::MissingBaseClass,
    &contract::MissingDefn,
    &contract::RunMethod,
    &contract::DecoratorArguments,
    &contract::Initialiser,
    &contract::ReservedMember,
    &contract::DuplicateHandler,
    &contract::TemporalioImport,
    &contract::UnboundFacade,
    &contract::UnknownFacadeMember,
    &contract::UnknownImport,
    &contract::InfoField,
    &contract::DiscouragedApi,
    &contract::MixedSdk,
    &contract::AsyncQuery,
    &contract::RunInput,
    &contract::LocalClass,
    &contract::SeveralRunbooks,
    &contract::FacadeOutOfPlace,
    &steps::StepMetadata,
    &steps::DuplicateStepName,
    &steps::InvalidStepText,
    &steps::StepNameStyle,
    &steps::SyncStep,
    &steps::DynamicStepMetadata,
    &steps::UnknownIcon,
    &steps::RenamedIcon,
    &steps::MissingIcon,
    &steps::StepNeverRuns,
    &steps::StepOrder,
    &steps::StepNotAwaited,
    &steps::NestedStep,
    &steps::ConcurrentSteps,
    &steps::InheritedStep,
    &steps::StepNotAMethod,
    &steps::ReboundStep,
    &steps::StepIsHandler,
    &steps::StepConfig,
    &steps::NoSteps,
    &steps::StepTitle,
    &steps::UiStep,
    &calls::MissingActivityTimeout,
    &calls::ActivityArity,
    &calls::TemporalOnlyActivityCall,
    &calls::UnawaitedCommand,
    &calls::NotAnActivity,
    &calls::UnregisteredActivity,
    &calls::UnregisteredSdkActivity,
    &calls::DuplicateActivityName,
    &calls::KeywordOnlyActivityParameter,
    &calls::ActivitySignature,
    &calls::WaitPredicate,
    &calls::TimedeltaWaitTimeout,
    &calls::HelperArguments,
    &calls::UnknownActionKind,
    &calls::UndeclaredGateSignal,
    &calls::UnadvertisedGateSignal,
    &calls::MissingHintComponent,
    &calls::UnknownHintComponent,
    &calls::NonInteractiveGate,
    &calls::UnknownChildRunbook,
    &calls::ChildRunbookCycle,
    &calls::EqualChildIds,
    &calls::DocumentSlots,
    &calls::IgnoredDecision,
    &calls::ShortAgentTimeout,
    &calls::WorkflowErrorInWorkflow,
    &calls::SwallowedCancellation,
    &calls::SecretInPayload,
    &calls::UnknownWorkflowMember,
    &calls::AwaitedValue,
    &calls::WaitConditionResult,
    &calls::UnknownArgument,
    &calls::ExceptionAsPayload,
    &calls::UncalledFunction,
    &calls::UnmatchedErrorType,
    &calls::UnencodablePayload,
    &bundle::MissingBundleFile,
    &bundle::InvalidFrontmatter,
    &bundle::MissingFrontmatterField,
    &bundle::SlugDiffersFromDirectory,
    &bundle::InvalidSlug,
    &bundle::DeployedValueDiffers,
    &bundle::InvalidVersion,
    &bundle::MissingWorkflowClass,
    &bundle::UnconventionalMetadata,
    &bundle::UnknownFrontmatterKey,
    &bundle::MalformedFrontmatter,
    &bundle::StepsDifferFromCode,
    &bundle::UnknownComponent,
    &bundle::UnknownStepActivity,
    &bundle::InvalidConfigSchema,
    &bundle::ConfigKeyNotInContext,
    &bundle::UnfedContextField,
    &bundle::TemplateManifest,
    &bundle::NotUtf8,
    &bundle::SubledgerRegistration,
    &bundle::SubledgerMigration,
    &bundle::LooseRequirements,
    &bundle::DuplicateRunbook,
    &bundle::SharedActivityName,
    &bundle::ObserverEventType,
    &bundle::BrokenBundleImport,
    &lifecycle::LostUpdate,
    &lifecycle::UnsetAttribute,
    &lifecycle::HandlerContinuesAsNew,
    &lifecycle::UnfinishedHandlers,
    &lifecycle::AbandonedChild,
    &lifecycle::PlainException,
    &lifecycle::SilentHeartbeat,
    &lifecycle::WrappedFailure,
    &lifecycle::LostMessage,
    &lifecycle::ChangedWhileIterated,
    &lifecycle::OverwrittenMessage,
    &lifecycle::PassedWait,
    &lifecycle::ReturningValidator,
    &versioning::RepeatedPatch,
    &versioning::PatchDecided,
];

/// The rules that compare two states of a project, sorted by code, which come after the others.
static EDIT_RULES: &[&dyn EditRule] = &[&versioning::IncompatibleEdit];

/// The rules that look at facts, sorted by code.
pub fn all() -> &'static [&'static dyn Rule] {
    RULES
}

/// The words that rules look for in all files, for [`Project::expecting`].
pub fn sought() -> Vec<Word> {
    let words = everywhere::SOUGHT.into_iter();
    let words = words.chain([rule::WORKFLOWS, model::ACTIVITY_WORDS[0]]);
    words.map(Word::text).collect()
}

/// All rules sorted by code, also those about suppressions, which look at the findings of others.
pub fn metadata() -> impl Iterator<Item = &'static RuleMetadata> {
    [&UNUSED_SUPPRESSION, &UNKNOWN_SUPPRESSION]
        .into_iter()
        .chain(RULES.iter().map(|rule| rule.metadata()))
        .chain(EDIT_RULES.iter().map(|rule| rule.metadata()))
}

/// What the edits break that lead from what was before to what workflows do now.
pub fn edits(project: &Project<'_>, now: &[Recorded], before: &[Reference]) -> Vec<Diagnostic> {
    let edit = Edit {
        project,
        now,
        before,
    };
    let mut report = Vec::new();
    EDIT_RULES
        .iter()
        .for_each(|rule| rule.compare(&edit, &mut report));
    report
}

/// The class of APIs that users mean by the name of a rule, or `safe`, in their own catalogue.
pub fn class_named(name: &str) -> Option<&'static str> {
    if name == lint_core::knowledge::SAFE {
        return Some(lint_core::knowledge::SAFE);
    }
    let rule = RULES.iter().find(|rule| rule.metadata().name == name)?;
    rule.classes().first().copied()
}
