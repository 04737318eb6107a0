//! `runbook-lint rule`

mod page;

use std::io::{self, Write};

use anyhow::{Result, bail};
use lint_core::fix::Applicability;
use lint_core::rule::RuleMetadata;
use serde::Serialize;

use crate::Status;
use crate::cli::{Color, RuleArgs, RuleFormat};
use crate::config::unknown_rule;
use crate::target::{columns, write_output};
use crate::wrap::fill;

#[derive(Serialize)]
struct Description {
    code: &'static str,
    name: &'static str,
    summary: &'static str,
    severity: &'static str,
    category: &'static str,
    /// Whether the rule runs without being selected.
    default: bool,
    /// Whether it runs only with `--preview`, or if it is selected by its code or name.
    preview: bool,
    /// The most trusted fix that its findings may come with.
    fix: Option<&'static str>,
    since: &'static str,
    /// The documentation, in Markdown.
    docs: &'static str,
    /// Where the rule is written.
    source: Source,
}

#[derive(Serialize)]
struct Source {
    path: &'static str,
    line: u32,
}

pub(crate) fn run(args: &RuleArgs, color: Color) -> Result<Status> {
    let mut known: Vec<&RuleMetadata> = rules::metadata().collect();
    let mut one = None;
    if let Some(wanted) = args.rule.as_deref() {
        let is_wanted =
            |it: &&RuleMetadata| it.code.eq_ignore_ascii_case(wanted) || it.name == wanted;
        one = known.iter().copied().find(is_wanted);
        let prefix = wanted.to_ascii_uppercase();
        let alike = |it: &&RuleMetadata| it.code.starts_with(&prefix);
        if one.is_none() && !known.iter().any(alike) {
            bail!(unknown_rule(wanted, &known));
        }
        known.retain(alike);
    }
    let width = columns(None);
    write_output(None, color, |out| match (args.output_format, one) {
        (RuleFormat::Json, Some(rule)) => json(&Description::new(rule), out),
        (RuleFormat::Json, None) => {
            let all: Vec<Description> = known.iter().map(|rule| Description::new(rule)).collect();
            json(&all, out)
        }
        (RuleFormat::Text, Some(rule)) => explain(rule, width, out),
        (RuleFormat::Text, None) if args.all => {
            known.iter().try_for_each(|rule| explain(rule, width, out))
        }
        (RuleFormat::Text, None) => list(&known, width, out),
    })?;
    Ok(Status::Clean)
}

impl Description {
    fn new(rule: &RuleMetadata) -> Self {
        Self {
            code: rule.code,
            name: rule.name,
            summary: rule.summary,
            severity: rule.severity.as_str(),
            category: rule.category.as_str(),
            default: rule.default,
            preview: rule.preview,
            fix: rule.fix.map(Applicability::as_str),
            since: rule.since,
            docs: rule.docs,
            source: Source {
                path: rule.file,
                line: rule.line,
            },
        }
    }
}

fn json(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}

/// Markdown, unless it goes to a terminal.
fn explain(rule: &RuleMetadata, width: Option<usize>, out: &mut dyn Write) -> io::Result<()> {
    let opt_in = if rule.default { "" } else { ", opt-in" };
    let preview = if rule.preview { ", in preview" } else { "" };
    let fix = rule.fix.map(|it| format!("Fix: {}. ", it.as_str()));
    let fix = fix.unwrap_or_default();
    let page = format!(
        "# {} ({})\n\n{}.\n\nCategory: {}. Severity: {}{opt_in}{preview}. {fix}Since {}.\n\n{}\n",
        rule.name,
        rule.code,
        rule.summary,
        rule.category.as_str(),
        rule.severity,
        rule.since,
        rule.docs.trim(),
    );
    match width {
        Some(width) => page::render(&page, width, out)?,
        None => out.write_all(page.as_bytes())?,
    }
    writeln!(out)
}

fn list(known: &[&RuleMetadata], width: Option<usize>, out: &mut dyn Write) -> io::Result<()> {
    let longest = known.iter().map(|rule| rule.name.len()).max().unwrap_or(0);
    let mut category = None;
    for rule in known {
        if category != Some(rule.category) {
            let gap = if category.is_some() { "\n" } else { "" };
            writeln!(out, "{gap}{}", rule.category.title())?;
            category = Some(rule.category);
        }
        let severity = match (rule.preview, rule.default) {
            (true, _) => "preview",
            (false, true) => rule.severity.as_str(),
            (false, false) => "opt-in",
        };
        let columns = format!("{}  {:longest$}  {severity:7}  ", rule.code, rule.name);
        let indent = " ".repeat(columns.len());
        writeln!(out, "{}", fill(&(columns + rule.summary), width, &indent))?;
    }
    Ok(())
}
