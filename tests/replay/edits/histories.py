"""Records subjects on a server, or replays their histories with other code; a process of its own.

It reads one job from the standard input, as JSON, and writes the answer to the file that the job names:
the SDK writes lines of its own to the standard output.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import logging
import os
import re
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle, WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner, Worker, WorkflowRunner
from temporalio.workflow import NondeterminismError

LOADED: list[str] = []
ACTIVITY, WORKFLOW = "__temporal_activity_definition", "__temporal_workflow_definition"
CHILD_STARTED = EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED
COMPLETED = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
UPDATED = (
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED,
)


def load(directory: str, module: str) -> list[ModuleType]:
    """The modules of a directory, whatever other directory had modules of these names before."""
    for name in LOADED:
        del sys.modules[name]
    sys.path.insert(0, directory)
    importlib.invalidate_caches()
    try:
        importlib.import_module(module)
    finally:
        sys.path.remove(directory)
        inside = {name: it for name, it in sys.modules.items() if file_of(it).startswith(directory + os.sep)}
        LOADED[:] = inside
    return list(inside.values())


def file_of(module: ModuleType) -> str:
    return getattr(module, "__file__", None) or ""


def workflows(modules: list[ModuleType]) -> list[type]:
    members = [it for module in modules for it in vars(module).values()]
    return list({id(it): it for it in members if inspect.isclass(it) and WORKFLOW in vars(it)}.values())


def activities(modules: list[ModuleType]) -> dict[str, Any]:
    """The activities by name: functions, and methods of instances of their classes."""
    found = {}
    for member in (it for module in modules for it in vars(module).values()):
        owned = vars(member) if inspect.isclass(member) else {}
        bound = [getattr(member(), name) for name, it in owned.items() if hasattr(it, ACTIVITY)]
        for it in [member, *bound]:
            if hasattr(it, ACTIVITY):
                found[getattr(it, ACTIVITY).name] = it
    return found


async def record(job: dict[str, Any]) -> dict[str, Any]:
    client = await Client.connect(job["server"], data_converter=pydantic_data_converter)
    types: list[type] = []
    work: dict[str, Any] = {}
    first = {}
    for subject in job["subjects"]:
        modules = load(subject["directory"], subject["module"])
        found = workflows(modules)
        first[subject["name"]] = found[-1]
        types += found
        work |= activities(modules)
    async with Worker(
        client,
        task_queue="edits",
        workflows=types,
        activities=list(work.values()),
        workflow_runner=UnsandboxedWorkflowRunner(),
        debug_mode=True,  # A slow machine is no deadlock.
    ):
        recorded = [
            one_run(client, first[subject["name"]], f"{subject['name']}-{number}", run)
            for subject in job["subjects"]
            for number, run in enumerate(subject["runs"])
        ]
        results = await asyncio.gather(*recorded)
    return {name: histories for name, histories in results}


async def one_run(client: Client, workflow: type, name: str, run: dict[str, Any]) -> tuple[str, Any]:
    """All histories of a run, those of its children too, and what was seen of them on the way."""
    definition = getattr(workflow, WORKFLOW)
    started = await client.start_workflow(
        definition.name, args=run.get("input", []), id=name, task_queue="edits"
    )
    handle = client.get_workflow_handle(name, run_id=started.first_execution_run_id)
    seen = []
    for step in run.get("steps", []):
        await idle(handle)
        seen.append((await handle.fetch_history()).to_json())
        if "signal" in step:
            await handle.signal(step["signal"], args=step.get("args", []))
        elif "update" in step:
            await handle.execute_update(step["update"], args=step.get("args", []))
        else:
            await handle.cancel()
    await ended(handle)
    children = [
        it.child_workflow_execution_started_event_attributes.workflow_execution
        for it in (await handle.fetch_history()).events
        if it.event_type == CHILD_STARTED
    ]
    handles = [client.get_workflow_handle(it.workflow_id, run_id=it.run_id) for it in children]
    for child in handles:
        await ended(child)
    histories = {it.id: (await it.fetch_history()).to_json() for it in [handle, *handles]}
    return name, {"histories": histories, "seen": seen}


async def idle(handle: WorkflowHandle[Any, Any]) -> None:
    """Waits until the workflow waits for somebody outside."""
    while True:
        state = (await handle.describe()).raw_description
        if not state.pending_activities and not state.HasField("pending_workflow_task"):
            return
        await asyncio.sleep(0.05)


async def ended(handle: WorkflowHandle[Any, Any]) -> None:
    """Waits for the end, whatever it is."""
    try:
        await asyncio.wait_for(handle.result(follow_runs=False), 120)
    except (WorkflowFailureError, RPCError):
        pass
    except Exception as error:
        if type(error).__name__ != "WorkflowContinuedAsNewError":
            raise


class Traced(WorkflowRunner):
    """Hands over to Temporal's own runner, and notes which lines a workflow runs in which task."""

    def __init__(self, directory: str) -> None:
        self.runner = UnsandboxedWorkflowRunner()
        self.directory = directory + os.sep
        self.lines: dict[str, dict[int, int]] = {}

    def prepare_workflow(self, defn: Any) -> None:
        self.runner.prepare_workflow(defn)

    def set_worker_level_failure_exception_types(self, types: Any) -> None:
        self.runner.set_worker_level_failure_exception_types(types)

    def create_instance(self, det: Any) -> Any:
        instance = self.traced(0, self.runner.create_instance)(det)
        activate = instance.activate
        instance.activate = lambda activation: self.traced(activation.history_length, activate)(activation)
        return instance

    def traced(self, task: int, function: Any) -> Any:
        def local(frame: Any, event: str, _: Any) -> Any:
            file = frame.f_code.co_filename[len(self.directory) :]
            lines = self.lines.setdefault(file, {})
            lines[frame.f_lineno] = min(task, lines.get(frame.f_lineno, task))
            return local

        def trace(frame: Any, event: str, argument: Any) -> Any:
            inside = frame.f_code.co_filename.startswith(self.directory)
            return local(frame, event, argument) if inside else None

        def run(argument: Any) -> Any:
            before = sys.gettrace()
            sys.settrace(trace)
            try:
                return function(argument)
            finally:
                sys.settrace(before)

        return run


async def replay_one(directory: str, types: list[type], history: WorkflowHistory) -> dict[str, Any]:
    """What becomes of one history, and which lines ran in which task."""
    runner = Traced(directory)
    replayer = Replayer(
        workflows=types, workflow_runner=runner, data_converter=pydantic_data_converter, debug_mode=True
    )
    try:
        result = await replayer.replay_workflow(history, raise_on_replay_failure=False)
        failure = result.replay_failure
    except Exception as error:
        failure = error
    kind = None
    if failure:
        kind = "nondeterminism" if isinstance(failure, NondeterminismError) else type(failure).__name__
    return {"failure": kind, "error": reason(failure), "lines": runner.lines}


def reason(failure: BaseException | None) -> str:
    """What the failure is about, without what the SDK wraps around it."""
    quoted = re.search(r'message: "(.*?)(?<!\\\\)"', str(failure or ""))
    return quoted[1] if quoted else str(failure or "")


async def replay(job: dict[str, Any]) -> list[Any]:
    """For each variant and history: what becomes of each state of it, and which lines the whole of it runs."""
    answer = []
    histories = {}
    for variant in job["variants"]:
        try:
            types = workflows(load(variant["directory"], variant["module"]))
        except Exception as error:
            answer.append({"broken": f"{type(error).__name__}: {error}"})
            continue
        replays = []
        for path in variant["histories"]:
            if path not in histories:
                histories[path] = WorkflowHistory.from_json(Path(path).stem, Path(path).read_text())
            whole = histories[path]
            states = []
            for cut in cuts(whole.events):
                part = WorkflowHistory(whole.workflow_id, whole.events[:cut])
                states.append({"events": cut, **await replay_one(variant["directory"], types, part)})
            lines = states[-1]["lines"]
            for state in states:
                del state["lines"]
            replays.append({"states": states, "lines": lines})
        answer.append({"replays": replays})
    return answer


def cuts(events: list[Any]) -> Iterator[int]:
    """How long the history was after each task that a worker had completed, with all that it commanded."""
    decided = False
    for number, event in enumerate(events, start=1):
        decided = event.event_type == COMPLETED or (decided and commanded(event))
        following = events[number] if number < len(events) else None
        if decided and (following is None or not commanded(following)):
            yield number


def commanded(event: Any) -> bool:
    """Whether an event is what a workflow task has commanded, or has answered to an update."""
    if event.event_type in UPDATED:
        return True
    attributes = getattr(event, event.WhichOneof("attributes"))
    return any(it.name == "workflow_task_completed_event_id" for it in attributes.DESCRIPTOR.fields)


def main() -> None:
    job = json.loads(sys.stdin.read())
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    answer = asyncio.run({"record": record, "replay": replay}[job["do"]](job))
    Path(job["answer"]).write_text(json.dumps(answer))
    sys.stdout.flush()
    # Threads of the SDK may not get along with the end of the interpreter.
    os._exit(0)


if __name__ == "__main__":
    main()
