"""RB6xx and RB7xx: handlers, how a run ends, failures and patches, under Temporal."""

from __future__ import annotations

import tempfile
from pathlib import Path

from programs import Program, own, right, wrong
from runtimes import Outcome, shows, temporal
from temporalio.testing import ActivityEnvironment

TERMINATE, ABANDON = 1, 2
COLLECTS = """
    import asyncio
    from temporalio import workflow

    @workflow.defn
    class Collects:
        def __init__(self) -> None:
            self.orders: list[str] = []
            self.turn = asyncio.Lock()

        @workflow.run
        async def run(self) -> list[str]:
            await workflow.wait_condition(lambda: len(self.orders) > 1, timeout=60)
            return self.orders

        @workflow.signal
        async def order(self, name: str) -> None:
            orders = [*self.orders, name]
            await asyncio.sleep(1)
            self.orders = orders

        @workflow.query
        def present(self) -> list[str]:
            return self.orders
"""


@shows("RB601", temporal="what one of two handlers writes is lost")
def test_lost_update() -> None:
    sent = {"signals": [["order", "A"], ["order", "B"]], "queries": ["present"]}
    lost = temporal(own(COLLECTS), **sent)
    assert lost.last("present") == ["B"], lost
    later = own(COLLECTS).but("orders = [*self.orders, name]", "pass")
    later = later.but("self.orders = orders", "self.orders = [*self.orders, name]")
    assert temporal(later, **sent).result == ["A", "B"]
    locked = own(COLLECTS).but(
        "orders = [*self.orders, name]\n        await asyncio.sleep(1)\n        self.orders = orders",
        "async with self.turn:\n            orders = [*self.orders, name]\n"
        "            await asyncio.sleep(1)\n            self.orders = orders",
    )
    assert temporal(locked, **sent).result == ["A", "B"]


EMPTIES = """
    import asyncio
    from temporalio import workflow

    @workflow.defn
    class Empties:
        def __init__(self) -> None:
            self.parcels = ["A"]

        @workflow.run
        async def run(self) -> list[str]:
            batch = list(self.parcels)
            await asyncio.sleep(1)
            self.parcels.clear()
            return [*batch, *self.parcels]

        @workflow.signal
        def add(self, parcel: str) -> None:
            self.parcels.append(parcel)
"""


@shows("RB601", temporal="what one of two handlers writes is lost")
def test_emptied_state() -> None:
    lost = temporal(own(EMPTIES), signals=[["add", "B"]])
    assert lost.result == ["A"], lost
    whole = own(EMPTIES).but("batch = list(self.parcels)", "batch, self.parcels = self.parcels, []")
    whole = whole.but("        self.parcels.clear()\n", "")
    assert temporal(whole, signals=[["add", "B"]]).result == ["A", "B"]


@shows("RB602", temporal="`AttributeError` fails the task of a signal or an update, and a query")
def test_unset_attribute() -> None:
    early = temporal(wrong("RB602"), 5, early=[["subscribe", 200]])
    assert early.outcome == "task failed", early
    assert "has no attribute \'units\'" in early.error, early
    assert temporal(right("RB602"), 5, early=[["subscribe", 200]]).result == 205


@shows("RB603", temporal="fails the task of an update; ends the run from a signal")
def test_handler_continues_as_new() -> None:
    outcome = temporal(wrong("RB603"), "F1", updates=[["restart", "F2"]])
    assert outcome.answers[0] == "task failed: Cannot continue as new from an update handler", outcome
    by_signal = wrong("RB603").but("@workflow.update", "@workflow.signal")
    outcome = temporal(by_signal, "F1", signals=[["restart", "F2"]])
    assert (outcome.outcome, outcome.result) == ("continued as new", ["F2"]), outcome
    registered = wrong("RB603").but("    @workflow.update\n", "").but(
        "await workflow.wait",
        'workflow.set_update_handler("restart", self.restart)\n        await workflow.wait',
    )
    outcome = temporal(registered, "F1", updates=[["restart", "F2"]])
    assert outcome.answers[0] == "task failed: Cannot continue as new from an update handler", outcome
    asked = right("RB603").but("@workflow.update", "@workflow.signal")
    outcome = temporal(asked, "F1", signals=[["restart", "F2"]])
    assert (outcome.outcome, outcome.result) == ("continued as new", ["F1"]), outcome


ENDS = """
    import asyncio
    from temporalio import workflow

    @workflow.defn
    class Ends:
        def __init__(self) -> None:
            self.added: list[str] = []

        @workflow.run
        async def run(self) -> list[str]:
            await asyncio.sleep(1)
            return self.added

        @workflow.signal
        async def add(self, name: str) -> None:
            await asyncio.sleep(60)
            self.added.append(name)
"""


@shows("RB604", temporal="the handler is cut off, with a warning `TMPRL1102`")
def test_unfinished_handlers() -> None:
    cut_off = temporal(own(ENDS), signals=[["add", "A"]])
    assert (cut_off.outcome, cut_off.result) == ("completed", []), cut_off
    assert any("TMPRL1102" in it for it in cut_off.warnings), cut_off.warnings
    waits = own(ENDS).but(
        "return self.added",
        "await workflow.wait_condition(workflow.all_handlers_finished)\n        return self.added",
    )
    finished = temporal(waits, signals=[["add", "A"]])
    assert (finished.result, finished.warnings) == (["A"], []), finished


@shows("RB605", temporal="the child is started with the policy that terminates it")
def test_abandoned_child() -> None:
    (child,) = temporal(wrong("RB605"), "May").commands
    assert (child["name"], child["policy"]) == ("SendStatements", TERMINATE), child
    (child,) = temporal(right("RB605", 0), "May").commands
    assert child["policy"] == ABANDON, child


@shows("RB606", temporal="the task fails, and is tried again for ever")
def test_plain_exception() -> None:
    plain = temporal(wrong("RB606"), -1)
    assert (plain.outcome, plain.error) == ("task failed", "ValueError: nothing to order"), plain
    for number in (0, 1):
        failed = temporal(right("RB606", number), -1)
        assert (failed.outcome, failed.error) == ("failed", "nothing to order"), failed


@shows("RB607", temporal="no heartbeat is sent")
def test_silent_heartbeat() -> None:
    def beats(program: Program) -> list[object]:
        names: dict = {}
        exec(program.files["activities.py"], names)
        sent: list[object] = []
        environment = ActivityEnvironment()
        environment.on_heartbeat = lambda *details: sent.append(details)
        import asyncio

        asyncio.run(environment.run(names["load_file"], "a\nb"))
        return sent

    assert temporal(wrong("RB607"), "a").outcome == "completed"
    assert beats(wrong("RB607")) == []
    assert beats(right("RB607")) == [(0,), (1,)]


@shows("RB608", temporal="the clause catches nothing, and the workflow fails")
def test_wrapped_failure() -> None:
    failures = {"price": "ApplicationError"}
    escaped = temporal(wrong("RB608"), "F1", failures=failures)
    assert (escaped.outcome, escaped.error) == ("failed", "Activity task failed"), escaped
    caught = temporal(right("RB608"), "F1", failures=failures)
    assert (caught.outcome, caught.result) == ("completed", "no price"), caught


@shows("RB609", temporal="a signal that comes with the start is lost")
def test_lost_message() -> None:
    sent = {"early": [["approve", "A"]], "signals": [["approve", "B"]]}
    lost = temporal(wrong("RB609"), "F1", **sent)
    assert lost.outcome != "completed", lost
    kept = temporal(right("RB609"), "F1", **sent)
    assert (kept.outcome, kept.result) == ("completed", ["A", "B"]), kept


POLLS = """
    from datetime import timedelta
    from temporalio import workflow

    @workflow.defn
    class Polls:
        @workflow.run
        async def run(self) -> None:
            for _ in range(9):
                step = "read_all"
                await workflow.execute_activity(step, start_to_close_timeout=timedelta(minutes=1))
"""


def edited(before: Program, after: Program, **options: object) -> Outcome:
    """What the code does after an edit with a run that was started before it."""
    with tempfile.TemporaryDirectory() as kept:
        recording = str(Path(kept, "history"))
        temporal(before, record=recording, **options)
        return temporal(after, **{"continue": recording})


@shows("RB701", temporal="runs that are under way never take up the new code")
def test_repeated_patch() -> None:
    patched = 'step = "read_page" if workflow.patched("pages") else "read_all"'
    in_loop = own(POLLS).but('step = "read_all"', patched)
    options = {"tasks": 2, "results": {"read_all": None}}
    under_way = edited(own(POLLS), in_loop, **options)
    assert (under_way.outcome, under_way.names()) == ("continued", ["read_all"]), under_way
    a_new_run = temporal(in_loop, tasks=1, results={"read_page": None})
    assert a_new_run.names() == ["read_page"], a_new_run


@shows("RB702", temporal="a history with the marker fails the replay that does not come by")
def test_patch_decided() -> None:
    asked = own(POLLS).but("for _", 'workflow.patched("pages")\n        for _')
    decided = own(POLLS).but(
        "for _", 'if workflow.now().year > 2100:\n            workflow.deprecate_patch("pages")\n        for _'
    )
    always = own(POLLS).but("for _", 'workflow.deprecate_patch("pages")\n        for _')
    options = {"tasks": 2, "results": {"read_all": None}}
    assert edited(asked, decided, **options).outcome == "nondeterminism"
    assert edited(asked, always, **options).outcome == "continued"
