//! What can be done about findings: their fixes, a comment that quiets them, and all safe fixes of a
//! document at once.

use std::collections::BTreeMap;

use lint_core::diagnostic::{Applicability, Diagnostic, Edit, FileId, Fix, NewFile, Place, Span};
use lint_core::source::SourceFile;
use lint_core::syntax;
use lsp_server::ErrorCode;
use lsp_types::{
    AnnotatedTextEdit, ChangeAnnotation, CodeAction, CodeActionKind, CodeActionParams,
    CodeActionResponse, CreateFile, DocumentChange, OptionalVersionedTextDocumentIdentifier,
    Position, Range, SnippetTextEdit, StringValue, TextDocumentEdit, TextDocumentIdentifier,
    TextEdit, Uri, WorkspaceEdit,
};
use serde::{Deserialize, Serialize};
use similar::{DiffTag, TextDiff};

use super::client::Capabilities;
use super::initialize::FIX_ALL;
use super::lookup::Looked;
use super::running::{Failure, Outcome, Running};
use super::uri;

const ANNOTATION: &str = "runbook-lint";

/// What an action is about, until the client wants to know its edit.
#[derive(Debug, Serialize, Deserialize)]
struct Ticket {
    uri: Uri,
    version: i32,
    what: What,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum What {
    Fix {
        code: String,
        start: u32,
        title: String,
    },
    Ignore {
        code: String,
        start: u32,
    },
    FixAll,
}

impl Running<'_> {
    pub(super) fn code_actions(
        &mut self,
        params: CodeActionParams,
    ) -> Outcome<Option<Vec<CodeActionResponse>>> {
        let can = self.client.can.clone();
        let Some(looked) = self.look(&params.text_document.uri)? else {
            return Ok(None);
        };
        let wanted = params.context.only;
        let is_wanted = |kind: &str| {
            let is_kind = |it: &CodeActionKind| is_below(kind, it.as_str());
            wanted.as_ref().is_none_or(|it| it.iter().any(is_kind))
        };
        let mut actions = Vec::new();
        if is_wanted("quickfix") {
            let span = can.encoding.span(&looked.document.source, params.range);
            for finding in looked.findings_at(span) {
                actions.extend(quick_fixes(finding, &looked, &can));
            }
        }
        if is_wanted(FIX_ALL) && looked.has_safe_fix() {
            let kind = CodeActionKind::Custom(FIX_ALL.into());
            let title = "Apply all safe fixes of runbook-lint".to_owned();
            // It is only worked out for somebody who wants it.
            let edit = (!can.resolves_edits).then(|| edit(&What::FixAll, &looked, &can));
            if edit != Some(None) {
                let edit = edit.flatten();
                actions.push(ticketed(title, kind, What::FixAll, edit, &looked, &can));
            }
        }
        let actions = actions.into_iter().map(CodeActionResponse::CodeAction);
        Ok(Some(actions.collect()))
    }

    pub(super) fn resolve_action(&mut self, mut action: CodeAction) -> Outcome<CodeAction> {
        let can = self.client.can.clone();
        let outdated = || Failure::new(ErrorCode::ContentModified, "the text has changed since");
        let data = action.data.clone().unwrap_or_default();
        let ticket: Ticket = serde_json::from_value(data)
            .map_err(|error| Failure::new(ErrorCode::InvalidParams, error.to_string()))?;
        let looked = self.look(&ticket.uri)?.ok_or_else(outdated)?;
        if looked.document.version != ticket.version {
            return Err(outdated());
        }
        let edit = edit(&ticket.what, &looked, &can).ok_or_else(outdated)?;
        action.edit = Some(edit);
        Ok(action)
    }
}

/// `source.fixAll.runbook-lint` is below `source.fixAll` and `source`.
fn is_below(kind: &str, wanted: &str) -> bool {
    let rest = kind.strip_prefix(wanted);
    rest.is_some_and(|rest| wanted.is_empty() || rest.is_empty() || rest.starts_with('.'))
}

impl Looked<'_> {
    /// The findings whose place, or whose culprit, meets a span of the document.
    fn findings_at(&self, span: Span) -> impl Iterator<Item = &Diagnostic> {
        let findings = self.renderer.snapshot.findings.iter();
        findings.filter(move |it| {
            let meets = |place: Place| {
                Some(place.file) == self.file
                    && place.span.start <= span.end
                    && span.start <= place.span.end
            };
            meets(it.place) || meets(it.culprit_place())
        })
    }

    fn finding(&self, code: &str, start: u32) -> Option<&Diagnostic> {
        let mut findings = self.findings_at(Span::new(start, start));
        findings.find(|it| it.code == code)
    }

    /// Whether a finding in the document has a safe fix.
    fn has_safe_fix(&self) -> bool {
        let is_safe = |fix: &Fix| fix.applicability == Applicability::Safe;
        let file = self.file.into_iter();
        let mut findings = file.flat_map(|it| self.renderer.snapshot.findings_in(it));
        findings.any(|it| it.fixes.first().is_some_and(is_safe))
    }
}

fn quick_fixes(finding: &Diagnostic, looked: &Looked<'_>, can: &Capabilities) -> Vec<CodeAction> {
    let shown = looked.renderer.finding(finding);
    let start = [finding.place, finding.culprit_place()]
        .into_iter()
        .find(|it| Some(it.file) == looked.file)
        .map_or(0, |it| it.span.start);
    let code = finding.code.to_owned();
    let mut actions = Vec::new();
    for fix in &finding.fixes {
        if fix.applicability == Applicability::DisplayOnly {
            continue;
        }
        let what = What::Fix {
            code: code.clone(),
            start,
            title: fix.title.clone(),
        };
        let offered = action(
            capitalized(&fix.title),
            CodeActionKind::QuickFix,
            what,
            looked,
            can,
        );
        actions.extend(offered.map(|it| CodeAction {
            is_preferred:
                (can.prefers_actions && fix.applicability == Applicability::Safe).then_some(true),
            ..it
        }));
    }
    let what = What::Ignore {
        code: code.clone(),
        start,
    };
    // Nothing is offered that cannot be done.
    if edit(&what, looked, can).is_some() {
        let title = format!("Ignore {code} ({}) on this line", finding.name);
        actions.extend(action(title, CodeActionKind::QuickFix, what, looked, can));
    }
    for action in &mut actions {
        action.diagnostics = Some(vec![shown.clone()]);
    }
    actions
}

fn capitalized(title: &str) -> String {
    let mut chars = title.chars();
    let first = chars.next().into_iter().flat_map(char::to_uppercase);
    first.chain(chars).collect()
}

/// The edit comes with the action only if the client cannot ask for it later. An action that the
/// client cannot carry out is not offered.
fn action(
    title: String,
    kind: CodeActionKind,
    what: What,
    looked: &Looked<'_>,
    can: &Capabilities,
) -> Option<CodeAction> {
    let edit = edit(&what, looked, can)?;
    let edit = (!can.resolves_edits).then_some(edit);
    Some(ticketed(title, kind, what, edit, looked, can))
}

fn ticketed(
    title: String,
    kind: CodeActionKind,
    what: What,
    edit: Option<WorkspaceEdit>,
    looked: &Looked<'_>,
    can: &Capabilities,
) -> CodeAction {
    let ticket = Ticket {
        uri: looked.document.uri.clone(),
        version: looked.document.version,
        what,
    };
    let data = serde_json::to_value(ticket).ok();
    CodeAction {
        title,
        kind: Some(kind),
        data: data.filter(|_| can.resolves_edits),
        edit,
        ..CodeAction::default()
    }
}

fn edit(what: &What, looked: &Looked<'_>, can: &Capabilities) -> Option<WorkspaceEdit> {
    match what {
        What::Fix { code, start, title } => {
            let finding = looked.finding(code, *start)?;
            let fix = finding.fixes.iter().find(|it| it.title == *title)?;
            Builder { looked, can }.build(&fix.edits, &fix.new_files, title)
        }
        What::Ignore { code, start } => {
            let finding = looked.finding(code, *start)?;
            let places = [finding.place, finding.culprit_place()];
            let mut places = places.into_iter().filter(|it| Some(it.file) == looked.file);
            let place = places.find(|it| it.span.start == *start)?;
            let comment = Comment::quieting(code, place.span, &looked.document.source)?;
            Builder { looked, can }.with_comment(&comment)
        }
        What::FixAll => {
            let snapshot = looked.renderer.snapshot;
            let changes = looked.project.fixed(snapshot.key(looked.file?))?;
            let (mut edits, mut new) = (Vec::new(), Vec::new());
            for (key, change) in &changes {
                let text = SourceFile::decode(key, &change.after).ok()?.text;
                match snapshot.file(key).filter(|_| change.before.is_some()) {
                    Some(file) => edits.extend(between(file, &snapshot.source(file)?.text, &text)),
                    None => new.push(NewFile {
                        key: key.clone(),
                        text,
                    }),
                }
            }
            Builder { looked, can }.build(&edits, &new, "apply all safe fixes")
        }
    }
}

/// The edits, by whole lines, that make one text of another.
fn between(file: FileId, old: &str, new: &str) -> Vec<Edit> {
    let diff = TextDiff::from_lines(old, new);
    let starts = |lines: &[&str]| {
        let mut at = 0;
        let ends = lines.iter().map(|line| {
            at += line.len();
            at
        });
        let ends: Vec<usize> = ends.collect();
        [vec![0], ends].concat()
    };
    let (of_old, of_new) = (starts(diff.old_slices()), starts(diff.new_slices()));
    let changed = diff.ops().iter().filter(|it| it.tag() != DiffTag::Equal);
    changed
        .map(|it| {
            let (before, after) = (it.old_range(), it.new_range());
            let span = Span::new(of_old[before.start] as u32, of_old[before.end] as u32);
            Edit {
                place: Place { file, span },
                replacement: new[of_new[after.start]..of_new[after.end]].to_owned(),
            }
        })
        .collect()
}

/// A comment that quiets a finding.
struct Comment {
    at: u32,
    text: String,
    /// Where a reason belongs, the comment ends.
    takes_reason: bool,
}

impl Comment {
    /// At the end of the first or last line of the finding, where that is no part of a string.
    fn quieting(code: &str, span: Span, source: &SourceFile) -> Option<Self> {
        let last = span.end.max(span.start + 1) - 1;
        [span.start, last].into_iter().find_map(|offset| {
            let line = source.line_span(source.line(offset));
            let text = source.slice(line);
            let existing = text
                .rfind("runbook-lint: ignore[")
                .and_then(|at| Some(at + text[at..].find(']')?));
            let comment = match existing {
                Some(at) => Self {
                    at: line.start + at as u32,
                    text: format!(", {code}"),
                    takes_reason: false,
                },
                None => Self {
                    at: line.end,
                    text: format!("  # runbook-lint: ignore[{code}]"),
                    takes_reason: true,
                },
            };
            comment.is_comment_in(source).then_some(comment)
        })
    }

    /// Whether Python takes it for a comment.
    fn is_comment_in(&self, source: &SourceFile) -> bool {
        let mut text = source.text.clone();
        text.insert_str(self.at as usize, &self.text);
        let end = self.at + self.text.len() as u32;
        let parsed = syntax::parse(&text);
        parsed
            .comments
            .iter()
            .any(|it| it.span.start < end && end <= it.span.end)
    }
}

/// Makes edits the way the client takes them.
struct Builder<'b> {
    looked: &'b Looked<'b>,
    can: &'b Capabilities,
}

impl Builder<'_> {
    /// `None` if the client cannot make files, and some are to be made.
    fn build(&self, edits: &[Edit], new: &[NewFile], title: &str) -> Option<WorkspaceEdit> {
        if !new.is_empty() && !self.can.creates_files && !self.can.versioned_edits {
            return None;
        }
        let mut by_file: BTreeMap<FileId, Vec<TextEdit>> = BTreeMap::new();
        for edit in edits {
            by_file.entry(edit.place.file).or_default().push(TextEdit {
                range: self.looked.renderer.range(edit.place),
                new_text: edit.replacement.clone(),
            });
        }
        let changes = by_file
            .into_iter()
            .map(|(file, edits)| (self.looked.renderer.path(file), edits));
        if new.is_empty() && !self.can.versioned_edits {
            let changes = changes.map(|(path, edits)| (self.looked.renderer.uri(&path), edits));
            return Some(WorkspaceEdit {
                changes: Some(changes.collect()),
                ..WorkspaceEdit::default()
            });
        }
        let annotates = self.can.annotates_edits && !new.is_empty();
        let mut all = Vec::new();
        for file in new {
            let uri = uri::from_path(&self.looked.renderer.in_root(&file.key));
            if self.can.creates_files {
                all.push(DocumentChange::CreateFile(CreateFile {
                    uri: uri.clone(),
                    options: None,
                    annotation_id: annotates.then(|| ANNOTATION.to_owned()),
                }));
            }
            let text = TextEdit {
                range: Range::default(),
                new_text: file.text.clone(),
            };
            all.push(document_edit(uri, None, vec![text], annotates));
        }
        for (path, edits) in changes {
            let uri = self.looked.renderer.uri(&path);
            let version = self.looked.renderer.version(&path);
            all.push(document_edit(uri, version, edits, annotates));
        }
        let annotation = ChangeAnnotation {
            label: capitalized(title),
            needs_confirmation: None,
            description: Some("makes a new file".to_owned()),
        };
        Some(WorkspaceEdit {
            document_changes: Some(all),
            change_annotations: annotates
                .then(|| [(ANNOTATION.to_owned(), annotation)].into_iter().collect()),
            changes: None,
        })
    }

    /// With the cursor on the reason, where the client can place it.
    fn with_comment(&self, comment: &Comment) -> Option<WorkspaceEdit> {
        let place = Place {
            file: self.looked.file?,
            span: Span::new(comment.at, comment.at),
        };
        let has_snippets = self.can.snippets_in_edits && self.can.versioned_edits;
        if !has_snippets || !comment.takes_reason {
            let edit = Edit {
                place,
                replacement: comment.text.clone(),
            };
            return self.build(&[edit], &[], "");
        }
        let position = self.position(comment.at);
        let text = comment.text.replace('\\', "\\\\").replace('$', "\\$");
        let snippet = SnippetTextEdit {
            range: Range {
                start: position,
                end: position,
            },
            snippet: StringValue {
                value: format!("{text} ${{1:reason}}"),
            },
            annotation_id: None,
        };
        let document = &self.looked.document;
        Some(WorkspaceEdit {
            document_changes: Some(vec![DocumentChange::TextDocumentEdit(TextDocumentEdit {
                text_document: identifier(document.uri.clone(), Some(document.version)),
                edits: vec![snippet.into()],
            })]),
            ..WorkspaceEdit::default()
        })
    }

    fn position(&self, offset: u32) -> Position {
        self.can
            .encoding
            .position(&self.looked.document.source, offset)
    }
}

fn identifier(uri: Uri, version: Option<i32>) -> OptionalVersionedTextDocumentIdentifier {
    OptionalVersionedTextDocumentIdentifier {
        version,
        text_document_identifier: TextDocumentIdentifier { uri },
    }
}

fn document_edit(
    uri: Uri,
    version: Option<i32>,
    edits: Vec<TextEdit>,
    annotates: bool,
) -> DocumentChange {
    let edit = |text_edit: TextEdit| -> lsp_types::Edit {
        if annotates {
            let annotation_id = ANNOTATION.to_owned();
            AnnotatedTextEdit {
                annotation_id,
                text_edit,
            }
            .into()
        } else {
            text_edit.into()
        }
    };
    DocumentChange::TextDocumentEdit(TextDocumentEdit {
        text_document: identifier(uri, version),
        edits: edits.into_iter().map(edit).collect(),
    })
}
