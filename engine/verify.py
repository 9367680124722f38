"""Re-execute a case from its history alone and compare, row by row. No snapshot, no wall clock, no read model.

Checked: every link and hash, the columns that repeat what is hashed, every effect, and the case's head.
"""

from __future__ import annotations

from dataclasses import dataclass

import orjson
import sqlalchemy as sa

from . import store
from .db.database import Database
from .db.tables import cases, history
from .errors import GongdanError, NotFound
from .handlers import execute
from .history import canonical, chain
from .instance import GENESIS, Instance
from .keys import Keys
from .releases import Releases
from .sealing import Seal

#: what executing a command may raise that no code of ours wrote
NONSENSE = (GongdanError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError)
IDENTICAL, ERASED, DIVERGED = "identical", "erased", "diverged"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What verifying one case gave. ``seq`` and ``reason`` name the first divergence or broken link."""

    case_id: str
    state: str
    commands: int
    seq: int | None = None
    reason: str | None = None


def case_ids(db: Database) -> list[str]:
    """Every case that has a row or a history, in order."""
    listed = {row[0] for row in db.rows(sa.select(cases.c.id))}
    written = {row[0] for row in db.rows(sa.select(history.c.case_id).distinct())}
    return sorted(listed | written)


def verify_case(db: Database, releases: Releases, keys: Keys, case_id: str) -> Verdict:
    """Re-execute one case. Erased cases are proved by their chain alone. Raises :class:`NotFound`."""
    head = store.head(db, case_id)
    rows = store.rows(db, case_id)
    if head is None:
        if not rows:
            raise NotFound(f"there is no case {case_id}")
        return Verdict(case_id, DIVERGED, 0, rows[0].seq, "history without a case row")
    key = keys.get(case_id)
    instance: Instance | None = None
    previous, count = GENESIS, 0
    for row in rows:
        count += 1
        reason = _broken(case_id, row, count, previous)
        if reason is None and key is not None:
            try:
                if instance is None:
                    release = releases.get(row.release)
                    instance = Instance(case_id, head.process, release, Seal(key, release.personal))
                reason = _differs(instance, row)
            except NONSENSE as error:
                reason = f"re-execution failed: {error or type(error).__name__}"
        if reason is not None:
            return Verdict(case_id, DIVERGED, count, row.seq, reason)
        previous = row.hash
    if (head.seq, head.hash) != (count, previous):
        return Verdict(
            case_id, DIVERGED, count, count, "the history ends elsewhere than the case's head says"
        )
    return Verdict(case_id, IDENTICAL if key is not None else ERASED, count)


#: what each column of a row holds, in a database that nobody meddled with
_TYPES: dict[str, type] = {
    "seq": int, "at": str, "actor": str, "recorded_at": str, "command": bytes, "effects": bytes,
    "release": int, "engine": str, "prev_hash": bytes, "hash": bytes,
}  # fmt: skip


def _broken(case_id: str, row: store.HistoryRow, expected: int, previous: bytes) -> str | None:
    for column, kind in _TYPES.items():
        if type(getattr(row, column)) is not kind:
            return f"the column {column} holds something else than was ever written there"
    if row.seq != expected:
        return f"row {expected} is missing"
    if row.prev_hash != previous:
        return "broken link to the row before"
    digest = chain(case_id, row.seq, row.command, row.effects, row.release, row.engine, row.prev_hash)
    if digest != row.hash:
        return "the hash does not match the row"
    try:
        command = orjson.loads(row.command)
    except orjson.JSONDecodeError:
        return "the command cannot be read"
    if not isinstance(command, dict):
        return "the command cannot be read"
    if command.get("actor") != row.actor or command.get("at") != row.at:
        return "the columns actor and at differ from the command"
    return None


def _differs(instance: Instance, row: store.HistoryRow) -> str | None:
    command = instance.seal.open_all(orjson.loads(row.command))
    effects = canonical(execute(instance, command))
    instance.seq, instance.head = row.seq, row.hash
    return None if effects == row.effects else "re-execution gives other effects"
