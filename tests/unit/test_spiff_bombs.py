"""Scripts that want all the time, all the memory or all the stack get their share, and the case an incident."""

from __future__ import annotations

import json
import resource
import time

import pytest

from engine.base.errors import TechnicalFailure
from engine.bpmn.spiff.sandbox import MAX_OUTPUT_DEPTH, MAX_SOURCE
from tests.playing import run_script


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "text",
    [
        "while True:\n    pass",
        "n = 0\nwhile True:\n    n = n + 1",
        "n = 9 ** 9 ** 9",
        "total = sum(range(10 ** 12))",
        "items = sorted(range(10 ** 9))",
    ],
    ids=["busy loop", "counting", "power tower", "long sum", "long sort"],
)
def test_a_script_that_takes_too_long_is_stopped_soon(text: str) -> None:
    began = time.monotonic()
    with pytest.raises(TechnicalFailure):
        run_script(text)
    assert time.monotonic() - began < 4
    assert run_script("fine = 1 + 1")["fine"] == 2, "and the next script runs"


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "text",
    [
        "x = [0] * 10 ** 9",
        "x = 'a' * 10 ** 10",
        "x = 1 << 10 ** 9",
        "x = [1]\nfor _ in range(60):\n    x = x + x",
        "x = 'a'\nfor _ in range(60):\n    x = x + x",
        "x = {}\nfor i in range(10 ** 8):\n    x[str(i)] = i",
        "x = [[0] * 10000 for _ in range(10 ** 5)]",
        "x = 'a'.ljust(10 ** 10)",
        "x = ','.join(['a' * 10 ** 6] * 10 ** 5)",
        "x = 'aa'.replace('a', 'b' * 10 ** 9)",
    ],
)
def test_a_memory_bomb_neither_fills_the_memory_nor_ends_the_process(text: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(TechnicalFailure):
        run_script(text)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 << 10  # kilobytes
    assert run_script("fine = 1 + 1")["fine"] == 2


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "text",
    [
        "def f(n):\n    return f(n + 1)\nx = f(0)",
        "f = lambda: f()\nx = f()",
        "x = []\nx.append(x)",
        f"x = {'[' * 150}{']' * 150}",
        f"x = {'(' * 5000}1{')' * 5000}",
        f"x = 1{' + 1' * 3000}",
        "x = []\nfor _ in range(100000):\n    x = [x]",
    ],
    ids=["recursion", "lambda", "cycle", "deep list", "deep brackets", "long sum", "deep result"],
)
def test_a_recursion_bomb_is_a_failure_like_any_other(text: str) -> None:
    try:
        found = run_script(text)["x"]
    except TechnicalFailure:
        return
    assert found in (3001, ["[...]"]), "only what really is a plain value gets through"


def test_what_comes_out_is_bounded() -> None:
    deep = f"x = {'[' * (MAX_OUTPUT_DEPTH + 1)}{']' * (MAX_OUTPUT_DEPTH + 1)}"
    with pytest.raises(TechnicalFailure, match="too deeply nested"):
        run_script(deep)
    with pytest.raises(TechnicalFailure, match=f"the limit is {MAX_SOURCE:,}"):
        run_script("x = 1 + 1\n" + "#" * MAX_SOURCE)


@pytest.mark.parametrize(
    "text", ["x = lambda: 1", "x = [print][0]", "x = (n for n in [1])", "x = [int]", "x = ValueError('a')"]
)
def test_only_plain_data_leaves_a_script(text: str) -> None:
    """What is not plain is refused, or arrives as its text: nothing that could be called ever comes out."""
    try:
        found = run_script(text)["x"]
    except TechnicalFailure:
        return
    assert json.loads(json.dumps(found)) == found
