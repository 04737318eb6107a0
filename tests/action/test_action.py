"""What the action does in the repositories of well-meaning people."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from commands import Command
from conftest import VERSION
from projects import BROKEN, CLEAN, CLOCK, CLOCK_LINE, write
from runner import REPOSITORY, Outcome


def check(make_runner: Any, workspace: Path, attributes: dict[str, Any] | None = None, **inputs: str) -> Outcome:
    """Runs the action in a clone, as actions/checkout leaves it."""
    if not (workspace / ".git").exists():
        subprocess.run(["git", "init", "-q", workspace], check=True)
    return make_runner(workspace, **attributes or {}).run(version=VERSION, **inputs)


def sarif_of(outcome: Outcome) -> dict[str, Any]:
    [run] = json.loads(Path(outcome.outputs["sarif-file"]).read_text(encoding="utf-8"))["runs"]
    return run


def uris_of(outcome: Outcome) -> list[str]:
    places = [it["locations"][0]["physicalLocation"] for it in sarif_of(outcome)["results"]]
    return [it["artifactLocation"]["uri"] for it in places]


def the_error(outcome: Outcome) -> Command:
    [annotation] = outcome.annotations()
    assert annotation.name == "error"
    return annotation


def test_a_clean_repository_passes(make_runner: Any, tmp_path: Path) -> None:
    outcome = check(make_runner, write(tmp_path / "clean", {"flows.py": CLEAN}))
    assert outcome.succeeded
    assert outcome.commands == []
    assert outcome.order == ["Install runbook-lint", "Check", "Conclude"]
    sarif_file = outcome.outputs.pop("sarif-file")
    assert outcome.outputs == {"findings": "0", "errors": "0", "exit-code": "0"}
    assert sarif_file and sarif_of(check(make_runner, tmp_path / "clean"))["results"] == []
    assert "checked 1 workflow in 1 file: no findings" in outcome.log
    assert "no findings" in outcome.summary


def test_a_repository_without_workflows_passes_with_one_warning(make_runner: Any, tmp_path: Path) -> None:
    workspace = write(tmp_path / "none", {"report.py": "print()\n"})
    for annotations in ("true", "false"):
        outcome = check(make_runner, workspace, annotations=annotations)
        assert outcome.succeeded
        [annotation] = outcome.annotations()
        assert annotation.name == "warning"
        assert "no workflow was found" in annotation.data
        assert "no workflow was found" in outcome.summary
        [notification] = sarif_of(outcome)["invocations"][0]["toolExecutionNotifications"]
        assert notification["level"] == "warning"
        assert "no workflow was found" in notification["message"]["text"]


def test_findings_fail_the_job_after_they_are_published(make_runner: Any, tmp_path: Path) -> None:
    outcome = check(make_runner, write(tmp_path / "failing", {"flows.py": CLOCK}))
    assert not outcome.succeeded
    assert outcome.order[-1] == "Conclude"
    assert [step.outcome for step in outcome.steps if step.name in ("Check", "Conclude")] == ["success", "failure"]
    annotation = the_error(outcome)
    assert annotation.properties["file"] == "flows.py"
    assert annotation.properties["line"] == str(CLOCK_LINE)
    assert annotation.properties["title"] == "RB101 wall-clock"
    assert annotation.data.startswith(f"flows.py:{CLOCK_LINE}:16: ")
    assert uris_of(outcome) == ["flows.py"]
    assert "RB101" in outcome.summary
    outcome.outputs.pop("sarif-file")
    assert outcome.outputs == {"findings": "1", "errors": "0", "exit-code": "1"}


def test_nothing_but_the_outputs_is_switched_off(make_runner: Any, tmp_path: Path) -> None:
    workspace = write(tmp_path / "failing", {"flows.py": CLOCK})
    outcome = check(make_runner, workspace, annotations="false", summary="false")
    assert not outcome.succeeded
    assert outcome.commands == []
    assert outcome.summary == ""
    assert outcome.outputs["findings"] == "1"
    assert "RB101" in outcome.log


@pytest.mark.parametrize(
    ("severity", "fail_on", "exit_code"),
    [("error", "error", 1), ("warning", "error", 0), ("info", "warning", 0), ("info", "info", 1), ("error", "never", 0)],
)
def test_fail_on(make_runner: Any, tmp_path: Path, severity: str, fail_on: str, exit_code: int) -> None:
    workspace = write(tmp_path / "failing", {"flows.py": CLOCK})
    outcome = check(make_runner, workspace, fail_on=fail_on, config=f'severity.wall-clock="{severity}"')
    assert outcome.outputs["exit-code"] == str(exit_code)
    assert outcome.outputs["findings"] == "1"
    assert outcome.succeeded == (exit_code == 0)
    assert [it.name for it in outcome.annotations()] == [severity.replace("info", "notice")]


def test_spaces_and_letters_of_all_kinds_in_paths(make_runner: Any, tmp_path: Path) -> None:
    workspace = write(
        tmp_path / "mit Leerzeichen – ß 🧾",
        {"Überträge & Mehr/flüsse 1.py": CLOCK, "other/flows.py": CLOCK, "set tings.toml": "ignore = []\n"},
    )
    outcome = check(make_runner, workspace, paths="Überträge & Mehr\n", config="set tings.toml")
    assert the_error(outcome).properties["file"] == "Überträge & Mehr/flüsse 1.py"
    assert uris_of(outcome) == ["%C3%9Cbertr%C3%A4ge%20%26%20Mehr/fl%C3%BCsse%201.py"]
    assert outcome.outputs["findings"] == "1"
    assert "flüsse 1.py" in html.unescape(outcome.summary)


def test_several_paths_are_one_a_line(make_runner: Any, tmp_path: Path) -> None:
    names = ["a b.py", "*.py", "--help", "c.py"]
    workspace = write(tmp_path / "failing", dict.fromkeys(names, CLOCK))
    (workspace / "--help").rename(workspace / "--help.py")
    outcome = check(make_runner, workspace, paths="a b.py\n\n*.py\n--help.py\n")
    assert {it.properties["file"] for it in outcome.annotations()} == {"a b.py", "*.py", "--help.py"}


def test_paths_from_a_subdirectory_are_relative_to_the_workspace(make_runner: Any, tmp_path: Path) -> None:
    workspace = write(
        tmp_path / "monorepo",
        {
            "pay roll/pyproject.toml": "[project]\nname = 'payroll'\n",
            "pay roll/src/flows.py": CLOCK,
            "other/flows.py": CLOCK,
        },
    )
    outcome = check(make_runner, workspace, working_directory="pay roll", paths="src")
    assert the_error(outcome).properties["file"] == "pay roll/src/flows.py"
    assert uris_of(outcome) == ["pay%20roll/src/flows.py"]
    assert outcome.outputs["findings"] == "1"


def test_no_python_is_a_warning(make_runner: Any, tmp_path: Path) -> None:
    outcome = check(make_runner, write(tmp_path / "empty", {"README.md": "# Nothing yet\n"}))
    assert outcome.succeeded
    assert outcome.outputs["exit-code"] == "0"
    [annotation] = outcome.annotations()
    assert annotation.name == "warning"
    assert "no file" in annotation.data


def test_files_that_cannot_be_read_do_not_pass(make_runner: Any, tmp_path: Path) -> None:
    workspace = write(
        tmp_path / "broken",
        {"flows.py": CLEAN, "broken.py": BROKEN, "latin.py": CLEAN.encode() + "# é\n".encode("latin-1")},
    )
    outcome = check(make_runner, workspace)
    assert not outcome.succeeded
    assert {(it.name, it.properties["file"]) for it in outcome.annotations()} == {
        ("error", "broken.py"),
        ("error", "latin.py"),
    }
    assert outcome.outputs["errors"] == "2"
    assert outcome.outputs["exit-code"] == "1"


def test_mistakes_in_the_configuration_are_shown_at_their_line(make_runner: Any, tmp_path: Path) -> None:
    settings = "[project]\nname = 'x'\n\n[tool.runbook-lint]\nselekt = ['RB101']\n"
    outcome = check(make_runner, write(tmp_path / "config", {"pyproject.toml": settings, "flows.py": CLOCK}))
    assert not outcome.succeeded
    annotation = the_error(outcome)
    assert (annotation.properties["file"], annotation.properties["line"]) == ("pyproject.toml", "5")
    assert "selekt" in annotation.data
    assert outcome.outputs == {"findings": "", "errors": "", "sarif-file": "", "exit-code": "2"}


@pytest.mark.parametrize(
    ("inputs", "culprit"),
    [
        ({"fail_on": "errors"}, "errors"),
        ({"working_directory": "nowhere"}, "nowhere"),
        ({"paths": "nowhere.py"}, "nowhere.py"),
        ({"config": "nowhere.toml"}, "nowhere.toml"),
        ({"config": "colour=1"}, "colour"),
        ({"args": "--no-such-option"}, "--no-such-option"),
        ({"args": "--help"}, "args"),
        ({"annotations": "yes"}, "annotations"),
        ({"summary": "True"}, "summary"),
        ({"upload_sarif": "1"}, "upload-sarif"),
        ({"version": "latest"}, "version"),
    ],
)
def test_mistakes_in_the_inputs_are_explained(
    make_runner: Any, tmp_path: Path, inputs: dict[str, str], culprit: str
) -> None:
    workspace = write(tmp_path / "clean", {"flows.py": CLEAN})
    subprocess.run(["git", "init", "-q", workspace], check=True)
    outcome = make_runner(workspace).run(**{"version": VERSION} | inputs)
    assert not outcome.succeeded
    assert culprit in the_error(outcome).data
    assert outcome.outputs["findings"] == ""
    assert outcome.outputs["exit-code"] == ("" if "version" in inputs else "2")


def test_annotations_show_inputs_as_they_were_given(make_runner: Any, tmp_path: Path) -> None:
    value = "100% %0A %25\r\nnext: a, b"
    outcome = check(make_runner, write(tmp_path / "clean", {"flows.py": CLEAN}), working_directory=value)
    assert f"`{value}`" in the_error(outcome).data


def test_arguments_are_not_split(make_runner: Any, tmp_path: Path) -> None:
    workspace = write(tmp_path / "failing", {"flows.py": CLOCK})
    outcome = check(make_runner, workspace, args='--ignore=RB101\n--config=severity.randomness = "warning"\n')
    assert outcome.succeeded
    assert outcome.outputs["findings"] == "0"


def test_findings_in_the_baseline_are_not_reported(make_runner: Any, tmp_path: Path, program: Path) -> None:
    workspace = write(tmp_path / "old", {"flows.py": CLOCK})
    subprocess.run([program, "check", "--write-baseline", "known findings.json"], cwd=workspace, check=True)
    assert check(make_runner, workspace, baseline="known findings.json").succeeded
    changed = Path(shutil.copytree(workspace, tmp_path / "new"))
    write(changed, {"new.py": CLOCK})
    assert the_error(check(make_runner, changed, baseline="known findings.json")).properties["file"] == "new.py"


def test_only_what_came_in_since_a_revision_is_reported(make_runner: Any, tmp_path: Path) -> None:
    workspace = write(tmp_path / "repository", {"flows.py": CLOCK})
    git = ["git", "-C", workspace, "-c", "user.name=A", "-c", "user.email=a@example.com"]
    subprocess.run(["git", "init", "-q", "-b", "main", workspace], check=True)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "first"], check=True)
    assert check(make_runner, workspace, diff_base="main").succeeded
    changed = Path(shutil.copytree(workspace, tmp_path / "new"))
    write(changed, {"new.py": CLOCK})
    assert the_error(check(make_runner, changed, diff_base="main")).properties["file"] == "new.py"


UPLOAD = "Upload to code scanning"


@pytest.mark.parametrize("source", [CLEAN, CLOCK])
def test_upload_comes_before_the_job_fails(make_runner: Any, tmp_path: Path, source: str) -> None:
    workspace = write(tmp_path / "failing", {"flows.py": source})
    outcome = check(make_runner, workspace, upload_sarif="true", category="payroll")
    assert outcome.succeeded == (source is CLEAN)
    assert outcome.order[-2:] == [UPLOAD, "Conclude"]
    [upload] = outcome.used
    assert upload.uses and upload.uses.startswith("github/codeql-action/upload-sarif@")
    assert upload.inputs == {"sarif_file": outcome.outputs["sarif-file"], "category": "payroll"}
    # The upload takes the category from the file if there is one in it.
    assert sarif_of(outcome)["automationDetails"]["id"] == "payroll/"


def test_nothing_is_uploaded_when_nothing_was_checked(make_runner: Any, tmp_path: Path) -> None:
    """An empty result would close the alerts that are open."""
    workspace = write(tmp_path / "clean", {"flows.py": CLEAN})
    outcome = check(make_runner, workspace, upload_sarif="true", config="colour=1")
    assert not outcome.succeeded
    assert outcome.used == []


def test_reports_of_two_checks_in_one_job(make_runner: Any, tmp_path: Path) -> None:
    runner = make_runner(write(tmp_path / "failing", {"flows.py": CLOCK, "other.py": CLEAN}))
    outcomes = [runner.run(version=VERSION, paths=path) for path in ("flows.py", "other.py")]
    assert [len(sarif_of(outcome)["results"]) for outcome in outcomes] == [1, 0]


def pull_request(repository: str | None) -> dict[str, Any]:
    head = {"repo": None if repository is None else {"full_name": repository}, "ref": "feature"}
    return {"event_name": "pull_request", "event": {"pull_request": {"head": head}}}


@pytest.mark.parametrize("repository", ["somebody/example", None])
def test_pull_requests_from_forks_are_not_uploaded(make_runner: Any, tmp_path: Path, repository: str | None) -> None:
    workspace = write(tmp_path / "failing", {"flows.py": CLOCK})
    outcome = check(make_runner, workspace, pull_request(repository), upload_sarif="true")
    assert outcome.used == []
    assert [it.name for it in outcome.annotations()] == ["error", "notice"]
    assert "fork" in outcome.annotations("notice")[0].data
    assert outcome.outputs["exit-code"] == "1"
    assert "RB101" in outcome.summary


def test_pull_requests_from_the_repository_are_uploaded(make_runner: Any, tmp_path: Path) -> None:
    workspace = write(tmp_path / "clean", {"flows.py": CLEAN})
    outcome = check(make_runner, workspace, pull_request(REPOSITORY), upload_sarif="true")
    assert [step.name for step in outcome.used] == [UPLOAD]


def test_many_findings_stay_within_the_limits_of_github(make_runner: Any, tmp_path: Path) -> None:
    reads = "".join(f"            time.time(),  # {number}\n" for number in range(2000))
    # What only a log gets is a warning.
    logs = "".join(f"workflow.logger.info(time.time())  # {number}\n        " for number in range(2000))
    body = f"{logs}return (\n{reads}        )"
    source = CLOCK.replace("return time.time()", body).replace("-> float", "-> object")
    outcome = check(make_runner, write(tmp_path / "many", {"flows.py": source}))
    assert outcome.outputs["findings"] == "4000"
    assert len(outcome.annotations("error")) == 10
    assert len(outcome.annotations("warning")) == 10
    [notice] = outcome.annotations("notice")
    shown_errors, errors, shown_warnings, warnings = map(int, re.findall(r"\d+", notice.data))
    assert (shown_errors, shown_warnings, errors + warnings) == (10, 10, 4000)
    assert "left out" in outcome.summary
