//! Which files may define workflows, judged before anything is interpreted.
//!
//! A marker of the SDK is named where it is used. A project may wrap it: its own decorators, base
//! classes and registries are markers then, and so is what is made of those. Only names are
//! compared here; what a decorator really does is found out by running it.

use std::collections::BTreeSet;

use crate::diagnostic::FileId;
use crate::knowledge::{Knowledge, Role};
use crate::project::{Project, Question};
use crate::syntax::ast::visitor::{self, Visitor};
use crate::syntax::ast::{Expr, Stmt};
use crate::{passthrough, suppression};

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

pub(crate) fn candidates(project: &Project<'_>, knowledge: &Knowledge) -> Candidates {
    let mut words = sdk_words(knowledge);
    let mut files = Vec::new();
    let mut new = words.clone();
    for _ in 0..MAX_ROUNDS {
        let test = |bytes: &[u8]| mentions(bytes, &new);
        let names: Vec<&str> = new.iter().map(String::as_str).collect();
        let question = || Question {
            name: names.join(" "),
            test: &test,
        };
        // The others are asked later, but each file should be read once.
        project.ask(&[question(), passthrough::question(), suppression::question()]);
        files.extend(project.candidates(&question()));
        files.sort_unstable();
        files.dedup();
        project.prefetch(&files, knowledge);
        let mut finder = OwnMarkers::new(&words);
        for module in files.iter().filter_map(|&file| project.module(file)) {
            finder.visit_body(&module.tree().body);
        }
        new = finder.found.difference(&words).cloned().collect();
        if new.is_empty() {
            break;
        }
        words.extend(new.iter().cloned());
    }
    let roots = knowledge.roots().to_vec();
    Candidates {
        words,
        files,
        roots,
    }
}

fn sdk_words(knowledge: &Knowledge) -> BTreeSet<String> {
    let markers = knowledge.markers().filter(|(_, role)| {
        matches!(
            role,
            Role::WorkflowClass
                | Role::WorkflowBase
                | Role::WorkflowFunction
                | Role::Activity
                | Role::Interceptor
                | Role::InterceptorFactory
                | Role::Converter
        )
    });
    let words = markers.filter_map(|(name, _)| name.rsplit('.').next());
    // The decorator of a class may be unknown; that of its run method is enough.
    let runs = knowledge.markers().filter(|(_, role)| *role == Role::Run);
    let runs = runs.filter_map(|(name, _)| {
        name.rmatch_indices('.')
            .nth(1)
            .map(|(at, _)| &name[at + 1..])
    });
    words.chain(runs).map(str::to_owned).collect()
}

/// Whether a file names one of the words the way code does: as an attribute, a decorator, a base
/// class or in an import.
fn mentions(bytes: &[u8], words: &BTreeSet<String>) -> bool {
    words.iter().any(|word| names(bytes, word.as_bytes()))
}

fn names(bytes: &[u8], word: &[u8]) -> bool {
    memchr::memmem::find_iter(bytes, word).any(|at| {
        let after = bytes.get(at + word.len()).copied().unwrap_or(b' ');
        if after.is_ascii_alphanumeric() || after == b'_' {
            return false;
        }
        let line_start = bytes[..at]
            .iter()
            .rposition(|&byte| byte == b'\n')
            .map_or(0, |it| it + 1);
        let line = bytes[line_start..at].trim_ascii_start();
        matches!(bytes[..at].last(), Some(b'.' | b'@' | b'('))
            || line.is_empty()
            || line.starts_with(b"from ")
            || line.starts_with(b"import ")
            || line.starts_with(b"class ")
    })
}

/// Finds the functions and classes of the project that use a marker for something else than to
/// decorate a definition of their own.
struct OwnMarkers<'w> {
    words: &'w BTreeSet<String>,
    /// The names by which others use the code around.
    around: Vec<String>,
    found: BTreeSet<String>,
}

impl<'w> OwnMarkers<'w> {
    fn new(words: &'w BTreeSet<String>) -> Self {
        Self {
            words,
            around: Vec::new(),
            found: BTreeSet::new(),
        }
    }

    fn within<'a>(&mut self, name: &str, visit: impl FnOnce(&mut Self))
    where
        Self: Visitor<'a>,
    {
        self.around.push(name.to_owned());
        visit(self);
        self.around.pop();
    }

    fn note_use(&mut self, name: &str) {
        if self.words.contains(name) {
            let names = self.around.iter().filter(|name| !name.starts_with("__"));
            self.found.extend(names.cloned());
        }
    }
}

impl<'a> Visitor<'a> for OwnMarkers<'_> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::FunctionDef(it) => {
                self.within(it.name.as_str(), |this| this.visit_body(&it.body));
            }
            Stmt::ClassDef(it) => {
                self.within(it.name.as_str(), |this| {
                    if let Some(arguments) = &it.arguments {
                        this.visit_arguments(arguments);
                    }
                    this.visit_body(&it.body);
                });
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
        match expression {
            Expr::Attribute(it) => self.note_use(it.attr.as_str()),
            Expr::Name(it) => self.note_use(it.id.as_str()),
            _ => {}
        }
        visitor::walk_expr(self, expression);
    }
}
