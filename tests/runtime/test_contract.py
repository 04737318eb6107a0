"""RB2xx: what becomes of the classes, decorators and uses of the facade that the rules report."""

from __future__ import annotations

import pytest
from programs import Program, own, right, runbook, wrong
from runtimes import Outcome, local, shows, temporal

FAILED = ("failed", "task failed")
BREADCRUMB = ["current_steps", "children_by_step_id"]


def works(program: Program, *arguments: object, **options: object) -> list[Outcome]:
    outcomes = [local(program, *arguments, **options), temporal(program, *arguments, **options)]
    for outcome in outcomes:
        assert outcome.outcome == "completed", outcome
    return outcomes


def refused(program: Program, message: str) -> None:
    """Temporal does not even import it."""
    outcome = temporal(program)
    assert outcome.outcome == "import failed" and message in outcome.error, outcome


@shows("RB201", local="`AttributeError` at the first step", temporal="`AttributeError` at the first step")
def test_missing_base_class() -> None:
    for outcome in (local(wrong("RB201")), temporal(wrong("RB201"))):
        assert outcome.outcome in FAILED and "no attribute '_steps_completed'" in outcome.error, outcome
    works(right("RB201"))


@shows("RB202", local="quiet", temporal="a worker refuses the class")
def test_missing_defn() -> None:
    assert local(wrong("RB202")).outcome == "completed"
    outcome = temporal(wrong("RB202"))
    assert outcome.outcome == "class refused" and "missing attributes" in outcome.error, outcome
    works(right("RB202"))


@shows("RB203", local="quiet", temporal="`ValueError` at import")
def test_run_method() -> None:
    assert local(wrong("RB203", 0)).outcome == "completed"
    refused(wrong("RB203", 0), "ValueError: Workflow run method must be an async function")
    assert local(wrong("RB203", 1)).outcome == "completed"
    refused(wrong("RB203", 1), "@workflow.run")
    two = runbook("return context", members="@runbook.run\nasync def other(self, context: dict): ...")
    assert local(two).outcome == "completed"
    refused(two, "Multiple @workflow.run methods found")
    none = runbook("return context").but("    @runbook.run\n", "")
    assert local(none).outcome == "completed"
    refused(none, "Missing @workflow.run method")
    works(right("RB203"))


def test_run_method_with_a_keyword_only_parameter() -> None:
    program = runbook("return context").but("self, context: dict", "self, *, context: dict | None = None")
    for run in (local, temporal):
        outcome = run(program)
        assert outcome.outcome in FAILED and "takes 1 positional argument but 2 were given" in outcome.error


@shows(
    "RB204",
    local="`TypeError` at import for `defn()` and `run()`, otherwise quiet",
    temporal="refused at import",
)
def test_decorator_arguments() -> None:
    correct = right("RB204")
    for old, new in (("@runbook.defn", '@runbook.defn(name="x")'), ("@runbook.run", "@runbook.run()")):
        program = correct.but(old, new)
        assert local(program).outcome == "import failed" and "TypeError" in local(program).error
        refused(program, "TypeError")
    for old, new in (
        ("@runbook.query", "@runbook.query()"),
        ('@runbook.signal(name="books_closed")', '@runbook.signal("books_closed")'),
    ):
        program = correct.but(old, new)
        assert local(program).outcome == "completed"
        assert temporal(program).outcome == "import failed"
    assert local(wrong("RB204")).outcome == temporal(wrong("RB204")).outcome == "import failed"
    works(correct)


@shows(
    "RB205",
    local="`AttributeError` at the first step; `TypeError` for a parameter",
    temporal="`AttributeError` at the first step; `TypeError` for a parameter",
)
def test_initialiser() -> None:
    for run in (local, temporal):
        outcome = run(wrong("RB205", 0))
        assert outcome.outcome in FAILED and "AttributeError" in outcome.error, outcome
        outcome = run(wrong("RB205", 1))
        assert outcome.outcome in FAILED and "TypeError" in outcome.error, outcome
        assert "missing 1 required positional argument: 'tolerance'" in outcome.error
    asked = wrong("RB205", 0).but("return await self._step_reconcile(context)", "return {}")
    for run in (local, temporal):
        assert "has no attribute" in run(asked, queries=["current_steps"]).last("current_steps")
    works(right("RB205"), {"tolerance": 1})
    plain = temporal(wrong("RB205", 2), "A")
    assert plain.outcome == "task failed", plain
    assert "missing 1 required positional argument: 'account'" in plain.error, plain
    assert temporal(right("RB205", 1), "A").result == "A"


@shows("RB206", local="quiet: approvals do not arrive", temporal="`ValueError` at import")
def test_reserved_member() -> None:
    program = wrong("RB206")
    waiting = program.but("return context", "return await self.wait_for_action()")
    assert local(program).outcome == "completed"
    assert local(waiting, signals=[["user_action", {"type": "approved"}]]).outcome == "waiting"
    refused(program, "user_action")
    assigned = program.but("async def user_action", "async def other_action")
    for outcome in works(assigned, queries=["current_pending_action"]):
        assert outcome.last("current_pending_action") == {"kind": "notify"}
    works(right("RB206"))


@shows("RB207", local="quiet", temporal="`ValueError` at import")
def test_duplicate_handler() -> None:
    assert local(wrong("RB207")).outcome == "completed"
    refused(wrong("RB207"), "Multiple signal methods found")
    base = wrong("RB207").but(
        '@runbook.signal(name="file_received")\n    async def on_csv', "async def on_csv"
    )
    refused(base, "user_action")
    works(right("RB207"))


@shows("RB208", local="`workflow.now()` fails", temporal="works")
def test_temporalio_import() -> None:
    outcome = local(wrong("RB208"))
    assert outcome.outcome == "failed" and "Not in workflow event loop" in outcome.error, outcome
    assert temporal(wrong("RB208")).outcome == "completed"
    works(right("RB208"))


@shows("RB209", local="`NameError` in that branch", temporal="`NameError` in that branch")
def test_unbound_facade() -> None:
    works(wrong("RB209"))
    for run in (local, temporal):
        outcome = run(wrong("RB209"), {"overdue": True})
        assert outcome.outcome in FAILED, outcome
        assert "NameError: name 'workflow' is not defined" in outcome.error
    works(right("RB209"), {"overdue": True})


@shows("RB210", local="`AttributeError`", temporal="`AttributeError`")
def test_unknown_facade_member() -> None:
    for run in (local, temporal):
        outcome = run(wrong("RB210"))
        assert outcome.outcome in FAILED and "AttributeError" in outcome.error, outcome
        has = run(wrong("RB210"), probe="attributes").result
        named = {"sleep", "random", "uuid4", "patched", "continue_as_new"}
        assert not named & set(has["runbook"]) and "heartbeat" not in has["activity"]
    works(right("RB210"))


@shows("RB211", local="the import fails", temporal="the import fails")
def test_unknown_import() -> None:
    gone = (
        wrong("RB211"),
        own("import ntro.workflow.history"),
        own("from ntro.workflow.runbook import NtroWorkflow"),
    )
    for program in gone:
        for run in (local, temporal):
            outcome = run(program)
            assert outcome.outcome == "import failed", outcome
            assert "ImportError" in outcome.error or "ModuleNotFoundError" in outcome.error
    for number in (0, 1):
        assert temporal(right("RB211", number), probe="attributes").outcome == "probed"


@shows("RB212", local="`AttributeError`", temporal="works")
def test_info_field() -> None:
    outcome = local(wrong("RB212"))
    assert outcome.outcome == "failed" and "no attribute 'namespace'" in outcome.error, outcome
    assert temporal(wrong("RB212")).outcome == "completed"
    works(right("RB212"))


@shows("RB213", local="quiet: no entry, no tracked child", temporal="quiet: no entry, no tracked child")
def test_discouraged_api() -> None:
    child = runbook("return context").files["workflow.py"]
    options = {
        "register": {"document-ingest": "child"},
        "queries": BREADCRUMB,
        "results": {"document-ingest": {}},
    }
    for outcome in works(wrong("RB213").plus("child.py", child), **options):
        assert outcome.last("current_steps") == [] and outcome.last("children_by_step_id") == {}
    for outcome in works(right("RB213").plus("child.py", child), **options):
        assert [it["status"] for it in outcome.last("current_steps")] == ["completed"]
        assert list(outcome.last("children_by_step_id")) == ["value"]


@shows("RB214", local="`@workflow.defn` fails at import", temporal="works")
def test_mixed_sdk() -> None:
    outcome = local(wrong("RB214"))
    assert outcome.outcome == "import failed" and "Missing @workflow.run method" in outcome.error, outcome
    assert temporal(wrong("RB214")).outcome == "completed"
    other = wrong("RB214").but("@workflow.defn", "@runbook.defn").but("@runbook.run", "@workflow.run")
    works(other)
    works(right("RB214"))


@shows("RB215", local="works", temporal="works, with a `DeprecationWarning`")
def test_async_query() -> None:
    quiet, warned = works(wrong("RB215"), queries=["is_priced"])
    assert quiet.last("is_priced") is None and warned.last("is_priced") is None
    assert not quiet.warnings
    assert any("async" in it and "deprecated" in it for it in warned.warnings), warned.warnings
    for outcome in works(right("RB215")):
        assert not any("deprecated" in it for it in outcome.warnings)


@shows("RB216", local="`TypeError` for a second parameter", temporal="the input is a plain `dict`")
def test_run_input() -> None:
    program = runbook(
        "return type(context).__name__",
        imports="from pydantic import BaseModel\n\n\nclass Context(BaseModel):\n    fund: str",
    )
    annotated = program.but("context: dict", "context: Context")
    assert temporal(annotated, {"fund": "A"}).result == "Context"
    assert temporal(program.but("context: dict", "context"), {"fund": "A"}).result == "dict"
    second = program.but("context: dict", "context: dict, period: str")
    for run in (local, temporal):
        outcome = run(second, {"fund": "A"})
        assert "missing 1 required positional argument: 'period'" in outcome.error, outcome
    assert temporal(right("RB216"), {"period": "P"}).result == {"period": "P"}


@shows("RB217", local="quiet", temporal="`ValueError`: local classes unsupported")
def test_local_class() -> None:
    made = wrong("RB217").but(
        "    return SettleTradesWorkflow\n", '    return SettleTradesWorkflow\n\n\nMADE = make("x")\n'
    )
    assert local(made).outcome == "completed"
    refused(made, "Local classes unsupported")
    works(right("RB217"))


@shows("RB218", temporal="only the class that is named after the slug is loaded")
def test_several_runbooks() -> None:
    program = wrong("RB218")
    for path in ("__init__", "activities"):
        program = program.plus(f"close-month/templates/{path}.py", "")
    assert temporal(program, probe="loaded").result == "CloseMonthWorkflow"
    works(right("RB218"))


CALLS = """
    from datetime import timedelta

    from ntro.workflow import NtroWorkflow, runbook

    from .activities import send


    @runbook.defn
    class SendWorkflow(NtroWorkflow):
        @runbook.run
        async def run(self, notice: dict) -> dict:
            return await runbook.execute_activity(send, notice, start_to_close_timeout=timedelta(1))
"""


@shows("RB219", local="quiet: placeholders", temporal="not in workflow event loop, not in activity context")
def test_facade_out_of_place() -> None:
    program = wrong("RB219").plus("templates/workflow.py", CALLS)
    assert local(program).outcome == "completed"
    outcome = temporal(program)
    assert outcome.outcome == "stuck" and "Not in workflow event loop" in outcome.error, outcome
    works(right("RB219", 0).plus("templates/workflow.py", CALLS))
    works(right("RB219", 1))


@pytest.mark.parametrize(
    "call", ["now()", "info()", "wait_condition(lambda: True)", "execute_activity(print)"]
)
def test_facade_at_module_level(call: str) -> None:
    start = f"import asyncio\nVALUE = runbook.{call}\nif asyncio.iscoroutine(VALUE):\n    asyncio.run(VALUE)"
    program = runbook("return context", imports=start)
    assert local(program).outcome == "completed"
    refused(program, "Not in workflow event loop")


def test_facade_of_activities_in_a_workflow() -> None:
    program = runbook("return activity.info().activity_id").but(
        "import NtroWorkflow", "import NtroWorkflow, activity"
    )
    assert local(program).result == "<no-active-activity>"
    assert "Not in activity context" in temporal(program).error
    logs = program.but("return activity.info().activity_id", 'activity.logger.info("here")')
    works(logs)
