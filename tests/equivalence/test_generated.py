"""Generated diagrams: forty every day, three hundred with ``--full``."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from engine.base.settings import CHECKOUT
from tests.equivalence.diagrams import NESTED, SIMPLE, Drawing
from tests.equivalence.walks import Walk, Walker, differences
from tests.playing import program

START = {**{f"k{n}": n * 2 for n in range(5)}, "again": False, "items": [1, 2]}


def walked(numbers: range, folder: Path, *, forks_in_loops: bool = False) -> list[Walk]:
    """One walk on one diagram for each number."""
    walks = []
    for number in numbers:
        text = Drawing(number, forks_in_loops=forks_in_loops).text()
        path = folder / f"{number}.bpmn"
        path.write_bytes(text)
        walk = Walk(number, "main", [str(path)])
        walks.append(Walker(program(text), walk, number * 7919 + 1).run(START))
    return walks


@pytest.mark.timeout(1200)
def test_generated_diagrams_walk_as_stock_walks_them(tmp_path: Path, full: bool) -> None:
    walks = walked(range(300 if full else 40), tmp_path)
    assert differences(walks, tmp_path) == []
    ended = Counter(walk.ended for walk in walks)
    assert ended["stuck"] == ended["failed"] == 0
    assert ended["done"] > len(walks) // 2, "the walks see the whole diagrams"
    assert sum(len(walk.steps) for walk in walks) > 8 * len(walks)


@pytest.mark.timeout(1200)
def test_with_forks_in_loops_live_reloaded_and_replayed_are_one_and_nothing_gets_stuck(
    tmp_path: Path, full: bool
) -> None:
    """No oracle but ourselves: stock is wrong here. The walker compares reloads and a replay on the way."""
    walks = walked(range(1000, 1200 if full else 1030), tmp_path, forks_in_loops=True)
    ended = Counter(walk.ended for walk in walks)
    assert ended["stuck"] == ended["failed"] == 0


def test_the_generator_draws_every_kind_of_block() -> None:
    used: set[str] = set()
    for number in range(40):
        drawing = Drawing(number)
        drawing.text()
        used |= drawing.used
    assert used == set(NESTED) | set(SIMPLE)


def test_a_walk_is_the_same_in_every_process_whatever_its_hash_seed(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from tests.equivalence.test_generated import walked;"
        "print([walk.digests() for walk in walked(range(6), pathlib.Path(sys.argv[1]))])"
    )
    told = []
    for seed in ("0", "1", "4711"):
        folder = tmp_path / seed
        folder.mkdir()
        done = subprocess.run(
            [sys.executable, "-c", code, str(folder)],
            cwd=CHECKOUT, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        told.append(done.stdout)
    assert len(set(told)) == 1
