//! The calls of plain Temporal code, which has no runbook.

use std::collections::{BTreeMap, BTreeSet};

use lint_core::diagnostic::FileId;
use lint_core::facts::Facts;
use lint_core::index::{Function, FunctionNode};
use lint_core::names::{Names, Resolved};
use lint_core::project::{Project, Question, mentions};
use lint_core::screen::Word;
use lint_core::syntax::ast::Expr;

use super::decorators::{Decorators, Leaves};
use super::types::CallSite;
use super::{Contract, calls};
use crate::test_files::is_test;

/// The calls in some files that are in no runbook, and what names mean there.
pub(super) struct Temporal<'p> {
    project: &'p Project<'p>,
    pub(super) names: Names<'p>,
    pub(super) calls: Vec<CallSite<'p>>,
    activities: Activities,
    elsewhere: Option<Elsewhere<'p>>,
}

/// Activities by the names under which they are registered.
type Activities = BTreeMap<String, Vec<Resolved>>;

/// What a worker may run beside workflows that name it by a text, so that nothing leads from one to the other.
struct Elsewhere<'p> {
    names: Names<'p>,
    activities: Activities,
    /// All files that may define activities, on which it depends what is found.
    asked: Vec<FileId>,
}

impl<'p> Temporal<'p> {
    pub(super) fn new(facts: &'p Facts<'p>, files: &[FileId]) -> Self {
        let project = facts.project;
        let names = Names::new(project, facts.knowledge, files);
        let calls = files.iter();
        let calls = calls.flat_map(|&file| calls::calls_in(project, &names, file));
        let calls = calls.collect();
        let activities = named_activities(project, &names, files);
        let mut temporal = Self {
            project,
            names,
            calls,
            activities,
            elsewhere: None,
        };
        let words = temporal.words();
        if !words.is_empty() {
            temporal.elsewhere = Some(Elsewhere::of(facts, files, &words));
        }
        temporal
    }

    pub(super) fn activities(&self) -> impl Iterator<Item = &Resolved> {
        self.activities.values().flatten()
    }

    /// The only activity of a name: in these files, or else anywhere, if that may be meant.
    pub(super) fn activity(&self, name: &str, from: FileId, anywhere: bool) -> Option<Resolved> {
        let here = self.here(name, from);
        let found = match (&here[..], &self.elsewhere) {
            ([], Some(elsewhere)) if anywhere => elsewhere.activities.get(name)?.iter().collect(),
            _ => here,
        };
        match found[..] {
            [only] => Some(only.clone()),
            _ => None,
        }
    }

    /// The activities of a name in these files. Those of tests stand in for others.
    fn here(&self, name: &str, from: FileId) -> Vec<&Resolved> {
        let is_test = |file: FileId| is_test(self.project, file);
        let is_meant = |it: &&Resolved| match it {
            Resolved::Function { file, .. } => is_test(from) || !is_test(*file),
            _ => false,
        };
        let named = self.activities.get(name).into_iter().flatten();
        named.filter(is_meant).collect()
    }

    /// What names mean in a file.
    pub(super) fn names_in(&self, file: FileId) -> &Names<'p> {
        match &self.elsewhere {
            Some(elsewhere) if !self.names.knows(file) => &elsewhere.names,
            _ => &self.names,
        }
    }

    /// The files on which it depends what was found elsewhere, if something was looked for.
    pub(super) fn asked(&self) -> Option<&[FileId]> {
        self.elsewhere.as_ref().map(|it| &it.asked[..])
    }

    /// What a file has to mention that defines an activity which a text names and these files do not have: the
    /// text, or the name of the constant that has it.
    fn words(&self) -> BTreeSet<String> {
        let mut words = BTreeSet::new();
        for site in &self.calls {
            let is_activity = site
                .workflow_api()
                .is_some_and(|it| it.ends_with("_activity"));
            let target = site.call.arguments.args.first().filter(|_| is_activity);
            let text = target.and_then(|it| self.names.const_str(site.file, site.function, it));
            let (Some(target), Some(text)) = (target, text) else {
                continue;
            };
            if !self.here(&text, site.file).is_empty() {
                continue;
            }
            let constant = match target {
                Expr::Name(it) => Some(&it.id),
                Expr::Attribute(it) => match &*it.value {
                    Expr::Attribute(member) if it.attr.as_str() == "value" => Some(&member.attr.id),
                    _ => Some(&it.attr.id),
                },
                _ => None,
            };
            words.extend(constant.map(|it| it.to_string()));
            words.insert(text);
        }
        words
    }
}

impl<'p> Elsewhere<'p> {
    /// Of the other files those that mention one of the words, but for tests.
    fn of(facts: &'p Facts<'p>, files: &[FileId], words: &BTreeSet<String>) -> Self {
        let project = facts.project;
        let asked = activity_files(project);
        let mentions = |file: FileId| {
            let text = project.text(file);
            text.is_some_and(|it| words.iter().any(|word| it.text.contains(word.as_str())))
        };
        let is_meant = |file: &FileId| {
            files.binary_search(file).is_err() && mentions(*file) && !is_test(project, *file)
        };
        let others: Vec<FileId> = asked.iter().copied().filter(is_meant).collect();
        let names = Names::new(project, facts.knowledge, &others);
        let activities = named_activities(project, &names, &others);
        Self {
            names,
            activities,
            asked,
        }
    }
}

/// What files that define activities contain; of these words, the rarest is the first.
pub(crate) const ACTIVITY_WORDS: [&str; 3] = ["temporalio", "activity", "defn"];

/// The files that may define activities.
pub(crate) fn activity_files(project: &Project<'_>) -> Vec<FileId> {
    let mut files = project.candidates(&Question {
        name: "activities".to_owned(),
        words: vec![Word::text(ACTIVITY_WORDS[0])],
        test: &|bytes| ACTIVITY_WORDS.iter().all(|it| mentions(bytes, it)),
    });
    files.retain(|file| !project.is_installed(*file));
    files
}

/// The functions of some files that decorators make activities and leave with their parameters.
fn named_activities<'p>(
    project: &'p Project<'p>,
    names: &Names<'p>,
    files: &[FileId],
) -> Activities {
    let decorators = Decorators { project, names };
    let mut activities = Activities::new();
    for &file in files {
        let functions = project.module(file).map(|it| &it.index().functions);
        for (ix, function) in (0..).zip(functions.into_iter().flatten()) {
            if let Some(name) = activity_name(decorators, file, function) {
                let function = Resolved::Function { file, ix };
                activities.entry(name).or_default().push(function);
            }
        }
    }
    activities
}

/// The name under which a function is registered that decorators make an activity and leave with its parameters.
pub(crate) fn activity_name<'p>(
    decorators: Decorators<'_, 'p>,
    file: FileId,
    function: &Function<'p>,
) -> Option<String> {
    let FunctionNode::Def(def) = function.node else {
        return None;
    };
    let mut registered = None;
    for decorator in &def.decorator_list {
        match decorators.leaves(file, function, decorator)? {
            Leaves::AsItIs => {}
            Leaves::Activity(name) => registered = Some(name),
        }
    }
    match registered? {
        Some(name) => name.text(decorators.names),
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
