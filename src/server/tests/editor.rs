//! An editor for tests: it talks to a server in the same process and remembers what it is told.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::Duration;

use lsp_server::{Connection, Message, Notification, Request, RequestId, Response};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::Status;
use crate::server::snapshot::Snapshot;
use crate::server::workspace::Analyse;

/// Nothing in these tests takes nearly as long.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) struct Editor {
    connection: Connection,
    server: Option<JoinHandle<anyhow::Result<Status>>>,
    pub(super) directory: TempDir,
    pub(super) capabilities: Value,
    next_id: i32,
    /// The last diagnostics that were sent, by the name of the file, with their version.
    pub(super) published: BTreeMap<String, (Value, Value)>,
    /// All other messages that nobody asked for.
    pub(super) heard: Vec<Value>,
}

/// What a client can do that pulls diagnostics and knows everything.
pub(super) fn able(encoding: &str) -> Value {
    json!({
        "general": { "positionEncodings": [encoding, "utf-16"] },
        "window": { "workDoneProgress": true },
        "workspace": {
            "diagnostics": { "refreshSupport": true },
            "didChangeWatchedFiles": { "dynamicRegistration": true },
            "workspaceEdit": {
                "documentChanges": true,
                "resourceOperations": ["create", "rename", "delete"],
                "snippetEditSupport": true,
            },
        },
        "textDocument": {
            "diagnostic": { "relatedInformation": true, "codeDescriptionSupport": true },
            "hover": { "contentFormat": ["markdown"] },
            "completion": { "completionItem": { "snippetSupport": true } },
            "documentSymbol": { "hierarchicalDocumentSymbolSupport": true },
            "codeAction": {
                "isPreferredSupport": true,
                "dataSupport": true,
                "resolveSupport": { "properties": ["edit"] },
            },
        },
    })
}

/// What a client can do that gets diagnostics sent, in UTF-16.
pub(super) fn plain() -> Value {
    json!({ "textDocument": { "publishDiagnostics": { "relatedInformation": true } } })
}

impl Editor {
    /// A project with these files, opened by a client with these capabilities.
    pub(super) fn new(files: &[(&str, &str)], capabilities: Value) -> Self {
        let mut editor = Self::uninitialized(files, Snapshot::take);
        editor.capabilities = capabilities;
        editor.initialize(&[""]);
        editor
    }

    pub(super) fn uninitialized(files: &[(&str, &str)], analyse: Analyse) -> Self {
        let directory = TempDir::new().expect("a directory");
        let (server, connection) = Connection::memory();
        let server = std::thread::spawn(move || crate::server::serve(server, analyse));
        let editor = Self {
            connection,
            server: Some(server),
            directory,
            capabilities: Value::Null,
            next_id: 0,
            published: BTreeMap::new(),
            heard: Vec::new(),
        };
        for (path, text) in files {
            editor.write(path, text);
        }
        editor
    }

    /// Opens these folders, which are relative to the directory.
    pub(super) fn initialize(&mut self, folders: &[&str]) -> Value {
        let folders: Vec<Value> = folders
            .iter()
            .map(|it| json!({ "uri": self.uri(it), "name": it }))
            .collect();
        let capabilities = self.capabilities.clone();
        let params = json!({
            "processId": null,
            "rootUri": null,
            "capabilities": capabilities,
            "workspaceFolders": folders,
        });
        let result = self.ask("initialize", params);
        self.tell("initialized", json!({}));
        result
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a directory")).expect("it can be made");
        fs::write(path, text).expect("it can be written");
    }

    pub(super) fn uri(&self, name: &str) -> String {
        crate::server::uri::from_path(&self.path(name)).0
    }

    pub(super) fn document(&self, name: &str) -> Value {
        json!({ "uri": self.uri(name) })
    }

    pub(super) fn tell(&self, method: &str, params: Value) {
        let message = Notification::new(method.to_owned(), params);
        self.connection
            .sender
            .send(message.into())
            .expect("the server listens");
    }

    pub(super) fn begin(&mut self, method: &str, params: Value) -> RequestId {
        self.next_id += 1;
        let id = RequestId::from(self.next_id);
        let request = Request::new(id.clone(), method.to_owned(), params);
        self.connection
            .sender
            .send(request.into())
            .expect("the server listens");
        id
    }

    /// The answer to a request, be it good or bad.
    pub(super) fn finish(&mut self, id: &RequestId) -> Response {
        loop {
            if let Message::Response(response) = self.next() {
                assert_eq!(response.id, *id, "{response:?}");
                return response;
            }
        }
    }

    pub(super) fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.begin(method, params);
        let response = self.finish(&id);
        response
            .response_result
            .unwrap_or_else(|error| panic!("{method}: {error:?}"))
    }

    /// The code of the error that a request gets.
    pub(super) fn refused(&mut self, method: &str, params: Value) -> i32 {
        let id = self.begin(method, params);
        let response = self.finish(&id);
        response.response_result.expect_err("it fails").code
    }

    /// The next message from the server. Requests of the server are answered.
    pub(super) fn next(&mut self) -> Message {
        let message = self.connection.receiver.recv_timeout(PATIENCE);
        let message = message.expect("the server says something");
        match &message {
            Message::Request(request) => {
                let answer = Response::new_ok(request.id.clone(), Value::Null);
                let _ = self.connection.sender.send(answer.into());
                self.heard
                    .push(json!({ "method": request.method, "params": request.params }));
            }
            Message::Notification(it) if it.method == "textDocument/publishDiagnostics" => {
                let uri = it.params["uri"].as_str().expect("a name");
                let name = self.name(uri);
                let version = it.params["version"].clone();
                let items = it.params["diagnostics"].clone();
                self.published.insert(name, (version, items));
            }
            Message::Notification(it) => {
                self.heard
                    .push(json!({ "method": it.method, "params": it.params }));
            }
            Message::Response(_) => {}
        }
        message
    }

    /// The name of a file of the project.
    pub(super) fn name(&self, uri: &str) -> String {
        let base = self.uri("");
        let name = uri.strip_prefix(&base);
        name.unwrap_or_else(|| panic!("{uri} is not in {base}"))
            .to_owned()
    }

    /// Waits for diagnostics of a version of a file.
    pub(super) fn published(&mut self, name: &str, version: i32) -> Value {
        loop {
            if let Some((at, items)) = self.published.get(name)
                && *at == version
            {
                return items.clone();
            }
            self.next();
        }
    }

    /// Waits until the server has said something with this method.
    pub(super) fn hear(&mut self, method: &str) -> Value {
        loop {
            if let Some(at) = self.heard.iter().position(|it| it["method"] == method) {
                return self.heard.remove(at)["params"].clone();
            }
            self.next();
        }
    }

    pub(super) fn open(&self, name: &str, text: &str) {
        let document = json!({
            "uri": self.uri(name), "languageId": "python", "version": 1, "text": text,
        });
        self.tell("textDocument/didOpen", json!({ "textDocument": document }));
    }

    /// Opens a file as it is on disk.
    pub(super) fn open_saved(&self, name: &str) -> String {
        let text = fs::read_to_string(self.path(name)).expect("it can be read");
        self.open(name, &text);
        text
    }

    /// Replaces a document.
    pub(super) fn change(&self, name: &str, version: i32, text: &str) {
        self.edit(name, version, json!([{ "text": text }]));
    }

    pub(super) fn edit(&self, name: &str, version: i32, changes: Value) {
        let document = json!({ "uri": self.uri(name), "version": version });
        self.tell(
            "textDocument/didChange",
            json!({ "textDocument": document, "contentChanges": changes }),
        );
    }

    pub(super) fn close(&self, name: &str) {
        let params = json!({ "textDocument": self.document(name) });
        self.tell("textDocument/didClose", params);
    }

    /// The diagnostics of a document, asked for until no edit comes between.
    pub(super) fn pull(&mut self, name: &str) -> Value {
        let params = json!({ "textDocument": self.document(name) });
        self.ask("textDocument/diagnostic", params)["items"].clone()
    }
}

impl Drop for Editor {
    /// The session ends as it should, whatever it went through.
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let id = self.begin("shutdown", Value::Null);
        self.finish(&id);
        self.tell("exit", Value::Null);
        let server = self.server.take().expect("it runs");
        let status = server.join().expect("it does not panic");
        assert_eq!(status.expect("it ends"), Status::Clean);
    }
}

/// The text of a range, for an encoding.
pub(super) fn text_at<'t>(text: &'t str, range: &Value, encoding: &str) -> &'t str {
    let at = |position: &Value| {
        let line = position["line"].as_u64().expect("a line") as usize;
        let column = position["character"].as_u64().expect("a column") as usize;
        let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
        let width = |c: char| match encoding {
            "utf-8" => c.len_utf8(),
            "utf-16" => c.len_utf16(),
            _ => 1,
        };
        let mut left = column;
        let mut bytes = 0;
        for c in text[start..].chars() {
            if left == 0 {
                break;
            }
            left -= width(c);
            bytes += c.len_utf8();
        }
        start + bytes
    };
    &text[at(&range["start"])..at(&range["end"])]
}

/// The codes of diagnostics.
pub(super) fn codes(items: &Value) -> Vec<&str> {
    let items = items.as_array().expect("a list");
    items
        .iter()
        .map(|it| it["code"].as_str().expect("a code"))
        .collect()
}
