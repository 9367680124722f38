"""The twelve acceptance examples of docs/scenarios.md are really tested where it says."""

from __future__ import annotations

import ast
import re

import pytest

from engine.base.settings import CHECKOUT
from tests.scenarios.playing import SCENARIOS

TABLE = (CHECKOUT / "docs" / "scenarios.md").read_text("utf-8").partition("## Acceptance examples")[2]
EXAMPLES = {
    int(row.group(1)): re.findall(r"`([^`]+)`", row.group(2))
    for row in re.finditer(r"^\| (\d+) \|.*\| (`.*`) \|$", TABLE, re.MULTILINE)
}


def test_there_are_twelve() -> None:
    assert list(EXAMPLES) == list(range(1, 13))


@pytest.mark.parametrize("example", EXAMPLES)
def test_what_proves_an_example_exists(example: int) -> None:
    assert EXAMPLES[example]
    for proof in EXAMPLES[example]:
        file, is_test, name = proof.partition("::")
        if is_test:
            tree = ast.parse((CHECKOUT / file).read_text("utf-8"))
            assert name in {part.name for part in tree.body if isinstance(part, ast.FunctionDef)}, proof
        else:
            process, _, words = proof.partition(": ")
            assert len([s for s in SCENARIOS if s.process == process and words in s.name]) == 1, proof
