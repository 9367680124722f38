"""Who else uses the database: what must not happen beside others asks here first."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from engine.base.errors import GongdanError
from engine.storage.database import Database

_PARTING = 2.0  #: seconds that a server needs at most to part with connections that were closed
#: others connected to this database; servers of PostgreSQL itself have no user
_OTHERS = sa.text(
    "SELECT DISTINCT usename || ' from ' || coalesce(host(client_addr), 'this machine') FROM pg_stat_activity "
    "WHERE datname = current_database() AND usename IS NOT NULL AND pid <> pg_backend_pid() ORDER BY 1"
)


def refuse_others(db: Database, then: str) -> None:
    """Close the connections of this process to a PostgreSQL database, and raise :class:`GongdanError` where others
    have some. ``then``: what is to be done once they are stopped.
    """
    db.close()  # of our own connections one is enough to look around, none while the tables are replaced
    until = time.monotonic() + _PARTING
    try:
        with db.read() as connection:
            others = list(connection.execute(_OTHERS).scalars())
            while others and time.monotonic() < until:
                time.sleep(0.1)
                connection.rollback()  # the server shows a transaction what it showed it first
                others = list(connection.execute(_OTHERS).scalars())
    finally:
        db.close()
    if others:
        raise GongdanError(
            f"the database is in use ({', '.join(others)}); stop every process of Gongdan and close other "
            f"connections, then {then}. The database was left as it is"
        )


@contextmanager
def only_user(db: Database, then: str) -> Iterator[None]:
    """This process alone uses the database, whose connections may be used inside of the block.

    Of others a SQLite database keeps out who comes during the block, too; a PostgreSQL database is looked at before.
    Raises :class:`GongdanError` when somebody else uses it. ``then``: as above.
    """
    if db.sqlite:
        with db.in_use.to_myself(then):
            yield
        return
    refuse_others(db, then)
    yield
