//! What a check found out, ready to be rendered.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lint_core::causes::Cause;
use lint_core::diagnostic::{Applicability, Diagnostic, FileId, Place, Severity};
use lint_core::project::{FileError, FileErrorKind, Project};
use lint_core::rule::RuleMetadata;
use lint_core::source::{Position, SourceFile};
use rules::Overview;

use crate::baseline::{Malformed, Stale};
use crate::config::{ConfigError, Origin, absolute, relative_key};

/// Everything that is rendered. Findings and errors are sorted.
pub(crate) struct Report<'p> {
    pub(crate) places: Places<'p>,
    /// The rules that ran.
    pub(crate) rules: Vec<&'static RuleMetadata>,
    pub(crate) findings: Vec<Diagnostic>,
    /// What the findings come of, in the order of the findings to read.
    pub(crate) causes: Vec<Cause>,
    /// Whether formats for people show all findings, not one for each cause.
    pub(crate) all_places: bool,
    /// Whether another run would apply the fixes of the findings; this one may have tried.
    pub(crate) offers_fixes: bool,
    /// What the workflows show to people.
    pub(crate) overviews: Vec<Overview>,
    /// What comments quiet, if it is asked for.
    pub(crate) suppressed: Vec<Diagnostic>,
    pub(crate) errors: Vec<ReportedError>,
    /// Why the check is less than it looks like, one sentence each.
    pub(crate) warnings: Vec<String>,
    pub(crate) summary: Summary,
    /// What code scanning tells several analyses of one repository apart by.
    pub(crate) category: String,
    /// Findings per rule, when asked for.
    pub(crate) statistics: Option<Vec<Count>>,
    /// The baseline, when one is in use.
    pub(crate) baseline: Option<UsedBaseline>,
}

/// What is to be said about the baseline of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UsedBaseline {
    /// Relative to the working directory.
    pub(crate) path: PathBuf,
    /// Sorted.
    pub(crate) stale: Vec<Stale>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    /// Python files of the project.
    pub(crate) files: usize,
    /// Those that workflows need.
    pub(crate) parsed: usize,
    /// Files of installed packages that workflows need.
    pub(crate) installed: usize,
    pub(crate) workflows: usize,
    /// What workers put around workflows: interceptors and converters.
    pub(crate) around: usize,
    pub(crate) activities: usize,
    pub(crate) suppressed: usize,
    /// Findings that the baseline holds; `None` without one.
    pub(crate) baselined: Option<usize>,
    /// Findings that are older than the change asked about; `None` if none was.
    pub(crate) preexisting: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) code: &'static str,
    pub(crate) name: &'static str,
    pub(crate) findings: usize,
    pub(crate) causes: usize,
}

/// Something that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReportedError {
    /// The file of the project, if it is one.
    pub(crate) file: Option<FileId>,
    pub(crate) path: PathBuf,
    pub(crate) kind: ErrorKind,
    pub(crate) message: String,
    pub(crate) line: u32,
    /// In characters.
    pub(crate) column: u32,
    /// In bytes of UTF-8.
    pub(crate) utf8_column: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    Syntax,
    Encoding,
    Io,
    Config,
}

impl ErrorKind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::Encoding => "encoding",
            Self::Io => "io",
            Self::Config => "config",
        }
    }
}

impl Report<'_> {
    pub(crate) fn count(&self, severity: Severity) -> usize {
        let findings = self.findings.iter();
        findings.filter(|it| it.severity == severity).count()
    }

    /// What is shown one by one: the finding to read of each cause, or all findings.
    pub(crate) fn shown(&self) -> Vec<Shown<'_>> {
        if self.all_places {
            let findings = self.findings.iter();
            return findings
                .map(|finding| Shown {
                    finding,
                    cause: None,
                })
                .collect();
        }
        let causes = self.causes.iter().map(|cause| Shown {
            finding: &self.findings[cause.representative],
            cause: Some(cause),
        });
        causes.collect()
    }

    /// One sentence that never lets silence look like "clean".
    pub(crate) fn summary_line(&self) -> String {
        let Summary {
            workflows,
            suppressed,
            baselined,
            preexisting,
            ..
        } = self.summary;
        let unread = plural(self.errors.len(), "file");
        let aside = [
            (suppressed, format!("{suppressed} suppressed")),
            (
                baselined.unwrap_or_default(),
                format!("{} in the baseline", baselined.unwrap_or_default()),
            ),
            (
                preexisting.unwrap_or_default(),
                format!("{} older than the change", preexisting.unwrap_or_default()),
            ),
            (self.errors.len(), format!("{unread} not read in full")),
        ];
        let aside = aside.into_iter().filter(|(count, _)| *count > 0);
        let aside: String = aside.map(|(_, what)| format!(", {what}")).collect();
        format!(
            "checked {} in {}: {}{aside}",
            plural(workflows, "workflow"),
            files_read(&self.summary),
            self.found(),
        )
    }

    /// How many findings can be fixed, and by which options.
    pub(crate) fn fixable(&self) -> Option<String> {
        let fixes = self.findings.iter().filter_map(|it| it.fixes.first());
        let count = |wanted| {
            fixes
                .clone()
                .filter(|it| it.applicability == wanted)
                .count()
        };
        let options = [
            (count(Applicability::Safe), "`--fix`"),
            (count(Applicability::Unsafe), "`--fix --unsafe-fixes`"),
        ];
        let options = options.into_iter().filter(|(count, _)| *count > 0);
        let options: Vec<String> = options
            .map(|(count, option)| format!("{count} with {option}"))
            .collect();
        (self.offers_fixes && !options.is_empty())
            .then(|| format!("can be fixed: {}", options.join(", ")))
    }

    fn found(&self) -> String {
        let findings = match self.findings.len() {
            0 => return "no findings".to_owned(),
            n => plural(n, "finding"),
        };
        let causes = if self.causes.len() < self.findings.len() {
            format!(" with {}", plural(self.causes.len(), "cause"))
        } else {
            String::new()
        };
        format!(
            "{findings}{causes} ({}, {}, {} info)",
            plural(self.count(Severity::Error), "error"),
            plural(self.count(Severity::Warning), "warning"),
            self.count(Severity::Info),
        )
    }
}

/// A finding, and the cause that it stands for if not all findings are shown.
#[derive(Clone, Copy)]
pub(crate) struct Shown<'r> {
    pub(crate) finding: &'r Diagnostic,
    pub(crate) cause: Option<&'r Cause>,
}

/// The warning about what the analysis was too large for.
pub(crate) fn stopped_at_a_bound(names: &[String]) -> Option<String> {
    (!names.is_empty()).then(|| {
        format!(
            "the analysis of {} stopped at a bound; findings may be missing there, and only there",
            listed(names)
        )
    })
}

/// Names as a sentence has them, the first few of many.
pub(crate) fn listed(names: &[String]) -> String {
    const SHOWN: usize = 8;
    let mut parts: Vec<String> = names
        .iter()
        .take(SHOWN)
        .map(|it| format!("`{it}`"))
        .collect();
    if names.len() > SHOWN {
        parts.push(format!("{} more", names.len() - SHOWN));
    }
    match parts.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => parts.concat(),
    }
}

/// Files that neither define a workflow nor are reached by one are searched, not parsed. Where there
/// is no workflow, searching was all.
fn files_read(summary: &Summary) -> String {
    let Summary { files, parsed, .. } = *summary;
    if parsed == files || summary.workflows == 0 {
        return format!("{}{}", plural(files, "file"), installed(summary));
    }
    format!("{parsed} of {files} files{}", installed(summary))
}

/// The files of packages, which are none of the project.
pub(crate) fn installed(summary: &Summary) -> String {
    match summary.installed {
        0 => String::new(),
        n => format!(" and {n} of installed packages"),
    }
}

pub(crate) fn plural(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

impl ReportedError {
    pub(crate) fn of_file(error: FileError, places: &Places<'_>) -> Self {
        // Without a source that could be decoded, only the line is known.
        let utf8_column = places.project.source(error.file).map_or(1, |source| {
            let line = source.slice(source.line_span(error.line));
            let before = line.chars().take((error.column.max(1) - 1) as usize);
            before.map(char::len_utf8).sum::<usize>() as u32 + 1
        });
        Self {
            file: Some(error.file),
            path: places.absolute(error.file),
            kind: match error.kind {
                FileErrorKind::Syntax => ErrorKind::Syntax,
                FileErrorKind::Encoding => ErrorKind::Encoding,
                FileErrorKind::Io => ErrorKind::Io,
            },
            message: error.message,
            line: error.line,
            column: error.column,
            utf8_column,
        }
    }

    pub(crate) fn of_directory(path: &Path, message: &str) -> Self {
        Self {
            file: None,
            path: path.to_owned(),
            kind: ErrorKind::Io,
            message: message.to_owned(),
            line: 1,
            column: 1,
            utf8_column: 1,
        }
    }

    /// Whether nothing of the file was read; after a syntax error, some is.
    pub(crate) fn is_total(&self) -> bool {
        self.kind != ErrorKind::Syntax
    }

    /// A baseline that cannot be understood.
    pub(crate) fn of_baseline(error: &Malformed, cwd: &Path) -> Self {
        Self {
            file: None,
            path: absolute(&error.path, cwd),
            kind: ErrorKind::Config,
            message: error.message.clone(),
            line: error.line,
            column: error.column,
            utf8_column: error.utf8_column,
        }
    }

    /// A mistake on the command line has no place, and is told in another way.
    pub(crate) fn of_config(error: &ConfigError, cwd: &Path) -> Option<Self> {
        let Origin::File {
            path,
            line,
            column,
            utf8_column,
        } = &error.origin
        else {
            return None;
        };
        Some(Self {
            file: None,
            path: absolute(Path::new(path), cwd),
            kind: ErrorKind::Config,
            message: error.message.clone(),
            line: *line,
            column: *column,
            utf8_column: *utf8_column,
        })
    }
}

/// Turns places in the project into paths and positions that people read.
pub(crate) struct Places<'p> {
    pub(crate) project: &'p Project<'p>,
    pub(crate) root: PathBuf,
    pub(crate) cwd: PathBuf,
    /// What code hosts show paths relative to.
    pub(crate) repository: PathBuf,
    /// What annotations in GitHub Actions are relative to. It is the repository or above it.
    pub(crate) workspace: PathBuf,
}

impl<'p> Places<'p> {
    pub(crate) fn new(project: &'p Project<'p>, root: &Path, cwd: &Path) -> Self {
        let repository = root.ancestors().find(|it| it.join(".git").exists());
        let repository = repository.unwrap_or(root).to_owned();
        Self {
            project,
            root: root.to_owned(),
            cwd: cwd.to_owned(),
            workspace: workspace(&repository).unwrap_or_else(|| repository.clone()),
            repository,
        }
    }

    /// Findings only point into files that were read.
    pub(crate) fn source(&self, file: FileId) -> &'p SourceFile {
        self.project
            .source(file)
            .expect("a finding points into a file that was read")
    }

    /// The first position of a place, and the one after its last.
    pub(crate) fn range(&self, place: Place) -> (Position, Position) {
        let source = self.source(place.file);
        (
            source.position(place.span.start),
            source.position(place.span.end),
        )
    }

    /// The path as it is shown: relative to the working directory.
    pub(crate) fn path(&self, file: FileId) -> String {
        self.shown(&self.absolute(file))
    }

    pub(crate) fn shown(&self, path: &Path) -> String {
        relative_key(path, &self.cwd)
    }

    /// The path relative to the repository.
    pub(crate) fn in_repository(&self, path: &Path) -> String {
        relative_key(path, &self.repository)
    }

    /// The path relative to the workspace of GitHub Actions.
    pub(crate) fn in_workspace(&self, path: &Path) -> String {
        relative_key(path, &self.workspace)
    }

    pub(crate) fn absolute(&self, file: FileId) -> PathBuf {
        absolute(Path::new(self.project.key(file)), &self.root)
    }
}

/// The workspace of GitHub Actions if the repository is in it; it may be named by a symbolic link.
fn workspace(repository: &Path) -> Option<PathBuf> {
    let named = PathBuf::from(std::env::var_os("GITHUB_WORKSPACE")?);
    let resolved = named.canonicalize().ok();
    let mut spellings = std::iter::once(named).chain(resolved);
    spellings.find(|it| it.is_absolute() && repository.starts_with(it))
}

/// The rules with the most findings first. A cause counts for the rule of the finding to read.
pub(crate) fn statistics(findings: &[Diagnostic], causes: &[Cause]) -> Vec<Count> {
    let mut counts: BTreeMap<&'static str, Count> = BTreeMap::new();
    for finding in findings {
        let count = counts.entry(finding.code).or_insert(Count {
            code: finding.code,
            name: finding.name,
            findings: 0,
            causes: 0,
        });
        count.findings += 1;
    }
    for cause in causes {
        if let Some(count) = counts.get_mut(findings[cause.representative].code) {
            count.causes += 1;
        }
    }
    let mut counts: Vec<Count> = counts.into_values().collect();
    counts.sort_by_key(|count| (usize::MAX - count.findings, count.code));
    counts
}
