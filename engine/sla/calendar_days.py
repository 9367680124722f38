"""What each date is: a calendar file (``bpmn/calendars/*.json``; format in ``docs/time.md``) as days."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal
from zoneinfo import ZoneInfo

from engine.base.errors import InvalidFile
from engine.base.locales import WRITTEN

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Hours = tuple[tuple[int, int], ...]  #: intervals of one day, in minutes since its midnight (0 to 1440)
DayKind = Literal["workday", "weekend", "holiday", "make_up"]


@dataclass(frozen=True, slots=True)
class Day:
    """What one date is. ``name`` is the holiday (or the one a make-up day pays for) in every locale."""

    date: date
    kind: DayKind
    hours: Hours
    name: Mapping[str, str] | None = None
    guessed: bool = False  #: the year has no data: only the weekday is known


@dataclass(frozen=True)
class CalendarFile:
    """A calendar file, checked. ``years`` holds only the days that differ from their weekday."""

    name: str
    title: Mapping[str, str]
    zone: ZoneInfo
    week: tuple[Hours, ...]  #: Monday first
    years: Mapping[int, Mapping[date, Day]]
    every_year: bool  #: has no holidays, so no year is unknown


def read_calendar_file(raw: object) -> CalendarFile:
    """The parsed JSON of a calendar file, checked.

    Raises :class:`~engine.base.errors.InvalidFile` saying what is wrong.
    """
    if not isinstance(raw, Mapping):
        raise InvalidFile("calendar: the file must hold an object")
    name = str(raw.get("name", "without a name"))
    try:
        week = tuple(_hours(raw["week"][day]) for day in WEEKDAYS)
        if not any(week):
            raise ValueError("no weekday has working hours")
        make_up = _hours(raw.get("make_up", []))
        names = {key: _words(words) for key, words in raw.get("names", {}).items()}
        years = {
            int(year): _special_days(int(year), special, names, make_up)
            for year, special in raw.get("years", {}).items()
        }
        zone = ZoneInfo(raw["zone"])
        return CalendarFile(name, _words(raw["title"]), zone, week, years, raw.get("every_year") is True)
    except KeyError as error:  # a missing key, or a zone nobody knows
        raise InvalidFile(f"calendar {name}: {error.args[0]!r} is missing or unknown") from None
    except (AttributeError, TypeError, ValueError) as error:
        raise InvalidFile(f"calendar {name}: {error}") from None


def _special_days(
    year: int, raw: Mapping[str, Any], names: Mapping[str, Mapping[str, str]], make_up: Hours
) -> dict[date, Day]:
    days: dict[date, Day] = {}
    kinds: tuple[tuple[DayKind, str, Hours], ...] = (
        ("holiday", "holidays", ()),
        ("make_up", "make_up_days", make_up),
    )
    for kind, key, hours in kinds:
        for text, name in raw.get(key, {}).items():
            day = date.fromisoformat(text)
            if day.year != year:
                raise ValueError(f"{text} stands under the year {year}")
            if day in days:
                raise ValueError(f"{text} is both a holiday and a make-up day")
            if kind == "make_up" and not hours:
                raise ValueError("make-up days need the hours 'make_up'")
            days[day] = Day(day, kind, hours, names[name])
    return days


def _words(raw: Mapping[str, str]) -> dict[str, str]:
    return {locale: str(raw[locale]) for locale in WRITTEN}


def _hours(raw: list[list[str]]) -> Hours:
    hours = tuple((_minutes(opening), _minutes(closing)) for opening, closing in raw)
    last = 0
    for opening, closing in hours:
        if not last <= opening < closing:
            raise ValueError(f"the intervals {raw!r} must be in order and must not overlap")
        last = closing
    return hours


def _minutes(text: str) -> int:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d|24:00", text):
        raise ValueError(f"{text!r} is not a time from 00:00 to 24:00")
    return int(text[:2]) * 60 + int(text[3:])
