"""Who uses a SQLite database: every process that opened it shares a lock on a file beside it, a restore has it alone.

The kernel gives a lock back when its process ends, however it ends.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from engine.base.errors import GongdanError, Unavailable

from .lockfile import open_beside

_MOMENT = 1.0  #: seconds that others wait for who has just made the file
_MAKING = 5.0  #: seconds that making an empty database file takes at most


class InUse:
    """This process's part in the use of the database file ``place`` (None: a database of this process alone)."""

    def __init__(self, place: str | None) -> None:
        self.place = place
        self._lock = threading.Lock()
        self._held: int | None = None
        self._file: tuple[int, int] | None = None  #: which file lay at ``place`` when it was opened
        self._log: tuple[int, int] | None = None  #: which write-ahead log the writer has open

    def share(self) -> None:
        """Use the database until :meth:`end`. Raises :class:`Unavailable` while it is being restored."""
        if self.place is None:
            return
        with self._lock:
            if self._held is not None:
                self._check_file()  # a new connection would make an empty database, and replay the log into it
                return
            held = self._opened()
            try:
                _make_if_missing(self.place, held)
                _share(held)
            except BlockingIOError:
                os.close(held)
                raise Unavailable(
                    "the database is being restored, or gets another key; try again when that has ended"
                ) from None
            except BaseException:
                os.close(held)
                raise
            self._held, self._file = held, _identity(self.place)

    def check(self) -> None:
        """Before a commit: raise :class:`Unavailable` when the files that are open are not those at their place.

        A database that was moved, replaced or removed can still be written, and nobody would ever find it again.
        """
        if self.place is None:
            return
        self._check_file()
        log = _identity(f"{self.place}-wal")
        self._log = self._log or log
        if log != self._log:
            raise Unavailable(f"{self.place}-wal, the log of the database, was moved, replaced or removed")

    def forget_log(self) -> None:
        """The writer closed the write-ahead log; the next one opens what is there then."""
        self._log = None

    def _check_file(self) -> None:
        if _identity(str(self.place)) != self._file:
            raise Unavailable(
                f"the database {self.place} was moved, replaced or removed while it is in use: put the file back, "
                "or stop Gongdan and start it anew"
            )

    def end(self) -> None:
        """Use it no longer."""
        with self._lock:
            if self._held is not None:
                os.close(self._held)
                self._held = self._file = self._log = None

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody uses the database until the block ends, not even this process.

        Raises :class:`GongdanError` when somebody does.
        """
        held = self._opened()
        try:
            self._take(held, "restore")
            yield
        finally:
            os.close(held)

    @contextmanager
    def to_myself(self, then: str) -> Iterator[None]:
        """This process alone uses the database until the block ends.

        Raises :class:`GongdanError` when others do; ``then``: what is to be done once they are stopped.
        """
        self.share()
        if self._held is None:  # in memory: nobody else's
            yield
            return
        try:
            self._take(self._held, then)
            yield
        finally:
            fcntl.flock(self._held, fcntl.LOCK_SH)

    def _take(self, held: int, then: str) -> None:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise GongdanError(
                f"{self.place} is in use by another process of Gongdan (`serve`, or a command); "
                f"stop it, then {then}. The database was left as it is"
            ) from None

    def _opened(self) -> int:
        try:
            return open_beside(str(self.place), ".used")
        except OSError as error:
            raise Unavailable(
                f"the database {self.place} cannot be opened: {error.strerror} ({error.filename})"
            ) from None


def _identity(place: str) -> tuple[int, int] | None:
    """Which file lies at ``place``; None when there is none, or none that can be reached."""
    try:
        found = os.stat(place)  # noqa: PTH116 - twice a commit, and a Path costs four times as much
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _share(held: int) -> None:
    """Take the shared lock; who makes the file holds it alone for a moment, a restore for longer."""
    until = time.monotonic() + _MOMENT
    while True:
        try:
            return fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)


def _make_if_missing(place: str, held: int) -> None:
    """Make the database file, once for all processes that start together; ``held`` is the file of their lock."""
    until = time.monotonic() + _MAKING
    while not Path(place).exists():
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # another process is making it, or uses one that was deleted under it
            if time.monotonic() > until:
                raise Unavailable(
                    f"{place} is missing, but a process of Gongdan holds it: it is being restored, or was removed "
                    "while that process ran; wait for it, or stop it"
                ) from None
            time.sleep(0.02)
            continue
        if not Path(place).exists():
            # Logs of a database that was removed: SQLite would replay them into this one.
            for leftover in ("-wal", "-shm"):
                Path(f"{place}{leftover}").unlink(missing_ok=True)
            _make(place)


def _make(place: str) -> None:
    """An empty database with a write-ahead log, its owner's alone; SQLite's own files beside it follow its mode.

    It appears ready: of processes that turn the same new file to such a log at once, SQLite refuses all but one.
    """
    part = f"{place}.{uuid.uuid4().hex}"
    try:
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        with closing(sqlite3.connect(part)) as made:
            made.execute("PRAGMA journal_mode=WAL")
        with suppress(FileExistsError):  # another process was first
            os.link(part, place)
    except (OSError, sqlite3.Error) as error:
        raise Unavailable(f"the database {place} cannot be made: {error}") from None
    finally:
        Path(part).unlink(missing_ok=True)
