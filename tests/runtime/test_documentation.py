"""The page about the contract lists what these tests show.

`UPDATE_CONTRACT=1` writes the list anew.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from programs import ROOT, rules

PAGE = ROOT / "docs/contract.md"
HEADING = "## Shown at run time\n"
# What may follow: another section, or the addresses of the rules that `tests/book` writes.
ENDS = ("\n## ", "\n<!-- links to rules")
INTRODUCTION = """
`tests/runtime` runs the examples of the documentation, and some code of its own, with the published
packages: in LocalRuntime, and under Temporal by replaying histories, each in a process of its own. The
wrong form does what the table says, and what stands below "Use instead" works. "Quiet" means that
nothing is raised and nothing is said. To "drift" means that the replay passes and the restored state
differs from what was recorded.

| rule | LocalRuntime | Temporal |
|---|---|---|
"""


def table(items: list[pytest.Item]) -> str:
    shown: dict[str, tuple[list[str], list[str]]] = {}
    for mark in (mark for item in items for mark in item.iter_markers("shows")):
        code, local, temporal = mark.args
        for column, text in zip(shown.setdefault(code, ([], [])), (local, temporal), strict=True):
            if text and text not in column:
                column.append(text)
    rows = [f"| [{code}] | {'; '.join(it[0])} | {'; '.join(it[1])} |\n" for code, it in sorted(shown.items())]
    return HEADING + INTRODUCTION + "".join(rows)


def test_the_page_lists_what_is_shown(request: pytest.FixtureRequest) -> None:
    items = request.session.items
    collected = {item.path for item in items}
    if collected != set(Path(__file__).parent.glob("test_*.py")) or request.config.option.keyword:
        pytest.skip("only some of the tests are run")
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(HEADING)
    starts = [rest.index(end) for end in ENDS if end in rest]
    after = rest[min(starts) :] if starts else ""
    page = before.rstrip() + "\n\n" + table(items) + after
    if os.environ.get("UPDATE_CONTRACT"):
        PAGE.write_text(page, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page, "run UPDATE_CONTRACT=1 pytest tests/runtime"


def test_every_code_is_one_of_a_rule(request: pytest.FixtureRequest) -> None:
    for item in request.session.items:
        for mark in item.iter_markers("shows"):
            assert mark.args[0] in rules()
