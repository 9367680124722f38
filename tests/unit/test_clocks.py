"""The clocks of a case alone: what begins, stops, moves and ends, with rules that make every date easy to check."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from engine.base.facts import ClockChanged, ClockStarted, ClockState, Recounted, Redated
from engine.case.clocks import BREACHED, PAUSED, RUNNING, Clock, Clocks
from engine.sla.time_rules import DueDate, TimeRules

#: hours that a limit has, and how long before its end it warns
LIMITS = {"SLOW": (100, (20, 10)), "QUICK": (10, (2,)), "FIXED": (5, ())}


def at(hours: float) -> str:
    """An instant so many hours after the first."""
    return (datetime.fromisoformat("2026-03-02T00:00:00+00:00") + timedelta(hours=hours)).isoformat()


class Rules:
    """Every hour counts; ``FIXED`` may not pause, and the calendar of a limit that begins later is a guess."""

    def due(self, name: str, start: datetime) -> DueDate:
        return DueDate(start + timedelta(hours=LIMITS[name][0]), start > datetime.fromisoformat(at(40)))

    def warn_instants(self, name: str, start: datetime, due: datetime) -> list[datetime]:
        return [due - timedelta(hours=before) for before in LIMITS[name][1]]

    def pausable(self, name: str) -> bool:
        return name != "FIXED"

    def remaining(self, name: str, now: datetime, due: datetime) -> int:
        return max(0, int((due - now).total_seconds()))

    def due_after_pause(self, name: str, resumed_at: datetime, remaining: int) -> datetime:
        return resumed_at + timedelta(seconds=remaining)


@pytest.fixture
def clocks() -> Clocks:
    """Two on task 7 that are drawn, one of the whole case."""
    found = Clocks(cast(TimeRules, Rules()))
    found.start("3", "QUICK", at(0), at(10), 7, 3)
    found.start("4", "FIXED", at(0), at(5), 7, 4)
    found.start("c:SLOW", "SLOW", at(0), at(100), None, None)
    return found


def test_a_clock_that_begins_knows_what_it_counts(clocks: Clocks) -> None:
    assert clocks.live["3"] == Clock("3", "QUICK", at(0), at(10), [at(8)], 7, 3)
    assert clocks.live["c:SLOW"].as_started(None, 1) == ClockStarted(
        clock="c:SLOW", parameter="SLOW", started=at(0), due=at(100), warnings=[at(80), at(90)],
        task=None, element=None, provisional=1,
    )  # fmt: skip
    assert clocks.live["3"].as_started("t_limit", 0) == ClockStarted(
        clock="3", parameter="QUICK", started=at(0), due=at(10), warnings=[at(8)],
        task=7, element="t_limit", provisional=0,
    )  # fmt: skip
    assert [clock.id for clock in clocks.on_task(7)] == ["3", "4"]


def test_what_comes_first_is_a_warning_or_the_end_of_a_limit_that_nobody_drew(clocks: Clocks) -> None:
    assert clocks.next_due() == (at(8), 0, "3")
    assert clocks.warn("3") == ClockChanged("3", ClockState.WARNED, at(8))
    assert clocks.next_due() == (at(80), 0, "c:SLOW"), "the drawn timer sees to the end of the others"
    clocks.warn("c:SLOW"), clocks.warn("c:SLOW")
    assert clocks.next_due() == (at(100), 1, "c:SLOW")
    clocks.pause(at(99), "c:SLOW")
    assert clocks.next_due() is None


def test_a_limit_that_passed_warns_no_more_and_its_work_is_late(clocks: Clocks) -> None:
    assert clocks.breach("3", at(10)) == ClockChanged("3", ClockState.BREACHED, at(10))
    assert (clocks.live["3"].state, clocks.live["3"].warnings) == (BREACHED, [])
    ended = [
        clocks.finish(clock, at(11), done=done)
        for clock, done in (("3", True), ("4", True), ("c:SLOW", False))
    ]
    assert ended == [
        ClockChanged("3", ClockState.MISSED, at(11)),
        ClockChanged("4", ClockState.MET, at(11)),
        ClockChanged("c:SLOW", ClockState.STOPPED, at(11)),
    ]
    assert clocks.live == {}


def test_only_what_may_pause_pauses_and_goes_on_with_what_it_had_left(clocks: Clocks) -> None:
    assert clocks.pause(at(4)) == [
        ClockChanged.paused("3", 6 * 3600),
        ClockChanged.paused("c:SLOW", 96 * 3600),
    ]
    assert [clock.state for clock in clocks.live.values()] == [PAUSED, RUNNING, PAUSED]
    assert clocks.pause(at(5)) == [], "once"
    assert clocks.resume(at(30)) == [
        ClockChanged.redated("3", ClockState.RESUMED, Redated(at(36), [at(34)])),
        ClockChanged.redated("c:SLOW", ClockState.RESUMED, Redated(at(126), [at(106), at(116)])),
    ]
    assert [(clock.state, clock.remaining) for clock in clocks.live.values()] == [(RUNNING, None)] * 3
    assert clocks.resume(at(31)) == []


def test_one_clock_can_pause_alone(clocks: Clocks) -> None:
    assert [change.clock for change in clocks.pause(at(4), "c:SLOW")] == ["c:SLOW"]
    assert clocks.pause(at(4), "4") == []
    assert clocks.live["3"].state == RUNNING


def test_warnings_whose_instant_has_passed_do_not_come_again(clocks: Clocks) -> None:
    clocks.pause(at(9))
    (first, _) = clocks.resume(at(20))
    assert first.now == Redated(at(21), []), "an hour was left, and it warns two before"
    assert clocks.move("c:SLOW", at(60), at(40)).now == Redated(at(60), [at(50)]), (
        "that of the very instant has passed"
    )


def test_a_moved_clock_is_due_then_and_still_runs(clocks: Clocks) -> None:
    changed = clocks.move("3", at(50), at(20))
    assert changed == ClockChanged.redated("3", ClockState.MOVED, Redated(at(50), [at(48)]))
    assert clocks.live["3"] == Clock("3", "QUICK", at(0), at(50), [at(48)], 7, 3)


# ---------------------------------------------------------------- another first receipt
def test_clocks_of_the_whole_case_count_from_the_receipt_that_is_learned(clocks: Clocks) -> None:
    (changed,) = clocks.recount(at(-24), at(1))
    assert changed.state is ClockState.RECOUNTED
    assert changed.now == Recounted(at(76), [at(56), at(66)], at(-24), 0)
    assert clocks.live["3"].started == at(0), "drawn limits count from the work"
    assert clocks.recount(at(-24), at(2)) == [], "it is known already"


def test_a_receipt_in_a_year_without_calendar_makes_a_guess(clocks: Clocks) -> None:
    (changed,) = clocks.recount(at(41), at(42))
    assert changed.now == Recounted(at(141), [at(121), at(131)], at(41), 1)


def test_what_was_given_on_top_stays_given(clocks: Clocks) -> None:
    clocks.move("c:SLOW", at(130), at(1))
    (changed,) = clocks.recount(at(-24), at(2))
    assert changed.now.due == at(106), "thirty hours later than the limit, as agreed"


def test_what_was_agreed_to_be_earlier_stands_as_long_as_it_is(clocks: Clocks) -> None:
    clocks.move("c:SLOW", at(80), at(1))
    assert clocks.recount(at(-10), at(2))[0].now.due == at(80)
    assert clocks.recount(at(-30), at(3))[0].now.due == at(70)


def test_a_paused_clock_has_so_much_less_left(clocks: Clocks) -> None:
    clocks.pause(at(10), "c:SLOW")
    clocks.recount(at(-24), at(11))
    assert clocks.live["c:SLOW"].remaining == 66 * 3600
    clocks.recount(at(-4), at(12))
    assert clocks.live["c:SLOW"].remaining == 86 * 3600
    clocks.recount(at(-200), at(13))
    assert clocks.live["c:SLOW"].remaining == 0, "never below nothing"


def test_a_limit_that_has_passed_does_not_warn_again(clocks: Clocks) -> None:
    clocks.breach("c:SLOW", at(100))
    (changed,) = clocks.recount(at(60), at(101))
    assert changed.now == Recounted(at(160), [], at(60), 1)


def test_what_a_snapshot_holds_comes_back_as_it_was(clocks: Clocks) -> None:
    clocks.pause(at(4), "3")
    rows: list[list[Any]] = clocks.dump()
    assert rows[0] == ["3", "QUICK", at(0), at(10), [at(8)], 7, 3, PAUSED, 6 * 3600]
    again = Clocks(cast(TimeRules, Rules()))
    again.load(rows)
    assert again.live == clocks.live
    assert again.dump() == rows
