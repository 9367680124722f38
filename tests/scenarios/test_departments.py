"""Who is urged about a department's work, and from when on the work is theirs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.app import Gongdan
from engine.people.directory import DEMO_PEOPLE
from engine.queries import notices, work

from .playing import play, stage


@pytest.fixture(scope="module")
def engine() -> Iterator[Gongdan]:
    """One throw-away engine for the module."""
    with stage() as gongdan:
        yield gongdan


def test_only_people_of_the_department_are_urged(engine: Gongdan) -> None:
    run = play(engine, "billing_dispute", "部门退单改派，再退单由值班长裁定")
    urged = {
        person.name
        for person in DEMO_PEOPLE
        for line in notices.latest(engine.db, person)
        if run.case_id in line.text and (line.role or "").startswith("specialist")
    }
    assert urged == {"billing1"}


def test_a_department_is_not_late_before_it_has_the_task(engine: Gongdan) -> None:
    run = play(engine, "billing_dispute", "下一部门自接到时起算")
    clocks = [c for c in work.clocks(engine.db, run.case_id) if c.parameter == "DEPT_UPDATE"]
    assert [(c.started, c.state) for c in clocks] == [
        ("2026-03-02T02:00:00+00:00", "met"),
        (
            "2026-03-03T02:00:00+00:00",
            "met",
        ),  # when the second department got it, not when the first sent it back
    ]
