"""Measures once for all tests, and says at the end what came of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from measured import Measurement

DONE: list[Measurement] = []


@pytest.fixture(scope="session")
def measured(server: str, tmp_path_factory: pytest.TempPathFactory) -> Measurement:
    DONE.append(Measurement(tmp_path_factory.mktemp("edits"), server).run())
    return DONE[-1]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The table goes to the file that `EDITS_TABLE` names, and its counts to the terminal."""
    for measurement in DONE:
        table = measurement.table()
        if "EDITS_TABLE" in os.environ:
            Path(os.environ["EDITS_TABLE"]).write_text(table + "\n")
        terminalreporter.section("edits of running workflows")
        for line in table.splitlines()[len(measurement.outcomes) :]:
            terminalreporter.line(line)
