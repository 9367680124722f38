"""The command path's writes and the reads that load an instance."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine.storage.database import Database
from engine.storage.statements import Question, Statement, Write
from engine.storage.tables import answer, cases, history, snapshot, subject_key
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
_CASE: sa.BindParameter[str] = sa.bindparam("case")
_ENDS = (cases.c.seq, cases.c.head, cases.c.at, cases.c.process, cases.c.release, cases.c.state)
_HEAD = Question(sa.select(*_ENDS).where(cases.c.id == _CASE))
_KEPT = Question(
    sa.select(*_ENDS, subject_key.c.key, snapshot.c.body)
    .select_from(cases)
    .outerjoin(subject_key, subject_key.c.case_id == cases.c.id)
    .outerjoin(snapshot, snapshot.c.case_id == cases.c.id)
    .where(cases.c.id == _CASE)
)
_ANSWERED = Question(sa.select(answer.c.receipt).where(answer.c.key == sa.bindparam("key")))


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


_ROWS = Question(
    sa.select(*(history.c[name] for name in HistoryRow.__slots__))
    .where(history.c.case_id == _CASE, history.c.seq > sa.bindparam("after"))
    .order_by(history.c.seq)
)


@dataclass(frozen=True, slots=True)
class Head:
    """Where a case's history ends, by its case row."""

    seq: int
    hash: bytes
    at: str
    process: str
    release: int
    state: str


@dataclass(frozen=True, slots=True)
class Kept:
    """What a live instance begins from: all of it of one moment."""

    head: Head
    key: bytes | None  #: of the case; None when it was destroyed
    snapshot: bytes | None  #: the newest


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
    found = db.ask(_HEAD, case=case_id)
    return _head(*found[0]) if found else None


def _head(seq: int, digest: Any, at: str, process: str, release: int, state: str) -> Head:
    return Head(seq, stored(digest), at, process, release, state)


def kept(db: Database, case_id: str) -> Kept | None:
    """What there is of a case to go on from, None for an unknown case."""
    found = db.ask(_KEPT, case=case_id)
    if not found:
        return None
    *ends, key, body = found[0]
    return Kept(_head(*ends), stored(key), stored(body))


def rows(db: Database, case_id: str, after: int = 0) -> list[HistoryRow]:
    """History rows of a case after ``after``, in order."""
    return [
        HistoryRow(r[0], r[1], r[2], r[3], stored(r[4]), stored(r[5]), r[6], r[7], stored(r[8]), stored(r[9]))
        for r in db.ask(_ROWS, case=case_id, after=after)
    ]


def stored(value: Any) -> Any:
    """The bytes of a value; of what somebody wrote into the row as text, too. Verification judges anything else."""
    if isinstance(value, str):
        return value.encode()
    return bytes(value) if isinstance(value, bytes | memoryview) else value


def first_answer(db: Database, key: str) -> str | None:
    """The receipt (JSON) first given for an idempotency key."""
    found = db.ask(_ANSWERED, key=key)
    return None if not found else str(found[0][0])


def case_ids(db: Database) -> list[str]:
    """Every case that has a row or a history, in order."""
    listed = {row[0] for row in db.rows(sa.select(cases.c.id))}
    written = {row[0] for row in db.rows(sa.select(history.c.case_id).distinct())}
    return sorted(listed | written)
