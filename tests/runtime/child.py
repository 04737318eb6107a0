"""Runs programs, each in a process of its own, and says what happened.

It reads one job a line from the standard input, as JSON, and writes one answer a line. Which runtime
`ntro` uses is decided when it is imported, from `TEMPORAL_HOST`: there is one such program for each.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import inspect
import json
import logging
import os
import select
import signal
import sys
import traceback
import warnings
from pathlib import Path
from typing import Any

import history
from ntro.workflow import register_workflow, run_local

TEMPORAL = "TEMPORAL_HOST" in os.environ
PACKAGE = "case"
MARK = "__temporal_activity_definition"


def load(job: dict[str, Any], path: str) -> Any:
    return importlib.import_module(f"{PACKAGE}.{path.replace('/', '.')}")


def workflow_of(module: Any, name: str | None = None) -> type:
    """The last class of the module, which is the workflow in every example."""
    if name:
        return getattr(module, name)
    classes = [it for it in vars(module).values() if inspect.isclass(it) and it.__module__ == module.__name__]
    return [it for it in classes if hasattr(it, "run")][-1]


def activities_beside(module: Any) -> dict[str, Any] | None:
    """The activities that a worker registers: what is an attribute of `activities.py`."""
    for name in (f"{module.__package__}.activities", "activities"):
        try:
            found = importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name != name:
                raise
        else:
            marked = [it for it in vars(found).values() if hasattr(it, MARK)]
            return {getattr(it, MARK).name: it for it in marked}
    return None


async def locally(job: dict[str, Any], cls: type) -> dict[str, Any]:
    """Runs a runbook in LocalRuntime, where signals and queries are calls of methods."""
    made: list[Any] = []

    def new(kind: type, *_: Any, **__: Any) -> Any:
        made.append(object.__new__(kind))
        return made[-1]

    cls.__new__ = new
    seen: list[dict[str, Any]] = []
    running = asyncio.ensure_future(run_local(cls, *job["input"], workflow_id=history.WORKFLOW))
    signals = list(job["signals"])
    deadline = asyncio.get_running_loop().time() + job["seconds"]
    while not running.done() and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(0.02)
        if made:
            await look(job, made[0], seen)
        if signals and not running.done():
            name, payload = signals.pop(0)
            answer = getattr(made[0], name)(payload)
            if inspect.isawaitable(answer):
                await answer
            await asyncio.sleep(0.1)
    if made:
        await look(job, made[0], seen)
    facts = {"seen": seen, "made": len(made), "commands": []}
    if not running.done():
        return {"outcome": "waiting", "error": None, "result": None, **facts}
    if error := running.exception():
        return {"outcome": "failed", "error": f"{type(error).__name__}: {error}", "result": None, **facts}
    result = running.result()
    if hasattr(result, "model_dump"):
        result = result.model_dump(mode="json")
    return {"outcome": "completed", "error": None, "result": result, **facts}


async def look(job: dict[str, Any], instance: Any, seen: list[dict[str, Any]]) -> None:
    answers = {}
    for name in job["queries"]:
        try:
            answer = getattr(instance, name)()
            if inspect.isawaitable(answer):
                answer.close()
                answer = "a coroutine"
        except Exception as error:
            answer = f"failed: {type(error).__name__}: {error}"
        answers[name] = answer
    answers = json.loads(json.dumps(answers, default=repr))
    if not seen or seen[-1] != answers:
        seen.append(answers)


async def under_temporal(job: dict[str, Any], module: Any, cls: type) -> dict[str, Any]:
    """Runs a workflow under Temporal, or replays the history of an earlier run."""
    server = history.Server(cls, cls.__name__, job, activities_beside(module))
    if job["replay"]:
        return await server.replay_of(Path(job["replay"]).read_bytes())
    if job["continue"]:
        return await server.continue_from(Path(job["continue"]).read_bytes())
    outcome = await server.play()
    if job["record"]:
        Path(job["record"]).write_bytes(server.history.SerializeToString())
    return outcome


def perform(job: dict[str, Any]) -> dict[str, Any]:
    os.chdir(job["directory"])
    sys.path[:0] = [job["directory"], f"{job['directory']}/{PACKAGE}"]
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            module = load(job, job["module"])
        except Exception as error:
            outcome = {"outcome": "import failed", "error": f"{type(error).__name__}: {error}"}
            return {"seen": [], "commands": [], "result": None, "warnings": [], **outcome}
        if job["probe"]:
            result = getattr(importlib.import_module("probes"), job["probe"])(module, job)
            outcome = {"outcome": "probed", "error": None, "result": result, "seen": [], "commands": []}
        else:
            for slug, path in job["register"].items():
                register_workflow(slug, workflow_of(load(job, path)))
            cls = workflow_of(module, job["class"])
            run = under_temporal(job, module, cls) if TEMPORAL else locally(job, cls)
            # The loop is left as it is at the end: the process ends with it.
            outcome = asyncio.new_event_loop().run_until_complete(run)
        gc.collect()
    return {
        **outcome,
        "warnings": sorted({str(it.message) for it in warned if it.category is not ResourceWarning}),
    }


def in_a_fork(job: dict[str, Any]) -> str:
    """The answer to one job, from a process that ends with it."""
    reading, writing = os.pipe()
    output = Path(job["directory"], "output.txt")
    child = os.fork()
    if child == 0:
        os.close(reading)
        sink = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(sink, 1)
        os.dup2(sink, 2)
        try:
            answer = perform(job)
        except BaseException:
            answer = {"outcome": "the test is broken", "error": traceback.format_exc()}
        sys.stdout.flush()
        with os.fdopen(writing, "w") as pipe:
            json.dump(answer, pipe, default=repr)
        os._exit(0)
    os.close(writing)
    received = b""
    while True:
        if not select.select([reading], [], [], 60)[0]:
            os.kill(child, signal.SIGKILL)
            received = b'{"outcome": "no answer within a minute", "error": null}'
            break
        chunk = os.read(reading, 1 << 16)
        if not chunk:
            break
        received += chunk
    os.close(reading)
    os.waitpid(child, 0)
    answer = json.loads(received or b'{"outcome": "the process died", "error": null}')
    answer["output"] = output.read_text(errors="replace")
    output.unlink()
    return json.dumps(answer)


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    for line in sys.stdin:
        print(in_a_fork(json.loads(line)), flush=True)
