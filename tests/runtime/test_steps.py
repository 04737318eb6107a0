"""RB3xx: what becomes of the steps and icons that the rules report."""

from __future__ import annotations

from programs import Program, right, runbook, wrong
from runtimes import Outcome, local, shows, temporal

BREADCRUMB = ["current_steps", "current_ui_state", "step_snapshots"]


def entries(outcome: Outcome, key: str = "id") -> list[str]:
    """One field of each entry of the breadcrumb at the end."""
    return [entry.get(key) for entry in outcome.last("current_steps")]


def both(program: Program, *arguments: object, **options: object) -> list[Outcome]:
    """Runs a program in both runtimes and expects it to end well."""
    options = {"queries": BREADCRUMB, **options}
    outcomes = [local(program, *arguments, **options), temporal(program, *arguments, **options)]
    for outcome in outcomes:
        assert outcome.outcome == "completed", outcome
    return outcomes


@shows("RB301", local="`TypeError` at import", temporal="`TypeError` at import")
def test_step_metadata() -> None:
    for call in ('("sell", "Sell")', '(name="sell")', '(name="sell", title="Sell", icn="Tag")', ""):
        program = runbook("return context", members=f"@runbook.step{call}\nasync def _step_sell(self): ...")
        for outcome in (local(program), temporal(program)):
            assert outcome.outcome == "import failed" and "TypeError" in outcome.error, (call, outcome)
    for outcome in (local(wrong("RB301")), temporal(wrong("RB301"))):
        assert outcome.outcome == "import failed" and "TypeError" in outcome.error, outcome
    both(right("RB301"))


@shows(
    "RB302",
    local="quiet: two entries complete together, one snapshot",
    temporal="quiet: two entries complete together, one snapshot",
)
def test_duplicate_step_name() -> None:
    for outcome in both(wrong("RB302")):
        assert entries(outcome) == ["review", "review"]
        assert list(outcome.last("step_snapshots")) == ["review"]
    for outcome in both(right("RB302")):
        assert len(set(entries(outcome))) == len(outcome.last("step_snapshots")) == 2


def test_steps_of_one_name_become_active_together() -> None:
    gate = 'await runbook.wait_condition(lambda: hasattr(self, "_go"))'
    program = wrong("RB302").but(
        "async def _step_first_review(self, context: dict) -> dict:\n        return context",
        f"async def _step_first_review(self, context: dict) -> dict:\n        {gate}\n        return context",
    )
    for run in (local, temporal):
        outcome = run(program, queries=BREADCRUMB)
        assert outcome.outcome == "waiting"
        assert entries(outcome, "status") == ["active", "active"]


@shows(
    "RB303",
    local="quiet: the step has no entry, the colon is in the id of the child",
    temporal="quiet: the step has no entry, the colon is in the id of the child",
)
def test_invalid_step_text() -> None:
    for outcome in both(wrong("RB303")):
        assert entries(outcome) == ["pay:vendors"]
    for outcome in both(wrong("RB303").but('title="Pay vendors"', 'title=""')):
        assert entries(outcome, "title") == [""]
    child = runbook("return context").files["workflow.py"]
    program = (
        wrong("RB303")
        .plus("child.py", child)
        .but(
            'name="pay:vendors", title="Pay vendors", icon="Banknote")  # RB303\n'
            "    async def _step_pay(self, context: dict) -> dict:\n        return context",
            'name="pay:vendors", title="Pay vendors", icon="Banknote")\n'
            "    async def _step_pay(self, context: dict) -> dict:\n"
            '        return await self.run_child_workflow(slug="child", input=context)',
        )
    )
    for outcome in both(program, register={"child": "child"}, queries=["children_by_step_id"]):
        (started,) = outcome.last("children_by_step_id")["pay:vendors"]
        assert started["workflow_id"].split(":") == ["task", "pay", "vendors", "child"]
    for outcome in both(right("RB303")):
        assert all(entries(outcome)) and all(entries(outcome, "title"))


@shows(
    "RB305",
    local="`TypeError` when the step runs, none at import",
    temporal="`TypeError` when the step runs, none at import",
)
def test_sync_step() -> None:
    message = "object dict can't be used in 'await' expression"
    for outcome in (local(wrong("RB305"), {"fund": "A"}), temporal(wrong("RB305"), {"fund": "A"})):
        assert outcome.outcome in ("failed", "task failed") and message in outcome.error, outcome
    both(right("RB305"), {"fund": "A"})


@shows("RB306", local="quiet: fixed at import", temporal="quiet: fixed at import")
def test_dynamic_step_metadata() -> None:
    program = wrong("RB306").but("text.title()", "text.title() + str(next(NUMBERS))")
    program = program.but("def label", "NUMBERS = iter(range(9))\n\n\ndef label")
    for context in ({"fund": "A"}, {"fund": "B"}):
        for outcome in both(program, context):
            # The title is there before the step runs, whatever the task is.
            assert {seen["current_steps"][0]["title"] for seen in outcome.seen} == {"Rebalance0"}
    both(right("RB306"))


@shows("RB307", local="quiet: handed to the UI as it is", temporal="quiet: handed to the UI as it is")
def test_unknown_icon() -> None:
    for run in (local, temporal):
        outcome = run(
            wrong("RB307"), queries=[*BREADCRUMB, "current_pending_action"], signals=[["user_action", {}]]
        )
        assert outcome.outcome == "completed", outcome
        assert entries(outcome, "icon") == ["Money"]
        shown = [it["current_pending_action"] for it in outcome.seen if it["current_pending_action"]]
        assert shown[0]["display_hint"]["config"]["actions"][0]["icon"] == "arrow-right"
    both(right("RB307"), signals=[["user_action", {}]])


@shows("RB309", local="quiet: the entry has no icon", temporal="quiet: the entry has no icon")
def test_missing_icon() -> None:
    for outcome in both(wrong("RB309")):
        assert "icon" not in outcome.last("current_steps")[0]
    for outcome in both(right("RB309")):
        assert all(entries(outcome, "icon"))


@shows("RB310", local="quiet: pending at the end", temporal="quiet: pending at the end")
def test_step_never_runs() -> None:
    for outcome in both(wrong("RB310")):
        assert entries(outcome, "status") == ["completed", "pending"]
    for outcome in both(right("RB310")):
        assert entries(outcome, "status") == ["completed", "completed"]


@shows(
    "RB311",
    local="quiet: the second entry is done before the first",
    temporal="quiet: the second entry is done before the first",
)
def test_step_order() -> None:
    for outcome in both(wrong("RB311")):
        assert entries(outcome) == ["publish", "value"]
        assert outcome.last("current_ui_state")["steps_completed"] == ["value", "publish"]
    for outcome in both(right("RB311")):
        assert entries(outcome) == outcome.last("current_ui_state")["steps_completed"]


@shows(
    "RB312",
    local="the step never runs, the runbook completes",
    temporal="the step never runs, the runbook completes",
)
def test_step_not_awaited() -> None:
    for outcome in both(wrong("RB312")):
        assert entries(outcome, "status") == ["completed", "pending"]
        assert any("_step_send' was never awaited" in it for it in outcome.warnings), outcome.warnings
    for outcome in both(right("RB312")):
        assert entries(outcome, "status") == ["completed", "completed"]


@shows("RB313", local="the outer step loses its snapshot", temporal="the outer step loses its snapshot")
def test_nested_step() -> None:
    for outcome in both(wrong("RB313")):
        assert list(outcome.last("step_snapshots")) == ["post"]
        assert outcome.last("current_ui_state")["current_step_id"] == "post"
    for outcome in both(right("RB313")):
        assert sorted(outcome.last("step_snapshots")) == sorted(entries(outcome))


@shows("RB314", local="only the last one is active", temporal="only the last one is active")
def test_concurrent_steps() -> None:
    gate = 'await runbook.wait_condition(lambda: hasattr(self, "_go"))'
    program = wrong("RB314").but("-> dict:\n        return", f"-> dict:\n        {gate}\n        return")
    for run in (local, temporal):
        outcome = run(program, queries=BREADCRUMB)
        assert outcome.outcome == "waiting", outcome
        assert entries(outcome, "status") == ["pending", "active"]
    both(right("RB314"))


@shows("RB315", local="it runs and has no entry", temporal="it runs and has no entry")
def test_inherited_step() -> None:
    for outcome in both(wrong("RB315")):
        assert entries(outcome) == ["audit"]
        assert outcome.last("current_ui_state")["steps_completed"] == ["collect", "audit"]
    for outcome in both(right("RB315")):
        assert entries(outcome) == outcome.last("current_ui_state")["steps_completed"]


@shows("RB316", local="`AttributeError` when it is called", temporal="`AttributeError` when it is called")
def test_step_not_a_method() -> None:
    for outcome in (local(wrong("RB316"), {}), temporal(wrong("RB316"), {})):
        assert outcome.outcome in ("failed", "task failed"), outcome
        assert "AttributeError: 'dict' object has no attribute '_current_step_id'" in outcome.error
    both(right("RB316"))


@shows("RB317", local="two entries, or none", temporal="two entries, or none")
def test_rebound_step() -> None:
    for outcome in both(wrong("RB317", 0)):
        assert entries(outcome) == ["check", "check"]
    for outcome in both(wrong("RB317", 1)):
        assert entries(outcome) == ["report"]
    for outcome in both(right("RB317")):
        assert len(set(entries(outcome))) == len(entries(outcome))


@shows(
    "RB318",
    local="the signal becomes the current step; the query gives a coroutine",
    temporal="the signal becomes the current step; the run stays active to the end",
)
def test_step_is_handler() -> None:
    for outcome in both(wrong("RB318"), signals=[["statement_arrived", {}]]):
        assert outcome.last("current_ui_state")["current_step_id"] == "statement"
    for outcome in both(right("RB318"), signals=[["statement_arrived", {}]]):
        assert outcome.last("current_ui_state")["steps_completed"] == entries(outcome)
    step = '@runbook.step(name="{0}", title="{0}")\n'
    query = runbook(
        "return 1", members=f"@runbook.query\n{step.format('look')}async def look(self): return 1"
    )
    assert local(query, queries=["look"]).last("look") == "a coroutine"
    gate = 'await runbook.wait_condition(lambda: hasattr(self, "_go"))'
    run = runbook(gate).but(
        "    @runbook.run\n", '    @runbook.run\n    @runbook.step(name="all", title="All")\n'
    )
    outcome = temporal(run, queries=BREADCRUMB)
    assert outcome.outcome == "waiting" and entries(outcome, "status") == ["active"], outcome


@shows("RB319", local="quiet until somebody reads it", temporal="quiet until somebody reads it")
def test_step_config() -> None:
    reads = '_step_lodge.__ntro_ui_step__["config"].get("audience")'
    for program, fails in ((wrong("RB319"), True), (right("RB319"), False)):
        both(program)
        reading = program.but(
            "        return await self._step_lodge(context)",
            f"        self.{reads}\n        return await self._step_lodge(context)",
        )
        for outcome in (local(reading), temporal(reading)):
            assert (outcome.outcome != "completed") is fails, outcome
            assert not fails or "'list' object has no attribute 'get'" in outcome.error


@shows("RB320", local="quiet: no entry at all", temporal="quiet: no entry at all")
def test_no_steps() -> None:
    for outcome in both(wrong("RB320")):
        assert entries(outcome) == []
    for outcome in both(right("RB320")):
        assert entries(outcome)


@shows("RB321", local="quiet: two entries of one title", temporal="quiet: two entries of one title")
def test_step_title() -> None:
    for outcome in both(wrong("RB321")):
        assert entries(outcome, "title") == ["Approve", "Approve"]
    for outcome in both(right("RB321")):
        assert len(set(entries(outcome, "title"))) == 2


@shows("RB322", local="works, with a `DeprecationWarning`", temporal="works, with a `DeprecationWarning`")
def test_ui_step() -> None:
    for outcome in both(wrong("RB322")):
        assert entries(outcome, "status") == ["completed"]
        assert any("will be removed in a future release" in it for it in outcome.warnings)
    for outcome in both(right("RB322")):
        assert not any("ui_step" in it for it in outcome.warnings)
