"""Tables whose rows are chained: each row's hash covers the one before it, so that none is changed or lost unseen.

``hash = SHA-256(hash of the row before ‖ canonical(chain, format, id, columns))``. Where a chain ends stands in
``chain_head``: whoever appends holds that row, so that two who append at once do not fork it, and a cut-off end shows.
Somebody who cuts an end off and mends the head as well is found by a checkpoint only (ADR 0017). A chain whose old
rows may go (:func:`cut`) says behind which row it begins.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from .database import Database
from .proof_tables import chain_head, security_log, verification
from .tables import view_log

FORMAT = 1  #: of new rows; 0: was there when the chain began, and proves nothing about the time before
GENESIS = bytes(32)  #: what the first row is hashed onto
_AT_ONCE = 1000  #: rows read at a time


@dataclass(frozen=True, slots=True)
class Chain:
    """A table with ``id``, ``format`` and ``hash``, and the columns that its hashes cover."""

    table: sa.Table
    columns: tuple[str, ...]


VIEWS = Chain(view_log, ("at", "person", "case_id", "what"))
VERIFICATIONS = Chain(verification, ("at", "person", "channel", "scope", "result"))
SECURITY = Chain(security_log, ("at", "kind", "person", "address", "about", "detail"))


@dataclass(frozen=True, slots=True)
class Broken:
    """The first row of a chain that is not as it was written, and why."""

    id: int
    reason: str


def hashed(chain: Chain, row: Mapping[str, Any] | sa.RowMapping, previous: bytes) -> bytes:
    """The hash of ``row`` behind one with the hash ``previous``. Raises TypeError for values that are none of JSON."""
    told = {name: row[name] for name in (*chain.columns, "id", "format")}
    text = orjson.dumps({"chain": chain.table.name, **told}, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(previous + text).digest()


def append(connection: sa.Connection, chain: Chain, rows: Sequence[Mapping[str, Any]]) -> int:
    """Append ``rows`` (the chain's columns) within the caller's transaction; returns the number of the last one.

    A head that was taken away, or that says less than there is, keeps nobody from working: the chain goes on where
    its rows end.
    """
    table, mine = chain.table, chain_head.c.chain == chain.table.name
    newest = sa.select(sa.func.max(table.c.id)).scalar_subquery()
    held = sa.select(chain_head.c.id, chain_head.c.hash, newest).where(mine).with_for_update(of=chain_head)
    found = connection.execute(held).first()
    last, previous = _end(found) or (0, GENESIS)
    if found is None or last < (found[2] or 0):
        end = sa.select(table.c.id, table.c.hash).order_by(table.c.id.desc()).limit(1)
        last, previous = _end(connection.execute(end).first()) or (last, previous)
    made = []
    for given in rows:
        last += 1
        row = {**given, "id": last, "format": FORMAT}
        row["hash"] = previous = hashed(chain, row, previous)
        made.append(row)
    connection.execute(sa.insert(table), made)
    if found is None:
        new = {"chain": table.name, "id": last, "hash": previous, "start_hash": GENESIS}
        connection.execute(sa.insert(chain_head).values(new))
    else:
        connection.execute(sa.update(chain_head).where(mine).values(id=last, hash=previous))
    return last


def _end(row: Sequence[Any] | None) -> tuple[int, bytes] | None:
    """Number and hash in a row; None where it is missing or holds something else."""
    if row is None or type(row[0]) is not int or not isinstance(row[1], bytes | memoryview):
        return None
    return row[0], bytes(row[1])


def head(connection: sa.Connection, chain: Chain) -> tuple[int, bytes] | None:
    """Number and hash of the last row, as ``chain_head`` has them; None when that is missing or no such thing."""
    columns = sa.select(chain_head.c.id, chain_head.c.hash)
    return _end(connection.execute(columns.where(chain_head.c.chain == chain.table.name)).first())


def start(connection: sa.Connection, chain: Chain) -> tuple[int, bytes] | None:
    """Number and hash of the row that was cut off last, which the first one there is hashed onto; None: not known."""
    columns = sa.select(chain_head.c.start_id, chain_head.c.start_hash)
    return _end(connection.execute(columns.where(chain_head.c.chain == chain.table.name)).first())


def begins_behind(db: Database, chain: Chain) -> int:
    """The number of the row that was cut off last; 0 where none was."""
    with db.read() as connection:
        return (start(connection, chain) or (0, GENESIS))[0]


def cut(connection: sa.Connection, chain: Chain, id: int) -> int:
    """Take away the rows up to ``id``, which the chain then begins behind; returns how many there were.

    Whoever calls sees to it that this is no secret: an entry that tells of it, and a start that was signed before.
    """
    table, mine = chain.table, chain_head.c.chain == chain.table.name
    digest = connection.execute(sa.select(table.c.hash).where(table.c.id == id)).scalar_one()
    gone = connection.execute(sa.delete(table).where(table.c.id <= id)).rowcount
    connection.execute(sa.update(chain_head).where(mine).values(start_id=id, start_hash=digest))
    return gone


def hash_at(db: Database, chain: Chain, id: int) -> bytes | None:
    """The hash of row ``id``, also of the one that was cut off last; None where there is none."""
    with db.read() as connection:
        begins = start(connection, chain)
    if begins is not None and id == begins[0] > 0:
        return begins[1]
    rows = db.rows(sa.select(chain.table.c.hash).where(chain.table.c.id == id))
    return bytes(rows[0][0]) if rows and isinstance(rows[0][0], bytes | memoryview) else None


def broken(db: Database, chain: Chain) -> Broken | None:
    """The first broken row of a chain, or what is wrong with its end; None when it is whole. Others may append.

    What they append while we look is behind the end of before, and not behind the end of after.
    """
    with db.read() as connection:
        before = head(connection, chain)
        if before is None:
            return Broken(0, "where the chain ends is not known: its head is missing")
        begins = start(connection, chain)
        if begins is None:
            return Broken(0, "where the chain begins is not known")
        (last, previous), at_head = begins, before == begins
        with connection.execute(_rows(chain), execution_options={"yield_per": _AT_ONCE}) as rows:
            for row in rows.mappings():
                fault = _fault(chain, row, last, previous)
                if fault is not None:
                    return Broken(row["id"], fault)
                last, previous = row["id"], bytes(row["hash"])
                at_head = at_head or before == (last, previous)
        after = head(connection, chain)
    if not at_head:
        return Broken(
            before[0], f"the chain ends with row {last}, but its head says that it goes on to row {before[0]}"
        )
    if after is None or last > after[0]:
        return Broken(last, "the chain goes on behind its head")
    return None


def _fault(chain: Chain, row: sa.RowMapping, last: int, previous: bytes) -> str | None:
    try:
        follows = type(row["id"]) is int and row["id"] > last
        if follows and bytes(row["hash"]) == hashed(chain, row, previous):
            return None
    except TypeError:
        return "a column holds something else than was ever written there"
    return "the row was changed, or one before it is missing: its hash does not fit"


def _rows(chain: Chain) -> sa.Select[*tuple[Any, ...]]:
    columns = [chain.table.c[name] for name in ("id", *chain.columns, "format", "hash")]
    return sa.select(*columns).order_by(chain.table.c.id)
