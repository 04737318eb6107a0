//! The project: which files exist, what an import means, and modules parsed on demand.
//!
//! A module is identified by its file. Files are known by their keys, paths relative to the
//! project root with `/`, in sorted order; nothing here depends on the order of discovery.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::OnceLock;

use rayon::prelude::*;

use crate::diagnostic::FileId;
use crate::index::Module;
use crate::knowledge::Knowledge;
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
    loader: &'l dyn Loader,
    keys: Vec<String>,
    by_key: BTreeMap<String, FileId>,
    /// Every directory that holds a Python file, directly or below; `""` is the root.
    directories: BTreeSet<String>,
    /// For each top-level import name, the directories in which it can be found.
    providers: BTreeMap<String, BTreeSet<String>>,
    source_roots: Vec<String>,
    /// Directories (such as `site-packages`) in which installed packages are followed.
    search_paths: Vec<String>,
    loaded: Vec<OnceLock<Loaded>>,
    /// Says that nobody waits for the analysis any more.
    interrupt: Option<&'l (dyn Fn() -> bool + Sync)>,
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
    Failed(FileError),
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
        loader: &'l dyn Loader,
        files: impl IntoIterator<Item = String>,
        source_roots: Vec<String>,
        search_paths: Vec<String>,
    ) -> Self {
        let keys: Vec<String> = files
            .into_iter()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        let by_key = keys
            .iter()
            .enumerate()
            .map(|(i, key)| (key.clone(), FileId(i as u32)))
            .collect();
        let loaded = keys.iter().map(|_| OnceLock::new()).collect();
        let mut project = Self {
            loader,
            keys: Vec::new(),
            by_key,
            directories: BTreeSet::from([String::new()]),
            providers: BTreeMap::new(),
            source_roots,
            search_paths,
            loaded,
            interrupt: None,
        };
        for key in &keys {
            project.provide(key);
        }
        project.keys = keys;
        project
    }

    /// An analysis ends early when it is told to. What it found then is of no use.
    pub fn interruptible(mut self, interrupt: &'l (dyn Fn() -> bool + Sync)) -> Self {
        self.interrupt = Some(interrupt);
        self
    }

    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupt.is_some_and(|it| it())
    }

    /// Further names of known files, as symbolic links are. A file is read once, whatever name it
    /// is imported by.
    pub fn with_aliases<'a>(
        mut self,
        aliases: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        for (alias, key) in aliases {
            if let Some(file) = self.file(key) {
                self.by_key.insert(alias.to_owned(), file);
                self.provide(alias);
            }
        }
        self
    }

    /// Lets imports find the Python file under this name.
    fn provide(&mut self, key: &str) {
        if !key.ends_with(".py") {
            return;
        }
        let providers = &mut self.providers;
        let mut provide = |path: &str| {
            let (parent, name) = split(path);
            let name = name.strip_suffix(".py").unwrap_or(name);
            if is_identifier(name) {
                providers
                    .entry(name.to_owned())
                    .or_default()
                    .insert(parent.to_owned());
            }
        };
        provide(key);
        let mut directory = split(key).0;
        while !directory.is_empty() && self.directories.insert(directory.to_owned()) {
            provide(directory);
            directory = split(directory).0;
        }
    }

    pub fn files(&self) -> impl Iterator<Item = FileId> + '_ {
        (0..self.keys.len() as u32).map(FileId)
    }

    pub fn key(&self, file: FileId) -> &str {
        &self.keys[file.0 as usize]
    }

    pub fn file(&self, key: &str) -> Option<FileId> {
        self.by_key.get(key).copied()
    }

    /// The parsed module, read now if it was not before; `None` when it cannot be read.
    pub fn module(&self, file: FileId) -> Option<&Module> {
        match self.load(file) {
            Loaded::Module { module, .. } => Some(module),
            Loaded::Text { .. } | Loaded::Failed(_) => None,
        }
    }

    /// The text of a file that has been read.
    pub fn source(&self, file: FileId) -> Option<&SourceFile> {
        match self.loaded[file.0 as usize].get()? {
            Loaded::Module { source, .. } | Loaded::Text { source } => Some(source),
            Loaded::Failed(_) => None,
        }
    }

    /// The text of a file, read now if it was not before.
    pub fn text(&self, file: FileId) -> Option<&SourceFile> {
        self.load(file);
        self.source(file)
    }

    /// Python files that were parsed, in order.
    pub fn parsed(&self) -> impl Iterator<Item = FileId> + '_ {
        self.files().filter(|&file| {
            matches!(
                self.loaded[file.0 as usize].get(),
                Some(Loaded::Module { .. })
            )
        })
    }

    /// Everything that went wrong while reading, in order.
    pub fn errors(&self) -> Vec<FileError> {
        let mut errors = Vec::new();
        for file in self.files() {
            match self.loaded[file.0 as usize].get() {
                Some(Loaded::Failed(error)) => errors.push(error.clone()),
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
        self.loaded[file.0 as usize].get_or_init(|| {
            let key = self.key(file);
            let failed = |kind, message, line| {
                Loaded::Failed(FileError {
                    file,
                    kind,
                    message,
                    line,
                    column: 1,
                })
            };
            match self.loader.read(key) {
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
        })
    }

    /// The files whose bytes satisfy the test, in order. Files that cannot be read are loaded, so
    /// that the failure is reported.
    pub fn candidates(&self, test: impl Fn(&[u8]) -> bool + Sync) -> Vec<FileId> {
        let files: Vec<FileId> = self
            .files()
            .filter(|&file| self.key(file).ends_with(".py") && !self.is_installed(file))
            .collect();
        files
            .into_par_iter()
            .filter(|&file| match self.loader.read(self.key(file)) {
                Ok(bytes) => test(&bytes),
                Err(_) => self.module(file).is_some(),
            })
            .collect()
    }

    /// Whether the file belongs to an installed package that is merely followed.
    pub fn is_installed(&self, file: FileId) -> bool {
        self.search_paths
            .iter()
            .any(|path| is_below(self.key(file), path))
    }

    /// Parses the files and everything that they import at module level, in parallel waves, so
    /// that the sequential analysis finds its modules ready.
    pub fn prefetch(&self, files: &[FileId], knowledge: &Knowledge) {
        let mut seen: BTreeSet<FileId> = files.iter().copied().collect();
        let mut wave: Vec<FileId> = files.to_vec();
        while !wave.is_empty() {
            let imported: BTreeSet<FileId> = wave
                .par_iter()
                .flat_map_iter(|&file| self.module_level_imports(file, knowledge))
                .collect();
            wave = imported
                .into_iter()
                .filter(|&file| seen.insert(file))
                .collect();
        }
    }

    fn module_level_imports(&self, file: FileId, knowledge: &Knowledge) -> Vec<FileId> {
        fn walk(
            project: &Project<'_>,
            file: FileId,
            body: &[Stmt],
            knowledge: &Knowledge,
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
                        walk(project, file, &it.body, knowledge, out);
                        for clause in &it.elif_else_clauses {
                            walk(project, file, &clause.body, knowledge, out);
                        }
                    }
                    Stmt::Try(it) => {
                        walk(project, file, &it.body, knowledge, out);
                        for ast::ExceptHandler::ExceptHandler(handler) in &it.handlers {
                            walk(project, file, &handler.body, knowledge, out);
                        }
                    }
                    Stmt::With(it) => walk(project, file, &it.body, knowledge, out),
                    _ => {}
                }
            }
        }
        let mut out = Vec::new();
        if let Some(module) = self.module(file) {
            walk(self, file, &module.tree().body, knowledge, &mut out);
        }
        out
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
        let Some(providers) = self.providers.get(top) else {
            return Import::External;
        };
        let here = split(self.key(from)).0;
        let is_script_directory = self.file(&join(here, "__init__.py")).is_none();
        let hides_stdlib = |directory: &str| {
            self.source_roots.iter().any(|root| root == directory)
                || (directory == here && is_script_directory)
        };
        let candidates = providers.iter().filter(|directory| {
            (!knowledge.is_stdlib(top) || hides_stdlib(directory))
                && *directory != &self.package_of(directory, top)
        });
        // The interpreter's own order is unknown; a configured root wins, then the directory that
        // shares the longest path with the importing file, then the shallowest.
        let mut ranked: Vec<&String> = candidates.collect();
        ranked.sort_by_key(|directory| {
            let configured = self.source_roots.iter().position(|root| root == *directory);
            let installed = self.search_paths.iter().any(|path| path == *directory);
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

    /// A directory that is itself a package does not provide top-level names. This returns the
    /// directory when it is one, except for the script's own style of flat imports.
    fn package_of(&self, directory: &str, _top: &str) -> String {
        if self.file(&join(directory, "__init__.py")).is_some() && self.is_inside_package(directory)
        {
            directory.to_owned()
        } else {
            "\0".to_owned()
        }
    }

    /// Whether the parent of the directory is a package too: then its files are only reachable
    /// under their full names.
    fn is_inside_package(&self, directory: &str) -> bool {
        !directory.is_empty()
            && self
                .file(&join(split(directory).0, "__init__.py"))
                .is_some()
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
            None if self.directories.contains(path) => Import::Namespace(path.to_owned()),
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
