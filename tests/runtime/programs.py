"""The programs that are run: the examples of the rules' documentation, and small ones of our own.

The blocks of `## Example` and `## Use instead` are files, and the blocks up to the next paragraph
are one program, as `rules/macros/src/lib.rs` describes it.
"""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"```(\w+)(?: path=(\S+))?$")


@dataclass(frozen=True)
class Program:
    """The files of a program, by path."""

    files: dict[str, str] = field(hash=False)

    @property
    def module(self) -> str:
        """The module with the workflow, as a path without its suffix."""
        paths = [path for path in self.files if Path(path).name == "workflow.py"]
        return (paths or list(self.files))[0].removesuffix(".py")

    def but(self, old: str, new: str) -> Program:
        """The same program with one passage changed."""
        assert any(old in text for text in self.files.values()), f"{old!r} is not in the program"
        return Program({path: text.replace(old, new) for path, text in self.files.items()})

    def plus(self, path: str, text: str) -> Program:
        """The same program with one more file."""
        return Program({**self.files, path: dedent(text)})


def own(text: str, **others: str) -> Program:
    """A program that is not in the documentation; `activities="…"` adds `activities.py`."""
    files = {f"{name}.py": dedent(source) for name, source in others.items()}
    return Program({"workflow.py": dedent(text), **files})


def runbook(body: str, *, imports: str = "", members: str = "", **others: str) -> Program:
    """A runbook of our own, with `body` as what its run method does."""

    def indented(code: str, depth: int) -> str:
        return "\n".join(" " * depth + line if line else "" for line in dedent(code).strip().splitlines())

    return own(
        f"from ntro.workflow import NtroWorkflow, runbook\n{dedent(imports).strip()}\n\n\n"
        "@runbook.defn\nclass ShownWorkflow(NtroWorkflow):\n"
        f"{indented(members, 4)}\n\n    @runbook.run\n"
        f"    async def run(self, context: dict) -> object:\n{indented(body, 8)}\n",
        **others,
    )


def wrong(code: str, number: int = 0) -> Program:
    """A program of `## Example`, which the rule reports."""
    return _programs(code)["Example"][number]


def right(code: str, number: int = 0) -> Program:
    """A program of `## Use instead`, about which the rule is silent."""
    return _programs(code)["Use instead"][number]


@functools.cache
def rules() -> dict[str, dict]:
    """What the linter says about its rules, by code."""
    command = [_linter(), "rule", "--all", "--output-format", "json"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return {rule["code"]: rule for rule in json.loads(listed)}


def findings(directory: Path, *options: str) -> list[dict]:
    """What the linter finds in a directory."""
    command = [_linter(), "check", "--isolated", "--exit-zero", "--output-format", "json", *options]
    answer = subprocess.run(command, cwd=directory, check=True, capture_output=True, text=True).stdout
    return json.loads(answer)["findings"]


def _linter() -> str:
    if given := os.environ.get("RUNBOOK_LINT"):
        return given
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    built = [path for path in target.glob("*/runbook-lint") if path.is_file()]
    assert built, "build the linter first: cargo build"
    return str(max(built, key=lambda path: path.stat().st_mtime))


@functools.cache
def _programs(code: str) -> dict[str, list[Program]]:
    programs: dict[str, list[Program]] = {"Example": [], "Use instead": []}
    section, files, block = "", {}, None
    for line in [*rules()[code]["docs"].splitlines(), "## End"]:
        if block is not None:
            if line == "```":
                path, lines = block
                files[path] = "".join(f"{it}\n" for it in lines)
                block = None
            else:
                block[1].append(line)
        elif (fence := FENCE.match(line)) and section in programs:
            block = (fence[2] or "workflow.py", [])
        elif line:
            if files:
                programs[section].append(Program(files))
                files = {}
            if line.startswith("## "):
                section = line[3:]
    return programs
