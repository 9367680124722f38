"""The history row: canonical bytes of a command and its effects, chained by SHA-256.

``hash = SHA-256(prev_hash ‖ canonical(case, seq, command, effects, release, engine))``. ``recorded_at`` is not
hashed: it is the only thing that may differ between two runs of the same commands.
"""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from .behaviour import NEWEST

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
    case_id: str, seq: int, command: bytes, effects: bytes, release: int, engine: str, prev_hash: bytes
) -> bytes:
    """The hash of a row. ``command`` and ``effects`` are the stored bytes."""
    text = orjson.dumps
    # Canonical by construction: sorted keys around parts that are canonical. Copying them once more costs a third.
    row = b'{"case":%b,"command":%b,"effects":%b,"engine":%b,"release":%b,"seq":%b}' % (
        text(case_id), command, effects, text(engine), text(release), text(seq),
    )  # fmt: skip
    return hashlib.sha256(prev_hash + row).digest()
