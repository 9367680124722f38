"""Notices that the software itself writes, about what it could not do. Those of a case come from its diagram."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from engine.base.instants import iso
from engine.case.projections import notices
from engine.release.release import Release
from engine.storage.database import Database
from engine.storage.statements import Write
from engine.storage.tables import notice

ROLE = "supervisor"
_LOCK = 0x60D9  #: PostgreSQL advisory lock: of two workers that meet the same, one tells


def notify_once(db: Database, text: str, now: datetime, since: datetime, case_id: str | None = None) -> None:
    """Tell the supervisors ``text`` at ``now``, unless just this was told from ``since`` on (both aware).

    ``since``: when what failed began, so that what happens again later is told again. ``case_id`` is linked to.
    """
    new = {"case_id": case_id, "role": ROLE, "text": text, "at": iso(now), "level": "breach"}
    with db.begin() as connection:
        if not db.sqlite:  # SQLite has one writer anyway
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        if connection.scalar(_told(text, since, case_id)) is None:
            connection.execute(sa.insert(notice).values(new))


def telling(db: Database, text: str, now: datetime, since: datetime, case_id: str) -> list[Write]:
    """As :func:`notify_once`, to be written together with what is told; nothing where it was told already."""
    if db.rows(_told(text, since, case_id)):
        return []
    new = {"case_id": case_id, "role": ROLE, "text": text, "at": iso(now), "level": "breach"}
    return [notices.NEW(**new, topic=None, person=None, read_by=None)]


def _told(text: str, since: datetime, case_id: str | None) -> sa.Select[Any]:
    same = notice.c.case_id == case_id, notice.c.role == ROLE, notice.c.text == text
    return sa.select(notice.c.id).where(*same, notice.c.at >= iso(since)).limit(1)


def name_of(live: Release, process: str) -> str:
    """What a process is called now; one that is gone keeps its id."""
    found = live.processes.get(process)
    return found.name if found is not None else process
