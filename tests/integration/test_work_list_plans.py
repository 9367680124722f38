"""Work lists are read from their indexes, first and later pages and counts, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from engine.app import Gongdan
from engine.people.directory import Person
from engine.queries import inbox
from engine.queries.inbox import NOBODY, Filters, Tab
from engine.storage.database import Database
from engine.storage.tables import ORDINARY, URGENT, cases, task

NOW = "2026-03-02T04:00:00+00:00"
TASKS = 20_000
AGENT = Person("agent1", "坐席", frozenset({"agent"}))
YUE = Person("agent2", "粤语", frozenset({"agent", "senior_agent"}), frozenset({"yue"}))
LEAD = Person("lead", "值班长", frozenset({"supervisor"}))


@pytest.fixture
def db(gongdan: Gongdan) -> Database:
    """Many open tasks of one queue, some of others, some held, as many closed; the planner knows of them."""
    with gongdan.db.begin() as connection:
        connection.execute(sa.insert(cases), [_case(n) for n in range(TASKS)])
        connection.execute(sa.insert(task), [_task(n) for n in range(TASKS)])
    with gongdan.db.begin() as connection:
        connection.exec_driver_sql("ANALYZE")
    return gongdan.db


def _case(n: int) -> dict[str, Any]:
    blank = {c.name: None if c.nullable else b"" if c.name == "head" else "x" for c in cases.c}
    opened = f"2026-03-{1 + n % 28:02}T00:00:00+00:00"
    return {**blank, "id": _number(n), "seq": 1, "release": 1, "state": "open", "opened_at": opened}


def _task(n: int) -> dict[str, Any]:
    blank = {c.name: None if c.nullable else "x" for c in task.c}
    return blank | {
        "case_id": _number(n),
        "task": 3,
        "state": "open" if n % 2 else "completed",
        "role": "agent" if n % 5 else "specialist",
        "skill": "yue" if n % 7 == 0 else None,
        "department": "om" if n % 5 == 0 else None,
        "claimed_by": "agent1" if n % 9 == 0 else None,
        "due_at": None if n % 11 == 0 else f"2026-03-{1 + n % 28:02}T{n % 24:02}:00:00+00:00",
        "rank": URGENT if n % 50 == 1 else ORDINARY,
    }


def _number(n: int) -> str:
    return f"260302-{n:05}-1"


@pytest.fixture
def statements(db: Database) -> Iterator[list[tuple[str, Any]]]:
    """Every query of tasks that is sent, with its parameters."""
    sent: list[tuple[str, Any]] = []

    def note(_: object, __: object, sql: str, parameters: object, *___: object) -> None:
        if "FROM task" in sql and not sql.startswith("EXPLAIN"):
            sent.append((sql, parameters))

    event.listen(db.engine, "before_cursor_execute", note)
    yield sent
    event.remove(db.engine, "before_cursor_execute", note)


def _plan(db: Database, sql: str, parameters: Any) -> list[str]:
    explain = "EXPLAIN QUERY PLAN " if db.sqlite else "EXPLAIN "
    with db.engine.connect() as connection:
        return [str(row[-1]).strip() for row in connection.exec_driver_sql(explain + sql, parameters)]


def _is_of_index(plan: list[str]) -> bool:
    """Whether a plan finds tasks in an index of the work lists, and in their order; of several counts, each."""
    parts: list[list[str]] = [[]]
    for step in plan:
        if step.startswith(("InitPlan", "SCALAR SUBQUERY")):
            parts.append([])
        else:
            parts[-1].append(step)
    return all(map(_reads_an_index, parts[1:] or parts))


def _reads_an_index(plan: list[str]) -> bool:
    told = "\n".join(plan)
    if told.removeprefix("->  ").startswith("Aggregate") and "Bitmap Index Scan on ix_task_" in told:
        return True  # few enough to count them all
    if any(
        word in told for word in ("Sort", "Seq Scan on task", "Seq Scan on cases", "TEMP B-TREE", "SCAN task")
    ):
        return False
    return any(
        (step.startswith("SEARCH task USING") and "INDEX ix_task_" in step) or "Scan using ix_task_" in step
        for step in plan
    )


LATER: dict[str, set[Tab]] = {  #: whose tabs have more than one page here
    "agent1": {"mine", "queues", "soon", "overdue"},
    "agent2": {"queues", "soon", "overdue"},
    "lead": {"all", "soon", "overdue"},
}


def test_every_page_of_every_tab_and_every_count(db: Database, statements: list[tuple[str, Any]]) -> None:
    for person in (AGENT, YUE, LEAD):
        later = set()
        for tab in inbox.tabs_of(person):
            after = None
            for number in range(3):
                page = inbox.work(db, person, tab, NOW, Filters(), after, 15)
                if number and page.rows:
                    later.add(tab)
                if (after := page.next) is None:
                    break
        assert later == LATER[person.name]
        inbox.counts(db, person, NOW)
    for after in (
        (ORDINARY, "2026-03-28T00:00:00+00:00", _number(9_000), 3),
        (ORDINARY, "", _number(9_000), 3),
    ):
        assert inbox.work(db, LEAD, "all", NOW, Filters(), after, 50).rows
        assert inbox.work(db, AGENT, "queues", NOW, Filters(), after, 50).rows
    for held in ("agent1", NOBODY):
        assert inbox.work(db, LEAD, "all", NOW, Filters(held=held), None, 50).rows
    assert len(statements) > 50
    for sql, parameters in statements:
        assert _is_of_index(plan := _plan(db, sql, parameters)), (sql, plan)
