"""A bundle for each test, and the program that is tested."""

import os
import shutil
from pathlib import Path

import pytest

WORKFLOW = '''\
from ntro.workflow import NtroWorkflow, runbook

from .helpers import stamp


@runbook.defn
class NavCloseWorkflow(NtroWorkflow):
    @runbook.step(name="close", title="Close é😀", icon="CheckCircle2")
    async def _step_close(self) -> str:
        return "é😀" + stamp()

    @runbook.run
    async def run(self, period: str) -> str:
        return await self._step_close()
'''
HELPERS = '''\
import time


def stamp() -> str:
    return "now"
'''
#: What somebody types into the last line of the helper.
VIOLATION = "    return str(time.time())"
HARMLESS = '    return "now"'
#: What somebody types into the workflow, where it has to be an activity.
REQUEST = '        return requests.get("https://example.org/é").text'
MANIFEST = '''\
---
id: rb-nav-close
slug: nav-close
name: Close the NAV
version: 0.1.0
state: DRAFT
author: Fund operations
steps:
  - id: close
    label: Close
---

## When to use

At the end of each month.
'''


@pytest.fixture
def bundle(tmp_path):
    """The folder of a bundle in a project of its own."""
    bundle = tmp_path / "runbooks" / "nav-close"
    templates = bundle / "templates"
    templates.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text("[tool.runbook-lint]\n")
    (bundle / "runbook.md").write_text(MANIFEST)
    (templates / "__init__.py").write_text("")
    (templates / "activities.py").write_text("")
    (templates / "workflow.py").write_text(WORKFLOW)
    (templates / "helpers.py").write_text(HELPERS)
    return bundle


@pytest.fixture(scope="session")
def linter():
    path = os.environ.get("RUNBOOK_LINT") or shutil.which("runbook-lint")
    assert path, "name the program in RUNBOOK_LINT"
    return str(Path(path).resolve())
