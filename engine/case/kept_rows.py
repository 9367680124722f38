"""The rows that stay of an erased case. Nothing derives them any more, so the erasure itself says what they hold.

Left out is what a worker or the end of the history says of its own: who works on a row just now, when a message that
is over was next due, and how far the history goes, which verification finds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import orjson
import sqlalchemy as sa

from engine.storage.database import Database
from engine.storage.metadata import metadata
from engine.storage.statements import Write
from engine.storage.tables import case_fact, cases, outbox, respondent, sla_clock, task, timer

#: table → what is covered of its rows. History keeps the digests, so this may not change: a column that comes later
#: is a new version of behaviour (:mod:`.behaviour`).
COVERED: dict[sa.Table, tuple[str, ...]] = {
    cases: (
        "id", "at", "process", "release", "opened_at", "closed_at", "outcome", "state", "waiting_customer",
        "external_id", "parent", "channel", "severity", "title", "customer", "phone", "phone_key", "started_by",
        "next_due",
    ),
    task: (
        "case_id", "task", "element", "name", "process", "form", "lane", "role", "skill", "department", "opened_at",
        "due_at", "not_before", "claimed_by", "claimed_at", "closed_at", "completed_by", "state", "rank",
    ),
    timer: ("case_id", "timer", "element", "task", "due", "state"),
    sla_clock: (
        "case_id", "clock", "parameter", "task", "element", "started", "due", "warn_at", "state", "warned_at",
        "breached_at", "ended_at", "paused_at", "provisional",
    ),
    case_fact: ("case_id", "seq", "name", "value", "at"),
    respondent: ("case_id", "who"),
    outbox: (
        "id", "case_id", "seq", "kind", "key", "template", "recipient", "body", "created_at", "not_before", "state",
        "sent_at", "result",
    ),
}  # fmt: skip


def digests(db: Database, case_id: str) -> dict[str, str]:
    """Table → SHA-256 (hex) of its rows of a case: the canonical JSON of the rows, in the order of their bytes."""
    found = {}
    with db.read() as connection:
        for table, names in COVERED.items():
            rows = connection.execute(
                sa.select(*(table.c[name] for name in names)).where(_of(table, case_id))
            )
            found[str(table.name)] = _digest(dict(zip(names, row, strict=True)) for row in rows)
    return found


def after(db: Database, case_id: str, writes: Iterable[Write]) -> dict[str, str]:
    """The :func:`digests` that a case will have when ``writes`` are done, of which nothing is done in ``db``."""
    scratch = Database("sqlite://")
    try:
        metadata.create_all(scratch.engine)
        with db.read() as connection, scratch.begin() as copy:
            for table in COVERED:
                rows = connection.execute(sa.select(table).where(_of(table, case_id))).mappings()
                if there := [dict(row) for row in rows]:
                    copy.execute(sa.insert(table), there)
        scratch.write(writes)
        return digests(scratch, case_id)
    finally:
        scratch.close()


def _of(table: sa.Table, case_id: str) -> sa.ColumnElement[bool]:
    return (cases.c.id if table is cases else table.c.case_id) == case_id


def _digest(rows: Iterable[dict[str, object]]) -> str:
    """``default``: what somebody put into a column is perhaps of a kind that JSON has no form for."""
    lines = sorted(orjson.dumps(row, option=orjson.OPT_SORT_KEYS, default=repr) for row in rows)
    return hashlib.sha256(b"[%b]" % b",".join(lines)).hexdigest()
