//! Applying fixes: in memory and to the whole project first, on disk at the end.
//!
//! A fix is a proposal until the changed project has been checked again. A file in which one made
//! a syntax error or a new finding gets its last good text back, and so do the files that changed
//! together with it.

mod choose;
mod diff;
mod ignore;
mod text;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use lint_core::diagnostic::{Applicability, Diagnostic, FileId, Severity};
use lint_core::project::{FileError, FileErrorKind, Project};

use crate::check::{examine, touches};
use crate::config::Settings;
use crate::discover::Files;
use crate::known::Hidden;
use choose::{ChosenFix, Identity, Kind, Reservations, choose};
pub(crate) use diff::write_diff;
pub(crate) use ignore::ignore;
pub(crate) use write::write;

/// How often the project is checked again although there was not less to find than before.
const MAX_PASSES: usize = 10;

/// How often it is checked again before what is left is left to people.
const MAX_ROUNDS: usize = 200;

/// How often it is checked to find the fixes that go wrong.
const MAX_TRIES: usize = 40;

/// What the fixes of a run come to.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) changes: BTreeMap<String, Change>,
    pub(crate) applied: Vec<Applied>,
    pub(crate) put_back: Vec<PutBack>,
    /// Whether there would have been more after the last pass.
    pub(crate) is_unfinished: bool,
}

#[derive(Debug)]
pub(crate) struct Change {
    /// `None` for a new file.
    pub(crate) before: Option<Vec<u8>>,
    pub(crate) after: Vec<u8>,
    /// Files that were changed by the same fix: they are written together or not at all.
    pub(crate) together: BTreeSet<String>,
}

#[derive(Debug)]
pub(crate) struct Applied {
    pub(crate) code: &'static str,
    pub(crate) name: &'static str,
    /// What is left for a person to do.
    pub(crate) to_do: Option<String>,
    /// The file of the finding.
    pub(crate) key: String,
}

#[derive(Debug)]
pub(crate) struct PutBack {
    pub(crate) code: &'static str,
    pub(crate) title: String,
    pub(crate) key: String,
    pub(crate) reason: String,
}

/// What is fixed.
pub(crate) struct Order<'o> {
    pub(crate) least: Applicability,
    pub(crate) settings: &'o Settings,
    pub(crate) hidden: &'o Hidden,
    pub(crate) minimum: Severity,
}

/// Applies fixes to the files in memory, until nothing is left to fix. What turns out to leave its
/// finding where it is was no fix, and everything is done again without it.
pub(crate) fn fix(files: &mut Files, order: &Order<'_>) -> Outcome {
    let mut reservations = Reservations::default();
    let mut undone = Vec::new();
    loop {
        let (mut outcome, more) = passes(files, order, &mut reservations);
        if more.is_empty() {
            outcome.put_back.extend(undone);
            return outcome;
        }
        // What was put back is blocked from now on, and would not be told again.
        undone.append(&mut outcome.put_back);
        for (key, change) in outcome.changes {
            files.unstage(&key, change.before);
        }
        reservations
            .blocked
            .extend(more.iter().map(|it| it.identity.clone()));
        undone.extend(more.into_iter().map(|it| PutBack {
            code: it.code,
            title: it.title,
            key: it.key,
            reason: "its finding stays".to_owned(),
        }));
    }
}

/// Pass after pass, and which fixes were in vain.
fn passes(
    files: &mut Files,
    order: &Order<'_>,
    reservations: &mut Reservations,
) -> (Outcome, Vec<ChosenFix>) {
    let mut outcome = Outcome::default();
    let mut tried: Vec<ChosenFix> = Vec::new();
    let mut seen = look(files, order, reservations, &Left::new());
    let first = seen.counts();
    let (mut passes, mut rounds, mut tries) = (0, 0, 0);
    while passes < MAX_PASSES
        && rounds < MAX_ROUNDS
        && tries < MAX_TRIES
        && !seen.plan.contents.is_empty()
    {
        let before = stage(files, &seen.plan);
        let left = seen.plan.left.clone();
        let next = look(files, order, reservations, &left);
        let bad = worsened(&seen, &next, &before);
        let mut is_news = true;
        let mut good = if bad.is_empty() {
            // As long as there is less to find, it comes to an end.
            passes += usize::from(next.total() >= seen.total());
            rounds += 1;
            // Those that waited have their turn.
            is_news = !std::mem::take(&mut reservations.deferred).is_empty();
            seen.plan
        } else {
            tries += 1;
            put_back(files, seen.plan, &before, &bad, reservations, &mut outcome)
        };
        outcome.accept(&good, before);
        tried.append(&mut good.fixes);
        seen = match is_news {
            true => look(files, order, reservations, &left),
            false => next,
        };
        if seen.plan.contents.is_empty() && !reservations.deferred.is_empty() {
            reservations.deferred.clear();
            seen = look(files, order, reservations, &left);
        }
    }
    outcome.is_unfinished = !seen.plan.contents.is_empty();
    let last = seen.counts();
    tried.retain(|it| {
        last.get(&it.kind)
            .is_some_and(|last| first.get(&it.kind) == Some(last))
    });
    (outcome, tried)
}

/// One state of the project, and what the next pass would do to it.
struct Seen {
    findings: BTreeMap<Kind, Counted>,
    /// Files with a syntax error.
    broken: BTreeSet<String>,
    plan: Plan,
}

impl Seen {
    fn total(&self) -> usize {
        self.findings.values().map(|it| it.count).sum()
    }

    fn counts(&self) -> BTreeMap<Kind, usize> {
        let counts = self.findings.iter();
        counts.map(|(kind, it)| (kind.clone(), it.count)).collect()
    }
}

struct Counted {
    count: usize,
    severity: Severity,
    /// Files that the findings touch.
    keys: BTreeSet<String>,
}

#[derive(Default)]
struct Plan {
    fixes: Vec<ChosenFix>,
    /// The new contents of the files.
    contents: BTreeMap<String, Vec<u8>>,
    left: Left,
}

/// Names whose imports nothing needs any more and that could not go in the same pass, by file.
type Left = BTreeMap<String, BTreeSet<String>>;

/// Contents before a pass; `None` for files that did not exist.
type Before = BTreeMap<String, Option<Vec<u8>>>;

fn look(files: &Files, order: &Order<'_>, reservations: &Reservations, left: &Left) -> Seen {
    let project = files.project(order.settings);
    let examined = examine(&project, order.settings, &[]);
    let mut findings: BTreeMap<Kind, Counted> = BTreeMap::new();
    for finding in &examined.findings {
        let key = project.key(finding.place.file).to_owned();
        let kind = choose::kind(finding, &project);
        let counted = findings.entry(kind).or_insert_with(|| Counted {
            count: 0,
            severity: finding.severity,
            keys: BTreeSet::new(),
        });
        counted.count += 1;
        counted.severity = counted.severity.max(finding.severity);
        let steps = finding.trace.iter().map(|it| project.key(it.place.file));
        counted.keys.extend(steps.map(str::to_owned).chain([key]));
    }
    let is_syntax = |error: &&FileError| error.kind == FileErrorKind::Syntax;
    let broken = examined.errors.iter().filter(is_syntax);
    let broken = broken.map(|it| project.key(it.file).to_owned()).collect();
    let mut asked = order.hidden.hide(examined.findings, &project);
    let is_requested = |file| files.is_requested(project.key(file));
    asked.retain(|it| it.severity >= order.minimum && touches(it, &is_requested));
    Seen {
        findings,
        broken,
        plan: plan(&asked, &project, order, reservations, left),
    }
}

fn plan(
    findings: &[Diagnostic],
    project: &Project<'_>,
    order: &Order<'_>,
    reservations: &Reservations,
    left: &Left,
) -> Plan {
    let mut chosen = choose(findings, project, order.least, reservations);
    let mut still_left = Left::new();
    let of_left = left.keys().filter_map(|key| project.file(key));
    let files: BTreeSet<FileId> = chosen.edits.keys().copied().chain(of_left).collect();
    for file in files {
        let key = project.key(file);
        let edits = chosen.edits.get(&file).into_iter().flatten();
        let left = left.get(key).cloned().unwrap_or_default();
        let dead = rules::dead_imports(project, file, &edits.collect::<Vec<_>>(), &left);
        for rules::DeadImport { edit, names } in dead {
            if !chosen.tidy(edit) {
                still_left.entry(key.to_owned()).or_default().extend(names);
            }
        }
    }
    let mut contents: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for (&file, edits) in &chosen.edits {
        let edited = project.source(file).and_then(|source| {
            let text = text::edited(source, edits);
            source.encode(&text)
        });
        contents.extend(edited.map(|bytes| (project.key(file).to_owned(), bytes)));
    }
    let new = chosen.new_files.into_iter();
    contents.extend(new.map(|(key, text)| (key, text.into_bytes())));
    Plan {
        fixes: chosen.fixes,
        contents,
        left: still_left,
    }
}

fn stage(files: &mut Files, plan: &Plan) -> Before {
    let contents = plan.contents.iter();
    contents
        .map(|(key, bytes)| (key.clone(), files.stage(key, bytes.clone())))
        .collect()
}

/// The files of a pass that are worse than before, and why.
fn worsened(seen: &Seen, next: &Seen, changed: &Before) -> BTreeMap<String, String> {
    let mut bad = BTreeMap::new();
    for key in next.broken.difference(&seen.broken) {
        if changed.contains_key(key) {
            bad.insert(key.clone(), "it made a syntax error".to_owned());
        }
    }
    for (kind, counted) in &next.findings {
        let before = seen.findings.get(kind).map_or(0, |it| it.count);
        // A remark in place of something graver is for the better.
        let is_remark =
            |it: &ChosenFix| counted.severity == Severity::Info && it.severity > Severity::Info;
        if counted.count <= before || seen.plan.fixes.iter().all(is_remark) {
            continue;
        }
        let mut blamed: Vec<&String> = counted.keys.iter().collect();
        blamed.retain(|key| changed.contains_key(*key));
        if blamed.is_empty() {
            blamed.extend(changed.keys());
        }
        for key in blamed {
            let reason = || format!("it made a new finding, {} in `{}`", kind.0, kind.1);
            bad.entry(key.clone()).or_insert_with(reason);
        }
    }
    bad
}

/// Gives the bad files, and those that changed together with them, their text back. Returns what
/// stays of the plan.
fn put_back(
    files: &mut Files,
    plan: Plan,
    before: &Before,
    bad: &BTreeMap<String, String>,
    reservations: &mut Reservations,
    outcome: &mut Outcome,
) -> Plan {
    let undone = together(bad.keys().cloned().collect(), &plan.fixes);
    for key in &undone {
        if let Some(before) = before.get(key) {
            files.unstage(key, before.clone());
        }
    }
    let (undone_fixes, fixes): (Vec<_>, Vec<_>) = plan
        .fixes
        .into_iter()
        .partition(|fix| !fix.keys.is_disjoint(&undone));
    // Of several fixes, one is to blame: half of them wait, until it is found.
    let mut identities: Vec<&Identity> = undone_fixes.iter().map(|it| &it.identity).collect();
    identities.sort();
    identities.dedup();
    if let ([only], Some(fix)) = (&identities[..], undone_fixes.first()) {
        let reason = fix.keys.iter().find_map(|key| bad.get(key));
        outcome.put_back.push(PutBack {
            code: fix.code,
            title: fix.title.clone(),
            key: fix.key.clone(),
            reason: reason.cloned().unwrap_or_default(),
        });
        reservations.blocked.insert((*only).clone());
    } else {
        let half = identities.len() / 2;
        let waiting = identities.into_iter().skip(half).cloned();
        reservations.deferred.extend(waiting);
    }
    let mut contents = plan.contents;
    contents.retain(|key, _| !undone.contains(key));
    Plan {
        fixes,
        contents,
        left: plan.left,
    }
}

/// The files, and all that fixes change together with them.
fn together(mut keys: BTreeSet<String>, fixes: &[ChosenFix]) -> BTreeSet<String> {
    loop {
        let before = keys.len();
        for fix in fixes {
            if !fix.keys.is_disjoint(&keys) {
                keys.extend(fix.keys.iter().cloned());
            }
        }
        if keys.len() == before {
            return keys;
        }
    }
}

impl Outcome {
    fn accept(&mut self, plan: &Plan, mut before: Before) {
        for (key, after) in &plan.contents {
            let together = together(BTreeSet::from([key.clone()]), &plan.fixes);
            let change = self.changes.entry(key.clone()).or_insert_with(|| Change {
                before: before.remove(key).flatten(),
                after: Vec::new(),
                together: BTreeSet::new(),
            });
            change.after = after.clone();
            change.together.extend(together);
        }
        let applied = plan.fixes.iter().map(|fix| Applied {
            code: fix.code,
            name: fix.name,
            to_do: fix.to_do.clone(),
            key: fix.key.clone(),
        });
        self.applied.extend(applied);
    }
}
