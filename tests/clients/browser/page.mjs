// CodeMirror with its client, connected to the server behind the bridge.

import { python } from "@codemirror/lang-python";
import { LSPClient, languageServerExtensions } from "@codemirror/lsp-client";
import { basicSetup, EditorView } from "codemirror";

const { root, file, text } = await (await fetch("/document")).json();
const socket = new WebSocket(`ws://${location.host}/server`);
const handlers = new Set();
socket.onmessage = (event) => handlers.forEach((handle) => handle(event.data));
await new Promise((resolve) => {
  socket.onopen = resolve;
});
const transport = {
  send: (message) => socket.send(message),
  subscribe: (handle) => handlers.add(handle),
  unsubscribe: (handle) => handlers.delete(handle),
};
const client = new LSPClient({ rootUri: root, extensions: languageServerExtensions() });
client.connect(transport);
globalThis.client = client;
globalThis.file = file;
globalThis.view = new EditorView({
  doc: text,
  extensions: [basicSetup, python(), client.plugin(file)],
  parent: document.body,
});
