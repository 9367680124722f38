"""Whether a server still holds a pooled connection, seen without asking it.

SQLAlchemy's own ping is a round trip to the server for each use. A server that stops, or ends a connection, says so on
the socket: where nothing lies to be read, nothing was said.
"""

from __future__ import annotations

import select
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event


def watch(engine: sa.Engine) -> None:
    """Replace connections of ``engine`` that were ended while nobody used them, when they are taken from the pool."""
    driver: Any = engine.dialect.loaded_dbapi

    def check(raw: Any, _record: Any, _borrowed: Any) -> None:
        if not raw.closed and not _said_something(raw):
            return
        try:  # a notice is no end
            engine.dialect.do_ping(raw)
        except driver.Error as error:
            raise sa.exc.InvalidatePoolError from error  # the others ended with it

    event.listen(engine, "checkout", check)


def _said_something(raw: Any) -> bool:
    sockets = select.poll()
    sockets.register(raw.fileno(), select.POLLIN)
    return bool(sockets.poll(0))
