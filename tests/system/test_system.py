"""Thousands of runs of the whole system, each from one seed, each judged by an independent model.

One seed alone, with its whole trace: ``GONGDAN_SEED=1234 .venv/bin/python -m pytest tests/system -k one_seed -s``.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from .running import run_seed
from .stage import Stage

EVERY_DAY, LONG = 200, 10_000  #: seeds of ``make test``, and of ``make fault``
PARTS = 20  #: tests that share them, so that several processes may
TWICE = range(1, 6)


@pytest.mark.parametrize("part", range(PARTS))
def test_whatever_goes_wrong_nothing_is_lost_doubled_late_or_left_over(
    part: int, stage: Stage, place: Path, full: bool, record_property: Any
) -> None:
    seeds = range(1 + part, 1 + (LONG if full else EVERY_DAY), PARTS)
    told: dict[str, int] = {}
    for seed in seeds:
        outcome = run_seed(stage, place / f"seed{seed}", seed)
        assert not outcome.faults, outcome.told()
        for line in outcome.happened():
            told[line] = told.get(line, 0) + 1
    assert len(told) > 5, "a run in which nothing goes wrong proves nothing"
    said = ", ".join(f"{count:,} {what}" for what, count in sorted(told.items()))
    record_property(
        "fault", f"whole system, seeds {seeds[0]} to {seeds[-1]}: {len(seeds):,} runs, 0 faults; {said}"
    )


def test_one_seed(stage: Stage, place: Path) -> None:
    """The seed that GONGDAN_SEED names, else the first; with ``-s`` it tells its whole trace."""
    outcome = run_seed(stage, place / "one", int(os.environ.get("GONGDAN_SEED", "1")))
    sys.stdout.write("\n".join([*outcome.trace, ""]))
    assert not outcome.faults, outcome.told()


@pytest.mark.parametrize("seed", TWICE)
def test_a_seed_gives_the_same_trace_and_the_same_histories_again(
    seed: int, stage: Stage, place: Path
) -> None:
    first, again = (run_seed(stage, place / name, seed) for name in ("first", "again"))
    assert first.trace == again.trace
    assert first.digest == again.digest
