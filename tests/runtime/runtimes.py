"""Runs programs in LocalRuntime and under Temporal, each in a process of its own."""

from __future__ import annotations

import atexit
import functools
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from programs import Program

HERE = Path(__file__).parent
DEFAULTS = {
    "class": None,
    "input": [{}],
    "signals": [],
    "early": [],
    "updates": [],
    "queries": [],
    "register": {},
    "results": {},
    "failures": {},
    "cancel": False,
    "seconds": 1.0,
    "tasks": 30,
    "sandboxed": False,
    "record": None,
    "replay": None,
    "continue": None,
    "probe": None,
}


class Outcome:
    """What happened to a program; `outcome` says it in a word or two."""

    def __init__(self, runtime: str, answer: dict[str, Any]) -> None:
        self.runtime = runtime
        self.answer = {"seen": [], "answers": [], "commands": [], "warnings": [], "result": None, **answer}

    def __getattr__(self, name: str) -> Any:
        try:
            return self.answer[name]
        except KeyError:
            raise AttributeError(name) from None

    def __repr__(self) -> str:
        return f"{self.runtime}: {json.dumps(self.answer, indent=1)}"

    def last(self, query: str) -> Any:
        """The last answer to a query."""
        return self.seen[-1][query]

    def names(self) -> list[str]:
        """The names of the activities and children that were started, and `timer` for timers."""
        return [it.get("name", it["kind"]) for it in self.commands]


def local(program: Program, *arguments: Any, **options: Any) -> Outcome:
    """Runs a runbook in LocalRuntime."""
    return _run("local", program, arguments, options)


def temporal(program: Program, *arguments: Any, **options: Any) -> Outcome:
    """Runs a workflow under Temporal, without a sandbox unless told otherwise."""
    return _run("temporal", program, arguments, options)


def sandboxed(program: Program, *arguments: Any, **options: Any) -> Outcome:
    """Runs a workflow under Temporal in its sandbox, with `ntro` passed through."""
    return _run("temporal", program, arguments, {**options, "sandboxed": True})


def replayed(
    program: Program,
    *arguments: Any,
    first: dict[str, str] | None = None,
    then: dict[str, str] | None = None,
    between: Any = None,
    **options: Any,
) -> tuple[Outcome, Outcome]:
    """Runs a workflow in one process and replays its history in another one.

    The two differ in the environments `first` and `then`; `between` is called with the working
    directory, which they share, before the replay.
    """
    with tempfile.TemporaryDirectory() as kept, tempfile.TemporaryDirectory() as directory:
        recording = str(Path(kept, "history"))
        before = _run(
            "temporal", program, arguments, {**options, "record": recording}, first or {}, directory
        )
        if between:
            between(Path(directory))
        after = _run("temporal", program, arguments, {**options, "replay": recording}, then or {}, directory)
        return before, after


def _run(
    runtime: str,
    program: Program,
    arguments: tuple[Any, ...],
    options: dict[str, Any],
    environment: dict[str, str] | None = None,
    directory: str | None = None,
) -> Outcome:
    if directory is None:
        with tempfile.TemporaryDirectory() as made:
            return _run(runtime, program, arguments, options, environment, made)
    unknown = options.keys() - DEFAULTS.keys()
    assert not unknown, f"unknown options: {unknown}"
    for path, text in program.files.items():
        file = Path(directory, "case", path)
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists():  # A replay finds the files as they are by then.
            file.write_text(text)
    job = {**DEFAULTS, **options, "module": program.module, "directory": directory}
    if arguments:
        job["input"] = list(arguments)
    if environment is None:
        answer = _ask(_launcher(runtime), job)
    else:
        process = _launch(runtime, environment)
        answer = _ask(process, job)
        process.communicate()
    assert answer["outcome"] != "the test is broken", answer["error"]
    outcome = Outcome(runtime, answer)
    OBSERVED.append(outcome)
    return outcome


OBSERVED: list[Outcome] = []


@functools.cache
def _launcher(runtime: str) -> subprocess.Popen[str]:
    process = _launch(runtime, {})
    atexit.register(process.communicate)
    return process


def _launch(runtime: str, environment: dict[str, str]) -> subprocess.Popen[str]:
    inherited = {name: value for name, value in os.environ.items() if name != "TEMPORAL_HOST"}
    chosen = {"TEMPORAL_HOST": "localhost:7233"} if runtime == "temporal" else {}
    return subprocess.Popen(
        [sys.executable, "-B", str(HERE / "child.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**inherited, **chosen, **environment},
    )


def _ask(process: subprocess.Popen[str], job: dict[str, Any]) -> dict[str, Any]:
    process.stdin.write(json.dumps(job) + "\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline())


def shows(code: str, *, local: str = "", temporal: str = "") -> Any:
    """Marks a test with the rule that it is about, and what it shows of it in which runtime."""
    return pytest.mark.shows(code, local, temporal)
