"""Due instants written by hand from the sentences of the sources, on days where a wrong clock would miss them."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from engine.sla.calendar import Calendar
from engine.sla.durations import Duration
from tests.scenarios.playing import SCENARIOS
from tests.scenarios.test_sla_parameters import RELEASE, ROWS, UNTIMED, timers

SHANGHAI = ZoneInfo("Asia/Shanghai")
DATA = Path(__file__).parent.parent / "data"
with (DATA / "due_by_hand.psv").open(encoding="utf-8", newline="") as source:
    CASES = list(csv.DictReader(source, delimiter="|", quoting=csv.QUOTE_NONE))


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).astimezone(UTC)


def limit_name(case: dict[str, str]) -> str:
    return f"{case['limit']} from {case['start']}"


@pytest.mark.parametrize("case", CASES, ids=limit_name)
def test_the_limit_ends_when_the_sentence_says(case: dict[str, str]) -> None:
    assert case["sentence"] in ROWS[case["limit"]]["quote"]
    assert RELEASE.time.due(case["limit"], instant(case["start"])).due == instant(case["due"])


@pytest.mark.parametrize(
    "case", [c for c in CASES if ROWS[c["limit"]]["iso"].lstrip("R/-").startswith("P")], ids=limit_name
)
def test_the_other_clock_would_give_another_instant(case: dict[str, str]) -> None:
    """Working time where elapsed time counts, or elapsed time (a working day as a day) where working time does."""
    limit = RELEASE.parameters[case["limit"]].limit
    if not isinstance(limit, Duration):
        assert ROWS[case["limit"]]["clock"] == "calendar", (
            "next Monday, next month: no length to count otherwise"
        )
        return
    start, calendar = instant(case["start"]), RELEASE.calendar
    assert calendar is not None
    if limit.kind == "clock":
        wrong = {_working(calendar, start, limit.length)}
    else:  # hours as hours, and a working day of eight hours taken for one of twenty-four
        wrong = {start + limit.length, start + limit.length * 3}
    assert instant(case["due"]) not in wrong


def _working(calendar: Calendar, start: datetime, length: timedelta) -> datetime:
    """The same words read as working time: two days as two working days, three hours as three working hours."""
    days = abs(length) // timedelta(days=1)
    worked = days * timedelta(hours=8) if abs(length) == timedelta(days=days) else abs(length)
    return calendar.subtract(start, worked) if length < timedelta() else calendar.add(start, worked)


def test_every_timer_limit_has_a_case_and_working_time_meets_every_kind_of_day() -> None:
    assert {case["limit"] for case in CASES} == ROWS.keys() - UNTIMED
    work = [case for case in CASES if ROWS[case["limit"]]["clock"] == "work"]
    crossed = {kind for case in work for kind in case["crosses"].split(", ")}
    assert crossed == {"lunch", "night", "weekend", "holiday", "make-up"}


def test_every_timer_limit_is_expected_in_a_scenario_by_its_instant() -> None:
    """A clock by its limit; a waiting event, which has no clock, by its element."""
    due = {
        (scenario.process, name)
        for scenario in SCENARIOS
        for step in scenario.steps
        for kind in ("due", "timers")
        for name in step.get("expect", {}).get(kind, {})
    }
    for limit in ROWS.keys() - UNTIMED:
        for use in timers(limit):
            assert (use.process, use.element if use.how == "before" else limit) in due, use
