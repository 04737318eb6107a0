//! Findings as diagnostics of the protocol.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lint_core::diagnostic::{Diagnostic, FileId, Place, Severity, TraceStep};
use lint_core::project::{FileError, FileErrorKind};
use lsp_types::{
    Code, CodeDescription, DiagnosticRelatedInformation, DiagnosticSeverity, Location, Position,
    Range,
};

use super::client::Capabilities;
use super::documents::Documents;
use super::snapshot::Snapshot;
use super::workspace::Project;
use crate::config::absolute;
use crate::output::rule_page;

/// What the client names its diagnostics by.
pub(super) const SOURCE: &str = "runbook-lint";

/// Shows what a project found, the way the client can show it.
pub(super) struct Renderer<'s> {
    pub(super) snapshot: &'s Snapshot,
    root: &'s Path,
    documents: &'s Documents,
    can: &'s Capabilities,
}

impl<'s> Renderer<'s> {
    pub(super) fn new(
        project: &'s Project,
        documents: &'s Documents,
        can: &'s Capabilities,
    ) -> Self {
        Self {
            snapshot: project.snapshot(),
            root: project.root(),
            documents,
            can,
        }
    }

    /// All diagnostics of the project by file, in the order of the findings.
    pub(super) fn all(&self) -> BTreeMap<FileId, Vec<lsp_types::Diagnostic>> {
        let mut all: BTreeMap<FileId, Vec<lsp_types::Diagnostic>> = BTreeMap::new();
        for error in &self.snapshot.errors {
            all.entry(error.file).or_default().push(self.error(error));
        }
        for finding in &self.snapshot.findings {
            let file = finding.place.file;
            all.entry(file).or_default().push(self.finding(finding));
        }
        for (place, findings) in self.snapshot.culprits(None) {
            let diagnostic = self.culprit(place, &findings);
            all.entry(place.file).or_default().push(diagnostic);
        }
        all
    }

    /// The diagnostics of one file.
    pub(super) fn of(&self, file: FileId) -> Vec<lsp_types::Diagnostic> {
        let errors = self.snapshot.errors.iter().filter(|it| it.file == file);
        let findings = self.snapshot.findings_in(file).iter();
        let culprits = self.snapshot.culprits(Some(file));
        errors
            .map(|it| self.error(it))
            .chain(findings.map(|it| self.finding(it)))
            .chain(culprits.map(|(place, findings)| self.culprit(place, &findings)))
            .collect()
    }

    pub(super) fn range(&self, place: Place) -> Range {
        let source = self.snapshot.source(place.file);
        source.map_or_else(Range::default, |source| {
            self.can.encoding.range(source, place.span)
        })
    }

    pub(super) fn location(&self, place: Place) -> Location {
        Location {
            uri: self.documents.uri(&self.path(place.file)),
            range: self.range(place),
        }
    }

    pub(super) fn uri(&self, path: &Path) -> lsp_types::Uri {
        self.documents.uri(path)
    }

    /// The version of a document that is open.
    pub(super) fn version(&self, path: &Path) -> Option<i32> {
        self.documents.get(path).map(|it| it.version)
    }

    /// The path of a file that is not there yet.
    pub(super) fn in_root(&self, key: &str) -> PathBuf {
        absolute(Path::new(key), self.root)
    }

    pub(super) fn path(&self, file: FileId) -> PathBuf {
        self.snapshot.path(file, self.root)
    }

    pub(super) fn finding(&self, finding: &Diagnostic) -> lsp_types::Diagnostic {
        let mut message = finding.message.clone();
        if let Some(help) = &finding.help {
            message.push_str(&format!("\nhelp: {help}"));
        }
        for note in &finding.notes {
            message.push_str(&format!("\nnote: {note}"));
        }
        self.diagnostic(
            finding.code,
            finding.name,
            finding.place,
            severity(finding.severity),
            message,
            self.steps(&finding.trace),
        )
    }

    /// The way from the workflow to the culprit, one step each.
    pub(super) fn steps(&self, trace: &[TraceStep]) -> Vec<DiagnosticRelatedInformation> {
        let steps = trace.iter().zip(1..);
        steps
            .map(|(step, number)| DiagnosticRelatedInformation {
                location: self.location(step.place),
                message: format!("{number}. {}", step.message),
            })
            .collect()
    }

    fn diagnostic(
        &self,
        code: &str,
        name: &str,
        place: Place,
        severity: DiagnosticSeverity,
        mut message: String,
        related: Vec<DiagnosticRelatedInformation>,
    ) -> lsp_types::Diagnostic {
        if !self.can.related {
            for it in &related {
                let path = super::uri::to_path(&it.location.uri).unwrap_or_default();
                let path = path.strip_prefix(self.root).unwrap_or(&path);
                let line = it.location.range.start.line + 1;
                message.push_str(&format!("\n{} ({}:{line})", it.message, path.display()));
            }
        }
        lsp_types::Diagnostic {
            range: self.range(place),
            severity: Some(severity),
            code: Some(Code::String(code.to_owned())),
            code_description: self.can.links_codes.then(|| CodeDescription {
                href: rule_page(code, name).into(),
            }),
            source: Some(SOURCE.to_owned()),
            message: message.into(),
            tags: None,
            related_information: (self.can.related && !related.is_empty()).then_some(related),
            data: None,
        }
    }

    fn culprit(&self, place: Place, findings: &[&Diagnostic]) -> lsp_types::Diagnostic {
        let first = findings[0];
        let mut workflows: Vec<&str> = findings
            .iter()
            .filter_map(|it| it.workflow.as_deref())
            .map(|it| it.rsplit('.').next().unwrap_or(it))
            .collect();
        workflows.dedup();
        let reached = match &workflows[..] {
            [] => "reached from a workflow".to_owned(),
            [one] => format!("reached from workflow `{one}`"),
            [one, others @ ..] => {
                format!("reached from workflow `{one}` and {} more", others.len())
            }
        };
        let related = findings.iter().map(|finding| DiagnosticRelatedInformation {
            location: self.location(finding.place),
            message: finding.message.clone(),
        });
        self.diagnostic(
            first.code,
            first.name,
            place,
            DiagnosticSeverity::Information,
            format!("{reached}: {}", first.message),
            related.collect(),
        )
    }

    fn error(&self, error: &FileError) -> lsp_types::Diagnostic {
        let position = self.error_position(error);
        let code = match error.kind {
            FileErrorKind::Syntax => "syntax",
            FileErrorKind::Encoding => "encoding",
            FileErrorKind::Io => "io",
        };
        lsp_types::Diagnostic {
            range: Range {
                start: position,
                end: position,
            },
            severity: Some(DiagnosticSeverity::Error),
            code: Some(Code::String(code.to_owned())),
            code_description: None,
            source: Some(SOURCE.to_owned()),
            message: error.message.clone().into(),
            tags: None,
            related_information: None,
            data: None,
        }
    }

    /// A file that could not be decoded has no text to count columns in.
    fn error_position(&self, error: &FileError) -> Position {
        let Some(source) = self.snapshot.source(error.file) else {
            return Position {
                line: error.line.max(1) - 1,
                character: 0,
            };
        };
        let line = source.line_span(error.line);
        let before = source.slice(line).chars();
        let before = before.take(error.column.max(1) as usize - 1);
        let bytes = before.map(char::len_utf8).sum::<usize>() as u32;
        self.can.encoding.position(source, line.start + bytes)
    }
}

fn severity(severity: Severity) -> DiagnosticSeverity {
    match severity {
        Severity::Error => DiagnosticSeverity::Error,
        Severity::Warning => DiagnosticSeverity::Warning,
        Severity::Info => DiagnosticSeverity::Information,
    }
}
