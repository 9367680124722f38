"""What can be read of a stored command and its effects, when somebody has meddled with them.

Whatever has not the form that the engine writes is left out, so that pages read the rest without asking at each
step. The row itself is shown beside it, and verification says that it is no more what was written.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import orjson

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


def _change(value: Any) -> bool:
    """What happened to a clock; one that got another date says which."""
    if not _record(_text, _text, _any)(value):
        return False
    _, state, detail = value
    moved = state in ("resumed", "moved", "recounted")
    return not moved or (isinstance(detail, list) and bool(detail) and instant(detail[0]))


_COMMAND: dict[str, Check] = {
    "type": _text, "at": _text, "actor": _text, "task": _number, "timer": _number, "clock": _text,
    "data": _mapping(), "process": _text, "reason": _text, "to": _text, "event": _text, "state": _text,
    "detail": _maybe(_text), "action": _text, "incident": _text, "due": _text, "skip": _each(_text),
    "skipped_by": _text, "not_before": _maybe(instant), "respondent": _text, "parent": _text, "external_id": _text,
    "cleared": _each(_text),
}  # fmt: skip
#: of effects that are lists: what each entry is
_ENTRIES: dict[str, Check] = {
    "moves": _record(_number, _text, _text),
    "data": _record(_number, _mapping(), _each(_text)),
    "opened": _record(_number, _text, _text, _maybe(instant)),
    "closed": _number,
    "armed": _record(_number, _text, instant, _maybe(_number)),
    "ended": _number,
    "claimed": _record(_number, _maybe(_text)),
    "clocks": _record(_text, _text, instant, instant, _each(_text), _maybe(_number), _maybe(_text), _any),
    "clock_changes": _change,
    "requests": _mapping(event=_text, service=_text, to=_any, template=_text, text=_text, not_before=instant),
    "linked": _mapping(event=_text, process=_text),
    "suppressed": _text,
    "withdrawn": _text,
    "amended": _text,
    "rescheduled": _record(_number, _maybe(instant)),
    "stuck": _text,
}
_SINGLE: dict[str, Check] = {
    "service": _record(_text, _text, _any),
    "incident": _record(_text, _text),
    "paused": _text,
    "resumed": _any,
    "done": _text,
}


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


def effects(opened: dict[str, Any]) -> dict[str, Any]:
    """What is as effects are; of lists, the entries that are."""
    found = {}
    for name, value in opened.items():
        if name in _ENTRIES:
            kept = [one for one in value if _ENTRIES[name](one)] if isinstance(value, list) else []
            if kept:
                found[name] = kept
        elif _SINGLE.get(name, _any)(value):
            found[name] = value
    return found
