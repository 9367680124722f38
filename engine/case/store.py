"""The command path's writes and the reads that load an instance."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine.storage.database import Database
from engine.storage.statements import Statement, Write
from engine.storage.tables import answer, cases, history, snapshot
from engine.storage.upsert import insert

from . import projections
from .commands import Command
from .history import ENGINE, chain

HISTORY = Statement(sa.insert(history))
ANSWER = Statement(sa.insert(answer))


def _snapshot(sqlite: bool) -> sa.Insert:
    put = insert(sqlite, snapshot)
    replaced = {"seq": put.excluded.seq, "body": put.excluded.body}
    made: sa.Insert = put.on_conflict_do_update(index_elements=["case_id"], set_=replaced)
    return made


SNAPSHOT = Statement(_snapshot)


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One row of history as stored."""

    seq: int
    at: str
    actor: str
    recorded_at: str
    command: bytes
    effects: bytes
    release: int
    engine: str
    prev_hash: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """Where a case's history ends, by its case row."""

    seq: int
    hash: bytes
    at: str
    process: str
    release: int
    state: str


def new_row(
    case_id: str,
    seq: int,
    command: Command,
    command_bytes: bytes,
    effects: bytes,
    release: int,
    previous: bytes,
    recorded_at: str,
) -> dict[str, Any]:
    """A row of history by the rules in force, chained to the hash of the one before."""
    return {
        "case_id": case_id,
        "seq": seq,
        "at": command.at,
        "recorded_at": recorded_at,
        "actor": command.actor,
        "command": command_bytes,
        "effects": effects,
        "release": release,
        "engine": ENGINE,
        "prev_hash": previous,
        "hash": chain(case_id, seq, command_bytes, effects, release, ENGINE, previous, recorded_at),
    }


def append(db: Database, row: dict[str, Any], writes: Iterable[Write]) -> None:
    """A row of history and what belongs to it: one transaction.

    Raises :class:`Conflict` when the case moved on meanwhile, :class:`Unavailable` when nothing can be written.
    """
    db.write(itertools.chain([HISTORY(**row)], writes))


def commit(db: Database, row: dict[str, Any], change: projections.Change, extra: Sequence[Write]) -> None:
    """:func:`append` with the read models, and what else belongs to the command."""
    append(db, row, itertools.chain(projections.writes(change), extra))


def head(db: Database, case_id: str) -> Head | None:
    """The end of a case's history, None for an unknown case."""
    columns = (cases.c.seq, cases.c.head, cases.c.at, cases.c.process, cases.c.release, cases.c.state)
    found = db.rows(sa.select(*columns).where(cases.c.id == case_id))
    if not found:
        return None
    seq, digest, at, process, release, state = found[0]
    return Head(seq, stored(digest), at, process, release, state)


def rows(db: Database, case_id: str, after: int = 0) -> list[HistoryRow]:
    """History rows of a case after ``after``, in order."""
    columns = [history.c[name] for name in HistoryRow.__slots__]
    query = (
        sa.select(*columns).where(history.c.case_id == case_id, history.c.seq > after).order_by(history.c.seq)
    )
    return [
        HistoryRow(r[0], r[1], r[2], r[3], stored(r[4]), stored(r[5]), r[6], r[7], stored(r[8]), stored(r[9]))
        for r in db.rows(query)
    ]


def stored(value: Any) -> Any:
    """The bytes of a value; of what somebody wrote into the row as text, too. Verification judges anything else."""
    if isinstance(value, str):
        return value.encode()
    return bytes(value) if isinstance(value, bytes | memoryview) else value


def latest_snapshot(db: Database, case_id: str) -> bytes | None:
    """The newest snapshot of a case."""
    found = db.rows(sa.select(snapshot.c.body).where(snapshot.c.case_id == case_id))
    return bytes(found[0][0]) if found else None


def first_answer(db: Database, key: str) -> str | None:
    """The receipt (JSON) first given for an idempotency key."""
    found = db.rows(sa.select(answer.c.receipt).where(answer.c.key == key))
    return None if not found else str(found[0][0])


def case_ids(db: Database) -> list[str]:
    """Every case that has a row or a history, in order."""
    listed = {row[0] for row in db.rows(sa.select(cases.c.id))}
    written = {row[0] for row in db.rows(sa.select(history.c.case_id).distinct())}
    return sorted(listed | written)
