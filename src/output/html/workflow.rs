//! One workflow: the breadcrumb as the Tenant UI draws it, what it waits for and schedules, and
//! what it calls.

use rules::outline::StepOutline;
use rules::{Overview, OverviewItem};

use super::markup::{icon, position, text};
use crate::report::{Places, Report, Shown, plural};

/// From so many workflows on, each is folded.
const MANY: usize = 4;

/// A cause that a workflow reaches: its number, how it is called, and the entry points from which.
pub(super) struct Reached {
    pub(super) number: usize,
    pub(super) label: String,
    pub(super) entries: Vec<String>,
}

pub(super) fn causes_of(
    overview: &Overview,
    shown: &[Shown<'_>],
    report: &Report<'_>,
) -> Vec<Reached> {
    let of = |(number, it): (usize, &Shown<'_>)| {
        let findings: Vec<&lint_core::diagnostic::Diagnostic> = match it.cause {
            Some(cause) => cause
                .findings
                .iter()
                .map(|&ix| &report.findings[ix])
                .collect(),
            None => vec![it.finding],
        };
        let mut own = findings
            .iter()
            .filter(|it| it.workflow.as_deref() == Some(&overview.workflow))
            .peekable();
        own.peek()?;
        let entries = own.filter_map(|it| it.entry.clone()).collect();
        let culprit = it.finding.culprit.as_deref().unwrap_or(it.finding.name);
        let label = format!("{} {culprit}", it.finding.code);
        Some(Reached {
            number,
            label,
            entries,
        })
    };
    shown.iter().enumerate().filter_map(of).collect()
}

pub(super) fn section(
    number: usize,
    overview: &Overview,
    causes: &[Reached],
    graph: &str,
    places: &Places<'_>,
    of: usize,
) -> String {
    let name = overview
        .workflow
        .rsplit('.')
        .next()
        .unwrap_or(&overview.workflow);
    let open = if of < MANY { " open" } else { "" };
    let count = match causes.len() {
        0 => String::new(),
        n => format!(" <span class=\"badge error\">{}</span>", plural(n, "cause")),
    };
    let links: String = causes
        .iter()
        .map(|it| {
            format!(
                "<li><a href=\"#c{}\">{}</a></li>",
                it.number,
                text(&it.label)
            )
        })
        .collect();
    let links = match links.as_str() {
        "" => String::new(),
        _ => format!("<h3 class=\"part\">Causes it reaches</h3><ul class=\"chips\">{links}</ul>"),
    };
    let graph = match graph {
        "" => String::new(),
        _ => format!(
            "<details open><summary>What it calls</summary><div class=\"graph\" tabindex=\"0\" role=\"group\" aria-label=\"Call graph of {}\">{graph}</div></details>",
            text(name)
        ),
    };
    format!(
        "<details class=\"card workflow\" id=\"w{number}\"{open}><summary>{} <span class=\"where\">{}</span>{count}</summary>{}{}{}{}{links}{graph}</details>",
        text(name),
        text(&position(overview.place, places)),
        breadcrumb(&overview.steps, causes),
        chips("Signals and other handlers", &overview.handlers),
        chips("Gates", &overview.gates),
        chips("Schedules", &overview.schedules),
    )
}

/// The steps in order. One from which a cause is reached links to the first one.
fn breadcrumb(steps: &[StepOutline], causes: &[Reached]) -> String {
    if steps.is_empty() {
        return String::new();
    }
    let items: String = steps
        .iter()
        .map(|step| {
            let reached: Vec<usize> = causes
                .iter()
                .filter(|it| it.entries.contains(&step.method))
                .map(|it| it.number)
                .collect();
            let disc = format!("<span class=\"disc\">{}</span>", icon(step.icon.as_deref().unwrap_or("")));
            let title = text(step.label());
            match reached.first() {
                Some(first) => format!(
                    "<li><a class=\"crumb\" href=\"#c{first}\">{disc}<span>{title}</span><span class=\"count\">{}</span></a></li>",
                    plural(reached.len(), "cause")
                ),
                None => format!("<li><span class=\"crumb\">{disc}<span>{title}</span></span></li>"),
            }
        })
        .collect();
    format!("<ol class=\"crumbs\" aria-label=\"Steps\">{items}</ol>")
}

fn chips(title: &str, items: &[OverviewItem]) -> String {
    if items.is_empty() {
        return String::new();
    }
    let chips: String = items
        .iter()
        .map(|it| format!("<li><b>{}</b>{}</li>", it.kind, text(&it.name)))
        .collect();
    format!("<h3 class=\"part\">{title}</h3><ul class=\"chips\">{chips}</ul>")
}
