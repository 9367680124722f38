"""Running a simulation on a database: may it be simulated, who works there, from when, until when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import sqlalchemy as sa

from engine.app import Gongdan
from engine.db.tables import cases, setting
from engine.errors import Rejected
from engine.simulate.behaviour import Behaviour
from engine.simulate.decks import generator
from engine.simulate.report import SimulationReport, report
from engine.simulate.staff import NO_PASSWORD, ZONE, Worker, hire
from engine.simulate.world import World

REACHED = "simulated_until"  #: setting: the simulated instant that the last run came to
LONGEST = timedelta(days=180)  #: a run without --until ends so long after its last complaint


def simulate(
    gongdan: Gongdan,
    *,
    seed: str | None = None,
    agents: int = 8,
    until: datetime | None = None,
    on_progress: Callable[[datetime], object] | None = None,
) -> SimulationReport:
    """Work the open cases of a simulated database until ``until`` and count what it holds then.

    An empty database is marked as simulated with ``seed`` first. ``seed`` decides everything by chance; without one
    the database's own seed is taken. Raises Rejected for a database with cases that is not marked.
    """
    seed = mark(gongdan, seed)
    workers = hire(agents, generator(seed, "staff"), gongdan.releases.current().roles.lanes)
    introduce(gongdan, workers)
    found = gongdan.db.rows(
        sa.select(cases.c.id, cases.c.at)
        .where(cases.c.state == "open")
        .order_by(cases.c.opened_at, cases.c.id)
    )
    left_aside: list[str] = []
    if found:
        first, last = min(row.at for row in found), max(row.at for row in found)
        start = max(datetime.fromisoformat(first), reached(gongdan) or datetime.min.replace(tzinfo=UTC))
        end = until or datetime.fromisoformat(last) + LONGEST
        world = World(gongdan, Behaviour(seed), workers, start.replace(microsecond=0), end)
        world.run([row.id for row in found], on_progress)
        _put(gongdan, REACHED, world.schedule.now.isoformat())
        left_aside = world.left_aside
    return replace(report(gongdan.db), left_aside=left_aside)


def mark(gongdan: Gongdan, seed: str | None) -> str:
    """The seed to use; an empty database is marked as simulated with it."""
    own = gongdan.keys.seed
    if own is None:
        if gongdan.db.rows(sa.select(cases.c.id).limit(1)):
            raise Rejected(
                "Expected a simulated database, but this one holds real cases; "
                "mark an empty one with `run.py db upgrade --simulated` and import there"
            )
        own = seed or "1"
        gongdan.keys.mark_simulated(own)
    return seed or own


def introduce(gongdan: Gongdan, workers: list[Worker]) -> None:
    """Give the synthetic people accounts that nobody can sign in to."""
    known = {person.name for person in gongdan.people.all()}
    missing = [worker.person for worker in workers if worker.person.name not in known]
    if missing:
        gongdan.people.add_many(missing, NO_PASSWORD)


def reached(gongdan: Gongdan) -> datetime | None:
    """Where the last run on this database ended."""
    rows = gongdan.db.rows(sa.select(setting.c.value).where(setting.c.key == REACHED))
    return datetime.fromisoformat(rows[0][0]) if rows else None


def parse_until(text: str) -> datetime:
    """An ISO instant; a day alone means its first moment, and no offset means Shanghai. Raises ValueError."""
    if len(text) == len("2015-07-01"):
        return datetime.combine(date.fromisoformat(text), time(), ZONE).astimezone(UTC)
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=ZONE)).astimezone(UTC)


def _put(gongdan: Gongdan, key: str, value: str) -> None:
    with gongdan.db.begin() as connection:
        connection.execute(sa.delete(setting).where(setting.c.key == key))
        connection.execute(sa.insert(setting).values(key=key, value=value))
