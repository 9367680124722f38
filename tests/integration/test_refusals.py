"""What dispatch refuses before anything happens, and what it makes of what it accepts: bounds written by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import Conflict, InvalidForm, NotAllowed, Rejected
from engine.case.commands import (
    CLOCK,
    AmendData,
    AssignTask,
    BreachClock,
    ClaimTask,
    MoveClock,
    PauseClocks,
    ReleaseTask,
    RescheduleTask,
    ResumeClocks,
    WarnClock,
)
from engine.people.directory import Person
from tests.bpmn_text import bpmn, timer_on, user
from tests.casework import FILES, Desk, form, opened
from tests.clock import Clock

AGENT = frozenset({"agent"})
HOUSE: dict[str, bytes | None] = {
    **FILES,
    # asked for by one, approved by another; round again when it was not enough
    "bpmn/tests/rounds.bpmn": bpmn(
        "rounds",
        "start > ask > approve > x_again > end; x_again > ask: ok == 'no'",
        user("ask", form="ask"),
        user("approve", form="approve", exclude="@ask,helper,helpers"),
        startable="true",
    ),
    "bpmn/tests/slow.bpmn": bpmn(
        "slow",
        "start > call > end; t_limit > end_late",
        user("call", form="call"),
        timer_on("call", "t_limit", 'sla_due("CAN_CALLBACK_1", case_opened_at)', "timeDate"),
        startable="true",
        case_clocks="TEL_NETWORK_REPLY",
    ),
    "forms/ask.json": form(
        "ask",
        {"name": "wish", "required": True},
        {"name": "zone"},
        {"name": "area"},
        {"name": "complained_staff"},
    ),
    "forms/approve.json": form("approve", {"name": "ok"}),
}


@pytest.fixture
def house(tmp_path: Path, clock: Clock) -> Iterator[Desk]:
    with opened(tmp_path, clock, files=HOUSE) as made:
        yield made


def common(desk: Desk, case: str, actor: str = "supervisor1") -> dict[str, Any]:
    return {"case_id": case, "actor": actor, "at": desk.at}


# ---------------------------------------------------------------- who is complained about
def test_who_is_written_by_the_displayed_name_is_kept_by_account(house: Desk) -> None:
    case = house.start("rounds")
    house.complete(case, "ask", wish="x", complained_staff="李志强")
    assert house.g.dispatcher.current(case).machine.any_data()["complained_staff"] == "agent2"
    with pytest.raises(NotAllowed, match="not involved"):
        house.complete(case, "approve", actor="agent2", ok="yes")


def test_a_name_that_two_accounts_have_asks_which(house: Desk) -> None:
    house.g.people.add_many([Person(name, "张三", AGENT) for name in ("zhang1", "zhang2")], "no password")
    case = house.start("rounds")
    with pytest.raises(InvalidForm) as raised:
        house.complete(case, "ask", wish="x", complained_staff="张三")
    (error,) = raised.value.errors
    assert (error.field, error.code, error.parameters) == (
        "complained_staff",
        "several_accounts",
        {"names": "zhang1, zhang2"},
    )
    house.complete(case, "ask", wish="x", complained_staff="zhang2")
    house.complete(case, "approve", actor="zhang1", ok="yes")


def test_a_name_that_no_account_has_stays_as_it_was_written(house: Desk) -> None:
    case = house.start("rounds")
    house.complete(case, "ask", wish="x", complained_staff="外包师傅")
    assert house.g.dispatcher.current(case).machine.any_data()["complained_staff"] == "外包师傅"


@pytest.mark.parametrize(
    ("data", "kept_off"),
    [
        ({}, {"agent1"}),
        ({"helper": "agent2"}, {"agent1", "agent2"}),
        ({"helpers": ["agent2", "senior1"]}, {"agent1", "agent2", "senior1"}),
        ({"helper": 7}, {"agent1"}),
    ],
)
def test_who_asked_and_whom_the_diagram_names_do_not_approve(
    house: Desk, data: dict[str, Any], kept_off: set[str]
) -> None:
    case = house.start("rounds", **data)
    house.complete(case, "ask", wish="x")
    task = house.open(case)["approve"]
    refused = set()
    for actor in ("agent1", "agent2", "senior1", "supervisor1"):
        claimed = ClaimTask(task=task, **common(house, case, actor))
        try:
            house.g.dispatch(claimed)
        except NotAllowed:
            refused.add(actor)
        else:
            house.g.dispatch(ReleaseTask(task=task, **common(house, case, actor)))
    assert refused == kept_off


# ---------------------------------------------------------------- reasons
def asked_with(reason: str, desk: Desk, case: str) -> list[Any]:
    of = common(desk, case)
    task = desk.open(case)["call"]
    later = (desk.clock.instant + timedelta(days=40)).isoformat()
    return [
        AssignTask(task=task, to="agent2", reason=reason, **of),
        RescheduleTask(task=task, not_before=None, reason=reason, **of),
        MoveClock(clock="c:REG_TEL_REPLY", due=later, reason=reason, **of),
        AmendData(data={"note": "x"}, reason=reason, **of),
        PauseClocks(reason=reason, **of),
    ]


def test_what_a_lead_does_needs_a_reason_that_history_can_keep(desk: Desk) -> None:
    case = desk.start()
    for reason, said in (("", "a reason for the"), (" \n", "a reason for the"), ("因" * 501, "at most 500")):
        for command in asked_with(reason, desk, case):
            with pytest.raises(Rejected, match=said):
                desk.g.dispatch(command)
    assert desk.kinds(case) == ["start"]
    for command in asked_with("因" * 500, desk, case):
        desk.g.dispatch(command)
    assert desk.kinds(case) == ["start", "assign", "reschedule", "move_clock", "amend", "pause"]


# ---------------------------------------------------------------- names of data
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("sla_due", "it is a function of the engine"),
        ("class", "is a Python word, a function of the engine or a name the engine keeps"),
        ("Name", "must be snake_case, 1 to 60 ASCII characters, a letter first, no double underscore"),
    ],
)
def test_data_has_names_that_a_form_may_use(desk: Desk, name: str, reason: str) -> None:
    case, data = desk.start(), dict[str, Any]({name: 1})
    said = f"Expected names that a form may use, but the data has {name!r}: {reason}"
    with pytest.raises(Rejected) as opening:
        desk.start(**data)
    with pytest.raises(Rejected) as correcting:
        desk.g.dispatch(AmendData(data=data, reason="x", **common(desk, case)))
    assert str(opening.value) == str(correcting.value) == said
    assert desk.values("SELECT count(*) FROM history") == [1]


# ---------------------------------------------------------------- when a task may be worked on
@pytest.mark.parametrize(
    ("ahead", "kept"),
    [
        (timedelta(days=60), True),
        (timedelta(seconds=1), True),
        (timedelta(), False),
        (timedelta(days=-1), False),
    ],
)
def test_a_task_is_put_off_by_up_to_sixty_days_and_a_time_just_past_means_at_once(
    desk: Desk, ahead: timedelta, kept: bool
) -> None:
    case = desk.start()
    until = (desk.clock.instant + ahead).isoformat()
    asked = RescheduleTask(task=desk.open(case)["call"], not_before=until, reason="x", **common(desk, case))
    desk.g.dispatch(asked)
    assert desk.values("SELECT not_before FROM task") == [until if kept else None]


@pytest.mark.parametrize("ahead", [timedelta(days=60, seconds=1), timedelta(days=-1, seconds=-1)])
def test_longer_or_long_past_is_a_slip(desk: Desk, ahead: timedelta) -> None:
    case = desk.start()
    until = (desk.clock.instant + ahead).isoformat()
    asked = RescheduleTask(task=desk.open(case)["call"], not_before=until, reason="x", **common(desk, case))
    with pytest.raises(Rejected, match="within 60 days"):
        desk.g.dispatch(asked)


def test_a_task_that_was_put_off_waits_to_the_second_unless_the_customer_calls(desk: Desk) -> None:
    case, other = desk.start(), desk.start()
    until = (desk.clock.instant + timedelta(hours=1)).isoformat()
    for one in (case, other):
        asked = RescheduleTask(task=desk.open(one)["call"], not_before=until, reason="x", **common(desk, one))
        desk.g.dispatch(asked)
    desk.clock.advance(minutes=59, seconds=59)
    with pytest.raises(Rejected, match="not before"):
        desk.complete(case, result="reached")
    desk.clock.advance(seconds=1)
    desk.complete(case, result="reached")
    at_once = RescheduleTask(
        task=desk.open(other)["call"], not_before=None, reason="x", **common(desk, other)
    )
    desk.g.dispatch(at_once)
    desk.complete(other, result="reached")


# ---------------------------------------------------------------- what is taken, closed or past
def test_what_somebody_holds_is_not_done_by_another(desk: Desk) -> None:
    case = desk.start()
    desk.claim(case, actor="agent2")
    desk.claim(case, actor="agent2")  # again changes nothing
    with pytest.raises(Conflict, match="agent2 has claimed it"):
        desk.complete(case, result="reached")
    with pytest.raises(Conflict, match="agent2 has claimed it"):
        desk.claim(case, actor="agent1")
    desk.complete(case, actor="agent2", result="reached")


def test_nothing_but_what_is_noted_afterwards_happens_to_a_closed_case(desk: Desk) -> None:
    case = desk.start()
    desk.complete(case, result="reached")
    of = common(desk, case)
    later = (desk.clock.instant + timedelta(days=40)).isoformat()
    for command in (
        AmendData(data={"note": "x"}, reason="x", **of),
        PauseClocks(reason="x", **of),
        ResumeClocks(**of),
        MoveClock(clock="c:REG_TEL_REPLY", due=later, reason="x", **of),
    ):
        with pytest.raises(Rejected, match="it is closed"):
            desk.g.dispatch(command)
    assert desk.send() == ["sent"]
    assert desk.kinds(case) == ["start", "complete", "service_result"]


def test_a_limit_that_is_not_running_is_not_moved_and_none_to_now(desk: Desk) -> None:
    case = desk.start()
    of = common(desk, case)
    with pytest.raises(Rejected, match="has passed"):
        desk.g.dispatch(MoveClock(clock="c:REG_TEL_REPLY", due=desk.at, reason="x", **of))
    later = (desk.clock.instant + timedelta(hours=9)).isoformat()
    with pytest.raises(Rejected, match="to be running"):
        desk.g.dispatch(MoveClock(clock="c:OTHER", due=later, reason="x", **of))
    desk.clock.advance(hours=3)
    desk.wake()
    limit = desk.values("SELECT clock FROM sla_clock WHERE state = 'breached'")[0]
    with pytest.raises(Rejected, match="to be running"):
        desk.g.dispatch(MoveClock(clock=limit, due=later, reason="x", **common(desk, case)))


def test_time_says_nothing_of_a_clock_before_it_has_come(house: Desk) -> None:
    case = house.start("slow")
    whole, drawn = "c:TEL_NETWORK_REPLY", "5"
    assert set(house.values("SELECT clock FROM sla_clock")) == {whole, drawn}
    due = house.clock.instant + timedelta(hours=48)

    def refused(kind: type[WarnClock] | type[BreachClock], clock: str, at: datetime, said: str) -> None:
        with pytest.raises(Rejected, match=said):
            house.g.dispatch(kind(case_id=case, clock=clock, actor=CLOCK, at=at.isoformat()))

    for clock in (whole, drawn, "c:OTHER"):
        refused(WarnClock, clock, house.clock.instant + timedelta(seconds=1), "to be due for a warning")
    refused(BreachClock, whole, due - timedelta(seconds=1), "to be past its limit")
    house.g.dispatch(PauseClocks(reason="x", **common(house, case)))
    for clock in (whole, drawn, "c:OTHER"):  # stands still; has a timer that says so; is none
        refused(BreachClock, clock, due + timedelta(days=1), "to be past its limit")
    assert set(house.kinds(case)) == {"start", "warn", "timer", "pause"}


# ---------------------------------------------------------------- a second round of a form
def test_what_an_earlier_round_answered_and_this_one_leaves_out_is_cleared_in_order(house: Desk) -> None:
    case = house.start("rounds")
    house.complete(case, "ask", wish="x", zone="1", area="2")
    house.complete(case, "approve", actor="agent2", ok="no")
    house.complete(case, "ask", wish="y")
    assert house.history(case)[-1][2]["cleared"] == ["area", "zone"]
    assert {"zone", "area"}.isdisjoint(house.g.dispatcher.current(case).machine.any_data())
    assert "cleared" not in house.history(case)[1][2]
