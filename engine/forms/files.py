"""Files given with a form. The values hold what describes a file; its bytes go to the caller's store."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from . import contents
from .model import Field
from .values import Refused

FileMeta = dict[str, Any]  #: ``{"name", "size", "type", "sha256"}``
Store = Callable[[FileMeta, bytes], None]
Recall = Callable[[str], FileMeta | None]

DEFAULT_MAX_SIZE = 5 * 1024 * 1024
MAX_MAX_SIZE = 50 * 1024 * 1024
_OFFICE = "application/vnd.openxmlformats-officedocument."
#: By ending: media type, and what people call it. What each holds: :mod:`engine.forms.contents`.
TYPES: dict[str, tuple[str, str]] = {
    ".pdf": ("application/pdf", "PDF"),
    ".png": ("image/png", "PNG"),
    ".jpg": ("image/jpeg", "JPEG"),
    ".jpeg": ("image/jpeg", "JPEG"),
    ".webp": ("image/webp", "WebP"),
    ".mp3": ("audio/mpeg", "MP3"),
    ".wav": ("audio/wav", "WAV"),
    ".amr": ("audio/amr", "AMR"),
    ".txt": ("text/plain", "TXT"),
    ".csv": ("text/csv", "CSV"),
    ".docx": (f"{_OFFICE}wordprocessingml.document", "Word"),
    ".xlsx": (f"{_OFFICE}spreadsheetml.sheet", "Excel"),
}
DEFAULT_ACCEPT = (".pdf", ".png", ".jpg", ".jpeg", ".webp", ".txt", ".docx", ".xlsx")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_UNSAFE = re.compile('[\x00-\x1f\x7f\ud800-\udfff\u202a-\u202e\u2066-\u2069<>:"|?*]')


class Upload(Protocol):
    """What a web framework gives for one uploaded file."""

    @property
    def filename(self) -> str | None:
        """Its name on the sender's machine."""

    def read(self, size: int = -1, /) -> bytes:
        """Its bytes, ``size`` at most."""


def ending(name: str) -> str:
    """The ending of a file name in lower case, with its dot; empty when there is none."""
    stem, dot, tail = name.rpartition(".")
    return f".{tail.lower()}" if dot and stem else ""


def take(
    field: Field, uploads: Sequence[Upload], store: Store | None
) -> tuple[list[FileMeta], list[Refused]]:
    """Check and store uploads: what describes the good ones, and why the others were refused."""
    taken: list[FileMeta] = []
    refused: list[Refused] = []
    for upload in uploads:
        name = _UNSAFE.sub("", re.split(r"[/\\]", upload.filename or "")[-1]).strip(" .")[-120:]
        if not name:
            continue  # an empty file control is sent as a file without a name
        content = upload.read(field.max_size + 1)
        try:
            _check(field, name, content)
        except Refused as refusal:
            refused.append(refusal)
            continue
        digest = hashlib.sha256(content).hexdigest()
        meta = {"name": name, "size": len(content), "type": TYPES[ending(name)][0], "sha256": digest}
        if store is not None:
            store(meta, content)
        taken.append(meta)
    return taken, refused


def _check(field: Field, name: str, content: bytes) -> None:
    """Raise :class:`Refused` for a file that ``field`` does not take."""
    kind = ending(name)
    if kind not in field.accept:
        raise Refused("file_type", name=name, allowed=" ".join(field.accept))
    if not content:
        raise Refused("file_empty", name=name)
    if len(content) > field.max_size:
        raise Refused("file_too_large", name=name, max=field.max_size)
    try:
        contents.check(kind, content)
    except contents.Other as other:
        if other.programs:
            raise Refused("file_programs", name=name) from None
        raise Refused("file_content", name=name, kind=TYPES[kind][1]) from None


def clean_files(field: Field, value: Any) -> Any:
    """A list of descriptions of stored files, each content once."""
    if not isinstance(value, list):
        raise Refused("not_files")
    clean: dict[str, FileMeta] = {}
    for item in value:
        match item:
            case {
                "name": str() as name,
                "size": int() as size,
                "type": str() as media,
                "sha256": str() as digest,
            }:
                pass
            case _:
                raise Refused("not_files")
        expected = TYPES.get(ending(name), ("", ""))[0]
        if len(item) != 4 or isinstance(size, bool) or not _SHA256.match(digest) or _UNSAFE.search(name):
            raise Refused("not_files")
        if ending(name) not in field.accept or media != expected:
            raise Refused("file_type", name=name[:120], allowed=" ".join(field.accept))
        if not 0 < size <= field.max_size:
            raise Refused("file_too_large", name=name[:120], max=field.max_size)
        clean.setdefault(digest, {"name": name[:120], "size": size, "type": media, "sha256": digest})
    return list(clean.values()) or None
