"""Service recovery: what was granted adds up, and it has an end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.app import Gongdan
from engine.queries import work

from .playing import data_of, play, stage


@pytest.fixture(scope="module")
def engine() -> Iterator[Gongdan]:
    """One throw-away engine for the module."""
    with stage() as gongdan:
        yield gongdan


def test_what_was_granted_in_every_round_is_summed(engine: Gongdan) -> None:
    run = play(engine, "fixed_line_repair_overdue", "每轮都补救仍不认可")
    data = data_of(engine, run)
    assert data["recovery_granted"] == data["relief_granted"] == 3 * 2000
    done = [task.element.rpartition("/")[2] for task in work.tasks(engine.db, run.case_id)]
    assert done.count("apply_recovery") == 3, "after the third refusal no further recovery can be chosen"


def test_a_recovery_that_is_not_approved_adds_nothing(engine: Gongdan) -> None:
    run = play(engine, "fixed_line_repair_overdue", "减免后不认可，服务补救")
    assert data_of(engine, run)["recovery_granted"] == 664
