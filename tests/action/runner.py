"""Runs the steps of action.yml as the runner of GitHub Actions does, one after the other in bash.

Steps that use other actions are recorded and not run. Everything that this module does not know
about is an error, so that action.yml cannot rely on something that is not imitated here.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from commands import Command, Reader, read_pairs
from expressions import interpolate, is_met

ROOT = Path(__file__).resolve().parents[2]
SUMMARY_LIMIT = 1024 * 1024
REPOSITORY = "ntropii-com/example"


@dataclass
class Step:
    name: str
    outcome: str = "skipped"
    commands: list[Command] = field(default_factory=list)
    log: str = ""
    summary: str = ""
    uses: str | None = None
    inputs: dict[str, str] = field(default_factory=dict)


@dataclass
class Outcome:
    steps: list[Step]
    outputs: dict[str, str]
    succeeded: bool

    @property
    def commands(self) -> list[Command]:
        return [command for step in self.steps for command in step.commands]

    def annotations(self, *kinds: str) -> list[Command]:
        return [it for it in self.commands if it.name in (kinds or ("error", "warning", "notice"))]

    @property
    def log(self) -> str:
        return "\n".join(step.log for step in self.steps)

    @property
    def summary(self) -> str:
        return "".join(step.summary for step in self.steps)

    @property
    def used(self) -> list[Step]:
        """The steps that use other actions and were reached."""
        return [step for step in self.steps if step.uses and step.outcome != "skipped"]

    @property
    def order(self) -> list[str]:
        return [step.name for step in self.steps if step.outcome != "skipped"]


@dataclass
class Runner:
    """A machine, with what the runner prepares on it."""

    workspace: Path
    temporary: Path
    home: Path
    action: Path = ROOT
    system: str = "Linux"
    architecture: str = "X64"
    event_name: str = "push"
    event: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    def run(self, **inputs: str) -> Outcome:
        action = yaml.safe_load((self.action / "action.yml").read_text(encoding="utf-8"))
        assert action["runs"]["using"] == "composite"
        given = {name.replace("_", "-"): value for name, value in inputs.items()}
        assert given.keys() <= action["inputs"].keys(), f"unknown inputs in {given}"
        assert all(isinstance(it["default"], str) for it in action["inputs"].values())
        defaults = {name: it["default"] for name, it in action["inputs"].items()}
        context: dict[str, Any] = {
            "inputs": defaults | given,
            "github": {
                "event_name": self.event_name,
                "event": self.event,
                "repository": REPOSITORY,
                "workspace": str(self.workspace),
            },
            "runner": {"os": self.system, "arch": self.architecture, "temp": str(self.temporary)},
            "steps": {},
            "success": True,
        }
        steps = []
        for definition in action["runs"]["steps"]:
            step = self.step(definition, context)
            steps.append(step)
            if step.outcome == "failure":
                context["success"] = False
        # A step that was skipped has no outputs.
        outputs = {name: interpolate(it["value"], context) for name, it in action["outputs"].items()}
        return Outcome(steps, outputs, context["success"])

    def step(self, definition: dict[str, Any], context: dict[str, Any]) -> Step:
        assert definition.keys() <= {"name", "id", "if", "shell", "env", "run", "uses", "with"}
        step = Step(definition["name"])
        identifier = definition.get("id", step.name)
        context["steps"][identifier] = {"outputs": {}}
        if not is_met(definition.get("if", "success()"), context):
            return step
        if "uses" in definition:
            step.uses = definition["uses"]
            step.inputs = {key: interpolate(str(value), context) for key, value in definition["with"].items()}
            step.outcome = "success"
            return step
        assert definition["shell"] == "bash"
        assert "${{" not in definition["run"], "values reach scripts through the environment"
        env = {key: interpolate(value, context) for key, value in definition.get("env", {}).items()}
        context["steps"][identifier]["outputs"] = self.script(step, definition["run"], env)
        return step

    def script(self, step: Step, script: str, env: dict[str, str]) -> dict[str, str]:
        files = Path(tempfile.mkdtemp(prefix="_runner_file_commands", dir=self.temporary))
        for name in ("output", "env", "path", "step_summary", "state"):
            (files / name).touch()
        (files / "event.json").write_text(json.dumps(self.event), encoding="utf-8")
        (files / "script.sh").write_text(script, encoding="utf-8")
        completed = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", files / "script.sh"],
            cwd=self.workspace,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.home),
                "GITHUB_ACTIONS": "true",
                "GITHUB_ACTION_PATH": str(self.action),
                "GITHUB_ENV": str(files / "env"),
                "GITHUB_EVENT_NAME": self.event_name,
                "GITHUB_EVENT_PATH": str(files / "event.json"),
                "GITHUB_OUTPUT": str(files / "output"),
                "GITHUB_PATH": str(files / "path"),
                "GITHUB_REPOSITORY": REPOSITORY,
                "GITHUB_STATE": str(files / "state"),
                "GITHUB_STEP_SUMMARY": str(files / "step_summary"),
                "GITHUB_WORKSPACE": str(self.workspace),
                "RUNNER_ARCH": self.architecture,
                "RUNNER_OS": self.system,
                "RUNNER_TEMP": str(self.temporary),
            }
            | self.environment
            | env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=600,
        )
        # The runner reads both streams and does not keep their order, so what is stopped on one of
        # them may still be running on the other.
        reader, errors = Reader(), Reader()
        reader.read(completed.stdout)
        errors.read(completed.stderr)
        assert errors.commands == [], completed.stderr
        assert errors.token is None
        assert reader.token is None, "commands stay stopped"
        step.commands = reader.commands
        step.log = "\n".join(reader.text + errors.text)
        step.outcome = "success" if completed.returncode == 0 else "failure"
        summary = (files / "step_summary").read_bytes()
        assert len(summary) <= SUMMARY_LIMIT, "the summary is too large and would be lost"
        step.summary = summary.decode()
        for name in ("env", "path", "state"):
            assert (files / name).read_text() == "", f"something was written to GITHUB_{name.upper()}"
        return read_pairs((files / "output").read_text(encoding="utf-8"))
