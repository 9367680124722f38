"""Re-execute a case from its history alone and compare, row by row. No snapshot, no wall clock, no read model.

Checked: every link and hash, the columns that repeat what is hashed, every effect, and the case's head.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import orjson

from engine.base.errors import NotFound
from engine.base.facts import plain
from engine.case import erasing, store
from engine.case.behaviour import version
from engine.case.commands import parse
from engine.case.handlers import NONSENSE, execute
from engine.case.history import canonical, chain, difference
from engine.case.instance import GENESIS, Instance
from engine.privacy.keys import Keys
from engine.release.releases import Releases
from engine.storage.database import Database

IDENTICAL, ERASED, DIVERGED = "identical", "erased", "diverged"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What verifying one case gave. ``seq`` and ``reason`` name the first divergence or broken link."""

    case_id: str
    state: str
    commands: int
    seq: int | None = None
    reason: str | None = None


def verify_case(db: Database, releases: Releases, keys: Keys, case_id: str) -> Verdict:
    """Re-execute one case. Erased cases are proved by their chain alone. Raises :class:`NotFound`."""
    head = store.head(db, case_id)
    rows = store.rows(db, case_id)
    if head is None:
        if not rows:
            raise NotFound(f"there is no case {case_id}")
        return Verdict(case_id, DIVERGED, 0, rows[0].seq, "history without a case row")
    key = keys.get(case_id)

    def fresh(row: store.HistoryRow) -> Instance | None:
        if key is None:
            return None
        release = releases.get(row.release)
        return Instance(case_id, head.process, release, release.seal(key))

    found = first_fault(case_id, rows, fresh)
    if found.reason is not None:
        return Verdict(case_id, DIVERGED, found.count, found.seq, found.reason)
    if (head.seq, head.hash) != (found.count, found.last):
        return Verdict(
            case_id,
            DIVERGED,
            found.count,
            found.count,
            "the history ends elsewhere than the case's head says",
        )
    erased = erasing.row_of(rows)
    if key is None and erased is None:
        reason = "the key of the case is gone, and its history says nothing of an erasure"
        return Verdict(case_id, DIVERGED, found.count, found.count, reason)
    if key is not None and erased is not None:
        return Verdict(
            case_id, DIVERGED, found.count, erased, "it says that the case was erased, but its key is there"
        )
    return Verdict(case_id, IDENTICAL if key is not None else ERASED, found.count)


@dataclass(frozen=True, slots=True)
class Examined:
    """How many rows were looked at, the hash of the last good one, and the first fault with the row's own number."""

    count: int
    last: bytes
    seq: int | None = None
    reason: str | None = None


def first_fault(
    case_id: str, rows: Iterable[store.HistoryRow], fresh: Callable[[store.HistoryRow], Instance | None]
) -> Examined:
    """Check the chain of a case's rows and execute them anew, up to the first fault.

    ``fresh`` makes the instance for the first row; None where nothing can be executed any more (erased).
    """
    instance: Instance | None = None
    previous, count, release = GENESIS, 0, None
    for row in rows:
        count += 1
        reason = _broken(case_id, row, count, previous)
        if reason is None and release not in (None, row.release):
            reason = f"it names release {row.release}, and the case runs on release {release}"
        release = row.release
        if reason is None:
            try:
                if count == 1:
                    instance = fresh(row)
                reason = None if instance is None else _differs(instance, row)
            except NONSENSE as error:
                reason = f"re-execution failed: {error or type(error).__name__}"
        if reason is not None:
            return Examined(count, previous, row.seq, reason)
        previous = row.hash
    return Examined(count, previous)


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
    digest = chain(
        case_id, row.seq, row.command, row.effects, row.release, row.engine, row.prev_hash, row.recorded_at
    )
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
    command = parse(instance.seal.parse(row.command))
    effects = canonical(plain(execute(instance, command, version(row.engine))))
    instance.seq, instance.head = row.seq, row.hash
    return difference(row.effects, effects)
