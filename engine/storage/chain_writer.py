"""Appending to a chain one row at a time, from many threads: those that wait for each other are written together.

A chain has one end, so one transaction at a time appends to it: of eight who append at once on PostgreSQL, each would
otherwise wait for seven writes to the disk.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .chains import Chain, append
from .database import Database


@dataclass(slots=True, eq=False)
class _Waiting:
    """A row that is to be appended, and what came of it."""

    row: Mapping[str, Any]
    finished: bool = False
    error: BaseException | None = None


class ChainWriter:
    """Appends to ``chain`` for one process, each group of rows in a transaction of its own."""

    def __init__(self, db: Database, chain: Chain) -> None:
        self._db, self._chain = db, chain
        self._waiting: list[_Waiting] = []
        self._writing = False  #: one of the threads is at it
        self._turn = threading.Condition()

    def write(self, row: Mapping[str, Any]) -> None:
        """Append ``row`` (the chain's columns); raises :class:`Unavailable` when it cannot be written."""
        mine = _Waiting(row)
        with self._turn:
            self._waiting.append(mine)
            while self._writing and not mine.finished:
                self._turn.wait()
            group = [] if mine.finished else self._waiting
            if group:
                self._waiting, self._writing = [], True
        if group:
            self._write(group)
        if mine.error is not None:
            raise mine.error

    def _write(self, group: list[_Waiting]) -> None:
        failed: BaseException | None = None
        try:
            with self._db.begin() as connection:
                append(connection, self._chain, [one.row for one in group])
        except BaseException as error:
            failed = error
            raise
        finally:
            with self._turn:
                self._writing = False
                for one in group:
                    one.finished, one.error = True, failed
                self._turn.notify_all()
