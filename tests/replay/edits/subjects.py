"""The subjects: workflows, how they are run for their histories, and edits of them.

Each directory below `subjects/` is one program; its `edits.toml` says how it is run and what is edited:

    module = "flow"                 # where the workflows are; this if nothing is said

    [[run]]                         # one execution, which ends
    input = ["lamp"]
    steps = [{ signal = "approve", args = ["ada"] }, { update = ... }, { cancel = true }]

    [[edit]]
    name = "another activity before the first"
    kind = "insert"
    file = "flow.py"                # this if nothing is said
    find = "text that occurs once"  # nothing for a new file
    replace = "other text"
    also = [{ find = ..., replace = ..., file = ... }]
    place = "old text"              # the line that a history has to have passed, if the edited lines are
                                    # not run by workflows: a constant, a decorator, a class
    unreachable = "why"             # no history can tell whether this edit is right

A step is taken when the workflow waits for somebody outside.
Edits are written before anybody has seen what the linter makes of them, and are not bent afterwards.
"""

from __future__ import annotations

import difflib
import shutil
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Edit:
    subject: str
    name: str
    kind: str
    changes: list[dict[str, str]]
    place: str | None
    unreachable: str | None

    def __str__(self) -> str:
        return f"{self.subject}: {self.name}"

    def apply(self, directory: Path) -> None:
        for change in self.changes:
            file = directory / change.get("file", "flow.py")
            if not change["find"]:
                assert not file.exists(), f"{self}: {file.name} is there already"
                file.write_text(change["replace"])
                continue
            text = file.read_text()
            assert text.count(change["find"]) == 1, (
                f"{self}: {change['find']!r} is there {text.count(change['find'])} times"
            )
            file.write_text(text.replace(change["find"], change["replace"]))


@dataclass(frozen=True)
class Subject:
    name: str
    module: str
    runs: list[dict[str, Any]]
    edits: list[Edit] = field(repr=False)

    def write(self, directory: Path) -> Path:
        """The program as it was when the histories were recorded."""
        shutil.copytree(
            HERE / "subjects" / self.name,
            directory,
            ignore=shutil.ignore_patterns("edits.toml", "__pycache__"),
        )
        shutil.copy(HERE / "activities.py", directory)
        return directory


def read(directory: Path) -> Subject:
    given = tomllib.loads((directory / "edits.toml").read_text())
    edits = [
        Edit(
            directory.name,
            it["name"],
            it["kind"],
            [{key: it[key] for key in ("file", "find", "replace") if key in it}, *it.get("also", [])],
            it.get("place"),
            it.get("unreachable"),
        )
        for it in given["edit"]
    ]
    return Subject(directory.name, given.get("module", "flow"), given["run"], edits)


SUBJECTS = [read(it.parent) for it in sorted((HERE / "subjects").glob("*/edits.toml"))]
EDITS = [edit for subject in SUBJECTS for edit in subject.edits]

Lines = dict[str, set[int]]


def edited_lines(old: Path, new: Path) -> tuple[Lines, Lines]:
    """Which lines are different, in the old files and in the new ones."""
    before: Lines = {}
    after: Lines = {}
    for file in sorted({it.relative_to(root) for root in (old, new) for it in root.rglob("*.py")}):
        texts = [
            (root / file).read_text().splitlines() if (root / file).exists() else [] for root in (old, new)
        ]
        for tag, from_old, to_old, from_new, to_new in difflib.SequenceMatcher(
            None, *texts, autojunk=False
        ).get_opcodes():
            if tag != "equal":
                before.setdefault(str(file), set()).update(range(from_old + 1, to_old + 1))
                after.setdefault(str(file), set()).update(range(from_new + 1, to_new + 1))
    return before, after


def lines_with(directory: Path, text: str) -> Lines:
    found = {
        str(file.relative_to(directory)): {
            number for number, line in enumerate(file.read_text().splitlines(), 1) if text in line
        }
        for file in directory.rglob("*.py")
    }
    assert any(found.values()), f"{text!r} is not in {directory}"
    return found
