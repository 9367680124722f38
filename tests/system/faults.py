"""What goes wrong below the engine: processes that stop, machines that lose power, disks that are full or busy."""

from __future__ import annotations

import random
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.app import Gongdan

from .stage import DATABASE

SECTOR = 512  #: bytes that a disk writes whole or not at all
_HEADER, _FRAME = 32, 24  #: bytes before the frames of a write-ahead log, and before the page in each
STATEMENTS = 400  #: instructions of SQLite's machine after which it may be interrupted, at most
DISKS = ("full", "busy", "interrupted")


class Stopped(BaseException):
    """A process, or (``process`` None) the whole machine, ends here: nothing of the engine may catch this."""

    def __init__(self, process: str | None, place: str) -> None:
        super().__init__(f"! {'it stops' if process else 'all stop'} at {place}")
        self.process = process


@dataclass(frozen=True)
class Image:
    """The files of a database at one moment: what is in it, and its write-ahead log."""

    data: bytes
    log: bytes

    @classmethod
    def of(cls, folder: Path) -> Image:
        """The files in ``folder`` now."""
        log = folder / f"{DATABASE}-wal"
        return cls((folder / DATABASE).read_bytes(), log.read_bytes() if log.exists() else b"")

    def restore(self, folder: Path) -> None:
        """Put the files into ``folder``, as they are found after the power came back."""
        (folder / f"{DATABASE}-shm").unlink(missing_ok=True)
        (folder / DATABASE).write_bytes(self.data)
        (folder / f"{DATABASE}-wal").write_bytes(self.log)


def torn(rng: random.Random, synced: Image, written: Image) -> Image:
    """What a power cut leaves of a commit under way: of each sector written since ``synced``, new bytes or old ones.

    Where the log was checkpointed meanwhile it was synced before, and is kept whole.
    """
    if written.data != synced.data:
        return written
    old = synced.log.ljust(len(written.log), b"\0")
    cut = rng.randrange(len(written.log) + 1) if rng.random() < 0.5 else len(written.log)
    share, log = rng.choice((0.0, 0.5, 0.9)), bytearray()
    for start in range(0, len(written.log), SECTOR):
        new, was = written.log[start : start + SECTOR], old[start : start + SECTOR]
        # The header of a log begun anew is synced before anything that follows it.
        reached = start == 0 or (start < cut and rng.random() < share)
        log += new if reached or new == was else was
    return Image(written.data, bytes(log[: max(cut, len(synced.log))]))


def half_checkpointed(rng: random.Random, image: Image) -> Image:
    """What a power cut leaves of a checkpoint: the log whole, of the pages it holds some in their places."""
    pages = dict(_committed(image.log))
    data = bytearray(image.data)
    for number in sorted(pages):
        if rng.random() < 0.5:
            start = (number - 1) * len(pages[number])
            data += bytes(max(0, start + len(pages[number]) - len(data)))
            data[start : start + len(pages[number])] = pages[number]
    return Image(bytes(data), image.log)


def _committed(log: bytes) -> Iterator[tuple[int, bytes]]:
    """(number, content) of the pages that a log holds for good, in the order they were written."""
    if len(log) < _HEADER:
        return
    (size,) = struct.unpack(">I", log[8:12])
    salt, pending = log[16:24], []
    for start in range(_HEADER, len(log) - _FRAME - size + 1, _FRAME + size):
        number, commits = struct.unpack(">II", log[start : start + 8])
        if log[start + 8 : start + 16] != salt:  # of an earlier round of the log
            return
        pending.append((number, log[start + _FRAME : start + _FRAME + size]))
        if commits:
            yield from pending
            pending = []


@contextmanager
def bad_disk(gongdan: Gongdan, kind: str, rng: random.Random) -> Iterator[None]:
    """While the block runs, the writer of ``gongdan`` meets a disk that is ``full``, ``busy`` or ``interrupted``."""
    raw: Any = gongdan.db._kept_writer().connection.driver_connection
    if kind == "full":
        (pages,) = raw.execute("PRAGMA page_count").fetchone()
        with _pragma(raw, "max_page_count", pages + rng.randrange(2), 1 << 30):
            yield
    elif kind == "busy":
        with closing(sqlite3.connect(gongdan.settings.var / DATABASE, isolation_level=None)) as other:
            with suppress(sqlite3.OperationalError):
                other.execute("BEGIN IMMEDIATE")
            with _pragma(raw, "busy_timeout", 0, 30_000):
                yield
    else:
        once = iter((1,))  # what undoes the rest is not interrupted as well
        raw.set_progress_handler(lambda: next(once, 0), rng.randrange(1, STATEMENTS))
        try:
            yield
        finally:
            with suppress(sqlite3.ProgrammingError):  # the connection is gone
                raw.set_progress_handler(None, 0)


@contextmanager
def _pragma(raw: Any, name: str, value: int, after: int) -> Iterator[None]:
    raw.execute(f"PRAGMA {name}={value}")
    try:
        yield
    finally:
        with suppress(sqlite3.ProgrammingError):  # the connection is gone
            raw.execute(f"PRAGMA {name}={after}")
