//! From a project to sorted findings. Nothing is read or written here but through the project.

use std::collections::BTreeSet;

use lint_core::analysis::{Analysis, analyse};
use lint_core::causes::Gateways;
use lint_core::diagnostic::{Diagnostic, FileId, Severity};
use lint_core::facts::Facts;
use lint_core::knowledge::Knowledge;
use lint_core::project::{FileError, Project};
use lint_core::suppression::{self, Registry};
use rayon::prelude::*;
use rules::Overview;
use rules::reference::{Recorded, Reference};

use crate::config::Settings;
use crate::report::{Summary, UsedBaseline};

/// Everything that is true of a project under its settings, whatever is asked about.
pub(crate) struct Examined {
    /// Sorted, with their final severities.
    pub(crate) findings: Vec<Diagnostic>,
    suppressed: Vec<Diagnostic>,
    pub(crate) errors: Vec<FileError>,
    summary: Summary,
    gateways: Gateways,
    overviews: Vec<Overview>,
    /// What the analysis was too large for; see [`lint_core::facts::Seen::cut_short`].
    pub(crate) cut_short: Vec<String>,
    /// Names in the configuration that nothing in the project has.
    unmatched: Vec<String>,
}

/// What is asked of a check.
pub(crate) struct Question<'q> {
    /// Findings that touch no such file are known but not reported.
    pub(crate) is_requested: &'q dyn Fn(FileId) -> bool,
    pub(crate) minimum: Severity,
}

pub(crate) struct Answer {
    pub(crate) findings: Vec<Diagnostic>,
    pub(crate) gateways: Gateways,
    /// What the workflows show to people.
    pub(crate) overviews: Vec<Overview>,
    pub(crate) suppressed: Vec<Diagnostic>,
    pub(crate) errors: Vec<FileError>,
    /// How many files that are not asked about could not be read in full.
    pub(crate) errors_elsewhere: usize,
    pub(crate) summary: Summary,
    /// What the analysis was too large for; see [`lint_core::facts::Seen::cut_short`].
    pub(crate) cut_short: Vec<String>,
    /// Names in the configuration that nothing in the project has.
    pub(crate) unmatched: Vec<String>,
    pub(crate) baseline: Option<UsedBaseline>,
}

/// The findings of a project under its settings, sorted, with their final severities.
pub(crate) struct Found {
    pub(crate) kept: Vec<Diagnostic>,
    pub(crate) suppressed: Vec<Diagnostic>,
}

/// What the settings say about APIs and markers, with what is known anyway.
pub(crate) fn knowledge(settings: &Settings) -> Knowledge {
    Knowledge::new(&rules::catalogue::TABLES, settings.knowledge.clone())
}

/// What the rules find, and what somebody else makes of what they look at.
pub(crate) fn find<T>(
    facts: &Facts<'_>,
    settings: &Settings,
    memo: &rules::Memo,
    look: impl FnOnce(&rules::Context<'_>) -> T,
) -> (Found, T) {
    let (diagnostics, looked) = rules::check(facts, &settings.enabled, memo, look);
    let registry = Registry {
        known: &rules::metadata().collect::<Vec<_>>(),
        enabled: &settings.enabled,
        unused: &rules::UNUSED_SUPPRESSION,
        unknown: &rules::UNKNOWN_SUPPRESSION,
    };
    let outcome = suppression::apply(facts.project, registry, diagnostics);
    let found = Found {
        kept: settle(outcome.kept, facts.project, settings),
        suppressed: settle(outcome.suppressed, facts.project, settings),
    };
    (found, looked)
}

/// The findings about edits that lead from what was before to what workflows do now.
pub(crate) fn edits(
    project: &Project<'_>,
    settings: &Settings,
    now: &[Recorded],
    references: &[Reference],
) -> Vec<Diagnostic> {
    let diagnostics = rules::edits(project, now, references);
    let enabled = diagnostics
        .iter()
        .map(|it| it.code)
        .filter(|it| settings.enabled.contains(it));
    let enabled: BTreeSet<&'static str> = enabled.collect();
    let registry = Registry {
        known: &rules::metadata().collect::<Vec<_>>(),
        enabled: &enabled,
        unused: &rules::UNUSED_SUPPRESSION,
        unknown: &rules::UNKNOWN_SUPPRESSION,
    };
    let kept = suppression::apply(project, registry, diagnostics).kept;
    let kept = kept.into_iter().filter(|it| enabled.contains(it.code));
    settle(kept.collect(), project, settings)
}

/// Must run on a thread with [`lint_core::syntax::STACK_SIZE`] of stack.
///
/// The `named` files are parsed even if no workflow needs them.
pub(crate) fn examine(project: &Project<'_>, settings: &Settings, named: &[FileId]) -> Examined {
    let knowledge = knowledge(settings);
    let facts = analyse(project, &knowledge);
    let memo = rules::Memo::default();
    examined(&facts, settings, &memo, named, |_| Vec::new())
}

/// A check that can be repeated after changes, for what they cost.
pub(crate) struct Alive<'l> {
    pub(crate) analysis: Analysis<'l>,
    memo: rules::Memo,
}

impl<'l> Alive<'l> {
    pub(crate) fn new(project: Project<'l>, settings: &Settings) -> Self {
        Self {
            analysis: Analysis::new(project, knowledge(settings)),
            memo: rules::Memo::default(),
        }
    }

    /// Also tells what workflows do in order, for who compares that.
    pub(crate) fn with_structures(self) -> Self {
        Self {
            analysis: self.analysis.with_structures(),
            ..self
        }
    }

    /// Like [`examine`], with what the workflows show to people if somebody looks.
    pub(crate) fn examine_with(
        &self,
        settings: &Settings,
        named: &[FileId],
        look: impl FnOnce(&rules::Context<'_>) -> Vec<Overview>,
    ) -> Examined {
        examined(&self.analysis.facts(), settings, &self.memo, named, look)
    }
}

fn examined(
    facts: &Facts<'_>,
    settings: &Settings,
    memo: &rules::Memo,
    named: &[FileId],
    look: impl FnOnce(&rules::Context<'_>) -> Vec<Overview>,
) -> Examined {
    let project = facts.project;
    let (found, (overviews, parsed)) = find(facts, settings, memo, |cx| {
        (look(cx), project.parsed().collect::<Vec<FileId>>())
    });
    let installed = parsed.iter().filter(|file| project.is_installed(**file));
    let installed = installed.count();
    // Only now, so that no other findings come of it.
    named.par_iter().for_each(|&file| {
        project.text(file);
    });
    Examined {
        findings: found.kept,
        suppressed: found.suppressed,
        errors: project.errors(),
        summary: Summary {
            files: python_files(project).count(),
            parsed: parsed.len() - installed,
            installed,
            workflows: facts.workflows.iter().filter(|it| it.is_entered()).count(),
            around: facts
                .workflows
                .iter()
                .filter(|it| !it.is_workflow())
                .count(),
            activities: facts.activities.len(),
            ..Summary::default()
        },
        gateways: facts.gateways.clone(),
        overviews,
        cut_short: facts.cut_short.clone(),
        unmatched: facts.unmatched.clone(),
    }
}

/// All findings of a project, by whether they are known.
pub(crate) struct Parted {
    pub(crate) new: Vec<Diagnostic>,
    pub(crate) baselined: Option<Vec<Diagnostic>>,
    pub(crate) preexisting: Option<Vec<Diagnostic>>,
    pub(crate) used: Option<UsedBaseline>,
    /// What the workflows did before the change.
    pub(crate) reference: Option<Reference>,
}

impl Examined {
    /// Known findings are parted from the others before, since whether a finding is new depends on
    /// the whole project.
    pub(crate) fn answer(self, known: Parted, question: &Question<'_>) -> Answer {
        let asked = |findings: Option<Vec<Diagnostic>>| {
            findings.map(|findings| question.choose(findings).len())
        };
        let suppressed = question.choose(self.suppressed);
        let summary = Summary {
            suppressed: suppressed.len(),
            baselined: asked(known.baselined),
            preexisting: asked(known.preexisting),
            ..self.summary
        };
        let (errors, elsewhere): (Vec<_>, Vec<_>) = self
            .errors
            .into_iter()
            .partition(|error| (question.is_requested)(error.file));
        Answer {
            findings: question.choose(known.new),
            errors,
            errors_elsewhere: elsewhere.len(),
            gateways: self.gateways,
            overviews: self.overviews,
            cut_short: self.cut_short,
            unmatched: self.unmatched,
            summary,
            baseline: known.used,
            suppressed,
        }
    }
}

impl Question<'_> {
    fn choose(&self, mut findings: Vec<Diagnostic>) -> Vec<Diagnostic> {
        findings.retain(|it| it.severity >= self.minimum && touches(it, self.is_requested));
        findings
    }
}

/// Adds findings in their order.
pub(crate) fn add(findings: &mut Vec<Diagnostic>, more: Vec<Diagnostic>) {
    findings.extend(more);
    findings.sort_by(|a, b| sort_key(a).cmp(&sort_key(b)));
}

/// The Python files of the project itself.
pub(crate) fn python_files<'p>(project: &'p Project<'_>) -> impl Iterator<Item = FileId> + 'p {
    project
        .files()
        .filter(|&file| project.key(file).ends_with(".py") && !project.is_installed(file))
}

/// Applies what the settings say about findings, and sorts.
fn settle(
    diagnostics: Vec<Diagnostic>,
    project: &Project<'_>,
    settings: &Settings,
) -> Vec<Diagnostic> {
    let mut findings: Vec<Diagnostic> = diagnostics
        .into_iter()
        .map(|mut it| {
            it.severity = settings
                .severity
                .get(it.code)
                .copied()
                .unwrap_or(it.severity);
            it
        })
        .filter(|it| !is_ignored(it, project, settings))
        .collect();
    findings.sort_by(|a, b| sort_key(a).cmp(&sort_key(b)));
    findings.dedup();
    findings
}

/// Whether the path of the finding leads through a file that is asked about.
pub(crate) fn touches(finding: &Diagnostic, is_requested: &dyn Fn(FileId) -> bool) -> bool {
    is_requested(finding.place.file)
        || finding
            .trace
            .iter()
            .any(|step| is_requested(step.place.file))
}

/// As with comments, the file of the culprit counts as much as that of the workflow.
fn is_ignored(finding: &Diagnostic, project: &Project<'_>, settings: &Settings) -> bool {
    let files = [finding.place.file, finding.culprit_place().file];
    settings.per_file_ignores.iter().any(|(patterns, codes)| {
        codes.contains(finding.code)
            && files
                .iter()
                .any(|&file| patterns.matches(project.key(file)))
    })
}

fn sort_key(finding: &Diagnostic) -> impl Ord + '_ {
    (
        finding.place,
        finding.code,
        finding.culprit_place(),
        &finding.culprit,
        &finding.workflow,
        &finding.entry,
        &finding.message,
    )
}
