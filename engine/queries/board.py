"""Figures for those who steer the work: load, ageing, breaches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from engine.db.database import Database
from engine.db.tables import OPEN_ALL, cases, incident, outbox, sla_clock, task

from .inbox import SOON


@dataclass(frozen=True, slots=True)
class Load:
    """Open tasks of one queue or person."""

    name: str
    tasks: int
    unclaimed: int
    overdue: int
    soon: int


@dataclass(frozen=True, slots=True)
class Breach:
    """A limit that has passed and its case."""

    case_id: str
    parameter: str
    due: str
    breached_at: str
    state: str
    process: str


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
    breaches: list[Breach]


def figures(db: Database, now: str) -> Figures:
    """The board at instant ``now``. Reads open work only, so closed cases cost nothing."""
    soon = (datetime.fromisoformat(now) + SOON).isoformat(timespec="seconds")
    queue = sa.func.coalesce(task.c.department, task.c.skill, "")
    is_open = OPEN_ALL
    sums = [
        sa.func.count(),
        _sum(task.c.claimed_by.is_(None)),
        _sum(task.c.due_at <= now),
        _sum(sa.and_(task.c.due_at > now, task.c.due_at <= soon)),
    ]
    with db.read() as c:
        queues = _loads(
            c.execute(sa.select(task.c.role, queue, *sums).where(is_open).group_by(task.c.role, queue)).all()
        )
        people = c.execute(
            sa.select(task.c.claimed_by, *sums)
            .where(is_open, task.c.claimed_by.is_not(None))
            .group_by(task.c.claimed_by)
        ).all()
        case_open = cases.c.state == "open"
        waiting = sa.select(sa.func.count(), _sum(cases.c.waiting_customer.is_not(None))).where(case_open)
        open_cases, paused = c.execute(waiting).one()
        by_process = c.execute(
            sa.select(cases.c.process, sa.func.count()).where(case_open).group_by(cases.c.process)
        ).all()
        parameters = c.execute(
            sa.select(sla_clock.c.parameter, sla_clock.c.state, sa.func.count())
            .where(sla_clock.c.state.in_(("running", "paused", "breached")))
            .group_by(sla_clock.c.parameter, sla_clock.c.state)
            .order_by(sla_clock.c.parameter, sla_clock.c.state)
        ).all()
        breaches = c.execute(
            sa.select(
                sla_clock.c.case_id,
                sla_clock.c.parameter,
                sla_clock.c.due,
                sla_clock.c.breached_at,
                sla_clock.c.state,
                cases.c.process,
            )
            .join(cases, cases.c.id == sla_clock.c.case_id)
            .where(sla_clock.c.breached_at.is_not(None))
            .order_by(sla_clock.c.breached_at.desc())
            .limit(30)
        ).all()
        incidents = c.execute(
            sa.select(sa.func.count()).select_from(incident).where(incident.c.closed_at.is_(None))
        ).scalar_one()
        stuck = c.execute(
            sa.select(sa.func.count()).select_from(outbox).where(outbox.c.state.in_(("unknown", "failed")))
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
        people=[Load(row[0], *(n or 0 for n in row[1:])) for row in people],
        processes=sorted(((row[0], row[1]) for row in by_process), key=lambda pair: -pair[1]),
        parameters=[(row[0], row[1], row[2]) for row in parameters],
        breaches=[Breach(*row) for row in breaches],
    )


def _sum(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.sum(sa.case((condition, 1), else_=0))


def _loads(rows: Sequence[Any]) -> list[Load]:
    """Queues, the fullest first; the name is ``role/department or skill``."""
    found = [Load(f"{row[0]}/{row[1]}".rstrip("/"), *(n or 0 for n in row[2:])) for row in rows]
    return sorted(found, key=lambda load: (-load.overdue, -load.tasks))
