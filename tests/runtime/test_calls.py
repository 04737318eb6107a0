"""RB4xx: what becomes of the calls, gates and child runbooks that the rules report."""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
import pydoc
import re
import runpy
from dataclasses import dataclass
from pathlib import Path

import pytest
import temporalio.converter
import temporalio.workflow
from programs import Program, findings, own, right, runbook, wrong
from pydantic import BaseModel
from runtimes import Outcome, local, shows, temporal
from temporalio.contrib.pydantic import pydantic_data_converter

FAILED = ("failed", "task failed")
APPROVED = [["user_action", {"type": "approved"}]]
REJECTED = [["user_action", {"type": "rejected"}]]
PENDING = ["current_pending_action"]
CHILD = runbook("return context").files["workflow.py"]


def works(program: Program, *arguments: object, **options: object) -> list[Outcome]:
    outcomes = [local(program, *arguments, **options), temporal(program, *arguments, **options)]
    for outcome in outcomes:
        assert outcome.outcome == "completed", outcome
    return outcomes


def fails(program: Program, *arguments: object, message: str, **options: object) -> None:
    """It ends, or for ever repeats, with this error, in both runtimes."""
    for run in (local, temporal):
        outcome = run(program, *arguments, **options)
        assert outcome.outcome in FAILED and message in outcome.error, outcome


@shows("RB401", local="quiet", temporal="refused when it is scheduled")
def test_missing_activity_timeout() -> None:
    message = "Activity must have start_to_close_timeout or schedule_to_close_timeout"
    assert local(wrong("RB401", 0), "F1").outcome == "completed"
    for number in (0, 1):
        outcome = temporal(wrong("RB401", number), "F1")
        assert outcome.outcome == "task failed" and message in outcome.error, outcome
    works(right("RB401", 0), "F1")
    assert temporal(right("RB401", 1), "F1").outcome == "completed"


@shows("RB401", temporal="a number as interval of a retry policy fails the task")
def test_retry_policy_with_a_number() -> None:
    outcome = temporal(wrong("RB401", 2), "F1")
    assert outcome.outcome == "task failed" and "total_seconds" in outcome.error, outcome
    named = wrong("RB401", 2).but("initial_interval=5", "backoff=2.0")
    assert "unexpected keyword argument" in temporal(named, "F1").error
    policy = "initial_interval=timedelta(seconds=5), backoff_coefficient=2.0"
    duration = wrong("RB401", 2).but("initial_interval=5", policy)
    assert temporal(duration, "F1").outcome == "completed"


@shows("RB402", local="`TypeError`", temporal="`TypeError`, on the worker if the number is allowed")
def test_activity_arity() -> None:
    assert "takes 0 positional arguments but 1 was given" in local(wrong("RB402"), "F1").error
    outcome = temporal(wrong("RB402"), "F1")
    assert outcome.outcome == "stuck" and "accrue_fees.load_rates fails with TypeError" in outcome.error, (
        outcome
    )
    two = wrong("RB402").but("            fund,  # RB402\n", "").but("rates,  # RB402", "rates,")
    fails(two, "F1", message="positional arguments but 4 were given")
    nothing = two.but("            fund,\n            rates,\n", "            None,\n").but(
        "fund: str, rates: list[float]) -> float:\n    return sum(rates)",
        "fund: str | None) -> float:\n    return 0",
    )
    assert "missing 1 required positional argument: 'fund'" in local(nothing, "F1").error
    assert "missing 1 required positional argument: 'fund'" in temporal(nothing, "F1").error
    works(right("RB402"), "F1")


@shows("RB403", local="`TypeError`", temporal="works")
def test_temporal_only_activity_call() -> None:
    program = wrong("RB403")
    assert temporal(program, "T1").outcome == "completed"
    assert "missing 2 required positional arguments" in local(program, "T1").error
    by_name = program.but('args=[trade, "EUR"],  # RB403', "trade,").but(
        "trade: str, currency: str", "trade: str"
    )
    assert "'str' object is not callable" in local(by_name, "T1").error
    works(right("RB403"), "T1")


@shows("RB404", local="nothing happens, it completes", temporal="no command, it completes")
def test_unawaited_command() -> None:
    for outcome in works(wrong("RB404", 0), ["I1"]):
        never = [it for it in outcome.warnings if "never awaited" in it]
        assert len(never) >= 2, outcome.warnings
        assert outcome.commands == []
    assert temporal(wrong("RB404", 1), "T1").commands == []
    _, awaited = works(right("RB404", 0), ["I1"], signals=APPROVED)
    assert awaited.names() == ["pay_invoices.pay_invoice"]
    assert temporal(right("RB404", 1), "T1").names() == ["notify_desk", "timer"]


@shows("RB405", local="quiet without decorator; `TypeError` for a coroutine", temporal="`TypeError`")
def test_not_an_activity() -> None:
    undecorated = wrong("RB405").but("fetch_prices(day),  # RB405", "fetch_prices, day,")
    assert local(undecorated, "D").outcome == "completed"
    outcome = temporal(undecorated, "D")
    assert outcome.outcome == "task failed" and "TypeError" in outcome.error, outcome
    fails(wrong("RB405"), "D", message="TypeError")
    works(right("RB405"), "D")
    plain = temporal(wrong("RB405", 1), 1.234)
    assert plain.outcome == "task failed" and "missing attributes, was it decorated" in plain.error, plain


@shows("RB406", local="quiet", temporal="no worker knows the activity, the test harness does")
def test_unregistered_activity() -> None:
    program = wrong("RB406")
    assert local(program, "F1").outcome == "completed"
    outcome = temporal(program, "F1")
    assert outcome.outcome == "stuck", outcome
    assert outcome.error == "no worker knows the activity report.send_report"
    assert "report.send_report" not in temporal(program, probe="registered").result
    assert "report.send_report" in temporal(program, probe="found_by_harness").result
    works(right("RB406"), "F1")


@shows("RB407", local="fails", temporal="no worker knows the activity; a check stays at `running`")
def test_unregistered_sdk_activity() -> None:
    program = wrong("RB407")
    assert "Not in workflow event loop" in local(program, "E1").error
    outcome = temporal(program, "E1")
    assert outcome.outcome == "stuck" and "no worker knows the activity" in outcome.error, outcome
    assert "load_previous_task" in outcome.error
    start = program.files["templates/workflow.py"].index("        earlier = ")
    end = program.files["templates/workflow.py"].index("        decision = ")
    checked = program.but(program.files["templates/workflow.py"][start:end], "").but(
        "earlier.output if earlier else {}", "{}"
    )
    outcome = temporal(checked, "E1", queries=PENDING)
    assert outcome.outcome == "stuck" and "run_quality_check" in outcome.error, outcome
    assert outcome.last("current_pending_action")["checks"]["status"] == "running"
    (looked_up, checks) = sorted(temporal(right("RB407"), probe="registered").result)
    found = {looked_up: {"handle": None}, checks: {"id": "opening", "title": "Opening", "status": "pass"}}
    outcome = temporal(right("RB407"), "E1", signals=APPROVED, results=found)
    assert outcome.result == "approved", outcome


@shows("RB408", local="quiet", temporal="the worker does not start")
def test_duplicate_activity_name() -> None:
    assert local(wrong("RB408"), "F1").result == 10
    assert "More than one activity named accruals.accrue" in temporal(wrong("RB408"), probe="worker").result
    assert temporal(wrong("RB408"), probe="found_by_harness").result == ["accruals.accrue"]
    assert temporal(right("RB408"), probe="worker").result == "ready"
    works(right("RB408"), "F1")


@shows("RB409", local="quiet", temporal="`TypeError` at import")
def test_keyword_only_activity_parameter() -> None:
    assert local(wrong("RB409"), probe="registered").outcome == "probed"
    outcome = temporal(wrong("RB409"))
    assert outcome.outcome == "import failed", outcome
    assert "Activity cannot have keyword-only arguments" in outcome.error
    assert temporal(right("RB409"), probe="registered").outcome == "probed"


@shows("RB410", local="`args=[…]` is dropped", temporal="the test harness makes up `None`")
def test_activity_signature() -> None:
    program = wrong("RB410").plus("workflow.py", "")
    assert temporal(program, probe="mocked").result["valuation.load_rates"] is None
    assert (
        temporal(right("RB410").plus("workflow.py", ""), probe="mocked").result["valuation.load_rates"]
        is not None
    )
    several = runbook(
        'return await runbook.execute_activity(load_prices, args=["F1", "D"], start_to_close_timeout=timedelta(1))',
        imports="from datetime import timedelta\nfrom .activities import load_prices",
    ).plus("activities.py", wrong("RB410").files["activities.py"])
    assert "missing 2 required positional arguments" in local(several).error
    assert temporal(several).result == {"F1/D": 1.0}


@shows(
    "RB411",
    local="an async predicate opens at once; a value is a `TypeError`",
    temporal="an async predicate opens at once; a value is a `TypeError`",
)
def test_wait_predicate() -> None:
    program = wrong("RB411").but(
        "        await runbook.wait_condition(len(self._notices) > 1)  # RB411\n", ""
    )
    for run in (local, temporal):
        assert run(program, "F1").outcome == "waiting"
    program = program.but("        await runbook.wait_condition(lambda: self._closed)  # RB411\n", "")
    for outcome in works(program, "F1"):
        assert outcome.result == 0
    fails(wrong("RB411"), "F1", message="'bool' object is not callable")
    notices = [["notice_received", "a"], ["notice_received", "b"]]
    for run in (local, temporal):
        assert run(right("RB411"), "F1").outcome == "waiting"
        assert run(right("RB411"), "F1", signals=notices).outcome == "waiting"
        assert run(right("RB411"), "F1", signals=[*notices, ["close", "complete"]]).result == 2


@shows("RB412", local="`TypeError`", temporal="works")
def test_timedelta_wait_timeout() -> None:
    outcome = local(wrong("RB412"), "A")
    assert outcome.outcome == "failed" and "unsupported operand type(s) for +" in outcome.error, outcome
    received = [["statement_received", "S"]]
    outcome = temporal(wrong("RB412"), "A", signals=received)
    assert outcome.result == "S" and outcome.commands == [{"kind": "timer", "seconds": 2 * 24 * 60 * 60}]
    works(right("RB412"), "A", signals=received)
    gate = (
        wrong("RB414")
        .but("upload_file", "submit_file")
        .but("            action={", "            timeout=DAY,\n            action={")
    )
    gate = gate.but("from ntro", "from datetime import timedelta\n\nfrom ntro").but(
        "@runbook.defn", "DAY = timedelta(1)\n\n\n@runbook.defn"
    )
    assert "unsupported operand type(s) for +" in local(gate, "U").error
    assert temporal(gate, "U", signals=[["document_submitted", {"document_ref": "d"}]]).result == "d"


@shows("RB413", local="`TypeError`", temporal="`TypeError`")
def test_helper_arguments() -> None:
    fails(wrong("RB413"), {"a": 1}, message="unexpected keyword argument 'title'")
    fails(
        wrong("RB413").but('            title="Review totals",  # RB413\n', ""),
        {"a": 1},
        message="takes 1 positional argument",
    )
    calls = (
        "await_signal_with_action(lambda: True, {})",
        'run_child_workflow("child", {})',
        'run_child_workflows("child", [])',
        "collect_documents([], [])",
        'load_previous_task("slug", "entity")',
        'find_committed_document("slug", "entity", "source")',
        "wait_for_action(title=1)",
        "run_child_workflow(slug='child')",
    )
    for call in calls:
        fails(runbook(f"await self.{call}"), message="TypeError")
    fails(runbook('self.set_user_feedback("ingest", {})'), message="TypeError")
    works(right("RB413"), {"a": 1}, signals=APPROVED)


@shows("RB414", local="`ValidationError` at the gate", temporal="`ValidationError` at the gate")
def test_unknown_action_kind() -> None:
    fails(wrong("RB414"), "U", message="ValidationError")
    fails(
        wrong("RB414").but('                "kind": "upload_file",  # RB414\n', ""),
        "U",
        message="ValidationError",
    )
    works(right("RB414"), "U", signals=[["document_submitted", {"document_ref": "d"}]])


@shows(
    "RB415", local="quiet if a test calls the handler", temporal="the signal is lost, the gate stays closed"
)
def test_undeclared_gate_signal() -> None:
    file = {"document_ref": "d"}
    assert local(wrong("RB415"), "U", signals=[["document_submitted", file]]).result == "d"
    shown = temporal(wrong("RB415"), "U", queries=PENDING)
    name = shown.last("current_pending_action")["args"]["signal_name"]
    assert temporal(wrong("RB415"), "U", signals=[[name, file]]).outcome == "waiting"
    assert temporal(right("RB415"), "U", signals=[[name, file]]).result == "d"


@shows("RB416", local="quiet: nothing says which signal to send", temporal="the test harness sends nothing")
def test_unadvertised_gate_signal() -> None:
    for program, sent in ((wrong("RB416"), []), (right("RB416"), ["document_submitted"])):
        shown = local(program, "U", queries=PENDING).last("current_pending_action")
        assert bool(shown["args"].get("signal_name")) is bool(sent)
        shown = temporal(program, "U", queries=PENDING).last("current_pending_action")
        assert temporal(program, shown, probe="uploaded").result == sent


@shows("RB417", local="`ValidationError` at the gate", temporal="`ValidationError` at the gate")
def test_missing_hint_component() -> None:
    fails(wrong("RB417"), {}, message="ValidationError")
    works(right("RB417"), {}, signals=APPROVED)


@shows("RB418", local="quiet: any text is taken", temporal="quiet: any text is taken")
def test_unknown_hint_component() -> None:
    for program, component in ((wrong("RB418"), "DataTable"), (right("RB418"), "DATA_TABLE")):
        for run in (local, temporal):
            outcome = run(program, {}, queries=PENDING)
            assert outcome.last("current_pending_action")["display_hint"]["component"] == component
        works(program, {}, signals=APPROVED)


@shows(
    "RB419",
    local="quiet: shown, though the SDK says it takes no answer",
    temporal="quiet: shown, though the SDK says it takes no answer",
)
def test_non_interactive_gate() -> None:
    for program, answers in ((wrong("RB419"), False), (right("RB419"), True)):
        for run in (local, temporal):
            shown = run(program, {}, queries=PENDING).last("current_pending_action")["display_hint"]
            assert run(program, probe="interactive").result[shown["component"]] is answers


@shows("RB420", local="`RuntimeError` when it gets there", temporal="`RuntimeError` when it gets there")
def test_unknown_child_runbook() -> None:
    child = "runbooks/bank-reconciliation/templates/workflow"
    deployed = {"register": {"bank-reconciliation": child}}
    fails(wrong("RB420"), "P", message="No workflow registered for slug", **deployed)
    works(right("RB420"), "P", results={"BankReconciliationWorkflow": "P"}, **deployed)


@shows("RB421", local="it starts itself without end", temporal="each starts the other one")
def test_child_runbook_cycle() -> None:
    paths = {slug: f"runbooks/{slug}/templates/workflow" for slug in ("open-period", "roll-forward")}
    outcome = local(wrong("RB421"), "P", register=paths, seconds=0.15)
    assert outcome.outcome == "waiting" and outcome.made > 5, outcome
    program = wrong("RB421")
    other = Program(dict(reversed(program.files.items())))
    assert temporal(program, "P", register=paths).names() == ["OpenPeriodWorkflow"]
    assert temporal(other, "P", register=paths).names() == ["RollForwardWorkflow"]
    works(right("RB421"), "P", register=paths)


@shows("RB422", local="quiet: equal ids", temporal="the second one is not started")
def test_equal_child_ids() -> None:
    deployed = {"bank-reconciliation": "child", "document-ingest": "child"}
    options = {"register": deployed, "queries": ["children_by_step_id"]}
    together = wrong("RB422").but("        await self._step_ingest()\n", "").plus("child.py", CHILD)
    ids = [
        it["workflow_id"]
        for it in local(together, ["a", "b"], **options).last("children_by_step_id")["reconcile"]
    ]
    assert len(ids) == 2 and len(set(ids)) == 1
    outcome = temporal(together, ["a", "b"], **options)
    assert outcome.outcome == "failed" and "already started" in outcome.error, outcome
    one_by_one = wrong("RB422").plus("child.py", CHILD)
    outcome = temporal(one_by_one, ["a"], **options)
    assert outcome.outcome == "completed", outcome
    assert len({it["id"] for it in outcome.commands}) == 2 and len(outcome.commands) == 3
    for outcome in works(right("RB422").plus("child.py", CHILD), ["a", "b"], **options):
        children = [it for step in outcome.last("children_by_step_id").values() for it in step]
        assert len({it["workflow_id"] for it in children}) == 2


@shows("RB423", local="`ValueError`; `KeyError`", temporal="`ValueError`; `KeyError` after the first child")
def test_document_slots() -> None:
    options = {"register": {"document-ingest": "child"}}
    fails(wrong("RB423").plus("child.py", CHILD), "P", message="ValueError", **options)
    slot = (
        wrong("RB423")
        .plus("child.py", CHILD)
        .but('inputs=[{"period": period}],  # RB423', "inputs=[{}, {}],")
    )
    fails(slot, "P", message="KeyError", **options)
    assert temporal(slot, "P", **options).names() == ["ShownWorkflow"]
    for outcome in works(right("RB423").plus("child.py", CHILD), "P", **options):
        assert len(outcome.result) == 2


@shows(
    "RB424",
    local="quiet: a rejection counts as an approval",
    temporal="quiet: a rejection counts as an approval",
)
def test_ignored_decision() -> None:
    for outcome in works(wrong("RB424"), ["J1"], signals=REJECTED):
        assert outcome.result == ["J1"]
    for outcome in works(right("RB424"), ["J1"], signals=REJECTED):
        assert outcome.result == []


@shows("RB425", temporal="scheduled with less time than the agent may take")
def test_short_agent_timeout() -> None:
    given = {"draft_commentary.ask_agent": "completed"}
    limit = temporal(wrong("RB425"), probe="agent_limit").result
    assert limit == 30 * 60
    assert temporal(wrong("RB425"), "F", results=given).commands[0]["timeout"] < limit
    assert temporal(right("RB425"), "F", results=given).commands[0]["timeout"] > limit


@shows("RB426", local="fails", temporal="fails the workflow; any other exception only its task")
def test_workflow_error_in_workflow() -> None:
    assert "no journals" in local(wrong("RB426"), []).error
    assert temporal(wrong("RB426"), []).outcome == "failed"
    other = wrong("RB426").but(
        'raise WorkflowError("no journals", type="VALIDATION")', 'raise ValueError("no journals")'
    )
    assert temporal(other, []).outcome == "task failed"
    works(right("RB426"), ["J1"])


@shows("RB427", temporal="a cancelled runbook goes on and completes")
def test_swallowed_cancellation() -> None:
    assert temporal(wrong("RB427"), "P", cancel=True).outcome == "completed"
    assert temporal(right("RB427"), "P", cancel=True).outcome == "cancelled"
    works(right("RB427"), "P")
    # At a gate, only a bare handler and one of `BaseException` swallow it.
    gate = "await runbook.wait_condition(lambda: False)"
    for clause, ending in (
        ("except Exception", "cancelled"),
        ("except BaseException", "completed"),
        ("except", "completed"),
    ):
        program = runbook(f"try:\n    {gate}\n{clause}:\n    pass")
        assert temporal(program, cancel=True).outcome == ending


@shows("RB428", temporal="quiet: readable in the history")
def test_secret_in_payload() -> None:
    outcome = temporal(wrong("RB428"), {"account": "A", "bank_api_key": "s3cret"})
    assert outcome.outcome == "completed"
    assert outcome.commands[0]["input"] == [{"account": "A", "bank_api_key": "s3cret"}]
    # The name of a variable that every process has.
    outcome = temporal(right("RB428"), {"account": "A", "bank_api_key_name": "PATH"})
    assert outcome.outcome == "completed"
    assert outcome.commands[0]["input"] == [{"account": "A", "bank_api_key_name": "PATH"}]


@shows("RB401", temporal="a number as timeout fails the task")
@shows("RB402", temporal="`TypeError`, on the worker if the number is allowed")
def test_plain_temporal_arguments() -> None:
    number = right("RB401", 1).but('"price_positions", fund, **PRICING', '"x", start_to_close_timeout=60')
    outcome = temporal(number, "F1")
    assert outcome.outcome == "task failed" and "Expected a timedelta object" in outcome.error, outcome
    outcome = temporal(wrong("RB402", -1), "F1")
    assert outcome.outcome == "task failed" and "positional arguments" in outcome.error, outcome
    two = wrong("RB402", -1).but("args=[fund]", "fund, args=[fund]")
    assert temporal(two, "F1").error == "ValueError: Cannot have arg and args"


@shows("RB427", temporal="in a loop that goes on, the workflow cannot be cancelled")
def test_swallowed_cancellation_in_a_loop() -> None:
    # Without an end, the loop would keep the worker from dropping the workflow, too.
    bounded = ("while True:", "for _ in range(3):")
    swallows = wrong("RB427", 1).but(*bounded)
    assert temporal(swallows, "F1", cancel=True).outcome == "completed"
    lets_through = right("RB427", 1).but(*bounded)
    assert temporal(lets_through, "F1", cancel=True).outcome == "cancelled"
    # A cancelled activity raises an `ActivityError`.
    swallows = wrong("RB427", 2).but(*bounded)
    assert temporal(swallows, "F1", cancel=True).outcome == "completed"
    asks = right("RB427", 2).but(*bounded)
    assert temporal(asks, "F1", cancel=True).outcome == "cancelled"


def test_what_the_converters_refuse() -> None:
    """The table in `rules/src/calls/payloads.rs`, for the default converter and that for pydantic."""
    values = {
        "text": ("a", str),
        "integer": (1, int),
        "float": (0.5, float),
        "bool": (True, bool),
        "list": (["a"], list[str]),
        "mapping": ({"label": "a"}, dict[str, str]),
        "data class": (Crate("a"), Crate),
        "model": (Label(label="a"), Label),
    }
    numbers = {"integer", "float", "bool"}
    never = {name: {"text"} | numbers for name in values}
    never |= {name: set(values) - numbers for name in numbers}
    never |= {"text": set(values) - {"text", "list"}, "list": set(values) - {"list"}}
    for converter in (temporalio.converter.default(), pydantic_data_converter):
        payloads = converter.payload_converter
        for name, (value, _) in values.items():
            for wanted in never[name]:
                with pytest.raises((TypeError, ValueError, RuntimeError)):
                    payloads.from_payloads(payloads.to_payloads([value]), [values[wanted][1]])
    # A list is asked for, and the letters come.
    payloads = temporalio.converter.default().payload_converter
    assert payloads.from_payloads(payloads.to_payloads(["ab"]), [list[str]]) == [["a", "b"]]


@dataclass
class Crate:
    label: str


class Label(BaseModel):
    label: str


SHIP = """
    from temporalio import workflow

    @workflow.defn
    class Ship:
        @workflow.run
        async def run(self, ship: str, crates: int) -> str:
            return ship
"""


@shows("RB402", temporal="`TypeError`, on the worker if the number is allowed")
def test_a_child_with_too_few_arguments() -> None:
    outcome = temporal(own(SHIP), "A")
    assert outcome.outcome == "task failed", outcome
    assert "missing 1 required positional argument: 'crates'" in outcome.error, outcome


WAITS = """
    from temporalio import workflow

    @workflow.defn
    class Waits:
        def __init__(self) -> None:
            self.cars: list[str] = []

        @property
        def is_full(self) -> bool:
            return len(self.cars) > 1

        @workflow.run
        async def run(self) -> int:
            await workflow.wait_condition(self.is_full)
            return len(self.cars)
"""


@shows("RB411", temporal="an async predicate opens at once; a value is a `TypeError`")
def test_conditions_that_are_none() -> None:
    outcome = temporal(own(WAITS))
    assert outcome.outcome == "task failed" and "not callable" in outcome.error, outcome
    for always in ("self.cars is not None", "len(self.cars) >= 0", "(it for it in self.cars)"):
        assert temporal(own(WAITS).but("self.is_full)", f"lambda: {always})")).result == 0
    before = own(WAITS).but(
        "await workflow.wait_condition(self.is_full)",
        "full = len(self.cars) > 1\n        await workflow.wait_condition(lambda: full)",
    )
    assert temporal(before).outcome == "waiting"


@shows("RB429", temporal="`AttributeError`, tried again for ever")
def test_unknown_workflow_member() -> None:
    outcome = temporal(wrong("RB429"), "F1")
    assert outcome.outcome == "task failed" and "has no attribute 'gather'" in outcome.error, outcome
    assert temporal(right("RB429"), "F1").names() == ["bid", "ask"]


def test_members_of_the_workflow_module_are_known(tmp_path: Path) -> None:
    """All that the installed SDK has may be used, and what the rule names belongs to other modules."""
    members = {name for name in dir(temporalio.workflow) if not name.startswith("_")}
    members.discard("annotations")  # what `from __future__` leaves behind
    assert unknown_members(tmp_path, sorted(members)) == set()
    others = {
        "asyncio.Event",
        "asyncio.gather",
        "datetime.timedelta",
        "temporalio.common.RetryPolicy",
        "temporalio.exceptions.ActivityError",
    }
    assert all(pydoc.locate(name) for name in others)
    assert unknown_members(tmp_path, [name.rsplit(".")[-1] for name in others]) == others
    (later,) = found_in_workflow(tmp_path, "RB429", ["print(workflow.of_a_later_version)"])
    assert later["severity"] == "warning"


def test_fields_of_the_info_are_known(tmp_path: Path) -> None:
    """All that `workflow.info()` has may be used, and nothing else."""
    members = [name for name in dir(temporalio.workflow.Info) if not name.startswith("_")]
    members += [field.name for field in dataclasses.fields(temporalio.workflow.Info)]
    lines = [f"workflow.info().{name}" for name in [*sorted(set(members)), "of_no_version"]]
    (found,) = found_in_workflow(tmp_path, "RB429", lines)
    assert found["message"].startswith("`workflow.info()` has no `of_no_version`")


def found_in_workflow(directory: Path, rule: str, lines: list[str]) -> list[dict]:
    """What a rule finds in a workflow that runs these lines."""
    start = "from temporalio import workflow\n\n\n@workflow.defn\nclass Runs:\n    @workflow.run\n"
    body = "".join(f"        {line}\n" for line in lines)
    (directory / "flow.py").write_text(f"{start}    async def run(self) -> None:\n{body}")
    return findings(directory, "--select", rule)


def unknown_members(directory: Path, names: list[str]) -> set[str]:
    """What the rule gives as a cure for each of these names that it reports."""
    found = found_in_workflow(directory, "RB429", [f"print(workflow.{name})" for name in names])
    imported = re.compile(r"import `(\w+)` from `([\w.]+)`")
    return {
        f"{it[2]}.{it[1]}" if (it := imported.match(cure)) else cure.removeprefix("write `").removesuffix("`")
        for cure in (finding["help"] for finding in found)
    }


@shows("RB432", temporal="`TypeError`, tried again for ever; in a decorator at import")
def test_unknown_argument() -> None:
    outcome = temporal(wrong("RB432"))
    assert outcome.outcome == "task failed" and "unexpected keyword argument 'seconds'" in outcome.error, outcome
    assert temporal(right("RB432")).outcome == "completed"


@shows("RB433", temporal="`TypeError`, tried again for ever")
def test_exception_as_payload() -> None:
    failures = {"price": "NoPrice"}
    outcome = temporal(wrong("RB433"), "F1", failures=failures)
    assert outcome.outcome == "task failed" and "serializ" in outcome.error, outcome
    reported = temporal(right("RB433"), "F1", failures=failures)
    assert (reported.outcome, reported.names()) == ("completed", ["price", "report"]), reported


@shows("RB434", temporal="the function is true: the run continues as new each time")
def test_uncalled_function() -> None:
    assert temporal(wrong("RB434"), "F1").outcome == "continued as new"


@shows("RB436", temporal="`TypeError`, tried again for ever")
def test_unencodable_payload() -> None:
    # The runs go through the converter for pydantic, which writes a `Decimal`.
    outcome = temporal(wrong("RB436").but('Decimal("0.01")', "lambda: 1"), "F1")
    assert outcome.outcome == "task failed" and "serialize" in outcome.error, outcome
    booked = temporal(right("RB436"), "F1")
    assert (booked.outcome, booked.names()) == ("completed", ["book"]), booked


MADE = """
import datetime
import uuid
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, IntEnum
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel
from temporalio import workflow


class Level(Enum):
    LOW = "low"


class TextLevel(str, Enum):
    LOW = "low"


class Rank(IntEnum):
    FIRST = 1


class Plain: ...


class Told:
    def dict(self):
        return {}


class Listed:
    def __iter__(self):
        return iter(())


class Pair(NamedTuple):
    one: int


@dataclass
class Kept:
    value: Decimal


class Modelled(BaseModel):
    value: Decimal


@workflow.defn
class Runs:
    @workflow.run
    async def run(self) -> None:
"""
# What both converters write, what only the default one or that for pydantic writes, and what neither does.
WRITTEN = """
datetime.datetime(2026, 1, 1)
uuid.UUID(int=1)
{1, 2}
{1: 2, Rank.FIRST: 3}
Rank.FIRST
TextLevel.LOW
b"a"
[b"a"]
Pair(1)
"""
BY_DEFAULT = """
Told()
Listed()
"""
BY_PYDANTIC = """
Decimal(1)
datetime.date(2026, 1, 1)
datetime.time(1)
datetime.timedelta(1)
complex(1)
Fraction(1)
Path("a")
Level.LOW
Kept(Decimal(1))
Modelled(value=Decimal(1))
{(1, 2): 3}
{Level.LOW: 1}
"""
UNWRITTEN = """
Plain()
lambda: 1
Plain
...
"""


@pytest.mark.parametrize("by_pydantic", [False, True])
def test_what_becomes_json_is_known(tmp_path: Path, by_pydantic: bool) -> None:
    """The rule finds exactly what a converter of the installed SDK does not write."""
    written, refused = (BY_PYDANTIC, "") if by_pydantic else (BY_DEFAULT, BY_PYDANTIC)
    refused = (refused + UNWRITTEN).split("\n")
    values = [value for value in [*WRITTEN.split("\n"), *written.split("\n"), *refused] if value]
    sends = (f'workflow.start_activity("take", {value})' for value in values)
    made = tmp_path / "flow.py"
    made.write_text(MADE + "".join(f"        {send}\n" for send in sends))
    converter = temporalio.converter.default()
    if by_pydantic:
        converter = pydantic_data_converter
        text = "from temporalio.contrib.pydantic import pydantic_data_converter\n"
        (tmp_path / "worker.py").write_text(text)
    names = runpy.run_path(str(made))
    for value in values:
        refuses = pytest.raises((TypeError, ValueError)) if value in refused else contextlib.nullcontext()
        with refuses:
            converter.payload_converter.to_payloads([eval(value, names)])
    first = len(MADE.splitlines()) + 1
    found = findings(tmp_path, "--select", "RB436")
    assert {values[finding["start"]["line"] - first] for finding in found} == {*refused} - {""}


def test_functions_that_answer_are_known(tmp_path: Path) -> None:
    """A condition asks each method of `workflow.info()`, and no field of it, for an answer."""
    members = [name for name in dir(temporalio.workflow.Info) if not name.startswith("_")]
    fields = [field.name for field in dataclasses.fields(temporalio.workflow.Info)]
    methods = [name for name in members if callable(getattr(temporalio.workflow.Info, name))]
    lines = [f"assert workflow.info().{name}" for name in sorted({*members, *fields})]
    found = found_in_workflow(tmp_path, "RB434", lines)
    assert [finding["message"].split("`")[1].rsplit(".")[-1] for finding in found] == sorted(methods)


def test_parameters_of_the_workflow_module_are_known(tmp_path: Path) -> None:
    """Every parameter of the installed SDK may be named, and no other."""
    lines = []
    for name, function in inspect.getmembers(temporalio.workflow, inspect.isfunction):
        parameters = inspect.signature(function).parameters.values()
        several = {inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL}
        is_plain = all(parameter.kind not in several for parameter in parameters)
        if not name.startswith("_") and parameters and is_plain:
            lines.append((f"workflow.{name}", [parameter.name for parameter in parameters]))
    calls = [f"{name}({', '.join(f'{it}=None' for it in [*known, 'of_no_version'])})" for name, known in lines]
    found = [it["message"] for it in found_in_workflow(tmp_path, "RB432", calls)]
    expected = [f"`{name}` has no argument `of_no_version`" for name, _ in lines]
    assert len(found) == len(expected) > 40
    assert all(message.startswith(start) for message, start in zip(found, expected, strict=True)), found


@shows("RB430", temporal="`TypeError`, tried again for ever")
def test_awaited_value() -> None:
    outcome = temporal(wrong("RB430"), "F1")
    assert outcome.outcome == "task failed" and "can't be used in 'await' expression" in outcome.error, outcome
    assert temporal(right("RB430"), "F1").outcome == "completed"


@shows("RB431", temporal="takes the wrong branch; with the other class, the workflow fails")
def test_wait_condition_result() -> None:
    limit, approves = 1.0, [["approve", "A"]]
    assert temporal(wrong("RB431"), limit, signals=approves).result == "too late"
    late = temporal(wrong("RB431", 1), limit)
    assert late.outcome == "failed", late
    assert temporal(right("RB431"), limit).result == "too late"
    assert temporal(right("RB431"), limit, signals=approves).result == "approved"
