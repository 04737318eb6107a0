//! How the rules about the contract make a diagnostic.

use lint_core::diagnostic::{
    Applicability, Diagnostic, Edit, FileId, Fix, Impact, Place, Severity, Span, Subject, TraceStep,
};
use lint_core::facts::{FunctionRef, Workflow};
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::{self, Expr};
use lint_core::syntax::span_of;

use crate::model::Runbook;
use crate::program::{Culprit, Program, Running, Way};
use crate::rule::Context;

/// A diagnostic in the making.
#[must_use]
pub(crate) struct Finding(Diagnostic);

impl Finding {
    pub(crate) fn new(
        rule: &RuleMetadata,
        file: FileId,
        span: Span,
        message: impl Into<String>,
    ) -> Self {
        Self(Diagnostic {
            code: rule.code,
            name: rule.name,
            severity: rule.severity,
            message: message.into(),
            help: None,
            notes: Vec::new(),
            place: Place { file, span },
            workflow: None,
            entry: None,
            culprit: None,
            subject: None,
            impact: Impact::Unknown,
            trace: Vec::new(),
            fixes: Vec::new(),
        })
    }

    /// About what an entry point of a workflow reaches, shown where the way to it leaves the class.
    pub(crate) fn reached(
        rule: &RuleMetadata,
        program: Program<'_, '_>,
        running: Running<'_>,
        entry: FunctionRef,
        culprit: Culprit,
        message: impl Into<String>,
    ) -> Self {
        let place = culprit.place();
        Self::new(rule, place.file, place.span, message)
            .in_workflow(running.workflow)
            .along(program.way(running, entry, culprit))
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.0.notes.push(note.into());
        self
    }

    /// For a finding that is less or more severe than most of its rule.
    pub(crate) fn severity(mut self, severity: Severity) -> Self {
        self.0.severity = severity;
        self
    }

    pub(crate) fn in_runbook(mut self, runbook: &Runbook<'_>) -> Self {
        self.0.workflow = Some(runbook.full_name.clone());
        self
    }

    pub(crate) fn in_workflow(mut self, workflow: &Workflow) -> Self {
        self.0.workflow = Some(workflow.name.clone());
        self
    }

    /// Shows it at the start of a way that leads to the culprit.
    pub(crate) fn along(mut self, way: Way) -> Self {
        self.0.place = way.place;
        self.0.trace = way.trace;
        self
    }

    /// The entry point from which a replay comes to it, and what it does to that.
    pub(crate) fn entry(mut self, entry: impl Into<String>, impact: Impact) -> Self {
        self.0.entry = Some(entry.into());
        self.0.impact = impact;
        self
    }

    pub(crate) fn trace(mut self, trace: Vec<TraceStep>) -> Self {
        self.0.trace = trace;
        self
    }

    pub(crate) fn place(&self) -> Place {
        self.0.place
    }

    /// How many calls the culprit is away from where the finding is shown.
    pub(crate) fn distance(&self) -> usize {
        self.0.trace.len()
    }

    /// What findings elsewhere may be about as well.
    pub(crate) fn about(mut self, file: FileId, name: impl Into<String>) -> Self {
        self.0.subject = Some(Subject {
            file: Some(file),
            name: name.into(),
        });
        self
    }

    pub(crate) fn culprit(mut self, name: impl Into<String>) -> Self {
        self.0.culprit = Some(name.into());
        self
    }

    /// Offers to replace the text at this place, which is in the file of the finding.
    pub(crate) fn replace(
        self,
        title: impl Into<String>,
        applicability: Applicability,
        span: Span,
        replacement: impl Into<String>,
    ) -> Self {
        self.replace_all(title, applicability, vec![(span, replacement.into())])
    }

    /// Offers to replace several texts of the file of the finding at once.
    pub(crate) fn replace_all(
        mut self,
        title: impl Into<String>,
        applicability: Applicability,
        edits: Vec<(Span, String)>,
    ) -> Self {
        let file = self.0.place.file;
        let edit = |(span, replacement)| Edit {
            place: Place { file, span },
            replacement,
        };
        let edits = edits.into_iter().map(edit).collect();
        self.0.fixes.push(Fix::new(title, applicability, edits));
        self
    }

    /// Offers to put `async` before a `def`.
    pub(crate) fn make_async(
        self,
        cx: &Context<'_>,
        node: &ast::StmtFunctionDef,
        applicability: Applicability,
    ) -> Self {
        match cx.model.def_keyword(self.0.place.file, node) {
            Some(def) => self.replace(
                "make it `async`",
                applicability,
                Span::new(def.start, def.start),
                "async ",
            ),
            None => self,
        }
    }

    pub(crate) fn report(self, report: &mut Vec<Diagnostic>) {
        report.push(self.0);
    }
}

/// The content of a string literal that is written as one plain text, so that the content can be
/// replaced: no prefix, no escapes, no parts.
pub(crate) fn plain_content(literal: &Expr, source: &str) -> Option<Span> {
    let Expr::StringLiteral(string) = literal else {
        return None;
    };
    let span = span_of(string);
    let value = string.value.to_str();
    let quotes = source.len().checked_sub(value.len())?;
    let is_plain =
        matches!(quotes, 2 | 6) && source.get(quotes / 2..source.len() - quotes / 2)? == value;
    let margin = (quotes / 2) as u32;
    is_plain.then(|| Span::new(span.start + margin, span.end - margin))
}
