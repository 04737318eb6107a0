//! Who has been shown which diagnostics.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lsp_server::RequestId;
use lsp_types::{
    ProgressNotification, ProgressParams, ProgressToken, PublishDiagnosticsNotification,
    PublishDiagnosticsParams, WorkDoneProgressBegin, WorkDoneProgressCreateParams,
    WorkDoneProgressCreateRequest, WorkDoneProgressEnd, WorkspaceDiagnosticParams,
};

use super::client::Client;
use super::documents::Document;

#[derive(Default)]
pub(super) struct Delivery {
    /// What was shown of each open document.
    pub(super) shown: BTreeMap<PathBuf, Shown>,
    /// A request for everything that is answered when there is something new.
    pub(super) waiting: Option<(RequestId, WorkspaceDiagnosticParams)>,
    pub(super) progress: i32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) version: i32,
    pub(super) result: String,
}

impl Delivery {
    /// A closed document keeps no diagnostics that were sent.
    pub(super) fn closed(&mut self, path: &Path, document: Document, client: &Client) {
        self.shown.remove(path);
        if !client.can.pulls {
            client.notify::<PublishDiagnosticsNotification>(PublishDiagnosticsParams {
                uri: document.uri,
                version: None,
                diagnostics: Vec::new(),
            });
        }
    }

    pub(super) fn begin_progress(&mut self, client: &mut Client) -> ProgressToken {
        self.progress += 1;
        let token = ProgressToken::String(format!("analysis-{}", self.progress));
        client.request::<WorkDoneProgressCreateRequest>(WorkDoneProgressCreateParams {
            token: token.clone(),
        });
        let begin = WorkDoneProgressBegin {
            title: "runbook-lint: reading the project".to_owned(),
            ..WorkDoneProgressBegin::default()
        };
        progress(client, token.clone(), begin);
        token
    }

    pub(super) fn end_progress(&self, token: ProgressToken, client: &Client) {
        progress(client, token, WorkDoneProgressEnd::default());
    }
}

pub(super) fn progress(client: &Client, token: ProgressToken, value: impl serde::Serialize) {
    if let Ok(value) = serde_json::to_value(value) {
        client.notify::<ProgressNotification>(ProgressParams { token, value });
    }
}
