"""Records workflows on a server, or replays their histories; a process of its own for each.

It reads one job a line from the standard input, as JSON, and does each in a fork, so that the packages
are imported once. What happened goes to a file, and how the process ended to the standard output. A
replay has another clock than the recording: all that the code of the case can read is moved.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import importlib
import inspect
import io
import json
import logging
import os
import sys
import time
import traceback
import typing
import uuid
from pathlib import Path
from typing import Any

from ntro.workflow import run_local
from pydantic import TypeAdapter
from temporalio import activity
from temporalio.client import Client, WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import (
    ExecuteWorkflowInput,
    Interceptor,
    Replayer,
    UnsandboxedWorkflowRunner,
    Worker,
    WorkflowInboundInterceptor,
)
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

RESULTS: list[Any] = []


class Results(Interceptor):
    """Keeps what workflows return, also in replays, which tell it to nobody."""

    def workflow_interceptor_class(self, input: Any) -> type[WorkflowInboundInterceptor]:
        return Result


class Result(WorkflowInboundInterceptor):
    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:
        result = await super().execute_workflow(input)
        RESULTS.append(result)
        return result


def move_clocks(days: int) -> None:
    shift = datetime.timedelta(days=days, seconds=1)
    real = datetime.datetime

    class Moved(real):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return real.now(tz) + shift

        @classmethod
        def utcnow(cls) -> Any:
            return real.now(datetime.timezone.utc).replace(tzinfo=None) + shift

        @classmethod
        def today(cls) -> Any:
            return real.now() + shift

    class MovedDate(datetime.date):
        @classmethod
        def today(cls) -> Any:
            return (real.now() + shift).date()

    for name in ("time", "monotonic", "perf_counter"):
        clock = getattr(time, name)
        setattr(time, name, lambda clock=clock: clock() + shift.total_seconds())
    time.time_ns = lambda: int(time.time() * 1e9)
    datetime.datetime, datetime.date = Moved, MovedDate


def load(job: dict[str, Any]) -> tuple[type, list[Any]]:
    sys.path.insert(0, job["directory"])
    if job["days"]:
        move_clocks(job["days"])
    module = importlib.import_module(job["module"])
    own = [(it, getattr(it, "__file__", None)) for it in sys.modules.values()]
    modules = [it for it, file in own if file and file.startswith(job["directory"])]
    functions = {
        id(it): it
        for module in modules
        for it in vars(module).values()
        if inspect.isfunction(it) and hasattr(it, "__temporal_activity_definition")
    }
    classes = [it for it in vars(module).values() if inspect.isclass(it) and it.__module__ == module.__name__]
    return classes[-1], list(functions.values())


async def record(job: dict[str, Any]) -> dict[str, Any]:
    workflow, activities = load(job)
    client = await Client.connect(job["server"], data_converter=pydantic_data_converter)
    queue = str(uuid.uuid4())
    runner = SandboxedWorkflowRunner() if job["sandboxed"] else UnsandboxedWorkflowRunner()
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(4) as executor:
        async with Worker(
            client,
            task_queue=queue,
            workflows=[workflow],
            activities=activities,
            activity_executor=executor,
            workflow_runner=runner,
        ):
            started = await client.start_workflow(workflow.run, *job["input"], id=queue, task_queue=queue)
            try:
                result = await asyncio.wait_for(started.result(), 20)
            except asyncio.TimeoutError:
                return {"outcome": "does not end"}
            history = await started.fetch_history()
    Path(job["history"]).write_text(history.to_json())
    return {"outcome": "completed", "result": result}


async def replay(job: dict[str, Any]) -> dict[str, Any]:
    workflow, _ = load(job)
    replayer = Replayer(
        workflows=[workflow],
        interceptors=[Results()],
        data_converter=pydantic_data_converter,
        workflow_runner=UnsandboxedWorkflowRunner(),
    )
    history = WorkflowHistory.from_json("replay", Path(job["history"]).read_text())
    result = await replayer.replay_workflow(history, raise_on_replay_failure=False)
    if result.replay_failure:
        return {"outcome": "rejected", "error": str(result.replay_failure)}
    return {"outcome": "accepted", "result": RESULTS[-1] if RESULTS else None}


async def local(job: dict[str, Any]) -> dict[str, Any]:
    workflow, _ = load(job)
    # On a server the converter of the worker makes models of the input.
    hints = [it for name, it in typing.get_type_hints(workflow.run).items() if name != "return"]
    input = [TypeAdapter(hint).validate_python(it) for hint, it in zip(hints, job["input"])]
    try:
        result = await run_local(workflow, *input)
    except Exception as error:
        return {"outcome": "failed", "error": str(error)}
    return {"outcome": "completed", "result": result}


def perform(job: dict[str, Any]) -> None:
    os.chdir(job["work"])
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        answer = asyncio.run({"record": record, "replay": replay, "local": local}[job["do"]](job))
    left = {str(it): it.stat().st_size for it in Path().rglob("*")}
    answer |= {"printed": printed.getvalue(), "left": left}
    Path(job["answer"]).write_text(json.dumps(answer, default=str))


def in_a_fork(job: dict[str, Any]) -> int:
    """Does a job in a process that ends with it; returns its exit code."""
    child = os.fork()
    if child == 0:
        # The case neither reads jobs nor writes between the exit codes.
        log = os.open(job["log"], os.O_WRONLY | os.O_CREAT, 0o600)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        code = 1
        try:
            perform(job)
            code = 0
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
        # Threads of the SDK may not get along with the end of the interpreter.
        os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    for line in sys.stdin:
        print(in_a_fork(json.loads(line)), flush=True)
