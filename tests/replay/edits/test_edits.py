"""Edits of running workflows: what the linter says of them, against what Temporal's Replayer does.

No edit that the Replayer rejects may be called compatible, and hardly one that it accepts incompatible.
`EDITS_TABLE=FILE` writes all verdicts to a file.
"""

from __future__ import annotations

import json

import pytest
from measured import Measurement
from subjects import EDITS, SUBJECTS, Edit

FALSE_ALARMS = 0.05


def test_there_is_enough_to_judge() -> None:
    assert len(SUBJECTS) >= 30
    assert len(EDITS) >= 120
    assert len({it.kind for it in EDITS}) >= 25
    assert len({str(it) for it in EDITS}) == len(EDITS)


def test_unchanged_programs_replay(measured: Measurement) -> None:
    for subject, replays in zip(SUBJECTS, measured.unchanged):
        failures = [state for it in replays["replays"] for state in it["states"] if state["failure"]]
        assert not failures, f"{subject.name}: {failures[0]}"


def test_states_are_what_the_server_showed(measured: Measurement) -> None:
    """A history only grows, so its states can be cut from what it was in the end."""
    for run in measured.recorded.values():
        whole = json.loads(next(iter(run["histories"].values())))["events"]
        for state in run["seen"]:
            events = json.loads(state)["events"]
            assert events == whole[: len(events)]


def test_replays_fail_for_their_commands(measured: Measurement) -> None:
    """Or because a type of workflow is missing, but never because an edit is broken."""
    for outcome in measured.outcomes:
        for state in outcome.states:
            missing = "is not registered on this worker" in state.error
            assert state.failure in (None, "nondeterminism") or missing, f"{outcome.edit}: {state}"


def test_histories_reach_the_edits(measured: Measurement) -> None:
    missed = {str(it.edit) for it in measured.outcomes if it.replays == "not reached"}
    assert missed == {str(it) for it in EDITS if it.unreachable}


@pytest.mark.parametrize("edit", EDITS, ids=str)
def test_no_rejected_edit_is_called_compatible(edit: Edit, measured: Measurement) -> None:
    outcome = measured.outcomes[EDITS.index(edit)]
    assert (outcome.replays, outcome.says) != ("rejected", "compatible"), outcome.reason


def test_few_accepted_edits_are_called_incompatible(measured: Measurement) -> None:
    accepted = [it for it in measured.outcomes if it.replays == "accepted"]
    wrong = [str(it) for it in accepted if it.says == "incompatible"]
    assert len(wrong) <= FALSE_ALARMS * len(accepted), "\n".join(wrong)


def test_a_revision_says_what_a_lock_file_says(measured: Measurement) -> None:
    """A lock file holds everything that the comparison needs."""
    different = [str(it) for it in measured.outcomes if it.by_lock.says != it.by_revision.says]
    assert not different, "\n".join(different)
