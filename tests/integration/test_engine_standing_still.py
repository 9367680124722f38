"""Nothing stands still unseen: stuck cases are told, work ends a pause, a task that waits too long can be let go."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from engine.base.errors import NotAllowed, Rejected, Unavailable
from engine.base.sending import FAILED, Answer
from engine.case import incidents, store
from engine.case.commands import CompleteTask, PauseClocks, RescheduleTask
from engine.case.instance import Instance
from engine.case.rebuild import differences
from engine.case.snapshots import fingerprint
from engine.operations.worker import work_once
from engine.storage.tables import incident, notice, outbox, task
from tests.bpmn_text import bpmn, script, service, sub, timer_on, user, wait
from tests.casework import FILES, Desk, FakeGateway, opened
from tests.clock import Clock
from tests.threads import together

#: one branch alone reaches a join of two, in the process itself and inside a sub-process
JOIN = bpmn(
    "work",
    "start > call > x_way > p_join > end; x_way > check: result == 'no'; check > p_join",
    user("call", form="call", name="回访客户"),
    user("check", form="call"),
    startable="true",
)
NESTED = bpmn(
    "work",
    "start > call > inner > end",
    user("call", form="call"),
    sub(
        "inner",
        "start_i > x_way > p_join > end_i; x_way > check: result == 'no'; check > p_join",
        user("check", form="call"),
    ),
    startable="true",
)
LATER = bpmn(
    "work",
    "start > call > again > end",
    user("call", form="call"),
    user("again", form="call", not_before="'2062-03-02T02:00:00+00:00'"),
    startable="true",
)
TOLD = bpmn(
    "work",
    "start > call > first > again > second > end",
    user("call", form="call"),
    service("first", service="sms", template='"sms_attempt"', to="contact_phone", event="['call', 1]"),
    user("again", form="call"),
    service(
        "second",
        service="sms",
        template='"sms_attempt"',
        to="contact_phone",
        event="['call', 2]",
        withdraws="[['call', 1], 'other']",
    ),
    startable="true",
)


def desk_with(diagram: bytes, folder: Path, clock: Clock, url: str) -> Iterator[Desk]:
    """The small company with another process."""
    with opened(folder, clock, url, files=FILES | {"bpmn/tests/work.bpmn": diagram}) as desk:
        yield desk


@pytest.fixture(params=[JOIN, NESTED], ids=["process", "sub-process"])
def stuck(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock, database_url: str) -> Iterator[Desk]:
    yield from desk_with(request.param, tmp_path, clock, database_url)


@pytest.fixture
def later(tmp_path: Path, clock: Clock, database_url: str) -> Iterator[Desk]:
    yield from desk_with(LATER, tmp_path, clock, database_url)


@pytest.fixture
def told(tmp_path: Path, clock: Clock, database_url: str) -> Iterator[Desk]:
    yield from desk_with(TOLD, tmp_path, clock, database_url)


@pytest.fixture
def limited(tmp_path: Path, clock: Clock, database_url: str) -> Iterator[Desk]:
    """The small company, whose cases have a limit of 48 hours that a pause holds."""
    drawn = FILES["bpmn/tests/work.bpmn"] or b""
    yield from desk_with(drawn.replace(b"REG_TEL_REPLY", b"TEL_BILLING_REPLY"), tmp_path, clock, database_url)


# ------------------------------------------------------------ stuck cases
def test_a_case_in_which_nothing_can_happen_any_more_is_an_incident_and_a_notice(stuck: Desk) -> None:
    case = stuck.start(attempts=1)
    stuck.complete(case, result="yes")
    (found,) = stuck.incidents()
    assert (found.case_id, found.kind, found.element) == (
        case,
        "Stuck",
        stuck.history(case)[-1][3]["stuck"][0],
    )
    (text,) = stuck.values("SELECT text FROM notice WHERE role = 'supervisor'")
    assert case in text
    assert found.message in text
    assert stuck.g.verify(case).state == "identical"
    assert not differences(stuck.g, case)


def test_a_case_that_ends_or_waits_for_somebody_is_not_stuck(stuck: Desk) -> None:
    stuck.start(attempts=1)
    assert stuck.incidents() == []
    assert stuck.values("SELECT text FROM notice") == []


def test_trying_again_does_not_close_the_incident_of_a_case_that_still_stands(stuck: Desk) -> None:
    case = stuck.start(attempts=1)
    stuck.complete(case, result="yes")
    (found,) = stuck.incidents()
    with pytest.raises(Rejected, match="stands still as before"):
        stuck.g.incidents.retry(found.id, "admin1", stuck.clock.instant)
    assert len(stuck.incidents()) == 1
    stuck.g.incidents.close(found.id, "admin1", "已电话告知客户", stuck.clock.instant)
    assert stuck.incidents() == []


def test_cases_that_got_stuck_before_the_engine_told_so_are_found_once(stuck: Desk) -> None:
    case = stuck.start(attempts=1)
    open_one = stuck.start(attempts=1)
    stuck.complete(case, result="yes")
    with stuck.g.db.begin() as connection:  # as it was before
        connection.execute(sa.delete(incident))
        connection.execute(sa.delete(notice))
    assert work_once(stuck.g, stuck.clock.instant) == 1
    assert work_once(stuck.g, stuck.clock.instant) == 0
    (found,) = stuck.incidents()
    assert (found.case_id, found.kind) == (case, "Stuck")
    assert found.case_id != open_one


def forgotten(desk: Desk, number: int) -> list[str]:
    """Cases that got stuck before the engine told so."""
    made = [desk.start(attempts=1) for _ in range(number)]
    for case in made:
        desk.complete(case, result="yes")
    with desk.g.db.begin() as connection:
        connection.execute(sa.delete(incident))
        connection.execute(sa.delete(notice))
    return made


@pytest.mark.parametrize("portion", ["CASES_A_ROUND", "FOUND_A_ROUND"])
def test_a_round_looks_for_stuck_cases_in_a_portion_and_the_next_goes_on(
    stuck: Desk, monkeypatch: pytest.MonkeyPatch, portion: str
) -> None:
    made = forgotten(stuck, 5)
    monkeypatch.setattr(incidents, portion, 2)
    assert [work_once(stuck.g, stuck.clock.instant) for _ in range(4)] == [2, 2, 1, 0]
    assert sorted(stuck.values("SELECT case_id FROM incident")) == sorted(made)


def test_a_database_that_is_away_leaves_no_case_out(stuck: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    forgotten(stuck, 1)

    def away(_: str) -> Instance:
        raise Unavailable("the database cannot be read")

    with monkeypatch.context() as broken:
        broken.setattr(stuck.g.dispatcher, "current", away)
        assert work_once(stuck.g, stuck.clock.instant) == 0
    assert work_once(stuck.g, stuck.clock.instant) == 1


def test_workers_that_begin_at_once_open_one_incident(
    stuck: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, clock: Clock, database_url: str
) -> None:
    (case,) = forgotten(stuck, 1)
    with opened(tmp_path, clock, database_url) as other:
        meet = threading.Barrier(2)
        for desk in (stuck, other):

            def both_saw_it(
                case_id: str, current: Callable[[str], Instance] = desk.g.dispatcher.current
            ) -> Instance:
                instance = current(case_id)
                with suppress(threading.BrokenBarrierError):
                    meet.wait(5)
                return instance

            monkeypatch.setattr(desk.g.dispatcher, "current", both_saw_it)
        looks = [partial(desk.g.incidents.find_stuck, clock.instant) for desk in (stuck, other)]
        assert sorted(together(*looks)) == [0, 1]
    assert stuck.values("SELECT attempts FROM incident") == [1]
    assert stuck.kinds(case).count("incident") == 1


def test_a_paused_timer_still_moves_its_case(tmp_path: Path, clock: Clock, database_url: str) -> None:
    waits = bpmn(
        "work",
        "start > call > hold > end; t_limit > alert > end_late",
        user("call", form="call"),
        wait("hold", '"PT1H"'),
        timer_on("call", "t_limit", 'sla_due("CAN_CALLBACK_1", case_opened_at)', "timeDate"),
        script("alert", "late = True"),
        startable="true",
    )
    for desk in desk_with(waits, tmp_path, clock, database_url):
        case = desk.start(attempts=1)
        desk.complete(case, result="ok")
        assert desk.incidents() == []


# ------------------------------------------------------------ working while paused
def test_who_works_on_a_paused_case_ends_its_pause(limited: Desk) -> None:
    case = limited.start(attempts=1)
    limited.clock.advance(hours=10)
    limited.g.dispatch(PauseClocks(case_id=case, reason="等客户的单据", actor="agent1", at=limited.at))
    limited.clock.advance(days=40)
    limited.complete(case, result="busy")
    work = [row for row in limited.history(case) if row[0] == "agent1"]
    assert [command["type"] for _, _, command, _ in work] == ["start", "pause", "resume", "complete"]
    assert (work[2][1], work[2][3]["resumed"]) == (limited.at, True)
    assert limited.values("SELECT waiting_customer FROM cases") == [None]
    assert limited.clocks(case)["TEL_BILLING_REPLY"] == "running"
    limited.clock.advance(hours=39)
    limited.wake()
    assert limited.clocks(case)["TEL_BILLING_REPLY"] == "breached", "48 hours without the 40 days, not longer"
    assert limited.g.verify(case).state == "identical"


def test_a_completion_that_is_refused_leaves_the_pause(any_desk: Desk) -> None:
    case = any_desk.start(attempts=1)
    number = any_desk.open(case)["call"]
    any_desk.g.dispatch(PauseClocks(case_id=case, reason="等客户的单据", actor="agent1", at=any_desk.at))
    with pytest.raises(Exception, match="call"):
        any_desk.g.dispatch(CompleteTask(case_id=case, task=number, data={}, actor="agent1", at=any_desk.at))
    assert any_desk.kinds(case) == ["start", "pause"]


# ------------------------------------------------------------ tasks that wait
def put_off(
    desk: Desk, case: str, until: str | None, actor: str = "supervisor1", reason: str = "写错年份"
) -> None:
    """Let the open task be worked on from another instant."""
    number = max(desk.open(case).values())
    desk.g.dispatch(
        RescheduleTask(case_id=case, task=number, not_before=until, reason=reason, actor=actor, at=desk.at)
    )


def test_a_task_that_a_mistyped_year_froze_is_let_go_by_a_supervisor(later: Desk) -> None:
    case = later.start()
    later.complete(case, result="ok")
    with pytest.raises(Rejected, match="2062"):
        later.complete(case, "again", result="ok")
    put_off(later, case, None)
    (row,) = later.g.db.rows(sa.select(task.c.not_before).where(task.c.element == "again"))
    assert row.not_before is None
    _, _, command, effects = later.history(case)[-1]
    assert effects["rescheduled"] == [[max(later.open(case).values()), None]]
    assert set(command["reason"]) == {"~"}, "a reason is a text that a person typed"
    later.g.dispatcher.forget(case)
    later.complete(case, "again", result="ok")
    assert later.g.verify(case).state == "identical"
    assert not differences(later.g, case)


def test_a_task_is_put_off_to_another_instant(later: Desk) -> None:
    case = later.start()
    put_off(later, case, "2026-03-03T09:00:00+08:00")
    assert later.values("SELECT not_before FROM task") == ["2026-03-03T01:00:00+00:00"]
    with pytest.raises(Rejected, match="not before"):
        later.complete(case, result="ok")
    later.clock.advance(days=1)
    later.complete(case, result="ok")


@pytest.mark.parametrize(
    ("until", "reason", "message"),
    [
        ("2062-03-02T02:00:00+00:00", "客户要求", "within 60 days"),
        ("0026-03-02T02:00:00+00:00", "客户要求", "within 60 days"),
        ("0001-01-01T00:00:00+08:00", "客户要求", "with its zone"),
        ("2025-03-03T09:00:00+08:00", "客户要求", "within 60 days"),
        ("2026-03-03T09:00:00", "客户要求", "with its zone"),
        ("morgen", "客户要求", "with its zone"),
        (None, "  ", "reason"),
    ],
)
def test_a_new_time_is_checked(later: Desk, until: str | None, reason: str, message: str) -> None:
    case = later.start()
    with pytest.raises(Rejected, match=message):
        put_off(later, case, until, reason=reason)
    assert later.kinds(case) == ["start"]


@pytest.mark.parametrize("actor", ["agent1", "auditor1", "quality1", "designer1"])
def test_only_who_leads_changes_the_time_of_a_task(later: Desk, actor: str) -> None:
    case = later.start()
    with pytest.raises(NotAllowed):
        put_off(later, case, None, actor)


# ------------------------------------------------------------ messages taken back
def test_a_message_that_a_later_one_contradicts_is_taken_back_unless_it_went_out(told: Desk) -> None:
    case, other = told.start(attempts=1), told.start(attempts=1)
    told.complete(case, result="busy")
    told.complete(other, result="busy")
    assert told.send() == ["sent", "sent"]
    third = told.start(attempts=1)
    told.complete(third, result="busy")
    for one in (case, third):
        told.complete(one, "again", result="busy")
    state = dict(told.g.db.rows(sa.select(outbox.c.id, outbox.c.state)))
    assert state[f"{third}/['call', 1]"] == "withdrawn"
    assert state[f"{case}/['call', 1]"] == "sent"
    assert told.history(third)[-1][3]["withdrawn"] == ["['call', 1]"]
    assert "withdrawn" not in told.history(case)[-1][3]
    assert told.send() == ["sent", "sent"], "the second ones go out, the one taken back does not"
    assert dict(told.g.db.rows(sa.select(outbox.c.id, outbox.c.state)))[f"{third}/['call', 1]"] == "withdrawn"
    for one in (case, other, third):
        assert told.g.verify(one).state == "identical"
        assert not differences(told.g, one)


def test_a_message_that_a_sender_has_claimed_is_taken_back_too(told: Desk) -> None:
    case = told.start(attempts=1)
    told.complete(case, result="busy")
    claimed = told.g.outbox._claim(told.clock.instant, 10)
    told.complete(case, "again", result="busy")
    assert told.g.outbox._begin(claimed[0], told.clock.instant) is None
    assert told.send() == ["sent"]


@pytest.mark.parametrize("when", ["failed", "sent again", "sent again and claimed", "under way again"])
def test_a_message_that_failed_is_taken_back_when_a_later_one_contradicts_it(told: Desk, when: str) -> None:
    gateway = FakeGateway(Answer(FAILED, "HTTP 400"))
    told.g.outbox._gateways["sms"] = gateway
    case = told.start(attempts=1)
    told.complete(case, result="busy")
    first = f"{case}/['call', 1]"
    assert told.send() == ["failed"]
    now = told.clock.instant
    if when != "failed":
        told.g.outbox.send_again(first, now)
    claimed = told.g.outbox._claim(now, 1) if "claimed" in when or "way" in when else []
    under_way = told.g.outbox._begin(claimed[0], now) if "way" in when else None
    told.complete(case, "again", result="busy")
    if under_way is not None:  # the gateway wants it later: never
        told.g.outbox._postpone(under_way, "later", now)
    assert "withdrawn" not in told.history(case)[-1][3], "history told that it failed"
    assert dict(told.g.db.rows(sa.select(outbox.c.id, outbox.c.state)))[first] == "withdrawn"
    told.clock.advance(hours=1)
    assert told.send() == ["sent"]
    assert [entry.id for entry in gateway.sent] == [first, f"{case}/['call', 2]"]
    with pytest.raises(Rejected, match="neither"):
        told.g.outbox.send_again(first, told.clock.instant)
    assert told.g.verify(case).state == "identical"
    assert not differences(told.g, case)


@pytest.mark.parametrize("rounds", [1, 2])
def test_a_message_that_is_taken_back_and_whose_sender_stops_is_not_under_way_for_ever(
    told: Desk, rounds: int
) -> None:
    case = told.start(attempts=1)
    told.complete(case, result="busy")
    claimed = told.g.outbox._claim(told.clock.instant, 1)
    under_way = told.g.outbox._begin(claimed[0], told.clock.instant)
    told.complete(case, "again", result="busy")
    assert told.send() == ["sent"], "the second one"
    told.clock.advance(minutes=3)
    assert told.send() == ["unknown"], "nobody can say whether the first went out"
    if rounds == 2:  # the sender only slept, and the gateway wants it later: never
        assert under_way is not None
        told.g.outbox._postpone(under_way, "later", told.clock.instant)
    told.clock.advance(hours=1)
    assert told.send() == []
    assert told.values("SELECT state FROM outbox ORDER BY id") == ["unknown", "sent"]


@pytest.mark.parametrize("taken_back", [True, False])
def test_nobody_is_told_to_send_again_what_was_taken_back_under_way(told: Desk, taken_back: bool) -> None:
    case = told.start(attempts=1)
    told.complete(case, result="busy")
    claimed = told.g.outbox._claim(told.clock.instant, 1)
    under_way = told.g.outbox._begin(claimed[0], told.clock.instant)
    assert under_way is not None
    if taken_back:
        told.complete(case, "again", result="busy")
    told.g.outbox._record(under_way, FAILED, "HTTP 400", told.clock.instant)
    notices = told.values("SELECT text FROM notice WHERE text LIKE '%重发%'")
    assert len(notices) == (0 if taken_back else 1)
    assert told.g.verify(case).state == "identical"
    assert not differences(told.g, case)


# ------------------------------------------------------------ versions
def test_a_reloaded_case_is_the_same_as_the_live_one(told: Desk) -> None:
    case = told.start(attempts=1)
    told.complete(case, result="busy")
    live = fingerprint(told.g.dispatcher.instance(case))
    told.g.dispatcher.forget(case)
    assert fingerprint(told.g.dispatcher.instance(case)) == live


def test_what_people_type_is_sealed_in_history(any_desk: Desk) -> None:
    case = any_desk.start(attempts=1)
    any_desk.complete(case, result="busy", note="请打她丈夫王大力 13700001111,住朝阳路88号")
    any_desk.g.dispatch(PauseClocks(case_id=case, reason="等王大力的回电", actor="agent1", at=any_desk.at))
    stored = b"".join(row.command + row.effects for row in store.rows(any_desk.g.db, case))
    assert "王大力".encode() not in stored
    assert b"13700001111" not in stored
    assert any_desk.g.verify(case).state == "identical"
    assert any_desk.values("SELECT waiting_customer FROM cases") == ["等王大力的回电"]
