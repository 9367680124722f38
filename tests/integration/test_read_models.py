"""Every column of every read model by name, in a case whose values differ in pairs: two that change places are seen."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import sqlalchemy as sa

from engine.case.commands import (
    AmendData,
    AssignTask,
    MoveClock,
    NoteIncident,
    PauseClocks,
    RecordServiceResult,
    ReleaseTask,
    RescheduleTask,
    ResumeClocks,
    StartCase,
)
from engine.case.projections.incidents import where
from engine.privacy.sealing import lookup_key
from engine.storage.tables import (
    ORDINARY,
    URGENT,
    case_fact,
    cases,
    incident,
    notice,
    outbox,
    sla_clock,
    task,
    timer,
)
from tests.bpmn_text import Node, bpmn, dmn, end, rule, script, service, timer_on, user
from tests.casework import FILES, LOCALES, Desk, form, opened, template
from tests.clock import Clock

LABEL = dict.fromkeys(LOCALES, "x")
#: a call of the Cantonese desk that is decided, told and given to a department; two limits of the case, two of the task
ROWS = bpmn(
    "rows",
    "start > rate > ask > tell > end_told; t_limit > warn > end_late; t_reply > end_reply",
    rule("rate", "rating"),
    user("ask", form="ask", name="粤语回访"),
    service("tell", service="sms", template='"sms_told"', to="contact_phone", event="['told', answer]"),
    end("end_told", outcome="told"),
    timer_on("ask", "t_limit", 'sla_due("CAN_CALLBACK_1", case_opened_at)', "timeDate"),
    service("warn", service="notice", template='"notice_late"', to='"manager"', level="breach"),
    timer_on("ask", "t_reply", 'sla_due("TEL_NETWORK_REPLY", case_opened_at)', "timeDate"),
    lanes={"粤语专席": "ask"},
    startable="true",
    case_clocks="REG_TEL_REPLY,ECOM_CLAIM_AFTER_SALES",
    facts="kind,severity",
)
HOUSE: dict[str, bytes | None] = {
    **FILES,
    "bpmn/tests/rows.bpmn": ROWS,
    "bpmn/decisions/rating.dmn": dmn(
        "rating",
        ["kind"],
        ["severity", "priority"],
        ['"billing"', '"S2"', '"P1"'],
        ['"other"', '"S4"', '"P3"'],
    ),
    "forms/ask.json": form("ask", {"name": "answer", "required": True}, {"name": "channel"}),
    # one branch alone reaches a join of two
    "bpmn/tests/halves.bpmn": bpmn(
        "halves",
        "start > half > x_way > p_join > end; x_way > other: answer == 'no'; other > p_join",
        user("half", form="ask"),
        Node("p_join", "parallelGateway", name="会合"),
        user("other", form="ask"),
        startable="true",
    ),
    "bpmn/tests/graded.bpmn": bpmn(
        "graded",
        "start > grade > judge > sort > end",
        user("grade", form="grade"),
        script("judge", "verdict = 'late'\nlist_of_it = ['a', 2]\ntable = ['b', {'a': 1}]\nlong = 'x' * 201"),
        script("sort", "channel = 'mail'"),
        startable="true",
        facts="verdict,list_of_it,table,long,secret",
    ),
    "forms/grade.json": form(
        "grade",
        {"name": "asked", "report": True},
        {"name": "verdict", "report": "decided"},
        {"name": "cause", "report": "given", "personal": True},
        {"name": "other"},
        {"name": "secret", "personal": True},
        {
            "name": "scores",
            "widget": "rows",
            "schema": {"type": "array"},
            "fields": [
                {"name": "item", "label": LABEL, "widget": "text"},
                {"name": "defect", "label": LABEL, "widget": "text"},
            ],
            "report": {"count": "defect", "as": "defects"},
        },
    ),
    "bpmn/templates/sms_told.json": template(
        "sms_told", "{name}:{said}", name="customer_name", said="answer"
    ),
}
OPENED, HOUR = "2026-03-02T01:00:00+00:00", "2026-03-02T02:00:00+00:00"


@pytest.fixture(scope="module")
def published_rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a database in which the process ``rows`` is published: to copy from."""
    folder = tmp_path_factory.mktemp("rows")
    with opened(folder, Clock(), files=HOUSE):
        return folder


@pytest.fixture
def house(published_rows: Path, tmp_path: Path, clock: Clock) -> Iterator[Desk]:
    """A desk with the process ``rows``."""
    shutil.copytree(published_rows, tmp_path, dirs_exist_ok=True)
    with opened(tmp_path, clock) as made:
        yield made


def rows(desk: Desk, table: sa.Table, case: str) -> list[dict[str, Any]]:
    """The rows of a case in the order of their keys."""
    keys = list(table.primary_key.columns)
    return [
        dict(r._mapping)
        for r in desk.g.db.rows(sa.select(table).where(table.c.case_id == case).order_by(*keys))
    ]


def row(desk: Desk, case: str) -> dict[str, Any]:
    """The row of a case, without what the chain alone decides."""
    (found,) = desk.g.db.rows(sa.select(cases).where(cases.c.id == case))
    return {name: value for name, value in found._mapping.items() if name != "head"}


def begun(desk: Desk, **differs: Any) -> str:
    """A case of ``rows`` that came by telephone with everything that a case can come with."""
    data = {
        "kind": "billing",
        "channel": "hotline",
        "content": "  月费多扣了一笔  ",
        "customer_name": "陈大文",
        "contact_phone": "138-1234-5678",
        "received_at": "2026-03-01T01:00:00+00:00",
    }
    asked = StartCase(
        process="rows",
        data=data | differs,
        actor="agent2",
        at=desk.at,
        external_id="CRM-7",
        parent="260301-00009-9",
    )
    return desk.g.dispatch(asked).case_id


def common(desk: Desk, case: str, actor: str = "supervisor1") -> dict[str, Any]:
    return {"case_id": case, "actor": actor, "at": desk.at}


# ---------------------------------------------------------------- the case
def test_a_case_shows_what_it_came_with_and_what_a_table_decides_of_it(house: Desk) -> None:
    case = begun(house)
    assert row(house, case) == {
        "id": case,
        "seq": 1,
        "at": OPENED,
        "process": "rows",
        "release": 1,
        "opened_at": OPENED,
        "closed_at": None,
        "outcome": None,
        "state": "open",
        "waiting_customer": None,
        "external_id": "CRM-7",
        "parent": "260301-00009-9",
        "channel": "hotline",
        "severity": "S2",
        "title": "月费多扣了一笔",
        "customer": "陈大文",
        "phone": "138-1234-5678",
        "phone_key": lookup_key(house.g.db.lookup_key, "13812345678"),
        "started_by": "agent2",
        "next_due": "2026-03-02T02:36:00+00:00",
        "wake_lease": None,
    }


def test_what_is_learned_later_stands_in_its_own_column(house: Desk) -> None:
    case = begun(house, external_id="CRM-8")
    house.clock.advance(minutes=10)
    corrected = {
        "channel": "letter",
        "severity": "S1",
        "question": "为什么多扣",
        "content": "要求退费",
        "customer_name": "陈小文",
        "contact_phone": "010-6600",
    }
    house.g.dispatch(AmendData(data=corrected, reason="听错了", **common(house, case)))
    found = row(house, case)
    assert {
        name: found[name] for name in ("seq", "at", "channel", "severity", "title", "customer", "phone")
    } == {
        "seq": 2,
        "at": "2026-03-02T01:10:00+00:00",
        "channel": "letter",
        "severity": "S1",
        "title": "要求退费",
        "customer": "陈小文",
        "phone": "010-6600",
    }
    assert found["phone_key"] == lookup_key(house.g.db.lookup_key, "0106600")


def test_what_the_last_of_several_steps_of_one_command_decides_stands_in_its_column(house: Desk) -> None:
    case = house.start("graded", channel="hotline")
    house.complete(case, "grade", asked="no")
    assert row(house, case)["channel"] == "mail"


def test_the_title_is_the_first_of_the_texts_that_there_is_cut_to_its_length(house: Desk) -> None:
    titles = [
        row(house, begun_as(house, **texts))["title"]
        for texts in (
            {"content": "内容", "question": "问题", "problem": "故障"},
            {"question": "问题", "problem": "故障"},
            {"problem": "故" * 61},
            {},
        )
    ]
    assert titles == ["内容", "问题", "故" * 60, None]


def begun_as(desk: Desk, **data: Any) -> str:
    asked = StartCase(process="rows", data={"kind": "other", **data}, actor="agent1", at=desk.at)
    return desk.g.dispatch(asked).case_id


def test_customers_without_a_number_are_not_one_customer(house: Desk) -> None:
    found = row(house, begun_as(house, contact_phone="不详"))
    assert (found["phone"], found["phone_key"]) == ("不详", None)


def test_a_closed_case_says_when_and_how_it_ended(house: Desk) -> None:
    case = begun(house)
    house.clock.advance(hours=1)
    house.complete(case, "ask", actor="yue1", answer="好")
    found = row(house, case)
    ends = ("state", "at", "closed_at", "opened_at", "outcome", "next_due")
    assert [found[name] for name in ends] == ["closed", HOUR, HOUR, OPENED, "told", None]


def test_a_case_that_waits_says_why_and_then_no_more(house: Desk) -> None:
    case = begun(house)
    house.g.dispatch(PauseClocks(reason="等客户的账单", **common(house, case)))
    assert row(house, case)["waiting_customer"] == "等客户的账单"
    house.g.dispatch(AmendData(data={"channel": "letter"}, reason="更正", **common(house, case)))
    assert row(house, case)["waiting_customer"] == "等客户的账单", "another command leaves it"
    house.g.dispatch(ResumeClocks(**common(house, case)))
    assert row(house, case)["waiting_customer"] is None


# ---------------------------------------------------------------- tasks
def test_a_task_shows_what_is_drawn_and_whose_it_is(house: Desk) -> None:
    case = begun(house)
    opened_task = {
        "case_id": case,
        "task": house.open(case)["ask"],
        "element": "ask",
        "name": "粤语回访",
        "process": "rows",
        "form": "ask",
        "lane": "粤语专席",
        "role": "agent",
        "skill": "yue",
        "department": None,
        "opened_at": OPENED,
        "due_at": "2026-03-02T03:00:00+00:00",
        "not_before": None,
        "claimed_by": None,
        "claimed_at": None,
        "closed_at": None,
        "completed_by": None,
        "state": "open",
        "rank": URGENT,
    }
    assert rows(house, task, case) == [opened_task]
    house.clock.advance(hours=1)
    number = opened_task["task"]
    assert isinstance(number, int)
    house.g.dispatch(AssignTask(task=number, to="yue1", reason="会粤语", **common(house, case)))
    later = "2026-03-02T02:05:00+00:00"
    house.g.dispatch(RescheduleTask(task=number, not_before=later, reason="客户在忙", **common(house, case)))
    held = {**opened_task, "claimed_by": "yue1", "claimed_at": HOUR, "not_before": later}
    assert rows(house, task, case) == [held]
    house.clock.advance(minutes=5)
    house.complete(case, "ask", actor="yue1", answer="好")
    closed = {**held, "closed_at": later, "completed_by": "yue1", "state": "completed", "due_at": None}
    assert rows(house, task, case) == [closed]


def test_a_task_given_back_is_nobody_s_and_since_no_instant(house: Desk) -> None:
    case = begun(house)
    number = house.open(case)["ask"]
    house.g.dispatch(AssignTask(task=number, to="yue1", reason="会粤语", **common(house, case)))
    house.g.dispatch(ReleaseTask(task=number, **common(house, case)))
    (found,) = rows(house, task, case)
    assert (found["claimed_by"], found["claimed_at"]) == (None, None)


def test_a_task_that_nobody_did_is_cancelled(tmp_path: Path, clock: Clock) -> None:
    either = bpmn(
        "either",
        "start > ask > end_asked; t_late > end_late",
        user("ask", form="ask"),
        timer_on("ask", "t_late", '"PT2H"', interrupting=True),
        startable="true",
    )
    with opened(tmp_path, clock, files={**HOUSE, "bpmn/tests/either.bpmn": either}) as house:
        case = house.start("either")
        house.clock.advance(hours=2)
        house.wake()
        (found,) = rows(house, task, case)
        done = [found[name] for name in ("state", "closed_at", "completed_by", "due_at")]
        assert done == ["cancelled", "2026-03-02T03:00:00+00:00", None, None]
        assert [one["state"] for one in rows(house, timer, case)] == ["fired"]


def test_urgent_is_what_the_priority_says_also_when_it_is_corrected(house: Desk) -> None:
    case = begun_as(house)
    assert [one["rank"] for one in rows(house, task, case)] == [ORDINARY]
    house.g.dispatch(AmendData(data={"priority": "P1"}, reason="领导关注", **common(house, case)))
    assert [one["rank"] for one in rows(house, task, case)] == [URGENT]
    house.g.dispatch(AmendData(data={"priority": "P2"}, reason="已安抚", **common(house, case)))
    assert [one["rank"] for one in rows(house, task, case)] == [ORDINARY]


# ---------------------------------------------------------------- limits: two of a kind, on the task and on the case
def test_each_clock_shows_what_it_counts_and_what_became_of_it(house: Desk) -> None:
    case = begun(house)
    number = house.open(case)["ask"]
    first = {
        "case_id": case,
        "clock": "6",
        "parameter": "CAN_CALLBACK_1",
        "task": number,
        "element": "t_limit",
        "started": OPENED,
        "due": "2026-03-02T03:00:00+00:00",
        "warn_at": "2026-03-02T02:36:00+00:00",
        "state": "running",
        "warned_at": None,
        "breached_at": None,
        "ended_at": None,
        "paused_at": None,
        "provisional": 0,
    }
    whole = {
        **first,
        "clock": "c:REG_TEL_REPLY",
        "parameter": "REG_TEL_REPLY",
        "task": None,
        "element": None,
        "started": "2026-03-01T01:00:00+00:00",
        "due": "2026-03-16T01:00:00+00:00",
        "warn_at": "2026-03-11T01:00:00+00:00",
    }
    found = rows(house, sla_clock, case)
    assert [one["clock"] for one in found] == ["6", "7", "c:ECOM_CLAIM_AFTER_SALES", "c:REG_TEL_REPLY"]
    assert (found[0], found[3]) == (first, whole)
    house.clock.advance(hours=2, minutes=5)
    house.wake()
    late = {
        **first,
        "state": "breached",
        "warn_at": None,
        "warned_at": "2026-03-02T02:36:00+00:00",
        "breached_at": "2026-03-02T03:00:00+00:00",
    }
    assert rows(house, sla_clock, case)[0] == late
    house.complete(case, "ask", actor="yue1", answer="好")
    ended = {one["parameter"]: (one["state"], one["ended_at"]) for one in rows(house, sla_clock, case)}
    assert ended == {
        "CAN_CALLBACK_1": ("missed", house.at),
        "TEL_NETWORK_REPLY": ("met", house.at),
        "REG_TEL_REPLY": ("stopped", house.at),
        "ECOM_CLAIM_AFTER_SALES": ("stopped", house.at),
    }


def test_a_second_warning_follows_the_first(house: Desk) -> None:
    case = begun(house)
    house.clock.set("2026-03-11 09:00")
    house.wake()
    (found,) = [one for one in rows(house, sla_clock, case) if one["parameter"] == "REG_TEL_REPLY"]
    assert (found["warned_at"], found["warn_at"]) == (
        "2026-03-11T01:00:00+00:00",
        "2026-03-14T01:00:00+00:00",
    )


def test_timers_show_what_they_are_on_and_what_became_of_them(house: Desk) -> None:
    case = begun(house)
    number = house.open(case)["ask"]
    common_to = {"case_id": case, "task": number, "state": "pending"}
    limit = {**common_to, "timer": 6, "element": "t_limit", "due": "2026-03-02T03:00:00+00:00"}
    reply = {**common_to, "timer": 7, "element": "t_reply", "due": "2026-03-04T01:00:00+00:00"}
    assert rows(house, timer, case) == [limit, reply]
    house.clock.advance(hours=2)
    house.wake()
    assert rows(house, timer, case) == [{**limit, "state": "fired"}, reply]
    house.complete(case, "ask", actor="yue1", answer="好")
    assert rows(house, timer, case) == [{**limit, "state": "fired"}, {**reply, "state": "ended"}]


def test_a_limit_that_a_person_moves_takes_its_timer_its_warning_and_the_task_along(house: Desk) -> None:
    case = begun(house)
    house.clock.advance(hours=1)
    moved = "2026-03-02T11:00:00+00:00"
    house.g.dispatch(MoveClock(clock="6", due=moved, reason="客户同意", **common(house, case)))
    (clock, *_), (armed, *_) = rows(house, sla_clock, case), rows(house, timer, case)
    dates = ("state", "started", "due", "warn_at", "ended_at")
    # a fifth of the two hours before the new time
    assert [clock[name] for name in dates] == ["running", OPENED, moved, "2026-03-02T10:36:00+00:00", None]
    assert (armed["due"], armed["state"]) == (moved, "pending")
    assert [one["due_at"] for one in rows(house, task, case)] == [moved]
    house.clock.set("2026-03-02 18:59")
    house.wake()
    assert house.clocks(case)["CAN_CALLBACK_1"] == "running"
    house.clock.set("2026-03-02 19:00")
    house.wake()
    assert house.clocks(case)["CAN_CALLBACK_1"] == "breached"
    assert house.g.verify(case).state == "identical"


def test_a_pause_reaches_every_clock_that_may_pause_its_timer_and_the_task(
    tmp_path: Path, clock: Clock
) -> None:
    twice = bpmn(
        "twice",
        "start > ask > end; t_one > end_one; t_two > end_two",
        user("ask", form="ask"),
        timer_on("ask", "t_one", 'sla_due("TEL_NETWORK_REPLY", case_opened_at)', "timeDate"),
        timer_on("ask", "t_two", 'sla_due("TEL_BILLING_REPLY", case_opened_at)', "timeDate"),
        startable="true",
    )
    with opened(tmp_path, clock, files={**HOUSE, "bpmn/tests/twice.bpmn": twice}) as house:
        case = house.start("twice")
        clock.advance(hours=1)
        house.g.dispatch(PauseClocks(reason="等资料", **common(house, case)))
        held = [(one["state"], one["paused_at"]) for one in rows(house, sla_clock, case)]
        assert held == [("paused", HOUR), ("paused", HOUR)]
        assert [one["state"] for one in rows(house, timer, case)] == ["paused", "paused"]
        assert [one["due_at"] for one in rows(house, task, case)] == [None], "no limit counts meanwhile"
        clock.advance(hours=2)
        house.g.dispatch(ResumeClocks(**common(house, case)))
        due = "2026-03-04T03:00:00+00:00"  # 48 hours and the two of the pause
        found = [(one["state"], one["due"], one["paused_at"]) for one in rows(house, sla_clock, case)]
        assert found == [("running", due, None)] * 2
        assert [(one["state"], one["due"]) for one in rows(house, timer, case)] == [("pending", due)] * 2
        assert [one["due_at"] for one in rows(house, task, case)] == [due]


# ---------------------------------------------------------------- what goes out
def test_an_entry_of_the_outbox_says_what_goes_to_whom_and_when(house: Desk) -> None:
    case = begun(house)
    house.clock.set("2026-03-02 21:30")
    house.complete(case, "ask", actor="yue1", answer="好")
    morning, night = "2026-03-03T01:00:00+00:00", "2026-03-02T13:30:00+00:00"
    asked_for = {
        "id": f"{case}/['told', '好']",
        "case_id": case,
        "seq": row(house, case)["seq"],
        "kind": "sms",
        "key": "['told', '好']",
        "template": "sms_told",
        "recipient": "138-1234-5678",
        "body": "陈大文:好",
        "created_at": night,
        "not_before": morning,
        "state": "pending",
        "attempts": 0,
        "next_at": morning,
        "sent_at": None,
        "result": None,
        "lease": None,
        "received": None,
    }
    assert rows(house, outbox, case) == [asked_for]
    house.clock.set("2026-03-03 09:01")
    answered = RecordServiceResult(
        case_id=case,
        event="['told', '好']",
        state="sent",
        detail="编号 9",
        actor="system:outbox",
        at=house.at,
    )
    house.g.dispatch(answered)
    sent = {"state": "sent", "result": "编号 9", "sent_at": "2026-03-03T01:01:00+00:00"}
    assert rows(house, outbox, case) == [{**asked_for, **sent}]


def test_what_failed_was_sent_at_no_instant(house: Desk) -> None:
    case = begun(house)
    house.complete(case, "ask", actor="yue1", answer="好")
    answered = RecordServiceResult(
        case_id=case,
        event="['told', '好']",
        state="failed",
        detail="停机",
        actor="system:outbox",
        at=house.at,
    )
    house.g.dispatch(answered)
    (found,) = rows(house, outbox, case)
    assert (found["state"], found["result"], found["sent_at"]) == ("failed", "停机", None)


def test_notices_say_to_whom_what_is_told_and_of_which_limit(house: Desk) -> None:
    case = begun(house)
    house.claim(case, "ask", actor="yue1")
    house.clock.advance(hours=2)
    house.wake()
    warned = {
        "case_id": case,
        "role": None,
        "person": "yue1",
        "text": "粤语首次回拨将到时限",
        "at": "2026-03-02T02:36:00+00:00",
        "level": "warn",
        "read_by": None,
        "topic": "CAN_CALLBACK_1/warn",
    }
    late = {
        **warned,
        "text": "粤语首次回拨已超时",
        "at": "2026-03-02T03:00:00+00:00",
        "level": "breach",
        "topic": "CAN_CALLBACK_1/breach",
    }
    drawn = {**late, "role": "manager", "person": None, "text": f"{case} 陈大文 超时", "topic": None}
    found = [{name: one[name] for name in warned} for one in rows(house, notice, case)]
    assert found == [warned, drawn, late]


def test_of_a_limit_of_the_whole_case_those_who_lead_are_told(house: Desk) -> None:
    case = begun(house)
    house.claim(case, "ask", actor="yue1")
    house.clock.set("2026-03-16 09:00")
    house.wake()
    told = [
        (one["role"], one["person"], one["topic"].partition("/")[2])
        for one in rows(house, notice, case)
        if (one["topic"] or "").startswith("REG_TEL_REPLY")
    ]
    assert told == [
        ("supervisor", None, "warn"),
        (None, "yue1", "warn"),
        ("supervisor", None, "warn"),
        (None, "yue1", "warn"),
        ("supervisor", None, "breach"),
        ("manager", None, "breach"),
        (None, "yue1", "breach"),
    ]


def test_a_case_that_got_stuck_is_an_incident_and_told_to_who_leads(house: Desk) -> None:
    case = house.start("halves")
    house.complete(case, "half", answer="x")
    found = rows(house, incident, case)
    assert found == [
        {
            "id": f"{case}-2",
            "case_id": case,
            "element": "p_join",
            "kind": "Stuck",
            "message": "会合",
            "command": '{"type": "wake"}',
            "opened_at": OPENED,
            "closed_at": None,
            "closed_by": None,
            "resolution": None,
            "attempts": 1,
        }
    ]
    (told,) = rows(house, notice, case)
    assert {name: told[name] for name in told if name != "id"} == {
        "case_id": case,
        "role": "supervisor",
        "person": None,
        "text": f"工单 {case} 尚未办结，却没有可办的任务和计时（停在：会合），请查看异常。",
        "at": OPENED,
        "level": "breach",
        "read_by": None,
        "topic": None,
    }


# ---------------------------------------------------------------- what reports count, and what is only noted
def test_a_fact_for_reports_says_when_which_command_recorded_it(house: Desk) -> None:
    case = begun(house)
    by_the_start = {"case_id": case, "seq": 1, "at": OPENED}
    assert rows(house, case_fact, case) == [
        {**by_the_start, "name": "kind", "value": '"billing"'},
        {**by_the_start, "name": "severity", "value": '"S2"'},
    ], "an answer, and what a decision table made of it"


def test_what_forms_mark_and_what_scripts_decide_is_counted_and_nothing_else(house: Desk) -> None:
    case = house.start("graded")
    scores = [{"item": "态度", "defect": "语气"}, {"item": "速度"}, {"item": "记录", "defect": "漏记"}]
    answers = {"asked": "yes", "verdict": "early", "cause": "同住的母亲", "other": "x", "secret": "y"}
    house.complete(case, "grade", scores=scores, **answers)
    found = {one["name"]: orjson.loads(one["value"]) for one in rows(house, case_fact, case)}
    assert found == {
        "asked": "yes",
        "verdict": "early",  # what a person answered stands before what a script makes of it
        "cause": True,  # that it was given, not what
        "defects": 2,
        "list_of_it": ["a", 2],
    }


def test_what_a_script_alone_decides_is_counted(house: Desk) -> None:
    case = house.start("graded")
    house.complete(case, "grade", asked="no")
    facts = [(one["name"], one["value"], one["seq"]) for one in rows(house, case_fact, case)]
    assert facts == [("asked", '"no"', 2), ("list_of_it", '["a",2]', 2), ("verdict", '"late"', 2)]


def test_where_a_case_stands_is_told_by_names_as_drawn_or_else_by_what_history_calls_it(house: Desk) -> None:
    release = house.g.releases.current()
    assert where(release, "halves", ["p_join", "half"]) == "会合、half"


def test_history_names_an_incident_and_what_was_done_to_it(house: Desk) -> None:
    case = begun(house)
    noted = NoteIncident(
        case_id=case, incident="i7", action="closed", detail="x", actor="system:incidents", at=house.at
    )
    house.g.dispatch(noted)
    effects = house.history(case)[-1][3]
    assert orjson.dumps(effects) == b'{"incident":["i7","closed"]}'
