// The HTML page in a headless browser: every link and filter, the keyboard, the console, axe.
//
//     node tests/page/page.mjs REPORT.html [GRAPH.html …]
//
// CHROMIUM names the browser; `playwright-core` and `axe-core` are looked for from the working
// directory. The report has to be that of fixtures/bundles/nav-close.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const require = createRequire(resolve("package.json"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const pages = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox"],
});

async function open(file, viewport, colorScheme) {
  const page = await browser.newPage({ viewport, colorScheme });
  const said = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && said.push(message.text()));
  page.on("pageerror", (error) => said.push(String(error)));
  page.on("request", (request) => /^(file|data):/.test(request.url()) || said.push(request.url()));
  await page.goto(pathToFileURL(resolve(file)).href);
  return { page, said };
}

for (const file of pages) {
  for (const width of [1300, 390]) {
    for (const scheme of ["light", "dark"]) {
      const { page, said } = await open(file, { width, height: 900 }, scheme);
      const scrolled = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(scrolled <= width, `${file} fits into ${width} pixels`);
      const broken = await page.evaluate(() =>
        [...document.querySelectorAll('a[href^="#"]')].map((it) => it.getAttribute("href")).filter((it) => !document.getElementById(it.slice(1))));
      assert.deepEqual(broken, [], "every link leads somewhere");
      // The page's policy lets no other script in, so axe runs from the outside.
      const { violations } = await page.evaluate(`${axe}; axe.run()`);
      assert.deepEqual(violations.map((it) => [it.id, it.nodes[0].html]), [], `${file} at ${width} in ${scheme}`);
      assert.deepEqual(said, []);
      await page.close();
    }
  }
}

const { page, said } = await open(pages[0], { width: 1300, height: 900 }, "light");
const shown = () => page.locator("article.cause:visible").count();
const all = await shown();
assert.ok(all > 10);
for (const name of ["rule", "impact", "severity"]) {
  const select = page.locator(`select[name=${name}]`);
  const choices = await select.locator("option").evaluateAll((them) => them.map((it) => it.value));
  let sum = 0;
  for (const value of choices.filter(Boolean)) {
    await select.selectOption(value);
    const count = await shown();
    assert.ok(count > 0 && count < all, `${name} ${value}`);
    sum += count;
  }
  assert.equal(sum, all, `each cause is found by one ${name}`);
  await page.locator("button[type=reset]").click();
  await page.waitForFunction((count) => document.querySelector("output").textContent === `${count} of ${count} shown`, all);
}
await page.keyboard.press("/");
await page.keyboard.type("no such file");
assert.equal(await shown(), 0);
// A link to a cause that is filtered away shows it, and takes the focus there.
await page.locator("a.crumb").first().focus();
await page.keyboard.press("Enter");
await page.waitForFunction(() => document.activeElement.matches("article.cause"));
assert.equal(await shown(), all);
await page.locator("button.theme").click();
assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
const folded = page.locator("details:not([open]) > summary").first();
if (await folded.count()) {
  await folded.focus();
  await page.keyboard.press("Enter");
}
assert.deepEqual(said, []);
await browser.close();
console.log(`${pages.length} pages looked at`);
