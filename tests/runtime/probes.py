"""Questions about a program other than what its run does; each is asked in a process of its own."""

from __future__ import annotations

import asyncio
import importlib
import inspect
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from child import MARK, activities_beside, workflow_of


def attributes(module: Any, job: dict[str, Any]) -> dict[str, list[str]]:
    """What the two facades have."""
    from ntro.workflow import activity, runbook

    return {
        name: [it for it in dir(facade) if not it.startswith("_")]
        for name, facade in (("runbook", runbook), ("activity", activity))
    }


def registered(module: Any, job: dict[str, Any]) -> list[str]:
    return sorted(activities_beside(module) or {})


def found_by_harness(module: Any, job: dict[str, Any]) -> list[str]:
    """The activities that the test harness finds for a runbook."""
    from ntro.testing.harness import _collect_activities

    return sorted(getattr(it, MARK).name for it in _collect_activities([workflow_of(module)]))


def mocked(module: Any, job: dict[str, Any]) -> dict[str, Any]:
    """What the test harness lets each activity return."""
    from ntro.testing.harness import _mock_activity

    found = activities_beside(module) or {}
    return {name: asyncio.run(_mock_activity(it)()) for name, it in found.items()}


def worker(module: Any, job: dict[str, Any]) -> str:
    """Hands all activities of `activities.py` to a worker, which needs no server for its checks."""
    from temporalio.worker._activity import _ActivityWorker

    beside = importlib.import_module(f"{module.__package__}.activities")
    needed = dict.fromkeys(inspect.signature(_ActivityWorker).parameters)
    needed |= {"activities": [it for it in vars(beside).values() if hasattr(it, MARK)], "interceptors": []}
    try:
        _ActivityWorker(**needed)
    except ValueError as error:
        return f"refused: {error}"
    return "ready"


def loaded(module: Any, job: dict[str, Any]) -> str:
    """The class that the platform takes from a bundle: the one that is named after the slug."""
    from ntro.testing import load_runbook

    directory = Path(job["directory"], "case", job["module"]).parents[1]
    return load_runbook(directory)[0].__name__


def uploaded(module: Any, job: dict[str, Any]) -> list[Any]:
    """What the test harness sends to a runbook that shows the pending action given as input."""
    from ntro.testing import HAPPY
    from ntro.testing.agent_loop import HarnessAgentLoop

    (pending,) = job["input"]
    sent: list[Any] = []

    async def describe() -> Any:
        return SimpleNamespace(status=SimpleNamespace(name="RUNNING"))

    async def query(name: str, *_: Any, **__: Any) -> Any:
        return pending if name == "current_pending_action" else None

    async def send(name: str, *_: Any, **__: Any) -> None:
        sent.append(name)

    handle = SimpleNamespace(id="task", describe=describe, query=query, signal=send)
    client = SimpleNamespace(get_workflow_handle=lambda _: handle)
    asyncio.run(HarnessAgentLoop(client, HAPPY).drive(handle, timeout_s=0.3))
    return sorted(set(sent))


def agent_limit(module: Any, job: dict[str, Any]) -> float:
    """How long `agents.invoke` waits for an agent unless it is told."""
    from ntro.workflow import agents

    return inspect.signature(agents.invoke).parameters["max_poll_seconds"].default


def interactive(module: Any, job: dict[str, Any]) -> dict[str, bool]:
    """Which components of the SDK take an answer."""
    from ntro.workflow import UIComponent

    return {it.value: it.is_interactive for it in UIComponent}


def three_runs(module: Any, job: dict[str, Any]) -> list[Any]:
    """The results of three runs of one workflow in one process."""
    from history import Server

    cls = workflow_of(module)
    return [_first_result(Server(cls, cls.__name__, job, None)) for _ in range(3)]


def with_garbage(module: Any, job: dict[str, Any]) -> list[Any]:
    """The results of two runs, before the second of which the process has made some garbage."""
    import gc

    from history import Server

    cls = workflow_of(module)
    gc.disable()
    results = []
    for cycles in (0, 1000):
        gc.collect()
        for _ in range(cycles):
            cycle: list[Any] = []
            cycle.append(cycle)
        results.append(_first_result(Server(cls, cls.__name__, job, None)))
    return results


def _first_result(server: Any) -> Any:
    """What a workflow of a single task returns when it is run once, without a replay to check it."""
    from history import result_of

    async def run() -> Any:
        server.begin()
        server.task_started()
        recorder, failure = await server.replay()
        assert not failure, failure
        return result_of(recorder.commands_of_last_task()[-1].complete_workflow_execution)

    return asyncio.run(run())


def three_local_runs(module: Any, job: dict[str, Any]) -> list[int]:
    """How long the results of three runs in LocalRuntime are."""
    from ntro.workflow import run_local

    return [len(asyncio.run(run_local(workflow_of(module), *job["input"]))) for _ in range(3)]
