"""Scenario files: a list of scenarios each, in ``bpmn/scenarios/``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.errors import InvalidFile
from engine.xml import safe_json

FOLDER = "bpmn/scenarios/"


@dataclass(frozen=True, slots=True)
class Scenario:
    """One way through a process. ``steps`` are plain data, checked as they run."""

    path: str
    process: str
    name: str
    source: str
    start_at: str
    start: Mapping[str, Any]
    steps: list[dict[str, Any]]


def load(files: Mapping[str, bytes]) -> list[Scenario]:
    """The scenarios among ``files`` (path → bytes); raises :class:`InvalidFile` for one that cannot be used."""
    return [s for path in sorted(files) if path.startswith(FOLDER) for s in _read(path, files[path])]


def _read(path: str, body: bytes) -> Iterator[Scenario]:
    raw = safe_json(body, path)
    if not isinstance(raw, list):
        raise InvalidFile(f"{path}: a scenario file is a list of scenarios")
    for item in raw:
        try:
            yield Scenario(
                path=path,
                process=item["process"],
                name=item["name"],
                source=item["source"],
                start_at=item["start_at"],
                start=item.get("start", {}),
                steps=item["steps"],
            )
        except (KeyError, TypeError) as error:
            raise InvalidFile(f"{path}: a scenario lacks {error}") from None


def instant(text: str) -> datetime:
    """``text`` as an aware instant; raises :class:`InvalidFile`."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidFile(f"{text!r} is no ISO 8601 instant") from None
    if parsed.tzinfo is None:
        raise InvalidFile(f"{text!r} has no zone")
    return parsed
