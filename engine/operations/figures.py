"""How the work of the whole installation stands, from the database: each figure from an index, in milliseconds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from engine.base.instants import iso
from engine.storage.tables import cases, incident, outbox, sla_clock

LEFT = (
    "pending",
    "sending",
    "unknown",
    "failed",
)  #: states of messages that something is still to be done about


@dataclass(frozen=True, slots=True)
class Figures:
    """What waits, and for how long (seconds)."""

    timers_due: int
    timer_lag: float
    messages: dict[str, int]  #: by state, of those in :data:`LEFT`
    message_lag: float
    incidents: int
    breached: int


def read(connection: sa.Connection, now: datetime) -> Figures:
    """The figures at ``now`` (aware)."""
    due = sa.select(sa.func.count(), sa.func.min(cases.c.next_due)).where(cases.c.next_due <= iso(now))
    timers, oldest_timer = connection.execute(due).one()
    waiting = sa.select(sa.func.min(outbox.c.next_at)).where(
        outbox.c.state == "pending", outbox.c.next_at <= iso(now)
    )
    by_state = sa.select(outbox.c.state, sa.func.count()).where(outbox.c.state.in_(LEFT))
    counted: dict[str, int] = dict(connection.execute(by_state.group_by(outbox.c.state)).all())
    return Figures(
        timers_due=timers,
        timer_lag=_since(oldest_timer, now),
        messages={state: counted.get(state, 0) for state in LEFT},
        message_lag=_since(connection.scalar(waiting), now),
        incidents=_count(connection, incident, incident.c.closed_at.is_(None)),
        breached=_count(connection, sla_clock, sla_clock.c.state == "breached"),
    )


def _count(connection: sa.Connection, table: sa.Table, which: sa.ColumnElement[bool]) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(table).where(which)).scalar_one()


def _since(instant: str | None, now: datetime) -> float:
    return 0.0 if instant is None else max(0.0, (now - datetime.fromisoformat(instant)).total_seconds())
