//! `runbook-lint check`

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use lint_core::causes::causes;
use lint_core::diagnostic::FileId;
use lint_core::project::Project;
use lint_core::rule::RuleMetadata;
use rules::reference::{Reference, record};

use super::fix::Wish;
use super::{is_standard, locate, start_threads};
use crate::Status;
use crate::baseline::Malformed;
use crate::check::{self, Alive, Answer, Question, python_files};
use crate::cli::{CheckArgs, Color, FailOn, Format, OutputArgs, ReportTarget};
use crate::config::{ConfigError, Settings, absolute};
use crate::discover::Files;
use crate::file::Outdated;
use crate::known::Known;
use crate::lock;
use crate::output::{leading, render};
use crate::progress::Progress;
use crate::report::{
    Places, Report, ReportedError, Summary, installed, plural, statistics, stopped_at_a_bound,
};
use crate::target::{columns, write_output};
use crate::terminal::{report_failure, tell, warn};
use crate::watch;

pub(crate) fn run(mut args: CheckArgs, color: Color) -> Result<Status> {
    let started = Instant::now();
    let output = &mut args.output;
    output.output_file = output.output_file.take().filter(|it| !is_standard(it));
    if args.input.paths.is_empty() && args.stdin_filename.is_none() {
        args.input.paths.push(PathBuf::from("."));
    }
    let targets = args.output.targets()?;
    ensure_apart(&targets, named_files(&args))?;
    let mut outdated = Outdated::at(targets.iter().filter_map(|it| it.file.as_deref()));
    let (cwd, root) = locate(&args.input, args.stdin_filename.as_deref())?;
    if args.watch {
        outdated.spare();
        return watch::run(&root);
    }
    let output = &args.output;
    let settings = Settings::resolve(&root, &cwd, &args.input, &args.selection);
    let settings =
        settings.map_err(|it| reported(it, &root, &cwd, output, color, &mut outdated))?;
    if let Err(error) = ensure_apart(&targets, settings.baseline.iter().map(PathBuf::as_path)) {
        outdated.spare();
        return Err(error);
    }
    let known = Known::prepare(&args.known, &settings, &root);
    let known = known.map_err(|it| reported(it, &root, &cwd, output, color, &mut outdated))?;
    let mut files = Files::discover(&root, &cwd, &args.input, &settings);
    let mut warnings = missing_folders(&settings, &root);
    warnings.extend(with_stdin(&mut files, &root, &cwd, &args, &settings)?);
    start_threads(args.threads)?;
    if let Some(reason) = &args.fix.add_ignore {
        return super::fix::add_ignores(&mut files, &known, &settings, &args, reason);
    }
    let wish = args.fix.is_asked().then(|| Wish::of(&args, color));
    let fixed = wish.map(|it| super::fix::apply(&mut files, &known, &settings, &it));
    let fixed = fixed.transpose()?;
    if let Some(status) = fixed.as_ref().and_then(|it| it.status) {
        return Ok(status);
    }
    let locked = lock::reference(&root, &settings)?;
    let compares = locked.is_some() || args.known.diff_base.is_some();
    let mut alive = Alive::new(files.project(&settings), &settings);
    if compares {
        alive = alive.with_structures();
    }
    let project = alive.analysis.project().view();
    let places = Places::new(&project, &root, &cwd);
    let is_requested = |file: FileId| files.is_requested(project.key(file));
    if args.output.show_files {
        warnings.iter().for_each(|it| warn(it));
        return show_files(&places, &is_requested, &args, color, &mut outdated);
    }

    let question = Question {
        is_requested: &is_requested,
        minimum: args.output.minimum(),
    };
    let named: Vec<FileId> = python_files(&project)
        .filter(|&file| files.is_named(project.key(file)))
        .collect();
    let count = plural(python_files(&project).count(), "file");
    let progress = Progress::start(format!("checking {count}"), args.output.quiet);
    let is_page = targets.iter().any(|it| it.format == Format::Html);
    let mut workflows = Vec::new();
    let mut examined = alive.examine_with(&settings, &named, |cx| {
        if compares {
            workflows = record(cx.facts);
        }
        match is_page {
            true => rules::overviews(cx.facts),
            false => Vec::new(),
        }
    });
    let mut parted = known.part(&mut examined, &mut alive, &files, &settings)?;
    let references: Vec<Reference> = locked.into_iter().chain(parted.reference.take()).collect();
    let edits = check::edits(&project, &settings, &workflows, &references);
    check::add(&mut parted.new, edits);
    drop(progress);
    let analysed = started.elapsed();
    let answer = examined.answer(parted, &question);
    let is_own = |&file: &FileId| is_requested(file) && !project.is_installed(file);
    let requested = project.files().filter(is_own).count();
    add_warnings(&mut warnings, &answer, requested);
    warnings.extend(fixed.into_iter().flat_map(|it| it.warnings));
    if !args.output.quiet {
        warnings.iter().for_each(|it| warn(it));
    }
    let mut report = report(answer, places, &settings, &args);
    report.warnings = warnings;
    let unlisted = files.unlisted.iter();
    report
        .errors
        .extend(unlisted.map(|(path, message)| ReportedError::of_directory(path, message)));
    write_reports(&report, &targets, color, &mut outdated)?;
    tell_outcome(&report, &targets, &args.output, started, analysed);
    let unlisted = files.unlisted.len();
    Ok(status(&report, requested, unlisted, args.output.fail_on()))
}

/// What is said beside the reports.
fn tell_outcome(
    report: &Report<'_>,
    targets: &[ReportTarget],
    output: &OutputArgs,
    started: Instant,
    analysed: Duration,
) {
    if output.verbose {
        let rendered = started.elapsed().saturating_sub(analysed);
        tell(&format!(
            "{} of {} files{} parsed; analysis {:.1} s, reports {:.1} s",
            report.summary.parsed,
            report.summary.files,
            installed(&report.summary),
            analysed.as_secs_f64(),
            rendered.as_secs_f64()
        ));
    }
    // Text on the standard output ends with the summary already.
    let has_text = |it: &ReportTarget| it.format.is_text() && it.file.is_none();
    if !output.quiet && !targets.iter().any(has_text) {
        tell(&report.summary_line());
        report.fixable().iter().for_each(|it| tell(it));
    }
}

/// What `src` names without being there finds no import.
fn missing_folders(settings: &Settings, root: &Path) -> Vec<String> {
    let missing = settings.src.iter().filter(|it| !root.join(it).is_dir());
    missing
        .map(|it| format!("`src` in the configuration names `{it}`, which is not a directory"))
        .collect()
}

/// Puts what comes on the standard input into the place of its file; returns what is wrong.
fn with_stdin(
    files: &mut Files,
    root: &Path,
    cwd: &Path,
    args: &CheckArgs,
    settings: &Settings,
) -> Result<Option<String>> {
    let Some(path) = &args.stdin_filename else {
        return Ok(None);
    };
    let mut source = Vec::new();
    let read = std::io::stdin().read_to_end(&mut source);
    read.context("cannot read the standard input")?;
    let is_checked = files.overlay(&absolute(path, cwd), root, source, &args.input, settings);
    Ok((!is_checked).then(|| format!("`{}` is no file that is checked", path.display())))
}

fn report<'p>(
    answer: Answer,
    places: Places<'p>,
    settings: &Settings,
    args: &CheckArgs,
) -> Report<'p> {
    let causes = causes(&answer.findings, &answer.gateways, places.project);
    let statistics = || statistics(&answer.findings, &causes);
    let is_enabled = |rule: &&'static RuleMetadata| settings.enabled.contains(rule.code);
    Report {
        rules: rules::metadata().filter(is_enabled).collect(),
        errors: answer
            .errors
            .into_iter()
            .map(|error| ReportedError::of_file(error, &places))
            .collect(),
        places,
        statistics: args.output.statistics.then(statistics),
        findings: answer.findings,
        causes,
        all_places: args.output.all_places,
        offers_fixes: !args.fix.is_asked(),
        overviews: answer.overviews,
        suppressed: if args.output.include_suppressed {
            answer.suppressed
        } else {
            Vec::new()
        },
        summary: answer.summary,
        warnings: Vec::new(),
        category: args.output.sarif_category(),
        baseline: answer.baseline,
    }
}

/// Files that the command line names for something else than a report.
fn named_files(args: &CheckArgs) -> impl Iterator<Item = &Path> {
    let baselines = args.known.baseline.iter().chain(&args.known.write_baseline);
    let configurations = args.input.config.iter().map(Path::new);
    baselines.map(PathBuf::as_path).chain(configurations)
}

fn ensure_apart<'p>(
    targets: &[ReportTarget],
    mut files: impl Iterator<Item = &'p Path>,
) -> Result<()> {
    let clash = files.find(|file| targets.iter().any(|it| it.goes_to(file)));
    match clash {
        None => Ok(()),
        Some(file) => bail!(
            "a report would be written to `{}`, which has another purpose; name another file",
            file.display()
        ),
    }
}

/// A report that cannot be written does not keep the others from being written.
fn write_reports(
    report: &Report<'_>,
    targets: &[ReportTarget],
    color: Color,
    outdated: &mut Outdated,
) -> Result<()> {
    let mut outcome = Ok(());
    for target in targets {
        let file = target.file.as_deref();
        let written = write_output(file, color, |out| {
            render(target.format, report, columns(file), out)
        });
        match (written, &outcome) {
            (Err(error), Ok(())) => outcome = Err(error),
            (Err(error), Err(_)) => report_failure(&error),
            (Ok(()), _) => file.into_iter().for_each(|it| outdated.replaced(it)),
        }
    }
    outcome
}

/// Silence must not look like "clean". What was said already about the one file is not repeated.
fn add_warnings(warnings: &mut Vec<String>, answer: &Answer, requested: usize) {
    if requested == 0
        && !warnings
            .iter()
            .any(|it| it.ends_with("no file that is checked"))
    {
        warnings.push("the given paths hold no file that could be checked".to_owned());
    } else if requested > 0 && answer.summary.workflows == 0 {
        let checked = match &answer.findings[..] {
            _ if answer.summary.around > 0 => {
                "only what workers put around workflows was checked for replays"
            }
            [] => "nothing was checked",
            _ => "nothing was checked for replays",
        };
        warnings.push(format!(
            "no workflow was found, so {checked}; `entry-points` in the configuration names decorators and base classes of other frameworks"
        ));
    }
    warnings.extend(stopped_at_a_bound(&answer.cut_short));
    for name in &answer.unmatched {
        warnings.push(format!(
            "the configuration names `{name}`, which nothing in this project defines or uses"
        ));
    }
    if answer.errors_elsewhere > 0 {
        warnings.push(format!(
            "{} outside the given paths could not be read in full; check the whole project to see why",
            plural(answer.errors_elsewhere, "file")
        ));
    }
}

/// A file that could not be read may hide anything, so it does not pass, and neither does a
/// directory that could not be listed. When nothing at all was read, the check has failed.
fn status(report: &Report<'_>, requested: usize, unlisted: usize, fail_on: FailOn) -> Status {
    let total = report.errors.iter().filter(|error| error.is_total());
    let unread = total.count();
    if unread > 0 && unread - unlisted >= requested {
        return Status::Failure;
    }
    let Some(least) = fail_on.severity() else {
        return Status::Clean;
    };
    let fails = report.findings.iter().any(|it| it.severity >= least);
    if fails || !report.errors.is_empty() {
        Status::Findings
    } else {
        Status::Clean
    }
}

fn show_files(
    places: &Places<'_>,
    is_requested: &dyn Fn(FileId) -> bool,
    args: &CheckArgs,
    color: Color,
    outdated: &mut Outdated,
) -> Result<Status> {
    let files = places.project.files();
    let files = files.filter(|&file| is_requested(file) && !places.project.is_installed(file));
    let list = args.output.output_file.as_deref();
    write_output(list, color, |out| {
        for file in files {
            writeln!(out, "{}", leading(&places.path(file)))?;
        }
        Ok(())
    })?;
    list.into_iter().for_each(|it| outdated.replaced(it));
    Ok(Status::Clean)
}

/// The error that stops the check, after the reports that it has a place in, or another one in
/// writing them.
fn reported(
    error: anyhow::Error,
    root: &Path,
    cwd: &Path,
    output: &OutputArgs,
    color: Color,
    outdated: &mut Outdated,
) -> anyhow::Error {
    let written = report_config_error(&error, root, cwd, output, color, outdated);
    written.err().unwrap_or(error)
}

/// Programs that read the report get to know what is wrong too.
fn report_config_error(
    error: &anyhow::Error,
    root: &Path,
    cwd: &Path,
    output: &OutputArgs,
    color: Color,
    outdated: &mut Outdated,
) -> Result<()> {
    let in_config = error.downcast_ref::<ConfigError>();
    let in_config = in_config.and_then(|error| ReportedError::of_config(error, cwd));
    let in_baseline = || {
        let error = error.downcast_ref::<Malformed>()?;
        Some(ReportedError::of_baseline(error, cwd))
    };
    let Some(error) = in_config.or_else(in_baseline) else {
        return Ok(());
    };
    let nothing: BTreeMap<String, String> = BTreeMap::new();
    let project = Project::new(&nothing, [], Vec::new(), Vec::new());
    let report = Report {
        places: Places::new(&project, root, cwd),
        rules: Vec::new(),
        findings: Vec::new(),
        causes: Vec::new(),
        all_places: false,
        offers_fixes: false,
        overviews: Vec::new(),
        suppressed: Vec::new(),
        errors: vec![error],
        warnings: Vec::new(),
        summary: Summary::default(),
        category: output.sarif_category(),
        statistics: None,
        baseline: None,
    };
    let targets = output.targets()?;
    let for_machines = targets.iter().filter(|it| !it.format.is_text());
    let for_machines: Vec<ReportTarget> = for_machines.cloned().collect();
    write_reports(&report, &for_machines, color, outdated)
}
