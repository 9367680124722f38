"""Import and simulation of the real file of 851 complaints; the reference is the bare commits they need."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa

from bench.measures import Figure, figure
from engine.app import Gongdan, open_gongdan
from engine.base.instants import iso
from engine.base.settings import Settings
from engine.cli.simulate import LIVE, UNHURRIED
from engine.intake import mapping
from engine.intake.importing import import_file
from engine.simulate.arrivals import Load
from engine.simulate.running import simulate
from engine.storage.tables import history
from tests.real_data import folder

UNTIL = datetime(2015, 6, 30, 16, tzinfo=UTC)  #: 1 July 2015 in Shanghai


def import_851_s() -> Figure:
    """Seconds to make 851 cases of the real file, against committing as many bare rows."""
    if (path := _file()) is None:
        return {"skipped": "the real complaints are not here (GONGDAN_REAL_DATA)"}
    with _empty("FULL") as gongdan:
        ours = _seconds(lambda: import_file(gongdan, path, mapping.load("comcast")))
        return figure(ours, _bare_commits(gongdan), "s for 851 cases (bare commits of as many rows)")


def simulate_851_s() -> Figure:
    """Seconds to work those cases, and what else arrives, to their end, against as many bare commits."""
    if (path := _file()) is None:
        return {"skipped": "the real complaints are not here (GONGDAN_REAL_DATA)"}
    with _empty(UNHURRIED) as gongdan:
        import_file(gongdan, path, mapping.load("comcast"))
        ours = _seconds(lambda: simulate(gongdan, seed="1", agents=8, until=UNTIL))
        commits = _bare_commits(gongdan)
        return figure(ours, commits, "s to the end of all cases (bare commits of as many rows)")


def simulate_mixed_5000() -> Figure:
    """Seconds to work 5,000 cases of all processes over a quarter with holidays, against as many bare commits."""
    load = Load(5_000, date(2026, 1, 1), date(2026, 3, 31))
    with _empty(UNHURRIED, iso(load.begins)) as gongdan:
        ours = _seconds(lambda: simulate(gongdan, seed="1", load=load))
        commits = _bare_commits(gongdan)
        return figure(ours, commits, "s to the end of all cases (bare commits of as many rows)")


def _file() -> Path | None:
    real = folder()
    return real / "complaints" / "comcast_2015_01_05.csv" if real else None


@contextmanager
def _empty(synchronous: str, published: str | None = None) -> Iterator[Gongdan]:
    """A simulated installation on SQLite, everything published: now, or as of an instant."""
    with TemporaryDirectory() as temporary:
        settings = Settings.from_env({}, var=Path(temporary), lru=LIVE)
        gongdan = open_gongdan(settings, synchronous=synchronous)
        gongdan.keys.mark_simulated("1")
        gongdan.publish_folder(at=published)
        try:
            yield gongdan
        finally:
            gongdan.close()


def _bare_commits(gongdan: Gongdan) -> float:
    """Seconds to commit the history of this database again, row by row, on a connection of the same kind."""
    rows: list[Any] = [tuple(row) for row in gongdan.db.rows(sa.select(history.c.command, history.c.effects))]
    with gongdan.db.read() as connection:
        raw: Any = connection.connection.driver_connection
        raw.execute("CREATE TABLE bare (command BLOB, effects BLOB)")

        def commit_all() -> None:
            for row in rows:
                raw.execute("BEGIN IMMEDIATE")
                raw.execute("INSERT INTO bare VALUES (?, ?)", row)
                raw.execute("COMMIT")

        return _seconds(commit_all)


def _seconds(work: Any) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
