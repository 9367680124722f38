"""Cursors: where the next page of a list begins."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

import orjson

from engine.base.texts import storable


def encode_cursor(cursor: Sequence[str | int] | None) -> str | None:
    """A page cursor as text for an address."""
    return base64.urlsafe_b64encode(orjson.dumps(cursor)).decode().rstrip("=") if cursor else None


def decode_cursor(text: str | None) -> list[str | int] | None:
    """The cursor in an address; None for none, or for one that somebody made up."""
    if not text:
        return None
    try:
        cursor = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error):
        return None
    good = isinstance(cursor, list) and all(
        (isinstance(part, str) and storable(part)) or (isinstance(part, int) and abs(part) < 1 << 63)
        for part in cursor
    )
    return cursor if good else None
