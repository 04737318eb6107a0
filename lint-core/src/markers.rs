//! Which files may define workflows, judged before anything is interpreted.
//!
//! A marker of the SDK is named where it is used. A project may wrap it: its own decorators, base
//! classes and registries are markers then, and so is what is made of those. What a file imports
//! tells markers of the SDK; those of the project are compared by name. What a decorator really
//! does is found out by running it.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::FileId;
use crate::knowledge::{Knowledge, Role};
use crate::project::Project;
use crate::search::{self, Sought};
use crate::syntax::ast::helpers::any_over_expr;
use crate::syntax::ast::name::UnqualifiedName;
use crate::syntax::ast::visitor::{self, Visitor};
use crate::syntax::ast::{Expr, Stmt, StmtFunctionDef};
use crate::{mentions, passthrough, suppression};

/// Decorators around decorators are followed this far.
const MAX_ROUNDS: usize = 6;

/// The names of markers and the files that mention them.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Candidates {
    pub(crate) words: BTreeSet<String>,
    pub(crate) files: Vec<FileId>,
    /// Functions that the configuration declares to be workflow code.
    pub(crate) roots: Vec<String>,
}

/// Also tells what was searched for. Which files are candidates depends on nothing else of a file
/// than whether that is in it, its [`uses`] and whether it [`may_define`] something.
pub(crate) fn candidates(
    project: &Project<'_>,
    knowledge: &Knowledge,
) -> (Candidates, Vec<Sought>) {
    let (imports, names) = sdk_words(project, knowledge);
    let mut words: BTreeSet<String> = names.iter().flatten().cloned().collect();
    let names: Vec<Sought> = names.into_iter().map(Sought::Names).collect();
    let mut files: Vec<FileId> = names.iter().flat_map(|it| it.files(project)).collect();
    let mut sought = imports;
    sought.extend(names);
    let mut own = BTreeSet::new();
    let mut known: BTreeMap<FileId, Vec<Use>> = BTreeMap::new();
    for _ in 0..MAX_ROUNDS {
        files.sort_unstable();
        files.dedup();
        project.parse(&files);
        for &file in &files {
            let of_file = || uses(project, file, knowledge);
            known.entry(file).or_insert_with(of_file);
        }
        let uses = known.values().flatten();
        let markers = uses.filter(|it| it.is_marker(&words, &own));
        let found: BTreeSet<&String> = markers.flat_map(|it| &it.within).collect();
        let found = found.into_iter().filter(|name| !words.contains(*name));
        let new: BTreeSet<String> = found.cloned().collect();
        if new.is_empty() {
            break;
        }
        words.extend(new.iter().cloned());
        own.extend(new.iter().cloned());
        let new = Sought::Names(new);
        files.extend(new.files(project));
        sought.push(new);
    }
    files.retain(|&file| may_define(project, file, &words));
    let roots = knowledge.roots().to_vec();
    let candidates = Candidates {
        words,
        files,
        roots,
    };
    (candidates, sought)
}

/// Something in a file that makes the definitions around it markers, if it is one.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Use {
    what: What,
    /// The names by which others use the code around.
    within: Vec<String>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    /// A marker of the SDK.
    Marker,
    /// A base class, by its name.
    Base(String),
    /// Something of the project, by its name.
    Own(String),
}

impl Use {
    /// Whether it is a marker if these are all that there are.
    pub(crate) fn may_be_marker(&self, words: &BTreeSet<String>) -> bool {
        self.is_marker(words, words)
    }

    fn is_marker(&self, words: &BTreeSet<String>, own: &BTreeSet<String>) -> bool {
        match &self.what {
            What::Marker => true,
            What::Base(name) => words.contains(name),
            What::Own(name) => own.contains(name),
        }
    }
}

/// Whether a file may define something with these markers.
pub(crate) fn may_define(project: &Project<'_>, file: FileId, words: &BTreeSet<String>) -> bool {
    // What cannot be parsed is told of.
    project
        .module(file)
        .is_none_or(|it| mentions::may_mark(it, words))
}

pub(crate) fn uses(project: &Project<'_>, file: FileId, knowledge: &Knowledge) -> Vec<Use> {
    let mut finder = OwnMarkers::new(knowledge);
    if let Some(module) = project.module(file) {
        finder.visit_module(&module.tree().body);
    }
    finder.found.into_iter().collect()
}

/// The imports that make names those of an SDK, and the names to look for: those that the
/// configuration gives, and those for which some file has the import. Where none has, the names are
/// words like any other.
fn sdk_words(project: &Project<'_>, knowledge: &Knowledge) -> (Vec<Sought>, Vec<BTreeSet<String>>) {
    let by_import = words_by_import(knowledge);
    let imports = by_import.keys().map(|it| Sought::Import((*it).to_owned()));
    let imports: Vec<Sought> = imports.collect();
    let mut all = imports.clone();
    all.extend(by_import.values().cloned().map(Sought::Names));
    // The last two are asked later.
    let others = [passthrough::question(), suppression::question()];
    search::ask_all(project, &all, &others);
    let words = imports.iter().zip(by_import.into_values());
    let imported = words.filter(|(import, _)| !import.files(project).is_empty());
    let configured = knowledge.user_markers();
    let configured = configured.filter_map(|(name, role)| word(name, role).map(str::to_owned));
    let names = imported
        .map(|(_, words)| words)
        .chain([configured.collect()]);
    let names = names.filter(|words| !words.is_empty()).collect();
    (imports, names)
}

/// Names by what has to be imported somewhere. The names of registries are common words, but who
/// uses one imports its module; markers come through other modules as well.
fn words_by_import(knowledge: &Knowledge) -> BTreeMap<&str, BTreeSet<String>> {
    let markers = knowledge.sdk_markers().filter_map(|(name, role)| {
        let package = name.split('.').next().unwrap_or(name);
        Some((package, word(name, role)?))
    });
    let registries = knowledge
        .registries()
        .filter_map(|it| it.name.rsplit_once('.'));
    let mut words: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (module, word) in markers.chain(registries) {
        words.entry(module).or_default().insert(word.to_owned());
    }
    words
}

/// What a file names that uses this marker, if it may define workflows then.
fn word(name: &str, role: Role) -> Option<&str> {
    match role {
        Role::WorkflowClass
        | Role::WorkflowBase
        | Role::WorkflowFunction
        | Role::Activity
        | Role::Interceptor
        | Role::InterceptorFactory
        | Role::Converter => Some(last(name)),
        // The decorator of a class may be unknown; that of its run method is enough.
        Role::Run => {
            let (at, _) = name.rmatch_indices('.').nth(1)?;
            Some(&name[at + 1..])
        }
        _ => None,
    }
}

fn last(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// What registers something for workflows to look up.
pub(crate) fn registry_words(knowledge: &Knowledge) -> BTreeSet<&'static str> {
    knowledge.registries().map(|it| last(it.name)).collect()
}

/// Finds the functions and classes of the project that may use a marker for something else than to
/// decorate a definition of their own. A function has to give it away or to apply it to what it is
/// given; a worker that only lists its interceptors marks nothing.
struct OwnMarkers<'w> {
    knowledge: &'w Knowledge,
    /// What the imports of the file bind to a part of an SDK, and to which.
    imported: BTreeMap<String, String>,
    /// The names by which others use the code around. What a function defines has no such name.
    around: Vec<String>,
    /// The parameters of the functions around.
    parameters: Vec<String>,
    in_function: bool,
    /// Whether a marker that is named here counts.
    counts: bool,
    found: BTreeSet<Use>,
}

impl<'w> OwnMarkers<'w> {
    fn new(knowledge: &'w Knowledge) -> Self {
        Self {
            knowledge,
            imported: BTreeMap::new(),
            around: Vec::new(),
            parameters: Vec::new(),
            in_function: false,
            counts: true,
            found: BTreeSet::new(),
        }
    }

    fn within(&mut self, name: &str, visit: impl FnOnce(&mut Self)) {
        if self.in_function {
            return visit(self);
        }
        self.around.push(name.to_owned());
        visit(self);
        self.around.pop();
    }

    fn visit_function(&mut self, function: &StmtFunctionDef) {
        let outside = (self.in_function, self.counts, self.parameters.len());
        let parameters = function.parameters.iter();
        self.parameters
            .extend(parameters.map(|it| it.name().to_string()));
        (self.in_function, self.counts) = (true, false);
        self.visit_body(&function.body);
        self.parameters.truncate(outside.2);
        (self.in_function, self.counts) = (outside.0, outside.1);
    }

    fn visit_if_it_counts(&mut self, statement: &Stmt, counts: bool) {
        let outside = std::mem::replace(&mut self.counts, counts);
        visitor::walk_stmt(self, statement);
        self.counts = outside;
    }

    fn names_parameter(&self, expression: &Expr) -> bool {
        any_over_expr(
            expression,
            |it| matches!(it, Expr::Name(name) if self.parameters.iter().any(|it| it == name.id.as_str())),
        )
    }

    fn visit_module(&mut self, body: &[Stmt]) {
        let mut imports = SdkImports {
            knowledge: self.knowledge,
            bound: BTreeMap::new(),
        };
        imports.visit_body(body);
        self.imported = imports.bound;
        self.note_renamed();
        self.visit_body(body);
    }

    /// Who imports a marker under another name from here does not name the SDK's.
    fn note_renamed(&mut self) {
        let renamed = self.imported.iter().filter(|(name, origin)| {
            let role = self.knowledge.role(origin);
            role.is_some_and(marks_workflows) && last(origin) != name.as_str()
        });
        self.found.extend(renamed.map(|(name, _)| Use {
            what: What::Marker,
            within: vec![name.clone()],
        }));
    }

    fn note(&mut self, what: What) {
        let names = self.around.iter().filter(|name| !name.starts_with("__"));
        let within: Vec<String> = names.cloned().collect();
        if !within.is_empty() {
            self.found.insert(Use { what, within });
        }
    }

    /// A base class counts by its name.
    fn note_base(&mut self, base: &Expr) {
        let name = match base {
            Expr::Name(it) => it.id.as_str(),
            Expr::Attribute(it) => it.attr.as_str(),
            Expr::Subscript(it) => return self.note_base(&it.value),
            _ => return,
        };
        self.note(What::Base(name.to_owned()));
    }

    /// A decorator of the SDK counts by what it is, one of the project by its name.
    fn note_use(&mut self, expression: &Expr) {
        let Some(path) = UnqualifiedName::from_expr(expression) else {
            return;
        };
        let (root, members) = (path.segments()[0], &path.segments()[1..]);
        let Some(origin) = self.imported.get(root) else {
            if let Some(last) = path.segments().last() {
                self.note(What::Own((*last).to_owned()));
            }
            return;
        };
        let members = members.iter().map(|it| format!(".{it}"));
        let role = self
            .knowledge
            .role(&format!("{origin}{}", members.collect::<String>()));
        if role.is_some_and(marks_workflows) {
            self.note(What::Marker);
        }
    }
}

/// Decorators of workflow classes and of their methods.
fn marks_workflows(role: Role) -> bool {
    matches!(
        role,
        Role::WorkflowClass | Role::Run | Role::Signal | Role::Query | Role::Update | Role::Init
    )
}

/// Finds what the imports of a file bind to a part of an SDK.
struct SdkImports<'k> {
    knowledge: &'k Knowledge,
    bound: BTreeMap<String, String>,
}

impl SdkImports<'_> {
    fn bind(&mut self, name: &str, origin: String) {
        let package = origin.split('.').next().unwrap_or_default();
        if self.knowledge.is_sdk_package(package) || self.knowledge.is_engine(package) {
            self.bound.insert(name.to_owned(), origin);
        }
    }
}

impl<'a> Visitor<'a> for SdkImports<'_> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::Import(it) => {
                for alias in &it.names {
                    let module = alias.name.as_str();
                    match &alias.asname {
                        Some(name) => self.bind(name, module.to_owned()),
                        None => {
                            let package = module.split('.').next().unwrap_or(module);
                            self.bind(package, package.to_owned());
                        }
                    }
                }
            }
            Stmt::ImportFrom(it) if it.level == 0 => {
                for alias in &it.names {
                    let name = alias.asname.as_ref().unwrap_or(&alias.name);
                    let module = it.module.as_deref().unwrap_or_default();
                    self.bind(name, format!("{module}.{}", alias.name));
                }
            }
            _ => visitor::walk_stmt(self, statement),
        }
    }
}

impl<'a> Visitor<'a> for OwnMarkers<'_> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::FunctionDef(it) => {
                self.within(it.name.as_str(), |this| this.visit_function(it));
            }
            Stmt::ClassDef(it) => {
                self.within(it.name.as_str(), |this| {
                    it.bases().iter().for_each(|base| this.note_base(base));
                    this.visit_body(&it.body);
                });
            }
            Stmt::Return(_) => self.visit_if_it_counts(statement, true),
            Stmt::Assign(it) if self.in_function => {
                self.visit_if_it_counts(statement, self.names_parameter(&it.value));
            }
            Stmt::Expr(it) if self.in_function => {
                self.visit_if_it_counts(statement, self.names_parameter(&it.value));
            }
            Stmt::Assign(it) if self.around.is_empty() => {
                let names = it.targets.iter().filter_map(|target| match target {
                    Expr::Name(name) => Some(name.id.to_string()),
                    _ => None,
                });
                self.around = names.collect();
                self.visit_expr(&it.value);
                self.around.clear();
            }
            _ => visitor::walk_stmt(self, statement),
        }
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        if self.counts && matches!(expression, Expr::Attribute(_) | Expr::Name(_)) {
            self.note_use(expression);
        }
        visitor::walk_expr(self, expression);
    }
}
