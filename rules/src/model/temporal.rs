//! The calls of plain Temporal code, which has no runbook.

use std::collections::{BTreeMap, BTreeSet};

use lint_core::diagnostic::FileId;
use lint_core::facts::Facts;
use lint_core::index::{Function, FunctionNode, Module};
use lint_core::names::{Names, Resolved};
use lint_core::project::Project;
use lint_core::syntax::ast::Expr;
use rustc_hash::FxHashMap;

use super::types::CallSite;
use super::{Contract, calls};

/// The calls in some files that are in no runbook, and what names mean there.
pub(super) struct Temporal<'p> {
    pub(super) names: Names<'p>,
    pub(super) calls: Vec<CallSite<'p>>,
    /// The activities by the names under which they are registered; `None` if there are several.
    pub(super) activities: BTreeMap<String, Option<Resolved>>,
}

impl<'p> Temporal<'p> {
    pub(super) fn new(facts: &'p Facts<'p>, files: &[FileId]) -> Self {
        let names = Names::new(facts.project, facts.knowledge, files);
        let mut calls = Vec::new();
        let mut activities = BTreeMap::new();
        for &file in files {
            if let Some(module) = facts.project.module(file) {
                calls::collect(&names, file, module, &FxHashMap::default(), &mut calls);
                for (name, activity) in named_activities(&names, file, module) {
                    let only = |known: &mut Option<Resolved>| *known = None;
                    let entry = activities.entry(name).and_modify(only);
                    entry.or_insert(Some(activity));
                }
            }
        }
        Self {
            names,
            calls,
            activities,
        }
    }
}

/// The functions of a file that `@activity.defn` alone decorates, with their names.
fn named_activities(names: &Names<'_>, file: FileId, module: &Module) -> Vec<(String, Resolved)> {
    let functions = module.index().functions.iter().enumerate();
    let named = functions.filter_map(|(ix, function)| {
        let name = activity_name(names, file, function)?;
        let ix = ix as u32;
        Some((name, Resolved::Function { file, ix }))
    });
    named.collect()
}

/// The name under which a function is registered that `@activity.defn` alone decorates.
pub(crate) fn activity_name(
    names: &Names<'_>,
    file: FileId,
    function: &Function<'_>,
) -> Option<String> {
    let FunctionNode::Def(def) = function.node else {
        return None;
    };
    let [decorator] = &def.decorator_list[..] else {
        return None;
    };
    let (callee, call) = match &decorator.expression {
        Expr::Call(it) => (&*it.func, Some(it)),
        other => (other, None),
    };
    let marker = names.resolve(file, function.parent, callee)?;
    let argument = |name| call.and_then(|it| it.arguments.find_keyword(name));
    if marker.external() != Some("temporalio.activity.defn") || argument("dynamic").is_some() {
        return None;
    }
    match call.and_then(|it| it.arguments.find_argument_value("name", 0)) {
        Some(name) => names.const_str(file, function.parent, name),
        None => Some(def.name.to_string()),
    }
}

pub(crate) fn uses_temporal(project: &Project<'_>, file: FileId) -> bool {
    project.mentions(file, "temporalio", |text| text.contains("temporalio"))
}

impl Contract<'_> {
    /// Of the files that were analysed, those that are in no runbook and run in workflows or use
    /// the SDK of Temporal.
    pub(super) fn plain_files(&self, facts: &Facts<'_>) -> Vec<FileId> {
        let project = facts.project;
        let runs = facts.parts.iter().flat_map(|part| &part.seen.reach);
        let runs = runs.flat_map(|it| &it.entries).flat_map(|it| &it.runs);
        let reached: BTreeSet<FileId> = runs.map(|it| it.file).collect();
        let files = facts.files.iter().copied();
        let is_meant = |&file: &FileId| reached.contains(&file) || uses_temporal(project, file);
        files
            .filter(|&file| self.is_outside(project, file))
            .filter(is_meant)
            .collect()
    }

    /// Whether the file is in no runbook and in no installed package.
    pub(crate) fn is_outside(&self, project: &Project<'_>, file: FileId) -> bool {
        !project.is_installed(file) && self.files.binary_search(&file).is_err()
    }
}
