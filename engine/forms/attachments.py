"""Files that come with a case: bytes under their SHA-256 in a folder of the case, so that erasure finds them all.

A file takes its place there only after a command that names it was recorded. Until then it waits in one folder for
all cases, under a name of its form alone: whatever becomes of that form, the same file of another one is not
touched. What a crash leaves waiting is settled by :mod:`engine.operations.leftovers`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import uuid
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.base.atomic_files import PRIVATE, sync
from engine.base.errors import InvalidFile, Unavailable

from .files import FileMeta

_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_CASE = re.compile(r"[0-9A-Za-z-]{1,40}\Z")
_WAITING = ".waiting"  #: no case is called so
_TOLD = ".json"  #: ending of what describes a file


class Folder:
    """The files of one case below ``var/attachments``."""

    def __init__(self, var: Path, case_id: str) -> None:
        if not _CASE.match(case_id):
            raise ValueError(f"{case_id!r} is no case number")
        self.case_id = case_id
        self.path = var / "attachments" / case_id
        self.waiting = self.path.parent / _WAITING

    def incoming(self, at: str) -> Incoming:
        """What collects the files of one form, sent ``at``."""
        return Incoming(self, at)

    def settle(self, waiting: Path, sha256: str) -> None:
        """Give a waiting file its place; one that is there already stays as it is."""
        _make(self.path)
        told = waiting.with_name(waiting.name + _TOLD)
        if self.recall(sha256) is None:
            # Described first: bytes that nothing describes would never be found.
            told.replace((self.path / sha256).with_suffix(_TOLD))
            waiting.replace(self.path / sha256)
            sync(self.path)
        for left in (told, waiting):
            left.unlink(missing_ok=True)

    def recall(self, sha256: str) -> FileMeta | None:
        """What describes a file kept earlier, None for one that is not here."""
        if not _SHA256.match(sha256):
            return None
        kept = self.path / sha256
        described = kept.with_suffix(_TOLD)
        if not (kept.exists() and described.exists()):
            return None
        found: FileMeta = json.loads(described.read_text(encoding="utf-8"))
        return found

    def content(self, sha256: str) -> bytes | None:
        """The bytes of a file, None for one that is not here; raises :class:`InvalidFile` for other bytes."""
        kept = self.path / sha256
        if not (_SHA256.match(sha256) and kept.exists()):
            return None
        found = kept.read_bytes()
        if hashlib.sha256(found).hexdigest() != sha256:
            raise InvalidFile(f"the file {kept} holds something else than was given")
        return found

    def fault(self, sha256: str) -> str | None:
        """What is wrong with a file that should be here."""
        try:
            return None if self.content(sha256) is not None else "is missing"
        except InvalidFile:
            return "holds something else than was given"

    def unnamed(self, named: Collection[str]) -> list[str]:
        """Digests of the files that are here and not ``named``."""
        here = self.path.iterdir() if self.path.is_dir() else ()
        return sorted(path.name for path in here if _SHA256.match(path.name) and path.name not in named)

    def set_aside(self, sha256: str) -> Path:
        """Take a file out of its place, to be put back or deleted."""
        kept = self.path / sha256
        aside = kept.with_name(f"{sha256}.{uuid.uuid4().hex}.aside")
        kept.replace(aside)
        return aside

    def remove(self) -> None:
        """Delete every file of the case, also those that wait."""
        shutil.rmtree(self.path, ignore_errors=True)
        for left in self.waiting.glob(f"{self.case_id}.*"):
            left.unlink(missing_ok=True)


class Incoming:
    """The files of one form while it is decided on: read, then waiting, then kept or dropped."""

    def __init__(self, folder: Folder, at: str) -> None:
        self._folder = folder
        self._mark = f"{folder.case_id}.{int(datetime.fromisoformat(at).timestamp())}.{uuid.uuid4().hex}"
        self._read: dict[str, tuple[FileMeta, bytes]] = {}
        self._waiting: dict[str, Path] = {}

    def read(self, meta: FileMeta, content: bytes) -> None:
        """Note a file of the form; nothing is written yet."""
        self._read[meta["sha256"]] = meta, content

    @property
    def names(self) -> list[str]:
        """What the files that were read are called."""
        return [str(meta["name"]) for meta, _ in self._read.values()]

    def has(self, sha256: str) -> bool:
        """Whether the file came with this form."""
        return sha256 in self._read

    def wait(self, answers: Mapping[str, Any]) -> None:
        """Write those files that ``answers`` name, so that a case may name them.

        Raises :class:`Unavailable` when there is no room for them; then nothing of them stays.
        """
        try:
            for sha256 in [meta["sha256"] for meta in named(answers) if meta["sha256"] in self._read]:
                meta, content = self._read[sha256]
                _make(self._folder.waiting)
                path = self._folder.waiting / f"{self._mark}.{sha256}"
                self._waiting[sha256] = path
                _write(path.with_name(path.name + _TOLD), json.dumps(meta, ensure_ascii=False).encode())
                _write(path, content)
            if self._waiting:
                sync(self._folder.waiting)
        except OSError as error:
            self.drop()
            raise Unavailable(f"the file cannot be kept: {error.strerror}") from error

    def keep(self) -> None:
        """The command was recorded: the files take their places.

        What cannot be moved stays waiting and is settled later: the command is recorded and must not fail.
        """
        for sha256, path in self._waiting.items():
            try:
                self._folder.settle(path, sha256)
            except OSError:
                continue

    def drop(self) -> None:
        """The command was refused: nothing of the files stays."""
        for path in self._waiting.values():
            for left in (path, path.with_name(path.name + _TOLD)):
                left.unlink(missing_ok=True)


@dataclass(frozen=True)
class Waiting:
    """A file that waits, or what describes one: of which case, since when."""

    path: Path
    folder: Folder
    since: datetime
    sha256: str

    @property
    def whole(self) -> bool:
        """Whether this is a file and what describes it is there too."""
        told = self.path.with_name(self.path.name + _TOLD)
        return not self.path.name.endswith(_TOLD) and told.exists()


def waiting(var: Path) -> Iterator[Waiting]:
    """What waits, of all cases."""
    folder = var / "attachments" / _WAITING
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        case_id, since, _, sha256 = (*path.name.removesuffix(_TOLD).split("."), "", "", "")[:4]
        if _CASE.match(case_id) and since.isdigit() and _SHA256.match(sha256):
            yield Waiting(path, Folder(var, case_id), datetime.fromtimestamp(int(since), UTC), sha256)


def named(value: Any) -> Iterator[FileMeta]:
    """What describes each file that stands anywhere in case data, each once."""
    found: dict[str, FileMeta] = {}
    _gather(value, found)
    return iter(found.values())


def describes_file(value: Any) -> bool:
    """Whether ``value`` of case data describes a file."""
    return (
        isinstance(value, Mapping)
        and isinstance(value.get("name"), str)
        and isinstance(value.get("sha256"), str)
        and isinstance(value.get("size"), int)
    )


def _gather(value: Any, found: dict[str, FileMeta]) -> None:
    if describes_file(value):
        found.setdefault(value["sha256"], value)
    elif isinstance(value, Mapping):
        for part in value.values():
            _gather(part, found)
    elif isinstance(value, list):
        for part in value:
            _gather(part, found)


def _make(folder: Path) -> None:
    for one in (folder.parent, folder):  # parents that mkdir makes would be everybody's to enter
        one.mkdir(0o700, parents=True, exist_ok=True)


def _write(path: Path, content: bytes) -> None:
    """Write a file and wait until the disk has it: a case may name it from then on."""
    made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE)
    with os.fdopen(made, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
