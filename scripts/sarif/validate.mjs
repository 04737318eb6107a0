// Validates SARIF logs as their readers do, and prints a line for each.
//
//     node scripts/sarif/validate.mjs DIRECTORY
//
// Every `*.sarif` file in the directory is validated
// - with the standard's schema and the validator of GitHub's upload action (npm `jsonschema`), in
//   which URIs of a wrong form are a warning,
// - with Microsoft's SARIF Multitool and its rules for SARIF and for GitHub, of which errors and
//   warnings count. Its exit status says nothing, so its own log is read.
// - against the sizes that GitHub takes.

import { execFileSync } from "node:child_process";
import { chmodSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import jsonschema from "jsonschema";

const SCHEMA = new URL("../../tests/data/sarif-schema-2.1.0.json", import.meta.url);
const PLATFORM = { linux: "linux", darwin: "darwin", win32: "win32" }[process.platform];
const MULTITOOL = new URL(
  `node_modules/@microsoft/sarif-multitool-${PLATFORM}/Sarif.Multitool`,
  import.meta.url,
).pathname;
const MAX_UPLOAD = 10_000_000;
const MAX_RESULTS = 5_000;

const directory = process.argv[2];
const names = readdirSync(directory).filter((name) => name.endsWith(".sarif")).sort();
if (names.length === 0) {
  throw new Error(`there are no SARIF files in ${directory}`);
}
const schema = JSON.parse(readFileSync(SCHEMA));
const complaints = names.flatMap((name) => validate(name)).concat(multitool());
complaints.forEach((complaint) => console.log(`error: ${complaint}`));
console.log(`${names.length} logs, ${complaints.length} complaints`);
process.exitCode = complaints.length === 0 ? 0 : 1;

function validate(name) {
  const text = readFileSync(join(directory, name));
  const log = JSON.parse(text);
  const errors = new jsonschema.Validator().validate(log, schema).errors.map((error) => `${name}: ${error.stack}`);
  const results = log.runs.flatMap((run) => run.results);
  const compressed = gzipSync(text).length;
  console.log(`${name}: ${results.length} results, ${text.length} bytes, ${compressed} after gzip`);
  if (compressed > MAX_UPLOAD || results.length > MAX_RESULTS) {
    errors.push(`${name}: GitHub does not take it or does not show it all`);
  }
  return errors;
}

function multitool() {
  const output = join(directory, "multitool.json");
  chmodSync(MULTITOOL, 0o755);
  const files = names.map((name) => join(directory, name));
  const options = ["--rule-kind", "Sarif;Ghas", "--level", "Error;Warning;Note"];
  const destination = ["--output", output, "--log", "ForceOverwrite"];
  // One of its rules looks whether the page of each URI exists, and would take minutes to find out.
  const nowhere = "http://127.0.0.1:9";
  execFileSync(MULTITOOL, ["validate", ...files, ...options, ...destination], {
    stdio: "ignore",
    env: { ...process.env, HTTP_PROXY: nowhere, HTTPS_PROXY: nowhere },
  });
  const [run] = JSON.parse(readFileSync(output, "utf8").replace(/^\uFEFF/, "")).runs;
  const counts = {};
  const complaints = [];
  for (const result of run.results) {
    const level = result.level ?? "warning";
    counts[`${result.ruleId} ${level}`] = (counts[`${result.ruleId} ${level}`] ?? 0) + 1;
    if (level !== "note") {
      const place = result.locations?.[0]?.physicalLocation;
      const file = place?.artifactLocation?.uri ?? "";
      const line = place?.region?.startLine ?? "";
      const text = result.message.text ?? JSON.stringify(result.message);
      complaints.push(`${file}:${line}: ${result.ruleId} ${level}: ${text}`);
    }
  }
  const broken = (run.invocations ?? []).flatMap((invocation) => [
    ...(invocation.toolConfigurationNotifications ?? []),
    ...(invocation.toolExecutionNotifications ?? []),
  ]);
  for (const notification of broken.filter((it) => it.level === "error")) {
    complaints.push(`SARIF Multitool: ${notification.message.text}`);
  }
  console.log(`SARIF Multitool: ${JSON.stringify(counts)}`);
  return complaints;
}
