"""Where somebody is signed in: begun after they showed who they are; ended by them, an administrator or time.

A browser keeps a random token, the database its digest: whoever reads the database cannot sign in with what is there.
A session ends when nobody did anything for a while (what a page asks by itself does not count), at the latest after a
fixed time, with every session of the account (its generation rises), or alone.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from engine.base.errors import Unavailable
from engine.base.instants import iso
from engine.base.settings import Settings
from engine.storage.database import Database
from engine.storage.people_tables import person as people
from engine.storage.people_tables import session as table

from .person import Person, from_row

NOTED = timedelta(
    minutes=1
)  #: how exactly it is known when a session was last used: a write each time would be dear
MOST_TOLD = 120  #: characters of a browser's name


@dataclass(frozen=True, slots=True)
class Session:
    """One browser of somebody. Instants are ISO 8601; ``id`` is no secret."""

    id: str
    person: str
    started_at: str
    last_at: str
    address: str
    browser: str


class Sessions:
    """The sessions of one installation."""

    def __init__(self, db: Database, settings: Settings) -> None:
        self._db = db
        self.idle = timedelta(minutes=settings.session_idle_minutes)
        self.most = timedelta(hours=settings.session_most_hours)

    def begin(
        self, connection: sa.Connection, person: Person, address: str, browser: str, at: str
    ) -> tuple[str, Session]:
        """Sign ``person`` in within the caller's transaction; returns what the browser is to keep, and the session.

        Sessions of theirs that ran out are taken away.
        """
        token = secrets.token_urlsafe(32)
        over = sa.or_(*self._over(at), table.c.generation != person.session_generation)
        connection.execute(sa.delete(table).where(table.c.person == person.name, over))
        begun = Session(_digest(token), person.name, at, at, address, browser[:MOST_TOLD])
        row = {**asdict(begun), "generation": person.session_generation}
        connection.execute(sa.insert(table).values(row))
        return token, begun

    def find(self, token: str, at: str) -> tuple[Person, Session] | None:
        """Who is signed in with ``token``, and the session; None when it ended or the account is switched off."""
        rows = self._db.rows(
            sa.select(people, *_columns())
            .join(table, table.c.person == people.c.name)
            .where(table.c.id == _digest(token), people.c.active == 1, *self._lives(at))
        )
        return (from_row(rows[0]), _session(rows[0])) if rows else None

    def touch(self, session: Session, at: str) -> None:
        """Note that somebody did something; where nothing can be written just now, it is not noted."""
        if datetime.fromisoformat(at) - datetime.fromisoformat(session.last_at) < NOTED:
            return
        try:
            with self._db.begin() as connection:
                connection.execute(sa.update(table).where(table.c.id == session.id).values(last_at=at))
        except Unavailable:
            return

    def of(self, name: str, at: str) -> list[Session]:
        """Where ``name`` is signed in, last used first."""
        rows = self._db.rows(
            sa.select(*_columns())
            .join(people, table.c.person == people.c.name)
            .where(table.c.person == name, *self._lives(at))
            .order_by(table.c.last_at.desc(), table.c.started_at.desc(), table.c.id)
        )
        return [_session(row) for row in rows]

    def end(self, connection: sa.Connection, name: str, id: str) -> bool:
        """End one session of ``name`` within the caller's transaction; False when there is none of that id."""
        gone = connection.execute(sa.delete(table).where(table.c.id == id, table.c.person == name))
        return bool(gone.rowcount)

    def _lives(self, at: str) -> list[sa.ColumnElement[bool]]:
        return [table.c.generation == people.c.session_generation, *map(sa.not_, self._over(at))]

    def _over(self, at: str) -> list[sa.ColumnElement[bool]]:
        now = datetime.fromisoformat(at)
        return [table.c.last_at <= iso(now - self.idle), table.c.started_at <= iso(now - self.most)]


def _columns() -> list[sa.ColumnElement[str]]:
    names = ("id", "person", "started_at", "last_at", "address", "browser")
    return [table.c[name].label(f"session_{name}") for name in names]


def _session(row: sa.Row[*tuple[object, ...]]) -> Session:
    return Session(
        row.session_id,
        row.session_person,
        row.session_started_at,
        row.session_last_at,
        row.session_address,
        row.session_browser,
    )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()[:40]
