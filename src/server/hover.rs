//! What is shown when the mouse rests on something.

use lint_core::diagnostic::{Diagnostic, Span};
use lint_core::rule::RuleMetadata;
use lsp_types::{Contents, Hover, HoverParams, MarkupContent, MarkupKind};
use rules::icons;
use rules::outline::RunbookOutline;

use super::lookup::{Looked, rule_at};
use super::running::{Outcome, Running};
use super::uri;
use crate::output::rule_page;

impl Running<'_> {
    pub(super) fn hover(&mut self, params: HoverParams) -> Outcome<Option<Hover>> {
        let can = self.client.can.clone();
        let at = self.look_at(&params.text_document_position_params)?;
        let Some((looked, offset)) = at else {
            return Ok(None);
        };
        let Some((parts, span)) = parts(&looked, offset) else {
            return Ok(None);
        };
        let kind = if can.markdown {
            MarkupKind::Markdown
        } else {
            MarkupKind::PlainText
        };
        Ok(Some(Hover {
            contents: Contents::MarkupContent(MarkupContent {
                kind,
                value: parts.join("\n\n---\n\n"),
            }),
            range: Some(can.encoding.range(&looked.document.source, span)),
        }))
    }
}

/// Everything that is known about an offset, and the text that it is known about.
fn parts(looked: &Looked<'_>, offset: u32) -> Option<(Vec<String>, Span)> {
    if let Some((rule, span)) = rule_at(&looked.document.source, offset) {
        return Some((vec![of_rule(rule)], span));
    }
    let snapshot = looked.renderer.snapshot;
    let mut parts = Vec::new();
    let mut spans = Vec::new();
    for finding in &snapshot.findings {
        let places = [finding.place, finding.culprit_place()];
        let found = places.into_iter().find(|it| looked.is_at(*it, offset));
        if let Some(place) = found {
            parts.push(of_finding(finding, looked));
            spans.push(place.span);
        }
    }
    for icon in &snapshot.outline.icons {
        if looked.is_at(icon.place, offset) {
            parts.extend(of_icon(&icon.text));
            spans.push(icon.place.span);
        }
    }
    for runbook in &snapshot.outline.runbooks {
        for (index, step) in runbook.steps.iter().enumerate() {
            if looked.is_at(step.decorator, offset) {
                parts.push(of_step(runbook, index));
                spans.push(step.decorator.span);
            }
        }
    }
    let span = spans.into_iter().min_by_key(|it| it.end - it.start)?;
    Some((parts, span))
}

/// What the rule finds and why, with a link to the rest.
fn of_rule(rule: &RuleMetadata) -> String {
    let docs = rule.docs.split("## Example").next().unwrap_or(rule.docs);
    let docs = docs.replace("## ", "#### ");
    format!(
        "**{} {}**: {}\n\n{}\n\n[More]({})",
        rule.code,
        rule.name,
        rule.summary,
        docs.trim(),
        rule_page(rule.code, rule.name)
    )
}

/// The finding with the way to its culprit and its cure.
fn of_finding(finding: &Diagnostic, looked: &Looked<'_>) -> String {
    let mut text = format!(
        "**{} [{}]({})**: {}",
        finding.severity,
        finding.code,
        rule_page(finding.code, finding.name),
        finding.message
    );
    for (step, number) in finding.trace.iter().zip(1..) {
        let location = looked.renderer.location(step.place);
        let line = location.range.start.line + 1;
        let name = looked.renderer.snapshot.key(step.place.file);
        text.push_str(&format!(
            "{}{number}. {} ([{name}:{line}]({}#L{line}))",
            if number == 1 { "\n\n" } else { "\n" },
            step.message,
            location.uri.0,
        ));
    }
    let help = finding.help.iter().map(|it| format!("help: {it}"));
    for line in help.chain(finding.notes.iter().cloned()) {
        text.push_str(&format!("\n\n{line}"));
    }
    text
}

/// An icon with its picture, where clients show pictures.
pub(super) fn of_icon(name: &str) -> Option<String> {
    let icon = icons::get(name)?;
    let mut text = String::new();
    if let Some(shapes) = icons::shapes(icon.name) {
        text.push_str(&format!("![{}]({})\n\n", icon.name, picture(shapes)));
    }
    text.push_str(&format!("**{}**", icon.name));
    if name != icon.name {
        text.push_str(&format!(", also called `{name}`"));
    }
    if icon.deprecated {
        text.push_str(", which Lucide is going to remove");
    }
    if !icon.tags.is_empty() {
        text.push_str(&format!("\n\n{}", icon.tags));
    }
    Some(text)
}

/// Grey can be seen on light and on dark.
fn picture(shapes: &str) -> String {
    let svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="48" height="48" viewBox="0 0 24 24" fill="none" stroke="#888" stroke-width="2" stroke-linecap="round" stroke-linejoin="round">{shapes}</svg>"##
    );
    format!("data:image/svg+xml,{}", uri::encode(svg.as_bytes()))
}

/// Where the step is in the breadcrumb.
fn of_step(runbook: &RunbookOutline, index: usize) -> String {
    let crumbs: Vec<String> = runbook
        .steps
        .iter()
        .enumerate()
        .map(|(at, step)| {
            let title = step.title.as_deref().or(step.id.as_deref());
            let title = title.unwrap_or(&step.method);
            if at == index {
                format!("**{title}**")
            } else {
                title.to_owned()
            }
        })
        .collect();
    format!(
        "step {} of {} in `{}`\n\n{}",
        index + 1,
        runbook.steps.len(),
        runbook.name,
        crumbs.join(" › ")
    )
}
