"""Looking things up in the security log, newest first."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from engine.people.security_log import COLUMNS, Entry, read
from engine.storage.database import Database
from engine.storage.proof_tables import security_log as table


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for; what is None or empty narrows nothing. ``since`` and ``until`` are instants (ISO 8601, UTC).

    ``who``: did it or had it done to them.
    """

    who: str = ""
    kind: str = ""
    address: str = ""
    since: str | None = None
    until: str | None = None


def listed(db: Database, wanted: Wanted, before: int | None, limit: int) -> tuple[list[Entry], int | None]:
    """At most ``limit`` entries older than number ``before``; and the number that the next page begins before."""
    query = sa.select(*COLUMNS).order_by(table.c.id.desc()).limit(limit + 1)
    if before is not None:
        query = query.where(table.c.id < before)
    if wanted.who:
        query = query.where(sa.or_(table.c.person == wanted.who, table.c.about == wanted.who))
    if wanted.kind:
        query = query.where(table.c.kind == wanted.kind)
    if wanted.address:
        query = query.where(table.c.address == wanted.address)
    if wanted.since:
        query = query.where(table.c.at >= wanted.since)
    if wanted.until:
        query = query.where(table.c.at < wanted.until)
    found = [read(row) for row in db.rows(query)]
    return found[:limit], found[limit - 1].id if len(found) > limit else None


def numbered(db: Database, numbers: set[int]) -> dict[int, Entry]:
    """The entries with these numbers, as far as they are there."""
    rows = db.rows(sa.select(*COLUMNS).where(table.c.id.in_(numbers))) if numbers else []
    return {entry.id: entry for entry in map(read, rows)}
