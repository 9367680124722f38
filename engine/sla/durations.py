"""Lengths and moments as the parameter table writes them.

| text | meaning |
|---|---|
| ``PT2H`` ``P3D`` ``-P2D`` | elapsed time: nights and holidays count |
| ``PT2WH`` ``P3WD`` ``P0.5WD`` ``PT30WM`` | working time; a working day is 480 working minutes |
| ``R/PT2WH`` | the same, again and again |
| ``T16:00`` ``T15:00 next day`` | a local time on the day, or on the day after |
| ``R/P1W`` ``R/P1M`` ``day 5`` | next Monday 09:00, next month's first instant, next 5th at 00:00 |
| ``T21:00/T09:00`` | a span of every day |
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from fractions import Fraction
from typing import Literal
from zoneinfo import ZoneInfo

from engine.base.errors import InvalidFile

from .calendar import WORKING_DAY

LONGEST = timedelta(days=36525)  #: a longer limit is a slip of the pen
MONDAY_MORNING = time(9)  #: when a weekly report is due

_DAY, _HOUR, _MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
_DATE_UNITS = {"D": _DAY, "W": 7 * _DAY, "WD": WORKING_DAY}
_TIME_UNITS = {"H": _HOUR, "M": _MINUTE, "S": timedelta(seconds=1), "WH": _HOUR, "WM": _MINUTE}
_SHORT_UNITS = {
    "clock": {"d": _DAY, "h": _HOUR, "m": _MINUTE},
    "work": {"d": WORKING_DAY, "h": _HOUR, "m": _MINUTE},
}
_PART = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)(W?[DHM]|[WS])")


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of elapsed (``clock``) or working (``work``) time; ``every`` when it recurs."""

    kind: Literal["clock", "work"]
    length: timedelta
    every: bool = False


@dataclass(frozen=True, slots=True)
class Moment:
    """A rule of the wall clock: the next instant that fits, after a start."""

    rule: Literal["time_of_day", "weekly", "monthly"]
    at: time = time.min
    days: int = 0  #: time_of_day: days after the start's day; monthly: day of the month

    def after(self, start: datetime, zone: ZoneInfo) -> datetime:
        """The instant (UTC): on the day that is named, otherwise the next one later than ``start``."""
        local = start.astimezone(zone)
        day = local.date()
        if self.rule == "time_of_day":
            day += timedelta(days=self.days)
        elif self.rule == "weekly":
            day += timedelta(days=-day.weekday() % 7)
            if datetime.combine(day, self.at, zone) <= local:
                day += timedelta(days=7)
        else:
            day = day.replace(day=self.days)
            if datetime.combine(day, self.at, zone) <= local:
                day = (day.replace(day=1) + timedelta(days=32)).replace(day=self.days)
        return datetime.combine(day, self.at, zone).astimezone(UTC)

    def closes(self, instant: datetime, zone: ZoneInfo) -> str:
        """The last whole week (``2026-W09``) or month (``2026-02``) before ``instant``, as reports ask for it.

        Raises :class:`~engine.base.errors.InvalidFile` for a rule that recurs neither weekly nor monthly.
        """
        day = instant.astimezone(zone).date()
        if self.rule == "weekly":
            year, week, _ = (day - timedelta(days=7)).isocalendar()
            return f"{year:04}-W{week:02}"
        if self.rule == "monthly":
            return f"{day.replace(day=1) - timedelta(days=1):%Y-%m}"
        raise InvalidFile("a time of day closes no week and no month")


@dataclass(frozen=True, slots=True)
class Window:
    """A span of every day, ``begin`` included and ``end`` not; it may cross midnight."""

    begin: time
    end: time

    def leave(self, instant: datetime, zone: ZoneInfo) -> datetime:
        """``instant`` itself when it lies outside, otherwise the end of the span it lies in (UTC)."""
        local = instant.astimezone(zone)
        at, crosses = local.time(), self.end <= self.begin
        if (at >= self.begin or at < self.end) if crosses else self.begin <= at < self.end:
            day = local.date() + timedelta(days=crosses and at >= self.begin)
            local = datetime.combine(day, self.end, zone)
        return local.astimezone(UTC)


def parse_duration(text: str) -> Duration:
    """The length that ``text`` writes (``PT2H``, ``P0.5WD``, ``R/PT2WH``).

    Raises :class:`~engine.base.errors.InvalidFile`.
    """
    shape = re.fullmatch(r"(R/)?(-)?P([^T]*)(?:T(.+))?", text)
    parts = [
        (units, match)
        for units, part in ((_DATE_UNITS, shape[3]), (_TIME_UNITS, shape[4] or ""))
        for match in _split(part, text)
    ] if shape else []  # fmt: skip
    if shape is None or not parts:
        raise InvalidFile(f"{text!r} is not a duration; write PT2H, P3D, PT2WH, P0.5WD …")
    kinds = {"work" if len(unit) == 2 else "clock" for _, (_, unit) in parts}
    if len(kinds) > 1:
        raise InvalidFile(f"{text!r} mixes elapsed and working time; use one of them")
    length = timedelta()
    for units, (number, unit) in parts:
        if unit not in units:
            raise InvalidFile(
                f"{text!r}: {number}{unit} has no fixed length or stands on the wrong side of T"
            )
        length += _times(number, units[unit], text)
    if length > LONGEST or not length:
        raise InvalidFile(f"{text!r} must be longer than nothing and at most 100 years")
    return Duration("work" if "work" in kinds else "clock", -length if shape[2] else length, bool(shape[1]))


def parse_moment(text: str) -> Moment:
    """The wall-clock rule that ``text`` writes (``T15:00 next day``, ``R/P1M``, ``day 5``).

    Raises :class:`~engine.base.errors.InvalidFile`.
    """
    if text == "R/P1W":
        return Moment("weekly", MONDAY_MORNING)
    if text == "R/P1M":
        return Moment("monthly", days=1)
    if match := re.fullmatch(r"day ([1-9]|1\d|2[0-8])", text):
        return Moment("monthly", days=int(match[1]))
    if match := re.fullmatch(r"(T\d\d:\d\d)( next day)?", text):
        return Moment("time_of_day", _time(match[1]), int(bool(match[2])))
    raise InvalidFile(
        f"{text!r} is not a moment; write T15:00, T15:00 next day, R/P1W, R/P1M, day 5 (1 to 28)"
    )


def parse_window(text: str) -> Window:
    """The span of the day that ``text`` writes (``T21:00/T09:00``).

    Raises :class:`~engine.base.errors.InvalidFile`.
    """
    begin, slash, end = text.partition("/")
    if not slash:
        raise InvalidFile(f"{text!r} is not a span of the day; write T21:00/T09:00")
    return Window(_time(begin), _time(end))


def parse_short(text: str, kind: Literal["clock", "work"]) -> Duration:
    """A length as the command line takes it: ``90m``, ``8h``, ``3d``, ``1d4h`` (a working day: 480 minutes).

    Raises :class:`~engine.base.errors.InvalidFile`.
    """
    if not re.fullmatch(r"(\d{1,9}(\.\d{1,6})?[dhm])+", text):
        raise InvalidFile(f"{text!r} is not a duration; write 90m, 8h or 3d")
    units = _SHORT_UNITS[kind]
    parts = re.findall(r"([\d.]+)([dhm])", text)
    length = sum((_times(number, units[unit], text) for number, unit in parts), timedelta())
    if length > LONGEST or not length:
        raise InvalidFile(f"{text!r} must be longer than nothing and at most 100 years")
    return Duration(kind, length)


def _split(part: str, text: str) -> list[tuple[str, str]]:
    if "".join(match[0] for match in _PART.finditer(part)) != part:
        raise InvalidFile(f"{text!r} is not a duration; write PT2H, P3D, PT2WH, P0.5WD …")
    return _PART.findall(part)


def _times(number: str, unit: timedelta, text: str) -> timedelta:
    seconds = Fraction(number) * int(unit.total_seconds())
    if seconds.denominator != 1 or seconds > 10**10:
        raise InvalidFile(f"{text!r} must be whole seconds, and not more than 100 years")
    return timedelta(seconds=int(seconds))


def _time(text: str) -> time:
    if not re.fullmatch(r"T([01]\d|2[0-3]):[0-5]\d", text):
        raise InvalidFile(f"{text!r} is not a time of day; write T09:00")
    return time.fromisoformat(text[1:])
