"""Figures for those who steer the work: load, ageing, breaches; and the limits behind them.

A task is overdue or due soon on the board by the same conditions as on the lists that its figures lead to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine.people.directory import Person
from engine.people.respondents import not_about
from engine.storage.database import Database
from engine.storage.tables import OPEN_ALL, cases, incident, outbox, sla_clock, task

from .inbox import UNIT, due_soon, overdue
from .rows import shaped, text
from .work import STUCK


@dataclass(frozen=True, slots=True)
class Load:
    """Open tasks of one queue (a role and its part, see :data:`engine.queries.inbox.UNIT`) or person."""

    name: str
    unit: str
    tasks: int
    unclaimed: int
    overdue: int
    soon: int


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit and its case."""

    case_id: str
    clock: str
    parameter: str
    started: str
    due: str
    breached_at: str | None
    paused_at: str | None
    state: str
    process: str
    title: str | None


LimitCursor = tuple[str, str, str]  #: (due, case, clock) of the last row shown
_LIMIT = [
    (cases if name in ("process", "title") else sla_clock).c[name] for name in Limit.__dataclass_fields__
]
_WITH_CASE = sla_clock.join(cases, cases.c.id == sla_clock.c.case_id)
LIVE = ("running", "paused", "breached")
_LATEST = 10  #: breaches that the board itself shows


@dataclass(frozen=True, slots=True)
class Figures:
    """All of the board."""

    open_cases: int
    waiting: int
    open_tasks: int
    unclaimed: int
    overdue: int
    soon: int
    incidents: int
    messages_stuck: int
    queues: list[Load]
    people: list[Load]
    processes: list[tuple[str, int]]
    parameters: list[tuple[str, str, int]]
    breaches: list[Limit]


def figures(db: Database, person: Person, now: str) -> Figures:
    """The board of ``person`` at instant ``now``. Reads open work only, so closed cases cost nothing."""
    is_open = sa.and_(OPEN_ALL, not_about(db, person, task.c.case_id))
    of_others = not_about(db, person, cases.c.id)
    sums = [
        sa.func.count(),
        _sum(task.c.claimed_by.is_(None)),
        _sum(*overdue(now)),
        _sum(*due_soon(now)),
    ]
    with db.read() as c:
        queues = _loads(
            c.execute(sa.select(task.c.role, UNIT, *sums).where(is_open).group_by(task.c.role, UNIT)).all()
        )
        people = c.execute(
            sa.select(task.c.claimed_by, *sums)
            .where(is_open, task.c.claimed_by.is_not(None))
            .group_by(task.c.claimed_by)
        ).all()
        case_open = sa.and_(cases.c.state == "open", of_others)
        waiting = sa.select(sa.func.count(), _sum(cases.c.waiting_customer.is_not(None))).where(case_open)
        open_cases, paused = c.execute(waiting).one()
        by_process = c.execute(
            sa.select(cases.c.process, sa.func.count()).where(case_open).group_by(cases.c.process)
        ).all()
        parameters = c.execute(
            sa.select(sla_clock.c.parameter, sla_clock.c.state, sa.func.count())
            .where(sla_clock.c.state.in_(LIVE), not_about(db, person, sla_clock.c.case_id))
            .group_by(sla_clock.c.parameter, sla_clock.c.state)
            .order_by(sla_clock.c.parameter, sla_clock.c.state)
        ).all()
        breaches = c.execute(
            sa.select(*_LIMIT)
            .select_from(_WITH_CASE)
            .where(sla_clock.c.breached_at.is_not(None), not_about(db, person, sla_clock.c.case_id))
            .order_by(sla_clock.c.breached_at.desc())
            .limit(_LATEST)
        ).all()
        incidents = c.execute(
            sa.select(sa.func.count())
            .select_from(incident)
            .where(incident.c.closed_at.is_(None), not_about(db, person, incident.c.case_id))
        ).scalar_one()
        stuck = c.execute(
            sa.select(sa.func.count())
            .select_from(outbox)
            .where(outbox.c.state.in_(STUCK), not_about(db, person, outbox.c.case_id))
        ).scalar_one()
    return Figures(
        open_cases=open_cases,
        waiting=paused or 0,
        open_tasks=sum(load.tasks for load in queues),
        unclaimed=sum(load.unclaimed for load in queues),
        overdue=sum(load.overdue for load in queues),
        soon=sum(load.soon for load in queues),
        incidents=incidents,
        messages_stuck=stuck,
        queues=queues,
        people=[Load(text(row[0]), "", *(n or 0 for n in row[1:])) for row in people],
        processes=sorted(((text(row[0]), row[1]) for row in by_process), key=lambda pair: -pair[1]),
        parameters=[(text(row[0]), row[1], row[2]) for row in parameters],
        breaches=[shaped(Limit, row) for row in breaches],
    )


def limits(
    db: Database,
    person: Person,
    parameter: str,
    state: str,
    after: LimitCursor | None = None,
    limit: int = 50,
) -> tuple[list[Limit], LimitCursor | None]:
    """The limits behind a figure of the board, the earliest due first, and where the next page begins."""
    order = (sla_clock.c.due, sla_clock.c.case_id, sla_clock.c.clock)
    query = (
        sa.select(*_LIMIT)
        .select_from(_WITH_CASE)
        .where(
            sla_clock.c.parameter == parameter,
            sla_clock.c.state == state,
            not_about(db, person, sla_clock.c.case_id),
        )
        .order_by(*order)
        .limit(limit + 1)
    )
    if after:
        query = query.where(sa.tuple_(*order) > sa.tuple_(*map(sa.literal, after)))
    with db.read() as c:
        rows = [shaped(Limit, row) for row in c.execute(query)]
    last = rows[limit - 1] if len(rows) > limit else None
    return rows[:limit], (last.due, last.case_id, last.clock) if last else None


def _sum(*conditions: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.sum(sa.case((sa.and_(*conditions), 1), else_=0))


def _loads(rows: Sequence[Any]) -> list[Load]:
    """Queues, the fullest first."""
    found = [Load(text(row[0]), text(row[1]), *(n or 0 for n in row[2:])) for row in rows]
    return sorted(found, key=lambda load: (-load.overdue, -load.tasks))
