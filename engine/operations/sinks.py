"""The security log handed on: to a file of JSON lines, to syslog, to who looks for bursts, and these by mail.

Each sink has its place in the log (``security_sink``), which moves once it took what came. One that fails is tried
again, from where it was; it loses nothing, holds up no other and nobody's work. After a crash it may get a line twice.
"""

from __future__ import annotations

import json
import logging
import logging.handlers
import os
import socket
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
import structlog

from engine.app import Gongdan
from engine.base.errors import GongdanError
from engine.base.instants import iso
from engine.base.sending import RETRY, Entry
from engine.base.settings import Settings
from engine.delivery.gateways.choose import gateways
from engine.people import security_log
from engine.people.security_events import Burst
from engine.people.security_log import Entry as Event
from engine.storage.database import Database
from engine.storage.proof_tables import security_sink as table
from engine.storage.upsert import insert

from . import bursts

AT_ONCE = 500  #: entries handed on in one go
PAUSE = timedelta(seconds=30)  #: before a sink that failed is tried again
_LEASE = timedelta(minutes=2)  #: for so long nobody else hands on to the same sink
_PATIENCE = 5.0  #: seconds that a log server may take for a line
log = structlog.get_logger("gongdan.security")


class SinkFailed(GongdanError):
    """A sink did not take what it was given."""


@dataclass(frozen=True, slots=True)
class Sink:
    """Where entries go. ``take`` raises :class:`SinkFailed`, :class:`OSError` or what the database says."""

    name: str
    take: Callable[[Sequence[Event]], None]


def sinks(gongdan: Gongdan) -> list[Sink]:
    """Those of the settings, and who looks for bursts."""
    settings = gongdan.settings
    made = [Sink("bursts", lambda entries: bursts.look(gongdan, entries))]
    if settings.security_file:
        made.append(Sink("file", lambda entries: to_file(Path(settings.security_file), entries)))
    if settings.security_syslog:
        made.append(Sink("syslog", lambda entries: to_syslog(settings.security_syslog, entries)))
    made.append(Sink("mail", lambda entries: to_administrators(gongdan, entries)))
    return made


def hand_on(gongdan: Gongdan, now: datetime) -> int:
    """Hand what is new on to each sink; returns 0: nothing waits for it."""
    for sink in sinks(gongdan):
        last = _place(gongdan.db, sink.name)
        entries = security_log.after(gongdan.db, last, AT_ONCE)
        if not entries or not _claimed(gongdan.db, sink.name, last, now):
            continue
        try:
            sink.take(entries)
        except (GongdanError, OSError) as error:
            log.warning("security log not handed on, trying again", sink=sink.name, reason=str(error))
            _settle(gongdan.db, sink.name, last, iso(now + PAUSE))
        else:
            _settle(gongdan.db, sink.name, entries[-1].id, None)
    return 0


def furthest_behind(gongdan: Gongdan) -> int:
    """The last entry that every sink has."""
    return min(_place(gongdan.db, sink.name) for sink in sinks(gongdan))


# ---------------------------------------------------------------- where they go
def line(entry: Event) -> str:
    """An entry as one line of JSON. When, what and from where come first: filters that read lines rely on it."""
    told = {
        "at": entry.at, "kind": entry.kind, "address": entry.address, "person": entry.person, "about": entry.about,
        "id": entry.id, "detail": entry.detail,
    }  # fmt: skip
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def to_file(path: Path, entries: Sequence[Event]) -> None:
    """Append ``entries``; opened anew each time, so that it may be moved away. A line that was cut short is ended."""
    text = "".join(f"{line(one)}\n" for one in entries).encode()
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o640), "r+b") as out:
        if stat.S_ISREG(os.fstat(out.fileno()).st_mode) and out.seek(0, os.SEEK_END):
            out.seek(-1, os.SEEK_END)
            text = text if out.read(1) == b"\n" else b"\n" + text
        out.write(text)
        out.flush()
        os.fsync(out.fileno())


class _Syslog(logging.handlers.SysLogHandler):
    """The library's, which says when it failed."""

    socket: socket.socket

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (its name)
        raise  # noqa: PLE0704 (it is called while the error is handled)


def to_syslog(address: str, entries: Sequence[Event]) -> None:
    """Send each entry to ``address``: a socket's path, or ``host:port`` (UDP)."""
    host, _, port = address.rpartition(":")
    where = address if address.startswith("/") else (host.strip("[]"), int(port))
    handler = _Syslog(where, facility=_Syslog.LOG_AUTHPRIV)
    handler.ident = "gongdan: "
    handler.socket.settimeout(_PATIENCE)
    try:
        for one in entries:
            handler.emit(logging.makeLogRecord({"msg": line(one), "levelname": "INFO"}))
    finally:
        handler.close()


def to_administrators(gongdan: Gongdan, entries: Sequence[Event]) -> None:
    """Mail each alert to every administrator who has an address."""
    alerts = [one for one in entries if one.kind == Burst.kind]
    door = gateways(gongdan.settings)["mail"] if alerts else None
    for one in alerts:
        for person in gongdan.people.all():
            if door is None or not (person.active and person.mail and bursts.ADMINISTRATOR in person.roles):
                continue
            text = bursts.words(one, person.locale or gongdan.settings.locale)
            mail = Entry(f"security/{one.id}/{person.name}", "", "mail", "alert", "", person.mail, text, 0)
            answer = door.send(mail)
            if answer.state == RETRY:
                raise SinkFailed(answer.detail)


# ---------------------------------------------------------------- how far each is
def _place(db: Database, name: str) -> int:
    found = db.rows(sa.select(table.c.last).where(table.c.name == name))
    return int(found[0][0]) if found else 0


def _claimed(db: Database, name: str, last: int, now: datetime) -> bool:
    """Whether this process hands on to the sink now."""
    free = sa.or_(table.c.lease.is_(None), table.c.lease <= iso(now))
    mine = sa.update(table).where(table.c.name == name, table.c.last == last, free)
    with db.begin() as connection:
        fresh = insert(db.sqlite, table).values(name=name, last=0)
        connection.execute(fresh.on_conflict_do_nothing(index_elements=["name"]))
        return bool(connection.execute(mine.values(lease=iso(now + _LEASE))).rowcount)


def _settle(db: Database, name: str, last: int, lease: str | None) -> None:
    with db.begin() as connection:
        connection.execute(sa.update(table).where(table.c.name == name).values(last=last, lease=lease))


def unusable(settings: Settings) -> str | None:
    """Why the file of the settings cannot be written; None where it can, or none is wanted."""
    if not settings.security_file:
        return None
    try:
        to_file(Path(settings.security_file), [])
    except OSError as error:
        return f"GONGDAN_SECURITY_FILE cannot be written: {settings.security_file}: {error.strerror}"
    return None
