"""Scenario files: a list of scenarios each, in ``bpmn/scenarios/``, as lint reads them and the engine plays them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.base.errors import InvalidFile
from engine.base.safe_parsing import safe_json

FOLDER = "bpmn/scenarios/"
NEEDED = ("process", "name", "source", "start_at", "steps")


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
    return [s for path in sorted(files) if path.startswith(FOLDER) for s in read(files[path], path)]


def read(body: bytes, path: str) -> list[Scenario]:
    """The scenarios of one file; raises :class:`InvalidFile`."""
    return list(_read(path, body))


def _read(path: str, body: bytes) -> Iterator[Scenario]:
    raw = safe_json(body, path)
    if not isinstance(raw, list):
        raise InvalidFile(f"{path}: a scenario file is a list of scenarios")
    for number, item in enumerate(raw, 1):
        match item:
            case {
                "process": str(process),
                "name": str(name),
                "source": str(source),
                "start_at": str(start_at),
                "steps": list(steps),
            } if all(isinstance(step, dict) for step in steps):
                try:
                    instant(start_at)
                except InvalidFile as error:
                    raise InvalidFile(f"{path}: scenario {number}: 'start_at': {error}") from error
                start = item.get("start", {})
                if not isinstance(start, dict):
                    raise InvalidFile(
                        f"{path}: scenario {number}: 'start' must be an object, not {start!r:.40}"
                    )
                yield Scenario(path, process, name, source, start_at, start, steps)
            case _:
                lacks = [key for key in NEEDED if key not in item] if isinstance(item, dict) else list(NEEDED)
                raise InvalidFile(
                    f"{path}: scenario {number} lacks {lacks or 'texts, or steps that are objects'}"
                )


def instant(text: object) -> datetime:
    """``text`` as an aware instant; raises :class:`InvalidFile` for anything else."""
    if not isinstance(text, str):
        raise InvalidFile(f"{text!r:.40} is no ISO 8601 instant")
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidFile(f"{text!r} is no ISO 8601 instant") from None
    if parsed.tzinfo is None:
        raise InvalidFile(f"{text!r} has no zone")
    if not 2000 <= parsed.year < 2100:
        raise InvalidFile(f"{text!r} is not in this century")
    return parsed
