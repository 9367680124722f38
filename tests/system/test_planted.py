"""The simulation finds what is wrong: each known fault is planted alone, and some seed must tell of it.

``FOUND`` says which seed is the first to find each. A change of the simulation makes other runs of the seeds; then
others are tried, at most :data:`MOST`.
"""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from .planted import PLANTED
from .running import HALTED, run_seed
from .stage import Stage

MOST = 200  #: seeds until a fault must be found: those of every day
FOUND: dict[str, int] = {
    "a message is marked as sent before it is": 5,
    "what nobody can say is tried again": 32,
    "the lease of a message is ignored": 32,
    "a message goes out at any hour": 24,
    "a message that was taken back goes out": 1,
    "nobody is told of a message that failed": 5,
    "a linked case is opened at each attempt": 106,
    "a submit key is ignored": 2,
    "a command that could not be written is acknowledged": 7,
    "a commit is not synced": 4,
    "a case is kept after its command failed": 14,
    "a snapshot forgets who holds what": 1,
    "the list of tasks learns of no claim": 1,
    "the list of cases learns of no end": 5,
    "a case is due once and never again": 2,
    "the limit of a whole case is never breached": 2,
    "a limit that is paused warns": 2,
    "a limit that was paused has half of its time left": 11,
    "a limit never pauses": 2,
    "erasing leaves the words of messages": 6,
    "erasing leaves the key": 5,
    "erasing says of the rows that stay what they held before": 5,
    "anybody may do any task": 4,
}


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_found(fault: str, stage: Stage, place: Path, record_property: Any) -> None:
    told: list[str] = []
    with PLANTED[fault]():
        for seed in chain([FOUND[fault]], range(1, MOST + 1)):
            faults = run_seed(stage, place / "planted", seed).faults
            told = [fault for fault in faults if not fault.startswith(HALTED)]  # the judge must see it
            if told:
                break
    assert told, f"no seed up to {MOST} finds that {fault}"
    record_property("fault", f"planted: {fault}; seed {seed}: {told[0][:150]}")


def test_the_list_of_what_was_found_names_every_planted_fault() -> None:
    assert FOUND.keys() == PLANTED.keys()
