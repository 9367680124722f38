"""Files that come with a case: bytes under their SHA-256 in a folder of the case, so that erasure finds them all."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from .errors import Unavailable
from .forms.files import FileMeta

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
        target = self.path / meta["sha256"]
        if target.exists():
            return
        scratch, described = target.with_suffix(".part"), target.with_suffix(".json")
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            scratch.write_bytes(content)
            scratch.replace(target)
            described.write_text(json.dumps(meta, ensure_ascii=False), encoding="utf-8")
        except OSError as error:
            for begun in (scratch, target, described):
                begun.unlink(missing_ok=True)
            raise Unavailable(f"the file cannot be kept: {error.strerror}") from error

    def recall(self, sha256: str) -> FileMeta | None:
        """What describes a file kept earlier, None for one that is not here."""
        if not _SHA256.match(sha256):
            return None
        described = (self.path / sha256).with_suffix(".json")
        found: FileMeta | None = (
            json.loads(described.read_text(encoding="utf-8")) if described.exists() else None
        )
        return found

    def content(self, sha256: str) -> bytes | None:
        """The bytes of a file, None for one that is not here."""
        kept = self.path / sha256
        return kept.read_bytes() if _SHA256.match(sha256) and kept.exists() else None

    def remove(self) -> None:
        """Delete every file of the case."""
        shutil.rmtree(self.path, ignore_errors=True)
