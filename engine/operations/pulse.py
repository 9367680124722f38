"""Each process that serves or works says every other second that it lives; a worker also, whether it gets past a thing.

From these rows the others know of it: a worker that was killed says nothing any more, and a timer that is due and
stays first in the line while the worker goes round is stuck. The row also carries what the process counted, so that
any process can tell the counts of all.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import sqlalchemy as sa
import structlog

from engine.app import Gongdan
from engine.base import metrics
from engine.base.errors import GongdanError
from engine.base.instants import iso
from engine.delivery import outbox as sending
from engine.delivery import timers
from engine.delivery.leases import free
from engine.storage.database import Database
from engine.storage.process_tables import pulse
from engine.storage.tables import cases, outbox
from engine.storage.upsert import insert, put

from . import counts
from .told import Told
from .worker import TIMERS

EVERY = 2.0  #: seconds from one sign of life to the next
FRESH = timedelta(seconds=6)  #: who was silent for longer is not alive
COUNTS_EVERY = 10.0  #: seconds from one telling of the counts to the next
FORGOTTEN = timedelta(minutes=10)  #: after so long nobody is told any more of one that ended without a word
STILL = 4.0  #: seconds that something stays first in the line, though the worker goes round, until it counts as stuck
SERVE, WORKER, ENDED = "serve", "worker", "ended"
log = structlog.get_logger("gongdan.pulse")


class Works(Protocol):
    """A worker, as its pulse sees it."""

    rounds: int  #: that it has finished
    doing: str  #: the kind of work it is at; empty where several go on at once

    def faults(self) -> list[Told]:
        """Why it does not work though it should; empty while it does."""


@dataclass(frozen=True, slots=True)
class Beat:
    """A process as its row tells; ``fresh``: it was alive a moment ago."""

    id: str
    kind: str
    host: str
    pid: int
    started_at: str
    beat_at: str
    works: bool
    skew: float | None
    stuck_timer: str | None
    stuck_message: str | None
    counted: str
    fresh: bool


def clock_of(db: Database, connection: sa.Connection, wall: datetime) -> datetime:
    """The clock that all processes share: that of the server, or where there is none ``wall``."""
    if db.sqlite:
        return wall
    asked = sa.select(sa.func.clock_timestamp(type_=sa.DateTime(timezone=True)))
    return connection.execute(asked).scalar_one().astimezone(UTC)


def read(db: Database, connection: sa.Connection, wall: datetime) -> list[Beat]:
    """All processes that are known of, the oldest first."""
    now = clock_of(db, connection, wall)
    rows = connection.execute(sa.select(pulse).order_by(pulse.c.started_at, pulse.c.id))
    return [
        Beat(**{**row._mapping, "works": bool(row.works)}, fresh=_is_fresh(row.kind, row.beat_at, now))
        for row in rows
    ]


def _is_fresh(kind: str, beat_at: str, now: datetime) -> bool:
    return kind != ENDED and abs(now - datetime.fromisoformat(beat_at)) < FRESH


class Pulse:
    """The signs of life of this process, from a thread of their own."""

    def __init__(self, gongdan: Gongdan, kind: str, worker: Works | None = None) -> None:
        """``kind``: :data:`SERVE` or :data:`WORKER`; ``worker``: the one in this process, if there is one."""
        self.id = secrets.token_hex(8)
        self._gongdan, self._kind, self._worker = gongdan, kind, worker
        self._host, self._started = socket.gethostname(), iso(gongdan.wall())
        self._told, self._failing = float("-inf"), False
        self._unclaimed, self._first, self._unsent = _Line(), _Line(), _Line()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="gongdan-pulse", daemon=True)

    def start(self) -> None:
        """Begin, in a thread of its own."""
        self._thread.start()

    def stop(self, timeout: float = 3.0) -> None:
        """End, and say so: nobody will miss this process (``timeout`` in seconds)."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout)
        if not self._thread.is_alive():
            self._attempt(self._say_goodbye)

    def _run(self) -> None:
        self._attempt(self._replace)
        self._attempt(self.beat)
        while not self._stopped.wait(EVERY):
            self._attempt(self.beat)

    def _attempt(self, act: Callable[[], None]) -> None:
        try:
            act()
            self._failing = False
        except GongdanError as error:  # the database is away: health says so; it is logged once
            if not self._failing:
                log.warning("no sign of life could be given", error=str(error))
            self._failing = True

    # ------------------------------------------------------------ beats
    def beat(self) -> None:
        """Say once that this process lives. Raises :class:`Unavailable` when that cannot be written."""
        db = self._gongdan.db
        told = time.monotonic()
        whole = told - self._told >= COUNTS_EVERY
        with db.begin() as connection:
            row = self._row(connection)
            if not whole:
                this = sa.update(pulse).where(pulse.c.id == self.id)
                whole = not connection.execute(this.values(row)).rowcount
            if whole:
                metrics.live_cases.set(self._gongdan.dispatcher.live_count)
                row |= {"id": self.id, "counted": counts.written(counts.counted())}
                connection.execute(put(db, pulse, row))
                self._forget(connection, row["beat_at"])
        if whole:
            self._told = told

    def _row(self, connection: sa.Connection) -> dict[str, Any]:
        wall = self._gongdan.wall()
        now = clock_of(self._gongdan.db, connection, wall)
        works = self._worker is not None and not self._worker.faults()
        return {
            "kind": self._kind,
            "host": self._host,
            "pid": os.getpid(),
            "started_at": self._started,
            "beat_at": iso(now),
            "works": int(works),
            "skew": None if self._gongdan.db.sqlite else (wall - now).total_seconds(),
            "stuck_timer": self._stuck_timer(connection, wall),
            "stuck_message": self._stuck_message(connection, wall),
        }

    # ------------------------------------------------------------ what the worker does not get past
    def _stuck_timer(self, connection: sa.Connection, now: datetime) -> str | None:
        """Since when a timer is due that nobody claims though the worker goes round, or that it does not get done."""
        if self._worker is None:
            return None
        due = sa.select(cases.c.id, cases.c.next_due).where(cases.c.next_due <= iso(now))
        due = due.order_by(cases.c.next_due, cases.c.id).limit(1)
        unclaimed = due.where(free(cases.c.wake_lease, now, timers.LEASE))
        passed = self._unclaimed.stands(connection.execute(unclaimed).one_or_none(), self._worker.rounds)
        at_it = self._worker.doing == TIMERS
        first = connection.execute(due).one_or_none() if at_it else None
        return passed or self._first.stands(first, None)

    def _stuck_message(self, connection: sa.Connection, now: datetime) -> str | None:
        """The same of messages; while one is being sent, a slow gateway may keep the others waiting."""
        if self._worker is None:
            return None
        is_due = sa.and_(outbox.c.state == "pending", outbox.c.next_at <= iso(now))
        claimable = free(outbox.c.lease, now, sending.LEASE)
        due = sa.select(outbox.c.id, outbox.c.next_at).where(is_due, claimable)
        first = connection.execute(due.order_by(outbox.c.next_at, outbox.c.id).limit(1)).one_or_none()
        under_way = sa.or_(outbox.c.state == "sending", sa.and_(is_due, ~claimable))
        if first is not None and connection.execute(sa.select(outbox.c.id).where(under_way).limit(1)).first():
            first = None
        return self._unsent.stands(first, self._worker.rounds)

    # ------------------------------------------------------------ processes that ended
    def _say_goodbye(self) -> None:
        with self._gongdan.db.begin() as connection:
            row = self._row(connection) | {"id": self.id, "counted": counts.written(counts.counted())}
            connection.execute(put(self._gongdan.db, pulse, row))
            self._fold(connection, pulse.c.id == self.id)

    def _replace(self) -> None:
        """Take the place of one of this kind that ended on this machine without a word."""
        same = sa.select(pulse.c.id, pulse.c.pid).where(
            pulse.c.kind == self._kind, pulse.c.host == self._host
        )
        with self._gongdan.db.begin() as connection:
            ended = [id for id, pid in connection.execute(same) if not _runs(pid)]
            self._fold(connection, pulse.c.id.in_(ended))

    def _forget(self, connection: sa.Connection, now: str) -> None:
        long_ago = iso(datetime.fromisoformat(now) - FORGOTTEN)
        self._fold(connection, sa.and_(pulse.c.kind != ENDED, pulse.c.beat_at < long_ago))

    def _fold(self, connection: sa.Connection, which: sa.ColumnElement[bool]) -> None:
        """Add what processes counted to that of those that ended, and take their rows away."""
        gone = connection.execute(sa.delete(pulse).where(which).returning(pulse)).all()
        if not gone:
            return
        empty = {**gone[0]._mapping, "id": ENDED, "kind": ENDED, "works": 0, "counted": "[]"}
        connection.execute(insert(self._gongdan.db.sqlite, pulse).values(empty).on_conflict_do_nothing())
        this = pulse.c.id == ENDED
        before = connection.execute(sa.select(pulse.c.counted).where(this).with_for_update()).scalar_one()
        total = counts.added([before, *(row.counted for row in gone)])
        connection.execute(sa.update(pulse).where(this).values(counted=counts.written(total, ended=True)))


def _runs(pid: int) -> bool:
    """Whether there is another process of this number on this machine."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return pid != os.getpid()  # in a container the one before had the same


class _Line:
    """Whether the same thing stays first in a line while whoever should take it goes by."""

    def __init__(self) -> None:
        self._first: tuple[Any, ...] | None = None
        self._since, self._rounds = 0.0, 0

    def stands(self, first: sa.Row[*tuple[Any, ...]] | None, rounds: int | None) -> str | None:
        """Since when ``first`` (what it is, when it was due) is due, once it counts as stuck.

        ``rounds``: how often the worker went round by now; None where it is at this very work.
        """
        now = time.monotonic()
        if first is None or tuple(first) != self._first:
            self._first = None if first is None else tuple(first)
            self._since, self._rounds = now, rounds or 0
            return None
        went_by = rounds is None or rounds - self._rounds >= 2
        return str(first[1]) if went_by and now - self._since >= STILL else None
