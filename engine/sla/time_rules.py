"""When a named limit falls due, when it warns, what a pause does to it, and why.

A ``clock`` limit counts nights and holidays, a ``work`` limit counts the business calendar only. Where the
calendar has no data for a year, due times are computed on weekdays alone and marked provisional: no case
stops for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from engine.base.errors import InvalidFile, UnknownYear
from engine.base.instants import SHANGHAI
from engine.base.locales import in_language

from . import time_words
from .calendar import Calendar
from .calendar_days import CalendarFile
from .durations import Duration, Moment, Window, parse_duration
from .parameters import Parameter, load_parameters

__all__ = [
    "DueDate", "Parameter", "TimeRules", "after", "due", "due_after_pause", "explain_due", "load_parameters",
    "outside_quiet_hours", "remaining", "warn_instants",
]  # fmt: skip

SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class DueDate:
    """When a limit ends (UTC); ``provisional`` when holidays of a year it runs into are not known yet."""

    due: datetime
    provisional: bool


def due(parameter: Parameter, start: datetime, calendar: Calendar) -> DueDate:
    """When ``parameter`` falls due if counting starts at ``start``.

    Raises :class:`~engine.base.errors.InvalidFile` for a parameter that is no limit in time.
    """
    limit = parameter.limit
    if parameter.clock == "manual" or not isinstance(limit, Duration | Moment):
        raise InvalidFile(
            f"{parameter.id} ({parameter.value}) has no due time: its clock is {parameter.clock}"
        )
    if isinstance(limit, Moment):
        return DueDate(limit.after(start, calendar.zone), False)
    return after(start, limit, calendar)


def after(start: datetime, duration: Duration, calendar: Calendar) -> DueDate:
    """The instant ``duration`` after ``start``, on weekdays alone (provisional) where a year is unknown."""
    if duration.kind == "clock":
        return DueDate((start + duration.length).astimezone(UTC), False)
    try:
        return DueDate(calendar.add(start, duration.length), False)
    except UnknownYear:
        return DueDate(calendar.provisional.add(start, duration.length), True)


def warn_instants(parameter: Parameter, start: datetime, due: datetime, calendar: Calendar) -> list[datetime]:
    """When to warn before ``due`` (UTC, earliest first): at 0.8 of the working time for work clocks.

    Counted back from ``due`` by what is left of the limit, so a pause moves warnings with the due time.
    A due time agreed earlier than the limit's own shortens the whole span.
    """
    work, known = _counts_work(parameter), calendar.provisional
    span = known.between(start, due) if work else due - start
    if isinstance(parameter.limit, Duration):
        span = min(span, parameter.limit.length)
    instants = set()
    for share in parameter.warn:
        left = span - (share if isinstance(share, timedelta) else span * share.numerator / share.denominator)
        if timedelta() < left < span:
            instants.add(known.subtract(due, left) if work else (due - left).astimezone(UTC))
    return sorted(instants)


def remaining(parameter: Parameter, now: datetime, due: datetime, calendar: Calendar) -> int:
    """Whole seconds left until ``due`` (working seconds for work clocks), rounded up; never below 0."""
    if now >= due:
        return 0
    left = calendar.provisional.between(now, due) if _counts_work(parameter) else due - now
    return -(-left // SECOND)


def due_after_pause(
    parameter: Parameter, resumed_at: datetime, remaining: int, calendar: Calendar
) -> DueDate:
    """When a limit falls due that had ``remaining`` seconds left and runs again from ``resumed_at``."""
    kind: Literal["clock", "work"] = "work" if _counts_work(parameter) else "clock"
    return after(resumed_at, Duration(kind, timedelta(seconds=remaining)), calendar)


def outside_quiet_hours(instant: datetime, parameters: Mapping[str, Parameter]) -> datetime:
    """The earliest instant (UTC) not before ``instant`` at which a customer may be called unasked."""
    quiet = parameters.get("QUIET_HOURS")
    if quiet is None or not isinstance(quiet.limit, Window):
        return instant.astimezone(UTC)
    return quiet.limit.leave(instant, SHANGHAI)


def explain_due(
    parameter: Parameter, start: datetime, calendar: Calendar, locale: str, due_now: datetime | None = None
) -> list[str]:
    """Why ``parameter``, counted from ``start``, falls due when it does: lines for people, last the due time.

    ``due_now`` is the clock's present due time, named when pauses or a recorded change moved it.
    """
    found = due(parameter, start, calendar)
    lines = time_words.counted(
        parameter.limit if isinstance(parameter.limit, Duration) else parameter.value,
        start, found.due, calendar, locale,
        name=in_language(parameter.name, locale), anchor=in_language(parameter.anchor, locale),
    )  # fmt: skip
    if due_now is not None and due_now != found.due:
        lines.append(time_words.moved(due_now, calendar.zone, locale))
    if parameter.unconfirmed:
        lines.append(time_words.unconfirmed(locale))
    return lines


class TimeRules:
    """The parameters and the calendar of one release: what diagrams, clocks and pages ask about time."""

    def __init__(self, parameters: Mapping[str, Parameter], calendar: Calendar) -> None:
        self.parameters, self.calendar = parameters, calendar

    @classmethod
    def empty(cls) -> TimeRules:
        """Rules of a release without a table: no parameter is known, every hour is working time."""
        always = CalendarFile("none", {}, SHANGHAI, (((0, 1440),),) * 7, {}, every_year=True)
        return cls({}, Calendar(always))

    def parameter(self, name: str) -> Parameter:
        """The row called ``name``. Raises :class:`~engine.base.errors.InvalidFile`."""
        try:
            return self.parameters[name]
        except KeyError:
            raise InvalidFile(f"{name!r} is not a parameter of the decision table sla.dmn") from None

    def due(self, name: str, start: datetime) -> DueDate:
        """:func:`due` of the parameter ``name``."""
        return due(self.parameter(name), start, self.calendar)

    def number(self, name: str) -> int | float:
        """The number of a count, or a length in (working) hours.

        Raises :class:`~engine.base.errors.InvalidFile` for a parameter that is a word.
        """
        value = self.parameter(name).plain
        if isinstance(value, str):
            raise InvalidFile(f"{name} is {value!r}, not a number")
        return value

    def choice(self, name: str) -> str:
        """The word of a parameter that is a choice."""
        return str(self.parameter(name).plain)

    def after(self, start: datetime, text: str) -> datetime:
        """The instant a written duration (``PT2H``, ``PT2WH``) after ``start``."""
        return after(start, parse_duration(text), self.calendar).due

    def warn_instants(self, name: str, start: datetime, due: datetime) -> list[datetime]:
        """:func:`warn_instants` of the parameter ``name``."""
        return warn_instants(self.parameter(name), start, due, self.calendar)

    def pausable(self, name: str) -> bool:
        """Whether the limit stops while the case waits for the customer."""
        return self.parameter(name).pausable

    def remaining(self, name: str, now: datetime, due: datetime) -> int:
        """:func:`remaining` of the parameter ``name``."""
        return remaining(self.parameter(name), now, due, self.calendar)

    def due_after_pause(self, name: str, resumed_at: datetime, remaining: int) -> datetime:
        """:func:`due_after_pause` of the parameter ``name``."""
        return due_after_pause(self.parameter(name), resumed_at, remaining, self.calendar).due

    def outside_quiet_hours(self, instant: datetime) -> datetime:
        """:func:`outside_quiet_hours` with these parameters."""
        return outside_quiet_hours(instant, self.parameters)


def _counts_work(parameter: Parameter) -> bool:
    return isinstance(parameter.limit, Duration) and parameter.limit.kind == "work"
