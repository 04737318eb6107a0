//! One cause: what to read, where the path goes, and what else comes of it.

use std::collections::BTreeSet;

use lint_core::causes::{Bond, Culprit};
use lint_core::diagnostic::{Diagnostic, Fix, Impact};

use super::super::fix::{Is, lines, title};
use super::super::{rule_page, text::in_common};
use super::markup::{inline, position, source, text};
use crate::report::{Places, Report, Shown, plural};

/// How many culprits or places are listed; a browser slows down with more.
const LISTED: usize = 200;

pub(super) fn article(number: usize, shown: Shown<'_>, report: &Report<'_>) -> String {
    let (finding, places) = (shown.finding, &report.places);
    let impact = finding.impact_on_replay().map(Impact::as_str);
    let (codes, files) = filed_under(shown, report);
    let severity = finding.severity.as_str();
    let badge = impact.map(|it| format!("<span class=\"badge plain\">impact: {it}</span>"));
    let count = shown.cause.map_or(1, |it| it.findings.len());
    let count = (count > 1).then(|| {
        let count = plural(count, "finding");
        format!("<span class=\"badge plain\">{count}</span>")
    });
    let help = finding.help.iter().map(|it| {
        format!(
            "<p class=\"fix\"><strong>What to do:</strong> {}</p>",
            inline(it)
        )
    });
    let fixes = finding.fixes.iter().map(|it| fix(it, places));
    let notes: String = finding
        .notes
        .iter()
        .map(|it| format!("<li>{}</li>", inline(it)))
        .collect();
    let notes = (!notes.is_empty()).then(|| format!("<ul class=\"notes\">{notes}</ul>"));
    format!(
        "<article class=\"card cause\" id=\"c{number}\" data-codes=\"{codes}\" data-impact=\"{}\" data-severity=\"{severity}\" data-files=\"{}\">\
         <div class=\"head\"><span class=\"badge {severity}\">{severity}</span>\
         <h3><a href=\"{}\">{} {}</a></h3>{}{}</div>\
         <p class=\"message\">{}</p><p class=\"where\">{}</p>{}{}{}{}{}</article>",
        impact.unwrap_or_default(),
        text(&files),
        rule_page(finding.code, finding.name),
        finding.code,
        finding.name,
        badge.unwrap_or_default(),
        count.unwrap_or_default(),
        inline(&finding.message),
        text(&position(finding.place, places)),
        help.collect::<String>(),
        fixes.collect::<String>(),
        notes.unwrap_or_default(),
        trail(number, finding, places),
        others(shown, report),
    )
}

/// A fix, folded.
fn fix(fix: &Fix, places: &Places<'_>) -> String {
    let lines: String = lines(fix, places)
        .iter()
        .map(|line| {
            let line_text = text(&line.text);
            match line.is {
                Is::Removed => format!("<del class=\"l\">{line_text}</del>"),
                Is::Added => format!("<ins class=\"l\">{line_text}</ins>"),
                Is::Heading | Is::Kept => format!("<span class=\"l\">{line_text}</span>"),
            }
        })
        .collect();
    format!(
        "<details><summary>Fix: {}</summary><pre class=\"source diff\" tabindex=\"0\" role=\"group\" aria-label=\"What the fix changes\">{lines}</pre></details>",
        inline(&title(fix))
    )
}

/// What the filters find it by: rules, and all files that a path of it leads through.
fn filed_under(shown: Shown<'_>, report: &Report<'_>) -> (String, String) {
    let mut codes = BTreeSet::from([shown.finding.code]);
    let mut files = BTreeSet::new();
    let mut note = |finding: &Diagnostic| {
        files.insert(report.places.path(finding.place.file));
        files.extend(
            finding
                .trace
                .iter()
                .map(|it| report.places.path(it.place.file)),
        );
    };
    note(shown.finding);
    if let Some(cause) = shown.cause {
        codes.extend(cause.culprits.iter().map(|it| it.code));
        cause
            .findings
            .iter()
            .for_each(|&ix| note(&report.findings[ix]));
    }
    let codes: Vec<&str> = codes.into_iter().collect();
    let files: Vec<String> = files.into_iter().collect();
    (codes.join(" "), files.join("\n"))
}

/// The place, and each step from there to the culprit, with its source.
fn trail(number: usize, finding: &Diagnostic, places: &Places<'_>) -> String {
    if finding.trace.is_empty() {
        return source(finding.place, places);
    }
    let start = (finding.place, "the path starts in the workflow".to_owned());
    let steps = finding
        .trace
        .iter()
        .map(|it| (it.place, it.message.clone()));
    let all: Vec<_> = std::iter::once(start).chain(steps).collect();
    let last = all.len() - 1;
    let items: String = all
        .iter()
        .enumerate()
        .map(|(step, (place, message))| {
            let open = if step == 0 || step == last { " open" } else { "" };
            format!(
                "<li id=\"c{number}s{step}\" data-n=\"{}\"><details{open}><summary>{} <span class=\"where\">{}</span></summary>{}</details></li>",
                step + 1,
                inline(message),
                text(&position(*place, places)),
                source(*place, places),
            )
        })
        .collect();
    format!("<ol class=\"trail\" aria-label=\"Path to the culprit\">{items}</ol>")
}

fn others(shown: Shown<'_>, report: &Report<'_>) -> String {
    let Some(cause) = shown.cause.filter(|it| it.findings.len() > 1) else {
        return String::new();
    };
    let places = &report.places;
    let (title, rows) = if cause.bond == Bond::Culprit {
        let rest = cause.findings.iter();
        let rest = rest.filter(|&&ix| ix != cause.representative);
        let rows: Vec<String> = rest
            .map(|&ix| place_row(&report.findings[ix], places))
            .collect();
        let count = plural(rows.len(), "other place");
        (format!("The same culprit from {count}"), rows)
    } else {
        let title = in_common(cause, report, |it| position(it, places));
        let rows = cause.culprits.iter().map(|it| culprit_row(it, places));
        (title, rows.collect())
    };
    let title = inline(&title);
    let more = match rows.len().saturating_sub(LISTED) {
        0 => String::new(),
        n => format!("<p class=\"where\">and {n} more, which reports as JSON list</p>"),
    };
    let rows: String = rows.into_iter().take(LISTED).collect();
    format!(
        "<details><summary>{title}</summary><div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Other places\"><table><tbody>{rows}</tbody></table></div>{more}</details>"
    )
}

fn place_row(finding: &Diagnostic, places: &Places<'_>) -> String {
    let workflow = text(finding.workflow.as_deref().unwrap_or_default());
    let at = text(&position(finding.place, places));
    let code = finding.code;
    format!("<tr><td>{code}</td><td><code>{workflow}</code></td><td>{at}</td></tr>")
}

fn culprit_row(culprit: &Culprit, places: &Places<'_>) -> String {
    let name = text(culprit.culprit.as_deref().unwrap_or(culprit.name));
    let at = text(&position(culprit.place, places));
    format!(
        "<tr><td>{}</td><td><code>{name}</code></td><td>{at}</td><td>{}</td></tr>",
        culprit.code, culprit.findings
    )
}
