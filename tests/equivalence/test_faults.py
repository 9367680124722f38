"""Each fault of stock that we differ by is still there; when one is mended, our difference can go (ADR 0008)."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from engine.base.settings import CHECKOUT
from tests.equivalence.faults import FAULTS


@pytest.fixture(scope="module")
def found() -> dict[str, bool]:
    """What stock does, asked in a process of its own."""
    command = [sys.executable, "-m", "tests.equivalence.faults"]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    answer: dict[str, bool] = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize("name", FAULTS)
def test_stock_still_has_the_fault(name: str, found: dict[str, bool]) -> None:
    assert found[name]
