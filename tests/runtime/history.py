"""Plays the Temporal server for one workflow: it answers commands with events.

`temporalio.worker.Replayer` runs workflow code against a history, without a server. A history that
ends with a workflow task that has only been started is continued by the code; what it commands is
recorded and answered, and the longer history is replayed from its beginning. So every task but the
last is a real replay by Temporal's own core.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any

import temporalio.worker._workflow_instance as instances
from temporalio.api.enums.v1 import EventType, StartChildWorkflowExecutionFailedCause
from temporalio.api.history.v1 import History
from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import ActivityEnvironment
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions
from temporalio.workflow import NondeterminismError

RUN, WORKFLOW, QUEUE = "11111111-2222-3333-4444-555555555555", "task", "queue"
START = 1_700_000_000
ALREADY_EXISTS = StartChildWorkflowExecutionFailedCause.Value(
    "START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_WORKFLOW_ALREADY_EXISTS"
)
CONVERTER = pydantic_data_converter.payload_converter


class Recorder(WorkflowRunner):
    """Hands over to one of Temporal's own runners, and keeps what the workflow answers."""

    def __init__(self, sandboxed: bool, queries: list[str], updates: list[list[Any]]) -> None:
        passed = SandboxRestrictions.default.with_passthrough_modules("ntro")
        self.runner = SandboxedWorkflowRunner(passed) if sandboxed else UnsandboxedWorkflowRunner()
        self.queries = queries
        self.updates = list(updates)
        self.answers: list[str] = []
        self.completions: list[tuple[int, Any]] = []
        self.seen: list[dict[str, Any]] = []

    def prepare_workflow(self, defn: Any) -> None:
        self.runner.prepare_workflow(defn)

    def set_worker_level_failure_exception_types(self, types: Any) -> None:
        self.runner.set_worker_level_failure_exception_types(types)

    def create_instance(self, det: instances.WorkflowInstanceDetails) -> Any:
        instance = self.runner.create_instance(det)
        activate = instance.activate

        def recorded(activation: Any) -> Any:
            completion = activate(activation)
            if not any(job.HasField("remove_from_cache") for job in activation.jobs):
                self.completions.append((activation.history_length, completion))
                if completion.HasField("successful"):
                    if self.updates:
                        self.answers.append(self.update(activate, activation, *self.updates.pop(0)))
                    self.seen.append({name: self.ask(activate, activation, name) for name in self.queries})
            return completion

        instance.activate = recorded
        return instance

    def commands_of_last_task(self) -> list[Any]:
        """What the workflow commanded in its last task, which may have taken several activations."""
        last = self.completions[-1][0]
        return [
            command
            for length, completion in self.completions
            if length == last
            for command in completion.successful.commands
        ]

    def error(self) -> str | None:
        """The exception that has ended the last task, if one has."""
        completion = self.completions[-1][1]
        if not completion.HasField("failed"):
            return None
        failure = completion.failed.failure
        return f"{failure.application_failure_info.type}: {failure.message}"

    @staticmethod
    def update(activate: Any, at: Any, name: str, payload: Any) -> str:
        """Sends an update after the first task, and says what becomes of it."""
        sent = WorkflowActivation(run_id=at.run_id, timestamp=at.timestamp, history_length=at.history_length)
        update = sent.jobs.add().do_update
        update.id = update.protocol_instance_id = "update"
        update.name, update.run_validator = name, True
        update.input.extend(CONVERTER.to_payloads([payload]))
        answer = activate(sent)
        if answer.HasField("failed"):
            return f"task failed: {answer.failed.failure.message}"
        responses = [it.update_response for it in answer.successful.commands if it.HasField("update_response")]
        last = responses[-1]
        return f"rejected: {last.rejected.message}" if last.HasField("rejected") else "accepted"

    @staticmethod
    def ask(activate: Any, at: Any, name: str) -> Any:
        """Sends a query, as a worker does between two workflow tasks."""
        question = WorkflowActivation(
            run_id=at.run_id, timestamp=at.timestamp, history_length=at.history_length
        )
        query = question.jobs.add().query_workflow
        query.query_id, query.query_type = "query", name
        answer = activate(question)
        if answer.HasField("failed"):
            return f"failed: {answer.failed.failure.message}"
        reply = answer.successful.commands[0].respond_to_query
        if reply.HasField("failed"):
            return f"failed: {reply.failed.message}"
        return CONVERTER.from_payloads([reply.succeeded.response])[0]


def note(command: Any) -> dict[str, Any] | None:
    """What a test wants to know of a command."""
    kind = command.WhichOneof("variant")
    body = getattr(command, kind)
    if kind == "schedule_activity":
        given, timeout = CONVERTER.from_payloads(list(body.arguments)), body.start_to_close_timeout.seconds
        facts = {"name": body.activity_type, "input": given, "queue": body.task_queue, "timeout": timeout}
        return {"kind": "activity", **facts}
    if kind == "start_timer":
        return {"kind": "timer", "seconds": body.start_to_fire_timeout.seconds}
    if kind == "start_child_workflow_execution":
        given = CONVERTER.from_payloads(list(body.input))
        facts = {"name": body.workflow_type, "id": body.workflow_id, "input": given}
        return {"kind": "child", "policy": body.parent_close_policy, **facts}
    return None


async def nothing() -> Any:
    """No history at all."""
    for history in ():
        yield history


def result_of(body: Any) -> Any:
    return CONVERTER.from_payloads([body.result])[0] if body.HasField("result") else None


@dataclass
class Server:
    """One workflow, the history of which grows with each task."""

    cls: type
    type_name: str
    job: dict[str, Any]
    activities: dict[str, Any] | None
    history: History = field(default_factory=History)
    commands: list[dict[str, Any]] = field(default_factory=list)
    pending: list[tuple[str, Any, int]] = field(default_factory=list)
    children: dict[str, int] = field(default_factory=dict)
    seen: list[dict[str, Any]] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)

    async def play(self) -> dict[str, Any]:
        """Runs the workflow until it ends or waits for something that never comes."""
        try:
            # A replayer without histories refuses the classes that a worker refuses.
            await self.worker()[1].replay_workflows(nothing())
        except (ValueError, RuntimeError) as error:
            cause = f" ({error.__cause__})" if error.__cause__ else ""
            return self.outcome("class refused", f"{type(error).__name__}: {error}{cause}")
        self.begin()
        for name, payload in self.job["early"]:
            self.signal(name, payload)
        signals = [tuple(it) for it in self.job["signals"]]
        cancel = self.job["cancel"]
        for _ in range(self.job["tasks"]):
            self.task_started()
            recorder, failure = await self.replay()
            if failure:
                return self.outcome(*failure)
            assert recorder.completions, "the workflow was not activated"
            self.seen = recorder.seen
            self.answers = recorder.answers
            if error := recorder.error():
                return self.outcome("task failed", error)
            self.task_completed(recorder)
            for command in recorder.commands_of_last_task():
                if ended := self.obey(command):
                    _, failure = await self.replay()
                    return self.outcome(*failure) if failure else ended
            if cancel:
                self.event("WORKFLOW_EXECUTION_CANCEL_REQUESTED")
                cancel = False
            elif any(kind != "timer" for kind, _, _ in self.pending):
                if stuck := await self.answer():
                    return self.outcome("stuck", stuck)
            elif signals:
                self.signal(*signals.pop(0))
            elif self.pending:
                await self.answer()
            else:
                return self.outcome("waiting", None)
        return self.outcome("endless", None)

    def signal(self, name: str, payload: Any) -> None:
        signalled = self.event("WORKFLOW_EXECUTION_SIGNALED").workflow_execution_signaled_event_attributes
        signalled.signal_name = name
        signalled.input.payloads.extend(CONVERTER.to_payloads([payload]))

    async def continue_from(self, recorded: bytes) -> dict[str, Any]:
        """Replays the history of another run with this code, and goes on for one task."""
        self.history.ParseFromString(recorded)
        self.task_started()
        recorder, failure = await self.replay()
        if failure:
            return self.outcome(*failure)
        self.commands = [it for it in map(note, recorder.commands_of_last_task()) if it]
        return self.outcome("continued", None)

    async def replay_of(self, recorded: bytes) -> dict[str, Any]:
        """Replays the history of another run, and says what the code commands this time."""
        self.history.ParseFromString(recorded)
        recorder, failure = await self.replay()
        result = None
        for _, completion in recorder.completions:
            for command in completion.successful.commands:
                self.commands += filter(None, [note(command)])
                if command.HasField("complete_workflow_execution"):
                    result = result_of(command.complete_workflow_execution)
        self.seen = recorder.seen
        return self.outcome(*(failure or ("replayed", None)), result)

    def worker(self) -> tuple[Recorder, Replayer]:
        """Something that executes the workflow, and what it writes its answers to."""
        recorder = Recorder(self.job["sandboxed"], self.job["queries"], self.job["updates"])
        converter = pydantic_data_converter
        return recorder, Replayer(workflows=[self.cls], workflow_runner=recorder, data_converter=converter)

    async def replay(self) -> tuple[Recorder, tuple[str, str] | None]:
        """Replays the history so far with Temporal's own core; gives what it objects to."""
        recorder, replayer = self.worker()
        result = await replayer.replay_workflow(
            WorkflowHistory(WORKFLOW, self.history.events), raise_on_replay_failure=False
        )
        failure = result.replay_failure
        if failure is None:
            return recorder, None
        kind = "nondeterminism" if isinstance(failure, NondeterminismError) else "replay failed"
        return recorder, (kind, str(failure))

    def outcome(self, outcome: str, error: str | None, result: Any = None) -> dict[str, Any]:
        return {
            "outcome": outcome,
            "error": error,
            "result": result,
            "commands": self.commands,
            "seen": self.seen,
            "answers": self.answers,
        }

    # The events.

    def event(self, kind: str) -> Any:
        event = self.history.events.add()
        event.event_id = event.task_id = len(self.history.events)
        event.event_type = EventType.Value(f"EVENT_TYPE_{kind}")
        event.event_time.FromSeconds(START + event.event_id)
        # Core does not take an event without attributes, even if there are none to set.
        getattr(event, f"{kind.lower()}_event_attributes").SetInParent()
        return event

    def begin(self) -> None:
        started = self.event("WORKFLOW_EXECUTION_STARTED").workflow_execution_started_event_attributes
        started.workflow_type.name, started.task_queue.name, started.workflow_id = (
            self.type_name,
            QUEUE,
            WORKFLOW,
        )
        started.original_execution_run_id = started.first_execution_run_id = RUN
        started.workflow_task_timeout.FromSeconds(10)
        started.attempt = 1
        if self.job["input"]:
            started.input.payloads.extend(CONVERTER.to_payloads(self.job["input"]))

    def task_started(self) -> None:
        scheduled = self.event("WORKFLOW_TASK_SCHEDULED")
        scheduled.workflow_task_scheduled_event_attributes.task_queue.name = QUEUE
        started = self.event("WORKFLOW_TASK_STARTED")
        started.workflow_task_started_event_attributes.scheduled_event_id = scheduled.event_id

    def task_completed(self, recorder: Recorder) -> None:
        completed = self.event("WORKFLOW_TASK_COMPLETED")
        self.task = completed.event_id
        attributes = completed.workflow_task_completed_event_attributes
        attributes.scheduled_event_id, attributes.started_event_id = self.task - 2, self.task - 1
        _, completion = recorder.completions[-1]
        attributes.sdk_metadata.lang_used_flags.extend(completion.successful.used_internal_flags)
        # The flags of a current server; without the first, core does not compare ids and types.
        attributes.sdk_metadata.core_used_flags.extend([1, 2, 3])

    def obey(self, command: Any) -> dict[str, Any] | None:
        """Writes the event of a command; gives the outcome if the command ends the workflow."""
        kind = command.WhichOneof("variant")
        body = getattr(command, kind)
        handler = getattr(self, kind, None)
        assert handler, f"no answer to {kind}"
        if noted := note(command):
            self.commands.append(noted)
        return handler(body)

    def schedule_activity(self, body: Any) -> None:
        event = self.event("ACTIVITY_TASK_SCHEDULED")
        attributes = event.activity_task_scheduled_event_attributes
        attributes.activity_id, attributes.activity_type.name = body.activity_id, body.activity_type
        attributes.input.payloads.extend(body.arguments)
        attributes.workflow_task_completed_event_id = self.task
        self.pending.append(("activity", body, event.event_id))

    def request_cancel_activity(self, body: Any) -> None:
        kind, activity, scheduled = next(
            it for it in self.pending if it[0] == "activity" and it[1].seq == body.seq
        )
        self.pending.remove((kind, activity, scheduled))
        requested = self.event(
            "ACTIVITY_TASK_CANCEL_REQUESTED"
        ).activity_task_cancel_requested_event_attributes
        requested.scheduled_event_id, requested.workflow_task_completed_event_id = scheduled, self.task

    def start_timer(self, body: Any) -> None:
        event = self.event("TIMER_STARTED")
        attributes = event.timer_started_event_attributes
        attributes.timer_id, attributes.workflow_task_completed_event_id = str(body.seq), self.task
        attributes.start_to_fire_timeout.CopyFrom(body.start_to_fire_timeout)
        self.pending.append(("timer", body, event.event_id))

    def cancel_timer(self, body: Any) -> None:
        kind, timer, started = next(it for it in self.pending if it[0] == "timer" and it[1].seq == body.seq)
        self.pending.remove((kind, timer, started))
        attributes = self.event("TIMER_CANCELED").timer_canceled_event_attributes
        attributes.timer_id, attributes.started_event_id = str(body.seq), started
        attributes.workflow_task_completed_event_id = self.task

    def start_child_workflow_execution(self, body: Any) -> None:
        event = self.event("START_CHILD_WORKFLOW_EXECUTION_INITIATED")
        attributes = event.start_child_workflow_execution_initiated_event_attributes
        attributes.workflow_id, attributes.workflow_type.name = body.workflow_id, body.workflow_type
        attributes.workflow_task_completed_event_id = self.task
        self.pending.append(("child", body, event.event_id))

    def continue_as_new_workflow_execution(self, body: Any) -> dict[str, Any]:
        attributes = self.event(
            "WORKFLOW_EXECUTION_CONTINUED_AS_NEW"
        ).workflow_execution_continued_as_new_event_attributes
        attributes.workflow_task_completed_event_id = self.task
        attributes.workflow_type.name, attributes.new_execution_run_id = body.workflow_type, RUN
        return self.outcome("continued as new", None, CONVERTER.from_payloads(list(body.arguments)))

    def modify_workflow_properties(self, body: Any) -> None:
        event = self.event("WORKFLOW_PROPERTIES_MODIFIED")
        attributes = event.workflow_properties_modified_event_attributes
        attributes.workflow_task_completed_event_id = self.task
        attributes.upserted_memo.CopyFrom(body.upserted_memo)

    def set_patch_marker(self, body: Any) -> None:
        attributes = self.event("MARKER_RECORDED").marker_recorded_event_attributes
        attributes.marker_name, attributes.workflow_task_completed_event_id = "core_patch", self.task
        data = {"id": body.patch_id, "deprecated": body.deprecated}
        attributes.details["patch-data"].payloads.extend(CONVERTER.to_payloads([data]))
        searched = self.event(
            "UPSERT_WORKFLOW_SEARCH_ATTRIBUTES"
        ).upsert_workflow_search_attributes_event_attributes
        searched.workflow_task_completed_event_id = self.task
        value = CONVERTER.to_payloads([[body.patch_id]])[0]
        searched.search_attributes.indexed_fields["TemporalChangeVersion"].CopyFrom(value)

    def complete_workflow_execution(self, body: Any) -> dict[str, Any]:
        attributes = self.event("WORKFLOW_EXECUTION_COMPLETED").workflow_execution_completed_event_attributes
        attributes.workflow_task_completed_event_id = self.task
        if body.HasField("result"):
            attributes.result.payloads.add().CopyFrom(body.result)
        return self.outcome("completed", None, result_of(body))

    def fail_workflow_execution(self, body: Any) -> dict[str, Any]:
        attributes = self.event("WORKFLOW_EXECUTION_FAILED").workflow_execution_failed_event_attributes
        attributes.workflow_task_completed_event_id = self.task
        attributes.failure.CopyFrom(body.failure)
        return self.outcome("failed", body.failure.message)

    def cancel_workflow_execution(self, body: Any) -> dict[str, Any]:
        attributes = self.event("WORKFLOW_EXECUTION_CANCELED").workflow_execution_canceled_event_attributes
        attributes.workflow_task_completed_event_id = self.task
        return self.outcome("cancelled", None)

    # The answers.

    async def answer(self) -> str | None:
        """Answers what the workflow waits for, timers last; says what cannot be answered."""
        waiting = [it for it in self.pending if it[0] != "timer"]
        waiting = waiting or [min(self.pending, key=lambda it: it[1].start_to_fire_timeout.ToMilliseconds())]
        if starting := [it for it in waiting if it[0] == "child"]:
            # All children start before the first one returns, and so two of one id meet.
            waiting = starting
        for kind, body, event_id in waiting:
            self.pending.remove((kind, body, event_id))
            if kind == "activity" and body.activity_type in self.job["failures"]:
                self.activity_failed(event_id, self.job["failures"][body.activity_type])
            elif kind == "activity":
                result, problem = await self.work(body)
                if problem:
                    return problem
                self.activity_completed(event_id, result)
            elif kind == "child":
                self.child_started(body, event_id)
            elif kind == "running child":
                self.child_completed(body, event_id)
            else:
                attributes = self.event("TIMER_FIRED").timer_fired_event_attributes
                attributes.timer_id, attributes.started_event_id = str(body.seq), event_id
        return None

    async def work(self, body: Any) -> tuple[Any, str | None]:
        """Runs an activity as a worker does that has registered what `activities.py` holds."""
        name = body.activity_type
        # A program without `activities.py` takes its activities from the test.
        if self.activities is not None and name not in self.activities:
            return None, f"no worker knows the activity {name}"
        results = self.job["results"]
        if self.activities is None or name in results or "*" in results:
            return results.get(name, results.get("*")), None
        function = self.activities[name]
        types = getattr(function, "__temporal_activity_definition").arg_types
        if types is not None and len(types) != len(body.arguments):
            types = None
        arguments = CONVERTER.from_payloads(list(body.arguments), types)
        try:
            answer = ActivityEnvironment().run(function, *arguments)
            return (await answer if hasattr(answer, "__await__") else answer), None
        except Exception as error:
            return None, f"the activity {name} fails with {type(error).__name__}: {error}"

    def activity_completed(self, scheduled: int, result: Any) -> None:
        started = self.event("ACTIVITY_TASK_STARTED")
        started.activity_task_started_event_attributes.scheduled_event_id = scheduled
        completed = self.event("ACTIVITY_TASK_COMPLETED").activity_task_completed_event_attributes
        completed.scheduled_event_id, completed.started_event_id = scheduled, started.event_id
        completed.result.payloads.extend(CONVERTER.to_payloads([result]))

    def activity_failed(self, scheduled: int, kind: str) -> None:
        """Fails an activity for good, as the server does after its last attempt."""
        started = self.event("ACTIVITY_TASK_STARTED")
        started.activity_task_started_event_attributes.scheduled_event_id = scheduled
        failed = self.event("ACTIVITY_TASK_FAILED").activity_task_failed_event_attributes
        failed.scheduled_event_id, failed.started_event_id = scheduled, started.event_id
        failed.failure.message = "it failed"
        failed.failure.application_failure_info.type = kind

    def child_started(self, body: Any, initiated: int) -> None:
        """Starts a child, unless one of its id is running: the server has one run of each id."""
        if body.workflow_id in self.children:
            event = self.event("START_CHILD_WORKFLOW_EXECUTION_FAILED")
            failed = event.start_child_workflow_execution_failed_event_attributes
            failed.initiated_event_id, failed.workflow_id = initiated, body.workflow_id
            failed.workflow_type.name = body.workflow_type
            failed.cause = ALREADY_EXISTS
            return
        event = self.event("CHILD_WORKFLOW_EXECUTION_STARTED")
        self.children[body.workflow_id] = event.event_id
        started = event.child_workflow_execution_started_event_attributes
        started.initiated_event_id, started.workflow_type.name = initiated, body.workflow_type
        started.workflow_execution.workflow_id = body.workflow_id
        started.workflow_execution.run_id = f"run-{body.seq}"
        self.pending.append(("running child", body, initiated))

    def child_completed(self, body: Any, initiated: int) -> None:
        event = self.event("CHILD_WORKFLOW_EXECUTION_COMPLETED")
        completed = event.child_workflow_execution_completed_event_attributes
        completed.initiated_event_id = initiated
        completed.started_event_id = self.children.pop(body.workflow_id)
        completed.workflow_type.name = body.workflow_type
        completed.workflow_execution.workflow_id = body.workflow_id
        completed.workflow_execution.run_id = f"run-{body.seq}"
        result = self.job["results"].get(body.workflow_type)
        completed.result.payloads.extend(CONVERTER.to_payloads([result]))


logging.getLogger("temporalio").setLevel(logging.CRITICAL)
