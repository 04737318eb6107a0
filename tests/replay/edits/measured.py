"""What the Replayer makes of every edit on every state of every history, and what the linter says of it.

A history is *rejected* if the Replayer fails on it. It is *accepted* if the Replayer does not fail and the
history has *reached* the edit: it holds the outcome of a task in which the old program ran one of the lines
that the edit takes away, or the new one a line that it adds. Whatever else passes says nothing of the edit.

An edit is rejected if it is on one history of a workflow that had not ended; accepted if no history rejects
it and one accepts it. If only ended histories reject it, it is neither: no worker replays them, but people
test with them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from subjects import SUBJECTS, Edit, Lines, Subject, edited_lines, lines_with

HERE = Path(__file__).parent
LINTER = os.environ.get("RUNBOOK_LINT", str(HERE.parents[2] / "target/release/runbook-lint"))
SAYS = {"error": "incompatible", "warning": "not provable", "info": "not provable"}


@dataclass(frozen=True)
class State:
    """One state of one history, and what the Replayer makes of the edit on it."""

    history: str
    events: int
    ended: bool
    reached: bool
    failure: str | None
    error: str


@dataclass(frozen=True)
class Verdict:
    """The worst that the linter says of an edit."""

    says: str
    message: str


@dataclass(frozen=True)
class Outcome:
    edit: Edit
    states: list[State]
    by_lock: Verdict
    by_revision: Verdict

    @property
    def says(self) -> str:
        return self.by_lock.says

    @property
    def replays(self) -> str:
        rejected = [it for it in self.states if it.failure]
        if any(not it.ended for it in rejected):
            return "rejected"
        if rejected:
            return "rejected once ended"
        return "accepted" if any(it.reached for it in self.states) else "not reached"

    @property
    def reason(self) -> str:
        """The first rejection, in a line."""
        rejected = [it for it in self.states if it.failure]
        return (
            f"{rejected[0].history} after {rejected[0].events} events: {rejected[0].error}"
            if rejected
            else ""
        )

    def __str__(self) -> str:
        return f"{self.replays}, {self.says}: {self.edit} ({self.edit.kind}) {self.reason} {self.by_lock.message}".rstrip()


class Measurement:
    """All of it, in a directory of its own: each program as it was and with each edit."""

    def __init__(self, directory: Path, server: str) -> None:
        self.directory = directory
        self.server = server
        self.recorded: dict[str, Any] = {}
        self.unchanged: list[dict[str, Any]] = []
        self.outcomes: list[Outcome] = []

    def run(self) -> Measurement:
        for subject in SUBJECTS:
            subject.write(self.old(subject))
            for edit in subject.edits:
                edit.apply(subject.write(self.new(edit)))
        self.recorded = self.child(
            "record",
            subjects=[
                {"name": it.name, "directory": str(self.old(it)), "module": it.module, "runs": it.runs}
                for it in SUBJECTS
            ],
        )
        paths = {it.name: self.keep(it) for it in SUBJECTS}
        variants = [(it, self.old(it)) for it in SUBJECTS]
        variants += [(it, self.new(edit)) for it in SUBJECTS for edit in it.edits]
        replays = self.child(
            "replay",
            variants=[
                {"directory": str(directory), "module": subject.module, "histories": paths[subject.name]}
                for subject, directory in variants
            ],
        )
        self.unchanged = replays[: len(SUBJECTS)]
        before = {it.name: replay for it, replay in zip(SUBJECTS, self.unchanged)}
        edits = [edit for it in SUBJECTS for edit in it.edits]
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(self.commit, SUBJECTS))
            verdicts = list(pool.map(self.verdicts, edits))
        for edit, after, (by_lock, by_revision) in zip(edits, replays[len(SUBJECTS) :], verdicts):
            assert "broken" not in after, f"{edit}: {after}"
            names = [Path(it).stem for it in paths[edit.subject]]
            states = self.states(edit, names, before[edit.subject]["replays"], after["replays"])
            self.outcomes.append(Outcome(edit, states, by_lock, by_revision))
        return self

    def old(self, subject: Subject) -> Path:
        return self.directory / subject.name / "old"

    def new(self, edit: Edit) -> Path:
        return self.directory / edit.subject / edit.name.replace(" ", "-")

    def keep(self, subject: Subject) -> list[str]:
        """The histories of a subject, each in a file that is named after its execution."""
        kept = []
        for number in range(len(subject.runs)):
            for name, history in self.recorded[f"{subject.name}-{number}"]["histories"].items():
                file = self.directory / "histories" / f"{name}.json"
                file.parent.mkdir(exist_ok=True)
                file.write_text(history)
                kept.append(str(file))
        return kept

    def child(self, do: str, **job: Any) -> Any:
        answer = self.directory / f"{do}.json"
        process = subprocess.run(
            [sys.executable, "-B", str(HERE / "histories.py")],
            input=json.dumps({"do": do, "server": self.server, "answer": str(answer), **job}),
            # With it, the runbooks are Temporal's and not those of LocalRuntime.
            env={**os.environ, "TEMPORAL_HOST": self.server},
            capture_output=True,
            text=True,
        )
        assert process.returncode == 0, process.stderr
        return json.loads(answer.read_text())

    def states(self, edit: Edit, names: list[str], before: list[Any], after: list[Any]) -> list[State]:
        old = self.directory / edit.subject / "old"
        taken, added = edited_lines(old, self.new(edit))
        if edit.place:
            taken, added = lines_with(old, edit.place), {}
        states = []
        for name, was, now in zip(names, before, after):
            first = min([*tasks(was["lines"], taken), *tasks(now["lines"], added)], default=None)
            end = now["states"][-1]["events"]
            for it in now["states"]:
                reached = first is not None and first < it["events"]
                ended = it["events"] == end
                states.append(State(name, it["events"], ended, reached, it["failure"], it["error"]))
        return states

    def commit(self, subject: Subject) -> None:
        """The program as it was, as a lock file and as a revision."""
        old = self.old(subject)
        lint(old, "lock")
        git = ["git", "-c", "user.name=nobody", "-c", "user.email=nobody@localhost"]
        for arguments in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "old"]):
            subprocess.run([*git, *arguments], cwd=old, check=True)

    def verdicts(self, edit: Edit) -> tuple[Verdict, Verdict]:
        """What the linter says with the lock file of the old program, and with its revision."""
        old, new = self.directory / edit.subject / "old", self.new(edit)
        shutil.copy(old / "runbook-lint.lock", new)
        by_lock = verdict(new)
        (new / "runbook-lint.lock").unlink()
        shutil.copytree(old / ".git", new / ".git")
        return by_lock, verdict(new, "--diff-base", "HEAD")

    def table(self) -> str:
        """Every edit in a line, and how many of each sort there are."""
        counted = Counter((it.replays, it.says) for it in self.outcomes)
        states = Counter(
            "rejected" if state.failure else "accepted" if state.reached else "not reached"
            for it in self.outcomes
            for state in it.states
        )
        lines = [str(it) for it in self.outcomes]
        lines += [
            f"{number:4} edits {replays} by replays, {says}"
            for (replays, says), number in sorted(counted.items())
        ]
        lines += [f"{number:4} states of histories {state}" for state, number in sorted(states.items())]
        return "\n".join(lines)


def tasks(ran: dict[str, dict[str, int]], lines: Lines) -> list[int]:
    """The first tasks in which these lines were run."""
    return [
        task
        for file, numbers in ran.items()
        for line, task in numbers.items()
        if int(line) in lines.get(file, ())
    ]


def verdict(directory: Path, *options: str) -> Verdict:
    options = ("--select", "RB703", "--output-format", "json", "--exit-zero", *options)
    found = json.loads(lint(directory, "check", *options))["findings"]
    worst = min(found, key=lambda it: list(SAYS).index(it["severity"]), default=None)
    return Verdict(SAYS[worst["severity"]], worst["message"]) if worst else Verdict("compatible", "")


def lint(directory: Path, command: str, *options: str) -> str:
    process = subprocess.run(
        [LINTER, command, "--isolated", *options], cwd=directory, capture_output=True, text=True
    )
    assert process.returncode == 0, f"{directory}: {process.stdout} {process.stderr}"
    return process.stdout
