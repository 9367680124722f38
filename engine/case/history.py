"""The history row: canonical bytes of a command and its effects, chained by SHA-256.

``hash = SHA-256(prev_hash ‖ canonical(row))``, where the row has case, seq, command, effects, release and engine, and
since :data:`~engine.case.behaviour.RECORDING_PROVED` (format 2) recorded_at. Which format a row has follows from the
version of behaviour that its engine names, and that is hashed too.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

import orjson

from engine.base.errors import GongdanError

from .behaviour import NEWEST, RECORDING_PROVED, version

ENGINE = str(NEWEST)  #: the version of behaviour that new rows follow (:mod:`engine.case.behaviour`)


def canonical(value: Any) -> bytes:
    """The one byte form of plain data (keys sorted, as RFC 8785 orders ASCII keys; no spaces)."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


_SHOWN = 160  #: characters of an effect that a difference quotes


def difference(recorded: bytes, found: bytes) -> str | None:
    """What differs between recorded effects and those of executing the row again; None when they are the same bytes."""
    if recorded == found:
        return None
    try:
        was, now = orjson.loads(recorded), orjson.loads(found)
        kind = next(key for key in sorted({*was, *now}) if was.get(key) != now.get(key))
    except (ValueError, TypeError, AttributeError, StopIteration):
        return "re-execution gives other effects"
    return (
        f"re-execution gives other effects: {kind} is recorded as {_quoted(was.get(kind))}, "
        f"and executing gives {_quoted(now.get(kind))}"
    )


def _quoted(value: Any) -> str:
    text = "nothing" if value is None else canonical(value).decode()
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def chain(
    case_id: str,
    seq: int,
    command: bytes,
    effects: bytes,
    release: int,
    engine: str,
    prev_hash: bytes,
    recorded_at: str,
) -> bytes:
    """The hash of a row. ``command`` and ``effects`` are the stored bytes."""
    text = orjson.dumps
    # Canonical by construction: sorted keys around parts that are canonical. Copying them once more costs a third.
    recorded = b'"recorded_at":%b,' % text(recorded_at) if row_format(engine) >= 2 else b""
    row = b'{"case":%b,"command":%b,"effects":%b,"engine":%b,%b"release":%b,"seq":%b}' % (
        text(case_id), command, effects, text(engine), recorded, text(release), text(seq),
    )  # fmt: skip
    return hashlib.sha256(prev_hash + row).digest()


@cache
def row_format(engine: str) -> int:
    """The format of a row that names this version of behaviour: which of its columns the hash covers."""
    try:
        return 2 if version(engine) >= RECORDING_PROVED.since else 1
    except GongdanError:  # there is no such version: verification says so
        return 2
