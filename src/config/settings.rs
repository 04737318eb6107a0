//! What the rest of the program reads.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Result;
use lint_core::diagnostic::Severity;
use lint_core::knowledge::{Role, SAFE, UserEntries};
use lint_core::rule::RuleMetadata;
use lint_core::suggest::closest;
use serde::Serialize;

use super::Layer;
use super::error::{ConfigError, Origin};
use super::files::layers;
use super::options::{Located, Options};
use super::patterns::Patterns;
use super::selection::{self, rule_code, unknown_rule};
use crate::cli::{InputArgs, SelectionArgs};

/// What is not read unless a project says otherwise. Directories of these names that are Python
/// packages are read nevertheless: a package may well be called `build`.
const DEFAULT_EXCLUDE: &[&str] = &[
    ".eggs",
    ".git",
    ".hg",
    ".mypy_cache",
    ".nox",
    ".pytest_cache",
    ".ruff_cache",
    ".svn",
    ".tox",
    ".venv",
    "__pycache__",
    "__pypackages__",
    "_build",
    "build",
    "dist",
    "node_modules",
    "site-packages",
    "venv",
];

#[derive(Debug)]
pub(crate) struct Settings {
    /// Codes of the rules that run.
    pub(crate) enabled: BTreeSet<&'static str>,
    /// Severities that the user gave to rules, by code.
    pub(crate) severity: BTreeMap<&'static str, Severity>,
    pub(crate) default_exclude: Patterns,
    pub(crate) exclude: Patterns,
    pub(crate) per_file_ignores: Vec<(Patterns, BTreeSet<&'static str>)>,
    pub(crate) src: Vec<String>,
    pub(crate) knowledge: UserEntries,
    pub(crate) follow_installed: bool,
    /// Whether executions stay with the version that started them.
    pub(crate) pinned_versions: bool,
    /// Relative to the working directory.
    pub(crate) baseline: Option<PathBuf>,
    /// Every setting as one line of TOML, with its origin.
    pub(crate) shown: Vec<Shown>,
}

#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) origin: Origin,
}

impl Settings {
    pub(crate) fn resolve(
        root: &Path,
        cwd: &Path,
        input: &InputArgs,
        selection: &SelectionArgs,
    ) -> Result<Self> {
        let layers = layers(root, cwd, input, selection)?;
        Ok(Resolver::new(&layers).resolve()?)
    }
}

/// Merges layers and writes down where everything came from.
struct Resolver<'l> {
    layers: &'l [Layer],
    known: Vec<&'static RuleMetadata>,
    shown: Vec<Shown>,
}

impl<'l> Resolver<'l> {
    fn new(layers: &'l [Layer]) -> Self {
        Self {
            layers,
            known: rules::metadata().collect(),
            shown: Vec::new(),
        }
    }

    fn resolve(mut self) -> Result<Settings, ConfigError> {
        let preview = self.last("preview", false, |it| it.preview.as_ref());
        let default_rules = self
            .known
            .iter()
            .filter(|rule| selection::runs_by_default(rule, preview));
        let default_rules = default_rules.map(|rule| rule.code.to_owned()).collect();
        self.last("select", default_rules, |it| it.select.as_ref());
        self.each("extend-select", |it| it.extend_select.as_ref());
        self.each("ignore", |it| it.ignore.as_ref());
        let mut enabled = selection::enabled(self.layers, &self.known, preview)?;
        let severity = self.severity(&mut enabled)?;
        let (default_exclude, exclude) = self.exclude()?;
        let per_file_ignores = self.per_file_ignores()?;
        let src = self.last("src", Vec::new(), |it| it.src.as_ref());
        let follow_installed =
            self.last("follow-installed", false, |it| it.follow_installed.as_ref());
        let pinned_versions = self.last("pinned-versions", false, |it| it.pinned_versions.as_ref());
        let knowledge = UserEntries {
            markers: self.markers(),
            apis: self.catalogue()?,
            roots: self.names("treat-as-workflow", |it| it.treat_as_workflow.as_ref()),
            executors: self.names("executors", |it| it.executors.as_ref()),
            passed_through: self.names("passthrough-modules", |it| it.passthrough_modules.as_ref()),
        };
        Ok(Settings {
            enabled,
            severity,
            default_exclude,
            exclude,
            per_file_ignores,
            src: src.iter().map(|path| normalize(path)).collect(),
            knowledge,
            follow_installed,
            pinned_versions,
            baseline: self.baseline(),
            shown: self.shown,
        })
    }

    /// The value of the strongest layer that has one.
    fn last<T: Serialize + Clone + 'l>(
        &mut self,
        key: &str,
        default: T,
        get: impl Fn(&'l Options) -> Option<&'l Located<T>>,
    ) -> T {
        let strongest = self.each_layer(get).pop();
        let (value, origin) = match strongest {
            Some((layer, located)) => (
                located.value().clone(),
                layer.source.origin(located.offset()),
            ),
            None => (default, Origin::Default),
        };
        self.show(key.to_owned(), &value, origin);
        value
    }

    /// The values of all layers, for settings that add up.
    fn each<T: Serialize + 'l>(
        &mut self,
        key: &str,
        get: impl Fn(&'l Options) -> Option<&'l Located<T>>,
    ) -> Vec<(&'l Layer, &'l Located<T>)> {
        let found = self.each_layer(get);
        for (layer, located) in &found {
            let origin = layer.source.origin(located.offset());
            self.show(key.to_owned(), located.value(), origin);
        }
        found
    }

    /// The names in the lists of all layers.
    fn names(
        &mut self,
        key: &str,
        get: impl Fn(&'l Options) -> Option<&'l Located<Vec<String>>>,
    ) -> Vec<String> {
        let found = self.each(key, get);
        found
            .into_iter()
            .flat_map(|(_, located)| located.value().iter().cloned())
            .collect()
    }

    fn each_layer<T: 'l>(
        &self,
        get: impl Fn(&'l Options) -> Option<&'l Located<T>>,
    ) -> Vec<(&'l Layer, &'l Located<T>)> {
        self.layers
            .iter()
            .filter_map(|layer| Some((layer, get(&layer.options)?)))
            .collect()
    }

    /// The entries of a table over all layers; the strongest layer wins each key.
    fn table<T: Serialize + 'l>(
        &mut self,
        table: &str,
        get: impl Fn(&'l Options) -> &'l BTreeMap<String, Located<T>>,
    ) -> BTreeMap<&'l str, (&'l Layer, &'l Located<T>)> {
        let mut merged = BTreeMap::new();
        for layer in self.layers {
            for (key, located) in get(&layer.options) {
                merged.insert(key.as_str(), (layer, located));
            }
        }
        for (key, (layer, located)) in &merged {
            let origin = layer.source.origin(located.offset());
            self.show(format!("{table}.{}", quote(key)), located.value(), origin);
        }
        merged
    }

    fn show(&mut self, key: String, value: &impl Serialize, origin: Origin) {
        let mut text = String::new();
        // Writing plain values to a string cannot fail.
        let _ = value.serialize(toml::ser::ValueSerializer::new(&mut text));
        self.shown.push(Shown {
            key,
            value: text,
            origin,
        });
    }

    fn severity(
        &mut self,
        enabled: &mut BTreeSet<&'static str>,
    ) -> Result<BTreeMap<&'static str, Severity>, ConfigError> {
        let mut severity = BTreeMap::new();
        for (rule, (layer, level)) in self.table("severity", |it| &it.severity) {
            let code = rule_code(rule, &self.known).ok_or_else(|| {
                layer
                    .source
                    .error(level.offset(), unknown_rule(rule, &self.known))
            })?;
            match level.value().severity() {
                Some(level) => {
                    severity.insert(code, level);
                }
                None => {
                    enabled.remove(code);
                }
            }
        }
        Ok(severity)
    }

    fn exclude(&mut self) -> Result<(Patterns, Patterns), ConfigError> {
        let default = DEFAULT_EXCLUDE
            .iter()
            .map(|&name| name.to_owned())
            .collect();
        self.last("exclude", default, |it| it.exclude.as_ref());
        let extensions = self.each("extend-exclude", |it| it.extend_exclude.as_ref());
        let replacement = self.each_layer(|it| it.exclude.as_ref()).pop();
        let defaults = match replacement {
            Some(_) => &[],
            None => DEFAULT_EXCLUDE,
        };
        let mut patterns = Vec::new();
        for (layer, located) in replacement.into_iter().chain(extensions) {
            let list = located.value().iter().map(String::as_str);
            // Each list is tried alone, so that a mistake is reported where it was made.
            Patterns::new(list.clone())
                .map_err(|message| layer.source.error(located.offset(), message))?;
            patterns.extend(list);
        }
        let compile = |patterns: &[&str]| {
            Patterns::new(patterns.iter().copied()).map_err(|message| ConfigError {
                origin: Origin::Default,
                message,
            })
        };
        Ok((compile(defaults)?, compile(&patterns)?))
    }

    fn per_file_ignores(&mut self) -> Result<Vec<(Patterns, BTreeSet<&'static str>)>, ConfigError> {
        let entries = self.table("per-file-ignores", |it| &it.per_file_ignores);
        let compile = |(glob, (layer, list)): (&str, (&Layer, &Located<Vec<String>>))| {
            let patterns = Patterns::new([glob])
                .map_err(|message| layer.source.error(list.offset(), message))?;
            Ok((patterns, selection::codes(list, layer, &self.known)?))
        };
        entries.into_iter().map(compile).collect()
    }

    /// The path that the strongest layer gives, from the directory of that layer.
    fn baseline(&mut self) -> Option<PathBuf> {
        let (layer, located) = self.each_layer(|it| it.baseline.as_ref()).pop()?;
        let origin = layer.source.origin(located.offset());
        self.show("baseline".to_owned(), located.value(), origin);
        Some(layer.source.directory().join(located.value()))
    }

    fn markers(&mut self) -> BTreeMap<String, Role> {
        let decorators = self.table("entry-points.decorators", |it| &it.entry_points.decorators);
        let bases = self.each("entry-points.bases", |it| it.entry_points.bases.as_ref());
        let bases = bases.into_iter().flat_map(|(_, list)| list.value());
        let bases = bases.map(|name| (name.clone(), Role::WorkflowBase));
        decorators
            .into_iter()
            .map(|(name, (_, role))| (name.to_owned(), role.value().role()))
            .chain(bases)
            .collect()
    }

    fn catalogue(&mut self) -> Result<BTreeMap<String, &'static str>, ConfigError> {
        let mut apis = BTreeMap::new();
        for (name, (layer, class)) in self.table("catalogue", |it| &it.catalogue) {
            let written = class.value().as_str();
            let found = api_class(written).ok_or_else(|| {
                let message = unknown_class(name, written);
                layer.source.error(class.offset(), message)
            })?;
            apis.insert(name.to_owned(), found);
        }
        Ok(apis)
    }
}

/// What users call a rule's name, or more exactly a class of the catalogue.
fn api_class(written: &str) -> Option<&'static str> {
    let class = || rules::catalogue::class(written).map(|class| class.id);
    rules::class_named(written).or_else(class)
}

fn unknown_class(name: &str, written: &str) -> String {
    let about_apis = rules::all()
        .iter()
        .filter(|rule| !rule.classes().is_empty());
    let names: Vec<&str> = about_apis
        .map(|rule| rule.metadata().name)
        .chain([SAFE])
        .collect();
    match closest(written, names.iter().copied()) {
        Some(meant) => format!("`{name}` cannot be `{written}`; did you mean `{meant}`?"),
        None => format!(
            "`{name}` cannot be `{written}`; it must be one of `{}`",
            names.join("`, `")
        ),
    }
}

/// A key as TOML wants it.
fn quote(key: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !key.is_empty() && key.chars().all(is_bare) {
        key.to_owned()
    } else {
        format!("{key:?}")
    }
}

/// A directory relative to the project root as the engine names it.
fn normalize(path: &str) -> String {
    let path = path.trim_end_matches('/');
    match path.strip_prefix("./").unwrap_or(path) {
        "." => String::new(),
        path => path.to_owned(),
    }
}
