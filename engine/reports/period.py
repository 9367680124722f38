"""The period of a report: whole local days in Shanghai. A case belongs to the period of its close (seed 004:548)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from engine.base.errors import Rejected
from engine.base.instants import SHANGHAI

LONGEST = timedelta(days=3 * 366)
MANY_DAYS = 62  #: a longer period is told by months

_YEAR = re.compile(r"(\d{4})\Z", re.ASCII)
_MONTH = re.compile(r"(\d{4})-(\d{2})\Z", re.ASCII)
_WEEK = re.compile(r"(\d{4})-W(\d{2})\Z", re.ASCII)
_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})\Z", re.ASCII)
_RANGE = re.compile(r"(\d{4}-\d{2}-\d{2})\.\.(\d{4}-\d{2}-\d{2})\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Period:
    """Local days from ``first`` up to, but not including, ``end``; ``text`` is how it is asked for."""

    text: str
    first: date
    end: date

    @property
    def kind(self) -> str:
        """``year``, ``month``, ``week``, ``day`` or ``range``."""
        shapes = {"year": _YEAR, "month": _MONTH, "week": _WEEK, "day": _DAY}
        return next((kind for kind, shape in shapes.items() if shape.match(self.text)), "range")

    @property
    def begins(self) -> str:
        """The instant of its first midnight (ISO text, UTC)."""
        return _midnight(self.first)

    @property
    def ends(self) -> str:
        """The first instant after it (ISO text, UTC)."""
        return _midnight(self.end)

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.end - self.first).days

    @property
    def _shape(self) -> str:
        return "%Y-%m" if self.days > MANY_DAYS else "%Y-%m-%d"

    def course(self) -> dict[str, list[str]]:
        """Its days, or months when they are many, each with an empty list, in order."""
        days = (self.first + timedelta(days=n) for n in range(self.days))
        return {day.strftime(self._shape): [] for day in days}

    def part_of(self, instant: str) -> str:
        """The key of :meth:`course` under which an instant falls."""
        return local_day(instant).strftime(self._shape)

    def beside(self, steps: int) -> Period:
        """The period of the same kind ``steps`` later (earlier when negative)."""
        match self.kind:
            case "year":
                return parse(f"{self.first.year + steps:04}")
            case "month":
                months = self.first.year * 12 + self.first.month - 1 + steps
                return parse(f"{months // 12:04}-{months % 12 + 1:02}")
            case "week":
                return week_of(self.first + timedelta(days=7 * steps))
            case "day":
                return parse((self.first + timedelta(days=steps)).isoformat())
        first = self.first + timedelta(days=self.days * steps)
        return parse(f"{first}..{first + timedelta(days=self.days)}")


def parse(text: str) -> Period:
    """``2015``, ``2015-05``, ``2015-W20``, ``2015-05-20`` or ``2015-05-01..2015-06-01`` (end not included).

    Raises :class:`Rejected` for anything else and for periods over three years.
    """
    try:
        first, end = _bounds(text.strip())
        period = Period(text.strip(), first, end)
        _ = period.begins, period.ends
    except (ValueError, OverflowError) as error:
        raise no_period(text) from error
    if not timedelta(0) < end - first <= LONGEST:
        raise Rejected("Expected a period of one day to three years, but it is {text!r}", text=text)
    return period


def no_period(text: str) -> Rejected:
    """What is said of a text that is no period: how one is written."""
    return Rejected(
        "Expected a period such as 2015-05, 2015-W20, 2015-05-20 or 2015-05-01..2015-06-01, but it is {text!r}",
        text=text[:40],
    )


def _bounds(text: str) -> tuple[date, date]:
    if found := _RANGE.match(text):
        return date.fromisoformat(found[1]), date.fromisoformat(found[2])
    if found := _DAY.match(text):
        day = date.fromisoformat(found[1])
        return day, day + timedelta(days=1)
    if found := _WEEK.match(text):
        monday = date.fromisocalendar(int(found[1]), int(found[2]), 1)
        return monday, monday + timedelta(days=7)
    if found := _MONTH.match(text):
        first = date(int(found[1]), int(found[2]), 1)
        return first, (first + timedelta(days=31)).replace(day=1)
    if found := _YEAR.match(text):
        return date(int(found[1]), 1, 1), date(int(found[1]) + 1, 1, 1)
    raise ValueError(text)


def week_of(day: date) -> Period:
    """The ISO week of a day."""
    year, week, _ = day.isocalendar()
    return parse(f"{year:04}-W{week:02}")


def month_of(day: date) -> Period:
    """The month of a day."""
    return parse(f"{day.year:04}-{day.month:02}")


def local_day(instant: str) -> date:
    """The local day of an ISO instant."""
    return datetime.fromisoformat(instant).astimezone(SHANGHAI).date()


def _midnight(day: date) -> str:
    return datetime.combine(day, time(), SHANGHAI).astimezone(UTC).isoformat(timespec="seconds")
