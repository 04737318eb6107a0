"""What the action does in repositories, and with pull requests, that attack it.

Every run is checked by the fixture and the runner as well: the workspace and the home directory stay
as they are, nothing is written to `GITHUB_ENV` and `GITHUB_PATH`, and no command is left stopped.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from conftest import VERSION
from projects import BROKEN, CLEAN, CLOCK, write
from runner import Outcome, Runner

# Orders to the runner, to the shell and to a terminal. Each would leave a trace if it were obeyed.
ORDERS = [
    "::error::injected",
    "::error file=other.py,line=1::injected",
    "::add-mask::runbook",
    "::set-output name=exit-code::0",
    "::set-env name=INJECTED::1",
    "::stop-commands::runbook",
    "::notice title=injected::injected",
    "##[error]injected",
    "##[add-mask]runbook",
    "##[set-output name=findings]0",
    "%0A::error::injected",
    "%0D%0A::error::injected",
    "\n::error::injected\n",
    "\r::error::injected",
    "\r\n##[add-mask]runbook\r\n",
    "\v::error::injected",
    "\u2028::error::injected",
    "$(touch pwned)",
    "`touch pwned`",
    "'; touch pwned; '",
    '"; touch pwned; "',
    "& touch pwned &",
    "${{ github.token }}",
    "\x1b[2J\x1b]0;injected\x07",
    "\x1b]8;;https://example.com\x1b\\",
    "\u202einjected",
    "-rf",
    "--help",
    "<script>alert(1)</script>",
    "![x](https://example.com/x.png)",
    "[x](javascript:alert(1)) | x |\n</details>",
    "exit-code=0\nupload=true",
    "findings<<EOF\n0\nEOF\n",
    "~", "*", "\\", "%", " ", "a, b: c", "x,line=1,title=injected",
]  # fmt: skip
ALLOWED = {"error", "warning", "notice"}


def as_name(order: str) -> str:
    """A file name can hold everything but slashes."""
    return order.replace("/", "∕").replace("\0", "") + ".py"


def clone(workspace: Path) -> Path:
    subprocess.run(["git", "init", "-q", workspace], check=True)
    return workspace


def assert_nothing_is_injected(outcome: Outcome, runner: Runner) -> None:
    assert {it.name for it in outcome.commands} <= ALLOWED
    for annotation in outcome.commands:
        assert annotation.properties.keys() <= {"file", "line", "endLine", "col", "endColumn", "title"}
        assert annotation.properties["title"].split()[0] in ("runbook-lint", "RB101", "syntax", "encoding", "io", "config")
        assert not annotation.data.startswith("injected")
        assert annotation.properties.get("file") != "other.py"
    assert "\x1b]" not in outcome.log and "\x1b[2J" not in outcome.log and "\x07" not in outcome.log
    assert "<script>" not in outcome.summary
    assert "\u202e" not in outcome.summary
    assert list(runner.temporary.rglob("pwned")) == []


def test_file_names(make_runner: Any, tmp_path: Path) -> None:
    workspace = clone(write(tmp_path / "hostile", {as_name(it): CLOCK for it in ORDERS}))
    runner = make_runner(workspace)
    outcome = runner.run(version=VERSION)
    assert_nothing_is_injected(outcome, runner)
    assert outcome.outputs["findings"] == str(len(ORDERS))
    assert outcome.outputs["exit-code"] == "1"
    # GitHub shows ten errors of a step; one notice says that there are more.
    assert [it.name for it in outcome.commands] == ["error"] * 10 + ["notice"]


@pytest.mark.parametrize("orders", [ORDERS[start : start + 10] for start in range(0, len(ORDERS), 10)])
def test_file_names_in_annotations(make_runner: Any, tmp_path: Path, orders: list[str]) -> None:
    workspace = clone(write(tmp_path / "hostile", {as_name(it): CLOCK for it in orders}))
    runner = make_runner(workspace)
    outcome = runner.run(version=VERSION, upload_sarif="true")
    assert_nothing_is_injected(outcome, runner)
    assert [it.name for it in outcome.commands] == ["error"] * len(orders)
    assert [step.name for step in outcome.used] == ["Upload to code scanning"]


def test_a_file_name_that_is_no_text(make_runner: Any, tmp_path: Path) -> None:
    workspace = clone(write(tmp_path / "hostile", {"flows.py": CLOCK}))
    Path(os.fsdecode(os.fsencode(workspace) + b"/\xff\xfe::error::injected.py")).write_text(CLOCK)
    runner = make_runner(workspace)
    outcome = runner.run(version=VERSION)
    assert_nothing_is_injected(outcome, runner)
    assert outcome.outputs["exit-code"] == "1"


def test_directories_and_files_that_cannot_be_parsed(make_runner: Any, tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {}
    for number, order in enumerate(ORDERS):
        directory = as_name(order).removesuffix(".py").replace("~", "tilde").strip(" ") or "blank"
        files[f"{directory}/{number}.py"] = BROKEN.replace("float:", f"float:  # {order}")
        files[f"{directory}/{number}_latin.py"] = CLEAN.encode() + b"# \xff " + order.encode()
    runner = make_runner(clone(write(tmp_path / "hostile", files)))
    outcome = runner.run(version=VERSION)
    assert_nothing_is_injected(outcome, runner)
    assert outcome.outputs["errors"] == str(2 * len(ORDERS))


def test_source_text(make_runner: Any, tmp_path: Path) -> None:
    """The log shows the lines of findings, and their names."""
    lines = ["import time", "from temporalio import workflow", ""]
    for number, order in enumerate(ORDERS):
        comment = order.replace("\n", " ").replace("\r", " ")
        lines += [
            f"@workflow.defn(name={order!r})",
            f"class Settlement{number}:",
            "    @workflow.run",
            "    async def run(self) -> object:",
            f"        return time.time(), {order!r}  # {comment}",
            "",
            f"# {comment}",
        ]
    runner = make_runner(clone(write(tmp_path / "hostile", {"flows.py": "\n".join(lines) + "\n"})))
    outcome = runner.run(version=VERSION)
    assert_nothing_is_injected(outcome, runner)
    assert outcome.outputs["findings"] == str(len(ORDERS))
    assert r"##\u{5b}add-mask]" in outcome.log, "the log shows the source"
    assert "##[add-mask]" not in outcome.log, "what could be an order is broken"


@pytest.mark.parametrize("order", ORDERS)
def test_configuration(make_runner: Any, tmp_path: Path, order: str) -> None:
    text = "".join(f"\\U{ord(it):08X}" if ord(it) < 32 or it in '"\\' else it for it in order)
    settings = f'[tool.runbook-lint]\nignore = ["{text}"]\n"{text}" = "{text}"\n'
    workspace = clone(write(tmp_path / "hostile", {"pyproject.toml": settings, "flows.py": CLOCK}))
    runner = make_runner(workspace)
    outcome = runner.run(version=VERSION, upload_sarif="true")
    assert_nothing_is_injected(outcome, runner)
    assert [it.name for it in outcome.commands] == ["error"]
    assert outcome.outputs["exit-code"] == "2"
    assert outcome.used == []


def test_a_configuration_that_is_no_toml(make_runner: Any, tmp_path: Path) -> None:
    settings = "[tool.runbook-lint]\n" + "".join(f"{order}\n" for order in ORDERS)
    workspace = clone(write(tmp_path / "hostile", {"runbook-lint.toml": settings, "flows.py": CLOCK}))
    runner = make_runner(workspace)
    outcome = runner.run(version=VERSION)
    assert_nothing_is_injected(outcome, runner)
    assert [it.name for it in outcome.commands] == ["error"]
    assert outcome.outputs["exit-code"] == "2"


INPUTS = [
    "paths", "config", "version", "checksum", "working-directory", "fail-on", "annotations", "summary",
    "upload-sarif", "category", "baseline", "diff-base", "args",
]  # fmt: skip


@pytest.mark.parametrize("name", INPUTS)
def test_inputs(make_runner: Any, tmp_path: Path, name: str) -> None:
    """A workflow may pass on text that is not its own, such as the name of a branch."""
    workspace = clone(write(tmp_path / "hostile", {"flows.py": CLOCK}))
    for order in ORDERS[::4]:
        runner = make_runner(workspace)
        outcome = runner.run(**{"version": VERSION} | {name: order})
        assert_nothing_is_injected(outcome, runner)
        # Every value is either taken for what it is or refused with one annotation.
        assert [it.name for it in outcome.commands] == ["error"], (order, outcome.log)
        assert not outcome.succeeded


def test_names_of_branches_and_authors(make_runner: Any, tmp_path: Path) -> None:
    order = " ".join(ORDERS)
    head = {"ref": order, "label": order, "repo": {"full_name": order, "default_branch": order}}
    event = {"pull_request": {"head": head, "title": order, "body": order, "user": {"login": order}}}
    workspace = clone(write(tmp_path / "clean", {"flows.py": CLEAN}))
    runner = make_runner(workspace, event_name="pull_request", event=event)
    outcome = runner.run(version=VERSION, upload_sarif="true")
    assert_nothing_is_injected(outcome, runner)
    assert outcome.succeeded
    assert outcome.used == []
    assert [it.name for it in outcome.commands] == ["notice"]


def test_links_out_of_the_repository(make_runner: Any, tmp_path: Path) -> None:
    write(tmp_path / "elsewhere", {"secret.py": CLOCK.replace("Settlement", "Secret")})
    workspace = clone(write(tmp_path / "hostile", {"flows.py": CLOCK}))
    (workspace / "link.py").symlink_to(tmp_path / "elsewhere/secret.py")
    (workspace / "links").symlink_to(tmp_path / "elsewhere")
    runner = make_runner(workspace)
    outcome = runner.run(version=VERSION)
    assert_nothing_is_injected(outcome, runner)
    assert outcome.outputs["exit-code"] == "1"
