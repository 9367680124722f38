"""The history row: canonical bytes of a command and its effects, chained by SHA-256.

``hash = SHA-256(prev_hash ‖ canonical(case, seq, command, effects, release, engine))``. ``recorded_at`` is not
hashed: it is the only thing that may differ between two runs of the same commands.
"""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from .behaviour import NEWEST

ENGINE = str(NEWEST)  #: the version of behaviour that new rows follow (:mod:`engine.behaviour`)


def canonical(value: Any) -> bytes:
    """The one byte form of plain data (keys sorted, as RFC 8785 orders ASCII keys; no spaces)."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


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
