"""Whose turn it is to write to a SQLite database, among processes.

SQLite lets a second writer sleep and ask again, up to a tenth of a second at a time; a lock on a file wakes it at
once. SQLite's own lock stays the one that protects.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from engine.base.errors import Unavailable

from .lockfile import open_beside


class Turns:
    """This process's place in the queue for the database file ``place``; None where no other process can write.

    The caller holds the lock of the process's own threads.
    """

    def __init__(self, place: str | None) -> None:
        self._place = place
        self._file: int | None = None

    def take(self) -> None:
        """Wait for the turn. Raises :class:`Unavailable` when the file cannot be locked."""
        if self._place is None:
            return
        try:
            if self._file is None:
                self._file = open_beside(self._place, ".turn")
            fcntl.flock(self._file, fcntl.LOCK_EX)
        except OSError as error:
            raise Unavailable(f"the database cannot be written: {error.strerror}") from error

    def give(self) -> None:
        """The turn is over."""
        if self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    @contextmanager
    def taken(self) -> Iterator[None]:
        """A turn, as long as the block runs."""
        self.take()
        try:
            yield
        finally:
            self.give()

    def end(self) -> None:
        """Leave the queue; the next :meth:`take` joins it anew."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
