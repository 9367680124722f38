"""Read models of an older version are derived anew, once, when a database is brought to the newest shape.

A migration fills what it can; what follows from history alone is filled here. :data:`VERSION` says what the
projections make; the database says what it holds, and how far a refresh came that was killed.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import sqlalchemy as sa
import structlog

from engine.base.errors import ConfigurationError, NewerDatabase
from engine.base.instants import iso
from engine.people import respondents
from engine.people.directory import People
from engine.storage.database import Database
from engine.storage.lockfile import open_beside
from engine.storage.tables import setting
from engine.storage.upsert import put

from . import erasing
from .commands import EraseCase
from .rebuild import Opened, rebuild
from .store import case_ids

#: Raise this by one whenever a projection gives other rows for a history that is already there.
VERSION = 5
_ERASURES_TOLD = 3  #: since this version a key that goes without a word in history is no erasure
Progress = Callable[[int, int], None]  #: cases done, cases to do
_HELD, _SO_FAR = "read-models", "read-models-so-far"
_LOCK = 0x60DA  #: PostgreSQL advisory lock: one process refreshes, the others wait
_EVERY = 100  #: cases after which it is noted how far it came
log = structlog.get_logger("gongdan.refresh")


def refresh(opened: Opened, progress: Progress = lambda done, total: None) -> None:
    """Derive the read models of all cases anew where an older version made them; goes on where one was killed.

    Raises :class:`NewerDatabase` where a newer version made them.
    """
    db = opened.db
    if _held(db) == VERSION:
        return
    if not case_ids(db):  # a new database
        _note(db, _HELD, str(VERSION))
        return
    with _alone(db):
        if (held := _held(db)) != VERSION:  # nobody else did it while this one waited
            _refresh(opened, progress)
            _record_erasures(opened, held)
            _note(db, _HELD, str(VERSION))


def _refresh(opened: Opened, progress: Progress) -> None:
    db = opened.db
    chosen = case_ids(db)
    version, _, last = _read(db, _SO_FAR).partition(" ")
    if version != str(VERSION):
        last = ""
    total, done = len(chosen), sum(case <= last for case in chosen)
    respondents.bring_over(db, People(db).all())
    for case, fault in rebuild(opened, after=last):
        done += 1
        if fault is not None:
            log.warning("read models of a case are as before", case=case, reason=fault)
        if done % _EVERY == 0:
            _note(db, _SO_FAR, f"{VERSION} {case}")
        progress(done, total)
    respondents.drop_unkeyed(db)
    log.info("read models derived anew", cases=total, version=VERSION)


def _record_erasures(opened: Opened, held: int) -> None:
    """Say in the history of cases that were erased before erasures said it: that they were, and what stays of them.

    ``held``: the version of the read models that the database came with.
    """
    now = iso(opened.wall())
    for case_id, is_told in list(erasing.without_word(opened.db)):
        if not is_told and held >= _ERASURES_TOLD:
            continue  # somebody took the key: verification names it
        asked = "as recorded before" if is_told else "not recorded"
        since = "said what stays of the case" if is_told else "stood in the history"
        command = EraseCase(
            case_id=case_id,
            actor="system:upgrade",
            at=now,
            requested_by=asked,
            reason=f"erased before erasures {since}",
        )
        erasing.erase(opened.db, command, now, ())


def _held(db: Database) -> int:
    """The version of the read models that the database holds; 0 before there were any versions."""
    told = _read(db, _HELD) or "0"
    if not told.isdecimal():
        raise ConfigurationError(
            f"the setting {_HELD!r} of the database says {told!r}, which is no version of read models: somebody wrote "
            "it; restore a backup"
        )
    held = int(told)
    if held > VERSION:
        raise NewerDatabase(
            f"the database was used by a newer version of Gongdan (its read models are of version {held}, this one "
            f"makes {VERSION}): start that version, or restore a backup made with this one"
        )
    return held


def _read(db: Database, key: str) -> str:
    rows = db.rows(sa.select(setting.c.value).where(setting.c.key == key))
    return str(rows[0][0]) if rows else ""


def _note(db: Database, key: str, value: str) -> None:
    with db.begin() as connection:
        connection.execute(put(db, setting, {"key": key, "value": value}))


@contextmanager
def _alone(db: Database) -> Iterator[None]:
    """One process at a time; the lock is given back however the process ends."""
    if not db.sqlite:
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(f"SELECT pg_advisory_lock({_LOCK})")
            try:
                yield
            finally:
                connection.exec_driver_sql(f"SELECT pg_advisory_unlock({_LOCK})")
        return
    if db.in_use.place is None:  # in memory: nobody else's
        yield
        return
    held = open_beside(db.in_use.place, ".refresh")
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)
