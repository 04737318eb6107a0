use lint_core::diagnostic::{Diagnostic, Span};
use lint_core::rule::RuleMetadata;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::rule::{Context, Rule};
use crate::runbook_md::scalar::Kind;
use crate::runbook_md::yaml::{Mapping, Node};
use crate::runbook_md::{RunbookMd, view};

/// ## What it does
/// Finds fields of the frontmatter that are of another type than the platform expects: a text where a
/// list belongs, a step without `id`, a template without `path`, a timeout that is not a number.
///
/// ## Why is this bad?
/// Validation looks at a handful of fields only. What has another type is skipped or shown wrongly
/// later, or fails in the agent or the UI that reads it.
///
/// ## Example
/// ```markdown path=runbooks/cash-forecast/runbook.md
/// ---
/// slug: cash-forecast
/// name: Cash forecast
/// tags: Treasury, Cash  # RB511
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// steps:
///   - label: Forecast  # RB511
///     timeout_minutes: 2 hours  # RB511
/// ---
/// ```
///
/// ## Use instead
/// ```markdown path=runbooks/cash-forecast/runbook.md
/// ---
/// slug: cash-forecast
/// name: Cash forecast
/// tags: [Treasury, Cash]
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// steps:
///   - id: forecast
///     label: Forecast
///     timeout_minutes: 120
/// ---
/// ```
/// ```python path=runbooks/cash-forecast/templates/__init__.py
/// ```
/// ```python path=runbooks/cash-forecast/templates/activities.py
/// ```
/// ```python path=runbooks/cash-forecast/templates/workflow.py
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class CashForecastWorkflow(NtroWorkflow):
///     @runbook.step(name="forecast", title="Forecast", icon="ChartLine")
///     async def _step_forecast(self, balance: float) -> float:
///         return balance * 1.01
///
///     @runbook.run
///     async def run(self, balance: float) -> float:
///         return await self._step_forecast(balance)
/// ```
#[derive(RuleMetadata)]
#[rule(
    code = "RB511",
    severity = "warning",
    category = "bundle",
    since = "0.1.0",
    summary = "a field of the frontmatter has the wrong type"
)]
pub(crate) struct MalformedFrontmatter;

#[derive(Clone, Copy)]
enum Type {
    Text,
    /// A text, or what YAML makes of one without quotes.
    Scalar,
    Texts,
    Minutes,
    Mapping,
}

const TOP: &[(&str, Type)] = &[
    ("id", Type::Text),
    ("name", Type::Scalar),
    ("description", Type::Scalar),
    ("classification", Type::Text),
    ("tags", Type::Texts),
    ("jurisdictions", Type::Texts),
    ("visibility", Type::Text),
    ("state", Type::Text),
    ("author", Type::Scalar),
];
const STEP: &[(&str, Type)] = &[
    ("id", Type::Text),
    ("label", Type::Scalar),
    ("activity", Type::Text),
    ("component", Type::Text),
    ("responsibility", Type::Text),
    ("timeout_minutes", Type::Minutes),
    ("config", Type::Mapping),
    ("description", Type::Scalar),
];
const TEMPLATE: &[(&str, Type)] = &[
    ("path", Type::Text),
    ("description", Type::Scalar),
    ("language", Type::Text),
];

impl Rule for MalformedFrontmatter {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for (_, md) in view::with_md(cx) {
            let Some(root) = md.root() else { continue };
            check_fields(md, root, TOP, report);
            check_list(md, "steps", "id", STEP, report);
            check_list(md, "templates", "path", TEMPLATE, report);
            for key in ["config_schema"] {
                if let Some(entry) = md.get(key)
                    && !entry.value.is_null()
                    && entry.value.mapping().is_none()
                {
                    wrong(md, key, &entry.value, "a mapping", report);
                }
            }
        }
    }
}

fn check_list(
    md: &RunbookMd<'_>,
    list: &str,
    needed: &str,
    fields: &[(&str, Type)],
    report: &mut Vec<Diagnostic>,
) {
    let Some(entry) = md.get(list) else { return };
    let Some(items) = entry.value.sequence() else {
        if !entry.value.is_null() {
            wrong(md, list, &entry.value, "a list", report);
        }
        return;
    };
    for item in items {
        let Some(mapping) = item.mapping() else {
            let message = format!("an entry of `{list}` is {}, not a mapping", item.describe());
            Finding::new(
                &MalformedFrontmatter::METADATA,
                md.file,
                first_line(md, item),
                message,
            )
            .help(format!("write a mapping with `{needed}`"))
            .report(report);
            continue;
        };
        let is_missing = mapping.get(needed).is_none_or(|it| it.value.is_null());
        if is_missing {
            Finding::new(
                &MalformedFrontmatter::METADATA,
                md.file,
                first_line(md, item),
                format!("an entry of `{list}` has no `{needed}`"),
            )
            .help(format!("add `{needed}`"))
            .report(report);
        }
        check_fields(md, mapping, fields, report);
    }
}

fn check_fields(
    md: &RunbookMd<'_>,
    mapping: &Mapping,
    fields: &[(&str, Type)],
    report: &mut Vec<Diagnostic>,
) {
    for &(field, expected) in fields {
        let Some(value) = mapping.get(field).map(|it| &it.value) else {
            continue;
        };
        if value.is_null() {
            continue;
        }
        let kind = value.scalar().map(|it| it.kind);
        let text = value.scalar().map_or("", |it| it.text.as_str());
        match expected {
            Type::Text if kind != Some(Kind::Text) => wrong(md, field, value, "a string", report),
            Type::Scalar if kind.is_none() => wrong(md, field, value, "a string", report),
            Type::Mapping if value.mapping().is_none() => {
                wrong(md, field, value, "a mapping", report)
            }
            Type::Texts => match value.sequence() {
                None => wrong(md, field, value, "a list", report),
                Some(items) => {
                    for item in items.iter().filter(|it| it.scalar().is_none()) {
                        let message =
                            format!("an entry of `{field}` is {}, not a string", item.describe());
                        Finding::new(
                            &MalformedFrontmatter::METADATA,
                            md.file,
                            first_line(md, item),
                            message,
                        )
                        .help("write a string")
                        .report(report);
                    }
                }
            },
            Type::Minutes => {
                let is_number = matches!(kind, Some(Kind::Int | Kind::Float));
                if !is_number {
                    wrong(md, field, value, "a number", report);
                } else if text.starts_with('-') || text.parse() == Ok(0.0) {
                    let message = format!("the {field} {} is not positive", code(text));
                    Finding::new(
                        &MalformedFrontmatter::METADATA,
                        md.file,
                        value.span,
                        message,
                    )
                    .help("write the minutes after which the step is overdue")
                    .report(report);
                }
            }
            _ => {}
        }
    }
}

fn wrong(
    md: &RunbookMd<'_>,
    field: &str,
    value: &Node,
    expected: &str,
    report: &mut Vec<Diagnostic>,
) {
    let message = format!(
        "the field `{field}` is {}, not {expected}",
        value.describe()
    );
    Finding::new(
        &MalformedFrontmatter::METADATA,
        md.file,
        first_line(md, value),
        message,
    )
    .help(format!("write {expected}"))
    .report(report);
}

/// Where to point when a node may go on for lines: its first key, or what is on its first line.
fn first_line(md: &RunbookMd<'_>, node: &Node) -> Span {
    if let Some(first) = node.mapping().and_then(|it| it.entries.first()) {
        return first.key.span;
    }
    let line = md.source.line_span(md.source.line(node.span.start));
    Span::new(node.span.start, node.span.end.min(line.end))
}
