"""That a release came into force: its entry in the security log, and notices to those who check."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from engine.people import security_log
from engine.people.security_events import By, Published
from engine.storage.tables import notice, person

from .release import ROLES

RIGHTS = frozenset({ROLES})  #: files that say who may do what
ABOUT = "release:"  #: begins the topic of a notice of a release, before its number
CHECK = ("supervisor", "auditor")  #: roles that hear of releases
LONGEST_NOTICE = 500  #: characters
NAMED = 50  #: changed files that the security log names


def record(
    connection: sa.Connection, number: int, changed: Sequence[str], by: By, note: str, at: str
) -> None:
    """Write into the security log that release ``number`` came into force, with the files it changed."""
    event = Published(about=str(number), files=list(changed[:NAMED]), many=len(changed), note=note)
    security_log.append(connection, by, [event], at)


def tell(
    connection: sa.Connection,
    number: int,
    changed: Sequence[str],
    author: str,
    note: str,
    at: str,
    approver: str | None = None,
) -> None:
    """Supervisors and auditors hear of every release that was not shipped: what, by whom, who agreed, and why."""
    agreed = f"（经{called(connection, approver)}批准）" if approver else ""
    text = f"第 {number} 版流程已由{called(connection, author)}发布{agreed}：{note}（{'、'.join(changed)}）"
    level = "warn" if RIGHTS & set(changed) else "info"
    told = {"text": text[:LONGEST_NOTICE], "at": at, "level": level, "topic": f"{ABOUT}{number}/{level}"}
    connection.execute(sa.insert(notice), [{**told, "role": role} for role in CHECK])


def called(connection: sa.Connection, name: str) -> str:
    """How a person is called in a notice: by the displayed name, where the name is an account's."""
    return connection.scalar(sa.select(person.c.display_name).where(person.c.name == name)) or name
