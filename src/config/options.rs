//! The configuration as people write it. Every field is optional; see [`super::Settings`] for what
//! comes of it.

use std::collections::BTreeMap;

use lint_core::diagnostic::Severity;
use lint_core::knowledge::Role;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::Spanned;

/// Configuration of runbook-lint: `[tool.runbook-lint]` in `pyproject.toml`, or the top level of
/// `runbook-lint.toml`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Options {
    /// Rules to run, by code, name or prefix (`RB1`), or `ALL`. Without it, the default rules run.
    pub(crate) select: Option<Located<Vec<String>>>,
    /// Rules to run in addition to those selected.
    pub(crate) extend_select: Option<Located<Vec<String>>>,
    /// Whether rules in preview run like all others. Without it, such a rule runs only where its code
    /// or name is selected.
    pub(crate) preview: Option<Located<bool>>,
    /// Rules not to run. The more specific of `select` and `ignore` wins: a code beats a prefix.
    pub(crate) ignore: Option<Located<Vec<String>>>,
    /// Files and directories that are not read, as globs relative to the project root; a pattern
    /// without `/` matches at any depth. Replaces the default list.
    pub(crate) exclude: Option<Located<Vec<String>>>,
    /// Files and directories that are not read in addition to `exclude`.
    pub(crate) extend_exclude: Option<Located<Vec<String>>>,
    /// Directories, relative to the project root, that absolute imports start from.
    pub(crate) src: Option<Located<Vec<String>>>,
    /// Rules that are not reported in files that match a glob.
    #[serde(default)]
    pub(crate) per_file_ignores: BTreeMap<String, Located<Vec<String>>>,
    /// The severity of a rule, by code or name.
    #[serde(default)]
    pub(crate) severity: BTreeMap<String, Located<Level>>,
    /// Decorators and base classes of other workflow frameworks.
    #[serde(default)]
    pub(crate) entry_points: EntryPoints,
    /// APIs that the built-in catalogue does not know: a dotted name, or a prefix ending in `.*`,
    /// and the rule it falls under, or `safe`.
    #[serde(default)]
    pub(crate) catalogue: BTreeMap<String, Located<String>>,
    /// Functions and methods that are workflow code although no decorator says so, by their dotted
    /// names.
    pub(crate) treat_as_workflow: Option<Located<Vec<String>>>,
    /// Functions that have an activity run what they are given, by their dotted names.
    pub(crate) executors: Option<Located<Vec<String>>>,
    /// Modules that the worker passes through Temporal's sandbox, with all that is below them.
    pub(crate) passthrough_modules: Option<Located<Vec<String>>>,
    /// Whether all executions stay with the version of the worker that started them, so that an edit
    /// cannot break their replay.
    pub(crate) pinned_versions: Option<Located<bool>>,
    /// Whether calls are followed into the installed packages of the virtual environment.
    pub(crate) follow_installed: Option<Located<bool>>,
    /// A file of findings that are not reported, relative to the directory of this configuration.
    /// `--write-baseline` makes it.
    pub(crate) baseline: Option<Located<String>>,
}

/// Names that make a class a workflow or a method an entry point.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct EntryPoints {
    /// Decorators by their dotted names, and what they mean.
    #[serde(default)]
    pub(crate) decorators: BTreeMap<String, Located<DecoratorRole>>,
    /// Base classes of workflow classes, by their dotted names.
    pub(crate) bases: Option<Located<Vec<String>>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum DecoratorRole {
    Workflow,
    Activity,
    Run,
    Signal,
    Query,
    Update,
    Validator,
    Step,
    Init,
}

impl DecoratorRole {
    pub(crate) fn role(self) -> Role {
        match self {
            Self::Workflow => Role::WorkflowClass,
            Self::Activity => Role::Activity,
            Self::Run => Role::Run,
            Self::Signal => Role::Signal,
            Self::Query => Role::Query,
            Self::Update => Role::Update,
            Self::Validator => Role::Validator,
            Self::Step => Role::Step,
            Self::Init => Role::Init,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Level {
    Error,
    Warning,
    Info,
    Off,
}

impl Level {
    /// `None` turns the rule off.
    pub(crate) fn severity(self) -> Option<Severity> {
        match self {
            Self::Error => Some(Severity::Error),
            Self::Warning => Some(Severity::Warning),
            Self::Info => Some(Severity::Info),
            Self::Off => None,
        }
    }
}

/// A value that knows where in its file it was written.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub(crate) struct Located<T>(Spanned<T>);

impl<T> Located<T> {
    /// A value that comes from no file.
    pub(crate) fn nowhere(value: T) -> Self {
        Self(Spanned::new(0..0, value))
    }

    pub(crate) fn value(&self) -> &T {
        self.0.get_ref()
    }

    pub(crate) fn offset(&self) -> usize {
        self.0.span().start
    }
}

/// The place of a value is no part of what people write.
impl<T: JsonSchema> JsonSchema for Located<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }
    fn schema_id() -> std::borrow::Cow<'static, str> {
        T::schema_id()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        T::json_schema(generator)
    }
}
