"""What health looks at, one function each: what it finds wrong, or worth a look, in words for people.

``bad`` keeps the process out of service until it is mended; ``warn`` is for somebody to look at.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from engine.app import Gongdan
from engine.base.instants import iso
from engine.storage.database import Database
from engine.storage.tables import cases, history, setting
from engine.storage.upsert import put

from .figures import Figures
from .pulse import Beat, clock_of
from .told import Told

OK, WARN, BAD = "ok", "warn", "bad"
DATABASE, FILES, CLOCK, RELEASE, WORKER, TIMERS, OUTBOX, INCIDENTS = (
    "database",
    "files",
    "clock",
    "release",
    "worker",
    "timers",
    "outbox",
    "incidents",
)
LEAST_FREE = 4 << 20  #: bytes that a folder must still take
LITTLE_FREE = 512 << 20  #: bytes from which on somebody should make room
CLOCK_OFF = timedelta(minutes=1)  #: more than any clock that is kept right differs from another
TIMERS_LATE, MESSAGES_LATE = 60.0, 300.0  #: seconds
_PROBE, _LATEST = (
    "health",
    "health.latest",
)  #: what is written to see whether anything can be; when it last was
_PAGES = 16_384  #: random bytes written: more than what a nearly full disk has left in pages of SQLite already taken


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; ``detail`` is what the system said, in its own words: not for everybody."""

    name: str
    state: str = OK
    told: list[Told] = field(default_factory=list)
    detail: str = ""

    @property
    def well(self) -> bool:
        """Whether the process can do its work as far as this goes."""
        return self.state != BAD


def found(name: str, bad: Iterable[Told] = (), warn: Iterable[Told] = (), detail: str = "") -> Check:
    """The check ``name`` with what is bad and what is worth a look."""
    wrong, odd = list(bad), list(warn)
    return Check(name, BAD if wrong else WARN if odd else OK, [*wrong, *odd], detail)


# ---------------------------------------------------------------- the machine
def write(db: Database, now: datetime) -> str | None:
    """Write and commit as much as a command does; raises :class:`Unavailable` when that cannot be.

    Returns the latest instant at which that was done before, by any process and its clock.
    """
    mark = secrets.token_hex(_PAGES if db.sqlite else 8)
    with db.begin() as connection:
        before = connection.scalar(sa.select(setting.c.value).where(setting.c.key == _LATEST))
        connection.execute(put(db, setting, {"key": _PROBE, "value": mark}))
        if before is None or before < iso(now):
            connection.execute(put(db, setting, {"key": _LATEST, "value": iso(now)}))
    return before


def folders(gongdan: Gongdan) -> dict[str, Path]:
    """Where this process keeps files: attachments, and the database when it is one."""
    file = gongdan.db.engine.url.database if gongdan.db.sqlite else None
    places = {"files": gongdan.settings.var, **({"database": Path(file).parent} if file else {})}
    return {name: place for name, place in places.items() if place.exists()}


def room(gongdan: Gongdan) -> dict[str, float]:
    """Bytes that are free, by what is kept there."""
    free = {}
    for name, place in folders(gongdan).items():
        try:
            has = os.statvfs(place)
        except OSError:
            continue
        free[name] = float(has.f_bavail * has.f_frsize)
    return free


def files(gongdan: Gongdan, free: dict[str, float]) -> Check:
    """Whether files can be kept."""
    bad, warn, details = [], [], []
    for name, place in folders(gongdan).items():
        if name not in free or not os.access(place, os.W_OK):
            bad.append(Told("The folder for files cannot be written to"))
        elif free[name] < LEAST_FREE:
            bad.append(Told("Less than {megabytes} MB are left on the disk", megabytes=LEAST_FREE >> 20))
        elif free[name] < LITTLE_FREE:
            warn.append(Told("Less than {megabytes} MB are left on the disk", megabytes=LITTLE_FREE >> 20))
        else:
            continue
        details.append(str(place))
    return found(FILES, bad[:1], warn[:1], ", ".join(details))


def skew_of(gongdan: Gongdan, connection: sa.Connection, before: str | None) -> float | None:
    """Seconds that the clock is ahead of the server's; without a server, how far behind what was recorded (negative).

    None in a simulated database, whose clock is its own.
    """
    if gongdan.keys.seed is not None:
        return None
    now = gongdan.wall()
    if not gongdan.db.sqlite:
        return (gongdan.wall() - clock_of(gongdan.db, connection, now)).total_seconds()
    newest = sa.select(cases.c.id).order_by(cases.c.opened_at.desc(), cases.c.id.desc()).limit(1)
    last = sa.select(history.c.recorded_at).where(history.c.case_id == newest.scalar_subquery())
    recorded = connection.scalar(last.order_by(history.c.seq.desc()).limit(1))
    latest = max((known for known in (before, recorded) if known is not None), default=iso(now))
    return min(0.0, (now - datetime.fromisoformat(latest)).total_seconds())


def clock(gongdan: Gongdan, skew: float | None, beats: Iterable[Beat]) -> Check:
    """Whether the clock is right, as far as that can be known; those of other processes are worth a look."""
    off, bad = CLOCK_OFF.total_seconds(), []
    if skew is not None and abs(skew) > off:
        seconds = round(abs(skew))
        bad = [
            Told("The clock is {seconds} s behind what was recorded last", seconds=seconds)
            if gongdan.db.sqlite
            else Told("The clock is {seconds} s away from that of the database server", seconds=seconds)
        ]
    others = [
        Told("The clock of {host} is {seconds} s off", host=beat.host, seconds=round(beat.skew))
        for beat in beats
        if beat.fresh and beat.skew is not None and abs(beat.skew) > off
    ]
    return found(CLOCK, bad, others)


# ---------------------------------------------------------------- the work
def worker(faults: list[Told] | None, beats: Iterable[Beat], lost: Iterable[Beat], *, needed: bool) -> Check:
    """Whether somebody works: the one in this process (``faults``), or where there is none, any."""
    bad = faults or []
    if faults is None and needed and not any(beat.fresh and beat.works for beat in beats):
        bad = [Told("No worker gives a sign of life")]
    missed = [
        Told(
            "Process {pid} on {host} ended without a word; its last sign of life was at {at}",
            pid=beat.pid,
            host=beat.host,
            at=beat.beat_at,
        )
        for beat in lost
    ]
    return found(WORKER, bad, missed)


def timers(figures: Figures, beats: Iterable[Beat]) -> Check:
    """Whether what is due gets done."""
    stuck = [beat.stuck_timer for beat in beats if beat.fresh and beat.stuck_timer]
    late = figures.timer_lag > TIMERS_LATE
    return found(
        TIMERS,
        [Told("The worker does not get past a timer that is due since {at}", at=min(stuck))] if stuck else [],
        [Told("Timers are {seconds} s late", seconds=round(figures.timer_lag))] if late else [],
    )


def messages(figures: Figures, beats: Iterable[Beat]) -> Check:
    """Whether what is to be sent is sent."""
    stuck = [beat.stuck_message for beat in beats if beat.fresh and beat.stuck_message]
    late = figures.message_lag > MESSAGES_LATE
    return found(
        OUTBOX,
        [Told("The worker does not get past a message that is due since {at}", at=min(stuck))]
        if stuck
        else [],
        [Told("Messages are {seconds} s late", seconds=round(figures.message_lag))] if late else [],
    )


def incidents(figures: Figures) -> Check:
    """Whether people are waited for to mend a step."""
    count = figures.incidents
    return found(INCIDENTS, warn=[Told("{count} incidents wait for somebody", count=count)] if count else [])
