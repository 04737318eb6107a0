//! What all files are searched for, as bytes, before any is parsed.

use std::collections::BTreeSet;

use memchr::memmem::Finder;
use memchr::memrchr;

use crate::diagnostic::FileId;
use crate::project::{Project, Question};
use crate::screen::{Word, continues_name};

/// Puts several questions at once, so that each file is read once.
pub(crate) fn ask_all(project: &Project<'_>, sought: &[Sought], others: &[Question<'_>]) {
    let tests: Vec<_> = sought.iter().map(Sought::test).collect();
    let questions = sought.iter().zip(&tests).map(|(it, test)| Question {
        name: it.name(),
        words: it.words(),
        test,
    });
    let others = others.iter().map(|it| Question {
        name: it.name.clone(),
        words: it.words.clone(),
        test: it.test,
    });
    project.ask(&questions.chain(others).collect::<Vec<_>>());
}

/// What files are searched for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sought {
    /// An import of a module, by its dotted name.
    Import(String),
    /// One of these names.
    Names(BTreeSet<String>),
}

impl Sought {
    /// Questions about the same have the same name.
    fn name(&self) -> String {
        match self {
            Self::Import(module) => format!("import {module}"),
            Self::Names(names) => names
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join(" "),
        }
    }

    fn words(&self) -> Vec<Word> {
        let words: Vec<&str> = match self {
            // All parts of it have to be there.
            Self::Import(module) => module.split('.').take(1).collect(),
            Self::Names(names) => names.iter().map(String::as_str).collect(),
        };
        words
            .into_iter()
            .map(|it| Word::Name(it.to_owned()))
            .collect()
    }

    fn test(&self) -> impl Fn(&[u8]) -> bool + Sync + use<> {
        let (only_imports, words): (bool, Vec<&str>) = match self {
            Self::Import(module) => (true, module.split('.').collect()),
            Self::Names(names) => (false, names.iter().map(String::as_str).collect()),
        };
        let finders = words.iter().map(|it| Finder::new(it).into_owned());
        let finders: Vec<Finder<'static>> = finders.collect();
        move |bytes| {
            let mut finders = finders.iter();
            match only_imports {
                // `from a.b import c` and `from a import b` name all that `a.b` consists of.
                true => finders.all(|it| mentions(bytes, it, true)),
                false => finders.any(|it| mentions(bytes, it, false)),
            }
        }
    }

    /// The files in which it is.
    pub(crate) fn files(&self, project: &Project<'_>) -> Vec<FileId> {
        self.ask(|question| project.candidates(&question))
    }

    /// Whether it is in the changed file if it was there before, and not if it was not.
    pub(crate) fn answers_alike(&self, old: &Project<'_>, new: &Project<'_>, file: FileId) -> bool {
        self.ask(|question| {
            let name = question.name.clone();
            new.ask(&[question]);
            old.answer(file, &name) == new.answer(file, &name)
        })
    }

    fn ask<T>(&self, ask: impl FnOnce(Question<'_>) -> T) -> T {
        ask(Question {
            name: self.name(),
            words: self.words(),
            test: &self.test(),
        })
    }
}

/// Whether a file names a word the way code does: in an import, and if that is not all that counts,
/// as an attribute, a decorator, a base class, or alone on a line of a longer import.
fn mentions(bytes: &[u8], word: &Finder<'_>, only_imports: bool) -> bool {
    word.find_iter(bytes).any(|at| {
        let after = bytes.get(at + word.needle().len());
        if after.is_some_and(continues_name) {
            return false;
        }
        let line_start = memrchr(b'\n', &bytes[..at]).map_or(0, |it| it + 1);
        let line = bytes[line_start..at].trim_ascii_start();
        if line.starts_with(b"from ") || line.starts_with(b"import ") {
            return true;
        }
        !only_imports
            && (matches!(bytes[..at].last(), Some(b'.' | b'@' | b'('))
                || line.is_empty()
                || line.starts_with(b"class "))
    })
}
