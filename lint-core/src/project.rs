//! The project: which files exist, what an import means, and modules parsed on demand.
//!
//! A module is identified by its file. Files are known by their keys, paths relative to the
//! project root with `/`, in sorted order; nothing here depends on the order of discovery.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use rayon::prelude::*;

use crate::diagnostic::FileId;
use crate::index::Module;
use crate::knowledge::Knowledge;
use crate::screen::{Screen, Word};
use crate::source::SourceFile;
use crate::syntax::ast::{self, Stmt};

/// Reads the files of the project. Everything the engine knows of the outside goes through it.
pub trait Loader: Sync {
    fn read(&self, key: &str) -> io::Result<Vec<u8>>;
}

/// In-memory files, for tests and for editors.
impl Loader for BTreeMap<String, String> {
    fn read(&self, key: &str) -> io::Result<Vec<u8>> {
        self.get(key)
            .map(|text| text.clone().into_bytes())
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

pub struct Project<'l> {
    loader: Handle<'l>,
    layout: Arc<Layout>,
    slots: Arc<[Arc<Slot>]>,
    answers: Arc<Answers>,
    /// What this run has come to know of; what former runs have parsed is no part of it until then.
    used: Arc<FileSet>,
    /// The files whose contents were asked for through this very view.
    read: FileSet,
    /// What all files will be asked about later.
    expected: Arc<[Word]>,
    /// Says that nobody waits for the analysis any more.
    interrupt: Option<Interrupt>,
}

/// Asked now and then whether an analysis should end early.
pub type Interrupt = Arc<dyn Fn() -> bool + Send + Sync>;

/// Files that something was made of, as they were then: it would be the same of any project in
/// which they still are like that.
#[derive(Clone)]
pub struct Reads {
    layout: Arc<Layout>,
    files: Vec<(FileId, Arc<Slot>)>,
}

impl Reads {
    /// In order.
    pub fn files(&self) -> impl Iterator<Item = FileId> + '_ {
        self.files.iter().map(|(file, _)| *file)
    }
}

/// Who reads files.
#[derive(Clone)]
pub enum Handle<'l> {
    Borrowed(&'l dyn Loader),
    Shared(Arc<dyn Loader + Send>),
}

impl<'l, L: Loader> From<&'l L> for Handle<'l> {
    fn from(loader: &'l L) -> Self {
        Self::Borrowed(loader)
    }
}

impl<L: Loader + Send + 'static> From<Arc<L>> for Handle<'_> {
    fn from(loader: Arc<L>) -> Self {
        Self::Shared(loader)
    }
}

impl Handle<'_> {
    fn read(&self, key: &str) -> io::Result<Vec<u8>> {
        match self {
            Self::Borrowed(loader) => loader.read(key),
            Self::Shared(loader) => loader.read(key),
        }
    }
}

/// Which files there are, and so what imports mean.
#[derive(Default)]
struct Layout {
    /// In order; the number of a file is its place.
    keys: Vec<String>,
    /// Further names of files, with their keys.
    aliases: BTreeMap<String, String>,
    /// Every directory that holds a Python file, directly or below; `""` is the root.
    directories: BTreeSet<Arc<str>>,
    /// For each top-level import name, the directories in which it can be found.
    providers: BTreeMap<String, BTreeSet<Arc<str>>>,
    source_roots: Vec<String>,
    /// Directories (such as `site-packages`) in which installed packages are followed.
    search_paths: Vec<String>,
}

/// What is known of one state of a file. It is never changed, only replaced.
#[derive(Default)]
struct Slot {
    /// A text that is not the one the loader has.
    text: Option<Arc<[u8]>>,
    loaded: OnceLock<Arc<Loaded>>,
    imports: OnceLock<Arc<[FileId]>>,
    /// Those in functions and classes as well.
    all_imports: OnceLock<Arc<[FileId]>>,
    /// Which words are known to be in its text, or not to be.
    words: Mutex<Vec<(&'static str, bool)>>,
}

/// What came of reading a file.
#[derive(Debug)]
enum Loaded {
    Module {
        source: SourceFile,
        module: Module,
    },
    /// A file that is not Python, such as `runbook.md`.
    Text {
        source: SourceFile,
    },
    Failed {
        kind: FileErrorKind,
        message: String,
        line: u32,
    },
}

/// A question about the bytes of files that is put to all of them.
pub struct Question<'q> {
    /// Questions of one name have the same test.
    pub name: String,
    /// The answer is no of a file in which none of these stands, of which there is at least one.
    pub words: Vec<Word>,
    pub test: &'q (dyn Fn(&[u8]) -> bool + Sync),
}

/// Whether the bytes contain a word, for the tests of questions.
pub fn mentions(bytes: &[u8], word: &str) -> bool {
    memchr::memmem::find(bytes, word.as_bytes()).is_some()
}

/// What is known of each file for each question.
type Columns = BTreeMap<String, Vec<Option<Answer>>>;

/// The name of the question whether any word of the first screen is in a file.
const ANYTHING: &str = "";

/// What is known of files without parsing them.
#[derive(Default)]
struct Answers {
    columns: Mutex<Columns>,
    /// The words of the first screen.
    screened: OnceLock<Arc<[Word]>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Yes,
    No,
    Unreadable,
}

/// How a file is not what it was before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It has this text, whatever the loader has.
    Text(Vec<u8>),
    /// The loader has to be asked again.
    Reread,
    Gone,
}

/// A file that could not be read in full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileError {
    pub file: FileId,
    pub kind: FileErrorKind,
    pub message: String,
    /// 1-based line and column, where known.
    pub line: u32,
    pub column: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileErrorKind {
    Syntax,
    Encoding,
    Io,
}

/// What the name of an import refers to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Import {
    File(FileId),
    /// A directory without `__init__.py`.
    Namespace(String),
    /// Not part of the project.
    External,
}

impl<'l> Project<'l> {
    /// `files` are the keys of all known files, Python and what belongs to runbook bundles, in any
    /// order; `source_roots` and `search_paths` are directories, relative to the project root too.
    pub fn new(
        loader: impl Into<Handle<'l>>,
        files: impl IntoIterator<Item = String>,
        source_roots: Vec<String>,
        search_paths: Vec<String>,
    ) -> Self {
        let keys = files.into_iter().collect();
        let layout = Layout::new(keys, BTreeMap::new(), source_roots, search_paths);
        let slots = layout.keys.iter().map(|_| Arc::default()).collect();
        Self::of(loader.into(), Arc::new(layout), slots, Answers::default())
    }

    fn of(
        loader: Handle<'l>,
        layout: Arc<Layout>,
        slots: Vec<Arc<Slot>>,
        answers: Answers,
    ) -> Self {
        let count = slots.len();
        Self {
            loader,
            layout,
            slots: slots.into(),
            answers: Arc::new(answers),
            used: Arc::new(FileSet::new(count)),
            read: FileSet::new(count),
            expected: Arc::default(),
            interrupt: None,
        }
    }

    /// An analysis ends early when it is told to. What it found then is of no use.
    pub fn interrupt(&mut self, interrupt: Interrupt) {
        self.interrupt = Some(interrupt);
    }

    /// Words that all files will be asked about later, so that most files are read once.
    pub fn expecting(mut self, words: &[Word]) -> Self {
        self.expected = words.into();
        self
    }

    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupt.as_ref().is_some_and(|it| it())
    }

    /// Further names of known files, as symbolic links are. A file is read once, whatever name it
    /// is imported by.
    pub fn with_aliases<'a>(
        mut self,
        aliases: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let owned = |(alias, key): (&str, &str)| (alias.to_owned(), key.to_owned());
        let aliases: BTreeMap<String, String> = aliases.into_iter().map(owned).collect();
        if aliases.is_empty() {
            return self;
        }
        let layout = &self.layout;
        self.layout = Arc::new(Layout::new(
            layout.keys.clone(),
            aliases,
            layout.source_roots.clone(),
            layout.search_paths.clone(),
        ));
        self
    }

    /// The same run of the same project, with a record of its own of what is read.
    pub fn view(&self) -> Self {
        Self {
            loader: self.loader.clone(),
            layout: self.layout.clone(),
            slots: self.slots.clone(),
            answers: self.answers.clone(),
            used: self.used.clone(),
            read: FileSet::new(self.slots.len()),
            expected: self.expected.clone(),
            interrupt: self.interrupt.clone(),
        }
    }

    /// A look at the project that leaves no trace in this run.
    pub(crate) fn aside(&self) -> Self {
        Self {
            used: Arc::new(FileSet::new(self.slots.len())),
            ..self.view()
        }
    }

    /// What was read through this view.
    pub fn reads(&self) -> Reads {
        let files = self.read.iter();
        Reads {
            layout: self.layout.clone(),
            files: files
                .map(|file| (file, self.slots[file.0 as usize].clone()))
                .collect(),
        }
    }

    /// Whether what was read then would be the same now.
    pub fn holds(&self, reads: &Reads) -> bool {
        let is_same =
            |(file, slot): &(FileId, Arc<Slot>)| Arc::ptr_eq(&self.slots[file.0 as usize], slot);
        Arc::ptr_eq(&self.layout, &reads.layout) && reads.files.iter().all(is_same)
    }

    /// What was read then counts as read by this run.
    pub fn read_again(&self, reads: &Reads) {
        for (file, _) in &reads.files {
            self.load(*file);
        }
    }

    /// What this run has read so far, in order.
    pub(crate) fn used(&self) -> Vec<FileId> {
        self.used.iter().collect()
    }

    /// The project after changes, before anything of it is asked. What did not change is not read
    /// again. Whether files still have the same numbers is [`Project::numbers_like`].
    pub(crate) fn changed(&self, changes: &BTreeMap<String, Change>) -> Self {
        let is_gone = |key: &String| changes.get(key) == Some(&Change::Gone);
        let is_new = |key: &&String| self.file(key).is_none() && !is_gone(key);
        let new: Vec<String> = changes.keys().filter(is_new).cloned().collect();
        let has_same_files = new.is_empty()
            && !changes
                .keys()
                .any(|it| is_gone(it) && self.file(it).is_some());
        let changed = match has_same_files {
            true => self.with_texts(changes),
            false => self.with_files(changes, new),
        };
        Self {
            expected: self.expected.clone(),
            interrupt: self.interrupt.clone(),
            ..changed
        }
    }

    /// Other texts in the same files.
    fn with_texts(&self, changes: &BTreeMap<String, Change>) -> Self {
        let mut slots = self.slots.to_vec();
        let mut answers = self.answers.all();
        for (key, change) in changes {
            let Some(file) = self.file(key) else {
                continue;
            };
            if let Some(slot) = self.slot(file).after(change) {
                slots[file.0 as usize] = Arc::new(slot);
                let of_file = answers
                    .values_mut()
                    .filter_map(|it| it.get_mut(file.0 as usize));
                of_file.for_each(|answer| *answer = None);
            }
        }
        let answers = self.answers.with(answers);
        Self::of(self.loader.clone(), self.layout.clone(), slots, answers)
    }

    /// Other files, and so other meanings of imports.
    fn with_files(&self, changes: &BTreeMap<String, Change>, new: Vec<String>) -> Self {
        let is_gone = |key: &&String| changes.get(*key) == Some(&Change::Gone);
        let old = self.layout.keys.iter().filter(|key| !is_gone(key)).cloned();
        let layout = Arc::new(Layout::new(
            old.chain(new).collect(),
            self.layout.aliases.clone(),
            self.layout.source_roots.clone(),
            self.layout.search_paths.clone(),
        ));
        let mut old: Vec<Option<FileId>> = Vec::with_capacity(layout.keys.len());
        let mut slots = Vec::with_capacity(layout.keys.len());
        for key in &layout.keys {
            let file = self.file(key);
            let changed = match (changes.get(key), file) {
                (Some(change), Some(file)) => self.slot(file).after(change),
                (Some(change), None) => Slot::default().after(change),
                (None, _) => None,
            };
            old.push(file.filter(|_| changed.is_none()));
            slots.push(Arc::new(match (changed, file) {
                (Some(slot), _) => slot,
                (None, Some(file)) => self.slot(file).moved(),
                (None, None) => Slot::default(),
            }));
        }
        let answers = self.answers.moved(&old);
        Self::of(self.loader.clone(), layout, slots, answers)
    }

    /// Whether the files are those of the other state, and so have the same numbers.
    pub(crate) fn numbers_like(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.layout, &other.layout)
    }

    fn slot(&self, file: FileId) -> &Slot {
        &self.slots[file.0 as usize]
    }

    fn read_bytes(&self, file: FileId) -> io::Result<Cow<'_, [u8]>> {
        match &self.slot(file).text {
            Some(text) => Ok(Cow::Borrowed(text)),
            None => self.loader.read(self.key(file)).map(Cow::Owned),
        }
    }

    pub fn files(&self) -> impl Iterator<Item = FileId> + '_ {
        (0..self.layout.keys.len() as u32).map(FileId)
    }

    pub fn key(&self, file: FileId) -> &str {
        &self.layout.keys[file.0 as usize]
    }

    pub fn file(&self, key: &str) -> Option<FileId> {
        self.layout.file(key)
    }

    /// The parsed module, read now if it was not before; `None` when it cannot be read.
    pub fn module(&self, file: FileId) -> Option<&Module> {
        match self.load(file) {
            Loaded::Module { module, .. } => Some(module),
            Loaded::Text { .. } | Loaded::Failed { .. } => None,
        }
    }

    /// What is known of a file in this run.
    fn loaded(&self, file: FileId) -> Option<&Loaded> {
        let loaded = self.slot(file).loaded.get()?;
        self.used.has(file).then_some(loaded)
    }

    /// The text of a file that has been read.
    pub fn source(&self, file: FileId) -> Option<&SourceFile> {
        match self.loaded(file)? {
            Loaded::Module { source, .. } | Loaded::Text { source } => Some(source),
            Loaded::Failed { .. } => None,
        }
    }

    /// The text of a file, read now if it was not before.
    pub fn text(&self, file: FileId) -> Option<&SourceFile> {
        self.load(file);
        self.source(file)
    }

    /// Python files that were parsed, in order.
    pub fn parsed(&self) -> impl Iterator<Item = FileId> + '_ {
        self.used.iter().filter(|&file| self.is_parsed(file))
    }

    /// Whether the file is a module that this run has parsed.
    pub(crate) fn is_parsed(&self, file: FileId) -> bool {
        matches!(self.loaded(file), Some(Loaded::Module { .. }))
    }

    /// Everything that went wrong while reading, in order.
    pub fn errors(&self) -> Vec<FileError> {
        let mut errors = Vec::new();
        for file in self.used.iter() {
            match self.loaded(file) {
                Some(Loaded::Failed {
                    kind,
                    message,
                    line,
                }) => errors.push(FileError {
                    file,
                    kind: *kind,
                    message: message.clone(),
                    line: *line,
                    column: 1,
                }),
                Some(Loaded::Module { source, module }) => {
                    // One message per file: the errors after the first are mostly its echo.
                    errors.extend(module.errors.first().map(|error| {
                        let position = source.position(error.span.start);
                        FileError {
                            file,
                            kind: FileErrorKind::Syntax,
                            message: error.message.clone(),
                            line: position.line,
                            column: position.column,
                        }
                    }));
                }
                Some(Loaded::Text { .. }) | None => {}
            }
        }
        errors
    }

    fn load(&self, file: FileId) -> &Loaded {
        self.used.insert(file);
        self.read.insert(file);
        let loaded = &self.slot(file).loaded;
        loaded.get_or_init(|| Arc::new(self.read_and_parse(file)))
    }

    fn read_and_parse(&self, file: FileId) -> Loaded {
        let key = self.key(file);
        let failed = |kind, message, line| Loaded::Failed {
            kind,
            message,
            line,
        };
        match self.read_bytes(file) {
            Err(error) => failed(FileErrorKind::Io, error.to_string(), 1),
            Ok(bytes) if !key.ends_with(".py") => match SourceFile::plain(key, &bytes) {
                Err(error) => failed(FileErrorKind::Encoding, error.message, error.line),
                Ok(source) => Loaded::Text { source },
            },
            Ok(bytes) => match SourceFile::decode(key, &bytes) {
                Err(error) => failed(FileErrorKind::Encoding, error.message, error.line),
                Ok(source) => {
                    let module = Module::new(&source.text);
                    Loaded::Module { source, module }
                }
            },
        }
    }

    /// Puts questions to the bytes of all files, each of which is read once for all of them, and
    /// not again for words that are not there.
    pub fn ask(&self, questions: &[Question<'_>]) {
        let mut columns: Vec<Vec<Option<Answer>>> = questions
            .iter()
            .map(|it| self.answers.known(it, self.slots.len()))
            .collect();
        let is_open = |file: &FileId| columns.iter().any(|it| it[file.0 as usize].is_none());
        let is_asked =
            |file: &FileId| self.key(*file).ends_with(".py") && !self.is_installed(*file);
        let open: Vec<FileId> = self.files().filter(is_open).filter(is_asked).collect();
        // An editor asks about one file at a time, for which it takes longer to make one.
        const MANY: usize = 16;
        let words = questions.iter().flat_map(|it| &it.words);
        let words: Vec<Word> = words.chain(self.expected.iter()).cloned().collect();
        let screen = (open.len() >= MANY).then(|| Screen::new(words.iter()));
        let answers: Vec<(FileId, Vec<Answer>)> = open
            .into_par_iter()
            .map(|file| (file, self.answers_of(file, questions, screen.as_ref())))
            .collect();
        let is_first = screen.is_some() && self.answers.screened.set(words.into()).is_ok();
        let mut anything = vec![None; self.slots.len()];
        for (file, mut answers) in answers {
            anything[file.0 as usize] = answers.pop();
            for (column, answer) in columns.iter_mut().zip(answers) {
                column[file.0 as usize] = Some(answer);
            }
        }
        let names = questions.iter().map(|it| it.name.clone());
        self.answers.extend(names.zip(columns));
        if is_first {
            let column = (ANYTHING.to_owned(), anything);
            self.answers.extend(std::iter::once(column));
        }
    }

    /// The answers for one file, and at last whether any of the words of the screen is in it.
    fn answers_of(
        &self,
        file: FileId,
        questions: &[Question<'_>],
        screen: Option<&Screen>,
    ) -> Vec<Answer> {
        let same = |answer| vec![answer; questions.len() + 1];
        match self.read_bytes(file) {
            Err(_) => same(Answer::Unreadable),
            Ok(bytes) if screen.is_some_and(|it| !it.may_hold(&bytes)) => same(Answer::No),
            Ok(bytes) => {
                let answers = questions.iter().map(|it| match (it.test)(&bytes) {
                    true => Answer::Yes,
                    false => Answer::No,
                });
                answers.chain([Answer::Yes]).collect()
            }
        }
    }

    /// The files whose bytes satisfy the test, in order. Files that cannot be read are loaded, so
    /// that the failure is reported.
    pub fn candidates(&self, question: &Question<'_>) -> Vec<FileId> {
        self.ask(std::slice::from_ref(question));
        let answers = self.answers.of(&question.name);
        let mut candidates = Vec::new();
        for (file, answer) in self.files().zip(answers) {
            let is_candidate = match answer {
                Some(Answer::Yes) => true,
                Some(Answer::Unreadable) => self.module(file).is_some(),
                Some(Answer::No) | None => false,
            };
            if is_candidate {
                candidates.push(file);
            }
        }
        candidates
    }

    /// What is known of one file.
    pub(crate) fn answer(&self, file: FileId, question: &str) -> Option<Answer> {
        let answers = self.answers.lock();
        *answers.get(question)?.get(file.0 as usize)?
    }

    /// Whether a word is in the text of a file; each is searched for once.
    pub fn mentions(&self, file: FileId, word: &'static str, test: impl Fn(&str) -> bool) -> bool {
        let Some(source) = self.text(file) else {
            return false;
        };
        let words = &self.slot(file).words;
        let mut words = words.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, is_there)) = words.iter().find(|(it, _)| *it == word) {
            return *is_there;
        }
        let is_there = test(&source.text);
        words.push((word, is_there));
        is_there
    }

    /// Whether the file belongs to an installed package that is merely followed.
    pub fn is_installed(&self, file: FileId) -> bool {
        self.layout
            .search_paths
            .iter()
            .any(|path| is_below(self.key(file), path))
    }

    /// Parses the files in parallel, so that whoever asks for them one by one finds them ready.
    pub(crate) fn parse(&self, files: &[FileId]) {
        files.par_iter().for_each(|&file| {
            self.load(file);
        });
    }

    /// Parses the files and everything that they import at module level, in parallel waves, so
    /// that the sequential analysis finds its modules ready. Returns all of them.
    pub fn prefetch(&self, files: &[FileId], knowledge: &Knowledge) -> BTreeSet<FileId> {
        let mut seen: BTreeSet<FileId> = files.iter().copied().collect();
        let mut wave: Vec<FileId> = files.to_vec();
        while !wave.is_empty() {
            wave.par_iter().for_each(|&file| {
                self.imports(file, knowledge);
            });
            let mut next = Vec::new();
            for &file in &wave {
                let imports = self.imports(file, knowledge).iter().copied();
                next.extend(imports.filter(|&file| seen.insert(file)));
            }
            next.sort_unstable();
            wave = next;
        }
        seen
    }

    /// The files that a file imports at module level, in order.
    pub fn imports(&self, file: FileId, knowledge: &Knowledge) -> &[FileId] {
        self.load(file);
        self.slot(file)
            .imports
            .get_or_init(|| self.imports_at(file, knowledge, false))
    }

    /// The files that a file imports anywhere, in order.
    pub(crate) fn all_imports(&self, file: FileId, knowledge: &Knowledge) -> &[FileId] {
        self.load(file);
        let imports = &self.slot(file).all_imports;
        imports.get_or_init(|| self.imports_at(file, knowledge, true))
    }

    /// With those that are nested in definitions and loops, or without.
    fn imports_at(&self, file: FileId, knowledge: &Knowledge, nested: bool) -> Arc<[FileId]> {
        fn walk(
            project: &Project<'_>,
            file: FileId,
            body: &[Stmt],
            knowledge: &Knowledge,
            nested: bool,
            out: &mut Vec<FileId>,
        ) {
            for statement in body {
                match statement {
                    Stmt::Import(import) => {
                        for alias in &import.names {
                            out.extend(project.import_chain(file, alias.name.as_str(), knowledge));
                        }
                    }
                    Stmt::ImportFrom(import) => {
                        let module = import.module.as_ref().map_or("", |m| m.as_str());
                        let base = project.import_from(file, module, import.level, knowledge);
                        for alias in &import.names {
                            if let Import::File(found) =
                                project.submodule(&base, alias.name.as_str())
                            {
                                out.push(found);
                            }
                        }
                        if let Import::File(found) = base {
                            out.push(found);
                        }
                    }
                    Stmt::If(it) => {
                        walk(project, file, &it.body, knowledge, nested, out);
                        for clause in &it.elif_else_clauses {
                            walk(project, file, &clause.body, knowledge, nested, out);
                        }
                    }
                    Stmt::Try(it) => {
                        walk(project, file, &it.body, knowledge, nested, out);
                        for ast::ExceptHandler::ExceptHandler(handler) in &it.handlers {
                            walk(project, file, &handler.body, knowledge, nested, out);
                        }
                    }
                    Stmt::FunctionDef(it) if nested => {
                        walk(project, file, &it.body, knowledge, nested, out);
                    }
                    Stmt::ClassDef(it) if nested => {
                        walk(project, file, &it.body, knowledge, nested, out);
                    }
                    Stmt::For(it) if nested => {
                        walk(project, file, &it.body, knowledge, nested, out);
                    }
                    Stmt::With(it) => walk(project, file, &it.body, knowledge, nested, out),
                    _ => {}
                }
            }
        }
        let mut out = Vec::new();
        if let Some(module) = self.module(file) {
            walk(self, file, &module.tree().body, knowledge, nested, &mut out);
        }
        out.sort_unstable();
        out.dedup();
        out.into()
    }

    /// All modules that `import a.b.c` loads.
    fn import_chain(&self, from: FileId, dotted: &str, knowledge: &Knowledge) -> Vec<FileId> {
        let ends = dotted
            .match_indices('.')
            .map(|(at, _)| at)
            .chain([dotted.len()]);
        // Below what is not part of the project, nothing is.
        ends.map(|end| self.import_absolute(from, &dotted[..end], knowledge))
            .take_while(|import| *import != Import::External)
            .filter_map(|import| match import {
                Import::File(file) => Some(file),
                _ => None,
            })
            .collect()
    }

    /// The packages around a module, outermost first.
    pub(crate) fn packages_around(&self, file: FileId) -> Vec<FileId> {
        let mut packages = Vec::new();
        let mut directory = split(self.key(file)).0;
        while let Some(package) = self.file(&join(directory, "__init__.py")) {
            packages.push(package);
            if directory.is_empty() {
                break;
            }
            directory = split(directory).0;
        }
        packages.reverse();
        packages
    }

    /// The module named in `from <dots><module> import …`.
    pub fn import_from(
        &self,
        from: FileId,
        module: &str,
        level: u32,
        knowledge: &Knowledge,
    ) -> Import {
        if level == 0 {
            return self.import_absolute(from, module, knowledge);
        }
        let mut directory = split(self.key(from)).0;
        for _ in 1..level {
            directory = split(directory).0;
        }
        if module.is_empty() {
            self.at(directory)
        } else {
            self.below(directory, module)
        }
    }

    /// The module that `import <dotted>` binds, seen from a file.
    pub fn import_absolute(&self, from: FileId, dotted: &str, knowledge: &Knowledge) -> Import {
        let top = dotted.split('.').next().unwrap_or(dotted);
        // The SDKs are modelled, so that results do not depend on what is installed.
        if knowledge.is_sdk_package(top) {
            return Import::External;
        }
        let Some(providers) = self.layout.providers.get(top) else {
            return Import::External;
        };
        let here = split(self.key(from)).0;
        let is_script_directory = self.file(&join(here, "__init__.py")).is_none();
        let hides_stdlib = |directory: &str| {
            self.layout
                .source_roots
                .iter()
                .any(|root| root == directory)
                || (directory == here && is_script_directory)
        };
        let candidates = providers.iter().filter(|directory| {
            (!knowledge.is_stdlib(top) || hides_stdlib(directory))
                && !self.is_inside_package(directory)
        });
        // The interpreter's own order is unknown; a configured root wins, then the directory that
        // shares the longest path with the importing file, then the shallowest.
        let mut ranked: Vec<&str> = candidates.map(|it| &**it).collect();
        ranked.sort_by_key(|directory| {
            let configured = self
                .layout
                .source_roots
                .iter()
                .position(|root| root == directory);
            let installed = self
                .layout
                .search_paths
                .iter()
                .any(|path| path == directory);
            (
                installed,
                configured.unwrap_or(usize::MAX),
                usize::MAX - shared_segments(here, directory),
                directory.matches('/').count(),
                *directory,
            )
        });
        ranked
            .into_iter()
            .map(|directory| self.below(directory, dotted))
            .find(|import| *import != Import::External)
            .unwrap_or(Import::External)
    }

    /// Whether the directory and its parent are packages: then its files are only reachable under
    /// their full names. In a package on its own, scripts import flatly.
    fn is_inside_package(&self, directory: &str) -> bool {
        let is_package = |path: &str| self.file(&join(path, "__init__.py")).is_some();
        !directory.is_empty() && is_package(directory) && is_package(split(directory).0)
    }

    /// `import package.name` as an attribute of an already resolved package.
    pub fn submodule(&self, package: &Import, name: &str) -> Import {
        match package {
            Import::File(file) if split(self.key(*file)).1 == "__init__.py" => {
                self.below(split(self.key(*file)).0, name)
            }
            Import::Namespace(directory) => self.below(directory, name),
            _ => Import::External,
        }
    }

    fn below(&self, directory: &str, dotted: &str) -> Import {
        self.at(&dotted
            .split('.')
            .fold(directory.to_owned(), |path, name| join(&path, name)))
    }

    /// A module by its path without suffix: a package, a file, or a namespace package.
    fn at(&self, path: &str) -> Import {
        let file = self
            .file(&join(path, "__init__.py"))
            .or_else(|| self.file(&format!("{path}.py")));
        match file {
            Some(file) => Import::File(file),
            None if self.layout.directories.contains(path) => Import::Namespace(path.to_owned()),
            None => Import::External,
        }
    }

    /// The dotted name under which people know the module.
    pub fn module_name(&self, file: FileId) -> String {
        let key = self.key(file);
        let (mut directory, name) = split(key);
        let stem = name.strip_suffix(".py").unwrap_or(name);
        let mut segments = if stem == "__init__" {
            Vec::new()
        } else {
            vec![stem]
        };
        let root = self
            .layout
            .source_roots
            .iter()
            .filter(|root| is_below(key, root))
            .max_by_key(|root| root.len());
        while !directory.is_empty() && Some(directory) != root.map(String::as_str) {
            let (parent, name) = split(directory);
            let is_package = self.file(&join(directory, "__init__.py")).is_some();
            // Without `__init__.py` the directory still names the module, unless it cannot.
            if !is_identifier(name) || (!is_package && matches!(name, "src" | "lib")) {
                break;
            }
            segments.push(name);
            directory = parent;
        }
        if segments.is_empty() {
            segments.push(split(directory).1);
        }
        segments.reverse();
        segments.join(".")
    }
}

impl Layout {
    fn new(
        mut keys: Vec<String>,
        aliases: BTreeMap<String, String>,
        source_roots: Vec<String>,
        search_paths: Vec<String>,
    ) -> Self {
        keys.sort_unstable();
        keys.dedup();
        let mut layout = Self {
            source_roots,
            search_paths,
            ..Self::default()
        };
        for key in &keys {
            layout.provide(key);
        }
        layout.keys = keys;
        for (alias, key) in &aliases {
            if layout.file(key).is_some() {
                layout.provide(alias);
            }
        }
        layout.aliases = aliases;
        layout
    }

    fn file(&self, key: &str) -> Option<FileId> {
        let number = |key: &str| {
            let at = self.keys.binary_search_by(|it| it.as_str().cmp(key)).ok()?;
            Some(FileId(at as u32))
        };
        number(key).or_else(|| number(self.aliases.get(key)?))
    }

    /// Lets imports find the Python file under this name.
    fn provide(&mut self, key: &str) {
        if key.ends_with(".py") {
            let (directory, name) = split(key);
            let directory = self.directory(directory);
            self.provide_in(directory, name);
        }
    }

    /// A directory that holds a Python file, which imports find from now on.
    fn directory(&mut self, path: &str) -> Arc<str> {
        if let Some(known) = self.directories.get(path) {
            return known.clone();
        }
        let directory: Arc<str> = path.into();
        self.directories.insert(directory.clone());
        if !path.is_empty() {
            let (parent, name) = split(path);
            let parent = self.directory(parent);
            self.provide_in(parent, name);
        }
        directory
    }

    fn provide_in(&mut self, directory: Arc<str>, name: &str) {
        let name = name.strip_suffix(".py").unwrap_or(name);
        if let Some(known) = self.providers.get_mut(name) {
            known.insert(directory);
        } else if is_identifier(name) {
            let providers = BTreeSet::from([directory]);
            self.providers.insert(name.to_owned(), providers);
        }
    }
}

impl Slot {
    fn of(text: &[u8]) -> Self {
        Self {
            text: Some(text.into()),
            ..Self::default()
        }
    }

    /// The state after a change; `None` if it is none.
    fn after(&self, change: &Change) -> Option<Self> {
        match change {
            Change::Text(text) if self.text.as_deref() == Some(text) => None,
            Change::Text(text) => Some(Self::of(text)),
            Change::Reread | Change::Gone => Some(Self::default()),
        }
    }

    /// The same state in a project that has other files, so that imports mean other ones.
    fn moved(&self) -> Self {
        Self {
            text: self.text.clone(),
            loaded: self.loaded.clone(),
            ..Self::default()
        }
    }
}

impl Answers {
    fn all(&self) -> Columns {
        self.lock().clone()
    }

    /// Other answers to the same questions.
    fn with(&self, columns: Columns) -> Self {
        Self {
            columns: Mutex::new(columns),
            screened: self.screened.clone(),
        }
    }

    fn of(&self, question: &str) -> Vec<Option<Answer>> {
        self.lock().get(question).cloned().unwrap_or_default()
    }

    /// What is known of so many files, also because the words of the question cannot be there.
    fn known(&self, question: &Question<'_>, count: usize) -> Vec<Option<Answer>> {
        let mut column = self.of(&question.name);
        column.resize(count, None);
        let screened = self.screened.get();
        let is_screened = |it: &Word| screened.is_some_and(|words| it.needs_any(words));
        if question.words.iter().all(is_screened) {
            for (answer, anything) in column.iter_mut().zip(self.of(ANYTHING)) {
                *answer = answer.or(anything.filter(|it| *it == Answer::No));
            }
        }
        column
    }

    fn extend(&self, more: impl Iterator<Item = (String, Vec<Option<Answer>>)>) {
        self.lock().extend(more);
    }

    /// The answers of files under their new numbers, where the files are the same.
    fn moved(&self, old: &[Option<FileId>]) -> Self {
        let move_column = |column: &Vec<Option<Answer>>| {
            let from = old.iter().map(|file| (*file)?.0.try_into().ok());
            from.map(|at: Option<usize>| column.get(at?).copied().flatten())
                .collect()
        };
        let columns = self.all().into_iter();
        self.with(
            columns
                .map(|(name, column)| (name, move_column(&column)))
                .collect(),
        )
    }

    fn lock(&self) -> MutexGuard<'_, Columns> {
        // A panic elsewhere leaves a map that is as good as before.
        self.columns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A set of files that several threads may add to.
struct FileSet(Vec<AtomicU64>);

impl FileSet {
    fn new(count: usize) -> Self {
        Self((0..count.div_ceil(64)).map(|_| AtomicU64::new(0)).collect())
    }

    fn insert(&self, file: FileId) {
        let bit = 1 << (file.0 % 64);
        self.0[file.0 as usize / 64].fetch_or(bit, Ordering::Relaxed);
    }

    fn has(&self, file: FileId) -> bool {
        self.0[file.0 as usize / 64].load(Ordering::Relaxed) & (1 << (file.0 % 64)) != 0
    }

    fn iter(&self) -> impl Iterator<Item = FileId> + '_ {
        let all = (0..self.0.len() as u32 * 64).map(FileId);
        all.filter(|&file| self.has(file))
    }
}

/// The parent directory and the last segment of a path.
pub fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

pub fn join(directory: &str, name: &str) -> String {
    if directory.is_empty() {
        name.to_owned()
    } else {
        format!("{directory}/{name}")
    }
}

/// Whether the file is in the directory or below it; `""` is the root.
pub fn is_below(key: &str, directory: &str) -> bool {
    directory.is_empty()
        || key
            .strip_prefix(directory)
            .is_some_and(|rest| rest.starts_with('/'))
}

fn shared_segments(a: &str, b: &str) -> usize {
    a.split('/')
        .zip(b.split('/'))
        .take_while(|(x, y)| x == y && !x.is_empty())
        .count()
}

fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && chars.all(|c| c.is_alphanumeric() || c == '_')
}
