"""When the calendar of a year is published, limits that were guessed get their true date: each once, on the record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from engine.case.commands import MoveClock
from engine.operations.recompute_due_dates import ACTOR, recompute_provisional
from engine.storage.tables import sla_clock
from tests.bpmn_text import bpmn, end, timer_on, user
from tests.casework import FILES, Desk, form, opened
from tests.clock import Clock

CALENDAR = "bpmn/calendars/cn.json"
#: seven working days for the task, and for the whole case (``ECOM_NOT_RECEIVED_VERIFY``)
VERIFY = bpmn(
    "verify",
    "start > check > end; t_limit > end_late",
    user("check", form="check"),
    end("end_late"),
    timer_on("check", "t_limit", 'sla_due("ECOM_NOT_RECEIVED_VERIFY", case_opened_at)', "timeDate"),
    startable="true",
    case_clocks="ECOM_NOT_RECEIVED_VERIFY",
)
HOUSE: dict[str, bytes | None] = {
    **FILES,
    "bpmn/tests/verify.bpmn": VERIFY,
    "forms/check.json": form("check", {"name": "found"}),
}
#: from Monday, nine o'clock: by weekdays alone to Tuesday evening; New Year's Day off, one working day later
GUESSED, TRUE = "2027-01-05T10:00:00+00:00", "2027-01-06T10:00:00+00:00"


@pytest.fixture
def clock() -> Clock:
    """Shortly before a year of which no calendar is known."""
    return Clock("2026-12-28 09:00")


@pytest.fixture
def house(tmp_path: Path, clock: Clock) -> Iterator[Desk]:
    with opened(tmp_path, clock, files=HOUSE) as made:
        yield made


def publish(house: Desk, *holidays: str, worked: tuple[str, ...] = ()) -> None:
    """A release in which the calendar of 2027 has these days off, and these days of a weekend worked."""
    body = HOUSE[CALENDAR]
    assert body is not None
    calendar = json.loads(body)
    off, on = dict.fromkeys(holidays, "new_years_day"), dict.fromkeys(worked, "new_years_day")
    calendar["years"]["2027"] = {"holidays": off, "make_up_days": on}
    house.g.releases.publish({CALENDAR: json.dumps(calendar).encode()}, "tests", "2027", house.at)


def limits(house: Desk, case: str) -> list[tuple[Any, ...]]:
    columns = [sla_clock.c[name] for name in ("task", "due", "state", "provisional", "ended_at")]
    of_case = sa.select(*columns).where(sla_clock.c.case_id == case).order_by(sla_clock.c.clock)
    return [tuple(row) for row in house.g.db.rows(of_case)]


def test_a_limit_that_runs_into_an_unknown_year_is_guessed_and_then_moved(house: Desk) -> None:
    case = house.start("verify")
    number = house.open(case)["check"]
    assert limits(house, case) == [(number, GUESSED, "running", 1, None), (None, GUESSED, "running", 1, None)]
    publish(house, "2027-01-01")
    assert recompute_provisional(house.g) == 2
    assert limits(house, case) == [(number, TRUE, "running", 0, None), (None, TRUE, "running", 0, None)]
    assert house.values("SELECT due FROM timer") == [TRUE], "the drawn timer follows"
    assert house.values("SELECT due_at FROM task") == [TRUE]
    assert [(actor, command["type"]) for actor, _, command, _ in house.history(case)] == [
        ("agent1", "start"),
        (ACTOR, "move_clock"),
        (ACTOR, "move_clock"),
    ]
    assert recompute_provisional(house.g) == 0, "once"
    house.clock.set("2027-01-06 17:59")
    house.wake()
    assert {state for _, _, state, _, _ in limits(house, case)} == {"running"}
    house.clock.set("2027-01-06 18:00")
    house.wake()
    assert {state for _, _, state, _, _ in limits(house, case)} == {"breached"}
    assert house.g.verify(case).state == "identical"


def test_warnings_to_come_move_along_and_those_that_passed_do_not_come_again(house: Desk) -> None:
    case = house.start("verify")
    house.clock.set("2027-01-04 15:00")
    house.wake()
    warned = house.kinds(case).count("warn")
    assert warned == 2
    publish(house, "2027-01-01", "2027-01-04", "2027-01-05")
    assert recompute_provisional(house.g) == 2
    house.clock.set("2027-01-08 17:59")
    house.wake()
    assert house.kinds(case).count("warn") == warned + 2, "the warning of the new date is another one"


def test_a_guess_that_was_right_a_year_still_unknown_and_work_that_is_over_move_nothing(house: Desk) -> None:
    done = house.start("verify")
    house.complete(done, "check", found="x")
    open_case = house.start("verify")
    before = limits(house, open_case)
    assert recompute_provisional(house.g) == 0, "no calendar of the year yet"
    publish(house)
    assert recompute_provisional(house.g) == 0, "without a holiday the guess was right"
    assert limits(house, open_case) == before
    publish(house, "2027-01-01")
    assert recompute_provisional(house.g) == 2
    assert {due for _, due, *_ in limits(house, done)} == {GUESSED}


def test_no_limit_is_moved_into_the_past(house: Desk) -> None:
    late = house.start("verify")
    house.clock.set("2027-01-05 17:00")
    house.wake()
    publish(house, worked=("2027-01-02",))
    assert recompute_provisional(house.g) == 0
    assert {due for _, due, *_ in limits(house, late)} == {GUESSED}


def test_what_a_person_agreed_meanwhile_stands(house: Desk) -> None:
    case = house.start("verify")
    agreed = "2027-01-20T10:00:00+00:00"
    for clock in house.values("SELECT clock FROM sla_clock"):
        moved = MoveClock(
            case_id=case, clock=clock, due=agreed, reason="客户同意", actor="supervisor1", at=house.at
        )
        house.g.dispatch(moved)
    publish(house, "2027-01-01")
    assert recompute_provisional(house.g) == 0
    assert {due for _, due, *_ in limits(house, case)} == {agreed}


def test_a_limit_that_has_passed_keeps_its_date(house: Desk) -> None:
    case = house.start("verify")
    house.clock.set("2027-01-05 18:00")
    house.wake()
    publish(house, "2027-01-01")
    assert recompute_provisional(house.g) == 0
    assert {(due, state) for _, due, state, *_ in limits(house, case)} == {(GUESSED, "breached")}


def test_another_guess_moves_nothing(house: Desk) -> None:
    case = house.start("verify")
    body = HOUSE[CALENDAR]
    assert body is not None
    calendar = json.loads(body)
    calendar["years"]["2026"]["holidays"]["2026-12-30"] = "new_years_day"
    house.g.releases.publish({CALENDAR: json.dumps(calendar).encode()}, "tests", "2026 again", house.at)
    assert recompute_provisional(house.g) == 0, "the next year is as unknown as before"
    assert {due for _, due, *_ in limits(house, case)} == {GUESSED}
