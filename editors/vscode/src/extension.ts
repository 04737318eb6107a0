// Finds runbook-lint and lets it serve the editor.

import * as vscode from "vscode";
import { LanguageClient, type LanguageClientOptions, type ServerOptions } from "vscode-languageclient/node";

import { locate, type ImportStrategy } from "./locate";

const NAME = "runbook-lint";

let client: LanguageClient | undefined;
/** Starts and stops wait for one another. */
let queue: Promise<void> = Promise.resolve();

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const log = vscode.window.createOutputChannel(NAME, { log: true });
  const restart = (): Promise<void> => {
    queue = queue.then(stop).then(() => start(log));
    return queue;
  };
  context.subscriptions.push(
    log,
    vscode.commands.registerCommand("runbook-lint.restart", restart),
    vscode.commands.registerCommand("runbook-lint.showLog", () => {
      log.show();
    }),
    vscode.workspace.onDidChangeConfiguration((event) => {
      const decisive = ["path", "importStrategy"].map((it) => `${NAME}.${it}`);
      if (decisive.some((it) => event.affectsConfiguration(it))) {
        void restart();
      }
    }),
    vscode.workspace.onDidGrantWorkspaceTrust(restart),
  );
  await restart();
}

export async function deactivate(): Promise<void> {
  await queue.then(stop);
}

async function start(log: vscode.LogOutputChannel): Promise<void> {
  const settings = vscode.workspace.getConfiguration(NAME);
  const folders = vscode.workspace.workspaceFolders ?? [];
  const program = locate(
    settings.get<string>("path", ""),
    settings.get<ImportStrategy>("importStrategy", "fromEnvironment"),
    // A folder that is not trusted does not choose what is started.
    vscode.workspace.isTrusted ? folders.map((it) => it.uri.fsPath) : [],
  );
  log.info(`starting ${program} server`);
  const server: ServerOptions = { command: program, args: ["server"] };
  const options: LanguageClientOptions = {
    documentSelector: [
      { scheme: "file", language: "python" },
      { scheme: "file", pattern: "**/runbook.md" },
    ],
    outputChannel: log,
  };
  const starting = new LanguageClient(NAME, NAME, server, options);
  try {
    await starting.start();
    client = starting;
  } catch (error) {
    log.error(String(error));
    const install = "Install it with `pip install runbook-lint`, or set `runbook-lint.path`.";
    void vscode.window.showErrorMessage(`${program} could not be started. ${install}`);
  }
}

async function stop(): Promise<void> {
  const stopping = client;
  client = undefined;
  await stopping?.dispose();
}
