"""RB1xx: what a replay makes of the code that the rules report, and that LocalRuntime says nothing.

A replay compares the commands with the history: their kinds and order, the types of activities and
children, and the ids of children. It does not compare arguments and results. So there are two ways
in which it goes wrong: it fails with a nondeterminism error, or it passes and the restored state
differs from what was recorded, which the linter calls drift.
"""

from __future__ import annotations

import http.server
import sqlite3
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from programs import Program, own, right, runbook, wrong
from runtimes import Outcome, local, replayed, sandboxed, shows, temporal

TWO_SEEDS = {"first": {"PYTHONHASHSEED": "1"}, "then": {"PYTHONHASHSEED": "2"}}
CODES = ["A100", "B200", "C300", "D400", "E500", "F600"]


def drifts(program: Program, *arguments: object, **options: object) -> tuple[object, object]:
    """The replay passes, and the result is another one."""
    before, after = replayed(program, *arguments, **options)
    assert before.outcome == "completed", before
    assert after.outcome == "replayed", after
    assert before.result != after.result, before
    return before.result, after.result


def agrees(program: Program, *arguments: object, **options: object) -> Outcome:
    """The replay passes with the same result and the same commands."""
    before, after = replayed(program, *arguments, **options)
    assert before.outcome == "completed", before
    assert after.outcome == "replayed", after
    assert (before.result, before.commands) == (after.result, after.commands)
    return after


def mismatches(program: Program, *arguments: object, **options: object) -> None:
    """The replay fails."""
    before, after = replayed(program, *arguments, **options)
    assert before.outcome == "completed", before
    assert after.outcome == "nondeterminism" and "TMPRL1100" in after.error, after


def stopped(program: Program, *arguments: object, **options: object) -> None:
    """Temporal's sandbox refuses it."""
    outcome = sandboxed(program, *arguments, **options)
    assert outcome.outcome == "task failed", outcome
    assert "RestrictedWorkflowAccessError" in outcome.error, outcome


def silent(program: Program, *arguments: object, **options: object) -> Outcome:
    """LocalRuntime runs it without a word."""
    outcome = local(program, *arguments, **options)
    assert outcome.outcome == "completed" and not outcome.warnings, outcome
    return outcome


def cut_off(seconds: float) -> dict:
    """A time that the first run is before and the replay is after."""
    at = time.time() + seconds

    def wait(_: Path) -> None:
        time.sleep(max(0, at - time.time()))

    return {"given": datetime.fromtimestamp(at, UTC).isoformat(), "between": wait}


@shows(
    "RB101",
    local="quiet",
    temporal="stopped by the sandbox; without it the replay drifts, and fails where a branch differs",
)
def test_wall_clock() -> None:
    silent(wrong("RB101", 1))
    stopped(wrong("RB101", 0), "2026-01-01T00:00:00Z")
    at = cut_off(8)
    assert drifts(wrong("RB101", 0), at["given"], between=at["between"]) == ("on time", "late")
    branch = wrong("RB101", 0).but(
        '            return "late"\n',
        '            await workflow.execute_activity("escalate", start_to_close_timeout=timedelta(1))\n',
    )
    branch = branch.but("import datetime, timezone", "import datetime, timedelta, timezone")
    at = cut_off(8)
    mismatches(branch, at["given"], between=at["between"])
    at = cut_off(1)
    agrees(right("RB101", 0), at["given"], between=at["between"])
    works_in_both(right("RB101", 1))


def works_in_both(program: Program, *arguments: object, **options: object) -> None:
    silent(program, *arguments, **options)
    for run in (temporal, sandboxed):
        assert run(program, *arguments, **options).outcome == "completed"


@pytest.mark.parametrize("clock", ["time.strftime('%Y')", "time.gmtime()", "time.ctime()", "formatdate()"])
def test_clocks_that_the_sandbox_lets_through(clock: str) -> None:
    program = runbook(f"return {clock} and None", imports="import time\nfrom email.utils import formatdate")
    assert sandboxed(program).outcome == "completed"


def test_a_clock_behind_an_import_that_is_passed_through() -> None:
    program = runbook(
        "return now()",
        imports="from temporalio import workflow\nwith workflow.unsafe.imports_passed_through():\n    from clock import now",
    ).plus("clock.py", "import time\n\n\ndef now() -> float:\n    return time.time()\n")
    assert sandboxed(program).outcome == "completed"


@shows("RB102", local="quiet", temporal="stopped by the sandbox, unless a `Random()`; the replay drifts")
def test_randomness() -> None:
    silent(wrong("RB102", 1), CODES)
    stopped(wrong("RB102", 0), CODES)
    drifts(wrong("RB102", 0), [str(number) for number in range(1000)])
    many = [str(number) for number in range(10**4)]
    assert sandboxed(wrong("RB102", 1), many).outcome == "completed"
    drifts(wrong("RB102", 1), many)


def test_randomness_that_decides_on_commands() -> None:
    program = own(
        """
        import random
        from datetime import timedelta

        from temporalio import workflow


        @workflow.defn
        class ReviewJournals:
            @workflow.run
            async def run(self, journals: list[str]) -> None:
                for journal in random.sample(journals, 5):
                    await workflow.execute_activity({0}, start_to_close_timeout=timedelta(1))
        """
    )
    many = [str(number) for number in range(10**4)]
    outcome = temporal(program.but("{0}", 'f"review-{journal}"'), many)
    assert outcome.outcome == "nondeterminism" and "TMPRL1100" in outcome.error, outcome
    # Where only the arguments differ, the replay passes with other journals.
    before, after = replayed(program.but("{0}", '"review", journal'), many)
    assert after.outcome == "replayed" and before.commands != after.commands


@shows("RB103", local="quiet", temporal="the replay fails for the id of a child, and drifts elsewhere")
def test_random_uuid() -> None:
    silent(wrong("RB103", 1), 1.5)
    drifts(wrong("RB103", 1), 1.5)
    stopped(wrong("RB103", 0), ["A"])
    outcome = temporal(wrong("RB103", 0), ["A"])
    assert outcome.outcome == "nondeterminism" and "Child workflow id" in outcome.error, outcome


@shows("RB104", local="quiet", temporal="stopped by the sandbox; the replay drifts")
def test_environment() -> None:
    silent(wrong("RB104", 1), 0.0)
    stopped(wrong("RB104", 0), 0.5)
    settings = {"first": {"RECON_TOLERANCE": "1"}, "then": {"RECON_TOLERANCE": "0"}}
    for number in (0, 1):
        assert drifts(wrong("RB104", number), 0.5, **settings) == ("matched", "break")
    agrees(right("RB104", 0), {"difference": 0.5, "tolerance": 1}, **settings)
    program = wrong("RB104", 1).but(
        'return "matched" if',
        'return None if abs(difference) <= self.tolerance else await asyncio.sleep(1)\n        return "matched" if',
    )
    mismatches(program.but("import os", "import asyncio\nimport os"), 0.5, **settings)


@shows("RB105", local="quiet", temporal="stopped by the sandbox; the replay drifts")
def test_file_io() -> None:
    program = wrong("RB105", 0).plus("balance.json", '[{"debit": 3, "credit": 1}]')
    path = "case/balance.json"
    stopped(program, path)

    def write(directory: Path) -> None:
        Path(directory, path).write_text('[{"debit": 9, "credit": 1}]')

    assert drifts(program, path, between=write) == (2, 8)
    names = wrong("RB105", 1).plus("chart-of-accounts.csv", "1000,Cash\n").but('open("', 'open("case/')
    assert silent(names, ["1000"]).result == ["Cash"]
    stopped(names, ["1000"])


class Rates(http.server.BaseHTTPRequestHandler):
    """Answers each request with another rate."""

    asked = 0

    def do_GET(self) -> None:
        type(self).asked += 1
        body = f'{{"rate": {self.asked}}}'.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@shows("RB106", local="quiet: asked once", temporal="asked again by each replay; the replay drifts")
def test_network_io() -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Rates) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/"
        drifts(wrong("RB106", 0).but("https://rates.example.com/gbp-usd", url), 1.0)
        asked = Rates.asked
        in_a_runbook = runbook(f'return httpx.get("{url}").json()["rate"]', imports="import httpx")
        silent(in_a_runbook)
        assert Rates.asked == asked + 1
        server.shutdown()


@shows("RB107", local="quiet", temporal="not stopped by the sandbox; the replay drifts")
def test_database_io() -> None:
    def fill(directory: Path, *amounts: float) -> None:
        with sqlite3.connect(directory / "ledger.db") as ledger:
            ledger.execute("create table if not exists entries (amount real, period text)")
            ledger.executemany("insert into entries values (?, '2026-01')", [(it,) for it in amounts])

    setting_up = '        ledger.execute("create table if not exists entries (amount real, period text)")\n'
    program = wrong("RB107", 0).but("        query = ", f"{setting_up}        query = ")
    assert sandboxed(program, "2026-01").outcome == "completed"
    assert drifts(program, "2026-01", between=lambda it: fill(it, 5.0)) == (None, 5.0)
    in_a_runbook = runbook(
        "return sqlite3.connect(':memory:').execute('select 1').fetchone()[0]", imports="import sqlite3"
    )
    silent(in_a_runbook)


@shows("RB108", local="quiet: run once", temporal="stopped by the sandbox; run again by each replay")
def test_subprocess() -> None:
    program = wrong("RB108", 1).but("archive-period {period}", "echo {period} >> archived.txt")
    silent(program, "2026-01")
    stopped(wrong("RB108", 0), "a.pdf")
    stopped(wrong("RB108", 1), "2026-01")
    written: list[str] = []

    def count(directory: Path) -> None:
        written[:] = (directory / "archived.txt").read_text().split()

    replayed(program, "2026-01", between=count)
    # The run itself, and the replay that checks it.
    assert len(written) > 1


@shows("RB109", local="quiet", temporal="taken for a deadlock; stopped by the sandbox")
def test_blocking_sleep() -> None:
    program = runbook("time.sleep(0.1)", imports="import time")
    silent(program)
    stopped(wrong("RB109", 0), 4)
    outcome = temporal(wrong("RB109", 0), 4)
    assert "TMPRL1101" in (outcome.error or "") + outcome.output, outcome
    assert temporal(right("RB109", 0), 4).commands == [{"kind": "timer", "seconds": 4}]
    for run in (local, temporal):
        received = [["statement_received", {}]]
        assert run(right("RB109", 1), {}, signals=received).outcome == "completed"


@shows("RB110", local="quiet", temporal="stopped by the sandbox; `workflow.now()` fails in a thread")
def test_threads_and_executors() -> None:
    silent(wrong("RB110", 1), "F1")
    stopped(wrong("RB110", 0), [1.0])
    stopped(wrong("RB110", 1), "F1")
    pool = runbook(
        "return str(ThreadPoolExecutor().submit(runbook.now).result())",
        imports="from concurrent.futures import ThreadPoolExecutor",
    )
    silent(pool)
    assert "Not in workflow event loop" in temporal(pool).error
    assert agrees(right("RB110", 0), [1.0]).result
    works_in_both(right("RB110", 1), ["F1", "F2"])


@shows("RB111", local="quiet", temporal="`to_thread()` fails; `as_completed()` warns in the sandbox")
def test_nondeterministic_asyncio() -> None:
    silent(wrong("RB111", 1), [1.0, 2.0])
    outcome = temporal(wrong("RB111", 1), [1.0, 2.0])
    assert outcome.outcome == "task failed" and "NotImplementedError" in outcome.error, outcome
    warned = sandboxed(wrong("RB111", 0), ["a", "b"]).warnings
    assert any("as_completed" in it for it in warned), warned
    for call in ("asyncio.open_connection('localhost', 1)", "asyncio.create_subprocess_shell('true')"):
        program = runbook(f"await {call}", imports="import asyncio")
        assert temporal(program).outcome == "task failed"
    for call in (
        "asyncio.gather(asyncio.sleep(1), asyncio.sleep(1))",
        "asyncio.wait_for(asyncio.sleep(1), 2)",
    ):
        agrees(runbook(f"await {call}", imports="import asyncio"))


@shows(
    "RB112",
    local="quiet",
    temporal="other arguments in another process; the replay fails where activities differ, and drifts elsewhere",
)
def test_unordered_iteration() -> None:
    silent(wrong("RB112", 1), CODES)
    before, after = replayed(wrong("RB112", 0), CODES, **TWO_SEEDS)
    assert after.outcome == "replayed"
    assert [it["input"] for it in before.commands] != [it["input"] for it in after.commands]
    mismatches(wrong("RB112", 0).but('"strike_nav", code', 'f"strike_nav_{code}"'), CODES, **TWO_SEEDS)
    # Each fund gets the result of another one.
    kept = wrong("RB112", 0).but("            await", "            struck[code] = await")
    kept = kept.but("        for code", "        struck = {}\n        for code").but(
        "-> None:", "-> dict[str, str]:"
    )
    kept = kept.but("minutes=5)\n            )\n", "minutes=5)\n            )\n        return struck\n")
    echo = "from temporalio import activity\n\n\n@activity.defn\nasync def strike_nav(code: str) -> str:\n    return code\n"
    result, restored = drifts(kept.plus("activities.py", echo), CODES, **TWO_SEEDS)
    assert all(code == struck for code, struck in result.items())
    assert any(code != struck for code, struck in restored.items())
    drifts(wrong("RB112", 1), CODES, **TWO_SEEDS)
    assert sandboxed(wrong("RB112", 1), CODES).outcome == "completed"
    for number, given in ((0, CODES), (1, CODES), (2, CODES)):
        agrees(right("RB112", number), given, **TWO_SEEDS)


@shows("RB113", local="quiet", temporal="no command: the activity runs again with each replay")
def test_direct_activity_call() -> None:
    silent(wrong("RB113"), 1.0)
    assert temporal(wrong("RB113"), 1.0).commands == []
    counted = wrong("RB113").but("    return f", '    print("POSTED")\n    return f')
    before, after = replayed(counted, 1.0)
    assert before.output.count("POSTED") > 1 and after.output.count("POSTED") == 1
    once = right("RB113", 0).but("    return f", '    print("POSTED")\n    return f')
    before, after = replayed(once, 1.0)
    assert before.names() == ["accrue_fees.post_journal"]
    assert before.output.count("POSTED") == 1 and after.output.count("POSTED") == 0


@shows("RB114", local="quiet", temporal="not stopped by the sandbox; the replay drifts")
def test_platform_io() -> None:
    silent(wrong("RB114"))
    assert sandboxed(wrong("RB114")).outcome == "completed"
    drifts(wrong("RB114"), first={"NTRO_TENANT_ID": "one"}, then={"NTRO_TENANT_ID": "two"})


@shows("RB115", local="one line", temporal="the lines are written again by each replay")
def test_console_and_logging() -> None:
    assert silent(wrong("RB115", 1), "J1").output.count("posting J1") == 1
    before, after = replayed(wrong("RB115", 1), "J1")
    assert before.output.count("posting J1") > 1 and after.output.count("posting J1") == 1
    _, after = replayed(right("RB115", 2), "J1")
    assert after.output.count("posting J1") == 0


@shows(
    "RB116",
    local="quiet: what one run leaves, the next one finds",
    temporal="the replay drifts; the sandbox gives each run its own copy",
)
def test_shared_mutable_state() -> None:
    statement = [["statement_received", {"n": 1}]]
    assert local(wrong("RB116", 1), 1, signals=statement).result == [{"n": 1}]
    # Three runs in one process, as a worker has them.
    assert temporal(wrong("RB116", 0), "J1", probe="three_runs").result == [1, 2, 3]
    assert temporal(right("RB116", 0), "J1", probe="three_runs").result == [1, 1, 1]
    assert temporal(wrong("RB116", 0), "J1", probe="three_runs", sandboxed=True).result == [1, 1, 1]
    waits = "await runbook.wait_condition(lambda: len(self.statements) >= expected)"
    kept = wrong("RB116", 1).but(waits, "self.statements.append({})")
    assert local(kept, 1, probe="three_local_runs").result == [1, 2, 3]


@shows("RB117", local="quiet", temporal="another task queue in another process; the replay passes")
def test_process_identity() -> None:
    silent(wrong("RB117", 1), {"a": 1})
    queues = set()
    for seed in "12345678":
        outcome, _ = replayed(wrong("RB117", 0), "F1", first={"PYTHONHASHSEED": seed}, then={})
        queues.add(outcome.commands[0]["queue"])
        if len(queues) > 1:
            break
    assert len(queues) > 1


@shows("RB118", local="quiet", temporal="the replay on another worker drifts")
def test_import_time_value() -> None:
    silent(wrong("RB118", 1))
    for number in (0, 1):
        drifts(wrong("RB118", number), ("F1", {})[number])


@shows("RB119", local="quiet", temporal="the replay in another zone drifts")
def test_local_timezone() -> None:
    late = 1_752_535_800  # 23:30 UTC on 14 July 2025.
    silent(wrong("RB119", 1), late)
    zones = {"first": {"TZ": "UTC"}, "then": {"TZ": "Europe/London"}}
    assert drifts(wrong("RB119", 0), late, **zones) == ("2025-07-14", "2025-07-15")
    assert drifts(wrong("RB119", 1), late, **zones) == (14, 15)
    for number in (0, 1):
        agrees(right("RB119", number), late, **zones)


@shows("RB120", local="quiet", temporal="a replay does not have what a query changed; commands are refused")
def test_read_only_handler() -> None:
    received = [["statement_received", "a"], ["statement_received", "b"]]
    outcome = local(wrong("RB120", 1), 9, signals=received, queries=["take_statements"])
    taken = [it["take_statements"] for it in outcome.seen]
    assert (
        outcome.outcome == "waiting" and taken.count([]) >= 1 and ["a"] in taken and ["a", "b"] not in taken
    )
    options = {"signals": received, "queries": ["take_statements"], "tasks": 3}
    asked = temporal(wrong("RB120", 1), 9, **options)
    unasked = temporal(right("RB120", 1), 9, **{**options, "queries": ["statements"]})
    assert [it["take_statements"] for it in asked.seen] == [[], ["a"], ["b"]]
    assert [it["statements"] for it in unasked.seen] == [[], ["a"], ["a", "b"]]
    commands = runbook(
        "await runbook.wait_condition(lambda: False)",
        members="""
            @runbook.query
            def look(self) -> str:
                asyncio.create_task(runbook.execute_activity("a", start_to_close_timeout=timedelta(1)))
                return "looked"
        """,
        imports="import asyncio\nfrom datetime import timedelta",
    )
    assert "read-only function" in temporal(commands, queries=["look"]).last("look")


@shows("RB121", local="quiet", temporal="stopped by the sandbox")
@pytest.mark.skipif(sys.version_info >= (3, 14), reason="the sandbox lets os.path through since then")
def test_sandbox_compatibility() -> None:
    stopped(wrong("RB121"), "F1")
    agrees(wrong("RB121"), "F1")
    assert sandboxed(right("RB121"), "F1").outcome == "completed"
    silent(runbook("return os.path.join('exports', 'F1')", imports="import os"))


@shows("RB122", temporal="depends on what else the process has done")
def test_garbage_collection() -> None:
    counts = temporal(wrong("RB122", 0), "F1", probe="with_garbage").result
    assert counts[1] >= counts[0] + 900, counts


@shows("RB123", temporal="a formula that reads a clock drifts, and the sandbox lets it through")
def test_dynamic_code() -> None:
    drifts(wrong("RB123"), "__import__('time').time_ns()")
    assert sandboxed(wrong("RB123"), "__import__('time').ctime() and 1.0").result == 1.0


@pytest.mark.parametrize(
    ("code", "number", "given", "options"),
    [
        ("RB102", 0, CODES, {}),
        ("RB102", 1, CODES, {"results": {"*": CODES}}),
        ("RB102", 2, CODES, {}),
        ("RB103", 0, CODES, {}),
        ("RB103", 1, 1.5, {}),
        ("RB105", 0, "balance.json", {"results": {"*": 2.0}}),
        ("RB105", 1, ["1000"], {"results": {"*": {"1000": "Cash"}}}),
        ("RB106", 0, 1.0, {"results": {"*": 1.25}}),
        ("RB107", 0, "2026-01", {"results": {"*": 5.0}}),
        ("RB107", 1, "2026-01", {"results": {"*": 5.0}}),
        ("RB108", 0, "a.pdf", {"results": {"*": "text"}}),
        ("RB108", 1, "2026-01", {"results": {"*": True}}),
        ("RB114", 0, {"period": "P", "tenant_slug": "t"}, {"results": {"*": "summaries/P.txt"}}),
        ("RB117", 0, "F1", {}),
        ("RB117", 1, {"a": 1}, {}),
        ("RB118", 0, "F1", {}),
        ("RB118", 1, {"batch_id": "B"}, {}),
        ("RB120", 0, "F1", {"signals": [["approve", None]]}),
        ("RB122", 0, "F1", {}),
        ("RB123", 0, "flat", {}),
    ],
)
def test_what_to_use_instead(code: str, number: int, given: object, options: dict) -> None:
    """Replays in another process give the same commands and the same result."""
    agrees(right(code, number), given, **TWO_SEEDS, **options)
