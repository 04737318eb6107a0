//! What a rule is to the one who runs it.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use lint_core::diagnostic::{Diagnostic, FileId, Place};
use lint_core::facts::{Callee, Facts, FunctionRef};
use lint_core::names::Names;
use lint_core::project::{Project, Question, join, mentions, split};
use lint_core::rule::{Category, RuleMetadata};
use lint_core::screen::Word;

use crate::everywhere::Everywhere;
use crate::model::{Contract, Model};
use crate::program::Answers;
use crate::reference::recorded::{Recorded, Reference};
use crate::runbook_md::RunbookMd;

/// For each culprit and function, the calls of the function on no way to the culprit.
type Beside = BTreeMap<(Place, FunctionRef), Rc<[Place]>>;

/// Everything a rule may look at.
pub struct Context<'p> {
    pub facts: &'p Facts<'p>,
    /// What the bundles contain, as far as their text tells.
    pub model: Model<'p>,
    /// The `runbook.md` of each bundle of the model.
    pub(crate) runbook_mds: Rc<Vec<Option<RunbookMd<'p>>>>,
    /// What is true of all parts.
    pub(crate) everywhere: Everywhere,
    /// Whether this is one part, so that another look is taken at the others.
    pub(crate) is_part: bool,
    names: OnceCell<Names<'p>>,
    workers: OnceCell<(Vec<FileId>, Names<'p>)>,
    callers: OnceCell<BTreeMap<FunctionRef, Vec<Place>>>,
    ways: OnceCell<BTreeMap<Place, BTreeSet<Place>>>,
    beside_ways: RefCell<Beside>,
    last_names: RefCell<Option<(Vec<FileId>, Rc<Names<'p>>)>>,
    /// Words that were looked for in all files, with the files that have them.
    words: RefCell<BTreeMap<String, Vec<FileId>>>,
    /// Which functions use the workflow API and so run nowhere else.
    pub(crate) only_in_workflows: Answers,
    /// Which functions workflows alone run, whatever they use.
    pub(crate) by_workflows_alone: Answers,
    /// Which functions use the workflow API, or call one that does.
    pub(crate) reach_workflow_api: Answers,
}

impl<'p> Context<'p> {
    /// Of the whole project.
    pub fn new(facts: &'p Facts<'p>) -> Self {
        Self::of_runbooks(facts).with_other_code()
    }

    /// Of the whole project, but without the calls of code that is in no runbook.
    pub(crate) fn of_runbooks(facts: &'p Facts<'p>) -> Self {
        let model = Model::of_runbooks(facts);
        Self {
            runbook_mds: Rc::new(RunbookMd::all(&model)),
            everywhere: Everywhere::new(facts),
            ..Self::of(facts, model)
        }
    }

    pub(crate) fn with_other_code(&self) -> Self {
        Self {
            runbook_mds: self.runbook_mds.clone(),
            everywhere: self.everywhere,
            ..Self::of(self.facts, self.model.with_other_code(self.facts))
        }
    }

    fn of(facts: &'p Facts<'p>, model: Model<'p>) -> Self {
        Self {
            facts,
            model,
            runbook_mds: Rc::default(),
            everywhere: Everywhere::default(),
            is_part: false,
            names: OnceCell::new(),
            workers: OnceCell::new(),
            callers: OnceCell::new(),
            ways: OnceCell::new(),
            beside_ways: RefCell::default(),
            last_names: RefCell::default(),
            words: RefCell::default(),
            only_in_workflows: Answers::default(),
            by_workflows_alone: Answers::default(),
            reach_workflow_api: Answers::default(),
        }
    }

    /// Of a part: among all runbooks, and as if there were none.
    pub(crate) fn of_part<'v>(&self, facts: &'v Facts<'v>) -> (Context<'v>, Context<'v>)
    where
        'p: 'v,
    {
        let contract: Rc<Contract<'v>> = self.model.contract().clone();
        let runbook_mds: Rc<Vec<Option<RunbookMd<'v>>>> = self.runbook_mds.clone();
        let (among_all, alone) = Model::of_part(&contract, facts);
        let among_all = Context {
            runbook_mds,
            everywhere: self.everywhere,
            is_part: true,
            ..Context::of(facts, among_all)
        };
        let alone = Context {
            everywhere: self.everywhere,
            is_part: true,
            ..Context::of(facts, alone)
        };
        (among_all, alone)
    }

    /// What names mean in the files where something was found, for fixes: unlike those of the
    /// model, also outside of bundles.
    pub(crate) fn names(&self) -> &Names<'p> {
        self.names.get_or_init(|| {
            let culprits = self.facts.hazards.iter().flat_map(|it| {
                let steps = it.trace.iter().map(|step| step.place.file);
                steps.chain([it.place.file])
            });
            let activities = self.model.bundles.iter().filter_map(|it| it.activities);
            let project = self.facts.project;
            let beside = self.facts.hazards.iter().filter_map(|it| {
                let directory = split(project.key(it.place.file)).0;
                project.file(&join(directory, "activities.py"))
            });
            let files: BTreeSet<FileId> = culprits.chain(activities).chain(beside).collect();
            let files: Vec<FileId> = files.into_iter().collect();
            Names::new(project, self.facts.knowledge, &files)
        })
    }

    /// The files that may start workers, which no workflow needs, and what names mean in them.
    pub(crate) fn workers(&self) -> &(Vec<FileId>, Names<'p>) {
        self.workers.get_or_init(|| {
            let project = self.facts.project;
            let files = worker_files(project);
            let names = Names::new(project, self.facts.knowledge, &files);
            (files, names)
        })
    }

    /// The same files, if somebody wanted to know.
    pub(crate) fn asked_workers(&self) -> Option<&[FileId]> {
        self.workers.get().map(|(files, _)| files.as_slice())
    }

    /// The calls that run a function, as far as they were seen.
    pub(crate) fn callers(&self, function: FunctionRef) -> &[Place] {
        let callers = self.callers.get_or_init(|| {
            let mut callers: BTreeMap<FunctionRef, Vec<Place>> = BTreeMap::new();
            for (place, callees) in &self.facts.observed.calls {
                for callee in callees {
                    if let Callee::Function(function) = callee {
                        callers.entry(*function).or_default().push(*place);
                    }
                }
            }
            callers
        });
        callers.get(&function).map_or(&[], Vec::as_slice)
    }

    /// The calls that run a function and are not on a way from a workflow to a culprit. Each finding
    /// of the culprit asks, so the calls are gone through once.
    pub(crate) fn callers_beside_ways(&self, culprit: Place, function: FunctionRef) -> Rc<[Place]> {
        let mut known = self.beside_ways.borrow_mut();
        let callers = known.entry((culprit, function)).or_insert_with(|| {
            let way = self.ways().get(&culprit);
            let is_beside = |it: &&Place| way.is_none_or(|way| !way.contains(*it));
            let callers = self.callers(function).iter();
            callers.filter(is_beside).copied().collect()
        });
        callers.clone()
    }

    /// The places on the ways from workflows to each culprit, itself included.
    fn ways(&self) -> &BTreeMap<Place, BTreeSet<Place>> {
        self.ways.get_or_init(|| {
            let mut ways: BTreeMap<Place, BTreeSet<Place>> = BTreeMap::new();
            for hazard in &self.facts.hazards {
                let steps = hazard.trace.iter().map(|it| it.place);
                if let Some(culprit) = steps.clone().next_back() {
                    let way = ways.entry(culprit).or_default();
                    way.extend(steps.chain([hazard.place]));
                }
            }
            ways
        })
    }

    /// The files of the project that contain a word, for fixes that have to know every use of a name.
    pub(crate) fn files_with(&self, word: &str) -> Vec<FileId> {
        let mut words = self.words.borrow_mut();
        let files = || files_with(self.facts.project, word);
        words.entry(word.to_owned()).or_insert_with(files).clone()
    }

    /// What names mean in these files. Whoever asks for many findings in a row asks for the same.
    pub(crate) fn names_in(&self, files: &[FileId]) -> Rc<Names<'p>> {
        let mut last = self.last_names.borrow_mut();
        match &*last {
            Some((known, names)) if known == files => names.clone(),
            _ => {
                let names = Names::new(self.facts.project, self.facts.knowledge, files);
                let names = Rc::new(names);
                *last = Some((files.to_vec(), names.clone()));
                names
            }
        }
    }

    /// All words that were looked for, with the files that have them.
    pub(crate) fn asked_words(&self) -> BTreeMap<String, Vec<FileId>> {
        self.words.borrow().clone()
    }
}

/// How a worker is told its workflows.
pub(crate) const WORKFLOWS: &str = "workflows=";

/// The files that may start workers.
pub(crate) fn worker_files(project: &Project<'_>) -> Vec<FileId> {
    let mut files = project.candidates(&Question {
        name: WORKFLOWS.to_owned(),
        words: vec![Word::text(WORKFLOWS)],
        test: &|bytes| mentions(bytes, WORKFLOWS) && mentions(bytes, "temporalio"),
    });
    files.retain(|file| !project.is_installed(*file));
    files
}

/// The files of the project that contain a word.
pub(crate) fn files_with(project: &Project<'_>, word: &str) -> Vec<FileId> {
    let mut files = project.candidates(&Question {
        name: format!("the word {word}"),
        words: vec![Word::text(word)],
        test: &|bytes| mentions(bytes, word),
    });
    files.retain(|file| !project.is_installed(*file));
    files
}

/// How much of the project a rule sees at once. What it finds in a part is kept until the part
/// changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All of it, each time: the rule compares calls that may be anywhere.
    Project,
    /// All runbooks and all facts, without the calls of code that is in no runbook.
    Runbooks,
    /// The same, and then part by part as if there were no runbooks, with the calls of each.
    RunbooksAndParts,
    /// One part after the other.
    Part,
}

/// One rule. It reads no files and prints nothing.
pub trait Rule: Sync {
    fn metadata(&self) -> &'static RuleMetadata;

    /// The hazard classes of APIs that it reports, if it is about APIs. A user who gives the
    /// rule's name to a name of their own means the first one.
    fn classes(&self) -> &'static [&'static str] {
        &[]
    }

    /// How much of the project it sees at once.
    fn scope(&self) -> Scope {
        match self.metadata().category {
            Category::Determinism | Category::Lifecycle | Category::Versioning | Category::Lint => {
                Scope::Part
            }
            Category::Contract | Category::Calls => Scope::RunbooksAndParts,
            Category::Steps | Category::Bundle => Scope::Runbooks,
        }
    }

    /// Whether it speaks of a place once, for the first workflow that gets there.
    fn speaks_once(&self) -> bool {
        !matches!(
            self.metadata().category,
            Category::Determinism | Category::Lint
        )
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>);
}

/// A rule about what an edit makes of workflows, of which one state of the project tells nothing.
pub(crate) trait EditRule: Sync {
    fn metadata(&self) -> &'static RuleMetadata;

    fn compare(&self, edit: &Edit<'_>, report: &mut Vec<Diagnostic>);
}

/// What workflows do, and what they did before.
pub(crate) struct Edit<'e> {
    /// As it is now.
    pub(crate) project: &'e Project<'e>,
    pub(crate) now: &'e [Recorded],
    pub(crate) before: &'e [Reference],
}
