//! `--add-ignore`: a comment at each finding, so that only what comes later is reported.

use std::collections::{BTreeMap, BTreeSet};

use lint_core::diagnostic::{Diagnostic, Edit, FileId, Place, Span};
use lint_core::index::Module;
use lint_core::project::{FileError, FileErrorKind, Project};
use lint_core::source::SourceFile;
use lint_core::syntax::ast::Expr;
use lint_core::syntax::ast::visitor::{Visitor, walk_expr};
use lint_core::syntax::span_of;

use super::{Change, Order, text};
use crate::check::{examine, touches};
use crate::discover::Files;

/// The files with their comments.
#[derive(Debug, Default)]
pub(crate) struct Ignored {
    pub(crate) changes: BTreeMap<String, Change>,
    /// How many findings a comment is for, by file.
    pub(crate) counts: BTreeMap<String, usize>,
    /// Those that have none, since there is no place for it, by file.
    pub(crate) left: BTreeMap<String, usize>,
}

/// The codes to name on each line.
type Lines = BTreeMap<u32, BTreeSet<&'static str>>;

pub(crate) fn ignore(files: &mut Files, order: &Order<'_>, reason: &str) -> Ignored {
    let mut ignored = Ignored::default();
    let mut contents = Vec::new();
    {
        let project = files.project(order.settings);
        let examined = examine(&project, order.settings, &[]);
        let broken = |error: &&FileError| error.kind == FileErrorKind::Syntax;
        let broken: BTreeSet<FileId> = examined
            .errors
            .iter()
            .filter(broken)
            .map(|it| it.file)
            .collect();
        let mut found = order.hidden.hide(examined.findings, &project);
        let is_requested = |file| files.is_requested(project.key(file));
        // What is found about comments is not settled by more of them.
        let about_comments = [
            rules::UNUSED_SUPPRESSION.code,
            rules::UNKNOWN_SUPPRESSION.code,
        ];
        found.retain(|it| {
            it.severity >= order.minimum
                && touches(it, &is_requested)
                && !about_comments.contains(&it.code)
        });
        let mut by_file: BTreeMap<FileId, Lines> = BTreeMap::new();
        for finding in &found {
            let file = finding.place.file;
            let line = line_for(&project, finding).filter(|_| !broken.contains(&file));
            match line {
                Some(line) => {
                    by_file
                        .entry(file)
                        .or_default()
                        .entry(line)
                        .or_default()
                        .insert(finding.code);
                    *ignored
                        .counts
                        .entry(project.key(file).to_owned())
                        .or_default() += 1;
                }
                None => {
                    *ignored
                        .left
                        .entry(project.key(file).to_owned())
                        .or_default() += 1
                }
            }
        }
        for (file, lines) in by_file {
            if let Some(bytes) = with_comments(&project, file, &lines, reason) {
                contents.push((project.key(file).to_owned(), bytes));
            }
        }
    }
    for (key, after) in contents {
        let before = files.stage(&key, after.clone());
        let together = BTreeSet::from([key.clone()]);
        ignored.changes.insert(
            key,
            Change {
                before,
                after,
                together,
            },
        );
    }
    ignored
}

/// The line at whose end the comment goes: the first or the last one of the finding.
fn line_for(project: &Project<'_>, finding: &Diagnostic) -> Option<u32> {
    let Place { file, span } = finding.place;
    let (module, source) = (project.module(file)?, project.source(file)?);
    if project.is_installed(file) || source.undecodable.is_some() {
        return None;
    }
    let last = span.end.saturating_sub(1).max(span.start);
    let lines = [source.line(span.start), source.line(last)];
    lines
        .into_iter()
        .find(|line| ends_in_code(module, source, *line))
}

/// Whether a comment may stand at the end of a line: not in a text, and not before a line that
/// goes on with a backslash.
fn ends_in_code(module: &Module, source: &SourceFile, line: u32) -> bool {
    struct Texts(Vec<Span>);
    impl<'a> Visitor<'a> for Texts {
        fn visit_expr(&mut self, expression: &'a Expr) {
            let is_text = matches!(
                expression,
                Expr::StringLiteral(_)
                    | Expr::BytesLiteral(_)
                    | Expr::FString(_)
                    | Expr::TString(_)
            );
            if is_text {
                self.0.push(span_of(expression));
            }
            walk_expr(self, expression);
        }
    }
    let end = source.line_span(line).end;
    let mut texts = Texts(Vec::new());
    texts.visit_body(&module.tree().body);
    let is_inside = |it: &Span| it.start < end && end < it.end;
    let continues = source
        .slice(source.line_span(line))
        .trim_end()
        .ends_with('\\');
    !continues && !texts.0.iter().any(is_inside)
}

fn with_comments(
    project: &Project<'_>,
    file: FileId,
    lines: &Lines,
    reason: &str,
) -> Option<Vec<u8>> {
    const START: &str = "# runbook-lint: ignore[";
    let (module, source) = (project.module(file)?, project.source(file)?);
    let mut edits = Vec::new();
    for (&line, codes) in lines {
        let codes: Vec<&str> = codes.iter().copied().collect();
        let codes = codes.join(", ");
        let own = module
            .comments
            .iter()
            .find(|it| source.line(it.span.start) == line);
        let known = own.and_then(|it| {
            let text = source.slice(it.span);
            let start = text.find(START)? + START.len();
            Some(it.span.start + (start + text[start..].find(']')?) as u32)
        });
        let (at, replacement) = match known {
            Some(at) => (at, format!(", {codes}")),
            None => {
                let span = source.line_span(line);
                let text = source.slice(span).trim_end();
                let comment = format!("  {START}{codes}] {reason}");
                (
                    span.start + text.len() as u32,
                    comment.trim_end().to_owned(),
                )
            }
        };
        edits.push(Edit {
            place: Place {
                file,
                span: Span::new(at, at),
            },
            replacement,
        });
    }
    source.encode(&text::edited(source, &edits))
}
