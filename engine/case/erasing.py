"""The end of what can be read of a case: its key goes, and its history says so.

The row is added to the chain without executing anything, so that a case can be erased whose history does not run any
more. From then on a key that is missing without such a row is found by ``run.py verify``, and ``run.py db check`` holds
the rows that stay against what the row says of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson
import sqlalchemy as sa
from msgspec.structs import replace

from engine.base.errors import NotFound
from engine.base.facts import Effects, plain
from engine.privacy.keys import Keys
from engine.storage.database import Database
from engine.storage.statements import Write
from engine.storage.tables import cases as cases_table
from engine.storage.tables import subject_key

from . import kept_rows, store
from .commands import EraseCase, to_plain
from .history import canonical
from .projections import cases


def erase(db: Database, command: EraseCase, recorded_at: str, beside: Iterable[Write]) -> None:
    """Destroy the key of a case, with the command in its history and what is written ``beside``: one transaction.

    ``beside`` is read once the end of the history is known: what it looks at is as of then, or the fence refuses.
    The command comes without ``kept``, which is found here.

    Raises :class:`NotFound` for an unknown case, :class:`Conflict` when somebody worked on it meanwhile.
    """
    head = store.head(db, command.case_id)
    if head is None:
        raise NotFound(f"there is no case {command.case_id}")
    at = max(command.at, head.at)
    moved = {"b_id": command.case_id, "b_was": head.seq, "seq": head.seq + 1, "at": at, "next_due": None}
    cleared = list(beside)
    kept = kept_rows.after(db, command.case_id, [cases.MOVED(**moved, head=head.hash), *cleared])
    command = replace(command, at=at, kept=kept)
    row = store.new_row(
        command.case_id,
        head.seq + 1,
        command,
        canonical(to_plain(command)),
        canonical(plain(Effects(erased=True))),
        head.release,
        head.hash,
        recorded_at,
    )
    ended = cases.MOVED(**moved, head=row["hash"])
    store.append(db, row, [ended, Keys.DESTROYED(b_id=command.case_id), *cleared])


def row_of(rows: Iterable[store.HistoryRow]) -> int | None:
    """The row that says that the case was erased; None where none does."""
    return next((seq for seq, _ in _erasures(rows)), None)


def kept(rows: Iterable[store.HistoryRow]) -> Mapping[str, str] | None:
    """What the history of an erased case says of the rows that stay, by table (:func:`.kept_rows.digests`).

    None where it says nothing.
    """
    said = [found for _, command in _erasures(rows) if isinstance(found := command.get("kept"), dict)]
    return said[-1] if said else None


def _erasures(rows: Iterable[store.HistoryRow]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each row that says that the case was erased, with its command."""
    for row in rows:
        try:
            command = orjson.loads(row.command)
            if command.get("type") == EraseCase.kind:
                yield row.seq, command
        except (ValueError, AttributeError):
            continue  # verification names it


def without_word(db: Database) -> Iterator[tuple[str, bool]]:
    """Cases without a key whose history does not say what stays of them, and whether it says that they were erased.

    Those of a database in which erasures were not commands yet, or did not say it.
    """
    gone = sa.select(subject_key.c.case_id).join(cases_table, cases_table.c.id == subject_key.c.case_id)
    for (case_id,) in db.rows(gone.where(subject_key.c.key.is_(None)).order_by(subject_key.c.case_id)):
        rows = store.rows(db, case_id)
        if kept(rows) is None:
            yield case_id, row_of(rows) is not None
