// The connection of the extension's client, with the real server behind it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";

import { build } from "esbuild";

const require = createRequire(import.meta.url);
const rpc = require("vscode-jsonrpc/node");
const PROGRAM = process.env.RUNBOOK_LINT ?? "runbook-lint";
const WORKFLOW = `from temporalio import workflow

from helpers import stamp


@workflow.defn
class Billing:
    @workflow.run
    async def run(self) -> str:
        return "😀" + stamp()
`;
const HELPERS = "import time\n\n\ndef stamp() -> str:\n    return str(time.time())\n";

let directory;
let server;
let connection;

before(async () => {
  directory = mkdtempSync(path.join(tmpdir(), "runbook-lint-"));
  writeFileSync(path.join(directory, "workflow.py"), WORKFLOW);
  writeFileSync(path.join(directory, "helpers.py"), HELPERS);
  // `vscode-languageclient` starts it with this argument, too.
  server = spawn(PROGRAM, ["server", "--stdio"]);
  const reader = new rpc.StreamMessageReader(server.stdout);
  connection = rpc.createMessageConnection(reader, new rpc.StreamMessageWriter(server.stdin));
  connection.onRequest("client/registerCapability", () => null);
  connection.onRequest("workspace/diagnostic/refresh", () => null);
  connection.listen();
  const { capabilities } = await connection.sendRequest("initialize", {
    processId: process.pid,
    rootUri: null,
    workspaceFolders: [{ uri: pathToFileURL(directory).href, name: "project" }],
    capabilities: {
      general: { positionEncodings: ["utf-16"] },
      textDocument: { diagnostic: { relatedInformation: true } },
      workspace: {
        diagnostics: { refreshSupport: true },
        didChangeWatchedFiles: { dynamicRegistration: true },
      },
    },
  });
  assert.equal(capabilities.positionEncoding, "utf-16");
  await connection.sendNotification("initialized", {});
});

after(async () => {
  await connection.sendRequest("shutdown");
  const ended = new Promise((resolve) => server.once("exit", resolve));
  await connection.sendNotification("exit");
  assert.equal(await ended, 0);
  rmSync(directory, { recursive: true });
});

const uri = (name) => pathToFileURL(path.join(directory, name)).href;
const open = (name, text) =>
  connection.sendNotification("textDocument/didOpen", {
    textDocument: { uri: uri(name), languageId: "python", version: 1, text },
  });
const pull = async (name) => {
  const report = await connection.sendRequest("textDocument/diagnostic", {
    textDocument: { uri: uri(name) },
  });
  return report.items;
};

test("a finding has its path, and goes with an unsaved edit of the helper", async () => {
  await open("workflow.py", WORKFLOW);
  const [finding, ...others] = await pull("workflow.py");
  assert.deepEqual(others, []);
  assert.equal(finding.code, "RB101");
  assert.deepEqual(finding.range.start, { line: 9, character: 22 });
  const steps = finding.relatedInformation.map((it) => it.location.uri);
  assert.deepEqual(steps, [uri("helpers.py")]);
  await open("helpers.py", HELPERS.replace("str(time.time())", '"now"'));
  assert.deepEqual(await pull("workflow.py"), []);
});

test("the program of a virtual environment is found before that of the path", async () => {
  const bundle = path.join(directory, "locate.mjs");
  await build({
    entryPoints: [path.join(import.meta.dirname, "../src/locate.ts")],
    outfile: bundle,
    bundle: true,
    platform: "node",
    format: "esm",
  });
  const { locate } = await import(pathToFileURL(bundle).href);
  const program = process.platform === "win32" ? "runbook-lint.exe" : "runbook-lint";
  const bin = path.join(directory, ".venv", process.platform === "win32" ? "Scripts" : "bin");
  mkdirSync(bin, { recursive: true });
  assert.equal(locate("", "useBundled", [directory]), program);
  writeFileSync(path.join(bin, program), "", { mode: 0o755 });
  assert.equal(locate("", "fromEnvironment", [directory]), path.join(bin, program));
  assert.equal(locate("", "useBundled", [directory]), program);
  const named = locate("${workspaceFolder}/tools/lint", "fromEnvironment", [directory]);
  assert.equal(named, `${directory}/tools/lint`);
});
