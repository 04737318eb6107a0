//! Runs the rules. What they find in a part of the project is kept until something changes that
//! was read for it, the way the engine keeps what it saw there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use lint_core::diagnostic::{Diagnostic, Edit, FileId, Fix, Place, Span};
use lint_core::facts::{Facts, Part, Seen};
use lint_core::project::{Project, Reads};
use lint_core::rule::Category;

use crate::RULES;
use crate::everywhere::Everywhere;
use crate::model::{activity_files, uses_temporal};
use crate::rule::{Context, Rule, Scope, files_with, worker_files};

/// What rules found in the parts of an earlier state of a project, with the same rules.
#[derive(Default)]
pub struct Memo(Mutex<BTreeMap<Key, Kept>>);

/// A part, by the address of what was seen of it, which is kept with it; or a file of no part.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Part(usize),
    File(FileId),
}

#[derive(Clone)]
struct Kept {
    _seen: Option<Arc<Seen>>,
    /// What the rules looked at besides files.
    given: Given,
    reads: Reads,
    /// The files that may start workers, if it depends on which these are.
    workers: Option<Vec<FileId>>,
    /// The files that may define activities, likewise.
    activities: Option<Vec<FileId>>,
    /// Words with the files that have them, where it depends on that.
    words: BTreeMap<String, Vec<FileId>>,
    /// Whether it may depend on runbooks that are anywhere.
    is_about_runbooks: bool,
    found: Arc<Vec<Diagnostic>>,
}

#[derive(Clone, PartialEq, Eq)]
struct Given {
    /// Whether there are runbooks at all.
    has_runbooks: bool,
    /// Which of the files are in a runbook.
    in_runbooks: Vec<FileId>,
    everywhere: Everywhere,
}

/// What is looked at together.
enum Piece<'f> {
    Part(&'f Part),
    /// A file that no workflow loads.
    File(FileId),
}

/// What the enabled rules find, in no order that matters, and what somebody else makes of the
/// runbooks that they look at.
pub fn check<T>(
    facts: &Facts<'_>,
    enabled: &BTreeSet<&'static str>,
    memo: &Memo,
    look: impl FnOnce(&Context<'_>) -> T,
) -> (Vec<Diagnostic>, T) {
    let of = |scope| Enabled { enabled, scope };
    let cx = &Context::of_runbooks(facts);
    let mut found = Vec::new();
    of(Scope::Runbooks).check(cx, &mut found);
    of(Scope::RunbooksAndParts).check(cx, &mut found);
    if of(Scope::Project).rules().next().is_some() {
        of(Scope::Project).check(&cx.with_other_code(), &mut found);
    }
    let mut before = memo.0.lock().unwrap_or_else(PoisonError::into_inner);
    let mut now = BTreeMap::new();
    let mut pieces_found = Vec::new();
    for piece in pieces(cx) {
        let kept = before.remove(&piece.key());
        let kept = match kept.filter(|it| it.is_true_of(cx, &piece)) {
            Some(kept) => {
                facts.project.read_again(&kept.reads);
                kept
            }
            None => piece.check(cx, &facts.project.view(), enabled),
        };
        pieces_found.push(kept.found.clone());
        now.insert(piece.key(), kept);
    }
    *before = now;
    found.extend(together(&pieces_found));
    (found, look(cx))
}

/// What was found in all pieces. Some rules speak of a place once, whichever workflows get there;
/// if these are in several parts, the first has it.
fn together(pieces: &[Arc<Vec<Diagnostic>>]) -> Vec<Diagnostic> {
    let each = pieces.iter().enumerate();
    let all = each.flat_map(|(number, found)| found.iter().map(move |it| (number, it)));
    let once = RULES.iter().filter(|rule| rule.speaks_once());
    let once: BTreeSet<&str> = once.map(|rule| rule.metadata().code).collect();
    let mut first: BTreeMap<(&str, Place), (&Option<String>, usize)> = BTreeMap::new();
    for (number, it) in all.clone().filter(|(_, it)| once.contains(it.code)) {
        let this = (&it.workflow, number);
        let known = first.entry((it.code, it.place)).or_insert(this);
        *known = this.min(*known);
    }
    let is_first = |(number, it): &(usize, &Diagnostic)| {
        let known = first.get(&(it.code, it.place));
        known.is_none_or(|(_, owner)| owner == number)
    };
    all.filter(is_first).map(|(_, it)| it.clone()).collect()
}

/// The enabled rules of one scope.
#[derive(Clone, Copy)]
struct Enabled<'e> {
    enabled: &'e BTreeSet<&'static str>,
    scope: Scope,
}

impl Enabled<'_> {
    fn rules(self) -> impl Iterator<Item = &'static &'static dyn Rule> {
        RULES.iter().filter(move |rule| {
            rule.scope() == self.scope && self.enabled.contains(rule.metadata().code)
        })
    }

    fn check(self, cx: &Context<'_>, found: &mut Vec<Diagnostic>) {
        self.rules().for_each(|rule| rule.check(cx, found));
    }
}

fn pieces<'f>(cx: &'f Context<'_>) -> Vec<Piece<'f>> {
    let (facts, contract) = (cx.facts, cx.model.contract());
    let project = facts.project;
    let parts = facts.parts.iter();
    let in_parts: BTreeSet<FileId> = parts.clone().flat_map(|it| it.reads.files()).collect();
    let others = facts.files.iter().copied().filter(|file| {
        !in_parts.contains(file)
            && contract.is_outside(project, *file)
            && uses_temporal(project, *file)
    });
    parts
        .map(Piece::Part)
        .chain(others.map(Piece::File))
        .collect()
}

impl Piece<'_> {
    fn key(&self) -> Key {
        match self {
            Self::Part(part) => Key::Part(Arc::as_ptr(&part.seen) as usize),
            Self::File(file) => Key::File(*file),
        }
    }

    fn facts<'v>(&self, cx: &'v Context<'_>, view: &'v Project<'v>) -> Facts<'v> {
        let knowledge = cx.facts.knowledge;
        match self {
            Self::Part(part) => Facts::of_part(view, knowledge, part),
            Self::File(file) => Facts::of(view, knowledge, Arc::default(), vec![*file]),
        }
    }

    fn given(&self, cx: &Context<'_>) -> Given {
        let contract = cx.model.contract();
        let is_inside = |file: &FileId| contract.files.binary_search(file).is_ok();
        let in_runbooks = match self {
            Self::Part(part) if !contract.is_empty() => {
                part.reads.files().filter(is_inside).collect()
            }
            _ => Vec::new(),
        };
        Given {
            has_runbooks: !contract.is_empty(),
            in_runbooks,
            everywhere: cx.everywhere,
        }
    }

    fn check(
        &self,
        cx: &Context<'_>,
        view: &Project<'_>,
        enabled: &BTreeSet<&'static str>,
    ) -> Kept {
        let of = |scope| Enabled { enabled, scope };
        let facts = self.facts(cx, view);
        let (among_runbooks, alone) = cx.of_part(&facts);
        let mut found = Vec::new();
        if let Self::Part(_) = self {
            of(Scope::Part).check(&among_runbooks, &mut found);
        }
        of(Scope::RunbooksAndParts).check(&alone, &mut found);
        for finding in &mut found {
            finding
                .fixes
                .retain(|fix| keeps_comments(view, finding.code, fix));
        }
        let seen = match self {
            Self::Part(part) => Some(part.seen.clone()),
            Self::File(_) => None,
        };
        let mut words = among_runbooks.asked_words();
        words.extend(alone.asked_words());
        Kept {
            _seen: seen,
            given: self.given(cx),
            reads: view.reads(),
            workers: among_runbooks
                .asked_workers()
                .or(alone.asked_workers())
                .map(<[FileId]>::to_vec),
            activities: alone.model.asked_activities().map(<[FileId]>::to_vec),
            words,
            is_about_runbooks: among_runbooks.model.is_asked() && !cx.model.contract().is_empty(),
            found: Arc::new(found),
        }
    }
}

/// Whether a fix of what code does leaves the comments that people wrote there.
fn keeps_comments(project: &Project<'_>, code: &str, fix: &Fix) -> bool {
    let is_kept = |edit: &Edit| {
        let file = edit.place.file;
        let (Some(module), Some(source)) = (project.module(file), project.source(file)) else {
            return true;
        };
        let within = |it: &Span| edit.place.span.contains(*it);
        let mut comments = module.comments.iter().map(|it| it.span).filter(within);
        let texts = || {
            let edits = fix.edits.iter().map(|it| &it.replacement);
            edits.chain(fix.new_files.iter().map(|it| &it.text))
        };
        comments.all(|it| texts().any(|text| text.contains(source.slice(it))))
    };
    let is_it = |rule: &&&dyn Rule| rule.metadata().code == code;
    let category = RULES.iter().find(is_it).map(|it| it.metadata().category);
    category != Some(Category::Determinism) || fix.edits.iter().all(is_kept)
}

impl Kept {
    /// Whether looking again would find the same. What was seen is the same, by its address.
    fn is_true_of(&self, cx: &Context<'_>, piece: &Piece<'_>) -> bool {
        let project = cx.facts.project;
        let (workers, activities) = (self.workers.as_ref(), self.activities.as_ref());
        let mut words = self.words.iter();
        !self.is_about_runbooks
            && project.holds(&self.reads)
            && workers.is_none_or(|it| *it == worker_files(project))
            && activities.is_none_or(|it| *it == activity_files(project))
            && words.all(|(word, files)| *files == files_with(project, word))
            && self.given == piece.given(cx)
    }
}
