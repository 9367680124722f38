"""Whole numbers that come with requests, as far as a database column reaches."""

from __future__ import annotations

from typing import Any

from werkzeug.routing import IntegerConverter, Map

MOST = 2**31 - 1


class Number(IntegerConverter):
    """Whole numbers of an address; longer ones lead nowhere (404)."""

    def __init__(self, map: Map, *args: Any, **options: Any) -> None:  # noqa: A002 - werkzeug calls it so
        super().__init__(map, *args, **{"max": MOST, **options})


def whole(text: str) -> int:
    """A whole number of a query or a form; raises ValueError for what is none or is longer."""
    found = int(text)
    if abs(found) > MOST:
        raise ValueError(f"Expected a number up to {MOST}, but it is {text}")
    return found
