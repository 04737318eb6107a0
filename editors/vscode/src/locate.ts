// Where the program is. This knows nothing of VS Code, so that it can be tested under Node alone.

import { accessSync, constants, statSync } from "node:fs";
import * as path from "node:path";

export type ImportStrategy = "fromEnvironment" | "useBundled";

const PROGRAM = process.platform === "win32" ? "runbook-lint.exe" : "runbook-lint";
const SCRIPTS = process.platform === "win32" ? "Scripts" : "bin";

/** The program to start: the one that was named, that of a virtual environment, or that of the PATH. */
export function locate(named: string, strategy: ImportStrategy, folders: string[]): string {
  if (named !== "") {
    return expand(named, folders);
  }
  if (strategy === "fromEnvironment") {
    const active = process.env["VIRTUAL_ENV"];
    const environments = folders.flatMap((it) => [path.join(it, ".venv"), path.join(it, "venv")]);
    const all = active === undefined ? environments : [...environments, active];
    const found = all.map((it) => path.join(it, SCRIPTS, PROGRAM)).find(isProgram);
    if (found !== undefined) {
      return found;
    }
  }
  return PROGRAM;
}

function expand(named: string, folders: string[]): string {
  const home = process.env["HOME"] ?? process.env["USERPROFILE"] ?? "~";
  const text = named.replace(/^~(?=$|[\\/])/, home);
  return text.replaceAll("${workspaceFolder}", folders[0] ?? "");
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
