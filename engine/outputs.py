"""Files that are written: whole or not at all, under a name of their own until then, nobody else's to read."""

from __future__ import annotations

import os
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

PRIVATE, SHARED = 0o600, 0o666  #: modes of a new file; the umask takes its part of either
_STREAMS = ("/dev/std", "/dev/fd/", "/proc/")  #: names of what is open already, even where that is a file


@contextmanager
def scratch(target: Path, mode: int = PRIVATE) -> Iterator[Path]:
    """A new file beside ``target`` that takes its place, on the disk, when the block ends well, and is gone otherwise.

    An existing ``target`` keeps its permissions, and a symbolic link stays one.
    """
    place = Path(os.path.realpath(target))
    part = place.with_name(f".gongdan-{uuid.uuid4().hex}.part")
    made = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        try:
            if place.exists():
                os.fchmod(made, stat.S_IMODE(place.stat().st_mode))
        finally:
            os.close(made)
        yield part
        sync(part)
        part.replace(place)
        sync(place.parent)
    finally:
        for ending in ("", "-journal", "-wal", "-shm"):  # SQLite's, of a copy that failed
            Path(f"{part}{ending}").unlink(missing_ok=True)


@contextmanager
def writing(target: Path, mode: int = PRIVATE) -> Iterator[BinaryIO]:
    """``target`` to write to: a file appears only when it is whole, a device or pipe is written straight into."""
    if str(target.absolute()).startswith(_STREAMS) or (target.exists() and not target.is_file()):
        with target.open("wb") as out:
            yield out
        return
    with scratch(target, mode) as part, part.open("wb") as out:
        yield out


def write(target: Path, content: bytes, mode: int = PRIVATE) -> None:
    """Write ``content`` to ``target`` as :func:`writing` does."""
    with writing(target, mode) as out:
        out.write(content)


def sync(path: Path) -> None:
    """Wait until the disk has a file, or what stands in a folder."""
    opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
