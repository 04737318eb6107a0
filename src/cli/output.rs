//! What is reported, in which formats, and where to.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Result, ensure};
use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueEnum};
use lint_core::diagnostic::Severity;

use crate::file;

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// Write a report in this format to a file, or to the standard output if there is none or it
    /// is `-`. May be repeated, but not combined with `--output-format` and `--output-file`.
    #[arg(
        long,
        value_name = "FORMAT[=FILE]",
        conflicts_with_all = ["output_format", "output_file"]
    )]
    output: Vec<Output>,
    /// How to write the report, if there is only one.
    #[arg(long, value_name = "FORMAT", default_value = "full")]
    output_format: Format,
    /// Write the report to a file instead of the standard output, which `-` stands for.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output_file: Option<PathBuf>,
    /// Leave out findings below this severity.
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    severity: Level,
    /// Show every place of every cause, instead of one finding for each cause.
    #[arg(long)]
    pub(crate) all_places: bool,
    /// Count the causes and findings of each rule, in the formats for people, `json` and `json-lines`.
    #[arg(long)]
    pub(crate) statistics: bool,
    /// Write suppressed findings too, marked as such, into SARIF reports.
    #[arg(long)]
    pub(crate) include_suppressed: bool,
    /// The category of the analysis in SARIF reports. Several analyses of one repository need one
    /// each [default: runbook-lint].
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    sarif_category: Option<String>,
    /// Say nothing beside the report: no warnings, no progress.
    #[arg(long, short, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say where time went.
    #[arg(long, short)]
    pub(crate) verbose: bool,
    /// List the files that would be checked, and check nothing.
    #[arg(long, conflicts_with_all = ["output", "output_format", "statistics"])]
    pub(crate) show_files: bool,
    /// Exit with status 1 if there are findings of at least this severity.
    #[arg(long, value_name = "LEVEL", default_value = "warning")]
    fail_on: FailOn,
    /// Exit with status 0 whatever is found, and even if files could not be read in full: the same
    /// as `--fail-on never`.
    #[arg(long, conflicts_with = "fail_on")]
    exit_zero: bool,
}

/// One report that is asked for. Nothing but the report goes to its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReportTarget {
    pub(crate) format: Format,
    /// The standard output unless it is a file.
    pub(crate) file: Option<PathBuf>,
}

impl ReportTarget {
    /// Whether the report would replace this file, however that is spelled.
    pub(crate) fn goes_to(&self, file: &Path) -> bool {
        let place = self.file.as_deref().and_then(file::identity);
        place.is_some() && place == file::identity(file)
    }
}

impl OutputArgs {
    /// The reports that are asked for; those that go to files first, so that they are written even
    /// if nobody reads the standard output.
    pub(crate) fn targets(&self) -> Result<Vec<ReportTarget>> {
        let targets = if self.output.is_empty() {
            vec![ReportTarget {
                format: self.output_format,
                file: self.output_file.clone(),
            }]
        } else {
            self.several_targets()?
        };
        let has_sarif = targets.iter().any(|it| it.format == Format::Sarif);
        ensure!(
            has_sarif || !self.include_suppressed,
            "`--include-suppressed` needs a SARIF report, as of `--output sarif=results.sarif`"
        );
        ensure!(
            has_sarif || self.sarif_category.is_none(),
            "`--sarif-category` needs a SARIF report, as of `--output sarif=results.sarif`"
        );
        for file in targets.iter().filter_map(|it| it.file.as_deref()) {
            ensure!(
                !file::is_source(file),
                "a report would replace `{}`, which looks like a mistake; name another file",
                file.display()
            );
        }
        Ok(targets)
    }

    fn several_targets(&self) -> Result<Vec<ReportTarget>> {
        let mut targets: Vec<ReportTarget> = Vec::new();
        for Output(target) in &self.output {
            let is_taken = |file: &Path| targets.iter().any(|it| it.goes_to(file));
            match &target.file {
                Some(file) => ensure!(
                    !is_taken(file),
                    "two reports would be written to `{}`; give each a file of its own",
                    file.display()
                ),
                None => ensure!(
                    targets.iter().all(|it| it.file.is_some()),
                    "two reports would be written to the standard output; give all but one a file, as in `--output sarif=results.sarif`"
                ),
            }
            targets.push(target.clone());
        }
        targets.sort_by_key(|it| it.file.is_none());
        Ok(targets)
    }

    pub(crate) fn sarif_category(&self) -> String {
        let given = self.sarif_category.as_deref();
        given.unwrap_or(env!("CARGO_PKG_NAME")).to_owned()
    }

    /// Findings below this severity are left out.
    pub(crate) fn minimum(&self) -> Severity {
        match self.severity {
            Level::Info => Severity::Info,
            Level::Warning => Severity::Warning,
            Level::Error => Severity::Error,
        }
    }

    pub(crate) fn fail_on(&self) -> FailOn {
        if self.exit_zero {
            FailOn::Never
        } else {
            self.fail_on
        }
    }
}

/// The value of one `--output`.
#[derive(Debug, Clone)]
struct Output(ReportTarget);

impl FromStr for Output {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, file) = match text.split_once('=') {
            Some((_, "")) => return Err("there is no file after the `=`".to_owned()),
            Some((name, "-")) => (name, None),
            Some((name, file)) => (name, Some(PathBuf::from(file))),
            None => (text, None),
        };
        let format = Format::from_str(name, false).map_err(|_| {
            let known = Format::value_variants().iter();
            let names: Vec<String> = known
                .filter_map(|it| Some(it.to_possible_value()?.get_name().to_owned()))
                .collect();
            format!(
                "there is no format `{name}`; write one of {}",
                names.join(", ")
            )
        })?;
        Ok(Self(ReportTarget { format, file }))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Source code with the path to each culprit.
    Full,
    /// One line for each finding.
    Concise,
    /// As `concise`, by file.
    Grouped,
    /// Version 1 of the stable JSON format.
    Json,
    /// The same, one finding a line.
    JsonLines,
    /// Annotations in the log of GitHub Actions.
    Github,
    /// GitLab's Code Quality report.
    Gitlab,
    /// JUnit's XML, a failed test case for each finding.
    Junit,
    /// The Reviewdog Diagnostic Format.
    Rdjson,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// A summary for GitHub's job pages.
    Markdown,
    /// A page to look at: workflows, causes and paths in one file.
    Html,
}

impl Format {
    /// Whether the report is for people at a terminal: it ends with the summary.
    pub(crate) fn is_text(self) -> bool {
        matches!(self, Self::Full | Self::Concise | Self::Grouped)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Level {
    Info,
    Warning,
    Error,
}

/// The least severity that makes a run fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    Error,
    Warning,
    Info,
    /// Whatever is found.
    Never,
}

impl FailOn {
    pub(crate) fn severity(self) -> Option<Severity> {
        match self {
            Self::Error => Some(Severity::Error),
            Self::Warning => Some(Severity::Warning),
            Self::Info => Some(Severity::Info),
            Self::Never => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_name_a_format_and_perhaps_a_file() {
        let parsed = |text: &str| {
            let target = text.parse::<Output>()?.0;
            Ok((target.format, target.file))
        };
        let file = |name: &str| Some(PathBuf::from(name));
        assert_eq!(parsed("sarif"), Ok((Format::Sarif, None)));
        assert_eq!(parsed("sarif=-"), Ok((Format::Sarif, None)));
        assert_eq!(
            parsed("json=a=b.json"),
            Ok((Format::Json, file("a=b.json")))
        );
        assert_eq!(
            parsed("json="),
            Err("there is no file after the `=`".to_owned())
        );
        let unknown: Result<_, String> = parsed("srif=x");
        assert!(
            unknown
                .is_err_and(|it| it.starts_with("there is no format `srif`; write one of full, "))
        );
    }
}
