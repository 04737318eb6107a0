//! A page to look at: workflows as people see them, and the causes with their paths. One file that
//! needs no network. What comes from the repository is text in it, whatever it looks like.

mod cause;
mod graph;
mod markup;
mod workflow;

use std::collections::BTreeSet;
use std::io::{self, Write};

use lint_core::diagnostic::{Impact, Severity};
use rules::Overview;

use crate::report::{Places, Report, Shown};
use graph::Drawing;
use markup::{inline, text};

const STYLE: &str = include_str!("html/style.css");
const SCRIPT: &str = include_str!("html/script.js");

/// What the page says whoever makes it.
struct Page<'p> {
    title: &'p str,
    lead: String,
    /// Sentences about what could not be seen.
    notices: Vec<String>,
    filters: String,
    workflows: Vec<String>,
    causes: Vec<String>,
}

pub(super) fn render(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let places = &report.places;
    let shown = report.shown();
    let mut notices: Vec<String> = report.warnings.iter().map(|it| inline(it)).collect();
    notices.extend(report.errors.iter().map(|error| {
        let path = places.shown(&error.path);
        let (line, column) = (error.line, error.column);
        format!(
            "{}:{line}:{column} was not read in full: {}",
            text(&path),
            inline(&error.message)
        )
    }));
    let overviews = report.overviews.iter().enumerate();
    let workflows = overviews.map(|(number, overview)| {
        let graph = Drawing::of_causes(overview, &shown, report).svg();
        let causes = workflow::causes_of(overview, &shown, report);
        workflow::section(
            number,
            overview,
            &causes,
            &graph,
            places,
            report.overviews.len(),
        )
    });
    let page = Page {
        title: "runbook-lint report",
        lead: report.summary_line(),
        notices,
        filters: filters(&shown),
        workflows: workflows.collect(),
        causes: (0..)
            .zip(&shown)
            .map(|(number, it)| cause::article(number, *it, report))
            .collect(),
    };
    page.write(out)
}

/// The same page about workflows alone.
pub(crate) fn render_graph(
    overviews: &[Overview],
    graph: &lint_core::graph::WorkflowGraph,
    places: &Places<'_>,
    warnings: &[String],
    out: &mut dyn Write,
) -> io::Result<()> {
    let sections = overviews.iter().enumerate().map(|(number, overview)| {
        let graph = Drawing::of_graph(overview, graph).svg();
        workflow::section(number, overview, &[], &graph, places, overviews.len())
    });
    let count = crate::report::plural(overviews.len(), "workflow");
    let page = Page {
        title: "runbook-lint workflows",
        lead: format!("{count}, and what they call"),
        notices: warnings.iter().map(|it| inline(it)).collect(),
        filters: String::new(),
        workflows: sections.collect(),
        causes: Vec::new(),
    };
    page.write(out)
}

impl Page<'_> {
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let (title, lead) = (text(self.title), text(&self.lead));
        write!(
            out,
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">\n\
             <link rel=\"icon\" href=\"data:,\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
             <a class=\"skip\" href=\"#main\">Skip to the content</a>\n\
             <header class=\"top\"><div class=\"wide\"><div><h1>{title}</h1><p class=\"lead\">{lead}</p></div>\
             <button type=\"button\" class=\"theme\" hidden aria-label=\"Switch between light and dark\">Dark</button></div></header>\n{}",
            self.filters
        )?;
        writeln!(out, "<main id=\"main\" class=\"wide\" tabindex=\"-1\">")?;
        if !self.notices.is_empty() {
            let items: String = self
                .notices
                .iter()
                .map(|it| format!("<li>{it}</li>"))
                .collect();
            writeln!(
                out,
                "<section class=\"card notice\" aria-label=\"Warnings\"><strong>What this page does not show</strong><ul>{items}</ul></section>"
            )?;
        }
        for (heading, parts) in [("Workflows", &self.workflows), ("Causes", &self.causes)] {
            if !parts.is_empty() {
                writeln!(out, "<h2>{heading}</h2>\n{}", parts.join("\n"))?;
            }
        }
        let version = env!("CARGO_PKG_VERSION");
        writeln!(
            out,
            "</main>\n<footer class=\"wide\">Made by runbook-lint {version}. Icons by Lucide, under the ISC licence.</footer>\n<script>\n{SCRIPT}</script>\n</body>\n</html>"
        )
    }
}

/// Choices that occur, so that no filter finds nothing.
fn filters(shown: &[Shown<'_>]) -> String {
    if shown.is_empty() {
        return String::new();
    }
    let mut rules: BTreeSet<(String, String)> = BTreeSet::new();
    let mut impacts: BTreeSet<&str> = BTreeSet::new();
    let mut severities: BTreeSet<Severity> = BTreeSet::new();
    for it in shown {
        let finding = it.finding;
        severities.insert(finding.severity);
        impacts.extend(finding.impact_on_replay().map(Impact::as_str));
        let own = (finding.code, finding.name);
        let others = it.cause.iter().flat_map(|cause| &cause.culprits);
        for (code, name) in std::iter::once(own).chain(others.map(|it| (it.code, it.name))) {
            rules.insert((code.to_owned(), format!("{code} {name}")));
        }
    }
    let select = |label: &str, name: &str, choices: Vec<(String, String)>| {
        let options: String = choices
            .iter()
            .map(|(value, shown)| {
                format!("<option value=\"{}\">{}</option>", text(value), text(shown))
            })
            .collect();
        format!(
            "<label>{label}<select name=\"{name}\"><option value=\"\">all</option>{options}</select></label>"
        )
    };
    let same = |it: &str| (it.to_owned(), it.to_owned());
    let severities = severities
        .iter()
        .rev()
        .map(|it| same(it.as_str()))
        .collect();
    format!(
        "<div class=\"filters\" hidden><div class=\"wide\"><form aria-label=\"Filter the causes\">{}{}{}\
         <label class=\"text\">File<input name=\"file\" type=\"search\" placeholder=\"part of a path\" autocomplete=\"off\"></label>\
         <button type=\"reset\">Reset</button><output role=\"status\"></output></form></div></div>\n",
        select("Rule", "rule", rules.into_iter().collect()),
        select("Impact", "impact", impacts.into_iter().map(same).collect()),
        select("Severity", "severity", severities),
    )
}
