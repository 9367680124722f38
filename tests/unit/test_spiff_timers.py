"""Timers: armed once, due at a known instant, fired one at a time by a command of their own.

Stock compares ``due < now`` (so a timer does not fire at its due instant), never fires an overdue timer when a task is
completed first, fires every missed round of a cycle at once, and reads the wall clock.
"""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from engine.base.errors import InvalidFile, Rejected, TechnicalFailure
from engine.bpmn.spiff.logical_clock import LogicalDatetime, OutsideCommand, new_id, tick
from engine.bpmn.spiff.timers import due_of
from tests.bpmn_text import bpmn, script, service, sub, timer_on, user, wait
from tests.playing import BEGIN, Play, program

REMIND = bpmn(
    "main",
    "start > call > end; t_remind > note > end_note",
    timer_on("call", "t_remind", '"PT2H"'),
    script("note", "reminded = True"),
)
ESCALATE = bpmn(
    "main",
    "start > call > end; t_limit > escalate > end_limit",
    timer_on("call", "t_limit", '"PT2H"', interrupting=True),
)
EVERY = bpmn(
    "main",
    "start > call > end; t_every > chase > end_chase",
    timer_on("call", "t_every", '"R3/PT1H"', "timeCycle"),
)


def test_a_timer_is_armed_with_its_due_instant_in_utc() -> None:
    play = Play(program(REMIND))
    assert play.timers == {"t_remind": "2026-03-02T03:00:00+00:00"}
    (armed,) = play.last.armed
    assert (armed.place.element, armed.due, armed.attached) == (
        "t_remind",
        play.timers["t_remind"],
        play.task("call"),
    )


def test_a_timer_fires_at_its_due_instant_and_not_before() -> None:
    play = Play(program(REMIND))
    number = play.timer("t_remind")
    with pytest.raises(Rejected, match="due only at 2026-03-02T03:00:00"):
        play.machine.fire(play.pass_time(hours=2, microseconds=-1), number)
    play.last = play.machine.fire(play.pass_time(microseconds=1), number)
    assert play.changed == {"reminded": True}


def test_a_non_interrupting_timer_leaves_the_task_open() -> None:
    play = Play(program(REMIND))
    delta = play.fire("t_remind")
    assert play.open == ["call"]
    assert delta.closed == []
    assert len(delta.ended) == 1
    assert play.timers == {}
    play.complete("call")
    assert play.is_done()


def test_an_interrupting_timer_cancels_the_task() -> None:
    play = Play(program(ESCALATE))
    before = play.task("call")
    delta = play.fire("t_limit")
    assert play.open == ["escalate"]
    assert delta.closed == [before]
    with pytest.raises(Rejected, match=f"complete task {before}, but it is not open"):
        play.machine.complete(play.now, before, {})


def test_completing_the_task_ends_its_timers() -> None:
    play = Play(program(ESCALATE))
    number = play.timer("t_limit")
    delta = play.complete("call")
    assert delta.ended == [number]
    assert play.is_done()
    with pytest.raises(Rejected, match="not armed"):
        play.machine.fire(play.pass_time(days=1), number)


def test_an_overdue_timer_fires_as_a_command_of_its_own_and_never_as_a_by_product() -> None:
    """Completing another task after the due instant neither fires nor forgets the timer."""
    play = Play(
        program(
            bpmn(
                "main",
                "start > p_a > call > p_b > end; p_a > other > p_b; t_remind > note > end_note",
                timer_on("call", "t_remind", '"PT2H"'),
                script("note", "reminded = now()"),
            )
        )
    )
    play.pass_time(hours=9)
    play.complete("other")
    assert play.timers == {"t_remind": "2026-03-02T03:00:00+00:00"}
    play.now = BEGIN
    play.fire("t_remind")
    assert play.changed == {"reminded": "2026-03-02T03:00:00+00:00"}, (
        "scripts see the due time, not the outage's end"
    )


def test_each_missed_round_of_a_cycle_is_a_firing_of_its_own_in_order() -> None:
    play = Play(program(EVERY))
    play.pass_time(hours=10)
    fired = []
    while "t_every" in play.timers:
        fired.append(play.timers["t_every"])
        play.fire("t_every")
    assert fired == [f"2026-03-02T0{hour}:00:00+00:00" for hour in (2, 3, 4)]
    assert sorted(play.open) == ["call", "chase", "chase", "chase"]


def test_an_exhausted_cycle_leaves_nothing_behind() -> None:
    play = Play(program(EVERY))
    for _ in range(3):
        play.fire("t_every")
    for _ in range(3):
        play.complete("chase")
    assert not play.is_done()
    play.complete("call")
    assert play.is_done()


def test_a_cycle_goes_on_after_a_restart_where_it_was() -> None:
    play = Play(program(EVERY))
    play.fire("t_every")
    play.reload()
    assert play.timers == {"t_every": "2026-03-02T03:00:00+00:00"}
    play.fire("t_every")
    play.fire("t_every")
    assert play.timers == {}


def test_an_intermediate_timer_holds_the_flow() -> None:
    play = Play(program(bpmn("main", "start > pause > call > end", wait("pause", '"PT30M"'))))
    assert play.open == []
    assert not play.is_done()
    play.fire("pause")
    assert play.open == ["call"]


def test_a_date_timer_takes_its_instant_from_the_data_when_it_is_armed() -> None:
    text = bpmn(
        "main",
        "start > note > call > end; t_date > end_date",
        timer_on("call", "t_date", "promised", "timeDate"),
    )
    play = Play(program(text), {"promised": "2026-03-03T09:00:00+08:00"})
    play.complete("note")
    assert play.timers == {"t_date": "2026-03-03T01:00:00+00:00"}
    play.machine.amend(play.now, {"promised": "2027-01-01T00:00:00+08:00"})
    assert play.timers == {"t_date": "2026-03-03T01:00:00+00:00"}, "an armed timer keeps its due time"


def test_a_loop_arms_its_timers_anew_each_round() -> None:
    play = Play(
        program(
            bpmn(
                "main",
                "start > call > x_again > end; x_again > call: again; t_late > end_late",
                timer_on("call", "t_late", '"PT1H"'),
            )
        )
    )
    seen = set()
    for _ in range(3):
        seen.add((play.timer("t_late"), play.timers["t_late"]))
        play.pass_time(minutes=10)
        play.complete("call", again=True)
    assert len(seen) == 3


def test_a_timer_on_a_sub_process_guards_all_of_it() -> None:
    play = Play(
        program(
            bpmn(
                "main",
                "start > inside > end; t_limit > escalate > end_limit",
                sub("inside", "start_i > first > second > end_i"),
                timer_on("inside", "t_limit", '"PT2H"', interrupting=True),
            )
        )
    )
    play.complete("first")
    delta = play.fire("t_limit")
    assert play.open == ["escalate"]
    assert len(delta.closed) == 1


def test_a_due_time_moves_only_when_it_is_moved() -> None:
    play = Play(program(REMIND))
    number = play.timer("t_remind")
    play.machine.reschedule(number, None)
    assert play.timers == {}, "held: it does not come due"
    with pytest.raises(Rejected, match="not armed"):
        play.machine.fire(play.pass_time(days=9), number)
    play.reload()
    assert play.timers == {}
    play.machine.reschedule(number, "2026-03-20T00:00:00+00:00")
    play.fire("t_remind")
    assert play.changed == {"reminded": True}


def test_a_timer_held_when_its_task_ends_is_reported_as_ended() -> None:
    play = Play(program(ESCALATE))
    number = play.timer("t_limit")
    play.machine.reschedule(number, None)
    assert play.complete("call").ended == [number]


# ---------------------------------------------------------------- what a timer's text may be
@pytest.mark.parametrize(
    ("due", "complaint"),
    [
        ('"2026-03-03T09:00:00"', "has no zone"),
        ('"tomorrow"', "not an ISO 8601 date"),
        ("5", "must give text, not int"),
        ("missing_name", "missing_name"),
    ],
)
def test_a_date_that_cannot_be_used_is_refused_and_never_guessed(due: str, complaint: str) -> None:
    text = bpmn("main", "start > call > end; t_bad > end_bad", timer_on("call", "t_bad", due, "timeDate"))
    with pytest.raises((InvalidFile, TechnicalFailure), match=complaint):
        Play(program(text))


@pytest.mark.parametrize("due", ['"PT"', '"P"', '"-PT1H"', '"2 hours"', "PT2H"])
def test_a_duration_that_cannot_be_used_is_refused(due: str) -> None:
    """Stock makes an hour of minus one hour, and nothing of a bare P."""
    text = bpmn("main", "start > call > end; t_bad > end_bad", timer_on("call", "t_bad", due))
    with pytest.raises((InvalidFile, TechnicalFailure)):
        Play(program(text))


@pytest.mark.parametrize("due", ['"R3/PT0S"', '"R3/-PT1H"', '"R3"', '"every hour"', '"R-1/PT1H"'])
def test_a_cycle_that_cannot_be_used_is_refused(due: str) -> None:
    text = bpmn("main", "start > call > end; t_bad > end_bad", timer_on("call", "t_bad", due, "timeCycle"))
    with pytest.raises((InvalidFile, TechnicalFailure)):
        Play(program(text))


# ---------------------------------------------------------------- no other clock
@pytest.mark.parametrize("asked", [new_id, tick, LogicalDatetime.now])
def test_outside_a_command_there_is_no_time_and_no_id(asked: object) -> None:
    with pytest.raises(OutsideCommand):
        asked()  # type: ignore[operator]


def test_scripts_see_the_time_of_the_command() -> None:
    play = Play(program(bpmn("main", "start > call > note > look > end", script("note", "noted_at = now()"))))
    play.pass_time(days=400)
    play.complete("call")
    assert play.data["noted_at"] == "2027-04-06T01:00:00+00:00"


def test_what_a_service_task_asks_is_left_as_a_request() -> None:
    """Nothing is called: the request is a fact of the command, sent after commit."""
    play = Play(
        program(
            bpmn(
                "main",
                "start > call > tell > look > end",
                service("tell", service="sms", template='"sms_1"', to="phone", event='"attempt-1"'),
            )
        )
    )
    delta = play.complete("call", phone="13800000000")
    (request,) = delta.services
    assert (request["service"], request["template"], request["to"]) == ("sms", "sms_1", "13800000000")
    assert (request["event"], request["element"]) == ("attempt-1", "tell")


def test_an_unknown_service_is_refused_with_its_element() -> None:
    text = bpmn("main", "start > call > tell > end", service("tell", service="fax", template='"a"', to='"b"'))
    play = Play(program(text))
    with pytest.raises(InvalidFile, match="service task 'tell': service is 'fax'"):
        play.complete("call")


def test_not_before_is_told_when_the_task_opens() -> None:
    text = bpmn("main", "start > call > end", user("call", not_before='after(now(), "PT3H")'))
    (opened,) = Play(program(text)).last.opened
    assert opened[2] == "2026-03-02T04:00:00+00:00"


@pytest.mark.parametrize(
    ("data", "due"),
    [
        ({}, None),
        ({"event_value": None}, None),
        ({"event_value": "2026-03-02T01:00:00+00:00"}, "2026-03-02T01:00:00+00:00"),
        ({"event_value": "2026-03-02T01:00:00+00:00", "event_fired": True}, None),
        ({"event_value": "2026-03-02T01:00:00+00:00", "paused": True}, None),
        ({"event_value": {"cycles": 2, "next": "later", "duration": 5.0}}, "later"),
        ({"event_value": {"cycles": 0, "next": "later", "duration": 5.0}}, None),
    ],
)
def test_a_timer_is_due_when_it_is_armed_runs_and_has_rounds_left(
    data: dict[str, object], due: str | None
) -> None:
    assert due_of(SimpleNamespace(internal_data=data)) == due
