"""Notices to a role or a person, and which of them somebody has read.

Notices of one topic (a limit that passes in many cases, at an import in hundreds) are one line: the new ones, and
those that were read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import sqlalchemy as sa

from engine.people.directory import Person
from engine.people.respondents import not_about
from engine.people.security_events import ALERT
from engine.release.announcing import ABOUT as RELEASE
from engine.release.proposals import ABOUT as PROPOSAL
from engine.storage.database import Database
from engine.storage.statements import Question
from engine.storage.tables import notice, setting

from .rows import text

MOST = 99  #: the badge counts no further
RECENT = 5_000  #: notices with a topic that are looked at, the newest of each role
SHOWN = 20  #: cases that a line names


@dataclass(frozen=True, slots=True)
class Line:
    """One line of notices; ``id`` and ``at`` of its newest.

    ``cases`` are the newest of the ``count`` cases it is about; ``role`` is None where some were to the person alone.
    ``topic`` is ``parameter/level`` of a limit, ``release:number/level`` of a release, ``proposal:number/level`` of
    one that somebody proposed, ``burst:number/level`` of an alert, None for a notice with words of its own in ``text``.
    """

    id: int
    at: str
    level: str
    text: str
    role: str | None
    topic: str | None
    cases: tuple[str, ...]
    count: int

    @property
    def parameter(self) -> str | None:
        """The limit that the line is about."""
        about = self._about
        return about if about and not about.startswith((RELEASE, PROPOSAL, ALERT)) else None

    @property
    def release(self) -> int | None:
        """The release that the line is about."""
        return self._number(RELEASE)

    @property
    def proposal(self) -> int | None:
        """The proposal of a release that the line is about."""
        return self._number(PROPOSAL)

    @property
    def alert(self) -> int | None:
        """The entry of the security log that the line is about."""
        return self._number(ALERT)

    @property
    def _about(self) -> str:
        return self.topic.rpartition("/")[0] if self.topic else ""

    def _number(self, kind: str) -> int | None:
        return int(self._about.removeprefix(kind)) if self._about.startswith(kind) else None


_READ = Question(sa.select(setting.c.value).where(setting.c.key == sa.bindparam("key")))
_COLUMNS = [notice.c[name] for name in ("id", "case_id", "role", "text", "at", "level", "topic")]


def _for(db: Database, person: Person) -> list[sa.ColumnElement[bool]]:
    """What is theirs by name, by role, or by role in a department (``specialist@om``).

    But for notices of cases that they must not learn of.
    """
    desks = (f"{role}@{department}" for role in person.roles for department in person.departments)
    queues = sorted([*person.roles, *desks])
    to = [notice.c.person == person.name, *(notice.c.role == queue for queue in queues)]
    seen = not_about(db, person, notice.c.case_id)
    return [sa.and_(one, seen) for one in to]


def latest(db: Database, person: Person, limit: int = 100) -> list[Line]:
    """What was said to this person or one of their roles, newest first."""
    seen = read_up_to(db, person)
    alone: dict[int, Line] = {}
    grouped: dict[tuple[str, bool], dict[int, sa.Row[tuple[object, ...]]]] = {}
    ways = _for(db, person)
    with db.read() as c:
        for mine in ways:
            newest = sa.select(*_COLUMNS).where(mine).order_by(notice.c.id.desc())
            for row in c.execute(newest.where(notice.c.topic.is_(None)).limit(limit)):
                about = (row.case_id,) if row.case_id else ()
                alone[row.id] = _named(row, None, about)
            for row in c.execute(newest.where(notice.c.topic.is_not(None)).limit(RECENT)):
                grouped.setdefault((row.topic, row.id > seen), {})[row.id] = row
    found = [*alone.values(), *(_line(list(rows.values())) for rows in grouped.values())]
    return sorted(found, key=lambda line: -line.id)[:limit]


def _line(rows: list[sa.Row[tuple[object, ...]]]) -> Line:
    """The line of notices of one topic."""
    rows.sort(key=lambda row: -row.id)
    newest, about = rows[0], tuple(dict.fromkeys(row.case_id for row in rows if row.case_id))
    role = newest.role if all(row.role for row in rows) else None
    line = _named(newest, newest.topic, about)
    return line if role else replace(line, role=None)


def _named(row: sa.Row[tuple[object, ...]], topic: str | None, about: tuple[str, ...]) -> Line:
    """The line that begins with ``row``, on the cases ``about``."""
    at, level, said = text(row.at), text(row.level), text(row.text)
    role = None if row.role is None else text(row.role)
    return Line(row.id, at, level, said, role, topic and text(topic), about[:SHOWN], len(about))


def unread(db: Database, person: Person) -> int:
    """How many lines are newer than what the person has read, at most ``MOST``."""
    seen, alone, told = read_up_to(db, person), [], []
    for mine in _for(db, person):
        newer = sa.select(notice.c.topic).where(mine, notice.c.id > seen)
        alone.append(sa.select(newer.where(notice.c.topic.is_(None)).limit(MOST).subquery()))
        newest = newer.where(notice.c.topic.is_not(None)).order_by(notice.c.id.desc()).limit(RECENT)
        told.append(sa.select(newest.subquery().c.topic))
    words = sa.select(sa.func.count()).select_from(sa.union_all(*alone).subquery())
    topics = sa.select(sa.func.count()).select_from(sa.union(*told).subquery())
    with db.read() as c:
        row = c.execute(sa.select(words.scalar_subquery(), topics.scalar_subquery())).one()
    return min(MOST, int(row[0]) + int(row[1]))


def read_up_to(db: Database, person: Person) -> int:
    """The number of the newest notice the person has read."""
    rows = db.ask(_READ, key=_key(person))
    return int(rows[0][0]) if rows else 0


def mark_read(db: Database, person: Person, number: int) -> None:
    """The person has read everything up to notice ``number``."""
    with db.begin() as c:
        c.execute(sa.delete(setting).where(setting.c.key == _key(person)))
        c.execute(sa.insert(setting).values(key=_key(person), value=str(number)))


def _key(person: Person) -> str:
    return f"notices-read:{person.name}"
