// Graphs for Mermaid, parsed and drawn by Mermaid in a headless browser, within its own limits.
//
//     node tests/page/mermaid.mjs GRAPH.mmd…
//
// CHROMIUM names the browser; `playwright-core` and `mermaid` are looked for from the working
// directory.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const require = createRequire(resolve("package.json"));
const { chromium } = require("playwright-core");
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox"],
});
const page = await browser.newPage();
await page.addScriptTag({ path: resolve("node_modules/mermaid/dist/mermaid.min.js") });
await page.evaluate(() => mermaid.initialize({ startOnLoad: false }));

/** How many nodes are drawn. Mermaid draws a picture of an error for what is beyond its limits. */
async function drawn(text) {
  return page.evaluate(async (text) => {
    await mermaid.parse(text);
    const { svg } = await mermaid.render("graph", text);
    const picture = new DOMParser().parseFromString(svg, "text/html");
    return picture.querySelectorAll(".node").length;
  }, text);
}

for (const file of process.argv.slice(2)) {
  const text = readFileSync(file, "utf8");
  const written = text.split("\n").filter((line) => line.includes(":::")).length;
  assert.ok(written > 1, `${file} has nodes`);
  assert.equal(await drawn(text), written, `${file} is drawn whole`);
}
await assert.rejects(drawn("flowchart LR\n  n0[\"a"), "what is no graph is refused");
await browser.close();
console.log(`${process.argv.length - 2} graphs drawn by Mermaid`);
