//! What stands where in a document, for requests about a position.

use lint_core::diagnostic::{FileId, Place, Span};
use lint_core::rule::RuleMetadata;
use lint_core::source::SourceFile;
use lsp_types::{TextDocumentPositionParams, Uri};

use super::diagnostics::Renderer;
use super::documents::Document;
use super::running::{Outcome, Running};
use super::uri;
use super::workspace::Project;

/// An open document after an analysis of this very text.
pub(super) struct Looked<'r> {
    pub(super) project: &'r Project,
    pub(super) document: &'r Document,
    pub(super) renderer: Renderer<'r>,
    /// `None` if the project does not read it.
    pub(super) file: Option<FileId>,
}

impl Running<'_> {
    /// `None` for a document that is not open, or is no file.
    pub(super) fn look(&mut self, uri: &Uri) -> Outcome<Option<Looked<'_>>> {
        self.update()?;
        let Some(path) = uri::to_path(uri) else {
            return Ok(None);
        };
        let (Some(document), Some(project)) =
            (self.documents.get(&path), self.workspace.project_of(&path))
        else {
            return Ok(None);
        };
        Ok(Some(Looked {
            project,
            document,
            file: project.snapshot().file(&project.key(&path)),
            renderer: Renderer::new(project, &self.documents, &self.client.can),
        }))
    }

    /// The same with the offset of a position in it.
    pub(super) fn look_at(
        &mut self,
        params: &TextDocumentPositionParams,
    ) -> Outcome<Option<(Looked<'_>, u32)>> {
        let encoding = self.client.can.encoding;
        let looked = self.look(&params.text_document.uri)?;
        Ok(looked.map(|it| {
            let offset = encoding.offset(&it.document.source, params.position);
            (it, offset)
        }))
    }
}

impl Looked<'_> {
    /// Whether a place in the project is in this document and touches the offset.
    pub(super) fn is_at(&self, place: Place, offset: u32) -> bool {
        Some(place.file) == self.file && touches(place.span, offset)
    }
}

pub(super) fn touches(span: Span, offset: u32) -> bool {
    span.start <= offset && offset <= span.end
}

/// The line of an offset, and where it starts.
pub(super) fn line_at(source: &SourceFile, offset: u32) -> (&str, u32) {
    let span = source.line_span(source.line(offset));
    (source.slice(span), span.start)
}

/// Where a comment begins that can name rules, as far as the line tells.
pub(super) fn suppression_in(line: &str) -> Option<usize> {
    let lower = line.to_ascii_lowercase();
    let comments = [
        ("#", "noqa"),
        ("#", "runbook-lint:"),
        ("<!--", "runbook-lint:"),
    ];
    comments
        .iter()
        .filter_map(|(opener, marker)| {
            let at = lower.rfind(marker)?;
            lower[..at].contains(opener).then_some(at)
        })
        .min()
}

/// The rule that a suppression names at an offset, and where the name stands.
pub(super) fn rule_at(source: &SourceFile, offset: u32) -> Option<(&'static RuleMetadata, Span)> {
    let (line, start) = line_at(source, offset);
    let at = (offset - start) as usize;
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let from = line[..at].rfind(|c| !is_part(c)).map_or(0, |it| {
        it + line[it..].chars().next().map_or(1, char::len_utf8)
    });
    let to = line[at..]
        .find(|c| !is_part(c))
        .map_or(line.len(), |it| at + it);
    if suppression_in(line).is_none_or(|it| from < it) {
        return None;
    }
    let word = &line[from..to];
    let mut rules = rules::metadata();
    let rule = rules.find(|it| it.code.eq_ignore_ascii_case(word) || it.name == word)?;
    Some((rule, Span::new(start + from as u32, start + to as u32)))
}
