"""Business calendars: how working time passes.

A calendar is data (``bpmn/calendars/*.json``): the hours of each weekday, and for every year the public
holidays and the make-up working days (调休). A year without data is refused, never guessed; only the variant
:attr:`Calendar.provisional` guesses, and who uses it says so.

Instants are aware datetimes; results are in UTC. Counting is done in whole microseconds over one table a year
(opening and closing instants with the working time before them), so an answer costs two binary searches.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from engine.base.errors import UnknownYear
from engine.base.safe_parsing import safe_json

from .calendar_days import CalendarFile, Day, read_calendar_file

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
WORKING_DAY = timedelta(minutes=480)  #: 1 工作日; 0.5 of it is 4 working hours


@dataclass(frozen=True, slots=True)
class Segment:
    """One day of an explanation: the local ``spans`` that counted; none means the day was skipped."""

    day: Day
    spans: tuple[tuple[datetime, datetime], ...]

    @property
    def worked(self) -> timedelta:
        """Working time of this day that counted."""
        return sum((closing - opening for opening, closing in self.spans), timedelta())


@dataclass(frozen=True, slots=True)
class _Table:
    """Intervals of one year in microseconds since 1970, and the working time before and after each."""

    opens: list[int]
    closes: list[int]
    before: list[int]
    after: list[int]
    total: int

    def worked_by(self, instant: int) -> int:
        """Working time of the year that has passed by ``instant``."""
        i = bisect_right(self.opens, instant) - 1
        return 0 if i < 0 else self.before[i] + min(instant, self.closes[i]) - self.opens[i]

    def reached(self, amount: int) -> int:
        """Earliest instant by which ``amount`` (0 < amount ≤ total) has passed: may be a closing instant."""
        i = bisect_left(self.after, amount)
        return self.opens[i] + amount - self.before[i]


class Calendar:
    """Working time of one place. Immutable; made by :meth:`load`."""

    def __init__(self, file: CalendarFile, *, guess: bool = False) -> None:
        self.file, self._guess = file, guess
        self.name, self.title, self.zone = file.name, file.title, file.zone
        self._tables: dict[int, _Table] = {}

    @classmethod
    def load(cls, source: bytes | Mapping[str, Any]) -> Calendar:
        """The calendar of a JSON file (its bytes, or the parsed object); see ``docs/time.md`` for the format.

        Raises :class:`~engine.base.errors.InvalidFile` saying what is wrong with the file.
        """
        return cls(read_calendar_file(safe_json(source, "calendar") if isinstance(source, bytes) else source))

    @cached_property
    def provisional(self) -> Calendar:
        """This calendar, but years without data have weekdays only: for dates that are marked provisional."""
        return self if self._guess or self.file.every_year else Calendar(self.file, guess=True)

    @property
    def ends_at(self) -> datetime | None:
        """First instant that the data no longer covers (UTC); None for a calendar without end."""
        if self.file.every_year:
            return None
        return datetime(max(self.file.years, default=1970) + 1, 1, 1, tzinfo=self.zone).astimezone(UTC)

    def covers(self, year: int) -> bool:
        """Whether the calendar has data of ``year``."""
        return self.file.every_year or year in self.file.years

    def add_working(self, start: datetime, minutes: int) -> datetime:
        """Earliest instant (UTC) by which ``minutes`` of working time have passed since ``start``.

        It may be a closing instant (12:00, not 13:00). A start outside working time moves to the next
        opening. Raises :class:`~engine.base.errors.UnknownYear` when the count runs into a year without data.
        """
        return self.add(start, timedelta(minutes=minutes))

    def add(self, start: datetime, worked: timedelta) -> datetime:
        """:meth:`add_working` for any length ≥ 0, exact to the microsecond."""
        instant, amount, year = _micros(start), worked // MICROSECOND, start.astimezone(self.zone).year
        if amount < 0:
            raise ValueError("working time cannot be negative; use subtract")
        table = self._table(year)
        if amount == 0:
            return self._in_working_time(table, instant, year)
        amount += table.worked_by(instant)
        while amount > table.total:
            amount -= table.total
            year += 1
            table = self._table(year)
        return _instant(table.reached(amount))

    def subtract(self, end: datetime, worked: timedelta) -> datetime:
        """Earliest instant (UTC) from which exactly ``worked`` of working time passes until ``end``."""
        amount, year = worked // MICROSECOND, end.astimezone(self.zone).year
        if amount <= 0:
            raise ValueError("working time to go back must be positive")
        table = self._table(year)
        have = table.worked_by(_micros(end))
        while amount >= have:
            amount -= have
            year -= 1
            table = self._table(year)
            have = table.total
        return _instant(table.reached(have - amount))

    def working_minutes(self, start: datetime, end: datetime) -> float:
        """Working minutes between two instants; negative when ``end`` is before ``start``."""
        return self.between(start, end) / timedelta(minutes=1)

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Working time between two instants; negative when ``end`` is before ``start``."""
        if end < start:
            return -self.between(end, start)
        first, last = start.astimezone(self.zone).year, end.astimezone(self.zone).year
        passed = self._table(last).worked_by(_micros(end)) - self._table(first).worked_by(_micros(start))
        return timedelta(microseconds=passed + sum(self._table(year).total for year in range(first, last)))

    def is_working(self, instant: datetime) -> bool:
        """Whether ``instant`` lies in working time, opening and closing instants included."""
        table = self._table(instant.astimezone(self.zone).year)
        i = bisect_left(table.closes, _micros(instant))
        return i < len(table.opens) and table.opens[i] <= _micros(instant)

    def explain(self, start: datetime, minutes: int) -> list[Segment]:
        """Day by day, from ``start`` to the due day, what :meth:`add_working` counted and what it skipped."""
        return self.segments(start, self.add_working(start, minutes))

    def segments(self, start: datetime, end: datetime) -> list[Segment]:
        """Day by day, the working time between two instants."""
        begin, finish = start.astimezone(self.zone), end.astimezone(self.zone)
        found = []
        for offset in range((finish.date() - begin.date()).days + 1):
            day = self.day(begin.date() + timedelta(days=offset))
            spans = []
            for opening, closing in _bounds(day, self.zone):
                spans.append((max(opening, begin), min(closing, finish)))
            found.append(Segment(day, tuple(span for span in spans if span[0] < span[1])))
        return found

    def day(self, on: date) -> Day:
        """What ``on`` is. Raises :class:`~engine.base.errors.UnknownYear` for a year without data."""
        known = self.covers(on.year)
        if not (known or self._guess):
            raise self._unknown(on.year)
        if known and (special := self.file.years.get(on.year, {}).get(on)):
            return special
        hours = self.file.week[on.weekday()]
        return Day(on, "workday" if hours else "weekend", hours, guessed=not known)

    def _in_working_time(self, table: _Table, instant: int, year: int) -> datetime:
        i = bisect_left(table.closes, instant)
        while i == len(table.opens):
            year, i = year + 1, 0
            table = self._table(year)
        return _instant(max(instant, table.opens[i]))

    def _table(self, year: int) -> _Table:
        found = self._tables.get(year)
        if found is None:
            # Two threads may both compute it; they compute the same.
            found = self._tables[year] = self._build(year)
        return found

    def _build(self, year: int) -> _Table:
        if not (self._guess or self.covers(year)) or not MINYEAR < year < MAXYEAR:
            raise self._unknown(year)
        table = _Table([], [], [], [], 0)
        total = 0
        for offset in range((date(year + 1, 1, 1) - date(year, 1, 1)).days):
            for opening, closing in _bounds(self.day(date(year, 1, 1) + timedelta(days=offset)), self.zone):
                table.opens.append(_micros(opening))
                table.closes.append(_micros(closing))
                table.before.append(total)
                total += table.closes[-1] - table.opens[-1]
                table.after.append(total)
        return _Table(table.opens, table.closes, table.before, table.after, total)

    def _unknown(self, year: int) -> UnknownYear:
        years = self.file.years
        return UnknownYear(
            "calendar {name!r} does not cover {year} (it covers {since} to {until}): holidays and make-up days of "
            "that year are not known, so no date is guessed. Publish a calendar file with that year.",
            name=self.name,
            year=year,
            since=min(years, default="–"),
            until=max(years, default="–"),
        )


def _bounds(day: Day, zone: ZoneInfo) -> list[tuple[datetime, datetime]]:
    """Opening and closing instants of a day, local."""
    midnight = datetime.combine(day.date, time.min, zone)
    # Adding to a local time moves the hands of the clock, which is what opening hours mean.
    return [
        (midnight + timedelta(minutes=opening), midnight + timedelta(minutes=closing))
        for opening, closing in day.hours
    ]


def _micros(instant: datetime) -> int:
    if instant.tzinfo is None:
        raise ValueError("a date and time without a zone is no instant")
    return (instant - EPOCH) // MICROSECOND


def _instant(micros: int) -> datetime:
    return EPOCH + timedelta(microseconds=micros)
