//! An analysis that takes edits says the same as a fresh one, after each of them.
//!
//! `UPDATE_PROJECT=DIR UPDATE_EDITS=N cargo test --test update -- --ignored --nocapture` does the
//! same with the Python files below a directory, and prints what edits cost as a fraction of a
//! fresh run.
#![allow(clippy::print_stdout, reason = "measurements are printed")]

mod edits;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use edits::{Edits, Random};
use lint_core::analysis::{Analysis, Order, analyse, analyse_in_order};
use lint_core::diagnostic::Diagnostic;
use lint_core::facts::{Facts, Seen};
use lint_core::knowledge::Knowledge;
use lint_core::project::{Change, Project};
use lint_core::suppression::{self, Registry};
use rules::Memo;

type Texts = BTreeMap<String, String>;

fn knowledge() -> Knowledge {
    Knowledge::new(&rules::catalogue::TABLES, Default::default())
}

/// Everything that the program would show, and what it was made of.
fn findings(facts: &Facts<'_>, memo: &Memo) -> (Vec<Diagnostic>, String) {
    let enabled = rules::metadata().map(|rule| rule.code).collect();
    let (mut diagnostics, ()) = rules::check(facts, &enabled, memo, |_| ());
    diagnostics.sort_by_key(|it| format!("{it:?}"));
    let parsed: Vec<_> = facts.project.parsed().collect();
    let registry = Registry {
        known: &rules::metadata().collect::<Vec<_>>(),
        enabled: &enabled,
        unused: &rules::UNUSED_SUPPRESSION,
        unknown: &rules::UNKNOWN_SUPPRESSION,
    };
    let outcome = suppression::apply(facts.project, registry, diagnostics);
    let mut rest = String::new();
    let seen: &Seen = facts;
    let errors = facts.project.errors();
    let suppressed = outcome.suppressed;
    write!(rest, "{seen:?}{parsed:?}{errors:?}{suppressed:?}").expect("in memory");
    (outcome.kept, rest)
}

fn shown(facts: &Facts<'_>, memo: &Memo) -> String {
    let (kept, rest) = findings(facts, memo);
    format!("{kept:#?}{rest}")
}

fn project(texts: &Texts) -> Project<'_> {
    Project::new(texts, texts.keys().cloned(), Vec::new(), Vec::new())
}

fn fresh(texts: &Texts) -> String {
    let knowledge = knowledge();
    shown(&analyse(&project(texts), &knowledge), &Memo::default())
}

/// Runs on a stack that is large enough for any tree.
fn with_stack(work: impl FnOnce() + Send) {
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .stack_size(lint_core::syntax::STACK_SIZE)
            .spawn_scoped(scope, || {
                let pool = rayon::ThreadPoolBuilder::new()
                    .stack_size(lint_core::syntax::STACK_SIZE)
                    .build();
                pool.expect("threads").install(work);
            })
            .expect("a thread");
    });
}

fn edit_and_compare(mut texts: Texts, seed: u64, count: usize) {
    let start = texts.clone();
    let mut analysis = Analysis::new(project(&start), knowledge());
    let memo = Memo::default();
    let mut edits = Edits::new(seed, &texts);
    assert_eq!(shown(&analysis.facts(), &memo), fresh(&texts));
    for number in 0..count {
        let (key, text) = edits.next(&texts);
        let change = match &text {
            Some(text) => Change::Text(text.clone().into_bytes()),
            None => Change::Gone,
        };
        match text {
            Some(text) => drop(texts.insert(key.clone(), text)),
            None => drop(texts.remove(&key)),
        }
        analysis.update([(key.clone(), change)]);
        let (now, expected) = (shown(&analysis.facts(), &memo), fresh(&texts));
        assert!(
            now == expected,
            "edit {number} of seed {seed}, in {key}:\n{}",
            first_difference(&now, &expected)
        );
    }
}

fn first_difference(now: &str, expected: &str) -> String {
    let lines = now.lines().zip(expected.lines());
    match lines.into_iter().find(|(a, b)| a != b) {
        Some((a, b)) => format!("- {:.2000}\n+ {:.2000}", b, a),
        None => "one ends earlier".to_owned(),
    }
}

#[test]
fn edits_give_what_a_fresh_run_gives() {
    with_stack(|| {
        for seed in 0..3 {
            edit_and_compare(edits::generated(), seed, 40);
        }
    });
}

/// Which pending function is interpreted next does not show in what is found.
#[test]
fn the_order_of_work_does_not_show() {
    let orders = [Order::Newest].into_iter();
    let orders = orders.chain((1..=3).map(Order::Shuffled));
    let orders: Vec<Order> = orders.collect();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let knowledge = knowledge();
    with_stack(|| {
        let mut cases = Vec::new();
        for area in directories(&fixtures) {
            cases.extend(directories(&area));
        }
        assert!(cases.len() > 100);
        for case in cases {
            let mut texts = Texts::new();
            collect(&case, &case, &mut texts);
            let expected = fresh(&texts);
            for &order in &orders {
                let project = project(&texts);
                let facts = analyse_in_order(&project, &knowledge, order);
                let now = shown(&facts, &Memo::default());
                assert!(
                    now == expected,
                    "{order:?} in {}:\n{}",
                    case.display(),
                    first_difference(&now, &expected)
                );
            }
        }
    });
}

fn directories(parent: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(parent).expect("a directory");
    let paths = entries.map(|it| it.expect("an entry").path());
    let mut paths: Vec<_> = paths.filter(|it| it.is_dir()).collect();
    paths.sort();
    paths
}

/// What several parts of a project give together is what each gives alone.
#[test]
fn parts_do_not_depend_on_one_another() {
    with_stack(|| {
        let texts = edits::generated();
        let all = fresh_names(&texts);
        let alone: Vec<String> = ["north", "south", "west"]
            .into_iter()
            .flat_map(|part| {
                let below = texts
                    .iter()
                    .filter(|(key, _)| key.starts_with(part) || *key == "names.py");
                fresh_names(
                    &below
                        .map(|(key, text)| (key.clone(), text.clone()))
                        .collect(),
                )
            })
            .collect();
        assert!(all.len() >= 3, "{all:?}");
        assert_eq!(all, alone);
    });
}

/// Findings with keys instead of numbers of files.
fn fresh_names(texts: &Texts) -> Vec<String> {
    let (knowledge, project) = (knowledge(), project(texts));
    let (kept, _) = findings(&analyse(&project, &knowledge), &Memo::default());
    kept.iter()
        .map(|it| format!("{} {}: {}", project.key(it.place.file), it.code, it.message))
        .collect()
}

#[test]
#[ignore = "measures a project that UPDATE_PROJECT names"]
fn real_projects() {
    let directory = std::env::var_os("UPDATE_PROJECT").expect("UPDATE_PROJECT names a directory");
    let count = std::env::var("UPDATE_EDITS").map_or(100, |it| it.parse().expect("a number"));
    let mut texts = Texts::new();
    collect(Path::new(&directory), Path::new(&directory), &mut texts);
    println!("{} files", texts.len());
    with_stack(|| {
        measure(&texts);
        edit_and_compare(texts, 1, count);
        println!("{count} edits gave equal bytes");
    });
}

fn collect(directory: &Path, root: &Path, texts: &mut Texts) {
    let entries = std::fs::read_dir(directory).expect("a directory");
    for path in entries.map(|entry| entry.expect("an entry").path()) {
        let is_python = path.extension().is_some_and(|it| it == "py");
        if path.is_dir() && !path.is_symlink() {
            collect(&path, root, texts);
        } else if is_python && let Ok(text) = std::fs::read_to_string(&path) {
            let key = path.strip_prefix(root).expect("below").to_str();
            texts.insert(key.expect("UTF-8").replace('\\', "/"), text);
        }
    }
}

/// What the server does after an edit.
fn check(facts: &Facts<'_>, memo: &Memo) {
    let enabled = rules::metadata().map(|rule| rule.code).collect();
    let (diagnostics, ()) = rules::check(facts, &enabled, memo, |_| ());
    let registry = Registry {
        known: &rules::metadata().collect::<Vec<_>>(),
        enabled: &enabled,
        unused: &rules::UNUSED_SUPPRESSION,
        unknown: &rules::UNKNOWN_SUPPRESSION,
    };
    suppression::apply(facts.project, registry, diagnostics);
}

/// Prints, for each kind of file, the median cost of an edit as a fraction of a fresh run.
fn measure(texts: &Texts) {
    let mut cold: Vec<Duration> = Vec::new();
    for _ in 0..5 {
        let (before, knowledge) = (Instant::now(), knowledge());
        check(&analyse(&project(texts), &knowledge), &Memo::default());
        cold.push(before.elapsed());
    }
    let cold = median(&mut cold);
    let mut analysis = Analysis::new(project(texts), knowledge());
    let memo = Memo::default();
    check(&analysis.facts(), &memo);
    for (kind, keys) in kinds(&analysis) {
        let mut random = Random::new(1);
        let mut costs = Vec::new();
        for number in 0..40.min(keys.len() * 4) {
            let key = &keys[random.below(keys.len())];
            let text = format!("{}\n# {number}\npass\n", texts[key]);
            let before = Instant::now();
            analysis.update([(key.clone(), Change::Text(text.into_bytes()))]);
            check(&analysis.facts(), &memo);
            costs.push(before.elapsed());
        }
        let ratio = cold.as_secs_f64() / median(&mut costs).as_secs_f64();
        println!("{kind} ({} files): 1/{ratio:.0} of a fresh run", keys.len());
    }
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// Files with workflows; of the others that they load, those that one file imports and that
/// import nothing, and those that several import; and those that no workflow loads.
fn kinds(analysis: &Analysis<'_>) -> Vec<(&'static str, Vec<String>)> {
    let facts = analysis.facts();
    let project = facts.project;
    let parsed: Vec<_> = project.parsed().collect();
    let defines = |file| facts.workflows.iter().any(|it| it.place.file == file);
    let mut importers = BTreeMap::new();
    for &file in &parsed {
        for import in project.imports(file, facts.knowledge) {
            *importers.entry(*import).or_insert(0) += 1;
        }
    }
    let count = |file| importers.get(&file).copied().unwrap_or(0);
    let keys = |test: &dyn Fn(lint_core::diagnostic::FileId) -> bool| {
        let files = parsed.iter().copied().filter(|&file| test(file));
        files.map(|file| project.key(file).to_owned()).collect()
    };
    let is_leaf = |file| project.imports(file, facts.knowledge).is_empty();
    let others = project.files().filter(|file| !parsed.contains(file));
    let kinds: Vec<(&'static str, Vec<String>)> = vec![
        ("workflow", keys(&defines)),
        (
            "leaf",
            keys(&|it| !defines(it) && count(it) <= 1 && is_leaf(it)),
        ),
        ("shared helper", keys(&|it| !defines(it) && count(it) >= 2)),
        (
            "not loaded",
            others.map(|it| project.key(it).to_owned()).collect(),
        ),
    ];
    kinds
        .into_iter()
        .filter(|(_, keys)| !keys.is_empty())
        .collect()
}
