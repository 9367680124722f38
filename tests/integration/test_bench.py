"""``bench --json``: standard output is the result and nothing else, whatever is measured says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings

import pytest

from bench import cli, timers
from bench.measures import Figure
from engine.base.settings import CHECKOUT


def loud() -> Figure:
    """A measure whose libraries, servers and other processes talk."""
    sys.stdout.write("a library says something\n")
    os.write(1, b"a driver says something\n")
    subprocess.run([sys.executable, "-c", "print('a server says something')"], check=True)
    warnings.warn("a folder is not set", RuntimeWarning, stacklevel=1)
    return {"ours": 2.0, "reference": 1.0, "ratio": 2.0, "unit": "things"}


_LOUD = (
    "from bench import cli; from tests.integration.test_bench import loud; "
    "cli.table = lambda: {'loud': loud}; cli.bench(['--json', '--no-keep', 'loud'])"
)


def test_json_is_alone_on_standard_output() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LOUD], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == {
        "loud": {"ours": 2.0, "reference": 1.0, "ratio": 2.0, "unit": "things"}
    }
    assert done.stderr.count("says something") == 3
    assert "a folder is not set" in done.stderr


def test_due_timers_are_counted_and_compared_with_bare_commits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timers, "TIMERS", 40)
    monkeypatch.setattr(timers, "ROUNDS", 1)
    found = cli.table()["due_timers_2000"]()
    assert found["ours"] > 0
    assert found["ratio"] == found["ours"] / found["reference"]
    assert "CPU µs a timer" in found["unit"]
