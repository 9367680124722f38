"""What pages read: order, pages, scope, and that no list ever scans a table, on both databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from engine.app import Gongdan
from engine.people.directory import Person
from engine.queries import board, inbox, notices, work
from engine.queries import cases as case_queries
from engine.storage.database import Database
from engine.storage.statements import Question
from engine.storage.tables import ORDINARY, URGENT, cases, notice, outbox, sla_clock, task

NOW = "2026-03-02T04:00:00+00:00"
AGENT = Person("agent1", "坐席", frozenset({"agent"}))
YUE = Person("yue1", "粤语", frozenset({"agent"}), frozenset({"yue"}))
OM = Person("om1", "运维", frozenset({"specialist"}), departments=frozenset({"om"}))
LEAD = Person("lead", "值班长", frozenset({"supervisor"}))


@pytest.fixture
def db(gongdan: Gongdan) -> Database:
    return gongdan.db


def _blank(table: sa.Table) -> dict[str, object]:
    kinds = {sa.Integer: 0, sa.LargeBinary: b"", sa.Text: "x"}
    return {
        c.name: None if c.nullable else next(v for kind, v in kinds.items() if isinstance(c.type, kind))
        for c in table.c
        if c is not table.autoincrement_column or table.name != "notice"
    }


def _add(db: Database, table: sa.Table, *rows: Mapping[str, object]) -> None:
    with db.begin() as c:
        c.execute(sa.insert(table), [{**_blank(table), **row} for row in rows])


def _fill(db: Database, count: int) -> None:
    """``count`` cases with a task each: every fifth without a limit, every seventh for Cantonese, every ninth held."""
    _add(
        db,
        cases,
        *(
            {
                "id": f"260302-{n:05}-1",
                "process": "p" if n % 2 else "q",
                "state": "open",
                "opened_at": f"2026-03-02T00:{n // 60 % 60:02}:{n % 60:02}+00:00",
                "phone_key": f"key{n % 50}",
                "customer": f"客户{n}",
            }
            for n in range(count)
        ),
    )
    _add(
        db,
        task,
        *(
            {
                "case_id": f"260302-{n:05}-1",
                "task": 3,
                "name": f"任务{n}",
                "state": "open",
                "role": "agent" if n % 11 else "specialist",
                "department": None if n % 11 else "om",
                "skill": "yue" if n % 7 == 0 and n % 11 else None,
                "claimed_by": "agent1" if n % 9 == 0 else None,
                "due_at": None if n % 5 == 0 else f"2026-03-02T{n % 24:02}:00:00+00:00",
                "rank": URGENT if n % 8 == 0 else ORDINARY,
            }
            for n in range(count)
        ),
    )


def _all(db: Database, person: Person, tab: inbox.Tab) -> list[inbox.WorkItem]:
    rows: list[inbox.WorkItem] = []
    after = None
    while True:
        page = inbox.work(db, person, tab, NOW, inbox.Filters(), after, 7)
        rows += page.rows
        if (after := page.next) is None:
            return rows


def test_pages_join_to_the_whole_list_in_order(db: Database) -> None:
    _fill(db, 120)
    rows = _all(db, YUE, "queues")
    keys = [(not row.urgent, row.due_at is None, row.due_at or "", row.case_id, row.task) for row in rows]
    assert keys == sorted(keys)
    assert {key[:2] for key in keys} == {(a, b) for a in (False, True) for b in (False, True)}
    expected = {f"260302-{n:05}-1" for n in range(120) if n % 11 and n % 9}
    assert {row.case_id for row in rows} == expected
    assert len(rows) == len(expected)


def test_queues_are_by_skill_and_department(db: Database) -> None:
    _fill(db, 120)
    assert all(row.skill is None for row in _all(db, AGENT, "queues"))
    assert {row.department for row in _all(db, OM, "queues")} == {"om"}
    assert {row.claimed_by for row in _all(db, AGENT, "mine")} == {"agent1"}


def test_overdue_and_soon_are_told_apart(db: Database) -> None:
    _fill(db, 120)
    assert all((row.due_at or "") <= NOW for row in _all(db, AGENT, "overdue"))
    soon = _all(db, AGENT, "soon")
    assert soon
    assert all(NOW < (row.due_at or "") <= "2026-03-02T08:00:00+00:00" for row in soon)


def test_only_those_who_steer_have_all_open_work(db: Database) -> None:
    _fill(db, 30)
    assert "all" not in inbox.tabs_of(AGENT)
    assert len(_all(db, LEAD, "all")) == 30


def test_counts_agree_with_lists_and_stop(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    _fill(db, 120)
    counts = inbox.counts(db, YUE, NOW)
    assert counts == {tab: len(_all(db, YUE, tab)) for tab in inbox.tabs_of(YUE)}
    monkeypatch.setattr(inbox, "MOST", 9)
    assert inbox.counts(db, YUE, NOW)["queues"] == 10


def test_a_count_goes_on_while_it_is_not_more_than_a_badge_shows(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two that are urgent, as many as the badge shows, and three that are not: more than it shows."""
    monkeypatch.setattr(inbox, "MOST", 2)
    due = {"state": "open", "due_at": "2026-03-02T05:00:00+00:00"}
    ranks = (URGENT, URGENT, ORDINARY, ORDINARY, ORDINARY)
    _add(db, task, *({**due, "case_id": f"{n}", "task": 1, "rank": rank} for n, rank in enumerate(ranks)))
    assert inbox.counts(db, LEAD, NOW)["soon"] == 3
    monkeypatch.setattr(inbox, "MOST", 5)
    assert inbox.counts(db, LEAD, NOW)["soon"] == 5


def test_filters_by_process_number_and_phone(db: Database) -> None:
    _fill(db, 120)

    def found(filters: inbox.Filters) -> set[str]:
        return {row.case_id for row in inbox.work(db, LEAD, "all", NOW, filters, None, 200).rows}

    assert len(found(inbox.Filters(process="p"))) == 60
    assert found(inbox.Filters(case_prefix="260302-00007")) == {"260302-00007-1"}
    assert found(inbox.Filters(phone_key="key7")) == {"260302-00007-1", "260302-00057-1", "260302-00107-1"}


def test_the_clock_behind_a_limit_is_shown(db: Database) -> None:
    _fill(db, 3)
    due = "2026-03-02T01:00:00+00:00"  # of task 3 of the second case
    common = {"case_id": "260302-00001-1", "state": "running", "started": "2026-03-01T00:00:00+00:00"}
    own = {
        **common,
        "clock": "5",
        "parameter": "A",
        "task": 3,
        "due": due,
        "warn_at": "2026-03-01T20:00:00+00:00",
    }
    around = {
        **common,
        "clock": "6",
        "parameter": "B",
        "task": 2,
        "due": due,
        "started": "2026-02-27T00:00:00+00:00",
    }
    whole = {**common, "clock": "c:C", "parameter": "C", "task": None, "due": due}
    later = {**common, "clock": "c:D", "parameter": "D", "task": None, "due": "2026-03-09T00:00:00+00:00"}

    def shown() -> tuple[object, ...]:
        rows = inbox.work(db, LEAD, "all", NOW, inbox.Filters()).rows
        row = next(r for r in rows if r.case_id == "260302-00001-1")
        return row.limit, row.started, row.warn_at, row.whole

    _add(db, sla_clock, later)
    assert shown() == (None, None, None, False)
    _add(db, sla_clock, whole)
    assert shown() == ("C", common["started"], None, True)
    _add(db, sla_clock, around)
    assert shown() == ("B", "2026-02-27T00:00:00+00:00", None, False)
    _add(db, sla_clock, own)
    assert shown() == ("A", common["started"], "2026-03-01T20:00:00+00:00", False)


def test_cases_are_listed_newest_first_page_after_page(db: Database) -> None:
    _fill(db, 25)
    seen: list[str] = []
    after = None
    while True:
        rows, after = case_queries.listed(db, LEAD, state="open", process=None, after=after, limit=10)
        seen += [row.id for row in rows]
        if after is None:
            break
    assert seen == [f"260302-{n:05}-1" for n in reversed(range(25))]


def test_notices_are_counted_until_read(db: Database) -> None:
    row = {"text": "超时", "at": NOW, "level": "breach", "role": "supervisor"}
    _add(db, notice, row, row, {**row, "role": "manager"}, {**row, "role": None, "person": "lead"})
    assert notices.unread(db, LEAD) == 3
    latest = notices.latest(db, LEAD)
    notices.mark_read(db, LEAD, latest[0].id)
    notices.mark_read(db, LEAD, latest[0].id)
    assert notices.unread(db, LEAD) == 0
    assert notices.unread(db, AGENT) == 0


def test_the_board_counts_open_work(db: Database) -> None:
    _fill(db, 120)
    figures = board.figures(db, LEAD, NOW)
    assert figures.open_cases == 120
    assert figures.open_tasks == 120
    assert sum(load.tasks for load in figures.people) == 120 - figures.unclaimed
    assert dict(figures.processes) == {"p": 60, "q": 60}


@pytest.fixture
def statements(db: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, object]]]:
    """Every statement that is sent, with its parameters; what is asked of the driver itself too."""
    sent: list[tuple[str, object]] = []

    def note(_: object, __: object, sql: str, parameters: object, *___: object) -> None:
        sent.append((sql, parameters))

    def ask(question: Question, **values: object) -> list[tuple[object, ...]]:
        asked = db._in_words(question)
        sent.append((asked.sql, asked.values(values)))
        return Database.ask(db, question, **values)

    monkeypatch.setattr(db, "ask", ask)
    event.listen(db.engine, "before_cursor_execute", note)
    yield sent
    event.remove(db.engine, "before_cursor_execute", note)


LISTS: dict[str, Callable[[Database], object]] = {
    "inbox": lambda db: [inbox.work(db, YUE, tab, NOW, inbox.Filters()) for tab in inbox.TABS],
    "inbox page": lambda db: inbox.work(
        db, YUE, "queues", NOW, inbox.Filters(), (1, NOW, "260302-00007-1", 3)
    ),
    "counts": lambda db: inbox.counts(db, LEAD, NOW),
    "cases": lambda db: case_queries.listed(
        db, LEAD, state=None, process=None, after=(NOW, "260302-00007-1")
    ),
    "cases of a process": lambda db: case_queries.listed(db, LEAD, state="open", process="p"),
    "find": lambda db: case_queries.find(db, LEAD, "260302-00007", "key7"),
    "one case": lambda db: (
        work.tasks(db, "x"),
        work.timers(db, "x"),
        work.clocks(db, "x"),
        work.messages(db, "x"),
    ),
    "duplicates": lambda db: case_queries.duplicates(db, "260302-00007-1"),
    "outbox": lambda db: (
        work.all_messages(db, LEAD),
        work.all_messages(db, LEAD, state="sent", after=(NOW, "x")),
    ),
    "notices": lambda db: (notices.latest(db, LEAD), notices.unread(db, LEAD)),
}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", LISTS)
def test_no_list_scans_a_table(db: Database, statements: list[tuple[str, object]], name: str) -> None:
    LISTS[name](db)
    read = [pair for pair in statements if pair[0].lstrip().upper().startswith(("SELECT", "WITH"))]
    assert read
    with db.engine.connect() as connection:
        for sql, parameters in read:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", parameters).all()  # type: ignore[arg-type]
            steps = [row[-1] for row in plan]
            scans = [
                s for s in steps if s.startswith("SCAN") and "INDEX" not in s and "subquery" not in s.lower()
            ]
            assert [
                s
                for s in scans
                if s.split()[1] in ("task", "cases", "outbox", "notice", "sla_clock", "case_fact")
            ] == [], sql


def test_a_message_page_follows_the_other(db: Database) -> None:
    rows = [
        {"id": f"c/{n}", "case_id": "c", "state": "sent", "created_at": NOW, "kind": "sms"} for n in range(5)
    ]
    _add(db, outbox, *rows)
    first, after = work.all_messages(db, LEAD, limit=3)
    rest, end = work.all_messages(db, LEAD, limit=3, after=after)
    assert [m.id for m in first + rest] == [f"c/{n}" for n in reversed(range(5))]
    assert end is None
