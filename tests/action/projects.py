"""Repositories for the action to check."""

from __future__ import annotations

from pathlib import Path

CLEAN = """\
from temporalio import workflow


@workflow.defn
class Settlement:
    @workflow.run
    async def run(self) -> str:
        return workflow.now().isoformat()
"""

# One finding, of severity error.
CLOCK = """\
import time

from temporalio import workflow


@workflow.defn
class Settlement:
    @workflow.run
    async def run(self) -> float:
        return time.time()
"""
CLOCK_LINE = 10

BROKEN = """\
from temporalio import workflow


@workflow.defn
class Settlement:
    @workflow.run
    async def run(self -> float:
        return 1
"""


def write(directory: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return directory
