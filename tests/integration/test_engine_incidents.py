"""Incidents: a failed automatic step leaves the case where it was, tells a person, and holds up nobody else.

Not every error is an incident: a database that is away or somebody who was faster is no fault of the diagram.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import Conflict, GongdanError, Rejected, TechnicalFailure, Unavailable
from engine.case import store, waking
from engine.case.commands import AmendData
from engine.case.rebuild import differences
from engine.delivery.timers import LEASE
from tests.bpmn_text import bpmn, script, timer_on, user, wait
from tests.casework import FILES, Desk, opened
from tests.clock import Clock

BROKEN = bpmn(
    "work",
    "start > call > compute > check > end; t_remind > note > chase > end_t",
    user("call", form="call"),
    script("compute", "share = total / parts"),
    user("check", form="call"),
    timer_on("call", "t_remind", '"PT1H"'),
    script("note", "late = total / parts"),
    user("chase", form="call"),
    startable="true",
)


@pytest.fixture
def broken(tmp_path: Path, clock: Clock, database_url: str) -> Iterator[tuple[Desk, str]]:
    """A case whose script divides by zero, and a desk."""
    with opened(tmp_path, clock, database_url, files=FILES | {"bpmn/tests/work.bpmn": BROKEN}) as desk:
        yield desk, desk.start(total=10, parts=0)


def amend(desk: Desk, case: str, **data: Any) -> None:
    """Correct case data as a supervisor."""
    desk.g.dispatch(AmendData(case_id=case, data=data, reason="更正", actor="supervisor1", at=desk.at))


def test_a_failing_step_leaves_the_case_where_it_was_and_opens_an_incident(broken: tuple[Desk, str]) -> None:
    desk, case = broken
    with pytest.raises(TechnicalFailure, match="element 'compute', line 1"):
        desk.complete(case, result="ok")
    assert list(desk.open(case)) == ["call"]
    (found,) = desk.incidents()
    assert (found.case_id, found.element, found.attempts) == (case, "compute", 1)
    assert desk.g.incidents.get(found.id).command["type"] == "complete"
    assert desk.kinds(case) == ["start", "incident"]
    assert desk.g.verify(case).state == "identical"
    assert not differences(desk.g, case)


def test_the_same_failure_again_is_the_same_incident(broken: tuple[Desk, str]) -> None:
    desk, case = broken
    for _ in range(3):
        with pytest.raises(TechnicalFailure):
            desk.complete(case, result="ok")
    (found,) = desk.incidents()
    assert found.attempts == 3
    assert desk.kinds(case) == ["start", "incident"]


def test_after_a_correction_a_person_retries_and_the_case_goes_on(broken: tuple[Desk, str]) -> None:
    desk, case = broken
    with pytest.raises(TechnicalFailure):
        desk.complete(case, result="ok", note="第一次")
    (found,) = desk.incidents()
    with pytest.raises(TechnicalFailure):
        desk.g.incidents.retry(found.id, "supervisor1", desk.clock.instant)
    assert len(desk.incidents()) == 1, "a retry that fails leaves it open"
    amend(desk, case, parts=4)
    receipt = desk.g.incidents.retry(found.id, "supervisor1", desk.clock.instant)
    assert receipt is not None
    assert list(desk.open(case)) == ["check"]
    assert desk.incidents() == []
    assert desk.kinds(case) == ["start", "incident", "amend", "complete", "incident"]
    assert desk.history(case)[3][0] == "agent1", "it is still the agent's completion"
    with pytest.raises(Rejected, match="it is closed"):
        desk.g.incidents.retry(found.id, "supervisor1", desk.clock.instant)
    assert desk.g.verify(case).state == "identical"


def test_an_incident_is_closed_with_a_reason(broken: tuple[Desk, str]) -> None:
    desk, case = broken
    with pytest.raises(TechnicalFailure):
        desk.complete(case, result="ok")
    (found,) = desk.incidents()
    with pytest.raises(Rejected, match="reason"):
        desk.g.incidents.close(found.id, "supervisor1", " ", desk.clock.instant)
    desk.g.incidents.close(found.id, "supervisor1", "改由人工处理", desk.clock.instant)
    assert desk.incidents() == []
    assert desk.history(case)[-1][2]["action"] == "closed"


def test_a_timer_that_fails_opens_one_incident_and_the_other_cases_go_on(broken: tuple[Desk, str]) -> None:
    desk, case = broken
    fine = desk.start(total=10, parts=2)
    desk.clock.advance(hours=2)
    desk.wake()
    assert "chase" in desk.open(fine)
    assert list(desk.open(case)) == ["call"]
    (found,) = desk.incidents()
    assert (found.case_id, found.element) == (case, "note")
    for _ in range(3):
        desk.clock.advance(hours=1)
        desk.wake()
    (found,) = desk.incidents()
    assert found.attempts == 1, "it is left alone until somebody retries"
    with pytest.raises(TechnicalFailure):
        desk.complete(case, result="ok")


def test_a_case_whose_timer_fails_can_be_mended_and_goes_on(broken: tuple[Desk, str]) -> None:
    """Correcting the data is what a person does about it: it must not be refused because time is stuck."""
    desk, case = broken
    desk.clock.advance(hours=2)
    desk.wake()
    (found,) = desk.incidents()
    amend(desk, case, parts=5)
    desk.g.incidents.retry(found.id, "supervisor1", desk.clock.instant)
    assert sorted(desk.open(case)) == ["call", "chase"]
    assert desk.incidents() == []
    desk.complete(case, result="ok")
    assert desk.g.verify(case).state == "identical"


# ---------------------------------------------------------------- at once, and beside others
def test_an_incident_and_its_note_in_the_history_are_written_together(
    broken: tuple[Desk, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash between the two must leave no incident that no history tells of, and none that it says is closed."""
    desk, case = broken
    with monkeypatch.context() as full:
        full.setattr(store, "commit", unavailable)
        with pytest.raises(Unavailable):
            desk.complete(case, result="ok")
    assert (desk.incidents(), desk.kinds(case)) == ([], ["start"])
    with pytest.raises(TechnicalFailure):
        desk.complete(case, result="ok")
    (found,) = desk.incidents()
    with monkeypatch.context() as full:
        full.setattr(store, "commit", unavailable)
        with pytest.raises(Unavailable):
            desk.g.incidents.close(found.id, "supervisor1", "改由人工处理", desk.clock.instant)
    assert [one.id for one in desk.incidents()] == [found.id]
    desk.g.incidents.close(found.id, "supervisor1", "改由人工处理", desk.clock.instant)
    with pytest.raises(Rejected, match="it is closed"):
        desk.g.incidents.close(found.id, "agent1", "又一次", desk.clock.instant)
    assert desk.kinds(case) == ["start", "incident", "incident"]


def unavailable(*_: Any) -> None:
    raise Unavailable("disk full")


def test_of_two_that_tell_the_same_failure_at_once_one_opens_the_incident(
    broken: tuple[Desk, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, case = broken
    failure = TechnicalFailure("division by zero", "compute")
    same = desk.g.incidents._same

    def other_first(*given: str) -> str | None:
        found = same(*given)
        monkeypatch.undo()
        desk.g.incidents.open(case, failure, {"type": "wake"}, desk.clock.instant)
        return found

    monkeypatch.setattr(desk.g.incidents, "_same", other_first)
    desk.g.incidents.open(case, failure, {"type": "wake"}, desk.clock.instant)
    (found,) = desk.incidents()
    assert found.attempts == 2
    assert desk.kinds(case) == ["start", "incident"]


def test_a_case_that_was_mended_while_its_failure_is_told_is_woken_again(
    broken: tuple[Desk, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, case = broken
    tell = desk.g.incidents.open_for_timer

    def mended_first(*given: Any) -> str:
        amend(desk, case, parts=5)
        return tell(*given)

    desk.clock.advance(hours=2)
    with monkeypatch.context() as race:
        race.setattr(desk.g.incidents, "open_for_timer", mended_first)
        desk.wake()
    desk.clock.advance(minutes=2)
    desk.wake()
    assert "chase" in desk.open(case)


def test_a_case_that_fails_again_is_left_alone_again(broken: tuple[Desk, str]) -> None:
    """The second time history takes no note; time must leave the case alone all the same."""
    desk, case = broken
    desk.clock.advance(hours=2)
    desk.wake()
    amend(desk, case, remark="仍然不对")
    assert desk.values("SELECT next_due FROM cases") != [None]
    desk.clock.advance(minutes=2)
    desk.wake()
    assert desk.values("SELECT next_due FROM cases") == [None]
    assert [one.attempts for one in desk.incidents()] == [2]


def test_a_retry_leaves_the_hour_that_somebody_faster_gave_the_case(
    any_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = any_desk.start()
    before = any_desk.g.dispatcher.load(case)
    assert before.next_due() is not None
    any_desk.complete(case, result="reached")
    monkeypatch.setattr(any_desk.g.dispatcher, "current", lambda _: before)
    any_desk.g.incidents._rewake(case)
    assert any_desk.values("SELECT next_due FROM cases") == [None], "it is closed"


# ---------------------------------------------------------------- no incident
@pytest.mark.parametrize("error", [Unavailable("disk full"), Conflict("another process was first")])
def test_trouble_that_passes_is_no_incident_and_nothing_stays_asleep(
    any_desk: Desk, monkeypatch: pytest.MonkeyPatch, error: GongdanError
) -> None:
    """A full disk for a minute must not switch a case's clock off until somebody notices."""
    case = any_desk.start()
    any_desk.clock.advance(hours=3)

    def fail(*_: Any) -> int:
        raise error

    with monkeypatch.context() as patch, suppress(Unavailable):
        patch.setattr(any_desk.g.dispatcher, "wake", fail)
        any_desk.wake()
    assert any_desk.incidents() == []
    any_desk.clock.advance(seconds=LEASE.total_seconds() + 1)
    assert any_desk.wake() == 2
    assert any_desk.kinds(case) == ["start", "warn", "timer"]


def test_a_long_outage_of_a_busy_cycle_is_worked_off_round_by_round(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More missed rounds than one command works off: no incident, no round lost, the next look goes on."""
    text = bpmn(
        "work",
        "start > call > end; t_every > note > end_t",
        user("call", form="call"),
        timer_on("call", "t_every", '"R/PT1M"', "timeCycle"),
        script("note", "rounds = 1"),
        startable="true",
    )
    with opened(tmp_path, clock, files=FILES | {"bpmn/tests/work.bpmn": text}) as desk:
        case = desk.start()
        monkeypatch.setattr(waking, "MAX_FIRINGS", 50)
        missed = 120
        clock.advance(minutes=missed)
        with pytest.raises(Conflict, match="catching up; try again"):
            desk.complete(case, result="ok")
        fired = 50
        for _ in range(3):
            fired += desk.wake()
            clock.advance(seconds=1)
        assert fired == missed
        assert desk.incidents() == []
        assert len({at for _, at, _, _ in desk.history(case)}) == missed + 1


def test_a_clock_that_does_not_move_is_stopped(tmp_path: Path, clock: Clock) -> None:
    """A diagram that arms a timer in the past, again and again, would fire for ever at one instant."""
    text = bpmn(
        "work",
        "start > x_in > pause > x_out > end; x_out > x_in: True",
        wait("pause", '"2020-01-01T00:00:00+00:00"', "timeDate"),
        startable="true",
    )
    with opened(tmp_path, clock, files=FILES | {"bpmn/tests/work.bpmn": text}) as desk:
        case = desk.start()
        desk.wake()
        (found,) = desk.incidents()
        assert found.case_id == case
        clock.advance(hours=1)
        assert desk.wake() == 0
