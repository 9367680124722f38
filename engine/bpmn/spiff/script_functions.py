"""The functions a diagram's scripts, conditions and timers may call. They see only the command's own time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from engine.base.errors import InvalidFile
from engine.base.instants import SHANGHAI, iso
from engine.sla.time_rules import TimeRules

from .logical_clock import current


def _instant(text: str) -> datetime:
    if not isinstance(text, str):
        raise InvalidFile(f"expected an ISO 8601 instant, not {text!r}")
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidFile(f"{text!r} is not an ISO 8601 instant") from None
    if parsed.tzinfo is None:
        raise InvalidFile(f"{text!r} has no zone")
    return parsed.astimezone(UTC)


def local_date(text: str) -> str:
    """The day of an instant in Shanghai, as ``2026-02-13``."""
    return _instant(text).astimezone(SHANGHAI).date().isoformat()


def local_text(text: str) -> str:
    """An instant as people say it in Shanghai: ``2月13日 16:00``."""
    at = _instant(text).astimezone(SHANGHAI)
    return f"{at.month}月{at.day}日 {at:%H:%M}"


def later(a: str | None, b: str | None) -> str | None:
    """The later of two instants; one that is missing does not count."""
    if a is None or b is None:
        return a or b
    return a if _instant(a) >= _instant(b) else b


def hours_between(a: str, b: str) -> float:
    """Hours from instant ``a`` to instant ``b``."""
    return (_instant(b) - _instant(a)).total_seconds() / 3600


def functions(rules: TimeRules) -> dict[str, Callable[..., Any]]:
    """The host functions on a release's parameters and calendar (names: the contract in ``docs/designers.md``)."""

    def now() -> str:
        return iso(current().now)

    def sla_due(parameter: str, start: str | None = None) -> str:
        world = current()
        began = world.now if start is None else _instant(start)
        due = rules.due(parameter, began)
        world.due_call = {"p": parameter, "s": iso(began), "v": int(due.provisional)}
        return iso(due.due)

    def param(parameter: str) -> int | float | str:
        return rules.parameter(parameter).plain

    def after(start: str, duration: str) -> str:
        return iso(rules.after(_instant(start), duration))

    def outside_quiet_hours(instant: str) -> str:
        return iso(rules.outside_quiet_hours(_instant(instant)))

    return {
        "now": now,
        "sla_due": sla_due,
        "param": param,
        "after": after,
        "outside_quiet_hours": outside_quiet_hours,
        "local_date": local_date,
        "local_text": local_text,
        "later": later,
        "hours_between": hours_between,
    }
