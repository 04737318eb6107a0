//! What the formats for people have in common.

use std::io::{self, Write};
use std::path::Path;

use anstyle::{AnsiColor, Style};
use lint_core::causes::{Bond, Cause};
use lint_core::diagnostic::{Diagnostic, Place, Severity};

use super::{escape, rule_page};
use crate::report::{Places, Report, Shown, plural};
use crate::wrap::fill;

pub(super) const BOLD: Style = Style::new().bold();

/// Colours that can be read on dark and on light backgrounds, which yellow and cyan cannot.
pub(super) fn color(severity: Severity) -> Style {
    let color = match severity {
        Severity::Error => AnsiColor::Red,
        Severity::Warning => AnsiColor::Magenta,
        Severity::Info => AnsiColor::BrightBlue,
    };
    color.on_default().bold()
}

/// What begins and ends a link in terminals that have links (OSC 8); others show nothing of it.
/// Elsewhere it is nothing: a log shows the sequences as they are, or obeys them.
#[derive(Default)]
pub(super) struct Hyperlink(Option<String>);

impl Hyperlink {
    /// To the page about the rule, if the report goes to a terminal and so has a width.
    pub(super) fn to_rule(finding: &Diagnostic, width: Option<usize>) -> Self {
        Self(width.map(|_| rule_page(finding.code, finding.name)))
    }

    pub(super) fn start(&self) -> String {
        let target = self.0.as_ref();
        target.map_or_else(String::new, |it| format!("\x1b]8;;{it}\x1b\\"))
    }

    pub(super) fn end(&self) -> &'static str {
        self.0.as_ref().map_or("", |_| "\x1b]8;;\x1b\\")
    }
}

/// A path at the beginning of a line. The log of a CI system would take one that begins with `::`
/// for a command.
pub(crate) fn leading(path: &str) -> String {
    let prefix = if path.trim_start().starts_with(':') {
        "./"
    } else {
        ""
    };
    format!("{prefix}{}", escape(path))
}

/// The message and the workflow that it is about.
pub(super) fn sentence(finding: &Diagnostic) -> String {
    match &finding.workflow {
        Some(workflow) => format!("{} [{}]", escape(&finding.message), escape(workflow)),
        None => escape(&finding.message).into_owned(),
    }
}

/// The message with the place of the culprit and what else the cause holds, so that no line is like
/// another.
pub(super) fn line(shown: Shown<'_>, places: &Places<'_>) -> String {
    let mut aside = Vec::new();
    if let Some(step) = shown.finding.trace.last() {
        let at = position(step.place, places, |it| places.shown(it));
        aside.push(format!("culprit at {at}"));
    }
    if let Some(cause) = shown.cause {
        let others = cause.findings.len() - 1;
        let more = plural(others, "more finding");
        match &cause.bond {
            Bond::Through(it) => aside.push(format!("{more} through `{}`", escape(&it.function))),
            Bond::Subject(it) => aside.push(format!("{more} about `{}`", escape(&it.name))),
            Bond::Line => aside.push(format!("{more} on the same line")),
            Bond::Fixes => aside.push(format!("{more} with the same fix")),
            Bond::Culprit if others > 0 => aside.push(plural(others, "more place")),
            Bond::Culprit => {}
        }
    }
    let sentence = sentence(shown.finding);
    if aside.is_empty() {
        return sentence;
    }
    format!("{sentence} ({})", aside.join("; "))
}

/// How many places or culprits of a cause are listed.
const LISTED: usize = 8;

/// What the cause holds beside the finding that is shown, one sentence each.
pub(super) fn others(
    shown: Shown<'_>,
    report: &Report<'_>,
    path: impl Fn(&Path) -> String,
) -> Vec<String> {
    let Some(cause) = shown.cause.filter(|it| it.findings.len() > 1) else {
        return Vec::new();
    };
    let places = &report.places;
    let position = |place| position(place, places, &path);
    if cause.bond == Bond::Culprit {
        return vec![other_places(cause, report, position)];
    }
    let mut lines = vec![format!("{}.", in_common(cause, report, position))];
    lines.extend(cause.culprits.iter().take(LISTED).map(|it| {
        let name = it.culprit.as_deref().unwrap_or(it.name);
        let findings = plural(it.findings, "finding");
        format!(
            "- {} `{}` at {} ({findings})",
            it.code,
            escape(name),
            position(it.place)
        )
    }));
    let more = cause.culprits.len().saturating_sub(LISTED);
    if more > 0 {
        lines.push(format!("- and {more} more (`--all-places` shows them)"));
    }
    lines
}

fn other_places(cause: &Cause, report: &Report<'_>, position: impl Fn(Place) -> String) -> String {
    let rest = cause.findings.iter();
    let rest = rest.filter(|&&ix| ix != cause.representative);
    let rest: Vec<Place> = rest.map(|&ix| report.findings[ix].place).collect();
    let listed: Vec<String> = rest.iter().take(LISTED).map(|&it| position(it)).collect();
    let more = match rest.len().saturating_sub(LISTED) {
        0 => String::new(),
        n => format!(" and {n} more (`--all-places` shows them)"),
    };
    let workflows = cause.workflows(&report.findings).len();
    let scope = if workflows > 1 {
        format!(" ({} in all)", plural(workflows, "workflow"))
    } else {
        String::new()
    };
    let count = plural(rest.len(), "other place");
    format!(
        "The same culprit is reached from {count}{scope}: {}{more}.",
        listed.join(", ")
    )
}

/// What the culprits of a cause have in common, and how much there is of it, without a period.
pub(super) fn in_common(
    cause: &Cause,
    report: &Report<'_>,
    position: impl Fn(Place) -> String,
) -> String {
    let culprits = plural(cause.culprits.len(), "culprit");
    let findings = plural(cause.findings.len(), "finding");
    let workflows = cause.workflows(&report.findings).len();
    let reach = format!("{findings} in {}", plural(workflows, "workflow"));
    // What stands in backticks must not have any.
    let name = |it: &str| escape(it).replace('`', "'");
    match &cause.bond {
        Bond::Through(it) => format!(
            "Every path to these {culprits} goes through `{}` at {}: {reach}. Whatever keeps workflows from calling it settles all of them",
            name(&it.function),
            position(it.place),
        ),
        Bond::Subject(it) => format!(
            "These {culprits} are about the same `{}`: {reach}",
            name(&it.name),
        ),
        Bond::Line => format!("These {culprits} stand on one line: {reach}"),
        Bond::Fixes => format!("The same fix at the same places settles these {culprits}: {reach}"),
        Bond::Culprit => format!("One culprit: {reach}"),
    }
}

/// `path:line:column`
fn position(place: Place, places: &Places<'_>, path: impl Fn(&Path) -> String) -> String {
    let (start, _) = places.range(place);
    let path = path(&places.absolute(place.file));
    format!("{}:{}:{}", escape(&path), start.line, start.column)
}

/// What is to be known beyond the message, in lines: the path to the culprit, help and notes.
pub(super) fn explanation(
    finding: &Diagnostic,
    places: &Places<'_>,
    shown: impl Fn(&Path) -> String,
) -> Vec<String> {
    let steps = finding.trace.iter().zip(1..).map(|(step, number)| {
        let at = position(step.place, places, &shown);
        format!("{number}. {at}: {}", escape(&step.message))
    });
    let help = finding
        .help
        .iter()
        .map(|it| format!("help: {}", escape(it)));
    let notes = finding
        .notes
        .iter()
        .map(|it| format!("note: {}", escape(it)));
    steps.chain(help).chain(notes).collect()
}

/// What a report for a terminal ends with.
pub(super) fn write_end(
    report: &Report<'_>,
    width: Option<usize>,
    out: &mut dyn Write,
) -> io::Result<()> {
    if let Some(statistics) = &report.statistics {
        for count in statistics {
            let causes = match count.causes {
                same if same == count.findings => String::new(),
                fewer => format!(" ({})", plural(fewer, "cause")),
            };
            writeln!(
                out,
                "{:>6}  {} {}{causes}",
                count.findings, count.code, count.name
            )?;
        }
    }
    writeln!(out, "{}", fill(&report.summary_line(), width, "  "))?;
    match report.fixable() {
        Some(fixable) => writeln!(out, "{}", fill(&fixable, width, "  ")),
        None => Ok(()),
    }
}
