"""How early and how late a day or an instant may be: a slip of the year must not move a limit out of sight.

Every ``date`` and ``datetime`` field has both bounds: its own (``earliest``, ``latest``), or the usual ones.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from engine.base.instants import SHANGHAI
from engine.bpmn.conditions import Condition, ConditionError

from .model import Bound, Field
from .values import Refused

NOW = "now"
_OFFSET = re.compile(r"(-?)P(\d{1,5})D\Z", re.ASCII)
_MINUTE = timedelta(minutes=1)
Functions = Mapping[str, Callable[..., Any]]

EARLIEST = Bound(timedelta(days=-366))  #: where a field says nothing else, or what it names is not known
LATEST = Bound(timedelta(days=60))


@dataclass(frozen=True, slots=True)
class Span:
    """The first and the last instant that a field takes; of a ``date`` field, their days count."""

    first: datetime
    last: datetime

    def check(self, field: Field, value: str) -> None:
        """Raises :class:`Refused` for a clean ``value`` that lies outside."""
        if field.widget == "date":
            day = date.fromisoformat(value)
            early, late = day < _day(self.first), day > _day(self.last)
        else:
            instant = datetime.fromisoformat(value)
            early, late = instant < self.first, instant > self.last
        if early:
            raise Refused("too_early", bound=written(field, self.first))
        if late:
            raise Refused("too_late", bound=written(field, self.last))

    def nearest(self, field: Field, value: datetime) -> str:
        """The stored shape of ``value``, or of the end of the span that it lies beyond."""
        return written(field, min(max(value, self.first), self.last))


def offset_of(text: str) -> timedelta | None:
    """The distance from now that ``now``, ``P60D`` or ``-P30D`` writes; None for anything else."""
    if text == NOW:
        return timedelta()
    shape = _OFFSET.match(text)
    return timedelta(days=int(shape[1] + shape[2])) if shape else None


def span(field: Field, env: Mapping[str, Any], functions: Functions) -> Span:
    """What a ``date`` or ``datetime`` field takes, given the answers and the case's data in ``env``."""
    now = datetime.fromisoformat(functions["now"]())
    first = _instant(field.earliest, EARLIEST, env, functions, now, last=False)
    last = _instant(field.latest, LATEST, env, functions, now, last=True)
    if last < first:  # a limit that has passed already must not make the form unanswerable
        last = max(first, now) + LATEST.offset
    return Span(first, last)


def written(field: Field, instant: datetime) -> str:
    """An instant in the stored shape of the field's widget."""
    if field.widget == "date":
        return _day(instant).isoformat()
    return instant.astimezone(UTC).replace(microsecond=0).isoformat()


def _instant(
    bound: Bound | None,
    usual: Bound,
    env: Mapping[str, Any],
    functions: Functions,
    now: datetime,
    *,
    last: bool,
) -> datetime:
    if bound is not None and bound.expression is not None:
        known = _known(bound.expression, env, functions, last=last)
        if known is not None:
            # Controls ask for minutes, while instants of the engine have seconds: the minute begun counts.
            return known if last else known.replace(second=0, microsecond=0)
        bound = None
    return now + (bound or usual).offset


def _known(
    expression: Condition, env: Mapping[str, Any], functions: Functions, *, last: bool
) -> datetime | None:
    """The instant that ``expression`` gives, of a day its beginning or end; None where there is none."""
    try:
        value = expression.evaluate(env, functions)
        found = datetime.fromisoformat(value)
    except (ConditionError, TypeError, ValueError):
        return None
    if found.tzinfo is not None:
        return found
    day = found.replace(tzinfo=SHANGHAI)
    return day + timedelta(days=1) - _MINUTE if last else day


def _day(instant: datetime) -> date:
    return instant.astimezone(SHANGHAI).date()
