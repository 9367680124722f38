"""SLA clocks: warned, breached, met or missed as recorded facts; paused only while the case waits for the customer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from engine.base.errors import Rejected
from engine.case.commands import (
    OUTBOX,
    ClaimTask,
    MoveClock,
    PauseClocks,
    RecordServiceResult,
    ResumeClocks,
)
from engine.case.rebuild import differences
from engine.storage.tables import outbox, sla_clock, task, timer
from tests.bpmn_text import bpmn, call, definitions, process_xml, sub, timer_on, user
from tests.casework import FILES, Desk, opened
from tests.clock import Clock

EAST = timezone(timedelta(hours=8))


def rows(desk: Desk, table: sa.Table, case: str) -> list[dict[str, Any]]:
    """Rows of a read model for one case."""
    with desk.g.db.read() as connection:
        found = connection.execute(sa.select(table).where(table.c.case_id == case)).mappings()
        return [dict(row) for row in found]


def changes(desk: Desk, case: str) -> list[tuple[str, str]]:
    """(state, at) of everything that happened to the case's clocks, in order."""
    found = []
    for _, at, _, effects in desk.history(case):
        found += [(state, at) for _, state, _ in effects.get("clock_changes", ())]
    return found


# ---------------------------------------------------------------- warned, breached, met
def test_work_done_in_time_is_met_and_never_warned(desk: Desk) -> None:
    case = desk.start()
    desk.clock.advance(minutes=30)
    desk.complete(case, result="reached")
    assert changes(desk, case) == [
        ("met", "2026-03-02T01:30:00+00:00"),
        ("stopped", "2026-03-02T01:30:00+00:00"),
    ]
    assert desk.clocks(case) == {"CAN_CALLBACK_1": "met", "REG_TEL_REPLY": "stopped"}


def test_a_warning_comes_at_four_fifths_of_the_limit(desk: Desk) -> None:
    case = desk.start()
    desk.clock.advance(minutes=96)
    assert desk.wake() == 1
    assert changes(desk, case) == [("warned", "2026-03-02T02:36:00+00:00")]
    (row,) = [r for r in rows(desk, sla_clock, case) if r["parameter"] == "CAN_CALLBACK_1"]
    assert (row["state"], row["warned_at"], row["warn_at"]) == ("running", "2026-03-02T02:36:00+00:00", None)


def test_what_is_due_comes_before_a_command_that_was_asked_long_ago(desk: Desk) -> None:
    """A slow page: it counts as of where the case is by then, so whatever was due until then comes first."""
    case = desk.start()
    (number,) = desk.open(case).values()
    slow = ClaimTask(case_id=case, task=number, actor="agent1", at=desk.at)
    desk.clock.advance(minutes=100)
    answer = RecordServiceResult(case_id=case, actor=OUTBOX, at=desk.at, event="sms", state="sent")
    desk.g.dispatch(answer)
    desk.g.dispatch(slow)
    assert desk.kinds(case) == ["start", "service_result", "warn", "claim"]
    assert desk.g.verify(case).state == "identical"


def test_a_passed_limit_is_breached_once_and_late_work_is_missed(any_desk: Desk) -> None:
    case = any_desk.start()
    any_desk.clock.advance(hours=5)
    any_desk.wake()
    any_desk.clock.advance(hours=5)
    any_desk.wake()
    any_desk.complete(case, result="reached")
    assert [state for state, _ in changes(any_desk, case)] == ["warned", "breached", "missed", "stopped"]
    (row,) = [r for r in rows(any_desk, sla_clock, case) if r["parameter"] == "CAN_CALLBACK_1"]
    assert (row["state"], row["breached_at"]) == ("missed", "2026-03-02T03:00:00+00:00")


def test_a_breach_runs_the_drawn_alert(desk: Desk) -> None:
    case = desk.start()
    desk.clock.advance(hours=2)
    desk.wake()
    assert desk.values("SELECT text FROM notice") == [f"{case} 陈大文 超时"]
    assert desk.open(case) == {"call": 5}, "the limit does not interrupt the work"


def test_a_limit_of_the_whole_case_needs_no_drawing(desk: Desk) -> None:
    case = desk.start()
    desk.clock.advance(days=16)
    desk.wake()
    found = [(s, at) for s, at in changes(desk, case) if at > "2026-03-03"]
    assert found == [
        ("warned", "2026-03-12T01:00:00+00:00"),
        ("warned", "2026-03-15T01:00:00+00:00"),
        ("breached", "2026-03-17T01:00:00+00:00"),
    ]


def test_a_limit_counts_from_the_first_receipt(desk: Desk) -> None:
    case = desk.start(received_at="2026-02-25T01:00:00+00:00")
    (row,) = [r for r in rows(desk, sla_clock, case) if r["parameter"] == "REG_TEL_REPLY"]
    assert (row["started"], row["due"]) == ("2026-02-25T01:00:00+00:00", "2026-03-12T01:00:00+00:00")


def test_each_round_of_a_loop_has_a_clock_of_its_own(any_desk: Desk) -> None:
    case = any_desk.start()
    any_desk.complete(case, result="busy")
    any_desk.complete(case, result="busy")
    found = [r for r in rows(any_desk, sla_clock, case) if r["parameter"] == "CAN_CALLBACK_1"]
    assert sorted(r["state"] for r in found) == ["met", "met", "running"]
    assert len({r["clock"] for r in found}) == 3


def test_the_task_shows_its_earliest_running_limit(desk: Desk) -> None:
    case = desk.start()
    assert [r["due_at"] for r in rows(desk, task, case)] == ["2026-03-02T03:00:00+00:00"]
    desk.clock.advance(hours=2)
    desk.wake()
    assert [r["due_at"] for r in rows(desk, task, case)] == ["2026-03-02T03:00:00+00:00"], (
        "overdue is shown too"
    )


# ---------------------------------------------------------------- paused
PAUSABLE = bpmn(
    "wait",
    "start > answer > end; t_limit > end_late",
    user("answer", form="call"),
    timer_on("answer", "t_limit", 'sla_due("TEL_NETWORK_REPLY", case_opened_at)', "timeDate"),
    startable="true",
)
ESCALATING = definitions(
    process_xml(
        "wait",
        "start > inside > end; t_limit > end_late",
        sub("inside", "start_i > ask > end_i", call("ask", "asking")),
        timer_on("inside", "t_limit", 'sla_due("TEL_NETWORK_REPLY")', "timeDate"),
        startable="true",
    )
    + process_xml("asking", "start_q > answer > end_q", user("answer", form="call"))
)


@pytest.fixture(params=[PAUSABLE, ESCALATING], ids=["on the task", "on a sub-process around a call"])
def pausing(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[tuple[Desk, str]]:
    """A desk and a case whose limit of 48 hours may pause."""
    with opened(tmp_path, clock, files=FILES | {"bpmn/tests/wait.bpmn": request.param}) as desk:
        yield desk, desk.start("wait")


def _pause(desk: Desk, case: str, reason: str = "等客户提供账单") -> None:
    desk.g.dispatch(PauseClocks(case_id=case, reason=reason, actor="agent1", at=desk.at))


def _resume(desk: Desk, case: str) -> None:
    desk.g.dispatch(ResumeClocks(case_id=case, actor="agent1", at=desk.at))


def test_while_the_case_waits_for_the_customer_the_limit_stands_still(pausing: tuple[Desk, str]) -> None:
    desk, case = pausing
    desk.clock.advance(hours=10)
    _pause(desk, case)
    desk.clock.advance(days=30)
    assert desk.wake() == 0
    assert desk.clocks(case) == {"TEL_NETWORK_REPLY": "paused"}
    assert [r["state"] for r in rows(desk, timer, case)] == ["paused"]
    assert desk.values("SELECT waiting_customer FROM cases") == ["等客户提供账单"]
    _resume(desk, case)
    (row,) = rows(desk, sla_clock, case)
    assert (row["state"], row["due"]) == ("running", "2026-04-03T01:00:00+00:00"), "38 of 48 hours are left"
    assert desk.values("SELECT waiting_customer FROM cases") == [None]
    desk.clock.advance(hours=37, minutes=59)
    desk.wake()
    assert desk.clocks(case) == {"TEL_NETWORK_REPLY": "running"}
    desk.clock.advance(minutes=1)
    desk.wake()
    assert desk.clocks(case) == {"TEL_NETWORK_REPLY": "breached"}
    assert desk.g.verify(case).state == "identical"
    assert not differences(desk.g, case)


def test_a_warning_moves_with_the_limit(pausing: tuple[Desk, str]) -> None:
    desk, case = pausing
    desk.clock.advance(hours=10)
    _pause(desk, case)
    desk.clock.advance(hours=100)
    _resume(desk, case)
    desk.clock.advance(days=9)
    desk.wake()
    assert changes(desk, case)[-2:] == [
        ("warned", "2026-03-07T19:24:00+00:00"),  # a fifth of 48 hours before the limit
        ("breached", "2026-03-08T05:00:00+00:00"),
    ]


def test_pausing_and_resuming_again_and_again_loses_no_second(pausing: tuple[Desk, str]) -> None:
    desk, case = pausing
    for _ in range(5):
        desk.clock.advance(hours=1)
        _pause(desk, case)
        desk.clock.advance(days=1)
        _resume(desk, case)
    (row,) = rows(desk, sla_clock, case)
    assert row["due"] == "2026-03-09T01:00:00+00:00", "48 hours and five days after the start"


def test_a_pause_needs_a_reason_and_cannot_be_doubled(pausing: tuple[Desk, str]) -> None:
    desk, case = pausing
    with pytest.raises(Rejected, match="reason"):
        _pause(desk, case, "  ")
    with pytest.raises(Rejected, match="it is running"):
        _resume(desk, case)
    _pause(desk, case)
    with pytest.raises(Rejected, match="already waits"):
        _pause(desk, case)


def test_a_restart_during_the_pause_changes_nothing(pausing: tuple[Desk, str]) -> None:
    desk, case = pausing
    desk.clock.advance(hours=10)
    _pause(desk, case)
    desk.g.dispatcher.forget(case)
    desk.clock.advance(days=2)
    _resume(desk, case)
    (row,) = rows(desk, sla_clock, case)
    assert row["due"] == "2026-03-06T01:00:00+00:00"


def test_work_done_during_a_pause_leaves_no_clock_and_no_timer(pausing: tuple[Desk, str]) -> None:
    desk, case = pausing
    _pause(desk, case)
    desk.complete(case, "answer", result="ok")
    assert desk.clocks(case) == {"TEL_NETWORK_REPLY": "met"}
    assert [r["state"] for r in rows(desk, timer, case)] == ["ended"]
    assert desk.values("SELECT state FROM cases") == ["closed"]


def test_what_may_not_pause_runs_on(desk: Desk) -> None:
    case = desk.start()
    _pause(desk, case)
    desk.clock.advance(hours=3)
    desk.wake()
    assert desk.clocks(case) == {"CAN_CALLBACK_1": "breached", "REG_TEL_REPLY": "running"}


# ---------------------------------------------------------------- quiet hours
def test_an_sms_waits_until_the_night_is_over(any_desk: Desk) -> None:
    any_desk.clock.set("2026-03-02 20:59")
    case = any_desk.start()
    any_desk.clock.advance(minutes=1)
    any_desk.complete(case, result="busy")
    assert [r["not_before"] for r in rows(any_desk, outbox, case)] == ["2026-03-03T01:00:00+00:00"]
    assert any_desk.send() == []
    any_desk.clock.set("2026-03-03 08:59")
    assert any_desk.send() == []
    any_desk.clock.set("2026-03-03 09:00")
    assert any_desk.send() == ["sent"]


def test_by_day_and_with_leave_an_sms_goes_at_once(desk: Desk) -> None:
    case = desk.start()
    desk.complete(case, result="busy")
    assert desk.send() == ["sent"]
    desk.clock.set("2026-03-02 23:00")
    night = desk.start(night_call_ok=True)
    desk.complete(night, result="busy")
    assert desk.send() == ["sent"]


@pytest.mark.parametrize("actor", ["supervisor1", "system:recalendar"])
@pytest.mark.parametrize(
    "due",
    [
        "",
        "morgen",
        "2026-04-01",
        "2026-04-01T09:00:00",
        "9999-12-31T23:59:59-12:00",
        "2026-13-01T00:00:00+00:00",
        None,
    ],
)
def test_a_limit_is_moved_to_an_instant_or_not_at_all(desk: Desk, due: Any, actor: str) -> None:
    case = desk.start()
    with pytest.raises(Rejected, match="Expected an instant with its zone"):
        desk.g.dispatch(
            MoveClock(case_id=case, clock="c:REG_TEL_REPLY", due=due, reason="x", actor=actor, at=desk.at)
        )
    assert desk.kinds(case) == ["start"]


def test_the_instant_of_another_zone_is_kept_in_utc_and_compared_as_one(desk: Desk) -> None:
    case = desk.start()
    moved = MoveClock(
        case_id=case,
        clock="c:REG_TEL_REPLY",
        due="2026-04-01T09:00:00+08:00",
        reason="x",
        actor="supervisor1",
        at=desk.at,
    )
    desk.g.dispatch(moved)
    assert desk.history(case)[-1][2]["due"] == "2026-04-01T01:00:00+00:00"
    past = replace(moved, due=(desk.clock.instant - timedelta(hours=1)).astimezone(EAST).isoformat())
    with pytest.raises(Rejected, match="has passed"):
        desk.g.dispatch(past)
    assert desk.g.verify(case).state == "identical"
