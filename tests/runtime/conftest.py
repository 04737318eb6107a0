"""Keeps the books on what has been shown of which rule, and compares them with the documentation."""

from __future__ import annotations

import pytest
import runtimes

SHOWN: dict[str, list[tuple[str, str]]] = {}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "shows(code, local, temporal): what a test shows of a rule")


@pytest.fixture(autouse=True)
def _observed(request: pytest.FixtureRequest):
    """What a test says that it shows of a runtime, it has to have seen there."""
    runtimes.OBSERVED.clear()
    yield
    used = {outcome.runtime for outcome in runtimes.OBSERVED}
    for mark in request.node.iter_markers("shows"):
        _, local, temporal = mark.args
        claimed = {name for name, text in (("local", local), ("temporal", temporal)) if text}
        assert claimed <= used, f"{request.node.name} has only seen {used or 'nothing'}"


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" and report.passed:
        for code, local, temporal in dict(report.user_properties).get("shows", []):
            SHOWN.setdefault(code, []).append((local, temporal))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    item.user_properties.append(("shows", [mark.args for mark in item.iter_markers("shows")]))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.section(f"shown at run time: {len(SHOWN)} rules")
    for code, shown in sorted(SHOWN.items()):
        for local, temporal in shown:
            terminalreporter.line(f"{code}  local: {local or '-'}")
            terminalreporter.line(f"       temporal: {temporal or '-'}")
