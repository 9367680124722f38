"""What can be read of a stored command and its effects, when somebody has meddled with them.

Whatever has not the form that the engine writes is left out, so that pages read the rest without asking at each
step. The row itself is shown beside it, and verification says that it is no more what was written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import Any, get_args, get_origin

import msgspec
import orjson

from engine.base.facts import INSTANT, OPENED, ClockChanged, ClockState, Effects

Check = Callable[[Any], bool]


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _number(value: Any) -> bool:
    return type(value) is int


def instant(value: Any) -> bool:
    """Whether a value is an instant of time, as text."""
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _any(_: Any) -> bool:
    return True


def _maybe(check: Check) -> Check:
    return lambda value: value is None or check(value)


def _mapping(**parts: Check) -> Check:
    """An object with at least these parts."""
    return lambda value: (
        isinstance(value, dict) and all(k in value and ok(value[k]) for k, ok in parts.items())
    )


def _record(*parts: Check) -> Check:
    """A list with these parts in order."""
    return lambda value: (
        isinstance(value, list)
        and len(value) == len(parts)
        and all(ok(one) for ok, one in zip(parts, value, strict=True))
    )


def _each(check: Check) -> Check:
    return lambda value: isinstance(value, list) and all(map(check, value))


_COMMAND: dict[str, Check] = {
    "type": _text, "at": _text, "actor": _text, "task": _number, "timer": _number, "clock": _text,
    "data": _mapping(), "process": _text, "reason": _text, "to": _text, "event": _text, "state": _text,
    "detail": _maybe(_text), "action": _text, "incident": _text, "due": _text, "skip": _each(_text),
    "skipped_by": _text, "not_before": _maybe(instant), "respondent": _text, "parent": _text, "external_id": _text,
    "cleared": _each(_text), "requested_by": _text,
}  # fmt: skip


def value(stored: Any) -> Any:
    """What stored JSON holds; None where it is none."""
    try:
        return orjson.loads(bytes(stored) if isinstance(stored, memoryview) else stored)
    except (ValueError, TypeError):
        return None


def parsed(stored: Any) -> dict[str, Any]:
    """The object that stored JSON holds; nothing where it is none."""
    found = value(stored)
    return found if isinstance(found, dict) else {}


def command(opened: dict[str, Any]) -> dict[str, Any]:
    """What is as commands have it."""
    return {name: value for name, value in opened.items() if _COMMAND.get(name, _any)(value)}


def effects(opened: Mapping[str, Any]) -> Effects:
    """What is as effects are; of those that are many, the ones that are."""
    found = Effects()
    for name, (many, kind) in _EFFECTS.items():
        if name not in opened:
            continue
        held = opened[name]
        if not many:
            kept = _fact(kind, held)
        elif isinstance(held, list):
            kept = [fact for one in held if (fact := _fact(kind, one)) is not None]
        else:
            continue
        if kept is not None:
            setattr(found, name, kept)
    return found


def _fact(kind: Any, held: Any) -> Any:
    """A stored value as the fact of a ``kind`` that it is; None where it is none."""
    try:
        fact = msgspec.convert(held, kind)
    except msgspec.ValidationError:
        return None
    return fact if _in_order(kind, fact) else None


def _in_order(kind: Any, fact: Any) -> bool:
    """Whether instants are instants, and texts were opened: what types alone do not say."""
    if isinstance(fact, ClockChanged):
        return _detail_in_order(fact)
    if isinstance(fact, msgspec.Struct):
        return all(_in_order(part, getattr(fact, name)) for name, part in _parts(type(fact)))
    check = _CHECKS.get(_mark(kind))
    return check is None or fact is None or check(fact)


def _detail_in_order(change: ClockChanged) -> bool:
    try:
        if change.state.redated:
            now = change.now
            return _in_order(type(now), now)
        return (change.state is ClockState.PAUSED and change.remaining >= 0) or instant(change.instant)
    except msgspec.ValidationError:
        return False


@cache
def _parts(kind: type[msgspec.Struct]) -> list[tuple[str, Any]]:
    return [(part.name, part.type) for part in msgspec.structs.fields(kind)]


@cache
def _mark(kind: Any) -> str | None:
    """What a type of :mod:`engine.base.facts` says of its values beside their form."""
    for one in (kind, *get_args(kind)):
        for said in get_args(one)[1:]:
            if isinstance(said, msgspec.Meta) and said.extra is not None:
                return str(said.extra["is"])
    return None


def _of(kind: Any) -> tuple[bool, Any]:
    """Whether an effect is many, and what each is."""
    for one in (kind, *get_args(kind)):
        if get_origin(one) is list:
            return True, get_args(one)[0]
    return False, kind


_CHECKS: dict[str | None, Check] = {INSTANT: instant, OPENED: _text}
_EFFECTS = {name: _of(kind) for name, kind in _parts(Effects)}
