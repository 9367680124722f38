"""The command path's writes and the reads that load an instance."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
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


_COLUMNS = tuple(history.c[name] for name in HistoryRow.__slots__)
_ROWS = Question(
    sa.select(*_COLUMNS)
    .where(history.c.case_id == _CASE, history.c.seq > sa.bindparam("after"))
    .order_by(history.c.seq)
)

_LATER = sa.and_(history.c.case_id == cases.c.id, history.c.seq > sa.bindparam("after"))
_SINCE = Question(
    sa.select(*_ENDS, *_COLUMNS)
    .select_from(cases)
    .outerjoin(history, _LATER)
    .where(cases.c.id == _CASE)
    .order_by(history.c.seq)
)
_FROM = sa.func.coalesce(snapshot.c.seq, 0)
_FIRST = sa.or_(history.c.seq.is_(None), history.c.seq == _FROM + 1)
_KEPT = Question(
    # the snapshot itself once, not beside every row
    sa.select(*_ENDS, subject_key.c.key, _FROM, sa.case((_FIRST, snapshot.c.body)), *_COLUMNS)
    .select_from(cases)
    .outerjoin(subject_key, subject_key.c.case_id == cases.c.id)
    .outerjoin(snapshot, snapshot.c.case_id == cases.c.id)
    .outerjoin(history, sa.and_(history.c.case_id == cases.c.id, history.c.seq > _FROM))
    .where(cases.c.id == _CASE)
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
    since: int  #: the row up to which the snapshot goes; 0 without one
    snapshot: bytes | None  #: the newest
    rows: list[HistoryRow]  #: after it


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


def writes(row: dict[str, Any], change: projections.Change, extra: Sequence[Write]) -> Iterator[Write]:
    """What a command writes: its row of history, the read models, and what else belongs to it."""
    return itertools.chain([HISTORY(**row)], projections.writes(change), extra)


def commit(db: Database, row: dict[str, Any], change: projections.Change, extra: Sequence[Write]) -> None:
    """:func:`writes` in one transaction; raises as :func:`append` does."""
    db.write(writes(row, change, extra))


def head(db: Database, case_id: str) -> Head | None:
    """The end of a case's history, None for an unknown case."""
    found = db.ask(_HEAD, case=case_id)
    return _head(*found[0]) if found else None


def _head(seq: int, digest: Any, at: str, process: str, release: int, state: str) -> Head:
    return Head(seq, stored(digest), at, process, release, state)


def kept(db: Database, case_ids: Sequence[str]) -> list[Kept | None]:
    """What there is of each case to go on from, None for an unknown one; all of them are asked for at once."""
    return [_kept(rows) for rows in db.ask_each(_KEPT, [{"case": case_id} for case_id in case_ids])]


def _kept(found: list[tuple[Any, ...]]) -> Kept | None:
    if not found:
        return None
    ends = len(_ENDS)
    key, since, body = found[0][ends : ends + 3]
    return Kept(_head(*found[0][:ends]), stored(key), since, stored(body), _joined(found, ends + 3))


def rows(db: Database, case_id: str, after: int = 0) -> list[HistoryRow]:
    """History rows of a case after ``after``, in order."""
    return [_row(*r) for r in db.ask(_ROWS, case=case_id, after=after)]


def since(db: Database, case_id: str, after: int) -> tuple[Head, list[HistoryRow]] | None:
    """The end of a case's history and its rows after ``after``, both of one moment; None for an unknown case."""
    found = db.ask(_SINCE, case=case_id, after=after)
    if not found:
        return None
    ends = len(_ENDS)
    return _head(*found[0][:ends]), _joined(found, ends)


def _joined(found: list[tuple[Any, ...]], beside: int) -> list[HistoryRow]:
    """The rows of history that stand behind what is ``beside`` them."""
    return [_row(*row[beside:]) for row in found if row[beside] is not None]


def _row(
    seq: int,
    at: str,
    actor: str,
    recorded_at: str,
    command: Any,
    effects: Any,
    release: int,
    engine: str,
    prev_hash: Any,
    digest: Any,
) -> HistoryRow:
    command, effects, prev_hash = stored(command), stored(effects), stored(prev_hash)
    return HistoryRow(
        seq, at, actor, recorded_at, command, effects, release, engine, prev_hash, stored(digest)
    )


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
