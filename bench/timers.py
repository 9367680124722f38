"""Two thousand timers that are due at once, fired by the worker of one process, on SQLite and on PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import sqlalchemy as sa

from bench.engine import BEGIN, FIRST_DUE, bare_commits, files, open_cases
from bench.measures import Figure, figure
from bench.processes import NO_SERVER, has_server, server
from engine.app import open_gongdan
from engine.base.settings import Settings
from engine.storage.tables import timer

TIMERS = 2_000
ROUNDS = 3  #: measured in turn with bare commits; the median counts


def due_timers_2000() -> Figure:
    """Timers fired a second on SQLite, against bare commits (FULL sync)."""
    with TemporaryDirectory(prefix="gongdan-bench-") as folder:
        return _measured(Path(folder), "", lambda: bare_commits(Path(folder), TIMERS)["wall"])


def due_timers_2000_postgresql() -> Figure:
    """The same on PostgreSQL, against bare commits there, one after another."""
    if not has_server():
        return NO_SERVER
    with server() as url, TemporaryDirectory(prefix="gongdan-bench-") as folder:
        return _measured(Path(folder), url, lambda: _bare_commits(url, TIMERS))


def _measured(var: Path, url: str, bare: Callable[[], float]) -> Figure:
    gongdan = open_gongdan(Settings.from_env({}, var=var, lookup_key=b"b" * 32, database_url=url or None))
    found = []
    try:
        gongdan.releases.publish(files(full=False), "bench", "workloads", BEGIN.isoformat())
        gongdan.settle()
        due = BEGIN + FIRST_DUE + timedelta(seconds=TIMERS)
        for number in range(1, ROUNDS + 1):
            for _ in open_cases(gongdan, "callback", TIMERS):
                pass
            cpu, began = time.process_time(), time.perf_counter()
            while gongdan.timers.wake_due(due):
                pass
            seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
            fired = gongdan.db.rows(sa.select(sa.func.count()).where(timer.c.state == "fired"))[0][0]
            if fired != number * TIMERS:
                raise AssertionError(f"expected {number * TIMERS} timers to fire, but {fired} did")
            found.append((TIMERS / seconds, TIMERS / bare(), cpu / TIMERS * 1e6))
    finally:
        gongdan.close()
    ours, reference, each = sorted(found, key=lambda run: run[0] / run[1])[ROUNDS // 2]
    unit = f"per second: timers, bare commits; {each:.0f} CPU µs a timer, {TIMERS / ours:.1f} s for all"
    return figure(ours, reference, unit)


def _bare_commits(url: str, count: int) -> float:
    """Wall seconds of ``count`` commits of one row of as many bytes as a completion writes."""
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as db:
        db.execute("CREATE TABLE IF NOT EXISTS bare (body BYTEA)")
        began = time.perf_counter()
        for _ in range(count):
            db.execute("INSERT INTO bare VALUES (%s)", (b"x" * 1_200,))
        return time.perf_counter() - began
