//! What the sandbox has loaded when a run starts, and what an import in the run loads beside that.
//!
//! The sandbox executes the module of the workflow for each run, with what it imports. A module that
//! is passed through is the one of the worker, and what that imports is not in the sandbox.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::diagnostic::{FileId, Place};
use crate::facts::Unless;
use crate::interp::{EventKind, Imported, Machine, Sym};
use crate::passthrough::WorkerLists;
use crate::syntax::ast::Stmt;

#[derive(Default)]
pub(super) struct Loaded {
    /// The packages of modules outside the project, and whether all imports of them are passed through.
    packages: BTreeMap<String, bool>,
    /// Modules of the project that are executed in the sandbox.
    executed: BTreeSet<FileId>,
    /// Those that it has as they are.
    passed: BTreeSet<FileId>,
    /// Those that a package which it has as it is gave as its names. By their own names they are not there.
    members: BTreeSet<FileId>,
}

/// What the sandbox has of a module outside the project.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Has {
    All,
    /// Nothing, or what these have brought along.
    Nothing(Unless),
}

/// An import that is executed while a module is, whether it is passed through, and its place.
type Import = (Imported, bool, Place);

impl Loaded {
    /// What is loaded together with these modules of the project.
    pub(super) fn with(files: &[FileId], machine: &Machine<'_>, by_worker: &WorkerLists) -> Self {
        let mut loaded = Self::default();
        for &file in files {
            for package in machine.project.packages_around(file) {
                loaded.load(package, machine, by_worker);
            }
            loaded.load(file, machine, by_worker);
        }
        loaded
    }

    fn load(&mut self, file: FileId, machine: &Machine<'_>, by_worker: &WorkerLists) {
        let mut queue = vec![file];
        while let Some(file) = queue.pop() {
            if !self.executed.insert(file) {
                continue;
            }
            if machine.known_module_ctx(file).is_none() {
                for package in packages_named(file, machine) {
                    self.packages.insert(package, false);
                }
                queue.extend(machine.project.imports(file, machine.knowledge));
            }
            for (what, passed, _) in imports(file, machine) {
                match what {
                    Imported::Package(name) => {
                        let package = package(machine.str(name)).to_owned();
                        *self.packages.entry(package).or_insert(passed) &= passed;
                    }
                    Imported::Module(file) | Imported::Member(file)
                        if passed || is_named(file, machine, by_worker) =>
                    {
                        self.passed.insert(file);
                    }
                    Imported::Member(file) if self.is_of_passed_package(file, machine) => {
                        self.members.insert(file);
                    }
                    Imported::Module(file) | Imported::Member(file) => queue.push(file),
                }
            }
        }
    }

    /// What there is of a module outside the project when a run imports it.
    pub(super) fn has(&self, name: Sym, machine: &Machine<'_>, by_worker: &WorkerLists) -> Has {
        let name = machine.str(name);
        match self.packages.get(package(name)) {
            _ if machine.is_named_to_pass(name, by_worker) => Has::All,
            Some(false) => Has::All,
            Some(true) => Has::Nothing(Unless::Passed),
            None if self.packages.values().any(|passed| !passed) => Has::Nothing(Unless::Others),
            None => Has::Nothing(Unless::Nothing),
        }
    }

    fn is_of_passed_package(&self, file: FileId, machine: &Machine<'_>) -> bool {
        let mut packages = machine.project.packages_around(file).into_iter();
        let package = packages.rfind(|it| *it != file);
        package.is_some_and(|it| self.passed.contains(&it) && !self.executed.contains(&it))
    }

    /// Whether a module has been imported by one that is passed through, so that its package has it.
    pub(super) fn is_imported_outside(&self, file: FileId, machine: &Machine<'_>) -> bool {
        let passed = self.passed.union(&self.members).copied();
        let (mut seen, mut queue) = (BTreeSet::new(), Vec::from_iter(passed));
        while let Some(at) = queue.pop() {
            if at == file {
                return true;
            }
            if seen.insert(at) {
                let imports = imports(at, machine).into_iter();
                queue.extend(imports.filter_map(|(what, ..)| match what {
                    Imported::Module(file) | Imported::Member(file) => Some(file),
                    Imported::Package(_) => None,
                }));
            }
        }
        false
    }

    /// The first such module that the import of one of the project leads to, and where it is named.
    pub(super) fn first_lacking(
        &self,
        file: FileId,
        machine: &Machine<'_>,
        by_worker: &WorkerLists,
    ) -> Option<(Sym, Unless, Place)> {
        let (mut seen, mut queue) = (BTreeSet::new(), VecDeque::from([file]));
        while let Some(file) = queue.pop_front() {
            let is_there = self.executed.contains(&file) || self.passed.contains(&file);
            if is_there || !seen.insert(file) || is_named(file, machine, by_worker) {
                continue;
            }
            for (what, passed, place) in imports(file, machine) {
                match what {
                    _ if passed => {}
                    Imported::Package(name) => match self.has(name, machine, by_worker) {
                        Has::All | Has::Nothing(Unless::Passed) => {}
                        Has::Nothing(unless) => return Some((name, unless, place)),
                    },
                    Imported::Module(file) | Imported::Member(file) => queue.push_back(file),
                }
            }
        }
        None
    }
}

/// What a module imports while it is imported itself, also in functions that it calls then.
fn imports(file: FileId, machine: &Machine<'_>) -> Vec<Import> {
    let mut imports = Vec::new();
    let mut queue: Vec<_> = machine.known_module_ctx(file).into_iter().collect();
    let mut seen = BTreeSet::new();
    while let Some(id) = queue.pop() {
        if !seen.insert(id) {
            continue;
        }
        let outcome = &machine.ctx(id).outcome;
        let file = machine.ctx_file(id);
        imports.extend(outcome.events.iter().filter_map(|event| match event.kind {
            EventKind::Import { what, passed } => {
                let span = event.span;
                Some((what, passed, Place { file, span }))
            }
            _ => None,
        }));
        let callees = outcome.edges.iter().map(|edge| edge.callee);
        queue.extend(callees.filter(|&it| machine.ctx(it).at_import));
    }
    imports
}

/// The packages that a module which nothing imports names in its imports.
fn packages_named(file: FileId, machine: &Machine<'_>) -> Vec<String> {
    let Some(module) = machine.project.module(file) else {
        return Vec::new();
    };
    let mut names = Vec::new();
    for statement in &module.tree().body {
        match statement {
            Stmt::Import(it) => names.extend(it.names.iter().map(|it| it.name.as_str())),
            Stmt::ImportFrom(it) => names.extend(it.module.as_ref().map(|it| it.as_str())),
            _ => {}
        }
    }
    names.iter().map(|it| package(it).to_owned()).collect()
}

fn is_named(file: FileId, machine: &Machine<'_>, by_worker: &WorkerLists) -> bool {
    machine.is_named_to_pass(&machine.project.module_name(file), by_worker)
}

fn package(module: &str) -> &str {
    module.split('.').next().unwrap_or(module)
}
