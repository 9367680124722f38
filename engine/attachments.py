"""Files that come with a case: bytes under their SHA-256 in a folder of the case, so that erasure finds them all."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .errors import InvalidFile, Unavailable
from .forms.files import FileMeta
from .outputs import PRIVATE, sync

_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_CASE = re.compile(r"[0-9A-Za-z-]{1,40}\Z")


class Folder:
    """The files of one case below ``var/attachments``."""

    def __init__(self, var: Path, case_id: str) -> None:
        if not _CASE.match(case_id):
            raise ValueError(f"{case_id!r} is no case number")
        self.path = var / "attachments" / case_id

    def store(self, meta: FileMeta, content: bytes) -> None:
        """Keep the bytes of a file with what describes it; a file already kept stays as it is.

        Raises :class:`Unavailable` when there is no room for it; then nothing of it is kept.
        """
        if self.recall(meta["sha256"]) is not None:
            return
        target = self.path / meta["sha256"]
        parts = {  # described first: bytes that nothing describes would never be found
            target.with_suffix(".json"): json.dumps(meta, ensure_ascii=False).encode(),
            target: content,
        }
        mine = uuid.uuid4().hex  # whoever stores the same file at this moment has scratch files of their own
        try:
            for folder in (
                self.path.parent,
                self.path,
            ):  # parents that mkdir makes would be everybody's to enter
                folder.mkdir(0o700, parents=True, exist_ok=True)
            for path, body in parts.items():
                _write(_scratch(path, mine), body)
            for path in parts:
                _scratch(path, mine).replace(path)
            sync(self.path)
        except OSError as error:
            for path in parts:
                _scratch(path, mine).unlink(missing_ok=True)
            raise Unavailable(f"the file cannot be kept: {error.strerror}") from error

    def recall(self, sha256: str) -> FileMeta | None:
        """What describes a file kept earlier, None for one that is not here."""
        if not _SHA256.match(sha256):
            return None
        kept = self.path / sha256
        described = kept.with_suffix(".json")
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

    def remove(self) -> None:
        """Delete every file of the case."""
        shutil.rmtree(self.path, ignore_errors=True)


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


def _scratch(path: Path, mine: str) -> Path:
    return path.with_name(f"{path.name}.{mine}.part")


def _write(path: Path, content: bytes) -> None:
    """Write a file and wait until the disk has it: a case may name it from then on."""
    made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE)
    with os.fdopen(made, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
