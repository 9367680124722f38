"""Whether this process can do its work: write, keep files, wake what is due. Asked by load balancers and monitors.

What is found out is for the log and for administrators; strangers hear one word.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa
import structlog

from engine.app import Gongdan
from engine.base.errors import GongdanError
from engine.base.instants import iso
from engine.storage.tables import cases, outbox, setting
from engine.storage.upsert import put

from .worker import Worker

PATIENCE = 2.0  #: seconds that whoever asks waits at most
FRESH = 1.0  #: seconds an answer is good for: many who ask cost no more than one
LEAST_FREE = 4 << 20  #: bytes that a folder must still take
OVERDUE = timedelta(minutes=5)  #: nobody even tried for so long what was due
OK, UNPUBLISHED, UNWRITABLE, IDLE = (
    "ok",
    "no release is published",
    "nothing can be written",
    "the worker stands still",
)
_PROBE = "health"  #: the setting that is written to see whether anything can be
_PAGES = 16_384  #: random bytes written: more than what a nearly full disk has left in pages of SQLite already taken
log = structlog.get_logger("gongdan.health")


@dataclass(frozen=True, slots=True)
class State:
    """How things are: one ``word`` for everybody, and what was found for those who may know."""

    word: str
    release: int | None = None
    found: list[str] = field(default_factory=list)


class Health:
    """The health of one process. Looks in a thread of its own: what hangs there keeps nobody waiting."""

    def __init__(self, gongdan: Gongdan, worker: Worker | None = None) -> None:
        """``worker``: the one this process must have running; None where there is none to have."""
        self._gongdan, self._worker = gongdan, worker
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self._looking: threading.Event | None = None
        self._last, self._looked = State(OK), float("-inf")
        self._told = OK

    def look(self) -> State:
        """How things are now, or a second ago; at once unwell when that cannot be found out."""
        with self._lock:
            if self._looking is None and time.monotonic() - self._looked > FRESH:
                self._looking = threading.Event()
                threading.Thread(
                    target=self._examine, args=[self._looking], name="gongdan-health", daemon=True
                ).start()
            looking = self._looking
        if looking is not None and not looking.wait(PATIENCE):
            return self._tell(State(UNWRITABLE, found=["the database does not answer"]))
        return self._tell(self._last)

    def _tell(self, state: State) -> State:
        """Log what has changed, once."""
        with self._lock:
            changed, self._told = state.word != self._told, state.word
        if changed and state.word == OK:
            log.info("well again")
        elif changed:
            log.error("not well", state=state.word, found="; ".join(state.found))
        return state

    def _examine(self, done: threading.Event) -> None:
        release, state = None, State(UNWRITABLE, found=["looking failed"])
        try:
            release = self._gongdan.releases.current_number()
            state = self._state(release)
        except GongdanError as error:
            state = State(UNWRITABLE, release, [str(error)])
        finally:
            with self._lock:
                self._last, self._looked, self._looking = state, time.monotonic(), None
            done.set()

    def _state(self, release: int | None) -> State:
        self._write()
        if full := [told for folder in self._folders() if (told := _fault(folder))]:
            return State(UNWRITABLE, release, full)
        if release is None:
            return State(UNPUBLISHED)
        if self._worker is not None and (idle := [*self._worker.faults(), *self._overdue()]):
            return State(IDLE, release, idle)
        return State(OK, release)

    def _write(self) -> None:
        """Write and commit as much as a command does; raises :class:`Unavailable` when that cannot be."""
        db = self._gongdan.db
        mark = secrets.token_hex(_PAGES if db.sqlite else 8)
        with db.begin() as connection:
            connection.execute(put(db, setting, {"key": _PROBE, "value": mark}))

    def _folders(self) -> list[Path]:
        """Where this process keeps files: attachments, and the database when it is one."""
        file = self._gongdan.db.engine.url.database if self._gongdan.db.sqlite else None
        found = [self._gongdan.settings.var, *([Path(file).parent] if file else [])]
        return [folder for folder in dict.fromkeys(found) if folder.exists()]

    def _overdue(self) -> list[str]:
        """What is due for long and what nobody claims; a process that just started has had no time for it."""
        if time.monotonic() - self._began < OVERDUE.total_seconds():
            return []
        past = iso(self._gongdan.wall() - OVERDUE)
        timer = sa.select(sa.func.min(cases.c.next_due)).where(
            cases.c.next_due < past, _unclaimed(cases.c.wake_lease, past)
        )
        message = sa.select(sa.func.min(outbox.c.next_at)).where(
            outbox.c.state == "pending", outbox.c.next_at < past, _unclaimed(outbox.c.lease, past)
        )
        with self._gongdan.db.read() as connection:
            found = {
                "timer": connection.scalar(timer),
                "message": connection.scalar(message),
            }
        return [f"a {what} is overdue since {since}" for what, since in found.items() if since]


def _unclaimed(lease: sa.Column[str], since: str) -> sa.ColumnElement[bool]:
    return sa.or_(lease.is_(None), lease < since)


def _fault(folder: Path) -> str | None:
    """Why nothing can be kept in ``folder``; None when it can."""
    try:
        has = os.statvfs(folder)
    except OSError as error:
        return f"{folder}: {error.strerror}"
    if has.f_bavail * has.f_frsize < LEAST_FREE:
        return f"{folder} is full"
    return None if os.access(folder, os.W_OK) else f"{folder} cannot be written to"
