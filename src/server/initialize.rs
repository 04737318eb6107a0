//! What the server tells the client about itself, and what it asks for.

use std::path::PathBuf;

use lsp_types::{
    ChangeNotifications, CodeActionKind, CodeActionOptions, CodeActionProvider, CodeLensOptions,
    CompletionOptions, DefinitionProvider, DiagnosticOptions, DiagnosticProvider,
    DidChangeWatchedFilesRegistrationOptions, DocumentSymbolProvider, FileSystemWatcher,
    HoverProvider, InitializeParams, InitializeResult, Registration, RegistrationParams, Save,
    ServerCapabilities, ServerInfo, TextDocumentSync, TextDocumentSyncKind,
    TextDocumentSyncOptions, WorkspaceFoldersServerCapabilities, WorkspaceOptions,
};

use super::client::Capabilities;
use super::uri;

pub(super) const FIX_ALL: &str = "source.fixAll.runbook-lint";

/// Changes of these files change what is found.
const WATCHED: [&str; 6] = [
    "**/*.py",
    "**/runbook.md",
    "**/runbook-lint.toml",
    "**/pyproject.toml",
    "**/.gitignore",
    "**/{templates,subledgers,migrations}/**",
];

pub(super) fn result(can: &Capabilities) -> InitializeResult {
    InitializeResult {
        capabilities: capabilities(can),
        server_info: Some(ServerInfo {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        }),
    }
}

fn capabilities(can: &Capabilities) -> ServerCapabilities {
    let sync = TextDocumentSyncOptions {
        open_close: Some(true),
        change: Some(TextDocumentSyncKind::Incremental),
        save: Some(Save::Bool(true)),
        ..TextDocumentSyncOptions::default()
    };
    let diagnostics = DiagnosticOptions {
        identifier: Some(env!("CARGO_PKG_NAME").to_owned()),
        inter_file_dependencies: true,
        workspace_diagnostics: true,
        ..DiagnosticOptions::default()
    };
    ServerCapabilities {
        position_encoding: Some(can.encoding.kind()),
        text_document_sync: Some(TextDocumentSync::Options(sync)),
        // Whoever does not pull is sent everything; nobody gets it twice.
        diagnostic_provider: can
            .pulls
            .then_some(DiagnosticProvider::DiagnosticOptions(diagnostics)),
        hover_provider: Some(HoverProvider::Bool(true)),
        definition_provider: Some(DefinitionProvider::Bool(true)),
        document_symbol_provider: Some(DocumentSymbolProvider::Bool(true)),
        code_lens_provider: Some(CodeLensOptions::default()),
        completion_provider: Some(CompletionOptions {
            trigger_characters: Some(["\"", "'", "[", "(", ","].map(str::to_owned).into()),
            ..CompletionOptions::default()
        }),
        code_action_provider: Some(CodeActionProvider::CodeActionOptions(CodeActionOptions {
            code_action_kinds: Some(vec![
                CodeActionKind::QuickFix,
                CodeActionKind::Custom(FIX_ALL.into()),
            ]),
            resolve_provider: Some(true),
            ..CodeActionOptions::default()
        })),
        workspace: Some(WorkspaceOptions {
            workspace_folders: Some(WorkspaceFoldersServerCapabilities {
                supported: Some(true),
                change_notifications: Some(ChangeNotifications::Bool(true)),
            }),
            ..WorkspaceOptions::default()
        }),
        ..ServerCapabilities::default()
    }
}

/// The directories that the editor has open.
#[expect(deprecated, reason = "older clients know nothing else")]
pub(super) fn folders(params: &InitializeParams) -> Vec<PathBuf> {
    use lsp_types::{RootPath, WorkspaceFolders};
    let folders = &params.workspace_folders_initialize_params.workspace_folders;
    if let Some(WorkspaceFolders::WorkspaceFolderList(folders)) = folders {
        return folders
            .iter()
            .filter_map(|it| uri::to_path(&it.uri))
            .collect();
    }
    let root = params.root_uri.as_ref().and_then(uri::to_path);
    let root = root.or_else(|| match &params.root_path {
        Some(RootPath::String(path)) => Some(PathBuf::from(path)).filter(|it| it.is_absolute()),
        Some(RootPath::Null) | None => None,
    });
    root.into_iter().collect()
}

pub(super) fn watchers() -> RegistrationParams {
    let watchers = WATCHED.map(|pattern| FileSystemWatcher {
        glob_pattern: pattern.to_owned().into(),
        kind: None,
    });
    let options = DidChangeWatchedFilesRegistrationOptions {
        watchers: watchers.into(),
    };
    RegistrationParams {
        registrations: vec![Registration {
            id: "watched-files".to_owned(),
            method: "workspace/didChangeWatchedFiles".to_owned(),
            register_options: serde_json::to_value(options).ok(),
        }],
    }
}
