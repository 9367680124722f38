"""Files that are written: whole or not at all, under a name of their own until then, nobody else's to read."""

from __future__ import annotations

import os
import stat
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from .errors import Unavailable

PRIVATE, SHARED = 0o600, 0o666  #: modes of a new file; the umask takes its part of either
_STREAMS = ("/dev/std", "/dev/fd/", "/proc/")  #: names of what is open already, even where that is a file


@contextmanager
def scratch(target: Path, mode: int = PRIVATE) -> Iterator[Path]:
    """A new file beside ``target`` that takes its place, on the disk, when the block ends well, and is gone otherwise.

    An existing ``target`` keeps its permissions, and a symbolic link stays one. Raises :class:`Unavailable` for
    what the system refuses.
    """
    place = Path(os.path.realpath(target))
    part = place.with_name(f".gongdan-{uuid.uuid4().hex}.part")
    with _telling(target):
        try:
            _make(part, mode, like=place)
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
        with _telling(target), target.open("wb") as out:
            yield out
        return
    with scratch(target, mode) as part, part.open("wb") as out:
        yield out


def write_all(contents: Mapping[Path, bytes], mode: int = PRIVATE) -> None:
    """Write files, making the folders they stand in; where one has no room, none is written.

    Then they are put in place one by one.
    """
    with ExitStack() as parts:
        for target, content in contents.items():
            with _telling(target):
                target.parent.mkdir(parents=True, exist_ok=True)
                parts.enter_context(scratch(target, mode)).write_bytes(content)


def sync(path: Path) -> None:
    """Wait until the disk has a file, or what stands in a folder."""
    opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def readable(folder: Path) -> list[Path]:
    """What others than its owner can read in ``folder``; nothing when they cannot enter it."""
    if not folder.is_dir() or not stat.S_IMODE(folder.stat().st_mode) & 0o077:
        return []
    return sorted(path for path in folder.iterdir() if stat.S_IMODE(path.lstat().st_mode) & 0o044)


def _make(part: Path, mode: int, like: Path) -> None:
    """An empty file with the permissions of ``like``, where that exists."""
    made = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        if like.exists():
            os.fchmod(made, stat.S_IMODE(like.stat().st_mode))
    finally:
        os.close(made)


@contextmanager
def _telling(target: Path) -> Iterator[None]:
    """Say in one line why ``target`` cannot be written. A reader who went away is for the command line to see."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        if not _concerns(error, target):
            raise
        if not isinstance(error, FileNotFoundError):
            raise Unavailable(f"{target} cannot be written: {error.strerror}") from error
        raise Unavailable(f"{target} cannot be written: there is no folder {target.parent}") from error


def _concerns(error: OSError, target: Path) -> bool:
    """Whether an error is about ``target`` or where it stands, and not about what is read to fill it."""
    if error.filename is None:
        return True
    about, place = (Path(os.path.realpath(os.fsdecode(name))) for name in (error.filename, target))
    return about.parent == place.parent or about in place.parents
