"""Cases that the software opens: one for each period, whatever happens to workers, clocks and releases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from engine.app import open_gongdan
from engine.base.errors import InvalidFile, NotAllowed
from engine.delivery.schedule import AT_ONCE, Opening, Schedule
from engine.operations.worker import work_once
from engine.proof.verify import IDENTICAL
from engine.simulate.arrivals import Business
from engine.simulate.behaviour import Behaviour
from engine.simulate.simulator import World
from engine.sla.durations import Moment, parse_moment
from engine.storage.tables import cases
from tests.bpmn_text import begins, bpmn, script
from tests.casework import FILES, Desk, opened
from tests.clock import SHANGHAI, Clock
from tests.threads import together


def report(process: str, rhythm: str) -> dict[str, bytes]:
    """A process that the software opens, and that tells its form which period it is for."""
    drawn = bpmn(process, "start > note > call > end", begins(rhythm), script("note", "told = report_period"))
    return {f"bpmn/tests/{process}.bpmn": drawn}


WEEKLY = FILES | report("weekly", "COU_WEEKLY_LIST")
BOTH = WEEKLY | report("monthly", "COU_MONTHLY_START")


@pytest.fixture
def clock() -> Clock:
    """Friday, 27 February 2026: the next week begins on Monday the 2nd, the next month a day before."""
    return Clock("2026-02-27 10:00")


@pytest.fixture
def desk(tmp_path: Path, clock: Clock, database_url: str) -> Iterator[Desk]:
    """A desk with a weekly and a monthly process."""
    with opened(tmp_path, clock, database_url, files=dict(BOTH)) as made:
        yield made


def numbers(desk: Desk) -> list[str]:
    """Outside numbers of the cases that the software opened, in the order of their opening."""
    query = sa.select(cases.c.external_id).where(cases.c.external_id.is_not(None))
    return [row[0].removeprefix("schedule:") for row in desk.g.db.rows(query.order_by(cases.c.opened_at))]


def round_at(desk: Desk, local: str) -> list[str]:
    """One round of the worker at a local time; everything opened so far."""
    desk.clock.set(local)
    work_once(desk.g, desk.clock.instant)
    return numbers(desk)


# ---------------------------------------------------------------- when
@pytest.mark.parametrize(
    ("rhythm", "at", "period"),
    [
        ("R/P1W", "2026-03-02 09:00", "2026-W09"),
        ("R/P1W", "2026-01-05 09:00", "2026-W01"),  # the week that began in the old year
        ("R/P1W", "2027-01-04 09:00", "2026-W53"),
        ("R/P1M", "2026-03-01 00:00", "2026-02"),
        ("R/P1M", "2024-03-01 00:00", "2024-02"),
        ("R/P1M", "2027-01-01 00:00", "2026-12"),
        ("day 5", "2026-05-05 00:00", "2026-04"),
    ],
)
def test_a_rhythm_names_the_period_that_has_just_ended(rhythm: str, at: str, period: str) -> None:
    instant = datetime.fromisoformat(at).replace(tzinfo=SHANGHAI)
    assert parse_moment(rhythm).closes(instant, SHANGHAI) == period


def test_a_time_of_day_closes_no_period() -> None:
    with pytest.raises(InvalidFile, match="closes no week"):
        Moment("time_of_day").closes(datetime(2026, 3, 2, tzinfo=SHANGHAI), SHANGHAI)


def test_the_case_of_a_week_opens_on_monday_at_nine_and_not_a_minute_before(desk: Desk) -> None:
    assert round_at(desk, "2026-03-01 00:00") == ["monthly:2026-02"]
    assert round_at(desk, "2026-03-02 08:59") == ["monthly:2026-02"]
    assert round_at(desk, "2026-03-02 09:00") == ["monthly:2026-02", "weekly:2026-W09"]


def test_holidays_and_make_up_days_move_no_period(desk: Desk) -> None:
    """National Day: Monday 5 October 2026 is a holiday; the week before has ended all the same."""
    round_at(desk, "2026-10-05 08:59")
    assert round_at(desk, "2026-10-05 09:00")[-1] == "weekly:2026-W40"


def test_the_period_is_data_of_the_case_and_it_opens_as_of_its_instant(desk: Desk) -> None:
    round_at(desk, "2026-03-02 09:07")
    (case,) = desk.values("SELECT id FROM cases WHERE process = 'weekly'")
    actor, at, command, effects = desk.history(case)[0]
    assert (actor, at) == ("system:schedule", "2026-03-02T01:00:00+00:00")
    assert command["data"] == {"report_period": "2026-W09", "scheduled_for": "2026-03-02T01:00:00+00:00"}
    assert ["told", "2026-W09"] in [list(item) for _, put, _ in effects["data"] for item in put.items()]
    assert list(desk.open(case)) == ["call"], "an open case is past its timer"
    assert desk.g.verify(case).state == IDENTICAL


def test_nobody_but_the_software_opens_it(desk: Desk) -> None:
    with pytest.raises(NotAllowed, match="people may open"):
        desk.start("weekly", actor="supervisor1")


# ---------------------------------------------------------------- once
def test_rounds_restarts_and_a_clock_set_back_open_nothing_twice(
    desk: Desk, clock: Clock, tmp_path: Path, database_url: str
) -> None:
    first = round_at(desk, "2026-03-02 09:00")
    assert round_at(desk, "2026-03-02 09:01") == first
    assert round_at(desk, "2026-03-01 23:00") == first, "the clock was set back"
    assert round_at(desk, "2026-03-02 09:00") == first, "and the hour came again"
    with opened(tmp_path, clock, database_url) as restarted:
        assert round_at(restarted, "2026-03-02 09:02") == first


def test_two_workers_at_the_same_moment_open_one_case(desk: Desk, clock: Clock) -> None:
    beside = open_gongdan(desk.g.settings, wall=lambda: clock.instant, synchronous="OFF")
    try:
        for monday in ("2026-03-02 09:00", "2026-03-09 09:00", "2026-03-16 09:00"):
            clock.set(monday)
            together(
                partial(desk.g.schedule.open_due, clock.instant),
                partial(beside.schedule.open_due, clock.instant),
            )
    finally:
        beside.close()
    weeks = ["weekly:2026-W09", "weekly:2026-W10", "weekly:2026-W11"]
    assert numbers(desk) == ["monthly:2026-02", *weeks]


def test_after_an_outage_every_missed_period_gets_its_case_the_oldest_first(desk: Desk) -> None:
    found = round_at(desk, "2026-04-02 15:00")
    assert found == [
        "monthly:2026-02", "weekly:2026-W09", "weekly:2026-W10", "weekly:2026-W11", "weekly:2026-W12",
        "weekly:2026-W13", "monthly:2026-03",
    ]  # fmt: skip
    opened_at = desk.values("SELECT opened_at FROM cases ORDER BY opened_at")
    assert opened_at[:2] == ["2026-02-28T16:00:00+00:00", "2026-03-02T01:00:00+00:00"], "as if none had been"


def test_an_outage_of_years_is_worked_off_in_rounds(desk: Desk) -> None:
    assert len(round_at(desk, "2028-03-01 12:00")) == AT_ONCE
    while work_once(desk.g, desk.clock.instant):
        pass
    assert len(numbers(desk)) == len(set(numbers(desk))) == 25 + 105


# ---------------------------------------------------------------- from when
def test_nothing_is_opened_for_the_time_before_the_process_was_published(desk: Desk) -> None:
    assert round_at(desk, "2026-02-27 11:00") == []


def publish(desk: Desk, local: str, **changes: bytes | None) -> None:
    """Publish changes of ``bpmn/tests/NAME.bpmn`` at a local time."""
    at = desk.clock.set(local)
    files = {f"bpmn/tests/{name}.bpmn": body for name, body in changes.items()}
    desk.g.releases.publish(files, "tests", "next", at)


def test_publishing_in_between_loses_no_period(desk: Desk) -> None:
    """During an outage somebody publishes: the rhythm has been the same all along."""
    drawn = BOTH["bpmn/tests/weekly.bpmn"]
    assert drawn is not None
    publish(desk, "2026-03-04 10:00", weekly=drawn.replace(b"told", b"known"))
    assert round_at(desk, "2026-03-04 10:01") == ["monthly:2026-02", "weekly:2026-W09"]


def test_a_process_that_was_withdrawn_counts_from_its_return(desk: Desk) -> None:
    drawn = BOTH["bpmn/tests/weekly.bpmn"]
    publish(desk, "2026-03-03 10:00", weekly=None)
    assert round_at(desk, "2026-03-10 10:00") == ["monthly:2026-02"]
    publish(desk, "2026-03-11 10:00", weekly=drawn)
    assert round_at(desk, "2026-03-17 10:00") == ["monthly:2026-02", "weekly:2026-W11"]


def test_another_rhythm_counts_from_its_publishing(desk: Desk) -> None:
    """A weekly report becomes a monthly one: months of the past are not made up for."""
    round_at(desk, "2026-03-10 10:00")
    publish(
        desk,
        "2026-05-12 10:00",
        weekly=report("weekly", "COU_MONTHLY_START")["bpmn/tests/weekly.bpmn"],
    )
    assert round_at(desk, "2026-06-01 00:00")[-2:] == ["monthly:2026-05", "weekly:2026-05"]
    assert "weekly:2026-04" not in numbers(desk)


def test_a_diagram_that_moves_to_another_folder_loses_no_period(desk: Desk) -> None:
    """During an outage somebody tidies up, twice: the process is the same all along."""
    drawn = BOTH["bpmn/tests/weekly.bpmn"]
    for local, old, new in (("2026-03-04", "tests", "reports"), ("2026-03-11", "reports", "weekly")):
        moved = {f"bpmn/{old}/weekly.bpmn": None, f"bpmn/{new}/weekly.bpmn": drawn}
        desk.g.releases.publish(moved, "tests", "moved", desk.clock.set(f"{local} 10:00"))
    assert round_at(desk, "2026-03-11 10:01") == ["monthly:2026-02", "weekly:2026-W09", "weekly:2026-W10"]


def test_of_two_releases_of_one_instant_the_later_counts(desk: Desk) -> None:
    """The weekly report becomes a monthly one in the very second in which it was published."""
    monthly = report("weekly", "COU_MONTHLY_START")["bpmn/tests/weekly.bpmn"]
    publish(desk, "2026-02-27 10:00", weekly=monthly)
    assert round_at(desk, "2026-03-02 09:00") == ["monthly:2026-02", "weekly:2026-02"]


def test_what_is_published_while_a_worker_looks_concerns_its_next_look(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = desk.g.releases.current()
    publish(
        desk,
        "2026-03-02 09:00",
        weekly=report("weekly", "COU_MONTHLY_START")["bpmn/tests/weekly.bpmn"],
    )
    with monkeypatch.context() as patch:
        patch.setattr(desk.g.releases, "current", lambda: read)
        periods = [opening.period for opening in desk.g.schedule.missing(desk.clock.instant)]
    assert periods == ["2026-02", "2026-W09"]
    assert round_at(desk, "2026-03-02 09:01") == ["monthly:2026-02"]


# ---------------------------------------------------------------- when it fails
BROKEN = bpmn("weekly", "start > boom > call > end", begins("COU_WEEKLY_LIST"), script("boom", "x = 1 / 0"))


def told(desk: Desk) -> list[str]:
    """What supervisors were told that is about no case."""
    return desk.values("SELECT text FROM notice WHERE case_id IS NULL AND role = 'supervisor' ORDER BY id")


def tries(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The openings that are tried from now on, in order."""
    asked: list[str] = []
    really = Schedule._open

    def counted(self: Schedule, opening: Opening) -> bool:
        asked.append(f"{opening.process}:{opening.period}")
        return really(self, opening)

    monkeypatch.setattr(Schedule, "_open", counted)
    return asked


def test_a_process_broken_for_years_keeps_no_other_waiting(desk: Desk) -> None:
    """More periods fail than one round opens: the other process has its turn all the same."""
    publish(desk, "2026-02-27 12:00", weekly=BROKEN)
    assert len(round_at(desk, "2028-03-01 12:00")) == 25
    assert "monthly:2028-02" in numbers(desk)


def test_what_fails_is_tried_less_and_less_often_but_each_hour(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(desk, "2026-02-27 12:00", weekly=BROKEN)
    asked = tries(monkeypatch)
    desk.clock.set("2026-03-02 09:00")
    begin, minutes = desk.clock.instant, []
    for minute in range(6 * 60):
        before = len(asked)
        desk.g.schedule.open_due(begin + timedelta(minutes=minute))
        minutes += [minute] if "weekly:2026-W09" in asked[before:] else []
    assert minutes == [0, 1, 3, 7, 15, 31, 63, 123, 183, 243, 303]


def test_what_fails_again_and_again_takes_one_case_number(desk: Desk) -> None:
    publish(desk, "2026-02-27 12:00", weekly=BROKEN)
    for hour in range(9, 19):
        round_at(desk, f"2026-03-02 {hour:02}:00")
    assert desk.values("SELECT last FROM case_number WHERE day = '260302'") == [1]
    publish(desk, "2026-03-02 19:00", weekly=BROKEN.replace(b"1 / 0", b"1"))
    round_at(desk, "2026-03-02 19:01")
    assert desk.values("SELECT id FROM cases WHERE process = 'weekly'") == ["260302-00001-8"]


def test_supervisors_are_told_once_what_could_not_be_opened(
    desk: Desk, clock: Clock, tmp_path: Path, database_url: str
) -> None:
    publish(desk, "2026-02-27 12:00", weekly=BROKEN)
    for hour in range(9, 19):
        round_at(desk, f"2026-03-02 {hour:02}:00")
    with opened(tmp_path, clock, database_url) as restarted:
        round_at(restarted, "2026-03-02 19:00")
    (text,) = (one for one in told(desk) if "2026-W09" in one)  # of the release itself they hear, too
    assert "weekly" in text
    assert "division by zero" in text


def test_one_period_that_fails_keeps_the_later_ones_of_its_process_not_waiting(desk: Desk) -> None:
    only_one = BROKEN.replace(b"1 / 0", b"1 / (0 if report_period == '2026-W09' else 1)")
    publish(desk, "2026-02-27 12:00", weekly=only_one)
    round_at(desk, "2026-03-16 09:00")
    assert round_at(desk, "2026-03-16 09:01") == ["monthly:2026-02", "weekly:2026-W10", "weekly:2026-W11"]


def test_what_nobody_foresaw_at_one_process_holds_up_no_other(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = Schedule._open

    def unforeseen(self: Schedule, opening: Opening) -> bool:
        if opening.process == "monthly":
            raise KeyError("unforeseen")
        return really(self, opening)

    monkeypatch.setattr(Schedule, "_open", unforeseen)
    assert round_at(desk, "2026-03-02 09:00") == ["weekly:2026-W09"]
    assert len(told(desk)) == 1


def test_a_clock_set_back_tries_what_failed_again_at_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(desk, "2026-02-27 12:00", weekly=BROKEN)
    for minute in range(40):
        round_at(desk, f"2026-03-09 09:{minute:02}")
    asked = tries(monkeypatch)
    round_at(desk, "2026-03-02 10:00")
    assert asked == ["weekly:2026-W09"]


def test_a_process_that_cannot_be_opened_holds_up_no_other_and_is_tried_again(desk: Desk) -> None:
    broken = bpmn(
        "aweekly", "start > boom > call > end", begins("COU_WEEKLY_LIST"), script("boom", "x = 1 / 0")
    )
    publish(desk, "2026-02-27 12:00", aweekly=broken)
    assert round_at(desk, "2026-03-02 09:00") == ["monthly:2026-02", "weekly:2026-W09"]
    publish(desk, "2026-03-02 09:30", aweekly=broken.replace(b"1 / 0", b"1"))
    assert round_at(desk, "2026-03-02 09:31")[-1] in ("aweekly:2026-W09", "weekly:2026-W09")
    assert "aweekly:2026-W09" in numbers(desk)


def test_between_two_openings_a_round_looks_at_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[datetime] = []
    looked = Schedule.missing

    def counted(self: Schedule, now: datetime) -> Any:
        asked.append(now)
        return looked(self, now)

    monkeypatch.setattr(Schedule, "missing", counted)
    for minutes in range(5):
        desk.g.schedule.open_due(desk.clock.instant + timedelta(minutes=minutes))
    assert len(asked) == 1


def test_a_simulated_desk_with_nothing_to_do_still_opens_what_is_due(desk: Desk) -> None:
    """No case is open and nobody comes: March's cases are due on 1 April all the same."""
    begin = desk.clock.instant
    until = datetime(2026, 4, 2, tzinfo=SHANGHAI)
    World(desk.g, Behaviour("1"), [], begin, until).run([], Business([], 0, scheduled_until=until))
    assert "monthly:2026-03" in numbers(desk)


def test_without_a_release_there_is_nothing_to_open(tmp_path: Path, clock: Clock) -> None:
    with opened(tmp_path, clock, files=dict(FILES)) as desk:
        assert desk.g.schedule.open_due(desk.clock.instant) == 0
        assert numbers(desk) == []
