"""A pytest plugin that says which test ran which lines, and how long each took.

Loaded with ``-p tests.mutation.covering`` in a run that coverage watches.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import coverage
import pytest

#: names the file to which the seconds of each test are written
SECONDS = "GONGDAN_MUTATION_SECONDS"
_seconds: dict[str, float] = {}


def pytest_runtest_logstart(nodeid: str) -> None:
    """Lines that run from here on belong to this test, its fixtures included."""
    if (running := coverage.Coverage.current()) is not None:
        running.switch_context(nodeid)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """A test that fails without any fault says nothing about one: it takes for ever, and is left out."""
    taken = report.duration if report.passed else float("inf")
    _seconds[report.nodeid] = _seconds.get(report.nodeid, 0.0) + taken


def pytest_sessionfinish() -> None:
    """Write the seconds of all tests."""
    Path(os.environ[SECONDS]).write_text(json.dumps(_seconds))
