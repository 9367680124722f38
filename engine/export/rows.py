"""Histories row by row as lines of JSON, with what their hashes cover: enough to recompute every one elsewhere.

First one line a release (its files by SHA-256, and its digest), then one line a row, in the order of cases and steps.
Command and effects stand in a line byte for byte as they are hashed, except where a telephone number that staff typed
is masked.
"""

from __future__ import annotations

from collections.abc import Iterator

import orjson
import sqlalchemy as sa

from engine.case.history import row_format
from engine.case.store import HistoryRow, case_ids, rows
from engine.release.contents import hashes
from engine.release.digest import digest_of
from engine.storage.database import Database
from engine.storage.tables import release

from .events import UNREADABLE, masked


def releases(db: Database) -> Iterator[bytes]:
    """The lines of all releases."""
    for (number,) in db.rows(sa.select(release.c.number).order_by(release.c.number)):
        files = hashes(db, number)
        yield orjson.dumps({"release": number, "digest": digest_of(files), "files": files}) + b"\n"


def histories(db: Database, spoilt: list[str], exact: bool) -> Iterator[list[bytes]]:
    """The lines of each case; one that cannot be read is left out, into ``spoilt``.

    Without ``exact``, numbers in what staff typed are masked; a line where that is so says it, and its hash cannot be
    recomputed.
    """
    for case_id in case_ids(db):
        try:
            lines = [_line(case_id, row, exact) for row in rows(db, case_id)]
        except UNREADABLE:
            spoilt.append(case_id)
        else:
            yield lines


def _line(case_id: str, row: HistoryRow, exact: bool) -> bytes:
    told = {
        "case_id": case_id,
        "seq": row.seq,
        "at": row.at,
        "actor": row.actor,
        "release": row.release,
        "engine": row.engine,
        "recorded_at": row.recorded_at,
        "format": row_format(row.engine),
        "prev_hash": row.prev_hash.hex(),
        "hash": row.hash.hex(),
    }
    parts = []
    for stored in (row.command, row.effects):
        value = orjson.loads(stored)
        shown = value if exact else masked(value)
        if shown != value:
            told["masked"] = True
        parts.append(stored if shown == value and b"\n" not in stored else orjson.dumps(shown))
    return b'%b,"command":%b,"effects":%b}\n' % (orjson.dumps(told)[:-1], *parts)
