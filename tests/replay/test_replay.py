"""Fixes, proven on a real server: what failed or drifted in a replay no longer does.

The code of each case is recorded as it is and replayed in another process, with another clock, another
salt for hashes, another environment, another directory and another file in it. Then it is fixed by the
program, recorded and replayed again.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from cases import SAFE, UNSAFE, Case

HERE = Path(__file__).parent
LINTER = os.environ.get("RUNBOOK_LINT", str(HERE.parent.parent / "target/release/runbook-lint"))
RECORDING = {"CASE_MODE": "fast", "CASE_EXTRA": "1", "CASE_EXTRA_KEY": "1", "PYTHONHASHSEED": "1"}
REPLAY = {"CASE_MODE": "slower", "PYTHONHASHSEED": "2"}
# What a run, and a replay, that write nothing leave on the disk.
NOT_WRITTEN = {"data.txt": len(json.dumps(RECORDING["CASE_MODE"]))}
UNTOUCHED = {"data.txt": len(json.dumps(REPLAY["CASE_MODE"]))}


def run(case: Case, directory: Path, do: str, environment: dict[str, str], **options: Any) -> dict[str, Any]:
    job = {
        "do": do,
        "directory": str(directory),
        "module": case.module,
        "input": case.input,
        "days": 0,
        "sandboxed": False,
        "history": str(directory.with_suffix(".json")),
        **options,
    }
    work = Path(tempfile.mkdtemp(dir=directory.parent))
    answer, log = work.with_suffix(".answer"), work.with_suffix(".log")
    job |= {"work": str(work), "answer": str(answer), "log": str(log)}
    for file in (directory / "data.txt", work / "data.txt"):
        file.write_text(json.dumps(environment["CASE_MODE"]))
    process = launcher(tuple(environment.items()))
    process.stdin.write(json.dumps(job) + "\n")
    process.stdin.flush()
    assert process.stdout.readline() == "0\n", log.read_text(errors="replace")
    return json.loads(answer.read_text())


@functools.cache
def launcher(environment: tuple[tuple[str, str], ...]) -> subprocess.Popen[str]:
    """What starts the processes that have this environment."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    process = subprocess.Popen(
        [sys.executable, str(HERE / "child.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**kept, "PYTHONDONTWRITEBYTECODE": "1", **dict(environment)},
        text=True,
    )
    atexit.register(process.communicate)
    return process


def record(case: Case, directory: Path, server: str, **options: Any) -> dict[str, Any]:
    return run(case, directory, "record", {**RECORDING, "TEMPORAL_HOST": server}, server=server, **options)


def replay(case: Case, directory: Path, server: str) -> dict[str, Any]:
    return run(case, directory, "replay", {**REPLAY, "TEMPORAL_HOST": server}, days=900)


def write(case: Case, directory: Path) -> Path:
    for path, text in case.files.items():
        file = directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (directory / ".git").mkdir()
    return directory


def check(directory: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [LINTER, "check", "--isolated", *options, "."]
    return subprocess.run(command, cwd=directory, capture_output=True, text=True)


def codes(directory: Path) -> list[str]:
    report = json.loads(check(directory, "--output-format", "json").stdout)
    return [it["code"] for it in report["findings"]]


def fixed(case: Case, directory: Path, tmp_path: Path, *options: str) -> Path:
    after = tmp_path / "after"
    shutil.copytree(directory, after)
    assert case.code in codes(after)
    done = check(after, "--fix", *options)
    assert "put back" not in done.stderr, done.stderr
    assert case.code not in codes(after), done.stdout
    return after


def differs(case: Case, first: dict[str, Any], then: dict[str, Any]) -> bool:
    if case.prints:
        return then["printed"] == first["printed"] != ""
    if case.writes:
        return then["left"] != UNTOUCHED
    return then["outcome"] == "rejected" or first["result"] != then["result"]


@pytest.mark.parametrize("case", UNSAFE, ids=str)
def test_fixed_code_is_replayed(case: Case, server: str, tmp_path: Path) -> None:
    before = write(case, tmp_path / "before")
    if case.code == "RB106":
        case.input = [(before / "data.txt").as_uri()]
    first = record(case, before, server, sandboxed=case.sandboxed)
    if case.sandboxed or case.stuck:
        assert first["outcome"] == "does not end"
    elif case.fails_locally:
        assert run(case, before, "local", RECORDING)["outcome"] == "failed"
    elif case.idle:
        assert (first["outcome"], first["left"]) == ("completed", NOT_WRITTEN)
    else:
        assert first["outcome"] == "completed", first
        assert differs(case, first, replay(case, before, server))
    after = fixed(case, before, tmp_path, "--unsafe-fixes")
    first = record(case, after, server, sandboxed=case.sandboxed)
    then = replay(case, after, server)
    assert (first["outcome"], then["outcome"]) == ("completed", "accepted"), (first, then)
    assert first["result"] == then["result"]
    assert not case.idle or first["left"] != NOT_WRITTEN
    assert (then["printed"], then["left"]) == ("", UNTOUCHED)
    if case.module != "flow":
        assert run(case, after, "local", RECORDING)["outcome"] == "completed"


@pytest.mark.parametrize("case", SAFE, ids=lambda it: it.name)
def test_safe_fixes_keep_types_and_zones(case: Case, server: str, tmp_path: Path) -> None:
    before = write(case, tmp_path / "before")
    after = fixed(case, before, tmp_path)
    assert record(case, after, server)["result"] == record(case, before, server)["result"]
