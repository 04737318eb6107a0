//! The projects that are open, each with its configuration, its files and what was found in them.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use lint_core::analysis::Analysis;
use lint_core::diagnostic::{Applicability, Severity};
use lint_core::project::{Change, Interrupt};

use super::documents::Documents;
use super::snapshot::{Snapshot, Task};
use crate::baseline;
use crate::check::knowledge;
use crate::cli::{InputArgs, SelectionArgs};
use crate::config::{Settings, configured_root, project_root, relative_key};
use crate::discover::Files;
use crate::fix::{self, Order};
use crate::known::Hidden;

/// What an analysis is: tests put another in its place.
pub(super) type Analyse = fn(&Task<'_>) -> Option<Snapshot>;

pub(super) struct Workspace {
    /// What the editor has open, and the root of the project that this is or is part of.
    folders: BTreeMap<PathBuf, PathBuf>,
    projects: BTreeMap<PathBuf, Project>,
    analyse: Analyse,
}

/// One project.
pub(super) struct Project {
    root: PathBuf,
    /// The last ones that could be read.
    settings: Option<Settings>,
    files: Files,
    /// `None` until the files are known.
    analysis: Option<Analysis<'static>>,
    /// What rules found, as long as it is true.
    memo: rules::Memo,
    /// What the analysis has not been told yet, by key.
    changes: BTreeMap<String, Change>,
    stale: Stale,
    snapshot: Snapshot,
    /// Nobody opened its directory, only a file in it: nothing around the file is read.
    is_loose: bool,
}

/// What is not as it was analysed. Later ones include the earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stale {
    Nothing,
    Texts,
    Files,
    Settings,
}

/// What is to be said about an update.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// Why the configuration could not be read. The one before stays.
    pub(super) broken_configuration: Option<String>,
    /// What went wrong in the analysis.
    pub(super) panic: Option<String>,
    /// Why there may be more than was found, if that is new.
    pub(super) warnings: Vec<String>,
}

impl Workspace {
    pub(super) fn new(analyse: Analyse) -> Self {
        Self {
            folders: BTreeMap::new(),
            projects: BTreeMap::new(),
            analyse,
        }
    }

    pub(super) fn add_folder(&mut self, folder: PathBuf) {
        let root = project_root(std::slice::from_ref(&folder), &folder, false);
        let root = root.unwrap_or_else(|_| folder.clone());
        self.open_project(&root, false);
        self.folders.insert(folder, root);
    }

    pub(super) fn remove_folder(&mut self, folder: &Path) {
        if let Some(root) = self.folders.remove(folder)
            && !self.folders.values().any(|it| *it == root)
        {
            self.projects.remove(&root);
        }
    }

    /// The root of the project that a file belongs to: the nearest directory with a configuration
    /// within the folder that is open, or else the project around that folder.
    fn root_of(&self, path: &Path) -> PathBuf {
        let directory = path.parent().unwrap_or(path);
        let roots = self.folders.values();
        let around = roots
            .filter(|root| path.starts_with(root))
            .max_by_key(|root| root.components().count());
        match around {
            Some(top) => configured_root(directory, top).unwrap_or_else(|| top.clone()),
            None => directory.to_owned(),
        }
    }

    /// Opens the project of a file if it is not open yet.
    pub(super) fn open_for(&mut self, path: &Path) {
        let root = self.root_of(path);
        let is_loose = !self.folders.values().any(|it| root.starts_with(it));
        self.open_project(&root, is_loose);
    }

    fn open_project(&mut self, root: &Path, is_loose: bool) {
        let project = self.projects.entry(root.to_owned());
        let project = project.or_insert_with(|| Project::new(root, is_loose));
        if project.is_loose && !is_loose {
            *project = Project::new(root, false);
        }
    }

    /// Of the open projects that read a file, the one that decides over it: the innermost.
    pub(super) fn project_of(&self, path: &Path) -> Option<&Project> {
        let around = self.projects.values();
        let around = around.filter(|it| path.starts_with(&it.root));
        let innermost = around.max_by_key(|it| it.root.components().count());
        let mut others = self.projects.values();
        innermost.or_else(|| others.find(|it| it.files.knows(path, &it.root)))
    }

    /// Forgets the project of a file that was opened alone.
    pub(super) fn close(&mut self, path: &Path, documents: &Documents) {
        let is_open = |root: &Path| documents.iter().any(|(path, _)| path.starts_with(root));
        self.projects
            .retain(|root, it| !(it.is_loose && path.starts_with(root)) || is_open(root));
    }

    pub(super) fn projects(&self) -> impl Iterator<Item = &Project> {
        self.projects.values()
    }

    /// Every project that may have read the file has to look again.
    pub(super) fn spoil(&mut self, path: &Path, stale: Stale) {
        for project in self.projects.values_mut() {
            if path.starts_with(&project.root) || project.files.knows(path, &project.root) {
                project.stale = project.stale.max(stale);
                project.reread(path);
            }
        }
    }

    pub(super) fn spoil_all(&mut self, stale: Stale) {
        for project in self.projects.values_mut() {
            project.stale = project.stale.max(stale);
        }
    }

    /// Takes over the text of a document, or what is on disk if it is not open any more.
    pub(super) fn update_text(&mut self, path: &Path, documents: &Documents) {
        let document = documents.get(path);
        for project in self.projects.values_mut() {
            let is_known = project.files.knows(path, &project.root);
            if !is_known && !path.starts_with(&project.root) {
                continue;
            }
            let is_read = match document {
                Some(document) => project.cover(path, &document.source.text),
                None => project.uncover(path),
            };
            if is_read {
                project.stale = project.stale.max(Stale::Texts);
            }
        }
    }

    /// Whether a file on disk has come to be since the directories were walked, or is excluded.
    pub(super) fn may_be_new(&self, path: &Path) -> bool {
        let project = self.project_of(path);
        project.is_some_and(|it| !it.files.knows(path, &it.root)) && path.exists()
    }

    pub(super) fn is_stale(&self) -> bool {
        self.projects.values().any(|it| it.stale > Stale::Nothing)
    }

    /// Projects that were never analysed.
    pub(super) fn has_new(&self) -> bool {
        self.projects.values().any(|it| it.settings.is_none())
    }

    /// Analyses what is stale. Returns whether all of it was, or it was interrupted.
    pub(super) fn update(
        &mut self,
        documents: &Documents,
        is_interrupted: &Interrupt,
        mut say: impl FnMut(&Path, Said),
    ) -> bool {
        for project in self.projects.values_mut() {
            if project.stale == Stale::Nothing {
                continue;
            }
            if is_interrupted() {
                return false;
            }
            let said = project.update(documents, self.analyse, is_interrupted);
            say(&project.root, said);
        }
        !self.is_stale()
    }
}

impl Project {
    fn new(root: &Path, is_loose: bool) -> Self {
        Self {
            root: root.to_owned(),
            settings: None,
            files: Files::default(),
            analysis: None,
            memo: rules::Memo::default(),
            changes: BTreeMap::new(),
            stale: Stale::Settings,
            snapshot: Snapshot::default(),
            is_loose,
        }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The key of a file of the project.
    pub(super) fn key(&self, path: &Path) -> String {
        let key = relative_key(path, &self.root);
        self.files.name_of(&key).to_owned()
    }

    /// What `check --fix` would change if it were asked to fix what is found in this file, with the
    /// texts of the editor. `None` if there is nothing to be sure of.
    pub(super) fn fixed(&self, key: &str) -> Option<BTreeMap<String, fix::Change>> {
        let settings = self.settings.as_ref()?;
        let baseline = settings.baseline.as_ref();
        let baseline = baseline.map(|path| baseline::read(&self.root.join(path)));
        let hidden = Hidden::new(baseline.transpose().ok()?);
        let order = Order {
            least: Applicability::Safe,
            settings,
            hidden: &hidden,
            minimum: Severity::Info,
        };
        let mut files = self.files.clone();
        files.ask_only(key);
        Some(fix::fix(&mut files, &order).changes)
    }

    /// Returns whether the file is checked.
    fn cover(&mut self, path: &Path, text: &str) -> bool {
        let Some(settings) = &self.settings else {
            return false;
        };
        let source = text.as_bytes().to_vec();
        let input = input(self.is_loose);
        let is_read = self
            .files
            .overlay(path, &self.root, source.clone(), &input, settings);
        if is_read {
            self.changes.insert(self.key(path), Change::Text(source));
        }
        is_read
    }

    /// The file has changed on disk.
    fn reread(&mut self, path: &Path) {
        self.files.forget(path, &self.root);
        let key = self.key(path);
        if self.files.knows(path, &self.root) && !self.files.is_covered(&key) {
            self.changes.insert(key, Change::Reread);
        }
    }

    /// Returns whether the file was another one in the editor. What was opened alone is read from
    /// no disk.
    fn uncover(&mut self, path: &Path) -> bool {
        if self.is_loose {
            self.stale = self.stale.max(Stale::Files);
        }
        let key = self.key(path);
        let was_covered = self.files.uncover(path, &self.root);
        // It may have been saved meanwhile.
        self.files.forget(path, &self.root);
        let change = match self.files.knows(path, &self.root) {
            true => Change::Reread,
            false => Change::Gone,
        };
        self.changes.insert(key, change);
        was_covered
    }

    fn update(
        &mut self,
        documents: &Documents,
        analyse: Analyse,
        is_interrupted: &Interrupt,
    ) -> Said {
        let mut said = Said::default();
        if self.stale == Stale::Settings {
            said.broken_configuration = self.read_settings().err();
        }
        if self.stale >= Stale::Files {
            self.discover(documents);
        }
        self.stale = Stale::Nothing;
        let (Some(settings), Some(analysis)) = (&self.settings, &mut self.analysis) else {
            return said;
        };
        analysis.update(std::mem::take(&mut self.changes));
        analysis.interrupt(is_interrupted.clone());
        let task = Task {
            analysis,
            memo: &self.memo,
            settings,
            root: &self.root,
            is_interrupted,
        };
        match catch_unwind(AssertUnwindSafe(|| analyse(&task))) {
            Ok(Some(snapshot)) => {
                if snapshot.warnings != self.snapshot.warnings {
                    said.warnings.clone_from(&snapshot.warnings);
                }
                self.snapshot = snapshot;
            }
            Ok(None) => self.stale = Stale::Texts,
            Err(panic) => said.panic = Some(message(&*panic)),
        }
        said
    }

    fn read_settings(&mut self) -> Result<(), String> {
        let read = |isolated| {
            let input = InputArgs {
                isolated,
                ..InputArgs::default()
            };
            Settings::resolve(&self.root, &self.root, &input, &SelectionArgs::default())
        };
        match read(self.is_loose) {
            Ok(settings) => {
                self.settings = Some(settings);
                Ok(())
            }
            Err(error) => {
                if self.settings.is_none() {
                    self.settings = read(true).ok();
                }
                Err(format!("{error:#}"))
            }
        }
    }

    fn discover(&mut self, documents: &Documents) {
        let Some(settings) = &self.settings else {
            return;
        };
        self.files = if self.is_loose {
            Files::default()
        } else {
            Files::discover(&self.root, &self.root, &input(false), settings).remembering()
        };
        let project = self.files.kept_project(settings);
        self.analysis = Some(Analysis::new(project, knowledge(settings)));
        self.memo = rules::Memo::default();
        self.changes.clear();
        for (path, document) in documents.iter() {
            if path.starts_with(&self.root) || self.files.knows(path, &self.root) {
                self.cover(path, &document.source.text);
            }
        }
    }
}

/// A document that the configuration excludes is not checked, unless it is all there is.
fn input(is_loose: bool) -> InputArgs {
    InputArgs {
        force_exclude: !is_loose,
        ..InputArgs::default()
    }
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("unknown").to_owned()
}
