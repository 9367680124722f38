"""How golden histories lie on the disk: one file a version and process, each release once by its digest.

``v1/billing_dispute.json.gz`` holds cases, each with its sealing key and its rows as stored; ``releases/<digest>.zip``
the files of the release they ran on. Both are written so that the same content gives the same bytes.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

from engine.case.store import HistoryRow
from engine.release.release import Release, sha256

FOLDER = Path(__file__).parent
RELEASES = FOLDER / "releases"
SUMS = FOLDER / "SHA256SUMS"  #: the digest of every file here, as it was when it was recorded
_BYTES = ("command", "effects", "prev_hash", "hash")
_LONG_AGO = (1980, 1, 1, 0, 0, 0)  #: of the files in an archive, so that the same files give the same bytes


@dataclass(frozen=True)
class GoldenCase:
    """One case as it was recorded. ``key`` is None where the customer was erased."""

    case_id: str
    process: str
    release: str  #: digest of its release
    key: bytes | None
    rows: tuple[HistoryRow, ...]


def digest(files: Mapping[str, bytes]) -> str:
    """SHA-256 (hex) over the sorted paths of a release and the digests of their bytes."""
    lines = "".join(f"{sha256(files[path])}  {path}\n" for path in sorted(files))
    return hashlib.sha256(lines.encode()).hexdigest()


def write_release(files: Mapping[str, bytes]) -> str:
    """Keep the files of a release; returns its digest."""
    name = digest(files)
    RELEASES.mkdir(exist_ok=True)
    with zipfile.ZipFile(RELEASES / f"{name}.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(files):
            archive.writestr(zipfile.ZipInfo(path, _LONG_AGO), files[path], zipfile.ZIP_DEFLATED)
    return name


@lru_cache(maxsize=2)  # a compiled release is some forty megabytes
def release_of(name: str) -> Release:
    """A kept release, compiled on first use."""
    with zipfile.ZipFile(RELEASES / f"{name}.zip") as archive:
        files = {path: archive.read(path) for path in archive.namelist()}
    assert digest(files) == name, f"the files of release {name[:12]} are no more those that were recorded"
    return Release(1, files)


def write_cases(path: Path, recorded: Iterable[GoldenCase]) -> None:
    """Write the cases of one file; the same cases give the same bytes."""
    plain = [_plain(case) for case in recorded]
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as file:
        file.write(orjson.dumps(plain, option=orjson.OPT_INDENT_2))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(packed.getvalue())


def read_cases(path: Path) -> list[GoldenCase]:
    """The cases of one file."""
    return [_case(plain) for plain in orjson.loads(gzip.decompress(path.read_bytes()))]


def recorded_files() -> list[Path]:
    """Every file of golden histories, by version and process."""
    return sorted(FOLDER.glob("v*/*.json.gz"))


def kept_files() -> list[Path]:
    """Every file that may never change: the histories and the releases they ran on."""
    return [*recorded_files(), *sorted(RELEASES.glob("*.zip"))]


def _plain(case: GoldenCase) -> dict[str, Any]:
    rows = [
        {name: _text(value) if name in _BYTES else value for name, value in asdict(row).items()}
        for row in case.rows
    ]
    key = None if case.key is None else _text(case.key)
    return {
        "case": case.case_id,
        "process": case.process,
        "release": case.release,
        "key": key,
        "rows": rows,
    }


def _case(plain: dict[str, Any]) -> GoldenCase:
    rows = tuple(HistoryRow(**_opened(row)) for row in plain["rows"])
    key = None if plain["key"] is None else base64.b64decode(plain["key"])
    return GoldenCase(plain["case"], plain["process"], plain["release"], key, rows)


def _opened(row: dict[str, Any]) -> dict[str, Any]:
    return {name: base64.b64decode(value) if name in _BYTES else value for name, value in row.items()}


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()
