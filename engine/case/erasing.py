"""The end of what can be read of a case: its key goes, and its history says so.

The row is added to the chain without executing anything, so that a case can be erased whose history does not run any
more. From then on a key that is missing without such a row is found by ``run.py verify``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import orjson
import sqlalchemy as sa

from engine.base.errors import NotFound
from engine.base.facts import Effects, plain
from engine.privacy.keys import Keys
from engine.storage.database import Database
from engine.storage.statements import Write
from engine.storage.tables import subject_key

from . import store
from .commands import EraseCase, to_plain
from .history import canonical
from .projections import cases


def erase(db: Database, command: EraseCase, recorded_at: str, beside: Iterable[Write]) -> None:
    """Destroy the key of a case, with the command in its history and what is written ``beside``: one transaction.

    Raises :class:`NotFound` for an unknown case, :class:`Conflict` when somebody worked on it meanwhile.
    """
    head = store.head(db, command.case_id)
    if head is None:
        raise NotFound(f"there is no case {command.case_id}")
    at = max(command.at, head.at)
    row = store.new_row(
        command.case_id,
        head.seq + 1,
        command,
        canonical({**to_plain(command), "at": at}),
        canonical(plain(Effects(erased=True))),
        head.release,
        head.hash,
        recorded_at,
    )
    row["at"] = at
    moved = cases.MOVED(
        b_id=command.case_id, b_was=head.seq, seq=row["seq"], head=row["hash"], at=at, next_due=None
    )
    store.append(db, row, [moved, Keys.DESTROYED(b_id=command.case_id), *beside])


def row_of(rows: Iterable[store.HistoryRow]) -> int | None:
    """The row that says that the case was erased; None where none does."""
    for row in rows:
        try:
            if orjson.loads(row.command).get("type") == EraseCase.kind:
                return row.seq
        except (ValueError, TypeError, AttributeError):
            continue  # verification names it
    return None


def before_they_were_recorded(db: Database) -> Iterator[str]:
    """Cases without a key whose history does not say why: of a database in which erasures were not commands yet."""
    gone = sa.select(subject_key.c.case_id).where(subject_key.c.key.is_(None)).order_by(subject_key.c.case_id)
    for (case_id,) in db.rows(gone):
        if row_of(store.rows(db, case_id)) is None:
            yield case_id
