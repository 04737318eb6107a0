//! A summary for the page of a job in GitHub Actions. Paths are relative to the repository.

mod escape;

use std::cmp::Reverse;
use std::io::{self, Write};
use std::path::Path;

use lint_core::diagnostic::Diagnostic;

use super::rule_page;
use super::text::{explanation, others};
use crate::report::{Places, Report, Shown, statistics};
use escape::{code, inline, plain};

/// GitHub refuses a summary of 1 MiB. The table of findings gets half of this, so that some traces
/// are always shown.
const LIMIT: usize = 1_000_000;

pub(super) fn render(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let places = &report.places;
    let mut page = format!("## runbook-lint\n\n{}\n", plain(&report.summary_line()));
    for warning in &report.warnings {
        page.push_str(&format!("\nWarning: {}\n", inline(warning)));
    }
    let mut findings = report.shown();
    findings.sort_by_key(|it| Reverse(it.finding.severity));
    write_list(
        &mut page,
        "| could not be read | why |\n|---|---|\n",
        report.errors.iter().map(|error| {
            let place = format!(
                "{}:{}:{}",
                places.in_repository(&error.path),
                error.line,
                error.column
            );
            format!("| {} | {} |\n", code(&place), inline(&error.message))
        }),
        LIMIT / 4,
        "files",
    );
    write_list(
        &mut page,
        "| findings | causes | rule | |\n|--:|--:|---|---|\n",
        statistics(&report.findings, &report.causes)
            .iter()
            .map(|count| {
                let page = rule_page(count.code, count.name);
                format!(
                    "| {} | {} | [{}]({page}) | {} |\n",
                    count.findings, count.causes, count.code, count.name
                )
            }),
        LIMIT / 4,
        "rules",
    );
    write_list(
        &mut page,
        "| | rule | place | finding |\n|---|---|---|---|\n",
        findings.iter().map(|&it| row(it, places)),
        LIMIT / 2,
        "findings",
    );
    let explained = findings.iter().filter_map(|&it| details(it, report));
    write_list(&mut page, "### Why\n\n", explained, LIMIT, "explanations");
    out.write_all(page.as_bytes())
}

/// Writes the items that fit before `limit`, and says how many are left out.
fn write_list(
    page: &mut String,
    head: &str,
    items: impl Iterator<Item = String>,
    limit: usize,
    what: &str,
) {
    let mut items = items.peekable();
    if items.peek().is_none() {
        return;
    }
    page.push('\n');
    page.push_str(head);
    let mut left_out = 0_usize;
    for item in items {
        if page.len() + item.len() <= limit {
            page.push_str(&item);
        } else {
            left_out += 1;
        }
    }
    if left_out > 0 {
        page.push_str(&format!(
            "\n{left_out} more {what} are left out, because GitHub shows no larger summary.\n"
        ));
    }
}

fn row(shown: Shown<'_>, places: &Places<'_>) -> String {
    let finding = shown.finding;
    let more = shown.cause.map_or(0, |it| it.findings.len() - 1);
    let more = match more {
        0 => String::new(),
        n => format!(" ({} more)", n),
    };
    format!(
        "| {} | {} | {}{more} | {} |\n",
        finding.severity,
        finding.code,
        code(&place(finding, places)),
        inline(&finding.message)
    )
}

fn details(shown: Shown<'_>, report: &Report<'_>) -> Option<String> {
    let (finding, places) = (shown.finding, &report.places);
    let path = |it: &Path| places.in_repository(it);
    let mut lines = explanation(finding, places, path);
    lines.extend(others(shown, report, path));
    if lines.is_empty() {
        return None;
    }
    let lines: Vec<String> = lines.iter().map(|line| inline(line)).collect();
    // Up to the next blank line this is HTML, in which nothing is read as Markdown.
    Some(format!(
        "<details><summary>{} at {}</summary>\n<p>{}<br>\n{}</p>\n</details>\n\n",
        finding.code,
        code(&place(finding, places)),
        inline(&finding.message),
        lines.join("<br>\n"),
    ))
}

fn place(finding: &Diagnostic, places: &Places<'_>) -> String {
    let (start, _) = places.range(finding.place);
    let path = places.in_repository(&places.absolute(finding.place.file));
    format!("{path}:{}:{}", start.line, start.column)
}
