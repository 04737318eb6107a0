use lint_core::diagnostic::{Applicability, Diagnostic, Edit, Fix, Impact, Place, Span};
use lint_core::rule::RuleMetadata;
use rules_macros::RuleMetadata;

use crate::hazard::code;
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds functions marked `# runbook-lint: pure` in and beyond which nothing would have been found.
///
/// ## Why is this bad?
/// The mark stops the analysis: what is added to the function later is not looked at. A mark that is
/// not needed costs that for nothing.
///
/// ## Example
/// ```python
/// from temporalio import workflow
///
///
/// def monthly_fee(nav: float) -> float:  # runbook-lint: pure  # RB003
///     return nav * 0.015 / 12
///
///
/// @workflow.defn
/// class AccrueFees:
///     @workflow.run
///     async def run(self, nav: float) -> float:
///         return monthly_fee(nav)
/// ```
///
/// ## Use instead
/// Remove the mark:
/// ```python
/// from temporalio import workflow
///
///
/// def monthly_fee(nav: float) -> float:
///     return nav * 0.015 / 12
///
///
/// @workflow.defn
/// class AccrueFees:
///     @workflow.run
///     async def run(self, nav: float) -> float:
///         return monthly_fee(nav)
/// ```
/// Where it is needed, it is silent. Here the table is the same on every worker, since it is part of
/// the image:
/// ```python
/// import json
///
/// from temporalio import workflow
///
///
/// def fee_table() -> dict[str, float]:  # runbook-lint: pure
///     with open("/opt/fees.json") as file:
///         return json.load(file)
///
///
/// @workflow.defn
/// class AccrueFees:
///     @workflow.run
///     async def run(self, fund: str) -> float:
///         return fee_table()[fund]
/// ```
///
/// ## Fix
/// Safe: a comment that is nothing but the assertion goes. The code stays as it is.
#[derive(RuleMetadata)]
#[rule(
    code = "RB003",
    severity = "warning",
    category = "lint",
    since = "0.1.0",
    fix = "safe",
    summary = "a `pure` assertion on a function in which nothing would be reported"
)]
pub(crate) struct IdlePureAssertion;

impl Rule for IdlePureAssertion {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for boundary in &cx.facts.idle_boundaries {
            let function = code(&boundary.function);
            report.push(Diagnostic {
                code: Self::METADATA.code,
                name: Self::METADATA.name,
                severity: Self::METADATA.severity,
                message: format!(
                    "{function} is asserted to be pure, but nothing would be reported in it"
                ),
                help: Some("remove `# runbook-lint: pure`".to_owned()),
                notes: Vec::new(),
                place: boundary.place,
                workflow: None,
                entry: None,
                culprit: None,
                subject: None,
                impact: Impact::Unknown,
                trace: Vec::new(),
                fixes: removal(cx, boundary.place).into_iter().collect(),
            });
        }
    }
}

/// Takes the comment out, if it says nothing else.
fn removal(cx: &Context<'_>, place: Place) -> Option<Fix> {
    let project = cx.facts.project;
    let source = project.source(place.file)?;
    let line = source.line(place.span.start);
    let comments = &project.module(place.file)?.comments;
    let comment = comments
        .iter()
        .find(|it| source.line(it.span.start) == line)?;
    if source.slice(comment.span).replace(' ', "") != "#runbook-lint:pure" {
        return None;
    }
    let start = source.line_span(line).start;
    let before = source.slice(Span::new(start, comment.span.start));
    let edit = Edit {
        place: Place {
            file: place.file,
            span: Span::new(start + before.trim_end().len() as u32, comment.span.end),
        },
        replacement: String::new(),
    };
    Some(Fix::new(
        "remove the comment",
        Applicability::Safe,
        vec![edit],
    ))
}
