//! The state of a session, and what each message does to it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use crossbeam_channel::{Receiver, Sender, TryRecvError};
use lsp_server::{ErrorCode, Message, Notification, Request, RequestId, Response, ResponseError};
use lsp_types::{
    CodeActionRequest, CodeActionResolveRequest, CodeLensRequest, CompletionRequest,
    DefinitionRequest, DidChangeTextDocumentNotification, DidChangeTextDocumentParams,
    DidChangeWatchedFilesNotification, DidChangeWorkspaceFoldersNotification,
    DidChangeWorkspaceFoldersParams, DidCloseTextDocumentNotification, DidCloseTextDocumentParams,
    DidOpenTextDocumentNotification, DidSaveTextDocumentNotification, DocumentDiagnosticRequest,
    DocumentSymbolRequest, FileChangeType, FileEvent, HoverRequest, InitializeParams, MessageType,
    RegistrationRequest,
};
use serde_json::Value;

use super::client::{Capabilities, Client};
use super::control::{self, Control};
use super::delivery::Delivery;
use super::documents::Documents;
use super::running::{Failure, Outcome, Running};
use super::workspace::{Analyse, Said, Stale, Workspace};
use super::{initialize, uri};
use crate::Status;

pub(super) struct Session<'c> {
    sender: Sender<Message>,
    control: &'c Control,
    analyse: Analyse,
    /// How many edits have been handled.
    edits: u64,
    phase: Phase<'c>,
}

#[expect(clippy::large_enum_variant, reason = "there is one of them")]
enum Phase<'c> {
    Uninitialized,
    Running(Running<'c>),
    ShutDown,
}

impl<'c> Session<'c> {
    pub(super) fn new(sender: Sender<Message>, control: &'c Control, analyse: Analyse) -> Self {
        Self {
            sender,
            control,
            analyse,
            edits: 0,
            phase: Phase::Uninitialized,
        }
    }

    /// Handles messages in their order; in between, shows what has changed.
    pub(super) fn run(mut self, inbox: &Receiver<Message>) -> Status {
        loop {
            let message = match inbox.try_recv() {
                Ok(message) => Ok(message),
                Err(TryRecvError::Disconnected) => break,
                Err(TryRecvError::Empty) => {
                    if let Phase::Running(running) = &mut self.phase {
                        running.rest();
                    }
                    inbox.recv()
                }
            };
            match message {
                Ok(Message::Notification(it)) if it.method == "exit" => break,
                Ok(Message::Notification(it)) => self.notification(it),
                Ok(Message::Request(it)) => self.request(it),
                // Nothing is asked whose answer matters.
                Ok(Message::Response(_)) => {}
                Err(_) => break,
            }
        }
        match self.phase {
            // A client that never began, or that is gone, is no mistake of ours.
            Phase::ShutDown | Phase::Uninitialized => Status::Clean,
            Phase::Running(_) => Status::Failure,
        }
    }

    fn request(&mut self, request: Request) {
        let id = request.id.clone();
        let outcome = if self.control.is_cancelled(&id) {
            let message = "the request was cancelled";
            Err(Failure::new(ErrorCode::RequestCanceled, message))
        } else {
            self.handle(request)
        };
        let response = match outcome {
            Ok(None) => return,
            Ok(Some(result)) => Response::new_ok(id, result),
            Err(failure) => failed(id, failure),
        };
        let _ = self.sender.send(response.into());
    }

    /// The answer, or `None` if it comes later.
    fn handle(&mut self, request: Request) -> Outcome<Option<Value>> {
        match (&mut self.phase, request.method.as_str()) {
            (Phase::Uninitialized, "initialize") => self.initialize(request.params).map(Some),
            (Phase::Uninitialized, _) => {
                let message = "the first request has to be `initialize`";
                Err(Failure::new(ErrorCode::ServerNotInitialized, message))
            }
            (Phase::Running(_), "shutdown") => {
                self.phase = Phase::ShutDown;
                Ok(Some(Value::Null))
            }
            (Phase::Running(_), "initialize") | (Phase::ShutDown, _) => {
                let message = "this request does not belong here";
                Err(Failure::new(ErrorCode::InvalidRequest, message))
            }
            (Phase::Running(running), _) => {
                let handle = || running.request(request);
                catch_unwind(AssertUnwindSafe(handle)).unwrap_or_else(|_| Err(Failure::bug()))
            }
        }
    }

    fn initialize(&mut self, params: Value) -> Outcome<Value> {
        let params: InitializeParams =
            serde_json::from_value(params).map_err(|error| Failure::params(&error))?;
        let can = Capabilities::new(&params.capabilities);
        let result = initialize::result(&can);
        let mut workspace = Workspace::new(self.analyse);
        for folder in initialize::folders(&params) {
            workspace.add_folder(folder);
        }
        self.phase = Phase::Running(Running {
            client: Client::new(self.sender.clone(), can),
            documents: Documents::default(),
            workspace,
            delivery: Delivery::default(),
            control: self.control,
            edits: self.edits,
        });
        serde_json::to_value(result).map_err(|error| Failure::params(&error))
    }

    fn notification(&mut self, notification: Notification) {
        self.edits += u64::from(control::is_edit(&notification.method));
        let cancelled = (notification.method == "$/cancelRequest")
            .then(|| control::cancelled(&notification.params))
            .flatten();
        if let Some(id) = &cancelled {
            self.control.forget(id);
        }
        let Phase::Running(running) = &mut self.phase else {
            return;
        };
        running.edits = self.edits;
        if let Some(id) = cancelled {
            running.cancel(&id);
            return;
        }
        let method = notification.method.clone();
        let handle = || running.notification(notification);
        let outcome =
            catch_unwind(AssertUnwindSafe(handle)).unwrap_or_else(|_| Err(Failure::bug()));
        if let Err(failure) = outcome {
            running.client.log(format!("{method}: {}", failure.message));
        }
    }
}

fn failed(id: RequestId, failure: Failure) -> Response {
    Response {
        id,
        response_result: Err(ResponseError {
            code: failure.code as i32,
            message: failure.message,
            data: failure.data,
        }),
    }
}

impl Running<'_> {
    fn request(&mut self, request: Request) -> Outcome<Option<Value>> {
        match request.method.as_str() {
            "textDocument/diagnostic" => {
                self.answer::<DocumentDiagnosticRequest>(request, Self::document_diagnostics)
            }
            "textDocument/hover" => self.answer::<HoverRequest>(request, Self::hover),
            "textDocument/completion" => {
                self.answer::<CompletionRequest>(request, Self::completion)
            }
            "textDocument/definition" => {
                self.answer::<DefinitionRequest>(request, Self::definition)
            }
            "textDocument/documentSymbol" => {
                self.answer::<DocumentSymbolRequest>(request, Self::document_symbols)
            }
            "textDocument/codeLens" => self.answer::<CodeLensRequest>(request, Self::code_lenses),
            "textDocument/codeAction" => {
                self.answer::<CodeActionRequest>(request, Self::code_actions)
            }
            "codeAction/resolve" => {
                self.answer::<CodeActionResolveRequest>(request, Self::resolve_action)
            }
            "workspace/diagnostic" => self.workspace_diagnostics(request),
            method => Err(Failure::method(method)),
        }
    }

    fn answer<R: lsp_types::Request>(
        &mut self,
        request: Request,
        handle: fn(&mut Self, R::Params) -> Outcome<R::Result>,
    ) -> Outcome<Option<Value>> {
        let params = serde_json::from_value(request.params);
        let result = handle(self, params.map_err(|error| Failure::params(&error))?)?;
        let value = serde_json::to_value(result);
        value.map(Some).map_err(|error| Failure::params(&error))
    }

    fn notification(&mut self, notification: Notification) -> Outcome<()> {
        match notification.method.as_str() {
            "initialized" => {
                if self.client.can.watches_files {
                    self.client
                        .request::<RegistrationRequest>(initialize::watchers());
                }
                Ok(())
            }
            "textDocument/didOpen" => {
                self.take::<DidOpenTextDocumentNotification>(notification, |it, params| {
                    if let Some(path) = it.documents.open(params.text_document) {
                        it.opened(&path);
                    }
                })
            }
            "textDocument/didChange" => {
                self.take::<DidChangeTextDocumentNotification>(notification, Self::changed)
            }
            "textDocument/didClose" => {
                self.take::<DidCloseTextDocumentNotification>(notification, Self::closed)
            }
            "textDocument/didSave" => {
                self.take::<DidSaveTextDocumentNotification>(notification, |it, params| {
                    // Nobody else tells us about files that came and went.
                    if let Some(path) = uri::to_path(&params.text_document.uri)
                        && !it.client.can.watches_files
                    {
                        it.workspace.spoil(&path, Stale::Settings);
                    }
                })
            }
            "workspace/didChangeWatchedFiles" => {
                self.take::<DidChangeWatchedFilesNotification>(notification, |it, params| {
                    params.changes.iter().for_each(|event| it.watched(event));
                })
            }
            "workspace/didChangeWorkspaceFolders" => self
                .take::<DidChangeWorkspaceFoldersNotification>(notification, Self::folders_changed),
            "workspace/didChangeConfiguration" => {
                self.workspace.spoil_all(Stale::Settings);
                Ok(())
            }
            // The protocol allows to ignore these.
            _ => Ok(()),
        }
    }

    fn take<N: lsp_types::Notification>(
        &mut self,
        notification: Notification,
        handle: impl FnOnce(&mut Self, N::Params),
    ) -> Outcome<()> {
        let params = serde_json::from_value(notification.params);
        handle(self, params.map_err(|error| Failure::params(&error))?);
        Ok(())
    }

    fn changed(&mut self, params: DidChangeTextDocumentParams) {
        let encoding = self.client.can.encoding;
        let id = params.text_document;
        let uri = &id.text_document_identifier.uri;
        let changes = params.content_changes;
        if let Some(path) = self.documents.change(uri, id.version, changes, encoding) {
            self.workspace.update_text(&path, &self.documents);
        }
    }

    fn closed(&mut self, params: DidCloseTextDocumentParams) {
        if let Some((path, document)) = self.documents.close(&params.text_document.uri) {
            self.workspace.update_text(&path, &self.documents);
            self.workspace.close(&path, &self.documents);
            self.delivery.closed(&path, document, &self.client);
        }
    }

    fn folders_changed(&mut self, params: DidChangeWorkspaceFoldersParams) {
        for folder in &params.event.removed {
            if let Some(path) = uri::to_path(&folder.uri) {
                self.workspace.remove_folder(&path);
            }
        }
        for folder in params.event.added {
            if let Some(path) = uri::to_path(&folder.uri) {
                self.workspace.add_folder(path);
            }
        }
        self.reopen();
    }

    fn opened(&mut self, path: &Path) {
        self.workspace.open_for(path);
        if self.workspace.may_be_new(path) {
            self.workspace.spoil(path, Stale::Files);
        }
        self.workspace.update_text(path, &self.documents);
    }

    /// Which project a document belongs to may have changed.
    fn reopen(&mut self) {
        let paths: Vec<_> = self
            .documents
            .iter()
            .map(|(path, _)| path.clone())
            .collect();
        for path in paths {
            self.workspace.open_for(&path);
        }
        self.workspace.spoil_all(Stale::Files);
    }

    fn watched(&mut self, event: &FileEvent) {
        let Some(path) = uri::to_path(&event.uri) else {
            return;
        };
        let name = path.file_name().and_then(|it| it.to_str());
        if matches!(
            name,
            Some("runbook-lint.toml" | "pyproject.toml" | ".gitignore")
        ) {
            self.workspace.spoil_all(Stale::Settings);
            self.reopen();
        } else if event.kind != FileChangeType::Changed {
            self.workspace.spoil(&path, Stale::Files);
        } else if self.documents.get(&path).is_none() {
            self.workspace.spoil(&path, Stale::Texts);
        }
    }

    /// Brings everything up to date. Fails if an edit is waiting that would outdate it.
    pub(super) fn update(&mut self) -> Outcome<()> {
        let is_interrupted = self.control.interrupt(self.edits);
        let progress = self.workspace.has_new() && self.workspace.is_stale();
        let progress = (progress && self.client.can.shows_progress)
            .then(|| self.delivery.begin_progress(&mut self.client));
        let client = &self.client;
        let say = |root: &Path, said| report(client, root, said);
        let is_complete = self.workspace.update(&self.documents, &is_interrupted, say);
        if let Some(token) = progress {
            self.delivery.end_progress(token, &self.client);
        }
        if is_complete {
            return Ok(());
        }
        let message = "the text has changed since";
        Err(Failure::new(ErrorCode::ContentModified, message))
    }

    /// Nothing is left to handle.
    fn rest(&mut self) {
        if self.update().is_ok() {
            self.deliver();
        }
    }
}

/// Tells people what they should know of an update.
fn report(client: &Client, root: &Path, said: Said) {
    for warning in said.warnings {
        client.show(MessageType::Warning, format!("runbook-lint: {warning}"));
    }
    if let Some(error) = said.broken_configuration {
        let message = format!(
            "runbook-lint uses the configuration as it was before, since it cannot be read now: {error}"
        );
        client.show(MessageType::Error, message);
    }
    if let Some(panic) = said.panic {
        let message = format!(
            "runbook-lint could not analyse `{}` and shows what it found before. This is a bug; please report it at {}/issues: {panic}",
            root.display(),
            env!("CARGO_PKG_REPOSITORY")
        );
        client.show(MessageType::Error, message);
    }
}
