// Opens a bundle in a browser without a screen and looks for diagnostics, the picture of an icon and
// completion. Usage: node run.mjs PROGRAM BUNDLE SCREENSHOTS

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import path from "node:path";
import { pathToFileURL } from "node:url";

import { build } from "esbuild";
import puppeteer from "puppeteer-core";
import { WebSocketServer } from "ws";

const [program, bundle, screenshots] = process.argv.slice(2);
const file = path.join(bundle, "templates", "workflow.py");
const { outputFiles } = await build({
  entryPoints: [path.join(import.meta.dirname, "page.mjs")],
  bundle: true,
  format: "esm",
  write: false,
});
const page = `<!doctype html><meta charset="utf-8"><script type="module" src="/page.js"></script>`;
const answers = {
  "/": ["text/html", page],
  "/page.js": ["text/javascript", outputFiles[0].text],
  "/document": [
    "application/json",
    JSON.stringify({
      root: pathToFileURL(bundle).href,
      file: pathToFileURL(file).href,
      text: readFileSync(file, "utf8"),
    }),
  ],
};

const http = createServer((request, response) => {
  const [type, body] = answers[request.url] ?? ["text/plain", ""];
  response.writeHead(200, { "content-type": type }).end(body);
});
await new Promise((resolve) => http.listen(0, "127.0.0.1", resolve));

// A message of the socket is a message of the server, without its header.
const server = spawn(program, ["server"], { stdio: ["pipe", "pipe", "inherit"] });
new WebSocketServer({ server: http }).on("connection", (socket) => {
  socket.on("message", (message) => {
    server.stdin.write(`Content-Length: ${message.length}\r\n\r\n`);
    server.stdin.write(message);
  });
  let buffer = Buffer.alloc(0);
  server.stdout.on("data", (data) => {
    buffer = Buffer.concat([buffer, data]);
    for (;;) {
      const head = buffer.indexOf("\r\n\r\n");
      if (head < 0) return;
      const size = Number(/content-length: (\d+)/i.exec(buffer.subarray(0, head).toString())[1]);
      if (buffer.length < head + 4 + size) return;
      socket.send(buffer.subarray(head + 4, head + 4 + size).toString());
      buffer = buffer.subarray(head + 4 + size);
    }
  });
});

const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox"],
});
try {
  const tab = await browser.newPage();
  await tab.setViewport({ width: 1100, height: 620 });
  await tab.goto(`http://127.0.0.1:${http.address().port}/`);
  mkdirSync(screenshots, { recursive: true });
  const shoot = (name) => tab.screenshot({ path: path.join(screenshots, `${name}.png`) });

  await tab.waitForSelector(".cm-lintRange", { timeout: 20000 });
  const marked = await tab.$$eval(".cm-lintRange", (all) => all.map((it) => it.textContent));
  assert.ok(marked.join("").includes("CheckCircle2"), `marked: ${marked}`);
  await shoot("diagnostics");

  const icon = await tab.$(".cm-lintRange");
  const box = await icon.boundingBox();
  await tab.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  const picture = await tab.waitForSelector(".cm-tooltip img", { timeout: 20000 });
  await tab.waitForFunction((it) => it.complete && it.naturalWidth > 0, {}, picture);
  await shoot("hover");

  await tab.mouse.move(900, 600);
  await tab.evaluate(() => {
    const at = globalThis.view.state.doc.toString().indexOf("CheckCircle2");
    globalThis.view.dispatch({
      changes: { from: at, to: at + "CheckCircle2".length },
      selection: { anchor: at },
    });
    globalThis.view.focus();
  });
  await tab.keyboard.type("mon", { delay: 80 });
  await tab.waitForSelector(".cm-tooltip-autocomplete", { timeout: 20000 });
  const offered = await tab.$$eval(".cm-completionLabel", (all) => all.map((it) => it.textContent));
  assert.ok(offered.length > 3, `offered: ${offered}`);
  await shoot("completion");

  // The client has no code actions of its own, so the page asks for them as an extension would.
  const act = (wanted, needle) =>
    tab.evaluate(
      async (wanted, needle) => {
        const { client, file, view } = globalThis;
        client.sync();
        const at = view.state.doc.toString().indexOf(needle);
        const line = view.state.doc.lineAt(at);
        const position = { line: line.number - 1, character: at - line.from + 1 };
        const actions = await client.request("textDocument/codeAction", {
          textDocument: { uri: file },
          range: { start: position, end: position },
          context: { diagnostics: [] },
        });
        const chosen = actions.find((it) => it.title.includes(wanted));
        if (!chosen) throw new Error(`offered: ${actions.map((it) => it.title)}`);
        const { edit } = chosen.edit ? chosen : await client.request("codeAction/resolve", chosen);
        const byFile = edit.changes ?? {};
        for (const change of edit.documentChanges ?? []) {
          if (change.edits) byFile[change.textDocument.uri] = change.edits;
        }
        const offset = (it) => view.state.doc.line(it.line + 1).from + it.character;
        view.dispatch({
          changes: (byFile[file] ?? []).map((it) => ({
            from: offset(it.range.start),
            to: offset(it.range.end),
            insert: it.newText,
          })),
        });
        client.sync();
        delete byFile[file];
        return Object.entries(byFile).map(([uri, edits]) => [uri, edits[0].newText]);
      },
      wanted,
      needle,
    );
  const replace = (from, to) =>
    tab.evaluate(
      (from, to) => {
        const at = globalThis.view.state.doc.toString().indexOf(from);
        globalThis.view.dispatch({ changes: { from: at, to: at + from.length, insert: to } });
      },
      from,
      to,
    );
  const text = () => tab.evaluate(() => globalThis.view.state.doc.toString());
  const marks = (needle, is) =>
    tab.waitForFunction(
      (needle, is) =>
        [...document.querySelectorAll(".cm-lintRange")].some((it) =>
          it.textContent.includes(needle),
        ) === is,
      { timeout: 20000 },
      needle,
      is,
    );
  await tab.keyboard.press("Escape");
  await replace("mon", "CheckCircle2");
  await marks("CheckCircle2", true);
  await act("CircleCheck", "CheckCircle2");
  await marks("CheckCircle2", false);
  assert.ok((await text()).includes('icon="CircleCheck"'));
  await replace("from ntro", "import requests\nfrom ntro");
  await replace('"é😀" + stamp()', 'requests.get("https://example.org/é").text');
  await marks("requests.get", true);
  const [[made, activity]] = await act("new activity", "requests.get");
  assert.ok(made.endsWith("/templates/activities.py") && activity.includes("requests.get"));
  await marks("requests.get", false);
  await shoot("extracted");
  console.log(`marked ${marked}; offered ${offered.slice(0, 5)} and ${offered.length - 5} more`);
} finally {
  await browser.close();
  server.kill();
  http.close();
}
process.exit(0);
