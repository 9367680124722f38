"""Running a simulation on a database: may it be simulated, who works there, from when, until when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import sqlalchemy as sa

from engine.app import Gongdan
from engine.base.errors import Rejected
from engine.base.instants import SHANGHAI
from engine.storage.tables import cases, setting

from .arrivals import Load, beside_complaints, mixed
from .behaviour import Behaviour
from .customers import called, stories
from .report import SimulationReport, report
from .simulator import World
from .staff import LONG_AGO, NO_PASSWORD, Worker, hire
from .stratified import generator

YEARS = range(1970, 2201)  #: that can be simulated; in others calendars and clocks come to their ends
REACHED = "simulated_until"  #: setting: the simulated instant that the last run came to
LONGEST = timedelta(days=180)  #: a run without --until ends so long after its last complaint
AGENTS = 8  #: at the front line, where nothing says how many
A_DAY = 4  #: new cases that an agent of the front line, and ten that the people of another duty, can take in a day


def simulate(
    gongdan: Gongdan,
    *,
    seed: str | None = None,
    agents: int | None = None,
    until: datetime | None = None,
    load: Load | None = None,
    on_progress: Callable[[datetime], object] | None = None,
) -> SimulationReport:
    """Work the open cases of a simulated database, and those of ``load``, until ``until``; count what it holds then.

    An empty database is marked as simulated with ``seed`` first. ``seed`` decides everything by chance; without one
    the database's own seed is taken. Without ``agents`` there are eight at the front line, or as many as a load needs.
    Raises Rejected for a database with cases that is not marked, and for a load that begins before the instant to
    which the database was simulated.
    """
    seed = mark(gongdan, seed)
    release, before = gongdan.releases.current(), reached(gongdan)
    if load is not None and before is not None and load.begins < before:
        raise Rejected(
            "Expected a load that begins after {last}, to which this database is simulated already; "
            "simulate it in a new database, or later",
            last=before.isoformat(),
        )
    front, each = staff_for(load)
    workers = hire(
        agents or front, generator(seed, "staff"), release.roles.lanes, release.time.calendar, each
    )
    introduce(gongdan, workers)
    found = gongdan.db.rows(
        sa.select(cases.c.id, cases.c.at)
        .where(cases.c.state == "open")
        .order_by(cases.c.opened_at, cases.c.id)
    )
    left_aside: list[str] = []
    if found or load is not None:
        opened = [datetime.fromisoformat(row.at) for row in found]
        start = max(min([*opened, *([load.begins] if load else [])]), before or LONG_AGO)
        last = max([*opened, *([load.ends] if load else [])])
        business = mixed(seed, load, release) if load else beside_complaints(seed, start, last)
        behaviour = Behaviour(seed)
        behaviour.learn(stories(release, behaviour.untold), called(release))
        world = World(gongdan, behaviour, workers, start.replace(microsecond=0), until or last + LONGEST)
        world.run([row.id for row in found], business, on_progress)
        _put(gongdan, REACHED, world.schedule.now.isoformat())
        left_aside = [f"{case_id}: {reason}" for case_id, reason in world.left_aside.items()]
    return replace(report(gongdan), left_aside=left_aside)


def staff_for(load: Load | None) -> tuple[int, int]:
    """How many work at the front line, and how many for each other duty."""
    if load is None:
        return AGENTS, 2
    daily = load.cases / ((load.last - load.first).days + 1)
    return max(AGENTS, round(daily / A_DAY)), max(2, round(daily / A_DAY / 10) * 2)


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
    wanted = f"expected a day or an instant such as 2026-03-31 or 2026-03-31T18:00, but it is {text!r}"
    try:
        if len(text) == len("2015-07-01"):
            moment = datetime.combine(date.fromisoformat(text), time())
        else:
            moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(wanted) from None
    if moment.year not in YEARS:
        raise ValueError(f"{wanted}; a simulation can be of the years {YEARS.start} to {YEARS.stop - 1}")
    return (moment if moment.tzinfo else moment.replace(tzinfo=SHANGHAI)).astimezone(UTC)


def _put(gongdan: Gongdan, key: str, value: str) -> None:
    with gongdan.db.begin() as connection:
        connection.execute(sa.delete(setting).where(setting.c.key == key))
        connection.execute(sa.insert(setting).values(key=key, value=value))
