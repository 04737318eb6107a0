//! How new diagnostics get to clients: those that pull are told when it is worth asking again, all
//! others are sent everything.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use lsp_server::{ErrorCode, Request, RequestId, Response};
use lsp_types::{
    Diagnostic, DiagnosticRefreshRequest, DocumentDiagnosticParams, DocumentDiagnosticReport,
    FullDocumentDiagnosticReport, ProgressToken, PublishDiagnosticsNotification,
    PublishDiagnosticsParams, RelatedFullDocumentDiagnosticReport,
    RelatedUnchangedDocumentDiagnosticReport, UnchangedDocumentDiagnosticReport, Uri,
    WorkspaceDiagnosticParams, WorkspaceDiagnosticReport, WorkspaceDocumentDiagnosticReport,
    WorkspaceFullDocumentDiagnosticReport, WorkspaceUnchangedDocumentDiagnosticReport,
};

use super::delivery::{Shown, progress};
use super::diagnostics::Renderer;
use super::running::{Failure, Outcome, Running};
use super::uri;

/// Documents in one partial result.
const BATCH: usize = 100;

impl Running<'_> {
    /// Shows what has changed to a client that does not ask by itself.
    pub(super) fn deliver(&mut self) {
        if self.client.can.pulls {
            self.refresh();
            self.continue_waiting();
        } else {
            self.publish();
        }
    }

    fn publish(&mut self) {
        for path in self.open_paths() {
            let (diagnostics, shown) = self.present(&path);
            if self.delivery.shown.get(&path) == Some(&shown) {
                continue;
            }
            self.client
                .notify::<PublishDiagnosticsNotification>(PublishDiagnosticsParams {
                    uri: self.documents.uri(&path),
                    version: Some(shown.version),
                    diagnostics,
                });
            self.delivery.shown.insert(path, shown);
        }
    }

    /// Documents that have themselves changed are asked for anyway; others are not.
    fn refresh(&mut self) {
        let mut is_outdated = false;
        for path in self.open_paths() {
            let Some(before) = self.delivery.shown.get(&path).cloned() else {
                continue;
            };
            let (_, now) = self.present(&path);
            if before.version == now.version && before.result != now.result {
                is_outdated = true;
                // Whether the client asks again is up to it; it is told once.
                self.delivery.shown.insert(path, now);
            }
        }
        if is_outdated {
            self.client.request::<DiagnosticRefreshRequest>(());
        }
    }

    fn open_paths(&self) -> Vec<PathBuf> {
        let open = self.documents.iter();
        open.map(|(path, _)| path.clone()).collect()
    }

    /// What there is to show of a file.
    fn present(&self, path: &Path) -> (Vec<Diagnostic>, Shown) {
        let diagnostics = self.workspace.project_of(path).map_or_else(Vec::new, |it| {
            let renderer = Renderer::new(it, &self.documents, &self.client.can);
            let file = it.snapshot().file(&it.key(path));
            file.map_or_else(Vec::new, |file| renderer.of(file))
        });
        let shown = Shown {
            version: self.documents.get(path).map_or(0, |it| it.version),
            result: self.result_id(path, &diagnostics),
        };
        (diagnostics, shown)
    }

    /// The same only for the same diagnostics, down to the places that they point to in other
    /// files. Clients forget what they had when a document is closed, so each opening has its own.
    fn result_id(&self, path: &Path, diagnostics: &[Diagnostic]) -> String {
        let mut hasher = DefaultHasher::new();
        diagnostics.hash(&mut hasher);
        let opening = self.documents.get(path).map_or(0, |it| it.opening);
        format!("{opening}:{:016x}", hasher.finish())
    }

    pub(super) fn document_diagnostics(
        &mut self,
        params: DocumentDiagnosticParams,
    ) -> Outcome<DocumentDiagnosticReport> {
        self.update().map_err(|_| ask_again())?;
        let Some(path) = uri::to_path(&params.text_document.uri) else {
            let report = RelatedFullDocumentDiagnosticReport::default();
            return Ok(report.into());
        };
        let (items, shown) = self.present(&path);
        let result_id = shown.result.clone();
        self.delivery.shown.insert(path, shown);
        if params.previous_result_id.as_deref() == Some(&result_id) {
            let report = RelatedUnchangedDocumentDiagnosticReport {
                related_documents: None,
                unchanged_document_diagnostic_report: UnchangedDocumentDiagnosticReport {
                    result_id,
                },
            };
            return Ok(report.into());
        }
        let report = RelatedFullDocumentDiagnosticReport {
            related_documents: None,
            full_document_diagnostic_report: FullDocumentDiagnosticReport {
                result_id: Some(result_id),
                items,
            },
        };
        Ok(report.into())
    }

    /// The answer, or `None` if nothing is new: then it is given when something is.
    pub(super) fn workspace_diagnostics(
        &mut self,
        request: Request,
    ) -> Outcome<Option<serde_json::Value>> {
        let params: WorkspaceDiagnosticParams = serde_json::from_value(request.params)
            .map_err(|error| Failure::new(ErrorCode::InvalidParams, error.to_string()))?;
        self.update().map_err(|_| ask_again())?;
        let items = self.workspace_items(&params);
        let is_new = items.iter().any(|it| !is_unchanged(it));
        if !is_new && !params.previous_result_ids.is_empty() {
            let waiting = self.delivery.waiting.replace((request.id, params));
            if let Some((id, _)) = waiting {
                self.client
                    .reply(Response::new_ok(id, WorkspaceDiagnosticReport::default()));
            }
            return Ok(None);
        }
        let report = self.in_parts(items, params.partial_result_params.partial_result_token);
        Ok(serde_json::to_value(report).ok())
    }

    fn continue_waiting(&mut self) {
        let Some((id, params)) = self.delivery.waiting.take() else {
            return;
        };
        let items = self.workspace_items(&params);
        if items.iter().all(is_unchanged) {
            self.delivery.waiting = Some((id, params));
            return;
        }
        let token = params.partial_result_params.partial_result_token;
        let report = self.in_parts(items, token);
        self.client.reply(Response::new_ok(id, report));
    }

    pub(super) fn cancel(&mut self, id: &RequestId) {
        if let Some((waiting, _)) = self.delivery.waiting.take_if(|(waiting, _)| waiting == id) {
            let code = ErrorCode::RequestCanceled as i32;
            let message = "the request was cancelled".to_owned();
            self.client.reply(Response::new_err(waiting, code, message));
        }
    }

    /// The diagnostics of all files that have some, and of those that had some when the client
    /// asked before.
    fn workspace_items(
        &self,
        params: &WorkspaceDiagnosticParams,
    ) -> Vec<WorkspaceDocumentDiagnosticReport> {
        let mut known: BTreeMap<PathBuf, (Uri, String)> = BTreeMap::new();
        for previous in &params.previous_result_ids {
            if let Some(path) = uri::to_path(&previous.uri) {
                known.insert(path, (previous.uri.clone(), previous.value.clone()));
            }
        }
        let mut items = Vec::new();
        for project in self.workspace.projects() {
            let renderer = Renderer::new(project, &self.documents, &self.client.can);
            for (file, diagnostics) in renderer.all() {
                let path = renderer.path(file);
                // Of two projects that know a file, one decides.
                let decides = self.workspace.project_of(&path);
                if decides.is_none_or(|it| it.root() != project.root()) {
                    continue;
                }
                let previous = known.remove(&path);
                items.push(self.workspace_item(&path, diagnostics, previous));
            }
        }
        for (path, previous) in known {
            let is_empty = previous.1 == self.result_id(&path, &[]);
            let (diagnostics, _) = self.present(&path);
            if !is_empty {
                items.push(self.workspace_item(&path, diagnostics, Some(previous)));
            }
        }
        items
    }

    fn workspace_item(
        &self,
        path: &Path,
        items: Vec<Diagnostic>,
        previous: Option<(Uri, String)>,
    ) -> WorkspaceDocumentDiagnosticReport {
        let result_id = self.result_id(path, &items);
        let version = self.documents.get(path).map(|it| it.version);
        let (uri, previous) = previous.unzip();
        let uri = uri.unwrap_or_else(|| self.documents.uri(path));
        if previous.as_ref() == Some(&result_id) {
            let unchanged_document_diagnostic_report =
                UnchangedDocumentDiagnosticReport { result_id };
            let report = WorkspaceUnchangedDocumentDiagnosticReport {
                uri,
                version,
                unchanged_document_diagnostic_report,
            };
            return report.into();
        }
        let report = WorkspaceFullDocumentDiagnosticReport {
            uri,
            version,
            full_document_diagnostic_report: FullDocumentDiagnosticReport {
                result_id: Some(result_id),
                items,
            },
        };
        report.into()
    }

    /// Sends the items ahead in parts if the client takes them.
    fn in_parts(
        &self,
        items: Vec<WorkspaceDocumentDiagnosticReport>,
        token: Option<ProgressToken>,
    ) -> WorkspaceDiagnosticReport {
        let Some(token) = token else {
            return WorkspaceDiagnosticReport { items };
        };
        for part in items.chunks(BATCH) {
            let part = WorkspaceDiagnosticReport {
                items: part.to_vec(),
            };
            progress(&self.client, token.clone(), part);
        }
        WorkspaceDiagnosticReport::default()
    }
}

fn is_unchanged(item: &WorkspaceDocumentDiagnosticReport) -> bool {
    matches!(
        item,
        WorkspaceDocumentDiagnosticReport::WorkspaceUnchangedDocumentDiagnosticReport(_)
    )
}

/// An edit came in between; the client is to ask for the new text.
fn ask_again() -> Failure {
    let message = "the text has changed since";
    Failure {
        data: Some(serde_json::json!({ "retriggerRequest": true })),
        ..Failure::new(ErrorCode::ServerCancelled, message)
    }
}
