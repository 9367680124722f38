"""When a snapshot pays: by commands since the last, tasks to write, and commands that loading executed again."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from engine.case.snapshots import is_due


def instance(passed: int, *, replayed: int = 0, tasks: int = 0, done: bool = False) -> Any:
    machine = SimpleNamespace(flow=SimpleNamespace(tasks=range(tasks)))
    return SimpleNamespace(done=done, machine=machine, seq=100 + passed, snapshot_seq=100, replayed=replayed)


@pytest.mark.parametrize(
    ("found", "due"),
    [
        (instance(19), False),
        (instance(20), True),
        (instance(20, done=True), False),
        (instance(1, replayed=4), False),
        (instance(1, replayed=5), True),
        (instance(20, tasks=21 * 16 - 1), True),  # twenty commands pay for so many
        (instance(20, tasks=21 * 16), False),
        (instance(21, tasks=21 * 16), True),
        (instance(1, replayed=20, tasks=21 * 16), False),
        (instance(1, replayed=21, tasks=21 * 16), True),
    ],
)
def test_a_snapshot_pays_after_so_many_commands(found: Any, *, due: bool) -> None:
    assert is_due(found) is due
