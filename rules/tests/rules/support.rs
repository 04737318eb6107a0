//! Runs the linter on files in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;

use lint_core::analysis::analyse_with_structures;
use lint_core::diagnostic::Diagnostic;
use lint_core::knowledge::{Knowledge, UserEntries};
use lint_core::project::Project;
use lint_core::rule::RuleMetadata;
use lint_core::suppression::{self, Registry};
use lint_core::syntax::STACK_SIZE;
use rules::catalogue::TABLES;

/// A finding, by the file and the line of its primary place.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) path: String,
    pub(crate) line: u32,
    pub(crate) diagnostic: Diagnostic,
}

/// What the enabled rules find in these files.
pub(crate) fn lint(
    files: impl IntoIterator<Item = (String, String)>,
    enabled: impl Fn(&RuleMetadata) -> bool,
) -> Vec<Found> {
    let files: BTreeMap<String, String> = files.into_iter().collect();
    let known: Vec<_> = rules::metadata().collect();
    let enabled: BTreeSet<_> = known
        .iter()
        .filter(|metadata| enabled(metadata))
        .map(|metadata| metadata.code)
        .collect();
    let registry = Registry {
        known: &known,
        enabled: &enabled,
        unused: &rules::UNUSED_SUPPRESSION,
        unknown: &rules::UNKNOWN_SUPPRESSION,
    };
    thread::scope(|scope| {
        let linting = thread::Builder::new()
            .stack_size(STACK_SIZE)
            .spawn_scoped(scope, || lint_here(&files, registry));
        let found = linting.expect("a thread can be started").join();
        found.expect("linting does not panic")
    })
}

/// The lock file of these files.
pub(crate) fn lock(files: impl IntoIterator<Item = (String, String)>) -> String {
    let files: BTreeMap<String, String> = files.into_iter().collect();
    thread::scope(|scope| {
        let recording = thread::Builder::new()
            .stack_size(STACK_SIZE)
            .spawn_scoped(scope, || {
                let roots = vec![String::new()];
                let project = Project::new(&files, files.keys().cloned(), roots, Vec::new());
                let knowledge = Knowledge::new(&TABLES, UserEntries::default());
                let facts = analyse_with_structures(&project, &knowledge);
                rules::reference::write(&rules::reference::record(&facts))
            });
        let lock = recording.expect("a thread can be started").join();
        lock.expect("recording does not panic")
    })
}

fn lint_here(files: &BTreeMap<String, String>, registry: Registry<'_>) -> Vec<Found> {
    let project = Project::new(
        files,
        files.keys().cloned(),
        vec![String::new()],
        Vec::new(),
    );
    let knowledge = Knowledge::new(&TABLES, UserEntries::default());
    let facts = analyse_with_structures(&project, &knowledge);
    let memo = rules::Memo::default();
    let (mut report, now) = rules::check(&facts, registry.enabled, &memo, |cx| {
        rules::reference::record(cx.facts)
    });
    if let Some(text) = files
        .get("runbook-lint.lock")
        .filter(|_| registry.enabled.contains("RB703"))
    {
        let workflows = rules::reference::parse(text, "runbook-lint.lock").expect("a lock file");
        let lock = rules::reference::Reference {
            origin: "`runbook-lint.lock`".to_owned(),
            is_pinned: false,
            workflows,
        };
        report.extend(rules::edits(&project, &now, &[lock]));
    }
    let kept = suppression::apply(&project, registry, report).kept;
    kept.into_iter()
        .filter(|diagnostic| registry.enabled.contains(diagnostic.code))
        .map(|diagnostic| {
            let file = diagnostic.place.file;
            let source = project
                .source(file)
                .expect("a file with a finding was read");
            Found {
                path: project.key(file).to_owned(),
                line: source.line(diagnostic.place.span.start),
                diagnostic,
            }
        })
        .collect()
}
