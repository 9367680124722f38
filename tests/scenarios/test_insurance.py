"""Insurance complaints: a complaint stays one, and a violation reaches group audit in three working days."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.app import Gongdan
from engine.queries import work

from .playing import FILES, data_of, play, stage


@pytest.fixture(scope="module")
def engine() -> Iterator[Gongdan]:
    """One throw-away engine for the module."""
    with stage() as gongdan:
        yield gongdan


@pytest.mark.parametrize("form", ["insurance_complaint", "insurance_level4"])
def test_a_complaint_cannot_become_a_consultation(engine: Gongdan, form: str) -> None:
    rules = engine.releases.current().forms[form].group.rules
    assert "is_complaint" in {rule.field for rule in rules}, FILES[f"forms/{form}.json"]


def test_doubts_make_a_complaint_that_stays_one(engine: Gongdan) -> None:
    run = play(engine, "insurance_hotline_complaint", "不可逆")  # the scenario has the refusals
    data = data_of(engine, run)
    assert data["complaint_locked"] is True
    assert data["is_complaint"] is True


def test_a_violation_received_on_thursday_is_due_on_tuesday(engine: Gongdan) -> None:
    run = play(engine, "insurance_hq_complaint", "周四接到")
    clocks = {c.parameter: c for c in work.clocks(engine.db, run.case_id)}
    report = clocks["INS_VIOLATION_REPORT"]
    assert (report.started, report.due) == ("2026-03-05T02:00:00+00:00", "2026-03-10T02:00:00+00:00")
    assert report.state == "missed", "reported after its limit: late, but done"
