"""The security log: who did what to the house, and what was refused. A chain beside history (engine/storage/chains.py).

Whoever changes something in a transaction writes its entry in the same one (:func:`append`); what has no transaction
of its own is noted by :class:`SecurityLog`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
import structlog

from engine.base.errors import Unavailable
from engine.base.texts import cleaned
from engine.storage import chains
from engine.storage.chain_writer import ChainWriter
from engine.storage.chains import GENESIS, SECURITY, Chain
from engine.storage.database import Database
from engine.storage.proof_tables import security_log as table
from engine.storage.tables import person

from .security_events import By, Event, LogCut, unknown

LONGEST = 500  #: characters of what an entry is about
COLUMNS = [table.c[name] for name in ("id", *SECURITY.columns)]  #: what an entry is read from
log = structlog.get_logger("gongdan.security")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as it is read. ``detail``: what the event says beside ``about``."""

    id: int
    at: str
    kind: str
    person: str
    address: str
    about: str
    detail: dict[str, Any]


def append(connection: sa.Connection, by: By, events: Sequence[Event], at: str) -> int:
    """Write ``events`` within the caller's transaction, as of ``at`` (ISO 8601); returns the number of the last."""
    return chains.append(connection, SECURITY, [_row(by, one, at) for one in events])


def tried(db: Database, name: str) -> str:
    """What the log says of the ``name`` somebody typed at the door: itself where it is an account's, else a digest."""
    known = db.rows(sa.select(person.c.name).where(person.c.name == name))
    return name if known else unknown(db.lookup_key, name)


def told_of_cut(db: Database, chain: Chain) -> bool:
    """Whether a chain begins with its first row, or an entry tells of the cut behind which it begins."""
    with db.read() as connection:
        begins = chains.start(connection, chain)
    if begins == (0, GENESIS):
        return True
    cuts = sa.select(table.c.detail).where(table.c.kind == LogCut.kind, table.c.about == chain.table.name)
    told = [read_detail(row.detail) for row in db.rows(cuts)]
    return begins is not None and (begins[0], begins[1].hex()) in [
        (one.get("last"), one.get("hash")) for one in told
    ]


def after(db: Database, last: int, limit: int) -> list[Entry]:
    """The entries behind number ``last``, in order, at most ``limit``."""
    query = sa.select(*COLUMNS).where(table.c.id > last).order_by(table.c.id).limit(limit)
    return [read(row) for row in db.rows(query)]


def read(row: Sequence[Any]) -> Entry:
    """A row of :data:`COLUMNS` as an entry. What somebody put in its place is read as text; the chain tells of it."""
    id, *texts, detail = row
    at, kind, person, address, about = ("" if one is None else str(one) for one in texts)
    return Entry(id, at, kind, person, address, about, read_detail(detail))


def read_detail(stored: object) -> dict[str, Any]:
    """What the column ``detail`` says; nothing of what is no such thing."""
    try:
        said = json.loads(str(stored))
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


class SecurityLog:
    """The log of one process, for what is done outside of a transaction."""

    def __init__(self, db: Database) -> None:
        self._writer = ChainWriter(db, SECURITY)

    def note(self, by: By, event: Event, at: str) -> None:
        """Write ``event`` as of ``at`` (ISO 8601). Raises :class:`Unavailable`: what gives data away then does not."""
        self._writer.write(_row(by, event, at))

    def note_if_possible(self, by: By, event: Event, at: str) -> None:
        """The same for what has happened already: where nothing can be written, the log of the process has it."""
        try:
            self.note(by, event, at)
        except Unavailable as error:
            told = {**_row(by, event, at), "at": at}
            log.error("security event not recorded", reason=str(error), **told)


def _row(by: By, event: Event, at: str) -> dict[str, str]:
    return {
        "at": at,
        "kind": event.kind,
        "person": cleaned(by.person)[:LONGEST],
        "address": cleaned(by.address)[:LONGEST],
        "about": cleaned(event.about)[:LONGEST],
        "detail": cleaned(json.dumps(event.detail(), ensure_ascii=False, sort_keys=True)),
    }
