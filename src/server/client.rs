//! The editor: what it can do, and ways to tell it something.

use crossbeam_channel::Sender;
use lsp_server::{Message, Notification, Request, RequestId, Response};
use lsp_types::{
    ClientCapabilities, LogMessageNotification, LogMessageParams, MarkupKind, MessageType,
    ResourceOperationKind, ShowMessageNotification, ShowMessageParams,
};

use super::position::Encoding;

pub(super) struct Client {
    sender: Sender<Message>,
    pub(super) can: Capabilities,
    next_id: i32,
}

/// What the client offers, read once.
#[derive(Debug, Clone)]
pub(super) struct Capabilities {
    pub(super) encoding: Encoding,
    /// Asks for diagnostics; all others get them sent. A client that cannot be told to ask again
    /// would not see what an edit changes in other documents, so it is one of the others.
    pub(super) pulls: bool,
    /// Shows places beside a diagnostic.
    pub(super) related: bool,
    pub(super) links_codes: bool,
    pub(super) watches_files: bool,
    pub(super) shows_progress: bool,
    pub(super) markdown: bool,
    pub(super) snippets: bool,
    pub(super) resolves_edits: bool,
    pub(super) prefers_actions: bool,
    pub(super) versioned_edits: bool,
    pub(super) creates_files: bool,
    pub(super) annotates_edits: bool,
    pub(super) snippets_in_edits: bool,
    pub(super) nests_symbols: bool,
}

impl Capabilities {
    pub(super) fn new(offered: &ClientCapabilities) -> Self {
        let general = offered.general.as_ref();
        let workspace = offered.workspace.as_ref();
        let document = offered.text_document.as_ref();
        let window = offered.window.as_ref();
        let encodings = general.and_then(|it| it.position_encodings.as_deref());
        let pull = document.and_then(|it| it.diagnostic.as_ref());
        let push = document.and_then(|it| it.publish_diagnostics.as_ref());
        // Many clients that pull say what they can show only for what is pushed.
        let shown: Vec<_> = [
            pull.map(|it| &it.diagnostics_capabilities),
            push.map(|it| &it.diagnostics_capabilities),
        ]
        .into_iter()
        .flatten()
        .collect();
        let action = document.and_then(|it| it.code_action.as_ref());
        let edit = workspace.and_then(|it| it.workspace_edit.as_ref());
        let hover = document.and_then(|it| it.hover.as_ref());
        let formats = hover.and_then(|it| it.content_format.as_deref());
        let item = document.and_then(|it| it.completion.as_ref()?.completion_item.as_ref());
        let symbols = document.and_then(|it| it.document_symbol.as_ref());
        let resolved = action.and_then(|it| it.resolve_support.as_ref());
        let operations = edit.and_then(|it| it.resource_operations.as_deref());
        Self {
            encoding: Encoding::negotiate(encodings.unwrap_or_default()),
            pulls: pull.is_some()
                && is(workspace.and_then(|it| it.diagnostics.as_ref()?.refresh_support)),
            related: shown.iter().any(|it| is(it.related_information)),
            links_codes: shown.iter().any(|it| is(it.code_description_support)),
            watches_files: is(
                workspace.and_then(|it| it.did_change_watched_files.as_ref()?.dynamic_registration)
            ),
            shows_progress: is(window.and_then(|it| it.work_done_progress)),
            markdown: formats.unwrap_or_default().contains(&MarkupKind::Markdown),
            snippets: is(item.and_then(|it| it.snippet_support)),
            resolves_edits: resolved.is_some_and(|it| it.properties.iter().any(|it| it == "edit")),
            prefers_actions: is(action.and_then(|it| it.is_preferred_support)),
            versioned_edits: is(edit.and_then(|it| it.document_changes)),
            creates_files: operations
                .unwrap_or_default()
                .contains(&ResourceOperationKind::Create),
            annotates_edits: edit.is_some_and(|it| it.change_annotation_support.is_some()),
            snippets_in_edits: is(edit.and_then(|it| it.snippet_edit_support)),
            nests_symbols: is(symbols.and_then(|it| it.hierarchical_document_symbol_support)),
        }
    }
}

fn is(offered: Option<bool>) -> bool {
    offered.unwrap_or(false)
}

impl Client {
    pub(super) fn new(sender: Sender<Message>, can: Capabilities) -> Self {
        Self {
            sender,
            can,
            next_id: 0,
        }
    }

    /// A client that is gone gets nothing; the end of its input ends the session.
    fn send(&self, message: impl Into<Message>) {
        let _ = self.sender.send(message.into());
    }

    pub(super) fn reply(&self, response: Response) {
        self.send(response);
    }

    pub(super) fn notify<N: lsp_types::Notification>(&self, params: N::Params) {
        self.send(Notification::new(N::METHOD.to_string(), params));
    }

    /// Asks for something whose answer does not matter, so nobody waits for it.
    pub(super) fn request<R: lsp_types::Request>(&mut self, params: R::Params) {
        self.next_id += 1;
        let id = RequestId::from(self.next_id);
        self.send(Request::new(id, R::METHOD.to_string(), params));
    }

    /// For people to see now.
    pub(super) fn show(&self, kind: MessageType, message: String) {
        self.notify::<ShowMessageNotification>(ShowMessageParams { kind, message });
    }

    /// For people who look for it.
    pub(super) fn log(&self, message: String) {
        let kind = MessageType::Warning;
        self.notify::<LogMessageNotification>(LogMessageParams { kind, message });
    }
}
