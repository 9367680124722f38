"""Rows as their dataclasses say they are. In a database that somebody wrote into, a column may hold anything."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")
_KINDS: dict[str, type] = {"int": int, "bool": bool}


def shaped(shape: Callable[..., T], row: Iterable[Any]) -> T:
    """``row`` as a ``shape``: its fields are texts, whole numbers and truths, with or without ``None``."""
    return shape(
        *(_value(value, kind, null) for value, (kind, null) in zip(row, _fields(shape), strict=True))
    )


@cache
def _fields(shape: Any) -> list[tuple[type, bool]]:
    kinds = [str(one.type) for one in fields(shape)]
    return [(_KINDS.get(kind.partition(" ")[0], str), "None" in kind) for kind in kinds]


def _value(value: Any, kind: type, null: bool) -> Any:
    """The value itself, where it is of its kind; else the nearest that is."""
    if type(value) is kind or (value is None and null):
        return value
    if kind is str:
        return text(value)
    return None if null else kind(value) if isinstance(value, int) else kind()


def text(value: Any) -> str:
    """Any stored value as a text that can be read and written on a page."""
    if isinstance(value, bytes | memoryview):
        return bytes(value).decode("utf-8", "replace")
    return "" if value is None else str(value)
