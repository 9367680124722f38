"""Notices to a role or a person, and which of them somebody has read."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from engine.db.database import Database
from engine.db.tables import notice, setting
from engine.people import Person

MOST = 99  #: the badge counts no further


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice."""

    id: int
    case_id: str | None
    role: str | None
    person: str | None
    text: str
    at: str
    level: str


_COLUMNS = [notice.c[name] for name in Notice.__dataclass_fields__]


def _for(person: Person) -> list[sa.ColumnElement[bool]]:
    return [notice.c.person == person.name, *(notice.c.role == role for role in sorted(person.roles))]


def latest(db: Database, person: Person, limit: int = 100) -> list[Notice]:
    """What was said to this person or one of their roles, newest first."""
    found: dict[int, Notice] = {}
    with db.read() as c:
        for mine in _for(person):
            query = sa.select(*_COLUMNS).where(mine).order_by(notice.c.id.desc()).limit(limit)
            found.update((row.id, Notice(*row)) for row in c.execute(query))
    return [found[number] for number in sorted(found, reverse=True)[:limit]]


def unread(db: Database, person: Person) -> int:
    """How many notices are newer than what the person has read, at most ``MOST``."""
    seen, total = read_up_to(db, person), 0
    with db.read() as c:
        for mine in _for(person):
            inner = sa.select(notice.c.id).where(mine, notice.c.id > seen).limit(MOST - total)
            total += c.execute(sa.select(sa.func.count()).select_from(inner.subquery())).scalar_one()
    return total


def read_up_to(db: Database, person: Person) -> int:
    """The number of the newest notice the person has read."""
    with db.read() as c:
        query = sa.select(setting.c.value).where(setting.c.key == _key(person))
        return int(c.execute(query).scalar_one_or_none() or 0)


def mark_read(db: Database, person: Person, number: int) -> None:
    """The person has read everything up to notice ``number``."""
    with db.begin() as c:
        c.execute(sa.delete(setting).where(setting.c.key == _key(person)))
        c.execute(sa.insert(setting).values(key=_key(person), value=str(number)))


def _key(person: Person) -> str:
    return f"notices-read:{person.name}"
