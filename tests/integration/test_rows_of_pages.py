"""Every field of what pages read comes from the column of its name: each stored text says which column it is of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, fields
from typing import Any

import pytest
import sqlalchemy as sa

from engine.app import Gongdan
from engine.people.directory import Person
from engine.queries import board, inbox, notices, work
from engine.queries import cases as case_queries
from engine.storage.database import Database
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

LEAD = Person("lead", "值班长", frozenset({"supervisor"}))
NOW = "2026-03-02T04:00:00+00:00"


@pytest.fixture
def db(sqlite_url: str, gongdan: Gongdan) -> Database:
    return gongdan.db


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """The same statements run on both databases in the tests of the lists."""
    return sqlite_url


def told(table: sa.Table, mark: str = "", **values: Any) -> dict[str, Any]:
    """A row in which each text is the name of its column, each number its place; ``values`` where others are needed."""
    row: dict[str, Any] = {}
    for place, column in enumerate(table.c, 1):
        if isinstance(column.type, sa.Text):
            row[column.name] = f"{column.name}{mark}"
        elif isinstance(column.type, sa.LargeBinary):
            row[column.name] = column.name.encode()
        else:
            row[column.name] = place
    return row | values


def add(db: Database, table: sa.Table, *rows: dict[str, Any]) -> None:
    with db.begin() as connection:
        for row in rows:
            connection.execute(sa.insert(table), row)


def of(row: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: row[name] for name in names}


def columns(shape: type) -> list[str]:
    return [field.name for field in fields(shape)]


# ---------------------------------------------------------------- the row itself, under the same names
def test_a_case_is_shown_as_its_row_is(db: Database) -> None:
    row = told(cases, id="1")
    add(db, cases, row)
    found = case_queries.case(db, "1")
    assert found is not None
    assert asdict(found) == of(row, columns(case_queries.Case))
    assert case_queries.case(db, "2") is None


def test_tasks_timers_clocks_messages_and_incidents_are_shown_as_their_rows_are(db: Database) -> None:
    rows = {
        task: told(task, case_id="1", task=7),
        timer: told(timer, case_id="1", state="pending"),
        sla_clock: told(sla_clock, case_id="1"),
        outbox: told(outbox, case_id="1", kind="sms"),
        incident: told(incident, case_id="1", closed_at=None),
    }
    for table, row in rows.items():
        add(db, table, row)
    read: dict[sa.Table, Any] = {
        task: work.tasks(db, "1"),
        timer: work.timers(db, "1"),
        sla_clock: work.clocks(db, "1"),
        outbox: work.messages(db, "1"),
        incident: work.incidents(db, "1"),
    }
    for table, (found,) in read.items():
        assert asdict(found) == of(rows[table], columns(type(found))), table.name
    assert work.one_task(db, "1", 7) == read[task][0]
    assert work.one_task(db, "1", 8) is None
    assert work.all_messages(db, LEAD)[0] == read[outbox]
    assert work.all_incidents(db, LEAD) == read[incident]


def test_only_what_is_asked_for_is_shown(db: Database) -> None:
    for number, state in enumerate(("fired", "paused", "pending", "ended")):
        add(db, timer, told(timer, case_id="1", timer=number, state=state, due=f"0{number}"))
    assert [one.state for one in work.timers(db, "1")] == ["paused", "pending"], "the next one first"
    for number, kind in enumerate(("sms", "case")):
        add(
            db,
            outbox,
            told(outbox, kind=kind, id=f"{number}", case_id="1", state="failed" if number else "sent"),
        )
    assert [one.kind for one in work.messages(db, "1")] == ["sms"]
    assert [one.kind for one in work.openings(db, "1")] == ["case"]
    assert [one.id for one in work.all_messages(db, LEAD, state="stuck")[0]] == ["1"]
    assert [one.id for one in work.all_messages(db, LEAD, state="sent")[0]] == ["0"]
    add(
        db,
        incident,
        told(incident, id="open", closed_at=None, opened_at="1"),
        told(incident, id="shut", opened_at="2"),
    )
    assert [one.id for one in work.all_incidents(db, LEAD)] == ["open"]
    assert [one.id for one in work.all_incidents(db, LEAD, open_only=False)] == ["shut", "open"]


def test_clocks_that_still_count_come_first_and_the_earliest_of_them(db: Database) -> None:
    for clock, due, ended in (("a", "3", None), ("b", "1", "x"), ("c", "2", None), ("d", "0", "x")):
        add(db, sla_clock, told(sla_clock, case_id="1", clock=clock, due=due, ended_at=ended))
    assert [one.clock for one in work.clocks(db, "1")] == ["c", "a", "d", "b"]


# ---------------------------------------------------------------- rows of two tables
def test_a_line_of_the_work_list_is_its_task_its_case_and_the_clock_behind_its_limit(db: Database) -> None:
    due = "2026-03-02T05:00:00+00:00"
    of_task = told(task, case_id="1", task=7, state="open", rank=URGENT, due_at=due)
    of_case = told(cases, "_of_case", id="1")
    clock = told(sla_clock, case_id="1", due=due, task=7, state="running")
    add(db, cases, of_case)
    add(db, task, of_task)
    add(db, sla_clock, clock)
    (item,) = inbox.work(db, LEAD, "all", NOW, inbox.Filters()).rows
    assert asdict(item) == {
        **of(of_task, ("case_id", "task", "name", "role", "skill", "department", "opened_at", "due_at")),
        **of(of_task, ("not_before", "claimed_by", "claimed_at", "rank")),
        **of(of_case, ("process", "customer", "phone", "severity", "title", "waiting_customer")),
        "limit": "parameter",
        "started": "started",
        "warn_at": "warn_at",
        "whole": False,
    }
    assert item.urgent
    clocks = board.limits(db, LEAD, "parameter", "running")[0]
    assert [asdict(one) for one in clocks] == [
        {
            **of(
                clock,
                ("case_id", "clock", "parameter", "started", "due", "breached_at", "paused_at", "state"),
            ),
            **of(of_case, ("process", "title")),
        }
    ]


def test_the_earliest_limit_comes_first_and_the_next_page_goes_on(db: Database) -> None:
    add(db, cases, told(cases, id="1"))
    for clock, due in (("a", "3"), ("b", "1"), ("c", "2")):
        add(db, sla_clock, told(sla_clock, case_id="1", clock=clock, due=due, state="paused"))
    first, after = board.limits(db, LEAD, "parameter", "paused", limit=2)
    rest, end = board.limits(db, LEAD, "parameter", "paused", after=after, limit=2)
    assert ([one.clock for one in first], after) == (["b", "c"], ("2", "1", "c"))
    assert ([one.clock for one in rest], end) == (["a"], None)
    assert board.limits(db, LEAD, "parameter", "running") == ([], None)
    assert board.limits(db, LEAD, "other", "paused") == ([], None)


# ---------------------------------------------------------------- the board
def test_every_figure_of_the_board_counts_what_its_name_says(db: Database) -> None:
    """Each figure is another number, so that no two can change places."""
    early, soon, late = "2026-03-02T03:00:00+00:00", "2026-03-02T05:00:00+00:00", "2026-03-02T23:00:00+00:00"
    for number in range(13):
        waits = "等" if number < 2 else None
        process = "p" if number < 5 else "q"
        state = "open" if number < 11 else "closed"
        add(
            db,
            cases,
            told(cases, f"{number}", id=f"{number}", state=state, waiting_customer=waits, process=process),
        )
    tasks: list[tuple[str, str | None, str | None, str]] = [("agent", None, None, early)] * 3 + [
        ("agent", "yue", "bob", soon)
    ] * 4
    tasks += [("agent", "yue", None, late)] * 2 + [("specialist", None, "eve", early)]
    for number, (role, skill, holder, due) in enumerate(tasks):
        row = told(task, case_id=f"{number}", task=1, state="open", role=role, skill=skill, department=None)
        add(db, task, row | {"claimed_by": holder, "due_at": due, "rank": ORDINARY})
    add(db, task, told(task, case_id="10", task=1, state="completed", due_at=early))
    for number, state in enumerate(("failed", "failed", "unknown", "unknown", "unknown", "sent", "pending")):
        add(db, outbox, told(outbox, id=f"{number}", state=state))
    for number in range(7):
        add(db, incident, told(incident, id=f"{number}", closed_at=None if number < 6 else "x"))
    for number, state in enumerate(("running", "running", "paused", "breached", "met")):
        breached = f"2026-03-0{number}" if state in ("breached", "met") else None
        row = told(sla_clock, case_id="1", clock=f"{number}", state=state, breached_at=breached)
        add(db, sla_clock, row)
    found = board.figures(db, LEAD, NOW)
    assert (found.open_cases, found.waiting, found.open_tasks, found.unclaimed) == (11, 2, 10, 5)
    assert (found.overdue, found.soon, found.incidents, found.messages_stuck) == (4, 4, 6, 5)
    assert found.queues == [
        board.Load("agent", "", 3, 3, 3, 0),
        board.Load("specialist", "", 1, 0, 1, 0),
        board.Load("agent", "yue", 6, 2, 0, 4),
    ], "name, part, tasks, free, overdue, due soon; the most overdue first"
    assert sorted(found.people, key=lambda one: one.name) == [
        board.Load("bob", "", 4, 0, 0, 4),
        board.Load("eve", "", 1, 0, 1, 0),
    ]
    assert found.processes == [("q", 6), ("p", 5)]
    assert found.parameters == [
        ("parameter", "breached", 1),
        ("parameter", "paused", 1),
        ("parameter", "running", 2),
    ]
    assert [one.clock for one in found.breaches] == ["4", "3"], "the latest first"


# ---------------------------------------------------------------- notices
def test_a_notice_is_told_with_its_words_and_those_of_one_topic_as_one_line(db: Database) -> None:
    common: dict[str, Any] = {"person": None, "read_by": None, "role": "supervisor"}
    add(
        db,
        notice,
        told(notice, id=1, case_id="c1", topic=None, at="1", **common),
        told(notice, id=2, case_id="c2", topic="LIMIT/warn", at="2", **common),
        told(notice, id=3, case_id="c3", topic="LIMIT/warn", at="3", **common),
        told(notice, id=4, case_id=None, topic="release:5/info", at="4", **common),
        told(
            notice,
            id=5,
            case_id="c2",
            topic="OTHER/breach",
            at="5",
            **(common | {"role": None, "person": "lead"}),
        ),
        told(notice, id=6, case_id="c9", topic=None, at="6", **(common | {"role": "manager"})),
    )
    words = {"level": "level", "text": "text"}
    assert [asdict(line) for line in notices.latest(db, LEAD)] == [
        {"id": 5, "at": "5", "role": None, "topic": "OTHER/breach", "cases": ("c2",), "count": 1, **words},
        {
            "id": 4,
            "at": "4",
            "role": "supervisor",
            "topic": "release:5/info",
            "cases": (),
            "count": 0,
            **words,
        },
        {
            "id": 3,
            "at": "3",
            "role": "supervisor",
            "topic": "LIMIT/warn",
            "cases": ("c3", "c2"),
            "count": 2,
            **words,
        },
        {"id": 1, "at": "1", "role": "supervisor", "topic": None, "cases": ("c1",), "count": 1, **words},
    ]
    of_limit, of_release = notices.latest(db, LEAD)[2], notices.latest(db, LEAD)[1]
    assert (of_limit.parameter, of_limit.release) == ("LIMIT", None)
    assert (of_release.parameter, of_release.release) == (None, 5)
    assert notices.unread(db, LEAD) == 4
    notices.mark_read(db, LEAD, 3)
    assert (notices.read_up_to(db, LEAD), notices.unread(db, LEAD)) == (3, 2)


def test_of_one_topic_some_to_the_person_alone_name_no_role(db: Database) -> None:
    to_role: dict[str, Any] = {"role": "supervisor", "person": None, "topic": "LIMIT/warn"}
    to_person: dict[str, Any] = {"role": None, "person": "lead", "topic": "LIMIT/warn"}
    add(
        db, notice, told(notice, id=1, case_id="c1", **to_person), told(notice, id=2, case_id="c2", **to_role)
    )
    (line,) = notices.latest(db, LEAD)
    assert (line.id, line.role, line.cases) == (2, None, ("c2", "c1"))


def test_a_role_in_a_department_is_told_what_is_for_it(db: Database) -> None:
    of_om = Person("om1", "运维", frozenset({"specialist"}), departments=frozenset({"om"}))
    for number, role in enumerate(("specialist", "specialist@om", "specialist@vas", "om"), 1):
        add(db, notice, told(notice, id=number, case_id="1", role=role, person=None, topic=None))
    assert [line.role for line in notices.latest(db, of_om)] == ["specialist@om", "specialist"]


# ---------------------------------------------------------------- finding cases
def test_cases_are_found_by_number_by_outside_number_and_by_phone(db: Database) -> None:
    for number in ("260302-00001-1", "260302-00002-2", "260303-00001-3"):
        row = told(cases, number, id=number, opened_at=number, external_id=f"x{number[-1]}", parent=None)
        add(db, cases, row | {"phone_key": "k" if number[-1] != "1" else None})

    def found(text: str, key: str) -> list[str]:
        return [one.id[-1] for one in case_queries.find(db, LEAD, text, key)]

    assert found("260302", "") == ["2", "1"]
    assert found("x3", "") == ["3"]
    assert found("x3", "k") == ["3", "2"]
    assert found("nothing", "other") == []
    assert [one.id[-1] for one in case_queries.of_phone(db, "k", "260302-00002-2")] == ["3"]
    assert case_queries.of_phone(db, None, "x") == []
    assert [one.id[-1] for one in case_queries.find(db, LEAD, "2603", "", limit=2)] == ["3", "2"]


def test_lists_of_cases_hold_what_was_asked_for(db: Database) -> None:
    for number, state, process, waits in (
        ("1", "open", "p", None),
        ("2", "closed", "p", "等"),
        ("3", "open", "q", "等"),
    ):
        row = told(cases, number, id=number, opened_at=number, state=state, process=process)
        add(db, cases, row | {"waiting_customer": waits, "parent": "1" if number != "1" else None})

    def listed(**asked: Any) -> list[str]:
        return [
            one.id for one in case_queries.listed(db, LEAD, **{"state": None, "process": None, **asked})[0]
        ]

    assert listed() == ["3", "2", "1"]
    assert listed(state="open") == ["3", "1"]
    assert listed(process="p") == ["2", "1"]
    assert listed(waiting=True) == ["3", "2"]
    assert [one.id for one in case_queries.children(db, "1")] == ["2", "3"]
    assert [one.is_open for one in case_queries.children(db, "1")] == [False, True]


def test_duplicates_are_those_confirmed_by_the_last_word_on_them(db: Database) -> None:
    for number in "1234":
        add(db, cases, told(cases, number, id=number, opened_at=number))

    def fact(case: str, seq: int, name: str, value: str) -> None:
        add(db, case_fact, told(case_fact, case_id=case, seq=seq, name=name, value=value))

    fact("2", 2, "duplicate_of", '"1"')
    fact("2", 2, "duplicate_relation", '"same"')
    fact("3", 2, "duplicate_of", '"1"')  # said, but not confirmed
    fact("4", 2, "duplicate_of", '"1"')
    fact("4", 2, "duplicate_relation", '"same"')
    fact("4", 3, "duplicate_of", '"2"')  # corrected
    assert {case: [one.id for one in case_queries.duplicates(db, case)] for case in "1234"} == {
        "1": ["2"],
        "2": ["1", "4"],
        "3": [],
        "4": ["2"],
    }
